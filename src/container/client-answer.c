/* A monitor's answer, and how long it is waited for. One that is stopped, or hangs, must
 * not make those hang who ask it. */
#include "container/client-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_MS        1000 /* at whether it is stopped */
#define STAT_MAX_BYTES 4096

int cb_client_gone(struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_SYSTEM, "the monitor of the container has ended");
}

int cb_client_unheard(struct cb_error **err)
{
    cb_client_gone(err);
    cb_error_set_errnum(err, CB_CLIENT_UNHEARD);
    return -1;
}

/* 0 also when TIMEOUT_MS (-1: any) has passed. */
int cb_client_wait(int fd, int timeout_ms, struct cb_cancel *cancel,
                   struct cb_error **err)
{
    struct pollfd waits[] = {{.fd = fd, .events = POLLIN},
                             {.fd = cb_cancel_fd(cancel), .events = POLLIN}};

    while (poll(waits, 2, timeout_ms) < 0 && errno == EINTR)
        continue;
    return waits[1].revents ? cb_cancel_check(cancel, err) : 0;
}

/* Who listens there. 0: a process that is not seen from here, or ourselves, who made both
 * ends for a monitor that is only just starting. */
static pid_t peer_of(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid == getpid())
        return 0;
    return peer.pid;
}

/* "PID (NAME) STATE …", where the name may be anything. */
int cb_client_process_is_stopped(pid_t pid)
{
    cb_autofree char *path = xasprintf("/proc/%d/stat", (int)pid);
    cb_auto_value(cb_strbuf) text = {0};
    const char *end;

    if (cb_fs_read_file(AT_FDCWD, path, STAT_MAX_BYTES, &text, NULL) < 0)
        return 0;
    end = strrchr(cb_strbuf_text(&text), ')');
    return end && (strncmp(end, ") T", 3) == 0 || strncmp(end, ") t", 3) == 0);
}

int cb_client_is_stopped(int fd)
{
    pid_t pid = peer_of(fd);

    return pid && cb_client_process_is_stopped(pid);
}

int cb_client_is_same_program(int fd)
{
    cb_autofree char *path = xasprintf("/proc/%d/exe", (int)peer_of(fd));
    struct stat its, ours;

    return stat(path, &its) == 0 && stat("/proc/self/exe", &ours) == 0 &&
           its.st_dev == ours.st_dev && its.st_ino == ours.st_ino;
}

static int gives_no_answer(pid_t pid, int stopped, struct cb_error **err)
{
    if (!pid)
        cb_error_set(err, CB_ERR_SYSTEM, "the monitor of the container does not answer");
    else
        cb_error_set(err, CB_ERR_SYSTEM, "the monitor of the container, process %d, %s",
                     (int)pid, stopped ? "is stopped" : "does not answer");
    cb_error_set_errnum(err, ETIMEDOUT);
    if (stopped)
        return cb_error_hint(err,
                             "`kill -CONT %d` lets it go on; `cbuild rm -f` ends it and "
                             "its container",
                             (int)pid);
    return cb_error_hint(err, "`cbuild rm -f` ends it and its container");
}

static int await(int fd, int limit_ms, struct cb_cancel *cancel, struct cb_error **err)
{
    pid_t pid = peer_of(fd);
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    int stopped_ms = 0;

    for (int waited_ms = 0;; waited_ms += LOOK_MS) {
        if (cb_client_wait(fd, LOOK_MS, cancel, err) < 0)
            return -1;
        if (poll(&answer, 1, 0) != 0)
            return 0;
        stopped_ms = pid && cb_client_process_is_stopped(pid) ? stopped_ms + LOOK_MS : 0;
        if (stopped_ms >= CB_CLIENT_STOPPED_MS ||
            (limit_ms >= 0 && waited_ms >= limit_ms - LOOK_MS))
            return gives_no_answer(pid, stopped_ms > 0, err);
    }
}

int cb_client_receive(int fd, int limit_ms, struct cb_cancel *cancel,
                      struct cb_wire_message *answer, int *got_fd, struct cb_error **err)
{
    int got;

    answer->type = CB_WIRE_OK;
    if (await(fd, limit_ms, cancel, err) < 0)
        return -1;
    got = cb_wire_receive(fd, answer, got_fd);
    if (got < 0)
        return cb_error_errno(err, errno, "ask the monitor");
    if (!got)
        return cb_client_unheard(err);
    return answer->type == CB_WIRE_FAILED ? cb_wire_get_error(answer, err) : 0;
}
