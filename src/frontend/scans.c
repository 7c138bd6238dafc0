/* BUILDKIT_SBOM_SCAN_STAGE and BUILDKIT_SBOM_SCAN_CONTEXT: what an SBOM tells of besides
 * the image itself. An ARG says so for its stage, one before the first FROM for all; a
 * build argument changes what such a line says, and says nothing without one. They are
 * read by the build alone: no word and no step sees them. */
#include "frontend/convert-priv.h"

#include "base/text.h"

#include <string.h>

#define SCAN_CONTEXT "BUILDKIT_SBOM_SCAN_CONTEXT"
#define SCAN_STAGE   "BUILDKIT_SBOM_SCAN_STAGE"

int cb_scans_is_arg(const char *name)
{
    return !strcmp(name, SCAN_CONTEXT) || !strcmp(name, SCAN_STAGE);
}

/* VALUE: true, false, or the names of stages with commas between them. */
static int is_enabled(const struct cb_stage *stage, const char *value)
{
    size_t len = strlen(stage->label);
    int flag = 0;

    if (cb_parse_bool(value, &flag))
        return flag;
    for (size_t end; *value; value += end + (value[end] == ',')) {
        end = strcspn(value, ",");
        if (end == len && !memcmp(value, stage->label, len))
            return 1;
    }
    return 0;
}

void cb_scans_note(struct cb_stage *stage, const char *name, const char *value)
{
    signed char *said =
        !strcmp(name, SCAN_CONTEXT) ? &stage->scan_context : &stage->scan_stage;

    *said = is_enabled(stage, value) ? 1 : -1;
}

static int is_wanted(const struct cb_stage *stage, const char *name, int said)
{
    const char *global = cb_env_get(&stage->planner->globals, name);

    if (said)
        return said > 0;
    return global && is_enabled(stage, global);
}

void cb_scans_clear(struct cb_plan_scans *scans)
{
    cb_vec_foreach (scan, scans)
        free(scan->name);
    cb_vec_free(scans);
}

static void add(struct cb_plan_scans *out, const char *name, struct cb_edge root)
{
    cb_vec_push(out, ((struct cb_plan_scan){xstrdup(name), root}));
}

static int add_context(struct cb_planner *planner, struct cb_plan_scans *out,
                       struct cb_error **err)
{
    const struct cb_vertex_options shown = {.name = "[internal] copy the build context",
                                            .internal = 1};
    struct cb_edge files, root;

    if (cb_convert_context(planner, &files, err) < 0 ||
        cb_named_layer(planner, &shown, files, &root, err) < 0)
        return -1;
    add(out, "context", root);
    return 0;
}

int cb_scans_find(struct cb_planner *planner, const struct cb_stage *target,
                  struct cb_plan_scans *out, struct cb_error **err)
{
    if (!planner->options->find_scans)
        return 0;
    if (is_wanted(target, SCAN_CONTEXT, target->scan_context) &&
        add_context(planner, out, err) < 0)
        return -1;
    for (size_t i = 0; i < planner->stage_count; i++) {
        const struct cb_stage *stage = &planner->stages[i];

        if (stage != target && stage->needed && stage->ended && !stage->replaced &&
            is_wanted(stage, SCAN_STAGE, stage->scan_stage))
            add(out, stage->label, stage->root);
    }
    return 0;
}
