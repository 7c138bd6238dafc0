/* Images that are held to a digest: a tag is then asked for together with it, so that the
 * registry's word for the tag does not count. A name with a digest, and an image's id,
 * say themselves what they mean. */
#include "frontend/frontend-priv.h"

#include <string.h>

static int is_id(const char *name)
{
    struct cb_digest digest;

    return cb_digest_parse(&digest, name, NULL) == 0 ||
           (strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64);
}

/* What BASE is called there; NULL: nobody is asked about it. Caller frees. */
static char *name_of(const struct cb_planner *planner, const struct cb_base *base)
{
    cb_auto(cb_reference) reference = NULL;

    if (!planner->options->pins || base->layout || is_id(base->name) ||
        cb_reference_parse(&reference, base->name, NULL) < 0 ||
        cb_digest_is_set(&reference->digest))
        return NULL;
    cb_reference_default_tag(reference);
    return cb_reference_canonical(reference);
}

int cb_base_pin(struct cb_planner *planner, struct cb_base *base, struct cb_error **err)
{
    cb_autofree char *name = name_of(planner, base);
    cb_autofree char *pin = NULL;
    cb_autofree char *asked = NULL;
    int found =
        name ? cb_pins_find(planner->options->pins, CB_PIN_IMAGE, name, &pin, err) : 0;

    if (found < 0)
        return cb_error_at(err, base->mention.source, base->mention.span);
    if (found) {
        asked = xasprintf("%s@%s", name, pin);
        base->asked = cb_arena_strdup(planner->arena, asked);
    }
    return 0;
}

int cb_base_note(struct cb_planner *planner, const struct cb_base *base,
                 struct cb_error **err)
{
    const struct cb_digest *digest = &base->image->target.digest;
    cb_autofree char *name = name_of(planner, base);
    char text[CB_DIGEST_MAX_TEXT];

    if (!name || base->asked != base->name)
        return 0;
    if (cb_pins_note(planner->options->pins, CB_PIN_IMAGE, name,
                     cb_digest_is_set(digest) ? cb_digest_text(digest, text) : NULL,
                     err) < 0)
        return cb_error_at(err, base->mention.source, base->mention.span);
    return 0;
}
