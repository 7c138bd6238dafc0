/* cbuild manifest inspect: a list that is here, or what a registry has under a name; with
 * --verbose each manifest with its descriptor, as docker puts them together. */
#include "commands/manifest.h"

#include "commands/output.h"

#include <stdio.h>
#include <string.h>

static const struct cb_option inspect_options[] = {
    CB_TRANSFER_AUTHFILE(struct cb_manifest_values),
    CB_TRANSFER_CERT_DIR(struct cb_manifest_values),
    CB_TRANSFER_CREDS(struct cb_manifest_values),
    CB_MANIFEST_INSECURE,
    CB_TRANSFER_INSECURE(struct cb_manifest_values),
    {"raw", 0, CB_OPTION_FLAG, CB_MANIFEST_AT(raw), NULL, "The bytes as they are"},
    CB_TRANSFER_TLS_VERIFY(struct cb_manifest_values),
    {"verbose", 'v', CB_OPTION_FLAG, CB_MANIFEST_AT(verbose), NULL,
     "Each manifest of a list, with its descriptor"},
    {0},
};

static void print_json(const json_t *json)
{
    cb_autofree char *text = json_dumps(json, JSON_INDENT(4) | JSON_ENSURE_ASCII);

    printf("%s\n", text);
}

static int print(const char *bytes, size_t len, int raw, struct cb_error **err)
{
    cb_auto_json *json = NULL;

    /* Nothing that is no JSON reaches a terminal. */
    if (cb_json_parse(&json, "manifest", bytes, len, CB_MANIFEST_MAX_BYTES, err) < 0)
        return -1;
    if (raw) {
        cb_print_json_text(bytes, len);
        return 0;
    }
    print_json(json);
    return 0;
}

/* ── With descriptors ── */

static json_t *platform_json(const struct cb_platform *platform)
{
    json_t *object = json_object();

    json_object_set_new(object, "architecture", json_string(platform->arch));
    json_object_set_new(object, "os", json_string(platform->os));
    if (*platform->os_version)
        json_object_set_new(object, "os.version", json_string(platform->os_version));
    if (*platform->variant)
        json_object_set_new(object, "variant", json_string(platform->variant));
    return object;
}

static json_t *descriptor_json(const struct cb_descriptor *what)
{
    char text[CB_DIGEST_MAX_TEXT];
    json_t *object =
        json_pack("{s:s, s:s, s:I}", "mediaType", what->media_type, "digest",
                  cb_digest_text(&what->digest, text), "size", (json_int_t)what->size);

    if (*what->platform.os)
        json_object_set_new(object, "platform", platform_json(&what->platform));
    return object;
}

/* NAME: what the entry is called, by its digest when it is one of several. */
static int describe(struct cb_transfer *transfer, const struct cb_draft_entry *entry,
                    const char *name, json_t **out, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto_json *manifest = NULL;
    char text[CB_DIGEST_MAX_TEXT];
    cb_autofree char *by_digest =
        xasprintf("%s/%s@%s", entry->origin->host, entry->origin->path,
                  cb_digest_text(&entry->what.digest, text));
    int docker = strcmp(entry->what.media_type, CB_MT_DOCKER_MANIFEST) == 0;

    if (cb_reference_parse(&reference, by_digest, err) < 0 ||
        cb_registry_document(transfer->registry, reference, &bytes, err) < 0 ||
        cb_json_parse(&manifest, "manifest", cb_strbuf_text(&bytes), bytes.len,
                      CB_MANIFEST_MAX_BYTES, err) < 0)
        return -1;
    *out = json_pack("{s:s, s:o, s:O}", "Ref", name, "Descriptor",
                     descriptor_json(&entry->what),
                     docker ? "SchemaV2Manifest" : "OCIManifest", manifest);
    return 0;
}

/* All entries of a list. */
static int print_entries(struct cb_transfer *transfer, const struct cb_draft *draft,
                         struct cb_error **err)
{
    cb_auto_json *list = json_array();

    cb_vec_foreach (entry, draft) {
        cb_autofree char *origin = cb_reference_canonical(entry->origin);
        char text[CB_DIGEST_MAX_TEXT];
        cb_autofree char *name =
            cb_digest_is_set(&entry->origin->digest)
                ? xstrdup(origin)
                : xasprintf("%s@%s", origin, cb_digest_text(&entry->what.digest, text));
        json_t *object = NULL;

        if (describe(transfer, entry, name, &object, err) < 0)
            return -1;
        json_array_append_new(list, object);
    }
    print_json(list);
    return 0;
}

/* As if NAME were put into a list: that finds all that is to be told. */
static int inspect_verbose(struct cb_transfer *transfer,
                           const struct cb_reference *reference,
                           const struct cb_strbuf *bytes, struct cb_error **err)
{
    cb_auto(cb_draft) draft = xcalloc(1, sizeof(*draft));
    cb_auto(cb_index) index = NULL;
    cb_autofree char *name = cb_reference_canonical(reference);
    cb_auto_json *object = NULL;

    if (cb_draft_add(transfer->registry, draft, name, err) < 0)
        return -1;
    if (draft->count != 1 ||
        cb_index_parse(&index, cb_strbuf_text(bytes), bytes->len, NULL, NULL) == 0)
        return print_entries(transfer, draft, err);
    if (describe(transfer, &draft->items[0], name, &object, err) < 0)
        return -1;
    print_json(object);
    return 0;
}

/* ── What is meant ── */

static int inspect_remote(struct cb_transfer *transfer,
                          const struct cb_manifest_values *values, const char *name,
                          struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto_value(cb_strbuf) bytes = {0};

    if (cb_reference_parse(&reference, name, err) < 0)
        return -1;
    cb_reference_default_tag(reference);
    if (cb_registry_document(transfer->registry, reference, &bytes, err) < 0)
        return -1;
    if (values->verbose)
        return inspect_verbose(transfer, reference, &bytes, err);
    return print(cb_strbuf_text(&bytes), bytes.len, values->raw, err);
}

static int inspect(struct cb_app *app, void *given, const struct cb_strings *args,
                   struct cb_error **err)
{
    struct cb_manifest_values *values = given;
    cb_auto_value(cb_transfer) transfer = {0};
    cb_auto(cb_draft) draft = NULL;
    struct cb_draft_entry *entry;
    const struct cb_strings last = {.items = args->items + args->count - 1, .count = 1};
    int found;

    cb_manifest_trust_hosts(values, args);
    if (cb_transfer_open(&transfer, app, &values->common, &last, err) < 0)
        return -1;
    if (args->count == 2) {
        cb_autofree char *name = NULL;
        char text[CB_DIGEST_MAX_TEXT];

        if (cb_manifest_list(transfer.store, args->items[0], &draft, err) < 0 ||
            cb_draft_find(draft, args->items[1], &entry, err) < 0)
            return -1;
        name = xasprintf("%s/%s@%s", entry->origin->host, entry->origin->path,
                         cb_digest_text(&entry->what.digest, text));
        return inspect_remote(&transfer, values, name, err);
    }
    /* A reference with a digest is no list's name. */
    found = strchr(args->items[0], '@')
                ? 0
                : cb_draft_read(transfer.store, args->items[0], &draft, err);
    if (found > 0) {
        cb_auto(cb_index) index = cb_draft_index(draft);

        if (values->verbose)
            return print_entries(&transfer, draft, err);
        return print(index->bytes, index->len, values->raw, err);
    }
    return found < 0 ? -1 : inspect_remote(&transfer, values, args->items[0], err);
}

const struct cb_cli_command cb_manifest_inspect_command = {
    .name = "manifest inspect",
    .summary = "Show a manifest or a list of them",
    .usage = "manifest inspect [OPTIONS] [LIST] MANIFEST",
    .options = inspect_options,
    .values_size = sizeof(struct cb_manifest_values),
    .defaults = CB_MANIFEST_DEFAULTS,
    .min_args = 1,
    .max_args = 2,
    .act = inspect,
};
