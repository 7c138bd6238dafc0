/* Saved processes take the place of a program. The child has made namespaces, root and
 * mounts as for any other, but no processes of its own: it becomes criu, which makes
 * those that are missing (processes, IPC, host name) and brings the tree back as a child
 * of the launcher, in the control group that it is in itself.
 *
 * criu makes all mounts anew, in a mount namespace of its own. What is ours in there (the
 * host's directories, our files, what hides parts of /proc and /sys) it is lent by us, as
 * it was just mounted and not as its images say, from a place that no container has ever
 * written to. It follows paths in the root, as root, among the host's mounts: so none of
 * those where something was mounted may lead over a link. */
#include "executor/sandbox-priv.h"

#include "base/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ── What is lent ── */

static int open_plain(struct cb_sandbox *sandbox, const char *path, int *fd,
                      struct cb_error **err)
{
    const struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
    };

    *fd = (int)syscall(SYS_openat2, sandbox->root_fd, path, &how, sizeof(how));
    if (*fd >= 0)
        return 0;
    if (errno == ELOOP)
        return cb_error_set(err, CB_ERR_DENIED, "`%s` leads over a link, and did not",
                            path);
    return cb_error_errno(err, errno, "open `%s`", path);
}

static int check_mounted(int fd, const char *path, struct cb_error **err)
{
    struct statx info;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &info) < 0)
        return cb_error_errno(err, errno, "look at `%s`", path);
    if (info.stx_attributes & STATX_ATTR_MOUNT_ROOT)
        return 0;
    return cb_error_set(err, CB_ERR_NOT_FOUND,
                        "on `%s` something was mounted, and nothing is", path);
}

/* A directory of its own, so that other children find none of its names taken. */
static int open_lent(int *fd, struct cb_sandbox *sandbox, struct cb_error **err)
{
    cb_autofd int tree = -1;

    *fd = open(CB_STAGE_LENT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= 0 && sandbox->lends)
        return 0;
    cb_close(fd);
    tree = cb_tree_new(&sandbox->api, "tmpfs", "mode=700", 0);
    if (tree < 0 || (mkdir(CB_STAGE_LENT, 0700) < 0 && errno != EEXIST) ||
        cb_tree_attach(&sandbox->api, tree, AT_FDCWD, CB_STAGE_LENT) < 0)
        return cb_error_errno(err, errno, "a place for what criu is lent");
    sandbox->lends = 1;
    *fd = cb_steal_fd(&tree);
    return 0;
}

static int lend(struct cb_sandbox *sandbox, int mounted, unsigned number,
                struct cb_error **err)
{
    cb_autofd int dir = -1, tree = -1;
    struct stat what;
    char name[16];

    if (open_lent(&dir, sandbox, err) < 0)
        return -1;
    snprintf(name, sizeof(name), "%u", number);
    tree = cb_tree_clone(&sandbox->api, mounted, "", 0, 0, 0);
    if (tree < 0 || fstat(tree, &what) < 0 ||
        (S_ISDIR(what.st_mode) ? mkdirat(dir, name, 0700)
                               : mknodat(dir, name, S_IFREG | 0600, 0)) < 0 ||
        cb_tree_attach(&sandbox->api, tree, dir, name) < 0)
        return cb_error_errno(err, errno, "lend a mount");
    return 0;
}

int cb_step_lend(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                 struct cb_error **err)
{
    const char *path = cb_sandbox_text(sandbox, step->target);
    cb_autofd int fd = -1;

    if (open_plain(sandbox, path, &fd, err) < 0 || check_mounted(fd, path, err) < 0)
        return -1;
    if (step->flags & CB_PLAN_FIXED)
        return 0;
    return lend(sandbox, fd, (unsigned)step->value, err) < 0
               ? cb_error_wrap(err, "mount on `%s`", path)
               : 0;
}

/* ── Becoming criu ── */

/* Our stage, with the root, comes to lie on the directory AT of the host. */
static int enter_host(struct cb_sandbox *sandbox, int host, const char *at,
                      struct cb_error **err)
{
    if ((mkdir(CB_STAGE_HOST, 0700) < 0 && errno != EEXIST) ||
        cb_tree_attach(&sandbox->api, host, AT_FDCWD, CB_STAGE_HOST) < 0 ||
        fchdir(host) < 0 || syscall(SYS_pivot_root, ".", at + 1) < 0 || chdir("/") < 0)
        return cb_error_errno(err, errno, "enter the host's mounts");
    return 0;
}

static int give(int fd, int number)
{
    return fd < 0 || (dup2(fd, number) == number) ? 0 : -1;
}

/* Whoever has one of the numbers that are given is moved out of the way first. */
static int give_descriptors(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                            struct cb_error **err)
{
    int net = openat(sandbox->stage->proc_fd, "self/ns/net", O_RDONLY | O_CLOEXEC);
    int moved[CB_RESTORE_FDS] = {-1, -1, -1, -1, -1};
    int failed = net < 0;

    moved[CB_RESTORE_FD_NET] = fcntl(net, F_DUPFD_CLOEXEC, CB_RESTORE_FD_ABOVE);
    sandbox->report_fd = fcntl(sandbox->report_fd, F_DUPFD_CLOEXEC, CB_RESTORE_FD_ABOVE);
    for (int i = 0; i < CB_RESTORE_FD_NET; i++) {
        int index = (int)(step->value2 >> (8 * i) & 0xff) - 1;

        if (index >= 0)
            moved[i] = fcntl(sandbox->fds[index], F_DUPFD_CLOEXEC, CB_RESTORE_FD_ABOVE);
        failed |= index >= 0 && moved[i] < 0;
    }
    cb_descriptors_close(AT_FDCWD, 3, 1);
    for (int i = 0; i < CB_RESTORE_FDS; i++)
        failed |= give(moved[i], CB_RESTORE_FD_FIRST + i) < 0;
    return failed ? cb_error_errno(err, errno, "descriptors for criu") : 0;
}

int cb_step_restore(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                    struct cb_error **err)
{
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
                         "/bin";
    char *const env[] = {path, NULL};
    cb_autofree char **argv =
        cb_sandbox_pointers(sandbox->plan.pool + step->text, step->value);

    if (sandbox->stage->legacy)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "checkpoints need a kernel with mounts by descriptor");
    if (cb_stubs_report(sandbox, err) < 0 ||
        enter_host(sandbox, sandbox->fds[step->fd],
                   cb_sandbox_text(sandbox, step->target), err) < 0 ||
        give_descriptors(sandbox, step, err) < 0)
        return -1;
    execve(argv[0], argv, env);
    return cb_error_errno(err, errno, "execute `%s`", argv[0]);
}

/* ── What came of it ── */

pid_t cb_restored_pid(int images_fd)
{
    cb_autofd int fd =
        openat(images_fd, CB_RESTORE_PID, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char text[16] = "";
    siginfo_t info;
    pid_t pid;

    if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
        return 0;
    unlinkat(images_fd, CB_RESTORE_PID, 0);
    pid = (pid_t)strtol(text, NULL, 10);
    return pid > 1 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0
               ? pid
               : 0;
}
