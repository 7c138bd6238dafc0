/* Findings as compilers print them: place, severity, message, rule, and the lines. */
#include "commands/lint.h"

#include <stdio.h>
#include <string.h>

static void add_escaped(struct cb_strbuf *out, const char *text)
{
    cb_strbuf_add_escaped(out, text, strlen(text), 0);
}

static void add_place(struct cb_strbuf *out, const char *name,
                      const struct cb_source *source, struct cb_span span)
{
    struct cb_span place = span;
    unsigned line, column;

    add_escaped(out, source ? cb_source_name(cb_source_file(source, &place)) : name);
    if (!source) {
        cb_strbuf_adds(out, ": ");
        return;
    }
    cb_source_position(source, span.start, &line, &column);
    cb_strbuf_addf(out, ":%u:%u: ", line, column);
}

static void add_excerpt(struct cb_strbuf *out, const struct cb_source *source,
                        struct cb_span span)
{
    size_t before;

    cb_source_excerpt(source, span, out);
    before = out->len;
    cb_source_add_includers(source, span, out);
    if (out->len > before)
        cb_strbuf_addc(out, '\n');
}

static void add_error(struct cb_strbuf *out, const char *name,
                      const struct cb_error *error)
{
    struct cb_span span = {0};
    const struct cb_source *source = cb_error_source(error, &span);

    add_place(out, name, source, span);
    cb_strbuf_adds(out, "error: ");
    add_escaped(out, cb_error_message(error));
    cb_strbuf_addc(out, '\n');
    if (source)
        add_excerpt(out, source, span);
    if (!cb_error_hint_text(error))
        return;
    cb_strbuf_adds(out, "hint: ");
    add_escaped(out, cb_error_hint_text(error));
    cb_strbuf_addc(out, '\n');
}

static void add_file(struct cb_strbuf *out, const struct cb_lint_file *file)
{
    const struct cb_error *error = file->result.error;

    cb_vec_foreach (warning, &file->result.warnings) {
        add_place(out, file->name, file->source, warning->span);
        cb_strbuf_adds(out, file->result.is_error ? "error: " : "warning: ");
        add_escaped(out, warning->message);
        cb_strbuf_addf(out, " [%s]\n", warning->rule->name);
        add_excerpt(out, file->source, warning->span);
    }
    for (; error; error = cb_error_next(error))
        add_error(out, file->name, error);
}

static void add_files(struct cb_strbuf *out, const struct cb_lint_files *files)
{
    cb_vec_foreach (file, files)
        add_file(out, file);
}

static void add_rules(struct cb_strbuf *out)
{
    static const char *const when[] = {[CB_RULE_ALWAYS] = "always",
                                       [CB_RULE_CHECKING] = "checking",
                                       [CB_RULE_LINTING] = "linting",
                                       [CB_RULE_ON_REQUEST] = "experimental"};
    size_t count;
    const struct cb_rule *rules = cb_rules(&count);

    for (size_t i = 0; i < count; i++)
        cb_strbuf_addf(out, "%-31s %-12s %s\n", rules[i].name, when[rules[i].when],
                       rules[i].description);
}

const struct cb_lint_format cb_lint_text = {"text", add_files, add_rules};
