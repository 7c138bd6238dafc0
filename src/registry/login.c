/* Credentials are tried on GET /v2/, as docker does: what the registry challenges is
 * answered with them, by Basic or through its token server, which may give a token to be
 * kept in the password's place. */
#include "registry/registry.h"

#include "registry/registry-priv.h"

/* What transport has to say names its URL already. */
static int unanswered(const char *host, const char *url, struct cb_error **err)
{
    if (err && *err && cb_error_kind(*err) == CB_ERR_NETWORK)
        return cb_error_wrap(err, "login to %s", host);
    return cb_error_wrap(err, "Get \"%s\"", url);
}

int cb_registry_login(struct cb_registry *registry, const char *host,
                      struct cb_credentials *credentials, struct cb_error **err)
{
    const struct cb_endpoint *endpoint;
    cb_auto_value(cb_http_response) response = {0};
    cb_autofree char *url = NULL;
    struct cb_http_request request = {.method = "GET"};

    if (cb_endpoint_get(registry, host, &endpoint, err) < 0)
        return -1;
    url = xasprintf("%s/v2/", endpoint->base);
    request.url = url;
    cb_auth_login(registry, endpoint, credentials);
    if (cb_registry_call(registry, endpoint, "", &request, &response, err) < 0)
        return unanswered(host, url, err);
    if (response.status == 401 || response.status == 403) {
        cb_error_set(err, CB_ERR_DENIED, "unauthorized: incorrect username or password");
        return cb_error_wrap(err, "Get \"%s\"", url);
    }
    if (response.status != 200) {
        char status[64];

        return cb_error_set(err, CB_ERR_NETWORK,
                            "login attempt to %s failed with status: %s", url,
                            cb_http_status_text(response.status, status));
    }
    cb_auth_login_result(registry, endpoint, credentials);
    return 0;
}
