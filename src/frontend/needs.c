/* Which stages a build needs. A stage needs the stage or image of its FROM, and those its
 * COPY --from and --mount from= name; nothing else is resolved or converted. ONBUILD
 * triggers are known only when the base image is, and may name further stages and images,
 * so marking and resolving are repeated until nothing is added. */
#include "frontend/convert-priv.h"

#include <string.h>

enum { UNSEEN, ON_PATH, DONE };

static int report_cycle(const struct cb_stage *stage, const struct cb_item *item,
                        struct cb_error **err)
{
    cb_error_set(err, CB_ERR_SYNTAX, "circular dependency detected on stage: %s",
                 stage->label);
    return cb_error_at(err, stage->planner->file->source, item->place);
}

static int visit(struct cb_planner *planner, struct cb_stage *stage, char *marks,
                 struct cb_error **err)
{
    if (marks[stage->index] == DONE)
        return 0;
    marks[stage->index] = ON_PATH;
    if (stage->base_stage && visit(planner, stage->base_stage, marks, err) < 0)
        return -1;
    cb_vec_foreach (item, &stage->items) {
        for (size_t i = 0; i < item->origin_count; i++) {
            struct cb_stage *other = item->origins[i].stage;

            if (!other || item->left_out)
                continue;
            if (marks[other->index] == ON_PATH)
                return report_cycle(stage, item, err);
            if (visit(planner, other, marks, err) < 0)
                return -1;
        }
    }
    marks[stage->index] = DONE;
    return 0;
}

static int check_cycles(struct cb_planner *planner, struct cb_error **err)
{
    cb_autofree char *marks = xcalloc(planner->stage_count, 1);

    for (size_t i = 0; i < planner->stage_count; i++) {
        if (visit(planner, &planner->stages[i], marks, err) < 0)
            return -1;
    }
    return 0;
}

static void mark_needed(struct cb_stage *stage)
{
    if (stage->needed)
        return;
    stage->needed = 1;
    if (stage->base_stage)
        mark_needed(stage->base_stage);
    cb_vec_foreach (item, &stage->items) {
        for (size_t i = 0; i < item->origin_count; i++) {
            if (item->origins[i].stage && !item->left_out)
                mark_needed(item->origins[i].stage);
        }
    }
}

static void mark_again(struct cb_planner *planner, struct cb_stage *target)
{
    for (size_t i = 0; i < planner->stage_count; i++)
        planner->stages[i].needed = 0;
    mark_needed(target);
    for (size_t i = 0; i < planner->stage_count && cb_planner_wants_all(planner); i++)
        mark_needed(&planner->stages[i]);
}

static int add_triggers(struct cb_planner *planner, struct cb_error **err)
{
    int added = 0;

    for (size_t i = 0; i < planner->stage_count; i++) {
        struct cb_stage *stage = &planner->stages[i];
        int rc;

        if (!stage->needed || stage->triggers_known)
            continue;
        rc = cb_convert_triggers(stage, err);
        if (rc < 0)
            return -1;
        stage->triggers_known = 1;
        added |= rc;
    }
    return added;
}

int cb_stages_is_step(enum cb_instruction_kind kind)
{
    return kind == CB_INST_RUN || kind == CB_INST_COPY || kind == CB_INST_ADD ||
           kind == CB_INST_WORKDIR;
}

static void count_steps(struct cb_planner *planner)
{
    for (size_t i = 0; i < planner->stage_count; i++) {
        struct cb_stage *stage = &planner->stages[i];

        stage->steps = stage->base != NULL;
        cb_vec_foreach (item, &stage->items)
            stage->steps += !item->left_out && cb_stages_is_step(item->inst->kind);
    }
}

int cb_stages_prepare(struct cb_planner *planner, struct cb_stage *target,
                      struct cb_error **err)
{
    int added;

    do {
        if (check_cycles(planner, err) < 0)
            return -1;
        mark_again(planner, target);
        if (cb_bases_resolve(planner, err) < 0)
            return -1;
        added = add_triggers(planner, err);
    } while (added > 0);
    if (added < 0)
        return -1;
    count_steps(planner);
    return 0;
}
