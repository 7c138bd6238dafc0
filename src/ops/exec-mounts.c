/* From the mounts of a RUN to those of its process, in the order they were written, after
 * the files every step has: hosts, resolv.conf and the script of a heredoc. */
#include "ops/exec-priv.h"

#include "base/fs.h"
#include "base/lockfile.h"

#include <errno.h>
#include <fcntl.h>

struct cb_mount *cb_exec_mount_add(struct cb_exec_mounts *mounts, enum cb_mount_type type,
                                   const char *target)
{
    struct cb_mount mount = {.type = type, .target = xstrdup(target), .source_fd = -1};

    cb_vec_push(&mounts->mounts, mount);
    return &mounts->mounts.items[mounts->mounts.count - 1];
}

void cb_exec_mounts_clear(struct cb_exec_mounts *mounts)
{
    cb_vec_foreach (mount, &mounts->mounts)
        free(mount->target);
    cb_vec_free(&mounts->mounts);
    cb_vec_foreach (fd, &mounts->fds)
        cb_close(fd);
    cb_vec_free(&mounts->fds);
    cb_vec_foreach (cache, &mounts->caches)
        free(cache->key);
    cb_vec_free(&mounts->caches);
    cb_vec_foreach (lock, &mounts->locks)
        cb_lock_release(*lock);
    cb_vec_free(&mounts->locks);
    cb_vec_foreach (layer, &mounts->discarded)
        cb_snapshot_unref(*layer);
    cb_vec_free(&mounts->discarded);
    cb_scratch_free(mounts->script);
    cb_strings_free(&mounts->texts);
    cb_strings_wipe(&mounts->variables);
    cb_strings_free(&mounts->groups);
    cb_vec_foreach (socket, &mounts->ssh)
        cb_ssh_socket_close(*socket);
    cb_vec_free(&mounts->ssh);
}

/* TEXT is taken. */
static void add_text(struct cb_exec_mounts *mounts, const char *target, char *text)
{
    struct cb_mount *mount = cb_exec_mount_add(mounts, CB_MOUNT_FILE, target);

    cb_strings_take(&mounts->texts, text);
    mount->content = text;
    mount->content_len = strlen(text);
    mount->mode = 0644;
    mount->read_only = 1;
}

/* A file of its own, not a small one in memory: it must be executable. */
static int add_script(struct cb_exec_mounts *mounts, struct cb_error **err)
{
    const struct cb_exec_step *step = mounts->step;
    cb_autofree char *target = xasprintf("/dev/pipes/%s", step->pipe_name);
    cb_autofd int fd = -1;
    struct cb_mount *mount;
    int dir, path;

    if (cb_store_scratch(step->env->store, &mounts->script, err) < 0)
        return -1;
    dir = cb_scratch_fd(mounts->script);
    fd = openat(dir, "script", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || cb_fs_write_all(fd, step->pipe_content, step->pipe_len) < 0 ||
        fchmod(fd, 0755) < 0)
        return cb_error_errno(err, errno, "write the script `%s`", step->pipe_name);
    path = openat(dir, "script", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (path < 0)
        return cb_error_errno(err, errno, "open the script `%s`", step->pipe_name);
    cb_vec_push(&mounts->fds, path);
    mount = cb_exec_mount_add(mounts, CB_MOUNT_BIND, target);
    mount->source_fd = path;
    mount->read_only = 1;
    return 0;
}

static int add_names(struct cb_exec_mounts *mounts, struct cb_error **err)
{
    const struct cb_exec_step *step = mounts->step;
    const struct cb_build_env *env = step->env;
    struct cb_network *network = env->networks[step->network];
    char *hosts;

    if (cb_network_hosts(network, cb_exec_hostname(step), env->add_hosts, &hosts, err) <
        0)
        return -1;
    add_text(mounts, "/etc/resolv.conf", cb_network_resolv_conf(network, env->dns));
    add_text(mounts, "/etc/hosts", hosts);
    return 0;
}

static int is_below(const char *path, const char *dir)
{
    size_t len = strlen(dir);

    return strncmp(path, dir, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* What a mount must not cover: the root, and what the sandbox sets up for containment. */
static int check_target(const struct cb_exec_mount *mount, struct cb_error **err)
{
    cb_autofree char *target = NULL;

    if (!mount->target || !*mount->target) {
        if (mount->type == CB_EXEC_SECRET || mount->type == CB_EXEC_SSH)
            return 0;
        return cb_error_set(err, CB_ERR_USAGE, "RUN --mount: no target");
    }
    target = cb_path_join("/", mount->target);
    if (strcmp(target, "/") == 0 || strcmp(target, "/dev") == 0 ||
        is_below(target, "/proc") || is_below(target, "/sys"))
        return cb_error_set(err, CB_ERR_USAGE, "RUN --mount: target `%s` is not allowed",
                            target);
    return 0;
}

static int prepare_mount(struct cb_exec_mounts *mounts, size_t index,
                         struct cb_error **err)
{
    const struct cb_exec_mount *mount = &mounts->step->mounts[index];
    struct cb_mount *tmpfs;

    if (check_target(mount, err) < 0)
        return -1;
    switch (mount->type) {
    case CB_EXEC_BIND:
        return cb_exec_mount_bind(mounts, index, err);
    case CB_EXEC_CACHE:
        return cb_exec_mount_cache(mounts, index, err);
    case CB_EXEC_SECRET:
        return cb_exec_mount_secret(mounts, mount, err);
    case CB_EXEC_SSH:
        return cb_exec_mount_ssh(mounts, mount, err);
    case CB_EXEC_TMPFS:
        tmpfs = cb_exec_mount_add(mounts, CB_MOUNT_TMPFS, mount->target);
        tmpfs->size_bytes = mount->size_bytes;
        tmpfs->mode = mount->has_mode ? mount->mode : 01777;
        return 0;
    }
    return 0;
}

/* Of the host, for every step. */
static void add_volumes(struct cb_exec_mounts *mounts)
{
    for (size_t i = 0; i < mounts->step->env->volume_count; i++) {
        const struct cb_build_volume *volume = &mounts->step->env->volumes[i];
        struct cb_mount *mount = cb_exec_mount_add(mounts, CB_MOUNT_BIND, volume->target);

        mount->source_fd = volume->source_fd;
        mount->read_only = volume->read_only;
        mount->recursive = 1;
    }
}

int cb_exec_mounts_prepare(struct cb_exec_mounts *mounts, struct cb_error **err)
{
    if (add_names(mounts, err) < 0)
        return -1;
    if (mounts->step->pipe_name && add_script(mounts, err) < 0)
        return -1;
    add_volumes(mounts);
    if (cb_exec_caches_open(mounts, err) < 0)
        return -1;
    for (size_t i = 0; i < mounts->step->mount_count; i++)
        if (prepare_mount(mounts, i, err) < 0)
            return -1;
    return cb_exec_devices(mounts, err);
}
