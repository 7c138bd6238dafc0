/* One build end to end: check the request, open the inputs, plan, solve, export, tell. */
#include "engine/build-priv.h"

#include "base/out-file.h"
#include "engine/provenance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Those of PLAN's sources that only a solve would ask about. */
static int look_up_sources(const struct cb_plan *plan, struct cb_cancel *cancel,
                           struct cb_error **err)
{
    struct cb_provenance_steps steps = {0};
    int rc = 0;

    cb_provenance_steps_find(&steps, plan->result);
    for (size_t i = 0; i < steps.count && rc == 0; i++) {
        const enum cb_step_kind kind = cb_step_facts(steps.items[i]).kind;

        if (kind == CB_STEP_URL || kind == CB_STEP_GIT)
            rc = cb_vertex_look_up(steps.items[i], cancel, err);
    }
    cb_vec_free(&steps);
    return rc;
}

/* What a build for each platform would take. */
static int lock_target(struct cb_engine *engine, struct cb_building *build,
                       const char *target, struct cb_error **err)
{
    const struct cb_building_part *part = build->parts.items;

    cb_vec_foreach (platform, &part->checked.platforms) {
        struct cb_frontend_options options =
            cb_building_options(engine, build, part, platform);
        cb_auto(cb_plan) plan = NULL;

        options.target = target;
        options.nothing_runs = 1;
        if (cb_frontend_plan(&plan, &options, err) < 0 ||
            look_up_sources(plan, engine->env.cancel, err) < 0)
            return -1;
    }
    return 0;
}

static int lock(struct cb_engine *engine, struct cb_building *build,
                const struct cb_build_request *request, struct cb_lock_result *out,
                struct cb_error **err)
{
    struct cb_event_sink *sink = engine->env.sink;
    cb_auto(cb_once) once = cb_once_new(sink);
    int rc = 0;

    engine->env.sink = cb_once_sink(once);
    if (!request->lock_targets.count)
        rc = lock_target(engine, build, NULL, err);
    for (size_t i = 0; i < request->lock_targets.count && rc == 0; i++)
        rc = lock_target(engine, build, request->lock_targets.items[i], err);
    engine->env.sink = sink;
    return rc < 0 ? -1 : cb_locking_write(build->locking, out, err);
}

static int tell_waste(struct cb_engine *engine, const struct cb_made_list *list,
                      struct cb_error **err)
{
    cb_vec_foreach (made, list) {
        if (cb_waste_tell(&engine->env, made, err) < 0)
            return -1;
    }
    return 0;
}

/* The images as they are to be: what goes into their configuration and their layers. */
static int finish_images(struct cb_engine *engine, struct cb_building *build,
                         struct cb_building_part *part, int executed,
                         struct cb_error **err)
{
    const struct cb_checked_request *checked = &part->checked;

    cb_vec_foreach (made, &part->made) {
        struct cb_snapshot *top =
            made->result ? cb_snapshot_result_get(made->result) : NULL;

        if (cb_caches_inline(build->cache, checked, top, made->plan->config, err) < 0)
            return -1;
    }
    if (cb_squash_made(&engine->env, checked, &part->made, err) < 0)
        return -1;
    if (executed && !checked->squash && tell_waste(engine, &part->made, err) < 0)
        return -1;
    cb_vec_foreach (made, &part->made)
        cb_request_edit_config(&part->request, made->plan->config);
    return 0;
}

static int write_iidfile(const char *path, const struct cb_digest *id,
                         struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];

    if (!path || !cb_digest_is_set(id))
        return 0;
    cb_digest_text(id, text);
    if (cb_out_file_write(path, text, err) < 0)
        return cb_error_wrap(err, "--iidfile `%s`", path);
    return 0;
}

static void note_outcome(struct cb_build_outcome *out,
                         const struct cb_outputs_result *outputs)
{
    struct cb_digest id = cb_outputs_id(outputs);

    if (cb_digest_is_set(&id)) {
        out->is_kept = outputs->is_kept && (out->is_kept || !out->image_ids.count);
        out->image_id = id;
        cb_vec_push(&out->image_ids, id);
    }
    out->took_stdout |= outputs->took_stdout;
    if (outputs->target.media_type)
        out->digest = outputs->target.digest;
}

static int export(struct cb_engine *engine, struct cb_building *build,
                  struct cb_building_part *part, struct cb_build_outcome *out,
                  struct cb_error **err)
{
    const struct cb_checked_request *checked = &part->checked;
    struct cb_metadata metadata = {.path = part->request.metadata_file,
                                   .ref = cb_history_log_id(build->log),
                                   .warnings = build->warnings};
    cb_auto_value(cb_outputs_result) outputs = {0};
    cb_auto(cb_attesting) attesting = NULL;

    if (finish_images(engine, build, part, out->stats.executed > 0, err) < 0)
        return -1;
    attesting = cb_attesting_new(&engine->env, checked, &part->request, &build->inputs,
                                 &part->made);
    if (cb_outputs_write(&engine->env, checked, &part->made, attesting, &outputs, err) <
        0)
        return -1;
    note_outcome(out, &outputs);
    part->id = cb_outputs_id(&outputs);
    metadata.attesting = attesting;
    return metadata.path ? cb_outputs_write_metadata(&metadata, checked, &outputs, err)
                         : 0;
}

static int export_cache(struct cb_engine *engine, struct cb_building *build,
                        struct cb_error **err)
{
    struct cb_made_list all = {0}; /* borrows what it lists */
    int result;

    cb_vec_foreach (part, &build->parts) {
        cb_vec_foreach (made, &part->made)
            cb_vec_push(&all, *made);
    }
    result = cb_caches_export(build->cache, &engine->env, &build->parts.items[0].checked,
                              &all, err);
    cb_vec_free(&all);
    return result;
}

static int export_all(struct cb_engine *engine, struct cb_building *build,
                      struct cb_build_outcome *out, struct cb_error **err)
{
    cb_vec_foreach (part, &build->parts) {
        if (export(engine, build, part, out, err) < 0)
            return -1;
    }
    if (export_cache(engine, build, err) < 0)
        return -1;
    /* Who waits for one of these finds all the rest done. */
    cb_vec_foreach (part, &build->parts) {
        if (write_iidfile(part->request.iidfile, &part->id, err) < 0)
            return -1;
    }
    return 0;
}

static int remove_earlier(const char *option, const char *path, struct cb_error **err)
{
    if (!path || !cb_out_file_is_plain(path) || unlink(path) == 0 || errno == ENOENT)
        return 0;
    return cb_error_errno(err, errno, "remove the earlier %s `%s`", option, path);
}

/* Of an earlier build: nothing is to be taken for this one's. */
static int remove_results(const struct cb_building *build, struct cb_error **err)
{
    cb_vec_foreach (part, &build->parts) {
        if (remove_earlier("--iidfile", part->request.iidfile, err) < 0 ||
            remove_earlier("--metadata-file", part->request.metadata_file, err) < 0)
            return -1;
    }
    return 0;
}

static void warn_of_volumes(const struct cb_building *build, struct cb_event_sink *sink)
{
    cb_vec_foreach (volume, &build->parts.items[0].checked.volumes) {
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

static int run(struct cb_engine *engine, struct cb_building *build,
               const struct cb_engine_env *given, const struct cb_build_request *request,
               struct cb_build_outcome *out, struct cb_error **err)
{
    struct cb_remote named = build->remote;

    named.ssh_keys = 1;
    if (cb_inputs_open(&build->inputs, given, request, &named, err) < 0)
        return -1;
    if (request->call == CB_CALL_BUILD) {
        warn_of_volumes(build, engine->env.sink);
        warn_of_caches("--cache-from", &request->cache_from, engine->env.sink);
        warn_of_caches("--cache-to", &request->cache_to, engine->env.sink);
    }
    if (request->call == CB_CALL_LOCK)
        return lock(engine, build, request, &out->call.lock, err);
    if (request->call != CB_CALL_BUILD) {
        const struct cb_building_part *part = build->parts.items;
        struct cb_frontend_options options =
            cb_building_options(engine, build, part, &part->checked.platforms.items[0]);

        return cb_call_answer(&out->call, request->call, &options, err);
    }
    if (cb_building_plan(engine, build, err) < 0 ||
        cb_building_solve(engine, build, request, &out->stats, err) < 0 ||
        cb_cancel_check(given->cancel, err) < 0)
        return -1;
    return export_all(engine, build, out, err);
}

/* *ENGINE is set as soon as there is something to tear down, also when the build fails.
 */
int cb_engine_build(const struct cb_engine_env *env,
                    const struct cb_build_request *request, struct cb_build_outcome *out,
                    struct cb_engine **engine, struct cb_error **err)
{
    struct cb_building build = {0};
    struct cb_error *error = NULL;
    int rc = -1;

    if (cb_building_check(&build, request, env->cancel, err) < 0 ||
        cb_caches_check(&build.parts.items[0].checked, env->settings, err) < 0 ||
        (request->call == CB_CALL_BUILD && remove_results(&build, err) < 0)) {
        cb_building_clear(&build);
        return -1;
    }
    *engine = xcalloc(1, sizeof(**engine));
    if (cb_building_set_up(*engine, &build, env, request, &error) == 0)
        rc = run(*engine, &build, env, request, out, &error);
    (*engine)->store = env->store;
    (*engine)->worked = out->stats.executed > 0 || (rc < 0 && out->stats.total > 0);
    if (build.log) {
        cb_history_log_end(build.log, out, error);
        cb_build_tell(env->store, cb_history_log_id(build.log), &build.names,
                      &build.familiar, out, error);
    }
    if (rc == 0)
        cb_strings_copy(&out->names, &build.familiar);
    cb_building_clear(&build);
    return rc < 0 ? cb_error_move(err, &error) : 0;
}
