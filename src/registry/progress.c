/* What people are told while a pull or push runs; the texts are docker's. */
#include "registry/registry-priv.h"

#include <stdio.h>
#include <string.h>

/* "ab12cd34ef56": how layers are named to people. BUFFER is returned. */
static const char *short_digest(const struct cb_digest *digest, char buffer[16])
{
    char hex[CB_DIGEST_MAX_TEXT];

    snprintf(buffer, 16, "%.12s", cb_digest_hex(digest, hex));
    return buffer;
}

void cb_registry_status(struct cb_registry *registry, uint64_t event_id,
                        const struct cb_digest *digest, const char *text, int64_t current,
                        int64_t total, int done)
{
    char item[16];
    struct cb_event event = {
        .kind = CB_EVENT_STEP_STATUS,
        .id = event_id,
        .item = short_digest(digest, item),
        .text = text,
        .len = strlen(text),
        .current = (uint64_t)current,
        .total = (uint64_t)total,
        .done = done,
    };

    cb_event_emit(registry->sink, event);
}
