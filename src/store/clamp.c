/* Works on the layer's own directory, without a mount: setting a time through the merged
 * tree would copy up what is below. The root's own directory comes along, for it is what
 * later steps see as "/". Whiteouts have no time in a layer. */
#include "store/clamp.h"

#include "store/walk.h"
#include "store/whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static int is_newer(const struct stat *st, int64_t newest_s)
{
    return st->st_mtim.tv_sec > newest_s ||
           (st->st_mtim.tv_sec == newest_s && st->st_mtim.tv_nsec > 0);
}

static int clamp(int dir_fd, const char *name, const char *path, const struct stat *st,
                 int64_t newest_s, struct cb_error **err)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = newest_s}};

    if (!is_newer(st, newest_s) ||
        utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    return cb_error_errno(err, errno, "set time of `/%s`", path);
}

static int visit(void *arg, const struct cb_walk_entry *entry, struct cb_error **err)
{
    const int64_t *newest_s = arg;

    if (cb_whiteout_is_device(&entry->st))
        return 0;
    return clamp(entry->dir_fd, entry->name, entry->path, &entry->st, *newest_s, err);
}

int cb_snapshot_clamp(struct cb_snapshot *active, int64_t newest_s,
                      struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofd int fd = -1;
    struct stat st;

    if (cb_snapshot_open_upper(active, &fd, err) < 0 ||
        cb_walk(fd, visit, &newest_s, cancel, err) < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return cb_error_errno(err, errno, "stat root of the layer");
    return clamp(fd, ".", "", &st, newest_s, err);
}
