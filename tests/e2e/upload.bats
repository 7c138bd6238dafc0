#!/usr/bin/env bats
# Uploads of large layers: what the registry has got is not sent again, by this process or the next.
load helpers
load helpers-registry
load helpers-hostile

setup_file() {
    cb_store
    mkdir -p "$BATS_FILE_TMPDIR/c"
    head -c 20M /dev/urandom >"$BATS_FILE_TMPDIR/c/noise"
    printf 'FROM scratch\nCOPY noise /\n' | cb_image large
    export LARGE
    LARGE=$("$CBUILD" copy -q large "oci:$BATS_FILE_TMPDIR/layout:1")
}
teardown_file() { cb_drop_store; }
teardown() { stop_hostile_registry; }

push() {
    run timeout 60 "$CBUILD" push large "$HOSTILE/$1/large:1"
}
pushed_whole() {
    expect_status 0
    expect_contains "$LARGE"
    [ "sha256:$(curl -s "http://$HOSTILE/v2/$1/large/manifests/1" | sha256sum | cut -d' ' -f1)" = "$LARGE" ]
    layer=$(curl -s "http://$HOSTILE/v2/$1/large/manifests/1" | jq -r '.layers[0].digest')
    [ "sha256:$(curl -s "http://$HOSTILE/v2/$1/large/blobs/$layer" | sha256sum | cut -d' ' -f1)" = "$layer" ]
    run ls "$STORE/ingest"
    expect_output ''
}
# What the requests of METHOD said about ranges.
ranges_of() {
    jq -s -r --arg method "$1" '[.[] | select(.method == $method and (.path | test("large/blobs/uploads"))) | .sent // "all"] | join(" ")' "$HOSTILE_LOG"
}

@test "an upload that breaks off goes on where it was, in the same process" {
    start_hostile_registry
    push pushcut
    pushed_whole pushcut
    [ "$(ranges_of PATCH | sed 's/-[0-9]*//g')" = 'all 6291456 12582912 18874368' ]
}

@test "an upload whose process is killed is continued by the next" {
    start_hostile_registry
    "$CBUILD" push large "$HOSTILE/pushhang/large:1" >/dev/null 2>&1 3>&- &
    pid=$!
    wait_until grep -q '"event": "cut"' "$HOSTILE_LOG"
    kill -9 $pid
    wait $pid || true
    push pushhang
    pushed_whole pushhang
    [ "$(ranges_of PATCH | sed 's/-[0-9]*//g')" = 'all 6291456' ]
}

@test "an upload that cannot be asked about now is continued later" {
    start_hostile_registry
    push pushstatus
    expect_status 1
    push pushstatus
    pushed_whole pushstatus
    [ "$(ranges_of PATCH | sed 's/-[0-9]*//g')" = 'all 6291456' ]
}

@test "a registry that forgets, takes no parts, or lies about them gets the whole anew" {
    start_hostile_registry
    for mode in pushforget pushnopatch push416 pushrangelie; do
        push $mode
        pushed_whole $mode
    done
    [ "$(ranges_of PATCH | wc -w)" -le 20 ]
}

@test "a token that grows too old while a layer is sent is replaced, and a login's token that is good for once, too" {
    start_hostile_registry --auth token-rotating
    export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
    "$CBUILD" login -u tester --password-stdin "$HOSTILE" <<<opensesame
    kept=$(jq -r '.auths[].identitytoken' "$DOCKER_CONFIG/config.json")
    [[ $kept == token-of-the-login-* ]]
    bearer() { jq -r '.authorization // empty' "$HOSTILE_LOG" | grep Bearer | tail -1; }
    for name in pushexpire pushexpired; do
        push $name
        expect_status 0
        expect_contains "$LARGE"
        [ "sha256:$(curl -s -H "Authorization: $(bearer)" "http://$HOSTILE/v2/$name/large/manifests/1" | sha256sum | cut -d' ' -f1)" = "$LARGE" ]
        # the file has what the login got: each process goes on from there, where the server lets it
        [ "$(jq -r '.auths[].identitytoken' "$DOCKER_CONFIG/config.json")" = "$kept" ]
        "$CBUILD" login -u tester --password-stdin "$HOSTILE" <<<opensesame
        kept=$(jq -r '.auths[].identitytoken' "$DOCKER_CONFIG/config.json")
    done
    # nothing of it was asked for with the password, and none of the tokens twice
    [ "$(jq -s '[.[] | select((.path | startswith("/token")) and .method == "GET")] | length' "$HOSTILE_LOG")" -eq 3 ]
    [ "$(jq -s '[.[] | select((.path | startswith("/token")) and .method == "POST")] | length' "$HOSTILE_LOG")" -ge 4 ]
}

@test "the address of the next part may be elsewhere; the password stays" {
    start_hostile_registry --auth basic
    export REGISTRY_AUTH_FILE=$BATS_TEST_TMPDIR/auth.json
    printf '{"auths":{"%s":{"auth":"%s"}}}' "$HOSTILE" "$(printf tester:opensesame | base64)" >"$REGISTRY_AUTH_FILE"
    chmod 600 "$REGISTRY_AUTH_FILE"
    push pushpatchredir
    push pushlie
    expect_status 1
    expect_contains 'the registry stored'
    run jq -s -r '.[] | select(.server == "other") | select(.authorization != null) | .path' "$HOSTILE_LOG"
    expect_output ''
    grep -q '"server": "other"' "$HOSTILE_LOG"
    run grep -r -l -e opensesame "$STORE"
    expect_output ''
}

# In a store of its own, where the layer has no blob yet: push_fresh STORE MODE [OPTIONS]
push_fresh() {
    "$CBUILD" --root "$BATS_TEST_TMPDIR/$1" build -q -t large "$BATS_FILE_TMPDIR/c" >/dev/null
    STORE=$BATS_TEST_TMPDIR/$1
    run timeout 60 "$CBUILD" --root "$STORE" push ${3:-} large "$HOSTILE/$2/large:1"
    LARGE=$(grep -o 'sha256:[0-9a-f]* size' <<<"$output" | cut -d' ' -f1)
    pushed_whole "$2"
}
requests() {
    jq -s -r '[.[] | select(.path | test("large/blobs")) | .method + (if .chunked then "+" else "" end)] | join(" ")' "$HOSTILE_LOG"
}

@test "a layer is sent while it is compressed, and its digest after it" {
    start_hostile_registry
    push_fresh one good '--compression zstd --compression-level 12' # slow enough
    [[ "$(requests)" == 'POST PATCH+ '*PUT* ]]
}

@test "what breaks while a layer is compressed goes on as usual" {
    start_hostile_registry
    push_fresh one pushcut
    [ "$(ranges_of PATCH | sed 's/-[0-9]*//g')" = 'all 6291456 12582912 18874368' ]
    push_fresh two pushlength
}

@test "a layer that the registry turns out to have is sent no further" {
    start_hostile_registry
    push_fresh one pushthere
    : >"$HOSTILE_LOG"
    push_fresh two pushthere
    [[ "$(requests)" == *'DELETE'* ]]
}

@test "a layer that an archive brought is compressed, unless that makes it no smaller" {
    start_hostile_registry
    "$CBUILD" save large busybox | "$CBUILD" --root "$BATS_TEST_TMPDIR/loaded" load -q
    for image in large busybox; do
        "$CBUILD" --root "$BATS_TEST_TMPDIR/loaded" push -q "$image" "$HOSTILE/good/$image:1"
    done
    type_of() { curl -s "http://$HOSTILE/v2/good/$1/manifests/1" | jq -r '.layers[].mediaType'; }
    [ "$(type_of large)" = application/vnd.oci.image.layer.v1.tar ]
    [ "$(type_of busybox)" = application/vnd.oci.image.layer.v1.tar+gzip ]
    "$CBUILD" --root "$BATS_TEST_TMPDIR/loaded" push -q busybox "$HOSTILE/good/busybox:1" # again: it is the same
    [ "$(type_of busybox)" = application/vnd.oci.image.layer.v1.tar+gzip ]
    "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" pull -q "$HOSTILE/good/large:1"
    run "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" fsck --deep
    expect_status 0
}

@test "docker's registry with relative addresses takes what is sent, and mounts it" {
    registry_serve "$BATS_TEST_TMPDIR/registry" '  relativeurls: true'
    run "$CBUILD" push large "$REGISTRY/large:1"
    expect_status 0
    expect_contains "$LARGE"
    run "$CBUILD" push large "$REGISTRY/mounted:1"
    expect_status 0
    expect_contains 'Mounted from large'
    run "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" pull -q "$REGISTRY/mounted:1"
    expect_status 0
    stop_registry
}

@test "docker's registry takes large layers" {
    start_registry
    run "$CBUILD" push large "$REGISTRY/large:1"
    expect_status 0
    expect_contains "$LARGE"
    run "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" pull -q "$REGISTRY/large:1"
    expect_status 0
    stop_registry
}
