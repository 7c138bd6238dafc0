# For tests of steps and containers that try to get out: a store and a canary for the file, and after each test
# nothing of the canary was touched and nothing stayed behind. Wants helpers and helpers-hostile.

setup_file() { cb_store; canary_lay; }
teardown_file() {
    canary_remove
    cb_drop_store
}
setup() {
    cb_dir
    before=$(left_behind)
}
teardown() {
    canary_ok
    [ "$(left_behind)" = "$before" ]
}

# A build of one step: step COMMAND [OPTION]…, from $BASE, for at most $STEP_TIMEOUT seconds.
step() {
    printf 'FROM %s\nRUN %s\n' "${BASE:-busybox}" "$1" >"$DIR/Dockerfile"
    shift
    run timeout "${STEP_TIMEOUT:-60}" "$CBUILD" build --progress=plain --network=none --no-cache -t img "$@" "$DIR"
}
