#!/usr/bin/env bats
# `cbuild copy`: the same image everywhere, with the digest it has.
load helpers
load helpers-registry
load helpers-hostile
load ../lib/peers

setup_file() {
    cb_store
    canary_lay
    registry_start
    printf 'FROM --platform=$BUILDPLATFORM busybox\nARG TARGETARCH\nRUN echo $TARGETARCH >/arch\nCMD ["cat","/arch"]\n' |
        cb_image two --platform linux/amd64,linux/arm64
    export TWO ONE
    TWO=$("$CBUILD" copy -q --all two "docker://$REGISTRY/two:1")
    ONE=$("$CBUILD" copy -q two "docker://$REGISTRY/one:1")
}
teardown_file() {
    registry_stop
    canary_remove
    cb_drop_store
}
setup() { cd "$BATS_TEST_TMPDIR"; }
teardown() { stop_hostile_registry; }

# copied DIGEST ARGUMENT…: in a store of its own, and this digest is said.
copied() {
    local digest=$1
    shift
    run "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" copy -q "$@"
    expect_output "$digest" || { echo "$*"; return 1; }
    expect_status 0
}
fails() {
    run timeout 60 "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" copy -q "$@"
    expect_status 1
    expect_no_controls
}

@test "one image goes from anywhere to anywhere and stays the same" {
    copied "$ONE" "docker://$REGISTRY/one:1" oci:layout:v1
    copied "$ONE" "docker://$REGISTRY/one@$ONE" oci-archive:oci.tar:v1
    copied "$ONE" oci:layout:v1 docker-archive:docker.tar:a/b:1
    skopeo copy -q oci:layout:v1 dir:dir
    n=0
    for from in oci:layout:v1 "oci:layout@$ONE" oci-archive:oci.tar:v1 docker-archive:docker.tar docker-archive:docker.tar:a/b:1 dir:dir; do
        n=$((n + 1))
        copied "$ONE" "$from" "docker://$REGISTRY/to$n:1"
        copied "$ONE" "$from" "oci:other:v$n"
    done
    copied "$ONE" oci-archive:oci.tar store:here
    [ "$("$CBUILD" --root fresh run --rm --network none here)" = amd64 ]
    copied "$ONE" here "docker://$REGISTRY/again:1"
    [ "$(skopeo inspect --tls-verify=false "docker://$REGISTRY/again:1" | jq -r .Digest)" = "$ONE" ]
    [ "$(skopeo inspect docker-archive:docker.tar | jq -r .Architecture)" = amd64 ]
    "$CBUILD" --root fresh fsck --deep
}

@test "skopeo's words: platforms, tries, and what it can change on the way" {
    copied "$TWO" --multi-arch all --preserve-digests --retry-times 7 --src-tls-verify=false "docker://$REGISTRY/two:1" "docker://$REGISTRY/words:1"
    copied "$TWO" --multi-arch=system --all "docker://$REGISTRY/two:1" "docker://$REGISTRY/words:1"
    copied "$ONE" --remove-signatures --override-os linux --override-arch amd64 "docker://$REGISTRY/two:1" "docker://$REGISTRY/words:2"
    fails --override-arch s390x "docker://$REGISTRY/two:1" "docker://$REGISTRY/words:3"
    expect_contains 'no matching manifest for linux/s390x'
    fails --multi-arch some "docker://$REGISTRY/two:1" "docker://$REGISTRY/words:3"
    run "$CBUILD" copy --format v2s2 "docker://$REGISTRY/two:1" "docker://$REGISTRY/words:3"
    expect_status 125
    expect_contains 'cbuild push --format'
    fails "$REGISTRY/two:1" "$REGISTRY/words:3"
    expect_contains "docker://$REGISTRY/two:1 is what a registry has"
}

@test "all platforms, or one of them" {
    copied "$TWO" --all "docker://$REGISTRY/two:1" oci:layout:two
    copied "$TWO" --all oci:layout:two oci-archive:two.tar:two
    copied "$TWO" --all oci-archive:two.tar:two two
    copied "$TWO" --all two "docker://$REGISTRY/two-again:1"
    [ "$(skopeo inspect --raw oci:layout:two | jq '.manifests | length')" = 2 ]
    run "$CBUILD" --root fresh copy -q --platform linux/arm64 --digestfile digest two "docker://$REGISTRY/arm:1"
    expect_status 0
    expect_output "$(cat digest)"
    [ "$(skopeo inspect --tls-verify=false --config "docker://$REGISTRY/arm:1" | jq -r .architecture)" = arm64 ]
    fails --platform linux/s390x "docker://$REGISTRY/two:1" oci:none
    expect_contains 'no matching manifest for linux/s390x' 'it has linux/amd64, linux/arm64'
    [ ! -e none ]
    fails --all --platform linux/arm64 two oci:none
    fails --all two docker-archive:none.tar
    expect_contains "one platform's image"
}

@test "a docker archive comes into the store as load brings it: no blob is a layer that lies there as files" {
    skopeo copy -q --src-tls-verify=false "docker://$REGISTRY/one:1" docker-archive:d.tar:x:1
    run "$CBUILD" --root fresh copy -q docker-archive:d.tar:x:1 here
    expect_status 0
    expect_output "$("$CBUILD" --root fresh image inspect --format '{{.Id}}' here)"
    [ -n "$(find fresh/snapshots -name outline)" ]
    [ -z "$(find fresh/blobs -type f -size +64k)" ]
    not "$CBUILD" --root fresh image inspect x:1
    [ "$("$CBUILD" --root fresh run --rm --network none here)" = amd64 ]
    "$CBUILD" --root fresh fsck --deep
    # Of several it has to be said which, and until then none is there.
    "$CBUILD" --root fresh tag here there
    printf 'FROM here\nLABEL a=b\n' | "$CBUILD" --root fresh build -q -t other - >/dev/null
    "$CBUILD" --root fresh save -o several.tar here other
    fails docker-archive:several.tar which
    expect_contains 'several images are in it' 'docker-archive:several.tar:NAME'
    not "$CBUILD" --root fresh image inspect which
    "$CBUILD" --root other copy -q docker-archive:several.tar:other which
    [ "$("$CBUILD" --root other image inspect --format '{{.Config.Labels.a}}' which)" = b ]
}

@test "plain layers that an archive brought are compressed on their way out, as push does it" {
    local digest
    mkdir c
    for size in 60000 300000; do # the smaller one is a blob
        yes line | head -c "$size" >c/file
        printf 'FROM scratch\nCOPY file /\n' >c/Dockerfile
        "$CBUILD" --root made build -q -t "plain:$size" c
        "$CBUILD" --root made save -o plain.tar "plain:$size"
        "$CBUILD" --root fresh load -q -i plain.tar
        digest=$("$CBUILD" --root fresh copy -q "plain:$size" "docker://$REGISTRY/plain:$size")
        run skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/plain:$size"
        [ "$(jq -r '.layers[].mediaType' <<<"$output")" = application/vnd.oci.image.layer.v1.tar+gzip ]
        copied "$digest" "plain:$size" "oci:layout:$size"
        "$CBUILD" --root fresh tag "plain:$size" "$REGISTRY/pushed:$size"
        run "$CBUILD" --root fresh push "$REGISTRY/pushed:$size"
        expect_contains "$digest"
        rm -f plain.tar again.tar
        "$CBUILD" --root fresh copy -q "plain:$size" "docker-archive:again.tar:plain:$size"
        tar -tvf again.tar | awk '$3 > '"$size"' {found = 1} END {exit !found}'
    done
}

@test "what skopeo and docker's format write, cbuild copies, and skopeo takes it back" {
    skopeo copy -q --src-tls-verify=false "docker://$REGISTRY/one:1" docker-archive:d.tar:x:1
    copied "$ONE" docker-archive:d.tar:x:1 "docker://$REGISTRY/skopeo:1"
    skopeo copy -q --all --src-tls-verify=false "docker://$REGISTRY/two:1" oci:s:two
    copied "$TWO" --all oci:s:two "docker://$REGISTRY/skopeo:2"
    skopeo copy -q --format v2s2 --src-tls-verify=false --dest-tls-verify=false "docker://$REGISTRY/one:1" "docker://$REGISTRY/v2s2:1"
    digest=$(skopeo inspect --tls-verify=false "docker://$REGISTRY/v2s2:1" | jq -r .Digest)
    copied "$digest" "docker://$REGISTRY/v2s2:1" oci-archive:v2s2.tar
    copied "$digest" oci-archive:v2s2.tar "docker://$REGISTRY/v2s2:2"
    skopeo copy -q oci-archive:v2s2.tar dir:back
    [ "sha256:$(sha256sum <back/manifest.json | cut -d' ' -f1)" = "$digest" ]
}

@test "a directory of skopeo's: both read what the other wrote, and nothing else is touched" {
    copied "$ONE" "docker://$REGISTRY/one:1" dir:ours
    [ "sha256:$(sha256sum <ours/manifest.json | cut -d' ' -f1)" = "$ONE" ]
    skopeo copy -q dir:ours oci:lay:one
    copied "$ONE" oci:lay:one dir:again
    copied "$ONE" dir:again oci-archive:one.tar
    skopeo copy -q dir:again dir:theirs
    diff -r ours theirs
    # all platforms
    copied "$TWO" --all "docker://$REGISTRY/two:1" dir:two
    copied "$TWO" --all dir:two "docker://$REGISTRY/two-dir:1"
    skopeo copy -q --all --dest-tls-verify=false dir:two "docker://$REGISTRY/two-skopeo:1"
    [ "$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/two-skopeo:1" | sha256sum | cut -d' ' -f1)" = "${TWO#sha256:}" ]
    skopeo copy -q --all dir:two dir:two-theirs
    diff -r two two-theirs
    # another image takes its place, whole
    : >two/signature-1
    copied "$ONE" "docker://$REGISTRY/one:1" dir:two
    diff -r ours two
    mkdir mine && echo x >mine/letter
    fails "docker://$REGISTRY/one:1" dir:mine
    expect_contains 'holds something else'
    [ "$(ls -A mine)" = letter ]
    printf 'Directory Transport Version: 1.1\n' >mine/version
    copied "$ONE" "docker://$REGISTRY/one:1" dir:mine
    [ -e mine/letter ]
    fails "docker://$REGISTRY/one:1" dir:mine/letter
}

@test "within a registry nothing is sent: blobs are mounted" {
    start_hostile_registry
    copied "$(curl -sI "http://$HOSTILE/v2/good/image/manifests/latest" | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //p')" \
        "docker://$HOSTILE/good/image:latest" "docker://$HOSTILE/pushed/image:1"
    run jq -s -r '[.[] | select(.method == "POST" and (.path | test("mount=sha256.*from=good")))] | length' "$HOSTILE_LOG"
    expect_output 3
    run jq -s -r '.[] | select(.method == "PUT" or .method == "GET") | .path | select(test("/blobs/"))' "$HOSTILE_LOG"
    expect_output ''
    # a mount that the registry does not grant costs a copy, not the image
    copied "$ONE" "docker://$REGISTRY/one:1" "docker://$HOSTILE/nomount/image:1"
    run "$CBUILD" --root fresh copy -q "docker://$HOSTILE/nomount/image:1" "docker://$HOSTILE/nomount/other:1"
    expect_status 0
    run jq -s -r '[.[] | select(.method == "DELETE")] | length' "$HOSTILE_LOG"
    expect_output 3
}

@test "a registry that lies gives nothing, and nothing goes where it should not" {
    start_hostile_registry --auth basic
    export REGISTRY_AUTH_FILE=$BATS_TEST_TMPDIR/auth.json
    printf '{"auths":{"%s":{"auth":"%s"}}}' "$HOSTILE" "$(printf tester:opensesame | base64)" >"$REGISTRY_AUTH_FILE"
    chmod 600 "$REGISTRY_AUTH_FILE"
    for mode in wrongdigest short negsize digesttrav lieheader dualtype deepindex manyentries millionentries; do
        for all in '' --all; do
            rm -rf --one-file-system fresh
            fails $all "docker://$HOSTILE/$mode/image:latest" oci:out
            [ ! -e out/index.json ]
        done
    done
    fails --all "docker://$HOSTILE/wrongdigestm/image:latest" oci:out
    expect_memory 64 timeout 60 "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" copy --all "docker://$HOSTILE/millionentries/image:1" oci:out
    expect_status 1
    fails "docker://$REGISTRY/one:1" "docker://$HOSTILE/pushlie/x:1"
    fails "docker://$HOSTILE/good/image:latest" "docker://$HOSTILE/pushdenied/x:1"
    run timeout 60 "$CBUILD" copy -q "docker://$REGISTRY/one:1" "docker://$HOSTILE/pushredir/x:1"
    expect_status 0
    run jq -s -r '.[] | select(.server == "other") | select(.authorization != null) | .path' "$HOSTILE_LOG"
    expect_output ''
    canary_ok
}

@test "places that are none" {
    for bad in 'docker://' 'docker://A/b' oci: oci-archive: docker-archive:x:A 'dir:' 'store:' '' docker-daemon:x containers-storage:x; do
        fails "$bad" oci:out
        fails one "$bad"
    done
    fails "docker://$REGISTRY/one:1" "docker://$REGISTRY/x@sha256:$(printf '1%.0s' $(seq 64))"
    expect_contains 'another digest'
    fails oci:nosuch:1 oci:out
    expect_contains nosuch
    fails oci-archive:"$CB_BASES/busybox.tar" oci:out
    expect_contains index.json
    fails nosuch oci:out
    [ ! -e out ]
}
