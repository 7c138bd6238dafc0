/* Reads an image configuration (OCI config.md with Docker's fields). Every type is
 * checked; null counts as absent. What is not understood is kept for writing back. */
#include "oci/oci-priv.h"

#include "base/timestamp.h"

#include <string.h>

#define MAX_HISTORY 10000
#define MAX_STRINGS 100000

static int read_time(char **out, const struct cb_json *object, const char *key,
                     struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, key);
    struct timespec ignored;

    if (cb_json_text(object, key, out, err) < 0)
        return -1;
    if (*out && cb_timestamp_parse(&ignored, *out, err) < 0)
        return cb_json_wrap(&member, err);
    return 0;
}

/* *PRESENT (or NULL) tells null from []. */
static int read_list(struct cb_strings *out, int *present, const struct cb_json *object,
                     const char *key, struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, key);

    if (cb_json_strings(&member, MAX_STRINGS, out, err) < 0)
        return -1;
    if (present)
        *present = !cb_json_is_absent(&member);
    return 0;
}

/* The keys of {"80/tcp": {}}. */
static int read_set(struct cb_strings *out, const struct cb_json *object, const char *key,
                    struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, key);
    const char *name;
    json_t *value;

    if (cb_json_expect_object(&member, err) < 0)
        return -1;
    json_object_foreach(member.value, name, value) cb_strings_add(out, name);
    return 0;
}

static int read_labels(struct cb_image_config *config, const struct cb_json *object,
                       struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, "Labels");
    cb_auto_json *labels = NULL;
    const char *name;
    json_t *value;

    if (cb_annotations_read(&labels, &member, err) < 0)
        return -1;
    json_object_foreach(labels, name, value)
    {
        cb_strings_add(&config->label_keys, name);
        cb_strings_add(&config->label_values, json_string_value(value));
    }
    return 0;
}

static int read_count(int64_t *out, const struct cb_json *object, const char *key,
                      struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, key);

    if (cb_json_int64(&member, out, err) < 0)
        return -1;
    if (*out < 0)
        return cb_json_fail(&member, err, "must not be negative");
    return 0;
}

static int read_healthcheck(struct cb_image_config *config, const struct cb_json *object,
                            struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, "Healthcheck");
    struct cb_healthcheck *check;

    if (cb_json_expect_object(&member, err) < 0)
        return -1;
    if (cb_json_is_absent(&member))
        return 0;
    check = config->healthcheck = xcalloc(1, sizeof(*check));
    if (read_list(&check->test, NULL, &member, "Test", err) < 0 ||
        read_count(&check->interval_ns, &member, "Interval", err) < 0 ||
        read_count(&check->timeout_ns, &member, "Timeout", err) < 0 ||
        read_count(&check->start_period_ns, &member, "StartPeriod", err) < 0 ||
        read_count(&check->start_interval_ns, &member, "StartInterval", err) < 0 ||
        read_count(&check->retries, &member, "Retries", err) < 0)
        return -1;
    return 0;
}

/* A copy of OBJECT without the members named; NULL if nothing is left. */
static json_t *rest_of(const struct cb_json *object, const char *const *names,
                       size_t count)
{
    json_t *rest = json_copy(object->value);

    for (size_t i = 0; i < count; i++)
        json_object_del(rest, names[i]);
    if (json_object_size(rest) > 0)
        return rest;
    json_decref(rest);
    return NULL;
}

static int read_process_config(struct cb_image_config *config, const struct cb_json *root,
                               struct cb_error **err)
{
    static const char *const known[] = {
        "User",        "ExposedPorts", "Env",    "Entrypoint", "Cmd",
        "Volumes",     "WorkingDir",   "Labels", "StopSignal", "Healthcheck",
        "ArgsEscaped", "OnBuild",      "Shell",
    };
    struct cb_json object = cb_json_member(root, "config");
    struct cb_json escaped = cb_json_member(&object, "ArgsEscaped");

    if (cb_json_expect_object(&object, err) < 0)
        return -1;
    if (cb_json_text(&object, "User", &config->user, err) < 0 ||
        cb_json_text(&object, "WorkingDir", &config->working_dir, err) < 0 ||
        cb_json_text(&object, "StopSignal", &config->stop_signal, err) < 0 ||
        read_list(&config->env, NULL, &object, "Env", err) < 0 ||
        read_list(&config->cmd, &config->has_cmd, &object, "Cmd", err) < 0 ||
        read_list(&config->entrypoint, &config->has_entrypoint, &object, "Entrypoint",
                  err) < 0 ||
        read_list(&config->shell, &config->has_shell, &object, "Shell", err) < 0 ||
        read_list(&config->onbuild, NULL, &object, "OnBuild", err) < 0 ||
        read_set(&config->exposed_ports, &object, "ExposedPorts", err) < 0 ||
        read_set(&config->volumes, &object, "Volumes", err) < 0 ||
        read_labels(config, &object, err) < 0 ||
        read_healthcheck(config, &object, err) < 0 ||
        cb_json_bool(&escaped, &config->args_escaped, err) < 0)
        return -1;
    config->other_config = rest_of(&object, known, CB_ARRAY_SIZE(known));
    return 0;
}

static int read_rootfs(struct cb_image_config *config, const struct cb_json *root,
                       struct cb_error **err)
{
    struct cb_json rootfs = cb_json_member(root, "rootfs");
    struct cb_json type = cb_json_member(&rootfs, "type");
    struct cb_json diff_ids = cb_json_member(&rootfs, "diff_ids");
    const char *text;
    size_t count;

    if (cb_json_expect_object(&rootfs, err) < 0 ||
        cb_json_string(&type, &text, err) < 0 ||
        cb_json_count(&diff_ids, CB_MAX_LAYERS, &count, err) < 0)
        return -1;
    if (text && strcmp(text, "layers") != 0)
        return cb_error_set(err, CB_ERR_UNSUPPORTED, "%s.%s: unknown type `%s`",
                            type.what, type.path, text);
    for (size_t i = 0; i < count; i++) {
        struct cb_json item = cb_json_item(&diff_ids, i);
        struct cb_digest diff_id;

        if (cb_json_required_digest(&item, &diff_id, err) < 0)
            return -1;
        cb_vec_push(&config->diff_ids, diff_id);
    }
    return 0;
}

static int read_history(struct cb_image_config *config, const struct cb_json *root,
                        struct cb_error **err)
{
    struct cb_json history = cb_json_member(root, "history");
    size_t count;

    if (cb_json_count(&history, MAX_HISTORY, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct cb_json item = cb_json_item(&history, i);
        struct cb_json empty = cb_json_member(&item, "empty_layer");
        struct cb_history *entry;

        cb_vec_push(&config->history, (struct cb_history){0});
        entry = &config->history.items[i];
        if (cb_json_expect_object(&item, err) < 0 ||
            read_time(&entry->created, &item, "created", err) < 0 ||
            cb_json_text(&item, "created_by", &entry->created_by, err) < 0 ||
            cb_json_text(&item, "author", &entry->author, err) < 0 ||
            cb_json_text(&item, "comment", &entry->comment, err) < 0 ||
            cb_json_bool(&empty, &entry->empty_layer, err) < 0)
            return -1;
    }
    return 0;
}

int cb_image_config_parse(struct cb_image_config **out, const char *bytes, size_t len,
                          struct cb_error **err)
{
    static const char *const known[] = {
        "created", "author", "architecture", "os",      "os.version",
        "variant", "config", "rootfs",       "history",
    };
    cb_auto(cb_image_config) config = cb_image_config_new();
    cb_auto_json *json = NULL;
    struct cb_json root;

    if (cb_json_parse(&json, "image config", bytes, len, CB_MANIFEST_MAX_BYTES, err) < 0)
        return -1;
    root = cb_json_root(json, "image config");
    if (cb_json_expect_object(&root, err) < 0 ||
        read_time(&config->created, &root, "created", err) < 0 ||
        cb_json_text(&root, "author", &config->author, err) < 0 ||
        cb_platform_read(&config->platform, &root, err) < 0 ||
        read_process_config(config, &root, err) < 0 ||
        read_rootfs(config, &root, err) < 0 || read_history(config, &root, err) < 0)
        return -1;
    config->other = rest_of(&root, known, CB_ARRAY_SIZE(known));
    *out = cb_steal(&config);
    return 0;
}
