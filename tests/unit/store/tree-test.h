/* The identity of a tree in one digest: a record of each entry, in order of path. */
#ifndef CB_TESTS_STORE_TREE_TEST_H
#define CB_TESTS_STORE_TREE_TEST_H

#include "store-test.h"

#include "store/file-digest.h"
#include "store/tree-digest.h"
#include "store/walk.h"
#include "store/xattr.h"

#include <limits.h>

static void add_to_tree(struct cb_hasher *hasher, const char *path, int dir_fd,
                        const char *name, const struct stat *st)
{
    cb_auto_value(cb_xattrs) xattrs = {0};
    cb_auto_value(cb_strbuf) kept = {0};
    cb_autofd int fd =
        S_ISREG(st->st_mode) ? openat(dir_fd, name, O_RDONLY | O_CLOEXEC) : -1;
    char link[PATH_MAX] = "";
    struct cb_digest content;
    struct cb_tree_entry entry;

    assert_true(fd >= 0 || !S_ISREG(st->st_mode));
    if (fd >= 0)
        assert_int_equal(cb_file_digest(fd, &content, NULL), 0);
    if (S_ISLNK(st->st_mode))
        assert_true(readlinkat(dir_fd, name, link, sizeof(link) - 1) > 0);
    assert_int_equal(cb_xattrs_read(fd, dir_fd, name, &xattrs, NULL), 0);
    cb_xattrs_identity(&xattrs, &kept);
    entry = (struct cb_tree_entry){.path = path,
                                   .st = st,
                                   .link = S_ISLNK(st->st_mode) ? link : NULL,
                                   .xattrs = kept.text,
                                   .xattrs_len = kept.len,
                                   .content = fd >= 0 ? &content : NULL};
    cb_tree_digest_entry(hasher, &entry);
}

static int visit_tree(void *arg, const struct cb_walk_entry *entry, struct cb_error **err)
{
    add_to_tree(arg, entry->path, entry->dir_fd, entry->name, &entry->st);
    return 0;
}

static struct cb_digest tree_digest(int root_fd)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);
    struct stat st;

    assert_int_equal(fstat(root_fd, &st), 0);
    add_to_tree(hasher, "", root_fd, ".", &st);
    assert_int_equal(cb_walk(root_fd, visit_tree, hasher, NULL, NULL), 0);
    return cb_hasher_finish(hasher);
}

#endif
