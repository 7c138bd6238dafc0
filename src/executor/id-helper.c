/* newuidmap and newgidmap: setuid programs that write a user namespace's map with ids its
 * user does not have. They have to be started before the namespace is entered, since
 * nobody is privileged outside from within, and to begin after it: so the child waits for
 * a byte. Both run at the same time. They are looked for where a distribution puts them
 * and nowhere else, and are given no environment. */
#include "executor/userns-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const directories[] = {"/usr/bin", "/bin", "/usr/local/bin",
                                          "/usr/sbin", "/run/wrappers/bin"};

static char *find(const char *program)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(directories); i++) {
        char *path = xasprintf("%s/%s", directories[i], program);

        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static void fill_argv(struct cb_strings *argv, const char *program, uint32_t identity,
                      const struct cb_subid_ranges *ranges)
{
    uint32_t inside = 1;

    cb_strings_add(argv, program);
    cb_strings_addf(argv, "%d", getpid());
    cb_strings_add(argv, "0");
    cb_strings_addf(argv, "%u", identity);
    cb_strings_add(argv, "1");
    cb_vec_foreach (range, ranges) {
        uint32_t count =
            range->count < UINT32_MAX - inside ? range->count : UINT32_MAX - inside;

        if (!count)
            break;
        cb_strings_addf(argv, "%u", inside);
        cb_strings_addf(argv, "%u", range->start);
        cb_strings_addf(argv, "%u", count);
        inside += count;
    }
}

static _Noreturn void run(const char *path, char **argv, int go_fd, int output_fd)
{
    char *const env[] = {NULL};
    char go;

    if (read(go_fd, &go, 1) != 1)
        _exit(1);
    dup2(output_fd, 1);
    dup2(output_fd, 2);
    execve(path, argv, env);
    _exit(1);
}

int cb_id_helper_start(struct cb_id_helper *helper, const char *program,
                       uint32_t identity, const struct cb_subid_ranges *ranges,
                       struct cb_error **err)
{
    cb_auto_value(cb_strings) words = {0};
    cb_autofree char **argv = NULL;
    cb_autofree char *path = find(program);
    int go[2] = {-1, -1}, output[2] = {-1, -1};

    *helper = (struct cb_id_helper){.pid = -1, .go_fd = -1, .output_fd = -1};
    if (!path)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "%s is not installed (Debian's package uidmap)", program);
    fill_argv(&words, program, identity, ranges);
    argv = cb_strings_argv(&words);
    if (pipe2(go, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0)
        helper->pid = fork();
    if (helper->pid == 0) {
        cb_close(&go[1]);
        run(path, argv, go[0], output[1]);
    }
    if (helper->pid < 0)
        cb_error_errno(err, errno, "start `%s`", program);
    cb_close(&go[0]);
    cb_close(&output[1]);
    helper->go_fd = go[1];
    helper->output_fd = output[0];
    if (helper->pid < 0)
        cb_id_helper_cancel(helper);
    return helper->pid < 0 ? -1 : 0;
}

static int wait_for(struct cb_id_helper *helper)
{
    int status = -1;

    while (helper->pid > 0 && waitpid(helper->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    helper->pid = -1;
    cb_close(&helper->go_fd);
    cb_close(&helper->output_fd);
    return status;
}

/* Its first line, without what could upset a terminal. */
static void read_reason(int fd, char *why, size_t size)
{
    ssize_t len;

    do
        len = read(fd, why, size - 1);
    while (len < 0 && errno == EINTR);
    why[len > 0 ? len : 0] = '\0';
    why[strcspn(why, "\n")] = '\0';
    for (char *at = why; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    }
}

int cb_id_helper_finish(struct cb_id_helper *helper, char *why, size_t size)
{
    char reason[256];
    int done;

    if (write(helper->go_fd, "", 1) != 1)
        return 0;
    read_reason(helper->output_fd, reason, sizeof(reason));
    done = wait_for(helper) == 0;
    if (!done)
        snprintf(why, size, "%s", *reason ? reason : "it could not be executed");
    return done;
}

void cb_id_helper_cancel(struct cb_id_helper *helper)
{
    cb_close(&helper->go_fd);
    wait_for(helper);
}
