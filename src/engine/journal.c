/* `builder build` for every build, and `image tag` for the names it gave, as docker tells
 * of the images that its builder makes. */
#include "engine/engine-priv.h"

#include "store/journal.h"

static void add_pair(struct cb_strings *attributes, const char *name, const char *value)
{
    cb_strings_add(attributes, name);
    cb_strings_add(attributes, value);
}

static const char *result_of(const struct cb_error *error)
{
    if (!error)
        return "succeeded";
    return cb_error_kind(error) == CB_ERR_CANCELED ? "canceled" : "failed";
}

void cb_build_tell(struct cb_store *store, const char *id, const struct cb_strings *names,
                   const struct cb_strings *familiar,
                   const struct cb_build_outcome *outcome, const struct cb_error *error)
{
    cb_auto_value(cb_strings) attributes = {0};
    cb_auto(cb_image) image = NULL;
    char text[CB_DIGEST_MAX_TEXT];

    if (!error && cb_digest_is_set(&outcome->image_id))
        add_pair(&attributes, "image", cb_digest_text(&outcome->image_id, text));
    if (familiar->count)
        add_pair(&attributes, "name", familiar->items[0]);
    add_pair(&attributes, "result", result_of(error));
    cb_journal_add(store,
                   &(struct cb_journal_entry){"builder", "build", id, &attributes});
    for (size_t i = 0; !error && i < names->count; i++)
        cb_journal_name(store, "tag", names->items[i]);
}
