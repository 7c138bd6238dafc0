/* Layers in and out: what goes in through a tar comes out the same, whiteouts become
 * overlay's and back, and layers stack in whatever way they were unpacked. */
#include "tree-test.h"

static struct cb_layer_info info_of(struct fixture *f, struct cb_snapshot *snapshot)
{
    struct cb_layer_info info;

    ok(f, cb_layer_info(snapshot, f->pool, &info, &f->error));
    return info;
}

/* "name type mode uid:gid size link" a line each. */
static char *listing_of(const struct cb_strbuf *tar)
{
    cb_auto(cb_tar_reader) reader = NULL;
    cb_auto_value(cb_strbuf) lines = {0};
    struct cb_strbuf from = {.text = tar->text, .len = tar->len};
    struct cb_tar_entry entry;
    int more;

    assert_int_equal(cb_tar_reader_new(&reader, read_strbuf, &from, 0, 0, NULL), 0);
    while ((more = cb_tar_reader_next(reader, &entry, NULL)) > 0)
        cb_strbuf_addf(&lines, "%s %o %u:%u %lld%s%s%s\n", entry.path,
                       (unsigned)entry.mode, entry.uid, entry.gid, (long long)entry.size,
                       entry.is_hardlink ? " =" : "", entry.link ? " " : "",
                       entry.link ? entry.link : "");
    assert_int_equal(more, 0);
    return cb_strbuf_steal(&lines);
}

static void write_tar(struct fixture *f, struct cb_snapshot *snapshot,
                      struct cb_strbuf *tar)
{
    ok(f, cb_layer_write_tar(snapshot, write_strbuf, tar, &f->error));
}

static void a_layer_is_the_same_bytes_each_time(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) snapshot = new_snapshot(f, NULL);
    cb_auto_value(cb_strbuf) first = {0};
    cb_auto_value(cb_strbuf) second = {0};
    struct cb_layer_info info;
    struct cb_digest digest;
    struct timespec times[2] = {{1000000000, 5}, {1000000000, 999999999}};
    cb_autofree char *listing = NULL;
    cb_autofd int fd = root_of(f, snapshot);

    put_file(fd, "b", "bee", 04755);
    assert_int_equal(mkdirat(fd, "a", 0750), 0);
    put_file(fd, "a/x", "", 0600);
    assert_int_equal(fchownat(fd, "a/x", 70000, 4294967294u, 0), 0);
    assert_int_equal(symlinkat("../b", fd, "a/link"), 0);
    assert_int_equal(linkat(fd, "b", fd, "a/hard", 0), 0);
    assert_int_equal(mknodat(fd, "fifo", S_IFIFO | 0644, 0), 0);
    assert_int_equal(mknodat(fd, "zero", S_IFCHR | 0666, makedev(1, 5)), 0);
    assert_int_equal(fchmodat(fd, "zero", 0666, 0), 0);
    utimensat(fd, "b", times, 0);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(snapshot, &f->error));
    write_tar(f, snapshot, &first);
    write_tar(f, snapshot, &second);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.text, second.text, first.len);
    info = info_of(f, snapshot);
    digest = cb_digest_of(first.text, first.len);
    assert_true(cb_digest_equal(&info.diff_id, &digest));
    assert_int_equal(info.tar_bytes, first.len);
    assert_int_equal(info.size_bytes, 3);
    listing = listing_of(&first);
    assert_string_equal(listing, "a/ 40750 0:0 0\n"
                                 "a/hard 104755 0:0 3\n"
                                 "a/link 120777 0:0 0 ../b\n"
                                 "a/x 100600 70000:4294967294 0\n"
                                 "b 104755 0:0 0 = a/hard\n"
                                 "fifo 10644 0:0 0\n"
                                 "zero 20666 0:0 0\n");
}

static void info_is_remembered(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) snapshot = snapshot_with(f, NULL, "a", "one");
    struct cb_layer_info first = info_of(f, snapshot), second;
    cb_autofree char *path =
        xasprintf("store/snapshots/%s/fs/a", cb_snapshot_id(snapshot));

    put_file(f->top_fd, path, "changed behind its back", 0644);
    second = info_of(f, snapshot);
    assert_true(cb_digest_equal(&first.diff_id, &second.diff_id));
    assert_true(cb_digest_equal(&first.tree, &second.tree));
}

static void times_are_not_in_the_tree_digest_and_names_are(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) one = new_snapshot(f, NULL);
    cb_auto(cb_snapshot) two = new_snapshot(f, NULL);
    cb_auto(cb_snapshot) three = snapshot_with(f, NULL, "b", "one");
    struct timespec times[2] = {{5, 0}, {5, 0}};
    struct cb_layer_info a, b, c;
    cb_autofd int fd = root_of(f, one);

    put_file(fd, "a", "one", 0644);
    utimensat(fd, "a", times, 0);
    cb_close(&fd);
    fd = root_of(f, two);
    put_file(fd, "a", "one", 0644);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(one, &f->error));
    ok(f, cb_snapshot_commit(two, &f->error));
    a = info_of(f, one);
    b = info_of(f, two);
    c = info_of(f, three);
    assert_true(cb_digest_equal(&a.tree, &b.tree));
    assert_false(cb_digest_equal(&a.diff_id, &b.diff_id));
    assert_false(cb_digest_equal(&a.tree, &c.tree));
}

static struct cb_snapshot *base_tree(struct fixture *f)
{
    struct cb_snapshot *base = new_snapshot(f, NULL);
    cb_autofd int fd = root_of(f, base);

    assert_int_equal(mkdirat(fd, "d", 0711), 0);
    assert_int_equal(fchmodat(fd, "d", 0711, 0), 0);
    assert_int_equal(fchownat(fd, "d", 7, 8, 0), 0);
    put_file(fd, "d/one", "1", 0644);
    put_file(fd, "d/two", "2", 0644);
    put_file(fd, "file", "base", 0644);
    assert_int_equal(mkdirat(fd, "e", 0755), 0);
    put_file(fd, "e/x", "x", 0644);
    assert_int_equal(mkdirat(fd, "run", 0755), 0);
    assert_int_equal(mkdirat(fd, "var", 0755), 0);
    assert_int_equal(symlinkat("/run", fd, "var/run"), 0);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(base, &f->error));
    return base;
}

static void deletions_become_whiteouts(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = base_tree(f);
    cb_auto(cb_snapshot) top = new_snapshot(f, base);
    cb_auto_value(cb_strbuf) tar = {0};
    cb_autofree char *listing = NULL;
    cb_autofd int fd = root_of(f, top);

    assert_int_equal(unlinkat(fd, "d/one", 0), 0);
    assert_int_equal(unlinkat(fd, "file", 0), 0);
    ok(f, cb_fs_remove_tree(fd, "e", &f->error));
    assert_int_equal(mkdirat(fd, "e", 0700), 0);   /* again, and empty: opaque */
    assert_int_equal(mkdirat(fd, "new", 0755), 0); /* hides nothing: plain */
    cb_close(&fd);
    ok(f, cb_snapshot_commit(top, &f->error));
    write_tar(f, top, &tar);
    listing = listing_of(&tar);
    assert_string_equal(listing, "d/ 40711 7:8 0\n"
                                 "d/.wh.one 100000 0:0 0\n"
                                 "e/ 40700 0:0 0\n"
                                 "e/.wh..wh..opq 100000 0:0 0\n"
                                 ".wh.file 100000 0:0 0\n"
                                 "new/ 40755 0:0 0\n");
}

/* Unpacks what the layers of a snapshot stack give, and compares the trees. */
static void a_stack_comes_back_from_its_tars(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = base_tree(f);
    cb_auto(cb_snapshot) top = new_snapshot(f, base);
    cb_auto(cb_snapshot) back = NULL;
    cb_auto_value(cb_strbuf) low = {0};
    cb_auto_value(cb_strbuf) high = {0};
    cb_auto_value(cb_strbuf) again = {0};
    struct test_layer layers[2];
    struct cb_digest tree, back_tree;
    cb_autofd int fd = root_of(f, top);
    cb_autofd int back_fd = -1;

    assert_int_equal(unlinkat(fd, "d/one", 0), 0);
    ok(f, cb_fs_remove_tree(fd, "e", &f->error));
    assert_int_equal(mkdirat(fd, "e", 0700), 0);
    put_file(fd, "d/set", "s", 06755);
    assert_int_equal(linkat(fd, "d/set", fd, "d/set2", 0), 0);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(top, &f->error));
    write_tar(f, base, &low);
    write_tar(f, top, &high);
    layers[0] = put_layer(f, &low);
    layers[1] = put_layer(f, &high);
    fd = root_of(f, top);
    ok(f, unpack_layers(f, layers, 2, &back));
    back_fd = root_of(f, back);
    tree = tree_digest(fd);
    back_tree = tree_digest(back_fd);
    assert_true(cb_digest_equal(&tree, &back_tree));
    assert_int_equal(stat_of(back_fd, "d/set").st_ino, stat_of(back_fd, "d/set2").st_ino);
    write_tar(f, back, &again);
    assert_int_equal(again.len, high.len);
    assert_memory_equal(again.text, high.text, high.len);
    cb_close(&fd);
    cb_close(&back_fd);
}

static struct cb_snapshot *unpack_two(struct fixture *f, const struct cb_strbuf *low,
                                      const struct cb_strbuf *high)
{
    struct test_layer layers[2] = {put_layer(f, low), put_layer(f, high)};
    struct cb_snapshot *snapshot = NULL;

    ok(f, unpack_layers(f, layers, 2, &snapshot));
    return snapshot;
}

static void base_tar(struct cb_strbuf *tar)
{
    tar_entry(tar, "d/", '5', 0711, NULL, NULL);
    tar_file(tar, "d/one", "1");
    tar_file(tar, "d/two", "2");
    tar_file(tar, "file", "base");
    tar_dir(tar, "run/");
    tar_dir(tar, "var/");
    tar_symlink(tar, "var/run", "/run");
    tar_end(tar);
}

static void whiteouts_apply_in_any_order_and_to_lower_layers_only(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) low = {0};
    cb_auto_value(cb_strbuf) high = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_autofd int fd = -1;

    base_tar(&low);
    tar_dir(&high, "d/");
    tar_file(&high, "d/three", "3");
    tar_file(&high, "d/.wh..wh..opq", ""); /* after what it must spare */
    tar_file(&high, ".wh.file", "");
    tar_file(&high, "file", "new"); /* after its whiteout */
    tar_file(&high, "other", "kept");
    tar_file(&high, ".wh.other", ""); /* after its file */
    tar_end(&high);
    snapshot = unpack_two(f, &low, &high);
    fd = root_of(f, snapshot);
    assert_false(exists(fd, "d/one"));
    assert_file(fd, "d/three", "3");
    assert_file(fd, "file", "new");
    assert_file(fd, "other", "kept");
    cb_close(&fd);
}

static void a_whiteout_before_its_directory_makes_it_opaque(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) low = {0};
    cb_auto_value(cb_strbuf) high = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_autofd int fd = -1;

    base_tar(&low);
    tar_file(&high, ".wh.d", "");
    tar_dir(&high, "d/");
    tar_file(&high, "d/only", "x");
    tar_end(&high);
    snapshot = unpack_two(f, &low, &high);
    fd = root_of(f, snapshot);
    assert_false(exists(fd, "d/one"));
    assert_file(fd, "d/only", "x");
    cb_close(&fd);
}

static void an_opaque_root_hides_all_below(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) low = {0};
    cb_auto_value(cb_strbuf) high = {0};
    cb_auto_value(cb_strings) names = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_auto(cb_snapshot) active = NULL;
    cb_autofd int fd = -1;

    base_tar(&low);
    tar_file(&high, ".wh..wh..opq", "");
    tar_file(&high, "only", "x");
    tar_file(&high, ".wh.gone", "");
    tar_end(&high);
    snapshot = unpack_two(f, &low, &high);
    fd = root_of(f, snapshot);
    ok(f, cb_fs_list(fd, &names, &f->error));
    assert_int_equal(names.count, 1);
    assert_string_equal(names.items[0], "only");
    cb_close(&fd);
    active = new_snapshot(f, snapshot);
    fd = root_of(f, active);
    assert_false(exists(fd, "file"));
    put_file(fd, "more", "x", 0644);
    cb_close(&fd);
}

static void a_layer_without_its_parent_directories_finds_them_below(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) low = {0};
    cb_auto_value(cb_strbuf) high = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    struct stat st;
    cb_autofd int fd = -1;

    base_tar(&low);
    tar_file(&high, "d/new", "n");            /* d is 0711 below, and stays so */
    tar_file(&high, "var/run/pid", "1");      /* through the link below */
    tar_hardlink(&high, "d/linked", "d/one"); /* to a file below */
    tar_file(&high, "fresh/deep/file", "x");  /* nowhere: made */
    tar_file(&high, "d/.wh.two", "");
    tar_end(&high);
    snapshot = unpack_two(f, &low, &high);
    fd = root_of(f, snapshot);
    st = stat_of(fd, "d");
    assert_int_equal(st.st_mode & 07777, 0711);
    assert_file(fd, "d/new", "n");
    assert_file(fd, "run/pid", "1");
    assert_true(S_ISLNK(stat_of(fd, "var/run").st_mode));
    assert_file(fd, "d/linked", "1");
    assert_int_equal(stat_of(fd, "d/linked").st_ino, stat_of(fd, "d/one").st_ino);
    assert_int_equal(stat_of(fd, "fresh/deep").st_mode, S_IFDIR | 0755);
    assert_false(exists(fd, "d/two"));
    assert_file(fd, "file", "base");
    cb_close(&fd);
}

static void an_opaque_directory_only_below_is_cleared(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) low = {0};
    cb_auto_value(cb_strbuf) high = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_autofd int fd = -1;

    base_tar(&low);
    tar_file(&high, "d/mine", "m");
    tar_file(&high, "d/.wh..wh..opq", "");
    tar_end(&high);
    snapshot = unpack_two(f, &low, &high);
    fd = root_of(f, snapshot);
    assert_file(fd, "d/mine", "m");
    assert_false(exists(fd, "d/one"));
    assert_false(exists(fd, "d/two"));
    cb_close(&fd);
}

static void assert_names(int root_fd, const char *path, size_t count, struct fixture *f)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    ok(f, cb_fs_list(fd, &names, &f->error));
    assert_int_equal(names.count, count);
}

/* Overlay shows the names of whiteouts in directories that it does not merge. */
static void whiteouts_that_hide_nothing_are_not_listed(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) low = {0};
    cb_auto_value(cb_strbuf) high = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_autofd int fd = -1;

    base_tar(&low);
    tar_dir(&high, "new/");
    tar_file(&high, "new/.wh.x", "");
    tar_file(&high, "new/y", "y");
    tar_dir(&high, "d/");
    tar_file(&high, "d/.wh.one", "");
    tar_file(&high, "d/.wh..wh..opq", "");
    tar_dir(&high, "d/in/");
    tar_file(&high, "d/in/.wh.x", "");
    tar_dir(&high, "file/"); /* over a file */
    tar_file(&high, "file/.wh.x", "");
    tar_symlink(&high, "link", "new");
    tar_file(&high, "link/.wh.z", "");
    tar_dir(&high, "run/");
    tar_file(&high, "run/.wh.x", ""); /* nothing of this name, in a directory of both */
    tar_end(&high);
    snapshot = unpack_two(f, &low, &high);
    fd = root_of(f, snapshot);
    assert_names(fd, "new", 1, f);
    assert_names(fd, "d", 1, f);
    assert_names(fd, "d/in", 0, f);
    assert_names(fd, "file", 0, f);
    assert_names(fd, "run", 0, f);
    assert_int_equal(stat_of(fd, "new").st_mtim.tv_sec,
                     stat_of(fd, "run").st_mtim.tv_sec);
    cb_close(&fd);
}

static void names_in_what_is_a_file_hide_nothing(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) low = {0};
    cb_auto_value(cb_strbuf) high = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_autofd int fd = -1;

    base_tar(&low);
    tar_file(&high, "file/.wh.x", "");
    tar_file(&high, "d/one/.wh..wh..opq", "");
    tar_file(&high, ".wh.d", "");
    tar_file(&high, "d", "a file");
    tar_file(&high, "d/.wh.two", "");
    tar_end(&high);
    snapshot = unpack_two(f, &low, &high);
    fd = root_of(f, snapshot);
    assert_file(fd, "file", "base");
    assert_file(fd, "d", "a file");
    cb_close(&fd);
}

/* As docker and podman have it: in overlay the directory hides the file. */
static void names_in_a_file_of_a_lower_layer_make_it_a_directory(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) low = {0};
    cb_auto_value(cb_strbuf) high = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_autofd int fd = -1;

    tar_file(&low, "file", "f");
    tar_dir(&low, "d/");
    tar_file(&low, "d/deep", "d");
    tar_file(&low, "other", "o");
    tar_symlink(&low, "d/link", "/other");
    tar_symlink(&low, "to-d", "d");
    tar_end(&low);
    tar_file(&high, "file/new", "n");
    tar_file(&high, "to-d/deep/a/b", "b"); /* the link to a directory is followed */
    tar_symlink(&high, "d/link/s", "x");   /* one to a file is what goes */
    tar_end(&high);
    snapshot = unpack_two(f, &low, &high);
    fd = root_of(f, snapshot);
    assert_file(fd, "file/new", "n");
    assert_file(fd, "d/deep/a/b", "b");
    assert_true(S_ISLNK(stat_of(fd, "d/link/s").st_mode));
    assert_true(S_ISLNK(stat_of(fd, "to-d").st_mode));
    assert_file(fd, "other", "o");
    cb_close(&fd);
}

static void names_in_a_file_of_their_own_layer_are_refused(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) low = {0};
    cb_auto_value(cb_strbuf) high = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    struct test_layer layers[2];

    tar_symlink(&low, "to-d", "d");
    tar_dir(&low, "d/");
    tar_end(&low);
    tar_file(&high, "to-d/made", "m");
    tar_file(&high, "d/made/x", "x");
    tar_end(&high);
    layers[0] = put_layer(f, &low);
    layers[1] = put_layer(f, &high);
    assert_int_equal(unpack_layers(f, layers, 2, &snapshot), -1);
    assert_non_null(strstr(cb_error_message(f->error), "not a directory"));
}

static void whiteouts_spare_what_came_through_a_link(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) low = {0};
    cb_auto_value(cb_strbuf) high = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_autofd int fd = -1;

    tar_dir(&low, "run/");
    tar_file(&low, "run/old", "o");
    tar_dir(&low, "d/");
    tar_file(&low, "d/one", "1");
    tar_symlink(&low, "to-run", "/run");
    tar_symlink(&low, "to-d", "d");
    tar_end(&low);
    tar_file(&high, "to-run/pid", "1");
    tar_file(&high, ".wh.run", "");
    tar_file(&high, "d/new", "n");
    tar_file(&high, "to-d/.wh..wh..opq", "");
    tar_file(&high, ".wh.to-run", ""); /* the link is below */
    tar_end(&high);
    snapshot = unpack_two(f, &low, &high);
    fd = root_of(f, snapshot);
    assert_file(fd, "run/pid", "1");
    assert_false(exists(fd, "run/old"));
    assert_file(fd, "d/new", "n");
    assert_false(exists(fd, "d/one"));
    assert_false(exists(fd, "to-run"));
    cb_close(&fd);
}

static void later_entries_replace_earlier_ones(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) tar = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    struct test_layer layer;
    cb_autofd int fd = -1;

    tar_file(&tar, "twice", "first");
    tar_file(&tar, "twice", "second");
    tar_dir(&tar, "dir/");
    tar_file(&tar, "dir/in", "x");
    tar_file(&tar, "dir", "a file");
    tar_file(&tar, "f", "x");
    tar_dir(&tar, "f/");
    tar_symlink(&tar, "l", "/f");
    tar_dir(&tar, "l/");
    tar_file(&tar, "l/in", "x");
    tar_end(&tar);
    layer = put_layer(f, &tar);
    ok(f, unpack_layers(f, &layer, 1, &snapshot));
    fd = root_of(f, snapshot);
    assert_file(fd, "twice", "second");
    assert_file(fd, "dir", "a file");
    assert_int_equal(stat_of(fd, "f").st_mode, S_IFDIR | 0755);
    assert_int_equal(stat_of(fd, "l").st_mode, S_IFDIR | 0755);
    assert_file(fd, "l/in", "x");
    assert_false(exists(fd, "f/in"));
}

static void attributes_and_capabilities_travel(void **state)
{
    static const unsigned char capability[20] = {1, 0, 0, 2, 0, 4};
    struct fixture *f = *state;
    cb_auto(cb_snapshot) made = new_snapshot(f, NULL);
    cb_auto(cb_snapshot) back = NULL;
    cb_auto_value(cb_strbuf) tar = {0};
    unsigned char value[64];
    struct test_layer layer;
    struct cb_layer_info info;
    cb_autofree char *path = NULL;
    cb_autofd int fd = root_of(f, made);
    cb_autofd int file = -1;

    put_file(fd, "ping", "#!", 0755);
    path = xasprintf("/proc/self/fd/%d/ping", fd);
    assert_int_equal(setxattr(path, "security.capability", capability, 20, 0), 0);
    assert_int_equal(setxattr(path, "user.b", "two\nlines\0nul", 13, 0), 0);
    assert_int_equal(setxattr(path, "user.a", "", 0, 0), 0);
    assert_int_equal(setxattr(path, "user.overlay.x", "no", 2, 0), 0);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(made, &f->error));
    info = info_of(f, made);
    write_tar(f, made, &tar);
    layer = put_layer(f, &tar);
    assert_true(cb_digest_equal(&layer.diff_id, &info.diff_id));
    ok(f, unpack_layers(f, &layer, 1, &back));
    fd = root_of(f, back);
    file = openat(fd, "ping", O_RDONLY);
    assert_int_equal(fgetxattr(file, "security.capability", value, sizeof(value)), 20);
    assert_memory_equal(value, capability, 20);
    assert_int_equal(fgetxattr(file, "user.b", value, sizeof(value)), 13);
    assert_memory_equal(value, "two\nlines\0nul", 13);
    assert_int_equal(fgetxattr(file, "user.a", value, sizeof(value)), 0);
    assert_int_equal(fgetxattr(file, "user.overlay.x", value, sizeof(value)), -1);
}

static void odd_names_are_kept_byte_for_byte(void **state)
{
    static const char *const names[] = {
        "-rf",         "\xc3\xa9 nfc",    "e\xcc\x81 nfd", "new\nline",
        "\x1b[31mred", "\xff\xfe bytes",  " lead",         "back\\slash",
        "a*?[x]",      "\xe2\x80\xae rtl"};
    struct fixture *f = *state;
    cb_auto(cb_snapshot) made = new_snapshot(f, NULL);
    cb_auto(cb_snapshot) back = NULL;
    cb_auto_value(cb_strbuf) tar = {0};
    struct test_layer layer;
    char longest[256];
    cb_autofd int fd = root_of(f, made);
    size_t i;

    memset(longest, 'n', 255);
    longest[255] = '\0';
    for (i = 0; i < CB_ARRAY_SIZE(names); i++)
        put_file(fd, names[i], names[i], 0644);
    put_file(fd, longest, "long", 0644);
    assert_int_equal(symlinkat("\xff target \xc3\xa9", fd, "link"), 0);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(made, &f->error));
    write_tar(f, made, &tar);
    layer = put_layer(f, &tar);
    ok(f, unpack_layers(f, &layer, 1, &back));
    fd = root_of(f, back);
    for (i = 0; i < CB_ARRAY_SIZE(names); i++)
        assert_file(fd, names[i], names[i]);
    assert_file(fd, longest, "long");
    assert_int_equal(stat_of(fd, "link").st_size, 11);
}

static void deep_paths_beyond_ustar_are_kept(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) made = new_snapshot(f, NULL);
    cb_auto(cb_snapshot) back = NULL;
    cb_auto_value(cb_strbuf) tar = {0};
    cb_auto_value(cb_strbuf) path = {0};
    struct test_layer layer;
    cb_autofd int fd = root_of(f, made);
    int i;

    for (i = 0; i < 12; i++) {
        cb_strbuf_addf(&path, "%sa-directory-name-of-some-length-%02d", i ? "/" : "", i);
        assert_int_equal(mkdirat(fd, path.text, 0755), 0);
    }
    cb_strbuf_adds(&path, "/file");
    put_file(fd, path.text, "deep", 0644);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(made, &f->error));
    write_tar(f, made, &tar);
    layer = put_layer(f, &tar);
    ok(f, unpack_layers(f, &layer, 1, &back));
    fd = root_of(f, back);
    assert_file(fd, path.text, "deep");
}

static void a_sparse_file_is_not_filled_on_disk(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) tar = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    struct test_layer layer;
    struct stat st;
    char header[512];
    cb_autofd int fd = -1;

    /* old GNU sparse: 5 bytes at 1 GiB of a file of 2 GiB */
    raw_header(header, "sparse", 'S', 0644, 5, NULL);
    memcpy(header + 257, "ustar  ", 8);
    memset(header + 345, 0, 155);
    octal(header + 386, 12, 1u << 30);
    octal(header + 398, 12, 5);
    octal(header + 483, 12, 2u << 30);
    seal_header(header);
    cb_strbuf_add(&tar, header, 512);
    tar_body(&tar, "there", 5);
    tar_file(&tar, "after", "x");
    tar_end(&tar);
    layer = put_layer(f, &tar);
    ok(f, unpack_layers(f, &layer, 1, &snapshot));
    fd = root_of(f, snapshot);
    st = stat_of(fd, "sparse");
    assert_int_equal(st.st_size, 2u << 30);
    assert_true(st.st_blocks < 1000);
    assert_file(fd, "after", "x");
}

static void an_image_is_unpacked_once(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) low = {0};
    cb_auto_value(cb_strbuf) high = {0};
    cb_auto(cb_snapshot) one = NULL;
    cb_auto(cb_snapshot) two = NULL;

    base_tar(&low);
    tar_file(&high, "x", "x");
    tar_end(&high);
    one = unpack_two(f, &low, &high);
    two = unpack_two(f, &low, &high);
    assert_ptr_equal(one, two);
}

static void a_wrong_diff_id_is_refused(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) tar = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    struct test_layer layer;

    base_tar(&tar);
    layer = put_layer(f, &tar);
    layer.diff_id.bytes[0] ^= 1;
    fails(f, CB_ERR_INTEGRITY, unpack_layers(f, &layer, 1, &snapshot));
    says(f, "the image says sha256:");
    assert_null(snapshot);
}

static void junk_behind_the_end_belongs_to_the_diff_id(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) tar = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    struct test_layer layer;
    size_t clean;

    base_tar(&tar);
    clean = tar.len;
    cb_strbuf_adds(&tar, "junk that no reader of entries sees");
    layer = put_layer(f, &tar);
    ok(f, unpack_layers(f, &layer, 1, &snapshot));
    cb_snapshot_unref(cb_steal(&snapshot));
    layer.diff_id = cb_digest_of(tar.text, clean);
    fails(f, CB_ERR_INTEGRITY, unpack_layers(f, &layer, 1, &snapshot));
}

/* More of it than fits in one read: the entries end long before the stream does. */
static void a_long_tail_behind_the_end_is_hashed_whole(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) tar = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    struct test_layer layer;
    size_t len = 3u << 20;
    cb_autofree char *tail = xmalloc(len);

    memset(tail, 'j', len);
    base_tar(&tar);
    cb_strbuf_add(&tar, tail, len);
    layer = put_layer(f, &tar);
    ok(f, unpack_layers(f, &layer, 1, &snapshot));
    cb_snapshot_unref(cb_steal(&snapshot));
    tar.text[tar.len - 1] ^= 1;
    layer.blob = put_layer(f, &tar).blob; /* other bytes, the same diff id */
    layer.diff_id.bytes[0] ^= 1;
    fails(f, CB_ERR_INTEGRITY, unpack_layers(f, &layer, 1, &snapshot));
}

static void compressed_layers_are_made_once_and_stable(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) snapshot = snapshot_with(f, NULL, "a", "one");
    cb_auto_value(cb_strbuf) tar = {0};
    cb_auto_value(cb_strbuf) streamed = {0};
    struct cb_digests diff_ids = {0};
    struct cb_digest chain;
    enum cb_compression kinds[] = {CB_COMPRESSION_NONE, CB_COMPRESSION_GZIP,
                                   CB_COMPRESSION_ZSTD};
    size_t i;

    write_tar(f, snapshot, &tar);
    ok(f, cb_chain_register(snapshot, f->pool, &diff_ids, &f->error));
    assert_int_equal(diff_ids.count, 1);
    chain = cb_chain_id(NULL, &diff_ids.items[0]);
    for (i = 0; i < CB_ARRAY_SIZE(kinds); i++) {
        const struct cb_layer_form form = {.compression = kinds[i]};
        struct cb_layer_want want = {.store = f->store,
                                     .chain_id = &chain,
                                     .diff_id = &diff_ids.items[0],
                                     .form = &form,
                                     .pool = f->pool};
        cb_auto_value(cb_descriptor) one = {0};
        cb_auto_value(cb_descriptor) two = {0};

        ok(f, cb_layer_blob_get(&want, &one, &f->error));
        want.chain_id = NULL;
        want.pool = NULL;
        assert_string_equal(one.media_type, cb_media_layer(kinds[i], 0));
        ok(f, cb_layer_blob_get(&want, &two, &f->error));
        assert_true(cb_digest_equal(&one.digest, &two.digest));
        ok(f, cb_layer_stream_tar(f->store, NULL, &diff_ids.items[0], write_strbuf,
                                  &streamed, &f->error));
        assert_int_equal(streamed.len, tar.len);
        assert_memory_equal(streamed.text, tar.text, tar.len);
        cb_strbuf_truncate(&streamed, 0);
    }
    cb_vec_free(&diff_ids);
}

static void a_built_stack_is_found_by_its_chain(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = snapshot_with(f, NULL, "a", "one");
    cb_auto(cb_snapshot) top = snapshot_with(f, base, "b", "two");
    cb_auto(cb_snapshot) found = NULL;
    struct cb_digests diff_ids = {0};
    struct cb_digest chain;

    ok(f, cb_chain_register(top, f->pool, &diff_ids, &f->error));
    assert_int_equal(diff_ids.count, 2);
    chain = cb_chain_id(NULL, &diff_ids.items[0]);
    chain = cb_chain_id(&chain, &diff_ids.items[1]);
    assert_int_equal(cb_chain_find(f->store, &chain, &found, &f->error), 1);
    assert_ptr_equal(found, top);
    cb_vec_free(&diff_ids);
}

static void adding_an_archive_follows_links_inside_the_root_only(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) base = base_tree(f);
    cb_auto(cb_snapshot) top = new_snapshot(f, base);
    cb_auto_value(cb_strbuf) tar = {0};
    cb_auto(cb_tar_reader) reader = NULL;
    struct cb_untar_options options = {.uid = 5, .gid = 6};
    struct cb_strbuf from;
    uint64_t bytes = 0;
    cb_autofd int fd = root_of(f, top);

    tar_file(&tar, "sub/x", "x");
    tar_hardlink(&tar, "sub/y", "sub/x");
    tar_file(&tar, ".wh.file", "literal");
    tar_end(&tar);
    from = (struct cb_strbuf){.text = tar.text, .len = tar.len};
    ok(f, cb_tar_reader_new(&reader, read_strbuf, &from, 0, 0, &f->error));
    ok(f, cb_untar(reader, fd, "/var/run/in", &options, &bytes, &f->error));
    assert_int_equal(bytes, 8);
    assert_file(fd, "run/in/sub/x", "x");
    assert_int_equal(stat_of(fd, "run/in/sub/x").st_ino,
                     stat_of(fd, "run/in/sub/y").st_ino);
    assert_int_equal(stat_of(fd, "run/in/sub/x").st_uid, 5);
    assert_file(fd, "run/in/.wh.file", "literal");
    cb_close(&fd);
}

static void a_name_reserved_for_whiteouts_cannot_be_put_in_a_layer(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) snapshot = snapshot_with(f, NULL, ".wh.x", "no");
    struct cb_layer_info info;

    fails(f, CB_ERR_UNSUPPORTED, cb_layer_info(snapshot, NULL, &info, &f->error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_layer_is_the_same_bytes_each_time),
        test(info_is_remembered),
        test(times_are_not_in_the_tree_digest_and_names_are),
        test(deletions_become_whiteouts),
        test(a_stack_comes_back_from_its_tars),
        test(whiteouts_apply_in_any_order_and_to_lower_layers_only),
        test(a_whiteout_before_its_directory_makes_it_opaque),
        test(an_opaque_root_hides_all_below),
        test(a_layer_without_its_parent_directories_finds_them_below),
        test(an_opaque_directory_only_below_is_cleared),
        test(whiteouts_that_hide_nothing_are_not_listed),
        test(names_in_what_is_a_file_hide_nothing),
        test(names_in_a_file_of_a_lower_layer_make_it_a_directory),
        test(names_in_a_file_of_their_own_layer_are_refused),
        test(whiteouts_spare_what_came_through_a_link),
        test(later_entries_replace_earlier_ones),
        test(attributes_and_capabilities_travel),
        test(odd_names_are_kept_byte_for_byte),
        test(deep_paths_beyond_ustar_are_kept),
        test(a_sparse_file_is_not_filled_on_disk),
        test(an_image_is_unpacked_once),
        test(a_wrong_diff_id_is_refused),
        test(junk_behind_the_end_belongs_to_the_diff_id),
        test(a_long_tail_behind_the_end_is_hashed_whole),
        test(compressed_layers_are_made_once_and_stable),
        test(a_built_stack_is_found_by_its_chain),
        test(adding_an_archive_follows_links_inside_the_root_only),
        test(a_name_reserved_for_whiteouts_cannot_be_put_in_a_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
