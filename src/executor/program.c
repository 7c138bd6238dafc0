/* The last two steps: optionally staying behind as pid 1, and executing the program,
 * which is looked up in the root as the user it will run as. Messages are the ones a user
 * of Docker knows. */
#include "executor/launcher-priv.h"

#include "base/descriptors.h"
#include "executor/sandbox-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* ── pid 1 of our own ── */

/* Ends with the status of CHILD once it is gone; reaps whatever else dies. */
static void reap(pid_t child)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != child)
            continue;
        if (WIFSIGNALED(status))
            _exit(128 + WTERMSIG(status));
        _exit(WEXITSTATUS(status));
    }
}

static _Noreturn void be_init(int proc_fd, pid_t child, const sigset_t *all)
{
    cb_descriptors_close(proc_fd, 3, 0);
    for (;;) {
        int signal;

        if (sigwait(all, &signal) != 0)
            continue;
        if (signal == SIGCHLD)
            reap(child);
        else if (signal != SIGTTIN && signal != SIGTTOU)
            kill(child, signal);
    }
}

int cb_step_init(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                 struct cb_error **err)
{
    sigset_t all, before;
    pid_t child;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    child = fork();
    if (child < 0)
        return cb_error_errno(err, errno, "fork");
    if (child > 0)
        be_init(sandbox->stage->proc_fd, child, &all);
    setpgid(0, 0);
    if (step->flags & CB_PLAN_TTY)
        tcsetpgrp(0, getpid()); /* SIGTTOU is blocked still */
    sigprocmask(SIG_SETMASK, &before, NULL);
    return 0;
}

/* ── exec ── */

char **cb_sandbox_pointers(char *text, size_t count)
{
    char **list = xcalloc(count + 1, sizeof(*list));

    for (size_t i = 0; i < count; i++) {
        list[i] = text;
        text += strlen(text) + 1;
    }
    return list;
}

static const char *get_env(char *const *env, const char *name)
{
    size_t len = strlen(name);
    const char *value = NULL;

    for (; *env; env++) {
        if (!strncmp(*env, name, len) && (*env)[len] == '=')
            value = *env + len + 1;
    }
    return value;
}

static int is_program(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
           faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* 1: OUT is where NAME was found on PATH. */
static int search(const char *path, const char *name, char out[PATH_MAX])
{
    while (*path) {
        const char *end = strchrnul(path, ':');

        /* An empty or relative element would mean the working directory: skipped. */
        if (*path == '/' &&
            snprintf(out, PATH_MAX, "%.*s/%s", (int)(end - path), path, name) <
                PATH_MAX &&
            is_program(out))
            return 1;
        path = *end ? end + 1 : end;
    }
    return 0;
}

static int is_shell_form(char *const argv[])
{
    return argv[1] && !strcmp(argv[1], "-c") && argv[2] && !argv[3];
}

/* Why PATH could not be executed, said as Docker says it; the errno's text is added by
 * the caller's side. */
static int explain(struct cb_sandbox *sandbox, const char *path, char *const argv[],
                   int errnum, struct cb_error **err)
{
    struct stat st;

    sandbox->command_errno = errnum;
    if (errnum == EACCES || errnum == EPERM)
        return cb_error_set(err, CB_ERR_DENIED, "exec: \"%s\"", path);
    if (errnum == ENOENT && stat(path, &st) < 0) {
        cb_error_set(err, CB_ERR_NOT_FOUND, "exec: \"%s\": stat %s", path, path);
        return is_shell_form(argv)
                   ? cb_error_hint(err, "the shell form of a command needs a shell, and "
                                        "there is none here")
                   : -1;
    }
    cb_error_set(err, CB_ERR_SYSTEM, "exec %s", path);
    if (errnum == ENOENT)
        cb_error_hint(err,
                      "the file is there: its interpreter (see its first line, or the "
                      "ELF loader) is missing in the image");
    return -1;
}

int cb_step_exec(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                 struct cb_error **err)
{
    cb_autofree char **argv =
        cb_sandbox_pointers(sandbox->plan.pool + step->text, step->value);
    cb_autofree char **env =
        cb_sandbox_pointers(sandbox->plan.pool + step->options, step->value2);
    const char *path = get_env(env, "PATH"), *program = argv[0];
    char found[PATH_MAX];

    if (!strchr(program, '/')) {
        if (!search(path ? path : DEFAULT_PATH, program, found)) {
            sandbox->command_errno = -1;
            return cb_error_set(err, CB_ERR_NOT_FOUND,
                                "exec: \"%s\": executable file not found in $PATH",
                                program);
        }
        program = found;
    }
    cb_descriptors_close(sandbox->stage->proc_fd, 3, 1);
    execve(program, argv, env);
    return explain(sandbox, program, argv, errno, err);
}
