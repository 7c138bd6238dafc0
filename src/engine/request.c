/* A request's texts → values. Nothing is opened here but secret files; a mistake on the
 * command line is found before any work, and named by its option as docker names it. */
#include "engine/engine-priv.h"

#include "base/text.h"
#include "base/timestamp.h"
#include "network/network.h"

#include <stdio.h>
#include <string.h>

#define MAX_RETRIES 100

void cb_build_request_clear(struct cb_build_request *request)
{
    cb_strings_free(&request->tags);
    cb_strings_free(&request->build_args);
    cb_strings_free(&request->labels);
    cb_strings_free(&request->secrets);
    cb_strings_free(&request->add_hosts);
    cb_strings_free(&request->dns);
    cb_strings_free(&request->dns_search);
    cb_strings_free(&request->dns_options);
    cb_strings_free(&request->no_cache_filter);
    cb_strings_free(&request->allow);
    cb_strings_free(&request->ulimits);
    cb_strings_free(&request->contexts);
    cb_strings_free(&request->ssh);
    cb_strings_free(&request->cache_places);
    cb_strings_free(&request->platforms);
    cb_strings_free(&request->lock_targets);
    cb_strings_free(&request->cdi_dirs);
    cb_strings_free(&request->insecure);
    cb_strings_free(&request->cache_from);
    cb_strings_free(&request->cache_to);
    cb_strings_free(&request->outputs);
    cb_strings_free(&request->annotations);
    cb_strings_free(&request->attests);
    cb_strings_free(&request->envs);
    cb_strings_free(&request->unsets);
    cb_strings_free(&request->unset_envs);
    cb_strings_free(&request->unset_labels);
    cb_limit_options_clear(&request->limits);
    cb_strings_free(&request->security_opts);
    cb_strings_free(&request->devices);
    cb_strings_free(&request->volumes);
}

void cb_build_outcome_clear(struct cb_build_outcome *outcome)
{
    cb_strings_free(&outcome->names);
    cb_call_result_clear(&outcome->call);
}

void cb_checked_request_clear(struct cb_checked_request *checked)
{
    cb_strings_free(&checked->names);
    cb_strings_free(&checked->familiar);
    cb_strings_free(&checked->build_args);
    cb_strings_free(&checked->labels);
    cb_strings_free(&checked->envs);
    cb_strings_wipe(&checked->proxies);
    cb_vec_free(&checked->rlimits);
    cb_strings_free(&checked->allow_devices);
    cb_strings_free(&checked->cdi_dirs);
    cb_secrets_free(checked->secrets);
    cb_ssh_free(checked->ssh);
    cb_cache_locations_free(&checked->cache_from);
    cb_cache_locations_free(&checked->cache_to);
    cb_vec_foreach (output, &checked->outputs)
        cb_output_clear(output);
    cb_vec_free(&checked->outputs);
    cb_security_settings_clear(&checked->security);
    cb_device_nodes_clear(&checked->nodes);
    cb_strings_free(&checked->cdi_devices);
    cb_request_volumes_clear(checked);
    cb_annotations_free(&checked->annotations);
    cb_attest_options_clear(&checked->attest);
    cb_vec_free(&checked->platforms);
}

/* The value is wrong: what the parser said, after docker's opening words, and always a
 * matter of usage. */
static int invalid(struct cb_error **err, const char *value, const char *option,
                   struct cb_error *cause)
{
    cb_auto(cb_error) owned = cause;

    return cb_error_argument(err, value, option, "%s", cb_error_message(owned));
}

static int invalid_flag(struct cb_error **err, const char *value, const char *option,
                        struct cb_error *cause)
{
    cb_auto(cb_error) owned = cause;

    return cb_error_flag(err, value, option, "%s", cb_error_message(owned));
}

/* ── --tag, --build-arg, --label ── */

/* The value is named once: from "invalid reference format" on. */
static int invalid_tag(struct cb_error **err, const char *text, struct cb_error *cause)
{
    cb_auto(cb_error) owned = cause;
    const char *message = cb_error_message(cause);
    const char *tail = strstr(message, "invalid reference format");

    return cb_error_flag(err, text, "-t, --tag", "%s", tail ? tail : message);
}

static int check_tag(struct cb_checked_request *out, const char *text,
                     struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    struct cb_error *cause = NULL;

    if (cb_reference_parse(&reference, text, &cause) < 0 ||
        cb_reference_check_tag(reference, &cause) < 0)
        return invalid_tag(err, text, cause);
    cb_reference_default_tag(reference);
    cb_strings_take(&out->names, cb_reference_canonical(reference));
    cb_strings_take(&out->familiar, cb_reference_familiar(reference));
    return 0;
}

static int check_name(const char *text, const char *option, struct cb_error **err)
{
    if (*text && *text != '=')
        return 0;
    return cb_error_flag(err, text, option, "a name is missing");
}

/* `--build-arg K` takes the value from the environment, and gives nothing when it is not
 * there. */
static int check_build_arg(struct cb_checked_request *out, const char *text,
                           struct cb_error **err)
{
    const char *equals = strchr(text, '=');
    cb_autofree char *name = xstrndup(text, strcspn(text, "="));
    const char *value = equals ? equals + 1 : NULL;

    if (check_name(text, "--build-arg", err) < 0)
        return -1;
    if (!value)
        value = getenv(name);
    if (value)
        cb_env_set(&out->build_args, name, value);
    return 0;
}

static int check_label(struct cb_checked_request *out, const char *text,
                       struct cb_error **err)
{
    size_t name_len = strcspn(text, "=");

    if (check_name(text, "--label", err) < 0)
        return -1;
    if (strcspn(text, " \t") < name_len)
        return cb_error_flag(err, text, "--label", "label '%.*s' contains whitespaces",
                             (int)name_len, text);
    if (strchr(text, '='))
        cb_strings_add(&out->labels, text);
    else
        cb_strings_addf(&out->labels, "%s=", text);
    return 0;
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

/* ── --platform, --network, --allow, --memory, --shm-size, --ulimit, --add-host ── */

static int add_platform(struct cb_checked_request *out, const char *whole,
                        const char *text, struct cb_error **err)
{
    struct cb_platform platform = cb_platform_host();
    struct cb_error *cause = NULL;

    if (strcmp(text, "local") != 0 && cb_platform_parse(&platform, text, &cause) < 0)
        return invalid(err, whole, "--platform", cause);
    cb_vec_foreach (known, &out->platforms) {
        if (cb_platform_equal(known, &platform))
            return 0;
    }
    cb_vec_push(&out->platforms, platform);
    return 0;
}

/* The argument that makes one platform look as several do. */
static int wants_index(const struct cb_checked_request *out)
{
    const char *arg = cb_env_get(&out->build_args, "BUILDKIT_MULTI_PLATFORM");
    int value = 0;

    return arg && cb_parse_bool(arg, &value) && value;
}

/* In the order given, each once; none is this machine's. */
static int check_platforms(struct cb_checked_request *out, const char *text,
                           struct cb_error **err)
{
    const char *at = text;

    while (*text) {
        size_t len = strcspn(at, ",");
        cb_autofree char *one = xstrndup(at, len);

        if (add_platform(out, text, one, err) < 0)
            return -1;
        if (!at[len])
            break;
        at += len + 1;
    }
    return 0;
}

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

static int check_context_mode(struct cb_checked_request *out, const char *text,
                              struct cb_error **err)
{
    if (text && strcmp(text, "keep") && strcmp(text, "git"))
        return cb_error_argument(err, text, "--context-mode", "expected keep or git");
    out->context_git_modes = text && !strcmp(text, "git");
    return 0;
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
        return invalid_flag(err, text, option, cause);
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
        return invalid(err, request->step_timeout, "--step-timeout", cause);
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
        return invalid_flag(err, text, "--ulimit", cause);
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
        return invalid(err, text, "--device", cause);
    return 0;
}

static int check_host(struct cb_checked_request *out, const char *text,
                      struct cb_error **err)
{
    struct cb_error *cause = NULL;

    if (cb_dns_check_host(text, &cause) == 0)
        return 0;
    return invalid_flag(err, text, "--add-host", cause);
}

static int check_dns(const struct cb_build_request *request, struct cb_error **err)
{
    const struct cb_dns_options dns = {&request->dns, &request->dns_search,
                                       &request->dns_options};

    return cb_dns_check(&dns, err);
}

/* ── All of it ── */

static int check_each(struct cb_checked_request *out, const struct cb_strings *values,
                      int (*check)(struct cb_checked_request *, const char *,
                                   struct cb_error **),
                      struct cb_error **err)
{
    for (size_t i = 0; i < values->count; i++) {
        if (check(out, values->items[i], err) < 0)
            return -1;
    }
    return 0;
}

/* The environment's SOURCE_DATE_EPOCH counts as a build argument, unless one was given.
 */
static int check_epoch(struct cb_checked_request *out, struct cb_error **err)
{
    int64_t epoch = -1;
    int set = cb_source_date_epoch(&epoch, err);
    char text[32];

    out->source_date_epoch = -1;
    if (set < 0)
        return -1;
    if (!set || cb_env_get(&out->build_args, "SOURCE_DATE_EPOCH"))
        return 0;
    snprintf(text, sizeof(text), "%lld", (long long)epoch);
    cb_env_set(&out->build_args, "SOURCE_DATE_EPOCH", text);
    out->source_date_epoch = epoch;
    return 0;
}

static int check_cache_ttl(struct cb_checked_request *out, const char *text,
                           struct cb_error **err)
{
    struct cb_error *cause = NULL;

    if (!text || (cb_duration_parse(&out->cache_ttl_ns, text, &cause) == 0 &&
                  out->cache_ttl_ns >= 0))
        return 0;
    if (!cause)
        cb_error_set(&cause, CB_ERR_USAGE, "a duration is not negative");
    return invalid(err, text, "--cache-ttl", cause);
}

static int check_on_error(const char *text, struct cb_error **err)
{
    if (!text || !strcmp(text, "shell"))
        return 0;
    return cb_error_argument(err, text, "--on-error", "expected shell");
}

static int check_offline(const struct cb_build_request *request, struct cb_error **err)
{
    if (!request->offline || request->pull == CB_PULL_MISSING ||
        request->pull == CB_PULL_NEVER)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "--offline and --pull=%s contradict each other",
                        request->pull == CB_PULL_NEWER ? "newer" : "always");
}

int cb_request_check(struct cb_checked_request *out,
                     const struct cb_build_request *request, struct cb_cancel *cancel,
                     struct cb_error **err)
{
    if (check_each(out, &request->tags, check_tag, err) < 0 ||
        check_each(out, &request->build_args, check_build_arg, err) < 0 ||
        check_each(out, &request->labels, check_label, err) < 0 ||
        cb_request_envs(out, request, err) < 0 ||
        cb_request_unset(&request->unsets, NULL, err) < 0 ||
        check_each(out, &request->allow, check_allow, err) < 0 ||
        check_each(out, &request->ulimits, check_ulimit, err) < 0 ||
        check_each(out, &request->cache_places, check_cache_place, err) < 0 ||
        check_each(out, &request->devices, check_device, err) < 0 ||
        check_each(out, &request->add_hosts, check_host, err) < 0 ||
        check_dns(request, err) < 0 ||
        check_each(out, &request->platforms, check_platforms, err) < 0)
        return -1;
    out->platform_given = out->platforms.count > 0;
    if (!out->platforms.count)
        add_platform(out, "", "local", NULL);
    out->as_index = out->platforms.count > 1 || wants_index(out);
    check_network(out, request->network);
    settle_proxies(out);
    if (check_context_mode(out, request->context_mode, err) < 0 ||
        cb_limits_parse(&out->limits, &request->limits, err) < 0 ||
        cb_device_limit(&out->limits, &out->nodes, err) < 0 ||
        cb_security_parse(&out->security, &request->security_opts, err) < 0 ||
        cb_request_volumes(out, &request->volumes, err) < 0 ||
        check_size(&out->shm_bytes, request->shm_size, "--shm-size", err) < 0 ||
        cb_request_caches("--cache-from", 0, &request->cache_from, &out->cache_from,
                          err) < 0 ||
        cb_request_caches("--cache-to", 1, &request->cache_to, &out->cache_to, err) < 0 ||
        cb_request_outputs(out, request, err) < 0 ||
        cb_request_attestations(out, request, err) < 0 ||
        check_attempts(out, request, err) < 0 ||
        check_cache_ttl(out, request->cache_ttl, err) < 0 ||
        check_offline(request, err) < 0 || check_on_error(request->on_error, err) < 0 ||
        check_epoch(out, err) < 0 || cb_request_squash(out, request, err) < 0)
        return -1;
    settle_cdi_dirs(out, request);
    if (cb_secrets_new(&out->secrets, &request->secrets, cancel, err) < 0)
        return -1;
    return cb_ssh_new(&out->ssh, &request->ssh, err);
}
