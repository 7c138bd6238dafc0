/* Taking down what attach.c has made, by what was recorded then: the same whether it is
 * ours that ends or one of a process that was killed. Each part may be gone already.
 *
 * Most of it costs nothing. The interfaces go with the namespace; rules of a network stay
 * as long as its bridge, and the bridge of containers stays altogether. Removed are the
 * rules of published ports, names, and the bridge of a named network with its last
 * container. */
#include "network/attach-priv.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "network/firewall-priv.h"
#include "network/links-priv.h"
#include "network/names-priv.h"
#include "network/rtnl-priv.h"

#include <string.h>
#include <sys/socket.h>

#define SWEEP_LOCK "sweep"

static const int families[] = {AF_INET, AF_INET6};

/* ── What is recorded ── */

static json_t *join_json(const struct cb_attachment *attachment)
{
    json_t *ips = json_array(), *object;
    char text[CB_IP_MAX_TEXT];

    for (size_t i = 0; i < CB_ARRAY_SIZE(attachment->ips); i++)
        if (attachment->ips[i].family)
            json_array_append_new(ips,
                                  json_string(cb_ip_text(&attachment->ips[i], text)));
    object = json_pack("{s:o}", "ips", ips);
    if (attachment->mac)
        json_object_set_new(object, "mac", json_string(attachment->mac));
    return object;
}

static json_t *rules_json(const struct cb_attachment *attachment,
                          void (*add)(struct cb_rules *, const struct cb_attachment *))
{
    json_t *array = json_array();

    for (size_t i = 0; i < CB_ARRAY_SIZE(families); i++) {
        cb_auto_value(cb_rules) rules = {.family = families[i]};

        add(&rules, attachment);
        json_array_append_new(array, cb_rules_json(&rules));
    }
    return array;
}

/* OUTER: the name of the interface on our side, or NULL. */
json_t *cb_attachment_record(const struct cb_attachment *attachment, const char *outer)
{
    json_t *record =
        json_pack("{s:s,s:s,s:o,s:s?,s:o,s:o}", "id", attachment->id, "name",
                  attachment->name, "join", join_json(attachment), "link", outer, "rules",
                  rules_json(attachment, cb_attachment_add_own), "bridge_rules",
                  rules_json(attachment, cb_attachment_add_kept));

    if (attachment->names)
        json_object_set_new(record, "names", json_string(attachment->network));
    if (attachment->members && !attachment->stays) {
        json_object_set_new(record, "bridge", json_string(attachment->interface));
        json_object_set_new(record, "members", json_string(attachment->members));
    }
    return record;
}

void cb_attachment_record_ports(json_t *record, const struct cb_attachment *attachment)
{
    json_object_set_new(record, "rules", rules_json(attachment, cb_attachment_add_own));
}

static const char *recorded(const json_t *record, const char *key)
{
    return json_string_value(json_object_get(record, key));
}

/* ── Taking down ── */

static void remove_rules(const json_t *record, const char *key)
{
    const json_t *array = json_object_get(record, key);

    for (size_t i = 0; i < CB_ARRAY_SIZE(families); i++) {
        cb_auto_value(cb_rules) rules = {.family = families[i]};

        cb_rules_read(&rules, json_array_get(array, i));
        cb_firewall_remove(&rules);
    }
}

int cb_attach_has_others(const struct cb_net_lease *lease, const char *members)
{
    cb_auto_value(cb_strings) names = {0};
    const char *own = lease ? cb_net_lease_record_name(lease) : "";
    cb_autofd int dir = -1;

    if (cb_net_lease_dir(&dir, NULL, NULL) < 0 || cb_fs_list(dir, &names, NULL) < 0)
        return 1;
    cb_vec_foreach (name, &names) {
        const char *dot = strrchr(*name, '.');

        if (strncmp(*name, members, strlen(members)) == 0 && dot &&
            strcmp(dot, ".json") == 0 && strcmp(*name, own) != 0)
            return 1;
    }
    return 0;
}

/* The rules first: where the bridge is gone, they are. */
static int remove_bridge(struct cb_net_lease *lease, const json_t *record, int rtnl,
                         struct cb_error **err)
{
    const char *bridge = recorded(record, "bridge");
    const char *members = recorded(record, "members");
    cb_auto(cb_lock) lock = NULL;

    if (!bridge || !members)
        return 0;
    if (cb_attach_lock(CB_LOCK_EXCLUSIVE, NULL, &lock, err) < 0)
        return -1;
    if (!cb_attach_has_others(lease, members)) {
        remove_rules(record, "bridge_rules");
        if (cb_link_remove(rtnl, bridge, err) < 0)
            return -1;
    }
    cb_net_lease_forget(lease);
    return 0;
}

/* NOW: the interface is not to wait for the end of its namespace. */
void cb_attach_take_down(struct cb_net_lease **lease, const json_t *record, int now)
{
    const char *link = recorded(record, "link");
    const char *names = recorded(record, "names");
    const char *id = recorded(record, "id");
    cb_auto(cb_error) error = NULL;
    cb_autofd int rtnl = -1;

    remove_rules(record, "rules");
    if (names && id)
        cb_names_remove(names, id);
    if (cb_rtnl_open(-1, &rtnl, &error) == 0) {
        if (link && !now)
            cb_link_mute(rtnl, link);
        if ((!link || !now || cb_link_remove(rtnl, link, &error) == 0) &&
            remove_bridge(*lease, record, rtnl, &error) == 0) {
            cb_net_lease_end(cb_steal(lease));
            return;
        }
    }
    cb_warn("%s", cb_error_message(error));
    cb_net_lease_abandon(cb_steal(lease));
}

/* ── What others have left ── */

static void sweep(const char *name)
{
    cb_auto(cb_net_lease) lease = NULL;
    cb_autofree char *text = NULL;
    cb_auto_json *record = NULL;

    if (cb_net_lease_try(&lease, name, NULL) <= 0)
        return;
    text = cb_net_lease_recorded(lease);
    record = text ? json_loads(text, 0, NULL) : NULL;
    if (record)
        cb_attach_take_down(&lease, record, 1);
}

/* One at a time: what another is taking down is down when this returns, and not busy. */
void cb_attach_sweep(void)
{
    cb_auto_value(cb_strings) names = {0};
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    if (!cb_netns_is_ours())
        return;
    cb_net_lease_sweep_dirs();
    if (cb_net_lease_dir(&dir, NULL, NULL) < 0 ||
        cb_lock_take(&lock, dir, SWEEP_LOCK, CB_LOCK_EXCLUSIVE, NULL, NULL) < 0 ||
        cb_fs_list(dir, &names, NULL) < 0)
        return;
    cb_vec_foreach (name, &names) {
        char *dot = strrchr(*name, '.');

        if (!dot || strcmp(dot, ".json") != 0)
            continue;
        *dot = '\0';
        if (!cb_lock_is_held(dir, *name))
            sweep(*name);
    }
}

/* ── What stays ── */

int cb_attach_remove_bridge(const char *interface, const char *members,
                            const struct cb_network_subnet *subnets, size_t subnet_count,
                            struct cb_error **err)
{
    const struct cb_attachment attachment = {.interface = interface,
                                             .members = members,
                                             .subnets = subnets,
                                             .subnet_count = subnet_count};
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int rtnl = -1;

    if (cb_attach_lock(CB_LOCK_EXCLUSIVE, NULL, &lock, err) < 0 ||
        cb_rtnl_open(-1, &rtnl, err) < 0)
        return -1;
    if (cb_attach_has_others(NULL, members))
        return 0;
    for (size_t i = 0; i < CB_ARRAY_SIZE(families); i++) {
        cb_auto_value(cb_rules) rules = {.family = families[i]};

        cb_attachment_add_kept(&rules, &attachment);
        cb_firewall_remove(&rules);
    }
    if (cb_link_remove(rtnl, interface, err) < 0)
        return -1;
    if (!cb_attach_has_others(NULL, ""))
        for (size_t i = 0; i < CB_ARRAY_SIZE(families); i++)
            cb_firewall_remove_all(families[i]);
    return 0;
}
