/* Filters are ANDed, but several patterns of `reference` are alternatives, as in docker
 * (moby daemon/images, "Filters"). Times are compared strictly: an image is neither
 * before nor since itself. */
#include "commands/image-filter.h"

#include "base/glob.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "oci/oci.h"

#include <string.h>

void cb_image_filter_clear(struct cb_image_filter *filter)
{
    cb_strings_free(&filter->labels);
    cb_strings_free(&filter->not_labels);
    cb_strings_free(&filter->references);
}

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

static int take(struct cb_image_filter *out, const char *key, const char *value,
                struct cb_store *store, struct cb_error **err)
{
    struct timespec moment;

    if (strcmp(key, "dangling") == 0) {
        if (!cb_parse_bool(value, &out->dangling))
            return cb_error_set(err, CB_ERR_USAGE,
                                "invalid filter `dangling=%s`: expected true or false",
                                value);
    } else if (strcmp(key, "before") == 0) {
        return created_of(store, value, &out->before_ns, err);
    } else if (strcmp(key, "since") == 0) {
        return created_of(store, value, &out->since_ns, err);
    } else if (strcmp(key, "until") == 0) {
        if (cb_moment_parse(&moment, value, err) < 0)
            return cb_error_wrap(err, "filter `until`");
        out->until_ns = (int64_t)moment.tv_sec * 1000000000 + moment.tv_nsec;
    } else if (strcmp(key, "label") == 0) {
        cb_strings_add(&out->labels, value);
    } else if (strcmp(key, "label!") == 0) {
        cb_strings_add(&out->not_labels, value);
    } else {
        cb_strings_add(&out->references, value);
    }
    return 0;
}

static int is_known(const char *const *known, const char *key)
{
    for (; *known; known++)
        if (strcmp(*known, key) == 0)
            return 1;
    return 0;
}

int cb_image_filter_parse(struct cb_image_filter *out, const struct cb_strings *given,
                          const char *const *known, struct cb_store *store,
                          struct cb_error **err)
{
    *out = (struct cb_image_filter){.dangling = -1};
    for (size_t i = 0; i < given->count; i++) {
        const char *equals = strchr(given->items[i], '=');
        cb_autofree char *key = xstrndup(given->items[i], strcspn(given->items[i], "="));

        if (!equals)
            return cb_error_set(err, CB_ERR_USAGE,
                                "invalid argument \"%s\" for \"--filter\": bad format of "
                                "filter (expected name=value)",
                                given->items[i]);
        if (!is_known(known, key)) {
            cb_auto_value(cb_strbuf) names = {0};

            for (size_t k = 0; known[k]; k++)
                cb_strbuf_addf(&names, k ? ", %s" : "%s", known[k]);
            cb_error_set(err, CB_ERR_USAGE, "invalid filter `%s`", key);
            return cb_error_hint(err, "the filters are %s", cb_strbuf_text(&names));
        }
        if (take(out, key, equals + 1, store, err) < 0)
            return -1;
    }
    return 0;
}

/* WANTED: "key" or "key=value". */
static int has_label(const struct cb_image_config *config, const char *wanted)
{
    size_t len = strcspn(wanted, "=");

    for (size_t i = 0; i < config->label_keys.count; i++) {
        const char *key = config->label_keys.items[i];

        if (strncmp(key, wanted, len) == 0 && key[len] == '\0')
            return !wanted[len] ||
                   strcmp(config->label_values.items[i], wanted + len + 1) == 0;
    }
    return 0;
}

int cb_image_filter_takes(const struct cb_image_filter *filter,
                          const struct cb_image *image)
{
    if (filter->dangling >= 0 && filter->dangling == cb_image_is_named(image))
        return 0;
    if ((filter->before_ns && image->created_ns >= filter->before_ns) ||
        (filter->since_ns && image->created_ns <= filter->since_ns) ||
        (filter->until_ns && image->created_ns >= filter->until_ns))
        return 0;
    for (size_t i = 0; i < filter->labels.count; i++)
        if (!has_label(image->config, filter->labels.items[i]))
            return 0;
    for (size_t i = 0; i < filter->not_labels.count; i++)
        if (has_label(image->config, filter->not_labels.items[i]))
            return 0;
    return 1;
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

int cb_image_filter_takes_name(const struct cb_image_filter *filter, const char *name)
{
    for (size_t i = 0; i < filter->references.count; i++)
        if (cb_image_name_matches(filter->references.items[i], name))
            return 1;
    return filter->references.count == 0;
}
