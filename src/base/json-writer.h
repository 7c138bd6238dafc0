/* Writes JSON into a buffer, member by member, with the separators in the right places.
 * KEY is NULL inside arrays. Compact, or with INDENT blanks a level. */
#ifndef CB_BASE_JSON_WRITER_H
#define CB_BASE_JSON_WRITER_H

#include "base/strbuf.h"
#include "base/vec.h"

#include <stdint.h>

struct cb_writer {
    struct cb_strbuf *out;
    int needs_comma;
    unsigned indent; /* 0: compact */
    unsigned depth;
};

/* The separator, and KEY if there is one; the value follows. */
void cb_writer_begin(struct cb_writer *writer, const char *key);
void cb_writer_open(struct cb_writer *writer, const char *key,
                    char bracket); /* '{' or '[' */
void cb_writer_close(struct cb_writer *writer, char bracket);
/* A string, also when it is empty; null for NULL. */
void cb_writer_text(struct cb_writer *writer, const char *key, const char *text);
void cb_writer_int(struct cb_writer *writer, const char *key, int64_t value);
void cb_writer_bool(struct cb_writer *writer, const char *key, int value);

/* Left out when there is nothing to say (NULL, "", 0, empty), as Go's omitempty does. */
void cb_writer_string(struct cb_writer *writer, const char *key, const char *text);
void cb_writer_true(struct cb_writer *writer, const char *key, int value);
void cb_writer_strings(struct cb_writer *writer, const char *key,
                       const struct cb_strings *strings);

#endif
