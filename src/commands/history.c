/* cbuild history: the steps an image was made by, newest first. */
#include "commands/commands.h"

#include "base/timestamp.h"
#include "commands/listing.h"
#include "store/layer.h"

#include <stdio.h>
#include <string.h>

struct values {
    const char *format, *platform;
    int human, no_trunc, quiet;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "table, json, or a Go template: {{.CreatedBy}}"},
    {"human", 'H', CB_OPTION_FLAG, AT(human), NULL,
     "Sizes and times as people say them (default true)"},
    {"no-trunc", 0, CB_OPTION_FLAG, AT(no_trunc), NULL, "Do not shorten the steps"},
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH",
     "Which of a name's images to show"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Print ids only"},
    {0},
};

static const struct cb_listing_field fields[] = {{"Comment", "COMMENT"},
                                                 {"CreatedAt", "CREATED AT"},
                                                 {"CreatedBy", "CREATED BY"},
                                                 {"CreatedSince", "CREATED"},
                                                 {"ID", "IMAGE"},
                                                 {"Size", "SIZE"},
                                                 {0}};
static const struct cb_listing listing = {
    fields, "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}", NULL};
static const struct cb_listing listing_with_dates = {
    fields, "{{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}", NULL};

/* Unpacked size of each layer, as far as the store knows; 0 for layers that are not
 * unpacked. */
static int layer_sizes(struct cb_store *store, const struct cb_image_config *config,
                       int64_t *sizes, struct cb_error **err)
{
    struct cb_digest chain = {0};

    for (size_t i = 0; i < config->diff_ids.count; i++) {
        cb_auto(cb_snapshot) snapshot = NULL;
        struct cb_layer_info info;
        int found;

        chain = cb_chain_id(i ? &chain : NULL, &config->diff_ids.items[i]);
        found = cb_chain_find(store, &chain, &snapshot, err);
        if (found < 0)
            return -1;
        if (found && cb_layer_info(snapshot, NULL, &info, err) < 0)
            return -1;
        sizes[i] = found ? info.size_bytes : 0;
    }
    return 0;
}

static char *ago(int64_t seconds)
{
    cb_autofree char *age = cb_duration_human(seconds);

    return xasprintf("%s ago", age);
}

#define SHORT_STEP 45 /* characters of a step that are shown, the last as an ellipsis */

/* What made the layer; shortened by characters, not bytes. */
static json_t *step_json(const char *text, int no_trunc)
{
    cb_autofree char *cut = NULL;
    size_t points = 0, len = 0;

    for (size_t i = 0; text[i]; i++) {
        if (((unsigned char)text[i] & 0xc0) == 0x80)
            continue;
        if (points++ == SHORT_STEP - 1)
            len = i;
    }
    if (no_trunc || points <= SHORT_STEP)
        return json_string(text);
    cut = xasprintf("%.*s…", (int)len, text);
    return json_string(cut);
}

/* As docker's: in the user's time zone, to the second. */
static const char *local_time(const struct timespec *time, char text[CB_TIMESTAMP_MAX])
{
    struct timespec seconds = {.tv_sec = time->tv_sec};
    struct tm local;
    char zone[8];
    size_t len;

    cb_timestamp_format(seconds, text);
    if (!localtime_r(&time->tv_sec, &local) || local.tm_gmtoff == 0)
        return text;
    len = strftime(text, CB_TIMESTAMP_MAX, "%Y-%m-%dT%H:%M:%S", &local);
    strftime(zone, sizeof(zone), "%z", &local);
    snprintf(text + len, CB_TIMESTAMP_MAX - len, "%.3s:%.2s", zone, zone + 3);
    return text;
}

static json_t *entry_json(const struct cb_history *entry, const char *id, int64_t size,
                          const struct values *values)
{
    struct timespec created, now = cb_timestamp_now();
    int dated = entry->created && cb_timestamp_parse(&created, entry->created, NULL) == 0;
    char buffer[CB_TIMESTAMP_MAX];
    const char *at = dated ? local_time(&created, buffer) : "N/A";
    cb_autofree char *since = dated ? ago(now.tv_sec - created.tv_sec) : xstrdup("N/A");
    cb_autofree char *human = cb_size_human((uint64_t)size);
    cb_autofree char *bytes = xasprintf("%lld", (long long)size);
    json_t *row = json_object();

    json_object_set_new(row, "Comment",
                        json_string(entry->comment ? entry->comment : ""));
    json_object_set_new(row, "CreatedAt", json_string(at));
    json_object_set_new(
        row, "CreatedBy",
        step_json(entry->created_by ? entry->created_by : "", values->no_trunc));
    json_object_set_new(row, "CreatedSince", json_string(values->human ? since : at));
    json_object_set_new(row, "ID", json_string(id));
    json_object_set_new(row, "Size", json_string(values->human ? human : bytes));
    return row;
}

static json_t *rows_of(const struct cb_image *image, const int64_t *sizes,
                       const struct values *values)
{
    size_t layer = image->config->diff_ids.count;
    char short_id[13], text[CB_DIGEST_MAX_TEXT];
    json_t *rows = json_array();

    cb_short_id(&image->id, short_id);
    for (size_t i = image->config->history.count; i-- > 0;) {
        const struct cb_history *entry = &image->config->history.items[i];
        const char *id = i + 1 < image->config->history.count ? "<missing>"
                         : values->no_trunc ? cb_digest_text(&image->id, text)
                                            : short_id;
        int64_t size = entry->empty_layer || !layer ? 0 : sizes[--layer];

        json_array_append_new(rows, entry_json(entry, id, size, values));
    }
    return rows;
}

static int print(struct cb_store *store, const struct cb_image *image,
                 const struct values *values, struct cb_error **err)
{
    cb_autofree int64_t *sizes =
        xcalloc(image->config->diff_ids.count + 1, sizeof(*sizes));
    cb_auto_json *rows = NULL;

    if (layer_sizes(store, image->config, sizes, err) < 0)
        return -1;
    rows = rows_of(image, sizes, values);
    return cb_listing_print(values->human ? &listing : &listing_with_dates,
                            values->quiet ? "{{.ID}}" : values->format, rows, err);
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_image) image = NULL;
    struct values *values = given;
    struct cb_platform buffer;
    const struct cb_platform *platform;

    if (cb_listing_check(&listing, values->format, err) < 0 ||
        cb_app_platform(values->platform, &buffer, &platform, err) < 0 ||
        cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0 ||
        cb_image_get_for(store, args->items[0], platform, &image, NULL, err) < 0)
        return -1;
    return print(store, image, values, err);
}

const struct cb_cli_command cb_history_command = {
    .name = "history",
    .summary = "Show the steps an image was made by",
    .usage = "history [OPTIONS] IMAGE",
    .options = options,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.human = 1},
    .min_args = 1,
    .max_args = 1,
    .act = run,
};
