/* Layers into the store, and the `pull` command. A layer that is already unpacked below
 * the same chain needs no blob; of the others, any blob known for the diff id will do.
 * What comes over the network is unpacked while it comes, by another thread: hashing,
 * writing and syncing the blob take no time of their own then. */
#include "registry/registry-priv.h"

#include "base/timestamp.h"
#include "store/blob-feed.h"
#include "store/content.h"
#include "store/layer.h"
#include "store/refs.h"

#include <string.h>

struct fetch {
    struct cb_registry *registry;
    const struct cb_resolved_image *image;
    const struct cb_repository *layout; /* the directory it comes from, or NULL */
    uint64_t event_id;
    size_t first;                /* layers below are unpacked */
    struct cb_descriptor *blobs; /* all layers; those below `first` may be empty */
    struct cb_layers *layers;    /* on their way to disk */
};

static void fetch_clear(struct fetch *fetch)
{
    cb_layers_free(fetch->layers);
    for (size_t i = 0; fetch->blobs && i < fetch->image->config->diff_ids.count; i++)
        cb_descriptor_free(&fetch->blobs[i]);
    free(fetch->blobs);
}

/* How many layers from the bottom are unpacked already; *TOP is the last of them. */
static int find_unpacked(struct cb_store *store, const struct cb_image_config *config,
                         size_t *count, struct cb_snapshot **top, struct cb_error **err)
{
    size_t total = config->diff_ids.count;
    CB_VEC(struct cb_digest) chain = {0};
    int found = 0;

    for (size_t i = 0; i < total; i++) {
        struct cb_digest id =
            cb_chain_id(i ? &chain.items[i - 1] : NULL, &config->diff_ids.items[i]);

        cb_vec_push(&chain, id);
    }
    for (*count = total; *count > 0; (*count)--) {
        found = cb_chain_find(store, &chain.items[*count - 1], top, err);
        if (found != 0)
            break;
    }
    cb_vec_free(&chain);
    return found < 0 ? -1 : 0;
}

/* ── One layer ── */

/* A layer on its way. */
struct incoming {
    struct fetch *fetch;
    size_t layer;
    struct cb_blob_feed *feed;
    struct cb_error *error; /* of unpacking */
};

/* 1: a blob for the layer is in the store. 0: *BLOB is what is to be fetched. */
static int find_blob(struct fetch *fetch, size_t i, struct cb_error **err)
{
    struct cb_store *store = fetch->registry->store;
    const struct cb_digest *diff_id = &fetch->image->config->diff_ids.items[i];
    struct cb_descriptor *blob = &fetch->blobs[i];
    char text[CB_DIGEST_MAX_TEXT];
    int64_t size;

    if (cb_layer_blob_find(store, diff_id, -1, blob, NULL) > 0) {
        if (cb_content_has(store, &blob->digest, &size) > 0)
            return 1;
        cb_descriptor_free(blob);
        memset(blob, 0, sizeof(*blob));
    }
    if (fetch->image->manifest) {
        cb_descriptor_copy(blob, &fetch->image->manifest->layers.items[i]);
        if (fetch->layout || fetch->image->reference || fetch->image->known_at.count)
            return 0;
        if (cb_content_has(store, &blob->digest, &size) > 0)
            return 1;
    }
    return cb_error_set(err, CB_ERR_NOT_FOUND, "layer %s is not in the store",
                        cb_digest_text(diff_id, text));
}

static int fetch_blob(void *arg, const struct cb_repository *repository,
                      struct cb_error **err)
{
    const struct incoming *incoming = arg;
    struct fetch *fetch = incoming->fetch;

    return cb_blob_fetch(fetch->registry, repository, &fetch->blobs[incoming->layer],
                         incoming->feed, fetch->event_id, err);
}

/* The two parts of it run at once if there is a thread for the second, else one after the
 * other. Whether unpacking failed is only of interest if the blob is the right one. */
static int fetch_or_unpack(void *arg, size_t part, struct cb_error **err)
{
    struct incoming *incoming = arg;
    struct fetch *fetch = incoming->fetch;
    int result;

    if (part == 1) {
        cb_layers_unpack_early(fetch->layers, incoming->layer, cb_blob_feed_read,
                               incoming->feed, &incoming->error);
        return 0;
    }
    result =
        cb_image_places_try(fetch->registry, fetch->image, fetch_blob, incoming, err);
    cb_blob_feed_end(incoming->feed);
    return result;
}

static int receive_layer(struct fetch *fetch, size_t i, struct cb_error **err)
{
    cb_auto(cb_blob_feed) feed = cb_blob_feed_new();
    struct incoming incoming = {.fetch = fetch, .layer = i, .feed = feed};
    cb_auto(cb_error) error = NULL;
    int result =
        cb_pool_fan_out(fetch->registry->pool, 2, 2, fetch_or_unpack, &incoming, err);

    error = incoming.error;
    if (result < 0)
        return -1;
    if (cb_blob_feed_is_broken(feed))
        cb_layers_forget_early(fetch->layers, i);
    else if (error)
        return cb_error_move(err, &error);
    return 0;
}

/* While it is unpacked others are on the way. */
static int fetch_and_unpack(void *arg, size_t index, struct cb_error **err)
{
    struct fetch *fetch = arg;
    size_t i = fetch->first + index;
    struct incoming local = {.fetch = fetch, .layer = i};
    int found;

    if (cb_cancel_check(fetch->registry->cancel, err) < 0)
        return -1;
    found = find_blob(fetch, i, err);
    if (found < 0)
        return -1;
    if (!found && fetch->layout && fetch_blob(&local, fetch->layout, err) < 0)
        return -1;
    if (!found && !fetch->layout && receive_layer(fetch, i, err) < 0)
        return -1;
    return cb_layers_unpack_one(fetch->layers, i, err);
}

/* ── All of them ── */

/* Docker's first lines: what is there, and what is going to be fetched. */
static void announce(struct fetch *fetch)
{
    const struct cb_manifest *manifest = fetch->image->manifest;

    for (size_t i = 0; manifest && i < manifest->layers.count; i++) {
        int there = i < fetch->first;

        cb_registry_status(fetch->registry, fetch->event_id,
                           &manifest->layers.items[i].digest,
                           there ? "Already exists" : "Pulling fs layer", 0,
                           manifest->layers.items[i].size, there);
    }
}

static void announce_end(struct fetch *fetch)
{
    for (size_t i = fetch->first; i < fetch->image->config->diff_ids.count; i++)
        cb_registry_status(fetch->registry, fetch->event_id, &fetch->blobs[i].digest,
                           "Pull complete", fetch->blobs[i].size, fetch->blobs[i].size,
                           1);
}

/* What the image's history says of its layers, where it has an entry for each. */
static size_t layer_times(const struct cb_image_config *config, int64_t *out)
{
    struct timespec time;
    size_t count = 0;

    cb_vec_foreach (entry, &config->history) {
        if (entry->empty_layer)
            continue;
        if (count == config->diff_ids.count || !entry->created ||
            cb_timestamp_parse(&time, entry->created, NULL) < 0)
            return 0;
        out[count++] = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
    }
    return count == config->diff_ids.count ? count : 0;
}

/* A layer is as old as the image says, not as its files here: so an image that is made of
 * its layers again has the dates, and the id, that it had where they were made. */
static int date_layers(struct fetch *fetch, struct cb_snapshot *top,
                       struct cb_error **err)
{
    const struct cb_image_config *config = fetch->image->config;
    cb_autofree int64_t *times = xcalloc(config->diff_ids.count, sizeof(*times));
    size_t left = layer_times(config, times);

    for (; left > fetch->first && top; top = cb_snapshot_parent(top)) {
        if (times[--left] < cb_snapshot_created_ns(top) &&
            cb_snapshot_backdate(top, times[left], err) < 0)
            return -1;
    }
    return 0;
}

static int fetch_missing(struct fetch *fetch, struct cb_snapshot **top,
                         struct cb_error **err)
{
    struct cb_registry *registry = fetch->registry;
    const struct cb_image_config *config = fetch->image->config;
    size_t total = config->diff_ids.count;
    struct cb_layers_options options = {.store = registry->store,
                                        .diff_ids = config->diff_ids.items,
                                        .count = total,
                                        .cancel = registry->cancel,
                                        .sink = registry->sink,
                                        .event_id = fetch->event_id};

    fetch->blobs = xcalloc(total, sizeof(*fetch->blobs));
    announce(fetch);
    options.blobs = fetch->blobs;
    if (cb_layers_begin(&fetch->layers, &options, err) < 0)
        return -1;
    fetch->first = cb_layers_first(fetch->layers);
    if (cb_pool_fan_out(registry->pool, cb_registry_downloads(registry),
                        total - fetch->first, fetch_and_unpack, fetch, err) < 0)
        return -1;
    *top = cb_layers_top(fetch->layers);
    announce_end(fetch);
    return date_layers(fetch, *top, err);
}

int cb_registry_fetch(struct cb_registry *registry, const struct cb_resolved_image *image,
                      uint64_t event_id, struct cb_snapshot **top, struct cb_error **err)
{
    struct fetch fetch = {.registry = registry, .image = image, .event_id = event_id};
    struct cb_repository repository = {0};
    cb_auto(cb_snapshot) unpacked = NULL;
    cb_autofd int layout = -1;
    size_t total = image->config->diff_ids.count;
    int result;

    if (find_unpacked(registry->store, image->config, &fetch.first, &unpacked, err) < 0)
        return -1;
    if (fetch.first == total) {
        announce(&fetch);
        *top = cb_steal(&unpacked);
        return 0;
    }
    if (image->layout) {
        if (cb_layout_repository_open(registry, image->layout, &repository, &layout,
                                      err) < 0)
            return cb_error_wrap(err, "oci-layout %s", image->layout);
        fetch.layout = &repository;
    }
    result = fetch_missing(&fetch, top, err);
    fetch_clear(&fetch);
    return result;
}

/* ── The command ── */

/* 1 when the name leads to the image already, and to others for other platforms, which
 * stay. */
static int is_among_platforms(struct cb_registry *registry, const char *canonical,
                              const struct cb_digest *id, struct cb_error **err)
{
    cb_auto_value(cb_platform_images) images = {0};

    if (cb_ref_platforms(registry->store, canonical, &images, err) < 0)
        return -1;
    cb_vec_foreach (image, &images) {
        if (cb_digest_equal(&image->id, id))
            return 1;
    }
    return 0;
}

static int register_image(struct cb_registry *registry, struct cb_resolved_image *image,
                          int *changed, struct cb_error **err)
{
    cb_autofree char *canonical = cb_reference_canonical(image->reference);
    cb_autofree char *name =
        xasprintf("%s/%s", image->reference->host, image->reference->path);
    cb_auto_value(cb_strings) names = {0};
    struct cb_digest before, id;
    int had, among = 0;

    if (!cb_digest_is_set(&image->reference->digest))
        among = is_among_platforms(registry, canonical, &image->id, err);
    if (among < 0)
        return -1;
    if (!cb_digest_is_set(&image->reference->digest) && !among)
        cb_strings_add(&names, canonical);
    if (names.count) {
        had = cb_ref_get(registry->store, canonical, &before, err);
    } else {
        cb_auto(cb_image) there = NULL;

        had = cb_image_get(registry->store, &image->id, &there, NULL) == 0 && there;
        before = image->id;
    }
    if (had < 0)
        return -1;
    if (cb_image_put(registry->store,
                     &(struct cb_new_image){.config = image->config_bytes,
                                            .config_len = image->config_len,
                                            .manifest = &image->manifest_digest,
                                            .names = &names},
                     &id, err) < 0 ||
        cb_image_add_repo_digest(registry->store, &id, name, &image->target.digest, err) <
            0)
        return -1;
    *changed = !had || !cb_digest_equal(&before, &id);
    return 0;
}

static int fetch_as_step(struct cb_registry *registry,
                         const struct cb_resolved_image *image, struct cb_error **err)
{
    cb_auto(cb_snapshot) top = NULL;
    struct cb_error *error = NULL;
    char digest[CB_DIGEST_MAX_TEXT];
    const struct cb_reference *reference = image->reference;
    cb_autofree char *name = xasprintf(
        "%s: Pulling from %s",
        reference->tag ? reference->tag : cb_digest_text(&reference->digest, digest),
        reference->path);
    uint64_t id = cb_event_step_start(registry->sink, name);
    int status = cb_registry_fetch(registry, image, id, &top, &error);

    return cb_event_step_end(registry->sink, id, status, &error, err);
}

/* A build has a check for it. */
static void warn_platform(struct cb_registry *registry,
                          const struct cb_resolved_image *image,
                          const struct cb_platform *want)
{
    const struct cb_platform *have = &image->config->platform;
    cb_autofree char *name = cb_reference_familiar(image->reference);
    cb_autofree char *have_text = cb_platform_text(have);
    cb_autofree char *want_text = want ? cb_platform_text(want) : NULL;

    if (want && *have->os && cb_platform_score(have, want) <= 0)
        cb_event_say(registry->sink, CB_EVENT_WARNING, 0,
                     "%s: the image's platform (%s) does not match the wanted one (%s)",
                     name, have_text, want_text);
}

int cb_registry_pull(struct cb_registry *registry, const char *name,
                     const struct cb_platform *platform, struct cb_pulled *out,
                     struct cb_error **err)
{
    cb_auto(cb_resolved_image) image = NULL;

    if (cb_registry_resolve(registry, name, platform, CB_PULL_ALWAYS, &image, err) < 0)
        return -1;
    warn_platform(registry, image, platform);
    if (fetch_as_step(registry, image, err) < 0 ||
        register_image(registry, image, &out->changed, err) < 0 ||
        cb_said_pull(registry, image, err) < 0)
        return -1;
    out->digest = image->target.digest;
    out->id = image->id;
    return 0;
}
