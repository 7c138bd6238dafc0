/* Parts of `buildx imagetools`. */
#ifndef CB_COMMANDS_IMAGETOOLS_H
#define CB_COMMANDS_IMAGETOOLS_H

#include "commands/transfer.h"
#include "registry/draft.h"

/* What FORMAT asks for and the document of REFERENCE (BYTES) only leads to: `Image`, the
 * configuration, `Provenance` and `SBOM`, of several platforms each by its name. */
int cb_imagetools_add_said(struct cb_transfer *transfer,
                           const struct cb_reference *reference,
                           const struct cb_strbuf *bytes, const char *format,
                           json_t *document, struct cb_error **err);

/* ── What a list is made of (imagetools-sources.c) ── */
struct cb_imagetools_source {
    char *name;                /* of an image on a registry; NULL until that is known */
    struct cb_descriptor said; /* digest not set: nothing; of the rest what was said */
};
struct cb_imagetools_sources {
    struct cb_imagetools_source *items;
    size_t count, capacity;
};
void cb_imagetools_sources_free(struct cb_imagetools_sources *sources);
/* TEXT: a reference, a digest, or a descriptor in JSON. USAGE. */
int cb_imagetools_source_add(struct cb_imagetools_sources *sources, const char *text,
                             struct cb_error **err);
int cb_imagetools_source_read(struct cb_imagetools_sources *sources, const char *file,
                              struct cb_error **err);
/* Gives those without one a name. USAGE unless TAGS and the others name one repository.
 */
int cb_imagetools_sources_place(struct cb_imagetools_sources *sources,
                                const struct cb_strings *tags, struct cb_error **err);
/* ENTRY, the source's image as it was found, gets what was said. USAGE: not its size. */
int cb_imagetools_source_say(const struct cb_imagetools_source *source,
                             struct cb_descriptor *entry, struct cb_error **err);

/* What --annotation says. USAGE for those of manifests. */
int cb_imagetools_annotations(const struct cb_strings *texts, struct cb_annotations *out,
                              struct cb_error **err);
/* DRAFT gets them, once. */
void cb_imagetools_annotate(struct cb_draft *draft,
                            const struct cb_annotations *annotations);

/* ── The list (imagetools-list.c) ── */
struct cb_imagetools_list {
    /* Asked for. */
    struct cb_imagetools_sources sources;
    struct cb_annotations annotations;
    CB_VEC(struct cb_platform) platforms; /* none: all */
    const char *append_to;                /* a list on a registry, or NULL; borrowed */
    int prefer_index;                     /* a list even of one image */
    /* Made. */
    struct cb_draft *draft;
    struct cb_strbuf only;   /* the document of the only source, if it may be copied */
    struct cb_index *listed; /* that document if it is a list; or NULL */
};
void cb_imagetools_list_clear(struct cb_imagetools_list *list);
/* Adds the platforms of TEXTS, each with commas between several. USAGE. */
int cb_imagetools_list_platforms(struct cb_imagetools_list *list,
                                 const struct cb_strings *texts, struct cb_error **err);
/* 1: the only source is to be copied; 0: the draft is to be sent. NOT_FOUND if nothing is
 * left of the sources. */
int cb_imagetools_list_make(struct cb_registry *registry, struct cb_imagetools_list *list,
                            struct cb_error **err);

#endif
