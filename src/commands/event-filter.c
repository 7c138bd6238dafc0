/* A key's row says how one of its values is compared with an event. */
#include "commands/event-filter.h"

#include "oci/oci.h"

#include <string.h>

const char *cb_event_attribute(const struct cb_journal_event *event, const char *name)
{
    for (size_t i = 0; i + 1 < event->attributes.count; i += 2)
        if (strcmp(event->attributes.items[i], name) == 0)
            return event->attributes.items[i + 1];
    return "";
}

static int is_type(const struct cb_journal_event *event, const char *value)
{
    return strcmp(event->type, value) == 0;
}

/* `exec_start` also means "exec_start: sh -c true", `health_status` any of them. */
static int is_action(const struct cb_journal_event *event, const char *value)
{
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

static int is_container(const struct cb_journal_event *event, const char *value)
{
    return is_actor(event, "container", value);
}

static int is_network(const struct cb_journal_event *event, const char *value)
{
    return is_actor(event, "network", value);
}

static int is_volume(const struct cb_journal_event *event, const char *value)
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
static int is_image(const struct cb_journal_event *event, const char *value)
{
    const char *attribute = is_type(event, "image") ? "name" : "image";

    return strcmp(event->id, value) == 0 || is_name(event->id, value) ||
           is_name(cb_event_attribute(event, attribute), value);
}

/* "key" or "key=value". */
static int has_label(const struct cb_journal_event *event, const char *value)
{
    size_t len = strcspn(value, "=");

    for (size_t i = 0; i + 1 < event->attributes.count; i += 2) {
        const char *name = event->attributes.items[i];

        if (strncmp(name, value, len) == 0 && !name[len])
            return !value[len] ||
                   strcmp(event->attributes.items[i + 1], value + len + 1) == 0;
    }
    return 0;
}

static int is_local(const struct cb_journal_event *event, const char *value)
{
    (void)event;
    return strcmp(value, "local") == 0;
}

struct key {
    const char *name;
    int (*matches)(const struct cb_journal_event *event, const char *value);
    int all; /* every value must match, not one of them */
};

static const struct key keys[] = {
    {"container", is_container, 0}, {"event", is_action, 0},    {"image", is_image, 0},
    {"label", has_label, 1},        {"network", is_network, 0}, {"scope", is_local, 0},
    {"type", is_type, 0},           {"volume", is_volume, 0},
};

/* The value in "key=value", or NULL: TEXT is for another key. */
static const char *value_for(const struct key *key, const char *text)
{
    size_t len = strlen(key->name);

    return strncmp(text, key->name, len) == 0 && text[len] == '=' ? text + len + 1 : NULL;
}

static int is_known(const char *text)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(keys); i++)
        if (value_for(&keys[i], text))
            return 1;
    return 0;
}

int cb_event_filter_check(const struct cb_strings *given, struct cb_error **err)
{
    for (size_t i = 0; i < given->count; i++) {
        cb_auto_value(cb_strbuf) names = {0};

        if (is_known(given->items[i]))
            continue;
        for (size_t k = 0; k < CB_ARRAY_SIZE(keys); k++)
            cb_strbuf_addf(&names, k ? ", %s" : "%s", keys[k].name);
        cb_error_set(err, CB_ERR_USAGE, "invalid filter `%s`: expected KEY=VALUE",
                     given->items[i]);
        return cb_error_hint(err, "the keys are %s", cb_strbuf_text(&names));
    }
    return 0;
}

static int key_holds(const struct key *key, const struct cb_strings *given,
                     const struct cb_journal_event *event)
{
    int asked = 0;

    for (size_t i = 0; i < given->count; i++) {
        const char *value = value_for(key, given->items[i]);
        int matches = value && key->matches(event, value);

        if (value && matches != key->all)
            return matches;
        asked |= value != NULL;
    }
    return !asked || key->all;
}

int cb_event_filter_takes(const struct cb_strings *given,
                          const struct cb_journal_event *event)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(keys); i++)
        if (!key_holds(&keys[i], given, event))
            return 0;
    return 1;
}
