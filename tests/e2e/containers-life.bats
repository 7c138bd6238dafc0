# What happens to containers that run: terminals, streams, pauses, restarts, health, limits, log rotation.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    name=l$BATS_TEST_NUMBER
}
teardown() { cb_drop_containers; }

PTY="python3 $BATS_TEST_DIRNAME/../lib/on-terminal.py"

state() { "$CBUILD" ps -a --filter "name=^$name\$" --format "{{.$1}}"; }
state_is() { [ "$(state State)" = "$1" ]; }
status_has() { [[ $(state Status) == *"$1"* ]]; }
logs_have() { "$CBUILD" logs "$name" 2>&1 | grep -q -- "$1"; }
# A field of the record's state, by a jq expression.
record() { jq -c "$1" "$STORE"/containers/*/state.json; }
record_is() { [ "$(record "$1")" = "$2" ]; }
start() {
    run "$CBUILD" run -d --network none --name "$name" "$@"
    expect_status 0
}
sleeper() {
    start "$@" busybox sh -c 'trap "exit 7" TERM; echo ready; while :; do sleep 1000 & wait; done'
    wait_until logs_have ready
}

@test "start -ai of one with a terminal takes its input from a pipe, too" {
    cbuild create -it --name "$name" --network none busybox sh
    expect_status 0
    run bash -c 'printf "echo \$((40 + 2)); exit 3\n" | timeout 60 "$1" start -ai "$2"' - "$CBUILD" "$name"
    expect_status 3
    expect_contains 42
    cbuild start "$name"
    expect_status 0
    run bash -c 'printf "exit 4\n" | timeout 60 "$1" start -ai "$2"' - "$CBUILD" "$name" # it runs
    expect_status 4
}

@test "-it: keys that detach leave it running, attach comes back, sizes are passed on" {
    run $PTY 30x90 'expect:# ' 'send:stty size; echo ma''rk\r' 'expect:30 90' 'expect:mark' 'resize:40x100' \
        'send:stty size\r' 'expect:40 100' 'send:\x10\x11' -- "$CBUILD" run -it --network none --name "$name" busybox sh
    expect_status 0
    state_is running
    # docker's word and status for who leaves by keys what was there before
    run $PTY 'send:\r' 'expect:# ' 'send:\x10\x11' -- "$CBUILD" attach "$name"
    expect_status 1
    expect_contains 'read escape sequence'
    run $PTY 'expect:# ' 'send:\x10\x11' -- "$CBUILD" exec -it "$name" sh
    expect_status 1
    expect_contains 'read escape sequence'
    state_is running
    run $PTY 50x120 'send:\r' 'expect:# ' 'send:stty size\r' 'expect:50 120' 'send:exit 5\r' -- "$CBUILD" attach "$name"
    expect_status 5
    state_is exited
    cbuild attach "$name"
    expect_status 1
    expect_contains 'You cannot attach to a stopped container, start it first'
    run $PTY 'expect:# ' 'send:\x10x\r' 'expect:x' 'send:exit 3\r' -- "$CBUILD" start -a -i "$name"
    expect_status 3
}

@test "other keys detach when they are asked for, and none when there are none" {
    run $PTY 'expect:# ' 'send:\x01d' -- "$CBUILD" run -it --detach-keys ctrl-a,d --network none --name "$name" busybox sh
    expect_status 0
    state_is running
    run $PTY 'send:\r' 'expect:# ' 'send:\x10\x11' 'send:exit 4\r' -- "$CBUILD" attach --detach-keys '' "$name"
    expect_status 4
    cbuild run --detach-keys ctrl-ä --network none busybox true
    expect_status 125
    expect_contains 'detach keys'
}

@test "exec -it has a terminal of its own, with the size of ours" {
    sleeper
    run $PTY 33x77 'expect:# ' 'send:stty size; tty\r' 'expect:33 77' 'expect:/dev/pts/' 'send:exit 6\r' -- "$CBUILD" exec -it "$name" sh
    expect_status 6
    run "$CBUILD" exec -it "$name" sh </dev/null
    expect_status 1
    expect_contains 'the input device is not a TTY'
    run "$CBUILD" run -it --network none busybox sh </dev/null
    expect_status 1
    expect_contains 'the input device is not a TTY'
}

@test "much goes in and comes out at once" {
    head -c 30000000 /dev/urandom >"$DIR/in"
    "$CBUILD" run -i --name "$name" --log-driver none --network none busybox cat <"$DIR/in" >"$DIR/out"
    cmp "$DIR/in" "$DIR/out"
    cbuild logs "$name"
    expect_status 1
    expect_contains 'configured logging driver does not support reading'
}

@test "the end waits for no reader, and a slow one still gets everything" {
    mkfifo "$DIR/pipe"
    exec 7<>"$DIR/pipe"
    "$CBUILD" run --name "$name" --network none busybox sh -c 'head -c 130000 /dev/zero; echo end' >"$DIR/pipe" 7>&- &
    pid=$!
    wait_until state_is exited
    cbuild ps -a --format '{{.Status}}'
    expect_contains 'Exited (0)'
    [ "$(timeout 60 head -c 130004 <&7 | tail -c 4)" = end ]
    exec 7>&-
    wait "$pid"
}

@test "who never reads stops neither stop nor others" {
    start busybox sh -c 'trap "exit 7" TERM; while :; do echo yes; done'
    mkfifo "$DIR/pipe"
    exec 7<>"$DIR/pipe" 8<"$DIR/pipe" 9>"$DIR/pipe" # who begins late finds it open, too
    for _ in 1 2 3 4 5; do "$CBUILD" attach "$name" >&9 2>&1 3>&- 7>&- 8<&- 9>&- & done
    wait_until logs_have yes
    cbuild stop -t 1 "$name"
    expect_status 0
    state_is exited
    exec 7>&- 9>&-
    timeout 60 cat <&8 >/dev/null
    exec 8<&-
    wait
}

@test "-a stdin: nothing is shown of it but its id" {
    cbuild run -a stdin -i --network none --name "$name" busybox echo out <<<in
    expect_status 0
    expect_output "$("$CBUILD" ps -aq --no-trunc)"
    cbuild run --rm -a stderr --network none busybox echo out
    expect_output ''
}

@test "-a picks streams, --sig-proxy=false keeps signals" {
    [ "$("$CBUILD" run -a stdout --network none busybox sh -c 'echo out; echo err >&2' 2>&1)" = out ]
    [ "$("$CBUILD" run -a STDERR --network none busybox sh -c 'echo out; echo err >&2' 2>&1)" = err ]
    cbuild run -a stdall --network none busybox true
    expect_status 125
    expect_contains 'valid streams are STDIN, STDOUT and STDERR'
    cbuild run -a stdout -d --network none busybox true
    expect_status 1
    expect_contains 'conflicting options: cannot specify both --attach and --detach'
    "$CBUILD" run --sig-proxy=false --name "$name" --network none busybox sh -c 'trap "exit 7" TERM; echo ready; while :; do sleep 1000 & wait; done' &
    pid=$!
    wait_until logs_have ready
    kill -TERM "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 143 ] # as of a client that knows nothing of the signal
    state_is running
    # bash has what it starts in the background ignore these two
    python3 -c 'import os, signal, sys
for number in signal.SIGINT, signal.SIGQUIT: signal.signal(number, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$CBUILD" attach --sig-proxy=false "$name" &
    pid=$!
    wait_until sh -c "readlink /proc/$pid/exe | grep -q cbuild && [ \$(awk '/SigBlk/ {print \$2}' /proc/$pid/status) != 0000000000000000 ]"
    kill_and_look() { kill -QUIT "$pid"; has_ended "$pid"; }
    wait_until kill_and_look
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 131 ]
    state_is running
    "$CBUILD" attach "$name" &
    pid=$!
    wait_until sh -c "readlink /proc/$pid/exe | grep -q cbuild && [ \$(awk '/SigBlk/ {print \$2}' /proc/$pid/status) != 0000000000000000 ]"
    kill -TERM "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 7 ]
}

@test "a signal that is not passed on ends the command at any moment of the start" {
    run python3 - "$CBUILD" "$STORE" <<'END'
import glob, subprocess, sys

def runs():
    for path in glob.glob(sys.argv[2] + "/containers/*/state.json"):
        try:
            if '"running"' in open(path).read():
                return True
        except OSError:
            pass
    return False

for turn in range(30):
    command = subprocess.Popen([sys.argv[1], "run", "--sig-proxy=false", "--name", "caught", "--network", "none", "busybox", "sleep", "1000"],
                               stderr=subprocess.DEVNULL)
    while not runs():
        pass
    command.terminate()
    print(command.wait(60))
    subprocess.run([sys.argv[1], "rm", "-f", "caught"], stdout=subprocess.DEVNULL, check=True)
END
    expect_status 0
    [ "$(sort -u <<<"$output")" = 143 ]
}

# bats test_tags=root
@test "pause stops everything, and what is paused can be stopped" {
    sleeper
    cbuild pause "$name"
    expect_output "$name"
    state_is paused
    status_has '(Paused)'
    cbuild pause "$name"
    expect_status 1
    expect_contains 'is already paused'
    cbuild exec "$name" true
    expect_status 1
    expect_contains 'is paused, unpause the container before exec'
    cbuild unpause "$name"
    expect_status 0
    state_is running
    cbuild unpause "$name"
    expect_status 1
    expect_contains 'is not paused'
    cbuild exec "$name" echo on
    expect_output on
    "$CBUILD" pause "$name"
    cbuild stop -t 100 "$name"
    expect_status 0
    status_has 'Exited (7)'
    cbuild pause "$name"
    expect_status 1
    expect_contains 'is not running'
}

@test "kill sends any signal, restart starts again, wait tells of several" {
    start busybox sh -c 'trap "echo usr1" USR1; trap "exit 7" TERM; echo ready; while :; do sleep 1000 & wait; done'
    wait_until logs_have ready
    cbuild kill -s USR1 "$name"
    wait_until logs_have usr1
    cbuild kill -s NOSUCH "$name"
    expect_status 1
    expect_contains 'NOSUCH'
    before=$(record .StartedAt)
    cbuild restart -t 5 "$name"
    expect_output "$name"
    state_is running
    [ "$(record .StartedAt)" != "$before" ]
    "$CBUILD" run -d --network none --name "$name-b" busybox sh -c 'exit 3' >/dev/null
    "$CBUILD" wait "$name-b" "$name" >"$DIR/out" &
    pid=$!
    wait_until grep -qx 3 "$DIR/out"
    cbuild kill "$name"
    wait "$pid"
    [ "$(cat "$DIR/out")" = "3
137" ]
    cbuild kill "$name"
    expect_status 1
    expect_contains 'is not running'
}

@test "restart policies: so often after failures, always but not after stop" {
    start --restart on-failure:2 busybox sh -c 'echo try; exit 3'
    wait_until state_is exited
    [ "$("$CBUILD" logs "$name" | grep -c try)" -eq 3 ]
    record_is '[.RestartCount,.ExitCode]' '[2,3]'
    cbuild rm "$name"
    start --restart always busybox sh -c 'echo try; exit 0'
    wait_until sh -c "[ \$('$CBUILD' logs $name | grep -c try) -ge 2 ]"
    [[ $(state Status) =~ Restarting|Up ]]
    cbuild update --restart no "$name"
    expect_status 0
    wait_until state_is exited
    cbuild rm "$name"
    sleeper --restart unless-stopped
    cbuild exec "$name" kill -9 1 || true
    cbuild kill -s KILL "$name"
    wait_until state_is exited
    cbuild start --all
    expect_output ""
    cbuild start "$name"
    state_is running
}

@test "after a restart of the machine those with a policy are started, as they were" {
    sleeper --restart unless-stopped
    monitor=$(cat "$STORE"/containers/*/monitor.lock)
    "$CBUILD" create --restart always --network none --name "$name-never" busybox true >/dev/null
    kill -9 "$monitor"
    wait_until state_is exited
    status_has 'Exited (137)'
    # What the unit for systemd does.
    command=$(sed -n 's/^ExecStart=//p' "$BATS_TEST_DIRNAME/../../contrib/cbuild-containers.service")
    run env PATH="${CBUILD%/*}:$PATH" $command
    expect_output "$name"
    state_is running
}

@test "at the machine's end each is stopped with its own signal and in its own time, and comes back" {
    unit=$BATS_TEST_DIRNAME/../../contrib/cbuild-containers.service
    sleeper --restart unless-stopped --stop-timeout 60
    "$CBUILD" run -d --name "$name-slow" --network none --restart always --stop-signal USR1 --stop-timeout 3 busybox \
        sh -c 'trap "" TERM; trap "echo usr1; exec sleep 9" USR1; echo ready; while :; do sleep 1000 & wait; done' >/dev/null
    "$CBUILD" run --rm --name "$name-front" --network none --stop-signal USR2 busybox \
        sh -c 'trap "exit 9" USR2; echo ready; while :; do sleep 1000 & wait; done' >"$DIR/front" 3>&- &
    front=$!
    wait_until sh -c "'$CBUILD' logs $name-slow | grep -q ready && grep -q ready '$DIR/front'"
    wait_until "$CBUILD" inspect "$name-front"
    command=$(sed -n 's/^ExecStop=//p' "$unit")
    run env PATH="${CBUILD%/*}:$PATH" $command
    expect_status 0
    expect_contains "$name" "$name-slow" "$name-front"
    status_has 'Exited (7)'
    status=0
    wait "$front" || status=$?
    expect_status 9
    # however little of its time it had the processors
    cbuild events --since 10m --until 0s -f "container=$name-slow" -f event=kill --format '{{.Actor.Attributes.signal}}'
    expect_output $'10\n9'
    [ "$("$CBUILD" inspect -f '{{.State.ExitCode}}' "$name-slow")" = 137 ] # not after the ten seconds of others
    cbuild start --all
    expect_contains "$name" "$name-slow"
    # systemd sends no signal of its own, and does not shorten the time
    run grep -E '^(KillMode|TimeoutStopSec)=' "$unit"
    expect_output $'TimeoutStopSec=infinity\nKillMode=mixed'
    cbuild stop --all -t 3
    expect_status 1
    expect_contains '--all stops each with its own signal and in its own time'
    cbuild stop --all "$name"
    expect_status 1
}

@test "stop --all waits for all, also when it cannot wait for one, and says so" {
    local ids=() each
    for each in one two three; do
        ids+=("$("$CBUILD" run -d --network none --stop-signal KILL --name "$name-$each" busybox sleep 1000)")
    done
    mv "$STORE/containers/${ids[1]}/monitor.lock" held
    mkdir "$STORE/containers/${ids[1]}/monitor.lock"
    cbuild stop --all
    expect_status 1
    expect_contains "wait for the end of $name-two: open lock \`monitor.lock\`: "
    grep -qx "$name-one" <<<"$output"
    grep -qx "$name-three" <<<"$output"
    rmdir "$STORE/containers/${ids[1]}/monitor.lock"
    mv held "$STORE/containers/${ids[1]}/monitor.lock"
    cbuild stop --all
    expect_status 0
}

# Its monitor waits for seconds by then.
has_restarted_often() { [ "$(record .RestartCount)" -ge 4 ]; }

@test "one that waits to be started again ends in order at the machine's end, and comes back" {
    start --restart always --stop-timeout 5 busybox false
    wait_until has_restarted_often
    cbuild stop --all
    expect_status 0
    expect_output "$name"
    [ "$(record '[.Status, .ExitCode, .Error]')" = '["exited",1,null]' ]
    cbuild start --all
    expect_output "$name"
}

# Memory of its own in KiB, of the monitor and the launcher that the container NAME has.
memory_of() {
    local monitor launcher
    monitor=$(pgrep -f "^cbuild-monitor $STORE $("$CBUILD" inspect -f '{{.Id}}' "$1")")
    launcher=$(pgrep -P "$monitor" -f '^cbuild-launcher')
    cat "/proc/$monitor/smaps_rollup" "/proc/$launcher/smaps_rollup" | awk '/^Private_/ {sum += $2} END {print sum}'
}

@test "who sees to a container takes less than 2 MiB, whatever the container does" {
    start busybox sleep 1000
    "$CBUILD" run -dit --name "$name-tty" busybox
    "$CBUILD" run -d --network none --name "$name-well" --health-cmd true --health-interval 10ms busybox sleep 1000
    "$CBUILD" run -d --name "$name-port" -p 80 -p 81-90 -v "$name:/v" --restart always busybox sleep 1000
    "$CBUILD" run -d --network none --name "$name-loud" --log-opt max-size=100k --log-opt max-file=2 busybox \
        sh -c 'i=0; while [ $i -lt 20000 ]; do echo line $((i += 1)); done; touch /done; sleep 1000'
    wait_until "$CBUILD" exec "$name-loud" test -e /done
    wait_until sh -c "'$CBUILD' inspect -f '{{len .State.Health.Log}}' $name-well | grep -qx 5"
    for i in 1 2 3 4 5 6 7 8; do "$CBUILD" exec "$name-tty" true; done
    for one in "$name" "$name-tty" "$name-well" "$name-port" "$name-loud"; do
        memory=$(memory_of "$one")
        echo "$one: $memory KiB"
        [ "$memory" -gt 0 ]
        [ "$memory" -lt 2048 ]
    done
}

@test "health checks of options and images, and how they are seen" {
    printf 'FROM busybox\nHEALTHCHECK --interval=50ms --retries=2 CMD test -e /tmp/well\nCMD sleep 1000\n' >"$DIR/Dockerfile"
    build_ok
    start img
    status_has '(health: starting)' || status_has '(unhealthy)'
    wait_until status_has '(unhealthy)'
    cbuild exec "$name" touch /tmp/well
    wait_until status_has '(healthy)'
    cbuild ps -q --filter health=healthy
    [ -n "$output" ]
    cbuild ps -q --filter health=unhealthy
    expect_output ""
    record_is '.Health | [.Status,.FailingStreak,(.Log|length)>0]' '["healthy",0,true]'
    cbuild rm -f "$name"
    start --no-healthcheck img
    record_is '.Health' null
    cbuild rm -f "$name"
    start --health-cmd 'echo said; exit 3' --health-interval 50ms --health-retries 1 busybox sleep 1000
    wait_until status_has '(unhealthy)'
    record_is '.Health.Log[0] | [.ExitCode,.Output]' '[3,"said\n"]'
    cbuild rm -f "$name"
    start --health-cmd 'sleep 1000' --health-interval 10ms --health-timeout 50ms --health-retries 1 busybox sleep 1000
    wait_until status_has '(unhealthy)'
    record_is '.Health.Log[0] | [.ExitCode,.Output]' '[-1,"Health check exceeded timeout (50ms)"]'
    cbuild run -d --no-healthcheck --health-cmd true --network none busybox
    expect_status 125
    expect_contains '--no-healthcheck conflicts with --health-* options'
    cbuild ps -a --filter status=created
    [ "${#lines[@]}" -eq 1 ]
}

@test "inspect: files that are there have a path, as seen from the host" {
    files() { "$CBUILD" inspect -f "{{.$1}}" "$name"; }
    "$CBUILD" create --name "$name" --network none -h given busybox sleep 1000
    [ "$(files HostnamePath)$(files HostsPath)$(files ResolvConfPath)$(files LogPath)" = '' ]
    "$CBUILD" start "$name"
    [ "$(cat "$(files HostnamePath)")" = given ]
    grep -q given "$(files HostsPath)"
    [ -e "$(files ResolvConfPath)" ]
    [ -e "$(files LogPath)" ]
    "$CBUILD" stop -t 0 "$name"
    [ "$(files HostsPath)" = '' ]
}

started_since() { [ "$(record '[.Status, .StartedAt]')" != "[\"running\",$1]" ] && state_is running; }

@test "a restart that is killed while it waits for the end is one all the same" {
    start busybox sh -c 'trap "touch /asked; while [ ! -e /go ]; do sleep .05; done; exit 7" TERM; echo ready; while :; do sleep 1000 & wait; done'
    wait_until logs_have ready
    before=$(record .StartedAt)
    "$CBUILD" restart -t -1 "$name" 3>&- &
    pid=$!
    wait_until "$CBUILD" exec "$name" test -e /asked
    kill -KILL "$pid"
    wait "$pid" || true
    "$CBUILD" exec "$name" touch /go
    wait_until started_since "$before"
    told() { # ACTIONS
        [ "$(jq -rc 'select(.Type == "container" and (.Action | test("^(die|stop|start|restart)$"))) | .Action' \
            <("$CBUILD" events --since 10m --until 0s --filter "container=$name" --format '{{json .}}'))" = "$1" ]
    }
    wait_until told $'start\ndie\nstop\nstart\nrestart'
}

@test "a stop that comes after a restart is what holds" {
    start busybox sh -c 'trap "touch /asked" TERM; echo ready; while :; do sleep 1000 & wait; done'
    wait_until logs_have ready
    "$CBUILD" restart -t -1 "$name" >"$DIR/out" 2>&1 3>&- &
    pid=$!
    wait_until "$CBUILD" exec "$name" test -e /asked
    cbuild stop -t 0 "$name"
    expect_status 0
    status=0
    wait "$pid" || status=$?
    expect_status 1
    grep -q 'was stopped meanwhile' "$DIR/out"
    state_is exited
}

@test "of several who stop it the least patient has it killed" {
    start -v "$DIR:/d" busybox sh -c 'trap "touch /d/asked" TERM; echo ready; while :; do sleep 1000 & wait; done'
    wait_until logs_have ready
    "$CBUILD" stop -t 4 "$name" >/dev/null 3>&- &
    pid=$!
    wait_until test -e "$DIR/asked"
    run timeout 60 "$CBUILD" stop -t 1000 "$name"
    expect_status 0
    wait "$pid"
    record_is .ExitCode 137
}

@test "a restart keeps a container of --rm, and one that cannot start says why" {
    mkdir "$DIR/there"
    start --rm --mount "type=bind,source=$DIR/there,target=/there" busybox sleep 1000
    id=$output
    cbuild restart -t 0 "$name"
    expect_status 0
    [ "$("$CBUILD" ps -q --no-trunc --filter "name=^$name\$")" = "$id" ]
    rmdir "$DIR/there"
    touch "$DIR/there"
    cbuild restart -t 0 "$name"
    expect_status 1
    expect_contains /there 'not a directory'
    wait_until not "$CBUILD" inspect "$name"
    mkdir "$DIR/kept"
    "$CBUILD" run -d --network none --restart always --name "$name-kept" -v "$DIR/kept:/kept" busybox sleep 1000 >/dev/null
    rmdir "$DIR/kept"
    touch "$DIR/kept"
    cbuild restart -t 0 "$name-kept"
    expect_status 1
    [ "$("$CBUILD" inspect -f '{{.State.Status}} {{.RestartCount}}' "$name-kept")" = 'exited 0' ]
    "$CBUILD" inspect -f '{{.State.Error}}' "$name-kept" | grep 'not a directory'
}

# bats test_tags=root
@test "limits are changed while it runs" {
    sleeper -m 64m --cpus 1 --cpuset-cpus 0 --restart always
    id=$("$CBUILD" ps -q --no-trunc)
    group() { cat $(find /sys/fs/cgroup -path "*/$id-*" '(' -name "$1" -o -name "$2" ')'); }
    [ "$(group memory.limit_in_bytes memory.max)" = 67108864 ]
    cbuild update -m 128m --pids-limit 77 "$name"
    expect_output "$name"
    [ "$(group memory.limit_in_bytes memory.max)" = 134217728 ]
    [ "$(group pids.max pids.max)" = 77 ]
    cbuild restart -t 1 "$name"
    limit_is_kept() { [ "$(group pids.max pids.max)" = 77 ]; }
    wait_until limit_is_kept
    # The limit of memory and swap stays where it was, unless it is given, too.
    swap_is() { [ "$("$CBUILD" inspect -f '{{.HostConfig.MemorySwap}}' "$name")" = "$1" ]; }
    swap_is 134217728
    cbuild update -m 129m "$name"
    expect_status 1
    expect_contains 'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time'
    [ "$(group memory.limit_in_bytes memory.max)" = 134217728 ]
    cbuild update -m 129m --memory-swap 130m "$name"
    expect_output "$name"
    cbuild update -m 64m "$name"
    expect_output "$name"
    swap_is 136314880
    "$CBUILD" update --memory-swap -1 "$name"
    cbuild update -m 256m "$name"
    expect_output "$name"
    swap_is -1
    for nothing in --memory-swap=0 --restart= --cpuset-cpus=; do
        cbuild update "$nothing" "$name"
        expect_output "$name"
    done
    cbuild inspect -f '{{.HostConfig.MemorySwap}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.CpusetCpus}}' "$name"
    expect_output '-1 always 0'
    sleeper_without=$("$CBUILD" create busybox true)
    cbuild update -m 64m "$sleeper_without"
    expect_status 1
    expect_contains 'update the memoryswap at the same time'
    cbuild update -m 64m --memory-swap 64m "$sleeper_without"
    expect_output "$sleeper_without"
    cbuild update -m 1k "$name"
    expect_status 1
    expect_contains 6MB
    cbuild update --restart sometimes "$name"
    expect_status 1
}

@test "top and stats show what runs" {
    sleeper
    sleeps() { "$CBUILD" top "$name" | grep 'sleep 1000$'; }
    wait_until sleeps
    cbuild top "$name"
    expect_status 0
    expect_contains PID CMD 'sleep 1000'
    [ "${#lines[@]}" -eq 3 ]
    cbuild top "$name" -o nosuchcolumn
    expect_status 1
    expect_output 'cbuild: ps: error: unknown user-defined format specifier "nosuchcolumn"'
    cbuild top "$name" -o pid,comm
    [[ ${lines[0]} =~ ^PID\ +COMMAND$ ]]
    cbuild top "$name" -o comm
    expect_status 1
    expect_contains "Couldn't find PID field"
    cbuild stats --no-stream
    expect_status 0
    [[ ${lines[0]} =~ ^CONTAINER\ ID\ +NAME\ +CPU\ %\ +MEM\ USAGE\ /\ LIMIT\ +MEM\ %\ +NET\ I/O\ +BLOCK\ I/O\ +PIDS$ ]]
    [[ ${lines[1]} =~ [0-9a-f]{12}\ +$name\ +[0-9.]+%\ +[0-9.]+[KM]iB\ /\ [0-9.]+[GM]iB ]]
    cbuild stats --no-stream --format '{{.Name}} {{.PIDs}}' "$name"
    expect_output "$name 2"
    "$CBUILD" stop -t 1 "$name"
    cbuild top "$name"
    expect_status 1
    expect_contains 'is not running'
    cbuild stats -a --no-stream --format '{{.Name}} {{.PIDs}} {{.CPUPerc}}'
    expect_output "$name 0 0.00%"
}

@test "the log is rotated, and followed across its files" {
    start --log-opt max-size=2k --log-opt max-file=3 busybox sh -c 'i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done'
    "$CBUILD" logs -f "$name" >"$DIR/out"
    [ "$(tail -n 1 "$DIR/out")" = 'line 299' ]
    cbuild logs --tail 2 "$name"
    expect_output "line 298
line 299"
    [ "$(cat "$STORE"/containers/*/log* | wc -c)" -le 6144 ]
    for all in all abc 1.5 -1 ' 2' 99999999999999999999; do
        cmp <("$CBUILD" logs "$name") <("$CBUILD" logs --tail "$all" "$name") # only a number is one
    done
    cbuild run --log-driver syslog --network none busybox true
    expect_status 125
    expect_contains "no log driver named 'syslog' is registered"
}

@test "logs: a burst across many files is followed whole, and its end found from behind" {
    cbuild run -d --network none --name "$name" --log-opt max-size=2k --log-opt max-file=100 busybox sh -c 'while [ ! -e /go ]; do sleep 0.05; done; seq 1500'
    "$CBUILD" logs -f "$name" >"$DIR/followed" &
    "$CBUILD" exec "$name" touch /go
    wait "$!"
    cmp "$DIR/followed" <(seq 1500)
    cmp <("$CBUILD" logs "$name") <(seq 1500)
    for count in 0 1 40 700 1500 1501; do
        cmp <("$CBUILD" logs -n "$count" "$name") <(seq 1500 | tail -n "$count")
    done
    cmp <("$CBUILD" logs -n 3 --until 0s "$name") <(seq 1498 1500)
    cmp <("$CBUILD" logs -n 3 --since 1h "$name") <(seq 1498 1500)
}

@test "prune removes what has ended, by age and label" {
    "$CBUILD" run --network none --name "$name" -l keep=yes busybox sh -c 'head -c 5000 /dev/zero >/file'
    "$CBUILD" run --network none --name "$name-b" busybox true
    sleeper2=$("$CBUILD" run -d --network none --name "$name-c" busybox sleep 1000)
    cbuild ps -a -s --filter "name=^$name\$" --format '{{.Size}}'
    [[ $output =~ ^5kB\ \(virtual\ [0-9.]+MB\)$ ]]
    cbuild container prune -f --filter until=1h
    expect_output 'Total reclaimed space: 0B'
    cbuild container prune -f --filter label!=keep
    expect_contains 'Deleted Containers:'
    cbuild ps -a --format '{{.Names}}'
    expect_output "$name-c
$name"
    cbuild container prune -f
    expect_contains 'Total reclaimed space: 5kB'
    cbuild container prune </dev/null
    expect_contains 'This will remove all stopped containers.'
    cbuild ps -aq --no-trunc
    expect_output "$sleeper2"
}

@test "--cidfile, --label-file, --env-file and --pull" {
    printf '# labels\nfrom=file\nempty\n' >"$DIR/labels"
    printf '\357\273\277# variables\nA=1 2\nHOST_ONLY\nNOT_SET\n' >"$DIR/env"
    HOST_ONLY=ours cbuild run --network none --cidfile "$DIR/cid" --label-file "$DIR/labels" --label from=flag --env-file "$DIR/env" \
        --name "$name" busybox sh -c 'echo "$A $HOST_ONLY ${NOT_SET-none}"'
    expect_output "1 2 ours none"
    cbuild ps -a --no-trunc --filter label=from=flag --filter label=empty --format '{{.ID}} {{.Label "from"}}'
    expect_output "$(cat "$DIR/cid") flag"
    cbuild run --cidfile "$DIR/cid" --network none busybox true
    expect_status 125
    expect_contains "container ID file found, make sure the other container isn't running or delete $DIR/cid"
    cbuild run --pull never --network none nosuch:image true
    expect_status 125
    cbuild run --label-file "$DIR/nosuch" --network none busybox true
    expect_status 125
    cbuild run --init --network none busybox sh -c 'cat /proc/1/comm'
    expect_status 0
    expect_lacks sh
}

@test "files of variables and labels are text: what is none is refused, and nothing of it is left out" {
    for option in --env-file --label-file; do
        printf 'A=1\n\n# none\n\377B=1\n' >"$DIR/file"
        cbuild run --rm --network none "$option" "$DIR/file" busybox true
        expect_status 125
        expect_contains "env file $DIR/file contains invalid utf8 bytes at line 4"
        printf 'A=1\n\0\nB=2\n' >"$DIR/file"
        cbuild run --rm --network none "$option" "$DIR/file" busybox true
        expect_status 125
        expect_contains "env file $DIR/file contains a NUL byte"
    done
    printf 'A=1\r\n\r\nB=\303\244\r2\r\nC=3' >"$DIR/file" # of Windows; what stands alone in a line is of the value
    cbuild run --rm --network none --env-file "$DIR/file" busybox sh -c 'echo "$A$B$C"'
    expect_output "$(printf '1\303\244\r23')"
}

@test "-e with a name alone takes our value, or the image's away" {
    "$CBUILD" build -q -t of-env - <<<$'FROM busybox\nENV IN=image KEPT=1' >/dev/null
    unset IN
    cbuild run --rm --network none -e IN of-env sh -c 'echo "${IN-none} $KEPT"'
    expect_output 'none 1'
    IN=ours cbuild run --network none --name "$name" -e IN of-env sh -c 'echo "$IN"; exec sleep 1000' &
    wait_until logs_have ours
    IN=later cbuild exec -e KEPT -e IN "$name" sh -c 'echo "$IN ${KEPT-none}"'
    expect_output 'later none'
    "$CBUILD" rm -f "$name"
    wait
    cbuild create --network none --name "$name" -e IN -h box --domainname example.org of-env sh -c 'echo "${IN-none}"; hostname -f'
    IN=later cbuild start -a "$name"
    expect_output $'none\nbox.example.org'
    cbuild run --rm -e =1 busybox true
    expect_status 125
    expect_contains 'invalid argument "=1" for "-e, --env" flag: invalid environment variable: =1'
    "$CBUILD" rm "$name"
    "$CBUILD" rmi of-env
}

@test "logs: bytes come back as they were printed, --details shows what was asked for" {
    start --log-opt labels=where,none --log-opt env-regex='^L' --log-opt 'tag={{.Name}}' -l where='a b' -e LEVEL=1 \
        busybox sh -c 'printf "a\\000b\\n"; echo err >&2'
    wait_until state_is exited
    [ "$("$CBUILD" logs "$name" 2>/dev/null | od -An -c | tr -s ' ')" = ' a \0 b \n' ]
    [ "$("$CBUILD" logs --details "$name" 2>&1 >/dev/null)" = "LEVEL=1,tag=$name,where=a+b err" ]
    cbuild logs --details -t "$name"
    expect_contains "Z LEVEL=1,tag=$name,where=a+b err"
    "$CBUILD" rm "$name"
    start busybox echo plain
    wait_until state_is exited
    cbuild logs --details "$name"
    expect_output ' plain'
    cbuild run --log-opt 'tag={{.Nothing}}' busybox true
    expect_status 125
    expect_contains 'log-opt tag'
}

@test "logs: --since 0 is 1970, --until 0 no limit" {
    "$CBUILD" run --network none --name "$name" busybox echo hello
    cbuild logs --since 0 --until 0 "$name"
    expect_output hello
    cbuild logs --since 0s "$name"
    expect_output ''
    cbuild logs --since '' --until '' "$name"
    expect_output hello
    cbuild logs --since 2020-01-01+01:00 --until 2020-01-02T00Z "$name"
    expect_output ''
    # Nor of what happened.
    "$CBUILD" events --since 0 --until 0s --filter event=die --filter "container=$name" --format '{{.Action}}' | grep -qx die
}

@test "a monitor has its name in lists of processes" {
    start busybox sleep 1000
    run ps -o comm= -p "$(pgrep -f "^cbuild-monitor $STORE $("$CBUILD" inspect -f '{{.Id}}' "$name")")"
    expect_output cbuild-monitor
}

@test "a monitor that is asked to end, as when the machine is shut down, stops its container well" {
    sleeper --restart always
    kill -TERM "$(cat "$STORE"/containers/*/monitor.lock)"
    wait_until state_is exited
    cbuild inspect -f '{{.State.ExitCode}}' "$name"
    expect_output 7
    wait_until not pgrep -f "^cbuild-monitor $STORE "
    cbuild start --all
    expect_output "$name"
    state_is running
}

@test "changes that are made at once are all kept" {
    cbuild create --network none --name "$name" busybox true
    for i in 1 2 3 4 5 6; do
        "$CBUILD" update --memory "7${i}m" --memory-swap -1 "$name" >/dev/null &
        "$CBUILD" update --cpu-shares "20$i" "$name" >/dev/null &
        "$CBUILD" update --pids-limit "30$i" "$name" >/dev/null &
        "$CBUILD" update --restart "on-failure:$i" "$name" >/dev/null &
        wait
        cbuild inspect -f '{{.HostConfig.Memory}} {{.HostConfig.CpuShares}} {{.HostConfig.PidsLimit}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' "$name"
        expect_output "$(((70 + i) * 1048576)) 20$i 30$i $i"
    done
}

@test "of two who remove the same containers by force neither fails" {
    for i in 1 2 3 4; do
        for k in 1 2 3 4 5 6; do
            "$CBUILD" create --network none --name "$name-$k" busybox true >/dev/null
        done
        "$CBUILD" rm -f "$name"-{1,2,3,4,5,6} >/dev/null 2>&1 &
        other=$!
        cbuild rm -f "$name"-{6,5,4,3,2,1}
        expect_status 0
        wait "$other"
        cbuild ps -aq
        expect_output ""
    done
}

@test "rm -l: a missing container is told of before a name without a link" {
    cbuild rm -l nosuch
    expect_status 1
    expect_output "cbuild: No such container: nosuch"
    "$CBUILD" create --network none --name "$name" busybox true
    cbuild rm -l "$name"
    expect_status 1
    expect_output "cbuild: Conflict, cannot remove the default link name of the container"
}

@test "inspect: a range of ports, no limit of processes, a health check without a command" {
    "$CBUILD" create --network none --name "$name" -p 127.0.0.1:8500-8505:80 --pids-limit -1 --health-interval 3s busybox true
    cbuild inspect -f '{{json .HostConfig.PortBindings}} {{json .HostConfig.PidsLimit}} {{json .Config.Healthcheck}}' "$name"
    expect_output '{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8500-8505"}]} null {"Interval":3000000000}'
}

@test "inspect: the streams of -a, and who has made volumes" {
    local at='{{.Config.AttachStdin}} {{.Config.AttachStdout}} {{.Config.AttachStderr}} {{.Config.StdinOnce}} {{.HostConfig.VolumeDriver}}'
    "$CBUILD" create --network none --name "$name" -i -a stdout --volume-driver local busybox true
    cbuild inspect -f "$at" "$name"
    expect_output 'false true false false local'
    "$CBUILD" rm "$name"
    "$CBUILD" create --network none --name "$name" -i -a STDIN -a stderr busybox true
    cbuild inspect -f "$at" "$name"
    expect_output 'true false true true '
    "$CBUILD" rm "$name"
    "$CBUILD" create --network none --name "$name" -i busybox true
    cbuild inspect -f "$at" "$name"
    expect_output 'true true true true '
}

@test "whose namespaces a container shares is kept by id, whatever it is called later" {
    cbuild run -d --name "$name" --network none --ipc shareable busybox sleep 1000
    id=$output
    "$CBUILD" create --name "$name-too" --network "container:$name" --ipc "container:${id:0:12}" --pid "container:$name" busybox sh -c 'pidof sleep'
    cbuild inspect -f '{{.HostConfig.NetworkMode}} {{.HostConfig.IpcMode}} {{.HostConfig.PidMode}}' "$name-too"
    expect_output "container:$id container:$id container:$id"
    "$CBUILD" rename "$name" "$name-renamed"
    cbuild start -a "$name-too"
    expect_output 1
    [ "$("$CBUILD" ps -a --filter "name=$name-too" --format '<{{.Networks}}>')" = '<>' ]
}

@test "a name, a log driver or an isolation that is empty is none" {
    cbuild run --network none --name '' --log-driver '' --isolation= --label found busybox echo hello
    expect_output hello
    cbuild ps -a --filter label=found --format '{{.Names}}'
    [[ $output =~ ^[a-z]+_[a-z]+$ ]]
    cbuild logs "$output"
    expect_output hello
}

@test "the same -v twice is one" {
    cbuild run --rm --network none -v "$DIR:/here" -v /own -v "$DIR:/here" -v /own busybox sh -c 'grep -c -e " /here " -e " /own " /proc/mounts'
    expect_output 2
    cbuild run --rm --network none -v "$DIR:/here" -v "$DIR:/here:ro" busybox true
    expect_status 125
    expect_contains 'Duplicate mount point: /here'
}

# bats test_tags=root
@test "one that waits to be started again, or is paused, is spoken of as what it is" {
    "$CBUILD" run -d --name "$name" --network none --restart always busybox sh -c 'exit 3'
    # Its pauses grow: this one lasts some seconds.
    wait_until sh -c "[ \"\$('$CBUILD' inspect -f '{{.State.Status}} {{ge .RestartCount 7}}' $name)\" = 'restarting true' ]"
    id=$("$CBUILD" inspect -f '{{.Id}}' "$name")
    for command in "exec $name true" "pause $name" "cp $name:/etc ."; do
        # shellcheck disable=SC2086
        cbuild $command
        expect_status 1
        expect_output "cbuild: Container $id is restarting, wait until the container is running"
    done
    cbuild unpause "$name"
    expect_output "cbuild: Container $id is not paused"
    cbuild rm "$name"
    expect_status 1
    expect_contains "cannot remove container \"/$name\": container is restarting: stop the container before removing or force remove"
    cbuild kill -s USR1 "$name"
    expect_output "$name"
    wait_until state_is exited
    cbuild rm "$name"
    expect_status 0
    sleeper
    "$CBUILD" pause "$name"
    for command in start 'start -a'; do
        # shellcheck disable=SC2086
        cbuild $command "$name"
        expect_status 1
        expect_output 'cbuild: cannot start a paused container, try unpause instead'
    done
    cbuild rm "$name"
    expect_status 1
    expect_contains "cannot remove container \"/$name\": container is paused and must be unpaused first"
}

@test "what a script has open is not kept by a container that it leaves in the background" {
    exec 9>"$BATS_TEST_TMPDIR/lock"
    flock 9
    "$CBUILD" run -d --network none --name "$name" busybox sleep 1000
    exec 9>&-
    flock --nonblock "$BATS_TEST_TMPDIR/lock" true
    cbuild rm -f "$name"
    expect_status 0
}
