/* Checkpoints: what a container's processes are, saved by criu in a directory that has
 * the checkpoint's name, in the container's own directory or in one that somebody names:
 *
 *   config.json   its name, and what the processes were given from outside; made last
 *   lock          held by who is at it
 *   *.img         criu's
 *   dump.log, restore.log
 *
 * One without config.json was not finished. Others may not write to any of it: criu does
 * as root what is in there. */
#ifndef CB_CONTAINER_CHECKPOINT_H
#define CB_CONTAINER_CHECKPOINT_H

#include "container/record.h"

/* Where they are: DIR as somebody named it, or for NULL the container's own. The
 * checkpoint's name is docker's argument to go with errors. */
struct cb_checkpoint_place {
    const struct cb_container *container;
    const char *called; /* the container, as it was named */
    const char *dir;    /* or NULL */
};

/* Has CONTAINER processes that can be saved? UNSUPPORTED, with why not. */
int cb_checkpoint_check(const struct cb_container *container, struct cb_error **err);
/* The names of all, sorted. */
int cb_checkpoints_list(const struct cb_checkpoint_place *place, struct cb_strings *out,
                        struct cb_error **err);
/* Saves the processes of one that runs; it ends then, unless it is to go on. EXISTS for a
 * name that is taken. What goes wrong leaves no checkpoint, and the container running. */
int cb_checkpoint_create(const struct cb_checkpoint_place *place, const char *name,
                         int leave_running, struct cb_cancel *cancel,
                         struct cb_error **err);
int cb_checkpoint_remove(const struct cb_checkpoint_place *place, const char *name,
                         struct cb_error **err);
/* Of one that is there: its directory. NOT_FOUND; DENIED where others may write to it. */
int cb_checkpoint_open(const struct cb_checkpoint_place *place, const char *name, int *fd,
                       struct cb_error **err);

#endif
