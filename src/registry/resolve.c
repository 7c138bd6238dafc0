/* Name → documents. One resolution is one consistent set: whatever the tag pointed to
 * when it was looked up, everything below it is fetched by digest.
 *
 * Where the answer may come from, by policy:
 *
 *     NEVER     the store
 *     MISSING   the store (the image of that name, or what the tag was last resolved to),
 *               else the registry
 *     NEWER     the registry if it has another digest than the store, else the store
 *     ALWAYS    the registry; documents that the store has under their digest are not
 *               fetched */
#include "registry/registry-priv.h"

#include "store/content.h"
#include "store/refs.h"

#include <string.h>

/* ── From the store ── */

static int is_image_id(const char *name)
{
    if (strncmp(name, "sha256:", 7) == 0)
        name += 7;
    return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

/* Target of the repo digest that belongs to REFERENCE, if any. */
static void find_target(const struct cb_image *image,
                        const struct cb_reference *reference,
                        struct cb_descriptor *target)
{
    for (size_t i = 0; i < image->repo_digests.count; i++) {
        cb_auto(cb_reference) repo = NULL;

        if (cb_reference_parse(&repo, image->repo_digests.items[i], NULL) < 0 ||
            strcmp(repo->host, reference->host) != 0 ||
            strcmp(repo->path, reference->path) != 0)
            continue;
        target->digest = repo->digest;
        target->size = -1;
    }
}

void cb_resolved_read_manifest(struct cb_registry *registry,
                               const struct cb_digest *digest,
                               struct cb_resolved_image *out)
{
    cb_auto_value(cb_strbuf) bytes = {0};

    if (!cb_digest_is_set(digest) ||
        cb_content_read(registry->store, digest, CB_MANIFEST_MAX_BYTES, &bytes, NULL) < 0)
        return;
    if (cb_manifest_parse(&out->manifest, cb_strbuf_text(&bytes), bytes.len, NULL,
                          NULL) == 0)
        out->manifest_digest = *digest;
}

static int from_image(struct cb_registry *registry, struct cb_image *image,
                      struct cb_reference **reference, struct cb_resolved_image **out,
                      struct cb_error **err)
{
    cb_auto(cb_resolved_image) resolved = xcalloc(1, sizeof(*resolved));
    cb_auto_value(cb_strbuf) config = {0};

    if (cb_content_read(registry->store, &image->id, CB_MANIFEST_MAX_BYTES, &config,
                        err) < 0)
        return -1;
    if (*reference)
        find_target(image, *reference, &resolved->target);
    cb_resolved_read_manifest(registry, &image->manifest, resolved);
    cb_strings_copy(&resolved->known_at, &image->repo_digests);
    resolved->config = cb_steal(&image->config);
    resolved->config_len = config.len;
    resolved->config_bytes = cb_strbuf_steal(&config);
    resolved->id = image->id;
    resolved->reference = cb_steal(reference);
    *out = cb_steal(&resolved);
    return 0;
}

/* 1 found, 0 not there or for another platform. */
static int find_local(struct cb_registry *registry, const char *name,
                      struct cb_reference **reference, const struct cb_platform *platform,
                      struct cb_resolved_image **out, struct cb_error **err)
{
    cb_autofree char *canonical = *reference ? cb_reference_canonical(*reference) : NULL;
    cb_auto(cb_image) image = NULL;
    int by_id = 0;
    int found = cb_image_find_to_use(registry->store, canonical ? canonical : name,
                                     platform, &image, &by_id, err);

    if (found <= 0)
        return found;
    if (by_id && canonical)
        return 0; /* a name that happens to look like an id */
    if (platform) {
        int serves = cb_image_serves(registry->store, canonical ? canonical : name, image,
                                     platform, err);

        if (serves <= 0)
            return serves;
    }
    return from_image(registry, image, reference, out, err) < 0 ? -1 : 1;
}

/* ── Policy ── */

/* Two records are kept for a tag: what it points to, for asking whether it has changed,
 * and the manifest for each platform, which keeps the config alive with it. */
#define TARGET_RECORD "target"

struct resolution {
    struct cb_registry *registry;
    struct cb_reference *reference;
    const struct cb_platform *platform;
    char *canonical, *platform_text;
    struct cb_digest target;   /* the first record, if the store has the document */
    struct cb_digest manifest; /* the second, likewise */
};

static void resolution_clear(struct resolution *resolution)
{
    cb_reference_free(resolution->reference);
    free(resolution->canonical);
    free(resolution->platform_text);
}

static void look_up(struct resolution *resolution, const char *record,
                    struct cb_digest *out)
{
    struct cb_store *store = resolution->registry->store;
    struct cb_digest digest;
    int64_t when, size;

    if (cb_resolution_get(store, resolution->canonical, record, &digest, &when, NULL) >
            0 &&
        cb_content_has(store, &digest, &size) > 0)
        *out = digest;
}

static void look_up_known(struct resolution *resolution)
{
    if (cb_digest_is_set(&resolution->reference->digest)) {
        resolution->target = resolution->reference->digest;
        return;
    }
    look_up(resolution, TARGET_RECORD, &resolution->target);
    look_up(resolution, resolution->platform_text, &resolution->manifest);
}

static int remember(struct resolution *resolution, const struct cb_resolved_image *image,
                    struct cb_error **err)
{
    struct cb_store *store = resolution->registry->store;

    if (cb_resolution_set(store, resolution->canonical, TARGET_RECORD,
                          &image->target.digest, err) < 0)
        return -1;
    return cb_resolution_set(store, resolution->canonical, resolution->platform_text,
                             &image->manifest_digest, err);
}

/* From DIGEST on, or from the tag when it is not set. REPOSITORY NULL: the store alone.
 */
static int resolve_documents(struct resolution *resolution,
                             const struct cb_repository *repository,
                             const struct cb_digest *digest,
                             struct cb_resolved_image **out, struct cb_error **err)
{
    cb_auto(cb_resolved_image) image = xcalloc(1, sizeof(*image));
    const struct cb_image_want want = {.tag = resolution->reference->tag,
                                       .root = {.digest = *digest, .size = -1},
                                       .platform = resolution->platform};
    cb_autofree char *familiar = cb_reference_familiar(resolution->reference);

    if (cb_resolve_documents(resolution->registry, repository, &want, image, err) < 0)
        return cb_error_wrap(err, "%s", familiar);
    if (repository && remember(resolution, image, err) < 0)
        return -1;
    image->reference = cb_steal(&resolution->reference);
    *out = cb_steal(&image);
    return 0;
}

static int resolve_offline(struct resolution *resolution, struct cb_resolved_image **out)
{
    if (cb_digest_is_set(&resolution->target) &&
        resolve_documents(resolution, NULL, &resolution->target, out, NULL) == 0)
        return 1;
    return cb_digest_is_set(&resolution->manifest) &&
           resolve_documents(resolution, NULL, &resolution->manifest, out, NULL) == 0;
}

struct remote_attempt {
    struct resolution *resolution;
    struct cb_resolved_image **out;
};

static int resolve_at(void *arg, const struct cb_repository *repository,
                      struct cb_error **err)
{
    const struct remote_attempt *attempt = arg;
    struct resolution *resolution = attempt->resolution;
    const struct cb_reference *reference = resolution->reference;
    struct cb_digest digest = reference->digest;

    /* A HEAD is free where downloads are counted, and enough when nothing has changed. */
    if (!cb_digest_is_set(&digest) && cb_digest_is_set(&resolution->target)) {
        struct cb_digest head;
        int said = cb_document_head(resolution->registry, repository, reference->tag,
                                    &head, err);

        if (said < 0)
            return -1;
        if (said && cb_digest_equal(&head, &resolution->target))
            digest = head;
    }
    return resolve_documents(resolution, repository, &digest, attempt->out, err);
}

static int resolve_remote(struct resolution *resolution, struct cb_resolved_image **out,
                          struct cb_error **err)
{
    struct remote_attempt attempt = {.resolution = resolution, .out = out};
    cb_auto(cb_reference) reference = NULL;

    /* An attempt that succeeds takes the resolution's. */
    if (cb_reference_parse(&reference, resolution->canonical, err) < 0)
        return -1;
    return cb_places_try(resolution->registry, reference, resolve_at, &attempt, err);
}

static int not_local(const char *name, const struct cb_platform *platform,
                     struct cb_error **err)
{
    cb_autofree char *text = cb_platform_text(platform);

    cb_error_set(err, CB_ERR_NOT_FOUND,
                 "%s: no such image for %s in the store, and pulling is switched off",
                 name, text);
    return cb_error_hint(err, "`cbuild pull %s` fetches it", name);
}

static int resolve_reference(struct resolution *resolution, const char *name,
                             enum cb_pull_policy policy, struct cb_resolved_image **out,
                             struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    int found = 0;

    if (policy == CB_PULL_MISSING || policy == CB_PULL_NEVER)
        found = find_local(resolution->registry, name, &resolution->reference,
                           resolution->platform, out, err);
    if (found)
        return found < 0 ? -1 : 0;
    look_up_known(resolution);
    if (policy == CB_PULL_MISSING || policy == CB_PULL_NEVER) {
        if (resolve_offline(resolution, out))
            return 0;
        if (policy == CB_PULL_NEVER)
            return not_local(name, resolution->platform, err);
    }
    if (resolve_remote(resolution, out, &error) == 0)
        return 0;
    if (policy == CB_PULL_NEWER && cb_error_kind(error) == CB_ERR_NETWORK) {
        found = find_local(resolution->registry, name, &resolution->reference,
                           resolution->platform, out, NULL);
        if (found > 0 || resolve_offline(resolution, out)) {
            cb_event_say(resolution->registry->sink, CB_EVENT_WARNING, 0,
                         "%s: using the store's image: %s", name,
                         cb_error_message(error));
            return 0;
        }
    }
    return cb_error_move(err, &error);
}

int cb_registry_resolve(struct cb_registry *registry, const char *name,
                        const struct cb_platform *platform, enum cb_pull_policy policy,
                        struct cb_resolved_image **out, struct cb_error **err)
{
    struct cb_platform host = cb_platform_host();
    struct resolution resolution = {.registry = registry,
                                    .platform = platform ? platform : &host};
    int result;

    if (is_image_id(name)) {
        int found = find_local(registry, name, &resolution.reference, NULL, out, err);

        if (found != 0)
            return found < 0 ? -1 : 0;
        return cb_error_set(err, CB_ERR_NOT_FOUND, "No such image: %s", name);
    }
    if (cb_reference_parse(&resolution.reference, name, err) < 0)
        return -1;
    cb_reference_default_tag(resolution.reference);
    resolution.canonical = cb_reference_canonical(resolution.reference);
    resolution.platform_text = cb_platform_text(resolution.platform);
    result = resolve_reference(&resolution, name, policy, out, err);
    resolution_clear(&resolution);
    return result;
}
