#include "unit/base/unit.h"

#include "oci/oci.h"

static void types_name_a_level_and_maybe_a_platform(void **state)
{
    static const struct {
        const char *text;
        enum cb_annotation_level level;
        const char *platform;
    } rows[] = {
        {"", CB_ANNOTATION_MANIFEST, NULL},
        {"manifest", CB_ANNOTATION_MANIFEST, NULL},
        {"index", CB_ANNOTATION_INDEX, NULL},
        {"index-descriptor", CB_ANNOTATION_INDEX_ENTRY, NULL},
        {"manifest-descriptor", CB_ANNOTATION_MANIFEST_ENTRY, NULL},
        {"[linux/arm64]", CB_ANNOTATION_MANIFEST, "linux/arm64"},
        {"manifest[linux/arm64/v8]", CB_ANNOTATION_MANIFEST, "linux/arm64"},
        {"manifest-descriptor[linux/arm]", CB_ANNOTATION_MANIFEST_ENTRY, "linux/arm/v7"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        struct cb_annotation type;
        struct cb_error *err = NULL;

        assert_ok(cb_annotation_type(&type, rows[i].text, strlen(rows[i].text), &err),
                  err);
        assert_int_equal(type.level, rows[i].level);
        if (rows[i].platform) {
            cb_autofree char *text = cb_platform_text(&type.platform);

            assert_string_equal(text, rows[i].platform);
        } else {
            assert_int_equal(*type.platform.os, 0);
        }
    }
}

static void other_types_are_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"config", "unknown annotation type \"config\""},
        {"Manifest", "unknown annotation type \"Manifest\""},
        {"index[linux/amd64]", "annotation type index is of no single platform"},
        {"index-descriptor[linux/amd64]", "is of no single platform"},
        {"manifest[linux/amd64", "`]` is missing"},
        {"[", "`]` is missing"},
        {"manifest[]", "invalid platform ``"},
        {"manifest[a/b/c/d]", "invalid platform `a/b/c/d`"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        struct cb_annotation type;
        cb_auto(cb_error) err = NULL;

        assert_int_equal(
            cb_annotation_type(&type, rows[i].text, strlen(rows[i].text), &err), -1);
        assert_non_null(strstr(cb_error_message(err), rows[i].says));
    }
}

static void add(struct cb_annotations *list, const char *type, const char *key,
                const char *value)
{
    struct cb_annotation one;

    assert_int_equal(cb_annotation_type(&one, type, strlen(type), NULL), 0);
    cb_annotations_add(list, &one, key, value);
}

static void expect(const struct cb_annotations *list, enum cb_annotation_level level,
                   const char *platform, const char *want)
{
    struct cb_platform parsed;
    cb_auto_json *json = NULL;
    char *text;

    if (platform)
        assert_int_equal(cb_platform_parse(&parsed, platform, NULL), 0);
    json = cb_annotations_json(list, level, platform ? &parsed : NULL);
    text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : xstrdup("none");
    assert_string_equal(text, want);
    free(text);
}

static void each_document_gets_its_own_and_later_ones_win(void **state)
{
    cb_auto_value(cb_annotations) list = {0};
    cb_auto_value(cb_annotations) copy = {0};

    add(&list, "", "a", "1");
    add(&list, "manifest[linux/arm64]", "a", "2");
    add(&list, "index", "b", "3");
    assert_true(cb_annotations_need_index(&list));
    cb_annotations_copy(&copy, &list);
    cb_annotations_free(&list);
    expect(&copy, CB_ANNOTATION_MANIFEST, "linux/amd64", "{\"a\":\"1\"}");
    expect(&copy, CB_ANNOTATION_MANIFEST, "linux/arm64", "{\"a\":\"2\"}");
    expect(&copy, CB_ANNOTATION_INDEX, NULL, "{\"b\":\"3\"}");
    expect(&copy, CB_ANNOTATION_INDEX_ENTRY, NULL, "none");
    expect(NULL, CB_ANNOTATION_MANIFEST, "linux/amd64", "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_name_a_level_and_maybe_a_platform),
        cmocka_unit_test(other_types_are_refused),
        cmocka_unit_test(each_document_gets_its_own_and_later_ones_win),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
