/* Standard streams. Without a terminal the step has none at all: a session of its own,
 * /dev/null as input, pipes as output. With one, it is a pty of the sandbox's own devpts,
 * found by TIOCGPTPEER and never by a path the step could have prepared. */
#include "executor/sandbox-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

/* A container that may mount can put anything in its place: nothing is opened then, since
 * opening alone may do harm (a device, a file of the host). */
static int check_pts(int pts_fd, struct cb_error **err)
{
    struct statfs st;

    if (fstatfs(pts_fd, &st) == 0 && st.f_type == DEVPTS_SUPER_MAGIC)
        return 0;
    return cb_error_set(err, CB_ERR_DENIED,
                        "`/dev/pts` of the container is not a file system of terminals");
}

static int open_pty(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                    int *master, struct cb_error **err)
{
    struct winsize size = {.ws_row = step->value, .ws_col = step->value2};
    int unlock = 0;

    if (check_pts(sandbox->pts_fd, err) < 0)
        return -1;
    *master = openat(sandbox->pts_fd, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    if (*master < 0 || ioctl(*master, TIOCSPTLCK, &unlock) < 0)
        return cb_error_errno(err, errno, "open a terminal");
    if (size.ws_row && ioctl(*master, TIOCSWINSZ, &size) < 0)
        return cb_error_errno(err, errno, "set the size of the terminal");
    sandbox->tty_fd = ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (sandbox->tty_fd < 0 || fchown(sandbox->tty_fd, step->uid, -1) < 0)
        return cb_error_errno(err, errno, "open the terminal's other end");
    return 0;
}

int cb_step_console(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                    struct cb_error **err)
{
    const char *name = cb_sandbox_text(sandbox, step->target);
    struct cb_report report = {.type = CB_REPORT_CONSOLE};
    cb_autofd int master = -1, tree = -1;

    if (open_pty(sandbox, step, &master, err) < 0)
        return -1;
    if (!*name) { /* one more, which is nobody's /dev/console */
        if (cb_message_send(sandbox->report_fd, &report, sizeof(report), &master, 1) < 0)
            return cb_error_errno(err, errno, "hand over the terminal");
        return 0;
    }
    tree = cb_tree_clone(&sandbox->api, sandbox->tty_fd, "", 0, 0, 0);
    if (tree < 0 || mknodat(sandbox->dev_fd, name, S_IFREG | 0600, 0) < 0 ||
        cb_tree_attach(&sandbox->api, tree, sandbox->dev_fd, name) < 0)
        return cb_error_errno(err, errno, "device `/dev/%s`", name);
    if (cb_message_send(sandbox->report_fd, &report, sizeof(report), &master, 1) < 0)
        return cb_error_errno(err, errno, "hand over the terminal");
    return 0;
}

/* A pipe that belongs to us cannot be opened again by the step's user, and scripts do
 * write to /dev/stderr. Files and terminals of the caller keep their owner. */
static void give_pipe(int fd, uint32_t uid)
{
    struct stat st;

    if (uid && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
        (void)!fchown(fd, uid, -1);
}

/* Of who is born late it becomes the controlling one then. */
static int use_terminal(const struct cb_sandbox *sandbox, struct cb_error **err)
{
    for (int i = 0; i < 3; i++) {
        if (dup2(sandbox->tty_fd, i) < 0)
            return cb_error_errno(err, errno, "standard streams");
    }
    if (!sandbox->born && ioctl(0, TIOCSCTTY, 0) < 0)
        return cb_error_errno(err, errno, "controlling terminal");
    return 0;
}

int cb_step_stdio(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                  struct cb_error **err)
{
    cb_autofd int null = -1;

    if (step->flags & CB_PLAN_TTY)
        return use_terminal(sandbox, err);
    null = openat(sandbox->dev_fd, "null", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (null < 0)
        return cb_error_errno(err, errno, "open `/dev/null`");
    for (int i = 0; i < 3; i++) {
        unsigned packed = step->value >> (8 * i) & 0xff;
        int fd = packed ? sandbox->fds[packed - 1] : null;

        if (packed)
            give_pipe(fd, step->uid);
        if (dup2(fd, i) < 0)
            return cb_error_errno(err, errno, "standard streams");
    }
    return 0;
}
