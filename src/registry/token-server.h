/* What a registry's token server is asked. Whether it may see the credentials is for the
 * caller to decide (cb_realm_trusted). */
#ifndef CB_REGISTRY_TOKEN_SERVER_H
#define CB_REGISTRY_TOKEN_SERVER_H

#include "registry/challenge.h"
#include "registry/registry-priv.h"

#define CB_TOKEN_MAX_BYTES (1 << 20) /* of its answer */

struct cb_token_request {
    const struct cb_endpoint *endpoint; /* the registry that sent us there */
    const struct cb_challenge *challenge;
    const char *scope;                        /* one, or several with blanks between */
    const struct cb_credentials *credentials; /* NULL: anonymous */
    int to_keep;                              /* a token for later logins, too */
};
/* Any status is a success. */
int cb_token_ask(struct cb_registry *registry, const struct cb_token_request *request,
                 struct cb_http_response *response, struct cb_error **err);

#endif
