/* Namespaces of other containers: --pid and --ipc container:X. Private to this
 * directory. */
#ifndef CB_CONTAINER_SPACES_H
#define CB_CONTAINER_SPACES_H

#include "container/record.h"

struct cb_space {
    int fd, mounts_fd; /* of the container that shares it, or -1 */
};
struct cb_spaces {
    struct cb_space pid, ipc;
};
void cb_spaces_clear(struct cb_spaces *spaces);
CB_AUTO_VALUE_DEFINE(cb_spaces, cb_spaces_clear)

/* "container:X": X; else NULL. */
const char *cb_space_owner(const char *mode);
/* Of those whose namespaces or network CONTAINER is to share it keeps the ids: who was
 * meant stays so under another name. NOT_FOUND. */
int cb_spaces_keep_ids(struct cb_store *store, struct cb_container *container,
                       struct cb_error **err);
/* Those whose namespaces are asked for must be there. NOT_FOUND. */
int cb_spaces_check(struct cb_store *store, const struct cb_run_request *request,
                    struct cb_error **err);
/* They must run, and share them. USAGE with docker's words. */
int cb_spaces_open(struct cb_spaces *out, struct cb_store *store,
                   const struct cb_run_request *request, struct cb_error **err);

#endif
