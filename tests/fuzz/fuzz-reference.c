/* References and platforms: what is accepted has a canonical form that means the same. */
#include "oci/oci.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void round_trip(const char *text)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto(cb_reference) again = NULL;
    cb_autofree char *canonical = NULL;
    cb_autofree char *second = NULL;
    cb_autofree char *familiar = NULL;

    if (cb_reference_parse(&reference, text, NULL) < 0)
        return;
    cb_reference_default_tag(reference);
    canonical = cb_reference_canonical(reference);
    familiar = cb_reference_familiar(reference);
    if (strstr(reference->path, "..") || strpbrk(reference->path, " \t\r\n?#%"))
        abort();
    if (cb_reference_parse(&again, canonical, NULL) < 0)
        abort();
    second = cb_reference_canonical(again);
    if (strcmp(canonical, second) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    cb_autofree char *text = xstrndup((const char *)data, size);
    struct cb_platform platform;
    struct cb_digest digest;

    round_trip(text);
    cb_platform_parse(&platform, text, NULL);
    cb_digest_parse(&digest, text, NULL);
    return 0;
}
