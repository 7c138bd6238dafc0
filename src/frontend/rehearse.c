/* The mistakes of a Dockerfile that need no image to be seen, for when the images cannot
 * be had: before a registry is asked, when a name is not in the store, when the text has
 * other mistakes. The file is planned a second time, without images and in silence, and
 * all but the mistakes is thrown away. */
#include "frontend/scope-priv.h"

#include <string.h>

#define MAX_PARTLY_BYTES (1u << 20) /* of text with mistakes: twice is not cheap */

static int is_worth_it(const struct cb_planner *planner, int partly)
{
    size_t len = 0;

    if (!planner->file || !planner->file->stage_count)
        return 0;
    cb_source_text(planner->file->source, &len);
    return !partly || len <= MAX_PARTLY_BYTES;
}

static void open_rehearsal(struct cb_planner *rehearsal, const struct cb_planner *planner)
{
    rehearsal->file = planner->file;
    rehearsal->rehearsed = 1;
    rehearsal->checks.silent = 1;
    rehearsal->checks.seen = cb_map_new(NULL);
    if (rehearsal->partly)
        cb_scope_globals(rehearsal, NULL);
    else
        cb_strings_copy(&rehearsal->globals, &planner->globals);
    cb_strings_copy(&rehearsal->quiet_env, &planner->quiet_env);
    rehearsal->epoch = planner->epoch ? xstrdup(planner->epoch) : NULL;
}

static void close_rehearsal(struct cb_planner *rehearsal)
{
    rehearsal->file = NULL; /* the planner's */
    cb_planner_clear(rehearsal);
}

/* Stages and what they are made from were right the first time, and if the text is not
 * whole it is not known whether they are. */
static void convert(struct cb_planner *rehearsal, struct cb_error **err)
{
    struct cb_stage *target;

    if (cb_stages_init(rehearsal, NULL) < 0)
        return;
    target = cb_stages_target(rehearsal, NULL);
    if (!target || cb_stages_prepare(rehearsal, target, NULL) < 0)
        return;
    cb_planner_convert(rehearsal, err);
}

int cb_planner_rehearse(const struct cb_planner *planner, int partly,
                        struct cb_error **err)
{
    struct cb_build_env env = *planner->options->env;
    struct cb_frontend_options options = *planner->options;
    struct cb_planner rehearsal;
    struct cb_error *error = NULL;

    if (!is_worth_it(planner, partly))
        return 0;
    env.sink = NULL;
    options.env = &env;
    options.graph = NULL; /* the real one's vertices outlive ENV */
    options.offline = 1;
    if (partly) {
        options.purpose = CB_PLAN_CHECK;
        options.target = NULL;
    }
    cb_planner_init(&rehearsal, &options);
    rehearsal.partly = partly;
    open_rehearsal(&rehearsal, planner);
    convert(&rehearsal, &error);
    close_rehearsal(&rehearsal);
    return error ? cb_error_move(err, &error) : 0;
}

int cb_planner_rehearse_too(const struct cb_planner *planner, int partly,
                            struct cb_error **err)
{
    struct cb_error *more = NULL;

    if (err && cb_planner_rehearse(planner, partly, &more) < 0) {
        cb_error_append(err, more);
        cb_error_sort(err);
    }
    return -1;
}
