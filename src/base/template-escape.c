/* Escapes in templates: html, js, urlquery. */
#include "base/template-functions-priv.h"

#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

/* Gives what is shown of ARGS, each character as ADD writes it; bytes that are none are
 * U+FFFD. */
static int escape(json_t *const *args, size_t count, json_t **out, struct cb_error **err,
                  void (*add)(struct cb_strbuf *escaped, unsigned point))
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_strbuf) escaped = {0};
    size_t size;

    for (size_t i = 0; i < count; i++)
        cb_tmpl_print(&text, args[i]);
    for (size_t i = 0; i < text.len; i += size ? size : 1) {
        unsigned point = 0xfffd;

        size = cb_utf8_decode(text.text + i, text.len - i, &point);
        add(&escaped, point);
    }
    return cb_tmpl_give_text(out, &escaped, err);
}

static void add_point(struct cb_strbuf *out, unsigned point)
{
    char bytes[5];

    cb_strbuf_add(out, bytes, cb_utf8_encode(point, bytes));
}

static void add_html(struct cb_strbuf *escaped, unsigned point)
{
    switch (point) {
    case 0:
        add_point(escaped, 0xfffd);
        break;
    case '"':
        cb_strbuf_adds(escaped, "&#34;");
        break;
    case '\'':
        cb_strbuf_adds(escaped, "&#39;");
        break;
    case '&':
        cb_strbuf_adds(escaped, "&amp;");
        break;
    case '<':
        cb_strbuf_adds(escaped, "&lt;");
        break;
    case '>':
        cb_strbuf_adds(escaped, "&gt;");
        break;
    default:
        add_point(escaped, point);
    }
}

int cb_tmpl_call_html(json_t *const *args, size_t count, json_t **out,
                      struct cb_error **err)
{
    return escape(args, count, out, err, add_html);
}

/* Of what is not ASCII, spaces and what has no shape are escaped. */
static void add_js(struct cb_strbuf *escaped, unsigned point)
{
    char bytes[5];
    size_t size = cb_utf8_encode(point, bytes);

    if (point && point < 0x80 && strchr("\\'\"", (int)point))
        cb_strbuf_addf(escaped, "\\%c", (char)point);
    else if (point < 0x20 || point == 0x7f ||
             (point < 0x80 && strchr("<>&=", (int)point)) ||
             (point >= 0x80 && (point < 0xa0 || cb_utf8_space(bytes, size))))
        cb_strbuf_addf(escaped, "\\u%04X", point);
    else
        add_point(escaped, point);
}

int cb_tmpl_call_js(json_t *const *args, size_t count, json_t **out,
                    struct cb_error **err)
{
    return escape(args, count, out, err, add_js);
}

static void add_urlquery(struct cb_strbuf *escaped, unsigned point)
{
    char bytes[5];
    size_t size = cb_utf8_encode(point, bytes);

    if (point && point < 0x80 && (isalnum((int)point) || strchr("-_.~", (int)point)))
        cb_strbuf_addc(escaped, (char)point);
    else if (point == ' ')
        cb_strbuf_addc(escaped, '+');
    else
        for (size_t i = 0; i < size; i++)
            cb_strbuf_addf(escaped, "%%%02X", (unsigned char)bytes[i]);
}

int cb_tmpl_call_urlquery(json_t *const *args, size_t count, json_t **out,
                          struct cb_error **err)
{
    return escape(args, count, out, err, add_urlquery);
}
