/* Documents are digested, so they are written by hand: fields in a fixed order, maps
 * sorted. */
#include "oci/oci-priv.h"

#include <string.h>

void cb_writer_json(struct cb_writer *writer, const char *key, const json_t *value)
{
    cb_autofree char *text = cb_json_dump(value);

    cb_writer_begin(writer, key);
    cb_strbuf_adds(writer->out, text);
}

void cb_writer_digest(struct cb_writer *writer, const char *key,
                      const struct cb_digest *digest)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_writer_begin(writer, key);
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
