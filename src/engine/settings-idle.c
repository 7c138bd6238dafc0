/* Docker's keys (dockerd's reference, "Daemon configuration file") that have no effect,
 * and why: they are about the daemon itself, or about what is not here. A daemon.json can
 * be used as it is; `info` names them. Where one would bind a container more than it is
 * bound here, whoever runs one is told. */
#include "engine/settings-priv.h"

#include "base/log.h"

#include <string.h>

#define NO_DAEMON "there is no daemon"
#define NO_SWARM  "there are no swarms"
#define OWN_RULES "rules and routes are made for each network while it is in use"
#define PROXIES   "it is a member of `proxies`"
#define RUNTIME   "containers run in cbuild's own sandbox"

static const struct idle {
    const char *key, *why;
    int is_missed; /* when it is set: to anything but false or what is empty */
} table[] = {
    {"allow-direct-routing", OWN_RULES, 0},
    {"allow-nondistributable-artifacts", "foreign layers stay where their urls lead", 0},
    {"api-cors-header", NO_DAEMON, 0},
    {"authorization-plugins", NO_DAEMON, 1},
    {"bip6", "the bridge of containers has IPv4 only", 0},
    {"bridge", "the bridge of containers is cbuild's own", 0},
    {"bridge-accept-fwmark", OWN_RULES, 0},
    {"builder", "`max-store` bounds the store, its cache with it", 0},
    {"containerd", NO_DAEMON, 0},
    {"containerd-namespace", NO_DAEMON, 0},
    {"containerd-plugin-namespace", NO_DAEMON, 0},
    {"cri-containerd", NO_DAEMON, 0},
    {"debug", "--debug is an option of each command", 0},
    {"default-gateway", "the way out is the bridge's own address, which `bip` sets", 0},
    {"default-gateway-v6", "the bridge of containers has IPv4 only", 0},
    {"default-runtime", RUNTIME, 1},
    {"exec-opts", "control groups are made without systemd's help", 0},
    {"exec-root", NO_DAEMON, 0},
    {"experimental", NO_DAEMON, 0},
    {"features", "what is here needs no switch", 0},
    {"firewall-backend", "rules are made with iptables-restore", 0},
    {"fixed-cidr-v6", "the bridge of containers has IPv4 only", 0},
    {"group", NO_DAEMON, 0},
    {"host-gateway-ip", "host-gateway is where the host answers", 0},
    {"host-gateway-ips", "host-gateway is where the host answers", 0},
    {"hosts", NO_DAEMON, 0},
    {"http-proxy", PROXIES, 0},
    {"https-proxy", PROXIES, 0},
    {"init-path", "--init is cbuild's own", 0},
    {"ip-forward", OWN_RULES, 0},
    {"ip-forward-no-drop", OWN_RULES, 0},
    {"ip6tables", OWN_RULES, 0},
    {"iptables", OWN_RULES, 0},
    {"ipv6", "the bridge of containers has IPv4 only; network create --ipv6 has both", 0},
    {"labels", NO_DAEMON, 0},
    {"live-restore", "containers need no daemon to go on", 0},
    {"log-format", NO_DAEMON, 0},
    {"log-level", "--debug is an option of each command", 0},
    {"metrics-addr", NO_DAEMON, 0},
    {"min-api-version", NO_DAEMON, 0},
    {"network-control-plane-mtu", NO_SWARM, 0},
    {"no-proxy", PROXIES, 0},
    {"node-generic-resources", NO_SWARM, 0},
    {"pidfile", NO_DAEMON, 0},
    {"raw-logs", NO_DAEMON, 0},
    {"rootless", "it is rootless when it is not root that runs it", 0},
    {"runtimes", RUNTIME, 0},
    {"selinux-enabled", "there is no SELinux label for containers here", 1},
    {"shutdown-timeout", NO_DAEMON, 0},
    {"storage-driver", "the store finds out what its filesystem can do", 0},
    {"storage-opts", "the store finds out what its filesystem can do", 0},
    {"swarm-default-advertise-addr", NO_SWARM, 0},
    {"tls", NO_DAEMON, 0},
    {"tlscacert", NO_DAEMON, 0},
    {"tlscert", NO_DAEMON, 0},
    {"tlskey", NO_DAEMON, 0},
    {"tlsverify", NO_DAEMON, 0},
    {"userland-proxy", "ports are forwarded as the network needs it", 0},
    {"userland-proxy-path", "ports are forwarded as the network needs it", 0},
    {"userns-remap",
     "root's containers have the host's user ids; those of other users have ids of their "
     "own",
     1},
    {"validate", NO_DAEMON, 0},
};

static const struct idle *find(const char *key)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++)
        if (strcmp(table[i].key, key) == 0)
            return &table[i];
    return NULL;
}

const char *cb_settings_idle_key(const char *key)
{
    const struct idle *idle = find(key);

    return idle ? idle->why : NULL;
}

static int is_empty(const json_t *value)
{
    const char *text = json_string_value(value);

    return json_is_null(value) || json_is_false(value) || (text && !*text) ||
           (json_is_array(value) && !json_array_size(value)) ||
           (json_is_object(value) && !json_object_size(value));
}

void cb_settings_note_idle(struct cb_settings *settings, const char *key,
                           const struct cb_json *value)
{
    const struct idle *idle = find(key);

    if (!cb_strings_contain(&settings->unused, key))
        cb_strings_add(&settings->unused, key);
    if (idle && idle->is_missed && !is_empty(value->value) &&
        !cb_strings_contain(&settings->missed, key))
        cb_strings_add(&settings->missed, key);
}

void cb_settings_tell_missed(const struct cb_settings *settings)
{
    cb_vec_foreach (key, &settings->missed)
        cb_warn("`%s` of the configuration has no effect: %s", *key, find(*key)->why);
}
