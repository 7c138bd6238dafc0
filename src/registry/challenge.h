/* WWW-Authenticate (RFC 9110, 11.6.1) as registries send it. */
#ifndef CB_REGISTRY_CHALLENGE_H
#define CB_REGISTRY_CHALLENGE_H

#include "base/vec.h"

enum cb_challenge_scheme { CB_CHALLENGE_OTHER, CB_CHALLENGE_BASIC, CB_CHALLENGE_BEARER };

struct cb_challenge {
    enum cb_challenge_scheme scheme;
    char *realm, *service, *scope; /* or NULL */
};
void cb_challenge_clear(struct cb_challenge *challenge);
CB_AUTO_VALUE_DEFINE(cb_challenge, cb_challenge_clear)

#define CB_MAX_CHALLENGES 16

/* The strongest challenge in HEADER that we can answer: Bearer with a realm, else Basic.
 * 1 found, 0 none; text that makes no sense ends the search. */
int cb_challenge_parse(struct cb_challenge *out, const char *header);

/* The target of `rel="next"` in a Link header (RFC 8288); NULL if none. Caller frees. */
char *cb_link_next(const char *header);

/* May credentials for a registry at REGISTRY_URL be shown to the token server at
 * REALM_URL? Yes for the same origin; for https names also when the name is the same or
 * the registrable part is (registry-1.docker.io, auth.docker.io). Never from one address
 * to another. */
int cb_realm_trusted(const char *registry_url, const char *realm_url);

#endif
