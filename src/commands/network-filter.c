/* --filter of network ls and network prune. */
#include "commands/network.h"

#include "base/timestamp.h"

#include <string.h>

void cb_network_filter_clear(struct cb_network_filter *filter)
{
    cb_strings_free(&filter->driver);
    cb_strings_free(&filter->id);
    cb_strings_free(&filter->label);
    cb_strings_free(&filter->not_label);
    cb_strings_free(&filter->name);
    cb_strings_free(&filter->scope);
    cb_strings_free(&filter->type);
}

int cb_network_is_used(const struct cb_network_def *def)
{
    cb_auto_value(cb_network_endpoints) endpoints = {0};

    cb_network_endpoints(def, &endpoints);
    return endpoints.count > 0;
}

static int is_true(const char *text)
{
    return !strcmp(text, "1") || !strcasecmp(text, "true") || !strcasecmp(text, "t");
}

/* "24h" ago, seconds since 1970, or a date. */
static int parse_until(struct cb_network_filter *filter, const char *text,
                       struct cb_error **err)
{
    int64_t age_ns;
    struct timespec time;
    char *end;
    long long seconds = strtoll(text, &end, 10);

    if (*text && !*end) {
        filter->until_s = seconds;
    } else if (cb_duration_parse(&age_ns, text, NULL) == 0) {
        filter->until_s = (int64_t)cb_timestamp_now().tv_sec - age_ns / 1000000000;
    } else if (cb_timestamp_parse(&time, text, NULL) == 0) {
        filter->until_s = time.tv_sec;
    } else {
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid filter 'until=%s': expected a duration or a time",
                            text);
    }
    return 0;
}

static int invalid(const char *text, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_USAGE, "Invalid filter '%s'", text);
}

static int parse_one(struct cb_network_filter *filter, const char *text, int prune,
                     struct cb_error **err)
{
    const struct {
        const char *key;
        struct cb_strings *values;
        int for_prune, for_ls;
    } keys[] = {
        {"driver", &filter->driver, 0, 1}, {"id", &filter->id, 0, 1},
        {"label", &filter->label, 1, 1},   {"label!", &filter->not_label, 1, 0},
        {"name", &filter->name, 0, 1},     {"scope", &filter->scope, 0, 1},
        {"type", &filter->type, 0, 1},
    };
    const char *equals = strchr(text, '=');
    cb_autofree char *key = xstrndup(text, strcspn(text, "="));

    if (!equals)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid argument \"%s\" for \"--filter\": bad format of "
                            "filter (expected name=value)",
                            text);
    for (size_t i = 0; i < CB_ARRAY_SIZE(keys); i++)
        if (strcmp(keys[i].key, key) == 0 &&
            (prune ? keys[i].for_prune : keys[i].for_ls)) {
            cb_strings_add(keys[i].values, equals + 1);
            return 0;
        }
    if (prune && strcmp(key, "until") == 0)
        return parse_until(filter, equals + 1, err);
    if (prune || strcmp(key, "dangling") != 0)
        return invalid(key, err);
    filter->has_dangling = 1;
    filter->dangling = is_true(equals + 1);
    return 0;
}

static int check_type(const struct cb_strings *types, struct cb_error **err)
{
    cb_vec_foreach (type, types)
        if (strcmp(*type, "custom") && strcmp(*type, "builtin"))
            return cb_error_set(err, CB_ERR_USAGE, "Invalid filter: 'type'='%s'", *type);
    return 0;
}

int cb_network_filter_parse(struct cb_network_filter *filter,
                            const struct cb_strings *texts, int prune,
                            struct cb_error **err)
{
    for (size_t i = 0; i < texts->count; i++)
        if (parse_one(filter, texts->items[i], prune, err) < 0)
            return -1;
    return check_type(&filter->type, err);
}

/* ── Matching ── */

static int is_any(const struct cb_strings *values, const char *text)
{
    return !values->count || cb_strings_contain(values, text);
}

static int is_part_of_any(const struct cb_strings *values, const char *text)
{
    for (size_t i = 0; i < values->count; i++)
        if (strstr(text, values->items[i]))
            return 1;
    return !values->count;
}

/* "key" or "key=value" */
static int has_label(const struct cb_network_def *def, const char *wanted)
{
    cb_autofree char *key = xstrndup(wanted, strcspn(wanted, "="));
    const char *value = cb_env_get(&def->labels, key);
    const char *equals = strchr(wanted, '=');

    return value && (!equals || strcmp(equals + 1, value) == 0);
}

static int has_labels(const struct cb_network_filter *filter,
                      const struct cb_network_def *def)
{
    for (size_t i = 0; i < filter->label.count; i++)
        if (!has_label(def, filter->label.items[i]))
            return 0;
    for (size_t i = 0; i < filter->not_label.count; i++)
        if (has_label(def, filter->not_label.items[i]))
            return 0;
    return 1;
}

static int is_old_enough(const struct cb_network_filter *filter,
                         const struct cb_network_def *def)
{
    struct timespec created;

    return !filter->until_s || (cb_timestamp_parse(&created, def->created, NULL) == 0 &&
                                created.tv_sec < filter->until_s);
}

static int is_dangling_as_wished(const struct cb_network_filter *filter,
                                 const struct cb_network_def *def)
{
    if (!filter->has_dangling)
        return 1;
    return !def->predefined && cb_network_is_used(def) != filter->dangling;
}

int cb_network_filter_matches(const struct cb_network_filter *filter,
                              const struct cb_network_def *def)
{
    return is_any(&filter->driver, def->driver) && is_any(&filter->scope, "local") &&
           is_any(&filter->type, def->predefined ? "builtin" : "custom") &&
           is_part_of_any(&filter->name, def->name) &&
           is_part_of_any(&filter->id, def->id) && has_labels(filter, def) &&
           is_old_enough(filter, def) && is_dangling_as_wished(filter, def);
}
