/* A named text that errors point into: a Dockerfile, a .dockerignore, a JSON document. */
#ifndef CB_BASE_SOURCE_H
#define CB_BASE_SOURCE_H

#include "base/strbuf.h"

#include <stddef.h>

struct cb_source; /* refcounted, immutable */

/* Byte range [start, end) of the source's text. end == start marks a point. */
struct cb_span {
    size_t start;
    size_t end;
};

/* Copies NAME (as shown: "Dockerfile") and TEXT. */
struct cb_source *cb_source_new(const char *name, const char *text, size_t len);
struct cb_source *cb_source_ref(struct cb_source *source);
void cb_source_unref(struct cb_source *source);
CB_AUTO_DEFINE(cb_source, cb_source_unref)

const char *cb_source_name(const struct cb_source *source);
const char *cb_source_text(const struct cb_source *source, size_t *len);
/* Line and column of OFFSET, both from 1; columns count bytes. */
void cb_source_position(const struct cb_source *source, size_t offset, unsigned *line,
                        unsigned *column);
/* Adds the lines around SPAN, two above and one below, the marked ones with `>` and a
 * caret line under the first. Foreign bytes are escaped and long lines cut around the
 * caret. */
void cb_source_excerpt(const struct cb_source *source, struct cb_span span,
                       struct cb_strbuf *out);

#endif
