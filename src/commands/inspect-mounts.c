/* What a container has mounted, as docker shows it: .Mounts, the old .Volumes, and the
 * two forms in HostConfig, which are what was typed. */
#include "commands/inspect.h"

#include "container/mount-spec.h"

#include <stdlib.h>
#include <string.h>

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static json_t *text(const char *value)
{
    return json_string_nocheck(value ? value : "");
}

/* Without what is empty: NULL when nothing is left. */
static json_t *or_none(json_t *container)
{
    if (json_object_size(container) || json_array_size(container))
        return container;
    json_decref(container);
    return NULL;
}

static const struct cb_container_mount *mount_at(const struct cb_container *container,
                                                 const char *target)
{
    cb_vec_foreach (mount, &container->mounts)
        if (strcmp(mount->target, target) == 0)
            return mount;
    return NULL;
}

/* ── HostConfig.Binds ── */

/* What -v gave a source, in the order typed; the rest are volumes without a name. */
json_t *cb_inspect_binds(const struct cb_container *container)
{
    json_t *array = json_array();

    cb_vec_foreach (typed, &container->options.request.volumes) {
        const char *colon = strchr(*typed, ':');
        cb_autofree char *target =
            colon ? xstrndup(colon + 1, strcspn(colon + 1, ":")) : NULL;
        const struct cb_container_mount *mount =
            target ? mount_at(container, target) : NULL;

        if (mount && strcmp(mount->type, "bind") == 0)
            json_array_append_new(array, json_sprintf("%s%s", mount->source, colon));
        else if (colon)
            json_array_append_new(array, text(*typed));
    }
    return json_array_size(array) ? array : (json_decref(array), json_null());
}

/* ── HostConfig.Mounts ── */

static json_t *pairs(const struct cb_strings *strings)
{
    json_t *object = json_object();

    cb_vec_foreach (pair, strings) {
        cb_autofree char *key = xstrndup(*pair, strcspn(*pair, "="));

        set(object, key, text(*pair + strlen(key) + 1));
    }
    return or_none(object);
}

static json_t *driver_config(const struct cb_mount_spec *spec)
{
    json_t *object = json_object();

    if (spec->driver)
        set(object, "Name", text(spec->driver));
    set(object, "Options", pairs(&spec->options)); /* left out if NULL */
    return or_none(object);
}

static json_t *volume_options(const struct cb_mount_spec *spec)
{
    json_t *object = json_object();

    if (spec->no_copy)
        set(object, "NoCopy", json_true());
    set(object, "Labels", pairs(&spec->labels));
    if (spec->subpath)
        set(object, "Subpath", text(spec->subpath));
    set(object, "DriverConfig", driver_config(spec));
    return or_none(object);
}

static json_t *bind_options(const struct cb_mount_spec *spec)
{
    json_t *object = json_object();

    if (spec->propagation)
        set(object, "Propagation", text(spec->propagation));
    if (spec->not_recursive)
        set(object, "NonRecursive", json_true());
    if (spec->makes_source)
        set(object, "CreateMountpoint", json_true());
    return or_none(object);
}

/* "size=1m,mode=755" */
static json_t *tmpfs_options(const struct cb_mount_spec *spec)
{
    const char *typed = spec->tmpfs_options ? spec->tmpfs_options : "";
    const char *mode = strstr(typed, "mode=");
    json_t *object = json_object();
    uint64_t bytes = 0;

    if (strncmp(typed, "size=", 5) == 0) {
        cb_autofree char *size = xstrndup(typed + 5, strcspn(typed + 5, ","));

        cb_size_parse(&bytes, size, NULL);
        set(object, "SizeBytes", json_integer((json_int_t)bytes));
    }
    if (mode)
        set(object, "Mode", json_integer(strtol(mode + 5, NULL, 8)));
    return or_none(object);
}

/* As docker's API has it. */
static json_t *mount_spec(const struct cb_mount_spec *spec)
{
    json_t *object = json_pack("{s:s}", "Type", cb_mount_kind_name(spec->kind));

    if (spec->source && *spec->source)
        set(object, "Source", text(spec->source));
    set(object, "Target", text(spec->target));
    if (spec->read_only)
        set(object, "ReadOnly", json_true());
    if (spec->kind == CB_MOUNT_KIND_BIND)
        set(object, "BindOptions", bind_options(spec));
    else if (spec->kind == CB_MOUNT_KIND_VOLUME)
        set(object, "VolumeOptions", volume_options(spec));
    else if (spec->kind == CB_MOUNT_KIND_IMAGE && spec->subpath)
        set(object, "ImageOptions", json_pack("{s:s}", "Subpath", spec->subpath));
    else if (spec->kind == CB_MOUNT_KIND_TMPFS)
        set(object, "TmpfsOptions", tmpfs_options(spec));
    return object;
}

/* Its source may be gone by now, which is no matter of what was asked for. */
json_t *cb_inspect_mount_specs(const struct cb_container *container)
{
    json_t *array = json_array();

    cb_vec_foreach (typed, &container->options.mounts) {
        cb_auto_value(cb_mount_spec) spec = {0};

        cb_mount_spec_parse_mount(&spec, *typed, NULL);
        if (spec.target)
            json_array_append_new(array, mount_spec(&spec));
    }
    return or_none(array);
}

/* ── Mounts, Volumes ── */

/* Was this the place of something that has a name or options? */
static int is_named_here(const struct cb_container *container, const char *target)
{
    cb_vec_foreach (typed, &container->options.request.volumes) {
        cb_auto_value(cb_mount_spec) spec = {0};

        if (strchr(*typed, ':') && cb_mount_spec_parse_volume(&spec, *typed, NULL) == 0 &&
            strcmp(spec.target, target) == 0)
            return 1;
    }
    cb_vec_foreach (typed, &container->options.mounts) {
        cb_auto_value(cb_mount_spec) spec = {0};

        cb_mount_spec_parse_mount(&spec, *typed, NULL);
        if (spec.target && strcmp(spec.target, target) == 0)
            return 1;
    }
    return 0;
}

/* Docker's "z" is that of volumes, but for those of the image, of another container, and
 * of which nothing but the place was typed. */
static const char *mode_of(const struct cb_container *container,
                           const struct cb_container_mount *mount)
{
    if (mount->mode && *mount->mode)
        return mount->mode;
    return strcmp(mount->type, "volume") == 0 && is_named_here(container, mount->target)
               ? "z"
               : "";
}

static json_t *mount_json(const struct cb_container *container,
                          const struct cb_container_mount *mount)
{
    json_t *object = json_object();

    set(object, "Type", text(mount->type));
    if (mount->name)
        set(object, "Name", text(mount->name));
    set(object, "Source", text(mount->source));
    set(object, "Destination", text(mount->target));
    if (strcmp(mount->type, "volume") == 0)
        set(object, "Driver", text("local"));
    set(object, "Mode", text(mode_of(container, mount)));
    set(object, "RW", json_boolean(!mount->read_only));
    set(object, "Propagation", text(mount->propagation));
    return object;
}

/* The old form, by place, that tutorials still read, too. */
void cb_inspect_add_mounts(json_t *object, const struct cb_container *container)
{
    json_t *array = json_array(), *volumes = json_object(), *writable = json_object();

    cb_vec_foreach (mount, &container->mounts) {
        json_array_append_new(array, mount_json(container, mount));
        set(volumes, mount->target, text(mount->source));
        set(writable, mount->target, json_boolean(!mount->read_only));
    }
    set(object, "Mounts", array);
    set(object, "Volumes", volumes);
    set(object, "VolumesRW", writable);
}
