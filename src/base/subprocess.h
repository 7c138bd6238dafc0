/* The only place that starts other programs (git, iptables, credential helpers):
 * posix_spawn semantics, nothing of ours runs between fork and exec; waits by pidfd;
 * killed on cancel. Containers are not started here but by executor/launcher. */
#ifndef CB_BASE_SUBPROCESS_H
#define CB_BASE_SUBPROCESS_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/strbuf.h"

#include <stdint.h>

struct cb_subprocess_options {
    const char *const *argv; /* NULL-terminated; argv[0] searched in PATH */
    const char *const *env;  /* NULL: ours */
    int cwd_fd;              /* -1: ours (posix_spawn_file_actions_addfchdir_np) */
    int inherit_fd;          /* -1, or one more descriptor, kept under its number */
    const char *input;       /* fed to stdin, or NULL for /dev/null */
    size_t input_len;
    size_t max_output; /* of stdout and of stderr each; 0: 1 MiB; more is an error */
    uint64_t max_file; /* no file grows beyond it: the program is killed; 0: any size */
    int timeout_ms;    /* 0: none */
    int idle_ms;       /* so long without printing anything is an error; 0: any time */
    struct cb_cancel *cancel; /* or NULL */
};

/* Runs to the end. STDOUT and STDERR may be NULL (discarded; stderr then ends up in the
 * message). *EXIT_CODE is 0..255 or 128+signal. NOT_FOUND when the program is missing. */
int cb_subprocess_run(const struct cb_subprocess_options *options, struct cb_strbuf *out,
                      struct cb_strbuf *errors, int *exit_code, struct cb_error **err);
/* A helper that runs beside us until it is stopped (ssh-agent). Started once it has
 * printed the line READY, an error when it ends before that; INPUT, CANCEL and the bounds
 * of OPTIONS hold until then. Stopping ends it with all it started. */
struct cb_helper;
int cb_helper_start(struct cb_helper **out, const struct cb_subprocess_options *options,
                    const char *ready, struct cb_error **err);
void cb_helper_stop(struct cb_helper *helper);
CB_AUTO_DEFINE(cb_helper, cb_helper_stop)
/* A program that is read while it prints, however much that is; MAX_OUTPUT bounds what it
 * complains. Timeouts are not looked at, CANCEL is. */
struct cb_program;
int cb_program_start(struct cb_program **out, const struct cb_subprocess_options *options,
                     struct cb_error **err);
/* Adds to OUT what there is, and waits for that at most TIMEOUT_MS (-1: any time). 1: it
 * may print more; 0: it has ended, with status 0. Any other is an EXIT error. */
int cb_program_read(struct cb_program *program, struct cb_strbuf *out, int timeout_ms,
                    struct cb_error **err);
void cb_program_stop(struct cb_program *program);
CB_AUTO_DEFINE(cb_program, cb_program_stop)
/* Starts PATH in a session of its own and leaves it alone: it survives us. Standard input
 * and output are /dev/null, standard error is ERRORS_FD, and FDS (NULL for
 * none) become 3, 4, … */
int cb_subprocess_detach(const char *path, const char *const *argv, int errors_fd,
                         const int *fds, size_t count, struct cb_error **err);
/* Becomes the program ARGV, found on PATH: returns -1 only if it cannot be executed, with
 * why in errno's terms. Signals that are ignored here are not there. */
int cb_subprocess_become(char *const *argv, char *const *environment,
                         struct cb_error **err);
/* Absolute path of NAME on PATH (or in /usr/libexec/podman, /usr/lib/podman, sbin
 * directories); NULL if missing. */
char *cb_subprocess_find(const char *name);

#endif
