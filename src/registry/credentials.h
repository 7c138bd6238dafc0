/* Who we are to a registry: docker's config.json and its helper programs. */
#ifndef CB_REGISTRY_CREDENTIALS_H
#define CB_REGISTRY_CREDENTIALS_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/json.h"
#include "base/strbuf.h"

struct cb_credentials {
    char *username, *password;
    char *identity_token; /* of an OAuth login, instead of a password */
};
void cb_credentials_clear(struct cb_credentials *credentials);
CB_AUTO_VALUE_DEFINE(cb_credentials, cb_credentials_clear)

#define CB_CREDENTIALS_MAX_BYTES (1u << 20) /* of a file or a helper's answer */

/* For HOST as in references ("docker.io", "registry.example:5000"): 1 found, 0 none. PATH
 * NULL: for all of it. Else those that are for a part of it alone which the repository
 * PATH lies in; helpers are not asked for them. Reads $REGISTRY_AUTH_FILE if set, then
 * $DOCKER_CONFIG/config.json or ~/.docker/config.json, then podman's
 * $XDG_RUNTIME_DIR/containers/auth.json. */
int cb_credentials_find(const char *host, const char *path, struct cb_cancel *cancel,
                        struct cb_credentials *out, struct cb_error **err);
/* The same in one file, which has to be there. */
int cb_credentials_find_in(const char *file, const char *host, const char *path,
                           struct cb_cancel *cancel, struct cb_credentials *out,
                           struct cb_error **err);
struct cb_credentials_text {
    const char *name; /* for messages */
    const char *bytes;
    size_t len;
};
/* The same in one document. */
int cb_credentials_from(const struct cb_credentials_text *text, const char *host,
                        const char *path, struct cb_cancel *cancel,
                        struct cb_credentials *out, struct cb_error **err);
/* What a file or helper calls HOST: docker.io is https://index.docker.io/v1/. Borrowed.
 */
const char *cb_credentials_key(const char *host);
/* Does KEY of a file ("https://index.docker.io/v1/") name HOST, all of it? */
int cb_credentials_key_names(const char *key, const char *host);
/* The helper that ROOT, a configuration, names for HOST; NULL if none. Borrowed. */
int cb_credentials_helper(const struct cb_json *root, const char *host,
                          const char **helper, struct cb_error **err);
/* Runs docker-credential-HELPER VERB. 1; 0: it has no credentials; -1. */
int cb_credential_helper_run(const char *helper, const char *verb, const char *input,
                             struct cb_cancel *cancel, struct cb_strbuf *output,
                             struct cb_error **err);
/* $DOCKER_CONFIG/config.json or ~/.docker/config.json; NULL without either variable.
 * Caller frees. */
char *cb_credentials_docker_config(void);

/* ── credentials-file.c: keeping and forgetting (`login`, `logout`) ── */

/* Where credentials are kept, and what for. All borrowed. */
struct cb_credentials_place {
    const char *file; /* NULL: $REGISTRY_AUTH_FILE, or else docker's config.json */
    const char *host; /* as for cb_credentials_find */
    const char *part; /* of it, that repositories lie in; NULL: all */
};
/* Keeps CREDENTIALS with the helper that the file names, else in the file; those for a
 * part of a host always in the file. The rest of the file stays as it is; its mode
 * becomes 0600. *FILE: where they are in plain text, NULL with a helper; caller frees. */
int cb_credentials_keep(const struct cb_credentials_place *place,
                        const struct cb_credentials *credentials,
                        struct cb_cancel *cancel, char **file, struct cb_error **err);
/* Forgets them, in the helper and in the file. 1; 0: there were none. */
int cb_credentials_forget(const struct cb_credentials_place *place,
                          struct cb_cancel *cancel, struct cb_error **err);
/* All that are in the file (GIVEN, or as above), and with the helpers it names. */
int cb_credentials_forget_all(const char *given, struct cb_cancel *cancel,
                              struct cb_error **err);

/* "Basic <base64 of user:password>". Caller frees. */
char *cb_credentials_basic(const struct cb_credentials *credentials);

#endif
