/* One tree is walked and each name looked up in the other, then the other way round for
 * what is missing. Images that share layers share files: those of one inode and one time
 * of change are the same and not read. */
#include "container/diff-roots.h"

#include "base/map.h"
#include "store/layer-file.h"
#include "store/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

struct comparison {
    int other_fd; /* where names are looked up */
    struct cb_changes *out;
    struct cb_map *told; /* paths that are in OUT */
    int only_missing;    /* 'D': the rest has been told */
};

/* ── Telling ── */

static void add(struct comparison *compare, char kind, const char *path)
{
    struct cb_change change = {.kind = kind, .path = xasprintf("/%s", path)};

    cb_map_set(compare->told, path, compare);
    cb_vec_push(compare->out, change);
}

/* PATH's directories have changed, unless they are told of already. */
static void tell(struct comparison *compare, char kind, const char *path)
{
    cb_autofree char *parent = xstrdup(path);
    char *slash = parent;

    while ((slash = strchr(slash, '/'))) {
        *slash = '\0';
        if (!cb_map_get(compare->told, parent))
            add(compare, 'C', parent);
        *slash++ = '/';
    }
    add(compare, kind, path);
}

/* ── Comparing ── */

static int same_links(const struct cb_walk_entry *at, int fd)
{
    char one[PATH_MAX], two[PATH_MAX];
    ssize_t len = readlinkat(at->dir_fd, at->name, one, sizeof(one));

    return len >= 0 && readlinkat(fd, "", two, sizeof(two)) == len &&
           memcmp(one, two, (size_t)len) == 0;
}

static int same_files(const struct cb_walk_entry *at, int other_fd,
                      const struct stat *there)
{
    cb_autofd int one = -1, two = -1;

    if (at->st.st_size != there->st_size)
        return 0;
    if (at->st.st_size == 0 || (at->st.st_ino == there->st_ino &&
                                at->st.st_ctim.tv_sec == there->st_ctim.tv_sec &&
                                at->st.st_ctim.tv_nsec == there->st_ctim.tv_nsec))
        return 1;
    one = openat(at->dir_fd, at->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    two = cb_layer_file_open(other_fd, at->path, O_RDONLY);
    return one >= 0 && two >= 0 && cb_same_content(one, two);
}

static int is_same(const struct comparison *compare, const struct cb_walk_entry *at,
                   int there_fd, const struct stat *there)
{
    const struct stat *st = &at->st;

    if (st->st_mode != there->st_mode || st->st_uid != there->st_uid ||
        st->st_gid != there->st_gid || st->st_rdev != there->st_rdev)
        return 0;
    if (S_ISLNK(st->st_mode))
        return same_links(at, there_fd);
    return !S_ISREG(st->st_mode) || same_files(at, compare->other_fd, there);
}

static int visit(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    struct comparison *compare = arg;
    cb_autofd int fd = cb_layer_file_open(compare->other_fd, at->path, O_PATH);
    struct stat there;

    if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
        return cb_error_errno(err, errno, "open `/%s`", at->path);
    if (fd >= 0 && fstat(fd, &there) < 0)
        return cb_error_errno(err, errno, "stat `/%s`", at->path);
    if (compare->only_missing) {
        if (fd < 0)
            tell(compare, 'D', at->path);
        return fd < 0;
    }
    if (fd < 0)
        tell(compare, 'A', at->path);
    else if (!is_same(compare, at, fd, &there))
        tell(compare, 'C', at->path);
    return 0;
}

int cb_diff_roots(int root_fd, int other_fd, struct cb_cancel *cancel,
                  struct cb_changes *out, struct cb_error **err)
{
    cb_auto(cb_map) told = cb_map_new(NULL);
    struct comparison compare = {.other_fd = other_fd, .out = out, .told = told};

    if (cb_walk(root_fd, visit, &compare, cancel, err) < 0)
        return -1;
    compare.other_fd = root_fd;
    compare.only_missing = 1;
    if (cb_walk(other_fd, visit, &compare, cancel, err) < 0)
        return -1;
    cb_changes_sort(out);
    return 0;
}
