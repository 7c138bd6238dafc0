/* Resuming: is an answer the rest of what we have? (RFC 9110, 14.4) */
#ifndef CB_HTTP_RANGE_H
#define CB_HTTP_RANGE_H

#include <stdint.h>

/* "bytes 100-199/200" begins exactly at START and is well formed. */
int cb_range_starts_at(const char *content_range, int64_t start);

#endif
