/* RUN --mount=type=ssh: a socket of the step's own, never the agent's. */
#include "ops/exec-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <sys/stat.h>

static int not_given(const struct cb_exec_mount *mount, struct cb_error **err)
{
    if (!mount->required)
        return 0;
    cb_error_set(err, CB_ERR_NOT_FOUND, "no SSH key `%s` is forwarded to this build",
                 mount->id);
    return cb_error_hint(err, "give it with --ssh %s", mount->id);
}

static int set_owner(int fd, const struct cb_exec_mount *mount, struct cb_error **err)
{
    const struct cb_fd_path path = cb_fd_path(fd);

    if (chown(path.text, mount->uid, mount->gid) < 0 ||
        chmod(path.text, mount->mode & 07777) < 0)
        return cb_error_errno(err, errno, "set owner of the SSH socket");
    return 0;
}

int cb_exec_mount_ssh(struct cb_exec_mounts *mounts, const struct cb_exec_mount *mount,
                      struct cb_error **err)
{
    const struct cb_build_env *env = mounts->step->env;
    struct cb_ssh_source source = {env->ssh, env->ssh_arg, mount->id};
    cb_auto(cb_ssh_socket) socket = NULL;
    int given = env->ssh ? env->ssh(env->ssh_arg, mount->id, NULL, err) : 0;
    struct cb_mount *bind;

    if (given < 0)
        return -1;
    if (!given)
        return not_given(mount, err);
    if (cb_ssh_socket_open(&socket, env->store, &source, err) < 0 ||
        set_owner(cb_ssh_socket_fd(socket), mount, err) < 0)
        return cb_error_wrap(err, "RUN --mount=type=ssh");
    bind = cb_exec_mount_add(mounts, CB_MOUNT_BIND, mount->target);
    bind->source_fd = cb_ssh_socket_fd(socket);
    cb_vec_push(&mounts->ssh, cb_steal(&socket));
    return 0;
}
