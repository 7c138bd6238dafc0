/* What `--help` prints: the overview by sections, and a page for each command, out of the
 * tables that command lines are read with. */
#include "commands/help.h"

#include "commands/globals.h"
#include "commands/table.h"

#include <string.h>

/* Under which heading a command stands in the overview, by its first word. */
static const struct {
    const char *title, *words;
} sections[] = {
    {"Building", " build lint parse graph explain context builds debug "},
    {"Images", " images inspect history tag untag rmi image save load import squash "},
    {"Registries", " pull push copy manifest login logout search "},
    {"Containers",
     " run create start ps exec logs attach stop kill restart wait rm rename "
     "pause unpause update port top stats cp diff export commit container "
     "checkpoint "},
    {"Networks and volumes", " network volume "},
    {"What is stored, and this program", NULL}, /* all others */
};

size_t cb_help_section(const struct cb_cli_command *command)
{
    cb_autofree char *word =
        xasprintf(" %.*s ", (int)strcspn(command->name, " "), command->name);
    size_t i = 0;

    while (sections[i].words && !strstr(sections[i].words, word))
        i++;
    return i;
}

const char *cb_help_section_title(size_t section)
{
    return section < CB_ARRAY_SIZE(sections) ? sections[section].title : NULL;
}

static void print_section(size_t section, FILE *out)
{
    fprintf(out, "%s%s:\n", section ? "\n" : "", sections[section].title);
    for (size_t i = 0; cb_commands[i]; i++)
        if (cb_help_section(cb_commands[i]) == section)
            fprintf(out, "  %-18s %s\n", cb_commands[i]->name, cb_commands[i]->summary);
}

void cb_print_overview(FILE *out)
{
    fputs("cbuild builds images from Dockerfiles, runs them and ships them.\n"
          "\n"
          "Usage:\n"
          "  cbuild -t NAME[:TAG] PATH    build an image (short for `cbuild build`)\n"
          "  cbuild COMMAND [OPTIONS]\n"
          "\n",
          out);
    for (size_t i = 0; i < CB_ARRAY_SIZE(sections); i++)
        print_section(i, out);
    fputs("\nOptions of every command:\n", out);
    cb_options_print(cb_globals, out);
    fputs("  -h, --help                Help, also of a command: `cbuild build --help`\n"
          "\nOptions before the command:\n",
          out);
    cb_options_print(cb_leading_globals, out);
    fputs("  -v, --version             The version\n"
          "\n"
          "Docker's two-word spellings work too: `cbuild image ls`. `man cbuild-build` "
          "and\n"
          "the like say more.\n",
          out);
}

static void print_verbs(const char *group, FILE *out)
{
    const char *verb, *summary;

    fputs("\nCommands:\n", out);
    for (size_t at = 0; (verb = cb_command_next_verb(group, &at, &summary));)
        fprintf(out, "  %-10s %s\n", verb, summary);
}

void cb_print_group_help(const char *group, FILE *out)
{
    fprintf(out, "Usage: cbuild %s COMMAND [OPTIONS]\n", group);
    print_verbs(group, out);
    fprintf(out, "\n`cbuild %s COMMAND --help` says more.\n", group);
}

static int lists_options(const struct cb_cli_command *command)
{
    for (const struct cb_option *option = command->options; option->name; option++)
        if (option->help && *option->help)
            return 1;
    return 0;
}

static void print_examples(const struct cb_cli_command *command, FILE *out)
{
    const char *text = cb_command_examples(command);

    fputs(text ? "\nExamples:\n" : "", out);
    while (text && *text) {
        int len = (int)strcspn(text, "\n");

        fprintf(out, "  %.*s\n", len, text);
        text += len + 1;
    }
}

void cb_print_command_help(const struct cb_cli_command *command, FILE *out)
{
    fprintf(out, "Usage: cbuild %s\n\n%s\n", command->usage, command->summary);
    if (command->about)
        fprintf(out, "\n%s\n", command->about);
    if (lists_options(command)) {
        fputs("\nOptions:\n", out);
        cb_options_print(command->options, out);
    }
    print_examples(command, out);
    if (cb_command_is_group(command->name))
        print_verbs(command->name, out);
}
