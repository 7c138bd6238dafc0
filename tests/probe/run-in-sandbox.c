/* Runs a command in a root filesystem with the sandbox a RUN step gets, for tests:
 *
 *   run-in-sandbox ROOTFS COMMAND [ARG...]
 *
 * USER_SPEC in the environment chooses the user. Output goes through, the exit status is
 * the command's, or 125 when the sandbox could not be set up. An ordinary user enters a
 * user namespace first. */
#include "executor/executor.h"
#include "executor/userns.h"

#include <fcntl.h>
#include <stdio.h>

static int run(struct cb_launcher *launcher, const struct cb_process_spec *spec,
               struct cb_exit *exit, struct cb_error **err)
{
    cb_auto(cb_process) process = NULL;

    if (cb_process_start(launcher, spec, &process, err) < 0)
        return -1;
    return cb_process_wait(process, NULL, exit, err);
}

int main(int argc, char **argv)
{
    cb_auto(cb_launcher) launcher = NULL;
    cb_auto(cb_error) error = NULL;
    cb_auto_value(cb_strings) command = {0}, env = {0};
    struct cb_process_spec spec;
    struct cb_exit exit = {0};
    struct cb_userns userns;

    if (argc < 3) {
        fprintf(stderr, "usage: run-in-sandbox ROOTFS COMMAND [ARG...]\n");
        return 2;
    }
    for (int i = 2; i < argc; i++)
        cb_strings_add(&command, argv[i]);
    cb_strings_add(&env, "PATH=/bin");
    /* Before anything is opened: descriptors stay in the mounts they are from. */
    if (cb_userns_enter(&userns, &error) < 0) {
        fprintf(stderr, "run-in-sandbox: %s\n", cb_error_message(error));
        return 125;
    }
    cb_process_spec_init(&spec);
    spec.rootfs_fd = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
    spec.argv = &command;
    spec.env = &env;
    spec.cwd = "/";
    spec.hostname = "box";
    spec.user = getenv("USER_SPEC");
    spec.stdout_fd = 1;
    spec.stderr_fd = 2;
    if (cb_launcher_start(&launcher, &error) < 0 ||
        run(launcher, &spec, &exit, &error) < 0) {
        fprintf(stderr, "run-in-sandbox: %s\n", cb_error_message(error));
        return 125;
    }
    return exit.code;
}
