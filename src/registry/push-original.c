/* An image that was pulled, or sent before, goes out with a manifest it had: same bytes,
 * same digest. It may have had several (zstd layers on one registry, gzip on another):
 * then with the one that the repository it goes to is known to have, or else with the
 * last it came with, or with any that is whole. */
#include "registry/push-priv.h"

#include "store/content.h"

#include <string.h>

/* It may claim that any blob is a layer: of those here the ones count that were unpacked
 * as what the config names. */
static int is_layer_here(const struct cb_push *push, const struct cb_manifest *manifest,
                         size_t i)
{
    struct cb_store *store = push->registry->store;
    const struct cb_digest *blob = &manifest->layers.items[i].digest;
    int64_t size;

    return cb_content_has(store, blob, &size) > 0 &&
           cb_layer_blob_known(store, &push->image->config->diff_ids.items[i], blob,
                               NULL) > 0;
}

/* Every blob is here, or left where the manifest is. IS_THERE: the repository it goes to
 * had it, and is asked for the rest. */
static int has_layers(struct cb_push *push, const struct cb_manifest *manifest,
                      int is_there)
{
    int is_last = cb_digest_equal(&manifest->digest, &push->image->manifest);

    for (size_t i = 0; i < manifest->layers.count; i++) {
        if (is_last && push->elsewhere[i] && push->elsewhere[i] == push->origins.own)
            continue;
        if (is_layer_here(push, manifest, i))
            continue;
        if (!is_there || cb_upload_exists(push->registry, &push->repository,
                                          &manifest->layers.items[i].digest, NULL) <= 0)
            return 0;
    }
    return 1;
}

static struct cb_manifest *read_manifest(const struct cb_push *push,
                                         const struct cb_digest *digest)
{
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_manifest) manifest = NULL;

    if (!cb_digest_is_set(digest) ||
        cb_content_read(push->registry->store, digest, CB_MANIFEST_MAX_BYTES, &bytes,
                        NULL) < 0 ||
        cb_manifest_parse(&manifest, cb_strbuf_text(&bytes), bytes.len, NULL, NULL) < 0 ||
        !cb_digest_equal(&manifest->config.digest, &push->image->id) ||
        manifest->layers.count != push->image->config->diff_ids.count)
        return NULL;
    if (push->options->docker_types &&
        strcmp(manifest->media_type, CB_MT_DOCKER_MANIFEST) != 0)
        return NULL;
    return cb_steal(&manifest);
}

/* ── Candidates ── */

struct candidate {
    struct cb_manifest *manifest;
    int in_registry; /* one has it */
    int is_there;    /* the repository that the image goes to does */
};
struct candidates {
    struct candidate *items;
    size_t count, capacity;
};

static void candidates_clear(struct candidates *candidates)
{
    cb_vec_foreach (candidate, candidates)
        cb_manifest_free(candidate->manifest);
    cb_vec_free(candidates);
}
CB_AUTO_VALUE_DEFINE(candidates, candidates_clear)

/* Takes MANIFEST, or nothing if that is NULL. */
static void add(struct candidates *out, struct cb_manifest *manifest, int in_registry,
                int is_there)
{
    if (!manifest)
        return;
    cb_vec_foreach (candidate, out) {
        if (cb_digest_equal(&candidate->manifest->digest, &manifest->digest)) {
            candidate->in_registry |= in_registry;
            candidate->is_there |= is_there;
            cb_manifest_free(manifest);
            return;
        }
    }
    cb_vec_push(out, ((struct candidate){manifest, in_registry, is_there}));
}

/* DIGEST is of a manifest, or of an index that lists it. */
static void add_known(const struct cb_push *push, const struct cb_digest *digest,
                      int is_there, struct candidates *out)
{
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_index) index = NULL;

    add(out, read_manifest(push, digest), 1, is_there);
    if (cb_content_read(push->registry->store, digest, CB_MANIFEST_MAX_BYTES, &bytes,
                        NULL) < 0 ||
        cb_index_parse(&index, cb_strbuf_text(&bytes), bytes.len, NULL, NULL) < 0)
        return;
    cb_vec_foreach (entry, &index->manifests)
        add(out, read_manifest(push, &entry->digest), 1, is_there);
}

/* The last it came with is the first of them. */
static void find_candidates(const struct cb_push *push, struct candidates *out)
{
    add(out, read_manifest(push, &push->image->manifest), 0, 0);
    cb_vec_foreach (name, &push->image->repo_digests) {
        cb_auto(cb_reference) known = NULL;

        if (cb_reference_parse(&known, *name, NULL) == 0)
            add_known(push, &known->digest,
                      strcmp(known->host, push->reference->host) == 0 &&
                          strcmp(known->path, push->reference->path) == 0,
                      out);
    }
}

/* What archives bring is not compressed; a registry has it like that only when somebody
 * wanted it so. */
static int choose(struct cb_push *push, struct candidates *candidates, int is_there)
{
    cb_vec_foreach (candidate, candidates) {
        if (candidate->is_there != is_there ||
            (cb_manifest_is_plain(candidate->manifest) && !candidate->in_registry) ||
            !has_layers(push, candidate->manifest, is_there))
            continue;
        push->original = cb_steal(&candidate->manifest);
        return 1;
    }
    return 0;
}

void cb_push_find_original(struct cb_push *push)
{
    cb_auto_value(candidates) candidates = {0};

    if (push->options->layers.force || push->annotations)
        return;
    find_candidates(push, &candidates);
    if (!choose(push, &candidates, 1))
        choose(push, &candidates, 0);
}
