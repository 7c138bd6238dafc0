#!/usr/bin/env bats
# Builds without a network: nothing is asked, and what is missing is named.
load helpers
load helpers-registry

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

@test "with everything here an offline build works, a name resolved earlier too" {
    printf 'FROM busybox\nRUN echo offline > /x\n' >"$DIR/Dockerfile"
    build_ok --offline
    build_ok --offline
    [ "$(steps_run)" = 0 ]
}

@test "a base image that is not here is named with the way to get it" {
    printf 'FROM example.invalid/team/base:1\nRUN true\n' >"$DIR/Dockerfile"
    build --offline
    expect_status 1
    expect_contains 'Dockerfile:1:6' 'example.invalid/team/base:1' 'cbuild pull'
}

@test "--pull=newer takes what the registry has, and the store's image when nobody answers" {
    start_registry
    printf 'FROM %s/base\nRUN true\n' "$REGISTRY" >"$DIR/Dockerfile"
    "$CBUILD" tag busybox "$REGISTRY/base"
    "$CBUILD" push "$REGISTRY/base" >/dev/null
    build_ok --pull=newer
    printf 'FROM busybox\nRUN echo newer >/newer\n' | "$CBUILD" build -q -t "$REGISTRY/base" - >/dev/null
    "$CBUILD" push "$REGISTRY/base" >/dev/null
    "$CBUILD" tag busybox "$REGISTRY/base"
    build_ok --pull=missing
    run in_image cat /newer
    expect_status 1
    build_ok --pull=newer
    in_image cat /newer
    expect_output newer
    stop_registry
    "$CBUILD" rmi "$REGISTRY/base" >/dev/null
    build_ok --pull=newer
    expect_contains "warning: $REGISTRY/base: using the store's image"
    in_image cat /newer
    expect_output newer
    build --pull
    expect_status 1
    expect_contains 'Dockerfile:1:6'
}

@test "--offline and a policy that asks contradict each other" {
    printf 'FROM busybox\n' >"$DIR/Dockerfile"
    build --offline --pull=always
    expect_status 1
    expect_contains '--offline and --pull=always contradict each other'
    build_ok --offline --pull=never
}

@test "a layer that is not here is named, and the registry sees no request" {
    start_registry
    "$CBUILD" tag busybox "$REGISTRY/base"
    "$CBUILD" push "$REGISTRY/base" >/dev/null
    "$CBUILD" rmi "$REGISTRY/base" >/dev/null
    root=$BATS_TEST_TMPDIR/empty
    printf 'FROM %s/base\nLABEL only=metadata\n' "$REGISTRY" >"$DIR/Dockerfile"
    "$CBUILD" --root "$root" build -q "$DIR" >/dev/null
    stop_registry
    "$CBUILD" --root "$root" build -q --offline "$DIR" >/dev/null
    "$CBUILD" --root "$root" image prune -f >/dev/null
    "$CBUILD" --root "$root" prune -af >/dev/null
    printf 'FROM %s/base\nRUN true\n' "$REGISTRY" >"$DIR/Dockerfile"
    run "$CBUILD" --root "$root" build --offline "$DIR"
    expect_status 1
    expect_contains "registry \`$REGISTRY\` may not be asked (--offline)"
    rm -rf "$root"
}

@test "system prune -a also drops what was noted of names" {
    start_registry
    "$CBUILD" tag busybox "$REGISTRY/base"
    "$CBUILD" push "$REGISTRY/base" >/dev/null
    export CBUILD_ROOT=$BATS_TEST_TMPDIR/store
    printf 'FROM %s/base\nRUN true\n' "$REGISTRY" >"$DIR/Dockerfile"
    build_ok --network none
    "$CBUILD" rmi -f img >/dev/null
    "$CBUILD" system prune -f >/dev/null
    run ls "$CBUILD_ROOT/blobs/sha256"
    [ -n "$output" ] # the name's documents: the next build needs not ask for them
    cbuild system prune -af
    expect_status 0
    run ls "$CBUILD_ROOT/blobs/sha256"
    expect_output ''
}
