/* Records that outlive the process: what is saved is found by another opening of the
 * store, and what is gone is a miss. */
#include "cache/cache.h"

#include "base/fs.h"
#include "store/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>

struct world {
    char root[64];
    struct cb_build_env env;
    struct cb_cache_store *cache;
};

static void open_world(struct world *world)
{
    const struct cb_store_options options = {
        .root = world->root, .create = 1, .no_sync = 1};

    world->env = (struct cb_build_env){.source_date_epoch = -1};
    assert_int_equal(cb_store_open(&world->env.store, &options, NULL), 0);
    assert_int_equal(cb_cache_local_new(&world->cache, &world->env, NULL), 0);
}

static void close_world(struct world *world)
{
    cb_cache_store_free(world->cache);
    cb_store_close(world->env.store);
}

static int setup(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));

    strcpy(world->root, "/tmp/cbuild-cache-XXXXXX");
    assert_non_null(mkdtemp(world->root));
    open_world(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    close_world(world);
    assert_int_equal(cb_fs_remove_tree(AT_FDCWD, world->root, NULL), 0);
    free(world);
    return 0;
}

static struct cb_digest digest(const char *text)
{
    return cb_digest_of(text, strlen(text));
}

/* Records an empty snapshot (or none) under the key VALUE. Returns the snapshot's id. */
static char *save(struct world *world, const char *name, const char *value,
                  int with_snapshot)
{
    struct cb_digest identity = digest("identity"), key = digest(value);
    cb_auto_value(cb_key_parts) parts = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_auto(cb_result) result = NULL;
    struct cb_executed_step step = {
        .name = name, .keys = &key, .key_count = 1, .parts = &parts};

    if (with_snapshot) {
        assert_int_equal(cb_snapshot_prepare(world->env.store, NULL, &snapshot, NULL), 0);
        assert_int_equal(cb_snapshot_commit(snapshot, NULL), 0);
    }
    cb_key_parts_add(&parts, "ARG VERSION", value);
    step.result = result = cb_snapshot_result_new(&world->env, snapshot, &identity);
    assert_int_equal(world->cache->class->save(world->cache, &step, NULL), 0);
    return xstrdup(snapshot ? cb_snapshot_id(snapshot) : "");
}

static int look_up(struct world *world, const char *key_text,
                   struct cb_cache_entry *entry)
{
    struct cb_digest key = digest(key_text);

    return world->cache->class->lookup(world->cache, &key, &key, entry, NULL);
}

static void result_is_found_by_the_next_process(void **state)
{
    struct world *world = *state;
    cb_autofree char *id = save(world, "RUN x", "1", 1);
    struct cb_digest identity = digest("identity");
    struct cb_cache_entry entry = {0};
    cb_auto(cb_result) result = NULL;

    close_world(world);
    open_world(world);
    assert_int_equal(look_up(world, "2", &entry), 0);
    assert_int_equal(look_up(world, "1", &entry), 1);
    assert_true(cb_digest_equal(&entry.identity, &identity));
    assert_int_equal(world->cache->class->load(world->cache, &entry, &result, NULL), 1);
    assert_string_equal(cb_snapshot_id(cb_snapshot_result_get(result)), id);
    assert_true(cb_digest_equal(&result->identity, &identity));
    cb_cache_entry_free(&entry);
}

static void empty_filesystem_can_be_a_result(void **state)
{
    struct world *world = *state;
    cb_autofree char *id = save(world, "FROM scratch", "1", 0);
    struct cb_cache_entry entry = {0};
    cb_auto(cb_result) result = NULL;

    assert_int_equal(look_up(world, "1", &entry), 1);
    assert_int_equal(world->cache->class->load(world->cache, &entry, &result, NULL), 1);
    assert_null(cb_snapshot_result_get(result));
    cb_cache_entry_free(&entry);
}

static void alias_leads_to_the_same_result(void **state)
{
    struct world *world = *state;
    cb_autofree char *id = save(world, "COPY x /", "slow", 1);
    struct cb_digest fast = digest("fast");
    struct cb_cache_entry entry = {0}, again = {0};

    assert_int_equal(look_up(world, "slow", &entry), 1);
    assert_int_equal(world->cache->class->alias(world->cache, &fast, &entry, NULL), 0);
    assert_int_equal(look_up(world, "fast", &again), 1);
    assert_string_equal(again.handle, id);
    assert_int_equal(again.created_ns, entry.created_ns);
    cb_cache_entry_free(&entry);
    cb_cache_entry_free(&again);
}

static void removed_snapshot_is_a_miss_and_does_not_load(void **state)
{
    struct world *world = *state;
    cb_autofree char *id = save(world, "RUN x", "1", 1);
    struct cb_cache_entry entry = {0}, again = {0};
    struct cb_result *result = NULL;

    assert_int_equal(look_up(world, "1", &entry), 1);
    assert_int_equal(cb_snapshot_remove(world->env.store, id, NULL), 0);
    assert_int_equal(world->cache->class->load(world->cache, &entry, &result, NULL), 0);
    assert_int_equal(look_up(world, "1", &again), 0);
    cb_cache_entry_free(&entry);
}

static void miss_is_explained_by_the_last_record_of_the_name(void **state)
{
    struct world *world = *state;
    cb_autofree char *first = save(world, "[1/2] RUN x", "1", 1);
    cb_autofree char *second = save(world, "[1/2] RUN x", "2", 1);
    cb_auto_value(cb_key_parts) parts = {0};
    cb_autofree char *text = NULL;

    cb_key_parts_add(&parts, "ARG VERSION", "3");
    text = world->cache->class->explain(world->cache, "[1/2] RUN x", &parts);
    assert_string_equal(text, "RUN: ARG VERSION 2→3");
    assert_null(world->cache->class->explain(world->cache, "[1/2] RUN y", &parts));
}

/* ── Locks ── */

struct waiting {
    struct cb_event_sink sink;
    struct world *world;
    void *held;
    char *notice;
};

/* The waiting has been announced: now the lock may go. */
static void release(struct cb_event_sink *sink, const struct cb_event *event)
{
    struct waiting *waiting = (struct waiting *)sink;

    assert_int_equal(event->kind, CB_EVENT_NOTICE);
    waiting->notice = xstrdup(event->text);
    waiting->world->cache->class->unlock(waiting->world->cache, waiting->held);
}

static void lock_waits_says_so_and_is_had_when_released(void **state)
{
    struct world *world = *state;
    struct cb_cache_store *cache = world->cache;
    struct waiting waiting = {.sink.emit = release, .world = world};
    struct cb_digest key = digest("key");
    struct cb_step_claim claim = {.key = &key, .name = "RUN x"};
    void *lock = NULL;

    assert_int_equal(cache->class->lock(cache, &claim, &waiting.held, NULL), 0);
    claim.sink = &waiting.sink;
    assert_int_equal(cache->class->lock(cache, &claim, &lock, NULL), 0);
    assert_string_equal(waiting.notice,
                        "waiting for another build, which executes the same step: RUN x");
    cache->class->unlock(cache, lock);
    free(waiting.notice);
}

static void wait_for_a_lock_can_be_canceled(void **state)
{
    struct world *world = *state;
    struct cb_cache_store *cache = world->cache;
    cb_auto(cb_cancel) cancel = cb_cancel_new();
    cb_auto(cb_error) error = NULL;
    struct cb_digest key = digest("key");
    struct cb_step_claim claim = {.key = &key, .name = "RUN x"};
    void *first = NULL, *second = NULL;

    cb_cancel_request(cancel);
    assert_int_equal(cache->class->lock(cache, &claim, &first, NULL), 0);
    claim.cancel = cancel;
    assert_int_equal(cache->class->lock(cache, &claim, &second, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_CANCELED);
    cache->class->unlock(cache, first);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(result_is_found_by_the_next_process),
        WORLD_TEST(empty_filesystem_can_be_a_result),
        WORLD_TEST(alias_leads_to_the_same_result),
        WORLD_TEST(removed_snapshot_is_a_miss_and_does_not_load),
        WORLD_TEST(miss_is_explained_by_the_last_record_of_the_name),
        WORLD_TEST(lock_waits_says_so_and_is_had_when_released),
        WORLD_TEST(wait_for_a_lock_can_be_canceled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
