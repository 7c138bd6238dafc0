/* Entries one by one onto disk. The archive is hostile: where they go is found as
 * untar-path.c says; the last component is never followed; metadata is set through
 * descriptors; what is in the way is removed, not written through. */
#include "store/untar-priv.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/user-namespace.h"
#include "store/whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_MAX_ENTRIES 5000000

/* ── One entry ── */

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
    if (cb_untar_find_parent(untar, path, &dir_fd, &name, err) < 0)
        return -1;
    real = cb_untar_real_path(untar, name);
    if (cb_untar_has_made(untar, real))
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
    int found = cb_untar_find_parent(untar, path, fd, name, &error);
    int way;

    if (found >= 0)
        return found;
    if (untar->options->way == CB_UNTAR_MERGED && cb_error_errnum(error) == ENOTDIR) {
        way = make_way_in(untar, path, err);
        if (way)
            return way < 0 ? -1 : cb_untar_find_parent(untar, path, fd, name, err);
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
        cb_autofree char *real = cb_untar_real_path(untar, name);

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
        return cb_untar_whiteout(untar, path, target, err);
    case CB_OPAQUE:
        return cb_untar_opaque(untar, path, err);
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
    cb_untar_forget_parent(untar);
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
