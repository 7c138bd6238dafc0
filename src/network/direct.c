/* Networks of the drivers macvlan and ipvlan: a container's interface is a part of one of
 * the host's, its parent, and the container a neighbour of the host's neighbours. There
 * is no bridge, no rule and no port to publish, and the host itself is not reached by it.
 *
 * The interface is made by one request, in the container's namespace. Who names no parent
 * gets a pair of interfaces that leads nowhere: it comes with the first container and
 * goes with the last, as the bridge of a named network does. */
#include "network/named-priv.h"

#include "network/attach-priv.h"
#include "network/links-priv.h"
#include "network/rtnl-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define PARENT_OPTION "parent"
#define BUSY_WAIT_MS  2000
#define BUSY_STEP_MS  5

/* ── What is asked for ── */

struct mode {
    const char *name;
    unsigned value; /* of the kernel */
};

struct driver {
    const char *name, *option; /* of its mode */
    const char *prefix;        /* of the parent that is made */
    struct mode modes[4];      /* the first is the default one */
    int has_mac;               /* each has a hardware address of its own */
};

static const struct driver drivers[] = {
    {"macvlan",
     "macvlan_mode",
     "dm-",
     {{"bridge", MACVLAN_MODE_BRIDGE},
      {"private", MACVLAN_MODE_PRIVATE},
      {"vepa", MACVLAN_MODE_VEPA},
      {"passthru", MACVLAN_MODE_PASSTHRU}},
     1},
    {"ipvlan",
     "ipvlan_mode",
     "di-",
     {{"l2", IPVLAN_MODE_L2},
      {"l3", IPVLAN_MODE_L3},
      {"l3s", IPVLAN_MODE_L3S},
      {NULL, 0}},
     0},
};

static const struct driver *driver_of(const char *name)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(drivers); i++)
        if (strcmp(drivers[i].name, name) == 0)
            return &drivers[i];
    return NULL;
}

int cb_network_is_direct(const char *driver)
{
    return driver_of(driver) != NULL;
}

/* NULL: there is none of that name. */
static const struct mode *mode_of(const struct cb_network_def *def)
{
    const struct driver *driver = driver_of(def->driver);
    const char *name = cb_env_get(&def->options, driver->option);

    if (!name || !*name)
        return &driver->modes[0];
    for (size_t i = 0; i < CB_ARRAY_SIZE(driver->modes) && driver->modes[i].name; i++)
        if (strcmp(driver->modes[i].name, name) == 0)
            return &driver->modes[i];
    return NULL;
}

/* Is there no way but by the interface: no gateway is asked? */
static int is_routed(const struct cb_network_def *def)
{
    const struct mode *mode = mode_of(def);

    return !driver_of(def->driver)->has_mac && mode && mode->value != IPVLAN_MODE_L2;
}

/* Has each part a hardware address of its own? In passthru mode it has the parent's. */
static int has_mac(const struct cb_network_def *def)
{
    const struct mode *mode = mode_of(def);

    return driver_of(def->driver)->has_mac && mode &&
           mode->value != MACVLAN_MODE_PASSTHRU;
}

/* NULL: nobody named one. */
static const char *named_parent(const struct cb_network_def *def)
{
    const char *name = cb_env_get(&def->options, PARENT_OPTION);

    return name && *name ? name : NULL;
}

static char *own_parent(const struct cb_network_def *def)
{
    return xasprintf("%s%.*s", driver_of(def->driver)->prefix, CB_NETWORK_ID_PART,
                     def->id);
}

static int refuse_without_root(const struct cb_network_def *def, struct cb_error **err)
{
    if (cb_netns_is_ours())
        return 0;
    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "%s networks take root: their parent is an "
                 "interface of the host's",
                 def->driver);
    return cb_error_hint(err, "leave --driver out: the network is a bridge then");
}

static int check_parent(const char *parent, struct cb_error **err)
{
    const char *dot = strchr(parent, '.');
    cb_autofd int rtnl = -1;

    if (cb_rtnl_open(-1, &rtnl, err) < 0)
        return -1;
    if (strlen(parent) < IFNAMSIZ && cb_link_find(rtnl, parent))
        return 0;
    if (!dot)
        return cb_error_set(err, CB_ERR_USAGE,
                            "invalid subinterface vlan name %s, example formatting is "
                            "eth0.10",
                            parent);
    cb_error_set(err, CB_ERR_NOT_FOUND, "there is no interface `%s`", parent);
    return cb_error_hint(err, "make it: ip link add link %.*s name %s type vlan id %s",
                         (int)(dot - parent), parent, parent, dot + 1);
}

int cb_network_direct_check(const struct cb_network_def *def,
                            const struct cb_network_defs *others, struct cb_error **err)
{
    const struct driver *driver = driver_of(def->driver);
    const char *parent = named_parent(def);

    if (!mode_of(def))
        return cb_error_set(
            err, CB_ERR_USAGE,
            "requested %s mode '%s' is not valid, '%s' mode is the %s driver default",
            driver->name, cb_env_get(&def->options, driver->option),
            driver->modes[0].name, driver->name);
    if (parent && strcmp(parent, "lo") == 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "loopback interface is not a valid %s parent link",
                            driver->name);
    for (size_t i = 0; parent && i < others->count; i++) {
        const struct cb_network_def *other = others->items[i];

        if (strcmp(other->driver, def->driver) == 0 && named_parent(other) &&
            strcmp(named_parent(other), parent) == 0)
            return cb_error_set(err, CB_ERR_EXISTS,
                                "network %s%.*s is already using parent interface %s",
                                driver->prefix, CB_NETWORK_ID_PART, other->id, parent);
    }
    if (refuse_without_root(def, err) < 0)
        return -1;
    return parent ? check_parent(parent, err) : 0;
}

/* ── The interface ── */

struct direct {
    struct cb_net_lease *lease;
    json_t *record;
    int netns;
    char *inside; /* the interface, there */
    int is_made;
};

/* It does not wait for the end of its namespace: who gets its addresses next could not
 * come up before. */
static void remove_inside(const struct direct *direct)
{
    cb_autofd int rtnl = -1;

    if (cb_rtnl_open(direct->netns, &rtnl, NULL) == 0)
        cb_link_remove(rtnl, direct->inside, NULL);
}

static void direct_free(struct direct *direct)
{
    if (!direct)
        return;
    if (direct->is_made)
        remove_inside(direct);
    if (direct->lease)
        cb_attach_take_down(&direct->lease, direct->record, 0);
    cb_close(&direct->netns);
    json_decref(direct->record);
    free(direct->inside);
    free(direct);
}
CB_AUTO_DEFINE(direct, direct_free)

/* Both ends are up, or nothing would pass between the parts of one. */
static int make_own_parent(int rtnl, const char *name, struct cb_error **err)
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

/* Its number, 0: with err. */
static unsigned have_parent(int rtnl, const struct cb_network_def *def,
                            struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofree char *own = own_parent(def);
    const char *named = named_parent(def);
    cb_auto(cb_lock) lock = NULL;
    unsigned link = cb_link_find(rtnl, named ? named : own);

    if (link || named) {
        if (!link)
            cb_error_set(err, CB_ERR_NOT_FOUND,
                         "the requested parent interface %s was not found on the host",
                         named);
        return link;
    }
    if (cb_attach_lock(CB_LOCK_EXCLUSIVE, cancel, &lock, err) < 0)
        return 0;
    link = cb_link_find(rtnl, own);
    if (!link && make_own_parent(rtnl, own, err) == 0)
        link = cb_link_find(rtnl, own);
    return link;
}

/* The kernel refuses a hardware address that one has who is just leaving. */
static int bring_up(int netns, const char *name, struct cb_error **err)
{
    cb_autofd int rtnl = -1;

    if (cb_rtnl_open(netns, &rtnl, err) < 0)
        return -1;
    for (int waited = 0;; waited += BUSY_STEP_MS) {
        cb_auto(cb_error) error = NULL;

        if (cb_link_bring_up(rtnl, cb_link_find(rtnl, name), &error) == 0)
            return 0;
        if (cb_error_errnum(error) != EBUSY || waited >= BUSY_WAIT_MS)
            return cb_error_move(err, &error);
        poll(NULL, 0, BUSY_STEP_MS);
    }
}

static int connect_both(const struct cb_network_def *def, struct direct *direct,
                        const struct cb_attachment *attachment, struct cb_cancel *cancel,
                        struct cb_error **err)
{
    struct cb_part part = {.kind = def->driver,
                           .mode = mode_of(def) ? mode_of(def)->value : 0,
                           .inside = direct->inside,
                           .mac = attachment->mac,
                           .netns = direct->netns};
    cb_autofd int rtnl = -1;

    if (cb_rtnl_open(-1, &rtnl, err) < 0)
        return -1;
    part.parent = have_parent(rtnl, def, cancel, err);
    if (!part.parent || cb_link_make_part(rtnl, &part, err) < 0)
        return -1;
    direct->is_made = 1;
    if (bring_up(direct->netns, direct->inside, err) < 0)
        return -1;
    return cb_attach_inside(direct->netns, attachment, err);
}

/* ── In use ── */

static json_t *record_of(const struct cb_network_def *def,
                         const struct cb_attachment *attachment)
{
    json_t *record = cb_attachment_record(attachment, NULL);
    cb_autofree char *own = own_parent(def);
    cb_autofree char *members = cb_network_members(def);

    if (named_parent(def))
        return record;
    json_object_set_new(record, "bridge", json_string(own));
    json_object_set_new(record, "members", json_string(members));
    return record;
}

static void fill_facts(struct cb_network *network, const struct cb_attachment *attachment)
{
    const struct cb_network_subnet *narrow = cb_network_subnet_of(network->def, AF_INET);
    const struct cb_network_subnet *wide = cb_network_subnet_of(network->def, AF_INET6);
    struct cb_network_facts facts = {.address = attachment->ips[0],
                                     .address6 = attachment->ips[1],
                                     .bits = narrow->subnet.bits,
                                     .bits6 = wide ? wide->subnet.bits : 0};

    if (!attachment->is_routed) {
        facts.gateway = narrow->gateway;
        facts.gateway6 = wide ? wide->gateway : facts.gateway6;
    }
    network->facts = facts;
}

static int set_up(struct cb_network *network, int fd, void **state,
                  struct cb_cancel *cancel, struct cb_error **err)
{
    const struct cb_network_def *def = network->def;
    cb_auto(direct) direct = xcalloc(1, sizeof(*direct));
    cb_autofree char *mac = NULL;
    cb_autofree char *text = NULL;
    struct cb_attachment attachment = {.id = network->id ? network->id : def->id,
                                       .name = network->name ? network->name : def->name,
                                       .network = def->name,
                                       .inside = network->interface,
                                       .subnets = def->subnets,
                                       .subnet_count = def->subnet_count,
                                       .internal = def->internal,
                                       .is_routed = is_routed(def),
                                       .is_further = network->joins};

    direct->netns = -1;
    direct->inside = xstrdup(network->interface ? network->interface : "eth0");
    if (refuse_without_root(def, err) < 0 ||
        cb_network_take_addresses(network, attachment.ips, &direct->lease, err) < 0)
        return -1;
    if (has_mac(def))
        mac = cb_network_mac(network, &attachment.ips[0]);
    attachment.mac = mac;
    direct->record = record_of(def, &attachment);
    text = cb_json_dump(direct->record);
    if (cb_net_lease_record(direct->lease, text, err) < 0)
        return -1;
    direct->netns = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (direct->netns < 0)
        return cb_error_errno(err, errno, "duplicate a descriptor");
    if (connect_both(def, direct, &attachment, cancel, err) < 0)
        return -1;
    fill_facts(network, &attachment);
    free(network->mac);
    network->mac = cb_steal(&mac);
    *state = cb_steal(&direct);
    return 0;
}

/* The same where the namespace stays. */
static void tear_down(void *state)
{
    direct_free(state);
}

static int rename_direct(struct cb_network *network, void *state, struct cb_error **err)
{
    struct direct *direct = state;
    cb_autofree char *text = NULL;

    json_object_set_new(direct->record, "name", json_string(network->name));
    text = cb_json_dump(direct->record);
    return cb_net_lease_record(direct->lease, text, err);
}

const struct cb_network_backend cb_backend_direct = {.name = "the host's interfaces",
                                                     .set_up = set_up,
                                                     .tear_down = tear_down,
                                                     .rename = rename_direct};
