/* A command of the table is called: its words are read by its options, those that are
 * left are counted, and what was read is let go of again. So a command's own file says
 * what it takes and what it does, and nothing of how. */
#include "commands/commands.h"

#include <string.h>

int cb_command_check_args(const struct cb_cli_command *command,
                          const struct cb_strings *args, int min, int max,
                          struct cb_error **err)
{
    const char *amount = max < 0 ? "at least " : min == max ? "exactly " : "";
    int count = (int)args->count;

    if (count >= min && (max < 0 || count <= max))
        return 0;
    if (max >= 0 && min != max)
        amount = count < min ? "at least " : "at most ";
    if (max == 0)
        cb_error_set(err, CB_ERR_USAGE, "`cbuild %s` accepts no arguments",
                     command->name);
    else
        cb_error_set(err, CB_ERR_USAGE, "`cbuild %s` requires %s%d argument%s",
                     command->name, amount, count < min ? min : max,
                     (count < min ? min : max) == 1 ? "" : "s");
    return cb_error_hint(err, "usage: cbuild %s", command->usage);
}

static void clear_lists(const struct cb_option *options, void *values)
{
    for (const struct cb_option *o = options; o->name; o++)
        if (o->kind == CB_OPTION_LIST)
            cb_strings_free((struct cb_strings *)((char *)values + o->offset));
}

int cb_command_call(const struct cb_cli_command *command, struct cb_app *app, int argc,
                    char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_autofree void *values = NULL;
    int status;

    if (command->run)
        return command->run(app, argc, argv, err);
    if (command->values_size)
        values = xcalloc(1, command->values_size);
    if (command->defaults)
        memcpy(values, command->defaults, command->values_size);
    status =
        cb_options_parse(command, argc, argv, command->takes_program, values, &args, err);
    if (status > 0)
        status = 0;
    else if (status == 0 &&
             (status = cb_command_check_args(command, &args, command->min_args,
                                             command->max_args, err)) == 0)
        status = command->act(app, values, &args, err);
    if (values)
        clear_lists(command->options, values);
    return status;
}

int cb_each_named(const struct cb_strings *names,
                  int (*act)(void *arg, const char *name, struct cb_error **err),
                  void *arg, struct cb_error **err)
{
    cb_auto(cb_error) errors = NULL;

    cb_vec_foreach (name, names) {
        struct cb_error *error = NULL;

        if (act(arg, *name, &error) >= 0)
            continue;
        cb_error_append(&errors, error);
        if (cb_error_kind(error) == CB_ERR_CANCELED)
            break;
    }
    return errors ? cb_error_move(err, &errors) : 0;
}
