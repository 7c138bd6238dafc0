/* Making a container. */
#ifndef CB_CONTAINER_CREATE_H
#define CB_CONTAINER_CREATE_H

#include "container/record.h"

/* Makes a container of OPTIONS, whose request has the image. Nothing runs. USAGE for
 * wrong options, EXISTS with docker's words for a name that is taken. Who has *OUT is
 * still at it, for others. CANCEL ends the waits, and the filling of volumes. */
int cb_container_create(struct cb_store *store,
                        const struct cb_container_options *options,
                        struct cb_cancel *cancel, struct cb_container **out,
                        struct cb_error **err);
/* 1: it was never started, and whoever made it has not let go of it: `run` is going to
 * start it. */
int cb_container_is_being_made(const struct cb_container *container);
/* Makes CONTAINER, which runs in the foreground already, known to others. It has an id, a
 * state and a snapshot, which goes with who runs it. *HELD is what a monitor holds. */
int cb_container_enlist(struct cb_store *store,
                        const struct cb_container_options *options,
                        struct cb_container *container, struct cb_cancel *cancel,
                        struct cb_lock **held, struct cb_error **err);

#endif
