/* Namespaces of other containers. One of processes is joined for the child that is born
 * at the end (join.c): until then nobody in it sees who sets the sandbox up, nor what
 * that may do. So its procfs cannot be mounted anew, which only who is in it could do;
 * it is taken from the other container's mounts, as /dev/shm is. What is at those names
 * there is for that container to say: it must be what it should be. */
#include "executor/sandbox-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/vfs.h>

static const char *kind_name(uint64_t kind)
{
    return kind == CLONE_NEWNET   ? "network"
           : kind == CLONE_NEWIPC ? "IPC"
           : kind == CLONE_NEWPID ? "pid"
                                  : "mount";
}

static int join(int fd, uint64_t kind, struct cb_error **err)
{
    int refused;

    if (setns(fd, (int)kind) == 0)
        return 0;
    refused = errno == EPERM;
    cb_error_errno(err, errno, "join the %s namespace", kind_name(kind));
    return refused ? cb_error_hint(err, "without root it takes a container in the same "
                                        "user namespace")
                   : -1;
}

int cb_step_namespace(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                      struct cb_error **err)
{
    return join(sandbox->fds[step->fd], step->value, err);
}

static int is_expected(int tree, const char *path)
{
    struct statfs fs;

    return fstatfs(tree, &fs) == 0 &&
           fs.f_type == (strcmp(path, "/proc") ? TMPFS_MAGIC : PROC_SUPER_MAGIC);
}

int cb_space_mount(struct cb_sandbox *sandbox, int fd, const char *path,
                   uint64_t attributes, struct cb_error **err)
{
    cb_autofd int own =
        openat(sandbox->stage->proc_fd, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
    cb_autofd int tree = -1;
    int errnum;

    if (own < 0)
        return cb_error_errno(err, errno, "open the mount namespace");
    if (sandbox->api.legacy)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "sharing `%s` takes Linux 5.12 and its calls for mounts",
                            path);
    if (join(fd, CLONE_NEWNS, err) < 0)
        return -1;
    tree = cb_tree_clone(&sandbox->api, AT_FDCWD, path, 0, attributes, 0);
    errnum = errno;
    if (join(own, CLONE_NEWNS, err) < 0)
        return -1;
    if (tree < 0)
        return cb_error_errno(err, errnum, "clone the other container's `%s`", path);
    if (!is_expected(tree, path))
        return cb_error_set(err, CB_ERR_DENIED,
                            "the other container's `%s` is not what it was made with",
                            path);
    return cb_steal_fd(&tree);
}
