/* docker buildx imagetools: `inspect` tells what a registry has under a name, `create`
 * makes a list of images there, or gives one another name. Nothing of it passes through
 * the store. */
#include "commands/imagetools.h"

#include "base/json.h"
#include "base/template.h"
#include "commands/listing.h"
#include "exporter/copy.h"

#include <stdio.h>
#include <string.h>

struct values {
    struct cb_transfer_values common;
    struct cb_strings tags, sources, annotation_texts;
    struct cb_annotations annotations; /* made of them */
    const char *format, *builder, *progress;
    int raw, append, dry_run, prefer_index;
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
    if (cb_transfer_open(&transfer, app, &values->common, err) < 0 ||
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

/* ── create ── */

static const struct cb_option create_options[] = {
    {"annotation", 0, CB_OPTION_LIST, AT(annotation_texts), "[TYPE:]KEY=VALUE",
     "Annotate the list (index:) or its entries (manifest-descriptor:)"},
    {"append", 0, CB_OPTION_FLAG, AT(append), NULL, "Add to the list that has the name"},
    CB_TRANSFER_AUTHFILE(struct values),
    {"builder", 0, CB_OPTION_TEXT, AT(builder), "NAME", NULL},
    CB_TRANSFER_CERT_DIR(struct values),
    CB_TRANSFER_CREDS(struct values),
    {"dry-run", 0, CB_OPTION_FLAG, AT(dry_run), NULL, "Print the list, send nothing"},
    CB_TRANSFER_INSECURE(struct values),
    {"prefer-index", 0, CB_OPTION_FLAG, AT(prefer_index), NULL,
     "Make a list even of one image (default true)"},
    {"progress", 0, CB_OPTION_TEXT, AT(progress), "MODE", NULL},
    {"quiet", 'q', CB_OPTION_FLAG, AT(common.quiet), NULL, "Show no progress"},
    {"tag", 't', CB_OPTION_LIST, AT(tags), "NAME",
     "What to call it; may be repeated, in one repository or several"},
    CB_TRANSFER_TLS_VERIFY(struct values),
    {0},
};

static const struct cb_absent_option create_absent[] = {
    {"file", 'f', "name the images as sources"},
    {"metadata-file", 0, "`cbuild buildx imagetools inspect --format json` tells it"},
    {"platform", 'p', "name the images as sources: NAME@sha256:..."},
    {0},
};

/* A digest alone is of the first tag's repository. */
static int add_source(struct values *values, const char *typed, struct cb_error **err)
{
    cb_auto(cb_reference) tag = NULL;

    if (strncmp(typed, "sha256:", 7) != 0) {
        cb_strings_add(&values->sources, typed);
        return 0;
    }
    if (!values->tags.count)
        return cb_error_set(err, CB_ERR_USAGE, "%s: of which repository?", typed);
    if (cb_reference_parse(&tag, values->tags.items[0], err) < 0)
        return -1;
    cb_strings_take(&values->sources, xasprintf("%s/%s@%s", tag->host, tag->path, typed));
    return 0;
}

/* 1: the only source is copied as it is. */
static int is_copy(struct cb_transfer *transfer, const struct values *values,
                   struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_index) index = NULL;

    if (values->sources.count != 1 || values->append || values->annotations.count)
        return 0;
    if (find(transfer, values->sources.items[0], &reference, &bytes, err) < 0)
        return -1;
    return !values->prefer_index ||
           cb_index_parse(&index, cb_strbuf_text(&bytes), bytes.len, NULL, NULL) == 0;
}

static int copy(struct cb_app *app, struct cb_transfer *transfer, const char *source,
                const char *tag, struct cb_error **err)
{
    cb_autofree char *from_text = xasprintf("docker://%s", source);
    cb_autofree char *to_text = xasprintf("docker://%s", tag);
    cb_auto_value(cb_copy_end) from = {0};
    cb_auto_value(cb_copy_end) to = {0};
    cb_auto_value(cb_descriptor) root = {0};
    struct cb_archive_env env = {.store = transfer->store,
                                 .registry = transfer->registry,
                                 .pool = transfer->pool,
                                 .cancel = app->cancel,
                                 .sink = cb_progress_sink(transfer->progress)};
    struct cb_copy what = {
        .env = &env, .registry = transfer->registry, .from = &from, .to = &to, .all = 1};

    if (cb_copy_end_parse(&from, from_text, err) < 0 ||
        cb_copy_end_parse(&to, to_text, err) < 0)
        return -1;
    return cb_copy_run(&what, &root, err);
}

/* The list that is to be called TAG (NULL: nothing yet). */
static int make_list(struct cb_transfer *transfer, const struct values *values,
                     const char *tag, struct cb_draft **out, struct cb_error **err)
{
    cb_auto(cb_draft) draft = xcalloc(1, sizeof(*draft));

    if (tag && cb_reference_parse(&draft->name, tag, err) < 0)
        return -1;
    if (tag)
        cb_reference_default_tag(draft->name);
    if (tag && values->append && cb_draft_add(transfer->registry, draft, tag, err) < 0)
        return -1;
    cb_vec_foreach (source, &values->sources) {
        if (cb_draft_add(transfer->registry, draft, *source, err) < 0)
            return -1;
    }
    cb_imagetools_annotate(draft, &values->annotations);
    *out = cb_steal(&draft);
    return 0;
}

static int create_tag(struct cb_app *app, struct cb_transfer *transfer,
                      const struct values *values, int copies, const char *tag,
                      struct cb_error **err)
{
    cb_auto(cb_draft) draft = NULL;
    struct cb_digest digest;

    if (copies)
        return copy(app, transfer, values->sources.items[0], tag, err);
    if (make_list(transfer, values, tag, &draft, err) < 0)
        return -1;
    return cb_draft_push(transfer->registry, draft, &digest, err);
}

static int print_list(struct cb_transfer *transfer, const struct values *values,
                      int copies, struct cb_error **err)
{
    cb_auto(cb_draft) draft = NULL;
    cb_auto(cb_index) index = NULL;
    cb_auto(cb_reference) reference = NULL;
    cb_auto_value(cb_strbuf) bytes = {0};

    if (copies) {
        if (find(transfer, values->sources.items[0], &reference, &bytes, err) < 0)
            return -1;
    } else {
        if (make_list(transfer, values, values->tags.count ? values->tags.items[0] : NULL,
                      &draft, err) < 0)
            return -1;
        index = cb_draft_index(draft);
        cb_strbuf_add(&bytes, index->bytes, index->len);
    }
    cb_strbuf_addc(&bytes, '\n');
    cb_print_foreign(&bytes);
    return 0;
}

static int create(struct cb_app *app, const struct values *values, struct cb_error **err)
{
    cb_auto_value(cb_transfer) transfer = {0};
    int copies;

    if (!values->tags.count && !values->dry_run)
        return cb_error_set(err, CB_ERR_USAGE,
                            "can't push with no tags specified, please set --tag or "
                            "--dry-run");
    if (cb_transfer_open(&transfer, app, &values->common, err) < 0)
        return -1;
    copies = is_copy(&transfer, values, err);
    if (copies < 0)
        return -1;
    if (values->dry_run)
        return print_list(&transfer, values, copies, err);
    cb_vec_foreach (tag, &values->tags) {
        if (create_tag(app, &transfer, values, copies, *tag, err) < 0)
            return -1;
    }
    return 0;
}

static int run_create(struct cb_app *app, void *given, const struct cb_strings *args,
                      struct cb_error **err)
{
    struct values *values = given;
    int status = 0;

    for (size_t i = 0; i < args->count && status == 0; i++)
        status = add_source(values, args->items[i], err);
    if (status == 0)
        status = cb_imagetools_annotations(&values->annotation_texts,
                                           &values->annotations, err);
    if (status == 0)
        status = create(app, values, err);
    cb_annotations_free(&values->annotations);
    cb_strings_free(&values->sources);
    return status;
}

const struct cb_cli_command cb_imagetools_create_command = {
    .name = "buildx imagetools create",
    .summary = "Make a list of images on a registry, or name one anew",
    .usage = "buildx imagetools create [OPTIONS] SOURCE [SOURCE...]",
    .about = "Of a SOURCE that is a list itself all entries are taken; a list alone is\n"
             "copied as it is, and keeps its digest.",
    .options = create_options,
    .absent = create_absent,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.common = CB_TRANSFER_DEFAULTS, .prefer_index = 1},
    .min_args = 1,
    .max_args = -1,
    .act = run_create,
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
