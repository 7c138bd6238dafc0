/* Lists that come in pages (distribution-spec, "Listing Tags"). */
#ifndef CB_REGISTRY_PAGES_H
#define CB_REGISTRY_PAGES_H

#include "registry/registry-priv.h"

/* The strings in MEMBER of URL's answer and of what its Link headers lead to. */
int cb_registry_pages(struct cb_registry *registry, const struct cb_endpoint *endpoint,
                      const char *scope, const char *url, const char *member,
                      struct cb_strings *out, struct cb_error **err);

#endif
