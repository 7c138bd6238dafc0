#!/bin/bash
# Kills the command, the monitor, the launcher or the process of containers at random moments, and looks after each time
# whether `ps` tells the truth, `rm -f` clears, and nothing is left on the host.
#   tests/stress/container-crash.sh CBUILD STORE ROUNDS [SEED [NETWORK]]
# STORE has busybox:latest. NETWORK is that of all containers; without it two of three have none, the others the bridge.
# Ends with 1 and what was wrong, or tells how many rounds went well.
set -u
cbuild=$1 store=$2 rounds=$3
RANDOM=${4:-$$}
export CBUILD_ROOT=$store
log=$(mktemp)
trap 'rm -f "$log"' EXIT

fail() {
    echo "round $round ($what): $*"
    cat "$log"
    "$cbuild" ps -a
    exit 1
}
# Up to 40 ms, in steps of a fraction of one.
pause() { read -r -t "0.0$(printf %05d $((RANDOM * 40000 / 32768)))" <> <(:) || true; }
# The pids that are ours: monitors of this store, and their launchers.
monitors() { pgrep -f "^cbuild-monitor $store " || true; }
wait_until() {
    local i
    for i in $(seq 2400); do
        "$@" >/dev/null 2>&1 && return 0
        read -r -t 0.05 <> <(:) || true
    done
    return 1
}
no_groups() { [ -z "$(find /sys/fs/cgroup -type d -name "$id-*" 2>/dev/null)" ]; }
no_monitors() { [ -z "$(monitors)" ]; }

check_truth() {
    local state pid
    "$cbuild" ps -a >"$log" 2>&1 || fail "ps fails"
    grep -q '^cbuild:' "$log" && fail "ps warns"
    for record in "$store"/containers/*/state.json; do
        [ -e "$record" ] || continue
        id=$(basename "$(dirname "$record")")
        state=$("$cbuild" ps -a --no-trunc --filter "id=$id" --format '{{.State}}')
        pid=$(jq .Pid "$record" 2>/dev/null)
        case $state in
        running) "$cbuild" exec "$id" true >"$log" 2>&1 || {
            # it may have ended since
            [ "$("$cbuild" ps -a --no-trunc --filter "id=$id" --format '{{.State}}')" = running ] && fail "said to run, but exec fails"
        } ;;
        exited) [ "$pid" = 0 ] || ! kill -0 "$pid" 2>/dev/null || fail "said to have ended, but process $pid lives" ;;
        esac
    done
}

ids=()
kinds=(command monitor launcher process attached remover stopper paused)
for ((round = 1; round <= rounds; round++)); do
    what=${kinds[round % ${#kinds[@]}]}
    network=none
    ((RANDOM % 3)) || network=bridge
    network=${5:-$network}
    options=(--network "$network")
    ((RANDOM % 3)) || options+=(--rm)
    name=crash-$round
    program=(busybox sh -c 'trap "exit 0" TERM; while :; do echo line; sleep 1000 & wait; done')
    case $what in
    command | attached)
        [ "$what" = command ] && options+=(-d)
        "$cbuild" run "${options[@]}" --name "$name" "${program[@]}" >/dev/null 2>&1 </dev/null &
        victim=$!
        pause
        kill -9 "$victim" 2>/dev/null
        wait "$victim" 2>/dev/null
        ;;
    *)
        "$cbuild" run -d "${options[@]}" --name "$name" "${program[@]}" >"$log" 2>&1 || fail "run fails"
        monitor=$(cat "$store"/containers/"$("$cbuild" ps -q --no-trunc --filter "name=^$name\$")"/monitor.lock)
        pid=$(jq .Pid "$store"/containers/"$("$cbuild" ps -q --no-trunc --filter "name=^$name\$")"/state.json)
        ;;
    esac
    case $what in
    monitor) pause && kill -9 "$monitor" ;;
    launcher) pause && kill -9 $(pgrep -P "$monitor") ;;
    process) pause && kill -9 "$pid" ;;
    paused)
        "$cbuild" pause "$name" >/dev/null 2>&1 &
        pause
        kill -9 "$monitor"
        wait $!
        ;;
    remover | stopper)
        if [ "$what" = remover ]; then "$cbuild" rm -f "$name" >/dev/null 2>&1 & else "$cbuild" stop "$name" >/dev/null 2>&1 & fi
        victim=$!
        pause
        kill -9 "$victim" 2>/dev/null
        wait "$victim" 2>/dev/null
        ;;
    esac
    check_truth
    id=$(ls "$store/containers" | grep -m1 -E '^[0-9a-f]{64}$' || echo none)
    ids+=("$id")
    "$cbuild" ps -aq | xargs -r "$cbuild" rm -f >"$log" 2>&1 || fail "rm -f fails"
    [ -z "$("$cbuild" ps -aq)" ] || fail "something is still listed"
    wait_until no_monitors || fail "a monitor is left: $(monitors)"
    # What a killed program left is swept by the next one.
    "$cbuild" run --rm --network none --name "$name-next" busybox true >"$log" 2>&1 || fail "the next run fails"
    [ -z "$(ls "$store/containers" | grep -E '^[0-9a-f]{64}$')" ] || fail "directories are left"
    wait_until no_groups || fail "control groups are left"
done
what='at the end'
"$cbuild" run --rm --network "${5:-bridge}" busybox true >"$log" 2>&1 || fail "the last run fails"
left=$(iptables-save 2>/dev/null | grep -F -f <(printf '%s\n' "${ids[@]}" | grep -v none))
[ -z "$left" ] || fail "rules of the firewall are left: $left"
left=$(grep -lF -f <(printf '%s\n' "${ids[@]}" | grep -v none) "/run/cbuild/net-$(stat -Lc %i /proc/self/ns/net)"/*.json 2>/dev/null)
[ -z "$left" ] || fail "records of networks are left: $left"
left=$(grep -F "$store" /proc/mounts)
[ -z "$left" ] || fail "mounts are left: $left"
[ "$(sqlite3 "$store/meta.db" 'SELECT count(*) FROM pins' 2>/dev/null || echo 0)" = 0 ] || fail "snapshots are still pinned"
"$cbuild" fsck --deep >"$log" 2>&1 || fail "fsck complains"
echo "$rounds rounds went well"
