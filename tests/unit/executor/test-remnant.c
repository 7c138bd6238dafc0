/* What is left of a child with a mount namespace of its own is ended with it, whatever it
 * does not to be met. All of it holds one end of a pipe, so the other tells when it is
 * gone. Nothing waits for a parent to ask for its end: that would use up the numbers. */
#include "executor/remnant-priv.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_MS 20000 /* what is left ends by itself some time after that */

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *sleep_on(void *arg)
{
    const struct timespec rest = {.tv_sec = 2 * LONG_MS / 1000};

    write(*(int *)arg, "x", 1);
    nanosleep(&rest, NULL);
    _exit(0);
}

static void leave_one_without_a_first_thread(int fd)
{
    pthread_t thread;

    if (fork() > 0)
        return;
    setsid();
    pthread_create(&thread, NULL, sleep_on, &fd);
    syscall(SYS_exit, 0);
}

/* Each lives for as long as it takes to make the next one. */
static void leave_a_chain(int fd)
{
    const double end = now_s() + 2 * LONG_MS / 1000.;

    if (fork() > 0)
        return;
    write(fd, "x", 1);
    while (now_s() < end) {
        if (fork() != 0)
            _exit(0);
        setsid();
    }
    _exit(0);
}

static int run_child(void (*leave)(int fd), int fd, int go)
{
    char byte;

    if (read(go, &byte, 1) != 1)
        return 1;
    leave(fd);
    return 0;
}

static void is_ended(void (*leave)(int fd))
{
    struct cb_remnant remnant = {0};
    cb_autofd int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int ends[2], go[2];
    struct pollfd all_gone;
    char byte;
    pid_t child;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    child =
        (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0),
                       NULL, NULL, NULL, NULL);
    if (child == 0)
        _exit(run_child(leave, ends[1], go[0]));
    if (child < 0)
        skip();
    assert_int_equal(cb_remnant_watch(&remnant, proc, child, NULL), 0);
    assert_int_equal(write(go[1], "x", 1), 1);
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);  /* it is there */
    assert_int_equal(waitpid(child, NULL, 0), -1); /* it has ended, and that is all */
    assert_int_equal(errno, ECHILD);
    cb_remnant_end(&remnant, proc);
    all_gone = (struct pollfd){.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&all_gone, 1, LONG_MS), 1);
    assert_int_equal(all_gone.revents, POLLHUP);
    close(ends[0]);
    close(go[0]);
    close(go[1]);
}

static void one_whose_first_thread_has_ended(void **state)
{
    is_ended(leave_one_without_a_first_thread);
}

static void those_that_fork_and_end_again_and_again(void **state)
{
    is_ended(leave_a_chain);
}

static int reap_by_itself(void **state)
{
    return signal(SIGCHLD, SIG_IGN) == SIG_ERR ||
           prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_whose_first_thread_has_ended),
        cmocka_unit_test(those_that_fork_and_end_again_and_again),
    };

    return cmocka_run_group_tests(tests, reap_by_itself, NULL);
}
