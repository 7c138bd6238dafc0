/* What is part of a tree's identity, and what is not. */
#include "tree-test.h"

#include <time.h>

static struct cb_digest digest_of(struct fixture *f, const char *path)
{
    cb_autofd int fd = openat(f->top_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    return tree_digest(fd);
}

static void make_tree(struct fixture *f)
{
    assert_int_equal(mkdirat(f->top_fd, "t", 0755), 0);
    assert_int_equal(mkdirat(f->top_fd, "t/d", 0755), 0);
    put_file(f->top_fd, "t/d/a", "content", 0644);
    put_file(f->top_fd, "t/b", "other", 0644);
    assert_int_equal(symlinkat("d/a", f->top_fd, "t/l"), 0);
}

#define CHANGES(f, change)                                      \
    do {                                                        \
        struct cb_digest before_ = digest_of((f), "t"), after_; \
        assert_int_equal((change), 0);                          \
        after_ = digest_of((f), "t");                           \
        assert_false(cb_digest_equal(&before_, &after_));       \
    } while (0)

static int write_text(struct fixture *f, const char *path, const char *text)
{
    put_file(f->top_fd, path, text, 0644);
    return 0;
}

static int replace_link(struct fixture *f)
{
    return unlinkat(f->top_fd, "t/l", 0) || symlinkat("d/b", f->top_fd, "t/l");
}

static void each_change_that_matters_changes_it(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *path = NULL;

    make_tree(f);
    path = xasprintf("%s/t/b", f->top);
    CHANGES(f, write_text(f, "t/d/a", "Content"));
    CHANGES(f, fchmodat(f->top_fd, "t/b", 0600, 0));
    CHANGES(f, fchmodat(f->top_fd, "t/d", 0700, 0));
    CHANGES(f, fchownat(f->top_fd, "t/b", 1, 0, 0));
    CHANGES(f, fchownat(f->top_fd, "t/b", 1, 1, 0));
    CHANGES(f, replace_link(f));
    CHANGES(f, mkdirat(f->top_fd, "t/empty", 0755));
    CHANGES(f, renameat(f->top_fd, "t/b", f->top_fd, "t/c"));
    CHANGES(f, renameat(f->top_fd, "t/c", f->top_fd, "t/b"));
    CHANGES(f, setxattr(path, "user.x", "1", 1, 0));
    CHANGES(f, setxattr(path, "user.x", "2", 1, 0));
    CHANGES(f, mknodat(f->top_fd, "t/dev", S_IFCHR | 0600, makedev(1, 3)));
}

static void times_and_places_do_not(void **state)
{
    struct fixture *f = *state;
    struct timespec times[2] = {{1, 1}, {1, 1}};
    struct cb_digest before, after;

    make_tree(f);
    before = digest_of(f, "t");
    utimensat(f->top_fd, "t/b", times, 0);
    utimensat(f->top_fd, "t/d", times, 0);
    assert_int_equal(renameat(f->top_fd, "t", f->top_fd, "elsewhere"), 0);
    after = digest_of(f, "elsewhere");
    assert_true(cb_digest_equal(&before, &after));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(each_change_that_matters_changes_it),
        test(times_and_places_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
