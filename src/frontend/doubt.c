/* Mistakes that may be none. Of an image that is not looked up any variable may come, and
 * what RUN --export sets is not known where nothing runs, so `EXPOSE $PORT` and `ENV
 * A=${B:?}` are judged only where the image and the value are known. What hangs
 * on such a variable is noted by name, for all stages together: a name too many costs an
 * early report, not a wrong one. */
#include "frontend/scope-priv.h"

#include <string.h>

void cb_doubt_begin(struct cb_stage *stage)
{
    if (stage->planner)
        stage->planner->in_doubt = 0;
}

void cb_doubt_note(struct cb_stage *stage, const char *name, const char *value)
{
    struct cb_planner *planner = stage->planner;

    if (!planner || (!stage->env_unknown && !stage->values_unknown))
        return;
    if ((!value && stage->env_unknown) ||
        (planner->doubtful && cb_map_has(planner->doubtful, name)))
        planner->in_doubt = 1;
}

void cb_doubt_add(struct cb_planner *planner, const char *name)
{
    if (!planner->doubtful)
        planner->doubtful = cb_map_new(NULL);
    cb_map_set(planner->doubtful, name, planner);
}

int cb_doubt_is_there(const struct cb_stage *stage)
{
    return stage->planner && stage->planner->in_doubt;
}

/* An ENV or ARG whose names are variables themselves could set anything. */
int cb_doubt_end(struct cb_stage *stage, const struct cb_item *item)
{
    struct cb_planner *planner = stage->planner;
    const struct cb_pairs *pairs = &item->inst->pairs;

    if (!cb_doubt_is_there(stage) ||
        (item->inst->kind != CB_INST_ENV && item->inst->kind != CB_INST_ARG))
        return 0;
    for (size_t i = 0; i < pairs->count; i++) {
        if (strpbrk(pairs->items[i].key.text, "$\\`'\""))
            return -1;
        cb_doubt_add(planner, pairs->items[i].key.text);
    }
    return 0;
}
