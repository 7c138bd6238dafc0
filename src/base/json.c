/* jansson with stricter limits: it would take nesting of 2048, the last of two equal
 * keys, and a million empty objects, each of which costs eighty times its two bytes. A
 * member asked of something that is no object is handed on as JSON null, which no reader
 * takes for a value, so that the reader reports it with the path of the would-be object.
 */
#include "base/json.h"

#include "base/strbuf.h"

#include <stdio.h>
#include <string.h>

#define MAX_DEPTH  64
#define MAX_VALUES 200000

struct shape {
    size_t deepest;
    size_t values; /* at least as many as there are */
};

/* Brackets and commas outside strings; jansson checks the rest. */
static struct shape shape_of(const char *bytes, size_t len)
{
    struct shape shape = {0};
    size_t depth = 0;
    int in_string = 0;

    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = 0;
        } else if (c == '"') {
            in_string = 1;
        } else if (c == ',') {
            shape.values++;
        } else if (c == '[' || c == '{') {
            shape.values++;
            if (++depth > shape.deepest)
                shape.deepest = depth;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return shape;
}

static int parse(json_t **out, const char *what, const char *bytes, size_t len,
                 size_t max_bytes, size_t flags, struct cb_error **err)
{
    struct shape shape;
    json_error_t error;
    json_t *value;

    if (len > max_bytes)
        return cb_error_set(err, CB_ERR_INTEGRITY, "%s: larger than %zu bytes", what,
                            max_bytes);
    shape = shape_of(bytes, len);
    if (shape.deepest > MAX_DEPTH)
        return cb_error_set(err, CB_ERR_INTEGRITY, "%s: nested more than %d levels deep",
                            what, MAX_DEPTH);
    if (shape.values > MAX_VALUES)
        return cb_error_set(err, CB_ERR_INTEGRITY, "%s: more than %d values", what,
                            MAX_VALUES);
    value = json_loadb(bytes, len, flags, &error);
    if (!value)
        return cb_error_set(err, CB_ERR_INTEGRITY, "%s: line %d, column %d: %s", what,
                            error.line, error.column, error.text);
    *out = value;
    return 0;
}

int cb_json_parse(json_t **out, const char *what, const char *bytes, size_t len,
                  size_t max_bytes, struct cb_error **err)
{
    return parse(out, what, bytes, len, max_bytes, JSON_REJECT_DUPLICATES, err);
}

int cb_json_parse_with_nul(json_t **out, const char *what, const char *bytes, size_t len,
                           size_t max_bytes, struct cb_error **err)
{
    return parse(out, what, bytes, len, max_bytes,
                 JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, err);
}

struct cb_json cb_json_root(json_t *value, const char *what)
{
    return (struct cb_json){.value = value, .what = what};
}

CB_PRINTF(2, 3) static void set_path(struct cb_json *json, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (vsnprintf(json->path, sizeof(json->path), format, args) >=
        (int)sizeof(json->path))
        memcpy(json->path + sizeof(json->path) - 4, "...", 4);
    va_end(args);
}

struct cb_json cb_json_member(const struct cb_json *object, const char *key)
{
    struct cb_json member = {.what = object->what};

    if (object->value && !json_is_object(object->value)) {
        member = *object;
        member.value = json_null();
        return member;
    }
    set_path(&member, "%s%s%s", object->path, object->path[0] ? "." : "", key);
    member.value = object->value ? json_object_get(object->value, key) : NULL;
    if (json_is_null(member.value))
        member.value = NULL;
    return member;
}

struct cb_json cb_json_item(const struct cb_json *array, size_t index)
{
    struct cb_json item = {.what = array->what};

    set_path(&item, "%s[%zu]", array->path, index);
    item.value = array->value ? json_array_get(array->value, index) : NULL;
    if (json_is_null(item.value))
        item.value = NULL;
    return item;
}

int cb_json_is_absent(const struct cb_json *json)
{
    return !json->value || json_is_null(json->value);
}

/* Between the document's name and the path in it. */
static const char *separator(const struct cb_json *json)
{
    return json->path[0] && json->path[0] != '[' ? "." : "";
}

int cb_json_wrap(const struct cb_json *json, struct cb_error **err)
{
    return cb_error_wrap(err, "%s%s%s", json->what, separator(json), json->path);
}

int cb_json_fail(const struct cb_json *json, struct cb_error **err, const char *format,
                 ...)
{
    cb_autofree char *problem = NULL;
    va_list args;

    va_start(args, format);
    problem = xvasprintf(format, args);
    va_end(args);
    return cb_error_set(err, CB_ERR_INTEGRITY, "%s%s%s: %s", json->what, separator(json),
                        json->path, problem);
}

static int fail(const struct cb_json *json, const char *problem, struct cb_error **err)
{
    return cb_json_fail(json, err, "%s",
                        json_is_null(json->value) ? "expected an object" : problem);
}

/* 1: there is a value to read, 0: absent, -1: asked of something that has no members. */
static int has_value(const struct cb_json *json, struct cb_error **err)
{
    if (!json->value)
        return 0;
    return json_is_null(json->value) ? fail(json, "", err) : 1;
}

int cb_json_expect_object(const struct cb_json *json, struct cb_error **err)
{
    if (json->value && !json_is_object(json->value))
        return fail(json, "expected an object", err);
    return 0;
}

int cb_json_string(const struct cb_json *json, const char **out, struct cb_error **err)
{
    int there = has_value(json, err);

    if (there < 0)
        return -1;
    if (there && !json_is_string(json->value))
        return fail(json, "expected a string", err);
    *out = there ? json_string_value(json->value) : NULL;
    return 0;
}

int cb_json_required_string(const struct cb_json *json, const char **out,
                            struct cb_error **err)
{
    if (!json->value)
        return fail(json, "missing", err);
    return cb_json_string(json, out, err);
}

int cb_json_int64(const struct cb_json *json, int64_t *out, struct cb_error **err)
{
    int there = has_value(json, err);

    if (there < 0)
        return -1;
    if (there && !json_is_integer(json->value))
        return fail(json, "expected an integer", err);
    *out = there ? json_integer_value(json->value) : 0;
    return 0;
}

int cb_json_required_int64(const struct cb_json *json, int64_t *out,
                           struct cb_error **err)
{
    if (!json->value)
        return fail(json, "missing", err);
    return cb_json_int64(json, out, err);
}

int cb_json_bool(const struct cb_json *json, int *out, struct cb_error **err)
{
    int there = has_value(json, err);

    if (there < 0)
        return -1;
    if (there && !json_is_boolean(json->value))
        return fail(json, "expected true or false", err);
    *out = there ? json_is_true(json->value) : 0;
    return 0;
}

int cb_json_count(const struct cb_json *array, size_t max, size_t *out,
                  struct cb_error **err)
{
    int there = has_value(array, err);
    cb_autofree char *problem = NULL;

    if (there < 0)
        return -1;
    if (there && !json_is_array(array->value))
        return fail(array, "expected an array", err);
    if (there && json_array_size(array->value) > max) {
        problem = xasprintf("%zu entries, more than the %zu allowed",
                            json_array_size(array->value), max);
        return fail(array, problem, err);
    }
    *out = there ? json_array_size(array->value) : 0;
    return 0;
}

int cb_json_strings(const struct cb_json *array, size_t max, struct cb_strings *out,
                    struct cb_error **err)
{
    cb_auto_value(cb_strings) found = {0};
    size_t count;

    if (cb_json_count(array, max, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct cb_json item = cb_json_item(array, i);
        const char *text;

        if (cb_json_required_string(&item, &text, err) < 0)
            return -1;
        cb_strings_add(&found, text);
    }
    cb_strings_copy(out, &found);
    return 0;
}

int cb_json_required_unsigned(const struct cb_json *json, int64_t *out,
                              struct cb_error **err)
{
    int64_t size;

    if (cb_json_required_int64(json, &size, err) < 0)
        return -1;
    if (size < 0)
        return fail(json, "must not be negative", err);
    *out = size;
    return 0;
}

int cb_json_required_digest(const struct cb_json *json, struct cb_digest *out,
                            struct cb_error **err)
{
    const char *text;

    if (cb_json_required_string(json, &text, err) < 0)
        return -1;
    return cb_digest_parse(out, text, err) < 0 ? cb_json_wrap(json, err) : 0;
}

int cb_json_text(const struct cb_json *object, const char *key, char **out,
                 struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, key);
    const char *text;

    if (cb_json_string(&member, &text, err) < 0)
        return -1;
    *out = xstrdup(text);
    return 0;
}

int cb_json_required_text(const struct cb_json *object, const char *key, char **out,
                          struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, key);
    const char *text;

    if (cb_json_required_string(&member, &text, err) < 0)
        return -1;
    *out = xstrdup(text);
    return 0;
}

static void dump_value(struct cb_strbuf *out, const json_t *json);

static void dump_object(struct cb_strbuf *out, json_t *object)
{
    const char *key, *separator = "";
    json_t *value;

    cb_strbuf_addc(out, '{');
    json_object_foreach(object, key, value)
    {
        cb_strbuf_adds(out, separator);
        cb_strbuf_add_json(out, key);
        cb_strbuf_addc(out, ':');
        dump_value(out, value);
        separator = ",";
    }
    cb_strbuf_addc(out, '}');
}

static void dump_array(struct cb_strbuf *out, const json_t *array)
{
    cb_strbuf_addc(out, '[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0)
            cb_strbuf_addc(out, ',');
        dump_value(out, json_array_get(array, i));
    }
    cb_strbuf_addc(out, ']');
}

static void dump_scalar(struct cb_strbuf *out, const json_t *json)
{
    cb_autofree char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);

    cb_strbuf_adds(out, text ? text : "null");
}

static void dump_value(struct cb_strbuf *out, const json_t *json)
{
    if (json_is_object(json))
        dump_object(out, (json_t *)json);
    else if (json_is_array(json))
        dump_array(out, json);
    else if (json_is_string(json))
        cb_strbuf_add_json(out, json_string_value(json));
    else if (json)
        dump_scalar(out, json);
    else
        cb_strbuf_adds(out, "null");
}

char *cb_json_dump(const json_t *json)
{
    cb_auto_value(cb_strbuf) out = {0};

    dump_value(&out, json);
    return cb_strbuf_steal(&out);
}

json_t *cb_json_from_text(const char *text)
{
    json_t *value = text ? json_string(text) : json_null();
    cb_auto_value(cb_strbuf) escaped = {0};

    if (value)
        return value;
    cb_strbuf_add_escaped(&escaped, text, strlen(text), 1);
    return json_string(cb_strbuf_text(&escaped));
}
