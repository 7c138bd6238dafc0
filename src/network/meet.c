/* Networks of an ordinary user's containers: bridges in the hub, made by the same code
 * as root's in the host's network, by a thread that is there. What the bridge is for
 * them, the way out of all, is the hub's; ports are led in from the host's side by a
 * thread of ours. */
#include "network/hub-priv.h"

#include "network/attach-priv.h"
#include "network/forward.h"
#include "network/named-priv.h"

#include <fcntl.h>
#include <string.h>

struct meeting {
    struct cb_hub *hub;
    int net; /* the hub's; borrowed from it */
    void *state;
    const struct cb_network_backend *way;
    struct cb_forwarder *forwarder;
};

static void leave(struct meeting *meeting);
CB_AUTO_DEFINE(meeting, leave)

static int tear_down_there(void *arg)
{
    struct meeting *meeting = arg;

    meeting->way->tear_down(meeting->state);
    return 0;
}

static void leave(struct meeting *meeting)
{
    if (!meeting)
        return;
    cb_forwarder_stop(meeting->forwarder);
    if (meeting->way)
        cb_netns_call(meeting->net, tear_down_there, meeting, NULL);
    cb_hub_leave(meeting->hub);
    free(meeting);
}

static void tear_down(void *state)
{
    leave(state);
}

static int go_there(void *arg)
{
    struct meeting *meeting = arg;

    meeting->way->leave(meeting->state);
    return 0;
}

/* The interface goes at once. */
static void go(void *state)
{
    struct meeting *meeting = state;

    if (meeting->way->leave)
        cb_netns_call(meeting->net, go_there, meeting, NULL);
}

/* No rule is needed for it. */
static int publish_met(struct cb_network *network, void *state, struct cb_cancel *cancel,
                       struct cb_error **err)
{
    struct meeting *meeting = state;

    return cb_forwarder_start(&meeting->forwarder, &network->ports, network->held.items,
                              meeting->net, &network->facts.address, err);
}

struct renaming {
    struct cb_network *network;
    struct meeting *meeting;
    struct cb_error **err;
};

static int rename_there(void *arg)
{
    struct renaming *renaming = arg;
    struct meeting *meeting = renaming->meeting;

    return meeting->way->rename(renaming->network, meeting->state, renaming->err);
}

static int rename_met(struct cb_network *network, void *state, struct cb_error **err)
{
    struct renaming renaming = {network, state, err};

    return cb_netns_call(renaming.meeting->net, rename_there, &renaming, err);
}

static int names_net(void *state)
{
    const struct meeting *meeting = state;

    return meeting->way->names_net ? fcntl(meeting->net, F_DUPFD_CLOEXEC, 3) : -1;
}

struct joining {
    struct cb_network *network;
    int fd;
    void **state;
    const struct cb_network_backend *way;
    struct cb_cancel *cancel;
    struct cb_error **err;
};

/* No rule is needed for ports. */
static int join_there(void *arg)
{
    struct joining *joining = arg;
    struct cb_network *network = joining->network;
    struct cb_ports ports = network->ports;
    int status;

    cb_attach_sweep();
    network->ports = (struct cb_ports){0};
    status = joining->way->set_up(network, joining->fd, joining->state, joining->cancel,
                                  joining->err);
    network->ports = ports;
    return status;
}

/* Where the host's name servers are on its loopback, the hub's way out asks them. Who
 * knows the names of containers passes other questions on to it. */
static int join_with_resolver(struct joining *joining, struct meeting *meeting)
{
    struct cb_network *network = joining->network;
    const struct cb_ip *resolver = cb_hub_resolver(meeting->hub);
    struct cb_strings given = network->dns, own = {0};
    char text[CB_IP_MAX_TEXT];
    int status;

    if (!resolver->family || given.count)
        return cb_netns_call(meeting->net, join_there, joining, joining->err);
    cb_strings_add(&own, cb_ip_text(resolver, text));
    network->dns = own;
    status = cb_netns_call(meeting->net, join_there, joining, joining->err);
    network->dns = given;
    cb_strings_free(&own);
    if (status == 0 && !network->facts.resolver.family)
        network->facts.resolver = *resolver;
    return status;
}

static int join(struct cb_network *network, const struct cb_network_backend *way, int fd,
                void **state, struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto(meeting) meeting = xcalloc(1, sizeof(*meeting));
    struct joining joining = {.network = network,
                              .fd = fd,
                              .state = &meeting->state,
                              .way = way,
                              .cancel = cancel,
                              .err = err};

    if (cb_hub_open(&meeting->hub, err) < 0 ||
        cb_hub_need(meeting->hub, cancel, &meeting->net, err) < 0)
        return -1;
    if (join_with_resolver(&joining, meeting) < 0)
        return -1;
    meeting->way = way;
    network->facts.gateway = network->facts.host;
    cb_routes_own_address(&network->facts.host);
    if (network->ports.count &&
        cb_forwarder_start(&meeting->forwarder, &network->ports, network->held.items,
                           meeting->net, &network->facts.address, err) < 0)
        return -1;
    *state = cb_steal(&meeting);
    return 0;
}

static int set_up_named(struct cb_network *network, int fd, void **state,
                        struct cb_cancel *cancel, struct cb_error **err)
{
    return join(network, &cb_backend_named, fd, state, cancel, err);
}

static int set_up_shared(struct cb_network *network, int fd, void **state,
                         struct cb_cancel *cancel, struct cb_error **err)
{
    return join(network, &cb_backend_shared, fd, state, cancel, err);
}

const struct cb_network_backend cb_backend_met = {.name = "the hub",
                                                  .set_up = set_up_named,
                                                  .tear_down = tear_down,
                                                  .leave = go,
                                                  .publish = publish_met,
                                                  .rename = rename_met,
                                                  .names_net = names_net};
const struct cb_network_backend cb_backend_met_shared = {.name = "the hub",
                                                         .set_up = set_up_shared,
                                                         .tear_down = tear_down,
                                                         .leave = go,
                                                         .publish = publish_met,
                                                         .rename = rename_met};
