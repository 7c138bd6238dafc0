/* Tokens and passwords. What a registry's challenge said is remembered per endpoint, a
 * token per scope, so that one login serves a whole pull.
 *
 * A challenge is hostile input: the realm must be http(s), plain http only where the
 * registry itself is spoken to in plain http, and our credentials are shown to it only if
 * cb_realm_trusted says so; otherwise the token is asked for without them, with a
 * warning.
 *
 * Who we are may differ from repository to repository: an entry for a part of a registry
 * ("registry.example/team") goes before the registry's own.
 */
#include "registry/registry-priv.h"

#include "base/clock.h"
#include "base/json.h"
#include "registry/challenge.h"
#include "registry/credentials.h"
#include "registry/token-server.h"

#include <string.h>
#include <strings.h>

#define TOKEN_MIN_S 60

struct token {
    char *text;
    int64_t expires_s; /* CLOCK_MONOTONIC */
};

/* Who we are. */
struct identity {
    int known; /* else nobody: access is anonymous */
    struct cb_credentials credentials;
};

struct auth {
    pthread_mutex_t mutex; /* all below; held while a token is fetched */
    struct cb_challenge challenge;
    int looked_up;
    struct identity whole; /* to all of it, once that was looked up */
    struct cb_map *parts; /* repository → struct identity; not known: as to the whole */
    int login;            /* the token server is asked for a token to keep */
    char *refresh_token;  /* that token; or NULL */
    struct cb_map *renewed; /* such a token of ours → what the server gave in its place */
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

static void identity_free(void *arg)
{
    struct identity *identity = arg;

    if (!identity)
        return;
    cb_credentials_clear(&identity->credentials);
    free(identity);
}

void cb_auth_free(void *arg)
{
    struct auth *auth = arg;

    if (!auth)
        return;
    cb_challenge_clear(&auth->challenge);
    cb_credentials_clear(&auth->whole.credentials);
    cb_map_free(auth->parts);
    free(auth->refresh_token);
    cb_map_free(auth->tokens);
    cb_map_free(auth->renewed);
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
        auth->parts = cb_map_new(identity_free);
        auth->renewed = cb_map_new(free);
        cb_map_set(registry->auths, endpoint->base, auth);
    }
    pthread_mutex_unlock(&registry->auth_mutex);
    return auth;
}

static int64_t now_s(void)
{
    return cb_clock_ms() / 1000;
}

/* ── Who we are ── */

/* In the file that the settings name, then where they always are. PATH: as for
 * cb_credentials_find. */
static int find_credentials(struct cb_registry *registry, const char *host,
                            const char *path, struct identity *out, struct cb_error **err)
{
    const struct cb_registry_settings *settings = registry->settings;
    int found = 0;

    if (settings && settings->auth_file)
        found = cb_credentials_find_in(settings->auth_file, host, path, registry->cancel,
                                       &out->credentials, err);
    if (!found)
        found = cb_credentials_find(host, path, registry->cancel, &out->credentials, err);
    out->known = found > 0;
    return found < 0 ? -1 : 0;
}

/* To the registry as a whole. */
static int look_up_whole(const struct cb_access *access, struct auth *auth,
                         struct cb_error **err)
{
    struct cb_registry *registry = access->registry;
    const char *host = access->endpoint->host;
    const char *said = cb_registry_creds(registry->settings, host);

    if (auth->looked_up)
        return 0;
    if (said) {
        const char *colon = strchr(said, ':');

        auth->whole.credentials.username = xstrndup(said, (size_t)(colon - said));
        auth->whole.credentials.password = xstrdup(colon + 1);
        auth->whole.known = 1;
    } else if (find_credentials(registry, host, NULL, &auth->whole, err) < 0) {
        return -1;
    }
    auth->looked_up = 1;
    return 0;
}

/* To the repository PATH. */
static int look_up_part(const struct cb_access *access, struct auth *auth,
                        const char *path, struct identity **out, struct cb_error **err)
{
    struct identity *part = xcalloc(1, sizeof(*part));

    if (find_credentials(access->registry, access->endpoint->host, path, part, err) < 0) {
        identity_free(part);
        return -1;
    }
    cb_map_set(auth->parts, path, part);
    *out = part;
    return 0;
}

/* The repository that the first part of SCOPE is for, or NULL. Caller frees. */
static char *repository_of(const char *scope)
{
    static const char mark[] = "repository:";
    const char *path = scope + sizeof(mark) - 1;

    return strncmp(scope, mark, sizeof(mark) - 1) == 0
               ? xstrndup(path, strcspn(path, ":"))
               : NULL;
}

/* With the mutex held; what *OUT points to stays until the end. */
static int identify(const struct cb_access *access, struct auth *auth,
                    const struct identity **out, struct cb_error **err)
{
    const char *said =
        cb_registry_creds(access->registry->settings, access->endpoint->host);
    cb_autofree char *path = repository_of(access->scope);
    struct identity *part = NULL;

    if (path && !auth->login && !said) {
        part = cb_map_get(auth->parts, path);
        if (!part && look_up_part(access, auth, path, &part, err) < 0)
            return -1;
    }
    *out = part && part->known ? part : &auth->whole;
    return part && part->known ? 0 : look_up_whole(access, auth, err);
}

/* ── Token server ── */

/* The token that counts instead of TOKEN now. Some servers take each only once. */
static const char *newest(const struct auth *auth, const char *token)
{
    const char *next;

    while (token && (next = cb_map_get(auth->renewed, token)))
        token = next;
    return token;
}

/* For this process, as docker does it: the file is not written by a pull. */
static void renew(struct auth *auth, const char *token, const char *next)
{
    cb_autofree char *old = xstrdup(newest(auth, token));

    if (!next || !*next || !old || strcmp(old, next) == 0)
        return;
    cb_map_remove(auth->renewed, next); /* no circles */
    cb_map_set(auth->renewed, old, xstrdup(next));
}

/* USED: the credentials that the server was shown, or NULL. */
static int read_token(const struct cb_access *access, struct auth *auth,
                      const struct cb_credentials *used,
                      const struct cb_http_response *response, char **out,
                      struct cb_error **err)
{
    const char *host = access->endpoint->host;
    cb_auto_json *document = NULL;
    struct cb_json root, token, other, expires, refresh;
    const char *text, *other_text, *refresh_text;
    int64_t seconds;
    struct token *kept;

    if (cb_json_parse(&document, "token", cb_strbuf_text(&response->body),
                      response->body.len, CB_TOKEN_MAX_BYTES, err) < 0)
        return cb_error_wrap(err, "token server of %s", host);
    root = cb_json_root(document, "token");
    token = cb_json_member(&root, "token");
    other = cb_json_member(&root, "access_token");
    expires = cb_json_member(&root, "expires_in");
    refresh = cb_json_member(&root, "refresh_token");
    if (cb_json_expect_object(&root, err) < 0 || cb_json_string(&token, &text, err) < 0 ||
        cb_json_string(&other, &other_text, err) < 0 ||
        cb_json_string(&refresh, &refresh_text, err) < 0 ||
        cb_json_int64(&expires, &seconds, err) < 0)
        return cb_error_wrap(err, "token server of %s", host);
    text = text && *text ? text : other_text;
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
    if (used)
        renew(auth, used->identity_token, refresh_text);
    cb_map_set(auth->tokens, access->scope, kept);
    return 0;
}

/* *WITH_CREDENTIALS: may the token server know who we are? */
static int check_realm(const struct cb_access *access, const struct auth *auth,
                       const struct identity *who, int *with_credentials,
                       struct cb_error **err)
{
    const struct cb_endpoint *endpoint = access->endpoint;
    const char *realm = auth->challenge.realm;
    cb_auto_value(cb_url) url = {0};

    if (cb_url_parse(&url, realm, err) < 0)
        return cb_error_wrap(err, "registry %s: realm of its token server",
                             endpoint->host);
    if (strcmp(url.scheme, "http") == 0 && endpoint->allow_http == CB_HTTP_PLAIN_NEVER)
        return cb_error_set(err, CB_ERR_DENIED,
                            "registry %s: its token server `%s` is not https",
                            endpoint->host, url.host);
    *with_credentials = who->known;
    if (who->known && !cb_realm_trusted(endpoint->base, realm)) {
        *with_credentials = 0;
        if (auth->login)
            return cb_error_set(err, CB_ERR_DENIED,
                                "registry %s: its token server is at `%s`, which may not "
                                "see the credentials for %s",
                                endpoint->host, url.host, endpoint->host);
        cb_event_say(access->registry->sink, CB_EVENT_WARNING, 0,
                     "registry %s: its token server is at `%s`, which may not see the "
                     "credentials for %s: going on without them",
                     endpoint->host, url.host, endpoint->host);
    }
    return 0;
}

static int fetch_token(const struct cb_access *access, struct auth *auth,
                       const struct identity *who, char **out, struct cb_error **err)
{
    const struct cb_endpoint *endpoint = access->endpoint;
    cb_auto_value(cb_http_response) response = {0};
    struct cb_token_request request = {.endpoint = endpoint,
                                       .challenge = &auth->challenge,
                                       .scope = access->scope,
                                       .to_keep = auth->login};
    struct cb_credentials now = who->credentials;
    int with_credentials = 0;

    if (check_realm(access, auth, who, &with_credentials, err) < 0)
        return -1;
    if (with_credentials)
        request.credentials = &now;
    now.identity_token = (char *)newest(auth, now.identity_token);
    if (cb_token_ask(access->registry, &request, &response, err) < 0)
        return cb_error_wrap(err, "token server of %s", endpoint->host);
    if (response.status == 200)
        return read_token(access, auth, request.credentials, &response, out, err);
    if (response.status == 401 || response.status == 403)
        return cb_error_set(err, CB_ERR_DENIED,
                            with_credentials
                                ? "unauthorized: incorrect username or password"
                                : "unauthorized: authentication required");
    cb_registry_refused(endpoint, &response, err);
    return cb_error_wrap(err, "token server of %s", endpoint->host);
}

/* With the mutex held. */
static int header_locked(const struct cb_access *access, struct auth *auth, char **out,
                         struct cb_error **err)
{
    const struct identity *who;
    struct token *token;

    if (auth->challenge.scheme == CB_CHALLENGE_OTHER)
        return 0;
    if (identify(access, auth, &who, err) < 0)
        return -1;
    if (auth->challenge.scheme == CB_CHALLENGE_BASIC) {
        if (who->known && who->credentials.username)
            *out = cb_credentials_basic(&who->credentials);
        return 0;
    }
    token = cb_map_get(auth->tokens, access->scope);
    if (token && token->expires_s > now_s()) {
        *out = xstrdup(token->text);
        return 0;
    }
    return fetch_token(access, auth, who, out, err);
}

int cb_auth_header(const struct cb_access *access, char **out, struct cb_error **err)
{
    struct auth *auth = auth_of(access->registry, access->endpoint);
    int result;

    *out = NULL;
    pthread_mutex_lock(&auth->mutex);
    result = header_locked(access, auth, out, err);
    pthread_mutex_unlock(&auth->mutex);
    return result;
}

void cb_auth_login(struct cb_registry *registry, const struct cb_endpoint *endpoint,
                   const struct cb_credentials *credentials)
{
    struct auth *auth = auth_of(registry, endpoint);

    pthread_mutex_lock(&auth->mutex);
    cb_credentials_clear(&auth->whole.credentials);
    auth->whole.credentials.username = xstrdup(credentials->username);
    auth->whole.credentials.password = xstrdup(credentials->password);
    auth->whole.credentials.identity_token = xstrdup(credentials->identity_token);
    auth->looked_up = auth->whole.known = auth->login = 1;
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

int cb_auth_challenged(const struct cb_access *access, const char *rejected,
                       const struct cb_http_response *response, char **out,
                       struct cb_error **err)
{
    struct auth *auth = auth_of(access->registry, access->endpoint);
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
    token = cb_map_get(auth->tokens, access->scope);
    if (token && rejected && strcmp(token->text, rejected) == 0)
        cb_map_remove(auth->tokens, access->scope);
    result = header_locked(access, auth, out, err);
    pthread_mutex_unlock(&auth->mutex);
    if (result < 0)
        return -1;
    return *out && (!rejected || strcmp(*out, rejected) != 0);
}
