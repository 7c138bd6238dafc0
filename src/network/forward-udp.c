/* Datagrams. Whoever sends one to a published port gets a socket inside, by which the
 * container's answers find back; it goes when it has been quiet for a while, or when
 * others need the room. */
#include "network/forward-priv.h"

#include "base/alloc.h"
#include "base/vec.h"

#include <string.h>

#define MAX_PEERS      512
#define QUIET_MS       90000
#define MAX_BYTES      65536
#define MANY_DATAGRAMS 64 /* then it is another port's turn */

static void peer_free(struct forward_peer *peer)
{
    cb_close(&peer->fd);
    free(peer);
}

void cb_forward_peers_free(struct forward_peers *peers)
{
    cb_vec_foreach (peer, peers)
        peer_free(*peer);
    cb_vec_free(peers);
}

static struct forward_peer *find(const struct forward_peers *peers,
                                 const struct forward_door *door,
                                 const struct sockaddr_storage *from, socklen_t len)
{
    cb_vec_foreach (slot, peers) {
        struct forward_peer *peer = *slot;

        if (peer->door == door && peer->from_len == len &&
            memcmp(&peer->from, from, len) == 0)
            return peer;
    }
    return NULL;
}

static struct forward_peer *longest_quiet(const struct forward_peers *peers)
{
    struct forward_peer *quiet = peers->items[0];

    cb_vec_foreach (peer, peers) {
        if ((*peer)->used_ms < quiet->used_ms)
            quiet = *peer;
    }
    return quiet;
}

/* The one longest quiet makes room: its socket is taken over by who comes. */
static struct forward_peer *make(struct cb_forwarder *forwarder,
                                 struct forward_peers *peers,
                                 const struct forward_door *door)
{
    const int type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    struct forward_peer *peer;

    if (peers->count == MAX_PEERS) {
        peer = longest_quiet(peers);
        cb_close(&peer->fd);
    } else {
        peer = xcalloc(1, sizeof(*peer));
        peer->source.kind = FORWARD_PEER;
        cb_vec_push(peers, peer);
    }
    peer->door = door;
    peer->fd = socket(AF_INET, type, 0);
    peer->from_len = 0;
    if (peer->fd >= 0 &&
        connect(peer->fd, (const struct sockaddr *)&door->to, sizeof(door->to)) == 0 &&
        cb_forward_watch(forwarder, peer->fd, EPOLLIN, &peer->source) == 0)
        return peer;
    cb_close(&peer->fd);
    peer->used_ms = 0;
    return NULL;
}

void cb_forward_receive(struct cb_forwarder *forwarder, struct forward_peers *peers,
                        const struct forward_door *door, int64_t now_ms)
{
    char bytes[MAX_BYTES];

    for (int i = 0; i < MANY_DATAGRAMS; i++) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof(from);
        struct forward_peer *peer;
        ssize_t got = recvfrom(door->fd, bytes, sizeof(bytes), MSG_DONTWAIT,
                               (struct sockaddr *)&from, &len);

        if (got < 0)
            return;
        peer = find(peers, door, &from, len);
        if (!peer)
            peer = make(forwarder, peers, door);
        if (!peer)
            continue;
        peer->from = from;
        peer->from_len = len;
        peer->used_ms = now_ms;
        send(peer->fd, bytes, (size_t)got, MSG_NOSIGNAL);
    }
}

void cb_forward_answer(struct forward_peer *peer, int64_t now_ms)
{
    char bytes[MAX_BYTES];

    for (int i = 0; i < MANY_DATAGRAMS; i++) {
        ssize_t got = recv(peer->fd, bytes, sizeof(bytes), 0);

        if (got < 0)
            return;
        peer->used_ms = now_ms;
        sendto(peer->door->fd, bytes, (size_t)got, MSG_NOSIGNAL | MSG_DONTWAIT,
               (const struct sockaddr *)&peer->from, peer->from_len);
    }
}

void cb_forward_peers_sweep(struct forward_peers *peers, int64_t now_ms)
{
    size_t kept = 0;

    cb_vec_foreach (peer, peers) {
        if (now_ms - (*peer)->used_ms > QUIET_MS)
            peer_free(*peer);
        else
            peers->items[kept++] = *peer;
    }
    peers->count = kept;
}
