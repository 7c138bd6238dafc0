/* `buildx history`: docker's words for `builds`. Its verbs are other commands of cbuild,
 * but for those that lead to docker's desktop or to files of its own. */
#include "commands/commands.h"

#include "commands/help.h"

#include <string.h>

static const struct {
    const char *verb;
    const struct cb_cli_command *command;
} verbs[] = {
    {"inspect", &cb_builds_show_command},
    {"logs", &cb_builds_logs_command},
    {"ls", &cb_builds_ls_command},
    {"rm", &cb_builds_rm_command},
};

static const struct {
    const char *verb, *instead;
} absent[] = {
    {"export", "`cbuild builds show --format json` tells all of a build"},
    {"import", "`cbuild builds` lists what was built here"},
    {"inspect attachment",
     "`cbuild buildx imagetools inspect --format '{{json .Provenance}}' NAME`"},
    {"open", "`cbuild graph --build BUILD --format html` draws a build"},
    {"trace", "`cbuild graph --build BUILD --format html` draws when its steps ran"},
};

static const struct cb_option options[] = {
    {"builder", 0, CB_OPTION_TEXT, 0, "NAME", NULL},
    {0},
};

/* There is one builder, wherever among the words it is named. */
static int drop_builder(int argc, char **argv, struct cb_error **err)
{
    const char *ignored;
    int kept = 0;

    for (int at = 0; at < argc; at++) {
        int taken = cb_options_take(options, argc, argv, &at, &ignored, err);

        if (taken < 0)
            return -1;
        if (!taken)
            argv[kept++] = argv[at];
    }
    argv[kept] = NULL;
    return kept;
}

static int refuse(const char *verb, struct cb_error **err)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(absent); i++) {
        if (strcmp(absent[i].verb, verb) != 0)
            continue;
        cb_error_set(err, CB_ERR_USAGE, "`buildx history %s` is not here", verb);
        return cb_error_hint(err, "%s", absent[i].instead);
    }
    cb_error_set(err, CB_ERR_USAGE, "`buildx history %s` is not a cbuild command", verb);
    return cb_error_hint(err,
                         "`cbuild buildx history` is followed by inspect, logs, ls, rm");
}

/* --help, before any verb; another one is an error. */
static int take_options(int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    const char *ignored;
    int status =
        cb_options_parse(&cb_buildx_history_command, argc, argv, 0, &ignored, &args, err);

    return status < 0 ? -1 : 0;
}

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    argc = drop_builder(argc, argv, err);
    if (argc < 0)
        return -1;
    if (argc == 0) {
        cb_print_command_help(&cb_buildx_history_command, stdout);
        return 0;
    }
    if (argc > 1 && !strcmp(argv[0], "inspect") && !strcmp(argv[1], "attachment"))
        return refuse("inspect attachment", err);
    for (size_t i = 0; i < CB_ARRAY_SIZE(verbs); i++)
        if (strcmp(verbs[i].verb, argv[0]) == 0)
            return cb_command_call(verbs[i].command, app, argc - 1, argv + 1, err);
    return argv[0][0] == '-' ? take_options(argc, argv, err) : refuse(argv[0], err);
}

const struct cb_cli_command cb_buildx_history_command = {
    .name = "buildx history",
    .summary = "Show earlier builds",
    .usage = "buildx history inspect|logs|ls|rm [OPTIONS] [BUILD...]",
    .about = "Docker's words for `cbuild builds show`, `logs`, `ls` and `rm`.",
    .options = options,
    .run = run,
};
