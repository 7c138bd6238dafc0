/* What is mounted in a container that is made. */
#ifndef CB_CONTAINER_MOUNTS_H
#define CB_CONTAINER_MOUNTS_H

#include "container/record.h"

/* What OPTIONS and the image ask to be mounted, in CONTAINER; volumes are made, and
 * filled from ROOT where the image has something and they have nothing. */
int cb_container_make_mounts(struct cb_store *store, struct cb_container *container,
                             int root, struct cb_error **err);
/* The images that OPTIONS ask to be mounted, by name. USAGE. */
int cb_container_list_images(const struct cb_container_options *options,
                             struct cb_strings *out, struct cb_error **err);
/* The directories of the host that it has mounted, for its record. */
int cb_container_list_binds(struct cb_store *store, struct cb_container *container,
                            struct cb_error **err);
/* Checks what can be checked before anything is made. USAGE with docker's words. */
int cb_container_check_mounts(const struct cb_container_options *options,
                              struct cb_error **err);

#endif
