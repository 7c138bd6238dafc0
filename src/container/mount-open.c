/* Sources are opened when the container starts, each time: a volume by its name, never by
 * the path that is shown of it. */
#include "container/mount-open.h"

#include "base/fs.h"
#include "container/mount-spec.h"
#include "container/propagation.h"
#include "container/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

static char *own_text(struct cb_run_spec *spec, const char *text)
{
    cb_strings_add(&spec->mount_texts, text);
    return spec->mount_texts.items[spec->mount_texts.count - 1];
}

static void push(struct cb_run_spec *spec, const struct cb_mount *how, int fd,
                 const char *target)
{
    struct cb_mount mount = *how;

    mount.source_fd = fd;
    mount.target = own_text(spec, target);
    mount.keep_stub = 1;
    cb_vec_push(&spec->process.mounts, mount);
    if (fd >= 0)
        cb_vec_push(&spec->mount_fds, fd);
}

static void push_owned(struct cb_run_spec *spec, int fd, const char *path)
{
    const struct cb_owned_source source = {fd, own_text(spec, path)};

    cb_vec_push(&spec->owned, source);
}

/* A mount of its own in FD's place, where the kernel makes one. */
static void copy_mount(int *fd)
{
    int tree = open_tree(*fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0)
        return;
    cb_close(fd);
    *fd = tree;
}

/* ── Volumes ── */

/* What VOLUME is mounted as goes with its descriptor, if it is attached nowhere: so what
 * is opened is a mount of its own. Kernels before 6.15 make none of a part of such a
 * mount; of a plain directory all do. */
static int open_subpath(int volume, const struct cb_container_mount *mount, int *fd,
                        struct cb_error **err)
{
    if (cb_fs_open_in_root(volume, mount->subpath, O_PATH, 0, fd, err) < 0)
        return cb_error_wrap(err, "%s `%s`: cannot access path `%s`", mount->type,
                             mount->name ? mount->name : mount->source, mount->subpath);
    copy_mount(fd);
    return 0;
}

/* For what something is opened. */
struct opening {
    struct cb_store *store;
    const char *id; /* of the container that starts, or NULL */
    int makes;      /* directories that are not there */
    struct cb_cancel *cancel;
};

static int open_volume(const struct opening *opening,
                       const struct cb_container_mount *mount, int *fd,
                       struct cb_error **err)
{
    cb_auto(cb_volume) volume = NULL;
    cb_autofd int whole = -1;

    if (!mount->name)
        return cb_error_set(err, CB_ERR_INTEGRITY, "a volume at `%s` has no name",
                            mount->target);
    if (cb_volume_find(opening->store, mount->name, &volume, err) < 0)
        return -1;
    if (opening->id && cb_volume_is_in_memory(volume)
            ? cb_volume_open_shared(opening->store, volume, opening->id, opening->cancel,
                                    &whole, err) < 0
            : cb_volume_open(opening->store, volume, opening->cancel, &whole, err) < 0)
        return -1;
    if (mount->subpath && *mount->subpath)
        return open_subpath(whole, mount, fd, err);
    *fd = cb_steal_fd(&whole);
    return 0;
}

/* ── Images ── */

static int open_image(struct cb_store *store, const struct cb_container_mount *mount,
                      int *fd, struct cb_error **err)
{
    cb_auto(cb_snapshot) files = NULL;
    cb_autofd int whole = -1;
    int found =
        mount->snapshot ? cb_snapshot_get(store, mount->snapshot, &files, err) : 0;

    if (found < 0)
        return -1;
    if (!found)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "the files of image %s, for `%s`, are no longer in the store",
                            mount->source, mount->target);
    if (cb_snapshot_open_root(files, &whole, err) < 0)
        return -1;
    if (mount->subpath && *mount->subpath)
        return open_subpath(whole, mount, fd, err);
    /* one that is attached (store/driver.h) goes with the snapshot's handle */
    copy_mount(&whole);
    *fd = cb_steal_fd(&whole);
    return 0;
}

/* ── Directories and files of the host ── */

static int open_bind(const char *source, int makes, int *fd, struct cb_error **err)
{
    *fd = open(source, O_PATH | O_CLOEXEC);
    if (*fd < 0 && errno == ENOENT && makes) {
        if (cb_fs_mkdirs(source, 0755, err) < 0)
            return cb_error_wrap(err, "error while creating mount source path '%s'",
                                 source);
        *fd = open(source, O_PATH | O_CLOEXEC);
    }
    if (*fd >= 0)
        return 0;
    if (errno == ENOENT) {
        cb_error_set(err, CB_ERR_USAGE,
                     "invalid mount config for type \"bind\": bind source path does not "
                     "exist: %s",
                     source);
        cb_error_set_errnum(err, ENOENT);
        return -1;
    }
    return cb_error_errno(err, errno, "open `%s`", source);
}

static int is_of(const struct cb_container_mount *mount, const char *type)
{
    return strcmp(mount->type, type) == 0;
}

static int open_source(const struct opening *opening,
                       const struct cb_container_mount *mount, int *fd,
                       struct cb_error **err)
{
    if (is_of(mount, "volume"))
        return open_volume(opening, mount, fd, err);
    if (is_of(mount, "image"))
        return open_image(opening->store, mount, fd, err);
    return open_bind(mount->source, opening->makes, fd, err);
}

int cb_container_mount_source(struct cb_store *store,
                              const struct cb_container_mount *mount,
                              struct cb_cancel *cancel, int *fd, struct cb_error **err)
{
    const struct opening opening = {.store = store, .cancel = cancel};
    cb_auto(cb_error) error = NULL;

    if (is_of(mount, "tmpfs"))
        return 0;
    if (open_source(&opening, mount, fd, &error) == 0)
        return 1;
    if (cb_error_kind(error) == CB_ERR_NOT_FOUND || cb_error_errnum(error) == ENOENT)
        return 0;
    return cb_error_move(err, &error);
}

static int add(struct cb_run_spec *spec, const struct opening *opening,
               const struct cb_container_mount *mount, struct cb_error **err)
{
    struct cb_mount how = {.type = CB_MOUNT_BIND,
                           .read_only = mount->read_only,
                           .recursive = !mount->not_recursive,
                           .propagation = cb_propagation_flag(mount->propagation)};
    int fd = -1;

    if (is_of(mount, "tmpfs")) {
        how.type = CB_MOUNT_TMPFS;
        how.options = mount->options ? own_text(spec, mount->options) : NULL;
    } else if (open_source(opening, mount, &fd, err) < 0) {
        return -1;
    }
    if (cb_propagation_check(mount->propagation, fd, mount->source, err) < 0) {
        cb_close(&fd);
        return -1;
    }
    push(spec, &how, fd, mount->target);
    if (mount->makes_owner && fd >= 0)
        push_owned(spec, fd, mount->source);
    return 0;
}

/* A directory comes before what is mounted below it; else the order stays. So what we say
 * of names and addresses is in a directory that is mounted on /etc, too, and is covered
 * by what is mounted on one of these files. */
static size_t depth_of(const struct cb_mount *mount)
{
    size_t depth = 0;

    for (const char *c = mount->target; *c; c++)
        depth += *c == '/';
    return depth;
}

/* A file that had to be made for one of ours to lie on: in a directory that others have
 * mounted as well it stays, since its removal would take theirs away. */
static void keep_stubs(struct cb_run_spec *spec)
{
    int is_mounted = 0;

    cb_vec_foreach (mount, &spec->process.mounts)
        is_mounted |= strcmp(mount->target, "/etc") == 0;
    cb_vec_foreach (mount, &spec->process.mounts)
        mount->keep_stub |= is_mounted && mount->type == CB_MOUNT_FILE;
}

static void sort_mounts(struct cb_run_spec *spec)
{
    struct cb_mount *items = spec->process.mounts.items;

    keep_stubs(spec);

    for (size_t i = 1; i < spec->process.mounts.count; i++) {
        struct cb_mount mount = items[i];
        size_t at = i;

        for (; at > 0 && depth_of(&items[at - 1]) > depth_of(&mount); at--)
            items[at] = items[at - 1];
        items[at] = mount;
    }
}

/* A source that is missing is not a command that is missing, which errno would say. */
static int fail(struct cb_error **err)
{
    cb_error_set_errnum(err, 0);
    return -1;
}

int cb_run_spec_add_mounts(struct cb_run_spec *spec, struct cb_store *store,
                           const struct cb_container *container, struct cb_cancel *cancel,
                           struct cb_error **err)
{
    const struct opening opening = {
        .store = store, .id = container->id, .makes = 1, .cancel = cancel};

    cb_vec_foreach (mount, &container->mounts) {
        if (add(spec, &opening, mount, err) < 0)
            return fail(err);
    }
    sort_mounts(spec);
    return 0;
}

int cb_run_spec_add_binds(struct cb_run_spec *spec, const struct cb_strings *volumes,
                          struct cb_error **err)
{
    cb_vec_foreach (text, volumes) {
        cb_auto_value(cb_mount_spec) wish = {0};
        struct cb_mount how = {.type = CB_MOUNT_BIND, .recursive = 1};
        int fd;

        if (cb_mount_spec_parse_volume(&wish, *text, err) < 0 ||
            open_bind(wish.source, 1, &fd, err) < 0)
            return fail(err);
        if (cb_propagation_check(wish.propagation, fd, wish.source, err) < 0) {
            cb_close(&fd);
            return fail(err);
        }
        how.read_only = wish.read_only;
        how.propagation = cb_propagation_flag(wish.propagation);
        push(spec, &how, fd, wish.target);
        if (wish.makes_owner)
            push_owned(spec, fd, wish.source);
    }
    sort_mounts(spec);
    return 0;
}
