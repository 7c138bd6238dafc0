/* A member's separator is written when the member begins: whoever ends a list need not
 * know whether more follows. */
#include "base/json-writer.h"

#include <inttypes.h>

static void new_line(struct cb_writer *writer)
{
    if (writer->indent)
        cb_strbuf_addf(writer->out, "\n%*s", (int)(writer->indent * writer->depth), "");
}

void cb_writer_begin(struct cb_writer *writer, const char *key)
{
    if (writer->needs_comma)
        cb_strbuf_addc(writer->out, ',');
    if (writer->depth)
        new_line(writer);
    writer->needs_comma = 1;
    if (!key)
        return;
    cb_strbuf_add_json(writer->out, key);
    cb_strbuf_adds(writer->out, writer->indent ? ": " : ":");
}

void cb_writer_open(struct cb_writer *writer, const char *key, char bracket)
{
    cb_writer_begin(writer, key);
    cb_strbuf_addc(writer->out, bracket);
    writer->needs_comma = 0;
    writer->depth++;
}

void cb_writer_close(struct cb_writer *writer, char bracket)
{
    writer->depth--;
    if (writer->needs_comma)
        new_line(writer);
    cb_strbuf_addc(writer->out, bracket);
    writer->needs_comma = 1;
}

void cb_writer_text(struct cb_writer *writer, const char *key, const char *text)
{
    cb_writer_begin(writer, key);
    if (text)
        cb_strbuf_add_json(writer->out, text);
    else
        cb_strbuf_adds(writer->out, "null");
}

void cb_writer_int(struct cb_writer *writer, const char *key, int64_t value)
{
    cb_writer_begin(writer, key);
    cb_strbuf_addf(writer->out, "%" PRId64, value);
}

void cb_writer_bool(struct cb_writer *writer, const char *key, int value)
{
    cb_writer_begin(writer, key);
    cb_strbuf_adds(writer->out, value ? "true" : "false");
}

void cb_writer_string(struct cb_writer *writer, const char *key, const char *text)
{
    if (text && *text)
        cb_writer_text(writer, key, text);
}

void cb_writer_true(struct cb_writer *writer, const char *key, int value)
{
    if (value)
        cb_writer_bool(writer, key, 1);
}

void cb_writer_strings(struct cb_writer *writer, const char *key,
                       const struct cb_strings *strings)
{
    if (strings->count == 0)
        return;
    cb_writer_open(writer, key, '[');
    for (size_t i = 0; i < strings->count; i++)
        cb_writer_text(writer, NULL, strings->items[i]);
    cb_writer_close(writer, ']');
}
