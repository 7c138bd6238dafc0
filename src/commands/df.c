/* cbuild system df: what takes how much room, and how much of it nothing needs. */
#include "commands/df.h"

#include "base/timestamp.h"
#include "commands/commands.h"
#include "commands/listing.h"
#include "container/files.h"
#include "container/users.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct values {
    const char *format;
    int verbose;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "table, json, or a Go template: {{.Type}} {{.Size}}"},
    {"verbose", 'v', CB_OPTION_FLAG, AT(verbose), NULL,
     "Show every image, container, volume and part of the cache"},
    {0},
};

static const struct cb_listing listing = {
    .fields =
        (const struct cb_listing_field[]){
            {"Type", "TYPE"},
            {"TotalCount", "TOTAL"},
            {"Active", "ACTIVE"},
            {"Size", "SIZE"},
            {"Reclaimable", "RECLAIMABLE"},
            {0},
        },
    .table = "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
};

static void df_clear(struct cb_df *df)
{
    cb_images_free(&df->images);
    cb_containers_free(&df->containers);
    cb_volumes_free(&df->volumes);
    cb_store_close(df->store);
}
CB_AUTO_VALUE_DEFINE(cb_df, df_clear)

/* ── Parts ── */

size_t cb_df_volume_links(const struct cb_df *df, const struct cb_volume *volume)
{
    size_t links = 0;

    cb_vec_foreach (container, &df->containers) {
        int has = 0;

        cb_vec_foreach (mount, &(*container)->mounts)
            has |= mount->name && strcmp(mount->name, volume->name) == 0;
        links += (size_t)has;
    }
    return links;
}

static struct cb_usage_part images_part(const struct cb_df *df)
{
    struct cb_usage_part part = df->usage.images;

    cb_vec_foreach (image, &df->images)
        part.active += cb_containers_find_user(&df->containers, &(*image)->id, 0) != NULL;
    return part;
}

static struct cb_usage_part containers_part(const struct cb_df *df)
{
    struct cb_usage_part part = {.count = df->containers.count};

    cb_vec_foreach (container, &df->containers) {
        uint64_t bytes = (uint64_t)cb_container_bytes(df->store, *container, NULL);
        int runs = cb_container_is_running(*container);

        part.bytes += bytes;
        part.active += (uint64_t)runs;
        part.reclaimable += runs ? 0 : bytes;
    }
    return part;
}

static struct cb_usage_part volumes_part(const struct cb_df *df)
{
    struct cb_usage_part part = {.count = df->volumes.count};

    cb_vec_foreach (volume, &df->volumes) {
        uint64_t bytes = cb_volume_bytes(df->store, *volume);
        int used = cb_df_volume_links(df, *volume) > 0;

        part.bytes += bytes;
        part.active += (uint64_t)used;
        part.reclaimable += used ? 0 : bytes;
    }
    return part;
}

/* ── In short ── */

static void add_row(json_t *rows, const char *type, const struct cb_usage_part *part,
                    int with_share)
{
    cb_autofree char *size = cb_total_human(part->bytes);
    cb_autofree char *reclaimable = cb_total_human(part->reclaimable);
    cb_autofree char *share = with_share && part->bytes
                                  ? xasprintf("%s (%" PRIu64 "%%)", reclaimable,
                                              part->reclaimable * 100 / part->bytes)
                                  : xstrdup(reclaimable);
    cb_autofree char *total = xasprintf("%" PRIu64, part->count);
    cb_autofree char *active = xasprintf("%" PRIu64, part->active);

    json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s,s:s}", "Active", active,
                                          "Reclaimable", share, "Size", size,
                                          "TotalCount", total, "Type", type));
}

static int print_short(const struct cb_df *df, const char *format, struct cb_error **err)
{
    cb_auto_json *rows = json_array();
    const struct cb_usage_part images = images_part(df), volumes = volumes_part(df),
                               containers = containers_part(df);

    add_row(rows, "Images", &images, 1);
    add_row(rows, "Containers", &containers, 1);
    add_row(rows, "Local Volumes", &volumes, 1);
    add_row(rows, "Build Cache", &df->usage.cache, 0);
    add_row(rows, "Cache Mounts", &df->usage.cache_mounts, 0);
    add_row(rows, "Build Logs", &df->usage.logs, 0);
    add_row(rows, "Blobs", &df->usage.blobs, 0);
    add_row(rows, "Index and Other", &df->usage.rest, 0);
    return cb_listing_print(&listing, format, rows, err);
}

static int df(struct cb_app *app, void *given, const struct cb_strings *args,
              struct cb_error **err)
{
    const struct values *values = given;
    cb_auto_value(cb_df) df = {0};

    if ((!values->verbose && cb_listing_check(&listing, values->format, err) < 0) ||
        cb_app_store(app, CB_STORE_CREATE, &df.store, err) < 0 ||
        cb_store_usage(df.store, &df.usage, err) < 0 ||
        cb_image_list(df.store, &df.images, err) < 0 ||
        cb_containers_list(df.store, &df.containers, err) < 0 ||
        cb_volumes_list(df.store, &df.volumes, err) < 0)
        return -1;
    return values->verbose ? cb_df_print_all(&df, values->format, err)
                           : print_short(&df, values->format, err);
}

const struct cb_cli_command cb_df_command = {
    .name = "df",
    .summary = "Show how much disk space is used",
    .usage = "df [OPTIONS]",
    .about = "ACTIVE is what containers use, and RECLAIMABLE what is left when all that\n"
             "nothing uses is removed: `cbuild system prune` and its siblings do that.\n"
             "`cbuild du` lists the cache.",
    .options = options,
    .values_size = sizeof(struct values),
    .act = df,
};
