/* Descriptors that somebody has left us, and others are not to have. */
#ifndef CB_BASE_DESCRIPTORS_H
#define CB_BASE_DESCRIPTORS_H

#include <stddef.h>

/* Closes all descriptors from FIRST on, now or when a program is executed. PROC_FD: a
 * procfs, or AT_FDCWD where /proc is one. */
void cb_descriptors_close(int proc_fd, int first, int on_exec);
/* Closes all but the lowest three and COUNT others. */
void cb_descriptors_keep(int proc_fd, const int *keep, size_t count);

#endif
