/* A busybox root in a temporary directory, a launcher, and running one command in it with
 * its output in memory. Tests that need root or busybox skip themselves. */
#ifndef CB_TESTS_SANDBOX_FIXTURE_H
#define CB_TESTS_SANDBOX_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/strbuf.h"
#include "executor/executor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSYBOX "/bin/busybox"

struct fixture {
    char dir[64];
    int root_fd;       /* the rootfs directory */
    int overlay_fd;    /* a detached overlay on it, -1 until asked for */
    char *mount_point; /* where it is attached, on kernels that want it so; or NULL */
    struct cb_launcher *launcher;
    struct cb_strings argv, env;
    struct cb_process_spec spec;
    struct cb_strbuf output; /* stdout and stderr of the last run */
    struct cb_exit exit;
};

static inline char *in_fixture(const struct fixture *f, const char *path)
{
    return xasprintf("%s/%s", f->dir, path);
}

static inline void put_file(int dir_fd, const char *path, const char *text)
{
    int fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(cb_fs_write_all(fd, text, strlen(text)), 0);
    close(fd);
}

static inline void copy_busybox(int root_fd)
{
    static const char *const applets[] = {
        "sh",   "cat",   "ls",    "id",   "true",  "sleep", "kill",   "mount",    "mkdir",
        "rm",   "mv",    "ln",    "dd",   "stat",  "tail",  "stty",   "tty",      "head",
        "test", "touch", "mknod", "grep", "umask", "wc",    "find",   "hostname", "ip",
        "pwd",  "env",   "echo",  "ps",   "rmdir", "awk",   "usleep", "date",
    };
    int from = open(BUSYBOX, O_RDONLY | O_CLOEXEC);
    int to = openat(root_fd, "bin/busybox", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

    assert_int_equal(cb_fs_copy_data(from, to, -1, NULL), 0);
    close(from);
    close(to);
    for (size_t i = 0; i < CB_ARRAY_SIZE(applets); i++) {
        cb_autofree char *path = xasprintf("bin/%s", applets[i]);

        assert_int_equal(symlinkat("busybox", root_fd, path), 0);
    }
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    cb_autofree char *root = NULL;

    *state = f;
    f->root_fd = f->overlay_fd = -1;
    if (geteuid() != 0 || access(BUSYBOX, X_OK) < 0)
        return 0;
    /* The launcher is forked by a process without threads, as in the real program. */
    assert_int_equal(cb_launcher_start(&f->launcher, NULL), 0);
    strcpy(f->dir, "/tmp/cbuild-sandbox.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    root = in_fixture(f, "root");
    mkdir(root, 0755);
    f->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    mkdirat(f->root_fd, "bin", 0755);
    mkdirat(f->root_fd, "etc", 0755);
    mkdirat(f->root_fd, "tmp", 01777);
    copy_busybox(f->root_fd);
    put_file(f->root_fd, "etc/passwd",
             "root:x:0:0:root:/root:/bin/sh\n"
             "app:x:1000:1001::/home/app:/bin/sh\n"
             "1234:x:0:0::/:/bin/sh\n");
    put_file(f->root_fd, "etc/group",
             "root:x:0:\napp:x:1001:\nvideo:x:44:app,other\nother:x:45:other\n");
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    cb_launcher_stop(f->launcher);
    cb_close(&f->overlay_fd);
    cb_close(&f->root_fd);
    if (f->mount_point)
        umount2(f->mount_point, MNT_DETACH);
    free(f->mount_point);
    if (*f->dir)
        cb_fs_remove_tree(AT_FDCWD, f->dir, NULL);
    cb_strings_free(&f->argv);
    cb_strings_free(&f->env);
    cb_strbuf_free(&f->output);
    free(f->spec.mounts.items);
    free(f);
    return 0;
}

/* A fresh specification for the shell command TEXT. */
static inline struct fixture *fixture_shell(void **state, const char *text)
{
    struct fixture *f = *state;

    if (!f->launcher)
        skip();
    cb_strings_free(&f->argv);
    cb_strings_free(&f->env);
    cb_strings_add(&f->argv, "/bin/sh");
    cb_strings_add(&f->argv, "-c");
    cb_strings_add(&f->argv, text);
    cb_strings_add(&f->env, "PATH=/usr/bin:/bin");
    free(f->spec.mounts.items);
    cb_process_spec_init(&f->spec);
    f->spec.rootfs_fd = f->overlay_fd >= 0 ? f->overlay_fd : f->root_fd;
    f->spec.argv = &f->argv;
    f->spec.env = &f->env;
    f->spec.cwd = "/";
    f->spec.user = "";
    f->spec.hostname = "box";
    return f;
}

static inline void fixture_command(struct fixture *f, const char *program)
{
    cb_strings_free(&f->argv);
    cb_strings_add(&f->argv, program);
}

static inline void add_mount(struct fixture *f, struct cb_mount mount)
{
    cb_vec_push(&f->spec.mounts, mount);
}

static inline void read_pipe(int fd, struct cb_strbuf *out)
{
    char buffer[4096];
    ssize_t got;

    while ((got = read(fd, buffer, sizeof(buffer))) > 0)
        cb_strbuf_add(out, buffer, got);
}

/* Runs the specification to its end, output in f->output. */
static inline int fixture_run(struct fixture *f, struct cb_error **err)
{
    cb_auto(cb_process) process = NULL;
    int pipe_fds[2], started;

    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    f->spec.stdout_fd = f->spec.stderr_fd = pipe_fds[1];
    started = cb_process_start(f->launcher, &f->spec, &process, err);
    close(pipe_fds[1]);
    cb_strbuf_truncate(&f->output, 0);
    if (started == 0)
        read_pipe(pipe_fds[0], &f->output);
    close(pipe_fds[0]);
    return started < 0 ? -1 : cb_process_wait(process, NULL, &f->exit, err);
}

static inline const char *fixture_output(struct fixture *f)
{
    cb_auto(cb_error) error = NULL;

    if (fixture_run(f, &error) < 0)
        fail_msg("%s", cb_error_message(error));
    return cb_strbuf_text(&f->output);
}

/* Runs TEXT in the shell and compares all it prints. */
static inline void expect_output(void **state, const char *text, const char *expected)
{
    struct fixture *f = fixture_shell(state, text);

    assert_string_equal(fixture_output(f), expected);
}

/* Puts a detached overlay over the root; its upper directory is <dir>/upper. */
static inline void fixture_overlay(struct fixture *f)
{
    cb_autofree char *lower = in_fixture(f, "root"), *upper = in_fixture(f, "upper");
    cb_autofree char *work = in_fixture(f, "work");
    int fs = fsopen("overlay", FSOPEN_CLOEXEC);

    mkdir(upper, 0755);
    mkdir(work, 0755);
    assert_int_equal(fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir", lower, 0), 0);
    assert_int_equal(fsconfig(fs, FSCONFIG_SET_STRING, "upperdir", upper, 0), 0);
    assert_int_equal(fsconfig(fs, FSCONFIG_SET_STRING, "workdir", work, 0), 0);
    assert_int_equal(fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0), 0);
    f->overlay_fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
    assert_true(f->overlay_fd >= 0);
    if (cb_launcher_attaches(f->launcher)) {
        f->mount_point = in_fixture(f, "mount");
        mkdir(f->mount_point, 0755);
        assert_int_equal(move_mount(f->overlay_fd, "", AT_FDCWD, f->mount_point,
                                    MOVE_MOUNT_F_EMPTY_PATH),
                         0);
    }
    close(fs);
}

/* Waits for a pidfd's process to end; fails after ten seconds. */
static inline void expect_dead(int pidfd)
{
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

    assert_true(pidfd >= 0);
    assert_int_equal(poll(&poll_fd, 1, 10000), 1);
    close(pidfd);
}

#endif
