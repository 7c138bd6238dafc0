/* A tar stream as context. */
#include "context/context.h"

#include "base/fs.h"
#include "store/tar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct place {
    char root[64];
    struct cb_store *store;
    int fd; /* the stream */
};

static int setup(void **state)
{
    struct place *place = xcalloc(1, sizeof(*place));
    struct cb_store_options options = {.root = place->root, .create = 1, .no_sync = 1};

    strcpy(place->root, "/tmp/cbuild-tar-XXXXXX");
    assert_non_null(mkdtemp(place->root));
    assert_int_equal(cb_store_open(&place->store, &options, NULL), 0);
    place->fd = memfd_create("context", MFD_CLOEXEC);
    assert_true(place->fd >= 0);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;

    cb_close(&place->fd);
    cb_store_close(place->store);
    assert_int_equal(cb_fs_remove_tree(AT_FDCWD, place->root, NULL), 0);
    free(place);
    return 0;
}

static int write_fd(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    return cb_fs_write_all(*(int *)arg, bytes, len);
}

static void add(struct cb_tar_writer *writer, const char *path, mode_t mode,
                const char *text, const char *link)
{
    struct cb_tar_entry entry = {.path = (char *)path,
                                 .link = (char *)link,
                                 .mode = mode,
                                 .size = text ? (int64_t)strlen(text) : 0};

    assert_int_equal(cb_tar_writer_entry(writer, &entry, NULL), 0);
    if (text)
        assert_int_equal(cb_tar_writer_data(writer, text, strlen(text), NULL), 0);
}

static void write_tar(struct place *place)
{
    cb_auto(cb_tar_writer) writer = NULL;

    assert_int_equal(cb_tar_writer_new(&writer, write_fd, &place->fd, NULL), 0);
    add(writer, "Dockerfile", S_IFREG | 0644, "FROM scratch\n", NULL);
    add(writer, "docker", S_IFDIR | 0755, NULL, NULL);
    add(writer, "docker/x", S_IFREG | 0644, "FROM x\n", NULL);
    add(writer, "docker/x.dockerignore", S_IFREG | 0644, "docker\n", NULL);
    add(writer, "leak", S_IFLNK | 0777, NULL, "/etc/passwd");
    assert_int_equal(cb_tar_writer_finish(writer, NULL), 0);
    assert_int_equal(lseek(place->fd, 0, SEEK_SET), 0);
}

static void files_of_the_stream_are_read_in_its_root(void **state)
{
    struct place *place = *state;
    cb_auto(cb_context) context = NULL;
    cb_auto_value(cb_strbuf) text = {0};

    write_tar(place);
    assert_int_equal(cb_context_open_tar(&context, place->store, place->fd, NULL, NULL),
                     0);
    assert_int_equal(cb_context_read(context, "Dockerfile", &text, NULL), 1);
    assert_string_equal(text.text, "FROM scratch\n");
    assert_int_equal(cb_context_read(context, "leak", &text, NULL), 0);
    assert_int_equal(
        cb_context_load_ignore(
            context, &(struct cb_ignore_options){.dockerfile = "docker/x"}, NULL),
        0);
    assert_int_equal(cb_context_ignored(context, "docker/x"), 1);
}

static void what_is_no_tar_is_refused(void **state)
{
    struct place *place = *state;
    cb_auto(cb_error) error = NULL;
    struct cb_context *context = NULL;
    char junk[2048];

    memset(junk, 'x', sizeof(junk));
    assert_int_equal(cb_fs_write_all(place->fd, junk, sizeof(junk)), 0);
    assert_int_equal(lseek(place->fd, 0, SEEK_SET), 0);
    assert_int_equal(cb_context_open_tar(&context, place->store, place->fd, NULL, &error),
                     -1);
    assert_non_null(error);
}

#define PLACE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(files_of_the_stream_are_read_in_its_root),
        PLACE_TEST(what_is_no_tar_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
