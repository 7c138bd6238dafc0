/* Manifests and indexes: whatever is accepted has sizes that are not negative, digests
 * that are digests, and stays within the limits. */
#include "oci/oci.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_descriptor(const struct cb_descriptor *descriptor)
{
    if (descriptor->size < 0 || !cb_digest_is_set(&descriptor->digest))
        abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cb_platform host = {.os = "linux", .arch = "amd64"};
    cb_auto(cb_manifest) manifest = NULL;
    cb_auto(cb_index) index = NULL;

    if (cb_manifest_parse(&manifest, (const char *)data, size, NULL, NULL) == 0) {
        check_descriptor(&manifest->config);
        if (manifest->layers.count > CB_MAX_LAYERS)
            abort();
        for (size_t i = 0; i < manifest->layers.count; i++)
            check_descriptor(&manifest->layers.items[i]);
    }
    if (cb_index_parse(&index, (const char *)data, size, NULL, NULL) == 0) {
        if (manifest || index->manifests.count > CB_MAX_INDEX_ENTRIES)
            abort(); /* nothing is both (CVE-2021-41190) */
        for (size_t i = 0; i < index->manifests.count; i++)
            check_descriptor(&index->manifests.items[i]);
        cb_index_choose(index, &host);
    }
    return 0;
}
