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

struct pull {
    struct cb_transfer transfer;
    const struct cb_platform *platform;
    int quiet;
    int changed; /* something was new */
};
static void pull_close(struct pull *pull)
{
    cb_transfer_close(&pull->transfer);
}
CB_AUTO_VALUE_DEFINE(pull, pull_close)

static int pull_open(struct pull *pull, struct cb_app *app, const struct values *values,
                     const char *name, struct cb_error **err)
{
    pull->quiet = values->common.quiet;
    if (cb_transfer_open(&pull->transfer, app, &values->common, NULL, err) < 0)
        return -1;
    return cb_access_name(&values->common.access, app, name, err);
}

static int pull_one(struct pull *pull, const char *canonical, struct cb_error **err)
{
    struct cb_pulled pulled = {0};
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_registry_pull(pull->transfer.registry, canonical, pull->platform, &pulled,
                         err) < 0)
        return -1;
    cb_journal_transfer(pull->transfer.store, "pull", canonical);
    if (!pull->quiet)
        cb_transfer_say(&pull->transfer, "Digest: %s\n",
                        cb_digest_text(&pulled.digest, text));
    pull->changed |= pulled.changed;
    return 0;
}

static void say_end(struct pull *pull, const struct cb_reference *reference)
{
    cb_autofree char *canonical = cb_reference_canonical(reference);
    cb_autofree char *familiar = cb_reference_familiar(reference);

    if (!pull->quiet)
        cb_transfer_say(&pull->transfer,
                        pull->changed ? "Status: Downloaded newer image for %s\n"
                                      : "Status: Image is up to date for %s\n",
                        familiar);
    cb_transfer_say(&pull->transfer, "%s\n", canonical);
}

static int pull_name(struct pull *pull, struct cb_app *app, const struct values *values,
                     const char *name, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *canonical = NULL;

    if (cb_transfer_name(name, values->common.quiet, &reference, err) < 0)
        return -1;
    canonical = cb_reference_canonical(reference);
    if (pull_open(pull, app, values, name, err) < 0 || pull_one(pull, canonical, err) < 0)
        return -1;
    say_end(pull, reference);
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
static int pull_tags(struct pull *pull, const char *repository,
                     const struct cb_strings *tags, struct cb_error **err)
{
    size_t failed = 0;

    cb_vec_foreach (tag, tags) {
        cb_autofree char *name = tag_name(repository, *tag);
        cb_auto(cb_error) error = NULL;

        if (is_of_referrers(*tag))
            continue;
        if (!name)
            cb_error_set(&error, CB_ERR_INTEGRITY, "`%s` of the registry's is no tag",
                         *tag);
        else if (pull_one(pull, name, &error) == 0)
            continue;
        if (cb_error_kind(error) == CB_ERR_CANCELED)
            return cb_error_move(err, &error);
        failed++;
        cb_event_say(cb_progress_sink(pull->transfer.progress), CB_EVENT_WARNING, 0, "%s",
                     cb_error_message(error));
    }
    if (!failed)
        return 0;
    return cb_error_set(err, CB_ERR_NOT_FOUND, "%zu of %zu tags could not be pulled",
                        failed, tags->count);
}

static int pull_all(struct pull *pull, struct cb_app *app, const struct values *values,
                    const char *name, struct cb_error **err)
{
    cb_auto_value(cb_strings) tags = {0};
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *canonical = NULL;
    cb_autofree char *familiar = NULL;

    if (cb_transfer_repository(name, &reference, err) < 0)
        return -1;
    canonical = cb_reference_canonical(reference);
    familiar = cb_reference_familiar(reference);
    if (pull_open(pull, app, values, name, err) < 0 ||
        cb_registry_tags(pull->transfer.registry, canonical, &tags, err) < 0)
        return -1;
    if (!tags.count)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "repository %s has no tags", familiar);
    if (pull_tags(pull, canonical, &tags, err) < 0)
        return -1;
    say_end(pull, reference);
    return 0;
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    const struct values *values = given;
    const struct cb_platform host = cb_platform_host();
    cb_auto_value(pull) pull = {0};
    struct cb_platform buffer;

    if (cb_app_default_platform(values->platform, &buffer, &pull.platform, err) < 0)
        return -1;
    if (!pull.platform)
        pull.platform = &host;
    return (values->all_tags ? pull_all : pull_name)(&pull, app, values, args->items[0],
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
