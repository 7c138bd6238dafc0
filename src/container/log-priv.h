/* The files of a log, for who reads them. Private to this directory. */
#ifndef CB_CONTAINER_LOG_PRIV_H
#define CB_CONTAINER_LOG_PRIV_H

#include "container/log.h"

/* File 0 is "log", others are "log.N". -1 with errno. */
int cb_log_open_file(int dir_fd, unsigned file);
unsigned cb_log_oldest(int dir_fd);
/* Where the last LINES lines begin, or all with -1: the file, standing there; -1 with
 * errno. A line that is not yet whole is not counted. */
int cb_log_open_at(int dir_fd, int64_t lines);

#endif
