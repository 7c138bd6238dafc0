/* cbuild network create, rm, connect and disconnect. */
#include "commands/network.h"

#include "commands/labels.h"
#include "container/client.h"
#include "container/joins.h"
#include "container/links.h"
#include "store/journal.h"

#include <stdio.h>
#include <string.h>

char *cb_network_state_dir(struct cb_app *app, struct cb_store **store,
                           struct cb_error **err)
{
    if (cb_app_store(app, CB_STORE_CREATE, store, err) < 0)
        return NULL;
    return xasprintf("%s/networks", cb_store_root(*store));
}

/* ── create ── */

struct create_values {
    struct cb_network_wish wish;
    struct cb_strings ipam_options;
    const char *ipam_driver, *scope;
    int ipv4;
};

#define AT(field) offsetof(struct create_values, wish.field)

static const struct cb_option create_options[] = {
    {"attachable", 0, CB_OPTION_FLAG, AT(attachable), NULL,
     "Noted, as docker does; any container may join anyhow"},
    {"aux-address", 0, CB_OPTION_LIST, AT(reserved), "NAME=ADDRESS",
     "An address in a subnet that no container gets"},
    {"config-from", 0, CB_OPTION_TEXT, AT(config_from), "NETWORK",
     "Take subnets, options and labels of this one"},
    {"config-only", 0, CB_OPTION_FLAG, AT(config_only), NULL,
     "What others are made from; no container joins it"},
    {"driver", 'd', CB_OPTION_TEXT, AT(driver), "DRIVER",
     "bridge (the default), macvlan or ipvlan"},
    {"gateway", 0, CB_OPTION_LIST, AT(gateways), "ADDRESS",
     "The host's address in a subnet; else the first one"},
    {"internal", 0, CB_OPTION_FLAG, AT(internal), NULL, "No way to the outside"},
    {"ip-range", 0, CB_OPTION_LIST, AT(ranges), "CIDR",
     "Part of a subnet that containers get addresses from"},
    {"ipam-driver", 0, CB_OPTION_TEXT, offsetof(struct create_values, ipam_driver),
     "DRIVER", NULL},
    {"ipam-opt", 0, CB_OPTION_LIST, offsetof(struct create_values, ipam_options),
     "KEY=VALUE", NULL},
    {"ipv4", 0, CB_OPTION_FLAG, offsetof(struct create_values, ipv4), NULL, NULL},
    {"ipv6", 0, CB_OPTION_FLAG, AT(ipv6), NULL, "An IPv6 subnet as well"},
    {"label", 0, CB_OPTION_LIST, AT(labels), "KEY[=VALUE]", "Note a label"},
    {"opt", 'o', CB_OPTION_LIST, AT(options), "KEY=VALUE",
     "com.docker.network.driver.mtu and those of "
     "com.docker.network.bridge count: name, enable_icc, "
     "enable_ip_masquerade, host_binding_ipv4; of macvlan "
     "and ipvlan parent, macvlan_mode, ipvlan_mode; others "
     "are noted"},
    {"scope", 0, CB_OPTION_TEXT, offsetof(struct create_values, scope), "SCOPE", NULL},
    {"subnet", 0, CB_OPTION_LIST, AT(subnets), "CIDR",
     "Its subnet, and one for IPv6; else a free one is taken"},
    {0},
};

static const struct cb_absent_option create_absent[] = {
    {"ingress", 0, "there is no swarm"},
    {0},
};

void cb_network_tell(struct cb_store *store, const char *action,
                     const struct cb_network_def *def, const char *container)
{
    cb_auto_value(cb_strings) attributes = {0};

    if (container) {
        cb_strings_add(&attributes, "container");
        cb_strings_add(&attributes, container);
    }
    cb_strings_add(&attributes, "name");
    cb_strings_add(&attributes, def->name);
    cb_strings_add(&attributes, "type");
    cb_strings_add(&attributes, def->driver);
    cb_journal_add(store,
                   &(struct cb_journal_entry){"network", action, def->id, &attributes});
}

static int create(struct cb_app *app, const struct cb_network_wish *wish,
                  struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_autofree char *dir = cb_network_state_dir(app, &store, err);
    cb_auto(cb_network_def) def = NULL;
    cb_autofree char *id = NULL;

    if (!dir || cb_networks_create(dir, wish, &id, err) < 0 ||
        cb_networks_find(dir, id, &def, err) < 0)
        return -1;
    cb_network_tell(store, "create", def, NULL);
    printf("%s\n", id);
    return 0;
}

/* What docker can have plugins or a swarm for. */
static int check_kinds(const struct create_values *values, struct cb_error **err)
{
    const char *driver = values->ipam_driver, *scope = values->scope;

    if (driver && *driver && strcmp(driver, "default") != 0)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "plugin \"%s\" not found", driver);
    if (scope && *scope && strcmp(scope, "local") != 0) {
        cb_error_set(err, CB_ERR_UNSUPPORTED,
                     "cannot create a %s scoped network when swarm is not active", scope);
        return cb_error_hint(err, "networks are this host's");
    }
    if (values->ipv4)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "docker's --ipv4=false is not here: each network has an IPv4 "
                        "subnet");
}

/* What the configuration says of networks, where the options say nothing; its options are
 * those of bridges. */
static int add_configured(struct cb_app *app, struct cb_network_wish *wish,
                          struct cb_error **err)
{
    const struct cb_settings *settings;

    if (cb_app_settings(app, &settings, err) < 0)
        return -1;
    cb_strings_copy(&wish->pools, &settings->address_pools);
    if (wish->config_only || wish->config_from ||
        (wish->driver && strcmp(wish->driver, "bridge") != 0))
        return 0;
    cb_vec_foreach (pair, &settings->bridge_options) {
        cb_autofree char *key = xstrndup(*pair, strcspn(*pair, "="));

        if (!cb_env_get(&wish->options, key))
            cb_strings_add(&wish->options, *pair);
    }
    return 0;
}

/* To docker an empty name is none. */
static const char *unless_empty(const char *text)
{
    return text && *text ? text : NULL;
}

/* docker takes these apart at commas, and finds none in an empty one. */
static void split_at_commas(struct cb_strings *list)
{
    cb_auto_value(cb_strings) given = *list;

    *list = (struct cb_strings){0};
    cb_vec_foreach (text, &given) {
        for (const char *at = *text; *at; at += *at == ',') {
            size_t len = strcspn(at, ",");

            cb_strings_take(list, xstrndup(at, len));
            at += len;
        }
    }
}

static int run_create(struct cb_app *app, void *given, const struct cb_strings *args,
                      struct cb_error **err)
{
    struct create_values *values = given;
    int result = -1;

    values->wish.name = args->items[0];
    values->wish.driver = unless_empty(values->wish.driver);
    values->wish.config_from = unless_empty(values->wish.config_from);
    split_at_commas(&values->wish.subnets);
    split_at_commas(&values->wish.gateways);
    split_at_commas(&values->wish.ranges);
    if (cb_labels_check(&values->wish.labels, "--label", err) == 0 &&
        check_kinds(values, err) == 0 && add_configured(app, &values->wish, err) == 0)
        result = create(app, &values->wish, err);
    cb_strings_free(&values->wish.pools); /* no option's, so nobody else does */
    return result;
}

const struct cb_cli_command cb_network_create_command = {
    .name = "network create",
    .summary = "Make a network that containers can join",
    .usage = "network create [OPTIONS] NETWORK",
    .about =
        "Containers on it reach each other by address and name; nothing of it is set\n"
        "up on the host before one joins. Prints the network's id.",
    .options = create_options,
    .absent = create_absent,
    .values_size = sizeof(struct create_values),
    .defaults = &(const struct create_values){.ipv4 = 1},
    .min_args = 1,
    .max_args = 1,
    .act = run_create,
};

/* ── rm ── */

struct remove_values {
    int force;
};

static const struct cb_option remove_options[] = {
    {"force", 'f', CB_OPTION_FLAG, offsetof(struct remove_values, force), NULL,
     "A network that is not there is no error"},
    {0},
};

struct removal {
    struct cb_store *store;
    const char *dir;
    int force;
};

static int remove_one(void *arg, const char *name, struct cb_error **err)
{
    const struct removal *removal = arg;
    cb_auto(cb_network_def) def = NULL;
    cb_auto(cb_error) error = NULL;

    if (cb_networks_find(removal->dir, name, &def, &error) < 0 ||
        cb_networks_remove(removal->dir, name, &error) < 0)
        return removal->force && cb_error_kind(error) == CB_ERR_NOT_FOUND
                   ? 0
                   : cb_error_move(err, &error);
    cb_network_tell(removal->store, "destroy", def, NULL);
    printf("%s\n", name);
    return 0;
}

static int run_remove(struct cb_app *app, void *given, const struct cb_strings *args,
                      struct cb_error **err)
{
    const struct remove_values *values = given;
    cb_auto(cb_store) store = NULL;
    cb_autofree char *dir = cb_network_state_dir(app, &store, err);
    struct removal removal = {.store = store, .dir = dir, .force = values->force};

    return dir ? cb_each_named(args, remove_one, &removal, err) : -1;
}

const struct cb_cli_command cb_network_rm_command = {
    .name = "network rm",
    .summary = "Remove networks that no container is on",
    .usage = "network rm [OPTIONS] NETWORK [NETWORK...]",
    .options = remove_options,
    .values_size = sizeof(struct remove_values),
    .min_args = 1,
    .max_args = -1,
    .act = run_remove,
};

/* ── connect and disconnect ── */

struct connect_values {
    struct cb_strings aliases, links, driver_opts;
    const char *ip, *ip6, *mac;
    int force;
};

static const struct cb_option connect_options[] = {
    {"alias", 0, CB_OPTION_LIST, offsetof(struct connect_values, aliases), "NAME",
     "What others on the network call the container"},
    {"driver-opt", 0, CB_OPTION_LIST, offsetof(struct connect_values, driver_opts),
     "KEY=VALUE", NULL},
    {"ip", 0, CB_OPTION_TEXT, offsetof(struct connect_values, ip), "ADDRESS",
     "Its IPv4 address there"},
    {"ip6", 0, CB_OPTION_TEXT, offsetof(struct connect_values, ip6), "ADDRESS",
     "Its IPv6 address there"},
    {"link", 0, CB_OPTION_LIST, offsetof(struct connect_values, links),
     "CONTAINER[:ALIAS]", "What it calls another on the network"},
    {"mac-address", 0, CB_OPTION_TEXT, offsetof(struct connect_values, mac), "ADDRESS",
     "Its hardware address there"},
    {0},
};

static const struct cb_absent_option connect_absent[] = {
    {"link-local-ip", 0, "give an address of the network with --ip"},
    {"gw-priority", 0, "the first network's gateway is the default one"},
    {0},
};

static const struct cb_option disconnect_options[] = {
    {"force", 'f', CB_OPTION_FLAG, offsetof(struct connect_values, force), NULL,
     "Also what is left of a container that is gone"},
    {0},
};

/* NETWORK by the name it is kept under, whatever it was called. */
static int find_both(struct cb_app *app, const struct cb_strings *args,
                     struct cb_store **store, struct cb_network_def **def,
                     struct cb_container **container, struct cb_error **err)
{
    cb_autofree char *dir = cb_network_state_dir(app, store, err);

    if (!dir || cb_container_find(*store, args->items[1], container, err) < 0)
        return -1;
    return cb_networks_find(dir, args->items[0], def, err);
}

static int check_predefined(const struct cb_network_def *def,
                            const struct connect_values *values, struct cb_error **err)
{
    if (strcmp(def->name, "host") == 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "container cannot be disconnected from host network or "
                            "connected to host network");
    if (strcmp(def->name, "none") == 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "container cannot be connected to multiple networks with one "
                            "of the networks in private (none) mode");
    if (!def->predefined)
        return 0;
    if (values->ip || values->ip6)
        return cb_error_set(err, CB_ERR_USAGE,
                            "user specified IP address is supported on user defined "
                            "networks only");
    if (values->aliases.count)
        return cb_error_set(err, CB_ERR_USAGE,
                            "network-scoped alias is supported only for containers in "
                            "user defined networks");
    return 0;
}

static int connect_to(struct cb_app *app, const struct cb_strings *args,
                      const struct connect_values *values, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_network_def) def = NULL;
    cb_auto(cb_container) container = NULL;
    struct cb_join join = {0};
    cb_autofree char *text = NULL;
    int is_running;

    if (cb_links_check(&values->links, err) < 0 ||
        find_both(app, args, &store, &def, &container, err) < 0 ||
        check_predefined(def, values, err) < 0)
        return -1;
    join = (struct cb_join){.network = def->name,
                            .aliases = values->aliases,
                            .links = values->links,
                            .ip = (char *)values->ip,
                            .ip6 = (char *)values->ip6,
                            .mac = (char *)values->mac};
    text = cb_join_text(&join);
    is_running = cb_container_is_running(container);
    if (cb_container_connect(store, container, text, app->cancel, err) < 0)
        return -1;
    if (is_running) /* else it is when it starts, and told then */
        cb_network_tell(store, "connect", def, container->id);
    return 0;
}

static int run_connect(struct cb_app *app, void *given, const struct cb_strings *args,
                       struct cb_error **err)
{
    struct connect_values *values = given;

    return connect_to(app, args, values, err);
}

/* With --force docker looks for what is left of a container that is gone. Here nothing
 * is: its monitor, or the next who sets a network up, has taken it away. */
static int fail_forced(struct cb_app *app, const struct cb_strings *args,
                       struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_network_def) def = NULL;
    cb_autofree char *dir = cb_network_state_dir(app, &store, err);

    if (!dir || cb_networks_find(dir, args->items[0], &def, err) < 0)
        return -1;
    return cb_error_set(err, CB_ERR_NOT_FOUND, "endpoint %s not found", args->items[1]);
}

static int run_disconnect(struct cb_app *app, void *given, const struct cb_strings *args,
                          struct cb_error **err)
{
    const struct connect_values *values = given;
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_network_def) def = NULL;
    cb_auto(cb_container) container = NULL;
    cb_auto(cb_error) error = NULL;

    if (find_both(app, args, &store, &def, &container, &error) < 0)
        return values->force && !container && cb_error_kind(error) == CB_ERR_NOT_FOUND
                   ? fail_forced(app, args, err)
                   : cb_error_move(err, &error);
    if (cb_container_disconnect(store, container, def->name, app->cancel, err) < 0)
        return -1;
    cb_network_tell(store, "disconnect", def, container->id);
    return 0;
}

const struct cb_cli_command cb_network_connect_command = {
    .name = "network connect",
    .summary = "Connect a container to a network",
    .usage = "network connect [OPTIONS] NETWORK CONTAINER",
    .about = "One that runs gets the network at once, another one when it starts.",
    .options = connect_options,
    .absent = connect_absent,
    .values_size = sizeof(struct connect_values),
    .min_args = 2,
    .max_args = 2,
    .act = run_connect,
};

const struct cb_cli_command cb_network_disconnect_command = {
    .name = "network disconnect",
    .summary = "Disconnect a container from a network",
    .usage = "network disconnect [OPTIONS] NETWORK CONTAINER",
    .options = disconnect_options,
    .values_size = sizeof(struct connect_values),
    .min_args = 2,
    .max_args = 2,
    .act = run_disconnect,
};
