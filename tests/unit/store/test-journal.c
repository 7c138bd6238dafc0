/* The journal: what is added is read, in order, whatever happened to the file. */
#include "store/journal.h"

#include "store-test.h"

static void add(struct fixture *f, const char *action, const char *id)
{
    cb_journal_add(f->store, &(struct cb_journal_entry){"image", action, id, NULL});
}

/* "action:id " of each event that is there. */
static char *all(struct fixture *f, struct cb_journal_reader *reader)
{
    struct cb_journal_event event = {0};
    struct cb_strbuf text = {0};

    for (;;) {
        int got = cb_journal_next(reader, &event, &f->error);

        ok(f, got);
        if (!got)
            return cb_strbuf_steal(&text);
        cb_strbuf_addf(&text, "%s:%s ", event.action, event.id);
        cb_journal_event_clear(&event);
    }
}

static void check(struct fixture *f, const char *expected)
{
    cb_auto(cb_journal_reader) reader = NULL;
    cb_autofree char *text = NULL;

    ok(f, cb_journal_open(&reader, f->store, 0, &f->error));
    text = all(f, reader);
    assert_string_equal(text, expected);
}

static void append(struct fixture *f, const char *text, size_t len)
{
    cb_autofree char *path = xasprintf("%s/journal/events.jsonl", f->root);
    cb_autofd int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(cb_fs_write_all(fd, text, len), 0);
}

#define FILLING (4u << 20)

/* Lines that are no events, as many as make a file full. */
static void fill_up(struct fixture *f)
{
    cb_autofree char *lines = xcalloc(1, FILLING);

    memset(lines, 'x', FILLING);
    for (size_t end = 1023; end < FILLING; end += 1024)
        lines[end] = '\n';
    append(f, lines, FILLING);
}

static void events_are_read_in_order(void **state)
{
    struct fixture *f = *state;

    check(f, "");
    add(f, "tag", "a");
    add(f, "delete", "b");
    check(f, "tag:a delete:b ");
}

static void attributes_keep_hostile_text(void **state)
{
    static const char *const given[] = {"name",  "a\n\x1b[31m\"}", "name",
                                        "twice", "\xff",           "\xe2\x80\xae"};
    struct fixture *f = *state;
    cb_auto(cb_journal_reader) reader = NULL;
    cb_auto_value(cb_strings) attributes = {0};
    struct cb_journal_event event = {0};

    for (size_t i = 0; i < CB_ARRAY_SIZE(given); i++)
        cb_strings_add(&attributes, given[i]);
    cb_journal_add(f->store,
                   &(struct cb_journal_entry){"image", "tag", "x", &attributes});
    ok(f, cb_journal_open(&reader, f->store, 0, &f->error));
    assert_int_equal(cb_journal_next(reader, &event, &f->error), 1);
    assert_int_equal(event.attributes.count, 4);
    assert_string_equal(event.attributes.items[1], given[1]);
    assert_string_equal(event.attributes.items[2], "\xef\xbf\xbd");
    assert_string_equal(event.attributes.items[3], given[5]);
    cb_journal_event_clear(&event);
}

static void attributes_beyond_a_line_are_left_out(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_journal_reader) reader = NULL;
    cb_auto_value(cb_strings) attributes = {0};
    cb_autofree char *big = xcalloc(1, CB_JOURNAL_LINE_MAX + 1);
    struct cb_journal_event event = {0};

    memset(big, 'x', CB_JOURNAL_LINE_MAX);
    cb_strings_add(&attributes, "first");
    cb_strings_add(&attributes, "1");
    cb_strings_add(&attributes, "big");
    cb_strings_add(&attributes, big);
    cb_strings_add(&attributes, "last");
    cb_strings_add(&attributes, "2");
    cb_journal_add(f->store,
                   &(struct cb_journal_entry){"image", "tag", "x", &attributes});
    ok(f, cb_journal_open(&reader, f->store, 0, &f->error));
    assert_int_equal(cb_journal_next(reader, &event, &f->error), 1);
    assert_int_equal(event.attributes.count, 4);
    assert_string_equal(event.attributes.items[2], "last");
    cb_journal_event_clear(&event);
}

static void torn_and_foreign_lines_are_passed_over(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *big = xcalloc(1, 1 << 20);

    memset(big, 'x', 1 << 20);
    add(f, "tag", "a");
    append(f, "{\"time\":1,\"type\":\"im", 20);
    add(f, "tag", "b");
    append(f, "[]\n\n{}\n\x00\xff\n", 10);
    append(f, big, 1 << 20);
    add(f, "tag", "c");
    append(f, "{\"time\":\"x\",\"type\":1,\"action\":{},\"id\":[]}\n", 43);
    add(f, "tag", "d");
    check(f, "tag:a tag:b tag:c tag:d ");
}

static void the_journal_is_bounded(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *earlier = xasprintf("%s/journal/events.1.jsonl", f->root);
    cb_autofree char *current = xasprintf("%s/journal/events.jsonl", f->root);
    struct stat st;

    for (int i = 0; i < 4; i++) {
        cb_autofree char *id = xasprintf("%d", i);

        add(f, "tag", id);
        fill_up(f);
    }
    add(f, "tag", "last");
    assert_int_equal(stat(earlier, &st), 0);
    assert_true(st.st_size <= FILLING + (64 << 10));
    assert_int_equal(stat(current, &st), 0);
    assert_true(st.st_size < 4096);
    check(f, "tag:3 tag:last ");
}

static void a_reader_follows_into_the_next_file(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_journal_reader) reader = NULL;
    char *text;

    add(f, "tag", "before");
    ok(f, cb_journal_open(&reader, f->store, 1, &f->error));
    add(f, "tag", "a");
    fill_up(f);
    add(f, "tag", "b");
    text = all(f, reader);
    assert_string_equal(text, "tag:a tag:b ");
    free(text);
    add(f, "tag", "c");
    text = all(f, reader);
    assert_string_equal(text, "tag:c ");
    free(text);
}

/* A link, a FIFO or a directory where the file belongs stops nobody. */
static void what_cannot_be_written_is_left(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *current = xasprintf("%s/journal/events.jsonl", f->root);

    add(f, "tag", "a");
    assert_int_equal(unlink(current), 0);
    assert_int_equal(symlink("/dev/full", current), 0);
    add(f, "tag", "b");
    check(f, "");
    assert_int_equal(unlink(current), 0);
    assert_int_equal(mkdir(current, 0700), 0);
    add(f, "tag", "c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(events_are_read_in_order),
        T(attributes_keep_hostile_text),
        T(attributes_beyond_a_line_are_left_out),
        T(torn_and_foreign_lines_are_passed_over),
        T(the_journal_is_bounded),
        T(a_reader_follows_into_the_next_file),
        T(what_cannot_be_written_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
