#!/bin/bash
# Kills builds with SIGKILL at random moments, the command or its launcher, and looks after each time whether the next build
# leaves nothing of them: no process, mount, control group, network interface or file.
#   tests/stress/builder-kill.sh CBUILD STORE ROUNDS [NETWORK [SEED]]
# STORE has busybox:latest. NETWORK is that of the steps (none). Ends with 1 and what was wrong, or tells how many builds were
# killed. As root or an ordinary user, with version 1 or 2 of control groups; as root with a network where nobody else uses cbuild,
# as in `unshare -n`.
set -u
cbuild=$1 store=$2 rounds=$3 network=${4:-none}
RANDOM=${5:-$$}
export CBUILD_ROOT=$store
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mark=$((RANDOM % 1000 + 661000)).$$ # how long the steps' processes sleep: nobody else's do

fail() {
    echo "round $round: $*"
    cat "$dir/log"
    exit 1
}
pause() { read -r -t "$1" <> <(:) || true; }
nothing_in() { [ -z "$("$@" 2>/dev/null)" ]; }
processes() { pgrep -f "sleep $mark"; }
mounts() { grep -F "$store/" /proc/mounts; }
links() { [ "$network" = none ] || [ "$(id -u)" -ne 0 ] || ip -o link | grep -E ' (cbuild-[0-9]+|br-cbuild)'; }
files() { find "$store/tmp" "$store/leases" -mindepth 1; }
# Groups of launchers that are gone; one that ends at this moment removes its own.
groups() {
    find /sys/fs/cgroup -type d -path '*cbuild*' -name '*-[0-9]*' | sed -nE 's|.*/([0-9a-f]{16}-([0-9]+))$|\1 \2|p' |
        while read -r name pid; do kill -0 "$pid" 2>/dev/null || [ -e "/proc/$pid" ] || echo "$name"; done
}
# What is dismantled by the kernel, or by who else was killed meanwhile, may take a moment.
gone() {
    local i
    for i in $(seq 600); do
        nothing_in "$1" && return
        [ "$1" != groups ] || "$cbuild" build -q --network=none --no-cache "$dir" -f "$dir/next" >/dev/null 2>&1
        pause 0.1
    done
    fail "$1 are left: $($1)"
}

cat >"$dir/Dockerfile" <<END
FROM busybox AS one
RUN --mount=type=cache,target=/c (setsid sleep $mark &); echo \$RANDOM >>/c/log; echo one >/one
RUN --mount=type=tmpfs,target=/t --mount=type=secret,id=s setsid sleep $mark & sleep 0.02; rm -r /var; echo two >/two
FROM busybox
COPY --from=one / /copied/
RUN sleep 0.05; sleep $mark & echo three >/three
END
printf 'FROM busybox\nRUN echo next\n' >"$dir/next"
echo secret >"$dir/secret"
build() {
    "$cbuild" build -q --network="$network" --secret id=s,src="$dir/secret" "$@" "$dir"
}

round=0
time_of_one() {
    local start=${EPOCHREALTIME/./}
    build --no-cache >"$dir/log" 2>&1 || fail 'the undisturbed build fails'
    echo $((${EPOCHREALTIME/./} - start))
}
time_of_one >/dev/null
length=$(time_of_one)
killed=0
for ((round = 1; round <= rounds; round++)); do
    build --no-cache >"$dir/log" 2>&1 &
    builder=$!
    pause "$(printf '0.%06d' $((length * (RANDOM % 1000) / 1000 % 1000000)))"
    victim=$builder
    ((RANDOM % 4)) || victim=$(pgrep -P "$builder" -x cbuild-launcher || echo "$builder")
    kill -9 $victim 2>/dev/null && killed=$((killed + 1))
    wait "$builder" 2>/dev/null
    "$cbuild" build -q --network=none --no-cache -f "$dir/next" "$dir" >"$dir/log" 2>&1 || fail 'the next build fails'
    for what in processes mounts groups links files; do gone "$what"; done
done
"$cbuild" prune -af >/dev/null && "$cbuild" fsck --deep >"$dir/log" 2>&1 || fail 'fsck complains'
echo "$killed builds killed, nothing is left"
