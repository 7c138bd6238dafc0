#include "registry-fixture.h"

/* Pulls good/image into a fresh store. */
static struct cb_digest pull_good(struct fixture *fixture, const char *store)
{
    struct cb_digest id;
    int changed;

    fixture_fresh_store(fixture, store);
    assert_int_equal(fixture_pull(fixture, "good/image:latest", &changed, &id, NULL), 0);
    return id;
}

static int push(struct fixture *fixture, const struct cb_digest *id, const char *rest,
                struct cb_digest *digest, struct cb_error **err)
{
    cb_autofree char *name = fixture_name(fixture, rest);
    cb_auto_value(cb_descriptor) manifest = {0};
    int result = cb_registry_push(fixture->registry, id, name, NULL, &manifest, err);

    *digest = manifest.digest;
    return result;
}

static void a_pulled_image_is_pushed_as_it_came(void **state)
{
    NEED(state);
    struct cb_digest id = pull_good(fixture, "push");
    struct cb_digest again, pushed;
    cb_auto(cb_image) image = NULL;
    int changed, posts;

    assert_int_equal(push(fixture, &id, "good/copy:1", &pushed, NULL), 0);
    assert_int_equal(cb_image_get(fixture->store, &id, &image, NULL), 0);
    assert_true(cb_digest_equal(&pushed, &image->manifest));
    posts = fixture_requests(fixture, "POST", "good/copy");
    assert_int_equal(push(fixture, &id, "good/copy:2", &pushed, NULL), 0);
    assert_int_equal(fixture_requests(fixture, "POST", "good/copy"), posts);
    fixture_fresh_store(fixture, "pushed");
    assert_int_equal(fixture_pull(fixture, "good/copy:2", &changed, &again, NULL), 0);
    assert_true(cb_digest_equal(&again, &id));
}

static void what_a_neighbour_has_is_mounted(void **state)
{
    NEED(state);
    struct cb_digest id = pull_good(fixture, "mount");
    struct cb_digest pushed;

    assert_int_equal(push(fixture, &id, "pushabs/one:1", &pushed, NULL), 0);
    assert_int_equal(push(fixture, &id, "pushabs/two:1", &pushed, NULL), 0);
    assert_non_null(strstr(cb_strbuf_text(&fixture->events), "Mounted from "));
    assert_true(fixture_requests(fixture, "POST", "mount=sha256%3A") > 0);
}

/* Which document was sent last: the end of its URL. */
static char *last_manifest_put(struct fixture *fixture)
{
    cb_auto_value(cb_strbuf) text = {0};
    char *found = NULL, *start;

    assert_true(cb_fs_read_file(AT_FDCWD, fixture->log, 1 << 26, &text, NULL) >= 0);
    for (char *line = strtok(text.text, "\n"); line; line = strtok(NULL, "\n")) {
        start = strstr(line, "/manifests/");
        if (!start || !strstr(line, "\"PUT\""))
            continue;
        free(found);
        found = xstrndup(start + 11, strcspn(start + 11, "\""));
    }
    return found;
}

static void an_index_is_sent_after_what_it_lists(void **state)
{
    NEED(state);
    struct cb_platform_image entries[] = {
        {.platform = {.os = "linux", .arch = "amd64"}},
        {.platform = {.os = "linux", .arch = "arm64"}},
    };
    struct cb_platform_images images = {.items = entries, .count = 2};
    struct cb_push_options options = {.layers.compression = CB_COMPRESSION_GZIP};
    cb_autofree char *name = fixture_name(fixture, "good/several:1");
    cb_autofree char *last = NULL;
    cb_auto_value(cb_descriptor) index = {0};
    struct cb_digest again, id = pull_good(fixture, "several");
    int changed;

    entries[0].id = entries[1].id = id;
    assert_int_equal(
        cb_registry_push_index(fixture->registry, &images, name, &options, &index, NULL),
        0);
    assert_string_equal(index.media_type, CB_MT_OCI_INDEX);
    last = last_manifest_put(fixture);
    assert_string_equal(last, "1");
    fixture_fresh_store(fixture, "several-again");
    assert_int_equal(fixture_pull(fixture, "good/several:1", &changed, &again, NULL), 0);
    assert_true(cb_digest_equal(&again, &id));
}

static void a_flaky_upload_starts_anew(void **state)
{
    NEED(state);
    struct cb_digest id = pull_good(fixture, "flaky");
    struct cb_digest pushed;

    assert_int_equal(push(fixture, &id, "pushflaky/copy:1", &pushed, NULL), 0);
}

static void refusals_and_lies_are_errors(void **state)
{
    NEED(state);
    struct cb_digest id = pull_good(fixture, "refused");
    cb_auto(cb_error) denied = NULL;
    cb_auto(cb_error) lie = NULL;
    struct cb_digest pushed;

    assert_int_equal(push(fixture, &id, "pushdenied/copy:1", &pushed, &denied), -1);
    assert_int_equal(cb_error_kind(denied), CB_ERR_DENIED);
    assert_non_null(strstr(cb_error_message(denied),
                           "denied: requested access to the resource is denied"));
    assert_int_equal(push(fixture, &id, "pushlie/copy:1", &pushed, &lie), -1);
    assert_int_equal(cb_error_kind(lie), CB_ERR_INTEGRITY);
}

static int start(void **state)
{
    return fixture_start(state, "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pulled_image_is_pushed_as_it_came),
        cmocka_unit_test(what_a_neighbour_has_is_mounted),
        cmocka_unit_test(an_index_is_sent_after_what_it_lists),
        cmocka_unit_test(a_flaky_upload_starts_anew),
        cmocka_unit_test(refusals_and_lies_are_errors),
    };

    return cmocka_run_group_tests(tests, start, fixture_stop);
}
