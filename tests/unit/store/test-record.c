#include "store-test.h"

#include "base/lockfile.h"
#include "store/db.h"
#include "store/prune.h"
#include "store/record.h"
#include "store/store-priv.h"

static struct cb_digest key_of(const char *text)
{
    return cb_digest_of(text, strlen(text));
}

static void put_record(struct fixture *f, const char *key, const char *snapshot,
                       const char *identity, const char *name, int64_t created_ns)
{
    struct cb_digest digest = key_of(key);
    struct cb_record record = {.identity = key_of(identity),
                               .snapshot_id = (char *)snapshot,
                               .created_ns = created_ns,
                               .name = (char *)name,
                               .parts_json = (char *)"[[\"command\",\"make\"]]"};

    ok(f, cb_record_put(f->store, &digest, 1, &record, &f->error));
}

static int find(struct fixture *f, const char *key, struct cb_record *out)
{
    struct cb_digest digest = key_of(key);

    return cb_record_find(f->store, &digest, out, &f->error);
}

static void a_record_is_found_by_its_key(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) snapshot = snapshot_with(f, NULL, "a", "one");
    cb_auto_value(cb_record) record = {0};

    put_record(f, "k", cb_snapshot_id(snapshot), "id", "[1/2] RUN make", 5);
    assert_int_equal(find(f, "other", &record), 0);
    assert_int_equal(find(f, "k", &record), 1);
    assert_string_equal(record.snapshot_id, cb_snapshot_id(snapshot));
    assert_string_equal(record.name, "[1/2] RUN make");
    assert_null(record.parts_json);
}

static int count_like(struct fixture *f, const char *name, struct cb_records *out)
{
    ok(f, cb_records_like(f->store, name, 8, out, &f->error));
    return (int)out->count;
}

static void
records_like_a_step_are_those_of_its_instruction_and_of_its_place(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_records) moved = {0};
    cb_auto_value(cb_records) edited = {0};
    cb_auto_value(cb_records) none = {0};
    cb_auto_value(cb_records) plain = {0};

    put_record(f, "1", "", "id", "[build 2/3] RUN make", 1);
    put_record(f, "2", "", "id", "[build 2/3] RUN make", 2);
    put_record(f, "3", "", "id", "RUN make", 3);
    assert_int_equal(count_like(f, "[build 3/4] RUN make", &moved), 2);
    assert_int_equal(moved.items[0].created_ns, 2);
    assert_string_equal(moved.items[0].parts_json, "[[\"command\",\"make\"]]");
    assert_int_equal(count_like(f, "[build 2/9] RUN cc", &edited), 2);
    assert_int_equal(count_like(f, "[build 22/30] RUN cc", &none), 0);
    assert_int_equal(count_like(f, "RUN make", &plain), 1);
}

static void durations_are_kept_by_name(void **state)
{
    struct fixture *f = *state;
    const struct cb_duration durations[] = {{"RUN a", 5}, {"RUN b", 7}, {"RUN a", 9}};
    int64_t ms = 0;

    ok(f, cb_durations_put(f->store, durations, 3, &f->error));
    assert_int_equal(cb_duration_get(f->store, "RUN a", &ms, &f->error), 1);
    assert_int_equal(ms, 9);
    assert_int_equal(cb_duration_get(f->store, "RUN c", &ms, &f->error), 0);
}

static void several_keys_lead_to_one_record(void **state)
{
    struct fixture *f = *state;
    struct cb_digest keys[2] = {key_of("definition"), key_of("content")};
    struct cb_record record = {.identity = key_of("id"), .snapshot_id = (char *)""};
    cb_auto_value(cb_record) found = {0};

    ok(f, cb_record_put(f->store, keys, 2, &record, &f->error));
    assert_int_equal(find(f, "content", &found), 1);
    assert_string_equal(found.snapshot_id, "");
}

static void a_record_without_its_snapshot_is_a_miss_and_goes(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_record) record = {0};
    cb_auto_value(cb_records) there = {0};
    cb_auto_value(cb_records) gone = {0};
    struct cb_digest identity = key_of("id");

    put_record(f, "k", "0123456789abcdef0123456789abcdef", "id", "n", 1);
    assert_int_equal(count_like(f, "n", &there), 1);
    assert_int_equal(cb_record_find_identity(f->store, &identity, &record, &f->error), 0);
    assert_int_equal(find(f, "k", &record), 0);
    assert_int_equal(count_like(f, "n", &gone), 0);
}

static void the_newest_of_an_identity_is_found(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) one = snapshot_with(f, NULL, "a", "one");
    cb_auto(cb_snapshot) two = snapshot_with(f, NULL, "a", "one");
    struct cb_digest identity = key_of("same");
    cb_auto_value(cb_record) record = {0};

    put_record(f, "k1", cb_snapshot_id(one), "same", "step", 100);
    put_record(f, "k2", cb_snapshot_id(two), "same", "step", 200);
    assert_int_equal(cb_record_find_identity(f->store, &identity, &record, &f->error), 1);
    assert_string_equal(record.snapshot_id, cb_snapshot_id(two));
}

static void a_hit_writes_nothing_when_it_was_used_within_the_hour(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_record) record = {0};
    int64_t before;

    put_record(f, "k", "", "id", "n", 1);
    reopen_store(f);
    before = cb_db_changes(f->store->db);
    assert_int_equal(find(f, "k", &record), 1);
    cb_record_flush(f->store);
    assert_int_equal(cb_db_changes(f->store->db), before);
}

static void an_old_last_use_is_renewed_when_the_store_closes(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_record) record = {0};
    struct cb_prune_options stale = {.filter = {.unused_ns = INT64_C(60) * 1000000000}};

    put_record(f, "k", "", "id", "n", 1);
    cb_store_close(f->store);
    f->store = NULL;
    change_index(f, "UPDATE records SET used_ns=1000");
    open_store(f);
    assert_int_equal(find(f, "k", &record), 1);
    cb_record_clear(&record);
    reopen_store(f);
    ok(f, cb_store_prune(f->store, &stale, NULL, NULL, &f->error));
    assert_int_equal(find(f, "k", &record), 1);
}

static void tell(void *arg, pid_t holder)
{
    *(int *)arg += 1;
}

static void a_key_is_executed_by_one_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct cb_digest key = key_of("k");
    struct cb_lock *lock = NULL, *second = NULL;
    cb_auto(cb_cancel) cancel = cb_cancel_new();
    int told = 0;
    const struct cb_lock_wait wait = {.on_wait = tell, .arg = &told};
    const struct cb_lock_wait canceled = {cancel, tell, &told};

    ok(f, cb_record_lock(f->store, &key, &wait, &lock, &f->error));
    assert_int_equal(told, 0);
    cb_cancel_request(cancel);
    fails(f, CB_ERR_CANCELED,
          cb_record_lock(f->store, &key, &canceled, &second, &f->error));
    cb_lock_release(lock);
    ok(f, cb_record_lock(f->store, &key, &wait, &second, &f->error));
    cb_lock_release(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_record_is_found_by_its_key),
        test(records_like_a_step_are_those_of_its_instruction_and_of_its_place),
        test(durations_are_kept_by_name),
        test(several_keys_lead_to_one_record),
        test(a_record_without_its_snapshot_is_a_miss_and_goes),
        test(the_newest_of_an_identity_is_found),
        test(a_hit_writes_nothing_when_it_was_used_within_the_hour),
        test(an_old_last_use_is_renewed_when_the_store_closes),
        test(a_key_is_executed_by_one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
