/* A key's row says how one of its values is compared with an event. */
#include "commands/event-filter.h"

#include "commands/filter.h"
#include "oci/oci.h"

#include <string.h>

static const char *find_attribute(const void *thing, const char *name)
{
    const struct cb_journal_event *event = thing;

    for (size_t i = 0; i + 1 < event->attributes.count; i += 2)
        if (strcmp(event->attributes.items[i], name) == 0)
            return event->attributes.items[i + 1];
    return NULL;
}

const char *cb_event_attribute(const struct cb_journal_event *event, const char *name)
{
    const char *value = find_attribute(event, name);

    return value ? value : "";
}

static int is_type(const void *thing, const char *value)
{
    const struct cb_journal_event *event = thing;

    return strcmp(event->type, value) == 0;
}

/* `exec_start` also means "exec_start: sh -c true", `health_status` any of them. */
static int is_action(const void *thing, const char *value)
{
    const struct cb_journal_event *event = thing;
    size_t len = strlen(value);

    return strncmp(event->action, value, len) == 0 &&
           (!event->action[len] || event->action[len] == ':');
}

/* By the beginning of the id or the name, as docker does. */
static int is_actor(const struct cb_journal_event *event, const char *type,
                    const char *value)
{
    return is_type(event, type) &&
           (strncmp(event->id, value, strlen(value)) == 0 ||
            strncmp(cb_event_attribute(event, "name"), value, strlen(value)) == 0);
}

static int is_container(const void *event, const char *value)
{
    return is_actor(event, "container", value);
}

static int is_network(const void *event, const char *value)
{
    return is_actor(event, "network", value);
}

static int is_volume(const void *event, const char *value)
{
    return is_actor(event, "volume", value);
}

static int is_name(const char *have, const char *wanted)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *name = NULL;

    if (strcmp(have, wanted) == 0)
        return 1;
    if (cb_reference_parse(&reference, have, NULL) < 0)
        return 0;
    name = cb_reference_familiar_name(reference);
    return strcmp(name, wanted) == 0;
}

/* An image, or what is made of it: by id, or by name with or without a tag. */
static int is_image(const void *thing, const char *value)
{
    const struct cb_journal_event *event = thing;
    const char *attribute = is_type(event, "image") ? "name" : "image";

    return strcmp(event->id, value) == 0 || is_name(event->id, value) ||
           is_name(cb_event_attribute(event, attribute), value);
}

static int has_label(const void *event, const char *value)
{
    return cb_filter_label(value, find_attribute, event);
}

static int is_local(const void *event, const char *value)
{
    (void)event;
    return strcmp(value, "local") == 0;
}

/* Of docker's daemon, plugins and swarm, of which there are none. */
static int is_nothing(const void *event, const char *value)
{
    (void)event;
    (void)value;
    return 0;
}

const struct cb_filter_key cb_event_filters[] = {
    {"config", is_nothing, CB_FILTER_LISTS, NULL},
    {"container", is_container, CB_FILTER_LISTS, NULL},
    {"daemon", is_nothing, CB_FILTER_LISTS, NULL},
    {"event", is_action, CB_FILTER_LISTS, NULL},
    {"image", is_image, CB_FILTER_LISTS, NULL},
    {"label", has_label, CB_FILTER_LISTS | CB_FILTER_ALL_HOLD, NULL},
    {"network", is_network, CB_FILTER_LISTS, NULL},
    {"node", is_nothing, CB_FILTER_LISTS, NULL},
    {"plugin", is_nothing, CB_FILTER_LISTS, NULL},
    {"scope", is_local, CB_FILTER_LISTS, NULL},
    {"secret", is_nothing, CB_FILTER_LISTS, NULL},
    {"service", is_nothing, CB_FILTER_LISTS, NULL},
    {"type", is_type, CB_FILTER_LISTS, NULL},
    {"volume", is_volume, CB_FILTER_LISTS, NULL},
    {0},
};
