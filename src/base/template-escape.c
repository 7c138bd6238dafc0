/* Escapes in templates: html, js, urlquery. */
#include "base/template-functions-priv.h"

#include <ctype.h>
#include <string.h>

/* Gives what is shown of ARGS, each byte as ADD writes it. */
static int escape(json_t *const *args, size_t count, json_t **out, struct cb_error **err,
                  void (*add)(struct cb_strbuf *escaped, unsigned char c))
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_strbuf) escaped = {0};

    for (size_t i = 0; i < count; i++)
        cb_tmpl_print(&text, args[i]);
    for (size_t i = 0; i < text.len; i++)
        add(&escaped, (unsigned char)text.text[i]);
    return cb_tmpl_give_text(out, &escaped, err);
}

static void add_html(struct cb_strbuf *escaped, unsigned char c)
{
    switch (c) {
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
        cb_strbuf_addc(escaped, (char)c);
    }
}

int cb_tmpl_call_html(json_t *const *args, size_t count, json_t **out,
                      struct cb_error **err)
{
    return escape(args, count, out, err, add_html);
}

static void add_js(struct cb_strbuf *escaped, unsigned char c)
{
    if (c == '\\' || c == '\'' || c == '"')
        cb_strbuf_addf(escaped, "\\%c", c);
    else if (c < 0x20 || strchr("<>&=", c))
        cb_strbuf_addf(escaped, "\\u%04X", c);
    else
        cb_strbuf_addc(escaped, (char)c);
}

int cb_tmpl_call_js(json_t *const *args, size_t count, json_t **out,
                    struct cb_error **err)
{
    return escape(args, count, out, err, add_js);
}

static void add_urlquery(struct cb_strbuf *escaped, unsigned char c)
{
    if (isalnum(c) || strchr("-_.~", c))
        cb_strbuf_addc(escaped, (char)c);
    else if (c == ' ')
        cb_strbuf_addc(escaped, '+');
    else
        cb_strbuf_addf(escaped, "%%%02X", c);
}

int cb_tmpl_call_urlquery(json_t *const *args, size_t count, json_t **out,
                          struct cb_error **err)
{
    return escape(args, count, out, err, add_urlquery);
}
