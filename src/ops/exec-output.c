/* A step's output: one pipe for each stream, read by the step's own thread and passed on
 * at once and whole. Reading ends when the process has ended and the pipes are empty:
 * what it left behind is dead with its pid namespace, so a pipe held open elsewhere is
 * not waited for. */
#include "ops/exec-priv.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>

#define OUTPUT_BUFFER 65536 /* bytes */

int cb_exec_output_open(struct cb_exec_output *output, struct cb_error **err)
{
    for (int i = 0; i < 2; i++)
        output->read_fds[i] = output->write_fds[i] = -1;
    for (int i = 0; i < 2; i++) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
            return cb_error_errno(err, errno, "make a pipe");
        output->read_fds[i] = fds[0];
        output->write_fds[i] = fds[1];
        if (fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
            return cb_error_errno(err, errno, "make a pipe non-blocking");
    }
    return 0;
}

void cb_exec_output_close(struct cb_exec_output *output)
{
    for (int i = 0; i < 2; i++) {
        cb_close(&output->read_fds[i]);
        cb_close(&output->write_fds[i]);
    }
}

static void pass_on(struct cb_exec_context *context, int stream, const char *text,
                    size_t len)
{
    cb_event_emit(context->sink, (struct cb_event){.kind = CB_EVENT_STEP_LOG,
                                                   .id = context->event_id,
                                                   .stream = stream,
                                                   .text = text,
                                                   .len = len});
}

/* Reads once. 1: something was there, 0: nothing now, or the end (then the descriptor is
 * closed). */
static int read_some(struct cb_exec_output *output, int i, char *buffer,
                     struct cb_exec_context *context)
{
    ssize_t got = read(output->read_fds[i], buffer, OUTPUT_BUFFER);

    if (got > 0) {
        pass_on(context, i + 1, buffer, (size_t)got);
        return 1;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR))
        cb_close(&output->read_fds[i]);
    return 0;
}

static void drain(struct cb_exec_output *output, char *buffer,
                  struct cb_exec_context *context)
{
    for (int i = 0; i < 2; i++)
        while (output->read_fds[i] >= 0 && read_some(output, i, buffer, context))
            continue;
}

/* ── Bounds ── */

/* Looking at a layer's size costs a walk through it, and takes so small a part of the
 * time: one in WALK_SHARE. */
#define WALK_EVERY_MS 1000
#define WALK_SHARE    50

struct watch {
    const struct cb_exec_bounds *bounds;
    int64_t deadline;  /* 0: none, or no more */
    int64_t next_walk; /* the same */
};

static struct watch watch_begin(const struct cb_exec_bounds *bounds)
{
    struct watch watch = {.bounds = bounds, .next_walk = cb_clock_ms() + WALK_EVERY_MS};

    if (bounds->timeout_ms)
        watch.deadline = cb_clock_ms() + bounds->timeout_ms;
    return watch;
}

/* For poll: -1 when there is nothing to look at. */
static int time_left(const struct watch *watch)
{
    int64_t next = watch->deadline;
    int64_t left;

    if (watch->next_walk && (!next || watch->next_walk < next))
        next = watch->next_walk;
    if (!next)
        return -1;
    left = next - cb_clock_ms();
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static void look_at_layer(struct watch *watch, struct cb_exec_end *end)
{
    int64_t before = cb_clock_ms(), took;
    int large = cb_snapshot_is_too_large(watch->bounds->layer);

    took = (cb_clock_ms() - before) * WALK_SHARE;
    watch->next_walk = large ? 0 : before + (took > WALK_EVERY_MS ? took : WALK_EVERY_MS);
    end->too_large = large > 0;
}

/* 1: the process has to go. */
static int is_over(struct watch *watch, struct cb_exec_end *end)
{
    if (watch->deadline && cb_clock_ms() >= watch->deadline) {
        watch->deadline = watch->next_walk = 0;
        end->timed_out = 1;
        return 1;
    }
    if (!watch->next_walk || cb_clock_ms() < watch->next_walk)
        return 0;
    look_at_layer(watch, end);
    if (end->too_large)
        watch->deadline = 0;
    return end->too_large;
}

int cb_exec_output_pump(struct cb_exec_output *output, struct cb_process *process,
                        struct cb_exec_context *context,
                        const struct cb_exec_bounds *bounds, struct cb_exec_end *end,
                        struct cb_error **err)
{
    cb_autofree char *buffer = xmalloc(OUTPUT_BUFFER);
    struct watch watch = watch_begin(bounds);

    for (;;) {
        struct pollfd polls[4] = {
            {.fd = output->read_fds[0], .events = POLLIN},
            {.fd = output->read_fds[1], .events = POLLIN},
            {.fd = cb_process_exit_fd(process), .events = POLLIN},
            {.fd = cb_cancel_fd(context->cancel), .events = POLLIN},
        };

        if (poll(polls, 4, time_left(&watch)) < 0) {
            if (errno == EINTR)
                continue;
            return cb_error_errno(err, errno, "wait for output");
        }
        if (polls[3].revents)
            return 0;
        for (int i = 0; i < 2; i++)
            if (polls[i].revents)
                read_some(output, i, buffer, context);
        if (polls[2].revents) {
            drain(output, buffer, context);
            return 0;
        }
        if (is_over(&watch, end) && cb_process_signal(process, SIGKILL, err) < 0)
            return -1;
    }
}
