/* Bridges, their firewall rules and their names, by netavark and aardvark-dns, podman's
 * tools. They are told everything in one JSON document that is made here from checked
 * values; it is kept in the lease from before the first rule is set until the last is
 * gone, so that what a killed process leaves can be taken down by the next.
 *
 * netavark does not expect company: set-ups wait for each other, and for the same reason
 * taking down a bridge that others may be joining does. */
#include "network/network-priv.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#define HELPER_TIMEOUT_MS 30000
#define NAMES_TIMEOUT_MS  2000

struct cb_netavark {
    struct cb_net_lease *lease;
    char *config;
    int netns;
    int is_shared; /* the bridge may be joined by others */
};

static void netavark_free(struct cb_netavark *netavark)
{
    if (!netavark)
        return;
    cb_close(&netavark->netns);
    free(netavark->config);
    free(netavark);
}
CB_AUTO_DEFINE(cb_netavark, netavark_free)

int cb_netavark_check(struct cb_error **err)
{
    cb_autofree char *program = cb_subprocess_find("netavark");

    if (!cb_netns_is_ours())
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "a bridge in the host's network takes root");
    if (program)
        return 0;
    cb_error_set(err, CB_ERR_NOT_FOUND, "netavark is not installed");
    return cb_error_hint(err, "install the package netavark");
}

int cb_netavark_has_names(void)
{
    cb_autofree char *program = cb_subprocess_find("aardvark-dns");

    return program != NULL;
}

/* ── What it is told ── */

static json_t *texts(const struct cb_strings *strings)
{
    json_t *array = json_array();

    for (size_t i = 0; strings && i < strings->count; i++)
        json_array_append_new(array, json_string(strings->items[i]));
    return array;
}

static json_t *subnets_json(const struct cb_attachment *attachment)
{
    json_t *array = json_array();
    char text[CB_CIDR_MAX_TEXT];

    for (size_t i = 0; i < attachment->subnet_count; i++) {
        const struct cb_network_subnet *subnet = &attachment->subnets[i];
        json_t *object =
            json_pack("{s:s}", "subnet", cb_cidr_text(&subnet->subnet, text));

        if (subnet->gateway.family)
            json_object_set_new(object, "gateway",
                                json_string(cb_ip_text(&subnet->gateway, text)));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *options_json(const struct cb_attachment *attachment)
{
    cb_autofree char *mtu = xasprintf("%u", attachment->mtu);
    json_t *object = json_pack("{s:s}", "mtu", mtu);

    if (attachment->isolate)
        json_object_set_new(object, "isolate", json_string("true"));
    if (attachment->is_further)
        json_object_set_new(object, "metric", json_string("200"));
    return object;
}

static json_t *network_json(const struct cb_attachment *attachment)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:b,s:b,s:b,s:{s:s}}", "name",
                     attachment->network, "id", attachment->network_id, "driver",
                     "bridge", "network_interface", attachment->interface, "subnets",
                     subnets_json(attachment), "options", options_json(attachment),
                     "ipv6_enabled", attachment->ipv6, "internal", attachment->internal,
                     "dns_enabled", attachment->names, "ipam_options", "driver",
                     "host-local");
}

static json_t *join_json(const struct cb_attachment *attachment)
{
    json_t *ips = json_array();
    json_t *object;
    char text[CB_IP_MAX_TEXT];

    for (size_t i = 0; i < CB_ARRAY_SIZE(attachment->ips); i++)
        if (attachment->ips[i].family)
            json_array_append_new(ips,
                                  json_string(cb_ip_text(&attachment->ips[i], text)));
    object = json_pack("{s:o,s:s,s:o}", "static_ips", ips, "interface_name",
                       attachment->inside ? attachment->inside : "eth0", "aliases",
                       texts(attachment->aliases));
    if (attachment->mac)
        json_object_set_new(object, "static_mac", json_string(attachment->mac));
    return object;
}

static json_t *ports_json(const struct cb_ports *ports)
{
    json_t *array = json_array();

    for (size_t i = 0; ports && i < ports->count; i++) {
        const struct cb_port *port = &ports->items[i];

        json_array_append_new(array, json_pack("{s:s,s:i,s:i,s:i,s:s}", "host_ip",
                                               port->host_ip, "host_port", port->host,
                                               "container_port", port->container, "range",
                                               1, "protocol", port->protocol));
    }
    return array;
}

static char *make_config(const struct cb_attachment *attachment)
{
    cb_auto_json *document = json_pack(
        "{s:s,s:s,s:{s:o},s:{s:o},s:o}", "container_id", attachment->id, "container_name",
        attachment->name, "networks", attachment->network, join_json(attachment),
        "network_info", attachment->network, network_json(attachment), "port_mappings",
        ports_json(attachment->ports));

    if (attachment->dns && attachment->dns->count)
        json_object_set_new(document, "dns_servers", texts(attachment->dns));
    return cb_json_dump(document);
}

/* ── Running it ── */

static int complain(const char *verb, const struct cb_strbuf *out,
                    const struct cb_strbuf *errors, struct cb_error **err)
{
    cb_auto_json *answer = json_loadb(out->text ? out->text : "", out->len, 0, NULL);
    const char *text = json_string_value(json_object_get(answer, "error"));

    if (!text)
        text = out->len ? cb_strbuf_text(out) : cb_strbuf_text(errors);
    return cb_error_set(err, CB_ERR_SYSTEM, "netavark %s: %s", verb, text);
}

/* aardvark-dns notes its process id some time after netavark has returned, and without it
 * netavark can tell it nothing. */
static int is_serving(int dir)
{
    cb_auto_value(cb_strbuf) text = {0};
    long pid;

    if (cb_fs_read_file(dir, "names/aardvark-dns/aardvark.pid", 64, &text, NULL) < 0)
        return 0;
    pid = strtol(cb_strbuf_text(&text), NULL, 10);
    return pid > 1 && kill((pid_t)pid, 0) == 0;
}

static void await_names(const char *config)
{
    cb_autofd int dir = -1;

    if (!strstr(config, "\"dns_enabled\":true") || cb_net_lease_dir(&dir, NULL, NULL) < 0)
        return;
    for (int waited = 0; waited < NAMES_TIMEOUT_MS && !is_serving(dir); waited += 5)
        poll(NULL, 0, 5);
}

/* netavark starts iptables or nft, which are not on everybody's PATH. ALONE: no other
 * netavark that is alone runs meanwhile. */
static int run_helper(const char *verb, const char *config, int netns, int alone,
                      struct cb_cancel *cancel, struct cb_error **err)
{
    static const char *const env[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    cb_autofree char *program = cb_subprocess_find("netavark");
    cb_autofree char *names = cb_subprocess_find("aardvark-dns");
    cb_autofree char *path = xasprintf("/proc/%d/fd/%d", getpid(), netns);
    cb_autofree char *dir_path = NULL;
    cb_autofree char *names_dir = NULL;
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;
    cb_auto_value(cb_strbuf) out = {0};
    cb_auto_value(cb_strbuf) errors = {0};
    int code;

    if (!program)
        return cb_netavark_check(err);
    if (cb_net_lease_dir(&dir, &dir_path, err) < 0 ||
        (alone && cb_lock_take(&lock, dir, "netavark", CB_LOCK_EXCLUSIVE, cancel, NULL,
                               NULL, err) < 0))
        return -1;
    names_dir = xasprintf("%s/names", dir_path);
    if (cb_fs_mkdirs(names_dir, 0700, err) < 0)
        return -1;
    const char *const argv[] = {program,
                                "--config",
                                names_dir,
                                "--aardvark-binary",
                                names ? names : "/nonexistent",
                                verb,
                                path,
                                NULL};
    struct cb_subprocess_options options = {.argv = argv,
                                            .env = env,
                                            .cwd_fd = -1,
                                            .inherit_fd = -1,
                                            .input = config,
                                            .input_len = strlen(config),
                                            .timeout_ms = HELPER_TIMEOUT_MS,
                                            .cancel = cancel};
    if (cb_subprocess_run(&options, &out, &errors, &code, err) < 0)
        return -1;
    if (code != 0)
        return complain(verb, &out, &errors, err);
    if (strcmp(verb, "setup") == 0)
        await_names(config);
    return 0;
}

/* netavark takes down only what is complete: with a namespace of its own, all that CONFIG
 * stands for is set up over what is left of it, and taken down again. */
static int redo(const char *config, struct cb_error **err)
{
    cb_autofd int netns = -1;
    cb_auto(cb_error) error = NULL;

    if (cb_netns_new(&netns, err) < 0)
        return -1;
    if (run_helper("setup", config, netns, 1, NULL, &error) < 0)
        cb_debug("%s", cb_error_message(error));
    return run_helper("teardown", config, netns, 1, NULL, err);
}

/* NETNS: -1 when it is gone. What fails is tried once more: aardvark-dns may end at the
 * very moment netavark wants to tell it something. */
static void take_down(struct cb_net_lease **lease, const char *config, int netns,
                      int alone)
{
    cb_auto(cb_error) first = NULL;
    cb_auto(cb_error) error = NULL;
    int status = netns < 0 ? redo(config, &first)
                           : run_helper("teardown", config, netns, alone, NULL, &first);

    if (status == 0 || redo(config, &error) == 0) {
        cb_net_lease_end(cb_steal(lease));
        return;
    }
    cb_warn("%s", cb_error_message(error));
    cb_net_lease_abandon(cb_steal(lease));
}

int cb_netavark_up(struct cb_netavark **out, struct cb_net_lease **lease,
                   const struct cb_attachment *attachment, int netns,
                   struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto(cb_netavark) netavark = xcalloc(1, sizeof(*netavark));

    netavark->is_shared = attachment->is_shared;
    netavark->netns = fcntl(netns, F_DUPFD_CLOEXEC, 3);
    netavark->config = make_config(attachment);
    if (cb_net_lease_record(*lease, netavark->config, err) < 0)
        return -1;
    if (run_helper("setup", netavark->config, netns, 1, cancel, err) < 0) {
        take_down(lease, netavark->config, netns, 1);
        return -1;
    }
    netavark->lease = cb_steal(lease);
    *out = cb_steal(&netavark);
    return 0;
}

void cb_netavark_down(struct cb_netavark *netavark)
{
    if (!netavark)
        return;
    take_down(&netavark->lease, netavark->config, netavark->netns, netavark->is_shared);
    netavark_free(netavark);
}

/* ── What others have left ── */

static void sweep(const char *name)
{
    cb_auto(cb_net_lease) lease = NULL;
    cb_autofree char *config = NULL;

    if (cb_net_lease_try(&lease, name, NULL) <= 0)
        return;
    config = cb_net_lease_recorded(lease);
    if (config)
        take_down(&lease, config, -1, 1);
}

void cb_netavark_sweep(void)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int dir = -1;

    if (!cb_netns_is_ours() || cb_net_lease_dir(&dir, NULL, NULL) < 0 ||
        cb_fs_list(dir, &names, NULL) < 0)
        return;
    for (size_t i = 0; i < names.count; i++) {
        char *dot = strrchr(names.items[i], '.');

        if (!dot || strcmp(dot, ".json") != 0)
            continue;
        *dot = '\0';
        sweep(names.items[i]);
    }
}
