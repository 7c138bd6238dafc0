# Killed commands, monitors and containers, at random moments; tests/stress/container-crash.sh does more of it.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
teardown() {
    [ -z "${FIRST:-}" ] || kill -KILL "$FIRST"
    [ -z "${TRACER:-}" ] || kill -KILL "$TRACER" "$launcher" 2>/dev/null || true
    [ -z "${CROWD:-}" ] || kill "$CROWD"
    [ -z "${SETTLER:-}" ] || { kill -KILL "$SETTLER"; wait "$SETTLER"; } 2>/dev/null || true
}

@test "whatever is killed, ps tells the truth and rm -f clears" {
    run "$BATS_TEST_DIRNAME/../stress/container-crash.sh" "$CBUILD" "$STORE" 20 7
    expect_status 0
    expect_output "20 rounds went well"
}

@test "records that somebody made nonsense of are told of, and hinder nobody" {
    id=$("$CBUILD" create --network none --name broken busybox true)
    "$CBUILD" create --network none --name whole busybox true >/dev/null
    : >"$STORE/containers/$id/name" # "" means nobody
    cbuild rm -f ""
    expect_output 'cbuild: No such container: '
    printf '{"Status":"flying"}' >"$STORE/containers/$id/state.json"
    cbuild ps -a --format '{{.Names}}'
    expect_status 0
    expect_contains "container \`${id:0:12}\`" 'there is no status `flying`' whole
    printf '[' >"$STORE/containers/$id/config.json"
    cbuild ps -aq
    expect_status 0
    mkdir "$STORE/containers/not-an-id"
    ln -s /etc "$STORE/containers/${id//[0-9]/a}"
    cbuild ps -a --format '{{.Names}}'
    expect_contains whole
    cbuild rm -f whole
    expect_status 0
    cbuild rm -f "$id"
    expect_status 0
    [ ! -e "$STORE/containers/$id" ]
    run "$CBUILD" rm -f "$id" # what is not there is told, and is no failure
    expect_status 0
    expect_output "cbuild: No such container: $id"
}

@test "a monitor that is stopped goes on for rm -f, and ends its container in order" {
    id=$("$CBUILD" run -d --network none --name stuck busybox sleep 1000)
    monitor=$(cat "$STORE/containers/$id/monitor.lock")
    kill -STOP "$monitor"
    cbuild rm -f stuck
    expect_status 0
    wait_until has_ended "$monitor"
    [ ! -e "$STORE/containers/$id" ]
    [ "$("$CBUILD" events --since 1h --until 0s -f container="$id" --format '{{.Action}}' | tr '\n' ' ')" = 'create start kill die destroy ' ]
}

# Stops a process as a debugger does, which no signal makes go on: sets HOLDER.
hold() { # PID READY
    python3 - "$@" 3>&- <<'END' &
import ctypes, os, signal, sys
ptrace = ctypes.CDLL(None, use_errno=True).ptrace
ptrace.argtypes = [ctypes.c_long] * 4
pid = int(sys.argv[1])
assert ptrace(0x4206, pid, 0, 0) == 0 and ptrace(0x4207, pid, 0, 0) == 0  # seize, interrupt
os.waitpid(pid, 0x40000000)
open(sys.argv[2], "w").close()
os.waitpid(pid, 0x40000000)
END
    HOLDER=$!
    wait_until test -e "$2"
}

@test "a monitor that cannot go on is killed by rm -f, and tells nobody lies" {
    cb_dir
    id=$("$CBUILD" run -d --network none --name held busybox sleep 1000)
    monitor=$(cat "$STORE/containers/$id/monitor.lock")
    hold "$monitor" "$DIR/ready"
    cbuild rm -f held
    expect_status 0
    kill "$HOLDER" 2>/dev/null || true
    wait_until has_ended "$monitor"
    [ ! -e "$STORE/containers/$id" ]
}

@test "a socket that is somebody else's is no monitor" {
    id=$("$CBUILD" run -d --network none --name sock busybox sleep 1000)
    monitor=$(cat "$STORE/containers/$id/monitor.lock")
    # One that answers nonsense, in the place of the monitor's.
    rm "$STORE/containers/$id/socket"
    python3 - "$STORE/containers/$id/socket" 3>&- <<'END' &
import os, socket, sys
os.chdir(os.path.dirname(sys.argv[1]))
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.bind("socket")
server.listen(8)
for _ in range(2):
    connection, _ = server.accept()
    connection.recv(65536)
    connection.send(b"\x00" * 7)
    connection.close()
END
    wait_until test -S "$STORE/containers/$id/socket"
    cbuild exec sock true
    expect_status 1
    cbuild kill sock
    expect_status 1
    cbuild rm -f sock
    expect_status 0
    wait_until has_ended "$monitor"
}

# Each in a file of its own, side by side: they wait for the same monitor.
ask_stopped() { # WORD…
    "$CBUILD" "$@" </dev/null >"$DIR/$1" 2>&1 3>&- || printf 'status %s\n' $? >>"$DIR/$1"
}

@test "who asks a monitor that is stopped hears of its process and of the way out; others do not need it" {
    cb_dir
    id=$("$CBUILD" run -d --network none --name halted busybox sh -c "echo said; exec sleep $FOREVER")
    monitor=$(cat "$STORE/containers/$id/monitor.lock")
    wait_until "$CBUILD" exec halted true
    kill -STOP "$monitor"
    for words in 'exec halted true' 'attach halted' 'stop halted' 'restart halted' 'kill halted' 'pause halted' \
        "cp halted:/etc/passwd $DIR/copy" 'update --cpu-shares 100 halted'; do
        # shellcheck disable=SC2086 # they are words
        ask_stopped $words &
        asked+=($!)
    done
    wait "${asked[@]}"
    for command in exec attach stop restart kill pause cp update; do
        run cat "$DIR/$command"
        expect_contains "the monitor of the container, process $monitor, is stopped" "kill -CONT $monitor" 'status 1'
    done
    cbuild top halted
    expect_contains "sleep $FOREVER"
    cbuild ps --format '{{.Names}} {{.Status}}'
    expect_contains 'halted Up'
    # what it prints until then is shown as it comes, and its end is seen though nobody tells it
    "$CBUILD" logs -f halted >"$DIR/logs" 3>&- &
    reader=$!
    wait_until grep -q said "$DIR/logs"
    kill -KILL "$monitor"
    wait "$reader"
    cbuild rm -f halted
    expect_status 0
    expect_no_sleeper
}

# As many as listen() has room for, and they stay.
crowd() { # SOCKET READY
    python3 - "$@" 3>&- <<'END' &
import os, signal, socket, sys
os.chdir(os.path.dirname(sys.argv[1]))
all = []
try:
    while True:
        one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        one.setblocking(False)
        one.connect("socket")
        all.append(one)
except BlockingIOError:
    open(sys.argv[2], "w").close()
signal.pause()
END
    CROWD=$!
}

@test "a monitor that takes no more connections makes nobody hang" {
    cb_dir
    id=$("$CBUILD" run -d --network none --name full busybox sleep 1000)
    monitor=$(cat "$STORE/containers/$id/monitor.lock")
    kill -STOP "$monitor"
    crowd "$STORE/containers/$id/socket" "$DIR/ready"
    wait_until test -e "$DIR/ready"
    cbuild exec full true
    expect_status 1
    expect_contains "the container's monitor does not answer" 'rm -f'
    cbuild rm -f full
    expect_status 0
    wait_until has_ended "$monitor"
}

# A pid namespace whose first process reaps nobody: sets INSIDE, what a command is put behind to be in there.
no_reaper() {
    unshare --pid --fork --mount-proc --kill-child python3 -c 'import signal; signal.pause()' 3>&- &
    outer=$!
    wait_until grep -q . "/proc/$outer/task/$outer/children"
    FIRST=$(tr -d ' ' <"/proc/$outer/task/$outer/children")
    wait_until grep -q python "/proc/$FIRST/cmdline"
    INSIDE="nsenter -t $FIRST -p -m"
}

@test "a launcher that was killed takes its container along also where nobody reaps what it leaves" {
    no_reaper
    id=$($INSIDE "$CBUILD" run -d --network none --name orphan busybox sleep "$FOREVER")
    $INSIDE "$CBUILD" exec -d orphan sleep "$FOREVER"
    launcher=$(cat /proc/"$(pgrep -f "cbuild-monitor .* $id")"/task/*/children)
    kill -KILL "${launcher// /}"
    wait_until sh -c "$INSIDE '$CBUILD' ps -a --format '{{.Status}}' | grep -q Exited"
    run $INSIDE "$CBUILD" exec orphan true
    expect_status 1
    expect_contains 'is not running'
    $INSIDE "$CBUILD" rm orphan
}

@test "a monitor that is killed takes its launcher along also when others ran in its container" {
    id=$("$CBUILD" run -d --network none --name crowded busybox sleep "$FOREVER")
    "$CBUILD" exec -d crowded sleep "$FOREVER"
    "$CBUILD" exec -d crowded sleep "$FOREVER"
    monitor=$(cat "$STORE/containers/$id/monitor.lock")
    launcher=$(cat /proc/"$monitor"/task/*/children)
    kill -KILL "$monitor"
    wait_until has_ended "${launcher// /}"
    expect_no_sleeper
    "$CBUILD" rm crowded
}

@test "a launcher ends also when who puts a process into the container is killed as it is born" {
    local exec
    is_traced() { grep -q 'TracerPid:.[1-9]' "/proc/$1/status"; }
    has_three() { [ "$(cat "/proc/$1/task/"*/children | wc -w)" -ge 3 ]; } # the container, who puts in, who was born
    id=$("$CBUILD" run -d --network none --name entered busybox sleep "$FOREVER")
    monitor=$(cat "$STORE/containers/$id/monitor.lock")
    launcher=$(cat /proc/"$monitor"/task/*/children)
    launcher=${launcher// /}
    # who puts in is held back right behind its clone(2)
    strace -f -qq -e trace=clone -e inject=clone:delay_exit=5000000 -o "$BATS_TEST_TMPDIR/trace" -p "$launcher" 2>/dev/null 3>&- &
    TRACER=$!
    wait_until is_traced "$launcher"
    "$CBUILD" exec -d entered sleep "$FOREVER" 2>/dev/null 3>&- &
    exec=$!
    wait_until has_three "$launcher"
    kill -KILL "$monitor"
    wait_until has_ended "$launcher"
    wait "$exec" || true
    wait "$TRACER" || true
    TRACER=
    expect_no_sleeper
    "$CBUILD" rm entered
}

@test "a control group whose launcher is gone is removed, also if its number is another's by now" {
    id=$("$CBUILD" run -d --network none --name grouped busybox sleep 1000)
    leaf=$(find /sys/fs/cgroup -type d -name "$id-*" | head -1)
    left=${leaf%/*}/0123456789abcdef-$$
    mkdir "$left"
    "$CBUILD" run --rm --network none busybox true
    [ ! -e "$left" ]
    [ -d "$leaf" ]
    "$CBUILD" rm -f grouped
}

@test "a control group without a lock is its launcher's as long as that lives" {
    id=$("$CBUILD" run -d --network none --name grouped busybox sleep 1000)
    leaf=$(find /sys/fs/cgroup -type d -name "$id-*" | head -1)
    cp "$(command -v sleep)" "$BATS_TEST_TMPDIR/cbuild-launcher"
    "$BATS_TEST_TMPDIR/cbuild-launcher" 1000 3>&- &
    launcher=$!
    wait_until grep -q cbuild-launcher "/proc/$launcher/comm"
    unlocked=${leaf%/*}/0123456789abcdef-$launcher
    mkdir "$unlocked"
    "$CBUILD" run --rm --network none busybox true
    [ -d "$unlocked" ]
    kill "$launcher"
    wait "$launcher" || true
    "$CBUILD" run --rm --network none busybox true
    [ ! -e "$unlocked" ]
    "$CBUILD" rm -f grouped
}

# Holds the lock FILE as who settles a record does, until others have opened it OPENS times: sets SETTLER.
settle_slowly() { # FILE OPENS READY
    python3 - "$@" 3>&- <<'END' &
import ctypes, fcntl, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
lock = open(sys.argv[1], "a")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.truncate(0)
lock.write("%d\n" % os.getpid())  # as all programs of ours do
lock.flush()
watch = libc.inotify_init()
assert libc.inotify_add_watch(watch, sys.argv[1].encode(), 0x20) >= 0  # IN_OPEN
open(sys.argv[3], "w").close()
opens = 0
while opens < int(sys.argv[2]):
    opens += len(os.read(watch, struct.calcsize("iIII"))) // struct.calcsize("iIII")
END
    SETTLER=$!
    wait_until test -e "$3"
}

@test "start starts what a killed monitor has left, also while somebody else settles its record" {
    cb_dir
    id=$("$CBUILD" run -d --network none --name left busybox sleep 1000)
    monitor=$(cat "$STORE/containers/$id/monitor.lock")
    kill -KILL "$monitor"
    wait_until has_ended "$monitor"
    settle_slowly "$STORE/containers/$id/monitor.lock" 40 "$DIR/ready" # more than who asks once
    cbuild start left
    expect_status 0
    cbuild exec left echo here
    expect_output here
    "$CBUILD" rm -f left
}

@test "prune goes on when somebody else removes what it waits for" {
    cb_dir
    one=$("$CBUILD" create --network none busybox true)
    two=$("$CBUILD" create --network none busybox true)
    three=$("$CBUILD" create --network none busybox true)
    settle_slowly "$STORE/containers/$two/monitor.lock" 1000000 "$DIR/ready"
    "$CBUILD" container prune -f >"$DIR/out" 2>&1 3>&- &
    prune=$!
    wait_until test ! -e "$STORE/containers/$three" # the newest goes first
    rm "$STORE/containers/$two"/{config,state}.json
    wait "$prune"
    run cat "$DIR/out"
    expect_contains "$three" "$one"
    not grep -q "$two" "$DIR/out"
    [ ! -e "$STORE/containers/$one" ]
}

@test "a start that fails once its process runs ends that, and the record says why" {
    id=$("$CBUILD" create --network none --name unwell --health-cmd true --health-interval 77s busybox sleep "$FOREVER")
    grep -q '"77s"' "$STORE/containers/$id/config.json"
    sed -i 's/"77s"/"soon"/' "$STORE/containers/$id/config.json"
    cbuild start unwell
    expect_status 125
    expect_contains soon
    cbuild inspect -f '{{.State.Status}} {{.State.Pid}} {{.State.ExitCode}} {{.State.Error}}' unwell
    expect_contains 'exited 0 128 ' soon
    expect_no_sleeper
    "$CBUILD" rm unwell
}
