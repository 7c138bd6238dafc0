/* The layer that a container writes to, read as overlay wrote it: whiteout devices and
 * opaque directories say what is gone; whether the rest is new is looked up in the tree
 * below, name by name, so that no link is followed. */
#include "container/diff.h"

#include "base/fs.h"
#include "base/text.h"
#include "container/files.h"
#include "container/marks.h"
#include "container/pin.h"
#include "store/walk.h"
#include "store/whiteout.h"
#include "store/xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

void cb_changes_free(struct cb_changes *changes)
{
    cb_vec_foreach (change, changes)
        free(change->path);
    cb_vec_free(changes);
}

struct parent {
    char *path;
    int told;
};

struct diff {
    const struct cb_diff_trees *trees;
    struct cb_changes *out;
    CB_VEC(struct parent) parents; /* of the entry, from the top down */
    size_t opaque; /* from this parent on nothing of what is below is seen; 0: none, else
                      counted from 1 */
};

static void forget_parents(struct diff *diff, size_t keep)
{
    while (diff->parents.count > keep)
        free(diff->parents.items[--diff->parents.count].path);
    if (diff->opaque > keep)
        diff->opaque = 0;
}

static void diff_clear(struct diff *diff)
{
    forget_parents(diff, 0);
    cb_vec_free(&diff->parents);
}
CB_AUTO_VALUE_DEFINE(diff, diff_clear)

static void add(struct diff *diff, char kind, const char *path)
{
    struct cb_change change = {.kind = kind, .path = xasprintf("/%s", path)};

    cb_vec_push(diff->out, change);
}

static void tell_parents(struct diff *diff)
{
    cb_vec_foreach (parent, &diff->parents) {
        if (!parent->told)
            add(diff, 'C', parent->path);
        parent->told = 1;
    }
}

static void tell(struct diff *diff, char kind, const char *path)
{
    tell_parents(diff);
    add(diff, kind, path);
}

/* ── What is below ── */

/* A descriptor of PATH below, -1 where there is none. */
static int open_below(const struct diff *diff, const char *path)
{
    cb_autofree char *names = xstrdup(path);
    cb_autofd int at = -1;
    char *rest = NULL;

    for (char *name = strtok_r(names, "/", &rest); name;
         name = strtok_r(NULL, "/", &rest)) {
        int next = openat(at < 0 ? diff->trees->below_fd : at, name,
                          O_PATH | O_NOFOLLOW | O_CLOEXEC);

        cb_close(&at);
        if (next < 0)
            return -1;
        at = next;
    }
    return cb_steal_fd(&at);
}

/* 1 and what is there. */
static int stat_below(const struct diff *diff, const char *path, struct stat *st)
{
    cb_autofd int fd = diff->trees->below_fd < 0 ? -1 : open_below(diff, path);

    return fd >= 0 && fstat(fd, st) == 0;
}

static int is_opaque(const struct cb_walk_entry *at, struct cb_error **err)
{
    cb_auto_value(cb_xattrs) xattrs = {0};

    if (cb_xattrs_read_changing(-1, at->dir_fd, at->name, &xattrs, err) < 0)
        return -1;
    return cb_xattrs_are_opaque(&xattrs);
}

/* Of a directory that hides what is below it: what it has not itself is gone. */
static int tell_hidden(struct diff *diff, const struct cb_walk_entry *at,
                       struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int path_fd = open_below(diff, at->path);
    cb_autofd int below = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cb_autofd int own =
        openat(at->dir_fd, at->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (below < 0 || own < 0)
        return 0;
    if (cb_fs_list(below, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        cb_autofree char *path = xasprintf("%s/%s", at->path, *name);

        if (faccessat(own, *name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
            tell(diff, 'D', path);
    }
    return 0;
}

/* ── The layer ── */

/* A directory is in the layer also when only something in it has changed. */
static int is_same_directory(const struct stat *a, const struct stat *b)
{
    return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int visit_directory(struct diff *diff, const struct cb_walk_entry *at,
                           struct cb_error **err)
{
    struct parent parent = {.path = xstrdup(at->path)};
    struct stat below;
    int there = stat_below(diff, at->path, &below), opaque = 0;
    int was_directory = there && S_ISDIR(below.st_mode);

    if (!was_directory || !is_same_directory(&at->st, &below)) {
        tell(diff, there ? 'C' : 'A', at->path);
        parent.told = 1;
    }
    cb_vec_push(&diff->parents, parent);
    if (was_directory && !diff->opaque)
        opaque = is_opaque(at, err);
    if (opaque < 0)
        return -1;
    if (opaque)
        diff->opaque = diff->parents.count;
    return was_directory && diff->opaque ? tell_hidden(diff, at, err) : 0;
}

static int visit(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    struct diff *diff = arg;
    const struct cb_diff_trees *trees = diff->trees;
    struct stat below;
    int there;

    forget_parents(diff, cb_path_depth(at->path));
    if (strncmp(at->name, ".wh..wh.", 8) == 0) /* fuse-overlayfs' marks */
        return 0;
    if (trees->leaves_out && trees->leaves_out(at->path, &at->st))
        return 1;
    if (S_ISDIR(at->st.st_mode))
        return visit_directory(diff, at, err);
    there = stat_below(diff, at->path, &below);
    if (!cb_whiteout_is_device(&at->st))
        tell(diff, there ? 'C' : 'A', at->path);
    else if (there)
        tell(diff, 'D', at->path);
    return 0;
}

/* As if "/" were the first of all bytes: a directory's content follows it. */
static int by_path(const void *a, const void *b)
{
    const unsigned char *left = (const void *)((const struct cb_change *)a)->path;
    const unsigned char *right = (const void *)((const struct cb_change *)b)->path;

    for (; *left && *left == *right; left++, right++)
        ;
    return (*left == '/' ? 1
            : *left      ? *left + 1
                         : 0) -
           (*right == '/' ? 1
            : *right      ? *right + 1
                          : 0);
}

void cb_changes_sort(struct cb_changes *changes)
{
    if (changes->count)
        qsort(changes->items, changes->count, sizeof(*changes->items), by_path);
}

int cb_diff_trees(const struct cb_diff_trees *trees, struct cb_changes *out,
                  struct cb_error **err)
{
    cb_auto_value(diff) diff = {.trees = trees, .out = out};

    if (cb_walk_changing(trees->upper_fd, visit, &diff, NULL, err) < 0)
        return -1;
    cb_changes_sort(out);
    return 0;
}

int cb_container_diff(struct cb_store *store, const struct cb_container *container,
                      struct cb_changes *out, struct cb_error **err)
{
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_autofd int upper = -1;
    cb_autofd int below = -1;
    struct cb_diff_trees trees = {.leaves_out = cb_container_leaves_out};

    if (cb_container_snapshot(store, container, &snapshot, err) < 0 ||
        cb_snapshot_open_upper(snapshot, &upper, err) < 0 ||
        (cb_snapshot_parent(snapshot) &&
         cb_snapshot_open_root(cb_snapshot_parent(snapshot), &below, err) < 0))
        return -1;
    trees.upper_fd = upper;
    trees.below_fd = below;
    if (cb_diff_trees(&trees, out, err) < 0)
        return -1;
    cb_vec_foreach (change, out) {
        if (change->kind == 'A' && cb_container_has_mark(change->path + 1))
            change->kind = 'C';
    }
    return 0;
}
