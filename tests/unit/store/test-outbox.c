/* Caches that wait to be sent: one for a name, found as they were put there, and only the
 * one that was sent is taken out. */
#include "store-test.h"

#include "store/gc.h"
#include "store/outbox.h"

#define NAME "registry.example/app:cache"

/* A cache of one blob, BYTES. */
static struct cb_outbox_entry *entry_of(struct fixture *f, const char *bytes)
{
    struct cb_outbox_entry *entry = xcalloc(1, sizeof(*entry));
    struct cb_descriptor config = {.media_type = (char *)"application/x", .size = 2};
    struct cb_descriptor layer = {.media_type = (char *)CB_MT_OCI_LAYER_GZIP,
                                  .size = (int64_t)strlen(bytes)};

    ok(f, cb_content_put(f->store, "{}", 2, &config.digest, &f->error));
    ok(f, cb_content_put(f->store, bytes, strlen(bytes), &layer.digest, &f->error));
    entry->name = xstrdup(NAME);
    entry->manifest = cb_manifest_make(&config, &layer, 1, NULL, 0);
    entry->reach.tls_verify = 1;
    return entry;
}

static struct cb_outbox_entry *found(struct fixture *f)
{
    struct cb_outbox_entry *entry = NULL;
    int there = cb_outbox_find(f->store, NAME, &entry, &f->error);

    ok(f, there);
    assert_int_equal(there, entry != NULL);
    return entry;
}

static void what_is_put_is_found(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_outbox_entry) put = entry_of(f, "one");
    cb_auto(cb_outbox_entry) there = NULL;

    assert_null(found(f));
    cb_strings_add(&put->reach.insecure, "registry.example");
    put->reach.tls_verify = 0;
    put->reach.cert_dir = xstrdup("/certs");
    ok(f, cb_outbox_put(f->store, put, &f->error));
    there = found(f);
    assert_true(cb_digest_equal(&there->manifest->digest, &put->manifest->digest));
    assert_string_equal(there->reach.insecure.items[0], "registry.example");
    assert_int_equal(there->reach.tls_verify, 0);
    assert_string_equal(there->reach.cert_dir, "/certs");
    assert_null(there->reach.auth_file);
    assert_null(there->error);
    assert_int_equal(there->is_held, 0);
}

static void only_what_was_sent_is_taken_out(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_outbox_entry) first = entry_of(f, "one");
    cb_auto(cb_outbox_entry) second = entry_of(f, "two");
    cb_auto(cb_outbox_entry) there = NULL;

    ok(f, cb_outbox_put(f->store, first, &f->error));
    ok(f, cb_outbox_put(f->store, second, &f->error));
    ok(f, cb_outbox_settle(f->store, first, NULL, &f->error));
    ok(f, cb_outbox_settle(f->store, first, "no way", &f->error));
    there = found(f);
    assert_true(cb_digest_equal(&there->manifest->digest, &second->manifest->digest));
    assert_null(there->error);
    ok(f, cb_outbox_settle(f->store, second, "no way", &f->error));
    cb_outbox_entry_free(there);
    there = found(f);
    assert_string_equal(there->error, "no way");
    assert_true(there->tried_ns >= second->queued_ns);
    ok(f, cb_outbox_settle(f->store, second, NULL, &f->error));
    assert_null(found(f));
}

/* What a registry answers with may be any bytes. */
static void an_error_that_is_no_text_is_told(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_outbox_entry) put = entry_of(f, "one");
    cb_auto(cb_outbox_entry) there = NULL;

    ok(f, cb_outbox_put(f->store, put, &f->error));
    ok(f, cb_outbox_settle(f->store, put, "no \xff way", &f->error));
    there = found(f);
    assert_non_null(there->error);
    assert_string_equal(there->error, "no \\xff way");
}

static void its_blobs_stay_until_then(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_outbox_entry) put = entry_of(f, "one");
    const struct cb_digest *blob = &put->manifest->layers.items[0].digest;

    ok(f, cb_outbox_put(f->store, put, &f->error));
    reopen_store(f); /* our leases end */
    ok(f, cb_store_gc(f->store, NULL, &f->error));
    assert_int_equal(cb_content_has(f->store, blob, NULL), 1);
    assert_int_equal(cb_content_has(f->store, &put->manifest->config.digest, NULL), 1);
    ok(f, cb_outbox_settle(f->store, put, NULL, &f->error));
    reopen_store(f);
    ok(f, cb_store_gc(f->store, NULL, &f->error));
    assert_int_equal(cb_content_has(f->store, blob, NULL), 0);
}

static void damage_costs_that_cache_alone(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_outbox_entry) put = entry_of(f, "one");
    cb_auto_value(cb_outbox) outbox = {0};
    cb_autofree char *path = xasprintf("%s/outbox/00.json", f->root);
    cb_autofd int fd = -1;

    ok(f, cb_outbox_put(f->store, put, &f->error));
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(cb_fs_write_all(fd, "{\"version\":1,\"na", 16), 0);
    ok(f, cb_outbox_list(f->store, &outbox, &f->error));
    assert_int_equal(outbox.count, 1);
    assert_string_equal(outbox.items[0]->name, NAME);
    ok(f, cb_store_gc(f->store, NULL, &f->error));
}

/* By its name it could neither be sent nor taken out. */
static void the_file_of_another_name_is_damage(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_outbox_entry) put = entry_of(f, "one");
    cb_auto(cb_outbox_entry) there = NULL;
    cb_auto_value(cb_outbox) outbox = {0};
    cb_autofree char *other = xasprintf("%s/outbox/00.json", f->root);
    cb_autofree char *own = NULL;

    ok(f, cb_outbox_put(f->store, put, &f->error));
    there = found(f);
    own = xasprintf("%.*s.json", (int)(strlen(there->log) - strlen(".log")), there->log);
    assert_int_equal(rename(own, other), 0);
    ok(f, cb_outbox_list(f->store, &outbox, &f->error));
    assert_int_equal(outbox.count, 0);
}

static void who_sends_is_seen(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_outbox_entry) put = entry_of(f, "one");
    cb_auto(cb_outbox_entry) there = NULL;
    struct cb_lock *lock = NULL, *second = NULL;

    ok(f, cb_outbox_put(f->store, put, &f->error));
    ok(f, cb_outbox_hold(f->store, NAME, NULL, &lock, &f->error));
    there = found(f);
    assert_int_equal(there->is_held, 1);
    assert_int_equal(there->holder, getpid());
    assert_int_equal(cb_outbox_try_hold(f->store, NAME, &second, &f->error), 0);
    cb_lock_release_unlink(lock);
    assert_int_equal(cb_outbox_try_hold(f->store, NAME, &second, &f->error), 1);
    cb_lock_release_unlink(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(what_is_put_is_found),
        T(only_what_was_sent_is_taken_out),
        T(an_error_that_is_no_text_is_told),
        T(its_blobs_stay_until_then),
        T(damage_costs_that_cache_alone),
        T(who_sends_is_seen),
        T(the_file_of_another_name_is_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
