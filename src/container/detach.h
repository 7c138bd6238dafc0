/* The keys that leave a container alone with its terminal: "ctrl-p,ctrl-q". */
#ifndef CB_CONTAINER_DETACH_H
#define CB_CONTAINER_DETACH_H

#include "base/error.h"

#include <stdint.h>

#define CB_DETACH_KEYS_MAX 16

struct cb_detach_keys {
    char keys[CB_DETACH_KEYS_MAX];
    unsigned count, seen;
};
/* TEXT NULL: the default; "" none. USAGE. */
int cb_detach_keys_parse(struct cb_detach_keys *out, const char *text,
                         struct cb_error **err);
/* 1: the sequence was typed. What may be its beginning is held back from BYTES, and given
 * back once it turns out not to be: BYTES has room for CB_DETACH_KEYS_MAX more. */
int cb_detach_keys_filter(struct cb_detach_keys *keys, char *bytes, uint32_t *len);

#endif
