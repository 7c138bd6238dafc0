/* ADD of archives: told by content, extracted over what is there. */
#include "unit/ops/fixture.h"

#include "base/subprocess.h"
#include "store/tar.h"

struct member {
    const char *path, *content, *link;
    mode_t mode;
    uint32_t uid, gid;
};

static int write_fd(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    return cb_fs_write_all(*(int *)arg, bytes, len) < 0
               ? cb_error_errno(err, errno, "write the archive")
               : 0;
}

static void make_tar(int dir, const char *name, const struct member *members,
                     size_t count)
{
    cb_autofd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    cb_auto(cb_tar_writer) writer = NULL;

    OK(cb_tar_writer_new(&writer, write_fd, &fd, err));
    for (size_t i = 0; i < count; i++) {
        const struct member *member = &members[i];
        struct cb_tar_entry entry = {
            .path = (char *)member->path,
            .link = (char *)member->link,
            .mode = member->mode,
            .uid = member->uid,
            .gid = member->gid,
            .size = member->content ? (int64_t)strlen(member->content) : 0,
            .mtime = {.tv_sec = OLD}};

        OK(cb_tar_writer_entry(writer, &entry, err));
        if (entry.size > 0)
            OK(cb_tar_writer_data(writer, member->content, (size_t)entry.size, err));
    }
    OK(cb_tar_writer_finish(writer, err));
}

static const struct member plain[] = {
    {.path = "d/", .mode = S_IFDIR | 0750, .uid = 1, .gid = 2},
    {.path = "d/f", .content = "one", .mode = S_IFREG | 0640, .uid = 3, .gid = 4},
    {.path = "d/l", .link = "f", .mode = S_IFLNK | 0777},
};

static struct cb_result *add(struct fixture *f, const char *base,
                             const char *const *sources, const char *dest,
                             const char *chown, int unpack, char **message)
{
    cb_auto(cb_graph) graph = cb_graph_new();
    struct cb_copy_source list[4] = {{0}};
    struct cb_copy_options copy = {.sources = list,
                                   .dest = dest,
                                   .chown = chown,
                                   .unpack = unpack,
                                   .allow_missing_glob = 1};
    struct cb_vertex_options options = {0};
    struct cb_edge inputs[2];

    for (; sources[copy.source_count]; copy.source_count++)
        list[copy.source_count] =
            (struct cb_copy_source){.input = 1, .path = sources[copy.source_count]};
    OK(cb_op_copy(&options, &f->env, &copy, err));
    inputs[0] = add_given(graph, FILESYSTEM(f, base));
    inputs[1] = add_context(f, graph, "context");
    return solve(f, graph, add_step(graph, &options, inputs, 2), message);
}
#define SOURCES(...)      \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

static void assert_added(struct fixture *f, const char *base, const char *const *sources,
                         const char *dest, const char *chown, int unpack,
                         const char *expected)
{
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = add(f, base, sources, dest, chown, unpack, &message);

    if (!result)
        fail_msg("%s", message);
    assert_result(result, expected);
}

static void an_archive_is_extracted_with_its_owners(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");

    make_tar(context, "no-suffix", plain, CB_ARRAY_SIZE(plain));
    assert_added(f, "y=1", SOURCES("no-suffix"), "/x", NULL, 1,
                 "x/ 750@1:2@x/d/ 640@3:4@x/d/f=one x/d/l->f y=1");
    assert_added(f, "x/ x/d/ x/d/f=old x/d/g=2", SOURCES("no-suffix"), "/x/", "7:8", 1,
                 "x/ 750@7:8@x/d/ 640@7:8@x/d/f=one x/d/g=2 7:8@x/d/l->f");
}

static void a_compressed_archive_is_extracted(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");
    cb_autofree char *path = xasprintf("%s/context/a", f->dir);
    const char *const argv[] = {"gzip", path, NULL};
    struct cb_subprocess_options options = {.argv = argv, .cwd_fd = -1, .inherit_fd = -1};
    int code;

    make_tar(context, "a", plain, CB_ARRAY_SIZE(plain));
    OK(cb_subprocess_run(&options, NULL, NULL, &code, err));
    assert_int_equal(code, 0);
    assert_added(f, "y=1", SOURCES("a*"), "/", "0", 1, "750@d/ 640@d/f=one d/l->f y=1");
}

static void only_archives_are_extracted_and_only_by_add(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");

    plant(context, "a.tar=not+a+tar d/ d/b=2");
    assert_added(f, "y=1", SOURCES("a.tar"), "/", NULL, 1, "a.tar=not+a+tar y=1");
    make_tar(context, "t", plain, CB_ARRAY_SIZE(plain));
    assert_added(f, "y=1", SOURCES("t", "d", "a.tar"), "/x/", "0", 1,
                 "x/ x/a.tar=not+a+tar x/b=2 750@x/d/ 640@x/d/f=one x/d/l->f y=1");
}

static void an_archive_in_a_copied_directory_stays_one(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = NULL;
    struct stat st;
    int root;

    plant(context, "e/");
    make_tar(context, "e/t", plain, CB_ARRAY_SIZE(plain));
    result = add(f, "y=1", SOURCES("e"), "/", NULL, 1, &message);
    assert_non_null(result);
    OK(cb_result_root(result, &root, err));
    assert_int_equal(fstatat(root, "t", &st, 0), 0);
    assert_true(S_ISREG(st.st_mode) && st.st_size >= 1024);
}

static void links_in_an_archive_stay_in_the_image(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context"), outside = make_dir(f, "outside");
    cb_autofree char *target = xasprintf("%s/outside", f->dir);
    const struct member hostile[] = {
        {.path = "l", .link = target, .mode = S_IFLNK | 0777},
        {.path = "l/f", .content = "bad", .mode = S_IFREG | 0644},
        {.path = "../up", .content = "bad", .mode = S_IFREG | 0644},
        {.path = "/abs", .content = "bad", .mode = S_IFREG | 0644},
    };
    cb_autofree char *message = NULL;

    plant(outside, "canary=1");
    for (size_t i = 1; i <= CB_ARRAY_SIZE(hostile); i++) {
        cb_autofree char *said = NULL;

        make_tar(context, "t", hostile, i);
        cb_result_unref(add(f, "y=1", SOURCES("t"), "/x/", NULL, 1, &said));
        assert_tree(outside, "canary=1");
    }
}

static void what_follows_an_archive_does_not_go_through_its_links(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context"), outside = make_dir(f, "outside");
    cb_autofree char *target = xasprintf("%s/outside", f->dir);
    const struct member hostile[] = {
        {.path = "d", .link = target, .mode = S_IFLNK | 0777}};
    cb_autofree char *message = NULL;

    plant(context, "s/ s/d/ s/d/f=1");
    make_tar(context, "t", hostile, 1);
    assert_null(add(f, "y=1", SOURCES("t", "s"), "/x/", NULL, 1, &message));
    assert_string_equal(message, "cannot copy to non-directory: /x/d");
    assert_tree(outside, "");
}

static void a_damaged_archive_is_named(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");
    cb_autofree char *message = NULL;
    cb_autofd int fd = -1;

    make_tar(context, "t", plain, CB_ARRAY_SIZE(plain));
    fd = openat(context, "t", O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, 1024 + 2), 0);
    assert_null(add(f, "y=1", SOURCES("t"), "/x/", NULL, 1, &message));
    assert_memory_equal(message, "unpack `t`: ", 12);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_archive_is_extracted_with_its_owners),
        TEST(a_compressed_archive_is_extracted),
        TEST(only_archives_are_extracted_and_only_by_add),
        TEST(an_archive_in_a_copied_directory_stays_one),
        TEST(links_in_an_archive_stay_in_the_image),
        TEST(what_follows_an_archive_does_not_go_through_its_links),
        TEST(a_damaged_archive_is_named),
    };

    if (!fixture_needs_root())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
