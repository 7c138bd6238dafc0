/* The merged tree as a directory of the caller's. One descriptor per level of the
 * destination is held, so that nothing put there meanwhile can lead elsewhere. Devices
 * are left out: they are no build result. */
#include "exporter/tree.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "store/layer-file.h"
#include "store/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define SHARE_BYTES (1 << 20) /* from here on worth a look into the layers */

struct level { /* a directory being filled */
    int fd;
    struct timespec mtime;
    struct cb_map *names; /* what the tree has in it; NULL: not asked for */
};

struct writing {
    CB_VEC(struct level) levels;  /* from the top down */
    struct cb_map *links;         /* "dev:ino" → first path below the top */
    struct cb_snapshot *snapshot; /* or NULL */
    int64_t epoch_s;
    int delete;
};

static void set_times(const struct writing *writing, int dir_fd, const char *name,
                      const struct timespec *mtime)
{
    struct timespec times[2] = {*mtime, *mtime};

    if (writing->epoch_s >= 0)
        times[0] = times[1] = (struct timespec){.tv_sec = writing->epoch_s};
    utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW);
}

static int remove_others(const struct level *level, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(level->fd, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.count; i++) {
        if (!cb_map_has(level->names, names.items[i]) &&
            cb_fs_remove_tree(level->fd, names.items[i], err) < 0)
            return -1;
    }
    return 0;
}

static void drop_level(struct writing *writing)
{
    struct level *level = &writing->levels.items[--writing->levels.count];

    cb_map_free(level->names);
    cb_close(&level->fd);
}

/* Leaves the directories that are full: their times are set last. */
static int close_levels(struct writing *writing, size_t keep, struct cb_error **err)
{
    while (writing->levels.count > keep) {
        struct level *level = &writing->levels.items[writing->levels.count - 1];

        if (level->names && remove_others(level, err) < 0)
            return -1;
        if (writing->levels.count > 1) {
            struct timespec times[2] = {level->mtime, level->mtime};

            futimens(level->fd, times);
        }
        drop_level(writing);
    }
    return 0;
}

static void push_level(struct writing *writing, int fd, struct timespec mtime)
{
    struct level level = {.fd = fd, .mtime = mtime};

    if (writing->epoch_s >= 0)
        level.mtime = (struct timespec){.tv_sec = writing->epoch_s};
    if (writing->delete)
        level.names = cb_map_new(NULL);
    cb_vec_push(&writing->levels, level);
}

static int put_directory(struct writing *writing, int dir_fd,
                         const struct cb_walk_entry *at, struct cb_error **err)
{
    cb_autofd int fd = -1;
    struct stat there;

    if (fstatat(dir_fd, at->name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
        !S_ISDIR(there.st_mode) && unlinkat(dir_fd, at->name, 0) < 0)
        return cb_error_errno(err, errno, "replace `%s`", at->path);
    if (mkdirat(dir_fd, at->name, 0700) < 0 && errno != EEXIST)
        return cb_error_errno(err, errno, "mkdir `%s`", at->path);
    fd = openat(dir_fd, at->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, at->st.st_mode & 0777) < 0)
        return cb_error_errno(err, errno, "directory `%s`", at->path);
    push_level(writing, cb_steal_fd(&fd), at->st.st_mtim);
    return 0;
}

static int put_symlink(int dir_fd, const struct cb_walk_entry *at, struct cb_error **err)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(at->dir_fd, at->name, target, sizeof(target) - 1);

    if (len < 0)
        return cb_error_errno(err, errno, "read link `%s`", at->path);
    target[len] = '\0';
    if (symlinkat(target, dir_fd, at->name) < 0)
        return cb_error_errno(err, errno, "link `%s`", at->path);
    return 0;
}

/* 1 when the file is another name of one that is there already. The first name is found
 * from the top without following links. */
static int put_hardlink(struct writing *writing, int dir_fd,
                        const struct cb_walk_entry *at, struct cb_error **err)
{
    cb_autofd int parent = -1;
    cb_autofree char *name = NULL;
    const char *first;
    char key[CB_INODE_KEY_MAX];

    if (at->st.st_nlink < 2)
        return 0;
    cb_inode_key(key, at->st.st_dev, at->st.st_ino);
    first = cb_map_get(writing->links, key);
    if (!first) {
        cb_map_set(writing->links, key, xstrdup(at->path));
        return 0;
    }
    if (cb_fs_open_parent_in_root(writing->levels.items[0].fd, first, NULL, &parent,
                                  &name, err) < 0)
        return -1;
    if (linkat(parent, name, dir_fd, at->name, 0) == 0)
        return 1;
    /* A file system without hard links gets a copy. */
    return 0;
}

static int put_file(struct writing *writing, int dir_fd, const struct cb_walk_entry *at,
                    struct cb_error **err)
{
    int linked = put_hardlink(writing, dir_fd, at, err);
    cb_autofd int from = -1;
    cb_autofd int to = -1;

    if (linked != 0)
        return linked < 0 ? -1 : 0;
    if (writing->snapshot && at->st.st_size >= SHARE_BYTES)
        from = cb_layer_file_find(writing->snapshot, at->path, &at->st);
    if (from < 0)
        from = openat(at->dir_fd, at->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0)
        return cb_error_errno(err, errno, "open `%s`", at->path);
    to = openat(dir_fd, at->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                0600);
    if (to < 0)
        return cb_error_errno(err, errno, "create `%s`", at->path);
    if (cb_fs_copy_data(from, to, -1, err) < 0)
        return cb_error_wrap(err, "`%s`", at->path);
    /* Set-user-id means nothing once the owner is another. */
    if (fchmod(to, at->st.st_mode & 0777) < 0)
        return cb_error_errno(err, errno, "chmod `%s`", at->path);
    if (cb_fs_close_written(&to) < 0)
        return cb_error_errno(err, errno, "write `%s`", at->path);
    return 0;
}

static int put_other(struct writing *writing, int dir_fd, const struct cb_walk_entry *at,
                     struct cb_error **err)
{
    int result;

    if (!S_ISREG(at->st.st_mode) && !S_ISLNK(at->st.st_mode) && !S_ISFIFO(at->st.st_mode))
        return 0;
    if (cb_fs_remove_tree(dir_fd, at->name, err) < 0)
        return -1;
    if (S_ISLNK(at->st.st_mode))
        result = put_symlink(dir_fd, at, err);
    else if (S_ISREG(at->st.st_mode))
        result = put_file(writing, dir_fd, at, err);
    else if ((result = mkfifoat(dir_fd, at->name, at->st.st_mode & 0777)) < 0)
        cb_error_errno(err, errno, "mkfifo `%s`", at->path);
    if (result == 0)
        set_times(writing, dir_fd, at->name, &at->st.st_mtim);
    return result;
}

static int visit(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    struct writing *writing = arg;
    struct level *level;

    if (close_levels(writing, cb_path_depth(at->path) + 1, err) < 0)
        return -1;
    level = &writing->levels.items[writing->levels.count - 1];
    if (level->names)
        cb_map_set(level->names, at->name, writing);
    if (S_ISDIR(at->st.st_mode))
        return put_directory(writing, level->fd, at, err);
    return put_other(writing, level->fd, at, err);
}

/* At the top; a link of their name is replaced and not followed. */
static int put_made(struct writing *writing, const struct cb_tree_part *tree,
                    struct cb_error **err)
{
    const struct timespec now = cb_timestamp_now();
    struct level *top = &writing->levels.items[0];

    cb_vec_foreach (file, &tree->files) {
        if (cb_atomic_file_write(top->fd, file->name, file->bytes, strlen(file->bytes),
                                 0600, 0, err) < 0)
            return -1;
        set_times(writing, top->fd, file->name, &now);
        if (top->names)
            cb_map_set(top->names, file->name, writing);
    }
    return 0;
}

int cb_tree_write_dir(const struct cb_tree_part *tree, int to_fd, int64_t epoch_s,
                      int delete, struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto(cb_map) links = cb_map_new(free);
    struct writing writing = {
        .links = links, .snapshot = tree->snapshot, .epoch_s = epoch_s, .delete = delete};
    int top = fcntl(to_fd, F_DUPFD_CLOEXEC, 0);
    int result;

    if (top < 0)
        return cb_error_errno(err, errno, "duplicate a descriptor");
    push_level(&writing, top, (struct timespec){0});
    result =
        tree->root_fd >= 0 ? cb_walk(tree->root_fd, visit, &writing, cancel, err) : 0;
    if (result == 0)
        result = close_levels(&writing, 1, err);
    if (result == 0)
        result = put_made(&writing, tree, err);
    if (result == 0)
        result = close_levels(&writing, 0, err);
    while (writing.levels.count)
        drop_level(&writing);
    cb_vec_free(&writing.levels);
    return result;
}
