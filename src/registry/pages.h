/* Lists that come in pages (distribution-spec, "Listing Tags"). */
#ifndef CB_REGISTRY_PAGES_H
#define CB_REGISTRY_PAGES_H

#include "registry/registry-priv.h"

/* The strings in MEMBER of URL's answer and of what its Link headers lead to. */
int cb_registry_pages(const struct cb_access *access, const char *url, const char *member,
                      struct cb_strings *out, struct cb_error **err);
/* All tags of a repository. */
int cb_repository_tags(struct cb_registry *registry,
                       const struct cb_repository *repository, struct cb_strings *out,
                       struct cb_error **err);

#endif
