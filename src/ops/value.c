/* What a file of a step's result holds, as the value of a variable (RUN --export). Who
 * made the file is not trusted: links lead nowhere but into the result's own root, what
 * is no regular file is not opened, and what is no text is no value. */
#include "ops/ops-priv.h"

#include "base/fs.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int not_there(const char *path, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_NOT_FOUND, "`%s` is not there after the step", path);
    return cb_error_hint(err, "the step writes it, and not below one of its mounts: what "
                              "these hold is no part of its result");
}

/* PATH has no links left. */
static int open_plain(int root_fd, const char *path, struct stat *st, int *fd,
                      struct cb_error **err)
{
    cb_autofd int dir_fd = -1;
    cb_autofree char *name = NULL;

    if (cb_fs_open_parent_in_root(root_fd, path, NULL, &dir_fd, &name, err) < 0)
        return -1;
    if (fstatat(dir_fd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "stat `%s`", path);
    if (!S_ISREG(st->st_mode))
        return 0;
    return cb_fs_open_regular(dir_fd, name, st, fd, err);
}

static int is_absent(const struct cb_error *error)
{
    return cb_error_errnum(error) == ENOENT || cb_error_errnum(error) == ENOTDIR;
}

static int open_value(int root_fd, const char *path, struct stat *st, int *fd,
                      struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    cb_autofree char *resolved = NULL;
    int found = -1;

    if (cb_fs_resolve_in_root(root_fd, path, &resolved, &error) == 0)
        found = open_plain(root_fd, resolved, st, fd, &error);
    if (found > 0)
        return 0;
    if (found < 0)
        return is_absent(error) ? not_there(path, err) : cb_error_move(err, &error);
    return cb_error_set(err, CB_ERR_INTEGRITY, "`%s` is %s", path,
                        S_ISDIR(st->st_mode) ? "a directory" : "no regular file");
}

static int check_text(const char *path, const struct cb_strbuf *text,
                      struct cb_error **err)
{
    const char *bytes = cb_strbuf_text(text);
    unsigned point;

    for (size_t at = 0, len; at < text->len; at += len) {
        len = cb_utf8_decode(bytes + at, text->len - at, &point);
        if (len && point)
            continue;
        cb_error_set(err, CB_ERR_INTEGRITY, "`%s` holds %s at byte %zu", path,
                     len ? "a NUL" : "what is no UTF-8", at + 1);
        return cb_error_hint(err, "the value of a variable is text");
    }
    return 0;
}

int cb_result_value(struct cb_result *result, const char *path, char **out,
                    struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_autofd int fd = -1;
    struct stat st;
    int root_fd;

    if (cb_result_root(result, &root_fd, err) < 0 ||
        open_value(root_fd, path, &st, &fd, err) < 0)
        return -1;
    if (st.st_size > CB_VALUE_MAX_BYTES)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "`%s` has %lld bytes: a value has up to %d", path,
                            (long long)st.st_size, CB_VALUE_MAX_BYTES);
    if (cb_fs_read_fd(fd, CB_VALUE_MAX_BYTES, &text, err) < 0)
        return cb_error_wrap(err, "`%s`", path);
    if (check_text(path, &text, err) < 0)
        return -1;
    while (text.len && cb_strbuf_text(&text)[text.len - 1] == '\n')
        cb_strbuf_truncate(&text, text.len - 1);
    *out = xstrdup(cb_strbuf_text(&text));
    return 0;
}
