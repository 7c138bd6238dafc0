/* A directory of the layers below, copied up before there is a mount. For the first file
 * in a directory overlay makes a copy of that in its work directory, marks it and renames
 * it, which takes several times as long as the directory and the file; where all that is
 * known of it is in its inode, it can be made where it will be. */
#include "store/snapshot-priv.h"

#include "store/xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_LAYERS 8 /* with more, to look at each costs as much */

struct raise {
    const char *name;   /* of the directory */
    const char *first;  /* what must not be beside it */
    const char *second; /* and in it */
    struct stat st;
    int found;
};

static int is_absent(int dir, const char *name)
{
    struct stat st;

    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

/* What overlay notes of it is about the layer it is in. */
static int has_attributes(int layer, const char *name)
{
    cb_auto_value(cb_xattrs) xattrs = {0};

    if (cb_xattrs_read(-1, layer, name, &xattrs, NULL) < 0)
        return 1;
    for (size_t i = 0; i < xattrs.count; i++)
        if (!cb_xattr_is_overlay(xattrs.items[i].name))
            return 1;
    return 0;
}

/* 0: it cannot be. The topmost has the directory's mode, owner and time. */
static int look_at_layer(struct raise *raise, int layer)
{
    cb_autofree char *inside = NULL;
    struct stat st;

    if (!is_absent(layer, raise->first))
        return 0;
    if (fstatat(layer, raise->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT;
    inside = xasprintf("%s/%s", raise->name, raise->second);
    if (!S_ISDIR(st.st_mode) || !is_absent(layer, inside))
        return 0;
    if (!raise->found) {
        raise->st = st;
        raise->found = 1;
        return !has_attributes(layer, raise->name);
    }
    return 1;
}

static int look_at_layers(struct raise *raise, const struct cb_snapshot *top)
{
    int left = MOST_LAYERS;

    for (const struct cb_snapshot *at = top; at; at = at->row.cut ? NULL : at->parent) {
        cb_autofree char *path = cb_snapshot_path(at, "fs");
        cb_autofd int layer = openat(at->store->snapshots_fd, path,
                                     O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (!left-- || layer < 0 || !look_at_layer(raise, layer))
            return 0;
    }
    return raise->found;
}

int cb_snapshot_raise(struct cb_snapshot *active, const char *name, const char *first,
                      const char *second)
{
    struct raise raise = {.name = name, .first = first, .second = second};
    const struct stat *st = &raise.st;
    cb_autofd int upper = -1, made = -1;

    /* A driver that settles has a layer of another kind. */
    if (active->store->driver->settle || !active->parent ||
        !look_at_layers(&raise, active->parent) ||
        cb_snapshot_open_upper(active, &upper, NULL) < 0 ||
        mkdirat(upper, name, 0700) < 0)
        return 0;
    made = openat(upper, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (made >= 0 && fchown(made, st->st_uid, st->st_gid) == 0 &&
        fchmod(made, st->st_mode & 07777) == 0 &&
        futimens(made, (struct timespec[]){st->st_atim, st->st_mtim}) == 0)
        return 1;
    unlinkat(upper, name, AT_REMOVEDIR);
    return 0;
}
