/* Users and passwords in URLs, wherever in a text, so that they are not shown. */
#ifndef CB_BASE_REDACT_H
#define CB_BASE_REDACT_H

#include "base/source.h"

/* 1: the first userinfo with a secret in it that ends after FROM is at *OUT (without its
 * `@`); 0: there is none. The account of ssh://git@host is no secret; a lone word before
 * the `@` of another URL is one often enough: a token. */
int cb_userinfo_find(const char *text, size_t len, size_t from, struct cb_span *out);
/* TEXT with each as "xxxxx". Caller frees. */
char *cb_redact_userinfo(const char *text);

#endif
