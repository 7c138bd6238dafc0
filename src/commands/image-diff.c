/* cbuild image diff: which files an image has otherwise than the one below its last
 * layer, or than another image. */
#include "commands/image-files.h"

#include "base/json.h"
#include "commands/containers.h"
#include "container/diff-roots.h"

#include <stdio.h>
#include <string.h>

struct values {
    const char *format, *platform;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT", "text (default) or json"},
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH",
     "Which of a name's images to show"},
    {0},
};

/* ── Comparing ── */

/* The last layer is what it was when it was made: nothing else has to be read. */
static int diff_layer(struct cb_snapshot *files, struct cb_changes *out,
                      struct cb_error **err)
{
    cb_autofd int upper = -1;
    cb_autofd int below = -1;
    struct cb_diff_trees trees = {0};

    if (cb_snapshot_open_upper(files, &upper, err) < 0 ||
        (cb_snapshot_parent(files) &&
         cb_snapshot_open_root(cb_snapshot_parent(files), &below, err) < 0))
        return -1;
    trees.upper_fd = upper;
    trees.below_fd = below;
    return cb_diff_trees(&trees, out, err);
}

static int diff_images(struct cb_app *app, struct cb_snapshot *files,
                       struct cb_snapshot *other, struct cb_changes *out,
                       struct cb_error **err)
{
    cb_autofd int root = -1;
    cb_autofd int other_root = -1;

    if (cb_snapshot_open_root(files, &root, err) < 0 ||
        cb_snapshot_open_root(other, &other_root, err) < 0)
        return -1;
    return cb_diff_roots(root, other_root, app->cancel, out, err);
}

/* ── Printing ── */

/* podman's object: a member for each kind there is. */
static void print_json(const struct cb_changes *changes)
{
    static const struct {
        char kind;
        const char *name;
    } kinds[] = {{'C', "changed"}, {'A', "added"}, {'D', "deleted"}};
    cb_auto_json *object = json_object();

    for (size_t i = 0; i < CB_ARRAY_SIZE(kinds); i++) {
        json_t *paths = json_array();

        cb_vec_foreach (change, changes) {
            if (change->kind == kinds[i].kind)
                json_array_append_new(paths, cb_json_from_text(change->path));
        }
        if (json_array_size(paths))
            json_object_set(object, kinds[i].name, paths);
        json_decref(paths);
    }
    cb_print_json(object);
}

/* ── The command ── */

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    const struct values *values = given;
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_image_files) image = {0};
    cb_auto_value(cb_image_files) other = {0};
    cb_auto_value(cb_changes) changes = {0};
    struct cb_platform buffer;
    const struct cb_platform *platform;
    int json = cb_wants_json(values->format, "text", err);

    if (json < 0 || cb_app_platform(values->platform, &buffer, &platform, err) < 0 ||
        cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0 ||
        cb_app_image_files(app, store, args->items[0], platform, &image, err) < 0 ||
        (args->count > 1 &&
         cb_app_image_files(app, store, args->items[1], platform, &other, err) < 0) ||
        (other.top ? diff_images(app, image.top, other.top, &changes, err)
                   : diff_layer(image.top, &changes, err)) < 0)
        return -1;
    if (json)
        print_json(&changes);
    else
        cb_changes_print(&changes);
    return 0;
}

const struct cb_cli_command cb_image_diff_command = {
    .name = "image diff",
    .summary = "Show which files differ between images",
    .usage = "image diff [OPTIONS] IMAGE [OTHER]",
    .about =
        "What IMAGE has added (A), changed (C) and deleted (D): since the layer below\n"
        "its last one, or beside OTHER. Beside OTHER files differ by type, mode,\n"
        "owner and content, not by times.",
    .options = options,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 2,
    .act = run,
};
