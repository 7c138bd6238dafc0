/* Just enough UTF-8 to print foreign text safely, and to trim it as Go does. */
#ifndef CB_BASE_UTF8_H
#define CB_BASE_UTF8_H

#include <stddef.h>

/* Length of the well-formed sequence at TEXT (1 to 4), whose code point goes to *POINT; 0
 * if the bytes there are none: truncated, overlong, a surrogate or beyond U+10FFFF. */
size_t cb_utf8_decode(const char *text, size_t len, unsigned *point);

/* Writes the sequence of POINT (below 0x110000), 1 to 4 bytes and a NUL. Its length. */
size_t cb_utf8_encode(unsigned point, char out[5]);

/* Columns of a terminal that POINT, which is no control character, takes: 0, 1 or 2. */
unsigned cb_utf8_columns(unsigned point);

/* Length of the white space at TEXT (Unicode's, as Go's TrimSpace takes it), 0 if none.
 */
size_t cb_utf8_space(const char *text, size_t len);
/* Moves *START and *END together past the white space within them. */
void cb_utf8_trim(const char **start, const char **end);

#endif
