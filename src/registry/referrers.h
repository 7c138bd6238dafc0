/* Lists of what is said of a manifest, on registries that do not keep them. */
#ifndef CB_REGISTRY_REFERRERS_H
#define CB_REGISTRY_REFERRERS_H

#include "registry/registry-priv.h"

/* The manifest TEXT, sent and answered by RESPONSE, is put on its subject's list, if it
 * has one and the registry does not do that itself. A list that cannot be kept is warned
 * of: the manifest is there. -1 only when CANCELED. */
int cb_referrers_note(struct cb_registry *registry,
                      const struct cb_repository *repository,
                      const struct cb_document_text *text,
                      const struct cb_http_response *response, struct cb_error **err);

#endif
