/* Whether mounts made below a directory of the host show up in a container, and those
 * made there on the host. Private to this directory. */
#ifndef CB_CONTAINER_PROPAGATION_H
#define CB_CONTAINER_PROPAGATION_H

#include "base/error.h"

/* Is TEXT one of rprivate, rshared, rslave, private, shared, slave? */
int cb_propagation_is_known(const char *text);
/* MS_SHARED, MS_SLAVE, or 0 for NULL and the private ones. */
unsigned long cb_propagation_flag(const char *text);
/* What FD, opened as SOURCE, is mounted on must itself be shared, or for a slave at least
 * a slave: else nothing would come through, whatever was asked for. USAGE. */
int cb_propagation_check(const char *text, int fd, const char *source,
                         struct cb_error **err);

#endif
