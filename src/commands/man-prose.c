/* Takes docs/man/cbuild.1 apart: what stands before COMMANDS and after it, the section of
 * each command, and in those the items of options. Lists of other things stay text. */
#include "commands/man.h"

#include "base/fs.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#define PROSE_MAX_BYTES (1 << 20)

static int starts(const char *line, const char *macro)
{
    size_t len = strlen(macro);

    return strncmp(line, macro, len) == 0 && (!line[len] || line[len] == ' ');
}

static void add_line(struct cb_strbuf *out, const char *line)
{
    /* Without a name it is the page's, which is another one here. */
    if (starts(line, ".Nm") && (!line[3] || !islower((unsigned char)line[4])))
        cb_strbuf_addf(out, ".Nm cbuild%s\n", line + 3);
    else
        cb_strbuf_addf(out, "%s\n", line);
}

/* ── Heads of items ── */

/* The options that "Fl m , -memory Ar size , Fl -shm-size Ar size" names: what follows Fl
 * up to the next macro. */
static void add_options(struct cb_strings *options, const char *head)
{
    int in_flags = 0;

    for (const char *p = head + strspn(head, " "); *p; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");

        if (len == 2 && isupper((unsigned char)p[0]) && islower((unsigned char)p[1]))
            in_flags = memcmp(p, "Fl", 2) == 0;
        else if (in_flags && *p == '-' && len > 1)
            cb_strings_take(options, xstrndup(p + 1, len - 1));
        else if (in_flags && isalnum((unsigned char)*p) && len == 1)
            cb_strings_take(options, xstrndup(p, len));
        p += len;
    }
}

static int is_option_item(const struct cb_strings *lines, size_t at)
{
    const char *line = lines->items[at];

    return starts(line, ".It Fl") || (starts(line, ".It Xo") && at + 1 < lines->count &&
                                      starts(lines->items[at + 1], ".Fl"));
}

/* Reads the head at *AT, which .Xc ends where it is several lines. */
static struct cb_man_item *item_new(const struct cb_strings *lines, size_t *at)
{
    struct cb_man_item *item = xcalloc(1, sizeof(*item));
    const char *line = lines->items[*at];

    add_options(&item->options, line + 3);
    if (starts(line, ".It Xo"))
        while (++*at < lines->count && !starts(line = lines->items[*at], ".Xc"))
            add_options(&item->options, line + 1);
    return item;
}

/* ── Sections ── */

/* The items of the list of options that begins at *AT; leaves *AT at its .El. */
static void read_items(struct cb_man_section *section, const struct cb_strings *lines,
                       size_t *at)
{
    struct cb_man_item *item = NULL;
    int depth = 1;

    while (++*at < lines->count) {
        const char *line = lines->items[*at];

        if (starts(line, ".Bl"))
            depth++;
        if (starts(line, ".El") && --depth == 0)
            return;
        if (depth == 1 && is_option_item(lines, *at)) {
            item = item_new(lines, at);
            cb_vec_push(&section->items, item);
        } else if (item) {
            add_line(&item->text, line);
        }
    }
}

/* Up to the next section; leaves *AT at its last line. */
static void read_section(struct cb_man_prose *prose, size_t *at)
{
    const struct cb_strings *lines = &prose->lines;
    struct cb_man_section *section = xcalloc(1, sizeof(*section));

    section->title = lines->items[*at] + strlen(".Ss ");
    cb_vec_push(&prose->sections, section);
    while (*at + 1 < lines->count && !starts(lines->items[*at + 1], ".Ss") &&
           !starts(lines->items[*at + 1], ".Sh")) {
        const char *line = lines->items[++*at];

        if (starts(line, ".Bl") && *at + 1 < lines->count &&
            is_option_item(lines, *at + 1))
            read_items(section, lines, at);
        else
            add_line(&section->text, line);
    }
}

/* Also the empty ones; the last ends with a newline. */
static void split_lines(struct cb_strings *lines, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");

        cb_strings_take(lines, xstrndup(text, len));
        text += len + (text[len] == '\n');
    }
}

int cb_man_prose_read(struct cb_man_prose *prose, const char *path, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_strbuf *part = &prose->before;

    if (cb_fs_read_file(AT_FDCWD, path, PROSE_MAX_BYTES, &text, err) < 0)
        return -1;
    split_lines(&prose->lines, cb_strbuf_text(&text));
    for (size_t i = 0; i < prose->lines.count; i++) {
        const char *line = prose->lines.items[i];

        if (starts(line, ".Dd"))
            prose->date = line;
        if (strcmp(line, ".Sh COMMANDS") == 0)
            part = NULL;
        else if (!part && starts(line, ".Sh"))
            part = &prose->after;
        if (part)
            cb_strbuf_addf(part, "%s\n", line);
        else if (starts(line, ".Ss"))
            read_section(prose, &i);
    }
    if (!prose->date || !prose->sections.count || !prose->after.len)
        return cb_error_set(err, CB_ERR_SYNTAX, "%s: not the manual page of cbuild",
                            path);
    return 0;
}

void cb_man_prose_free(struct cb_man_prose *prose)
{
    cb_vec_foreach (section, &prose->sections) {
        cb_vec_foreach (item, &(*section)->items) {
            cb_strings_free(&(*item)->options);
            cb_strbuf_free(&(*item)->text);
            free(*item);
        }
        cb_vec_free(&(*section)->items);
        cb_strbuf_free(&(*section)->text);
        free(*section);
    }
    cb_vec_free(&prose->sections);
    cb_strbuf_free(&prose->before);
    cb_strbuf_free(&prose->after);
    cb_strings_free(&prose->lines);
}
