/* What the kernel's rtnetlink is asked, message by message. Private to this directory. */
#ifndef CB_NETWORK_RTNL_PRIV_H
#define CB_NETWORK_RTNL_PRIV_H

#include "base/error.h"

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#define CB_RTNL_MAX_BYTES 2048

struct cb_rtnl_message {
    union {
        struct nlmsghdr header;
        char bytes[CB_RTNL_MAX_BYTES];
    };
};

/* A socket that speaks for the namespace NETNS, for good; -1: for ours. The calling
 * thread stays where it is. */
int cb_rtnl_open(int netns, int *out, struct cb_error **err);
/* Begins a message of TYPE; BODY is its fixed part. */
void cb_rtnl_begin(struct cb_rtnl_message *message, int type, int flags, const void *body,
                   size_t len);
void cb_rtnl_add(struct cb_rtnl_message *message, int type, const void *data, size_t len);
/* The fixed part of what a nest holds. */
void cb_rtnl_add_body(struct cb_rtnl_message *message, const void *data, size_t len);
void cb_rtnl_add_u32(struct cb_rtnl_message *message, int type, uint32_t value);
void cb_rtnl_add_text(struct cb_rtnl_message *message, int type, const char *text);
/* An attribute that holds others: those that are added until it is closed. */
size_t cb_rtnl_open_nest(struct cb_rtnl_message *message, int type);
void cb_rtnl_close_nest(struct cb_rtnl_message *message, size_t nest);
/* Sends it and waits for the answer: 0, or -1 with errno. ANSWER, if not NULL, gets what
 * was asked for. */
int cb_rtnl_ask(int fd, struct cb_rtnl_message *message, struct cb_rtnl_message *answer);

#endif
