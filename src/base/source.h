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

/* ── Texts made of several files ── */

/* The text of FILE, into which others are put: a whole. Who makes it has it alone until
 * all are in. Its name is FILE's; its text is that of all files, and what says places of
 * it says them of the file they are in. */
struct cb_source *cb_source_new_whole(struct cb_source *file);
/* Puts the text of FILE at the offset AT, which lies in the part PARENT and behind all
 * that was put there before. INCLUDE is what names the file. Returns the part's index:
 * parts are counted in the order of their text, the first is the file itself. */
size_t cb_source_include(struct cb_source *whole, size_t parent, size_t at,
                         struct cb_source *file, struct cb_span include);
size_t cb_source_part_count(const struct cb_source *source); /* 0: it is no whole */
size_t cb_source_part_at(const struct cb_source *whole, size_t offset);
struct cb_span cb_source_part_range(const struct cb_source *whole, size_t index);
struct cb_source *cb_source_part_file(const struct cb_source *whole, size_t index);

/* The file that *SPAN is of, *SPAN as a range of it: SOURCE itself unless it is a whole.
 * Borrowed. */
struct cb_source *cb_source_file(const struct cb_source *source, struct cb_span *span);
/* 1: *SPAN gets what included the file that it is of; 0: nothing did. */
int cb_source_includer(const struct cb_source *source, struct cb_span *span);
/* Adds "included from b:2, Dockerfile:3" for an included file, else nothing. */
void cb_source_add_includers(const struct cb_source *source, struct cb_span span,
                             struct cb_strbuf *out);
/* All files of it, each once: one, unless it is a whole. */
size_t cb_source_file_count(const struct cb_source *source);
struct cb_source *cb_source_nth_file(const struct cb_source *source, size_t index);
size_t cb_source_file_index(const struct cb_source *source, const struct cb_source *file);

#endif
