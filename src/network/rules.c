/* Which packets may go where, as rules for the chains of firewall.c. A network's rules
 * name its interface, so those of two networks never meet, and the order in which they
 * were added does not matter: CBUILD-INNER is asked first (who may not leave), then
 * CBUILD-INTO (who may come in), and at last CBUILD-OUT (the rest of what leaves). What
 * is for the host itself goes by CBUILD-HOST. */
#include "network/firewall-priv.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

void cb_rules_clear(struct cb_rules *rules)
{
    cb_strings_free(&rules->filter);
    cb_strings_free(&rules->nat);
}

/* Among themselves is asked first: where bridges show their frames to the packet filter
 * (br_netfilter), those come here too. */
static void add_ways(struct cb_rules *rules, const char *interface, int flags)
{
    const char *among = flags & CB_BRIDGE_APART ? "DROP" : "ACCEPT";

    if (flags & CB_BRIDGE_INTERNAL) {
        cb_strings_addf(&rules->filter, "CBUILD-INNER -i %s -o %s -j %s", interface,
                        interface, among);
        cb_strings_addf(&rules->filter, "CBUILD-INNER -i %s -j DROP", interface);
        cb_strings_addf(&rules->filter, "CBUILD-INNER -o %s -j DROP", interface);
        return;
    }
    cb_strings_addf(&rules->filter, "CBUILD-INTO -i %s -o %s -j %s", interface, interface,
                    among);
    cb_strings_addf(&rules->filter, "CBUILD-INTO -o %s -j CBUILD-GUARD", interface);
    cb_strings_addf(&rules->filter, "CBUILD-OUT -i %s -j CBUILD-LEAVE", interface);
}

/* Where packets from the host's loopback may leave to published ports (route_localnet),
 * others may come back the same way: not those that nobody has asked for, nor those that
 * claim to be the host's own. */
static void add_host_loopback(struct cb_rules *rules, const char *interface)
{
    if (rules->family != AF_INET)
        return;
    cb_strings_addf(&rules->filter,
                    "CBUILD-HOST -d 127.0.0.0/8 -i %s -m conntrack ! --ctstate "
                    "RELATED,ESTABLISHED -j DROP",
                    interface);
    cb_strings_addf(&rules->filter, "CBUILD-HOST -s 127.0.0.0/8 -i %s -j DROP",
                    interface);
    cb_strings_addf(&rules->nat, "CBUILD-MASQ -s 127.0.0.0/8 -o %s -j MASQUERADE",
                    interface);
}

/* Who reaches a published port from the same network, or from the host by its loopback,
 * is answered by way of us: otherwise the answer would go directly, or nowhere. */
void cb_rules_add_bridge(struct cb_rules *rules, const char *interface,
                         const struct cb_cidr *subnet, int flags)
{
    char text[CB_CIDR_MAX_TEXT];

    cb_cidr_text(subnet, text);
    add_ways(rules, interface, flags);
    if (flags & CB_BRIDGE_INTERNAL)
        return;
    if (flags & CB_BRIDGE_UNMASKED)
        add_host_loopback(rules, interface);
    else
        cb_rules_add_private(rules, interface, subnet);
    cb_strings_addf(&rules->nat,
                    "CBUILD-MASQ -s %s -o %s -m conntrack --ctstate DNAT -j MASQUERADE",
                    text, interface);
}

void cb_rules_add_private(struct cb_rules *rules, const char *interface,
                          const struct cb_cidr *subnet)
{
    char text[CB_CIDR_MAX_TEXT];

    cb_strings_addf(&rules->nat, "CBUILD-MASQ -s %s ! -o %s -j MASQUERADE",
                    cb_cidr_text(subnet, text), interface);
    add_host_loopback(rules, interface);
}

void cb_rules_add_names(struct cb_rules *rules, const char *interface,
                        const struct cb_ip *gateway)
{
    static const char *const protocols[] = {"udp", "tcp"};
    char text[CB_IP_MAX_TEXT];

    for (size_t i = 0; i < CB_ARRAY_SIZE(protocols); i++)
        cb_strings_addf(&rules->filter,
                        "CBUILD-HOST -d %s -i %s -p %s --dport 53 -j ACCEPT",
                        cb_ip_text(gateway, text), interface, protocols[i]);
}

/* ── Ports ── */

/* All addresses of the host are those of IPv4. What is sent to ::1 cannot be led
 * elsewhere. */
static int takes(const struct cb_rules *rules, const struct cb_port *port,
                 struct cb_ip *host)
{
    static const unsigned char any[16], loopback[16] = {[15] = 1};

    if (cb_ip_parse(host, *port->host_ip ? port->host_ip : "0.0.0.0") < 0 ||
        host->family != rules->family || memcmp(host->bytes, loopback, 16) == 0)
        return 0;
    if (memcmp(host->bytes, any, sizeof(any)) == 0)
        host->family = 0;
    return 1;
}

void cb_rules_add_ports(struct cb_rules *rules, const struct cb_ports *ports,
                        const struct cb_ip *target)
{
    const char *left = target->family == AF_INET6 ? "[" : "";
    const char *right = target->family == AF_INET6 ? "]" : "";
    char to[CB_IP_MAX_TEXT], at[CB_IP_MAX_TEXT];

    if (!ports || target->family != rules->family)
        return;
    cb_ip_text(target, to);
    cb_vec_foreach (port, ports) {
        const char *where = " -d ";
        struct cb_ip host;

        if (!takes(rules, port, &host))
            continue;
        cb_ip_text(&host, at);
        if (!host.family) {
            where = rules->family == AF_INET6 ? " ! -d " : "";
            snprintf(at, sizeof(at), "%s", *where ? "::1" : "");
        }
        cb_strings_addf(&rules->nat,
                        "CBUILD-DNAT%s%s -p %s --dport %u -j DNAT --to-destination "
                        "%s%s%s:%u",
                        where, at, port->protocol, port->host, left, to, right,
                        port->container);
    }
}

/* ── As they are recorded ── */

static json_t *texts_json(const struct cb_strings *texts)
{
    json_t *array = json_array();

    cb_vec_foreach (text, texts)
        json_array_append_new(array, json_string(*text));
    return array;
}

json_t *cb_rules_json(const struct cb_rules *rules)
{
    return json_pack("{s:o,s:o}", "filter", texts_json(&rules->filter), "nat",
                     texts_json(&rules->nat));
}

static void read_texts(struct cb_strings *texts, const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_is_string(json_array_get(array, i)))
            cb_strings_add(texts, json_string_value(json_array_get(array, i)));
}

void cb_rules_read(struct cb_rules *rules, const json_t *json)
{
    read_texts(&rules->filter, json_object_get(json, "filter"));
    read_texts(&rules->nat, json_object_get(json, "nat"));
}
