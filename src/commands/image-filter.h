/* --filter of images and image prune, as docker's. */
#ifndef CB_COMMANDS_IMAGE_FILTER_H
#define CB_COMMANDS_IMAGE_FILTER_H

#include "base/error.h"
#include "base/vec.h"
#include "store/refs.h"

struct cb_image_filter {
    int dangling;                          /* -1: either */
    int64_t before_ns, since_ns, until_ns; /* strictly; 0: any */
    struct cb_strings labels, not_labels;  /* "key" or "key=value"; all must hold */
    struct cb_strings references;          /* patterns; one must match */
};
/* GIVEN: "key=value" each. KNOWN: the keys that this command takes, ends with NULL. USAGE
 * for others, NOT_FOUND for images to compare with that are not there. */
int cb_image_filter_parse(struct cb_image_filter *out, const struct cb_strings *given,
                          const char *const *known, struct cb_store *store,
                          struct cb_error **err);
void cb_image_filter_clear(struct cb_image_filter *filter);
CB_AUTO_VALUE_DEFINE(cb_image_filter, cb_image_filter_clear)

/* All but the names. */
int cb_image_filter_takes(const struct cb_image_filter *filter,
                          const struct cb_image *image);
/* A canonical name, by the patterns of `reference`. */
int cb_image_filter_takes_name(const struct cb_image_filter *filter, const char *name);
/* PATTERN, of which * does not match "/", for the name as it is shown. */
int cb_image_name_matches(const char *pattern, const char *name);

#endif
