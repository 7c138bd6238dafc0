/* Networks of one container, in the order of joining. */
#include "container/nets.h"

#include "base/log.h"
#include "network/address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static void forget_names(struct cb_nets *nets)
{
    cb_autofd int fd = cb_names_mending_end(cb_steal(&nets->mending));

    cb_close(&nets->names_fd);
}

void cb_nets_clear(struct cb_nets *nets)
{
    cb_resolver_stop(cb_steal(&nets->resolver));
    forget_names(nets);
    for (size_t i = nets->count; i-- > 0;) {
        if (nets->is_shared)
            cb_network_leave(nets->items[i]);
        else
            cb_network_free(nets->items[i]);
    }
    cb_vec_free(nets);
    cb_close(&nets->netns);
}

/* ── Opening ── */

static int read_ports(struct cb_ports *ports, const struct cb_run_request *request,
                      struct cb_error **err)
{
    cb_vec_foreach (text, &request->publish) {
        if (cb_ports_parse(ports, *text, err) < 0)
            return -1;
    }
    cb_vec_foreach (text, &request->expose) {
        cb_auto_value(cb_ports) checked = {0};

        if (cb_ports_expose(request->publish_all ? ports : &checked, *text, NULL) < 0)
            return cb_error_set(err, CB_ERR_FLAG, "invalid range format for --expose: %s",
                                *text);
    }
    if (!request->publish_all)
        return 0;
    cb_vec_foreach (text, &request->config->exposed_ports) {
        if (cb_ports_expose(ports, *text, err) < 0)
            return -1;
    }
    return 0;
}

const struct cb_ports *cb_nets_ports(const struct cb_nets *nets)
{
    static const struct cb_ports none;

    cb_vec_foreach (network, nets) {
        const struct cb_ports *ports = cb_network_ports(*network);

        if (ports->count)
            return ports;
    }
    return &none;
}

/* NETNS and INTERFACE: of what is there already, or NULL; PUBLISHES: ports go with it. */
static int open_one(struct cb_network **out, const struct cb_nets_owner *owner,
                    const struct cb_join *join, const int *netns, const char *interface,
                    int publishes, struct cb_error **err)
{
    const struct cb_run_request *request = owner->request;
    cb_autofree char *state = xasprintf("%s/networks", owner->store_root);
    cb_autofree char *name = owner->name ? xstrdup(owner->name) : xstrndup(owner->id, 12);
    cb_auto_value(cb_ports) ports = {0};
    struct cb_network_options options = {.mode = join->network,
                                         .state_dir = state,
                                         .id = owner->id,
                                         .name = name,
                                         .hostname = request->hostname,
                                         .aliases = &join->aliases,
                                         .links = &join->links,
                                         .dns = &request->dns,
                                         .ports = &ports,
                                         .bridge_options = &request->bridge_options,
                                         .ip = join->ip,
                                         .ip6 = join->ip6,
                                         .mac = join->mac,
                                         .netns = netns,
                                         .interface = interface,
                                         .joined = owner->joined};

    if (publishes && read_ports(&ports, request, err) < 0)
        return -1;
    return cb_network_new(out, &options, err);
}

int cb_nets_open(struct cb_nets *out, const struct cb_nets_owner *owner,
                 struct cb_error **err)
{
    cb_auto_value(cb_joins) joins = {0};
    struct cb_network *network;

    out->netns = -1;
    if (cb_joins_read(&joins, owner->request, err) < 0 ||
        open_one(&network, owner, &joins.items[0], NULL, NULL, 1, err) < 0)
        return -1;
    cb_vec_push(out, network);
    return 0;
}

int cb_nets_check(const struct cb_nets_owner *owner, const struct cb_join *join,
                  struct cb_error **err)
{
    cb_auto(cb_network) network = NULL;

    return open_one(&network, owner, join, NULL, NULL, 1, err);
}

int cb_nets_check_others(const struct cb_nets_owner *owner, struct cb_error **err)
{
    cb_auto_value(cb_joins) joins = {0};

    if (cb_joins_read(&joins, owner->request, err) < 0)
        return -1;
    for (size_t i = 1; i < joins.count; i++) {
        if (cb_nets_check(owner, &joins.items[i], err) < 0)
            return -1;
    }
    return 0;
}

/* ── Joining and leaving ── */

static struct cb_network **find(const struct cb_nets *nets, const char *text)
{
    cb_vec_foreach (network, nets) {
        const char *id = cb_network_id(*network);

        if (strcmp(cb_network_label(*network), text) == 0 || (id && !strcmp(id, text)))
            return network;
    }
    return NULL;
}

static void settle_names(struct cb_nets *nets)
{
    cb_resolver_settle(&nets->resolver, nets->netns, nets->items, nets->count);
}

static int join_one(struct cb_nets *nets, const struct cb_nets_owner *owner,
                    const struct cb_join *join, struct cb_cancel *cancel,
                    struct cb_error **err)
{
    cb_auto(cb_network) network = NULL;
    cb_autofree char *interface = xasprintf("eth%u", nets->next);
    int fd;

    if (open_one(&network, owner, join, &nets->netns, interface,
                 !cb_nets_ports(nets)->count, err) < 0)
        return -1;
    if (find(nets, cb_network_label(network)))
        return cb_error_set(
            err, CB_ERR_EXISTS, "endpoint with name %s already exists in network %s",
            owner->name ? owner->name : owner->id, cb_network_label(network));
    if (cb_network_netns(network, cancel, &fd, err) < 0)
        return -1;
    nets->next++;
    cb_vec_push(nets, cb_steal(&network));
    return 0;
}

int cb_nets_connect(struct cb_nets *nets, const struct cb_nets_owner *owner,
                    const struct cb_join *join, struct cb_cancel *cancel,
                    struct cb_error **err)
{
    if (join_one(nets, owner, join, cancel, err) < 0)
        return -1;
    settle_names(nets);
    return 0;
}

/* Of the first that others get to. One that somebody else has got is left to him. */
static void publish_again(struct cb_nets *nets, const struct cb_nets_owner *owner,
                          struct cb_cancel *cancel)
{
    cb_auto_value(cb_ports) ports = {0};
    cb_auto(cb_error) error = NULL;

    if (read_ports(&ports, owner->request, &error) == 0)
        for (size_t i = 0; i < nets->count && !cb_nets_ports(nets)->count && !error; i++)
            cb_network_publish(nets->items[i], &ports, cancel, &error);
    if (error)
        cb_warn("%s", cb_error_message(error));
}

int cb_nets_disconnect(struct cb_nets *nets, const struct cb_nets_owner *owner,
                       const char *text, struct cb_cancel *cancel)
{
    struct cb_network **found = find(nets, text);
    struct cb_network *network = found ? *found : NULL;

    if (!found)
        return 0;
    nets->count--;
    memmove(found, found + 1,
            (size_t)(nets->items + nets->count - found) * sizeof(*found));
    settle_names(nets);
    cb_network_leave(network);
    if (!cb_nets_ports(nets)->count)
        publish_again(nets, owner, cancel);
    return 1;
}

int cb_nets_set_up(struct cb_nets *nets, const struct cb_nets_owner *owner,
                   struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto_value(cb_joins) joins = {0};
    int fd;

    if (cb_joins_read(&joins, owner->request, err) < 0 ||
        cb_network_netns(nets->items[0], cancel, &fd, err) < 0)
        return -1;
    nets->next = 1;
    if (fd >= 0)
        nets->netns = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    for (size_t i = 1; i < joins.count; i++) {
        if (join_one(nets, owner, &joins.items[i], cancel, err) < 0)
            return -1;
    }
    settle_names(nets);
    cb_nets_watch_names(nets, 0);
    return 0;
}

int cb_nets_rename(struct cb_nets *nets, const char *name, struct cb_error **err)
{
    cb_vec_foreach (network, nets) {
        if (cb_network_rename(*network, name, err) < 0)
            return -1;
    }
    return 0;
}

/* One server is enough for all. */
void cb_nets_watch_names(struct cb_nets *nets, int pause_ms)
{
    forget_names(nets);
    for (size_t i = 0; i < nets->count && !nets->mending; i++)
        nets->mending = cb_names_mending_new(nets->items[i], pause_ms);
}

int cb_nets_names_fd(const struct cb_nets *nets)
{
    return nets->mending ? cb_names_mending_fd(nets->mending) : nets->names_fd;
}

int cb_nets_have_names(struct cb_nets *nets)
{
    cb_close(&nets->names_fd);
    nets->names_fd = cb_names_mending_end(cb_steal(&nets->mending));
    return nets->names_fd >= 0;
}

/* ── Texts ── */

/* One whose resolver knows names comes before one that knows none, and first of all the
 * container's own, which asks the others'. */
static struct cb_network *resolving(const struct cb_nets *nets)
{
    cb_vec_foreach (network, nets) {
        if (cb_network_is_resolved_inside(*network))
            return *network;
    }
    cb_vec_foreach (network, nets) {
        if (cb_network_has_names(*network))
            return *network;
    }
    return nets->count ? nets->items[0] : NULL;
}

/* With its domain; caller frees, or NULL. */
static char *full_name(const struct cb_nets_owner *owner)
{
    const char *domain = owner->request->domainname;

    if (!owner->hostname || !*owner->hostname || !domain || !*domain)
        return owner->hostname ? xstrdup(owner->hostname) : NULL;
    return xasprintf("%s.%s", owner->hostname, domain);
}

int cb_nets_texts(const struct cb_nets *nets, const struct cb_nets_owner *owner,
                  char **hosts, char **resolv_conf, struct cb_error **err)
{
    const struct cb_run_request *request = owner->request;
    const struct cb_dns_options dns = {&request->dns, &request->dns_search,
                                       &request->dns_options};
    cb_auto_value(cb_strbuf) text = {0};
    cb_autofree char *first = NULL;
    cb_autofree char *name = full_name(owner);

    if (cb_network_hosts(nets->count ? nets->items[0] : NULL, name, &request->add_hosts,
                         &first, err) < 0)
        return -1;
    cb_strbuf_adds(&text, first);
    for (size_t i = 1; name && i < nets->count; i++)
        cb_network_add_own(&text, nets->items[i], name);
    *hosts = cb_strbuf_steal(&text);
    *resolv_conf = cb_network_resolv_conf(resolving(nets), &dns);
    return 0;
}
