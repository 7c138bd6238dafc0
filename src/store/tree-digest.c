/* Identity of trees: a record per entry, hashed in order of the walk. Regular files stand
 * in their record with the digest of their content, so files can be hashed in any order
 * and by any number of threads, and a digest known from elsewhere (the stat index) serves
 * as well. */
#include "store/tree-digest.h"

#include "base/fs.h"
#include "base/vec.h"
#include "store/file-digest.h"
#include "store/walk.h"
#include "store/xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/sysmacros.h>

#define BATCH 512 /* entries held before their files are hashed */

void cb_tree_digest_entry(struct cb_hasher *hasher, const char *path,
                          const struct stat *st, const char *link_target,
                          const void *xattrs, size_t xattrs_len,
                          const struct cb_digest *content)
{
    /* a link's permissions mean nothing and differ between systems */
    mode_t mode = S_ISLNK(st->st_mode) ? S_IFLNK | 0777 : st->st_mode;
    int is_device = S_ISCHR(mode) || S_ISBLK(mode);

    cb_hasher_field(hasher, path);
    cb_hasher_u64(hasher, mode);
    cb_hasher_u64(hasher, st->st_uid);
    cb_hasher_u64(hasher, st->st_gid);
    cb_hasher_u64(hasher, S_ISREG(mode) ? (uint64_t)st->st_size : 0);
    cb_hasher_u64(hasher, is_device ? st->st_rdev : 0);
    cb_hasher_field(hasher, link_target);
    cb_hasher_u64(hasher, xattrs_len);
    cb_hasher_update(hasher, xattrs_len ? xattrs : "", xattrs_len);
    cb_hasher_u64(hasher, content != NULL);
    if (content)
        cb_hasher_digest(hasher, content);
}

/* An entry waiting for its content to be hashed. */
struct pending {
    char *path, *link;
    struct stat st;
    struct cb_strbuf xattrs;
    int fd; /* of a regular file, else -1 */
    struct cb_digest content;
};

struct tree {
    struct cb_hasher *hasher;
    struct cb_pool *pool;
    struct cb_cancel *cancel;
    CB_VEC(struct pending) batch;
    size_t open_files;
};

static void pending_clear(struct pending *pending)
{
    free(pending->path);
    free(pending->link);
    cb_strbuf_free(&pending->xattrs);
    cb_close(&pending->fd);
}

static int hash_pending(void *arg, size_t index, struct cb_error **err)
{
    struct tree *tree = arg;
    struct pending *pending = &tree->batch.items[index];
    int result;

    if (pending->fd < 0)
        return 0;
    if (cb_cancel_check(tree->cancel, err) < 0)
        return -1;
    result = cb_file_digest(pending->fd, &pending->content, err);
    cb_close(&pending->fd);
    return result < 0 ? cb_error_wrap(err, "read `%s`", pending->path) : 0;
}

static int flush(struct tree *tree, struct cb_error **err)
{
    if (cb_pool_for_each(tree->open_files > 1 ? tree->pool : NULL, tree->batch.count,
                         hash_pending, tree, err) < 0)
        return -1;
    cb_vec_foreach (pending, &tree->batch) {
        cb_tree_digest_entry(tree->hasher, pending->path, &pending->st, pending->link,
                             pending->xattrs.text, pending->xattrs.len,
                             S_ISREG(pending->st.st_mode) ? &pending->content : NULL);
        pending_clear(pending);
    }
    tree->batch.count = 0;
    tree->open_files = 0;
    return 0;
}

static int read_link(int dir_fd, const char *name, char **out, struct cb_error **err)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(dir_fd, name, target, sizeof(target) - 1);

    if (len < 0)
        return cb_error_errno(err, errno, "read link `%s`", name);
    *out = xstrndup(target, (size_t)len);
    return 0;
}

static int fill(struct pending *pending, int dir_fd, const char *name,
                struct cb_error **err)
{
    cb_auto_value(cb_xattrs) xattrs = {0};

    if (S_ISLNK(pending->st.st_mode) && read_link(dir_fd, name, &pending->link, err) < 0)
        return -1;
    if (S_ISREG(pending->st.st_mode)) {
        pending->fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (pending->fd < 0)
            return cb_error_errno(err, errno, "open `%s`", pending->path);
    }
    if (cb_xattrs_read(pending->fd, dir_fd, name, &xattrs, err) < 0)
        return -1;
    cb_xattrs_identity(&xattrs, &pending->xattrs);
    return 0;
}

static int add(struct tree *tree, const char *path, int dir_fd, const char *name,
               const struct stat *st, struct cb_error **err)
{
    struct pending pending = {.st = *st, .fd = -1, .path = xstrdup(path)};

    if (S_ISSOCK(st->st_mode)) {
        pending_clear(&pending);
        return 0;
    }
    if (fill(&pending, dir_fd, name, err) < 0) {
        pending_clear(&pending);
        return -1;
    }
    tree->open_files += pending.fd >= 0;
    cb_vec_push(&tree->batch, pending);
    if (tree->batch.count == BATCH || tree->open_files == BATCH / 8)
        return flush(tree, err);
    return 0;
}

static int visit(void *arg, const struct cb_walk_entry *entry, struct cb_error **err)
{
    return add(arg, entry->path, entry->dir_fd, entry->name, &entry->st, err);
}

/* PATH's own record has the empty path: what is selected counts, not where it lies. */
static int add_selection(struct tree *tree, int dir_fd, const char *name,
                         struct cb_error **err)
{
    cb_autofd int fd = -1;
    struct stat st;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "stat `%s`", name);
    if (add(tree, "", dir_fd, name, &st, err) < 0)
        return -1;
    if (!S_ISDIR(st.st_mode))
        return 0;
    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s`", name);
    return cb_walk(fd, visit, tree, tree->cancel, err);
}

static void tree_clear(struct tree *tree)
{
    cb_vec_foreach (pending, &tree->batch) {
        pending_clear(pending);
    }
    cb_vec_free(&tree->batch);
    cb_hasher_free(tree->hasher);
}

int cb_tree_digest_path(int root_fd, const char *path, int follow, struct cb_pool *pool,
                        struct cb_cancel *cancel, struct cb_digest *out,
                        struct cb_error **err)
{
    __attribute__((cleanup(tree_clear))) struct tree tree = {.pool = pool,
                                                             .cancel = cancel};
    cb_autofree char *resolved = NULL;
    cb_autofree char *name = NULL;
    cb_autofd int dir_fd = -1;

    if (follow && cb_fs_resolve_in_root(root_fd, path, &resolved, err) < 0)
        return -1;
    if (cb_fs_open_parent_in_root(root_fd, resolved ? resolved : path, 0, 0, 0, &dir_fd,
                                  &name, err) < 0)
        return -1;
    tree.hasher = cb_hasher_new(CB_SHA256);
    if (add_selection(&tree, dir_fd, name, err) < 0 || flush(&tree, err) < 0)
        return -1;
    *out = cb_hasher_finish(tree.hasher);
    return 0;
}
