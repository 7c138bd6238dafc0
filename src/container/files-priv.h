/* Inside of container/files.h: how volumes come on top of a container's layers. */
#ifndef CB_CONTAINER_FILES_PRIV_H
#define CB_CONTAINER_FILES_PRIV_H

#include "container/files.h"

/* Nothing of what is mounted afterwards is seen by others, nor left behind. */
int cb_files_leave_namespace(struct cb_error **err);
/* Where TARGET is in ROOT, for what SOURCE is; made where it is missing. A descriptor. */
int cb_files_open_target(int root, const char *target, int source, struct cb_error **err);

/* ── files-bind.c ── */
/* Is this a kernel, or a sandbox, without the calls for mounts by descriptor? */
int cb_files_must_bind(void);
/* All that CONTAINER has mounted, by mount(2). FILES' root is then another descriptor. */
int cb_files_bind_all(struct cb_store *store, const struct cb_container *container,
                      struct cb_cancel *cancel, struct cb_container_files *files,
                      struct cb_error **err);

#endif
