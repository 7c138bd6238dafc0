/* Where the entries of an archive go. Each parent directory is opened in the root, so
 * that links the archive planted lead nowhere else. */
#include "store/untar-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

int cb_untar_path(const struct cb_untar *untar, const char *name, char **out,
                  struct cb_error **err)
{
    cb_auto_value(cb_strbuf) path = {0};
    const char *at = name;

    cb_strbuf_adds(&path, untar->dest);
    while (*at) {
        size_t len = strcspn(at, "/");

        if (len == 2 && memcmp(at, "..", 2) == 0)
            return cb_error_set(err, CB_ERR_INTEGRITY, "archive: `%s` leads upwards",
                                name);
        if (len > NAME_MAX)
            return cb_error_set(err, CB_ERR_INTEGRITY,
                                "archive: a name of %zu bytes is too long: `%.60s…`", len,
                                at);
        if (len && !(len == 1 && *at == '.')) {
            if (path.len)
                cb_strbuf_addc(&path, '/');
            cb_strbuf_add(&path, at, len);
        }
        at += len;
        at += strspn(at, "/");
    }
    if (path.len >= PATH_MAX)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "archive: a path of %zu bytes is too long: `%.60s…`",
                            path.len, path.text);
    *out = cb_strbuf_steal(&path);
    return 0;
}

void cb_untar_forget_parent(struct cb_untar *untar)
{
    cb_close(&untar->parent_fd);
    free(untar->parent_path);
    untar->parent_path = NULL;
    free(untar->parent_real);
    untar->parent_real = NULL;
    untar->parent_stale = 0;
}

/* The way into a layer that does not stand alone: its parents are below it. */
static int give_up(struct cb_untar *untar, struct cb_error **error)
{
    int errnum = cb_error_errnum(*error);

    if (untar->options->way != CB_UNTAR_OVERLAY ||
        (cb_error_kind(*error) != CB_ERR_NOT_FOUND && errnum != ENOENT &&
         errnum != ENOTDIR))
        return 0;
    untar->result.needs_below = 1;
    return 1;
}

static int open_parent(struct cb_untar *untar, const char *path, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    cb_autofree char *name = NULL;
    struct cb_fs_made made = {.mode = 0755};

    if (!untar->options->keep_owner) {
        made.uid = untar->options->uid;
        made.gid = untar->options->gid;
    }
    if (cb_fs_open_parent_in_root(untar->root_fd, path,
                                  untar->options->way == CB_UNTAR_OVERLAY ? NULL : &made,
                                  &untar->parent_fd, &name, &error) == 0)
        return 1;
    if (give_up(untar, &error))
        return 0;
    cb_error_move(err, &error);
    return cb_error_wrap(err, "archive: `%s`", path);
}

static int note_real(struct cb_untar *untar, const char *parent, struct cb_error **err)
{
    cb_autofree char *real = NULL;

    if (untar->options->way != CB_UNTAR_MERGED)
        return 0;
    if (cb_fs_resolve_in_root(untar->root_fd, *parent ? parent : ".", &real, err) < 0)
        return -1;
    untar->parent_real = xstrdup(real + strspn(real, "/"));
    return 0;
}

char *cb_untar_real_path(const struct cb_untar *untar, const char *name)
{
    return *untar->parent_real ? xasprintf("%s/%s", untar->parent_real, name)
                               : xstrdup(name);
}

int cb_untar_find_parent(struct cb_untar *untar, const char *path, int *fd,
                         const char **name, struct cb_error **err)
{
    const char *slash = strrchr(path, '/');
    cb_autofree char *parent =
        slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
    int found;

    *name = slash ? slash + 1 : path;
    if (untar->parent_stale || !untar->parent_path ||
        strcmp(untar->parent_path, parent) != 0) {
        cb_untar_forget_parent(untar);
        found = open_parent(untar, path, err);
        if (found <= 0 || note_real(untar, parent, err) < 0)
            return found > 0 ? -1 : found;
        untar->parent_path = cb_steal(&parent);
    }
    *fd = untar->parent_fd;
    return 1;
}
