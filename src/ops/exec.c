/* RUN as a vertex: a layer over input 0 and a process in it, on a new layer for every
 * attempt. A result that is just what an earlier one was is replaced by that one
 * (adoption). */
#include "ops/exec-priv.h"

#include "ops/facts.h"

#include "ops/selection-priv.h"

/* ── Attempts ── */

static int attempt(const struct cb_exec_step *step, struct cb_exec_context *context,
                   int last, struct cb_snapshot **out, struct cb_error **err)
{
    struct cb_result *parent = context->inputs[0];
    cb_auto(cb_snapshot) layer = NULL;

    if (cb_snapshot_prepare(step->env->store, cb_snapshot_result_get(parent), &layer,
                            err) < 0 ||
        cb_exec_attempt(step, context, layer, last, err) < 0)
        return -1;
    *out = cb_steal(&layer);
    return 0;
}

static void tell_retry(struct cb_exec_context *context, const struct cb_error *error,
                       unsigned number, unsigned attempts)
{
    cb_event_say(context->sink, CB_EVENT_NOTICE, context->event_id,
                 "attempt %u of %u failed: %s; running the step again on a clean layer",
                 number, attempts, cb_error_message(error));
}

/* What the process of a failed attempt wrote is gone with its layer. Only the process's
 * own failure is worth another attempt: a mount that cannot be made fails the same way
 * again. */
static int make_layer(const struct cb_exec_step *step, struct cb_exec_context *context,
                      struct cb_snapshot **out, struct cb_error **err)
{
    unsigned attempts = step->env->retries + 1;

    for (unsigned number = 1;; number++) {
        cb_auto(cb_error) error = NULL;

        if (attempt(step, context, number == attempts, out, &error) == 0)
            return 0;
        if (number == attempts || cb_error_kind(error) != CB_ERR_EXIT ||
            cb_cancel_requested(context->cancel)) {
            cb_error_move(err, &error);
            return attempts > 1 && number == attempts
                       ? cb_error_wrap(err, "attempt %u of %u", number, attempts)
                       : -1;
        }
        tell_retry(context, error, number, attempts);
    }
}

static int step_exec(void *payload, struct cb_exec_context *context,
                     struct cb_result **out, struct cb_error **err)
{
    struct cb_exec_step *step = payload;
    cb_auto(cb_snapshot) layer = NULL;

    if (make_layer(step, context, &layer, err) < 0)
        return -1;
    return cb_snapshot_adopt(step->env, &layer, &context->inputs[0]->identity,
                             context->pool, out, err);
}

/* ── The vertex ── */

static int step_cache_map(void *payload, struct cb_cache_map *map,
                          struct cb_cancel *cancel, struct cb_error **err)
{
    const struct cb_exec_step *step = payload;

    (void)cancel;
    (void)err;
    cb_exec_key_parts(step, &map->parts);
    map->inputs = xcalloc(step->input_count, sizeof(*map->inputs));
    for (size_t i = 1; i < step->input_count; i++) {
        map->inputs[i].wants_content = step->selectors[i] != NULL;
        map->inputs[i].selector = step->selectors[i];
        map->inputs[i].label = step->labels[i];
    }
    return 0;
}

static void step_expect(void *payload)
{
    const struct cb_exec_step *step = payload;
    struct cb_network *network = step->env->networks[step->network];

    if (network)
        cb_network_begin(network, step->env->cancel);
}

static void free_mount(struct cb_exec_mount *mount)
{
    free((char *)mount->source);
    free((char *)mount->target);
    free((char *)mount->id);
    free((char *)mount->env);
}

static void step_free(void *payload)
{
    struct cb_exec_step *step = payload;

    cb_strings_free(&step->argv);
    cb_strings_free(&step->variables);
    cb_strings_free(&step->quiet_variables);
    cb_strings_free(&step->args);
    for (size_t i = 0; i < step->mount_count; i++)
        free_mount(&step->mounts[i]);
    for (size_t i = 0; i < step->input_count; i++) {
        free(step->selectors[i]);
        free(step->labels[i]);
    }
    for (size_t i = 0; i < step->device_count; i++)
        free((char *)step->devices[i].name);
    free(step->devices);
    free(step->mounts);
    free(step->selectors);
    free(step->labels);
    free(step->selector_index);
    free(step->cwd);
    free(step->user);
    free(step->pipe_name);
    free(step->pipe_content);
    free(step);
}

static void step_describe(const void *payload, void *facts)
{
    const struct cb_exec_step *self = payload;

    *(struct cb_step_facts *)facts = (struct cb_step_facts){
        .kind = CB_STEP_RUN,
        .argv = &self->argv,
        .env = &self->variables,
        .cwd = self->cwd,
        .user = self->user,
        .network = self->network,
        .security = self->security,
        .platform = &self->platform,
        .mounts = self->mounts,
        .mount_count = self->mount_count,
    };
}

static const struct cb_op_class step_op = {
    .name = "exec",
    .pool = CB_POOL_CPU,
    .cheap_map = 1,
    .cache_map = step_cache_map,
    .exec = step_exec,
    .free_payload = step_free,
    .expect = step_expect,
    .describe = step_describe,
};

static void copy_devices(struct cb_exec_step *step, const struct cb_exec_options *options)
{
    step->device_count = options->device_count;
    step->devices = xcalloc(options->device_count + 1, sizeof(*step->devices));
    for (size_t i = 0; i < options->device_count; i++) {
        step->devices[i] = options->devices[i];
        step->devices[i].name = xstrdup(options->devices[i].name);
    }
}

static void copy_mounts(struct cb_exec_step *step, const struct cb_exec_options *options)
{
    step->mount_count = options->mount_count;
    step->mounts = xcalloc(options->mount_count + 1, sizeof(*step->mounts));
    for (size_t i = 0; i < options->mount_count; i++) {
        struct cb_exec_mount *mount = &step->mounts[i];

        *mount = options->mounts[i];
        mount->source = xstrdup(mount->source);
        mount->target = xstrdup(mount->target);
        mount->id = xstrdup(mount->id);
        mount->env = xstrdup(mount->env);
        if (mount->type != CB_EXEC_BIND && mount->type != CB_EXEC_CACHE)
            mount->input = -1;
        if (mount->input >= (int)step->input_count)
            step->input_count = (size_t)mount->input + 1;
    }
}

/* One selector per input, of all the paths that are mounted from it. */
static void make_selectors(struct cb_exec_step *step)
{
    struct cb_selector *selectors = xcalloc(step->input_count, sizeof(*selectors));

    step->selectors = xcalloc(step->input_count, sizeof(*step->selectors));
    step->labels = xcalloc(step->input_count, sizeof(*step->labels));
    step->selector_index = xcalloc(step->mount_count + 1, sizeof(*step->selector_index));
    for (size_t i = 0; i < step->mount_count; i++) {
        const struct cb_exec_mount *mount = &step->mounts[i];

        if (mount->input < 1)
            continue;
        step->selector_index[i] = selectors[mount->input].paths.count;
        cb_strings_add(&selectors[mount->input].paths,
                       mount->source && *mount->source ? mount->source : "/");
    }
    for (size_t i = 0; i < step->input_count; i++) {
        if (selectors[i].paths.count > 0) {
            selectors[i].verb = xstrdup("RUN --mount");
            selectors[i].literal = selectors[i].owners = 1;
            step->selectors[i] = cb_selector_text(&selectors[i]);
            step->labels[i] = cb_strings_joined(&selectors[i].paths);
        }
        cb_selector_clear(&selectors[i]);
    }
    free(selectors);
}

static struct cb_digest define(const struct cb_exec_step *step)
{
    cb_auto_value(cb_key_parts) parts = {0};
    cb_auto_value(cb_strings) more = {0};

    cb_exec_key_parts(step, &parts);
    for (size_t i = 1; i < step->input_count; i++)
        cb_strings_add(&more, step->selectors[i] ? step->selectors[i] : "");
    for (size_t i = 0; i < step->mount_count; i++) {
        const struct cb_exec_mount *mount = &step->mounts[i];

        cb_strings_addf(&more, "%s %d %d %d", mount->id ? mount->id : "", mount->sharing,
                        mount->required, mount->has_mode ? (int)mount->mode : -1);
    }
    cb_vec_foreach (variable, &step->quiet_variables)
        cb_strings_add(&more, *variable);
    return cb_definition_digest(step_op.name, &parts, &more);
}

int cb_op_exec(struct cb_vertex_options *out, struct cb_build_env *env,
               const struct cb_exec_options *options, struct cb_error **err)
{
    struct cb_exec_step *step;

    if (!options->argv || options->argv->count == 0)
        return cb_error_set(err, CB_ERR_USAGE, "RUN without a command");
    step = xcalloc(1, sizeof(*step));
    step->env = env;
    cb_strings_copy(&step->argv, options->argv);
    if (options->env)
        cb_strings_copy(&step->variables, options->env);
    if (options->quiet_env)
        cb_strings_copy(&step->quiet_variables, options->quiet_env);
    if (options->args)
        cb_strings_copy(&step->args, options->args);
    step->cwd = xstrdup(options->cwd && *options->cwd ? options->cwd : "/");
    step->user = xstrdup(options->user ? options->user : "");
    step->network = options->network;
    step->security = options->security;
    step->platform = options->platform;
    step->renew_caches = options->renew_caches;
    if (options->pipe_name) {
        step->pipe_name = xstrdup(options->pipe_name);
        step->pipe_len = options->pipe_len;
        step->pipe_content = xmemdup(options->pipe_content ? options->pipe_content : "",
                                     options->pipe_len);
    }
    step->input_count = out->input_count > 1 ? out->input_count : 1;
    copy_mounts(step, options);
    copy_devices(step, options);
    make_selectors(step);
    out->op = &step_op;
    out->payload = step;
    out->definition = define(step);
    return 0;
}
