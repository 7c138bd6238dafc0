/* A strict decoder (Unicode table 3-7): what it accepts, every other decoder reads the
 * same way. */
#include "base/utf8.h"

static int is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

size_t cb_utf8_decode(const char *text, size_t len, unsigned *point)
{
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    size_t need;
    unsigned value;

    if (len == 0)
        return 0;
    if (bytes[0] < 0x80) {
        *point = bytes[0];
        return 1;
    }
    if ((bytes[0] & 0xe0) == 0xc0) {
        need = 2;
        value = bytes[0] & 0x1f;
    } else if ((bytes[0] & 0xf0) == 0xe0) {
        need = 3;
        value = bytes[0] & 0x0f;
    } else if ((bytes[0] & 0xf8) == 0xf0) {
        need = 4;
        value = bytes[0] & 0x07;
    } else {
        return 0;
    }
    if (len < need)
        return 0;
    for (size_t i = 1; i < need; i++) {
        if (!is_continuation(bytes[i]))
            return 0;
        value = value << 6 | (bytes[i] & 0x3f);
    }
    if (value < smallest[need] || value > 0x10ffff ||
        (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *point = value;
    return need;
}

size_t cb_utf8_encode(unsigned point, char out[5])
{
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

    out[len] = '\0';
    for (size_t i = len; --i > 0; point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)(leads[len] | point);
    return len;
}

static int is_space(unsigned point)
{
    switch (point) {
    case 0x85:
    case 0xa0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202f:
    case 0x205f:
    case 0x3000:
        return 1;
    default:
        return (point >= 0x2000 && point <= 0x200a) || point == ' ' ||
               (point >= '\t' && point <= '\r');
    }
}

size_t cb_utf8_space(const char *text, size_t len)
{
    unsigned point;
    size_t width = cb_utf8_decode(text, len, &point);

    return width && is_space(point) ? width : 0;
}

void cb_utf8_trim(const char **start, const char **end)
{
    size_t width;

    while ((width = cb_utf8_space(*start, (size_t)(*end - *start))))
        *start += width;
    while (*end > *start) {
        const char *last = *end - 1;

        while (last > *start && is_continuation((unsigned char)*last))
            last--;
        width = (size_t)(*end - last);
        if (cb_utf8_space(last, width) != width)
            break;
        *end = last;
    }
}
