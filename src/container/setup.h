/* What a container is started with: its networks, and the specification of its process.
 * Private to this directory. */
#ifndef CB_CONTAINER_SETUP_H
#define CB_CONTAINER_SETUP_H

#include "container/neighbours.h"
#include "container/nets.h"
#include "container/signals.h"
#include "container/spaces.h"
#include "container/spec.h"

struct cb_setup {
    /* What was asked for, and what neighbours add to it: ENV and ADD_HOSTS are its own,
     * all else is the request's, which outlives it. */
    struct cb_run_request whole;
    struct cb_nets nets;
    struct cb_spaces spaces;
    struct cb_run_spec spec; /* without a root */
    struct cb_stopping stopping;
    char hostname[65];
};
/* Nothing is open yet. */
#define CB_SETUP_INIT                                      \
    {                                                      \
        .nets = {.netns = -1, .names_fd = -1}, .spaces = { \
            .pid = {-1, -1},                               \
            .ipc = {-1, -1}                                \
        }                                                  \
    }
void cb_setup_clear(struct cb_setup *setup);
CB_AUTO_VALUE_DEFINE(cb_setup, cb_setup_clear)

/* 64 hex digits; the first 12 are docker's default host name. */
void cb_container_new_id(char out[65]);
/* What can be done while the network is set up by a thread. */
struct cb_meanwhile {
    int (*call)(void *arg, struct cb_error **err);
    void *arg;
};
/* All is borrowed. */
struct cb_setup_options {
    const struct cb_run_request *request;
    const char *id;
    const char *name; /* what others on its network call it, or NULL */
    const struct cb_meanwhile *meanwhile; /* or NULL */
    struct cb_cancel *cancel;
};
int cb_setup_make(struct cb_setup *out, struct cb_store *store,
                  const struct cb_setup_options *options, struct cb_error **err);
/* Checks all that can be checked before anything is made. USAGE, NOT_FOUND. */
int cb_setup_check(struct cb_store *store, const struct cb_run_request *request,
                   struct cb_error **err);
/* Tells on standard error which ports the kernel picked. */
void cb_setup_tell_ports(const struct cb_setup *setup);

#endif
