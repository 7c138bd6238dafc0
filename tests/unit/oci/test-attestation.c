#include "unit/base/unit.h"

#include "oci/attestation.h"

static struct cb_manifest *some_manifest(void)
{
    const struct cb_descriptor config = {.media_type = (char *)CB_MT_OCI_CONFIG,
                                         .digest = cb_digest_of("config", 6),
                                         .size = 6};

    return cb_manifest_make(&config, NULL, 0, NULL, 0);
}

static struct cb_attestation *attest(const struct cb_manifest *about, int artifact)
{
    cb_auto_value(cb_statements) statements = {0};
    cb_auto_value(cb_subjects) subjects = {0};
    struct cb_statement statement = {.type = CB_PREDICATE_SPDX,
                                     .predicate = json_object()};
    cb_auto_value(cb_strings) names = {0};
    const struct cb_platform platform = {.os = "linux", .arch = "arm64"};

    cb_vec_push(&statements, statement);
    cb_strings_add(&names, "docker.io/library/x:1");
    cb_strings_add(&names, "127.0.0.1:5000/a/b:2");
    cb_subjects_of_image(&subjects, &about->digest, &names, &platform);
    return cb_attestation_make(about, &subjects, &statements, artifact);
}

static void an_index_with_one_gives_the_image(void **state)
{
    cb_auto(cb_manifest) about = some_manifest();
    cb_auto(cb_attestation) attestation = attest(about, 1);
    struct cb_descriptor entries[] = {attestation->entry,
                                      {.media_type = (char *)CB_MT_OCI_MANIFEST,
                                       .digest = about->digest,
                                       .size = (int64_t)about->len,
                                       .platform = {.os = "linux", .arch = "arm64"}}};
    cb_auto(cb_index) index = cb_index_make(entries, 2, NULL, 0);
    cb_auto(cb_index) again = NULL;
    const struct cb_platform any = {.os = "linux", .arch = "arm64"};
    struct cb_digest digest;
    struct cb_error *err = NULL;

    assert_ok(cb_index_parse(&again, index->bytes, index->len, NULL, &err), err);
    assert_ptr_equal(cb_index_choose(again, &any), &again->manifests.items[1]);
    assert_true(cb_descriptor_is_attestation(&again->manifests.items[0]));
    assert_false(cb_descriptor_is_attestation(&again->manifests.items[1]));
    assert_int_equal(cb_descriptor_about(&again->manifests.items[0], &digest), 1);
    assert_true(cb_digest_equal(&digest, &about->digest));
    assert_int_equal(cb_descriptor_about(&again->manifests.items[1], &digest), 0);
}

static void all_its_blobs_are_there_and_are_what_the_manifest_names(void **state)
{
    cb_auto(cb_manifest) about = some_manifest();

    for (int artifact = 0; artifact < 2; artifact++) {
        cb_auto(cb_attestation) attestation = attest(about, artifact);
        const struct cb_manifest *manifest = attestation->manifest;

        assert_int_equal(attestation->blobs.count, 2);
        assert_int_equal(manifest->layers.count, 1);
        assert_string_equal(manifest->layers.items[0].media_type, CB_MT_IN_TOTO);
        cb_vec_foreach (blob, &attestation->blobs) {
            struct cb_digest digest = cb_digest_of(blob->bytes, blob->len);

            assert_true(cb_digest_equal(&digest, &blob->digest));
            assert_true(cb_digest_equal(&digest, &manifest->config.digest) ||
                        cb_digest_equal(&digest, &manifest->layers.items[0].digest));
        }
        assert_int_equal(strstr(manifest->bytes, "\"subject\":") != NULL, artifact);
        assert_int_equal(strstr(manifest->bytes, "\"artifactType\":") != NULL, artifact);
    }
}

static void subjects_are_package_urls(void **state)
{
    static const struct {
        const char *name, *purl;
    } rows[] = {
        {"busybox:1.36", "pkg:docker/busybox@1.36?platform=linux%2Farm%2Fv7"},
        {"ghcr.io/a/b:c", "pkg:docker/ghcr.io/a/b@c?platform=linux%2Farm%2Fv7"},
        {"h:5000/x:1_2", "pkg:docker/h:5000/x@1_2?platform=linux%2Farm%2Fv7"},
        {"x@sha256:"
         "0123456789012345678901234567890123456789012345678901234567890123",
         "pkg:docker/x?digest=sha256:"
         "0123456789012345678901234567890123456789012345678901234567890123"
         "&platform=linux%2Farm%2Fv7"},
    };
    const struct cb_platform platform = {.os = "linux", .arch = "arm", .variant = "v7"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *purl = NULL;
        struct cb_error *err = NULL;

        assert_ok(cb_reference_parse(&reference, rows[i].name, &err), err);
        purl = cb_image_purl("docker", reference, &platform);
        assert_string_equal(purl, rows[i].purl);
    }
}

static void names_of_files_may_be_anything(void **state)
{
    cb_auto_value(cb_subjects) subjects = {0};
    struct cb_subject subject = {.name = xstrdup("a\xff\x1b\"b"),
                                 .digest = cb_digest_of("", 0)};
    cb_auto_json *predicate = json_object();
    const struct cb_statement statement = {.type = "t", .predicate = predicate};
    cb_autofree char *text = NULL;
    cb_auto_json *json = NULL;
    struct cb_error *err = NULL;

    cb_vec_push(&subjects, subject);
    text = cb_statement_text(&statement, &subjects, 2);
    assert_ok(cb_json_parse(&json, "statement", text, strlen(text), 1 << 16, &err), err);
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(json_object_get(json, "subject"), 0), "name")),
                        "a\\xff\\x1b\"b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_with_one_gives_the_image),
        cmocka_unit_test(all_its_blobs_are_there_and_are_what_the_manifest_names),
        cmocka_unit_test(subjects_are_package_urls),
        cmocka_unit_test(names_of_files_may_be_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
