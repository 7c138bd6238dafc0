/* Tells of layers that make the image larger than its files are. Nobody sees it otherwise
 * before the registry is full, and no build fails for it. Only looked for when a step
 * ran, as a rebuild with nothing changed has nothing new to tell. */
#include "engine/engine-priv.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "store/waste.h"

#include <string.h>

#define WORTH_TELLING (1024 * 1024) /* bytes of a layer */
#define SHOWN         60            /* characters of a step */

/* The layers of this build's own, topmost first, and the steps that made them. */
struct own_layers {
    CB_VEC(struct cb_snapshot *) layers;
    CB_VEC(const char *) steps;
};

static void own_layers_clear(struct own_layers *own)
{
    cb_vec_free(&own->layers);
    cb_vec_free(&own->steps);
}
CB_AUTO_VALUE_DEFINE(own_layers, own_layers_clear)

static void find_own(const struct cb_made *made, struct own_layers *out)
{
    const struct cb_image_config *config = made->plan->config;
    struct cb_snapshot *at = made->instead;

    if (!at && made->result)
        at = cb_snapshot_result_get(made->result);
    for (; at && cb_snapshot_depth(at) > made->plan->base_layers;
         at = cb_snapshot_parent(at))
        cb_vec_push(&out->layers, at);
    for (size_t i = config->history.count; i-- > 0;) {
        if (!config->history.items[i].created && !config->history.items[i].empty_layer)
            cb_vec_push(&out->steps, config->history.items[i].created_by);
    }
}

static void tell(struct cb_build_env *env, const char *step,
                 const struct cb_layer_waste *waste)
{
    cb_autofree char *doubled = cb_size_human(waste->doubled);
    cb_autofree char *deleted = cb_size_human(waste->deleted);
    const char *end = strstr(step, " # buildkit");
    size_t len = end ? (size_t)(end - step) : strlen(step);
    const char *more = len > SHOWN ? "..." : "";
    int shown = len > SHOWN ? SHOWN : (int)len;

    if (waste->doubled >= WORTH_TELLING)
        cb_event_say(env->sink, CB_EVENT_WARNING, 0,
                     "`%.*s%s`: its layer has %s of files again that only have another "
                     "mode or owner (give them with COPY --chmod or --chown, or in the "
                     "step that makes the files, or build with --optimize-metadata)",
                     shown, step, more, doubled);
    if (waste->deleted >= WORTH_TELLING)
        cb_event_say(env->sink, CB_EVENT_WARNING, 0,
                     "`%.*s%s`: the image goes on carrying %s that it deletes (delete "
                     "files in the step that makes them, or build with --squash)",
                     shown, step, more, deleted);
}

int cb_waste_tell(struct cb_build_env *env, const struct cb_made *made,
                  struct cb_error **err)
{
    cb_auto_value(own_layers) own = {0};
    struct cb_layer_waste waste;

    find_own(made, &own);
    if (own.layers.count != own.steps.count)
        return 0;
    for (size_t i = own.layers.count; i-- > 0;) {
        cb_auto(cb_error) error = NULL;

        if (cb_layer_waste(own.layers.items[i], (unsigned)made->plan->base_layers,
                           env->cancel, &waste, &error) < 0) {
            if (cb_error_kind(error) == CB_ERR_CANCELED)
                return cb_error_move(err, &error);
            cb_debug("a layer is not looked at: %s", cb_error_message(error));
            continue;
        }
        tell(env, own.steps.items[i] ? own.steps.items[i] : "", &waste);
    }
    return 0;
}
