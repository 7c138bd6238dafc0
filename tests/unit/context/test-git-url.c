/* Git URLs: what is one, what it says, and what is refused. */
#include "context/git-url.h"

#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* "remote ref subdir", and what else is there. */
static char *describe(const char *text)
{
    cb_auto_value(cb_git_ref) ref = {0};
    cb_auto(cb_error) error = NULL;
    cb_auto_value(cb_strbuf) out = {0};
    int found = cb_git_ref_parse(&ref, text, &error);

    if (found < 0) {
        cb_strbuf_addf(&out, "error: %s", cb_error_message(error));
    } else if (found == 0) {
        cb_strbuf_adds(&out, "no");
    } else {
        cb_strbuf_addf(&out, "%s %s host=%s ref=%s sub=%s", ref.scheme, ref.remote,
                       ref.host, ref.ref, ref.subdir);
        if (ref.userinfo)
            cb_strbuf_addf(&out, " user=%s", ref.userinfo);
        if (ref.checksum)
            cb_strbuf_addf(&out, " sum=%s", ref.checksum);
        if (ref.keep_git_dir >= 0)
            cb_strbuf_addf(&out, " keep=%d", ref.keep_git_dir);
        if (ref.submodules >= 0)
            cb_strbuf_addf(&out, " submodules=%d", ref.submodules);
        cb_strbuf_adds(&out, ref.commit_times ? " times" : "");
        cb_strbuf_adds(&out, ref.fetch_by_commit ? " by-commit" : "");
        cb_strbuf_adds(&out, ref.is_bare ? " bare" : "");
    }
    return cb_strbuf_steal(&out);
}

static void check(const char *const (*rows)[2], size_t count)
{
    int bad = 0;

    for (size_t i = 0; i < count; i++) {
        cb_autofree char *got = describe(rows[i][0]);

        if (strcmp(got, rows[i][1]) == 0)
            continue;
        print_error("%s\n  expected %s\n  got      %s\n", rows[i][0], rows[i][1], got);
        bad++;
    }
    assert_int_equal(bad, 0);
}

static void test_forms(void **state)
{
    static const char *const rows[][2] = {
        {"https://h/a/b.git", "https https://h/a/b.git host=h ref= sub="},
        {"http://h:80/b.git", "http http://h:80/b.git host=h:80 ref= sub="},
        {"HTTPS://H/b.git", "https https://h/b.git host=h ref= sub="},
        {"git://h/b", "git git://h/b host=h ref= sub="},
        {"ssh://git@h:2222/b", "ssh ssh://git@h:2222/b host=h:2222 ref= sub="},
        {"git@h:a/b.git", "ssh git@h:a/b.git host=h ref= sub="},
        {"me@h:b", "ssh me@h:b host=h ref= sub="},
        {"github.com/a/b", "https https://github.com/a/b host=github.com ref= sub= bare"},
        {"github.com/a/b.git#v1:d",
         "https https://github.com/a/b.git host=github.com ref=v1 sub=d bare"},
        {"https://me:p%40ss@h/b.git",
         "https https://h/b.git host=h ref= sub= user=me:p@ss"},
        {"ssh://git:secret@h/b", "ssh ssh://git@h/b host=h ref= sub="},
    };

    check(rows, CB_ARRAY_SIZE(rows));
}

static void test_other_things(void **state)
{
    static const char *const rows[][2] = {
        {"https://h/b", "no"},
        {"https://h/b.git/info", "no"},
        {"https://h.git", "no"},
        {"http://h?x=/b.git", "no"},
        {"./github.com/a", "no"},
        {"dir/file", "no"},
        {"file:///b.git", "no"},
        {"ftp://h/b.git", "no"},
        {"ext::sh -c touch% /tmp/x", "no"},
        {"h:b.git", "no"},
        {"C:\\b.git", "no"},
        {"-u@h:b", "no"},
        {"a b@h:c", "no"},
        {"", "no"},
    };

    check(rows, CB_ARRAY_SIZE(rows));
}

static void test_fragments(void **state)
{
    static const char *const rows[][2] = {
        {"https://h/b.git#main", "https https://h/b.git host=h ref=main sub="},
        {"https://h/b.git#a/b:c/d", "https https://h/b.git host=h ref=a/b sub=c/d"},
        {"https://h/b.git#:d", "https https://h/b.git host=h ref= sub=d"},
        {"https://h/b.git#m:", "https https://h/b.git host=h ref=m sub="},
        {"https://h/b.git#m:/d//e/.", "https https://h/b.git host=h ref=m sub=d/e"},
        {"https://h/b.git#m:../../etc", "https https://h/b.git host=h ref=m sub=etc"},
        {"https://h/b.git#a%2Fb:c%20d", "https https://h/b.git host=h ref=a/b sub=c d"},
        {"git@h:b#m:d", "ssh git@h:b host=h ref=m sub=d"},
    };

    check(rows, CB_ARRAY_SIZE(rows));
}

static void test_queries(void **state)
{
    static const char *const rows[][2] = {
        {"https://h/b.git?ref=v1&subdir=d", "https https://h/b.git host=h ref=v1 sub=d"},
        {"https://h/b.git?tag=v1", "https https://h/b.git host=h ref=refs/tags/v1 sub="},
        {"https://h/b.git?tag=refs/tags/v1",
         "https https://h/b.git host=h ref=refs/tags/v1 sub="},
        {"git@h:b?branch=m", "ssh git@h:b host=h ref=refs/heads/m sub="},
        {"https://h/b.git?ref=v1#v1", "https https://h/b.git host=h ref=v1 sub="},
        {"https://h/b.git?checksum=ab12&keep-git-dir=1",
         "https https://h/b.git host=h ref= sub= sum=ab12 keep=1"},
        {"https://h/b.git?commit=ab12&submodules=false&mtime=commit",
         "https https://h/b.git host=h ref= sub= sum=ab12 submodules=0 times"},
        {"https://h/b.git?keep-git-dir&mtime=checkout",
         "https https://h/b.git host=h ref= sub= keep=1"},
        {"https://h/b.git?fetch-by-commit",
         "https https://h/b.git host=h ref= sub= by-commit"},
    };

    check(rows, CB_ARRAY_SIZE(rows));
}

static void test_contradictions_are_refused(void **state)
{
    static const char *const rows[][2] = {
        {"https://h/b.git?depth=1", "error: unexpected query \"depth\""},
        {"https://h/b.git?ref=a&ref=b", "error: query \"ref\" has multiple values"},
        {"https://h/b.git?ref=", "error: query \"ref\" has no value"},
        {"https://h/b.git?ref=a#b", "error: ref conflicts: \"b\" vs \"a\""},
        {"https://h/b.git?subdir=a#:b", "error: subdir conflicts: \"b\" vs \"a\""},
        {"https://h/b.git?tag=a&branch=a", "error: branch conflicts with tag"},
        {"https://h/b.git?tag=a#a", "error: ref conflicts: \"a\" vs \"refs/tags/a\""},
        {"https://h/b.git?keep-git-dir=yes",
         "error: invalid keep-git-dir value: \"yes\""},
        {"https://h/b.git?mtime=now", "error: invalid mtime value: \"now\" (must be "
                                      "\"checkout\" or \"commit\")"},
        {"https://h/b.git?commit=xyz",
         "error: invalid checksum xyz for Git URL, expected hex commit hash"},
    };

    check(rows, CB_ARRAY_SIZE(rows));
}

/* Nothing that reaches git's command line may be an option, a pattern or a path. */
static void test_hostile_text_is_refused(void **state)
{
    static const char *const urls[] = {
        "https://-oProxyCommand=x/b.git",
        "ssh://-oProxyCommand=x/b",
        "ssh://-x@h/b",
        "ssh://h;x/b",
        "git://h$x/b",
        "git@h:-upload-pack",
        "git@h:",
        "https://h/b.git#--upload-pack=x",
        "https://h/b.git#-x",
        "https://h/b.git#a..b",
        "https://h/b.git#*",
        "https://h/b.git#a%0ab",
        "https://h/b.git#a%00b",
        "https://h/b.git?ref=-x",
        "https://h/b.git?tag=%2A",
        "https://h/b.git?ref=a%00b",
        "https://h/a b.git",
        "https://h/\nb.git",
        "https:///b.git",
        "https://u%0d%0aX:y@h/b.git",
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(urls); i++) {
        cb_auto_value(cb_git_ref) ref = {0};
        cb_auto(cb_error) error = NULL;

        if (cb_git_ref_parse(&ref, urls[i], &error) >= 0)
            fail_msg("accepted: %s", urls[i]);
        assert_int_equal(cb_error_kind(error), CB_ERR_USAGE);
    }
}

static void test_userinfo_is_redacted(void **state)
{
    static const char *const rows[][2] = {
        {"ADD https://u:p@h/x /", "ADD https://xxxxx@h/x /"},
        {"ADD https://token@h/x https://h/y /", "ADD https://xxxxx@h/x https://h/y /"},
        {"https://h/x@y", "https://h/x@y"},
        {"ssh://git@h/x", "ssh://git@h/x"},
        {"ssh://git:p@h/x", "ssh://xxxxx@h/x"},
        {"https://u:p@ss@h/x", "https://xxxxx@h/x"},
        {"[\"https://u:p@h/x\", \"/y\"]", "[\"https://xxxxx@h/x\", \"/y\"]"},
        {"no URL", "no URL"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofree char *got = cb_redact_urls(rows[i][0]);

        assert_string_equal(got, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_other_things),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_contradictions_are_refused),
        cmocka_unit_test(test_hostile_text_is_refused),
        cmocka_unit_test(test_userinfo_is_redacted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
