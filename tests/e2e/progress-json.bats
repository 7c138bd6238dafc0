#!/usr/bin/env bats
# --progress=rawjson, read as a program would read it.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

# Builds $DIR → $JSON (standard error), $output (standard output), $status.
build_json() {
    JSON=$BATS_TEST_TMPDIR/json
    status=0
    output=$("$CBUILD" build --progress=rawjson --network none "$@" "$DIR" 2>"$JSON") || status=$?
}

# What ended, in order: "name: done", "cached" or the error.
ends() {
    jq -r '.vertexes[]? | select(.completed) | "\(.name): \(.error // if .cached then "cached" else "done" end)"' "$JSON"
}

# What the step whose name ends in $1 wrote.
log_of() {
    jq -r --arg name "$1" -s '
        ([.[].vertexes[]? | select(.name | endswith($name))][0].digest) as $step
        | .[].logs[]? | select(.vertex == $step) | .data' "$JSON" | while read -r data; do base64 -d <<<"$data"; done
}

@test "every line is an object with one list, and the image id alone is on standard output" {
    printf 'FROM busybox\nRUN echo first\nRUN echo second\n' >"$DIR/Dockerfile"
    build_json --no-cache
    [ "$status" = 0 ]
    [[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
    [ "$(wc -l <"$JSON")" = "$(jq -c 'select(length == 1 and (.[] | length) == 1)' "$JSON" | wc -l)" ]
    [ "$(ends | tail -3)" = '[2/3] RUN echo first: done
[3/3] RUN echo second: done
exporting to image: done' ]
    [ "$(jq -r '.statuses[]? | select(has("completed")) | .id' "$JSON" | tail -2)" = "exporting layers
writing image $output" ]
    jq -es '[.[].vertexes[]? | select(.name == "[2/3] RUN echo first")]
        | length == 2 and .[0].started == .[1].started and .[0].digest == .[1].digest
          and (.[0] | has("completed") | not)' "$JSON"
    build_json
    [ "$(ends | grep -c ': cached$')" = 3 ]
}

@test "output is what the step wrote, byte for byte, and its streams are told apart" {
    printf 'FROM busybox\nRUN seq 1 200000; printf "a\\\\377\\\\000b\\r\\n"\nRUN echo out; echo err >&2\n' >"$DIR/Dockerfile"
    build_json --no-cache
    [ "$(log_of '000b\r\n"' | cksum)" = "$({ seq 1 200000; printf 'a\377\0b\r\n'; } | cksum)" ]
    [ "$(jq -r '.logs[]? | select(.stream == 2) | .data' "$JSON" | base64 -d)" = err ]
}

@test "a failure is the step's, with what it said; the mistake follows as text" {
    printf 'FROM busybox\nRUN echo {oops} && exit 3\n' >"$DIR/Dockerfile"
    build_json
    [ "$status" = 1 ]
    grep '^{' "$JSON" >"$JSON.lines"
    grep -v '^{' "$JSON" >"$JSON.text"
    mv "$JSON.lines" "$JSON"
    [ "$(log_of 'exit 3')" = '{oops}' ]
    [ "$(ends | tail -1)" = '[2/2] RUN echo {oops} && exit 3: process "/bin/sh -c echo {oops} && exit 3" did not complete successfully: exit code: 3' ]
    grep -q '^Dockerfile:2:1: process' <<<"$(sed "s|^$DIR/||" "$JSON.text")"
}

@test "a step that another one's failure stops is canceled" {
    printf 'FROM busybox AS a\nRUN --mount=type=cache,id=gate,target=/g until [ -e /g/up ]; do :; done; exit 3\n' >"$DIR/Dockerfile"
    printf 'FROM busybox AS b\nRUN --mount=type=cache,id=gate,target=/g touch /g/up; exec sleep 1000\n' >>"$DIR/Dockerfile"
    printf 'FROM scratch\nCOPY --from=a / /\nCOPY --from=b / /\n' >>"$DIR/Dockerfile"
    build_json --jobs 2
    [ "$status" = 1 ]
    [ "$(grep '^{' "$JSON" | jq -r '.vertexes[]?.error // empty' | tail -1)" = 'context canceled' ]
}

@test "warnings have a place and a page, reasons of misses are parts of their step" {
    printf 'from busybox\nARG V\nRUN echo $V\nCMD x\n' >"$DIR/Dockerfile"
    build_json --build-arg V=1
    jq -es '.[].warnings[]? | select(.short | @base64d | startswith("ConsistentInstructionCasing: "))
        | .level == 1 and (.sourceInfo.filename | endswith("Dockerfile")) and (.url | endswith("/consistent-instruction-casing/"))
          and .range[0] == {start: {line: 1, character: 0}, end: {line: 1, character: 4}}' "$JSON"
    build_json --build-arg V=2 --explain
    jq -es '([.[].vertexes[]? | select(.name | endswith("RUN echo $V"))][0].digest) as $step
        | .[].statuses[]? | select(.id | startswith("not cached")) | .vertex == $step and .id == "not cached: RUN: ARG V 1→2" and has("completed")' "$JSON"
}

@test "the mode may come from the environment, and a mode that is none is named with those there are" {
    printf 'FROM scratch\nCMD ["x"]\n' >"$DIR/Dockerfile"
    BUILDKIT_PROGRESS=rawjson run "$CBUILD" build "$DIR"
    expect_status 0
    expect_lacks 'steps:'
    cbuild build --progress=json "$DIR"
    expect_status 1
    expect_contains 'expected auto, plain, tty, quiet, none, rawjson or legacy'
}
