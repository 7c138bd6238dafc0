/* A store in a temporary directory, trees written as text, and steps solved for real. */
#ifndef CB_TESTS_OPS_FIXTURE_H
#define CB_TESTS_OPS_FIXTURE_H

#include "ops/ops.h"

#include "base/fs.h"
#include "store/record.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

struct fixture {
    struct cb_event_sink sink; /* first: emit gets a pointer to it */
    char dir[64];
    int dir_fd;
    struct cb_store *store;
    struct cb_pool *pool;
    struct cb_launcher *launcher;
    struct cb_cache_store *cache;
    struct cb_build_env env;
    struct cb_strbuf output, errors, warnings;
    pthread_mutex_t lock;
    struct cb_solve_stats stats; /* of the last solve */
};

static void fixture_event(struct cb_event_sink *sink, const struct cb_event *event)
{
    struct fixture *f = (struct fixture *)sink;

    pthread_mutex_lock(&f->lock);
    if (event->kind == CB_EVENT_STEP_LOG)
        cb_strbuf_add(event->stream == 2 ? &f->errors : &f->output, event->text,
                      event->len);
    if (event->kind == CB_EVENT_WARNING)
        cb_strbuf_adds(&f->warnings, event->text);
    pthread_mutex_unlock(&f->lock);
}

static void check(int status, struct cb_error *error)
{
    if (status < 0)
        fail_msg("%s", cb_error_message(error));
}
#define OK(call)                                         \
    do {                                                 \
        struct cb_error *error_ = NULL, **err = &error_; \
        int status_ = (call);                            \
        check(status_, error_);                          \
        (void)err;                                       \
    } while (0)

static inline int fixture_needs_root(void)
{
    if (geteuid() == 0)
        return 1;
    if (getenv("CBUILD_TESTS_MUST_RUN"))
        fail_msg("root is needed");
    return 0;
}

static int fixture_open(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    cb_autofree char *root = NULL;
    struct cb_store_options options = {.create = 1};

    snprintf(f->dir, sizeof(f->dir), "/tmp/cbuild-ops-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    root = xasprintf("%s/store", f->dir);
    options.root = root;
    pthread_mutex_init(&f->lock, NULL);
    f->sink.emit = fixture_event;
    OK(cb_launcher_start(&f->launcher, err));
    OK(cb_store_open(&f->store, &options, err));
    f->pool = cb_pool_new(2, 2);
    f->cache = cb_cache_memory_new();
    f->env = (struct cb_build_env){.store = f->store,
                                   .launcher = f->launcher,
                                   .pool = f->pool,
                                   .sink = &f->sink,
                                   .source_date_epoch = -1};
    *state = f;
    return 0;
}

static int fixture_close(void **state)
{
    struct fixture *f = *state;

    cb_cache_store_free(f->cache);
    cb_pool_free(f->pool);
    cb_store_close(f->store);
    cb_launcher_stop(f->launcher);
    OK(cb_fs_remove_tree(AT_FDCWD, f->dir, err));
    close(f->dir_fd);
    cb_strbuf_free(&f->output);
    cb_strbuf_free(&f->errors);
    cb_strbuf_free(&f->warnings);
    free(f);
    return 0;
}

/* ── Trees as text: entries apart by spaces, "[MODE@UID:GID@]PATH" and then "/" for a
 * directory, "=CONTENT" for a file, "->TARGET" for a link, "|" for a FIFO, "%" for a
 * socket,
 * "~PATH" for another name of a file. Times are 1000000000 unless changed. ── */

#define OLD 1000000000

static void plant_one(int root, char *text)
{
    unsigned mode = 0, uid = 0, gid = 0;
    struct timespec times[2] = {{.tv_sec = OLD}, {.tv_sec = OLD}};
    char *at, *path = text, *rest;

    while ((at = strchr(path, '@')) && at < path + strcspn(path, "/=-|~")) {
        *at = '\0';
        if (strchr(path, ':'))
            sscanf(path, "%u:%u", &uid, &gid);
        else
            mode = (unsigned)strtoul(path, NULL, 8);
        path = at + 1;
    }
    if ((rest = strstr(path, "->"))) {
        *rest = '\0';
        assert_int_equal(symlinkat(rest + 2, root, path), 0);
    } else if ((rest = strchr(path, '='))) {
        cb_autofd int fd = -1;

        *rest = '\0';
        fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(cb_fs_write_all(fd, rest + 1, strlen(rest + 1)), 0);
        mode = mode ? mode : 0644;
    } else if ((rest = strchr(path, '~'))) {
        *rest = '\0';
        assert_int_equal(linkat(root, rest + 1, root, path, 0), 0);
    } else if ((rest = strchr(path, '|')) || (rest = strchr(path, '%'))) {
        mode_t type = *rest == '|' ? S_IFIFO : S_IFSOCK;

        *rest = '\0';
        assert_int_equal(mknodat(root, path, type | 0600, 0), 0);
    } else {
        path[strlen(path) - 1] = '\0';
        assert_int_equal(mkdirat(root, path, 0700), 0);
        mode = mode ? mode : 0755;
    }
    assert_int_equal(fchownat(root, path, uid, gid, AT_SYMLINK_NOFOLLOW), 0);
    if (mode)
        assert_int_equal(fchmodat(root, path, mode, 0), 0);
    assert_int_equal(utimensat(root, path, times, AT_SYMLINK_NOFOLLOW), 0);
    if ((rest = strrchr(path, '/'))) {
        *rest = '\0';
        assert_int_equal(utimensat(root, path, times, 0), 0);
    }
}

static void plant(int root, const char *spec)
{
    cb_autofree char *text = xstrdup(spec);
    char *save = NULL;

    for (char *entry = strtok_r(text, " ", &save); entry;
         entry = strtok_r(NULL, " ", &save))
        plant_one(root, entry);
}

/* "[MODE@][UID:GID@]path…" of everything, apart by spaces; 0755 directories, 0644 files
 * and 0:0 go without saying. */
static void show(int root, const char *prefix, struct cb_strbuf *out)
{
    cb_auto_value(cb_strings) names = {0};

    OK(cb_fs_list(root, &names, err));
    cb_vec_foreach (name, &names) {
        cb_autofree char *path = xasprintf("%s%s", prefix, *name);
        struct stat st;

        assert_int_equal(fstatat(root, *name, &st, AT_SYMLINK_NOFOLLOW), 0);
        cb_strbuf_adds(out, out->len ? " " : "");
        if (!S_ISLNK(st.st_mode) &&
            (st.st_mode & 07777) != (S_ISDIR(st.st_mode) ? 0755U : 0644U))
            cb_strbuf_addf(out, "%o@", st.st_mode & 07777);
        if (st.st_uid || st.st_gid)
            cb_strbuf_addf(out, "%u:%u@", st.st_uid, st.st_gid);
        cb_strbuf_adds(out, path);
        if (S_ISDIR(st.st_mode)) {
            cb_autofree char *below = xasprintf("%s/", path);
            cb_autofd int fd = openat(root, *name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

            cb_strbuf_addc(out, '/');
            show(fd, below, out);
        } else if (S_ISLNK(st.st_mode)) {
            char target[4096] = "";

            assert_true(readlinkat(root, *name, target, sizeof(target) - 1) >= 0);
            cb_strbuf_addf(out, "->%s", target);
        } else if (S_ISREG(st.st_mode)) {
            cb_strbuf_addc(out, '=');
            OK(cb_fs_read_file(root, *name, 1 << 20, out, err));
        } else {
            cb_strbuf_addc(out, S_ISFIFO(st.st_mode) ? '|' : '%');
        }
    }
}

static inline void assert_tree(int root, const char *expected)
{
    cb_auto_value(cb_strbuf) text = {0};

    show(root, "", &text);
    assert_string_equal(cb_strbuf_text(&text), expected);
}

static inline void assert_result(struct cb_result *result, const char *expected)
{
    int root = -1;

    OK(cb_result_root(result, &root, err));
    assert_tree(root, expected);
}

static inline int make_dir(struct fixture *f, const char *name)
{
    int fd;

    assert_int_equal(mkdirat(f->dir_fd, name, 0755), 0);
    fd = openat(f->dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* ── Filesystems to start from ── */

struct given {
    struct cb_result *result;
};

static int given_map(void *payload, struct cb_cache_map *map, struct cb_cancel *cancel,
                     struct cb_error **err)
{
    map->uncacheable = 1;
    return 0;
}

static int given_exec(void *payload, struct cb_exec_context *context,
                      struct cb_result **out, struct cb_error **err)
{
    *out = cb_result_ref(((struct given *)payload)->result);
    return 0;
}

static void given_free(void *payload)
{
    cb_result_unref(((struct given *)payload)->result);
    free(payload);
}

static const struct cb_op_class given_op = {.name = "given",
                                            .cache_map = given_map,
                                            .exec = given_exec,
                                            .free_payload = given_free};

/* By what is in the layers from TOP down, as a step's result is known. */
static __attribute__((unused)) struct cb_digest identity_of(struct fixture *f,
                                                            struct cb_snapshot *top)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);

    for (; top; top = cb_snapshot_parent(top)) {
        struct cb_layer_info info;

        OK(cb_layer_info(top, f->pool, &info, err));
        cb_hasher_digest(hasher, &info.tree);
    }
    return cb_hasher_finish(hasher);
}

/* A snapshot with the layers SPECS, NULL at their end; no layer at all for an empty list.
 */
static inline struct cb_result *filesystem(struct fixture *f, const char *const *specs)
{
    cb_auto(cb_snapshot) top = NULL;
    struct cb_digest identity;

    for (; *specs; specs++) {
        struct cb_snapshot *layer = NULL;
        int root = -1;

        OK(cb_snapshot_prepare(f->store, top, &layer, err));
        OK(cb_snapshot_open_root(layer, &root, err));
        plant(root, *specs);
        close(root);
        OK(cb_snapshot_commit(layer, err));
        cb_snapshot_unref(top);
        top = layer;
    }
    identity = identity_of(f, top);
    return cb_snapshot_result_new(&f->env, top, &identity);
}
#define FILESYSTEM(f, ...) filesystem(f, (const char *const[]){__VA_ARGS__, NULL})

/* ── Steps ── */

static struct cb_edge add_step(struct cb_graph *graph, struct cb_vertex_options *options,
                               const struct cb_edge *inputs, size_t count)
{
    struct cb_edge edge = {0};

    options->inputs = inputs;
    options->input_count = count;
    if (!options->name)
        options->name = "step";
    OK(cb_graph_add(graph, options, &edge, err));
    return edge;
}

/* Takes RESULT. */
static inline struct cb_edge add_given(struct cb_graph *graph, struct cb_result *result)
{
    struct given *payload = xcalloc(1, sizeof(*payload));
    struct cb_vertex_options options = {.op = &given_op, .payload = payload};

    payload->result = result;
    options.definition = cb_digest_of(&payload, sizeof(payload));
    return add_step(graph, &options, NULL, 0);
}

static inline struct cb_edge add_context(struct fixture *f, struct cb_graph *graph,
                                         const char *name)
{
    cb_autofree char *path = xasprintf("%s/%s", f->dir, name);
    cb_auto(cb_context) context = NULL;
    struct cb_vertex_options options = {0};

    OK(cb_context_open_local(&context, path, err));
    OK(cb_context_load_ignore(context, &(struct cb_ignore_options){0}, err));
    OK(cb_op_context(&options, &f->env, context, "context", err));
    return add_step(graph, &options, NULL, 0);
}

/* The result of EDGE, or NULL and *MESSAGE (caller frees): the error with its hint. */
static inline struct cb_result *solve(struct fixture *f, struct cb_graph *graph,
                                      struct cb_edge edge, char **message)
{
    cb_auto(cb_cancel) cancel = cb_cancel_new();
    struct cb_solve_options options = {
        .pool = f->pool, .cancel = cancel, .sink = &f->sink, .cache = f->cache};
    struct cb_result *result = NULL;
    cb_auto(cb_error) error = NULL;

    *message = NULL;
    if (cb_solve(graph, &edge, 1, &options, &result, &f->stats, &error) == 0)
        return result;
    *message = cb_error_hint_text(error) ? xasprintf("%s (%s)", cb_error_message(error),
                                                     cb_error_hint_text(error))
                                         : xstrdup(cb_error_message(error));
    return NULL;
}

#endif
