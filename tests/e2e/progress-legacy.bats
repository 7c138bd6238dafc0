#!/usr/bin/env bats
# --progress=legacy: what scripts for docker's first builder look for.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

@test "steps, their output, the cache, and the result" {
    printf 'FROM busybox\nRUN echo "said 1"\nRUN echo "said 2"\nCMD ["sh"]\n' >"$DIR/Dockerfile"
    "$CBUILD" build --progress=legacy -t one -t two:2 "$DIR" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
    id=$("$CBUILD" images -q one)
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = "Successfully built $id
Successfully tagged one:latest
Successfully tagged two:2" ]
    [ "$(sed -n '/^Step 2/,$p' "$BATS_TEST_TMPDIR/err")" = 'Step 2/3 : RUN echo "said 1"
said 1
Step 3/3 : RUN echo "said 2"
said 2' ]
    run "$CBUILD" build --progress=legacy "$DIR"
    [ "$(grep -c '^ ---> Using cache$' <<<"$output")" -eq 3 ]
    expect_lacks 'Successfully tagged'
    [ "$("$CBUILD" build -q --progress=legacy "$DIR" | cut -c1-7)" = sha256: ]
}

@test "side by side steps are told one after the other" {
    dockerfile <<'END'
FROM busybox AS a
RUN for i in 1 2 3; do echo a; sleep 0.1; done
FROM busybox AS b
RUN for i in 1 2 3; do echo b; sleep 0.1; done
FROM busybox
COPY --from=a /bin/sh /a
COPY --from=b /bin/sh /b
END
    build --progress=legacy
    expect_status 0
    [[ $(grep -E '^[ab]$' <<<"$output" | tr -d '\n') =~ ^(aaabbb|bbbaaa)$ ]]
}

@test "a failed step: what it said, the place, no result" {
    printf 'FROM busybox\nRUN printf "\\033[2Jlast words\\n"; exit 3\n' >"$DIR/Dockerfile"
    build --progress=legacy
    expect_status 1
    expect_contains 'Step 2/2 : RUN' '\x1b[2Jlast words' 'Dockerfile:2:1:' 'exit code: 3'
    expect_lacks 'Successfully'
}
