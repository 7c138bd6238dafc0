/* What a build would take of a context, and what is left out, for people to look at. */
#ifndef CB_CONTEXT_LIST_H
#define CB_CONTEXT_LIST_H

#include "base/arena.h"
#include "base/cancel.h"
#include "context/context.h"

struct cb_context_entry {
    const char *path; /* below the root */
    uint32_t mode;
    int64_t size_bytes; /* of a regular file, else 0; of a directory that is left out as
                           a whole what is below it, if that was wished for */
    uint64_t files;     /* how many it stands for: 1, or in such a directory */
    int sent;    /* not left out, or a directory with something in it that is not */
    int whole;   /* a directory that was not entered */
    int ignored; /* a rule says so: RULE */
    struct cb_ignore_rule rule;
};

struct cb_context_listing {
    struct cb_arena *arena;
    CB_VEC(struct cb_context_entry) entries; /* parents first, names bytewise */
};
void cb_context_listing_clear(struct cb_context_listing *listing);
CB_AUTO_VALUE_DEFINE(cb_context_listing, cb_context_listing_clear)

/* Lists CONTEXT. An ignored directory in which nothing can be taken back is one entry; it
 * is not entered but to MEASURE it. The rules' texts are CONTEXT's. */
int cb_context_list(struct cb_context *context, int measure, struct cb_cancel *cancel,
                    struct cb_context_listing *out, struct cb_error **err);

#endif
