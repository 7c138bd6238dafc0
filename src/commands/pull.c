/* cbuild pull: an image from a registry, or all the tags of a repository. */
#include "commands/transfer.h"

#include "store/journal.h"

#include <stdio.h>
#include <string.h>

struct values {
    struct cb_transfer_values common;
    const char *platform;
    int all_tags;
};

static const struct cb_option options[] = {
    {"all-tags", 'a', CB_OPTION_FLAG, offsetof(struct values, all_tags), NULL,
     "Pull every tag of the repository"},
    CB_TRANSFER_AUTHFILE(struct values),
    CB_TRANSFER_CERT_DIR(struct values),
    CB_TRANSFER_CREDS(struct values),
    {"disable-content-trust", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    CB_TRANSFER_INSECURE(struct values),
    {"platform", 0, CB_OPTION_TEXT, offsetof(struct values, platform), "OS/ARCH",
     "Platform to choose from a multi-platform image"},
    {"quiet", 'q', CB_OPTION_FLAG, offsetof(struct values, common.quiet), NULL,
     "Print only the image's name"},
    CB_TRANSFER_TLS_VERIFY(struct values),
    {0},
};

/* CHANGED is left as it was when there is nothing new. */
static int pull_one(struct cb_transfer *transfer, const char *canonical,
                    const struct cb_platform *platform, int quiet, int *changed,
                    struct cb_error **err)
{
    struct cb_platform host = cb_platform_host();
    struct cb_digest digest, id;
    char text[CB_DIGEST_MAX_TEXT];
    int is_new = 0;

    if (cb_registry_pull(transfer->registry, canonical, platform ? platform : &host,
                         &digest, &id, &is_new, err) < 0)
        return -1;
    cb_journal_transfer(transfer->store, "pull", canonical);
    if (!quiet)
        cb_transfer_say(transfer, "Digest: %s\n", cb_digest_text(&digest, text));
    *changed |= is_new;
    return 0;
}

static void say_end(struct cb_transfer *transfer, const char *familiar,
                    const char *canonical, int changed, int quiet)
{
    if (!quiet)
        cb_transfer_say(transfer,
                        changed ? "Status: Downloaded newer image for %s\n"
                                : "Status: Image is up to date for %s\n",
                        familiar);
    cb_transfer_say(transfer, "%s\n", canonical);
}

static int pull(struct cb_app *app, const struct values *values, const char *name,
                const struct cb_platform *platform, struct cb_error **err)
{
    cb_auto_value(cb_transfer) transfer = {0};
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *canonical = NULL;
    cb_autofree char *familiar = NULL;
    int changed = 0;

    if (cb_transfer_name(name, values->common.quiet, &reference, err) < 0)
        return -1;
    canonical = cb_reference_canonical(reference);
    familiar = cb_reference_familiar(reference);
    if (cb_transfer_open(&transfer, app, &values->common, NULL, err) < 0 ||
        cb_access_name(&values->common.access, app, name, err) < 0 ||
        pull_one(&transfer, canonical, platform, values->common.quiet, &changed, err) < 0)
        return -1;
    say_end(&transfer, familiar, canonical, changed, values->common.quiet);
    return 0;
}

/* ── All tags ── */

/* A tag of the registry's, as a name; NULL for what is none. Caller frees. */
static char *tag_name(const char *repository, const char *tag)
{
    cb_autofree char *name = xasprintf("%s:%s", repository, tag);
    cb_auto(cb_reference) reference = NULL;

    if (cb_reference_parse(&reference, name, NULL) < 0 || !reference->tag ||
        strcmp(reference->tag, tag) != 0)
        return NULL;
    return cb_reference_canonical(reference);
}

/* The tag of a list of referrers (OCI): what is said of an image, and none itself. */
static int is_of_referrers(const char *tag)
{
    size_t hex = strncmp(tag, "sha256-", 7) == 0 || strncmp(tag, "sha512-", 7) == 0
                     ? strspn(tag + 7, "0123456789abcdef")
                     : 0;

    return hex >= 64 && !tag[7 + hex];
}

/* One tag that cannot be had does not cost the others. */
static int pull_tags(struct cb_transfer *transfer, const char *repository,
                     const struct cb_strings *tags, const struct values *values,
                     const struct cb_platform *platform, int *changed,
                     struct cb_error **err)
{
    size_t failed = 0;

    for (size_t i = 0; i < tags->count; i++) {
        cb_autofree char *name = tag_name(repository, tags->items[i]);
        cb_auto(cb_error) error = NULL;

        if (is_of_referrers(tags->items[i]))
            continue;
        if (!name)
            cb_error_set(&error, CB_ERR_INTEGRITY, "`%s` of the registry's is no tag",
                         tags->items[i]);
        else if (pull_one(transfer, name, platform, values->common.quiet, changed,
                          &error) == 0)
            continue;
        if (cb_error_kind(error) == CB_ERR_CANCELED)
            return cb_error_move(err, &error);
        failed++;
        cb_event_say(cb_progress_sink(transfer->progress), CB_EVENT_WARNING, 0, "%s",
                     cb_error_message(error));
    }
    if (!failed)
        return 0;
    return cb_error_set(err, CB_ERR_NOT_FOUND, "%zu of %zu tags could not be pulled",
                        failed, tags->count);
}

static int pull_all(struct cb_app *app, const struct values *values, const char *name,
                    const struct cb_platform *platform, struct cb_error **err)
{
    cb_auto_value(cb_transfer) transfer = {0};
    cb_auto_value(cb_strings) tags = {0};
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *canonical = NULL;
    cb_autofree char *familiar = NULL;
    int changed = 0;

    if (cb_transfer_repository(name, &reference, err) < 0)
        return -1;
    canonical = cb_reference_canonical(reference);
    familiar = cb_reference_familiar(reference);
    if (cb_transfer_open(&transfer, app, &values->common, NULL, err) < 0 ||
        cb_access_name(&values->common.access, app, name, err) < 0 ||
        cb_registry_tags(transfer.registry, canonical, &tags, err) < 0)
        return -1;
    if (!tags.count)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "repository %s has no tags", familiar);
    if (pull_tags(&transfer, canonical, &tags, values, platform, &changed, err) < 0)
        return -1;
    say_end(&transfer, familiar, canonical, changed, values->common.quiet);
    return 0;
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    const struct values *values = given;
    struct cb_platform buffer;
    const struct cb_platform *platform;

    if (cb_app_default_platform(values->platform, &buffer, &platform, err) < 0)
        return -1;
    return (values->all_tags ? pull_all : pull)(app, values, args->items[0], platform,
                                                err);
}

const struct cb_cli_command cb_pull_command = {
    .name = "pull",
    .summary = "Fetch an image from a registry",
    .usage = "pull [OPTIONS] NAME[:TAG|@DIGEST]",
    .options = options,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.common = CB_TRANSFER_DEFAULTS},
    .min_args = 1,
    .max_args = 1,
    .act = run,
};
