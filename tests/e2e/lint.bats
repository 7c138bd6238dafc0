#!/usr/bin/env bats
# cbuild lint, build --check and --call; and that the pages of the checks say what is so.
bats_require_minimum_version 1.5.0
load helpers
load helpers-registry

setup_file() {
    cb_store
    "$CBUILD" import -c 'CMD ["sh"]' "$CB_BASES/busybox.tar" busybox:1.36 >/dev/null
}
teardown_file() { cb_drop_store; }
teardown() { stop_registry; }
setup() {
    cb_dir
    PAGES=$BATS_TEST_DIRNAME/../../docs/checks
}

# Makes the files that a section (Bad, Good) of a page shows: page_files FILE SECTION DIR
page_files() {
    mkdir -p "$3"
    awk -v section="## $2" -v dir="$3" '
        /^## / { wanted = $0 == section }
        /^```/ {
            kind = substr($0, 4)
            out = kind == "dockerfile" ? dir "/Dockerfile" : kind == "dockerignore" ? dir "/.dockerignore" : \
                kind == "files" ? dir ".files" : ""
            if (wanted && kind != "") next
            out = ""
            next
        }
        wanted && out != "" { print >out }' "$1"
    [ -s "$3/Dockerfile" ]
    if [ -e "$3.files" ]; then
        (cd "$3" && while read -r file; do mkdir -p "$(dirname "$file")" && : >"$file"; done) <"$3.files"
    fi
}

# What lint finds in a directory: rules, then mistakes, one a line.
findings_in() {
    "$CBUILD" lint --format json --check experimental=all "$1/Dockerfile" >"$DIR/json" || :
    jq -r '[.files[].findings[].rule | strings] | unique[]' "$DIR/json"
    [ "${2:-}" = rules ] || jq -r '.files[].findings[] | select(.rule == null) | .message' "$DIR/json"
}

@test "every rule has a page, every page is of a rule, the index has all" {
    "$CBUILD" lint --rules --format json | jq -r '.[] | "\(.page) \(.name)"' | sort >"$DIR/rules"
    [ "$(wc -l <"$DIR/rules")" -ge 30 ]
    for file in "$PAGES"/*.md; do
        page=$(basename "$file" .md)
        [ "$page" = README ] || echo "$page $(sed -n '1s/^# //p' "$file")"
    done | sort >"$DIR/pages"
    diff "$DIR/rules" "$DIR/pages"
    sed -n 's/^| \[\([A-Za-z]*\)\](\([a-z-]*\)\.md) |.*/\2 \1/p' "$PAGES/README.md" | sort >"$DIR/index"
    diff "$DIR/rules" "$DIR/index"
}

@test "the bad example of a page breaks its rule and no other, the good one none" {
    failed=
    for file in "$PAGES"/*.md; do
        page=$(basename "$file" .md)
        case $page in README | invalid-base-image-platform) continue ;; esac
        page_files "$file" Bad "$DIR/$page/bad"
        page_files "$file" Good "$DIR/$page/good"
        # a base image without a name is a mistake besides
        [ "$(findings_in "$DIR/$page/bad" rules)" = "$(sed -n '1s/^# //p' "$file")" ] ||
            failed="$failed $page/bad: $(findings_in "$DIR/$page/bad")"
        [ -z "$(findings_in "$DIR/$page/good")" ] || failed="$failed $page/good: $(findings_in "$DIR/$page/good")"
    done
    [ -z "$failed" ] || { echo "$failed"; return 1; }
}

@test "the page about platforms of base images holds for an image of a registry" {
    start_registry
    "$CBUILD" tag busybox:1.36 "$REGISTRY/busybox:1.36"
    "$CBUILD" push "$REGISTRY/busybox:1.36"
    for section in Bad Good; do
        page_files "$PAGES/invalid-base-image-platform.md" $section "$DIR/$section"
        sed -i "s,busybox:1.36,$REGISTRY/&,g" "$DIR/$section/Dockerfile"
        run --separate-stderr "$CBUILD" build --call=check,format=json "$DIR/$section"
        jq -c '[.warnings[]?.ruleName]' <<<"$output" >"$DIR/$section.rules"
    done
    stop_registry
    [ "$(cat "$DIR/Bad.rules")" = '["InvalidBaseImagePlatform"]' ]
    [ "$(cat "$DIR/Good.rules")" = '[]' ]
    # which lint does not look at
    cbuild lint "$DIR/Bad"
    expect_status 0
}

@test "lint needs no store, no rights and no network" {
    printf 'FROM debian:12\nCMD x\n' >"$DIR/Dockerfile"
    chmod 755 "$BATS_TEST_TMPDIR" "$DIR"
    cd "$DIR"
    CBUILD_ROOT=$DIR/none run unshare -n "$CBUILD" lint
    expect_status 1
    expect_contains 'Dockerfile:2:1: warning: JSON arguments recommended for CMD' '[JSONArgsRecommended]' '>    2 | CMD x'
    [ ! -e "$DIR/none" ]
    run setpriv --reuid=65534 --regid=65534 --clear-groups env -i "$CBUILD" lint --format json - <"$DIR/Dockerfile"
    expect_status 1
    [ "$(jq -r '.files[0].findings[0].rule' <<<"$output")" = JSONArgsRecommended ]
}

@test "a file without findings is silent and exits with 0" {
    printf 'FROM debian:12\nCMD ["x"]\n' >"$DIR/Dockerfile"
    cbuild lint "$DIR"
    expect_status 0
    expect_output ''
    cbuild lint --format json "$DIR/Dockerfile"
    expect_status 0
    [ "$(jq -c '.files[0].findings' <<<"$output")" = '[]' ]
}

@test "a file that is no Dockerfile is a finding, and the others are checked" {
    printf 'FRM debian:12\nFROM scratch\nCOPY x\n' >"$DIR/one"
    printf 'FROM debian:12\nEXPOSE 80/TCP\n' >"$DIR/two"
    cd "$DIR"
    cbuild lint one missing two
    expect_status 1
    expect_contains 'one:1:1: error: unknown instruction: FRM (did you mean FROM?)' 'one:3:6: error: COPY requires' \
        'missing: error: open `missing`: no such file or directory' 'two:2:1: warning: Defined protocol'
    cbuild lint --format json one missing two
    expect_status 1
    [ "$(jq -c '[.files[] | [.file, (.findings | length)]]' <<<"$output")" = '[["one",2],["missing",1],["two",1]]' ]
    [ "$(jq -c '.files[0].findings[1] | [.rule,.severity,.line,.column]' <<<"$output")" = '[null,"error",3,6]' ]
}

@test "SARIF names tool, rules, places and levels" {
    printf 'FROM debian:12\nENV GRÜSSE="é" API_KEY=x\n' >"$DIR/a file"
    printf 'nonsense\n' >"$DIR/bad"
    cd "$DIR"
    cbuild lint --format sarif 'a file' bad
    expect_status 1
    [ "$(jq -r '.version' <<<"$output")" = 2.1.0 ]
    [ "$(jq -r '.runs[0].tool.driver.name' <<<"$output")" = cbuild ]
    # every result points at its rule, every rule has what viewers show
    jq -e '.runs[0] as $run | $run.results | all($run.tool.driver.rules[.ruleIndex].id == .ruleId)' <<<"$output"
    jq -e '.runs[0].tool.driver.rules | all(.shortDescription.text and .fullDescription.text)' <<<"$output"
    jq -e '[.runs[0].tool.driver.rules[] | select(.helpUri)] | length == 21' <<<"$output"
    [ "$(jq -c '.runs[0].results[0] | [.ruleId, .level, .locations[0].physicalLocation.artifactLocation.uri]' <<<"$output")" = \
        '["SecretsUsedInArgOrEnv","warning","a%20file"]' ]
    # characters, not bytes
    [ "$(jq -c '.runs[0].results[0].locations[0].physicalLocation.region' <<<"$output")" = \
        '{"startLine":2,"startColumn":16,"endLine":2,"endColumn":23}' ]
    [ "$(jq -c '.runs[0].results[1] | [.ruleId, .level]' <<<"$output")" = '["InvalidDockerfile","error"]' ]
}

@test "SARIF has what the schema of 2.1.0 demands, and nothing it does not know" {
    printf '# check=error=true\nFROM debian AS Ä\nCMD x\nRUN <<EOF\n' >"$DIR/a: 100%"
    printf 'FROM debian AS B\nCMD x\n' >"$DIR/b"
    : >"$DIR/empty"
    cd "$DIR"
    run "$CBUILD" lint --format sarif 'a: 100%' b empty missing
    expect_status 1
    jq -e '
        def only(names): (keys - names) == [];
        def text: type == "string" and length > 0;
        def message: only(["text"]) and (.text | text);
        def level: IN("none", "note", "warning", "error");
        def region: only(["startLine", "startColumn", "endLine", "endColumn"]) and all(.[]; . == floor and . >= 1)
            and ([.startLine, .startColumn] <= [.endLine, .endColumn]);
        def rule: only(["id", "name", "shortDescription", "fullDescription", "helpUri", "help", "defaultConfiguration"])
            and (.id | text) and ([.shortDescription, .fullDescription, .help // {text: "-"}] | all(message))
            and (.helpUri // "https:" | startswith("https:"))
            and (.defaultConfiguration | only(["enabled", "level"]) and (.level | level));
        def location: only(["physicalLocation"]) and (.physicalLocation
            | only(["artifactLocation", "region"]) and (.artifactLocation
                | only(["uri"]) and (.uri | test("^[A-Za-z0-9/._~-]+(%[0-9A-F]{2}[A-Za-z0-9/._~-]*)*$")))
            and (if has("region") then .region | region else true end));
        def result: only(["ruleId", "ruleIndex", "level", "message", "locations"]) and (.message | message)
            and (.level | level) and (.locations | length == 1 and all(location));
        only(["$schema", "version", "runs"]) and .version == "2.1.0" and (.runs | length == 1) and (.runs[0]
            | only(["tool", "columnKind", "results"]) and (.columnKind | IN("utf16CodeUnits", "unicodeCodePoints"))
            and (.tool | only(["driver"]) and (.driver
                | only(["name", "version", "rules"]) and (.name | text)
                and (.rules | all(rule) and ((map(.id) | unique | length) == length))))
            and (.tool.driver.rules as $rules | .results
                | length >= 5 and all(result) and all(.ruleId == $rules[.ruleIndex].id)))' <<<"$output"
}

@test "--check chooses rules in the place of the file's directive" {
    printf '# check=skip=all\nFROM debian\nCMD x\n' >"$DIR/Dockerfile"
    cbuild lint "$DIR"
    expect_status 0
    cbuild lint --check 'skip=LatestBaseImage;error=true' "$DIR"
    expect_status 1
    expect_contains ':3:1: error: JSON arguments recommended'
    expect_lacks LatestBaseImage
    cbuild lint --check nonsense "$DIR"
    expect_status 1
    expect_contains 'invalid argument "nonsense" for "--check" flag: invalid check option "nonsense"'
    cbuild lint --check skip=JSONArgRecommended "$DIR"
    expect_contains 'there is no check `JSONArgRecommended` (did you mean `JSONArgsRecommended`?)'
    cbuild lint --format xml "$DIR"
    expect_status 1
    expect_contains 'expected text, json or sarif'
}

@test "lint reads the ignore file of the context" {
    mkdir -p "$DIR/docker" && echo tmp >"$DIR/.dockerignore"
    printf 'FROM debian:12\nCOPY tmp/x /\n' >"$DIR/docker/Dockerfile"
    cbuild lint "$DIR/docker"
    expect_status 0
    cbuild lint --context "$DIR" "$DIR/docker"
    expect_status 1
    expect_contains 'Attempting to Copy file "tmp/x" that is excluded by .dockerignore'
}

@test "a context copied as a whole: reported where there is clutter and no ignore file" {
    mkdir -p "$DIR/.git" && : >"$DIR/main.c"
    printf 'FROM debian:12\nCOPY . /src\n' | dockerfile
    cbuild lint "$DIR"
    expect_status 1
    expect_contains ':2:1: warning: The whole context is copied, with its `.git`' '[MissingDockerignore]'
    cbuild lint - <"$DIR/Dockerfile"
    expect_status 0
    printf 'FROM debian:12\nCOPY --exclude=.git . /src\nCOPY main.c /x\n' | dockerfile
    cbuild lint "$DIR"
    expect_status 0
    printf 'FROM debian:12\nCOPY . /src\n' | dockerfile
    echo .git >"$DIR/.dockerignore"
    cbuild lint "$DIR"
    expect_status 0
    rm -r "$DIR/.git" "$DIR/.dockerignore"
    cbuild lint "$DIR"
    expect_status 0
}

@test "a context of which nothing is left is reported, one with exceptions is not" {
    printf 'FROM debian:12\nCOPY . /src\nCOPY a/b /x\n' | dockerfile
    mkdir "$DIR/a" && : >"$DIR/a/b"
    echo '*' >"$DIR/.dockerignore"
    cbuild lint "$DIR"
    expect_contains 'Attempting to Copy file "." that is excluded' 'Attempting to Copy file "a/b" that is excluded'
    printf '*\n!a/b\n' >"$DIR/.dockerignore"
    cbuild lint "$DIR"
    expect_status 0
}

# ── build --check ──

@test "build --check prints warnings with their lines and builds nothing" {
    dockerfile <<'END'
FROM busybox:1.36
RUN exit 7
CMD echo hi
END
    cbuild build --progress=quiet --check -t never:1 "$DIR"
    expect_status 1
    expect_output "Check complete, 1 warning has been found!

WARNING: JSONArgsRecommended - https://docs.docker.com/go/dockerfile/rule/json-args-recommended/
JSON arguments recommended for CMD to prevent unintended behavior related to OS signals
Dockerfile:3
--------------------
   1 |     FROM busybox:1.36
   2 |     RUN exit 7
   3 | >>> CMD echo hi
   4 |     
--------------------"
    cbuild inspect never:1
    expect_status 1
}

@test "build --check of a file without findings says so" {
    printf 'FROM busybox:1.36\nCMD ["x"]\n' | dockerfile
    cbuild build --check "$DIR"
    expect_status 0
    expect_contains 'Check complete, no warnings found.'
}

@test "build --call=check,format=json has the shape of BuildKit's answer" {
    dockerfile <<'END'
FROM busybox:1.36
COPY $NAME \
  /x/
EXPOSE a
END
    run --separate-stderr "$CBUILD" build --call=check,format=json "$DIR"
    expect_status 1
    [ "$(jq -c '.warnings[0] | [.ruleName,.detail,.location.ranges[0].start.line,.location.ranges[1].end.line]' \
        <<<"$output")" = '["UndefinedVar","Usage of undefined variable '"'\$NAME'"'",2,3]' ]
    [ "$(jq -r '.sources[0].data' <<<"$output" | base64 -d)" = "$(cat "$DIR/Dockerfile")" ]
    [ "$(jq -c '.buildError | [.message,.location.ranges[0].start.line]' <<<"$output")" = \
        '["invalid port `a`: expected a number from 0 to 65535, or a range of them",4]' ]
    run --separate-stderr "$CBUILD" build --call=check,format=json,ignorestatus=true "$DIR"
    expect_status 0
}

@test "build --call=subrequests.describe lists what can be asked" {
    printf 'FROM busybox:1.36\n' | dockerfile
    run --separate-stderr "$CBUILD" build --call=subrequests.describe "$DIR"
    expect_status 0
    [ "${lines[0]}" = 'NAME                 VERSION DESCRIPTION' ]
    expect_contains $'\noutline              1.0.0   List all parameters current build target supports'
    run --separate-stderr "$CBUILD" build --call=subrequests.describe,format=json "$DIR"
    [ "$(jq -c 'map(.name), .[0].opts' <<<"$output")" = '["frontend.outline","frontend.targets","frontend.lint","frontend.subrequests.describe"]
[{"name":"target","description":"Target build stage"}]' ]
}

@test "a mistake in the file comes behind the warnings, with its place" {
    printf 'FROM busybox:1.36\nCMD x\nEXPOSE a\n' | dockerfile
    cbuild build --check "$DIR"
    expect_status 1
    expect_contains 'Check complete, 1 warning has been found!' 'Dockerfile:3:8: invalid port `a`'
}

@test "error=true fails a check and a build" {
    printf '# check=error=true\nFROM busybox:1.36\nCMD x\n' | dockerfile
    cbuild build --check "$DIR"
    expect_status 1
    expect_contains 'lint violation found for rules: JSONArgsRecommended'
    build
    expect_status 1
    expect_contains 'lint violation found for rules: JSONArgsRecommended'
}

@test "a comment above an instruction is for that instruction, in builds as well" {
    printf 'FROM busybox:1.36\n# check=skip=JSONArgsRecommended\nCMD x\nENTRYPOINT y\n' | dockerfile
    build_ok
    expect_contains 'Dockerfile:4:1: JSON arguments recommended for ENTRYPOINT'
    expect_lacks 'recommended for CMD'
}

@test "a plain build gives no advice of ours, build --check does, lint that on versions, too" {
    printf 'FROM busybox AS unused\nFROM busybox\nENV A=1\n' | dockerfile
    build_ok
    expect_lacks UnusedStage
    cbuild build --check "$DIR"
    expect_status 1
    expect_contains 'WARNING: UnusedStage'
    printf 'FROM busybox\nENV A=1\n' | dockerfile
    cbuild build --check "$DIR"
    expect_status 0
    cbuild lint "$DIR"
    expect_status 1
    expect_contains LatestBaseImage
}

@test "an ARG is known in a stage that starts from the one that declares it" {
    printf 'FROM busybox AS base\nARG one\nARG two=2\nFROM base\nWORKDIR /w$one$two$three\n' | dockerfile
    cbuild build --check "$DIR"
    expect_status 1
    expect_contains "undefined variable '\$three'"
    expect_lacks "\$one'"
}

@test "a check looks at all stages, or at those that the target needs" {
    printf 'FROM busybox:1.36 AS a\nCMD x\nFROM busybox:1.36 AS b\nCMD ["y"]\n' | dockerfile
    cbuild build --check "$DIR"
    expect_status 1
    cbuild build --check --target b "$DIR"
    expect_status 0
}

# ── build --call ──

outline_dockerfile() {
    dockerfile <<'END'
# TAG which busybox
ARG TAG=1.36
ARG UNUSED=1

FROM busybox:$TAG AS tools
RUN --mount=type=cache,target=/cache --mount=type=ssh,required true

# app is the program
FROM busybox:1.36 AS app
# VERSION of the program
ARG VERSION=1.0
ARG TARGETARCH
RUN --mount=type=secret,id=key,required --mount=type=secret,id=opt true
COPY --from=tools /bin/busybox /x
END
}

@test "--call=outline tells what a target can be given" {
    outline_dockerfile
    run --separate-stderr "$CBUILD" build --call=outline --build-arg VERSION=2 "$DIR"
    expect_status 0
    expect_output 'TARGET:      app
DESCRIPTION: is the program

BUILD ARG   VALUE   DESCRIPTION
TAG         1.36    which busybox
VERSION     2       of the program

SECRET   REQUIRED
key      true
opt      

SSH       REQUIRED
default   true

CACHE MOUNT
/cache'
    run --separate-stderr "$CBUILD" build --call=outline,format=json "$DIR"
    [ "$(jq -c '[.name,.description,[.args[] | [.name,.value,.description,.location.ranges[0].start.line]]]' <<<"$output")" = \
        '["app","is the program",[["TAG","1.36","which busybox",2],["VERSION","1.0","of the program",11]]]' ]
    [ "$(jq -c '[.secrets,.ssh,.cache] | map(map(del(.location)))' <<<"$output")" = \
        '[[{"name":"key","required":true},{"name":"opt"}],[{"name":"default","required":true}],[{"ID":"/cache"}]]' ]
    run --separate-stderr "$CBUILD" build --call=outline,format=json --target tools "$DIR"
    [ "$(jq -c '[.name,[.args[].name],.secrets]' <<<"$output")" = '["tools",["TAG"],null]' ]
}

@test "--call=outline: of ARGs declared twice the last counts, and what its default is made of" {
    printf '%s\n' 'ARG A=1' 'ARG B=b' 'ARG C=unused' 'ARG A=${A}${B}' 'FROM scratch' 'ARG A' 'ARG IN=1' 'ARG OTHER=${IN}2' \
        'ARG IN=${IN}3${OTHER}' | dockerfile
    run --separate-stderr "$CBUILD" build --call=outline,format=json "$DIR"
    [ "$(jq -c '[.args[] | [.name,.value]]' <<<"$output")" = '[["B","b"],["A","1b"],["OTHER","12"],["IN","1312"]]' ]
}

@test "--call=targets lists the stages" {
    outline_dockerfile
    run --separate-stderr "$CBUILD" build --call=targets "$DIR"
    expect_status 0
    expect_output 'TARGET        DESCRIPTION
tools         
app (default) is the program'
    run --separate-stderr "$CBUILD" build --call=targets,format=json "$DIR"
    [ "$(jq -c '[.targets[] | [.name,.default,.description,.base,.location.ranges[0].start.line]]' <<<"$output")" = \
        '[["tools",null,null,"busybox:$TAG",5],["app",true,"is the program","busybox:1.36",9]]' ]
    [ "$(jq -r '.sources[0]' <<<"$output" | base64 -d)" = "$(cat "$DIR/Dockerfile")" ]
}

@test "--call=build builds, anything else unknown is refused" {
    printf 'FROM busybox:1.36\nENV A=1\n' | dockerfile
    cbuild build --call=build -t called "$DIR"
    expect_status 0
    cbuild build --call=nothing "$DIR"
    expect_status 1
    expect_contains 'invalid argument "nothing" for "--call" flag: expected build, check, outline or targets'
    cbuild build --call=check,format=xml "$DIR"
    expect_status 1
    cbuild build --call=outline --check "$DIR"
    expect_status 1
    expect_contains '--check and --call exclude each other'
}

@test "questions are no builds in the list of builds" {
    printf 'FROM busybox:1.36\nENV A=1\n' | dockerfile
    before=$("$CBUILD" builds ls -q)
    "$CBUILD" build --check "$DIR"
    cbuild build --call=outline "$DIR"
    [ "$("$CBUILD" builds ls -q)" = "$before" ]
}

@test "a check leaves the result files of an earlier build alone" {
    printf 'FROM busybox:1.36\nENV A=1\n' | dockerfile
    build_ok --iidfile "$DIR/iid"
    before=$(cat "$DIR/iid")
    cbuild build --check --iidfile "$DIR/iid" "$DIR"
    [ "$(cat "$DIR/iid")" = "$before" ]
}
