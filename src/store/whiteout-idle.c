/* Overlay looks for whiteouts only in directories that it merges. In one that is new in
 * its layer, or opaque, it lists a whiteout's name, and nobody can open what has it:
 * walks fail there. Overlay itself never makes any in such a place, but a layer may come
 * with them. The directories of a layer's whiteouts are looked for in the tree below,
 * name by name as overlay does. */
#include "store/whiteout-idle.h"

#include "base/strbuf.h"
#include "store/layer-file.h"
#include "store/walk.h"
#include "store/whiteout.h"
#include "store/xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct idle {
    struct cb_snapshot *snapshot;
    int hides_all;
    int upper_fd;
    int below_fd;      /* the parent's tree; -1: not opened yet */
    char *directory;   /* the last one that was asked for, and the answer */
    int last_is_alone; /* it merges with none */
};

static void idle_clear(struct idle *idle)
{
    cb_close(&idle->upper_fd);
    cb_close(&idle->below_fd);
    free(idle->directory);
}

/* The layer's directory PATH has a mark. */
static int is_opaque(const struct idle *idle, const char *path)
{
    cb_auto_value(cb_xattrs) xattrs = {0};
    cb_autofd int fd = cb_layer_file_open(idle->upper_fd, path, O_RDONLY | O_DIRECTORY);

    return fd >= 0 && cb_xattrs_read(fd, -1, "", &xattrs, NULL) == 0 &&
           cb_xattrs_are_opaque(&xattrs);
}

static int is_below(const struct idle *idle, const char *path)
{
    cb_autofd int fd = cb_layer_file_open(idle->below_fd, path, O_PATH | O_DIRECTORY);

    return fd >= 0;
}

/* 1: PATH merges with no directory below. */
static int is_alone(struct idle *idle, const char *path, struct cb_error **err)
{
    cb_autofree char *above = xstrdup(path);

    if (idle->below_fd < 0 && cb_snapshot_open_root(cb_snapshot_parent(idle->snapshot),
                                                    &idle->below_fd, err) < 0)
        return -1;
    if (!is_below(idle, path))
        return 1;
    for (;;) {
        char *slash = strrchr(above, '/');

        if (is_opaque(idle, above))
            return 1;
        if (!slash)
            return 0;
        *slash = '\0';
    }
}

static int merges_with_none(struct idle *idle, const struct cb_walk_entry *at,
                            struct cb_error **err)
{
    size_t len = (size_t)(at->name - at->path);
    cb_autofree char *directory = xstrndup(at->path, len ? len - 1 : 0);
    int alone;

    if (idle->hides_all || len == 0)
        return idle->hides_all;
    if (idle->directory && strcmp(idle->directory, directory) == 0)
        return idle->last_is_alone;
    alone = is_alone(idle, directory, err);
    if (alone < 0)
        return -1;
    free(idle->directory);
    idle->directory = cb_steal(&directory);
    idle->last_is_alone = alone;
    return alone;
}

/* The directory keeps the time that the layer gave it. */
static int drop(const struct cb_walk_entry *at, struct cb_error **err)
{
    struct timespec times[2];
    struct stat st;

    if (fstat(at->dir_fd, &st) < 0 || unlinkat(at->dir_fd, at->name, 0) < 0)
        return cb_error_errno(err, errno, "remove whiteout `%s`", at->path);
    times[0] = st.st_atim;
    times[1] = st.st_mtim;
    if (futimens(at->dir_fd, times) < 0)
        return cb_error_errno(err, errno, "set the time of a directory");
    return 0;
}

static int visit(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    int idle;

    if (!cb_whiteout_is_device(&at->st))
        return 0;
    idle = merges_with_none(arg, at, err);
    return idle <= 0 ? idle : drop(at, err);
}

int cb_whiteouts_drop_idle(struct cb_snapshot *active, int hides_all,
                           struct cb_cancel *cancel, struct cb_error **err)
{
    __attribute__((cleanup(idle_clear))) struct idle idle = {
        .snapshot = active, .hides_all = hides_all, .upper_fd = -1, .below_fd = -1};

    if (cb_snapshot_open_upper(active, &idle.upper_fd, err) < 0)
        return -1;
    return cb_walk(idle.upper_fd, visit, &idle, cancel, err);
}
