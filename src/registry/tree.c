/* Reading the documents of an image, and bringing what they name into the store or to
 * another registry. Whatever was found under the tag first is what is copied: all below
 * is asked for by digest. */
#include "registry/tree.h"

#include "registry/brought.h"
#include "registry/registry-priv.h"
#include "registry/upload.h"
#include "store/content.h"
#include "store/layout-read.h"

#include <string.h>
#include <unistd.h>

#define MAX_DOCUMENTS_BYTES (16u << 20) /* of all manifests together */
#define MAX_INDEX_DEPTH     2

void cb_tree_free(struct cb_tree *tree)
{
    if (!tree)
        return;
    cb_descriptor_free(&tree->root);
    cb_index_free(tree->index);
    cb_vec_foreach (manifest, &tree->manifests)
        cb_manifest_free(*manifest);
    cb_vec_free(&tree->manifests);
    free(tree);
}

/* ── Where the source is ── */

/* ATTEMPT at the source, wherever that is. */
static int at_source(struct cb_registry *registry, const struct cb_tree_source *source,
                     cb_place_attempt *attempt, void *arg, struct cb_error **err)
{
    struct cb_repository repository;
    cb_autofd int fd = -1;

    if (source->reference)
        return cb_places_try(registry, source->reference, attempt, arg, err);
    if (!source->layout)
        return attempt(arg, NULL, err);
    if (cb_layout_repository_open(registry, source->layout, &repository, &fd, err) < 0)
        return -1;
    return attempt(arg, &repository, err);
}

/* ── Documents ── */

struct get {
    struct cb_registry *registry;
    const struct cb_tree_source *source;
    const struct cb_platform *platform;
    int attested;
    struct cb_tree *tree;
    size_t bytes;
};

static int count_bytes(struct get *get, size_t len, struct cb_error **err)
{
    get->bytes += len;
    if (get->bytes > MAX_DOCUMENTS_BYTES)
        return cb_error_set(err, CB_ERR_INTEGRITY, "the manifests are over %u MiB",
                            MAX_DOCUMENTS_BYTES >> 20);
    return 0;
}

static int add_manifest(struct get *get, const struct cb_document *document,
                        struct cb_error **err)
{
    struct cb_manifest *manifest = NULL;

    if (count_bytes(get, document->len, err) < 0 ||
        cb_manifest_parse(&manifest, document->bytes, document->len, document->media_type,
                          err) < 0)
        return -1;
    cb_vec_push(&get->tree->manifests, manifest);
    return 0;
}

static int add_entries(struct get *get, const struct cb_repository *repository,
                       struct cb_error **err)
{
    cb_vec_foreach (entry, &get->tree->index->manifests) {
        cb_auto_value(cb_document) document = {0};
        enum cb_media_kind kind = CB_MEDIA_UNKNOWN;

        if (cb_cancel_check(get->registry->cancel, err) < 0 ||
            cb_document_get(get->registry, repository, NULL, entry, &document, err) < 0 ||
            cb_document_kind(&document, &kind, err) < 0)
            return -1;
        if (kind != CB_MEDIA_MANIFEST)
            return cb_error_set(err, CB_ERR_UNSUPPORTED,
                                "an index of indexes is copied for one platform only");
        if (add_manifest(get, &document, err) < 0)
            return -1;
    }
    return 0;
}

static void set_root(struct get *get, const struct cb_document *document,
                     const struct cb_descriptor *entry)
{
    struct cb_descriptor *root = &get->tree->root;

    cb_descriptor_free(root);
    *root = (struct cb_descriptor){.digest = document->digest,
                                   .size = (int64_t)document->len};
    if (entry)
        root->platform = entry->platform;
}

/* ── One platform of an index, and what is said of it ── */

struct chosen {
    struct get *get;
    const struct cb_repository *repository;
    CB_VEC(struct cb_descriptor) entries;
};

static int add_attestation(void *arg, const struct cb_descriptor *entry,
                           struct cb_error **err)
{
    struct chosen *chosen = arg;
    cb_auto_value(cb_document) document = {0};
    struct cb_descriptor copy;

    if (cb_cancel_check(chosen->get->registry->cancel, err) < 0 ||
        cb_document_get(chosen->get->registry, chosen->repository, NULL, entry, &document,
                        err) < 0 ||
        add_manifest(chosen->get, &document, err) < 0)
        return -1;
    cb_descriptor_copy(&copy, entry);
    cb_vec_push(&chosen->entries, copy);
    return 0;
}

/* The index itself where it has no other platform, so that its digest stays. */
static int set_index(struct get *get, const struct cb_index *from,
                     const struct cb_descriptor *entries, size_t count,
                     struct cb_error **err)
{
    struct cb_tree *tree = get->tree;
    struct cb_digest kept;

    if (!cb_index_is_of(from, entries, count))
        tree->index = cb_index_make(entries, count, from->annotations, 0);
    else if (cb_index_parse(&tree->index, from->bytes, from->len, from->media_type, err) <
             0)
        return -1;
    cb_descriptor_free(&tree->root);
    tree->root = (struct cb_descriptor){.media_type = xstrdup(tree->index->media_type),
                                        .digest = tree->index->digest,
                                        .size = (int64_t)tree->index->len};
    return cb_content_put(get->registry->store, tree->index->bytes, tree->index->len,
                          &kept, err);
}

static int add_attestations(struct get *get, const struct cb_repository *repository,
                            const struct cb_index *from, const struct cb_descriptor *want,
                            struct cb_error **err)
{
    struct chosen chosen = {.get = get, .repository = repository};
    struct cb_descriptor image;
    int result;

    cb_descriptor_copy(&image, want);
    cb_vec_push(&chosen.entries, image);
    result = cb_brought_each(from, &want->digest, add_attestation, &chosen, err);
    if (result == 0 && chosen.entries.count > 1)
        result = set_index(get, from, chosen.entries.items, chosen.entries.count, err);
    cb_vec_foreach (entry, &chosen.entries)
        cb_descriptor_free(entry);
    cb_vec_free(&chosen.entries);
    return result;
}

/* Down from the document to what is to be copied. */
static int descend(struct get *get, const struct cb_repository *repository,
                   const char *tag, struct cb_descriptor *want, struct cb_error **err)
{
    cb_auto(cb_index) above = NULL;

    for (int depth = 0;; depth++) {
        cb_auto_value(cb_document) document = {0};
        enum cb_media_kind kind = CB_MEDIA_UNKNOWN;
        struct cb_tree *tree = get->tree;

        if (cb_document_get(get->registry, repository, tag,
                            cb_digest_is_set(&want->digest) ? want : NULL, &document,
                            err) < 0 ||
            cb_document_kind(&document, &kind, err) < 0)
            return -1;
        set_root(get, &document, depth ? want : NULL);
        if (kind == CB_MEDIA_MANIFEST) {
            if (add_manifest(get, &document, err) < 0)
                return -1;
            tree->root.media_type = xstrdup(tree->manifests.items[0]->media_type);
            return get->attested && above
                       ? add_attestations(get, repository, above, want, err)
                       : 0;
        }
        if (depth == MAX_INDEX_DEPTH)
            return cb_error_set(err, CB_ERR_INTEGRITY, "indexes nested more than %d deep",
                                MAX_INDEX_DEPTH);
        if (!get->platform) {
            if (cb_index_parse(&tree->index, document.bytes, document.len,
                               document.media_type, err) < 0)
                return -1;
            tree->root.media_type = xstrdup(tree->index->media_type);
            return add_entries(get, repository, err);
        }
        cb_index_free(cb_steal(&above));
        if (cb_index_parse(&above, document.bytes, document.len, document.media_type,
                           err) < 0 ||
            cb_document_choose(&document, get->platform, want, err) < 0)
            return -1;
    }
}

static int get_at(void *arg, const struct cb_repository *repository,
                  struct cb_error **err)
{
    struct get *get = arg;
    const struct cb_tree_source *source = get->source;
    cb_auto_value(cb_descriptor) want = {.digest = source->digest, .size = -1};
    const char *tag = source->reference ? source->reference->tag : NULL;

    /* A mirror may have failed half-way. */
    cb_tree_free(get->tree);
    get->tree = xcalloc(1, sizeof(*get->tree));
    get->bytes = 0;
    if (source->reference && cb_digest_is_set(&source->reference->digest))
        want.digest = source->reference->digest;
    if (source->layout && !cb_digest_is_set(&want.digest)) {
        cb_auto(cb_index) index = NULL;
        const struct cb_descriptor *entry;

        if (cb_layout_index(repository->layout_fd, &index, err) < 0 ||
            cb_layout_find(index, source->tag, &entry, err) < 0)
            return -1;
        cb_descriptor_copy(&want, entry);
    }
    return descend(get, repository, tag, &want, err);
}

int cb_tree_get(struct cb_registry *registry, const struct cb_tree_source *source,
                const struct cb_platform *platform, int attested, struct cb_tree **out,
                struct cb_error **err)
{
    struct get get = {.registry = registry,
                      .source = source,
                      .platform = platform,
                      .attested = attested};
    int result = at_source(registry, source, get_at, &get, err);

    if (result == 0)
        *out = cb_steal(&get.tree);
    cb_tree_free(get.tree);
    return result;
}

/* ── Blobs ── */

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
    return at_source(transfer->registry, transfer->source, fetch_at, &one, err);
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
