/* The interface that is divided. It is one of the host's, unless nobody named one, which
 * gives a pair of interfaces that leads nowhere, or it is that of a VLAN ("eth0.10")
 * which is not there: these two come with the first container and go with the last, as
 * the bridge of a named network does. */
#include "network/direct-priv.h"

#include "base/fs.h"
#include "base/json.h"
#include "network/attach-priv.h"
#include "network/links-priv.h"
#include "network/rtnl-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_MAX_BYTES (1u << 20)
#define MOST_VLAN        4094

/* ── VLANs ── */

struct vlan {
    char parent[IFNAMSIZ];
    unsigned id;
};

static int parse_vlan(const char *name, struct vlan *out, struct cb_error **err)
{
    const char *dot = strchr(name, '.');
    const char *digits = dot ? dot + 1 : "";
    unsigned long id = strtoul(digits, NULL, 10);

    if (!dot || dot == name || strlen(name) >= IFNAMSIZ)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid subinterface vlan name %s, example formatting is "
                            "eth0.10",
                            name);
    if (!*digits || strspn(digits, "0123456789") != strlen(digits))
        return cb_error_set(
            err, CB_ERR_USAGE,
            "unable to parse a valid vlan id from: %s (ex. eth0.10 for vlan 10)", digits);
    if (id < 1 || id > MOST_VLAN)
        return cb_error_set(err, CB_ERR_USAGE,
                            "vlan id must be between 1-4094, received: %s", digits);
    memcpy(out->parent, name, (size_t)(dot - name));
    out->parent[dot - name] = '\0';
    out->id = (unsigned)id;
    return 0;
}

static int make_vlan(int rtnl, const char *name, struct cb_error **err)
{
    struct vlan vlan;
    unsigned parent;

    if (parse_vlan(name, &vlan, err) < 0)
        return -1;
    parent = cb_link_find(rtnl, vlan.parent);
    if (!parent)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "-o parent interface was not found on the host: %s",
                            vlan.parent);
    if (cb_link_make_vlan(rtnl, name, parent, vlan.id, err) < 0)
        return -1;
    return cb_link_bring_up(rtnl, cb_link_find(rtnl, name), err);
}

/* Not every kernel has VLANs: it is tried, rather than found out by the first container.
 */
int cb_direct_check_parent(const char *name, struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int rtnl = -1;

    if (cb_rtnl_open(-1, &rtnl, err) < 0)
        return -1;
    if (strlen(name) < IFNAMSIZ && cb_link_find(rtnl, name))
        return 0;
    if (cb_attach_lock(CB_LOCK_EXCLUSIVE, NULL, &lock, err) < 0 ||
        make_vlan(rtnl, name, err) < 0)
        return -1;
    return cb_link_remove(rtnl, name, err);
}

/* ── Whose it is ── */

static int is_recorded_in(int dir, const char *file, const char *parent)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_json *record = NULL;
    const char *made;

    if (cb_fs_read_file(dir, file, RECORD_MAX_BYTES, &text, NULL) < 0 ||
        cb_json_parse(&record, file, cb_strbuf_text(&text), text.len, RECORD_MAX_BYTES,
                      NULL) < 0)
        return 0;
    made = json_string_value(json_object_get(record, "bridge"));
    return made && strcmp(made, parent) == 0;
}

/* Has somebody who is on the network found it missing? */
static int is_recorded(const struct cb_network_def *def, const char *parent)
{
    cb_autofree char *members = cb_network_members(def);
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int dir = -1;

    if (cb_net_lease_dir(&dir, NULL, NULL) < 0 || cb_fs_list(dir, &names, NULL) < 0)
        return 0;
    cb_vec_foreach (name, &names) {
        const char *dot = strrchr(*name, '.');

        if (strncmp(*name, members, strlen(members)) == 0 && dot &&
            strcmp(dot, ".json") == 0 && is_recorded_in(dir, *name, parent))
            return 1;
    }
    return 0;
}

/* The records are looked at first: who takes one down removes the interface before. */
char *cb_direct_own_parent(const struct cb_network_def *def)
{
    const char *named = cb_direct_named_parent(def);
    cb_autofd int rtnl = -1;

    if (!named)
        return cb_direct_dummy(def);
    if (is_recorded(def, named))
        return xstrdup(named);
    if (cb_rtnl_open(-1, &rtnl, NULL) < 0 || cb_link_find(rtnl, named))
        return NULL;
    return xstrdup(named);
}

/* ── Having it ── */

/* Both ends are up, or nothing would pass between the parts of one. */
static int make_dummy(int rtnl, const char *name, struct cb_error **err)
{
    cb_autofree char *end = xstrdup(name);
    struct cb_veth veth = {.outside = name, .inside = end, .mtu = 1500, .netns = -1};
    cb_autofd int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    unsigned link;

    if (here < 0)
        return cb_error_errno(err, errno, "open `/proc/thread-self/ns/net`");
    end[1] = 'x'; /* "dx-…" */
    veth.netns = here;
    if (cb_link_make_veth(rtnl, &veth, err) < 0)
        return -1;
    link = cb_link_find(rtnl, end);
    return cb_link_bring_up(rtnl, link, err);
}

unsigned cb_direct_have_parent(int rtnl, const struct cb_network_def *def,
                               struct cb_cancel *cancel, struct cb_error **err)
{
    const char *named = cb_direct_named_parent(def);
    cb_autofree char *name = named ? xstrdup(named) : cb_direct_dummy(def);
    cb_auto(cb_lock) lock = NULL;
    unsigned link = cb_link_find(rtnl, name);
    int status;

    if (link || cb_attach_lock(CB_LOCK_EXCLUSIVE, cancel, &lock, err) < 0)
        return link;
    link = cb_link_find(rtnl, name);
    if (link)
        return link;
    status = named ? make_vlan(rtnl, name, err) : make_dummy(rtnl, name, err);
    return status < 0 ? 0 : cb_link_find(rtnl, name);
}
