/* Dockerfile → plan: parse, warn, find the stages the target needs, resolve their images,
 * convert them in order, and take the target's files and configuration. Everything of the
 * planner dies here but the graph, the target's configuration and the tree the graph's
 * spans point into. */
#include "frontend/checks-priv.h"
#include "frontend/convert-priv.h"
#include "frontend/scope-priv.h"

#include <string.h>
#include <strings.h>

#define MAX_ERRORS 20

/* docker/dockerfile and docker/dockerfile-upstream, of any version, from Docker Hub. */
static int is_built_in(const char *frontend)
{
    static const char name[] = "docker/dockerfile";

    if (!strncmp(frontend, "docker.io/", 10))
        frontend += 10;
    if (!strcmp(frontend, "dockerfile.v0"))
        return 1;
    if (strncmp(frontend, name, sizeof(name) - 1) != 0)
        return 0;
    frontend += sizeof(name) - 1;
    if (!strncmp(frontend, "-upstream", 9))
        frontend += 9;
    return !*frontend || *frontend == ':' || *frontend == '@';
}

/* `# syntax=`, or the build argument before it, names a frontend image elsewhere. The one
 * built in speaks docker/dockerfile; another one would read the text in another way,
 * which is said. */
static void check_syntax(struct cb_planner *planner)
{
    const struct cb_word *syntax = &planner->file->syntax;
    const char *given = cb_scope_build_arg(planner, "BUILDKIT_SYNTAX");
    const char *name = given ? given : syntax->text;

    if (!name || !*name || is_built_in(name))
        return;
    cb_checks_warn(planner, NULL, given ? NULL : planner->file->source,
                   given ? (struct cb_span){0} : syntax->span,
                   "frontend `%s` is not run: the built-in Dockerfile syntax is used",
                   name);
}

static int parse(struct cb_planner *planner, struct cb_error **err)
{
    struct cb_source *source = planner->options->source;
    size_t len = 0;

    cb_source_text(source, &len);
    if (!len)
        return cb_error_set(err, CB_ERR_SYNTAX, "the Dockerfile cannot be empty");
    if (cb_dockerfile_parse_partly(&planner->file, source, err) < 0) {
        if (planner->file && cb_checks_init(planner, NULL) == 0)
            cb_checks_lints(planner);
        return cb_planner_rehearse_too(planner, 1, err);
    }
    if (!planner->file->stage_count)
        return cb_error_set(err, CB_ERR_SYNTAX, "no build stage in current context");
    return 0;
}

int cb_planner_keep_error(struct cb_planner *planner, struct cb_error **error)
{
    enum cb_error_kind kind = cb_error_kind(*error);
    int is_mistake = kind == CB_ERR_SYNTAX || kind == CB_ERR_DENIED ||
                     kind == CB_ERR_NOT_FOUND || kind == CB_ERR_UNSUPPORTED ||
                     kind == CB_ERR_USAGE;

    if (++planner->error_count == MAX_ERRORS)
        cb_error_hint_too(error, "after %d mistakes the rest is not looked at",
                          MAX_ERRORS);
    cb_error_append(&planner->errors, cb_steal(error));
    return is_mistake && planner->error_count < MAX_ERRORS;
}

int cb_planner_report(struct cb_planner *planner, struct cb_error **err)
{
    return planner->errors ? cb_error_move(err, &planner->errors) : 0;
}

int cb_planner_wants_all(const struct cb_planner *planner)
{
    const char *target = planner->options->target;

    return planner->options->purpose == CB_PLAN_CHECK && (!target || !*target);
}

int cb_planner_convert(struct cb_planner *planner, struct cb_error **err)
{
    for (size_t i = 0; i < planner->stage_count; i++) {
        if (planner->stages[i].needed && cb_convert_stage(&planner->stages[i]) < 0)
            break;
    }
    return cb_planner_report(planner, err);
}

int cb_planner_end(struct cb_planner *planner, struct cb_error **err)
{
    cb_given_check(planner);
    return cb_checks_finish(planner, err);
}

int cb_planner_run(struct cb_planner *planner, struct cb_stage **target,
                   struct cb_error **err)
{
    if (parse(planner, err) < 0 || cb_checks_init(planner, err) < 0)
        return -1;
    check_syntax(planner);
    cb_checks_static(planner);
    if (cb_scope_init(planner, err) < 0 || cb_stages_init(planner, err) < 0)
        return -1;
    *target = cb_stages_target(planner, err);
    if (!*target || cb_stages_prepare(planner, *target, err) < 0)
        return -1;
    cb_checks_stages(planner, *target);
    if (cb_planner_convert(planner, err) < 0)
        return -1;
    return 0;
}

/* Also of an image whose last stage is for another: what was asked for counts. The
 * version of a system is the base's. */
static void set_platform(struct cb_image_config *config,
                         const struct cb_platform *platform)
{
    struct cb_platform base = config->platform;

    config->platform = *platform;
    if (!*platform->os_version && strcmp(base.os, platform->os) == 0)
        memcpy(config->platform.os_version, base.os_version, sizeof(base.os_version));
}

/* While nothing but COPY --link has touched it, and its layers can be had by name.
 * Planning is over: the image is the plan's now. */
static void find_apart(struct cb_stage *target, struct cb_apart *out)
{
    const struct cb_stage *first = target;
    const struct cb_vertex *from = target->root.vertex;
    struct cb_resolved_image *image;

    while (first->base_stage)
        first = first->base_stage;
    image = first->base ? first->base->image : NULL;
    if (!target->root.vertex || target->root.vertex != target->apart.vertex || !image ||
        !image->manifest || (!image->reference && !image->known_at.count))
        return;
    while (cb_vertex_input(from, 0))
        from = cb_vertex_input(from, 0);
    out->name = cb_vertex_name(from);
    out->base = image;
    first->base->image = NULL;
    cb_vec_foreach (link, &target->links)
        cb_vec_push(&out->layers, *link);
}

static void fill_plan(struct cb_plan *plan, struct cb_planner *planner,
                      struct cb_stage *target)
{
    plan->graph = planner->options->graph ? NULL : cb_steal(&planner->graph);
    plan->result = target->root;
    find_apart(target, &plan->apart);
    plan->config = cb_steal(&target->config);
    if (planner->options->platform_given)
        set_platform(plan->config, &planner->options->platform);
    plan->base_layers = target->base_layers;
    plan->target_name = target->def->name;
    plan->dockerfile = cb_steal(&planner->file);
    if (planner->options->labels)
        cb_image_config_set_labels(plan->config, planner->options->labels);
}

void cb_planner_init(struct cb_planner *planner,
                     const struct cb_frontend_options *options)
{
    *planner =
        (struct cb_planner){.options = options,
                            .arena = cb_arena_new(),
                            .graph = options->graph ? options->graph : cb_graph_new(),
                            .work = CB_MAX_EXPANSION_WORK};
}

void cb_planner_clear(struct cb_planner *planner)
{
    cb_stages_clear(planner);
    cb_vec_foreach (base, &planner->bases) {
        cb_resolved_image_free((*base)->image);
        free((*base)->canonical);
    }
    cb_vec_free(&planner->bases);
    cb_error_free(planner->errors);
    cb_checks_clear(&planner->checks);
    cb_strings_free(&planner->globals);
    cb_strings_free(&planner->quiet_env);
    cb_map_free(planner->doubtful);
    cb_map_free(planner->left_out);
    cb_map_free(planner->cache_ids);
    free(planner->epoch);
    if (!planner->options->graph)
        cb_graph_free(planner->graph);
    cb_dockerfile_free(planner->file);
    cb_vec_foreach (source, &planner->sources)
        cb_source_unref(*source);
    cb_vec_free(&planner->sources);
    cb_arena_free(planner->arena);
}

/* ── A plan ── */

/* How many layers there are below those that are to be one. */
static int find_squash(const struct cb_planner *planner, const struct cb_stage *target,
                       size_t *layers, struct cb_error **err)
{
    const char *from = planner->options->squash_from;
    const struct cb_stage *wanted, *at = target;
    long index;

    *layers = target->base_layers;
    if (!from)
        return 0;
    wanted = cb_stages_find(planner, from);
    if (!wanted && cb_stages_is_index(from, &index) && index >= 0 &&
        (size_t)index < planner->stage_count)
        wanted = &planner->stages[index];
    while (wanted && at && at != wanted)
        at = at->base_stage;
    if (!wanted || !at) {
        cb_error_set(err, CB_ERR_USAGE, "--squash=%s: the target is not made FROM it",
                     from);
        return cb_error_hint(err, "name a stage that the target, or what it is made "
                                  "from, has in its FROM");
    }
    *layers = at->layers;
    return 0;
}

/* What there is until a plan is finished. */
struct cb_planning {
    struct cb_frontend_options options;
    struct cb_planner planner;
    struct cb_stage *target;
};

static void planning_free(struct cb_planning *planning)
{
    if (!planning)
        return;
    cb_planner_clear(&planning->planner);
    free(planning);
}

static int finish(struct cb_plan *plan, struct cb_error **err)
{
    struct cb_planning *rest = plan->rest;

    if (cb_planner_end(&rest->planner, err) < 0 ||
        find_squash(&rest->planner, rest->target, &plan->squash_layers, err) < 0 ||
        cb_scans_find(&rest->planner, rest->target, &plan->scans, err) < 0)
        return -1;
    fill_plan(plan, &rest->planner, rest->target);
    planning_free(cb_steal(&plan->rest));
    return 0;
}

/* What is wrong below is told before a step runs for an hour. */
static int look_ahead(struct cb_planner *planner, struct cb_error **err)
{
    if (!planner->rehearsed && cb_planner_rehearse(planner, 0, err) < 0)
        return -1;
    planner->rehearsed = 1;
    return cb_checks_finish(planner, err);
}

/* Conversion has come as far as it can. */
static int settle(struct cb_plan *plan, struct cb_error **err)
{
    struct cb_planning *rest = plan->rest;

    if (cb_exports_list(&rest->planner, rest->target, plan))
        return finish(plan, err);
    return look_ahead(&rest->planner, err);
}

int cb_frontend_plan(struct cb_plan **out, const struct cb_frontend_options *options,
                     struct cb_error **err)
{
    cb_auto(cb_plan) plan = xcalloc(1, sizeof(*plan));
    struct cb_planning *rest = xcalloc(1, sizeof(*rest));

    plan->rest = rest;
    rest->options = *options;
    cb_planner_init(&rest->planner, &rest->options);
    if (cb_planner_run(&rest->planner, &rest->target, err) < 0 || settle(plan, err) < 0)
        return -1;
    *out = cb_steal(&plan);
    return 0;
}

int cb_plan_learn(struct cb_plan *plan, struct cb_edge step, cb_plan_read *read,
                  void *arg, struct cb_error **err)
{
    struct cb_planner *planner = &plan->rest->planner;

    for (size_t i = 0; i < planner->stage_count; i++) {
        struct cb_stage *stage = &planner->stages[i];

        if (stage->awaited && stage->root.vertex == step.vertex &&
            cb_exports_learn(stage, read, arg, err) < 0)
            return -1;
    }
    if (cb_planner_convert(planner, err) < 0)
        return -1;
    return settle(plan, err);
}

void cb_plan_free(struct cb_plan *plan)
{
    if (!plan)
        return;
    planning_free(plan->rest);
    cb_vec_free(&plan->awaited);
    cb_vec_free(&plan->begun);
    cb_graph_free(plan->graph);
    cb_image_config_free(plan->config);
    cb_resolved_image_free(plan->apart.base);
    cb_vec_free(&plan->apart.layers);
    cb_scans_clear(&plan->scans);
    cb_dockerfile_free(plan->dockerfile);
    free(plan);
}
