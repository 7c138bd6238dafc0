/* What steps say, for a terminal. Colours (SGR: ESC [ numbers m) pass when the terminal
 * is to have any, and end with the line, so that nothing of ours is painted by a step;
 * they are left out otherwise. Every other control character is shown as what it is. */
#include "commands/progress.h"

#include "base/utf8.h"
#include "commands/display.h"

#include <string.h>
#include <unistd.h>

#define SGR_MAX 64 /* bytes; what is longer is none */

int cb_colour_wanted(int fd)
{
    const char *none = getenv("NO_COLOR");

    return !(none && *none) && isatty(fd);
}

/* Length of the colour that TEXT begins with, or 0. */
static size_t sgr_length(const char *text, size_t len)
{
    size_t at = 2;

    if (len < 3 || text[0] != '\x1b' || text[1] != '[')
        return 0;
    while (at < len && at < SGR_MAX && memchr("0123456789;:", text[at], 12))
        at++;
    return at < len && text[at] == 'm' ? at + 1 : 0;
}

void cb_colour_add(struct cb_strbuf *out, const char *text, size_t len, int colour)
{
    size_t begin = 0;
    int coloured = 0;

    for (size_t at = 0; at < len;) {
        size_t sgr = sgr_length(text + at, len - at);

        if (!sgr) {
            at++;
            continue;
        }
        cb_strbuf_add_escaped(out, text + begin, at - begin, 1);
        if (colour)
            cb_strbuf_add(out, text + at, sgr);
        coloured |= colour;
        at += sgr;
        begin = at;
    }
    cb_strbuf_add_escaped(out, text + begin, len - begin, 1);
    if (coloured)
        cb_strbuf_adds(out, "\x1b[0m");
}

/* ── One line among others ── */

/* Up to its end: BEL, or ESC \. What has none is all command. */
static size_t string_length(const char *text, size_t len)
{
    for (size_t at = 2; at < len; at++) {
        if (text[at] == '\a')
            return at + 1;
        if (text[at] == '\x1b' && at + 1 < len && text[at + 1] == '\\')
            return at + 2;
    }
    return len;
}

/* Length of the command (ECMA-48's control functions) that TEXT begins with, or 0. */
static size_t command_length(const char *text, size_t len)
{
    size_t at = 1;

    if (!len || text[0] != '\x1b')
        return 0;
    if (len == 1)
        return 1;
    if (strchr("]PX^_", text[1]))
        return string_length(text, len);
    if (text[1] == '[')
        for (at = 2; at < len && text[at] >= 0x20 && text[at] < 0x40;)
            at++;
    else
        while (at < len && text[at] >= 0x20 && text[at] < 0x30)
            at++;
    return at < len && text[at] >= 0x20 && text[at] < 0x7f ? at + 1 : at;
}

static unsigned columns_of(const char *text, size_t len)
{
    unsigned columns = 0, point = 0;

    for (size_t at = 0, size; at < len; at += size ? size : 1) {
        size = cb_utf8_decode(text + at, len - at, &point);
        columns += size ? cb_utf8_columns(point) : 1;
    }
    return columns;
}

void cb_colour_drop(struct cb_strbuf *out, const char *text, size_t len)
{
    size_t begin = out->len;

    for (size_t at = 0; at < len;) {
        size_t command = command_length(text + at, len - at);
        size_t run = 0;

        if (command) {
            at += command;
            continue;
        }
        if (text[at] == '\t') {
            unsigned column = columns_of(out->text + begin, out->len - begin);

            cb_strbuf_addf(out, "%*s", (int)(8 - column % 8), "");
            at++;
            continue;
        }
        while (at + run < len && text[at + run] != '\x1b' && text[at + run] != '\t')
            run++;
        cb_strbuf_add_escaped(out, text + at, run, 0);
        at += run;
    }
}
