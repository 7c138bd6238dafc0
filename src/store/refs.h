/* Images and their names. An image is its config (image id = digest of the config, as
 * docker shows it). It may be known by manifests it was pulled from or pushed as. Layers
 * are found by diff id; see layer.h. */
#ifndef CB_STORE_REFS_H
#define CB_STORE_REFS_H

#include "base/vec.h"
#include "oci/oci.h"
#include "store/store.h"

struct cb_image {
    struct cb_digest id; /* of the config blob */
    struct cb_image_config *config;
    int64_t created_ns;      /* config.created, ns since the epoch */
    int64_t size_bytes;      /* sum of the layers' unpacked sizes, as far as known */
    struct cb_strings names; /* canonical "docker.io/library/x:tag", sorted */
    struct cb_strings platform_names; /* of several platforms, that lead here only when
                                         this image's is asked for */
    struct cb_strings repo_digests;   /* canonical "docker.io/library/x@sha256:…" */
    struct cb_digest manifest;        /* as pulled, if set: blob in the store */
};
void cb_image_free(struct cb_image *image);
CB_AUTO_DEFINE(cb_image, cb_image_free)

struct cb_images {
    struct cb_image **items;
    size_t count, capacity;
};
void cb_images_free(struct cb_images *images);
CB_AUTO_VALUE_DEFINE(cb_images, cb_images_free)

static inline int cb_image_is_named(const struct cb_image *image)
{
    return image->names.count || image->platform_names.count;
}

/* All borrowed. */
struct cb_new_image {
    const char *config; /* its bytes */
    size_t config_len;
    const struct cb_digest *manifest; /* as pulled; NULL or unset: none */
    const struct cb_strings *names;   /* canonical; NULL: none */
};
/* Makes the image visible: stores the config, registers it, and moves its names to it, in
 * one transaction, on stable storage before it returns (one syncfs first if it relies on
 * unsynced snapshots). The old owners of the names stay as untagged images. */
int cb_image_put(struct cb_store *store, const struct cb_new_image *image,
                 struct cb_digest *id, struct cb_error **err);
/* Remembers "name@digest" for an image (after pull or push), and the manifest blob if
 * KEEP_MANIFEST. */
int cb_image_add_repo_digest(struct cb_store *store, const struct cb_digest *id,
                             const char *canonical_name, const struct cb_digest *manifest,
                             struct cb_error **err);
/* Forgets REPOSITORY@DIGEST; the image stays. */
int cb_image_remove_repo_digest(struct cb_store *store, const struct cb_digest *id,
                                const char *repository, const struct cb_digest *digest,
                                struct cb_error **err);
int cb_ref_set(struct cb_store *store, const char *canonical, const struct cb_digest *id,
               struct cb_error **err);
/* A name may have an image for each of several platforms. Without a platform it means the
 * one for this machine, or else the first. */
struct cb_platform_image {
    struct cb_platform platform;
    struct cb_digest id;
};
struct cb_platform_images {
    struct cb_platform_image *items;
    size_t count, capacity;
};
static inline void cb_platform_images_free(struct cb_platform_images *images)
{
    cb_vec_free(images);
}
CB_AUTO_VALUE_DEFINE(cb_platform_images, cb_platform_images_free)
/* IMAGES: at least one, all in the store. */
int cb_ref_set_platforms(struct cb_store *store, const char *canonical,
                         const struct cb_platform_images *images, struct cb_error **err);
/* In the order of their index; none for a name that has one image. */
int cb_ref_platforms(struct cb_store *store, const char *canonical,
                     struct cb_platform_images *out, struct cb_error **err);
/* The best for PLATFORM (NULL: this machine), or else the first; NULL of none. */
const struct cb_platform_image *
cb_platform_images_chosen(const struct cb_platform_images *images,
                          const struct cb_platform *platform);
/* 1 removed, with all its platforms; 0 was not there. */
int cb_ref_remove(struct cb_store *store, const char *canonical, struct cb_error **err);
/* What a user typed: name[:tag][@digest], a full id, or a unique prefix of one (≥ 1 hex
 * digit; EXISTS when ambiguous: "multiple IDs found with provided prefix"). 1 found, 0
 * not. BY_ID tells which it was. */
int cb_image_find(struct cb_store *store, const char *text, struct cb_image **out,
                  int *by_id, struct cb_error **err);
/* The same, but of a name with several platforms the best image for PLATFORM. */
int cb_image_find_for(struct cb_store *store, const char *text,
                      const struct cb_platform *platform, struct cb_image **out,
                      int *by_id, struct cb_error **err);
/* The same for who uses the image and does not show it: no names, no size. */
int cb_image_find_to_use(struct cb_store *store, const char *text,
                         const struct cb_platform *platform, struct cb_image **out,
                         int *by_id, struct cb_error **err);
/* Only which it is. */
int cb_image_find_id(struct cb_store *store, const char *text, struct cb_digest *id,
                     int *by_id, struct cb_error **err);
/* *ID becomes the best for PLATFORM of the name TEXT, and stays when that has one image.
 */
int cb_ref_choose(struct cb_store *store, const char *text,
                  const struct cb_platform *platform, struct cb_digest *id,
                  struct cb_error **err);
/* 1 if IMAGE, found as TEXT, is for PLATFORM: it says so itself, or the name does. */
int cb_image_serves(struct cb_store *store, const char *text,
                    const struct cb_image *image, const struct cb_platform *platform,
                    struct cb_error **err);
/* As cb_image_find_for, but one for another platform is NOT_FOUND, and so is none. */
int cb_image_get_for(struct cb_store *store, const char *text,
                     const struct cb_platform *platform, struct cb_image **out,
                     int *by_id, struct cb_error **err);
/* What TEXT, by which a user means a name, has for all platforms. */
int cb_image_find_platforms(struct cb_store *store, const char *text,
                            struct cb_platform_images *out, struct cb_error **err);
int cb_image_get(struct cb_store *store, const struct cb_digest *id,
                 struct cb_image **out, struct cb_error **err);
/* The same of an image that need not be one of the store's: its config is there, as a
 * blob. */
int cb_image_of_config(struct cb_store *store, const struct cb_digest *id,
                       struct cb_image **out, struct cb_error **err);
/* By canonical name only: 1/0. */
int cb_ref_get(struct cb_store *store, const char *canonical, struct cb_digest *id,
               struct cb_error **err);
/* All, newest first. */
int cb_image_list(struct cb_store *store, struct cb_images *out, struct cb_error **err);
/* The same without their configs, for who looks at very many. */
int cb_image_list_bare(struct cb_store *store, struct cb_images *out,
                       struct cb_error **err);
/* 1: IMAGE has its config; 0: it has been removed since it was listed. */
int cb_image_read_config(struct cb_store *store, struct cb_image *image,
                         struct cb_error **err);
/* Those with a name or a digest of REPOSITORY ("host/path"), with all their names; the
 * others are not looked at. */
int cb_image_list_of(struct cb_store *store, const char *repository,
                     struct cb_images *out, struct cb_error **err);
/* Forgets the image (its names too). Its layers go with the next gc. */
int cb_image_remove(struct cb_store *store, const struct cb_digest *id,
                    struct cb_error **err);
/* The same for one without a name: 1, or 0 if it has got one, perhaps from another
 * process since it was looked at. */
int cb_image_remove_unnamed(struct cb_store *store, const struct cb_digest *id,
                            struct cb_error **err);

/* Between the two, what is removed (images, names) is not waited for each time; it is
 * gone for good when the second has returned. */
void cb_refs_begin_removal(struct cb_store *store);
int cb_refs_end_removal(struct cb_store *store, struct cb_error **err);

/* tag → manifest digest as last resolved from a registry, for --offline and for builds
 * (F10). PLATFORM text. */
int cb_resolution_set(struct cb_store *store, const char *canonical, const char *platform,
                      const struct cb_digest *manifest, struct cb_error **err);
int cb_resolution_get(struct cb_store *store, const char *canonical, const char *platform,
                      struct cb_digest *manifest, int64_t *when_s, struct cb_error **err);

#endif
