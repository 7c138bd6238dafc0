/* What is removed to make room, in which order, and what never is. */
#include "store-test.h"

#include "base/lockfile.h"
#include "store/cache-mount.h"
#include "store/cap.h"
#include "store/gc.h"
#include "store/prune.h"
#include "store/record.h"
#include "store/refs.h"
#include "store/store-priv.h"

#define HOUR_NS (INT64_C(3600) * 1000000000)

static struct cb_digest digest(const char *text)
{
    return cb_digest_of(text, strlen(text));
}

/* A committed layer of BYTES on PARENT, recorded under NAME; its id, handle dropped. */
static char *make_layer(struct fixture *f, const char *parent_id, const char *name,
                        size_t bytes)
{
    cb_auto(cb_snapshot) parent = NULL;
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_autofree char *text = xcalloc(bytes + 1, 1);
    struct cb_digest key = digest(name);
    struct cb_record record = {.identity = key, .name = (char *)name};

    memset(text, 'x', bytes);
    if (parent_id)
        assert_int_equal(cb_snapshot_get(f->store, parent_id, &parent, &f->error), 1);
    snapshot = snapshot_with(f, parent, "file", text);
    record.snapshot_id = (char *)cb_snapshot_id(snapshot);
    ok(f, cb_record_put(f->store, &key, 1, &record, &f->error));
    return xstrdup(cb_snapshot_id(snapshot));
}

/* A layer counts as leased by its maker until that closes the store. */
static void let_go(struct fixture *f)
{
    reopen_store(f);
}

static void used_hours_ago(struct fixture *f, const char *name, int hours)
{
    struct cb_digest key = digest(name);
    char text[CB_DIGEST_MAX_TEXT];
    cb_autofree char *sql =
        xasprintf("UPDATE records SET used_ns=%lld WHERE key='%s'",
                  (long long)(cb_now_ns() - hours * HOUR_NS), cb_digest_text(&key, text));

    cb_store_close(f->store);
    f->store = NULL;
    change_index(f, sql);
    open_store(f);
}

static int is_there(struct fixture *f, const char *id)
{
    cb_autofree char *path = xasprintf("store/snapshots/%s", id);
    struct stat st;

    return fstatat(f->top_fd, path, &st, 0) == 0;
}

static void prune(struct fixture *f, const struct cb_prune_options *options)
{
    ok(f, cb_store_prune(f->store, options, NULL, NULL, &f->error));
}

static void layers_go_and_what_is_freed_is_told(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *below = make_layer(f, NULL, "below", 8000);
    cb_autofree char *above = make_layer(f, below, "above", 8000);
    cb_auto_value(cb_cache_items) removed = {0};
    struct cb_prune_options all = {0};
    uint64_t freed = 0;

    let_go(f);
    ok(f, cb_store_prune(f->store, &all, &removed, &freed, &f->error));
    assert_false(is_there(f, below) || is_there(f, above));
    assert_in_range(freed, 16000, 100000);
    assert_int_equal(removed.count, 2);
    assert_string_equal(removed.items[0].id, above);
    assert_string_equal(removed.items[0].description, "above");
}

static void what_was_not_used_for_longest_goes_first(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *old = make_layer(f, NULL, "old", 100000);
    cb_autofree char *young = make_layer(f, NULL, "young", 100000);
    struct cb_prune_options some = {.max_used = 150000};

    used_hours_ago(f, "old", 3);
    used_hours_ago(f, "young", 2);
    prune(f, &some);
    assert_false(is_there(f, old));
    assert_true(is_there(f, young));
    prune(f, &some);
    assert_true(is_there(f, young));
}

static void a_layer_counts_as_used_when_what_stands_on_it_was(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *below = make_layer(f, NULL, "below", 8000);
    cb_autofree char *above = make_layer(f, below, "above", 8000);
    cb_autofree char *other = make_layer(f, NULL, "other", 8000);
    struct cb_prune_options old = {.filter = {.unused_ns = 2 * HOUR_NS}};

    used_hours_ago(f, "below", 9);
    used_hours_ago(f, "above", 1);
    used_hours_ago(f, "other", 3);
    prune(f, &old);
    assert_true(is_there(f, below) && is_there(f, above));
    assert_false(is_there(f, other));
}

static void what_a_living_process_uses_stays_with_all_below_it(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *below = make_layer(f, NULL, "below", 8000);
    cb_autofree char *above = make_layer(f, below, "above", 8000);
    struct cb_store_options options = {.root = f->root, .no_sync = 1};
    struct cb_prune_options all = {.filter = {.all = 1}};
    cb_auto(cb_store) other = NULL;
    struct cb_snapshot *used = NULL;

    let_go(f);
    ok(f, cb_store_open(&other, &options, &f->error));
    assert_int_equal(cb_snapshot_get(other, above, &used, &f->error), 1);
    prune(f, &all);
    assert_true(is_there(f, below) && is_there(f, above));
    cb_snapshot_unref(used);
    cb_store_close(cb_steal(&other));
    prune(f, &all);
    assert_false(is_there(f, below) || is_there(f, above));
}

static void what_a_container_has_pinned_stays(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *id = make_layer(f, NULL, "pinned", 8000);
    struct cb_prune_options all = {.filter = {.all = 1}};
    cb_auto(cb_snapshot) snapshot = NULL;

    assert_int_equal(cb_snapshot_get(f->store, id, &snapshot, &f->error), 1);
    ok(f, cb_snapshot_pin(snapshot, "container", &f->error));
    cb_snapshot_unref(cb_steal(&snapshot));
    let_go(f);
    prune(f, &all);
    assert_true(is_there(f, id));
    ok(f, cb_snapshot_unpin(f->store, "container", &f->error));
    ok(f, cb_store_gc(f->store, NULL, &f->error));
    assert_false(is_there(f, id));
}

static void reserved_space_is_left_however_little_the_disk_has(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *id = make_layer(f, NULL, "only", 100000);
    struct cb_prune_options most = {.min_free = UINT64_MAX / 2, .reserved = 200000};

    let_go(f);
    prune(f, &most);
    assert_true(is_there(f, id));
    most.reserved = 0;
    prune(f, &most);
    assert_false(is_there(f, id));
}

static void filters_choose_by_type_id_and_description(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *one = make_layer(f, NULL, "RUN one", 8000);
    cb_autofree char *two = make_layer(f, NULL, "RUN two", 8000);
    struct cb_prune_options mounts = {.filter = {.types = 1u << CB_ITEM_MOUNT}};
    struct cb_prune_options named = {.filter = {.description = "one"}};
    struct cb_prune_options by_id = {.filter = {.id = two}};

    let_go(f);
    prune(f, &mounts);
    assert_true(is_there(f, one) && is_there(f, two));
    prune(f, &named);
    assert_true(!is_there(f, one) && is_there(f, two));
    prune(f, &by_id);
    assert_false(is_there(f, two));
}

static int use_mount(struct fixture *f, const char *id, struct cb_lock **lock)
{
    struct cb_cache_mount_request request = {
        .id = id, .sharing = CB_CACHE_SHARED, .mode = 0755, .seed_fd = -1};
    int fd = -1;

    ok(f, cb_cache_mount_open(f->store, &request, &fd, lock, &f->error));
    return fd;
}

static void a_cache_mount_in_use_stays(void **state)
{
    struct fixture *f = *state;
    struct cb_prune_options all = {0};
    struct cb_lock *lock = NULL;
    cb_autofd int fd = use_mount(f, "m", &lock);
    cb_autofd int again = -1;
    struct stat st;

    put_file(fd, "kept", "text", 0644);
    prune(f, &all);
    assert_int_equal(fstatat(fd, "kept", &st, 0), 0);
    cb_lock_release(lock);
    prune(f, &all);
    again = use_mount(f, "m", &lock);
    assert_int_equal(fstatat(again, "kept", &st, 0), -1);
    cb_lock_release(lock);
}

/* ── The limit ── */

static void what_is_being_written_is_no_item(void **state)
{
    static const char writing[] = "store/stat-index/.x.0123456789abcdef.tmp";
    const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    const struct cb_prune_options all = {.filter = {.all = 1}};
    struct fixture *f = *state;
    cb_auto_value(cb_cache_items) items = {0};

    put_file(f->top_fd, writing, "half of it", 0600);
    ok(f, cb_cache_items_list(f->store, &items, &f->error));
    assert_int_equal(items.count, 0);
    prune(f, &all);
    assert_true(exists(f->top_fd, writing));
    assert_int_equal(utimensat(f->top_fd, writing, long_ago, 0), 0);
    prune(f, &all);
    assert_false(exists(f->top_fd, writing));
}

static void limit_store(struct fixture *f, uint64_t bytes)
{
    struct cb_store_options options = {.root = f->root, .no_sync = 1, .max_bytes = bytes};

    cb_store_close(f->store);
    f->store = NULL;
    ok(f, cb_store_open(&f->store, &options, &f->error));
}

static uint64_t total(struct fixture *f)
{
    return cb_tree_bytes(f->top_fd, strrchr(f->root, '/') + 1);
}

static void the_limit_holds_while_layers_are_made(void **state)
{
    struct fixture *f = *state;
    uint64_t limit = 8000000;
    cb_autofree char *last = NULL;

    for (int i = 0; i < 20; i++) {
        cb_autofree char *name = xasprintf("layer %d", i);

        limit_store(f, limit);
        free(last);
        last = make_layer(f, NULL, name, 1000000);
        assert_in_range(total(f), 1, limit);
    }
    assert_true(is_there(f, last));
}

static void a_full_store_says_so_and_nothing_in_use_goes(void **state)
{
    struct fixture *f = *state;
    uint64_t limit = total(f) + 5000000;
    cb_auto(cb_snapshot) first = NULL;
    cb_auto(cb_snapshot) second = NULL;
    cb_autofree char *text = xcalloc(400001, 1);
    int fd;

    memset(text, 'x', 400000);
    limit_store(f, limit);
    first = snapshot_with(f, NULL, "file", text);
    second = new_snapshot(f, NULL);
    fd = root_of(f, second);
    put_file(fd, "file", text, 0644);
    cb_close(&fd);
    fails(f, CB_ERR_SYSTEM, cb_snapshot_commit(second, &f->error));
    says(f, "is full");
    assert_true(is_there(f, cb_snapshot_id(first)));
}

static void what_is_remembered_of_urls_counts_too(void **state)
{
    struct fixture *f = *state;
    uint64_t limit = total(f) + 6000000;
    cb_autofree char *text = xcalloc(3000001, 1);
    cb_auto(cb_lock) lock = NULL;

    memset(text, 'x', 3000000);
    limit_store(f, limit);
    ok(f, cb_store_make_room(f->store, 1000000, &lock, &f->error));
    cb_lock_release(cb_steal(&lock));
    assert_int_equal(mkdirat(cb_store_root_fd(f->store), "urls", 0700), 0);
    put_file(cb_store_root_fd(f->store), "urls/x.json", text, 0600);
    fails(f, CB_ERR_SYSTEM, cb_store_make_room(f->store, 1000000, &lock, &f->error));
    says(f, "is full");
}

/* ── The policy ── */

static void the_policy_removes_what_was_unused_for_two_months(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *old = make_layer(f, NULL, "old", 8000);
    cb_autofree char *young = make_layer(f, NULL, "young", 8000);

    used_hours_ago(f, "old", 61 * 24);
    used_hours_ago(f, "young", 59 * 24);
    ok(f, cb_store_prune_by_policy(f->store, &f->error));
    assert_false(is_there(f, old));
    assert_true(is_there(f, young));
}

static void the_policy_is_applied_once_an_hour(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *old = NULL;

    ok(f, cb_store_prune_by_policy(f->store, &f->error));
    old = make_layer(f, NULL, "old", 8000);
    used_hours_ago(f, "old", 61 * 24);
    ok(f, cb_store_prune_by_policy(f->store, &f->error));
    assert_true(is_there(f, old));
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(layers_go_and_what_is_freed_is_told),
        test(what_was_not_used_for_longest_goes_first),
        test(a_layer_counts_as_used_when_what_stands_on_it_was),
        test(what_a_living_process_uses_stays_with_all_below_it),
        test(what_a_container_has_pinned_stays),
        test(reserved_space_is_left_however_little_the_disk_has),
        test(filters_choose_by_type_id_and_description),
        test(a_cache_mount_in_use_stays),
        test(what_is_being_written_is_no_item),
        test(the_limit_holds_while_layers_are_made),
        test(a_full_store_says_so_and_nothing_in_use_goes),
        test(what_is_remembered_of_urls_counts_too),
        test(the_policy_removes_what_was_unused_for_two_months),
        test(the_policy_is_applied_once_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
