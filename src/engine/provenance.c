/* The predicate, of either version: both say the same in other words. With mode=min it
 * has no values of arguments and labels, nothing about secrets and no steps. */
#include "engine/provenance.h"

#include "base/fs.h"
#include "base/redact.h"
#include "base/timestamp.h"

#include <stdio.h>
#include <string.h>

#define BUILD_TYPE_1                                                  \
    "https://github.com/moby/buildkit/blob/master/docs/attestations/" \
    "slsa-definitions.md"
#define BUILD_TYPE_02 "https://mobyproject.org/buildkit@v1"

/* One predicate in the making: its parts, which either version puts in its own places. */
struct parts {
    const struct cb_provenance_facts *facts;
    const struct cb_attest_options *options;
    struct cb_provenance_sources sources;
    json_t *config_source, *parameters, *build_config, *metadata;
    char *platform; /* of the machine that builds */
    int has_all_parameters;
};

static void parts_clear(struct parts *parts)
{
    cb_provenance_sources_clear(&parts->sources);
    json_decref(parts->config_source);
    json_decref(parts->parameters);
    json_decref(parts->build_config);
    json_decref(parts->metadata);
    free(parts->platform);
}
CB_AUTO_VALUE_DEFINE(parts, parts_clear)

json_t *cb_provenance_text(const char *text)
{
    cb_autofree char *plain = cb_redact_urls(text);
    cb_auto_value(cb_strbuf) shown = {0};
    json_t *json = json_string(plain);

    if (json)
        return json;
    cb_strbuf_add_escaped(&shown, plain, strlen(plain), 1);
    return json_string(cb_strbuf_text(&shown));
}

/* ── What was asked for ── */

static void set_arg(json_t *args, const char *kind, const char *name, const char *value)
{
    cb_autofree char *key = xasprintf("%s%s", kind, name);

    json_object_set_new(args, key, cb_provenance_text(value));
}

/* "K=V" each. */
static void set_pairs(json_t *args, const char *kind, const struct cb_strings *pairs)
{
    cb_vec_foreach (pair, pairs) {
        cb_autofree char *name = xstrndup(*pair, strcspn(*pair, "="));
        const char *equals = strchr(*pair, '=');

        set_arg(args, kind, name, equals ? equals + 1 : "");
    }
}

static void set_list(json_t *args, const char *name, const struct cb_strings *list)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_vec_foreach (item, list)
        cb_strbuf_addf(&text, "%s%s", text.len ? "," : "", *item);
    if (list->count)
        set_arg(args, "", name, cb_strbuf_text(&text));
}

static json_t *args_of(const struct parts *parts)
{
    const struct cb_checked_request *checked = parts->facts->checked;
    const struct cb_build_request *request = parts->facts->request;
    json_t *args = json_object();

    set_list(args, "add-hosts", &request->add_hosts);
    if (!parts->options->min)
        set_pairs(args, "build-arg:", &checked->build_args);
    set_pairs(args, "context:", &request->contexts);
    if (checked->network != CB_OP_NETWORK_DEFAULT)
        set_arg(args, "", "force-network-mode",
                checked->network == CB_OP_NETWORK_HOST ? "host" : "none");
    if (!parts->options->min)
        set_pairs(args, "label:", &checked->labels);
    if (request->no_cache)
        set_arg(args, "", "no-cache", "");
    else
        set_list(args, "no-cache", &request->no_cache_filter);
    if (request->target)
        set_arg(args, "", "target", request->target);
    set_list(args, "ulimit", &request->ulimits);
    return args;
}

static void find_parameters(struct parts *parts)
{
    const struct cb_checked_request *checked = parts->facts->checked;
    json_t *args = args_of(parts);

    parts->parameters = json_object();
    json_object_set_new(parts->parameters, "frontend", json_string("dockerfile.v0"));
    if (json_object_size(args))
        json_object_set(parts->parameters, "args", args);
    json_decref(args);
    if (!parts->options->min && json_array_size(parts->sources.secrets))
        json_object_set(parts->parameters, "secrets", parts->sources.secrets);
    if (!parts->options->min && json_array_size(parts->sources.agents))
        json_object_set(parts->parameters, "ssh", parts->sources.agents);
    if (json_array_size(parts->sources.locals))
        json_object_set(parts->parameters, "locals", parts->sources.locals);
    parts->has_all_parameters =
        !parts->options->min || (!checked->build_args.count && !checked->labels.count);
}

/* Paths of this machine are nobody's business. */
static void find_config_source(struct parts *parts)
{
    const struct cb_inputs *inputs = parts->facts->inputs;
    const char *origin = cb_context_origin(inputs->context);
    const char *path = cb_source_name(inputs->dockerfile);

    parts->config_source = json_object();
    if (origin) {
        json_object_set_new(parts->config_source, "uri", cb_provenance_text(origin));
        json_object_set_new(parts->config_source, "digest",
                            cb_provenance_digest(cb_context_pin(inputs->context)));
    }
    if (!origin || *path == '/')
        path = cb_path_base(path);
    json_object_set_new(parts->config_source,
                        parts->options->is_v02 ? "entryPoint" : "path",
                        cb_provenance_text(path));
}

/* ── How it went ── */

static void set_time(json_t *out, const char *key, struct timespec time, int64_t epoch_s)
{
    char text[CB_TIMESTAMP_MAX];

    if (epoch_s >= 0)
        time = (struct timespec){.tv_sec = epoch_s};
    json_object_set_new(out, key, json_string(cb_timestamp_format(time, text)));
}

static void set_times(json_t *out, const struct cb_provenance_facts *facts,
                      const char *started, const char *finished)
{
    const struct timespec start = {.tv_sec = facts->started_ns / 1000000000,
                                   .tv_nsec = facts->started_ns % 1000000000};

    set_time(out, started, start, facts->epoch_s);
    set_time(out, finished, facts->finished, facts->epoch_s);
}

static void find_metadata(struct parts *parts, int is_hermetic, json_t *buildkit)
{
    const struct cb_provenance_facts *facts = parts->facts;
    const char *prefix =
        parts->options->is_v02 ? "https://mobyproject.org/buildkit@v1#" : "buildkit_";
    cb_autofree char *metadata_key = xasprintf("%smetadata", prefix);
    cb_autofree char *hermetic_key = xasprintf("%shermetic", prefix);
    json_t *complete = json_object(), *out = json_object();

    parts->metadata = out;
    if (parts->options->is_v02)
        set_times(out, facts, "buildStartedOn", "buildFinishedOn");
    else
        set_times(out, facts, "startedOn", "finishedOn");
    json_object_set_new(out, metadata_key, buildkit);
    if (is_hermetic)
        json_object_set_new(out, hermetic_key, json_true());
    json_object_set_new(complete, parts->options->is_v02 ? "parameters" : "request",
                        json_boolean(parts->has_all_parameters));
    if (parts->options->is_v02)
        json_object_set_new(complete, "environment", json_true());
    json_object_set_new(complete,
                        parts->options->is_v02 ? "materials" : "resolvedDependencies",
                        json_boolean(!parts->sources.incomplete));
    json_object_set_new(
        out, parts->options->is_v02 ? "completeness" : "buildkit_completeness", complete);
    if (parts->options->is_v02 || parts->options->reproducible)
        json_object_set_new(
            out, parts->options->is_v02 ? "reproducible" : "buildkit_reproducible",
            json_boolean(parts->options->reproducible));
}

/* ── The two versions ── */

static void set_id(const struct parts *parts, json_t *metadata, const json_t *predicate)
{
    const char *key = parts->options->is_v02 ? "buildInvocationID" : "invocationId";
    cb_autofree char *all = NULL;
    char hex[CB_DIGEST_MAX_TEXT];
    struct cb_digest digest;

    if (parts->facts->epoch_s < 0) {
        json_object_set_new(metadata, key, json_string(parts->facts->id));
        return;
    }
    /* The same build again has the same name. */
    all = cb_json_dump(predicate);
    digest = cb_digest_of(all, strlen(all));
    json_object_set_new(metadata, key,
                        json_stringn(cb_digest_hex(&digest, hex), CB_PROVENANCE_ID - 1));
}

static json_t *builder_of(const struct parts *parts)
{
    const char *id = parts->options->builder_id;
    json_t *builder = json_object();

    json_object_set_new(builder, "id", cb_provenance_text(id ? id : ""));
    return builder;
}

static json_t *make_v1(struct parts *parts)
{
    json_t *out = json_object(), *definition = json_object(), *external = json_object();
    json_t *internal = json_object(), *run = json_object();

    json_object_set(external, "configSource", parts->config_source);
    json_object_set(external, "request", parts->parameters);
    json_object_set_new(internal, "builderPlatform", json_string(parts->platform));
    if (parts->build_config)
        json_object_set(internal, "buildConfig", parts->build_config);
    json_object_set_new(definition, "buildType", json_string(BUILD_TYPE_1));
    json_object_set_new(definition, "externalParameters", external);
    json_object_set_new(definition, "internalParameters", internal);
    if (json_array_size(parts->sources.materials))
        json_object_set(definition, "resolvedDependencies", parts->sources.materials);
    json_object_set_new(run, "builder", builder_of(parts));
    json_object_set(run, "metadata", parts->metadata);
    json_object_set_new(out, "buildDefinition", definition);
    json_object_set_new(out, "runDetails", run);
    return out;
}

static json_t *make_v02(struct parts *parts)
{
    json_t *out = json_object(), *invocation = json_object();
    json_t *environment = json_object();

    json_object_set_new(environment, "platform", json_string(parts->platform));
    json_object_set(invocation, "configSource", parts->config_source);
    json_object_set(invocation, "parameters", parts->parameters);
    json_object_set_new(invocation, "environment", environment);
    json_object_set_new(out, "builder", builder_of(parts));
    json_object_set_new(out, "buildType", json_string(BUILD_TYPE_02));
    if (json_array_size(parts->sources.materials))
        json_object_set(out, "materials", parts->sources.materials);
    json_object_set_new(out, "invocation", invocation);
    if (parts->build_config)
        json_object_set(out, "buildConfig", parts->build_config);
    json_object_set(out, "metadata", parts->metadata);
    return out;
}

static int check_complete(const struct parts *parts, struct cb_error **err)
{
    if (!parts->options->must_be_complete || !parts->sources.incomplete)
        return 0;
    cb_error_set(err, CB_ERR_UNSUPPORTED, "provenance materials are incomplete");
    return cb_error_hint(err, "files of this machine, and images without a digest, "
                              "cannot be told by one: build from a git repository");
}

int cb_provenance_make(const struct cb_provenance_facts *facts,
                       const struct cb_made *made, const struct cb_manifest *manifest,
                       json_t **out, struct cb_error **err)
{
    const struct cb_attest_options *options = &facts->checked->attest;
    const struct cb_platform host = cb_platform_host();
    cb_auto_value(parts) parts = {.facts = facts, .options = options};
    struct cb_provenance_steps steps = {0};
    json_t *buildkit = json_object();
    cb_auto_json *layers = NULL;

    cb_provenance_steps_find(&steps, made->plan->result);
    cb_provenance_sources_find(&parts.sources, facts, made, &steps);
    parts.platform = cb_platform_text(&host);
    find_config_source(&parts);
    find_parameters(&parts);
    if (!options->min) {
        parts.build_config = cb_provenance_build_config(&steps, &made->platform);
        json_object_set_new(buildkit, "source", cb_provenance_source_map(&steps, facts));
        if (manifest && steps.count)
            layers = cb_provenance_layers(&steps, manifest);
    }
    find_metadata(&parts, !parts.sources.incomplete && !parts.sources.network, buildkit);
    cb_vec_free(&steps);
    if (check_complete(&parts, err) < 0)
        return -1;
    *out = options->is_v02 ? make_v02(&parts) : make_v1(&parts);
    /* In whatever form its layers go out, it is the same build. */
    set_id(&parts, parts.metadata, *out);
    if (layers)
        json_object_set(buildkit, "layers", layers);
    return 0;
}
