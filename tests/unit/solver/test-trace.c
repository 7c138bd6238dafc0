/* Why a step was not found, in words. */
#include "fake.h"

#include "solver/solver-priv.h"

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
    text = cb_step_explain(name, &a, &b);
    assert_string_equal(text, expected);
}
#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SHA_A      "sha256:aaaa"
#define SHA_B      "sha256:bbbb"

static void changed_value_is_shown_with_the_instruction(void **state)
{
    check("[build 2/3] RUN make", PARTS("command", "make", "ARG VERSION", "1"),
          PARTS("command", "make", "ARG VERSION", "2"), "RUN: ARG VERSION 1→2");
    check("", PARTS("ARG VERSION", "1"), PARTS("ARG VERSION", "2"), "ARG VERSION 1→2");
}

static void variables_are_called_what_they_are(void **state)
{
    check("RUN x", PARTS("env V", "1", "note:arg", "V"),
          PARTS("env V", "2", "note:arg", "V"), "RUN: ARG V 1→2");
    check("RUN x", PARTS("env V", "1"), PARTS("env V", "2"), "RUN: ENV V 1→2");
    check("ONBUILD RUN x", PARTS("user", "1"), PARTS("user", "2"), "RUN: user 1→2");
}

static void what_only_counts_inside_is_not_shown(void **state)
{
    check("[2/2] COPY --from=0 b /x", PARTS("source", "1:a"), PARTS("source", "1:b"),
          "COPY: source a→b");
    check("[2/2] COPY b /x", PARTS("source", "1:a"), PARTS("source", "2:a"),
          "COPY: source changed");
    check("COPY a b", PARTS("chown", ""), PARTS("chown", "1:2"), "COPY: chown now 1:2");
    check("COPY a b", PARTS("flags", "link "), PARTS("flags", ""),
          "COPY: flags no longer link");
    check("RUN x", PARTS("mount 0", "tmpfs /t size 0"),
          PARTS("mount 0", "tmpfs /u size 0"), "RUN: mount tmpfs /t→tmpfs /u");
    check("RUN x", PARTS("mount 1", "bind /t ro from 1"),
          PARTS("mount 1", "bind /t rw from 1"), "RUN: mount bind /t ro→bind /t rw");
}

static void first_difference_wins_and_definition_comes_before_inputs(void **state)
{
    check("RUN make", PARTS("user", "a", "ENV X", "1", "input:1", SHA_A),
          PARTS("user", "a", "ENV X", "2", "input:1", SHA_B), "RUN: ENV X 1→2");
}

static void changed_inputs_are_named_by_their_label(void **state)
{
    check("[2/2] COPY src /", PARTS("dest", "/", "content:src", SHA_A),
          PARTS("dest", "/", "content:src", SHA_B), "COPY src: content changed");
    check("RUN make", PARTS("command", "make", "content:b", SHA_A),
          PARTS("command", "make", "content:a", SHA_A), "RUN: takes `a` instead of `b`");
    check("RUN make", PARTS("command", "make", "content:b", SHA_A),
          PARTS("command", "make", "content:b", SHA_A, "content:a", SHA_A),
          "RUN a: content added");
    check("RUN make", PARTS("input:1", SHA_A), PARTS("input:1", SHA_B),
          "input 1 changed");
}

static void changed_base_image_is_told_from_digest_to_digest(void **state)
{
    check("RUN make", PARTS("input:1", SHA_A, "note:1", "box@sha256:aa"),
          PARTS("input:1", SHA_B, "note:1", "box@sha256:bb"),
          "base image changed: box@sha256:aa→box@sha256:bb");
    check("FROM box", PARTS("image", "box@sha256:aa", "chain", SHA_A),
          PARTS("image", "box@sha256:bb", "chain", SHA_B),
          "FROM: image box@sha256:aa→box@sha256:bb");
}

static void step_before_is_named(void **state)
{
    check("RUN make", PARTS("input:1", SHA_A, "note:1", "RUN a"),
          PARTS("input:1", SHA_B, "note:1", "RUN a"), "the result of `RUN a` changed");
    check("RUN make", PARTS("input:1", SHA_A, "note:1", "RUN a"),
          PARTS("input:1", SHA_B, "note:1", "RUN b"),
          "it follows `RUN b` instead of `RUN a`");
}

static void check_files(const char *old, const char *new, const char *expected)
{
    check("COPY src /", PARTS("content:src", SHA_A, "listing:src", old),
          PARTS("content:src", SHA_B, "listing:src", new), expected);
}

static void changed_file_is_named(void **state)
{
    check_files("mode=644 content=1 \"a/b.c\"\nmode=644 content=2 \"c\"\n",
                "mode=644 content=3 \"a/b.c\"\nmode=644 content=2 \"c\"\n",
                "COPY src: a/b.c content changed");
    check_files("mode=644 content=1 \"a\"\n", "mode=755 content=1 \"a\"\n",
                "COPY src: a mode 644→755");
    check_files("mode=644 content=1 \"a\"\n",
                "mode=644 content=1 \"a\"\nmode=644 content=2 \"b\"\n",
                "COPY src: b added");
    check_files("mode=644 content=1 \"a\"\nmode=644 content=2 \"b\"\n",
                "mode=644 content=1 \"a\"\n", "COPY src: b removed");
    check_files("mode=644 content=1 \"a\"\nmode=644 \"b\"\n",
                "mode=644 content=2 \"a\"\nmode=600 \"b\"\n",
                "COPY src: a content changed (and 1 more)");
    check_files("mode=644 content=1 \"\"\n", "mode=644 content=2 \"\"\n",
                "COPY src: content changed");
}

/* They come from the store, where anything may have happened to them. */
static void listings_of_no_sense_are_no_explanation(void **state)
{
    static const char *const bad[] = {
        "",        "\n\n",     "no name\n",        "\"\n",     "a=1 \"",
        "\"x\"\n", " \"x\"\n", "mode=644 \"a\"\n", "= \"\"\n", "\xff\"\"\"\n"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++) {
        for (size_t k = 0; k < CB_ARRAY_SIZE(bad); k++) {
            cb_autofree char *text = cb_listing_explain(bad[i], bad[k]);

            assert_true(i != k || !text);
        }
    }
    check_files("junk", "more junk", "COPY src: content changed");
}

static void bulky_values_are_only_said_to_have_changed(void **state)
{
    check("", PARTS("command", "a\nb"), PARTS("command", "a\nc"), "command changed");
    check("", PARTS("command", SHA_A), PARTS("command", SHA_B), "command changed");
}

static void added_removed_and_moved_parts_are_told_apart(void **state)
{
    check("", PARTS("a", "1"), PARTS("a", "1", "b", "2"), "b added");
    check("", PARTS("a", "1", "b", "2"), PARTS("a", "1"), "b removed");
    check("", PARTS("a", "1", "b", "2"), PARTS("b", "2", "a", "1"), "b moved");
    check("", PARTS("a", "1", "a", "2"), PARTS("a", "1", "a", "3"), "a 2→3");
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
        cmocka_unit_test(variables_are_called_what_they_are),
        cmocka_unit_test(what_only_counts_inside_is_not_shown),
        cmocka_unit_test(first_difference_wins_and_definition_comes_before_inputs),
        cmocka_unit_test(changed_inputs_are_named_by_their_label),
        cmocka_unit_test(changed_base_image_is_told_from_digest_to_digest),
        cmocka_unit_test(step_before_is_named),
        cmocka_unit_test(changed_file_is_named),
        cmocka_unit_test(listings_of_no_sense_are_no_explanation),
        cmocka_unit_test(bulky_values_are_only_said_to_have_changed),
        cmocka_unit_test(added_removed_and_moved_parts_are_told_apart),
        cmocka_unit_test(equal_parts_mean_that_the_record_went),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
