/* cbuild du: the build cache, thing by thing. */
#include "commands/cache-filter.h"
#include "commands/commands.h"
#include "commands/listing.h"

#include "base/json.h"
#include "base/timestamp.h"

#include <stdio.h>
#include <string.h>

struct values {
    struct cb_strings filters;
    const char *format, *builder, *timeout;
    int verbose;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"builder", 0, CB_OPTION_TEXT, AT(builder), "NAME", NULL}, /* of the only one */
    {"timeout", 0, CB_OPTION_TEXT, AT(timeout), "DURATION", NULL},
    {"filter", 0, CB_OPTION_LIST, AT(filters), "FILTER", "As for `cbuild prune`"},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "table (the default), json, or a Go template"},
    {"verbose", 0, CB_OPTION_FLAG, AT(verbose), NULL, "All that is known of each"},
    {0},
};

static const struct cb_listing listing = {
    .fields =
        (const struct cb_listing_field[]){
            {"ID", "ID"},
            {"Type", "TYPE"},
            {"Parent", "PARENT"},
            {"Description", "DESCRIPTION"},
            {"InUse", "IN USE"},
            {"Shared", "SHARED"},
            {"Reclaimable", "RECLAIMABLE"},
            {"Size", "SIZE"},
            {"CreatedAt", "CREATED AT"},
            {"LastUsedAt", "LAST USED AT"},
            {0},
        },
};

static json_t *item_json(const struct cb_cache_item *item)
{
    struct timespec created = {.tv_sec = (time_t)(item->created_ns / 1000000000)};
    struct timespec used = {.tv_sec = (time_t)(item->used_ns / 1000000000)};
    char created_text[CB_TIMESTAMP_MAX], used_text[CB_TIMESTAMP_MAX];

    return json_pack("{s:s,s:s,s:s,s:o,s:b,s:b,s:b,s:I,s:s,s:s}", "ID", item->id, "Type",
                     cb_item_type_name(item->type), "Parent", item->parent, "Description",
                     cb_json_from_text(item->description), "InUse", item->in_use,
                     "Shared", item->shared, "Reclaimable",
                     !item->in_use && !item->shared, "Size", (json_int_t)item->bytes,
                     "CreatedAt", cb_timestamp_format(created, created_text),
                     "LastUsedAt", cb_timestamp_format(used, used_text));
}

struct totals {
    uint64_t shared, private_bytes, reclaimable;
};

static void print_total(const char *label, uint64_t bytes)
{
    cb_autofree char *size = cb_total_human(bytes);

    printf("%-13s %s\n", label, size);
}

static void print_totals(const struct cb_cache_items *items,
                         const struct cb_cache_filter *filter, int64_t now_ns)
{
    struct totals totals = {0};

    cb_vec_foreach (item, items) {
        if (!cb_cache_filter_matches(filter, item, now_ns))
            continue;
        *(item->shared ? &totals.shared : &totals.private_bytes) += item->bytes;
        if (!item->shared && !item->in_use)
            totals.reclaimable += item->bytes;
    }
    print_total("Shared:", totals.shared);
    print_total("Private:", totals.private_bytes);
    print_total("Reclaimable:", totals.reclaimable);
    print_total("Total:", totals.shared + totals.private_bytes);
}

static void print_item(const struct cb_cache_item *item, const struct values *values,
                       int json)
{
    cb_auto_json *object = json ? item_json(item) : NULL;

    if (json)
        cb_print_json(object);
    else if (values->verbose)
        cb_cache_print_details(item);
    else
        cb_cache_print_row(item);
}

static int du(struct cb_app *app, void *given, const struct cb_strings *args,
              struct cb_error **err)
{
    const struct values *values = given;
    struct cb_cache_filter filter = {0};
    cb_auto_value(cb_cache_items) items = {0};
    cb_auto(cb_store) store = NULL;
    cb_auto_json *rows = json_array();
    int kind = cb_listing_kind(&listing, values->format, err);
    int64_t now_ns = (int64_t)cb_timestamp_now().tv_sec * 1000000000;

    if (kind < 0 || cb_cache_filter_parse(&filter, &values->filters, err) < 0 ||
        cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0 ||
        cb_cache_items_list(store, &items, err) < 0)
        return -1;
    if (kind == CB_LISTING_TABLE && !values->verbose)
        cb_cache_print_columns();
    for (size_t i = items.count; i-- > 0;) {
        const struct cb_cache_item *item = &items.items[i];

        if (!cb_cache_filter_matches(&filter, item, now_ns))
            continue;
        if (kind == CB_LISTING_TEMPLATE)
            json_array_append_new(rows, item_json(item));
        else
            print_item(item, values, kind == CB_LISTING_JSON);
    }
    if (kind == CB_LISTING_TABLE)
        print_totals(&items, &filter, now_ns);
    return kind == CB_LISTING_TEMPLATE
               ? cb_listing_print_documents(&listing, values->format, rows, err)
               : 0;
}

const struct cb_cli_command cb_du_command = {
    .name = "du",
    .summary = "List the build cache",
    .usage = "du [OPTIONS]",
    .about =
        "What `cbuild prune` chooses from. Sizes with a star are of layers that images\n"
        "have too: removing them from the cache frees nothing. Logs of earlier builds\n"
        "are listed with --filter type=build.log, and removed by `cbuild builds rm`.",
    .options = options,
    .values_size = sizeof(struct values),
    .act = du,
};
