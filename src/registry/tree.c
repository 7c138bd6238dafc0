/* Reading the documents of an image that is to be copied. Whatever was found under the
 * tag first is what is copied: all below is asked for by digest. */
#include "registry/tree-priv.h"

#include "registry/brought.h"
#include "store/content.h"
#include "store/layout-read.h"

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

int cb_tree_at_source(struct cb_registry *registry, const struct cb_tree_source *source,
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
    int result = cb_tree_at_source(registry, source, get_at, &get, err);

    if (result == 0)
        *out = cb_steal(&get.tree);
    cb_tree_free(get.tree);
    return result;
}
