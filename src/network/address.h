/* IP addresses and subnets as values. */
#ifndef CB_NETWORK_ADDRESS_H
#define CB_NETWORK_ADDRESS_H

#include <stddef.h>

#define CB_IP_MAX_TEXT   46
#define CB_CIDR_MAX_TEXT 50

struct cb_ip {
    int family; /* AF_INET, AF_INET6; 0: none */
    unsigned char bytes[16];
};
struct cb_cidr {
    struct cb_ip ip;
    unsigned bits;
};

/* -1 when TEXT is no address. */
int cb_ip_parse(struct cb_ip *out, const char *text);
const char *cb_ip_text(const struct cb_ip *ip, char buffer[CB_IP_MAX_TEXT]);
int cb_ip_equal(const struct cb_ip *a, const struct cb_ip *b);
/* Adds one; at the highest address it starts again at the lowest. */
void cb_ip_increment(struct cb_ip *ip);

/* ADDRESS/BITS. Bits of the address beyond BITS are kept: see cb_cidr_network. */
int cb_cidr_parse(struct cb_cidr *out, const char *text);
const char *cb_cidr_text(const struct cb_cidr *cidr, char buffer[CB_CIDR_MAX_TEXT]);
/* The same with those bits cleared. */
struct cb_cidr cb_cidr_network(const struct cb_cidr *cidr);
/* The highest address: for IPv4 the broadcast address. */
struct cb_ip cb_cidr_last(const struct cb_cidr *cidr);
int cb_cidr_contains(const struct cb_cidr *cidr, const struct cb_ip *ip);
int cb_cidr_overlap(const struct cb_cidr *a, const struct cb_cidr *b);

#endif
