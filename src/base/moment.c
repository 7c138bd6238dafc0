/* Moments as people give them (moby api/types/time, GetTimestamp). */
#include "base/timestamp.h"

#include <stdlib.h>
#include <string.h>

/* "1136073600", "1136073600.000000001". */
static int parse_seconds(struct timespec *out, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    const char *fraction = text + digits;
    long nanoseconds = 0, unit = 100000000;

    if (!digits || digits > 12)
        return 0;
    if (*fraction == '.') {
        size_t more = strspn(++fraction, "0123456789");

        if (!more || more > 9 || fraction[more])
            return 0;
        for (; *fraction; fraction++, unit /= 10)
            nanoseconds += (*fraction - '0') * unit;
    } else if (*fraction) {
        return 0;
    }
    out->tv_sec = (time_t)strtoll(text, NULL, 10);
    out->tv_nsec = nanoseconds;
    return 1;
}

/* Without a zone it is the local one's. */
static int parse_local(struct timespec *out, const char *text)
{
    static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M",
                                          "%Y-%m-%dT%H", "%Y-%m-%d"};

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct tm local = {.tm_isdst = -1};
        const char *end = strptime(text, formats[i], &local);

        if (!end || *end)
            continue;
        local.tm_isdst = -1;
        out->tv_sec = mktime(&local);
        out->tv_nsec = 0;
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
        parse_local(out, text))
        return 0;
    cb_error_set(err, CB_ERR_USAGE, "`%s` is not a moment", text);
    return cb_error_hint(err,
                         "a duration back from now (24h), a date or time "
                         "(2026-01-31, 2026-01-31T12:00:00Z), or seconds since 1970");
}
