/* Names that a container is told by a resolver of its own: on networks without a bridge,
 * where the host has no address at which a server could be asked, and those of links,
 * which are nobody else's. It is a thread of the process that keeps the container's
 * network, with sockets that were opened in it, on its loopback. Who is on the networks
 * it finds in their leases, and needs to be told by nobody.
 *
 * Port 53 stays free for the container, which may want to be a name server itself: what
 * is sent to that port of the resolver's address is led to the sockets by two rules in
 * the container's network. */
#include "network/resolver-priv.h"

#include "base/log.h"
#include "base/thread.h"
#include "network/firewall-priv.h"
#include "network/named-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Docker's. */
const struct cb_ip cb_resolver_address = {AF_INET, {127, 0, 0, 11}};

/* ── Inside ── */

/* A socket of TYPE, with the port that the kernel picked. */
static int open_door(int type, unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    cb_autofd int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memcpy(&address.sin_addr, cb_resolver_address.bytes, 4);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        (type == SOCK_STREAM && listen(fd, SOMAXCONN) < 0) ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        return -1;
    *port = ntohs(address.sin_port);
    return cb_steal_fd(&fd);
}

/* VERB: "-A" or "-D". */
static int change_rules(const struct cb_resolver *resolver, const char *verb,
                        struct cb_error **err)
{
    char ip[CB_IP_MAX_TEXT];
    const char *own = cb_ip_text(&cb_resolver_address, ip);
    cb_autofree char *text =
        xasprintf("*nat\n"
                  "%s OUTPUT -d %s/32 -p udp --dport 53 -j DNAT --to-destination %s:%u\n"
                  "%s OUTPUT -d %s/32 -p tcp --dport 53 -j DNAT --to-destination %s:%u\n"
                  "COMMIT\n",
                  verb, own, own, resolver->udp_port, verb, own, own, resolver->tcp_port);

    return cb_firewall_restore_alone(AF_INET, text, err);
}

struct opening {
    struct cb_resolver *resolver;
    struct cb_error **err;
};

static int open_there(void *arg)
{
    struct opening *opening = arg;
    struct cb_resolver *resolver = opening->resolver;

    resolver->udp = open_door(SOCK_DGRAM, &resolver->udp_port);
    resolver->tcp = open_door(SOCK_STREAM, &resolver->tcp_port);
    if (resolver->udp < 0 || resolver->tcp < 0)
        return cb_error_errno(opening->err, errno, "listen for questions of names");
    return change_rules(resolver, "-A", opening->err);
}

static int close_there(void *arg)
{
    return change_rules(arg, "-D", NULL);
}

/* ── Its start and end ── */

static void *run(void *arg)
{
    cb_resolver_serve(arg);
    return NULL;
}

void cb_resolver_stop(struct cb_resolver *resolver)
{
    const uint64_t one = 1;

    if (!resolver)
        return;
    if (resolver->has_thread && write(resolver->stop, &one, sizeof(one)) > 0)
        pthread_join(resolver->thread, NULL);
    cb_close(&resolver->udp);
    cb_close(&resolver->tcp);
    cb_close(&resolver->stop);
    cb_close(&resolver->netns);
    pthread_mutex_destroy(&resolver->lock);
    free(resolver->networks);
    free(resolver->servers);
    free(resolver);
}

static int start(struct cb_resolver **out, int netns, struct cb_error **err)
{
    cb_auto(cb_resolver) resolver = xcalloc(1, sizeof(*resolver));
    struct opening opening = {resolver, err};
    int errnum;

    pthread_mutex_init(&resolver->lock, NULL);
    resolver->udp = resolver->tcp = -1;
    resolver->netns = fcntl(netns, F_DUPFD_CLOEXEC, 3);
    resolver->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (resolver->netns < 0 || resolver->stop < 0)
        return cb_error_errno(err, errno, "open a network namespace");
    if (cb_firewall_check(err) < 0 || cb_netns_call(netns, open_there, &opening, err) < 0)
        return -1;
    errnum = cb_thread_start(&resolver->thread, run, resolver);
    if (errnum) { /* nobody answers: then nobody is to be asked */
        cb_netns_call(netns, close_there, resolver, NULL);
        return cb_error_errno(err, errnum, "start a thread");
    }
    resolver->has_thread = 1;
    *out = cb_steal(&resolver);
    return 0;
}

/* ── What it knows ── */

static int is_direct(const struct cb_network *network)
{
    return network->def && cb_network_is_direct(network->def->driver);
}

int cb_network_is_resolved_inside(const struct cb_network *network)
{
    return network->is_resolved_inside;
}

static int needs_resolver(const struct cb_network *network)
{
    return is_direct(network) || (network->def && network->links.count);
}

static void add_servers(struct cb_resolver *resolver, const struct cb_strings *texts)
{
    resolver->servers = xcalloc(texts->count + 1, sizeof(*resolver->servers));
    resolver->server_count = 0;
    cb_vec_foreach (text, texts) {
        if (cb_ip_parse(&resolver->servers[resolver->server_count], *text) == 0)
            resolver->server_count++;
    }
}

/* A server that knows the names of another network passes other questions on, too. */
static void choose_servers(struct cb_resolver *resolver,
                           struct cb_network *const *networks, size_t count)
{
    cb_auto_value(cb_strings) servers = {0};
    char ip[CB_IP_MAX_TEXT];

    resolver->servers_are_here = 0;
    for (size_t i = 0; i < count && !servers.count; i++)
        if (!is_direct(networks[i]) && networks[i]->facts.has_names)
            cb_strings_add(&servers, cb_ip_text(&networks[i]->facts.resolver, ip));
    if (!servers.count && count)
        cb_strings_copy(&servers, &networks[0]->dns);
    if (!servers.count)
        resolver->servers_are_here = cb_dns_host_servers(&servers);
    free(resolver->servers);
    add_servers(resolver, &servers);
}

static void know(struct cb_resolver *resolver, struct cb_network *const *networks,
                 size_t count)
{
    struct cb_network **known = xcalloc(count + 1, sizeof(struct cb_network *));

    pthread_mutex_lock(&resolver->lock);
    free(resolver->networks);
    resolver->networks = known;
    resolver->network_count = 0;
    for (size_t i = 0; i < count; i++)
        if (needs_resolver(networks[i]))
            known[resolver->network_count++] = networks[i];
    choose_servers(resolver, networks, count);
    pthread_mutex_unlock(&resolver->lock);
}

/* Nothing is asked there any more. */
static void end(struct cb_resolver **resolver)
{
    if (!*resolver)
        return;
    cb_netns_call((*resolver)->netns, close_there, *resolver, NULL);
    cb_resolver_stop(cb_steal(resolver));
}

/* 0: nothing is to be known. */
static int have(struct cb_resolver **resolver, int netns,
                struct cb_network *const *networks, size_t count)
{
    cb_auto(cb_error) error = NULL;
    const char *hint;
    size_t needing = 0;

    for (size_t i = 0; i < count; i++)
        needing += needs_resolver(networks[i]) ? 1 : 0;
    if (!needing)
        end(resolver);
    if (!needing || *resolver || start(resolver, netns, &error) == 0)
        return needing > 0;
    hint = cb_error_hint_text(error);
    cb_warn("%s: containers do not know each other's names%s%s", cb_error_message(error),
            hint ? "; " : "", hint ? hint : "");
    return 0;
}

void cb_resolver_settle(struct cb_resolver **resolver, int netns,
                        struct cb_network *const *networks, size_t count)
{
    int is_there = have(resolver, netns, networks, count);

    if (is_there)
        know(*resolver, networks, count);
    for (size_t i = 0; i < count; i++)
        networks[i]->is_resolved_inside = is_there && needs_resolver(networks[i]);
}
