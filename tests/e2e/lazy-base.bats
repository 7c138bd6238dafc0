#!/usr/bin/env bats
# A base image whose files nobody asks for is not fetched: images that add metadata, or linked layers, are made and sent without it.
load helpers
load helpers-registry

setup_file() {
    cb_store
    export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    start_registry
    export REGISTRY REGISTRY_PID LOG=$BATS_FILE_TMPDIR/registry/log
    "$CBUILD" tag busybox "$REGISTRY/base"
    "$CBUILD" push -q "$REGISTRY/base" >/dev/null
}
teardown_file() { stop_registry; cb_drop_store; rm -rf --one-file-system "$STORE-other"; }
setup() {
    cb_dir
    printf 'FROM %s/base\nLABEL only=metadata\nENV A=b\nCMD ["echo", "ran"]\n' "$REGISTRY" >"$DIR/Dockerfile"
    # A machine that has nothing.
    rm -rf --one-file-system "$STORE-other"
    export CBUILD_ROOT=$STORE-other
    repository=app$BATS_TEST_NUMBER
    name=$REGISTRY/$repository:1
    forget
}

send() { "$CBUILD" build --progress=plain --push -t "$name" "$@" "$DIR"; }
# layer_gets: how often a layer was fetched since the last `forget`: not the configs, which are small.
layer_gets() { tail -c "+$SEEN" "$LOG" | grep '"GET /v2/[^ ]*/blobs/' | awk '$10 > 100000' | wc -l; }
gets_are() { [ "$(layer_gets)" = "$1" ]; } # the registry notes one when it has sent it
forget() { SEEN=$(($(stat -c %s "$LOG") + 1)); }
unpacked() { ls "$CBUILD_ROOT/snapshots" | wc -l; }
manifest() { curl -sf --noproxy '*' -H 'Accept: application/vnd.oci.image.manifest.v1+json' -H 'Accept: application/vnd.oci.image.index.v1+json' "http://$REGISTRY/v2/${1%:*}/manifests/${1##*:}"; }

@test "metadata alone: pushed by a mount, without a layer fetched or unpacked" {
    run send
    expect_status 0
    expect_contains "FROM $REGISTRY/base" 'Mounted from base'
    [ "$(layer_gets)" = 0 ]
    [ "$(unpacked)" = 0 ]
    # The same image as from a store that has the base.
    id=$("$CBUILD" images -q --no-trunc "$name")
    CBUILD_ROOT=$STORE run "$CBUILD" build -q "$DIR"
    expect_output "$id"
}

@test "the image that was pushed is there: run, by name, another name or id, fetches its layers once" {
    send
    "$CBUILD" tag "$name" elsewhere:1
    run "$CBUILD" run --rm --network none elsewhere:1
    expect_status 0
    expect_output ran
    wait_until gets_are 1
    run "$CBUILD" run --rm --network none "$("$CBUILD" images -q elsewhere:1)" cat /etc/passwd
    expect_status 0
    wait_until gets_are 1
}

@test "linked layers on a base: pushed without it, and run here with it" {
    printf 'FROM %s/base\nCOPY --link data /data\nCOPY --link <<X /more/x\nx\nX\nLABEL a=b\n' "$REGISTRY" >"$DIR/Dockerfile"
    echo data >"$DIR/data"
    run send
    expect_status 0
    expect_contains 'Mounted from base'
    [ "$(layer_gets)" = 0 ]
    [ "$(manifest "$repository:1" | jq '.layers | length')" = 3 ]
    id=$("$CBUILD" images -q --no-trunc "$name")
    run "$CBUILD" run --rm --network none "$name" sh -c 'cat /data /more/x; ls /bin/sh'
    expect_status 0
    expect_output $'data\nx\n/bin/sh'
    # Also the builds after it, which have the base, make that image.
    run "$CBUILD" build -q "$DIR"
    expect_output "$id"
    CBUILD_ROOT=$STORE "$CBUILD" pull -q "$name"
    CBUILD_ROOT=$STORE run "$CBUILD" run --rm --network none "$name" cat /data
    expect_output data
}

@test "a step that needs a file has the base fetched" {
    printf 'FROM %s/base\nCOPY --link <<X /x\nx\nX\nWORKDIR /w\n' "$REGISTRY" >"$DIR/Dockerfile"
    send
    wait_until gets_are 1
}

@test "a stage nobody takes files from costs nothing, one that somebody does is fetched" {
    printf 'FROM %s/base AS a\nENV A=1\nFROM a\nENV B=2\n' "$REGISTRY" >"$DIR/Dockerfile"
    send
    [ "$(layer_gets)" = 0 ]
    printf 'FROM %s/base AS a\nFROM scratch\nCOPY --from=a /etc/passwd /\n' "$REGISTRY" >"$DIR/Dockerfile"
    send
    wait_until gets_are 1
}

@test "another registry gets the blobs as they are, without anything being unpacked" {

    blob=$(manifest base:latest | jq -r '.layers[0].digest')
    start_hostile_registry
    run "$CBUILD" build --progress=plain --push -t "$HOSTILE/good/app:1" "$DIR"
    expect_status 0
    wait_until gets_are 1
    [ "$(unpacked)" = 0 ]
    grep -q '"PUT".*/good/app/manifests/1' "$HOSTILE_LOG"
    [ "$(curl -s --noproxy '*' "http://$HOSTILE/v2/good/app/blobs/$blob" | sha256sum | cut -d' ' -f1)" = "${blob#sha256:}" ]
    stop_hostile_registry
}

@test "an archive gets the blobs as they are, docker's the plain tars" {
    run "$CBUILD" build -q -o "type=oci,dest=$BATS_TEST_TMPDIR/o.tar" -t x "$DIR"
    expect_status 0
    wait_until gets_are 1
    [ "$(unpacked)" = 0 ]
    run "$CBUILD" build -q -o "type=docker,dest=$BATS_TEST_TMPDIR/d.tar" -t x "$DIR"
    expect_status 0
    wait_until gets_are 1
    [ "$(unpacked)" = 0 ]
    for file in o d; do
        rm -rf --one-file-system "$CBUILD_ROOT"
        "$CBUILD" load -q -i "$BATS_TEST_TMPDIR/$file.tar"
        run "$CBUILD" run --rm --network none x
        expect_output ran
    done
}

@test "an image for this store is for running: its base is fetched with it" {
    "$CBUILD" build -q -t here "$DIR"
    wait_until gets_are 1

    printf 'FROM here\nRUN true\n' | "$CBUILD" build -q --offline - >/dev/null
}

@test "nothing is fetched for a build that keeps nothing" {
    run "$CBUILD" build --progress=plain -o type=cacheonly "$DIR"
    expect_status 0
    expect_contains '1 step: 1 cached, 0 run'
    [ "$(layer_gets)" = 0 ]
}

@test "what is not here: saved, pushed on and built on all the same, and no fault to fsck" {
    send
    run "$CBUILD" fsck
    expect_status 0
    expect_contains '0 problems'
    "$CBUILD" tag "$name" elsewhere:1
    "$CBUILD" tag elsewhere:1 "$REGISTRY/third:1"
    run "$CBUILD" push "$REGISTRY/third:1"
    expect_status 0
    expect_contains "Mounted from $repository"
    [ "$(layer_gets)" = 0 ]
    cmp <(manifest "$repository:1") <(manifest third:1)
    "$CBUILD" image prune -f >/dev/null
    "$CBUILD" prune -af >/dev/null
    "$CBUILD" save elsewhere:1 -o "$BATS_TEST_TMPDIR/s.tar"
    wait_until gets_are 1
    [ "$(unpacked)" = 0 ]
    printf 'FROM elsewhere:1\nRUN test -e /bin/sh\n' | "$CBUILD" build -q - >/dev/null
    wait_until gets_are 1
}

@test "offline, bytes that are wanted and not here are named" {
    send

    run "$CBUILD" build --progress=plain --offline -t img "$DIR"
    expect_status 1
    expect_contains "layer sha256:" "registry \`$REGISTRY\` may not be asked (--offline)"
    # Those that are not wanted are not missed.
    run "$CBUILD" build --progress=plain --offline -o type=cacheonly "$DIR"
    expect_status 0
    [ "$(layer_gets)" = 0 ]
}

@test "an archive for which a layer cannot be had is not written" {
    "$CBUILD" build -q -o type=cacheonly "$DIR"
    run "$CBUILD" build --progress=plain --offline -o "type=oci,dest=$BATS_TEST_TMPDIR/o.tar" "$DIR"
    expect_status 1
    expect_contains "may not be asked (--offline)"
    [ ! -e "$BATS_TEST_TMPDIR/o.tar" ]
}

@test "several platforms: an index without a layer fetched, and each image known where it went" {
    printf 'FROM %s/base\nARG TARGETARCH\nLABEL arch=$TARGETARCH\n' "$REGISTRY" >"$DIR/Dockerfile"
    mkdir "$DIR/base"
    head -c 200000 /dev/urandom >"$DIR/base/amd64"
    head -c 200000 /dev/urandom >"$DIR/base/arm64"
    printf 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /file\n' >"$DIR/base/Dockerfile"
    CBUILD_ROOT=$STORE "$CBUILD" build -q --platform linux/amd64,linux/arm64 --push -t "$REGISTRY/multi" "$DIR/base" >/dev/null
    sed -i 's,/base,/multi,' "$DIR/Dockerfile"
    forget
    run send --platform linux/amd64,linux/arm64
    expect_status 0
    [ "$(layer_gets)" = 0 ]
    [ "$(manifest "$repository:1" | jq '.manifests | length')" = 2 ]
    run "$CBUILD" save --platform linux/arm64 "$name" -o "$BATS_TEST_TMPDIR/arm.tar"
    expect_status 0
    wait_until gets_are 1
}

@test "a base whose bytes are not what it says goes into no archive and to no other registry" {
    start_hostile_registry
    for mode in wrongdigest diffid short long; do
        printf 'FROM %s/%s/image\nLABEL a=b\n' "$HOSTILE" "$mode" >"$DIR/Dockerfile"
        run "$CBUILD" build --progress=plain -o "type=oci,dest=$BATS_TEST_TMPDIR/o.tar" "$DIR"
        expect_status 1
        [ ! -e "$BATS_TEST_TMPDIR/o.tar" ]
        run send
        expect_status 1
        run manifest "$repository:1"
        [ "$status" -ne 0 ]
        run "$CBUILD" images -aq
        expect_output ''
        run "$CBUILD" fsck
        expect_contains ' 0 problems'
    done
    stop_hostile_registry
}

@test "a registry that mounts nothing gets the blob through the store" {
    start_hostile_registry
    CBUILD_ROOT=$STORE "$CBUILD" tag busybox "$HOSTILE/nomount/base"
    CBUILD_ROOT=$STORE "$CBUILD" push -q "$HOSTILE/nomount/base" >/dev/null
    printf 'FROM %s/nomount/base\nLABEL a=b\n' "$HOSTILE" >"$DIR/Dockerfile"
    run "$CBUILD" build --progress=plain --push -t "$HOSTILE/nomount/app:1" "$DIR"
    expect_status 0
    [ "$(unpacked)" = 0 ]
    rm -rf --one-file-system "$CBUILD_ROOT"
    run "$CBUILD" run --rm --network none "$HOSTILE/nomount/app:1" echo whole
    expect_contains whole
    stop_hostile_registry
}

# A build of three steps, whose cache is in the registry, and its image's id.
cached_build() {
    printf 'FROM %s/base AS tool\nRUN echo tool >/tool\nFROM %s/base\nCOPY file /file\nRUN cat /proc/sys/kernel/random/uuid >/random\nCOPY --from=tool /tool /tool\nLABEL a=b\n' "$REGISTRY" "$REGISTRY" >"$DIR/Dockerfile"
    echo one >"$DIR/file"
    id=$("$CBUILD" build -q --network none --cache-to "type=registry,ref=$REGISTRY/cache:$BATS_TEST_NUMBER" "$DIR")
    rm -rf --one-file-system "$CBUILD_ROOT"
    forget
}

@test "a result that a registry's cache has is sent from there, without passing through here" {
    cached_build
    run send --network none --cache-from "$REGISTRY/cache:$BATS_TEST_NUMBER"
    expect_status 0
    expect_contains 'Mounted from cache' ' 0 run' "image $id"
    [ "$(layer_gets)" = 0 ]
    [ "$(unpacked)" = 0 ]
    run "$CBUILD" run --rm --network none "$name" cat /file /tool
    expect_output $'one\ntool'
    # Its layers are here by now, and nothing has changed.
    run send --network none --cache-from "$REGISTRY/cache:$BATS_TEST_NUMBER"
    expect_contains ' 0 run' "image $id"
    # One for which it is not enough takes what it needs.
    echo two >"$DIR/file"
    run send --network none --cache-from "$REGISTRY/cache:$BATS_TEST_NUMBER"
    expect_status 0
    run "$CBUILD" run --rm --network none "$name" cat /file /tool
    expect_output $'two\ntool'
}

@test "a result that the cache has lost since is made again" {
    cached_build
    layer=$(manifest "cache:$BATS_TEST_NUMBER" | jq -r '.layers[2].digest')
    curl -sf --noproxy '*' -X DELETE "http://$REGISTRY/v2/cache/blobs/$layer"
    run send --network none --cache-from "$REGISTRY/cache:$BATS_TEST_NUMBER"
    expect_status 0
    expect_contains 'is not used any further'
    run "$CBUILD" run --rm --network none "$name" cat /file /tool
    expect_output $'one\ntool'
}

@test "a cache that is written, or other compression, has the bytes and fetches them" {
    run send --cache-to "type=registry,ref=$REGISTRY/cache:x"
    expect_status 0
    wait_until gets_are 1
    rm -rf --one-file-system "$CBUILD_ROOT"
    forget
    run "$CBUILD" build --progress=plain -o "type=registry,name=$name,compression=zstd,force-compression=true" "$DIR"
    expect_status 0
    wait_until gets_are 1
    [ "$(unpacked)" = 0 ]
    manifest "$repository:1" | jq -e '.layers[0].mediaType | endswith("zstd")'
}

@test "a push that fails leaves no image behind that nobody can fetch" {
    run "$CBUILD" build --progress=plain --push -t "127.0.0.1:1/nobody/app" "$DIR"
    expect_status 1
    expect_contains 127.0.0.1:1
    run "$CBUILD" images -aq
    expect_output ''
}

@test "linked layers that are known only when a step has run: the base is not fetched either" {
    printf '# cbuild=1\nFROM scratch AS tool\nCOPY --chmod=755 sh /bin/sh\nRUN --export=V=/v echo 5 >/v\nRUN echo "$V" >/made\nFROM %s/base\nCOPY --link --from=tool /made /made\n' \
        "$REGISTRY" >"$DIR/Dockerfile"
    tar -xOf "$CB_BASES/busybox.tar" ./bin/busybox >"$DIR/sh" 2>/dev/null || tar -xOf "$CB_BASES/busybox.tar" bin/busybox >"$DIR/sh"
    run send
    expect_status 0
    expect_contains 'Mounted from base'
    [ "$(layer_gets)" = 0 ]
    [ "$(manifest "$repository:1" | jq '.layers | length')" = 2 ]
    run "$CBUILD" run --rm --network none "$name" cat /made
    expect_output 5
}
