/* One thread for all ports of a container. It moves into the network where the container
 * is, so that what it opens is there; the ports themselves were opened on the host's side
 * before. It ends with its process, and so do all connections: nothing is left on the
 * host. A server inside sees the gateway of its network as who connects. */
#include "network/forward-priv.h"

#include "base/clock.h"
#include "base/thread.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>

#define MAX_LINKS 8192
#define EVENTS    64
#define SWEEP_MS  30000
#define FULL_MS   1000

struct cb_forwarder {
    pthread_t thread;
    int has_thread, netns, epoll, stop;
    struct forward_source stopping;
    struct forward_door *doors;
    size_t door_count;
    /* of the thread */
    struct forward_link *links;
    size_t link_count;
    int is_full; /* nobody new is let in */
    struct forward_pipes pipes;
    struct forward_peers peers;
};

int cb_forward_watch(struct cb_forwarder *forwarder, int fd, uint32_t events,
                     struct forward_source *source)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    return epoll_ctl(forwarder->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* ── The thread ── */

/* Without room for more connections those that come wait for the end of others. */
static void set_full(struct cb_forwarder *forwarder, int is_full)
{
    if (forwarder->is_full == is_full)
        return;
    forwarder->is_full = is_full;
    for (size_t i = 0; i < forwarder->door_count; i++) {
        struct forward_door *door = &forwarder->doors[i];
        struct epoll_event event = {.events = is_full ? 0 : EPOLLIN, .data.ptr = door};

        if (door->source.kind == FORWARD_TCP)
            epoll_ctl(forwarder->epoll, EPOLL_CTL_MOD, door->fd, &event);
    }
}

static void let_in(struct cb_forwarder *forwarder, const struct forward_door *door)
{
    struct forward_link *link = cb_forward_accept(forwarder, door);

    if (!link) {
        if (errno == EMFILE || errno == ENFILE)
            set_full(forwarder, 1);
        return;
    }
    link->next = forwarder->links;
    forwarder->links = link;
    forwarder->link_count++;
    set_full(forwarder, forwarder->link_count >= MAX_LINKS);
}

static void sweep_links(struct cb_forwarder *forwarder)
{
    struct forward_link **at = &forwarder->links;

    while (*at) {
        struct forward_link *link = *at;

        if (!link->is_dead) {
            at = &link->next;
            continue;
        }
        *at = link->next;
        cb_forward_link_free(link);
        forwarder->link_count--;
        set_full(forwarder, 0);
    }
}

/* What is told of once is told again. */
static void remind(struct cb_forwarder *forwarder, struct forward_link *link)
{
    struct epoll_event event = {.events = CB_FORWARD_LINK_EVENTS, .data.ptr = link};

    epoll_ctl(forwarder->epoll, EPOLL_CTL_MOD, link->flows[0].from, &event);
}

/* 1: a connection is over. */
static int serve(struct cb_forwarder *forwarder, struct forward_source *source,
                 int64_t now)
{
    struct forward_link *link = (struct forward_link *)source;

    if (source->kind == FORWARD_TCP)
        let_in(forwarder, (struct forward_door *)source);
    else if (source->kind == FORWARD_UDP)
        cb_forward_receive(forwarder, &forwarder->peers, (struct forward_door *)source,
                           now);
    else if (source->kind == FORWARD_PEER)
        cb_forward_answer((struct forward_peer *)source, now);
    else
        cb_forward_move(link, &forwarder->pipes);
    if (source->kind != FORWARD_LINK)
        return 0;
    if (link->has_more && !link->is_dead)
        remind(forwarder, link);
    return link->is_dead;
}

static int patience_ms(const struct cb_forwarder *forwarder)
{
    return forwarder->is_full ? FULL_MS : forwarder->peers.count ? SWEEP_MS : -1;
}

static void live(struct cb_forwarder *forwarder)
{
    struct epoll_event events[EVENTS];
    int64_t swept = cb_clock_ms();

    for (;;) {
        int count = epoll_wait(forwarder->epoll, events, EVENTS, patience_ms(forwarder));
        int64_t now = cb_clock_ms();
        int over = 0;

        for (int i = 0; i < count; i++) {
            struct forward_source *source = events[i].data.ptr;

            if (source->kind == FORWARD_STOP)
                return;
            over |= serve(forwarder, source, now);
        }
        if (over)
            sweep_links(forwarder);
        else if (!count)
            set_full(forwarder, 0);
        if (now - swept >= SWEEP_MS) {
            cb_forward_peers_sweep(&forwarder->peers, now);
            swept = now;
        }
    }
}

static void *run(void *arg)
{
    struct cb_forwarder *forwarder = arg;

    if (setns(forwarder->netns, CLONE_NEWNET) == 0)
        live(forwarder);
    while (forwarder->links) {
        struct forward_link *link = forwarder->links;

        forwarder->links = link->next;
        cb_forward_link_free(link);
    }
    cb_forward_peers_free(&forwarder->peers);
    cb_forward_pipes_close(&forwarder->pipes);
    return NULL;
}

/* ── Its start and end ── */

void cb_forwarder_stop(struct cb_forwarder *forwarder)
{
    const uint64_t one = 1;

    if (!forwarder)
        return;
    if (forwarder->has_thread && write(forwarder->stop, &one, sizeof(one)) > 0)
        pthread_join(forwarder->thread, NULL);
    cb_close(&forwarder->epoll);
    cb_close(&forwarder->stop);
    cb_close(&forwarder->netns);
    free(forwarder->doors);
    free(forwarder);
}

static int add_door(struct cb_forwarder *forwarder, const struct cb_port *port, int fd,
                    const struct cb_ip *to, struct cb_error **err)
{
    struct forward_door *door = &forwarder->doors[forwarder->door_count++];
    int is_tcp = strcmp(port->protocol, "tcp") == 0;

    if (strcmp(port->protocol, "sctp") == 0)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "publishing ports of SCTP takes root");
    door->source.kind = is_tcp ? FORWARD_TCP : FORWARD_UDP;
    door->fd = fd;
    door->to.sin_family = AF_INET;
    door->to.sin_port = htons(port->container);
    memcpy(&door->to.sin_addr, to->bytes, 4);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
        cb_forward_watch(forwarder, fd, EPOLLIN, &door->source) < 0)
        return cb_error_errno(err, errno, "listen on port %u", port->host);
    return 0;
}

static int open_doors(struct cb_forwarder *forwarder, const struct cb_ports *ports,
                      const int *sockets, const struct cb_ip *to, struct cb_error **err)
{
    forwarder->doors = xcalloc(ports->count + 1, sizeof(*forwarder->doors));
    forwarder->epoll = epoll_create1(EPOLL_CLOEXEC);
    forwarder->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    forwarder->stopping.kind = FORWARD_STOP;
    if (forwarder->epoll < 0 || forwarder->stop < 0 ||
        cb_forward_watch(forwarder, forwarder->stop, EPOLLIN, &forwarder->stopping) < 0)
        return cb_error_errno(err, errno, "epoll");
    for (size_t i = 0; i < ports->count; i++) {
        if (add_door(forwarder, &ports->items[i], sockets[i], to, err) < 0)
            return -1;
    }
    return 0;
}

int cb_forwarder_start(struct cb_forwarder **out, const struct cb_ports *ports,
                       const int *sockets, int netns, const struct cb_ip *to,
                       struct cb_error **err)
{
    cb_auto(cb_forwarder) forwarder = xcalloc(1, sizeof(*forwarder));
    int errnum;

    forwarder->epoll = forwarder->stop = -1;
    forwarder->netns = fcntl(netns, F_DUPFD_CLOEXEC, 3);
    if (open_doors(forwarder, ports, sockets, to, err) < 0)
        return -1;
    if (forwarder->netns < 0)
        return cb_error_set(err, CB_ERR_SYSTEM, "too many files are open for the ports");
    errnum = cb_thread_start(&forwarder->thread, run, forwarder);
    if (errnum)
        return cb_error_errno(err, errnum, "start a thread");
    forwarder->has_thread = 1;
    *out = cb_steal(&forwarder);
    return 0;
}
