/* Starts tests/lib/registry.py for a unit test and ends it with the group. Skips (77
 * style, by cmocka's skip) when there is no python3. */
#ifndef CB_TEST_SERVER_H
#define CB_TEST_SERVER_H

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct test_server {
    pid_t pid;
    int input; /* the server ends when this closes */
    int port, other_port;
};

/* The source tree: CB_SRCDIR, or from where FILE (the test's __FILE__) was compiled. */
static inline const char *test_source_dir(const char *file, char buffer[PATH_MAX])
{
    const char *srcdir = getenv("CB_SRCDIR");
    char *tests;

    if (srcdir)
        return srcdir;
    snprintf(buffer, PATH_MAX, "%s", file);
    tests = strstr(buffer, "/tests/unit/");
    if (tests)
        *tests = '\0';
    else
        strcpy(buffer, ".");
    return buffer;
}

static inline int test_server_start(struct test_server *server, const char *file,
                                    const char *auth, const char *log)
{
    char dir[PATH_MAX], script[PATH_MAX + 32];
    const char *argv[] = {"python3", script, "--auth", auth, log ? "--log" : NULL,
                          log,       NULL};
    int in[2], out[2];
    posix_spawn_file_actions_t actions;
    extern char **environ;
    FILE *output;
    int ok;

    snprintf(script, sizeof(script), "%s/tests/lib/registry.py",
             test_source_dir(file, dir));
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    ok = posix_spawnp(&server->pid, "python3", &actions, NULL, (char *const *)argv,
                      environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    server->input = in[1];
    output = fdopen(out[0], "r");
    ok = ok && fscanf(output, "%d %d", &server->port, &server->other_port) == 2;
    fclose(output);
    return ok ? 0 : -1;
}

static inline void test_server_stop(struct test_server *server)
{
    close(server->input);
    waitpid(server->pid, NULL, 0);
}

#endif
