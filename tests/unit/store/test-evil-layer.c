/* Layers that mean harm. Each is unpacked beside a canary that must not change, as the
 * lowest layer, over another one, and as an archive that ADD takes apart; what is refused
 * is refused with a reason, and what is taken stays inside. */
#include "store-test.h"

#include "store/tar-guard.h"

struct evil {
    struct fixture *f;
    struct cb_strbuf tar;
    struct cb_snapshot *snapshot; /* of the last layer that was taken */
};

static void evil_free(struct evil *evil)
{
    cb_snapshot_unref(evil->snapshot);
    cb_strbuf_free(&evil->tar);
}
#define evil_auto __attribute__((cleanup(evil_free))) struct evil

static void plant_canary(struct fixture *f)
{
    assert_int_equal(mkdirat(f->top_fd, "canary.d", 0755), 0);
    put_file(f->top_fd, "canary", "alive", 0644);
    put_file(f->top_fd, "canary.d/f", "alive", 0644);
}

static void canary_lives(struct fixture *f)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd = openat(f->top_fd, "canary.d", O_RDONLY | O_DIRECTORY);
    struct stat st = stat_of(f->top_fd, "canary");

    assert_file(f->top_fd, "canary", "alive");
    assert_file(f->top_fd, "canary.d/f", "alive");
    assert_int_equal(st.st_mode, S_IFREG | 0644);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(stat_of(f->top_fd, "canary.d").st_mode, S_IFDIR | 0755);
    ok(f, cb_fs_list(fd, &names, &f->error));
    assert_int_equal(names.count, 1);
}

static void base_layer(struct cb_strbuf *tar)
{
    tar_dir(tar, "etc/");
    tar_file(tar, "etc/passwd", "root");
    tar_dir(tar, "run/");
    tar_dir(tar, "var/");
    tar_symlink(tar, "var/run", "/run");
    tar_end(tar);
}

/* Alone and over a base; the results must agree. */
static int unpack_evil(struct evil *evil)
{
    struct fixture *f = evil->f;
    cb_auto_value(cb_strbuf) base = {0};
    struct test_layer layers[2];
    struct cb_snapshot *alone = NULL;
    int first, second;

    cb_snapshot_unref(evil->snapshot);
    evil->snapshot = NULL;
    base_layer(&base);
    layers[0] = put_layer(f, &base);
    layers[1] = put_layer(f, &evil->tar);
    cb_error_free(f->error);
    f->error = NULL;
    first = unpack_layers(f, &layers[1], 1, &alone);
    cb_snapshot_unref(alone);
    cb_error_free(f->error);
    f->error = NULL;
    second = unpack_layers(f, layers, 2, &evil->snapshot);
    canary_lives(f);
    if (first == 0)
        return second;
    return second;
}

static void refused(struct evil *evil, const char *text)
{
    tar_end(&evil->tar);
    assert_int_equal(unpack_evil(evil), -1);
    if (!strstr(cb_error_message(evil->f->error), text))
        print_error("%s\n", cb_error_message(evil->f->error));
    says(evil->f, text);
}

/* A descriptor of the root that came out. */
static int taken(struct evil *evil)
{
    tar_end(&evil->tar);
    ok(evil->f, unpack_evil(evil));
    return root_of(evil->f, evil->snapshot);
}

static struct evil begin(void **state)
{
    struct evil evil = {.f = *state};

    plant_canary(evil.f);
    return evil;
}

/* ── Rows 1 to 4: ways out ── */

static void names_that_lead_upwards(void **state)
{
    evil_auto evil = begin(state);

    tar_file(&evil.tar, "../../../../canary", "dead");
    refused(&evil, "leads upwards");
}

static void dots_in_the_middle(void **state)
{
    evil_auto evil = begin(state);

    tar_dir(&evil.tar, "a/");
    tar_file(&evil.tar, "a/../../canary", "dead");
    refused(&evil, "leads upwards");
}

static void absolute_names_land_inside(void **state)
{
    evil_auto evil = begin(state);
    cb_autofree char *name = xasprintf("%s/canary", evil.f->top);
    cb_autofd int fd = -1;

    tar_file(&evil.tar, name, "inside");
    fd = taken(&evil);
    assert_file(fd, name + 1, "inside");
}

static void a_file_through_an_absolute_link(void **state)
{
    evil_auto evil = begin(state);
    cb_autofree char *target = xasprintf("%s/canary.d", evil.f->top);
    cb_autofree char *inside = xasprintf("%s/f", target);
    cb_autofd int fd = -1;

    tar_symlink(&evil.tar, "link", target);
    tar_file(&evil.tar, "link/f", "inside");
    fd = taken(&evil); /* the directory is made inside */
    assert_true(S_ISLNK(stat_of(fd, "link").st_mode));
    assert_file(fd, inside + 1, "inside");
}

static void a_file_through_a_relative_chain(void **state)
{
    evil_auto evil = begin(state);
    int taken_or_not;

    tar_symlink(&evil.tar, "a", "..");
    tar_symlink(&evil.tar, "b", "a/..");
    tar_symlink(&evil.tar, "c", "b/../../../../../../../..");
    tar_file(&evil.tar, "c/canary", "inside");
    tar_end(&evil.tar);
    taken_or_not = unpack_evil(&evil);
    if (taken_or_not == 0) {
        cb_autofd int fd = root_of(evil.f, evil.snapshot);

        assert_file(fd, "canary", "inside");
    }
}

static void links_in_a_circle(void **state)
{
    evil_auto evil = begin(state);

    tar_symlink(&evil.tar, "a", "b");
    tar_symlink(&evil.tar, "b", "a");
    tar_file(&evil.tar, "a/f", "x");
    refused(&evil, "a/f");
}

static void a_file_onto_a_link_replaces_it(void **state)
{
    evil_auto evil = begin(state);
    cb_autofree char *target = xasprintf("%s/canary", evil.f->top);
    cb_autofd int fd = -1;

    tar_symlink(&evil.tar, "f", target);
    tar_file(&evil.tar, "f", "inside");
    fd = taken(&evil);
    assert_file(fd, "f", "inside");
}

static void a_hard_link_to_the_outside(void **state)
{
    evil_auto evil = begin(state);
    cb_autofree char *target = xasprintf("%s/canary", evil.f->top);

    tar_hardlink(&evil.tar, "stolen", target);
    tar_file(&evil.tar, "stolen", "dead");
    refused(&evil, "no such file");
}

static void a_hard_link_that_leads_upwards(void **state)
{
    evil_auto evil = begin(state);

    tar_hardlink(&evil.tar, "stolen", "../../../canary");
    refused(&evil, "leads upwards");
}

static void a_hard_link_through_a_link(void **state)
{
    evil_auto evil = begin(state);

    tar_symlink(&evil.tar, "d", evil.f->top);
    tar_hardlink(&evil.tar, "stolen", "d/canary");
    refused(&evil, "stolen");
}

static void a_hard_link_to_a_link_is_a_link(void **state)
{
    evil_auto evil = begin(state);
    cb_autofree char *target = xasprintf("%s/canary", evil.f->top);
    cb_autofd int fd = -1;

    tar_symlink(&evil.tar, "s", target);
    tar_hardlink(&evil.tar, "h", "s");
    tar_entry(&evil.tar, "h2", '0', 0600, "x", NULL);
    fd = taken(&evil);
    assert_true(S_ISLNK(stat_of(fd, "h").st_mode));
}

static void a_hard_link_to_a_directory(void **state)
{
    evil_auto evil = begin(state);

    tar_dir(&evil.tar, "d/");
    tar_hardlink(&evil.tar, "h", "d");
    refused(&evil, "link `h` to `d`");
}

static void a_hard_link_to_itself(void **state)
{
    evil_auto evil = begin(state);
    cb_autofd int fd = -1;

    tar_file(&evil.tar, "f", "kept");
    tar_hardlink(&evil.tar, "f", "f");
    fd = taken(&evil);
    assert_file(fd, "f", "kept");
}

static void mode_and_owner_do_not_follow_links(void **state)
{
    evil_auto evil = begin(state);
    cb_autofree char *target = xasprintf("%s/canary", evil.f->top);
    cb_autofree char *directory = xasprintf("%s/canary.d", evil.f->top);
    char header[512];
    cb_autofd int fd = -1;

    tar_symlink(&evil.tar, "f", target);
    raw_header(header, "f", '2', 0777, 0, target);
    octal(header + 108, 8, 1234);
    seal_header(header);
    cb_strbuf_add(&evil.tar, header, 512);
    tar_symlink(&evil.tar, "d", directory);
    tar_entry(&evil.tar, "d/", '5', 0777, NULL, NULL);
    fd = taken(&evil);
    assert_int_equal(stat_of(fd, "f").st_uid, 1234);
    assert_true(S_ISDIR(stat_of(fd, "d").st_mode));
}

/* ── Row 5: whiteouts ── */

static void whiteouts_without_a_name(void **state)
{
    static const char *const names[] = {".wh.", ".wh..", ".wh...", "etc/.wh.."};
    size_t i;

    for (i = 0; i < CB_ARRAY_SIZE(names); i++) {
        struct fixture *f = *state;
        evil_auto evil = {.f = f};

        if (i == 0)
            plant_canary(f);
        tar_dir(&evil.tar, "etc/");
        tar_file(&evil.tar, names[i], "");
        refused(&evil, "hides nothing by name");
    }
}

static void a_whiteout_through_a_link(void **state)
{
    evil_auto evil = begin(state);
    cb_autofree char *directory = xasprintf("%s/canary.d", evil.f->top);

    tar_symlink(&evil.tar, "d", directory);
    tar_file(&evil.tar, "d/.wh.f", "");
    tar_end(&evil.tar);
    unpack_evil(&evil);
}

static void an_opaque_mark_through_a_link(void **state)
{
    evil_auto evil = begin(state);
    cb_autofree char *directory = xasprintf("%s/canary.d", evil.f->top);

    tar_symlink(&evil.tar, "d", directory);
    tar_file(&evil.tar, "d/.wh..wh..opq", "");
    tar_end(&evil.tar);
    unpack_evil(&evil);
}

static void a_path_through_a_whiteouts_name(void **state)
{
    evil_auto evil = begin(state);

    tar_file(&evil.tar, ".wh.d/x", "");
    refused(&evil, "leads through a whiteout's name");
}

static void bookkeeping_of_aufs_is_passed_over(void **state)
{
    evil_auto evil = begin(state);
    cb_autofd int fd = -1;

    tar_dir(&evil.tar, ".wh..wh.plnk/");
    tar_file(&evil.tar, ".wh..wh.plnk/1.2", "x");
    tar_file(&evil.tar, "f", "x");
    fd = taken(&evil);
    assert_file(fd, "f", "x");
    assert_false(exists(fd, ".wh..wh.plnk"));
}

/* ── Row 6: what must go on working ── */

static void links_inside_the_image_are_followed_inside(void **state)
{
    evil_auto evil = begin(state);
    cb_autofd int fd = -1;

    tar_file(&evil.tar, "var/run/a", "x");
    tar_hardlink(&evil.tar, "var/run/b", "var/run/a");
    fd = taken(&evil);
    assert_file(fd, "run/a", "x");
    assert_int_equal(stat_of(fd, "run/a").st_ino, stat_of(fd, "run/b").st_ino);
}

/* ── Rows 7 and 8: overlay's own signs, devices ── */

static void a_device_that_is_a_whiteout(void **state)
{
    evil_auto evil = begin(state);
    char header[512];

    tar_dir(&evil.tar, "etc/");
    raw_header(header, "etc/passwd", '3', 0600, 0, NULL);
    octal(header + 329, 8, 0);
    octal(header + 337, 8, 0);
    seal_header(header);
    cb_strbuf_add(&evil.tar, header, 512);
    refused(&evil, "device 0:0");
}

static void attributes_of_overlay_are_dropped(void **state)
{
    evil_auto evil = begin(state);
    cb_autofd int fd = -1;

    tar_pax(&evil.tar, "SCHILY.xattr.trusted.overlay.opaque", "y", 1);
    tar_dir(&evil.tar, "etc/");
    tar_pax(&evil.tar, "SCHILY.xattr.trusted.overlay.redirect", "/run", 4);
    tar_dir(&evil.tar, "var/");
    tar_pax(&evil.tar, "SCHILY.xattr.user.overlay.opaque", "y", 1);
    tar_dir(&evil.tar, "run/");
    tar_pax(&evil.tar, "SCHILY.xattr.security.selinux", "x", 1);
    tar_dir(&evil.tar, "opt/");
    fd = taken(&evil);
    assert_file(fd, "etc/passwd", "root");
    assert_true(S_ISLNK(stat_of(fd, "var/run").st_mode));
}

static void devices_and_setuid_bits_are_kept_where_nobody_reaches_them(void **state)
{
    evil_auto evil = begin(state);
    char header[512];
    struct stat st;
    cb_autofd int fd = -1;

    raw_header(header, "mem", '3', 0666, 0, NULL);
    octal(header + 329, 8, 1);
    octal(header + 337, 8, 1);
    seal_header(header);
    cb_strbuf_add(&evil.tar, header, 512);
    tar_entry(&evil.tar, "su", '0', 06755, "x", NULL);
    fd = taken(&evil);
    st = stat_of(fd, "mem");
    assert_int_equal(st.st_mode, S_IFCHR | 0666);
    assert_int_equal(st.st_rdev, makedev(1, 1));
    assert_int_equal(openat(fd, "mem", O_RDONLY), -1);
    assert_int_equal(stat_of(fd, "su").st_mode, S_IFREG | 06755);
    assert_int_equal(stat_of(evil.f->top_fd, "store").st_mode & 0777, 0700);
    assert_int_equal(stat_of(evil.f->top_fd, "store/snapshots").st_mode & 0777, 0700);
}

/* ── Rows 9 to 11: numbers ── */

static void owner(struct evil *evil, const char *key, const char *value, const char *text)
{
    tar_pax(&evil->tar, key, value, strlen(value));
    tar_file(&evil->tar, "f", "x");
    refused(evil, text);
}

static void an_owner_of_2_to_the_32(void **state)
{
    evil_auto evil = begin(state);

    owner(&evil, "uid", "4294967296", "out of range");
}
static void a_group_of_minus_one(void **state)
{
    evil_auto evil = begin(state);

    owner(&evil, "gid", "4294967295", "out of range");
}
static void an_owner_in_base_256(void **state)
{
    evil_auto evil = begin(state);
    char header[512];

    raw_header(header, "f", '0', 0600, 0, NULL);
    memcpy(header + 108, "\x80\0\0\1\0\0\0\0", 8);
    seal_header(header);
    cb_strbuf_add(&evil.tar, header, 512);
    refused(&evil, "out of range");
}
static void the_largest_owner(void **state)
{
    evil_auto evil = begin(state);
    cb_autofd int fd = -1;

    tar_pax(&evil.tar, "uid", "4294967294", 10);
    tar_file(&evil.tar, "f", "x");
    fd = taken(&evil);
    assert_int_equal(stat_of(fd, "f").st_uid, 4294967294u);
}

static void size_field(struct evil *evil, const char *bytes)
{
    char header[512];

    raw_header(header, "f", '0', 0600, 0, NULL);
    memcpy(header + 124, bytes, 12);
    seal_header(header);
    cb_strbuf_add(&evil->tar, header, 512);
    tar_body(&evil->tar, "data", 4);
    refused(evil, "");
}

static void a_negative_size(void **state)
{
    evil_auto evil = begin(state);

    size_field(&evil, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x9c");
}
static void a_size_of_2_to_the_62(void **state)
{
    evil_auto evil = begin(state);

    size_field(&evil, "\x80\0\0\0\x40\0\0\0\0\0\0\0");
}
static void a_size_of_2_to_the_64(void **state)
{
    evil_auto evil = begin(state);

    size_field(&evil, "\x80\0\0\1\0\0\0\0\0\0\0\0");
}

static void a_pax_header_of_64_mib(void **state)
{
    evil_auto evil = begin(state);
    size_t len = 64u << 20;
    cb_autofree char *value = xmalloc(len);

    memset(value, 'x', len);
    tar_pax(&evil.tar, "comment", value, len);
    tar_file(&evil.tar, "f", "x");
    tar_end(&evil.tar);
    unpack_evil(&evil); /* refused or passed over, but not held in memory */
}

static void a_long_name_of_64_mib(void **state)
{
    evil_auto evil = begin(state);
    size_t len = 64u << 20;
    cb_autofree char *name = xmalloc(len);
    char header[512];

    memset(name, 'x', len);
    raw_header(header, "././@LongLink", 'L', 0644, len, NULL);
    cb_strbuf_add(&evil.tar, header, 512);
    tar_body(&evil.tar, name, len);
    tar_file(&evil.tar, "f", "x");
    refused(&evil, "");
}

static void a_sparse_map_of_400000_pieces(void **state)
{
    evil_auto evil = begin(state);
    cb_auto_value(cb_strbuf) map = {0};
    unsigned i;

    cb_strbuf_adds(&map, "400000\n");
    for (i = 0; i < 400000; i++)
        cb_strbuf_addf(&map, "%u\n0\n", i * 512);
    tar_pax(&evil.tar, "GNU.sparse.major", "1", 1);
    tar_pax(&evil.tar, "GNU.sparse.minor", "0", 1);
    {
        char header[512];
        cb_auto_value(cb_strbuf) records = {0};

        cb_strbuf_adds(&records, "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
                                 "21 GNU.sparse.name=f\n"
                                 "35 GNU.sparse.realsize=1099511627776\n");
        raw_header(header, "PaxHeaders/f", 'x', 0644, records.len, NULL);
        cb_strbuf_add(&evil.tar, header, 512);
        tar_body(&evil.tar, records.text, records.len);
        raw_header(header, "f", '0', 0644, map.len, NULL);
        cb_strbuf_add(&evil.tar, header, 512);
        tar_body(&evil.tar, map.text, map.len);
    }
    refused(&evil, "");
}

/* ── Row 12: bombs ── */

static void too_many_bytes_are_refused_and_removed(void **state)
{
    evil_auto evil = begin(state);
    struct fixture *f = evil.f;
    struct cb_snapshot *snapshot = NULL;
    struct test_layer layer;
    const struct cb_layers_options options = {.store = f->store,
                                              .blobs = &layer.blob,
                                              .diff_ids = &layer.diff_id,
                                              .count = 1,
                                              .limits = {.max_bytes = 1u << 20}};
    size_t len = 2u << 20;
    cb_autofree char *zeros = xcalloc(1, len);
    cb_auto_value(cb_strings) left = {0};
    char header[512];
    cb_autofd int fd = -1;

    raw_header(header, "big", '0', 0644, len, NULL);
    cb_strbuf_add(&evil.tar, header, 512);
    tar_body(&evil.tar, zeros, len);
    tar_end(&evil.tar);
    layer = put_layer(f, &evil.tar);
    fails(f, CB_ERR_INTEGRITY, cb_layers_unpack(&options, f->pool, &snapshot, &f->error));
    says(f, "larger than 1048576 bytes");
    fd = openat(f->top_fd, "store/snapshots", O_RDONLY | O_DIRECTORY);
    ok(f, cb_fs_list(fd, &left, &f->error));
    assert_int_equal(left.count, 0);
}

static void too_many_entries_are_refused(void **state)
{
    evil_auto evil = begin(state);
    struct fixture *f = evil.f;
    struct cb_snapshot *snapshot = NULL;
    struct test_layer layer;
    const struct cb_layers_options options = {.store = f->store,
                                              .blobs = &layer.blob,
                                              .diff_ids = &layer.diff_id,
                                              .count = 1,
                                              .limits = {.max_entries = 10}};
    int i;

    for (i = 0; i < 11; i++)
        tar_file(&evil.tar, "f", "x");
    tar_end(&evil.tar);
    layer = put_layer(f, &evil.tar);
    fails(f, CB_ERR_INTEGRITY, cb_layers_unpack(&options, f->pool, &snapshot, &f->error));
    says(f, "more than 10 entries");
}

/* ── Row 14: ends ── */

static void a_truncated_archive(void **state)
{
    evil_auto evil = begin(state);

    tar_file(&evil.tar, "f", "some data");
    cb_strbuf_truncate(&evil.tar, 512 + strlen("some dat"));
    assert_int_equal(unpack_evil(&evil), -1);
    cb_strbuf_truncate(&evil.tar, 300);
    assert_int_equal(unpack_evil(&evil), -1);
}

static void an_empty_archive(void **state)
{
    evil_auto evil = begin(state);
    cb_autofd int fd = taken(&evil);

    assert_file(fd, "etc/passwd", "root");
}

static void a_stream_of_no_bytes(void **state)
{
    struct fixture *f = *state;
    struct cb_strbuf none = {.text = (char *)""};
    struct test_layer layer = put_layer(f, &none);
    cb_auto(cb_snapshot) snapshot = NULL;

    ok(f, unpack_layers(f, &layer, 1, &snapshot));
}

static void not_an_archive(void **state)
{
    evil_auto evil = begin(state);

    cb_strbuf_adds(&evil.tar, "this is text, and not an archive at all");
    assert_int_equal(unpack_evil(&evil), -1);
}

/* ── Row 16: names ── */

static void a_nul_in_a_pax_path(void **state)
{
    evil_auto evil = begin(state);

    tar_pax(&evil.tar, "path", "good\0evil", 9);
    tar_file(&evil.tar, "good", "x");
    refused(&evil, "PAX path has a NUL");
}

static void a_name_of_256_bytes(void **state)
{
    evil_auto evil = begin(state);
    char name[257];

    memset(name, 'n', 256);
    name[256] = '\0';
    tar_pax(&evil.tar, "path", name, 256);
    tar_file(&evil.tar, "n", "x");
    refused(&evil, "a name of 256 bytes is too long");
}

static void a_path_of_6000_bytes(void **state)
{
    evil_auto evil = begin(state);
    char path[6000];
    size_t i;

    for (i = 0; i < sizeof(path); i++)
        path[i] = i % 100 == 99 ? '/' : 'p';
    tar_pax(&evil.tar, "path", path, sizeof(path) - 1);
    tar_file(&evil.tar, "n", "x");
    refused(&evil, "is too long");
}

static void times_no_file_system_has(void **state)
{
    evil_auto evil = begin(state);
    cb_autofd int fd = -1;

    tar_pax(&evil.tar, "mtime", "-9223372036854775807", 20);
    tar_file(&evil.tar, "f", "x");
    tar_pax(&evil.tar, "mtime", "-5.25", 5);
    tar_file(&evil.tar, "g", "x");
    fd = taken(&evil);
    assert_int_equal(stat_of(fd, "f").st_mtim.tv_sec, 0);
    assert_int_equal(stat_of(fd, "g").st_mtim.tv_sec, -6);
}

/* The guard follows the stream whatever the size of the pieces it comes in. */
static void the_guard_does_not_depend_on_how_the_stream_is_cut(void **state)
{
    cb_auto_value(cb_strbuf) tar = {0};
    size_t piece;

    tar_file(&tar, "before", "some data that is skipped");
    tar_pax(&tar, "mtime", "1.5", 3);
    tar_file(&tar, "between", "x");
    tar_pax(&tar, "linkpath", "a\0b", 3);
    tar_symlink(&tar, "l", "a");
    for (piece = 1; piece < 1500; piece += 7) {
        struct cb_tar_guard guard;
        size_t at;
        int result = 0;

        cb_tar_guard_init(&guard);
        for (at = 0; at < tar.len && result == 0; at += piece) {
            size_t len = tar.len - at < piece ? tar.len - at : piece;

            result = cb_tar_guard_feed(&guard, tar.text + at, len, NULL);
        }
        assert_int_equal(result, -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(names_that_lead_upwards),
        test(dots_in_the_middle),
        test(absolute_names_land_inside),
        test(a_file_through_an_absolute_link),
        test(a_file_through_a_relative_chain),
        test(links_in_a_circle),
        test(a_file_onto_a_link_replaces_it),
        test(a_hard_link_to_the_outside),
        test(a_hard_link_that_leads_upwards),
        test(a_hard_link_through_a_link),
        test(a_hard_link_to_a_link_is_a_link),
        test(a_hard_link_to_a_directory),
        test(a_hard_link_to_itself),
        test(mode_and_owner_do_not_follow_links),
        test(whiteouts_without_a_name),
        test(a_whiteout_through_a_link),
        test(an_opaque_mark_through_a_link),
        test(a_path_through_a_whiteouts_name),
        test(bookkeeping_of_aufs_is_passed_over),
        test(links_inside_the_image_are_followed_inside),
        test(a_device_that_is_a_whiteout),
        test(attributes_of_overlay_are_dropped),
        test(devices_and_setuid_bits_are_kept_where_nobody_reaches_them),
        test(an_owner_of_2_to_the_32),
        test(a_group_of_minus_one),
        test(an_owner_in_base_256),
        test(the_largest_owner),
        test(a_negative_size),
        test(a_size_of_2_to_the_62),
        test(a_size_of_2_to_the_64),
        test(a_pax_header_of_64_mib),
        test(a_long_name_of_64_mib),
        test(a_sparse_map_of_400000_pieces),
        test(too_many_bytes_are_refused_and_removed),
        test(too_many_entries_are_refused),
        test(a_truncated_archive),
        test(an_empty_archive),
        test(a_stream_of_no_bytes),
        test(not_an_archive),
        test(a_nul_in_a_pax_path),
        test(a_name_of_256_bytes),
        test(a_path_of_6000_bytes),
        test(times_no_file_system_has),
        test(the_guard_does_not_depend_on_how_the_stream_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
