/* A partial answer is only used when it says that it begins at the very byte that was
 * asked for; anything else and the download starts again at 0. */
#include "http/range.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

static int read_number(const char **text, int64_t *out)
{
    char *end = NULL;

    if (!isdigit((unsigned char)**text))
        return -1;
    errno = 0;
    *out = strtoll(*text, &end, 10);
    *text = end;
    return errno ? -1 : 0;
}

int cb_range_starts_at(const char *content_range, int64_t start)
{
    const char *text = content_range;
    int64_t first, last, total;

    if (!text || strncasecmp(text, "bytes ", 6) != 0)
        return 0;
    text += 6;
    if (read_number(&text, &first) < 0 || *text++ != '-' ||
        read_number(&text, &last) < 0 || *text++ != '/')
        return 0;
    if (*text == '*')
        return text[1] == '\0' && first == start && last >= first;
    if (read_number(&text, &total) < 0 || *text != '\0')
        return 0;
    return first == start && last >= first && total > last;
}
