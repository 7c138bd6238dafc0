/* A store, and archives made member by member, for the tests of this directory. */
#ifndef CB_TEST_ARCHIVE_FIXTURE_H
#define CB_TEST_ARCHIVE_FIXTURE_H

#include "base/fs.h"
#include "exporter/exporter.h"
#include "store/content.h"
#include "store/layer.h"
#include "store/tar.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#include <cmocka.h>

struct fixture {
    char dir[64];
    struct cb_store *store;
    struct cb_pool *pool;
    struct cb_archive_env env;
    int stores;
};

static inline void fixture_fresh_store(struct fixture *fixture)
{
    cb_autofree char *root = xasprintf("%s/store%d", fixture->dir, fixture->stores++);
    struct cb_store_options options = {.root = root, .create = 1, .no_sync = 1};
    struct cb_error *error = NULL;

    cb_store_close(fixture->store);
    if (cb_store_open(&fixture->store, &options, &error) < 0)
        fail_msg("%s", cb_error_message(error));
    fixture->env =
        (struct cb_archive_env){.store = fixture->store, .pool = fixture->pool};
}

static inline int fixture_start(void **state)
{
    struct fixture *fixture;

    if (geteuid() != 0)
        return 0; /* the tests skip */
    fixture = xcalloc(1, sizeof(*fixture));
    strcpy(fixture->dir, "/tmp/cbuild-test-XXXXXX");
    if (!mkdtemp(fixture->dir))
        return -1;
    fixture->pool = cb_pool_new(2, 2);
    *state = fixture;
    return 0;
}

static inline int fixture_stop(void **state)
{
    struct fixture *fixture = *state;

    if (!fixture)
        return 0;
    cb_pool_free(fixture->pool);
    cb_store_close(fixture->store);
    cb_fs_remove_tree(AT_FDCWD, fixture->dir, NULL);
    free(fixture);
    return 0;
}

#define NEED(state)                     \
    struct fixture *fixture = *(state); \
    if (!fixture) {                     \
        print_message("needs root\n");  \
        skip();                         \
    }                                   \
    fixture_fresh_store(fixture)

/* ── Tars ── */

struct member {
    const char *path, *data, *link;
    size_t len; /* 0: strlen(data) */
};

static inline int add_to_strbuf(void *arg, const void *bytes, size_t len,
                                struct cb_error **err)
{
    cb_strbuf_add(arg, bytes, len);
    return 0;
}

static inline void make_tar(struct cb_strbuf *out, const struct member *members,
                            size_t count)
{
    cb_auto(cb_tar_writer) tar = NULL;

    assert_int_equal(cb_tar_writer_new(&tar, add_to_strbuf, out, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        size_t len =
            members[i].len || !members[i].data ? members[i].len : strlen(members[i].data);
        struct cb_tar_entry entry = {.path = (char *)members[i].path,
                                     .link = (char *)members[i].link,
                                     .mode = (members[i].link ? S_IFLNK : S_IFREG) | 0644,
                                     .size = (int64_t)len};

        assert_int_equal(cb_tar_writer_entry(tar, &entry, NULL), 0);
        if (len)
            assert_int_equal(cb_tar_writer_data(tar, members[i].data, len, NULL), 0);
    }
    assert_int_equal(cb_tar_writer_finish(tar, NULL), 0);
}

static inline int as_file(const struct cb_strbuf *bytes)
{
    int fd = memfd_create("archive", MFD_CLOEXEC);

    assert_int_equal(cb_fs_write_all(fd, bytes->text, bytes->len), 0);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static inline int load_members(struct fixture *fixture, const struct member *members,
                               size_t count, struct cb_strings *messages,
                               struct cb_error **err)
{
    cb_auto_value(cb_strbuf) tar = {0};
    cb_autofd int fd = -1;

    make_tar(&tar, members, count);
    fd = as_file(&tar);
    return cb_archive_load(&fixture->env, fd, NULL, messages, err);
}

/* ── An image ── */

struct parts {
    struct cb_strbuf layer;
    char *config;
    char layer_hex[CB_DIGEST_MAX_TEXT], config_hex[CB_DIGEST_MAX_TEXT];
    char *config_name; /* "<hex>.json" */
};

static inline void parts_clear(struct parts *parts)
{
    cb_strbuf_free(&parts->layer);
    free(parts->config);
    free(parts->config_name);
}
CB_AUTO_VALUE_DEFINE(parts, parts_clear)

static inline void make_parts(struct parts *parts)
{
    static const struct member files[] = {{.path = "hello", .data = "hello\n"},
                                          {.path = "link", .link = "hello"}};
    struct cb_digest digest;

    make_tar(&parts->layer, files, CB_ARRAY_SIZE(files));
    digest = cb_digest_of(parts->layer.text, parts->layer.len);
    cb_digest_hex(&digest, parts->layer_hex);
    parts->config =
        xasprintf("{\"architecture\":\"amd64\",\"os\":\"linux\","
                  "\"created\":\"2024-01-02T03:04:05Z\",\"config\":{},"
                  "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:%s\"]},"
                  "\"history\":[{\"created\":\"2024-01-02T03:04:05Z\"}]}",
                  parts->layer_hex);
    digest = cb_digest_of(parts->config, strlen(parts->config));
    cb_digest_hex(&digest, parts->config_hex);
    parts->config_name = xasprintf("%s.json", parts->config_hex);
}

#endif
