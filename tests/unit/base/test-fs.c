#include "scratch.h"

#include "base/fs-priv.h"

#include <errno.h>

static void missing_directories_are_made_as_asked(void **state)
{
    struct scratch *scratch = *state;
    struct cb_error *err = NULL;
    cb_autofd int fd = -1;
    cb_autofd int parent = -1;
    cb_autofree char *name = NULL;
    struct stat st;

    assert_int_equal(symlinkat("/made/here", scratch->fd, "link"), 0);
    assert_ok(cb_fs_mkdirs_in_root(scratch->fd, "/link/a/../b", 01777, getuid(), getgid(),
                                   &fd, &err),
              err);
    assert_int_equal(fstatat(scratch->fd, "made/here/b", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 01777);
    assert_int_equal(fstatat(scratch->fd, "made/here/a", &st, 0), -1);
    assert_ok(cb_fs_open_parent_in_root(scratch->fd, "x/y/",
                                        &(struct cb_fs_made){0700, getuid(), getgid()},
                                        &parent, &name, &err),
              err);
    assert_string_equal(name, "y");
    assert_int_equal(fstatat(scratch->fd, "x", &st, 0), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0700);
}

static void parents_are_named(void **state)
{
    static const struct {
        const char *path, *name;
    } rows[] = {{"/", "."},  {".", "."},   {"..", "."},
                {"/a", "a"}, {"a//", "a"}, {"", "."}};
    struct scratch *scratch = *state;
    struct cb_error *err = NULL;
    int fd = -1;
    char *none = NULL;

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofd int dir = -1;
        cb_autofree char *name = NULL;

        assert_ok(
            cb_fs_open_parent_in_root(scratch->fd, rows[i].path, NULL, &dir, &name, &err),
            err);
        assert_string_equal(name, rows[i].name);
    }
    assert_error(cb_fs_open_parent_in_root(scratch->fd, "no/x", NULL, &fd, &none, &err),
                 &err, CB_ERR_NOT_FOUND, "open `no/`");
}

static void paths_resolve_inside_the_root(void **state)
{
    static const struct {
        const char *path, *expected;
    } rows[] = {
        {"/", "/"},
        {"", "/"},
        {"link", "/dir"},
        {"link/file", "/dir/file"},
        {"/link/../x", "/x"},
        {"../../dir", "/dir"},
        {"up/dir", "/dir"},
        {"gone", "/none/a"},
        {"gone/b/../c", "/none/a/c"},
        {"none/../../x", "/x"},
    };
    struct scratch *scratch = *state;
    struct cb_error *err = NULL;
    char *path = NULL;

    assert_int_equal(mkdirat(scratch->fd, "dir", 0755), 0);
    write_file(scratch->fd, "dir/file", "");
    assert_int_equal(symlinkat("/dir", scratch->fd, "link"), 0);
    assert_int_equal(symlinkat("../../..", scratch->fd, "up"), 0);
    assert_int_equal(symlinkat("none/a", scratch->fd, "gone"), 0);
    assert_int_equal(symlinkat("loop", scratch->fd, "loop"), 0);
    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofree char *found = NULL;

        assert_ok(cb_fs_resolve_in_root(scratch->fd, rows[i].path, &found, &err), err);
        assert_string_equal(found, rows[i].expected);
    }
    assert_error(cb_fs_resolve_in_root(scratch->fd, "loop", &path, &err), &err,
                 CB_ERR_SYSTEM, "resolve `loop`: too many levels");
    assert_error(cb_fs_resolve_in_root(scratch->fd, "dir/file/x", &path, &err), &err,
                 CB_ERR_SYSTEM, "not a directory");
}

static void only_regular_files_of_bounded_size_are_read(void **state)
{
    struct scratch *scratch = *state;
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_error *err = NULL;

    write_file(scratch->fd, "five", "12345");
    assert_int_equal(mkfifoat(scratch->fd, "fifo", 0600), 0);
    cb_strbuf_adds(&text, "kept ");
    assert_ok(cb_fs_read_file(scratch->fd, "five", 5, &text, &err), err);
    assert_string_equal(text.text, "kept 12345");
    assert_error(cb_fs_read_file(scratch->fd, "five", 4, &text, &err), &err,
                 CB_ERR_INTEGRITY, "`five`: larger than 4 bytes");
    assert_error(cb_fs_read_file(scratch->fd, "fifo", 4, &text, &err), &err,
                 CB_ERR_INTEGRITY, "`fifo`: not a regular file");
    assert_error(cb_fs_read_file(AT_FDCWD, "/dev/zero", 4, &text, &err), &err,
                 CB_ERR_INTEGRITY, "not a regular file");
    assert_error(cb_fs_read_file(scratch->fd, ".", 4, &text, &err), &err, CB_ERR_SYSTEM,
                 "is a directory");
    assert_int_equal(cb_fs_read_in_root(scratch->fd, "/etc/passwd", 100, &text, &err), 0);
    assert_int_equal(cb_fs_read_in_root(scratch->fd, "five/x", 100, &text, &err), 0);
    assert_int_equal(cb_fs_read_in_root(scratch->fd, "/five", 100, &text, &err), 1);
    assert_string_equal(text.text, "kept 1234512345");
    /* procfs files tell no size */
    cb_strbuf_truncate(&text, 0);
    assert_ok(cb_fs_read_file(AT_FDCWD, "/proc/self/status", 1 << 20, &text, &err), err);
    assert_non_null(strstr(text.text, "Pid:"));
}

static int make_deep(int dir_fd, int depth)
{
    cb_autofd int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (int i = 0; i < depth; i++) {
        int next;

        if (mkdirat(fd, "d", 0755) < 0 || mknodat(fd, "f", S_IFREG | 0600, 0) < 0)
            return -1;
        next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = next;
    }
    return 0;
}

static void trees_of_any_depth_are_removed(void **state)
{
    struct scratch *scratch = *state;
    struct cb_error *err = NULL;
    cb_autofd int tree = -1;

    assert_ok(cb_fs_remove_tree(scratch->fd, "absent", &err), err);
    for (int without = 0; without < 2; without++) {
        assert_int_equal(mkdirat(scratch->fd, "tree", 0755), 0);
        cb_close(&tree);
        tree = openat(scratch->fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(make_deep(tree, 3000), 0);
        cb_fs_test_without_openat2(without);
        assert_ok(cb_fs_remove_tree(scratch->fd, "tree", &err), err);
        cb_fs_test_without_openat2(0);
        assert_int_equal(faccessat(scratch->fd, "tree", F_OK, 0), -1);
    }
}

static void removal_follows_no_links_and_opens_locked_directories(void **state)
{
    struct scratch *scratch = *state;
    struct cb_error *err = NULL;

    assert_int_equal(mkdirat(scratch->fd, "tree", 0755), 0);
    assert_int_equal(mkdirat(scratch->fd, "kept", 0755), 0);
    write_file(scratch->fd, "kept/file", "");
    assert_int_equal(mkdirat(scratch->fd, "tree/locked", 0755), 0);
    write_file(scratch->fd, "tree/locked/file", "");
    assert_int_equal(fchmodat(scratch->fd, "tree/locked", 0, 0), 0);
    assert_int_equal(symlinkat("../kept", scratch->fd, "tree/link"), 0);
    assert_int_equal(symlinkat("kept", scratch->fd, "toplink"), 0);
    assert_ok(cb_fs_remove_tree(scratch->fd, "tree", &err), err);
    assert_ok(cb_fs_remove_tree(scratch->fd, "toplink", &err), err);
    assert_int_equal(faccessat(scratch->fd, "kept/file", F_OK, 0), 0);
    assert_int_equal(faccessat(scratch->fd, "tree", F_OK, 0), -1);
}

static void removal_finds_its_way_through_links_and_mounts(void **state)
{
    struct scratch *scratch = *state;
    struct cb_error *err = NULL;
    char path[] = "/dev/shm/cbuild-fs-XXXXXX";

    assert_int_equal(mkdirat(scratch->fd, "kept", 0755), 0);
    assert_int_equal(mkdirat(scratch->fd, "kept/tree", 0755), 0);
    assert_int_equal(symlinkat("kept", scratch->fd, "way"), 0);
    assert_ok(cb_fs_remove_tree(scratch->fd, "way/tree", &err), err);
    assert_int_equal(faccessat(scratch->fd, "kept/tree", F_OK, 0), -1);
    assert_non_null(mkdtemp(path));
    assert_ok(cb_fs_remove_tree(AT_FDCWD, path, &err), err);
    assert_int_equal(access(path, F_OK), -1);
}

static void big_directories_are_removed(void **state)
{
    struct scratch *scratch = *state;
    struct cb_error *err = NULL;
    char name[32];

    assert_int_equal(mkdirat(scratch->fd, "tree", 0755), 0);
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "tree/file-%d", i);
        assert_int_equal(mknodat(scratch->fd, name, S_IFREG | 0600, 0), 0);
    }
    assert_ok(cb_fs_remove_tree(scratch->fd, "tree", &err), err);
}

static void copies_keep_data_and_holes(void **state)
{
    struct scratch *scratch = *state;
    struct cb_error *err = NULL;
    cb_autofd int from = openat(scratch->fd, "from", O_RDWR | O_CREAT, 0600);
    cb_autofd int to = openat(scratch->fd, "to", O_RDWR | O_CREAT, 0600);
    struct stat st, copied;
    char text[4] = "";

    assert_int_equal(pwrite(from, "one", 3, 1 << 20), 3);
    assert_int_equal(ftruncate(from, 8 << 20), 0);
    assert_ok(cb_fs_copy_data(from, to, -1, &err), err);
    assert_int_equal(fstat(from, &st), 0);
    assert_int_equal(fstat(to, &copied), 0);
    assert_int_equal(copied.st_size, 8 << 20);
    assert_true(copied.st_blocks <= st.st_blocks + 64);
    assert_int_equal(pread(to, text, 3, 1 << 20), 3);
    assert_string_equal(text, "one");
}

static void parts_are_copied_from_the_current_position(void **state)
{
    struct scratch *scratch = *state;
    struct cb_error *err = NULL;
    cb_autofd int from = -1;
    cb_autofd int to = openat(scratch->fd, "to", O_RDWR | O_CREAT, 0600);
    cb_autofree char *text = NULL;

    write_file(scratch->fd, "from", "0123456789");
    from = openat(scratch->fd, "from", O_RDONLY);
    assert_int_equal(lseek(from, 2, SEEK_SET), 2);
    assert_ok(cb_fs_copy_data(from, to, 3, &err), err);
    assert_ok(cb_fs_copy_data(from, to, 2, &err), err);
    text = read_text(scratch->fd, "to");
    assert_string_equal(text, "23456");
    assert_error(cb_fs_copy_data(from, to, 10, &err), &err, CB_ERR_INTEGRITY,
                 "ends 7 bytes early");
}

static void the_null_device_may_be_given(void **state)
{
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_error *err = NULL;

    cb_strbuf_adds(&text, "kept");
    assert_ok(cb_fs_read_given("/dev/null", 4, &text, &err), err);
    assert_string_equal(text.text, "kept");
    assert_error(cb_fs_read_given("/dev/zero", 4, &text, &err), &err, CB_ERR_INTEGRITY,
                 "not a regular file");
}

static void pipes_are_copied_to_their_end(void **state)
{
    struct scratch *scratch = *state;
    struct cb_error *err = NULL;
    cb_autofd int to = openat(scratch->fd, "to", O_RDWR | O_CREAT, 0600);
    cb_autofree char *text = NULL;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "piped", 5), 5);
    close(ends[1]);
    assert_ok(cb_fs_copy_data(ends[0], to, -1, &err), err);
    close(ends[0]);
    text = read_text(scratch->fd, "to");
    assert_string_equal(text, "piped");
}

/* One that grows would be followed for ever. */
static void a_file_is_copied_to_where_its_end_was(void **state)
{
    struct scratch *scratch = *state;
    struct cb_error *err = NULL;
    cb_autofd int from = open("/proc/self/status", O_RDONLY); /* of size 0, says stat */
    cb_autofd int to = openat(scratch->fd, "to", O_RDWR | O_CREAT, 0600);
    cb_autofree char *text = NULL;

    assert_ok(cb_fs_copy_data(from, to, -1, &err), err);
    text = read_text(scratch->fd, "to");
    assert_string_equal(text, "");
}

static void the_kernels_filesystems_are_known(void **state)
{
    struct scratch *scratch = *state;
    cb_autofd int proc = open("/proc/self/status", O_PATH);
    cb_autofd int sys = open("/sys", O_PATH);

    assert_true(cb_fs_is_of_kernel(proc));
    assert_true(cb_fs_is_of_kernel(sys));
    assert_false(cb_fs_is_of_kernel(scratch->fd));
}

static void names_are_listed_in_byte_order(void **state)
{
    static const char *const names[] = {"b", "a", "B", "\xc3\xa9", "a.b", ".hidden"};
    static const char *const sorted[] = {".hidden", "B", "a", "a.b", "b", "\xc3\xa9"};
    struct scratch *scratch = *state;
    cb_auto_value(cb_strings) found = {0};
    cb_autofd int path_fd = open(scratch->path, O_PATH | O_DIRECTORY);
    struct cb_error *err = NULL;

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++)
        write_file(scratch->fd, names[i], "");
    assert_ok(cb_fs_list(path_fd, &found, &err), err);
    assert_int_equal(found.count, CB_ARRAY_SIZE(sorted));
    for (size_t i = 0; i < CB_ARRAY_SIZE(sorted); i++)
        assert_string_equal(found.items[i], sorted[i]);
}

static void host_directories_are_made(void **state)
{
    struct scratch *scratch = *state;
    cb_autofree char *path = xasprintf("%s/p/q/r", scratch->path);
    cb_autofree char *below = xasprintf("%s/file/x", scratch->path);
    struct cb_error *err = NULL;
    struct stat st;

    assert_ok(cb_fs_mkdirs(path, 0711, &err), err);
    assert_ok(cb_fs_mkdirs(path, 0700, &err), err);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0711);
    write_file(scratch->fd, "file", "");
    assert_error(cb_fs_mkdirs(below, 0711, &err), &err, CB_ERR_SYSTEM, "not a directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(missing_directories_are_made_as_asked),
        scratch_test(parents_are_named),
        scratch_test(paths_resolve_inside_the_root),
        scratch_test(only_regular_files_of_bounded_size_are_read),
        scratch_test(trees_of_any_depth_are_removed),
        scratch_test(removal_follows_no_links_and_opens_locked_directories),
        scratch_test(removal_finds_its_way_through_links_and_mounts),
        scratch_test(big_directories_are_removed),
        scratch_test(copies_keep_data_and_holes),
        scratch_test(parts_are_copied_from_the_current_position),
        scratch_test(the_null_device_may_be_given),
        scratch_test(pipes_are_copied_to_their_end),
        scratch_test(a_file_is_copied_to_where_its_end_was),
        scratch_test(the_kernels_filesystems_are_known),
        scratch_test(names_are_listed_in_byte_order),
        scratch_test(host_directories_are_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
