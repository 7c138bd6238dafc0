/* cbuild cache ls, rm and prune: the directories of RUN --mount=type=cache. */
#include "commands/cache.h"

#include "base/json.h"
#include "base/timestamp.h"
#include "commands/listing.h"
#include "commands/prompt.h"
#include "commands/pruning.h"
#include "store/cache-mount.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SHORT 12 /* digits of a name that are shown */

const char *cb_cache_id_of(const char *text)
{
    return strncmp(text, "id=", 3) == 0 ? text + 3 : text;
}

/* The name as it is shown. Caller frees. */
static char *short_name(const char *name)
{
    return xasprintf("%.*s%s", SHORT, name, strchrnul(name, '.'));
}

/* ── ls ── */

struct values {
    const char *format, *unused;
    int quiet, force;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option ls_options[] = {
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "table (the default), json, or a Go template"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Print only the names"},
    {0},
};

static json_t *mount_json(const struct cb_cache_mount *mount)
{
    struct timespec used = {.tv_sec = (time_t)(mount->used_ns / 1000000000)};
    char text[CB_TIMESTAMP_MAX];

    return json_pack("{s:s,s:s,s:s,s:I,s:s,s:b}", "name", mount->name, "id", mount->id,
                     "variant", mount->variant, "bytes", (json_int_t)mount->bytes, "used",
                     cb_timestamp_format(used, text), "busy", mount->busy);
}

static const struct cb_listing listing = {
    .fields =
        (const struct cb_listing_field[]){
            {"Name", "NAME"},
            {"ID", "ID"},
            {"Variant", "VARIANT"},
            {"Bytes", "BYTES"},
            {"Used", "LAST USED"},
            {"Busy", "BUSY"},
            {0},
        },
};

static int print_objects(const struct cb_cache_mounts *mounts, const char *template,
                         struct cb_error **err)
{
    cb_auto_json *list = json_array();
    cb_autofree char *text = NULL;

    cb_vec_foreach (mount, mounts)
        json_array_append_new(list, mount_json(mount));
    if (template)
        return cb_listing_print_documents(&listing, template, list, err);
    text = json_dumps(list, JSON_INDENT(2));
    printf("%s\n", text);
    return 0;
}

static void print_row(const struct cb_cache_mount *mount)
{
    cb_autofree char *name = short_name(mount->name);
    cb_autofree char *size = cb_size_human(mount->bytes);
    cb_autofree char *age =
        cb_duration_human((int64_t)time(NULL) - mount->used_ns / 1000000000);
    cb_auto_value(cb_strbuf) id = {0};

    cb_strbuf_add_escaped(&id, mount->id, strlen(mount->id), 0);
    printf("%-16s  %-30s  %-7s  %-9s  %s ago\n", name, id.len ? id.text : "-",
           mount->busy         ? "in use"
           : mount->variant[0] ? "seeded"
                               : "",
           size, age);
}

static void print_table(const struct cb_cache_mounts *mounts)
{
    printf("%-16s  %-30s  %-7s  %-9s  %s\n", "NAME", "ID", "STATE", "SIZE", "LAST USED");
    cb_vec_foreach (mount, mounts)
        print_row(mount);
}

static int run_ls(struct cb_app *app, void *given, const struct cb_strings *args,
                  struct cb_error **err)
{
    cb_auto_value(cb_cache_mounts) mounts = {0};
    cb_auto(cb_store) store = NULL;
    struct values *values = given;
    int kind = cb_listing_kind(&listing, values->format, err);

    if (kind < 0 || cb_app_store(app, CB_STORE_CREATE, &store, err) < 0 ||
        cb_cache_mount_list(store, &mounts, err) < 0)
        return -1;
    if (kind != CB_LISTING_TABLE &&
        print_objects(&mounts, kind == CB_LISTING_TEMPLATE ? values->format : NULL, err) <
            0)
        return -1;
    if (kind != CB_LISTING_TABLE)
        return cb_flush_stdout(err);
    if (!values->quiet)
        print_table(&mounts);
    else
        cb_vec_foreach (mount, &mounts)
            printf("%s\n", mount->name);
    return cb_flush_stdout(err);
}

const struct cb_cli_command cb_cache_ls_command = {
    .name = "cache ls",
    .summary = "List cache mounts",
    .usage = "cache ls [OPTIONS]",
    .about = "Cache mounts are the directories of RUN --mount=type=cache. See also\n"
             "`cbuild cache export`, `cache import`, `cache rm` and `cache prune`.\n"
             "`cbuild cache push --list` lists build caches that are to be sent.",
    .options = ls_options,
    .values_size = sizeof(struct values),
    .act = run_ls,
};

/* ── rm ── */

static const struct cb_option no_options[] = {{0}};

static int remove_named(struct cb_store *store, const char *text, struct cb_error **err)
{
    cb_auto_value(cb_cache_mounts) mounts = {0};
    uint64_t freed = 0;

    if (cb_cache_mount_find(store, cb_cache_id_of(text), &mounts, err) < 0)
        return -1;
    cb_vec_foreach (mount, &mounts) {
        cb_autofree char *name = short_name(mount->name);

        if (cb_cache_mount_remove(store, mount->name, &freed, err) < 0)
            return -1;
        printf("Deleted: %s\n", name);
    }
    return 0;
}

static int run_rm(struct cb_app *app, void *values, const struct cb_strings *args,
                  struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;

    if (cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0)
        return -1;
    for (size_t i = 0; i < args->count; i++) {
        if (remove_named(store, args->items[i], err) < 0)
            return -1;
    }
    return cb_flush_stdout(err);
}

const struct cb_cli_command cb_cache_rm_command = {
    .name = "cache rm",
    .summary = "Remove cache mounts",
    .usage = "cache rm ID|NAME...",
    .about = "An ID stands for all its variants and private copies.",
    .options = no_options,
    .min_args = 1,
    .max_args = -1,
    .act = run_rm,
};

/* ── prune ── */

static const struct cb_option prune_options[] = {
    {"force", 'f', CB_OPTION_FLAG, AT(force), NULL, "Do not ask"},
    {"unused", 0, CB_OPTION_TEXT, AT(unused), "DURATION",
     "Only those that no step has asked for in so long (72h)"},
    {0},
};

static int run_prune(struct cb_app *app, void *given, const struct cb_strings *args,
                     struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    struct values *values = given;
    int64_t unused_ns = 0;
    uint64_t freed = 0;

    if (values->unused && cb_duration_parse(&unused_ns, values->unused, err) < 0)
        return cb_error_wrap(err, "--unused");
    if (!values->force && !cb_confirmed("cache mounts"))
        return 0;
    if (cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0 ||
        cb_cache_mount_prune(store, (int64_t)time(NULL) - unused_ns / 1000000000, &freed,
                             err) < 0)
        return -1;
    cb_pruned_print_total(&(struct cb_pruned){.freed_bytes = freed});
    return cb_flush_stdout(err);
}

const struct cb_cli_command cb_cache_prune_command = {
    .name = "cache prune",
    .summary = "Remove cache mounts that no step is using",
    .usage = "cache prune [OPTIONS]",
    .options = prune_options,
    .values_size = sizeof(struct values),
    .act = run_prune,
};
