/* Table-free; what goes through here is a line long. */
#include "base/base64.h"

#include <ctype.h>
#include <string.h>

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (isdigit((unsigned char)c))
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int cb_base64_decode(struct cb_strbuf *out, const char *text)
{
    unsigned bits = 0;
    int have = 0;

    for (; *text && *text != '='; text++) {
        int value = digit_value(*text);

        if (value < 0)
            return -1;
        bits = (bits << 6 | (unsigned)value) & 0xffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            cb_strbuf_addc(out, (char)(bits >> have));
        }
    }
    return text[strspn(text, "=")] == '\0' ? 0 : -1;
}

void cb_base64_encode(struct cb_strbuf *out, const void *data, size_t len)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *bytes = data;

    for (size_t i = 0; i < len; i += 3) {
        unsigned bits = (unsigned)bytes[i] << 16;

        bits |= i + 1 < len ? (unsigned)bytes[i + 1] << 8 : 0;
        bits |= i + 2 < len ? bytes[i + 2] : 0;
        cb_strbuf_addc(out, digits[bits >> 18]);
        cb_strbuf_addc(out, digits[bits >> 12 & 63]);
        cb_strbuf_addc(out, i + 1 < len ? digits[bits >> 6 & 63] : '=');
        cb_strbuf_addc(out, i + 2 < len ? digits[bits & 63] : '=');
    }
}
