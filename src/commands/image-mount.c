/* cbuild image mount, unmount: an image's files as a directory, to look at without a
 * container. <store>/mounts/ID is the place; a pin keeps the layers there even if the
 * image is removed meanwhile. What is mounted is asked of the kernel, so that nothing is
 * wrong after a reboot: a place without a mount is of one that ended with its namespace.
 */
#include "commands/image-files.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/lockfile.h"
#include "store/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACES "mounts"

struct values {
    const char *format, *platform;
    int all, force;
};

#define AT(field) offsetof(struct values, field)

/* ── Places ── */

/* Caller frees. */
static char *place_of(struct cb_store *store, const char *hex)
{
    return xasprintf("%s/" PLACES "/%s", cb_store_root(store), hex);
}

static char *pin_of(const char *hex)
{
    return xasprintf("image-mount:%s", hex);
}

static int list_places(struct cb_store *store, struct cb_strings *out,
                       struct cb_error **err)
{
    cb_autofd int dir = openat(cb_store_root_fd(store), PLACES,
                               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (dir < 0)
        return errno == ENOENT ? 0 : cb_error_errno(err, errno, "open `" PLACES "`");
    return cb_fs_list(dir, out, err);
}

static int make_place(struct cb_store *store, const char *hex, struct cb_error **err)
{
    cb_autofree char *name = xasprintf(PLACES "/%s", hex);
    int root = cb_store_root_fd(store);

    if ((mkdirat(root, PLACES, 0700) < 0 && errno != EEXIST) ||
        (mkdirat(root, name, 0700) < 0 && errno != EEXIST))
        return cb_error_errno(err, errno, "mkdir `%s`", name);
    return 0;
}

/* A mount in a namespace that ends with this process is of no use to anybody. */
static int check_seen(const struct cb_app *app, struct cb_error **err)
{
    if (app->userns.kind == CB_USERNS_NONE)
        return 0;
    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "without root a mount is seen only by what runs in its namespace");
    return cb_error_hint(err,
                         "`cbuild unshare` starts a shell in one: image mount there");
}

/* Of two commands one sees what the other has done: mounts are not stacked, and no pin
 * goes that a new mount needs. */
static int lock_places(const struct cb_app *app, struct cb_store *store,
                       struct cb_lock **out, struct cb_error **err)
{
    return cb_lock_take(out, cb_store_root_fd(store), PLACES ".lock", CB_LOCK_EXCLUSIVE,
                        &(struct cb_lock_wait){.cancel = app->cancel}, err);
}

/* ── Mounting ── */

/* Where nothing is mounted after all, no layers are kept for it. */
static int attach(struct cb_store *store, struct cb_snapshot *files, const char *hex,
                  const char *place, struct cb_error **err)
{
    cb_autofree char *pin = pin_of(hex);

    if (make_place(store, hex, err) < 0)
        return -1;
    if (cb_snapshot_pin(files, pin, err) == 0 &&
        cb_snapshot_attach(files, place, err) == 0)
        return 0;
    cb_snapshot_unpin(store, pin, NULL);
    rmdir(place);
    return -1;
}

static int mount_one(struct cb_app *app, struct cb_store *store, const char *name,
                     const struct cb_platform *platform, char **out,
                     struct cb_error **err)
{
    cb_auto_value(cb_image_files) files = {0};
    cb_auto(cb_lock) lock = NULL;
    cb_autofree char *place = NULL;
    char hex[CB_DIGEST_MAX_TEXT];

    if (cb_app_image_files(app, store, name, platform, &files, err) < 0 ||
        lock_places(app, store, &lock, err) < 0)
        return -1;
    cb_digest_hex(&files.image->id, hex);
    place = place_of(store, hex);
    if (!cb_path_is_mounted(place) && attach(store, files.top, hex, place, err) < 0)
        return -1;
    *out = cb_steal(&place);
    return 0;
}

/* A single path is what scripts want; of several each is told of which it is. */
static int mount_all(struct cb_app *app, struct cb_store *store,
                     const struct values *values, const struct cb_strings *names,
                     struct cb_error **err)
{
    struct cb_platform buffer;
    const struct cb_platform *platform;

    if (check_seen(app, err) < 0 ||
        cb_app_platform(values->platform, &buffer, &platform, err) < 0)
        return -1;
    cb_vec_foreach (name, names) {
        cb_autofree char *place = NULL;

        if (mount_one(app, store, *name, platform, &place, err) < 0)
            return -1;
        if (names->count > 1)
            printf("%s ", *name);
        printf("%s\n", place);
    }
    return 0;
}

/* ── What is mounted ── */

static json_t *names_of(struct cb_store *store, const char *hex)
{
    cb_auto(cb_image) image = NULL;
    cb_autofree char *id = xasprintf("sha256:%s", hex);
    json_t *names = json_array();

    if (cb_image_find(store, id, &image, NULL, NULL) <= 0)
        return names;
    for (size_t i = 0; i < image->names.count; i++)
        json_array_append_new(names, json_string(image->names.items[i]));
    return names;
}

static int list_mounted(struct cb_store *store, json_t *rows, struct cb_error **err)
{
    cb_auto_value(cb_strings) places = {0};

    if (list_places(store, &places, err) < 0)
        return -1;
    cb_vec_foreach (hex, &places) {
        cb_autofree char *place = place_of(store, *hex);

        if (cb_path_is_mounted(place))
            json_array_append_new(rows,
                                  json_pack("{s:s,s:o,s:s}", "id", *hex, "repositories",
                                            names_of(store, *hex), "mountpoint", place));
    }
    return 0;
}

static int print_mounted(struct cb_store *store, const char *format,
                         struct cb_error **err)
{
    cb_auto_json *rows = json_array();

    if (list_mounted(store, rows, err) < 0)
        return -1;
    if (format) {
        cb_print_json(rows);
        return 0;
    }
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const json_t *names = json_object_get(row, "repositories");
        const char *place = json_string_value(json_object_get(row, "mountpoint"));

        if (!json_array_size(names))
            printf("<none> %s\n", place);
        for (size_t n = 0; n < json_array_size(names); n++)
            printf("%s %s\n", json_string_value(json_array_get(names, n)), place);
    }
    return 0;
}

static int run_mount(struct cb_app *app, void *given, const struct cb_strings *args,
                     struct cb_error **err)
{
    const struct values *values = given;
    cb_auto(cb_store) store = NULL;

    if (values->format && strcmp(values->format, "json") != 0)
        return cb_error_argument(err, values->format, "--format", "expected json");
    if (cb_app_store(app, CB_STORE_CREATE, &store, err) < 0)
        return -1;
    return args->count ? mount_all(app, store, values, args, err)
                       : print_mounted(store, values->format, err);
}

/* ── Unmounting ── */

/* Which places TEXT means: an image's, or one that begins with these digits. */
static int find_place(struct cb_store *store, const char *text, char hex[],
                      struct cb_error **err)
{
    cb_auto_value(cb_strings) places = {0};
    cb_auto(cb_image) image = NULL;
    int found = cb_image_find(store, text, &image, NULL, err);

    if (found < 0 || list_places(store, &places, err) < 0)
        return -1;
    if (found)
        cb_digest_hex(&image->id, hex);
    cb_vec_foreach (place, &places) {
        if (found ? strcmp(*place, hex) == 0
                  : strlen(text) >= 4 && strncmp(*place, text, strlen(text)) == 0) {
            snprintf(hex, CB_DIGEST_MAX_TEXT, "%s", *place);
            return 0;
        }
    }
    return cb_error_set(err, CB_ERR_NOT_FOUND, "image `%s` is not mounted", text);
}

static int unmount_one(struct cb_store *store, const char *hex, int force,
                       struct cb_error **err)
{
    cb_autofree char *place = place_of(store, hex);
    cb_autofree char *pin = pin_of(hex);

    if (cb_path_is_mounted(place) && cb_snapshot_unattach(place, force, err) < 0)
        return cb_error_errnum(*err) == EBUSY
                   ? cb_error_hint(err,
                                   "something uses it: -f unmounts it when that ends")
                   : -1;
    if (rmdir(place) < 0 && errno != ENOENT)
        return cb_error_errno(err, errno, "remove `%s`", place);
    if (cb_snapshot_unpin(store, pin, err) < 0)
        return -1;
    printf("%s\n", hex);
    return 0;
}

static int run_unmount(struct cb_app *app, void *given, const struct cb_strings *args,
                       struct cb_error **err)
{
    const struct values *values = given;
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_lock) lock = NULL;
    cb_auto_value(cb_strings) places = {0};

    if ((args->count > 0) == values->all)
        return cb_error_set(err, CB_ERR_USAGE,
                            values->all ? "--all and names exclude each other"
                                        : "no image is named, and no --all");
    if (check_seen(app, err) < 0 || cb_app_store(app, CB_STORE_CREATE, &store, err) < 0 ||
        lock_places(app, store, &lock, err) < 0 ||
        (values->all && list_places(store, &places, err) < 0))
        return -1;
    cb_vec_foreach (name, args) {
        char hex[CB_DIGEST_MAX_TEXT];

        if (find_place(store, *name, hex, err) < 0)
            return -1;
        cb_strings_add(&places, hex);
    }
    cb_vec_foreach (hex, &places) {
        if (unmount_one(store, *hex, values->force, err) < 0)
            return -1;
    }
    return 0;
}

/* ── Commands ── */

static const struct cb_option mount_options[] = {
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT", "json, of what is mounted"},
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH",
     "Which of a name's images to mount"},
    {0},
};

const struct cb_cli_command cb_image_mount_command = {
    .name = "image mount",
    .summary = "Mount images' files, or list what is mounted",
    .usage = "image mount [OPTIONS] [IMAGE...]",
    .about =
        "Prints the directory, which is read-only. Without an image those are listed\n"
        "that are mounted. Without root, only within `cbuild unshare`.",
    .options = mount_options,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .act = run_mount,
};

static const struct cb_option unmount_options[] = {
    {"all", 'a', CB_OPTION_FLAG, AT(all), NULL, "All that are mounted"},
    {"force", 'f', CB_OPTION_FLAG, AT(force), NULL, "Also what is in use"},
    {0},
};

const struct cb_cli_command cb_image_unmount_command = {
    .name = "image unmount",
    .summary = "Unmount images' files",
    .usage = "image unmount [OPTIONS] IMAGE...",
    .options = unmount_options,
    .values_size = sizeof(struct values),
    .max_args = -1,
    .act = run_unmount,
};
