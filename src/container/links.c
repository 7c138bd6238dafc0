/* Links in docker's way: names of variables are the alias in capitals. */
#include "container/links.h"

#include "container/client.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void cb_link_clear(struct cb_link *link)
{
    free(link->container);
    free(link->alias);
    *link = (struct cb_link){0};
}

/* It becomes a name in /etc/hosts. */
static int is_alias(const char *text)
{
    size_t len = strlen(text);

    if (!len || len > 253)
        return 0;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
            return 0;
    return 1;
}

int cb_link_parse(struct cb_link *out, const char *text, struct cb_error **err)
{
    size_t len = strcspn(text, ":");
    const char *alias = text[len] ? text + len + 1 : "";

    if (!*text)
        return cb_error_flag(err, text, "--link", "empty string specified for links");
    if (strchr(alias, ':') || !len)
        return cb_error_flag(err, text, "--link", "bad format for links: %s", text);
    out->container = xstrndup(text, len);
    out->alias = xstrdup(text[len] ? alias : out->container + (*text == '/'));
    if (is_alias(out->alias))
        return 0;
    return cb_error_flag(err, text, "--link", "bad format for links: %s", text);
}

int cb_links_check(const struct cb_strings *texts, struct cb_error **err)
{
    cb_vec_foreach (text, texts) {
        cb_auto_value(cb_link) link = {0};

        if (cb_link_parse(&link, *text, err) < 0)
            return -1;
    }
    return 0;
}

/* ── Variables ── */

static int by_number(const void *a, const void *b)
{
    const struct cb_port *const *x = a, *const *y = b;

    if ((*x)->container != (*y)->container)
        return (*x)->container < (*y)->container ? -1 : 1;
    return strcmp((*x)->protocol, (*y)->protocol);
}

static char *capitals(const char *text)
{
    char *out = xstrdup(text);

    for (char *c = out; *c; c++)
        *c = (char)(*c == '-' ? '_' : toupper((unsigned char)*c));
    return out;
}

static void add_port(const struct cb_link_facts *facts, const char *name,
                     const struct cb_port *port, struct cb_strings *out)
{
    cb_autofree char *protocol = capitals(port->protocol);
    cb_autofree char *key = xasprintf("%s_PORT_%u_%s", name, port->container, protocol);

    cb_strings_addf(out, "%s=%s://%s:%u", key, port->protocol, facts->ip,
                    port->container);
    cb_strings_addf(out, "%s_ADDR=%s", key, facts->ip);
    cb_strings_addf(out, "%s_PORT=%u", key, port->container);
    cb_strings_addf(out, "%s_PROTO=%s", key, port->protocol);
}

#define LEAST_RANGE 3

/* The last of the ports that follow FIRST number by number; some are there twice. */
static size_t end_of_range(const struct cb_port **sorted, size_t count, size_t first)
{
    size_t last = first;

    while (last + 1 < count &&
           sorted[last + 1]->container - sorted[last]->container <= 1 &&
           strcmp(sorted[last + 1]->protocol, sorted[first]->protocol) == 0)
        last++;
    return last;
}

static void add_range(const struct cb_link_facts *facts, const char *name,
                      const struct cb_port *first, const struct cb_port *last,
                      struct cb_strings *out)
{
    const struct {
        const char *what;
        const struct cb_port *port;
    } ends[] = {{"START", first}, {"END", last}};
    cb_autofree char *protocol = capitals(first->protocol);
    cb_autofree char *key = xasprintf("%s_PORT_%u_%s", name, first->container, protocol);

    for (size_t i = 0; i < CB_ARRAY_SIZE(ends); i++) {
        cb_strings_addf(out, "%s_%s=%s://%s:%u", key, ends[i].what,
                        ends[i].port->protocol, facts->ip, ends[i].port->container);
        cb_strings_addf(out, "%s_PORT_%s=%u", key, ends[i].what, ends[i].port->container);
    }
}

static void add_ranges(const struct cb_link_facts *facts, const char *name,
                       const struct cb_port **sorted, size_t count,
                       struct cb_strings *out)
{
    for (size_t i = 0; i < count; i++) {
        size_t last = end_of_range(sorted, count, i);

        if (sorted[last]->container - sorted[i]->container + 1 >= LEAST_RANGE)
            add_range(facts, name, sorted[i], sorted[last], out);
        i = last;
    }
}

static void add_ports(const struct cb_link_facts *facts, const char *name,
                      struct cb_strings *out)
{
    const struct cb_ports *ports = facts->ports;
    cb_autofree const struct cb_port **sorted =
        xcalloc(ports->count + 1, sizeof(struct cb_port *));

    for (size_t i = 0; i < ports->count; i++)
        sorted[i] = &ports->items[i];
    qsort(sorted, ports->count, sizeof(struct cb_port *), by_number);
    if (ports->count)
        cb_strings_addf(out, "%s_PORT=%s://%s:%u", name, sorted[0]->protocol, facts->ip,
                        sorted[0]->container);
    add_ranges(facts, name, sorted, ports->count, out);
    for (size_t i = 0; i < ports->count; i++)
        if (!i || by_number(&sorted[i - 1], &sorted[i]) != 0)
            add_port(facts, name, sorted[i], out);
}

void cb_link_env(const struct cb_link_facts *facts, struct cb_strings *out)
{
    cb_autofree char *name = capitals(facts->alias);

    add_ports(facts, name, out);
    cb_strings_addf(out, "%s_NAME=/%s/%s", name, facts->parent, facts->alias);
    cb_vec_foreach (variable, facts->env) {
        if (strchr(*variable, '=') && strncmp(*variable, "HOME=", 5) != 0 &&
            strncmp(*variable, "PATH=", 5) != 0)
            cb_strings_addf(out, "%s_ENV_%s", name, *variable);
    }
}

/* As a container is looked for: a name comes before how an id begins. */
static int means(const char *text, const struct cb_container *container,
                 const struct cb_containers *all)
{
    text += *text == '/';
    cb_vec_foreach (other, all) {
        if (strcmp((*other)->name, text) == 0)
            return strcmp((*other)->id, container->id) == 0;
    }
    return strncmp(container->id, text, strlen(text)) == 0;
}

void cb_links_to(const struct cb_container *container, const struct cb_containers *all,
                 struct cb_strings *out)
{
    cb_vec_foreach (other, all) {
        cb_vec_foreach (text, &(*other)->options.request.links) {
            cb_auto_value(cb_link) link = {0};

            if (cb_link_parse(&link, *text, NULL) == 0 &&
                means(link.container, container, all))
                cb_strings_addf(out, "%s/%s", (*other)->name, link.alias);
        }
    }
}

int cb_container_unlink(struct cb_store *store, struct cb_container *container,
                        const char *alias, struct cb_error **err)
{
    struct cb_strings *links = &container->options.request.links;
    size_t kept = 0, before;
    cb_auto(cb_lock) changing = NULL;

    if (cb_container_begin_change(store, container, NULL, &changing, err) < 0)
        return -1;
    before = links->count;
    for (size_t i = 0; i < before; i++) {
        cb_auto_value(cb_link) link = {0};

        if (cb_link_parse(&link, links->items[i], NULL) == 0 &&
            strcmp(link.alias, alias) == 0)
            free(links->items[i]);
        else
            links->items[kept++] = links->items[i];
    }
    links->count = kept;
    if (kept == before)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "No such link: /%s/%s",
                            container->name, alias);
    return cb_container_update(store, container, err);
}
