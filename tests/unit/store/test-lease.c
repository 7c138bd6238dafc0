/* Leases that are written late. */
#include "store-test.h"

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

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(who_only_looks_writes_no_lease),
        test(what_was_found_is_leased_before_something_is_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
