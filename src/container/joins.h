/* --network as docker writes it, several times if need be: what a container joins. Kept
 * as texts in request->networks, from which all that is done with networks is read. */
#ifndef CB_CONTAINER_JOINS_H
#define CB_CONTAINER_JOINS_H

#include "container/container.h"

struct cb_join {
    char *network; /* a name, an id, or "bridge", "host", "none", "container:X" */
    struct cb_strings aliases;
    struct cb_strings links; /* "CONTAINER[:ALIAS]", see links.h */
    char *ip, *ip6, *mac;    /* or NULL */
};
void cb_join_clear(struct cb_join *join);
CB_AUTO_VALUE_DEFINE(cb_join, cb_join_clear)

struct cb_joins {
    struct cb_join *items;
    size_t count, capacity;
};
void cb_joins_clear(struct cb_joins *joins);
CB_AUTO_VALUE_DEFINE(cb_joins, cb_joins_clear)

/* NAME, or name=NAME[,alias=…][,link=…][,ip=…][,ip6=…][,mac-address=…]. USAGE. */
int cb_join_parse(struct cb_join *out, const char *text, struct cb_error **err);
/* What cb_join_parse reads; caller frees. */
char *cb_join_text(const struct cb_join *join);
/* Of the command line: --network-alias, --ip, --ip6 and --mac-address become those of the
 * first network, whose name is request->network; so do links, if people made that. USAGE
 * with docker's words. */
int cb_joins_settle(struct cb_run_request *request, struct cb_error **err);
/* At least one. */
int cb_joins_read(struct cb_joins *out, const struct cb_run_request *request,
                  struct cb_error **err);
/* Of a container that is there: TEXT is what cb_join_parse reads, NETWORK what it is
 * called there; another text of the same network goes. When none is left it is
 * CB_JOIN_ALONE. */
void cb_joins_add(struct cb_run_request *request, const char *text);
int cb_joins_has(const struct cb_run_request *request, const char *network);
/* "front,back"; caller frees. */
char *cb_joins_names(const struct cb_run_request *request);
void cb_joins_remove(struct cb_run_request *request, const char *network);
/* A namespace with lo, which may get interfaces later. */
#define CB_JOIN_ALONE ":alone"

#endif
