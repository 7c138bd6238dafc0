/* cbuild version. */
#include "commands/commands.h"

#include <stdio.h>

struct values {
    int brief;
};

static const struct cb_option options[] = {
    {"short", 0, CB_OPTION_FLAG, offsetof(struct values, brief), NULL, "One line"},
    {0},
};

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    struct cb_platform host = cb_platform_host();
    cb_autofree char *platform = cb_platform_text(&host);
    struct values values = {0};
    int status =
        cb_options_parse(&cb_version_command, argc, argv, 0, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_version_command, &args, 0, 0, err) < 0)
        return -1;
    if (values.brief)
        printf("cbuild version %s\n", PACKAGE_VERSION);
    else
        printf("cbuild\n Version:   %s\n Platform:  %s\n", PACKAGE_VERSION, platform);
    return 0;
}

const struct cb_cli_command cb_version_command = {
    .name = "version",
    .summary = "Show the version",
    .usage = "version",
    .options = options,
    .run = run,
    .stays_out = 1,
};
