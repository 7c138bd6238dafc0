/* Which rules fire where: a row is a Dockerfile and the lines of its warnings. Each rule
 * has rows that break it and rows that nearly do. */
#include "fake-build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    const char *text;
    const char *expected; /* "LINE Rule" for each, separated by "; " */
};

static void render(const struct cb_check_result *result, struct cb_strbuf *out)
{
    cb_vec_foreach (warning, &result->warnings)
        cb_strbuf_addf(out, "%s%u %s", out->len ? "; " : "", warning->line,
                       warning->rule->name);
    if (result->error)
        cb_strbuf_addf(out, "%serror: %s", out->len ? "; " : "",
                       cb_error_message(result->error));
}

static void check(struct fake_request *request, const char *text,
                  struct cb_check_result *result)
{
    cb_auto(cb_source) source = cb_source_new("Dockerfile", text, strlen(text));

    request->options.source = source;
    cb_frontend_check(result, &request->options);
}

static void expect_row_linted(const struct row *row, int lint, int offline,
                              const char *build_arg)
{
    cb_auto_value(cb_check_result) result = {0};
    cb_auto_value(cb_strbuf) found = {0};
    struct fake_request request;

    fake_request_init(&request);
    request.options.lint = lint;
    request.options.offline = offline;
    if (build_arg)
        cb_strings_add(&request.build_args, build_arg);
    check(&request, row->text, &result);
    render(&result, &found);
    if (strcmp(cb_strbuf_text(&found), row->expected) != 0)
        fail_msg("%s\nexpected: %s\nfound:    %s", row->text, row->expected,
                 cb_strbuf_text(&found));
    fake_request_clear(&request);
}

static void expect_row(const struct row *row, int offline, const char *build_arg)
{
    expect_row_linted(row, 1, offline, build_arg);
}

static void expect_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_row(&rows[i], 0, NULL);
}

/* ── BuildKit's ── */

static void test_rules_on_names(void **state)
{
    static const struct row rows[] = {
        {"FROM a:1 AS Base\nFROM base\n", "1 StageNameCasing"},
        {"FROM a:1 as b\nFROM b\n", "1 FromAsCasing"},
        {"from a:1 as b\nfrom b\n", ""},
        {"From a:1 As b\nFROM b\n", "1 ConsistentInstructionCasing"},
        {"FROM a:1 AS b\nFROM b AS b\nFROM b\n", "2 DuplicateStageName"},
        {"FROM a:1 AS b\nFROM b AS c\nFROM c\n", ""},
        {"FROM a:1 AS scratch\nRUN x\n", "1 ReservedStageName"},
        {"FROM a:1 AS context\nRUN x\n", "1 ReservedStageName"},
        {"FROM a:1 AS contexts\nRUN x\n", ""},
        {"FROM a:1\nRun x\nRUN y\n", "2 ConsistentInstructionCasing"},
        {"from a:1\nRUN x\n", "1 ConsistentInstructionCasing"},
        {"from a:1\nrun x\nUSER y\n", "3 ConsistentInstructionCasing"},
        {"FROM a:1\nRUN a \\\n\n  b\n", "2 NoEmptyContinuation"},
        {"FROM a:1\nRUN a \\\n# comment\n  b\n", ""},
    };

    expect_rows(rows, CB_ARRAY_SIZE(rows));
}

static void test_rules_on_from(void **state)
{
    static const struct row rows[] = {
        {"FROM a:$V\n", "1 UndefinedArgInFrom; 1 InvalidDefaultArgInFrom; error: failed "
                        "to parse stage name \"a:\": `a:`: invalid reference format"},
        {"ARG V=1\nFROM a:$V\n", ""},
        {"ARG V\nFROM a:${V:-1}\n", ""},
        {"FROM a:${V:-1}\n", ""},
        {"ARG IMAGE=a:1\nFROM ${IMAG:-a:2}\n", ""},
        {"FROM --platform=$TARGETPLATFORM a:1\n", "1 RedundantTargetPlatform"},
        {"FROM --platform=${TARGETPLATFORM} a:1\n", "1 RedundantTargetPlatform"},
        {"FROM --platform=$BUILDPLATFORM a:1\n", ""},
        {"FROM --platform=$TARGETOS/$TARGETARCH a:1\n", ""},
        {"FROM --platform=linux/amd64 a:1\n", "1 FromPlatformFlagConstDisallowed"},
        {"FROM --platform=linux/amd64 a:1 AS linux\n", ""},
        {"FROM --platform=linux/amd64 a:1 AS for-amd64\n", ""},
        {"ARG P=linux/amd64\nFROM --platform=$P a:1\n", ""},
        {"FROM --platform=linux/arm64 a:1 AS arm64\n", "1 InvalidBaseImagePlatform"},
        {"FROM a:1\nCOPY --from=b:1 /x /\n", ""},
    };

    expect_rows(rows, CB_ARRAY_SIZE(rows));
}

static void test_default_of_a_global_arg(void **state)
{
    static const struct row missing = {"ARG V\nFROM a:$V\n", "2 InvalidDefaultArgInFrom"};
    static const struct row given = {"ARG V\nFROM a:${V:-2}\n", ""};
    static const struct row undeclared = {"FROM a:${X:-1}\n", ""};

    expect_row(&missing, 0, "V=1");
    expect_row(&given, 0, "V=1");
    expect_row(&undeclared, 0, NULL);
}

static void test_rules_on_instructions(void **state)
{
    static const struct row rows[] = {
        {"FROM a:1\nMAINTAINER me\n", "2 MaintainerDeprecated"},
        {"FROM a:1\nLABEL maintainer=me\n", ""},
        {"FROM a:1\nCMD run\n", "2 JSONArgsRecommended"},
        {"FROM a:1\nENTRYPOINT run\n", "2 JSONArgsRecommended"},
        {"FROM a:1\nCMD [\"run\"]\n", ""},
        {"FROM a:1\nSHELL [\"sh\", \"-c\"]\nCMD run\n", ""},
        {"FROM a:1\nHEALTHCHECK CMD run\n", ""},
        {"FROM a:1\nWORKDIR x\n", "2 WorkdirRelativePath"},
        {"FROM a:1\nWORKDIR /y\nWORKDIR x\n", ""},
        {"FROM a:1\nWORKDIR x\nWORKDIR y\n", "2 WorkdirRelativePath"},
        {"FROM a:1 AS b\nWORKDIR /x\nFROM b\nWORKDIR y\n", ""},
        {"FROM a:1\nCMD [\"a\"]\nCMD [\"b\"]\n", "2 MultipleInstructionsDisallowed"},
        {"FROM a:1\nENTRYPOINT [\"a\"]\nENTRYPOINT [\"b\"]\n",
         "2 MultipleInstructionsDisallowed"},
        {"FROM a:1\nHEALTHCHECK CMD a\nHEALTHCHECK CMD b\nHEALTHCHECK NONE\n",
         "2 MultipleInstructionsDisallowed; 3 MultipleInstructionsDisallowed"},
        {"FROM a:1 AS b\nCMD [\"a\"]\nFROM b\nCMD [\"b\"]\n", ""},
        {"FROM a:1\nENV a b\n", "2 LegacyKeyValueFormat"},
        {"FROM a:1\nLABEL a b\n", "2 LegacyKeyValueFormat"},
        {"FROM a:1\nENV a=b\n", ""},
        {"FROM a:1\nEXPOSE 80/TCP\n", "2 ExposeProtoCasing"},
        {"FROM a:1\nEXPOSE 80/tcp\n", ""},
        {"FROM a:1\nEXPOSE 127.0.0.1:80:80\n", "2 ExposeInvalidFormat"},
        {"FROM a:1\nEXPOSE 8080:80\n", "2 ExposeInvalidFormat"},
        {"FROM a:1\nEXPOSE 8080-8090\n", ""},
        {"FROM a:1\nCMD ['a']\n", "2 JSONArgsRecommended; 2 InvalidJSONForm"},
        {"FROM a:1\nRUN [ -d /x ] && y\n", ""},
    };

    expect_rows(rows, CB_ARRAY_SIZE(rows));
}

static void test_rules_on_variables(void **state)
{
    static const struct row rows[] = {
        {"FROM a:1\nCOPY $X /\n", "2 UndefinedVar"},
        {"FROM a:1\nARG X\nCOPY $X /\n", ""},
        {"FROM a:1\nENV X=1\nUSER $X\n", ""},
        {"FROM a:1\nUSER $BASE\n", ""},
        {"FROM a:1\nUSER ${X:-me}\n", ""},
        {"FROM a:1\nENV P=/x:$PATH\n", ""},
        {"FROM a:1\nRUN echo $X\n", ""},
        {"ARG X=1\nFROM a:1\nUSER $X\n", "3 UndefinedVar"},
        {"FROM a:1 AS b\nARG X\nFROM b AS c\nFROM c\nUSER $X\n", ""},
        {"FROM a:1 AS b\nARG X\nFROM a:1\nCOPY --from=b /$X /\n", "4 UndefinedVar"},
        {"FROM a:1\nENV API_KEY=1\n", "2 SecretsUsedInArgOrEnv"},
        {"FROM a:1\nARG TOKEN\n", "2 SecretsUsedInArgOrEnv"},
        {"FROM a:1\nENV my_Password=1 x=2 auth=3\n",
         "2 SecretsUsedInArgOrEnv; 2 SecretsUsedInArgOrEnv"},
        {"FROM a:1\nENV PUBLIC_KEY=1 TOKEN_FILE=x KEY_VERSION=2\n", ""},
        {"FROM a:1\nENV MONKEY=1 AUTHOR=2\n", ""},
        {"ARG TOKEN\nFROM a:1\n", ""},
    };

    expect_rows(rows, CB_ARRAY_SIZE(rows));
}

/* Of an image that is not looked up any variable may come. */
static void test_variables_of_unknown_images(void **state)
{
    static const struct row rows[] = {
        {"FROM a:1\nUSER $ANYTHING\n", ""},
        {"FROM a:1\nARG VERSION=1\nUSER $VERSOIN\n", "3 UndefinedVar"},
        {"FROM a:1 AS b\nFROM b\nUSER $ANYTHING\n", ""},
        {"FROM scratch\nUSER $ANYTHING\n", "2 UndefinedVar"},
        {"FROM --platform=linux/arm64 missing:1 AS arm64\nRUN x\n", ""},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++)
        expect_row(&rows[i], 1, NULL);
}

static void test_descriptions_are_checked_on_request(void **state)
{
    static const char check[] = "BUILDKIT_DOCKERFILE_CHECK=experimental=all";
    static const struct row rows[] = {
        {"# x\nFROM a:1 AS b\nRUN x\n", "2 InvalidDefinitionDescription"},
        {"# b makes it\nFROM a:1 AS b\nRUN x\n", ""},
        {"# anything\nFROM a:1\nRUN x\n", ""},
        {"# anything\n\nFROM a:1 AS b\nRUN x\n", ""},
        {"FROM a:1\n# about it\nARG X=1\n", "3 InvalidDefinitionDescription"},
        {"FROM a:1\n# X is it\nARG X=1\n", ""},
        {"FROM a:1\n# Y is it\nARG X=1 Y=2\n", ""},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++)
        expect_row(&rows[i], 0, check);
    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        struct row quiet = {rows[i].text, ""};

        expect_row(&quiet, 0, NULL);
    }
}

/* ── Choosing ── */

static void test_directives(void **state)
{
    static const struct row rows[] = {
        {"# check=skip=JSONArgsRecommended\nFROM a:1\nCMD x\n", ""},
        {"# check=skip=JSONArgsRecommended, StageNameCasing\nFROM a:1 AS B\nCMD x\n", ""},
        {"# check=skip=all\nFROM a:1 AS B\nCMD x\n", ""},
        {"# check=skip=StageNameCasing\nFROM a:1\nCMD x\n", "3 JSONArgsRecommended"},
        {"# check=skip=jsonargsrecommended\nFROM a:1\nCMD x\n", "3 JSONArgsRecommended"},
        {"# check=skip=all;error=true\nFROM a:1\nCMD x\n", ""},
        {"# check=error=true\nFROM a:1\nCMD x\n",
         "3 JSONArgsRecommended; error: lint violation found for rules: "
         "JSONArgsRecommended"},
        {"# check=error=false\nFROM a:1\nCMD x\n", "3 JSONArgsRecommended"},
        {"# check=skip=all;experimental=InvalidDefinitionDescription\nARG X=1\n# z\n"
         "FROM a:1 AS b\nCMD x\n",
         "4 InvalidDefinitionDescription"},
        {"# check=skip\nFROM a:1\n", "error: invalid check option \"skip\""},
        {"# check=nope=1\nFROM a:1\n", "error: invalid check option \"nope\""},
        {"# check=error=maybe\nFROM a:1\n",
         "error: failed to parse check option \"error=maybe\": expected true or false"},
        {"# check=error=true;skip=a;experimental=b;error=x\nFROM a:1\n", ""},
    };

    expect_rows(rows, CB_ARRAY_SIZE(rows));
}

static void test_build_argument_goes_before_the_directive(void **state)
{
    static const struct row row = {"# check=skip=all\nFROM a:1\nCMD x\n",
                                   "3 JSONArgsRecommended"};

    expect_row(&row, 0, "BUILDKIT_DOCKERFILE_CHECK=error=false");
}

static void test_comments_of_instructions(void **state)
{
    static const struct row rows[] = {
        {"FROM a:1\n# check=skip=JSONArgsRecommended\nCMD x\n", ""},
        {"FROM a:1\n# check=skip=all\nCMD x\nENTRYPOINT y\n", "4 JSONArgsRecommended"},
        {"FROM a:1\n# check=skip=JSONArgsRecommended why so\nCMD x\n", ""},
        {"FROM a:1\n# check=skip=StageNameCasing, JSONArgsRecommended why so\nCMD x\n",
         ""},
        {"FROM a:1\n# check=skip=JSONArgsRecommended\n\nCMD x\n",
         "4 JSONArgsRecommended"},
        {"FROM a:1\n# check=nonsense\nCMD x\n", "3 JSONArgsRecommended"},
        {"FROM a:1\nRUN x\n# check=skip=MultipleInstructionsDisallowed\nCMD [\"x\"]\nCMD "
         "[\"y\"]\n",
         ""},
        {"FROM a:1\nCMD [\"x\"]\n# check=skip=MultipleInstructionsDisallowed\nCMD "
         "[\"y\"]\n",
         ""},
        {"ARG X=1\n# check=skip=StageNameCasing\nFROM a:1 AS B\nCMD [\"x\"]\n", ""},
        {"ARG X=1\n# b\n# check=experimental=all\n# nothing\nFROM a:1 AS b\nRUN x\n",
         "5 InvalidDefinitionDescription"},
    };

    expect_rows(rows, CB_ARRAY_SIZE(rows));
}

static void test_unknown_rules_are_named(void **state)
{
    static const char text[] = "# check=skip=StageNameCasin\nFROM a:1\n";
    cb_auto_value(cb_check_result) result = {0};
    struct fake_request request;

    fake_request_init(&request);
    check(&request, text, &result);
    assert_string_equal(cb_strbuf_text(&fake_warnings),
                        "1 -: there is no check `StageNameCasin` (did you mean "
                        "`StageNameCasing`?)\n");
    fake_request_clear(&request);
}

/* A stage that the target does not need is checked unless there is a target. */
static void test_all_stages_are_checked(void **state)
{
    static const char text[] = "FROM a:1 AS b\nCMD x\nFROM a:1\nCMD [\"y\"]\n";
    static const struct row row = {text, "2 JSONArgsRecommended"};
    cb_auto_value(cb_check_result) result = {0};
    struct fake_request request;

    expect_row(&row, 0, NULL);
    fake_request_init(&request);
    request.options.target = "1";
    check(&request, text, &result);
    assert_int_equal(result.warnings.count, 0);
    fake_request_clear(&request);
}

/* ── cbuild's own ── */

static void test_args_outside_of_stages(void **state)
{
    static const struct row rows[] = {
        {"ARG V=1\nFROM a:1\nRUN echo $V\n", "3 ArgOutsideStage"},
        {"ARG V\nFROM a:1\nRUN echo x${V:-2}\n", "3 ArgOutsideStage"},
        {"ARG V\nFROM a:1\nRUN <<E\necho $V\nE\n", "3 ArgOutsideStage"},
        {"ARG V\nFROM a:1 AS b\nARG V\nFROM a:1\nCOPY --from=b /x /\nRUN echo $V\n",
         "6 ArgOutsideStage"},
        {"ARG V\nFROM a:1\nUSER $V\n", "3 UndefinedVar"},
        {"ARG V\nFROM a:1\nARG V\nRUN echo $V\n", ""},
        {"ARG V\nFROM a:1\nENV V=2\nRUN echo $V\n", ""},
        {"ARG V\nFROM a:1 AS b\nARG V=1\nFROM b\nRUN echo $V\n", ""},
        {"ARG V\nFROM a:1\nRUN V=2; echo $V\n", ""},
        {"ARG V\nFROM a:1\nRUN for V in 1 2; do echo $V; done\n", ""},
        {"ARG V\nFROM a:1\nRUN echo $VERSION ${VERSION} \\$V\n", ""},
        {"ARG V\nFROM a:1\nRUN cat <<E >/x\n$V\nE\n", ""},
        {"ARG V\nFROM a:1\nRUN [\"echo\", \"$V\"]\n", ""},
    };

    expect_rows(rows, CB_ARRAY_SIZE(rows));
}

static void test_package_lists(void **state)
{
    static const struct row rows[] = {
        {"FROM a:1\nRUN apt-get update\nRUN apt-get install -y x\n", "2 AptUpdateAlone"},
        {"FROM a:1\nRUN set -e; apt-get -qq update && rm -f /x\n", "2 AptUpdateAlone"},
        {"FROM a:1\nRUN [\"apt-get\", \"update\"]\n", "2 AptUpdateAlone"},
        {"FROM a:1\nRUN [\"sh\", \"-c\", \"apt update\"]\n", "2 AptUpdateAlone"},
        {"FROM a:1\nRUN <<E\napt-get update\nE\n", "2 AptUpdateAlone"},
        {"FROM a:1\nRUN apt-get update && apt-get install -y x\n", ""},
        {"FROM a:1\nRUN apt-get update; ./install.sh\n", ""},
        {"FROM a:1\nRUN --mount=type=cache,target=/var/lib/apt apt-get update\n", ""},
        {"FROM a:1\nRUN echo 'apt-get update'\n", ""},
        {"FROM a:1\nRUN cat <<E >/x.sh\napt-get update\nE\n", ""},
        {"FROM a:1\nRUN apt-get update && apt-get -y upgrade\n", "2 AptUpgrade"},
        {"FROM a:1\nRUN DEBIAN_FRONTEND=x sudo -E apt-get -o A=b dist-upgrade\n",
         "2 AptUpgrade"},
        {"FROM a:1\nRUN apt-get update && apt-get install --only-upgrade x\n", ""},
        {"FROM a:1\nRUN pip install --upgrade x\n", ""},
    };

    expect_rows(rows, CB_ARRAY_SIZE(rows));
}

static void test_archives_that_are_added_and_unpacked(void **state)
{
    static const struct row rows[] = {
        {"FROM a:1\nADD https://e.com/x.tar.gz /t/\nRUN tar -xf /t/x.tar.gz\n",
         "2 AddThenExtract"},
        {"FROM a:1\nARG V=1\nADD http://e.com/x-$V.tgz?q=1 /t/\nRUN cd /t && tar "
         "xf x-$V.tgz\n",
         "3 AddThenExtract"},
        {"FROM a:1\nADD --unpack=true https://e.com/x.tar.gz /t/\nRUN tar xf x.tar.gz\n",
         ""},
        {"FROM a:1\nADD https://e.com/x.tar.gz /t/\nRUN tar xf y.tar.gz\n", ""},
        {"FROM a:1\nADD https://e.com/x.tar.gz /t/\nRUN cp /t/x.tar.gz /y\n", ""},
        {"FROM a:1\nADD https://e.com/x.deb /t/\nRUN tar xf /t/x.deb\n", ""},
        {"FROM a:1\nADD x.tar.gz /t/\nRUN tar xf x.tar.gz\n", ""},
        {"FROM a:1 AS b\nADD https://e.com/x.tgz /t/\nFROM b\nRUN tar xf /t/x.tgz\n", ""},
    };

    expect_rows(rows, CB_ARRAY_SIZE(rows));
}

static void test_changes_of_copied_files(void **state)
{
    static const struct row rows[] = {
        {"FROM a:1\nCOPY x /app\nRUN chown -R me /app\n", "3 ChangeAfterCopy"},
        {"FROM a:1\nWORKDIR /app\nCOPY x .\nRUN y && chmod -Rv 755 .\n",
         "4 ChangeAfterCopy"},
        {"FROM a:1\nCOPY x /app/bin/\nRUN chmod --recursive +x /app\n",
         "3 ChangeAfterCopy"},
        {"FROM a:1\nCOPY x /app\nRUN chown -R me /app/*\n", "3 ChangeAfterCopy"},
        {"FROM a:1\nCOPY x /app\nRUN chown me /app\n", ""},
        {"FROM a:1\nCOPY x /app\nRUN mkdir /app/d && chown -R me /app/d\n", ""},
        {"FROM a:1\nCOPY x /app\nRUN chown -R me /application\n", ""},
        {"FROM a:1\nCOPY x /app\nRUN cd /other && chown -R me .\n", ""},
        {"FROM a:1\nCOPY x /app\nRUN chown -R me $HOME\n", ""},
        {"FROM a:1\nRUN chown -R me /app\nCOPY x /app\n", ""},
        {"FROM a:1 AS b\nCOPY x /app\nFROM b\nRUN chown -R me /app\n", ""},
    };

    expect_rows(rows, CB_ARRAY_SIZE(rows));
}

static void test_a_version_is_a_matter_of_taste(void **state)
{
    static const struct row rows[] = {
        {"FROM a\nFROM b:1\n", "1 UnusedStage"},
        {"# check=experimental=LatestBaseImage\nFROM a\n", "2 LatestBaseImage"},
        {"# check=experimental=all\nFROM a\n", "2 LatestBaseImage"},
        {"# check=experimental=all;skip=LatestBaseImage\nFROM a\n", ""},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++)
        expect_row_linted(&rows[i], 0, 0, NULL);
}

static void test_base_images_without_a_version(void **state)
{
    static const struct row rows[] = {
        {"FROM a\n", "1 LatestBaseImage"},
        {"FROM a:latest\n", "1 LatestBaseImage"},
        {"FROM localhost:5000/a\n", "1 LatestBaseImage"},
        {"FROM a:1\n", ""},
        {"FROM localhost:5000/a:1\n", ""},
        {"FROM "
         "a@sha256:1111111111111111111111111111111111111111111111111111111111111111\n",
         ""},
        {"FROM scratch\n", ""},
        {"FROM a:1 AS b\nFROM b\n", ""},
        {"ARG V=1\nFROM a:$V\n", ""},
    };

    expect_rows(rows, CB_ARRAY_SIZE(rows));
}

static void test_stages_that_nothing_uses(void **state)
{
    static const struct row rows[] = {
        {"FROM a:1 AS b\nRUN x\nFROM a:1\nRUN y\n", "1 UnusedStage"},
        {"FROM a:1\nRUN x\nFROM a:1\nRUN y\n", "1 UnusedStage"},
        {"FROM a:1\nRUN x\nFROM a:1\nCOPY --from=0 /x /\n", ""},
        {"FROM a:1 AS b\nRUN x\nFROM a:1\nRUN --mount=from=b,target=/b y\n", ""},
        {"FROM a:1 AS b\nRUN x\nFROM a:1\nCMD [\"y\"]\n", "1 UnusedStage"},
        {"FROM a:1 AS b\nCMD [\"x\"]\nFROM a:1\nRUN y\n", ""},
        {"FROM a:1 AS b\nRUN x\nFROM b AS test\nRUN t\nFROM b\nRUN y\n", ""},
        {"ARG SOURCE_DATE_EPOCH=1\nFROM scratch AS b\nADD x /\nFROM a:1\nRUN y\n", ""},
        {"FROM scratch AS b\nADD x /\nFROM a:1\nRUN y\n", "1 UnusedStage"},
        {"# b makes the tools\nFROM a:1 AS b\nRUN x\nFROM a:1\nRUN y\n", ""},
        {"FROM a:1 AS b\nRUN x\nFROM scratch AS out\nCOPY --from=b /x /\nFROM b\nRUN y\n",
         ""},
    };

    expect_rows(rows, CB_ARRAY_SIZE(rows));
}

/* They are for whoever asks: a build says nothing of them. */
static void test_builds_do_not_apply_our_own(void **state)
{
    static const char text[] = "FROM a\nRUN apt-get update\n";
    cb_auto(cb_plan) plan = NULL;
    cb_auto(cb_error) error = NULL;
    struct fake_request request;

    fake_request_init(&request);
    assert_int_equal(fake_plan(&request, text, strlen(text), &plan, &error), 0);
    assert_string_equal(cb_strbuf_text(&fake_warnings), "");
    cb_plan_free(cb_steal(&plan));
    fake_request_clear(&request);
}

/* ── Checking as such ── */

static void test_a_base_not_looked_up_may_set_anything(void **state)
{
    static const struct row rows[] = {
        {"FROM a:1\nENV A=${B:?}\nEXPOSE $A\n", ""},
        {"FROM a:1 AS b\nENV A=x$B\nFROM b\nEXPOSE $A\n", ""},
        {"FROM a:1\nARG \"$N\"=1\nEXPOSE $M\n", ""},
        {"FROM a:1\nENV A=x$B A=x\nENV C=x\nEXPOSE $C\n",
         "error: invalid port `x`: expected a number from 0 to 65535, or a range of "
         "them"},
        {"FROM a:1\nENV A=$B${C\n",
         "error: failed to process \"$B${C\": syntax error: missing '}'"},
        {"FROM scratch\nENV A=${B:?}\n", "error: failed to process \"${B:?}\": B: is "
                                         "not allowed to be unset"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++)
        expect_row(&rows[i], 1, NULL);
}

static void test_offline_asks_nobody(void **state)
{
    static const char text[] = "FROM a:1\nCOPY --from=b:2 /x /\nRUN x\n";
    cb_auto_value(cb_check_result) result = {0};
    struct fake_request request;

    fake_request_init(&request);
    request.options.offline = 1;
    check(&request, text, &result);
    assert_null(result.error);
    assert_int_equal(fake_resolved.count, 0);
    fake_request_clear(&request);
}

static void test_mistakes_are_part_of_the_result(void **state)
{
    static const struct row rows[] = {
        {"FROM a:1\nCMD x\nEXPOSE y\n", "2 JSONArgsRecommended; error: invalid port `y`: "
                                        "expected a number from 0 to 65535, or a range "
                                        "of them"},
        {"FROM a:1 AS Bad\nMAINTAINER me\nBADCMD\n",
         "1 StageNameCasing; 2 MaintainerDeprecated; error: unknown instruction: BADCMD"},
        {"# check=skip=MaintainerDeprecated\nFROM a:1\nMAINTAINER me\nBADCMD\n",
         "error: unknown instruction: BADCMD"},
        {"FROM a:1\nEXPOSE 127.0.0.1:80:80 [::1]:8080:8080 5000:5000 8000\n",
         "2 ExposeInvalidFormat; 2 ExposeInvalidFormat; 2 ExposeInvalidFormat"},
        {"FRM a\n", "error: unknown instruction: FRM (did you mean FROM?)"},
        {"FROM a:1\nRUN --network=host --security=insecure x\n", ""},
        {"FROM a:1\nRUN --mount=type=ssh,required x\n", ""},
    };

    expect_rows(rows, CB_ARRAY_SIZE(rows));
}

static void test_every_rule_has_a_page_and_a_name_of_its_own(void **state)
{
    size_t count;
    const struct cb_rule *rules = cb_rules(&count);

    assert_int_equal(count, 31);
    for (size_t i = 0; i < count; i++) {
        cb_autofree char *url = cb_rule_url(&rules[i]);

        assert_ptr_equal(cb_rule_find(rules[i].name), &rules[i]);
        assert_true(*rules[i].description && *rules[i].page);
        assert_true(!url || strstr(url, rules[i].page));
    }
    assert_null(cb_rule_find("NoSuchRule"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_on_names),
        cmocka_unit_test(test_rules_on_from),
        cmocka_unit_test(test_default_of_a_global_arg),
        cmocka_unit_test(test_rules_on_instructions),
        cmocka_unit_test(test_rules_on_variables),
        cmocka_unit_test(test_variables_of_unknown_images),
        cmocka_unit_test(test_descriptions_are_checked_on_request),
        cmocka_unit_test(test_directives),
        cmocka_unit_test(test_build_argument_goes_before_the_directive),
        cmocka_unit_test(test_comments_of_instructions),
        cmocka_unit_test(test_unknown_rules_are_named),
        cmocka_unit_test(test_all_stages_are_checked),
        cmocka_unit_test(test_args_outside_of_stages),
        cmocka_unit_test(test_package_lists),
        cmocka_unit_test(test_archives_that_are_added_and_unpacked),
        cmocka_unit_test(test_changes_of_copied_files),
        cmocka_unit_test(test_base_images_without_a_version),
        cmocka_unit_test(test_a_version_is_a_matter_of_taste),
        cmocka_unit_test(test_stages_that_nothing_uses),
        cmocka_unit_test(test_builds_do_not_apply_our_own),
        cmocka_unit_test(test_a_base_not_looked_up_may_set_anything),
        cmocka_unit_test(test_offline_asks_nobody),
        cmocka_unit_test(test_mistakes_are_part_of_the_result),
        cmocka_unit_test(test_every_rule_has_a_page_and_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
