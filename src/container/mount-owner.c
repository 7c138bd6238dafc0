/* -v ...:U: what is mounted becomes the user's before he starts. Others may be at work in
 * the tree meanwhile: no link is followed, and every name is looked up in a directory
 * that is held open. */
#include "container/mount-open.h"

#include "base/fs.h"
#include "base/user-namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 500

struct change {
    const char *source;
    const struct cb_user *user;
};

/* Directories that nobody means: the machine's own, and the home of who asks. By what
 * they are, not by name. */
static int is_the_hosts(const struct stat *st)
{
    const char *const paths[] = {
        "/",           "/bin",         "/boot",    "/dev",     "/etc",     "/home",
        "/lib",        "/lib64",       "/media",   "/mnt",     "/opt",     "/proc",
        "/root",       "/run",         "/sbin",    "/srv",     "/sys",     "/tmp",
        "/usr",        "/var",         "/var/lib", "/var/log", "/var/tmp", "/etc/passwd",
        "/etc/shadow", getenv("HOME"),
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(paths); i++) {
        struct stat one;

        if (paths[i] && stat(paths[i], &one) == 0 && one.st_dev == st->st_dev &&
            one.st_ino == st->st_ino)
            return 1;
    }
    return 0;
}

static int failed(const struct change *change, const char *name, struct cb_error **err)
{
    cb_error_errno(err, errno, "chown `%s%s%s` to %u:%u for the option U", change->source,
                   *name ? "/.../" : "", name, change->user->uid, change->user->gid);
    return cb_mapped_ids_hint(err, change->user->uid, change->user->gid);
}

/* NAME in DIR, or with "" DIR itself. */
static int change_one(const struct change *change, int dir, const char *name,
                      const struct stat *st, struct cb_error **err)
{
    const int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);

    if (st->st_uid == change->user->uid && st->st_gid == change->user->gid)
        return 0;
    if (fchownat(dir, name, change->user->uid, change->user->gid, flags) == 0 ||
        (*name && errno == ENOENT))
        return 0;
    return failed(change, name, err);
}

/* All that is in DIR. What goes away meanwhile is nobody's. */
static int change_below(const struct change *change, int dir, unsigned depth,
                        struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (depth > DEPTH_MAX)
        return cb_error_set(
            err, CB_ERR_UNSUPPORTED,
            "`%s` has more than %d directories in each other, too many for "
            "the option U",
            change->source, DEPTH_MAX);
    if (cb_fs_list(dir, &names, err) < 0)
        return cb_error_wrap(err, "%s", change->source);
    cb_vec_foreach (name, &names) {
        cb_autofd int sub = -1;
        struct stat st;

        if (fstatat(dir, *name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            sub = openat(dir, *name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (sub < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
                return failed(change, *name, err);
        }
        if ((sub >= 0 && change_below(change, sub, depth + 1, err) < 0) ||
            change_one(change, dir, *name, &st, err) < 0)
            return -1;
    }
    return 0;
}

static int change_source(const struct change *change, int fd, struct cb_error **err)
{
    cb_autofd int dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    if (fstat(fd, &st) < 0)
        return failed(change, "", err);
    if (is_the_hosts(&st)) {
        cb_error_set(err, CB_ERR_DENIED, "chowning host path \"%s\" is not allowed",
                     change->source);
        return cb_error_hint(err,
                             "leave the option U out, or `chown -R %u:%u %s` yourself",
                             change->user->uid, change->user->gid, change->source);
    }
    if (S_ISDIR(st.st_mode) && dir < 0)
        return failed(change, "", err);
    if (dir >= 0 && change_below(change, dir, 0, err) < 0)
        return -1;
    return change_one(change, fd, "", &st, err);
}

int cb_run_spec_own_mounts(const struct cb_run_spec *spec, int root,
                           struct cb_error **err)
{
    cb_auto_value(cb_user) user = {0};

    if (!spec->owned.count)
        return 0;
    if (cb_user_resolve(root, spec->process.user, &user, err) < 0)
        return -1;
    cb_vec_foreach (source, &spec->owned) {
        const struct change change = {source->path, &user};

        if (change_source(&change, source->fd, err) < 0)
            return -1;
    }
    return 0;
}
