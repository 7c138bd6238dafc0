/* Findings as SARIF 2.1.0, which code review tools show beside the lines. One run; all
 * rules are listed, and one more for files that are no Dockerfiles. Columns count
 * characters from 1. */
#include "commands/lint.h"

#include "base/json-writer.h"

#include <ctype.h>
#include <string.h>

#define SCHEMA     "https://json.schemastore.org/sarif-2.1.0.json"
#define ERROR_RULE "InvalidDockerfile"

/* ── Parts ── */

static void write_message(struct cb_writer *writer, const char *key, const char *text)
{
    cb_writer_open(writer, key, '{');
    cb_writer_text(writer, "text", text);
    cb_writer_close(writer, '}');
}

/* A relative reference, or a file URL; bytes that mean something in one are escaped. */
static char *uri_of(const char *path)
{
    cb_auto_value(cb_strbuf) out = {0};

    if (*path == '/')
        cb_strbuf_adds(&out, "file://");
    while (!strncmp(path, "./", 2))
        path += 2;
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;

        if (isalnum(c) || strchr("/-._~", c))
            cb_strbuf_addc(&out, (char)c);
        else
            cb_strbuf_addf(&out, "%%%02X", c);
    }
    return cb_strbuf_steal(&out);
}

/* The line of OFFSET, and its column in characters. */
static void position(const struct cb_source *source, size_t offset, unsigned *line,
                     unsigned *column)
{
    size_t len;
    const char *text = cb_source_text(source, &len);
    unsigned bytes;
    size_t start;

    if (offset > len)
        offset = len;
    cb_source_position(source, offset, line, &bytes);
    start = offset - (bytes - 1);
    *column = 1;
    for (size_t i = start; i < offset; i++)
        *column += ((unsigned char)text[i] & 0xc0) != 0x80;
}

static void write_region(struct cb_writer *writer, const struct cb_source *source,
                         struct cb_span span)
{
    unsigned line, column;

    cb_writer_open(writer, "region", '{');
    position(source, span.start, &line, &column);
    cb_writer_int(writer, "startLine", line);
    cb_writer_int(writer, "startColumn", column);
    position(source, span.end, &line, &column);
    cb_writer_int(writer, "endLine", line);
    cb_writer_int(writer, "endColumn", column);
    cb_writer_close(writer, '}');
}

static void write_location(struct cb_writer *writer, const char *path,
                           const struct cb_source *source, struct cb_span span)
{
    cb_autofree char *uri = NULL;

    if (source && cb_source_part_count(source)) {
        source = cb_source_file(source, &span);
        path = cb_source_name(source);
    }
    uri = uri_of(path);
    cb_writer_open(writer, "locations", '[');
    cb_writer_open(writer, NULL, '{');
    cb_writer_open(writer, "physicalLocation", '{');
    cb_writer_open(writer, "artifactLocation", '{');
    cb_writer_text(writer, "uri", uri);
    cb_writer_close(writer, '}');
    if (source)
        write_region(writer, source, span);
    cb_writer_close(writer, '}');
    cb_writer_close(writer, '}');
    cb_writer_close(writer, ']');
}

/* ── Rules ── */

static void write_rule(struct cb_writer *writer, const struct cb_rule *rule)
{
    cb_autofree char *url = cb_rule_url(rule);
    cb_autofree char *help =
        xasprintf("%s. See docs/checks/%s.md of cbuild.", rule->description, rule->page);

    cb_writer_open(writer, NULL, '{');
    cb_writer_text(writer, "id", rule->name);
    cb_writer_text(writer, "name", rule->name);
    write_message(writer, "shortDescription", rule->description);
    write_message(writer, "fullDescription", rule->description);
    cb_writer_string(writer, "helpUri", url);
    write_message(writer, "help", help);
    cb_writer_open(writer, "defaultConfiguration", '{');
    cb_writer_bool(writer, "enabled", rule->when != CB_RULE_ON_REQUEST);
    cb_writer_text(writer, "level", "warning");
    cb_writer_close(writer, '}');
    cb_writer_close(writer, '}');
}

static void write_error_rule(struct cb_writer *writer)
{
    static const char text[] = "The file cannot be read, or is no valid Dockerfile";

    cb_writer_open(writer, NULL, '{');
    cb_writer_text(writer, "id", ERROR_RULE);
    cb_writer_text(writer, "name", ERROR_RULE);
    write_message(writer, "shortDescription", text);
    write_message(writer, "fullDescription", text);
    cb_writer_open(writer, "defaultConfiguration", '{');
    cb_writer_text(writer, "level", "error");
    cb_writer_close(writer, '}');
    cb_writer_close(writer, '}');
}

static void write_tool(struct cb_writer *writer)
{
    size_t count;
    const struct cb_rule *rules = cb_rules(&count);

    cb_writer_open(writer, "tool", '{');
    cb_writer_open(writer, "driver", '{');
    cb_writer_text(writer, "name", "cbuild");
    cb_writer_text(writer, "version", PACKAGE_VERSION);
    cb_writer_open(writer, "rules", '[');
    for (size_t i = 0; i < count; i++)
        write_rule(writer, &rules[i]);
    write_error_rule(writer);
    cb_writer_close(writer, ']');
    cb_writer_close(writer, '}');
    cb_writer_close(writer, '}');
}

/* ── Results ── */

static void open_result(struct cb_writer *writer, const char *id, size_t index,
                        const char *level, const char *message)
{
    cb_writer_open(writer, NULL, '{');
    cb_writer_text(writer, "ruleId", id);
    cb_writer_int(writer, "ruleIndex", (int64_t)index);
    cb_writer_text(writer, "level", level);
    write_message(writer, "message", message);
}

static void write_error(struct cb_writer *writer, const struct cb_lint_file *file,
                        const struct cb_error *error)
{
    struct cb_span span = {0};
    const struct cb_source *source = cb_error_source(error, &span);
    const char *hint = cb_error_hint_text(error);
    cb_autofree char *message =
        xasprintf("%s%s%s", cb_error_message(error), hint ? "; " : "", hint ? hint : "");
    size_t count;

    cb_rules(&count);
    open_result(writer, ERROR_RULE, count, "error", message);
    write_location(writer, source ? cb_source_name(source) : file->name, source, span);
    cb_writer_close(writer, '}');
}

static void write_results(struct cb_writer *writer, const struct cb_lint_file *file)
{
    const struct cb_error *error = file->result.error;
    const char *level = file->result.is_error ? "error" : "warning";
    size_t count;
    const struct cb_rule *rules = cb_rules(&count);

    cb_vec_foreach (warning, &file->result.warnings) {
        open_result(writer, warning->rule->name, (size_t)(warning->rule - rules), level,
                    warning->message);
        write_location(writer, file->name, file->source, warning->span);
        cb_writer_close(writer, '}');
    }
    for (; error; error = cb_error_next(error))
        write_error(writer, file, error);
}

static void add_files(struct cb_strbuf *out, const struct cb_lint_files *files)
{
    struct cb_writer writer = {.out = out, .indent = 2};

    cb_writer_open(&writer, NULL, '{');
    cb_writer_text(&writer, "$schema", SCHEMA);
    cb_writer_text(&writer, "version", "2.1.0");
    cb_writer_open(&writer, "runs", '[');
    cb_writer_open(&writer, NULL, '{');
    write_tool(&writer);
    cb_writer_text(&writer, "columnKind", "unicodeCodePoints");
    cb_writer_open(&writer, "results", '[');
    cb_vec_foreach (file, files)
        write_results(&writer, file);
    cb_writer_close(&writer, ']');
    cb_writer_close(&writer, '}');
    cb_writer_close(&writer, ']');
    cb_writer_close(&writer, '}');
    cb_strbuf_addc(out, '\n');
}

const struct cb_lint_format cb_lint_sarif = {"sarif", add_files, NULL};
