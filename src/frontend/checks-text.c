/* Build checks that the text alone decides: what the parser noted, and rules on names and
 * comments. They look at all stages, needed or not. */
#include "frontend/checks-priv.h"

#include <string.h>

static void check_reserved_name(struct cb_planner *planner,
                                const struct cb_stage_def *def)
{
    if (!strcmp(def->name, "scratch") || !strcmp(def->name, "context"))
        cb_checks_warn(planner, "ReservedStageName", planner->file->source,
                       def->from->from.name.span,
                       "Stage name should not use the same name as reserved stage \"%s\"",
                       def->name);
}

static void check_duplicate_name(struct cb_planner *planner,
                                 const struct cb_stage_def *def, struct cb_map *names)
{
    if (cb_map_has(names, def->name))
        cb_checks_warn(planner, "DuplicateStageName", planner->file->source,
                       def->from->from.name.span,
                       "Duplicate stage name \"%s\", stage names should be unique",
                       def->name);
    cb_map_set(names, def->name, names);
}

/* ── Descriptions ── */

/* The comment line right above INST describes it if it begins with a name it defines. */
static int describes(const char *comment, const char *name)
{
    size_t len = strlen(name);

    return !strncmp(comment, name, len) && (!comment[len] || comment[len] == ' ');
}

static void check_description(struct cb_planner *planner,
                              const struct cb_instruction *inst,
                              const struct cb_pair *pairs, size_t count)
{
    const char *comment = inst->doc_comment;
    const char *last = comment ? strrchr(comment, '\n') : NULL;

    if (!comment || !count)
        return;
    last = last ? last + 1 : comment;
    for (size_t i = 0; i < count; i++) {
        if (describes(last, pairs[i].key.text))
            return;
    }
    cb_checks_warn(
        planner, "InvalidDefinitionDescription", planner->file->source, inst->span,
        "Comment for %s should follow the format: `# %s <description>`",
        cb_instruction_name(inst->kind), count > 1 ? "<arg_key>" : pairs[0].key.text);
}

static void check_from(struct cb_planner *planner, const struct cb_stage_def *def,
                       struct cb_map *names)
{
    const struct cb_pair name = {.key = def->from->from.name};

    if (!def->name)
        return;
    check_reserved_name(planner, def);
    check_duplicate_name(planner, def, names);
    check_description(planner, def->from, &name, 1);
}

static void check_arg(struct cb_planner *planner, const struct cb_instruction *inst)
{
    if (inst->kind == CB_INST_ARG)
        check_description(planner, inst, inst->pairs.items, inst->pairs.count);
}

void cb_checks_lints(struct cb_planner *planner)
{
    const struct cb_dockerfile *file = planner->file;

    for (size_t i = 0; i < file->lint_count; i++)
        cb_checks_warn(planner, file->lints[i].rule, file->source, file->lints[i].span,
                       "%s", file->lints[i].message);
}

void cb_checks_static(struct cb_planner *planner)
{
    const struct cb_dockerfile *file = planner->file;
    cb_auto(cb_map) names = cb_map_new(NULL);

    cb_checks_lints(planner);
    for (size_t i = 0; i < file->global_arg_count; i++)
        check_arg(planner, file->global_args[i]);
    for (size_t s = 0; s < file->stage_count; s++) {
        check_from(planner, &file->stages[s], names);
        for (size_t i = 0; i < file->stages[s].count; i++)
            check_arg(planner, file->stages[s].items[i]);
    }
}
