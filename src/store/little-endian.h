/* Numbers in files of the store's own. */
#ifndef CB_STORE_LITTLE_ENDIAN_H
#define CB_STORE_LITTLE_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

/* The low LEN bytes of VALUE, up to 8. */
static inline void cb_le_put(unsigned char *out, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (unsigned char)(value >> (8 * i));
}

static inline uint64_t cb_le_get(const unsigned char *bytes, size_t len)
{
    uint64_t value = 0;

    while (len-- > 0)
        value = value << 8 | bytes[len];
    return value;
}

#endif
