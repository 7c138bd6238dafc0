/* What a container printed: written by lines, kept within a size, and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "container/log.h"

#include "base/fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char path[32];
    struct cb_container *container;
    struct cb_log *log;
    struct cb_strbuf seen;
    size_t lines;
};

static int setup(void **state)
{
    struct fixture *fixture = xcalloc(1, sizeof(*fixture));

    strcpy(fixture->path, "/tmp/cb-log-XXXXXX");
    fixture->container = xcalloc(1, sizeof(*fixture->container));
    if (!mkdtemp(fixture->path))
        return -1;
    fixture->container->dir_fd = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    cb_log_close(fixture->log);
    cb_container_free(fixture->container);
    cb_fs_remove_tree(AT_FDCWD, fixture->path, NULL);
    cb_strbuf_free(&fixture->seen);
    free(fixture);
    return 0;
}

static void open_log(struct fixture *fixture)
{
    cb_log_close(cb_steal(&fixture->log));
    assert_int_equal(cb_log_open(&fixture->log, fixture->container->dir_fd,
                                 &fixture->container->options, NULL),
                     0);
}

static void add(struct fixture *fixture, int stream, const char *text)
{
    cb_log_add(fixture->log, stream, text, strlen(text));
}

static int show(void *arg, const struct cb_log_line *line)
{
    struct fixture *fixture = arg;

    cb_strbuf_addf(&fixture->seen, "%d:", line->stream);
    cb_strbuf_add(&fixture->seen, line->text, line->len);
    fixture->lines++;
    return 0;
}

static const char *read_log(struct fixture *fixture, int64_t tail)
{
    const struct cb_log_wish wish = {.tail = tail};

    cb_strbuf_truncate(&fixture->seen, 0);
    fixture->lines = 0;
    assert_int_equal(cb_log_read(fixture->container, &wish, show, fixture, NULL, NULL),
                     0);
    return cb_strbuf_text(&fixture->seen);
}

static int show_and_write(void *arg, const struct cb_log_line *line)
{
    struct fixture *fixture = arg;

    add(fixture, 1, "later\n");
    return show(arg, line) < 0 || fixture->lines > 100 ? -1 : 0;
}

static void who_does_not_follow_reads_to_where_the_log_ended(void **state)
{
    struct fixture *fixture = *state;
    const struct cb_log_wish all = {.tail = -1}, last = {.tail = 1};

    open_log(fixture);
    add(fixture, 1, "one\ntwo\n");
    assert_int_equal(
        cb_log_read(fixture->container, &all, show_and_write, fixture, NULL, NULL), 0);
    assert_string_equal(cb_strbuf_text(&fixture->seen), "1:one\n1:two\n");
    cb_strbuf_truncate(&fixture->seen, 0);
    assert_int_equal(
        cb_log_read(fixture->container, &last, show_and_write, fixture, NULL, NULL), 0);
    assert_string_equal(cb_strbuf_text(&fixture->seen), "1:later\n");
}

static void lines_come_back_with_their_streams(void **state)
{
    struct fixture *fixture = *state;

    open_log(fixture);
    add(fixture, 1, "one\nt");
    add(fixture, 2, "oops\n");
    add(fixture, 1, "wo\n\n");
    assert_string_equal(read_log(fixture, -1), "1:one\n2:oops\n1:two\n1:\n");
    add(fixture, 1, "no newline");
    cb_log_close(cb_steal(&fixture->log));
    assert_string_equal(read_log(fixture, 1), "1:no newline");
    assert_string_equal(read_log(fixture, 0), "");
    read_log(fixture, 1000);
    assert_int_equal(fixture->lines, 5);
}

/* The first one's time is in ARG, or not yet. */
static int compare_times(void *arg, const struct cb_log_line *line)
{
    struct timespec *first = arg;

    if (!first->tv_sec)
        *first = line->time;
    assert_int_equal(line->time.tv_sec, first->tv_sec);
    assert_int_equal(line->time.tv_nsec, first->tv_nsec);
    return 0;
}

static void lines_that_come_together_have_one_time(void **state)
{
    struct fixture *fixture = *state;
    const struct cb_log_wish wish = {.tail = -1};
    cb_auto_value(cb_strbuf) text = {0};
    struct timespec time = {0};

    for (int i = 0; i < 1000; i++)
        cb_strbuf_adds(&text, "line\n");
    open_log(fixture);
    add(fixture, 1, cb_strbuf_text(&text));
    assert_int_equal(
        cb_log_read(fixture->container, &wish, compare_times, &time, NULL, NULL), 0);
    assert_true(time.tv_sec > 0);
}

static void bytes_that_are_no_text_do_not_lose_the_line(void **state)
{
    struct fixture *fixture = *state;

    open_log(fixture);
    cb_log_add(fixture->log, 1, "a\0b\xff\"\\\x1b\n", 8);
    add(fixture, 1, "next\n");
    read_log(fixture, -1);
    assert_int_equal(fixture->seen.len, 19);
    assert_memory_equal(fixture->seen.text, "1:a\0b\xef\xbf\xbd\"\\\x1b\n1:next\n", 19);
}

static void output_without_lines_is_written_all_the_same(void **state)
{
    struct fixture *fixture = *state;
    char block[4096];
    size_t total = 0;

    /* a character of three bytes never fits evenly */
    open_log(fixture);
    for (size_t i = 0; i + 3 <= sizeof(block); i += 3)
        memcpy(block + i, "\xe2\x82\xac", 3);
    for (int i = 0; i < 40; i++)
        cb_log_add(fixture->log, 1, block, 4095);
    cb_log_close(cb_steal(&fixture->log));
    read_log(fixture, -1);
    assert_true(fixture->lines >= 10);
    assert_null(strstr(cb_strbuf_text(&fixture->seen), "\xef\xbf\xbd"));
    for (const char *at = cb_strbuf_text(&fixture->seen);
         (at = strstr(at, "\xe2\x82\xac")); at += 3)
        total++;
    assert_int_equal(total, 40 * 4095 / 3);
}

static int size_of(const struct fixture *fixture, const char *name)
{
    struct stat st;

    return fstatat(fixture->container->dir_fd, name, &st, 0) < 0 ? -1 : (int)st.st_size;
}

static void files_are_rotated_within_max_size_and_max_file(void **state)
{
    struct fixture *fixture = *state;
    struct cb_container_options *options = &fixture->container->options;

    cb_strings_add(&options->log_opts, "max-size=1k");
    cb_strings_add(&options->log_opts, "max-file=3");
    open_log(fixture);
    for (int i = 0; i < 200; i++) {
        cb_autofree char *line = xasprintf("line %d\n", i);

        add(fixture, 1, line);
    }
    for (const char *const *name = (const char *const[]){"log", "log.1", "log.2", NULL};
         *name; name++) {
        assert_true(size_of(fixture, *name) > 0);
        assert_true(size_of(fixture, *name) <= 1024);
    }
    assert_int_equal(size_of(fixture, "log.3"), -1);
    assert_string_equal(read_log(fixture, 2), "1:line 198\n1:line 199\n");
    read_log(fixture, -1);
    assert_true(fixture->lines > 20 && fixture->lines < 60);
}

static void one_file_begins_anew(void **state)
{
    struct fixture *fixture = *state;

    cb_strings_add(&fixture->container->options.log_opts, "max-size=1k");
    open_log(fixture);
    for (int i = 0; i < 200; i++)
        add(fixture, 1, "0123456789\n");
    assert_true(size_of(fixture, "log") <= 1024);
    assert_int_equal(size_of(fixture, "log.1"), -1);
}

static void lines_that_are_not_ours_are_passed_over(void **state)
{
    struct fixture *fixture = *state;
    static const char foreign[] =
        "garbage\n{\"log\":7}\n[]\n{\"log\":\"x\",\"stream\":\"stdout\",\"time\":"
        "\"never\"}\n"
        "{\"log\":\"good\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05Z\"}\n"
        "{\"log\":\"torn";
    int fd = openat(fixture->container->dir_fd, "log", O_WRONLY | O_CREAT, 0600);

    assert_int_equal(write(fd, foreign, sizeof(foreign) - 1), sizeof(foreign) - 1);
    close(fd);
    assert_string_equal(read_log(fixture, -1), "1:good\n");
    assert_string_equal(read_log(fixture, 1), "1:good\n");
}

#define AT ",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05.6Z\"}\n"

/* However it is written: as here, with other names or order, or not at all. */
static void records_are_json(void **state)
{
    struct fixture *fixture = *state;
    static const char records[] =
        "{\"log\":\"\\u00e9\\u00E9\\u0000\\\"\\\\\\/\\t\\n\"" AT
        "{\"log\":\"\\ud83d\\ude00\\n\"" AT "{\"log\":\"\xe2\x82\xac\\n\"" AT
        "{\"time\":\"2026-01-02T03:04:05Z\",\"log\":\"o\\n\","
        "\"stream\":\"stderr\"}\n{\"log\":\"s\\n\" , \"stream\":\"stdout\",\"time\":"
        "\"2026-01-02T03:04:05+01:00\"}\n{\"log\":\"\xff\\n\"" AT "{\"log\":\"\\x\\n\"" AT
        "{\"log\":\"\\ud83d\\n\"" AT "{\"log\":\"\\u\x10\x10\x10\x10\"" AT
        "{\"log\":\"\x01\"" AT "{\"log\":\"x\"} {\"log\":\"x\"" AT
        "{\"log\":\"end\\n\"" AT;
    static const char expected[] = "1:\xc3\xa9\xc3\xa9\0\"\\/\t\n1:\xf0\x9f\x98\x80\n"
                                   "1:\xe2\x82\xac\n2:o\n1:s\n1:end\n";
    int fd = openat(fixture->container->dir_fd, "log", O_WRONLY | O_CREAT, 0600);

    assert_int_equal(write(fd, records, sizeof(records) - 1), sizeof(records) - 1);
    close(fd);
    read_log(fixture, -1);
    assert_int_equal(fixture->seen.len, sizeof(expected) - 1);
    assert_memory_equal(fixture->seen.text, expected, sizeof(expected) - 1);
}

/* What docker takes is taken, also where it means nothing here. */
static void options_of_each_driver_are_taken(void **state)
{
    static const struct {
        const char *driver, *options[3];
    } table[] = {
        {NULL, {"max-size=10k", "max-file=2", "compress=true"}},
        {"json-file", {"max-size=-1", "compress=false", "mode="}},
        {"json-file", {"labels=a", "env-regex=^A", "tag={{.Name}}"}},
        {"local", {"compress=true", NULL, NULL}},
        {"local", {"max-size=0", "max-file=1", "mode=blocking"}},
        {"journald", {"labels-regex=a", "env=A", "tag="}},
        {"journald", {"mode=non-blocking", "max-buffer-size=4m", NULL}},
        {"none", {NULL, NULL, NULL}},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        cb_auto_value(cb_container_options) options = {.log_driver = table[i].driver};
        cb_auto(cb_error) error = NULL;

        for (size_t k = 0; k < 3 && table[i].options[k]; k++)
            cb_strings_add(&options.log_opts, table[i].options[k]);
        if (cb_log_check(&options, &error) < 0)
            fail_msg("%zu: %s", i, cb_error_message(error));
    }
}

static void local_is_rotated_without_being_asked(void **state)
{
    struct fixture *fixture = *state;
    cb_autofree char *line = xcalloc(1, (1u << 20) + 1);

    fixture->container->options.log_driver = "local";
    memset(line, 'x', 1u << 20);
    line[(1u << 20) - 1] = '\n';
    open_log(fixture);
    for (int i = 0; i < 45; i++)
        add(fixture, 1, line);
    assert_in_range(size_of(fixture, "log.1"), 19 << 20, 20 << 20);
    assert_in_range(size_of(fixture, "log.2"), 19 << 20, 20 << 20);
    assert_int_equal(size_of(fixture, "log.3"), -1);
    fixture->container->options.log_driver = NULL;
}

static void wrong_options_are_refused(void **state)
{
    static const struct {
        const char *driver, *option, *message;
    } table[] = {
        {"syslog", NULL, "no log driver named 'syslog' is registered"},
        {"journald", "max-file=3", "unknown log opt 'max-file' for journald log driver"},
        {"journald", "mode=fast", "logging mode not supported: fast"},
        {"local", "labels=a", "unknown log opt 'labels' for local log driver"},
        {"local", "tag=a", "unknown log opt 'tag' for local log driver"},
        {"local", "max-file=0", "max-file cannot be less than 1"},
        {NULL, "max-size=lots", "max-size: invalid size"},
        {NULL, "max-size", "max-size: invalid size"},
        {NULL, "max-file=x", "invalid value for max-file: x"},
        {NULL, "max-file=0", "max-file cannot be less than 1"},
        {NULL, "max-file=-3", "max-file cannot be less than 1"},
        {NULL, "max-file=1001", "max-file cannot be more than 1000"},
        {NULL, "max-fil=3", "unknown log opt 'max-fil' for json-file log driver"},
        {NULL, "max-size=0", "max-size must be a positive number"},
        {NULL, "mode=fast", "logging mode not supported: fast"},
        {NULL, "max-buffer-size=1m", "only supported with 'mode=non-blocking'"},
        {NULL, "compress=maybe", "compress: `maybe` is neither true nor false"},
        {NULL, "compress=true", "compress cannot be true when max-file is less than 2"},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        cb_auto_value(cb_container_options) options = {.log_driver = table[i].driver};
        cb_auto(cb_error) error = NULL;

        if (table[i].option)
            cb_strings_add(&options.log_opts, table[i].option);
        if (cb_log_check(&options, &error) == 0)
            fail_msg("taken: %s", table[i].option);
        assert_int_equal(cb_error_kind(error), CB_ERR_USAGE);
        if (!strstr(cb_error_message(error), table[i].message))
            fail_msg("%s", cb_error_message(error));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* How often this process has written until now. */
static unsigned long writes_done(void)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *count;

    assert_int_equal(cb_fs_read_file(AT_FDCWD, "/proc/self/io", 4096, &text, NULL), 0);
    count = strstr(cb_strbuf_text(&text), "syscw: ");
    assert_non_null(count);
    return strtoul(count + 7, NULL, 10);
}

static void lines_that_come_together_are_written_together(void **state)
{
    struct fixture *fixture = *state;
    cb_auto_value(cb_strbuf) lines = {0};
    unsigned long before;

    for (int i = 0; i < 10000; i++)
        cb_strbuf_adds(&lines, "x\n");
    open_log(fixture);
    add(fixture, 2, "first, and the beginning of");
    before = writes_done();
    cb_log_add(fixture->log, 1, lines.text, lines.len);
    assert_true(writes_done() - before < 100);
    add(fixture, 2, " the last\n");
    read_log(fixture, -1);
    assert_int_equal(fixture->lines, 10001);
    assert_string_equal(read_log(fixture, 2),
                        "1:x\n2:first, and the beginning of the last\n");
}

static void each_of_many_files_is_within_the_size(void **state)
{
    struct fixture *fixture = *state;
    cb_auto_value(cb_strbuf) lines = {0};
    struct stat st;

    cb_strings_add(&fixture->container->options.log_opts, "max-size=1k");
    cb_strings_add(&fixture->container->options.log_opts, "max-file=3");
    for (int i = 0; i < 100; i++)
        cb_strbuf_addf(&lines, "%d\n", i);
    open_log(fixture);
    cb_log_add(fixture->log, 1, lines.text, lines.len);
    for (int i = 0; i < 3; i++) {
        char name[] = "log.0";

        name[4] = (char)('0' + i);
        assert_int_equal(fstatat(fixture->container->dir_fd, i ? name : "log", &st, 0),
                         0);
        assert_in_range(st.st_size, 1, 1024);
    }
    assert_string_equal(read_log(fixture, 2), "1:98\n1:99\n");
    cb_strings_free(&fixture->container->options.log_opts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_does_not_follow_reads_to_where_the_log_ended),
        TEST(lines_come_back_with_their_streams),
        TEST(lines_that_come_together_have_one_time),
        TEST(bytes_that_are_no_text_do_not_lose_the_line),
        TEST(output_without_lines_is_written_all_the_same),
        TEST(files_are_rotated_within_max_size_and_max_file),
        TEST(one_file_begins_anew),
        TEST(lines_that_are_not_ours_are_passed_over),
        TEST(lines_that_come_together_are_written_together),
        TEST(each_of_many_files_is_within_the_size),
        TEST(records_are_json),
        TEST(options_of_each_driver_are_taken),
        TEST(local_is_rotated_without_being_asked),
        TEST(wrong_options_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
