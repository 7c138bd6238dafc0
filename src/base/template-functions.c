/* The functions of templates: Go's (text/template, "Functions") and docker's
 * (cli/templates). Arguments are checked for number before; kinds are checked here. */
#include "base/template-functions-priv.h"

#include <string.h>

int cb_tmpl_give_text(json_t **out, struct cb_strbuf *text, struct cb_error **err)
{
    *out = json_stringn_nocheck(cb_strbuf_text(text), text->len);
    return *out ? 0 : cb_error_set(err, CB_ERR_USAGE, "the text is too long");
}

int cb_tmpl_want_text(const json_t *value, const char **text, size_t *len,
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

int cb_tmpl_want_count(const json_t *value, json_int_t *out, struct cb_error **err)
{
    *out = 0;
    if (!value || !json_is_integer(value))
        return cb_error_set(err, CB_ERR_USAGE,
                            "wrong type for value; expected int; got %s",
                            cb_tmpl_type_name(value));
    *out = json_integer_value(value);
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

    *out = NULL;
    if (!value || json_is_null(value)) {
        *out = json_string("");
        return 0;
    }
    if (json_is_object(value)) {
        if (!json_is_string(key))
            return cb_error_set(err, CB_ERR_USAGE, "value has type %s; should be string",
                                cb_tmpl_type_name(key));
        text = json_string_value(key);
        *out = json_incref(json_object_get(value, text));
        if (!*out && holds_texts(value))
            *out = json_string("");
        return 0;
    }
    if (!json_is_array(value) && !json_is_string(value))
        return cb_error_set(err, CB_ERR_USAGE, "can't index item of type %s",
                            cb_tmpl_type_name(value));
    if (!key || !json_is_integer(key))
        return cb_error_set(err, CB_ERR_USAGE, "cannot index slice/array with %s%s",
                            json_is_null(key) ? "" : "type ",
                            json_is_null(key) ? "nil" : cb_tmpl_type_name(key));
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

    if (!value || json_is_null(value))
        return cb_error_set(err, CB_ERR_USAGE, "slice of untyped nil");
    if (!is_text && !json_is_array(value))
        return cb_error_set(err, CB_ERR_USAGE, "can't slice item of type %s",
                            cb_tmpl_type_name(value));
    if ((count > 1 && cb_tmpl_want_count(args[1], &from, err) < 0) ||
        (count > 2 && cb_tmpl_want_count(args[2], &to, err) < 0))
        return -1;
    if (is_text && count > 3)
        return cb_error_set(err, CB_ERR_USAGE, "cannot 3-index slice a string");
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
    return cb_tmpl_give_text(out, &text, err);
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
    return cb_tmpl_give_text(out, &text, err);
}

static int call_printf(json_t *const *args, size_t count, json_t **out,
                       struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *format;
    size_t len;

    if (cb_tmpl_want_text(args[0], &format, &len, err) < 0)
        return -1;
    cb_tmpl_printf(&text, format, args + 1, count - 1);
    return cb_tmpl_give_text(out, &text, err);
}

/* JSON has no functions that it could call. */
static int call_call(json_t *const *args, size_t count, json_t **out,
                     struct cb_error **err)
{
    if (!args[0] || json_is_null(args[0]))
        return cb_error_set(err, CB_ERR_USAGE, "call of nil");
    return cb_error_set(err, CB_ERR_USAGE, "non-function of type %s",
                        cb_tmpl_type_name(args[0]));
}

static int call_json(json_t *const *args, size_t count, json_t **out,
                     struct cb_error **err)
{
    cb_autofree char *text = args[0] ? cb_json_dump(args[0]) : xstrdup("null");

    *out = json_string_nocheck(text);
    return 0;
}

static const struct cb_tmpl_function functions[] = {
    {"and", 1, -1, NULL},
    {"call", 1, -1, call_call},
    {"eq", 2, -1, cb_tmpl_call_eq},
    {"ge", 2, 2, cb_tmpl_call_ge},
    {"gt", 2, 2, cb_tmpl_call_gt},
    {"html", 0, -1, cb_tmpl_call_html},
    {"index", 1, -1, call_index},
    {"join", 2, 2, cb_tmpl_call_join},
    {"js", 0, -1, cb_tmpl_call_js},
    {"json", 1, 1, call_json},
    {"le", 2, 2, cb_tmpl_call_le},
    {"len", 1, 1, call_len},
    {"lower", 1, 1, cb_tmpl_call_lower},
    {"lt", 2, 2, cb_tmpl_call_lt},
    {"ne", 2, 2, cb_tmpl_call_ne},
    {"not", 1, 1, cb_tmpl_call_not},
    {"or", 1, -1, NULL},
    {"pad", 3, 3, cb_tmpl_call_pad},
    {"print", 0, -1, call_print},
    {"printf", 1, -1, call_printf},
    {"println", 0, -1, call_println},
    {"slice", 1, 4, call_slice},
    {"split", 2, 2, cb_tmpl_call_split},
    {"title", 1, 1, cb_tmpl_call_title},
    {"truncate", 2, 2, cb_tmpl_call_truncate},
    {"upper", 1, 1, cb_tmpl_call_upper},
    {"urlquery", 0, -1, cb_tmpl_call_urlquery},
};

const struct cb_tmpl_function *cb_tmpl_function_find(const char *name)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(functions); i++)
        if (strcmp(functions[i].name, name) == 0)
            return &functions[i];
    return NULL;
}
