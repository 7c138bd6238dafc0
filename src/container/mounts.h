/* What is mounted in a container that is made. */
#ifndef CB_CONTAINER_MOUNTS_H
#define CB_CONTAINER_MOUNTS_H

#include "container/record.h"
#include "container/volume.h"

struct cb_snapshots {
    struct cb_snapshot **items;
    size_t count, capacity;
};
/* For a container that is being made. */
struct cb_mount_making {
    struct cb_store *store;
    struct cb_container *container;
    int root; /* its files */
    struct cb_cancel *cancel;
    struct cb_volume_holds *holds;  /* gets its volumes, until its record has them */
    struct cb_snapshots *snapshots; /* and the images of others, until it pins them */
};
/* What its options and its image ask to be mounted, in the container; volumes are made,
 * and filled from its files where the image has something and they have nothing, which
 * may take long. */
int cb_container_make_mounts(const struct cb_mount_making *making, struct cb_error **err);
/* Pins the images that it has mounted. */
int cb_container_pin_images(struct cb_store *store, const struct cb_container *container,
                            struct cb_error **err);
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
