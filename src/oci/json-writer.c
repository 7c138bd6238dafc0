/* Documents are digested, so they are written by hand: fields in a fixed order, maps
 * sorted. */
#include "oci/oci-priv.h"

#include <inttypes.h>
#include <string.h>

static void begin(struct cb_writer *writer, const char *key)
{
    if (writer->needs_comma)
        cb_strbuf_addc(writer->out, ',');
    writer->needs_comma = 1;
    if (key) {
        cb_strbuf_add_json(writer->out, key);
        cb_strbuf_addc(writer->out, ':');
    }
}

void cb_writer_open(struct cb_writer *writer, const char *key, char bracket)
{
    begin(writer, key);
    cb_strbuf_addc(writer->out, bracket);
    writer->needs_comma = 0;
}

void cb_writer_close(struct cb_writer *writer, char bracket)
{
    cb_strbuf_addc(writer->out, bracket);
    writer->needs_comma = 1;
}

void cb_writer_text(struct cb_writer *writer, const char *key, const char *text)
{
    begin(writer, key);
    cb_strbuf_add_json(writer->out, text);
}

void cb_writer_string(struct cb_writer *writer, const char *key, const char *text)
{
    if (text && *text)
        cb_writer_text(writer, key, text);
}

void cb_writer_int(struct cb_writer *writer, const char *key, int64_t value)
{
    begin(writer, key);
    cb_strbuf_addf(writer->out, "%" PRId64, value);
}

void cb_writer_true(struct cb_writer *writer, const char *key, int value)
{
    if (!value)
        return;
    begin(writer, key);
    cb_strbuf_adds(writer->out, "true");
}

void cb_writer_strings(struct cb_writer *writer, const char *key,
                       const struct cb_strings *strings)
{
    if (strings->count == 0)
        return;
    cb_writer_open(writer, key, '[');
    cb_vec_foreach (text, strings) {
        cb_writer_text(writer, NULL, *text);
    }
    cb_writer_close(writer, ']');
}

void cb_writer_json(struct cb_writer *writer, const char *key, const json_t *value)
{
    cb_autofree char *text = cb_json_dump(value);

    begin(writer, key);
    cb_strbuf_adds(writer->out, text);
}

void cb_writer_digest(struct cb_writer *writer, const char *key,
                      const struct cb_digest *digest)
{
    char text[CB_DIGEST_MAX_TEXT];

    begin(writer, key);
    cb_strbuf_add_json(writer->out, cb_digest_text(digest, text));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **cb_writer_sorted_names(json_t *object)
{
    size_t count = json_object_size(object), i = 0;
    const char **names = xcalloc(count + 1, sizeof(*names));
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value) names[i++] = name;
    qsort(names, count, sizeof(*names), compare_names);
    return names;
}

void cb_writer_members(struct cb_writer *writer, json_t *object)
{
    cb_autofree const char **names = cb_writer_sorted_names(object);

    for (size_t i = 0; names[i]; i++)
        cb_writer_json(writer, names[i], json_object_get(object, names[i]));
}

void cb_writer_sorted(struct cb_writer *writer, const char *key, json_t *object)
{
    if (json_object_size(object) == 0)
        return;
    cb_writer_open(writer, key, '{');
    cb_writer_members(writer, object);
    cb_writer_close(writer, '}');
}
