/* A process killed at any moment leaves a sound store, and what it was making is gone
 * after the next start. The child works until it is killed; the parent kills it after a
 * number of steps it was told of through a pipe, so nothing depends on time. */
#include "store-test.h"

#include "store/gc.h"
#include "store/record.h"
#include "store/refs.h"

#include <signal.h>

static size_t count_in(struct fixture *f, const char *path)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd = openat(f->top_fd, path, O_RDONLY | O_DIRECTORY);

    ok(f, cb_fs_list(fd, &names, &f->error));
    return names.count;
}

static void tick(int fd)
{
    if (write(fd, "x", 1) != 1)
        _exit(1);
}

/* Never ends by itself. Every step on the way is told. */
static void work(const char *root, int fd)
{
    struct cb_store_options options = {.root = root, .no_sync = 1};
    struct cb_store *store = NULL;
    unsigned round;

    if (cb_store_open(&store, &options, NULL) < 0)
        _exit(1);
    for (round = 0;; round++) {
        struct cb_snapshot *base = NULL, *top = NULL;
        struct cb_digests diff_ids = {0};
        struct cb_digest key = cb_digest_of(&round, sizeof(round)), id;
        struct cb_record record = {0};
        struct cb_scratch *scratch = NULL;
        cb_autofree char *config = NULL;
        cb_auto_value(cb_strings) names = {0};
        char text[32];
        int root_fd = -1;

        snprintf(text, sizeof(text), "round %u", round);
        tick(fd);
        if (cb_store_scratch(store, &scratch, NULL) < 0 ||
            cb_snapshot_prepare(store, NULL, &base, NULL) < 0)
            _exit(1);
        tick(fd);
        cb_snapshot_open_root(base, &root_fd, NULL);
        put_file(root_fd, "f", text, 0644);
        cb_close(&root_fd);
        tick(fd);
        cb_snapshot_commit(base, NULL);
        tick(fd);
        cb_snapshot_prepare(store, base, &top, NULL);
        cb_snapshot_open_root(top, &root_fd, NULL);
        put_file(root_fd, "g", text, 0644);
        tick(fd);
        cb_close(&root_fd);
        cb_snapshot_commit(top, NULL);
        record.snapshot_id = (char *)cb_snapshot_id(top);
        tick(fd);
        cb_record_put(store, &key, 1, &record, NULL);
        tick(fd);
        cb_chain_register(top, NULL, &diff_ids, NULL);
        tick(fd);
        config = config_for(diff_ids.items, diff_ids.count, "2024-01-01T00:00:00Z");
        cb_strings_add(&names, "docker.io/library/app:latest");
        cb_image_put(store,
                     &(struct cb_new_image){
                         .config = config, .config_len = strlen(config), .names = &names},
                     &id, NULL);
        tick(fd);
        cb_scratch_free(scratch);
        cb_snapshot_unref(top);
        cb_snapshot_unref(base);
        cb_vec_free(&diff_ids);
        if (round % 3 == 2)
            cb_store_gc(store, NULL, NULL);
        tick(fd);
    }
}

static void run_and_kill(struct fixture *f, int steps)
{
    int pipe_fds[2], status;
    pid_t child;
    char byte;

    assert_int_equal(pipe(pipe_fds), 0);
    child = fork();
    if (child == 0) {
        close(pipe_fds[0]);
        work(f->root, pipe_fds[1]);
    }
    close(pipe_fds[1]);
    while (steps-- > 0)
        assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    close(pipe_fds[0]);
}

static void check_store(struct fixture *f)
{
    cb_auto_value(cb_strbuf) report = {0};
    cb_auto_value(cb_strings) rows = {0};
    struct cb_fsck out;

    open_store(f); /* sweeps */
    assert_int_equal(count_in(f, "store/tmp"), 0);
    assert_int_equal(count_in(f, "store/leases"), 0);
    ok(f, cb_store_fsck(f->store, &(struct cb_fsck_options){.deep = 1}, &out, &report,
                        &f->error));
    if (out.problems)
        print_error("%s", report.text);
    assert_int_equal(out.problems, 0);
    /* Whoever is killed between a snapshot's row and its directory leaves the latter. */
    ok(f, cb_store_gc(f->store, NULL, &f->error));
    ok(f, cb_store_fsck(f->store, &(struct cb_fsck_options){.deep = 1}, &out, &report,
                        &f->error));
    assert_int_equal(count_in(f, "store/snapshots"), out.snapshots);
    cb_store_close(f->store);
    f->store = NULL;
}

static void a_killed_process_leaves_a_sound_store(void **state)
{
    struct fixture *f = *state;
    int steps;

    cb_store_close(f->store);
    f->store = NULL;
    for (steps = 1; steps < 60; steps++) {
        run_and_kill(f, steps);
        check_store(f);
    }
}

static void a_half_made_store_is_made_again(void **state)
{
    struct fixture *f = *state;

    cb_store_close(f->store);
    f->store = NULL;
    assert_int_equal(unlinkat(f->top_fd, "store/format", 0), 0);
    open_store(f);
    assert_file(f->top_fd, "store/format", "1\n");
}

static void leftovers_of_the_living_are_left_alone(void **state)
{
    struct fixture *f = *state;
    struct cb_store_options options = {.root = f->root};
    struct cb_snapshot *active = new_snapshot(f, NULL);
    struct cb_scratch *scratch = NULL;
    struct cb_store *other = NULL;
    cb_autofree char *path = xasprintf("store/snapshots/%s", cb_snapshot_id(active));

    ok(f, cb_store_scratch(f->store, &scratch, &f->error));
    ok(f, cb_store_open(&other, &options, &f->error));
    assert_true(exists(f->top_fd, path));
    assert_int_equal(count_in(f, "store/tmp"), 1);
    cb_store_close(other);
    cb_scratch_free(scratch);
    cb_snapshot_unref(active);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_killed_process_leaves_a_sound_store),
        test(a_half_made_store_is_made_again),
        test(leftovers_of_the_living_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
