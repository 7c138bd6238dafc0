/* The merged tree as a tar: owners, modes, times, links and attributes as in a layer, but
 * without whiteouts, since nothing is below it. */
#include "exporter/tree.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/timestamp.h"
#include "exporter/buffered.h"
#include "store/tar.h"
#include "store/walk.h"
#include "store/xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define BUFFER 262144

/* Where the tar goes, until somebody wants it no longer: also within a file, which may
 * have holes of terabytes. */
struct sink {
    int (*write)(void *arg, const void *bytes, size_t len, struct cb_error **err);
    void *arg;
    const struct cb_cancel *cancel;
};

static int write_unless_canceled(void *arg, const void *bytes, size_t len,
                                 struct cb_error **err)
{
    const struct sink *sink = arg;

    if (cb_cancel_check(sink->cancel, err) < 0)
        return -1;
    return sink->write(sink->arg, bytes, len, err);
}

struct writing {
    struct cb_tree_tar *tree;
    struct cb_tar_writer *tar;
    struct cb_map *links;  /* "dev:ino" → first path */
    const char *directory; /* or NULL */
};

static void fill_entry(const struct cb_tree_tar *tree, const struct stat *st,
                       struct cb_tar_entry *entry)
{
    entry->mode = st->st_mode;
    entry->uid = st->st_uid;
    entry->gid = st->st_gid;
    entry->mtime.tv_sec = tree->epoch_s >= 0 ? tree->epoch_s : st->st_mtim.tv_sec;
    if (tree->faithful && tree->epoch_s < 0)
        entry->mtime.tv_nsec = st->st_mtim.tv_nsec;
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
        entry->dev_major = major(st->st_rdev);
        entry->dev_minor = minor(st->st_rdev);
    }
}

static void find_earlier_name(struct writing *writing, const struct cb_walk_entry *at,
                              struct cb_tar_entry *entry)
{
    char key[CB_INODE_KEY_MAX];

    if (S_ISDIR(at->st.st_mode) || at->st.st_nlink < 2)
        return;
    cb_inode_key(key, at->st.st_dev, at->st.st_ino);
    entry->link = xstrdup(cb_map_get(writing->links, key));
    entry->is_hardlink = entry->link != NULL;
    if (!entry->link)
        cb_map_set(writing->links, key, xstrdup(entry->path));
}

/* The earlier name of a file that has several, or the target of a symbolic link. 1; 0: it
 * has gone. */
static int find_link(struct writing *writing, const struct cb_walk_entry *at,
                     struct cb_tar_entry *entry, struct cb_error **err)
{
    char text[PATH_MAX];
    ssize_t len;

    find_earlier_name(writing, at, entry);
    if (entry->is_hardlink || !S_ISLNK(at->st.st_mode))
        return 1;
    len = readlinkat(at->dir_fd, at->name, text, sizeof(text) - 1);
    if (len < 0 && writing->tree->changing && (errno == ENOENT || errno == EINVAL))
        return 0;
    if (len < 0)
        return cb_error_errno(err, errno, "read link `%s`", at->path);
    entry->link = xstrndup(text, (size_t)len);
    return 1;
}

/* What a file has lost since its header was written is zeros. */
static int put_zeros(struct writing *writing, int64_t left, struct cb_error **err)
{
    static const char zeros[4096];

    for (; left > 0; left -= (int64_t)sizeof(zeros)) {
        size_t len = left < (int64_t)sizeof(zeros) ? (size_t)left : sizeof(zeros);

        if (cb_tar_writer_data(writing->tar, zeros, len, err) < 0)
            return -1;
    }
    return 0;
}

static int put_changing(struct writing *writing, int fd, int64_t left,
                        struct cb_error **err)
{
    cb_autofree char *buffer = xmalloc(BUFFER);

    while (left > 0) {
        ssize_t got = read(fd, buffer, left < BUFFER ? (size_t)left : BUFFER);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return put_zeros(writing, left, err);
        if (cb_tar_writer_data(writing->tar, buffer, (size_t)got, err) < 0)
            return -1;
        left -= got;
    }
    return 0;
}

/* FD: of a regular file, or -1. */
static int put(struct writing *writing, int fd, struct cb_tar_entry *entry,
               struct cb_error **err)
{
    if (cb_tar_writer_entry(writing->tar, entry, err) < 0)
        return -1;
    if (entry->size == 0)
        return 0;
    writing->tree->bytes += (uint64_t)entry->size;
    return writing->tree->changing
               ? put_changing(writing, fd, entry->size, err)
               : cb_tar_writer_data_fd(writing->tar, fd, entry->size, err);
}

static int put_with_xattrs(struct writing *writing, const struct cb_walk_entry *at,
                           int fd, struct cb_tar_entry *entry, struct cb_error **err)
{
    cb_auto_value(cb_xattrs) xattrs = {0};
    CB_VEC(struct cb_xattr) portable = {0};
    int result = 0;

    if (!entry->is_hardlink)
        result = (writing->tree->changing ? cb_xattrs_read_changing : cb_xattrs_read)(
            fd, at->dir_fd, at->name, &xattrs, err);
    cb_vec_foreach (xattr, &xattrs) {
        if (cb_xattr_is_portable(xattr->name))
            cb_vec_push(&portable, *xattr);
    }
    entry->xattrs = portable.items;
    entry->xattr_count = portable.count;
    if (result == 0)
        result = put(writing, fd, entry, err);
    cb_vec_free(&portable);
    return result;
}

/* PATH: in the tar. */
static int put_entry(struct writing *writing, const struct cb_walk_entry *found,
                     char *path, struct cb_error **err)
{
    struct cb_walk_entry at = *found;
    struct cb_tar_entry entry = {.path = path};
    cb_autofd int fd = -1;
    int result = 1;

    if (S_ISSOCK(at.st.st_mode))
        return 0;
    if (S_ISREG(at.st.st_mode))
        result = cb_fs_open_regular(at.dir_fd, at.name, &at.st, &fd, err);
    if (result <= 0)
        return result;
    fill_entry(writing->tree, &at.st, &entry);
    result = find_link(writing, &at, &entry, err);
    if (S_ISREG(at.st.st_mode) && !entry.is_hardlink)
        entry.size = at.st.st_size;
    if (result > 0)
        result = put_with_xattrs(writing, &at, fd, &entry, err);
    free(entry.link);
    return result;
}

static int visit(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    struct writing *writing = arg;
    cb_autofree char *path = xasprintf(
        "%s%s%s%s", writing->directory ? writing->directory : "",
        writing->directory ? "/" : "", at->path, S_ISDIR(at->st.st_mode) ? "/" : "");

    return put_entry(writing, at, path, err);
}

static int put_top(struct writing *writing, struct cb_error **err)
{
    const char *top = writing->tree->top;
    cb_autofree char *path = xasprintf("%s/", top ? top : ".");
    struct cb_tar_entry entry = {.path = path};
    struct stat st;

    if (fstat(writing->tree->root_fd, &st) < 0)
        return cb_error_errno(err, errno, "stat the tree");
    fill_entry(writing->tree, &st, &entry);
    return cb_tar_writer_entry(writing->tar, &entry, err);
}

static int put_directory(struct writing *writing, struct cb_error **err)
{
    cb_autofree char *path = xasprintf("%s/", writing->directory);
    struct cb_tar_entry entry = {.path = path, .mode = S_IFDIR | 0755};

    if (writing->tree->epoch_s >= 0)
        entry.mtime.tv_sec = writing->tree->epoch_s;
    return cb_tar_writer_entry(writing->tar, &entry, err);
}

static int walk(struct writing *writing, struct cb_error **err)
{
    const struct cb_tree_tar *tree = writing->tree;

    if (tree->root_fd < 0)
        return 0;
    return tree->changing
               ? cb_walk_changing(tree->root_fd, visit, writing, tree->cancel, err)
               : cb_walk(tree->root_fd, visit, writing, tree->cancel, err);
}

int cb_tree_stream_tar(struct cb_tree_tar *tree,
                       int (*write)(void *arg, const void *bytes, size_t len,
                                    struct cb_error **err),
                       void *arg, struct cb_error **err)
{
    cb_auto(cb_map) links = cb_map_new(free);
    cb_auto(cb_tar_writer) tar = NULL;
    struct writing writing = {.tree = tree, .links = links, .directory = tree->top};
    struct sink sink = {.write = write, .arg = arg, .cancel = tree->cancel};

    if (cb_tar_writer_new(&tar, write_unless_canceled, &sink, err) < 0)
        return -1;
    writing.tar = tar;
    if ((tree->faithful && put_top(&writing, err) < 0) || walk(&writing, err) < 0)
        return -1;
    return cb_tar_writer_finish(tar, err);
}

int cb_tree_stream_file(struct cb_tree_tar *tree, const char *name,
                        int (*write)(void *arg, const void *bytes, size_t len,
                                     struct cb_error **err),
                        void *arg, struct cb_error **err)
{
    cb_auto(cb_map) links = cb_map_new(free);
    cb_auto(cb_tar_writer) tar = NULL;
    cb_autofree char *path = xstrdup(tree->top);
    struct writing writing = {.tree = tree, .links = links};
    struct cb_walk_entry at = {.path = name, .name = name, .dir_fd = tree->root_fd};
    struct sink sink = {.write = write, .arg = arg, .cancel = tree->cancel};

    if (fstatat(tree->root_fd, name, &at.st, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "stat `%s`", name);
    if (cb_tar_writer_new(&tar, write_unless_canceled, &sink, err) < 0)
        return -1;
    writing.tar = tar;
    if (put_entry(&writing, &at, path, err) < 0)
        return -1;
    return cb_tar_writer_finish(tar, err);
}

/* ── To a descriptor ── */

static int put_file(struct writing *writing, const struct cb_tree_file *file,
                    struct cb_error **err)
{
    const char *directory = writing->directory;
    cb_autofree char *path =
        xasprintf("%s%s%s", directory ? directory : "", directory ? "/" : "", file->name);
    struct cb_tar_entry entry = {.path = path, .mode = S_IFREG | 0600};

    entry.size = (int64_t)strlen(file->bytes);
    entry.mtime.tv_sec =
        writing->tree->epoch_s >= 0 ? writing->tree->epoch_s : cb_timestamp_now().tv_sec;
    if (cb_tar_writer_entry(writing->tar, &entry, err) < 0)
        return -1;
    return cb_tar_writer_data(writing->tar, file->bytes, (size_t)entry.size, err);
}

static int write_part(struct cb_tar_writer *tar, struct cb_tree_tar *tree,
                      const struct cb_tree_part *part, struct cb_error **err)
{
    cb_auto(cb_map) links = cb_map_new(free);
    struct writing writing = {
        .tree = tree, .tar = tar, .links = links, .directory = part->directory};

    if ((part->directory && put_directory(&writing, err) < 0) || walk(&writing, err) < 0)
        return -1;
    cb_vec_foreach (file, &part->files) {
        if (put_file(&writing, file, err) < 0)
            return -1;
    }
    return 0;
}

int cb_tree_write_tar(const struct cb_tree_part *parts, size_t count, int to_fd,
                      int64_t epoch_s, struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto_value(cb_buffered) buffered = {.fd = to_fd, .what = "the tar"};
    cb_auto(cb_tar_writer) tar = NULL;
    struct sink sink = {.write = cb_buffered_write, .arg = &buffered, .cancel = cancel};

    if (cb_tar_writer_new(&tar, write_unless_canceled, &sink, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct cb_tree_tar tree = {
            .root_fd = parts[i].root_fd, .epoch_s = epoch_s, .cancel = cancel};

        if (write_part(tar, &tree, &parts[i], err) < 0)
            return -1;
    }
    if (cb_tar_writer_finish(tar, err) < 0)
        return -1;
    return cb_buffered_flush(&buffered, err);
}
