/* Why a step was not found, in words. */
#include "fake.h"

static void check(const char *name, const char *const *old, const char *const *new,
                  const char *expected)
{
    cb_auto_value(cb_key_parts) a = {0};
    cb_auto_value(cb_key_parts) b = {0};
    cb_autofree char *text = NULL;

    for (; *old; old += 2)
        cb_key_parts_add(&a, old[0], old[1]);
    for (; *new; new += 2)
        cb_key_parts_add(&b, new[0], new[1]);
    text = name ? cb_step_explain(name, &a, &b) : cb_key_parts_explain(&a, &b);
    assert_string_equal(text, expected);
}
#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SHA_A      "sha256:aaaa"
#define SHA_B      "sha256:bbbb"

static void changed_value_is_shown_with_the_instruction(void **state)
{
    check("[build 2/3] RUN make", PARTS("command", "make", "ARG VERSION", "1"),
          PARTS("command", "make", "ARG VERSION", "2"), "RUN: ARG VERSION 1→2");
    check(NULL, PARTS("ARG VERSION", "1"), PARTS("ARG VERSION", "2"), "ARG VERSION 1→2");
}

static void first_difference_wins_and_definition_comes_before_inputs(void **state)
{
    check("RUN make", PARTS("user", "a", "ENV X", "1", "input:base image", SHA_A),
          PARTS("user", "a", "ENV X", "2", "input:base image", SHA_B), "RUN: ENV X 1→2");
}

static void changed_inputs_are_named_by_their_label(void **state)
{
    check("[2/2] COPY src /", PARTS("dest", "/", "content:src", SHA_A),
          PARTS("dest", "/", "content:src", SHA_B), "COPY src: content changed");
    check("RUN make", PARTS("input:base image", SHA_A), PARTS("input:base image", SHA_B),
          "base image changed");
}

static void bulky_values_are_only_said_to_have_changed(void **state)
{
    check(NULL, PARTS("command", "a\nb"), PARTS("command", "a\nc"), "command changed");
    check(NULL, PARTS("command", SHA_A), PARTS("command", SHA_B), "command changed");
}

static void added_removed_and_moved_parts_are_told_apart(void **state)
{
    check(NULL, PARTS("a", "1"), PARTS("a", "1", "b", "2"), "b added");
    check(NULL, PARTS("a", "1", "b", "2"), PARTS("a", "1"), "b removed");
    check(NULL, PARTS("a", "1", "b", "2"), PARTS("b", "2", "a", "1"), "b moved");
    check(NULL, PARTS("a", "1", "a", "2"), PARTS("a", "1", "a", "3"), "a 2→3");
}

static void equal_parts_mean_that_the_record_went(void **state)
{
    check("RUN x", PARTS("a", "1"), PARTS("a", "1"),
          "the recorded result is no longer there");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_value_is_shown_with_the_instruction),
        cmocka_unit_test(first_difference_wins_and_definition_comes_before_inputs),
        cmocka_unit_test(changed_inputs_are_named_by_their_label),
        cmocka_unit_test(bulky_values_are_only_said_to_have_changed),
        cmocka_unit_test(added_removed_and_moved_parts_are_told_apart),
        cmocka_unit_test(equal_parts_mean_that_the_record_went),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
