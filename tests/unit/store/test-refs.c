#include "store-test.h"

#include "store/db-snapshots.h"
#include "store/gc.h"
#include "store/refs.h"
#include "store/store-priv.h"

static struct cb_digest put_image(struct fixture *f, const char *created,
                                  const char *name)
{
    cb_autofree char *config = config_for(NULL, 0, created);
    cb_auto_value(cb_strings) names = {0};
    struct cb_digest id;

    if (name)
        cb_strings_add(&names, name);
    ok(f,
       cb_image_put(f->store,
                    &(struct cb_new_image){
                        .config = config, .config_len = strlen(config), .names = &names},
                    &id, &f->error));
    return id;
}

static void an_image_is_found_by_name_id_and_prefix(void **state)
{
    struct fixture *f = *state;
    struct cb_digest id =
        put_image(f, "2024-01-02T03:04:05Z", "docker.io/library/app:latest");
    char text[CB_DIGEST_MAX_TEXT];
    const char *words[4];
    cb_autofree char *prefix = NULL;
    size_t i;

    cb_digest_text(&id, text);
    prefix = xstrndup(text + 7, 12);
    words[0] = "app";
    words[1] = "docker.io/library/app:latest";
    words[2] = text;
    words[3] = prefix;
    for (i = 0; i < 4; i++) {
        cb_auto(cb_image) image = NULL;
        int by_id = -1;

        assert_int_equal(cb_image_find(f->store, words[i], &image, &by_id, &f->error), 1);
        assert_true(cb_digest_equal(&image->id, &id));
        assert_int_equal(by_id, i >= 2);
        assert_int_equal(image->names.count, 1);
        assert_int_equal(image->created_ns, INT64_C(1704164645) * 1000000000);
    }
}

static void an_unknown_image_is_not_found(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_image) image = NULL;

    put_image(f, "2024-01-02T03:04:05Z", "docker.io/library/app:latest");
    assert_int_equal(cb_image_find(f->store, "app:v2", &image, NULL, &f->error), 0);
    assert_int_equal(cb_image_find(f->store, "other", &image, NULL, &f->error), 0);
    assert_int_equal(cb_image_find(f->store, "Not A Name!", &image, NULL, &f->error), 0);
}

static void an_ambiguous_prefix_is_refused(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_image) image = NULL;
    int i, ambiguous = 0;
    char word[2] = {0};

    for (i = 0; i < 17; i++) { /* more images than hex digits */
        char created[32];

        snprintf(created, sizeof(created), "2024-01-02T03:04:%02dZ", i);
        put_image(f, created, NULL);
    }
    for (i = 0; i < 16 && !ambiguous; i++) {
        word[0] = "0123456789abcdef"[i];
        cb_image_free(image);
        image = NULL;
        ambiguous = cb_image_find(f->store, word, &image, NULL, &f->error) < 0;
    }
    assert_true(ambiguous);
    assert_int_equal(cb_error_kind(f->error), CB_ERR_EXISTS);
    says(f, "multiple IDs found with provided prefix");
}

static void a_name_moves_and_the_old_image_stays(void **state)
{
    struct fixture *f = *state;
    struct cb_digest old =
        put_image(f, "2024-01-01T00:00:00Z", "docker.io/library/app:latest");
    struct cb_digest new =
        put_image(f, "2024-01-02T00:00:00Z", "docker.io/library/app:latest");
    struct cb_digest id;
    cb_auto(cb_image) image = NULL;
    cb_auto_value(cb_images) images = {0};

    assert_int_equal(cb_ref_get(f->store, "docker.io/library/app:latest", &id, &f->error),
                     1);
    assert_true(cb_digest_equal(&id, &new));
    ok(f, cb_image_get(f->store, &old, &image, &f->error));
    assert_int_equal(image->names.count, 0);
    ok(f, cb_image_list(f->store, &images, &f->error));
    assert_int_equal(images.count, 2);
    assert_true(cb_digest_equal(&images.items[0]->id, &new)); /* newest first */
}

static void names_are_set_and_removed(void **state)
{
    struct fixture *f = *state;
    struct cb_digest id = put_image(f, "2024-01-01T00:00:00Z", NULL),
                     none = cb_digest_of("", 0);

    ok(f, cb_ref_set(f->store, "example.com/a:1", &id, &f->error));
    fails(f, CB_ERR_NOT_FOUND, cb_ref_set(f->store, "example.com/a:2", &none, &f->error));
    assert_int_equal(cb_ref_remove(f->store, "example.com/a:1", &f->error), 1);
    assert_int_equal(cb_ref_remove(f->store, "example.com/a:1", &f->error), 0);
}

static void a_repo_digest_finds_the_image(void **state)
{
    struct fixture *f = *state;
    struct cb_digest id = put_image(f, "2024-01-01T00:00:00Z", NULL);
    struct cb_digest manifest = cb_digest_of("manifest", 8);
    char text[CB_DIGEST_MAX_TEXT];
    cb_autofree char *word =
        xasprintf("example.com/a@%s", cb_digest_text(&manifest, text));
    cb_auto(cb_image) image = NULL;

    ok(f, cb_image_add_repo_digest(f->store, &id, "example.com/a", &manifest, &f->error));
    assert_int_equal(cb_image_find(f->store, word, &image, NULL, &f->error), 1);
    assert_int_equal(image->repo_digests.count, 1);
    assert_string_equal(image->repo_digests.items[0], word);
}

static void removing_an_image_takes_its_names(void **state)
{
    struct fixture *f = *state;
    struct cb_digest id =
        put_image(f, "2024-01-01T00:00:00Z", "docker.io/library/app:latest");
    cb_auto(cb_image) image = NULL;

    ok(f, cb_image_remove(f->store, &id, &f->error));
    ok(f, cb_store_gc(f->store, NULL, &f->error));
    assert_int_equal(cb_image_find(f->store, "app", &image, NULL, &f->error), 0);
    assert_int_equal(cb_content_has(f->store, &id, NULL), 0);
    fails(f, CB_ERR_NOT_FOUND, cb_image_get(f->store, &id, &image, &f->error));
}

static void an_image_that_got_a_name_is_not_removed_as_unnamed(void **state)
{
    struct fixture *f = *state;
    struct cb_digest id = put_image(f, "2024-01-01T00:00:00Z", NULL);
    cb_auto(cb_image) image = NULL;

    ok(f, cb_ref_set(f->store, "docker.io/library/app:latest", &id, &f->error));
    assert_int_equal(cb_image_remove_unnamed(f->store, &id, &f->error), 0);
    assert_int_equal(cb_image_find(f->store, "app", &image, NULL, &f->error), 1);
    ok(f, cb_ref_remove(f->store, "docker.io/library/app:latest", &f->error));
    assert_int_equal(cb_image_remove_unnamed(f->store, &id, &f->error), 1);
    fails(f, CB_ERR_NOT_FOUND, cb_image_get(f->store, &id, &image, &f->error));
}

static void a_damaged_config_is_told_with_the_image(void **state)
{
    struct fixture *f = *state;
    struct cb_digest id = put_image(f, "2024-01-01T00:00:00Z", NULL);
    char hex[CB_DIGEST_MAX_TEXT];
    cb_autofree char *path = xasprintf("store/blobs/sha256/%s", cb_digest_hex(&id, hex));
    cb_auto(cb_image) image = NULL;

    put_file(f->top_fd, path, "{}", 0444);
    fails(f, CB_ERR_INTEGRITY, cb_image_get(f->store, &id, &image, &f->error));
    says(f, "image `sha256:");
}

static void putting_the_same_image_again_writes_nothing(void **state)
{
    struct fixture *f = *state;
    int64_t before;

    put_image(f, "2024-01-01T00:00:00Z", "docker.io/library/app:latest");
    reopen_store(f);
    before = cb_db_changes(f->store->db);
    put_image(f, "2024-01-01T00:00:00Z", "docker.io/library/app:latest");
    assert_int_equal(cb_db_changes(f->store->db), before);
}

static int is_synced(struct fixture *f, const char *id)
{
    cb_auto_value(cb_snapshot_rows) rows = {0};

    assert_int_equal(cb_db_snapshot_stack(f->store->db, id, &rows, &f->error), 1);
    return rows.items[0].synced;
}

static void put_built(struct fixture *f, struct cb_snapshot *top)
{
    struct cb_digests diff_ids = {0};
    cb_autofree char *config = NULL;
    struct cb_digest id;

    ok(f, cb_chain_register(top, f->pool, &diff_ids, &f->error));
    config = config_for(diff_ids.items, diff_ids.count, "2024-01-01T00:00:00Z");
    ok(f, cb_image_put(
              f->store,
              &(struct cb_new_image){.config = config, .config_len = strlen(config)}, &id,
              &f->error));
    cb_vec_free(&diff_ids);
}

static void an_image_makes_the_snapshots_it_needs_durable(void **state)
{
    struct fixture *f = *state;
    struct cb_store_options options = {.root = f->root};
    cb_auto(cb_snapshot) base = NULL;
    cb_auto(cb_snapshot) top = NULL;

    cb_store_close(f->store);
    f->store = NULL;
    ok(f, cb_store_open(&f->store, &options, &f->error)); /* with syncing */
    base = snapshot_with(f, NULL, "a", "one");
    top = snapshot_with(f, base, "b", "two");
    assert_false(is_synced(f, cb_snapshot_id(top)));
    put_built(f, top);
    assert_true(is_synced(f, cb_snapshot_id(top)));
    assert_true(is_synced(f, cb_snapshot_id(base)));
}

static void resolutions_are_remembered(void **state)
{
    struct fixture *f = *state;
    struct cb_digest manifest = cb_digest_of("m", 1), found;
    int64_t when = 0;

    ok(f, cb_resolution_set(f->store, "docker.io/library/a:1", "linux/amd64", &manifest,
                            &f->error));
    assert_int_equal(cb_resolution_get(f->store, "docker.io/library/a:1", "linux/arm64",
                                       &found, &when, &f->error),
                     0);
    assert_int_equal(cb_resolution_get(f->store, "docker.io/library/a:1", "linux/amd64",
                                       &found, &when, &f->error),
                     1);
    assert_true(cb_digest_equal(&found, &manifest));
    assert_true(when > 1700000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(an_image_is_found_by_name_id_and_prefix),
        test(an_unknown_image_is_not_found),
        test(an_ambiguous_prefix_is_refused),
        test(a_name_moves_and_the_old_image_stays),
        test(names_are_set_and_removed),
        test(a_repo_digest_finds_the_image),
        test(removing_an_image_takes_its_names),
        test(an_image_that_got_a_name_is_not_removed_as_unnamed),
        test(a_damaged_config_is_told_with_the_image),
        test(putting_the_same_image_again_writes_nothing),
        test(an_image_makes_the_snapshots_it_needs_durable),
        test(resolutions_are_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
