#include "unit.h"

#include "base/cancel.h"
#include "base/event.h"
#include "base/pool.h"

#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>

static void count_up(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

struct chain {
    struct cb_pool *pool;
    atomic_int left;
};

static void submit_next(void *arg)
{
    struct chain *chain = arg;

    if (atomic_fetch_sub(&chain->left, 1) > 1)
        cb_pool_submit(chain->pool, CB_POOL_IO, submit_next, chain);
}

static void freeing_waits_for_all_jobs(void **state)
{
    struct cb_pool *pool = cb_pool_new(3, 2);
    struct chain chain = {.pool = pool, .left = 50};
    atomic_int count = 0;

    for (int i = 0; i < 1000; i++)
        cb_pool_submit(pool, i % 2 ? CB_POOL_CPU : CB_POOL_IO, count_up, &count);
    cb_pool_submit(pool, CB_POOL_IO, submit_next, &chain);
    cb_pool_free(pool);
    assert_int_equal(atomic_load(&count), 1000);
    assert_int_equal(atomic_load(&chain.left), 0);
}

struct nested {
    struct cb_pool *pool;
    atomic_int leaves;
    int depth;
};

static int descend(void *arg, size_t index, struct cb_error **err)
{
    struct nested *nested = arg;
    struct nested below = {.pool = nested->pool, .depth = nested->depth - 1};
    int result;

    if (nested->depth == 0) {
        atomic_fetch_add(&nested->leaves, 1);
        return 0;
    }
    result = cb_pool_for_each(nested->pool, 4, descend, &below, err);
    atomic_fetch_add(&nested->leaves, atomic_load(&below.leaves));
    return result;
}

static void loops_nest_without_deadlock(void **state)
{
    cb_auto(cb_pool) pool = cb_pool_new(2, 1);
    struct nested nested = {.pool = pool, .depth = 4};
    struct cb_error *err = NULL;

    assert_ok(cb_pool_for_each(pool, 4, descend, &nested, &err), err);
    assert_int_equal(atomic_load(&nested.leaves), 1024);
}

static int fail_from_10(void *arg, size_t index, struct cb_error **err)
{
    atomic_fetch_add((atomic_int *)arg, 1);
    return index >= 10 ? cb_error_set(err, CB_ERR_USAGE, "index %zu", index) : 0;
}

static void the_first_failure_by_index_is_returned(void **state)
{
    cb_auto(cb_pool) pool = cb_pool_new(4, 1);

    for (int i = 0; i < 100; i++) {
        struct cb_error *err = NULL;
        atomic_int runs = 0;

        assert_error(
            cb_pool_for_each(i % 2 ? pool : NULL, 1000, fail_from_10, &runs, &err), &err,
            CB_ERR_USAGE, "index 10");
        assert_true(atomic_load(&runs) <= 20);
    }
    assert_int_equal(cb_pool_for_each(pool, 0, fail_from_10, NULL, NULL), 0);
}

static int wait_for_the_other(void *arg, size_t index, struct cb_error **err)
{
    sem_t *other = arg;

    if (index == 1)
        return sem_post(other);
    sem_wait(other);
    return cb_error_set(err, CB_ERR_USAGE, "index %zu", index);
}

static void what_waits_runs_side_by_side(void **state)
{
    cb_auto(cb_pool) pool = cb_pool_new(1, 1);
    sem_t other;
    struct cb_error *err = NULL;
    atomic_int runs = 0;

    sem_init(&other, 0, 0);
    assert_error(cb_pool_fan_out(pool, 8, 2, wait_for_the_other, &other, &err), &err,
                 CB_ERR_USAGE, "index 0");
    assert_error(cb_pool_fan_out(pool, 1, 20, fail_from_10, &runs, &err), &err,
                 CB_ERR_USAGE, "index 10");
    sem_destroy(&other);
}

static void a_request_cancels_and_wakes(void **state)
{
    cb_auto(cb_cancel) cancel = cb_cancel_new();
    struct pollfd wait = {.fd = cb_cancel_fd(cancel), .events = POLLIN};
    struct cb_error *err = NULL;

    assert_int_equal(poll(&wait, 1, 0), 0);
    assert_ok(cb_cancel_check(cancel, &err), err);
    assert_ok(cb_cancel_check(NULL, &err), err);
    cb_cancel_request(cancel);
    cb_cancel_request(cancel);
    assert_int_equal(poll(&wait, 1, 0), 1);
    assert_true(cb_cancel_requested(cancel));
    assert_error(cb_cancel_check(cancel, &err), &err, CB_ERR_CANCELED, "canceled");
    assert_int_equal(cb_cancel_fd(NULL), -1);
}

struct sink {
    struct cb_event_sink base;
    int64_t time_ns;
};

static void note_time(struct cb_event_sink *sink, const struct cb_event *event)
{
    ((struct sink *)sink)->time_ns = event->time_ns;
}

static void events_are_stamped(void **state)
{
    struct sink sink = {.base.emit = note_time};
    uint64_t first = cb_event_next_id();

    cb_event_emit(NULL, (struct cb_event){.kind = CB_EVENT_NOTICE});
    cb_event_emit(&sink.base, (struct cb_event){.kind = CB_EVENT_NOTICE});
    assert_true(sink.time_ns > 0);
    assert_int_equal(cb_event_next_id(), first + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(freeing_waits_for_all_jobs),
        cmocka_unit_test(loops_nest_without_deadlock),
        cmocka_unit_test(the_first_failure_by_index_is_returned),
        cmocka_unit_test(what_waits_runs_side_by_side),
        cmocka_unit_test(a_request_cancels_and_wakes),
        cmocka_unit_test(events_are_stamped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
