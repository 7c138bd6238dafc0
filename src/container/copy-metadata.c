/* What a copy keeps of an entry besides its content: owner, mode, times and extended
 * attributes, as far as its new place allows. */
#include "container/copy-priv.h"

#include "base/user-namespace.h"
#include "store/whiteout.h"
#include "store/xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int keeps_xattr(const struct cb_container_copying *how, const char *name)
{
    if (cb_xattr_is_overlay(name))
        return 0;
    return how->owner == CB_COPY_KEEP || strncmp(name, "user.", 5) == 0;
}

int cb_copying_xattrs(const struct cb_copy *copy, const struct cb_copy_entry *entry,
                      int from_fd, int fd, const char *path, struct cb_error **err)
{
    cb_auto_value(cb_xattrs) xattrs = {0};

    if (cb_xattrs_read_changing(from_fd, entry->from_dir, entry->name, &xattrs, err) < 0)
        return -1;
    cb_vec_foreach (xattr, &xattrs) {
        if (keeps_xattr(copy->how, xattr->name) && cb_xattr_set(fd, path, xattr, err) < 0)
            return cb_error_wrap(err, "copy `%s`", entry->path);
    }
    if (copy->how->raw && S_ISDIR(entry->st.st_mode) && cb_xattrs_are_opaque(&xattrs))
        return cb_whiteout_make_opaque(fd, err);
    return 0;
}

static uint32_t user_of(const struct cb_container_copying *how, const struct stat *st)
{
    return how->owner == CB_COPY_KEEP ? st->st_uid : how->uid;
}

static uint32_t group_of(const struct cb_container_copying *how, const struct stat *st)
{
    return how->owner == CB_COPY_KEEP ? st->st_gid : how->gid;
}

static int owner_failed(const struct cb_container_copying *how, const struct stat *st,
                        const char *path, struct cb_error **err)
{
    cb_error_errno(err, errno, "set the owner of `%s`", path);
    return cb_mapped_ids_hint(err, user_of(how, st), group_of(how, st));
}

mode_t cb_copying_mode(const struct cb_container_copying *how, const struct stat *st)
{
    mode_t kept = S_ISDIR(st->st_mode) ? 01777 : 0777;

    if (how->owner == CB_COPY_KEEP)
        kept = 07777;
    if (how->owner == CB_COPY_GIVEN && st->st_uid == how->uid)
        kept |= S_ISUID;
    if (how->owner == CB_COPY_GIVEN && st->st_gid == how->gid)
        kept |= S_ISGID;
    return st->st_mode & kept;
}

int cb_copying_finish(const struct cb_container_copying *how, const struct stat *st,
                      int fd, const char *path, struct cb_error **err)
{
    if (how->owner != CB_COPY_OURS && fchown(fd, user_of(how, st), group_of(how, st)) < 0)
        return owner_failed(how, st, path, err);
    if (fchmod(fd, cb_copying_mode(how, st)) < 0)
        return cb_error_errno(err, errno, "set the mode of `%s`", path);
    return 0;
}

int cb_copying_set_times(int fd, const struct stat *st, const char *path,
                         struct cb_error **err)
{
    struct timespec times[2] = {st->st_mtim, st->st_mtim};

    if (futimens(fd, times) < 0)
        return cb_error_errno(err, errno, "set the times of `%s`", path);
    return 0;
}

int cb_copying_finish_named(const struct cb_copy *copy, const struct cb_copy_entry *entry,
                            const char *name, struct cb_error **err)
{
    const struct cb_container_copying *how = copy->how;
    struct timespec times[2] = {entry->st.st_mtim, entry->st.st_mtim};
    cb_autofree char *path = xasprintf("/proc/self/fd/%d/%s", entry->to_dir, name);

    if (how->owner != CB_COPY_OURS &&
        fchownat(entry->to_dir, name, user_of(how, &entry->st), group_of(how, &entry->st),
                 AT_SYMLINK_NOFOLLOW) < 0)
        return owner_failed(how, &entry->st, entry->path, err);
    if (cb_copying_xattrs(copy, entry, -1, -1, path, err) < 0)
        return -1;
    if (utimensat(entry->to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "set the times of `%s`", entry->path);
    return 0;
}
