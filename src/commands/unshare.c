/* cbuild unshare: a program in the user namespace that an ordinary user's commands work
 * in, where it is root of that user's files and sees what is mounted there. */
#include "commands/run.h"

#include "base/subprocess.h"

#include <stdlib.h>
#include <unistd.h>

static const struct cb_option options[] = {{0}};

static int store_root(struct cb_app *app, char **out, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;

    if (cb_app_store(app, CB_STORE_CREATE, &store, err) < 0)
        return -1;
    *out = xstrdup(cb_store_root(store));
    return 0;
}

static int run(struct cb_app *app, void *values, const struct cb_strings *args,
               struct cb_error **err)
{
    const char *shell = getenv("SHELL");
    char *alone[] = {(char *)(shell && *shell ? shell : "/bin/sh"), NULL};
    cb_autofree char **argv = cb_strings_argv(args);
    cb_autofree char **environment = NULL;
    cb_auto_value(cb_strings) variables = {0};
    cb_autofree char *root = NULL;
    char **program = args->count ? argv : alone;

    if (store_root(app, &root, err) < 0)
        return -1;
    for (char **variable = environ; *variable; variable++)
        cb_strings_add(&variables, *variable);
    /* Root of a namespace would look for the machine's store: it is told the user's. */
    cb_env_set(&variables, "CBUILD_ROOT", root);
    environment = cb_strings_argv(&variables);
    cb_subprocess_become(program, environment, err);
    return cb_run_fail(err);
}

const struct cb_cli_command cb_unshare_command = {
    .name = "unshare",
    .summary = "Run a program in the user namespace of cbuild",
    .usage = "unshare [PROGRAM [ARG...]]",
    .about =
        "Without root the user's images and volumes have files of many owners, which\n"
        "only this namespace can read and change, and mounts that only it sees. The\n"
        "program is $SHELL if none is named. Root stays where it is.",
    .options = options,
    .max_args = -1,
    .takes_program = 1,
    .act = run,
};
