/* The source is walked, and of the destination one directory is open for each level, so
 * that nothing put there meanwhile leads elsewhere. */
#include "container/copy.h"

#include "base/fs.h"
#include "base/text.h"
#include "container/copy-priv.h"
#include "store/walk.h"

#include <errno.h>
#include <fcntl.h>

static void copy_clear(struct cb_copy *copy)
{
    cb_vec_foreach (level, &copy->levels)
        cb_close(&level->fd);
    cb_vec_free(&copy->levels);
    cb_map_free(copy->links);
}
CB_AUTO_VALUE_DEFINE(cb_copy, copy_clear)

/* ── Directories ── */

/* It would be found again in its copy, and so on. */
static int refuse_destination(const struct cb_copy *copy, const struct stat *st,
                              struct cb_error **err)
{
    if (st->st_dev != copy->dev || st->st_ino != copy->ino)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "the destination is below the directory that is copied");
}

static int copy_directory(struct cb_copy *copy, const struct cb_copy_entry *entry,
                          struct cb_error **err)
{
    struct cb_copy_level level = {.st = entry->st};
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
    if (cb_copying_xattrs(copy, entry, -1, fd, NULL, err) < 0)
        return -1;
    level.fd = cb_steal_fd(&fd);
    cb_vec_push(&copy->levels, level);
    return 0;
}

/* Those that are full get their owner, mode and times. */
static int close_levels(struct cb_copy *copy, size_t keep, struct cb_error **err)
{
    while (copy->levels.count > keep) {
        struct cb_copy_level *level = &copy->levels.items[--copy->levels.count];
        cb_autofd int fd = cb_steal_fd(&level->fd);

        if (cb_copying_finish(copy->how, &level->st, fd, "directory", err) < 0 ||
            cb_copying_set_times(fd, &level->st, "directory", err) < 0)
            return -1;
    }
    return 0;
}

static int copy_entry(struct cb_copy *copy, struct cb_copy_entry *entry,
                      struct cb_error **err)
{
    return S_ISDIR(entry->st.st_mode) ? copy_directory(copy, entry, err)
                                      : cb_copying_entry(copy, entry, err);
}

struct walked {
    struct cb_copy *copy;
    const char *above; /* what the paths begin with, or NULL */
    size_t depth;      /* levels above the tree */
};

static int visit(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    const struct walked *walked = arg;
    struct cb_copy *copy = walked->copy;
    const struct cb_container_copying *how = copy->how;
    cb_autofree char *path =
        walked->above ? xasprintf("%s/%s", walked->above, at->path) : xstrdup(at->path);
    struct cb_copy_entry entry = {.path = path,
                                  .from_dir = at->dir_fd,
                                  .name = at->name,
                                  .to_name = at->name,
                                  .st = at->st};

    if (close_levels(copy, walked->depth + cb_path_depth(at->path), err) < 0)
        return -1;
    entry.to_dir = copy->levels.items[copy->levels.count - 1].fd;
    if (how->leaves_out && how->leaves_out(path, &at->st))
        return 1;
    return copy_entry(copy, &entry, err);
}

static int begin(struct cb_copy *copy, int to_fd, struct cb_error **err)
{
    struct cb_copy_level level;

    if (fstat(to_fd, &level.st) < 0 || (level.fd = fcntl(to_fd, F_DUPFD_CLOEXEC, 3)) < 0)
        return cb_error_errno(err, errno, "open the destination");
    copy->links = cb_map_new(free);
    copy->dev = level.st.st_dev;
    copy->ino = level.st.st_ino;
    cb_vec_push(&copy->levels, level);
    return 0;
}

int cb_container_copy_content(struct cb_container_copying *how, int from_fd, int to_fd,
                              struct cb_error **err)
{
    cb_auto_value(cb_copy) copy = {.how = how};
    struct walked walked = {.copy = &copy, .depth = 1};
    struct stat st;

    if (fstat(from_fd, &st) < 0)
        return cb_error_errno(err, errno, "stat the source");
    if (begin(&copy, to_fd, err) < 0 || refuse_destination(&copy, &st, err) < 0 ||
        cb_walk_changing(from_fd, visit, &walked, how->cancel, err) < 0)
        return -1;
    return close_levels(&copy, 1, err);
}

static int copy_top_content(struct cb_copy *copy, const struct cb_copy_entry *top,
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

int cb_container_copy_named(struct cb_container_copying *how, int from_dir,
                            const char *name, int to_dir, const char *to_name,
                            struct cb_error **err)
{
    cb_auto_value(cb_copy) copy = {.how = how};
    struct cb_copy_entry entry = {.path = to_name,
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
