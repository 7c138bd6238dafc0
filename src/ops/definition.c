/* Key parts and the digests made of them, and other small helpers. */
#include "ops/ops-priv.h"

#include "ops/facts.h"

struct cb_digest cb_definition_digest(const char *op, const struct cb_key_parts *parts,
                                      const struct cb_strings *more)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);

    cb_hasher_field(hasher, op);
    cb_vec_foreach (part, parts) {
        cb_hasher_field(hasher, part->name);
        cb_hasher_field(hasher, part->value);
    }
    for (size_t i = 0; more && i < more->count; i++)
        cb_hasher_field(hasher, more->items[i]);
    return cb_hasher_finish(hasher);
}

char *cb_strings_quoted(const struct cb_strings *strings)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_addc(&text, '[');
    for (size_t i = 0; strings && i < strings->count; i++) {
        cb_strbuf_adds(&text, i > 0 ? ",\"" : "\"");
        for (const char *c = strings->items[i]; *c; c++) {
            if (*c == '"' || *c == '\\')
                cb_strbuf_addc(&text, '\\');
            cb_strbuf_addc(&text, *c);
        }
        cb_strbuf_addc(&text, '"');
    }
    cb_strbuf_addc(&text, ']');
    return cb_strbuf_steal(&text);
}

char *cb_strings_joined(const struct cb_strings *strings)
{
    cb_auto_value(cb_strbuf) text = {0};

    for (size_t i = 0; i < strings->count; i++)
        cb_strbuf_addf(&text, "%s%s", i ? " " : "", strings->items[i]);
    return cb_strbuf_steal(&text);
}

void cb_key_parts_addf(struct cb_key_parts *parts, const char *name, const char *format,
                       ...)
{
    cb_autofree char *value = NULL;
    va_list args;

    va_start(args, format);
    value = xvasprintf(format, args);
    va_end(args);
    cb_key_parts_add(parts, name, value);
}

void cb_key_parts_add_bytes(struct cb_key_parts *parts, const char *name,
                            const void *bytes, size_t len)
{
    struct cb_digest digest = cb_digest_of(bytes, len);
    char text[CB_DIGEST_MAX_TEXT];

    cb_key_parts_add(parts, name, cb_digest_text(&digest, text));
}

struct cb_remote cb_remote_for(const struct cb_build_env *env, struct cb_cancel *cancel)
{
    struct cb_remote remote = *env->remote;

    remote.cancel = cancel;
    return remote;
}

struct cb_step_facts cb_step_facts(const struct cb_vertex *vertex)
{
    struct cb_step_facts facts = {.kind = CB_STEP_FILES};

    cb_vertex_describe(vertex, &facts);
    return facts;
}
