/* cbuild image tree: what the layers of an image hold, and what of it later ones take
 * away again. */
#include "commands/image-files.h"

#include "base/json.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "store/layer-waste.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct values {
    const char *format, *platform;
    int no_trunc;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT", "text (default) or json"},
    {"no-trunc", 0, CB_OPTION_FLAG, AT(no_trunc), NULL, "Do not shorten ids and steps"},
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH",
     "Which of a name's images to show"},
    {0},
};

struct tree {
    const struct cb_image *image;
    struct cb_layer_waste waste;
    int64_t bytes, wasted_bytes;
    uint64_t files;
};

static int measure(struct tree *tree, struct cb_store *store, struct cb_cancel *cancel,
                   struct cb_error **err)
{
    const struct cb_image_config *config = tree->image->config;

    if (cb_layer_waste_find(store, config->diff_ids.items, config->diff_ids.count, cancel,
                            &tree->waste, err) < 0)
        return -1;
    cb_vec_foreach (layer, &tree->waste.layers) {
        tree->bytes += layer->bytes;
        tree->files += layer->files;
        tree->wasted_bytes += layer->wasted_bytes;
    }
    return 0;
}

/* The step that made layer INDEX, or "". */
static const char *made_by(const struct cb_image_config *config, size_t index)
{
    cb_vec_foreach (entry, &config->history) {
        if (!entry->empty_layer && index-- == 0)
            return entry->created_by && *entry->created_by ? entry->created_by
                   : entry->comment                        ? entry->comment
                                                           : "";
    }
    return "";
}

/* ── Text ── */

#define SHORT_STEP 60

static char *shown_step(const char *step, int no_trunc)
{
    cb_auto_value(cb_strbuf) out = {0};
    size_t len = strlen(step) - (cb_ends_with(step, " # buildkit") ? 11 : 0);
    int cut = !no_trunc && len > SHORT_STEP;

    if (cut) {
        len = SHORT_STEP;
        while (len && ((unsigned char)step[len] & 0xc0) == 0x80)
            len--;
    }
    cb_strbuf_add_escaped(&out, step, len, 0);
    cb_strbuf_adds(&out, cut ? "..." : "");
    return cb_strbuf_steal(&out);
}

static void print_layer(const struct tree *tree, size_t i, const struct values *values)
{
    const struct cb_image_config *config = tree->image->config;
    const struct cb_layer_content *layer = &tree->waste.layers.items[i];
    int last = i + 1 == tree->waste.layers.count;
    cb_autofree char *size = cb_size_human((uint64_t)layer->bytes);
    cb_autofree char *wasted = cb_size_human((uint64_t)layer->wasted_bytes);
    cb_autofree char *step = shown_step(made_by(config, i), values->no_trunc);
    char short_id[13], text[CB_DIGEST_MAX_TEXT];

    cb_short_id(&config->diff_ids.items[i], short_id);
    printf("%s %2zu  %s  ", last ? "└─" : "├─", i + 1,
           values->no_trunc ? cb_digest_text(&config->diff_ids.items[i], text)
                            : short_id);
    if (layer->is_known)
        printf("%8s  %7" PRIu64 "  %8s  %s\n", size, layer->files,
               layer->wasted_bytes ? wasted : "-", step);
    else
        printf("%8s  %7s  %8s  %s\n", "?", "?", "?", step);
}

static void print_head(const struct tree *tree)
{
    const struct cb_image *image = tree->image;
    cb_autofree char *size = cb_size_human((uint64_t)tree->bytes);
    cb_autofree char *wasted = cb_size_human((uint64_t)tree->wasted_bytes);
    char short_id[13];

    cb_short_id(&image->id, short_id);
    for (size_t i = 0; i < image->names.count; i++) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *name = NULL;

        if (cb_reference_parse(&reference, image->names.items[i], NULL) < 0)
            continue;
        name = cb_reference_familiar(reference);
        printf("%s%s", i ? ", " : "", name);
    }
    printf("%s%s: %s in %zu layer%s, %" PRIu64 " files", image->names.count ? "  " : "",
           short_id, size, tree->waste.layers.count,
           tree->waste.layers.count == 1 ? "" : "s", tree->files);
    if (tree->wasted_bytes)
        printf("; %s (%" PRId64 "%%) of no use", wasted,
               tree->bytes ? tree->wasted_bytes * 100 / tree->bytes : 0);
    printf("\n");
}

static void print_wasted(const struct tree *tree)
{
    if (!tree->waste.wasted.count)
        return;
    printf("\nWritten, and then written again or deleted by a later layer:\n");
    cb_vec_foreach (file, &tree->waste.wasted) {
        cb_autofree char *size = cb_size_human((uint64_t)file->bytes);
        cb_auto_value(cb_strbuf) path = {0};

        cb_strbuf_add_escaped(&path, file->path, strlen(file->path), 0);
        printf("%8s  /%s  (layer %zu, %s by %zu)\n", size, cb_strbuf_text(&path),
               file->layer + 1, file->deleted ? "deleted" : "rewritten", file->by + 1);
    }
}

static void print_text(const struct tree *tree, const struct values *values)
{
    int id_width = values->no_trunc ? 71 : 12;

    print_head(tree);
    if (tree->waste.layers.count)
        printf("      %-*s  %8s  %7s  %8s  %s\n", id_width, "LAYER", "SIZE", "FILES",
               "WASTED", "CREATED BY");
    for (size_t i = 0; i < tree->waste.layers.count; i++)
        print_layer(tree, i, values);
    print_wasted(tree);
}

/* ── JSON ── */

static json_t *layer_json(const struct tree *tree, size_t i)
{
    const struct cb_layer_content *layer = &tree->waste.layers.items[i];
    char text[CB_DIGEST_MAX_TEXT];

    cb_digest_text(&tree->image->config->diff_ids.items[i], text);
    if (!layer->is_known)
        return json_pack("{s:I,s:s,s:n,s:n,s:n,s:n,s:n,s:o}", "layer", (json_int_t)i + 1,
                         "diff_id", text, "size_bytes", "files", "wasted_bytes",
                         "wasted_files", "deletes", "created_by",
                         cb_json_from_text(made_by(tree->image->config, i)));
    return json_pack(
        "{s:I,s:s,s:I,s:I,s:I,s:I,s:I,s:o}", "layer", (json_int_t)i + 1, "diff_id", text,
        "size_bytes", (json_int_t)layer->bytes, "files", (json_int_t)layer->files,
        "wasted_bytes", (json_int_t)layer->wasted_bytes, "wasted_files",
        (json_int_t)layer->wasted_files, "deletes", (json_int_t)layer->hidden,
        "created_by", cb_json_from_text(made_by(tree->image->config, i)));
}

static json_t *wasted_json(const struct cb_wasted_file *file)
{
    cb_autofree char *path = xasprintf("/%s", file->path);

    return json_pack("{s:o,s:I,s:I,s:I,s:b}", "path", cb_json_from_text(path),
                     "size_bytes", (json_int_t)file->bytes, "layer",
                     (json_int_t)file->layer + 1, "by", (json_int_t)file->by + 1,
                     "deleted", file->deleted);
}

static void print_json(const struct tree *tree)
{
    json_t *names = json_array(), *layers = json_array(), *wasted = json_array();
    cb_auto_json *object = NULL;
    char id[CB_DIGEST_MAX_TEXT];

    for (size_t i = 0; i < tree->image->names.count; i++)
        json_array_append_new(names, cb_json_from_text(tree->image->names.items[i]));
    for (size_t i = 0; i < tree->waste.layers.count; i++)
        json_array_append_new(layers, layer_json(tree, i));
    cb_vec_foreach (file, &tree->waste.wasted)
        json_array_append_new(wasted, wasted_json(file));
    object = json_pack("{s:s,s:o,s:I,s:I,s:I,s:o,s:o}", "id",
                       cb_digest_text(&tree->image->id, id), "names", names, "size_bytes",
                       (json_int_t)tree->bytes, "files", (json_int_t)tree->files,
                       "wasted_bytes", (json_int_t)tree->wasted_bytes, "layers", layers,
                       "wasted", wasted);
    cb_print_json(object);
}

/* ── The command ── */

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    const struct values *values = given;
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_image) image = NULL;
    struct tree tree = {0};
    struct cb_platform buffer;
    const struct cb_platform *platform;
    int json = cb_wants_json(values->format, "text", err);
    int status;

    if (json < 0 || cb_app_platform(values->platform, &buffer, &platform, err) < 0 ||
        cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0 ||
        cb_image_get_for(store, args->items[0], platform, &image, NULL, err) < 0)
        return -1;
    tree.image = image;
    status = measure(&tree, store, app->cancel, err);
    if (status == 0 && json)
        print_json(&tree);
    else if (status == 0)
        print_text(&tree, values);
    cb_layer_waste_clear(&tree.waste);
    return status;
}

const struct cb_cli_command cb_image_tree_command = {
    .name = "image tree",
    .summary = "Show an image's layers, and what of them is of no use",
    .usage = "image tree [OPTIONS] IMAGE",
    .about =
        "WASTED is what later layers write again or delete: it is in the image, is\n"
        "pushed and pulled, and no container ever sees it. The largest files of that\n"
        "kind are listed.",
    .options = options,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 1,
    .act = run,
};
