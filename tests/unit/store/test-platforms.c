#include "store-test.h"

#include "store/refs.h"

#define NAME "docker.io/library/app:latest"

static struct cb_digest put_image(struct fixture *f, const char *created)
{
    cb_autofree char *config = config_for(NULL, 0, created);
    struct cb_digest id;

    ok(f, cb_image_put(
              f->store,
              &(struct cb_new_image){.config = config, .config_len = strlen(config)}, &id,
              &f->error));
    return id;
}

static void add(struct cb_platform_images *images, const char *platform,
                const struct cb_digest *id)
{
    struct cb_platform_image image = {.id = *id};

    assert_int_equal(cb_platform_parse(&image.platform, platform, NULL), 0);
    cb_vec_push(images, image);
}

static void expect(struct fixture *f, const char *platform, const struct cb_digest *want)
{
    cb_auto(cb_image) image = NULL;
    struct cb_platform parsed;

    if (platform)
        assert_int_equal(cb_platform_parse(&parsed, platform, NULL), 0);
    assert_int_equal(cb_image_find_for(f->store, "app", platform ? &parsed : NULL, &image,
                                       NULL, &f->error),
                     1);
    assert_true(cb_digest_equal(&image->id, want));
}

/* Two images under NAME: for this machine, and for another. */
static void set_two(struct fixture *f, struct cb_digest *here, struct cb_digest *other)
{
    struct cb_platform host = cb_platform_host();
    cb_autofree char *text = cb_platform_text(&host);
    cb_auto_value(cb_platform_images) images = {0};

    *here = put_image(f, "2024-01-01T00:00:00Z");
    *other = put_image(f, "2024-01-02T00:00:00Z");
    add(&images, "linux/s390x", other);
    add(&images, text, here);
    ok(f, cb_ref_set_platforms(f->store, NAME, &images, &f->error));
}

static void a_name_leads_to_the_image_of_the_platform_or_this_machines(void **state)
{
    struct fixture *f = *state;
    struct cb_digest here, other;
    cb_auto_value(cb_platform_images) images = {0};

    set_two(f, &here, &other);
    expect(f, NULL, &here);
    expect(f, "linux/s390x", &other);
    ok(f, cb_ref_platforms(f->store, NAME, &images, &f->error));
    assert_int_equal(images.count, 2);
    assert_string_equal(images.items[0].platform.arch, "s390x");
}

static void of_foreign_platforms_alone_the_first_is_meant(void **state)
{
    struct fixture *f = *state;
    struct cb_digest a = put_image(f, "2024-01-01T00:00:00Z");
    struct cb_digest b = put_image(f, "2024-01-02T00:00:00Z");
    cb_auto_value(cb_platform_images) images = {0};

    add(&images, "linux/s390x", &a);
    add(&images, "linux/mips", &b);
    ok(f, cb_ref_set_platforms(f->store, NAME, &images, &f->error));
    expect(f, NULL, &a);
    ok(f, cb_ref_set_platforms(f->store, NAME, &images, &f->error));
    expect(f, "linux/mips", &b);
}

static void an_image_known_by_platform_alone_is_not_unnamed(void **state)
{
    struct fixture *f = *state;
    struct cb_digest here, other;
    cb_auto(cb_image) image = NULL;

    set_two(f, &here, &other);
    assert_int_equal(cb_image_remove_unnamed(f->store, &other, &f->error), 0);
    ok(f, cb_image_get(f->store, &other, &image, &f->error));
    assert_int_equal(image->names.count, 0);
    assert_int_equal(image->platform_names.count, 1);
    assert_true(cb_image_is_named(image));
}

static void a_name_of_one_image_forgets_its_platforms(void **state)
{
    struct fixture *f = *state;
    struct cb_digest here, other;
    cb_auto_value(cb_platform_images) images = {0};

    set_two(f, &here, &other);
    /* Also when it is the image that the plain name means already. */
    ok(f, cb_ref_set(f->store, NAME, &here, &f->error));
    ok(f, cb_ref_platforms(f->store, NAME, &images, &f->error));
    assert_int_equal(images.count, 0);
    assert_int_equal(cb_image_remove_unnamed(f->store, &other, &f->error), 1);
}

static void putting_the_image_under_the_name_forgets_them_too(void **state)
{
    struct fixture *f = *state;
    struct cb_digest here, other, id;
    cb_autofree char *config = config_for(NULL, 0, "2024-01-01T00:00:00Z");
    cb_auto_value(cb_strings) names = {0};
    cb_auto_value(cb_platform_images) images = {0};

    set_two(f, &here, &other);
    cb_strings_add(&names, NAME);
    ok(f,
       cb_image_put(f->store,
                    &(struct cb_new_image){
                        .config = config, .config_len = strlen(config), .names = &names},
                    &id, &f->error));
    assert_true(cb_digest_equal(&id, &here));
    ok(f, cb_ref_platforms(f->store, NAME, &images, &f->error));
    assert_int_equal(images.count, 0);
}

static void removing_the_name_takes_all_platforms(void **state)
{
    struct fixture *f = *state;
    struct cb_digest here, other;

    set_two(f, &here, &other);
    assert_int_equal(cb_ref_remove(f->store, NAME, &f->error), 1);
    assert_int_equal(cb_image_remove_unnamed(f->store, &here, &f->error), 1);
    assert_int_equal(cb_image_remove_unnamed(f->store, &other, &f->error), 1);
}

static void removing_one_image_leaves_the_other(void **state)
{
    struct fixture *f = *state;
    struct cb_digest here, other;
    cb_auto_value(cb_platform_images) images = {0};

    set_two(f, &here, &other);
    ok(f, cb_image_remove(f->store, &other, &f->error));
    expect(f, NULL, &here);
    expect(f, "linux/s390x", &here);
    ok(f, cb_ref_platforms(f->store, NAME, &images, &f->error));
    assert_int_equal(images.count, 1);
}

static void an_image_that_is_not_there_names_nothing(void **state)
{
    struct fixture *f = *state;
    struct cb_digest here = put_image(f, "2024-01-01T00:00:00Z");
    struct cb_digest gone = cb_digest_of("gone", 4), found;
    cb_auto_value(cb_platform_images) images = {0};

    add(&images, "linux/amd64", &here);
    add(&images, "linux/arm64", &gone);
    fails(f, CB_ERR_NOT_FOUND, cb_ref_set_platforms(f->store, NAME, &images, &f->error));
    cb_error_free(f->error);
    f->error = NULL;
    assert_int_equal(cb_ref_get(f->store, NAME, &found, &f->error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_name_leads_to_the_image_of_the_platform_or_this_machines),
        test(of_foreign_platforms_alone_the_first_is_meant),
        test(an_image_known_by_platform_alone_is_not_unnamed),
        test(a_name_of_one_image_forgets_its_platforms),
        test(putting_the_image_under_the_name_forgets_them_too),
        test(removing_the_name_takes_all_platforms),
        test(removing_one_image_leaves_the_other),
        test(an_image_that_is_not_there_names_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
