/* What the host's routing tables say: which subnets are taken, how large frames may be,
 * and the address others know the host by. /proc/net/route has addresses in network byte
 * order printed as host integers, /proc/net/ipv6_route as 32 hex digits. */
#include "network/network-priv.h"

#include "base/fs.h"
#include "base/strbuf.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define TABLE_MAX_BYTES (4u << 20)
#define DEFAULT_MTU     1500
#define LEAST_MTU       576

struct route {
    struct cb_cidr to;
    char device[IFNAMSIZ];
};

static int bits_of(unsigned mask)
{
    return __builtin_popcount(mask);
}

static int parse_ipv4(struct route *out, const char *line)
{
    unsigned destination, mask;

    if (sscanf(line, "%15s %x %*x %*x %*d %*d %*d %x", out->device, &destination,
               &mask) != 3)
        return -1;
    out->to = (struct cb_cidr){.ip.family = AF_INET, .bits = (unsigned)bits_of(mask)};
    memcpy(out->to.ip.bytes, &destination, 4);
    return 0;
}

/* Routes to a single address or for multicast and link-local traffic are on every host
 * and take no subnet. */
static int parse_ipv6(struct route *out, const char *line)
{
    char hex[33];
    unsigned bits;

    if (sscanf(line, "%32s %x %*s %*x %*s %*x %*x %*x %*x %15s", hex, &bits,
               out->device) != 3 ||
        strlen(hex) != 32 || bits > 127)
        return -1;
    out->to = (struct cb_cidr){.ip.family = AF_INET6, .bits = bits};
    for (size_t i = 0; i < 16; i++) {
        unsigned byte = 0;

        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            return -1;
        out->to.ip.bytes[i] = (unsigned char)byte;
    }
    if (out->to.ip.bytes[0] == 0xff || strcmp(out->device, "lo") == 0 ||
        (out->to.ip.bytes[0] == 0xfe && (out->to.ip.bytes[1] & 0xc0) == 0x80))
        return -1;
    return 0;
}

/* Calls VISIT for each route in FILE until it answers 1. */
static int each_route(int family, const char *file,
                      int (*visit)(void *arg, const struct route *route), void *arg)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *line;

    if (cb_fs_read_file(AT_FDCWD, file, TABLE_MAX_BYTES, &text, NULL) < 0)
        return 0;
    line = cb_strbuf_text(&text);
    while (*line) {
        struct route route = {0};
        int parsed =
            family == AF_INET ? parse_ipv4(&route, line) : parse_ipv6(&route, line);

        if (parsed == 0 && visit(arg, &route))
            return 1;
        line = strchrnul(line, '\n');
        line += *line == '\n';
    }
    return 0;
}

struct search {
    const struct cb_cidr *subnet;
    const char *own;
    char **what;
    unsigned least; /* bits of routes that are meant */
};

static int is_in_the_way(void *arg, const struct route *route)
{
    struct search *search = arg;
    char text[CB_CIDR_MAX_TEXT];

    if (!route->to.bits || route->to.bits < search->least ||
        !cb_cidr_overlap(&route->to, search->subnet) ||
        (search->own && strcmp(route->device, search->own) == 0))
        return 0;
    if (search->what)
        *search->what =
            xasprintf("%s dev %s", cb_cidr_text(&route->to, text), route->device);
    return 1;
}

/* Of the network this thread is in, and of the process's own. */
int cb_routes_cover(const struct cb_cidr *subnet, const char *own, char **what)
{
    static const char *const files[][2] = {
        {"/proc/thread-self/net/route", "/proc/self/net/route"},
        {"/proc/thread-self/net/ipv6_route", "/proc/self/net/ipv6_route"}};
    struct search search = {.subnet = subnet, .own = own, .what = what};
    const int family = subnet->ip.family;
    const char *const *of = files[family == AF_INET6];
    struct stat here, home;

    if (each_route(family, of[0], is_in_the_way, &search))
        return 1;
    search.own = NULL; /* there it would be another's */
    return stat("/proc/thread-self/ns/net", &here) == 0 &&
           stat("/proc/self/ns/net", &home) == 0 && here.st_ino != home.st_ino &&
           each_route(family, of[1], is_in_the_way, &search);
}

int cb_routes_compete(const struct cb_cidr *subnet, const char *own, char **what)
{
    struct search search = {
        .subnet = subnet, .own = own, .what = what, .least = subnet->bits};

    return each_route(subnet->ip.family,
                      subnet->ip.family == AF_INET6 ? "/proc/thread-self/net/ipv6_route"
                                                    : "/proc/thread-self/net/route",
                      is_in_the_way, &search);
}

struct finding {
    const char *interface;
    struct cb_cidr *out;
};

static int note_subnet(void *arg, const struct route *route)
{
    struct finding *finding = arg;

    if (!route->to.bits || strcmp(route->device, finding->interface) != 0)
        return 0;
    *finding->out = route->to;
    return 1;
}

int cb_routes_find(const char *interface, struct cb_cidr *out)
{
    struct finding finding = {interface, out};

    return each_route(AF_INET, "/proc/thread-self/net/route", note_subnet, &finding);
}

static unsigned interface_mtu(const char *name)
{
    struct ifreq request = {0};
    cb_autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%.15s", name);
    return fd >= 0 && ioctl(fd, SIOCGIFMTU, &request) == 0 ? (unsigned)request.ifr_mtu
                                                           : 0;
}

static int note_mtu(void *arg, const struct route *route)
{
    unsigned *least = arg;
    unsigned mtu = route->to.bits ? 0 : interface_mtu(route->device);

    if (mtu >= LEAST_MTU && mtu < *least)
        *least = mtu;
    return 0;
}

unsigned cb_routes_mtu(void)
{
    unsigned least = DEFAULT_MTU;

    each_route(AF_INET, "/proc/thread-self/net/route", note_mtu, &least);
    return least;
}

static int is_default(void *arg, const struct route *route)
{
    return !route->to.bits;
}

int cb_routes_lead_out(int family)
{
    return each_route(family,
                      family == AF_INET6 ? "/proc/thread-self/net/ipv6_route"
                                         : "/proc/thread-self/net/route",
                      is_default, NULL);
}

/* Connecting a datagram socket sends nothing; the kernel only picks the way out. */
int cb_routes_own_address(struct cb_ip *out)
{
    struct sockaddr_in far = {.sin_family = AF_INET, .sin_port = htons(9)};
    socklen_t len = sizeof(far);
    cb_autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, "198.51.100.1", &far.sin_addr); /* RFC 5737: nobody's */
    if (fd < 0 || connect(fd, (struct sockaddr *)&far, sizeof(far)) < 0 ||
        getsockname(fd, (struct sockaddr *)&far, &len) < 0 || !far.sin_addr.s_addr)
        return -1;
    *out = (struct cb_ip){.family = AF_INET};
    memcpy(out->bytes, &far.sin_addr, 4);
    return 0;
}
