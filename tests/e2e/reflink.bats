# A store on file systems whose files can share blocks: it works there, and what is copied takes no room.
load helpers

BYTES=20000000

setup() {
    mnt=$BATS_TEST_TMPDIR/mnt
    mkdir "$mnt"
    truncate -s 400M "$BATS_TEST_TMPDIR/disk.img"
}
teardown() {
    "$CBUILD" rm -f box >/dev/null 2>&1
    unmount_below "$BATS_TEST_TMPDIR"
}

# Bytes in use on the disk.
in_use() {
    sync -f "$mnt"
    df --output=used -B1 "$mnt" | tail -n 1
}
# shares COMMAND…: it succeeds, and takes less than a tenth of what it copies.
shares() {
    local before after
    before=$(in_use)
    run "$@"
    [ "$status" -eq 0 ] || { echo "$*: status $status: $output"; return 1; }
    after=$(in_use)
    [ $((after - before)) -lt $((BYTES / 10)) ] || { echo "$*: $((after - before)) bytes more"; return 1; }
}

copies_share() {
    mount -o loop "$BATS_TEST_TMPDIR/disk.img" "$mnt"
    export CBUILD_ROOT=$mnt/store DIR=$mnt/context
    mkdir "$DIR"
    "$CBUILD" import "$CB_BASES/busybox.tar" busybox >/dev/null
    head -c "$BYTES" /dev/urandom >"$DIR/big"
    sum=$(sha256sum <"$DIR/big")
    printf 'FROM busybox AS from\nCOPY big /below\nRUN echo x > /x\nFROM busybox\nCOPY --from=from /below /copy\nRUN chmod 600 /copy\n' |
        dockerfile
    shares "$CBUILD" build -q --network none --target from "$DIR"
    shares "$CBUILD" build -q --network none -t img "$DIR"
    [ "$("$CBUILD" run --rm --network none img sha256sum /copy)" = "${sum%-}/copy" ]
    shares "$CBUILD" build -q --network none -o "$mnt/out" "$DIR"
    [ "$(sha256sum <"$mnt/out/copy")" = "$sum" ]
    echo more >>"$mnt/out/copy"
    [ "$("$CBUILD" run --rm --network none img sha256sum /copy)" = "${sum%-}/copy" ]
    "$CBUILD" run --name box --network none img sh -c 'cat /copy > /written'
    shares "$CBUILD" commit box again
    [ "$("$CBUILD" run --rm --network none again sha256sum /written)" = "${sum%-}/written" ]
    "$CBUILD" save --format oci-dir -o "$mnt/layout" img
    shares "$CBUILD" save --format oci-dir -o "$mnt/second" img
    [ "$("$CBUILD" info | sed -n 's/^ *Driver *//p')" = overlay ]
    fsck_clean
}

@test "on btrfs COPY, COPY --from, local output, commit and layouts share blocks" {
    mkfs.btrfs -q "$BATS_TEST_TMPDIR/disk.img"
    copies_share
}

@test "on xfs COPY, COPY --from, local output, commit and layouts share blocks" {
    mkfs.xfs -q "$BATS_TEST_TMPDIR/disk.img"
    copies_share
}
