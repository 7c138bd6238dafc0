/* cbuild copy: images between registries, archives, directories and the store. */
#include "commands/transfer.h"

#include "base/out-file.h"
#include "exporter/copy.h"

#include <stdio.h>
#include <string.h>

struct values {
    struct cb_transfer_values common;
    const char *platform, *digest_file;
    int all;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"all", 'a', CB_OPTION_FLAG, AT(all), NULL,
     "Copy all platforms of an image and their index"},
    {"digestfile", 0, CB_OPTION_TEXT, AT(digest_file), "FILE",
     "Write the digest of what was copied to a file"},
    CB_TRANSFER_INSECURE(struct values),
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH",
     "Of several platforms this one (default: this machine's)"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(common.quiet), NULL, "Show no progress"},
    CB_TRANSFER_TLS_VERIFY(struct values),
    {0},
};

/* The digest goes where it does not mix with an archive. */
static int report(const struct values *values, const struct cb_copy_end *to,
                  const struct cb_descriptor *root, struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_digest_text(&root->digest, text);
    if (!to->path || strcmp(to->path, "-") != 0)
        printf("%s\n", text);
    return values->digest_file ? cb_out_file_write(values->digest_file, text, err) : 0;
}

static int copy(struct cb_app *app, const struct values *values, const char *from_text,
                const char *to_text, struct cb_error **err)
{
    cb_auto_value(cb_transfer) transfer = {0};
    cb_auto_value(cb_copy_end) from = {0};
    cb_auto_value(cb_copy_end) to = {0};
    cb_auto_value(cb_descriptor) root = {0};
    struct cb_archive_env env;
    struct cb_platform buffer;
    struct cb_copy what = {.env = &env, .from = &from, .to = &to, .all = values->all};

    if (values->all && values->platform)
        return cb_error_set(err, CB_ERR_USAGE, "--all and --platform exclude each other");
    if (cb_app_platform(values->platform, &buffer, &what.platform, err) < 0 ||
        cb_copy_end_parse(&from, from_text, err) < 0 ||
        cb_copy_end_parse(&to, to_text, err) < 0 ||
        cb_transfer_open(&transfer, app, &values->common, err) < 0)
        return -1;
    env = (struct cb_archive_env){.store = transfer.store,
                                  .registry = transfer.registry,
                                  .pool = transfer.pool,
                                  .cancel = app->cancel,
                                  .sink = cb_progress_sink(transfer.progress)};
    what.registry = transfer.registry;
    if (cb_copy_run(&what, &root, err) < 0)
        return -1;
    return report(values, &to, &root, err);
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    struct values *values = given;

    return copy(app, values, args->items[0], args->items[1], err);
}

const struct cb_cli_command cb_copy_command = {
    .name = "copy",
    .summary = "Copy an image between registries, archives and the store",
    .usage = "copy [OPTIONS] SOURCE DESTINATION",
    .about =
        "SOURCE and DESTINATION are docker://NAME (a registry), oci:DIR[:TAG],\n"
        "oci-archive:FILE[:TAG], docker-archive:FILE[:NAME], dir:DIR, [store:]NAME.\n"
        "Digests stay as they are; prints the digest.",
    .options = options,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.common = CB_TRANSFER_DEFAULTS},
    .min_args = 2,
    .max_args = 2,
    .act = run,
};
