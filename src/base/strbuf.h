/* Growable text. Zero-initialised is empty; `text` is NULL until something is added and
 * always ends in NUL afterwards. May hold NUL bytes; `len` is authoritative. */
#ifndef CB_BASE_STRBUF_H
#define CB_BASE_STRBUF_H

#include "base/alloc.h"

#include <stddef.h>

struct cb_strbuf {
    char *text;
    size_t len;
    size_t capacity;
};

void cb_strbuf_free(struct cb_strbuf *buf);
CB_AUTO_VALUE_DEFINE(cb_strbuf, cb_strbuf_free)

void cb_strbuf_add(struct cb_strbuf *buf, const void *bytes, size_t len);
void cb_strbuf_adds(struct cb_strbuf *buf, const char *text);
void cb_strbuf_addc(struct cb_strbuf *buf, char c);
void cb_strbuf_addf(struct cb_strbuf *buf, const char *format, ...) CB_PRINTF(2, 3);
/* Makes room for at least EXTRA more bytes. */
void cb_strbuf_reserve(struct cb_strbuf *buf, size_t extra);
/* Shortens to LEN. */
void cb_strbuf_truncate(struct cb_strbuf *buf, size_t len);
/* The text, never NULL; borrowed. */
const char *cb_strbuf_text(const struct cb_strbuf *buf);
/* Hands the text to the caller (never NULL, caller frees) and leaves BUF empty. */
char *cb_strbuf_steal(struct cb_strbuf *buf);
/* Adds TEXT with everything a terminal could act on (control bytes, ESC, DEL, C1, changes
 * of the direction of text, invalid UTF-8) as \xNN; newline and tab stay when KEEP_LINES.
 * For anything foreign that is shown. */
void cb_strbuf_add_escaped(struct cb_strbuf *buf, const char *text, size_t len,
                           int keep_lines);
/* Adds a document that is valid JSON, with what of that may be in one as \uXXXX: it means
 * the same. */
void cb_strbuf_add_escaped_json(struct cb_strbuf *buf, const char *json, size_t len);
/* Adds TEXT as a JSON string with quotes, as Go's encoding/json would without HTML
 * escaping. */
void cb_strbuf_add_json(struct cb_strbuf *buf, const char *text);
void cb_strbuf_add_json_bytes(struct cb_strbuf *buf, const char *text, size_t len);

#endif
