/* Whose a container's mounts are: made by criu, or lent to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "container/checkpoint-priv.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT "50 53 0:63 / / rw,nodev - overlay cbuild rw\n"
#define DEV  "51 50 0:69 / /dev rw,nosuid - tmpfs tmpfs rw,mode=755\n"

/* "+": ours, "-": theirs. The root has a link /run to /var/run. */
static char *sorted(const char *mountinfo)
{
    char dir[] = "/tmp/cbuild-test.XXXXXX";
    char bind[] = "/run/data", memory[] = "/run/memory";
    struct cb_mount mounts[] = {
        {.type = CB_MOUNT_BIND, .target = bind},
        {.type = CB_MOUNT_TMPFS, .target = memory},
    };
    struct cb_process_spec spec;
    cb_auto_value(cb_checkpoint) checkpoint = {0};
    cb_auto_value(cb_strbuf) out = {0};
    cb_auto(cb_error) error = NULL;
    int failed;

    cb_process_spec_init(&spec);
    assert_non_null(mkdtemp(dir));
    spec.rootfs_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(symlinkat("/var/run", spec.rootfs_fd, "run"), 0);
    spec.mounts.items = mounts;
    spec.mounts.count = CB_ARRAY_SIZE(mounts);
    failed = cb_checkpoint_sort_mounts(&checkpoint, mountinfo, &spec, &error) < 0;
    unlinkat(spec.rootfs_fd, "run", 0);
    cb_close(&spec.rootfs_fd);
    rmdir(dir);
    if (failed)
        return xstrdup(cb_error_message(error));
    cb_vec_foreach (path, &checkpoint.ours)
        cb_strbuf_addf(&out, "+%s ", *path);
    cb_vec_foreach (path, &checkpoint.theirs)
        cb_strbuf_addf(&out, "-%s ", *path);
    return xstrdup(cb_strbuf_text(&out));
}

static void expect(const char *mountinfo, const char *wanted)
{
    cb_autofree char *got = sorted(mountinfo);

    assert_string_equal(got, wanted);
}

static void filesystems_of_its_own_are_theirs(void **state)
{
    expect(ROOT "60 50 0:66 / /proc rw - proc proc rw\n"
                "61 60 0:66 /sys /proc/sys ro - proc proc rw\n" DEV
                "62 51 0:69 /null /dev/null rw - tmpfs tmpfs rw\n"
                "63 51 0:70 / /dev/pts rw - devpts devpts rw\n"
                "64 51 0:65 / /dev/mqueue rw - mqueue mqueue rw\n"
                "65 51 0:71 / /dev/shm rw - tmpfs tmpfs rw\n"
                "66 50 0:72 / /var/run/memory rw - tmpfs tmpfs rw\n",
           "-/proc -/proc/sys -/dev -/dev/null -/dev/pts -/dev/mqueue -/dev/shm "
           "-/var/run/memory ");
}

static void what_comes_from_outside_is_ours(void **state)
{
    expect(ROOT "60 50 254:0 /home /var/run/data rw shared:1 - ext4 /dev/vda rw\n"
                "61 50 0:67 / /sys ro - sysfs sysfs rw\n"
                "62 61 0:68 / /sys/fs/cgroup ro - tmpfs tmpfs rw\n"
                "63 50 0:6 /null /proc/keys ro - devtmpfs devtmpfs rw\n" DEV
                "64 51 0:6 /fuse /dev/fuse rw - devtmpfs devtmpfs rw",
           "+/var/run/data +/sys +/sys/fs/cgroup +/proc/keys +/dev/fuse -/dev ");
    /* the host's, though it is a filesystem in memory */
    expect(ROOT "60 50 0:25 / /var/run/data rw - tmpfs tmpfs rw\n", "+/var/run/data ");
}

static void what_nobody_could_mount_again_is_refused(void **state)
{
    expect(ROOT "60 50 0:80 / /mnt rw - tmpfs x rw\n",
           "the container has itself mounted something on `/mnt`");
    expect(ROOT "60 50 0:80 / /devices rw - tmpfs x rw\n",
           "the container has itself mounted something on `/devices`");
    expect(ROOT "60 50 0:80 / /dev/a\\040[b] rw - tmpfs x rw\n",
           "criu cannot be told of the mount on `/dev/a [b]`");
    expect(ROOT "60 50\n", "cannot read the list of mounts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filesystems_of_its_own_are_theirs),
        cmocka_unit_test(what_comes_from_outside_is_ours),
        cmocka_unit_test(what_nobody_could_mount_again_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
