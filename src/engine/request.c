/* A request's texts → values. Nothing is opened here but secret files; a mistake on the
 * command line is found before any work, and named by its option as docker names it. */
#include "engine/request-priv.h"

#include "base/timestamp.h"

#include <stdio.h>
#include <string.h>

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
    cb_vec_foreach (target, &request->targets) {
        cb_strings_free(&target->tags);
        cb_strings_free(&target->outputs);
    }
    cb_vec_free(&request->targets);
}

void cb_build_outcome_clear(struct cb_build_outcome *outcome)
{
    cb_strings_free(&outcome->names);
    cb_vec_free(&outcome->image_ids);
    cb_call_result_clear(&outcome->call);
}

void cb_checked_request_clear(struct cb_checked_request *checked)
{
    cb_strings_free(&checked->names);
    cb_strings_free(&checked->familiar);
    cb_strings_free(&checked->build_args);
    cb_strings_free(&checked->labels);
    cb_strings_free(&checked->insecure);
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

/* ── --tag, --build-arg, --label ── */

/* ── All of it ── */

int cb_request_invalid(struct cb_error **err, const char *value, const char *option,
                       struct cb_error *cause)
{
    cb_auto(cb_error) owned = cause;

    return cb_error_argument(err, value, option, "%s", cb_error_message(owned));
}

int cb_request_invalid_flag(struct cb_error **err, const char *value, const char *option,
                            struct cb_error *cause)
{
    cb_auto(cb_error) owned = cause;

    return cb_error_flag(err, value, option, "%s", cb_error_message(owned));
}

int cb_request_each(struct cb_checked_request *out, const struct cb_strings *values,
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

/* ── All of it ── */

static int check_context_mode(struct cb_checked_request *out, const char *text,
                              struct cb_error **err)
{
    if (text && strcmp(text, "keep") && strcmp(text, "git"))
        return cb_error_argument(err, text, "--context-mode", "expected keep or git");
    out->context_git_modes = text && !strcmp(text, "git");
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
    return cb_request_invalid(err, text, "--cache-ttl", cause);
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
                     const struct cb_build_request *request, struct cb_error **err)
{
    if (cb_request_image(out, request, err) < 0 ||
        cb_request_steps(out, request, err) < 0 ||
        check_context_mode(out, request->context_mode, err) < 0 ||
        cb_request_caches("--cache-from", 0, &request->cache_from, &out->cache_from,
                          err) < 0 ||
        cb_request_caches("--cache-to", 1, &request->cache_to, &out->cache_to, err) < 0 ||
        cb_request_outputs(out, request, err) < 0 ||
        cb_request_attestations(out, request, err) < 0 ||
        check_cache_ttl(out, request->cache_ttl, err) < 0 ||
        check_offline(request, err) < 0 || check_on_error(request->on_error, err) < 0 ||
        check_epoch(out, err) < 0)
        return -1;
    return cb_request_squash(out, request, err);
}

int cb_request_secrets(struct cb_checked_request *out,
                       const struct cb_build_request *request, struct cb_cancel *cancel,
                       struct cb_error **err)
{
    if (cb_secrets_new(&out->secrets, &request->secrets, cancel, err) < 0)
        return -1;
    return cb_ssh_new(&out->ssh, &request->ssh, err);
}
