/* What the kinds of context share. */
#ifndef CB_CONTEXT_CONTEXT_PRIV_H
#define CB_CONTEXT_CONTEXT_PRIV_H

#include "context/context.h"
#include "store/snapshot.h"

/* Of a Dockerfile, a .dockerignore: people write those. */
#define CB_CONTEXT_FILE_MAX (16 << 20)

struct cb_context {
    int refs;    /* atomic */
    int root_fd; /* -1: no files */
    int is_host; /* the root is a directory of the host, as the user sees it */
    struct cb_scratch *scratch;   /* of an unpacked tar */
    struct cb_snapshot *snapshot; /* of a git repository */
    struct cb_ignore *ignore;     /* or NULL */
    int64_t time_s;               /* of what it was made from; -1: not known */
    char *origin, *pin;           /* cb_context_origin, cb_context_pin; or NULL */
};

struct cb_context *cb_context_alloc(void);

#endif
