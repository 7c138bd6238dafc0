#include "unit/base/unit.h"

#include "base/strbuf.h"
#include "oci/oci.h"

#define HEX    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define DIGEST "sha256:" HEX
#define CONFIG                                                                \
    "\"config\":{\"mediaType\":\"" CB_MT_OCI_CONFIG "\",\"digest\":\"" DIGEST \
    "\",\"size\":7}"
#define LAYER \
    "{\"mediaType\":\"" CB_MT_OCI_LAYER_GZIP "\",\"digest\":\"" DIGEST "\",\"size\":9}"
#define MANIFEST "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER "]}"
#define INDEX    "{\"schemaVersion\":2,\"manifests\":["

static void a_manifest_is_read_and_kept(void **state)
{
    cb_auto(cb_manifest) manifest = NULL;
    struct cb_error *err = NULL;
    struct cb_digest digest = cb_digest_of(MANIFEST, strlen(MANIFEST));

    assert_ok(cb_manifest_parse(&manifest, MANIFEST, strlen(MANIFEST),
                                CB_MT_OCI_MANIFEST "; charset=utf-8", &err),
              err);
    assert_string_equal(manifest->media_type, CB_MT_OCI_MANIFEST);
    assert_int_equal(manifest->config.size, 7);
    assert_int_equal(manifest->layers.count, 1);
    assert_string_equal(manifest->layers.items[0].media_type, CB_MT_OCI_LAYER_GZIP);
    assert_string_equal(manifest->bytes, MANIFEST);
    assert_true(cb_digest_equal(&manifest->digest, &digest));
}

static void bad_manifests_are_refused(void **state)
{
    static const struct {
        const char *text, *media_type, *message;
    } rows[] = {
        {"[]", NULL, "manifest: expected an object"},
        {"{}", NULL, "manifest.schemaVersion: expected 2"},
        {"{\"schemaVersion\":1}", NULL, "schema version 1 is not supported"},
        {"{\"schemaVersion\":\"2\"}", NULL,
         "manifest.schemaVersion: expected an integer"},
        {"{\"schemaVersion\":2}", NULL, "manifest.config: missing"},
        {"{\"schemaVersion\":2,\"config\":null}", NULL, "manifest.config: missing"},
        {"{\"schemaVersion\":2,\"config\":[]}", NULL,
         "manifest.config: expected an object"},
        {"{\"schemaVersion\":2," CONFIG ",\"layers\":{}}", NULL,
         "manifest.layers: expected an array"},
        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[null]}", NULL,
         "manifest.layers[0]: missing"},
        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER ",{\"digest\":\"" DIGEST
         "\",\"size\":-1}]}",
         NULL, "manifest.layers[1].size: must not be negative"},
        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"digest\":\"" DIGEST
         "\",\"size\":\"5\"}]}",
         NULL, "manifest.layers[0].size: expected an integer"},
        {"{\"schemaVersion\":2," CONFIG
         ",\"layers\":[{\"digest\":\"sha256:../../x\",\"size\":5}]}",
         NULL, "manifest.layers[0].digest: invalid digest"},
        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"manifests\":[]}", NULL,
         "neither clearly an index nor clearly a manifest"},
        {"{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"layers\":[]}", NULL,
         "duplicate"},
        {"{\"schemaVersion\":2,\"mediaType\":\"" CB_MT_OCI_INDEX "\"," CONFIG
         ",\"layers\":[]}",
         NULL, "unexpected media type"},
        {"{\"schemaVersion\":2,\"mediaType\":\"" CB_MT_DOCKER_MANIFEST "\"," CONFIG "}",
         CB_MT_OCI_MANIFEST, "but sent as `" CB_MT_OCI_MANIFEST "`"},
        {MANIFEST, CB_MT_OCI_INDEX, "unexpected media type"},
        {MANIFEST, "text/html", "unexpected media type `text/html`"},
        {"{\"schemaVersion\":2," CONFIG ",\"annotations\":{\"a\":1}}", NULL,
         "manifest.annotations.a: expected a string"},
    };
    struct cb_manifest *manifest = NULL;

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto(cb_error) err = NULL;

        if (cb_manifest_parse(&manifest, rows[i].text, strlen(rows[i].text),
                              rows[i].media_type, &err) == 0)
            fail_msg("accepted: %s", rows[i].text);
        if (!strstr(cb_error_message(err), rows[i].message))
            fail_msg("row %zu: %s", i, cb_error_message(err));
    }
}

static char *document(const char *start, const char *item, size_t count, const char *end)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, start);
    for (size_t i = 0; i < count; i++)
        cb_strbuf_addf(&text, "%s%s", i ? "," : "", item);
    cb_strbuf_adds(&text, end);
    return cb_strbuf_steal(&text);
}

static void counts_are_limited(void **state)
{
    const char *start = "{\"schemaVersion\":2," CONFIG ",\"layers\":[";
    cb_autofree char *many = document(start, LAYER, CB_MAX_LAYERS, "]}");
    cb_autofree char *too_many = document(start, LAYER, CB_MAX_LAYERS + 1, "]}");
    cb_autofree char *too_many_entries =
        document(INDEX, LAYER, CB_MAX_INDEX_ENTRIES + 1, "]}");
    cb_auto(cb_manifest) manifest = NULL;
    struct cb_index *index = NULL;
    struct cb_error *err = NULL;

    assert_error(cb_manifest_parse(&manifest, too_many, strlen(too_many), NULL, &err),
                 &err, CB_ERR_INTEGRITY, "501 entries, more than the 500 allowed");
    assert_ok(cb_manifest_parse(&manifest, many, strlen(many), NULL, &err), err);
    assert_error(
        cb_index_parse(&index, too_many_entries, strlen(too_many_entries), NULL, &err),
        &err, CB_ERR_INTEGRITY, "1001 entries, more than the 1000 allowed");
}

static struct cb_descriptor descriptor(const char *media_type, int64_t size)
{
    struct cb_descriptor result = {.media_type = (char *)media_type, .size = size};

    cb_digest_parse(&result.digest, DIGEST, NULL);
    return result;
}

static void a_made_manifest_reads_back(void **state)
{
    struct cb_descriptor config = descriptor(CB_MT_OCI_CONFIG, 7);
    struct cb_descriptor layers[] = {descriptor(CB_MT_OCI_LAYER_GZIP, 1),
                                     descriptor(CB_MT_OCI_LAYER_ZSTD, 2)};
    cb_auto_json *annotations = json_pack("{s:s,s:s}", "z", "<1>", "a", "2");
    cb_auto(cb_manifest) oci = cb_manifest_make(&config, layers, 2, annotations, 0);
    cb_auto(cb_manifest) docker = cb_manifest_make(&config, layers, 1, NULL, 1);
    cb_auto(cb_manifest) again = NULL;
    struct cb_error *err = NULL;

    assert_string_equal(
        docker->bytes,
        "{\"schemaVersion\":2,\"mediaType\":\"" CB_MT_DOCKER_MANIFEST
        "\",\"config\":{\"mediaType\":\"" CB_MT_DOCKER_CONFIG "\",\"digest\":\"" DIGEST
        "\",\"size\":7},\"layers\":[{\"mediaType\":\"" CB_MT_DOCKER_LAYER_GZIP
        "\",\"digest\":\"" DIGEST "\",\"size\":1}]}");
    assert_non_null(strstr(oci->bytes, "\"annotations\":{\"a\":\"2\",\"z\":\"<1>\"}}"));
    assert_ok(cb_manifest_parse(&again, oci->bytes, oci->len, oci->media_type, &err),
              err);
    assert_true(cb_digest_equal(&again->digest, &oci->digest));
    assert_string_equal(again->layers.items[1].media_type, CB_MT_OCI_LAYER_ZSTD);
}

#define ENTRY(type, size, more) \
    "{\"mediaType\":\"" type "\",\"digest\":\"" DIGEST "\",\"size\":" #size more "}"
#define PLATFORM(os, arch, variant)                             \
    ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch \
    "\",\"variant\":\"" variant "\"}"

static int64_t chosen_size(const char *text, const char *want)
{
    cb_auto(cb_index) index = NULL;
    struct cb_error *err = NULL;
    struct cb_platform platform;
    const struct cb_descriptor *chosen;

    assert_ok(cb_index_parse(&index, text, strlen(text), NULL, &err), err);
    assert_int_equal(cb_platform_parse(&platform, want, NULL), 0);
    chosen = cb_index_choose(index, &platform);
    return chosen ? chosen->size : -1;
}

static void the_best_entry_is_chosen(void **state)
{
    static const char index[] =
        INDEX ENTRY(CB_MT_OCI_MANIFEST, 1, PLATFORM("unknown", "unknown", "")) "," ENTRY(
            CB_MT_OCI_MANIFEST, 2,
            PLATFORM(
                "linux", "arm",
                "v6")) "," ENTRY(CB_MT_DOCKER_MANIFEST, 3,
                                 PLATFORM(
                                     "linux", "arm",
                                     "v7")) "," ENTRY(CB_MT_OCI_MANIFEST, 4,
                                                      PLATFORM(
                                                          "linux", "amd64",
                                                          "")) "," ENTRY("application/x",
                                                                         5,
                                                                         PLATFORM(
                                                                             "linux",
                                                                             "s390x",
                                                                             "")) "," ENTRY(CB_MT_OCI_MANIFEST,
                                                                                            6,
                                                                                            PLATFORM(
                                                                                                "linux",
                                                                                                "riscv64",
                                                                                                "") ",\"annotations\":{\"vnd.docker.reference."
                                                                                                    "type\":\"attestation-manifest\"}") "]}";
    static const char bare[] = INDEX ENTRY(CB_MT_OCI_INDEX, 8, "") "]}";

    assert_int_equal(chosen_size(index, "linux/amd64"), 4);
    assert_int_equal(chosen_size(index, "linux/amd64/v3"), 4);
    assert_int_equal(chosen_size(index, "linux/arm/v7"), 3);
    assert_int_equal(chosen_size(index, "linux/arm/v6"), 2);
    assert_int_equal(chosen_size(index, "linux/arm/v5"), -1);
    assert_int_equal(chosen_size(index, "linux/s390x"), -1);
    assert_int_equal(chosen_size(index, "linux/riscv64"), -1);
    assert_int_equal(chosen_size(index, "windows/amd64"), -1);
    assert_int_equal(chosen_size(bare, "linux/amd64"), 8);
}

static void bad_indexes_are_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"{\"schemaVersion\":2}", "index.manifests: missing"},
        {"{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", "neither clearly"},
        {"{\"schemaVersion\":2,\"manifests\":[]," CONFIG "}", "neither clearly"},
        {"{\"schemaVersion\":2,\"manifests\":[],\"fsLayers\":[]}", "neither clearly"},
        {INDEX "7]}", "index.manifests[0]: expected an object"},
        {INDEX "{\"size\":1}]}", "index.manifests[0].digest: missing"},
        {INDEX ENTRY("x", 1, ",\"platform\":7") "]}",
         "index.manifests[0].platform: expected an object"},
        {INDEX ENTRY("x", 1,
                     PLATFORM("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "b", "")) "]}",
         "index.manifests[0].platform.os: longer than 31"},
    };
    struct cb_index *index = NULL;
    struct cb_error *err = NULL;

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++)
        assert_error(
            cb_index_parse(&index, rows[i].text, strlen(rows[i].text), NULL, &err), &err,
            CB_ERR_INTEGRITY, rows[i].message);
}

static void a_made_index_reads_back(void **state)
{
    struct cb_descriptor entry = descriptor(CB_MT_OCI_MANIFEST, 5);
    cb_auto(cb_index) index = NULL;
    cb_auto(cb_index) again = NULL;
    struct cb_error *err = NULL;

    cb_platform_parse(&entry.platform, "linux/arm/v7", NULL);
    index = cb_index_make(&entry, 1, NULL, 0);
    assert_non_null(strstr(index->bytes, "\"platform\":{\"architecture\":\"arm\",\"os\":"
                                         "\"linux\",\"variant\":\"v7\"}"));
    assert_ok(cb_index_parse(&again, index->bytes, index->len, CB_MT_OCI_INDEX, &err),
              err);
    assert_true(cb_platform_equal(&again->manifests.items[0].platform, &entry.platform));
}

static void layer_types_tell_the_compression(void **state)
{
    static const struct {
        const char *media_type;
        int result;
        enum cb_compression compression;
    } rows[] = {
        {CB_MT_OCI_LAYER, 0, CB_COMPRESSION_NONE},
        {CB_MT_OCI_LAYER_ZSTD, 0, CB_COMPRESSION_ZSTD},
        {CB_MT_DOCKER_LAYER_GZIP, 0, CB_COMPRESSION_GZIP},
        {"application/vnd.docker.image.rootfs.diff.tar.gzip", 0, CB_COMPRESSION_GZIP},
        {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", 0,
         CB_COMPRESSION_GZIP},
        {"application/vnd.oci.image.layer.nondistributable.v1.tar", 0,
         CB_COMPRESSION_NONE},
        {CB_MT_OCI_CONFIG, -1, 0},
        {"application/vnd.in-toto+json", -1, 0},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        enum cb_compression compression;

        assert_int_equal(cb_media_compression(rows[i].media_type, &compression),
                         rows[i].result);
        if (rows[i].result == 0)
            assert_int_equal(compression, rows[i].compression);
    }
    assert_string_equal(cb_media_layer(CB_COMPRESSION_GZIP, 1), CB_MT_DOCKER_LAYER_GZIP);
    assert_string_equal(cb_media_layer(CB_COMPRESSION_NONE, 0), CB_MT_OCI_LAYER);
    assert_int_equal(cb_media_kind(CB_MT_DOCKER_LIST), CB_MEDIA_INDEX);
    assert_int_equal(cb_media_kind(NULL), CB_MEDIA_UNKNOWN);
}

static void chain_ids_follow_the_specification(void **state)
{
    struct cb_digest diff = cb_digest_of("abc", 3), chain, expected;
    cb_autofree char *text = xasprintf("%s %s", DIGEST, DIGEST);

    chain = cb_chain_id(NULL, &diff);
    assert_true(cb_digest_equal(&chain, &diff));
    chain = cb_chain_id(&chain, &diff);
    expected = cb_digest_of(text, strlen(text));
    assert_true(cb_digest_equal(&chain, &expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_is_read_and_kept),
        cmocka_unit_test(bad_manifests_are_refused),
        cmocka_unit_test(counts_are_limited),
        cmocka_unit_test(a_made_manifest_reads_back),
        cmocka_unit_test(the_best_entry_is_chosen),
        cmocka_unit_test(bad_indexes_are_refused),
        cmocka_unit_test(a_made_index_reads_back),
        cmocka_unit_test(layer_types_tell_the_compression),
        cmocka_unit_test(chain_ids_follow_the_specification),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
