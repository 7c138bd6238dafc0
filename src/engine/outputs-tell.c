/* The image that a build leaves in the store, told as BuildKit tells it: a step
 * "exporting to image" with the id and each name, which scripts look for in plain
 * progress. The layers are there already; nothing is moved. */
#include "engine/engine-priv.h"

static void tell(struct cb_event_sink *sink, uint64_t id, const char *item)
{
    cb_event_emit(sink,
                  (struct cb_event){
                      .kind = CB_EVENT_STEP_STATUS, .id = id, .item = item, .done = 1});
}

uint64_t cb_outputs_tell_begin(struct cb_event_sink *sink)
{
    uint64_t id = cb_event_step_start(sink, "exporting to image");

    tell(sink, id, "exporting layers");
    return id;
}

void cb_outputs_tell_images(struct cb_event_sink *sink, uint64_t id,
                            const struct cb_platform_images *images,
                            const struct cb_strings *names)
{
    cb_vec_foreach (image, images) {
        char text[CB_DIGEST_MAX_TEXT];
        cb_autofree char *item =
            xasprintf("writing image %s", cb_digest_text(&image->id, text));

        tell(sink, id, item);
    }
    cb_vec_foreach (name, names) {
        cb_autofree char *item = xasprintf("naming to %s", *name);

        tell(sink, id, item);
    }
}
