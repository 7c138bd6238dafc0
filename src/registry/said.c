/* The document, for each platform: {"linux/amd64": {"artifact": true, "statements":
 * [{"type": …, "name": …, "predicate": …}]}}. Provenance lists the layers of the
 * manifest it is about; in what is kept that list is empty, and filled when there is
 * one. What came with an image from elsewhere is {"brought": …} instead (brought.h). */
#include "registry/said.h"

#include "base/json.h"
#include "registry/brought.h"
#include "store/attested.h"

#include <string.h>

struct said_image {
    struct cb_platform platform;
    json_t *entry; /* of the document; NULL: nothing is said */
};

struct cb_said {
    CB_VEC(struct said_image) images;
    struct cb_strings names;
    struct cb_attester attester;
    struct cb_index *index; /* that they came in, or NULL */
};

/* ── Keeping ── */

static json_t *statements_json(const struct cb_statements *statements)
{
    json_t *list = json_array();

    cb_vec_foreach (statement, statements) {
        json_t *item = json_pack("{s:s, s:O}", "type", statement->type, "predicate",
                                 statement->predicate);

        if (statement->name)
            json_object_set_new(item, "name", json_string(statement->name));
        json_array_append_new(list, item);
    }
    return list;
}

/* 1: it is more than can be read again, and nothing is said of the image now. */
static int write_file(struct cb_store *store, const struct cb_digest *image,
                      const json_t *document, size_t max, struct cb_error **err)
{
    cb_autofree char *text = cb_json_dump(document);

    if (!text || strlen(text) > max)
        return cb_attested_forget(store, image, err) < 0 ? -1 : 1;
    return cb_attested_put(store, image, text, err);
}

int cb_said_keep(struct cb_store *store, const struct cb_digest *image,
                 const struct cb_said_entry *entries, size_t count, struct cb_error **err)
{
    cb_auto_json *document = json_object();

    for (size_t i = 0; i < count; i++) {
        cb_autofree char *platform = cb_platform_text(entries[i].platform);

        json_object_set_new(document, platform,
                            json_pack("{s:b, s:o}", "artifact", entries[i].artifact,
                                      "statements",
                                      statements_json(entries[i].statements)));
    }
    return write_file(store, image, document, CB_STATEMENT_MAX_BYTES, err);
}

/* ── Reading ── */

void cb_said_free(struct cb_said *said)
{
    if (!said)
        return;
    cb_vec_foreach (image, &said->images)
        json_decref(image->entry);
    cb_vec_free(&said->images);
    cb_strings_free(&said->names);
    cb_index_free(said->index);
    free(said);
}

/* An image may be meant for another platform than it says it is for: the only entry is
 * its. */
static json_t *entry_of(json_t *document, const struct cb_platform *platform)
{
    cb_autofree char *text = cb_platform_text(platform);
    json_t *entry = json_object_get(document, text);

    if (!entry && json_object_size(document) == 1)
        entry = json_object_iter_value(json_object_iter(document));
    return json_incref(entry);
}

/* 1; 0: nothing is said. */
static int read_file(struct cb_store *store, const struct cb_digest *image,
                     json_t **document, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    int found = cb_attested_read(store, image, CB_STATEMENT_MAX_BYTES, &text, err);

    if (found <= 0)
        return found;
    if (cb_json_parse(document, "attested", cb_strbuf_text(&text), text.len,
                      CB_STATEMENT_MAX_BYTES, err) < 0)
        return cb_error_wrap(err, "what is said of the image");
    return 1;
}

static int read_image(struct cb_store *store, const struct cb_platform_image *image,
                      struct said_image *out, struct cb_error **err)
{
    cb_auto_json *document = NULL;
    int found = read_file(store, &image->id, &document, err);

    *out = (struct said_image){.platform = image->platform};
    if (found <= 0)
        return found;
    out->entry = entry_of(document, &image->platform);
    return out->entry != NULL;
}

/* ── Bringing ── */

int cb_said_is_kept(struct cb_store *store, const struct cb_said_source *source)
{
    cb_autofree char *platform = cb_platform_text(source->platform);
    cb_auto_json *document = NULL;
    char about[CB_DIGEST_MAX_TEXT];
    const json_t *brought;
    const char *index, *of;

    if (read_file(store, source->image, &document, NULL) <= 0)
        return 0;
    brought = json_object_get(json_object_get(document, platform), "brought");
    index = json_string_value(json_object_get(brought, "index"));
    of = json_string_value(json_object_get(brought, "about"));
    return index && of && strcmp(index, source->index->bytes) == 0 &&
           strcmp(of, cb_digest_text(source->about, about)) == 0;
}

/* The same image may be meant for several platforms of one index. */
static int is_of_index(json_t *document, const struct cb_index *index)
{
    const json_t *entry = json_object_iter_value(json_object_iter(document));
    const char *text =
        json_string_value(json_object_get(json_object_get(entry, "brought"), "index"));

    return text && strcmp(text, index->bytes) == 0;
}

int cb_said_bring(struct cb_store *store, const struct cb_said_source *source,
                  struct cb_error **err)
{
    json_t *brought = NULL;
    int read = cb_brought_read(store, source->index, source->about, &brought, err);
    cb_autofree char *platform = cb_platform_text(source->platform);
    cb_auto_json *before = NULL;
    cb_auto_json *document = json_object();
    int kept;

    if (read <= 0)
        return read;
    if (read_file(store, source->image, &before, NULL) > 0 &&
        is_of_index(before, source->index))
        json_object_update(document, before);
    json_object_set_new(document, platform, json_pack("{s:o}", "brought", brought));
    kept = write_file(store, source->image, document, CB_STATEMENT_MAX_BYTES, err);
    return kept < 0 ? -1 : !kept;
}

/* ── Making attestations of it ── */

/* Where provenance of either version has what BuildKit adds to it. */
static json_t *layers_of(json_t *predicate)
{
    json_t *run = json_object_get(predicate, "runDetails");
    json_t *metadata = json_object_get(run ? run : predicate, "metadata");
    json_t *more = json_object_get(metadata, "buildkit_metadata");

    if (!more)
        more = json_object_get(metadata, "https://mobyproject.org/buildkit@v1#metadata");
    return json_object_get(more, "layers");
}

/* It told of the manifest that the image came with. */
static void forget_layers(json_t *predicate)
{
    json_t *layers = layers_of(predicate);

    json_array_clear(json_array_get(json_object_iter_value(json_object_iter(layers)), 0));
}

static void fill_layers(json_t *predicate, const struct cb_manifest *manifest)
{
    json_t *layers = layers_of(predicate);
    json_t *outer = json_object_iter_value(json_object_iter(layers));
    json_t *list = json_array_get(outer, 0);
    char text[CB_DIGEST_MAX_TEXT];

    if (!json_is_array(list) || json_array_size(list))
        return;
    cb_vec_foreach (layer, &manifest->layers)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:I}", "mediaType", layer->media_type,
                                        "digest", cb_digest_text(&layer->digest, text),
                                        "size", (json_int_t)layer->size));
}

static void add_statement(struct cb_statements *out, const json_t *item,
                          const struct cb_manifest *manifest)
{
    struct cb_statement statement = {
        .type = json_string_value(json_object_get(item, "type")),
        .name = json_string_value(json_object_get(item, "name")),
        .predicate = json_deep_copy(json_object_get(item, "predicate"))};

    if (!statement.type || !statement.predicate) {
        json_decref(statement.predicate);
        return;
    }
    fill_layers(statement.predicate, manifest);
    cb_vec_push(out, statement);
}

/* What is to be said of another manifest than it was said of. */
static json_t *statements_of(const json_t *entry, int *artifact)
{
    const json_t *brought = json_object_get(entry, "brought");
    json_t *list, *item;
    size_t i;

    if (!brought) {
        *artifact = json_is_true(json_object_get(entry, "artifact"));
        return json_incref(json_object_get(entry, "statements"));
    }
    list = cb_brought_statements(brought, artifact);
    json_array_foreach(list, i, item)
    {
        forget_layers(json_object_get(item, "predicate"));
    }
    return list;
}

static int attest(void *arg, size_t image, const struct cb_manifest *manifest,
                  struct cb_attestations *out, struct cb_error **err)
{
    const struct cb_said *said = arg;
    const struct said_image *of = &said->images.items[image];
    cb_auto_value(cb_statements) statements = {0};
    cb_auto_value(cb_subjects) subjects = {0};
    cb_auto_json *list = NULL;
    const json_t *item;
    int artifact = 0;
    size_t i;

    (void)err;
    if (cb_brought_attest(json_object_get(of->entry, "brought"), manifest, out))
        return 0;
    list = statements_of(of->entry, &artifact);
    json_array_foreach(list, i, item)
    {
        add_statement(&statements, item, manifest);
    }
    if (!statements.count)
        return 0;
    cb_subjects_of_image(&subjects, &manifest->digest, &said->names, &of->platform);
    cb_vec_push(out, cb_attestation_make(manifest, &subjects, &statements, artifact));
    return 0;
}

int cb_said_open(struct cb_said **out, struct cb_store *store,
                 const struct cb_platform_images *images, const struct cb_strings *names,
                 struct cb_error **err)
{
    cb_auto(cb_said) said = xcalloc(1, sizeof(*said));
    int any = 0;

    *out = NULL;
    cb_vec_foreach (image, images) {
        struct said_image one;
        int found = read_image(store, image, &one, err);

        if (found < 0)
            return -1;
        any |= found;
        cb_vec_push(&said->images, one);
    }
    if (!any)
        return 0;
    cb_strings_copy(&said->names, names);
    cb_vec_foreach (image, &said->images) {
        if (!said->index && json_object_get(image->entry, "brought"))
            said->index = cb_brought_index(json_object_get(image->entry, "brought"));
    }
    said->attester =
        (struct cb_attester){.attest = attest, .arg = said, .index = said->index};
    *out = cb_steal(&said);
    return 1;
}

const struct cb_attester *cb_said_attester(const struct cb_said *said)
{
    return said ? &said->attester : NULL;
}
