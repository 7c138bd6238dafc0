/* Who is on a network: those whose leases are held, with what was recorded when they
 * joined. */
#include "network/named-priv.h"

#include "base/fs.h"
#include "base/text.h"
#include "network/hub-priv.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define RECORD_MAX_BYTES (1u << 20)

void cb_network_endpoints_free(struct cb_network_endpoints *endpoints)
{
    cb_vec_foreach (endpoint, endpoints) {
        free(endpoint->id);
        free(endpoint->name);
        free(endpoint->mac);
        cb_strings_free(&endpoint->aliases);
    }
    cb_vec_free(endpoints);
}

static void note_address(const struct cb_network_def *def, const char *text,
                         struct cb_network_endpoint *endpoint)
{
    const struct cb_network_subnet *subnet;
    struct cb_ip ip;
    int is_ipv6;

    if (!text || cb_ip_parse(&ip, text) < 0)
        return;
    is_ipv6 = ip.family == AF_INET6;
    subnet = cb_network_subnet_with(def, &ip);
    cb_ip_text(&ip, is_ipv6 ? endpoint->ip6 : endpoint->ip);
    *(is_ipv6 ? &endpoint->bits6 : &endpoint->bits) = subnet ? subnet->subnet.bits : 0;
}

/* What was recorded when it joined. */
static void add_endpoint(const struct cb_network_def *def, json_t *record,
                         struct cb_network_endpoints *out)
{
    struct cb_network_endpoint endpoint = {0};
    const char *id = json_string_value(json_object_get(record, "id"));
    const char *name = json_string_value(json_object_get(record, "name"));
    json_t *join = json_object_get(record, "join");
    json_t *ips = json_object_get(join, "ips");
    json_t *aliases = json_object_get(record, "aliases");

    if (!id || !name)
        return;
    endpoint.id = xstrdup(id);
    endpoint.name = xstrdup(name);
    endpoint.mac = xstrdup(json_string_value(json_object_get(join, "mac")));
    for (size_t i = 0; i < json_array_size(ips); i++)
        note_address(def, json_string_value(json_array_get(ips, i)), &endpoint);
    for (size_t i = 0; i < json_array_size(aliases); i++)
        cb_strings_add(&endpoint.aliases, json_string_value(json_array_get(aliases, i)));
    cb_vec_push(out, endpoint);
}

/* One with a record has joined; one without is about to. Nothing is taken to find out:
 * who wants the address in this moment would find it busy. */
static void look_at(const struct cb_network_def *def, int dir, const char *name,
                    struct cb_network_endpoints *out)
{
    cb_autofree char *file = xasprintf("%s.json", name);
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_json *record = NULL;

    if (!cb_lock_is_held(dir, name))
        return;
    if (cb_fs_read_file(dir, file, RECORD_MAX_BYTES, &text, NULL) < 0)
        out->joining++;
    else if (cb_json_parse(&record, file, cb_strbuf_text(&text), text.len,
                           RECORD_MAX_BYTES, NULL) == 0)
        add_endpoint(def, record, out);
}

static void collect(const struct cb_network_def *def, struct cb_network_endpoints *out)
{
    cb_autofree char *prefix = cb_network_members(def);
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int dir = -1;

    if (cb_net_lease_dir(&dir, NULL, NULL) < 0 || cb_fs_list(dir, &names, NULL) < 0)
        return;
    cb_vec_foreach (name, &names)
        if (strncmp(*name, prefix, strlen(prefix)) == 0 && !cb_ends_with(*name, ".json"))
            look_at(def, dir, *name, out);
}

struct search {
    const struct cb_network_def *def;
    struct cb_network_endpoints *out;
};

static int collect_there(void *arg)
{
    struct search *search = arg;

    collect(search->def, search->out);
    return 0;
}

/* Here, or in the hub. */
void cb_network_endpoints(const struct cb_network_def *def,
                          struct cb_network_endpoints *out)
{
    struct search search = {.def = def, .out = out};
    cb_auto(cb_hub) hub = NULL;
    int fd;

    if (!def->subnet_count)
        return;
    if (cb_netns_is_ours()) {
        collect(def, out);
        return;
    }
    if (cb_hub_open(&hub, NULL) < 0)
        return;
    fd = cb_hub_look(hub);
    if (fd >= 0)
        cb_netns_call(fd, collect_there, &search, NULL);
}
