/* When a COPY is done again, and when it is not. */
#include "unit/ops/fixture.h"

#include <sys/xattr.h>

#define TREE "d/ d/a=one d/s/ d/s/b=two d/l->a d/e/ o/ z=0"

struct attempt { /* one COPY of d, or something else */
    const char *source, *dest, *chown, *chmod, *exclude, *base;
    int owners; /* from a stage instead of the context */
};
static const struct attempt plain = {.source = "d", .dest = "/x", .base = "y=1"};

static struct cb_result *attempt(struct fixture *f, const char *name,
                                 const struct attempt *how, char **message)
{
    cb_auto(cb_graph) graph = cb_graph_new();
    cb_auto_value(cb_strings) exclude = {0};
    struct cb_copy_source source = {.input = 1, .path = how->source};
    struct cb_copy_options copy = {.sources = &source,
                                   .source_count = 1,
                                   .dest = how->dest,
                                   .chown = how->chown,
                                   .chmod = how->chmod,
                                   .exclude = &exclude,
                                   .allow_missing_glob = 1};
    struct cb_edge inputs[2];
    struct cb_vertex_options options = {0};

    if (how->exclude)
        cb_strings_add(&exclude, how->exclude);
    OK(cb_op_copy(&options, &f->env, &copy, err));
    inputs[0] = add_given(graph, FILESYSTEM(f, how->base));
    inputs[1] = add_context(f, graph, name);
    return solve(f, graph, add_step(graph, &options, inputs, 2), message);
}

/* Was the COPY found? Contexts and given filesystems are always made. */
static int was_hit(struct fixture *f, const char *name, const struct attempt *how)
{
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = attempt(f, name, how, &message);

    if (!result)
        fail_msg("%s", message);
    return f->stats.cached > 0;
}

static void rewrite(int root, const char *path, const char *content)
{
    cb_autofd int fd = openat(root, path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(cb_fs_write_all(fd, content, strlen(content)), 0);
}

static void set_xattr(int root, const char *path, const char *name, const char *value)
{
    cb_autofd int fd = openat(root, path, O_RDONLY | O_CLOEXEC);

    assert_int_equal(fsetxattr(fd, name, value, strlen(value), 0), 0);
}

/* ── Changes of the context ── */

static void content(int root)
{
    rewrite(root, "d/a", "onf");
}
static void longer(int root)
{
    rewrite(root, "d/a", "one\n");
}
static void empty(int root)
{
    rewrite(root, "d/a", "");
}
static void deep(int root)
{
    rewrite(root, "d/s/b", "twp");
}
static void mode(int root)
{
    assert_int_equal(fchmodat(root, "d/a", 0744, 0), 0);
}
static void set_id(int root)
{
    assert_int_equal(fchmodat(root, "d/a", 04644, 0), 0);
}
static void directory_mode(int root)
{
    assert_int_equal(fchmodat(root, "d/s", 0750, 0), 0);
}
static void sticky(int root)
{
    assert_int_equal(fchmodat(root, "d/s", 01755, 0), 0);
}
static void new_file(int root)
{
    plant(root, "d/n=");
}
static void new_directory(int root)
{
    plant(root, "d/n/");
}
static void removed(int root)
{
    assert_int_equal(unlinkat(root, "d/s/b", 0), 0);
}
static void removed_directory(int root)
{
    assert_int_equal(unlinkat(root, "d/e", AT_REMOVEDIR), 0);
}
static void renamed(int root)
{
    assert_int_equal(renameat(root, "d/a", root, "d/A"), 0);
}
static void moved(int root)
{
    assert_int_equal(renameat(root, "d/a", root, "d/e/a"), 0);
}
static void swapped(int root)
{
    rewrite(root, "d/a", "two");
    rewrite(root, "d/s/b", "one");
}
static void retargeted(int root)
{
    assert_int_equal(unlinkat(root, "d/l", 0), 0);
    plant(root, "d/l->b");
}
static void link_to_file(int root)
{
    assert_int_equal(unlinkat(root, "d/l", 0), 0);
    plant(root, "d/l=one");
}
static void directory_to_file(int root)
{
    assert_int_equal(unlinkat(root, "d/e", AT_REMOVEDIR), 0);
    plant(root, "d/e=");
}
static void fifo(int root)
{
    plant(root, "d/p|");
}
static void attribute(int root)
{
    set_xattr(root, "d/a", "user.x", "1");
}
static void directory_attribute(int root)
{
    set_xattr(root, "d/s", "user.x", "1");
}

static void a_change_of_one_bit_is_a_miss(void **state)
{
    static void (*const changes[])(int root) = {content,
                                                longer,
                                                empty,
                                                deep,
                                                mode,
                                                set_id,
                                                directory_mode,
                                                sticky,
                                                removed,
                                                new_file,
                                                new_directory,
                                                renamed,
                                                moved,
                                                removed_directory,
                                                swapped,
                                                fifo,
                                                attribute,
                                                retargeted,
                                                link_to_file,
                                                directory_to_file,
                                                directory_attribute};
    struct fixture *f = *state;

    for (size_t i = 0; i < CB_ARRAY_SIZE(changes); i++) {
        cb_autofree char *name = xasprintf("context%zu", i);
        cb_autofd int context = make_dir(f, name);

        plant(context, TREE);
        cb_cache_store_free(f->cache);
        f->cache = cb_cache_memory_new();
        assert_false(was_hit(f, name, &plain));
        changes[i](context);
        if (was_hit(f, name, &plain))
            fail_msg("change %zu went unnoticed", i);
    }
}

static void a_change_of_the_instruction_is_a_miss(void **state)
{
    static const struct attempt attempts[] = {
        {.source = "d", .dest = "/x/", .base = "y=1"},
        {.source = "d", .dest = "/X", .base = "y=1"},
        {.source = "d", .dest = "/x", .chown = "1", .base = "y=1"},
        {.source = "d", .dest = "/x", .chmod = "700", .base = "y=1"},
        {.source = "d", .dest = "/x", .exclude = "a", .base = "y=1"},
        {.source = "d", .dest = "/x", .base = "y=2"},
        {.source = "d/s", .dest = "/x", .base = "y=1"},
        {.source = "z", .dest = "/x", .base = "y=1"},
    };
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");

    plant(context, TREE);
    assert_false(was_hit(f, "context", &plain));
    for (size_t i = 0; i < CB_ARRAY_SIZE(attempts); i++)
        if (was_hit(f, "context", &attempts[i]))
            fail_msg("attempt %zu is no other than the plain one", i);
    assert_true(was_hit(f, "context", &plain));
}

/* ── What does not matter ── */

static void nothing(int root) {}
static void times(int root)
{
    struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};

    assert_int_equal(utimensat(root, "d/a", now, 0), 0);
    assert_int_equal(utimensat(root, "d/s", now, 0), 0);
    assert_int_equal(utimensat(root, "d/l", now, AT_SYMLINK_NOFOLLOW), 0);
}
static void written_again(int root)
{
    rewrite(root, "d/a", "one");
}
static void owners(int root)
{
    assert_int_equal(fchownat(root, "d/a", 5, 6, 0), 0);
    assert_int_equal(fchownat(root, "d/s", 5, 6, 0), 0);
}
static void outside(int root)
{
    rewrite(root, "z", "1");
    plant(root, "new=1");
}
static void replaced(int root)
{
    assert_int_equal(unlinkat(root, "d/a", 0), 0);
    plant(root, "d/a=one");
}
static void other_order(int root)
{
    assert_int_equal(renameat(root, "d/a", root, "d/zz"), 0);
    assert_int_equal(renameat(root, "d/zz", root, "d/a"), 0);
}

static void what_does_not_show_in_the_image_is_a_hit(void **state)
{
    static void (*const changes[])(int root) = {nothing, times,    written_again, owners,
                                                outside, replaced, other_order};
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");

    plant(context, TREE);
    assert_false(was_hit(f, "context", &plain));
    for (size_t i = 0; i < CB_ARRAY_SIZE(changes); i++) {
        changes[i](context);
        if (!was_hit(f, "context", &plain))
            fail_msg("change %zu mattered", i);
    }
}

static void set_times(int root, time_t seconds)
{
    static const char *const paths[] = {"d", "d/a", "d/s", "d/s/b", "d/l", "d/e"};
    struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};

    for (size_t i = 0; i < CB_ARRAY_SIZE(paths); i++)
        assert_int_equal(utimensat(root, paths[i], times, AT_SYMLINK_NOFOLLOW), 0);
}

/* With an epoch the times show in the image, as far as they are before it. */
static void times_matter_up_to_the_epoch(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");

    plant(context, TREE);
    assert_false(was_hit(f, "context", &plain));
    f->env.source_date_epoch = 1000;
    assert_false(was_hit(f, "context", &plain));
    set_times(context, 2000);
    assert_true(was_hit(f, "context", &plain));
    set_times(context, 999);
    assert_false(was_hit(f, "context", &plain));
    set_times(context, 998);
    assert_false(was_hit(f, "context", &plain));
    set_times(context, 1000);
    assert_true(was_hit(f, "context", &plain));
    f->env.source_date_epoch = 1001;
    assert_false(was_hit(f, "context", &plain));
    f->env.keep_times = 1;
    assert_false(was_hit(f, "context", &plain));
    set_times(context, 3);
    assert_true(was_hit(f, "context", &plain));
}

static void the_directory_a_source_is_in_does_not_matter(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");
    struct attempt before = {.source = "p/a", .dest = "/", .base = "y=1"};
    struct attempt after = {.source = "q/a", .dest = "/", .base = "y=1"};
    struct attempt other = {.source = "q/b", .dest = "/", .base = "y=1"};

    plant(context, "p/ p/a=1");
    assert_false(was_hit(f, "context", &before));
    assert_int_equal(renameat(context, "p", context, "q"), 0);
    assert_true(was_hit(f, "context", &after));
    assert_int_equal(renameat(context, "q/a", context, "q/b"), 0);
    assert_false(was_hit(f, "context", &other));
}

static void ignored_files_do_not_matter(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");
    struct attempt all = {.source = ".", .dest = "/x", .base = "y=1"};
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = NULL;

    plant(context, "d/ d/a=1 d/b.o=2 t/ t/u/ t/u/keep=3 t/u/gone=4 "
                   ".dockerignore=**/*.o\nt\n!t/u/keep\n.dockerignore\n");
    assert_false(was_hit(f, "context", &all));
    rewrite(context, "d/b.o", "changed");
    rewrite(context, "t/u/gone", "changed");
    plant(context, "t/new=1");
    assert_true(was_hit(f, "context", &all));
    rewrite(context, "t/u/keep", "changed");
    result = attempt(f, "context", &all, &message);
    assert_non_null(result);
    assert_int_equal(f->stats.cached, 0);
    assert_result(result, "x/ x/d/ x/d/a=1 x/t/ x/t/u/ x/t/u/keep=changed y=1");
}

static void an_ignored_source_is_missing_with_a_hint(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");
    struct attempt how = {.source = "d/a.o", .dest = "/", .base = "y=1"};
    cb_autofree char *message = NULL, *linked = NULL;

    plant(context, "d/ d/a.o=1 l->d/a.o .dockerignore=#\n*.md\n**/*.o\n");
    assert_null(attempt(f, "context", &how, &message));
    assert_string_equal(message,
                        "COPY d/a.o: \"/d/a.o\" not found in the build context (it "
                        "is excluded by .dockerignore:3: `**/*.o`)");
    how.source = "l";
    assert_null(attempt(f, "context", &how, &linked));
    assert_string_equal(linked,
                        "COPY l: \"/d/a.o\" not found in the build context (it is "
                        "excluded by .dockerignore:3: `**/*.o`)");
    how.source = "d/*.o";
    assert_false(was_hit(f, "context", &how));
}

/* ── Hostile names ── */

static void links_of_the_context_do_not_lead_out(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context"), outside = make_dir(f, "outside");
    cb_autofree char *link =
        xasprintf("leak->%s/outside/canary up->../outside/canary", f->dir);
    struct attempt how = {.dest = "/x/", .base = "y=1"};
    static const char *const sources[] = {
        "leak",         "up",        "../outside/canary", "/../outside/canary",
        "up/../canary", "dir/canary"};

    plant(outside, "canary=SECRET");
    plant(context, link);
    plant(context, "dir->../outside");
    for (size_t i = 0; i < CB_ARRAY_SIZE(sources); i++) {
        cb_autofree char *message = NULL;

        how.source = sources[i];
        if (attempt(f, "context", &how, &message))
            fail_msg("%s was found", sources[i]);
        assert_non_null(strstr(message, "not found in the build context"));
    }
}

static void links_below_are_copied_as_links(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");
    struct attempt how = {.source = ".", .dest = "/", .base = "y=1"};
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = NULL;

    plant(context, "leak->/etc/shadow up->../../../etc/shadow");
    result = attempt(f, "context", &how, &message);
    assert_non_null(result);
    assert_result(result, "leak->/etc/shadow up->../../../etc/shadow y=1");
}

static void links_of_the_image_do_not_lead_out(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context"), outside = make_dir(f, "outside");
    cb_autofree char *base =
        xasprintf("abs->%s/outside up->../../../../../../..%s/outside", f->dir, f->dir);
    struct attempt how = {.source = "a", .base = base};
    static const char *const dests[] = {"/abs/f", "/up/f", "/abs/", "/../up/sub/f"};

    plant(context, "a=1");
    plant(outside, "canary=1");
    for (size_t i = 0; i < CB_ARRAY_SIZE(dests); i++) {
        cb_autofree char *message = NULL;
        cb_auto(cb_result) result = NULL;

        how.dest = dests[i];
        result = attempt(f, "context", &how, &message);
        if (!result)
            fail_msg("%s: %s", dests[i], message);
        assert_tree(outside, "canary=1");
    }
}

static void links_copied_first_are_not_written_through(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context"), outside = make_dir(f, "outside");
    cb_autofree char *link = xasprintf("one/ one/d->%s/outside", f->dir);
    cb_auto(cb_graph) graph = cb_graph_new();
    struct cb_copy_source sources[] = {{.input = 1, .path = "one"},
                                       {.input = 1, .path = "two"}};
    struct cb_copy_options copy = {.sources = sources, .source_count = 2, .dest = "/x/"};
    struct cb_vertex_options options = {0};
    cb_autofree char *message = NULL;
    struct cb_edge inputs[2];

    plant(context, link);
    plant(context, "two/ two/d/ two/d/f=1");
    plant(outside, "canary=1");
    OK(cb_op_copy(&options, &f->env, &copy, err));
    inputs[0] = add_given(graph, FILESYSTEM(f, "y=1"));
    inputs[1] = add_context(f, graph, "context");
    assert_null(solve(f, graph, add_step(graph, &options, inputs, 2), &message));
    assert_string_equal(message, "cannot copy to non-directory: /x/d");
    assert_tree(outside, "canary=1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_change_of_one_bit_is_a_miss),
        TEST(a_change_of_the_instruction_is_a_miss),
        TEST(what_does_not_show_in_the_image_is_a_hit),
        TEST(times_matter_up_to_the_epoch),
        TEST(the_directory_a_source_is_in_does_not_matter),
        TEST(ignored_files_do_not_matter),
        TEST(an_ignored_source_is_missing_with_a_hint),
        TEST(links_of_the_context_do_not_lead_out),
        TEST(links_below_are_copied_as_links),
        TEST(links_of_the_image_do_not_lead_out),
        TEST(links_copied_first_are_not_written_through),
    };

    if (!fixture_needs_root())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
