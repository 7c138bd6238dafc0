/* Filling an empty volume from an image. Another container may have the volume mounted at
 * this moment, and change what is in it: so the copy is made beside it, where no
 * container has a way to, and its top names are moved over one by one, by descriptors. */
#include "container/volume.h"

#include "base/fs.h"
#include "store/copy-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define STAGE "_fill" /* that is being copied */
#define READY "_full" /* a whole copy, whose names are being moved */

static int is_empty(int dir)
{
    cb_auto_value(cb_strings) names = {0};

    return cb_fs_list(dir, &names, NULL) == 0 && !names.count;
}

/* What somebody has put there meanwhile stays. */
static int move_all(int from, int to, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(from, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        if (renameat2(from, *name, to, *name, RENAME_NOREPLACE) < 0 && errno != EEXIST)
            return cb_error_errno(err, errno, "move `%s`", *name);
    }
    return 0;
}

static int open_own(int volume, const char *name)
{
    return openat(volume, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int copy_owner_and_mode(int from, int to, struct cb_error **err)
{
    struct stat st;

    if (fstat(from, &st) < 0 || fchown(to, st.st_uid, st.st_gid) < 0 ||
        fchmod(to, st.st_mode & 07777) < 0)
        return cb_error_errno(err, errno, "set its owner and mode");
    return 0;
}

static int copy(int volume, int from, struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofd int stage = -1;

    if (cb_fs_remove_tree(volume, STAGE, err) < 0)
        return -1;
    if (mkdirat(volume, STAGE, 0700) < 0)
        return cb_error_errno(err, errno, "mkdir");
    stage = open_own(volume, STAGE);
    if (stage < 0)
        return cb_error_errno(err, errno, "open");
    if (cb_copy_tree_whole(from, stage, cancel, err) < 0)
        return -1;
    if (renameat(volume, STAGE, volume, READY) < 0)
        return cb_error_errno(err, errno, "rename");
    return 0;
}

/* Also for who was killed in the middle of it: what he had not moved is still there. */
static int move_ready(int volume, int data, struct cb_error **err)
{
    cb_autofd int ready = open_own(volume, READY);

    if (ready < 0)
        return errno == ENOENT ? 0 : cb_error_errno(err, errno, "open");
    if (move_all(ready, data, err) < 0 || copy_owner_and_mode(ready, data, err) < 0)
        return -1;
    return cb_fs_remove_tree(volume, READY, err);
}

static int fill(int volume, int from, int data, struct cb_cancel *cancel,
                struct cb_error **err)
{
    if (move_ready(volume, data, err) < 0)
        return -1;
    if (!is_empty(data))
        return 0;
    if (copy(volume, from, cancel, err) < 0) {
        cb_fs_remove_tree(volume, STAGE, NULL);
        return -1;
    }
    return move_ready(volume, data, err);
}

int cb_volume_fill(struct cb_store *store, const struct cb_volume *volume, int from,
                   struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;
    cb_autofd int data = -1;

    if (cb_volume_lock(store, volume->name, cancel, &lock, &dir, err) < 0 ||
        cb_volume_open_data(store, volume->name, &data, err) < 0)
        return -1;
    if (fill(dir, from, data, cancel, err) < 0)
        return cb_error_wrap(err, "fill the volume `%s`", volume->name);
    return 0;
}
