/* Parsing JSON from the other side, and reading it with paths in the messages
 * ("manifest.layers[2].size: expected an integer"). jansson underneath; json_t is its
 * type. */
#ifndef CB_BASE_JSON_H
#define CB_BASE_JSON_H

#include "base/digest.h"
#include "base/error.h"
#include "base/vec.h"

#include <jansson.h>
#include <stdint.h>

static inline void cb_json_cleanup_(json_t **json)
{
    json_decref(*json);
}
#define cb_auto_json __attribute__((cleanup(cb_json_cleanup_))) json_t

/* Refuses duplicate keys, NUL in strings, more than MAX_BYTES or 200,000 values, and
 * nesting over 64. WHAT names the document in messages. The result is a new reference.
 * INTEGRITY on bad input. */
int cb_json_parse(json_t **out, const char *what, const char *bytes, size_t len,
                  size_t max_bytes, struct cb_error **err);
/* The same for who looks at the length of strings: they may hold NUL. */
int cb_json_parse_with_nul(json_t **out, const char *what, const char *bytes, size_t len,
                           size_t max_bytes, struct cb_error **err);

/* A value and the path that led to it. */
struct cb_json {
    json_t *value;    /* borrowed; NULL if absent */
    const char *what; /* the document's name */
    char path[200];   /* "layers[2].size" */
};

struct cb_json cb_json_root(json_t *value, const char *what);
/* A member, absent if missing or null. OBJECT must be an object (checked by the readers).
 */
struct cb_json cb_json_member(const struct cb_json *object, const char *key);
struct cb_json cb_json_item(const struct cb_json *array, size_t index);
int cb_json_is_absent(const struct cb_json *json);

/* Readers: absent gives the default (NULL, 0, count 0); a wrong type is an INTEGRITY
 * error with the path. */
int cb_json_expect_object(const struct cb_json *json, struct cb_error **err);
int cb_json_string(const struct cb_json *json, const char **out,
                   struct cb_error **err); /* borrowed */
int cb_json_required_string(const struct cb_json *json, const char **out,
                            struct cb_error **err);
int cb_json_int64(const struct cb_json *json, int64_t *out, struct cb_error **err);
int cb_json_required_int64(const struct cb_json *json, int64_t *out,
                           struct cb_error **err);
int cb_json_bool(const struct cb_json *json, int *out, struct cb_error **err);
int cb_json_count(const struct cb_json *array, size_t max, size_t *out,
                  struct cb_error **err);
int cb_json_strings(const struct cb_json *array, size_t max, struct cb_strings *out,
                    struct cb_error **err);
/* Has to be there, and not to be negative. */
int cb_json_required_unsigned(const struct cb_json *json, int64_t *out,
                              struct cb_error **err);
/* "sha256:…", which has to be there. */
int cb_json_required_digest(const struct cb_json *json, struct cb_digest *out,
                            struct cb_error **err);
/* The string in OBJECT's member KEY; caller frees. */
int cb_json_text(const struct cb_json *object, const char *key, char **out,
                 struct cb_error **err);
int cb_json_required_text(const struct cb_json *object, const char *key, char **out,
                          struct cb_error **err);

/* What else is wrong with a value: INTEGRITY, "manifest.layers[2].size: " and the
 * message. */
int cb_json_fail(const struct cb_json *json, struct cb_error **err, const char *format,
                 ...) CB_PRINTF(3, 4);
/* Puts the same place before what another reader of the value said. */
int cb_json_wrap(const struct cb_json *json, struct cb_error **err);

/* TEXT as a string, escaped as for a terminal if it is no UTF-8; null of NULL. A new
 * reference. */
json_t *cb_json_from_text(const char *text);
/* Compact text with keys in insertion order, as Go's encoding/json prints it without HTML
 * escaping. Caller frees. */
char *cb_json_dump(const json_t *json);

#endif
