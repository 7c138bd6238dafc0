/* docker buildx imagetools: `inspect` tells what a registry has under a name; `create` is
 * imagetools-create.c. */
#include "commands/imagetools.h"

#include "base/json.h"
#include "base/template.h"
#include "commands/listing.h"

#include <stdio.h>
#include <string.h>

struct values {
    struct cb_transfer_values common;
    const char *format, *builder;
    int raw;
};

#define AT(field) offsetof(struct values, field)

static int find(struct cb_transfer *transfer, const char *name,
                struct cb_reference **reference, struct cb_strbuf *bytes,
                struct cb_error **err)
{
    if (cb_reference_parse(reference, name, err) < 0)
        return -1;
    cb_reference_default_tag(*reference);
    return cb_registry_document(transfer->registry, *reference, bytes, err);
}

/* ── inspect ── */

static const struct cb_option inspect_options[] = {
    CB_TRANSFER_AUTHFILE(struct values),
    {"builder", 0, CB_OPTION_TEXT, AT(builder), "NAME", NULL},
    CB_TRANSFER_CERT_DIR(struct values),
    CB_TRANSFER_CREDS(struct values),
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "json, or a Go template: {{.Manifest.Digest}}, {{json .Provenance}}"},
    CB_TRANSFER_INSECURE(struct values),
    {"raw", 0, CB_OPTION_FLAG, AT(raw), NULL, "The bytes as they are"},
    CB_TRANSFER_TLS_VERIFY(struct values),
    {0},
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* What docker's templates are over: a descriptor of NAME's manifest, and of a list its
 * entries. */
static json_t *described(const char *name, const struct cb_strbuf *bytes, json_t *json)
{
    struct cb_digest digest = cb_digest_of(cb_strbuf_text(bytes), bytes->len);
    char text[CB_DIGEST_MAX_TEXT];
    json_t *manifests = json_object_get(json, "manifests");
    json_t *manifest =
        json_pack("{s:i, s:s, s:s, s:I}", "schemaVersion", 2, "mediaType",
                  text_of(json, "mediaType"), "digest", cb_digest_text(&digest, text),
                  "size", (json_int_t)bytes->len);

    if (json_is_array(manifests))
        json_object_set(manifest, "manifests", manifests);
    return json_pack("{s:s, s:o}", "Name", name, "Manifest", manifest);
}

/* In the order of the document, the values below each other. */
static void add_annotations(struct cb_strbuf *out, json_t *annotations)
{
    const char *key;
    json_t *value;
    size_t width = 0;

    json_object_foreach(annotations, key, value)
    {
        width = strlen(key) > width ? strlen(key) : width;
    }
    cb_strbuf_adds(out, "  Annotations: \n");
    json_object_foreach(annotations, key, value)
    {
        const char *text = json_string_value(value);

        cb_strbuf_addf(out, "    %s:%*s %s\n", key, (int)(width - strlen(key)), "",
                       text ? text : "");
    }
}

static void add_entry(struct cb_strbuf *out, const char *repository, const json_t *entry)
{
    const json_t *platform = json_object_get(entry, "platform");
    const char *variant = text_of(platform, "variant");
    json_t *annotations = json_object_get(entry, "annotations");
    int width = json_object_size(annotations) ? 12 : 10;

    cb_strbuf_addf(out, "\n  %-*s %s@%s\n  %-*s %s\n", width, "Name:", repository,
                   text_of(entry, "digest"), width,
                   "MediaType:", text_of(entry, "mediaType"));
    if (platform)
        cb_strbuf_addf(out, "  %-*s %s/%s%s%s\n", width,
                       "Platform:", text_of(platform, "os"),
                       text_of(platform, "architecture"), *variant ? "/" : "", variant);
    if (json_object_size(annotations))
        add_annotations(out, annotations);
}

static void print_text(const struct cb_reference *reference, const json_t *document)
{
    const json_t *manifest = json_object_get(document, "Manifest"), *entry;
    const json_t *manifests = json_object_get(manifest, "manifests");
    cb_autofree char *repository = xasprintf("%s/%s", reference->host, reference->path);
    cb_auto_value(cb_strbuf) out = {0};
    size_t i;

    cb_strbuf_addf(&out, "Name:      %s\nMediaType: %s\nDigest:    %s\n",
                   text_of(document, "Name"), text_of(manifest, "mediaType"),
                   text_of(manifest, "digest"));
    if (manifests)
        cb_strbuf_adds(&out, "\nManifests:");
    json_array_foreach(manifests, i, entry)
    {
        add_entry(&out, repository, entry);
    }
    cb_print_foreign(&out);
}

static int inspect(struct cb_app *app, const struct values *values, const char *name,
                   struct cb_error **err)
{
    cb_auto_value(cb_transfer) transfer = {0};
    cb_auto(cb_reference) reference = NULL;
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto_json *json = NULL;
    cb_auto_json *documents = json_array();
    cb_autofree char *canonical = NULL;

    if (values->raw && values->format)
        return cb_error_set(err, CB_ERR_USAGE, "--raw and --format exclude each other");
    if (cb_transfer_open(&transfer, app, &values->common, NULL, err) < 0 ||
        cb_access_name(&values->common.access, app, name, err) < 0 ||
        find(&transfer, name, &reference, &bytes, err) < 0 ||
        cb_json_parse(&json, "manifest", cb_strbuf_text(&bytes), bytes.len,
                      CB_MANIFEST_MAX_BYTES, err) < 0)
        return -1;
    if (values->raw) {
        cb_print_foreign(&bytes);
        return 0;
    }
    canonical = cb_reference_canonical(reference);
    json_array_append_new(documents, described(canonical, &bytes, json));
    if (values->format &&
        cb_imagetools_add_said(&transfer, reference, &bytes, values->format,
                               json_array_get(documents, 0), err) < 0)
        return -1;
    if (values->format)
        return cb_inspect_print(values->format, documents, err);
    print_text(reference, json_array_get(documents, 0));
    return 0;
}

static int run_inspect(struct cb_app *app, void *given, const struct cb_strings *args,
                       struct cb_error **err)
{
    struct values *values = given;

    return inspect(app, values, args->items[0], err);
}

const struct cb_cli_command cb_imagetools_inspect_command = {
    .name = "buildx imagetools inspect",
    .summary = "Show what a registry has under a name",
    .usage = "buildx imagetools inspect [OPTIONS] NAME",
    .options = inspect_options,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.common = CB_TRANSFER_DEFAULTS},
    .min_args = 1,
    .max_args = 1,
    .act = run_inspect,
};

/* ── Both ── */

static const struct cb_option both_options[] = {
    {"builder", 0, CB_OPTION_TEXT, AT(builder), "NAME", NULL},
    {0},
};

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    struct values values = {0};
    int taken = 0, at = 0, status;

    while (at < argc &&
           (taken = cb_options_take(both_options, argc, argv, &at, &values, err)) > 0)
        at++;
    if (taken < 0)
        return -1;
    argc -= at;
    argv += at;
    if (argc && strcmp(argv[0], "inspect") == 0)
        return cb_command_call(&cb_imagetools_inspect_command, app, argc - 1, argv + 1,
                               err);
    if (argc && strcmp(argv[0], "create") == 0)
        return cb_command_call(&cb_imagetools_create_command, app, argc - 1, argv + 1,
                               err);
    status = cb_options_parse(&cb_imagetools_command, argc, argv, 1, &values, &args, err);
    if (status)
        return status < 0 ? -1 : 0;
    if (args.count)
        cb_error_set(err, CB_ERR_USAGE, "`buildx imagetools %s` is not a cbuild command",
                     args.items[0]);
    else
        cb_error_set(err, CB_ERR_USAGE, "`cbuild buildx imagetools` does nothing alone");
    return cb_error_hint(err,
                         "`cbuild buildx imagetools` is followed by inspect, create");
}

const struct cb_cli_command cb_imagetools_command = {
    .name = "buildx imagetools",
    .summary = "Show and make lists of images on registries",
    .usage = "buildx imagetools inspect|create [OPTIONS] NAME...",
    .about = "`cbuild buildx imagetools create --help` says more.",
    .options = both_options,
    .run = run,
};
