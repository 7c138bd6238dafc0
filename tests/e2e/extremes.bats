#!/usr/bin/env bats
# What is legal and at a limit (tests/lib/extremes.py): it works and stays as it was, or the error says what is too much.
load helpers

setup_file() {
    export EXTREMES=$BATS_TEST_DIRNAME/../lib/extremes.py
    cb_store
}
teardown_file() { cb_drop_store; }
setup() { T=$BATS_TEST_TMPDIR; }
teardown() { unmount_below "$T"; }

@test "a file of 60,000 names stays one file, also where a layer is stacked on another parent or squashed" {
    python3 "$EXTREMES" links 60000 "$T/links.tar"
    "$CBUILD" load -q -i "$T/links.tar"
    printf 'FROM busybox\nCOPY --link --from=links / /a/\nRUN test $(stat -c %%h /a/file) = 60001 && test /a/file -ef /a/d/59999\n' |
        "$CBUILD" build -q --network none -t img - >/dev/null
    run "$CBUILD" squash -t squashed img
    expect_status 0
    "$CBUILD" save -o "$T/img.tar" squashed
    rm "$T/links.tar"
    "$CBUILD" --root "$T/other" load -q -i "$T/img.tar"
    run "$CBUILD" --root "$T/other" run --rm --network none squashed stat -c %h /a/file
    expect_output 60001
}

# bats test_tags=root
@test "attributes of 64 KiB are kept where the file system can; elsewhere the error says so" {
    python3 "$EXTREMES" xattr 65536 "$T/xattr.tar"
    mkdir "$T/tmpfs" "$T/ext4"
    mount -t tmpfs none "$T/tmpfs"
    "$CBUILD" --root "$T/tmpfs/store" load -q -i "$T/xattr.tar"
    printf 'FROM scratch\nCOPY --from=xattr / /\n' | "$CBUILD" --root "$T/tmpfs/store" build -q -o "type=tar,dest=$T/tree.tar" -
    run python3 -c 'import sys, tarfile; print(*(len(v) for m in tarfile.open(sys.argv[1]) for k, v in m.pax_headers.items() if "xattr" in k))' "$T/tree.tar"
    expect_output '65536 1'
    truncate -s 32M "$T/disk"
    mkfs.ext4 -qF "$T/disk"
    mount -o loop "$T/disk" "$T/ext4"
    run "$CBUILD" --root "$T/ext4/store" load -i "$T/xattr.tar"
    expect_status 1
    expect_contains 'set extended attribute `user.large` of 65536 bytes' 'hint: ext4 keeps 4 KiB'
    python3 "$EXTREMES" xattr 65537 "$T/more.tar"
    run "$CBUILD" --root "$T/tmpfs/store" load -i "$T/more.tar"
    expect_status 1
    expect_contains 'too much in extended attributes'
}

# bats test_tags=root
@test "attributes that the file system has no place for are left out, which is said once" {
    python3 "$EXTREMES" xattr 2 "$T/xattr.tar"
    mkdir "$T/ramfs"
    mount -t ramfs none "$T/ramfs"
    run "$CBUILD" --root "$T/ramfs/store" load -q -i "$T/xattr.tar"
    expect_status 0
    expect_contains 'warning: extended attributes of the archive are left out (2, first `user.'
    [ "$(grep -c warning <<<"$output")" = 1 ]
}

@test "2000 names of any bytes come back byte by byte" {
    mkdir -p "$T/context/names"
    python3 "$EXTREMES" names 2000 "$T/context/names"
    printf 'FROM scratch\nCOPY names /names\n' >"$T/context/Dockerfile"
    "$CBUILD" build -q -t img "$T/context" >/dev/null
    "$CBUILD" save img | "$CBUILD" --root "$T/other" load -q
    echo FROM img | "$CBUILD" --root "$T/other" build -q -o "$T/out" -
    diff -r "$T/context/names" "$T/out/names"
    run "$CBUILD" --root "$T/other" fsck --deep
    expect_status 0
}

@test "a path of more than 4096 bytes: steps have it, load refuses it" {
    mkdir "$T/context"
    # shellcheck disable=SC2016
    printf '%s\n' 'FROM busybox' \
        'RUN for i in $(seq 30); do d=$(printf "%0200d" $i); mkdir $d && cd $d; done; echo deep >file' \
        'RUN for i in $(seq 30); do cd $(printf "%0200d" $i); done; grep -q deep file' >"$T/context/Dockerfile"
    "$CBUILD" build -q --network none -t img "$T/context" >/dev/null
    "$CBUILD" save -o "$T/img.tar" img
    run "$CBUILD" --root "$T/other" load -i "$T/img.tar"
    expect_status 1
    expect_contains 'bytes is too long'
    "$CBUILD" rmi -f img >/dev/null
    "$CBUILD" builder prune -af >/dev/null
    fsck_clean
}

@test "500 layers make a tree that runs, 501 are refused" {
    python3 "$EXTREMES" layers 499 "$T/layers.tar"
    "$CBUILD" load -q -i "$T/layers.tar"
    printf 'FROM layers\nCOPY --from=busybox /bin /bin\n' | "$CBUILD" build -q -t img - >/dev/null
    run "$CBUILD" run --rm --network none img sh -c 'cat last layer-0 layer-498; ls / | grep -c layer-'
    expect_output '4980498499'
    run "$CBUILD" build -q - <<<$'FROM img\nCOPY --from=busybox /etc /etc\n'
    expect_status 1
    expect_contains 500
    python3 "$EXTREMES" layers 501 "$T/more.tar"
    run "$CBUILD" load -i "$T/more.tar"
    expect_status 1
    expect_contains 'more than the 500 allowed'
}

@test "a hole of a terabyte is no layer, and costs no time" {
    run "$CBUILD" build -q --network none - <<<$'FROM busybox\nRUN truncate -s 1024G /hole\n'
    expect_status 1
    expect_contains '`hole` of 1099511627776 bytes: a layer may have 68719476736, holes in files included'
}
