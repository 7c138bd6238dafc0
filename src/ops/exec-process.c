/* One attempt at a RUN: mounts, environment and process in a layer that is there already,
 * its output passed on until it ends or its time is up. */
#include "ops/exec-priv.h"

#include "executor/emulation.h"

#include <errno.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Variables the step does not set itself: PATH, and HOME as the user's passwd entry says.
 */
static int add_defaults(const struct cb_exec_step *step, int rootfs,
                        struct cb_strings *variables, struct cb_error **err)
{
    cb_auto_value(cb_user) user = {0};

    if (!cb_env_get(variables, "PATH"))
        cb_env_set(variables, "PATH", DEFAULT_PATH);
    if (cb_env_get(variables, "HOME"))
        return 0;
    if (cb_user_resolve(rootfs, step->user, &user, err) < 0)
        return -1;
    cb_env_set(variables, "HOME", user.home ? user.home : "/");
    return 0;
}

static void add_missing(struct cb_strings *variables, const struct cb_strings *more)
{
    cb_vec_foreach (variable, more) {
        const char *equals = strchrnul(*variable, '=');
        cb_autofree char *name = xstrndup(*variable, (size_t)(equals - *variable));

        if (!cb_env_get(variables, name))
            cb_env_set(variables, name, *equals ? equals + 1 : equals);
    }
}

/* SECRET is "NAME=VALUE"; no part of it is copied but into VARIABLES. */
static void put_secret(struct cb_strings *variables, const char *secret)
{
    size_t name = strcspn(secret, "=") + 1;

    cb_vec_foreach (variable, variables) {
        if (strncmp(*variable, secret, name))
            continue;
        explicit_bzero(*variable, strlen(*variable));
        free(*variable);
        *variable = xstrdup(secret);
        return;
    }
    cb_strings_add(variables, secret);
}

/* Secrets among the variables do not outlive the attempt in our memory. */
struct variables {
    struct cb_strings all;
};

static void variables_clear(struct variables *variables)
{
    cb_strings_wipe(&variables->all);
}
CB_AUTO_VALUE_DEFINE(variables, variables_clear)

static int make_variables(const struct cb_exec_step *step, int rootfs,
                          const struct cb_strings *secrets, struct cb_strings *out,
                          struct cb_error **err)
{
    cb_strings_copy(out, &step->variables);
    add_missing(out, &step->quiet_variables);
    if (add_defaults(step, rootfs, out, err) < 0)
        return -1;
    cb_vec_foreach (secret, secrets)
        put_secret(out, *secret);
    return 0;
}

static void fill_spec(const struct cb_exec_step *step, struct cb_process_spec *spec)
{
    const struct cb_build_env *env = step->env;

    cb_process_spec_init(spec);
    spec->argv = &step->argv;
    spec->cwd = step->cwd;
    spec->make_cwd = 1;
    spec->user = step->user;
    spec->hostname = cb_exec_hostname(step);
    spec->shm_bytes = env->shm_bytes;
    spec->security = step->security;
    spec->rlimits = env->rlimits;
    spec->rlimit_count = env->rlimit_count;
    if (env->limits)
        spec->limits = *env->limits;
    if (env->security)
        cb_security_apply(env->security, spec);
}

static int join_network(const struct cb_exec_step *step, struct cb_cancel *cancel,
                        struct cb_process_spec *spec, struct cb_error **err)
{
    struct cb_network *network = step->env->networks[step->network];

    if (!network)
        return 0;
    if (cb_network_is_host(network)) {
        spec->host_network = 1;
        return 0;
    }
    return cb_network_netns(network, cancel, &spec->netns_fd, err);
}

/* A program for another processor may be one the kernel has an interpreter for, whatever
 * the image says of itself; so it is tried, and only a failure is looked into. */
static int explain_platform(const struct cb_exec_step *step, struct cb_error **err)
{
    struct cb_platform host = cb_platform_host();
    cb_autofree char *wanted = cb_platform_text(&step->platform);
    int errnum = err && *err ? cb_error_errnum(*err) : 0;

    if (errnum != ENOEXEC && errnum != ENOENT)
        return -1;
    switch (cb_emulation_of(&step->platform, &host, CB_BINFMT_DIR)) {
    case CB_EMULATION_ABSENT:
        return cb_error_hint(err,
                             "the stage is for %s, and no emulator for that is "
                             "registered here: install qemu-user-static",
                             wanted);
    case CB_EMULATION_OUTSIDE:
        return cb_error_hint(err,
                             "the emulator for %s is registered without the flag F, so "
                             "it would have to be in the image: register it with F",
                             wanted);
    default:
        return errnum == ENOENT
                   ? -1
                   : cb_error_hint(err,
                                   "it is neither a program for %s nor a script "
                                   "that begins with #!",
                                   wanted);
    }
}

/* Starts the process, passes its output on, and waits for its end. */
static int run_process(const struct cb_exec_step *step,
                       const struct cb_process_spec *given,
                       struct cb_exec_context *context, const struct cb_snapshot *layer,
                       struct cb_exec_end *end, struct cb_error **err)
{
    const struct cb_build_env *env = step->env;
    const struct cb_exec_bounds bounds = {env->step_timeout_ms, layer};
    cb_auto_value(cb_exec_output) output = {{-1, -1}, {-1, -1}};
    cb_auto(cb_process) process = NULL;
    struct cb_process_spec spec = *given;

    if (cb_exec_output_open(&output, err) < 0)
        return -1;
    spec.stdout_fd = output.write_fds[0];
    spec.stderr_fd = output.write_fds[1];
    if (cb_process_start(env->launcher, &spec, &process, err) < 0)
        return explain_platform(step, err);
    cb_close(&output.write_fds[0]);
    cb_close(&output.write_fds[1]);
    cb_snapshot_tidy_work(layer);
    if (cb_exec_output_pump(&output, process, context, &bounds, end, err) < 0)
        return -1;
    return cb_process_wait(process, context->cancel, &end->exit, err);
}

/* Whoever wants to look at what failed, while all of it is there. The root is opened
 * anew: on older kernels a mount serves one process. */
static int tell_failed(const struct cb_exec_step *step, struct cb_exec_context *context,
                       struct cb_snapshot *layer, struct cb_process_spec *spec,
                       const struct cb_error *error, struct cb_error **err)
{
    const struct cb_build_env *env = step->env;
    static const struct cb_strings no_secrets;
    cb_auto_value(cb_strings) variables = {0};
    cb_autofd int root = -1;
    struct cb_failed_step failed = {.event_id = context->event_id,
                                    .layer = layer,
                                    .spec = spec,
                                    .env = &variables,
                                    .network = step->network,
                                    .error = cb_error_message(error)};

    if (cb_snapshot_open_root(layer, &root, err) < 0 ||
        make_variables(step, root, &no_secrets, &variables, err) < 0)
        return -1;
    spec->rootfs_fd = root;
    env->failed(env->failed_arg, &failed);
    return 0;
}

int cb_exec_attempt(const struct cb_exec_step *step, struct cb_exec_context *context,
                    struct cb_snapshot *layer, int last, struct cb_error **err)
{
    struct cb_exec_end end = {0};
    cb_auto(cb_error) error = NULL;
    cb_auto_value(cb_exec_mounts) mounts = {.step = step, .context = context};
    cb_auto_value(variables) variables = {0};
    cb_autofd int root = -1;
    struct cb_process_spec spec;

    fill_spec(step, &spec);
    if (join_network(step, context->cancel, &spec, err) < 0 ||
        cb_exec_mounts_prepare(&mounts, err) < 0 ||
        cb_snapshot_open_root(layer, &root, err) < 0 ||
        make_variables(step, root, &mounts.variables, &variables.all, err) < 0)
        return -1;
    spec.rootfs_fd = root;
    spec.env = &variables.all;
    spec.mounts = mounts.mounts;
    spec.groups = &mounts.groups;
    if (run_process(step, &spec, context, layer, &end, err) < 0)
        return -1;
    if (cb_exec_check_end(step, context, &end, &error) == 0)
        return 0;
    cb_close(&root);
    if (last && step->env->failed &&
        tell_failed(step, context, layer, &spec, error, err) < 0)
        return -1;
    return cb_error_move(err, &error);
}
