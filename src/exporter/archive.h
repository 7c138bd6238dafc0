/* Inside exporter/: what an archive to be written holds, and how its members are spelled.
 */
#ifndef CB_EXPORTER_ARCHIVE_H
#define CB_EXPORTER_ARCHIVE_H

#include "base/map.h"
#include "exporter/exporter.h"
#include "exporter/inplace.h"
#include "exporter/keeper.h"
#include "registry/said.h"
#include "store/tar.h"

struct cb_delta_bases;

/* One image on its way into an archive. */
struct cb_saved_image {
    struct cb_image *image;
    struct cb_platform platform;  /* for which it is wanted */
    struct cb_strings names;      /* canonical, those the user gave */
    struct cb_descriptor *layers; /* in step with config.diff_ids */
    char *streamed;               /* by layer: no blob; its tar is made while writing */
    int *fresh;                   /* by layer: a blob that was just made, or -1 */
    struct cb_digest *chain_ids;
    struct cb_manifest *manifest;
    int in_index; /* it needs no entry of its own */
};

/* An image for several platforms. */
struct cb_saved_index {
    struct cb_strings names;          /* canonical */
    struct cb_platform_images images; /* each of them among the saved ones */
    struct cb_index *index;           /* once they are planned */
    struct cb_attestations attestations;
    struct cb_said *said; /* that the store keeps; or NULL */
};

struct cb_saved {
    struct cb_archive_env *env;
    enum cb_archive_format format;
    struct cb_layer_form layers;
    const struct cb_annotations *annotations; /* or NULL */
    int docker_types;                         /* Docker schema 2 instead of OCI */
    int packs; /* a manifest of plain layers counts only where a registry has it */
    const struct cb_archive_date *date; /* or NULL */
    struct cb_keeper *keeper;           /* of what planning made */
    struct cb_inplace *place;           /* for what it makes; or NULL */
    int streams; /* a layer can be made while it is written; else it must be a blob */
    const struct cb_attester *attester; /* or NULL */
    struct cb_map *left_out;       /* diff ids of layers that do not go along; or NULL */
    struct cb_delta_bases *deltas; /* or NULL */
    CB_VEC(struct cb_saved_image *) images;
    CB_VEC(struct cb_saved_index) indexes;
};
void cb_saved_clear(struct cb_saved *saved);
CB_AUTO_VALUE_DEFINE(cb_saved, cb_saved_clear)

/* Finds the images that NAMES mean (for PLATFORM, if any) and decides in which form each
 * layer goes. */
int cb_saved_plan(struct cb_saved *saved, const struct cb_strings *names,
                  const struct cb_platform *platform, struct cb_error **err);

/* The same for given ones, maybe as an index, under given names. */
int cb_saved_plan_images(struct cb_saved *saved, const struct cb_archive_image *wanted,
                         struct cb_error **err);
/* The same with all that IMAGE says of its archive; TARGET (or NULL): what the names lead
 * to. */
int cb_saved_plan_archive(struct cb_saved *saved, const struct cb_archive_image *image,
                          struct cb_descriptor *target, struct cb_error **err);
/* One of them: its manifest and its layers, in the order of writing. */
int cb_saved_image_plan(struct cb_saved *saved, struct cb_saved_image *image,
                        struct cb_error **err);
/* Notes the layers of CHOICE's images that the other side has. */
int cb_saved_leave_out(struct cb_saved *saved, const struct cb_archive_choice *choice,
                       struct cb_error **err);
int cb_saved_is_left_out(const struct cb_saved *saved, const struct cb_digest *diff_id);
struct cb_saved_image *cb_saved_find(const struct cb_saved *saved,
                                     const struct cb_digest *id,
                                     const struct cb_platform *platform);
/* What index.json says of an image, under CANONICAL (or NULL). Caller frees. */
void cb_saved_describe(const struct cb_saved *saved, const struct cb_saved_image *image,
                       const char *canonical, struct cb_descriptor *out);
void cb_saved_describe_index(const struct cb_saved *saved,
                             const struct cb_saved_index *index, const char *canonical,
                             struct cb_descriptor *out);
/* The document, of the manifests that are planned, and what is said of these. */
int cb_saved_index_make(const struct cb_saved *saved, struct cb_saved_index *index,
                        struct cb_error **err);

/* How much of an OCI archive stands before the first blob, once all is planned; and about
 * how much that will be, before. */
int64_t cb_saved_top_bytes(const struct cb_saved *saved);
int64_t cb_saved_top_guess(struct cb_saved *saved);

/* The documents at the top of the archive. New text each; callers free. */
char *cb_saved_index_json(const struct cb_saved *saved);    /* index.json (oci.c) */
char *cb_saved_manifest_json(const struct cb_saved *saved); /* manifest.json (docker.c) */
char *cb_saved_repositories(const struct cb_saved *saved);  /* repositories (docker.c) */

#endif
