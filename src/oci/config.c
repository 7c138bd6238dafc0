/* The image configuration as a value: making, copying and changing it. */
#include "oci/oci-priv.h"

#include "base/map.h"

#include <string.h>

struct cb_image_config *cb_image_config_new(void)
{
    return xcalloc(1, sizeof(struct cb_image_config));
}

static void free_history(struct cb_history *entry)
{
    free(entry->created);
    free(entry->created_by);
    free(entry->author);
    free(entry->comment);
}

void cb_image_config_drop_history(struct cb_image_config *config)
{
    cb_vec_foreach (entry, &config->history)
        free_history(entry);
    cb_vec_free(&config->history);
}

static void free_healthcheck(struct cb_healthcheck *check)
{
    if (!check)
        return;
    cb_strings_free(&check->test);
    free(check);
}

void cb_image_config_drop_healthcheck(struct cb_image_config *config)
{
    free_healthcheck(config->healthcheck);
    config->healthcheck = NULL;
}

void cb_image_config_free(struct cb_image_config *config)
{
    if (!config)
        return;
    free(config->created);
    free(config->author);
    free(config->user);
    free(config->working_dir);
    free(config->stop_signal);
    cb_strings_free(&config->env);
    cb_strings_free(&config->cmd);
    cb_strings_free(&config->entrypoint);
    cb_strings_free(&config->shell);
    cb_strings_free(&config->onbuild);
    cb_strings_free(&config->exposed_ports);
    cb_strings_free(&config->volumes);
    cb_strings_free(&config->label_keys);
    cb_strings_free(&config->label_values);
    free_healthcheck(config->healthcheck);
    cb_vec_free(&config->diff_ids);
    cb_image_config_drop_history(config);
    json_decref(config->other);
    json_decref(config->other_config);
    free(config);
}

static struct cb_healthcheck *copy_healthcheck(const struct cb_healthcheck *check)
{
    struct cb_healthcheck *copy;

    if (!check)
        return NULL;
    copy = xmemdup(check, sizeof(*check));
    copy->test = (struct cb_strings){0};
    cb_strings_copy(&copy->test, &check->test);
    return copy;
}

static void copy_lists(struct cb_image_config *to, const struct cb_image_config *from)
{
    cb_strings_copy(&to->env, &from->env);
    cb_strings_copy(&to->cmd, &from->cmd);
    cb_strings_copy(&to->entrypoint, &from->entrypoint);
    cb_strings_copy(&to->shell, &from->shell);
    cb_strings_copy(&to->onbuild, &from->onbuild);
    cb_strings_copy(&to->exposed_ports, &from->exposed_ports);
    cb_strings_copy(&to->volumes, &from->volumes);
    cb_strings_copy(&to->label_keys, &from->label_keys);
    cb_strings_copy(&to->label_values, &from->label_values);
    cb_vec_foreach (diff_id, &from->diff_ids) {
        cb_vec_push(&to->diff_ids, *diff_id);
    }
    cb_vec_foreach (entry, &from->history) {
        struct cb_history copy = {xstrdup(entry->created), xstrdup(entry->created_by),
                                  xstrdup(entry->author), xstrdup(entry->comment),
                                  entry->empty_layer};

        cb_vec_push(&to->history, copy);
    }
}

struct cb_image_config *cb_image_config_copy(const struct cb_image_config *config)
{
    struct cb_image_config *copy = cb_image_config_new();

    copy->created = xstrdup(config->created);
    copy->author = xstrdup(config->author);
    copy->platform = config->platform;
    copy->user = xstrdup(config->user);
    copy->working_dir = xstrdup(config->working_dir);
    copy->stop_signal = xstrdup(config->stop_signal);
    copy->has_cmd = config->has_cmd;
    copy->has_entrypoint = config->has_entrypoint;
    copy->has_shell = config->has_shell;
    copy->args_escaped = config->args_escaped;
    copy->healthcheck = copy_healthcheck(config->healthcheck);
    copy_lists(copy, config);
    copy->other = json_deep_copy(config->other);
    copy->other_config = json_deep_copy(config->other_config);
    return copy;
}

const char *cb_image_config_label(const struct cb_image_config *config, const char *key)
{
    for (size_t i = 0; i < config->label_keys.count; i++)
        if (strcmp(config->label_keys.items[i], key) == 0)
            return config->label_values.items[i];
    return NULL;
}

void cb_image_config_set_label(struct cb_image_config *config, const char *key,
                               const char *value)
{
    for (size_t i = 0; i < config->label_keys.count; i++) {
        if (strcmp(config->label_keys.items[i], key) == 0) {
            char *copy = xstrdup(value);

            free(config->label_values.items[i]);
            config->label_values.items[i] = copy;
            return;
        }
    }
    cb_strings_add(&config->label_keys, key);
    cb_strings_add(&config->label_values, value);
}

void cb_image_config_set_labels(struct cb_image_config *config,
                                const struct cb_strings *labels)
{
    cb_auto(cb_map) places = cb_map_new(NULL); /* the number of each key, and one */

    for (size_t i = 0; i < config->label_keys.count; i++)
        cb_map_set(places, config->label_keys.items[i], (void *)(uintptr_t)(i + 1));
    cb_vec_foreach (label, labels) {
        cb_autofree char *key = xstrndup(*label, strcspn(*label, "="));
        const char *value = (*label)[strlen(key)] ? *label + strlen(key) + 1 : "";
        size_t at = (size_t)(uintptr_t)cb_map_get(places, key);

        if (at) {
            free(config->label_values.items[at - 1]);
            config->label_values.items[at - 1] = xstrdup(value);
            continue;
        }
        cb_strings_add(&config->label_keys, key);
        cb_strings_add(&config->label_values, value);
        cb_map_set(places, key, (void *)(uintptr_t)config->label_keys.count);
    }
}

void cb_image_config_add_history(struct cb_image_config *config, const char *created,
                                 const char *created_by, const char *comment,
                                 int empty_layer)
{
    struct cb_history entry = {xstrdup(created), xstrdup(created_by), NULL,
                               xstrdup(comment), empty_layer};

    cb_vec_push(&config->history, entry);
}

void cb_strings_add_once(struct cb_strings *set, const char *text)
{
    if (!cb_strings_contain(set, text))
        cb_strings_add(set, text);
}
