#include "unit.h"

#include "base/digest.h"

#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void parses_only_the_canonical_form(void **state)
{
    static const char *const bad[] = {
        "",
        "sha256:",
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
        (ABC "0"),
        "sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
        "SHA256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha256:../../../../../../../etc/passwd0000000000000000000000000000000000",
        "sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "md5:900150983cd24fb0d6963f7d28e17f72",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        (" " ABC),
    };
    struct cb_error *err = NULL;
    struct cb_digest digest;
    char text[CB_DIGEST_MAX_TEXT];

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++)
        assert_error(cb_digest_parse(&digest, bad[i], &err), &err, CB_ERR_INTEGRITY,
                     "invalid digest");
    assert_ok(cb_digest_parse(&digest, ABC, &err), err);
    assert_string_equal(cb_digest_text(&digest, text), ABC);
    assert_string_equal(cb_digest_hex(&digest, text), &ABC[7]);
}

static void hashes_in_pieces_and_starts_afresh(void **state)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);
    cb_auto(cb_hasher) wide = cb_hasher_new(CB_SHA512);
    char text[CB_DIGEST_MAX_TEXT];

    for (int i = 0; i < 2; i++) {
        struct cb_digest digest;

        cb_hasher_update(hasher, "a", 1);
        cb_hasher_update(hasher, "bc", 2);
        digest = cb_hasher_finish(hasher);
        assert_string_equal(cb_digest_text(&digest, text), ABC);
    }
    cb_hasher_update(wide, "abc", 3);
    {
        struct cb_digest digest = cb_hasher_finish(wide);
        struct cb_digest again;

        assert_int_equal(cb_digest_parse(&again, cb_digest_text(&digest, text), NULL), 0);
        assert_true(cb_digest_equal(&digest, &again));
        assert_memory_equal(text, "sha512:ddaf35a193617aba", 23);
    }
}

static struct cb_digest fields(const char *a, const char *b)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);

    cb_hasher_field(hasher, a);
    cb_hasher_field(hasher, b);
    return cb_hasher_finish(hasher);
}

static void fields_do_not_run_together(void **state)
{
    struct cb_digest digests[] = {fields("ab", "c"), fields("a", "bc"), fields("abc", ""),
                                  fields("abc", NULL), fields(NULL, "abc")};

    for (size_t i = 0; i < CB_ARRAY_SIZE(digests); i++) {
        for (size_t j = 0; j < i; j++)
            assert_false(cb_digest_equal(&digests[i], &digests[j]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_only_the_canonical_form),
        cmocka_unit_test(hashes_in_pieces_and_starts_afresh),
        cmocka_unit_test(fields_do_not_run_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
