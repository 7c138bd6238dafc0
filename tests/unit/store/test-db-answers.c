/* What a process that asks little is told without SQLite, and what ends that. */
#include "store-test.h"

#include "store/db-names.h"
#include "store/db-priv.h"
#include "store/store-priv.h"

#define NAME "docker.io/library/app:latest"

static struct cb_digest digest_of(char digit)
{
    struct cb_digest digest = {0};
    char text[80] = "sha256:";

    memset(text + 7, digit, 64);
    assert_int_equal(cb_digest_parse(&digest, text, NULL), 0);
    return digest;
}

static struct cb_db *open_db_in_run(struct fixture *f, int recalls, const char *boot_id)
{
    const struct cb_db_options options = {
        .root = f->root, .no_sync = 1, .recalls = recalls, .boot_id = boot_id};
    struct cb_db *db = NULL;

    ok(f, cb_db_open(&db, &options, &f->error));
    return db;
}

static struct cb_db *open_db(struct fixture *f, int recalls)
{
    return open_db_in_run(f, recalls, "this");
}

/* By the program itself, so that there is something in the log. */
static void name_leads_to(struct fixture *f, char digit)
{
    cb_auto(cb_db) db = open_db(f, 0);
    cb_autofree char *sql = xasprintf(
        "INSERT OR REPLACE INTO names(name,image) VALUES('" NAME "','sha256:%064d')", 0);

    memset(strstr(sql, "sha256:") + 7, digit, 64);
    ok(f, cb_db_exec(db, sql, &f->error));
}

static void assert_leads_to(struct fixture *f, struct cb_db *db, char digit)
{
    const struct cb_digest expected = digest_of(digit);
    struct cb_digest id = {0};

    assert_int_equal(cb_db_name_get(db, NAME, &id, &f->error), 1);
    assert_true(cb_digest_equal(&id, &expected));
}

/* 1: it was told so without the index. */
static int ask(struct fixture *f, char digit)
{
    cb_auto(cb_db) db = open_db(f, 1);

    assert_leads_to(f, db, digit);
    return db->handle == NULL;
}

static int begin(void **state)
{
    struct fixture *f;

    if (setup(state) < 0)
        return -1;
    f = *state;
    reopen_store(f); /* the log of the tables' making is folded in */
    cb_store_close(f->store);
    f->store = NULL;
    name_leads_to(f, 'a');
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    open_store(f);
    return teardown(state);
}

static void what_was_asked_before_needs_no_connection(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, 'a'), 0);
    assert_int_equal(ask(f, 'a'), 1);
    assert_int_equal(ask(f, 'a'), 1);
}

static void what_is_not_there_is_recalled_too(void **state)
{
    struct fixture *f = *state;

    for (int recalled = 0; recalled < 2; recalled++) {
        cb_auto(cb_db) db = open_db(f, 1);
        struct cb_digest id;

        assert_int_equal(cb_db_name_get(db, "other", &id, &f->error), 0);
        assert_int_equal(db->handle == NULL, recalled);
    }
}

static void another_question_is_asked(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_db) db = NULL;
    struct cb_digest id;

    ask(f, 'a');
    db = open_db(f, 1);
    assert_int_equal(cb_db_name_get(db, "other", &id, &f->error), 0);
    assert_non_null(db->handle);
    assert_leads_to(f, db, 'a');
    cb_db_close(cb_steal(&db));
    assert_int_equal(ask(f, 'a'), 1); /* both are known now */
}

static int ask_in_run(struct fixture *f, const char *boot_id)
{
    cb_auto(cb_db) db = open_db_in_run(f, 1, boot_id);

    assert_leads_to(f, db, 'a');
    return db->handle == NULL;
}

static void what_was_said_before_the_machine_started_is_not_recalled(void **state)
{
    struct fixture *f = *state;

    ask_in_run(f, "before");
    assert_int_equal(ask_in_run(f, "before"), 1);
    assert_int_equal(ask_in_run(f, "after"), 0);
    assert_int_equal(ask_in_run(f, "after"), 1);
}

static void without_a_boot_id_nothing_is_recalled(void **state)
{
    struct fixture *f = *state;

    ask_in_run(f, "");
    assert_int_equal(ask_in_run(f, ""), 0);
}

static void a_change_ends_what_was_said(void **state)
{
    struct fixture *f = *state;

    ask(f, 'a');
    assert_int_equal(ask(f, 'a'), 1);
    name_leads_to(f, 'b');
    assert_int_equal(ask(f, 'b'), 0);
    assert_int_equal(ask(f, 'b'), 1);
}

static void a_change_is_seen_by_who_has_the_store_open(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_db) db = NULL;

    ask(f, 'a');
    db = open_db(f, 1);
    assert_leads_to(f, db, 'a');
    assert_null(db->handle);
    name_leads_to(f, 'b');
    assert_leads_to(f, db, 'b');
}

/* The log is folded into the file, and it and the shared memory go. */
static void another_program_may_change_the_index(void **state)
{
    struct fixture *f = *state;

    ask(f, 'a');
    change_index(f, "UPDATE names SET image=replace(image,'a','b')");
    change_index(f, "UPDATE names SET image=replace(image,'b','c')");
    {
        cb_auto(cb_db) db = open_db(f, 1);
        struct cb_digest id = {0};

        assert_int_equal(cb_db_name_get(db, NAME, &id, &f->error), 1);
        assert_non_null(db->handle);
    }
}

/* The shared memory that was looked at is none that anybody writes to any more. */
static void who_has_the_store_open_sees_that_its_files_are_others(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_db) db = NULL;

    ask(f, 'a');
    db = open_db(f, 1);
    assert_leads_to(f, db, 'a');
    assert_null(db->handle);
    change_index(f, "SELECT * FROM names");
    name_leads_to(f, 'b');
    assert_leads_to(f, db, 'b');
}

/* What was true while it asked need not be so when it ends. */
static void answers_of_two_states_are_not_kept(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_db) db = open_db(f, 1);

    assert_leads_to(f, db, 'a');
    name_leads_to(f, 'b');
    cb_db_close(cb_steal(&db));
    assert_int_equal(ask(f, 'b'), 0);
}

static void half_a_file_says_nothing_wrong(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) file = {0};
    cb_autofd int root = open(f->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cb_autofree char *path = xasprintf("%s/answers", f->root);

    ask(f, 'a');
    assert_int_equal(cb_fs_read_file(root, "answers", 1 << 20, &file, NULL), 0);
    for (size_t len = 0; len < file.len; len += len < 400 ? 7 : 1) {
        assert_int_equal(truncate(path, (off_t)len), 0);
        assert_int_equal(ask(f, 'a'), 0);
    }
}

static void a_byte_that_is_another_says_nothing_wrong(void **state)
{
    struct fixture *f = *state;
    cb_autofd int root = open(f->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    ask(f, 'a');
    st = stat_of(root, "answers");
    for (off_t at = 0; at < st.st_size; at += 5) {
        cb_autofd int fd = openat(root, "answers", O_RDWR | O_CLOEXEC);
        char byte;

        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        assert_int_equal(ask(f, 'a'), 0);
    }
    assert_int_equal(ask(f, 'a'), 1);
}

static sqlite3_mem_methods memory;
static int memory_is_out;

static void *get_memory(int bytes)
{
    return memory_is_out ? NULL : memory.xMalloc(bytes);
}

/* SQLite's own allocator with an end to it: without memory it gives no handle. */
static void limit_memory(void)
{
    sqlite3_mem_methods limited;

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory);
    limited = memory;
    limited.xMalloc = get_memory;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &limited);
}

static void a_connection_that_could_not_be_made_is_none(void **state)
{
    struct fixture *f = *state;
    const struct cb_db_options options = {.root = f->root, .no_sync = 1};
    struct cb_db *db = NULL;
    cb_auto(cb_error) error = NULL;

    ask(f, 'a');
    memory_is_out = 1;
    assert_int_equal(cb_db_open(&db, &options, &error), -1);
    memory_is_out = 0;
    assert_string_equal(cb_error_message(error), "index `meta.db`: open: out of memory");
    assert_int_equal(ask(f, 'a'), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_asked_before_needs_no_connection, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_recalled_too, begin, end),
        cmocka_unit_test_setup_teardown(another_question_is_asked, begin, end),
        cmocka_unit_test_setup_teardown(
            what_was_said_before_the_machine_started_is_not_recalled, begin, end),
        cmocka_unit_test_setup_teardown(without_a_boot_id_nothing_is_recalled, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_change_ends_what_was_said, begin, end),
        cmocka_unit_test_setup_teardown(a_change_is_seen_by_who_has_the_store_open, begin,
                                        end),
        cmocka_unit_test_setup_teardown(another_program_may_change_the_index, begin, end),
        cmocka_unit_test_setup_teardown(
            who_has_the_store_open_sees_that_its_files_are_others, begin, end),
        cmocka_unit_test_setup_teardown(answers_of_two_states_are_not_kept, begin, end),
        cmocka_unit_test_setup_teardown(half_a_file_says_nothing_wrong, begin, end),
        cmocka_unit_test_setup_teardown(a_byte_that_is_another_says_nothing_wrong, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_connection_that_could_not_be_made_is_none,
                                        begin, end),
    };

    limit_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
