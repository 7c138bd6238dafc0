/* Our standard streams are a container's. Neither direction may hold the other up: what
 * the monitor does not take at once waits here while we go on reading what it sends. */
#include "container/client-priv.h"

#include "base/fs.h"
#include "container/detach.h"
#include "container/signals.h"
#include "container/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define MAX_WAITING 64 /* messages, but for those of standard input */

struct relay {
    int fd, signals, reads_input;
    const struct cb_client_options *options;
    struct cb_detach_keys keys;
    struct cb_insistence insistence;
    struct cb_client_end *end;
    int ended;
    struct {
        struct cb_wire_message **items;
        size_t count, capacity;
    } waiting;
};

/* ── To the monitor ── */

static void send_waiting(struct relay *relay)
{
    size_t sent = 0;

    while (sent < relay->waiting.count &&
           cb_wire_send(relay->fd, relay->waiting.items[sent], -1) == 0)
        free(relay->waiting.items[sent++]);
    memmove(relay->waiting.items, relay->waiting.items + sent,
            (relay->waiting.count - sent) * sizeof(struct cb_wire_message *));
    relay->waiting.count -= sent;
}

/* An error is the monitor's end, which is heard of by reading. */
static void send_message(struct relay *relay, const struct cb_wire_message *message)
{
    if (relay->waiting.count == 0 && cb_wire_send(relay->fd, message, -1) == 0)
        return;
    if (relay->waiting.count < MAX_WAITING)
        cb_vec_push(
            &relay->waiting,
            xmemdup(message, offsetof(struct cb_wire_message, text) + message->len));
}

static void send_size(struct relay *relay)
{
    struct cb_wire_message message = {.type = CB_WIRE_RESIZE};
    unsigned short rows = 0, columns = 0;

    if (!relay->options->tty)
        return;
    cb_terminal_size(STDOUT_FILENO, &rows, &columns);
    if (!rows)
        return; /* there is no terminal */
    message.a = rows;
    message.b = columns;
    send_message(relay, &message);
}

static void detach(struct relay *relay)
{
    relay->ended = relay->end->detached = 1;
}

static void take_signal(struct relay *relay)
{
    struct signalfd_siginfo info;
    struct cb_wire_message message = {.type = CB_WIRE_SIGNAL};

    if (read(relay->signals, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGWINCH) {
        send_size(relay);
    } else if (!relay->options->keep_signals) {
        message.a = cb_signal_insist(&relay->insistence, (int)info.ssi_signo);
        send_message(relay, &message);
    } else if (info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM ||
               info.ssi_signo == SIGHUP || info.ssi_signo == SIGQUIT) {
        relay->end->exit_code = 128 + (int)info.ssi_signo;
        detach(relay);
    }
}

static void take_input(struct relay *relay)
{
    struct cb_wire_message message = {.type = CB_WIRE_INPUT};
    ssize_t got =
        read(STDIN_FILENO, message.text, sizeof(message.text) - CB_DETACH_KEYS_MAX);

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        relay->reads_input = 0;
        send_message(relay, &message);
        return;
    }
    message.len = (uint32_t)got;
    if (relay->options->tty &&
        cb_detach_keys_filter(&relay->keys, message.text, &message.len)) {
        detach(relay);
        return;
    }
    if (message.len)
        send_message(relay, &message);
}

/* ── From the monitor ── */

/* Whoever closed our output does not end the container. */
static int show(const struct relay *relay, const struct cb_wire_message *message,
                struct cb_error **err)
{
    int is_hidden =
        message->a == 2 ? relay->options->hide_stderr : relay->options->hide_stdout;

    if (is_hidden ||
        cb_fs_write_all(message->a == 2 ? STDERR_FILENO : STDOUT_FILENO, message->text,
                        message->len) == 0 ||
        errno == EPIPE)
        return 0;
    return cb_error_errno(err, errno, "write to standard output");
}

/* What did not fit into the socket. */
static int show_rest(const struct relay *relay, int fd, struct cb_error **err)
{
    struct cb_wire_message message;
    int got;

    while ((got = cb_wire_read(fd, &message)) > 0) {
        if (message.type == CB_WIRE_OUTPUT && show(relay, &message, err) < 0)
            return -1;
    }
    return got < 0 ? cb_error_errno(err, errno, "read the rest of the output") : 0;
}

static int take_message(struct relay *relay, struct cb_error **err)
{
    struct cb_wire_message message;
    cb_autofd int rest = -1;
    int got = cb_wire_receive(relay->fd, &message, &rest);

    if (got < 0 && errno == EAGAIN)
        return 0;
    if (got <= 0)
        return cb_client_gone(err);
    if (message.type == CB_WIRE_FAILED)
        return cb_wire_get_error(&message, err);
    if (message.type == CB_WIRE_OUTPUT)
        return show(relay, &message, err);
    if (message.type != CB_WIRE_EXITED)
        return 0;
    relay->end->exit_code = message.a;
    relay->ended = 1;
    return rest >= 0 ? show_rest(relay, rest, err) : 0;
}

/* ── Both ── */

static int pass_on(struct relay *relay, struct cb_error **err)
{
    while (!relay->ended) {
        int reads = relay->reads_input && !relay->waiting.count;
        struct pollfd waits[] = {
            {.fd = relay->fd,
             .events = (short)(POLLIN | (relay->waiting.count ? POLLOUT : 0))},
            {.fd = relay->signals, .events = POLLIN},
            {.fd = reads ? STDIN_FILENO : -1, .events = POLLIN}};

        if (poll(waits, 3, -1) < 0) {
            if (errno == EINTR)
                continue;
            return cb_error_errno(err, errno, "poll");
        }
        if (waits[0].revents & POLLOUT)
            send_waiting(relay);
        if (waits[1].revents)
            take_signal(relay);
        if (waits[2].revents)
            take_input(relay);
        if (waits[0].revents & ~POLLOUT && take_message(relay, err) < 0)
            return -1;
    }
    return 0;
}

static void relay_clear(struct relay *relay)
{
    cb_close(&relay->signals);
    cb_vec_foreach (message, &relay->waiting)
        free(*message);
    cb_vec_free(&relay->waiting);
}
CB_AUTO_VALUE_DEFINE(relay, relay_clear)

/* By its descriptor: the container may have ended and be gone with its files. */
static void show_warnings(const struct cb_client_log *log)
{
    char text[4096];
    ssize_t got = log ? pread(log->fd, text, sizeof(text), (off_t)log->seen) : 0;

    if (got > 0)
        fwrite(text, 1, (size_t)got, stderr);
}

int cb_client_relay(int fd, const struct cb_client_options *options,
                    struct cb_cancel *cancel, const struct cb_client_log *log,
                    struct cb_client_end *end, struct cb_error **err)
{
    static const struct cb_stopping stopping = {.signal = SIGTERM, .timeout_s = -1};
    cb_auto_value(relay) relay = {.fd = fd,
                                  .options = options,
                                  .end = end,
                                  .signals = -1,
                                  .reads_input = options->interactive,
                                  .insistence = {.stopping = &stopping}};
    cb_auto(cb_terminal) terminal = NULL;
    struct cb_wire_message answer;
    sigset_t saved;
    int status;

    if (cb_detach_keys_parse(&relay.keys, options->detach_keys, err) < 0 ||
        cb_client_receive(fd, log ? CB_CLIENT_NO_LIMIT : CB_CLIENT_LIMIT_MS, cancel,
                          &answer, NULL, err) < 0)
        return -1;
    show_warnings(log);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    relay.signals = cb_signals_open(&saved, err);
    if (options->tty && options->interactive)
        terminal = cb_terminal_open(STDIN_FILENO);
    send_size(&relay); /* it may have changed since we asked */
    /* A signal that came before they were taken for the container's was meant for us. */
    status =
        relay.signals < 0 || cb_cancel_check(cancel, err) < 0 ? -1 : pass_on(&relay, err);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    return status;
}
