/* What steps say, for a terminal. Colours (SGR: ESC [ numbers m) pass when the terminal
 * is to have any, and end with the line, so that nothing of ours is painted by a step;
 * they are left out otherwise. Every other control character is shown as what it is. */
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
