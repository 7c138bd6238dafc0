/* --filter of volume ls and volume prune. */
#include "commands/volume.h"

#include "base/text.h"

#include <string.h>

void cb_volume_filter_clear(struct cb_volume_filter *filter)
{
    cb_strings_free(&filter->driver);
    cb_strings_free(&filter->label);
    cb_strings_free(&filter->not_label);
    cb_strings_free(&filter->name);
}

static int parse_switch(const char *key, const char *value, int *out,
                        struct cb_error **err)
{
    if (cb_parse_bool(value, out))
        return 0;
    return cb_error_set(err, CB_ERR_USAGE, "invalid filter '%s=%s'", key, value);
}

static int parse_one(struct cb_volume_filter *filter, const char *text, int prune,
                     struct cb_error **err)
{
    const struct {
        const char *key;
        struct cb_strings *values;
        int for_prune, for_ls;
    } keys[] = {
        {"driver", &filter->driver, 0, 1},
        {"label", &filter->label, 1, 1},
        {"label!", &filter->not_label, 1, 0},
        {"name", &filter->name, 0, 1},
    };
    const char *equals = strchr(text, '=');
    cb_autofree char *key = xstrndup(text, strcspn(text, "="));

    if (!equals)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid argument \"%s\" for \"--filter\": bad format of "
                            "filter (expected name=value)",
                            text);
    for (size_t i = 0; i < CB_ARRAY_SIZE(keys); i++) {
        if (strcmp(keys[i].key, key) || !(prune ? keys[i].for_prune : keys[i].for_ls))
            continue;
        cb_strings_add(keys[i].values, equals + 1);
        return 0;
    }
    if (prune && strcmp(key, "all") == 0)
        return parse_switch(key, equals + 1, &filter->all, err);
    if (prune || strcmp(key, "dangling") != 0)
        return cb_error_set(err, CB_ERR_USAGE, "invalid filter '%s'", key);
    filter->has_dangling = 1;
    return parse_switch(key, equals + 1, &filter->dangling, err);
}

int cb_volume_filter_parse(struct cb_volume_filter *filter,
                           const struct cb_strings *texts, int prune,
                           struct cb_error **err)
{
    cb_vec_foreach (text, texts) {
        if (parse_one(filter, *text, prune, err) < 0)
            return -1;
    }
    return 0;
}

static int has_label(const struct cb_volume *volume, const char *wanted)
{
    cb_autofree char *key = xstrndup(wanted, strcspn(wanted, "="));
    const char *value = cb_env_get(&volume->labels, key);
    const char *equals = strchr(wanted, '=');

    return value && (!equals || strcmp(equals + 1, value) == 0);
}

static int has_labels(const struct cb_volume_filter *filter,
                      const struct cb_volume *volume)
{
    cb_vec_foreach (label, &filter->label) {
        if (!has_label(volume, *label))
            return 0;
    }
    cb_vec_foreach (label, &filter->not_label) {
        if (has_label(volume, *label))
            return 0;
    }
    return 1;
}

static int has_name(const struct cb_volume_filter *filter, const struct cb_volume *volume)
{
    cb_vec_foreach (part, &filter->name) {
        if (strstr(volume->name, *part))
            return 1;
    }
    return !filter->name.count;
}

unsigned cb_volume_links(const struct cb_volume *volume,
                         const struct cb_containers *containers)
{
    unsigned links = 0;

    cb_vec_foreach (container, containers) {
        int has_it = 0;

        cb_vec_foreach (mount, &(*container)->mounts)
            has_it |= mount->name && strcmp(mount->name, volume->name) == 0;
        links += has_it > 0;
    }
    return links;
}

int cb_volume_filter_matches(const struct cb_volume_filter *filter,
                             const struct cb_volume *volume,
                             const struct cb_containers *containers)
{
    if (filter->driver.count && !cb_strings_contain(&filter->driver, "local"))
        return 0;
    if (filter->has_dangling &&
        (cb_volume_links(volume, containers) == 0) != filter->dangling)
        return 0;
    return has_name(filter, volume) && has_labels(filter, volume);
}
