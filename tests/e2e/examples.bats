#!/usr/bin/env bats
# The examples, built and run for real; Debian's packages are fetched by their RUN steps.
load helpers

setup_file() { cb_store debian; }
teardown_file() { cb_drop_store; }

example() {
    run "$CBUILD" build --progress=plain -t "$1" "$CB_TOP/examples/$2"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
}

@test "nginx: installed from packages, answers HTTP" {
    example nginx nginx
    "$CBUILD" run --rm -p 127.0.0.1:8089:8089 nginx >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
    pid=$!
    wait_until curl -sf http://127.0.0.1:8089/ || { cat "$BATS_TEST_TMPDIR/log"; return 1; }
    run curl -s http://127.0.0.1:8089/
    expect_contains 'an image that cbuild built'
    kill -QUIT "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 0 ]
    "$CBUILD" inspect nginx | jq -e '.[0].Config.ExposedPorts == {"8089/tcp": {}} and .[0].Config.StopSignal == "SIGQUIT"'
}

@test "static-c: a compiler in the first stage, one file in the last" {
    example static-c static-c
    run "$CBUILD" run --rm --network none static-c
    expect_output 'hello, world'
    run "$CBUILD" run --rm --network none static-c cbuild
    expect_output 'hello, cbuild'
    [ "$("$CBUILD" inspect static-c | jq '.[0].RootFS.Layers | length')" = 1 ]
}

@test "python: requirements are not installed again when the program changes" {
    cp -R "$CB_TOP/examples/python" "$BATS_TEST_TMPDIR/python"
    run "$CBUILD" build --progress=plain -t python "$BATS_TEST_TMPDIR/python"
    expect_status 0
    run "$CBUILD" run --rm --network none python
    expect_status 0
    expect_contains 'greeting: hello from python' 'user: true' 'directory: /app'
    echo '# changed' >>"$BATS_TEST_TMPDIR/python/app.py"
    run "$CBUILD" build --progress=plain -t python "$BATS_TEST_TMPDIR/python"
    expect_status 0
    [ "$(steps_run)" = 1 ]
    "$CBUILD" inspect python | jq -e '.[0].Config.User == "app" and .[0].Config.Healthcheck.Retries == 3'
}

@test "onbuild: the parent's triggers run in the child" {
    run "$CBUILD" build -q -t cbuild-example-onbuild-parent -f "$CB_TOP/examples/onbuild/Dockerfile.parent" "$CB_TOP/examples/onbuild"
    expect_status 0
    example child onbuild
    run "$CBUILD" run --rm --network none child
    expect_output 'child says: good morning'
}

@test "stages: ten of them" {
    example stages stages
    run "$CBUILD" run --rm --network none stages
    expect_output "$(for i in 1 2 3 4 5 6 7 8; do echo "part $i"; done)"
}
