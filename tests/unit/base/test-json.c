#include "unit.h"

#include "base/json.h"
#include "base/strbuf.h"

static json_t *parse(const char *text)
{
    struct cb_error *err = NULL;
    json_t *json = NULL;

    assert_ok(cb_json_parse(&json, "doc", text, strlen(text), 1 << 20, &err), err);
    return json;
}

static void refuses_what_others_may_read_differently(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "doc: line 1"},
        {"{\"a\":1,\"a\":2}", "duplicate"},
        {"{\"a\":\"\\u0000\"}", "\\u0000"},
        {"{\"a\":1} x", "end of file expected"},
        {"{\"a\":99999999999999999999}", "too big"},
        {"{\"a\":\"\xff\"}", "unable to decode byte 0xff"},
        {"7", "'[' or '{' expected"},
    };
    cb_auto_value(cb_strbuf) deep = {0};
    struct cb_error *err = NULL;
    json_t *json = NULL;

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++)
        assert_error(
            cb_json_parse(&json, "doc", rows[i].text, strlen(rows[i].text), 100, &err),
            &err, CB_ERR_INTEGRITY, rows[i].message);
    for (int i = 0; i < 65; i++)
        cb_strbuf_addc(&deep, '[');
    for (int i = 0; i < 65; i++)
        cb_strbuf_addc(&deep, ']');
    assert_error(cb_json_parse(&json, "doc", deep.text, deep.len, 1000, &err), &err,
                 CB_ERR_INTEGRITY, "nested more than 64");
    assert_error(cb_json_parse(&json, "doc", "[1,2,3]", 7, 6, &err), &err,
                 CB_ERR_INTEGRITY, "larger than 6 bytes");
    assert_ok(cb_json_parse(&json, "doc", deep.text + 1, deep.len - 2, 1000, &err), err);
    json_decref(json);
}

/* A small object takes a hundred times the memory of its text. */
static void many_tiny_values_are_refused(void **state)
{
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_error *err = NULL;
    json_t *json = NULL;

    cb_strbuf_adds(&text, "[\",,{{[[\"");
    for (int i = 0; i < 99999; i++)
        cb_strbuf_adds(&text, ",{}");
    cb_strbuf_adds(&text, "]");
    assert_ok(cb_json_parse(&json, "doc", text.text, text.len, 1 << 20, &err), err);
    json_decref(json);
    text.text[text.len - 1] = ',';
    cb_strbuf_adds(&text, "{}]");
    assert_error(cb_json_parse(&json, "doc", text.text, text.len, 1 << 20, &err), &err,
                 CB_ERR_INTEGRITY, "doc: more than 200000 values");
}

static void wrong_types_are_named_by_path(void **state)
{
    cb_auto_json *json = parse("{\"layers\":[{},{},{\"size\":\"7\"}],\"n\":1.5,\"s\":[1],"
                               "\"nothing\":null}");
    struct cb_json root = cb_json_root(json, "manifest");
    struct cb_json layers = cb_json_member(&root, "layers");
    struct cb_json third = cb_json_item(&layers, 2);
    struct cb_json size = cb_json_member(&third, "size");
    struct cb_json first = cb_json_item(&layers, 0);
    struct cb_json missing = cb_json_member(&first, "size");
    struct cb_json number = cb_json_member(&root, "n");
    struct cb_json below = cb_json_member(&number, "x");
    struct cb_json strings = cb_json_member(&root, "s");
    struct cb_json nothing = cb_json_member(&root, "nothing");
    cb_auto_value(cb_strings) list = {0};
    struct cb_error *err = NULL;
    const char *text = "x";
    int64_t value = 5;
    size_t count;

    assert_error(cb_json_int64(&size, &value, &err), &err, CB_ERR_INTEGRITY,
                 "manifest.layers[2].size: expected an integer");
    assert_error(cb_json_required_int64(&missing, &value, &err), &err, CB_ERR_INTEGRITY,
                 "manifest.layers[0].size: missing");
    assert_error(cb_json_int64(&number, &value, &err), &err, CB_ERR_INTEGRITY,
                 "manifest.n: expected an integer");
    assert_error(cb_json_string(&below, &text, &err), &err, CB_ERR_INTEGRITY,
                 "manifest.n: expected an object");
    assert_error(cb_json_strings(&strings, 10, &list, &err), &err, CB_ERR_INTEGRITY,
                 "manifest.s[0]: expected a string");
    assert_error(cb_json_count(&layers, 2, &count, &err), &err, CB_ERR_INTEGRITY,
                 "manifest.layers: 3 entries, more than the 2 allowed");
    assert_int_equal(value, 5);
    assert_ok(cb_json_string(&nothing, &text, &err), err);
    assert_null(text);
    assert_true(cb_json_is_absent(&nothing));
}

static void paths_of_any_length_are_cut(void **state)
{
    char key[300];
    cb_autofree char *document = NULL;
    cb_auto_json *json = NULL;
    struct cb_json root, member;
    struct cb_error *err = NULL;
    const char *text;

    memset(key, 'k', sizeof(key));
    key[sizeof(key) - 1] = '\0';
    document = xasprintf("{\"%s\":1}", key);
    json = parse(document);
    root = cb_json_root(json, "doc");
    member = cb_json_member(&root, key);
    assert_error(cb_json_string(&member, &text, &err), &err, CB_ERR_INTEGRITY,
                 "k...: expected a string");
}

static void dumps_as_it_was_written(void **state)
{
    static const char document[] =
        "{\"z\":[1,true,null,\"<\xc3\xa9>\"],\"a\":{},\"m\":{\"k\":[]}}";
    cb_auto_json *json = parse(document);
    cb_autofree char *text = cb_json_dump(json);

    assert_string_equal(text, document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_others_may_read_differently),
        cmocka_unit_test(many_tiny_values_are_refused),
        cmocka_unit_test(wrong_types_are_named_by_path),
        cmocka_unit_test(paths_of_any_length_are_cut),
        cmocka_unit_test(dumps_as_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
