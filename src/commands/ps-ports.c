/* What `ps` tells of ports, as docker does: those of a row whose number is the same on
 * both sides are one range, those that nobody published have no address. */
#include "commands/ps-ports.h"

#include "base/strbuf.h"
#include "base/vec.h"
#include "commands/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shown {
    long port, host; /* HOST 0: not published */
    const char *ip, *protocol;
    int told;
};
struct row {
    struct shown *items;
    size_t count, capacity;
};

static void add(struct row *row, const char *key, const json_t *binding)
{
    char *end;
    struct shown shown = {.port = strtol(key, &end, 10), .ip = ""};
    const char *ip = json_string_value(json_object_get(binding, "HostIp"));
    const char *host = json_string_value(json_object_get(binding, "HostPort"));

    shown.protocol = *end == '/' ? end + 1 : "tcp";
    if (binding) {
        shown.ip = ip ? ip : "";
        shown.host = host ? strtol(host, NULL, 10) : 0;
    }
    cb_vec_push(row, shown);
}

static int compare(const void *a, const void *b)
{
    const struct shown *one = a, *other = b;
    int order;

    if (one->port != other->port)
        return one->port < other->port ? -1 : 1;
    order = strcmp(one->ip, other->ip);
    if (!order && one->host != other->host)
        return one->host < other->host ? -1 : 1;
    return order ? order : strcmp(one->protocol, other->protocol);
}

/* Is NEXT the one behind LAST, of the same kind? Kinds: not published, or published on
 * the same number of one address. */
static int follows(const struct shown *last, const struct shown *next)
{
    return next->port == last->port + 1 && strcmp(last->ip, next->ip) == 0 &&
           strcmp(last->protocol, next->protocol) == 0 &&
           (next->host == next->port || !*next->ip);
}

static void print(struct cb_strbuf *out, const struct shown *first,
                  const struct shown *last)
{
    cb_autofree char *range = first == last
                                  ? xasprintf("%ld", first->port)
                                  : xasprintf("%ld-%ld", first->port, last->port);

    if (out->len)
        cb_strbuf_adds(out, ", ");
    if (!*first->ip)
        cb_strbuf_addf(out, "%s/%s", range, first->protocol);
    else if (first->host == first->port)
        cb_strbuf_addf(out, "%s:%s->%s/%s", first->ip, range, range, first->protocol);
    else
        cb_strbuf_addf(out, "%s:%ld->%s/%s", first->ip, first->host, range,
                       first->protocol);
}

static int is_range(const struct shown *shown)
{
    return !*shown->ip || shown->host == shown->port;
}

/* FIRST and all that follow it. */
static void print_range(struct cb_strbuf *out, struct row *row, size_t first)
{
    const struct shown *begin = &row->items[first], *last = begin;
    int grows = is_range(begin);

    for (size_t i = first + 1; grows && i < row->count; i++) {
        if (row->items[i].told || !follows(last, &row->items[i]))
            continue;
        last = &row->items[i];
        row->items[i].told = 1;
    }
    print(out, begin, last);
}

char *cb_ps_ports(const struct cb_container *container)
{
    cb_auto_json *ports = cb_inspect_ports(container);
    cb_auto_value(cb_strbuf) text = {0};
    struct row row = {0};
    const char *key;
    json_t *bindings;

    json_object_foreach(ports, key, bindings)
    {
        for (size_t i = 0; i < json_array_size(bindings); i++)
            add(&row, key, json_array_get(bindings, i));
        if (!json_array_size(bindings))
            add(&row, key, NULL);
    }
    if (row.count)
        qsort(row.items, row.count, sizeof(*row.items), compare);
    for (int ranges = 1; ranges >= 0; ranges--)
        for (size_t i = 0; i < row.count; i++)
            if (!row.items[i].told && is_range(&row.items[i]) == ranges)
                print_range(&text, &row, i);
    cb_vec_free(&row);
    return cb_strbuf_steal(&text);
}
