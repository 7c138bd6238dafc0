#!/usr/bin/env bats
# Trees that are rare but legal (tests/lib/odd-trees.py), through other tools and back: the same tree each time.
load helpers
load ../lib/peers

setup_file() {
    export ODD=$BATS_TEST_DIRNAME/../lib/odd-trees.py
    cb_store
    podman_setup
    dockerd_start
    export PEERS
    export ALL=$BATS_FILE_TMPDIR/all.tar EXPECTED=$BATS_FILE_TMPDIR/expected
    export PORTABLE=$BATS_FILE_TMPDIR/portable.tar
    python3 "$ODD" make "$ALL"
    python3 "$ODD" make "$PORTABLE" portable
    "$CBUILD" load -q -i "$ALL" >/dev/null
    digests "" >"$EXPECTED"
    # the same trees in layers that are made here
    for name in $(python3 "$ODD" list); do
        printf 'FROM scratch\nCOPY --from=%s / /\n' "$name" | "$CBUILD" build -q -t "made-$name" - >/dev/null
    done
}

teardown_file() {
    dockerd_stop
    cb_drop_store
    peers_remove
}

# What other tools can read of them.
portable() {
    WHICH=portable
    grep -v sparse- "$EXPECTED" >"$BATS_TEST_TMPDIR/expected"
    EXPECTED=$BATS_TEST_TMPDIR/expected
}

# "NAME DIGEST" of each tree, by name, as images PREFIX-NAME have it: digests PREFIX [--root STORE]
digests() {
    local prefix=$1 name dir=$BATS_FILE_TMPDIR/digests
    shift
    rm -rf "$dir"
    mkdir "$dir"
    # shellcheck disable=SC2086
    for name in $(python3 "$ODD" list $WHICH); do
        echo "FROM $prefix$name" | "$CBUILD" "$@" build -q -o - - >"$dir/$name"
    done
    python3 "$ODD" digests "$dir"
}

# Another store holds the same trees under the same names.
same_in() {
    digests "" --root "$1" >"$BATS_TEST_TMPDIR/digests"
    diff "$EXPECTED" "$BATS_TEST_TMPDIR/digests"
    run "$CBUILD" --root "$1" fsck --deep
    expect_status 0
}

# umoci's idea of what images PREFIX-NAME hold: unpacked PREFIX NAME…
unpacked() {
    local prefix=$1 name dir=$BATS_TEST_TMPDIR/unpacked
    shift
    rm -rf "$dir"
    mkdir "$dir"
    for name; do
        "$CBUILD" save --format oci-dir -o "$BATS_TEST_TMPDIR/$name" "$prefix$name"
        umoci unpack --image "$BATS_TEST_TMPDIR/$name:latest" "$BATS_TEST_TMPDIR/$name.bundle" >/dev/null 2>&1
        mv "$BATS_TEST_TMPDIR/$name.bundle/rootfs" "$dir/$name"
        rm -rf "$BATS_TEST_TMPDIR/$name" "$BATS_TEST_TMPDIR/$name.bundle"
    done
    python3 "$ODD" digests "$dir"
}

@test "there are at least twenty of them, all different" {
    [ "$(sort -k2 -u "$EXPECTED" | wc -l)" -ge 20 ]
}

@test "umoci unpacks the same layers to the same trees" {
    portable
    # shellcheck disable=SC2046
    unpacked "" $(python3 "$ODD" list portable) | diff "$EXPECTED" -
}

@test "layers that are made of them are the same trees, for us and for umoci" {
    digests made- | diff "$EXPECTED" -
    # shellcheck disable=SC2046
    unpacked made- $(python3 "$ODD" list) | diff "$EXPECTED" -
}

@test "through docker: load and save" {
    portable
    docker load -qi "$PORTABLE"
    # shellcheck disable=SC2046
    docker save -o "$BATS_TEST_TMPDIR/docker.tar" $(python3 "$ODD" list portable)
    "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" load -q -i "$BATS_TEST_TMPDIR/docker.tar"
    same_in "$BATS_TEST_TMPDIR/fresh"
}

@test "docker takes the layers made here, and gives them back" {
    # shellcheck disable=SC2046
    "$CBUILD" save $(python3 "$ODD" list | sed 's/^/made-/') | docker load -q
    # shellcheck disable=SC2046
    docker save $(python3 "$ODD" list | sed 's/^/made-/') | "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" load -q
    digests made- --root "$BATS_TEST_TMPDIR/fresh" | diff "$EXPECTED" -
}

@test "through podman: load and save" {
    portable
    podman load -qi "$PORTABLE"
    # shellcheck disable=SC2046
    podman save -q -m -o "$BATS_TEST_TMPDIR/podman.tar" $(python3 "$ODD" list portable)
    "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" load -q -i "$BATS_TEST_TMPDIR/podman.tar"
    for name in $(python3 "$ODD" list portable); do
        id=$("$CBUILD" inspect "$name" | jq -r '.[0].Id')
        "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" tag "$id" "$name"
    done
    same_in "$BATS_TEST_TMPDIR/fresh"
}

@test "through skopeo: each into a layout, with other compression" {
    for name in $(python3 "$ODD" list); do
        skopeo copy -q --dest-compress-format zstd "docker-archive:$ALL:$name:latest" "oci:$BATS_TEST_TMPDIR/layout-$name:latest"
        id=$("$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" load -q -i "$BATS_TEST_TMPDIR/layout-$name" | grep -o 'sha256:[0-9a-f]*')
        "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" tag "$id" "$name"
        rm -rf "$BATS_TEST_TMPDIR/layout-$name"
    done
    same_in "$BATS_TEST_TMPDIR/fresh"
}

@test "through umoci: unpacked, and packed into layers of its own" {
    cd "$BATS_TEST_TMPDIR"
    for name in $(python3 "$ODD" list); do
        "$CBUILD" save --format oci-dir -o in "made-$name"
        umoci unpack --image in:latest from >/dev/null 2>&1
        umoci init --layout out
        umoci new --image out:new
        umoci unpack --image out:new to >/dev/null 2>&1
        cp -a from/rootfs/. to/rootfs/
        umoci repack --image out:new to >/dev/null 2>&1
        id=$("$CBUILD" --root fresh load -q -i out | grep -o 'sha256:[0-9a-f]*')
        "$CBUILD" --root fresh tag "$id" "$name"
        rm -rf in out from to
    done
    same_in fresh
}
