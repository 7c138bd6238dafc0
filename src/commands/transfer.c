/* cbuild pull and push: images from and to registries. */
#include "commands/commands.h"

#include "commands/progress.h"
#include "registry/registry.h"
#include "store/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct values {
    const char *platform, *format, *compression;
    struct cb_strings insecure;
    int quiet, tls_verify;
};

#define AT(field) offsetof(struct values, field)

struct session {
    struct cb_store *store;
    struct cb_pool *pool;
    struct cb_progress *progress;
    struct cb_registry *registry;
};

static int session_open(struct session *session, struct cb_app *app,
                        const struct values *values, struct cb_error **err)
{
    struct cb_registry_options options = {.cancel = app->cancel,
                                          .insecure = &values->insecure,
                                          .tls_verify = values->tls_verify};
    const struct cb_settings *settings;

    if (cb_progress_new(&session->progress, values->quiet ? "quiet" : NULL, err) < 0 ||
        cb_app_settings(app, &settings, err) < 0 ||
        cb_app_store(app, 1, &session->store, err) < 0)
        return -1;
    session->pool = cb_pool_new(0, 4);
    options.store = session->store;
    options.pool = session->pool;
    options.settings = &settings->registry;
    options.sink = cb_progress_sink(session->progress);
    return cb_registry_new(&session->registry, &options, err);
}

static void session_close(struct session *session)
{
    cb_registry_free(session->registry);
    cb_progress_free(session->progress);
    cb_pool_free(session->pool);
    cb_store_close(session->store);
}
CB_AUTO_VALUE_DEFINE(session, session_close)

static int parse_name(const char *text, struct cb_reference **reference,
                      struct cb_error **err)
{
    if (cb_reference_parse(reference, text, err) < 0)
        return -1;
    if (!(*reference)->tag && !cb_digest_is_set(&(*reference)->digest))
        fprintf(stderr, "Using default tag: latest\n");
    cb_reference_default_tag(*reference);
    return 0;
}

/* ── pull ── */

static const struct cb_option pull_options[] = {
    {"insecure-registry", 0, CB_OPTION_LIST, AT(insecure), "HOST",
     "Reach this registry by plain http or with an unverified certificate"},
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH",
     "Platform to choose from a multi-platform image"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Print only the image's name"},
    {"tls-verify", 0, CB_OPTION_FLAG, AT(tls_verify), NULL,
     "Verify certificates (default true)"},
    {0},
};

static int pull(struct cb_app *app, const struct values *values, const char *name,
                struct cb_error **err)
{
    cb_auto_value(session) session = {0};
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *canonical = NULL;
    cb_autofree char *familiar = NULL;
    struct cb_platform buffer, host = cb_platform_host();
    const struct cb_platform *platform;
    struct cb_digest digest, id;
    char text[CB_DIGEST_MAX_TEXT];
    int changed;

    if (parse_name(name, &reference, err) < 0)
        return -1;
    if (cb_app_platform(values->platform, &buffer, &platform, err) < 0)
        return -1;
    canonical = cb_reference_canonical(reference);
    familiar = cb_reference_familiar(reference);
    if (session_open(&session, app, values, err) < 0 ||
        cb_registry_pull(session.registry, canonical, platform ? platform : &host,
                         &digest, &id, &changed, err) < 0)
        return -1;
    cb_journal_transfer(session.store, "pull", canonical);
    if (!values->quiet) {
        printf("Digest: %s\n", cb_digest_text(&digest, text));
        printf(changed ? "Status: Downloaded newer image for %s\n"
                       : "Status: Image is up to date for %s\n",
               familiar);
    }
    printf("%s\n", canonical);
    return 0;
}

static int run_pull(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    struct values values = {.tls_verify = 1};
    int status = cb_options_parse(&cb_pull_command, argc, argv, 0, &values, &args, err);

    if (status == 0)
        status = cb_app_arguments(&cb_pull_command, &args, 1, 1, err);
    else if (status > 0)
        status = args.count = 0;
    if (status == 0 && args.count)
        status = pull(app, &values, args.items[0], err);
    cb_strings_free(&values.insecure);
    return status;
}

const struct cb_cli_command cb_pull_command = {
    .name = "pull",
    .summary = "Fetch an image from a registry",
    .usage = "pull [OPTIONS] NAME[:TAG|@DIGEST]",
    .options = pull_options,
    .run = run_pull,
};

/* ── push ── */

static const struct cb_option push_options[] = {
    {"compression", 0, CB_OPTION_TEXT, AT(compression), "KIND",
     "Of layers made here: gzip (default), zstd or uncompressed"},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "Manifest format: oci (default) or docker"},
    {"insecure-registry", 0, CB_OPTION_LIST, AT(insecure), "HOST",
     "Reach this registry by plain http or with an unverified certificate"},
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH",
     "Send only this one of a name's images"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Show no progress"},
    {"tls-verify", 0, CB_OPTION_FLAG, AT(tls_verify), NULL,
     "Verify certificates (default true)"},
    {0},
};

static int parse_push_options(const struct values *values, struct cb_push_options *out,
                              struct cb_error **err)
{
    const char *kind = values->compression ? values->compression : "gzip";
    const char *format = values->format ? values->format : "oci";

    *out = (struct cb_push_options){.layers.compression = CB_COMPRESSION_GZIP};
    if (!cb_compression_parse(&out->layers.compression, kind))
        return cb_error_set(
            err, CB_ERR_USAGE,
            "invalid argument \"%s\" for \"--compression\": expected gzip, "
            "zstd or uncompressed",
            kind);
    out->layers.force = values->compression != NULL;
    if (strcmp(format, "docker") == 0 || strcmp(format, "v2s2") == 0)
        out->docker_types = 1;
    else if (strcmp(format, "oci") != 0)
        return cb_error_set(
            err, CB_ERR_USAGE,
            "invalid argument \"%s\" for \"--format\": expected oci or docker", format);
    return 0;
}

static int find_pushed(struct cb_store *store, const char *name,
                       const struct cb_platform *platform, struct cb_image **image,
                       struct cb_platform_images *platforms, struct cb_error **err)
{
    cb_auto(cb_image) there = NULL;
    int by_id = 0;
    int found = cb_image_find(store, name, &there, &by_id, err);

    if (found < 0)
        return -1;
    if (!found) {
        cb_error_set(err, CB_ERR_NOT_FOUND,
                     "an image does not exist locally with the tag: %s", name);
        return cb_error_hint(err, "`cbuild images` lists what is here");
    }
    if (platform)
        return cb_image_get_for(store, name, platform, image, NULL, err);
    *image = cb_steal(&there);
    return by_id ? 0 : cb_image_find_platforms(store, name, platforms, err);
}

/* NAME as in the store; with a second argument the image is pushed under that name
 * instead. */
static int push(struct cb_app *app, const struct values *values,
                const struct cb_strings *args, struct cb_error **err)
{
    cb_auto_value(session) session = {0};
    cb_auto(cb_reference) reference = NULL;
    cb_auto(cb_image) image = NULL;
    cb_autofree char *canonical = NULL;
    struct cb_push_options options;
    struct cb_platform buffer;
    const struct cb_platform *platform;
    cb_auto_value(cb_descriptor) pushed = {0};
    cb_auto_value(cb_platform_images) platforms = {0};
    char text[CB_DIGEST_MAX_TEXT];

    if (parse_push_options(values, &options, err) < 0 ||
        cb_app_platform(values->platform, &buffer, &platform, err) < 0 ||
        parse_name(args->items[args->count - 1], &reference, err) < 0)
        return -1;
    canonical = cb_reference_canonical(reference);
    if (session_open(&session, app, values, err) < 0 ||
        find_pushed(session.store, args->items[0], platform, &image, &platforms, err) < 0)
        return -1;
    if ((platforms.count > 1 ? cb_registry_push_index(session.registry, &platforms,
                                                      canonical, &options, &pushed, err)
                             : cb_registry_push(session.registry, &image->id, canonical,
                                                &options, &pushed, err)) < 0)
        return -1;
    cb_journal_transfer(session.store, "push", canonical);
    printf("%s: digest: %s size: %" PRId64 "\n", reference->tag ? reference->tag : "",
           cb_digest_text(&pushed.digest, text), pushed.size);
    return 0;
}

static int run_push(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    struct values values = {.tls_verify = 1};
    int status = cb_options_parse(&cb_push_command, argc, argv, 0, &values, &args, err);

    if (status == 0)
        status = cb_app_arguments(&cb_push_command, &args, 1, 2, err);
    else if (status > 0)
        status = args.count = 0;
    if (status == 0 && args.count)
        status = push(app, &values, &args, err);
    cb_strings_free(&values.insecure);
    return status;
}

const struct cb_cli_command cb_push_command = {
    .name = "push",
    .summary = "Send an image to a registry",
    .usage = "push [OPTIONS] NAME[:TAG] [DESTINATION[:TAG]]",
    .options = push_options,
    .run = run_push,
};
