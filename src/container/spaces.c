/* Asked of the container's monitor each time one that shares them starts: the container
 * that owns them may have been started anew since. */
#include "container/spaces.h"

#include "container/ask-priv.h"
#include "container/joins.h"

#include <sched.h>
#include <string.h>

#define OWNER "container:"

/* 0 is one that was never opened: the standard files always are. */
static void close_space(struct cb_space *space)
{
    if (space->fd > 0)
        cb_close(&space->fd);
    if (space->mounts_fd > 0)
        cb_close(&space->mounts_fd);
}

void cb_spaces_clear(struct cb_spaces *spaces)
{
    close_space(&spaces->pid);
    close_space(&spaces->ipc);
}

const char *cb_space_owner(const char *mode)
{
    return mode && strncmp(mode, OWNER, strlen(OWNER)) == 0 && mode[strlen(OWNER)]
               ? mode + strlen(OWNER)
               : NULL;
}

/* 1: *MODE names a container. */
static int keep_id(struct cb_store *store, struct cb_container *container,
                   const char **mode, struct cb_error **err)
{
    const char *owner = cb_space_owner(*mode);
    cb_auto(cb_container) other = NULL;

    if (!owner)
        return 0;
    if (cb_container_find(store, owner, &other, err) < 0)
        return -1;
    cb_strings_take(&container->texts, xasprintf(OWNER "%s", other->id));
    *mode = container->texts.items[container->texts.count - 1];
    return 1;
}

int cb_spaces_keep_ids(struct cb_store *store, struct cb_container *container,
                       struct cb_error **err)
{
    struct cb_run_request *request = &container->options.request;
    struct cb_join join = {0};
    int shares_network;

    if (keep_id(store, container, &request->pid, err) < 0 ||
        keep_id(store, container, &request->ipc, err) < 0)
        return -1;
    shares_network = keep_id(store, container, &request->network, err);
    if (shares_network <= 0)
        return shares_network;
    join.network = (char *)request->network;
    cb_strings_free(&request->networks);
    cb_strings_take(&request->networks, cb_join_text(&join));
    return 0;
}

static int find_owner(struct cb_store *store, const char *what, const char *owner,
                      struct cb_container **out, struct cb_error **err)
{
    if (cb_container_find(store, owner, out, err) == 0)
        return 0;
    return cb_error_wrap(err, "cannot join %s of container %s", what, owner);
}

static int check(struct cb_store *store, const char *what, const char *mode,
                 struct cb_error **err)
{
    const char *owner = cb_space_owner(mode);
    cb_auto(cb_container) other = NULL;

    return owner ? find_owner(store, what, owner, &other, err) : 0;
}

int cb_spaces_check(struct cb_store *store, const struct cb_run_request *request,
                    struct cb_error **err)
{
    return check(store, "PID", request->pid, err) < 0
               ? -1
               : check(store, "IPC", request->ipc, err);
}

static int ask(struct cb_container *other, int kind, int *fd, struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_SPACE, .a = kind};

    if (cb_monitor_ask(other, &message, NULL, fd, err) < 0)
        return -1;
    return *fd < 0 ? cb_error_set(err, CB_ERR_INTEGRITY, "no namespace was sent") : 0;
}

/* Docker keeps what is private to one container from all others. */
static int check_shareable(const struct cb_container *other, struct cb_error **err)
{
    const char *mode = other->options.request.ipc;

    if (mode && *mode && strcmp(mode, "private") != 0 && strcmp(mode, "none") != 0)
        return 0;
    cb_error_set(err, CB_ERR_USAGE, "cannot join IPC of container %s: non-shareable IPC",
                 other->id);
    return cb_error_hint(err, "run it with --ipc shareable");
}

static int open_space(struct cb_space *out, struct cb_store *store, const char *what,
                      int kind, const char *mode, struct cb_error **err)
{
    const char *owner = cb_space_owner(mode);
    cb_auto(cb_container) other = NULL;

    if (!owner)
        return 0;
    if (find_owner(store, what, owner, &other, err) < 0)
        return -1;
    if (!cb_container_is_running(other))
        return cb_error_set(err, CB_ERR_USAGE,
                            "cannot join %s of a non running container: %s", what,
                            other->id);
    if (kind == CLONE_NEWIPC && check_shareable(other, err) < 0)
        return -1;
    if (ask(other, kind, &out->fd, err) < 0 ||
        ask(other, CLONE_NEWNS, &out->mounts_fd, err) < 0)
        return cb_error_wrap(err, "cannot join %s of container %s", what, owner);
    return 0;
}

int cb_spaces_open(struct cb_spaces *out, struct cb_store *store,
                   const struct cb_run_request *request, struct cb_error **err)
{
    *out = (struct cb_spaces){{-1, -1}, {-1, -1}};
    return open_space(&out->pid, store, "PID", CLONE_NEWPID, request->pid, err) < 0
               ? -1
               : open_space(&out->ipc, store, "IPC", CLONE_NEWIPC, request->ipc, err);
}
