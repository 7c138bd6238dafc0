/* A store in a directory of its own, for tests of the engine that need one. */
#ifndef TEST_ENGINE_H
#define TEST_ENGINE_H

#include "base/fs.h"
#include "engine/engine-priv.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct test_dir {
    char path[64];
    struct cb_store *store;
};

static inline int test_dir_setup(void **state)
{
    struct test_dir *dir = xcalloc(1, sizeof(*dir));
    struct cb_store_options options = {.create = 1, .no_sync = 1};
    cb_autofree char *root = NULL;

    strcpy(dir->path, "/tmp/cbuild-engine-XXXXXX");
    if (!mkdtemp(dir->path))
        return -1;
    root = xasprintf("%s/store", dir->path);
    options.root = root;
    *state = dir;
    return cb_store_open(&dir->store, &options, NULL);
}

static inline int test_dir_teardown(void **state)
{
    struct test_dir *dir = *state;

    cb_store_close(dir->store);
    cb_fs_remove_tree(AT_FDCWD, dir->path, NULL);
    free(dir);
    return 0;
}

/* FILE below the directory, its parent made. */
static inline void test_dir_write(struct test_dir *dir, const char *file,
                                  const char *text)
{
    cb_autofree char *path = xasprintf("%s/%s", dir->path, file);
    cb_autofree char *parent = xstrdup(path);
    FILE *out;

    *strrchr(parent, '/') = '\0';
    assert_int_equal(cb_fs_mkdirs(parent, 0755, NULL), 0);
    out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

#endif
