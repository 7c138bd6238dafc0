/* Image configs, and docker's config.json with its base 64. What parses once is emitted
 * and parses again to the same text. */
#include "oci/oci.h"
#include "registry/credentials.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void round_trip(const unsigned char *data, size_t size)
{
    cb_auto(cb_image_config) config = NULL;
    cb_auto(cb_image_config) again = NULL;
    cb_autofree char *first = NULL;
    cb_autofree char *second = NULL;
    size_t len, len_again;

    if (cb_image_config_parse(&config, (const char *)data, size, NULL) < 0)
        return;
    first = cb_image_config_emit(config, &len);
    if (len > CB_MANIFEST_MAX_BYTES)
        return;
    if (cb_image_config_parse(&again, first, len, NULL) < 0)
        abort();
    second = cb_image_config_emit(again, &len_again);
    if (len != len_again || memcmp(first, second, len) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    cb_auto_value(cb_credentials) credentials = {0};

    round_trip(data, size);
    /* Helpers are programs: not from here. */
    if (!memmem(data, size, "cred", 4))
        cb_credentials_from(
            &(struct cb_credentials_text){"fuzz", (const char *)data, size},
            "registry.example:5000", NULL, NULL, &credentials, NULL);
    return 0;
}
