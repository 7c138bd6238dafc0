#include "archive-fixture.h"

#include "exporter/inplace.h"

/* An image made here: a snapshot of one file with CONTENT over PARENT, exported as NAME.
 */
static struct cb_snapshot *make_layer(struct fixture *fixture, struct cb_snapshot *parent,
                                      const char *content)
{
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_autofd int root = -1;
    cb_autofd int file = -1;

    assert_int_equal(cb_snapshot_prepare(fixture->store, parent, &snapshot, NULL), 0);
    assert_int_equal(cb_snapshot_open_root(snapshot, &root, NULL), 0);
    file = openat(root, content, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(file >= 0);
    assert_int_equal(cb_fs_write_all(file, content, strlen(content)), 0);
    cb_close(&file);
    cb_close(&root);
    assert_int_equal(cb_snapshot_commit(snapshot, NULL), 0);
    return cb_steal(&snapshot);
}

static struct cb_digest export_image(struct fixture *fixture, struct cb_snapshot *top,
                                     const char *name, int64_t epoch,
                                     struct cb_image_config *config)
{
    struct cb_build_env env = {
        .store = fixture->store, .pool = fixture->pool, .source_date_epoch = epoch};
    cb_auto_value(cb_strings) names = {0};
    cb_autofree char *bytes = NULL;
    struct cb_digest id = {0};
    struct cb_error *error = NULL;
    size_t len;

    if (name)
        cb_strings_add(&names, name);
    if (cb_export_config(&env, top, config, &bytes, &len, &error) < 0 ||
        cb_image_put(
            env.store,
            &(struct cb_new_image){.config = bytes, .config_len = len, .names = &names},
            &id, &error) < 0)
        fail_msg("%s", cb_error_message(error));
    return id;
}

static struct cb_image_config *new_config(void)
{
    struct cb_image_config *config = cb_image_config_new();

    config->platform = (struct cb_platform){.os = "linux", .arch = "amd64"};
    cb_image_config_add_history(config, NULL, "ENV a=b", NULL, 1);
    cb_image_config_add_history(config, NULL, "RUN one", NULL, 0);
    cb_image_config_add_history(config, NULL, "CMD x", NULL, 1);
    cb_image_config_add_history(config, NULL, "RUN two", NULL, 0);
    return config;
}

static void save(struct fixture *fixture, const char *image,
                 enum cb_archive_format format, struct cb_strbuf *out)
{
    cb_auto_value(cb_strings) images = {0};
    const struct cb_archive_choice choice = {.images = &images};
    cb_autofd int fd = memfd_create("saved", MFD_CLOEXEC);
    struct cb_error *error = NULL;

    cb_strings_add(&images, image);
    if (cb_archive_save(&fixture->env, &choice, format, CB_COMPRESSION_NONE, fd, &error) <
        0)
        fail_msg("%s", cb_error_message(error));
    lseek(fd, 0, SEEK_SET);
    assert_int_equal(cb_fs_read_fd(fd, 1 << 26, out, NULL), 0);
}

static struct cb_digest make_image(struct fixture *fixture, const char *name)
{
    cb_auto(cb_snapshot) one = make_layer(fixture, NULL, "one");
    cb_auto(cb_snapshot) two = make_layer(fixture, one, "two");
    cb_auto(cb_image_config) config = new_config();

    return export_image(fixture, two, name, 1700000000, config);
}

static void the_same_snapshots_give_the_same_image(void **state)
{
    NEED(state);
    cb_auto(cb_snapshot) one = make_layer(fixture, NULL, "one");
    cb_auto(cb_snapshot) two = make_layer(fixture, one, "two");
    cb_auto(cb_image_config) first = new_config();
    cb_auto(cb_image_config) second = new_config();
    struct cb_digest a = export_image(fixture, two, NULL, -1, first);
    struct cb_digest b = export_image(fixture, two, NULL, -1, second);

    assert_true(cb_digest_equal(&a, &b));
    assert_int_equal(first->diff_ids.count, 2);
    /* Each entry has the time of the layer it made, or of the one below. */
    assert_string_equal(first->history.items[0].created, first->history.items[1].created);
    assert_string_equal(first->history.items[2].created, first->history.items[1].created);
    assert_string_not_equal(first->history.items[3].created,
                            first->history.items[1].created);
    assert_string_equal(first->created, first->history.items[3].created);
}

static void the_epoch_dates_what_the_build_made(void **state)
{
    NEED(state);
    cb_auto(cb_snapshot) one = make_layer(fixture, NULL, "one");
    cb_auto(cb_snapshot) two = make_layer(fixture, one, "two");
    cb_auto(cb_image_config) config = cb_image_config_new();

    config->platform = (struct cb_platform){.os = "linux", .arch = "amd64"};
    config->created = xstrdup("2020-01-01T00:00:00Z");
    cb_image_config_add_history(config, "2020-01-01T00:00:00Z", "base", NULL, 0);
    cb_image_config_add_history(config, NULL, "RUN two", NULL, 0);
    export_image(fixture, two, NULL, 1700000000, config);
    assert_string_equal(config->history.items[0].created, "2020-01-01T00:00:00Z");
    assert_string_equal(config->history.items[1].created, "2023-11-14T22:13:20Z");
    assert_string_equal(config->created, "2023-11-14T22:13:20Z");
}

static void archives_are_the_same_bytes_each_time(void **state)
{
    NEED(state);
    static const enum cb_archive_format formats[] = {CB_ARCHIVE_DOCKER, CB_ARCHIVE_OCI};

    make_image(fixture, "docker.io/library/made:1");
    for (size_t i = 0; i < CB_ARRAY_SIZE(formats); i++) {
        cb_auto_value(cb_strbuf) first = {0};
        cb_auto_value(cb_strbuf) second = {0};

        save(fixture, "made:1", formats[i], &first);
        save(fixture, "made:1", formats[i], &second);
        assert_int_equal(first.len, second.len);
        assert_memory_equal(first.text, second.text, first.len);
    }
}

static void expect_layer_at(int fd, int64_t at, const struct cb_descriptor *layer)
{
    cb_autofree char *bytes = xmalloc((size_t)layer->size);
    struct cb_digest digest;

    assert_true(at > 0);
    assert_int_equal(pread(fd, bytes, (size_t)layer->size, at), layer->size);
    digest = cb_digest_of(bytes, (size_t)layer->size);
    assert_true(cb_digest_equal(&digest, &layer->digest));
}

static void a_layer_in_its_place_moves_with_what_comes_before(void **state)
{
    NEED(state);
    cb_auto(cb_snapshot) one = make_layer(fixture, NULL, "one");
    static const struct cb_layer_form form = {.compression = CB_COMPRESSION_GZIP};
    static const int64_t tops[] = {3584, 4096, 9728, 1024};
    struct cb_digest outside = cb_digest_of("config", 6);
    cb_auto_value(cb_inplace) place = {.fd = -1};
    cb_auto_value(cb_inplace) again = {.fd = -1};
    cb_auto_value(cb_descriptor) layer = {0};
    cb_auto_value(cb_descriptor) kept = {0};
    struct cb_digests diff_ids = {0};
    cb_autofd int fd = memfd_create("place", MFD_CLOEXEC);
    struct cb_layer_want want = {
        .store = fixture->store, .form = &form, .pool = fixture->pool};
    struct cb_digest chain_id;

    assert_int_equal(cb_chain_register(one, fixture->pool, &diff_ids, NULL), 0);
    chain_id = cb_chain_id(NULL, &diff_ids.items[0]);
    want.diff_id = &diff_ids.items[0];
    want.chain_id = &chain_id;
    assert_int_equal(cb_inplace_open(&place, fd), 1);
    cb_inplace_start(&place, 4096);
    assert_int_equal(cb_inplace_pass(&place, &outside, 6, NULL), 0);
    assert_int_equal(cb_inplace_pass(&place, &outside, 6, NULL), 0);
    assert_int_equal(cb_inplace_layer(&place, &want, &layer, NULL), 1);
    assert_int_equal(cb_inplace_find(&place, &outside), -1);
    for (size_t i = 0; i < CB_ARRAY_SIZE(tops); i++) {
        assert_int_equal(cb_inplace_settle(&place, tops[i], NULL), 0);
        /* Behind its own header, and the other blob with one. */
        assert_int_equal(cb_inplace_find(&place, &layer.digest), tops[i] + 3 * 512);
        expect_layer_at(fd, tops[i] + 3 * 512, &layer);
    }
    /* The store is to keep what is wanted again. */
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(cb_inplace_open(&again, fd), 1);
    cb_inplace_start(&again, 512);
    assert_int_equal(cb_inplace_layer(&again, &want, &kept, NULL), 0);
    cb_vec_free(&diff_ids);
}

static void only_an_empty_file_that_can_be_read_has_places(void **state)
{
    NEED(state);
    cb_auto_value(cb_inplace) place = {.fd = -1};
    cb_autofd int full = memfd_create("full", MFD_CLOEXEC);
    cb_autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    cb_autofd int append = memfd_create("append", MFD_CLOEXEC);
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(cb_inplace_open(&place, ends[1]), 0);
    assert_int_equal(cb_inplace_open(&place, null), 0);
    assert_int_equal(write(full, "x", 1), 1);
    assert_int_equal(cb_inplace_open(&place, full), 0);
    assert_int_equal(ftruncate(full, 0), 0); /* what is written next is behind a hole */
    assert_int_equal(cb_inplace_open(&place, full), 0);
    assert_int_equal(fcntl(append, F_SETFL, O_APPEND), 0);
    assert_int_equal(cb_inplace_open(&place, append), 0);
    close(ends[0]);
    close(ends[1]);
}

static void what_was_saved_is_loaded_again(void **state)
{
    NEED(state);
    static const enum cb_archive_format formats[] = {CB_ARCHIVE_DOCKER, CB_ARCHIVE_OCI};

    for (size_t i = 0; i < CB_ARRAY_SIZE(formats); i++) {
        cb_auto_value(cb_strbuf) archive = {0};
        cb_auto_value(cb_strings) messages = {0};
        cb_auto(cb_image) image = NULL;
        cb_auto(cb_error) error = NULL;
        cb_autofd int fd = -1;
        struct cb_digest id;
        int by_id;

        fixture_fresh_store(fixture);
        id = make_image(fixture, "docker.io/library/made:1");
        save(fixture, "made:1", formats[i], &archive);
        fixture_fresh_store(fixture);
        fd = as_file(&archive);
        if (cb_archive_load(&fixture->env, fd, NULL, &messages, &error) < 0)
            fail_msg("%s", cb_error_message(error));
        assert_string_equal(messages.items[0], "Loaded image: made:1");
        assert_int_equal(cb_image_find(fixture->store, "made:1", &image, &by_id, NULL),
                         1);
        assert_true(cb_digest_equal(&image->id, &id));
    }
}

static void an_image_saved_by_id_has_no_name(void **state)
{
    NEED(state);
    cb_auto_value(cb_strbuf) archive = {0};
    cb_auto_value(cb_strings) messages = {0};
    char text[CB_DIGEST_MAX_TEXT], expected[CB_DIGEST_MAX_TEXT + 32];
    struct cb_digest id = make_image(fixture, "docker.io/library/made:1");
    cb_autofd int fd = -1;

    save(fixture, cb_digest_text(&id, text), CB_ARCHIVE_DOCKER, &archive);
    fixture_fresh_store(fixture);
    fd = as_file(&archive);
    assert_int_equal(cb_archive_load(&fixture->env, fd, NULL, &messages, NULL), 0);
    snprintf(expected, sizeof(expected), "Loaded image ID: %s", text);
    assert_string_equal(messages.items[0], expected);
}

static void an_unknown_image_is_named(void **state)
{
    NEED(state);
    cb_auto_value(cb_strings) images = {0};
    const struct cb_archive_choice choice = {.images = &images};
    cb_auto(cb_error) error = NULL;

    cb_strings_add(&images, "nobody:1");
    assert_int_equal(cb_archive_save(&fixture->env, &choice, CB_ARCHIVE_OCI,
                                     CB_COMPRESSION_NONE, -1, &error),
                     -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_NOT_FOUND);
    assert_non_null(strstr(cb_error_message(error), "nobody:1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_snapshots_give_the_same_image),
        cmocka_unit_test(the_epoch_dates_what_the_build_made),
        cmocka_unit_test(archives_are_the_same_bytes_each_time),
        cmocka_unit_test(a_layer_in_its_place_moves_with_what_comes_before),
        cmocka_unit_test(only_an_empty_file_that_can_be_read_has_places),
        cmocka_unit_test(what_was_saved_is_loaded_again),
        cmocka_unit_test(an_image_saved_by_id_has_no_name),
        cmocka_unit_test(an_unknown_image_is_named),
    };

    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
