/* EXPOSE: words are expanded, split at blanks, and each is a port or a range of ports
 * with a protocol. The forms with a host's port or address, which `docker run -p` knows,
 * are taken for their container port. */
#include "frontend/checks-priv.h"
#include "frontend/convert-priv.h"
#include "frontend/scope-priv.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct range {
    unsigned first, last;
    const char *protocol;
};

static int parse_port(const char *text, size_t len, unsigned *out)
{
    unsigned value = 0;

    if (!len || len > 5)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -1;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    if (value > 65535)
        return -1;
    *out = value;
    return 0;
}

/* "8000-8010" or "80" */
static int parse_ports(const char *text, size_t len, struct range *out)
{
    const char *dash = memchr(text, '-', len);
    size_t first = dash ? (size_t)(dash - text) : len;

    if (parse_port(text, first, &out->first) < 0)
        return -1;
    out->last = out->first;
    if (dash && parse_port(dash + 1, len - first - 1, &out->last) < 0)
        return -1;
    return out->last < out->first ? -1 : 0;
}

static const char *parse_protocol(const char *text)
{
    static const char *const known[] = {"tcp", "udp", "sctp"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(known); i++) {
        if (!strcasecmp(text, known[i]))
            return known[i];
    }
    return *text ? NULL : "tcp";
}

static int bad_spec(const char *spec, const char *what, const char *part, size_t len,
                    struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_SYNTAX, "invalid port `%s`: %s `%.*s`", spec, what,
                        (int)len, part);
}

static int is_address(const char *text, size_t len)
{
    struct in6_addr address;
    char copy[INET6_ADDRSTRLEN];

    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= sizeof(copy))
        return 0;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return !len || inet_pton(AF_INET, copy, &address) == 1 ||
           inet_pton(AF_INET6, copy, &address) == 1;
}

/* "[ADDRESS:]PORT" of the host, of LEN bytes, which means nothing in an image but has to
 * be right. Several ports of the host are all right for one of the container. */
static int check_host(const char *spec, size_t len, const struct range *container,
                      struct cb_error **err)
{
    const char *colon = memrchr(spec, ':', len);
    const char *port = colon ? colon + 1 : spec;
    size_t port_len = len - (size_t)(port - spec);
    struct range host;

    if (colon && !is_address(spec, (size_t)(colon - spec)))
        return bad_spec(spec, "invalid IP address", spec, (size_t)(colon - spec), err);
    if (!port_len)
        return 0;
    if (parse_ports(port, port_len, &host) < 0)
        return bad_spec(spec, "invalid hostPort", port, port_len, err);
    if (container->last != container->first &&
        host.last - host.first != container->last - container->first)
        return bad_spec(spec, "as many ports of the host are needed, not", port, port_len,
                        err);
    return 0;
}

static void warn_of(struct cb_stage *stage, const struct cb_item *item, const char *spec,
                    const char *protocol, const struct range *range)
{
    if (*protocol && strcmp(protocol, range->protocol))
        cb_checks_warn_item(
            stage, item, "ExposeProtoCasing",
            "Defined protocol '%s' in EXPOSE instruction should be lowercase", spec);
    if (strchr(spec, ':'))
        cb_checks_warn_item(
            stage, item, "ExposeInvalidFormat",
            "EXPOSE instruction should not define an IP address or host-port "
            "mapping, found '%s'",
            spec);
}

static int parse_spec(struct cb_stage *stage, const struct cb_item *item,
                      const char *spec, struct range *out, struct cb_error **err)
{
    const char *colon = strrchr(spec, ':');
    const char *port = colon ? colon + 1 : spec;
    size_t len = strcspn(port, "/");
    const char *protocol = port[len] ? port + len + 1 : "";

    out->protocol = parse_protocol(protocol);
    if (!out->protocol) {
        cb_error_set(err, CB_ERR_SYNTAX, "invalid port `%s`: invalid proto: %s", spec,
                     protocol);
        return cb_error_hint(err, "expected tcp, udp or sctp");
    }
    if (parse_ports(port, len, out) < 0)
        return cb_error_set(
            err, CB_ERR_SYNTAX,
            "invalid port `%s`: expected a number from 0 to 65535, or a range "
            "of them",
            spec);
    if (colon && check_host(spec, (size_t)(colon - spec), out, err) < 0)
        return -1;
    warn_of(stage, item, spec, protocol, out);
    return 0;
}

static int count_ports(struct cb_stage *stage, const struct range *range,
                       struct cb_error **err)
{
    stage->port_count += range->last - range->first + 1;
    if (stage->port_count <= CB_MAX_PORTS)
        return 0;
    return cb_error_set(err, CB_ERR_UNSUPPORTED,
                        "EXPOSE names more than %d ports in a stage", CB_MAX_PORTS);
}

/* A map finds doubles quickly: EXPOSE 0-65535 is legal. */
static void add_ports(struct cb_map *known, const struct range *range,
                      struct cb_strings *out)
{
    char text[32];

    for (unsigned port = range->first; port <= range->last; port++) {
        snprintf(text, sizeof(text), "%u/%s", port, range->protocol);
        if (cb_map_has(known, text))
            continue;
        cb_map_set(known, text, known);
        cb_strings_add(out, text);
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* As Go prints a map: keys sorted. */
static void add_history(struct cb_stage *stage, struct cb_strings *ports)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (ports->count)
        qsort(ports->items, ports->count, sizeof(*ports->items), compare);
    cb_strbuf_adds(&text, "EXPOSE map[");
    for (size_t i = 0; i < ports->count; i++)
        cb_strbuf_addf(&text, i ? " %s:{}" : "%s:{}", ports->items[i]);
    cb_strbuf_addc(&text, ']');
    cb_config_history(stage, cb_strbuf_text(&text), 0, 0);
}

static void expose(struct cb_image_config *config, const struct cb_strings *ports)
{
    cb_auto(cb_map) known = cb_map_new(NULL);

    for (size_t i = 0; i < config->exposed_ports.count; i++)
        cb_map_set(known, config->exposed_ports.items[i], known);
    for (size_t i = 0; i < ports->count; i++) {
        if (!cb_map_has(known, ports->items[i]))
            cb_strings_add(&config->exposed_ports, ports->items[i]);
    }
}

int cb_convert_expose(struct cb_stage *stage, const struct cb_item *item,
                      struct cb_error **err)
{
    const struct cb_words *words = &item->inst->words;
    cb_auto(cb_map) known = cb_map_new(NULL);
    cb_auto_value(cb_strings) ports = {0};

    for (size_t i = 0; i < words->count; i++) {
        cb_auto_value(cb_strings) specs = {0};

        if (cb_scope_expand_split(stage, item, &words->items[i], &specs, err) < 0)
            return -1;
        for (size_t n = 0; n < specs.count; n++) {
            struct range range;

            if (parse_spec(stage, item, specs.items[n], &range, err) < 0 ||
                count_ports(stage, &range, err) < 0)
                return cb_error_at(err, item->source, words->items[i].span);
            add_ports(known, &range, &ports);
        }
    }
    expose(stage->config, &ports);
    add_history(stage, &ports);
    return 0;
}
