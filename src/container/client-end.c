/* Containers that are to end, or whose end is waited for: by asking the monitor, and
 * where nobody answers by a signal to it. */
#include "container/client.h"

#include "base/fs.h"
#include "container/client-priv.h"
#include "container/holder.h"
#include "container/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KILL_PATIENCE_MS   10000
#define LONELY_PATIENCE_MS 1000 /* with one that does not listen */
#define KILL_STEP_MS       20
#define CMDLINE_MAX_BYTES  65536
#define LOCK_NAME          "monitor.lock"

/* *FD stays -1 when there is nobody to ask. */
static int ask(const struct cb_container *container, const struct cb_wire_message *wish,
               int *fd, struct cb_error **err)
{
    int found = cb_wire_connect(container->dir_fd, "socket", fd, err);

    if (found > 0 && cb_wire_send(*fd, wish, -1) < 0)
        cb_close(fd);
    return found < 0 ? -1 : 0;
}

/* Its monitor answers on FD; without one (-1) the record tells how it ended. */
static int await_end(struct cb_container *container, int fd, struct cb_cancel *cancel,
                     int *exit_code, struct cb_error **err)
{
    struct cb_wire_message answer;
    cb_auto(cb_error) error = NULL;

    if (fd >= 0) {
        if (cb_client_receive(fd, CB_CLIENT_NO_LIMIT, cancel, &answer, NULL, &error) ==
            0) {
            *exit_code = answer.a;
            return 0;
        }
        if (cb_cancel_requested(cancel) || answer.type == CB_WIRE_FAILED ||
            cb_error_errnum(error) == ETIMEDOUT)
            return cb_error_move(err, &error);
    }
    /* one that goes with its end has no record any more */
    cb_container_refresh(container, NULL);
    *exit_code = container->state.exit_code;
    return 0;
}

static int wait_end(struct cb_container *container, const struct cb_wire_message *wish,
                    struct cb_cancel *cancel, int *exit_code, struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (ask(container, wish, &fd, err) < 0)
        return -1;
    /* one that is stopped may go on some time */
    if (wish->type == CB_WIRE_WAIT && fd >= 0 && cb_client_wait(fd, -1, cancel, err) < 0)
        return -1;
    return await_end(container, fd, cancel, exit_code, err);
}

int cb_container_ask_stop(struct cb_container *container, int signal, int timeout_s)
{
    const struct cb_wire_message wish = {
        .type = CB_WIRE_STOP, .a = signal, .b = timeout_s};
    int fd = -1;

    if (cb_container_is_running(container))
        ask(container, &wish, &fd, NULL);
    return fd;
}

int cb_container_await_stop(struct cb_container *container, int asked_fd,
                            struct cb_cancel *cancel, struct cb_error **err)
{
    int exit_code;

    return await_end(container, asked_fd, cancel, &exit_code, err);
}

int cb_container_stop(struct cb_container *container, int signal, int timeout_s,
                      struct cb_cancel *cancel, struct cb_error **err)
{
    const struct cb_wire_message wish = {
        .type = CB_WIRE_STOP, .a = signal, .b = timeout_s};
    int exit_code;

    if (!cb_container_is_running(container))
        return 0;
    return wait_end(container, &wish, cancel, &exit_code, err);
}

int cb_container_wait_gone(struct cb_container *container, struct cb_cancel *cancel,
                           struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_auto(cb_error) error = NULL;

    if (cb_lock_take(&lock, container->dir_fd, LOCK_NAME, CB_LOCK_EXCLUSIVE,
                     &(struct cb_lock_wait){.cancel = cancel}, &error) == 0 ||
        cb_error_errnum(error) == ENOENT) /* it went with its container */
        return 0;
    return cb_error_move(err, &error);
}

static void signal_listener(int fd, int signal)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid > 1)
        kill(peer.pid, signal);
}

void cb_container_ask_quit(struct cb_container *container)
{
    cb_autofd int fd = -1;

    if (cb_wire_connect(container->dir_fd, "socket", &fd, NULL) <= 0)
        return;
    signal_listener(fd, SIGTERM);
    if (cb_client_is_stopped(fd))
        signal_listener(fd, SIGCONT);
}

/* One that is stopped is made to go on: so it ends its container in order. 0: it does not
 * answer, or does not go on. */
static int await_answer(int fd, struct cb_cancel *cancel, struct cb_error **err)
{
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    int stopped_ms = 0;

    for (int waited_ms = 0;
         waited_ms < KILL_PATIENCE_MS && stopped_ms < LONELY_PATIENCE_MS;
         waited_ms += KILL_STEP_MS) {
        if (cb_client_wait(fd, KILL_STEP_MS, cancel, err) < 0)
            return -1;
        if (poll(&answer, 1, 0) != 0)
            return 1;
        if (cb_client_is_stopped(fd)) {
            signal_listener(fd, SIGCONT);
            stopped_ms += KILL_STEP_MS;
        }
    }
    return 0;
}

/* 1: whoever listens was asked to end, as a monitor is; 0: there is none to be asked. */
static int ask_to_end(struct cb_container *container, struct cb_cancel *cancel,
                      struct cb_error **err)
{
    const struct cb_wire_message wish = {.type = CB_WIRE_STOP, .a = SIGKILL};
    struct cb_wire_message answer;
    cb_autofd int fd = -1;
    cb_auto(cb_error) error = NULL;
    int answered, found = cb_wire_connect(container->dir_fd, "socket", &fd, &error);

    if (found < 0 && cb_error_errnum(error) != ETIMEDOUT)
        return cb_error_move(err, &error);
    if (found <= 0 || cb_wire_send(fd, &wish, -1) < 0)
        return 0;
    /* what is only being started hears nobody before that is done, but of this */
    if (cb_container_refresh(container, NULL) == 0 && !cb_container_is_running(container))
        signal_listener(fd, SIGTERM);
    answered = await_answer(fd, cancel, err);
    if (answered > 0)
        return cb_wire_receive(fd, &answer, NULL) >= 0;
    if (answered == 0)
        signal_listener(fd, SIGKILL); /* it can only be made to end */
    return answered < 0 ? -1 : 1;
}

/* Kills who holds the lock, if it is a monitor of that container: a number may be
 * another's in the meantime. */
static void kill_holder(const struct cb_container *container)
{
    pid_t holder = cb_lock_holder(container->dir_fd, LOCK_NAME);
    cb_autofree char *path = xasprintf("/proc/%d/cmdline", (int)holder);
    cb_auto_value(cb_strbuf) words = {0};

    if (holder > 1 &&
        cb_fs_read_file(AT_FDCWD, path, CMDLINE_MAX_BYTES, &words, NULL) == 0 &&
        words.len && strcmp(words.text, CB_MONITOR_NAME) == 0 &&
        memmem(words.text, words.len, container->id, CB_CONTAINER_ID_DIGITS))
        kill(holder, SIGKILL);
}

/* Waits for PATIENCE_MS at most for the lock to be nobody's. */
static int wait_let_go(struct cb_container *container, int patience_ms,
                       struct cb_cancel *cancel, struct cb_error **err)
{
    struct pollfd wait = {.fd = cb_cancel_fd(cancel), .events = POLLIN};

    for (int pause_ms = 1;
         patience_ms > 0 && cb_lock_is_held(container->dir_fd, LOCK_NAME);
         patience_ms -= pause_ms, pause_ms += pause_ms < KILL_STEP_MS) {
        if (poll(&wait, 1, pause_ms) > 0)
            return cb_cancel_check(cancel, err);
    }
    return 0;
}

/* 1: there is no monitor, nor can there be one before *LOCK is let go; 0: there is one
 * still or again. */
static int hold_gone(const struct cb_container *container, struct cb_lock **lock,
                     struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    int taken =
        cb_lock_try(lock, container->dir_fd, LOCK_NAME, CB_LOCK_EXCLUSIVE, &error);

    if (taken >= 0 || cb_error_errnum(error) == ENOENT) /* it went with its container */
        return taken != 0;
    return cb_error_move(err, &error);
}

/* A monitor that is only just beginning listens to nobody yet and is not known by its
 * name: so both ways are gone again, as long as there is one. */
int cb_container_kill(struct cb_container *container, struct cb_cancel *cancel,
                      struct cb_lock **lock, struct cb_error **err)
{
    struct pollfd wait = {.fd = cb_cancel_fd(cancel), .events = POLLIN};
    struct cb_holder_watch watch = {0};
    int gone;

    do {
        int asked = ask_to_end(container, cancel, err);

        if (asked < 0 ||
            wait_let_go(container, asked ? KILL_PATIENCE_MS : LONELY_PATIENCE_MS, cancel,
                        err) < 0)
            return -1;
        gone = hold_gone(container, lock, err);
        if (gone)
            return gone < 0 ? -1 : 0;
        kill_holder(container);
        if (cb_holder_check(&watch, container, err) < 0)
            return -1;
    } while (poll(&wait, 1, KILL_STEP_MS) <= 0);
    return cb_cancel_check(cancel, err);
}

int cb_container_wait(struct cb_container *container, struct cb_cancel *cancel,
                      int *exit_code, struct cb_error **err)
{
    const struct cb_wire_message wish = {.type = CB_WIRE_WAIT};

    if (!cb_container_is_running(container)) {
        *exit_code = container->state.exit_code;
        return 0;
    }
    return wait_end(container, &wish, cancel, exit_code, err);
}
