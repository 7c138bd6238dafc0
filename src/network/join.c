/* Joining a named network. The address is a lease (addresses.c); the first
 * who joins makes the bridge, the last who leaves removes it, unless it is the one of all
 * containers that ask for no other. */
#include "network/named-priv.h"

#include "base/fs.h"
#include "base/log.h"
#include "network/attach-priv.h"
#include "network/names-priv.h"

#include <ctype.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define OWN_PREFIX "cbuild" /* the bridge of all, and those of private networks */

/* It becomes a word of rules, where `+` at its end means all that begin so. */
int cb_network_is_interface_name(const char *name)
{
    size_t len = strlen(name);

    return isalnum((unsigned char)*name) && len < IFNAMSIZ &&
           strncmp(name, OWN_PREFIX, strlen(OWN_PREFIX)) != 0 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_.-") == len;
}

/* NULL: nobody has chosen one. */
static const char *chosen_name(const struct cb_network_def *def)
{
    const char *name = cb_env_get(&def->options, CB_BRIDGE_NAME_OPTION);

    return name && !def->predefined && cb_network_is_interface_name(name) ? name : NULL;
}

char *cb_network_interface(const struct cb_network_def *def)
{
    const char *name = chosen_name(def);

    if (def->predefined)
        return xstrdup(CB_BRIDGE_INTERFACE);
    return name ? xstrdup(name) : xasprintf("br-%.*s", CB_NETWORK_ID_PART, def->id);
}

const struct cb_network_subnet *cb_network_subnet_of(const struct cb_network_def *def,
                                                     int family)
{
    for (size_t i = 0; i < def->subnet_count; i++)
        if (def->subnets[i].subnet.ip.family == family)
            return &def->subnets[i];
    return NULL;
}

const struct cb_network_subnet *cb_network_subnet_with(const struct cb_network_def *def,
                                                       const struct cb_ip *ip)
{
    for (size_t i = 0; ip->family && i < def->subnet_count; i++)
        if (cb_cidr_contains(&def->subnets[i].subnet, ip))
            return &def->subnets[i];
    return NULL;
}

char *cb_network_members(const struct cb_network_def *def)
{
    return xasprintf("net-%.*s-", CB_NETWORK_ID_PART, def->id);
}

/* ── Setting up ── */

static int has_names(const struct cb_network *network)
{
    if (!network->is_named)
        return !network->dns.count && cb_bridge_needs_resolver();
    if (cb_names_can())
        return 1;
    cb_warn("aardvark-dns is not installed: containers do not know each other's names; "
            "install the package aardvark-dns");
    return 0;
}

static void add_once(struct cb_strings *set, const char *text)
{
    if (!cb_strings_contain(set, text))
        cb_strings_add(set, text);
}

static int is_short_id(const struct cb_network *network, const char *name)
{
    return name && strlen(name) == CB_NETWORK_ID_PART &&
           strncmp(network->id, name, CB_NETWORK_ID_PART) == 0;
}

/* Itself, and with the network's name behind it. Names are looked up in small letters
 * only, and one that is there twice is answered twice. */
static void add_name(const struct cb_network *network, const char *name,
                     struct cb_strings *out)
{
    cb_autofree char *both = xasprintf("%s.%s", name, network->def->name);

    for (char *c = both; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    add_once(out, both);
    both[strlen(name)] = '\0';
    add_once(out, both);
}

/* The container's, its aliases, its hostname and its short id. */
static void collect_names(const struct cb_network *network, struct cb_strings *out)
{
    if (!network->is_named)
        return;
    if (network->name)
        add_name(network, network->name, out);
    cb_vec_foreach (alias, &network->aliases)
        add_name(network, *alias, out);
    if (network->hostname)
        add_name(network, network->hostname, out);
    if (network->id && !is_short_id(network, network->name)) {
        cb_autofree char *id = xstrndup(network->id, CB_NETWORK_ID_PART);

        add_name(network, id, out);
    }
}

/* Docker's: from the address, so that nobody else on the network has it. */
char *cb_network_mac(const struct cb_network *network, const struct cb_ip *ip)
{
    if (network->mac)
        return xstrdup(network->mac);
    return xasprintf("02:42:%02x:%02x:%02x:%02x", ip->bytes[0], ip->bytes[1],
                     ip->bytes[2], ip->bytes[3]);
}

static void fill_facts(struct cb_network *network, const struct cb_attachment *attachment)
{
    const struct cb_network_subnet *subnet = cb_network_subnet_of(network->def, AF_INET);
    const struct cb_network_subnet *wide = cb_network_subnet_of(network->def, AF_INET6);

    network->facts =
        (struct cb_network_facts){.address = attachment->ips[0],
                                  .address6 = attachment->ips[1],
                                  .bits = subnet->subnet.bits,
                                  .bits6 = wide ? wide->subnet.bits : 0,
                                  .host = subnet->gateway,
                                  .has_names = attachment->names && network->is_named};
    if (wide)
        network->facts.gateway6 = wide->gateway;
    if (attachment->names)
        network->facts.resolver = network->facts.host;
}

static int join(struct cb_network *network, struct cb_attachment *attachment, int fd,
                void **state, struct cb_cancel *cancel, struct cb_error **err)
{
    const struct cb_network_def *def = network->def;
    cb_auto(cb_net_lease) lease = NULL;
    cb_auto_value(cb_strings) names = {0};
    cb_autofree char *id = NULL;
    cb_autofree char *mac = NULL;
    struct cb_attached *attached;
    char ip[CB_IP_MAX_TEXT];

    attachment->names = has_names(network);
    if (cb_network_take_addresses(network, attachment->ips, &lease, err) < 0)
        return -1;
    collect_names(network, &names);
    id = xasprintf("%s%s", def->id, cb_ip_text(&attachment->ips[0], ip));
    mac = network->id ? cb_network_mac(network, &attachment->ips[0])
                      : xstrdup(network->mac);
    attachment->id = network->id ? network->id : id;
    attachment->name = network->name ? network->name : attachment->network;
    attachment->aliases = &names;
    attachment->mac = mac;
    if (cb_attached_new(&attached, &lease, attachment, fd, cancel, err) < 0)
        return -1;
    fill_facts(network, attachment);
    free(network->mac);
    network->mac = cb_steal(&mac);
    *state = attached;
    return 0;
}

/* What is said of the bridge, in texts that the attachment borrows. */
struct bridge_texts {
    char *interface, *name, *members;
};

static void bridge_texts_clear(struct bridge_texts *texts)
{
    free(texts->interface);
    free(texts->name);
    free(texts->members);
}
CB_AUTO_VALUE_DEFINE(bridge_texts, bridge_texts_clear)

static struct cb_attachment attachment_of(const struct cb_network *network,
                                          struct bridge_texts *texts)
{
    const struct cb_network_def *def = network->def;

    texts->interface = cb_network_interface(def);
    texts->name = xasprintf("cb%.*s", CB_NETWORK_ID_PART, def->id);
    texts->members = cb_network_members(def);
    return (struct cb_attachment){.network = texts->name,
                                  .interface = texts->interface,
                                  .members = texts->members,
                                  .inside = network->interface,
                                  .subnets = def->subnets,
                                  .subnet_count = def->subnet_count,
                                  .dns = &network->dns,
                                  .ports = &network->ports,
                                  .mtu = cb_network_mtu(def),
                                  .internal = def->internal,
                                  .is_apart = cb_network_is_off(def, CB_ICC_OPTION),
                                  .keeps_addresses =
                                      cb_network_is_off(def, CB_MASQUERADE_OPTION),
                                  .is_chosen = chosen_name(def) != NULL,
                                  .stays = def->predefined,
                                  .is_further = network->joins};
}

/* Its bridge is only there while containers are on it: in between somebody else may have
 * taken the same addresses. */
static void warn_of_others(const struct cb_network *network, const char *interface)
{
    const struct cb_network_def *def = network->def;

    for (size_t i = 0; !def->predefined && i < def->subnet_count; i++) {
        cb_autofree char *route = NULL;
        char text[CB_CIDR_MAX_TEXT];

        if (!cb_routes_compete(&def->subnets[i].subnet, interface, &route))
            continue;
        cb_warn("network %s: the host has its addresses (%s) on another interface, too "
                "(route %s): names and published ports may not work; `cbuild network "
                "rm` and `create` give it others",
                def->name, cb_cidr_text(&def->subnets[i].subnet, text), route);
    }
}

int cb_network_join_bridge(struct cb_network *network, int fd, void **state,
                           struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto_value(bridge_texts) texts = {0};
    struct cb_attachment attachment = attachment_of(network, &texts);

    if (cb_attach_check(err) < 0)
        return -1;
    warn_of_others(network, texts.interface);
    return join(network, &attachment, fd, state, cancel, err);
}

int cb_network_publish_bridge(struct cb_network *network, void *state,
                              struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto_value(bridge_texts) texts = {0};
    struct cb_attachment attachment = attachment_of(network, &texts);

    attachment.ips[0] = network->facts.address;
    attachment.ips[1] = network->facts.address6;
    attachment.names = network->facts.resolver.family != 0;
    return cb_attached_publish(state, &attachment, cancel, err);
}

int cb_network_rename_bridge(struct cb_network *network, void *state,
                             struct cb_error **err)
{
    cb_autofree char *file = xasprintf("cb%.*s", CB_NETWORK_ID_PART, network->def->id);
    struct cb_names names = {.network = file,
                             .id = network->id,
                             .gateway = {network->facts.host},
                             .ips = {network->facts.address},
                             .netns = network->fd};
    int status = 0;

    if (cb_attached_rename(state, network->name, err) < 0)
        return -1;
    collect_names(network, &names.names);
    if (network->facts.has_names && names.names.count)
        status = cb_names_rename(&names, err);
    cb_strings_free(&names.names);
    return status;
}

static void tear_down(void *state)
{
    cb_attached_free(state);
}

static void leave(void *state)
{
    cb_attached_leave(state);
}

static int names_net(void *state)
{
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

const struct cb_network_backend cb_backend_named = {.name = "iptables-restore",
                                                    .set_up = cb_network_join_bridge,
                                                    .tear_down = tear_down,
                                                    .leave = leave,
                                                    .publish = cb_network_publish_bridge,
                                                    .rename = cb_network_rename_bridge,
                                                    .names_net = names_net};
