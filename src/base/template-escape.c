/* Escapes in templates: html, js, urlquery. */
#include "base/template-functions-priv.h"

#include <ctype.h>
#include <string.h>

static void shown(json_t *const *args, size_t count, struct cb_strbuf *text)
{
    for (size_t i = 0; i < count; i++)
        cb_tmpl_print(text, args[i]);
}

int cb_tmpl_call_html(json_t *const *args, size_t count, json_t **out,
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
    return cb_tmpl_give_text(out, &escaped, err);
}

int cb_tmpl_call_js(json_t *const *args, size_t count, json_t **out,
                    struct cb_error **err)
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
    return cb_tmpl_give_text(out, &escaped, err);
}

int cb_tmpl_call_urlquery(json_t *const *args, size_t count, json_t **out,
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
    return cb_tmpl_give_text(out, &escaped, err);
}
