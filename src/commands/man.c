/* cbuild __man PROSE DIRECTORY: writes cbuild.1 and a page for each command, for each
 * group of them and, as a reference, for docker's other spellings. Prose of an option
 * that no command has is an error, so that the two cannot drift apart. */
#include "commands/man.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "commands/commands.h"
#include "commands/help.h"
#include "commands/table.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

struct writer {
    struct cb_man_prose prose;
    const char *path; /* of the prose */
    int dir_fd;
};

static char *page_name(const char *first, const char *second)
{
    char *name =
        second ? xasprintf("cbuild-%s-%s", first, second) : xasprintf("cbuild-%s", first);

    for (char *p = name; *p; p++)
        if (*p == ' ')
            *p = '-';
    return name;
}

static int write_page(const struct writer *writer, const char *name,
                      const struct cb_strbuf *text, struct cb_error **err)
{
    cb_autofree char *file = xasprintf("%s.1", name);

    return cb_atomic_file_write(writer->dir_fd, file, cb_strbuf_text(text), text->len,
                                0644, 0, err);
}

/* ── Which prose is whose ── */

/* Is COMMAND one of the title's: "volume rm [-f] name ..., volume prune [-af]"? */
static int is_about(const struct cb_man_section *section,
                    const struct cb_cli_command *command)
{
    for (const char *p = section->title; p; p = strchr(p, ',')) {
        char words[2][32] = {"", ""};
        char *argv[] = {words[0], words[1]};
        int used;

        p += strspn(p, ", ");
        if (sscanf(p, "%31[a-z] %31[a-z]", words[0], words[1]) > 0 &&
            cb_command_find(words[1][0] ? 2 : 1, argv, &used) == command)
            return 1;
    }
    return 0;
}

static int is_named(const struct cb_option *option, const char *name)
{
    return name[1] ? strcmp(option->name, name) == 0 : option->letter == name[0];
}

static const struct cb_option *find_option(const struct cb_cli_command *command,
                                           const char *name)
{
    for (const struct cb_option *o = command->options; o->name; o++)
        if (is_named(o, name))
            return o;
    return NULL;
}

static int is_of(const struct cb_option *option, const struct cb_cli_command *command)
{
    for (const struct cb_option *o = command->options; o->name; o++)
        if (o == option)
            return 1;
    return 0;
}

static const struct cb_man_item *find_item(const struct cb_man_section *section,
                                           const struct cb_option *option)
{
    cb_vec_foreach (item, &section->items)
        for (size_t i = 0; i < (*item)->options.count; i++)
            if (is_named(option, (*item)->options.items[i]) && (*item)->text.len)
                return *item;
    return NULL;
}

/* What the prose says of an option of COMMAND's, in its section or in that of another
 * with the same row in its table. */
static const struct cb_man_item *item_of(const struct cb_man_prose *prose,
                                         const struct cb_cli_command *command,
                                         const struct cb_option *option)
{
    const struct cb_man_item *item = NULL;

    cb_vec_foreach (section, &prose->sections)
        if (!item && is_about(*section, command))
            item = find_item(*section, option);
    for (size_t i = 0; !item && cb_commands[i]; i++)
        if (cb_commands[i] != command && is_of(option, cb_commands[i]))
            cb_vec_foreach (section, &prose->sections)
                if (!item && is_about(*section, cb_commands[i]))
                    item = find_item(*section, option);
    return item;
}

/* ── Parts of a page ── */

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
        add_head(out, find_option(command, item->options.items[i]), done);
    add_head(out, option, done);
    cb_strbuf_addc(out, '\n');
}

static int is_listed(const struct cb_option *option)
{
    return option->kind != CB_OPTION_ACCEPTED && option->help;
}

static void add_options(struct cb_strbuf *out, const struct cb_man_prose *prose,
                        const struct cb_cli_command *command)
{
    cb_auto_value(cb_strings) done = {0};

    for (const struct cb_option *o = command->options; o->name; o++) {
        const struct cb_man_item *item;

        if (!is_listed(o) || cb_strings_contain(&done, o->name))
            continue;
        if (!done.count)
            cb_strbuf_adds(out, ".Sh OPTIONS\n.Bl -tag -width Ds\n");
        item = item_of(prose, command, o);
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

static void add_docker_options(struct cb_strbuf *out,
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

static void add_verbs(struct cb_strbuf *out, const char *group)
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
static void add_synopsis(struct cb_strbuf *out, const struct cb_cli_command *command)
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

static void add_title(struct cb_strbuf *out, const struct writer *writer,
                      const char *name, const char *summary)
{
    cb_strbuf_addf(out, "%s\n.Dt ", writer->prose.date);
    for (const char *p = name; *p; p++)
        cb_strbuf_addc(out, (char)toupper((unsigned char)*p));
    cb_strbuf_addf(out, " 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd %c%s\n", name,
                   isupper((unsigned char)summary[1])
                       ? *summary
                       : (char)tolower((unsigned char)*summary),
                   summary + 1);
}

/* ── Pages ── */

static void add_description(struct cb_strbuf *out, const struct cb_man_prose *prose,
                            const struct cb_cli_command *command)
{
    size_t begin;

    cb_strbuf_adds(out, ".Sh DESCRIPTION\n");
    begin = out->len;
    cb_vec_foreach (section, &prose->sections) {
        if (!is_about(*section, command))
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

static void add_examples(struct cb_strbuf *out, const struct cb_cli_command *command)
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

static int write_command(const struct writer *writer,
                         const struct cb_cli_command *command, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) out = {0};
    cb_autofree char *name = page_name(command->name, NULL);

    add_title(&out, writer, name, command->summary);
    add_synopsis(&out, command);
    add_description(&out, &writer->prose, command);
    add_options(&out, &writer->prose, command);
    if (cb_command_is_group(command->name))
        add_verbs(&out, command->name);
    add_docker_options(&out, command);
    if (command->foreign) {
        cb_strbuf_adds(&out, ".Sh OPTIONS OF OTHER TOOLS\n"
                             "What takes the place of those of buildah and kaniko:\n"
                             ".Bl -tag -width Ds\n");
        add_absent_options(&out, command->foreign);
    }
    add_examples(&out, command);
    cb_strbuf_adds(&out, ".Sh SEE ALSO\n.Xr cbuild 1\n");
    return write_page(writer, name, &out, err);
}

static int write_group(const struct writer *writer, const char *group,
                       struct cb_error **err)
{
    cb_auto_value(cb_strbuf) out = {0};
    cb_autofree char *name = page_name(group, NULL);
    cb_autofree char *summary = xasprintf("commands about %ss", group);

    add_title(&out, writer, name,
              strcmp(group, "system") == 0 ? "commands about all that is stored"
                                           : summary);
    cb_strbuf_addf(&out,
                   ".Sh SYNOPSIS\n.Nm cbuild Cm %s Ar command Op Ar options\n"
                   ".Sh DESCRIPTION\nEach command has a page.\n",
                   group);
    add_verbs(&out, group);
    cb_strbuf_adds(&out, ".Sh SEE ALSO\n.Xr cbuild 1\n");
    return write_page(writer, name, &out, err);
}

static int write_groups(const struct writer *writer, struct cb_error **err)
{
    const char *group;

    for (size_t at = 0; (group = cb_command_next_group(&at));) {
        char *argv[] = {(char *)group};
        int used;

        if (!cb_command_find(1, argv, &used) && write_group(writer, group, err) < 0)
            return -1;
    }
    return 0;
}

/* docker's spellings lead to the page of the command; what has only two words has one of
 * its own. */
static int write_spellings(const struct writer *writer, struct cb_error **err)
{
    const struct cb_cli_command *command;
    const char *group, *verb;

    for (size_t at = 0; cb_command_next_spelling(&at, &group, &verb, &command);) {
        cb_auto_value(cb_strbuf) out = {0};
        cb_autofree char *name = page_name(group, verb);
        cb_autofree char *page = page_name(command->name, NULL);
        int is_own = strcmp(name, page) == 0;

        cb_strbuf_addf(&out, ".so man1/%s.1\n", page);
        if ((is_own ? write_command(writer, command, err)
                    : write_page(writer, name, &out, err)) < 0)
            return -1;
    }
    return 0;
}

static int write_overview(const struct writer *writer, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) out = {0};
    const char *title;

    cb_strbuf_adds(&out, cb_strbuf_text(&writer->prose.before));
    cb_strbuf_adds(&out, ".Sh COMMANDS\n");
    for (size_t section = 0; (title = cb_help_section_title(section)); section++) {
        cb_strbuf_addf(&out, ".Ss %s\n.Bl -tag -width cbuild-manifest-annotate\n", title);
        for (size_t i = 0; cb_commands[i]; i++) {
            cb_autofree char *name = page_name(cb_commands[i]->name, NULL);

            if (cb_help_section(cb_commands[i]) != section)
                continue;
            cb_strbuf_addf(&out, ".It Xr %s 1\n", name);
            cb_man_add_text(&out, cb_commands[i]->summary, NULL);
        }
        cb_strbuf_adds(&out, ".El\n");
    }
    cb_strbuf_adds(&out, cb_strbuf_text(&writer->prose.after));
    return write_page(writer, "cbuild", &out, err);
}

/* ── The prose is of what there is ── */

static int is_known(const struct cb_man_section *section, const char *option)
{
    const struct cb_cli_command *command;
    const char *group, *verb;

    for (size_t i = 0; cb_commands[i]; i++)
        if (is_about(section, cb_commands[i]) && find_option(cb_commands[i], option))
            return 1;
    for (size_t at = 0; cb_command_next_spelling(&at, &group, &verb, &command);)
        if (is_about(section, command) && find_option(command, option))
            return 1;
    return 0;
}

static int check_prose(const struct writer *writer, struct cb_error **err)
{
    cb_vec_foreach (section, &writer->prose.sections)
        cb_vec_foreach (item, &(*section)->items)
            for (size_t i = 0; i < (*item)->options.count; i++)
                if (!is_known(*section, (*item)->options.items[i]))
                    return cb_error_set(err, CB_ERR_SYNTAX, "%s: `%s` has no option `%s`",
                                        writer->path, (*section)->title,
                                        (*item)->options.items[i]);
    return 0;
}

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    struct writer writer = {.dir_fd = -1};
    int status = -1;

    if (argc != 2)
        return cb_error_set(err, CB_ERR_USAGE, "usage: cbuild %s", cb_man_command.usage);
    writer.path = argv[0];
    if (cb_man_prose_read(&writer.prose, argv[0], err) == 0 &&
        check_prose(&writer, err) == 0 && cb_fs_mkdirs(argv[1], 0755, err) == 0) {
        writer.dir_fd = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
        status = write_overview(&writer, err);
        for (size_t i = 0; status == 0 && cb_commands[i]; i++)
            status = write_command(&writer, cb_commands[i], err);
        if (status == 0 &&
            (write_groups(&writer, err) < 0 || write_spellings(&writer, err) < 0))
            status = -1;
    }
    cb_man_prose_free(&writer.prose);
    cb_close(&writer.dir_fd);
    return status;
}

static const struct cb_option no_options[] = {{0}};

const struct cb_cli_command cb_man_command = {
    .name = "__man",
    .summary = "Write the manual pages",
    .usage = "__man PROSE DIRECTORY",
    .options = no_options,
    .run = run,
    .stays_out = 1,
};
