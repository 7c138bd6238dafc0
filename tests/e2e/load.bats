#!/usr/bin/env bats
# Plain layers of an archive are kept once: as their files, with what else their tars are made of.
load helpers
load helpers-registry

setup_file() {
    cb_store
    export ODD=$BATS_FILE_TMPDIR/odd
    python3 "$CB_TOP/tests/lib/odd-layers.py" "$ODD"
    mkdir "$BATS_FILE_TMPDIR/large"
    head -c 40000000 /dev/urandom >"$BATS_FILE_TMPDIR/large/file"
    for i in {1..300}; do head -c "$i" /dev/zero >"$BATS_FILE_TMPDIR/large/$i"; done
    printf 'FROM scratch\nCOPY . /\n' >"$BATS_FILE_TMPDIR/large/Dockerfile"
    "$CBUILD" build -q -t large "$BATS_FILE_TMPDIR/large" >/dev/null
    "$CBUILD" save -o "$BATS_FILE_TMPDIR/large.tar" large
}
teardown_file() { cb_drop_store; }
setup() { other=$CB_WORK/load-$BATS_TEST_NUMBER; }
teardown() { rm -rf "$other"; }

there() { "$CBUILD" --root "$other" "$@"; }
kilobytes() { du -s "$other" | cut -f1; }
outlines() { find "$other/snapshots" -maxdepth 2 -name outline | wc -l; }
# The digests of the layers as the archive $1 has them.
layers() {
    local path
    tar -xOf "$1" manifest.json | jq -r '.[].Layers[]' | while read -r path; do
        tar -xOf "$1" "$path" | sha256sum | cut -d' ' -f1
    done
}
check_sound() {
    run there fsck --deep
    expect_status 0
    expect_contains ' 0 problems'
}

@test "a plain layer takes its room once, from a file and from a pipe, and is saved as it came" {
    there load -qi "$BATS_FILE_TMPDIR/large.tar"
    [ "$(kilobytes)" -lt 44000 ]
    [ "$(outlines)" -eq 1 ]
    there prune -f
    check_sound
    there save -o "$BATS_TEST_TMPDIR/again.tar" large
    cmp "$BATS_FILE_TMPDIR/large.tar" "$BATS_TEST_TMPDIR/again.tar"
    [ "$(kilobytes)" -lt 44000 ]
    rm -rf "$other"
    there load -q <"$BATS_FILE_TMPDIR/large.tar"
    there load -q <"$BATS_FILE_TMPDIR/large.tar" # it is here
    there rmi large
    there prune -af
    gzip -1c "$BATS_FILE_TMPDIR/large.tar" | there load -q
    [ "$(kilobytes)" -lt 44000 ]
    [ -z "$(ls "$other/tmp")" ]
    check_sound
    there save large | cmp - "$BATS_FILE_TMPDIR/large.tar"
    there rmi large
    there prune -af
    [ "$(outlines)" -eq 0 ]
}

@test "a tar in any form is made again to the byte; one that its files cannot tell is kept" {
    for archive in "$ODD"/*.tar; do
        name=${archive##*/}
        name=${name%.tar}
        rm -rf "$other"
        if [ "${#name}" -gt 6 ]; then cat "$archive" | there load -q; else there load -qi "$archive"; fi
        case $name in
        kept-*) [ "$(outlines)" -eq 0 ] ;;
        *) [ "$(outlines)" -eq 1 ] ;;
        esac || { echo "$name: $(outlines) outlines"; return 1; }
        there save -o "$BATS_TEST_TMPDIR/out.tar" "$name:1"
        [ "sha256:$(layers "$BATS_TEST_TMPDIR/out.tar")" = "$(cat "$ODD/$name.diff-id")" ] || { echo "$name differs"; return 1; }
        check_sound
    done
}

@test "an image that was loaded is built on, pushed, pulled, put into layouts and optimized" {
    start_registry
    there load -qi "$ODD/pax.tar"
    printf 'FROM pax:1\nCOPY Dockerfile /\n' | there build -q -t more -f - "$BATS_FILE_TMPDIR/large"
    there save more >"$BATS_TEST_TMPDIR/more.tar"
    [ "sha256:$(layers "$BATS_TEST_TMPDIR/more.tar" | head -n 1)" = "$(cat "$ODD/pax.diff-id")" ]
    there push -q more "$REGISTRY/more:1"
    "$CBUILD" pull -q "$REGISTRY/more:1"
    "$CBUILD" inspect "$REGISTRY/more:1" | jq -e --arg id "$(cat "$ODD/pax.diff-id")" '.[0].RootFS.Layers[0] == $id'
    there save --format oci-archive more | "$CBUILD" load -q
    there save --format oci-dir -o "$BATS_TEST_TMPDIR/layout" more
    "$CBUILD" load -qi "$BATS_TEST_TMPDIR/layout"
    there load -qi "$BATS_FILE_TMPDIR/large.tar" # with a manifest of its own
    there save --format oci-dir -o "$BATS_TEST_TMPDIR/large" large
    [ "$(find "$BATS_TEST_TMPDIR/large/blobs" -size +39000k | wc -l)" -eq 1 ]
    check_sound
    stop_registry
}

@test "a file that has changed since is named by save and by fsck" {
    there load -qi "$ODD/pax.tar"
    printf x | dd of="$(ls "$other"/snapshots/*/fs/a/odd)" conv=notrunc status=none
    run there save -o "$BATS_TEST_TMPDIR/out.tar" pax:1
    expect_status 1
    expect_contains '`a/odd` is not what it was'
    run there fsck --deep
    expect_contains '`: `a/odd` is not what it was' '1 problems'
    [ "$(grep -o 'snapshot `' <<<"$output" | wc -l)" -eq 1 ]
    truncate -s 10 "$other"/snapshots/*/outline
    run there save -o "$BATS_TEST_TMPDIR/out.tar" pax:1
    expect_status 1
    there load -qi "$ODD/pax.tar"
    run there fsck --deep --repair
    there load -qi "$ODD/pax.tar"
    check_sound
}

@test "a load that is killed leaves a sound store and none of its room" {
    mkfifo "$BATS_TEST_TMPDIR/pipe"
    for bytes in 20000000 41000000; do
        "$CBUILD" --root "$other" load -q <"$BATS_TEST_TMPDIR/pipe" & # the process itself is killed
        pid=$!
        exec 9>"$BATS_TEST_TMPDIR/pipe"
        head -c "$bytes" "$BATS_FILE_TMPDIR/large.tar" >&9
        kill -9 "$pid"
        wait "$pid" || true
        exec 9>&-
        check_sound
        [ "$(kilobytes)" -lt 2000 ]
    done
    "$CBUILD" --root "$other" load -qi "$BATS_FILE_TMPDIR/large.tar" &
    pid=$!
    for _ in {1..2000}; do
        [ "$(outlines 2>/dev/null)" = 1 ] && break
        kill -0 "$pid" 2>/dev/null || break
    done
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" || true
    check_sound
    there load -qi "$BATS_FILE_TMPDIR/large.tar"
    there save large | cmp - "$BATS_FILE_TMPDIR/large.tar"
    [ "$(kilobytes)" -lt 44000 ]
}

@test "a compressed layout is copied only as far as there is room" {
    "$CBUILD" save --format oci-archive --compression uncompressed large | zstd -q1 >"$BATS_TEST_TMPDIR/layout.tar.zst"
    printf 'FROM base\n' >"$BATS_TEST_TMPDIR/Dockerfile"
    run there --max-store 20m build -t x --build-context "base=oci-layout://$BATS_TEST_TMPDIR/layout.tar.zst" "$BATS_TEST_TMPDIR"
    expect_status 1
    expect_contains 'a copy of the archive takes more than 20971520 bytes'
    [ "$(kilobytes)" -lt 2000 ]
    there build -q -t x --build-context "base=oci-layout://$BATS_TEST_TMPDIR/layout.tar.zst" "$BATS_TEST_TMPDIR"
}

@test "a layer of zeros, which gzip makes over a thousand times smaller, needs --max-layer-size and takes no room" {
    python3 - "$BATS_TEST_TMPDIR" <<'END'
import hashlib, io, json, sys, tarfile, zlib
info = tarfile.TarInfo("zeros")
info.size = 1344 << 20
piece = bytes(64 << 20)
pieces = [info.tobuf()] + [piece] * (info.size // len(piece)) + [bytes(10240)]
digest, layer, packed = hashlib.sha256(), b"", {}
for each in pieces:
    digest.update(each)
    if id(each) not in packed:
        packer = zlib.compressobj(9, wbits=31)
        packed[id(each)] = packer.compress(each) + packer.flush()
    layer += packed[id(each)]
assert info.size > 1000 * len(layer)
config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                     "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest.hexdigest()]}}).encode()
manifest = json.dumps([{"Config": "c.json", "RepoTags": ["zeros:1"], "Layers": ["layer.tar"]}]).encode()
with tarfile.open(sys.argv[1] + "/zeros.tar", "w") as tar:
    for path, data in ("c.json", config), ("layer.tar", layer), ("manifest.json", manifest):
        info = tarfile.TarInfo(path)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
END
    run there load -qi "$BATS_TEST_TMPDIR/zeros.tar"
    expect_status 1
    expect_contains 'unpacks to more than 1000 times its size' '--max-layer-size'
    run there --max-layer-size 1g load -qi "$BATS_TEST_TMPDIR/zeros.tar"
    expect_status 1
    expect_contains 'larger than 1073741824 bytes unpacked'
    run there --max-layer-size lots load -qi "$BATS_TEST_TMPDIR/zeros.tar"
    expect_contains 'invalid argument "lots" for "--max-layer-size"'
    run find "$other/snapshots" -name zeros
    expect_output ''
    CBUILD_MAX_LAYER_SIZE=2g there load -qi "$BATS_TEST_TMPDIR/zeros.tar"
    [ "$(kilobytes)" -lt 40000 ]
    [ "$(stat -c %s "$other"/snapshots/*/fs/zeros)" -eq $((1344 << 20)) ]
}
