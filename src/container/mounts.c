/* -v, --mount, --volumes-from and the image's VOLUMEs → what is mounted. Those of other
 * containers win over those of the image, and what was asked for over both; two that were
 * asked for at one place are an error. */
#include "container/mounts.h"

#include "base/fs.h"
#include "base/text.h"
#include "container/mount-spec.h"
#include "container/pin.h"
#include "container/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct maker {
    struct cb_store *store;
    struct cb_container *container;
    const struct cb_mount_images *images;
    const struct cb_mount_making *making; /* NULL: there are no volumes */
};

void cb_mount_images_clear(struct cb_mount_images *images)
{
    cb_vec_foreach (image, images) {
        free(image->name);
        cb_snapshot_unref(image->files);
    }
    cb_vec_free(images);
}

static struct cb_container_mount *find(struct cb_container *container, const char *target)
{
    cb_vec_foreach (mount, &container->mounts) {
        if (strcmp(mount->target, target) == 0)
            return mount;
    }
    return NULL;
}

static int refuse_duplicate(const char *target, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_USAGE, "Duplicate mount point: %s", target);
}

/* ── Filling a volume ── */

/* Docker's copy-up: what the image has there. Nothing runs that could change ROOT
 * meanwhile, and links in it stay inside. */
static int copy_up(struct maker *maker, const char *target,
                   const struct cb_volume *volume, struct cb_error **err)
{
    cb_autofd int from = -1;

    if (cb_fs_open_in_root(maker->making->root, target, O_RDONLY | O_DIRECTORY, 0, &from,
                           NULL) < 0)
        return 0;
    return cb_volume_fill(maker->store, volume, from, maker->making->cancel, err);
}

/* ── One mount ── */

static int add_volume(struct maker *maker, const struct cb_mount_spec *spec,
                      struct cb_container_mount *mount, struct cb_error **err)
{
    const struct cb_volume_wish wish = {
        .name = spec->source && *spec->source ? spec->source : NULL,
        .driver = spec->driver,
        .labels = &spec->labels,
        .options = &spec->options};
    cb_auto(cb_volume) volume = NULL;

    if (cb_volume_create(maker->store, &wish, maker->making->holds, &volume, err) < 0)
        return -1;
    mount->name = xstrdup(volume->name);
    mount->was_named = wish.name != NULL;
    mount->source = xstrdup(volume->mountpoint);
    return spec->no_copy || volume->options.count
               ? 0
               : copy_up(maker, spec->target, volume, err);
}

static int add_bind(const struct cb_mount_spec *spec, struct cb_container_mount *mount,
                    struct cb_error **err)
{
    struct stat st;

    if (spec->makes_source && stat(spec->source, &st) < 0 && errno == ENOENT &&
        cb_fs_mkdirs(spec->source, 0755, err) < 0)
        return cb_error_wrap(err, "error while creating mount source path '%s'",
                             spec->source);
    mount->source = xstrdup(spec->source);
    mount->propagation = xstrdup(spec->propagation ? spec->propagation : "rprivate");
    return 0;
}

static int add_image(struct maker *maker, const struct cb_mount_spec *spec,
                     struct cb_container_mount *mount, struct cb_error **err)
{
    mount->source = xstrdup(spec->source);
    mount->read_only = 1;
    for (size_t i = 0; maker->images && i < maker->images->count; i++) {
        struct cb_snapshot *files = maker->images->items[i].files;

        if (strcmp(maker->images->items[i].name, spec->source) != 0)
            continue;
        if (!files)
            return cb_error_set(err, CB_ERR_UNSUPPORTED, "image `%s` has no files",
                                spec->source);
        mount->snapshot = xstrdup(cb_snapshot_id(files));
        return 0;
    }
    return cb_error_set(err, CB_ERR_NOT_FOUND, "No such image: %s", spec->source);
}

static int add(struct maker *maker, const struct cb_mount_spec *spec,
               struct cb_error **err)
{
    cb_auto_value(cb_container_mount) mount = {.read_only = spec->read_only,
                                               .not_recursive = spec->not_recursive,
                                               .makes_owner = spec->makes_owner};
    int status = 0;

    if (find(maker->container, spec->target))
        return refuse_duplicate(spec->target, err);
    mount.type = xstrdup(cb_mount_kind_name(spec->kind));
    mount.target = xstrdup(spec->target);
    mount.mode = xstrdup(spec->mode ? spec->mode : "");
    mount.subpath = xstrdup(spec->subpath);
    mount.options = xstrdup(spec->tmpfs_options);
    if (spec->kind == CB_MOUNT_KIND_VOLUME)
        status = add_volume(maker, spec, &mount, err);
    else if (spec->kind == CB_MOUNT_KIND_BIND)
        status = add_bind(spec, &mount, err);
    else if (spec->kind == CB_MOUNT_KIND_IMAGE)
        status = add_image(maker, spec, &mount, err);
    else
        mount.source = xstrdup("");
    if (status < 0 && !mount.name)
        return -1;
    /* a volume that could not be filled goes with the container */
    cb_vec_push(&maker->container->mounts, mount);
    mount = (struct cb_container_mount){0};
    return status;
}

/* ── What was asked for ── */

typedef int parse_function(struct cb_mount_spec *out, const char *text,
                           struct cb_error **err);

static int add_each(struct maker *maker, const struct cb_strings *texts,
                    parse_function *parse, struct cb_error **err)
{
    cb_vec_foreach (text, texts) {
        cb_auto_value(cb_mount_spec) spec = {0};

        if (parse(&spec, *text, err) < 0 || add(maker, &spec, err) < 0)
            return -1;
    }
    return 0;
}

int cb_container_list_binds(struct cb_store *store, struct cb_container *container,
                            struct cb_error **err)
{
    struct maker maker = {.store = store, .container = container};

    return add_each(&maker, &container->options.request.volumes,
                    cb_mount_spec_parse_volume, err);
}

/* Several mounts at one place, also with --tmpfs. */
static int check_each(const struct cb_strings *texts, parse_function *parse,
                      struct cb_strings *targets, struct cb_error **err)
{
    cb_vec_foreach (text, texts) {
        cb_auto_value(cb_mount_spec) spec = {0};

        if (parse(&spec, *text, err) < 0)
            return -1;
        if (cb_strings_contain(targets, spec.target))
            return refuse_duplicate(spec.target, err);
        cb_strings_add(targets, spec.target);
    }
    return 0;
}

int cb_container_list_images(const struct cb_container_options *options,
                             struct cb_strings *out, struct cb_error **err)
{
    cb_vec_foreach (text, &options->mounts) {
        cb_auto_value(cb_mount_spec) spec = {0};

        if (cb_mount_spec_parse_mount(&spec, *text, err) < 0)
            return -1;
        if (spec.kind == CB_MOUNT_KIND_IMAGE && !cb_strings_contain(out, spec.source))
            cb_strings_add(out, spec.source);
    }
    return 0;
}

static int check_from(const char *text, struct cb_error **err)
{
    const char *mode = text + strcspn(text, ":");

    if (mode == text)
        return cb_error_set(err, CB_ERR_USAGE,
                            "volumes-from specification cannot be an empty string");
    if (!*mode || strcmp(mode, ":ro") == 0 || strcmp(mode, ":rw") == 0 ||
        strcmp(mode, ":z") == 0 || strcmp(mode, ":Z") == 0)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE, "invalid mode: %s", mode + 1);
}

int cb_container_check_mounts(const struct cb_container_options *options,
                              struct cb_error **err)
{
    cb_auto_value(cb_strings) targets = {0};

    cb_vec_foreach (text, &options->request.tmpfs) {
        cb_autofree char *target = xstrndup(*text, strcspn(*text, ":"));
        cb_autofree char *clean = cb_path_clean(target);

        cb_strings_add(&targets, clean);
    }
    cb_vec_foreach (text, &options->volumes_from) {
        if (check_from(*text, err) < 0)
            return -1;
    }
    if (check_each(&options->request.volumes, cb_mount_spec_parse_volume, &targets, err) <
        0)
        return -1;
    return check_each(&options->mounts, cb_mount_spec_parse_mount, &targets, err);
}

/* ── --volumes-from CONTAINER[:ro|rw] ── */

static void copy_mount(struct cb_container *container,
                       const struct cb_container_mount *from, int read_only)
{
    struct cb_container_mount mount = {.type = xstrdup(from->type),
                                       .name = xstrdup(from->name),
                                       .source = xstrdup(from->source),
                                       .target = xstrdup(from->target),
                                       .mode = xstrdup(from->mode),
                                       .propagation = xstrdup(from->propagation),
                                       .subpath = xstrdup(from->subpath),
                                       .snapshot = xstrdup(from->snapshot),
                                       .options = xstrdup(from->options),
                                       .read_only = from->read_only || read_only,
                                       .was_named = from->was_named,
                                       .not_recursive = from->not_recursive};

    cb_vec_push(&container->mounts, mount);
}

static int lost_image(const struct cb_container_mount *mount, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_NOT_FOUND,
                        "the image `%s`, mounted on `%s`, is no longer in the store",
                        mount->source, mount->target);
}

/* The other container may go before this one pins what it takes over. */
static int hold_image(struct maker *maker, const struct cb_container *other,
                      const struct cb_container_mount *mount, struct cb_error **err)
{
    struct cb_snapshot *files;
    int found = cb_snapshot_get(maker->store, mount->snapshot, &files, err);

    if (found > 0)
        cb_vec_push(maker->making->snapshots, files);
    else if (found == 0)
        lost_image(mount, err);
    return found > 0 ? 0 : cb_container_went(other, err);
}

static int add_volumes_from(struct maker *maker, const char *text, struct cb_error **err)
{
    cb_autofree char *name = xstrndup(text, strcspn(text, ":"));
    cb_auto(cb_container) other = NULL;

    if (check_from(text, err) < 0 ||
        cb_container_find(maker->store, name, &other, err) < 0)
        return -1;
    cb_vec_foreach (mount, &other->mounts) {
        if (find(maker->container, mount->target))
            continue;
        if (mount->name &&
            cb_volume_hold(maker->store, mount->name, maker->making->holds, err) < 0)
            return -1;
        if (mount->snapshot && hold_image(maker, other, mount, err) < 0)
            return -1;
        copy_mount(maker->container, mount, cb_ends_with(text, ":ro"));
    }
    return 0;
}

/* ── The image's VOLUMEs ── */

static int add_image_volume(struct maker *maker, const char *path, struct cb_error **err)
{
    cb_autofree char *absolute = cb_path_join("/", path);
    const struct cb_run_request *request = &maker->container->options.request;
    struct cb_mount_spec spec = {.kind = CB_MOUNT_KIND_VOLUME, .target = absolute};

    if (find(maker->container, absolute) || strcmp(absolute, "/") == 0)
        return 0;
    cb_vec_foreach (text, &request->tmpfs) {
        cb_autofree char *target = xstrndup(*text, strcspn(*text, ":"));
        cb_autofree char *clean = cb_path_clean(target);

        if (strcmp(clean, absolute) == 0)
            return 0;
    }
    return add(maker, &spec, err);
}

/* A directory comes before what is mounted below it. */
static int by_depth(const void *a, const void *b)
{
    const struct cb_container_mount *x = a, *y = b;
    size_t depth_x = 0, depth_y = 0;

    for (const char *c = x->target; *c; c++)
        depth_x += *c == '/';
    for (const char *c = y->target; *c; c++)
        depth_y += *c == '/';
    if (depth_x != depth_y)
        return depth_x < depth_y ? -1 : 1;
    return strcmp(x->target, y->target);
}

int cb_container_pin_images(struct cb_store *store, const struct cb_container *container,
                            struct cb_error **err)
{
    cb_vec_foreach (mount, &container->mounts) {
        cb_auto(cb_snapshot) files = NULL;
        int found =
            mount->snapshot ? cb_snapshot_get(store, mount->snapshot, &files, err) : 0;

        if (mount->snapshot && !found)
            return lost_image(mount, err);
        if (found < 0 || (found && cb_container_pin(container, files, err) < 0))
            return -1;
    }
    return 0;
}

int cb_container_make_mounts(const struct cb_mount_making *making, struct cb_error **err)
{
    struct cb_container *container = making->container;
    const struct cb_container_options *options = &container->options;
    struct maker maker = {.store = making->store,
                          .container = container,
                          .images = options->images,
                          .making = making};

    if (add_each(&maker, &options->request.volumes, cb_mount_spec_parse_volume, err) <
            0 ||
        add_each(&maker, &options->mounts, cb_mount_spec_parse_mount, err) < 0)
        return -1;
    cb_vec_foreach (text, &options->volumes_from) {
        if (add_volumes_from(&maker, *text, err) < 0)
            return -1;
    }
    cb_vec_foreach (path, &container->config->volumes) {
        if (add_image_volume(&maker, *path, err) < 0)
            return -1;
    }
    if (container->mounts.count)
        qsort(container->mounts.items, container->mounts.count,
              sizeof(*container->mounts.items), by_depth);
    return 0;
}
