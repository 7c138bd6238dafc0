/* docker buildx imagetools: what is on registries, looked at and put together under other
 * tags without a list being kept here (`manifest` is the other way to it). */
#include "commands/manifest.h"

#include "registry/tree.h"

#include <stdio.h>
#include <string.h>

struct values {
    struct cb_transfer_values common;
    struct cb_strings tags;
    int append, dry_run, raw;
};

static void values_clear(struct values *values)
{
    cb_strings_free(&values->common.insecure);
    cb_strings_free(&values->tags);
}
CB_AUTO_VALUE_DEFINE(values, values_clear)

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"append", 0, CB_OPTION_FLAG, AT(append), NULL, "create: add to what the tag has"},
    {"builder", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"dry-run", 0, CB_OPTION_FLAG, AT(dry_run), NULL,
     "create: show the index, send nothing"},
    CB_TRANSFER_INSECURE(struct values),
    {"quiet", 'q', CB_OPTION_FLAG, AT(common.quiet), NULL, "Show no progress"},
    {"raw", 0, CB_OPTION_FLAG, AT(raw), NULL, "inspect: the bytes as they are"},
    {"tag", 't', CB_OPTION_LIST, AT(tags), "NAME", "create: under this name; repeatable"},
    CB_TRANSFER_TLS_VERIFY(struct values),
    {0},
};
static const struct cb_absent_option absent[] = {
    {"annotation", 0, "`cbuild manifest annotate --annotation` sets those of an entry"},
    {"file", 'f', "name the sources as arguments"},
    {"format", 0, "`cbuild manifest inspect` shows JSON"},
    {0},
};

/* ── create ── */

/* One source alone stays what it is, digest and all. */
static int copy_to(struct cb_transfer *transfer, const char *source, const char *tag,
                   struct cb_digest *digest, struct cb_error **err)
{
    cb_auto(cb_reference) from = NULL;
    cb_auto(cb_reference) to = NULL;
    cb_auto(cb_tree) tree = NULL;
    cb_autofree char *name = NULL;
    struct cb_tree_source where = {0};

    if (cb_reference_parse(&from, source, err) < 0 ||
        cb_reference_parse(&to, tag, err) < 0)
        return -1;
    cb_reference_default_tag(from);
    cb_reference_default_tag(to);
    name = cb_reference_canonical(to);
    where.reference = from;
    if (cb_tree_get(transfer->registry, &where, NULL, &tree, err) < 0)
        return cb_error_wrap(err, "%s", source);
    *digest = tree->root.digest;
    return cb_tree_push(transfer->registry, &where, tree, name, err);
}

/* The index that TAG is to be; not kept. */
static int assemble(struct cb_transfer *transfer, const struct values *values,
                    const char *tag, const struct cb_strings *args, struct cb_draft **out,
                    struct cb_error **err)
{
    cb_auto(cb_draft) draft = xcalloc(1, sizeof(*draft));

    if (cb_reference_parse(&draft->name, tag, err) < 0)
        return -1;
    if (cb_digest_is_set(&draft->name->digest))
        return cb_error_set(err, CB_ERR_USAGE, "`%s`: a list is named by a tag", tag);
    cb_reference_default_tag(draft->name);
    if (values->append && cb_draft_add(transfer->registry, draft, tag, err) < 0)
        return -1;
    for (size_t i = 1; i < args->count; i++) {
        if (cb_draft_add(transfer->registry, draft, args->items[i], err) < 0)
            return -1;
    }
    *out = cb_steal(&draft);
    return 0;
}

static int create_one(struct cb_transfer *transfer, const struct values *values,
                      const char *tag, const struct cb_strings *args,
                      struct cb_error **err)
{
    cb_auto(cb_draft) draft = NULL;
    struct cb_digest digest;
    char text[CB_DIGEST_MAX_TEXT];

    if (args->count == 2 && !values->append && !values->dry_run) {
        if (copy_to(transfer, args->items[1], tag, &digest, err) < 0)
            return -1;
    } else {
        if (assemble(transfer, values, tag, args, &draft, err) < 0)
            return -1;
        if (values->dry_run) {
            cb_auto(cb_index) index = cb_draft_index(draft);

            return cb_manifest_print(index->bytes, index->len, 0, err);
        }
        if (cb_draft_push(transfer->registry, draft, &digest, err) < 0)
            return -1;
    }
    printf("%s\n", cb_digest_text(&digest, text));
    return 0;
}

static int create(struct cb_transfer *transfer, const struct values *values,
                  const struct cb_strings *args, struct cb_error **err)
{
    if (args->count < 2)
        return cb_error_set(err, CB_ERR_USAGE, "no sources specified");
    if (!values->tags.count)
        return values->dry_run ? create_one(transfer, values, args->items[1], args, err)
                               : cb_error_set(err, CB_ERR_USAGE,
                                              "can't push with no tags specified, please "
                                              "set --tag or --dry-run");
    cb_vec_foreach (tag, &values->tags) {
        if (create_one(transfer, values, *tag, args, err) < 0)
            return -1;
        if (values->dry_run)
            break;
    }
    return 0;
}

/* ── inspect ── */

static void print_entry(const char *indent, const char *name,
                        const struct cb_descriptor *what)
{
    printf("%sName:      %s\n%sMediaType: %s\n", indent, name, indent, what->media_type);
    if (*what->platform.os) {
        cb_autofree char *platform = cb_platform_text(&what->platform);

        printf("%sPlatform:  %s\n", indent, platform);
    }
}

static int print_tree(const struct cb_reference *reference, const struct cb_tree *tree)
{
    cb_autofree char *name = cb_reference_canonical(reference);
    char text[CB_DIGEST_MAX_TEXT];
    struct cb_descriptor root = tree->root;

    root.platform = (struct cb_platform){0};
    print_entry("", name, &root);
    printf("Digest:    %s\n", cb_digest_text(&root.digest, text));
    if (!tree->index)
        return 0;
    printf("\nManifests:\n");
    cb_vec_foreach (entry, &tree->index->manifests) {
        cb_autofree char *each =
            xasprintf("%s/%s:%s@%s", reference->host, reference->path,
                      reference->tag ? reference->tag : "latest",
                      cb_digest_text(&entry->digest, text));

        print_entry("  ", each, entry);
        printf("\n");
    }
    return 0;
}

static int inspect(struct cb_transfer *transfer, const struct values *values,
                   const struct cb_strings *args, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto(cb_tree) tree = NULL;
    struct cb_tree_source where = {0};

    if (args->count != 2)
        return cb_error_set(err, CB_ERR_USAGE,
                            "\"buildx imagetools inspect\" requires 1 argument");
    if (cb_reference_parse(&reference, args->items[1], err) < 0)
        return -1;
    cb_reference_default_tag(reference);
    if (values->raw) {
        cb_auto_value(cb_strbuf) bytes = {0};

        if (cb_registry_document(transfer->registry, reference, &bytes, err) < 0)
            return -1;
        return cb_manifest_print(cb_strbuf_text(&bytes), bytes.len, 1, err);
    }
    where.reference = reference;
    if (cb_tree_get(transfer->registry, &where, NULL, &tree, err) < 0)
        return cb_error_wrap(err, "%s", args->items[1]);
    return print_tree(reference, tree);
}

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_transfer) transfer = {0};
    cb_auto_value(cb_strings) args = {0};
    cb_auto_value(values) values = {.common = CB_TRANSFER_DEFAULTS};
    int status =
        cb_options_parse(&cb_imagetools_command, argc, argv, 0, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_imagetools_command, &args, 1, -1, err) < 0)
        return -1;
    if (strcmp(args.items[0], "create") != 0 && strcmp(args.items[0], "inspect") != 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "`buildx imagetools %s`: there is create and inspect",
                            args.items[0]);
    if (cb_transfer_open(&transfer, app, &values.common, err) < 0)
        return -1;
    return (*args.items[0] == 'c' ? create : inspect)(&transfer, &values, &args, err);
}

const struct cb_cli_command cb_imagetools_command = {
    .name = "buildx imagetools",
    .summary = "Look at images on registries, and put them together",
    .usage = "buildx imagetools inspect [--raw] NAME | create -t NAME SOURCE...",
    .about = "An image for several platforms is made of those SOURCEs are, or is a copy\n"
             "of one SOURCE.",
    .options = options,
    .absent = absent,
    .run = run,
};
