/* The source is walked, and of the destination one directory is open for each level, so
 * that nothing put there meanwhile leads elsewhere. A file is written under a name of its
 * own first and then renamed: whoever reads it sees the old one or the new one. */
#include "container/copy.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/text.h"
#include "base/user-namespace.h"
#include "base/vec.h"
#include "store/walk.h"
#include "store/whiteout.h"
#include "store/xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MAX_TRIES 100

struct level { /* a directory being filled */
    int fd;
    struct stat st; /* of the source */
};

struct copy {
    struct cb_copying *how;
    CB_VEC(struct level) levels; /* the first is the caller's */
    struct cb_map *links;        /* "dev:ino" → first path below the first level */
    dev_t dev;                   /* of the first level */
    ino_t ino;
};

/* An entry on its way. */
struct entry {
    const char *path; /* for messages, and below the first level */
    int from_dir, to_dir;
    const char *name, *to_name;
    struct stat st;
};

static void copy_clear(struct copy *copy)
{
    cb_vec_foreach (level, &copy->levels)
        cb_close(&level->fd);
    cb_vec_free(&copy->levels);
    cb_map_free(copy->links);
}
CB_AUTO_VALUE_DEFINE(copy, copy_clear)

/* ── Metadata ── */

static int keeps_xattr(const struct cb_copying *how, const char *name)
{
    if (cb_xattr_is_overlay(name))
        return 0;
    return how->owner == CB_COPY_KEEP || strncmp(name, "user.", 5) == 0;
}

/* FD of the new file, or -1 and its PATH; FROM_FD, or -1 and the name. */
static int copy_xattrs(const struct copy *copy, const struct entry *entry, int from_fd,
                       int fd, const char *path, struct cb_error **err)
{
    cb_auto_value(cb_xattrs) xattrs = {0};

    if (cb_xattrs_read(from_fd, entry->from_dir, entry->name, &xattrs, err) < 0)
        return -1;
    cb_vec_foreach (xattr, &xattrs) {
        if (keeps_xattr(copy->how, xattr->name) && cb_xattr_set(fd, path, xattr, err) < 0)
            return cb_error_wrap(err, "copy `%s`", entry->path);
    }
    if (copy->how->raw && S_ISDIR(entry->st.st_mode) && cb_xattrs_are_opaque(&xattrs))
        return cb_whiteout_make_opaque(fd, err);
    return 0;
}

static uint32_t user_of(const struct cb_copying *how, const struct stat *st)
{
    return how->owner == CB_COPY_KEEP ? st->st_uid : how->uid;
}

static uint32_t group_of(const struct cb_copying *how, const struct stat *st)
{
    return how->owner == CB_COPY_KEEP ? st->st_gid : how->gid;
}

static int owner_failed(const struct cb_copying *how, const struct stat *st,
                        const char *path, struct cb_error **err)
{
    cb_error_errno(err, errno, "set the owner of `%s`", path);
    return cb_mapped_ids_hint(err, user_of(how, st), group_of(how, st));
}

/* Set-id bits mean nothing once the owner is another. */
static mode_t mode_of(const struct cb_copying *how, const struct stat *st)
{
    if (how->owner == CB_COPY_KEEP)
        return st->st_mode & 07777;
    return st->st_mode & (S_ISDIR(st->st_mode) ? 01777 : 0777);
}

/* Owner first: changing it takes set-id bits and capabilities away. */
static int finish_open(const struct cb_copying *how, const struct stat *st, int fd,
                       const char *path, struct cb_error **err)
{
    if (how->owner != CB_COPY_OURS && fchown(fd, user_of(how, st), group_of(how, st)) < 0)
        return owner_failed(how, st, path, err);
    if (fchmod(fd, mode_of(how, st)) < 0)
        return cb_error_errno(err, errno, "set the mode of `%s`", path);
    return 0;
}

static int set_times(int fd, const struct stat *st, const char *path,
                     struct cb_error **err)
{
    struct timespec times[2] = {st->st_mtim, st->st_mtim};

    if (futimens(fd, times) < 0)
        return cb_error_errno(err, errno, "set the times of `%s`", path);
    return 0;
}

/* Of what cannot be opened. */
static int finish_named(const struct copy *copy, const struct entry *entry,
                        const char *name, struct cb_error **err)
{
    const struct cb_copying *how = copy->how;
    struct timespec times[2] = {entry->st.st_mtim, entry->st.st_mtim};
    cb_autofree char *path = xasprintf("/proc/self/fd/%d/%s", entry->to_dir, name);

    if (how->owner != CB_COPY_OURS &&
        fchownat(entry->to_dir, name, user_of(how, &entry->st), group_of(how, &entry->st),
                 AT_SYMLINK_NOFOLLOW) < 0)
        return owner_failed(how, &entry->st, entry->path, err);
    if (copy_xattrs(copy, entry, -1, -1, path, err) < 0)
        return -1;
    if (utimensat(entry->to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "set the times of `%s`", entry->path);
    return 0;
}

/* ── Files under a name of their own ── */

/* Calls MAKE with names until one is free. Its descriptor or 0; -1 with errno. */
static int make_named(const struct entry *entry, char name[64],
                      int (*make)(const struct entry *entry, const char *name, void *arg),
                      void *arg)
{
    int made = -1;

    for (unsigned i = 0; i < MAX_TRIES; i++) {
        snprintf(name, 64, ".cbuild-copy-%d-%u", (int)getpid(), i);
        made = make(entry, name, arg);
        if (made >= 0 || errno != EEXIST)
            break;
    }
    return made;
}

/* Names of one file: rename does nothing then, and one of them is left. */
static int rename_over(const struct entry *entry, const char *name, struct cb_error **err)
{
    int done = renameat(entry->to_dir, name, entry->to_dir, entry->to_name);
    int errnum = errno;

    unlinkat(entry->to_dir, name, 0);
    if (done == 0)
        return 0;
    if (errnum == EISDIR || errnum == EEXIST || errnum == ENOTEMPTY)
        return cb_error_set(err, CB_ERR_EXISTS,
                            "cannot overwrite directory \"%s\" with non-directory",
                            entry->path);
    return cb_error_errno(err, errnum, "create `%s`", entry->path);
}

static int make_file(const struct entry *entry, const char *name, void *arg)
{
    return openat(entry->to_dir, name,
                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static int fill_file(struct copy *copy, const struct entry *entry, int from, int to,
                     struct cb_error **err)
{
    struct stat st;

    if (cb_fs_copy_data(from, to, -1, err) < 0)
        return cb_error_wrap(err, "copy `%s`", entry->path);
    if (finish_open(copy->how, &entry->st, to, entry->path, err) < 0 ||
        copy_xattrs(copy, entry, from, to, NULL, err) < 0 ||
        set_times(to, &entry->st, entry->path, err) < 0)
        return -1;
    copy->how->bytes += fstat(to, &st) == 0 ? (uint64_t)st.st_size : 0;
    return 0;
}

static int copy_file(struct copy *copy, struct entry *entry, struct cb_error **err)
{
    cb_autofd int from = -1;
    cb_autofd int to = -1;
    char name[64];
    int found = cb_fs_open_regular(entry->from_dir, entry->name, &entry->st, &from, err);

    if (found <= 0)
        return found;
    to = make_named(entry, name, make_file, NULL);
    if (to < 0)
        return cb_error_errno(err, errno, "create `%s`", entry->path);
    if (fill_file(copy, entry, from, to, err) < 0) {
        unlinkat(entry->to_dir, name, 0);
        return -1;
    }
    return rename_over(entry, name, err);
}

struct first_name {
    int dir;
    const char *name;
};

static int make_second_name(const struct entry *entry, const char *name, void *arg)
{
    const struct first_name *first = arg;

    return linkat(first->dir, first->name, entry->to_dir, name, 0);
}

/* 1: the file got a second name for one that is there already. */
static int copy_hardlink(struct copy *copy, const struct entry *entry,
                         struct cb_error **err)
{
    cb_autofd int parent = -1;
    cb_autofree char *last = NULL;
    struct first_name first;
    const char *path;
    char key[CB_INODE_KEY_MAX], name[64];

    if (entry->st.st_nlink < 2 || S_ISDIR(entry->st.st_mode))
        return 0;
    cb_inode_key(key, entry->st.st_dev, entry->st.st_ino);
    path = cb_map_get(copy->links, key);
    if (!path) {
        cb_map_set(copy->links, key, xstrdup(entry->path));
        return 0;
    }
    if (cb_fs_open_parent_in_root(copy->levels.items[0].fd, path, 0, 0, 0, &parent, &last,
                                  NULL) < 0)
        return 0;
    first = (struct first_name){.dir = parent, .name = last};
    if (make_named(entry, name, make_second_name, &first) < 0)
        return 0; /* a file system without hard links gets a copy */
    return rename_over(entry, name, err) < 0 ? -1 : 1;
}

/* ── Other files ── */

static int make_link(const struct entry *entry, const char *name, void *arg)
{
    return symlinkat(arg, entry->to_dir, name);
}

static int copy_link(struct copy *copy, const struct entry *entry, struct cb_error **err)
{
    char target[PATH_MAX], name[64];
    ssize_t len = readlinkat(entry->from_dir, entry->name, target, sizeof(target) - 1);

    if (len < 0)
        return errno == ENOENT || errno == EINVAL
                   ? 0
                   : cb_error_errno(err, errno, "read link `%s`", entry->path);
    target[len] = '\0';
    if (make_named(entry, name, make_link, target) < 0)
        return cb_error_errno(err, errno, "create `%s`", entry->path);
    if (finish_named(copy, entry, name, err) < 0) {
        unlinkat(entry->to_dir, name, 0);
        return -1;
    }
    return rename_over(entry, name, err);
}

static int make_node(const struct entry *entry, const char *name, void *arg)
{
    return mknodat(entry->to_dir, name, (entry->st.st_mode & S_IFMT) | 0600,
                   entry->st.st_rdev);
}

static int may_be_made(const struct cb_copying *how, const struct stat *st)
{
    if (S_ISFIFO(st->st_mode))
        return 1;
    return how->owner != CB_COPY_OURS && (how->raw || !cb_whiteout_is_device(st));
}

static int copy_node(struct copy *copy, const struct entry *entry, struct cb_error **err)
{
    char name[64];

    if (copy->how->raw && cb_whiteout_is_device(&entry->st))
        return cb_whiteout_make(entry->to_dir, entry->to_name, err);
    if (S_ISSOCK(entry->st.st_mode))
        return 0;
    if (!may_be_made(copy->how, &entry->st)) {
        copy->how->left_out++;
        return 0;
    }
    if (make_named(entry, name, make_node, NULL) < 0) {
        if (errno != EPERM)
            return cb_error_errno(err, errno, "create `%s`", entry->path);
        copy->how->left_out++; /* nobody makes devices in a user namespace */
        return 0;
    }
    if (fchmodat(entry->to_dir, name, mode_of(copy->how, &entry->st), 0) < 0 ||
        finish_named(copy, entry, name, err) < 0) {
        unlinkat(entry->to_dir, name, 0);
        return -1;
    }
    return rename_over(entry, name, err);
}

/* ── Directories ── */

/* It would be found again in its copy, and so on. */
static int refuse_destination(const struct copy *copy, const struct stat *st,
                              struct cb_error **err)
{
    if (st->st_dev != copy->dev || st->st_ino != copy->ino)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "the destination is below the directory that is copied");
}

static int copy_directory(struct copy *copy, const struct entry *entry,
                          struct cb_error **err)
{
    struct level level = {.st = entry->st};
    cb_autofd int fd = -1;

    if (refuse_destination(copy, &entry->st, err) < 0)
        return -1;
    if (mkdirat(entry->to_dir, entry->to_name, 0700) < 0 && errno != EEXIST)
        return cb_error_errno(err, errno, "create directory `%s`", entry->path);
    fd = openat(entry->to_dir, entry->to_name,
                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return cb_error_set(err, CB_ERR_EXISTS,
                            "cannot overwrite non-directory \"%s\" with directory",
                            entry->path);
    if (fd < 0)
        return cb_error_errno(err, errno, "open directory `%s`", entry->path);
    if (copy_xattrs(copy, entry, -1, fd, NULL, err) < 0)
        return -1;
    level.fd = cb_steal_fd(&fd);
    cb_vec_push(&copy->levels, level);
    return 0;
}

/* Those that are full get their owner, mode and times. */
static int close_levels(struct copy *copy, size_t keep, struct cb_error **err)
{
    while (copy->levels.count > keep) {
        struct level *level = &copy->levels.items[--copy->levels.count];
        cb_autofd int fd = cb_steal_fd(&level->fd);

        if (finish_open(copy->how, &level->st, fd, "directory", err) < 0 ||
            set_times(fd, &level->st, "directory", err) < 0)
            return -1;
    }
    return 0;
}

/* ── Any entry ── */

static int copy_entry(struct copy *copy, struct entry *entry, struct cb_error **err)
{
    int linked;

    if (S_ISDIR(entry->st.st_mode))
        return copy_directory(copy, entry, err);
    linked = copy_hardlink(copy, entry, err);
    if (linked)
        return linked < 0 ? -1 : 0;
    if (S_ISREG(entry->st.st_mode))
        return copy_file(copy, entry, err);
    if (S_ISLNK(entry->st.st_mode))
        return copy_link(copy, entry, err);
    return copy_node(copy, entry, err);
}

struct walked {
    struct copy *copy;
    const char *above; /* what the paths begin with, or NULL */
    size_t depth;      /* levels above the tree */
};

static int visit(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    const struct walked *walked = arg;
    struct copy *copy = walked->copy;
    const struct cb_copying *how = copy->how;
    cb_autofree char *path =
        walked->above ? xasprintf("%s/%s", walked->above, at->path) : xstrdup(at->path);
    struct entry entry = {.path = path,
                          .from_dir = at->dir_fd,
                          .name = at->name,
                          .to_name = at->name,
                          .st = at->st};

    if (close_levels(copy, walked->depth + cb_path_depth(at->path), err) < 0)
        return -1;
    entry.to_dir = copy->levels.items[copy->levels.count - 1].fd;
    if (how->leaves_out && how->leaves_out(how->arg, path, &at->st))
        return 1;
    return copy_entry(copy, &entry, err);
}

static int begin(struct copy *copy, int to_fd, struct cb_error **err)
{
    struct level level = {.fd = fcntl(to_fd, F_DUPFD_CLOEXEC, 3)};

    if (level.fd < 0 || fstat(to_fd, &level.st) < 0)
        return cb_error_errno(err, errno, "open the destination");
    copy->links = cb_map_new(free);
    copy->dev = level.st.st_dev;
    copy->ino = level.st.st_ino;
    cb_vec_push(&copy->levels, level);
    return 0;
}

int cb_container_copy_content(struct cb_copying *how, int from_fd, int to_fd,
                              struct cb_error **err)
{
    cb_auto_value(copy) copy = {.how = how};
    struct walked walked = {.copy = &copy, .depth = 1};
    struct stat st;

    if (fstat(from_fd, &st) < 0)
        return cb_error_errno(err, errno, "stat the source");
    if (begin(&copy, to_fd, err) < 0 || refuse_destination(&copy, &st, err) < 0 ||
        cb_walk_changing(from_fd, visit, &walked, how->cancel, err) < 0)
        return -1;
    return close_levels(&copy, 1, err);
}

static int copy_top_content(struct copy *copy, const struct entry *top,
                            struct cb_error **err)
{
    struct walked walked = {.copy = copy, .above = top->to_name, .depth = 2};
    cb_autofd int from =
        openat(top->from_dir, top->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (from < 0)
        return cb_error_errno(err, errno, "open `%s`", top->name);
    if (cb_walk_changing(from, visit, &walked, copy->how->cancel, err) < 0)
        return -1;
    return close_levels(copy, 1, err);
}

int cb_container_copy_named(struct cb_copying *how, int from_dir, const char *name,
                            int to_dir, const char *to_name, struct cb_error **err)
{
    cb_auto_value(copy) copy = {.how = how};
    struct entry entry = {.path = to_name,
                          .from_dir = from_dir,
                          .name = name,
                          .to_dir = to_dir,
                          .to_name = to_name};

    if (begin(&copy, to_dir, err) < 0)
        return -1;
    if (fstatat(from_dir, name, &entry.st, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "stat `%s`", name);
    if (copy_entry(&copy, &entry, err) < 0)
        return -1;
    return S_ISDIR(entry.st.st_mode) ? copy_top_content(&copy, &entry, err) : 0;
}
