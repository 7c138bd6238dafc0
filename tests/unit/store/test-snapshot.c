#include "store-test.h"

#include "store/driver.h"
#include "store/gc.h"
#include "store/snapshot-priv.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>

static void a_committed_snapshot_is_found_again(void **state)
{
    struct fixture *f = *state;
    struct cb_snapshot *made = snapshot_with(f, NULL, "a", "one");
    cb_autofree char *id = xstrdup(cb_snapshot_id(made));
    cb_auto(cb_snapshot) found = NULL;
    cb_autofd int fd = -1;

    cb_snapshot_unref(made);
    reopen_store(f);
    assert_int_equal(cb_snapshot_get(f->store, id, &found, &f->error), 1);
    assert_true(cb_snapshot_is_committed(found));
    assert_int_equal(cb_snapshot_depth(found), 1);
    fd = root_of(f, found);
    assert_file(fd, "a", "one");
    cb_snapshot_unref(cb_steal(&found));
}

static void an_active_snapshot_goes_with_its_handle(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) found = NULL;
    struct cb_snapshot *active = new_snapshot(f, NULL);
    cb_autofree char *id = xstrdup(cb_snapshot_id(active));
    cb_autofree char *path = xasprintf("store/snapshots/%s", id);

    assert_int_equal(cb_snapshot_get(f->store, id, &found, &f->error), 0);
    assert_true(exists(f->top_fd, path));
    cb_snapshot_unref(active);
    assert_false(exists(f->top_fd, path));
}

static void layers_are_seen_as_one_tree(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    cb_auto(cb_snapshot) top = new_snapshot(f, base);
    cb_autofd int fd = root_of(f, top);
    cb_autofd int base_fd = -1;

    assert_file(fd, "a", "one");
    put_file(fd, "a", "two", 0644);
    put_file(fd, "b", "new", 0644);
    cb_close(&fd);
    fd = root_of(f, top); /* a volatile mount can be made again */
    assert_file(fd, "a", "two");
    cb_close(&fd);
    ok(f, cb_snapshot_commit(top, &f->error));
    fd = root_of(f, top);
    assert_file(fd, "b", "new");
    assert_int_equal(openat(fd, "c", O_CREAT | O_WRONLY, 0600), -1);
    assert_int_equal(errno, EROFS);
    base_fd = root_of(f, base);
    assert_file(base_fd, "a", "one");
    cb_close(&fd);
    cb_close(&base_fd);
}

static void a_device_in_a_root_cannot_be_opened(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    cb_auto(cb_snapshot) top = new_snapshot(f, base);
    cb_autofd int fd = root_of(f, top);

    assert_int_equal(mknodat(fd, "zero", S_IFCHR | 0666, makedev(1, 5)), 0);
    assert_int_equal(openat(fd, "zero", O_RDONLY), -1);
    assert_int_equal(errno, EACCES);
    cb_close(&fd);
}

static void the_roots_own_mode_and_owner_are_inherited(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = new_snapshot(f, NULL);
    cb_auto(cb_snapshot) top = NULL;
    cb_autofd int fd = root_of(f, base);
    struct stat st;

    assert_int_equal(fchown(fd, 12, 34), 0);
    assert_int_equal(fchmod(fd, 01711), 0);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(base, &f->error));
    top = new_snapshot(f, base);
    fd = root_of(f, top);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 01711);
    assert_int_equal(st.st_uid, 12);
    assert_int_equal(st.st_gid, 34);
    cb_close(&fd);
}

static void no_mount_is_attached_anywhere(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    cb_auto(cb_snapshot) top = new_snapshot(f, base);
    cb_autofree char *before = get_file(AT_FDCWD, "/proc/self/mounts");
    cb_autofd int fd = root_of(f, top);
    cb_autofree char *after = get_file(AT_FDCWD, "/proc/self/mounts");

    (void)f;
    /* /proc files have no size; an empty read says nothing changed either way */
    if (before && after)
        assert_string_equal(before, after);
    cb_close(&fd);
}

/* A store whose path has all that mount options choke on, 200 bytes of it. */
static void use_odd_store(struct fixture *f)
{
    cb_auto_value(cb_strbuf) name = {0};

    cb_strbuf_addf(&name, "%s/a:b,c\\d", f->top);
    while (name.len < 200)
        cb_strbuf_addc(&name, 'x');
    cb_store_close(f->store);
    f->store = NULL;
    free(f->root);
    f->root = cb_strbuf_steal(&name);
    open_store(f);
}

static struct cb_snapshot *stack_of(struct fixture *f, size_t count)
{
    struct cb_snapshot *top = NULL;
    size_t i;

    for (i = 0; i < count; i++) {
        char name[32];
        struct cb_snapshot *next = new_snapshot(f, top);
        int fd = -1;

        snprintf(name, sizeof(name), "f%zu", i);
        ok(f, cb_snapshot_open_upper(next, &fd, &f->error));
        put_file(fd, name, name, 0644);
        cb_close(&fd);
        ok(f, cb_snapshot_commit(next, &f->error));
        cb_snapshot_unref(top);
        top = next;
    }
    return top;
}

static void check_stack(struct fixture *f, size_t count)
{
    cb_auto(cb_snapshot) top = NULL;
    cb_auto(cb_snapshot) active = NULL;
    cb_autofree char *id = NULL;
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd = -1;

    use_odd_store(f);
    top = stack_of(f, count);
    id = xstrdup(cb_snapshot_id(top));
    cb_snapshot_unref(cb_steal(&top));
    reopen_store(f);
    assert_int_equal(cb_snapshot_get(f->store, id, &top, &f->error), 1);
    assert_int_equal(cb_snapshot_depth(top), count);
    active = new_snapshot(f, top);
    fd = root_of(f, active);
    ok(f, cb_fs_list(fd, &names, &f->error));
    assert_int_equal(names.count, count);
    put_file(fd, "more", "more", 0644);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(active, &f->error));
    if (count < 500) {
        fd = root_of(f, active);
        assert_file(fd, "f0", "f0");
        assert_file(fd, "more", "more");
        cb_close(&fd);
    }
}

static void one_layer_below(void **state)
{
    check_stack(*state, 1);
}
static void two_layers_below(void **state)
{
    check_stack(*state, 2);
}
static void a_hundred_and_thirty_layers_below(void **state)
{
    check_stack(*state, 130);
}
static void five_hundred_layers_below(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) top = NULL;
    cb_auto(cb_snapshot) over = NULL;
    struct cb_snapshot *none = NULL;

    check_stack(f, 500);
    top = stack_of(f, 500);
    over = new_snapshot(f, top);
    ok(f, cb_snapshot_commit(over, &f->error));
    fails(f, CB_ERR_UNSUPPORTED, cb_snapshot_prepare(f->store, over, &none, &f->error));
    says(f, "more than 500 layers");
}

/* Each way of handing layers to the kernel, whichever this kernel would choose. */
static void check_way(struct fixture *f, enum cb_overlay_way way)
{
    cb_autofree char *at = xasprintf("%s/mount", f->top);
    int layers[2];
    struct cb_stack stack = {.layers = layers, .count = 2, .mount_point = at};
    static const char *const names[] = {"low", "high", "upper", "work", "empty"};
    cb_autofree char *mounts = NULL;
    int fds[5], fd = -1;
    size_t i;

    for (i = 0; i < 5; i++) {
        assert_int_equal(mkdirat(f->top_fd, names[i], 0755), 0);
        fds[i] = openat(f->top_fd, names[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    put_file(f->top_fd, "low/a", "low", 0644);
    put_file(f->top_fd, "low/b", "low", 0644);
    put_file(f->top_fd, "high/b", "high", 0644);
    layers[0] = fds[1];
    layers[1] = fds[0];
    stack.upper_fd = fds[2];
    stack.work_fd = fds[3];
    stack.empty_fd = fds[4];
    ok(f, cb_overlay_mount(&stack, way, &fd, &f->error));
    assert_file(fd, "a", "low");
    assert_file(fd, "b", "high");
    put_file(fd, "c", "new", 0644);
    assert_file(f->top_fd, "upper/c", "new");
    cb_close(&fd);
    stack.upper_fd = stack.work_fd = -1;
    stack.count = 1;
    ok(f, cb_overlay_mount(&stack, way, &fd, &f->error));
    assert_file(fd, "b", "high");
    assert_false(exists(fd, "a"));
    assert_int_equal(openat(fd, "d", O_CREAT | O_WRONLY, 0600), -1);
    cb_close(&fd);
    for (i = 0; i < 5; i++)
        cb_close(&fds[i]);
    mounts = get_file(AT_FDCWD, "/proc/self/mountinfo");
    if (mounts)
        assert_null(strstr(mounts, f->top));
    assert_false(exists(f->top_fd, "mount"));
}

static void layers_by_descriptor(void **state)
{
    check_way(*state, CB_OVERLAY_BY_FD);
}
static void layers_by_path(void **state)
{
    check_way(*state, CB_OVERLAY_BY_PATH);
}
static void layers_by_option_string(void **state)
{
    check_way(*state, CB_OVERLAY_BY_OPTIONS);
}

static void an_option_string_that_would_be_cut_is_refused(void **state)
{
    struct fixture *f = *state;
    cb_autofree int *layers = xcalloc(400, sizeof(*layers));
    struct cb_stack stack = {.layers = layers,
                             .count = 400,
                             .upper_fd = -1,
                             .work_fd = -1,
                             .empty_fd = -1,
                             .mount_point = "/nowhere"};
    int fd;

    fails(f, CB_ERR_UNSUPPORTED,
          cb_overlay_mount(&stack, CB_OVERLAY_BY_OPTIONS, &fd, &f->error));
}

static void an_unsynced_snapshot_of_another_boot_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct cb_snapshot *base = snapshot_with(f, NULL, "a", "one");
    struct cb_snapshot *top = snapshot_with(f, base, "b", "two");
    cb_autofree char *id = xstrdup(cb_snapshot_id(top));
    cb_autofree char *base_id = xstrdup(cb_snapshot_id(base));
    cb_autofree char *command = NULL;
    cb_auto(cb_snapshot) found = NULL;

    cb_snapshot_unref(top);
    cb_snapshot_unref(base);
    cb_store_close(f->store);
    f->store = NULL;
    command = xasprintf("UPDATE snapshots SET boot='other' WHERE id='%s'", base_id);
    change_index(f, command);
    open_store(f);
    assert_int_equal(cb_snapshot_get(f->store, id, &found, &f->error), 0);
    assert_int_equal(cb_snapshot_get(f->store, base_id, &found, &f->error), 0);
}

static void a_snapshot_without_its_directory_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct cb_snapshot *made = snapshot_with(f, NULL, "a", "one");
    cb_autofree char *id = xstrdup(cb_snapshot_id(made));
    cb_autofree char *path = xasprintf("store/snapshots/%s", id);
    cb_auto(cb_snapshot) found = NULL;

    cb_snapshot_unref(made);
    ok(f, cb_fs_remove_tree(f->top_fd, path, &f->error));
    assert_int_equal(cb_snapshot_get(f->store, id, &found, &f->error), 0);
}

static void removing_takes_what_depends_on_it(void **state)
{
    struct fixture *f = *state;
    struct cb_snapshot *base = snapshot_with(f, NULL, "a", "one");
    struct cb_snapshot *top = snapshot_with(f, base, "b", "two");
    cb_autofree char *id = xstrdup(cb_snapshot_id(top));
    cb_autofree char *base_id = xstrdup(cb_snapshot_id(base));
    cb_autofree char *path = xasprintf("store/snapshots/%s", id);
    cb_auto(cb_snapshot) found = NULL;

    cb_snapshot_unref(top);
    cb_snapshot_unref(base);
    ok(f, cb_snapshot_remove(f->store, base_id, &f->error));
    assert_int_equal(cb_snapshot_get(f->store, id, &found, &f->error), 0);
    assert_false(exists(f->top_fd, path));
}

static void files_in_use_outlive_their_removal(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) made = snapshot_with(f, NULL, "a", "one");
    cb_autofd int fd = -1;

    ok(f, cb_snapshot_remove(f->store, cb_snapshot_id(made), &f->error));
    fd = root_of(f, made);
    assert_file(fd, "a", "one");
    cb_close(&fd);
}

static void facts_stay_with_a_snapshot(void **state)
{
    struct fixture *f = *state;
    struct cb_snapshot *made = snapshot_with(f, NULL, "a", "one");
    cb_autofree char *id = xstrdup(cb_snapshot_id(made));
    cb_auto(cb_snapshot) found = NULL;
    cb_autofree char *value = NULL;

    ok(f, cb_snapshot_set_fact(made, "identity", "sha256:1", &f->error));
    ok(f, cb_snapshot_set_fact(made, "identity", "sha256:2", &f->error));
    assert_null(cb_snapshot_fact(made, "other"));
    cb_snapshot_unref(made);
    assert_int_equal(cb_snapshot_get(f->store, id, &found, &f->error), 1);
    value = cb_snapshot_fact(found, "identity");
    assert_string_equal(value, "sha256:2");
}

static void a_pinned_active_snapshot_outlives_the_process(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    struct cb_snapshot *active = new_snapshot(f, base);
    cb_autofree char *id = xstrdup(cb_snapshot_id(active));
    cb_auto(cb_snapshot) found = NULL;
    cb_autofd int fd = root_of(f, active);

    put_file(fd, "b", "two", 0644);
    cb_close(&fd);
    ok(f, cb_snapshot_pin(active, "container-1", &f->error));
    cb_snapshot_unref(active);
    cb_snapshot_unref(cb_steal(&base));
    reopen_store(f);
    assert_int_equal(cb_snapshot_get(f->store, id, &found, &f->error), 1);
    assert_false(cb_snapshot_is_committed(found));
    fd = root_of(f, found);
    assert_file(fd, "b", "two");
    put_file(fd, "c", "three", 0644);
    cb_close(&fd);
}

/* What the kernels before 6.15 want, in a mount namespace of our own. */
static void
where_it_is_asked_for_mounts_are_attached_as_long_as_the_handle_lives(void **state)
{
    struct fixture *f = *state;
    struct cb_store_options options = {.root = f->root, .no_sync = 1, .attach = 1};
    cb_auto(cb_snapshot) base = NULL;
    cb_auto(cb_snapshot) active = NULL;
    cb_auto_value(cb_strbuf) mounts = {0};
    cb_autofd int fd = -1, clone = -1;

    assert_int_equal(unshare(CLONE_NEWNS), 0);
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    cb_store_close(f->store);
    ok(f, cb_store_open(&f->store, &options, &f->error));
    base = snapshot_with(f, NULL, "a", "one");
    active = new_snapshot(f, base);
    fd = root_of(f, active);
    ok(f, cb_fs_read_file(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &mounts, &f->error));
    assert_non_null(strstr(cb_strbuf_text(&mounts), f->root));
    clone = open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    assert_true(clone >= 0);
    assert_file(clone, "a", "one");
    cb_close(&fd);
    cb_snapshot_unref(cb_steal(&active));
    cb_strbuf_truncate(&mounts, 0);
    ok(f, cb_fs_read_file(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &mounts, &f->error));
    assert_null(strstr(cb_strbuf_text(&mounts), f->root));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_committed_snapshot_is_found_again),
        test(an_active_snapshot_goes_with_its_handle),
        test(layers_are_seen_as_one_tree),
        test(a_device_in_a_root_cannot_be_opened),
        test(the_roots_own_mode_and_owner_are_inherited),
        test(no_mount_is_attached_anywhere),
        test(where_it_is_asked_for_mounts_are_attached_as_long_as_the_handle_lives),
        test(one_layer_below),
        test(two_layers_below),
        test(a_hundred_and_thirty_layers_below),
        test(five_hundred_layers_below),
        test(layers_by_descriptor),
        test(layers_by_path),
        test(layers_by_option_string),
        test(an_option_string_that_would_be_cut_is_refused),
        test(an_unsynced_snapshot_of_another_boot_is_forgotten),
        test(a_snapshot_without_its_directory_is_not_found),
        test(removing_takes_what_depends_on_it),
        test(files_in_use_outlive_their_removal),
        test(facts_stay_with_a_snapshot),
        test(a_pinned_active_snapshot_outlives_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
