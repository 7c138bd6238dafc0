/* What `imagetools create` sends: the only source as it is, or a list of all that its
 * sources are made of. Of platforms that are not wanted neither the images nor what is
 * attested of them get into the list. */
#include "commands/imagetools.h"

#include "oci/attestation.h"

#include <string.h>

void cb_imagetools_list_clear(struct cb_imagetools_list *list)
{
    cb_draft_free(list->draft);
    cb_index_free(list->listed);
    cb_strbuf_free(&list->only);
    cb_annotations_free(&list->annotations);
    cb_imagetools_sources_free(&list->sources);
    cb_vec_free(&list->platforms);
}

/* ── Platforms ── */

int cb_imagetools_list_platforms(struct cb_imagetools_list *list,
                                 const struct cb_strings *texts, struct cb_error **err)
{
    cb_vec_foreach (text, texts) {
        for (const char *at = *text; *at; at += strcspn(at, ","), at += *at == ',') {
            cb_autofree char *one = xstrndup(at, strcspn(at, ","));
            struct cb_platform platform;

            if (cb_platform_parse(&platform, one, err) < 0)
                return cb_error_wrap(err, "invalid platform \"%s\"", one);
            cb_vec_push(&list->platforms, platform);
        }
    }
    return 0;
}

static int is_wanted_platform(const struct cb_imagetools_list *list,
                              const struct cb_platform *platform)
{
    cb_vec_foreach (wanted, &list->platforms)
        if (cb_platform_equal(wanted, platform))
            return 1;
    return !list->platforms.count || !platform->os[0];
}

static int is_wanted(const struct cb_imagetools_list *list,
                     const struct cb_descriptor *entry)
{
    struct cb_digest about;

    if (!cb_descriptor_is_attestation(entry) || !cb_descriptor_about(entry, &about))
        return is_wanted_platform(list, &entry->platform);
    cb_vec_foreach (other, list->draft)
        if (cb_digest_equal(&other->what.digest, &about))
            return is_wanted_platform(list, &other->what.platform);
    return !list->platforms.count;
}

/* 1: something was left out. */
static int filter(struct cb_imagetools_list *list, struct cb_error **err)
{
    struct cb_draft *draft = list->draft;
    cb_autofree char *keep = xcalloc(draft->count + 1, 1);
    size_t kept = 0, count = draft->count;

    for (size_t i = 0; i < count; i++)
        keep[i] = (char)is_wanted(list, &draft->items[i].what);
    for (size_t i = 0; i < count; i++) {
        struct cb_draft_entry entry = draft->items[i];

        if (keep[i]) {
            draft->items[kept++] = entry;
            continue;
        }
        cb_reference_free(entry.origin);
        cb_descriptor_free(&entry.what);
    }
    draft->count = kept;
    if (!kept)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "none of the manifests match the provided platforms");
    return kept < count;
}

/* ── The list ── */

static int find(struct cb_registry *registry, const char *name, struct cb_strbuf *bytes,
                struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;

    if (cb_reference_parse(&reference, name, err) < 0)
        return -1;
    cb_reference_default_tag(reference);
    return cb_registry_document(registry, reference, bytes, err);
}

static int add_source(struct cb_registry *registry, struct cb_draft *draft,
                      const struct cb_imagetools_source *source, struct cb_error **err)
{
    if (cb_draft_add(registry, draft, source->name, err) < 0)
        return -1;
    if (!cb_digest_is_set(&source->said.digest))
        return 0;
    /* A list is not there itself, and what is said of it is not of its entries. */
    cb_vec_foreach (entry, draft)
        if (cb_digest_equal(&entry->what.digest, &source->said.digest))
            return cb_imagetools_source_say(source, &entry->what, err);
    return 0;
}

static int make_draft(struct cb_registry *registry, struct cb_imagetools_list *list,
                      struct cb_error **err)
{
    struct cb_draft *draft = xcalloc(1, sizeof(*draft));

    list->draft = draft;
    draft->each_once = 1;
    if (list->append_to && cb_draft_add(registry, draft, list->append_to, err) < 0)
        return -1;
    cb_vec_foreach (source, &list->sources) {
        if (add_source(registry, draft, source, err) < 0)
            return -1;
    }
    return 0;
}

/* Is the only source to be sent as it is, unless something of it is left out? */
static int find_only(struct cb_registry *registry, struct cb_imagetools_list *list,
                     struct cb_error **err)
{
    if (list->sources.count != 1 || list->annotations.count || list->append_to)
        return 0;
    if (find(registry, list->sources.items[0].name, &list->only, err) < 0)
        return -1;
    cb_index_parse(&list->listed, cb_strbuf_text(&list->only), list->only.len, NULL,
                   NULL);
    return list->listed || !list->prefer_index;
}

int cb_imagetools_list_make(struct cb_registry *registry, struct cb_imagetools_list *list,
                            struct cb_error **err)
{
    int copies = find_only(registry, list, err);
    int filtered;

    if (copies < 0)
        return -1;
    if (copies && !list->platforms.count)
        return 1;
    if (make_draft(registry, list, err) < 0)
        return -1;
    filtered = filter(list, err);
    if (filtered < 0 || (copies && !filtered))
        return filtered < 0 ? -1 : 1;
    cb_imagetools_annotate(list->draft, &list->annotations);
    if (list->listed && copies)
        list->draft->annotations = json_incref(list->listed->annotations);
    return 0;
}
