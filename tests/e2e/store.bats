#!/usr/bin/env bats
# What becomes of a store that is older, newer or damaged.
load helpers
load ../lib/peers

setup_file() {
    cb_store
    registry_start
    printf 'FROM busybox\nRUN echo content >/file\nCMD ["cat", "/file"]\n' | cb_image "$REGISTRY/made:1"
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

# Runs SQL on an index, rows go to standard output: sqlite FILE SQL|-
sqlite() {
    python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
if sys.argv[2] == "-":
    db.executescript(sys.stdin.read())
else:
    for part in sys.argv[2].split(";"):
        for row in db.execute(part):
            print(*row, sep="|")' "$@"
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
        { echo 'PRAGMA journal_mode=WAL;' && cat "$from.sql"; } | sqlite meta.db -
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
        [ "$(sqlite "$CBUILD_ROOT/meta.db" 'PRAGMA user_version')" -ge 3 ]
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
    sqlite "$CBUILD_ROOT/meta.db" "SELECT type,name,tbl_name,replace(sql,' ','') FROM sqlite_master ORDER BY 1,2" >"$BATS_TEST_TMPDIR/new"
    [ -s "$BATS_TEST_TMPDIR/new" ]
    for version in 1 2; do
        rm -rf "$CBUILD_ROOT"
        old_store $version
        "$CBUILD" images >/dev/null
        sqlite "$CBUILD_ROOT/meta.db" "SELECT type,name,tbl_name,replace(sql,' ','') FROM sqlite_master ORDER BY 1,2" | diff "$BATS_TEST_TMPDIR/new" -
    done
}

@test "who made an image leaves no log of the index for the next start to replay" {
    "$CBUILD" import "$CB_BASES/busybox.tar" a:1
    "$CBUILD" tag a:1 a:2
    [ "$(head -c 32 "$CBUILD_ROOT/meta.db-wal" | tr -d '\0' | wc -c)" -ne 0 ] # a few pages stay
    "$CBUILD" import -c 'CMD ["x"]' "$CB_BASES/busybox.tar" a:3
    [ "$(head -c 32 "$CBUILD_ROOT/meta.db-wal" | tr -d '\0' | wc -c)" -eq 0 ]
    cbuild images --format "{{.Tag}}" a
    [ "${#lines[@]}" -eq 3 ]
}

@test "a store that a later cbuild wrote is refused, and left as it is" {
    old_store 2
    sqlite "$CBUILD_ROOT/meta.db" 'PRAGMA user_version=99; PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
    cp "$CBUILD_ROOT/meta.db" "$BATS_TEST_TMPDIR/before"
    for command in images 'fsck --repair' prune\ -f; do
        # shellcheck disable=SC2086
        run "$CBUILD" $command
        expect_status 1
        expect_contains 'version 99' 'written by a later cbuild'
    done
    cmp "$CBUILD_ROOT/meta.db" "$BATS_TEST_TMPDIR/before"
}

@test "many processes that come first to the same store make one, and none is refused" {
    for turn in $(seq 10); do
        rm -rf "$CBUILD_ROOT"
        for i in $(seq 12); do
            (echo FROM scratch | "$CBUILD" build -q - >/dev/null || echo "failed: $turn") 2>>"$BATS_TEST_TMPDIR/errors" &
        done
        wait
    done
    run sort -u "$BATS_TEST_TMPDIR/errors"
    expect_output ''
    fsck_clean
}

@test "a store whose making was cut short at any moment is made by the next command" {
    for left in gc.lock 'gc.lock meta.db' 'gc.lock meta.db meta.db-journal' 'gc.lock driver meta.db format.new'; do
        rm -rf "$CBUILD_ROOT"
        (umask 077 && mkdir -p "$CBUILD_ROOT/tmp/try/lower" && cd "$CBUILD_ROOT" && touch $left)
        run "$CBUILD" import "$CB_BASES/busybox.tar" busybox
        expect_status 0
        fsck_clean
    done
}

@test "a store on another disk, below a long path with colons, commas and backslashes, of 130 layers" {
    local mnt=$BATS_TEST_TMPDIR/mnt
    mkdir -p "$mnt" "$BATS_TEST_TMPDIR/context"
    mount -t tmpfs -o size=100m none "$mnt"
    export CBUILD_ROOT="$mnt/a:b,c\\d e:lowerdir=/,upperdir=/tmp/$(printf 'x%.0s' $(seq 200))/store"
    {
        echo FROM busybox
        for i in $(seq 130); do echo "COPY f /f$i"; done
        echo 'RUN ls / > /list; ls / | grep -c "^f[0-9]*$" > /count; rm /f1; ! test -e /root/.cbuild-host'
    } >"$BATS_TEST_TMPDIR/context/Dockerfile"
    echo x >"$BATS_TEST_TMPDIR/context/f"
    "$CBUILD" import "$CB_BASES/busybox.tar" busybox
    run timeout 60 "$CBUILD" build --progress=plain --network=none -t many "$BATS_TEST_TMPDIR/context"
    built=$status text=$output
    run "$CBUILD" run --rm --network none many sh -c 'cat /count; ls -d /f1 /f130 /mnt /boot /home 2>/dev/null'
    shown=$output
    run "$CBUILD" fsck --deep
    sound=$status
    umount "$mnt"
    [ "$built $sound" = '0 0' ] || { echo "$text"; return 1; }
    output=$shown
    expect_output $'130\n/f130'
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

# Overwrites part of a file: tear FILE OFFSET LENGTH
tear() {
    dd if=/dev/urandom of="$1" bs=1 seek="$2" count="$3" conv=notrunc status=none
}

@test "an index that cannot be read at all is made anew of the blobs" {
    "$CBUILD" pull -q "$REGISTRY/made:1"
    id=$("$CBUILD" images -q --no-trunc)
    for damage in 'tear meta.db 0 4096' 'truncate -s 1000 meta.db' 'rm meta.db'; do
        (cd "$CBUILD_ROOT" && rm -f meta.db-wal meta.db-shm && $damage)
        run "$CBUILD" images
        expect_status 1
        run "$CBUILD" fsck --repair
        expect_status 0
        expect_contains 'made anew' '1 images were found by their blobs'
        fsck_clean
        run "$CBUILD" images -aq --no-trunc
        expect_output "$id"
        run "$CBUILD" run --rm --network none "$id"
        expect_output content
        run "$CBUILD" pull "$REGISTRY/made:1"
        expect_status 0
    done
    [ -z "$(find "$CBUILD_ROOT" -name salvage)" ]
}

@test "of a torn index what is whole is kept: names, images, layers" {
    printf 'FROM scratch\nCOPY f /f\n' >"$BATS_TEST_TMPDIR/Dockerfile"
    for i in $(seq 40); do
        echo "$i" >"$BATS_TEST_TMPDIR/f"
        "$CBUILD" build -q -t "img:$i" "$BATS_TEST_TMPDIR" >/dev/null
    done
    sqlite "$CBUILD_ROOT/meta.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
    # the top page of the cache records, which are only a cache
    page=$(python3 - "$CBUILD_ROOT/meta.db" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
print(db.execute("select rootpage from sqlite_master where name='records'").fetchone()[0])
END
    )
    tear "$CBUILD_ROOT/meta.db" $(((page - 1) * 4096)) 200
    run "$CBUILD" fsck
    expect_status 1
    run "$CBUILD" fsck --repair
    expect_status 0
    expect_contains 'made anew' 'rows could be read'
    [ -f "$CBUILD_ROOT/meta.db.damaged" ]
    fsck_clean
    [ "$("$CBUILD" images -q | wc -l)" -eq 40 ]
    "$CBUILD" save img:7 | tar -t >/dev/null
    echo 7 >"$BATS_TEST_TMPDIR/f"
    run "$CBUILD" build -t again "$BATS_TEST_TMPDIR"
    expect_status 0
    # the old index goes with the next repair that needs its place, and harms nobody until then
    run "$CBUILD" fsck --repair
    expect_status 0
    expect_contains ' 0 problems'
}

@test "layers whose parent the index has lost go with repair and come again" {
    printf 'FROM scratch\nCOPY one /\nCOPY two /\n' >"$BATS_TEST_TMPDIR/Dockerfile"
    for i in one two; do head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/$i"; done
    "$CBUILD" build -q -t img "$BATS_TEST_TMPDIR" >/dev/null
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/img.tar" img
    for damage in row page; do
        rm -rf --one-file-system "$CBUILD_ROOT"
        "$CBUILD" load -qi "$BATS_TEST_TMPDIR/img.tar"
        sqlite "$CBUILD_ROOT/meta.db" "DELETE FROM snapshots WHERE parent='';PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
        page=$(sqlite "$CBUILD_ROOT/meta.db" "SELECT rootpage FROM sqlite_master WHERE name='records'")
        [ "$damage" = row ] || tear "$CBUILD_ROOT/meta.db" $(((page - 1) * 4096)) 200
        run "$CBUILD" fsck --repair
        expect_status 1
        expect_contains 'is missing; pull or build it again'
        "$CBUILD" load -qi "$BATS_TEST_TMPDIR/img.tar"
        fsck_clean
        "$CBUILD" save img | cmp - "$BATS_TEST_TMPDIR/img.tar"
    done
}

@test "an index is not made anew below another process" {
    "$CBUILD" pull -q "$REGISTRY/made:1"
    (cd "$CBUILD_ROOT" && rm -f meta.db-wal meta.db-shm && tear meta.db 0 4096)
    touch "$CBUILD_ROOT/leases/0123456789abcdef0123456789abcdef"
    run flock "$CBUILD_ROOT/leases/0123456789abcdef0123456789abcdef" "$CBUILD" fsck --repair
    expect_status 1
    expect_contains 'while another process works in it'
    run "$CBUILD" fsck --repair
    expect_status 0
}

@test "half a snapshot is removed, one that is being made is not" {
    "$CBUILD" pull -q "$REGISTRY/made:1"
    mkdir -p "$CBUILD_ROOT/snapshots/00000000000000000000000000000001/fs/x"
    mkdir -p "$CBUILD_ROOT/snapshots/00000000000000000000000000000002/fs/x"
    lease=$CBUILD_ROOT/leases/0123456789abcdef0123456789abcdef
    echo a00000000000000000000000000000002 >"$lease"
    run flock "$lease" "$CBUILD" fsck --repair
    expect_status 0
    expect_contains 'snapshot `00000000000000000000000000000001`: half made, no row knows it: removed'
    [ -d "$CBUILD_ROOT/snapshots/00000000000000000000000000000002" ]
    [ ! -d "$CBUILD_ROOT/snapshots/00000000000000000000000000000001" ]
}
