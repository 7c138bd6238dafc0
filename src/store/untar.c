/* Entries one by one onto disk. The archive is hostile: each parent directory is opened
 * in the root, so that links it planted lead nowhere else; the last component is never
 * followed; metadata is set through descriptors; what is in the way is removed, not
 * written through. */
#include "store/untar-priv.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/user-namespace.h"
#include "store/whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#define DEFAULT_MAX_ENTRIES 5000000

/* ── Paths ── */

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

static void forget_parent(struct cb_untar *untar)
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

/* NAME in the directory of the last entry. */
static char *real_path(const struct cb_untar *untar, const char *name)
{
    return *untar->parent_real ? xasprintf("%s/%s", untar->parent_real, name)
                               : xstrdup(name);
}

/* Opens the directory that PATH (cleaned, relative to the root) goes to; FD is borrowed,
 * *NAME is part of PATH. 1 found; 0: not in this layer (OVERLAY). */
static int find_parent(struct cb_untar *untar, const char *path, int *fd,
                       const char **name, struct cb_error **err)
{
    const char *slash = strrchr(path, '/');
    cb_autofree char *parent =
        slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
    int found;

    *name = slash ? slash + 1 : path;
    if (untar->parent_stale || !untar->parent_path ||
        strcmp(untar->parent_path, parent) != 0) {
        forget_parent(untar);
        found = open_parent(untar, path, err);
        if (found <= 0 || note_real(untar, parent, err) < 0)
            return found > 0 ? -1 : found;
        untar->parent_path = cb_steal(&parent);
    }
    *fd = untar->parent_fd;
    return 1;
}

/* ── Whiteouts ── */

static int was_unpacked(const struct cb_untar *untar, const char *path)
{
    return untar->unpacked && cb_map_has(untar->unpacked, path);
}

static int clear_directory(struct cb_untar *untar, int fd, const char *path,
                           struct cb_error **err);

/* Removes NAME as far as this layer did not make it. */
static int clear_name(struct cb_untar *untar, int dir_fd, const char *name,
                      const char *path, struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (!was_unpacked(untar, path))
        return cb_fs_remove_tree(dir_fd, name, err);
    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOTDIR || errno == ELOOP
                   ? 0
                   : cb_error_errno(err, errno, "open `%s`", path);
    return clear_directory(untar, fd, path, err);
}

static int clear_directory(struct cb_untar *untar, int fd, const char *path,
                           struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        cb_autofree char *child =
            *path ? xasprintf("%s/%s", path, *name) : xstrdup(*name);

        if (clear_name(untar, fd, *name, child, err) < 0)
            return -1;
    }
    return 0;
}

/* As find_parent. In what is no directory there is nothing to hide: layers of which a
 * directory became a file may say so name by name. */
static int find_hidden(struct cb_untar *untar, const char *path, int *fd,
                       const char **name, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    int found = find_parent(untar, path, fd, name, &error);

    if (found >= 0 || cb_error_errnum(error) == ENOTDIR)
        return found > 0;
    cb_error_move(err, &error);
    return -1;
}

static int apply_whiteout(struct cb_untar *untar, const char *path, const char *target,
                          struct cb_error **err)
{
    cb_autofree char *hidden = NULL;
    const char *name;
    int dir_fd;
    int found = find_hidden(untar, path, &dir_fd, &name, err);

    if (found <= 0 || untar->options->way == CB_UNTAR_GROUND)
        return found < 0 ? -1 : 0;
    if (untar->options->way == CB_UNTAR_OVERLAY) {
        untar->result.has_whiteouts = 1;
        return cb_whiteout_make(dir_fd, target, err);
    }
    hidden = real_path(untar, target);
    if (clear_name(untar, dir_fd, target, hidden, err) < 0)
        return -1;
    forget_parent(untar);
    return 0;
}

static int apply_opaque(struct cb_untar *untar, const char *path, struct cb_error **err)
{
    const char *name;
    int dir_fd;
    int found = find_hidden(untar, path, &dir_fd, &name, err);

    if (found <= 0 || untar->options->way == CB_UNTAR_GROUND)
        return found < 0 ? -1 : 0;
    if (untar->options->way == CB_UNTAR_MERGED)
        return clear_directory(untar, dir_fd, untar->parent_real, err);
    if (name == path) {
        untar->result.opaque_root = 1;
        return 0;
    }
    return cb_whiteout_make_opaque(dir_fd, err);
}

/* ── Entries ── */

static int set_root(struct cb_untar *untar, const struct cb_tar_entry *entry,
                    struct cb_error **err)
{
    cb_autofd int fd = -1;
    struct cb_untar_times times = {.mtime = entry->mtime};

    if (!S_ISDIR(entry->mode) || entry->is_hardlink)
        return cb_error_set(err, CB_ERR_INTEGRITY, "archive: `%s` is not a directory",
                            entry->path);
    if (untar->options->way ==
        CB_UNTAR_LITERAL) /* the destination is the caller's, as in docker */
        return 0;
    if (cb_fs_open_in_root(untar->root_fd, *untar->dest ? untar->dest : ".",
                           O_RDONLY | O_DIRECTORY, 0, &fd, err) < 0 ||
        cb_untar_metadata(untar, entry, fd, err) < 0)
        return -1;
    untar->result.has_root = 1;
    times.path = xstrdup(untar->dest);
    cb_vec_push(&untar->times, times);
    return 0;
}

/* Directories on the way belong to this layer too, whoever made them. */
static void note_unpacked(struct cb_untar *untar, const char *path)
{
    cb_autofree char *each = xstrdup(path);
    char *slash;

    while (!cb_map_has(untar->unpacked, each)) {
        cb_map_set(untar->unpacked, each, untar);
        slash = strrchr(each, '/');
        if (!slash)
            return;
        *slash = '\0';
    }
}

/* 1: there was something at PATH that is no directory, and this layer did not make it. */
static int remove_file_below(struct cb_untar *untar, const char *path,
                             struct cb_error **err)
{
    cb_autofree char *real = NULL;
    cb_autofd int fd = -1;
    const char *name;
    struct stat st;
    int dir_fd;

    if (cb_fs_open_in_root(untar->root_fd, path, O_PATH, 0, &fd, NULL) < 0 ||
        fstat(fd, &st) < 0 || S_ISDIR(st.st_mode))
        return 0;
    if (find_parent(untar, path, &dir_fd, &name, err) < 0)
        return -1;
    real = real_path(untar, name);
    if (was_unpacked(untar, real))
        return 0;
    if (unlinkat(dir_fd, name, 0) < 0)
        return cb_error_errno(err, errno, "archive: remove `%s`", path);
    cb_untar_forget_parent_later(untar);
    return 1;
}

/* A layer may have names in a directory that it does not list itself. Where the layers
 * below have a file there, overlay would show the directory. */
static int make_way_in(struct cb_untar *untar, const char *path, struct cb_error **err)
{
    cb_autofree char *each = xstrdup(path);

    for (char *slash = each; (slash = strchr(slash, '/')); *slash++ = '/') {
        int removed;

        *slash = '\0';
        removed = remove_file_below(untar, each, err);
        if (removed)
            return removed;
    }
    return 0;
}

static int find_or_make_parent(struct cb_untar *untar, const char *path, int *fd,
                               const char **name, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    int found = find_parent(untar, path, fd, name, &error);
    int way;

    if (found >= 0)
        return found;
    if (untar->options->way == CB_UNTAR_MERGED && cb_error_errnum(error) == ENOTDIR) {
        way = make_way_in(untar, path, err);
        if (way)
            return way < 0 ? -1 : find_parent(untar, path, fd, name, err);
    }
    return cb_error_move(err, &error);
}

static int extract(struct cb_untar *untar, const struct cb_tar_entry *entry,
                   const char *path, struct cb_error **err)
{
    const char *name;
    int dir_fd;
    int found = find_or_make_parent(untar, path, &dir_fd, &name, err);

    if (found <= 0)
        return found;
    if (cb_untar_file(untar, entry, path, dir_fd, name, err) < 0)
        return -1;
    if (untar->unpacked) {
        cb_autofree char *real = real_path(untar, name);

        note_unpacked(untar, real);
    }
    return 0;
}

static int apply_entry(struct cb_untar *untar, const struct cb_tar_entry *entry,
                       struct cb_error **err)
{
    enum cb_whiteout_kind kind = CB_NO_WHITEOUT;
    const char *target = NULL;
    cb_autofree char *path = NULL;

    if (cb_untar_path(untar, entry->path, &path, err) < 0)
        return -1;
    if (strcmp(path, untar->dest) == 0)
        return set_root(untar, entry, err);
    if (untar->options->way != CB_UNTAR_LITERAL &&
        cb_whiteout_parse(path, &kind, &target, err) < 0)
        return -1;
    switch (kind) {
    case CB_WHITEOUT_SKIPPED:
        return 0;
    case CB_WHITEOUT:
        return apply_whiteout(untar, path, target, err);
    case CB_OPAQUE:
        return apply_opaque(untar, path, err);
    case CB_NO_WHITEOUT:
        break;
    }
    return extract(untar, entry, path, err);
}

/* A directory may be gone again, or another file may have its name: then it needs no
 * times. */
static void set_times(struct cb_untar *untar)
{
    cb_vec_foreach (each, &untar->times) {
        struct timespec times[2] = {each->mtime, each->mtime};
        cb_autofd int fd = -1;

        if (cb_fs_open_in_root(untar->root_fd, *each->path ? each->path : ".",
                               O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd, NULL) == 0)
            futimens(fd, times);
    }
}

static int apply_all(struct cb_untar *untar, struct cb_error **err)
{
    uint64_t max =
        untar->options->max_entries ? untar->options->max_entries : DEFAULT_MAX_ENTRIES;
    uint64_t count = 0;
    struct cb_tar_entry entry;
    int more;

    while ((more = cb_tar_reader_next(untar->reader, &entry, err)) > 0) {
        if (++count > max)
            return cb_error_set(err, CB_ERR_INTEGRITY, "archive: more than %llu entries",
                                (unsigned long long)max);
        if (cb_cancel_check(untar->options->cancel, err) < 0 ||
            apply_entry(untar, &entry, err) < 0)
            return -1;
        if (untar->result.needs_below)
            return 0;
    }
    return more;
}

static void untar_clear(struct cb_untar *untar)
{
    forget_parent(untar);
    cb_vec_foreach (times, &untar->times) {
        free(times->path);
    }
    cb_vec_free(&untar->times);
    cb_map_free(untar->unpacked);
    free(untar->first_xattr);
}

/* Once for an archive. */
static void tell_left_out(const struct cb_untar *untar)
{
    if (untar->left_out)
        cb_warn("%u device nodes of the archive are left out: only root can make them",
                untar->left_out);
    if (untar->xattrs_left_out)
        cb_warn("extended attributes of the archive are left out (%u, first %s): the "
                "file system has no place for them, or only root can set them",
                untar->xattrs_left_out, untar->first_xattr);
}

int cb_untar_as(struct cb_tar_reader *reader, int root_fd, const char *dest,
                const struct cb_untar_options *options, struct cb_untar_result *out,
                struct cb_error **err)
{
    __attribute__((cleanup(untar_clear))) struct cb_untar untar = {.reader = reader,
                                                                   .root_fd = root_fd,
                                                                   .dest = dest,
                                                                   .options = options,
                                                                   .parent_fd = -1};

    untar.no_devices = cb_in_user_namespace();
    if (options->way == CB_UNTAR_MERGED)
        untar.unpacked = cb_map_new(NULL);
    if (apply_all(&untar, err) < 0)
        return -1;
    set_times(&untar);
    if (!untar.result.needs_below)
        tell_left_out(&untar);
    *out = untar.result;
    return 0;
}

int cb_untar(struct cb_tar_reader *reader, int root_fd, const char *dest,
             const struct cb_untar_options *options, uint64_t *bytes,
             struct cb_error **err)
{
    cb_autofree char *resolved = NULL;
    struct cb_untar_result result = {0};
    cb_autofd int fd = -1;
    const char *top;

    if (cb_fs_mkdirs_in_root(root_fd, dest, 0755, options->keep_owner ? 0 : options->uid,
                             options->keep_owner ? 0 : options->gid, &fd, err) < 0 ||
        cb_fs_resolve_in_root(root_fd, dest, &resolved, err) < 0)
        return -1;
    top = resolved + strspn(resolved, "/");
    if (cb_untar_as(reader, root_fd, top, options, &result, err) < 0)
        return -1;
    if (bytes)
        *bytes = result.bytes;
    return 0;
}
