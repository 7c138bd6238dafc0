/* What people ask of networks of the drivers macvlan and ipvlan, checked in docker's
 * words. */
#include "network/direct-priv.h"

#include <linux/if_link.h>
#include <string.h>

#define PARENT_OPTION "parent"

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

struct cb_direct_kind cb_direct_kind(const struct cb_network_def *def)
{
    const struct driver *driver = driver_of(def->driver);
    const struct mode *mode = mode_of(def);
    struct cb_direct_kind kind = {.mode = mode ? mode->value : 0};

    if (driver->has_mac)
        kind.has_mac = mode && mode->value != MACVLAN_MODE_PASSTHRU;
    else
        kind.is_routed = mode && mode->value != IPVLAN_MODE_L2;
    return kind;
}

const char *cb_direct_named_parent(const struct cb_network_def *def)
{
    const char *name = cb_env_get(&def->options, PARENT_OPTION);

    return name && *name ? name : NULL;
}

char *cb_direct_dummy(const struct cb_network_def *def)
{
    return xasprintf("%s%.*s", driver_of(def->driver)->prefix, CB_NETWORK_ID_PART,
                     def->id);
}

int cb_direct_check_root(const struct cb_network_def *def, struct cb_error **err)
{
    if (cb_netns_is_ours())
        return 0;
    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "%s networks take root: their parent is an "
                 "interface of the host's",
                 def->driver);
    return cb_error_hint(err, "leave --driver out: the network is a bridge then");
}

int cb_network_direct_check(const struct cb_network_def *def,
                            const struct cb_network_defs *others, struct cb_error **err)
{
    const struct driver *driver = driver_of(def->driver);
    const char *parent = cb_direct_named_parent(def);

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

        if (strcmp(other->driver, def->driver) == 0 && cb_direct_named_parent(other) &&
            strcmp(cb_direct_named_parent(other), parent) == 0)
            return cb_error_set(err, CB_ERR_EXISTS,
                                "network %s%.*s is already using parent interface %s",
                                driver->prefix, CB_NETWORK_ID_PART, other->id, parent);
    }
    if (cb_direct_check_root(def, err) < 0)
        return -1;
    return parent ? cb_direct_check_parent(parent, err) : 0;
}
