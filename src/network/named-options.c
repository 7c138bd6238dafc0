/* Options of `network create -o` that change what is set up; others are noted only. Their
 * names and words are those of docker's bridge driver. */
#include "network/named-priv.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LEAST_MTU 68
#define MOST_MTU  65535

static int parse_mtu(const char *text, unsigned *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (!*text || *end || strspn(text, "0123456789") != strlen(text) || value > MOST_MTU)
        return -1;
    *out = (unsigned)value;
    return 0;
}

static int refuse(const char *name, const char *value, const char *parser,
                  struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_USAGE,
                        "failed to parse %s value: %s (%s: parsing \"%s\": invalid "
                        "syntax)",
                        name, value, parser, value);
}

int cb_network_options_check(const struct cb_network_def *def, struct cb_error **err)
{
    static const char *const switches[] = {CB_ICC_OPTION, CB_MASQUERADE_OPTION};
    const char *mtu = cb_env_get(&def->options, CB_MTU_OPTION);
    const char *binding = cb_env_get(&def->options, CB_BINDING_OPTION);
    unsigned number;
    int is_on;
    struct cb_ip ip;

    if (mtu && parse_mtu(mtu, &number) < 0)
        return refuse(CB_MTU_OPTION, mtu, "strconv.Atoi", err);
    for (size_t i = 0; i < CB_ARRAY_SIZE(switches); i++) {
        const char *value = cb_env_get(&def->options, switches[i]);

        if (value && !cb_parse_bool(value, &is_on))
            return refuse(switches[i], value, "strconv.ParseBool", err);
    }
    if (binding && (cb_ip_parse(&ip, binding) < 0 || ip.family != AF_INET))
        return cb_error_set(err, CB_ERR_USAGE,
                            "failed to parse " CB_BINDING_OPTION " value: %s (nil ip)",
                            binding);
    return 0;
}

int cb_network_is_off(const struct cb_network_def *def, const char *option)
{
    const char *value = cb_env_get(&def->options, option);
    int is_on = 1;

    return value && cb_parse_bool(value, &is_on) && !is_on;
}

unsigned cb_network_mtu(const struct cb_network_def *def)
{
    const char *text = cb_env_get(&def->options, CB_MTU_OPTION);
    unsigned mtu = 0;

    if (!text || parse_mtu(text, &mtu) < 0 || mtu < LEAST_MTU)
        return cb_routes_mtu();
    return mtu;
}

const char *cb_network_binding(const struct cb_strings *options)
{
    const char *text = cb_env_get(options, CB_BINDING_OPTION);
    struct cb_ip ip;

    return text && cb_ip_parse(&ip, text) == 0 && ip.family == AF_INET ? text : "";
}
