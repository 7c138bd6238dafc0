/* Golden tests of the parser and the word expansion. The fixtures are in
 * $CB_FIXTURES, else in tests/fixtures of $srcdir or of the current directory:
 *
 *     parser/ok/CASE/{Dockerfile,expect.ast}      parser/bad/CASE/{Dockerfile,expect.err}
 *     words/NAME.txt
 *
 * What a Dockerfile includes lies in the same directory.
 *
 * CB_UPDATE=1 writes what is found instead of comparing. */
#include "base/strbuf.h"
#include "base/vec.h"
#include "parser/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static char *fixtures_path(const char *name)
{
    const char *given = getenv("CB_FIXTURES"), *srcdir = getenv("srcdir");
    cb_autofree char *path = NULL;

    if (given)
        return xasprintf("%s/%s", given, name);
    if (srcdir) {
        path = xasprintf("%s/tests/fixtures/%s", srcdir, name);
        if (access(path, F_OK) == 0)
            return cb_steal(&path);
    }
    return xasprintf("tests/fixtures/%s", name);
}

static int is_update(void)
{
    const char *value = getenv("CB_UPDATE");

    return value && strcmp(value, "1") == 0;
}

static char *read_file(const char *dir, const char *name, size_t *len)
{
    cb_autofree char *path = xasprintf("%s/%s", dir, name);
    cb_auto_value(cb_strbuf) text = {0};
    FILE *file = fopen(path, "rb");
    char block[65536];
    size_t count;

    if (!file)
        return NULL;
    while ((count = fread(block, 1, sizeof(block), file)) > 0)
        cb_strbuf_add(&text, block, count);
    fclose(file);
    *len = text.len;
    return cb_strbuf_steal(&text);
}

static void write_file(const char *dir, const char *name, const struct cb_strbuf *text)
{
    cb_autofree char *path = xasprintf("%s/%s", dir, name);
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(cb_strbuf_text(text), 1, text->len, file), text->len);
    assert_int_equal(fclose(file), 0);
}

/* Compares FOUND with the file, or renews the file. 1 if they differ. */
static int compare(const char *dir, const char *name, const struct cb_strbuf *found)
{
    cb_autofree char *expected = NULL;
    size_t len = 0;

    if (is_update()) {
        write_file(dir, name, found);
        return 0;
    }
    expected = read_file(dir, name, &len);
    if (expected && len == found->len &&
        memcmp(expected, cb_strbuf_text(found), len) == 0)
        return 0;
    print_message("--- %s/%s\n%s--- found\n%s---\n", dir, name,
                  expected ? expected : "(missing)\n", cb_strbuf_text(found));
    return 1;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_dir(struct cb_strings *names, const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    if (!dir)
        print_message("no fixtures in %s\n", path);
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            cb_strings_add(names, entry->d_name);
    }
    closedir(dir);
    qsort(names->items, names->count, sizeof(*names->items), by_name);
}

/* Runs CHECK on every entry of the fixture directory NAME. */
static void for_each_fixture(const char *name, int (*check)(const char *dir))
{
    cb_autofree char *path = fixtures_path(name);
    cb_auto_value(cb_strings) names = {0};
    int failures = 0;

    list_dir(&names, path);
    assert_true(names.count > 0);
    for (size_t i = 0; i < names.count; i++) {
        cb_autofree char *dir = xasprintf("%s/%s", path, names.items[i]);

        failures += check(dir);
    }
    assert_int_equal(failures, 0);
}

static struct cb_source *read_source(const char *dir, const char *file, const char *name)
{
    size_t len = 0;
    cb_autofree char *text = read_file(dir, file, &len);

    assert_non_null(text);
    return cb_source_new(name, text, len);
}

static int read_included(void *arg, const char *path, struct cb_strbuf *text,
                         struct cb_error **err)
{
    size_t len = 0;
    cb_autofree char *found = read_file(arg, path, &len);

    if (!found)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "no file `%s` is there", path);
    cb_strbuf_add(text, found, len);
    return 0;
}

/* The Dockerfile of DIR with what it includes. */
static int read_whole(const char *dir, struct cb_source **out, struct cb_error **err)
{
    struct cb_includes includes = {.path = "Dockerfile",
                                   .root = "the fixture",
                                   .read = read_included,
                                   .arg = (void *)dir};

    *out = read_source(dir, "Dockerfile", "Dockerfile");
    return cb_dockerfile_include(out, &includes, err);
}

static int check_ok(const char *dir)
{
    cb_auto(cb_source) source = NULL;
    cb_auto(cb_dockerfile) file = NULL;
    cb_auto(cb_error) error = NULL;
    cb_auto_value(cb_strbuf) found = {0};

    if (read_whole(dir, &source, &error) < 0 ||
        cb_dockerfile_parse(&file, source, &error) < 0) {
        cb_error_format(error, NULL, &found);
        print_message("%s: refused\n%s", dir, cb_strbuf_text(&found));
        return 1;
    }
    cb_dockerfile_dump(file, &found);
    return compare(dir, "expect.ast", &found);
}

static int check_bad(const char *dir)
{
    cb_auto(cb_source) source = NULL;
    cb_auto(cb_dockerfile) file = NULL;
    cb_auto(cb_error) error = NULL;
    cb_auto_value(cb_strbuf) found = {0};

    if (read_whole(dir, &source, &error) == 0 &&
        cb_dockerfile_parse(&file, source, &error) == 0) {
        print_message("%s: accepted\n", dir);
        return 1;
    }
    cb_error_format(error, NULL, &found);
    return compare(dir, "expect.err", &found);
}

/* ── Words: "ENV NAME=value", "MODE word|split|raw", "ESCAPE c",
 *    "# comment", and "word | expected" ── */

struct table {
    struct cb_strings env;
    char mode;
    char escape;
};

static const char *table_get(void *arg, const char *name)
{
    const struct table *table = arg;

    return cb_env_get(&table->env, name);
}

static int expand(const struct table *table, const char *word, struct cb_strbuf *found,
                  struct cb_error **err)
{
    struct cb_scope_lookup lookup = {.get = table_get, .arg = (void *)table};
    cb_auto_value(cb_strings) words = {0};
    cb_autofree char *text = NULL;
    int status;

    if (table->mode == 's') {
        if (cb_word_expand_split(&words, word, table->escape, &lookup, err) < 0)
            return -1;
        for (size_t i = 0; i < words.count; i++)
            cb_strbuf_addf(found, "%s[%s]", i ? " " : "", words.items[i]);
        return 0;
    }
    if (table->mode == 'r')
        status =
            cb_word_expand_raw(&text, word, strlen(word), table->escape, &lookup, err);
    else
        status = cb_word_expand(&text, word, table->escape, &lookup, err);
    if (status == 0)
        cb_strbuf_add_escaped(found, text, strlen(text), 0);
    return status;
}

static void set_env(struct table *table, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    cb_autofree char *name = NULL, *value = NULL;
    char *newline;

    assert_non_null(equals);
    name = xstrndup(assignment, (size_t)(equals - assignment));
    value = xstrdup(equals + 1);
    while ((newline = strstr(value, "\\n"))) {
        *newline = '\n';
        memmove(newline + 1, newline + 2, strlen(newline + 2) + 1);
    }
    cb_env_set(&table->env, name, value);
}

/* 1 if LINE is no case but says something about those to follow. */
static int read_setting(struct table *table, const char *line)
{
    if (strncmp(line, "ENV ", 4) == 0)
        set_env(table, line + 4);
    else if (strncmp(line, "MODE ", 5) == 0)
        table->mode = line[5];
    else if (strncmp(line, "ESCAPE ", 7) == 0)
        table->escape = line[7];
    else
        return line[0] == '#' || line[0] == '\0';
    return 1;
}

static void add_case(const struct table *table, const char *line, struct cb_strbuf *out)
{
    const char *bar = strstr(line, " |");
    size_t len = bar ? (size_t)(bar - line) : strlen(line);
    cb_autofree char *word = NULL;
    cb_auto_value(cb_strbuf) found = {0};
    cb_auto(cb_error) error = NULL;

    while (len > 0 && line[len - 1] == ' ')
        len--;
    word = xstrndup(line, len);
    if (expand(table, word, &found, &error) < 0)
        cb_strbuf_addf(&found, "error: %s", cb_error_message(error));
    cb_strbuf_addf(out, "%-28s |%s%s\n", word, found.len ? " " : "",
                   cb_strbuf_text(&found));
}

static int check_words(const char *path)
{
    struct table table = {.mode = 'w', .escape = '\\'};
    cb_auto_value(cb_strbuf) found = {0};
    const char *name = strrchr(path, '/') + 1;
    cb_autofree char *dir = xstrndup(path, (size_t)(name - path) - 1);
    size_t len = 0;
    cb_autofree char *text = read_file(dir, name, &len);

    assert_non_null(text);
    for (char *line = text, *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end)
            *end++ = '\0';
        if (read_setting(&table, line))
            cb_strbuf_addf(&found, "%s\n", line);
        else
            add_case(&table, line, &found);
    }
    cb_strings_free(&table.env);
    return compare(dir, name, &found);
}

static void good_dockerfiles_have_the_expected_tree(void **state)
{
    for_each_fixture("parser/ok", check_ok);
}

static void bad_dockerfiles_have_the_expected_errors(void **state)
{
    for_each_fixture("parser/bad", check_bad);
}

static void words_expand_as_listed(void **state)
{
    for_each_fixture("words", check_words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_dockerfiles_have_the_expected_tree),
        cmocka_unit_test(bad_dockerfiles_have_the_expected_errors),
        cmocka_unit_test(words_expand_as_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
