/* `system df -v`: thing by thing, as docker lays it out. */
#include "commands/df.h"

#include "base/map.h"
#include "base/timestamp.h"
#include "commands/commands.h"
#include "commands/containers.h"
#include "commands/listing.h"
#include "container/files.h"
#include "store/layer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FIELDS (const struct cb_listing_field[])

static const struct cb_listing images_listing = {
    .fields = FIELDS{{"Repository", "REPOSITORY"},
                     {"Tag", "TAG"},
                     {"ID", "IMAGE ID"},
                     {"CreatedSince", "CREATED"},
                     {"Size", "SIZE"},
                     {"SharedSize", "SHARED SIZE"},
                     {"UniqueSize", "UNIQUE SIZE"},
                     {"Containers", "CONTAINERS"},
                     {0}},
    .table = "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t"
             "{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}",
};
static const struct cb_listing containers_listing = {
    .fields = FIELDS{{"ID", "CONTAINER ID"},
                     {"Image", "IMAGE"},
                     {"Command", "COMMAND"},
                     {"LocalVolumes", "LOCAL VOLUMES"},
                     {"Size", "SIZE"},
                     {"RunningFor", "CREATED"},
                     {"Status", "STATUS"},
                     {"Names", "NAMES"},
                     {0}},
    .table = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t"
             "{{.RunningFor}}\t{{.Status}}\t{{.Names}}",
};
static const struct cb_listing volumes_listing = {
    .fields = FIELDS{{"Name", "VOLUME NAME"}, {"Links", "LINKS"}, {"Size", "SIZE"}, {0}},
    .table = "{{.Name}}\t{{.Links}}\t{{.Size}}",
};
static const struct cb_listing cache_listing = {
    .fields = FIELDS{{"ID", "CACHE ID"},
                     {"CacheType", "CACHE TYPE"},
                     {"Size", "SIZE"},
                     {"CreatedSince", "CREATED"},
                     {"LastUsedSince", "LAST USED"},
                     {"InUse", "IN USE"},
                     {"Shared", "SHARED"},
                     {0}},
    .table = "{{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}"
             "\t{{.InUse}}\t{{.Shared}}",
};

static void set_text(json_t *row, const char *key, const char *value)
{
    json_object_set_new(row, key, json_string_nocheck(value));
}

static void set_size(json_t *row, const char *key, uint64_t bytes)
{
    cb_autofree char *text = cb_total_human(bytes);

    set_text(row, key, text);
}

static void set_age(json_t *row, const char *key, int64_t at_s)
{
    cb_autofree char *age = cb_duration_human(cb_timestamp_now().tv_sec - at_s);
    cb_autofree char *ago = xasprintf("%s ago", age);

    set_text(row, key, ago);
}

static void set_count(json_t *row, const char *key, size_t count)
{
    cb_autofree char *text = xasprintf("%zu", count);

    set_text(row, key, text);
}

static int print(const char *title, const struct cb_listing *listing, const json_t *rows,
                 struct cb_error **err)
{
    printf("%s\n\n", title);
    return cb_listing_print(listing, NULL, rows, err);
}

/* ── Images ── */

/* A layer, by its chain: below how many images it is. */
struct layer {
    uint64_t bytes;
    unsigned images;
};

static struct layer *layer_of(const struct cb_df *df, struct cb_map *layers,
                              const struct cb_digest *chain)
{
    char key[CB_DIGEST_MAX_TEXT];
    struct layer *layer = cb_map_get(layers, cb_digest_text(chain, key));
    cb_auto(cb_snapshot) snapshot = NULL;

    if (layer)
        return layer;
    layer = xcalloc(1, sizeof(*layer));
    if (cb_chain_find(df->store, chain, &snapshot, NULL) > 0)
        layer->bytes = (uint64_t)cb_container_layer_bytes(snapshot);
    cb_map_set(layers, key, layer);
    return layer;
}

/* Calls EACH with every layer of IMAGE. */
static void each_layer(const struct cb_df *df, struct cb_map *layers,
                       const struct cb_image *image,
                       void (*each)(struct layer *layer, uint64_t sums[2]),
                       uint64_t sums[2])
{
    struct cb_digest chain;
    int any = 0;

    cb_vec_foreach (diff_id, &image->config->diff_ids) {
        chain = cb_chain_id(any ? &chain : NULL, diff_id);
        any = 1;
        each(layer_of(df, layers, &chain), sums);
    }
}

static void count_image(struct layer *layer, uint64_t sums[2])
{
    layer->images++;
}

static void add_bytes(struct layer *layer, uint64_t sums[2])
{
    sums[layer->images > 1] += layer->bytes;
}

static void set_name(json_t *row, const struct cb_image *image)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *name = NULL;
    char *colon = NULL;

    if (image->names.count &&
        cb_reference_parse(&reference, image->names.items[0], NULL) == 0) {
        name = cb_reference_familiar(reference);
        colon = strrchr(name, ':');
    }
    if (colon)
        *colon = '\0';
    set_text(row, "Repository", name ? name : "<none>");
    set_text(row, "Tag", colon ? colon + 1 : "<none>");
}

static json_t *image_row(const struct cb_df *df, const struct cb_image *image,
                         const uint64_t sums[2])
{
    json_t *row = json_object();
    char id[CB_DIGEST_MAX_TEXT], short_id[13];
    size_t users = 0;

    cb_digest_text(&image->id, id);
    cb_vec_foreach (container, &df->containers)
        users += strcmp((*container)->image_id, id) == 0;
    cb_short_id(&image->id, short_id);
    set_name(row, image);
    set_text(row, "ID", short_id);
    set_age(row, "CreatedSince", image->created_ns / 1000000000);
    set_size(row, "Size", sums[0] + sums[1]);
    set_size(row, "SharedSize", sums[1]);
    set_size(row, "UniqueSize", sums[0]);
    set_count(row, "Containers", users);
    return row;
}

static json_t *image_rows(const struct cb_df *df)
{
    cb_auto(cb_map) layers = cb_map_new(free);
    json_t *rows = json_array();

    cb_vec_foreach (image, &df->images)
        each_layer(df, layers, *image, count_image, NULL);
    cb_vec_foreach (image, &df->images) {
        uint64_t sums[2] = {0, 0}; /* its own, and shared */

        each_layer(df, layers, *image, add_bytes, sums);
        json_array_append_new(rows, image_row(df, *image, sums));
    }
    return rows;
}

/* ── The others ── */

static json_t *container_rows(const struct cb_df *df)
{
    json_t *rows = json_array();

    cb_vec_foreach (slot, &df->containers) {
        const struct cb_container *container = *slot;
        cb_autofree char *id = xstrndup(container->id, 12);
        cb_autofree char *status = cb_container_status_text(container);
        cb_autofree char *command = cb_container_command_text(container, 0);
        struct timespec created = {0};
        json_t *row = json_object();
        size_t volumes = 0;

        cb_vec_foreach (mount, &container->mounts)
            volumes += mount->name != NULL;
        cb_timestamp_parse(&created, container->created, NULL);
        set_text(row, "ID", id);
        set_text(row, "Image", container->options.request.image_name);
        set_text(row, "Command", command);
        set_count(row, "LocalVolumes", volumes);
        set_size(row, "Size", (uint64_t)cb_container_bytes(df->store, container, NULL));
        set_age(row, "RunningFor", created.tv_sec);
        set_text(row, "Status", status);
        set_text(row, "Names", container->name);
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *volume_rows(const struct cb_df *df)
{
    json_t *rows = json_array();

    cb_vec_foreach (volume, &df->volumes) {
        json_t *row = json_object();

        set_text(row, "Name", (*volume)->name);
        set_count(row, "Links", cb_df_volume_links(df, *volume));
        set_size(row, "Size", cb_volume_bytes(df->store, *volume));
        json_array_append_new(rows, row);
    }
    return rows;
}

static int cache_rows(const struct cb_df *df, json_t **out, struct cb_error **err)
{
    cb_auto_value(cb_cache_items) items = {0};
    cb_auto_json *rows = json_array();

    if (cb_cache_items_list(df->store, &items, err) < 0)
        return -1;
    cb_vec_foreach (item, &items) {
        cb_autofree char *id = xstrndup(item->id, 12);
        json_t *row = json_object();

        set_text(row, "ID", id);
        set_text(row, "CacheType", cb_item_type_name(item->type));
        set_size(row, "Size", item->bytes);
        set_age(row, "CreatedSince", item->created_ns / 1000000000);
        set_age(row, "LastUsedSince", item->used_ns / 1000000000);
        set_text(row, "InUse", item->in_use ? "true" : "false");
        set_text(row, "Shared", item->shared ? "true" : "false");
        json_array_append_new(rows, row);
    }
    *out = cb_steal(&rows);
    return 0;
}

/* ── All of it ── */

static int print_tables(const struct cb_df *df, const json_t *all, struct cb_error **err)
{
    cb_autofree char *size = cb_total_human(df->usage.cache.bytes);
    cb_autofree char *cache = xasprintf("\nBuild cache usage: %s", size);

    if (print("Images space usage:", &images_listing, json_object_get(all, "Images"),
              err) < 0 ||
        print("\nContainers space usage:", &containers_listing,
              json_object_get(all, "Containers"), err) < 0 ||
        print("\nLocal Volumes space usage:", &volumes_listing,
              json_object_get(all, "Volumes"), err) < 0)
        return -1;
    return print(cache, &cache_listing, json_object_get(all, "BuildCache"), err);
}

int cb_df_print_all(const struct cb_df *df, const char *format, struct cb_error **err)
{
    cb_auto_json *all = json_object();
    cb_auto_json *documents = json_pack("[O]", all);
    json_t *cache = NULL;

    if (cache_rows(df, &cache, err) < 0)
        return -1;
    json_object_set_new(all, "Images", image_rows(df));
    json_object_set_new(all, "Containers", container_rows(df));
    json_object_set_new(all, "Volumes", volume_rows(df));
    json_object_set_new(all, "BuildCache", cache);
    if (!format || !*format || strcmp(format, "table") == 0)
        return print_tables(df, all, err);
    return cb_inspect_print(strcmp(format, "json") == 0 ? "{{json .}}" : format,
                            documents, err);
}
