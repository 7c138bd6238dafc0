/* Who we are to a registry: docker's config.json and its helper programs. */
#ifndef CB_REGISTRY_CREDENTIALS_H
#define CB_REGISTRY_CREDENTIALS_H

#include "base/cancel.h"
#include "base/error.h"

struct cb_credentials {
    char *username, *password;
    char *identity_token; /* of an OAuth login, instead of a password */
};
void cb_credentials_clear(struct cb_credentials *credentials);
CB_AUTO_VALUE_DEFINE(cb_credentials, cb_credentials_clear)

/* For HOST as in references ("docker.io", "registry.example:5000"): 1 found, 0 none.
 * Reads $REGISTRY_AUTH_FILE if set, then $DOCKER_CONFIG/config.json or
 * ~/.docker/config.json. */
int cb_credentials_find(const char *host, struct cb_cancel *cancel,
                        struct cb_credentials *out, struct cb_error **err);
/* The same in one document. NAME is for messages. */
int cb_credentials_from(const char *name, const char *bytes, size_t len, const char *host,
                        struct cb_cancel *cancel, struct cb_credentials *out,
                        struct cb_error **err);
/* "Basic <base64 of user:password>". Caller frees. */
char *cb_credentials_basic(const struct cb_credentials *credentials);

#endif
