/* Start-up, in an order that matters: signals, then the user namespace of who is not
 * root, then the launcher's handle, then the command, which may start threads. The only
 * place that prints errors and turns them into exit statuses. */
#include "commands/commands.h"

#include "base/descriptors.h"
#include "base/log.h"
#include "commands/globals.h"
#include "commands/help.h"
#include "commands/hide.h"
#include "commands/table.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLAG_STATUS   125 /* docker's, of every command */
#define FORMAT_STATUS 64  /* docker's, of `inspect` */

static struct cb_cancel
    *signal_cancel; /* for the handler, set once before it is installed */
static volatile sig_atomic_t signal_seen;

static void on_signal(int number)
{
    int saved = errno;

    if (signal_seen && number == SIGINT)
        _exit(130);
    signal_seen = number;
    cb_cancel_request(signal_cancel);
    errno = saved;
}

static void install_signals(struct cb_cancel *cancel)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    signal_cancel = cancel;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL); /* a file size limit is an error like ENOSPC */
}

/* Descriptors 0, 1 and 2 are always open, so that no file of ours becomes one of them. */
static void open_standard_files(void)
{
    struct stat st;

    for (int fd = 0; fd < 3; fd++)
        if (fstat(fd, &st) < 0 && open("/dev/null", fd ? O_WRONLY : O_RDONLY) < 0)
            _exit(125);
}

/* `cbuild save x | tar t a`: who read it needs no more, which is nothing to be told of.
 */
static int is_unread(const struct cb_error *error)
{
    return cb_error_errnum(error) == EPIPE && cb_stdout_is_unread();
}

static int status_of(const struct cb_error *error)
{
    if (signal_seen)
        return 128 + signal_seen;
    if (is_unread(error))
        return 128 + SIGPIPE;
    if (cb_error_kind(error) == CB_ERR_FLAG)
        return FLAG_STATUS;
    if (cb_error_kind(error) == CB_ERR_FORMAT)
        return FORMAT_STATUS;
    return 1;
}

/* Before the end of the options, or of `run`'s own. */
static int asks_for_help(int argc, char **argv, int leading_only)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (leading_only && argv[i][0] != '-')
            return 0;
        if (strcmp(argv[i], "--help") == 0)
            return 1;
    }
    return 0;
}

static int run_command(struct cb_app *app, const struct cb_cli_command *command, int argc,
                       char **argv, struct cb_error **err)
{
    cb_auto(cb_launcher) launcher = NULL;

    if (!command->is_internal)
        argc = cb_globals_take(app, argc, argv, command->takes_program, err);
    if (argc < 0)
        return -1;
    cb_log_set_debug(app->debug);
    if (!command->stays_out && !command->is_internal)
        cb_globals_warn_elsewhere();
    if (!command->stays_out && !asks_for_help(argc, argv, command->takes_program) &&
        cb_app_enter(app, command, argc, argv, err) < 0)
        return -1;
    if (command->needs_launcher && cb_launcher_start_sealed(&launcher, err) < 0)
        return -1;
    app->launcher = launcher;
    return cb_command_call(command, app, argc, argv, err);
}

static int is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* `cbuild help`, with the words after it. */
static int help(int argc, char **argv, struct cb_error **err)
{
    int used;
    const struct cb_cli_command *command =
        argc ? cb_command_find(argc, argv, &used) : NULL;

    if (!argc)
        cb_print_overview(stdout);
    else if (command)
        cb_print_command_help(command, stdout);
    else if (argc == 1 && cb_command_is_group(argv[0]))
        cb_print_group_help(argv[0], stdout);
    else
        return cb_command_unknown(argc, argv, err);
    return 0;
}

/* Processes of ours that are no command of anybody's, by argv[0]. */
static const struct cb_cli_command *find_own(const char *name)
{
    static const struct cb_cli_command *const own[] = {
        &cb_monitor_command, &cb_hub_command, &cb_pusher_command};

    for (size_t i = 0; i < CB_ARRAY_SIZE(own); i++)
        if (strcmp(own[i]->name, name) == 0)
            return own[i];
    return NULL;
}

static int dispatch(struct cb_app *app, int argc, char **argv,
                    const struct cb_cli_command **command, struct cb_error **err)
{
    int used;

    if (*command)
        return run_command(app, *command, argc, argv, err);
    argc = cb_globals_take_leading(app, argc, argv, err);
    if (argc > 0)
        argc = cb_globals_take_buildx(app, argc, argv, err);
    if (argc < 0)
        return -1;
    if (argc == 0 || is_help(argv[0]))
        return help(0, NULL, err);
    if (strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "-v") == 0)
        argv[0] = (char *)"version", argv[1] = (char *)"--short", argc = 2;
    if (strcmp(argv[0], "help") == 0)
        return help(argc - 1, argv + 1, err);
    if (argv[0][0] == '-' && argv[0][1]) { /* cbuild -t img . */
        *command = &cb_build_command;
        used = 0;
    } else {
        *command = cb_command_find(argc, argv, &used);
    }
    if (!*command) /* `cbuild image` and `cbuild image --help` list what may follow */
        return cb_command_is_group(argv[0]) && (argc == 1 || is_help(argv[1]))
                   ? help(1, argv, err)
                   : cb_command_unknown(argc, argv, err);
    return run_command(app, *command, argc - used, argv + used, err);
}

int main(int argc, char **argv)
{
    cb_auto(cb_error) error = NULL;
    cb_auto(cb_cancel) cancel = NULL;
    __attribute__((cleanup(cb_strings_wipe))) struct cb_strings hidden = {0};
    struct cb_app app = {0};
    const struct cb_cli_command *command = NULL;
    char **words;
    int status;

    cb_launcher_reenter(argc, argv);
    open_standard_files();
    /* What else our caller has open is for nobody whom we start: some outlive us. */
    cb_descriptors_close(AT_FDCWD, STDERR_FILENO + 1, 1);
    cancel = cb_cancel_new();
    app.cancel = cancel;
    install_signals(cancel);
    /* one slot more than argv, for a word put in front */
    words = xcalloc((size_t)argc + 2, sizeof(*words));
    for (int i = 1; i < argc; i++)
        words[i - 1] = argv[i];
    cb_hide_passwords(argc > 0 ? argc - 1 : 0, words, &hidden);
    command = argc > 0 ? find_own(argv[0]) : NULL;
    status = dispatch(&app, argc > 0 ? argc - 1 : 0, words, &command, &error);
    if (status >= 0 && cb_flush_stdout(&error) < 0)
        status = -1;
    if (status < 0) {
        if (!is_unread(error) && (!signal_seen || !command || !command->watches))
            cb_print_error(&error);
        status = status_of(error);
    }
    cb_hub_leave(app.hub);
    cb_settings_free(app.settings);
    json_decref(app.docker_config);
    free(words);
    return status;
}
