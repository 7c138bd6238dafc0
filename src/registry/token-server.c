/* The two ways to ask for a token: GET with service and scope, as whoever a password says
 * we are, and the OAuth form for identity tokens. Not every token server knows the
 * second; one that does not is asked the first way, with the identity token for a
 * password, as docker does it. */
#include "registry/token-server.h"

static void add_parameter(struct cb_strbuf *out, const char *name, const char *value)
{
    cb_strbuf_addf(out, "%s%s=", out->len ? "&" : "", name);
    cb_url_encode(out, value);
}

/* Scopes are separated by blanks; GET names each by itself. */
static void add_scopes(struct cb_strbuf *out, const char *scope)
{
    while (*scope) {
        size_t len = strcspn(scope, " ");
        cb_autofree char *one = xstrndup(scope, len);

        if (len)
            add_parameter(out, "scope", one);
        scope += len + (scope[len] == ' ');
    }
}

/* How to speak with it: a certificate of our own is for the registry alone. */
static struct cb_http_request prepare(const struct cb_token_request *ask)
{
    const struct cb_endpoint *endpoint = ask->endpoint;
    int same_host = cb_url_same_origin(endpoint->base, ask->challenge->realm);

    return (struct cb_http_request){
        .allow_http = endpoint->allow_http,
        .insecure_tls = endpoint->insecure_tls,
        .ca_file = endpoint->ca_file,
        .client_cert = same_host ? endpoint->client_cert : NULL,
        .client_key = same_host ? endpoint->client_key : NULL,
        .max_body = CB_TOKEN_MAX_BYTES,
    };
}

static int post(struct cb_registry *registry, const struct cb_token_request *ask,
                struct cb_http_response *response, struct cb_error **err)
{
    struct cb_http_request request = prepare(ask);
    cb_auto_value(cb_strbuf) parameters = {0};
    cb_auto_value(cb_strings) headers = {0};

    if (ask->challenge->service)
        add_parameter(&parameters, "service", ask->challenge->service);
    add_parameter(&parameters, "grant_type", "refresh_token");
    add_parameter(&parameters, "client_id", "cbuild");
    add_parameter(&parameters, "refresh_token", ask->credentials->identity_token);
    add_parameter(&parameters, "scope", ask->scope);
    cb_strings_add(&headers, "Content-Type: application/x-www-form-urlencoded");
    request.headers = &headers;
    request.method = "POST";
    request.url = ask->challenge->realm;
    request.body = cb_strbuf_text(&parameters);
    request.body_size = (int64_t)parameters.len;
    return cb_http_perform(registry->http, &request, response, err);
}

/* CREDENTIALS with a password, or NULL. */
static int get(struct cb_registry *registry, const struct cb_token_request *ask,
               const struct cb_credentials *credentials,
               struct cb_http_response *response, struct cb_error **err)
{
    struct cb_http_request request = prepare(ask);
    const char *realm = ask->challenge->realm;
    cb_auto_value(cb_strbuf) parameters = {0};
    cb_autofree char *basic = NULL;
    cb_autofree char *url = NULL;

    if (ask->challenge->service)
        add_parameter(&parameters, "service", ask->challenge->service);
    add_scopes(&parameters, ask->scope);
    if (credentials && credentials->username) {
        add_parameter(&parameters, "account", credentials->username);
        if (ask->to_keep) {
            add_parameter(&parameters, "client_id", "cbuild");
            add_parameter(&parameters, "offline_token", "true");
        }
        basic = cb_credentials_basic(credentials);
    }
    url = xasprintf("%s%s%s", realm, strchr(realm, '?') ? "&" : "?",
                    cb_strbuf_text(&parameters));
    request.method = "GET";
    request.url = url;
    request.authorization = basic;
    return cb_http_perform(registry->http, &request, response, err);
}

/* What servers that take no POST say to one; some call it unauthorized. */
static int takes_no_post(int status)
{
    return status == 404 || status == 405 || status == 401;
}

int cb_token_ask(struct cb_registry *registry, const struct cb_token_request *ask,
                 struct cb_http_response *response, struct cb_error **err)
{
    const struct cb_credentials *known = ask->credentials;
    struct cb_credentials instead;

    if (!known || !known->identity_token)
        return get(registry, ask, known, response, err);
    if (post(registry, ask, response, err) < 0)
        return -1;
    if (!takes_no_post(response->status) || !known->username || !*known->username)
        return 0;
    cb_http_response_clear(response);
    instead = (struct cb_credentials){.username = known->username,
                                      .password = known->identity_token};
    return get(registry, ask, &instead, response, err);
}
