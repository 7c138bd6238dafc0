/* Just enough UTF-8 to print foreign text safely. */
#ifndef CB_BASE_UTF8_H
#define CB_BASE_UTF8_H

#include <stddef.h>

/* Length of the well-formed sequence at TEXT (1 to 4), whose code point goes to *POINT; 0
 * if the bytes there are none: truncated, overlong, a surrogate or beyond U+10FFFF. */
size_t cb_utf8_decode(const char *text, size_t len, unsigned *point);

#endif
