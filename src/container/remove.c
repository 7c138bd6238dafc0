/* Removing. Whoever holds the lock of a container's monitor keeps it from being started
 * meanwhile. */
#include "container/remove.h"

#include "base/fs.h"
#include "container/holder.h"
#include "container/journal.h"
#include "container/pin.h"
#include "container/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHORT_ID_DIGITS 12
#define NAP_MS          10

/* ── What is left ── */

/* The directory stays for the next sweep as long as something is kept in its name: the
 * index of a full disk may not be written to. */
void cb_container_clear_away(struct cb_store *store, int dir, const char *id)
{
    if (cb_container_unpin_id(store, id, NULL) == 0)
        cb_fs_remove_tree(dir, id, NULL);
}

void cb_containers_sweep(struct cb_store *store, int dir)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(dir, &names, NULL) < 0)
        return;
    cb_vec_foreach (name, &names) {
        cb_autofree char *config = xasprintf("%s/config.json", *name);
        struct stat st;

        if (strlen(*name) == CB_CONTAINER_ID_DIGITS &&
            ((fstatat(dir, config, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) ||
             cb_container_is_abandoned(dir, *name)))
            cb_container_clear_away(store, dir, *name);
    }
}

static void remove_volumes(struct cb_store *store, const struct cb_container *container,
                           struct cb_scratch **aside)
{
    cb_vec_foreach (mount, &container->mounts) {
        cb_auto(cb_volume) volume = NULL;

        if (mount->name && !mount->was_named &&
            cb_volume_find(store, mount->name, &volume, NULL) == 0 && volume->anonymous)
            cb_volume_take_out(store, mount->name, aside, NULL); /* unless another's */
    }
}

static int keep_volumes(struct cb_store *store, const struct cb_container *container,
                        struct cb_error **err)
{
    cb_vec_foreach (mount, &container->mounts) {
        if (mount->name && cb_volume_keep(store, mount->name, err) < 0)
            return -1;
    }
    return 0;
}

void cb_container_delist(struct cb_store *store, const struct cb_container *container)
{
    cb_autofree char *path = xasprintf("containers/%s", container->id);

    unlinkat(container->dir_fd, "config.json", 0);
    cb_fs_remove_tree(cb_store_root_fd(store), path, NULL);
}

/* ── One that has ended ── */

static int take_out(struct cb_store *store, struct cb_container *container, int volumes,
                    struct cb_scratch **aside, struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    if (cb_containers_lock(store, &lock, &dir, err) < 0)
        return -1;
    cb_containers_sweep(store, dir);
    if (!volumes && keep_volumes(store, container, err) < 0)
        return -1;
    /* From here on it is not there; what is left is swept if we do not get to it. */
    if (unlinkat(container->dir_fd, "config.json", 0) < 0 && errno != ENOENT)
        return cb_error_errno(err, errno, "remove the container `%.12s`", container->id);
    if (volumes)
        remove_volumes(store, container, aside);
    if (cb_container_unpin_id(store, container->id, err) < 0)
        return -1;
    return cb_fs_remove_tree(dir, container->id, err);
}

/* Trees may be large: they go when others can get at the list again. */
int cb_container_remove(struct cb_store *store, struct cb_container *container,
                        int volumes, struct cb_error **err)
{
    cb_auto(cb_scratch) aside = NULL;

    if (take_out(store, container, volumes, &aside, err) < 0)
        return -1;
    cb_container_tell(store, container, "destroy", NULL, NULL);
    if (container->snapshot)
        return cb_snapshot_remove(store, container->snapshot, err);
    return 0;
}

/* A monitor whose container has ended, or one that copies, is done soon. */
int cb_container_hold_ended(struct cb_container *container, struct cb_cancel *cancel,
                            struct cb_lock **lock, struct cb_error **err)
{
    struct pollfd wait = {.fd = cancel ? cb_cancel_fd(cancel) : -1, .events = POLLIN};
    struct cb_holder_watch watch = {0};
    int taken;

    cb_container_refresh(container, NULL); /* a killed monitor's is settled */
    while ((taken = cb_lock_try_unseen(lock, container->dir_fd, "monitor.lock",
                                       CB_LOCK_EXCLUSIVE, err)) == 0) {
        if (cb_container_refresh(container, NULL) < 0 ||
            cb_container_is_running(container))
            return 0;
        if (cb_holder_check(&watch, container, err) < 0)
            return -1;
        if (poll(&wait, 1, NAP_MS) > 0 && cb_cancel_check(cancel, err) < 0)
            return -1;
    }
    if (taken < 0)
        return -1;
    return cb_container_settle(container, NULL) == 0 &&
           !cb_container_is_running(container);
}

static void refuse_to_remove(const struct cb_container *container, struct cb_error **err)
{
    enum cb_container_status status = container->state.status;

    if (status == CB_CONTAINER_PAUSED)
        cb_error_set(err, CB_ERR_EXISTS,
                     "cannot remove container \"/%s\": container is paused and must be "
                     "unpaused first",
                     container->name);
    else
        cb_error_set(err, CB_ERR_EXISTS,
                     "cannot remove container \"/%s\": container is %s: stop the "
                     "container before removing or force remove",
                     container->name,
                     status == CB_CONTAINER_RESTARTING ? "restarting" : "running");
    cb_error_hint(err, "`cbuild rm -f` kills it");
}

int cb_container_remove_ended(struct cb_store *store, struct cb_container *container,
                              int volumes, struct cb_cancel *cancel,
                              struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_auto(cb_error) error = NULL;
    int held = cb_container_hold_ended(container, cancel, &lock, &error);

    if (held < 0)
        return cb_error_errnum(error) == ENOENT ? 0 : cb_error_move(err, &error);
    if (!held) {
        refuse_to_remove(container, err);
        return cb_container_went(container, err);
    }
    return cb_container_remove(store, container, volumes, err);
}

/* ── One whose record cannot be read ── */

static const char *find_directory(const struct cb_strings *names, const char *prefix)
{
    const char *found = NULL;

    cb_vec_foreach (name, names) {
        if (strlen(*name) != CB_CONTAINER_ID_DIGITS ||
            strncmp(*name, prefix, strlen(prefix)) != 0)
            continue;
        if (found)
            return NULL;
        found = *name;
    }
    return found;
}

int cb_container_discard(struct cb_store *store, const char *prefix,
                         struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int dir = -1;
    cb_autofd int own = -1;
    const char *id;

    if (strlen(prefix) < SHORT_ID_DIGITS ||
        cb_containers_lock(store, &lock, &dir, err) < 0 ||
        cb_fs_list(dir, &names, err) < 0)
        return strlen(prefix) < SHORT_ID_DIGITS ? 0 : -1;
    id = find_directory(&names, prefix);
    if (!id)
        return 0;
    own = openat(dir, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (own >= 0 && cb_lock_is_held(own, "monitor.lock"))
        return cb_error_set(err, CB_ERR_EXISTS, "container %s is running", id);
    cb_container_clear_away(store, dir, id);
    return 1;
}
