/* What docker puts into the root of each container that it starts, and programs look for:
 * /.dockerenv says that they are in one, /etc/mtab what is mounted. */
#ifndef CB_CONTAINER_MARKS_H
#define CB_CONTAINER_MARKS_H

#include "store/snapshot.h"

#include <sys/stat.h>

/* Into the root ROOT_FD, where there is none; a root that takes none does without. */
void cb_container_mark(int root_fd);
/* The same before SNAPSHOT, which is active, has a root: 1, or 0 where that is of no use.
 */
int cb_container_mark_layer(struct cb_snapshot *snapshot);
/* Before it is removed, which then finds nothing if nothing else was written. */
void cb_container_unmark_layer(struct cb_snapshot *snapshot);
/* Is PATH ("etc/mtab") one of these? They are neither changes of the container nor part
 * of an image that is made of it. */
int cb_container_is_mark(const char *path, const struct stat *st);

#endif
