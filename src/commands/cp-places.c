/* Finding what `cp` copies, and where to. In a container every path is resolved in its
 * root; on the host paths mean what they always mean. */
#include "commands/cp.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINKS 40

void cb_cp_place_clear(struct cb_cp_place *place)
{
    cb_close(&place->dir);
    free(place->name);
    free(place->basename);
    free(place->path);
}

static int not_found(const struct cb_cp_side *side, const char *path,
                     struct cb_error **err)
{
    if (side->root < 0)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "lstat %s: no such file or directory",
                            path);
    return cb_error_set(err, CB_ERR_NOT_FOUND,
                        "Could not find the file %s in container %s", path,
                        side->container);
}

static int is_missing(int errnum)
{
    return errnum == ENOENT || errnum == ENOTDIR;
}

static int start(const struct cb_cp_side *side, const char *path, struct cb_cp_place *out,
                 struct cb_error **err)
{
    cb_autofree char *here = side->root < 0 ? realpath(".", NULL) : xstrdup("/");

    out->dir = -1;
    if (!*path)
        return cb_error_set(err, CB_ERR_USAGE, "bad parameter: path cannot be empty");
    if (!here)
        return cb_error_errno(err, errno, "find the working directory");
    out->path = cb_copy_path(here, path, &out->end);
    out->basename = xstrdup(cb_path_base(out->path));
    return 0;
}

/* ── Either side ── */

/* PATH's directory and its last component, "." for "/". */
static int open_parent(const struct cb_cp_side *side, const char *path, int *dir,
                       char **name)
{
    cb_auto(cb_error) error = NULL;
    const char *slash = strrchr(path, '/');
    cb_autofree char *parent = xstrndup(path, slash == path ? 1 : (size_t)(slash - path));

    if (side->root < 0) {
        *dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (*dir < 0)
            return errno;
        *name = xstrdup(slash[1] ? slash + 1 : ".");
        return 0;
    }
    if (cb_fs_open_parent_in_root(side->root, path, NULL, dir, name, &error) == 0)
        return 0;
    return cb_error_errnum(error) ? cb_error_errnum(error) : ENOENT;
}

/* 0 and what PATH leads to, or an errno. */
static int resolve(const struct cb_cp_side *side, const char *path, char **out)
{
    cb_auto(cb_error) error = NULL;

    if (side->root < 0) {
        *out = realpath(path, NULL);
        return *out ? 0 : errno;
    }
    if (cb_fs_resolve_in_root(side->root, path, out, &error) == 0)
        return 0;
    return cb_error_errnum(error) ? cb_error_errnum(error) : ENOENT;
}

static int failed(const struct cb_cp_side *side, const char *path, int errnum,
                  struct cb_error **err)
{
    if (errnum == ENOTDIR)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "lstat %s: not a directory", path);
    return errnum == ENOENT ? not_found(side, path, err)
                            : cb_error_errno(err, errnum, "open `%s`", path);
}

/* ── Sources ── */

static int refuse_kernels(const struct cb_cp_side *side, const struct cb_cp_place *from,
                          struct cb_error **err)
{
    cb_autofd int fd = openat(from->dir, from->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (side->root < 0 || fd < 0 || !cb_fs_is_of_kernel(fd))
        return 0;
    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "%s in container %s is no file: the kernel shows it", from->path,
                 side->container);
    return cb_error_hint(err, "`cbuild exec %s cat %s` can read it", side->container,
                         from->path);
}

int cb_cp_open_source(const struct cb_cp_side *side, const char *path, int follow,
                      struct cb_cp_place *out, struct cb_error **err)
{
    cb_autofree char *target = NULL;
    struct stat st;
    int errnum = 0;

    if (start(side, path, out, err) < 0)
        return -1;
    if (follow || out->end.wants_directory)
        errnum = resolve(side, out->path, &target);
    if (!errnum)
        errnum = open_parent(side, target ? target : out->path, &out->dir, &out->name);
    if (!errnum && fstatat(out->dir, out->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        errnum = errno;
    if (errnum)
        return failed(side, out->path, errnum, err);
    out->end.kind = S_ISDIR(st.st_mode) ? CB_COPY_DIRECTORY : CB_COPY_OTHER;
    return refuse_kernels(side, out, err);
}

/* ── Destinations ── */

/* Where a link leads that leads nowhere yet: that is what will be made. */
static char *follow_links(const char *path)
{
    cb_autofree char *at = xstrdup(path);

    for (int i = 0; i < MAX_LINKS; i++) {
        char target[PATH_MAX];
        ssize_t len = readlink(at, target, sizeof(target) - 1);
        cb_autofree char *parent = NULL;
        char *next;

        if (len < 0)
            break;
        target[len] = '\0';
        parent = cb_path_join(at, "..");
        next = *target == '/' ? cb_path_clean(target) : cb_path_join(parent, target);
        free(at);
        at = next;
    }
    return cb_steal(&at);
}

/* Devices and the like are not replaced by files. */
static int check_output(const char *path, const struct stat *st, struct cb_error **err)
{
    if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))
        return 0;
    return cb_error_set(
        err, CB_ERR_USAGE,
        "invalid output path: \"%s\" must be a directory or a regular "
        "file: got %s",
        path,
        S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode) ? "a device" : "an irregular file");
}

static int check_parent(const char *path, struct cb_error **err)
{
    cb_autofree char *parent = cb_path_join(path, "..");
    struct stat st;

    if (stat(parent, &st) == 0 || !is_missing(errno))
        return 0;
    return cb_error_set(err, CB_ERR_NOT_FOUND,
                        "invalid output path: directory \"%s\" does not exist", parent);
}

static int find_on_host(struct cb_cp_place *out, char **target, struct cb_error **err)
{
    struct stat st;

    if (check_parent(out->path, err) < 0)
        return -1;
    if (stat(out->path, &st) == 0 && check_output(out->path, &st, err) < 0)
        return -1;
    *target = realpath(out->path, NULL);
    if (!*target && errno == ELOOP)
        return cb_error_errno(err, ELOOP, "open `%s`", out->path);
    if (!*target)
        *target = follow_links(out->path);
    return 0;
}

static int open_directory(const struct cb_cp_side *side, const char *path, int *fd)
{
    cb_auto(cb_error) error = NULL;

    if (side->root < 0) {
        *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return *fd < 0 ? errno : 0;
    }
    if (cb_fs_open_in_root(side->root, path, O_RDONLY | O_DIRECTORY, 0, fd, &error) == 0)
        return 0;
    return cb_error_errnum(error) ? cb_error_errnum(error) : ENOENT;
}

/* An errno where not even the directory above is there. */
static int open_target(const struct cb_cp_side *side, const char *target,
                       struct cb_cp_place *out)
{
    struct stat st;
    int errnum = open_directory(side, target, &out->dir);

    if (!errnum) {
        out->end.kind = CB_COPY_DIRECTORY;
        out->name = xstrdup(".");
        return 0;
    }
    if (!is_missing(errnum))
        return errnum;
    errnum = open_parent(side, target, &out->dir, &out->name);
    if (errnum)
        return errnum;
    out->end.kind = fstatat(out->dir, out->name, &st, AT_SYMLINK_NOFOLLOW) == 0
                        ? CB_COPY_OTHER
                        : CB_COPY_MISSING;
    return 0;
}

int cb_cp_open_destination(const struct cb_cp_side *side, const char *path,
                           struct cb_cp_place *out, struct cb_error **err)
{
    cb_autofree char *target = NULL;
    int errnum = 0;

    if (start(side, path, out, err) < 0)
        return -1;
    if (side->root < 0 && find_on_host(out, &target, err) < 0)
        return -1;
    if (side->root >= 0)
        errnum = resolve(side, out->path, &target);
    if (!errnum)
        errnum = open_target(side, target, out);
    if (errnum) {
        cb_autofree char *parent = cb_path_join(out->path, "..");

        return failed(side, errnum == ENOENT ? parent : out->path, errnum, err);
    }
    free(out->path);
    out->path = cb_steal(&target);
    return 0;
}
