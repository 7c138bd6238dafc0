/* Published ports: -p and -P, in docker's grammar and words. Each port is opened on the
 * host's side for as long as it is published, though for root the kernel forwards what
 * comes in before any socket sees it: so two containers cannot have the same one, nor a
 * container and a server of the host. */
#include "network/network-priv.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_PORTS 65536
#define BACKLOG   1024

void cb_ports_free(struct cb_ports *ports)
{
    cb_vec_foreach (port, ports)
        free(port->host_ip);
    cb_vec_free(ports);
}

/* ── Parsing ── */

struct range {
    unsigned first, last;
};

static int parse_number(const char *text, size_t len, unsigned *out)
{
    *out = 0;
    if (!len || len > 5)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -1;
        *out = *out * 10 + (unsigned)(text[i] - '0');
    }
    return *out <= 65535 ? 0 : -1;
}

/* "80" or "8000-8010" */
static int parse_range(const char *text, struct range *out)
{
    size_t len = strcspn(text, "-");

    if (parse_number(text, len, &out->first) < 0)
        return -1;
    out->last = out->first;
    if (text[len] && parse_number(text + len + 1, strlen(text + len + 1), &out->last) < 0)
        return -1;
    return out->last >= out->first ? 0 : -1;
}

static const char *find_protocol(const char *text)
{
    static const char *const names[] = {"tcp", "udp", "sctp"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++)
        if (strcasecmp(names[i], text) == 0)
            return names[i];
    return NULL;
}

struct spec { /* its parts, as texts */
    char *ip, *host, *container, *protocol;
};

static void spec_clear(struct spec *spec)
{
    free(spec->ip);
    free(spec->host);
    free(spec->container);
    free(spec->protocol);
}
CB_AUTO_VALUE_DEFINE(spec, spec_clear)

/* From the right: container port, host port, address (which may hold colons itself). */
static void split_spec(struct spec *out, const char *text)
{
    cb_autofree char *rest = xstrndup(text, strcspn(text, "/"));
    const char *slash = strchr(text, '/');
    char *colon = strrchr(rest, ':');

    out->protocol = xstrdup(slash ? slash + 1 : "tcp");
    out->container = xstrdup(colon ? colon + 1 : rest);
    if (!colon)
        return;
    *colon = '\0';
    colon = strrchr(rest, ':');
    out->host = xstrdup(colon ? colon + 1 : rest);
    if (!colon)
        return;
    *colon = '\0';
    out->ip = xstrdup(rest);
}

static int check_ip(struct spec *spec, struct cb_error **err)
{
    size_t len = spec->ip ? strlen(spec->ip) : 0;
    struct cb_ip ip;

    if (!len)
        return 0;
    if (len > 2 && spec->ip[0] == '[' && spec->ip[len - 1] == ']') {
        memmove(spec->ip, spec->ip + 1, len - 2);
        spec->ip[len - 2] = '\0';
    }
    if (cb_ip_parse(&ip, spec->ip) == 0)
        return 0;
    return cb_error_set(err, CB_ERR_FLAG, "Invalid ip address: %s", spec->ip);
}

static int add_range(struct cb_ports *ports, const struct spec *spec,
                     const struct range *host, const struct range *container,
                     const char *protocol, struct cb_error **err)
{
    int any_of = container->first == container->last && host->last > host->first;

    if (ports->count + container->last - container->first >= MAX_PORTS)
        return cb_error_set(err, CB_ERR_FLAG, "too many ports are published");
    for (unsigned i = 0; i <= container->last - container->first; i++) {
        struct cb_port port = {.host_ip = xstrdup(spec->ip ? spec->ip : ""),
                               .host = (uint16_t)(host->first ? host->first + i : 0),
                               .last = (uint16_t)(any_of ? host->last : 0),
                               .container = (uint16_t)(container->first + i),
                               .is_picked = !host->first || any_of,
                               .protocol = protocol};

        cb_vec_push(ports, port);
    }
    return 0;
}

int cb_ports_parse(struct cb_ports *ports, const char *text, struct cb_error **err)
{
    cb_auto_value(spec) spec = {0};
    struct range host = {0}, container;
    const char *protocol;

    split_spec(&spec, text);
    if (check_ip(&spec, err) < 0)
        return -1;
    if (!*spec.container)
        return cb_error_set(err, CB_ERR_FLAG, "No port specified: %s<empty>", text);
    if (parse_range(spec.container, &container) < 0)
        return cb_error_set(err, CB_ERR_FLAG, "Invalid containerPort: %s",
                            spec.container);
    if (spec.host && *spec.host && parse_range(spec.host, &host) < 0)
        return cb_error_set(err, CB_ERR_FLAG, "Invalid hostPort: %s", spec.host);
    if (host.first && container.last - container.first != host.last - host.first &&
        container.first != container.last)
        return cb_error_set(
            err, CB_ERR_FLAG,
            "Invalid ranges specified for container and host Ports: %s and %s",
            spec.container, spec.host);
    protocol = find_protocol(spec.protocol);
    if (!protocol)
        return cb_error_set(err, CB_ERR_FLAG, "Invalid proto: %s", spec.protocol);
    if (!container.first)
        return cb_error_set(err, CB_ERR_FLAG, "Invalid containerPort: %s",
                            spec.container);
    return add_range(ports, &spec, &host, &container, protocol, err);
}

int cb_ports_expose(struct cb_ports *ports, const char *text, struct cb_error **err)
{
    cb_auto_value(spec) spec = {0};
    struct range container, none = {0};
    const char *protocol;

    split_spec(&spec, text);
    protocol = find_protocol(spec.protocol);
    if (spec.host || !protocol || parse_range(spec.container, &container) < 0 ||
        !container.first)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "the image exposes a malformed port: `%s`", text);
    return add_range(ports, &spec, &none, &container, protocol, err);
}

/* ── Opening ── */

static socklen_t make_address(const struct cb_ip *ip, uint16_t port,
                              struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof(*out));
    if (ip->family == AF_INET6) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        memcpy(&v6->sin6_addr, ip->bytes, 16);
        return sizeof(*v6);
    }
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    memcpy(&v4->sin_addr, ip->bytes, 4);
    return sizeof(*v4);
}

/* ANSWERS: connections will be taken by it, or by who opens the port anew, and those of
 * an earlier one may still be there. */
static int open_socket(const struct cb_port *port, int family, int answers)
{
    int type = strcmp(port->protocol, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
    int protocol = strcmp(port->protocol, "sctp") == 0 ? IPPROTO_SCTP : 0;
    int fd = socket(family, type | SOCK_CLOEXEC, protocol);
    int one = 1;

    if (fd >= 0 && family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (fd >= 0 && answers && type == SOCK_STREAM)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    return fd;
}

/* Two that listen cannot have the same. */
static int claim(const struct cb_port *port, int fd, int answers)
{
    return answers && strcmp(port->protocol, "tcp") == 0 ? listen(fd, BACKLOG) : 0;
}

/* What only holds the port shares it with nobody, not even with connections that an
 * earlier server has closed and the kernel remembers for a minute. Where nothing but
 * those is in the way a socket that would share can listen; once it has, it need do
 * neither. */
static int outlast(int fd, const struct sockaddr_storage *address, socklen_t len)
{
    const int on = 1, off = 0;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (const struct sockaddr *)address, len) < 0 || listen(fd, 0) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off)) < 0)
        return -1;
    return shutdown(fd, SHUT_RD);
}

static int bind_port(const struct cb_port *port, int fd, int answers,
                     const struct sockaddr_storage *address, socklen_t len)
{
    if (bind(fd, (const struct sockaddr *)address, len) == 0)
        return 0;
    if (errno != EADDRINUSE || answers || strcmp(port->protocol, "tcp") != 0)
        return -1;
    return outlast(fd, address, len);
}

/* Binds one number; errno tells what stands against it. The number the kernel picked is
 * noted. */
static int try_port(struct cb_port *port, uint16_t number, int answers, int *out)
{
    const char *text = *port->host_ip ? port->host_ip : "0.0.0.0";
    struct sockaddr_storage address;
    cb_autofd int fd = -1;
    struct cb_ip ip;
    socklen_t len;

    cb_ip_parse(&ip, text);
    len = make_address(&ip, number, &address);
    fd = open_socket(port, ip.family, answers);
    if (fd < 0 || bind_port(port, fd, answers, &address, len) < 0 ||
        claim(port, fd, answers) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        return -1;
    port->host =
        ntohs(ip.family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                    : ((struct sockaddr_in *)&address)->sin_port);
    *out = cb_steal_fd(&fd);
    return 0;
}

static int refuse(const struct cb_port *port, uint16_t number, struct cb_error **err)
{
    const char *ip = *port->host_ip ? port->host_ip : "0.0.0.0";
    int errnum = errno;

    if (errnum == EADDRINUSE)
        return cb_error_set(err, CB_ERR_EXISTS,
                            "Bind for %s:%u failed: port is already allocated", ip,
                            number);
    if (errnum == EPROTONOSUPPORT) {
        cb_error_set(err, CB_ERR_UNSUPPORTED,
                     "Bind for %s:%u failed: protocol not supported", ip, number);
        return cb_error_hint(err, "this kernel has no %s", port->protocol);
    }
    if (errnum != EACCES)
        return cb_error_errno(err, errnum, "Bind for %s:%u failed", ip, number);
    /* Without its number: that would be the command's. */
    cb_error_set(err, CB_ERR_DENIED, "Bind for %s:%u failed: permission denied", ip,
                 number);
    return cb_error_hint(err, "ports below net.ipv4.ip_unprivileged_port_start take "
                              "root; publish a higher one");
}

/* The host has no IPv6, and nobody asked for it. */
static int is_without(int errnum)
{
    return errnum == EAFNOSUPPORT || errnum == EADDRNOTAVAIL;
}

/* One number for PORT and, if there is one, its TWIN; *REFUSED is the one that could not
 * have it. */
static int try_both(struct cb_port *port, struct cb_port *twin, uint16_t number,
                    int answers, int fds[2], const struct cb_port **refused)
{
    cb_autofd int first = -1;

    *refused = port;
    if (try_port(port, number, answers, &first) < 0)
        return -1;
    *refused = twin;
    if (twin && try_port(twin, port->host, 1, &fds[1]) < 0 && !is_without(errno))
        return -1;
    fds[0] = cb_steal_fd(&first);
    return 0;
}

/* The kernel knows of one family what is free. */
#define PICKS 16

static int hold(struct cb_port *port, struct cb_port *twin, int answers, int fds[2],
                struct cb_error **err)
{
    const unsigned first = port->host;
    const unsigned last = port->last ? port->last : first ? first : PICKS;
    const struct cb_port *refused = port;

    for (unsigned number = first;; number++) {
        if (try_both(port, twin, (uint16_t)(first ? number : 0), answers, fds,
                     &refused) == 0)
            return 0;
        if (errno != EADDRINUSE || number == last)
            return refuse(refused, (uint16_t)(first ? number : port->host), err);
    }
}

/* Twins that the host cannot have are not published. */
static void keep_open_ones(struct cb_network *network)
{
    size_t kept = 0;

    for (size_t i = 0; i < network->ports.count; i++) {
        struct cb_port *port = &network->ports.items[i];

        if (port->is_twin && network->held.items[i] < 0) {
            free(port->host_ip);
            continue;
        }
        network->ports.items[kept] = *port;
        network->held.items[kept++] = network->held.items[i];
    }
    network->ports.count = network->held.count = kept;
}

int cb_ports_hold(struct cb_network *network, struct cb_error **err)
{
    const int answers = !cb_netns_is_ours();

    for (size_t i = 0; i < network->ports.count; i = network->held.count) {
        struct cb_port *port = &network->ports.items[i];
        struct cb_port *twin =
            i + 1 < network->ports.count && port[1].is_twin ? &port[1] : NULL;
        int fds[2] = {-1, -1};

        if (hold(port, twin, answers || cb_port_is_inward(port), fds, err) < 0) {
            cb_ports_let_go(network);
            return -1;
        }
        cb_vec_push(&network->held, fds[0]);
        if (twin)
            cb_vec_push(&network->held, fds[1]);
    }
    keep_open_ones(network);
    return 0;
}

void cb_ports_leave_ipv6(struct cb_network *network)
{
    for (size_t i = 0; i < network->held.count; i++)
        if (network->ports.items[i].is_twin)
            cb_close(&network->held.items[i]);
    keep_open_ones(network);
}

void cb_ports_let_go(struct cb_network *network)
{
    cb_vec_foreach (fd, &network->held)
        cb_close(fd);
    cb_vec_free(&network->held);
}
