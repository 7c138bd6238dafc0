/* Answers to build --call as JSON, in the shapes of BuildKit's subrequests lint, outline
 * and targets: members that have nothing to say are left out, a place is a list of lines,
 * the Dockerfile's text is base 64. */
#include "commands/call.h"

#include "base/base64.h"
#include "base/json-writer.h"

#include <string.h>

/* ── Parts ── */

static void write_base64(struct cb_writer *writer, const char *key,
                         const struct cb_source *source)
{
    cb_auto_value(cb_strbuf) text = {0};
    size_t len;
    const char *bytes = cb_source_text(source, &len);

    cb_base64_encode(&text, bytes, len);
    cb_writer_text(writer, key, cb_strbuf_text(&text));
}

static void write_sources(struct cb_writer *writer, const struct cb_source *source)
{
    cb_writer_open(writer, "sources", '[');
    for (size_t i = 0; i < cb_source_file_count(source); i++)
        write_base64(writer, NULL, cb_source_nth_file(source, i));
    cb_writer_close(writer, ']');
}

static void write_line(struct cb_writer *writer, const char *key, unsigned line)
{
    cb_writer_open(writer, key, '{');
    cb_writer_int(writer, "line", line);
    cb_writer_close(writer, '}');
}

/* A range for each line; SPAN says which of the files of SOURCE they are of. */
static void write_location(struct cb_writer *writer, const struct cb_source *source,
                           struct cb_span span, unsigned first, unsigned last)
{
    size_t index = cb_source_file_index(source, cb_source_file(source, &span));

    cb_writer_open(writer, "location", '{');
    if (index)
        cb_writer_int(writer, "sourceIndex", (int64_t)index);
    cb_writer_open(writer, "ranges", '[');
    for (unsigned line = first; line <= last; line++) {
        cb_writer_open(writer, NULL, '{');
        write_line(writer, "start", line);
        write_line(writer, "end", line);
        cb_writer_close(writer, '}');
    }
    cb_writer_close(writer, ']');
    cb_writer_close(writer, '}');
}

static void begin(struct cb_writer *writer, struct cb_strbuf *out)
{
    *writer = (struct cb_writer){.out = out, .indent = 2};
    cb_writer_open(writer, NULL, '{');
}

static void end(struct cb_writer *writer)
{
    cb_writer_close(writer, '}');
    cb_strbuf_addc(writer->out, '\n');
}

/* ── check ── */

static void write_warning(struct cb_writer *writer, const struct cb_source *source,
                          const struct cb_check_warning *warning)
{
    cb_autofree char *url = cb_rule_url(warning->rule);

    cb_writer_open(writer, NULL, '{');
    cb_writer_text(writer, "ruleName", warning->rule->name);
    cb_writer_text(writer, "description", warning->rule->description);
    cb_writer_string(writer, "url", url);
    cb_writer_text(writer, "detail", warning->message);
    write_location(writer, source, warning->span, cb_call_first_line(warning),
                   warning->end_line);
    cb_writer_close(writer, '}');
}

static void write_error(struct cb_writer *writer, const struct cb_error *error)
{
    struct cb_span span;
    const struct cb_source *source = cb_error_source(error, &span);
    unsigned first, last;

    cb_writer_open(writer, "buildError", '{');
    cb_writer_text(writer, "message", cb_error_message(error));
    if (source) {
        cb_source_position(source, span.start, &first, NULL);
        cb_source_position(source, span.end > span.start ? span.end - 1 : span.end, &last,
                           NULL);
        write_location(writer, source, span, first, last);
    } else {
        cb_writer_open(writer, "location", '{');
        cb_writer_close(writer, '}');
    }
    cb_writer_close(writer, '}');
}

void cb_call_json_check(struct cb_strbuf *out, const struct cb_call_result *result)
{
    const struct cb_check_result *check = &result->check;
    struct cb_writer writer;

    begin(&writer, out);
    if (check->warnings.count) {
        cb_writer_open(&writer, "warnings", '[');
        cb_vec_foreach (warning, &check->warnings)
            write_warning(&writer, result->source, warning);
        cb_writer_close(&writer, ']');
    } else {
        cb_writer_text(&writer, "warnings", NULL);
    }
    cb_writer_open(&writer, "sources", '[');
    for (size_t i = 0; i < cb_source_file_count(result->source); i++) {
        const struct cb_source *file = cb_source_nth_file(result->source, i);

        cb_writer_open(&writer, NULL, '{');
        cb_writer_text(&writer, "filename", cb_source_name(file));
        write_base64(&writer, "data", file);
        cb_writer_text(&writer, "language", "Dockerfile");
        cb_writer_close(&writer, '}');
    }
    cb_writer_close(&writer, ']');
    if (check->error)
        write_error(&writer, check->error);
    end(&writer);
}

/* ── outline ── */

static void write_entry(struct cb_writer *writer, const struct cb_source *source,
                        const struct cb_outline_entry *entry)
{
    cb_writer_open(writer, NULL, '{');
    cb_writer_text(writer, entry->kind == CB_OUTLINE_CACHE ? "ID" : "name", entry->name);
    cb_writer_string(writer, "description", entry->description);
    cb_writer_string(writer, "value", entry->value);
    cb_writer_true(writer, "required", entry->required);
    write_location(writer, source, entry->span, entry->line, entry->end_line);
    cb_writer_close(writer, '}');
}

static void write_kind(struct cb_writer *writer, const struct cb_call_result *result,
                       enum cb_outline_kind kind, const char *key)
{
    const struct cb_outline *outline = &result->outline;
    int any = 0;

    cb_vec_foreach (entry, &outline->entries) {
        if (entry->kind != kind)
            continue;
        if (!any)
            cb_writer_open(writer, key, '[');
        any = 1;
        write_entry(writer, result->source, entry);
    }
    if (any)
        cb_writer_close(writer, ']');
}

void cb_call_json_outline(struct cb_strbuf *out, const struct cb_call_result *result)
{
    const struct cb_outline *outline = &result->outline;
    struct cb_writer writer;

    begin(&writer, out);
    cb_writer_string(&writer, "name", outline->name);
    cb_writer_string(&writer, "description", outline->description);
    write_kind(&writer, result, CB_OUTLINE_ARG, "args");
    write_kind(&writer, result, CB_OUTLINE_SECRET, "secrets");
    write_kind(&writer, result, CB_OUTLINE_SSH, "ssh");
    write_kind(&writer, result, CB_OUTLINE_CACHE, "cache");
    write_sources(&writer, result->source);
    end(&writer);
}

/* ── targets ── */

static void write_target(struct cb_writer *writer, const struct cb_source *source,
                         const struct cb_stage_def *def, int is_default)
{
    const struct cb_inst_from *from = &def->from->from;
    cb_autofree char *description =
        def->name ? cb_description_of(def->from->doc_comment, def->name) : NULL;

    cb_writer_open(writer, NULL, '{');
    cb_writer_string(writer, "name", def->name);
    cb_writer_true(writer, "default", is_default);
    cb_writer_string(writer, "description", description);
    cb_writer_string(writer, "base", from->image.text);
    cb_writer_string(writer, "platform", from->platform.text);
    write_location(writer, source, def->from->span, def->from->line, def->from->end_line);
    cb_writer_close(writer, '}');
}

void cb_call_json_targets(struct cb_strbuf *out, const struct cb_call_result *result)
{
    const struct cb_dockerfile *file = result->targets;
    struct cb_writer writer;

    begin(&writer, out);
    cb_writer_open(&writer, "targets", '[');
    for (size_t i = 0; i < file->stage_count; i++)
        write_target(&writer, result->source, &file->stages[i],
                     i + 1 == file->stage_count);
    cb_writer_close(&writer, ']');
    write_sources(&writer, result->source);
    end(&writer);
}

/* ── subrequests.describe ── */

static void write_named(struct cb_writer *writer, const char *name,
                        const char *description)
{
    cb_writer_open(writer, NULL, '{');
    cb_writer_text(writer, "name", name);
    cb_writer_text(writer, "description", description);
    cb_writer_close(writer, '}');
}

static void write_known(struct cb_writer *writer, const struct cb_call_known *known)
{
    cb_autofree char *name = xasprintf("frontend.%s", known->name);

    cb_writer_open(writer, NULL, '{');
    cb_writer_text(writer, "name", name);
    cb_writer_text(writer, "version", CB_CALL_VERSION);
    cb_writer_text(writer, "type", "rpc");
    cb_writer_text(writer, "description", known->description);
    cb_writer_open(writer, "opts", '[');
    if (known->has_target)
        write_named(writer, "target", "Target build stage");
    cb_writer_close(writer, ']');
    cb_writer_open(writer, "metadata", '[');
    write_named(writer, "result.json", "");
    write_named(writer, "result.txt", "");
    if (known->has_status)
        write_named(writer, "result.statuscode", "");
    cb_writer_close(writer, ']');
    cb_writer_close(writer, '}');
}

void cb_call_json_describe(struct cb_strbuf *out, const struct cb_call_result *result)
{
    struct cb_writer writer = {.out = out, .indent = 2};

    (void)result;
    cb_writer_open(&writer, NULL, '[');
    for (size_t i = 0; i < cb_call_known_count; i++)
        write_known(&writer, &cb_call_known[i]);
    cb_writer_close(&writer, ']');
    cb_strbuf_addc(out, '\n');
}
