/* --filter of volume ls and volume prune: a function for each key, of THING, a struct
 * cb_listed_volume. */
#include "commands/volume.h"

#include <string.h>

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

static const struct cb_volume *volume_of(const void *thing)
{
    const struct cb_listed_volume *listed = thing;

    return listed->volume;
}

static int is_dangling(const void *thing, const char *value)
{
    const struct cb_listed_volume *listed = thing;

    return (cb_volume_links(listed->volume, listed->containers) == 0) ==
           cb_filter_is_true(value);
}

static int has_driver(const void *thing, const char *value)
{
    (void)thing;
    return strcmp(value, "local") == 0;
}

static const char *find_label(const void *thing, const char *key)
{
    return cb_env_get(&volume_of(thing)->labels, key);
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
    return strstr(volume_of(thing)->name, value) != NULL;
}

static int was_made_before(const void *thing, const char *value)
{
    return cb_filter_is_before(volume_of(thing)->created, value);
}

#define LISTS  CB_FILTER_LISTS
#define PRUNES (CB_FILTER_PRUNES | CB_FILTER_ALL_HOLD)

const struct cb_filter_key cb_volume_filters[] = {
    {"all", NULL, CB_FILTER_PRUNES | CB_FILTER_BOOL, NULL},
    {"dangling", is_dangling, LISTS | CB_FILTER_BOOL, NULL},
    {"driver", has_driver, LISTS, NULL},
    {"label", has_label, LISTS | PRUNES, NULL},
    {"label!", lacks_label, PRUNES, NULL},
    {"name", has_in_name, LISTS, NULL},
    {"until", was_made_before, CB_FILTER_ALL_HOLD, NULL}, /* of system prune alone */
    {0},
};
