/* The registry client's life: configuration is copied, nothing is opened. */
#include "registry/registry.h"

#include "registry/registry-priv.h"
#include "store/outbox.h"

#include <stdlib.h>

static void add_insecure(struct cb_registry *registry,
                         const struct cb_registry_settings *settings)
{
    for (size_t i = 0; i < settings->insecure.count; i++)
        cb_strings_add(&registry->insecure, settings->insecure.items[i]);
    for (size_t i = 0; i < settings->rules.count; i++) {
        const struct cb_registry_rule *rule = &settings->rules.items[i];
        const char *place = rule->rewrite ? rule->rewrite : rule->prefix;

        if (rule->insecure)
            cb_strings_take(&registry->insecure, xstrndup(place, strcspn(place, "/")));
    }
}

int cb_registry_new(struct cb_registry **out, const struct cb_registry_options *options,
                    struct cb_error **err)
{
    struct cb_registry *registry = xcalloc(1, sizeof(*registry));
    const struct cb_registry_settings *settings = options->settings;
    struct cb_http_options http = {.cancel = options->cancel};

    registry->store = options->store;
    registry->pool = options->pool;
    registry->cancel = options->cancel;
    registry->sink = options->sink;
    registry->tls_verify = options->tls_verify;
    registry->offline = options->offline;
    registry->settings = settings;
    if (options->insecure)
        cb_strings_copy(&registry->insecure, options->insecure);
    registry->insecure_given = registry->insecure.count;
    if (settings) {
        add_insecure(registry, settings);
        http.http_proxy = settings->http_proxy;
        http.https_proxy = settings->https_proxy;
        http.no_proxy = settings->no_proxy;
    }
    registry->http = cb_http_new(&http);
    pthread_mutex_init(&registry->endpoint_mutex, NULL);
    pthread_mutex_init(&registry->auth_mutex, NULL);
    registry->endpoints = cb_map_new(cb_endpoint_free);
    registry->auths = cb_map_new(cb_auth_free);
    *out = registry;
    return 0;
}

void cb_registry_free(struct cb_registry *registry)
{
    if (!registry)
        return;
    cb_map_free(registry->auths);
    cb_map_free(registry->endpoints);
    pthread_mutex_destroy(&registry->auth_mutex);
    pthread_mutex_destroy(&registry->endpoint_mutex);
    cb_http_free(registry->http);
    cb_strings_free(&registry->insecure);
    cb_strings_free(&registry->away);
    cb_strings_free(&registry->said);
    free(registry);
}

/* Wherever the other process is. */
static char *absolute(const char *path)
{
    char *found = path ? realpath(path, NULL) : NULL;

    return found ? found : xstrdup(path);
}

void cb_registry_reach(const struct cb_registry *registry, struct cb_outbox_reach *out)
{
    const struct cb_registry_settings *settings = registry->settings;

    *out = (struct cb_outbox_reach){.tls_verify = registry->tls_verify};
    for (size_t i = 0; i < registry->insecure_given; i++)
        cb_strings_add(&out->insecure, registry->insecure.items[i]);
    if (settings) {
        out->auth_file = absolute(settings->auth_file);
        out->cert_dir = absolute(settings->cert_dir);
    }
}

#define CONCURRENT_DOWNLOADS 4
#define CONCURRENT_UPLOADS   4

unsigned cb_registry_downloads(const struct cb_registry *registry)
{
    unsigned set = registry->settings ? registry->settings->downloads : 0;

    return set ? set : CONCURRENT_DOWNLOADS;
}

unsigned cb_registry_uploads(const struct cb_registry *registry)
{
    unsigned set = registry->settings ? registry->settings->uploads : 0;

    return set ? set : CONCURRENT_UPLOADS;
}

void cb_resolved_image_free(struct cb_resolved_image *image)
{
    if (!image)
        return;
    cb_reference_free(image->reference);
    cb_descriptor_free(&image->target);
    cb_manifest_free(image->manifest);
    cb_image_config_free(image->config);
    free(image->config_bytes);
    free(image->layout);
    cb_strings_free(&image->known_at);
    free(image);
}

static struct cb_manifest *copy_manifest(const struct cb_manifest *from)
{
    struct cb_manifest *copy = NULL;

    /* Parsed once already, so it parses again. */
    if (from &&
        cb_manifest_parse(&copy, from->bytes, from->len, from->media_type, NULL) < 0)
        return NULL;
    return copy;
}

static struct cb_reference *copy_reference(const struct cb_reference *from)
{
    struct cb_reference *copy = xcalloc(1, sizeof(*copy));

    copy->host = xstrdup(from->host);
    copy->path = xstrdup(from->path);
    copy->tag = xstrdup(from->tag);
    copy->digest = from->digest;
    return copy;
}

struct cb_resolved_image *cb_resolved_image_copy(const struct cb_resolved_image *image)
{
    struct cb_resolved_image *copy = xcalloc(1, sizeof(*copy));

    if (image->reference)
        copy->reference = copy_reference(image->reference);
    copy->manifest_digest = image->manifest_digest;
    cb_descriptor_copy(&copy->target, &image->target);
    copy->manifest = copy_manifest(image->manifest);
    copy->config = cb_image_config_copy(image->config);
    copy->config_bytes = xmemdup(image->config_bytes, image->config_len + 1);
    copy->config_len = image->config_len;
    copy->id = image->id;
    copy->layout = xstrdup(image->layout);
    cb_strings_copy(&copy->known_at, &image->known_at);
    return copy;
}
