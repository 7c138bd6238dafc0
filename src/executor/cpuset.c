/* Lists of processors as the kernel writes them: "0-3,7". */
#include "executor/limits.h"

#include <ctype.h>

#define CPU_MAX 65535

/* Reads one range at *TEXT and steps behind it. */
static int next_range(const char **text, unsigned long *first, unsigned long *last)
{
    char *end;

    if (!isdigit((unsigned char)**text))
        return -1;
    *first = *last = strtoul(*text, &end, 10);
    if (*end == '-') {
        if (!isdigit((unsigned char)end[1]))
            return -1;
        *last = strtoul(end + 1, &end, 10);
    }
    if (*first > *last || *last > CPU_MAX || (*end && *end != ','))
        return -1;
    *text = end + (*end == ',' && end[1]);
    return 0;
}

int cb_cpuset_is_valid(const char *text)
{
    unsigned long first, last;

    if (!*text)
        return 0;
    while (*text)
        if (next_range(&text, &first, &last) < 0)
            return 0;
    return 1;
}

static int contains(const char *list, unsigned long cpu)
{
    unsigned long first, last;

    while (*list) {
        if (next_range(&list, &first, &last) < 0)
            return 0;
        if (cpu >= first && cpu <= last)
            return 1;
    }
    return 0;
}

int cb_cpuset_covers(const char *available, const char *requested)
{
    unsigned long first, last;

    while (*requested) {
        if (next_range(&requested, &first, &last) < 0)
            return 0;
        for (unsigned long cpu = first; cpu <= last; cpu++)
            if (!contains(available, cpu))
                return 0;
    }
    return 1;
}
