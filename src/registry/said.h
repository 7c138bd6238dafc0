/* Attestations that the store keeps with an image, for it to be sent on or saved with
 * them later. A manifest is only made when an image leaves, and what is said is about a
 * manifest: kept are the predicates, of which attestations are made then, as if the build
 * itself had sent the image there. */
#ifndef CB_REGISTRY_SAID_H
#define CB_REGISTRY_SAID_H

#include "oci/attestation.h"
#include "store/refs.h"

/* What is said of an image, for one of the platforms it is meant for. */
struct cb_said_entry {
    const struct cb_platform *platform;
    const struct cb_statements *statements;
    int artifact; /* as of cb_attestation_make */
};
/* In the place of what was said of IMAGE before. 1: it is more than can be read again,
 * and nothing is said of the image now. */
int cb_said_keep(struct cb_store *store, const struct cb_digest *image,
                 const struct cb_said_entry *entries, size_t count,
                 struct cb_error **err);

/* What an index says of an image that came with it. */
struct cb_said_source {
    const struct cb_digest *image;
    const struct cb_platform *platform; /* for which it is meant */
    const struct cb_index *index;
    const struct cb_digest *about; /* the manifest the image came with */
};
/* Keeps it to the byte, in the place of what was said before; all is in the store. 1; 0:
 * nothing is said, or not all of it is there, and what was said before stays; so it does
 * with UNSUPPORTED: it is no text, or too much. */
int cb_said_bring(struct cb_store *store, const struct cb_said_source *source,
                  struct cb_error **err);
/* Is it what is kept? */
int cb_said_is_kept(struct cb_store *store, const struct cb_said_source *source);

/* What is said of IMAGES, going out as NAMES (canonical). 1; 0: nothing is said of any,
 * and *OUT is NULL. */
struct cb_said;
int cb_said_open(struct cb_said **out, struct cb_store *store,
                 const struct cb_platform_images *images, const struct cb_strings *names,
                 struct cb_error **err);
void cb_said_free(struct cb_said *said);
CB_AUTO_DEFINE(cb_said, cb_said_free)
const struct cb_attester *cb_said_attester(const struct cb_said *said); /* borrowed */

#endif
