/* --detach-keys: what is typed is passed on, but for the sequence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "container/detach.h"

#include <string.h>

/* What gets through of TYPED, in pieces of STEP bytes; "!" at the end: detached. */
static void expect_through(const char *keys, const char *typed, size_t step,
                           const char *wanted)
{
    struct cb_detach_keys parsed;
    char seen[200] = "";
    size_t len = strlen(typed);

    assert_int_equal(cb_detach_keys_parse(&parsed, keys, NULL), 0);
    for (size_t at = 0; at < len; at += step) {
        char piece[100 + CB_DETACH_KEYS_MAX] = "";
        uint32_t size = (uint32_t)(len - at < step ? len - at : step);
        int detached;

        memcpy(piece, typed + at, size);
        detached = cb_detach_keys_filter(&parsed, piece, &size);
        if (detached) {
            strcat(seen, "!");
            break;
        }
        strncat(seen, piece, size);
    }
    assert_string_equal(seen, wanted);
}

static void the_sequence_detaches(void **state)
{
    expect_through(NULL, "\x10\x11", 1, "!");
    expect_through("", "\x10\x11", 1, "\x10\x11");
    expect_through("a", "xa", 1, "x!");
    expect_through("ctrl-p,ctrl-q", "\x10\x11", 2, "!");
    expect_through("ctrl-@", "x", 1, "x");
    expect_through("ctrl-\\,x", "\x1cx", 1, "!");
    expect_through("ctrl-_", "\x1f", 1, "!");
}

static void what_only_begins_like_it_is_passed_on(void **state)
{
    for (size_t step = 1; step < 8; step++) {
        expect_through(NULL, "\x10x\x11y", step, "\x10x\x11y");
        expect_through("a,b,c", "aababx", step, "aababx");
    }
    expect_through("a,b,c", "aabc", 1, "a!");
    expect_through("a,b", "a", 1, "");
}

static void wrong_keys_are_refused(void **state)
{
    static const char *const wrong[] = {"ctrl-", "ctrl-P", "ctrl-1", "ab",
                                        "a,,b",  ",",      "shift-x"};
    struct cb_detach_keys keys;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        cb_auto(cb_error) error = NULL;

        assert_int_equal(cb_detach_keys_parse(&keys, wrong[i], &error), -1);
        assert_int_equal(cb_error_kind(error), CB_ERR_USAGE);
        assert_non_null(strstr(cb_error_message(error), "invalid detach keys"));
    }
    assert_int_equal(
        cb_detach_keys_parse(&keys, "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequence_detaches),
        cmocka_unit_test(what_only_begins_like_it_is_passed_on),
        cmocka_unit_test(wrong_keys_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
