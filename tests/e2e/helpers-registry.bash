# Registries for bats tests. Load with `load helpers-registry`; needs $BATS_TEST_TMPDIR.

# shellcheck source=../lib/registry.bash
. "${BASH_SOURCE[0]%/*}/../lib/registry.bash"

# start_registry: docker's own registry → $REGISTRY (host:port).
start_registry() {
    registry_serve "$BATS_TEST_TMPDIR/registry"
}

# start_hostile_registry [options]: tests/lib/registry.py → $HOSTILE (host:port),
# $HOSTILE_OTHER (port of the other host), $HOSTILE_LOG (its requests).
start_hostile_registry() {
    local fifo=$BATS_TEST_TMPDIR/hostile.in out=$BATS_TEST_TMPDIR/hostile.out port
    HOSTILE_LOG=$BATS_TEST_TMPDIR/hostile.log
    mkfifo "$fifo" "$out"
    python3 "$BATS_TEST_DIRNAME/../lib/registry.py" --log "$HOSTILE_LOG" "$@" \
        <"$fifo" >"$out" 3>&- &
    HOSTILE_PID=$!
    exec {HOSTILE_FD}>"$fifo"
    read -r port HOSTILE_OTHER <"$out"
    HOSTILE=127.0.0.1:$port
}

stop_hostile_registry() {
    [ -n "${HOSTILE_PID:-}" ] || return 0
    exec {HOSTILE_FD}>&-
    kill "$HOSTILE_PID" 2>/dev/null || : # who else has that descriptor keeps it up
    wait "$HOSTILE_PID" 2>/dev/null || :
    HOSTILE_PID=
}
