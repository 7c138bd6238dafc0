#include "unit.h"

#include "base/arena.h"
#include "base/map.h"

static void iterates_in_order_of_insertion(void **state)
{
    cb_auto(cb_map) map = cb_map_new(free);
    const char *key;
    void *value;
    size_t at = 0, seen = 0;
    char name[16];

    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "k%d", i);
        cb_map_set(map, name, xstrdup(name));
    }
    for (int i = 0; i < 1000; i += 2) {
        snprintf(name, sizeof(name), "k%d", i);
        assert_true(cb_map_remove(map, name));
    }
    cb_map_set(map, "k1", xstrdup("again"));
    cb_map_set(map, "k0", xstrdup("last"));
    assert_int_equal(cb_map_count(map), 501);
    while (cb_map_next(map, &at, &key, &value)) {
        if (seen == 0)
            assert_string_equal(value, "again");
        snprintf(name, sizeof(name), "k%zu", seen < 500 ? 2 * seen + 1 : 0);
        assert_string_equal(key, name);
        seen++;
    }
    assert_int_equal(seen, 501);
}

static void removed_keys_stay_away(void **state)
{
    cb_auto(cb_map) map = cb_map_new(NULL);
    char name[16];

    for (int round = 0; round < 10000; round++) {
        snprintf(name, sizeof(name), "k%d", round);
        cb_map_set(map, name, map);
        assert_true(cb_map_remove(map, name));
        assert_false(cb_map_has(map, name));
        assert_false(cb_map_remove(map, name));
    }
    assert_int_equal(cb_map_count(map), 0);
    assert_null(cb_map_get(map, "k1"));
}

static void arena_memory_is_zeroed_and_aligned(void **state)
{
    cb_auto(cb_arena) arena = cb_arena_new();
    char *large;

    for (size_t size = 1; size < 3000; size += 7) {
        unsigned char *bytes = cb_arena_alloc(arena, size);

        assert_int_equal((uintptr_t)bytes % sizeof(void *), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(bytes[i], 0);
        memset(bytes, 0xff, size);
    }
    large = cb_arena_alloc(arena, 1 << 20);
    large[(1 << 20) - 1] = 1;
    assert_string_equal(cb_arena_printf(arena, "%s-%d", "x", 5), "x-5");
    assert_string_equal(cb_arena_strndup(arena, "abcdef", 3), "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iterates_in_order_of_insertion),
        cmocka_unit_test(removed_keys_stay_away),
        cmocka_unit_test(arena_memory_is_zeroed_and_aligned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
