/* The ports of a container in one line, as docker's ps has them: those that follow each
 * other are one range; those with another number outside stand at the end, each by
 * itself. */
#include "commands/containers.h"

#include <stdlib.h>
#include <string.h>

struct shown {
    const char *ip; /* "": it is not published */
    const char *protocol;
    unsigned inside, outside;
};
struct group { /* of one address and protocol */
    struct shown first;
    unsigned last;
};
struct groups {
    CB_VEC(struct group) open;
    struct cb_strbuf text, single;
};

static int by_place(const void *a, const void *b)
{
    const struct shown *x = a, *y = b;
    int order;

    if (x->inside != y->inside)
        return x->inside < y->inside ? -1 : 1;
    order = strcmp(x->ip, y->ip);
    if (order)
        return order;
    if (x->outside != y->outside)
        return x->outside < y->outside ? -1 : 1;
    return strcmp(x->protocol, y->protocol);
}

static const char *comma(const struct cb_strbuf *text)
{
    return text->len ? ", " : "";
}

static void add_group(struct cb_strbuf *text, const struct group *group)
{
    const struct shown *first = &group->first;
    cb_autofree char *range = group->last == first->inside
                                  ? xasprintf("%u", first->inside)
                                  : xasprintf("%u-%u", first->inside, group->last);

    cb_strbuf_adds(text, comma(text));
    if (*first->ip)
        cb_strbuf_addf(text, "%s:%s->", first->ip, range);
    cb_strbuf_addf(text, "%s/%s", range, first->protocol);
}

static struct group *find_group(struct groups *groups, const struct shown *port)
{
    cb_vec_foreach (group, &groups->open) {
        if (!strcmp(group->first.ip, port->ip) &&
            !strcmp(group->first.protocol, port->protocol))
            return group;
    }
    return NULL;
}

static void add_port(struct groups *groups, const struct shown *port)
{
    struct group *group = find_group(groups, port);

    if (*port->ip && port->inside != port->outside) {
        cb_strbuf_addf(&groups->single, "%s%s:%u->%u/%s", comma(&groups->single),
                       port->ip, port->outside, port->inside, port->protocol);
    } else if (!group) {
        cb_vec_push(&groups->open, ((struct group){*port, port->inside}));
    } else if (port->inside == group->last + 1) {
        group->last++;
    } else {
        add_group(&groups->text, group);
        *group = (struct group){*port, port->inside};
    }
}

static unsigned number_of(const json_t *binding, const char *key)
{
    const char *text = json_string_value(json_object_get(binding, key));

    return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

struct shown_ports {
    struct shown *items;
    size_t count, capacity;
};

/* "80/tcp" and where it is published. */
static void collect(struct shown_ports *out, const char *key, const json_t *bindings)
{
    struct shown port = {.ip = "", .inside = (unsigned)strtoul(key, NULL, 10)};
    const char *slash = strchr(key, '/');

    port.protocol = slash ? slash + 1 : "";
    if (!json_array_size(bindings))
        cb_vec_push(out, port);
    for (size_t i = 0; i < json_array_size(bindings); i++) {
        const json_t *binding = json_array_get(bindings, i);

        port.ip = json_string_value(json_object_get(binding, "HostIp")) ?: "";
        port.outside = number_of(binding, "HostPort");
        cb_vec_push(out, port);
    }
}

char *cb_container_ports_text(const struct cb_container *container)
{
    json_t *ports = container->state.network && cb_container_is_running(container)
                        ? json_object_get(container->state.network, "Ports")
                        : NULL;
    struct shown_ports shown = {0};
    struct groups groups = {0};
    const char *key;
    json_t *bindings;

    json_object_foreach(ports, key, bindings) collect(&shown, key, bindings);
    if (shown.count)
        qsort(shown.items, shown.count, sizeof(*shown.items), by_place);
    cb_vec_foreach (port, &shown)
        add_port(&groups, port);
    cb_vec_foreach (group, &groups.open)
        add_group(&groups.text, group);
    if (groups.single.len)
        cb_strbuf_addf(&groups.text, "%s%s", comma(&groups.text),
                       cb_strbuf_text(&groups.single));
    cb_vec_free(&shown);
    cb_vec_free(&groups.open);
    cb_strbuf_free(&groups.single);
    return cb_strbuf_steal(&groups.text);
}
