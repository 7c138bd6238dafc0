/* Tokens and passwords. What a registry's challenge said is remembered per endpoint, a
 * token per scope, so that one login serves a whole pull.
 *
 * A challenge is hostile input: the realm must be http(s), plain http only where the
 * registry itself is spoken to in plain http, and our credentials are shown to it only if
 * cb_realm_trusted says so; otherwise the token is asked for without them, with a
 * warning.
 */
#include "registry/registry-priv.h"

#include "base/json.h"
#include "registry/challenge.h"
#include "registry/credentials.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#define TOKEN_MAX_BYTES (1 << 20)
#define TOKEN_MIN_S     60

struct token {
    char *text;
    int64_t expires_s; /* CLOCK_MONOTONIC */
};

struct auth {
    pthread_mutex_t mutex; /* all below; held while a token is fetched */
    struct cb_challenge challenge;
    int looked_up;
    int has_credentials;
    struct cb_credentials credentials;
    int login;             /* the token server is asked for a token to keep */
    char *refresh_token;   /* that token; or NULL */
    struct cb_map *tokens; /* scope → struct token */
};

static void token_free(void *arg)
{
    struct token *token = arg;

    if (!token)
        return;
    free(token->text);
    free(token);
}

void cb_auth_free(void *arg)
{
    struct auth *auth = arg;

    if (!auth)
        return;
    cb_challenge_clear(&auth->challenge);
    cb_credentials_clear(&auth->credentials);
    free(auth->refresh_token);
    cb_map_free(auth->tokens);
    pthread_mutex_destroy(&auth->mutex);
    free(auth);
}

static struct auth *auth_of(struct cb_registry *registry,
                            const struct cb_endpoint *endpoint)
{
    struct auth *auth;

    pthread_mutex_lock(&registry->auth_mutex);
    auth = cb_map_get(registry->auths, endpoint->base);
    if (!auth) {
        auth = xcalloc(1, sizeof(*auth));
        pthread_mutex_init(&auth->mutex, NULL);
        auth->tokens = cb_map_new(token_free);
        cb_map_set(registry->auths, endpoint->base, auth);
    }
    pthread_mutex_unlock(&registry->auth_mutex);
    return auth;
}

static int64_t now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static int look_up_credentials(struct cb_registry *registry,
                               const struct cb_endpoint *endpoint, struct auth *auth,
                               struct cb_error **err)
{
    const struct cb_registry_settings *settings = registry->settings;
    int found = 0;

    if (auth->looked_up)
        return 0;
    if (settings && settings->creds) {
        const char *colon = strchr(settings->creds, ':');

        auth->credentials.username =
            xstrndup(settings->creds, (size_t)(colon - settings->creds));
        auth->credentials.password = xstrdup(colon + 1);
        found = 1;
    }
    if (!found && settings && settings->auth_file)
        found = cb_credentials_find_in(settings->auth_file, endpoint->host,
                                       registry->cancel, &auth->credentials, err);
    if (!found)
        found = cb_credentials_find(endpoint->host, registry->cancel, &auth->credentials,
                                    err);
    if (found < 0)
        return -1;
    auth->looked_up = 1;
    auth->has_credentials = found;
    return 0;
}

/* ── Token server ── */

static int read_token(struct auth *auth, const char *scope, const char *host,
                      const struct cb_http_response *response, char **out,
                      struct cb_error **err)
{
    cb_auto_json *document = NULL;
    struct cb_json root, token, access, expires, refresh;
    const char *text, *access_text, *refresh_text;
    int64_t seconds;
    struct token *kept;

    if (cb_json_parse(&document, "token", cb_strbuf_text(&response->body),
                      response->body.len, TOKEN_MAX_BYTES, err) < 0)
        return cb_error_wrap(err, "token server of %s", host);
    root = cb_json_root(document, "token");
    token = cb_json_member(&root, "token");
    access = cb_json_member(&root, "access_token");
    expires = cb_json_member(&root, "expires_in");
    refresh = cb_json_member(&root, "refresh_token");
    if (cb_json_expect_object(&root, err) < 0 || cb_json_string(&token, &text, err) < 0 ||
        cb_json_string(&access, &access_text, err) < 0 ||
        cb_json_string(&refresh, &refresh_text, err) < 0 ||
        cb_json_int64(&expires, &seconds, err) < 0)
        return cb_error_wrap(err, "token server of %s", host);
    text = text && *text ? text : access_text;
    if (!text || !*text || strpbrk(text, "\r\n"))
        return cb_error_set(err, CB_ERR_INTEGRITY, "token server of %s gives no token",
                            host);
    if (seconds < TOKEN_MIN_S || seconds > 86400)
        seconds = TOKEN_MIN_S;
    kept = xcalloc(1, sizeof(*kept));
    kept->text = xasprintf("Bearer %s", text);
    kept->expires_s = now_s() + seconds - TOKEN_MIN_S / 6;
    *out = xstrdup(kept->text);
    if (auth->login && refresh_text && *refresh_text && !auth->refresh_token)
        auth->refresh_token = xstrdup(refresh_text);
    cb_map_set(auth->tokens, scope, kept);
    return 0;
}

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

/* GET realm?service=…&scope=…, or the OAuth form for identity tokens. */
static int ask_token_server(struct cb_registry *registry,
                            const struct cb_endpoint *endpoint, struct auth *auth,
                            const char *scope, int with_credentials,
                            struct cb_http_response *response, struct cb_error **err)
{
    const struct cb_credentials *credentials = &auth->credentials;
    int oauth = with_credentials && credentials->identity_token;
    cb_auto_value(cb_strbuf) parameters = {0};
    cb_auto_value(cb_strings) headers = {0};
    cb_autofree char *basic = NULL;
    cb_autofree char *url = NULL;
    int same_host = cb_url_same_origin(endpoint->base, auth->challenge.realm);
    struct cb_http_request request = {
        .headers = &headers,
        .allow_http = endpoint->allow_http,
        .insecure_tls = endpoint->insecure_tls,
        .ca_file = endpoint->ca_file,
        .client_cert = same_host ? endpoint->client_cert : NULL,
        .client_key = same_host ? endpoint->client_key : NULL,
        .max_body = TOKEN_MAX_BYTES,
    };

    if (auth->challenge.service)
        add_parameter(&parameters, "service", auth->challenge.service);
    if (oauth) {
        add_parameter(&parameters, "grant_type", "refresh_token");
        add_parameter(&parameters, "client_id", "cbuild");
        add_parameter(&parameters, "refresh_token", credentials->identity_token);
        add_parameter(&parameters, "scope", scope);
        cb_strings_add(&headers, "Content-Type: application/x-www-form-urlencoded");
        request.method = "POST";
        request.url = auth->challenge.realm;
        request.body = cb_strbuf_text(&parameters);
        request.body_size = (int64_t)parameters.len;
        return cb_http_perform(registry->http, &request, response, err);
    }
    add_scopes(&parameters, scope);
    if (with_credentials && credentials->username) {
        add_parameter(&parameters, "account", credentials->username);
        if (auth->login) {
            add_parameter(&parameters, "client_id", "cbuild");
            add_parameter(&parameters, "offline_token", "true");
        }
        basic = cb_credentials_basic(credentials);
    }
    url = xasprintf("%s%s%s", auth->challenge.realm,
                    strchr(auth->challenge.realm, '?') ? "&" : "?",
                    cb_strbuf_text(&parameters));
    request.method = "GET";
    request.url = url;
    request.authorization = basic;
    return cb_http_perform(registry->http, &request, response, err);
}

static int check_realm(struct cb_registry *registry, const struct cb_endpoint *endpoint,
                       struct auth *auth, int *with_credentials, struct cb_error **err)
{
    const char *realm = auth->challenge.realm;
    cb_auto_value(cb_url) url = {0};

    if (cb_url_parse(&url, realm, err) < 0)
        return cb_error_wrap(err, "registry %s: realm of its token server",
                             endpoint->host);
    if (strcmp(url.scheme, "http") == 0 && endpoint->allow_http == CB_HTTP_PLAIN_NEVER)
        return cb_error_set(err, CB_ERR_DENIED,
                            "registry %s: its token server `%s` is not https",
                            endpoint->host, url.host);
    *with_credentials = auth->has_credentials;
    if (auth->has_credentials && !cb_realm_trusted(endpoint->base, realm)) {
        *with_credentials = 0;
        if (auth->login)
            return cb_error_set(err, CB_ERR_DENIED,
                                "registry %s: its token server is at `%s`, which may not "
                                "see the credentials for %s",
                                endpoint->host, url.host, endpoint->host);
        cb_event_say(registry->sink, CB_EVENT_WARNING, 0,
                     "registry %s: its token server is at `%s`, which may not see the "
                     "credentials for %s: going on without them",
                     endpoint->host, url.host, endpoint->host);
    }
    return 0;
}

static int fetch_token(struct cb_registry *registry, const struct cb_endpoint *endpoint,
                       struct auth *auth, const char *scope, char **out,
                       struct cb_error **err)
{
    cb_auto_value(cb_http_response) response = {0};
    int with_credentials = 0;

    if (check_realm(registry, endpoint, auth, &with_credentials, err) < 0)
        return -1;
    if (ask_token_server(registry, endpoint, auth, scope, with_credentials, &response,
                         err) < 0)
        return cb_error_wrap(err, "token server of %s", endpoint->host);
    if (response.status == 200)
        return read_token(auth, scope, endpoint->host, &response, out, err);
    if (response.status == 401 || response.status == 403)
        return cb_error_set(err, CB_ERR_DENIED,
                            with_credentials
                                ? "unauthorized: incorrect username or password"
                                : "unauthorized: authentication required");
    cb_registry_refused(endpoint, &response, err);
    return cb_error_wrap(err, "token server of %s", endpoint->host);
}

/* With the mutex held. */
static int header_locked(struct cb_registry *registry, const struct cb_endpoint *endpoint,
                         struct auth *auth, const char *scope, char **out,
                         struct cb_error **err)
{
    struct token *token;

    if (auth->challenge.scheme == CB_CHALLENGE_OTHER)
        return 0;
    if (look_up_credentials(registry, endpoint, auth, err) < 0)
        return -1;
    if (auth->challenge.scheme == CB_CHALLENGE_BASIC) {
        if (auth->has_credentials && auth->credentials.username)
            *out = cb_credentials_basic(&auth->credentials);
        return 0;
    }
    token = cb_map_get(auth->tokens, scope);
    if (token && token->expires_s > now_s()) {
        *out = xstrdup(token->text);
        return 0;
    }
    return fetch_token(registry, endpoint, auth, scope, out, err);
}

int cb_auth_header(struct cb_registry *registry, const struct cb_endpoint *endpoint,
                   const char *scope, char **out, struct cb_error **err)
{
    struct auth *auth = auth_of(registry, endpoint);
    int result;

    *out = NULL;
    pthread_mutex_lock(&auth->mutex);
    result = header_locked(registry, endpoint, auth, scope, out, err);
    pthread_mutex_unlock(&auth->mutex);
    return result;
}

void cb_auth_login(struct cb_registry *registry, const struct cb_endpoint *endpoint,
                   const struct cb_credentials *credentials)
{
    struct auth *auth = auth_of(registry, endpoint);

    pthread_mutex_lock(&auth->mutex);
    cb_credentials_clear(&auth->credentials);
    auth->credentials.username = xstrdup(credentials->username);
    auth->credentials.password = xstrdup(credentials->password);
    auth->credentials.identity_token = xstrdup(credentials->identity_token);
    auth->looked_up = auth->has_credentials = auth->login = 1;
    pthread_mutex_unlock(&auth->mutex);
}

void cb_auth_login_result(struct cb_registry *registry,
                          const struct cb_endpoint *endpoint,
                          struct cb_credentials *credentials)
{
    struct auth *auth = auth_of(registry, endpoint);

    pthread_mutex_lock(&auth->mutex);
    if (auth->refresh_token) {
        free(credentials->identity_token);
        credentials->identity_token = cb_steal(&auth->refresh_token);
    }
    pthread_mutex_unlock(&auth->mutex);
}

static int read_challenge(const struct cb_http_response *response,
                          struct cb_challenge *out)
{
    static const char name[] = "www-authenticate:";
    int found = 0;

    for (size_t i = 0; i < response->headers.count; i++) {
        const char *text = response->headers.items[i];
        struct cb_challenge next = {0};

        if (strncasecmp(text, name, sizeof(name) - 1) != 0 ||
            !cb_challenge_parse(&next, text + sizeof(name) - 1))
            continue;
        if (next.scheme > out->scheme) {
            cb_challenge_clear(out);
            *out = next;
            found = 1;
        } else {
            cb_challenge_clear(&next);
        }
    }
    return found;
}

int cb_auth_challenged(struct cb_registry *registry, const struct cb_endpoint *endpoint,
                       const char *scope, const char *rejected,
                       const struct cb_http_response *response, char **out,
                       struct cb_error **err)
{
    struct auth *auth = auth_of(registry, endpoint);
    cb_auto_value(cb_challenge) challenge = {0};
    struct token *token;
    int result;

    *out = NULL;
    if (!read_challenge(response, &challenge))
        return 0;
    pthread_mutex_lock(&auth->mutex);
    cb_challenge_clear(&auth->challenge);
    auth->challenge = challenge;
    memset(&challenge, 0, sizeof(challenge));
    token = cb_map_get(auth->tokens, scope);
    if (token && rejected && strcmp(token->text, rejected) == 0)
        cb_map_remove(auth->tokens, scope);
    result = header_locked(registry, endpoint, auth, scope, out, err);
    pthread_mutex_unlock(&auth->mutex);
    if (result < 0)
        return -1;
    return *out && (!rejected || strcmp(*out, rejected) != 0);
}
