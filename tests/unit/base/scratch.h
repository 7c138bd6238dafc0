/* A directory of its own for each test, as its state. */
#ifndef CB_TESTS_SCRATCH_H
#define CB_TESTS_SCRATCH_H

#include "unit.h"

#include "base/fs.h"

#include <fcntl.h>

struct scratch {
    char path[64];
    int fd;
};

static inline int scratch_setup(void **state)
{
    struct scratch *scratch = xcalloc(1, sizeof(*scratch));

    snprintf(scratch->path, sizeof(scratch->path), "/tmp/cb-unit-XXXXXX");
    if (!mkdtemp(scratch->path))
        return -1;
    scratch->fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = scratch;
    return scratch->fd < 0 ? -1 : 0;
}

static inline int scratch_teardown(void **state)
{
    struct scratch *scratch = *state;
    int result = cb_fs_remove_tree(AT_FDCWD, scratch->path, NULL);

    close(scratch->fd);
    free(scratch);
    return result;
}

static inline void write_file(int dir_fd, const char *name, const char *text)
{
    cb_autofd int fd =
        openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(cb_fs_write_all(fd, text, strlen(text)), 0);
}

static inline char *read_text(int dir_fd, const char *name)
{
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_error *err = NULL;

    assert_ok(cb_fs_read_file(dir_fd, name, 1 << 20, &text, &err), err);
    return cb_strbuf_steal(&text);
}

#define scratch_test(name) \
    cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

#endif
