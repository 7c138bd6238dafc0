/* buildx imagetools create: sends a list of images to a registry, or gives one another
 * name. */
#include "commands/imagetools.h"

#include "base/json.h"
#include "base/out-file.h"
#include "commands/listing.h"
#include "exporter/copy.h"

#include <string.h>

struct values {
    struct cb_transfer_values common;
    struct cb_strings tags, files, annotation_texts, platforms;
    const char *builder, *progress, *metadata_file;
    int append, dry_run, prefer_index;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"annotation", 0, CB_OPTION_LIST, AT(annotation_texts), "[TYPE:]KEY=VALUE",
     "Annotate the list (index:) or its entries (manifest-descriptor:)"},
    {"append", 0, CB_OPTION_FLAG, AT(append), NULL, "Add to the list that has the name"},
    CB_TRANSFER_AUTHFILE(struct values),
    {"builder", 0, CB_OPTION_TEXT, AT(builder), "NAME", NULL},
    CB_TRANSFER_CERT_DIR(struct values),
    CB_TRANSFER_CREDS(struct values),
    {"dry-run", 0, CB_OPTION_FLAG, AT(dry_run), NULL, "Print the list, send nothing"},
    {"file", 'f', CB_OPTION_LIST, AT(files), "FILE",
     "A source: a descriptor (JSON), digest or reference"},
    CB_TRANSFER_INSECURE(struct values),
    {"metadata-file", 0, CB_OPTION_TEXT, AT(metadata_file), "FILE",
     "Write what was sent, and its repositories, to FILE"},
    {"platform", 'p', CB_OPTION_LIST, AT(platforms), "OS/ARCH[,...]",
     "Only the images for these; may be repeated"},
    {"prefer-index", 0, CB_OPTION_FLAG, AT(prefer_index), NULL,
     "Make a list even of one image (default true)"},
    {"progress", 0, CB_OPTION_TEXT, AT(progress), "MODE", NULL},
    {"quiet", 'q', CB_OPTION_FLAG, AT(common.quiet), NULL, "Show no progress"},
    {"tag", 't', CB_OPTION_LIST, AT(tags), "NAME",
     "What to call it; may be repeated, in one repository or several"},
    CB_TRANSFER_TLS_VERIFY(struct values),
    {0},
};

/* A run of it. */
struct creation {
    struct cb_app *app;
    const struct values *values;
    struct cb_transfer transfer;
    struct cb_imagetools_list list;
};

static void creation_clear(struct creation *creation)
{
    cb_imagetools_list_clear(&creation->list);
    cb_transfer_close(&creation->transfer);
}
CB_AUTO_VALUE_DEFINE(creation, creation_clear)

/* ── Sending it ── */

static int copy(struct creation *creation, const char *tag, struct cb_descriptor *root,
                struct cb_error **err)
{
    struct cb_transfer *transfer = &creation->transfer;
    cb_autofree char *from_text =
        xasprintf("docker://%s", creation->list.sources.items[0].name);
    cb_autofree char *to_text = xasprintf("docker://%s", tag);
    cb_auto_value(cb_copy_end) from = {0};
    cb_auto_value(cb_copy_end) to = {0};
    struct cb_archive_env env = {.store = transfer->store,
                                 .registry = transfer->registry,
                                 .pool = transfer->pool,
                                 .cancel = creation->app->cancel,
                                 .sink = cb_progress_sink(transfer->progress)};
    struct cb_copy what = {
        .env = &env, .registry = transfer->registry, .from = &from, .to = &to, .all = 1};

    cb_descriptor_free(root);
    *root = (struct cb_descriptor){0};
    if (cb_copy_end_parse(&from, from_text, err) < 0 ||
        cb_copy_end_parse(&to, to_text, err) < 0)
        return -1;
    return cb_copy_run(&what, root, err);
}

static int send_list(struct creation *creation, const char *tag,
                     struct cb_descriptor *root, struct cb_error **err)
{
    cb_auto(cb_index) index = cb_draft_index(creation->list.draft);
    struct cb_reference *name = NULL;

    if (cb_reference_parse(&name, tag, err) < 0)
        return -1;
    cb_reference_default_tag(name);
    cb_reference_free(creation->list.draft->name);
    creation->list.draft->name = name;
    cb_descriptor_free(root);
    *root = (struct cb_descriptor){.media_type = xstrdup(index->media_type),
                                   .size = (int64_t)index->len};
    return cb_draft_push(creation->transfer.registry, creation->list.draft, &root->digest,
                         err);
}

static void print_list(const struct creation *creation, int copies)
{
    cb_auto(cb_index) index = copies ? NULL : cb_draft_index(creation->list.draft);
    cb_auto_value(cb_strbuf) bytes = {0};

    if (copies)
        cb_strbuf_add(&bytes, cb_strbuf_text(&creation->list.only),
                      creation->list.only.len);
    else
        cb_strbuf_add(&bytes, index->bytes, index->len);
    cb_strbuf_addc(&bytes, '\n');
    cb_print_foreign(&bytes);
}

/* ── What was sent ── */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "host/path", each once, in their order. Caller frees. */
static char *repositories(const struct cb_strings *tags)
{
    cb_auto_value(cb_strings) names = {0};
    cb_auto_value(cb_strbuf) text = {0};

    cb_vec_foreach (tag, tags) {
        cb_auto(cb_reference) name = NULL;

        if (cb_reference_parse(&name, *tag, NULL) == 0)
            cb_strings_take(&names, xasprintf("%s/%s", name->host, name->path));
    }
    qsort(names.items, names.count, sizeof(*names.items), by_text);
    for (size_t i = 0; i < names.count; i++) {
        if (i && strcmp(names.items[i], names.items[i - 1]) == 0)
            continue;
        cb_strbuf_addf(&text, "%s%s", text.len ? "," : "", names.items[i]);
    }
    return cb_strbuf_steal(&text);
}

static int write_metadata(const struct values *values, const struct cb_descriptor *root,
                          struct cb_error **err)
{
    char digest[CB_DIGEST_MAX_TEXT];
    cb_autofree char *names = repositories(&values->tags);
    cb_auto_json *document =
        json_pack("{s:{s:s, s:s, s:I}, s:s}", "containerimage.descriptor", "mediaType",
                  root->media_type, "digest", cb_digest_text(&root->digest, digest),
                  "size", (json_int_t)root->size, "image.name", names);
    cb_autofree char *text = json_dumps(document, JSON_INDENT(2));

    return cb_out_file_write(values->metadata_file, text, err);
}

/* ── The command ── */

static int check(const struct values *values, const struct cb_strings *args,
                 struct cb_error **err)
{
    if (!args->count && !values->files.count)
        return cb_error_set(err, CB_ERR_USAGE, "no sources specified");
    if (!values->tags.count && !values->dry_run)
        return cb_error_set(err, CB_ERR_USAGE,
                            "can't push with no tags specified, please set --tag or "
                            "--dry-run");
    return 0;
}

static int open_creation(struct creation *creation, const struct cb_strings *args,
                         struct cb_error **err)
{
    const struct values *values = creation->values;

    creation->list.prefer_index = values->prefer_index;
    if (values->append && values->tags.count)
        creation->list.append_to = values->tags.items[0];
    cb_vec_foreach (file, &values->files)
        if (cb_imagetools_source_read(&creation->list.sources, *file, err) < 0)
            return -1;
    cb_vec_foreach (arg, args)
        if (cb_imagetools_source_add(&creation->list.sources, *arg, err) < 0)
            return -1;
    if (cb_imagetools_sources_place(&creation->list.sources, &values->tags, err) < 0 ||
        cb_imagetools_list_platforms(&creation->list, &values->platforms, err) < 0 ||
        cb_imagetools_annotations(&values->annotation_texts, &creation->list.annotations,
                                  err) < 0 ||
        cb_transfer_open(&creation->transfer, creation->app, &values->common,
                         &values->tags, err) < 0)
        return -1;
    cb_vec_foreach (source, &creation->list.sources)
        if (cb_access_name(&values->common.access, creation->app, source->name, err) < 0)
            return -1;
    return 0;
}

static int create(struct cb_app *app, void *given, const struct cb_strings *args,
                  struct cb_error **err)
{
    const struct values *values = given;
    cb_auto_value(creation) creation = {.app = app, .values = values};
    cb_auto_value(cb_descriptor) root = {0};
    int copies;

    if (check(values, args, err) < 0 || open_creation(&creation, args, err) < 0)
        return -1;
    copies = cb_imagetools_list_make(creation.transfer.registry, &creation.list, err);
    if (copies < 0)
        return -1;
    if (values->dry_run) {
        print_list(&creation, copies);
        return 0;
    }
    cb_vec_foreach (tag, &values->tags)
        if ((copies ? copy(&creation, *tag, &root, err)
                    : send_list(&creation, *tag, &root, err)) < 0)
            return -1;
    return values->metadata_file ? write_metadata(values, &root, err) : 0;
}

const struct cb_cli_command cb_imagetools_create_command = {
    .name = "buildx imagetools create",
    .summary = "Make a list of images on a registry, or name one anew",
    .usage = "buildx imagetools create [OPTIONS] [SOURCE...]",
    .about = "Of a SOURCE that is a list itself all entries are taken; a list alone is\n"
             "copied as it is, and keeps its digest. A digest or descriptor is of the\n"
             "repository that tags and sources name.",
    .options = options,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.common = CB_TRANSFER_DEFAULTS, .prefer_index = 1},
    .max_args = -1,
    .act = create,
};
