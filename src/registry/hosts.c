/* From a reference's host to the way to speak with it. Everything is https with
 * verification, except
 *  - hosts named as insecure: https without verification, or http if only that answers;
 *  - loopback hosts without certificates of their own that answer `GET /v2/` in plain
 *    http. A loopback host that speaks TLS is verified as any other.
 * Certificates come from certs.d/<host>/ as docker and podman keep them. */
#include "registry/registry-priv.h"

#include "base/fs.h"
#include "base/resolve.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>

#define HUB_HOST "registry-1.docker.io"

void cb_endpoint_free(void *arg)
{
    struct cb_endpoint *endpoint = arg;

    if (!endpoint)
        return;
    free(endpoint->host);
    free(endpoint->base);
    free(endpoint->ca_file);
    free(endpoint->client_cert);
    free(endpoint->client_key);
    free(endpoint->http_error);
    free(endpoint);
}

/* "name:port" → "name"; "[::1]:5000" → "::1". Caller frees. */
static char *without_port(const char *host)
{
    if (*host == '[')
        return xstrndup(host + 1, strcspn(host + 1, "]"));
    return xstrndup(host, strcspn(host, ":"));
}

/* Docker's way with ranges: a name counts as the addresses it has, but for docker.io,
 * which no range makes insecure. */
static int resolves_into(const struct cb_strings *list, const char *name,
                         struct cb_cancel *cancel)
{
    cb_auto_value(cb_strings) addresses = {0};

    cb_host_resolve(name, cancel, &addresses);
    cb_vec_foreach (address, &addresses) {
        for (size_t i = 0; i < list->count; i++) {
            if (cb_range_has(list->items[i], *address))
                return 1;
        }
    }
    return 0;
}

int cb_host_listed(const struct cb_strings *list, const char *host, int may_ask,
                   struct cb_cancel *cancel)
{
    cb_autofree char *name = without_port(host);
    int ranges = 0;

    for (size_t i = 0; i < list->count; i++) {
        const char *entry = list->items[i];

        if (strcasecmp(entry, host) == 0 || strcasecmp(entry, name) == 0 ||
            cb_range_has(entry, name))
            return 1;
        ranges += strchr(entry, '/') != NULL;
    }
    return ranges && may_ask && !cb_host_is_address(name) && !strchr(name, ':') &&
           strcmp(name, HUB_HOST) != 0 && resolves_into(list, name, cancel);
}

/* The first file in DIR whose name ends in SUFFIX; NULL if none. */
static char *find_file(const char *dir, const struct cb_strings *names,
                       const char *suffix)
{
    for (size_t i = 0; i < names->count; i++) {
        size_t len = strlen(names->items[i]);

        if (len > strlen(suffix) &&
            strcmp(names->items[i] + len - strlen(suffix), suffix) == 0)
            return xasprintf("%s/%s", dir, names->items[i]);
    }
    return NULL;
}

/* The settings' directories, the user's, the machine's. */
static void list_roots(const struct cb_registry *registry, struct cb_strings *roots)
{
    const char *home = getenv("HOME");

    if (registry->settings)
        cb_strings_copy(roots, &registry->settings->certs_dirs);
    if (home && *home) {
        cb_strings_addf(roots, "%s/.config/docker/certs.d", home);
        cb_strings_addf(roots, "%s/.config/containers/certs.d", home);
    }
    cb_strings_add(roots, "/etc/docker/certs.d");
    cb_strings_add(roots, "/etc/containers/certs.d");
}

/* 1: there is such a directory, and what it has is taken. */
static int take_certificates(const char *dir, struct cb_endpoint *endpoint)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || cb_fs_list(fd, &names, NULL) < 0)
        return 0;
    endpoint->ca_file = find_file(dir, &names, ".crt");
    endpoint->client_cert = find_file(dir, &names, ".cert");
    endpoint->client_key = find_file(dir, &names, ".key");
    return 1;
}

static void find_certificates(const struct cb_registry *registry,
                              struct cb_endpoint *endpoint)
{
    const char *given = registry->settings ? registry->settings->cert_dir : NULL;
    cb_auto_value(cb_strings) roots = {0};

    if (given && take_certificates(given, endpoint))
        return;
    list_roots(registry, &roots);
    for (size_t i = 0; i < roots.count; i++) {
        cb_autofree char *dir = xasprintf("%s/%s", roots.items[i], endpoint->host);

        if (take_certificates(dir, endpoint))
            return;
    }
}

/* Status of GET base/v2/, or -1 when nothing answers. A server that wants to know who
 * speaks to it by TLS is told: it answers nobody else. */
static int ping(struct cb_registry *registry, const struct cb_endpoint *endpoint,
                const char *base, int allow_http, struct cb_error **err)
{
    cb_autofree char *url = xasprintf("%s/v2/", base);
    cb_auto_value(cb_http_response) response = {0};
    struct cb_http_request request = {
        .method = "GET",
        .url = url,
        .allow_http = allow_http,
        .insecure_tls = 1, /* asked for reachability only; nothing is believed */
        .client_cert = endpoint->client_cert,
        .client_key = endpoint->client_key,
        .max_redirects = -1,
        .tries = 1,
    };

    if (registry->offline ||
        cb_http_perform(registry->http, &request, &response, err) < 0)
        return -1;
    return response.status;
}

/* 3xx leads to https; 400 is what TLS servers say to plain text. */
static int speaks_http(int status)
{
    return status >= 200 && status != 400 && status != 426 && status != 497 &&
           status / 100 != 3;
}

/* BASE, in plain http; unless that is not answered. Returns what `ping` did. */
static int try_http(struct cb_registry *registry, struct cb_endpoint *endpoint,
                    const char *host)
{
    cb_autofree char *base = xasprintf("http://%s", host);
    cb_auto(cb_error) error = NULL;
    int status = ping(registry, endpoint, base, endpoint->allow_http, &error);

    if (speaks_http(status)) {
        free(endpoint->base);
        endpoint->base = cb_steal(&base);
    } else if (error) {
        endpoint->http_error = xstrdup(cb_error_message(error));
    }
    return status;
}

static void choose_scheme(struct cb_registry *registry, struct cb_endpoint *endpoint,
                          const char *host)
{
    cb_autofree char *name = without_port(host);
    int insecure =
        !registry->tls_verify ||
        cb_host_listed(&registry->insecure, host, !registry->offline, registry->cancel);
    int certificates = endpoint->ca_file || endpoint->client_cert;

    endpoint->base = xasprintf("https://%s", host);
    if (insecure) {
        endpoint->insecure_tls = 1;
        endpoint->allow_http = CB_HTTP_PLAIN_ANYWHERE;
        if (ping(registry, endpoint, endpoint->base, endpoint->allow_http, NULL) < 0 &&
            try_http(registry, endpoint, host) < 0)
            endpoint->tries = 1; /* two were in vain */
    } else if (cb_host_is_loopback(name) && !certificates) {
        endpoint->allow_http = CB_HTTP_PLAIN_LOOPBACK;
        if (!speaks_http(try_http(registry, endpoint, host)))
            endpoint->allow_http = 0;
    }
}

static struct cb_endpoint *endpoint_new(struct cb_registry *registry, const char *address)
{
    struct cb_endpoint *endpoint = xcalloc(1, sizeof(*endpoint));
    const char *scheme_end = strstr(address, "://");
    const char *host = scheme_end ? scheme_end + 3 : address;

    endpoint->host = xstrdup(host);
    endpoint->tries = registry->settings ? (int)registry->settings->tries : 0;
    find_certificates(registry, endpoint);
    if (!scheme_end) {
        choose_scheme(registry, endpoint,
                      strcmp(host, "docker.io") == 0 ? HUB_HOST : host);
        return endpoint;
    }
    endpoint->base = xstrdup(address);
    endpoint->insecure_tls =
        !registry->tls_verify ||
        cb_host_listed(&registry->insecure, host, !registry->offline, registry->cancel);
    if (strncasecmp(address, "http:", 5) == 0)
        endpoint->allow_http = CB_HTTP_PLAIN_ANYWHERE;
    return endpoint;
}

int cb_endpoint_get(struct cb_registry *registry, const char *address,
                    const struct cb_endpoint **out, struct cb_error **err)
{
    struct cb_endpoint *endpoint;

    pthread_mutex_lock(&registry->endpoint_mutex);
    endpoint = cb_map_get(registry->endpoints, address);
    if (!endpoint) {
        endpoint = endpoint_new(registry, address);
        cb_map_set(registry->endpoints, address, endpoint);
    }
    pthread_mutex_unlock(&registry->endpoint_mutex);
    *out = endpoint;
    return cb_cancel_check(registry->cancel, err);
}
