#!/bin/bash
# Times containers: tests/bench/containers.sh [-n RUNS] [WORKLOAD...]; without a workload, all of them.
#   run     `run --rm busybox true` with the host's network, with none and on the default one, beside bubblewrap, docker and podman
#   kept    create, start, exec, stop and rm of one container that is kept, beside docker
#   crowd   COUNT containers (200) at once: run -d (20 side by side), ps, stats --no-stream, rm -f of all; memory of monitors and launchers
#   net     COUNT containers (100) on a network that was made for them: the same, that they find each other by name, and that nothing of
#           them is left
# Peers that are not installed are left out. Everything happens in a network namespace of its own. Needs root, and BENCH_DIR on a journaled
# disk. Prints medians in milliseconds of wall time; figures of different runs do not compare.
set -u
[ -n "${CB_BENCH_NET:-}" ] || CB_BENCH_NET=1 exec unshare -n "$0" "$@"
here=$(cd "$(dirname "$0")" && pwd)
CB_TOP=$(cd "$here/../.." && pwd)
CBUILD=${CBUILD:-$CB_TOP/build/cbuild}
CB_BASES=${CB_BASES:-$CB_TOP/build/tests/bases}
B=${BENCH_DIR:-/var/tmp/cbuild-bench-containers}
RUNS=40
[ "${1:-}" = -n ] && { RUNS=$2; shift 2; }
CB_WORK=$B
PEERS=$B/peers
. "$here/../e2e/helpers.bash"
. "$here/../lib/peers.bash"
export CBUILD_ROOT=$B/cbuild
DOCKERD_NETWORK='--iptables=true'
peers=cbuild

setup() {
    mkdir -p "$B/root" "$CB_BASES"
    ip link set lo up
    gcc -O2 -o "$B/timed" "$here/timed.c" || exit 1
    [ -f "$CB_BASES/busybox.tar" ] || "$CB_TOP/contrib/mkbase" busybox "$CB_BASES/busybox.tar"
    "$CBUILD" import -c 'CMD ["sh"]' "$CB_BASES/busybox.tar" busybox:latest >/dev/null
    tar -C "$B/root" -xf "$CB_BASES/busybox.tar"
    "$CBUILD" save -o "$B/busybox.tar" busybox:latest
    if [ -x /usr/sbin/dockerd ] && dockerd_start >/dev/null; then
        peers+=' docker'
        docker load -qi "$B/busybox.tar" >/dev/null
    fi
    if command -v podman >/dev/null; then
        podman_setup
        peers+=' podman'
        podman load -qi "$B/busybox.tar" >/dev/null 2>&1
    fi
}

teardown() {
    "$CBUILD" ps -aq | xargs -r "$CBUILD" rm -f >/dev/null
    case $peers in *docker*) dockerd_stop ;; esac
    peers_remove
    rm -rf --one-file-system "$B"
}

# note KEY COMMAND...: its time goes to $B/times.KEY
note() {
    local key=$1
    shift
    "$B/timed" "$B/time" "$@" >"$B/last.log" 2>&1 </dev/null || { tail -n 3 "$B/last.log" >&2; return 1; }
    cat "$B/time" >>"$B/times.$key"
}
program() {
    case $1 in
    cbuild) echo "$CBUILD" ;;
    docker) echo /usr/bin/docker ;;
    podman) echo podman ;;
    esac
}
say() { # LABEL KEY
    [ -s "$B/times.$2" ] || return 0
    sort -n "$B/times.$2" | awk -v l="$1" '{t[NR] = $1} END {printf "  %-28s %8.2f ms (least %.2f)\n", l, 1000 * t[int((NR + 1) / 2)], 1000 * t[1]}'
    rm "$B/times.$2"
}

# run_one PEER NETWORK
run_one() {
    local options=(--rm)
    [ "$2" = default ] || options+=(--network "$2")
    # it asks for more than a machine's hard limits may allow
    [ "$1" != podman ] || options+=(--ulimit nofile=1024 --ulimit nproc=1024)
    note "$1-$2" "$(program "$1")" run "${options[@]}" busybox true
}
# The slow ones come after the fast ones, whom they would disturb, and are not waited for as often; what the kernel still has to take
# apart of a network would, too, so each kind has its own turns with bubblewrap.
w_run() {
    local network peer i networks='host none default'
    echo 'run --rm busybox true'
    for network in $networks; do run_one cbuild "$network" && rm "$B/times.cbuild-$network"; done
    for network in $networks; do
        for i in $(seq "$RUNS"); do
            command -v bwrap >/dev/null &&
                note "bwrap-$network" bwrap --unshare-all --bind "$B/root" / --proc /proc --dev /dev /bin/true
            run_one cbuild "$network"
        done
    done
    for i in $(seq "$((RUNS / 8 + 1))"); do
        for peer in ${peers#cbuild}; do
            for network in $networks; do run_one "$peer" "$network"; done
        done
    done
    for network in $networks; do
        say 'bwrap --unshare-all' "bwrap-$network"
        for peer in $peers; do say "$peer, network $network" "$peer-$network"; done
    done
}

w_kept() {
    local peer i tool
    echo 'one container that is kept'
    for i in $(seq "$((RUNS / 4 + 1))"); do
        for peer in $peers; do
            [ "$peer" != podman ] || continue
            tool=$(program "$peer")
            note "$peer-create" "$tool" create --name kept busybox sleep 1000
            note "$peer-start" "$tool" start kept
            note "$peer-exec" "$tool" exec kept true
            note "$peer-stop" "$tool" stop -t 0 kept
            note "$peer-rm" "$tool" rm kept
        done
    done
    for i in create start exec stop rm; do
        for peer in $peers; do say "$peer $i" "$peer-$i"; done
    done
}

# memory LABEL PID...: private memory and proportional share
memory() {
    local label=$1 pid
    shift
    for pid in "$@"; do cat "/proc/$pid/smaps_rollup"; done 2>/dev/null |
        awk -v l="$label" '/^Pss:/ {p += $2; n++} /^Private/ {q += $2} END {if (n) printf "  %-28s %8.2f MiB private, %.2f proportional, of %d\n", l, q / n / 1024, p / n / 1024, n}'
}
monitors() { pgrep -f "^cbuild-monitor $CBUILD_ROOT "; }
seconds() { # LABEL COMMAND...
    local label=$1
    shift
    "$B/timed" "$B/time" "$@" >"$B/last.log" 2>&1 </dev/null || tail -n 3 "$B/last.log" >&2
    awk -v l="$label" '{printf "  %-28s %8.2f s\n", l, $1}' "$B/time"
}
start_all() { # COUNT OPTIONS...
    local count=$1
    shift
    seconds "run -d" sh -c 'count=$1; shift; seq "$count" | xargs -P 20 -I{} "$@" --name "c{}" busybox sleep 10000' sh "$count" "$CBUILD" run -d "$@"
}
end_all() {
    seconds 'ps' "$CBUILD" ps
    seconds 'stats --no-stream' "$CBUILD" stats --no-stream
    seconds 'rm -f of all' sh -c '"$1" rm -f $("$1" ps -aq)' sh "$CBUILD"
    echo "  left: $("$CBUILD" ps -aq | wc -l) containers"
}

w_crowd() {
    echo "${COUNT:-200} containers on the default network"
    start_all "${COUNT:-200}"
    memory 'a monitor' $(monitors)
    memory 'its launcher' $(pgrep -P "$(monitors | paste -sd,)")
    end_all
}

no_names() { ! pgrep -f "aardvark-dns.*net-$(stat -Lc %i /proc/self/ns/net)/"; }
no_links() { [ "$(ip -br link | grep -cE '^(br-|veth)')" = 0 ]; }
w_net() {
    local last=${COUNT:-100} i found=0
    echo "$last containers on a network of their own"
    "$CBUILD" network create bench >/dev/null
    start_all "$last" --network bench
    for i in $(seq 10); do
        "$CBUILD" exec "c$((RANDOM % last + 1))" ping -c 1 -w 2 "c$((RANDOM % last + 1))" >/dev/null && found=$((found + 1))
    done
    echo "  found by name: $found of 10"
    end_all
    wait_until no_links || ip -br link
    wait_until no_names || echo '  the server of names is left'
    echo "  left: $(iptables-save 2>/dev/null | grep -c -- '-A .*br-') rules, $(ls "/run/cbuild/net-$(stat -Lc %i /proc/self/ns/net)" | grep -c '\.json$') records"
    "$CBUILD" network rm bench >/dev/null
}

trap teardown EXIT
setup
for workload in ${*:-run kept crowd net}; do "w_$workload"; done
