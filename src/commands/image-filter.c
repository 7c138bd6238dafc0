/* As docker's (moby daemon/images, "Filters"). Times are compared strictly: an image is
 * neither before nor since itself. */
#include "commands/image-filter.h"

#include "base/glob.h"
#include "base/timestamp.h"
#include "oci/oci.h"

#include <string.h>

static int created_of(struct cb_store *store, const char *name, int64_t *out,
                      struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;
    int found = cb_image_find(store, name, &image, NULL, err);

    if (found < 0)
        return -1;
    if (!found)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "No such image: %s", name);
    *out = image->created_ns;
    return 0;
}

int cb_image_name_matches(const char *pattern, const char *canonical)
{
    cb_auto(cb_reference) have = NULL;
    cb_autofree char *name = NULL;
    cb_autofree char *tagged = NULL;

    if (cb_reference_parse(&have, canonical, NULL) < 0)
        return 0;
    name = cb_reference_familiar_name(have);
    tagged = cb_reference_familiar(have);
    return cb_glob_match(pattern, name, NULL) > 0 ||
           cb_glob_match(pattern, tagged, NULL) > 0;
}

static const char *find_label(const void *thing, const char *key)
{
    const struct cb_image *image = thing;

    return cb_image_config_label(image->config, key);
}

static int has_label(const void *thing, const char *value)
{
    return cb_filter_label(value, find_label, thing);
}

static int lacks_label(const void *thing, const char *value)
{
    return !has_label(thing, value);
}

static int was_made_before(const void *thing, const char *value)
{
    const struct cb_image *image = thing;
    struct timespec limit;

    return cb_moment_parse(&limit, value, NULL) == 0 &&
           image->created_ns < (int64_t)limit.tv_sec * 1000000000 + limit.tv_nsec;
}

#define LISTS  CB_FILTER_LISTS
#define PRUNES CB_FILTER_PRUNES

/* Of an image; what is asked of the whole list, or of names, is looked at elsewhere. */
const struct cb_filter_key cb_image_filters[] = {
    {"dangling", NULL, LISTS | PRUNES | CB_FILTER_BOOL, NULL},
    {"label", has_label, LISTS | PRUNES | CB_FILTER_ALL_HOLD, NULL},
    {"label!", lacks_label, LISTS | PRUNES | CB_FILTER_ALL_HOLD, NULL},
    {"before", NULL, LISTS, NULL},
    {"since", NULL, LISTS, NULL},
    {"until", was_made_before, LISTS | PRUNES | CB_FILTER_ALL_HOLD | CB_FILTER_MOMENT,
     NULL},
    {"reference", NULL, LISTS, NULL},
    {0},
};

static int name_matches(const void *name, const char *pattern)
{
    return cb_image_name_matches(pattern, name);
}

int cb_image_filter_takes_name(const struct cb_strings *given, const char *name)
{
    static const struct cb_filter_key of_names[] = {{"reference", name_matches, 0, NULL},
                                                    {0}};

    return cb_filter_takes(of_names, given, name);
}

/* When the image that the last KEY names was made; 0 without one. */
static int moment_of(const struct cb_strings *given, const char *key,
                     struct cb_store *store, int64_t *out, struct cb_error **err)
{
    const char *name = cb_filter_value(given, key);

    return name ? created_of(store, name, out, err) : 0;
}

int cb_image_filter_parse(struct cb_image_filter *out, const struct cb_strings *given,
                          struct cb_store *store, struct cb_error **err)
{
    *out = (struct cb_image_filter){.given = given};
    if (cb_filter_check(cb_image_filters, CB_FILTER_LISTS, given, err) < 0 ||
        moment_of(given, "before", store, &out->before_ns, err) < 0)
        return -1;
    return moment_of(given, "since", store, &out->since_ns, err);
}

int cb_image_filter_takes(const struct cb_image_filter *filter,
                          const struct cb_image *image)
{
    const char *dangling = cb_filter_value(filter->given, "dangling");

    if (dangling && cb_filter_is_true(dangling) == cb_image_is_named(image))
        return 0;
    if ((filter->before_ns && image->created_ns >= filter->before_ns) ||
        (filter->since_ns && image->created_ns <= filter->since_ns))
        return 0;
    return cb_filter_takes(cb_image_filters, filter->given, image);
}
