/* Image layouts in a directory: what is written is read back, what others wrote is not
 * trusted. */
#include "store-test.h"

#include "store/layout-read.h"
#include "store/layout-tar.h"
#include "store/layout.h"

#include <sys/mman.h>

#define REF_NAME "org.opencontainers.image.ref.name"

static struct cb_descriptor blob(struct fixture *f, const char *type, const char *text)
{
    struct cb_descriptor blob = {.media_type = (char *)type,
                                 .size = (int64_t)strlen(text)};

    ok(f, cb_content_put(f->store, text, strlen(text), &blob.digest, &f->error));
    return blob;
}

static struct cb_manifest *image(struct fixture *f, const char *config, const char *layer)
{
    const struct cb_descriptor about = blob(f, CB_MT_OCI_CONFIG, config);
    const struct cb_descriptor layers[] = {blob(f, CB_MT_OCI_LAYER_GZIP, layer)};

    return cb_manifest_make(&about, layers, 1, NULL, 0);
}

/* Writes below the fixture's directory `layout`. TAG may be NULL. */
static int write_image(struct fixture *f, const struct cb_manifest *manifest,
                       const char *tag, int keep)
{
    cb_autofree char *path = xasprintf("%s/layout", f->top);
    cb_auto_json *annotations = tag ? json_pack("{s:s}", REF_NAME, tag) : NULL;
    const struct cb_descriptor entry = {.media_type = manifest->media_type,
                                        .digest = manifest->digest,
                                        .size = (int64_t)manifest->len,
                                        .annotations = annotations};
    const struct cb_layout_write what = {
        .entry = &entry, .manifests = &manifest, .manifest_count = 1, .keep = keep};

    return cb_layout_write(path, &what, f->store, NULL, &f->error);
}

static int open_layout(struct fixture *f)
{
    int fd = openat(f->top_fd, "layout", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* Its config's text; NULL with the error. */
static char *read_image(struct fixture *f, const char *tag)
{
    cb_autofd int fd = open_layout(f);
    cb_auto(cb_manifest) manifest = NULL;
    struct cb_digest none = {0};
    cb_auto_value(cb_strbuf) config = {0};

    cb_error_free(f->error);
    f->error = NULL;
    if (cb_layout_read(fd, tag, &none, &manifest, &config, &f->error) < 0)
        return NULL;
    return cb_strbuf_steal(&config);
}

static void assert_image(struct fixture *f, const char *tag, const char *config)
{
    cb_autofree char *got = read_image(f, tag);

    assert_non_null(got);
    assert_string_equal(got, config);
}

static char *path_of(const struct cb_digest *digest)
{
    cb_autofree char *path = cb_layout_blob_path(digest);

    return xasprintf("layout/%s", path);
}

static size_t count_blobs(struct fixture *f)
{
    cb_autofd int fd =
        openat(f->top_fd, "layout/blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cb_auto_value(cb_strings) names = {0};

    ok(f, cb_fs_list(fd, &names, &f->error));
    return names.count;
}

static void tags_live_side_by_side_and_are_read_back(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_manifest) one = image(f, "{\"n\":1}", "layer one");
    cb_auto(cb_manifest) two = image(f, "{\"n\":2}", "layer two");
    cb_autofree char *layer = path_of(&two->layers.items[0].digest);

    ok(f, write_image(f, one, "one", 0));
    ok(f, write_image(f, two, "two", 0));
    assert_image(f, "one", "{\"n\":1}");
    assert_image(f, "two", "{\"n\":2}");
    assert_file(f->top_fd, layer, "layer two");
    assert_file(f->top_fd, "layout/oci-layout", CB_OCI_LAYOUT);
    assert_null(read_image(f, "three"));
    assert_int_equal(cb_error_kind(f->error), CB_ERR_NOT_FOUND);
}

static void a_tag_that_moves_on_leaves_nothing_behind_unless_wished(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_manifest) one = image(f, "{\"n\":1}", "layer");
    cb_auto(cb_manifest) two = image(f, "{\"n\":2}", "layer");
    cb_auto(cb_manifest) three = image(f, "{\"n\":3}", "layer");

    ok(f, write_image(f, one, "tag", 0));
    assert_int_equal(count_blobs(f), 3);
    ok(f, write_image(f, two, "tag", 0));
    assert_int_equal(count_blobs(f), 3);
    ok(f, write_image(f, three, "tag", 1));
    assert_int_equal(count_blobs(f), 5);
    assert_image(f, "tag", "{\"n\":3}");
}

/* As a power cut leaves them: the name and the length are there, the bytes are not. */
static void a_blob_the_index_does_not_lead_to_is_written_anew(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_manifest) manifest = image(f, "{}", "layer");
    cb_autofree char *layer = path_of(&manifest->layers.items[0].digest);

    assert_int_equal(mkdirat(f->top_fd, "layout", 0755), 0);
    assert_int_equal(mkdirat(f->top_fd, "layout/blobs", 0755), 0);
    assert_int_equal(mkdirat(f->top_fd, "layout/blobs/sha256", 0755), 0);
    put_file(f->top_fd, layer, "?????", 0644);
    ok(f, write_image(f, manifest, "tag", 1));
    assert_file(f->top_fd, layer, "layer");
}

static void a_blob_the_index_leads_to_is_left_as_it_is(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_manifest) one = image(f, "{\"n\":1}", "layer");
    cb_auto(cb_manifest) two = image(f, "{\"n\":2}", "layer");
    cb_autofree char *layer = path_of(&one->layers.items[0].digest);
    ino_t before;

    ok(f, write_image(f, one, "one", 0));
    before = stat_of(f->top_fd, layer).st_ino;
    ok(f, write_image(f, two, "two", 0));
    assert_int_equal(stat_of(f->top_fd, layer).st_ino, before);
}

/* An index below index.json, as images of several platforms have it. */
static int write_index(struct fixture *f, struct cb_index *index,
                       const struct cb_manifest *const *manifests, size_t count)
{
    cb_autofree char *path = xasprintf("%s/layout", f->top);
    cb_auto_json *annotations = json_pack("{s:s}", REF_NAME, "several");
    const struct cb_descriptor entry = {.media_type = index->media_type,
                                        .digest = index->digest,
                                        .size = (int64_t)index->len,
                                        .annotations = annotations};
    const struct cb_layout_write what = {
        .entry = &entry, .manifests = manifests, .manifest_count = count, .index = index};

    return cb_layout_write(path, &what, f->store, NULL, &f->error);
}

static void what_an_index_leads_to_stays_and_the_rest_goes(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_manifest) arm = image(f, "{\"n\":\"arm\"}", "arm");
    cb_auto(cb_manifest) amd = image(f, "{\"n\":\"amd\"}", "amd");
    cb_auto(cb_manifest) old = image(f, "{\"n\":\"old\"}", "old");
    cb_auto(cb_manifest) new = image(f, "{\"n\":\"new\"}", "new");
    const struct cb_manifest *const both[] = {arm, amd};
    struct cb_descriptor entries[2] = {{0}};
    cb_auto(cb_index) index = NULL;

    for (size_t i = 0; i < 2; i++)
        entries[i] = (struct cb_descriptor){.media_type = both[i]->media_type,
                                            .digest = both[i]->digest,
                                            .size = (int64_t)both[i]->len};
    index = cb_index_make(entries, 2, NULL, 0);
    ok(f, write_index(f, index, both, 2));
    assert_int_equal(count_blobs(f), 7);
    ok(f, write_image(f, old, "tag", 0));
    ok(f, write_image(f, new, "tag", 0));
    assert_int_equal(count_blobs(f), 10);
}

static void bytes_that_are_not_what_their_name_says_are_refused(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_manifest) manifest = image(f, "{\"n\":1}", "layer");
    cb_autofree char *config = path_of(&manifest->config.digest);
    cb_autofree char *document = path_of(&manifest->digest);

    ok(f, write_image(f, manifest, "tag", 0));
    put_file(f->top_fd, config, "{\"n\":2}", 0644);
    assert_null(read_image(f, "tag"));
    assert_int_equal(cb_error_kind(f->error), CB_ERR_INTEGRITY);
    assert_int_equal(unlinkat(f->top_fd, config, 0), 0);
    assert_null(read_image(f, "tag"));
    assert_int_equal(cb_error_kind(f->error), CB_ERR_NOT_FOUND);
    put_file(f->top_fd, document, "{}", 0644);
    assert_null(read_image(f, "tag"));
    assert_int_equal(cb_error_kind(f->error), CB_ERR_INTEGRITY);
}

static void a_directory_of_something_else_is_left_alone(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_manifest) manifest = image(f, "{}", "layer");

    assert_int_equal(mkdirat(f->top_fd, "layout", 0755), 0);
    assert_null(read_image(f, "tag"));
    assert_int_equal(cb_error_kind(f->error), CB_ERR_NOT_FOUND);
    put_file(f->top_fd, "layout/index.json", "not ours", 0644);
    assert_int_equal(write_image(f, manifest, "tag", 0), -1);
    says(f, "holds something else");
    assert_file(f->top_fd, "layout/index.json", "not ours");
}

/* ── Taking blobs ── */

static void a_blob_is_taken_once_and_only_if_it_is_sound(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_manifest) manifest = image(f, "{}", "layer");
    struct cb_descriptor other = {.digest = cb_digest_of("other", 5), .size = 5};
    cb_autofree char *path = path_of(&other.digest);
    cb_autofd int fd = -1;

    ok(f, write_image(f, manifest, "tag", 0));
    fd = open_layout(f);
    fails(f, CB_ERR_NOT_FOUND,
          cb_layout_take_blob(fd, f->store, &other, NULL, &f->error));
    put_file(f->top_fd, path, "wrong", 0644);
    fails(f, CB_ERR_INTEGRITY,
          cb_layout_take_blob(fd, f->store, &other, NULL, &f->error));
    put_file(f->top_fd, path, "other and more", 0644);
    fails(f, CB_ERR_INTEGRITY,
          cb_layout_take_blob(fd, f->store, &other, NULL, &f->error));
    put_file(f->top_fd, path, "other", 0644);
    ok(f, cb_layout_take_blob(fd, f->store, &other, NULL, &f->error));
    assert_int_equal(unlinkat(f->top_fd, path, 0), 0);
    ok(f, cb_layout_take_blob(fd, f->store, &other, NULL, &f->error));
}

static void nothing_is_taken_through_links_or_from_pipes(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_manifest) manifest = image(f, "{}", "layer");
    struct cb_descriptor secret = {.digest = cb_digest_of("secret", 6), .size = 6};
    cb_autofree char *path = path_of(&secret.digest);
    cb_autofd int fd = -1;

    ok(f, write_image(f, manifest, "tag", 0));
    fd = open_layout(f);
    put_file(f->top_fd, "outside", "secret", 0644);
    assert_int_equal(symlinkat("../../../outside", f->top_fd, path), 0);
    assert_int_equal(cb_layout_take_blob(fd, f->store, &secret, NULL, NULL), -1);
    assert_int_equal(unlinkat(f->top_fd, path, 0), 0);
    assert_int_equal(mkfifoat(f->top_fd, path, 0644), 0);
    fails(f, CB_ERR_INTEGRITY,
          cb_layout_take_blob(fd, f->store, &secret, NULL, &f->error));
}

/* A member as tars have it, at the end of OUT; SIZE is what the header says. */
static void add_member(struct cb_strbuf *out, const char *name, char type,
                       const char *bytes, uint64_t size)
{
    char block[512] = {0};
    size_t len = strlen(bytes);
    unsigned sum = 0;

    snprintf(block, 100, "%s", name);
    snprintf(block + 124, 12, "%011llo", (unsigned long long)size);
    block[156] = type;
    memcpy(block + 257, "ustar", 6);
    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < sizeof(block); i++)
        sum += (unsigned char)block[i];
    snprintf(block + 148, 8, "%06o", sum);
    cb_strbuf_add(out, block, sizeof(block));
    cb_strbuf_add(out, bytes, len);
    memset(block, 0, sizeof(block));
    cb_strbuf_add(out, block, (512 - len % 512) % 512);
}

static void expect_in_tar(const struct cb_strbuf *tar, const char *name,
                          const char *bytes)
{
    struct cb_layout_member member;
    int fd = memfd_create("tar", MFD_CLOEXEC);

    assert_int_equal(cb_fs_write_all(fd, tar->text, tar->len), 0);
    assert_int_equal(cb_layout_tar_find(fd, name, &member, NULL), bytes != NULL);
    if (bytes) {
        assert_int_equal(member.size, strlen(bytes));
        assert_memory_equal(tar->text + member.at, bytes, strlen(bytes));
    }
    close(fd);
}

static void files_of_a_tar_are_found_by_their_headers(void **state)
{
    cb_auto_value(cb_strbuf) tar = {0};

    (void)state;
    add_member(&tar, "./", '5', "", 700); /* a directory has no data, whatever it says */
    add_member(&tar, "a", '0', "first", 5);
    add_member(&tar, "x", 'x', "12 path=./b\n12 mtime=12\n", 24);
    add_member(&tar, "cut", '0', "of its name", 11);
    add_member(&tar, "././@LongLink", 'L', "blobs/long", 10);
    add_member(&tar, "blo", '0', "long", 4);
    add_member(&tar, "x", 'x', "9 size=3\n", 9);
    add_member(&tar, "sized", '0', "123", 99);
    add_member(&tar, "a", '0', "last", 4);
    add_member(&tar, "link", '2', "", 0);
    expect_in_tar(&tar, "a", "last");
    expect_in_tar(&tar, "b", "of its name");
    expect_in_tar(&tar, "cut", NULL);
    expect_in_tar(&tar, "blobs/long", "long");
    expect_in_tar(&tar, "sized", "123");
    expect_in_tar(&tar, "link", NULL);
    expect_in_tar(&tar, "none", NULL);
}

static void what_is_no_tar_of_a_layout_is_refused(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 6; i++) {
        cb_auto_value(cb_strbuf) tar = {0};
        cb_autofd int fd = memfd_create("tar", MFD_CLOEXEC);
        struct cb_layout_member member;

        if (i != 1)
            add_member(&tar, "a", '0', "a", 1);
        if (i == 0)
            cb_strbuf_adds(&tar, "not a header, and not of 512 bytes");
        if (i == 2)
            add_member(&tar, "s", 'S', "", 0);
        if (i == 3)
            add_member(&tar, "x", 'x', "99 path=b\n", 10);
        if (i == 4)
            add_member(&tar, "x", 'x', "", 1 << 30);
        for (int j = 0; i == 5 && j < 10000; j++)
            add_member(&tar, "a", '0', "", 0);
        assert_int_equal(cb_fs_write_all(fd, tar.text ? tar.text : "", tar.len), 0);
        fails(f, CB_ERR_INTEGRITY, cb_layout_tar_find(fd, "a", &member, &f->error));
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(tags_live_side_by_side_and_are_read_back),
        test(a_tag_that_moves_on_leaves_nothing_behind_unless_wished),
        test(a_blob_the_index_does_not_lead_to_is_written_anew),
        test(a_blob_the_index_leads_to_is_left_as_it_is),
        test(what_an_index_leads_to_stays_and_the_rest_goes),
        test(bytes_that_are_not_what_their_name_says_are_refused),
        test(a_directory_of_something_else_is_left_alone),
        test(a_blob_is_taken_once_and_only_if_it_is_sound),
        test(nothing_is_taken_through_links_or_from_pipes),
        test(files_of_a_tar_are_found_by_their_headers),
        test(what_is_no_tar_of_a_layout_is_refused),
    };
    return cmocka_run_group_tests_name("store layout", tests, NULL, NULL);
}
