/* A source from within: what source.c and source-parts.c share. */
#ifndef CB_BASE_SOURCE_PRIV_H
#define CB_BASE_SOURCE_PRIV_H

#include "base/source.h"
#include "base/vec.h"

#include <stdatomic.h>

/* [start, end) of the whole is a file's text, but for the parts that lie in it. */
struct cb_source_part {
    size_t start, end;
    size_t parent;          /* index of the part it was put into; its own: none */
    size_t file;            /* index of its file */
    struct cb_span include; /* what names it, in the whole */
};

struct cb_source {
    atomic_uint refs;
    char *name;
    char *text;
    size_t len;
    unsigned *lines_before; /* line ends before each block: small, however many lines;
                               NULL in a whole */
    CB_VEC(struct cb_source_part) parts; /* of a whole, by where they begin; else none */
    CB_VEC(struct cb_source *) files;    /* those the parts are of, each once */
};

void cb_source_parts_free(struct cb_source *source);
/* The file that the byte *OFFSET is of; *OFFSET gets its place in it. */
const struct cb_source *cb_source_file_at(const struct cb_source *source, size_t *offset);

#endif
