/* What is found in a cache of elsewhere. */
#include "cache/remote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct cb_digest key(int number)
{
    return cb_digest_of(&number, sizeof(number));
}

/* Also beyond what a record has room for: a step was found under it once. Its identity
 * stays what the first of them made it, and is never what the cache says. */
static void a_key_that_is_learnt_finds_the_record_from_then_on(void **state)
{
    struct cb_remote_cache *remote = xcalloc(1, sizeof(*remote));
    struct cb_cache_record record = {
        .layer = CB_CACHE_ABSENT, .name = xstrdup("RUN x"), .identity = key(-1)};
    const struct cb_cache_record *there;
    struct cb_digest first = {0};

    remote->layout_fd = -1;
    remote->by_key = cb_map_new(NULL);
    cb_vec_push(&remote->document.records, record);
    for (int i = 0; i < CB_CACHE_MAX_KEYS + 3; i++) {
        struct cb_digest learnt = key(i);

        assert_int_equal(cb_remote_cache_find(remote, &learnt), -1);
        cb_remote_cache_answer(remote, 0, &learnt);
        assert_int_equal(cb_remote_cache_find(remote, &learnt), 0);
        there = &remote->document.records.items[0];
        if (i == 0)
            first = there->here;
        assert_true(cb_digest_equal(&there->here, &first));
    }
    assert_false(cb_digest_equal(&there->here, &there->identity));
    assert_int_equal(there->asked_count, CB_ARRAY_SIZE(there->asked));
    cb_remote_cache_free(remote);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_is_learnt_finds_the_record_from_then_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
