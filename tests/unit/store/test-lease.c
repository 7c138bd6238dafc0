/* Leases that are written late, and those that others sweep. */
#include "store-test.h"

#include "store/store-priv.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/file.h>

#define SWEEPERS 3

/* Files in leases/, and whether one of them names ID. */
static size_t leases(struct fixture *f, const char *id, int *named)
{
    cb_autofree char *path = xasprintf("%s/leases", f->root);
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    ok(f, cb_fs_list(fd, &names, &f->error));
    *named = 0;
    cb_vec_foreach (name, &names) {
        cb_autofree char *text = get_file(fd, *name);

        *named |= text && strstr(text, id) != NULL;
    }
    return names.count;
}

static char *committed(struct fixture *f)
{
    cb_auto(cb_snapshot) snapshot = snapshot_with(f, NULL, "file", "x");

    return xstrdup(cb_snapshot_id(snapshot));
}

static void who_only_looks_writes_no_lease(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *id = committed(f);
    cb_auto(cb_snapshot) found = NULL;
    int named;

    reopen_store(f);
    cb_store_lease_late(f->store);
    ok(f, cb_snapshot_get(f->store, id, &found, &f->error));
    assert_non_null(found);
    assert_int_equal(leases(f, id, &named), 0);
    cb_snapshot_unref(cb_steal(&found));
    reopen_store(f);
    assert_int_equal(leases(f, id, &named), 0);
}

static void what_was_found_is_leased_before_something_is_made(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *id = committed(f);
    cb_auto(cb_snapshot) found = NULL;
    cb_auto(cb_snapshot) over = NULL;
    int named;

    reopen_store(f);
    cb_store_lease_late(f->store);
    ok(f, cb_snapshot_get(f->store, id, &found, &f->error));
    over = new_snapshot(f, found);
    assert_int_equal(leases(f, id, &named), 1);
    assert_true(named);
    leases(f, cb_snapshot_id(over), &named);
    assert_true(named);
}

/* Somebody who got the file of one that ended has it locked. */
static void a_file_that_is_locked_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    const char *name = "layer";
    struct cb_lease *lease = NULL;
    cb_autofree char *path = xasprintf("%s/spare/lease", f->root);
    cb_autofd int holder = -1;
    int named;

    assert_int_equal(mkdirat(f->top_fd, "store/spare", 0700), 0);
    holder = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(holder, LOCK_EX), 0);
    ok(f, cb_lease_open(&lease, cb_store_root_fd(f->store), &f->error));
    alarm(20);
    ok(f, cb_lease_add(lease, CB_LEASE_SNAPSHOT, &name, 1, &f->error));
    alarm(0);
    leases(f, name, &named);
    assert_true(named);
    cb_lease_close(lease);
}

static void spare_is_directory(int spare)
{
    assert_int_equal(mkdirat(spare, "lease", 0700), 0);
}
static void spare_is_pipe(int spare)
{
    assert_int_equal(mknodat(spare, "lease", S_IFIFO | 0600, 0), 0);
}
static void spare_is_link(int spare)
{
    assert_int_equal(symlinkat("precious", spare, "lease"), 0);
}
static void spare_has_two_names(int spare)
{
    assert_int_equal(linkat(spare, "precious", spare, "lease", 0), 0);
}

static void only_a_file_of_its_own_is_used_again(void **state)
{
    static void (*const makers[])(int) = {spare_is_directory, spare_is_pipe,
                                          spare_is_link, spare_has_two_names};
    struct fixture *f = *state;
    const char *name = "layer";
    cb_autofd int spare = -1;
    int named;

    assert_int_equal(mkdirat(f->top_fd, "store/spare", 0700), 0);
    spare = openat(f->top_fd, "store/spare", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    put_file(spare, "precious", "x", 0600);
    for (size_t i = 0; i < CB_ARRAY_SIZE(makers); i++) {
        struct cb_lease *lease = NULL;

        makers[i](spare);
        ok(f, cb_lease_open(&lease, cb_store_root_fd(f->store), &f->error));
        ok(f, cb_lease_add(lease, CB_LEASE_SNAPSHOT, &name, 1, &f->error));
        leases(f, name, &named);
        assert_true(named);
        cb_lease_close(lease);
        assert_file(spare, "precious", "x");
        cb_fs_remove_tree(spare, "lease", NULL);
    }
}

/* ── Beside sweeps ── */

struct sweepers {
    struct cb_store *store;
    atomic_int over;
};

static void nothing(void *arg, enum cb_lease_kind kind, const char *name) {}

static void *sweep(void *arg)
{
    struct sweepers *sweepers = arg;

    while (!atomic_load(&sweepers->over))
        cb_leases_sweep(sweepers->store->lease, nothing, NULL);
    return NULL;
}

static int lives_on(struct fixture *f)
{
    struct cb_lease *lease = NULL;
    cb_autofree char *path = NULL;
    const char *name = "layer";
    int lives;

    ok(f, cb_lease_open(&lease, cb_store_root_fd(f->store), &f->error));
    ok(f, cb_lease_add(lease, CB_LEASE_SNAPSHOT, &name, 1, &f->error));
    path = xasprintf("store/leases/%s", cb_lease_id(lease));
    for (int i = 0; i < 5; i++)
        sched_yield(); /* a sweep that is late comes now */
    lives = exists(f->top_fd, path);
    cb_lease_close(lease);
    return lives;
}

static void one_that_lives_is_never_swept(void **state)
{
    struct fixture *f = *state;
    struct sweepers sweepers = {.store = f->store};
    pthread_t threads[SWEEPERS];
    int lost = 0;

    for (size_t i = 0; i < SWEEPERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sweep, &sweepers), 0);
    for (int i = 0; i < 300; i++)
        lost += !lives_on(f);
    atomic_store(&sweepers.over, 1);
    for (size_t i = 0; i < SWEEPERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(lost, 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(who_only_looks_writes_no_lease),
        test(what_was_found_is_leased_before_something_is_made),
        test(a_file_that_is_locked_is_not_waited_for),
        test(only_a_file_of_its_own_is_used_again),
        test(one_that_lives_is_never_swept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
