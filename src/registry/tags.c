/* The tags of a repository. */
#include "registry/pages.h"

int cb_registry_tags(struct cb_registry *registry, const char *name,
                     struct cb_strings *tags, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto_value(cb_strings) found = {0};
    cb_auto_value(cb_place) place = {0};
    struct cb_repository repository;

    if (cb_reference_parse(&reference, name, err) < 0)
        return -1;
    if (cb_place_own(registry, reference, "pull", &place, err) < 0 ||
        cb_place_open(registry, &place, &repository, err) < 0)
        return -1;
    if (cb_repository_tags(registry, &repository, &found, err) < 0)
        return cb_error_wrap(err, "tags of %s", name);
    for (size_t i = 0; i < found.count; i++)
        cb_strings_add(tags, found.items[i]);
    return 0;
}
