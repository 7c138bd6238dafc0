/* What docker puts into the root of each container that it starts, and programs look for:
 * /.dockerenv says that they are in one, /etc/mtab what is mounted; and in /etc the empty
 * files that its own hostname, hosts and resolv.conf are mounted on. */
#ifndef CB_CONTAINER_MARKS_H
#define CB_CONTAINER_MARKS_H

#include <sys/stat.h>

/* Into the root ROOT_FD, where there is none; a root that takes none does without. 0, or
 * -1: another time it might take more of them. */
int cb_container_mark(int root_fd);
/* Which marks these are; another letter for others. */
#define CB_CONTAINER_MARKS "a"
/* They are in ROOT_FD since another container's start: their times are of now. */
void cb_container_mark_anew(int root_fd);
/* Is there one at PATH ("etc/mtab") in each container? What is put in its place is a
 * change, and nothing that was added. */
int cb_container_has_mark(const char *path);
/* Is PATH one of these? They are neither changes of the container nor part
 * of an image that is made of it. */
int cb_container_is_mark(const char *path, const struct stat *st);

#endif
