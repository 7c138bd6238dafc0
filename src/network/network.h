/* Networks for steps and containers: a mode's name → a network namespace descriptor (or
 * the host's). */
#ifndef CB_NETWORK_NETWORK_H
#define CB_NETWORK_NETWORK_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/vec.h"

struct cb_network; /* one set-up network, shared by many steps; thread-safe */

/* "none": new namespace with lo. "host". "default"/"bridge": private bridge through
 * netavark; made when the first step asks for its namespace. USAGE for an unknown name.
 * STATE_DIR: a directory of ours for the helper's state (absolute). */
int cb_network_new(struct cb_network **out, const char *mode, const char *state_dir,
                   struct cb_error **err);
/* Is it the host's network? */
int cb_network_is_host(const struct cb_network *network);
/* The namespace for a step; set up on first call (others wait). -1 in *FD for the host.
 * Borrowed. NOT_FOUND with a hint naming the package when a helper is missing. */
int cb_network_netns(struct cb_network *network, struct cb_cancel *cancel, int *fd,
                     struct cb_error **err);
/* Tears down (may take a quarter of a second for a bridge: call after the result is
 * reported). */
void cb_network_free(struct cb_network *network);
CB_AUTO_DEFINE(cb_network, cb_network_free)

/* Text of /etc/resolv.conf for a step: the host's, with loopback resolvers replaced
 * (systemd-resolved's upstream file, or none) unless HOST. Caller frees. */
char *cb_dns_resolv_conf(int host_network);
/* Text of /etc/hosts: localhost names, HOSTNAME, and EXTRA "name:ip" entries. USAGE on a
 * malformed or multi-line one. Caller frees *out. */
int cb_dns_hosts(char **out, const char *hostname, const struct cb_strings *extra,
                 struct cb_error **err);

#endif
