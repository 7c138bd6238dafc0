/* IP addresses and subnets, of both families alike: bytes, most significant first. */
#include "network/address.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static size_t size_of(int family)
{
    return family == AF_INET ? 4 : 16;
}

int cb_ip_parse(struct cb_ip *out, const char *text)
{
    struct cb_ip ip = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};

    if (inet_pton(ip.family, text, ip.bytes) != 1)
        return -1;
    *out = ip;
    return 0;
}

const char *cb_ip_text(const struct cb_ip *ip, char buffer[CB_IP_MAX_TEXT])
{
    buffer[0] = '\0';
    if (ip->family)
        inet_ntop(ip->family, ip->bytes, buffer, CB_IP_MAX_TEXT);
    return buffer;
}

int cb_ip_equal(const struct cb_ip *a, const struct cb_ip *b)
{
    return a->family == b->family && !memcmp(a->bytes, b->bytes, size_of(a->family));
}

void cb_ip_increment(struct cb_ip *ip)
{
    for (size_t i = size_of(ip->family); i-- > 0;)
        if (++ip->bytes[i])
            return;
}

int cb_cidr_parse(struct cb_cidr *out, const char *text)
{
    const char *slash = strchr(text, '/');
    cb_autofree char *address = NULL;
    struct cb_cidr cidr = {0};
    size_t digits = slash ? strspn(slash + 1, "0123456789") : 0;

    if (!slash || !digits || digits > 3 || slash[1 + digits] ||
        (digits > 1 && slash[1] == '0'))
        return -1;
    address = xstrndup(text, (size_t)(slash - text));
    cidr.bits = (unsigned)strtoul(slash + 1, NULL, 10);
    if (cb_ip_parse(&cidr.ip, address) < 0 || cidr.bits > 8 * size_of(cidr.ip.family))
        return -1;
    *out = cidr;
    return 0;
}

const char *cb_cidr_text(const struct cb_cidr *cidr, char buffer[CB_CIDR_MAX_TEXT])
{
    char ip[CB_IP_MAX_TEXT];

    snprintf(buffer, CB_CIDR_MAX_TEXT, "%s/%u", cb_ip_text(&cidr->ip, ip), cidr->bits);
    return buffer;
}

/* The bits of byte I that belong to a prefix of BITS. */
static unsigned char mask_of(unsigned bits, size_t i)
{
    if (bits >= 8 * (i + 1))
        return 0xff;
    return bits <= 8 * i ? 0 : (unsigned char)(0xff << (8 * (i + 1) - bits));
}

struct cb_cidr cb_cidr_network(const struct cb_cidr *cidr)
{
    struct cb_cidr network = *cidr;

    for (size_t i = 0; i < size_of(cidr->ip.family); i++)
        network.ip.bytes[i] &= mask_of(cidr->bits, i);
    return network;
}

struct cb_ip cb_cidr_last(const struct cb_cidr *cidr)
{
    struct cb_ip last = cidr->ip;

    for (size_t i = 0; i < size_of(last.family); i++)
        last.bytes[i] |= (unsigned char)~mask_of(cidr->bits, i);
    return last;
}

static int same_prefix(const struct cb_ip *a, const struct cb_ip *b, unsigned bits)
{
    if (a->family != b->family)
        return 0;
    for (size_t i = 0; i < size_of(a->family); i++)
        if ((a->bytes[i] ^ b->bytes[i]) & mask_of(bits, i))
            return 0;
    return 1;
}

int cb_cidr_contains(const struct cb_cidr *cidr, const struct cb_ip *ip)
{
    return same_prefix(&cidr->ip, ip, cidr->bits);
}

int cb_cidr_overlap(const struct cb_cidr *a, const struct cb_cidr *b)
{
    return same_prefix(&a->ip, &b->ip, a->bits < b->bits ? a->bits : b->bits);
}
