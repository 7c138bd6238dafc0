/* --annotation of `buildx imagetools create`: of the list that is made, or of what it
 * says of its entries. Manifests keep their digests, so they get none. */
#include "commands/imagetools.h"

#include <string.h>

static int check_level(const struct cb_annotation *annotation, struct cb_error **err)
{
    if (annotation->level == CB_ANNOTATION_INDEX ||
        annotation->level == CB_ANNOTATION_MANIFEST_ENTRY)
        return 0;
    cb_error_set(err, CB_ERR_USAGE, "manifests stay as they are, and so do layouts");
    return cb_error_hint(err, "`index:` is for the list, `manifest-descriptor:` for its "
                              "entries");
}

int cb_imagetools_annotations(const struct cb_strings *texts, struct cb_annotations *out,
                              struct cb_error **err)
{
    cb_vec_foreach (text, texts) {
        cb_auto(cb_error) cause = NULL;
        size_t first = out->count;
        int status = cb_annotations_parse(out, *text, &cause);

        for (; status == 0 && first < out->count; first++)
            status = check_level(&out->items[first], &cause);
        if (status == 0)
            continue;
        cb_error_argument(err, *text, "--annotation", "%s", cb_error_message(cause));
        return cb_error_hint_text(cause)
                   ? cb_error_hint(err, "%s", cb_error_hint_text(cause))
                   : -1;
    }
    return 0;
}

void cb_imagetools_annotate(struct cb_draft *draft,
                            const struct cb_annotations *annotations)
{
    draft->annotations = cb_annotations_json(annotations, CB_ANNOTATION_INDEX, NULL);
    cb_vec_foreach (entry, draft) {
        cb_auto_json *more = cb_annotations_json(
            annotations, CB_ANNOTATION_MANIFEST_ENTRY, &entry->what.platform);

        if (!more)
            continue;
        if (!entry->what.annotations)
            entry->what.annotations = json_object();
        json_object_update(entry->what.annotations, more);
    }
}
