/* Selectors as text: a line for each field, in a fixed order, so that equal selectors are
 * equal texts. File names keep every byte; only newlines and backslashes are escaped. The
 * solver carries the text; results parse it again. */
#include "ops/selection-priv.h"

#include <inttypes.h>
#include <stdlib.h>

void cb_selector_clear(struct cb_selector *selector)
{
    free(selector->verb);
    cb_strings_free(&selector->paths);
    cb_strings_free(&selector->exclude);
    *selector = (struct cb_selector){0};
}

static void add_field(struct cb_strbuf *text, const char *name, const char *value)
{
    cb_strbuf_addf(text, "%s ", name);
    for (; *value; value++) {
        if (*value == '\n' || *value == '\\')
            cb_strbuf_addc(text, '\\');
        cb_strbuf_addc(text, *value == '\n' ? 'n' : *value);
    }
    cb_strbuf_addc(text, '\n');
}

static void add_flag(struct cb_strbuf *text, const char *name, int value)
{
    if (value)
        add_field(text, name, "");
}

char *cb_selector_text(const struct cb_selector *selector)
{
    cb_auto_value(cb_strbuf) text = {0};

    add_field(&text, "verb", selector->verb);
    for (size_t i = 0; i < selector->paths.count; i++)
        add_field(&text, "path", selector->paths.items[i]);
    for (size_t i = 0; i < selector->exclude.count; i++)
        add_field(&text, "exclude", selector->exclude.items[i]);
    add_flag(&text, "literal", selector->literal);
    add_flag(&text, "owners", selector->owners);
    add_flag(&text, "parents", selector->parents);
    add_flag(&text, "required", selector->required);
    add_flag(&text, "optional", selector->optional);
    if (selector->dated)
        cb_strbuf_addf(&text, "dated %" PRId64 "\n", selector->newest_s);
    return cb_strbuf_steal(&text);
}

static char *unescape(const char *text, size_t len)
{
    cb_auto_value(cb_strbuf) value = {0};

    for (size_t i = 0; i < len; i++) {
        int escaped = text[i] == '\\' && i + 1 < len;

        i += (size_t)escaped;
        cb_strbuf_addc(&value, escaped && text[i] == 'n' ? '\n' : text[i]);
    }
    return cb_strbuf_steal(&value);
}

static int set_field(struct cb_selector *selector, const char *name, char *value)
{
    cb_autofree char *owned = value;

    if (strcmp(name, "verb") == 0) {
        free(selector->verb);
        selector->verb = cb_steal(&owned);
    } else if (strcmp(name, "path") == 0) {
        cb_strings_take(&selector->paths, cb_steal(&owned));
    } else if (strcmp(name, "exclude") == 0) {
        cb_strings_take(&selector->exclude, cb_steal(&owned));
    } else if (strcmp(name, "literal") == 0) {
        selector->literal = 1;
    } else if (strcmp(name, "owners") == 0) {
        selector->owners = 1;
    } else if (strcmp(name, "parents") == 0) {
        selector->parents = 1;
    } else if (strcmp(name, "required") == 0) {
        selector->required = 1;
    } else if (strcmp(name, "optional") == 0) {
        selector->optional = 1;
    } else if (strcmp(name, "dated") == 0) {
        selector->dated = 1;
        selector->newest_s = strtoll(owned, NULL, 10);
    } else {
        return 0;
    }
    return 1;
}

int cb_selector_parse(struct cb_selector *out, const char *text, struct cb_error **err)
{
    cb_auto_value(cb_selector) selector = {0};

    while (*text) {
        const char *end = strchr(text, '\n');
        const char *space = end ? memchr(text, ' ', (size_t)(end - text)) : NULL;
        cb_autofree char *name = space ? xstrndup(text, (size_t)(space - text)) : NULL;

        if (!name ||
            !set_field(&selector, name, unescape(space + 1, (size_t)(end - space - 1))))
            return cb_error_set(err, CB_ERR_INTEGRITY, "malformed selector");
        text = end + 1;
    }
    if (!selector.verb)
        selector.verb = xstrdup("");
    *out = selector;
    selector = (struct cb_selector){0};
    return 0;
}
