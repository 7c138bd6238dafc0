#!/usr/bin/env bats
# What becomes of a store that is older, newer or damaged.
load helpers
load ../lib/peers

setup_file() {
    cb_store
    registry_start
    mkdir -p "$BATS_FILE_TMPDIR/c"
    printf 'FROM busybox\nRUN echo content >/file\nCMD ["cat", "/file"]\n' >"$BATS_FILE_TMPDIR/c/Dockerfile"
    "$CBUILD" build -q -t "$REGISTRY/made:1" "$BATS_FILE_TMPDIR/c" >/dev/null
    "$CBUILD" push -q "$REGISTRY/made:1"
}

teardown_file() {
    registry_stop
    cb_drop_store
}

setup() {
    export CBUILD_ROOT=$CB_WORK/store-of-test
    rm -rf --one-file-system "$CBUILD_ROOT"
}

teardown() {
    rm -rf --one-file-system "$CBUILD_ROOT"
}

# A store as an earlier cbuild left it; tests/fixtures has its index. old_store VERSION
old_store() {
    local from=$BATS_TEST_DIRNAME/../fixtures/store-$1 snapshot digest
    snapshot=$(sed -n "s/^INSERT INTO snapshots VALUES('\([0-9a-f]*\)'.*/\1/p" "$from.sql")
    digest=$(sha256sum <"$from.config.json")
    (
        umask 077
        mkdir -p "$CBUILD_ROOT" && cd "$CBUILD_ROOT"
        mkdir -p blobs/sha256 ingest snapshots/"$snapshot" empty stat-index cache-mounts leases tmp
        (umask 022 && mkdir "snapshots/$snapshot/fs" && echo hi >"snapshots/$snapshot/fs/f")
        touch -d @1000000000 "snapshots/$snapshot/fs/f"
        install -m 444 "$from.config.json" "blobs/sha256/${digest%% *}"
        { echo 'PRAGMA journal_mode=WAL;' && cat "$from.sql"; } | sqlite3 meta.db >/dev/null
        echo 1 >format
    )
}

@test "a store of every earlier version is brought up to date, with all that is in it" {
    for version in 1 2; do
        rm -rf "$CBUILD_ROOT"
        old_store $version
        run "$CBUILD" images --format '{{.Repository}}:{{.Tag}}'
        expect_status 0
        expect_output $'again:2\nmade:1'
        [ "$(sqlite3 "$CBUILD_ROOT/meta.db" 'PRAGMA user_version')" -ge 3 ]
        fsck_clean
        "$CBUILD" save -o "$BATS_TEST_TMPDIR/made.tar" made:1
        "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" load -q -i "$BATS_TEST_TMPDIR/made.tar"
        "$CBUILD" tag made:1 third
        "$CBUILD" rmi again:2 made:1
        run "$CBUILD" du
        expect_status 0
        run "$CBUILD" history third
        expect_contains 'COPY f /f'
    done
}

@test "the tables are the same whether made anew or brought up to date" {
    "$CBUILD" load -q -i <(tar -c -T /dev/null) || true
    sqlite3 "$CBUILD_ROOT/meta.db" "SELECT type,name,tbl_name,replace(sql,' ','') FROM sqlite_master ORDER BY 1,2" >"$BATS_TEST_TMPDIR/new"
    [ -s "$BATS_TEST_TMPDIR/new" ]
    for version in 1 2; do
        rm -rf "$CBUILD_ROOT"
        old_store $version
        "$CBUILD" images >/dev/null
        sqlite3 "$CBUILD_ROOT/meta.db" "SELECT type,name,tbl_name,replace(sql,' ','') FROM sqlite_master ORDER BY 1,2" | diff "$BATS_TEST_TMPDIR/new" -
    done
}

@test "a store that a later cbuild wrote is refused, and left as it is" {
    old_store 2
    sqlite3 "$CBUILD_ROOT/meta.db" 'PRAGMA user_version=99; PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
    cp "$CBUILD_ROOT/meta.db" "$BATS_TEST_TMPDIR/before"
    for command in images 'fsck --repair' prune\ -f; do
        # shellcheck disable=SC2086
        run "$CBUILD" $command
        expect_status 1
        expect_contains 'version 99' 'written by a later cbuild'
    done
    cmp "$CBUILD_ROOT/meta.db" "$BATS_TEST_TMPDIR/before"
}

# Changes one bit in the middle of each blob.
flip_blobs() {
    python3 - "$CBUILD_ROOT/blobs/sha256" <<'END'
import os, sys
for directory, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(directory, name)
        os.chmod(path, 0o600)
        with open(path, "r+b") as blob:
            data = blob.read()
            blob.seek(len(data) // 2)
            blob.write(bytes([data[len(data) // 2] ^ 1]))
END
}

@test "fsck --repair fetches flipped blobs again: layers, configs, manifests" {
    "$CBUILD" pull -q "$REGISTRY/made:1"
    find "$CBUILD_ROOT/blobs" -type f | sort >"$BATS_TEST_TMPDIR/before"
    flip_blobs
    run "$CBUILD" fsck
    expect_status 1
    run "$CBUILD" fsck --repair
    expect_status 0
    [ "$(grep -c ': fetched again$' <<<"$output")" -eq "$(wc -l <"$BATS_TEST_TMPDIR/before")" ]
    find "$CBUILD_ROOT/blobs" -type f | sort | diff "$BATS_TEST_TMPDIR/before" -
    fsck_clean
    run "$CBUILD" run --rm --network none "$REGISTRY/made:1"
    expect_output content
}

@test "fsck --repair fetches what is gone altogether, and unpacked layers are made of it" {
    "$CBUILD" pull -q "$REGISTRY/made:1"
    rm -f "$CBUILD_ROOT"/blobs/sha256/*
    rm -rf "$CBUILD_ROOT"/snapshots/*
    run "$CBUILD" fsck --repair
    expect_status 0
    expect_contains 'is missing: fetched again'
    fsck_clean
    run "$CBUILD" run --rm --network none "$REGISTRY/made:1"
    expect_output content
}

@test "without a registry that has them, flipped blobs are removed, and said to be" {
    "$CBUILD" --root "$STORE" save -o "$BATS_TEST_TMPDIR/busybox.tar" busybox
    "$CBUILD" load -q -i "$BATS_TEST_TMPDIR/busybox.tar"
    flip_blobs
    run "$CBUILD" fsck --repair
    expect_contains ': removed'
    expect_lacks 'fetched again'
    "$CBUILD" load -q -i "$BATS_TEST_TMPDIR/busybox.tar"
    fsck_clean
}
