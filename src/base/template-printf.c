/* Go's fmt.Sprintf for the values of templates. */
#include "base/template-priv.h"

#include "base/utf8.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MAX_WIDTH 10000

struct verb {
    char flags[8];
    int width, precision; /* -1: none */
    char kind;
};

/* The verb behind the '%' at P; where it ends. */
static const char *read_verb(const char *p, struct verb *verb)
{
    size_t flags = 0;

    *verb = (struct verb){.width = 0, .precision = -1};
    while (*p && strchr("+-# 0", *p)) {
        if (flags < sizeof(verb->flags) - 1 && !strchr(verb->flags, *p))
            verb->flags[flags++] = *p;
        p++;
    }
    for (; isdigit((unsigned char)*p); p++)
        verb->width = verb->width > MAX_WIDTH ? MAX_WIDTH : verb->width * 10 + *p - '0';
    if (*p == '.') {
        verb->precision = 0;
        for (p++; isdigit((unsigned char)*p); p++)
            verb->precision =
                verb->precision > MAX_WIDTH ? MAX_WIDTH : verb->precision * 10 + *p - '0';
    }
    if (verb->width > MAX_WIDTH)
        verb->width = MAX_WIDTH;
    verb->kind = *p;
    return *p ? p + 1 : p;
}

static size_t count_points(const char *text, size_t len)
{
    size_t points = 0;

    for (size_t i = 0; i < len; i++)
        points += ((unsigned char)text[i] & 0xc0) != 0x80;
    return points;
}

/* TEXT in the verb's width, counted in characters. */
static void add_padded(struct cb_strbuf *out, const struct verb *verb, const char *text,
                       size_t len)
{
    size_t points = count_points(text, len);
    size_t pad = (size_t)verb->width > points ? (size_t)verb->width - points : 0;
    int left = strchr(verb->flags, '-') != NULL;

    for (size_t i = 0; !left && i < pad; i++)
        cb_strbuf_addc(out, ' ');
    cb_strbuf_add(out, text, len);
    for (size_t i = 0; left && i < pad; i++)
        cb_strbuf_addc(out, ' ');
}

/* The width that zeros fill. */
static int zero_width(const struct verb *verb)
{
    if (!strchr(verb->flags, '0') || strchr(verb->flags, '-'))
        return 0;
    return verb->width > 100 ? 100 : verb->width;
}

/* In base 16 or 8. */
static void digits(char text[128], const struct verb *verb, json_int_t value, int zeros)
{
    unsigned long long size =
        value < 0 ? -(unsigned long long)value : (unsigned long long)value;
    const char *sign = value < 0 ? "-" : "";
    int alternate = strchr(verb->flags, '#') != NULL;

    if (verb->kind == 'o')
        snprintf(text, 128, "%s%s%0*llo", sign, alternate ? "0" : "", zeros, size);
    else if (verb->kind == 'x')
        snprintf(text, 128, "%s%s%0*llx", sign, alternate ? "0x" : "", zeros, size);
    else
        snprintf(text, 128, "%s%s%0*llX", sign, alternate ? "0X" : "", zeros, size);
}

static void add_integer(struct cb_strbuf *out, const struct verb *verb, json_int_t value)
{
    char text[128];
    int zeros = zero_width(verb);

    if (verb->kind != 'd')
        digits(text, verb, value, zeros);
    else if (strchr(verb->flags, '+'))
        snprintf(text, sizeof(text), "%+0*lld", zeros, (long long)value);
    else if (strchr(verb->flags, ' '))
        snprintf(text, sizeof(text), "% 0*lld", zeros, (long long)value);
    else
        snprintf(text, sizeof(text), "%0*lld", zeros, (long long)value);
    add_padded(out, verb, text, strlen(text));
}

static void add_real(struct cb_strbuf *out, const struct verb *verb, double value)
{
    char text[512];
    int precision = verb->precision < 0 ? 6 : verb->precision;
    int zeros = zero_width(verb);

    if (precision > 100)
        precision = 100;
    if (verb->kind == 'e')
        snprintf(text, sizeof(text), "%0*.*e", zeros, precision, value);
    else if (verb->kind == 'g')
        snprintf(text, sizeof(text), "%0*.*g", zeros,
                 verb->precision < 0 ? 17 : precision, value);
    else
        snprintf(text, sizeof(text), "%0*.*f", zeros, precision, value);
    add_padded(out, verb, text, strlen(text));
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
    cb_strbuf_add_json(&quoted, cb_strbuf_text(&text));
    add_padded(out, verb, cb_strbuf_text(&quoted), quoted.len);
}

static void add_hex(struct cb_strbuf *out, const struct verb *verb, const json_t *value)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *bytes = json_string_value(value);

    for (size_t i = 0; i < json_string_length(value); i++)
        cb_strbuf_addf(&text, verb->kind == 'x' ? "%02x" : "%02X",
                       (unsigned char)bytes[i]);
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

/* The character of a number, %c, and its name, %U. */
static void add_point(struct cb_strbuf *out, const struct verb *verb, json_int_t value)
{
    char text[32];
    size_t len = value < 0 || value > 0x10ffff ? cb_utf8_encode(0xfffd, text)
                                               : cb_utf8_encode((unsigned)value, text);

    if (verb->kind == 'U')
        len = (size_t)snprintf(text, sizeof(text), "U+%04llX", (unsigned long long)value);
    add_padded(out, verb, text, len);
}

static void add_verb(struct cb_strbuf *out, const struct verb *verb, const json_t *value)
{
    int is_integer = value && json_is_integer(value);
    int is_text = value && json_is_string(value);

    if (verb->kind == 'v' && is_text && strchr(verb->flags, '#')) {
        struct verb quoted = {.width = verb->width, .precision = -1, .kind = 'q'};

        add_value(out, &quoted, value);
    } else if (verb->kind == 'v' || (verb->kind == 's' && !is_integer) ||
               (verb->kind == 'q' && is_text) ||
               (verb->kind == 't' && value && json_is_boolean(value))) {
        add_value(out, verb, value);
    } else if (is_integer && strchr("dxXo", verb->kind)) {
        add_integer(out, verb, json_integer_value(value));
    } else if (is_integer && strchr("cU", verb->kind)) {
        add_point(out, verb, json_integer_value(value));
    } else if (is_text && (verb->kind == 'x' || verb->kind == 'X')) {
        add_hex(out, verb, value);
    } else if (value && json_is_number(value) && strchr("feg", verb->kind)) {
        add_real(out, verb, json_number_value(value));
    } else if (verb->kind == 'T') {
        add_padded(out, verb, cb_tmpl_type_name(value), strlen(cb_tmpl_type_name(value)));
    } else {
        cb_strbuf_addf(out, "%%!%c(%s=", verb->kind, cb_tmpl_type_name(value));
        cb_tmpl_print(out, value);
        cb_strbuf_addc(out, ')');
    }
}

void cb_tmpl_printf(struct cb_strbuf *text, const char *p, json_t *const *args,
                    size_t count)
{
    size_t next = 0;
    struct verb verb;

    while (*p) {
        const char *percent = strchr(p, '%');

        if (!percent)
            percent = p + strlen(p);
        cb_strbuf_add(text, p, (size_t)(percent - p));
        if (!*percent)
            break;
        p = read_verb(percent + 1, &verb);
        if (!verb.kind)
            cb_strbuf_adds(text, "%!(NOVERB)");
        else if (verb.kind == '%')
            cb_strbuf_addc(text, '%');
        else if (next >= count)
            cb_strbuf_addf(text, "%%!%c(MISSING)", verb.kind);
        else
            add_verb(text, &verb, args[next++]);
    }
    if (next < count) {
        cb_strbuf_adds(text, "%!(EXTRA ");
        for (size_t i = next; i < count; i++) {
            cb_strbuf_addf(text, i > next ? ", %s=" : "%s=", cb_tmpl_type_name(args[i]));
            cb_tmpl_print(text, args[i]);
        }
        cb_strbuf_addc(text, ')');
    }
}
