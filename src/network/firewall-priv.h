/* The host's packet filter, as far as it is ours. Private to this directory. */
#ifndef CB_NETWORK_FIREWALL_PRIV_H
#define CB_NETWORK_FIREWALL_PRIV_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/json.h"
#include "base/vec.h"
#include "network/address.h"
#include "network/network.h"

/* Rules of one family, each without its verb: "CHAIN MATCHES -j TARGET". */
struct cb_rules {
    int family;
    struct cb_strings filter, nat;
};
void cb_rules_clear(struct cb_rules *rules);
CB_AUTO_VALUE_DEFINE(cb_rules, cb_rules_clear)

/* ── What is wanted (rules.c) ── */
enum {
    CB_BRIDGE_INTERNAL = 1 << 0, /* nothing leaves it */
    CB_BRIDGE_APART = 1 << 1,    /* its own do not talk among themselves, by way of us */
    CB_BRIDGE_UNMASKED = 1 << 2, /* what leaves keeps its addresses */
};
/* For the bridge INTERFACE with SUBNET: its own may talk among themselves and to the
 * outside, and others come in only to what is published; FLAGS say otherwise. */
void cb_rules_add_bridge(struct cb_rules *rules, const char *interface,
                         const struct cb_cidr *subnet, int flags);
/* For the private network SUBNET behind INTERFACE, one of those that all have rules in
 * common: what goes out has our address. */
void cb_rules_add_private(struct cb_rules *rules, const char *interface,
                          const struct cb_cidr *subnet);
/* Whoever is behind INTERFACE may ask for names at GATEWAY. */
void cb_rules_add_names(struct cb_rules *rules, const char *interface,
                        const struct cb_ip *gateway);
/* Those of PORTS that are of this family lead to TARGET. */
void cb_rules_add_ports(struct cb_rules *rules, const struct cb_ports *ports,
                        const struct cb_ip *target);
json_t *cb_rules_json(const struct cb_rules *rules);
/* What cb_rules_json made of it. */
void cb_rules_read(struct cb_rules *rules, const json_t *json);

/* ── What need not be asked (firewall-known.c) ── */
#define CB_RULES_STAMP_BYTES 80
/* Which state the rules of this network namespace are in; "" when the kernel does not
 * tell. */
void cb_rules_stamp(char out[CB_RULES_STAMP_BYTES]);
/* Have RULES, a text for iptables-restore, been noted, and no rule changed since? */
int cb_rules_are_known(const char *rules);
/* Notes that RULES were found there, if the state is still what it was BEFORE. */
void cb_rules_note(const char *rules, const char *before);

/* ── Having it (firewall.c) ── */
/* NOT_FOUND unless the programs are installed. */
int cb_firewall_check(struct cb_error **err);
/* TEXT, for iptables-restore, beside what is there: all of it or nothing. In a network
 * where nobody else changes rules. */
int cb_firewall_restore_alone(int family, const char *text, struct cb_error **err);
/* Adds ADDED if all that is ours for everybody and KEPT are there (IS_NEW: and KEPT too),
 * by one call of a program, or none when nothing is to be added to what is known to be
 * there. -1 when not: then cb_firewall_install helps. */
int cb_firewall_add(const struct cb_rules *kept, int is_new, const struct cb_rules *added,
                    struct cb_cancel *cancel, struct cb_error **err);
/* The same after having made what is missing. Nobody else does so meanwhile: the caller
 * holds a lock. */
int cb_firewall_install(const struct cb_rules *kept, const struct cb_rules *added,
                        struct cb_cancel *cancel, struct cb_error **err);
/* Those that are not there are fine. */
void cb_firewall_remove(const struct cb_rules *rules);
/* All that is ours. */
void cb_firewall_remove_all(int family);

#endif
