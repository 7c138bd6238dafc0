#include "store-test.h"

#include "base/lockfile.h"
#include "store/cache-mount.h"

#include <pthread.h>
#include <stdatomic.h>

#define SHARED  CB_CACHE_SHARED
#define PRIVATE CB_CACHE_PRIVATE
#define LOCKED  CB_CACHE_LOCKED

struct use {
    int fd;
    struct cb_lock *lock;
};

static struct use use(struct fixture *f, const char *id, int sharing, unsigned mode,
                      int seed)
{
    struct cb_cache_mount_request request = {.id = id,
                                             .sharing = (enum cb_cache_sharing)sharing,
                                             .mode = mode,
                                             .uid = 3,
                                             .gid = 4,
                                             .seed_fd = seed};
    struct use use = {.fd = -1};

    ok(f, cb_cache_mount_open(f->store, &request, &use.fd, &use.lock, &f->error));
    return use;
}

static void done(struct use *use)
{
    cb_close(&use->fd);
    cb_lock_release(use->lock);
}

static void what_is_put_there_is_there_next_time(void **state)
{
    struct fixture *f = *state;
    struct use one = use(f, "/root/.cache", SHARED, 0750, -1), two;
    struct stat st;

    assert_int_equal(fstat(one.fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(st.st_uid, 3);
    assert_int_equal(st.st_gid, 4);
    put_file(one.fd, "x", "kept", 0644);
    done(&one);
    reopen_store(f);
    two = use(f, "/root/.cache", SHARED, 0700, -1);
    assert_file(two.fd, "x", "kept");
    assert_int_equal(fstat(two.fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750); /* of the first time */
    done(&two);
}

static void ids_are_apart_whatever_is_in_them(void **state)
{
    struct fixture *f = *state;
    struct use one = use(f, "../../escape", SHARED, 0755, -1);
    struct use two = use(f, "../../escape2", SHARED, 0755, -1);

    put_file(one.fd, "x", "one", 0644);
    assert_false(exists(two.fd, "x"));
    done(&one);
    done(&two);
}

static void shared_users_see_the_same(void **state)
{
    struct fixture *f = *state;
    struct use one = use(f, "id", SHARED, 0755, -1), two = use(f, "id", SHARED, 0755, -1);

    put_file(one.fd, "x", "both", 0644);
    assert_file(two.fd, "x", "both");
    done(&one);
    done(&two);
}

static void private_users_have_their_own_and_free_ones_are_used_again(void **state)
{
    struct fixture *f = *state;
    struct use one = use(f, "id", PRIVATE, 0755, -1),
               two = use(f, "id", PRIVATE, 0755, -1);

    put_file(one.fd, "x", "one", 0644);
    assert_false(exists(two.fd, "x"));
    done(&one);
    one = use(f, "id", PRIVATE, 0755, -1);
    assert_file(one.fd, "x", "one");
    done(&one);
    done(&two);
}

struct meanwhile {
    struct fixture *f;
    void (*act)(struct meanwhile *meanwhile);
    int strangers;
    atomic_int over;
    pthread_t thread;
};

static void *act(void *arg)
{
    struct meanwhile *meanwhile = arg;

    while (!atomic_load(&meanwhile->over))
        meanwhile->act(meanwhile);
    return NULL;
}

static void begin(struct meanwhile *meanwhile)
{
    assert_int_equal(pthread_create(&meanwhile->thread, NULL, act, meanwhile), 0);
}

static void end(struct meanwhile *meanwhile)
{
    atomic_store(&meanwhile->over, 1);
    assert_int_equal(pthread_join(meanwhile->thread, NULL), 0);
}

static void look(struct meanwhile *meanwhile)
{
    cb_auto_value(cb_cache_mounts) mounts = {0};

    cb_cache_mount_list(meanwhile->f->store, &mounts, NULL);
}

static void looking_at_them_sends_no_private_user_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct meanwhile looking = {.f = f, .act = look};

    begin(&looking);
    for (int i = 0; i < 300; i++) {
        struct use one = use(f, "id", PRIVATE, 0755, -1);
        int seen = exists(one.fd, "x");

        put_file(one.fd, "x", "one", 0644);
        done(&one);
        if (i && !seen) {
            end(&looking);
            fail_msg("use %d had another directory", i);
        }
    }
    end(&looking);
}

/* A name that is no hash would be a mount of nobody's, there to be removed. */
static void count_strangers(struct meanwhile *meanwhile)
{
    cb_auto_value(cb_cache_mounts) mounts = {0};

    cb_cache_mount_list(meanwhile->f->store, &mounts, NULL);
    cb_vec_foreach (mount, &mounts)
        meanwhile->strangers += strspn(mount->name, "0123456789abcdef") != 64;
}

static void one_that_is_being_made_is_listed_as_itself_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    struct meanwhile counting = {.f = f, .act = count_strangers};

    begin(&counting);
    for (int i = 0; i < 500; i++) {
        cb_autofree char *id = xasprintf("id%d", i);
        struct use one = use(f, id, SHARED, 0755, -1);

        done(&one);
    }
    end(&counting);
    assert_int_equal(counting.strangers, 0);
}

static void a_locked_one_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct use one = use(f, "id", LOCKED, 0755, -1);
    cb_auto(cb_cancel) cancel = cb_cancel_new();
    struct cb_cache_mount_request request = {
        .id = "id", .sharing = LOCKED, .mode = 0755, .seed_fd = -1, .cancel = cancel};
    struct cb_lock *lock = NULL;
    int fd = -1;

    cb_cancel_request(cancel);
    fails(f, CB_ERR_CANCELED,
          cb_cache_mount_open(f->store, &request, &fd, &lock, &f->error));
    request.sharing = SHARED;
    fails(f, CB_ERR_CANCELED,
          cb_cache_mount_open(f->store, &request, &fd, &lock, &f->error));
    done(&one);
    one = use(f, "id", LOCKED, 0755, -1);
    done(&one);
}

static void a_seed_is_copied_in_when_new(void **state)
{
    struct fixture *f = *state;
    struct use one;
    struct stat st;
    cb_autofd int seed = -1;

    assert_int_equal(mkdirat(f->top_fd, "seed", 0755), 0);
    assert_int_equal(mkdirat(f->top_fd, "seed/d", 0711), 0);
    put_file(f->top_fd, "seed/d/f", "seeded", 0640);
    assert_int_equal(symlinkat("d/f", f->top_fd, "seed/l"), 0);
    seed = openat(f->top_fd, "seed", O_RDONLY | O_DIRECTORY);
    one = use(f, "id", SHARED, 0755, seed);
    assert_file(one.fd, "l", "seeded");
    st = stat_of(one.fd, "d/f");
    assert_int_equal(st.st_mode & 07777, 0640);
    done(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_is_put_there_is_there_next_time),
        test(ids_are_apart_whatever_is_in_them),
        test(shared_users_see_the_same),
        test(private_users_have_their_own_and_free_ones_are_used_again),
        test(looking_at_them_sends_no_private_user_elsewhere),
        test(one_that_is_being_made_is_listed_as_itself_or_not_at_all),
        test(a_locked_one_is_waited_for),
        test(a_seed_is_copied_in_when_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
