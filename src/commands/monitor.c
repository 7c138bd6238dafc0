/* The command behind a monitor's process; it is in no table. */
#include "container/monitor.h"
#include "commands/commands.h"

#include <sys/prctl.h>

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    if (argc != 2)
        return cb_error_set(err, CB_ERR_USAGE, "a monitor is started by `cbuild run`");
    /* or it were `exe`, after the link by which it was executed */
    prctl(PR_SET_NAME, CB_MONITOR_NAME, 0, 0, 0);
    cb_app_raise_files();
    return cb_monitor_run(app->launcher, app->hub, argv[0], argv[1], app->cancel, err);
}

const struct cb_cli_command cb_monitor_command = {
    .name = CB_MONITOR_NAME,
    .usage = CB_MONITOR_NAME " STORE CONTAINER",
    .takes_program = 1,
    .run = run,
    .is_internal = 1,
    .needs_launcher = 1,
    .meets = CB_MEETS_IF_THERE,
};
