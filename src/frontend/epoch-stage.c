/* SOURCE_DATE_EPOCH=STAGE: the time of what the stage adds from elsewhere. Such a stage
 * only names a source: FROM scratch, ARGs, and one ADD of one URL or git repository. */
#include "frontend/scope-priv.h"

#include "context/remote.h"

#include <string.h>

struct source_stage {
    struct cb_planner *planner;
    const struct cb_stage_def *def;
    struct cb_strings env; /* the global ARGs, then the stage's own */
    const struct cb_instruction *add;
};

static int refuse(const struct source_stage *stage, struct cb_span span, const char *why,
                  struct cb_error **err)
{
    cb_error_set(err, CB_ERR_SYNTAX, "SOURCE_DATE_EPOCH=%s: %s", stage->def->name, why);
    return cb_error_at(err, stage->planner->file->source, span);
}

static int expand(struct source_stage *stage, const struct cb_word *word, char **out,
                  struct cb_error **err)
{
    *out = NULL;
    if (!word->text)
        return 0;
    return cb_scope_expand_global(stage->planner, &stage->env, word, NULL, out, err);
}

static int take_args(struct source_stage *stage, const struct cb_instruction *inst,
                     struct cb_error **err)
{
    for (size_t i = 0; i < inst->pairs.count; i++) {
        const struct cb_pair *pair = &inst->pairs.items[i];
        const char *given = cb_scope_build_arg(stage->planner, pair->key.text);
        cb_autofree char *value = NULL;

        if (!given && expand(stage, &pair->value, &value, err) < 0)
            return -1;
        if (given || value)
            cb_env_set(&stage->env, pair->key.text, given ? given : value);
    }
    return 0;
}

static int take_instruction(struct source_stage *stage, const struct cb_instruction *inst,
                            struct cb_error **err)
{
    int counts = cb_conditions_global(stage->planner, inst, &stage->env, err);

    if (counts <= 0)
        return counts;
    if (inst->kind == CB_INST_ARG)
        return take_args(stage, inst, err);
    if (inst->kind != CB_INST_ADD)
        return refuse(stage, inst->span, "the stage must only name a source", err);
    if (stage->add || inst->copy.heredocs.count || inst->copy.sources.count != 1)
        return refuse(stage, inst->span,
                      "the stage must contain exactly one remote ADD source", err);
    stage->add = inst;
    return 0;
}

static int read_stage(struct source_stage *stage, struct cb_error **err)
{
    const struct cb_stage_def *def = stage->def;
    cb_autofree char *base = NULL;

    if (expand(stage, &def->from->from.image, &base, err) < 0)
        return -1;
    if (!base || strcmp(base, "scratch") != 0)
        return refuse(stage, def->from->from.image.span, "the stage must be FROM scratch",
                      err);
    for (size_t i = 0; i < def->count; i++) {
        if (take_instruction(stage, def->items[i], err) < 0)
            return -1;
    }
    return stage->add
               ? 0
               : refuse(stage, def->from->span,
                        "the stage must contain exactly one remote ADD source", err);
}

static int time_of_add(struct source_stage *stage, int64_t *seconds,
                       struct cb_error **err)
{
    const struct cb_inst_copy *add = &stage->add->copy;
    const struct cb_word *word = &add->sources.items[0];
    cb_autofree char *text = NULL;
    cb_autofree char *checksum = NULL;
    int known;

    if (expand(stage, word, &text, err) < 0 ||
        expand(stage, &add->checksum, &checksum, err) < 0)
        return -1;
    if (!cb_context_is_remote(text))
        return refuse(stage, word->span, "the source must be a URL or git repository",
                      err);
    if (stage->planner->options->offline)
        return 0;
    known = cb_remote_time(stage->planner->options->env->remote, text, checksum, seconds,
                           err);
    return known < 0 ? cb_error_at(err, stage->planner->file->source, word->span) : known;
}

int cb_epoch_of_stage(struct cb_planner *planner, const struct cb_stage_def *def,
                      int64_t *seconds, struct cb_error **err)
{
    struct source_stage stage = {.planner = planner, .def = def};
    int known = -1;

    cb_strings_copy(&stage.env, &planner->globals);
    if (read_stage(&stage, err) == 0)
        known = time_of_add(&stage, seconds, err);
    cb_strings_free(&stage.env);
    return known;
}
