/* Detach keys, as docker's --detach-keys has them. */
#include "container/detach.h"

#include <string.h>

static int parse_key(const char *text, size_t len, char *out)
{
    static const char others[] = "@[\\]^_";
    const char *other;

    if (len == 1) {
        *out = *text;
        return 1;
    }
    if (len != 6 || strncmp(text, "ctrl-", 5) != 0)
        return 0;
    other = strchr("[\\]^_", text[5]);
    if (text[5] >= 'a' && text[5] <= 'z')
        *out = (char)(text[5] - 'a' + 1);
    else if (text[5] == '@')
        *out = 0;
    else if (other)
        *out = (char)(27 + (strchr(others, text[5]) - others) - 1);
    else
        return 0;
    return 1;
}

int cb_detach_keys_parse(struct cb_detach_keys *out, const char *text,
                         struct cb_error **err)
{
    const char *at = text ? text : "ctrl-p,ctrl-q";

    *out = (struct cb_detach_keys){0};
    while (*at) {
        size_t len = strcspn(at, ",");

        if (out->count == CB_DETACH_KEYS_MAX ||
            !parse_key(at, len, &out->keys[out->count]))
            return cb_error_set(err, CB_ERR_USAGE, "invalid detach keys (%s): %.*s", text,
                                (int)len, at);
        out->count++;
        at += len + (at[len] == ',');
    }
    return 0;
}

int cb_detach_keys_filter(struct cb_detach_keys *keys, char *bytes, uint32_t *len)
{
    char out[65536];
    uint32_t used = 0;

    if (!keys->count)
        return 0;
    for (uint32_t i = 0; i < *len && used + CB_DETACH_KEYS_MAX < sizeof(out); i++) {
        if (bytes[i] == keys->keys[keys->seen]) {
            if (++keys->seen == keys->count)
                return 1;
            continue;
        }
        memcpy(out + used, keys->keys, keys->seen);
        used += keys->seen;
        keys->seen = 0;
        if (bytes[i] == keys->keys[0] && keys->count > 1)
            keys->seen = 1;
        else
            out[used++] = bytes[i];
    }
    memcpy(bytes, out, used);
    *len = used;
    return 0;
}
