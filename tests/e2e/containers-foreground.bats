# What others see of `run --rm` in the foreground, which has no monitor but itself.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
teardown() {
    [ -z "${runner:-}" ] || { kill -9 "$runner"; wait "$runner"; } 2>/dev/null || true
}

is_listed() { id=$("$CBUILD" ps -q) && [ -n "$id" ]; }
is_gone() { [ -z "$("$CBUILD" ps -aq)" ]; }
begin() {
    "$CBUILD" run --rm --network none "$@" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    runner=$!
    wait_until is_listed
}
sleeps() { "$CBUILD" top "$id" | grep 'sleep 1000$'; }
sleeper() {
    begin busybox sh -c 'echo ready; trap "exit 7" TERM; while :; do sleep 1000 & wait; done'
    wait_until sleeps
}
# Of who runs it.
expect_end() {
    local end=0
    wait "$runner" || end=$?
    runner=
    [ "$end" -eq "$1" ] || { echo "ended with $end, not $1"; cat "$BATS_TEST_TMPDIR/out"; return 1; }
    is_gone
    [ "$(ls "$STORE/containers")" = lock ]
}

@test "ps, inspect and top show it, exec enters it, stop stops it" {
    sleeper
    cbuild ps --format '{{.Image}} {{.State}} {{.Command}}' --no-trunc
    expect_contains "busybox running \"sh -c 'echo ready"
    cbuild inspect -f '{{.State.Running}} {{.HostConfig.AutoRemove}} {{.Config.Image}}' "$id"
    expect_output 'true true busybox'
    cbuild top "$id"
    expect_contains 'sleep 1000'
    cbuild exec "$id" sh -c 'echo of $HOSTNAME; exit 5'
    expect_status 5
    expect_output "of $id"
    cbuild stop "$id"
    expect_status 0
    expect_output "$id"
    expect_end 7
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = ready ]
}

@test "kill, wait and rm -f know it" {
    sleeper
    cbuild kill -s TERM "$id"
    expect_status 0
    expect_end 7
    sleeper
    "$CBUILD" wait "$id" >"$BATS_TEST_TMPDIR/code" 3>&- &
    cbuild rm "$id"
    expect_status 1
    expect_contains 'container is running: stop the container before removing or force remove'
    cbuild rm -f "$id"
    expect_status 0
    wait $!
    [ "$(cat "$BATS_TEST_TMPDIR/code")" = 137 ]
    expect_end 137
}

@test "its files are reached, and what they become is kept, as of any other" {
    sleeper
    "$CBUILD" exec "$id" sh -c 'echo text >/new'
    cbuild diff "$id"
    expect_output 'A /new'
    cbuild cp "$id:/new" "$BATS_TEST_TMPDIR/new"
    expect_status 0
    [ "$(cat "$BATS_TEST_TMPDIR/new")" = text ]
    cbuild commit --no-pause "$id" kept
    expect_status 0
    "$CBUILD" rename "$id" called
    cbuild rm -f called
    expect_end 137
    cbuild run --rm --network none kept cat /new
    expect_output text
    "$CBUILD" rmi kept
    cbuild fsck
    expect_status 0
}

@test "what it has no way for is said" {
    sleeper
    cbuild logs "$id"
    expect_status 1
    expect_contains 'configured logging driver does not support reading'
    cbuild attach "$id"
    expect_status 1
    expect_contains 'has the standard streams of the command that runs it' 'needs a --name, or -d'
    cbuild update --memory 100m --memory-swap 100m "$id"
    expect_status 1
    expect_contains 'runs in the foreground' 'needs a --name, or -d'
    cbuild stats --no-stream --format '{{.PIDs}}' "$id"
    expect_output 2
    kill -TERM "$runner"
    expect_end 7
}

@test "who runs it is killed: it is gone, and so is its record, once somebody makes another" {
    sleeper
    [ "$(ls "$STORE/containers" | wc -l)" -eq 2 ]
    kill -9 "$runner"
    wait "$runner" || true
    runner=
    cbuild ps -a --format '{{.ID}}'
    expect_output ''
    cbuild inspect --type container "$id"
    expect_status 1
    expect_contains "No such container: $id"
    "$CBUILD" rm "$("$CBUILD" create busybox)"
    [ "$(ls "$STORE/containers")" = lock ]
}

@test "it syncs nothing, and takes one process beside its own" {
    "$CBUILD" run --rm --network host busybox true
    strace -f -qq -e trace=fsync,fdatasync,sync_file_range,syncfs,clone,clone3,fork,vfork,execve,execveat \
        -o "$BATS_TEST_TMPDIR/trace" "$CBUILD" run --rm --network host busybox true
    run grep sync "$BATS_TEST_TMPDIR/trace"
    expect_status 1
    # the launcher, and the container's process; threads are none
    [ "$(grep -E ' (clone|clone3|fork|vfork)\(' "$BATS_TEST_TMPDIR/trace" | grep -vc CLONE_THREAD)" = 2 ]
}

@test "who makes a container reads nothing of the others but a name as long as its own" {
    local others
    others=$(for i in 1 2 3; do "$CBUILD" create --network none --name "other-$i" busybox true; done | paste -sd '|')
    strace -f -qq -e trace=open,openat -o "$BATS_TEST_TMPDIR/trace" "$CBUILD" create --network none --name the-first-of-mine busybox true >/dev/null
    run grep -E "\"($others)\"|($others)/(config|image|state)\.json|($others)/name" "$BATS_TEST_TMPDIR/trace"
    expect_status 1
    cbuild create --network none --name other-2 busybox true
    expect_status 1
    expect_contains 'The container name "/other-2" is already in use by container'
    "$CBUILD" rm -f the-first-of-mine other-1 other-2 other-3 >/dev/null
}
