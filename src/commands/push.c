/* cbuild push: an image of the store to a registry, under its own name, under others, or
 * all names of a repository. */
#include "commands/transfer.h"

#include "base/out-file.h"
#include "registry/said.h"
#include "store/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct values {
    struct cb_transfer_values common;
    const char *platform, *format, *compression, *digest_file;
    int all_tags;
    unsigned level;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"all-tags", 'a', CB_OPTION_FLAG, AT(all_tags), NULL,
     "Push every tag of the repository that is here"},
    CB_TRANSFER_AUTHFILE(struct values),
    CB_TRANSFER_CERT_DIR(struct values),
    {"compression", 0, CB_OPTION_TEXT, AT(compression), "KIND",
     "Compress all layers anew: gzip, zstd or uncompressed (default: as they are, "
     "gzip for those made here)"},
    {"compression-format", 0, CB_OPTION_TEXT, AT(compression), "KIND", NULL},
    {"compression-level", 0, CB_OPTION_UNSIGNED, AT(level), "N",
     "Of layers compressed now: 0 to 9 for gzip, 0 to 22 for zstd"},
    CB_TRANSFER_CREDS(struct values),
    {"digestfile", 0, CB_OPTION_TEXT, AT(digest_file), "FILE",
     "Write the digest of what was pushed to a file"},
    {"disable-content-trust", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "Manifest format: oci (default) or docker"},
    CB_TRANSFER_INSECURE(struct values),
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH",
     "Send only this one of a name's images"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(common.quiet), NULL, "Print the name alone"},
    CB_TRANSFER_TLS_VERIFY(struct values),
    {0},
};

static int parse_layers(const struct values *values, struct cb_layer_form *out,
                        struct cb_error **err)
{
    const char *kind = values->compression ? values->compression : "gzip";
    unsigned most;
    char level[16];

    if (!cb_compression_parse(&out->compression, kind))
        return cb_error_argument(err, kind, "--compression",
                                 "expected gzip, zstd or uncompressed");
    most = out->compression == CB_COMPRESSION_ZSTD ? 22 : 9;
    if (values->level > most) {
        snprintf(level, sizeof(level), "%u", values->level);
        return cb_error_argument(err, level, "--compression-level", "expected 0 to %u",
                                 most);
    }
    out->level = (int)values->level;
    out->force = values->compression != NULL;
    out->any = !out->force;
    return 0;
}

static int parse_options(const struct values *values, struct cb_push_options *out,
                         struct cb_error **err)
{
    const char *format = values->format ? values->format : "oci";

    *out = (struct cb_push_options){0};
    if (parse_layers(values, &out->layers, err) < 0)
        return -1;
    if (strcmp(format, "docker") == 0 || strcmp(format, "v2s2") == 0)
        out->docker_types = 1;
    else if (strcmp(format, "oci") != 0)
        return cb_error_argument(err, format, "--format", "expected oci or docker");
    return 0;
}

struct push {
    struct cb_transfer transfer;
    struct cb_push_options options;
    struct cb_platform buffer;
    const struct cb_platform *platform; /* or NULL */
    const char *digest_file;            /* or NULL */
    int quiet;
    int to_itself; /* there is no other name to send it to */
};

static int push_open(struct push *push, struct cb_app *app, const struct values *values,
                     const struct cb_strings *args, struct cb_error **err)
{
    size_t first = args->count > 1;
    const struct cb_strings targets = {.items = args->items + first,
                                       .count = args->count - first};

    if (parse_options(values, &push->options, err) < 0 ||
        cb_app_platform(values->platform, &push->buffer, &push->platform, err) < 0)
        return -1;
    return cb_transfer_open(&push->transfer, app, &values->common, &targets, err);
}

/* Docker tells a missing tag from a missing repository. */
static int is_missing(struct cb_store *store, const char *name, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto_value(cb_images) others = {0};
    cb_autofree char *repository = NULL;
    cb_autofree char *familiar = NULL;

    if (cb_reference_parse(&reference, name, err) < 0)
        return -1;
    cb_reference_default_tag(reference);
    repository = xasprintf("%s/%s", reference->host, reference->path);
    familiar = cb_reference_familiar(reference);
    if (cb_image_list_of(store, repository, &others, err) < 0)
        return -1;
    if (others.count)
        cb_error_set(err, CB_ERR_NOT_FOUND, "tag does not exist: %s", familiar);
    else
        cb_error_set(err, CB_ERR_NOT_FOUND,
                     "an image does not exist locally with the tag: %s", name);
    return cb_error_hint(err, "`cbuild images` lists what is here");
}

static int find_pushed(struct push *push, const char *name, struct cb_image **image,
                       struct cb_platform_images *platforms, struct cb_error **err)
{
    struct cb_store *store = push->transfer.store;
    cb_auto(cb_image) there = NULL;
    int by_id = 0;
    int found = cb_image_find(store, name, &there, &by_id, err);

    if (found < 0)
        return -1;
    if (!found || (by_id && push->to_itself))
        return is_missing(store, name, err);
    if (push->platform)
        return cb_image_get_for(store, name, push->platform, image, NULL, err);
    *image = cb_steal(&there);
    return by_id ? 0 : cb_image_find_platforms(store, name, platforms, err);
}

/* With --platform the image goes alone, and Docker's types have no room for what is said.
 */
static int find_said(struct push *push, const struct cb_platform_images *images,
                     const struct cb_strings *names, struct cb_said **said,
                     struct cb_error **err)
{
    if (push->platform || push->options.docker_types)
        return 0;
    return cb_said_open(said, push->transfer.store, images, names, err);
}

/* NAME as in the store, to DESTINATION. */
static int push_one(struct push *push, const char *name,
                    const struct cb_reference *destination, struct cb_error **err)
{
    struct cb_registry *registry = push->transfer.registry;
    cb_auto(cb_image) image = NULL;
    cb_autofree char *canonical = cb_reference_canonical(destination);
    cb_auto_value(cb_descriptor) pushed = {0};
    cb_auto_value(cb_platform_images) platforms = {0};
    struct cb_push_options options = push->options;
    cb_auto_value(cb_strings) names = {0};
    cb_auto(cb_said) said = NULL;
    char text[CB_DIGEST_MAX_TEXT];

    if (find_pushed(push, name, &image, &platforms, err) < 0)
        return -1;
    if (!platforms.count)
        cb_vec_push(&platforms,
                    ((struct cb_platform_image){.id = image->id,
                                                .platform = image->config->platform}));
    cb_strings_add(&names, canonical);
    if (find_said(push, &platforms, &names, &said, err) < 0)
        return -1;
    options.attester = cb_said_attester(said);
    if ((said || platforms.count > 1
             ? cb_registry_push_index(registry, &platforms, canonical, &options, &pushed,
                                      err)
             : cb_registry_push(registry, &image->id, canonical, &options, &pushed,
                                err)) < 0)
        return -1;
    cb_journal_transfer(push->transfer.store, "push", canonical);
    if (push->quiet)
        cb_transfer_say(&push->transfer, "%s\n", canonical);
    else
        cb_transfer_say(&push->transfer, "%s: digest: %s size: %" PRId64 "\n",
                        destination->tag, cb_digest_text(&pushed.digest, text),
                        pushed.size);
    return push->digest_file
               ? cb_out_file_write(push->digest_file,
                                   cb_digest_text(&pushed.digest, text), err)
               : 0;
}

/* The first argument is what is pushed; to itself, or to all that follow. */
static int push_names(struct push *push, const struct cb_strings *args,
                      struct cb_error **err)
{
    push->to_itself = args->count == 1;
    for (size_t i = !push->to_itself; i < args->count; i++) {
        cb_auto(cb_reference) destination = NULL;

        if (cb_transfer_name(args->items[i], push->quiet, &destination, err) < 0 ||
            push_one(push, args->items[0], destination, err) < 0)
            return -1;
    }
    return 0;
}

/* ── All tags ── */

static int add_tags(struct cb_store *store, const struct cb_reference *repository,
                    struct cb_strings *names, struct cb_error **err)
{
    cb_auto_value(cb_images) images = {0};

    if (cb_image_list(store, &images, err) < 0)
        return -1;
    for (size_t i = 0; i < images.count; i++) {
        const struct cb_strings *all = &images.items[i]->names;

        for (size_t j = 0; j < all->count; j++) {
            cb_auto(cb_reference) name = NULL;

            if (cb_reference_parse(&name, all->items[j], NULL) == 0 && name->tag &&
                strcmp(name->host, repository->host) == 0 &&
                strcmp(name->path, repository->path) == 0)
                cb_strings_add(names, all->items[j]);
        }
    }
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int push_all(struct push *push, const char *repository, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_auto(cb_reference) reference = NULL;

    if (cb_transfer_repository(repository, &reference, err) < 0 ||
        add_tags(push->transfer.store, reference, &names, err) < 0)
        return -1;
    if (!names.count) {
        cb_error_set(err, CB_ERR_NOT_FOUND,
                     "an image does not exist locally with the tag: %s", repository);
        return cb_error_hint(err, "`cbuild images` lists what is here");
    }
    qsort(names.items, names.count, sizeof(*names.items), by_text);
    for (size_t i = 0; i < names.count; i++) {
        cb_auto(cb_reference) name = NULL;

        if (cb_reference_parse(&name, names.items[i], err) < 0 ||
            push_one(push, names.items[i], name, err) < 0)
            return -1;
    }
    return 0;
}

static int push(struct cb_app *app, const struct values *values,
                const struct cb_strings *args, struct cb_error **err)
{
    struct push push = {.quiet = values->common.quiet,
                        .digest_file = values->digest_file};
    int status = push_open(&push, app, values, args, err);

    if (status == 0)
        status = values->all_tags ? push_all(&push, args->items[0], err)
                                  : push_names(&push, args, err);
    cb_transfer_close(&push.transfer);
    return status;
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    const struct values *values = given;

    if (values->all_tags && cb_command_check_args(&cb_push_command, args, 1, 1, err) < 0)
        return -1;
    return push(app, values, args, err);
}

const struct cb_cli_command cb_push_command = {
    .name = "push",
    .summary = "Send an image to a registry",
    .usage = "push [OPTIONS] NAME[:TAG] [DESTINATION[:TAG]...]",
    .options = options,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.common = CB_TRANSFER_DEFAULTS},
    .min_args = 1,
    .max_args = -1,
    .act = run,
};
