/* A draft is a file of the store, manifests/<sha256 of its name>.json: the index as it
 * would be sent, where each entry has its origin as one annotation more. It refers to no
 * blob here: all of it is on registries. */
#include "registry/draft.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "registry/registry-priv.h"
#include "registry/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "manifests"
#define ORIGIN    "cbuild.origin"

void cb_draft_free(struct cb_draft *draft)
{
    if (!draft)
        return;
    cb_reference_free(draft->name);
    cb_vec_foreach (entry, draft) {
        cb_reference_free(entry->origin);
        cb_descriptor_free(&entry->what);
    }
    cb_vec_free(draft);
    json_decref(draft->annotations);
    free(draft);
}

/* ── As a file ── */

static char *file_of(const struct cb_reference *name)
{
    cb_autofree char *canonical = cb_reference_canonical(name);
    struct cb_digest digest = cb_digest_of(canonical, strlen(canonical));
    char hex[CB_DIGEST_MAX_TEXT];

    return xasprintf(DIRECTORY "/%s.json", cb_digest_hex(&digest, hex));
}

static int parse_name(struct cb_reference **out, const char *text, struct cb_error **err)
{
    if (cb_reference_parse(out, text, err) < 0)
        return -1;
    if (cb_digest_is_set(&(*out)->digest))
        return cb_error_set(err, CB_ERR_USAGE, "`%s`: a list is named by a tag", text);
    cb_reference_default_tag(*out);
    return 0;
}

/* A draft's entry from the file's, without what the registry is not to see. */
static int take_entry(struct cb_draft *draft, const struct cb_descriptor *from,
                      struct cb_error **err)
{
    const char *origin = json_string_value(json_object_get(from->annotations, ORIGIN));
    struct cb_draft_entry entry = {0};

    if (!origin)
        return cb_error_set(err, CB_ERR_INTEGRITY, "an entry without its origin");
    if (cb_reference_parse(&entry.origin, origin, err) < 0)
        return -1;
    cb_descriptor_copy(&entry.what, from);
    json_decref(entry.what.annotations);
    entry.what.annotations = NULL;
    if (json_object_size(from->annotations) > 1) {
        entry.what.annotations = json_copy(from->annotations);
        json_object_del(entry.what.annotations, ORIGIN);
    }
    cb_vec_push(draft, entry);
    return 0;
}

int cb_draft_read(struct cb_store *store, const char *name, struct cb_draft **out,
                  struct cb_error **err)
{
    cb_auto(cb_draft) draft = xcalloc(1, sizeof(*draft));
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_index) index = NULL;
    cb_auto(cb_error) error = NULL;
    cb_autofree char *file = NULL;

    if (parse_name(&draft->name, name, err) < 0)
        return -1;
    file = file_of(draft->name);
    if (cb_fs_read_file(cb_store_root_fd(store), file, CB_MANIFEST_MAX_BYTES, &text,
                        &error) < 0) {
        if (cb_error_kind(error) != CB_ERR_NOT_FOUND)
            return cb_error_move(err, &error);
        *out = cb_steal(&draft);
        return 0;
    }
    if (cb_index_parse(&index, cb_strbuf_text(&text), text.len, NULL, err) < 0)
        return cb_error_wrap(err, "%s/%s", cb_store_root(store), file);
    cb_vec_foreach (entry, &index->manifests) {
        if (take_entry(draft, entry, err) < 0)
            return cb_error_wrap(err, "%s/%s", cb_store_root(store), file);
    }
    *out = cb_steal(&draft);
    return 1;
}

static struct cb_index *make_index(const struct cb_draft *draft, int with_origins)
{
    struct cb_descriptor *entries = xcalloc(draft->count + 1, sizeof(*entries));
    struct cb_index *index;
    int docker = draft->count > 0;

    for (size_t i = 0; i < draft->count; i++) {
        const struct cb_draft_entry *entry = &draft->items[i];

        docker = docker && strcmp(entry->what.media_type, CB_MT_DOCKER_MANIFEST) == 0;
        cb_descriptor_copy(&entries[i], &entry->what);
        if (with_origins) {
            cb_autofree char *origin = cb_reference_canonical(entry->origin);
            json_t *annotations = entry->what.annotations
                                      ? json_copy(entry->what.annotations)
                                      : json_object();

            json_object_set_new(annotations, ORIGIN, json_string(origin));
            json_decref(entries[i].annotations);
            entries[i].annotations = annotations;
        }
    }
    /* Docker's lists have none. */
    index = cb_index_make(entries, draft->count, draft->annotations,
                          docker && !draft->annotations);
    for (size_t i = 0; i < draft->count; i++)
        cb_descriptor_free(&entries[i]);
    free(entries);
    return index;
}

struct cb_index *cb_draft_index(const struct cb_draft *draft)
{
    return make_index(draft, 0);
}

int cb_draft_write(struct cb_store *store, const struct cb_draft *draft,
                   struct cb_error **err)
{
    cb_autofree char *file = file_of(draft->name);
    cb_auto(cb_index) index = make_index(draft, 1);
    int fd = cb_store_root_fd(store);

    if (draft->count > CB_MAX_INDEX_ENTRIES || index->len > CB_MANIFEST_MAX_BYTES)
        return cb_error_set(err, CB_ERR_USAGE, "more than %d manifests",
                            CB_MAX_INDEX_ENTRIES);
    if (mkdirat(fd, DIRECTORY, 0700) < 0 && errno != EEXIST)
        return cb_error_errno(err, errno, "mkdir `%s/" DIRECTORY "`",
                              cb_store_root(store));
    return cb_atomic_file_write(fd, file, index->bytes, index->len, 0600, 1, err);
}

int cb_draft_remove(struct cb_store *store, const char *name, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *file = NULL;

    if (parse_name(&reference, name, err) < 0)
        return -1;
    file = file_of(reference);
    if (unlinkat(cb_store_root_fd(store), file, 0) == 0)
        return 1;
    return errno == ENOENT
               ? 0
               : cb_error_errno(err, errno, "remove `%s/%s`", cb_store_root(store), file);
}

/* ── Entries ── */

/* Takes neither argument. */
static void put_entry(struct cb_draft *draft, const struct cb_reference *origin,
                      const struct cb_descriptor *what)
{
    struct cb_draft_entry entry = {0};
    cb_autofree char *canonical = cb_reference_canonical(origin);

    cb_reference_parse(&entry.origin, canonical, NULL);
    cb_descriptor_copy(&entry.what, what);
    for (size_t i = 0; draft->each_once && i < draft->count; i++) {
        if (!cb_digest_equal(&draft->items[i].what.digest, &what->digest))
            continue;
        cb_reference_free(draft->items[i].origin);
        cb_descriptor_free(&draft->items[i].what);
        draft->items[i] = entry;
        return;
    }
    cb_vec_push(draft, entry);
}

struct platform_of {
    struct cb_registry *registry;
    const struct cb_manifest *manifest;
    struct cb_platform platform;
};

/* What the image's config says it is for. */
static int read_platform(void *arg, const struct cb_repository *repository,
                         struct cb_error **err)
{
    struct platform_of *of = arg;
    cb_auto(cb_image_config) config = NULL;
    cb_autofree char *bytes = NULL;
    size_t len;

    if (cb_media_kind(of->manifest->config.media_type) != CB_MEDIA_CONFIG)
        return 0;
    if (cb_document_config(of->registry, repository, &of->manifest->config, &bytes, &len,
                           err) < 0 ||
        cb_image_config_parse(&config, bytes, len, err) < 0)
        return -1;
    of->platform = config->platform;
    return 0;
}

/* What was added under this name before. */
static void drop_origin(struct cb_draft *draft, const struct cb_reference *origin)
{
    cb_autofree char *canonical = cb_reference_canonical(origin);
    size_t kept = 0;

    for (size_t i = 0; i < draft->count; i++) {
        struct cb_draft_entry entry = draft->items[i];
        cb_autofree char *name = cb_reference_canonical(entry.origin);

        if (strcmp(name, canonical) != 0) {
            draft->items[kept++] = entry;
            continue;
        }
        cb_reference_free(entry.origin);
        cb_descriptor_free(&entry.what);
    }
    draft->count = kept;
}

int cb_draft_add(struct cb_registry *registry, struct cb_draft *draft, const char *name,
                 struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto(cb_tree) tree = NULL;
    struct cb_tree_source source = {0};
    struct platform_of of = {.registry = registry};

    if (cb_reference_parse(&reference, name, err) < 0)
        return -1;
    cb_reference_default_tag(reference);
    source.reference = reference;
    if (cb_tree_get(registry, &source, NULL, 0, &tree, err) < 0)
        return cb_error_wrap(err, "%s", name);
    drop_origin(draft, reference);
    for (size_t i = 0; tree->index && i < tree->index->manifests.count; i++)
        put_entry(draft, reference, &tree->index->manifests.items[i]);
    if (tree->index)
        return 0;
    of.manifest = tree->manifests.items[0];
    if (cb_places_try(registry, reference, read_platform, &of, err) < 0)
        return cb_error_wrap(err, "%s", name);
    tree->root.platform = of.platform;
    put_entry(draft, reference, &tree->root);
    return 0;
}

int cb_draft_find(struct cb_draft *draft, const char *name, struct cb_draft_entry **out,
                  struct cb_error **err)
{
    cb_auto(cb_reference) wanted = NULL;
    cb_autofree char *canonical = NULL;
    cb_autofree char *list = NULL;

    if (cb_reference_parse(&wanted, name, err) < 0)
        return -1;
    cb_reference_default_tag(wanted);
    canonical = cb_reference_canonical(wanted);
    cb_vec_foreach (entry, draft) {
        cb_autofree char *origin = cb_reference_canonical(entry->origin);

        if (strcmp(origin, canonical) == 0 ||
            (cb_digest_equal(&entry->what.digest, &wanted->digest) &&
             strcmp(entry->origin->host, wanted->host) == 0 &&
             strcmp(entry->origin->path, wanted->path) == 0)) {
            *out = entry;
            return 0;
        }
    }
    list = cb_reference_familiar(draft->name);
    return cb_error_set(err, CB_ERR_NOT_FOUND,
                        "manifest for image %s does not exist in %s", name, list);
}

/* ── To a registry ── */

static int push_entry(struct cb_registry *registry,
                      const struct cb_repository *repository,
                      const struct cb_draft *draft, const struct cb_draft_entry *entry,
                      struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];
    cb_autofree char *origin = NULL;
    cb_autofree char *target = NULL;
    cb_auto(cb_reference) source_name = NULL;
    cb_auto(cb_tree) tree = NULL;
    struct cb_tree_source source = {0};
    struct cb_digest there;
    int known;

    cb_digest_text(&entry->what.digest, text);
    known = cb_document_head(registry, repository, text, &there, err);
    if (known)
        return known < 0 ? -1 : 0;
    origin = xasprintf("%s/%s@%s", entry->origin->host, entry->origin->path, text);
    target = xasprintf("%s/%s@%s", draft->name->host, draft->name->path, text);
    if (cb_reference_parse(&source_name, origin, err) < 0)
        return -1;
    source.reference = source_name;
    if (cb_tree_get(registry, &source, NULL, 0, &tree, err) < 0)
        return cb_error_wrap(err, "%s", origin);
    return cb_tree_push(registry, &source, tree, target, err);
}

int cb_draft_push(struct cb_registry *registry, const struct cb_draft *draft,
                  struct cb_digest *digest, struct cb_error **err)
{
    cb_auto_value(cb_place) place = {0};
    cb_auto(cb_index) index = cb_draft_index(draft);
    const struct cb_document_text text = {.media_type = index->media_type,
                                          .bytes = index->bytes,
                                          .len = index->len,
                                          .digest = &index->digest};
    struct cb_repository repository;

    if (cb_place_own(registry, draft->name, "pull,push", &place, err) < 0 ||
        cb_place_open(registry, &place, &repository, err) < 0)
        return -1;
    for (size_t i = 0; i < draft->count; i++) {
        if (push_entry(registry, &repository, draft, &draft->items[i], err) < 0)
            return -1;
    }
    *digest = index->digest;
    return cb_document_put(registry, &repository, draft->name->tag, &text, err);
}
