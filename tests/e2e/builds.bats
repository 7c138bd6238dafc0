#!/usr/bin/env bats
# Earlier builds and all that their steps wrote.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    "$CBUILD" builds rm -a >/dev/null
}

newest() { "$CBUILD" builds ls -q | head -1; }

@test "builds are listed newest first with what became of them" {
    printf 'FROM busybox\nRUN echo listed\n' >"$DIR/Dockerfile"
    build_ok
    build_ok
    printf 'FROM busybox\nRUN exit 3\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    run "$CBUILD" builds ls --format json
    [ "$(jq -r .result <<<"$output" | tr '\n' ' ')" = 'failed succeeded succeeded ' ]
    [ "$(jq -r .executed <<<"$output" | sed -n 2p)" = 0 ]
    [ "$(jq -r .executed <<<"$output" | sed -n 3p)" -gt 0 ]
    [ "$(jq -r '.names[0]' <<<"$output" | head -1)" = img:latest ]
    [ "$("$CBUILD" buildx history --builder x ls --format json)" = "$("$CBUILD" builds ls --format json)" ]
    cbuild builds ls --format '{{.Result}} {{join .Names ","}} {{if gt .Executed 0}}ran{{else}}cached{{end}} {{len .ID}}'
    expect_output $'failed img:latest cached 14\nsucceeded img:latest cached 14\nsucceeded img:latest ran 14'
    cbuild builds --format 'table {{.Result}}\t{{.Cached}}/{{.Total}}'
    [[ ${lines[0]} =~ ^RESULT\ +CACHED/TOTAL$ ]]
    [[ ${lines[2]} =~ ^succeeded\ +[1-9][0-9]*/[1-9][0-9]*$ ]]
    cbuild builds --format foo
    expect_status 1
    expect_contains 'expected table, json or a template'
    cbuild builds --format '{{.Nope}}'
    expect_status 1
    expect_contains "can't evaluate field Nope" 'the fields are .ID .Result'
    cbuild buildx history open
    expect_status 1
    expect_contains '`buildx history open` is not here' 'cbuild graph --build'
    cbuild builds ls
    expect_contains 'ID ' 'RESULT' 'failed' 'succeeded'
}

@test "show tells each step, its state and its error" {
    printf 'FROM busybox\nRUN echo shown\nRUN echo oops >&2; exit 3\n' >"$DIR/Dockerfile"
    build
    cbuild builds show
    expect_status 0
    expect_contains 'Result:      failed' 'done' '[2/3] RUN echo shown' 'exit code: 3'
    run "$CBUILD" builds show --format json
    [ "$(jq -r '.steps[] | select(.state == "error") | .name' <<<"$output")" = '[3/3] RUN echo oops >&2; exit 3' ]
}

@test "a log is kept whole, however long, with bytes that are no text replaced" {
    printf 'FROM busybox\nRUN seq 1 400000; printf "a\\\\377b\\n"\n' >"$DIR/Dockerfile"
    build_ok --progress=quiet
    step=$("$CBUILD" builds show --format json | jq '.steps[] | select(.log_bytes > 0) | .step')
    "$CBUILD" builds logs "$(newest)" "$step" >"$BATS_TEST_TMPDIR/log"
    [ "$(head -400000 "$BATS_TEST_TMPDIR/log" | cksum)" = "$(seq 1 400000 | cksum)" ]
    [ "$(tail -1 "$BATS_TEST_TMPDIR/log")" = $'a\xef\xbf\xbdb' ]
}

@test "logs of all steps are told apart, and a step that is not there is an error" {
    printf 'FROM busybox\nRUN echo one\nRUN echo two\n' >"$DIR/Dockerfile"
    build_ok --no-cache
    cbuild builds logs
    expect_contains '[2/3] RUN echo one' '[3/3] RUN echo two'
    cbuild builds logs ^0 99
    expect_status 1
    expect_contains 'has no step 99'
    cbuild builds logs nonsense
    expect_status 1
    expect_contains 'no such build: nonsense'
}

@test "output of a step cannot act on the terminal it is shown on" {
    printf 'FROM busybox\nRUN printf "\\\\033]0;owned\\\\007\\n"\n' >"$DIR/Dockerfile"
    build_ok --no-cache
    run script -qec "$CBUILD builds logs" /dev/null
    expect_status 0
    expect_lacks $'\033'
    expect_contains '\x1b]0;owned\x07'
}

@test "removing a build removes its log, and one that runs cannot be removed" {
    printf 'FROM busybox\nRUN --mount=type=cache,id=gate,target=/gate echo up; while [ ! -e /gate/go ]; do :; done\n' >"$DIR/Dockerfile"
    mkdir "$BATS_TEST_TMPDIR/gate"
    "$CBUILD" build -q --cache-mount "gate=$BATS_TEST_TMPDIR/gate" "$DIR" >/dev/null 2>&1 &
    wait_until sh -c '"$CBUILD" builds ls | grep -q running'
    id=$(newest)
    cbuild builds rm "$id"
    expect_status 1
    expect_contains "build $id is still running"
    touch "$BATS_TEST_TMPDIR/gate/go"
    wait
    cbuild builds rm "${id: -6}"
    expect_status 0
    expect_output "$id"
    [ ! -e "$STORE/builds/$id" ]
}

@test "a build that was killed is interrupted" {
    printf 'FROM busybox\nRUN echo up; sleep 60\n' >"$DIR/Dockerfile"
    "$CBUILD" build -q "$DIR" >/dev/null 2>&1 &
    pid=$!
    wait_until sh -c '"$CBUILD" builds ls | grep -q running'
    kill -9 "$pid"
    wait "$pid" || true
    wait_until sh -c '"$CBUILD" builds ls | grep -q interrupted'
}
