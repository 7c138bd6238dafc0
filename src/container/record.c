/* Directories of containers: reading, finding, and what changes in them. */
#include "container/record.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_BYTES  (16u << 20)
#define FOREGROUND "foreground" /* an empty file: nobody keeps it when it has ended */

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

static int settle(struct cb_container *container, struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;

    if (cb_lock_try(&lock, container->dir_fd, "monitor.lock", CB_LOCK_EXCLUSIVE, err) <=
        0)
        return 0; /* it starts, or ends, at this moment */
    return cb_container_settle(container, err);
}

int cb_container_refresh(struct cb_container *container, struct cb_error **err)
{
    if (read_state(container, err) < 0)
        return -1;
    if (!cb_container_is_running(container) ||
        cb_lock_is_held(container->dir_fd, "monitor.lock"))
        return 0;
    return settle(container, err);
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

static int open_in(int dir, const char *id, struct cb_container **out,
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
    return open_in(dir, id, out, err);
}

/* ── All of them ── */

static int is_id(const char *name)
{
    return strlen(name) == CB_CONTAINER_ID_DIGITS &&
           strspn(name, "0123456789abcdef") == CB_CONTAINER_ID_DIGITS;
}

static int newest_first(const void *a, const void *b)
{
    const struct cb_container *const *x = a, *const *y = b;
    struct timespec one = {0}, other = {0};

    cb_timestamp_parse(&one, (*x)->created, NULL);
    cb_timestamp_parse(&other, (*y)->created, NULL);
    if (one.tv_sec != other.tv_sec)
        return one.tv_sec < other.tv_sec ? 1 : -1;
    return one.tv_nsec < other.tv_nsec ? 1 : one.tv_nsec > other.tv_nsec ? -1 : 0;
}

static int open_containers(struct cb_store *store)
{
    return openat(cb_store_root_fd(store), "containers",
                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int cb_containers_list(struct cb_store *store, struct cb_containers *out,
                       struct cb_error **err)
{
    cb_autofd int dir = open_containers(store);
    cb_auto_value(cb_strings) names = {0};

    if (dir < 0)
        return errno == ENOENT ? 0 : cb_error_errno(err, errno, "open the containers");
    if (cb_fs_list(dir, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        cb_auto(cb_error) error = NULL;
        struct cb_container *container;

        if (!is_id(*name))
            continue;
        if (open_in(dir, *name, &container, &error) == 0)
            cb_vec_push(out, container);
        else if (cb_error_errnum(error) != ENOENT) /* it comes, or goes, just now */
            cb_warn("%s", cb_error_message(error));
    }
    if (out->count)
        qsort(out->items, out->count, sizeof(struct cb_container *), newest_first);
    return 0;
}

static int no_such(const char *text, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_NOT_FOUND, "No such container: %s", text);
}

int cb_container_went(const struct cb_container *container, struct cb_error **err)
{
    if (faccessat(container->dir_fd, "config.json", F_OK, 0) == 0 || errno != ENOENT)
        return -1;
    if (err)
        cb_error_free(cb_steal(err));
    return no_such(container->id, err);
}

/* Opens ID if it can be; what cannot be read is not there, and is told of. */
static int open_if_whole(int dir, const char *id, struct cb_container **out)
{
    cb_auto(cb_error) error = NULL;

    if (open_in(dir, id, out, &error) == 0)
        return 1;
    if (cb_error_errnum(error) != ENOENT) /* it comes, or goes, just now */
        cb_warn("%s", cb_error_message(error));
    return 0;
}

/* Of most names the length tells that they are others. */
static int is_named(int dir, const char *id, const char *name)
{
    cb_autofree char *path = xasprintf("%s/name", id);
    cb_auto_value(cb_strbuf) text = {0};
    struct stat st;

    return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_size == (off_t)strlen(name) &&
           cb_fs_read_file(dir, path, 1024, &text, NULL) == 0 &&
           strcmp(cb_strbuf_text(&text), name) == 0;
}

/* 1: *OUT. Of the others only the names are read. A damaged record may have an empty
 * one, which nobody means. */
static int find_by_name(int dir, const struct cb_strings *ids, const char *text,
                        struct cb_container **out)
{
    const char *name = *text == '/' ? text + 1 : text;

    cb_vec_foreach (id, ids)
        if (*name && is_named(dir, *id, name) && open_if_whole(dir, *id, out))
            return 1;
    return 0;
}

static int find_by_prefix(int dir, const struct cb_strings *ids, const char *text,
                          struct cb_container **out, struct cb_error **err)
{
    cb_auto(cb_container) found = NULL;

    cb_vec_foreach (id, ids) {
        cb_auto(cb_container) container = NULL;

        if (!*text || strncmp(*id, text, strlen(text)) != 0 ||
            !open_if_whole(dir, *id, &container))
            continue;
        if (found)
            return cb_error_set(err, CB_ERR_USAGE,
                                "multiple IDs found with provided prefix: %s", text);
        found = cb_steal(&container);
    }
    if (!found)
        return no_such(text, err);
    *out = cb_steal(&found);
    return 0;
}

static int list_ids(int dir, struct cb_strings *out, struct cb_error **err)
{
    cb_auto_value(cb_strings) files = {0};

    if (cb_fs_list(dir, &files, err) < 0)
        return -1;
    cb_vec_foreach (file, &files)
        if (is_id(*file))
            cb_strings_add(out, *file);
    return 0;
}

int cb_container_find_named(struct cb_store *store, const char *name,
                            struct cb_container **out, struct cb_error **err)
{
    cb_autofd int dir = open_containers(store);
    cb_auto_value(cb_strings) ids = {0};

    if (dir < 0)
        return errno == ENOENT ? 0 : cb_error_errno(err, errno, "open the containers");
    return list_ids(dir, &ids, err) < 0 ? -1 : find_by_name(dir, &ids, name, out);
}

int cb_container_find(struct cb_store *store, const char *text, struct cb_container **out,
                      struct cb_error **err)
{
    cb_autofd int dir = open_containers(store);
    cb_auto_value(cb_strings) ids = {0};

    if (dir < 0)
        return errno == ENOENT ? no_such(text, err)
                               : cb_error_errno(err, errno, "open the containers");
    if (list_ids(dir, &ids, err) < 0)
        return -1;
    if (cb_strings_contain(&ids, text))
        return open_if_whole(dir, text, out) ? 0 : no_such(text, err);
    return find_by_name(dir, &ids, text, out) ? 0
                                              : find_by_prefix(dir, &ids, text, out, err);
}

/* ── Changing ── */

int cb_containers_lock_until(struct cb_store *store, struct cb_lock **lock, int *dir,
                             struct cb_cancel *cancel, struct cb_error **err)
{
    int root = cb_store_root_fd(store);
    cb_autofd int fd = -1;

    if (mkdirat(root, "containers", 0700) < 0 && errno != EEXIST)
        return cb_error_errno(err, errno, "mkdir `%s/containers`", cb_store_root(store));
    fd = open_containers(store);
    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s/containers`", cb_store_root(store));
    if (cb_lock_take(lock, fd, "lock", CB_LOCK_EXCLUSIVE,
                     &(struct cb_lock_wait){.cancel = cancel}, err) < 0)
        return -1;
    *dir = cb_steal_fd(&fd);
    return 0;
}

int cb_containers_lock(struct cb_store *store, struct cb_lock **lock, int *dir,
                       struct cb_error **err)
{
    return cb_containers_lock_until(store, lock, dir, NULL, err);
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
