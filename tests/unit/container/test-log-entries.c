/* Entries of journald's as journalctl exports them: in any pieces, with values that
 * somebody else chose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "container/log-priv.h"

#include <string.h>

/* Of an entry all but its message, and the end. */
#define HEAD        "__CURSOR=c\n__REALTIME_TIMESTAMP=1767323045000007\n_BOOT_ID=b\n"
#define OUT         HEAD "PRIORITY=6\n"
#define BYTES(text) text, sizeof(text) - 1
#define TEST(name)  cmocka_unit_test(name)

/* "STREAM:TEXT" of each, fed STEP bytes at a time; "!" for what is refused. */
static void parse(struct cb_strbuf *seen, const char *bytes, size_t len, size_t step)
{
    cb_auto(cb_entries) entries = cb_entries_new(1);
    struct cb_entry entry;
    int status = 0;

    cb_strbuf_truncate(seen, 0);
    for (size_t at = 0; at < len && status == 0; at += step) {
        cb_strbuf_add(cb_entries_input(entries), bytes + at,
                      step < len - at ? step : len - at);
        while ((status = cb_entries_next(entries, &entry, NULL)) > 0) {
            const char *key;
            json_t *value;

            cb_strbuf_addf(seen, "%d:", entry.line.stream);
            cb_strbuf_add(seen, entry.line.text, entry.line.len);
            json_object_foreach(entry.line.attributes, key, value)
                cb_strbuf_addf(seen, "%s=%zu;", key, json_string_length(value));
        }
    }
    if (status < 0)
        cb_strbuf_adds(seen, "!");
}

static void expect_bytes(const char *bytes, size_t len, const char *expected,
                         size_t expected_len)
{
    static const size_t steps[] = {1, 2, 7, 64, SIZE_MAX / 2};
    cb_auto_value(cb_strbuf) seen = {0};

    for (size_t i = 0; i < CB_ARRAY_SIZE(steps); i++) {
        parse(&seen, bytes, len, steps[i]);
        assert_int_equal(seen.len, expected_len);
        assert_memory_equal(seen.text, expected, expected_len);
    }
}
#define expect(bytes, expected) expect_bytes(BYTES(bytes), BYTES(expected))

static void lines_have_their_streams_and_times(void **state)
{
    cb_auto(cb_entries) entries = cb_entries_new(0);
    struct cb_entry entry;

    expect(OUT "MESSAGE=one\n\n" HEAD "MESSAGE=two\nPRIORITY=3\n\n", "1:one\n2:two\n");
    cb_strbuf_adds(cb_entries_input(entries), OUT "MESSAGE=one\n\n");
    assert_int_equal(cb_entries_next(entries, &entry, NULL), 1);
    assert_string_equal(entry.cursor, "c");
    assert_int_equal(entry.line.time.tv_sec, 1767323045);
    assert_int_equal(entry.line.time.tv_nsec, 7000);
    assert_null(entry.line.attributes);
    assert_int_equal(cb_entries_next(entries, &entry, NULL), 0);
}

static void pieces_have_no_line_end(void **state)
{
    expect(OUT "MESSAGE=beg\nCONTAINER_PARTIAL_MESSAGE=true\n"
               "CONTAINER_PARTIAL_LAST=false\n\n" OUT
               "MESSAGE=in\nCONTAINER_PARTIAL_LAST=true\n\n",
           "1:beg1:in\n");
}

static void any_bytes_may_be_in_a_message(void **state)
{
    expect(OUT "MESSAGE\n\x0a\0\0\0\0\0\0\0a\0\n\nPRIO=\xff\nX=\n\n" OUT "MESSAGE=\n\n",
           "1:a\0\n\nPRIO=\xff\nX=0;1:\n");
}

static void details_are_what_options_named(void **state)
{
    expect(OUT "MESSAGE=m\n_UID=0\nCONTAINER_TAG=t\nIMAGE_NAME=i\nSYSLOG_IDENTIFIER=s\n"
               "CONTAINER_PARTIAL_ID=7\nWORDS\n\x03\0\0\0\0\0\0\0a\nb\nL=\n\n",
           "1:m\nWORDS=3;L=0;");
}

/* The first of several counts: who adds one to an entry does not change the line. */
static void what_is_there_twice_counts_once(void **state)
{
    expect(OUT "MESSAGE=first\nMESSAGE=second\nPRIORITY=3\nA=1\nA=22\n\n",
           "1:first\nA=1;");
}

static void what_is_no_line_is_passed_over(void **state)
{
    expect("-- No entries --\n" OUT "\n" HEAD "MESSAGE=of no stream\n\n" HEAD
           "PRIORITY=5\nMESSAGE=notice\n\nPRIORITY=6\nMESSAGE=never\n\n"
           "__CURSOR=c\n__REALTIME_TIMESTAMP=-1\nPRIORITY=6\nMESSAGE=of no time\n\n"
           "__CURSOR=c\n__REALTIME_TIMESTAMP=9999999999999999999\nPRIORITY=6\n"
           "MESSAGE=too late\n\n\n\n" OUT "MESSAGE=good\n\n" OUT "MESSAGE=torn",
           "1:good\n");
}

static void what_is_too_large_is_not_kept(void **state)
{
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto_value(cb_strbuf) seen = {0};
    cb_autofree char *large = xcalloc(1, (1u << 20) + 2);

    memset(large, 'x', (1u << 20) + 1);
    cb_strbuf_addf(&bytes, OUT "MESSAGE=%s\n\n", large);
    cb_strbuf_addf(&bytes, OUT "MESSAGE=m\nL=%s\n\n", large);
    large[1u << 20] = '\0';
    for (int i = 0; i < 10; i++)
        cb_strbuf_addf(&bytes, i ? "L%d=%s\n" : OUT "MESSAGE=n\nL%d=%s\n", i, large);
    cb_strbuf_adds(&bytes, "\n");
    parse(&seen, bytes.text, bytes.len, 65536);
    assert_string_equal(cb_strbuf_text(&seen),
                        "1:m\n1:n\nL0=1048576;L1=1048576;L2=1048576;L3=1048576;"
                        "L4=1048576;L5=1048576;L6=1048576;");
    /* one that is longer than all there is */
    expect(OUT "MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xff"
               "abc\n\n" OUT "MESSAGE=m\n\n",
           "");
}

static void other_bytes_are_refused(void **state)
{
    cb_autofree char *name = xcalloc(1, 400);
    cb_auto_value(cb_strbuf) seen = {0};

    expect("message=x\n", "!");
    expect("=x\n", "!");
    expect("\x7f"
           "ELF=\n",
           "!");
    expect("Failed to open\n", "!");
    expect("A\n\x01\0\0\0\0\0\0\0xy\n", "!");
    memset(name, 'A', 399);
    parse(&seen, name, 399, 5);
    assert_string_equal(cb_strbuf_text(&seen), "!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_have_their_streams_and_times), TEST(pieces_have_no_line_end),
        TEST(any_bytes_may_be_in_a_message),      TEST(details_are_what_options_named),
        TEST(what_is_there_twice_counts_once),    TEST(what_is_no_line_is_passed_over),
        TEST(what_is_too_large_is_not_kept),      TEST(other_bytes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
