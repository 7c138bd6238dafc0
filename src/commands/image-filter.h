/* --filter of images and image prune, as docker's. */
#ifndef CB_COMMANDS_IMAGE_FILTER_H
#define CB_COMMANDS_IMAGE_FILTER_H

#include "commands/filter.h"
#include "store/refs.h"

/* Of a struct cb_image whose config has been read: label, label! and until. */
extern const struct cb_filter_key cb_image_filters[];

/* What `images` is asked for. */
struct cb_image_filter {
    const struct cb_strings *given; /* borrowed */
    int64_t before_ns, since_ns;    /* strictly; 0: any */
};
/* USAGE for what is no filter, NOT_FOUND for images to compare with that are not there.
 */
int cb_image_filter_parse(struct cb_image_filter *out, const struct cb_strings *given,
                          struct cb_store *store, struct cb_error **err);
/* All but the names. */
int cb_image_filter_takes(const struct cb_image_filter *filter,
                          const struct cb_image *image);
/* A canonical name, by the patterns of `reference`. */
int cb_image_filter_takes_name(const struct cb_strings *given, const char *name);
/* PATTERN, of which * does not match "/", for the name as it is shown. */
int cb_image_name_matches(const char *pattern, const char *canonical);

#endif
