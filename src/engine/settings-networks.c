/* "default-address-pools" and "default-network-opts" of the networks that `network
 * create` makes; "mtu" and what else there is of the bridge of containers, in the words
 * of those options. */
#include "engine/settings-priv.h"

#include "network/address.h"
#include "network/named.h"

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_POOLS    100
#define LEAST_SUBNET 30 /* two addresses to give */
#define LEAST_MTU    68
#define MOST_MTU     65535

/* {"base": "10.20.0.0/16", "size": 24} */
static int add_pool(struct cb_settings *settings, const struct cb_json *pool,
                    struct cb_error **err)
{
    struct cb_json base = cb_json_member(pool, "base");
    struct cb_json size = cb_json_member(pool, "size");
    struct cb_cidr cidr;
    const char *text;
    int64_t bits;

    if (cb_json_expect_object(pool, err) < 0 ||
        cb_json_required_string(&base, &text, err) < 0 ||
        cb_json_required_int64(&size, &bits, err) < 0)
        return -1;
    if (cb_cidr_parse(&cidr, text) < 0)
        return cb_settings_fail(&base, err, "`%s` is not a range of addresses", text);
    if (cidr.ip.family != AF_INET) {
        if (!cb_strings_contain(&settings->unused, "default-address-pools"))
            cb_strings_add(&settings->unused, "default-address-pools");
        return 0;
    }
    if (bits < cidr.bits || bits > LEAST_SUBNET)
        return cb_settings_fail(&size, err, "expected %u to %d", cidr.bits, LEAST_SUBNET);
    cb_strings_addf(&settings->address_pools, "%s=%" PRId64, text, bits);
    return 0;
}

int cb_settings_address_pools(struct cb_settings *settings, const struct cb_json *value,
                              struct cb_error **err)
{
    size_t count;

    cb_strings_free(&settings->address_pools);
    settings->address_pools = (struct cb_strings){0};
    if (cb_json_count(value, MAX_POOLS, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct cb_json pool = cb_json_item(value, i);

        if (add_pool(settings, &pool, err) < 0)
            return -1;
    }
    return 0;
}

/* {"bridge": {"com.docker.network.driver.mtu": "1234"}}: other drivers are not here. */
int cb_settings_network_opts(struct cb_settings *settings, const struct cb_json *value,
                             struct cb_error **err)
{
    struct cb_json bridge;
    const char *key, *text;
    json_t *item;

    if (cb_json_expect_object(value, err) < 0)
        return -1;
    bridge = cb_json_member(value, "bridge");
    cb_strings_free(&settings->bridge_options);
    settings->bridge_options = (struct cb_strings){0};
    if (cb_json_is_absent(&bridge))
        return 0;
    if (cb_json_expect_object(&bridge, err) < 0)
        return -1;
    json_object_foreach(bridge.value, key, item)
    {
        struct cb_json field = cb_json_member(&bridge, key);

        if (cb_json_required_string(&field, &text, err) < 0)
            return -1;
        cb_strings_addf(&settings->bridge_options, "%s=%s", key, text);
    }
    return 0;
}

static void set_own(struct cb_settings *settings, const char *option, const char *value)
{
    cb_env_set(&settings->own_bridge, option, value);
}

static int take_switch(struct cb_settings *settings, const char *option,
                       const struct cb_json *value, struct cb_error **err)
{
    int is_on;

    if (cb_json_bool(value, &is_on, err) < 0)
        return -1;
    set_own(settings, option, is_on ? "true" : "false");
    return 0;
}

int cb_settings_icc(struct cb_settings *settings, const struct cb_json *value,
                    struct cb_error **err)
{
    return take_switch(settings, CB_ICC_OPTION, value, err);
}

int cb_settings_masquerade(struct cb_settings *settings, const struct cb_json *value,
                           struct cb_error **err)
{
    return take_switch(settings, CB_MASQUERADE_OPTION, value, err);
}

/* The bridge's own address, and its subnet: "192.168.5.1/24". */
int cb_settings_bip(struct cb_settings *settings, const struct cb_json *value,
                    struct cb_error **err)
{
    struct cb_cidr own, subnet;
    struct cb_ip last;
    const char *text;

    if (cb_json_required_string(value, &text, err) < 0)
        return -1;
    if (!*text)
        return 0;
    if (!strchr(text, '/') || cb_cidr_parse(&own, text) < 0 || own.ip.family != AF_INET ||
        own.bits > LEAST_SUBNET)
        return cb_settings_fail(value, err, "expected ADDRESS/BITS of IPv4");
    subnet = cb_cidr_network(&own);
    last = cb_cidr_last(&subnet);
    if (cb_ip_equal(&own.ip, &subnet.ip) || cb_ip_equal(&own.ip, &last))
        return cb_settings_fail(value, err, "`%s` is no address of the bridge's own",
                                text);
    set_own(settings, CB_BRIDGE_IP_OPTION, text);
    return 0;
}

int cb_settings_fixed_cidr(struct cb_settings *settings, const struct cb_json *value,
                           struct cb_error **err)
{
    struct cb_cidr range;
    const char *text;

    if (cb_json_required_string(value, &text, err) < 0)
        return -1;
    if (*text && (cb_cidr_parse(&range, text) < 0 || range.ip.family != AF_INET))
        return cb_settings_fail(value, err, "`%s` is not a range of IPv4 addresses",
                                text);
    if (*text)
        set_own(settings, CB_BRIDGE_RANGE_OPTION, text);
    return 0;
}

/* Where ports are published that do not say it. */
int cb_settings_ip(struct cb_settings *settings, const struct cb_json *value,
                   struct cb_error **err)
{
    struct cb_ip ip;
    const char *text;

    if (cb_json_required_string(value, &text, err) < 0)
        return -1;
    if (*text && (cb_ip_parse(&ip, text) < 0 || ip.family != AF_INET))
        return cb_settings_fail(value, err, "`%s` is not an IPv4 address", text);
    if (*text && strcmp(text, "0.0.0.0") != 0)
        set_own(settings, CB_BINDING_OPTION, text);
    return 0;
}

int cb_settings_mtu(struct cb_settings *settings, const struct cb_json *value,
                    struct cb_error **err)
{
    cb_autofree char *text = NULL;
    int64_t mtu;

    if (cb_json_required_int64(value, &mtu, err) < 0)
        return -1;
    if (mtu && (mtu < LEAST_MTU || mtu > MOST_MTU))
        return cb_settings_fail(value, err, "expected %d to %d", LEAST_MTU, MOST_MTU);
    text = xasprintf("%" PRId64, mtu);
    if (mtu)
        set_own(settings, CB_MTU_OPTION, text);
    return 0;
}
