/* Inside the forwarder: what a thread's epoll tells of. Private to this directory. */
#ifndef CB_NETWORK_FORWARD_PRIV_H
#define CB_NETWORK_FORWARD_PRIV_H

#include "network/forward.h"

#include <netinet/in.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum forward_kind {
    FORWARD_STOP,
    FORWARD_TCP,  /* somebody connects */
    FORWARD_UDP,  /* somebody sends */
    FORWARD_LINK, /* a connection, one end or the other */
    FORWARD_PEER, /* the container answers somebody */
};
/* The first member of all that epoll may return. */
struct forward_source {
    enum forward_kind kind;
};

struct forward_door { /* a published port */
    struct forward_source source;
    int fd; /* on the host's side; borrowed */
    struct sockaddr_in to;
};

struct forward_link { /* a connection of TCP */
    struct forward_source source;
    struct forward_flow {
        int from, to; /* FROM is its own, TO the other's */
        int pipe[2];
        size_t held;        /* bytes in the pipe */
        int has_end, ended; /* read; passed on */
    } flows[2];
    int is_connected, is_dead;
    int has_more; /* it is only others' turn */
    struct forward_link *next;
};

struct forward_peer { /* who has sent something to a port of UDP */
    struct forward_source source;
    const struct forward_door *door;
    struct sockaddr_storage from;
    socklen_t from_len;
    int fd; /* inside */
    int64_t used_ms;
};

struct cb_forwarder;
/* -1 with errno. */
int cb_forward_watch(struct cb_forwarder *forwarder, int fd, uint32_t events,
                     struct forward_source *source);

/* ── forward-tcp.c ── */
struct forward_pipes { /* idle ones, so that a quiet connection has none */
    int ends[32][2];
    size_t count;
};
void cb_forward_pipes_close(struct forward_pipes *pipes);
/* NULL: it came to nothing. */
struct forward_link *cb_forward_accept(struct cb_forwarder *forwarder,
                                       const struct forward_door *door);
/* Moves what can be moved in one turn; IS_DEAD when there is nothing more to do. */
void cb_forward_move(struct forward_link *link, struct forward_pipes *pipes);
void cb_forward_link_free(struct forward_link *link);
#define CB_FORWARD_LINK_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

/* ── forward-udp.c ── */
struct forward_peers {
    struct forward_peer **items;
    size_t count, capacity;
};
void cb_forward_peers_free(struct forward_peers *peers);
void cb_forward_receive(struct cb_forwarder *forwarder, struct forward_peers *peers,
                        const struct forward_door *door, int64_t now_ms);
void cb_forward_answer(struct forward_peer *peer, int64_t now_ms);
/* Forgets those that have been quiet for long. */
void cb_forward_peers_sweep(struct forward_peers *peers, int64_t now_ms);

#endif
