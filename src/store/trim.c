/* Goes through the directories of a layer, children first, and looks at files only by
 * their presence. The tree below is opened when the first candidate is found, which in
 * most layers is never. */
#include "store/trim.h"

#include "store/snapshot-priv.h"
#include "store/xattr.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct trim {
    struct cb_snapshot *snapshot;
    int below_fd; /* the parent's tree; -1: not opened yet */
    struct cb_strbuf path;
};

static void trim_clear(struct trim *trim)
{
    cb_close(&trim->below_fd);
    cb_strbuf_free(&trim->path);
}

/* ── What is below ── */

/* The directory at the current path in the layers below. 1/0. */
static int open_below(struct trim *trim, int *fd, struct cb_error **err)
{
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};

    if (trim->below_fd < 0 &&
        cb_snapshot_open_root(trim->snapshot->parent, &trim->below_fd, err) < 0)
        return -1;
    *fd = (int)syscall(SYS_openat2, trim->below_fd, trim->path.text, &how, sizeof(how));
    return *fd >= 0;
}

static int same_stat(int one_fd, int two_fd)
{
    struct stat one, two;

    return fstat(one_fd, &one) == 0 && fstat(two_fd, &two) == 0 &&
           one.st_mode == two.st_mode && one.st_uid == two.st_uid &&
           one.st_gid == two.st_gid && one.st_mtim.tv_sec == two.st_mtim.tv_sec &&
           one.st_mtim.tv_nsec == two.st_mtim.tv_nsec;
}

/* 1: the empty directory FD says nothing that the layers below do not say. */
static int is_superfluous(struct trim *trim, int fd, struct cb_error **err)
{
    cb_auto_value(cb_xattrs) own = {0};
    cb_auto_value(cb_xattrs) below = {0};
    cb_auto_value(cb_strbuf) own_text = {0};
    cb_auto_value(cb_strbuf) below_text = {0};
    cb_autofd int below_fd = -1;
    int found;

    if (cb_xattrs_read(fd, -1, "", &own, err) < 0)
        return -1;
    if (cb_xattrs_are_opaque(&own))
        return 0;
    found = open_below(trim, &below_fd, err);
    if (found <= 0 || !same_stat(fd, below_fd))
        return found < 0 ? -1 : 0;
    if (cb_xattrs_read(below_fd, -1, "", &below, err) < 0)
        return -1;
    cb_xattrs_identity(&own, &own_text);
    cb_xattrs_identity(&below, &below_text);
    return own_text.len == below_text.len &&
           memcmp(cb_strbuf_text(&own_text), cb_strbuf_text(&below_text), own_text.len) ==
               0;
}

/* ── The walk ── */

struct listing {
    struct cb_strings directories;
    size_t others;
};

static void listing_clear(struct listing *listing)
{
    cb_strings_free(&listing->directories);
}

static int is_directory(int fd, const struct dirent *entry)
{
    struct stat st;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(st.st_mode);
}

static int list(int fd, struct listing *out, struct cb_error **err)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;

    if (!dir) {
        cb_error_errno(err, errno, "list a directory of the layer");
        cb_close(&copy);
        return -1;
    }
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (is_directory(fd, entry))
            cb_strings_add(&out->directories, entry->d_name);
        else
            out->others++;
    }
    closedir(dir);
    return 0;
}

static int trim_directory(struct trim *trim, int fd, struct cb_error **err);

/* 1: it was removed. */
static int trim_child(struct trim *trim, int dir_fd, const char *name,
                      struct cb_error **err)
{
    cb_autofd int fd =
        openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    size_t above = trim->path.len;
    int result;

    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s` of the layer", name);
    cb_strbuf_addf(&trim->path, "%s%s", above ? "/" : "", name);
    result = trim_directory(trim, fd, err);
    if (result > 0)
        result = is_superfluous(trim, fd, err);
    cb_strbuf_truncate(&trim->path, above);
    if (result > 0 && unlinkat(dir_fd, name, AT_REMOVEDIR) < 0)
        return cb_error_errno(err, errno, "remove `%s` of the layer", name);
    return result;
}

/* 1: nothing is left in it. */
static int trim_directory(struct trim *trim, int fd, struct cb_error **err)
{
    __attribute__((cleanup(listing_clear))) struct listing listing = {0};
    size_t left;
    struct stat before;

    if (fstat(fd, &before) < 0)
        return cb_error_errno(err, errno, "stat a directory of the layer");
    if (list(fd, &listing, err) < 0)
        return -1;
    left = listing.directories.count;
    cb_vec_foreach (name, &listing.directories) {
        int removed = trim_child(trim, fd, *name, err);

        if (removed < 0)
            return -1;
        left -= (size_t)removed;
    }
    if (left < listing.directories.count) {
        struct timespec times[2] = {before.st_atim, before.st_mtim};

        if (futimens(fd, times) < 0)
            return cb_error_errno(err, errno, "set the time of a directory");
    }
    return left + listing.others == 0;
}

int cb_snapshot_trim(struct cb_snapshot *active, struct cb_error **err)
{
    __attribute__((cleanup(trim_clear))) struct trim trim = {.snapshot = active,
                                                             .below_fd = -1};
    cb_autofd int fd = -1;

    if (!active->parent)
        return 0;
    if (cb_snapshot_open_upper(active, &fd, err) < 0)
        return -1;
    return trim_directory(&trim, fd, err) < 0 ? -1 : 0;
}
