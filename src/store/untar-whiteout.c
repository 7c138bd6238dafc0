/* Entries that hide what the layers below have: as overlay's whiteouts, or by removing
 * it. What their own layer made stays, wherever in the archive they stand. */
#include "store/untar-priv.h"

#include "base/fs.h"
#include "store/whiteout.h"

#include <errno.h>
#include <fcntl.h>

static int clear_directory(struct cb_untar *untar, int fd, const char *path,
                           struct cb_error **err);

/* Removes NAME as far as this layer did not make it. */
static int clear_name(struct cb_untar *untar, int dir_fd, const char *name,
                      const char *path, struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (!cb_untar_has_made(untar, path))
        return cb_fs_remove_tree(dir_fd, name, err);
    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOTDIR || errno == ELOOP
                   ? 0
                   : cb_error_errno(err, errno, "open `%s`", path);
    return clear_directory(untar, fd, path, err);
}

static int clear_directory(struct cb_untar *untar, int fd, const char *path,
                           struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        cb_autofree char *child =
            *path ? xasprintf("%s/%s", path, *name) : xstrdup(*name);

        if (clear_name(untar, fd, *name, child, err) < 0)
            return -1;
    }
    return 0;
}

/* As find_parent. In what is no directory there is nothing to hide: layers of which a
 * directory became a file may say so name by name. */
static int find_hidden(struct cb_untar *untar, const char *path, int *fd,
                       const char **name, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    int found = cb_untar_find_parent(untar, path, fd, name, &error);

    if (found >= 0 || cb_error_errnum(error) == ENOTDIR)
        return found > 0;
    cb_error_move(err, &error);
    return -1;
}

int cb_untar_whiteout(struct cb_untar *untar, const char *path, const char *target,
                      struct cb_error **err)
{
    cb_autofree char *hidden = NULL;
    const char *name;
    int dir_fd;
    int found = find_hidden(untar, path, &dir_fd, &name, err);

    if (found <= 0 || untar->options->way == CB_UNTAR_GROUND)
        return found < 0 ? -1 : 0;
    if (untar->options->way == CB_UNTAR_OVERLAY) {
        untar->result.has_whiteouts = 1;
        return cb_whiteout_make(dir_fd, target, err);
    }
    hidden = cb_untar_real_path(untar, target);
    if (clear_name(untar, dir_fd, target, hidden, err) < 0)
        return -1;
    cb_untar_forget_parent(untar);
    return 0;
}

int cb_untar_opaque(struct cb_untar *untar, const char *path, struct cb_error **err)
{
    const char *name;
    int dir_fd;
    int found = find_hidden(untar, path, &dir_fd, &name, err);

    if (found <= 0 || untar->options->way == CB_UNTAR_GROUND)
        return found < 0 ? -1 : 0;
    if (untar->options->way == CB_UNTAR_MERGED)
        return clear_directory(untar, dir_fd, untar->parent_real, err);
    if (name == path) {
        untar->result.opaque_root = 1;
        return 0;
    }
    return cb_whiteout_make_opaque(dir_fd, err);
}
