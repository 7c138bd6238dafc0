/* From overlay's directory to the layer it stands for: sorted entries, whiteout devices
 * as ".wh." files, opaque directories as ".wh..wh..opq".
 *
 * Overlay marks every directory it makes over lower layers as opaque, whether there was
 * anything to hide or not. Only where the layers below have a directory of that name does
 * the mark become an entry, as docker does it; otherwise mkdir in a RUN step and in a
 * COPY would be two layers. */
#include "store/layer-entry-priv.h"

#include "store/whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

struct run {
    struct cb_snapshot *snapshot;
    struct cb_layer_out out;
    int below_fd; /* the tree below this layer; -1: not asked for yet, or there is none */
};

/* ── What is below ── */

static int open_below(struct run *run, struct cb_error **err)
{
    if (run->below_fd >= 0)
        return 0;
    return cb_snapshot_open_root(run->snapshot->parent, &run->below_fd, err);
}

/* 1: the layers below have a directory there, 0 not. Name by name, so that no link is
 * followed and no path is too long. */
static int has_directory_below(struct run *run, const char *path, struct cb_error **err)
{
    cb_autofree char *names = xstrdup(path);
    cb_autofd int dir = -1;
    char *rest = NULL;

    if (!run->snapshot->parent)
        return 0;
    if (open_below(run, err) < 0)
        return -1;
    for (char *name = strtok_r(names, "/", &rest); name;
         name = strtok_r(NULL, "/", &rest)) {
        int next = openat(dir < 0 ? run->below_fd : dir, name,
                          O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (next < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
            return 0;
        if (next < 0)
            return cb_error_errno(err, errno, "look for `%s` below the layer", path);
        cb_close(&dir);
        dir = next;
    }
    return 1;
}

/* ── Entries ── */

static int put_whiteout(struct run *run, const struct cb_walk_entry *at,
                        struct cb_error **err)
{
    cb_autofree char *name = xasprintf("%s%s", CB_WHITEOUT_PREFIX, at->name);

    return cb_layer_put_marker(&run->out, at->path, (size_t)(at->name - at->path), name,
                               err);
}

static int put_directory(struct run *run, struct cb_layer_entry *item, int is_opaque,
                         struct cb_error **err)
{
    cb_autofree char *inside = NULL;
    int hides = 0;

    if (cb_layer_put(&run->out, item, err) < 0)
        return -1;
    if (is_opaque)
        hides = has_directory_below(run, item->at->path, err);
    if (hides <= 0)
        return hides;
    inside = xasprintf("%s/", item->at->path);
    return cb_layer_put_marker(&run->out, inside, strlen(inside), CB_WHITEOUT_OPAQUE,
                               err);
}

static int read_link(struct cb_layer_entry *item, struct cb_error **err)
{
    char target[PATH_MAX];
    ssize_t len =
        readlinkat(item->at->dir_fd, item->at->name, target, sizeof(target) - 1);

    if (len < 0)
        return cb_error_errno(err, errno, "read link `%s`", item->at->path);
    item->link = xstrndup(target, (size_t)len);
    return 0;
}

static int open_item(struct cb_layer_entry *item, struct cb_error **err)
{
    int flags = O_RDONLY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC;

    if (!S_ISREG(item->at->st.st_mode))
        return 0;
    item->fd = openat(item->at->dir_fd, item->at->name, flags);
    if (item->fd < 0 && errno == EPERM)
        item->fd = openat(item->at->dir_fd, item->at->name, flags & ~O_NOATIME);
    if (item->fd < 0)
        return cb_error_errno(err, errno, "open `%s`", item->at->path);
    return 0;
}

static int read_item_xattrs(struct cb_layer_entry *item, int *is_opaque,
                            struct cb_error **err)
{
    cb_auto_value(cb_xattrs) all = {0};

    if (cb_xattrs_read(item->fd, item->at->dir_fd, item->at->name, &all, err) < 0)
        return -1;
    *is_opaque = cb_xattrs_are_opaque(&all);
    cb_vec_foreach (xattr, &all) {
        if (cb_xattr_is_portable(xattr->name)) {
            cb_vec_push(&item->xattrs, *xattr);
            *xattr = (struct cb_xattr){0};
        }
    }
    return 0;
}

static int put_item(struct run *run, const struct cb_walk_entry *at,
                    struct cb_error **err)
{
    cb_auto_value(cb_layer_entry) item = {.at = at, .fd = -1};
    int is_opaque;

    if (open_item(&item, err) < 0 || read_item_xattrs(&item, &is_opaque, err) < 0 ||
        (S_ISLNK(at->st.st_mode) && read_link(&item, err) < 0))
        return -1;
    return S_ISDIR(at->st.st_mode) ? put_directory(run, &item, is_opaque, err)
                                   : cb_layer_put(&run->out, &item, err);
}

static int visit(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    struct run *run = arg;
    const struct cb_snapshot_driver *driver = run->snapshot->store->driver;

    if (driver->is_mark && driver->is_mark(at->name))
        return 0;
    if (cb_whiteout_is_device(&at->st))
        return put_whiteout(run, at, err);
    if (S_ISSOCK(at->st.st_mode))
        return 0;
    if (strncmp(at->name, CB_WHITEOUT_PREFIX, strlen(CB_WHITEOUT_PREFIX)) == 0)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "`%s`: a layer cannot hold a name that starts with `.wh.`",
                            at->path);
    return put_item(run, at, err);
}

/* ── The pass ── */

static void run_clear(struct run *run)
{
    cb_layer_out_clear(&run->out);
    cb_close(&run->below_fd);
}

int cb_layer_pass_run(struct cb_layer_pass *pass, struct cb_snapshot *snapshot,
                      struct cb_error **err)
{
    __attribute__((cleanup(run_clear))) struct run run = {.snapshot = snapshot,
                                                          .below_fd = -1};
    struct cb_cancel *cancel = snapshot->store->cancel;
    cb_autofd int fd = -1;

    if (cb_layer_out_start(&run.out, pass, cancel, err) < 0)
        return -1;
    if (snapshot->row.cut &&
        cb_layer_put_marker(&run.out, "", 0, CB_WHITEOUT_OPAQUE, err) < 0)
        return -1;
    if (cb_snapshot_open_upper(snapshot, &fd, err) < 0 ||
        cb_walk(fd, visit, &run, cancel, err) < 0)
        return -1;
    return cb_layer_out_finish(&run.out, pass, err);
}
