/* Trees copied by descriptor, and what a layer in overlay's format says of the tree below
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fs.h"
#include "container/copy.h"
#include "container/diff.h"
#include "store/whiteout.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct place {
    char path[64];
    int fd, from, to;
};

static int open_new(int dir, const char *name)
{
    assert_int_equal(mkdirat(dir, name, 0755), 0);
    return openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    strcpy(place->path, "/var/tmp/cbuild-copy.XXXXXX");
    assert_non_null(mkdtemp(place->path));
    place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    place->from = open_new(place->fd, "from");
    place->to = open_new(place->fd, "to");
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;

    cb_fs_remove_tree(AT_FDCWD, place->path, NULL);
    close(place->fd);
    close(place->from);
    close(place->to);
    free(place);
    return 0;
}

static void put(int dir, const char *path, const char *text)
{
    int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void expect(int dir, const char *path, const char *text)
{
    cb_auto_value(cb_strbuf) bytes = {0};

    assert_int_equal(cb_fs_read_file(dir, path, 1000, &bytes, NULL), 0);
    assert_string_equal(cb_strbuf_text(&bytes), text);
}

static int is_there(int dir, const char *path)
{
    return faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ── Copying ── */

static void directories_are_filled_and_files_replaced(void **state)
{
    struct place *place = *state;
    struct cb_container_copying copying = {.owner = CB_COPY_OURS};
    struct stat a, b;

    mkdirat(place->from, "dir", 0750);
    put(place->from, "dir/new", "new");
    put(place->from, "dir/same", "other");
    linkat(place->from, "dir/new", place->from, "dir/twin", 0);
    mkdirat(place->to, "dir", 0700);
    put(place->to, "dir/same", "old");
    put(place->to, "dir/stays", "stays");
    assert_int_equal(cb_container_copy_content(&copying, place->from, place->to, NULL),
                     0);
    expect(place->to, "dir/new", "new");
    expect(place->to, "dir/same", "other");
    expect(place->to, "dir/stays", "stays");
    assert_int_equal(fstatat(place->to, "dir/new", &a, 0), 0);
    assert_int_equal(fstatat(place->to, "dir/twin", &b, 0), 0);
    assert_int_equal(a.st_ino, b.st_ino);
    assert_int_equal(fstatat(place->to, "dir", &a, 0), 0);
    assert_int_equal(a.st_mode & 07777, 0750);
    assert_int_equal(copying.bytes, 8);
}

static void a_copy_over_its_own_twin_leaves_nothing_else(void **state)
{
    struct place *place = *state;
    struct cb_container_copying copying = {.owner = CB_COPY_OURS};
    cb_auto_value(cb_strings) names = {0};

    put(place->from, "a", "x");
    linkat(place->from, "a", place->from, "b", 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            cb_container_copy_content(&copying, place->from, place->to, NULL), 0);
    assert_int_equal(cb_fs_list(place->to, &names, NULL), 0);
    assert_int_equal(names.count, 2);
}

static void a_link_in_the_way_is_replaced_and_not_followed(void **state)
{
    struct place *place = *state;
    struct cb_container_copying copying = {.owner = CB_COPY_OURS};
    cb_auto(cb_error) error = NULL;

    put(place->fd, "victim", "victim");
    mkdirat(place->fd, "elsewhere", 0755);
    put(place->from, "file", "file");
    symlinkat("../victim", place->to, "file");
    assert_int_equal(cb_container_copy_content(&copying, place->from, place->to, NULL),
                     0);
    expect(place->fd, "victim", "victim");
    expect(place->to, "file", "file");
    mkdirat(place->from, "dir", 0755);
    put(place->from, "dir/x", "x");
    symlinkat("../elsewhere", place->to, "dir");
    assert_int_equal(cb_container_copy_content(&copying, place->from, place->to, &error),
                     -1);
    assert_string_equal(cb_error_message(error),
                        "cannot overwrite non-directory \"dir\" with directory");
    assert_false(is_there(place->fd, "elsewhere/x"));
}

static void kinds_are_not_changed_and_nothing_half_done_is_left(void **state)
{
    struct place *place = *state;
    struct cb_container_copying copying = {.owner = CB_COPY_OURS};
    cb_auto(cb_error) error = NULL;
    cb_auto_value(cb_strings) names = {0};

    put(place->from, "name", "x");
    mkdirat(place->to, "name", 0755);
    put(place->to, "name/inside", "kept");
    assert_int_equal(cb_container_copy_content(&copying, place->from, place->to, &error),
                     -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_EXISTS);
    assert_int_equal(cb_fs_list(place->to, &names, NULL), 0);
    assert_int_equal(names.count, 1);
    expect(place->to, "name/inside", "kept");
}

static void a_tree_is_not_copied_into_itself(void **state)
{
    struct place *place = *state;
    struct cb_container_copying copying = {.owner = CB_COPY_OURS};
    cb_auto(cb_error) error = NULL;

    assert_int_equal(
        cb_container_copy_named(&copying, place->fd, "to", place->to, "again", &error),
        -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_USAGE);
    assert_int_equal(cb_container_copy_content(&copying, place->from, place->from, NULL),
                     -1);
}

static void set_id_bits_go_with_their_owner(void **state)
{
    struct place *place = *state;
    struct cb_container_copying ours = {.owner = CB_COPY_OURS},
                                kept = {.owner = CB_COPY_KEEP};
    struct stat st;

    put(place->from, "tool", "x");
    fchmodat(place->from, "tool", 06755, 0);
    assert_int_equal(
        cb_container_copy_named(&ours, place->from, "tool", place->to, "ours", NULL), 0);
    assert_int_equal(
        cb_container_copy_named(&kept, place->from, "tool", place->to, "kept", NULL), 0);
    assert_int_equal(fstatat(place->to, "ours", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_int_equal(fstatat(place->to, "kept", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 06755);
}

static int leaves_out_dir(const char *path, const struct stat *st)
{
    return strcmp(path, "a/b") == 0;
}

static void what_is_left_out_is_left_out_whole(void **state)
{
    struct place *place = *state;
    struct cb_container_copying copying = {.owner = CB_COPY_OURS,
                                           .leaves_out = leaves_out_dir};

    mkdirat(place->from, "a", 0755);
    mkdirat(place->from, "a/b", 0755);
    put(place->from, "a/b/c", "x");
    put(place->from, "a/d", "x");
    assert_int_equal(cb_container_copy_content(&copying, place->from, place->to, NULL),
                     0);
    assert_true(is_there(place->to, "a/d"));
    assert_false(is_there(place->to, "a/b"));
}

/* ── Differences ── */

static void whiteouts_and_opaque_directories_are_deletions(void **state)
{
    struct place *place = *state; /* "from" is below, "to" the layer */
    struct cb_diff_trees trees = {.upper_fd = place->to, .below_fd = place->from};
    cb_auto_value(cb_changes) changes = {0};
    cb_auto_value(cb_strbuf) text = {0};
    int hidden;

    mkdirat(place->from, "dir", 0755);
    put(place->from, "dir/gone", "x");
    put(place->from, "dir/kept", "x");
    mkdirat(place->from, "dir/sub", 0755);
    put(place->from, "dir/sub/x", "x");
    put(place->from, "dir-x", "x");
    put(place->from, "file", "x");
    hidden = open_new(place->to, "dir");
    assert_int_equal(cb_whiteout_make_opaque(hidden, NULL), 0);
    put(place->to, "dir/kept", "y");
    mkdirat(place->to, "dir/sub", 0755);
    put(place->to, "dir/sub/new", "y");
    assert_int_equal(cb_whiteout_make(place->to, "file", NULL), 0);
    assert_int_equal(cb_whiteout_make(place->to, "never", NULL), 0);
    put(place->to, "dir-x", "y");
    close(hidden);
    assert_int_equal(cb_diff_trees(&trees, &changes, NULL), 0);
    cb_vec_foreach (change, &changes)
        cb_strbuf_addf(&text, "%c %s\n", change->kind, change->path);
    assert_string_equal(cb_strbuf_text(&text), "C /dir\nD /dir/gone\nC /dir/kept\n"
                                               "C /dir/sub\nA /dir/sub/new\n"
                                               "D /dir/sub/x\nC /dir-x\nD /file\n");
}

static void a_directory_on_the_way_is_told_only_with_what_is_in_it(void **state)
{
    struct place *place = *state;
    struct cb_diff_trees trees = {.upper_fd = place->to, .below_fd = place->from};
    cb_auto_value(cb_changes) changes = {0};
    struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 5}};

    mkdirat(place->from, "same", 0755);
    mkdirat(place->to, "same", 0755);
    utimensat(place->from, "same", times, 0);
    utimensat(place->to, "same", times, 0);
    assert_int_equal(cb_diff_trees(&trees, &changes, NULL), 0);
    assert_int_equal(changes.count, 0);
    put(place->to, "same/new", "x");
    utimensat(place->to, "same", times, 0);
    assert_int_equal(cb_diff_trees(&trees, &changes, NULL), 0);
    assert_int_equal(changes.count, 2);
    assert_string_equal(changes.items[0].path, "/same");
    assert_int_equal(changes.items[0].kind, 'C');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(directories_are_filled_and_files_replaced),
        TEST(a_copy_over_its_own_twin_leaves_nothing_else),
        TEST(a_link_in_the_way_is_replaced_and_not_followed),
        TEST(kinds_are_not_changed_and_nothing_half_done_is_left),
        TEST(a_tree_is_not_copied_into_itself),
        TEST(set_id_bits_go_with_their_owner),
        TEST(what_is_left_out_is_left_out_whole),
        TEST(whiteouts_and_opaque_directories_are_deletions),
        TEST(a_directory_on_the_way_is_told_only_with_what_is_in_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
