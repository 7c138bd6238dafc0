#!/usr/bin/env bats
# `cbuild lock` and `build --locked`: what a Dockerfile takes from outside is written down, and taken as it is written.
load helpers
load helpers-registry
load helpers-web

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    start_web
    start_registry
    BASE=$REGISTRY/base
    publish one
}
teardown() {
    stop_registry
    stop_web
}

# publish TEXT: the base image's tag v1 is moved to one that says TEXT.
publish() {
    mkdir -p "$BATS_TEST_TMPDIR/base"
    printf 'FROM busybox\nRUN echo %s >/base\n' "$1" >"$BATS_TEST_TMPDIR/base/Dockerfile"
    "$CBUILD" build -q --push -t "$BASE:v1" "$BATS_TEST_TMPDIR/base" >/dev/null
    "$CBUILD" rmi "$BASE:v1" >/dev/null
}

# The Dockerfile that takes an image, a URL and a branch.
everything() {
    make_repo r
    echo one >"$WEB_ROOT/file"
    printf 'FROM %s:v1\nADD %s/etag/file /file\nADD %s/git/r.git#main /git/\n' "$BASE" "$WEB" "$WEB" >"$DIR/Dockerfile"
}

move_names() {
    publish two
    echo two >"$REPO/file"
    commit second
    push
}

lock() { cbuild lock "$@" "$DIR"; }
locked() { jq -r ".$1[]" "$DIR/Dockerfile.lock"; }
head_of_repo() { tgit -C "$REPO" rev-parse HEAD; }
sum() { printf 'sha256:%s\n' "$(sha256sum "$1" | cut -d' ' -f1)"; }

@test "a lock file has images by digest, URLs by content and branches by commit, in stable bytes" {
    everything
    lock
    expect_status 0
    expect_contains "+ $BASE:v1 sha256:" "+ $WEB/etag/file $(sum "$WEB_ROOT/file")" \
        "+ $WEB/git/r.git#main $(head_of_repo)" 'Dockerfile.lock: 3 sources, 3 changed'
    run jq -c '[.version, (.images | keys), .http, .git]' "$DIR/Dockerfile.lock"
    expect_output "[1,[\"$BASE:v1\"],{\"$WEB/etag/file\":\"$(sum "$WEB_ROOT/file")\"},{\"$WEB/git/r.git#main\":\"$(head_of_repo)\"}]"
    [ "$(locked images)" = "$(curl -sI -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
        "http://$REGISTRY/v2/base/manifests/v1" | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //p')" ]
    before=$(stat -c '%i %y' "$DIR/Dockerfile.lock")
    lock
    expect_contains '3 sources, 0 changed'
    [ "$(stat -c '%i %y' "$DIR/Dockerfile.lock")" = "$before" ]
}

@test "--locked takes what the file says, whatever the names are now" {
    everything
    lock
    move_names
    build_ok --locked --pull
    in_image cat /base /git/file
    expect_output 'one
one'
    build_ok --pull
    in_image cat /base /git/file
    expect_output 'two
two'
}

@test "what is in the file stays; --update looks anew and says what it was" {
    everything
    lock
    old=$(head_of_repo)
    move_names
    echo two >"$WEB_ROOT/file"
    lock
    expect_contains '3 sources, 0 changed'
    lock --update
    expect_contains "~ $WEB/git/r.git#main $old -> $(head_of_repo)" "~ $BASE:v1 sha256:" '3 sources, 3 changed'
    build_ok --locked
    in_image cat /base /file /git/file
    expect_output 'two
two
two'
}

@test "what is new is added, what is not used any more is dropped" {
    everything
    lock
    sed -i 2d "$DIR/Dockerfile"
    printf 'ADD %s/etag/other /\n' "$WEB" >>"$DIR/Dockerfile"
    echo other >"$WEB_ROOT/other"
    lock
    expect_contains "+ $WEB/etag/other $(sum "$WEB_ROOT/other")" "- $WEB/etag/file sha256:" '3 sources, 2 changed'
}

@test "--locked: a source that is not in the file is an error at its place" {
    everything
    lock
    printf 'FROM busybox AS tools\nFROM %s:v1\nCOPY --from=tools /bin/sh /sh\n' "$BASE" >"$DIR/Dockerfile"
    build --locked
    expect_status 1
    expect_contains 'Dockerfile:1:6: ' '`docker.io/library/busybox:latest` is not in the lock file' 'hint: `cbuild lock` adds'
    printf 'FROM %s:v1\nADD %s/etag/other /\n' "$BASE" "$WEB" >"$DIR/Dockerfile"
    build --locked
    expect_status 1
    expect_contains 'Dockerfile:2:5: ' "\`$WEB/etag/other\` is not in the lock file"
    printf 'FROM %s:v1\nADD %s/git/r.git#dev /\n' "$BASE" "$WEB" >"$DIR/Dockerfile"
    build --locked
    expect_status 1
    expect_contains 'Dockerfile:2:5: ' "\`$WEB/git/r.git#dev\` is not in the lock file"
}

@test "--locked: content that changed on the server is an error with both digests" {
    echo one >"$WEB_ROOT/file"
    printf 'FROM %s:v1\nADD %s/etag/file /file\n' "$BASE" "$WEB" >"$DIR/Dockerfile"
    lock
    old=$(sum "$WEB_ROOT/file")
    echo two >"$WEB_ROOT/file"
    CBUILD_ROOT=$BATS_TEST_TMPDIR/empty build --locked
    expect_status 1
    expect_contains 'Dockerfile:2:5: ' "digest mismatch for \`$WEB/etag/file\`" "$old" "$(sum "$WEB_ROOT/file")" \
        'hint: `cbuild lock --update` takes'
}

@test "a commit that the Dockerfile asks for is not the one of the lock file" {
    everything
    lock
    echo two >"$REPO/file"
    commit second
    push
    printf 'FROM scratch\nADD --checksum=%s %s/git/r.git#main /\n' "$(head_of_repo)" "$WEB" >"$DIR/Dockerfile"
    build --locked
    expect_status 1
    expect_contains 'Dockerfile:2:' "expected checksum to match $(head_of_repo)" 'hint: `cbuild lock --update`'
    lock --update
    build_ok --locked
}

@test "--locked wants a file, --lock-file names it, and without --locked none is read" {
    printf 'FROM %s:v1\n' "$BASE" >"$DIR/Dockerfile"
    build --locked
    expect_status 1
    expect_contains "there is no lock file \`$DIR/Dockerfile.lock\`" 'hint: `cbuild lock` writes it'
    build --lock-file "$DIR/x.lock"
    expect_contains '--lock-file is only read with --locked'
    lock --lock-file "$DIR/x.lock"
    build_ok --locked --lock-file "$DIR/x.lock"
    echo '{"version": 1, "images": {"a": 1}}' >"$DIR/Dockerfile.lock"
    build_ok
    build --locked
    expect_contains 'Dockerfile.lock' 'images.a' 'hint: remove it'
    cbuild lock - <"$DIR/Dockerfile"
    expect_contains 'hint: name one with --lock-file'
}

@test "names that say themselves what they mean are not in the file" {
    everything
    lock
    printf 'FROM %s:v1@%s\nADD --checksum=%s %s/etag/file /\nADD %s/git/r.git#%s /git/\n' "$BASE" "$(locked images)" \
        "$(sum "$WEB_ROOT/file")" "$WEB" "$WEB" "$(head_of_repo)" >"$DIR/Dockerfile"
    lock
    expect_contains '0 sources, 3 changed'
    build_ok --locked
}

@test "an image that no registry has cannot be locked, and a pipe is no lock file" {
    "$CBUILD" tag busybox "$REGISTRY/mine"
    printf 'FROM %s/mine\n' "$REGISTRY" >"$DIR/Dockerfile"
    lock
    expect_status 1
    expect_contains 'Dockerfile:1:6: ' "hint: \`$REGISTRY/mine:latest\` is in the store, but only what a registry has can be locked"
    [ ! -e "$DIR/Dockerfile.lock" ]
    mkfifo "$DIR/Dockerfile.lock"
    lock
    expect_status 1
    expect_contains 'Dockerfile.lock`: not a regular file'
}

@test "contexts of --build-context and stages of --target are locked, too" {
    make_repo r
    printf 'FROM scratch AS none\nFROM x\nCOPY --from=y file /\n' >"$DIR/Dockerfile"
    lock --target none
    expect_contains '0 sources'
    set -- --build-context "x=docker-image://$BASE:v1" --build-context "y=$WEB/git/r.git"
    lock "$@" --target none --target 1
    expect_contains "+ $BASE:v1 sha256:" "+ $WEB/git/r.git $(head_of_repo)" '2 sources'
    move_names
    build_ok --locked "$@"
    in_image cat /base /file
    expect_output 'one
one'
}
