/* cbuild manifest: lists of images for several platforms, put together of what is on
 * registries, and what a registry has under a name. */
#include "commands/transfer.h"

#include "registry/draft.h"
#include "registry/tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct values {
    struct cb_transfer_values common;
    int amend, insecure, purge, raw;
    const char *os, *arch, *variant, *os_version;
    struct cb_strings annotations;
};

#define AT(field) offsetof(struct values, field)
#define INSECURE                                                                 \
    {                                                                            \
        "insecure", 0, CB_OPTION_FLAG, AT(insecure), NULL,                       \
            "Reach the registries by plain http or with unverified certificates" \
    }

/* --insecure means the hosts of all names. */
static void trust_hosts(struct values *values, const struct cb_strings *names)
{
    for (size_t i = 0; values->insecure && i < names->count; i++) {
        cb_auto(cb_reference) reference = NULL;

        if (cb_reference_parse(&reference, names->items[i], NULL) == 0)
            cb_strings_add(&values->common.insecure, reference->host);
    }
}

typedef int action(struct cb_app *app, struct values *values,
                   const struct cb_strings *args, struct cb_error **err);

static int run_with(const struct cb_cli_command *command, int min, int max, action *act,
                    struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    struct values values = {.common = CB_TRANSFER_DEFAULTS};
    int status = cb_options_parse(command, argc, argv, 0, &values, &args, err);

    if (status > 0)
        status = 0;
    else if (status == 0 &&
             (status = cb_app_arguments(command, &args, min, max, err)) == 0) {
        trust_hosts(&values, &args);
        status = act(app, &values, &args, err);
    }
    cb_strings_free(&values.common.insecure);
    cb_strings_free(&values.annotations);
    return status;
}

/* The list NAME, which is there. */
static int read_list(struct cb_store *store, const char *name, struct cb_draft **out,
                     struct cb_error **err)
{
    int found = cb_draft_read(store, name, out, err);

    if (found)
        return found < 0 ? -1 : 0;
    cb_error_set(err, CB_ERR_NOT_FOUND, "No such manifest: %s", name);
    return cb_error_hint(err, "`cbuild manifest create %s MANIFEST...` makes the list",
                         name);
}

/* ── create ── */

static const struct cb_option create_options[] = {
    {"amend", 'a', CB_OPTION_FLAG, AT(amend), NULL, "Add to a list that is there"},
    INSECURE,
    CB_TRANSFER_INSECURE(struct values),
    CB_TRANSFER_TLS_VERIFY(struct values),
    {0},
};

static int create(struct cb_app *app, struct values *values,
                  const struct cb_strings *args, struct cb_error **err)
{
    cb_auto_value(cb_transfer) transfer = {0};
    cb_auto(cb_draft) draft = NULL;
    cb_autofree char *canonical = NULL;
    int found;

    if (cb_transfer_open(&transfer, app, &values->common, err) < 0)
        return -1;
    found = cb_draft_read(transfer.store, args->items[0], &draft, err);
    if (found < 0)
        return -1;
    if (found && !values->amend)
        return cb_error_set(
            err, CB_ERR_EXISTS,
            "refusing to amend an existing manifest list with no --amend flag");
    for (size_t i = 1; i < args->count; i++) {
        if (cb_draft_add(transfer.registry, draft, args->items[i], err) < 0)
            return -1;
    }
    if (cb_draft_write(transfer.store, draft, err) < 0)
        return -1;
    canonical = cb_reference_canonical(draft->name);
    printf("Created manifest list %s\n", canonical);
    return 0;
}

static int run_create(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    return run_with(&cb_manifest_create_command, 2, -1, create, app, argc, argv, err);
}

const struct cb_cli_command cb_manifest_create_command = {
    .name = "manifest create",
    .summary = "Start a list of images for several platforms",
    .usage = "manifest create [OPTIONS] LIST MANIFEST [MANIFEST...]",
    .about = "The manifests are on registries, and so is the list once it is pushed. Of\n"
             "a MANIFEST that is a list itself all entries are taken.",
    .options = create_options,
    .run = run_create,
};

/* ── annotate ── */

static const struct cb_option annotate_options[] = {
    {"annotation", 0, CB_OPTION_LIST, AT(annotations), "KEY=VALUE",
     "Set an annotation of the entry"},
    {"arch", 0, CB_OPTION_TEXT, AT(arch), "ARCH", "Set the architecture"},
    {"os", 0, CB_OPTION_TEXT, AT(os), "OS", "Set the operating system"},
    {"os-version", 0, CB_OPTION_TEXT, AT(os_version), "VERSION",
     "Set the operating system's version"},
    {"variant", 0, CB_OPTION_TEXT, AT(variant), "VARIANT",
     "Set the architecture's variant"},
    {0},
};
static const struct cb_absent_option annotate_absent[] = {
    {"os-features", 0, "features of operating systems are not kept; --os-version is"},
    {0},
};

static int set_text(char *to, size_t size, const char *option, const char *value,
                    struct cb_error **err)
{
    if (!value)
        return 0;
    if (strlen(value) >= size || strspn(value, "abcdefghijklmnopqrstuvwxyz"
                                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                               "0123456789._-") != strlen(value))
        return cb_error_set(err, CB_ERR_USAGE, "invalid argument \"%s\" for \"--%s\"",
                            value, option);
    snprintf(to, size, "%s", value);
    return 0;
}

static int annotate_entry(struct cb_draft_entry *entry, const struct values *values,
                          struct cb_error **err)
{
    struct cb_platform *platform = &entry->what.platform;

    if (set_text(platform->os, sizeof(platform->os), "os", values->os, err) < 0 ||
        set_text(platform->arch, sizeof(platform->arch), "arch", values->arch, err) < 0 ||
        set_text(platform->variant, sizeof(platform->variant), "variant", values->variant,
                 err) < 0 ||
        set_text(platform->os_version, sizeof(platform->os_version), "os-version",
                 values->os_version, err) < 0)
        return -1;
    for (size_t i = 0; i < values->annotations.count; i++) {
        const char *text = values->annotations.items[i];
        size_t len = strcspn(text, "=");
        cb_autofree char *key = xstrndup(text, len);
        json_t *value = text[len] ? json_string(text + len + 1) : NULL;

        if (!*key || !value)
            return cb_error_set(err, CB_ERR_USAGE,
                                "invalid argument \"%s\" for \"--annotation\": expected "
                                "KEY=VALUE",
                                text);
        if (!entry->what.annotations)
            entry->what.annotations = json_object();
        json_object_set_new(entry->what.annotations, key, value);
    }
    return 0;
}

static int annotate(struct cb_app *app, struct values *values,
                    const struct cb_strings *args, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_draft) draft = NULL;
    struct cb_draft_entry *entry;

    if (cb_app_store(app, 0, &store, err) < 0 ||
        read_list(store, args->items[0], &draft, err) < 0 ||
        cb_draft_find(draft, args->items[1], &entry, err) < 0 ||
        annotate_entry(entry, values, err) < 0)
        return -1;
    return cb_draft_write(store, draft, err);
}

static int run_annotate(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    return run_with(&cb_manifest_annotate_command, 2, 2, annotate, app, argc, argv, err);
}

const struct cb_cli_command cb_manifest_annotate_command = {
    .name = "manifest annotate",
    .summary = "Say for which platform an image of a list is",
    .usage = "manifest annotate [OPTIONS] LIST MANIFEST",
    .options = annotate_options,
    .absent = annotate_absent,
    .run = run_annotate,
};

/* ── inspect ── */

static const struct cb_option inspect_options[] = {
    INSECURE,
    CB_TRANSFER_INSECURE(struct values),
    {"raw", 0, CB_OPTION_FLAG, AT(raw), NULL, "The bytes as they are"},
    CB_TRANSFER_TLS_VERIFY(struct values),
    {0},
};

static int print_document(const char *bytes, size_t len, int raw, struct cb_error **err)
{
    cb_auto_json *json = NULL;
    cb_autofree char *text = NULL;

    /* Nothing that is no JSON reaches a terminal. */
    if (cb_json_parse(&json, "manifest", bytes, len, CB_MANIFEST_MAX_BYTES, err) < 0)
        return -1;
    if (raw) {
        fwrite(bytes, 1, len, stdout);
        return 0;
    }
    text = json_dumps(json, JSON_INDENT(4) | JSON_ENSURE_ASCII);
    printf("%s\n", text);
    return 0;
}

static int inspect_remote(struct cb_transfer *transfer, const struct values *values,
                          const char *name, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto_value(cb_strbuf) bytes = {0};

    if (cb_reference_parse(&reference, name, err) < 0)
        return -1;
    cb_reference_default_tag(reference);
    if (cb_registry_document(transfer->registry, reference, &bytes, err) < 0)
        return -1;
    return print_document(cb_strbuf_text(&bytes), bytes.len, values->raw, err);
}

static int inspect(struct cb_app *app, struct values *values,
                   const struct cb_strings *args, struct cb_error **err)
{
    cb_auto_value(cb_transfer) transfer = {0};
    cb_auto(cb_draft) draft = NULL;
    struct cb_draft_entry *entry;
    int found;

    if (cb_transfer_open(&transfer, app, &values->common, err) < 0)
        return -1;
    if (args->count == 2) {
        cb_autofree char *name = NULL;
        char text[CB_DIGEST_MAX_TEXT];

        if (read_list(transfer.store, args->items[0], &draft, err) < 0 ||
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

        return print_document(index->bytes, index->len, values->raw, err);
    }
    return found < 0 ? -1 : inspect_remote(&transfer, values, args->items[0], err);
}

static int run_inspect(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    return run_with(&cb_manifest_inspect_command, 1, 2, inspect, app, argc, argv, err);
}

const struct cb_cli_command cb_manifest_inspect_command = {
    .name = "manifest inspect",
    .summary = "Show a manifest or a list of them",
    .usage = "manifest inspect [OPTIONS] [LIST] MANIFEST",
    .options = inspect_options,
    .run = run_inspect,
};

/* ── push, rm, delete ── */

static const struct cb_option push_options[] = {
    INSECURE,
    CB_TRANSFER_INSECURE(struct values),
    {"purge", 'p', CB_OPTION_FLAG, AT(purge), NULL, "Remove the list here afterwards"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(common.quiet), NULL, "Show no progress"},
    CB_TRANSFER_TLS_VERIFY(struct values),
    {0},
};

/* --insecure means the hosts of the entries, too. */
static int read_for_push(struct cb_app *app, struct values *values, const char *name,
                         struct cb_draft **draft, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;

    if (cb_app_store(app, 0, &store, err) < 0 || read_list(store, name, draft, err) < 0)
        return -1;
    for (size_t i = 0; values->insecure && i < (*draft)->count; i++)
        cb_strings_add(&values->common.insecure, (*draft)->items[i].origin->host);
    return 0;
}

static int push(struct cb_app *app, struct values *values, const struct cb_strings *args,
                struct cb_error **err)
{
    cb_auto_value(cb_transfer) transfer = {0};
    cb_auto(cb_draft) draft = NULL;
    struct cb_digest digest;
    char text[CB_DIGEST_MAX_TEXT];

    if (read_for_push(app, values, args->items[0], &draft, err) < 0 ||
        cb_transfer_open(&transfer, app, &values->common, err) < 0 ||
        cb_draft_push(transfer.registry, draft, &digest, err) < 0 ||
        (values->purge && cb_draft_remove(transfer.store, args->items[0], err) < 0))
        return -1;
    printf("%s\n", cb_digest_text(&digest, text));
    return 0;
}

static int run_push(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    return run_with(&cb_manifest_push_command, 1, 1, push, app, argc, argv, err);
}

const struct cb_cli_command cb_manifest_push_command = {
    .name = "manifest push",
    .summary = "Send a list to its registry",
    .usage = "manifest push [OPTIONS] LIST",
    .about = "Images of other repositories are mounted or copied into the list's own.",
    .options = push_options,
    .run = run_push,
};

static const struct cb_option rm_options[] = {{0}};

static int rm(struct cb_app *app, struct values *values, const struct cb_strings *args,
              struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_error) first = NULL;

    if (cb_app_store(app, 0, &store, err) < 0)
        return -1;
    for (size_t i = 0; i < args->count; i++) {
        cb_auto(cb_error) error = NULL;
        int found = cb_draft_remove(store, args->items[i], &error);

        if (found == 0)
            cb_error_set(&error, CB_ERR_NOT_FOUND, "No such manifest: %s",
                         args->items[i]);
        if (found <= 0 && !first)
            first = cb_steal(&error);
    }
    return first ? cb_error_move(err, &first) : 0;
}

static int run_rm(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    return run_with(&cb_manifest_rm_command, 1, -1, rm, app, argc, argv, err);
}

const struct cb_cli_command cb_manifest_rm_command = {
    .name = "manifest rm",
    .summary = "Forget lists that are here",
    .usage = "manifest rm LIST [LIST...]",
    .options = rm_options,
    .run = run_rm,
};

static const struct cb_option delete_options[] = {
    INSECURE,
    CB_TRANSFER_INSECURE(struct values),
    CB_TRANSFER_TLS_VERIFY(struct values),
    {0},
};

static int delete_names(struct cb_app *app, struct values *values,
                        const struct cb_strings *args, struct cb_error **err)
{
    cb_auto_value(cb_transfer) transfer = {0};

    if (cb_transfer_open(&transfer, app, &values->common, err) < 0)
        return -1;
    for (size_t i = 0; i < args->count; i++) {
        struct cb_digest digest;
        char text[CB_DIGEST_MAX_TEXT];

        if (cb_registry_delete(transfer.registry, args->items[i], &digest, err) < 0)
            return cb_error_wrap(err, "%s", args->items[i]);
        printf("Deleted: %s (%s)\n", args->items[i], cb_digest_text(&digest, text));
    }
    return 0;
}

static int run_delete(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    return run_with(&cb_manifest_delete_command, 1, -1, delete_names, app, argc, argv,
                    err);
}

const struct cb_cli_command cb_manifest_delete_command = {
    .name = "manifest delete",
    .summary = "Delete images on their registry",
    .usage = "manifest delete [OPTIONS] NAME:TAG|NAME@DIGEST...",
    .about =
        "A registry that cannot delete a tag alone deletes the manifest, and with it\n"
        "all tags that lead to it.",
    .options = delete_options,
    .run = run_delete,
};
