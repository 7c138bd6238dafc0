/* Most files have no attributes: one flistxattr into a stack buffer says so. */
#include "store/xattr.h"

#include "base/vec.h"

#include <errno.h>
#include <stdio.h>
#include <sys/xattr.h>

#define LIST_MAX   (64u << 10) /* the kernel's XATTR_LIST_MAX */
#define CAPABILITY "security.capability"
#define LARGE      1024 /* a disk that is full of these is full of files, too */

void cb_xattrs_free(struct cb_xattrs *xattrs)
{
    cb_vec_foreach (xattr, xattrs) {
        free(xattr->name);
        free(xattr->value);
    }
    cb_vec_free(xattrs);
}

static int starts(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

int cb_xattr_is_overlay(const char *name)
{
    return starts(name, "trusted.overlay.") || starts(name, "user.overlay.") ||
           starts(name, "user.fuseoverlayfs.") ||
           strcmp(name, "trusted.cbuild.opaque") == 0 ||
           strcmp(name, "user.cbuild.opaque") == 0;
}

int cb_xattr_is_portable(const char *name)
{
    if (starts(name, "security."))
        return strcmp(name, CAPABILITY) == 0;
    return !cb_xattr_is_overlay(name);
}

int cb_xattr_is_identity(const char *name)
{
    return cb_xattr_is_portable(name) && !starts(name, "system.");
}

static ssize_t list_names(int fd, const char *path, char *buffer, size_t size)
{
    return fd >= 0 ? flistxattr(fd, buffer, size) : llistxattr(path, buffer, size);
}

static ssize_t get_value(int fd, const char *path, const char *name, void *buffer,
                         size_t size)
{
    return fd >= 0 ? fgetxattr(fd, name, buffer, size)
                   : lgetxattr(path, name, buffer, size);
}

/* It vanished, or is capabilities of no bytes: those the kernel takes, and then never
 * gives back. */
static int is_none(const char *name)
{
    return errno == ENODATA || (errno == EINVAL && strcmp(name, CAPABILITY) == 0);
}

static int read_one(int fd, const char *path, const char *name, struct cb_xattrs *out)
{
    ssize_t len = get_value(fd, path, name, NULL, 0);
    cb_autofree char *value = NULL;
    struct cb_xattr xattr;

    if (len < 0)
        return is_none(name) ? 0 : -1;
    value = xmalloc((size_t)len + 1);
    len = get_value(fd, path, name, value, (size_t)len);
    if (len < 0)
        return is_none(name) ? 0 : -1;
    xattr.name = xstrdup(name);
    xattr.value = cb_steal(&value);
    xattr.len = (size_t)len;
    cb_vec_push(out, xattr);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct cb_xattr *)a)->name, ((const struct cb_xattr *)b)->name);
}

static int read_all(int fd, const char *path, const char *names, size_t len,
                    struct cb_xattrs *out)
{
    size_t at;

    for (at = 0; at < len; at += strlen(names + at) + 1) {
        if (read_one(fd, path, names + at, out) < 0)
            return -1;
    }
    if (out->count)
        qsort(out->items, out->count, sizeof(*out->items), by_name);
    return 0;
}

int cb_xattrs_read(int fd, int dir_fd, const char *name, struct cb_xattrs *out,
                   struct cb_error **err)
{
    cb_autofree char *path = NULL;
    cb_autofree char *large = NULL;
    char small[1024];
    ssize_t len;

    if (fd < 0)
        path = xasprintf("/proc/self/fd/%d/%s", dir_fd, name);
    len = list_names(fd, path, small, sizeof(small));
    if (len == 0 || (len < 0 && (errno == ENOTSUP || errno == EPERM)))
        return 0;
    if (len < 0 && errno == ERANGE) {
        large = xmalloc(LIST_MAX);
        len = list_names(fd, path, large, LIST_MAX);
    }
    if (len < 0 || read_all(fd, path, large ? large : small, (size_t)len, out) < 0)
        return cb_error_errno(err, errno, "read extended attributes of `%s`", name);
    return 0;
}

int cb_xattrs_read_changing(int fd, int dir_fd, const char *name, struct cb_xattrs *out,
                            struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if (cb_xattrs_read(fd, dir_fd, name, out, &error) == 0 ||
        cb_error_errnum(error) == ENOENT)
        return 0;
    return cb_error_move(err, &error);
}

int cb_xattrs_are_opaque(const struct cb_xattrs *xattrs)
{
    cb_vec_foreach (xattr, xattrs) {
        if (strcmp(xattr->name, "trusted.overlay.opaque") == 0 ||
            strcmp(xattr->name, "user.overlay.opaque") == 0 ||
            strcmp(xattr->name, "trusted.cbuild.opaque") == 0 ||
            strcmp(xattr->name, "user.cbuild.opaque") == 0 ||
            strcmp(xattr->name, "user.fuseoverlayfs.opaque") == 0)
            return xattr->len == 1 && *(char *)xattr->value == 'y';
    }
    return 0;
}

void cb_xattrs_identity(const struct cb_xattrs *xattrs, struct cb_strbuf *out)
{
    cb_vec_foreach (xattr, xattrs) {
        if (!cb_xattr_is_identity(xattr->name))
            continue;
        cb_strbuf_add(out, xattr->name, strlen(xattr->name) + 1);
        cb_strbuf_addf(out, "%zu:", xattr->len);
        cb_strbuf_add(out, xattr->value, xattr->len);
    }
}

int cb_xattr_set(int fd, const char *path, const struct cb_xattr *xattr,
                 struct cb_error **err)
{
    int result;

    if (!cb_xattr_is_portable(xattr->name) ||
        (xattr->len == 0 && strcmp(xattr->name, CAPABILITY) == 0))
        return 0;
    result = fd >= 0 ? fsetxattr(fd, xattr->name, xattr->value, xattr->len, 0)
                     : lsetxattr(path, xattr->name, xattr->value, xattr->len, 0);
    if (result == 0)
        return 0;
    if (errno == ENOTSUP || errno == EPERM || errno == EINVAL)
        return 1;
    if (errno == E2BIG || (errno == ENOSPC && xattr->len > LARGE)) {
        cb_error_errno(err, errno, "set extended attribute `%s` of %zu bytes",
                       xattr->name, xattr->len);
        return cb_error_hint(err, "ext4 keeps 4 KiB of them with a file, xfs and btrfs "
                                  "64 KiB: a store there takes it");
    }
    return cb_error_errno(err, errno, "set extended attribute `%s`", xattr->name);
}
