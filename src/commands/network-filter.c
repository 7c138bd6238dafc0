/* --filter of network ls and network prune: a function for each key, of THING, a struct
 * cb_network_def. */
#include "commands/network.h"

#include <string.h>

int cb_network_is_used(const struct cb_network_def *def)
{
    cb_auto_value(cb_network_endpoints) endpoints = {0};

    cb_network_endpoints(def, &endpoints);
    return endpoints.count || endpoints.joining;
}

/* Those that are always there count as used. */
static int is_dangling(const void *thing, const char *value)
{
    const struct cb_network_def *def = thing;

    return (def->predefined || cb_network_is_used(def)) != cb_filter_is_true(value);
}

static int has_driver(const void *thing, const char *value)
{
    const struct cb_network_def *def = thing;

    return strcmp(def->driver, value) == 0;
}

static int has_in_id(const void *thing, const char *value)
{
    const struct cb_network_def *def = thing;

    return cb_filter_matches(def->id, value);
}

static const char *find_label(const void *thing, const char *key)
{
    const struct cb_network_def *def = thing;

    return cb_env_get(&def->labels, key);
}

static int has_label(const void *thing, const char *value)
{
    return cb_filter_label(value, find_label, thing);
}

static int lacks_label(const void *thing, const char *value)
{
    return !has_label(thing, value);
}

static int has_in_name(const void *thing, const char *value)
{
    const struct cb_network_def *def = thing;

    return cb_filter_matches(def->name, value);
}

static int has_scope(const void *thing, const char *value)
{
    (void)thing;
    return strcmp(value, "local") == 0;
}

static int is_type(const void *thing, const char *value)
{
    const struct cb_network_def *def = thing;

    return strcmp(def->predefined ? "builtin" : "custom", value) == 0;
}

static int was_made_before(const void *thing, const char *value)
{
    const struct cb_network_def *def = thing;

    return cb_filter_is_before(def->created, value);
}

#define LISTS  CB_FILTER_LISTS
#define PRUNES (CB_FILTER_PRUNES | CB_FILTER_ALL_HOLD)

const struct cb_filter_key cb_network_filters[] = {
    {"dangling", is_dangling, LISTS | CB_FILTER_BOOL, NULL},
    {"driver", has_driver, LISTS, NULL},
    {"id", has_in_id, LISTS, NULL},
    {"label", has_label, LISTS | PRUNES, NULL},
    {"label!", lacks_label, PRUNES, NULL},
    {"name", has_in_name, LISTS, NULL},
    {"scope", has_scope, LISTS, NULL},
    {"type", is_type, LISTS, "builtin|custom"},
    {"until", was_made_before, PRUNES | CB_FILTER_MOMENT, NULL},
    {0},
};
