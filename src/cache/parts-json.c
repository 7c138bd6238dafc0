/* Key parts to JSON and back. A record may have been written by another version or a
 * damaged disk: reading it checks as for any foreign document. */
#include "cache/parts-json.h"

#include "base/json.h"
#include "base/strbuf.h"

#include <string.h>

#define PARTS_MAX_BYTES (16 << 20)
#define PARTS_MAX_COUNT 100000

char *cb_key_parts_to_json(const struct cb_key_parts *parts)
{
    struct cb_strbuf text = {0};

    cb_strbuf_addc(&text, '[');
    cb_vec_foreach (part, parts) {
        cb_strbuf_adds(&text, part == parts->items ? "[" : ",[");
        cb_strbuf_add_json(&text, part->name);
        cb_strbuf_addc(&text, ',');
        cb_strbuf_add_json(&text, part->value);
        cb_strbuf_addc(&text, ']');
    }
    cb_strbuf_addc(&text, ']');
    return cb_strbuf_steal(&text);
}

static int read_part(struct cb_key_parts *out, const struct cb_json *pair,
                     struct cb_error **err)
{
    struct cb_json name, value;
    const char *name_text, *value_text;
    size_t count;

    if (cb_json_count(pair, 2, &count, err) < 0)
        return -1;
    name = cb_json_item(pair, 0);
    value = cb_json_item(pair, 1);
    if (cb_json_required_string(&name, &name_text, err) < 0 ||
        cb_json_required_string(&value, &value_text, err) < 0)
        return -1;
    cb_key_parts_add(out, name_text, value_text);
    return 0;
}

int cb_key_parts_from_json(struct cb_key_parts *out, const char *text,
                           struct cb_error **err)
{
    static const char what[] = "parts of a cache record";
    cb_auto_value(cb_key_parts) parts = {0};
    cb_auto_json *json = NULL;
    struct cb_json root;
    size_t count;

    if (cb_json_parse(&json, what, text, strlen(text), PARTS_MAX_BYTES, err) < 0)
        return -1;
    root = cb_json_root(json, what);
    if (cb_json_count(&root, PARTS_MAX_COUNT, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct cb_json pair = cb_json_item(&root, i);

        if (read_part(&parts, &pair, err) < 0)
            return -1;
    }
    *out = parts;
    parts = (struct cb_key_parts){0};
    return 0;
}
