/* Looking for repositories: docker.io's search, or the catalog of a registry. */
#ifndef CB_REGISTRY_SEARCH_H
#define CB_REGISTRY_SEARCH_H

#include "registry/registry.h"

struct cb_search_hit {
    char *name, *description;
    int64_t stars;
    int official;
};
struct cb_search_hits {
    struct cb_search_hit *items;
    size_t count, capacity;
    int are_more; /* than the limit */
};
void cb_search_hits_clear(struct cb_search_hits *hits);
CB_AUTO_VALUE_DEFINE(cb_search_hits, cb_search_hits_clear)

/* At most LIMIT repositories of HOST that TERM finds, best first; for registries without
 * a search (404 on /v1/search) those of the catalog whose names hold TERM. */
int cb_registry_search(struct cb_registry *registry, const char *host, const char *term,
                       unsigned limit, struct cb_search_hits *hits,
                       struct cb_error **err);

#endif
