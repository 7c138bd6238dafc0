/* Cache documents: what is written is read back, and what makes no sense is refused with
 * its place. */
#include "cache/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"

static struct cb_digest digest(const char *text)
{
    struct cb_digest out;

    assert_int_equal(cb_digest_parse(&out, text, NULL), 0);
    return out;
}

static int read_text(struct cb_cache_document *out, const char *text, int inline_blobs,
                     struct cb_error **err)
{
    cb_auto_json *json = NULL;
    struct cb_json root;

    if (cb_json_parse(&json, "cache", text, strlen(text), 1 << 20, err) < 0)
        return -1;
    root = cb_json_root(json, "cache");
    return cb_cache_document_read(out, &root, inline_blobs, err);
}

static void what_is_written_is_read_back(void **state)
{
    cb_auto_value(cb_cache_document) document = {0};
    cb_auto_value(cb_cache_document) again = {0};
    struct cb_descriptor blob = {
        .media_type = (char *)CB_MT_OCI_LAYER_GZIP, .digest = digest(D1), .size = 7};
    struct cb_digest diff = digest(D2), key = digest(D1);
    struct cb_cache_record record = {.identity = digest(D2), .created_ns = 5};
    cb_auto_json *json = NULL;
    cb_autofree char *text = NULL;
    int low = cb_cache_document_add_layer(&document, &blob, &diff, -1, 3);
    int high = cb_cache_document_add_layer(&document, &blob, &diff, low, 4);

    record.layer = high;
    record.name = xstrdup("[2/2] RUN \"x\"");
    cb_cache_record_add_key(&record, &key);
    cb_cache_record_add_key(&record, &key);
    cb_vec_push(&document.records, record);
    record.layer = CB_CACHE_ABSENT;
    record.name = xstrdup("");
    cb_vec_push(&document.records, record);
    json = cb_cache_document_emit(&document);
    text = cb_json_dump(json);
    assert_int_equal(read_text(&again, text, 0, NULL), 0);
    assert_int_equal(again.layers.count, 2);
    assert_int_equal(again.layers.items[1].parent, 0);
    assert_int_equal(again.layers.items[1].created_ns, 4);
    assert_int_equal(again.layers.items[1].blob.size, 7);
    assert_int_equal(cb_cache_document_depth(&again, 1), 2);
    assert_true(cb_digest_equal(&again.layers.items[1].chain_id,
                                &document.layers.items[1].chain_id));
    assert_int_equal(again.records.count, 2);
    assert_int_equal(again.records.items[0].key_count, 1);
    assert_int_equal(again.records.items[0].layer, 1);
    assert_string_equal(again.records.items[0].name, "[2/2] RUN \"x\"");
    assert_int_equal(again.records.items[1].layer, CB_CACHE_ABSENT);
    (void)state;
}

#define LAYER(rest) "{\"diffId\":\"" D1 "\",\"created\":1" rest "}"
#define BLOB(type, size) \
    ",\"blob\":{\"mediaType\":\"" type "\",\"digest\":\"" D1 "\",\"size\":" size "}"
#define GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define DOCUMENT(layers, records) \
    "{\"version\":1,\"layers\":[" layers "],\"records\":[" records "]}"
#define RECORD(rest) \
    "{\"keys\":[\"" D1 "\"],\"identity\":\"" D2 "\",\"created\":1" rest "}"

static void nonsense_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"[]", "cache: expected an object"},
        {"{}", "cache.version: missing"},
        {"{\"version\":2}", "cache: version 2 of the format, known is 1"},
        {DOCUMENT(LAYER(), ""), "cache.layers[0].blob.mediaType: missing"},
        {DOCUMENT(LAYER(BLOB("text/plain", "1")), ""), "cache.layers[0].blob: no layer"},
        {DOCUMENT(LAYER(BLOB(GZIP, "-1")), ""),
         "cache.layers[0].blob.size: must not be negative"},
        {DOCUMENT(LAYER(BLOB(GZIP, "1") ",\"parent\":0"), ""),
         "cache.layers[0].parent: no earlier layer 0"},
        {DOCUMENT(LAYER(BLOB(GZIP, "1") ",\"parent\":-3"), ""),
         "cache.layers[0].parent: no earlier layer -3"},
        {DOCUMENT("", RECORD(",\"layer\":0")),
         "cache.records[0].layer: no earlier layer 0"},
        {DOCUMENT("", RECORD(",\"layer\":\"x\"")),
         "cache.records[0].layer: expected an integer"},
        {DOCUMENT("", "{\"keys\":[\"../x\"],\"identity\":\"" D1 "\",\"created\":1}"),
         "cache.records[0].keys[0]"},
        {DOCUMENT("", "{\"keys\":[],\"identity\":\"" D1 "\",\"created\":-1}"),
         "cache.records[0].created: must not be negative"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(cases); i++) {
        cb_auto_value(cb_cache_document) document = {0};
        cb_auto(cb_error) error = NULL;

        assert_int_equal(read_text(&document, cases[i].text, 0, &error), -1);
        if (strncmp(cb_error_message(error), cases[i].message,
                    strlen(cases[i].message)) != 0)
            assert_string_equal(cb_error_message(error), cases[i].message);
    }
    (void)state;
}

static void an_inline_document_has_no_blobs(void **state)
{
    cb_auto_value(cb_cache_document) document = {0};

    assert_int_equal(
        read_text(&document, DOCUMENT(LAYER(), RECORD(",\"layer\":0")), 1, NULL), 0);
    assert_null(document.layers.items[0].blob.media_type);
    (void)state;
}

static void no_more_is_written_than_is_read(void **state)
{
    cb_auto_value(cb_cache_document) document = {0};
    cb_auto_value(cb_cache_document) again = {0};
    struct cb_digest diff = digest(D1);
    cb_auto_json *json = NULL;
    cb_autofree char *text = NULL;

    for (int i = 0; i < CB_CACHE_MAX_LAYERS; i++)
        assert_int_equal(cb_cache_document_add_layer(&document, NULL, &diff, -1, i), i);
    assert_int_equal(cb_cache_document_add_layer(&document, NULL, &diff, -1, 0), -1);
    json = cb_cache_document_emit(&document);
    text = cb_json_dump(json);
    assert_int_equal(read_text(&again, text, 1, NULL), 0);
    assert_int_equal(again.layers.count, CB_CACHE_MAX_LAYERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(no_more_is_written_than_is_read),
        cmocka_unit_test(nonsense_is_refused_with_its_place),
        cmocka_unit_test(an_inline_document_has_no_blobs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
