/* The parts of a key as they are kept in a record: [["name","value"],…]. Bytes that are
 * no UTF-8 become U+FFFD: the text serves explanations only. */
#ifndef CB_CACHE_PARTS_JSON_H
#define CB_CACHE_PARTS_JSON_H

#include "solver/solver.h"

char *cb_key_parts_to_json(const struct cb_key_parts *parts); /* caller frees */
/* INTEGRITY if the text has another form, or is unreasonably large. */
int cb_key_parts_from_json(struct cb_key_parts *out, const char *text,
                           struct cb_error **err);

#endif
