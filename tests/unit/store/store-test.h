/* Shared by the store's tests: a store in a fresh directory, files, and tar archives made
 * block by block, so that they can be as wrong as a test needs. */
#ifndef CB_TEST_STORE_TEST_H
#define CB_TEST_STORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/pool.h"
#include "store/content.h"
#include "store/layer.h"
#include "store/snapshot.h"
#include "store/store.h"
#include "store/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define unused __attribute__((unused))

struct fixture {
    char *top;  /* of everything the test makes */
    char *root; /* of the store */
    int top_fd;
    struct cb_store *store;
    struct cb_pool *pool;
    struct cb_error *error;
};

/* The error, if any, is shown when a check fails. */
static unused void ok_(int result, struct fixture *f, const char *what, const char *file,
                       int line)
{
    if (result < 0)
        print_error("%s: %s\n", what,
                    f->error ? cb_error_message(f->error) : "(no message)");
    _assert_true(result >= 0, what, file, line);
}
#define ok(f, call) ok_((call), (f), #call, __FILE__, __LINE__)
#define fails(f, wanted_kind, call)                                 \
    do {                                                            \
        cb_error_free((f)->error);                                  \
        (f)->error = NULL;                                          \
        assert_int_equal((call), -1);                               \
        assert_non_null((f)->error);                                \
        assert_int_equal(cb_error_kind((f)->error), (wanted_kind)); \
    } while (0)
#define says(f, text) assert_non_null(strstr(cb_error_message((f)->error), (text)))

static unused void open_store(struct fixture *f)
{
    struct cb_store_options options = {.root = f->root, .create = 1, .no_sync = 1};

    ok(f, cb_store_open(&f->store, &options, &f->error));
}

static unused void reopen_store(struct fixture *f)
{
    cb_store_close(f->store);
    f->store = NULL;
    open_store(f);
}

static unused int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    const char *tmp = getenv("TMPDIR");

    f->top = xasprintf("%s/cbuild-store-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(f->top))
        return -1;
    f->top_fd = open(f->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    f->root = xasprintf("%s/store", f->top);
    f->pool = cb_pool_new(2, 2);
    open_store(f);
    *state = f;
    return 0;
}

static unused int teardown(void **state)
{
    struct fixture *f = *state;

    cb_store_close(f->store);
    cb_pool_free(f->pool);
    cb_error_free(f->error);
    cb_close(&f->top_fd);
    cb_fs_remove_tree(AT_FDCWD, f->top, NULL);
    free(f->top);
    free(f->root);
    free(f);
    return 0;
}

/* Changes the index behind the store's back, which must be closed. */
static unused void change_index(struct fixture *f, const char *sql)
{
    cb_autofree char *path = xasprintf("%s/meta.db", f->root);
    sqlite3 *handle = NULL;

    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

/* ── Files ── */

static unused void put_file(int dir_fd, const char *path, const char *text, mode_t mode)
{
    cb_autofd int fd =
        openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(cb_fs_write_all(fd, text, strlen(text)), 0);
    assert_int_equal(fchmod(fd, mode), 0);
}

static unused char *get_file(int dir_fd, const char *path)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_fs_read_file(dir_fd, path, 64u << 20, &text, NULL) < 0)
        return NULL;
    return cb_strbuf_steal(&text);
}

static unused void assert_file(int dir_fd, const char *path, const char *text)
{
    cb_autofree char *have = get_file(dir_fd, path);

    if (!have)
        print_error("no file `%s`\n", path);
    assert_non_null(have);
    assert_string_equal(have, text);
}

static unused int exists(int dir_fd, const char *path)
{
    struct stat st;

    return fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static unused struct stat stat_of(int dir_fd, const char *path)
{
    struct stat st;

    assert_int_equal(fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st;
}

/* ── Snapshots ── */

static unused struct cb_snapshot *new_snapshot(struct fixture *f,
                                               struct cb_snapshot *parent)
{
    struct cb_snapshot *snapshot = NULL;

    ok(f, cb_snapshot_prepare(f->store, parent, &snapshot, &f->error));
    return snapshot;
}

static unused int root_of(struct fixture *f, struct cb_snapshot *snapshot)
{
    int fd = -1;

    ok(f, cb_snapshot_open_root(snapshot, &fd, &f->error));
    return fd;
}

/* A committed snapshot with one file. */
static unused struct cb_snapshot *snapshot_with(struct fixture *f,
                                                struct cb_snapshot *parent,
                                                const char *path, const char *text)
{
    struct cb_snapshot *snapshot = new_snapshot(f, parent);
    int fd = root_of(f, snapshot);

    put_file(fd, path, text, 0644);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(snapshot, &f->error));
    return snapshot;
}

/* ── Archives ── */

static unused void octal(char *field, size_t size, uint64_t value)
{
    char text[32];

    snprintf(text, sizeof(text), "%0*llo", (int)size - 1, (unsigned long long)value);
    memcpy(field, text + strlen(text) - (size - 1), size - 1);
}

static unused void seal_header(char header[512])
{
    unsigned sum = 0;
    size_t i;

    memset(header + 148, ' ', 8);
    for (i = 0; i < 512; i++)
        sum += (unsigned char)header[i];
    octal(header + 148, 7, sum);
    header[154] = '\0';
}

static unused void raw_header(char header[512], const char *name, char type, mode_t mode,
                              uint64_t size, const char *link)
{
    memset(header, 0, 512);
    snprintf(header, 101, "%s", name); /* the mode comes over the last NUL */
    octal(header + 100, 8, mode);
    octal(header + 108, 8, 0);
    octal(header + 116, 8, 0);
    octal(header + 124, 12, size);
    octal(header + 136, 12, 1000000000);
    header[156] = type;
    if (link)
        memcpy(header + 157, link, strnlen(link, 100));
    memcpy(header + 257, "ustar\00000", 8);
    seal_header(header);
}

static unused void tar_body(struct cb_strbuf *tar, const void *data, size_t len)
{
    static const char zeros[512];

    cb_strbuf_add(tar, data, len);
    cb_strbuf_add(tar, zeros, (512 - len % 512) % 512);
}

static unused void tar_entry(struct cb_strbuf *tar, const char *name, char type,
                             mode_t mode, const char *data, const char *link)
{
    char header[512];
    size_t len = data ? strlen(data) : 0;

    raw_header(header, name, type, mode, len, link);
    cb_strbuf_add(tar, header, 512);
    if (len)
        tar_body(tar, data, len);
}

static unused void tar_pax(struct cb_strbuf *tar, const char *key, const void *value,
                           size_t len)
{
    cb_auto_value(cb_strbuf) record = {0};
    char header[512];
    size_t total = strlen(key) + len + 3, digits;

    for (digits = 1; digits < 12; digits++) {
        char text[16];

        if ((size_t)snprintf(text, sizeof(text), "%zu", total + digits) == digits)
            break;
    }
    cb_strbuf_addf(&record, "%zu %s=", total + digits, key);
    cb_strbuf_add(&record, value, len);
    cb_strbuf_addc(&record, '\n');
    raw_header(header, "PaxHeaders/x", 'x', 0644, record.len, NULL);
    cb_strbuf_add(tar, header, 512);
    tar_body(tar, record.text, record.len);
}

static unused void tar_file(struct cb_strbuf *tar, const char *name, const char *data)
{
    tar_entry(tar, name, '0', 0644, data, NULL);
}
static unused void tar_dir(struct cb_strbuf *tar, const char *name)
{
    tar_entry(tar, name, '5', 0755, NULL, NULL);
}
static unused void tar_symlink(struct cb_strbuf *tar, const char *name,
                               const char *target)
{
    tar_entry(tar, name, '2', 0777, NULL, target);
}
static unused void tar_hardlink(struct cb_strbuf *tar, const char *name,
                                const char *target)
{
    tar_entry(tar, name, '1', 0644, NULL, target);
}
static unused void tar_end(struct cb_strbuf *tar)
{
    static const char zeros[1024];

    cb_strbuf_add(tar, zeros, sizeof(zeros));
}

static unused ssize_t read_strbuf(void *arg, void *buffer, size_t len,
                                  struct cb_error **err)
{
    struct cb_strbuf *from = arg; /* capacity serves as the position */
    size_t left = from->len - from->capacity;

    len = len < left ? len : left;
    memcpy(buffer, from->text + from->capacity, len);
    from->capacity += len;
    return (ssize_t)len;
}

static unused int write_strbuf(void *arg, const void *bytes, size_t len,
                               struct cb_error **err)
{
    cb_strbuf_add(arg, bytes, len);
    return 0;
}

/* ── Images ── */

struct test_layer {
    struct cb_descriptor blob;
    struct cb_digest diff_id;
};

static unused struct test_layer put_layer(struct fixture *f, const struct cb_strbuf *tar)
{
    struct test_layer layer = {.diff_id = cb_digest_of(tar->text, tar->len)};

    ok(f, cb_content_put(f->store, tar->text, tar->len, &layer.blob.digest, &f->error));
    layer.blob.size = (int64_t)tar->len;
    layer.blob.media_type = (char *)CB_MT_OCI_LAYER;
    return layer;
}

static unused int unpack_layers(struct fixture *f, const struct test_layer *layers,
                                size_t count, struct cb_snapshot **out)
{
    cb_autofree struct cb_descriptor *blobs = xcalloc(count, sizeof(*blobs));
    cb_autofree struct cb_digest *diff_ids = xcalloc(count, sizeof(*diff_ids));
    size_t i;

    for (i = 0; i < count; i++) {
        blobs[i] = layers[i].blob;
        diff_ids[i] = layers[i].diff_id;
    }
    return cb_layers_unpack(
        &(struct cb_layers_options){
            .store = f->store, .blobs = blobs, .diff_ids = diff_ids, .count = count},
        f->pool, out, &f->error);
}

/* A config with these layers. Caller frees. */
static unused char *config_for(const struct cb_digest *diff_ids, size_t count,
                               const char *created)
{
    cb_auto_value(cb_strbuf) json = {0};
    char text[CB_DIGEST_MAX_TEXT];
    size_t i;

    cb_strbuf_addf(&json,
                   "{\"created\":\"%s\",\"architecture\":\"amd64\",\"os\":\"linux\","
                   "\"config\":{},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
                   created);
    for (i = 0; i < count; i++)
        cb_strbuf_addf(&json, "%s\"%s\"", i ? "," : "",
                       cb_digest_text(&diff_ids[i], text));
    cb_strbuf_adds(&json, "]}}");
    return cb_strbuf_steal(&json);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
