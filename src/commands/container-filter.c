/* Filters as docker has them: values of one key are alternatives, but for labels, and all
 * keys must hold. */
#include "commands/container-filter.h"

#include "base/text.h"
#include "container/health.h"
#include "container/joins.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

void cb_container_filter_clear(struct cb_container_filter *filter)
{
    cb_strings_free(&filter->texts);
}

/* ── One key each: does CONTAINER, at INDEX of ALL, have VALUE? ── */

struct question {
    const struct cb_containers *all;
    size_t index;
    const struct cb_container *container;
    const char *value;
};

static int matches(const char *text, const char *pattern)
{
    regex_t regex;
    int found;

    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return 0;
    found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static int has_name(const struct question *q)
{
    cb_autofree char *slashed = xasprintf("/%s", q->container->name);

    return matches(q->container->name, q->value) || matches(slashed, q->value);
}

static int has_id(const struct question *q)
{
    return strncmp(q->container->id, q->value, strlen(q->value)) == 0;
}

static int has_status(const struct question *q)
{
    return strcmp(cb_container_status_name(q->container->state.status), q->value) == 0;
}

static int has_exited(const struct question *q)
{
    return q->container->state.status == CB_CONTAINER_EXITED &&
           q->container->state.exit_code == atoi(q->value);
}

static int has_health(const struct question *q)
{
    return strcmp(cb_health_status(q->container->state.health), q->value) == 0;
}

static int has_label(const struct question *q)
{
    const struct cb_image_config *config = q->container->config;
    cb_autofree char *key = xstrndup(q->value, strcspn(q->value, "="));
    const char *equals = strchr(q->value, '=');
    const char *value = cb_env_get(&q->container->options.labels, key);

    for (size_t i = 0; !value && i < config->label_keys.count; i++)
        if (strcmp(config->label_keys.items[i], key) == 0)
            value = config->label_values.items[i];
    return value && (!equals || strcmp(value, equals + 1) == 0);
}

static int lacks_label(const struct question *q)
{
    return !has_label(q);
}

/* The same image by name, or by how its id begins. */
static int has_ancestor(const struct question *q)
{
    const struct cb_container *container = q->container;
    const char *name = container->options.request.image_name;
    const char *hex = strchr(container->image_id, ':');
    const char *wanted = q->value;
    cb_autofree char *latest = xasprintf("%s:latest", wanted);
    cb_autofree char *own = xasprintf("%s:latest", name ? name : "");

    return (name && (strcmp(name, wanted) == 0 || strcmp(name, latest) == 0)) ||
           strcmp(own, wanted) == 0 || strcmp(container->image_id, wanted) == 0 ||
           (hex && strlen(wanted) >= 4 && strncmp(hex + 1, wanted, strlen(wanted)) == 0);
}

static int has_volume(const struct question *q)
{
    cb_vec_foreach (mount, &q->container->mounts) {
        if ((mount->name && strcmp(mount->name, q->value) == 0) ||
            strcmp(mount->target, q->value) == 0)
            return 1;
    }
    return 0;
}

static int has_network(const struct question *q)
{
    return cb_joins_has(&q->container->options.request, q->value);
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

static int has_published(const struct question *q)
{
    const json_t *ports = json_object_get(q->container->state.network, "Ports");
    const char *key;
    json_t *list;

    json_object_foreach((json_t *)ports, key, list)
    {
        if (json_array_size(list) && covers_port(q->value, key))
            return 1;
    }
    return 0;
}

static int has_exposed(const struct question *q)
{
    cb_vec_foreach (port, &q->container->config->exposed_ports) {
        if (covers_port(q->value, *port))
            return 1;
    }
    return has_published(q);
}

static size_t index_of(const struct cb_containers *all, const char *text)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->items[i]->name, text) == 0 ||
            strncmp(all->items[i]->id, text, strlen(text)) == 0)
            return i;
    return all->count;
}

static int is_before(const struct question *q)
{
    return q->index > index_of(q->all, q->value);
}

static int is_since(const struct question *q)
{
    return q->index < index_of(q->all, q->value);
}

/* There are neither tasks of a swarm nor kinds of isolation here. */
static int is_task(const struct question *q)
{
    int yes = 0;

    return cb_parse_bool(q->value, &yes) && !yes;
}

static int has_isolation(const struct question *q)
{
    return !*q->value || strcmp(q->value, "default") == 0;
}

/* Decided by the filter itself. */
static int is_old_enough(const struct question *q)
{
    return q != NULL;
}

enum { LISTS = 1, PRUNES = 2, ALL_HOLD = 4 };
static const struct {
    const char *key;
    int (*answer)(const struct question *q);
    int flags;
    const char *values; /* that there are; or NULL */
} keys[] = {
    {"ancestor", has_ancestor, LISTS, NULL},
    {"before", is_before, LISTS, NULL},
    {"exited", has_exited, LISTS, NULL},
    {"expose", has_exposed, LISTS, NULL},
    {"health", has_health, LISTS, "starting|healthy|unhealthy|none"},
    {"id", has_id, LISTS, NULL},
    {"is-task", is_task, LISTS, NULL},
    {"isolation", has_isolation, LISTS, NULL},
    {"label", has_label, LISTS | PRUNES | ALL_HOLD, NULL},
    {"label!", lacks_label, PRUNES | ALL_HOLD, NULL},
    {"name", has_name, LISTS, NULL},
    {"network", has_network, LISTS, NULL},
    {"publish", has_published, LISTS, NULL},
    {"since", is_since, LISTS, NULL},
    {"status", has_status, LISTS,
     "created|running|paused|restarting|removing|exited|dead"},
    {"until", is_old_enough, PRUNES, NULL},
    {"volume", has_volume, LISTS, NULL},
};

/* ── All ── */

static int is_one_of(const char *words, const char *value)
{
    size_t len = strlen(value);

    for (const char *at = words; *at; at += *at == '|') {
        size_t word = strcspn(at, "|");

        if (word == len && strncmp(at, value, len) == 0)
            return 1;
        at += word;
    }
    return 0;
}

static size_t find_key(const char *text, int flag)
{
    size_t len = strcspn(text, "="), i = 0;

    while (i < CB_ARRAY_SIZE(keys) &&
           (strlen(keys[i].key) != len || strncmp(keys[i].key, text, len) != 0 ||
            !(keys[i].flags & flag)))
        i++;
    return i;
}

static int check_one(struct cb_container_filter *out, const char *text, int flag,
                     struct cb_error **err)
{
    size_t key = find_key(text, flag);
    const char *value = strchr(text, '=');
    char *end;

    if (!value)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid argument \"%s\" for \"--filter\": expected "
                            "NAME=VALUE",
                            text);
    if (key == CB_ARRAY_SIZE(keys))
        return cb_error_set(err, CB_ERR_USAGE, "invalid filter '%.*s'",
                            (int)(value - text), text);
    value++;
    if (keys[key].values && !is_one_of(keys[key].values, value))
        return cb_error_set(err, CB_ERR_USAGE, "invalid filter '%s=%s'", keys[key].key,
                            value);
    if (keys[key].answer == has_exited &&
        (strtol(value, &end, 10) < 0 || *end || !*value))
        return cb_error_set(err, CB_ERR_USAGE, "invalid filter 'exited=%s'", value);
    if (keys[key].answer == is_old_enough) {
        out->has_until = 1;
        return cb_moment_parse(&out->until, value, err);
    }
    out->wants_ended |= keys[key].answer == has_exited ||
                        (keys[key].answer == has_status && strcmp(value, "running") != 0);
    return 0;
}

int cb_container_filter_parse(struct cb_container_filter *out,
                              const struct cb_strings *texts, int prune,
                              struct cb_error **err)
{
    cb_vec_foreach (text, texts) {
        if (check_one(out, *text, prune ? PRUNES : LISTS, err) < 0)
            return -1;
        cb_strings_add(&out->texts, *text);
    }
    return 0;
}

int cb_container_filter_check(const struct cb_container_filter *filter,
                              const struct cb_containers *all, struct cb_error **err)
{
    cb_vec_foreach (text, &filter->texts) {
        const char *value = strchr(*text, '=') + 1;

        if ((strncmp(*text, "before=", 7) == 0 || strncmp(*text, "since=", 6) == 0) &&
            index_of(all, value) == all->count)
            return cb_error_set(err, CB_ERR_NOT_FOUND, "No such container: %s", value);
    }
    return 0;
}

static int is_new(const struct cb_container_filter *filter,
                  const struct cb_container *container)
{
    struct timespec created;

    return filter->has_until &&
           (cb_timestamp_parse(&created, container->created, NULL) < 0 ||
            created.tv_sec >= filter->until.tv_sec);
}

int cb_container_filter_takes(const struct cb_container_filter *filter,
                              const struct cb_containers *all, size_t index)
{
    struct question q = {.all = all, .index = index, .container = all->items[index]};

    for (size_t i = 0; i < CB_ARRAY_SIZE(keys); i++) {
        size_t len = strlen(keys[i].key), asked = 0, held = 0;

        cb_vec_foreach (text, &filter->texts) {
            if (strncmp(*text, keys[i].key, len) != 0 || (*text)[len] != '=')
                continue;
            q.value = *text + len + 1;
            asked++;
            held += keys[i].answer(&q) != 0;
        }
        if (asked && (keys[i].flags & ALL_HOLD ? held < asked : !held))
            return 0;
    }
    return !is_new(filter, q.container);
}
