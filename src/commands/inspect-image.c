/* An image as `docker image inspect` shows it. */
#include "commands/inspect.h"

#include "base/timestamp.h"

json_t *cb_inspect_strings(const struct cb_strings *strings)
{
    json_t *array = json_array();

    for (size_t i = 0; i < strings->count; i++)
        json_array_append_new(array, json_string(strings->items[i]));
    return array;
}

static json_t *strings_or_null(const struct cb_strings *strings, int has)
{
    return has ? cb_inspect_strings(strings) : json_null();
}

/* {"80/tcp": {}} */
json_t *cb_inspect_set(const struct cb_strings *strings)
{
    json_t *object = json_object();

    for (size_t i = 0; i < strings->count; i++)
        json_object_set_new(object, strings->items[i], json_object());
    return object;
}

static json_t *labels_json(const struct cb_image_config *config)
{
    json_t *object = json_object();

    for (size_t i = 0; i < config->label_keys.count; i++)
        json_object_set_new(object, config->label_keys.items[i],
                            json_string(config->label_values.items[i]));
    return object;
}

static json_t *healthcheck_json(const struct cb_healthcheck *check)
{
    json_t *object = json_object();

    json_object_set_new(object, "Test", cb_inspect_strings(&check->test));
    if (check->interval_ns)
        json_object_set_new(object, "Interval", json_integer(check->interval_ns));
    if (check->timeout_ns)
        json_object_set_new(object, "Timeout", json_integer(check->timeout_ns));
    if (check->start_period_ns)
        json_object_set_new(object, "StartPeriod", json_integer(check->start_period_ns));
    if (check->start_interval_ns)
        json_object_set_new(object, "StartInterval",
                            json_integer(check->start_interval_ns));
    if (check->retries)
        json_object_set_new(object, "Retries", json_integer(check->retries));
    return object;
}

json_t *cb_inspect_config(const struct cb_image_config *config)
{
    json_t *object = json_object();

    json_object_set_new(object, "User", json_string(config->user ? config->user : ""));
    if (config->exposed_ports.count)
        json_object_set_new(object, "ExposedPorts",
                            cb_inspect_set(&config->exposed_ports));
    json_object_set_new(object, "Env", cb_inspect_strings(&config->env));
    json_object_set_new(object, "Cmd", strings_or_null(&config->cmd, config->has_cmd));
    if (config->healthcheck)
        json_object_set_new(object, "Healthcheck", healthcheck_json(config->healthcheck));
    json_object_set_new(object, "Volumes",
                        config->volumes.count ? cb_inspect_set(&config->volumes)
                                              : json_null());
    json_object_set_new(object, "WorkingDir",
                        json_string(config->working_dir ? config->working_dir : ""));
    json_object_set_new(object, "Entrypoint",
                        strings_or_null(&config->entrypoint, config->has_entrypoint));
    json_object_set_new(object, "OnBuild",
                        strings_or_null(&config->onbuild, config->onbuild.count > 0));
    json_object_set_new(object, "Labels",
                        config->label_keys.count ? labels_json(config) : json_null());
    if (config->stop_signal)
        json_object_set_new(object, "StopSignal", json_string(config->stop_signal));
    if (config->has_shell)
        json_object_set_new(object, "Shell", cb_inspect_strings(&config->shell));
    return object;
}

static json_t *familiar_json(const struct cb_strings *names)
{
    json_t *array = json_array();

    for (size_t i = 0; i < names->count; i++) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *familiar = NULL;

        if (cb_reference_parse(&reference, names->items[i], NULL) < 0)
            continue;
        familiar = cb_reference_familiar(reference);
        json_array_append_new(array, json_string(familiar));
    }
    return array;
}

static json_t *names_json(const struct cb_image *image)
{
    json_t *array = familiar_json(&image->names);
    cb_auto_json *others = familiar_json(&image->platform_names);

    json_array_extend(array, others);
    return array;
}

static json_t *rootfs_json(const struct cb_image_config *config)
{
    json_t *object = json_object();
    json_t *layers = json_array();
    char text[CB_DIGEST_MAX_TEXT];

    cb_vec_foreach (diff_id, &config->diff_ids)
        json_array_append_new(layers, json_string(cb_digest_text(diff_id, text)));
    json_object_set_new(object, "Type", json_string("layers"));
    json_object_set_new(object, "Layers", layers);
    return object;
}

/* Of what made the last layer: "buildkit.dockerfile.v0", what `commit -m` said. */
static const char *comment_of(const struct cb_image_config *config)
{
    const size_t count = config->history.count;
    const char *comment = count ? config->history.items[count - 1].comment : NULL;

    return comment ? comment : "";
}

json_t *cb_inspect_image(const struct cb_image *image)
{
    const struct cb_image_config *config = image->config;
    json_t *object = json_object();
    char text[CB_DIGEST_MAX_TEXT];

    json_object_set_new(object, "Id", json_string(cb_digest_text(&image->id, text)));
    json_object_set_new(object, "RepoTags", names_json(image));
    json_object_set_new(object, "RepoDigests", familiar_json(&image->repo_digests));
    json_object_set_new(object, "Parent", json_string("")); /* layers have no images */
    json_object_set_new(object, "Comment", json_string(comment_of(config)));
    json_object_set_new(object, "Created",
                        json_string(config->created ? config->created : ""));
    json_object_set_new(object, "DockerVersion", json_string(""));
    json_object_set_new(object, "Author",
                        json_string(config->author ? config->author : ""));
    json_object_set_new(object, "Architecture", json_string(config->platform.arch));
    if (config->platform.variant[0])
        json_object_set_new(object, "Variant", json_string(config->platform.variant));
    json_object_set_new(object, "Os", json_string(config->platform.os));
    json_object_set_new(object, "Size", json_integer(image->size_bytes));
    json_object_set_new(object, "Config", cb_inspect_config(config));
    json_object_set_new(object, "RootFS", rootfs_json(config));
    return object;
}
