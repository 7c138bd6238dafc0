/* HEALTHCHECK [--interval=… …] CMD COMMAND, or NONE. Durations are Go's (1h2m3.5s).
 * Reference: BuildKit instructions/parse.go (parseHealthcheck). */
#include "parser/parser-priv.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#define MINIMUM_NS 1000000

static const struct cb_flag_rule rules[] = {
    {"interval", CB_FLAG_STRING},     {"timeout", CB_FLAG_STRING},
    {"start-period", CB_FLAG_STRING}, {"start-interval", CB_FLAG_STRING},
    {"retries", CB_FLAG_STRING},
};

static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    {"ns", 1},           {"us", 1000},      {"\xc2\xb5s", 1000}, /* U+00B5 */
    {"\xce\xbcs", 1000},                                         /* U+03BC */
    {"ms", 1000000},     {"s", 1000000000}, {"m", 60000000000},  {"h", 3600000000000},
};

static int64_t unit_of(const char *text, size_t len)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(units); i++) {
        if (strlen(units[i].name) == len && strncmp(text, units[i].name, len) == 0)
            return units[i].ns;
    }
    return 0;
}

static int invalid_duration(const char *text, struct cb_error **err)
{
    cb_autofree char *shown = cb_text_quote(text);

    return cb_error_set(err, CB_ERR_SYNTAX, "invalid duration %s", shown);
}

static int missing_unit(const char *text, struct cb_error **err)
{
    cb_autofree char *shown = cb_text_quote(text);

    cb_error_set(err, CB_ERR_SYNTAX, "missing unit in duration %s", shown);
    return cb_error_hint(err, "write 30s, 5m or 1h");
}

static int unknown_unit(const char *text, const char *unit, size_t len,
                        struct cb_error **err)
{
    cb_autofree char *name = xstrndup(unit, len);
    cb_autofree char *quoted = cb_text_quote(name), *shown = cb_text_quote(text);

    return cb_error_set(err, CB_ERR_SYNTAX, "unknown unit %s in duration %s", quoted,
                        shown);
}

/* Digits at *AT times UNIT added to *SUM, with DIVISOR times ten for each: the part
 * behind the point. 0 on overflow. */
static int add_number(const char *digits, size_t count, int64_t unit, int64_t *sum)
{
    int64_t value = 0;

    for (size_t i = 0; i < count; i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digits[i] - '0', &value))
            return 0;
    }
    return !__builtin_mul_overflow(value, unit, &value) &&
           !__builtin_add_overflow(*sum, value, sum);
}

static int add_fraction(const char *digits, size_t count, int64_t unit, int64_t *sum)
{
    long double scale = 1, value = 0;

    for (size_t i = 0; i < count && i < 18; i++) {
        value = value * 10 + (digits[i] - '0');
        scale *= 10;
    }
    return !__builtin_add_overflow(*sum, (int64_t)(value * unit / scale), sum);
}

/* One "12.5m" at *AT. */
static int add_part(const char *text, const char **at, int64_t *sum,
                    struct cb_error **err)
{
    const char *whole = *at, *fraction, *unit;
    size_t whole_len = strspn(whole, "0123456789"), fraction_len = 0, unit_len;
    int64_t ns;

    fraction = whole + whole_len;
    if (*fraction == '.')
        fraction_len = strspn(++fraction, "0123456789");
    if (whole_len + fraction_len == 0)
        return invalid_duration(text, err);
    unit = fraction + fraction_len;
    unit_len = strcspn(unit, ".0123456789");
    if (unit_len == 0)
        return missing_unit(text, err);
    ns = unit_of(unit, unit_len);
    if (!ns)
        return unknown_unit(text, unit, unit_len, err);
    if (!add_number(whole, whole_len, ns, sum) ||
        !add_fraction(fraction, fraction_len, ns, sum))
        return invalid_duration(text, err);
    *at = unit + unit_len;
    return 0;
}

/* As Go's time.ParseDuration. */
static int parse_duration(const char *text, int64_t *out, struct cb_error **err)
{
    const char *at = text;
    int64_t sum = 0;

    at += *at == '+' || *at == '-';
    if (strcmp(at, "0") == 0) {
        *out = 0;
        return 0;
    }
    if (!*at)
        return invalid_duration(text, err);
    while (*at) {
        if (add_part(text, &at, &sum, err) < 0)
            return -1;
    }
    *out = text[0] == '-' ? -sum : sum;
    return 0;
}

static int take_duration(struct cb_request *request, const char *name,
                         struct cb_word *word, int64_t *out, struct cb_error **err)
{
    int64_t value = 0;

    *word = cb_flags_string(request, name);
    if (!word->text || !word->text[0])
        return 0;
    if (parse_duration(word->text, &value, err) < 0)
        return cb_error_at(err, request->parser->source, word->span);
    if (value != 0 && value < MINIMUM_NS)
        return cb_syntax_error(request, word->span, err,
                               "Interval \"%s\" cannot be less than 1ms", name);
    *out = value;
    return 0;
}

static int take_retries(struct cb_request *request, struct cb_inst_healthcheck *health,
                        struct cb_error **err)
{
    struct cb_word *word = &health->retries;
    cb_autofree char *shown = NULL;
    long value;
    char *end;

    *word = cb_flags_string(request, "retries");
    if (!word->text || !word->text[0])
        return 0;
    errno = 0;
    value = strtol(word->text, &end, 10);
    shown = cb_text_quote(word->text);
    if (*end || isspace((unsigned char)word->text[0]) || errno || value > INT_MAX ||
        value < INT_MIN)
        return cb_syntax_error(request, word->span, err,
                               "invalid value %s for --retries: not a number", shown);
    if (value < 0)
        return cb_syntax_error(request, word->span, err,
                               "--retries cannot be negative (%ld)", value);
    health->retry_count = value;
    return 0;
}

static int take_flags(struct cb_request *request, struct cb_inst_healthcheck *health,
                      struct cb_error **err)
{
    if (take_duration(request, "interval", &health->interval, &health->interval_ns, err) <
            0 ||
        take_duration(request, "timeout", &health->timeout, &health->timeout_ns, err) <
            0 ||
        take_duration(request, "start-period", &health->start_period,
                      &health->start_period_ns, err) < 0 ||
        take_duration(request, "start-interval", &health->start_interval,
                      &health->start_interval_ns, err) < 0)
        return -1;
    return take_retries(request, health, err);
}

/* Cuts the first word, the type, off the arguments. */
static struct cb_range take_type(struct cb_request *request)
{
    const char *text = request->line->text;
    struct cb_range type = request->args;

    type.end = type.start;
    while (type.end < request->args.end &&
           !cb_utf8_space(text + type.end, request->args.end - type.end))
        type.end++;
    request->args.start = type.end;
    request->args = cb_text_trim_left(text, request->args);
    return type;
}

static int unknown_type(struct cb_request *request, struct cb_range type,
                        struct cb_error **err)
{
    struct cb_word word = cb_request_word(request, type);
    cb_autofree char *text = xstrndup(word.text, type.end - type.start);
    cb_autofree char *shown = NULL;

    for (char *c = text; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    shown = cb_text_quote(text);
    return cb_syntax_error(request, word.span, err,
                           "Unknown type %s in HEALTHCHECK (try CMD)", shown);
}

static int parse_command(struct cb_request *request, struct cb_inst_healthcheck *health,
                         struct cb_span type, struct cb_error **err)
{
    int is_empty = request->args.start == request->args.end ||
                   (request->is_json && request->json.count == 0);

    if (is_empty)
        return cb_syntax_error(request, type, err,
                               "Missing command after HEALTHCHECK CMD");
    health->command = cb_request_command(request);
    return take_flags(request, health, err);
}

int cb_inst_healthcheck(struct cb_request *request, struct cb_instruction *out,
                        struct cb_error **err)
{
    const char *text = request->line->text;
    struct cb_range type;
    size_t len;

    if (request->args.start == request->args.end)
        return cb_inst_too_few(request, err);
    type = take_type(request);
    len = type.end - type.start;
    request->is_json = cb_json_form_parse(request, request->args.start, err);
    if (request->is_json < 0)
        return -1;
    if (len == 4 && strncasecmp(text + type.start, "NONE", 4) == 0) {
        out->healthcheck.none = 1;
        if (request->args.start == request->args.end)
            return 0;
        return cb_syntax_error(request, cb_request_args_span(request), err,
                               "HEALTHCHECK NONE takes no arguments");
    }
    if (cb_flags_check(request, rules, CB_ARRAY_SIZE(rules), err) < 0)
        return -1;
    if (len != 3 || strncasecmp(text + type.start, "CMD", 3) != 0)
        return unknown_type(request, type, err);
    return parse_command(request, &out->healthcheck, cb_request_span(request, type), err);
}
