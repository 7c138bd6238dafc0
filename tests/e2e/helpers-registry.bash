# Registries for bats tests. Load with `load helpers-registry`; needs $BATS_TEST_TMPDIR.

# start_registry: docker's own registry on a free loopback port → $REGISTRY (host:port).
start_registry() {
    command -v docker-registry >/dev/null || skip "no docker-registry"
    local dir=$BATS_TEST_TMPDIR/registry port try
    mkdir -p "$dir"
    for try in 1 2 3 4 5; do
        port=$((20000 + RANDOM % 20000))
        cat >"$dir/config.yml" <<YML
version: 0.1
log: {level: error}
storage:
  filesystem: {rootdirectory: $dir/data}
  delete: {enabled: true}
http: {addr: "127.0.0.1:$port"}
YML
        docker-registry serve "$dir/config.yml" >"$dir/log" 2>&1 3>&- &
        REGISTRY_PID=$!
        REGISTRY=127.0.0.1:$port
        wait_for_registry && return 0
        stop_registry
    done
    return 1
}

wait_for_registry() {
    local i
    for i in $(seq 100); do
        kill -0 "$REGISTRY_PID" 2>/dev/null || return 1
        curl -s -o /dev/null --noproxy '*' "http://$REGISTRY/v2/" && return 0
        read -rt 0.1 <> <(:) || :
    done
    return 1
}

stop_registry() {
    [ -n "${REGISTRY_PID:-}" ] || return 0
    kill "$REGISTRY_PID" 2>/dev/null || :
    wait "$REGISTRY_PID" 2>/dev/null || :
    REGISTRY_PID=
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
    wait "$HOSTILE_PID" 2>/dev/null || :
    HOSTILE_PID=
}
