/* Which prose is of which command and option. */
#include "commands/man.h"

#include "commands/table.h"

#include <stdio.h>
#include <string.h>

int cb_man_is_about(const struct cb_man_section *section,
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

const struct cb_option *cb_man_find_option(const struct cb_cli_command *command,
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

const struct cb_man_item *cb_man_item_of(const struct cb_man_prose *prose,
                                         const struct cb_cli_command *command,
                                         const struct cb_option *option)
{
    const struct cb_man_item *item = NULL;

    cb_vec_foreach (section, &prose->sections)
        if (!item && cb_man_is_about(*section, command))
            item = find_item(*section, option);
    for (size_t i = 0; !item && cb_commands[i]; i++)
        if (cb_commands[i] != command && is_of(option, cb_commands[i]))
            cb_vec_foreach (section, &prose->sections)
                if (!item && cb_man_is_about(*section, cb_commands[i]))
                    item = find_item(*section, option);
    return item;
}
