/* Raw mode and the copying between a terminal and a container's pty. */
#include "container/terminal.h"

#include "base/fs.h"
#include "container/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define BUFFER_BYTES 32768

struct cb_terminal {
    int fd;
    struct termios saved;
};

struct cb_terminal *cb_terminal_open(int fd)
{
    struct cb_terminal *terminal;
    struct termios saved, raw;

    if (tcgetattr(fd, &saved) < 0)
        return NULL;
    terminal = xcalloc(1, sizeof(*terminal));
    terminal->fd = fd;
    terminal->saved = saved;
    raw = saved;
    cfmakeraw(&raw);
    tcsetattr(fd, TCSADRAIN, &raw);
    return terminal;
}

void cb_terminal_free(struct cb_terminal *terminal)
{
    if (!terminal)
        return;
    tcsetattr(terminal->fd, TCSADRAIN, &terminal->saved);
    free(terminal);
}

void cb_terminal_size(int fd, unsigned short *rows, unsigned short *columns)
{
    struct winsize size = {0};

    if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
        *rows = size.ws_row;
        *columns = size.ws_col;
    }
}

/* 1: moved something, 0: end of FROM. */
static int move(int from, int to)
{
    char buffer[BUFFER_BYTES];
    ssize_t got = read(from, buffer, sizeof(buffer));

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return 1;
    if (got <= 0)
        return 0;
    return cb_fs_write_all(to, buffer, (size_t)got) == 0;
}

static int handle_signal(struct cb_process *process, int signals,
                         struct cb_insistence *insistence, struct cb_error **err)
{
    struct signalfd_siginfo info;
    unsigned short rows = 0, columns = 0;

    if (read(signals, &info, sizeof(info)) != sizeof(info))
        return 0;
    if (info.ssi_signo != SIGWINCH)
        return cb_signal_pass_on(process, (int)info.ssi_signo, insistence, err);
    cb_terminal_size(STDOUT_FILENO, &rows, &columns);
    return cb_process_resize(process, rows, columns, err);
}

int cb_terminal_relay(struct cb_process *process, int signals, int interactive,
                      const struct cb_stopping *stopping, struct cb_cancel *cancel,
                      struct cb_error **err)
{
    int tty = cb_process_tty_fd(process);
    struct cb_insistence insistence = {.stopping = stopping};
    struct pollfd polls[5] = {{.fd = tty, .events = POLLIN},
                              {.fd = signals, .events = POLLIN},
                              {.fd = interactive ? STDIN_FILENO : -1, .events = POLLIN},
                              {.fd = cb_process_exit_fd(process), .events = POLLIN},
                              {.fd = cb_cancel_fd(cancel), .events = POLLIN}};

    for (;;) {
        if (poll(polls, 5, -1) < 0) {
            if (errno == EINTR)
                continue;
            return cb_error_errno(err, errno, "poll");
        }
        if (polls[4].revents) {
            polls[4].fd = -1;
            if (cb_process_signal(process, SIGKILL, err) < 0)
                return -1;
        }
        if (polls[1].revents && handle_signal(process, signals, &insistence, err) < 0)
            return -1;
        if ((polls[2].revents & (POLLIN | POLLHUP)) && !move(STDIN_FILENO, tty))
            polls[2].fd = -1;
        if (polls[0].revents) {
            if (!move(tty, STDOUT_FILENO))
                polls[0].fd = -1;
            continue;
        }
        if (polls[3].revents)
            return 0;
    }
}
