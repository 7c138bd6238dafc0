/* cbuild manifest: lists of images for several platforms, put together of what is on
 * registries. */
#include "commands/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void cb_manifest_trust_hosts(struct cb_manifest_values *values,
                             const struct cb_strings *names)
{
    for (size_t i = 0; values->insecure && i < names->count; i++) {
        cb_auto(cb_reference) reference = NULL;

        if (cb_reference_parse(&reference, names->items[i], NULL) == 0)
            cb_strings_add(&values->common.insecure, reference->host);
    }
}

static int no_such_manifest(const char *name, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *canonical = NULL;

    if (cb_reference_parse(&reference, name, err) < 0)
        return -1;
    cb_reference_default_tag(reference);
    canonical = cb_reference_canonical(reference);
    return cb_error_set(err, CB_ERR_NOT_FOUND, "No such manifest: %s", canonical);
}

int cb_manifest_list(struct cb_store *store, const char *name, struct cb_draft **out,
                     struct cb_error **err)
{
    int found = cb_draft_read(store, name, out, err);

    if (found)
        return found < 0 ? -1 : 0;
    no_such_manifest(name, err);
    return cb_error_hint(err, "`cbuild manifest create %s MANIFEST...` makes the list",
                         name);
}

/* ── create ── */

static const struct cb_option create_options[] = {
    {"amend", 'a', CB_OPTION_FLAG, CB_MANIFEST_AT(amend), NULL,
     "Add to a list that is there"},
    CB_TRANSFER_AUTHFILE(struct cb_manifest_values),
    CB_TRANSFER_CERT_DIR(struct cb_manifest_values),
    CB_TRANSFER_CREDS(struct cb_manifest_values),
    CB_MANIFEST_INSECURE,
    CB_TRANSFER_INSECURE(struct cb_manifest_values),
    CB_TRANSFER_TLS_VERIFY(struct cb_manifest_values),
    {0},
};

static int create(struct cb_app *app, void *given, const struct cb_strings *args,
                  struct cb_error **err)
{
    struct cb_manifest_values *values = given;
    cb_auto_value(cb_transfer) transfer = {0};
    cb_auto(cb_draft) draft = NULL;
    cb_autofree char *canonical = NULL;
    const struct cb_strings manifests = {.items = args->items + 1,
                                         .count = args->count - 1};
    int found;

    cb_manifest_trust_hosts(values, args);
    /* The list itself is here. */
    if (cb_transfer_open(&transfer, app, &values->common, &manifests, err) < 0)
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

const struct cb_cli_command cb_manifest_create_command = {
    .name = "manifest create",
    .summary = "Start a list of images for several platforms",
    .usage = "manifest create [OPTIONS] LIST MANIFEST [MANIFEST...]",
    .about = "The manifests are on registries, and so is the list once it is pushed. Of\n"
             "a MANIFEST that is a list itself all entries are taken.",
    .options = create_options,
    .values_size = sizeof(struct cb_manifest_values),
    .defaults = CB_MANIFEST_DEFAULTS,
    .min_args = 2,
    .max_args = -1,
    .act = create,
};

/* ── push, rm, delete ── */

static const struct cb_option push_options[] = {
    CB_TRANSFER_AUTHFILE(struct cb_manifest_values),
    CB_TRANSFER_CERT_DIR(struct cb_manifest_values),
    CB_TRANSFER_CREDS(struct cb_manifest_values),
    CB_MANIFEST_INSECURE,
    CB_TRANSFER_INSECURE(struct cb_manifest_values),
    {"purge", 'p', CB_OPTION_FLAG, CB_MANIFEST_AT(purge), NULL,
     "Remove the list here afterwards"},
    {"quiet", 'q', CB_OPTION_FLAG, CB_MANIFEST_AT(common.quiet), NULL,
     "Print nothing but the list's digest"},
    CB_TRANSFER_TLS_VERIFY(struct cb_manifest_values),
    {0},
};

/* --insecure means the hosts of the entries, too. */
static int read_for_push(struct cb_app *app, struct cb_manifest_values *values,
                         const char *name, struct cb_draft **draft, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;

    if (cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0 ||
        cb_manifest_list(store, name, draft, err) < 0)
        return -1;
    for (size_t i = 0; values->insecure && i < (*draft)->count; i++)
        cb_strings_add(&values->common.insecure, (*draft)->items[i].origin->host);
    return 0;
}

/* What docker says of manifests that came from other repositories. */
static void say_references(struct cb_transfer *transfer, const struct cb_draft *draft)
{
    cb_vec_foreach (entry, draft) {
        char text[CB_DIGEST_MAX_TEXT];

        if (strcmp(entry->origin->host, draft->name->host) == 0 &&
            strcmp(entry->origin->path, draft->name->path) == 0)
            continue;
        cb_digest_text(&entry->what.digest, text);
        cb_transfer_say(transfer, "Pushed ref %s/%s@%s with digest: %s\n",
                        draft->name->host, draft->name->path, text, text);
    }
}

static int push(struct cb_app *app, void *given, const struct cb_strings *args,
                struct cb_error **err)
{
    struct cb_manifest_values *values = given;
    cb_auto_value(cb_transfer) transfer = {0};
    cb_auto(cb_draft) draft = NULL;
    struct cb_digest digest;
    char text[CB_DIGEST_MAX_TEXT];

    cb_manifest_trust_hosts(values, args);
    if (read_for_push(app, values, args->items[0], &draft, err) < 0 ||
        cb_transfer_open(&transfer, app, &values->common, args, err) < 0 ||
        cb_draft_push(transfer.registry, draft, &digest, err) < 0 ||
        (values->purge && cb_draft_remove(transfer.store, args->items[0], err) < 0))
        return -1;
    if (!values->common.quiet)
        say_references(&transfer, draft);
    cb_transfer_say(&transfer, "%s\n", cb_digest_text(&digest, text));
    return 0;
}

const struct cb_cli_command cb_manifest_push_command = {
    .name = "manifest push",
    .summary = "Send a list to its registry",
    .usage = "manifest push [OPTIONS] LIST",
    .about = "Images of other repositories are mounted or copied into the list's own.",
    .options = push_options,
    .values_size = sizeof(struct cb_manifest_values),
    .defaults = CB_MANIFEST_DEFAULTS,
    .min_args = 1,
    .max_args = 1,
    .act = push,
};

static const struct cb_option rm_options[] = {{0}};

static int remove_one(void *arg, const char *name, struct cb_error **err)
{
    int found = cb_draft_remove(arg, name, err);

    if (found == 0)
        return no_such_manifest(name, err);
    return found < 0 ? -1 : 0;
}

static int rm(struct cb_app *app, void *values, const struct cb_strings *args,
              struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;

    if (cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0)
        return -1;
    return cb_each_named(args, remove_one, store, err);
}

const struct cb_cli_command cb_manifest_rm_command = {
    .name = "manifest rm",
    .summary = "Forget lists that are here",
    .usage = "manifest rm LIST [LIST...]",
    .options = rm_options,
    .values_size = sizeof(struct cb_manifest_values),
    .defaults = CB_MANIFEST_DEFAULTS,
    .min_args = 1,
    .max_args = -1,
    .act = rm,
};

static const struct cb_option delete_options[] = {
    CB_TRANSFER_AUTHFILE(struct cb_manifest_values),
    CB_TRANSFER_CERT_DIR(struct cb_manifest_values),
    CB_TRANSFER_CREDS(struct cb_manifest_values),
    CB_MANIFEST_INSECURE,
    CB_TRANSFER_INSECURE(struct cb_manifest_values),
    CB_TRANSFER_TLS_VERIFY(struct cb_manifest_values),
    {0},
};

static int delete_names(struct cb_app *app, void *given, const struct cb_strings *args,
                        struct cb_error **err)
{
    struct cb_manifest_values *values = given;
    cb_auto_value(cb_transfer) transfer = {0};

    cb_manifest_trust_hosts(values, args);
    if (cb_transfer_open(&transfer, app, &values->common, args, err) < 0)
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

const struct cb_cli_command cb_manifest_delete_command = {
    .name = "manifest delete",
    .summary = "Delete images on their registry",
    .usage = "manifest delete [OPTIONS] NAME:TAG|NAME@DIGEST...",
    .about =
        "A digest goes with all tags that lead to it. So does a tag where the registry\n"
        "deletes none alone, but it stays while there are others of its manifest.",
    .options = delete_options,
    .values_size = sizeof(struct cb_manifest_values),
    .defaults = CB_MANIFEST_DEFAULTS,
    .min_args = 1,
    .max_args = -1,
    .act = delete_names,
};
