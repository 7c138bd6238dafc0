#!/usr/bin/env bats
# Several processes on one store: a step that two want runs once, whatever becomes of the first.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

# A step that notes each of its executions and then waits for gate/go, in a directory of the host.
gated_dockerfile() {
    cat >"$DIR/Dockerfile" <<END
FROM busybox
RUN --mount=type=cache,id=$1,target=/gate echo run >> /gate/runs; while [ ! -e /gate/go ]; do :; done; echo made > /made
RUN --mount=type=cache,id=$1,target=/gate cp /gate/runs /runs
END
}

# PID takes SIGINT and ends with 130: killed otherwise, since bats would wait for it.
interrupted() {
    local status=0
    kill -INT "$1"
    timeout 60 tail --pid="$1" -f /dev/null || kill -9 "$1"
    wait "$1" || status=$?
    [ "$status" = 130 ]
}

# The host's directory of that cache mount, once a step has written to it.
gate() {
    dirname "$STORE"/cache-mounts/*/runs
}

start_build() {
    "$CBUILD" build --progress=plain -t "$1" "$DIR" >"$BATS_TEST_TMPDIR/$1" 2>&1 &
}

has_runs() { [ "$(grep -c run "$STORE"/cache-mounts/*/runs | sed 's/.*://')" = "$1" ]; }
says() { grep -q "$2" "$BATS_TEST_TMPDIR/$1"; }

prune_mounts() { "$CBUILD" prune -af >/dev/null; }

@test "two processes run a step once, and the second says for whom and for what it waits" {
    prune_mounts
    gated_dockerfile once
    start_build first
    first=$!
    wait_until has_runs 1
    start_build second
    second=$!
    wait_until says second 'waiting for process'
    says second "waiting for process $first, which executes the same step: \[2/3\] RUN"
    touch "$(gate)/go"
    wait "$first"
    wait "$second"
    run "$CBUILD" run --rm --network none second cat /runs
    expect_output run
    grep -q '^3 steps: [23] cached' "$BATS_TEST_TMPDIR/second"
}

@test "when the first is killed the second takes over and the build succeeds" {
    prune_mounts
    gated_dockerfile takeover
    start_build first
    first=$!
    wait_until has_runs 1
    start_build second
    second=$!
    wait_until says second "waiting for process $first"
    kill -9 "$first"
    wait "$first" || true
    wait_until has_runs 2
    touch "$(gate)/go"
    wait "$second"
    run "$CBUILD" run --rm --network none second cat /made
    expect_output made
    run "$CBUILD" fsck
    expect_status 0
}

@test "who waits for another process's step can be interrupted, and ends with 130" {
    prune_mounts
    gated_dockerfile interrupted
    start_build first
    first=$!
    wait_until has_runs 1
    start_build second
    second=$!
    wait_until says second "waiting for process $first"
    kill -INT "$second"
    status=0
    wait "$second" || status=$?
    [ "$status" = 130 ]
    touch "$(gate)/go"
    wait "$first"
}

@test "an interrupted build ends although its step ignores that, keeps what was finished, and leaves no process" {
    dockerfile <<'END'
FROM busybox
RUN echo finished-before
RUN trap '' TERM INT; echo deaf; while :; do :; done
END
    "$CBUILD" build --progress=plain "$DIR" >"$BATS_TEST_TMPDIR/deaf" 2>&1 &
    pid=$!
    wait_until says deaf 'deaf$'
    kill -INT "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" = 130 ]
    sed -i '$d' "$DIR/Dockerfile"
    build_ok
    [ "$(steps_run)" = 0 ]
}

# Reading a terabyte of a hole takes an hour: who is interrupted must end within the file. A layer may have 64 GiB.
@test "whoever reads an endless file can be interrupted: a step's layer, an export, a tar" {
    dockerfile <<'END'
FROM busybox
RUN dd if=/dev/zero of=/hole bs=1 count=1 seek=63G 2>/dev/null; echo made
END
    "$CBUILD" build --progress=plain "$DIR" >"$BATS_TEST_TMPDIR/hole" 2>&1 &
    pid=$!
    wait_until says hole 'made$'
    interrupted "$pid"
    "$CBUILD" run --name hole --network none busybox dd if=/dev/zero of=/hole bs=1 count=1 seek=1023G 2>/dev/null
    for command in 'export hole' 'cp hole:/hole -'; do
        rm -f "$BATS_TEST_TMPDIR/seen"
        # shellcheck disable=SC2086
        "$CBUILD" $command > >(head -c 1 >"$BATS_TEST_TMPDIR/seen"; cat >/dev/null) &
        pid=$!
        wait_until test -s "$BATS_TEST_TMPDIR/seen"
        interrupted "$pid"
    done
    "$CBUILD" rm hole >/dev/null
    fsck_clean
}

@test "waiting for a collection to end can be interrupted" {
    printf 'FROM busybox\nRUN echo behind the sweep\n' >"$DIR/Dockerfile"
    exec 9<>"$STORE/gc.lock"
    flock -x 9
    "$CBUILD" build -q "$DIR" >/dev/null 2>"$BATS_TEST_TMPDIR/error" 9>&- &
    pid=$!
    wait_until sh -c "grep -q 'waiting for the collection' $BATS_TEST_TMPDIR/error"
    kill -INT "$pid"
    status=0
    wait "$pid" || status=$?
    exec 9>&-
    [ "$status" = 130 ]
}

@test "waiting for the index can be interrupted, and is never given up on otherwise" {
    printf 'FROM busybox\nRUN echo behind the writer %s\n' "$RANDOM" >"$DIR/Dockerfile"
    coproc WRITER { python3 -u -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/meta.db", isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held")
sys.stdin.readline()
' "$STORE"; }
    writer=$WRITER_PID
    read -r held <&"${WRITER[0]}"
    [ "$held" = held ]
    "$CBUILD" build --progress=plain "$DIR" >"$BATS_TEST_TMPDIR/error" 2>&1 &
    pid=$!
    wait_until sh -c "grep -q 'waiting for another process that writes the index' $BATS_TEST_TMPDIR/error"
    kill -INT "$pid"
    status=0
    wait "$pid" || status=$?
    echo >&"${WRITER[1]}"
    wait "$writer" || true
    [ "$status" = 130 ]
}

@test "who waits for standard input can be interrupted" {
    for words in "build -" "build -f - $DIR" "load" "import - x:1" "lint -"; do
        echo "$words"
        python3 - "$CBUILD" $words <<'END'
import fcntl, os, signal, struct, subprocess, sys, termios, time
reading, writing = os.pipe()
process = subprocess.Popen(sys.argv[1:], stdin=reading)
os.write(writing, b"FROM")
def left():
    return struct.unpack("i", fcntl.ioctl(writing, termios.FIONREAD, bytes(4)))[0]
for _ in range(12000):
    if not left():
        break
    time.sleep(0.01)
process.send_signal(signal.SIGINT)
sys.exit(process.wait(120) != 130)
END
    done
}

@test "B3: steps that only wait are not kept from running by the number of processors" {
    prune_mounts
    for n in 1 2 3 4; do
        printf 'FROM busybox AS s%s\nRUN --mount=type=cache,id=meet,target=/m touch /m/%s; while [ "$(ls /m | wc -l)" -lt 4 ]; do sleep 0.01; done; echo met > /%s\n' $n $n $n
    done >"$DIR/Dockerfile"
    printf 'FROM scratch\nCOPY --from=s1 /1 /\nCOPY --from=s2 /2 /\nCOPY --from=s3 /3 /\nCOPY --from=s4 /4 /\n' >>"$DIR/Dockerfile"
    build_ok --step-timeout 60s --network none
}

@test "a container that \`run\` has made and not started yet is nobody's to prune" {
    prune_containers() { while [ ! -e "$BATS_TEST_TMPDIR/over" ]; do "$CBUILD" container prune -f; done; }
    run_some() {
        local i
        for i in $(seq 15); do "$CBUILD" run -d --network none busybox true || return 1; done
    }
    prune_containers >/dev/null &
    local pruner=$! runners=() runner failed=0
    for runner in 1 2 3; do
        run_some >/dev/null 2>"$BATS_TEST_TMPDIR/err$runner" &
        runners+=($!)
    done
    for runner in "${runners[@]}"; do wait "$runner" || failed=1; done
    touch "$BATS_TEST_TMPDIR/over"
    wait "$pruner"
    cat "$BATS_TEST_TMPDIR"/err*
    [ "$failed" = 0 ]
}

@test "of several who start a container each has it started, and nobody says more" {
    start_it() { "$CBUILD" start both; }
    "$CBUILD" create --name both --network none busybox true
    local round starter starters
    for round in $(seq 12); do
        starters=()
        for starter in 1 2 3 4 5; do
            start_it >>"$BATS_TEST_TMPDIR/out" 2>&1 &
            starters+=($!)
        done
        for starter in "${starters[@]}"; do wait "$starter" || echo "status $?" >>"$BATS_TEST_TMPDIR/out"; done
    done
    run sort -u "$BATS_TEST_TMPDIR/out"
    expect_output both
}

@test "a container that is removed beside what is done to it is told of as one that is not there" {
    act() { # COMMAND…
        until [ -e "$BATS_TEST_TMPDIR/over" ]; do "$CBUILD" "$@" >/dev/null 2>>"$BATS_TEST_TMPDIR/said" || true; done
    }
    act rename short other &
    local i actors=($!)
    act update --restart=no short &
    actors+=($!)
    act cp short:/etc/passwd - &
    actors+=($!)
    for i in $(seq 20); do
        "$CBUILD" create --name short --network none busybox true >/dev/null
        wait_until "$CBUILD" rm -f short other # it may change its name just now, and be missed under both
    done
    touch "$BATS_TEST_TMPDIR/over"
    for i in "${actors[@]}"; do wait "$i"; done
    run grep -v -e 'No such container' -e 'The container name "/other" is already in use' "$BATS_TEST_TMPDIR/said"
    expect_output ''
}
