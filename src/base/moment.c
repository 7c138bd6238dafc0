/* Moments as people give them (moby api/types/time, GetTimestamp). */
#include "base/timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ".5": 500000000. Returns what follows. */
static const char *take_fraction(long *nanoseconds, const char *text)
{
    size_t digits = *text == '.' ? strspn(text + 1, "0123456789") : 0;
    long unit = 100000000;

    *nanoseconds = 0;
    if (!digits || digits > 9)
        return text;
    for (size_t i = 0; i < digits; i++, unit /= 10)
        *nanoseconds += (text[1 + i] - '0') * unit;
    return text + 1 + digits;
}

/* "1136073600", "1136073600.000000001". */
static int parse_seconds(struct timespec *out, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    long nanoseconds;

    if (!digits || digits > 12 || *take_fraction(&nanoseconds, text + digits))
        return 0;
    out->tv_sec = (time_t)strtoll(text, NULL, 10);
    out->tv_nsec = nanoseconds;
    return 1;
}

/* "Z" or "+02:00": 1 and the seconds that local time is ahead. */
static int parse_zone(long *ahead, const char *text)
{
    int hours = 0, minutes = 0, end = 0;

    *ahead = 0;
    if (strcmp(text, "Z") == 0)
        return 1;
    if ((*text != '+' && *text != '-') ||
        (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &end) != 2 || end != 5) ||
        text[6] || strspn(text + 1, "0123456789:") != 5 || hours > 23 || minutes > 59)
        return 0;
    *ahead = (hours * 60L + minutes) * 60 * (*text == '-' ? -1 : 1);
    return 1;
}

/* Times in full and in part; without a zone it is the local one's. */
static int parse_time(struct timespec *out, const char *text)
{
    static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M",
                                          "%Y-%m-%dT%H", "%Y-%m-%d"};

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct tm time = {.tm_isdst = -1};
        const char *end = strptime(text, formats[i], &time);
        long nanoseconds = 0, ahead = 0;

        if (end && i == 0)
            end = take_fraction(&nanoseconds, end);
        if (!end || (*end && !parse_zone(&ahead, end)))
            continue;
        time.tm_isdst = -1;
        out->tv_sec = *end ? timegm(&time) - ahead : mktime(&time);
        out->tv_nsec = nanoseconds;
        return 1;
    }
    return 0;
}

int cb_moment_parse(struct timespec *out, const char *text, struct cb_error **err)
{
    int64_t back;

    /* as a duration it would be now, but it is 1970 */
    if (strcmp(text, "0") != 0 && cb_duration_parse(&back, text, NULL) == 0) {
        int64_t now;

        *out = cb_timestamp_now();
        now = (int64_t)out->tv_sec * 1000000000 + out->tv_nsec;
        if (__builtin_sub_overflow(now, back, &now) || now < 0)
            now = 0;
        out->tv_sec = (time_t)(now / 1000000000);
        out->tv_nsec = (long)(now % 1000000000);
        return 0;
    }
    if (parse_seconds(out, text) || cb_timestamp_parse(out, text, NULL) == 0 ||
        parse_time(out, text))
        return 0;
    cb_error_set(err, CB_ERR_USAGE, "`%s` is not a moment", text);
    return cb_error_hint(err,
                         "a duration back from now (24h), a date or time "
                         "(2026-01-31, 2026-01-31T12:00:00Z), or seconds since 1970");
}
