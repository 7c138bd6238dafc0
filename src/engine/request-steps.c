/* What of a request is for RUN steps: --network, --allow, --ulimit, --device, --add-host
 * and their like. */
#include "engine/request-priv.h"

#include "base/timestamp.h"
#include "network/network.h"

#include <stdio.h>
#include <string.h>

#define MAX_RETRIES 100

/* Any other word is the name of a network, or container:X, which takes the default's
 * place; whether there is one is found out when the networks are made. */
static void check_network(struct cb_checked_request *out, const char *text)
{
    static const struct {
        const char *text;
        enum cb_op_network network;
    } modes[] = {
        {"", CB_OP_NETWORK_DEFAULT},       {"default", CB_OP_NETWORK_DEFAULT},
        {"bridge", CB_OP_NETWORK_DEFAULT}, {"none", CB_OP_NETWORK_NONE},
        {"host", CB_OP_NETWORK_HOST},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(modes); i++) {
        if (strcmp(text ? text : "", modes[i].text))
            continue;
        out->network = modes[i].network;
        out->allow_host_network |= out->network == CB_OP_NETWORK_HOST;
        return;
    }
    out->network = CB_OP_NETWORK_DEFAULT;
    out->network_name = text;
}

/* docker's client makes build arguments of the proxies it is configured with, so that a
 * Dockerfile's ARG gets them too; the environment's are for RUN only and in no key. */
static void settle_proxies(struct cb_checked_request *out)
{
    cb_auto_value(cb_strings) configured = {0};

    cb_proxies_configured(&configured);
    cb_vec_foreach (proxy, &configured) {
        cb_autofree char *name = xstrndup(*proxy, strcspn(*proxy, "="));

        if (!cb_env_get(&out->build_args, name))
            cb_env_set(&out->build_args, name, strchr(*proxy, '=') + 1);
    }
    cb_proxies_ambient(&out->proxies, out->network == CB_OP_NETWORK_HOST);
}

static int check_allow(struct cb_checked_request *out, const char *text,
                       struct cb_error **err)
{
    if (!strcmp(text, "network.host"))
        out->allow_host_network = 1;
    else if (!strcmp(text, "security.insecure"))
        out->allow_insecure = 1;
    else if (!strcmp(text, "device"))
        cb_strings_add(&out->allow_devices, "");
    else if (!strncmp(text, "device=", 7) && text[7])
        cb_strings_add(&out->allow_devices, text + 7);
    else
        return cb_error_argument(
            err, text, "--allow",
            "expected network.host, security.insecure or device[=NAME]");
    return 0;
}

static int check_size(uint64_t *out, const char *text, const char *option,
                      struct cb_error **err)
{
    struct cb_error *cause = NULL;

    if (text && *text && cb_size_parse(out, text, &cause) < 0)
        return cb_request_invalid_flag(err, text, option, cause);
    return 0;
}

/* --retry and --step-timeout */
static int check_attempts(struct cb_checked_request *out,
                          const struct cb_build_request *request, struct cb_error **err)
{
    struct cb_error *cause = NULL;
    int64_t limit_ns = 0;
    char retries[16];

    if (request->retries > MAX_RETRIES) {
        snprintf(retries, sizeof(retries), "%u", request->retries);
        return cb_error_argument(err, retries, "--retry", "at most %d", MAX_RETRIES);
    }
    if (!request->step_timeout)
        return 0;
    if (cb_duration_parse(&limit_ns, request->step_timeout, &cause) < 0)
        return cb_request_invalid(err, request->step_timeout, "--step-timeout", cause);
    if (limit_ns < 1000000)
        return cb_error_argument(err, request->step_timeout, "--step-timeout",
                                 "at least 1ms");
    out->step_timeout_ms = limit_ns / 1000000;
    return 0;
}

static void settle_cdi_dirs(struct cb_checked_request *out,
                            const struct cb_build_request *request)
{
    cb_strings_copy(&out->cdi_dirs, &request->cdi_dirs);
    if (out->cdi_dirs.count)
        return;
    cb_strings_add(&out->cdi_dirs, "/etc/cdi");
    cb_strings_add(&out->cdi_dirs, "/var/run/cdi");
}

static int check_cache_place(struct cb_checked_request *out, const char *text,
                             struct cb_error **err)
{
    const char *equals = strchr(text, '=');

    if (equals && equals != text && equals[1])
        return 0;
    return cb_error_argument(err, text, "--cache-mount", "expected ID=DIRECTORY");
}

static int check_ulimit(struct cb_checked_request *out, const char *text,
                        struct cb_error **err)
{
    struct cb_rlimit limit = {0};
    struct cb_error *cause = NULL;

    if (cb_rlimit_parse(&limit, text, &cause) < 0)
        return cb_request_invalid_flag(err, text, "--ulimit", cause);
    cb_vec_push(&out->rlimits, limit);
    return 0;
}

static int check_device(struct cb_checked_request *out, const char *text,
                        struct cb_error **err)
{
    struct cb_error *cause = NULL;

    if (cb_device_is_cdi(text))
        cb_strings_add(&out->cdi_devices, text);
    else if (cb_device_parse(&out->nodes, text, &cause) < 0)
        return cb_request_invalid(err, text, "--device", cause);
    return 0;
}

static int check_host(struct cb_checked_request *out, const char *text,
                      struct cb_error **err)
{
    return cb_dns_check_host(text, err);
}

static int check_dns(const struct cb_build_request *request, struct cb_error **err)
{
    const struct cb_dns_options dns = {&request->dns, &request->dns_search,
                                       &request->dns_options};

    return cb_dns_check(&dns, err);
}

/* ── All of it ── */

int cb_request_steps(struct cb_checked_request *out,
                     const struct cb_build_request *request, struct cb_error **err)
{
    if (cb_request_each(out, &request->allow, check_allow, err) < 0 ||
        cb_request_each(out, &request->ulimits, check_ulimit, err) < 0 ||
        cb_request_each(out, &request->cache_places, check_cache_place, err) < 0 ||
        cb_request_each(out, &request->devices, check_device, err) < 0 ||
        cb_request_each(out, &request->add_hosts, check_host, err) < 0 ||
        check_dns(request, err) < 0)
        return -1;
    check_network(out, request->network);
    settle_proxies(out);
    settle_cdi_dirs(out, request);
    if (cb_limits_parse(&out->limits, &request->limits, err) < 0 ||
        cb_device_limit(&out->limits, &out->nodes, err) < 0 ||
        cb_security_parse(&out->security, &request->security_opts, err) < 0 ||
        cb_request_volumes(out, &request->volumes, err) < 0 ||
        check_size(&out->shm_bytes, request->shm_size, "--shm-size", err) < 0)
        return -1;
    return check_attempts(out, request, err);
}
