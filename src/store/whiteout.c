/* Whiteouts on the way in. On the way out they are recognised by layer-pass.c. */
#include "store/whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

#define PREFIX_LEN (sizeof(CB_WHITEOUT_PREFIX) - 1)

static int has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Does a directory on the way have a reserved name? */
static enum cb_whiteout_kind classify_parents(const char *path, const char *base)
{
    const char *at = path;
    enum cb_whiteout_kind kind = CB_NO_WHITEOUT;

    while (at < base) {
        if (has_prefix(at, ".wh..wh."))
            return CB_WHITEOUT_SKIPPED;
        if (has_prefix(at, CB_WHITEOUT_PREFIX))
            kind = CB_WHITEOUT;
        at = strchr(at, '/') + 1;
    }
    return kind;
}

int cb_whiteout_parse(const char *path, enum cb_whiteout_kind *kind, const char **target,
                      struct cb_error **err)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *hidden = base + PREFIX_LEN;

    *kind = classify_parents(path, base);
    if (*kind == CB_WHITEOUT_SKIPPED)
        return 0;
    if (*kind == CB_WHITEOUT)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "layer: `%s` leads through a whiteout's name", path);
    if (!has_prefix(base, CB_WHITEOUT_PREFIX))
        return 0;
    if (strcmp(base, CB_WHITEOUT_OPAQUE) == 0) {
        *kind = CB_OPAQUE;
        return 0;
    }
    if (has_prefix(base, ".wh..wh.")) {
        *kind = CB_WHITEOUT_SKIPPED;
        return 0;
    }
    if (*hidden == '\0' || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
        return cb_error_set(err, CB_ERR_INTEGRITY, "layer: `%s` hides nothing by name",
                            path);
    *kind = CB_WHITEOUT;
    *target = hidden;
    return 0;
}

static int make_child_opaque(int dir_fd, const char *name, struct cb_error **err)
{
    cb_autofd int fd =
        openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s`", name);
    return cb_whiteout_make_opaque(fd, err);
}

static int make_socket(int dir_fd, const char *name)
{
    const struct timespec never[2] = {{0, 0}, {0, 0}};

    if (mknodat(dir_fd, name, S_IFSOCK, 0) < 0)
        return -1;
    return utimensat(dir_fd, name, never, AT_SYMLINK_NOFOLLOW);
}

int cb_whiteout_make(int dir_fd, const char *name, struct cb_error **err)
{
    struct stat st;

    if (mknodat(dir_fd, name, S_IFCHR, 0) == 0)
        return 0;
    if (errno != EEXIST && make_socket(dir_fd, name) == 0)
        return 0;
    if (errno != EEXIST || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "hide `%s`", name);
    return S_ISDIR(st.st_mode) ? make_child_opaque(dir_fd, name, err) : 0;
}

int cb_whiteout_make_opaque(int dir_fd, struct cb_error **err)
{
    static const char *const names[] = {"trusted.overlay.opaque", "user.overlay.opaque",
                                        "trusted.cbuild.opaque", "user.cbuild.opaque"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        if (fsetxattr(dir_fd, names[i], "y", 1, 0) == 0)
            return 0;
        if (errno != EPERM && errno != ENOTSUP)
            break;
    }
    return cb_error_errno(err, errno, "make directory opaque");
}
