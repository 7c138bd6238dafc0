/* Volumes in memory (type=tmpfs): all containers that have one see the same, as long as
 * one of them runs.
 *
 * The monitor of each such container has a mount namespace of its own, in which the file
 * system is mounted on the volume's directory. Who starts next asks a monitor that has it
 * already for a copy of that mount, and so on: it is gone with the last of them, however
 * that one ends, and on the host nothing is ever mounted. Who looks holds the volume's
 * lock, so that of two who start at once one has it before the other looks; who has it
 * leaves a mark beside it, so that nobody else is waited for. */
#include "container/volume.h"

#include "base/fs.h"
#include "container/ask-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define MARK        "memory-" /* and the id of a container that has it */

int cb_volume_is_in_memory(const struct cb_volume *volume)
{
    const char *type = cb_env_get(&volume->options, "type");

    return type && (strcmp(type, "tmpfs") == 0 || strcmp(type, "ramfs") == 0);
}

int cb_volumes_need_namespace(struct cb_store *store,
                              const struct cb_container *container)
{
    cb_vec_foreach (mount, &container->mounts) {
        cb_auto(cb_volume) volume = NULL;

        if (mount->name && cb_volume_find(store, mount->name, &volume, NULL) == 0 &&
            cb_volume_is_in_memory(volume))
            return 1;
    }
    return 0;
}

int cb_volumes_enter_namespace(struct cb_error **err)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return cb_error_errno(err, errno, "new mount namespace");
    return 0;
}

static char *path_of(const char *store_root, const char *name)
{
    return xasprintf("%s/volumes/%s/_data", store_root, name);
}

/* ── Asking others ── */

static int has_volume(const struct cb_container *container, const char *name)
{
    cb_vec_foreach (mount, &container->mounts) {
        if (mount->name && strcmp(mount->name, name) == 0)
            return 1;
    }
    return 0;
}

/* 1: *FD is its mount, attached nowhere; 0: it has none any more. One that is being
 * started answers once it runs. */
static int ask(struct cb_store *store, const char *id, const char *name, int *fd,
               struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_VOLUME,
                                      .len = (uint32_t)strlen(name)};
    cb_auto(cb_container) other = NULL;
    int asked;

    if (cb_container_open(cb_store_root(store), id, &other, NULL) < 0 ||
        !cb_lock_is_held(other->dir_fd, "monitor.lock"))
        return 0;
    memcpy(message.text, name, message.len);
    asked = cb_monitor_ask_within(other, &message, PATIENCE_MS, fd, NULL);
    if (asked > 0)
        return cb_error_set(err, CB_ERR_SYSTEM,
                            "container %s, which has the volume `%s`, does not answer",
                            other->name, name);
    return asked == 0 && *fd >= 0;
}

/* The same of all that have a mark in DIR, the volume's. */
static int find_mounted(struct cb_store *store, int dir, const char *name,
                        const char *own, int *fd, struct cb_error **err)
{
    cb_auto_value(cb_strings) files = {0};

    if (cb_fs_list(dir, &files, err) < 0)
        return -1;
    cb_vec_foreach (file, &files) {
        int found = 0;

        if (strncmp(*file, MARK, strlen(MARK)) != 0)
            continue;
        if (strcmp(*file + strlen(MARK), own) != 0) /* of a former life */
            found = ask(store, *file + strlen(MARK), name, fd, err);
        if (found)
            return found;
        unlinkat(dir, *file, 0);
    }
    return 0;
}

/* ── Having it ── */

int cb_volume_open_shared(struct cb_store *store, const struct cb_volume *volume,
                          const char *id, struct cb_cancel *cancel, int *fd,
                          struct cb_error **err)
{
    cb_autofree char *path = path_of(cb_store_root(store), volume->name);
    cb_autofree char *mark = xasprintf("%s%s", MARK, id);
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;
    cb_autofd int tree = -1;
    int found;

    if (cb_volume_lock(store, volume->name, cancel, &lock, &dir, err) < 0)
        return -1;
    found = find_mounted(store, dir, volume->name, id, &tree, err);
    if (found < 0 || (!found && cb_volume_open(store, volume, cancel, &tree, err) < 0))
        return -1;
    if (move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return cb_error_errno(err, errno, "mount the volume `%s`", volume->name);
    if (mknodat(dir, mark, S_IFREG | 0600, 0) < 0 && errno != EEXIST)
        return cb_error_errno(err, errno, "mark the volume `%s`", volume->name);
    *fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *fd < 0 ? cb_error_errno(err, errno, "open `%s`", path) : 0;
}

int cb_volume_copy_mount(const char *store_root, const struct cb_container *container,
                         const char *name, int *fd, struct cb_error **err)
{
    cb_autofree char *path = path_of(store_root, name);

    *fd = has_volume(container, name)
              ? open_tree(AT_FDCWD, path,
                          OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW)
              : -1;
    return *fd < 0 ? cb_error_set(err, CB_ERR_NOT_FOUND, "no such mount: %s", name) : 0;
}

void cb_volumes_unmount(const char *store_root, const struct cb_container *container)
{
    cb_vec_foreach (mount, &container->mounts) {
        cb_autofree char *path = mount->name ? path_of(store_root, mount->name) : NULL;
        cb_autofree char *mark =
            path ? xasprintf("%s/../%s%s", path, MARK, container->id) : NULL;

        if (!path || umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
            continue; /* most are no mounts */
        unlink(mark);
    }
}
