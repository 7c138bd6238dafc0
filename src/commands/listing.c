/* Everything is a template: the default table is one, and its titles are what the
 * template makes of an object that has the titles for values. Columns are set as Go's
 * tabwriter does for docker: at least 10 wide, three blanks between them. */
#include "commands/listing.h"

#include "base/json.h"
#include "base/template.h"
#include "base/vec.h"
#include "commands/commands.h"
#include "commands/inspect.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COLUMN_MIN 10
#define COLUMN_GAP 3

/* "\t" and "\n" as typed in a shell are a tab and a line end; within an action they are
 * the template's own. Caller frees. */
static char *unescape(const char *format)
{
    cb_auto_value(cb_strbuf) text = {0};
    int inside = 0;

    for (; *format; format++) {
        if (strncmp(format, "{{", 2) == 0 || strncmp(format, "}}", 2) == 0)
            inside = *format == '{';
        if (!inside && format[0] == '\\' && (format[1] == 't' || format[1] == 'n'))
            cb_strbuf_addc(&text, *++format == 't' ? '\t' : '\n');
        else
            cb_strbuf_addc(&text, *format);
    }
    return cb_strbuf_steal(&text);
}

static int is_json(const char *format)
{
    return format && (strcmp(format, "json") == 0 || strcmp(format, "{{json .}}") == 0);
}

/* The template in FORMAT; *TABLE: it is for a table. */
static const char *template_text(const struct cb_listing *listing, const char *format,
                                 int *table)
{
    *table = !format || !*format || strncmp(format, "table", 5) == 0;
    if (!*table)
        return listing->raw && strcmp(format, "raw") == 0 ? listing->raw : format;
    format = format && *format ? format + strlen("table") : "";
    format += strspn(format, " ");
    return *format ? format : listing->table;
}

/* Adds what the template cannot have said: which fields there are. */
static int execution_failed(const struct cb_listing *listing, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) names = {0};

    cb_error_wrap(err, "template parsing error");
    for (const struct cb_listing_field *field = listing->fields; field->name; field++)
        cb_strbuf_addf(&names, " .%s", field->name);
    return cb_error_hint(err, "the fields are%s", cb_strbuf_text(&names));
}

/* "com.example.some-label" → "some label". */
static json_t *label_title(const char *name)
{
    const char *dot = strrchr(name, '.');
    cb_autofree char *title = xstrdup(dot ? dot + 1 : name);

    for (char *p = title; *p; p++)
        if (*p == '-' || *p == '_')
            *p = ' ';
    return json_string_nocheck(title);
}

/* Titles by field; what rows have for `.Label "x"` gets titles, too. */
static json_t *titles_of(const struct cb_listing *listing, const json_t *rows)
{
    json_t *titles = json_object();

    for (const struct cb_listing_field *field = listing->fields; field->name; field++)
        json_object_set_new(titles, field->name, json_string(field->title));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *key, *name;
        json_t *value, *item;

        json_object_foreach(json_array_get(rows, i), key, value)
        {
            if (!json_is_object(value))
                continue;
            if (!json_is_object(json_object_get(titles, key)))
                json_object_set_new(titles, key, json_object());
            json_object_foreach(value, name, item)
            {
                json_object_set_new(json_object_get(titles, key), name,
                                    label_title(name));
            }
        }
    }
    return titles;
}

/* ── Columns ── */

static size_t width_of(const char *text, size_t len)
{
    size_t width = 0;

    for (size_t i = 0; i < len; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

struct widths {
    size_t *items;
    size_t count, capacity;
};

static void measure(const char *text, struct widths *widths)
{
    size_t column = 0;

    while (*text) {
        size_t len = strcspn(text, "\t\n");

        if (text[len] == '\t') {
            size_t width = width_of(text, len);

            while (widths->count <= column)
                cb_vec_push(widths, 0);
            if (width > widths->items[column])
                widths->items[column] = width;
            column++;
        } else {
            column = 0;
        }
        text += len + (text[len] != '\0');
    }
}

static void print_columns(const char *text)
{
    struct widths widths = {0};
    size_t column = 0;

    measure(text, &widths);
    while (*text) {
        size_t len = strcspn(text, "\t\n");

        fwrite(text, 1, len, stdout);
        if (text[len] == '\t') {
            size_t wide = widths.items[column++] + COLUMN_GAP;

            for (size_t i = width_of(text, len);
                 i < (wide < COLUMN_MIN ? COLUMN_MIN : wide); i++)
                putchar(' ');
        } else {
            column = 0;
            if (text[len])
                putchar('\n');
        }
        text += len + (text[len] != '\0');
    }
    cb_vec_free(&widths);
}

/* Names and labels are foreign. A table is for people wherever it goes, so it is always
 * escaped; what a template makes may be for a program. */
static void print_table(const struct cb_strbuf *out)
{
    cb_auto_value(cb_strbuf) escaped = {0};

    cb_strbuf_add_escaped(&escaped, cb_strbuf_text(out), out->len, 1);
    print_columns(cb_strbuf_text(&escaped));
}

/* ── Lists ── */

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What is an object is for templates only. In the order of docker's: its rows are maps.
 */
static void print_row(const json_t *row)
{
    cb_auto_json *shown = json_object();
    cb_autofree const char **keys = xcalloc(json_object_size(row) + 1, sizeof(*keys));
    const char *key;
    json_t *value;
    size_t count = 0;

    json_object_foreach((json_t *)row, key, value)
    {
        if (!json_is_object(value))
            keys[count++] = key;
    }
    qsort(keys, count, sizeof(*keys), compare_keys);
    for (size_t i = 0; i < count; i++)
        json_object_set(shown, keys[i], json_object_get(row, keys[i]));
    cb_print_json(shown);
}

static void print_json(const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++)
        print_row(json_array_get(rows, i));
}

static int parse(const struct cb_listing *listing, const char *format, int *table,
                 struct cb_template **out, struct cb_error **err)
{
    const char *from = template_text(listing, format, table);
    cb_autofree char *text = unescape(from + strspn(from, " "));
    size_t len = strlen(text);

    while (len && text[len - 1] == ' ')
        text[--len] = '\0';

    if (cb_template_parse(out, text, err) < 0)
        return cb_error_hint(err,
                             "`--format json` and `--format table` need no template");
    return 0;
}

const char *cb_listing_quiet(const char *format, const char *table, const char *raw)
{
    if (!format || !*format || strcmp(format, "table") == 0)
        return table;
    return strcmp(format, "raw") == 0 ? raw : format;
}

int cb_listing_check(const struct cb_listing *listing, const char *format,
                     struct cb_error **err)
{
    cb_auto(cb_template) template = NULL;
    cb_auto_value(cb_strbuf) ignored = {0};
    cb_auto_json *titles = NULL;
    int table;

    if (is_json(format))
        return 0;
    if (parse(listing, format, &table, &template, err) < 0)
        return -1;
    titles = titles_of(listing, NULL);
    /* Labels are asked for by names that no row has shown yet. */
    json_object_set_new(titles, "Label", json_object());
    if (cb_template_execute(template, titles, &ignored, err) < 0)
        return execution_failed(listing, err);
    return 0;
}

int cb_listing_kind(const struct cb_listing *listing, const char *format,
                    struct cb_error **err)
{
    cb_auto(cb_template) template = NULL;
    int table;

    if (!format || !*format || strcmp(format, "table") == 0)
        return CB_LISTING_TABLE;
    if (strcmp(format, "json") == 0)
        return CB_LISTING_JSON;
    if (!strstr(format, "{{"))
        return cb_error_argument(err, format, "--format",
                                 "expected table, json or a template");
    return parse(listing, format, &table, &template, err) < 0 ? -1 : CB_LISTING_TEMPLATE;
}

int cb_listing_print(const struct cb_listing *listing, const char *format,
                     const json_t *rows, struct cb_error **err)
{
    cb_auto(cb_template) template = NULL;
    cb_auto_value(cb_strbuf) out = {0};
    cb_auto_json *titles = NULL;
    int table;

    if (is_json(format)) {
        print_json(rows);
        return 0;
    }
    if (parse(listing, format, &table, &template, err) < 0)
        return -1;
    titles = table ? titles_of(listing, rows) : NULL;
    if (table && cb_template_execute_titles(template, titles, &out, err) < 0)
        return execution_failed(listing, err);
    if (table)
        cb_strbuf_addc(&out, '\n');
    for (size_t i = 0; i < json_array_size(rows); i++) {
        if (cb_template_execute(template, json_array_get(rows, i), &out, err) < 0)
            return execution_failed(listing, err);
        cb_strbuf_addc(&out, '\n');
    }
    if (table)
        print_table(&out);
    else
        cb_print_foreign(&out);
    return 0;
}

static json_t *member(const json_t *object, const char *name)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        if (strcasecmp(key, name) == 0)
            return value;
    }
    return NULL;
}

int cb_listing_print_documents(const struct cb_listing *listing, const char *format,
                               const json_t *rows, struct cb_error **err)
{
    cb_auto_json *named = json_array();

    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_object();

        for (const struct cb_listing_field *field = listing->fields; field->name; field++)
            json_object_set(row, field->name,
                            member(json_array_get(rows, i), field->name));
        json_array_append_new(named, row);
    }
    return cb_listing_print(listing, format, named, err);
}

/* ── Documents ── */

/* An empty line stands in the place of a result that there is not, as docker has it. */
int cb_inspect_print(const char *format, const json_t *documents, struct cb_error **err)
{
    cb_auto(cb_template) template = NULL;
    cb_auto(cb_error) error = NULL;

    if (!format || !*format) {
        cb_autofree char *indented = json_dumps(documents, JSON_INDENT(4));

        cb_print_json_text(indented ? indented : "[]", indented ? strlen(indented) : 2);
        putchar('\n');
        return 0;
    }
    if (strcmp(format, "json") == 0) {
        cb_print_json(documents);
        return 0;
    }
    if (cb_template_parse(&template, format, &error) < 0)
        return cb_error_set(err, CB_ERR_FORMAT, "%s", cb_error_message(error));
    if (!json_array_size(documents))
        putchar('\n');
    for (size_t i = 0; i < json_array_size(documents); i++) {
        cb_auto_value(cb_strbuf) out = {0};

        if (cb_template_execute_typed(template, json_array_get(documents, i),
                                      cb_inspect_fields(), &out, err) < 0) {
            putchar('\n');
            return cb_error_wrap(err, "template parsing error");
        }
        cb_strbuf_addc(&out, '\n');
        cb_print_foreign(&out);
    }
    return 0;
}
