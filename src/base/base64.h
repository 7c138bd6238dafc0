/* Base 64 (RFC 4648), as HTTP credentials are written. */
#ifndef CB_BASE_BASE64_H
#define CB_BASE_BASE64_H

#include "base/strbuf.h"

/* Adds LEN bytes to OUT, padded. */
void cb_base64_encode(struct cb_strbuf *out, const void *bytes, size_t len);
/* Adds what TEXT stands for to OUT; -1 when it is not base 64. Padding may be left out.
 */
int cb_base64_decode(struct cb_strbuf *out, const char *text);

#endif
