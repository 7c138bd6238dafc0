/* The digests that registries know an image by, which go with the last tag of their
 * repository, or with the image. */
#ifndef CB_COMMANDS_REPO_DIGESTS_H
#define CB_COMMANDS_REPO_DIGESTS_H

#include "base/error.h"
#include "store/refs.h"

/* "docker.io/library/x" of a canonical name, with tag or digest. Caller frees. */
char *cb_repository_of(const char *canonical);
/* How many of IMAGE's digests are of other repositories, and of its names of this. */
size_t cb_repo_digests_elsewhere(const struct cb_image *image, const char *repository);
size_t cb_names_of(const struct cb_image *image, const char *repository);
/* Removes IMAGE's digests of REPOSITORY, or with DIGEST that alone, and says so as docker
 * does: "Untagged: x@sha256:…". Returns how many there were, or -1. */
int cb_repo_digests_remove(struct cb_store *store, const struct cb_image *image,
                           const char *repository, const struct cb_digest *digest,
                           struct cb_error **err);
/* "x@sha256:…" as people write it. Caller frees. */
char *cb_repo_digest_familiar(const char *canonical);

#endif
