/* An entry of a layer into its tar and into the digest of its tree, both while its bytes
 * are read once: hard links after their first name, whole seconds. */
#include "store/layer-entry-priv.h"

#include "store/layer.h"
#include "store/tree-digest.h"

#include <errno.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define BUFFER (1u << 20)
#define PIECE \
    (256u << 10) /* by one thread both digests are taken while it is in the cache */

/* Where a file with several names was met first. */
struct first_name {
    struct cb_digest content;
    char path[];
};

void cb_layer_entry_clear(struct cb_layer_entry *entry)
{
    cb_xattrs_free(&entry->xattrs);
    cb_close(&entry->fd);
    free(entry->link);
}

/* ── Into the tar and the tree ── */

static struct cb_tar_entry tar_entry(const struct cb_layer_entry *item, char *path)
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

static int put_tar(struct cb_layer_out *out, const struct cb_layer_entry *item,
                   struct cb_error **err)
{
    cb_autofree char *path =
        xasprintf("%s%s", item->at->path, S_ISDIR(item->at->st.st_mode) ? "/" : "");
    struct cb_tar_entry entry = tar_entry(item, path);

    return out->tar ? cb_tar_writer_entry(out->tar, &entry, err) : 0;
}

static void put_tree(struct cb_layer_out *out, const struct cb_layer_entry *item)
{
    const struct stat *st = &item->at->st;
    struct cb_tree_entry entry = {.path = item->at->path,
                                  .st = st,
                                  .link = item->link,
                                  .content =
                                      S_ISREG(st->st_mode) ? &item->content : NULL};
    cb_auto_value(cb_strbuf) xattrs = {0};

    if (!out->tree)
        return;
    cb_xattrs_identity(&item->xattrs, &xattrs);
    entry.xattrs = xattrs.text;
    entry.xattrs_len = xattrs.len;
    cb_tree_digest_entry(out->tree, &entry);
}

/* An empty file that only says something by its name. */
int cb_layer_put_marker(struct cb_layer_out *out, const char *directory,
                        size_t directory_len, const char *name, struct cb_error **err)
{
    cb_autofree char *path = xasprintf("%.*s%s", (int)directory_len, directory, name);
    struct cb_tar_entry entry = {.path = path, .mode = S_IFREG};
    struct stat st = {.st_mode = S_IFREG};

    if (out->tree)
        cb_tree_digest_entry(out->tree, &(struct cb_tree_entry){.path = path, .st = &st});
    return out->tar ? cb_tar_writer_entry(out->tar, &entry, err) : 0;
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
    struct cb_layer_out *out;
    size_t len;
};

static int put_piece(void *arg, size_t index, struct cb_error **err)
{
    const struct piece *piece = arg;
    struct cb_layer_out *out = piece->out;

    if (index == 0 && out->tar)
        return cb_tar_writer_data(out->tar, out->buffer, piece->len, err);
    if (index == 1 && out->tree)
        cb_hasher_update(out->content, out->buffer, piece->len);
    return 0;
}

/* Two digests of a large file take two threads as long as one takes for one. */
static int put_content(struct cb_layer_out *out, struct cb_layer_entry *item,
                       struct cb_error **err)
{
    int64_t left = item->at->st.st_size;
    int large = left >= (int64_t)BUFFER && out->tar && out->tree && out->pool;

    while (left > 0) {
        ssize_t got = read_some(item->fd, out->buffer, large ? BUFFER : PIECE, left);
        struct piece piece = {.out = out, .len = (size_t)got};

        if (cb_cancel_check(out->cancel, err) < 0)
            return -1;
        if (got < 0)
            return cb_error_errno(err, errno, "read `%s`", item->at->path);
        if (got == 0)
            return cb_error_set(err, CB_ERR_INTEGRITY, "`%s` shrank while being read",
                                item->at->path);
        if (cb_pool_for_each(large ? out->pool : NULL, 2, put_piece, &piece, err) < 0)
            return -1;
        left -= got;
    }
    if (out->tree)
        item->content = cb_hasher_finish(out->content);
    return 0;
}

static void remember_name(struct cb_layer_out *out, const struct cb_layer_entry *item)
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
    cb_map_set(out->links, key, first);
}

/* In a tar the second name is a link to the first; in the tree it is a file like any
 * other. */
static int put_further_name(struct cb_layer_out *out, struct cb_layer_entry *item,
                            struct first_name *first, struct cb_error **err)
{
    cb_autofree char *path = xstrdup(item->at->path);
    struct cb_tar_entry entry = tar_entry(item, path);

    entry.is_hardlink = 1;
    entry.link = first->path;
    entry.xattr_count = 0;
    item->content = first->content;
    put_tree(out, item);
    return out->tar ? cb_tar_writer_entry(out->tar, &entry, err) : 0;
}

static struct first_name *find_first_name(struct cb_layer_out *out,
                                          const struct cb_layer_entry *item)
{
    char key[CB_INODE_KEY_MAX];

    if (item->at->st.st_nlink < 2)
        return NULL;
    cb_inode_key(key, item->at->st.st_dev, item->at->st.st_ino);
    return cb_map_get(out->links, key);
}

/* What nobody could unpack again is not made: mostly a file of holes. */
static int check_size(const struct cb_layer_out *out, const struct cb_layer_entry *item,
                      struct cb_error **err)
{
    uint64_t size = (uint64_t)item->at->st.st_size;

    if (size <= CB_LAYER_MAX_BYTES - (uint64_t)out->size_bytes)
        return 0;
    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "`%s` of %llu bytes: a layer may have %llu, holes in files included",
                 item->at->path, (unsigned long long)size,
                 (unsigned long long)CB_LAYER_MAX_BYTES);
    return cb_error_hint(err, "make files that large in the container, or in a volume");
}

static int put_file(struct cb_layer_out *out, struct cb_layer_entry *item,
                    struct cb_error **err)
{
    struct first_name *first = find_first_name(out, item);

    if (first)
        return put_further_name(out, item, first, err);
    if (check_size(out, item, err) < 0 || put_tar(out, item, err) < 0 ||
        put_content(out, item, err) < 0)
        return -1;
    put_tree(out, item);
    remember_name(out, item);
    out->size_bytes += item->at->st.st_size;
    return 0;
}

/* ── Any entry ── */

static int put_directory(struct cb_layer_out *out, const struct cb_layer_entry *item,
                         struct cb_error **err)
{
    put_tree(out, item);
    return put_tar(out, item, err);
}

/* Links, pipes and devices can have several names too. */
static int put_other(struct cb_layer_out *out, struct cb_layer_entry *item,
                     struct cb_error **err)
{
    struct first_name *first = find_first_name(out, item);

    if (first)
        return put_further_name(out, item, first, err);
    put_tree(out, item);
    if (put_tar(out, item, err) < 0)
        return -1;
    remember_name(out, item);
    return 0;
}

int cb_layer_put(struct cb_layer_out *out, struct cb_layer_entry *item,
                 struct cb_error **err)
{
    switch (item->at->st.st_mode & S_IFMT) {
    case S_IFREG:
        return put_file(out, item, err);
    case S_IFDIR:
        return put_directory(out, item, err);
    default:
        return put_other(out, item, err);
    }
}

/* ── Both ends ── */

int cb_layer_out_start(struct cb_layer_out *out, const struct cb_layer_pass *pass,
                       struct cb_cancel *cancel, struct cb_error **err)
{
    out->pool = pass->pool;
    out->cancel = cancel;
    out->links = cb_map_new(free);
    out->buffer = xmalloc(BUFFER);
    if (pass->want_tree) {
        out->tree = cb_hasher_new(CB_SHA256);
        out->content = cb_hasher_new(CB_SHA256);
    }
    return pass->write ? cb_tar_writer_new(&out->tar, pass->write, pass->arg, err) : 0;
}

int cb_layer_out_finish(struct cb_layer_out *out, struct cb_layer_pass *pass,
                        struct cb_error **err)
{
    if (out->tar && cb_tar_writer_finish(out->tar, err) < 0)
        return -1;
    if (out->tree)
        pass->tree = cb_hasher_finish(out->tree);
    pass->size_bytes = out->size_bytes;
    return 0;
}

void cb_layer_out_clear(struct cb_layer_out *out)
{
    cb_tar_writer_free(out->tar);
    cb_hasher_free(out->tree);
    cb_hasher_free(out->content);
    cb_map_free(out->links);
    free(out->buffer);
}
