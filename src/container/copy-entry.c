/* One entry that is no directory. It is written under a name of its own first and then
 * renamed: whoever reads it sees the old one or the new one. */
#include "container/copy-priv.h"

#include "base/fs.h"
#include "base/text.h"
#include "store/walk.h"
#include "store/whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define MAX_TRIES 100

/* ── Files under a name of their own ── */

/* Calls MAKE with names until one is free. Its descriptor or 0; -1 with errno. */
static int make_named(const struct cb_copy_entry *entry, char name[64],
                      int (*make)(const struct cb_copy_entry *entry, const char *name,
                                  void *arg),
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

/* In another mount namespace the kernel would let the rename through, and the mount go.
 */
static int is_mounted_on(const struct cb_copy_entry *entry)
{
    struct statx st;

    return statx(entry->to_dir, entry->to_name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0,
                 &st) == 0 &&
           st.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

/* Names of one file: rename does nothing then, and one of them is left. */
static int rename_over(const struct cb_copy_entry *entry, const char *name,
                       struct cb_error **err)
{
    int is_busy = is_mounted_on(entry);
    int done =
        is_busy ? -1 : renameat(entry->to_dir, name, entry->to_dir, entry->to_name);
    int errnum = is_busy ? EBUSY : errno;

    unlinkat(entry->to_dir, name, 0);
    if (done == 0)
        return 0;
    if (errnum == EISDIR || errnum == EEXIST || errnum == ENOTEMPTY)
        return cb_error_set(err, CB_ERR_EXISTS,
                            "cannot overwrite directory \"%s\" with non-directory",
                            entry->path);
    cb_error_errno(err, errnum, "create `%s`", entry->path);
    return is_busy ? cb_error_hint(err, "something is mounted there: a command in the "
                                        "container can write to it, `cp` not replace it")
                   : -1;
}

static int make_file(const struct cb_copy_entry *entry, const char *name, void *arg)
{
    return openat(entry->to_dir, name,
                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static int fill_file(struct cb_copy *copy, const struct cb_copy_entry *entry, int from,
                     int to, struct cb_error **err)
{
    struct stat st;

    if (cb_fs_copy_data(from, to, -1, err) < 0)
        return cb_error_wrap(err, "copy `%s`", entry->path);
    if (cb_copying_finish(copy->how, &entry->st, to, entry->path, err) < 0 ||
        cb_copying_xattrs(copy, entry, from, to, NULL, err) < 0 ||
        cb_copying_set_times(to, &entry->st, entry->path, err) < 0)
        return -1;
    copy->how->bytes += fstat(to, &st) == 0 ? (uint64_t)st.st_size : 0;
    return 0;
}

static int copy_file(struct cb_copy *copy, struct cb_copy_entry *entry,
                     struct cb_error **err)
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
    if (cb_fs_close_written(&to) < 0) {
        cb_error_errno(err, errno, "write `%s`", entry->path);
        unlinkat(entry->to_dir, name, 0);
        return -1;
    }
    return rename_over(entry, name, err);
}

struct first_name {
    int dir;
    const char *name;
};

static int make_second_name(const struct cb_copy_entry *entry, const char *name,
                            void *arg)
{
    const struct first_name *first = arg;

    return linkat(first->dir, first->name, entry->to_dir, name, 0);
}

/* 1: the file got a second name for one that is there already. */
static int copy_hardlink(struct cb_copy *copy, const struct cb_copy_entry *entry,
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
    if (cb_fs_open_parent_in_root(copy->levels.items[0].fd, path, NULL, &parent, &last,
                                  NULL) < 0)
        return 0;
    first = (struct first_name){.dir = parent, .name = last};
    if (make_named(entry, name, make_second_name, &first) < 0)
        return 0; /* a file system without hard links gets a copy */
    return rename_over(entry, name, err) < 0 ? -1 : 1;
}

/* ── Other files ── */

static int make_link(const struct cb_copy_entry *entry, const char *name, void *arg)
{
    return symlinkat(arg, entry->to_dir, name);
}

static int copy_link(struct cb_copy *copy, const struct cb_copy_entry *entry,
                     struct cb_error **err)
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
    if (cb_copying_finish_named(copy, entry, name, err) < 0) {
        unlinkat(entry->to_dir, name, 0);
        return -1;
    }
    return rename_over(entry, name, err);
}

static int make_node(const struct cb_copy_entry *entry, const char *name, void *arg)
{
    return mknodat(entry->to_dir, name, (entry->st.st_mode & S_IFMT) | 0600,
                   entry->st.st_rdev);
}

static int may_be_made(const struct cb_container_copying *how, const struct stat *st)
{
    if (S_ISFIFO(st->st_mode))
        return 1;
    return how->owner != CB_COPY_OURS && (how->raw || !cb_whiteout_is_device(st));
}

static int copy_node(struct cb_copy *copy, const struct cb_copy_entry *entry,
                     struct cb_error **err)
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
    if (fchmodat(entry->to_dir, name, cb_copying_mode(copy->how, &entry->st), 0) < 0 ||
        cb_copying_finish_named(copy, entry, name, err) < 0) {
        unlinkat(entry->to_dir, name, 0);
        return -1;
    }
    return rename_over(entry, name, err);
}

int cb_copying_entry(struct cb_copy *copy, struct cb_copy_entry *entry,
                     struct cb_error **err)
{
    int linked;

    linked = copy_hardlink(copy, entry, err);
    if (linked)
        return linked < 0 ? -1 : 0;
    if (S_ISREG(entry->st.st_mode))
        return copy_file(copy, entry, err);
    if (S_ISLNK(entry->st.st_mode))
        return copy_link(copy, entry, err);
    return copy_node(copy, entry, err);
}
