/* Making a container. */
#ifndef CB_CONTAINER_CREATE_H
#define CB_CONTAINER_CREATE_H

#include "container/record.h"

/* Makes a container of OPTIONS, whose request has the image's configuration and
 * filesystem; IMAGE_ID is "sha256:…". Nothing runs. USAGE for wrong options, EXISTS with
 * docker's words for a name that is taken. Who has *OUT is still at it, for others. */
int cb_container_create(struct cb_store *store,
                        const struct cb_container_options *options, const char *image_id,
                        struct cb_container **out, struct cb_error **err);
/* 1: it was never started, and whoever made it has not let go of it: `run` is going to
 * start it. */
int cb_container_is_being_made(const struct cb_container *container);
/* Makes CONTAINER, which runs in the foreground already, known to others. It has an id, a
 * state and a snapshot, which goes with who runs it. *HELD is what a
 * monitor holds. */
int cb_container_enlist(struct cb_store *store,
                        const struct cb_container_options *options, const char *image_id,
                        struct cb_container *container, struct cb_cancel *cancel,
                        struct cb_lock **held, struct cb_error **err);
/* Its record is gone. */
void cb_container_delist(struct cb_store *store, const struct cb_container *container);
/* SNAPSHOT is kept for as long as it is there; what it writes to is found by
 * cb_container_snapshot. */
int cb_container_pin(const struct cb_container *container, struct cb_snapshot *snapshot,
                     struct cb_error **err);
void cb_container_unpin(struct cb_store *store, const struct cb_container *container);
/* Removes it, which does not run, and with VOLUMES its anonymous volumes. */
int cb_container_remove(struct cb_store *store, struct cb_container *container,
                        int volumes, struct cb_error **err);
/* The same for one that may be started just now: EXISTS if it runs. Waits for the monitor
 * of one that has ended. */
int cb_container_remove_ended(struct cb_store *store, struct cb_container *container,
                              int volumes, struct cb_cancel *cancel,
                              struct cb_error **err);
/* 1: *LOCK is that of its monitor, so nobody starts or removes it; 0: it runs. */
int cb_container_hold_ended(struct cb_container *container, struct cb_cancel *cancel,
                            struct cb_lock **lock, struct cb_error **err);
/* For who changes its configuration: nobody else does while *LOCK is held, and what
 * others have changed is read. Comes before the lock of its monitor. */
int cb_container_begin_change(struct cb_store *store, struct cb_container *container,
                              struct cb_cancel *cancel, struct cb_lock **lock,
                              struct cb_error **err);
/* Removes what is left of one whose record cannot be read and whose id begins with
 * PREFIX, if there is just one: returns 1. Else nothing is done: 0. EXISTS if its
 * monitor lives. */
int cb_container_discard(struct cb_store *store, const char *prefix,
                         struct cb_error **err);
/* EXISTS with docker's words for a name that is taken. */
int cb_container_rename(struct cb_store *store, struct cb_container *container,
                        const char *name, struct cb_error **err);
/* It is told no more of the container that it calls ALIAS, from its next start on.
 * NOT_FOUND. */
int cb_container_unlink(struct cb_store *store, struct cb_container *container,
                        const char *alias, struct cb_error **err);
/* The filesystem it writes to. NOT_FOUND when it is lost. */
int cb_container_snapshot(struct cb_store *store, const struct cb_container *container,
                          struct cb_snapshot **out, struct cb_error **err);

/* ── mounts.c ── */
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
