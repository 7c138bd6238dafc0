/* cbuild __man PROSE DIRECTORY: writes cbuild.1 and a page for each command, for each
 * group of them and, as a reference, for docker's other spellings. Prose of an option
 * that no command has is an error, so that the two cannot drift apart. */
#include "commands/man.h"

#include "base/atomic-file.h"
#include "base/fs.h"
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

static int write_command(const struct writer *writer,
                         const struct cb_cli_command *command, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) out = {0};
    cb_autofree char *name = page_name(command->name, NULL);

    add_title(&out, writer, name, command->summary);
    cb_man_add_synopsis(&out, command);
    cb_man_add_description(&out, &writer->prose, command);
    cb_man_add_options(&out, &writer->prose, command);
    if (cb_command_is_group(command->name))
        cb_man_add_verbs(&out, command->name);
    cb_man_add_docker_options(&out, command);
    cb_man_add_foreign_options(&out, command);
    cb_man_add_examples(&out, command);
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
    cb_man_add_verbs(&out, group);
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
        if (cb_man_is_about(section, cb_commands[i]) &&
            cb_man_find_option(cb_commands[i], option))
            return 1;
    for (size_t at = 0; cb_command_next_spelling(&at, &group, &verb, &command);)
        if (cb_man_is_about(section, command) && cb_man_find_option(command, option))
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
    .is_internal = 1,
    .stays_out = 1,
};
