#!/usr/bin/env bats
# Making room: what goes, what stays, and builds that go on meanwhile.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

store_bytes() { du -s --block-size=1 "$STORE" | cut -f1; }

@test "du lists layers, cache mounts and context indexes with what they take" {
    echo x >"$DIR/file"
    dockerfile <<'END'
FROM busybox
COPY file /file
RUN --mount=type=cache,target=/c dd if=/dev/zero of=/c/big bs=1M count=2
RUN dd if=/dev/urandom of=/three bs=1M count=3
END
    build_ok --network none
    # Files as young as the build are not indexed: the next one does it.
    build_ok --network none
    run "$CBUILD" du --format json
    [ "$(jq -r 'select(.Type == "exec.cachemount") | .Size >= 2097152' <<<"$output")" = true ]
    [ "$(jq -r 'select(.Description | contains("of=/three")) | .Size >= 3145728' <<<"$output")" = true ]
    [ "$(jq -r 'select(.Type == "source.local") | .Reclaimable' <<<"$output" | head -1)" = true ]
    [ "$(jq -r 'select(.Description | contains("of=/three")) | .Shared' <<<"$output")" = true ]
    cbuild du --filter description=of=/three --format '{{.Type}} {{.Shared}} {{gt .Size 3145727}}'
    expect_output 'regular true true'
    cbuild buildx du --filter type=exec.cachemount --format 'table {{.Type}}\t{{.InUse}}'
    [[ ${lines[0]} =~ ^TYPE\ +IN\ USE$ ]]
    [[ ${lines[1]} =~ ^exec.cachemount\ +false$ ]]
    cbuild du --verbose --filter description=of=/three
    expect_contains 'Type:         regular' 'Shared:       true' 'Reclaimable:  false'
    cbuild du
    expect_contains 'RECLAIMABLE' 'Total:'
}

@test "what an image has stays usable after everything was pruned, and its steps with -a only are forgotten" {
    printf 'FROM busybox\nRUN echo tagged > /tagged\n' >"$DIR/Dockerfile"
    build_ok --network none
    "$CBUILD" prune -f >/dev/null
    build_ok --network none
    [ "$(steps_run)" = 0 ]
    "$CBUILD" prune -af >/dev/null
    in_image cat /tagged
    expect_output tagged
    build_ok --network none
    [ "$(steps_run)" -gt 0 ]
}

@test "docker's filters and sizes are understood, others are refused by name" {
    cbuild prune -f --filter until=24h --filter type=regular --filter inuse=false --filter shared=0
    expect_status 0
    expect_contains 'Total reclaimed space: 0B'
    cbuild builder prune -f --keep-storage 10g --verbose
    expect_status 0
    cbuild buildx du --filter private
    expect_status 0
    cbuild prune -f --filter age=3
    expect_status 1
    expect_contains 'invalid argument "age=3" for "--filter"'
    cbuild prune -f --filter type=nonsense
    expect_status 1
    cbuild prune -f --max-used-space lots
    expect_status 125
    expect_contains '"--max-used-space"'
}

@test "prune to a size leaves what was used last" {
    "$CBUILD" prune -af >/dev/null
    for i in 1 2 3; do
        printf 'FROM busybox\nRUN dd if=/dev/urandom of=/%s bs=1M count=4\n' "$i" >"$DIR/Dockerfile"
        build_ok --network none
    done
    "$CBUILD" rmi -f img >/dev/null
    "$CBUILD" image prune -f >/dev/null
    "$CBUILD" prune -f --max-used-space 9m >/dev/null
    run "$CBUILD" du --format json
    [ "$(jq -r .Description <<<"$output" | grep -c of=/1)" = 0 ]
    [ "$(jq -r .Description <<<"$output" | grep -c of=/3)" = 1 ]
}

@test "the limit on the store holds, build after build" {
    "$CBUILD" rmi -f img >/dev/null 2>&1 || true
    "$CBUILD" prune -af >/dev/null
    limit=$(($(store_bytes) + 24000000))
    for i in 1 2 3 4 5 6 7 8; do
        printf 'FROM busybox\nRUN dd if=/dev/urandom of=/limit%s bs=1M count=6\n' "$i" >"$DIR/Dockerfile"
        run "$CBUILD" --max-store "$limit" build --network none "$DIR"
        expect_status 0
        [ "$(store_bytes)" -le "$limit" ]
    done
    run env CBUILD_MAX_STORE="$limit" "$CBUILD" build --network none --progress=plain -t img "$DIR"
    [ "$(steps_run)" = 0 ]
    fsck_clean
}

@test "F20: a step that writes more than the whole store may take is ended while it runs" {
    printf 'FROM busybox\nRUN dd if=/dev/urandom of=/x bs=1M count=30; while :; do sleep 1; done\n' >"$DIR/Dockerfile"
    run "$CBUILD" --max-store 20m build --step-timeout 300s --network none "$DIR"
    expect_status 1
    expect_contains 'Dockerfile:2:1' 'it has written more than the whole store may take' '--max-store' 'tmpfs'
    fsck_clean
}

@test "when all is in use the build says that the store is full and what to do" {
    printf 'FROM busybox\nRUN dd if=/dev/urandom of=/toomuch bs=1M count=8\n' >"$DIR/Dockerfile"
    limit=$(($(store_bytes) + 5000000))
    run "$CBUILD" --max-store "$limit" build --network none "$DIR"
    expect_status 1
    expect_contains 'is full' 'cbuild rmi' '--max-store'
    cbuild --max-store junk images
    expect_status 1
    expect_contains 'invalid argument "junk" for "--max-store"'
    fsck_clean
}

@test "builds and prunes at the same time disturb each other in nothing but time" {
    build_some() {
        local i dir=$BATS_TEST_TMPDIR/work$1
        mkdir -p "$dir"
        for i in 1 2 3 4 5 6; do
            printf 'FROM busybox\nRUN echo %s > /n\nRUN cat /n > /m && echo shared-%s > /s\n' "$1$i" "$((i % 3))" >"$dir/Dockerfile"
            "$CBUILD" build -q --network none -t "built$1" "$dir" >/dev/null || return 1
            [ "$("$CBUILD" run --rm --network none "built$1" cat /m)" = "$1$i" ] || return 1
        done
    }
    touch "$BATS_TEST_TMPDIR/go"
    while [ -e "$BATS_TEST_TMPDIR/go" ]; do
        "$CBUILD" prune -af >/dev/null || echo failed >>"$BATS_TEST_TMPDIR/prune-failed"
    done &
    pruner=$!
    build_some a & one=$!
    build_some b & two=$!
    status=0
    wait "$one" || status=1
    wait "$two" || status=1
    rm "$BATS_TEST_TMPDIR/go"
    wait "$pruner"
    [ "$status" = 0 ]
    [ ! -e "$BATS_TEST_TMPDIR/prune-failed" ]
    fsck_clean
}

@test "two builds at once under a limit both succeed and it holds" {
    "$CBUILD" rmi -f img >/dev/null 2>&1 || true
    "$CBUILD" prune -af >/dev/null
    limit=$(($(store_bytes) + 40000000))
    under_limit() {
        local i dir=$BATS_TEST_TMPDIR/limited$1
        mkdir -p "$dir"
        for i in 1 2 3 4 5; do
            printf 'FROM busybox\nRUN dd if=/dev/urandom of=/%s%s bs=1M count=6\n' "$1" "$i" >"$dir/Dockerfile"
            "$CBUILD" --max-store "$limit" build -q --network none "$dir" >/dev/null 2>>"$BATS_TEST_TMPDIR/said" || return 1
        done
    }
    under_limit a & one=$!
    under_limit b & two=$!
    status=0
    wait "$one" || status=1
    wait "$two" || status=1
    [ "$status" = 0 ] || { cat "$BATS_TEST_TMPDIR/said"; false; }
    [ "$(store_bytes)" -le "$limit" ]
    fsck_clean
}

@test "a prune that is killed leaves a sound store, and the next one finishes its work" {
    for i in 1 2 3 4 5 6; do
        printf 'FROM busybox\nRUN mkdir /d && for n in $(seq 300); do echo %s > /d/$n; done\nRUN echo %s > /x\n' "$i" "$i" >"$DIR/Dockerfile"
        "$CBUILD" build -q --network none "$DIR" >/dev/null
        "$CBUILD" image prune -f >/dev/null
        timeout -s KILL "0.00$i" "$CBUILD" prune -af >/dev/null 2>&1 || true
        run "$CBUILD" fsck --deep
        expect_status 0
    done
    "$CBUILD" prune -af >/dev/null
    run "$CBUILD" du --filter type=regular --format json
    [ "$(jq -r 'select(.Shared | not) | .ID' <<<"$output")" = '' ]
}

@test "rmi of several images collects once, and leaves nothing of any of them" {
    local root=$BATS_TEST_TMPDIR/store
    for i in 1 2 3; do
        mkdir "$DIR/$i"
        head -c 100000 /dev/urandom >"$DIR/$i/file"
        tar -C "$DIR/$i" -c file | "$CBUILD" --root "$root" import - "one:$i" >/dev/null
    done
    strace -f -qq -e trace=openat -o "$BATS_TEST_TMPDIR/trace" "$CBUILD" --root "$root" rmi one:1 one:2 one:3 >/dev/null
    [ "$(grep -c '"blobs/sha256", O_RDONLY' "$BATS_TEST_TMPDIR/trace")" -eq 1 ]
    [ "$(head -c 32 "$root/meta.db-wal" | tr -d '\0' | wc -c)" -eq 0 ] # folded in
    [ -z "$(ls "$root/blobs/sha256" "$root/snapshots" "$root/tmp" | grep -v :)" ]
    # One that is not there is told, and the others go all the same.
    tar -C "$DIR/1" -c file | "$CBUILD" --root "$root" import - one:1 >/dev/null
    run "$CBUILD" --root "$root" rmi one:1 one:9
    expect_status 1
    expect_contains 'Untagged: one:1' 'No such image: one:9'
    [ -z "$(ls "$root/snapshots")" ]
}
