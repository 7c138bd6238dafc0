/* The functions of templates: Go's (text/template, "Functions") and docker's
 * (cli/templates). Arguments are checked for number before; kinds are checked here. */
#include "base/template-priv.h"

#include <ctype.h>
#include <string.h>

#define MAX_WIDTH  10000
#define MAX_JOINED (64u << 20)
#define MAX_PARTS  1000000

static int give_text(json_t **out, struct cb_strbuf *text, struct cb_error **err)
{
    *out = json_stringn_nocheck(cb_strbuf_text(text), text->len);
    return *out ? 0 : cb_error_set(err, CB_ERR_USAGE, "the text is too long");
}

static int want_text(const json_t *value, const char **text, size_t *len,
                     struct cb_error **err)
{
    *text = "";
    *len = 0;
    if (!value || !json_is_string(value))
        return cb_error_set(err, CB_ERR_USAGE,
                            "wrong type for value; expected string; got %s",
                            cb_tmpl_type_name(value));
    *text = json_string_value(value);
    *len = json_string_length(value);
    return 0;
}

static int want_count(const json_t *value, json_int_t *out, struct cb_error **err)
{
    *out = 0;
    if (!value || !json_is_integer(value))
        return cb_error_set(err, CB_ERR_USAGE,
                            "wrong type for value; expected int; got %s",
                            cb_tmpl_type_name(value));
    *out = json_integer_value(value);
    return 0;
}

/* ── Comparison ── */

static double number(const json_t *value)
{
    return json_number_value(value);
}

/* A number is equal to its own digits, as in docker's inspect. */
static int equal_text(const json_t *number, const json_t *text, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) digits = {0};
    const char *other = json_string_value(text);

    if (!*other || other[strspn(other, "+-.0123456789e")])
        return cb_error_set(err, CB_ERR_USAGE, "incompatible types for comparison");
    cb_tmpl_print(&digits, number);
    return strcmp(cb_strbuf_text(&digits), other) == 0;
}

/* 1 equal, 0 not, -1 they cannot be compared. */
static int equal(const json_t *a, const json_t *b, struct cb_error **err)
{
    int a_nil = !a || json_is_null(a), b_nil = !b || json_is_null(b);

    if (a_nil || b_nil)
        return a_nil && b_nil;
    if (json_is_object(a) || json_is_array(a) || json_is_object(b) || json_is_array(b))
        return cb_error_set(err, CB_ERR_USAGE, "non-comparable type");
    if (json_is_number(a) && json_is_number(b))
        return json_is_integer(a) && json_is_integer(b)
                   ? json_integer_value(a) == json_integer_value(b)
                   : number(a) == number(b);
    if (json_is_boolean(a) && json_is_boolean(b))
        return json_is_true(a) == json_is_true(b);
    if (json_is_number(a) && json_is_string(b))
        return equal_text(a, b, err);
    if (json_is_number(b) && json_is_string(a))
        return equal_text(b, a, err);
    if (!json_is_string(a) || !json_is_string(b))
        return cb_error_set(err, CB_ERR_USAGE, "incompatible types for comparison");
    return json_equal((json_t *)a, (json_t *)b);
}

static int call_eq(json_t *const *args, size_t count, json_t **out, struct cb_error **err)
{
    int same = 0;

    for (size_t i = 1; i < count && !same; i++) {
        same = equal(args[0], args[i], err);
        if (same < 0)
            return -1;
    }
    *out = json_boolean(same);
    return 0;
}

static int call_ne(json_t *const *args, size_t count, json_t **out, struct cb_error **err)
{
    int same = equal(args[0], args[1], err);

    *out = same < 0 ? NULL : json_boolean(!same);
    return same < 0 ? -1 : 0;
}

/* <0, 0, >0 in *ORDER. */
static int order_of(const json_t *a, const json_t *b, int *order, struct cb_error **err)
{
    if (a && b && json_is_number(a) && json_is_number(b)) {
        if (json_is_integer(a) && json_is_integer(b))
            *order = (json_integer_value(a) > json_integer_value(b)) -
                     (json_integer_value(a) < json_integer_value(b));
        else
            *order = (number(a) > number(b)) - (number(a) < number(b));
        return 0;
    }
    if (!a || !b || !json_is_string(a) || !json_is_string(b))
        return cb_error_set(err, CB_ERR_USAGE, "incompatible types for comparison");
    *order = strcmp(json_string_value(a), json_string_value(b));
    return 0;
}

#define ORDER_FUNCTION(name, test)                                          \
    static int call_##name(json_t *const *args, size_t count, json_t **out, \
                           struct cb_error **err)                           \
    {                                                                       \
        int order;                                                          \
                                                                            \
        if (order_of(args[0], args[1], &order, err) < 0)                    \
            return -1;                                                      \
        *out = json_boolean(order test 0);                                  \
        return 0;                                                           \
    }
ORDER_FUNCTION(lt, <)
ORDER_FUNCTION(le, <=)
ORDER_FUNCTION(gt, >)
ORDER_FUNCTION(ge, >=)

static int call_not(json_t *const *args, size_t count, json_t **out,
                    struct cb_error **err)
{
    *out = json_boolean(!cb_tmpl_is_true(args[0]));
    return 0;
}

/* ── Parts ── */

static int call_len(json_t *const *args, size_t count, json_t **out,
                    struct cb_error **err)
{
    const json_t *value = args[0];

    if (value && json_is_string(value))
        *out = json_integer((json_int_t)json_string_length(value));
    else if (value && json_is_array(value))
        *out = json_integer((json_int_t)json_array_size(value));
    else if (value && json_is_object(value))
        *out = json_integer((json_int_t)json_object_size(value));
    else if (!value || json_is_null(value))
        *out = json_integer(0);
    else
        return cb_error_set(err, CB_ERR_USAGE, "len of type %s",
                            cb_tmpl_type_name(value));
    return 0;
}

static int holds_texts(const json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        if (!json_is_string(value))
            return 0;
    }
    return 1;
}

/* What is missing in a map of texts is the empty text, as labels are asked for. */
static int index_once(json_t *value, const json_t *key, json_t **out,
                      struct cb_error **err)
{
    json_int_t at;
    const char *text;
    size_t len;

    *out = NULL;
    if (!value || json_is_null(value)) {
        *out = json_string("");
        return 0;
    }
    if (json_is_object(value)) {
        if (want_text(key, &text, &len, err) < 0)
            return -1;
        *out = json_incref(json_object_get(value, text));
        if (!*out && holds_texts(value))
            *out = json_string("");
        return 0;
    }
    if (!json_is_array(value) && !json_is_string(value))
        return cb_error_set(err, CB_ERR_USAGE, "can't index item of type %s",
                            cb_tmpl_type_name(value));
    if (!key || !json_is_integer(key))
        return cb_error_set(err, CB_ERR_USAGE, "cannot index slice/array with type %s",
                            cb_tmpl_type_name(key));
    at = json_integer_value(key);
    if (at < 0 || (size_t)at >= (json_is_array(value) ? json_array_size(value)
                                                      : json_string_length(value)))
        return cb_error_set(err, CB_ERR_USAGE, "index out of range: %lld", (long long)at);
    *out = json_is_array(value)
               ? json_incref(json_array_get(value, (size_t)at))
               : json_integer((unsigned char)json_string_value(value)[at]);
    return 0;
}

static int call_index(json_t *const *args, size_t count, json_t **out,
                      struct cb_error **err)
{
    cb_auto_json *value = json_incref(args[0]);

    for (size_t i = 1; i < count; i++) {
        json_t *next;

        if (index_once(value, args[i], &next, err) < 0)
            return -1;
        json_decref(value);
        value = next;
    }
    *out = cb_steal(&value);
    return 0;
}

static int call_slice(json_t *const *args, size_t count, json_t **out,
                      struct cb_error **err)
{
    const json_t *value = args[0];
    int is_text = value && json_is_string(value);
    json_int_t size = is_text ? (json_int_t)json_string_length(value)
                              : (json_int_t)json_array_size(value);
    json_int_t from = 0, to = size;

    if (!is_text && (!value || !json_is_array(value)))
        return cb_error_set(err, CB_ERR_USAGE, "can't slice item of type %s",
                            cb_tmpl_type_name(value));
    if ((count > 1 && want_count(args[1], &from, err) < 0) ||
        (count > 2 && want_count(args[2], &to, err) < 0))
        return -1;
    if (from < 0 || from > size || to < 0 || to > size)
        return cb_error_set(err, CB_ERR_USAGE, "index out of range: %lld",
                            (long long)(from < 0 || from > size ? from : to));
    if (to < from)
        return cb_error_set(err, CB_ERR_USAGE, "invalid slice index: %lld > %lld",
                            (long long)from, (long long)to);
    if (is_text) {
        *out = json_stringn_nocheck(json_string_value(value) + from, (size_t)(to - from));
        return 0;
    }
    *out = json_array();
    for (json_int_t i = from; i < to; i++)
        json_array_append(*out, json_array_get(value, (size_t)i));
    return 0;
}

/* ── Printing ── */

static int call_print(json_t *const *args, size_t count, json_t **out,
                      struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    for (size_t i = 0; i < count; i++) {
        if (i && !(args[i] && json_is_string(args[i])) &&
            !(args[i - 1] && json_is_string(args[i - 1])))
            cb_strbuf_addc(&text, ' ');
        cb_tmpl_print(&text, args[i]);
    }
    return give_text(out, &text, err);
}

static int call_println(json_t *const *args, size_t count, json_t **out,
                        struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};

    for (size_t i = 0; i < count; i++) {
        if (i)
            cb_strbuf_addc(&text, ' ');
        cb_tmpl_print(&text, args[i]);
    }
    cb_strbuf_addc(&text, '\n');
    return give_text(out, &text, err);
}

static int call_printf(json_t *const *args, size_t count, json_t **out,
                       struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *format;
    size_t len;

    if (want_text(args[0], &format, &len, err) < 0)
        return -1;
    cb_tmpl_printf(&text, format, args + 1, count - 1);
    return give_text(out, &text, err);
}

static int call_json(json_t *const *args, size_t count, json_t **out,
                     struct cb_error **err)
{
    cb_autofree char *text = args[0] ? cb_json_dump(args[0]) : xstrdup("null");

    *out = json_string_nocheck(text);
    return 0;
}

/* ── Texts ── */

static int call_join(json_t *const *args, size_t count, json_t **out,
                     struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *separator;
    size_t len;

    if (want_text(args[1], &separator, &len, err) < 0)
        return -1;
    if (args[0] && !json_is_array(args[0]) && !json_is_null(args[0]))
        return cb_error_set(err, CB_ERR_USAGE,
                            "wrong type for value; expected []string; got %s",
                            cb_tmpl_type_name(args[0]));
    for (size_t i = 0; i < json_array_size(args[0]); i++) {
        if (i)
            cb_strbuf_add(&text, separator, len);
        cb_tmpl_print(&text, json_array_get(args[0], i));
        if (text.len > MAX_JOINED)
            return cb_error_set(err, CB_ERR_USAGE, "over %u bytes of text", MAX_JOINED);
    }
    return give_text(out, &text, err);
}

static int call_split(json_t *const *args, size_t count, json_t **out,
                      struct cb_error **err)
{
    const char *text, *separator, *found;
    size_t len, separator_len;

    if (want_text(args[0], &text, &len, err) < 0 ||
        want_text(args[1], &separator, &separator_len, err) < 0)
        return -1;
    *out = json_array();
    while (separator_len ? (found = strstr(text, separator)) != NULL
                         : text[0] && text[1]) {
        size_t part = separator_len ? (size_t)(found - text) : 1;

        json_array_append_new(*out, json_stringn_nocheck(text, part));
        text += part + separator_len;
        if (json_array_size(*out) > MAX_PARTS) {
            json_decref(cb_steal(out));
            return cb_error_set(err, CB_ERR_USAGE, "over %d parts", MAX_PARTS);
        }
    }
    json_array_append_new(*out, json_string_nocheck(text));
    return 0;
}

static int map_bytes(json_t *const *args, json_t **out, int (*map)(int byte),
                     struct cb_error **err)
{
    cb_auto_value(cb_strbuf) changed = {0};
    const char *text;
    size_t len;

    if (want_text(args[0], &text, &len, err) < 0)
        return -1;
    for (size_t i = 0; i < len; i++)
        cb_strbuf_addc(&changed, (unsigned char)text[i] < 0x80
                                     ? (char)map((unsigned char)text[i])
                                     : text[i]);
    return give_text(out, &changed, err);
}

static int call_lower(json_t *const *args, size_t count, json_t **out,
                      struct cb_error **err)
{
    return map_bytes(args, out, tolower, err);
}

static int call_upper(json_t *const *args, size_t count, json_t **out,
                      struct cb_error **err)
{
    return map_bytes(args, out, toupper, err);
}

static int call_title(json_t *const *args, size_t count, json_t **out,
                      struct cb_error **err)
{
    cb_auto_value(cb_strbuf) changed = {0};
    const char *text;
    size_t len;
    int inside = 0;

    if (want_text(args[0], &text, &len, err) < 0)
        return -1;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        cb_strbuf_addc(&changed, (char)(inside || c >= 0x80 ? c : toupper(c)));
        inside = isalnum(c) || c == '_' || c == '\'' || c >= 0x80;
    }
    return give_text(out, &changed, err);
}

static int call_pad(json_t *const *args, size_t count, json_t **out,
                    struct cb_error **err)
{
    cb_auto_value(cb_strbuf) padded = {0};
    const char *text;
    size_t len;
    json_int_t before, after;

    if (want_text(args[0], &text, &len, err) < 0 ||
        want_count(args[1], &before, err) < 0 || want_count(args[2], &after, err) < 0)
        return -1;
    if (before < 0 || after < 0 || before > MAX_WIDTH || after > MAX_WIDTH)
        return cb_error_set(err, CB_ERR_USAGE, "not between 0 and %d", MAX_WIDTH);
    for (json_int_t i = 0; len && i < before; i++)
        cb_strbuf_addc(&padded, ' ');
    cb_strbuf_add(&padded, text, len);
    for (json_int_t i = 0; len && i < after; i++)
        cb_strbuf_addc(&padded, ' ');
    return give_text(out, &padded, err);
}

static int call_truncate(json_t *const *args, size_t count, json_t **out,
                         struct cb_error **err)
{
    const char *text;
    size_t len;
    json_int_t limit;

    if (want_text(args[0], &text, &len, err) < 0 || want_count(args[1], &limit, err) < 0)
        return -1;
    if (limit < 0)
        return cb_error_set(err, CB_ERR_USAGE, "a length of %lld", (long long)limit);
    if (len > (size_t)limit)
        len = (size_t)limit;
    *out = json_stringn_nocheck(text, len);
    return 0;
}

/* ── Escapes ── */

static void shown(json_t *const *args, size_t count, struct cb_strbuf *text)
{
    for (size_t i = 0; i < count; i++)
        cb_tmpl_print(text, args[i]);
}

static int call_html(json_t *const *args, size_t count, json_t **out,
                     struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_strbuf) escaped = {0};

    shown(args, count, &text);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.text[i];

        switch (c) {
        case '"':
            cb_strbuf_adds(&escaped, "&#34;");
            break;
        case '\'':
            cb_strbuf_adds(&escaped, "&#39;");
            break;
        case '&':
            cb_strbuf_adds(&escaped, "&amp;");
            break;
        case '<':
            cb_strbuf_adds(&escaped, "&lt;");
            break;
        case '>':
            cb_strbuf_adds(&escaped, "&gt;");
            break;
        default:
            cb_strbuf_addc(&escaped, c);
        }
    }
    return give_text(out, &escaped, err);
}

static int call_js(json_t *const *args, size_t count, json_t **out, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_strbuf) escaped = {0};

    shown(args, count, &text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.text[i];

        if (c == '\\' || c == '\'' || c == '"')
            cb_strbuf_addf(&escaped, "\\%c", c);
        else if (c < 0x20 || strchr("<>&=", c))
            cb_strbuf_addf(&escaped, "\\u%04X", c);
        else
            cb_strbuf_addc(&escaped, (char)c);
    }
    return give_text(out, &escaped, err);
}

static int call_urlquery(json_t *const *args, size_t count, json_t **out,
                         struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_strbuf) escaped = {0};

    shown(args, count, &text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.text[i];

        if (isalnum(c) || strchr("-_.~", c))
            cb_strbuf_addc(&escaped, (char)c);
        else if (c == ' ')
            cb_strbuf_addc(&escaped, '+');
        else
            cb_strbuf_addf(&escaped, "%%%02X", c);
    }
    return give_text(out, &escaped, err);
}

static const struct cb_tmpl_function functions[] = {
    {"and", 1, -1, NULL},           {"eq", 2, -1, call_eq},
    {"ge", 2, 2, call_ge},          {"gt", 2, 2, call_gt},
    {"html", 1, -1, call_html},     {"index", 1, -1, call_index},
    {"join", 2, 2, call_join},      {"js", 1, -1, call_js},
    {"json", 1, 1, call_json},      {"le", 2, 2, call_le},
    {"len", 1, 1, call_len},        {"lower", 1, 1, call_lower},
    {"lt", 2, 2, call_lt},          {"ne", 2, 2, call_ne},
    {"not", 1, 1, call_not},        {"or", 1, -1, NULL},
    {"pad", 3, 3, call_pad},        {"print", 0, -1, call_print},
    {"printf", 1, -1, call_printf}, {"println", 0, -1, call_println},
    {"slice", 1, 4, call_slice},    {"split", 2, 2, call_split},
    {"title", 1, 1, call_title},    {"truncate", 2, 2, call_truncate},
    {"upper", 1, 1, call_upper},    {"urlquery", 1, -1, call_urlquery},
};

const struct cb_tmpl_function *cb_tmpl_function_find(const char *name)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(functions); i++)
        if (strcmp(functions[i].name, name) == 0)
            return &functions[i];
    return NULL;
}
