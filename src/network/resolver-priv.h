/* Inside the resolver of a container. Private to this directory. */
#ifndef CB_NETWORK_RESOLVER_PRIV_H
#define CB_NETWORK_RESOLVER_PRIV_H

#include "base/strbuf.h"
#include "network/network-priv.h"

#include <netinet/in.h>

struct resolver_asking; /* a question that was passed on */
struct resolver_guest;  /* a connection */

struct cb_resolver {
    pthread_t thread;
    int has_thread;
    int netns;          /* the container's */
    int udp, tcp, stop; /* the first two are there */
    unsigned udp_port, tcp_port;
    pthread_mutex_t lock;         /* of all below */
    struct cb_network **networks; /* of which it knows something; borrowed */
    size_t network_count;
    struct cb_ip *servers; /* whom others' names are asked from */
    size_t server_count;
    int servers_are_here; /* on our loopback */
    /* of the thread */
    unsigned turn;
    int64_t deaf_until_ms; /* it takes no connections */
    CB_VEC(struct resolver_asking *) askings;
    CB_VEC(struct resolver_guest *) guests;
};

/* ── resolver-serve.c ── */
/* Answers, until it is stopped. */
void cb_resolver_serve(struct cb_resolver *resolver);

/* ── resolver-know.c ── */
/* Answers QUERY if it is about a container: 1, and *OUT, which is empty, is the answer,
 * of MOST bytes. */
int cb_resolver_know(struct cb_resolver *resolver, const struct cb_strbuf *query,
                     size_t most, struct cb_strbuf *out);

#endif
