/* The kernel and the user-space walk must give the same answers to hostile paths. */
#include "scratch.h"

#include "base/fs-priv.h"

#include <errno.h>

#include <linux/openat2.h>

/* What a path led to, in words that can be compared. */
static char *outcome(int root, int fd, int flags)
{
    struct stat st;
    int saved = errno;
    char *text;

    if (fd < 0)
        return xasprintf("error %d", saved);
    assert_int_equal(fstat(fd, &st), 0);
    if (flags & O_CREAT) {
        int created = unlinkat(root, "none", 0) == 0 ||
                      unlinkat(root, "none-dir/x", 0) == 0 ||
                      unlinkat(root, "dir/created", 0) == 0;

        close(fd);
        return xasprintf("%s mode %o", created ? "created" : "opened", st.st_mode);
    }
    text = xasprintf("inode %lu mode %o", (unsigned long)st.st_ino, st.st_mode);
    close(fd);
    return text;
}

static int kernel_open(int root, const char *path, int flags)
{
    return cb_fs_openat2(root, path, flags, 0644,
                         RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

static void compare(int root, const char *path, int flags)
{
    cb_autofree char *kernel = outcome(root, kernel_open(root, path, flags), flags);
    cb_autofree char *walk =
        outcome(root, cb_fs_walk_open(root, path, flags, 0644), flags);

    if (strcmp(kernel, "error 38") == 0)
        skip(); /* no openat2 here: nothing to compare with */
    if (strcmp(kernel, walk) != 0)
        fail_msg("`%s` with flags %#x: kernel says %s, walk says %s", path, flags, kernel,
                 walk);
}

static void make_tree(int root)
{
    static const struct {
        const char *name, *target;
    } links[] = {
        {"abs", "/dir/file"},
        {"up", "../../../../dir"},
        {"loop1", "loop2"},
        {"loop2", "loop1"},
        {"self", "self"},
        {"dangling", "/none/x"},
        {"new", "dir/created"},
        {"slash", "dir/"},
        {"dot", "."},
        {"rootlink", "/"},
        {"dir/out", "../.."},
        {"dir/host", "/etc/passwd"},
        {"chain", "abs2"},
        {"abs2", "/up/deep/../file"},
        {"file-slash", "dir/file/"},
        {"dir/deep/proc", "/proc/self/root"},
    };

    assert_int_equal(mkdirat(root, "dir", 0755), 0);
    assert_int_equal(mkdirat(root, "dir/deep", 0755), 0);
    write_file(root, "dir/file", "text");
    write_file(root, "dir/deep/leaf", "text");
    for (size_t i = 0; i < CB_ARRAY_SIZE(links); i++)
        assert_int_equal(symlinkat(links[i].target, root, links[i].name), 0);
}

static const int all_flags[] = {
    O_RDONLY,
    O_PATH,
    O_PATH | O_NOFOLLOW,
    O_RDONLY | O_NOFOLLOW,
    O_RDONLY | O_DIRECTORY,
    O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
    O_WRONLY,
    O_WRONLY | O_CREAT | O_EXCL,
    O_WRONLY | O_CREAT,
};

static void known_paths_lead_to_the_same(void **state)
{
    static const char *const paths[] = {
        ".",
        "/",
        "..",
        "../..",
        "dir",
        "dir/",
        "/dir/file",
        "dir/file/",
        "dir/file/x",
        "none",
        "none/x",
        "none/",
        "abs",
        "abs/",
        "up",
        "up/",
        "up/file",
        "up/deep/../file",
        "loop1",
        "loop1/x",
        "self",
        "dangling",
        "dangling/",
        "slash",
        "slash/file",
        "dot/dot/dir",
        "rootlink",
        "rootlink/../dir",
        "dir/out",
        "dir/out/dir/file",
        "dir/host",
        "dir/../../../../etc/passwd",
        "chain",
        "file-slash",
        "dir/deep/proc",
        "/../dir/./deep//leaf",
        "dir/deep/../../../dir/deep/leaf",
    };
    struct scratch *scratch = *state;

    make_tree(scratch->fd);
    for (size_t i = 0; i < CB_ARRAY_SIZE(paths); i++) {
        for (size_t f = 0; f < CB_ARRAY_SIZE(all_flags); f++) {
            compare(scratch->fd, paths[i], all_flags[f]);
        }
    }
}

static void creation_through_a_dangling_link_stays_inside(void **state)
{
    struct scratch *scratch = *state;

    make_tree(scratch->fd);
    for (int without = 0; without < 2; without++) {
        struct cb_error *err = NULL;
        cb_autofd int fd = -1;

        cb_fs_test_without_openat2(without);
        assert_ok(
            cb_fs_open_in_root(scratch->fd, "/new", O_WRONLY | O_CREAT, 0600, &fd, &err),
            err);
        cb_fs_test_without_openat2(0);
        assert_int_equal(unlinkat(scratch->fd, "dir/created", 0), 0);
    }
}

static unsigned next_random(unsigned *seed)
{
    return (*seed = *seed * 1103515245 + 12345) >> 16 & 0x7fff;
}

static char *random_path(unsigned *seed)
{
    static const char *const names[] = {"a", "b", "c", "..", ".", "a", "b", "c", "/", ""};
    cb_auto_value(cb_strbuf) path = {0};
    unsigned count = 1 + next_random(seed) % 5;

    if (next_random(seed) % 3 == 0)
        cb_strbuf_addc(&path, '/');
    for (unsigned i = 0; i < count; i++)
        cb_strbuf_addf(&path, "%s%s", i ? "/" : "",
                       names[next_random(seed) % CB_ARRAY_SIZE(names)]);
    if (path.len == 0)
        cb_strbuf_addc(&path, 'a');
    return cb_strbuf_steal(&path);
}

/* A few directories and files, then links between them, most of them wild. */
static void make_random_tree(int root, unsigned *seed)
{
    for (int i = 0; i < 30; i++) {
        cb_autofree char *path = random_path(seed);
        cb_autofree char *target = random_path(seed);
        cb_autofree char *name = NULL;
        cb_autofd int dir = -1;

        if (cb_fs_open_parent_in_root(root, path, NULL, &dir, &name, NULL) < 0)
            continue;
        if (next_random(seed) % 3 == 0)
            symlinkat(target, dir, name);
        else if (next_random(seed) % 4)
            mkdirat(dir, name, 0755);
        else
            mknodat(dir, name, S_IFREG | 0644, 0);
    }
}

static void random_paths_lead_to_the_same(void **state)
{
    struct scratch *scratch = *state;
    unsigned seed = 42;

    for (int tree = 0; tree < 20; tree++) {
        cb_autofd int root = -1;

        assert_int_equal(mkdirat(scratch->fd, "tree", 0755), 0);
        root = openat(scratch->fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        make_random_tree(root, &seed);
        for (int i = 0; i < 200; i++) {
            cb_autofree char *path = random_path(&seed);

            compare(root, path, all_flags[next_random(&seed) % 7]);
        }
        assert_int_equal(cb_fs_remove_tree(scratch->fd, "tree", NULL), 0);
    }
}

static void magic_links_are_refused(void **state)
{
    cb_autofd int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", root);
    compare(root, path, O_RDONLY);
    compare(root, "/proc/self/root/etc", O_RDONLY);
    compare(root, "/proc/self/exe", O_RDONLY);
    compare(root, "/proc/self/ns/mnt", O_RDONLY);
    compare(root, "/proc/self/status", O_PATH);
}

static void overlong_paths_are_refused(void **state)
{
    struct scratch *scratch = *state;
    char path[5000];

    memset(path, '/', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    compare(scratch->fd, path, O_RDONLY);
    memset(path, 'n', 300);
    path[300] = '\0';
    compare(scratch->fd, path, O_RDONLY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(known_paths_lead_to_the_same),
        scratch_test(creation_through_a_dangling_link_stays_inside),
        scratch_test(random_paths_lead_to_the_same),
        scratch_test(magic_links_are_refused),
        scratch_test(overlong_paths_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
