#include "scratch.h"

#include "base/subprocess.h"

static struct cb_subprocess_options shell(const char *const argv[4])
{
    return (struct cb_subprocess_options){.argv = argv, .cwd_fd = -1, .inherit_fd = -1};
}
#define SHELL(script) ((const char *const[]){"sh", "-c", script, NULL})

static void output_and_exit_code_are_collected(void **state)
{
    struct cb_subprocess_options options =
        shell(SHELL("cat; echo err >&2; head -c 300000 /dev/zero | tr '\\0' x; exit 3"));
    cb_auto_value(cb_strbuf) out = {0};
    cb_auto_value(cb_strbuf) errors = {0};
    struct cb_error *err = NULL;
    int code;

    options.input = "fed\n";
    options.input_len = 4;
    assert_ok(cb_subprocess_run(&options, &out, &errors, &code, &err), err);
    assert_int_equal(code, 3);
    assert_int_equal(out.len, 300004);
    assert_memory_equal(out.text, "fed\nxxx", 7);
    assert_string_equal(errors.text, "err\n");
}

static void directory_environment_and_descriptor_are_given(void **state)
{
    struct scratch *scratch = *state;
    struct cb_subprocess_options options =
        shell(SHELL("echo $A-$HOME; cat file; cat <&9"));
    static const char *const env[] = {"A=1", "PATH=/usr/bin:/bin", NULL};
    cb_auto_value(cb_strbuf) out = {0};
    struct cb_error *err = NULL;
    int code, fd;

    write_file(scratch->fd, "file", "here\n");
    fd = openat(scratch->fd, "file", O_RDONLY | O_CLOEXEC);
    options.inherit_fd = fcntl(fd, F_DUPFD_CLOEXEC, 9);
    close(fd);
    assert_int_equal(options.inherit_fd, 9);
    options.cwd_fd = scratch->fd;
    options.env = env;
    assert_ok(cb_subprocess_run(&options, &out, NULL, &code, &err), err);
    close(options.inherit_fd);
    assert_int_equal(code, 0);
    assert_string_equal(out.text, "1-\nhere\nhere\n");
}

static void failures_are_told_apart(void **state)
{
    static const char *const missing[] = {"no-such-program-here", NULL};
    struct cb_subprocess_options options = {
        .argv = missing, .cwd_fd = -1, .inherit_fd = -1};
    struct cb_error *err = NULL;
    int code;

    assert_error(cb_subprocess_run(&options, NULL, NULL, &code, &err), &err,
                 CB_ERR_NOT_FOUND, "`no-such-program-here`: program not found");
    options = shell(SHELL("kill -TERM $$"));
    assert_ok(cb_subprocess_run(&options, NULL, NULL, &code, &err), err);
    assert_int_equal(code, 143);
    options = shell(SHELL("yes"));
    options.max_output = 1000;
    assert_error(cb_subprocess_run(&options, NULL, NULL, &code, &err), &err,
                 CB_ERR_INTEGRITY, "`sh`: printed more than 1000 bytes");
    options = shell(SHELL("echo waiting >&2; sleep 60"));
    options.timeout_ms = 20;
    assert_error(cb_subprocess_run(&options, NULL, NULL, &code, &err), &err,
                 CB_ERR_SYSTEM, "`sh`: took longer than 0.02 seconds");
    options = shell(SHELL("echo waiting >&2; sleep 60"));
    options.idle_ms = 20;
    assert_error(cb_subprocess_run(&options, NULL, NULL, &code, &err), &err,
                 CB_ERR_NETWORK, "`sh`: nothing heard for 1 seconds");
    options = shell(SHELL("echo broken >&2; exit 7"));
    assert_int_equal(cb_subprocess_run(&options, NULL, NULL, NULL, &err), -1);
    assert_int_equal(cb_error_exit_code(err), 7);
    assert_string_equal(cb_error_hint_text(err), "it printed: broken");
    cb_error_free(err);
}

static void no_file_grows_beyond_its_limit(void **state)
{
    struct cb_subprocess_options options = shell(SHELL(
        "f=$(mktemp); while head -c 4096 /dev/zero >>$f; do :; done; wc -c <$f; rm $f"));
    cb_auto_value(cb_strbuf) out = {0};
    struct cb_error *err = NULL;
    int code;

    (void)state;
    options.max_file = 100000;
    assert_ok(cb_subprocess_run(&options, &out, NULL, &code, &err), err);
    assert_string_equal(cb_strbuf_text(&out), "100000\n");
}

static void canceling_kills_the_group(void **state)
{
    cb_auto(cb_cancel) cancel = cb_cancel_new();
    struct cb_subprocess_options options = shell(SHELL("sleep 60 & wait"));
    struct cb_error *err = NULL;
    int code;

    options.cancel = cancel;
    cb_cancel_request(cancel);
    assert_error(cb_subprocess_run(&options, NULL, NULL, &code, &err), &err,
                 CB_ERR_CANCELED, "canceled");
}

static void a_daemon_left_behind_does_not_hold_us(void **state)
{
    struct cb_subprocess_options options = shell(SHELL("sleep 40 & echo done"));
    cb_auto_value(cb_strbuf) out = {0};
    struct cb_error *err = NULL;
    int code;

    options.timeout_ms = 30000;
    assert_ok(cb_subprocess_run(&options, &out, NULL, &code, &err), err);
    assert_string_equal(out.text, "done\n");
}

static void programs_are_found(void **state)
{
    cb_autofree char *path = cb_subprocess_find("sh");
    cb_autofree char *nothing = cb_subprocess_find("no-such-program-here");
    cb_autofree char *directory = cb_subprocess_find("/tmp");

    assert_non_null(path);
    assert_int_equal(path[0], '/');
    assert_null(nothing);
    assert_null(directory);
}

/* ── Helpers ── */

static void a_helper_runs_until_it_is_stopped_with_what_it_started(void **state)
{
    struct cb_subprocess_options options = shell(SHELL("sleep 771199 & echo up; wait"));
    struct cb_error *err = NULL;
    struct cb_helper *helper = NULL;
    int ends[2];
    char byte;

    assert_int_equal(pipe(ends), 0);
    options.inherit_fd = ends[1]; /* closes when the last of them has gone */
    assert_ok(cb_helper_start(&helper, &options, "up", &err), err);
    close(ends[1]);
    cb_helper_stop(helper);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

static void a_helper_that_ends_at_once_is_an_error_with_what_it_said(void **state)
{
    struct cb_subprocess_options options = shell(SHELL("echo no way >&2; exit 1"));
    struct cb_error *err = NULL;
    struct cb_helper *helper = NULL;

    assert_int_equal(cb_helper_start(&helper, &options, "up", &err), -1);
    assert_null(helper);
    assert_string_equal(cb_error_hint_text(err), "it printed: no way");
    cb_error_free(err);
}

static void a_helper_that_never_gets_ready_is_given_up(void **state)
{
    struct cb_subprocess_options options = shell(SHELL("sleep 771198"));
    struct cb_error *err = NULL;
    struct cb_helper *helper = NULL;

    options.timeout_ms = 50;
    assert_int_equal(cb_helper_start(&helper, &options, "up", &err), -1);
    assert_null(helper);
    cb_error_free(err);
}

/* ── Read while it runs ── */

static int read_to_the_end(struct cb_program *program, size_t *total,
                           struct cb_error **err)
{
    cb_auto_value(cb_strbuf) some = {0};
    int more;

    while ((more = cb_program_read(program, &some, -1, err)) > 0) {
        *total += some.len;
        cb_strbuf_truncate(&some, 0);
    }
    return more;
}

static void a_program_is_read_however_much_it_prints(void **state)
{
    struct cb_subprocess_options options =
        shell(SHELL("echo careful >&2; head -c 3000000 /dev/zero"));
    cb_auto(cb_program) program = NULL;
    struct cb_error *err = NULL;
    size_t total = 0;

    assert_ok(cb_program_start(&program, &options, &err), err);
    assert_ok(read_to_the_end(program, &total, &err), err);
    assert_int_equal(total, 3000000);
}

static void a_program_that_fails_tells_why_behind_what_it_printed(void **state)
{
    struct cb_subprocess_options options = shell(SHELL("echo x; echo no >&2; exit 5"));
    cb_auto(cb_program) program = NULL;
    struct cb_error *err = NULL;
    size_t total = 0;

    assert_ok(cb_program_start(&program, &options, &err), err);
    assert_int_equal(read_to_the_end(program, &total, &err), -1);
    assert_int_equal(total, 2);
    assert_int_equal(cb_error_kind(err), CB_ERR_EXIT);
    assert_string_equal(cb_error_message(err), "`sh`: exit status 5");
    assert_string_equal(cb_error_hint_text(err), "it printed: no");
    cb_error_free(err);
}

static void nothing_is_waited_for_beyond_its_time_or_cancel(void **state)
{
    struct cb_subprocess_options options = shell(SHELL("echo x; exec sleep 771197"));
    cb_auto(cb_cancel) cancel = cb_cancel_new();
    cb_auto(cb_program) program = NULL;
    cb_auto_value(cb_strbuf) out = {0};
    struct cb_error *err = NULL;

    options.cancel = cancel;
    assert_ok(cb_program_start(&program, &options, &err), err);
    while (out.len < 2)
        assert_int_equal(cb_program_read(program, &out, -1, &err), 1);
    assert_int_equal(cb_program_read(program, &out, 0, &err), 1);
    assert_int_equal(out.len, 2);
    cb_cancel_request(cancel);
    assert_int_equal(cb_program_read(program, &out, -1, &err), -1);
    assert_int_equal(cb_error_kind(err), CB_ERR_CANCELED);
    cb_error_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(output_and_exit_code_are_collected),
        scratch_test(directory_environment_and_descriptor_are_given),
        scratch_test(failures_are_told_apart),
        scratch_test(no_file_grows_beyond_its_limit),
        scratch_test(canceling_kills_the_group),
        scratch_test(a_daemon_left_behind_does_not_hold_us),
        scratch_test(programs_are_found),
        scratch_test(a_helper_runs_until_it_is_stopped_with_what_it_started),
        scratch_test(a_helper_that_ends_at_once_is_an_error_with_what_it_said),
        scratch_test(a_helper_that_never_gets_ready_is_given_up),
        scratch_test(a_program_is_read_however_much_it_prints),
        scratch_test(a_program_that_fails_tells_why_behind_what_it_printed),
        scratch_test(nothing_is_waited_for_beyond_its_time_or_cancel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
