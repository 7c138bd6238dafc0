/* RFC 3339, computed without the C library's time zone machinery, which takes locks and
 * reads files. */
#include "base/timestamp.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DAY_SECONDS 86400

/* Days since 1970-01-01 of a date in the Gregorian calendar; years are counted from
 * March, so that the leap day comes last. */
static int64_t days_of_date(int64_t year, int month, int day)
{
    int64_t march_year = month <= 2 ? year - 1 : year;
    int64_t era = (march_year >= 0 ? march_year : march_year - 399) / 400;
    int64_t year_of_era = march_year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

const char *cb_timestamp_format(struct timespec time, char buffer[CB_TIMESTAMP_MAX])
{
    char fraction[16] = "";
    struct tm tm;
    size_t len;

    if (!gmtime_r(&time.tv_sec, &tm))
        tm = (struct tm){.tm_year = 70, .tm_mday = 1};
    if (time.tv_nsec > 0 && time.tv_nsec < 1000000000) {
        snprintf(fraction, sizeof(fraction), ".%09ld", time.tv_nsec);
        for (len = strlen(fraction); fraction[len - 1] == '0'; len--)
            fraction[len - 1] = '\0';
    }
    snprintf(buffer, CB_TIMESTAMP_MAX, "%04u-%02u-%02uT%02u:%02u:%02u%sZ",
             (tm.tm_year + 1900u) % 10000, (tm.tm_mon + 1u) % 100, tm.tm_mday % 100u,
             tm.tm_hour % 100u, tm.tm_min % 100u, tm.tm_sec % 100u, fraction);
    return buffer;
}

/* Reads COUNT digits; -1 if there are fewer. */
static int digits(const char **text, int count)
{
    int value = 0;

    for (int i = 0; i < count; i++, (*text)++) {
        if (!isdigit((unsigned char)**text))
            return -1;
        value = value * 10 + (**text - '0');
    }
    return value;
}

/* COUNT digits in [low, high], then the character NEXT if it is not NUL. */
static int field(const char **text, int count, int low, int high, char next, int *out)
{
    *out = digits(text, count);
    if (*out < low || *out > high)
        return 0;
    if (next == '\0')
        return 1;
    return *(*text)++ == next;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && leap ? 29 : days[month - 1];
}

static int parse_fraction(const char **text, long *nanoseconds)
{
    long scale = 100000000;

    *nanoseconds = 0;
    if (**text != '.')
        return 1;
    (*text)++;
    if (!isdigit((unsigned char)**text))
        return 0;
    for (; isdigit((unsigned char)**text); (*text)++, scale /= 10)
        *nanoseconds += (**text - '0') * scale;
    return 1;
}

static int parse_zone(const char **text, int *offset_seconds)
{
    int hours, minutes, sign;

    *offset_seconds = 0;
    if (**text == 'Z') {
        (*text)++;
        return 1;
    }
    if (**text != '+' && **text != '-')
        return 0;
    sign = *(*text)++ == '-' ? -1 : 1;
    if (!field(text, 2, 0, 23, ':', &hours) || !field(text, 2, 0, 59, '\0', &minutes))
        return 0;
    *offset_seconds = sign * (hours * 3600 + minutes * 60);
    return 1;
}

static int parse(struct timespec *out, const char *text)
{
    int year, month, day, hour, minute, second, offset;

    if (!field(&text, 4, 0, 9999, '-', &year) || !field(&text, 2, 1, 12, '-', &month) ||
        !field(&text, 2, 1, days_in_month(year, month), 'T', &day) ||
        !field(&text, 2, 0, 23, ':', &hour) || !field(&text, 2, 0, 59, ':', &minute) ||
        !field(&text, 2, 0, 59, '\0', &second) || !parse_fraction(&text, &out->tv_nsec) ||
        !parse_zone(&text, &offset) || *text != '\0')
        return 0;
    out->tv_sec = days_of_date(year, month, day) * DAY_SECONDS + hour * 3600 +
                  minute * 60 + second - offset;
    return 1;
}

int cb_timestamp_parse(struct timespec *out, const char *text, struct cb_error **err)
{
    struct timespec time;

    if (!parse(&time, text))
        return cb_error_set(
            err, CB_ERR_INTEGRITY,
            "invalid time `%.60s`: expected the form 2006-01-02T15:04:05Z", text);
    *out = time;
    return 0;
}

struct timespec cb_timestamp_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now;
}

int cb_source_date_epoch(int64_t *out, struct cb_error **err)
{
    const char *text = getenv("SOURCE_DATE_EPOCH");
    char *end;
    long long value;

    if (!text || !*text)
        return 0;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno || *end || isspace((unsigned char)*text) || *text == '+')
        return cb_error_set(err, CB_ERR_USAGE,
                            "SOURCE_DATE_EPOCH: `%.60s` is not a number of seconds",
                            text);
    if (value > CB_EPOCH_MAX_S)
        return cb_error_set(err, CB_ERR_USAGE,
                            "SOURCE_DATE_EPOCH: %lld is later than the year 2262", value);
    *out = value;
    return 1;
}
