/* The first of a container's networks is set with options of their own, the others only
 * with the long syntax; from here on they are all written in the long one. */
#include "container/joins.h"

#include "base/text.h"
#include "container/links.h"

#include <string.h>

void cb_join_clear(struct cb_join *join)
{
    free(join->network);
    free(join->ip);
    free(join->ip6);
    free(join->mac);
    cb_strings_free(&join->aliases);
    cb_strings_free(&join->links);
    *join = (struct cb_join){0};
}

void cb_joins_clear(struct cb_joins *joins)
{
    cb_vec_foreach (join, joins)
        cb_join_clear(join);
    cb_vec_free(joins);
}

static void set(char **field, const char *text)
{
    free(*field);
    *field = xstrdup(text);
}

static int invalid(const char *text, const char *what, const char *field,
                   struct cb_error **err)
{
    return cb_error_argument(err, text, "--network", "%s%s", what, field);
}

static int read_field(struct cb_join *out, const char *text, const char *field,
                      struct cb_error **err)
{
    const char *equals = strchr(field, '=');
    cb_autofree char *key = xstrndup(field, strcspn(field, "="));
    const char *value = equals ? equals + 1 : "";

    if (!equals || !*value)
        return invalid(text, "invalid field ", field, err);
    if (strcmp(key, "name") == 0)
        set(&out->network, value);
    else if (strcmp(key, "alias") == 0)
        cb_strings_add(&out->aliases, value);
    else if (strcmp(key, "link") == 0)
        cb_strings_add(&out->links, value);
    else if (strcmp(key, "ip") == 0)
        set(&out->ip, value);
    else if (strcmp(key, "ip6") == 0)
        set(&out->ip6, value);
    else if (strcmp(key, "mac-address") == 0)
        set(&out->mac, value);
    else if (strcmp(key, "driver-opt") && strcmp(key, "gw-priority"))
        return invalid(text, "invalid key ", key, err);
    return 0;
}

int cb_join_parse(struct cb_join *out, const char *text, struct cb_error **err)
{
    cb_auto_value(cb_strings) fields = {0};

    if (!strchr(text, '=')) {
        set(&out->network, !*text || !strcmp(text, "default") ? "bridge" : text);
        return 0;
    }
    if (cb_csv_split(&fields, text, err) < 0)
        return -1;
    cb_vec_foreach (field, &fields) {
        if (read_field(out, text, *field, err) < 0)
            return -1;
    }
    if (out->network && strcmp(out->network, "default") == 0)
        set(&out->network, "bridge");
    if (!out->network)
        return invalid(text, "network name/id is not specified", "", err);
    return 0;
}

static void add_field(struct cb_strbuf *out, const char *key, const char *value)
{
    if (!value)
        return;
    cb_strbuf_addf(out, "%s\"%s=", out->len ? "," : "", key);
    for (; *value; value++) {
        cb_strbuf_addc(out, *value);
        if (*value == '"')
            cb_strbuf_addc(out, '"');
    }
    cb_strbuf_addc(out, '"');
}

char *cb_join_text(const struct cb_join *join)
{
    struct cb_strbuf out = {0};

    add_field(&out, "name", join->network);
    cb_vec_foreach (alias, &join->aliases)
        add_field(&out, "alias", *alias);
    cb_vec_foreach (link, &join->links)
        add_field(&out, "link", *link);
    add_field(&out, "ip", join->ip);
    add_field(&out, "ip6", join->ip6);
    add_field(&out, "mac-address", join->mac);
    return cb_strbuf_steal(&out);
}

/* ── The command line ── */

static int conflict(const char *option, const char *field, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_USAGE,
                        "conflicting options: cannot specify both %s and per-network %s",
                        option, field);
}

static int merge(struct cb_join *first, const struct cb_run_request *request,
                 struct cb_error **err)
{
    if (request->network_aliases.count && first->aliases.count)
        return conflict("--network-alias", "alias", err);
    if (request->ip && first->ip)
        return conflict("--ip", "IPv4 address", err);
    if (request->ip6 && first->ip6)
        return conflict("--ip6", "IPv6 address", err);
    if (request->mac && first->mac)
        return conflict("--mac-address", "MAC address", err);
    if (request->network_aliases.count)
        cb_strings_copy(&first->aliases, &request->network_aliases);
    if (request->ip)
        set(&first->ip, request->ip);
    if (request->ip6)
        set(&first->ip6, request->ip6);
    if (request->mac)
        set(&first->mac, request->mac);
    return 0;
}

static int is_single(const char *network)
{
    return strcmp(network, "host") == 0 || strcmp(network, "none") == 0 ||
           strncmp(network, "container:", 10) == 0;
}

static int check_together(const struct cb_joins *joins, struct cb_error **err)
{
    cb_vec_foreach (join, joins) {
        if (joins->count > 1 && is_single(join->network))
            return cb_error_set(err, CB_ERR_USAGE,
                                "conflicting options: cannot attach both user-defined "
                                "and non-user-defined network-modes");
        for (const struct cb_join *other = joins->items; other < join; other++)
            if (strcmp(other->network, join->network) == 0)
                return cb_error_set(err, CB_ERR_USAGE,
                                    "network \"%s\" is specified multiple times",
                                    join->network);
    }
    return 0;
}

/* Where there are names a link is one more, for this container alone; on the bridge of
 * all it is what neighbours.c says. */
static int move_links(struct cb_join *first, struct cb_run_request *request,
                      struct cb_error **err)
{
    if (is_single(first->network) || strcmp(first->network, "bridge") == 0)
        return 0;
    if (cb_links_check(&request->links, err) < 0)
        return -1;
    cb_vec_foreach (text, &request->links)
        cb_strings_add(&first->links, *text);
    cb_strings_free(&request->links);
    return 0;
}

int cb_joins_settle(struct cb_run_request *request, struct cb_error **err)
{
    cb_auto_value(cb_joins) joins = {0};

    if (!request->networks.count)
        cb_strings_add(&request->networks, "default");
    cb_vec_foreach (text, &request->networks) {
        struct cb_join join = {0};
        int status = cb_join_parse(&join, *text, err);

        cb_vec_push(&joins, join);
        if (status < 0)
            return -1;
    }
    if (merge(&joins.items[0], request, err) < 0 || check_together(&joins, err) < 0 ||
        move_links(&joins.items[0], request, err) < 0)
        return -1;
    cb_strings_free(&request->networks);
    cb_vec_foreach (join, &joins)
        cb_strings_take(&request->networks, cb_join_text(join));
    set(&request->network_name, joins.items[0].network);
    request->network = request->network_name;
    return 0;
}

int cb_joins_read(struct cb_joins *out, const struct cb_run_request *request,
                  struct cb_error **err)
{
    cb_vec_foreach (text, &request->networks) {
        struct cb_join join = {0};
        int status = cb_join_parse(&join, *text, err);

        cb_vec_push(out, join);
        if (status < 0)
            return -1;
    }
    if (!out->count) {
        struct cb_join join = {.network =
                                   xstrdup(request->network ? request->network : "")};

        cb_vec_push(out, join);
        return merge(&out->items[0], request, err);
    }
    return 0;
}

/* ── Later ── */

char *cb_joins_names(const struct cb_run_request *request)
{
    cb_auto_value(cb_joins) joins = {0};
    struct cb_strbuf out = {0};

    cb_joins_read(&joins, request, NULL);
    cb_vec_foreach (join, &joins) {
        const char *name = *join->network ? join->network : "bridge";

        if (strcmp(name, CB_JOIN_ALONE) != 0 && strncmp(name, "container:", 10) != 0)
            cb_strbuf_addf(&out, "%s%s", out.len ? "," : "", name);
    }
    return cb_strbuf_steal(&out);
}

/* The default one has two names. */
static int is_same(const char *one, const char *other)
{
    one = !*one || strcmp(one, "default") == 0 ? "bridge" : one;
    other = !*other || strcmp(other, "default") == 0 ? "bridge" : other;
    return strcmp(one, other) == 0;
}

static int names(const char *text, const char *network)
{
    cb_auto_value(cb_join) join = {0};

    return cb_join_parse(&join, text, NULL) == 0 && is_same(join.network, network);
}

int cb_joins_has(const struct cb_run_request *request, const char *network)
{
    cb_vec_foreach (text, &request->networks) {
        if (names(*text, network))
            return 1;
    }
    return 0;
}

void cb_joins_remove(struct cb_run_request *request, const char *network)
{
    size_t kept = 0;

    cb_vec_foreach (text, &request->networks) {
        if (names(*text, network))
            free(*text);
        else
            request->networks.items[kept++] = *text;
    }
    request->networks.count = kept;
    if (!kept)
        cb_strings_add(&request->networks, CB_JOIN_ALONE);
}

void cb_joins_add(struct cb_run_request *request, const char *text)
{
    cb_auto_value(cb_join) join = {0};

    if (cb_join_parse(&join, text, NULL) == 0)
        cb_vec_foreach (other, &request->networks) {
            if (!names(*other, join.network))
                continue;
            free(*other);
            *other = xstrdup(text);
            return;
        }
    if (cb_joins_has(request, CB_JOIN_ALONE) && request->networks.count == 1)
        cb_strings_free(&request->networks);
    cb_strings_add(&request->networks, text);
}
