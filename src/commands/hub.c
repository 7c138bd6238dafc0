/* The command behind the process that keeps the hub; it is in no table. */
#include "commands/commands.h"

#include <sys/prctl.h>

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    if (argc > 1)
        return cb_error_set(err, CB_ERR_USAGE, "it is started by `cbuild run`");
    /* or it were `exe`, after the link by which it was executed */
    prctl(PR_SET_NAME, CB_HUB_NAME, 0, 0, 0);
    cb_app_raise_files();
    return cb_hub_keep(argc ? argv[0] : NULL, app->cancel, err);
}

/* It is started in the user namespace that it keeps. */
const struct cb_cli_command cb_hub_command = {
    .name = CB_HUB_NAME,
    .usage = CB_HUB_NAME,
    .takes_program = 1,
    .run = run,
    .is_internal = 1,
    .stays_out = 1,
};
