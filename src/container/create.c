/* A container is there once its config.json is, which is written last. */
#include "container/create.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "container/journal.h"
#include "container/marks.h"
#include "container/mounts.h"
#include "container/names.h"
#include "container/pin.h"
#include "container/remove.h"
#include "container/setup.h"
#include "container/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define IMAGE_FILE "image.json"

/* ── Making ── */

/* A copy by way of the document that is kept. */
static int copy_options(struct cb_container *container,
                        const struct cb_container_options *options, struct cb_error **err)
{
    struct cb_container shadow = {.options = *options,
                                  .image_id = (char *)options->request.image_id,
                                  .snapshot = (char *)""};
    cb_auto_json *document = cb_container_config_json(&shadow);
    cb_autofree char *text = cb_json_dump(document);

    if (cb_container_config_parse(container, text, strlen(text), err) < 0)
        return -1;
    free(cb_steal(&container->snapshot)); /* there is none yet */
    container->options.images = options->images;
    container->options.for_later = (options->for_later || options->request.workdir) &&
                                   strcmp(cb_run_spec_cwd(&options->request), "/") != 0;
    return 0;
}

/* `cp` may come before its first start; one that was asked for and cannot be made leaves
 * no container. */
static int make_cwd(const struct cb_container *container, int root, struct cb_error **err)
{
    const char *cwd = cb_run_spec_cwd(&container->options.request);
    cb_autofd int fd = -1;

    if (cb_fs_mkdirs_in_root(root, cwd, 0755, 0, 0, &fd, err) < 0)
        return cb_error_wrap(err, "working directory `%s`", cwd);
    return 0;
}

static int needs_root(const struct cb_container *container)
{
    const struct cb_container_options *options = &container->options;

    return options->for_later || options->request.volumes.count ||
           options->mounts.count || options->volumes_from.count ||
           container->config->volumes.count;
}

/* What is done before others see anything of the container, and without a lock of theirs:
 * a volume may be large. */
struct making {
    struct cb_store *store;
    struct cb_container *container;
    struct cb_snapshot *snapshot;
    struct cb_volume_holds holds;
    struct cb_snapshots snapshots;
    struct cb_cancel *cancel;
};

static void making_clear(struct making *making)
{
    cb_snapshot_unref(cb_steal(&making->snapshot));
    cb_volume_holds_clear(&making->holds);
    cb_vec_foreach (snapshot, &making->snapshots)
        cb_snapshot_unref(*snapshot);
    cb_vec_free(&making->snapshots);
}
CB_AUTO_VALUE_DEFINE(making, making_clear)

static int make_filesystem(struct making *making, struct cb_snapshot *parent,
                           struct cb_error **err)
{
    struct cb_container *container = making->container;
    cb_autofd int root = -1;
    struct cb_mount_making mounts = {.store = making->store,
                                     .container = container,
                                     .cancel = making->cancel,
                                     .holds = &making->holds,
                                     .snapshots = &making->snapshots};

    if (cb_snapshot_prepare(making->store, parent, &making->snapshot, err) < 0)
        return -1;
    container->snapshot = xstrdup(cb_snapshot_id(making->snapshot));
    if (!needs_root(container))
        return 0;
    if (cb_snapshot_open_root(making->snapshot, &root, err) < 0 ||
        (container->options.for_later && make_cwd(container, root, err) < 0))
        return -1;
    cb_container_mark(root); /* a volume for /etc gets what is there */
    mounts.root = root;
    return cb_container_make_mounts(&mounts, err);
}

/* Until it is closed others see that who has made it is still at it. */
static void mark_maker(struct cb_container *container)
{
    cb_close(&container->maker_fd);
    container->maker_fd =
        openat(container->dir_fd, IMAGE_FILE, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (container->maker_fd >= 0)
        cb_lock_mark(container->maker_fd);
}

int cb_container_is_being_made(const struct cb_container *container)
{
    return container->state.status == CB_CONTAINER_CREATED &&
           cb_lock_is_held(container->dir_fd, IMAGE_FILE);
}

/* What config.json relies on: it is the last, and is synced. The first of these takes
 * along the others, whose bytes are on their way. */
static int sync_parts(struct cb_store *store, const struct cb_container *container,
                      struct cb_error **err)
{
    static const char *const files[] = {IMAGE_FILE, "name", "state.json"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(files); i++) {
        cb_autofd int fd =
            openat(container->dir_fd, files[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0 || fsync(fd) < 0)
            return cb_error_errno(err, errno, "sync `%s`", files[i]);
    }
    return cb_store_sync_index(store, err);
}

static int write_parts(struct cb_store *store, struct cb_container *container,
                       struct cb_error **err)
{
    size_t len;
    cb_autofree char *image = cb_image_config_emit(container->config, &len);

    if (cb_atomic_file_write(container->dir_fd, IMAGE_FILE, image, len, 0600,
                             cb_container_file_sync(container), err) < 0)
        return -1;
    mark_maker(container);
    if (cb_container_save_name(container, cb_container_file_sync(container), err) < 0 ||
        cb_container_save_state(container, err) < 0 ||
        (!container->in_foreground && cb_container_spare_state(container, err) < 0) ||
        (!container->options.remove && sync_parts(store, container, err) < 0))
        return -1;
    return cb_container_save_config(container, err);
}

static int fill(const struct making *making, int dir, struct cb_error **err)
{
    struct cb_container *container = making->container;

    container->dir_fd =
        openat(dir, container->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (container->dir_fd < 0)
        return cb_error_errno(err, errno, "open the container's directory");
    if (cb_container_pin(container, making->snapshot, err) < 0 ||
        cb_container_pin_images(making->store, container, err) < 0)
        return -1;
    return write_parts(making->store, container, err);
}

/* It becomes one of the store's. */
static int enter(const struct making *making, const char *name, struct cb_error **err)
{
    struct cb_container *container = making->container;
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    if (cb_containers_lock_until(making->store, &lock, &dir, making->cancel, err) < 0)
        return -1;
    cb_containers_sweep(making->store, dir);
    if (cb_container_choose_name(making->store, name, &container->name, err) < 0)
        return -1;
    cb_timestamp_format(cb_timestamp_now(), container->created);
    if (mkdirat(dir, container->id, 0700) < 0)
        return cb_error_errno(err, errno, "make the container's directory");
    if (fill(making, dir, err) < 0) {
        cb_container_clear_away(making->store, dir, container->id);
        return -1;
    }
    return 0;
}

/* Before anything is made; it may still be taken meanwhile. */
static int check_name(struct cb_store *store, const char *name, struct cb_error **err)
{
    cb_autofree char *clean = NULL;

    return name ? cb_container_choose_name(store, name, &clean, err) : 0;
}

int cb_container_create(struct cb_store *store,
                        const struct cb_container_options *options,
                        struct cb_cancel *cancel, struct cb_container **out,
                        struct cb_error **err)
{
    cb_auto(cb_container) container = xcalloc(1, sizeof(*container));
    cb_auto_value(making)
        making = {.store = store, .container = container, .cancel = cancel};

    container->dir_fd = container->maker_fd = -1;
    if (cb_container_check_mounts(options, err) < 0 ||
        cb_setup_check(store, &options->request, err) < 0 ||
        copy_options(container, options, err) < 0 ||
        cb_spaces_keep_ids(store, container, err) < 0 ||
        check_name(store, options->name, err) < 0)
        return -1;
    cb_container_new_id(container->id);
    container->config = cb_image_config_copy(options->request.config);
    container->options.request.config = container->config;
    if (make_filesystem(&making, options->request.rootfs, err) < 0 ||
        enter(&making, options->name, err) < 0) {
        cb_volume_holds_clear(&making.holds);
        cb_volumes_sweep_orphans(store);
        return -1;
    }
    cb_volume_holds_keep(&making.holds);
    container->options.images = NULL;
    cb_container_tell(store, container, "create", NULL, NULL);
    *out = cb_steal(&container);
    return 0;
}

/* ── In the foreground ── */

static int open_marked(int dir, struct cb_container *container, struct cb_lock **held,
                       struct cb_error **err)
{
    int taken;

    if (mkdirat(dir, container->id, 0700) < 0)
        return cb_error_errno(err, errno, "make the container's directory");
    container->dir_fd =
        openat(dir, container->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (container->dir_fd < 0)
        return cb_error_errno(err, errno, "open the container's directory");
    taken = cb_lock_try(held, container->dir_fd, "monitor.lock", CB_LOCK_EXCLUSIVE, err);
    if (taken <= 0)
        return taken < 0 ? -1 : cb_error_set(err, CB_ERR_EXISTS, "somebody has the lock");
    return cb_container_mark_foreground(container, err);
}

int cb_container_enlist(struct cb_store *store,
                        const struct cb_container_options *options,
                        struct cb_container *container, struct cb_cancel *cancel,
                        struct cb_lock **held, struct cb_error **err)
{
    cb_autofree char *snapshot = cb_steal(&container->snapshot);
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    if (copy_options(container, options, err) < 0 ||
        cb_containers_lock_until(store, &lock, &dir, cancel, err) < 0 ||
        cb_container_choose_name(store, NULL, &container->name, err) < 0)
        return -1;
    container->snapshot = cb_steal(&snapshot);
    memcpy(container->created, container->state.started, sizeof(container->created));
    container->config = cb_image_config_copy(options->request.config);
    container->options.request.config = container->config;
    if (open_marked(dir, container, held, err) < 0 ||
        cb_container_list_binds(store, container, err) < 0 ||
        write_parts(store, container, err) < 0) {
        cb_fs_remove_tree(dir, container->id, NULL);
        return -1;
    }
    return 0;
}
