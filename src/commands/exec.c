/* cbuild exec. */
#include "commands/containers.h"
#include "commands/run.h"
#include "container/detach.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct values {
    struct cb_run_values files; /* --env, --env-file as `run` has them */
    const char *user, *workdir, *detach_keys;
    int detach, interactive, tty, privileged;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"detach", 'd', CB_OPTION_FLAG, AT(detach), NULL, "Leave it running"},
    {"detach-keys", 0, CB_OPTION_TEXT, AT(detach_keys), "KEYS",
     "Keys that leave it running (default ctrl-p,ctrl-q)"},
    {"env", 'e', CB_OPTION_LIST, AT(files.container.request.env), "NAME[=VALUE]",
     "Set an environment variable"},
    {"env-file", 0, CB_OPTION_LIST, AT(files.env_files), "FILE",
     "Read environment variables from a file"},
    {"interactive", 'i', CB_OPTION_FLAG, AT(interactive), NULL, "Pass standard input on"},
    {"privileged", 0, CB_OPTION_FLAG, AT(privileged), NULL,
     "Give it all capabilities and no filter of system calls"},
    {"tty", 't', CB_OPTION_FLAG, AT(tty), NULL, "Give it a terminal"},
    {"user", 'u', CB_OPTION_TEXT, AT(user), "USER[:GROUP]", "User and group"},
    {"workdir", 'w', CB_OPTION_TEXT, AT(workdir), "DIR", "Working directory"},
    {0},
};

/* Docker's words, and for who gave an image what to do instead. */
static int find(struct cb_app *app, const char *name, struct cb_store **store,
                struct cb_container **out, struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;

    if (cb_app_container(app, name, store, out, err) == 0) {
        if (cb_container_is_running(*out))
            return 0;
        return cb_error_set(err, CB_ERR_EXISTS, "Container %s is not running",
                            (*out)->id);
    }
    if (*store && cb_image_find(*store, name, &image, NULL, NULL) > 0)
        return cb_error_hint(err,
                             "`%s` is an image: `cbuild run %s` makes a container "
                             "of it",
                             name, name);
    return -1;
}

static int is_of_command(const struct cb_error *error)
{
    int errnum = cb_error_errnum(error);

    return errnum == ENOENT || errnum == EACCES || errnum == ENOEXEC;
}

/* Docker's 127 and 126 for a command that is missing or cannot be executed, and its 126
 * for a user or a working directory that are not there; but 1 for a container that takes
 * no command at all, or a monitor that is none, and with -d, where nobody waits for it.
 */
static int fail(struct cb_error **err)
{
    enum cb_error_kind kind = cb_error_kind(*err);

    if (is_of_command(*err))
        return cb_run_fail(err);
    if (kind != CB_ERR_NOT_FOUND && kind != CB_ERR_USAGE &&
        (kind != CB_ERR_SYSTEM || cb_error_errnum(*err)))
        return -1;
    cb_print_error(err);
    cb_error_free(cb_steal(err));
    return 126;
}

static int execute(struct cb_app *app, const struct values *values,
                   const struct cb_strings *args, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) container = NULL;
    cb_auto_value(cb_strings) argv = {0};
    struct cb_client_end end = {0};
    struct cb_detach_keys keys;
    const struct cb_client_options attach = {
        .attach = !values->detach,
        .interactive = values->interactive && !values->detach,
        .tty = values->tty,
        .detach_keys = cb_docker_config_or(app, values->detach_keys, "detachKeys")};
    const struct cb_exec_wish wish = {.argv = &argv,
                                      .env = &values->files.container.request.env,
                                      .user = values->user,
                                      .cwd = values->workdir,
                                      .privileged = values->privileged,
                                      .detach = values->detach};

    if (attach.detach_keys && cb_detach_keys_parse(&keys, attach.detach_keys, err) < 0)
        return -1;
    if (attach.tty && attach.interactive && !isatty(STDIN_FILENO))
        return cb_error_set(err, CB_ERR_USAGE, "the input device is not a TTY");
    if (find(app, args->items[0], &store, &container, err) < 0)
        return -1;
    for (size_t i = 1; i < args->count; i++)
        cb_strings_add(&argv, args->items[i]);
    if (cb_container_exec(container, &wish, &attach, app->cancel, &end, err) < 0)
        return values->detach ? -1 : fail(err);
    return cb_containers_end(&end);
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    struct values *values = given;
    int status = cb_run_read_files(&values->files, err);

    if (status == 0)
        status = execute(app, values, args, err);
    cb_run_values_clear(&values->files);
    return status;
}

const struct cb_cli_command cb_exec_command = {
    .name = "exec",
    .summary = "Run a command in a container that runs",
    .usage = "exec [OPTIONS] CONTAINER COMMAND [ARGUMENT...]",
    .about = "Ends with the command's exit status; 126 when it cannot be executed, 127\n"
             "when it is not found.",
    .options = options,
    .values_size = sizeof(struct values),
    .min_args = 2,
    .max_args = -1,
    .takes_program = 1,
    .act = run,
};
