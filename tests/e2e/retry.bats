#!/usr/bin/env bats
# --retry and --step-timeout: a RUN step that fails for a passing reason.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

@test "--retry runs a failed step again on a clean layer, and says so" {
    dockerfile <<'END_OF_FILE'
FROM busybox
RUN --mount=type=cache,target=/count,id=third \
    echo x >> /count/tries; [ ! -e /left ] || exit 9; echo half > /left; \
    [ "$(wc -l < /count/tries)" -ge 3 ]
END_OF_FILE
    build_ok --retry 5
    expect_contains 'attempt 1 of 6 failed: process "/bin/sh -c' 'exit code: 1' \
        'attempt 2 of 6 failed' 'running the step again on a clean layer'
    expect_lacks 'attempt 3 of 6'
    printf '%s\n' "$output" | grep -q '^#2 attempt 1 of 6 failed'
    in_image cat /left
    expect_output half
}

@test "--retry gives up after the last attempt with the step's own failure" {
    dockerfile <<'END_OF_FILE'
FROM busybox
RUN --mount=type=cache,target=/count,id=never echo x >> /count/tries; exit 3
FROM busybox AS count
RUN --mount=type=cache,target=/count,id=never wc -l < /count/tries > /n
END_OF_FILE
    run "$CBUILD" build --progress=plain --retry=2 --target 0 "$DIR"
    expect_status 1
    expect_contains 'Dockerfile:2' 'attempt 3 of 3: process' 'exit code: 3'
    build_ok
    in_image cat /n
    expect_output 3
}

@test "without --retry a step runs once, and what cannot start is not tried again" {
    dockerfile <<'END_OF_FILE'
FROM busybox
RUN exit 3
END_OF_FILE
    build
    expect_status 1
    expect_lacks attempt
    dockerfile <<'END_OF_FILE'
FROM busybox
RUN --mount=type=secret,id=absent,required true
END_OF_FILE
    build --retry 3
    expect_status 1
    expect_contains absent
    expect_lacks attempt
}

@test "--step-timeout ends everything in the step, with its output until then" {
    dockerfile <<END_OF_FILE
FROM busybox
RUN echo before; (sleep $FOREVER &); setsid sleep $FOREVER & sleep $FOREVER
END_OF_FILE
    # until it had the time to say that
    for seconds in 1 8 64; do
        build --step-timeout "${seconds}s"
        grep -q '^#2 [0-9.]* before$' <<<"$output" && break
    done
    expect_status 1
    expect_contains before "not ended after ${seconds}s" '--step-timeout' 'Dockerfile:2'
    expect_no_sleeper
}

@test "a step that was too slow once may be in time on its next attempt" {
    # until there is time enough for both attempts
    for seconds in 2 16 120; do
        dockerfile <<END_OF_FILE
FROM busybox
RUN --mount=type=cache,target=/count,id=slow-$seconds \
    if mkdir /count/seen; then touch /half; sleep 773304; fi; [ ! -e /half ] && touch /done
END_OF_FILE
        build --retry 1 --step-timeout "${seconds}s"
        [ "$status" -ne 0 ] || break
    done
    expect_status 0
    expect_contains 'attempt 1 of 2 failed' "not ended after ${seconds}s"
    in_image ls /done
    expect_output /done
}

@test "values that make no sense are refused before any work" {
    printf 'FROM busybox\n' >"$DIR/Dockerfile"
    build --retry many
    expect_status 125
    expect_contains '--retry' many
    build --retry 1000
    expect_status 1
    expect_contains '--retry' 'at most 100'
    build --step-timeout soon
    expect_status 1
    expect_contains '--step-timeout' soon
    build --step-timeout -5s
    expect_status 1
    expect_contains '--step-timeout' 'at least 1ms'
}
