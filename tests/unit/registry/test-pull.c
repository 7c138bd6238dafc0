#include "registry-fixture.h"

static void a_pull_registers_the_image_and_its_name(void **state)
{
    NEED(state);
    cb_autofree char *name = fixture_name(fixture, "good/image:latest");
    cb_auto(cb_image) image = NULL;
    struct cb_digest id, ref;
    int changed = -1;

    fixture_fresh_store(fixture, "pull");
    assert_int_equal(fixture_pull(fixture, "good/image:latest", &changed, &id, NULL), 0);
    assert_int_equal(changed, 1);
    assert_int_equal(cb_ref_get(fixture->store, name, &ref, NULL), 1);
    assert_true(cb_digest_equal(&ref, &id));
    assert_int_equal(cb_image_get(fixture->store, &id, &image, NULL), 0);
    assert_int_equal(image->config->diff_ids.count, 2);
    assert_int_equal(image->repo_digests.count, 1);
}

static void pulling_again_costs_one_head(void **state)
{
    NEED(state);
    struct cb_digest id;
    int changed = -1, before;

    fixture_fresh_store(fixture, "again");
    assert_int_equal(fixture_pull(fixture, "good/image:latest", &changed, &id, NULL), 0);
    before = fixture_requests(fixture, "GET", "/v2/good");
    assert_int_equal(fixture_pull(fixture, "good/image:latest", &changed, &id, NULL), 0);
    assert_int_equal(changed, 0);
    assert_int_equal(fixture_requests(fixture, "GET", "/v2/good"), before);
}

static void the_platform_is_chosen_from_an_index(void **state)
{
    NEED(state);
    cb_autofree char *name = fixture_name(fixture, "index/image:latest");
    struct cb_platform arm = {.os = "linux", .arch = "arm64"};
    cb_auto(cb_resolved_image) image = NULL;

    fixture_fresh_store(fixture, "index");
    assert_int_equal(
        cb_registry_resolve(fixture->registry, name, &arm, CB_PULL_ALWAYS, &image, NULL),
        0);
    assert_string_equal(image->config->platform.arch, "arm64");
    assert_false(cb_digest_equal(&image->target.digest, &image->manifest_digest));
}

static void a_missing_platform_is_named(void **state)
{
    NEED(state);
    cb_auto(cb_error) error = NULL;
    struct cb_digest id;
    int changed;

    fixture_fresh_store(fixture, "noplatform");
    assert_int_equal(
        fixture_pull(fixture, "noplatform/image:latest", &changed, &id, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_NOT_FOUND);
    assert_non_null(
        strstr(cb_error_message(error),
               "no matching manifest for linux/amd64 in the manifest list entries"));
}

static void an_absent_tag_reads_as_in_docker(void **state)
{
    NEED(state);
    cb_auto(cb_error) error = NULL;
    struct cb_digest id;
    int changed;

    fixture_fresh_store(fixture, "absent");
    assert_int_equal(fixture_pull(fixture, "good/image:missing", &changed, &id, &error),
                     -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_NOT_FOUND);
    assert_non_null(strstr(cb_error_message(error),
                           "good/image:missing not found: "
                           "manifest unknown: manifest unknown"));
}

static void hostile_registries_are_refused(void **state)
{
    NEED(state);
    static const struct {
        const char *mode;
        enum cb_error_kind kind;
    } rows[] = {
        {"wrongdigestm", CB_ERR_INTEGRITY}, {"wrongdigest", CB_ERR_INTEGRITY},
        {"wrongdigest", CB_ERR_INTEGRITY},  {"short", CB_ERR_INTEGRITY},
        {"long", CB_ERR_INTEGRITY},         {"negsize", CB_ERR_INTEGRITY},
        {"bigsize", CB_ERR_INTEGRITY},      {"sizestr", CB_ERR_INTEGRITY},
        {"fsize", CB_ERR_INTEGRITY},        {"digesttrav", CB_ERR_INTEGRITY},
        {"digestalg", CB_ERR_INTEGRITY},    {"digestupper", CB_ERR_INTEGRITY},
        {"dualtype", CB_ERR_INTEGRITY},     {"badtype", CB_ERR_INTEGRITY},
        {"dupkeys", CB_ERR_INTEGRITY},      {"deep", CB_ERR_INTEGRITY},
        {"hugemanifest", CB_ERR_INTEGRITY}, {"notjson", CB_ERR_INTEGRITY},
        {"deepindex", CB_ERR_INTEGRITY},    {"manylayers", CB_ERR_INTEGRITY},
        {"diffid", CB_ERR_INTEGRITY},       {"lieheader", CB_ERR_INTEGRITY},
        {"endless", CB_ERR_INTEGRITY},      {"hugehdr", CB_ERR_INTEGRITY},
        {"schema1", CB_ERR_UNSUPPORTED},    {"artifact", CB_ERR_UNSUPPORTED},
        {"redirloop", CB_ERR_NETWORK},      {"redirfile", CB_ERR_DENIED},
        {"redirdown", CB_ERR_DENIED},       {"hugeerror", CB_ERR_NOT_FOUND},
        {"escapes", CB_ERR_NOT_FOUND},      {"e429ever", CB_ERR_NETWORK},
        {"sha512lie", CB_ERR_INTEGRITY},    {"sha512short", CB_ERR_INTEGRITY},
        {"twosizes", CB_ERR_INTEGRITY},     {"configdup", CB_ERR_INTEGRITY},
        {"confignul", CB_ERR_INTEGRITY},    {"configgzip", CB_ERR_INTEGRITY},
        {"confighuge", CB_ERR_INTEGRITY},   {"configdeep", CB_ERR_INTEGRITY},
        {"configsize", CB_ERR_INTEGRITY},   {"nulmanifest", CB_ERR_INTEGRITY},
        {"notyet", CB_ERR_INTEGRITY},       {"nohttp", CB_ERR_NETWORK},

        {"chunkdrops", CB_ERR_INTEGRITY},   {"trailers", CB_ERR_INTEGRITY},
        {"twolengths", CB_ERR_INTEGRITY},   {"neglength", CB_ERR_NETWORK},
        {"empty", CB_ERR_INTEGRITY},        {"encoded", CB_ERR_INTEGRITY},
        {"nullocation", CB_ERR_NETWORK},    {"nolocation", CB_ERR_NETWORK},
        {"redirchain", CB_ERR_NETWORK},     {"redirmeta", CB_ERR_DENIED},
        {"rediruser", CB_ERR_DENIED},       {"redirunix", CB_ERR_DENIED},

    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofree char *rest = xasprintf("%s/image:latest", rows[i].mode);
        cb_autofree char *name = fixture_name(fixture, rest);
        cb_auto(cb_error) error = NULL;
        struct cb_digest id;
        int changed;

        fixture_fresh_store(fixture, rows[i].mode);
        if (fixture_pull(fixture, rest, &changed, &id, &error) == 0)
            fail_msg("%s was pulled", rows[i].mode);
        if (cb_error_kind(error) != rows[i].kind)
            fail_msg("%s: kind %d: %s", rows[i].mode, cb_error_kind(error),
                     cb_error_message(error));
        assert_int_equal(cb_ref_get(fixture->store, name, &id, NULL), 0);
        fixture_check_blobs(fixture);
    }
}

static void flaky_registries_serve_in_the_end(void **state)
{
    NEED(state);
    static const char *const modes[] = {
        "e429",       "e503",      "cut",       "cutonce",   "norange",    "badrange",
        "cenc",       "redirect",  "redirrel",  "nodigest",  "urls",       "sha512",
        "rangetotal", "rangeback", "rangeunit", "rangehuge", "rangetwice", "lierange"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(modes); i++) {
        cb_autofree char *rest = xasprintf("%s/image:latest", modes[i]);
        cb_auto(cb_error) error = NULL;
        struct cb_digest id;
        int changed;

        fixture_fresh_store(fixture, modes[i]);
        if (fixture_pull(fixture, rest, &changed, &id, &error) < 0)
            fail_msg("%s: %s", modes[i], cb_error_message(error));
        fixture_check_blobs(fixture);
    }
    assert_int_equal(fixture_requests(fixture, "\"other\"", "foreign"), 0);
}

static void a_flipping_tag_gives_one_consistent_image(void **state)
{
    NEED(state);
    for (int i = 0; i < 4; i++) {
        cb_autofree char *store = xasprintf("flip%d", i);
        struct cb_digest id;
        int changed;

        fixture_fresh_store(fixture, store);
        assert_int_equal(fixture_pull(fixture, "flip/image:latest", &changed, &id, NULL),
                         0);
    }
}

static void a_known_name_needs_no_network(void **state)
{
    NEED(state);
    cb_autofree char *name = fixture_name(fixture, "good/image:latest");
    cb_autofree char *only_resolved = fixture_name(fixture, "index/image:latest");
    cb_auto(cb_resolved_image) first = NULL;
    cb_auto(cb_resolved_image) pulled = NULL;
    cb_auto(cb_resolved_image) resolved = NULL;
    struct cb_digest id;
    int changed, before;

    fixture_fresh_store(fixture, "offline");
    assert_int_equal(fixture_pull(fixture, "good/image:latest", &changed, &id, NULL), 0);
    assert_int_equal(cb_registry_resolve(fixture->registry, only_resolved, NULL,
                                         CB_PULL_MISSING, &first, NULL),
                     0);
    before = fixture_requests(fixture, "/v2/", "");
    assert_int_equal(cb_registry_resolve(fixture->registry, name, NULL, CB_PULL_MISSING,
                                         &pulled, NULL),
                     0);
    assert_true(cb_digest_equal(&pulled->id, &id));
    assert_int_equal(cb_registry_resolve(fixture->registry, only_resolved, NULL,
                                         CB_PULL_NEVER, &resolved, NULL),
                     0);
    assert_true(cb_digest_equal(&resolved->id, &first->id));
    assert_int_equal(fixture_requests(fixture, "/v2/", ""), before);
}

static void a_digest_is_not_served_by_a_tag_that_differs(void **state)
{
    NEED(state);
    cb_autofree char *name = fixture_name(
        fixture, "good/image:latest@sha256:"
                 "1111111111111111111111111111111111111111111111111111111111111111");
    cb_auto(cb_resolved_image) image = NULL;
    cb_auto(cb_error) error = NULL;
    struct cb_digest id;
    int changed;

    fixture_fresh_store(fixture, "digest");
    assert_int_equal(fixture_pull(fixture, "good/image:latest", &changed, &id, NULL), 0);
    assert_int_equal(cb_registry_resolve(fixture->registry, name, NULL, CB_PULL_MISSING,
                                         &image, &error),
                     -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_NOT_FOUND);
}

static void tags_are_listed_page_by_page(void **state)
{
    NEED(state);
    cb_autofree char *good = fixture_name(fixture, "good/image");
    cb_autofree char *loop = fixture_name(fixture, "tagloop/image");
    cb_auto_value(cb_strings) tags = {0};
    cb_auto(cb_error) error = NULL;

    fixture_fresh_store(fixture, "tags");
    assert_int_equal(cb_registry_tags(fixture->registry, good, &tags, NULL), 0);
    assert_int_equal(tags.count, 5);
    assert_string_equal(tags.items[4], "v1");
    assert_int_equal(cb_registry_tags(fixture->registry, loop, &tags, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_INTEGRITY);
}

static int start(void **state)
{
    return fixture_start(state, "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pull_registers_the_image_and_its_name),
        cmocka_unit_test(pulling_again_costs_one_head),
        cmocka_unit_test(the_platform_is_chosen_from_an_index),
        cmocka_unit_test(a_missing_platform_is_named),
        cmocka_unit_test(an_absent_tag_reads_as_in_docker),
        cmocka_unit_test(hostile_registries_are_refused),
        cmocka_unit_test(flaky_registries_serve_in_the_end),
        cmocka_unit_test(a_flipping_tag_gives_one_consistent_image),
        cmocka_unit_test(a_known_name_needs_no_network),
        cmocka_unit_test(a_digest_is_not_served_by_a_tag_that_differs),
        cmocka_unit_test(tags_are_listed_page_by_page),
    };

    return cmocka_run_group_tests(tests, start, fixture_stop);
}
