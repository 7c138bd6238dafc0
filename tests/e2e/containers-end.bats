# What holds as soon as a command has said that a container has ended, and for those who stop reading.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    name=e$BATS_TEST_NUMBER
}
teardown() {
    exec 8>&- # a lock that a failed test has still taken
    cb_drop_containers
}

@test "rm works at once after run and start -a, and its name is free" {
    for i in 1 2 3; do
        cbuild run --name "$name" busybox true
        expect_status 0
        cbuild start -a "$name"
        expect_status 0
        cbuild rm "$name"
        expect_status 0
    done
    "$CBUILD" run --name "$name" busybox true
    cbuild container prune -f
    expect_status 0
    expect_contains 'Deleted Containers:'
}

@test "a port is free at once after stop" {
    local port
    cbuild run -d --name "$name" -p 127.0.0.1::80 busybox sleep 1000
    expect_status 0
    port=$("$CBUILD" port "$name" 80)
    for i in 1 2 3 4 5; do
        cbuild stop -t 0 "$name"
        expect_status 0
        cbuild rm "$name"
        expect_status 0
        cbuild run -d --name "$name" -p "$port:80" busybox sleep 1000
        expect_status 0
    done
}

@test "logs -f ends without a word when nobody reads it any more" {
    cbuild run -d --name "$name" --network none busybox sh -c 'while :; do echo line; sleep .05; done'
    expect_status 0
    run bash -c 'timeout 60 "$1" logs -f "$2" | head -n 2; exit "${PIPESTATUS[0]}"' - "$CBUILD" "$name"
    expect_status 0
    [ "$output" = $'line\nline' ]
}

@test "logs -f of a container that prints nothing more ends when nobody reads it" {
    cbuild run -d --name "$name" --network none busybox sh -c 'echo line; echo next; exec sleep 1000'
    expect_status 0
    run bash -c 'timeout 60 "$1" logs -f "$2" | head -n 1; exit "${PIPESTATUS[0]}"' - "$CBUILD" "$name"
    expect_status 0
    expect_output line
}

@test "who reads what its caller had open sees the end while the container runs" {
    run timeout 60 bash -c '"$1" run -d --network none --name "$2" busybox sleep 1000 9>&1 >/dev/null | cat' - "$CBUILD" "$name"
    expect_status 0
    cbuild inspect -f '{{.State.Status}}' "$name"
    expect_output running
}

@test "exec -t opens nothing that a container put in the place of its terminals" {
    cbuild run -d --name "$name" --network none --privileged busybox \
        sh -c 'umount /dev/pts; mkfifo /dev/pts/ptmx; echo ready; exec sleep 1000'
    expect_status 0
    said() { "$CBUILD" logs "$name" | grep -q ready; }
    wait_until said
    cbuild exec -t "$name" true
    expect_status 126
    expect_contains 'is not a file system of terminals'
}

@test "start beside rm -f: it runs, or there is no such container" {
    local i
    for i in 1 2 3 4 5 6; do
        "$CBUILD" create --name "$name" --network none busybox sleep 1000 >/dev/null
        "$CBUILD" start "$name" >"$DIR/out" 2>&1 3>&- &
        cbuild rm -f "$name"
        expect_status 0
        wait $! || true
        case $(cat "$DIR/out") in
        "$name" | "cbuild: No such container: $name") ;;
        *"is not running" | *"the monitor of the container has ended") ;; # it was killed on the way
        *) cat "$DIR/out"; return 1 ;;
        esac
        "$CBUILD" rm -f "$name" >/dev/null
        cbuild ps -aq
        expect_output ""
    done
}

# bats test_tags=root
@test "what is paused ends with its launcher, and that is told" {
    id=$("$CBUILD" run -d --network none --name "$name" busybox sleep 1000)
    "$CBUILD" pause "$name"
    pkill -KILL -P "$(cat "$STORE/containers/$id/monitor.lock")"
    has_exited() { [ "$("$CBUILD" ps -a --filter "name=$name" --format '{{.State}}')" = exited ]; }
    wait_until has_exited
    run timeout 60 "$CBUILD" exec "$name" true
    expect_status 1
    expect_contains 'is not running'
    cbuild rm "$name"
    expect_status 0
}

# bats test_tags=root
@test "a restart policy outlives the launcher" {
    id=$("$CBUILD" run -d --restart always --network none --name "$name" busybox sleep 1000)
    first=$("$CBUILD" inspect -f '{{.State.Pid}}' "$name")
    is_again() {
        [ "$("$CBUILD" inspect -f '{{.State.Status}} {{.RestartCount}}' "$name")" = 'running 1' ] &&
            [ "$("$CBUILD" inspect -f '{{.State.Pid}}' "$name")" != "$first" ]
    }
    pkill -KILL -P "$(cat "$STORE/containers/$id/monitor.lock")"
    wait_until is_again
    cbuild exec "$name" echo inside
    expect_output inside
    cbuild stop -t 0 "$name"
    expect_status 0
}

# bats test_tags=root
@test "another pid namespace, where no launcher of this one is seen, leaves containers as they are" {
    id=$("$CBUILD" run -d --network none --name "$name" busybox sleep 1000)
    "$CBUILD" save busybox | "$CBUILD" --root "$STORE-other" load
    run unshare --pid --fork --mount-proc "$CBUILD" --root "$STORE-other" run --rm --network none busybox echo other
    rm -rf --one-file-system "$STORE-other"
    expect_output other
    cbuild exec "$name" sh -c 'sleep 0 & wait $! && echo forks'
    expect_output forks
}

# bats test_tags=root
@test "a container goes on when the commit that paused it is killed" {
    id=$("$CBUILD" run -d --network none --name "$name" busybox sh -c 'head -c 100000000 /dev/zero >/big; echo ready; exec sleep 1000')
    is_ready() { "$CBUILD" logs "$name" | grep -q ready; }
    state_is() { [ "$("$CBUILD" inspect -f '{{.State.Status}}' "$name")" = "$1" ]; }
    wait_until is_ready
    # one that was done before anybody looked comes to nothing
    is_caught() {
        "$CBUILD" commit "$name" killed >/dev/null 2>&1 3>&- &
        victim=$!
        until state_is paused; do
            not has_ended "$victim" || return 1
        done
    }
    wait_until is_caught
    kill -KILL "$victim"
    wait_until state_is running
    cbuild exec "$name" echo on
    expect_output on
}

# bats test_tags=root
@test "update of one that goes with its end waits for nobody who waits for it" {
    id=$("$CBUILD" run -d --rm --network none --name "$name" busybox sleep 1000)
    monitor=$(cat "$STORE/containers/$id/monitor.lock")
    kill -STOP "$monitor"
    kill -KILL "$("$CBUILD" inspect -f '{{.State.Pid}}' "$name")"
    timeout 60 "$CBUILD" update --pids-limit 77 "$name" >"$DIR/out" 2>&1 3>&- &
    pid=$!
    wait_until grep -q '"77"' "$STORE/containers/$id/config.json"
    kill -CONT "$monitor"
    status=0
    wait "$pid" || status=$?
    output=$(cat "$DIR/out")
    expect_status 1
    expect_output "cbuild: No such container: $id"
    not "$CBUILD" inspect "$name"
}

# bats test_tags=root
@test "one that ends while something is asked of it is not running, and has files" {
    local did pid monitor
    is_asking() { readlink "/proc/$1/fd/"* | grep -q '^socket:'; }
    # What did it say of a container that was asked, and then was found to have ended?
    ask_late() {
        did=0
        "$CBUILD" start "$name" >/dev/null
        monitor=$(cat "$STORE/containers/$id/monitor.lock")
        kill -STOP "$monitor"
        pid=$("$CBUILD" inspect -f '{{.State.Pid}}' "$name")
        kill -KILL "$pid"
        wait_until has_ended "$pid"
        "$CBUILD" "$@" >"$DIR/out" 2>"$DIR/err" 3>&- &
        pid=$!
        wait_until is_asking "$pid"
        kill -CONT "$monitor"
        wait "$pid" || did=$?
        [ "$did" = "$expected" ] && [ "$(cat "$DIR/err")" = "$said" ] || { echo "$*: $did $(cat "$DIR/err")"; return 1; }
    }
    id=$("$CBUILD" create --network none --name "$name" busybox sleep 1000)
    expected=1 said="cbuild: Container $id is not running"
    ask_late exec "$name" true
    ask_late exec -d "$name" true
    ask_late pause "$name"
    said="cbuild: You cannot attach to a stopped container, start it first"
    ask_late attach "$name"
    said="cbuild: cannot kill container: $name: container $id is not running"
    ask_late kill -s USR1 "$name"
    expected=0 said=""
    ask_late cp "$name:/etc/passwd" -
    tar -tf "$DIR/out" | grep -qx passwd
    ask_late commit "$name"
    ask_late rename "$name" "$name-new"
}

# bats test_tags=root
@test "what is changed while a container starts is in force" {
    id=$("$CBUILD" create --network none --name "$name" busybox sleep 1000)
    flock "$STORE/containers/$id/monitor.lock" sh -c "echo \$PPID >'$STORE/containers/$id/monitor.lock'; touch '$DIR/locked'; while [ ! -e '$DIR/go' ]; do sleep .05; done" 3>&- &
    wait_until test -e "$DIR/locked"
    "$CBUILD" start "$name" >"$DIR/out" 3>&- &
    pid=$!
    has_read() { readlink "/proc/$(pgrep -f "^cbuild-monitor $STORE $id")/fd/"* | grep -q "containers/$id\$"; }
    wait_until has_read
    "$CBUILD" update --pids-limit 77 "$name"
    touch "$DIR/go"
    wait "$pid"
    [ "$(cat $(find /sys/fs/cgroup -path "*/$id-*" -name pids.max))" = 77 ]
}

@test "who waits for a container that something else has locked, or that is held by a stopped process, is told of it" {
    local holder pid
    local -A what
    all_say() { # WORDS
        for how in rm 'rm -f' start cp; do
            case $how in cp) set -- "$1" cp "$name:/etc/passwd" - ;; *) set -- "$1" $how "$name" ;; esac
            "$CBUILD" "${@:2}" >"$DIR/out-$how" 2>&1 3>&- &
            what[$how]=$!
        done
        for how in "${!what[@]}"; do
            did=0
            wait "${what[$how]}" || did=$?
            [ "$did" = 1 ] && grep -qF "$1" "$DIR/out-$how" || { echo "$how: $did"; cat "$DIR/out-$how"; return 1; }
        done
    }
    id=$("$CBUILD" create --network none --name "$name" busybox true)
    exec 8<> <(:)
    flock "$STORE/containers/$id/monitor.lock" sh -c "touch '$DIR/locked'; read -r line" <&8 3>&- &
    holder=$!
    wait_until test -e "$DIR/locked"
    all_say "process $holder (flock), which is no monitor, has locked container $name"
    echo go >&8
    wait "$holder" || true
    # one of ours that copies
    flock "$STORE/containers/$id/monitor.lock" sh -c "echo \$PPID >'$STORE/containers/$id/monitor.lock'; touch '$DIR/ours'; read -r line" <&8 3>&- &
    holder=$!
    wait_until test -e "$DIR/ours"
    kill -STOP "$holder"
    all_say "process $holder, which holds container $name, is stopped"
    kill -CONT "$holder"
    echo go >&8
    wait "$holder" || true
    exec 8>&-
    cbuild rm "$name"
    expect_status 0
}

# bats test_tags=root
@test "start -a starts one that ends while it is being attached to" {
    local pid monitor did=0 first
    is_asking() { readlink "/proc/$1/fd/"* | grep -q '^socket:'; }
    runs_anew() { [ "$("$CBUILD" inspect -f '{{.State.Status}}' "$name")" = running ] && [ "$("$CBUILD" inspect -f '{{.State.Pid}}' "$name")" != "$first" ]; }
    id=$("$CBUILD" run -d --network none --name "$name" busybox sh -c 'trap "exit 3" TERM; while :; do sleep 1; done')
    first=$("$CBUILD" inspect -f '{{.State.Pid}}' "$name")
    monitor=$(cat "$STORE/containers/$id/monitor.lock")
    kill -STOP "$monitor"
    kill -KILL "$first"
    wait_until has_ended "$first"
    "$CBUILD" start -a "$name" >"$DIR/out" 2>&1 3>&- &
    pid=$!
    wait_until is_asking "$pid"
    kill -CONT "$monitor"
    wait_until runs_anew
    "$CBUILD" kill "$name"
    wait "$pid" || did=$?
    [ "$did" = 137 ] && [ ! -s "$DIR/out" ] || { echo "$did"; cat "$DIR/out"; return 1; }
}

@test "a start that is refused leaves alone what the monitor that runs the container says" {
    local log first second
    "$CBUILD" volume create -o type=tmpfs -o device=tmpfs memory >/dev/null
    id=$("$CBUILD" create --network none --name "$name" -v memory:/m busybox sleep 1000)
    log=$STORE/containers/$id/monitor.log
    monitors() { [ "$(pgrep -cf "^cbuild-monitor .*$id")" -ge "$1" ]; }
    # it has its record, and waits for the volume
    exec 8>"$STORE/volumes/memory/lock"
    flock 8
    "$CBUILD" start "$name" >/dev/null 2>&1 3>&- 8>&- &
    first=$!
    wait_until test -S "$STORE/containers/$id/socket"
    echo 'said before' >>"$log"
    "$CBUILD" start "$name" >"$DIR/out" 2>&1 3>&- 8>&- &
    second=$!
    wait_until monitors 2
    exec 8>&-
    wait "$first"
    wait "$second"
    [ "$(cat "$DIR/out")" = "$name" ]
    [ "$(cat "$log")" = 'said before' ]
    # the next start begins anew
    "$CBUILD" kill "$name" >/dev/null
    "$CBUILD" wait "$name" >/dev/null
    "$CBUILD" start "$name" >/dev/null
    [ ! -s "$log" ]
    "$CBUILD" rm -f "$name"
    "$CBUILD" volume rm memory
}
