/* The commands' side of a monitor's socket. */
#include "container/client.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/subprocess.h"
#include "container/ask-priv.h"
#include "container/create.h"
#include "container/detach.h"
#include "container/monitor.h"
#include "container/terminal.h"
#include "container/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_MAX_BYTES (1u << 20)

/* ── Asking ── */

static int not_running(const struct cb_container *container, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_EXISTS, "Container %s is not running", container->id);
}

static int gone(struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_SYSTEM, "the monitor of the container has ended");
}

static int connect_to(const struct cb_container *container, int *fd,
                      struct cb_error **err)
{
    int found = cb_wire_connect(container->dir_fd, "socket", fd, err);

    return found > 0 ? 0 : found < 0 ? -1 : not_running(container, err);
}

static int send_to(int fd, const struct cb_wire_message *message, struct cb_error **err)
{
    if (cb_wire_send(fd, message, -1) < 0)
        return errno == EPIPE ? gone(err) : cb_error_errno(err, errno, "ask the monitor");
    return 0;
}

static int wait_readable(int fd, struct cb_cancel *cancel, struct cb_error **err)
{
    struct pollfd waits[] = {{.fd = fd, .events = POLLIN},
                             {.fd = cb_cancel_fd(cancel), .events = POLLIN}};

    while (poll(waits, 2, -1) < 0 && errno == EINTR)
        continue;
    return waits[1].revents ? cb_cancel_check(cancel, err) : 0;
}

/* The answer: 0 when it is good. */
static int receive(int fd, struct cb_cancel *cancel, struct cb_wire_message *answer,
                   int *got_fd, struct cb_error **err)
{
    int got;

    if (wait_readable(fd, cancel, err) < 0)
        return -1;
    got = cb_wire_receive(fd, answer, got_fd);
    if (got < 0)
        return cb_error_errno(err, errno, "ask the monitor");
    if (!got)
        return gone(err);
    return answer->type == CB_WIRE_FAILED ? cb_wire_get_error(answer, err) : 0;
}

int cb_monitor_ask(const struct cb_container *container, struct cb_wire_message *message,
                   struct cb_cancel *cancel, int *fd, struct cb_error **err)
{
    cb_autofd int monitor = -1;

    if (connect_to(container, &monitor, err) < 0 || send_to(monitor, message, err) < 0)
        return -1;
    return receive(monitor, cancel, message, fd, err);
}

int cb_container_signal(struct cb_container *container, int signal, struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_SIGNAL, .a = signal};
    cb_autofd int fd = -1;

    if (connect_to(container, &fd, err) < 0 || send_to(fd, &message, err) < 0)
        return -1;
    return receive(fd, NULL, &message, NULL, err);
}

/* Without a monitor the record tells how it ended. */
static int wait_end(struct cb_container *container, const struct cb_wire_message *wish,
                    struct cb_cancel *cancel, int *exit_code, struct cb_error **err)
{
    struct cb_wire_message answer;
    cb_auto(cb_error) error = NULL;
    cb_autofd int fd = -1;
    int found = cb_wire_connect(container->dir_fd, "socket", &fd, err);

    if (found < 0)
        return -1;
    if (found && cb_wire_send(fd, wish, -1) == 0) {
        if (receive(fd, cancel, &answer, NULL, &error) == 0) {
            *exit_code = answer.a;
            return 0;
        }
        if (cb_cancel_requested(cancel) || answer.type == CB_WIRE_FAILED)
            return cb_error_move(err, &error);
    }
    /* one that goes with its end has no record any more */
    cb_container_refresh(container, NULL);
    *exit_code = container->state.exit_code;
    return 0;
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

int cb_container_wait_gone(struct cb_container *container, struct cb_cancel *cancel,
                           struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_auto(cb_error) error = NULL;

    if (cb_lock_take(&lock, container->dir_fd, "monitor.lock", CB_LOCK_EXCLUSIVE, cancel,
                     NULL, NULL, &error) == 0 ||
        cb_error_errnum(error) == ENOENT) /* it went with its container */
        return 0;
    return cb_error_move(err, &error);
}

int cb_container_root(struct cb_store *store, struct cb_container *container, int *fd,
                      struct cb_snapshot **snapshot, struct cb_lock **hold,
                      struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_ROOT};
    cb_autofd int monitor = -1;

    if (cb_container_is_running(container)) {
        if (connect_to(container, &monitor, err) < 0 ||
            send_to(monitor, &message, err) < 0)
            return -1;
        return receive(monitor, NULL, &message, fd, err);
    }
    if (cb_lock_take(hold, container->dir_fd, "monitor.lock", CB_LOCK_EXCLUSIVE, NULL,
                     NULL, NULL, err) < 0 ||
        cb_container_snapshot(store, container, snapshot, err) < 0)
        return -1;
    return cb_snapshot_open_root(*snapshot, fd, err);
}

/* ── Being its terminal ── */

struct attachment {
    int fd, signals, reads_input;
    const struct cb_client_options *options;
    struct cb_detach_keys keys;
    struct cb_client_end *end;
    int ended;
};

static int open_signals(sigset_t *saved, struct cb_error **err)
{
    static const int forwarded[] = {SIGINT,  SIGTERM, SIGHUP,   SIGQUIT,
                                    SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM};
    sigset_t set;
    int fd;

    sigemptyset(&set);
    for (size_t i = 0; i < CB_ARRAY_SIZE(forwarded); i++)
        sigaddset(&set, forwarded[i]);
    pthread_sigmask(SIG_BLOCK, &set, saved);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? cb_error_errno(err, errno, "signalfd") : fd;
}

static void take_signal(struct attachment *at)
{
    struct signalfd_siginfo info;
    struct cb_wire_message message = {.type = CB_WIRE_SIGNAL};
    unsigned short rows = 0, columns = 0;

    if (read(at->signals, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGWINCH) {
        if (!at->options->tty)
            return;
        cb_terminal_size(STDOUT_FILENO, &rows, &columns);
        message.type = CB_WIRE_RESIZE;
        message.a = rows;
        message.b = columns;
    } else if (at->options->keep_signals) {
        if (info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM)
            at->ended = at->end->detached = 1;
        return;
    } else {
        message.a = (int)info.ssi_signo;
    }
    cb_wire_send(at->fd, &message, -1);
}

static void take_input(struct attachment *at)
{
    struct cb_wire_message message = {.type = CB_WIRE_INPUT};
    ssize_t got =
        read(STDIN_FILENO, message.text, sizeof(message.text) - CB_DETACH_KEYS_MAX);

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        at->reads_input = 0;
        cb_wire_send(at->fd, &message, -1);
        return;
    }
    message.len = (uint32_t)got;
    if (at->options->tty &&
        cb_detach_keys_filter(&at->keys, message.text, &message.len)) {
        at->ended = at->end->detached = 1;
        return;
    }
    if (message.len)
        cb_wire_send(at->fd, &message, -1);
}

static int take_message(struct attachment *at, struct cb_error **err)
{
    struct cb_wire_message message;
    int got = cb_wire_receive(at->fd, &message, NULL);

    if (got <= 0)
        return gone(err);
    if (message.type == CB_WIRE_FAILED)
        return cb_wire_get_error(&message, err);
    if (message.type == CB_WIRE_OUTPUT) {
        /* Whoever closed our output does not end the container. */
        if (cb_fs_write_all(message.a == 2 ? STDERR_FILENO : STDOUT_FILENO, message.text,
                            message.len) < 0 &&
            errno != EPIPE)
            return cb_error_errno(err, errno, "write to standard output");
    } else if (message.type == CB_WIRE_EXITED) {
        at->end->exit_code = message.a;
        at->ended = 1;
    }
    return 0;
}

static int relay(struct attachment *at, struct cb_error **err)
{
    while (!at->ended) {
        struct pollfd waits[] = {
            {.fd = at->fd, .events = POLLIN},
            {.fd = at->signals, .events = POLLIN},
            {.fd = at->reads_input ? STDIN_FILENO : -1, .events = POLLIN}};

        if (poll(waits, 3, -1) < 0) {
            if (errno == EINTR)
                continue;
            return cb_error_errno(err, errno, "poll");
        }
        if (waits[1].revents)
            take_signal(at);
        if (waits[2].revents)
            take_input(at);
        if (waits[0].revents && take_message(at, err) < 0)
            return -1;
    }
    return 0;
}

/* FD is a connection whose first message was sent and is about to be answered. */
static int be_terminal(int fd, const struct cb_client_options *options,
                       struct cb_cancel *cancel, struct cb_client_end *end,
                       struct cb_error **err)
{
    struct attachment at = {.fd = fd, .options = options, .end = end, .signals = -1};
    struct cb_wire_message *answer = NULL;
    cb_auto(cb_terminal) terminal = NULL;
    cb_autofree void *owned = NULL;
    sigset_t saved;
    int status;

    if (cb_detach_keys_parse(&at.keys, options->detach_keys, err) < 0)
        return -1;
    owned = answer = xcalloc(1, sizeof(*answer));
    if (receive(fd, cancel, answer, NULL, err) < 0)
        return -1;
    at.signals = open_signals(&saved, err);
    at.reads_input = options->interactive;
    if (options->tty && options->interactive)
        terminal = cb_terminal_open(STDIN_FILENO);
    status = at.signals < 0 ? -1 : relay(&at, err);
    cb_close(&at.signals);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    return status;
}

static void add_size(struct cb_wire_message *message,
                     const struct cb_client_options *options)
{
    unsigned short rows = 0, columns = 0;

    if (options->tty && options->attach)
        cb_terminal_size(STDOUT_FILENO, &rows, &columns);
    message->b = rows;
    message->c = columns;
}

/* ── Starting ── */

static int spawn_monitor(struct cb_store *store, const struct cb_container *container,
                         int *fd, struct cb_error **err)
{
    const char *const argv[] = {CB_MONITOR_NAME, cb_store_root(store), container->id,
                                NULL};
    cb_autofd int errors =
        openat(container->dir_fd, "monitor.log",
               O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    int ends[2], status;

    if (errors < 0)
        return cb_error_errno(err, errno, "open the monitor's log");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return cb_error_errno(err, errno, "socketpair");
    status = cb_subprocess_detach("/proc/self/exe", argv, errors, &ends[1], 1, err);
    cb_close(&ends[1]);
    *fd = ends[0];
    if (status < 0)
        cb_close(fd);
    return status;
}

/* What it had to say while it started. */
static void show_warnings(const struct cb_container *container)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_fs_read_file(container->dir_fd, "monitor.log", LOG_MAX_BYTES, &text, NULL) ==
            0 &&
        text.len)
        fputs(cb_strbuf_text(&text), stderr);
}

int cb_container_start(struct cb_store *store, struct cb_container *container,
                       const struct cb_client_options *options, struct cb_cancel *cancel,
                       struct cb_client_end *end, struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_START, .a = options->attach};
    cb_autofd int fd = -1;
    int status;

    add_size(&message, options);
    if (spawn_monitor(store, container, &fd, err) < 0 || send_to(fd, &message, err) < 0)
        return -1;
    if (options->attach)
        return be_terminal(fd, options, cancel, end, err);
    status = receive(fd, cancel, &message, NULL, err);
    show_warnings(container);
    return status;
}

int cb_container_attach(struct cb_container *container,
                        const struct cb_client_options *options, struct cb_cancel *cancel,
                        struct cb_client_end *end, struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_ATTACH};
    cb_autofd int fd = -1;

    add_size(&message, options);
    if (connect_to(container, &fd, err) < 0 || send_to(fd, &message, err) < 0)
        return -1;
    return be_terminal(fd, options, cancel, end, err);
}

/* ── exec ── */

static json_t *strings_json(const struct cb_strings *strings)
{
    json_t *array = json_array();

    cb_vec_foreach (text, strings)
        json_array_append_new(array, json_string_nocheck(*text));
    return array;
}

static int fill_exec(struct cb_wire_message *message, const struct cb_exec_wish *wish,
                     const struct cb_client_options *options, struct cb_error **err)
{
    cb_auto_json *document = json_object();
    cb_autofree char *text = NULL;

    json_object_set_new(document, "Argv", strings_json(wish->argv));
    json_object_set_new(document, "Env", strings_json(wish->env));
    if (wish->user)
        json_object_set_new(document, "User", json_string_nocheck(wish->user));
    if (wish->cwd)
        json_object_set_new(document, "Cwd", json_string_nocheck(wish->cwd));
    json_object_set_new(document, "Tty", json_boolean(options->tty));
    json_object_set_new(document, "Input", json_boolean(options->interactive));
    json_object_set_new(document, "Privileged", json_boolean(wish->privileged));
    text = cb_json_dump(document);
    message->len = (uint32_t)strlen(text);
    if (strlen(text) > sizeof(message->text))
        return cb_error_set(err, CB_ERR_USAGE, "command and environment are too long");
    memcpy(message->text, text, message->len);
    return 0;
}

int cb_container_exec(struct cb_container *container, const struct cb_exec_wish *wish,
                      const struct cb_client_options *options, struct cb_cancel *cancel,
                      struct cb_client_end *end, struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_EXEC, .a = wish->detach};
    cb_autofd int fd = -1;

    add_size(&message, options);
    if (fill_exec(&message, wish, options, err) < 0 ||
        connect_to(container, &fd, err) < 0 || send_to(fd, &message, err) < 0)
        return -1;
    if (!wish->detach)
        return be_terminal(fd, options, cancel, end, err);
    return receive(fd, cancel, &message, NULL, err);
}
