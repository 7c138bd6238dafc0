/* What a build works with: made before its first step and let go of after its last. What
 * costs time is made when it is needed: the pool starts no thread, the registry opens no
 * connection and a network has no namespace before a step asks for one, so a rebuild with
 * nothing changed is a few look-ups in the store. */
#include "engine/build-priv.h"

#include "base/log.h"
#include "store/cache-mount.h"
#include "store/prune.h"

#define DEFAULT_HOSTNAME "buildkitsandbox"
#define JOBS_PER_CORE    4 /* unless --jobs says */
#define LEAST_JOBS       8

/* --network may name another one for steps that ask for none. */
static int make_networks(struct cb_engine *engine, const struct cb_building *build,
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
        if (i == CB_OP_NETWORK_DEFAULT && build->parts.items[0].checked.network_name) {
            options.mode = build->parts.items[0].checked.network_name;
            options.joined = joined;
        }
        if (cb_network_new(&engine->networks[i], &options, err) < 0)
            return -1;
        engine->env.networks[i] = engine->networks[i];
    }
    return 0;
}

static const struct cb_strings *either(const struct cb_strings *asked,
                                       const struct cb_strings *configured)
{
    return asked->count ? asked : configured;
}

static struct cb_dns_options name_servers(const struct cb_build_request *request,
                                          const struct cb_settings *settings)
{
    if (!settings)
        return (struct cb_dns_options){&request->dns, &request->dns_search,
                                       &request->dns_options};
    return (struct cb_dns_options){either(&request->dns, &settings->dns),
                                   either(&request->dns_search, &settings->dns_search),
                                   either(&request->dns_options, &settings->dns_options)};
}

static void fill_env(struct cb_engine *engine, struct cb_building *build,
                     const struct cb_engine_env *given,
                     const struct cb_build_request *request)
{
    const struct cb_checked_request *checked = &build->parts.items[0].checked;

    engine->env.store = given->store;
    engine->env.launcher = given->launcher;
    engine->env.cancel = given->cancel;
    engine->env.pool = engine->pool;
    engine->env.sink = build->log ? cb_history_log_sink(build->log) : given->sink;
    engine->env.add_hosts = &request->add_hosts;
    engine->dns = name_servers(request, given->settings);
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
    engine->env.secret_mac = cb_secrets_mac;
    engine->env.offline = request->offline;
    engine->env.source_date_epoch = checked->source_date_epoch;
    engine->env.keep_times = checked->keep_times;
    engine->env.context_git_modes = checked->context_git_modes;
}

/* For URLs and git repositories, as contexts and in the Dockerfile. */
static void set_up_remote(struct cb_engine *engine, struct cb_building *build,
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
        .pins = cb_locking_pins(build->locking),
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

int cb_building_set_up(struct cb_engine *engine, struct cb_building *build,
                       const struct cb_engine_env *given,
                       const struct cb_build_request *request, struct cb_error **err)
{
    struct cb_registry_options registry = {.store = given->store,
                                           .cancel = given->cancel,
                                           .insecure = &build->insecure,
                                           .tls_verify = !request->skip_tls_verify,
                                           .offline = request->offline};
    cb_autofree char *target = cb_building_target(request);

    /* One more than steps may run, so that what is short never waits for what is long: a
     * missing COPY source is reported while the first RUN goes on. */
    engine->jobs = request->jobs ? request->jobs : default_jobs();
    engine->pool = cb_pool_new(engine->jobs + 1, CB_BUILD_IO_THREADS);
    if (request->call == CB_CALL_BUILD) {
        build->warnings = cb_warnings_new(given->sink);
        build->log = cb_history_log_new(
            given->store,
            build->warnings ? cb_warnings_sink(build->warnings) : given->sink,
            request->explain);
        cb_history_log_begin(build->log, request, target, &build->familiar);
    }
    fill_env(engine, build, given, request);
    if (cb_secrets_digest(engine->env.secret_arg, given->store, err) < 0 ||
        cb_locking_open(&build->locking, request, err) < 0)
        return -1;
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

/* ── The end ── */

static void made_list_clear(struct cb_made_list *list)
{
    cb_vec_foreach (made, list) {
        cb_vec_foreach (link, &made->links)
            cb_result_unref(*link);
        cb_vec_free(&made->links);
        cb_vec_foreach (scanned, &made->scanned)
            cb_result_unref(*scanned);
        cb_vec_free(&made->scanned);
        cb_resolved_image_free(made->left);
        free(made->left_ns);
        cb_snapshot_unref(made->instead);
        cb_result_unref(made->result);
        cb_scan_clear(&made->scan);
        cb_plan_free(made->plan);
    }
    cb_vec_free(list);
}

void cb_building_clear(struct cb_building *build)
{
    cb_vec_foreach (part, &build->parts)
        made_list_clear(&part->made);
    cb_graph_free(build->graph);
    cb_inputs_clear(&build->inputs);
    cb_cache_free(build->cache);
    cb_registry_free(build->registry);
    cb_http_free(build->http);
    cb_locking_free(build->locking);
    cb_failures_free(build->failures);
    cb_history_log_free(build->log);
    cb_warnings_free(build->warnings);
    cb_vec_foreach (part, &build->parts)
        cb_checked_request_clear(&part->checked);
    cb_vec_free(&build->parts);
    cb_strings_free(&build->names);
    cb_strings_free(&build->familiar);
    cb_strings_free(&build->insecure);
}

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
