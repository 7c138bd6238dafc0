/* JSON written member by member, compact and indented. */
#include "base/json-writer.h"

#include "unit.h"

static void write_all(struct cb_writer *writer)
{
    char *items[] = {(char *)"x", (char *)"y\n"};
    struct cb_strings strings = {.items = items, .count = 2}, none = {0};

    cb_writer_open(writer, NULL, '{');
    cb_writer_text(writer, "text", "");
    cb_writer_text(writer, "null", NULL);
    cb_writer_string(writer, "left out", "");
    cb_writer_int(writer, "int", -5);
    cb_writer_bool(writer, "bool", 0);
    cb_writer_true(writer, "left out too", 0);
    cb_writer_strings(writer, "strings", &strings);
    cb_writer_strings(writer, "no strings", &none);
    cb_writer_open(writer, "empty", '[');
    cb_writer_close(writer, ']');
    cb_writer_open(writer, "inner", '{');
    cb_writer_true(writer, "true", 1);
    cb_writer_close(writer, '}');
    cb_writer_close(writer, '}');
}

static void members_are_separated(void **state)
{
    cb_auto_value(cb_strbuf) out = {0};
    struct cb_writer writer = {.out = &out};

    write_all(&writer);
    assert_string_equal(cb_strbuf_text(&out),
                        "{\"text\":\"\",\"null\":null,\"int\":-5,\"bool\":false,"
                        "\"strings\":[\"x\",\"y\\n\"],\"empty\":[],"
                        "\"inner\":{\"true\":true}}");
}

static void levels_are_indented(void **state)
{
    cb_auto_value(cb_strbuf) out = {0};
    struct cb_writer writer = {.out = &out, .indent = 2};

    write_all(&writer);
    assert_string_equal(cb_strbuf_text(&out),
                        "{\n  \"text\": \"\",\n  \"null\": null,\n  \"int\": -5,\n"
                        "  \"bool\": false,\n  \"strings\": [\n    \"x\",\n    \"y\\n\"\n"
                        "  ],\n  \"empty\": [],\n  \"inner\": {\n    \"true\": true\n"
                        "  }\n}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_separated),
        cmocka_unit_test(levels_are_indented),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
