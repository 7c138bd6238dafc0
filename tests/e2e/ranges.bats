#!/usr/bin/env bats
# Large layers over slow connections: several at once where the server can, one where it cannot.
load helpers
load helpers-registry
load helpers-hostile

setup_file() {
    mkdir -p "$CB_WORK"
    export LAYER=$BATS_FILE_TMPDIR/layer.tar STORES=$CB_WORK/ranges
    rm -rf --one-file-system "$STORES"
    mkdir -p "$STORES"
    head -c 68M /dev/urandom >"$BATS_FILE_TMPDIR/noise"
    tar -C "$BATS_FILE_TMPDIR" -cf "$LAYER" noise
    # as it is stored, not packed again: the tests' registry takes its time for that
    gzip -1 "$LAYER"
    LAYER=$LAYER.gz
}
teardown_file() { rm -rf --one-file-system "$STORES"; }
setup() { start_hostile_registry --layer "$LAYER"; }
teardown() { stop_hostile_registry; }

pull() {
    export CBUILD_ROOT=$STORES/$1
    expect_memory 64 timeout 90 "$CBUILD" pull -q "$HOSTILE/$1/image:latest"
}
pulled_whole() {
    expect_status 0
    fsck_clean
    run ls "$CBUILD_ROOT/ingest"
    expect_output ''
    rm -rf --one-file-system "$CBUILD_ROOT"
}
ranges() {
    jq -s -r '[.[] | select(.range != null) | .range] | join(" ")' "$HOSTILE_LOG"
}

@test "what one slow connection would take long for comes over several, and is heard of meanwhile" {
    export CBUILD_ROOT=$STORES/slow
    run timeout 90 "$CBUILD" build --progress=plain - <<<"FROM $HOSTILE/slow/image:latest"
    expect_status 0
    grep -E '^#[0-9]+ [0-9a-f]{12}: Downloading [0-9.]+[kM]B / 71\.[0-9]+MB [0-9.]+s$' <<<"$output"
    grep -E '^#[0-9]+ extracting sha256:[0-9a-f]{64} 71\.[0-9]+MB / 71\.[0-9]+MB( [0-9.]+s)? done$' <<<"$output"
    pulled_whole
    run ranges
    expect_contains '=16777216-33554431' '=33554432-50331647' '=50331648-67108863'
}

@test "pieces outlive the process, and are not asked for again" {
    export CBUILD_ROOT=$STORES/slow
    "$CBUILD" pull -q "$HOSTILE/slow/image:latest" >/dev/null 2>&1 3>&- &
    pid=$!
    wait_until sh -c 'find "$CBUILD_ROOT/ingest" -name "*.50331648.piece" -size +1M | grep .'
    kill -9 $pid
    wait $pid || true
    : >"$HOSTILE_LOG"
    pull slow
    pulled_whole
    run ranges
    [ -n "$output" ]
    expect_lacks '=33554432-'
    expect_lacks '=50331648-'
    run jq -s -r '[.[] | select(.method == "GET" and .range == null and (.path | test("/blobs/")))] | length' "$HOSTILE_LOG"
    [ "$output" -le 1 ]
}

@test "ranges that are short, wrong, refused or not known cost time, never the image" {
    local modes='slowwhole slow416 slowshort slowlie' pids=()
    for mode in $modes; do
        (
            pull $mode
            pulled_whole
            touch "$BATS_TEST_TMPDIR/$mode.whole"
        ) 3>&- &
        pids+=($!)
    done
    wait "${pids[@]}"
    for mode in $modes; do
        [ -e "$BATS_TEST_TMPDIR/$mode.whole" ] || { echo "$mode"; return 1; }
    done
}
