/* What is mounted in a sandbox, and that nothing of it stays in the root. */
#include "unit/executor/sandbox-fixture.h"

#include <dirent.h>

/* ── No trace ── */

static void expect_empty_upper(struct fixture *f)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofree char *path = in_fixture(f, "upper");
    cb_autofd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_int_equal(cb_fs_list(dir, &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++)
        print_message("left in the upper directory: %s\n", names.items[i]);
    assert_int_equal(names.count, 0);
}

static struct cb_mount file_mount(char *target, const char *content)
{
    return (struct cb_mount){.type = CB_MOUNT_FILE,
                             .target = target,
                             .source_fd = -1,
                             .read_only = 1,
                             .content = content,
                             .content_len = strlen(content)};
}

static void stat_root(struct fixture *f, struct stat *out)
{
    assert_int_equal(fstat(f->overlay_fd, out), 0);
}

static void step_that_changes_nothing_leaves_an_empty_layer(void **state)
{
    struct fixture *f = fixture_shell(state, "true");
    char hosts[] = "/etc/hosts", resolv[] = "/etc/resolv.conf";
    struct stat before, after;

    put_file(f->root_fd, "etc/hosts", "");
    put_file(f->root_fd, "etc/resolv.conf", "");
    fixture_overlay(f);
    f = fixture_shell(state, "cat /etc/hosts /etc/resolv.conf");
    stat_root(f, &before);
    add_mount(f, file_mount(hosts, "127.0.0.1 localhost\n"));
    add_mount(f, file_mount(resolv, "nameserver 192.0.2.1\n"));
    /* The image has no /proc, /sys and /dev: stubs in the root itself. */
    assert_string_equal(fixture_output(f), "127.0.0.1 localhost\nnameserver 192.0.2.1\n");
    expect_empty_upper(f);
    stat_root(f, &after);
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

static void detached_root_serves_many_runs(void **state)
{
    struct fixture *f = fixture_shell(state, "true");

    fixture_overlay(f);
    for (int i = 0; i < 3; i++) {
        f = fixture_shell(state, "test ! -e /made; touch /made; ls /made");
        assert_string_equal(fixture_output(f), "/made\n");
        assert_int_equal(faccessat(f->overlay_fd, "made", F_OK, 0), 0);
    }
}

static void missing_mount_points_go_away_with_their_parents(void **state)
{
    struct fixture *f = fixture_shell(state, "true");
    char deep[] = "/new/a/b/file", dir[] = "/new/dir";

    fixture_overlay(f);
    f = fixture_shell(state, "cat /new/a/b/file; ls -d /new/dir");
    add_mount(f, file_mount(deep, "text\n"));
    add_mount(f,
              (struct cb_mount){.type = CB_MOUNT_TMPFS, .target = dir, .source_fd = -1});
    assert_string_equal(fixture_output(f), "text\n/new/dir\n");
    expect_empty_upper(f);
}

/* Overlay has to copy the directory up to put a mount point in it; what stays is equal to
 * the one below, for the differ to drop. */
static void mount_point_in_a_directory_of_the_image_leaves_it_unchanged(void **state)
{
    struct fixture *f = fixture_shell(state, "true");
    char target[] = "/etc/hosts";
    struct stat before, after;

    fixture_overlay(f);
    assert_int_equal(fstatat(f->overlay_fd, "etc", &before, 0), 0);
    f = fixture_shell(state, "cat /etc/hosts");
    add_mount(f, file_mount(target, "text\n"));
    assert_string_equal(fixture_output(f), "text\n");
    assert_int_equal(faccessat(f->overlay_fd, "etc/hosts", F_OK, 0), -1);
    assert_int_equal(fstatat(f->overlay_fd, "etc", &after, 0), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
    assert_int_equal(before.st_mode, after.st_mode);
}

static void mount_point_filled_by_the_step_stays(void **state)
{
    struct fixture *f = fixture_shell(state, "true");
    char target[] = "/new/dir/x";

    fixture_overlay(f);
    f = fixture_shell(state, "echo mine >/new/dir/keep");
    add_mount(
        f, (struct cb_mount){.type = CB_MOUNT_TMPFS, .target = target, .source_fd = -1});
    fixture_output(f);
    assert_int_equal(faccessat(f->overlay_fd, "new/dir/keep", F_OK, 0), 0);
    assert_int_equal(faccessat(f->overlay_fd, "new/dir/x", F_OK, 0), -1);
}

static void kept_mount_point_stays(void **state)
{
    struct fixture *f = fixture_shell(state, "true");
    char target[] = "/volume";

    fixture_overlay(f);
    f = fixture_shell(state, "true");
    add_mount(f, (struct cb_mount){.type = CB_MOUNT_TMPFS,
                                   .target = target,
                                   .source_fd = -1,
                                   .keep_stub = 1});
    fixture_output(f);
    assert_int_equal(faccessat(f->overlay_fd, "volume", F_OK, 0), 0);
}

/* A step replaces a parent of the stub by a link to the canary: nothing behind the link
 * may be removed. */
static void clean_up_does_not_follow_links(void **state)
{
    struct fixture *f = fixture_shell(state, "true");
    cb_autofree char *canary = in_fixture(f, "canary");
    cb_autofree char *script = xasprintf("mv /a /gone; ln -s %s /a", canary);
    cb_autofree char *inside = in_fixture(f, "canary/b");
    char target[] = "/a/b/c";

    mkdir(canary, 0755);
    mkdir(inside, 0755);
    fixture_overlay(f);
    f = fixture_shell(state, script);
    add_mount(
        f, (struct cb_mount){.type = CB_MOUNT_TMPFS, .target = target, .source_fd = -1});
    fixture_output(f);
    assert_int_equal(access(inside, F_OK), 0);
}

/* ── Kinds ── */

static int open_in(struct fixture *f, const char *name)
{
    cb_autofree char *path = in_fixture(f, name);

    return open(path, O_PATH | O_CLOEXEC);
}

static void bind_shows_the_source(void **state)
{
    struct fixture *f =
        fixture_shell(state, "cat /mnt/f; touch /mnt/new || echo refused");
    cb_autofree char *path = in_fixture(f, "source");
    char target[] = "/mnt";
    int source;

    mkdir(path, 0755);
    source = open_in(f, "source");
    put_file(source, "f", "bound\n");
    add_mount(f, (struct cb_mount){
                     .type = CB_MOUNT_BIND, .target = target, .source_fd = source});
    assert_string_equal(fixture_output(f), "bound\n");
    assert_int_equal(faccessat(source, "new", F_OK, 0), 0);

    f = fixture_shell(state, "cat /mnt/f; touch /mnt/new2 2>/dev/null || echo refused");
    add_mount(f, (struct cb_mount){.type = CB_MOUNT_BIND,
                                   .target = target,
                                   .source_fd = source,
                                   .read_only = 1});
    assert_string_equal(fixture_output(f), "bound\nrefused\n");
    close(source);
}

static void bind_of_a_directory_of_a_detached_mount(void **state)
{
    struct fixture *f = fixture_shell(state, "true");
    char target[] = "/mnt", file[] = "/file";
    int source, group;

    fixture_overlay(f);
    f = fixture_shell(state, "cat /mnt/group | head -n 1; head -n 1 /file");
    source = openat(f->overlay_fd, "etc", O_PATH | O_CLOEXEC);
    group = openat(f->overlay_fd, "etc/group", O_PATH | O_CLOEXEC);
    add_mount(f, (struct cb_mount){
                     .type = CB_MOUNT_BIND, .target = target, .source_fd = source});
    add_mount(
        f, (struct cb_mount){.type = CB_MOUNT_BIND, .target = file, .source_fd = group});
    assert_string_equal(fixture_output(f), "root:x:0:\nroot:x:0:\n");
    close(source);
    close(group);
}

static void tmpfs_has_size_and_mode(void **state)
{
    struct fixture *f = fixture_shell(
        state, "stat -c %a /scratch; dd if=/dev/zero of=/scratch/x bs=1M count=2 2>&1 | "
               "grep -c space");
    char target[] = "/scratch";

    add_mount(f, (struct cb_mount){.type = CB_MOUNT_TMPFS,
                                   .target = target,
                                   .source_fd = -1,
                                   .size_bytes = 1 << 20,
                                   .mode = 0700});
    assert_string_equal(fixture_output(f), "700\n1\n");
}

static void secret_has_owner_and_mode_and_is_not_on_disk(void **state)
{
    struct fixture *f =
        fixture_shell(state, "stat -c '%a %u %g' /run/secrets/id; cat /run/secrets/id; "
                             "grep -c 'secrets/id.* tmpfs ' /proc/self/mountinfo");
    char target[] = "/run/secrets/id";
    struct cb_mount mount = file_mount(target, "hush\n");

    mount.mode = 0400;
    mount.uid = 1000;
    mount.gid = 1001;
    f->spec.user = "app";
    add_mount(f, mount);
    assert_string_equal(fixture_output(f), "400 1000 1001\nhush\n1\n");
    assert_int_equal(faccessat(f->root_fd, "run", F_OK, 0), -1);
}

static void read_only_root_refuses_writes(void **state)
{
    struct fixture *f = fixture_shell(state, "touch /x 2>/dev/null || echo refused; "
                                             "touch /dev/shm/x /scratch/x && echo wrote");
    char target[] = "/scratch";

    f->spec.rootfs_read_only = 1;
    add_mount(
        f, (struct cb_mount){.type = CB_MOUNT_TMPFS, .target = target, .source_fd = -1});
    assert_string_equal(fixture_output(f), "refused\nwrote\n");
}

/* ── Hostile images ── */

static void expect_refusal(struct fixture *f, const char *part)
{
    cb_auto(cb_error) error = NULL;

    assert_int_equal(fixture_run(f, &error), -1);
    if (!strstr(cb_error_message(error), part))
        fail_msg("`%s` does not mention `%s`", cb_error_message(error), part);
}

static void kernel_mount_points_must_be_directories(void **state)
{
    static const char *const names[] = {"proc", "sys", "dev"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        struct fixture *f = fixture_shell(state, "true");
        cb_autofree char *message =
            xasprintf("`/%s` of the image is not a directory", names[i]);

        assert_int_equal(symlinkat("/tmp", f->root_fd, names[i]), 0);
        expect_refusal(f, message);
        unlinkat(f->root_fd, names[i], 0);
        put_file(f->root_fd, names[i], "");
        expect_refusal(f, message);
        unlinkat(f->root_fd, names[i], 0);
    }
}

static void linked_etc_stays_in_the_root(void **state)
{
    struct fixture *f = fixture_shell(state, "cat /etc/hosts");
    cb_autofree char *canary = in_fixture(f, "canary");
    char target[] = "/etc/hosts";

    mkdir(canary, 0755);
    assert_int_equal(renameat(f->root_fd, "etc", f->root_fd, "etc.real"), 0);
    assert_int_equal(symlinkat(canary, f->root_fd, "etc"), 0);
    add_mount(f, file_mount(target, "inside\n"));
    assert_string_equal(fixture_output(f), "inside\n");
    assert_int_equal(rmdir(canary), 0); /* still there, still empty */
    unlinkat(f->root_fd, "etc", 0);
    assert_int_equal(renameat(f->root_fd, "etc.real", f->root_fd, "etc"), 0);
}

static void dangling_resolv_conf_is_covered_where_it_points(void **state)
{
    struct fixture *f = fixture_shell(state, "cat /etc/resolv.conf");
    char target[] = "/etc/resolv.conf";

    assert_int_equal(symlinkat("../run/systemd/resolve/stub-resolv.conf", f->root_fd,
                               "etc/resolv.conf"),
                     0);
    add_mount(f, file_mount(target, "nameserver 192.0.2.1\n"));
    assert_string_equal(fixture_output(f), "nameserver 192.0.2.1\n");
    assert_int_equal(faccessat(f->root_fd, "run", F_OK, 0), -1);
}

static void root_and_proc_are_not_mount_points(void **state)
{
    static const struct {
        const char *target, *message;
    } cases[] = {
        {"/", "the root cannot be a mount point"},
        {"/..", "the root cannot be a mount point"},
        {"/to-root", "the root cannot be a mount point"},
        {"/proc/self/attr", "inside /proc is refused"},
        {"/proc", "inside /proc is refused"},
        {"/to-proc/sys", "inside /proc is refused"},
        {"relative", "is not absolute"},
    };
    struct fixture *f = fixture_shell(state, "true");

    assert_int_equal(symlinkat("/", f->root_fd, "to-root"), 0);
    assert_int_equal(symlinkat("/proc", f->root_fd, "to-proc"), 0);
    for (size_t i = 0; i < CB_ARRAY_SIZE(cases); i++) {
        cb_autofree char *target = xstrdup(cases[i].target);

        f = fixture_shell(state, "true");
        add_mount(f, (struct cb_mount){
                         .type = CB_MOUNT_TMPFS, .target = target, .source_fd = -1});
        expect_refusal(f, cases[i].message);
    }
}

static void link_in_a_shared_cache_does_not_lead_out(void **state)
{
    struct fixture *f = fixture_shell(state, "touch /cache/d/stolen; ls /cache/d");
    cb_autofree char *canary = in_fixture(f, "canary"), *path = in_fixture(f, "cache");
    char target[] = "/cache", inner[] = "/cache/d";
    int cache;

    mkdir(canary, 0755);
    mkdir(path, 0755);
    cache = open_in(f, "cache");
    assert_int_equal(symlinkat(canary, cache, "d"), 0);
    add_mount(f, (struct cb_mount){
                     .type = CB_MOUNT_BIND, .target = target, .source_fd = cache});
    add_mount(
        f, (struct cb_mount){.type = CB_MOUNT_TMPFS, .target = inner, .source_fd = -1});
    assert_string_equal(fixture_output(f), "stolen\n");
    assert_int_equal(rmdir(canary), 0);
    close(cache);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(step_that_changes_nothing_leaves_an_empty_layer),
        CASE(detached_root_serves_many_runs),
        CASE(missing_mount_points_go_away_with_their_parents),
        CASE(mount_point_in_a_directory_of_the_image_leaves_it_unchanged),
        CASE(mount_point_filled_by_the_step_stays),
        CASE(kept_mount_point_stays),
        CASE(clean_up_does_not_follow_links),
        CASE(bind_shows_the_source),
        CASE(bind_of_a_directory_of_a_detached_mount),
        CASE(tmpfs_has_size_and_mode),
        CASE(secret_has_owner_and_mode_and_is_not_on_disk),
        CASE(read_only_root_refuses_writes),
        CASE(kernel_mount_points_must_be_directories),
        CASE(linked_etc_stays_in_the_root),
        CASE(dangling_resolv_conf_is_covered_where_it_points),
        CASE(root_and_proc_are_not_mount_points),
        CASE(link_in_a_shared_cache_does_not_lead_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
