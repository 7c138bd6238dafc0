/* -v, --mount, --volumes-from and the image's VOLUMEs → what is mounted. Later ones win
 * over those of the image; two that were asked for at one place are an error. */
#include "container/create.h"

#include "base/fs.h"
#include "base/text.h"
#include "container/volume.h"
#include "store/copy-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct maker {
    struct cb_store *store;
    struct cb_container *container;
    int root;
};

struct wish {
    const char *type, *source; /* "volume" or "bind"; SOURCE NULL or "": anonymous */
    const char *target;
    int read_only, no_copy;
};

static struct cb_container_mount *find(struct cb_container *container, const char *target)
{
    cb_vec_foreach (mount, &container->mounts) {
        if (strcmp(mount->target, target) == 0)
            return mount;
    }
    return NULL;
}

/* ── Filling a volume ── */

static int is_empty(int dir)
{
    cb_auto_value(cb_strings) names = {0};

    return cb_fs_list(dir, &names, NULL) == 0 && !names.count;
}

/* Docker's copy-up: what the image has there, with its owner and mode. */
static int copy_up(int root, const char *target, const char *mountpoint,
                   struct cb_error **err)
{
    cb_autofd int from = -1;
    cb_autofd int to = open(mountpoint, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    if (to < 0)
        return cb_error_errno(err, errno, "open `%s`", mountpoint);
    if (!is_empty(to) ||
        cb_fs_open_in_root(root, target, O_RDONLY | O_DIRECTORY, 0, &from, NULL) < 0)
        return 0;
    if (cb_copy_tree(from, to, NULL, err) < 0)
        return cb_error_wrap(err, "fill the volume at `%s`", target);
    if (fstat(from, &st) < 0 || fchown(to, st.st_uid, st.st_gid) < 0 ||
        fchmod(to, st.st_mode & 07777) < 0)
        return cb_error_errno(err, errno, "fill the volume at `%s`", target);
    return 0;
}

/* ── One mount ── */

static int add(struct maker *maker, const struct wish *wish, struct cb_error **err)
{
    struct cb_container_mount mount = {.read_only = wish->read_only};
    cb_auto(cb_volume) volume = NULL;
    cb_autofree char *target = cb_path_clean(wish->target);

    if (*wish->target != '/')
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid mount config for type \"%s\": invalid mount path: "
                            "'%s' mount path must be absolute",
                            wish->type, wish->target);
    if (strcmp(target, "/") == 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid specification: destination can't be '/'");
    if (find(maker->container, target))
        return cb_error_set(err, CB_ERR_USAGE, "Duplicate mount point: %s", target);
    if (strcmp(wish->type, "volume") == 0) {
        if (cb_volume_create(maker->store,
                             wish->source && *wish->source ? wish->source : NULL, NULL,
                             NULL, &volume, err) < 0 ||
            (!wish->no_copy && copy_up(maker->root, target, volume->mountpoint, err) < 0))
            return -1;
        mount.name = xstrdup(volume->name);
        mount.source = xstrdup(volume->mountpoint);
    } else {
        mount.source = xstrdup(wish->source);
    }
    mount.type = xstrdup(wish->type);
    mount.target = cb_steal(&target);
    cb_vec_push(&maker->container->mounts, mount);
    return 0;
}

/* ── -v [SOURCE:]TARGET[:OPTIONS] ── */

static int parse_modes(struct wish *wish, const char *text, const char *modes,
                       struct cb_error **err)
{
    static const char *const same[] = {"rw",        "z",          "Z",       "cached",
                                       "delegated", "consistent", "private", "rprivate"};

    while (*modes) {
        size_t len = strcspn(modes, ",");
        cb_autofree char *mode = xstrndup(modes, len);
        int known = 0;

        for (size_t i = 0; i < CB_ARRAY_SIZE(same); i++)
            known |= strcmp(mode, same[i]) == 0;
        if (strcmp(mode, "ro") == 0)
            wish->read_only = known = 1;
        if (strcmp(mode, "nocopy") == 0)
            wish->no_copy = known = 1;
        if (!known)
            return cb_error_set(err, CB_ERR_USAGE,
                                "invalid volume specification: '%s': invalid mode: %s",
                                text, mode);
        modes += len + (modes[len] == ',');
    }
    return 0;
}

static int add_volume_option(struct maker *maker, const char *text, struct cb_error **err)
{
    const char *colon = strchr(text, ':');
    const char *second = colon ? strchr(colon + 1, ':') : NULL;
    cb_autofree char *source = colon ? xstrndup(text, (size_t)(colon - text)) : NULL;
    cb_autofree char *target = NULL;
    cb_autofree char *absolute = NULL;
    struct wish wish = {.type = "volume"};

    if (!colon)
        target = xstrdup(text);
    else
        target = second ? xstrndup(colon + 1, (size_t)(second - colon - 1))
                        : xstrdup(colon + 1);
    if (colon && (!*source || !*target || (second && strchr(second + 1, ':'))))
        return cb_error_set(err, CB_ERR_USAGE, "invalid volume specification: '%s'",
                            text);
    wish.target = target;
    if (source && (*source == '/' || *source == '.')) {
        cb_autofree char *here = *source == '.' ? realpath(".", NULL) : NULL;

        absolute = here ? cb_path_join(here, source) : cb_path_clean(source);
        if (mkdir(absolute, 0755) < 0 && errno == ENOENT &&
            cb_fs_mkdirs(absolute, 0755, err) < 0)
            return -1;
        wish.type = "bind";
        wish.source = absolute;
    } else {
        wish.source = source;
    }
    if (second && parse_modes(&wish, text, second + 1, err) < 0)
        return -1;
    return add(maker, &wish, err);
}

/* ── --mount type=…,source=…,target=… ── */

static int is_on(const char *equals)
{
    int value = 1;

    return !equals || (cb_parse_bool(equals + 1, &value) && value);
}

static int read_mount_field(struct wish *wish, const char *text, const char *field,
                            struct cb_error **err)
{
    const char *equals = strchr(field, '=');
    cb_autofree char *key = xstrndup(field, strcspn(field, "="));

    if (strcmp(key, "readonly") == 0 || strcmp(key, "ro") == 0)
        wish->read_only = is_on(equals);
    else if (strcmp(key, "volume-nocopy") == 0)
        wish->no_copy = is_on(equals);
    else if (!equals)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid argument \"%s\" for \"--mount\" flag: invalid field "
                            "'%s' must be a key=value pair",
                            text, field);
    else if (strcmp(key, "type") == 0)
        wish->type = equals + 1;
    else if (strcmp(key, "source") == 0 || strcmp(key, "src") == 0)
        wish->source = equals + 1;
    else if (strcmp(key, "target") == 0 || strcmp(key, "dst") == 0 ||
             strcmp(key, "destination") == 0)
        wish->target = equals + 1;
    else if (strcmp(key, "bind-propagation") != 0 && strcmp(key, "consistency") != 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid argument \"%s\" for \"--mount\" flag: unexpected "
                            "key '%s' in '%s'",
                            text, key, field);
    return 0;
}

static int check_bind(const struct wish *wish, struct cb_error **err)
{
    struct stat st;

    if (!wish->source || !*wish->source)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid mount config for type \"bind\": field Source must "
                            "not be empty");
    if (*wish->source != '/')
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid mount config for type \"bind\": invalid mount path: "
                            "'%s' mount path must be absolute",
                            wish->source);
    if (stat(wish->source, &st) < 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid mount config for type \"bind\": bind source path "
                            "does not exist: %s",
                            wish->source);
    return 0;
}

static int add_mount_option(struct maker *maker, const char *text, struct cb_error **err)
{
    cb_auto_value(cb_strings) parts = {0};
    struct wish wish = {.type = "volume"};

    if (cb_csv_split(&parts, text, err) < 0)
        return -1;
    cb_vec_foreach (field, &parts) {
        if (read_mount_field(&wish, text, *field, err) < 0)
            return -1;
    }
    if (!wish.target)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid argument \"%s\" for \"--mount\" flag: target is "
                            "required",
                            text);
    if (strcmp(wish.type, "bind") == 0)
        return check_bind(&wish, err) < 0 ? -1 : add(maker, &wish, err);
    if (strcmp(wish.type, "volume") == 0)
        return add(maker, &wish, err);
    cb_error_set(err, CB_ERR_UNSUPPORTED, "--mount: type \"%s\" is not provided",
                 wish.type);
    return cb_error_hint(err, "type is volume or bind; --tmpfs mounts a tmpfs");
}

/* ── --volumes-from CONTAINER[:ro|rw] ── */

static int add_volumes_from(struct maker *maker, const char *text, struct cb_error **err)
{
    cb_autofree char *name = xstrndup(text, strcspn(text, ":"));
    const char *mode = text + strlen(name);
    cb_auto(cb_container) other = NULL;

    if (*mode && strcmp(mode, ":ro") != 0 && strcmp(mode, ":rw") != 0)
        return cb_error_set(err, CB_ERR_USAGE, "invalid mode for volumes-from: %s",
                            mode + 1);
    if (cb_container_find(maker->store, name, &other, err) < 0)
        return -1;
    cb_vec_foreach (from, &other->mounts) {
        struct cb_container_mount mount = {.type = xstrdup(from->type),
                                           .name = xstrdup(from->name),
                                           .source = xstrdup(from->source),
                                           .target = xstrdup(from->target),
                                           .read_only = from->read_only ||
                                                        strcmp(mode, ":ro") == 0};
        struct cb_container_mount *there = find(maker->container, from->target);

        if (!there) {
            cb_vec_push(&maker->container->mounts, mount);
            continue;
        }
        free(mount.type);
        free(mount.name);
        free(mount.source);
        free(mount.target);
    }
    return 0;
}

int cb_container_make_mounts(struct cb_store *store, struct cb_container *container,
                             int root, struct cb_error **err)
{
    struct maker maker = {.store = store, .container = container, .root = root};
    const struct cb_container_options *options = &container->options;

    cb_vec_foreach (text, &options->request.volumes) {
        if (add_volume_option(&maker, *text, err) < 0)
            return -1;
    }
    cb_vec_foreach (text, &options->mounts) {
        if (add_mount_option(&maker, *text, err) < 0)
            return -1;
    }
    cb_vec_foreach (text, &options->volumes_from) {
        if (add_volumes_from(&maker, *text, err) < 0)
            return -1;
    }
    cb_vec_foreach (path, &container->config->volumes) {
        const struct wish wish = {.type = "volume", .target = *path};
        cb_autofree char *target = cb_path_clean(*path);

        if (!find(container, target) && add(&maker, &wish, err) < 0)
            return -1;
    }
    return 0;
}
