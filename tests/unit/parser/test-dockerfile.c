#include "base/strbuf.h"
#include "parser/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static char *repeat(const char *head, const char *text, size_t count)
{
    cb_auto_value(cb_strbuf) out = {0};

    cb_strbuf_adds(&out, head);
    while (count--)
        cb_strbuf_adds(&out, text);
    return cb_strbuf_steal(&out);
}

static struct cb_dockerfile *parse(const char *text, struct cb_error **err)
{
    cb_auto(cb_source) source = cb_source_new("Dockerfile", text, strlen(text));
    struct cb_dockerfile *file = NULL;

    cb_dockerfile_parse(&file, source, err);
    return file;
}

static void assert_refused(const char *text, const char *message)
{
    cb_auto(cb_error) error = NULL;
    cb_auto(cb_dockerfile) file = parse(text, &error);

    assert_null(file);
    assert_int_equal(cb_error_kind(error), CB_ERR_SYNTAX);
    assert_string_equal(cb_error_message(error), message);
}

static void many_instructions_are_no_trouble(void **state)
{
    cb_autofree char *text =
        repeat("FROM a\n", "RUN --mount=type=cache,target=/c make x\n", 10000);
    cb_auto(cb_dockerfile) file = parse(text, NULL);

    assert_non_null(file);
    assert_int_equal(file->stage_count, 1);
    assert_int_equal(file->stages[0].count, 10000);
    assert_int_equal(file->stages[0].items[9999]->line, 10001);
}

static void counts_are_limited(void **state)
{
    cb_autofree char *stages = repeat("", "FROM a\n", 1001);
    cb_autofree char *instructions = repeat("FROM a\n", "RUN x\n", 60000);
    cb_autofree char *words =
        repeat("FROM a\nCOPY \\\n", "a b c d e f g h i j\\\n", 60000);
    cb_autofree char *flags =
        repeat("FROM a\nRUN \\\n", "--mount=x --mount=y \\\n", 300000);
    cb_autofree char *heredocs = repeat("FROM a\nRUN \\\n", "<<A <<A <<A \\\n", 3);
    cb_autofree char *onbuild = repeat("FROM a\n", "ONBUILD \\\n", 900000);

    assert_refused(stages, "the Dockerfile has more than 1000 stages");
    assert_refused(instructions, "the Dockerfile has more than 50000 instructions");
    assert_refused(words, "the Dockerfile has more than 200000 arguments");
    assert_refused(flags, "the Dockerfile has more than 200000 arguments");
    assert_refused(heredocs, "unterminated heredoc `A`");
    assert_refused(onbuild, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
}

static void sizes_are_limited(void **state)
{
    cb_autofree char *big = repeat("FROM a\n", "# 0123456789012\n", (1 << 20) + 1);
    cb_autofree char *line = repeat("FROM a\nRUN ", "x", 65532);
    cb_autofree char *longest = repeat("FROM a\nRUN ", "x", 65531);
    cb_autofree char *lines = repeat("FROM a\n", "\n", 1000000);
    cb_auto(cb_dockerfile) file = parse(longest, NULL);

    assert_refused(lines, "the Dockerfile has more than 1000000 lines");
    assert_refused(big, "Dockerfile is larger than the 16 MiB a Dockerfile may have");
    assert_refused(line, "dockerfile line greater than max allowed size of 65535");
    assert_non_null(file);
}

static void a_line_may_be_as_long_as_the_file(void **state)
{
    cb_autofree char *text = repeat("FROM a\nRUN ", "0123456789 \\\n", 900000);
    cb_auto(cb_dockerfile) file = parse(text, NULL);

    assert_non_null(file);
    assert_int_equal(strlen(file->stages[0].items[0]->run.command.shell), 9900000 - 1);
}

static void nested_json_is_no_trouble(void **state)
{
    cb_autofree char *text = repeat("FROM a\nCMD ", "[", 60000);
    cb_auto(cb_dockerfile) file = parse(text, NULL);

    assert_non_null(file);
    assert_false(file->stages[0].items[0]->command.is_exec);
}

static struct cb_instruction *parse_trigger(struct cb_arena *arena, const char *text,
                                            struct cb_error **err)
{
    cb_auto(cb_source) source = cb_source_new("ONBUILD", text, strlen(text));
    struct cb_instruction *inst = NULL;

    cb_instruction_parse(&inst, arena, source, err);
    return inst;
}

static void assert_trigger_refused(const char *text, const char *message)
{
    cb_auto(cb_arena) arena = cb_arena_new();
    cb_auto(cb_error) error = NULL;

    assert_null(parse_trigger(arena, text, &error));
    assert_string_equal(cb_error_message(error), message);
}

static void a_trigger_is_one_instruction(void **state)
{
    cb_auto(cb_arena) arena = cb_arena_new();
    cb_auto(cb_error) error = NULL;
    struct cb_instruction *inst = parse_trigger(arena, "RUN <<E cat\nbody\nE", &error);

    assert_null(error);
    assert_int_equal(inst->kind, CB_INST_RUN);
    assert_string_equal(inst->run.command.shell, "<<E cat");
    assert_int_equal(inst->run.heredocs.count, 1);
    assert_string_equal(inst->run.heredocs.items[0].content, "body\n");
    assert_trigger_refused("", "onbuild trigger should be a single expression");
    assert_trigger_refused("RUN a\nRUN b",
                           "onbuild trigger should be a single expression");
    assert_trigger_refused("FROM a", "FROM isn't allowed as an ONBUILD trigger");
    assert_trigger_refused("ONBUILD RUN a",
                           "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    assert_trigger_refused("RUM a", "unknown instruction: RUM (did you mean RUN?)");
}

static void every_kind_has_its_name(void **state)
{
    assert_string_equal(cb_instruction_name(CB_INST_FROM), "FROM");
    assert_string_equal(cb_instruction_name(CB_INST_EXPOSE), "EXPOSE");
    assert_string_equal(cb_instruction_name(CB_INST_SHELL), "SHELL");
}

static void a_condition_of_any_length_is_no_trouble(void **state)
{
    cb_autofree char *list = repeat("# cbuild=1\nFROM a\nRUN --if=a", "&&a", 20000);
    cb_autofree char *bangs = repeat("# cbuild=1\nFROM a\nRUN --if=", "!", 65000);
    cb_autofree char *open = repeat("# cbuild=1\nFROM a\nRUN --if=", "(", 65000);
    cb_autofree char *lines =
        repeat("# cbuild=1\nFROM a\n", "RUN --if=(a)||(a)||(a)||(a) x\n", 40000);
    cb_autofree char *long_list = xasprintf("%s x\n", list);
    cb_autofree char *negated = xasprintf("%sa x\n", bangs);
    cb_auto(cb_dockerfile) first = parse(long_list, NULL);
    cb_auto(cb_dockerfile) second = parse(negated, NULL);

    assert_non_null(first);
    assert_non_null(second);
    assert_refused(open, "--if: parentheses are nested more than 32 deep");
    assert_refused(lines, "the Dockerfile has more than 200000 arguments");
}

static void errors_come_at_most_twenty_at_a_time(void **state)
{
    cb_autofree char *text = repeat("FROM a\n", "EXPOSE\n", 100);
    cb_auto(cb_error) error = NULL;
    size_t count = 0;

    assert_null(parse(text, &error));
    for (const struct cb_error *e = error; e; e = cb_error_next(e))
        count++;
    assert_int_equal(count, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_instructions_are_no_trouble),
        cmocka_unit_test(counts_are_limited),
        cmocka_unit_test(sizes_are_limited),
        cmocka_unit_test(a_line_may_be_as_long_as_the_file),
        cmocka_unit_test(nested_json_is_no_trouble),
        cmocka_unit_test(a_trigger_is_one_instruction),
        cmocka_unit_test(every_kind_has_its_name),
        cmocka_unit_test(a_condition_of_any_length_is_no_trouble),
        cmocka_unit_test(errors_come_at_most_twenty_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
