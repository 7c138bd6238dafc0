/* cbuild's own checks of stages as a whole: what they start from, and whether anything
 * needs them. */
#include "frontend/checks-priv.h"

#include <string.h>

/* ── Base images ── */

static void check_latest(struct cb_planner *planner, const struct cb_stage *stage)
{
    const struct cb_word *image = &stage->def->from->from.image;
    cb_auto(cb_reference) reference = NULL;

    if (!stage->base || stage->base->layout ||
        cb_reference_parse(&reference, stage->base->name, NULL) < 0 ||
        cb_digest_is_set(&reference->digest))
        return;
    if (!reference->tag)
        cb_checks_warn(planner, "LatestBaseImage", planner->file->source, image->span,
                       "Base image %s has no tag, which means latest: name a version",
                       stage->base->name);
    else if (!strcmp(reference->tag, "latest"))
        cb_checks_warn(planner, "LatestBaseImage", planner->file->source, image->span,
                       "Base image %s changes with time: name a version",
                       stage->base->name);
}

/* ── Stages that nothing uses ── */

static void mark_used(const struct cb_planner *planner, char *used)
{
    for (size_t i = 0; i < planner->stage_count; i++) {
        const struct cb_stage *stage = &planner->stages[i];

        if (stage->base_stage)
            used[stage->base_stage->index] = 1;
        cb_vec_foreach (item, &stage->items) {
            for (size_t n = 0; n < item->origin_count; n++) {
                if (item->origins[n].stage)
                    used[item->origins[n].stage->index] = 1;
            }
        }
    }
}

static int is_described(const struct cb_stage_def *def)
{
    cb_autofree char *description = cb_description_of(def->from->doc_comment, def->name);

    return description != NULL;
}

/* SOURCE_DATE_EPOCH may name a stage that does nothing but add a source. */
static int may_give_the_time(const struct cb_stage *stage)
{
    if (!stage->planner->epoch || stage->base_stage || stage->base)
        return 0;
    cb_vec_foreach (item, &stage->items) {
        if (item->inst->kind != CB_INST_ADD && item->inst->kind != CB_INST_ARG)
            return 0;
    }
    return 1;
}

/* One with a name may be there for --target: it is if it says so, if it goes on from
 * other stages, or if it makes an image to be run. */
static int may_be_a_target(const struct cb_stage *stage)
{
    if (!stage->def->name)
        return 0;
    if (stage->base_stage || is_described(stage->def) || may_give_the_time(stage))
        return 1;
    cb_vec_foreach (item, &stage->items) {
        if (item->inst->kind == CB_INST_CMD || item->inst->kind == CB_INST_ENTRYPOINT)
            return 1;
        for (size_t i = 0; i < item->origin_count; i++) {
            if (item->origins[i].stage)
                return 1;
        }
    }
    return 0;
}

static void check_unused(struct cb_planner *planner, const struct cb_stage *stage)
{
    const char *name = stage->def->name;

    if (may_be_a_target(stage))
        return;
    if (name)
        cb_checks_warn(planner, "UnusedStage", planner->file->source,
                       stage->def->from->from.name.span,
                       "Nothing uses stage \"%s\": if it is a target of its own, say so "
                       "in a comment above it, `# %s <description>`",
                       name, name);
    else
        cb_checks_warn(planner, "UnusedStage", planner->file->source,
                       stage->def->from->span,
                       "Nothing uses stage %zu, which has no name", stage->index);
}

void cb_checks_stages(struct cb_planner *planner, const struct cb_stage *target)
{
    cb_autofree char *used = NULL;

    if (planner->options->purpose != CB_PLAN_CHECK)
        return;
    used = xcalloc(planner->stage_count, 1);
    mark_used(planner, used);
    for (size_t i = 0; i < planner->stage_count; i++) {
        const struct cb_stage *stage = &planner->stages[i];

        check_latest(planner, stage);
        if (!used[i] && stage != target && i + 1 < planner->stage_count)
            check_unused(planner, stage);
    }
}
