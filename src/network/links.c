/* Bridges and pairs of interfaces. Both ends of a pair are made by one request, each in
 * its namespace, with its name, its address and its bridge: nobody sees them half done,
 * and there is nothing to take back when the request fails. They go with the namespace
 * of the inner end, which the kernel dismantles without anybody waiting for it. */
#include "network/links-priv.h"

#include "base/fs.h"
#include "network/rtnl-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#define MAC_BYTES 6

static void begin_link(struct cb_rtnl_message *message, int type, int flags,
                       unsigned index)
{
    struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};

    cb_rtnl_begin(message, type, flags, &info, sizeof(info));
}

static void begin_new(struct cb_rtnl_message *message, const char *name, unsigned mtu)
{
    struct ifinfomsg info = {0};

    cb_rtnl_begin(message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
    cb_rtnl_add_text(message, IFLA_IFNAME, name);
    cb_rtnl_add_u32(message, IFLA_MTU, mtu);
}

unsigned cb_link_find(int rtnl, const char *name)
{
    struct cb_rtnl_message message, answer;
    struct ifinfomsg info;

    begin_link(&message, RTM_GETLINK, 0, 0);
    cb_rtnl_add_text(&message, IFLA_IFNAME, name);
    if (cb_rtnl_ask(rtnl, &message, &answer) < 0 ||
        answer.header.nlmsg_type != RTM_NEWLINK)
        return 0;
    memcpy(&info, answer.bytes + NLMSG_HDRLEN, sizeof(info));
    return (unsigned)info.ifi_index;
}

static int refuse(struct cb_error **err, const char *verb, const char *name)
{
    return cb_error_errno(err, errno, "%s interface `%s`", verb, name);
}

int cb_link_bring_up(int rtnl, unsigned link, struct cb_error **err)
{
    struct ifinfomsg info = {
        .ifi_index = (int)link, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    struct cb_rtnl_message message;

    cb_rtnl_begin(&message, RTM_NEWLINK, 0, &info, sizeof(info));
    if (cb_rtnl_ask(rtnl, &message, NULL) < 0)
        return cb_error_errno(err, errno, "bring up an interface");
    return 0;
}

/* ── Bridges ── */

/* Its own, so that it does not change with its ports. */
static void add_random_mac(struct cb_rtnl_message *message)
{
    unsigned char mac[MAC_BYTES] = {0x02, 0x42};

    if (getrandom(mac + 2, 4, 0) == 4)
        cb_rtnl_add(message, IFLA_ADDRESS, mac, sizeof(mac));
}

int cb_link_make_bridge(int rtnl, const char *name, unsigned mtu, struct cb_error **err)
{
    struct cb_rtnl_message message;
    size_t info;

    begin_new(&message, name, mtu);
    add_random_mac(&message);
    info = cb_rtnl_open_nest(&message, IFLA_LINKINFO);
    cb_rtnl_add_text(&message, IFLA_INFO_KIND, "bridge");
    cb_rtnl_close_nest(&message, info);
    return cb_rtnl_ask(rtnl, &message, NULL) < 0 ? refuse(err, "make", name) : 0;
}

/* ── Pairs ── */

static void add_mac(struct cb_rtnl_message *message, const char *text)
{
    unsigned bytes[MAC_BYTES];
    unsigned char mac[MAC_BYTES];

    if (!text || sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &bytes[0], &bytes[1], &bytes[2],
                        &bytes[3], &bytes[4], &bytes[5]) != MAC_BYTES)
        return;
    for (size_t i = 0; i < MAC_BYTES; i++)
        mac[i] = (unsigned char)bytes[i];
    cb_rtnl_add(message, IFLA_ADDRESS, mac, sizeof(mac));
}

static void add_peer(struct cb_rtnl_message *message, const struct cb_veth *veth)
{
    struct ifinfomsg info = {0};
    size_t link = cb_rtnl_open_nest(message, IFLA_LINKINFO), data, peer;

    cb_rtnl_add_text(message, IFLA_INFO_KIND, "veth");
    data = cb_rtnl_open_nest(message, IFLA_INFO_DATA);
    peer = cb_rtnl_open_nest(message, VETH_INFO_PEER);
    cb_rtnl_add_body(message, &info, sizeof(info));
    cb_rtnl_add_text(message, IFLA_IFNAME, veth->inside);
    cb_rtnl_add_u32(message, IFLA_MTU, veth->mtu);
    add_mac(message, veth->mac);
    cb_rtnl_add_u32(message, IFLA_NET_NS_FD, (uint32_t)veth->netns);
    cb_rtnl_close_nest(message, peer);
    cb_rtnl_close_nest(message, data);
    cb_rtnl_close_nest(message, link);
}

static int set_port(int rtnl, unsigned index, int attribute, unsigned char value)
{
    struct cb_rtnl_message message;
    struct ifinfomsg info = {.ifi_family = AF_BRIDGE, .ifi_index = (int)index};
    size_t port;

    cb_rtnl_begin(&message, RTM_SETLINK, 0, &info, sizeof(info));
    port = cb_rtnl_open_nest(&message, IFLA_PROTINFO);
    cb_rtnl_add(&message, attribute, &value, sizeof(value));
    cb_rtnl_close_nest(&message, port);
    return cb_rtnl_ask(rtnl, &message, NULL);
}

int cb_link_make_veth(int rtnl, const struct cb_veth *veth, struct cb_error **err)
{
    struct cb_rtnl_message message;
    unsigned outside;

    begin_new(&message, veth->outside, veth->mtu);
    if (veth->bridge)
        cb_rtnl_add_u32(&message, IFLA_MASTER, veth->bridge);
    add_peer(&message, veth);
    if (cb_rtnl_ask(rtnl, &message, NULL) < 0)
        return refuse(err, "make", veth->outside);
    outside = cb_link_find(rtnl, veth->outside);
    if ((veth->is_reflected && set_port(rtnl, outside, IFLA_BRPORT_MODE, 1) < 0) ||
        (veth->is_isolated && set_port(rtnl, outside, IFLA_BRPORT_ISOLATED, 1) < 0))
        return refuse(err, "set up", veth->outside);
    return cb_link_bring_up(rtnl, outside, err);
}

int cb_link_make_part(int rtnl, const struct cb_part *part, struct cb_error **err)
{
    const int is_ipvlan = strcmp(part->kind, "ipvlan") == 0;
    const uint16_t narrow = (uint16_t)part->mode;
    struct cb_rtnl_message message;
    size_t info, data;

    begin_link(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
    cb_rtnl_add_text(&message, IFLA_IFNAME, part->inside);
    cb_rtnl_add_u32(&message, IFLA_LINK, part->parent);
    add_mac(&message, part->mac);
    cb_rtnl_add_u32(&message, IFLA_NET_NS_FD, (uint32_t)part->netns);
    info = cb_rtnl_open_nest(&message, IFLA_LINKINFO);
    cb_rtnl_add_text(&message, IFLA_INFO_KIND, part->kind);
    data = cb_rtnl_open_nest(&message, IFLA_INFO_DATA);
    if (is_ipvlan)
        cb_rtnl_add(&message, IFLA_IPVLAN_MODE, &narrow, sizeof(narrow));
    else
        cb_rtnl_add_u32(&message, IFLA_MACVLAN_MODE, part->mode);
    cb_rtnl_close_nest(&message, data);
    cb_rtnl_close_nest(&message, info);
    if (cb_rtnl_ask(rtnl, &message, NULL) == 0)
        return 0;
    return cb_error_errno(err, errno, "failed to create the %s port", part->kind);
}

int cb_link_make_vlan(int rtnl, const char *name, unsigned parent, unsigned id,
                      struct cb_error **err)
{
    const uint16_t narrow = (uint16_t)id;
    struct cb_rtnl_message message;
    size_t info, data;

    begin_link(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
    cb_rtnl_add_text(&message, IFLA_IFNAME, name);
    cb_rtnl_add_u32(&message, IFLA_LINK, parent);
    info = cb_rtnl_open_nest(&message, IFLA_LINKINFO);
    cb_rtnl_add_text(&message, IFLA_INFO_KIND, "vlan");
    data = cb_rtnl_open_nest(&message, IFLA_INFO_DATA);
    cb_rtnl_add(&message, IFLA_VLAN_ID, &narrow, sizeof(narrow));
    cb_rtnl_close_nest(&message, data);
    cb_rtnl_close_nest(&message, info);
    if (cb_rtnl_ask(rtnl, &message, NULL) == 0)
        return 0;
    return cb_error_errno(err, errno, "failed to create %s vlan link", name);
}

int cb_link_remove(int rtnl, const char *name, struct cb_error **err)
{
    struct cb_rtnl_message message;

    begin_link(&message, RTM_DELLINK, 0, 0);
    cb_rtnl_add_text(&message, IFLA_IFNAME, name);
    if (cb_rtnl_ask(rtnl, &message, NULL) < 0 && errno != ENODEV)
        return refuse(err, "remove", name);
    return 0;
}

int cb_link_reflect(int rtnl, const char *name, struct cb_error **err)
{
    if (set_port(rtnl, cb_link_find(rtnl, name), IFLA_BRPORT_MODE, 1) < 0)
        return refuse(err, "set up", name);
    return 0;
}

void cb_link_mute(int rtnl, const char *name)
{
    unsigned index = cb_link_find(rtnl, name);

    if (!index)
        return;
    set_port(rtnl, index, IFLA_BRPORT_STATE, BR_STATE_DISABLED);
    set_port(rtnl, index, IFLA_BRPORT_FLUSH, 1);
}

/* ── Addresses and routes ── */

static size_t size_of(const struct cb_ip *ip)
{
    return ip->family == AF_INET ? 4 : 16;
}

int cb_link_add_address(int rtnl, unsigned link, const struct cb_cidr *address,
                        struct cb_error **err)
{
    struct ifaddrmsg info = {.ifa_family = (unsigned char)address->ip.family,
                             .ifa_prefixlen = (unsigned char)address->bits,
                             .ifa_index = link};
    struct cb_rtnl_message message;
    char text[CB_CIDR_MAX_TEXT];

    if (address->ip.family ==
        AF_INET6) /* addresses are ours to give: nobody else has it */
        info.ifa_flags = IFA_F_NODAD;
    cb_rtnl_begin(&message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
    cb_rtnl_add(&message, IFA_LOCAL, address->ip.bytes, size_of(&address->ip));
    cb_rtnl_add(&message, IFA_ADDRESS, address->ip.bytes, size_of(&address->ip));
    if (address->ip.family == AF_INET && address->bits < 31) {
        struct cb_ip last = cb_cidr_last(address);

        cb_rtnl_add(&message, IFA_BROADCAST, last.bytes, 4);
    }
    if (cb_rtnl_ask(rtnl, &message, NULL) == 0 || errno == EEXIST)
        return 0;
    return cb_error_errno(err, errno, "give an interface the address %s",
                          cb_cidr_text(address, text));
}

int cb_link_add_default_route(int rtnl, unsigned link, const struct cb_ip *gateway,
                              unsigned metric, struct cb_error **err)
{
    struct rtmsg info = {.rtm_family = (unsigned char)gateway->family,
                         .rtm_table = RT_TABLE_MAIN,
                         .rtm_protocol = RTPROT_STATIC,
                         .rtm_scope = RT_SCOPE_UNIVERSE,
                         .rtm_type = RTN_UNICAST};
    static const struct cb_ip nobody;
    struct cb_rtnl_message message;
    char text[CB_IP_MAX_TEXT];
    int has_gateway = memcmp(gateway->bytes, nobody.bytes, sizeof(nobody.bytes)) != 0;

    if (!has_gateway)
        info.rtm_scope = RT_SCOPE_LINK;
    cb_rtnl_begin(&message, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
    if (has_gateway)
        cb_rtnl_add(&message, RTA_GATEWAY, gateway->bytes, size_of(gateway));
    cb_rtnl_add_u32(&message, RTA_OIF, link);
    if (metric)
        cb_rtnl_add_u32(&message, RTA_PRIORITY, metric);
    if (cb_rtnl_ask(rtnl, &message, NULL) == 0)
        return 0;
    return cb_error_errno(err, errno, "add a route by %s", cb_ip_text(gateway, text));
}

/* ── Settings ── */

int cb_link_sysctl(const char *value, const char *path, ...)
{
    char name[256] = "/proc/sys/net/", now[16] = "";
    size_t start = strlen(name);
    cb_autofd int fd = -1;
    va_list args;

    va_start(args, path);
    vsnprintf(name + start, sizeof(name) - start, path, args);
    va_end(args);
    fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (read(fd, now, sizeof(now) - 1) > 0 && now[0] == value[0] && now[1] == '\n')
        return 0;
    cb_close(&fd);
    fd = open(name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    return cb_fs_write_all(fd, value, strlen(value));
}
