#include "archive-fixture.h"

static void expect_loaded(struct fixture *fixture, const struct parts *parts,
                          const struct cb_strings *messages)
{
    cb_auto(cb_image) image = NULL;
    char text[CB_DIGEST_MAX_TEXT];
    int by_id;

    assert_int_equal(messages->count, 1);
    assert_string_equal(messages->items[0], "Loaded image: tiny:1");
    assert_int_equal(cb_image_find(fixture->store, "tiny:1", &image, &by_id, NULL), 1);
    assert_string_equal(cb_digest_hex(&image->id, text), parts->config_hex);
}

static void an_old_docker_archive_is_loaded_in_any_order(void **state)
{
    NEED(state);
    cb_auto_value(parts) parts = {0};
    cb_auto_value(cb_strings) messages = {0};
    cb_autofree char *manifest = NULL;

    make_parts(&parts);
    manifest = xasprintf("[{\"Config\":\"%s\",\"RepoTags\":[\"tiny:1\"],"
                         "\"Layers\":[\"aaaa/layer.tar\"]}]",
                         parts.config_name);
    struct member members[] = {
        {.path = "aaaa/VERSION", .data = "1.0"},
        {.path = "aaaa/json", .data = "{}"},
        {.path = "aaaa/layer.tar", .link = "../bbbb/layer.tar"},
        {.path = "manifest.json", .data = manifest},
        {.path = "bbbb/layer.tar", .data = parts.layer.text, .len = parts.layer.len},
        {.path = parts.config_name, .data = parts.config},
        {.path = "repositories", .data = "{}"},
    };
    assert_int_equal(
        load_members(fixture, members, CB_ARRAY_SIZE(members), &messages, NULL), 0);
    expect_loaded(fixture, &parts, &messages);
}

static void a_tag_that_moves_is_reported(void **state)
{
    NEED(state);
    cb_auto_value(parts) parts = {0};
    cb_auto_value(cb_strings) messages = {0};
    cb_autofree char *manifest = NULL;
    struct cb_digest old;

    make_parts(&parts);
    manifest = xasprintf("[{\"Config\":\"%s\",\"RepoTags\":[\"tiny:1\"],"
                         "\"Layers\":[\"l.tar\"]}]",
                         parts.config_name);
    struct member members[] = {
        {.path = "l.tar", .data = parts.layer.text, .len = parts.layer.len},
        {.path = parts.config_name, .data = parts.config},
        {.path = "manifest.json", .data = manifest},
    };
    cb_auto_value(cb_strings) names = {0};
    static const char other[] =
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{"
        "\"type\":\"layers\",\"diff_ids\":[]}}";

    cb_strings_add(&names, "docker.io/library/tiny:1");
    assert_int_equal(cb_image_put(fixture->store,
                                  &(struct cb_new_image){.config = other,
                                                         .config_len = strlen(other),
                                                         .names = &names},
                                  &old, NULL),
                     0);
    assert_int_equal(
        load_members(fixture, members, CB_ARRAY_SIZE(members), &messages, NULL), 0);
    assert_int_equal(messages.count, 2);
    assert_non_null(strstr(messages.items[0],
                           "The image tiny:1 already exists, renaming the "
                           "old one with ID sha256:"));
}

/* More than are synced at once, and one of them twice. */
static void thousands_of_small_members_become_blobs(void **state)
{
    NEED(state);
    enum { COUNT = 2500 };
    cb_autofree struct member *members = xcalloc(COUNT + 1, sizeof(*members));
    cb_auto_value(cb_strings) texts = {0};
    cb_auto_value(cb_strings) messages = {0};

    for (int i = 0; i < COUNT; i++) {
        cb_autofree char *text = xasprintf("file %d", i % (COUNT - 1));

        cb_strings_add(&texts, text);
    }
    for (int i = 0; i < COUNT; i++)
        members[i] = (struct member){.path = texts.items[i], .data = texts.items[i]};
    members[COUNT] = (struct member){.path = "manifest.json", .data = "[]"};
    assert_int_equal(load_members(fixture, members, COUNT + 1, &messages, NULL), 0);
    for (int i = 0; i < COUNT; i++) {
        struct cb_digest digest = cb_digest_of(texts.items[i], strlen(texts.items[i]));
        cb_auto_value(cb_strbuf) bytes = {0};

        assert_int_equal(cb_content_read(fixture->store, &digest, 100, &bytes, NULL), 0);
    }
}

static void names_of_members_have_a_bound_together(void **state)
{
    NEED(state);
    enum { COUNT = 3000, LEN = 3000 };
    cb_autofree struct member *members = xcalloc(COUNT, sizeof(*members));
    cb_autofree char *target = xcalloc(1, LEN + 1);
    cb_auto_value(cb_strings) names = {0};
    cb_auto_value(cb_strings) messages = {0};
    cb_auto(cb_error) error = NULL;

    memset(target, 'x', LEN);
    for (int i = 0; i < COUNT; i++) {
        cb_autofree char *name = xasprintf("%d%s", i, target);

        cb_strings_add(&names, name);
    }
    for (int i = 0; i < COUNT; i++)
        members[i] = (struct member){.path = names.items[i], .link = target};
    assert_int_equal(load_members(fixture, members, COUNT, &messages, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_INTEGRITY);
    assert_non_null(strstr(cb_error_message(error), "bytes of names"));
}

static void an_oci_layout_is_loaded(void **state)
{
    NEED(state);
    cb_auto_value(parts) parts = {0};
    cb_auto_value(cb_strings) messages = {0};
    char manifest_hex[CB_DIGEST_MAX_TEXT];
    struct cb_digest digest;

    make_parts(&parts);
    cb_autofree char *manifest = xasprintf(
        "{\"schemaVersion\":2,\"mediaType\":\"" CB_MT_OCI_MANIFEST "\",\"config\":{"
        "\"mediaType\":\"" CB_MT_OCI_CONFIG "\",\"digest\":\"sha256:%s\",\"size\":%zu},"
        "\"layers\":[{\"mediaType\":\"" CB_MT_OCI_LAYER "\",\"digest\":\"sha256:%s\","
        "\"size\":%zu}]}",
        parts.config_hex, strlen(parts.config), parts.layer_hex, parts.layer.len);
    digest = cb_digest_of(manifest, strlen(manifest));
    cb_digest_hex(&digest, manifest_hex);
    cb_autofree char *index = xasprintf(
        "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" CB_MT_OCI_MANIFEST
        "\",\"digest\":\"sha256:%s\",\"size\":%zu,\"annotations\":{"
        "\"io.containerd.image.name\":\"docker.io/library/tiny:1\","
        "\"org.opencontainers.image.ref.name\":\"1\"}}]}",
        manifest_hex, strlen(manifest));
    cb_autofree char *config_path = xasprintf("blobs/sha256/%s", parts.config_hex);
    cb_autofree char *layer_path = xasprintf("./blobs/sha256/%s", parts.layer_hex);
    cb_autofree char *manifest_path = xasprintf("blobs/sha256/%s", manifest_hex);
    struct member members[] = {
        {.path = layer_path, .data = parts.layer.text, .len = parts.layer.len},
        {.path = "index.json", .data = index},
        {.path = manifest_path, .data = manifest},
        {.path = config_path, .data = parts.config},
        {.path = "oci-layout", .data = "{\"imageLayoutVersion\":\"1.0.0\"}"},
    };

    assert_int_equal(
        load_members(fixture, members, CB_ARRAY_SIZE(members), &messages, NULL), 0);
    expect_loaded(fixture, &parts, &messages);
}

static void hostile_archives_are_refused(void **state)
{
    NEED(state);
    cb_auto_value(parts) parts = {0};
    cb_autofree char *manifest = NULL;
    cb_autofree char *wrong_count = NULL;
    char zeros[] = "blobs/sha256/"
                   "0000000000000000000000000000000000000000000000000000000000000000";

    make_parts(&parts);
    manifest = xasprintf("[{\"Config\":\"%s\",\"RepoTags\":null,\"Layers\":[\"l.tar\"]}]",
                         parts.config_name);
    wrong_count = xasprintf("[{\"Config\":\"%s\",\"Layers\":[]}]", parts.config_name);
    const struct member rows[][3] = {
        {{.path = "../escape", .data = "x"}},
        {{.path = "/absolute", .data = "x"}},
        {{.path = "a/../../escape", .data = "x"}},
        {{.path = "l.tar", .link = "/etc/passwd"}},
        {{.path = "a/l.tar", .link = "../../etc/passwd"}},
        {{.path = zeros, .data = "not those bytes"}},
        {{.path = "blobs/sha256/../../x", .data = "x"}},
        {{.path = "blobs/sha256/short", .data = "x"}},
        {{.path = "manifest.json",
          .data = "[{\"Config\":\"/etc/passwd\",\"Layers\":[]}]"}},
        {{.path = "manifest.json",
          .data = "[{\"Config\":\"manifest.json\",\"Layers\":[]}]"}},
        {{.path = "manifest.json", .data = manifest},
         {.path = parts.config_name, .data = parts.config}},
        {{.path = "manifest.json", .data = wrong_count},
         {.path = parts.config_name, .data = parts.config}},
        {{.path = "manifest.json", .data = manifest},
         {.path = parts.config_name, .data = parts.config},
         {.path = "l.tar", .data = "these are not the layer's bytes"}},
        {{.path = "index.json", .data = "{\"manifests\":[]}"},
         {.path = "manifest.json", .data = "{"}},
        {{.path = "hello", .data = "no image at all"}},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto_value(cb_strings) messages = {0};
        cb_auto_value(cb_images) images = {0};
        cb_auto(cb_error) error = NULL;
        size_t count = 0;

        while (count < 3 && rows[i][count].path)
            count++;
        if (load_members(fixture, rows[i], count, &messages, &error) == 0)
            fail_msg("row %zu was loaded", i);
        assert_int_not_equal(cb_error_kind(error), CB_ERR_SYSTEM);
        assert_int_equal(messages.count, 0);
        assert_int_equal(cb_image_list(fixture->store, &images, NULL), 0);
        assert_int_equal(images.count, 0);
    }
}

static void an_imported_root_becomes_one_layer(void **state)
{
    NEED(state);
    static const struct member files[] = {{.path = "b", .data = "two"},
                                          {.path = "a", .data = "one"}};
    struct cb_digest ids[2];

    setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
    for (int i = 0; i < 2; i++) {
        cb_auto_value(cb_strbuf) tar = {0};
        cb_auto(cb_image_config) config = cb_image_config_new();
        cb_auto(cb_image) image = NULL;
        cb_autofd int fd = -1;
        struct cb_import what;

        fixture_fresh_store(fixture);
        make_tar(&tar, files, CB_ARRAY_SIZE(files));
        fd = as_file(&tar);
        what = (struct cb_import){fd, "-", NULL, "docker.io/library/root:latest"};
        assert_int_equal(cb_archive_import(&fixture->env, &what, config, &ids[i], NULL),
                         0);
        assert_int_equal(cb_image_get(fixture->store, &ids[i], &image, NULL), 0);
        assert_int_equal(image->config->diff_ids.count, 1);
        assert_string_equal(image->config->history.items[0].comment, "Imported from -");
        assert_string_equal(image->config->created, "2023-11-14T22:13:20Z");
    }
    unsetenv("SOURCE_DATE_EPOCH");
    assert_true(cb_digest_equal(&ids[0], &ids[1]));
}

/* What a document of the archive says may be led elsewhere by a link of its name. */
static void an_index_that_is_a_link_is_passed_over(void **state)
{
    NEED(state);
    cb_auto_value(parts) parts = {0};
    cb_auto_value(cb_strings) messages = {0};
    cb_autofree char *manifest = NULL;

    make_parts(&parts);
    manifest = xasprintf("[{\"Config\":\"%s\",\"RepoTags\":[\"tiny:1\"],"
                         "\"Layers\":[\"l.tar\"]}]",
                         parts.config_name);
    struct member members[] = {
        {.path = "l.tar", .data = parts.layer.text, .len = parts.layer.len},
        {.path = parts.config_name, .data = parts.config},
        {.path = "index.json", .link = "l.tar"},
        {.path = "manifest.json", .data = manifest},
    };
    assert_int_equal(
        load_members(fixture, members, CB_ARRAY_SIZE(members), &messages, NULL), 0);
    expect_loaded(fixture, &parts, &messages);
}

static void a_layer_the_archive_lacks_may_be_in_the_store(void **state)
{
    NEED(state);
    cb_auto_value(parts) parts = {0};
    cb_auto_value(cb_strings) messages = {0};
    cb_auto(cb_error) error = NULL;
    cb_autofree char *manifest = NULL;
    struct cb_descriptor blob = {.media_type = (char *)CB_MT_OCI_LAYER};

    make_parts(&parts);
    manifest = xasprintf("[{\"Config\":\"%s\",\"RepoTags\":[\"tiny:1\"],"
                         "\"Layers\":[\"l.tar\"]}]",
                         parts.config_name);
    struct member members[] = {
        {.path = parts.config_name, .data = parts.config},
        {.path = "manifest.json", .data = manifest},
    };
    assert_int_equal(
        load_members(fixture, members, CB_ARRAY_SIZE(members), &messages, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_NOT_FOUND);
    assert_non_null(strstr(cb_error_message(error), "is neither in the archive"));
    assert_int_equal(cb_content_put(fixture->store, parts.layer.text, parts.layer.len,
                                    &blob.digest, NULL),
                     0);
    blob.size = (int64_t)parts.layer.len;
    assert_int_equal(cb_layer_blob_add(fixture->store, &blob.digest, &blob, NULL), 0);
    assert_int_equal(
        load_members(fixture, members, CB_ARRAY_SIZE(members), &messages, NULL), 0);
    expect_loaded(fixture, &parts, &messages);
}

/* What was claimed to be a layer and is not never stands for that layer later. */
static void a_forged_layer_is_refused_and_forgotten(void **state)
{
    NEED(state);
    static const char forged[] = "not the layer that the config names";
    const struct cb_digest forged_digest = cb_digest_of(forged, strlen(forged));
    cb_auto_value(parts) parts = {0};
    cb_auto_value(cb_strings) messages = {0};
    cb_autofree char *manifest = NULL;
    struct cb_digest diff_id;

    make_parts(&parts);
    diff_id = cb_digest_of(parts.layer.text, parts.layer.len);
    manifest = xasprintf("[{\"Config\":\"%s\",\"RepoTags\":[\"tiny:1\"],"
                         "\"Layers\":[\"l.tar\"]}]",
                         parts.config_name);
    struct member good[] = {
        {.path = "l.tar", .data = parts.layer.text, .len = parts.layer.len},
        {.path = parts.config_name, .data = parts.config},
        {.path = "manifest.json", .data = manifest},
    };
    struct member bad[] = {
        {.path = "l.tar", .data = forged},
        {.path = parts.config_name, .data = parts.config},
        {.path = "manifest.json", .data = manifest},
    };

    for (int unpacked = 0; unpacked < 2; unpacked++) {
        cb_auto(cb_error) error = NULL;

        assert_int_equal(load_members(fixture, bad, 3, &messages, &error), -1);
        assert_int_equal(cb_error_kind(error), CB_ERR_INTEGRITY);
        assert_int_equal(messages.count, 0);
        assert_int_equal(
            cb_layer_blob_known(fixture->store, &diff_id, &forged_digest, NULL), 0);
        assert_int_equal(load_members(fixture, good, 3, &messages, NULL), 0);
        expect_loaded(fixture, &parts, &messages);
        cb_strings_free(&messages);
    }
}

/* The archive's documents are no layers, and their names no way to another's. */
static void a_document_is_no_layer(void **state)
{
    NEED(state);
    cb_auto_value(parts) parts = {0};
    cb_auto_value(cb_strings) messages = {0};
    cb_auto(cb_error) error = NULL;
    cb_autofree char *manifest = NULL;

    make_parts(&parts);
    manifest = xasprintf("[{\"Config\":\"%s\",\"RepoTags\":[\"tiny:1\"],"
                         "\"Layers\":[\"manifest.json\"]}]",
                         parts.config_name);
    struct member members[] = {
        {.path = parts.config_name, .data = parts.config},
        {.path = "manifest.json", .data = manifest},
    };
    assert_int_equal(load_members(fixture, members, 2, &messages, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_old_docker_archive_is_loaded_in_any_order),
        cmocka_unit_test(a_tag_that_moves_is_reported),
        cmocka_unit_test(thousands_of_small_members_become_blobs),
        cmocka_unit_test(names_of_members_have_a_bound_together),
        cmocka_unit_test(an_oci_layout_is_loaded),
        cmocka_unit_test(hostile_archives_are_refused),
        cmocka_unit_test(an_imported_root_becomes_one_layer),
        cmocka_unit_test(an_index_that_is_a_link_is_passed_over),
        cmocka_unit_test(a_layer_the_archive_lacks_may_be_in_the_store),
        cmocka_unit_test(a_forged_layer_is_refused_and_forgotten),
        cmocka_unit_test(a_document_is_no_layer),
    };

    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
