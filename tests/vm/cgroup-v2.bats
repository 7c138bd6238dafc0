#!/usr/bin/env bats
# Limits, accounting and the end of steps where there is nothing but version 2 of control groups; run by contrib/vm-test.
load ../e2e/helpers
load ../e2e/helpers-rootless

setup_file() {
    [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]
    cb_users
    cb_store
    export DELEGATED=/sys/fs/cgroup/user.slice/cbtest.slice OURS=/sys/fs/cgroup/cbuild
}
teardown_file() {
    cb_drop_store
    cb_drop_users
}
setup() {
    cb_dir
}
container() {
    run timeout 120 "$CBUILD" run --rm --network none "$@"
}
step() { # step COMMAND [OPTION]…
    printf 'FROM busybox\nRUN %s\n' "$1" >"$DIR/Dockerfile"
    shift
    run timeout 300 "$CBUILD" build --progress=plain --network=none --no-cache -t img "$@" "$DIR"
}
leaves() { find /sys/fs/cgroup -path '*/cbuild/*' -type d; }
no_leaves() { [ -z "$(leaves)" ]; }

@test "info knows the version and what can be limited" {
    run "$CBUILD" info
    expect_status 0
    expect_contains 'Cgroup version  2' 'pids memory cpu' 'Sandbox         works'
}

@test "every limit is in the files of a group that is the root of what a container sees, read-only" {
    container --memory 64m --memory-swap 96m --memory-reservation 32m --cpus 1.5 --cpu-shares 512 --cpuset-cpus 1 --pids-limit 50 \
        --device-read-bps /dev/vda:1m --device-write-iops /dev/vdb:50 busybox sh -c '
        cat /proc/self/cgroup; cd /sys/fs/cgroup
        cat memory.max memory.swap.max memory.low memory.oom.group cpu.max cpu.weight cpuset.cpus.effective pids.max
        sort io.max; (echo 10 >pids.max; mkdir x; rmdir .) 2>&1'
    expect_status 1
    expect_contains '0::/' "$(printf '67108864\n33554432\n33554432\n1\n150000 100000\n20\n1\n50')" \
        'rbps=1048576 wbps=max riops=max wiops=max' 'rbps=max wbps=max riops=max wiops=50' \
        "can't create pids.max: Read-only file system" "can't create directory 'x': Read-only file system"
    no_leaves
}

@test "a step has its own group as well, and --security=insecure may write to it" {
    step 'cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/memory.max; mkdir /sys/fs/cgroup/x || echo none' --memory 64m
    expect_status 0
    expect_contains ' 4096' ' 67108864' ' none'
    printf 'FROM busybox\nRUN --security=insecure mkdir /sys/fs/cgroup/x && echo made && rmdir /sys/fs/cgroup/x\n' >"$DIR/Dockerfile"
    build_ok --network=none --allow security.insecure
    expect_contains ' made'
    no_leaves
}

@test "swap is counted apart: with it a step goes on where without it is killed" {
    # tail keeps all of a stream without line ends.
    container --memory 32m --memory-swap 32m busybox sh -c 'head -c 80m /dev/zero | tail -c 80m | wc -c'
    expect_lacks 83886080
    container --memory 32m --memory-swap 200m busybox sh -c 'head -c 80m /dev/zero | tail -c 80m | wc -c; cat /sys/fs/cgroup/memory.peak'
    expect_status 0
    expect_contains 83886080
    [ "${lines[1]}" -le 33554432 ]
}

@test "the most memory, processor time and blocks of each step are told" {
    step 'head -c 60m /dev/zero | tail -c 60m > /f; sync'
    expect_status 0
    run "$CBUILD" builds show --format json
    [ "$(jq 'last(.steps[] | select(.usage)).usage.peak_memory >= 62914560' <<<"$output")" = true ]
    [ "$(jq 'last(.steps[] | select(.usage)).usage.cpu_seconds > 0' <<<"$output")" = true ]
    [ "$(jq 'last(.steps[] | select(.usage)).usage.oom_killed' <<<"$output")" = false ]
}

@test "what is left in a group ends with its first process, also with the host's processes in sight" {
    container --pid host busybox sh -c 'for i in 1 2 3; do setsid sleep 100300 & done; true'
    expect_status 0
    run pgrep -f 'sleep 10030[0]'
    expect_output ''
    no_leaves
}

@test "a container is frozen, limited anew and counted while it runs" {
    "$CBUILD" run -d --name box --network none busybox sh -c 'while :; do :; done' >/dev/null
    "$CBUILD" pause box >/dev/null
    [ "$(cat "$(leaves)/cgroup.freeze")" = 1 ]
    "$CBUILD" unpause box >/dev/null
    "$CBUILD" update --memory 48m --memory-swap 64m --cpus 0.5 --pids-limit 30 box >/dev/null
    run cat "$(leaves)"/{memory.max,memory.swap.max,cpu.max,pids.max}
    expect_output "$(printf '50331648\n16777216\n50000 100000\n30')"
    run "$CBUILD" stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.PIDs}}' box
    expect_contains 'box ' ' / 48MiB ' ' 1'
    "$CBUILD" rm -f box >/dev/null
    no_leaves
}

@test "what is executed in a container enters its group, as whomever it runs, also where that is full" {
    "$CBUILD" run -d --name box --network none --pids-limit 3 busybox sh -c 'sleep 1000 & wait' >/dev/null
    group=$(leaves)
    for user in 0 54321; do
        "$CBUILD" exec -d -u $user box sleep 1000 # one more than there may be, at the second
        wait_until grep -qs "^Uid:.$user.*" $(sed 's|.*|/proc/&/status|' "$group/cgroup.procs")
    done
    [ "$(wc -l <"$group/cgroup.procs")" -eq 4 ]
    run "$CBUILD" exec box cat /proc/self/cgroup
    expect_output 0::/
    "$CBUILD" rm -f box >/dev/null
    no_leaves
}

@test "a killed builder's group is cleared away by the next one" {
    printf 'FROM busybox\nRUN sleep 100400\n' >"$DIR/Dockerfile"
    "$CBUILD" build --network=none "$DIR" >/dev/null 2>&1 3>&- &
    builder=$!
    wait_until pgrep -f 'sleep 10040[0]'
    kill -9 $builder
    wait $builder || true
    wait_until sh -c "! pgrep -f 'sleep 10040[0]'"
    step true
    expect_status 0
    no_leaves
}

@test "builds that are killed at any moment leave nothing for longer than to the next one" {
    run unshare -n sh -c 'ip link set lo up; ip link add up type dummy; ip addr add 198.18.0.1/24 dev up; ip link set up up
        ip route add default via 198.18.0.2; exec "$0" "$@"' \
        "$BATS_TEST_DIRNAME/../stress/builder-kill.sh" "$CBUILD" "$STORE" "$CB_KILLS" default
    expect_status 0
    expect_contains 'nothing is left'
    no_leaves
}

@test "a fork bomb ends at its limit" {
    container --pids-limit 60 busybox sh -c 'b() { b | b & }; b; sleep 1; echo over' 2>&1
    expect_contains "can't fork"
    no_leaves
}

@test "less than all rights to a device" {
    container --device /dev/vda:/dev/disk:r --device /dev/vdb:w busybox sh -c '
        head -c 1 /dev/disk | wc -c; (: >/dev/disk) 2>/dev/null || echo not written; : >/dev/vdb; head -c 1 /dev/vdb; : >/dev/null && echo null'
    expect_contains "$(printf '1\nnot written')" 'head: /dev/vdb: Operation not permitted' null
    container --device /dev/zero:/dev/zero2:r busybox sh -c 'head -c 1 /dev/zero2 | wc -c'
    expect_output 1
}

# A container in the foreground, in its own process; sets $runner and $id.
foreground() { # COMMAND…
    "$CBUILD" run --rm --network none busybox "$@" >"$DIR/out" 2>&1 3>&- &
    runner=$!
    is_listed() { id=$("$CBUILD" ps -q) && [ -n "$id" ]; }
    wait_until is_listed
}
state_is() { [ "$("$CBUILD" inspect -f '{{.State.Status}}' "$id")" = "$1" ]; }
# What ended with STATUS said nothing, and nothing of its container is there.
expect_gone() { # PID STATUS
    wait_until has_ended "$1"
    status=0
    wait "$1" || status=$?
    [ "$status" -eq "$2" ] || { echo "ended with $status, not $2"; cat "$DIR/out"; return 1; }
    [ ! -s "$DIR/out" ] || { cat "$DIR/out"; return 1; }
    wait_until not pgrep -f 'sleep 10050[0]'
    run "$CBUILD" ps -aq
    expect_output ''
}

@test "our directory goes with the last that has something in it, also what killed launchers have left" {
    "$CBUILD" run -d --name first --network none busybox sleep 100500 >/dev/null
    "$CBUILD" run -d --name last --network none busybox sleep 100500 >/dev/null
    "$CBUILD" rm -f first >/dev/null
    [ -d "$OURS" ]
    container busybox true
    expect_status 0
    [ -d "$OURS" ]
    "$CBUILD" rm -f last >/dev/null
    wait_until not test -e "$OURS"
    # one that was killed before its first group, and one whose container was frozen
    mkdir "$OURS"
    container busybox true
    wait_until not test -e "$OURS"
    id=$("$CBUILD" run -d --network none busybox sleep 100500)
    "$CBUILD" pause "$id" >/dev/null
    monitor=$(cat "$STORE/containers/$id/monitor.lock")
    kill -9 "$monitor" $(pgrep -P "$monitor")
    wait_until not pgrep -f 'sleep 10050[0]'
    [ -n "$(leaves)" ]
    container busybox true
    expect_status 0
    wait_until not test -e "$OURS"
    "$CBUILD" rm "$id" >/dev/null
}

@test "what is frozen in the foreground ends when it is killed, stopped or removed, and with who runs it" {
    for ending in kill 'stop -t 0' 'rm -f' ''; do
        foreground sleep 100500
        "$CBUILD" pause "$id" >/dev/null
        if [ "$ending" ]; then "$CBUILD" $ending "$id" >/dev/null; else kill -9 $runner; fi
        expect_gone $runner 137
        container busybox true
        wait_until not test -e "$OURS"
    done
}

@test "what is frozen in the foreground goes on when who runs it is asked to end" {
    foreground sh -c 'trap "exit 7" TERM; while :; do sleep 100500 & wait; done'
    wait_until pgrep -f '^sleep 10050[0]'
    "$CBUILD" pause "$id" >/dev/null
    kill -TERM $runner
    expect_gone $runner 7
}

@test "what a commit holds frozen in the foreground ends when it is killed, and with who runs it" {
    for ending in kill 'rm -f' ''; do
        foreground sh -c 'head -c 100000000 /dev/zero >/big; exec sleep 100500'
        wait_until pgrep -f '^sleep 10050[0]'
        "$CBUILD" commit "$id" >"$DIR/commit" 2>&1 3>&- &
        committer=$!
        wait_until state_is paused
        kill -STOP $committer
        state_is paused
        if [ "$ending" ]; then "$CBUILD" $ending "$id" >/dev/null; else kill -9 $runner; fi
        expect_gone $runner 137
        kill -CONT $committer
        wait $committer || true
        container busybox true
        wait_until not test -e "$OURS"
    done
}

# ── Without root ──

# as_delegated COMMAND…: cbtest, whose group a service manager has given to him.
as_delegated() {
    mkdir -p "$DELEGATED/session"
    for group in /sys/fs/cgroup /sys/fs/cgroup/user.slice; do
        echo '+cpu +memory +pids +io +cpuset' >"$group/cgroup.subtree_control"
    done
    chown cbtest "$DELEGATED" "$DELEGATED"/cgroup.{procs,threads,subtree_control} "$DELEGATED/session" \
        "$DELEGATED/session"/cgroup.{procs,threads,subtree_control}
    (
        echo $BASHPID >"$DELEGATED/session/cgroup.procs"
        as cbtest "$@"
    )
}

@test "where a group above was delegated to a user, his steps are limited in that" {
    run as_delegated cbuild import -c 'CMD ["sh"]' "$USERS/busybox.tar" busybox:latest
    expect_status 0
    run as_delegated cbuild info
    expect_contains 'Mode            rootless' 'pids memory cpu'
    run as_delegated cbuild run --rm --network none -m 64m --cpus 0.5 --pids-limit 40 busybox sh -c 'cat /proc/self/cgroup; cd /sys/fs/cgroup; cat memory.max cpu.max pids.max'
    expect_status 0
    expect_output "$(printf '0::/\n67108864\n50000 100000\n40')"
    run as_delegated cbuild run --rm --network none -m 32m --memory-swap 32m busybox tail /dev/zero
    expect_status 137
    shared_context <<'END'
FROM busybox
RUN tail /dev/zero
END
    run as_delegated cbuild build --progress=plain --network=none --memory 32m --memory-swap 32m "$DIR"
    expect_status 1
    expect_contains 'killed by the OOM killer (limit 32m)'
    wait_until not test -e "$DELEGATED/cbuild"
}

@test "a user's builds that are killed leave nothing either" {
    install -m 755 "$BATS_TEST_DIRNAME/../stress/builder-kill.sh" "$USERS/builder-kill"
    run as_delegated builder-kill "$USERS/cbuild" "$USERS/cbtest/.local/share/cbuild" "$CB_KILLS"
    expect_status 0
    expect_contains 'nothing is left'
    wait_until not test -e "$DELEGATED/cbuild"
}

@test "where only his own group was, what is in it moves aside" {
    mkdir -p "$DELEGATED/scope"
    chown cbtest "$DELEGATED/scope" "$DELEGATED/scope"/cgroup.{procs,threads,subtree_control}
    chown root "$DELEGATED" "$DELEGATED"/cgroup.{procs,threads,subtree_control}
    echo '+cpu +memory +pids' >"$DELEGATED/cgroup.subtree_control"
    run sh -c 'echo $$ >"$0/scope/cgroup.procs" && exec runuser -u cbtest -- env -i PATH="$1:/usr/bin:/bin:/usr/sbin" HOME="$1/cbtest" \
        cbuild run --rm --network none -m 64m busybox cat /sys/fs/cgroup/memory.max' "$DELEGATED" "$USERS"
    expect_status 0
    expect_output 67108864
}

@test "where nothing was delegated one line says so" {
    as_ok cbtest cbuild run --rm --network none -m 64m busybox echo ran
    expect_contains 'no limit of memory: no cgroup was delegated to this user' ran
}
