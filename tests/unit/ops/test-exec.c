/* RUN: what the process sees, what stays of it, and how it fails. */
#include "unit/ops/fixture.h"

#include <dirent.h>

#define SECRET "hunter2-8f1c5b7a90d34e62"

/* Applets as links to one static program, and an /etc. */
static struct cb_result *busybox(struct fixture *f)
{
    static const char *const applets[] = {"sh",    "cat",   "ls",   "id",   "mkdir",
                                          "touch", "rm",    "stat", "kill", "ln",
                                          "mount", "chmod", "cp",   "wc"};
    cb_auto(cb_snapshot) layer = NULL;
    struct cb_digest identity;
    cb_autofd int root = -1, from = -1, to = -1;

    OK(cb_snapshot_prepare(f->store, NULL, &layer, err));
    OK(cb_snapshot_open_root(layer, &root, err));
    plant(root, "bin/ etc/ etc/passwd=root:x:0:0::/root:\nu:x:7:8::/home/u: tmp/ proc/ "
                "sys/ dev/");
    plant(root, "etc/group=root:x:0:\ng:x:50:u etc/hosts= etc/resolv.conf=");
    from = open("/bin/busybox", O_RDONLY | O_CLOEXEC);
    to = openat(root, "bin/busybox", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    assert_true(from >= 0 && to >= 0);
    OK(cb_fs_copy_data(from, to, -1, err));
    assert_int_equal(fchmod(to, 0755), 0);
    for (size_t i = 0; i < CB_ARRAY_SIZE(applets); i++) {
        cb_autofree char *path = xasprintf("bin/%s", applets[i]);

        assert_int_equal(symlinkat("busybox", root, path), 0);
    }
    cb_close(&root);
    cb_close(&to);
    OK(cb_snapshot_commit(layer, err));
    identity = identity_of(f, layer);
    return cb_snapshot_result_new(&f->env, layer, &identity);
}

/* ── One RUN ── */

struct run {
    const char *script;      /* for sh -c */
    const char *const *argv; /* or the words themselves */
    const char *const *env, *const *quiet_env;
    const char *cwd, *user;
    const struct cb_exec_mount *mounts;
    size_t mount_count;
    struct cb_result *from; /* input 1 (taken) */
    const char *context;    /* or a context */
    const char *pipe_name, *pipe_content;
};

static void fill(struct cb_strings *strings, const char *const *words)
{
    for (; words && *words; words++)
        cb_strings_add(strings, *words);
}

static struct cb_result *run(struct fixture *f, struct cb_result *base,
                             const struct run *how, char **message)
{
    cb_auto(cb_graph) graph = cb_graph_new();
    cb_auto_value(cb_strings) argv = {0};
    cb_auto_value(cb_strings) env = {0};
    cb_auto_value(cb_strings) quiet_env = {0};
    struct cb_exec_options exec = {.argv = &argv,
                                   .env = &env,
                                   .quiet_env = &quiet_env,
                                   .cwd = how->cwd,
                                   .user = how->user,
                                   .network = CB_OP_NETWORK_NONE,
                                   .mounts = how->mounts,
                                   .mount_count = how->mount_count,
                                   .pipe_name = how->pipe_name,
                                   .pipe_content = how->pipe_content,
                                   .platform = cb_platform_host()};
    struct cb_vertex_options options = {0};
    struct cb_edge inputs[2];
    size_t count = 1;

    if (how->pipe_content)
        exec.pipe_len = strlen(how->pipe_content);
    if (how->script) {
        fill(&argv, (const char *const[]){"/bin/sh", "-c", how->script, NULL});
    } else {
        fill(&argv, how->argv);
    }
    fill(&env, how->env);
    fill(&quiet_env, how->quiet_env);
    OK(cb_op_exec(&options, &f->env, &exec, err));
    inputs[0] = add_given(graph, cb_result_ref(base));
    if (how->from)
        inputs[count++] = add_given(graph, how->from);
    if (how->context)
        inputs[count++] = add_context(f, graph, how->context);
    cb_strbuf_truncate(&f->output, 0);
    cb_strbuf_truncate(&f->errors, 0);
    return solve(f, graph, add_step(graph, &options, inputs, count), message);
}

static void assert_output(struct fixture *f, const struct run *how, const char *expected)
{
    cb_auto(cb_result) base = busybox(f);
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = run(f, base, how, &message);

    if (!result)
        fail_msg("%s: %s%s", how->script, message, cb_strbuf_text(&f->errors));
    assert_string_equal(cb_strbuf_text(&f->output), expected);
}

static void assert_failure(struct fixture *f, const struct run *how, const char *expected)
{
    cb_auto(cb_result) base = busybox(f);
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = run(f, base, how, &message);

    assert_null(result);
    assert_string_equal(message, expected);
}

/* ── Ends ── */

static void exit_codes_are_named(void **state)
{
    assert_failure(
        *state, &(struct run){.script = "exit 3"},
        "process \"/bin/sh -c exit 3\" did not complete successfully: exit code: 3");
    assert_failure(
        *state, &(struct run){.script = "exit 255"},
        "process \"/bin/sh -c exit 255\" did not complete successfully: exit code: 255");
    assert_failure(
        *state, &(struct run){.script = "/nope"},
        "process \"/bin/sh -c /nope\" did not complete successfully: exit code: 127");
}

static void nothing_stays_of_a_failed_step(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *path = xasprintf("%s/store/snapshots", f->dir);
    cb_auto(cb_result) base = busybox(f);
    cb_autofree char *message = NULL;
    cb_auto_value(cb_strings) before = {0};
    cb_auto_value(cb_strings) after = {0};
    cb_autofd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    OK(cb_fs_list(fd, &before, err));
    assert_null(run(f, base, &(struct run){.script = "touch /x; exit 1"}, &message));
    OK(cb_fs_list(fd, &after, err));
    assert_int_equal(after.count, before.count);
}

static void output_of_both_streams_comes_whole(void **state)
{
    struct fixture *f = *state;

    assert_output(
        f,
        &(struct run){.script = "echo out; echo err >&2; i=0; while [ $i -lt 20 ]; do "
                                "i=$((i+1)); echo $i >/dev/null; done; echo end"},
        "out\nend\n");
    assert_string_equal(cb_strbuf_text(&f->errors), "err\n");
    assert_output(f,
                  &(struct run){.script =
                                    "cat /bin/busybox | wc -c >/tmp/n; cat /bin/busybox "
                                    "/bin/busybox | wc -c | cat; echo done | cat &"},
                  cb_strbuf_text(&f->output));
}

static void a_process_left_behind_does_not_hold_the_step(void **state)
{
    assert_output(*state, &(struct run){.script = "cat /dev/zero >/dev/null & echo done"},
                  "done\n");
}

/* ── What the process sees ── */

static void home_and_path_have_defaults(void **state)
{
    static const char *const env[] = {"HOME=/h", "PATH=/bin", NULL};
    static const char *const quiet[] = {"http_proxy=http://p", "HOME=/no", NULL};

    assert_output(*state, &(struct run){.script = "echo $HOME $PATH"},
                  "/root /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
    assert_output(*state, &(struct run){.script = "echo $HOME", .user = "u"},
                  "/home/u\n");
    assert_output(*state, &(struct run){.script = "echo $HOME", .user = "1234"}, "/\n");
    assert_output(*state,
                  &(struct run){.script = "echo $HOME $PATH $http_proxy",
                                .env = env,
                                .quiet_env = quiet,
                                .user = "u"},
                  "/h /bin http://p\n");
}

static void user_and_directory_are_the_given_ones(void **state)
{
    assert_output(*state,
                  &(struct run){.script = "id; pwd", .user = "u", .cwd = "/new/dir"},
                  "uid=7(u) gid=8 groups=8,50(g)\n/new/dir\n");
    assert_failure(*state, &(struct run){.script = "id", .user = "w"},
                   "unable to find user w: no matching entries in passwd file");
}

static void names_are_mounted_and_leave_no_trace(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_result) base = FILESYSTEM(f, "a=1");
    cb_auto(cb_result) full = busybox(f);
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = NULL;
    struct cb_snapshot *layer;
    int upper;

    result =
        run(f, full,
            &(struct run){.script = "cat /etc/hosts >/tmp/h; test -s /etc/resolv.conf; "
                                    "echo x >/tmp/x"},
            &message);
    if (!result)
        fail_msg("%s", message);
    layer = cb_snapshot_result_get(result);
    OK(cb_snapshot_open_upper(layer, &upper, err));
    assert_int_equal(faccessat(upper, "etc/hosts", F_OK, 0), -1);
    assert_int_equal(faccessat(upper, "etc/resolv.conf", F_OK, 0), -1);
    assert_int_equal(faccessat(upper, "tmp/x", F_OK, 0), 0);
    close(upper);
}

static void a_script_comes_as_a_file(void **state)
{
    static const char *const argv[] = {"/dev/pipes/EOF", NULL};

    assert_output(*state,
                  &(struct run){.argv = argv,
                                .pipe_name = "EOF",
                                .pipe_content = "#!/bin/sh\necho from a script\n"},
                  "from a script\n");
}

/* ── Mounts ── */

static void a_bind_shows_a_stage_and_is_read_only(void **state)
{
    struct fixture *f = *state;
    struct cb_exec_mount mount = {
        .type = CB_EXEC_BIND, .input = 1, .source = "/l", .target = "/m", .read_only = 1};
    struct run how = {.script =
                          "cat /m/a; touch /m/b 2>/dev/null && echo writable; ls /m",
                      .mounts = &mount,
                      .mount_count = 1};

    how.from = FILESYSTEM(f, "d/ d/a=one l->/d");
    assert_output(f, &how, "onea\n");
}

static void writes_to_a_bind_are_thrown_away(void **state)
{
    struct fixture *f = *state;
    struct cb_exec_mount mount = {
        .type = CB_EXEC_BIND, .input = 1, .source = "/d", .target = "/m"};
    struct run how = {.script = "echo two >/m/a; touch /m/b; cat /m/a",
                      .mounts = &mount,
                      .mount_count = 1};
    cb_auto(cb_result) from = FILESYSTEM(f, "d/ d/a=one");

    how.from = cb_result_ref(from);
    assert_output(f, &how, "two\n");
    assert_result(from, "d/ d/a=one");
}

static void a_bind_of_the_context_shows_what_a_build_sees(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");
    struct cb_exec_mount mount = {
        .type = CB_EXEC_BIND, .input = 1, .target = "/m", .read_only = 1};
    struct run how = {
        .script = "cd /m; ls; stat -c '%u:%g %n' *; touch x 2>/dev/null || echo ro",
        .mounts = &mount,
        .mount_count = 1,
        .context = "context"};

    plant(context, "5:6@a=1 gone=2 .dockerignore=gone\n");
    assert_output(f, &how, "a\n0:0 a\nro\n");
    mount.read_only = 0;
    how.script = "echo changed >/m/a; cat /m/a";
    assert_output(f, &how, "changed\n");
    mount.source = "/a";
    how.script = "cat /m; echo changed >/m; cat /m";
    assert_output(f, &how, "1changed\n");
    assert_tree(context, ".dockerignore=gone\n 5:6@a=1 gone=2");
}

static void a_change_of_a_bound_file_is_a_miss(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_result) base = busybox(f);
    cb_autofd int context = make_dir(f, "context");
    struct cb_exec_mount mount = {
        .type = CB_EXEC_BIND, .input = 1, .source = "d", .target = "/m", .read_only = 1};
    struct run how = {.script = "cat /m/a >/a",
                      .mounts = &mount,
                      .mount_count = 1,
                      .context = "context"};
    cb_autofree char *message = NULL;

    plant(context, "d/ d/a=1 other=2");
    cb_result_unref(run(f, base, &how, &message));
    plant(context, "more=3");
    cb_result_unref(run(f, base, &how, &message));
    assert_int_equal(f->stats.cached, 1);
    plant(context, "d/a=2");
    cb_result_unref(run(f, base, &how, &message));
    assert_int_equal(f->stats.cached, 0);
}

static void a_missing_source_of_a_mount_is_named(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");
    struct cb_exec_mount mount = {
        .type = CB_EXEC_BIND, .input = 1, .source = "/d", .target = "/m"};

    assert_failure(
        f,
        &(struct run){
            .script = "true", .mounts = &mount, .mount_count = 1, .context = "context"},
        "RUN --mount /d: \"/d\" not found in the build context");
}

static void a_cache_outlives_its_step_and_stays_out_of_the_layer(void **state)
{
    struct fixture *f = *state;
    struct cb_exec_mount mounts[] = {{.type = CB_EXEC_CACHE,
                                      .input = -1,
                                      .id = "../../x",
                                      .target = "/c",
                                      .sharing = 2},
                                     {.type = CB_EXEC_CACHE,
                                      .input = -1,
                                      .id = "../../x",
                                      .target = "/same",
                                      .sharing = 2}};
    struct run how = {.script = "echo kept >/c/a", .mounts = mounts, .mount_count = 2};
    cb_auto(cb_result) base = busybox(f);
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = run(f, base, &how, &message);
    int upper;

    if (!result)
        fail_msg("%s", message);
    OK(cb_snapshot_open_upper(cb_snapshot_result_get(result), &upper, err));
    assert_tree(upper, "");
    close(upper);
    how.script = "cat /c/a /same/a";
    assert_output(f, &how, "kept\nkept\n");
    mounts[0].has_mode = mounts[1].has_mode = 1;
    mounts[0].mode = mounts[1].mode = 0700;
    how.script = "ls /c; stat -c %a /c";
    assert_output(f, &how, "700\n");
}

static void a_cache_starts_as_its_seed(void **state)
{
    struct fixture *f = *state;
    struct cb_exec_mount mount = {.type = CB_EXEC_CACHE,
                                  .input = 1,
                                  .source = "/d",
                                  .id = "seeded",
                                  .target = "/c"};
    struct run how = {
        .script = "cat /c/a; echo new >/c/a", .mounts = &mount, .mount_count = 1};

    how.from = FILESYSTEM(f, "d/ d/a=seed");
    assert_output(f, &how, "seed");
    how.script = "cat  /c/a";
    how.from = FILESYSTEM(f, "d/ d/a=seed");
    assert_output(f, &how, "new\n");
    how.from = FILESYSTEM(f, "d/ d/a=other");
    assert_output(f, &how, "other");
}

static void a_tmpfs_is_empty_and_writable(void **state)
{
    struct cb_exec_mount mount = {.type = CB_EXEC_TMPFS, .input = -1, .target = "/etc"};

    assert_output(*state,
                  &(struct run){.script = "ls /etc; touch /etc/x && ls /etc",
                                .mounts = &mount,
                                .mount_count = 1},
                  "x\n");
}

static void mounts_over_the_sandbox_are_refused(void **state)
{
    static const char *const targets[] = {"/",    "/proc",           "/proc/sys/kernel",
                                          "/sys", "//proc/../sys/x", "/dev"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(targets); i++) {
        struct cb_exec_mount mount = {
            .type = CB_EXEC_TMPFS, .input = -1, .target = targets[i]};
        struct fixture *f = *state;
        cb_auto(cb_result) base = busybox(f);
        cb_autofree char *message = NULL;

        assert_null(run(
            f, base, &(struct run){.script = "true", .mounts = &mount, .mount_count = 1},
            &message));
        assert_non_null(strstr(message, "is not allowed"));
    }
}

/* ── Secrets ── */

static int give_secret(void *arg, const char *id, const void **bytes, size_t *len)
{
    if (strcmp(id, "s") != 0)
        return 0;
    *bytes = SECRET;
    *len = strlen(SECRET);
    return 1;
}

/* Is TEXT in any file below FD? */
static int is_stored(int fd, const char *text)
{
    cb_auto_value(cb_strings) names = {0};
    int found = 0;

    OK(cb_fs_list(fd, &names, err));
    cb_vec_foreach (name, &names) {
        cb_auto_value(cb_strbuf) bytes = {0};
        cb_autofd int below =
            openat(fd, *name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        struct stat st;

        if (below < 0 || fstat(below, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode))
            found |= is_stored(below, text);
        if (S_ISREG(st.st_mode) && cb_fs_read_fd(below, 64 << 20, &bytes, NULL) == 0)
            found |=
                memmem(cb_strbuf_text(&bytes), bytes.len, text, strlen(text)) != NULL;
    }
    return found;
}

static void a_secret_is_seen_and_never_stored(void **state)
{
    struct fixture *f = *state;
    struct cb_exec_mount mounts[] = {
        {.type = CB_EXEC_SECRET,
         .input = -1,
         .id = "s",
         .target = "/run/secrets/s",
         .required = 1},
        {.type = CB_EXEC_SECRET, .input = -1, .id = "s", .env = "TOKEN"},
        {.type = CB_EXEC_SECRET,
         .input = -1,
         .id = "absent",
         .target = "/run/secrets/absent"},
        {.type = CB_EXEC_SECRET,
         .input = -1,
         .id = "s",
         .target = "/run/x",
         .has_mode = 1,
         .mode = 0440,
         .uid = 7,
         .gid = 8},
    };
    struct run how = {
        .script =
            "wc -c </run/secrets/s; [ \"$TOKEN\" = \"$(cat /run/secrets/s)\" ] && echo "
            "same; ls /run/secrets; stat -c '%a %u:%g' /run/secrets/s /run/x",
        .mounts = mounts,
        .mount_count = 4};
    int upper;
    cb_auto(cb_result) base = busybox(f);
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = NULL;

    f->env.secret = give_secret;
    result = run(f, base, &how, &message);
    if (!result)
        fail_msg("%s", message);
    assert_string_equal(cb_strbuf_text(&f->output), "24\nsame\ns\n400 0:0\n440 7:8\n");
    OK(cb_snapshot_open_upper(cb_snapshot_result_get(result), &upper, err));
    assert_tree(upper, "");
    close(upper);
    assert_false(is_stored(f->dir_fd, SECRET));
}

static void a_missing_required_secret_is_an_error(void **state)
{
    struct cb_exec_mount mount = {
        .type = CB_EXEC_SECRET, .input = -1, .id = "x", .target = "/x", .required = 1};

    assert_failure(*state,
                   &(struct run){.script = "true", .mounts = &mount, .mount_count = 1},
                   "secret x: not found (give it with --secret id=x,src=FILE)");
}

static void an_agent_that_is_not_given_is_an_error_only_when_required(void **state)
{
    struct cb_exec_mount mount = {
        .type = CB_EXEC_SSH, .input = -1, .id = "default", .target = "/run/agent"};
    struct run how = {.script = "echo ok", .mounts = &mount, .mount_count = 1};

    assert_output(*state, &how, "ok\n");
    mount.required = 1;
    how.script = "echo  ok";
    assert_failure(*state, &how,
                   "no SSH key `default` is forwarded to this build (give it with --ssh "
                   "default)");
}

/* ── Keys and identities ── */

static int was_hit(struct fixture *f, struct cb_result *base, const struct run *how)
{
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = run(f, base, how, &message);

    if (!result)
        fail_msg("%s", message);
    return f->stats.cached > 0;
}

static void variables_count_but_proxies_do_not(void **state)
{
    static const char *const one[] = {"A=1", NULL}, *const two[] = {"A=2", NULL};
    struct fixture *f = *state;
    cb_auto(cb_result) base = busybox(f);

    assert_false(was_hit(f, base, &(struct run){.script = "true", .env = one}));
    assert_true(was_hit(f, base, &(struct run){.script = "true", .env = one}));
    assert_true(
        was_hit(f, base, &(struct run){.script = "true", .env = one, .quiet_env = two}));
    assert_false(was_hit(f, base, &(struct run){.script = "true", .env = two}));
    assert_false(
        was_hit(f, base, &(struct run){.script = "true", .env = one, .user = "u"}));
    assert_false(
        was_hit(f, base, &(struct run){.script = "true", .env = one, .cwd = "/tmp"}));
    assert_false(was_hit(f, base, &(struct run){.script = "true ", .env = one}));
}

static void remember(struct fixture *f, struct cb_result *result)
{
    struct cb_digest key = cb_digest_of("some key", 8);
    struct cb_record record = {
        .identity = result->identity,
        .snapshot_id = (char *)cb_snapshot_id(cb_snapshot_result_get(result)),
        .name = (char *)"step",
        .parts_json = (char *)"[]",
    };

    OK(cb_record_put(f->store, &key, 1, &record, err));
}

static void an_equal_result_is_replaced_by_the_earlier_one(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_result) base = busybox(f);
    cb_autofree char *message = NULL;
    cb_auto(cb_result) first =
        run(f, base, &(struct run){.script = "echo 1 >/tmp/x"}, &message);
    cb_auto(cb_result) same = NULL;
    cb_auto(cb_result) other = NULL;

    assert_non_null(first);
    remember(f, first);
    same = run(f, base, &(struct run){.script = "echo 1 > /tmp/x"}, &message);
    assert_ptr_equal(cb_snapshot_result_get(same), cb_snapshot_result_get(first));
    assert_true(cb_digest_equal(&same->identity, &first->identity));
    other = run(f, base, &(struct run){.script = "echo 2 >/tmp/x"}, &message);
    assert_false(cb_digest_equal(&other->identity, &first->identity));
}

static void a_canceled_step_ends(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_graph) graph = cb_graph_new();
    cb_auto_value(cb_strings) argv = {0};
    cb_auto(cb_cancel) cancel = cb_cancel_new();
    struct cb_exec_options exec = {.argv = &argv, .network = CB_OP_NETWORK_NONE};
    struct cb_solve_options how = {.pool = f->pool, .cancel = cancel, .sink = &f->sink};
    struct cb_vertex_options options = {0};
    struct cb_edge base = add_given(graph, busybox(f)), step;
    struct cb_result *result = NULL;
    cb_auto(cb_error) error = NULL;

    fill(&argv, (const char *const[]){"/bin/cat", "/dev/zero", NULL});
    OK(cb_op_exec(&options, &f->env, &exec, err));
    step = add_step(graph, &options, &base, 1);
    cb_cancel_request(cancel);
    assert_int_equal(cb_solve(graph, &step, 1, &how, &result, &f->stats, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_CANCELED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exit_codes_are_named),
        TEST(nothing_stays_of_a_failed_step),
        TEST(output_of_both_streams_comes_whole),
        TEST(a_process_left_behind_does_not_hold_the_step),
        TEST(home_and_path_have_defaults),
        TEST(user_and_directory_are_the_given_ones),
        TEST(names_are_mounted_and_leave_no_trace),
        TEST(a_script_comes_as_a_file),
        TEST(a_bind_shows_a_stage_and_is_read_only),
        TEST(writes_to_a_bind_are_thrown_away),
        TEST(a_bind_of_the_context_shows_what_a_build_sees),
        TEST(a_change_of_a_bound_file_is_a_miss),
        TEST(a_missing_source_of_a_mount_is_named),
        TEST(a_cache_outlives_its_step_and_stays_out_of_the_layer),
        TEST(a_cache_starts_as_its_seed),
        TEST(a_tmpfs_is_empty_and_writable),
        TEST(mounts_over_the_sandbox_are_refused),
        TEST(a_secret_is_seen_and_never_stored),
        TEST(a_missing_required_secret_is_an_error),
        TEST(an_agent_that_is_not_given_is_an_error_only_when_required),
        TEST(variables_count_but_proxies_do_not),
        TEST(an_equal_result_is_replaced_by_the_earlier_one),
        TEST(a_canceled_step_ends),
    };

    if (!fixture_needs_root())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
