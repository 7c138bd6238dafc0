/* What is collected, what is spared, and what a check finds. */
#include "store-test.h"

#include "store/attested.h"
#include "store/gc.h"
#include "store/record.h"
#include "store/refs.h"
#include "store/store-priv.h"

static char *dir_of(struct cb_snapshot *snapshot)
{
    return xasprintf("store/snapshots/%s", cb_snapshot_id(snapshot));
}

static void collect(struct fixture *f)
{
    ok(f, cb_store_gc(f->store, NULL, &f->error));
}

/* Puts an image of this snapshot's layers under a name; gives its id. */
static struct cb_digest image_of(struct fixture *f, struct cb_snapshot *top,
                                 const char *name)
{
    struct cb_digests diff_ids = {0};
    cb_autofree char *config = NULL;
    cb_auto_value(cb_strings) names = {0};
    struct cb_digest id;

    cb_strings_add(&names, name);
    ok(f, cb_chain_register(top, f->pool, &diff_ids, &f->error));
    config = config_for(diff_ids.items, diff_ids.count, "2024-01-01T00:00:00Z");
    ok(f,
       cb_image_put(f->store,
                    &(struct cb_new_image){
                        .config = config, .config_len = strlen(config), .names = &names},
                    &id, &f->error));
    cb_vec_free(&diff_ids);
    return id;
}

static void what_nothing_reaches_goes(void **state)
{
    struct fixture *f = *state;
    struct cb_snapshot *snapshot = snapshot_with(f, NULL, "a", "one");
    cb_autofree char *path = dir_of(snapshot);
    struct cb_digest blob;
    uint64_t freed = 0;

    ok(f, cb_content_put(f->store, "loose", 5, &blob, &f->error));
    cb_snapshot_unref(snapshot);
    reopen_store(f); /* our leases end */
    ok(f, cb_store_gc(f->store, &freed, &f->error));
    assert_false(exists(f->top_fd, path));
    assert_int_equal(cb_content_has(f->store, &blob, NULL), 0);
    assert_true(freed > 0);
}

static void what_an_image_reaches_stays(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    cb_auto(cb_snapshot) top = snapshot_with(f, base, "b", "two");
    cb_autofree char *base_path = dir_of(base);
    cb_autofree char *top_path = dir_of(top);
    struct cb_digest id = image_of(f, top, "docker.io/library/a:1");

    cb_snapshot_unref(cb_steal(&top));
    cb_snapshot_unref(cb_steal(&base));
    reopen_store(f);
    collect(f);
    assert_true(exists(f->top_fd, base_path));
    assert_true(exists(f->top_fd, top_path));
    assert_int_equal(cb_content_has(f->store, &id, NULL), 1);
    ok(f, cb_image_remove(f->store, &id, &f->error));
    reopen_store(f);
    collect(f);
    assert_false(exists(f->top_fd, base_path));
    assert_false(exists(f->top_fd, top_path));
}

static void what_a_record_or_a_pin_reaches_stays(void **state)
{
    struct fixture *f = *state;
    struct cb_snapshot *base = snapshot_with(f, NULL, "a", "one");
    struct cb_snapshot *top = snapshot_with(f, base, "b", "two");
    struct cb_snapshot *pinned = snapshot_with(f, NULL, "c", "three");
    cb_autofree char *base_path = dir_of(base);
    cb_autofree char *pinned_path = dir_of(pinned);
    struct cb_digest key = cb_digest_of("k", 1);
    struct cb_record record = {.snapshot_id = (char *)cb_snapshot_id(top)};

    ok(f, cb_record_put(f->store, &key, 1, &record, &f->error));
    ok(f, cb_snapshot_pin(pinned, "container", &f->error));
    cb_snapshot_unref(top);
    cb_snapshot_unref(base);
    cb_snapshot_unref(pinned);
    reopen_store(f);
    collect(f);
    assert_true(exists(f->top_fd, base_path));
    assert_true(exists(f->top_fd, pinned_path));
    ok(f, cb_snapshot_unpin(f->store, "container", &f->error));
    collect(f);
    assert_false(exists(f->top_fd, pinned_path));
}

static void what_another_process_uses_stays(void **state)
{
    struct fixture *f = *state;
    struct cb_snapshot *snapshot = snapshot_with(f, NULL, "a", "one");
    struct cb_snapshot *active = new_snapshot(f, NULL);
    cb_autofree char *path = dir_of(snapshot);
    cb_autofree char *active_path = dir_of(active);
    struct cb_store_options options = {.root = f->root, .no_sync = 1};
    struct cb_store *other =
        NULL; /* as separate as a process: it has a lease of its own */
    struct cb_digest blob;

    ok(f, cb_content_put(f->store, "mine", 4, &blob, &f->error));
    ok(f, cb_store_open(&other, &options, &f->error));
    ok(f, cb_store_gc(other, NULL, &f->error));
    assert_true(exists(f->top_fd, path));
    assert_true(exists(f->top_fd, active_path));
    assert_int_equal(cb_content_has(f->store, &blob, NULL), 1);
    cb_snapshot_unref(snapshot);
    cb_snapshot_unref(active);
    cb_store_close(f->store);
    f->store = other;
    collect(f);
    assert_false(exists(f->top_fd, path));
    assert_int_equal(cb_content_has(f->store, &blob, NULL), 0);
}

static void own_handles_are_spared(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) snapshot = snapshot_with(f, NULL, "a", "one");
    cb_auto(cb_snapshot) active = new_snapshot(f, snapshot);
    cb_autofree char *path = dir_of(snapshot);
    cb_autofree char *active_path = dir_of(active);

    collect(f);
    assert_true(exists(f->top_fd, path));
    assert_true(exists(f->top_fd, active_path));
}

static void lock_files_nobody_holds_go(void **state)
{
    struct fixture *f = *state;

    put_file(f->top_fd, "store/ingest/step-x.lock", "", 0600);
    put_file(f->top_fd, "store/ingest/new.part", "x", 0600);
    collect(f);
    assert_false(exists(f->top_fd, "store/ingest/step-x.lock"));
    assert_true(exists(f->top_fd, "store/ingest/new.part"));
}

static void an_old_download_stays_while_somebody_goes_on_with_it(void **state)
{
    const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    struct fixture *f = *state;
    struct cb_digest wanted = cb_digest_of("both parts", 10);
    char hex[CB_DIGEST_MAX_TEXT];
    cb_autofree char *part =
        xasprintf("store/ingest/%s.part", cb_digest_hex(&wanted, hex));
    struct cb_blob_writer *writer = NULL;
    int present = 0;

    put_file(f->top_fd, part, "both ", 0600);
    assert_int_equal(utimensat(f->top_fd, part, long_ago, 0), 0);
    ok(f, cb_blob_writer_open(f->store,
                              &(struct cb_blob_wanted){.digest = &wanted, .size = 10},
                              &writer, &present, &f->error));
    collect(f);
    ok(f, cb_blob_writer_write(writer, "parts", 5, &f->error));
    ok(f, cb_blob_commit(&writer, NULL, NULL, &f->error));
    assert_int_equal(cb_content_has(f->store, &wanted, NULL), 1);
    put_file(f->top_fd, part, "both ", 0600);
    assert_int_equal(utimensat(f->top_fd, part, long_ago, 0), 0);
    collect(f);
    assert_false(exists(f->top_fd, part));
}

static void what_was_said_goes_with_its_image_and_not_while_it_is_written(void **state)
{
    static const char writing[] = "store/attested/.x.json.0123456789abcdef.tmp";
    const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    struct fixture *f = *state;
    cb_auto(cb_snapshot) top = snapshot_with(f, NULL, "a", "one");
    struct cb_digest id = image_of(f, top, "docker.io/library/a:1");
    struct cb_digest other = cb_digest_of("gone", 4);
    cb_auto_value(cb_strbuf) text = {0};

    ok(f, cb_attested_put(f->store, &id, "kept", &f->error));
    ok(f, cb_attested_put(f->store, &other, "of nothing", &f->error));
    put_file(f->top_fd, writing, "", 0600);
    collect(f);
    assert_int_equal(cb_attested_read(f->store, &id, 100, &text, &f->error), 1);
    assert_string_equal(cb_strbuf_text(&text), "kept");
    assert_int_equal(cb_attested_read(f->store, &other, 100, &text, &f->error), 0);
    assert_true(exists(f->top_fd, writing));
    assert_int_equal(utimensat(f->top_fd, writing, long_ago, 0), 0);
    collect(f);
    assert_false(exists(f->top_fd, writing));
}

static void what_was_begun_beside_a_file_goes_when_nobody_writes_it(void **state)
{
    static const char writing[] = "store/networks/.x.json.0123456789abcdef.tmp";
    static const char other[] = "store/networks/x.json";
    const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    struct fixture *f = *state;

    assert_int_equal(mkdirat(f->top_fd, "store/networks", 0700), 0);
    put_file(f->top_fd, writing, "", 0600);
    put_file(f->top_fd, other, "", 0600);
    assert_int_equal(utimensat(f->top_fd, other, long_ago, 0), 0);
    collect(f);
    assert_true(exists(f->top_fd, writing));
    assert_int_equal(utimensat(f->top_fd, writing, long_ago, 0), 0);
    collect(f);
    assert_false(exists(f->top_fd, writing));
    assert_true(exists(f->top_fd, other));
}

static void usage_tells_images_from_cache(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) one = snapshot_with(f, NULL, "a", "12345");
    cb_auto(cb_snapshot) two = snapshot_with(f, NULL, "a", "1234567");
    struct cb_digest key = cb_digest_of("k", 1);
    struct cb_record record = {.snapshot_id = (char *)cb_snapshot_id(two)};
    struct cb_layer_info info;
    struct cb_usage usage;
    struct cb_digest id;

    id = image_of(f, one, "docker.io/library/a:1");
    ok(f, cb_layer_info(two, NULL, &info, &f->error));
    ok(f, cb_record_put(f->store, &key, 1, &record, &f->error));
    ok(f, cb_store_usage(f->store, &usage, &f->error));
    assert_int_equal(usage.images.count, 1);
    assert_int_equal(usage.images.bytes, 5);
    assert_int_equal(usage.images.reclaimable, 5); /* no container uses it */
    assert_int_equal(usage.cache.count, 1);
    assert_int_equal(usage.cache.bytes,
                     cb_tree_bytes(f->store->snapshots_fd, cb_snapshot_id(two)));
    assert_int_equal(usage.cache.reclaimable, 0); /* TWO is open here */
    ok(f, cb_ref_remove(f->store, "docker.io/library/a:1", &f->error) > 0 ? 0 : -1);
    ok(f, cb_store_usage(f->store, &usage, &f->error));
    assert_int_equal(usage.images.reclaimable, 5);
    assert_true(cb_digest_is_set(&id));
}

/* ── fsck ── */

static struct cb_fsck check(struct fixture *f, int deep, int repair,
                            struct cb_strbuf *report)
{
    struct cb_fsck out;

    cb_strbuf_truncate(report, 0);
    ok(f, cb_store_fsck(
              f->store,
              &(struct cb_fsck_options){.deep = deep, .repair = repair, .pool = f->pool},
              &out, report, &f->error));
    return out;
}

static void a_sound_store_has_no_problems(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) one = snapshot_with(f, NULL, "a", "one");
    cb_auto_value(cb_strbuf) report = {0};
    struct cb_layer_info info;
    struct cb_fsck out;

    image_of(f, one, "docker.io/library/a:1");
    ok(f, cb_layer_info(one, NULL, &info, &f->error));
    out = check(f, 1, 0, &report);
    assert_int_equal(out.problems, 0);
    assert_int_equal(out.blobs, 1);
    assert_int_equal(out.snapshots, 1);
    assert_int_equal(out.images, 1);
    assert_int_equal(report.len, 0);
}

static void every_flipped_byte_is_found_and_removed(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) report = {0};
    struct cb_digest digests[20];
    struct cb_fsck out;
    size_t i;

    for (i = 0; i < CB_ARRAY_SIZE(digests); i++) {
        char text[64], hex[CB_DIGEST_MAX_TEXT];
        int len = snprintf(text, sizeof(text), "blob number %zu", i);
        cb_autofree char *path = NULL;

        ok(f, cb_content_put(f->store, text, (size_t)len, &digests[i], &f->error));
        path = xasprintf("store/blobs/sha256/%s", cb_digest_hex(&digests[i], hex));
        text[i % (size_t)len] ^= 1;
        put_file(f->top_fd, path, text, 0444);
    }
    out = check(f, 0, 0, &report);
    assert_int_equal(out.problems, 20);
    assert_int_equal(out.repaired, 0);
    out = check(f, 0, 1, &report);
    assert_int_equal(out.repaired, 20);
    out = check(f, 0, 0, &report);
    assert_int_equal(out.problems, 0);
    assert_int_equal(cb_content_has(f->store, &digests[0], NULL), 0);
}

static void a_changed_snapshot_is_found_when_looking_deep(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) one = snapshot_with(f, NULL, "a", "one");
    cb_auto_value(cb_strbuf) report = {0};
    cb_autofree char *path = NULL;
    struct cb_layer_info info;
    struct cb_fsck out;

    ok(f, cb_layer_info(one, NULL, &info, &f->error));
    path = xasprintf("store/snapshots/%s/fs/a", cb_snapshot_id(one));
    put_file(f->top_fd, path, "onE", 0644);
    assert_int_equal(check(f, 0, 0, &report).problems, 0);
    out = check(f, 1, 0, &report);
    assert_int_equal(out.problems, 1);
    assert_non_null(strstr(report.text, "not its layer"));
    cb_snapshot_unref(cb_steal(&one));
    out = check(f, 1, 1, &report);
    assert_int_equal(out.repaired, 1);
    assert_int_equal(check(f, 1, 0, &report).snapshots, 0);
}

static void a_missing_layer_is_told_with_its_image(void **state)
{
    struct fixture *f = *state;
    struct cb_snapshot *one = snapshot_with(f, NULL, "a", "one");
    cb_autofree char *id = xstrdup(cb_snapshot_id(one));
    cb_auto_value(cb_strbuf) report = {0};

    image_of(f, one, "docker.io/library/a:1");
    cb_snapshot_unref(one);
    ok(f, cb_snapshot_remove(f->store, id, &f->error));
    assert_int_equal(check(f, 0, 0, &report).problems, 1);
    assert_non_null(strstr(report.text, "is missing; pull or build it again"));
}

static void a_torn_index_is_an_error_and_no_crash(void **state)
{
    struct fixture *f = *state;
    struct cb_store_options options = {.root = f->root};
    cb_auto_value(cb_strbuf) whole = {0};
    size_t at;
    cb_auto(cb_snapshot) one = snapshot_with(f, NULL, "a", "one");

    image_of(f, one, "docker.io/library/a:1");
    cb_snapshot_unref(cb_steal(&one));
    cb_store_close(f->store);
    f->store = NULL;
    change_index(f, "PRAGMA wal_checkpoint(TRUNCATE)");
    ok(f, cb_fs_read_file(f->top_fd, "store/meta.db", 64 << 20, &whole, &f->error));
    for (at = 0; at < whole.len; at += whole.len / 64) {
        cb_autofd int fd = openat(f->top_fd, "store/meta.db", O_WRONLY | O_TRUNC);
        struct cb_store *store = NULL;
        cb_auto_value(cb_images) images = {0};

        assert_int_equal(cb_fs_write_all(fd, whole.text, at), 0);
        if (at % 2 == 0 && at + 4096 < whole.len) { /* or only a page of it */
            assert_int_equal(cb_fs_write_all(fd, whole.text + at, whole.len - at), 0);
            assert_int_equal(pwrite(fd, "\377\377\377\377", 4, (off_t)at), 4);
        }
        if (cb_store_open(&store, &options, NULL) == 0) {
            cb_auto_value(cb_strbuf) report = {0};
            struct cb_fsck out;

            cb_image_list(store, &images, NULL);
            cb_store_fsck(store, &(struct cb_fsck_options){0}, &out, &report, NULL);
        }
        cb_store_close(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_nothing_reaches_goes),
        test(what_an_image_reaches_stays),
        test(what_a_record_or_a_pin_reaches_stays),
        test(what_another_process_uses_stays),
        test(own_handles_are_spared),
        test(lock_files_nobody_holds_go),
        test(an_old_download_stays_while_somebody_goes_on_with_it),
        test(what_was_said_goes_with_its_image_and_not_while_it_is_written),
        test(what_was_begun_beside_a_file_goes_when_nobody_writes_it),
        test(usage_tells_images_from_cache),
        test(a_sound_store_has_no_problems),
        test(every_flipped_byte_is_found_and_removed),
        test(a_changed_snapshot_is_found_when_looking_deep),
        test(a_missing_layer_is_told_with_its_image),
        test(a_torn_index_is_an_error_and_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
