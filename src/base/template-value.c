/* What values are worth and how they look: Go's notions of truth, of a struct and of %v,
 * for JSON. */
#include "base/template-priv.h"

#include "base/timestamp.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cb_tmpl_is_true(const json_t *value)
{
    if (!value)
        return 0;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return json_object_size(value) > 0;
    case JSON_ARRAY:
        return json_array_size(value) > 0;
    case JSON_STRING:
        return json_string_length(value) > 0;
    case JSON_INTEGER:
        return json_integer_value(value) != 0;
    case JSON_REAL:
        return json_real_value(value) != 0;
    case JSON_TRUE:
        return 1;
    case JSON_FALSE:
    case JSON_NULL:
        return 0;
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **cb_tmpl_sorted_keys(const json_t *object, size_t *count)
{
    const char **keys = xcalloc(json_object_size(object) + 1, sizeof(*keys));
    const char *key;
    json_t *value;

    *count = 0;
    json_object_foreach((json_t *)object, key, value)
    {
        keys[(*count)++] = key;
    }
    qsort(keys, *count, sizeof(*keys), compare);
    return keys;
}

int cb_tmpl_is_struct(const json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        int lower = 0;

        if (!isupper((unsigned char)key[0]))
            return 0;
        for (const char *p = key; *p; p++) {
            if (!isalnum((unsigned char)*p))
                return 0;
            lower |= islower((unsigned char)*p);
        }
        /* FOO is a variable's name rather than a field's; ID and IP are fields'. */
        if (!lower && strlen(key) > 3)
            return 0;
    }
    return json_object_size(object) > 0;
}

void cb_tmpl_real(char text[64], double number)
{
    int precision = 0, exponent;

    do
        snprintf(text, 64, "%.*e", precision, number);
    while (strtod(text, NULL) != number && ++precision < 17);
    exponent = strchr(text, 'e') ? atoi(strchr(text, 'e') + 1) : 0;
    if (strchr(text, 'e') && exponent >= -4 && exponent < 6)
        snprintf(text, 64, "%.*f", precision > exponent ? precision - exponent : 0,
                 number);
}

static void print_array(struct cb_strbuf *out, const json_t *value,
                        const struct cb_template_field *fields)
{
    cb_strbuf_addc(out, '[');
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (i)
            cb_strbuf_addc(out, ' ');
        cb_tmpl_print_typed(out, json_array_get(value, i), fields);
    }
    cb_strbuf_addc(out, ']');
}

static int is_of(const struct cb_template_field *field, const json_t *object)
{
    return field->beside && json_object_get(object, field->beside);
}

static const char *zero_text(enum cb_template_zero zero)
{
    switch (zero) {
    case CB_TEMPLATE_NIL:
        return "<nil>";
    case CB_TEMPLATE_MAP:
        return "map[]";
    case CB_TEMPLATE_LIST:
        return "[]";
    case CB_TEMPLATE_NUMBER:
        return "0";
    case CB_TEMPLATE_FLAG:
        return "false";
    case CB_TEMPLATE_DURATION:
        return "0s";
    case CB_TEMPLATE_TEXT:
        break;
    }
    return "";
}

/* The fields of OBJECT that are empty and belong behind KEY, and behind these. */
static void print_left_out(struct cb_strbuf *out, const json_t *object, const char *key,
                           const struct cb_template_field *fields)
{
    for (const struct cb_template_field *field = fields; field && field->name; field++) {
        if (!field->after || strcmp(field->after, key) != 0 || !is_of(field, object) ||
            json_object_get(object, field->name))
            continue;
        cb_strbuf_addf(out, " %s", zero_text(field->zero));
        print_left_out(out, object, field->name, fields);
    }
}

static void print_field(struct cb_strbuf *out, const json_t *object, const char *key,
                        const json_t *item, const struct cb_template_field *fields)
{
    for (const struct cb_template_field *field = fields; field && field->name; field++) {
        if (field->zero == CB_TEMPLATE_DURATION && json_is_integer(item) &&
            strcmp(field->name, key) == 0 && is_of(field, object)) {
            cb_autofree char *text = cb_duration_text(json_integer_value(item));

            cb_strbuf_adds(out, text);
            return;
        }
    }
    cb_tmpl_print_typed(out, item, fields);
}

static void print_struct(struct cb_strbuf *out, const json_t *value,
                         const struct cb_template_field *fields)
{
    const char *key;
    json_t *item;
    int first = 1;

    cb_strbuf_addc(out, '{');
    json_object_foreach((json_t *)value, key, item)
    {
        if (!first)
            cb_strbuf_addc(out, ' ');
        first = 0;
        print_field(out, value, key, item, fields);
        print_left_out(out, value, key, fields);
    }
    cb_strbuf_addc(out, '}');
}

/* An empty object in a map is the value of a set, as of ports. */
static void print_map(struct cb_strbuf *out, const json_t *value,
                      const struct cb_template_field *fields)
{
    size_t count;
    const char **keys = cb_tmpl_sorted_keys(value, &count);

    cb_strbuf_adds(out, "map[");
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_object_get(value, keys[i]);

        cb_strbuf_addf(out, i ? " %s:" : "%s:", keys[i]);
        if (json_is_object(item) && !json_object_size(item))
            cb_strbuf_adds(out, "{}");
        else
            cb_tmpl_print_typed(out, item, fields);
    }
    cb_strbuf_addc(out, ']');
    free(keys);
}

void cb_tmpl_print(struct cb_strbuf *out, const json_t *value)
{
    cb_tmpl_print_typed(out, value, NULL);
}

void cb_tmpl_print_typed(struct cb_strbuf *out, const json_t *value,
                         const struct cb_template_field *fields)
{
    char real[64];

    if (!value) {
        cb_strbuf_adds(out, "<no value>");
        return;
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        if (cb_tmpl_is_struct(value))
            print_struct(out, value, fields);
        else
            print_map(out, value, fields);
        return;
    case JSON_ARRAY:
        print_array(out, value, fields);
        return;
    case JSON_STRING:
        cb_strbuf_add(out, json_string_value(value), json_string_length(value));
        return;
    case JSON_INTEGER:
        cb_strbuf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return;
    case JSON_REAL:
        cb_tmpl_real(real, json_real_value(value));
        cb_strbuf_adds(out, real);
        return;
    case JSON_TRUE:
        cb_strbuf_adds(out, "true");
        return;
    case JSON_FALSE:
        cb_strbuf_adds(out, "false");
        return;
    case JSON_NULL:
        cb_strbuf_adds(out, "<nil>");
        return;
    }
}
