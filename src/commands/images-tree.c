/* A line for each name, and one below it for each platform it has an image for. */
#include "commands/images-tree.h"

#include "base/json.h"
#include "base/timestamp.h"
#include "commands/commands.h"
#include "commands/listing.h"

#include <stdio.h>
#include <string.h>

static const struct cb_listing_field fields[] = {
    {"Image", "IMAGE"}, {"ID", "ID"}, {"Size", "SIZE"}, {"CreatedSince", "CREATED"}, {0}};
static const struct cb_listing listing = {
    fields, "{{.Image}}\t{{.ID}}\t{{.Size}}\t{{.CreatedSince}}", NULL};

int cb_images_tree_check(const char *format, int quiet, int digests,
                         struct cb_error **err)
{
    const char *other = quiet ? "--quiet" : digests ? "--digests" : NULL;

    if (!other && format && strcmp(format, "json") != 0 && strcmp(format, "table") != 0)
        other = "a template";
    if (!other)
        return 0;
    cb_error_set(err, CB_ERR_USAGE, "--tree and %s cannot be used together", other);
    return cb_error_hint(err, "`--tree --format json` is for programs");
}

static const char *text_of(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

static char *name_of(const json_t *row)
{
    return xasprintf("%s:%s", text_of(row, "Repository"), text_of(row, "Tag"));
}

static json_t *platform_json(struct cb_store *store,
                             const struct cb_platform_image *entry, const json_t *row)
{
    cb_auto(cb_image) image = NULL;
    cb_autofree char *platform = cb_platform_text(&entry->platform);
    cb_autofree char *size = NULL;
    char short_id[13], text[CB_DIGEST_MAX_TEXT];
    int is_whole = strchr(text_of(row, "ID"), ':') != NULL;

    if (cb_image_get(store, &entry->id, &image, NULL) == 0)
        size = cb_size_human((uint64_t)image->size_bytes);
    cb_short_id(&entry->id, short_id);
    return json_pack("{s:s,s:s,s:s}", "Platform", platform, "ID",
                     is_whole ? cb_digest_text(&entry->id, text) : short_id, "Size",
                     size ? size : "N/A");
}

static int add_platforms(struct cb_store *store, const char *name, const json_t *row,
                         json_t *out, struct cb_error **err)
{
    cb_auto_value(cb_platform_images) platforms = {0};

    if (strcmp(text_of(row, "Tag"), "<none>") == 0)
        return 0;
    if (cb_image_find_platforms(store, name, &platforms, err) < 0)
        return -1;
    cb_vec_foreach (entry, &platforms)
        json_array_append_new(out, platform_json(store, entry, row));
    return 0;
}

/* As a table has it: children are rows of their own. */
static void flatten(json_t *out, json_t *tree)
{
    json_t *platforms = json_object_get(tree, "Platforms");
    size_t count = json_array_size(platforms);

    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(platforms, i);
        cb_autofree char *label =
            xasprintf("%s %s", i + 1 < count ? "├─" : "└─", text_of(one, "Platform"));

        json_array_append_new(out, json_pack("{s:s,s:s,s:s,s:s}", "Image", label, "ID",
                                             text_of(one, "ID"), "Size",
                                             text_of(one, "Size"), "CreatedSince", ""));
    }
}

int cb_images_tree_print(struct cb_store *store, const json_t *rows, const char *format,
                         struct cb_error **err)
{
    int is_json = format && strcmp(format, "json") == 0;
    cb_auto_json *out = json_array();

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        cb_autofree char *name = name_of(row);
        json_t *platforms = json_array();
        json_t *tree =
            json_pack("{s:s,s:s,s:s,s:s,s:o}", "Image",
                      strcmp(name, "<none>:<none>") ? name : "<none>", "ID",
                      text_of(row, "ID"), "Size", text_of(row, "Size"), "CreatedSince",
                      text_of(row, "CreatedSince"), "Platforms", platforms);

        json_array_append_new(out, tree);
        if (add_platforms(store, name, row, platforms, err) < 0)
            return -1;
        if (!is_json)
            flatten(out, tree);
    }
    return cb_listing_print(&listing, format, out, err);
}
