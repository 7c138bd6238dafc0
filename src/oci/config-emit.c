/* Writes an image configuration. The top level is sorted by name, since BuildKit writes
 * it as a map; inside, fields keep the order of the specification's structs. So equal
 * configurations have equal digests, whatever order they were put together in. */
#include "oci/oci-priv.h"

#include <string.h>

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* {"80/tcp":{}} */
static void write_set(struct cb_writer *writer, const char *key,
                      const struct cb_strings *set)
{
    cb_autofree char **names = cb_strings_argv(set);

    if (set->count == 0)
        return;
    qsort(names, set->count, sizeof(*names), compare_texts);
    cb_writer_open(writer, key, '{');
    for (size_t i = 0; i < set->count; i++) {
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0)
            continue;
        cb_writer_open(writer, names[i], '{');
        cb_writer_close(writer, '}');
    }
    cb_writer_close(writer, '}');
}

struct label {
    const char *key, *value;
};

static int compare_labels(const void *a, const void *b)
{
    return strcmp(((const struct label *)a)->key, ((const struct label *)b)->key);
}

static void write_labels(struct cb_writer *writer, const struct cb_image_config *config)
{
    size_t count = config->label_keys.count;
    cb_autofree struct label *labels = xcalloc(count, sizeof(*labels));

    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        labels[i].key = config->label_keys.items[i];
        labels[i].value = config->label_values.items[i];
    }
    qsort(labels, count, sizeof(*labels), compare_labels);
    cb_writer_open(writer, "Labels", '{');
    for (size_t i = 0; i < count; i++)
        cb_writer_text(writer, labels[i].key, labels[i].value);
    cb_writer_close(writer, '}');
}

static void write_positive(struct cb_writer *writer, const char *key, int64_t value)
{
    if (value != 0)
        cb_writer_int(writer, key, value);
}

static void write_healthcheck(struct cb_writer *writer,
                              const struct cb_healthcheck *check)
{
    if (!check)
        return;
    cb_writer_open(writer, "Healthcheck", '{');
    cb_writer_strings(writer, "Test", &check->test);
    write_positive(writer, "Interval", check->interval_ns);
    write_positive(writer, "Timeout", check->timeout_ns);
    write_positive(writer, "StartPeriod", check->start_period_ns);
    write_positive(writer, "StartInterval", check->start_interval_ns);
    write_positive(writer, "Retries", check->retries);
    cb_writer_close(writer, '}');
}

static void write_process_config(struct cb_writer *writer, const char *key,
                                 const struct cb_image_config *config)
{
    cb_writer_open(writer, key, '{');
    cb_writer_string(writer, "User", config->user);
    write_set(writer, "ExposedPorts", &config->exposed_ports);
    cb_writer_strings(writer, "Env", &config->env);
    cb_writer_strings(writer, "Entrypoint", &config->entrypoint);
    cb_writer_strings(writer, "Cmd", &config->cmd);
    write_set(writer, "Volumes", &config->volumes);
    cb_writer_string(writer, "WorkingDir", config->working_dir);
    write_labels(writer, config);
    cb_writer_string(writer, "StopSignal", config->stop_signal);
    write_healthcheck(writer, config->healthcheck);
    cb_writer_true(writer, "ArgsEscaped", config->args_escaped);
    cb_writer_strings(writer, "OnBuild", &config->onbuild);
    cb_writer_strings(writer, "Shell", &config->shell);
    cb_writer_members(writer, config->other_config);
    cb_writer_close(writer, '}');
}

static void write_history(struct cb_writer *writer, const char *key,
                          const struct cb_image_config *config)
{
    if (config->history.count == 0)
        return;
    cb_writer_open(writer, key, '[');
    cb_vec_foreach (entry, &config->history) {
        cb_writer_open(writer, NULL, '{');
        cb_writer_string(writer, "created", entry->created);
        cb_writer_string(writer, "created_by", entry->created_by);
        cb_writer_string(writer, "author", entry->author);
        cb_writer_string(writer, "comment", entry->comment);
        cb_writer_true(writer, "empty_layer", entry->empty_layer);
        cb_writer_close(writer, '}');
    }
    cb_writer_close(writer, ']');
}

static void write_rootfs(struct cb_writer *writer, const char *key,
                         const struct cb_image_config *config)
{
    cb_writer_open(writer, key, '{');
    cb_writer_string(writer, "type", "layers");
    cb_writer_open(writer, "diff_ids", '[');
    cb_vec_foreach (diff_id, &config->diff_ids) {
        cb_writer_digest(writer, NULL, diff_id);
    }
    cb_writer_close(writer, ']');
    cb_writer_close(writer, '}');
}

static void write_architecture(struct cb_writer *writer, const char *key,
                               const struct cb_image_config *config)
{
    cb_writer_string(writer, key, config->platform.arch);
}

static void write_author(struct cb_writer *writer, const char *key,
                         const struct cb_image_config *config)
{
    cb_writer_string(writer, key, config->author);
}

static void write_created(struct cb_writer *writer, const char *key,
                          const struct cb_image_config *config)
{
    cb_writer_string(writer, key, config->created);
}

static void write_os(struct cb_writer *writer, const char *key,
                     const struct cb_image_config *config)
{
    cb_writer_string(writer, key, config->platform.os);
}

static void write_os_version(struct cb_writer *writer, const char *key,
                             const struct cb_image_config *config)
{
    cb_writer_string(writer, key, config->platform.os_version);
}

static void write_variant(struct cb_writer *writer, const char *key,
                          const struct cb_image_config *config)
{
    cb_writer_string(writer, key, config->platform.variant);
}

static const struct field {
    const char *name;
    void (*write)(struct cb_writer *writer, const char *key,
                  const struct cb_image_config *config);
} fields[] = {
    {"architecture", write_architecture}, {"author", write_author},
    {"config", write_process_config},     {"created", write_created},
    {"history", write_history},           {"os", write_os},
    {"os.version", write_os_version},     {"rootfs", write_rootfs},
    {"variant", write_variant},
};

/* Our fields and those kept from elsewhere, merged by name. */
static void write_fields(struct cb_writer *writer, const struct cb_image_config *config)
{
    size_t count = json_object_size(config->other), at = 0;
    cb_autofree const char **names = cb_writer_sorted_names(config->other);

    for (size_t i = 0; i < CB_ARRAY_SIZE(fields); i++) {
        for (; at < count && strcmp(names[at], fields[i].name) < 0; at++)
            cb_writer_json(writer, names[at], json_object_get(config->other, names[at]));
        fields[i].write(writer, fields[i].name, config);
    }
    for (; at < count; at++)
        cb_writer_json(writer, names[at], json_object_get(config->other, names[at]));
}

char *cb_image_config_emit(const struct cb_image_config *config, size_t *len)
{
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_writer writer = {.out = &text};

    cb_writer_open(&writer, NULL, '{');
    write_fields(&writer, config);
    cb_writer_close(&writer, '}');
    if (len)
        *len = text.len;
    return cb_strbuf_steal(&text);
}
