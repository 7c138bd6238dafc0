/* What of snapshots that are gone is used again, and what is not. */
#include "store-test.h"

#include "store/gc.h"
#include "store/snapshot-priv.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

static ino_t inode_of(struct fixture *f, const struct cb_snapshot *active)
{
    cb_autofree char *path = xasprintf("store/snapshots/%s", cb_snapshot_id(active));

    return stat_of(f->top_fd, path).st_ino;
}

/* An active one on BASE, with a file that was written through its mount. */
static struct cb_snapshot *written_on(struct fixture *f, struct cb_snapshot *base)
{
    struct cb_snapshot *active = new_snapshot(f, base);
    cb_autofd int fd = root_of(f, active);

    put_file(fd, "secret", "of the first", 0600);
    return active;
}

static void what_is_left_of_one_is_the_frame_of_the_next(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    struct cb_snapshot *first = written_on(f, base);
    cb_auto(cb_snapshot) second = NULL;
    cb_autofree char *work = NULL;
    ino_t frame = inode_of(f, first);
    cb_autofd int fd = -1;

    cb_snapshot_unref(first);
    assert_int_equal(stat_of(f->top_fd, "store/spare/bare").st_ino, frame);
    /* with what overlay makes there anew, and nothing in that */
    assert_int_equal(stat_of(f->top_fd, "store/spare/bare/work").st_nlink, 3);
    assert_int_equal(stat_of(f->top_fd, "store/spare/bare/work/work").st_nlink, 2);
    assert_int_equal(stat_of(f->top_fd, "store/spare/bare/work/work").st_mode & 07777,
                     0700);
    assert_false(exists(f->top_fd, "store/spare/bare/fs"));
    second = new_snapshot(f, base);
    assert_int_equal(inode_of(f, second), frame);
    assert_false(exists(f->top_fd, "store/spare/bare"));
    fd = root_of(f, second);
    assert_false(exists(fd, "secret"));
    assert_file(fd, "a", "one");
    put_file(fd, "b", "two", 0644);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(second, &f->error));
    work = xasprintf("store/snapshots/%s/work", cb_snapshot_id(second));
    assert_false(exists(f->top_fd, work));
}

/* 1: it is, 0: it is not, -1: this file system has no such flag. */
static int is_spread(int dir_fd, const char *name)
{
    cb_autofd int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int flags = 0, spread;

    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
        return -1;
    spread = (flags & FS_TOPDIR_FL) != 0;
    flags |= FS_TOPDIR_FL;
    return ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 ? -1 : spread;
}

static void trees_are_spread_over_the_disk_where_it_can_be_asked_to(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkdirat(f->top_fd, "probe", 0700), 0);
    if (is_spread(f->top_fd, "probe") == 0)
        assert_int_equal(is_spread(f->top_fd, "store/snapshots"), 1);
}

static void one_frame_is_kept_and_nobody_shares_it(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    struct cb_snapshot *first = written_on(f, base), *second = written_on(f, base);
    ino_t frame = inode_of(f, first);
    cb_autofree char *path = xasprintf("store/snapshots/%s", cb_snapshot_id(second));

    cb_snapshot_unref(first);
    cb_snapshot_unref(second);
    assert_false(exists(f->top_fd, path));
    assert_int_equal(stat_of(f->top_fd, "store/spare/bare").st_ino, frame);
    first = new_snapshot(f, base);
    second = new_snapshot(f, base);
    assert_int_equal(inode_of(f, first), frame);
    assert_int_not_equal(inode_of(f, second), frame);
    cb_snapshot_unref(second);
    cb_snapshot_unref(first);
    cb_snapshot_drop_spare(f->store);
    assert_false(exists(f->top_fd, "store/spare"));
}

static void a_work_directory_with_something_in_it_is_no_frame(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    struct cb_snapshot *active = written_on(f, base);
    cb_autofree char *path = xasprintf("store/snapshots/%s", cb_snapshot_id(active));
    cb_autofree char *left = xasprintf("%s/work/left", path);

    assert_int_equal(mkdirat(f->top_fd, left, 0700), 0);
    cb_snapshot_unref(active);
    assert_false(exists(f->top_fd, path));
    assert_false(exists(f->top_fd, "store/spare/bare"));
}

static void a_collection_removes_the_frame_whatever_is_in_it(void **state)
{
    struct fixture *f = *state;
    cb_autofd int tmp = -1;
    cb_auto_value(cb_strings) left = {0};

    assert_int_equal(mkdirat(f->top_fd, "store/spare", 0700), 0);
    assert_int_equal(mkdirat(f->top_fd, "store/spare/work", 0700), 0);
    put_file(f->top_fd, "store/spare/work/file", "x", 0600);
    put_file(f->top_fd, "store/spare/other", "x", 0600);
    ok(f, cb_store_gc(f->store, NULL, &f->error));
    assert_false(exists(f->top_fd, "store/spare"));
    tmp = openat(f->top_fd, "store/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok(f, cb_fs_list(tmp, &left, &f->error));
    assert_int_equal(left.count, 0);
}

/* ── Layers that are as they were at first ── */

/* With the entries that all of them begin with, made unless they are there. */
static struct cb_snapshot *begun_on(struct fixture *f, struct cb_snapshot *base,
                                    int *was_there)
{
    struct cb_snapshot *active = NULL;
    cb_autofd int fd = -1;

    *was_there = cb_snapshot_prepare_initial(f->store, base, "test", &active, &f->error);
    ok(f, *was_there);
    fd = root_of(f, active);
    if (!*was_there) {
        put_file(fd, "mark", "", 0644);
        assert_int_equal(mkdirat(fd, "d", 0755), 0);
        assert_int_equal(symlinkat("to", fd, "d/link"), 0);
    }
    assert_true(exists(fd, "mark"));
    assert_true(exists(fd, "d/link"));
    cb_snapshot_set_initial(active);
    return active;
}

/* Is the layer of one that CHANGE was made in that of the next? */
static int is_kept(struct fixture *f, void (*change)(int root))
{
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    int was_there = -1;
    struct cb_snapshot *active = begun_on(f, base, &was_there);
    cb_autofd int fd = root_of(f, active);

    assert_int_equal(was_there, 0);
    change(fd);
    cb_close(&fd);
    cb_snapshot_unref(active);
    cb_snapshot_unref(begun_on(f, base, &was_there));
    return was_there;
}

static void nothing(int root)
{
    assert_true(exists(root, "a"));
}
static void another_entry(int root)
{
    put_file(root, "other", "", 0644);
}
static void an_entry_below(int root)
{
    put_file(root, "d/other", "", 0644);
}
static void content(int root)
{
    put_file(root, "mark", "x", 0644);
}
static void a_mode(int root)
{
    assert_int_equal(fchmodat(root, "mark", 04755, 0), 0);
}
static void a_mode_of_the_root(int root)
{
    assert_int_equal(fchmodat(root, ".", 0777, 0), 0);
}
static void an_owner(int root)
{
    assert_int_equal(fchownat(root, "d", 5, 5, 0), 0);
}
static void a_time(int root)
{
    const struct timespec times[] = {{1, 0}, {1, 0}};

    assert_int_equal(utimensat(root, "mark", times, 0), 0);
}
static void an_attribute(int root)
{
    cb_autofd int fd = openat(root, "mark", O_RDONLY | O_CLOEXEC);

    assert_int_equal(fsetxattr(fd, "user.left", "x", 1, 0), 0);
}
static void a_flag(int root)
{
    cb_autofd int fd = openat(root, "d", O_RDONLY | O_CLOEXEC);
    int flags = FS_NOATIME_FL;

    assert_int_equal(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
}
static void a_flag_of_a_file(int root)
{
    cb_autofd int fd = openat(root, "mark", O_RDONLY | O_CLOEXEC);
    int flags = FS_NODUMP_FL;

    assert_int_equal(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
}
static void a_time_of_access(int root)
{
    const struct timespec times[] = {{1, 0}, {0, UTIME_OMIT}};

    assert_int_equal(utimensat(root, "d/link", times, AT_SYMLINK_NOFOLLOW), 0);
}
static void a_removal(int root)
{
    assert_int_equal(unlinkat(root, "mark", 0), 0);
}
static void a_removal_of_the_images(int root)
{
    assert_int_equal(unlinkat(root, "a", 0), 0);
}
static void another_target(int root)
{
    assert_int_equal(unlinkat(root, "d/link", 0), 0);
    assert_int_equal(symlinkat("ot", root, "d/link"), 0);
}
static void another_name_of_it(int root)
{
    assert_int_equal(linkat(root, "mark", root, "d/mark", 0), 0);
}
static void room_without_content(int root)
{
    cb_autofd int fd = openat(root, "mark", O_WRONLY | O_CLOEXEC);

    assert_int_equal(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1 << 20), 0);
}
static void many_entries(int root)
{
    char name[16];

    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "d/%d", i);
        put_file(root, name, "", 0644);
    }
}
static void many_that_are_gone(int root)
{
    char name[512];

    memset(name, 'n', sizeof(name));
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "d/%0200d", i);
        put_file(root, name, "", 0644);
    }
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "d/%0200d", i);
        assert_int_equal(unlinkat(root, name, 0), 0);
    }
}

static void a_layer_that_nobody_changed_is_the_next_ones(void **state)
{
    assert_int_equal(is_kept(*state, nothing), 1);
}

static void whatever_is_changed_in_a_layer_it_is_not_kept(void **state)
{
    static void (*const changes[])(int) = {a_flag,
                                           a_flag_of_a_file,
                                           a_time_of_access,
                                           another_entry,
                                           an_entry_below,
                                           content,
                                           a_mode,
                                           an_owner,
                                           a_mode_of_the_root,
                                           a_time,
                                           an_attribute,
                                           a_removal,
                                           a_removal_of_the_images,
                                           another_target,
                                           another_name_of_it,
                                           many_entries,
                                           room_without_content,
                                           many_that_are_gone};

    for (size_t i = 0; i < CB_ARRAY_SIZE(changes); i++) {
        if (is_kept(*state, changes[i]))
            fail_msg("change %zu was not seen", i);
    }
}

static void a_layer_is_only_for_its_parent_and_key(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    cb_auto(cb_snapshot) other = snapshot_with(f, NULL, "a", "two");
    cb_auto(cb_snapshot) plain = NULL;
    cb_auto(cb_snapshot) of_another_key = NULL;
    int was_there;
    cb_autofd int fd = -1;

    cb_snapshot_unref(begun_on(f, base, &was_there));
    cb_snapshot_unref(begun_on(f, other, &was_there));
    assert_int_equal(was_there, 0);
    plain = new_snapshot(f, base);
    fd = root_of(f, plain);
    assert_false(exists(fd, "mark"));
    assert_int_equal(
        cb_snapshot_prepare_initial(f->store, base, "other", &of_another_key, &f->error),
        0);
    cb_snapshot_unref(begun_on(f, base, &was_there));
    assert_int_equal(was_there, 1);
    cb_snapshot_unref(begun_on(f, other, &was_there));
    assert_int_equal(was_there, 1);
}

static void two_at_once_do_not_share_a_layer(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    struct cb_snapshot *first, *second;
    int was_there;

    cb_snapshot_unref(begun_on(f, base, &was_there));
    first = begun_on(f, base, &was_there);
    assert_int_equal(was_there, 1);
    second = begun_on(f, base, &was_there);
    assert_int_equal(was_there, 0);
    cb_snapshot_unref(first);
    cb_snapshot_unref(second);
    cb_snapshot_unref(begun_on(f, base, &was_there));
    assert_int_equal(was_there, 1);
}

static void a_layer_that_others_may_have_open_is_not_kept(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    int was_there;
    struct cb_snapshot *active = begun_on(f, base, &was_there);

    cb_snapshot_forget_initial(active);
    cb_snapshot_unref(active);
    cb_snapshot_unref(begun_on(f, base, &was_there));
    assert_int_equal(was_there, 0);
}

/* A process passes a descriptor of its root to another, and ends. */
static void a_layer_that_somebody_has_open_is_not_kept(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    cb_auto(cb_snapshot) next = NULL;
    int was_there;
    struct cb_snapshot *active = begun_on(f, base, &was_there);
    cb_autofd int somebodys = root_of(f, active);
    cb_autofd int fd = -1;

    cb_snapshot_unref(active);
    assert_false(exists(f->top_fd, "store/spare/bare"));
    next = begun_on(f, base, &was_there);
    assert_int_equal(was_there, 0);
    if (openat(somebodys, "left", O_CREAT | O_WRONLY | O_CLOEXEC, 0644) >= 0)
        fail_msg("the layer is still there");
    fd = root_of(f, next);
    assert_false(exists(fd, "left"));
}

/* What somebody, or a crash, may have made of a frame: DIR is the store's top. */
static void its_own_directory(int dir)
{
    assert_int_equal(mkdirat(dir, "spare/bare/work/work/left", 0700), 0);
    assert_int_equal(mkdirat(dir, "spare/bare/work/work/left/below", 0700), 0);
    put_file(dir, "spare/bare/work/work/left/below/file", "x", 0600);
}
static void a_mark_of_overlay(int dir)
{
    assert_int_equal(mkdirat(dir, "spare/bare/work/work/incompat", 0700), 0);
    assert_int_equal(mkdirat(dir, "spare/bare/work/work/incompat/other", 0700), 0);
}
static void a_layer(int dir)
{
    assert_int_equal(mkdirat(dir, "spare/bare/fs", 0755), 0);
    put_file(dir, "spare/bare/fs/secret", "x", 0644);
}
static void no_work_directory(int dir)
{
    assert_int_equal(unlinkat(dir, "spare/bare/work/work", AT_REMOVEDIR), 0);
    assert_int_equal(unlinkat(dir, "spare/bare/work", AT_REMOVEDIR), 0);
}
static void a_link_for_a_work_directory(int dir)
{
    no_work_directory(dir);
    assert_int_equal(symlinkat("../../elsewhere", dir, "spare/bare/work"), 0);
}
static void a_link(int dir)
{
    assert_int_equal(cb_fs_remove_tree(dir, "spare/bare", NULL), 0);
    assert_int_equal(symlinkat("../elsewhere", dir, "spare/bare"), 0);
}
static void a_file(int dir)
{
    assert_int_equal(cb_fs_remove_tree(dir, "spare/bare", NULL), 0);
    put_file(dir, "spare/bare", "x", 0600);
}

static void a_frame_that_is_none_any_more_is_not_used(void **state)
{
    static void (*const damages[])(int) = {its_own_directory,
                                           a_mark_of_overlay,
                                           a_layer,
                                           no_work_directory,
                                           a_link_for_a_work_directory,
                                           a_link,
                                           a_file};
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    cb_autofd int dir = openat(f->top_fd, "store", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cb_autofd int elsewhere = -1;
    cb_auto_value(cb_strings) left = {0};

    assert_int_equal(mkdirat(dir, "elsewhere", 0700), 0);
    elsewhere = openat(dir, "elsewhere", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < CB_ARRAY_SIZE(damages); i++) {
        cb_auto(cb_snapshot) next = NULL;

        cb_snapshot_unref(written_on(f, base));
        damages[i](dir);
        next = written_on(f, base);
        assert_false(exists(dir, "spare/bare"));
        ok(f, cb_fs_list(elsewhere, &left, &f->error));
        assert_int_equal(left.count, 0);
    }
}

static void a_layer_that_has_become_a_link_is_not_used(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    cb_auto_value(cb_strings) spares = {0};
    cb_autofree char *layer = NULL;
    cb_autofd int fd = -1;
    int was_there;

    cb_snapshot_unref(begun_on(f, base, &was_there));
    fd = openat(f->top_fd, "store/spare", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok(f, cb_fs_list(fd, &spares, &f->error));
    assert_int_equal(spares.count, 1);
    layer = xasprintf("%s/fs", spares.items[0]);
    assert_int_equal(renameat(fd, layer, f->top_fd, "layer"), 0);
    assert_int_equal(symlinkat("../../../layer", fd, layer), 0);
    cb_snapshot_unref(begun_on(f, base, &was_there));
    assert_int_equal(was_there, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_is_left_of_one_is_the_frame_of_the_next),
        test(trees_are_spread_over_the_disk_where_it_can_be_asked_to),
        test(one_frame_is_kept_and_nobody_shares_it),
        test(a_work_directory_with_something_in_it_is_no_frame),
        test(a_collection_removes_the_frame_whatever_is_in_it),
        test(a_layer_that_nobody_changed_is_the_next_ones),
        test(whatever_is_changed_in_a_layer_it_is_not_kept),
        test(a_layer_is_only_for_its_parent_and_key),
        test(two_at_once_do_not_share_a_layer),
        test(a_layer_that_others_may_have_open_is_not_kept),
        test(a_layer_that_somebody_has_open_is_not_kept),
        test(a_frame_that_is_none_any_more_is_not_used),
        test(a_layer_that_has_become_a_link_is_not_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
