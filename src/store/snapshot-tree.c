/* The trees of snapshots: a plain directory where there is one layer, else what the
 * driver makes of the stack. Every mount is made anew and detached; nobody has to
 * take it down. */
#include "store/snapshot-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_directory(struct cb_store *store, const char *path, int *fd,
                          struct cb_error **err)
{
    *fd =
        openat(store->snapshots_fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0)
        return cb_error_errno(err, errno, "open `%s/snapshots/%s`", store->root, path);
    return 0;
}

/* Whether it is settled is noted before it is: who opens the tree meanwhile is seen by
 * the next. */
static int begin_to_settle(struct cb_snapshot *snapshot)
{
    int settled;

    if (!snapshot->store->driver->settle || snapshot->row.committed || !snapshot->parent)
        return 0;
    pthread_mutex_lock(&snapshot->store->mutex);
    settled = snapshot->settled;
    snapshot->settled = 1;
    pthread_mutex_unlock(&snapshot->store->mutex);
    return !settled;
}

static void unsettle(struct cb_snapshot *snapshot)
{
    pthread_mutex_lock(&snapshot->store->mutex);
    snapshot->settled = 0;
    snapshot->was_mounted = 1;
    snapshot->has_new_work = 0;
    pthread_mutex_unlock(&snapshot->store->mutex);
}

int cb_snapshot_settle(struct cb_snapshot *snapshot, struct cb_error **err)
{
    struct cb_store *store = snapshot->store;
    cb_autofd int own = -1, parent = -1;

    if (!begin_to_settle(snapshot))
        return 0;
    if (open_directory(store, snapshot->row.id, &own, err) == 0 &&
        open_directory(store, snapshot->parent->row.id, &parent, err) == 0 &&
        store->driver->settle(own, parent, store->boot_id, err) == 0)
        return 0;
    unsettle(snapshot);
    return cb_error_wrap(err, "layer of snapshot `%s`", snapshot->row.id);
}

int cb_snapshot_open_upper(struct cb_snapshot *snapshot, int *fd, struct cb_error **err)
{
    cb_autofree char *path = cb_snapshot_path(snapshot, "fs");
    int upper;

    if (cb_snapshot_settle(snapshot, err) < 0)
        return -1;
    upper = openat(snapshot->store->snapshots_fd, path,
                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (upper < 0)
        return cb_error_errno(err, errno, "open snapshot `%s`", path);
    *fd = upper;
    return 0;
}

struct layers {
    CB_VEC(int) fds;
};
static void layers_close(struct layers *layers)
{
    cb_vec_foreach (fd, &layers->fds) {
        cb_close(fd);
    }
    cb_vec_free(&layers->fds);
}

/* Down to the ground, or to a layer that hides all below it. A layer in which nothing is
 * costs each mount as much as any other, so only the topmost, whose root directory is the
 * tree's, is one in any case. */
static int open_layers(struct cb_snapshot *top, struct layers *out, struct cb_error **err)
{
    struct cb_snapshot *at;

    for (at = top; at; at = at->row.cut ? NULL : at->parent) {
        cb_autofree char *path = cb_snapshot_path(at, "fs");
        int fd;

        if (at != top && at->row.is_empty && !at->row.cut)
            continue;
        fd = openat(at->store->snapshots_fd, path,
                    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return cb_error_errno(err, errno, "open snapshot `%s`", path);
        cb_vec_push(&out->fds, fd);
    }
    return 0;
}

/* The work directory is made for the first mount: a layer that is only written to
 * directly never has one. */
static int open_work(struct cb_snapshot *snapshot, int *work, struct cb_error **err)
{
    struct cb_store *store = snapshot->store;
    cb_autofree char *path = cb_snapshot_path(snapshot, "work");
    cb_autofd int own = -1;

    if (!snapshot->has_new_work && mkdirat(store->snapshots_fd, path, 0700) < 0) {
        if (errno != EEXIST)
            return cb_error_errno(err, errno, "mkdir `%s/snapshots/%s`", store->root,
                                  path);
        if (open_directory(store, snapshot->row.id, &own, err) < 0 ||
            store->driver->reset_work(own, err) < 0)
            return -1;
    }
    return open_directory(store, path, work, err);
}

void cb_snapshot_tidy_work(const struct cb_snapshot *active)
{
    struct cb_store *store = active->store;
    cb_autofd int own = -1;

    if (active->parent && open_directory(store, active->row.id, &own, NULL) == 0)
        store->driver->reset_work(own, NULL);
}

static int open_writable_dirs(struct cb_snapshot *snapshot, int *upper, int *work,
                              struct cb_error **err)
{
    cb_autofree char *path = cb_snapshot_path(snapshot, "fs");

    if (open_work(snapshot, work, err) < 0)
        return -1;
    return open_directory(snapshot->store, path, upper, err);
}

static int attach(const struct cb_store *store, int fd, const char *place,
                  struct cb_error **err)
{
    if (!store->attach || access(place, F_OK) == 0)
        return 0;
    if (mkdir(place, 0700) < 0 ||
        syscall(SYS_move_mount, fd, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return cb_error_errno(err, errno, "attach a mount to `%s`", place);
    return 0;
}

/* A mount that is not detached has a place. */
static void remember_attached(struct cb_snapshot *snapshot, const char *place)
{
    if (access(place, F_OK) < 0)
        return;
    pthread_mutex_lock(&snapshot->store->mutex);
    cb_strings_add(&snapshot->attached, place);
    pthread_mutex_unlock(&snapshot->store->mutex);
}

void cb_snapshot_detach(struct cb_snapshot *snapshot)
{
    cb_auto_value(cb_strings) places = {0};

    pthread_mutex_lock(&snapshot->store->mutex);
    places = snapshot->attached;
    snapshot->attached = (struct cb_strings){0};
    pthread_mutex_unlock(&snapshot->store->mutex);
    cb_vec_foreach (place, &places)
        cb_mount_point_release(*place);
}

int cb_snapshot_open_root(struct cb_snapshot *snapshot, int *fd, struct cb_error **err)
{
    struct cb_store *store = snapshot->store;
    __attribute__((cleanup(layers_close))) struct layers layers = {0};
    cb_autofd int upper = -1;
    cb_autofd int work = -1;
    cb_autofd int empty = -1;
    cb_autofd int place = -1;
    cb_autofree char *name = NULL;
    cb_autofree char *mount_point = NULL;
    struct cb_stack stack;
    /* in a store that cannot be written to it is one more layer to read */
    int active = !snapshot->row.committed && !store->read_only, failed;
    struct cb_snapshot *top = active ? snapshot->parent : snapshot;

    if (!snapshot->parent)
        return cb_snapshot_open_upper(snapshot, fd, err);
    if (open_layers(top, &layers, err) < 0 ||
        open_directory(store, top->row.id, &place, err) < 0)
        return -1;
    if (active && open_writable_dirs(snapshot, &upper, &work, err) < 0)
        return -1;
    empty = openat(store->root_fd, "empty", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (empty < 0)
        return cb_error_errno(err, errno, "open `%s/empty`", store->root);
    name = cb_store_temporary_name(store);
    mount_point = xasprintf("%s/tmp/%s", store->root, name);
    stack = (struct cb_stack){.layers = layers.fds.items,
                              .count = layers.fds.count,
                              .upper_fd = upper,
                              .work_fd = work,
                              .empty_fd = empty,
                              .mount_point = mount_point,
                              .place_fd = place,
                              .boot_id = store->boot_id};
    if (active)
        unsettle(snapshot);
    if (store->driver->open_root(&stack, fd, err) < 0)
        return cb_error_wrap(err, "mount snapshot `%s`", snapshot->row.id);
    if (active && store->driver->has_plain_work)
        cb_snapshot_watch_mount(snapshot, *fd);
    failed = attach(store, *fd, mount_point, err) < 0;
    remember_attached(snapshot, mount_point);
    if (failed)
        cb_close(fd);
    return failed ? -1 : 0;
}
