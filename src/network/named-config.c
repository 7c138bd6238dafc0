/* A network that is a configuration only: what others are made from with --config-from.
 * Its subnets, options and labels are noted as they were typed, so two may say the same;
 * what cannot be is found when a network is made from it. */
#include "network/named-priv.h"

#include <string.h>

void cb_network_wish_free(struct cb_network_wish *wish)
{
    cb_strings_free(&wish->subnets);
    cb_strings_free(&wish->gateways);
    cb_strings_free(&wish->ranges);
    cb_strings_free(&wish->reserved);
    cb_strings_free(&wish->labels);
    cb_strings_free(&wish->options);
    cb_strings_free(&wish->pools);
}

int cb_network_config_check(const struct cb_network_wish *wish, struct cb_error **err)
{
    if (wish->config_only && (wish->internal || wish->attachable))
        return cb_error_set(err, CB_ERR_DENIED,
                            "configuration network can only contain network specific "
                            "fields. Network operator fields like [ ingress | internal | "
                            "attachable | scope ] are not supported.");
    if (!wish->config_from)
        return 0;
    if (wish->config_only)
        return cb_error_set(err, CB_ERR_DENIED,
                            "a configuration network cannot depend on another "
                            "configuration network");
    if (wish->ipv6 || wish->labels.count || wish->subnets.count || wish->gateways.count ||
        wish->ranges.count || wish->reserved.count)
        return cb_error_set(err, CB_ERR_DENIED,
                            "user specified configurations are not supported if the "
                            "network depends on a configuration network");
    if (wish->options.count)
        return cb_error_set(err, CB_ERR_DENIED,
                            "network driver options are not supported if the network "
                            "depends on a configuration network");
    return 0;
}

/* By its name, as docker has it: an id means nothing here. */
static const struct cb_network_def *find(const struct cb_network_defs *defs,
                                         const char *name)
{
    for (size_t i = 0; i < defs->count; i++)
        if (defs->items[i]->config_only && strcmp(defs->items[i]->name, name) == 0)
            return defs->items[i];
    return NULL;
}

static void copy_wish(struct cb_network_wish *to, const struct cb_network_wish *from)
{
    to->name = from->name;
    to->driver = from->driver;
    to->config_from = from->config_from;
    to->internal = from->internal;
    to->attachable = from->attachable;
    to->ipv6 = from->ipv6;
    to->config_only = from->config_only;
    cb_strings_copy(&to->subnets, &from->subnets);
    cb_strings_copy(&to->gateways, &from->gateways);
    cb_strings_copy(&to->ranges, &from->ranges);
    cb_strings_copy(&to->reserved, &from->reserved);
    cb_strings_copy(&to->labels, &from->labels);
    cb_strings_copy(&to->options, &from->options);
    cb_strings_copy(&to->pools, &from->pools);
}

static void add_subnets(struct cb_network_wish *to, const struct cb_network_def *from)
{
    char text[CB_CIDR_MAX_TEXT];

    for (size_t i = 0; i < from->subnet_count; i++) {
        const struct cb_network_subnet *subnet = &from->subnets[i];

        cb_strings_add(&to->subnets, cb_cidr_text(&subnet->subnet, text));
        if (subnet->range.ip.family)
            cb_strings_add(&to->ranges, cb_cidr_text(&subnet->range, text));
        if (subnet->gateway.family)
            cb_strings_add(&to->gateways, cb_ip_text(&subnet->gateway, text));
    }
}

int cb_network_config_take(const struct cb_network_wish *wish,
                           const struct cb_network_defs *defs,
                           struct cb_network_wish *out, struct cb_error **err)
{
    const struct cb_network_def *from;

    copy_wish(out, wish);
    if (!wish->config_from)
        return 0;
    from = find(defs, wish->config_from);
    if (!from)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "configuration network \"%s\" does not exist",
                            wish->config_from);
    out->ipv6 = from->ipv6;
    add_subnets(out, from);
    cb_strings_copy(&out->reserved, &from->reserved);
    cb_strings_copy(&out->labels, &from->labels);
    cb_strings_copy(&out->options, &from->options);
    return 0;
}

int cb_network_config_refuse_used(const struct cb_network_def *def,
                                  const struct cb_network_defs *defs,
                                  struct cb_error **err)
{
    for (size_t i = 0; def->config_only && i < defs->count; i++)
        if (defs->items[i]->config_from &&
            strcmp(defs->items[i]->config_from, def->name) == 0)
            return cb_error_set(err, CB_ERR_EXISTS,
                                "error while removing network: configuration network "
                                "\"%s\" is in use",
                                def->name);
    return 0;
}
