/* Names a stack of layers by what is in all of them. */
#include "oci/oci.h"

#include <string.h>

struct cb_digest cb_chain_id(const struct cb_digest *parent_or_null,
                             const struct cb_digest *diff_id)
{
    char parent[CB_DIGEST_MAX_TEXT], own[CB_DIGEST_MAX_TEXT];
    char both[2 * CB_DIGEST_MAX_TEXT];
    size_t len;

    if (!cb_digest_is_set(parent_or_null))
        return *diff_id;
    cb_digest_text(parent_or_null, parent);
    cb_digest_text(diff_id, own);
    len = strlen(parent);
    memcpy(both, parent, len);
    both[len] = ' ';
    memcpy(both + len + 1, own, strlen(own));
    return cb_digest_of(both, len + 1 + strlen(own));
}
