/* Bringing what an image's documents name into the store or to another registry. */
#include "registry/tree-priv.h"

#include "base/map.h"
#include "registry/upload.h"
#include "store/content.h"

/* ── Into the store ── */

struct transfer {
    struct cb_registry *registry;
    const struct cb_tree_source *source;
    const struct cb_repository *target; /* or NULL: the store */
    const char *mount_from;             /* or NULL */
    CB_VEC(const struct cb_descriptor *) blobs;
    uint64_t event_id;
};

/* Each once; the config comes first. */
static void list_blobs(struct transfer *transfer, const struct cb_tree *tree)
{
    cb_auto(cb_map) seen = cb_map_new(NULL);

    cb_vec_foreach (manifest, &tree->manifests) {
        for (size_t i = 0; i <= (*manifest)->layers.count; i++) {
            const struct cb_descriptor *blob =
                i ? &(*manifest)->layers.items[i - 1] : &(*manifest)->config;
            char text[CB_DIGEST_MAX_TEXT];

            if (cb_map_has(seen, cb_digest_text(&blob->digest, text)))
                continue;
            cb_map_set(seen, text, transfer);
            cb_vec_push(&transfer->blobs, blob);
        }
    }
}

struct one_blob {
    struct transfer *transfer;
    const struct cb_descriptor *blob;
};

static int fetch_at(void *arg, const struct cb_repository *repository,
                    struct cb_error **err)
{
    const struct one_blob *one = arg;
    struct transfer *transfer = one->transfer;
    char text[CB_DIGEST_MAX_TEXT];

    int64_t size;

    if (!repository &&
        cb_content_has(transfer->registry->store, &one->blob->digest, &size) <= 0)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "blob %s is not there",
                            cb_digest_text(&one->blob->digest, text));
    return cb_blob_fetch(transfer->registry, repository, one->blob, NULL,
                         transfer->event_id, err);
}

static int fetch_blob(void *arg, size_t i, struct cb_error **err)
{
    struct transfer *transfer = arg;
    struct one_blob one = {transfer, transfer->blobs.items[i]};

    if (cb_cancel_check(transfer->registry->cancel, err) < 0)
        return -1;
    return cb_tree_at_source(transfer->registry, transfer->source, fetch_at, &one, err);
}

static void report(struct transfer *transfer, const struct cb_descriptor *blob,
                   const char *text, int64_t sent)
{
    cb_registry_status(transfer->registry, transfer->event_id, &blob->digest, text, sent,
                       blob->size, 1);
}

static int send_blob(void *arg, size_t i, struct cb_error **err)
{
    struct transfer *transfer = arg;
    const struct cb_descriptor *blob = transfer->blobs.items[i];
    int there;

    if (cb_cancel_check(transfer->registry->cancel, err) < 0)
        return -1;
    there = cb_upload_exists(transfer->registry, transfer->target, &blob->digest, err);
    if (there)
        return there < 0 ? -1 : (report(transfer, blob, "Already exists", 0), 0);
    if (transfer->mount_from && cb_upload_mount(transfer->registry, transfer->target,
                                                &blob->digest, transfer->mount_from)) {
        report(transfer, blob, "Mounted", 0);
        return 0;
    }
    if (fetch_blob(transfer, i, err) < 0 ||
        cb_upload_blob(transfer->registry, transfer->target, blob, NULL,
                       transfer->event_id, err) < 0)
        return -1;
    report(transfer, blob, "Copied", blob->size);
    return 0;
}

static int run(struct transfer *transfer, const struct cb_tree *tree, unsigned width,
               int (*job)(void *arg, size_t index, struct cb_error **err),
               struct cb_error **err)
{
    int result;

    list_blobs(transfer, tree);
    result = cb_pool_fan_out(transfer->registry->pool, width, transfer->blobs.count, job,
                             transfer, err);
    cb_vec_free(&transfer->blobs);
    return result;
}

int cb_tree_fetch(struct cb_registry *registry, const struct cb_tree_source *source,
                  const struct cb_tree *tree, struct cb_error **err)
{
    struct transfer transfer = {.registry = registry, .source = source};
    struct cb_error *error = NULL;
    int status;

    transfer.event_id = cb_event_step_start(registry->sink, "Reading the image");
    status = run(&transfer, tree, cb_registry_downloads(registry), fetch_blob, &error);
    return cb_event_step_end(registry->sink, transfer.event_id, status, &error, err);
}

/* ── To a registry ── */

static int put_documents(struct cb_registry *registry,
                         const struct cb_repository *repository,
                         const struct cb_tree *tree, const char *tag,
                         struct cb_error **err)
{
    struct cb_document_text text;

    cb_vec_foreach (manifest, &tree->manifests) {
        text = cb_manifest_text(*manifest);
        if (cb_cancel_check(registry->cancel, err) < 0 ||
            cb_document_put(registry, repository, tree->index ? NULL : tag, &text, err) <
                0)
            return -1;
    }
    if (!tree->index)
        return 0;
    text = (struct cb_document_text){.media_type = tree->index->media_type,
                                     .bytes = tree->index->bytes,
                                     .len = tree->index->len,
                                     .digest = &tree->index->digest};
    return cb_document_put(registry, repository, tag, &text, err);
}

static int push_to(struct transfer *transfer, const struct cb_tree *tree,
                   const struct cb_reference *reference, struct cb_error **err)
{
    struct cb_registry *registry = transfer->registry;
    cb_auto_value(cb_place) place = {0};
    cb_autofree char *mount_from = NULL;
    struct cb_repository repository;

    if (cb_place_own(registry, reference, "pull,push", &place, err) < 0 ||
        cb_place_open(registry, &place, &repository, err) < 0)
        return -1;
    if (transfer->source->reference)
        mount_from = cb_place_neighbour(registry, transfer->source->reference, &place);
    transfer->target = &repository;
    transfer->mount_from = mount_from;
    if (run(transfer, tree, cb_registry_uploads(registry), send_blob, err) < 0)
        return -1;
    return put_documents(registry, &repository, tree, reference->tag, err);
}

int cb_tree_push(struct cb_registry *registry, const struct cb_tree_source *source,
                 const struct cb_tree *tree, const char *name, struct cb_error **err)
{
    struct transfer transfer = {.registry = registry, .source = source};
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *title = NULL;
    struct cb_error *error = NULL;
    int status;

    if (cb_reference_parse(&reference, name, err) < 0)
        return -1;
    if (cb_digest_is_set(&reference->digest) &&
        !cb_digest_equal(&reference->digest, &tree->root.digest))
        return cb_error_set(err, CB_ERR_USAGE,
                            "`%s`: the image to be sent has another digest", name);
    title = xasprintf("Copying to %s/%s", reference->host, reference->path);
    transfer.event_id = cb_event_step_start(registry->sink, title);
    status = push_to(&transfer, tree, reference, &error);
    return cb_event_step_end(registry->sink, transfer.event_id, status, &error, err);
}
