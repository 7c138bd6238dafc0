/* A store, a client and tests/lib/registry.py for the tests of this directory. */
#ifndef CB_TEST_REGISTRY_FIXTURE_H
#define CB_TEST_REGISTRY_FIXTURE_H

#include "base/fs.h"
#include "lib/test-server.h"
#include "registry/registry.h"
#include "store/content.h"
#include "store/refs.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    struct test_server server;
    char dir[64]; /* holds store/, log and config.json */
    char *log;
    struct cb_store *store;
    struct cb_pool *pool;
    struct cb_event_sink sink;
    struct cb_strbuf events; /* texts of status, warnings and notices, one per line */
    pthread_mutex_t mutex;   /* events */
    struct cb_registry *registry;
};

static inline void fixture_emit(struct cb_event_sink *sink, const struct cb_event *event)
{
    struct fixture *fixture =
        (struct fixture *)((char *)sink - offsetof(struct fixture, sink));

    pthread_mutex_lock(&fixture->mutex);
    if (event->text)
        cb_strbuf_addf(&fixture->events, "%.*s\n", (int)event->len, event->text);
    pthread_mutex_unlock(&fixture->mutex);
}

static inline void fixture_new_client(struct fixture *fixture)
{
    struct cb_registry_options options = {.store = fixture->store,
                                          .pool = fixture->pool,
                                          .sink = &fixture->sink,
                                          .tls_verify = 1};

    cb_registry_free(fixture->registry);
    assert_int_equal(cb_registry_new(&fixture->registry, &options, NULL), 0);
}

static inline void fixture_fresh_store(struct fixture *fixture, const char *name)
{
    cb_autofree char *root = xasprintf("%s/%s", fixture->dir, name);
    struct cb_store_options options = {.root = root, .create = 1, .no_sync = 1};
    struct cb_error *error = NULL;

    cb_registry_free(fixture->registry);
    fixture->registry = NULL;
    cb_store_close(fixture->store);
    if (cb_store_open(&fixture->store, &options, &error) < 0)
        fail_msg("%s", cb_error_message(error));
    fixture_new_client(fixture);
}

static inline int fixture_start(void **state, const char *auth)
{
    struct fixture *fixture;

    if (geteuid() != 0)
        return 0; /* the tests skip */
    fixture = xcalloc(1, sizeof(*fixture));
    pthread_mutex_init(&fixture->mutex, NULL);
    fixture->sink.emit = fixture_emit;
    strcpy(fixture->dir, "/tmp/cbuild-test-XXXXXX");
    if (!mkdtemp(fixture->dir))
        return -1;
    fixture->log = xasprintf("%s/log", fixture->dir);
    setenv("DOCKER_CONFIG", fixture->dir, 1);
    unsetenv("REGISTRY_AUTH_FILE");
    if (test_server_start(&fixture->server, __FILE__, auth, fixture->log) < 0)
        return -1;
    fixture->pool = cb_pool_new(2, 4);
    *state = fixture;
    return 0;
}

static inline int fixture_stop(void **state)
{
    struct fixture *fixture = *state;

    if (!fixture)
        return 0;
    test_server_stop(&fixture->server);
    cb_registry_free(fixture->registry);
    cb_pool_free(fixture->pool);
    cb_store_close(fixture->store);
    cb_fs_remove_tree(AT_FDCWD, fixture->dir, NULL);
    cb_strbuf_free(&fixture->events);
    pthread_mutex_destroy(&fixture->mutex);
    free(fixture->log);
    free(fixture);
    return 0;
}

#define NEED(state)                     \
    struct fixture *fixture = *(state); \
    if (!fixture) {                     \
        print_message("needs root\n");  \
        skip();                         \
    }

/* "127.0.0.1:port/rest". Caller frees. */
static inline char *fixture_name(struct fixture *fixture, const char *rest)
{
    return xasprintf("127.0.0.1:%d/%s", fixture->server.port, rest);
}

static inline int fixture_pull(struct fixture *fixture, const char *rest, int *changed,
                               struct cb_digest *id, struct cb_error **err)
{
    cb_autofree char *name = fixture_name(fixture, rest);
    struct cb_platform platform = {.os = "linux", .arch = "amd64"};
    struct cb_pulled pulled = {0};
    int result = cb_registry_pull(fixture->registry, name, &platform, &pulled, err);

    *id = pulled.id;
    *changed = pulled.changed;
    return result;
}

/* How many requests of the log have all of A, B. */
static inline int fixture_requests(struct fixture *fixture, const char *a, const char *b)
{
    cb_auto_value(cb_strbuf) text = {0};
    int count = 0;

    if (cb_fs_read_file(AT_FDCWD, fixture->log, 1 << 26, &text, NULL) < 0)
        return 0;
    for (char *line = text.text, *end; line && *line; line = end) {
        end = strchrnul(line, '\n');
        if (*end)
            *end++ = '\0';
        count += strstr(line, a) && strstr(line, b);
    }
    return count;
}

/* Every file below blobs/ is named by its digest. */
static inline void fixture_check_blobs(struct fixture *fixture)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd = openat(cb_store_root_fd(fixture->store), "blobs/sha256",
                              O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    assert_int_equal(cb_fs_list(fd, &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++) {
        cb_auto_value(cb_strbuf) bytes = {0};
        struct cb_digest digest;
        char hex[CB_DIGEST_MAX_TEXT];

        assert_int_equal(cb_fs_read_file(fd, names.items[i], 1 << 26, &bytes, NULL), 0);
        digest = cb_digest_of(cb_strbuf_text(&bytes), bytes.len);
        assert_string_equal(cb_digest_hex(&digest, hex), names.items[i]);
    }
}

#endif
