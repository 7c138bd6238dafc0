/* What a record says is mounted → mounts of a process. Private to this directory. */
#ifndef CB_CONTAINER_MOUNT_OPEN_H
#define CB_CONTAINER_MOUNT_OPEN_H

#include "container/record.h"
#include "container/spec.h"

/* Adds the mounts of CONTAINER to SPEC, in its monitor. What is not there any more is an
 * error. */
int cb_run_spec_add_mounts(struct cb_run_spec *spec, struct cb_store *store,
                           const struct cb_container *container, struct cb_cancel *cancel,
                           struct cb_error **err);
/* The same for -v of a container without a record, whose sources are paths. */
int cb_run_spec_add_binds(struct cb_run_spec *spec, const struct cb_strings *volumes,
                          struct cb_error **err);
/* -v ...:U: what SPEC mounts becomes its user's, who is looked up in ROOT. Comes before
 * the start. */
int cb_run_spec_own_mounts(const struct cb_run_spec *spec, int root,
                           struct cb_error **err);

/* What is mounted, for who looks into a container that does not run: 1 and its
 * descriptor, of a directory, a file, or a mount that is attached nowhere; 0: it is not
 * there any more, or was only there while the container ran. */
int cb_container_mount_source(struct cb_store *store,
                              const struct cb_container_mount *mount,
                              struct cb_cancel *cancel, int *fd, struct cb_error **err);

#endif
