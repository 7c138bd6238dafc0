/* One authorised request to a registry, and what its refusals are called. */
#include "registry/registry-priv.h"

#include "base/json.h"
#include "registry/challenge.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define ERROR_TEXT_MAX 300
#define WARNINGS_MAX   20 /* different ones that a process shows */

/* Warning: 299 - "text" (distribution-spec, "Warnings"): shown once. Other codes are of
 * caches and proxies. */
static void tell_warnings(struct cb_registry *registry,
                          const struct cb_endpoint *endpoint,
                          const struct cb_http_response *response)
{
    static const char mark[] = "Warning:";

    for (size_t i = 0; i < response->headers.count; i++) {
        const char *text = response->headers.items[i];
        cb_autofree char *said = NULL;
        size_t len;
        int first;

        if (strncasecmp(text, mark, sizeof(mark) - 1) != 0)
            continue;
        text += sizeof(mark) - 1;
        text += strspn(text, " ");
        if (strncmp(text, "299 - \"", 7) != 0)
            continue;
        len = strcspn(text + 7, "\"");
        said = xasprintf("registry %s: %.*s", endpoint->host,
                         (int)(len < ERROR_TEXT_MAX ? len : ERROR_TEXT_MAX), text + 7);
        pthread_mutex_lock(&registry->endpoint_mutex);
        first = registry->said.count < WARNINGS_MAX &&
                !cb_strings_contain(&registry->said, said);
        if (first)
            cb_strings_add(&registry->said, said);
        pthread_mutex_unlock(&registry->endpoint_mutex);
        if (first)
            cb_event_say(registry->sink, CB_EVENT_WARNING, 0, "%s", said);
    }
}

/* Where neither is spoken, what https says is the better error: a server that wants a
 * certificate of the client's own says so in an alert. An error that has a hint is of one
 * that speaks https; else that of plain http is told as well. */
static int tell_both(const struct cb_endpoint *endpoint, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    int refused;

    if (!endpoint->http_error || !err || cb_error_kind(*err) != CB_ERR_NETWORK ||
        cb_error_hint_text(*err))
        return -1;
    error = cb_steal(err);
    refused = cb_error_errnum(error) == ECONNREFUSED;
    cb_error_set(err, CB_ERR_NETWORK, "%s; plain http was tried, too: %s",
                 cb_error_message(error), endpoint->http_error);
    cb_error_set_errnum(err, cb_error_errnum(error));
    return cb_error_hint(
        err,
        refused ? "nothing listens at %s: is the registry started, and is that its port?"
                : "is what listens at %s a registry, and is that its port?",
        endpoint->host);
}

int cb_registry_call(struct cb_registry *registry, const struct cb_endpoint *endpoint,
                     const char *scope, struct cb_http_request *request,
                     struct cb_http_response *response, struct cb_error **err)
{
    const struct cb_access access = {registry, endpoint, scope};
    int ours = cb_url_same_origin(endpoint->base, request->url);
    cb_autofree char *authorization = NULL;
    cb_autofree char *second = NULL;
    int again;

    if (registry->offline) {
        cb_error_set(err, CB_ERR_NOT_FOUND,
                     "not in the store, and registry `%s` may not be asked (--offline)",
                     endpoint->host);
        return cb_error_hint(err, "fetch the image with `cbuild pull` first, or build "
                                  "without --offline");
    }
    /* Whoever sweeps the store does not wait for a slow server. */
    if (registry->store && cb_store_lease_now(registry->store, err) < 0)
        return -1;
    if (!request->tries)
        request->tries = endpoint->tries;
    request->allow_http = endpoint->allow_http;
    request->insecure_tls = endpoint->insecure_tls;
    request->ca_file = endpoint->ca_file;
    if (ours) {
        request->client_cert = endpoint->client_cert;
        request->client_key = endpoint->client_key;
        if (cb_auth_header(&access, &authorization, err) < 0)
            return -1;
        request->authorization = authorization;
    }
    if (cb_http_perform(registry->http, request, response, err) < 0)
        return ours ? tell_both(endpoint, err) : -1;
    tell_warnings(registry, endpoint, response);
    response->anonymous = !request->authorization;
    if (response->status != 401 || !ours)
        return 0;
    again = cb_auth_challenged(&access, authorization, response, &second, err);
    if (again <= 0)
        return again;
    if (request->read_body &&
        (!request->seek_body || request->seek_body(request->body_arg, 0) < 0))
        return cb_error_set(err, CB_ERR_NETWORK, "cannot send the body again");
    cb_http_response_clear(response);
    request->authorization = second;
    return cb_http_perform(registry->http, request, response, err);
}

/* The first members of "errors": code in words and message. 0 when the body has none. */
static int read_errors(const struct cb_http_response *response, char **code,
                       char **message)
{
    cb_auto_json *document = NULL;
    struct cb_json root, errors, first, field;
    const char *text = NULL;

    if (response->body.len == 0 ||
        cb_json_parse(&document, "error", cb_strbuf_text(&response->body),
                      response->body.len, response->body.len, NULL) < 0)
        return 0;
    root = cb_json_root(document, "error");
    errors = cb_json_member(&root, "errors");
    if (cb_json_is_absent(&errors) || !json_is_array(errors.value) ||
        json_array_size(errors.value) == 0)
        return 0;
    first = cb_json_item(&errors, 0);
    if (cb_json_expect_object(&first, NULL) < 0)
        return 0;
    field = cb_json_member(&first, "code");
    if (cb_json_string(&field, &text, NULL) < 0 || !text)
        return 0;
    *code = xstrndup(text, ERROR_TEXT_MAX);
    for (char *p = *code; *p; p++)
        *p = *p == '_' ? ' ' : (char)tolower((unsigned char)*p);
    text = NULL;
    field = cb_json_member(&first, "message");
    if (cb_json_string(&field, &text, NULL) < 0 || !text)
        text = "";
    *message = xstrndup(text, ERROR_TEXT_MAX);
    return 1;
}

char *cb_registry_error_code(const struct cb_http_response *response)
{
    char *code = NULL;
    cb_autofree char *message = NULL;

    read_errors(response, &code, &message);
    return code;
}

static enum cb_error_kind kind_of(int status)
{
    if (status == 401 || status == 403)
        return CB_ERR_DENIED;
    return status == 404 ? CB_ERR_NOT_FOUND : CB_ERR_NETWORK;
}

/* Docker's words for a password that was asked for and that nobody has. */
static int lacks_password(const struct cb_http_response *response)
{
    const char *header = cb_http_header(response, "WWW-Authenticate");
    cb_auto_value(cb_challenge) challenge = {0};

    return response->status == 401 && response->anonymous && header &&
           cb_challenge_parse(&challenge, header) &&
           challenge.scheme == CB_CHALLENGE_BASIC;
}

/* The token is a good one, and not for this (RFC 6750, 3.1): docker says denied. */
static int lacks_scope(const struct cb_http_response *response)
{
    const char *challenge = cb_http_header(response, "WWW-Authenticate");

    return response->status == 401 && challenge &&
           strstr(challenge, "error=\"insufficient_scope\"");
}

static int refused(const struct cb_http_response *response, struct cb_error **err)
{
    enum cb_error_kind kind = kind_of(response->status);
    cb_autofree char *code = NULL;
    cb_autofree char *message = NULL;
    char status[64];

    if (lacks_scope(response))
        return cb_error_set(err, kind,
                            "denied: requested access to the resource is denied");
    if (lacks_password(response))
        return cb_error_set(err, kind,
                            "unauthorized: authentication required: no basic auth "
                            "credentials");
    if (!read_errors(response, &code, &message)) {
        if (response->status == 401)
            return cb_error_set(err, kind, "unauthorized: authentication required");
        if (response->status == 429)
            return cb_error_set(err, kind,
                                "toomanyrequests: the registry limits how often "
                                "it may be asked");
        return cb_error_set(err, kind, "received unexpected HTTP status: %s",
                            cb_http_status_text(response->status, status));
    }
    return cb_error_set(err, kind, *message ? "%s: %s" : "%s%s", code, message);
}

/* How long to wait, and how to be allowed more, as far as the registry tells. */
static void hint_limit(const struct cb_endpoint *endpoint,
                       const struct cb_http_response *response, struct cb_error **err)
{
    const char *after = cb_http_header(response, "Retry-After");
    size_t digits = after ? strspn(after, "0123456789") : 0;
    const char *limit = cb_http_header(response, "RateLimit-Limit");
    cb_autofree char *allowed = NULL;
    cb_autofree char *wait = NULL;

    if (digits && digits < 8 && !after[digits])
        wait = xasprintf("it may be asked again in %s seconds; ", after);
    /* "100;w=21600": so many in so many seconds */
    if (limit && strlen(limit) < 40)
        allowed = xasprintf("the limit is %s; ", limit);
    cb_error_hint(err, "%s%sa `cbuild login %s` often allows more",
                  allowed ? allowed : "", wait ? wait : "",
                  cb_credentials_key(endpoint->host));
}

int cb_registry_refused(const struct cb_endpoint *endpoint,
                        const struct cb_http_response *response, struct cb_error **err)
{
    refused(response, err);
    if (response->status == 429)
        hint_limit(endpoint, response, err);
    if (response->status == 401 || response->status == 403)
        cb_error_hint(err, "`cbuild login %s` keeps credentials",
                      cb_credentials_key(endpoint->host));
    return -1;
}
