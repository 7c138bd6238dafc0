/* Sizes and durations as people write and read them. The forms are those of
 * docker/go-units and of Go's time package, which users of Dockerfiles know. */
#include "base/timestamp.h"

#include "base/strbuf.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NANOSECONDS UINT64_C(1000000000)

char *cb_duration_human(int64_t seconds)
{
    int64_t minutes = seconds / 60;
    int64_t hours = seconds / 3600 + (seconds % 3600 >= 1800);

    if (seconds < 1)
        return xstrdup("Less than a second");
    if (seconds == 1)
        return xstrdup("1 second");
    if (seconds < 60)
        return xasprintf("%" PRId64 " seconds", seconds);
    if (minutes == 1)
        return xstrdup("About a minute");
    if (minutes < 60)
        return xasprintf("%" PRId64 " minutes", minutes);
    if (hours == 1)
        return xstrdup("About an hour");
    if (hours < 48)
        return xasprintf("%" PRId64 " hours", hours);
    if (hours < 24 * 7 * 2)
        return xasprintf("%" PRId64 " days", hours / 24);
    if (hours < 24 * 30 * 2)
        return xasprintf("%" PRId64 " weeks", hours / 24 / 7);
    if (hours < 24 * 365 * 2)
        return xasprintf("%" PRId64 " months", hours / 24 / 30);
    return xasprintf("%" PRId64 " years", seconds / 3600 / 24 / 365);
}

static char *size_text(uint64_t bytes, int digits)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double size = (double)bytes;
    size_t unit = 0;

    while (size >= 1000 && unit + 1 < CB_ARRAY_SIZE(units)) {
        size /= 1000;
        unit++;
    }
    return xasprintf("%.*g%s", digits, size, units[unit]);
}

char *cb_size_human(uint64_t bytes)
{
    return size_text(bytes, 3);
}

char *cb_total_human(uint64_t bytes)
{
    return size_text(bytes, 4);
}

static int size_factor(const char *suffix, double *factor)
{
    static const char units[] = "kmgtp";
    const char *unit;

    *factor = 1;
    if (suffix[0] == '\0' || strcasecmp(suffix, "b") == 0)
        return 1;
    unit = strchr(units, tolower((unsigned char)suffix[0]));
    if (!unit || (suffix[1] && strcasecmp(suffix + 1, "b") != 0 &&
                  strcasecmp(suffix + 1, "ib") != 0))
        return 0;
    for (const char *i = units; i <= unit; i++)
        *factor *= 1024;
    return 1;
}

int cb_size_parse(uint64_t *out, const char *text, struct cb_error **err)
{
    double factor, value = 0, scale = 1;
    const char *at = text;
    int digits = 0;

    for (; isdigit((unsigned char)*at); at++, digits++)
        value = value * 10 + (*at - '0');
    if (*at == '.') {
        for (at++; isdigit((unsigned char)*at); at++, digits++)
            value += (*at - '0') * (scale /= 10);
    }
    if (*at == ' ')
        at++;
    if (digits == 0 || !size_factor(at, &factor) || value * factor >= 9.2e18)
        return cb_error_set(
            err, CB_ERR_USAGE,
            "invalid size `%.60s`: expected a number with an optional unit, "
            "such as 512, 64m or 1.5g",
            text);
    *out = (uint64_t)(value * factor);
    return 0;
}

struct unit {
    const char *name;
    uint64_t ns;
};

/* Longer names first where one begins another. Micro is written with U+00B5 or U+03BC
 * too. */
static const struct unit duration_units[] = {
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000},
    {"\xce\xbcs", 1000},
    {"ms", 1000000},
    {"s", NANOSECONDS},
    {"m", 60 * NANOSECONDS},
    {"h", 3600 * NANOSECONDS},
};

static const struct unit *take_unit(const char **text)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(duration_units); i++) {
        size_t len = strlen(duration_units[i].name);

        if (strncmp(*text, duration_units[i].name, len) == 0) {
            *text += len;
            return &duration_units[i];
        }
    }
    return NULL;
}

/* One "1.5h"; adds to *TOTAL. 0 if it is malformed or does not fit. */
static int take_part(const char **text, uint64_t *total)
{
    uint64_t whole = 0, part = 0;
    const struct unit *unit;
    double fraction = 0, scale = 1;
    int digits = 0;

    for (; isdigit((unsigned char)**text); (*text)++, digits++) {
        if (__builtin_mul_overflow(whole, 10u, &whole) ||
            __builtin_add_overflow(whole, (unsigned)(**text - '0'), &whole))
            return 0;
    }
    if (**text == '.') {
        for ((*text)++; isdigit((unsigned char)**text); (*text)++, digits++)
            fraction += (**text - '0') * (scale /= 10);
    }
    if (digits == 0)
        return 0;
    unit = take_unit(text);
    if (!unit || __builtin_mul_overflow(whole, unit->ns, &part))
        return 0;
    /* Half a nanosecond makes up for what binary fractions lose: 0.3s is 300000000 ns. */
    return !__builtin_add_overflow(part, (uint64_t)(fraction * (double)unit->ns + 1e-6),
                                   &part) &&
           !__builtin_add_overflow(*total, part, total);
}

int cb_duration_parse(int64_t *out_ns, const char *text, struct cb_error **err)
{
    const char *at = text;
    uint64_t total = 0;
    int negative, valid;

    negative = *at == '-';
    if (*at == '-' || *at == '+')
        at++;
    if (strcmp(at, "0") == 0) {
        *out_ns = 0;
        return 0;
    }
    valid = *at != '\0';
    while (valid && *at)
        valid = take_part(&at, &total);
    if (!valid || total > INT64_MAX)
        return cb_error_set(
            err, CB_ERR_USAGE,
            "invalid duration `%.60s`: expected numbers with units, such as "
            "30s, 1m30s or 500ms",
            text);
    *out_ns = negative ? -(int64_t)total : (int64_t)total;
    return 0;
}

/* VALUE in units of SCALE with as many decimals as it takes. */
static void add_decimal(struct cb_strbuf *out, uint64_t value, uint64_t scale)
{
    uint64_t rest = value % scale;

    cb_strbuf_addf(out, "%" PRIu64, value / scale);
    if (rest)
        cb_strbuf_addc(out, '.');
    while (rest) {
        scale /= 10;
        cb_strbuf_addc(out, (char)('0' + rest / scale));
        rest %= scale;
    }
}

char *cb_duration_text(int64_t ns)
{
    cb_auto_value(cb_strbuf) out = {0};
    uint64_t value = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    uint64_t minutes = value / (60 * NANOSECONDS);

    if (ns < 0)
        cb_strbuf_addc(&out, '-');
    if (value == 0) {
        cb_strbuf_adds(&out, "0s");
    } else if (value < 1000) {
        cb_strbuf_addf(&out, "%" PRIu64 "ns", value);
    } else if (value < 1000000) {
        add_decimal(&out, value, 1000);
        cb_strbuf_adds(&out, "\xc2\xb5s");
    } else if (value < NANOSECONDS) {
        add_decimal(&out, value, 1000000);
        cb_strbuf_adds(&out, "ms");
    } else {
        if (minutes >= 60)
            cb_strbuf_addf(&out, "%" PRIu64 "h", minutes / 60);
        if (minutes > 0)
            cb_strbuf_addf(&out, "%" PRIu64 "m", minutes % 60);
        add_decimal(&out, value % (60 * NANOSECONDS), NANOSECONDS);
        cb_strbuf_addc(&out, 's');
    }
    return cb_strbuf_steal(&out);
}

char *cb_binary_human(uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double size = (double)bytes;
    size_t unit = 0;

    while (size >= 1024 && unit + 1 < CB_ARRAY_SIZE(units)) {
        size /= 1024;
        unit++;
    }
    return xasprintf("%.4g%s", size, units[unit]);
}
