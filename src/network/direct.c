/* Networks of the drivers macvlan and ipvlan: a container's interface is a part of one of
 * the host's, its parent, and the container a neighbour of the host's neighbours. There
 * is no bridge, no rule and no port to publish, and the host itself is not reached by it.
 *
 * The interface is made by one request, in the container's namespace. What such a network
 * is asked to be: direct-options.c; its parent: direct-parent.c. */
#include "network/direct-priv.h"

#include "network/attach-priv.h"
#include "network/links-priv.h"
#include "network/rtnl-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define BUSY_WAIT_MS 2000
#define BUSY_STEP_MS 5

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
                           .mode = cb_direct_kind(def).mode,
                           .inside = direct->inside,
                           .mac = attachment->mac,
                           .netns = direct->netns};
    cb_autofd int rtnl = -1;

    if (cb_rtnl_open(-1, &rtnl, err) < 0)
        return -1;
    part.parent = cb_direct_have_parent(rtnl, def, cancel, err);
    if (!part.parent || cb_link_make_part(rtnl, &part, err) < 0)
        return -1;
    direct->is_made = 1;
    if (bring_up(direct->netns, direct->inside, err) < 0)
        return -1;
    return cb_attach_inside(direct->netns, attachment, err);
}

/* ── In use ── */

/* Its aliases are for the resolvers of the others (resolver-know.c). */
static json_t *record_of(const struct cb_network *network,
                         const struct cb_attachment *attachment)
{
    const struct cb_network_def *def = network->def;
    json_t *record = cb_attachment_record(attachment, NULL);
    json_t *aliases = json_array();
    cb_autofree char *own = cb_direct_own_parent(def);
    cb_autofree char *members = cb_network_members(def);

    cb_vec_foreach (alias, &network->aliases)
        json_array_append_new(aliases, json_string(*alias));
    if (network->hostname)
        json_array_append_new(aliases, json_string(network->hostname));
    json_object_set_new(record, "aliases", aliases);
    if (!own)
        return record;
    json_object_set_new(record, "bridge", json_string(own));
    json_object_set_new(record, "members", json_string(members));
    return record;
}

static void fill_facts(struct cb_network *network, const struct cb_attachment *attachment)
{
    const struct cb_network_subnet *narrow =
        cb_network_subnet_with(network->def, &attachment->ips[0]);
    const struct cb_network_subnet *wide =
        cb_network_subnet_with(network->def, &attachment->ips[1]);
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
    const struct cb_direct_kind kind = cb_direct_kind(def);
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
                                       .is_routed = kind.is_routed,
                                       .is_further = network->joins};

    direct->netns = -1;
    direct->inside = xstrdup(network->interface ? network->interface : "eth0");
    if (cb_direct_check_root(def, err) < 0 ||
        cb_network_take_addresses(network, attachment.ips, &direct->lease, err) < 0)
        return -1;
    if (kind.has_mac)
        mac = cb_network_mac(network, &attachment.ips[0]);
    attachment.mac = mac;
    direct->record = record_of(network, &attachment);
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
