/* A container's directory is read, and what changes in it is written. */
#include "container/record.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_BYTES   (16u << 20)
#define NAP_MS      5
#define PATIENCE_MS 2000         /* with who settles a record */
#define FOREGROUND  "foreground" /* an empty file: nobody keeps it when it has ended */

/* ── Life ── */

void cb_container_options_clear(struct cb_container_options *options)
{
    cb_run_request_clear(&options->request);
    cb_strings_free(&options->labels);
    cb_strings_free(&options->annotations);
    cb_strings_free(&options->mounts);
    cb_strings_free(&options->volumes_from);
    cb_strings_free(&options->log_opts);
    cb_strings_free(&options->attach);
}

void cb_container_state_clear(struct cb_container_state *state)
{
    free(state->error);
    json_decref(state->network);
    json_decref(state->health);
    *state = (struct cb_container_state){0};
}

void cb_container_mount_clear(struct cb_container_mount *mount)
{
    free(mount->type);
    free(mount->name);
    free(mount->source);
    free(mount->target);
    free(mount->mode);
    free(mount->propagation);
    free(mount->subpath);
    free(mount->snapshot);
    free(mount->options);
}

void cb_container_free(struct cb_container *container)
{
    if (!container)
        return;
    cb_vec_foreach (mount, &container->mounts)
        cb_container_mount_clear(mount);
    cb_vec_free(&container->mounts);
    cb_container_options_clear(&container->options);
    cb_strings_free(&container->texts);
    cb_container_state_clear(&container->state);
    cb_image_config_free(container->config);
    cb_close(&container->dir_fd);
    cb_close(&container->maker_fd);
    free(container->name);
    free(container->image_id);
    free(container->snapshot);
    free(container);
}

void cb_containers_free(struct cb_containers *containers)
{
    cb_vec_foreach (container, containers)
        cb_container_free(*container);
    cb_vec_free(containers);
}

/* ── Reading ── */

static int read_state(struct cb_container *container, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_container_state state = {0};

    if (cb_fs_read_file(container->dir_fd, "state.json", MAX_BYTES, &text, err) < 0 ||
        cb_container_state_parse(&state, cb_strbuf_text(&text), text.len, err) < 0) {
        cb_container_state_clear(&state);
        return -1;
    }
    cb_container_state_clear(&container->state);
    container->state = state;
    return 0;
}

static int is_marked(int dir_fd)
{
    return faccessat(dir_fd, FOREGROUND, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Most are not marked, which one question tells. */
int cb_container_is_abandoned(int dir, const char *id)
{
    cb_autofree char *mark = xasprintf("%s/" FOREGROUND, id);
    cb_autofd int fd = -1;

    if (faccessat(dir, mark, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    fd = openat(dir, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 && is_marked(fd) && !cb_lock_is_held(fd, "monitor.lock");
}

/* Who ran it in the foreground is gone, and so is it. */
static int went_along(const struct cb_container *container, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_NOT_FOUND, "No such container: %s", container->id);
    cb_error_set_errnum(err, ENOENT);
    return -1;
}

int cb_container_settle(struct cb_container *container, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if (read_state(container, err) < 0)
        return -1;
    if (!cb_container_is_running(container))
        return 0;
    if (container->in_foreground)
        return went_along(container, err);
    container->state.status = CB_CONTAINER_EXITED;
    container->state.pid = 0;
    container->state.exit_code = 137;
    free(container->state.error);
    container->state.error = xstrdup("the monitor of the container was killed");
    cb_timestamp_format(cb_timestamp_now(), container->state.finished);
    if (cb_container_save_state(container, &error) < 0)
        cb_debug("%s", cb_error_message(error)); /* it is no less dead for that */
    return 0;
}

/* 1: the record is true; 0: somebody else is at it. Unseen: no monitor holds the lock. */
static int settle(struct cb_container *container, struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    int taken = cb_lock_try_unseen(&lock, container->dir_fd, "monitor.lock",
                                   CB_LOCK_EXCLUSIVE, NULL);

    if (taken <= 0)
        return taken < 0; /* where no lock can be had nothing can be settled */
    return cb_container_settle(container, err) < 0 ? -1 : 1;
}

/* Who has the lock and is not seen with it settles the record, or begins or ends at this
 * moment: soon it says what is true. */
int cb_container_refresh(struct cb_container *container, struct cb_error **err)
{
    for (int waited_ms = 0;; waited_ms += NAP_MS) {
        int settled;

        if (read_state(container, err) < 0)
            return -1;
        if (!cb_container_is_running(container) ||
            cb_lock_is_held(container->dir_fd, "monitor.lock"))
            return 0;
        settled = settle(container, err);
        if (settled != 0 || waited_ms >= PATIENCE_MS)
            return settled < 0 ? -1 : 0;
        poll(NULL, 0, NAP_MS);
    }
}

static int read_parts(struct cb_container *container, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) config = {0};
    cb_auto_value(cb_strbuf) image = {0};
    cb_auto_value(cb_strbuf) name = {0};

    if (cb_fs_read_file(container->dir_fd, "config.json", MAX_BYTES, &config, err) < 0 ||
        cb_container_config_parse(container, cb_strbuf_text(&config), config.len, err) <
            0 ||
        cb_fs_read_file(container->dir_fd, "image.json", MAX_BYTES, &image, err) < 0 ||
        cb_image_config_parse(&container->config, cb_strbuf_text(&image), image.len,
                              err) < 0 ||
        cb_fs_read_file(container->dir_fd, "name", 1024, &name, err) < 0)
        return -1;
    container->name = cb_strbuf_steal(&name);
    container->in_foreground = is_marked(container->dir_fd);
    container->options.request.config = container->config;
    return cb_container_refresh(container, err);
}

int cb_container_open_in(int dir, const char *id, struct cb_container **out,
                         struct cb_error **err)
{
    cb_auto(cb_container) container = xcalloc(1, sizeof(*container));

    snprintf(container->id, sizeof(container->id), "%s", id);
    container->maker_fd = -1;
    container->dir_fd = openat(dir, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (container->dir_fd < 0)
        return cb_error_errno(err, errno, "container `%.12s`", id);
    if (read_parts(container, err) < 0)
        return cb_error_wrap(err, "container `%.12s`", id);
    *out = cb_steal(&container);
    return 0;
}

int cb_container_open(const char *store_root, const char *id, struct cb_container **out,
                      struct cb_error **err)
{
    cb_autofree char *path = xasprintf("%s/containers", store_root);
    cb_autofd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0)
        return cb_error_errno(err, errno, "open `%s`", path);
    return cb_container_open_in(dir, id, out, err);
}

/* ── Changing ── */

int cb_container_went(const struct cb_container *container, struct cb_error **err)
{
    if (faccessat(container->dir_fd, "config.json", F_OK, 0) == 0 || errno != ENOENT)
        return -1;
    if (err)
        cb_error_free(cb_steal(err));
    return cb_error_set(err, CB_ERR_NOT_FOUND, "No such container: %s", container->id);
}

int cb_container_mark_foreground(struct cb_container *container, struct cb_error **err)
{
    container->in_foreground = 1;
    if (mknodat(container->dir_fd, FOREGROUND, S_IFREG | 0600, 0) < 0)
        return cb_error_errno(err, errno, "create `%s`", FOREGROUND);
    return 0;
}

int cb_container_save_config(const struct cb_container *container, struct cb_error **err)
{
    cb_auto_json *document = cb_container_config_json(container);
    cb_autofree char *text = cb_json_dump(document);

    return cb_atomic_file_write(container->dir_fd, "config.json", text, strlen(text),
                                0600, !container->options.remove, err);
}
