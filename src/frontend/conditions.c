/* --if=EXPRESSION. What an instruction names decides which stages and images a build
 * needs, so a condition is looked at twice: before any image is, with what the ARGs come
 * to (from-args.c), and, if that does not decide it, when the instruction's turn has come
 * and its variables are known. What was left out early stays out. */
#include "frontend/scope-priv.h"

static void note_unset(struct cb_planner *planner, const struct cb_word *name)
{
    if (!planner->left_out)
        planner->left_out = cb_map_new(NULL);
    cb_map_set(planner->left_out, name->text, planner);
}

/* Who tests a variable that is set under a condition knows that it may be unset. */
static void leave_out(struct cb_planner *planner, struct cb_item *item)
{
    const struct cb_instruction *inst = item->inst;
    int has_pairs = inst->kind == CB_INST_ARG || inst->kind == CB_INST_ENV;

    item->left_out = 1;
    for (size_t i = 0; has_pairs && i < inst->pairs.count; i++)
        note_unset(planner, &inst->pairs.items[i].key);
    for (size_t i = 0; inst->kind == CB_INST_RUN && i < inst->run.export_count; i++)
        note_unset(planner, &inst->run.exports[i].name);
}

int cb_conditions_may_set(const struct cb_planner *planner, const char *name)
{
    return planner->left_out && cb_map_has(planner->left_out, name);
}

/* ── Early ── */

static int expand_early(void *arg, const struct cb_word *word, char **out,
                        struct cb_error **err)
{
    (void)err;
    return cb_from_args_word(arg, word, out) ? 0 : -1;
}

void cb_conditions_look(struct cb_stage *stage, struct cb_item *item)
{
    const struct cb_condition *condition = item->inst->condition;
    int value = condition ? cb_condition_holds(condition, expand_early, stage, NULL) : 1;

    if (value == 0)
        leave_out(stage->planner, item);
    item->undecided = value < 0;
}

/* ── When it is its turn ── */

struct place {
    struct cb_stage *stage;
    const struct cb_item *item;
};

static int expand_in_stage(void *arg, const struct cb_word *word, char **out,
                           struct cb_error **err)
{
    const struct place *place = arg;

    return cb_scope_expand(place->stage, place->item, word, out, err);
}

/* What may be true where the base image is known counts. */
int cb_conditions_hold(struct cb_stage *stage, const struct cb_item *item,
                       struct cb_error **err)
{
    const struct cb_condition *condition = item->inst->condition;
    struct place place = {stage, item};
    int value;

    if (item->left_out || !condition)
        return !item->left_out;
    value = cb_condition_holds(condition, expand_in_stage, &place, err);
    return value == 0 ? cb_doubt_is_there(stage) : value;
}

int cb_conditions_decide(struct cb_stage *stage, struct cb_item *item,
                         struct cb_error **err)
{
    int value = cb_conditions_hold(stage, item, err);

    if (value == 0 && !item->left_out)
        leave_out(stage->planner, item);
    return value;
}

/* ── Before the first FROM ── */

struct global_place {
    struct cb_planner *planner;
    const struct cb_strings *globals;
};

static int expand_globally(void *arg, const struct cb_word *word, char **out,
                           struct cb_error **err)
{
    const struct global_place *place = arg;

    return cb_scope_expand_global(place->planner, place->globals, word, NULL, out, err);
}

int cb_conditions_global(struct cb_planner *planner, const struct cb_instruction *inst,
                         const struct cb_strings *globals, struct cb_error **err)
{
    struct global_place place = {planner, globals};

    return inst->condition
               ? cb_condition_holds(inst->condition, expand_globally, &place, err)
               : 1;
}
