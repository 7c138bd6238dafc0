#!/usr/bin/env bats
# The build graph, of a plan and of builds that were.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    export LC_ALL=C.UTF-8
    unset LC_CTYPE LANG
}

stages() {
    dockerfile <<'END'
FROM busybox AS base
RUN echo base >/base
FROM base AS one
RUN sleep 1; echo one >/one
FROM base AS two
COPY Dockerfile /d
RUN echo two >/two
FROM base
COPY --from=one /one /
COPY --from=two /two /
END
}

# A page that needs nothing else: well-formed, no script, every reference inside it.
page_ok() { # FILE
    python3 - "$1" <<'END'
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
ids = {e.get("id") for e in root.iter()}
allowed = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "dl", "dt", "dd", "pre", "p", "ul",
           "b", "i", "a", "div", "svg", "path", "circle", "ol", "li", "span"}
for e in root.iter():
    assert e.tag in allowed, e.tag
    for name, value in e.attrib.items():
        assert not name.startswith("on"), name
        assert name not in ("src", "action", "xlink:href", "srcset", "background"), name
        if name == "href":
            assert value[0] == "#" and value[1:] in ids, value
style = "".join(root.find("head/style").itertext())
assert "url" not in style and "import" not in style
assert "default-src 'none'" in [e.get("content") for e in root.iter("meta") if e.get("http-equiv")][0]
END
}

# Statements only, every quote closed on its line: nothing of a name gets out of its quotes.
dot_ok() { # FILE
    python3 - "$1" <<'END'
import re, sys
text = r'"(?:[^"\\]|\\.)*"'
value = r'(?:%s|[\w#.]+)' % text
attrs = r' \[\w+=%s(?:, \w+=%s)*\]' % (value, value)
forms = [r'digraph build \{', r'  rankdir=TB;', r'  node%s;' % attrs, r'  subgraph cluster_\d+ \{',
         r'    label=%s;' % text, r'    s\d+%s;' % attrs, r'  s\d+ -> s\d+(?:%s)?;' % attrs, r'  \}', r'\}']
for line in open(sys.argv[1], encoding="utf-8").read().splitlines():
    assert any(re.fullmatch(form, line) for form in forms), line
END
}

# The record of a build that never was: lines of standard input behind its beginning.
record() {
    "$CBUILD" builds rm -a >/dev/null
    mkdir -p "$STORE/builds"
    { echo '{"time":100.0,"event":"begin","names":["img:latest"]}'; cat; } >"$STORE/builds/00000000000abc.jsonl"
}

all_forms_ok() {
    local form
    for form in text dot html json; do
        "$CBUILD" graph --build last --format $form >"$BATS_TEST_TMPDIR/$form"
    done
    page_ok "$BATS_TEST_TMPDIR/html"
    dot_ok "$BATS_TEST_TMPDIR/dot"
    jq -e .steps "$BATS_TEST_TMPDIR/json" >/dev/null
    LC_ALL=C not grep -q $'[\001-\010\013-\037\177]' "$BATS_TEST_TMPDIR/text" "$BATS_TEST_TMPDIR/dot" "$BATS_TEST_TMPDIR/html"
    not grep -q $'\342\200\256' "$BATS_TEST_TMPDIR/text" "$BATS_TEST_TMPDIR/dot" "$BATS_TEST_TMPDIR/html"
}

@test "a plan needs a Dockerfile and nothing else: no store, no image" {
    stages
    run "$CBUILD" --root "$BATS_TEST_TMPDIR/none" graph "$DIR"
    expect_status 0
    expect_output '           ● [base 1/2] FROM docker.io/library/busybox:latest
           ● [base 2/2] RUN echo base >/base
           ├─● [one 1/1] RUN sleep 1; echo one >/one
           ├─● [stage-3 1/2] COPY --from=one /one /
           │ │ ● [internal] load build context
           ●─┼─╯ [two 1/2] COPY Dockerfile /d
           ● │ [two 2/2] RUN echo two >/two
           ╰─● [stage-3 2/2] COPY --from=two /two /'
    [ ! -e "$BATS_TEST_TMPDIR/none" ]
    LC_ALL=C run "$CBUILD" --root "$BATS_TEST_TMPDIR/none" graph --target two <"$DIR/Dockerfile" -f -
    expect_output "           * [base 1/2] FROM docker.io/library/busybox:latest
           * [base 2/2] RUN echo base >/base
           | * [internal] load build context
           *-' [two 1/2] COPY Dockerfile /d
           * [two 2/2] RUN echo two >/two"
}

@test "a build that was: states, inputs, times and the critical path" {
    stages
    build_ok -q
    run "$CBUILD" graph --build last --format json
    by_name() { jq -c "[.steps[] | select(.name | test(\"$1\"))][0] | $2" <<<"$output"; }
    number=$(by_name 'one 1/1' .step)
    [ "$(by_name 'stage-3 1/2' ".inputs | index($number) != null")" = true ]
    [ "$(by_name 'one 1/1' '[.critical, .state, .stage, .seconds >= 1]')" = '[true,"done","one",true]' ]
    [ "$(by_name 'two 2/2' .critical)" = false ]
    [ "$(jq '.critical_seconds >= 1' <<<"$output")" = true ]
    # every input is a step above
    jq -e '.steps as $s | all(range($s | length); . as $i | all($s[$i].inputs[]; . as $n | any($s[:$i][]; .step == $n)))' <<<"$output"
    cbuild graph --build last
    expect_contains '* critical path: '
    build_ok -q
    run "$CBUILD" graph --build last --format json
    [ "$(jq -c '[.steps[] | select(.stage) | .state] | unique' <<<"$output")" = '["cached"]' ]
    # and the plan knows by now how long things take
    cbuild graph "$DIR"
    expect_contains 's * ├─● [one 1/1]' 'by what the steps took the last time'
}

@test "a failed build: its error is on the page, steps that never began are not" {
    printf 'FROM busybox\nRUN echo "<b>&oops" >&2; exit 7\nRUN echo never\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    "$CBUILD" graph --build last --format html -o "$BATS_TEST_TMPDIR/page.html"
    page_ok "$BATS_TEST_TMPDIR/page.html"
    grep -q 'class="error critical"' "$BATS_TEST_TMPDIR/page.html"
    grep -q 'exit code: 7' "$BATS_TEST_TMPDIR/page.html"
    not grep -q 'echo never</span>' "$BATS_TEST_TMPDIR/page.html"
}

@test "hostile instructions stay text in every form" {
    printf 'FROM busybox\nRUN : "</script><script>alert(1)</script><img src=x onerror=1>" \047"]; evil [label=" \\\\ &lt; ]]> --> \033[2J \342\200\256gnp\047\nRUN true <<E\n</style>\nE\n' >"$DIR/Dockerfile"
    build_ok -q
    all_forms_ok
    run "$CBUILD" graph "$DIR"
    expect_status 0
    expect_lacks $'\033'
    grep -q '&#60;/script&#62;' "$BATS_TEST_TMPDIR/html"
}

@test "records that were tampered with: circles, strangers, nonsense" {
    record <<'END'
{"time":101,"event":"start","step":1,"name":"[a 1/2] one"}
{"time":102,"event":"start","step":2,"name":"[a 2/2] two"}
{"time":103,"event":"start","step":3,"name":"[</title> 1/1] \u202e\u001b[2J\n\"];\\"}
{"time":99,"event":"done","step":1,"inputs":[2,1,77,-5,"x",1e9,2,2]}
{"time":104,"event":"done","step":2,"inputs":[3,1]}
{"time":1e300,"event":"error","step":3,"inputs":[1],"error":"</pre>\u0000<b>"}
{"time":103,"event":"done","step":4,"inputs":{"a":1}}
{"time":-1,"event":"start","step":18446744073709551615,"name":7}
{"event":"end","time":"x","result":"<i>","steps":-4,"error":"\ufffe<b>\u0007"}
{"time":
END
    all_forms_ok
    record <<<$'\377\376\000garbage'
    all_forms_ok
    : >"$STORE/builds/00000000000abc.jsonl"
    all_forms_ok
}

@test "ten thousand instructions are drawn" {
    { echo 'FROM busybox'; seq -f 'RUN echo %g' 1 200; for i in $(seq 1 60); do echo "FROM busybox AS s$i"; seq -f "RUN : $i %g" 1 160; done
      echo 'FROM scratch'; for i in $(seq 1 60); do echo "COPY --from=s$i / /"; done; } >"$DIR/Dockerfile"
    for form in text dot html json; do
        timeout 60 "$CBUILD" graph --format $form "$DIR" >"$BATS_TEST_TMPDIR/$form"
    done
    page_ok "$BATS_TEST_TMPDIR/html"
    dot_ok "$BATS_TEST_TMPDIR/dot"
    [ "$(jq '.steps | length' "$BATS_TEST_TMPDIR/json")" -eq 9661 ]
}

@test "what cannot be drawn is said" {
    cbuild graph --build last "$DIR"
    expect_status 1
    expect_contains 'either --build or a path'
    cbuild graph --build last --target x
    expect_status 1
    expect_contains 'leave out --file, --target'
    cbuild graph --build ffffff
    expect_status 1
    expect_contains 'no such build: ffffff'
    cbuild graph --format png "$DIR"
    expect_status 1
    expect_contains 'expected text, dot, html or json'
    cbuild graph "$DIR"
    expect_status 1
    expect_contains 'Dockerfile'
    printf 'FROM busybox\nRUM x\n' >"$DIR/Dockerfile"
    cbuild graph "$DIR"
    expect_status 1
    expect_contains 'Dockerfile:2' 'RUM'
}

# One that took less than a second, as all do where nothing else keeps the processors busy.
says_nothing_of_it() { build_ok && expect_lacks 'critical path'; }

@test "a build that took a while says at its end what it waited for" {
    # what is not waited for is over when the other one has most of its time before it
    printf 'FROM busybox AS a\nRUN --mount=type=cache,id=turns,target=/t until [ -e /t/go ]; do sleep 0.02; done; sleep 1 \033[31m || sleep 1\nFROM busybox\nRUN --mount=type=cache,id=turns,target=/t sleep 0.15; touch /t/go\nCOPY --from=a /bin/sh /x\n' >"$DIR/Dockerfile"
    build_ok
    expect_contains ', critical path ' 's  [a 2/2] RUN --mount=' 'sleep 1 \x1b[31m || sleep 1'
    expect_lacks $'\033'
    expect_lacks 's  [stage-1 2/3]'
    wait_until says_nothing_of_it
}
