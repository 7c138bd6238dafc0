/* Between those who have a seat at the hub and who keeps it: datagrams with descriptors.
 * Private to this directory. */
#ifndef CB_NETWORK_HUB_PRIV_H
#define CB_NETWORK_HUB_PRIV_H

#include "network/address.h"
#include "network/hub.h"

#include <stdint.h>

/* Descriptors of the process that keeps it. */
#define CB_HUB_LISTENER 3
#define CB_HUB_LOCK     4
#define CB_HUB_DIR      5
#define CB_HUB_NET      6 /* the network of a keeper that ended before its time … */
#define CB_HUB_ALIVE    7 /* … and what holds its way out */

#define CB_HUB_VERSION 1

enum cb_hub_question {
    CB_HUB_GREETING, /* nobody asked: the user namespace */
    CB_HUB_LOOK,     /* the network, if it is there */
    CB_HUB_NEED,     /* the network */
};
/* The same both ways. */
struct cb_hub_message {
    uint32_t version;
    uint32_t question;
    int32_t failed;
    struct cb_ip resolver; /* asks the host's name servers; family 0: nobody is needed */
    char text[600];        /* what there is to say about it, or why it failed */
};
#define CB_HUB_MAX_FDS 2
/* -1 with errno. */
int cb_hub_send(int socket, const struct cb_hub_message *message, const int *fds,
                size_t count);
/* 1; 0: the other end is closed; -1: nonsense. FDS has room for CB_HUB_MAX_FDS, and is -1
 * where none came. */
int cb_hub_receive(int socket, struct cb_hub_message *message, int *fds);

/* The seat of who is in the hub's user namespace. UNSUPPORTED for all others. */
int cb_hub_open(struct cb_hub **out, struct cb_error **err);
/* The network, -1: nobody has needed it so far. Borrowed. */
int cb_hub_look(struct cb_hub *hub);
/* The network; what cannot be had there was told. */
int cb_hub_need(struct cb_hub *hub, struct cb_cancel *cancel, int *fd,
                struct cb_error **err);
/* Whom to ask for names of the outside there; family 0: the host's own servers. */
const struct cb_ip *cb_hub_resolver(const struct cb_hub *hub);

/* ── hub-clear.c ── */
/* Notes that DIR, leases of a network, is of the hub HUB. -1 with errno. */
int cb_hub_mark(int dir, const char *hub);
/* Ends and removes all that NAME, leases of a network that is in nobody's use, stands
 * for. BASE is open at PATH. */
int cb_hub_clear_network(int base, const char *path, const char *name);
/* The same for all networks HUB has had. */
void cb_hub_clear_left(int base, const char *path, const char *hub);
/* The directory of our hub: "hub-" and the inode of the host's network. */
#define CB_HUB_DIR_NAME_MAX 40
int cb_hub_dir_name(char out[CB_HUB_DIR_NAME_MAX], struct cb_error **err);

#endif
