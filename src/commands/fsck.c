/* cbuild fsck: is everything stored whole, and what can be done about it. */
#include "commands/commands.h"

#include "registry/registry.h"
#include "store/gc.h"

#include <inttypes.h>
#include <stdio.h>

struct fsck_values {
    int deep, repair, tls_verify;
    struct cb_strings insecure;
};

static const struct cb_option fsck_options[] = {
    {"deep", 0, CB_OPTION_FLAG, offsetof(struct fsck_values, deep), NULL,
     "Read unpacked layers too, not only blobs"},
    {"repair", 0, CB_OPTION_FLAG, offsetof(struct fsck_values, repair), NULL,
     "Fetch damaged blobs again, and remove what can be made again"},
    {"insecure-registry", 0, CB_OPTION_LIST, offsetof(struct fsck_values, insecure),
     "HOST", "Reach this registry by plain http or with an unverified certificate"},
    {"tls-verify", 0, CB_OPTION_FLAG, offsetof(struct fsck_values, tls_verify), NULL,
     "Verify certificates (default true)"},
    {0},
};

static int fetch(void *registry, const char *name, const struct cb_digest *manifest,
                 const struct cb_digest *blob, struct cb_error **err)
{
    return cb_registry_restore(registry, name, manifest, blob, err);
}

static int check(struct cb_app *app, void *given, const struct cb_strings *args,
                 struct cb_error **err)
{
    const struct fsck_values *values = given;
    cb_auto_value(cb_strbuf) report = {0};
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_pool) pool = NULL;
    cb_auto(cb_registry) registry = NULL;
    struct cb_registry_options options = {.insecure = &values->insecure,
                                          .tls_verify = values->tls_verify};
    struct cb_fsck_source source = {.fetch = fetch};
    struct cb_fsck result = {0};

    if ((values->repair ? cb_app_store_repair(app, &store, err)
                        : cb_app_store(app, CB_STORE_EXISTING, &store, err)) < 0)
        return -1;
    pool = cb_pool_new(0, 1);
    options.store = store;
    options.pool = pool;
    if (values->repair && cb_app_registry(app, &options, &registry, err) < 0)
        return -1;
    source.arg = registry;
    if (cb_store_fsck(store,
                      &(struct cb_fsck_options){.deep = values->deep,
                                                .repair = values->repair,
                                                .source = registry ? &source : NULL,
                                                .pool = pool},
                      &result, &report, err) < 0)
        return -1;
    fputs(cb_strbuf_text(&report), stdout);
    printf("%" PRIu64 " blobs, %" PRIu64 " snapshots, %" PRIu64 " images: %" PRIu64
           " problems, %" PRIu64 " repaired\n",
           result.blobs, result.snapshots, result.images, result.problems,
           result.repaired);
    return result.problems > result.repaired;
}

const struct cb_cli_command cb_fsck_command = {
    .name = "fsck",
    .summary = "Check that everything stored is whole",
    .usage = "fsck [OPTIONS]",
    .about = "Exit status 0: sound, or repaired; 1: problems are left.",
    .options = fsck_options,
    .values_size = sizeof(struct fsck_values),
    .defaults = &(const struct fsck_values){.tls_verify = 1},
    .act = check,
};
