/* From overlay's directory to the layer it stands for: sorted entries, whiteout devices
 * as ".wh." files, opaque directories as ".wh..wh..opq", hard links after their first
 * name, whole seconds.
 *
 * Overlay marks every directory it makes over lower layers as opaque, whether there was
 * anything to hide or not. Only where the layers below have a directory of that name does
 * the mark become an entry, as docker does it; otherwise mkdir in a RUN step and in a
 * COPY would be two layers. */
#include "store/layer-pass.h"

#include "base/fs.h"
#include "base/map.h"
#include "store/layer.h"
#include "store/tar.h"
#include "store/tree-digest.h"
#include "store/walk.h"
#include "store/whiteout.h"
#include "store/xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#define BUFFER (1u << 20)
#define PIECE \
    (256u << 10) /* by one thread both digests are taken while it is in the cache */

struct run {
    struct cb_layer_pass *pass;
    struct cb_snapshot *snapshot;
    struct cb_tar_writer *tar; /* or NULL */
    struct cb_hasher *tree;    /* or NULL */
    struct cb_hasher *content;
    struct cb_map *links; /* "dev:ino" → struct first_name */
    unsigned char *buffer;
    int below_fd; /* the tree below this layer; -1: not asked for yet, or there is none */
};

/* Where a file with several names was met first. */
struct first_name {
    struct cb_digest content;
    char path[];
};

/* An entry on its way out. */
struct item {
    const struct cb_walk_entry *at;
    struct cb_xattrs xattrs; /* those that travel */
    int opaque;
    int fd; /* of a regular file, or -1 */
    char *link;
    struct cb_digest content;
};

static void item_clear(struct item *item)
{
    cb_xattrs_free(&item->xattrs);
    cb_close(&item->fd);
    free(item->link);
}

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

/* ── Into the tar and the tree ── */

static struct cb_tar_entry tar_entry(const struct item *item, char *path)
{
    const struct stat *st = &item->at->st;
    struct cb_tar_entry entry = {.path = path,
                                 .link = item->link,
                                 .mode = st->st_mode,
                                 .uid = st->st_uid,
                                 .gid = st->st_gid,
                                 .size = S_ISREG(st->st_mode) ? st->st_size : 0,
                                 .mtime = {.tv_sec = st->st_mtim.tv_sec},
                                 .xattrs = item->xattrs.items,
                                 .xattr_count = item->xattrs.count};

    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
        entry.dev_major = major(st->st_rdev);
        entry.dev_minor = minor(st->st_rdev);
    }
    return entry;
}

static int put_tar(struct run *run, const struct item *item, struct cb_error **err)
{
    cb_autofree char *path =
        xasprintf("%s%s", item->at->path, S_ISDIR(item->at->st.st_mode) ? "/" : "");
    struct cb_tar_entry entry = tar_entry(item, path);

    return run->tar ? cb_tar_writer_entry(run->tar, &entry, err) : 0;
}

static void put_tree(struct run *run, const struct item *item)
{
    const struct stat *st = &item->at->st;
    struct cb_tree_entry entry = {.path = item->at->path,
                                  .st = st,
                                  .link = item->link,
                                  .content =
                                      S_ISREG(st->st_mode) ? &item->content : NULL};
    cb_auto_value(cb_strbuf) xattrs = {0};

    if (!run->tree)
        return;
    cb_xattrs_identity(&item->xattrs, &xattrs);
    entry.xattrs = xattrs.text;
    entry.xattrs_len = xattrs.len;
    cb_tree_digest_entry(run->tree, &entry);
}

/* An empty file that only says something by its name. */
static int put_marker(struct run *run, const char *directory, size_t directory_len,
                      const char *name, struct cb_error **err)
{
    cb_autofree char *path = xasprintf("%.*s%s", (int)directory_len, directory, name);
    struct cb_tar_entry entry = {.path = path, .mode = S_IFREG};
    struct stat st = {.st_mode = S_IFREG};

    if (run->tree)
        cb_tree_digest_entry(run->tree, &(struct cb_tree_entry){.path = path, .st = &st});
    return run->tar ? cb_tar_writer_entry(run->tar, &entry, err) : 0;
}

static int put_whiteout(struct run *run, const struct cb_walk_entry *at,
                        struct cb_error **err)
{
    cb_autofree char *name = xasprintf("%s%s", CB_WHITEOUT_PREFIX, at->name);

    return put_marker(run, at->path, (size_t)(at->name - at->path), name, err);
}

/* ── Regular files ── */

static ssize_t read_some(int fd, void *buffer, size_t size, int64_t left)
{
    size_t want = left < (int64_t)size ? (size_t)left : size;
    ssize_t got;

    do
        got = read(fd, buffer, want);
    while (got < 0 && errno == EINTR);
    return got;
}

struct piece {
    struct run *run;
    size_t len;
};

static int put_piece(void *arg, size_t index, struct cb_error **err)
{
    const struct piece *piece = arg;
    struct run *run = piece->run;

    if (index == 0 && run->tar)
        return cb_tar_writer_data(run->tar, run->buffer, piece->len, err);
    if (index == 1 && run->tree)
        cb_hasher_update(run->content, run->buffer, piece->len);
    return 0;
}

/* Two digests of a large file take two threads as long as one takes for one. */
static int put_content(struct run *run, struct item *item, struct cb_error **err)
{
    int64_t left = item->at->st.st_size;
    int large = left >= (int64_t)BUFFER && run->tar && run->tree && run->pass->pool;

    while (left > 0) {
        ssize_t got = read_some(item->fd, run->buffer, large ? BUFFER : PIECE, left);
        struct piece piece = {.run = run, .len = (size_t)got};

        if (cb_cancel_check(run->snapshot->store->cancel, err) < 0)
            return -1;
        if (got < 0)
            return cb_error_errno(err, errno, "read `%s`", item->at->path);
        if (got == 0)
            return cb_error_set(err, CB_ERR_INTEGRITY, "`%s` shrank while being read",
                                item->at->path);
        if (cb_pool_for_each(large ? run->pass->pool : NULL, 2, put_piece, &piece, err) <
            0)
            return -1;
        left -= got;
    }
    if (run->tree)
        item->content = cb_hasher_finish(run->content);
    return 0;
}

static void remember_name(struct run *run, const struct item *item)
{
    size_t len = strlen(item->at->path) + 1;
    struct first_name *first;
    char key[CB_INODE_KEY_MAX];

    if (item->at->st.st_nlink < 2)
        return;
    first = xmalloc(sizeof(*first) + len);
    first->content = item->content;
    memcpy(first->path, item->at->path, len);
    cb_inode_key(key, item->at->st.st_dev, item->at->st.st_ino);
    cb_map_set(run->links, key, first);
}

/* In a tar the second name is a link to the first; in the tree it is a file like any
 * other. */
static int put_further_name(struct run *run, struct item *item, struct first_name *first,
                            struct cb_error **err)
{
    cb_autofree char *path = xstrdup(item->at->path);
    struct cb_tar_entry entry = tar_entry(item, path);

    entry.is_hardlink = 1;
    entry.link = first->path;
    entry.xattr_count = 0;
    item->content = first->content;
    put_tree(run, item);
    return run->tar ? cb_tar_writer_entry(run->tar, &entry, err) : 0;
}

static struct first_name *find_first_name(struct run *run, const struct item *item)
{
    char key[CB_INODE_KEY_MAX];

    if (item->at->st.st_nlink < 2)
        return NULL;
    cb_inode_key(key, item->at->st.st_dev, item->at->st.st_ino);
    return cb_map_get(run->links, key);
}

/* What nobody could unpack again is not made: mostly a file of holes. */
static int check_size(const struct run *run, const struct item *item,
                      struct cb_error **err)
{
    uint64_t size = (uint64_t)item->at->st.st_size;

    if (size <= CB_LAYER_MAX_BYTES - (uint64_t)run->pass->size_bytes)
        return 0;
    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "`%s` of %llu bytes: a layer may have %llu, holes in files included",
                 item->at->path, (unsigned long long)size,
                 (unsigned long long)CB_LAYER_MAX_BYTES);
    return cb_error_hint(err, "make files that large in the container, or in a volume");
}

static int put_file(struct run *run, struct item *item, struct cb_error **err)
{
    struct first_name *first = find_first_name(run, item);

    if (first)
        return put_further_name(run, item, first, err);
    if (check_size(run, item, err) < 0 || put_tar(run, item, err) < 0 ||
        put_content(run, item, err) < 0)
        return -1;
    put_tree(run, item);
    remember_name(run, item);
    run->pass->size_bytes += item->at->st.st_size;
    return 0;
}

/* ── Other entries ── */

static int put_directory(struct run *run, const struct item *item, struct cb_error **err)
{
    cb_autofree char *inside = NULL;
    int hides = 0;

    put_tree(run, item);
    if (put_tar(run, item, err) < 0)
        return -1;
    if (item->opaque)
        hides = has_directory_below(run, item->at->path, err);
    if (hides <= 0)
        return hides;
    inside = xasprintf("%s/", item->at->path);
    return put_marker(run, inside, strlen(inside), CB_WHITEOUT_OPAQUE, err);
}

/* Links, pipes and devices can have several names too. */
static int put_other(struct run *run, struct item *item, struct cb_error **err)
{
    struct first_name *first = find_first_name(run, item);

    if (first)
        return put_further_name(run, item, first, err);
    put_tree(run, item);
    if (put_tar(run, item, err) < 0)
        return -1;
    remember_name(run, item);
    return 0;
}

static int put_link(struct run *run, struct item *item, struct cb_error **err)
{
    char target[PATH_MAX];
    ssize_t len =
        readlinkat(item->at->dir_fd, item->at->name, target, sizeof(target) - 1);

    if (len < 0)
        return cb_error_errno(err, errno, "read link `%s`", item->at->path);
    item->link = xstrndup(target, (size_t)len);
    return put_other(run, item, err);
}

static int open_item(struct item *item, struct cb_error **err)
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

static int read_item_xattrs(struct item *item, struct cb_error **err)
{
    cb_auto_value(cb_xattrs) all = {0};

    if (cb_xattrs_read(item->fd, item->at->dir_fd, item->at->name, &all, err) < 0)
        return -1;
    item->opaque = cb_xattrs_are_opaque(&all);
    cb_vec_foreach (xattr, &all) {
        if (cb_xattr_is_portable(xattr->name)) {
            cb_vec_push(&item->xattrs, *xattr);
            *xattr = (struct cb_xattr){0};
        }
    }
    return 0;
}

static int put_item(struct run *run, struct item *item, struct cb_error **err)
{
    switch (item->at->st.st_mode & S_IFMT) {
    case S_IFREG:
        return put_file(run, item, err);
    case S_IFDIR:
        return put_directory(run, item, err);
    case S_IFLNK:
        return put_link(run, item, err);
    default:
        return put_other(run, item, err);
    }
}

static int visit(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    struct run *run = arg;
    const struct cb_snapshot_driver *driver = run->snapshot->store->driver;
    __attribute__((cleanup(item_clear))) struct item item = {.at = at, .fd = -1};

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
    if (open_item(&item, err) < 0 || read_item_xattrs(&item, err) < 0)
        return -1;
    return put_item(run, &item, err);
}

/* ── The pass ── */

static void run_clear(struct run *run)
{
    cb_tar_writer_free(run->tar);
    cb_hasher_free(run->tree);
    cb_hasher_free(run->content);
    cb_map_free(run->links);
    free(run->buffer);
    cb_close(&run->below_fd);
}

static int run_start(struct run *run, struct cb_error **err)
{
    struct cb_layer_pass *pass = run->pass;

    run->links = cb_map_new(free);
    run->buffer = xmalloc(BUFFER);
    if (pass->want_tree) {
        run->tree = cb_hasher_new(CB_SHA256);
        run->content = cb_hasher_new(CB_SHA256);
    }
    if (pass->write && cb_tar_writer_new(&run->tar, pass->write, pass->arg, err) < 0)
        return -1;
    if (run->snapshot->row.cut)
        return put_marker(run, "", 0, CB_WHITEOUT_OPAQUE, err);
    return 0;
}

int cb_layer_pass_run(struct cb_layer_pass *pass, struct cb_snapshot *snapshot,
                      struct cb_error **err)
{
    __attribute__((cleanup(run_clear))) struct run run = {
        .pass = pass, .snapshot = snapshot, .below_fd = -1};
    cb_autofd int fd = -1;

    pass->size_bytes = 0;
    if (run_start(&run, err) < 0 || cb_snapshot_open_upper(snapshot, &fd, err) < 0 ||
        cb_walk(fd, visit, &run, snapshot->store->cancel, err) < 0)
        return -1;
    if (run.tar && cb_tar_writer_finish(run.tar, err) < 0)
        return -1;
    if (run.tree)
        pass->tree = cb_hasher_finish(run.tree);
    return 0;
}
