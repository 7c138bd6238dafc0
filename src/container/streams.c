/* A container may do more with a descriptor than read or write: change the mode of what
 * is behind it, or open that again by /proc/self/fd. So it gets ours only where nothing
 * is behind it but the other end: pipes and sockets. For a file or a device it gets a
 * pipe, whose other end we serve, and for /dev/null its own. */
#include "container/streams.h"

#include "base/clock.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#define NULL_DEVICE makedev(1, 3)

enum { INPUT = STDIN_FILENO, OUTPUT = STDOUT_FILENO, ERRORS = STDERR_FILENO };

/* A pipe with a name lies in somebody's directory. */
static int is_bare(int fd, const struct stat *st)
{
    struct statfs fs;

    if (S_ISSOCK(st->st_mode))
        return 1;
    return S_ISFIFO(st->st_mode) && fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC;
}

static int open_stream(struct cb_streams *streams, int fd, struct cb_error **err)
{
    struct stat st;
    int pipes[2], ours;

    if (fstat(fd, &st) < 0 || (S_ISCHR(st.st_mode) && st.st_rdev == NULL_DEVICE))
        return 0;
    if (is_bare(fd, &st)) {
        streams->given[fd] = fd;
        return 0;
    }
    if (pipe2(pipes, O_CLOEXEC) < 0)
        return cb_error_errno(err, errno, "pipe");
    ours = fd == INPUT ? pipes[1] : pipes[0];
    fcntl(ours, F_SETFL, fcntl(ours, F_GETFL) | O_NONBLOCK);
    streams->ends[fd] = ours;
    streams->given[fd] = fd == INPUT ? pipes[0] : pipes[1];
    return 0;
}

/* `2>&1`: one pipe keeps the order of what is written. */
static int is_same_as_output(void)
{
    struct stat output, errors;

    return fstat(OUTPUT, &output) == 0 && fstat(ERRORS, &errors) == 0 &&
           output.st_dev == errors.st_dev && output.st_ino == errors.st_ino;
}

int cb_streams_open(struct cb_streams *streams, int interactive, struct cb_error **err)
{
    for (int fd = INPUT; fd <= ERRORS; fd++)
        streams->given[fd] = streams->ends[fd] = -1;
    streams->write_errno = 0;
    streams->at = streams->len = 0;
    if ((interactive && open_stream(streams, INPUT, err) < 0) ||
        open_stream(streams, OUTPUT, err) < 0)
        return -1;
    if (streams->ends[OUTPUT] < 0 || !is_same_as_output())
        return open_stream(streams, ERRORS, err);
    streams->given[ERRORS] = fcntl(streams->given[OUTPUT], F_DUPFD_CLOEXEC, 3);
    return streams->given[ERRORS] < 0 ? cb_error_errno(err, errno, "pipe") : 0;
}

/* The process has them now. */
static void close_given(struct cb_streams *streams)
{
    for (int fd = INPUT; fd <= ERRORS; fd++) {
        if (streams->given[fd] > ERRORS)
            cb_close(&streams->given[fd]);
    }
}

void cb_streams_close(struct cb_streams *streams)
{
    close_given(streams);
    for (int fd = INPUT; fd <= ERRORS; fd++)
        cb_close(&streams->ends[fd]);
    free(streams->buffer);
    streams->buffer = NULL;
}

/* ── Moving ── */

static void read_input(struct cb_streams *streams)
{
    ssize_t got;

    if (!streams->buffer)
        streams->buffer = xmalloc(CB_STREAM_BUFFER);
    got = read(INPUT, streams->buffer, CB_STREAM_BUFFER);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0)
        cb_close(&streams->ends[INPUT]);
    else
        streams->at = 0, streams->len = (size_t)got;
}

static void write_input(struct cb_streams *streams)
{
    ssize_t sent =
        write(streams->ends[INPUT], streams->buffer + streams->at, streams->len);

    if (sent < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (sent < 0) {
        cb_close(&streams->ends[INPUT]);
        return;
    }
    streams->at += (size_t)sent;
    streams->len -= (size_t)sent;
}

/* 0: nothing more, for now or for good. Who writes to what we cannot write hears of it
 * as from a pipe that nobody reads. */
static int move_output(struct cb_streams *streams, int fd)
{
    char buffer[CB_STREAM_BUFFER];
    ssize_t got = read(streams->ends[fd], buffer, sizeof(buffer));

    if (got < 0 && errno == EINTR)
        return 1;
    if (got < 0 && errno == EAGAIN)
        return 0;
    if (got > 0 && cb_fs_write_all(fd, buffer, (size_t)got) == 0)
        return 1;
    if (got > 0)
        streams->write_errno = errno;
    cb_close(&streams->ends[fd]);
    return 0;
}

static int finish(struct cb_streams *streams, struct cb_error **err)
{
    for (int fd = OUTPUT; fd <= ERRORS; fd++) {
        while (streams->ends[fd] >= 0 && move_output(streams, fd))
            continue;
    }
    if (streams->write_errno && streams->write_errno != EPIPE)
        return cb_error_errno(err, streams->write_errno, "write what the container said");
    return 0;
}

/* Tells *WITNESS, once it is time; how long until then, or -1. */
static int tell(const struct cb_witness **witness, int64_t since_ms,
                struct cb_process *process)
{
    int64_t left = *witness ? since_ms + (*witness)->after_ms - cb_clock_ms() : 0;

    if (!*witness)
        return -1;
    if (left > 0)
        return (int)left;
    (*witness)->lasts((*witness)->arg, process);
    *witness = NULL;
    return -1;
}

static int pass_on(int signals, struct cb_process *process,
                   struct cb_insistence *insistence, const struct cb_witness *witness,
                   struct cb_error **err)
{
    struct signalfd_siginfo info;

    if (read(signals, &info, sizeof(info)) != sizeof(info) || info.ssi_signo == SIGWINCH)
        return 0;
    if (cb_signal_pass_on(process, (int)info.ssi_signo, insistence, err) < 0)
        return -1;
    if (witness)
        witness->signaled(witness->arg);
    return 0;
}

int cb_streams_relay(struct cb_streams *streams, struct cb_process *process, int signals,
                     const struct cb_stopping *stopping, const struct cb_witness *witness,
                     struct cb_error **err)
{
    struct cb_insistence insistence = {.stopping = stopping};
    const struct cb_witness *untold = witness;
    int64_t since_ms = cb_clock_ms();

    close_given(streams);
    for (;;) {
        int in = streams->ends[INPUT], timeout_ms = tell(&untold, since_ms, process);
        struct pollfd polls[] = {
            {.fd = signals, .events = POLLIN},
            {.fd = cb_process_exit_fd(process), .events = POLLIN},
            {.fd = in >= 0 && !streams->len ? INPUT : -1, .events = POLLIN},
            {.fd = in, .events = streams->len ? POLLOUT : 0}, /* or nobody reads it */
            {.fd = streams->ends[OUTPUT], .events = POLLIN},
            {.fd = streams->ends[ERRORS], .events = POLLIN},
        };

        if (poll(polls, CB_ARRAY_SIZE(polls), timeout_ms) < 0) {
            if (errno == EINTR)
                continue;
            return cb_error_errno(err, errno, "poll");
        }
        if (polls[1].revents)
            return finish(streams, err);
        if (polls[0].revents && pass_on(signals, process, &insistence, witness, err) < 0)
            return -1;
        if (polls[3].revents & POLLERR)
            cb_close(&streams->ends[INPUT]);
        else if (polls[3].revents)
            write_input(streams);
        else if (polls[2].revents)
            read_input(streams);
        for (int fd = OUTPUT; fd <= ERRORS; fd++) {
            if (polls[3 + fd].revents)
                move_output(streams, fd);
        }
    }
}
