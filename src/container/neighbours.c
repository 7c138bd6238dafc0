/* Neighbours are looked up each time a container starts: they may have got other
 * addresses since. */
#include "container/neighbours.h"

#include "container/client.h"
#include "container/links.h"

#include <string.h>

void cb_neighbours_clear(struct cb_neighbours *neighbours)
{
    cb_container_net_free(neighbours->net);
    cb_strings_free(&neighbours->env);
    cb_strings_free(&neighbours->hosts);
}

static const char *container_of(const struct cb_run_request *request)
{
    return request->network && strncmp(request->network, "container:", 10) == 0 &&
                   request->network[10]
               ? request->network + 10
               : NULL;
}

/* ── What goes together ── */

static int conflict(const char *what, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_USAGE, "conflicting options: %s", what);
}

static int check_container_mode(const struct cb_run_request *request,
                                struct cb_error **err)
{
    if (request->hostname)
        return conflict("hostname and the network mode", err);
    if (request->links.count)
        return conflict("container type network can't be used with links. This would "
                        "result in undefined behavior",
                        err);
    if (request->dns.count)
        return conflict("dns and the network mode", err);
    if (request->add_hosts.count)
        return conflict("custom host-to-IP mapping and the network mode", err);
    if (request->mac)
        return conflict("mac-address and the network mode", err);
    if (request->publish.count || request->publish_all)
        return conflict("port publishing and the container type network mode", err);
    if (request->expose.count)
        return conflict("port exposing and the container type network mode", err);
    if (request->network_aliases.count)
        return cb_error_set(err, CB_ERR_USAGE,
                            "network-scoped alias is supported only for containers in "
                            "user defined networks");
    return 0;
}

static int find_linked(struct cb_store *store, const struct cb_link *link,
                       struct cb_container **out, struct cb_error **err)
{
    if (cb_container_find(store, link->container, out, err) == 0)
        return 0;
    return cb_error_wrap(err, "could not get container for %s", link->container);
}

static int check_modes(const struct cb_run_request *request, struct cb_error **err)
{
    if (container_of(request))
        return check_container_mode(request, err);
    if (!request->network || strcmp(request->network, "host") != 0)
        return 0;
    if (request->links.count)
        return conflict("host type networking can't be used with links. This would "
                        "result in undefined behavior",
                        err);
    if (request->mac)
        return conflict("mac-address and the network mode", err);
    return 0;
}

int cb_neighbours_check(struct cb_store *store, const struct cb_run_request *request,
                        struct cb_error **err)
{
    const char *of = container_of(request);
    cb_auto(cb_container) other = NULL;

    if (check_modes(request, err) < 0)
        return -1;
    if (of && cb_container_find(store, of, &other, err) < 0)
        return -1;
    cb_vec_foreach (text, &request->links) {
        cb_auto_value(cb_link) link = {0};
        cb_auto(cb_container) linked = NULL;

        if (cb_link_parse(&link, *text, err) < 0 ||
            find_linked(store, &link, &linked, err) < 0)
            return -1;
    }
    return 0;
}

/* ── --link ── */

/* What it exposes, or publishes. */
static int collect_ports(const struct cb_container *container, struct cb_ports *out,
                         struct cb_error **err)
{
    const struct cb_run_request *request = &container->options.request;

    cb_vec_foreach (text, &container->config->exposed_ports) {
        if (cb_ports_expose(out, *text, err) < 0)
            return -1;
    }
    cb_vec_foreach (text, &request->expose) {
        if (cb_ports_expose(out, *text, err) < 0)
            return -1;
    }
    cb_vec_foreach (text, &request->publish) {
        if (cb_ports_parse(out, *text, err) < 0)
            return -1;
    }
    return 0;
}

static const char *address_on(const struct cb_container *container, const char *network)
{
    const json_t *networks = json_object_get(container->state.network, "Networks");
    const char *ip = json_string_value(
        json_object_get(json_object_get(networks, network), "IPAddress"));

    return ip && *ip ? ip : NULL;
}

/* One line for all names of a container: its alias, its host name, its name. */
static void add_host(struct cb_neighbours *out, const struct cb_link *link,
                     const struct cb_container *other, const char *ip)
{
    const char *hostname = other->options.request.hostname;
    cb_auto_value(cb_strbuf) line = {0};

    cb_strbuf_addf(&line, "%s", link->alias);
    if (hostname && *hostname)
        cb_strbuf_addf(&line, ",%s", hostname);
    else
        cb_strbuf_addf(&line, ",%.12s", other->id);
    if (strcmp(other->name, link->alias) != 0)
        cb_strbuf_addf(&line, ",%s", other->name);
    cb_strings_addf(&out->hosts, "%s:%s", cb_strbuf_text(&line), ip);
}

static int link_with(struct cb_neighbours *out, const struct cb_link *link,
                     const struct cb_container *other, const char *network,
                     const char *name, struct cb_error **err)
{
    const char *ip = address_on(other, network);
    cb_auto_value(cb_ports) ports = {0};
    cb_auto_value(cb_strings) env = {0};
    struct cb_link_facts facts = {
        .alias = link->alias, .parent = name, .ip = ip, .ports = &ports, .env = &env};

    if (!ip)
        return cb_error_set(err, CB_ERR_USAGE,
                            "Cannot link to /%s, as it does not belong to the network %s",
                            other->name, network);
    add_host(out, link, other, ip);
    cb_strings_copy(&env, &other->config->env);
    cb_env_merge(&env, &other->options.request.env);
    if (collect_ports(other, &ports, err) < 0)
        return -1;
    cb_link_env(&facts, &out->env);
    return 0;
}

static const char *network_of(const struct cb_run_request *request)
{
    const char *network = request->network;

    return !network || !*network || strcmp(network, "default") == 0 ? "bridge" : network;
}

static int add_links(struct cb_neighbours *out, struct cb_store *store,
                     const struct cb_run_request *request, const char *name,
                     struct cb_error **err)
{
    cb_vec_foreach (text, &request->links) {
        cb_auto_value(cb_link) link = {0};
        cb_auto(cb_container) other = NULL;

        if (cb_link_parse(&link, *text, err) < 0 ||
            find_linked(store, &link, &other, err) < 0)
            return -1;
        if (!cb_container_is_running(other))
            return cb_error_set(err, CB_ERR_USAGE,
                                "Cannot link to a non running container: /%s AS /%s/%s",
                                other->name, name, link.alias);
        if (link_with(out, &link, other, network_of(request), name, err) < 0)
            return -1;
    }
    return 0;
}

int cb_neighbours_find(struct cb_neighbours *out, struct cb_store *store,
                       const struct cb_run_request *request, const char *name,
                       struct cb_error **err)
{
    const char *of = container_of(request);
    cb_auto(cb_container) other = NULL;

    if (check_modes(request, err) < 0 || add_links(out, store, request, name, err) < 0)
        return -1;
    if (!of)
        return 0;
    if (cb_container_find(store, of, &other, err) < 0)
        return -1;
    return cb_container_get_net(other, &out->net, err);
}
