/* Names of containers, given out by aardvark-dns. Private to this directory. */
#ifndef CB_NETWORK_NAMES_PRIV_H
#define CB_NETWORK_NAMES_PRIV_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/vec.h"
#include "network/address.h"

struct cb_names {            /* all borrowed */
    const char *network;     /* a file's name */
    const char *id;          /* of the container: one word */
    struct cb_ip gateway[2]; /* where it listens */
    struct cb_ip ips[2];
    struct cb_strings names;
    const struct cb_strings *dns; /* whom others' names are asked from, or NULL */
    int netns;                    /* where the container is */
};
/* Is the program there? */
int cb_names_can(void);
/* From now on they are known. */
int cb_names_add(const struct cb_names *names, struct cb_cancel *cancel,
                 struct cb_error **err);
/* The container has other names now. */
int cb_names_rename(const struct cb_names *names, struct cb_error **err);
/* A descriptor that can be read as soon as the program has ended, which is started if it
 * should run and does not; -1: nobody needs it, or it cannot be had. Caller closes. */
int cb_names_watch(struct cb_cancel *cancel);
/* Container ID of NETWORK is not known any more; the last one ends the program. */
void cb_names_remove(const char *network, const char *id);

/* ── names-ask.c ── */
/* Waits until the first of NAMES is known where the container asks, or for a time in
 * which it should have been. */
void cb_names_await(const struct cb_names *names, struct cb_cancel *cancel);

#endif
