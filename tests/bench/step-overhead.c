/* What one RUN step costs through the executor, without logs and without a commit:
 *
 *   step-overhead [-n COUNT] [-N] [-m] ROOTFS COMMAND [ARG...]
 *
 * COUNT times: make upper and work directories, mount an overlay on ROOTFS, start the
 * command, wait for it. -N: a network namespace of its own, else the host's. -m: without
 * the overlay, the same root each time. Prints mean, median and 95th percentile in
 * milliseconds; compare with a program that makes the same kernel calls and nothing else,
 * in the same minute. */
#include "base/fs.h"
#include "executor/executor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

static double now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static int mount_overlay(const char *lower, const char *dir, int index)
{
    cb_autofree char *upper = xasprintf("%s/u%d", dir, index);
    cb_autofree char *work = xasprintf("%s/w%d", dir, index);
    cb_autofd int fs = fsopen("overlay", FSOPEN_CLOEXEC);

    mkdir(upper, 0755);
    mkdir(work, 0755);
    if (fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir", lower, 0) < 0 ||
        fsconfig(fs, FSCONFIG_SET_STRING, "upperdir", upper, 0) < 0 ||
        fsconfig(fs, FSCONFIG_SET_STRING, "workdir", work, 0) < 0 ||
        fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -1;
    return fsmount(fs, FSMOUNT_CLOEXEC, 0);
}

static int run_once(struct cb_launcher *launcher, struct cb_process_spec *spec,
                    struct cb_error **err)
{
    cb_auto(cb_process) process = NULL;
    struct cb_exit exit = {0};

    if (cb_process_start(launcher, spec, &process, err) < 0 ||
        cb_process_wait(process, NULL, &exit, err) < 0)
        return -1;
    return exit.code ? cb_error_exit(err, exit.code, "the command failed") : 0;
}

static int measure(struct cb_launcher *launcher, struct cb_process_spec *spec,
                   const char *root, const char *dir, int overlay, int count,
                   struct cb_error **err)
{
    cb_autofree double *times = xcalloc(count, sizeof(*times));
    double sum = 0;

    for (int i = 0; i < count; i++) {
        double start = now_ms();
        cb_autofd int fd = overlay ? mount_overlay(root, dir, i)
                                   : open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
            return cb_error_errno(err, errno, "root `%s`", root);
        spec->rootfs_fd = fd;
        if (run_once(launcher, spec, err) < 0)
            return -1;
        cb_close(&fd);
        times[i] = now_ms() - start;
        sum += times[i];
    }
    qsort(times, count, sizeof(*times), by_value);
    printf("n=%d mean=%.2f ms median=%.2f ms p95=%.2f ms\n", count, sum / count,
           times[count / 2], times[count * 95 / 100]);
    return 0;
}

int main(int argc, char **argv)
{
    cb_auto(cb_launcher) launcher = NULL;
    cb_auto(cb_error) error = NULL;
    cb_auto_value(cb_strings) command = {0}, env = {0};
    char dir[] = "/var/tmp/step-overhead.XXXXXX";
    struct cb_process_spec spec;
    int option, count = 100, overlay = 1, failed;

    if (cb_launcher_start(&launcher, &error) < 0)
        return 1;
    cb_process_spec_init(&spec);
    spec.host_network = 1;
    while ((option = getopt(argc, argv, "+n:Nm")) != -1) {
        if (option == 'n')
            count = atoi(optarg);
        else if (option == 'N')
            spec.host_network = 0;
        else if (option == 'm')
            overlay = 0;
        else
            return 2;
    }
    if (argc - optind < 2 || count < 1 || !mkdtemp(dir)) {
        fprintf(stderr, "usage: step-overhead [-n COUNT] [-N] [-m] ROOTFS COMMAND...\n");
        return 2;
    }
    for (int i = optind + 1; i < argc; i++)
        cb_strings_add(&command, argv[i]);
    cb_strings_add(&env, "PATH=/bin:/usr/bin");
    spec.argv = &command;
    spec.env = &env;
    spec.cwd = "/";
    spec.hostname = "box";
    failed = measure(launcher, &spec, argv[optind], dir, overlay, count, &error) < 0;
    if (failed)
        fprintf(stderr, "step-overhead: %s\n", cb_error_message(error));
    cb_fs_remove_tree(AT_FDCWD, dir, NULL);
    return failed;
}
