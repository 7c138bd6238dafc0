/* A stage's instructions → vertices and a configuration. One row per instruction; each
 * row's function lies in a convert-*.c file. An instruction that changes files becomes a
 * vertex whose first input is what the stage had before; LABEL, CMD and the like change
 * the configuration only, so they cost no step and break no cache. */
#include "frontend/checks-priv.h"
#include "frontend/convert-priv.h"
#include "frontend/scope-priv.h"

#include <string.h>

static const struct {
    enum cb_instruction_kind kind;
    int (*convert)(struct cb_stage *stage, const struct cb_item *item,
                   struct cb_error **err);
} converters[] = {
    {CB_INST_RUN, cb_convert_run},
    {CB_INST_CMD, cb_convert_cmd},
    {CB_INST_LABEL, cb_convert_label},
    {CB_INST_MAINTAINER, cb_convert_maintainer},
    {CB_INST_EXPOSE, cb_convert_expose},
    {CB_INST_ENV, cb_convert_env},
    {CB_INST_ADD, cb_convert_copy},
    {CB_INST_COPY, cb_convert_copy},
    {CB_INST_ENTRYPOINT, cb_convert_entrypoint},
    {CB_INST_VOLUME, cb_convert_volume},
    {CB_INST_USER, cb_convert_user},
    {CB_INST_WORKDIR, cb_convert_workdir},
    {CB_INST_ARG, cb_convert_arg},
    {CB_INST_ONBUILD, cb_convert_onbuild},
    {CB_INST_STOPSIGNAL, cb_convert_stopsignal},
    {CB_INST_HEALTHCHECK, cb_convert_healthcheck},
    {CB_INST_SHELL, cb_convert_shell},
};

int cb_convert_item(struct cb_stage *stage, const struct cb_item *item,
                    struct cb_error **err)
{
    struct cb_source *place =
        stage->planner ? stage->planner->file->source : item->source;

    for (size_t i = 0; i < CB_ARRAY_SIZE(converters); i++) {
        if (converters[i].kind != item->inst->kind)
            continue;
        if (converters[i].convert(stage, item, err) == 0)
            return 0;
        if (item->onbuild)
            cb_error_wrap(err, "ONBUILD trigger `%s`", item->inst->original);
        return cb_error_at(err, place, item->place);
    }
    cb_error_set(err, CB_ERR_SYNTAX, "%s is not allowed here",
                 cb_instruction_name(item->inst->kind));
    return cb_error_at(err, place, item->place);
}

/* ── A stage ── */

/* What the stage starts with: another stage's state, an image's, or nothing. */
static int start_stage(struct cb_stage *stage, struct cb_error **err)
{
    struct cb_planner *planner = stage->planner;
    const struct cb_instruction *from = stage->def->from;
    cb_auto_value(cb_strbuf) name = {0};

    if (stage->base_stage) {
        stage->config = cb_image_config_copy(stage->base_stage->config);
        stage->root = stage->base_stage->root;
        stage->apart = stage->base_stage->apart;
        cb_vec_foreach (link, &stage->base_stage->links)
            cb_vec_push(&stage->links, *link);
        stage->platform = stage->base_stage->platform;
        stage->base_layers = stage->base_stage->base_layers;
        stage->layers = stage->base_stage->layers;
        stage->workdir_set = stage->base_stage->workdir_set;
        stage->env_unknown = stage->base_stage->env_unknown;
        stage->values_unknown = stage->base_stage->values_unknown;
        return cb_scope_inherit(stage, stage->base_stage, err);
    }
    stage->env_unknown = planner->partly;
    if (!stage->base) {
        stage->config = cb_config_scratch(&stage->platform);
        return stage->named ? cb_named_root(stage, stage->named, err) : 0;
    }
    if (!stage->base->image) {
        stage->env_unknown = 1;
        stage->config = cb_config_scratch(&stage->platform);
    } else {
        stage->config = cb_config_derive(stage->base->image->config);
    }
    if (!stage->base->canonical)
        return 0;
    stage->base_layers = stage->layers = stage->config->diff_ids.count;
    cb_checks_base_platform(planner, stage->base, from->span);
    cb_convert_prefix(&name, stage);
    cb_strbuf_addf(&name, "FROM %s", stage->base->canonical);
    if (cb_bases_root(planner, stage->base, cb_strbuf_text(&name), from->span,
                      &stage->root, err) < 0)
        return -1;
    stage->apart = stage->root;
    return 0;
}

/* The base's own ENV, below what a parent stage's ARGs set. */
int cb_convert_start_env(struct cb_stage *stage, struct cb_error **err)
{
    const struct cb_strings *given = stage->planner->options->envs;

    cb_config_default_path(stage->config);
    for (size_t i = 0; given && i < given->count; i++) {
        const char *pair = given->items[i];
        cb_autofree char *name = xstrndup(pair, strcspn(pair, "="));

        cb_env_set(&stage->config->env, name, pair + strlen(name) + 1);
    }
    for (size_t i = 0; i < stage->config->env.count; i++) {
        const char *pair = stage->config->env.items[i];
        cb_autofree char *name = xstrndup(pair, strcspn(pair, "="));
        const char *value = pair + strlen(name);

        if (cb_scope_set(stage, name, *value ? value + 1 : "", err) < 0)
            return -1;
    }
    return 0;
}

static void clear_triggers(struct cb_image_config *config)
{
    cb_strings_free(&config->onbuild);
}

static int begin_stage(struct cb_stage *stage)
{
    cb_auto(cb_error) error = NULL;

    if (start_stage(stage, &error) == 0 && cb_convert_start_env(stage, &error) == 0)
        return 0;
    cb_error_at(&error, stage->planner->file->source, stage->def->from->span);
    cb_planner_keep_error(stage->planner, &error);
    return -1;
}

/* What may be right where the image is known is no mistake yet. */
static int drop_doubtful(struct cb_stage *stage, struct cb_error **error)
{
    if (!cb_doubt_is_there(stage) || cb_error_kind(*error) == CB_ERR_UNSUPPORTED)
        return 0;
    cb_error_free(cb_steal(error));
    return 1;
}

/* The number of a step that is left out when the steps are counted is left out, too. */
static int convert_if(struct cb_stage *stage, struct cb_item *item, struct cb_error **err)
{
    int was_counted = !item->left_out && cb_stages_is_step(item->inst->kind);
    int counts = cb_conditions_decide(stage, item, err);

    if (counts == 0 && was_counted)
        stage->step++;
    if (counts <= 0)
        return counts;
    if (item->unconnected)
        return cb_doubt_is_there(stage) ? 0 : cb_error_move(err, &item->unconnected);
    return cb_convert_item(stage, item, err);
}

/* Goes on behind a mistake to find others, but not behind one in what the words below it
 * may stand for. */
static int apply(struct cb_stage *stage, struct cb_item *item)
{
    cb_auto(cb_error) error = NULL;
    int is_limit;

    cb_doubt_begin(stage);
    if (convert_if(stage, item, &error) == 0 || drop_doubtful(stage, &error)) {
        stage->failed = cb_doubt_end(stage, item) < 0;
        return 0;
    }
    /* A limit that is exceeded is exceeded by all that follows. */
    is_limit = cb_error_kind(error) == CB_ERR_UNSUPPORTED;
    if (!cb_planner_keep_error(stage->planner, &error) || is_limit)
        return -1;
    stage->failed = item->inst->kind == CB_INST_ENV || item->inst->kind == CB_INST_ARG ||
                    (item->inst->kind == CB_INST_RUN && item->inst->run.export_count);
    return 0;
}

/* Is OTHER a stage before STAGE that has to wait? One that comes later is a mistake. */
static int is_waiting(const struct cb_stage *stage, const struct cb_stage *other)
{
    return other && other->needed && other->index < stage->index && !other->ended;
}

/* What is left out now waits for nobody. */
static int counts(struct cb_stage *stage, struct cb_item *item)
{
    if (!item->undecided)
        return 1;
    cb_doubt_begin(stage);
    item->undecided = cb_conditions_hold(stage, item, NULL) <= 0;
    return !item->undecided;
}

static int has_to_wait(struct cb_stage *stage, struct cb_item *item)
{
    for (size_t i = 0; i < item->origin_count && !item->left_out; i++) {
        if (is_waiting(stage, item->origins[i].stage))
            return counts(stage, item);
    }
    return 0;
}

int cb_convert_stage(struct cb_stage *stage)
{
    if (stage->ended || is_waiting(stage, stage->base_stage))
        return 0;
    if (!stage->converted) {
        stage->converted = 1;
        stage->failed = stage->base_stage && stage->base_stage->failed;
        if (!stage->failed && begin_stage(stage) < 0)
            return -1;
        if (!stage->failed)
            clear_triggers(stage->config);
    }
    while (!stage->failed && stage->next < stage->items.count) {
        struct cb_item *item = &stage->items.items[stage->next];

        if (stage->awaited || has_to_wait(stage, item))
            return 0;
        stage->next++;
        if (apply(stage, item) < 0)
            return -1;
    }
    stage->ended = stage->failed || !stage->awaited;
    return 0;
}
