/* One build end to end: check the request, open the inputs, plan, solve, export, tell.
 * What costs time is made when it is needed: the pool starts no thread, the registry
 * opens no connection and a network has no namespace before a step asks for one, so a
 * rebuild with nothing changed is a few look-ups in the store. */
#include "engine/engine-priv.h"

#include "base/log.h"
#include "base/out-file.h"
#include "context/remote.h"
#include "http/http.h"
#include "store/cache-mount.h"
#include "store/prune.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_HOSTNAME "buildkitsandbox"
#define IO_THREADS       8
#define MAX_DOWNLOADS    (IO_THREADS - 2) /* the others load what is here already */
#define JOBS_PER_CORE    4                /* unless --jobs says */
#define LEAST_JOBS       8

/* Outlives the build proper: bridges take a while to tear down and old cache to remove,
 * which the user need not wait for. */
struct cb_engine {
    struct cb_build_env env;
    struct cb_pool *pool;
    struct cb_store *store;
    unsigned jobs;
    int worked; /* steps ran, or began to: the store may have grown */
    struct cb_network *networks[3];
    struct cb_dns_options dns;
};

static void prune(struct cb_store *store)
{
    cb_auto(cb_error) error = NULL;

    if (cb_store_prune_by_policy(store, &error) < 0)
        cb_debug("old cache is not removed: %s", cb_error_message(error));
}

void cb_engine_finish(struct cb_engine *engine)
{
    if (!engine)
        return;
    cb_pool_free(engine->pool);
    for (size_t i = 0; i < CB_ARRAY_SIZE(engine->networks); i++)
        cb_network_free(engine->networks[i]);
    if (engine->worked)
        prune(engine->store);
    free(engine);
}

struct build { /* what one build holds while it runs; freed in this order, from the bottom
                  up */
    struct cb_checked_request checked;
    struct cb_history_log *log;
    struct cb_failures *failures;
    struct cb_registry *registry;
    struct cb_http *http;
    struct cb_remote remote;
    struct cb_cache *cache;
    struct cb_inputs inputs;
    struct cb_graph *graph; /* of several platforms; the plan of one has its own */
    struct cb_made_list made;
};

static void made_list_clear(struct cb_made_list *list)
{
    cb_vec_foreach (made, list) {
        cb_vec_foreach (link, &made->links)
            cb_result_unref(*link);
        cb_vec_free(&made->links);
        cb_resolved_image_free(made->left);
        free(made->left_ns);
        cb_snapshot_unref(made->instead);
        cb_result_unref(made->result);
        cb_plan_free(made->plan);
    }
    cb_vec_free(list);
}

static void build_clear(struct build *build)
{
    made_list_clear(&build->made);
    cb_graph_free(build->graph);
    cb_inputs_clear(&build->inputs);
    cb_cache_free(build->cache);
    cb_registry_free(build->registry);
    cb_http_free(build->http);
    cb_failures_free(build->failures);
    cb_history_log_free(build->log);
    cb_checked_request_clear(&build->checked);
}

/* ── Set-up ── */

/* --network may name another one for steps that ask for none. */
static int make_networks(struct cb_engine *engine, const struct build *build,
                         const struct cb_network_joined *joined, struct cb_store *store,
                         struct cb_error **err)
{
    static const char *const modes[] = {
        [CB_OP_NETWORK_DEFAULT] = "default",
        [CB_OP_NETWORK_NONE] = "none",
        [CB_OP_NETWORK_HOST] = "host",
    };
    cb_autofree char *state_dir = xasprintf("%s/networks", cb_store_root(store));

    for (size_t i = 0; i < CB_ARRAY_SIZE(modes); i++) {
        struct cb_network_options options = {.mode = modes[i], .state_dir = state_dir};

        options.dns = engine->dns.servers;
        if (i == CB_OP_NETWORK_DEFAULT && build->checked.network_name) {
            options.mode = build->checked.network_name;
            options.joined = joined;
        }
        if (cb_network_new(&engine->networks[i], &options, err) < 0)
            return -1;
        engine->env.networks[i] = engine->networks[i];
    }
    return 0;
}

static void fill_env(struct cb_engine *engine, struct build *build,
                     const struct cb_engine_env *given,
                     const struct cb_build_request *request)
{
    const struct cb_checked_request *checked = &build->checked;

    engine->env.store = given->store;
    engine->env.launcher = given->launcher;
    engine->env.cancel = given->cancel;
    engine->env.pool = engine->pool;
    engine->env.sink = build->log ? cb_history_log_sink(build->log) : given->sink;
    engine->env.add_hosts = &request->add_hosts;
    engine->dns = (struct cb_dns_options){&request->dns, &request->dns_search,
                                          &request->dns_options};
    engine->env.dns = &engine->dns;
    engine->env.hostname = DEFAULT_HOSTNAME;
    engine->env.shm_bytes = checked->shm_bytes;
    engine->env.limits = &checked->limits;
    engine->env.security = &checked->security;
    engine->env.nodes = &checked->nodes;
    engine->env.cdi_devices = &checked->cdi_devices;
    engine->env.volumes = checked->volumes.items;
    engine->env.volume_count = checked->volumes.count;
    engine->env.rlimits = checked->rlimits.items;
    engine->env.rlimit_count = checked->rlimits.count;
    engine->env.cdi_dirs = &checked->cdi_dirs;
    engine->env.cache_places = &request->cache_places;
    engine->env.started_ns = cb_cache_mount_now();
    engine->env.retries = request->retries;
    engine->env.step_timeout_ms = checked->step_timeout_ms;
    cb_ssh_use(checked->ssh, given->store, given->cancel);
    engine->env.ssh = cb_ssh_connect;
    engine->env.ssh_arg = checked->ssh;
    engine->env.secret = cb_secrets_get;
    engine->env.secret_arg = checked->secrets;
    engine->env.offline = request->offline;
    engine->env.source_date_epoch = checked->source_date_epoch;
    engine->env.keep_times = checked->keep_times;
    engine->env.context_git_modes = checked->context_git_modes;
}

/* For URLs and git repositories, as contexts and in the Dockerfile. */
static void set_up_remote(struct cb_engine *engine, struct build *build,
                          const struct cb_settings *settings)
{
    struct cb_http_options options = {.cancel = engine->env.cancel};

    if (settings) {
        options.http_proxy = settings->registry.http_proxy;
        options.https_proxy = settings->registry.https_proxy;
        options.no_proxy = settings->registry.no_proxy;
    }
    build->http = cb_http_new(&options);
    build->remote = (struct cb_remote){
        .store = engine->env.store,
        .http = build->http,
        .cancel = engine->env.cancel,
        .sink = engine->env.sink,
        .secret = engine->env.secret,
        .secret_arg = engine->env.secret_arg,
        .offline = engine->env.offline,
    };
    engine->env.remote = &build->remote;
}

/* Most steps wait for something (a download, a disk, a server) much of their time. A
 * bound by cores would leave these idle; none at all would start a hundred compilers. */
static unsigned default_jobs(void)
{
    unsigned jobs = JOBS_PER_CORE * cb_pool_core_count();

    return jobs > LEAST_JOBS ? jobs : LEAST_JOBS;
}

static int set_up(struct cb_engine *engine, struct build *build,
                  const struct cb_engine_env *given,
                  const struct cb_build_request *request, struct cb_error **err)
{
    struct cb_registry_options registry = {.store = given->store,
                                           .cancel = given->cancel,
                                           .insecure = &request->insecure,
                                           .tls_verify = !request->skip_tls_verify,
                                           .offline = request->offline};

    /* One more than steps may run, so that what is short never waits for what is long: a
     * missing COPY source is reported while the first RUN goes on. */
    engine->jobs = request->jobs ? request->jobs : default_jobs();
    engine->pool = cb_pool_new(engine->jobs + 1, IO_THREADS);
    if (request->call == CB_CALL_BUILD) {
        build->log = cb_history_log_new(given->store, given->sink, request->explain);
        cb_history_log_begin(build->log, request, &build->checked.familiar);
    }
    fill_env(engine, build, given, request);
    if (build->log && (request->keep_failed || request->on_error)) {
        build->failures = cb_failures_new(given, build->log, request->keep_failed,
                                          request->on_error != NULL);
        engine->env.failed = cb_failures_tell;
        engine->env.failed_arg = build->failures;
    }
    set_up_remote(engine, build, given->settings);
    registry.pool = engine->pool;
    registry.settings = given->settings ? &given->settings->registry : NULL;
    registry.sink = engine->env.sink;
    if (cb_registry_new(&build->registry, &registry, err) < 0)
        return -1;
    engine->env.registry = build->registry;
    return make_networks(engine, build, request->joined, given->store, err);
}

/* ── The steps of a build ── */

static struct cb_frontend_options frontend_options(struct cb_engine *engine,
                                                   const struct build *build,
                                                   const struct cb_build_request *request,
                                                   const struct cb_platform *platform)
{
    const struct cb_checked_request *checked = &build->checked;
    return (struct cb_frontend_options){
        .env = &engine->env,
        .source = build->inputs.dockerfile,
        .context = build->inputs.context,
        .contexts = &build->inputs.contexts,
        .build_args = &checked->build_args,
        .proxies = &checked->proxies,
        .labels = &checked->labels,
        .envs = &checked->envs,
        .from = request->from,
        .target = request->target,
        .squash_from = checked->squash_from,
        .platform = *platform,
        .platform_given = checked->platform_given,
        .graph = build->graph,
        .build_platform = cb_platform_host(),
        .pull = request->offline ? CB_PULL_NEVER : request->pull,
        .network = checked->network,
        .allow_host_network = checked->allow_host_network,
        .allow_insecure = checked->allow_insecure,
        .allow_devices = &checked->allow_devices,
        .no_cache = request->no_cache,
        .no_cache_filter = &request->no_cache_filter,
    };
}

/* One after the other into one graph, so that what is equal is one step. */
static int make_plans(struct cb_engine *engine, struct build *build,
                      const struct cb_build_request *request, struct cb_error **err)
{
    const struct cb_checked_request *checked = &build->checked;
    struct cb_event_sink *sink = engine->env.sink;
    cb_auto(cb_once) once = NULL;
    int result = 0;

    if (checked->as_index) {
        build->graph = cb_graph_new();
        once = cb_once_new(sink);
        engine->env.sink = cb_once_sink(once);
    }
    cb_vec_foreach (platform, &checked->platforms) {
        struct cb_made made = {.platform = *platform};
        struct cb_frontend_options options =
            frontend_options(engine, build, request, platform);

        result = cb_frontend_plan(&made.plan, &options, err);
        if (result < 0)
            break;
        cb_vec_push(&build->made, made);
    }
    engine->env.sink = sink;
    return result;
}

struct wanted {
    struct cb_edge *items;
    size_t count, capacity;
};

/* What is scratch needs no solving, and of what is put together apart only the layers. */
static void list_wanted(const struct build *build, struct wanted *out)
{
    cb_vec_foreach (made, &build->made) {
        if (!made->is_apart && made->plan->result.vertex)
            cb_vec_push(out, made->plan->result);
        for (size_t i = 0; made->is_apart && i < made->plan->apart.layers.count; i++)
            cb_vec_push(out, made->plan->apart.layers.items[i]);
    }
}

static void take_results(struct build *build, struct cb_result **results)
{
    cb_vec_foreach (made, &build->made) {
        if (!made->is_apart && made->plan->result.vertex)
            made->result = *results++;
        for (size_t i = 0; made->is_apart && i < made->plan->apart.layers.count; i++)
            cb_vec_push(&made->links, *results++);
    }
}

static int is_away(void *arg, const struct cb_cache_entry *entry)
{
    return cb_cache_is_away(arg, entry);
}

/* What was left where it was found is to be had there: 1, or 0. None of it is of an image
 * that is put together apart. */
static int take_left(struct cb_engine *engine, struct build *build,
                     const struct cb_cache_entry *left, struct cb_error **err)
{
    int there = 1;

    cb_vec_foreach (made, &build->made) {
        if (!made->plan->result.vertex)
            continue;
        if (there > 0 && left->handle)
            there = cb_apart_leave(&engine->env, build->cache, left, made, err);
        left++;
    }
    return there;
}

static void drop_results(struct build *build)
{
    cb_vec_foreach (made, &build->made) {
        cb_result_unref(cb_steal(&made->result));
        cb_resolved_image_free(cb_steal(&made->left));
        free(cb_steal(&made->left_ns));
    }
}

static int solve_once(struct build *build, const struct wanted *wanted,
                      const struct cb_solve_options *options,
                      struct cb_solve_stats *stats, struct cb_error **err)
{
    cb_autofree struct cb_result **results = xcalloc(wanted->count + 1, sizeof(*results));
    struct cb_graph *graph =
        build->graph ? build->graph : build->made.items[0].plan->graph;

    if (cb_solve(graph, wanted->items, wanted->count, options, results, stats, err) < 0)
        return -1;
    take_results(build, results);
    return 0;
}

static int solve_wanted(struct cb_engine *engine, struct build *build,
                        const struct wanted *wanted, struct cb_solve_options *options,
                        struct cb_solve_stats *stats, struct cb_error **err)
{
    cb_autofree struct cb_cache_entry *left = xcalloc(wanted->count + 1, sizeof(*left));
    int result;

    if (!cb_apart_may_leave(&build->checked, &build->made))
        return solve_once(build, wanted, options, stats, err);
    options->leave = is_away;
    options->leave_arg = build->cache;
    options->left = left;
    result = solve_once(build, wanted, options, stats, err);
    if (result == 0)
        result = take_left(engine, build, left, err);
    for (size_t i = 0; i < wanted->count; i++)
        cb_cache_entry_free(&left[i]);
    if (result)
        return result < 0 ? -1 : 0;
    options->leave = NULL;
    drop_results(build);
    return solve_once(build, wanted, options, stats, err);
}

static int solve(struct cb_engine *engine, struct build *build,
                 const struct cb_build_request *request, struct cb_solve_stats *stats,
                 struct cb_error **err)
{
    struct cb_solve_options options = {
        .pool = engine->pool,
        .cancel = engine->env.cancel,
        .sink = engine->env.sink,
        .max_parallel = engine->jobs,
        .max_downloads = MAX_DOWNLOADS,
        .has_cache_ttl = request->cache_ttl != NULL,
        .cache_ttl_ns = build->checked.cache_ttl_ns,
        .explain = 1, /* the log keeps it for `cbuild explain` */
    };
    struct cb_solve_stats apart = {0};
    struct wanted wanted = {0};
    int result = 0;

    if (cb_apart_choose(&engine->env, &build->checked, &build->made, &apart, err) < 0)
        return -1;
    list_wanted(build, &wanted);
    if (wanted.count) {
        result = cb_caches_open(&build->cache, &engine->env, &build->checked, err);
        options.cache = build->cache ? cb_cache_store(build->cache) : NULL;
        if (result == 0)
            result = solve_wanted(engine, build, &wanted, &options, stats, err);
        if (result == 0)
            result = cb_cache_keep(build->cache, err);
    }
    cb_vec_free(&wanted);
    stats->total += apart.total;
    stats->cached += apart.cached;
    return result;
}

static int tell_waste(struct cb_engine *engine, const struct build *build,
                      struct cb_error **err)
{
    cb_vec_foreach (made, &build->made) {
        if (cb_waste_tell(&engine->env, made, err) < 0)
            return -1;
    }
    return 0;
}

static int export(struct cb_engine *engine, struct build *build,
                  const struct cb_build_request *request, struct cb_build_outcome *out,
                  struct cb_error **err)
{
    const struct cb_checked_request *checked = &build->checked;
    cb_auto_value(cb_outputs_result) outputs = {0};
    cb_auto(cb_attesting) attesting = NULL;

    cb_vec_foreach (made, &build->made) {
        struct cb_snapshot *top =
            made->result ? cb_snapshot_result_get(made->result) : NULL;

        if (cb_caches_inline(build->cache, checked, top, made->plan->config, err) < 0)
            return -1;
    }
    if (cb_squash_made(&engine->env, checked, &build->made, err) < 0)
        return -1;
    if (out->stats.executed && !checked->squash && tell_waste(engine, build, err) < 0)
        return -1;
    cb_vec_foreach (made, &build->made)
        cb_request_edit_config(request, made->plan->config);
    attesting =
        cb_attesting_new(&engine->env, checked, request, &build->inputs, &build->made);
    if (cb_outputs_write(&engine->env, checked, &build->made, attesting, &outputs, err) <
        0)
        return -1;
    out->image_id = cb_outputs_id(&outputs);
    out->is_kept = outputs.is_kept;
    out->took_stdout = outputs.took_stdout;
    if (outputs.target.media_type)
        out->digest = outputs.target.digest;
    if (request->metadata_file &&
        cb_outputs_write_metadata(request->metadata_file, checked, &outputs, attesting,
                                  err) < 0)
        return -1;
    return cb_caches_export(build->cache, &engine->env, checked, &build->made, err);
}

static int remove_earlier(const char *option, const char *path, struct cb_error **err)
{
    if (!path || !cb_out_file_is_plain(path) || unlink(path) == 0 || errno == ENOENT)
        return 0;
    return cb_error_errno(err, errno, "remove the earlier %s `%s`", option, path);
}

/* Of an earlier build: nothing is to be taken for this one's. */
static int remove_results(const struct cb_build_request *request, struct cb_error **err)
{
    if (remove_earlier("--iidfile", request->iidfile, err) < 0)
        return -1;
    return remove_earlier("--metadata-file", request->metadata_file, err);
}

static int write_iidfile(const char *path, const struct cb_digest *id,
                         struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];

    if (!path)
        return 0;
    cb_digest_text(id, text);
    if (cb_out_file_write(path, text, err) < 0)
        return cb_error_wrap(err, "--iidfile `%s`", path);
    return 0;
}

static void warn_of_volumes(const struct build *build, struct cb_event_sink *sink)
{
    cb_vec_foreach (volume, &build->checked.volumes) {
        cb_autofree char *text = xasprintf(
            "-v %s: what the steps find there is not part of any cache key, and the "
            "image cannot be rebuilt without it",
            volume->text);

        cb_event_emit(sink, (struct cb_event){.kind = CB_EVENT_WARNING,
                                              .text = text,
                                              .len = strlen(text)});
    }
}

static void warn_of_caches(const char *option, const struct cb_strings *texts,
                           struct cb_event_sink *sink)
{
    cb_vec_foreach (text, texts) {
        cb_autofree char *warning =
            xasprintf("%s %s: GitHub's cache is not known here: the build does without",
                      option, *text);

        if (cb_request_cache_is_left_out(*text))
            cb_event_emit(sink, (struct cb_event){.kind = CB_EVENT_WARNING,
                                                  .text = warning,
                                                  .len = strlen(warning)});
    }
}

static int run(struct cb_engine *engine, struct build *build,
               const struct cb_engine_env *given, const struct cb_build_request *request,
               struct cb_build_outcome *out, struct cb_error **err)
{
    struct cb_remote named = build->remote;

    named.ssh_keys = 1;
    if (cb_inputs_open(&build->inputs, given, request, &named, err) < 0)
        return -1;
    if (request->call == CB_CALL_BUILD)
        warn_of_volumes(build, engine->env.sink);
    warn_of_caches("--cache-from", &request->cache_from, engine->env.sink);
    warn_of_caches("--cache-to", &request->cache_to, engine->env.sink);
    if (request->call != CB_CALL_BUILD) {
        struct cb_frontend_options options =
            frontend_options(engine, build, request, &build->checked.platforms.items[0]);

        return cb_call_answer(&out->call, request->call, &options, err);
    }
    if (make_plans(engine, build, request, err) < 0 ||
        solve(engine, build, request, &out->stats, err) < 0 ||
        cb_cancel_check(given->cancel, err) < 0 ||
        export(engine, build, request, out, err) < 0)
        return -1;
    if (!cb_digest_is_set(&out->image_id))
        return 0;
    return write_iidfile(request->iidfile, &out->image_id, err);
}

/* *ENGINE is set as soon as there is something to tear down, also when the build fails.
 */
int cb_engine_build(const struct cb_engine_env *env,
                    const struct cb_build_request *request, struct cb_build_outcome *out,
                    struct cb_engine **engine, struct cb_error **err)
{
    struct build build = {0};
    struct cb_error *error = NULL;
    int rc = -1;

    if (cb_request_check(&build.checked, request, err) < 0 ||
        (request->call == CB_CALL_BUILD && remove_results(request, err) < 0)) {
        build_clear(&build);
        return -1;
    }
    *engine = xcalloc(1, sizeof(**engine));
    if (set_up(*engine, &build, env, request, &error) == 0)
        rc = run(*engine, &build, env, request, out, &error);
    (*engine)->store = env->store;
    (*engine)->worked = out->stats.executed > 0 || (rc < 0 && out->stats.total > 0);
    if (build.log) {
        cb_history_log_end(build.log, out, error);
        cb_build_tell(env->store, cb_history_log_id(build.log), &build.checked, out,
                      error);
    }
    if (rc == 0)
        cb_strings_copy(&out->names, &build.checked.familiar);
    build_clear(&build);
    return rc < 0 ? cb_error_move(err, &error) : 0;
}
