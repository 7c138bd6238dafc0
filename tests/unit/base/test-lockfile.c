#include "scratch.h"

#include "base/lockfile.h"

#include <pthread.h>

static void exclusive_locks_conflict_in_one_process(void **state)
{
    struct scratch *scratch = *state;
    cb_auto(cb_lock) first = NULL;
    cb_auto(cb_lock) second = NULL;
    struct cb_error *err = NULL;

    assert_int_equal(cb_lock_try(&first, scratch->fd, "l", CB_LOCK_EXCLUSIVE, &err), 1);
    assert_int_equal(cb_lock_try(&second, scratch->fd, "l", CB_LOCK_EXCLUSIVE, &err), 0);
    assert_int_equal(cb_lock_try(&second, scratch->fd, "l", CB_LOCK_SHARED, &err), 0);
    cb_lock_release(cb_steal(&first));
    assert_int_equal(cb_lock_try(&second, scratch->fd, "l", CB_LOCK_SHARED, &err), 1);
    assert_int_equal(cb_lock_try(&first, scratch->fd, "l", CB_LOCK_SHARED, &err), 1);
}

static void holders_are_told_of_without_a_lock_being_taken(void **state)
{
    struct scratch *scratch = *state;
    struct cb_error *err = NULL;

    assert_false(cb_lock_is_held(scratch->fd, "l"));
    for (int mode = CB_LOCK_SHARED; mode <= CB_LOCK_EXCLUSIVE; mode++) {
        cb_auto(cb_lock) lock = NULL;

        assert_int_equal(cb_lock_try(&lock, scratch->fd, "l", mode, &err), 1);
        assert_true(cb_lock_is_held(scratch->fd, "l"));
        cb_lock_release(cb_steal(&lock));
        assert_false(cb_lock_is_held(scratch->fd, "l"));
    }
}

static void a_lock_taken_unseen_is_busy_and_not_told_of(void **state)
{
    struct scratch *scratch = *state;
    cb_auto(cb_lock) lock = NULL;
    cb_auto(cb_lock) other = NULL;

    assert_int_equal(cb_lock_try_unseen(&lock, scratch->fd, "l", CB_LOCK_EXCLUSIVE, NULL),
                     1);
    assert_false(cb_lock_is_held(scratch->fd, "l"));
    assert_int_equal(cb_lock_holder(scratch->fd, "l"), getpid());
    assert_int_equal(cb_lock_try(&other, scratch->fd, "l", CB_LOCK_EXCLUSIVE, NULL), 0);
}

static void a_mark_ends_with_the_open_file(void **state)
{
    struct scratch *scratch = *state;
    int fd = openat(scratch->fd, "m", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cb_autofd int other = openat(scratch->fd, "m", O_RDONLY | O_CLOEXEC);

    assert_false(cb_lock_is_marked(other));
    assert_int_equal(cb_lock_mark(fd), 0);
    assert_true(cb_lock_is_marked(other));
    assert_true(cb_lock_is_held(scratch->fd, "m"));
    cb_close(&fd);
    assert_false(cb_lock_is_marked(other));
}

struct waiter {
    struct scratch *scratch;
    struct cb_cancel *cancel;
    struct cb_lock *release;
    int unlink;
    pid_t holder;
    int waits;
};

static void note_wait(void *arg, pid_t holder)
{
    struct waiter *waiter = arg;

    waiter->holder = holder;
    waiter->waits++;
    if (waiter->release && waiter->unlink)
        cb_lock_release_unlink(cb_steal(&waiter->release));
    else if (waiter->release)
        cb_lock_release(cb_steal(&waiter->release));
    else
        cb_cancel_request(waiter->cancel);
}

static void waiting_tells_the_holder_once(void **state)
{
    cb_auto(cb_cancel) cancel = cb_cancel_new();

    for (int i = 0; i < 4; i++) {
        struct waiter waiter = {.scratch = *state, .unlink = i & 1};
        cb_auto(cb_lock) lock = NULL;
        struct cb_error *err = NULL;
        struct stat st;

        assert_int_equal(cb_lock_try(&waiter.release, waiter.scratch->fd, "l",
                                     CB_LOCK_EXCLUSIVE, &err),
                         1);
        assert_ok(cb_lock_take(
                      &lock, waiter.scratch->fd, "l", CB_LOCK_EXCLUSIVE,
                      &(struct cb_lock_wait){i & 2 ? cancel : NULL, note_wait, &waiter},
                      &err),
                  err);
        assert_int_equal(waiter.holder, getpid());
        assert_int_equal(waiter.waits, 1);
        assert_int_equal(fstatat(waiter.scratch->fd, "l", &st, 0), 0);
    }
}

static void canceling_ends_the_wait(void **state)
{
    cb_auto(cb_cancel) cancel = cb_cancel_new();
    struct waiter waiter = {.scratch = *state, .cancel = cancel};
    cb_auto(cb_lock) held = NULL;
    struct cb_lock *lock = NULL;
    struct cb_error *err = NULL;

    assert_int_equal(cb_lock_try(&held, waiter.scratch->fd, "l", CB_LOCK_EXCLUSIVE, &err),
                     1);
    assert_error(cb_lock_take(&lock, waiter.scratch->fd, "l", CB_LOCK_SHARED,
                              &(struct cb_lock_wait){cancel, note_wait, &waiter}, &err),
                 &err, CB_ERR_CANCELED, "canceled");
}

struct contest {
    struct scratch *scratch;
    int inside, rounds;
};

static void *contend(void *arg)
{
    struct contest *contest = arg;

    for (int i = 0; i < 200; i++) {
        struct cb_lock *lock = NULL;

        if (cb_lock_take(&lock, contest->scratch->fd, "l", CB_LOCK_EXCLUSIVE, NULL,
                         NULL) < 0)
            return contest;
        if (__atomic_add_fetch(&contest->inside, 1, __ATOMIC_SEQ_CST) != 1)
            return contest;
        contest->rounds++;
        __atomic_sub_fetch(&contest->inside, 1, __ATOMIC_SEQ_CST);
        cb_lock_release_unlink(lock);
    }
    return NULL;
}

static void holders_that_unlink_keep_others_out(void **state)
{
    struct contest contest = {.scratch = *state};
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, contend, &contest), 0);
    for (int i = 0; i < 4; i++) {
        void *problem;

        assert_int_equal(pthread_join(threads[i], &problem), 0);
        assert_null(problem);
    }
    assert_int_equal(contest.rounds, 800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(exclusive_locks_conflict_in_one_process),
        scratch_test(holders_are_told_of_without_a_lock_being_taken),
        scratch_test(a_lock_taken_unseen_is_busy_and_not_told_of),
        scratch_test(a_mark_ends_with_the_open_file),
        scratch_test(waiting_tells_the_holder_once),
        scratch_test(canceling_ends_the_wait),
        scratch_test(holders_that_unlink_keep_others_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
