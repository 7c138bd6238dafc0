/* A function for each key: has THING, a struct cb_listed_container, this VALUE? */
#include "commands/container-filter.h"

#include "commands/inspect.h"
#include "container/health.h"
#include "container/joins.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct cb_container *container_of(const void *thing)
{
    const struct cb_listed_container *listed = thing;

    return listed->all->items[listed->index];
}

static int has_name(const void *thing, const char *value)
{
    const struct cb_container *container = container_of(thing);
    cb_autofree char *slashed = xasprintf("/%s", container->name);

    return cb_filter_matches(container->name, value) || cb_filter_matches(slashed, value);
}

static int has_id(const void *thing, const char *value)
{
    const struct cb_container *container = container_of(thing);

    return strncmp(container->id, value, strlen(value)) == 0;
}

static int has_status(const void *thing, const char *value)
{
    const struct cb_container *container = container_of(thing);

    return strcmp(cb_container_status_name(container->state.status), value) == 0;
}

static int has_exited(const void *thing, const char *value)
{
    const struct cb_container *container = container_of(thing);

    return container->state.status == CB_CONTAINER_EXITED &&
           container->state.exit_code == strtoll(value, NULL, 10);
}

static int has_health(const void *thing, const char *value)
{
    const struct cb_container *container = container_of(thing);

    return strcmp(cb_health_status(container->state.health), value) == 0;
}

/* Its own labels, then its image's. */
static const char *find_label(const void *thing, const char *key)
{
    const struct cb_container *container = thing;
    const char *value = cb_env_get(&container->options.labels, key);

    return value ? value : cb_image_config_label(container->config, key);
}

static int has_label(const void *thing, const char *value)
{
    return cb_filter_label(value, find_label, container_of(thing));
}

static int lacks_label(const void *thing, const char *value)
{
    return !has_label(thing, value);
}

void cb_ancestors_find(struct cb_ancestors *out, struct cb_store *store,
                       const struct cb_strings *given)
{
    cb_vec_foreach (text, given) {
        struct cb_ancestor ancestor = {.value = strchr(*text, '=') + 1};

        if (strncmp(*text, "ancestor=", strlen("ancestor=")) == 0 &&
            cb_image_find(store, ancestor.value, &ancestor.image, NULL, NULL) > 0)
            cb_vec_push(out, ancestor);
    }
}

void cb_ancestors_clear(struct cb_ancestors *ancestors)
{
    cb_vec_foreach (ancestor, ancestors)
        cb_image_free(ancestor->image);
    cb_vec_free(ancestors);
}

static int has_history_of(const struct cb_image_config *config,
                          const struct cb_image_config *of)
{
    for (size_t i = 0; i < of->history.count; i++) {
        const char *ours = config->history.items[i].created_by;
        const char *theirs = of->history.items[i].created_by;

        if (strcmp(ours ? ours : "", theirs ? theirs : "") != 0)
            return 0;
    }
    return 1;
}

/* All layers of another are below its own; where it has added none its history is longer.
 */
static int descends_from(const struct cb_image_config *config,
                         const struct cb_image_config *of)
{
    if (!of->diff_ids.count || config->diff_ids.count < of->diff_ids.count)
        return 0;
    for (size_t i = 0; i < of->diff_ids.count; i++)
        if (!cb_digest_equal(&config->diff_ids.items[i], &of->diff_ids.items[i]))
            return 0;
    return config->diff_ids.count > of->diff_ids.count ||
           (config->history.count > of->history.count && has_history_of(config, of));
}

static int has_parent(const void *thing, const char *value)
{
    const struct cb_ancestors *ancestors =
        ((const struct cb_listed_container *)thing)->ancestors;

    for (size_t i = 0; ancestors && i < ancestors->count; i++)
        if (strcmp(ancestors->items[i].value, value) == 0)
            return descends_from(container_of(thing)->config,
                                 ancestors->items[i].image->config);
    return 0;
}

/* The same image by name, or by how its id begins; or one that was made of it. */
static int has_ancestor(const void *thing, const char *value)
{
    const struct cb_container *container = container_of(thing);
    const char *name = container->options.request.image_name;
    const char *hex = strchr(container->image_id, ':');
    cb_autofree char *latest = xasprintf("%s:latest", value);
    cb_autofree char *own = xasprintf("%s:latest", name ? name : "");

    return (name && (strcmp(name, value) == 0 || strcmp(name, latest) == 0)) ||
           strcmp(own, value) == 0 || strcmp(container->image_id, value) == 0 ||
           (hex && strlen(value) >= 4 && strncmp(hex + 1, value, strlen(value)) == 0) ||
           has_parent(thing, value);
}

static int has_volume(const void *thing, const char *value)
{
    const struct cb_container *container = container_of(thing);

    cb_vec_foreach (mount, &container->mounts) {
        if ((mount->name && strcmp(mount->name, value) == 0) ||
            strcmp(mount->target, value) == 0)
            return 1;
    }
    return 0;
}

static int has_network(const void *thing, const char *value)
{
    const struct cb_container *container = container_of(thing);

    return cb_joins_has(&container->options.request, value);
}

/* "80", "80/tcp", "80-90/udp" against "80/tcp". */
static int covers_port(const char *wanted, const char *port)
{
    char *end;
    unsigned long first = strtoul(wanted, &end, 10), last = first;
    unsigned long number = strtoul(port, NULL, 10);
    const char *protocol = strchr(port, '/');

    if (*end == '-')
        last = strtoul(end + 1, &end, 10);
    if (*end && *end != '/')
        return 0;
    return number >= first && number <= last &&
           strcmp(*end ? end : "/tcp", protocol ? protocol : "/tcp") == 0;
}

/* PORT: "80/tcp", of the container; BINDINGS: to what of the host it leads. */
static int leads_from(const json_t *bindings, const char *port, const char *value)
{
    const char *protocol = strchr(port, '/');
    size_t i;
    json_t *binding;

    json_array_foreach((json_t *)bindings, i, binding)
    {
        const char *host = json_string_value(json_object_get(binding, "HostPort"));
        cb_autofree char *text =
            xasprintf("%s%s", host ? host : "", protocol ? protocol : "/tcp");

        if (covers_port(value, text))
            return 1;
    }
    return 0;
}

/* As in docker: a port of the host. */
static int has_published(const void *thing, const char *value)
{
    cb_auto_json *ports = cb_inspect_ports(container_of(thing));
    const char *port;
    json_t *bindings;

    json_object_foreach(ports, port, bindings)
    {
        if (leads_from(bindings, port, value))
            return 1;
    }
    return 0;
}

/* A port of the container, published or not. */
static int has_exposed(const void *thing, const char *value)
{
    cb_auto_json *ports = cb_inspect_ports(container_of(thing));
    const char *port;
    json_t *bindings;

    json_object_foreach(ports, port, bindings)
    {
        if (covers_port(value, port))
            return 1;
    }
    return 0;
}

static size_t index_of(const struct cb_containers *all, const char *text)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->items[i]->name, text) == 0 ||
            strncmp(all->items[i]->id, text, strlen(text)) == 0)
            return i;
    return all->count;
}

static int is_before(const void *thing, const char *value)
{
    const struct cb_listed_container *listed = thing;

    return listed->index > index_of(listed->all, value);
}

static int is_since(const void *thing, const char *value)
{
    const struct cb_listed_container *listed = thing;

    return listed->index < index_of(listed->all, value);
}

/* There are neither tasks of a swarm nor kinds of isolation here. */
static int is_task(const void *thing, const char *value)
{
    (void)thing;
    return !cb_filter_is_true(value);
}

static int has_isolation(const void *thing, const char *value)
{
    (void)thing;
    return !*value || strcmp(value, "default") == 0;
}

static int was_made_before(const void *thing, const char *value)
{
    return cb_filter_is_before(container_of(thing)->created, value);
}

#define LISTS  CB_FILTER_LISTS
#define PRUNES (CB_FILTER_PRUNES | CB_FILTER_ALL_HOLD)

const struct cb_filter_key cb_container_filters[] = {
    {"ancestor", has_ancestor, LISTS, NULL},
    {"before", is_before, LISTS, NULL},
    {"exited", has_exited, LISTS | CB_FILTER_NUMBER, NULL},
    {"expose", has_exposed, LISTS, NULL},
    {"health", has_health, LISTS, "starting|healthy|unhealthy|none"},
    {"id", has_id, LISTS, NULL},
    {"is-task", is_task, LISTS | CB_FILTER_BOOL, NULL},
    {"isolation", has_isolation, LISTS, NULL},
    {"label", has_label, LISTS | PRUNES, NULL},
    {"label!", lacks_label, PRUNES, NULL},
    {"name", has_name, LISTS, NULL},
    {"network", has_network, LISTS, NULL},
    {"publish", has_published, LISTS, NULL},
    {"since", is_since, LISTS, NULL},
    {"status", has_status, LISTS,
     "created|running|paused|restarting|removing|exited|dead"},
    {"until", was_made_before, PRUNES | CB_FILTER_MOMENT, NULL},
    {"volume", has_volume, LISTS, NULL},
    {0},
};

int cb_container_filter_wants_ended(const struct cb_strings *given)
{
    cb_vec_foreach (text, given) {
        if (strncmp(*text, "exited=", 7) == 0 ||
            (strncmp(*text, "status=", 7) == 0 && strcmp(*text, "status=running") != 0))
            return 1;
    }
    return 0;
}

/* "80", "80/tcp", "80-90/udp". */
static int is_port_range(const char *text)
{
    char *end;
    unsigned long first = strtoul(text, &end, 10), last = first;

    if (!isdigit((unsigned char)*text))
        return 0;
    if (*end == '-') {
        if (!isdigit((unsigned char)end[1]))
            return 0;
        last = strtoul(end + 1, &end, 10);
    }
    return first <= last && last <= UINT16_MAX && (!*end || *end == '/');
}

static int check_port(const char *text, const char *value, struct cb_error **err)
{
    if ((strncmp(text, "publish=", 8) != 0 && strncmp(text, "expose=", 7) != 0) ||
        is_port_range(value))
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "invalid filter `%s`: expected a port, as 80, 80/udp or 80-90",
                        text);
}

int cb_container_filter_check(const struct cb_strings *given,
                              const struct cb_containers *all, struct cb_error **err)
{
    cb_vec_foreach (text, given) {
        const char *value = strchr(*text, '=') + 1;

        if (check_port(*text, value, err) < 0)
            return -1;
        if ((strncmp(*text, "before=", 7) == 0 || strncmp(*text, "since=", 6) == 0) &&
            index_of(all, value) == all->count)
            return cb_error_set(err, CB_ERR_NOT_FOUND, "No such container: %s", value);
    }
    return 0;
}
