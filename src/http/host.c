/* What a host in a URL or a reference is: a name, an address, one of a range, this
 * machine itself. */
#include "http/http.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

int cb_host_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    size_t len = strlen(host);

    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcasecmp(host, "localhost") == 0 ||
           (len > 10 && strcasecmp(host + len - 10, ".localhost") == 0);
}

int cb_host_is_address(const char *host)
{
    unsigned char bytes[16];

    if (inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1)
        return 1;
    /* 127.1, 0x7f000001 and 2130706433 are addresses too: the last label decides. */
    return isdigit((unsigned char)*host) &&
           strspn(host, "0123456789abcdefx.") == strlen(host);
}

int cb_range_parse(struct cb_address_range *out, const char *text)
{
    const char *slash = strchr(text, '/');
    cb_autofree char *network = slash ? xstrndup(text, (size_t)(slash - text)) : NULL;
    size_t digits = slash ? strspn(slash + 1, "0123456789") : 0;

    if (digits < 1 || digits > 3 || slash[1 + digits])
        return -1;
    out->family = strchr(network, ':') ? AF_INET6 : AF_INET;
    out->bits = atoi(slash + 1);
    if (out->bits > (out->family == AF_INET ? 32 : 128))
        return -1;
    return inet_pton(out->family, network, out->network) == 1 ? 0 : -1;
}

int cb_range_has(const char *range, const char *address)
{
    struct cb_address_range wanted;
    unsigned char bytes[16];

    if (cb_range_parse(&wanted, range) < 0 ||
        inet_pton(wanted.family, address, bytes) != 1)
        return 0;
    for (int i = 0; i < wanted.bits; i++) {
        if (((wanted.network[i / 8] ^ bytes[i / 8]) >> (7 - i % 8)) & 1)
            return 0;
    }
    return 1;
}
