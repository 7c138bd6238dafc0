/* Findings as JSON; the schema is in docs/checks/README.md. Columns count bytes from 1,
 * ends are behind the last byte. */
#include "commands/lint.h"

#include "base/json-writer.h"

#include <string.h>

#define SCHEMA_VERSION 1

/* "file" and "included_from" only where it is an included one. */
static const struct cb_source *write_file_of(struct cb_writer *writer,
                                             const struct cb_source *source,
                                             struct cb_span *span)
{
    cb_auto_value(cb_strbuf) includers = {0};

    cb_source_add_includers(source, *span, &includers);
    source = cb_source_file(source, span);
    if (includers.len) {
        cb_writer_text(writer, "file", cb_source_name(source));
        cb_writer_text(writer, "included_from",
                       cb_strbuf_text(&includers) + strlen("included from "));
    }
    return source;
}

static void write_place(struct cb_writer *writer, const struct cb_source *source,
                        struct cb_span span)
{
    unsigned line, column;

    if (!source)
        return;
    source = write_file_of(writer, source, &span);
    cb_source_position(source, span.start, &line, &column);
    cb_writer_int(writer, "line", line);
    cb_writer_int(writer, "column", column);
    cb_source_position(source, span.end, &line, &column);
    cb_writer_int(writer, "end_line", line);
    cb_writer_int(writer, "end_column", column);
}

static void write_warning(struct cb_writer *writer, const struct cb_lint_file *file,
                          const struct cb_check_warning *warning)
{
    cb_autofree char *url = cb_rule_url(warning->rule);

    cb_writer_open(writer, NULL, '{');
    cb_writer_text(writer, "rule", warning->rule->name);
    cb_writer_text(writer, "severity", file->result.is_error ? "error" : "warning");
    cb_writer_text(writer, "message", warning->message);
    cb_writer_string(writer, "url", url);
    write_place(writer, file->source, warning->span);
    cb_writer_close(writer, '}');
}

static void write_error(struct cb_writer *writer, const struct cb_error *error)
{
    struct cb_span span = {0};
    const struct cb_source *source = cb_error_source(error, &span);

    cb_writer_open(writer, NULL, '{');
    cb_writer_text(writer, "rule", NULL);
    cb_writer_text(writer, "severity", "error");
    cb_writer_text(writer, "message", cb_error_message(error));
    cb_writer_string(writer, "hint", cb_error_hint_text(error));
    write_place(writer, source, span);
    cb_writer_close(writer, '}');
}

static void write_file(struct cb_writer *writer, const struct cb_lint_file *file)
{
    const struct cb_error *error = file->result.error;

    cb_writer_open(writer, NULL, '{');
    cb_writer_text(writer, "file", file->name);
    cb_writer_open(writer, "findings", '[');
    cb_vec_foreach (warning, &file->result.warnings)
        write_warning(writer, file, warning);
    for (; error; error = cb_error_next(error))
        write_error(writer, error);
    cb_writer_close(writer, ']');
    cb_writer_close(writer, '}');
}

static void add_files(struct cb_strbuf *out, const struct cb_lint_files *files)
{
    struct cb_writer writer = {.out = out, .indent = 2};

    cb_writer_open(&writer, NULL, '{');
    cb_writer_int(&writer, "version", SCHEMA_VERSION);
    cb_writer_open(&writer, "files", '[');
    cb_vec_foreach (file, files)
        write_file(&writer, file);
    cb_writer_close(&writer, ']');
    cb_writer_close(&writer, '}');
    cb_strbuf_addc(out, '\n');
}

static void add_rules(struct cb_strbuf *out)
{
    struct cb_writer writer = {.out = out, .indent = 2};
    size_t count;
    const struct cb_rule *rules = cb_rules(&count);

    cb_writer_open(&writer, NULL, '[');
    for (size_t i = 0; i < count; i++) {
        cb_autofree char *url = cb_rule_url(&rules[i]);

        cb_writer_open(&writer, NULL, '{');
        cb_writer_text(&writer, "name", rules[i].name);
        cb_writer_text(&writer, "page", rules[i].page);
        cb_writer_text(&writer, "description", rules[i].description);
        cb_writer_string(&writer, "url", url);
        cb_writer_bool(&writer, "experimental", rules[i].when == CB_RULE_ON_REQUEST);
        cb_writer_bool(&writer, "in_builds", rules[i].when == CB_RULE_ALWAYS);
        cb_writer_close(&writer, '}');
    }
    cb_writer_close(&writer, ']');
    cb_strbuf_addc(out, '\n');
}

const struct cb_lint_format cb_lint_json = {"json", add_files, add_rules};
