/* The parts of a command's page. */
#include "commands/man.h"

#include "commands/help.h"
#include "commands/table.h"

#include <ctype.h>
#include <string.h>

static void add_option(struct cb_strbuf *out, const struct cb_option *option)
{
    if (option->letter)
        cb_strbuf_addf(out, " Fl %c ,", option->letter);
    cb_strbuf_addf(out, " Fl -%s", option->name);
    if (!option->metavar)
        return;
    cb_strbuf_adds(out, option->kind == CB_OPTION_OPTIONAL ? " Ns Op No = Ns" : "");
    cb_man_add_values(out, option->metavar);
}

/* What help has without a full stop. */
static void add_sentence(struct cb_strbuf *out, const char *text, const char *values)
{
    cb_autofree char *sentence = xasprintf("%s.", text);

    cb_man_add_text(out, sentence, values);
}

static void add_head(struct cb_strbuf *out, const struct cb_option *option,
                     struct cb_strings *done)
{
    if (!option || !option->help || cb_strings_contain(done, option->name))
        return;
    if (out->text[out->len - 1] != 't') /* not the first after .It */
        cb_strbuf_adds(out, " ,");
    add_option(out, option);
    cb_strings_add(done, option->name);
}

/* Those that the item tells of together, in its order. */
static void add_heads(struct cb_strbuf *out, const struct cb_cli_command *command,
                      const struct cb_man_item *item, const struct cb_option *option,
                      struct cb_strings *done)
{
    cb_strbuf_adds(out, ".It");
    for (size_t i = 0; item && i < item->options.count; i++)
        add_head(out, cb_man_find_option(command, item->options.items[i]), done);
    add_head(out, option, done);
    cb_strbuf_addc(out, '\n');
}

static int is_listed(const struct cb_option *option)
{
    return option->kind != CB_OPTION_ACCEPTED && option->help;
}

void cb_man_add_options(struct cb_strbuf *out, const struct cb_man_prose *prose,
                        const struct cb_cli_command *command)
{
    cb_auto_value(cb_strings) done = {0};

    for (const struct cb_option *o = command->options; o->name; o++) {
        const struct cb_man_item *item;

        if (!is_listed(o) || cb_strings_contain(&done, o->name))
            continue;
        if (!done.count)
            cb_strbuf_adds(out, ".Sh OPTIONS\n.Bl -tag -width Ds\n");
        item = cb_man_item_of(prose, command, o);
        add_heads(out, command, item, o, &done);
        if (item)
            cb_strbuf_add(out, item->text.text, item->text.len);
        else
            add_sentence(out, o->help, o->metavar);
    }
    if (done.count)
        cb_strbuf_adds(out, ".El\n");
}

/* Those that share what to do instead, as one item. */
static void add_absent_options(struct cb_strbuf *out, const struct cb_absent_option *o)
{
    while (o->name) {
        const char *instead = o->instead;
        cb_autofree char *text =
            xasprintf("%c%s", toupper((unsigned char)*instead), instead + 1);

        cb_strbuf_addf(out, ".It Fl -%s", o->name);
        while ((++o)->name && strcmp(o->instead, instead) == 0)
            cb_strbuf_addf(out, " , Fl -%s", o->name);
        cb_strbuf_addc(out, '\n');
        add_sentence(out, text, NULL);
    }
    cb_strbuf_adds(out, ".El\n");
}

void cb_man_add_docker_options(struct cb_strbuf *out,
                               const struct cb_cli_command *command)
{
    const char *title = ".Sh DIFFERENCES FROM DOCKER\n";
    const char *comma = "Accepted, and without effect:\n";
    size_t begin = out->len;

    for (const struct cb_option *o = command->options; o->name; o++) {
        if (o->kind != CB_OPTION_ACCEPTED)
            continue;
        cb_strbuf_addf(out, "%s%s.Fl -%s", out->len == begin ? title : "", comma,
                       o->name);
        comma = " ,\n";
    }
    if (out->len > begin)
        cb_strbuf_adds(out, " .\n");
    if (!command->absent || !command->absent->name)
        return;
    cb_strbuf_addf(out, "%s%sNot here:\n.Bl -tag -width Ds\n",
                   out->len == begin ? title : "", out->len == begin ? "" : ".Pp\n");
    add_absent_options(out, command->absent);
}

void cb_man_add_foreign_options(struct cb_strbuf *out,
                                const struct cb_cli_command *command)
{
    if (!command->foreign)
        return;
    cb_strbuf_adds(out, ".Sh OPTIONS OF OTHER TOOLS\n"
                        "What takes the place of those of buildah and kaniko:\n"
                        ".Bl -tag -width Ds\n");
    add_absent_options(out, command->foreign);
}

static void add_spellings(struct cb_strbuf *out, const struct cb_cli_command *command)
{
    const struct cb_cli_command *other;
    const char *group, *verb;
    int count = 0;

    for (size_t at = 0; cb_command_next_spelling(&at, &group, &verb, &other);) {
        cb_autofree char *both = xasprintf("%s %s", group, verb);

        if (other != command || strcmp(both, command->name) == 0)
            continue;
        cb_strbuf_addf(out, "%s.Nm cbuild Cm %s",
                       count++ ? " ,\n" : ".Pp\nAlso spelled\n", both);
    }
    if (count)
        cb_strbuf_adds(out, " .\n");
}

void cb_man_add_verbs(struct cb_strbuf *out, const char *group)
{
    const char *verb, *summary;

    cb_strbuf_adds(out, ".Sh COMMANDS\n.Bl -tag -width Ds\n");
    for (size_t at = 0; (verb = cb_command_next_verb(group, &at, &summary));) {
        cb_strbuf_addf(out, ".It Xr cbuild-%s-%s 1\n", group, verb);
        cb_man_add_text(out, summary, NULL);
    }
    cb_strbuf_adds(out, ".El\n");
}

/* "cbuild save [options] image ...", each way that " or " separates in the usage. */
void cb_man_add_synopsis(struct cb_strbuf *out, const struct cb_cli_command *command)
{
    const char *usage = command->usage;
    const char *other = strstr(usage, "  or  ");
    cb_autofree char *first = xstrndup(usage, other ? (size_t)(other - usage) : 1024);

    cb_strbuf_adds(out, ".Sh SYNOPSIS\n.Nm cbuild");
    cb_man_add_values(out, first);
    cb_strbuf_addc(out, '\n');
    if (!other)
        return;
    cb_strbuf_addf(out, ".Nm cbuild Cm %s", command->name);
    cb_man_add_values(out, other + strlen("  or  "));
    cb_strbuf_addc(out, '\n');
}

void cb_man_add_description(struct cb_strbuf *out, const struct cb_man_prose *prose,
                            const struct cb_cli_command *command)
{
    size_t begin;

    cb_strbuf_adds(out, ".Sh DESCRIPTION\n");
    begin = out->len;
    cb_vec_foreach (section, &prose->sections) {
        if (!cb_man_is_about(*section, command))
            continue;
        cb_strbuf_adds(out, out->len > begin ? ".Pp\n" : "");
        cb_strbuf_add(out, cb_strbuf_text(&(*section)->text), (*section)->text.len);
    }
    if (out->len == begin) {
        add_sentence(out, command->summary, command->usage);
        if (command->about) {
            cb_strbuf_adds(out, ".Pp\n");
            cb_man_add_text(out, command->about, command->usage);
        }
    }
    add_spellings(out, command);
}

void cb_man_add_examples(struct cb_strbuf *out, const struct cb_cli_command *command)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *line = cb_command_examples(command);

    if (!line)
        return;
    while (*line) {
        int len = (int)strcspn(line, "\n");

        cb_strbuf_addf(&text, "  %.*s\n", len, line);
        line += len + 1;
    }
    cb_strbuf_adds(out, ".Sh EXAMPLES\n");
    cb_man_add_text(out, cb_strbuf_text(&text), command->usage);
}
