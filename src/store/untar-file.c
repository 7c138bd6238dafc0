/* One entry onto disk. Creating comes first and looking second: nearly always the name is
 * free. */
#include "store/untar-priv.h"

#include "base/fs.h"
#include "base/user-namespace.h"
#include "store/outline.h"
#include "store/tar-read-priv.h"
#include "store/whiteout.h"
#include "store/xattr.h"
#include "store/zeros.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#define LARGE (256 << 10)

/* Times that no file system takes are as good as none (docker does the same). */
static struct timespec bounded(struct timespec time)
{
    if (time.tv_sec < -(INT64_C(1) << 40) || time.tv_sec > (INT64_C(1) << 40))
        return (struct timespec){0};
    return time;
}

static uint32_t owner(const struct cb_untar *untar, const struct cb_tar_entry *entry)
{
    return untar->options->keep_owner ? entry->uid : untar->options->uid;
}

static uint32_t group(const struct cb_untar *untar, const struct cb_tar_entry *entry)
{
    return untar->options->keep_owner ? entry->gid : untar->options->gid;
}

static int set_xattrs(struct cb_untar *untar, const struct cb_tar_entry *entry, int fd,
                      const char *path, struct cb_error **err)
{
    for (size_t i = 0; i < entry->xattr_count; i++) {
        int status = cb_xattr_set(fd, path, &entry->xattrs[i], err);

        if (status < 0)
            return cb_error_wrap(err, "archive: `%s`", entry->path);
        if (status == 0)
            continue;
        untar->xattrs_left_out++;
        if (!untar->first_xattr)
            untar->first_xattr =
                xasprintf("`%s` of `%s`", entry->xattrs[i].name, entry->path);
    }
    return 0;
}

/* Owner first: changing it takes setuid bits and capabilities away. */
int cb_untar_metadata(struct cb_untar *untar, const struct cb_tar_entry *entry, int fd,
                      struct cb_error **err)
{
    if (fchown(fd, owner(untar, entry), group(untar, entry)) < 0 ||
        fchmod(fd, entry->mode & 07777) < 0) {
        cb_error_errno(err, errno, "archive: `%s`: set owner and mode", entry->path);
        return cb_mapped_ids_hint(err, owner(untar, entry), group(untar, entry));
    }
    return set_xattrs(untar, entry, fd, NULL, err);
}

/* For what cannot be opened: links, devices, pipes. The name was made just now by us. */
static int metadata_by_name(struct cb_untar *untar, const struct cb_tar_entry *entry,
                            int dir_fd, const char *name, struct cb_error **err)
{
    struct timespec times[2] = {bounded(entry->mtime), bounded(entry->mtime)};
    cb_autofree char *path = xasprintf("/proc/self/fd/%d/%s", dir_fd, name);

    if (fchownat(dir_fd, name, owner(untar, entry), group(untar, entry),
                 AT_SYMLINK_NOFOLLOW) < 0) {
        cb_error_errno(err, errno, "archive: `%s`: set owner", entry->path);
        return cb_mapped_ids_hint(err, owner(untar, entry), group(untar, entry));
    }
    if (!S_ISLNK(entry->mode) && fchmodat(dir_fd, name, entry->mode & 07777, 0) < 0)
        return cb_error_errno(err, errno, "archive: `%s`: set mode", entry->path);
    if (set_xattrs(untar, entry, -1, path, err) < 0)
        return -1;
    if (utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "archive: `%s`: set times", entry->path);
    return 0;
}

/* ── Making way ── */

static int make_way(struct cb_untar *untar, const struct cb_tar_entry *entry, int dir_fd,
                    const char *name, struct cb_error **err)
{
    cb_untar_forget_parent_later(untar);
    if (untar->options->outline)
        cb_outline_give_up(untar->options->outline);
    if (unlinkat(dir_fd, name, 0) == 0)
        return 0;
    if (untar->options->keep_kinds && errno == EISDIR)
        return cb_error_set(err, CB_ERR_EXISTS,
                            "cannot overwrite directory \"%s\" with non-directory",
                            entry->path);
    if (cb_fs_remove_tree(dir_fd, name, err) < 0)
        return cb_error_wrap(err, "archive: `%s`", entry->path);
    return 0;
}

/* Calls MAKE; when the name is taken, frees it and calls again. MAKE returns -1 with
 * errno. */
static int make_entry(struct cb_untar *untar, const struct cb_tar_entry *entry,
                      int dir_fd, const char *name,
                      int (*make)(const struct cb_tar_entry *, int, const char *),
                      struct cb_error **err)
{
    int result = make(entry, dir_fd, name);

    if (result >= 0)
        return result;
    if (errno == EEXIST) {
        if (make_way(untar, entry, dir_fd, name, err) < 0)
            return -1;
        result = make(entry, dir_fd, name);
    }
    if (result < 0)
        return cb_error_errno(err, errno, "archive: create `%s`", entry->path);
    return result;
}

static int create_file(const struct cb_tar_entry *entry, int dir_fd, const char *name)
{
    return openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                  0600);
}

static int create_link(const struct cb_tar_entry *entry, int dir_fd, const char *name)
{
    return symlinkat(entry->link, dir_fd, name);
}

static int create_node(const struct cb_tar_entry *entry, int dir_fd, const char *name)
{
    return mknodat(dir_fd, name, (entry->mode & S_IFMT) | 0600,
                   makedev(entry->dev_major, entry->dev_minor));
}

/* ── Regular files ── */

/* Of a layer that nothing else has the files are synced before its image counts: the disk
 * begins with large ones now. */
static void start_writing(const struct cb_untar *untar, int fd, int64_t size)
{
    if (untar->options->outline && size >= LARGE)
        sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

static int write_data(struct cb_untar *untar, const struct cb_tar_entry *entry, int fd,
                      struct cb_error **err)
{
    const void *bytes;
    int64_t offset, end = 0;
    size_t len;
    int more, failed;

    while ((more = cb_tar_reader_block(untar->reader, &bytes, &len, &offset, err)) > 0) {
        if (untar->options->way != CB_UNTAR_LITERAL) {
            failed = cb_zeros_write(fd, bytes, len, offset, &end);
        } else {
            failed = cb_fs_write_all_at(fd, bytes, len, offset);
            end = offset + (int64_t)len;
        }
        if (failed)
            return cb_error_errno(err, errno, "archive: write `%s` at byte %lld",
                                  entry->path, (long long)offset);
    }
    if (more < 0)
        return cb_error_wrap(err, "archive: `%s`", entry->path);
    start_writing(untar, fd, end);
    if (end < entry->size && ftruncate(fd, entry->size) < 0)
        return cb_error_errno(err, errno, "archive: write `%s`", entry->path);
    untar->result.bytes += (uint64_t)entry->size;
    return 0;
}

/* All its bytes have been read: those of a tar that is taken down are known. */
static int tell_outline(const struct cb_untar *untar, const struct cb_tar_entry *entry,
                        const char *path, struct cb_error **err)
{
    if (!untar->options->outline)
        return 0;
    return cb_outline_file(untar->options->outline, path, (uint64_t)entry->size, err);
}

static int make_file(struct cb_untar *untar, const struct cb_tar_entry *entry,
                     const char *path, int dir_fd, const char *name,
                     struct cb_error **err)
{
    struct timespec times[2] = {bounded(entry->mtime), bounded(entry->mtime)};
    cb_autofd int fd = make_entry(untar, entry, dir_fd, name, create_file, err);

    if (fd < 0)
        return -1;
    if (entry->size && (write_data(untar, entry, fd, err) < 0 ||
                        tell_outline(untar, entry, path, err) < 0))
        return -1;
    if (cb_untar_metadata(untar, entry, fd, err) < 0)
        return -1;
    if (futimens(fd, times) < 0)
        return cb_error_errno(err, errno, "archive: `%s`: set times", entry->path);
    return 0;
}

/* ── Directories ── */

/* 1: there is one already, which stays; a whiteout there means that the directory begins
 * anew. */
static int look_at_directory(struct cb_untar *untar, int dir_fd, const char *name,
                             int *whiteout, struct cb_error **err)
{
    struct stat st;

    *whiteout = 0;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "stat `%s`", name);
    if (S_ISDIR(st.st_mode))
        return 1;
    if (untar->options->keep_kinds)
        return cb_error_set(err, CB_ERR_EXISTS,
                            "cannot overwrite non-directory \"%s\" with directory", name);
    *whiteout = untar->options->way == CB_UNTAR_OVERLAY && cb_whiteout_is_device(&st);
    cb_untar_forget_parent_later(untar);
    if (untar->options->outline && !*whiteout)
        cb_outline_give_up(untar->options->outline);
    if (unlinkat(dir_fd, name, 0) < 0)
        return cb_error_errno(err, errno, "remove `%s`", name);
    return 0;
}

static int open_directory(struct cb_untar *untar, const struct cb_tar_entry *entry,
                          int dir_fd, const char *name, int *fd, struct cb_error **err)
{
    int whiteout = 0, there = 0;

    if (mkdirat(dir_fd, name, 0700) < 0) {
        if (errno != EEXIST)
            return cb_error_errno(err, errno, "archive: create `%s`", entry->path);
        there = look_at_directory(untar, dir_fd, name, &whiteout, err);
        if (there < 0)
            return -1;
        if (!there && mkdirat(dir_fd, name, 0700) < 0)
            return cb_error_errno(err, errno, "archive: create `%s`", entry->path);
    }
    *fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0)
        return cb_error_errno(err, errno, "archive: open `%s`", entry->path);
    return whiteout ? cb_whiteout_make_opaque(*fd, err) : 0;
}

static int make_directory(struct cb_untar *untar, const struct cb_tar_entry *entry,
                          const char *path, int dir_fd, const char *name,
                          struct cb_error **err)
{
    struct cb_untar_times times = {.mtime = bounded(entry->mtime)};
    cb_autofd int fd = -1;

    if (open_directory(untar, entry, dir_fd, name, &fd, err) < 0 ||
        cb_untar_metadata(untar, entry, fd, err) < 0)
        return -1;
    times.path = xstrdup(path);
    cb_vec_push(&untar->times, times);
    return 0;
}

/* ── Hard links ── */

static int same_file(int a_fd, const char *a, int b_fd, const char *b)
{
    struct stat first, second;

    return fstatat(a_fd, a, &first, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstatat(b_fd, b, &second, AT_SYMLINK_NOFOLLOW) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static int link_failed(struct cb_untar *untar, const struct cb_tar_entry *entry,
                       struct cb_error **err)
{
    if (untar->options->way == CB_UNTAR_OVERLAY &&
        (errno == ENOENT || errno == ENOTDIR)) {
        untar->result.needs_below = 1;
        return 0;
    }
    return cb_error_errno(err, errno, "archive: link `%s` to `%s`", entry->path,
                          entry->link);
}

static int is_whiteout(const struct cb_untar *untar, int dir_fd, const char *name)
{
    struct stat st;

    return untar->options->way == CB_UNTAR_OVERLAY &&
           fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           cb_whiteout_is_device(&st);
}

static int link_names(struct cb_untar *untar, const struct cb_tar_entry *entry,
                      int target_fd, const char *target, int dir_fd, const char *name,
                      struct cb_error **err)
{
    if (is_whiteout(untar, target_fd, target))
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "archive: link `%s` to `%s`, which is deleted", entry->path,
                            entry->link);
    if (linkat(target_fd, target, dir_fd, name, 0) == 0)
        return 0;
    if (errno != EEXIST)
        return link_failed(untar, entry, err);
    if (same_file(target_fd, target, dir_fd, name))
        return 0;
    if (make_way(untar, entry, dir_fd, name, err) < 0)
        return -1;
    if (linkat(target_fd, target, dir_fd, name, 0) < 0)
        return link_failed(untar, entry, err);
    return 0;
}

/* The target is a name of the archive like any other; its own last component may be a
 * link, which then gets a second name itself. */
static int make_hardlink(struct cb_untar *untar, const struct cb_tar_entry *entry,
                         int dir_fd, const char *name, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    cb_autofree char *path = NULL;
    cb_autofree char *target = NULL;
    cb_autofd int target_fd = -1;

    if (cb_untar_path(untar, entry->link, &path, err) < 0)
        return -1;
    if (strcmp(path, untar->dest) == 0)
        return cb_error_set(err, CB_ERR_INTEGRITY, "archive: link `%s` to a directory",
                            entry->path);
    if (cb_fs_open_parent_in_root(untar->root_fd, path, NULL, &target_fd, &target,
                                  &error) < 0) {
        errno =
            cb_error_kind(error) == CB_ERR_NOT_FOUND ? ENOENT : cb_error_errnum(error);
        return link_failed(untar, entry, err);
    }
    return link_names(untar, entry, target_fd, target, dir_fd, name, err);
}

/* ── Any entry ── */

static int make_node(struct cb_untar *untar, const struct cb_tar_entry *entry, int dir_fd,
                     const char *name, struct cb_error **err)
{
    int is_link = S_ISLNK(entry->mode);

    if (S_ISCHR(entry->mode) && entry->dev_major == 0 && entry->dev_minor == 0)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "archive: `%s`: device 0:0 would be taken for a deletion",
                            entry->path);
    if (untar->no_devices && (S_ISCHR(entry->mode) || S_ISBLK(entry->mode))) {
        untar->left_out++;
        return 0;
    }
    if (is_link)
        cb_untar_forget_parent_later(untar);
    if (make_entry(untar, entry, dir_fd, name, is_link ? create_link : create_node, err) <
        0)
        return -1;
    return metadata_by_name(untar, entry, dir_fd, name, err);
}

int cb_untar_file(struct cb_untar *untar, const struct cb_tar_entry *entry,
                  const char *path, int dir_fd, const char *name, struct cb_error **err)
{
    if (entry->is_hardlink)
        return make_hardlink(untar, entry, dir_fd, name, err);
    switch (entry->mode & S_IFMT) {
    case S_IFREG:
        return make_file(untar, entry, path, dir_fd, name, err);
    case S_IFDIR:
        return make_directory(untar, entry, path, dir_fd, name, err);
    case S_IFLNK:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
        return make_node(untar, entry, dir_fd, name, err);
    default:
        return cb_error_set(err, CB_ERR_INTEGRITY, "archive: `%s`: unknown type %o",
                            entry->path, (unsigned)(entry->mode & S_IFMT));
    }
}
