/* Users, passwords and tokens in URLs, wherever in a text, so that they are not shown. */
#ifndef CB_BASE_REDACT_H
#define CB_BASE_REDACT_H

#include "base/source.h"

/* Goes through them in order: a userinfo with a secret in it (without its `@`), or the
 * value of a parameter that is one by its name. The account of ssh://git@host is no
 * secret; a lone word before the `@` of another URL is one often enough: a token. */
struct cb_url_secrets {
    const char *text;
    size_t len;
    size_t at, path, end; /* begin with 0 */
};
/* 1: *OUT is the next; 0: there is none. */
int cb_url_secrets_next(struct cb_url_secrets *in, struct cb_span *out);
/* Of a parameter: "access_token". */
int cb_is_secret_name(const char *name, size_t len);
/* TEXT with each as "xxxxx". Caller frees. */
char *cb_redact_urls(const char *text);
/* The same of something that as a whole is a path or an address: what stands before the
 * `@` of user:password@host:path goes, too, which in other texts may be anything. */
char *cb_redact_place(const char *text);

#endif
