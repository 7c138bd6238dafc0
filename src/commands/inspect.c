/* cbuild inspect: images as docker's JSON. */
#include "commands/commands.h"

#include "base/timestamp.h"
#include "commands/listing.h"

#include <stdio.h>
#include <string.h>

struct values {
    const char *format, *platform, *type;
    int size;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"format", 'f', CB_OPTION_TEXT, AT(format), "FORMAT",
     "json, or a Go template: {{.Config.Env}}"},
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH",
     "Which of a name's images to show"},
    {"size", 's', CB_OPTION_FLAG, AT(size), NULL, NULL},
    {"type", 0, CB_OPTION_TEXT, AT(type), "TYPE", "image: there is nothing else"},
    {0},
};

static json_t *strings_json(const struct cb_strings *strings)
{
    json_t *array = json_array();

    for (size_t i = 0; i < strings->count; i++)
        json_array_append_new(array, json_string(strings->items[i]));
    return array;
}

static json_t *strings_or_null(const struct cb_strings *strings, int has)
{
    return has ? strings_json(strings) : json_null();
}

/* {"80/tcp": {}} */
static json_t *set_json(const struct cb_strings *strings)
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

    json_object_set_new(object, "Test", strings_json(&check->test));
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

static json_t *config_json(const struct cb_image_config *config)
{
    json_t *object = json_object();

    json_object_set_new(object, "User", json_string(config->user ? config->user : ""));
    if (config->exposed_ports.count)
        json_object_set_new(object, "ExposedPorts", set_json(&config->exposed_ports));
    json_object_set_new(object, "Env", strings_json(&config->env));
    json_object_set_new(object, "Cmd", strings_or_null(&config->cmd, config->has_cmd));
    if (config->healthcheck)
        json_object_set_new(object, "Healthcheck", healthcheck_json(config->healthcheck));
    json_object_set_new(object, "Volumes",
                        config->volumes.count ? set_json(&config->volumes) : json_null());
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
        json_object_set_new(object, "Shell", strings_json(&config->shell));
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

static json_t *image_json(const struct cb_image *image)
{
    const struct cb_image_config *config = image->config;
    json_t *object = json_object();
    char text[CB_DIGEST_MAX_TEXT];

    json_object_set_new(object, "Id", json_string(cb_digest_text(&image->id, text)));
    json_object_set_new(object, "RepoTags", names_json(image));
    json_object_set_new(object, "RepoDigests", familiar_json(&image->repo_digests));
    json_object_set_new(object, "Created",
                        json_string(config->created ? config->created : ""));
    json_object_set_new(object, "Author",
                        json_string(config->author ? config->author : ""));
    json_object_set_new(object, "Architecture", json_string(config->platform.arch));
    if (config->platform.variant[0])
        json_object_set_new(object, "Variant", json_string(config->platform.variant));
    json_object_set_new(object, "Os", json_string(config->platform.os));
    json_object_set_new(object, "Size", json_integer(image->size_bytes));
    json_object_set_new(object, "Config", config_json(config));
    json_object_set_new(object, "RootFS", rootfs_json(config));
    return object;
}

/* What was found is printed even when something else was not, as docker does. */
static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_error) first = NULL;
    cb_auto_json *array = json_array();
    struct values values = {0};
    struct cb_platform buffer;
    const struct cb_platform *platform;
    int status =
        cb_options_parse(&cb_inspect_command, argc, argv, 0, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (values.type && strcmp(values.type, "image") != 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "\"%s\" is not a valid value for --type: expected image",
                            values.type);
    if (cb_app_platform(values.platform, &buffer, &platform, err) < 0 ||
        cb_app_arguments(&cb_inspect_command, &args, 1, -1, err) < 0 ||
        cb_app_store(app, 1, &store, err) < 0)
        return -1;
    for (size_t i = 0; i < args.count; i++) {
        cb_auto(cb_image) image = NULL;
        struct cb_error *error = NULL;

        if (cb_image_get_for(store, args.items[i], platform, &image, NULL, &error) < 0)
            cb_error_append(&first, error);
        else
            json_array_append_new(array, image_json(image));
    }
    if (cb_inspect_print(values.format, array, err) < 0)
        return -1;
    return first ? cb_error_move(err, &first) : 0;
}

const struct cb_cli_command cb_inspect_command = {
    .name = "inspect",
    .summary = "Show all about images, as JSON",
    .usage = "inspect [OPTIONS] IMAGE...",
    .options = options,
    .run = run,
};
