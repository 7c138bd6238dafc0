/* Connections. What comes in at one end is moved by splice, so it is never copied into
 * our memory, through a pipe that a connection has only as long as something is in it.
 * Each end may close its half. */
#include "network/forward-priv.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>

#define CHUNK  (1u << 16)
#define ROUNDS 64 /* of a chunk: then it is another connection's turn */

/* ── Pipes ── */

void cb_forward_pipes_close(struct forward_pipes *pipes)
{
    while (pipes->count--) {
        cb_close(&pipes->ends[pipes->count][0]);
        cb_close(&pipes->ends[pipes->count][1]);
    }
    pipes->count = 0;
}

static int take_pipe(struct forward_pipes *pipes, int ends[2])
{
    if (ends[0] >= 0)
        return 0;
    if (!pipes->count)
        return pipe2(ends, O_CLOEXEC | O_NONBLOCK);
    memcpy(ends, pipes->ends[--pipes->count], sizeof(pipes->ends[0]));
    return 0;
}

static void close_pipe(int ends[2])
{
    cb_close(&ends[0]);
    cb_close(&ends[1]);
}

static void give_back(struct forward_pipes *pipes, struct forward_flow *flow)
{
    if (flow->held || flow->pipe[0] < 0)
        return;
    if (pipes->count == CB_ARRAY_SIZE(pipes->ends)) {
        close_pipe(flow->pipe);
        return;
    }
    memcpy(pipes->ends[pipes->count++], flow->pipe, sizeof(flow->pipe));
    flow->pipe[0] = flow->pipe[1] = -1;
}

/* ── Moving ── */

/* Bytes that were moved; -1: the connection is broken. */
static ssize_t fill(struct forward_flow *flow)
{
    ssize_t got;

    if (flow->has_end || flow->held >= CHUNK)
        return 0;
    got = splice(flow->from, NULL, flow->pipe[1], NULL, CHUNK,
                 SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (got > 0)
        flow->held += (size_t)got;
    if (got == 0)
        flow->has_end = 1;
    return got < 0 && errno == EAGAIN ? 0 : got;
}

static ssize_t drain(struct forward_flow *flow)
{
    ssize_t put;

    if (!flow->held)
        return 0;
    put = splice(flow->pipe[0], NULL, flow->to, NULL, flow->held,
                 SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (put > 0)
        flow->held -= (size_t)put;
    return put < 0 && errno == EAGAIN ? 0 : put;
}

/* 1: there may be more; -1: the connection is over. */
static int move(struct forward_flow *flow, struct forward_pipes *pipes)
{
    ssize_t in, out;
    int left = ROUNDS;

    if (flow->ended)
        return 0;
    if (take_pipe(pipes, flow->pipe) < 0)
        return -1;
    do {
        in = fill(flow);
        out = in < 0 ? -1 : drain(flow);
    } while ((in > 0 || out > 0) && --left);
    if (in < 0 || out < 0)
        return -1;
    if (flow->has_end && !flow->held) {
        shutdown(flow->to, SHUT_WR);
        flow->ended = 1;
    }
    give_back(pipes, flow);
    return !left;
}

/* 0: it is still being made. */
static int is_connected(struct forward_link *link)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer), size = sizeof(int);
    int error = 0, inside = link->flows[0].to;

    if (link->is_connected)
        return 1;
    if (getsockopt(inside, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error)
        link->is_dead = 1;
    else
        link->is_connected = getpeername(inside, (struct sockaddr *)&peer, &len) == 0;
    return link->is_connected;
}

void cb_forward_move(struct forward_link *link, struct forward_pipes *pipes)
{
    int more[2] = {0};

    link->has_more = 0;
    if (link->is_dead || !is_connected(link))
        return;
    for (size_t i = 0; i < 2; i++)
        more[i] = move(&link->flows[i], pipes);
    link->has_more = more[0] > 0 || more[1] > 0;
    link->is_dead =
        more[0] < 0 || more[1] < 0 || (link->flows[0].ended && link->flows[1].ended);
}

/* ── Beginning and end ── */

void cb_forward_link_free(struct forward_link *link)
{
    for (size_t i = 0; i < 2; i++) {
        close_pipe(link->flows[i].pipe);
        cb_close(&link->flows[i].from);
    }
    free(link);
}

static int connect_to(const struct sockaddr_in *to)
{
    cb_autofd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 &&
                   errno != EINPROGRESS))
        return -1;
    return cb_steal_fd(&fd);
}

/* Ends that have vanished without a word are noticed some day (keep-alive). */
static int watch(struct cb_forwarder *forwarder, struct forward_link *link)
{
    const int one = 1;

    for (size_t i = 0; i < 2; i++) {
        int fd = link->flows[i].from;

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
        if (cb_forward_watch(forwarder, fd, CB_FORWARD_LINK_EVENTS, &link->source) < 0)
            return -1;
    }
    return 0;
}

struct forward_link *cb_forward_accept(struct cb_forwarder *forwarder,
                                       const struct forward_door *door)
{
    int outside = accept4(door->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), inside;
    struct forward_link *link;

    if (outside < 0)
        return NULL;
    inside = connect_to(&door->to);
    link = xcalloc(1, sizeof(*link));
    link->source.kind = FORWARD_LINK;
    link->flows[0] =
        (struct forward_flow){.from = outside, .to = inside, .pipe = {-1, -1}};
    link->flows[1] =
        (struct forward_flow){.from = inside, .to = outside, .pipe = {-1, -1}};
    if (inside >= 0 && watch(forwarder, link) == 0)
        return link;
    cb_forward_link_free(link);
    return NULL;
}
