/* --link CONTAINER[:ALIAS]. */
#ifndef CB_CONTAINER_LINKS_H
#define CB_CONTAINER_LINKS_H

#include "container/record.h"
#include "network/network.h"

struct cb_link {
    char *container, *alias;
};
void cb_link_clear(struct cb_link *link);
CB_AUTO_VALUE_DEFINE(cb_link, cb_link_clear)
/* USAGE with docker's words. */
int cb_link_parse(struct cb_link *out, const char *text, struct cb_error **err);
/* Of each of TEXTS, the same. */
int cb_links_check(const struct cb_strings *texts, struct cb_error **err);

/* What docker tells a container of one it is linked with, in variables. */
struct cb_link_facts {
    const char *alias;
    const char *parent;           /* the name of the container that gets them */
    const char *ip;               /* of the other */
    const struct cb_ports *ports; /* it exposes */
    const struct cb_strings *env; /* it has */
};
void cb_link_env(const struct cb_link_facts *facts, struct cb_strings *out);
/* What CONTAINER is called by links of others among ALL: "OTHER/ALIAS". */
void cb_links_to(const struct cb_container *container, const struct cb_containers *all,
                 struct cb_strings *out);
/* It is told no more of the container that it calls ALIAS, from its next start on.
 * NOT_FOUND. */
int cb_container_unlink(struct cb_store *store, struct cb_container *container,
                        const char *alias, struct cb_error **err);

#endif
