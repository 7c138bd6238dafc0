/* Answers to build --call as text, in the shape of docker's: warnings with the lines they
 * are about, and tables. Foreign text is escaped. */
#include "commands/call.h"

#include <string.h>

static void add_escaped(struct cb_strbuf *out, const char *text)
{
    cb_strbuf_add_escaped(out, text, strlen(text), 0);
}

/* ── check ── */

struct lines {
    const struct cb_source *source;
    CB_VEC(size_t) starts;
};

static void find_lines(struct lines *lines, const struct cb_source *source)
{
    size_t len;
    const char *text = cb_source_text(source, &len);

    if (lines->source == source)
        return;
    lines->source = source;
    lines->starts.count = 0;
    cb_vec_push(&lines->starts, 0);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n')
            cb_vec_push(&lines->starts, i + 1);
    }
}

/* Line NUMBER, counted from 1, without its end. */
static void add_line(struct cb_strbuf *out, const struct lines *lines, unsigned number)
{
    size_t len;
    const char *text = cb_source_text(lines->source, &len);
    size_t start = lines->starts.items[number - 1];
    size_t end = number < lines->starts.count ? lines->starts.items[number] - 1 : len;

    if (end > start && text[end - 1] == '\r')
        end--;
    cb_strbuf_add_escaped(out, text + start, end - start, 1);
    cb_strbuf_addc(out, '\n');
}

/* A few lines around FIRST..LAST, which are marked. */
static void add_excerpt(struct cb_strbuf *out, const struct lines *lines, unsigned first,
                        unsigned last)
{
    unsigned count = (unsigned)lines->starts.count;
    unsigned start = first, end = last < count ? last : count;
    unsigned around = first == last ? 4 : 2;

    for (unsigned added = 0; added < around; added++) {
        if (start > 1) {
            start--;
            added++;
        }
        if (end < count) {
            end++;
            added++;
        }
    }
    add_escaped(out, cb_source_name(lines->source));
    cb_strbuf_addf(out, ":%u\n--------------------\n", first);
    for (unsigned i = start; i <= end; i++) {
        cb_strbuf_addf(out, " %3u | %s ", i, i >= first && i <= last ? ">>>" : "   ");
        add_line(out, lines, i);
    }
    cb_strbuf_adds(out, "--------------------\n");
}

static void add_warning(struct cb_strbuf *out, const struct cb_check_warning *warning,
                        const struct cb_source *source, struct lines *lines)
{
    struct cb_span span = warning->span;
    size_t before;
    cb_autofree char *url = cb_rule_url(warning->rule);

    cb_strbuf_addf(out, "\nWARNING: %s", warning->rule->name);
    if (url)
        cb_strbuf_addf(out, " - %s", url);
    cb_strbuf_addc(out, '\n');
    add_escaped(out, warning->message);
    cb_strbuf_addc(out, '\n');
    find_lines(lines, cb_source_file(source, &span));
    add_excerpt(out, lines, cb_call_first_line(warning), warning->end_line);
    before = out->len;
    cb_source_add_includers(source, warning->span, out);
    if (out->len > before)
        cb_strbuf_addc(out, '\n');
}

void cb_call_text_check(struct cb_strbuf *out, const struct cb_call_result *result)
{
    const struct cb_check_result *check = &result->check;
    size_t count = check->warnings.count;
    struct lines lines = {0};

    if (count)
        cb_strbuf_addf(out, "Check complete, %zu warning%s been found!\n", count,
                       count == 1 ? " has" : "s have");
    cb_vec_foreach (warning, &check->warnings)
        add_warning(out, warning, result->source, &lines);
    if (!count && !check->error)
        cb_strbuf_adds(out, "Check complete, no warnings found.\n");
    cb_vec_free(&lines.starts);
}

/* ── Tables ── */

/* TEXT, escaped, and blanks up to WIDTH characters. */
static void add_cell(struct cb_strbuf *out, const char *text, size_t width)
{
    cb_auto_value(cb_strbuf) shown = {0};
    size_t have = 0;

    add_escaped(&shown, text);
    for (size_t i = 0; i < shown.len; i++)
        have += ((unsigned char)shown.text[i] & 0xc0) != 0x80;
    cb_strbuf_adds(out, cb_strbuf_text(&shown));
    for (; have < width; have++)
        cb_strbuf_addc(out, ' ');
}

static size_t shown_width(const char *text)
{
    cb_auto_value(cb_strbuf) cell = {0};
    size_t width = 0;

    add_escaped(&cell, text);
    for (size_t i = 0; i < cell.len; i++)
        width += ((unsigned char)cell.text[i] & 0xc0) != 0x80;
    return width;
}

#define MAX_COLUMNS 3

struct table {
    size_t columns, gap;
    CB_VEC(const char *) cells; /* row after row; borrowed */
};

static void add_row(struct table *table, const char *first, const char *second,
                    const char *third)
{
    const char *cells[MAX_COLUMNS] = {first, second, third};

    for (size_t i = 0; i < table->columns; i++)
        cb_vec_push(&table->cells, cells[i] ? cells[i] : "");
}

/* All columns but the last are padded. Frees the rows. */
static void add_table(struct cb_strbuf *out, struct table *table)
{
    size_t widths[MAX_COLUMNS] = {0};

    for (size_t i = 0; i < table->cells.count; i++) {
        size_t column = i % table->columns;
        size_t width = shown_width(table->cells.items[i]) + table->gap;

        if (column + 1 < table->columns && width > widths[column])
            widths[column] = width;
    }
    for (size_t i = 0; i < table->cells.count; i++) {
        size_t column = i % table->columns;

        add_cell(out, table->cells.items[i], widths[column]);
        if (column + 1 == table->columns)
            cb_strbuf_addc(out, '\n');
    }
    cb_vec_free(&table->cells);
}

/* ── outline ── */

static int has_kind(const struct cb_outline *outline, enum cb_outline_kind kind)
{
    cb_vec_foreach (entry, &outline->entries) {
        if (entry->kind == kind)
            return 1;
    }
    return 0;
}

static void add_kind(struct cb_strbuf *out, const struct cb_outline *outline,
                     enum cb_outline_kind kind, size_t columns, const char *const *heads)
{
    struct table table = {.columns = columns, .gap = 3};

    if (!has_kind(outline, kind))
        return;
    add_row(&table, heads[0], heads[1], heads[2]);
    cb_vec_foreach (entry, &outline->entries) {
        if (entry->kind == CB_OUTLINE_ARG && kind == CB_OUTLINE_ARG)
            add_row(&table, entry->name, entry->value, entry->description);
        else if (entry->kind == kind)
            add_row(&table, entry->name, entry->required ? "true" : "", NULL);
    }
    add_table(out, &table);
    cb_strbuf_addc(out, '\n');
}

void cb_call_text_outline(struct cb_strbuf *out, const struct cb_call_result *result)
{
    static const char *const args[] = {"BUILD ARG", "VALUE", "DESCRIPTION"};
    static const char *const secrets[] = {"SECRET", "REQUIRED", NULL};
    static const char *const agents[] = {"SSH", "REQUIRED", NULL};
    static const char *const caches[] = {"CACHE MOUNT", NULL, NULL};
    const struct cb_outline *outline = &result->outline;
    struct table head = {.columns = 2, .gap = 1};

    if (outline->name) {
        add_row(&head, "TARGET:", outline->name, NULL);
        if (outline->description)
            add_row(&head, "DESCRIPTION:", outline->description, NULL);
        add_table(out, &head);
        cb_strbuf_addc(out, '\n');
    }
    add_kind(out, outline, CB_OUTLINE_ARG, 3, args);
    add_kind(out, outline, CB_OUTLINE_SECRET, 2, secrets);
    add_kind(out, outline, CB_OUTLINE_SSH, 2, agents);
    add_kind(out, outline, CB_OUTLINE_CACHE, 1, caches);
}

/* ── targets ── */

void cb_call_text_targets(struct cb_strbuf *out, const struct cb_call_result *result)
{
    const struct cb_dockerfile *file = result->targets;
    cb_auto_value(cb_strings) texts = {0};
    struct table table = {.columns = 2, .gap = 1};

    add_row(&table, "TARGET", "DESCRIPTION", NULL);
    for (size_t i = 0; i < file->stage_count; i++) {
        const struct cb_stage_def *def = &file->stages[i];
        const char *name = def->name ? def->name : "";
        int is_default = i + 1 == file->stage_count;
        char *description =
            def->name ? cb_description_of(def->from->doc_comment, name) : NULL;

        cb_strings_addf(&texts, "%s%s%s", name, *name && is_default ? " " : "",
                        is_default ? "(default)" : "");
        cb_strings_take(&texts, description ? description : xstrdup(""));
        add_row(&table, texts.items[texts.count - 2], texts.items[texts.count - 1], NULL);
    }
    add_table(out, &table);
}

/* ── subrequests.describe ── */

void cb_call_text_describe(struct cb_strbuf *out, const struct cb_call_result *result)
{
    struct table table = {.columns = 3, .gap = 1};

    (void)result;
    add_row(&table, "NAME", "VERSION", "DESCRIPTION");
    for (size_t i = 0; i < cb_call_known_count; i++)
        add_row(&table, cb_call_known[i].name, CB_CALL_VERSION,
                cb_call_known[i].description);
    add_table(out, &table);
}
