/* Go's fmt.Sprintf for the values of templates. */
#include "base/template-priv.h"

#include "base/utf8.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_WIDTH 10000
#define MAX_LIST  (64u << 20) /* bytes; more is refused by who runs the template */

struct verb {
    char flags[8];
    int width, precision; /* precision -1: none */
    char kind;
    const char *wrong; /* BADINDEX, BADWIDTH or BADPREC; or NULL */
};

/* What is to be shown, and how far that has come. */
struct words {
    json_t *const *args;
    size_t count, next;
    int is_reordered; /* [n] was used: nothing is told of what was left */
};

/* "[2]": which argument is next. */
static const char *read_index(const char *p, struct words *words, struct verb *verb)
{
    const char *end = strchr(p, ']');
    size_t n = 0;

    if (*p != '[')
        return p;
    if (!end)
        return p + strlen(p);
    words->is_reordered = 1;
    for (p++; isdigit((unsigned char)*p) && n <= words->count; p++)
        n = n * 10 + (size_t)(*p - '0');
    if (p != end || n < 1 || n > words->count)
        verb->wrong = "BADINDEX";
    else
        words->next = n - 1;
    return end + 1;
}

/* A width or precision: digits, or "*" for an argument. */
static const char *read_number(const char *p, struct words *words, struct verb *verb,
                               int *out, const char *wrong)
{
    const json_t *value;

    p = read_index(p, words, verb);
    if (*p != '*') {
        for (; isdigit((unsigned char)*p); p++)
            *out = *out > MAX_WIDTH ? MAX_WIDTH : *out * 10 + *p - '0';
        *out = *out > MAX_WIDTH ? MAX_WIDTH : *out;
        return p;
    }
    value = words->next < words->count ? words->args[words->next++] : NULL;
    if (!value || !json_is_integer(value) || json_integer_value(value) > MAX_WIDTH ||
        json_integer_value(value) < -MAX_WIDTH)
        verb->wrong = wrong;
    else
        *out = (int)json_integer_value(value);
    return p + 1;
}

/* The verb behind the '%' at P; where it ends. */
static const char *read_verb(const char *p, struct words *words, struct verb *verb)
{
    size_t flags = 0;

    *verb = (struct verb){.precision = -1};
    for (; *p && strchr("+-# 0", *p); p++) {
        if (flags < sizeof(verb->flags) - 2 && !strchr(verb->flags, *p))
            verb->flags[flags++] = *p;
    }
    p = read_number(p, words, verb, &verb->width, "BADWIDTH");
    if (verb->width < 0) {
        verb->flags[flags++] = '-';
        verb->width = -verb->width;
    }
    if (*p == '.') {
        verb->precision = 0;
        p = read_number(p + 1, words, verb, &verb->precision, "BADPREC");
    }
    p = read_index(p, words, verb);
    verb->kind = *p;
    return *p ? p + 1 : p;
}

/* "%+v" is about the names of fields. */
static int has(const struct verb *verb, char flag)
{
    return strchr(verb->flags, flag) != NULL && (flag != '+' || verb->kind != 'v');
}

static size_t count_points(const char *text, size_t len)
{
    size_t points = 0;

    for (size_t i = 0; i < len; i++)
        points += ((unsigned char)text[i] & 0xc0) != 0x80;
    return points;
}

/* TEXT in the verb's width, counted in characters, behind FILL. */
static void add_filled(struct cb_strbuf *out, const struct verb *verb, char fill,
                       const char *text, size_t len)
{
    size_t points = count_points(text, len);
    size_t pad = (size_t)verb->width > points ? (size_t)verb->width - points : 0;
    int left = has(verb, '-');

    for (size_t i = 0; !left && i < pad; i++)
        cb_strbuf_addc(out, fill);
    cb_strbuf_add(out, text, len);
    for (size_t i = 0; left && i < pad; i++)
        cb_strbuf_addc(out, ' ');
}

/* The flag 0 is for every value, not for numbers only. */
static void add_padded(struct cb_strbuf *out, const struct verb *verb, const char *text,
                       size_t len)
{
    add_filled(out, verb, has(verb, '0') ? '0' : ' ', text, len);
}

/* A sign as it is wanted, PREFIX, DIGITS; at least LEAST of these, or, if that is -1,
 * zeros up to the width where the flag 0 asks for them. */
static void add_number(struct cb_strbuf *out, const struct verb *verb, int is_negative,
                       const char *prefix, const char *digits, int least)
{
    cb_auto_value(cb_strbuf) text = {0};
    size_t wanted = least > 0 ? (size_t)least : 0;

    if (is_negative)
        cb_strbuf_addc(&text, '-');
    else if (has(verb, '+') || has(verb, ' '))
        cb_strbuf_addc(&text, has(verb, '+') ? '+' : ' ');
    if (least < 0 && has(verb, '0') && !has(verb, '-') && (size_t)verb->width > text.len)
        wanted = (size_t)verb->width - text.len;
    cb_strbuf_adds(&text, prefix);
    for (size_t i = strlen(digits); i < wanted; i++)
        cb_strbuf_addc(&text, '0');
    cb_strbuf_adds(&text, digits);
    add_filled(out, verb, ' ', cb_strbuf_text(&text), text.len);
}

static void add_integer(struct cb_strbuf *out, const struct verb *verb, json_int_t value)
{
    static const struct {
        char kind;
        unsigned base;
        const char *prefix, *with_sharp;
    } bases[] = {{'b', 2, "", "0b"},  {'o', 8, "", "0"},   {'O', 8, "0o", "0o0"},
                 {'x', 16, "", "0x"}, {'X', 16, "", "0X"}, {'d', 10, "", ""}};
    const char *letters = verb->kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    unsigned long long rest =
        value < 0 ? -(unsigned long long)value : (unsigned long long)value;
    char digits[65], *at = digits + sizeof(digits) - 1;
    size_t i = 0;

    if (!value && !verb->precision) {
        add_filled(out, verb, ' ', "", 0);
        return;
    }
    while (i < CB_ARRAY_SIZE(bases) - 1 && bases[i].kind != verb->kind)
        i++;
    *at = '\0';
    do
        *--at = letters[rest % bases[i].base];
    while ((rest /= bases[i].base) > 0);
    add_number(out, verb, value < 0,
               has(verb, '#') ? bases[i].with_sharp : bases[i].prefix, at,
               verb->precision);
}

static void add_real(struct cb_strbuf *out, const struct verb *verb, double value)
{
    char text[512];
    int precision = verb->precision < 0     ? 6
                    : verb->precision > 100 ? 100
                                            : verb->precision;
    double size = fabs(value);

    if (verb->kind == 'e')
        snprintf(text, sizeof(text), "%.*e", precision, size);
    else if (verb->kind == 'E')
        snprintf(text, sizeof(text), "%.*E", precision, size);
    else if (strchr("gGv", verb->kind) && verb->precision < 0)
        cb_tmpl_real(text, size);
    else if (verb->kind == 'g' || verb->kind == 'v')
        snprintf(text, sizeof(text), "%.*g", precision, size);
    else if (verb->kind == 'G')
        snprintf(text, sizeof(text), "%.*G", precision, size);
    else
        snprintf(text, sizeof(text), "%.*f", precision, size);
    for (char *p = text; *p && verb->kind == 'G'; p++)
        *p = (char)toupper((unsigned char)*p);
    add_number(out, verb, signbit(value) != 0, "", text, -1);
}

/* Shown by %v, %s or, quoted, %q; the precision cuts texts. */
static void add_value(struct cb_strbuf *out, const struct verb *verb, const json_t *value)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_strbuf) quoted = {0};
    size_t len = 0, points = 0;

    cb_tmpl_print(&text, value);
    while (len < text.len) {
        if (((unsigned char)text.text[len] & 0xc0) != 0x80 && verb->precision >= 0 &&
            points++ == (size_t)verb->precision)
            break;
        len++;
    }
    cb_strbuf_truncate(&text, len);
    if (verb->kind != 'q') {
        add_padded(out, verb, cb_strbuf_text(&text), text.len);
        return;
    }
    if (has(verb, '#') && !strchr(cb_strbuf_text(&text), '`'))
        cb_strbuf_addf(&quoted, "`%s`", cb_strbuf_text(&text));
    else
        cb_strbuf_add_json(&quoted, cb_strbuf_text(&text));
    add_padded(out, verb, cb_strbuf_text(&quoted), quoted.len);
}

static void add_hex(struct cb_strbuf *out, const struct verb *verb, const json_t *value)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *bytes = json_string_value(value);
    int lower = verb->kind == 'x';

    for (size_t i = 0; i < json_string_length(value); i++) {
        if (has(verb, ' ') && i)
            cb_strbuf_addc(&text, ' ');
        if (has(verb, '#') && (has(verb, ' ') || !i))
            cb_strbuf_adds(&text, lower ? "0x" : "0X");
        cb_strbuf_addf(&text, lower ? "%02x" : "%02X", (unsigned char)bytes[i]);
    }
    add_padded(out, verb, cb_strbuf_text(&text), text.len);
}

const char *cb_tmpl_type_name(const json_t *value)
{
    return !value || json_is_null(value) ? "<nil>"
           : json_is_string(value)       ? "string"
           : json_is_integer(value)      ? "int"
           : json_is_real(value)         ? "float64"
           : json_is_boolean(value)      ? "bool"
           : json_is_array(value)        ? "[]interface {}"
                                         : "map[string]interface {}";
}

/* The character of a number, %c, in quotes, %q, and its name, %U. */
static void add_point(struct cb_strbuf *out, const struct verb *verb, json_int_t value)
{
    char text[32];
    size_t len = value < 0 || value > 0x10ffff ? cb_utf8_encode(0xfffd, text)
                                               : cb_utf8_encode((unsigned)value, text);

    if (verb->kind == 'U')
        len = (size_t)snprintf(text, sizeof(text), "U+%04llX", (unsigned long long)value);
    if (verb->kind == 'q') {
        memmove(text + 1, text, len);
        text[0] = text[len + 1] = '\'';
        len += 2;
    }
    add_filled(out, verb, has(verb, '0') && verb->kind != 'U' ? '0' : ' ', text, len);
}

static void add_verb(struct cb_strbuf *out, const struct verb *verb, const json_t *value);

/* "%!d(string=x)": the verb is not for such a value. */
static void add_wrong(struct cb_strbuf *out, const struct verb *verb, const json_t *value)
{
    struct verb plain = *verb;

    plain.kind = 'v';
    cb_strbuf_addf(out, "%%!%c(%s", verb->kind, cb_tmpl_type_name(value));
    if (value && !json_is_null(value)) {
        cb_strbuf_addc(out, '=');
        add_verb(out, &plain, value);
    }
    cb_strbuf_addc(out, ')');
}

/* Verbs are for what is in a list, each by itself. */
static void add_list(struct cb_strbuf *out, const struct verb *verb, const json_t *list)
{
    cb_strbuf_addc(out, '[');
    for (size_t i = 0; i < json_array_size(list) && out->len <= MAX_LIST; i++) {
        if (i)
            cb_strbuf_addc(out, ' ');
        add_verb(out, verb, json_array_get(list, i));
    }
    cb_strbuf_addc(out, ']');
}

/* A map's keys, too; a struct is shown as %v has it. */
static void add_object(struct cb_strbuf *out, const struct verb *verb,
                       const json_t *object)
{
    size_t count;
    const char **keys;

    if ((verb->kind == 'v' && !verb->width && verb->precision < 0) ||
        cb_tmpl_is_struct(object)) {
        add_value(out, verb, object);
        return;
    }
    keys = cb_tmpl_sorted_keys(object, &count);
    cb_strbuf_adds(out, "map[");
    for (size_t i = 0; i < count; i++) {
        cb_auto_json *key = json_string_nocheck(keys[i]);

        if (i)
            cb_strbuf_addc(out, ' ');
        add_verb(out, verb, key);
        cb_strbuf_addc(out, ':');
        add_verb(out, verb, json_object_get(object, keys[i]));
    }
    cb_strbuf_addc(out, ']');
    free(keys);
}

static void add_text(struct cb_strbuf *out, const struct verb *verb, const json_t *value)
{
    struct verb quoted = *verb;

    quoted.kind = 'q';
    quoted.flags[0] = '\0';
    if (verb->kind == 'v' && has(verb, '#'))
        add_value(out, &quoted, value);
    else if (strchr("vsq", verb->kind))
        add_value(out, verb, value);
    else if (strchr("xX", verb->kind))
        add_hex(out, verb, value);
    else
        add_wrong(out, verb, value);
}

static void add_whole(struct cb_strbuf *out, const struct verb *verb, json_int_t value)
{
    if (strchr("vdxXobO", verb->kind))
        add_integer(out, verb, value);
    else
        add_point(out, verb, value);
}

static void add_verb(struct cb_strbuf *out, const struct verb *verb, const json_t *value)
{
    if (verb->kind == 'T')
        add_padded(out, verb, cb_tmpl_type_name(value), strlen(cb_tmpl_type_name(value)));
    else if (json_is_array(value))
        add_list(out, verb, value);
    else if (json_is_object(value))
        add_object(out, verb, value);
    else if (json_is_string(value))
        add_text(out, verb, value);
    else if (json_is_integer(value) && strchr("vdxXobOcUq", verb->kind))
        add_whole(out, verb, json_integer_value(value));
    else if (json_is_number(value) && strchr("eEfFgG", verb->kind))
        add_real(out, verb, json_number_value(value));
    else if (json_is_real(value) && verb->kind == 'v')
        add_real(out, verb, json_real_value(value));
    else if (verb->kind == 'v' || (verb->kind == 't' && json_is_boolean(value)))
        add_value(out, verb, value);
    else
        add_wrong(out, verb, value);
}

static void add_next(struct cb_strbuf *text, const struct verb *verb, struct words *words)
{
    if (!verb->kind)
        cb_strbuf_adds(text, "%!(NOVERB)");
    else if (verb->kind == '%')
        cb_strbuf_addc(text, '%');
    else if (verb->wrong && !strcmp(verb->wrong, "BADINDEX"))
        cb_strbuf_addf(text, "%%!%c(BADINDEX)", verb->kind);
    else if (words->next >= words->count)
        cb_strbuf_addf(text, "%%!%c(MISSING)", verb->kind);
    else
        add_verb(text, verb, words->args[words->next++]);
}

void cb_tmpl_printf(struct cb_strbuf *text, const char *p, json_t *const *args,
                    size_t count)
{
    struct words words = {.args = args, .count = count};
    struct verb verb;

    while (*p) {
        const char *percent = strchrnul(p, '%');

        cb_strbuf_add(text, p, (size_t)(percent - p));
        if (!*percent)
            break;
        p = read_verb(percent + 1, &words, &verb);
        if (verb.wrong && strcmp(verb.wrong, "BADINDEX") != 0)
            cb_strbuf_addf(text, "%%!(%s)", verb.wrong);
        add_next(text, &verb, &words);
    }
    if (words.next >= count || words.is_reordered)
        return;
    cb_strbuf_adds(text, "%!(EXTRA ");
    for (size_t i = words.next; i < count; i++) {
        cb_strbuf_addf(text,
                       i > words.next ? ", %s=" : "%s=", cb_tmpl_type_name(args[i]));
        cb_tmpl_print(text, args[i]);
    }
    cb_strbuf_addc(text, ')');
}
