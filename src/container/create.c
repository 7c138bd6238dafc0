/* Making and removing. A container is there once its config.json is, which is written
 * last; what was begun and not ended is removed by the next who makes one, and so is what
 * a foreground that was killed has left. */
#include "container/create.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "container/ask-priv.h"
#include "container/journal.h"
#include "container/setup.h"
#include "container/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SHORT_ID_DIGITS 12
#define NAP_MS          10
#define IMAGE_FILE      "image.json"

static char *pin_of(const char *id)
{
    return xasprintf("container-%s", id);
}

/* ── Leftovers ── */

static void discard(struct cb_store *store, int dir, const char *id)
{
    cb_autofree char *pin = pin_of(id);

    cb_snapshot_unpin(store, pin, NULL);
    cb_fs_remove_tree(dir, id, NULL);
}

static void sweep(struct cb_store *store, int dir)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(dir, &names, NULL) < 0)
        return;
    cb_vec_foreach (name, &names) {
        cb_autofree char *config = xasprintf("%s/config.json", *name);
        struct stat st;

        if (strlen(*name) == CB_CONTAINER_ID_DIGITS &&
            ((fstatat(dir, config, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) ||
             cb_container_is_abandoned(dir, *name)))
            discard(store, dir, *name);
    }
}

/* ── Making ── */

/* A copy by way of the document that is kept. */
static int copy_options(struct cb_container *container,
                        const struct cb_container_options *options, const char *image_id,
                        struct cb_error **err)
{
    struct cb_container shadow = {
        .options = *options, .image_id = (char *)image_id, .snapshot = (char *)""};
    cb_auto_json *document = cb_container_config_json(&shadow);
    cb_autofree char *text = cb_json_dump(document);

    if (cb_container_config_parse(container, text, strlen(text), err) < 0)
        return -1;
    free(cb_steal(&container->snapshot)); /* there is none yet */
    container->options.images = options->images;
    container->options.for_later =
        options->for_later && strcmp(cb_run_spec_cwd(&options->request), "/") != 0;
    return 0;
}

/* `cp` may come before its first start. */
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

static int make_filesystem(struct cb_store *store, struct cb_container *container,
                           struct cb_snapshot *parent, struct cb_error **err)
{
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_autofree char *pin = pin_of(container->id);
    cb_autofd int root = -1;

    if (cb_snapshot_prepare(store, parent, &snapshot, err) < 0 ||
        cb_snapshot_pin(snapshot, pin, err) < 0)
        return -1;
    container->snapshot = xstrdup(cb_snapshot_id(snapshot));
    if (!needs_root(container))
        return 0;
    if (cb_snapshot_open_root(snapshot, &root, err) < 0 ||
        (container->options.for_later && make_cwd(container, root, err) < 0))
        return -1;
    return cb_container_make_mounts(store, container, root, err);
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

static int write_parts(struct cb_container *container, struct cb_error **err)
{
    size_t len;
    cb_autofree char *image = cb_image_config_emit(container->config, &len);

    if (cb_atomic_file_write(container->dir_fd, IMAGE_FILE, image, len, 0600, 0, err) < 0)
        return -1;
    mark_maker(container);
    if (cb_container_save_name(container, err) < 0 ||
        cb_container_save_state(container, err) < 0 ||
        (!container->in_foreground && cb_container_spare_state(container, err) < 0))
        return -1;
    return cb_container_save_config(container, err);
}

static int fill(struct cb_store *store, int dir, struct cb_container *container,
                struct cb_snapshot *parent, struct cb_error **err)
{
    container->dir_fd =
        openat(dir, container->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (container->dir_fd < 0)
        return cb_error_errno(err, errno, "open the container's directory");
    if (make_filesystem(store, container, parent, err) < 0)
        return -1;
    return write_parts(container, err);
}

static void remove_volumes(struct cb_store *store, const struct cb_container *container)
{
    cb_vec_foreach (mount, &container->mounts) {
        cb_auto(cb_volume) volume = NULL;

        if (mount->name && cb_volume_find(store, mount->name, &volume, NULL) == 0 &&
            volume->anonymous)
            cb_volume_remove(store, mount->name, NULL); /* unless another has it, too */
    }
}

int cb_container_create(struct cb_store *store,
                        const struct cb_container_options *options, const char *image_id,
                        struct cb_container **out, struct cb_error **err)
{
    cb_auto(cb_container) container = xcalloc(1, sizeof(*container));
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    container->dir_fd = container->maker_fd = -1;
    if (cb_container_check_mounts(options, err) < 0 ||
        cb_setup_check(store, &options->request, err) < 0 ||
        copy_options(container, options, image_id, err) < 0 ||
        cb_containers_lock(store, &lock, &dir, err) < 0)
        return -1;
    sweep(store, dir);
    if (cb_spaces_keep_ids(store, container, err) < 0 ||
        cb_container_choose_name(store, options->name, &container->name, err) < 0)
        return -1;
    cb_container_new_id(container->id);
    container->config = cb_image_config_copy(options->request.config);
    container->options.request.config = container->config;
    cb_timestamp_format(cb_timestamp_now(), container->created);
    if (mkdirat(dir, container->id, 0700) < 0)
        return cb_error_errno(err, errno, "make the container's directory");
    if (fill(store, dir, container, options->request.rootfs, err) < 0) {
        remove_volumes(store, container);
        discard(store, dir, container->id);
        return -1;
    }
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
                        const struct cb_container_options *options, const char *image_id,
                        struct cb_container *container, struct cb_cancel *cancel,
                        struct cb_lock **held, struct cb_error **err)
{
    cb_autofree char *snapshot = cb_steal(&container->snapshot);
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    if (copy_options(container, options, image_id, err) < 0 ||
        cb_containers_lock_until(store, &lock, &dir, cancel, err) < 0 ||
        cb_container_choose_name(store, NULL, &container->name, err) < 0)
        return -1;
    container->snapshot = cb_steal(&snapshot);
    memcpy(container->created, container->state.started, sizeof(container->created));
    container->config = cb_image_config_copy(options->request.config);
    container->options.request.config = container->config;
    if (open_marked(dir, container, held, err) < 0 ||
        cb_container_list_binds(store, container, err) < 0 ||
        write_parts(container, err) < 0) {
        cb_fs_remove_tree(dir, container->id, NULL);
        return -1;
    }
    return 0;
}

void cb_container_delist(struct cb_store *store, const struct cb_container *container)
{
    cb_autofree char *path = xasprintf("containers/%s", container->id);

    unlinkat(container->dir_fd, "config.json", 0);
    cb_fs_remove_tree(cb_store_root_fd(store), path, NULL);
}

int cb_container_pin(const struct cb_container *container, struct cb_snapshot *snapshot,
                     struct cb_error **err)
{
    cb_autofree char *pin = pin_of(container->id);

    return cb_snapshot_pin(snapshot, pin, err);
}

void cb_container_unpin(struct cb_store *store, const struct cb_container *container)
{
    cb_autofree char *pin = pin_of(container->id);

    if (cb_snapshot_unpin(store, pin, NULL) == 0)
        cb_snapshot_remove(store, container->snapshot, NULL);
}

/* ── Removing ── */

int cb_container_remove(struct cb_store *store, struct cb_container *container,
                        int volumes, struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_autofree char *pin = pin_of(container->id);
    cb_autofd int dir = -1;

    if (cb_containers_lock(store, &lock, &dir, err) < 0)
        return -1;
    sweep(store, dir);
    /* From here on it is not there; what is left is swept if we do not get to it. */
    if (unlinkat(container->dir_fd, "config.json", 0) < 0 && errno != ENOENT)
        return cb_error_errno(err, errno, "remove the container `%.12s`", container->id);
    if (volumes)
        remove_volumes(store, container);
    if (cb_snapshot_unpin(store, pin, err) < 0 ||
        cb_fs_remove_tree(dir, container->id, err) < 0)
        return -1;
    cb_container_tell(store, container, "destroy", NULL, NULL);
    if (container->snapshot)
        return cb_snapshot_remove(store, container->snapshot, err);
    return 0;
}

/* A monitor whose container has ended, or one that copies, is done soon. */
int cb_container_hold_ended(struct cb_container *container, struct cb_cancel *cancel,
                            struct cb_lock **lock, struct cb_error **err)
{
    struct pollfd wait = {.fd = cancel ? cb_cancel_fd(cancel) : -1, .events = POLLIN};
    int taken;

    cb_container_refresh(container, NULL); /* a killed monitor's is settled */
    while ((taken = cb_lock_try(lock, container->dir_fd, "monitor.lock",
                                CB_LOCK_EXCLUSIVE, err)) == 0) {
        if (cb_container_refresh(container, NULL) < 0 ||
            cb_container_is_running(container))
            return 0;
        if (poll(&wait, 1, NAP_MS) > 0 && cb_cancel_check(cancel, err) < 0)
            return -1;
    }
    if (taken < 0)
        return -1;
    return cb_container_settle(container, NULL) == 0 &&
           !cb_container_is_running(container);
}

int cb_container_begin_change(struct cb_store *store, struct cb_container *container,
                              struct cb_cancel *cancel, struct cb_lock **lock,
                              struct cb_error **err)
{
    cb_auto(cb_container) now = NULL;
    struct cb_container before = *container;

    if (cb_lock_take(lock, container->dir_fd, "change.lock", CB_LOCK_EXCLUSIVE,
                     &(struct cb_lock_wait){.cancel = cancel}, err) < 0 ||
        cb_container_open(cb_store_root(store), container->id, &now, err) < 0)
        return cb_container_went(container, err);
    *container = *now;
    *now = before;
    return 0;
}

static void refuse_to_remove(const struct cb_container *container, struct cb_error **err)
{
    enum cb_container_status status = container->state.status;

    if (status == CB_CONTAINER_PAUSED)
        cb_error_set(err, CB_ERR_EXISTS,
                     "cannot remove container \"/%s\": container is paused and must be "
                     "unpaused first",
                     container->name);
    else
        cb_error_set(err, CB_ERR_EXISTS,
                     "cannot remove container \"/%s\": container is %s: stop the "
                     "container before removing or force remove",
                     container->name,
                     status == CB_CONTAINER_RESTARTING ? "restarting" : "running");
    cb_error_hint(err, "`cbuild rm -f` kills it");
}

/* Whoever holds the lock of its monitor keeps it from being started. */
int cb_container_remove_ended(struct cb_store *store, struct cb_container *container,
                              int volumes, struct cb_cancel *cancel,
                              struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_auto(cb_error) error = NULL;
    int held = cb_container_hold_ended(container, cancel, &lock, &error);

    if (held < 0)
        return cb_error_errnum(error) == ENOENT ? 0 : cb_error_move(err, &error);
    if (!held) {
        refuse_to_remove(container, err);
        return cb_container_went(container, err);
    }
    return cb_container_remove(store, container, volumes, err);
}

static const char *find_directory(const struct cb_strings *names, const char *prefix)
{
    const char *found = NULL;

    cb_vec_foreach (name, names) {
        if (strlen(*name) != CB_CONTAINER_ID_DIGITS ||
            strncmp(*name, prefix, strlen(prefix)) != 0)
            continue;
        if (found)
            return NULL;
        found = *name;
    }
    return found;
}

int cb_container_discard(struct cb_store *store, const char *prefix,
                         struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int dir = -1;
    cb_autofd int own = -1;
    const char *id;

    if (strlen(prefix) < SHORT_ID_DIGITS ||
        cb_containers_lock(store, &lock, &dir, err) < 0 ||
        cb_fs_list(dir, &names, err) < 0)
        return strlen(prefix) < SHORT_ID_DIGITS ? 0 : -1;
    id = find_directory(&names, prefix);
    if (!id)
        return 0;
    own = openat(dir, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (own >= 0 && cb_lock_is_held(own, "monitor.lock"))
        return cb_error_set(err, CB_ERR_EXISTS, "container %s is running", id);
    discard(store, dir, id);
    return 1;
}

int cb_container_snapshot(struct cb_store *store, const struct cb_container *container,
                          struct cb_snapshot **out, struct cb_error **err)
{
    int found = cb_snapshot_get(store, container->snapshot, out, err);

    if (!found && container->in_foreground) {
        struct cb_wire_message message = {.type = CB_WIRE_PIN};

        if (cb_monitor_ask(container, &message, NULL, NULL, err) < 0)
            return -1;
        found = cb_snapshot_get(store, container->snapshot, out, err);
    }
    if (found)
        return found < 0 ? -1 : 0;
    cb_error_set(err, CB_ERR_NOT_FOUND,
                 "the filesystem of container %s is no longer in the store",
                 container->name);
    return cb_container_went(container, err);
}
