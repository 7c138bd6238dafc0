/* Owners given as numbers. */
#include "ops/ops-priv.h"

/* Decimal, at most 2^32-2: -1 would mean "unchanged" to chown(2). 1/0. */
static int parse_id(const char *text, size_t len, uint32_t *out)
{
    uint64_t value = 0;

    if (len == 0 || len > 10)
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *out = (uint32_t)value;
    return value < UINT32_MAX;
}

int cb_owner_parse_ids(const char *text, struct cb_owner *out)
{
    const char *colon = strchr(text, ':');
    struct cb_owner owner = {0};

    if (!parse_id(text, colon ? (size_t)(colon - text) : strlen(text), &owner.uid))
        return 0;
    owner.gid = owner.uid;
    if (colon && colon[1] && !parse_id(colon + 1, strlen(colon + 1), &owner.gid))
        return 0;
    *out = owner;
    return 1;
}

int cb_copy_owner_is_named(const char *chown)
{
    struct cb_owner owner;

    return chown && !cb_owner_parse_ids(chown, &owner);
}
