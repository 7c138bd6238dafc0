/* The two ends of `cp`: places that are open, whatever becomes of their paths. */
#ifndef CB_COMMANDS_CP_H
#define CB_COMMANDS_CP_H

#include "container/copy.h"

struct cb_cp_side {
    int root;              /* of a container, or -1: the host */
    const char *container; /* its name, for messages */
};
struct cb_cp_place {
    struct cb_copy_end end;
    int dir;        /* holds NAME, which is no link that is to be followed */
    char *name;     /* "." for a directory that is DIR itself */
    char *basename; /* what the user called it */
    char *path;     /* absolute; in a container all links are resolved */
};
void cb_cp_place_clear(struct cb_cp_place *place);
CB_AUTO_VALUE_DEFINE(cb_cp_place, cb_cp_place_clear)

/* What is to be copied; FOLLOW: what a link leads to. NOT_FOUND. */
int cb_cp_open_source(const struct cb_cp_side *side, const char *path, int follow,
                      struct cb_cp_place *out, struct cb_error **err);
/* Where to: a directory that is there is DIR with the name ".". NOT_FOUND if not even the
 * directory above is there. */
int cb_cp_open_destination(const struct cb_cp_side *side, const char *path,
                           struct cb_cp_place *out, struct cb_error **err);

#endif
