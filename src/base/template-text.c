/* Texts in templates, docker's: join, split, lower, upper, title, pad, truncate. */
#include "base/template-functions-priv.h"

#include "base/utf8.h"

#include <ctype.h>
#include <locale.h>
#include <string.h>
#include <wctype.h>

#define MAX_WIDTH  10000
#define MAX_JOINED (64u << 20)
#define MAX_PARTS  1000000

int cb_tmpl_call_join(json_t *const *args, size_t count, json_t **out,
                      struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *separator;
    size_t len;

    if (cb_tmpl_want_text(args[1], &separator, &len, err) < 0)
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
    return cb_tmpl_give_text(out, &text, err);
}

int cb_tmpl_call_split(json_t *const *args, size_t count, json_t **out,
                       struct cb_error **err)
{
    const char *text, *separator, *found;
    size_t len, separator_len;

    if (cb_tmpl_want_text(args[0], &text, &len, err) < 0 ||
        cb_tmpl_want_text(args[1], &separator, &separator_len, err) < 0)
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

/* TEXT's characters, each as MAP has it for one in C.UTF-8; the others as they are. */
static void map_points(struct cb_strbuf *out, const char *text, size_t len,
                       wint_t (*map)(wint_t point, locale_t locale))
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);

    for (size_t i = 0; i < len;) {
        unsigned point;
        size_t size = cb_utf8_decode(text + i, len - i, &point);
        char changed[5];

        if (size && (locale || point < 0x80))
            cb_strbuf_add(out, changed,
                          cb_utf8_encode(locale ? map(point, locale) : point, changed));
        else
            cb_strbuf_add(out, text + i, size ? size : 1);
        i += size ? size : 1;
    }
    if (locale)
        freelocale(locale);
}

static int map_text(json_t *const *args, json_t **out,
                    wint_t (*map)(wint_t point, locale_t locale), struct cb_error **err)
{
    cb_auto_value(cb_strbuf) changed = {0};
    const char *text;
    size_t len;

    if (cb_tmpl_want_text(args[0], &text, &len, err) < 0)
        return -1;
    map_points(&changed, text, len, map);
    return cb_tmpl_give_text(out, &changed, err);
}

int cb_tmpl_call_lower(json_t *const *args, size_t count, json_t **out,
                       struct cb_error **err)
{
    return map_text(args, out, towlower_l, err);
}

int cb_tmpl_call_upper(json_t *const *args, size_t count, json_t **out,
                       struct cb_error **err)
{
    return map_text(args, out, towupper_l, err);
}

/* Words begin behind what is neither letter, digit nor underscore. */
int cb_tmpl_call_title(json_t *const *args, size_t count, json_t **out,
                       struct cb_error **err)
{
    cb_auto_value(cb_strbuf) changed = {0};
    const char *text;
    size_t len, size;
    int inside = 0;

    if (cb_tmpl_want_text(args[0], &text, &len, err) < 0)
        return -1;
    for (size_t i = 0; i < len; i += size) {
        unsigned char c = (unsigned char)text[i];
        unsigned point;

        size = cb_utf8_decode(text + i, len - i, &point);
        if (!size)
            size = 1;
        if (inside)
            cb_strbuf_add(&changed, text + i, size);
        else
            map_points(&changed, text + i, size, towupper_l);
        inside = c < 0x80 ? isalnum(c) || c == '_' : !cb_utf8_space(text + i, len - i);
    }
    return cb_tmpl_give_text(out, &changed, err);
}

int cb_tmpl_call_pad(json_t *const *args, size_t count, json_t **out,
                     struct cb_error **err)
{
    cb_auto_value(cb_strbuf) padded = {0};
    const char *text;
    size_t len;
    json_int_t before, after;

    if (cb_tmpl_want_text(args[0], &text, &len, err) < 0 ||
        cb_tmpl_want_count(args[1], &before, err) < 0 ||
        cb_tmpl_want_count(args[2], &after, err) < 0)
        return -1;
    if (before < 0 || after < 0 || before > MAX_WIDTH || after > MAX_WIDTH)
        return cb_error_set(err, CB_ERR_USAGE, "not between 0 and %d", MAX_WIDTH);
    for (json_int_t i = 0; len && i < before; i++)
        cb_strbuf_addc(&padded, ' ');
    cb_strbuf_add(&padded, text, len);
    for (json_int_t i = 0; len && i < after; i++)
        cb_strbuf_addc(&padded, ' ');
    return cb_tmpl_give_text(out, &padded, err);
}

int cb_tmpl_call_truncate(json_t *const *args, size_t count, json_t **out,
                          struct cb_error **err)
{
    const char *text;
    size_t len;
    json_int_t limit;

    if (cb_tmpl_want_text(args[0], &text, &len, err) < 0 ||
        cb_tmpl_want_count(args[1], &limit, err) < 0)
        return -1;
    if (limit < 0)
        return cb_error_set(err, CB_ERR_USAGE, "a length of %lld", (long long)limit);
    if (len > (size_t)limit)
        len = (size_t)limit;
    *out = json_stringn_nocheck(text, len);
    return 0;
}
