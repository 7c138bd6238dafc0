/* The hub: the network namespace in which the containers of an ordinary user meet, and
 * the user namespace it belongs to. A small process keeps both and hands them to who
 * takes a seat; when the last seat is given up, it ends, and all that was set up with it.
 * See docs/design/network.md. */
#ifndef CB_NETWORK_HUB_H
#define CB_NETWORK_HUB_H

#include "base/cancel.h"
#include "base/error.h"

/* ── A seat ── */
struct cb_hub;
/* 1: *OUT is a seat; 0: there is no hub. */
int cb_hub_find(struct cb_hub **out, struct cb_error **err);
/* The user namespace it belongs to, which is the user's. Borrowed. */
int cb_hub_user_namespace(const struct cb_hub *hub);
/* Are we in that one? Nobody else can use its network. */
int cb_hub_is_ours(const struct cb_hub *hub);
void cb_hub_leave(struct cb_hub *hub);
CB_AUTO_DEFINE(cb_hub, cb_hub_leave)

/* ── Making one ── */
/* The right to, which one process of a user has at a time. */
struct cb_hub_claim;
void cb_hub_claim_drop(struct cb_hub_claim *claim);
CB_AUTO_DEFINE(cb_hub_claim, cb_hub_claim_drop)
/* 1: *CLAIM is ours; 0: somebody was faster, and *OUT is a seat there. */
int cb_hub_claim(struct cb_hub_claim **claim, struct cb_hub **out,
                 struct cb_cancel *cancel, struct cb_error **err);
/* Starts the process that keeps the hub of the user namespace we are in, and takes a seat
 * there. The network is made when somebody first needs it. */
int cb_hub_found(const struct cb_hub_claim *claim, struct cb_hub **out,
                 struct cb_error **err);

/* ── Keeping it up, by those who last ── */
/* Readable when the process that keeps it has ended before its time; -1: HUB is NULL, or
 * lost. */
int cb_hub_fd(const struct cb_hub *hub);
/* From now on the network can be handed on from here. HUB may be NULL. */
void cb_hub_hold(struct cb_hub *hub);
/* Has another process keep it, with the network there was. */
void cb_hub_revive(struct cb_hub *hub);

/* ── Keeping it (keeper.c) ── */
/* argv[0] of that process. */
#define CB_HUB_NAME "cbuild-hub"
/* Its life. RESOLVER: it is to go on with the network that is there already, whose name
 * server that is, or ""; else NULL. */
int cb_hub_keep(const char *resolver, struct cb_cancel *cancel, struct cb_error **err);

#endif
