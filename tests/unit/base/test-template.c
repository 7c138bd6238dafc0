/* Expectations follow Go's text/template and docker's functions. */
#include "unit.h"

#include "base/json.h"
#include "base/template.h"

static const char document[] =
    "{\"Id\":\"sha256:0123\",\"Name\":\"/web\",\"RestartCount\":0,\"Running\":true,"
    "\"Config\":{\"Env\":[\"A=1\",\"B=2\"],\"Labels\":{\"com.x\":\"y\",\"a\":\"b\"},"
    "\"Volumes\":null,\"Cmd\":[],\"Set\":{\"80/"
    "tcp\":{}}},\"Size\":1.5,\"Check\":{\"Test\":[\"CMD\",\"true\"],\"Interval\":"
    "2000000000},"
    "\"NetworkSettings\":{\"Ports\":{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":"
    "\"8080\"}],\"443/tcp\":null}},\"Label\":{\"com.x\":\"y\"}}";

static const struct cb_template_field fields[] = {
    {"Running", "Health", CB_TEMPLATE_NIL, NULL},
    {"Env", "Shell", CB_TEMPLATE_LIST, NULL},
    {"Env", "Ports", CB_TEMPLATE_MAP, NULL},
    {"Env", "StopSignal", CB_TEMPLATE_TEXT, NULL},
    {"Env", "Memory", CB_TEMPLATE_NUMBER, NULL},
    {"Env", "Tty", CB_TEMPLATE_FLAG, NULL},
    {NULL, "Volumes", CB_TEMPLATE_MAP, NULL},
    {"Test", "Interval", CB_TEMPLATE_DURATION, "Test"},
    {"Test", "Timeout", CB_TEMPLATE_DURATION, "Interval"},
    {"Test", "Retries", CB_TEMPLATE_NUMBER, "StartPeriod"},
    {"Test", "StartPeriod", CB_TEMPLATE_DURATION, "Timeout"},
    {0},
};

/* What TEXT makes of the document, as of one with FIELDS; the error's message if it
 * fails. */
static char *render_typed(const char *text, const struct cb_template_field *of)
{
    cb_auto(cb_template) template = NULL;
    cb_auto(cb_error) error = NULL;
    cb_auto_value(cb_strbuf) out = {0};
    cb_auto_json *dot = NULL;

    assert_ok(
        cb_json_parse(&dot, "document", document, strlen(document), 1 << 20, &error),
        error);
    if (cb_template_parse(&template, text, &error) < 0 ||
        cb_template_execute_typed(template, dot, of, &out, &error) < 0)
        return xstrdup(cb_error_message(error));
    return cb_strbuf_steal(&out);
}

static char *render(const char *text)
{
    return render_typed(text, NULL);
}

struct sample {
    const char *text, *wanted;
};

static void check(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cb_autofree char *got = render(samples[i].text);

        if (strcmp(got, samples[i].wanted) != 0)
            fail_msg("%s\n  wanted: %s\n  got:    %s", samples[i].text, samples[i].wanted,
                     got);
    }
}

static void fields_texts_and_trim_markers(void **state)
{
    static const struct sample samples[] = {
        {"plain { text }", "plain { text }"},
        {"{{.Name}}", "/web"},
        {"{{ .Config.Env }}", "[A=1 B=2]"},
        {"{{.ID}} {{.id}}", "sha256:0123 sha256:0123"},
        {"a {{- .Name -}} b", "a/webb"},
        {"a{{/* a comment */}}b", "ab"},
        {"a {{- /* a comment */ -}} b", "ab"},
        {"{{.RestartCount}} {{.Running}} {{.Size}}", "0 true 1.5"},
        {"{{.Config.Labels}}", "map[a:b com.x:y]"},
        {"{{.NetworkSettings.Ports}}", "map[443/tcp:<nil> 80/tcp:[{0.0.0.0 8080}]]"},
        {"{{.Config.Labels.none}}", "<no value>"},
        {"{{.Config.Volumes}}", "<nil>"},
        {"{{(index .NetworkSettings.Ports \"80/tcp\")}}", "[{0.0.0.0 8080}]"},
        {"{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}", "8080"},
        {"{{.Label \"com.x\"}}|{{.Label \"none\"}}|", "y||"},
        {"{{\"a\\t\\x41\\u00e9\"}}{{`\\raw`}}{{'A'}}", "a\tA\xc3\xa9\\raw65"},
        {"{{1_000}} {{0x1f}} {{-3}} {{1e3}} {{1.25}} {{0o17}} {{0b101}}",
         "1000 31 -3 1000 1.25 15 5"},
        {"{{\"}}\"}}", "}}"},
    };

    check(samples, CB_ARRAY_SIZE(samples));
}

static void conditions_and_loops(void **state)
{
    static const struct sample samples[] = {
        {"{{if .Running}}up{{else}}down{{end}}", "up"},
        {"{{if .RestartCount}}a{{else if .Config.Cmd}}b{{else}}c{{end}}", "c"},
        {"{{with .Config}}{{len .Env}}{{end}}", "2"},
        {"{{with .Config.Cmd}}x{{else}}none{{end}}", "none"},
        {"{{range .Config.Env}}[{{.}}]{{end}}", "[A=1][B=2]"},
        {"{{range $i, $e := .Config.Env}}{{if $i}}, {{end}}{{$i}}={{$e}}{{end}}",
         "0=A=1, 1=B=2"},
        {"{{range $k, $v := .Config.Labels}}{{$k}}:{{$v}} {{end}}", "a:b com.x:y "},
        {"{{range .Config.Cmd}}x{{else}}empty{{end}}", "empty"},
        {"{{range $p, $c := .NetworkSettings.Ports}}{{$p}}->{{range $c}}{{.HostPort}}"
         "{{end}};{{end}}",
         "443/tcp->;80/tcp->8080;"},
        {"{{range .Config.Env}}{{.}}{{break}}{{end}}", "A=1"},
        {"{{range .Config.Env}}{{if eq . \"A=1\"}}{{continue}}{{end}}{{.}}{{end}}",
         "B=2"},
        {"{{range 3}}{{.}}{{end}}", "012"},
        {"{{$x := .Name}}{{range .Config.Env}}{{$x}}{{$.Id}} {{end}}",
         "/websha256:0123 /websha256:0123 "},
        {"{{$n := 1}}{{if true}}{{$n = 2}}{{end}}{{$n}}", "2"},
        {"{{$n := 1}}{{if true}}{{$n := 2}}{{end}}{{$n}}", "1"},
        {"{{define \"t\"}}<{{.}}>{{end}}{{template \"t\" .Name}}{{block \"b\" 7}}{{.}}"
         "{{end}}",
         "</web>7"},
        {"{{define \"t\"}} {{end}}{{define \"t\"}}a{{end}}{{define \"t\"}}\n{{end}}"
         "{{template \"t\"}}",
         "a"},
        {"{{if 1}}{{block \"b\" 7}}{{.}}{{end}}{{end}}", "7"},
    };

    check(samples, CB_ARRAY_SIZE(samples));
}

static void empty_fields_of_structs_are_what_go_has(void **state)
{
    static const struct sample samples[] = {
        {"{{if .Health}}{{.Health.Status}}{{else}}none{{end}}", "none"},
        {"{{.Health}} {{json .Health}} {{.health}}", "<nil> null <nil>"},
        {"{{.Config.Shell}} {{len .Config.Shell}} {{json .Config.Shell}}", "[] 0 null"},
        {"{{.Config.Ports}} {{index .Config.Ports \"a\"}}|{{json .Config.Ports}}",
         "map[] |null"},
        {"{{.Config.Volumes}} {{json .Config.Volumes}}", "map[] null"},
        {"{{.Config.Cmd}} {{json .Config.Cmd}}", "[] []"},
        {"{{json .Config}}",
         "{\"Env\":[\"A=1\",\"B=2\"],\"Labels\":{\"com.x\":\"y\",\"a\":\"b\"},"
         "\"Volumes\":null,\"Cmd\":[],\"Set\":{\"80/tcp\":{}}}"},
        {"<{{.Config.StopSignal}}> {{.Config.Memory}} {{.Config.Tty}}", "<> 0 false"},
        {"{{.Health.Status}}", "template: :1:9: executing \"\" at <.Health.Status>: map "
                               "has no entry for key \"Health\""},
        {"{{.Shell}}", "template: :1:2: executing \"\" at <.Shell>: map has no entry for "
                       "key \"Shell\""},
        {"{{.Name.Nope}}", "template: :1:7: executing \"\" at <.Name.Nope>: can't "
                           "evaluate field Nope in type interface {}"},
        {"{{.Check}} {{.Check.Timeout}}", "{[CMD true] 2s 0s 0s 0} 0s"},
        {"{{.Config.Set}}", "map[80/tcp:{}]"},
        {"{{.Config.Labels.Shell}}", "<no value>"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(samples); i++) {
        cb_autofree char *got = render_typed(samples[i].text, fields);

        assert_string_equal(got, samples[i].wanted);
    }
}

static void functions(void **state)
{
    static const struct sample samples[] = {
        {"{{json .Config.Env}} {{json .Config.Volumes}} {{json \"<a>\"}}",
         "[\"A=1\",\"B=2\"] null \"<a>\""},
        {"{{.Config.Env | json}}", "[\"A=1\",\"B=2\"]"},
        {"{{join .Config.Env \"; \"}}", "A=1; B=2"},
        {"{{split .Name \"/\" | len}} {{index (split \"a:b\" \":\") 1}}", "2 b"},
        {"{{upper .Name}} {{lower \"ABC\"}} {{title \"a big one\"}}",
         "/WEB abc A Big One"},
        {"{{pad .Name 1 2}}|{{pad \"\" 1 2}}|{{truncate .Id 9}}|{{truncate .Name 20}}",
         " /web  ||sha256:01|/web"},
        {"{{slice .Name 1}} {{slice .Config.Env 1 2}}", "web [B=2]"},
        {"{{index .Config.Labels \"com.x\"}}{{index .Config.Labels \"none\"}}", "y"},
        {"{{index .Config.Volumes \"none\"}}|", "|"},
        {"{{and 1 0}}{{and 1 2}}{{or 0 3}}{{not true}}{{and false (index 1 1)}}",
         "023falsefalse"},
        {"{{eq 1 1}}{{eq .Name \"x\" \"/web\"}}{{ne 1 2}}{{lt 1 2}}{{ge 1.5 2.0}}",
         "truetruetruetruefalse"},
        {"{{print 1 2 \"a\" 3}}|{{println 1 \"a\"}}", "1 2a3|1 a\n"},
        {"{{printf \"%s-%d-%5d|%-5s|%05.1f|%q|%x|%v|%t|%%\" \"a\" 7 42 \"b\" 3.14159 "
         "\"q\" \"hi\" .Config.Env true}}",
         "a-7-   42|b    |003.1|\"q\"|6869|[A=1 B=2]|true|%"},
        {"{{printf \"%d\" \"a\"}} {{printf \"%s\"}} {{printf \"x\" 1}}",
         "%!d(string=a) %!s(MISSING) x%!(EXTRA int=1)"},
        {"{{printf \"%c|%U|%#v|%v\" 233 233 \"a\" nil}}", "\xc3\xa9|U+00E9|\"a\"|<nil>"},
        {"{{print 1 nil}} {{eq 3 \"3\"}} {{eq \"4\" 3}}", "1 <nil> true false"},
        {"{{printf \"%.3s|%6.2s|\" \"abcdef\" \"\xc3\xa9\xc3\xa9\xc3\xa9\"}}",
         "abc|    \xc3\xa9\xc3\xa9|"},
        {"{{html \"<a href='x'>&\\\"\"}} {{urlquery \"a b&c/d\"}} {{js \"it's\"}}",
         "&lt;a href=&#39;x&#39;&gt;&amp;&#34; a+b%26c%2Fd it\\'s"},
    };

    check(samples, CB_ARRAY_SIZE(samples));
}

static void verbs_are_those_of_go(void **state)
{
    static const struct sample samples[] = {
        {"{{printf \"%b %08b %#b %#x %#o %O %x\" 5 5 5 255 8 8 -255}}",
         "101 00000101 0b101 0xff 010 0o10 -ff"},
        {"{{printf \"%+d % d %06d %-6d| %.3d %5v|%+v\" 3 3 -42 42 7 42 3}}",
         "+3  3 -00042 42    | 007    42|3"},
        {"{{printf \"%*s|%-*s|%.*f|%*d|\" 3 \"a\" 3 \"b\" 2 3.14159 -3 5}}",
         "  a|b  |3.14|5  |"},
        {"{{printf \"%*d|\" \"a\" 5}} {{printf \"%.*d|\" \"a\" 5}}",
         "%!(BADWIDTH)5| %!(BADPREC)5|"},
        {"{{printf \"%[1]d %[1]x\" 255}} {{printf \"%[2]s %s\" \"a\" \"b\" \"c\"}}",
         "255 ff b c"},
        {"{{printf \"%[2]*[1]d|%[3]d\" 7 5}} {{printf \"%[x]d\" 1}}",
         "    7|%!d(BADINDEX) %!d(BADINDEX)"},
        {"{{printf \"% x|%#x|% X|%#q|%q\" \"hi\" \"hi\" \"hi\" \"hi\" 65}}",
         "68 69|0x6869|68 69|`hi`|'A'"},
        {"{{printf \"%g %g %e %.3g %G %+.2f\" 1.1 1000000.0 1.1 1234.5 1e-10 1.0}}",
         "1.1 1e+06 1.100000e+00 1.23e+03 1E-10 +1.00"},
        {"{{1000000.0}} {{123456789.5}} {{100000.0}} {{0.0001}} {{0.00001}} {{1.5e21}}",
         "1e+06 1.234567895e+08 100000 0.0001 1e-05 1.5e+21"},
        {"{{printf \"%q %5s|%d\" .Config.Env .Config.Env .Config.Env}}",
         "[\"A=1\" \"B=2\"] [  A=1   B=2]|[%!d(string=A=1) %!d(string=B=2)]"},
        {"{{printf \"%q %s\" .Config.Labels .Config.Labels}}",
         "map[\"a\":\"b\" \"com.x\":\"y\"] map[a:b com.x:y]"},
        {"{{printf \"%s %d %s\" true 1.5 nil}}",
         "%!s(bool=true) %!d(float64=1.5) %!s(<nil>)"},
        {"{{printf \"%06s|%-06s|%06.1s|%04q|%06x|%06t|%06v\" \"ab\" \"ab\" \"abc\" \"a\" "
         "\"ab\" true nil}}",
         "0000ab|ab    |00000a|0\"a\"|006162|00true|0<nil>"},
        {"{{printf \"%04s %04s %04d\" .Config.Env .Config.Labels \"x\"}}",
         "[0A=1 0B=2] map[000a:000b com.x:000y] %!d(string=000x)"},
        {"{{printf \"%03c|%05q|%08U|%06.3d|%.0d|%3.0d|%+06d\" 65 65 65 10 0 0 5}}",
         "00A|00'A'|  U+0041|   010||   |+00005"},
    };

    check(samples, CB_ARRAY_SIZE(samples));
}

static void letters_are_those_of_unicode(void **state)
{
    static const struct sample samples[] = {
        {"{{lower \"\u00c0\u03a3\u0416\"}} {{upper \"stra\u00dfe \u00e9\u0436\"}}",
         "\xc3\xa0\xcf\x83\xd0\xb6 STRA\xc3\x9f"
         "E \xc3\x89\xd0\x96"},
        {"{{title \"it's a_b-c \u00e9t\u00e9a \u00f1\"}}", "It'S A_b-C \xc3\x89t\xc3\xa9"
                                                           "a \xc3\x91"},
        {"{{upper \"a\xff\"}}", "A\xff"},
        {"{{js \"\u00e9\u2028\"}} {{urlquery \"\u00e9\"}} {{html \"a\\x00b\"}}",
         "\xc3\xa9\\u2028 %C3%A9 a\xef\xbf\xbd"
         "b"},
        {"{{len \"a\\x00b\"}}|{{html}}|{{js}}|{{urlquery}}", "3|||"},
    };

    check(samples, CB_ARRAY_SIZE(samples));
}

static void titles_of_columns_stay_as_they_are(void **state)
{
    cb_auto(cb_template) template = NULL;
    cb_auto(cb_error) error = NULL;
    cb_auto_value(cb_strbuf) out = {0};
    cb_auto_json *titles = json_pack("{s:s}", "Name", "NAME");

    assert_ok(cb_template_parse(&template, "{{lower .Name}} {{json .Name}} {{len .Name}}",
                                &error),
              error);
    assert_ok(cb_template_execute_titles(template, titles, &out, &error), error);
    assert_string_equal(cb_strbuf_text(&out), "NAME NAME 4");
}

static void mistakes_are_told_with_their_place(void **state)
{
    static const char parsing[] = "template parsing error: template: ";
    static const struct sample samples[] = {
        {"{{", ":1: unclosed action"},
        {"a\n{{.Name", ":2: unclosed action"},
        {"{{}}", ":1: missing value for command"},
        {"{{nope}}", ":1: function \"nope\" not defined"},
        {"{{.A | 1}}", ":1: non executable command in pipeline stage 2"},
        {"{{if}}x{{end}}", ":1: missing value for if"},
        {"{{range}}x{{end}}", ":1: missing value for range"},
        {"{{if 1}}x", ":1: unexpected EOF"},
        {"{{end}}", ":1: unexpected {{end}}"},
        {"{{else}}", ":1: unexpected {{else}}"},
        {"{{$x}}", ":1: undefined variable \"$x\""},
        {"{{$x = 1}}", ":1: undefined variable \"$x\""},
        {"{{(1}}", ":1: unclosed left paren"},
        {"{{\"a}}", ":1: unterminated quoted string"},
        {"{{`a}}", ":1: unterminated raw quoted string"},
        {"{{break}}", ":1: {{break}} outside {{range}}"},
        {"{{1.2.3}}", ":1: bad number syntax: \"1.2.3\""},
        {"{{.A @}}", ":1: unexpected \"@\" in command"},
        {"{{/* x }}", ":1: unclosed comment"},
        {"{{if 1}}{{define \"x\"}}a{{end}}{{end}}", ":1: unexpected <define> in command"},
        {"{{define \"x\"}}{{define \"y\"}}{{end}}{{end}}",
         ":1: unexpected <define> in command"},
        {"{{define}}", ":1: unexpected \"}}\" in define clause"},
        {"{{define \"x\" .}}", ":1: unexpected <.> in define clause"},
        {"{{define \"x\"}}a{{end}}\n{{define \"x\"}}b{{end}}",
         ":2: template: multiple definition of template \"x\""},
        {"{{\"a\\q\"}}", ":1: invalid syntax"},
        {"{{'ab'}}", ":1: malformed character constant: 'ab'"},
        {"{{..Name}}", ":1: unexpected . after term \".\""},
    };
    static const struct sample running[] = {
        {"{{.Nope}}", "template: :1:2: executing \"\" at <.Nope>: can't evaluate field "
                      "Nope"},
        {"\n{{.Config.Env.X}}",
         "template: :2:9: executing \"\" at <.Config.Env.X>: can't "
         "evaluate field X in type []interface {}"},
        {"{{$x := .Config}}{{$x.Env.X}}",
         "template: :1:21: executing \"\" at <$x.Env.X>: can't "
         "evaluate field X in type []interface {}"},
        {"{{.Config.Volumes.X}}",
         "template: :1:9: executing \"\" at <.Config.Volumes.X>: "
         "nil data; no entry for key \"X\""},
        {"{{index .Config.Env 5}}",
         "template: :1:2: executing \"\" at <index .Config.Env 5>: "
         "error calling index: index out of range: 5"},
        {"{{index .Config.Env .Name}}",
         "template: :1:2: executing \"\" at <index .Config.Env .Name>: error calling "
         "index: cannot index slice/array with type string"},
        {"{{slice .Name 3 2}}", "template: :1:2: executing \"\" at <slice .Name 3 2>: "
                                "error calling slice: invalid slice index: 3 > 2"},
        {"{{range .Name}}{{end}}",
         "template: :1:8: executing \"\" at <.Name>: range can't iterate over /web"},
        {"{{len 3}}",
         "template: :1:2: executing \"\" at <len 3>: error calling len: len of "
         "type int"},
        {"{{lt 1}}", "template: :1:2: executing \"\" at <lt>: wrong number of args for "
                     "lt: want 2 got 1"},
        {"{{template \"x\"}}",
         "template: :1:11: executing \"\" at <{{template \"x\"}}>: template \"x\" not "
         "defined"},
        {"{{.Name 1}}", "template: :1:2: executing \"\" at <.Name>: Name is not a method "
                        "but has arguments"},
        {"{{1 2}}", "template: :1:2: executing \"\" at <1>: can't give argument to "
                    "non-function 1"},
        {"{{eq 1 1.0}}", "template: :1:2: executing \"\" at <eq 1 1.0>: error calling "
                         "eq: incompatible types for comparison"},
        {"{{lt .RestartCount 2.0}}",
         "template: :1:2: executing \"\" at <lt .RestartCount 2.0>: error calling lt: "
         "incompatible types for comparison"},
        {"{{lt true false}}",
         "template: :1:2: executing \"\" at <lt true false>: error calling lt: invalid "
         "type for comparison"},
        {"{{eq .Config.Env 1}}",
         "template: :1:2: executing \"\" at <eq .Config.Env 1>: error calling eq: "
         "incompatible types for comparison"},
        {"{{len nil}}", "template: :1:2: executing \"\" at <len nil>: error calling len: "
                        "reflect: call of reflect.Value.Type on zero Value"},
        {"{{index nil 1}}",
         "template: :1:2: executing \"\" at <index nil 1>: error calling index: index of "
         "untyped nil"},
        {"{{slice nil}}", "template: :1:2: executing \"\" at <slice nil>: error calling "
                          "slice: slice of untyped nil"},
        {"{{call .Name 1}}",
         "template: :1:2: executing \"\" at <call .Name 1>: error calling call: "
         "non-function of type string"},
        {"{{nil | call}}", "template: :1:2: executing \"\" at <nil>: nil is not a "
                           "command"},
        {"{{call nil}}", "template: :1:2: executing \"\" at <call nil>: error calling "
                         "call: call of nil"},
        {"{{if nil}}{{end}}",
         "template: :1:5: executing \"\" at <nil>: nil is not a command"},
        {"{{slice .Name 0 1 2}}",
         "template: :1:2: executing \"\" at <slice .Name 0 1 2>: error calling slice: "
         "cannot 3-index slice a string"},
        {"{{eq 1 \"a\"}}",
         "template: :1:2: executing \"\" at <eq 1 \"a\">: error calling "
         "eq: incompatible types for comparison"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(samples); i++) {
        cb_autofree char *got = render(samples[i].text);
        cb_autofree char *wanted = xasprintf("%s%s", parsing, samples[i].wanted);

        assert_string_equal(got, wanted);
    }
    check(running, CB_ARRAY_SIZE(running));
}

static void what_does_not_end_is_ended(void **state)
{
    cb_autofree char *loop =
        render("{{define \"t\"}}{{template \"t\"}}{{end}}{{template \"t\"}}");
    cb_autofree char *count = render("{{range 100000}}{{range 100000}}{{end}}{{end}}");
    cb_auto_value(cb_strbuf) deep = {0};
    cb_autofree char *nested = NULL;

    for (int i = 0; i < 100000; i++)
        cb_strbuf_addc(&deep, '(');
    cb_strbuf_truncate(&deep, 50000);
    nested = xasprintf("{{%s}}", cb_strbuf_text(&deep));
    assert_non_null(strstr(loop, "nested too deep"));
    assert_non_null(strstr(count, "it does not end"));
    {
        cb_autofree char *got = render(nested);

        assert_non_null(strstr(got, "nested over 100 deep"));
    }
}

static void texts_that_double_are_bounded(void **state)
{
    static const char *const cases[][2] = {
        {"{{$x := \"0123456789\"}}{{range 60}}{{$x = printf \"%s%s\" $x $x}}{{end}}",
         "bytes of text"},
        {"{{$x := printf \"%09999d\" 1}}{{len (join (split $x \"\") (print $x $x))}}",
         "bytes of text"},
        {"{{$x := printf \"%09999d\" 1}}{{len (printf \"%9999s\" (split $x \"\"))}}",
         "bytes of text"},
        {"{{$x := printf \"%09999d\" 1}}{{range 7}}{{$x = print $x $x}}{{end}}"
         "{{len (split $x \"\")}}",
         "over 1000000 parts"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(cases); i++) {
        cb_autofree char *got = render(cases[i][0]);

        if (!strstr(got, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_texts_and_trim_markers),
        cmocka_unit_test(conditions_and_loops),
        cmocka_unit_test(empty_fields_of_structs_are_what_go_has),
        cmocka_unit_test(functions),
        cmocka_unit_test(verbs_are_those_of_go),
        cmocka_unit_test(letters_are_those_of_unicode),
        cmocka_unit_test(titles_of_columns_stay_as_they_are),
        cmocka_unit_test(mistakes_are_told_with_their_place),
        cmocka_unit_test(what_does_not_end_is_ended),
        cmocka_unit_test(texts_that_double_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
