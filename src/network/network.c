/* Chooses a kind of network by name, and sets it up once, when the first step asks. Where
 * there is more than one way to make it, the first that this host and user have is taken,
 * and one line says what the better one would need. */
#include "network/network-priv.h"

#include "base/log.h"
#include "base/thread.h"
#include "network/attach-priv.h"
#include "network/forward.h"
#include "network/named-priv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

static const struct cb_network_backend *const private_ways[] = {
    &cb_backend_bridge, &cb_backend_pasta, &cb_backend_slirp, NULL};
static const struct cb_network_backend *const shared_ways[] = {
    &cb_backend_shared, &cb_backend_met_shared, &cb_backend_bridge,
    &cb_backend_pasta,  &cb_backend_slirp,      NULL};
static const struct cb_network_backend *const named_ways[] = {
    &cb_backend_named, &cb_backend_met, &cb_backend_pasta, &cb_backend_slirp, NULL};
/* A namespace that is there already takes bridges only. */
static const struct cb_network_backend *const more_shared_ways[] = {
    &cb_backend_shared, &cb_backend_met_shared, NULL};
static const struct cb_network_backend *const more_named_ways[] = {&cb_backend_named,
                                                                   &cb_backend_met, NULL};
static const struct cb_network_backend *const direct_ways[] = {&cb_backend_direct, NULL};
static const struct cb_network_backend *const hub_ways[] = {&cb_backend_pasta,
                                                            &cb_backend_slirp, NULL};
static const struct cb_network_backend *const no_ways[] = {&cb_backend_nothing, NULL};
static const struct cb_network_class classes[] = {
    {.mode = "none"},
    {.mode = "host", .is_host = 1},
    {.mode = "default", .backends = private_ways},
    {.mode = "bridge", .backends = private_ways},
    {.mode = ":alone", .backends = no_ways},
    {.mode = CB_HUB_MODE, .backends = hub_ways},
};
static const struct cb_network_class shared = {.mode = "bridge", .backends = shared_ways};
static const struct cb_network_class named = {.mode = "named", .backends = named_ways};
static const struct cb_network_class more_shared = {.mode = "bridge",
                                                    .backends = more_shared_ways};
static const struct cb_network_class more_named = {.mode = "named",
                                                   .backends = more_named_ways};
static const struct cb_network_class direct = {.mode = "direct", .backends = direct_ways};
static const struct cb_network_class joined = {.mode = "container"};

/* ── Options ── */

static const struct cb_network_class *find_class(const char *mode)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(classes); i++)
        if (strcmp(classes[i].mode, mode) == 0)
            return &classes[i];
    return NULL;
}

/* Of another container, which is in the user namespace we are in unless it was started
 * without a network that could be shared. */
static int join_container(struct cb_network *network, const char *name,
                          const struct cb_network_options *options, struct cb_error **err)
{
    const struct cb_network_joined *with = options->joined;

    if (!*name)
        return cb_error_set(err, CB_ERR_USAGE,
                            "Invalid network mode: invalid container format "
                            "container:<name|id>");
    if (options->ports && options->ports->count)
        return cb_error_set(err, CB_ERR_USAGE,
                            "conflicting options: port publishing and the container "
                            "type network mode");
    if (!with)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "No such container: %s", name);
    network->class = cb_netns_is_same(with->netns) ? find_class("host") : &joined;
    network->hosts = xstrdup(with->hosts);
    network->resolv_conf = xstrdup(with->resolv_conf);
    if (network->class->is_host)
        return 0;
    if (!cb_netns_can_join(with->netns))
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "the network of %s belongs to another user namespace", name);
    network->fd = fcntl(with->netns, F_DUPFD_CLOEXEC, 3);
    return network->fd < 0 ? cb_error_errno(err, errno, "duplicate a descriptor") : 0;
}

/* Containers share a bridge, builds do not. */
static const struct cb_network_class *class_for(const struct cb_network_options *options,
                                                const struct cb_network_class *class)
{
    if (class->backends != private_ways || !options->id)
        return class;
    return options->netns ? &more_shared : &shared;
}

static int find_network(struct cb_network *network,
                        const struct cb_network_options *options, struct cb_error **err)
{
    if (strncmp(network->mode, "container:", 10) == 0)
        return join_container(network, network->mode + 10, options, err);
    network->class = find_class(network->mode);
    if (network->class) {
        network->class = class_for(options, network->class);
        return 0;
    }
    if (cb_networks_find(network->state_dir, network->mode, &network->def, err) < 0)
        return -1;
    if (network->def->config_only)
        return cb_error_set(err, CB_ERR_DENIED,
                            "cannot create endpoint on configuration-only network");
    network->class = cb_network_is_direct(network->def->driver) ? &direct
                     : options->netns                           ? &more_named
                                                                : &named;
    network->is_named = !network->def->predefined;
    if (network->def->predefined) { /* by its id */
        network->class = class_for(options, find_class(network->def->name));
        cb_network_def_free(cb_steal(&network->def));
    }
    return 0;
}

static int is_mac(const char *text)
{
    for (size_t i = 0; i < 17; i++)
        if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
            return 0;
    return text[17] == '\0';
}

/* What may stand in the resolvers' files. */
static int is_alias(const char *text)
{
    return *text && strlen(text) <= 253 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_.-") == strlen(text);
}

static int check_addresses(const struct cb_network *network, struct cb_error **err)
{
    struct cb_ip ip;

    if (network->ip && (cb_ip_parse(&ip, network->ip) < 0 || ip.family != AF_INET))
        return cb_error_set(err, CB_ERR_USAGE, "invalid IPv4 address: %s", network->ip);
    if (network->ip6 && (cb_ip_parse(&ip, network->ip6) < 0 || ip.family != AF_INET6))
        return cb_error_set(err, CB_ERR_USAGE, "invalid IPv6 address: %s", network->ip6);
    if (network->mac && !is_mac(network->mac))
        return cb_error_set(err, CB_ERR_FLAG, "%s is not a valid mac address",
                            network->mac);
    if ((network->ip || network->ip6) && !network->is_named)
        return cb_error_set(err, CB_ERR_USAGE,
                            "user specified IP address is supported on user defined "
                            "networks only");
    if (network->aliases.count && !network->is_named)
        return cb_error_set(err, CB_ERR_USAGE,
                            "network-scoped alias is supported only for containers in "
                            "user defined networks");
    for (size_t i = 0; i < network->aliases.count; i++) {
        const char *alias = network->aliases.items[i];

        if (!is_alias(alias))
            return cb_error_set(err, CB_ERR_USAGE, "invalid network alias: \"%s\"",
                                alias);
    }
    return 0;
}

static void copy_options(struct cb_network *network,
                         const struct cb_network_options *options)
{
    network->mode = xstrdup(options->mode && *options->mode ? options->mode : "default");
    network->state_dir = xstrdup(options->state_dir);
    network->id = xstrdup(options->id);
    network->name = xstrdup(options->name);
    if (options->hostname && is_alias(options->hostname))
        network->hostname = xstrdup(options->hostname);
    network->ip = xstrdup(options->ip);
    network->ip6 = xstrdup(options->ip6);
    network->mac = xstrdup(options->mac);
    network->interface = xstrdup(options->interface);
    if (options->aliases)
        cb_strings_copy(&network->aliases, options->aliases);
    if (options->links)
        cb_strings_copy(&network->links, options->links);
    if (options->dns)
        cb_strings_copy(&network->dns, options->dns);
    if (options->bridge_options &&
        (strcmp(network->mode, "default") == 0 || strcmp(network->mode, "bridge") == 0))
        cb_strings_copy(&network->bridge_options, options->bridge_options);
}

/* Nobody outside gets there. */
static int is_closed(const struct cb_network *network)
{
    return network->class->backends == no_ways || network->class == &direct ||
           (network->def && network->def->internal);
}

/* Without a network of its own there is nothing to publish. All addresses of the host are
 * those of both families. */
static void copy_ports(struct cb_network *network, const struct cb_ports *ports)
{
    const char *binding = cb_network_binding(network->def ? &network->def->options
                                                          : &network->bridge_options);

    if (!ports || !ports->count)
        return;
    if (!network->class->backends || is_closed(network))
        return;
    for (size_t i = 0; i < ports->count; i++) {
        struct cb_port port = ports->items[i];

        port.host_ip = xstrdup(*port.host_ip ? port.host_ip : binding);
        cb_vec_push(&network->ports, port);
        if (*port.host_ip || strcmp(port.protocol, "sctp") == 0)
            continue;
        port.host_ip = xstrdup("::");
        port.is_twin = 1;
        cb_vec_push(&network->ports, port);
    }
}

int cb_network_new(struct cb_network **out, const struct cb_network_options *options,
                   struct cb_error **err)
{
    cb_auto(cb_network) network = xcalloc(1, sizeof(*network));

    network->fd = -1;
    pthread_mutex_init(&network->lock, NULL);
    copy_options(network, options);
    if (find_network(network, options, err) < 0 || check_addresses(network, err) < 0)
        return -1;
    if (options->netns) {
        network->joins = 1;
        network->fd = fcntl(*options->netns, F_DUPFD_CLOEXEC, 3);
    }
    copy_ports(network, options->ports);
    *out = cb_steal(&network);
    return 0;
}

/* ── Setting up ── */

int cb_network_is_host(const struct cb_network *network)
{
    return network->class->is_host;
}

const struct cb_ports *cb_network_ports(const struct cb_network *network)
{
    return &network->ports;
}

static int is_bridge(const struct cb_network_backend *way)
{
    return way == &cb_backend_bridge || way == &cb_backend_named ||
           way == &cb_backend_shared || way == &cb_backend_met ||
           way == &cb_backend_met_shared;
}

/* Containers get IPv6 from a network that has it, as docker's do; who connects them by
 * other ways gives them what he likes. */
static int try_way(struct cb_network *network, const struct cb_network_backend *way,
                   struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (network->joins)
        fd = cb_steal_fd(&network->fd);
    else if (cb_netns_new(network->id && (is_bridge(way) || way == &cb_backend_direct),
                          &fd, err) < 0)
        return -1;
    if (way->set_up(network, fd, &network->state, cancel, err) < 0) {
        if (network->joins)
            network->fd = cb_steal_fd(&fd);
        return -1;
    }
    network->backend = way;
    network->fd = cb_steal_fd(&fd);
    return 0;
}

/* Another way is worth trying when this one is not there; where nobody asked for a
 * certain network, also when it does not work. */
static int may_go_on(const struct cb_network *network, const struct cb_error *error)
{
    enum cb_error_kind kind = cb_error_kind(error);

    return kind == CB_ERR_NOT_FOUND || kind == CB_ERR_UNSUPPORTED ||
           (!network->is_named && kind != CB_ERR_CANCELED && kind != CB_ERR_USAGE);
}

/* Without root nobody expects a bridge. */
static int is_expected(const struct cb_network_backend *way, const struct cb_error *error)
{
    return is_bridge(way) && cb_error_kind(error) == CB_ERR_UNSUPPORTED;
}

const char *cb_network_helper(struct cb_error **why_not)
{
    for (const struct cb_network_backend *const *way = private_ways; *way; way++) {
        cb_auto(cb_error) error = NULL;

        if ((*way)->check(&error) == 0)
            return (*way)->name;
        if (!*why_not && !is_expected(*way, error))
            *why_not = cb_steal(&error);
    }
    return NULL;
}

static void tell(struct cb_network *network, const char *what, const char *then,
                 const struct cb_error *missing)
{
    const char *hint = cb_error_hint_text(missing);
    cb_autofree char *text = xasprintf("%s%s%s%s%s", cb_error_message(missing), what,
                                       then, hint ? "; " : "", hint ? hint : "");

    if (strcmp(network->mode, CB_HUB_MODE) == 0)
        network->told = cb_steal(&text);
    else
        cb_warn("%s", text);
}

/* Without any way to the outside a step still has a network: lo. What was asked for by
 * name, or to be reached from outside, is another matter. */
static int do_without(struct cb_network *network, struct cb_error **missing,
                      struct cb_error **err)
{
    if (network->is_named || network->joins || network->ports.count)
        return cb_error_move(err, missing);
    if (cb_netns_new(0, &network->fd, err) < 0)
        return -1;
    tell(network,
         strcmp(network->mode, CB_HUB_MODE) == 0 ? ": containers reach each other only"
                                                 : ": there is no network but lo",
         "", *missing);
    return 0;
}

static int find_way(struct cb_network *network, struct cb_cancel *cancel,
                    struct cb_error **err)
{
    const struct cb_network_backend *const *way = network->class->backends;
    cb_auto(cb_error) missing = NULL;

    for (; *way; way++) {
        cb_auto(cb_error) error = NULL;

        if (try_way(network, *way, cancel, &error) == 0) {
            if (missing && cb_error_kind(missing) != CB_ERR_UNSUPPORTED)
                tell(network, ", used instead is ", (*way)->name, missing);
            return 0;
        }
        if (!may_go_on(network, error))
            return cb_error_move(err, &error);
        if (!missing && (!is_expected(*way, error) || network->joins))
            missing = cb_steal(&error);
    }
    return do_without(network, &missing, err);
}

static int set_up(struct cb_network *network, struct cb_cancel *cancel,
                  struct cb_error **err)
{
    if (network->ports.count) /* rules of a killed one would still lead to its address */
        cb_attach_sweep();
    if (cb_ports_hold(network, err) < 0)
        return -1;
    if (find_way(network, cancel, err) < 0) {
        cb_ports_let_go(network);
        return -1;
    }
    network->is_set_up = 1;
    return cb_ports_lead_inward(network, err);
}

int cb_network_netns(struct cb_network *network, struct cb_cancel *cancel, int *fd,
                     struct cb_error **err)
{
    int status = 0;

    pthread_mutex_lock(&network->lock);
    if (network->class->backends && !network->is_set_up)
        status = set_up(network, cancel, err);
    if (status == 0)
        *fd = network->fd;
    pthread_mutex_unlock(&network->lock);
    return status;
}

static int open_ports(struct cb_network *network, struct cb_cancel *cancel,
                      struct cb_error **err)
{
    if (cb_ports_hold(network, err) < 0 ||
        network->backend->publish(network, network->state, cancel, err) < 0)
        return -1;
    return cb_ports_lead_inward(network, err);
}

int cb_network_publish(struct cb_network *network, const struct cb_ports *ports,
                       struct cb_cancel *cancel, struct cb_error **err)
{
    if (!network->backend || !network->backend->publish || network->ports.count)
        return 0;
    copy_ports(network, ports);
    if (!network->ports.count || open_ports(network, cancel, err) == 0)
        return 0;
    cb_ports_let_go(network);
    cb_ports_free(&network->ports);
    network->ports = (struct cb_ports){0};
    return -1;
}

int cb_network_rename(struct cb_network *network, const char *name, struct cb_error **err)
{
    free(network->name);
    network->name = xstrdup(name);
    if (!network->backend || !network->backend->rename)
        return 0;
    return network->backend->rename(network, network->state, err);
}

/* What fails here fails again, and is told, when it is asked for. */
static void *begin(void *arg)
{
    struct cb_network *network = arg;
    int fd;

    cb_network_netns(network, network->cancel, &fd, NULL);
    return NULL;
}

void cb_network_begin(struct cb_network *network, struct cb_cancel *cancel)
{
    pthread_mutex_lock(&network->lock);
    if (network->class->backends && !network->is_set_up && !network->has_begun) {
        network->cancel = cancel;
        network->has_begun = cb_thread_start(&network->beginning, begin, network) == 0;
    }
    pthread_mutex_unlock(&network->lock);
}

void cb_network_free(struct cb_network *network)
{
    if (!network)
        return;
    if (network->has_begun)
        pthread_join(network->beginning, NULL);
    cb_forwarder_stop(network->forwarder);
    if (network->backend)
        network->backend->tear_down(network->state);
    if (network->class && network->class->backends)
        cb_attach_sweep();
    cb_ports_let_go(network);
    cb_close(&network->fd);
    pthread_mutex_destroy(&network->lock);
    cb_network_def_free(network->def);
    cb_ports_free(&network->ports);
    cb_strings_free(&network->aliases);
    cb_strings_free(&network->links);
    cb_strings_free(&network->dns);
    cb_strings_free(&network->bridge_options);
    free(network->mode);
    free(network->state_dir);
    free(network->id);
    free(network->name);
    free(network->hostname);
    free(network->ip);
    free(network->ip6);
    free(network->mac);
    free(network->interface);
    free(network->hosts);
    free(network->resolv_conf);
    free(network->told);
    free(network);
}

void cb_network_leave(struct cb_network *network)
{
    if (network && network->backend && network->backend->leave)
        network->backend->leave(network->state);
    cb_network_free(network);
}
