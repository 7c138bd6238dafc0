#!/usr/bin/env bats
# One build for several platforms: a graph and an image for each, and an index of them wherever the result
# leaves the store. The programs of both platforms' bases are this machine's own, so that no emulator is needed.
load helpers
load helpers-registry

BOTH=linux/amd64,linux/arm64

setup_file() {
    cb_store
    export BASE=$BATS_FILE_TMPDIR/base
    base_of_two
}
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    OUT=$BATS_TEST_TMPDIR/out
}
teardown() { stop_registry; }

# An OCI layout, $BASE, whose tag "two" is an index of busybox for both platforms, put together by hand; each has a
# file /base that names its platform.
base_of_two() {
    local arch index size digest
    mkdir -p "$BASE/blobs/sha256"
    for arch in amd64 arm64; do
        mkdir "$BASE.$arch"
        cp "$CB_BASES/busybox.tar" "$BASE.$arch/busybox.tar"
        printf 'FROM scratch\nADD busybox.tar /\nRUN echo linux/%s >/base\n' $arch >"$BASE.$arch/Dockerfile"
        "$CBUILD" build -q --platform linux/$arch -o "type=oci,tar=false,dest=$BASE.$arch/layout" "$BASE.$arch" >/dev/null
        cp "$BASE.$arch"/layout/blobs/sha256/* "$BASE/blobs/sha256/"
    done
    index=$(jq -cs '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: map(.manifests[0])}' \
        "$BASE".{amd64,arm64}/layout/index.json)
    size=${#index}
    digest=$(printf %s "$index" | sha256sum | cut -d' ' -f1)
    printf %s "$index" >"$BASE/blobs/sha256/$digest"
    echo '{"imageLayoutVersion":"1.0.0"}' >"$BASE/oci-layout"
    printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:%s","size":%d,"annotations":{"org.opencontainers.image.ref.name":"two"}}]}' \
        "$digest" "$size" >"$BASE/index.json"
}

# One stage that is the same for all platforms, one that is not, and what both made.
dockerfile_cross() {
    dockerfile <<'DOCKER'
FROM --platform=$BUILDPLATFORM busybox AS shared
RUN echo once >>/once
FROM --platform=$BUILDPLATFORM busybox AS cross
ARG TARGETPLATFORM TARGETOS TARGETARCH TARGETVARIANT BUILDPLATFORM
RUN echo "$BUILDPLATFORM to $TARGETPLATFORM: $TARGETOS, $TARGETARCH, $TARGETVARIANT." >/cross
FROM scratch
COPY --from=shared /once /
COPY --from=cross /cross /
ARG TARGETARCH
LABEL arch=$TARGETARCH
DOCKER
}

build_both() {
    run "$CBUILD" build --progress=plain --platform "$BOTH" "$@" "$DIR"
    expect_status 0
}

# How many steps of the last build have a name that matches REGEX.
steps_named() {
    grep -E "^#[0-9]+ \[.*$1" <<<"$output" | cut -d' ' -f1 | sort -u | wc -l
}

# The id of NAME's image for a platform: id_for PLATFORM [NAME]
id_for() {
    "$CBUILD" inspect --platform "$1" "${2:-img}" | jq -r '.[0].Id'
}

@test "a stage of the build platform runs once; what knows its target runs for each" {
    dockerfile_cross
    build_both -t img -o "$OUT"
    [ "$(steps_named 'RUN echo once')" = 1 ]
    [ "$(steps_named 'RUN echo .\$BUILDPLATFORM')" = 2 ]
    [ "$(cat "$OUT/linux_amd64/once" "$OUT/linux_arm64/once")" = $'once\nonce' ]
    [ "$(cat "$OUT/linux_amd64/cross")" = "linux/amd64 to linux/amd64: linux, amd64, ." ]
    [ "$(cat "$OUT/linux_arm64/cross")" = "linux/amd64 to linux/arm64: linux, arm64, ." ]
    build_both -t img
    [ "$(steps_run)" = 0 ]
    # What one platform made is there when it is built alone.
    build_ok --platform linux/arm64
    [ "$(steps_run)" = 0 ]
}

@test "steps tell their platform, and the one they are made for" {
    dockerfile_cross
    build_both -t img
    expect_contains '[linux/amd64 shared 2/2] RUN' '[linux/amd64 cross 2/2] RUN' '[linux/amd64->arm64 cross 2/2] RUN' \
        '[linux/amd64 stage-2 1/2] COPY' '[linux/arm64 stage-2 2/2] COPY'
    # Of one platform nothing is said.
    build_ok --platform linux/arm64
    expect_contains '[shared 2/2] RUN' '[stage-2 2/2] COPY'
    expect_lacks '[linux/'
}

@test "a name leads to an image for each platform; inspect and run take --platform" {
    printf 'FROM base\nARG TARGETARCH\nLABEL arch=$TARGETARCH\nCMD ["cat","/base"]\n' >"$DIR/Dockerfile"
    build_both -t img --build-context "base=oci-layout://$BASE:two"
    [ "$("$CBUILD" inspect img | jq -r '.[0].Architecture')" = amd64 ]
    for arch in amd64 arm64; do
        run "$CBUILD" inspect --platform linux/$arch img
        [ "$(jq -r '.[0] | [.Architecture, .Config.Labels.arch, .RepoTags[0]] | join(" ")' <<<"$output")" = "$arch $arch img:latest" ]
        run "$CBUILD" run --rm --network none --platform linux/$arch img
        expect_output "linux/$arch"
        run "$CBUILD" history --platform linux/$arch img
        expect_contains "LABEL arch=$arch"
    done
    for command in inspect history; do
        run "$CBUILD" $command --platform linux/s390x img
        expect_status 1
        expect_contains 'image with reference img was found but does not provide the specified platform (linux/s390x)'
    done
    run "$CBUILD" inspect --platform lin/ux/x/y img
    expect_status 1
    expect_contains 'invalid argument "lin/ux/x/y" for "--platform"'
    # One row for the name; with --all every image.
    [ "$("$CBUILD" images img | grep -c '^img ')" = 1 ]
    [ "$("$CBUILD" images -a -q --no-trunc | grep -cFx -e "$(id_for linux/amd64)" -e "$(id_for linux/arm64)")" = 2 ]
}

@test "tag, rmi and gc take the platforms of a name together" {
    dockerfile_cross
    build_both -t img
    amd64=$(id_for linux/amd64) arm64=$(id_for linux/arm64)
    "$CBUILD" tag img other
    [ "$(id_for linux/arm64 other)" = "$arm64" ]
    run "$CBUILD" rmi img
    expect_output 'Untagged: img:latest'
    "$CBUILD" image prune -f
    "$CBUILD" prune -af >/dev/null
    fsck_clean
    [ "$(id_for linux/arm64 other)" = "$arm64" ]
    [ "$("$CBUILD" save --platform linux/arm64 other | tar xO index.json | jq -r '.manifests[0].platform.architecture')" = arm64 ]
    run "$CBUILD" rmi other
    expect_contains 'Untagged: other:latest' "Deleted: $amd64" "Deleted: $arm64"
    run "$CBUILD" inspect "$arm64"
    expect_status 1
}

@test "rmi --platform takes one platform from a name" {
    dockerfile_cross
    build_both -t img
    arm64=$(id_for linux/arm64)
    run "$CBUILD" rmi --platform linux/s390x img
    expect_status 1
    expect_contains 'image with reference img was found but does not provide the specified platform (linux/s390x)'
    run "$CBUILD" rmi --platform linux/arm64 img
    expect_output "Deleted: $arm64"
    run "$CBUILD" inspect --platform linux/arm64 img
    expect_status 1
    [ "$("$CBUILD" inspect img | jq -r '.[0].Architecture')" = amd64 ]
    run "$CBUILD" rmi --platform linux/amd64 img
    expect_contains 'Untagged: img:latest'
    run "$CBUILD" inspect img
    expect_status 1
}

@test "a name that gets one image forgets the platforms it had" {
    dockerfile_cross
    build_both -t img
    arm64=$(id_for linux/arm64)
    build_ok --platform linux/amd64
    run "$CBUILD" inspect --platform linux/arm64 img
    expect_status 1
    run "$CBUILD" image prune -f
    expect_contains "deleted: $arm64"
    build_both -t img
    "$CBUILD" tag "$(id_for linux/arm64)" img
    [ "$("$CBUILD" inspect img | jq -r '.[0].Architecture')" = arm64 ]
}

@test "an OCI archive and a layout hold an index; the same bytes each time" {
    dockerfile_cross
    export SOURCE_DATE_EPOCH=1000000000
    for try in 1 2; do
        "$CBUILD" build -q --no-cache --jobs $try --platform "$BOTH" -t app:1 --metadata-file "$OUT.$try.json" \
            -o "type=oci,dest=$OUT.$try.tar" -o "type=oci,tar=false,dest=$OUT.$try" "$DIR"
    done
    cmp "$OUT.1.tar" "$OUT.2.tar"
    diff -r "$OUT.1" "$OUT.2"
    digest=$(jq -r '."containerimage.digest"' "$OUT.1.json")
    [ "$digest" = "sha256:$(skopeo inspect --raw "oci:$OUT.1:1" | sha256sum | cut -d' ' -f1)" ]
    [ "$(jq -r '."containerimage.descriptor".mediaType' "$OUT.1.json")" = application/vnd.oci.image.index.v1+json ]
    [ "$(skopeo inspect --raw "oci-archive:$OUT.1.tar" | jq -c '[.manifests[].platform | .os + "/" + .architecture]')" = '["linux/amd64","linux/arm64"]' ]
    [ "$(skopeo inspect --override-arch arm64 "oci:$OUT.1:1" | jq -r '.Labels.arch')" = arm64 ]
    # It was only on its way.
    run "$CBUILD" inspect app:1
    expect_status 1
}

@test "load takes all platforms of an archive back, and save writes them" {
    dockerfile_cross
    build_both -t img
    amd64=$(id_for linux/amd64) arm64=$(id_for linux/arm64)
    "$CBUILD" save --format oci-archive -o "$OUT.oci.tar" img
    fresh=$CB_WORK/fresh
    run "$CBUILD" --root "$fresh" load -i "$OUT.oci.tar"
    expect_output 'Loaded image: img:latest'
    [ "$("$CBUILD" --root "$fresh" inspect --platform linux/arm64 img | jq -r '.[0].Id')" = "$arm64" ]
    [ "$("$CBUILD" --root "$fresh" inspect img | jq -r '.[0].Id')" = "$amd64" ]
    "$CBUILD" --root "$fresh" save --format oci-archive -o "$OUT.again.tar" img
    [ "$(skopeo inspect --raw "oci-archive:$OUT.again.tar")" = "$(skopeo inspect --raw "oci-archive:$OUT.oci.tar")" ]
    rm -rf --one-file-system "$fresh"
    # One of them.
    run "$CBUILD" --root "$fresh" load --platform linux/arm64 -i "$OUT.oci.tar"
    expect_output 'Loaded image: img:latest'
    [ "$("$CBUILD" --root "$fresh" images -aq --no-trunc)" = "$arm64" ]
    run "$CBUILD" --root "$fresh" load --platform linux/s390x -i "$OUT.oci.tar"
    expect_status 1
    expect_contains 'no image for linux/s390x in the archive'
    rm -rf --one-file-system "$fresh"
    # An archive of docker's holds the image of one.
    [ "$("$CBUILD" save img | tar xO manifest.json | jq -r '.[].Config')" = "blobs/sha256/${amd64#sha256:}" ]
    [ "$("$CBUILD" save --platform linux/arm64 img | tar xO manifest.json | jq -r '.[].Config')" = "blobs/sha256/${arm64#sha256:}" ]
    run "$CBUILD" save --platform linux/s390x -o "$OUT.tar" img
    expect_status 1
    expect_contains 'image with reference img was found but does not provide the specified platform (linux/s390x)'
    [ ! -e "$OUT.tar" ]
}

@test "load takes from an index what the archive has, and no attestations or nonsense" {
    run "$CBUILD" load -i <(tar -C "$BASE" -c .)
    expect_status 0
    [ "$(grep -c 'Loaded image ID' <<<"$output")" = 2 ]
    # An index of four entries, of which the archive has one for a platform.
    cp -r "$BASE" "$OUT"
    index=$OUT/blobs/sha256/$(jq -r '.manifests[0].digest' "$OUT/index.json" | cut -d: -f2)
    changed=$(jq -c '.manifests |= [.[0], (.[1] | .platform.architecture = "s390x" | .digest = "sha256:" + ("1" * 64)),
        (.[0] | .platform = {os: "unknown", architecture: "unknown"}), (.[1] | .platform.os = "li nux")]' "$index")
    digest=$(printf %s "$changed" | sha256sum | cut -d' ' -f1)
    printf %s "$changed" >"$OUT/blobs/sha256/$digest"
    jq -c ".manifests[0] |= (.digest = \"sha256:$digest\" | .size = ${#changed} | .annotations[\"io.containerd.image.name\"] = \"docker.io/library/some:1\")" \
        "$OUT/index.json" >"$OUT/new"
    mv "$OUT/new" "$OUT/index.json"
    run "$CBUILD" load -i <(tar -C "$OUT" -c .)
    expect_output 'Loaded image: some:1'
    [ "$("$CBUILD" inspect some:1 | jq -r '.[0].Architecture')" = amd64 ]
    for arch in arm64 s390x; do
        run "$CBUILD" inspect --platform linux/$arch some:1
        expect_status 1
    done
    "$CBUILD" rmi some:1 >/dev/null
}

@test "type=docker of several platforms is refused as docker refuses it, before anything runs" {
    dockerfile_cross
    run "$CBUILD" build --progress=plain --platform "$BOTH" -o "type=docker,dest=$OUT.tar" "$DIR"
    expect_status 1
    expect_contains 'docker exporter does not currently support exporting manifest lists' 'type=oci'
    expect_lacks '#1'
    [ ! -e "$OUT.tar" ]
    # Without dest it is the store's, which takes them.
    build_both -o type=docker -t img
    [ "$(id_for linux/arm64)" != "$(id_for linux/amd64)" ]
}

@test "type=local and type=tar have a directory for each platform, unless platform-split=false" {
    dockerfile_cross
    "$CBUILD" build -q --platform linux/arm/v7,linux/amd64 -o "type=tar,dest=$OUT.tar" "$DIR"
    run tar tf "$OUT.tar"
    expect_output $'linux_arm_v7/\nlinux_arm_v7/cross\nlinux_arm_v7/once\nlinux_amd64/\nlinux_amd64/cross\nlinux_amd64/once'
    "$CBUILD" build -q --platform linux/arm64 -o "$OUT.one" "$DIR"
    [ -f "$OUT.one/cross" ]
    for type in local tar; do
        run "$CBUILD" build -q --platform "$BOTH" -o "type=$type,platform-split=false,dest=$OUT.$type" "$DIR"
        expect_status 1
        expect_contains 'both linux/amd64 and linux/arm64 have `cross`'
    done
    printf 'FROM --platform=$BUILDPLATFORM busybox AS a\nARG TARGETARCH\nRUN mkdir /d && echo x >/d/$TARGETARCH\nFROM scratch\nCOPY --from=a /d /d\n' >"$DIR/Dockerfile"
    mkdir -p "$OUT.both/d"
    touch "$OUT.both/d/old"
    "$CBUILD" build -q --platform "$BOTH" -o "type=local,platform-split=false,mode=delete,dest=$OUT.both" "$DIR"
    [ "$(ls "$OUT.both/d")" = $'amd64\narm64' ]
    # A link where a platform's directory goes is replaced, not followed.
    mkdir -p "$OUT.links" "$OUT.elsewhere"
    ln -s "$OUT.elsewhere" "$OUT.links/linux_amd64"
    touch "$OUT.links/linux_arm64"
    "$CBUILD" build -q --platform "$BOTH" -o "type=local,dest=$OUT.links" "$DIR"
    [ -z "$(ls "$OUT.elsewhere")" ]
    [ -f "$OUT.links/linux_amd64/d/amd64" ]
    [ -f "$OUT.links/linux_arm64/d/arm64" ]
    # With mode=delete what no platform has is removed, a directory of another platform too.
    mkdir -p "$OUT.split/linux_s390x" "$OUT.split/linux_amd64"
    touch "$OUT.split/linux_amd64/old" "$OUT.split/old"
    "$CBUILD" build -q --platform "$BOTH" -o "type=local,dest=$OUT.split" "$DIR"
    [ "$(ls "$OUT.split")" = $'linux_amd64\nlinux_arm64\nlinux_s390x\nold' ]
    "$CBUILD" build -q --platform "$BOTH" -o "type=local,mode=delete,dest=$OUT.split" "$DIR"
    [ "$(ls "$OUT.split" "$OUT.split/linux_amd64" | tr '\n' ' ')" = "$(printf '%s:\nlinux_amd64\nlinux_arm64\n\n%s:\nd\n' "$OUT.split" "$OUT.split/linux_amd64" | tr '\n' ' ')" ]
}

@test "--push sends an index; skopeo and podman take each platform's image from it" {
    start_registry
    dockerfile_cross
    "$CBUILD" build -q --platform "$BOTH" -t "$REGISTRY/a:1" -t "$REGISTRY/b:2" --push --metadata-file "$OUT.json" --iidfile "$OUT.iid" "$DIR"
    digest=$(jq -r '."containerimage.digest"' "$OUT.json")
    [ "$(cat "$OUT.iid")" = "$digest" ]
    for name in a:1 b:2; do
        [ "sha256:$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/$name" | sha256sum | cut -d' ' -f1)" = "$digest" ]
    done
    for arch in amd64 arm64; do
        run skopeo inspect --config --override-arch $arch --tls-verify=false "docker://$REGISTRY/a:1"
        [ "$(jq -r .config.Labels.arch <<<"$output")" = $arch ]
    done
    # The manifests have no tags of their own.
    [ "$(curl -s "http://$REGISTRY/v2/a/tags/list" | jq -c .tags)" = '["1"]' ]
    [ "$("$CBUILD" inspect "$REGISTRY/a:1" | jq -c '[.[0].RepoDigests[] | contains("'"$digest"'")] | any')" = true ]
    # A tool that copies everything finds everything.
    skopeo copy -q --all --src-tls-verify=false "docker://$REGISTRY/a:1" "oci:$OUT.copy:1"
    "$CBUILD" rmi -f "$REGISTRY/a:1" "$REGISTRY/b:2" >/dev/null
}

@test "push and pull take --platform; pull without one leaves the others of the same index" {
    start_registry
    dockerfile_cross
    build_both -t "$REGISTRY/a:1"
    run "$CBUILD" push "$REGISTRY/a:1"
    expect_contains '1: digest: sha256:'
    digest=$(grep -o 'digest: sha256:[0-9a-f]*' <<<"$output" | cut -d' ' -f2)
    [ "$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/a:1" | jq '.manifests | length')" = 2 ]
    arm64=$(id_for linux/arm64 "$REGISTRY/a:1")
    run "$CBUILD" pull "$REGISTRY/a:1"
    expect_contains "Digest: $digest" 'Image is up to date'
    [ "$(id_for linux/arm64 "$REGISTRY/a:1")" = "$arm64" ]
    run "$CBUILD" push --platform linux/arm64 "$REGISTRY/a:1" "$REGISTRY/a:arm"
    [ "$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/a:arm" | jq -r .config.digest)" = "$arm64" ]
    fresh=$CB_WORK/fresh
    "$CBUILD" --root "$fresh" pull -q --platform linux/arm64 "$REGISTRY/a:1"
    [ "$("$CBUILD" --root "$fresh" inspect "$REGISTRY/a:1" | jq -r '.[0].Id')" = "$arm64" ]
    run "$CBUILD" --root "$fresh" pull --platform linux/s390x "$REGISTRY/a:1"
    expect_status 1
    expect_contains 'no matching manifest for linux/s390x in the manifest list entries'
    rm -rf --one-file-system "$fresh"
    "$CBUILD" rmi -f "$REGISTRY/a:1" >/dev/null
}

@test "push-by-digest leaves no tag, and the index is there" {
    start_registry
    dockerfile_cross
    "$CBUILD" build -q --platform "$BOTH" -o "type=image,name=$REGISTRY/c,push-by-digest=true" --metadata-file "$OUT.json" "$DIR"
    digest=$(jq -r '."containerimage.digest"' "$OUT.json")
    run curl -sf "http://$REGISTRY/v2/c/tags/list"
    expect_lacks latest
    [ "$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/c@$digest" | jq '.manifests | length')" = 2 ]
    "$CBUILD" rmi -f "$REGISTRY/c" >/dev/null
}

@test "annotations go to the manifests, the index, and the entries of both" {
    dockerfile_cross
    "$CBUILD" build -q --platform "$BOTH" -t app:1 -o "type=oci,tar=false,dest=$OUT,annotation-index.five=5" \
        --annotation one=1 --annotation index:two=2 --annotation manifest-descriptor:three=3 \
        --annotation index-descriptor:four=4 --annotation manifest,index:six=6 \
        --annotation 'manifest[linux/arm64]:seven=7' --annotation 'manifest-descriptor[linux/amd64]:eight=8' "$DIR"
    [ "$(jq -c '.manifests[0].annotations | del(.["io.containerd.image.name"], .["org.opencontainers.image.ref.name"], .["org.opencontainers.image.created"])' "$OUT/index.json")" = '{"four":"4"}' ]
    index=$(skopeo inspect --raw "oci:$OUT:1")
    [ "$(jq -cS .annotations <<<"$index")" = '{"five":"5","six":"6","two":"2"}' ]
    [ "$(jq -cS '[.manifests[].annotations]' <<<"$index")" = '[{"eight":"8","three":"3"},{"three":"3"}]' ]
    blob() { cat "$OUT/blobs/sha256/$(jq -r ".manifests[$1].digest" <<<"$index" | cut -d: -f2)"; }
    [ "$(blob 0 | jq -cS .annotations)" = '{"one":"1","six":"6"}' ]
    [ "$(blob 1 | jq -cS .annotations)" = '{"one":"1","seven":"7","six":"6"}' ]
}

@test "annotations of an index need one, and of a platform, that it is built" {
    dockerfile_cross
    run "$CBUILD" build --annotation index:a=b "$DIR"
    expect_status 1
    expect_contains 'index annotations not supported for single platform export'
    run "$CBUILD" build --platform "$BOTH" --annotation 'manifest[linux/s390x]:a=b' "$DIR"
    expect_status 1
    expect_contains 'linux/s390x is not built'
    run "$CBUILD" build --platform "$BOTH" --annotation 'manifest[nonsense]:a=b' "$DIR"
    expect_status 1
    expect_contains 'invalid argument "manifest[nonsense]:a=b" for "--annotation"'
}

@test "the same platform twice is one; spellings of one platform are one" {
    dockerfile_cross
    run "$CBUILD" build --progress=plain --platform linux/amd64 --platform linux/x86_64,linux/amd64/v1 -t img -o "$OUT" "$DIR"
    expect_status 0
    expect_lacks '[linux/'
    [ -f "$OUT/cross" ]
    rm -r "$OUT"
    run "$CBUILD" build -q --platform linux/arm64/v8,linux/aarch64,linux/arm,local -t img -o "$OUT" "$DIR"
    expect_status 0
    [ "$(ls "$OUT")" = $'linux_amd64\nlinux_arm64\nlinux_arm_v7' ]
    [ "$(cat "$OUT/linux_arm_v7/cross")" = 'linux/amd64 to linux/arm/v7: linux, arm, v7.' ]
}

@test "mistakes in --platform are named" {
    for value in linux/amd64,,linux/arm64 linux/amd64, ,linux/amd64 linux/a/b/c 'linux/amd64;linux/arm64' toaster; do
        run "$CBUILD" build --platform "$value" "$DIR"
        expect_status 1
        expect_contains "invalid argument \"$value\" for \"--platform\" flag: "
    done
}

@test "an index as base gives each platform its own" {
    printf 'FROM base\nRUN cat /base >/mine\n' >"$DIR/Dockerfile"
    build_both -o "$OUT" --build-context "base=oci-layout://$BASE:two"
    [ "$(cat "$OUT/linux_amd64/mine" "$OUT/linux_arm64/mine")" = $'linux/amd64\nlinux/arm64' ]
    printf 'FROM --platform=linux/arm64 base AS a\nFROM --platform=linux/amd64 base\nCOPY --from=a /base /a\n' >"$DIR/Dockerfile"
    rm -r "$OUT"
    run "$CBUILD" build -q -o "$OUT" --build-context "base=oci-layout://$BASE:two" "$DIR"
    [ "$(cat "$OUT/a" "$OUT/base")" = $'linux/arm64\nlinux/amd64' ]
}

@test "an index on a registry as base, and a platform that it lacks" {
    start_registry
    skopeo copy -q --all --dest-tls-verify=false "oci:$BASE:two" "docker://$REGISTRY/base:two"
    printf 'FROM scratch AS none\nFROM %s/base:two\nRUN cat /base >/mine\n' "$REGISTRY" >"$DIR/Dockerfile"
    build_both -o "$OUT"
    [ "$(cat "$OUT/linux_amd64/mine" "$OUT/linux_arm64/mine")" = $'linux/amd64\nlinux/arm64' ]
    run "$CBUILD" build --progress=plain --platform linux/amd64,linux/s390x "$DIR"
    expect_status 1
    expect_contains 'Dockerfile:2' "$REGISTRY/base:two" 'no matching manifest for linux/s390x'
    # From a layout it is the same.
    printf 'FROM base\n' >"$DIR/Dockerfile"
    run "$CBUILD" build --progress=plain --platform linux/amd64,linux/s390x --build-context "base=oci-layout://$BASE:two" "$DIR"
    expect_status 1
    expect_contains 'Dockerfile:1' 'linux/s390x'
}

@test "what is built here for several platforms is a base for them" {
    dockerfile_cross
    build_both -t mine
    printf 'FROM mine\nCOPY --from=mine /cross /again\n' >"$DIR/Dockerfile"
    build_both --offline -o "$OUT"
    [ "$(cat "$OUT/linux_arm64/again")" = "$(cat "$OUT/linux_arm64/cross")" ]
    [ "$(cat "$OUT/linux_arm64/again")" = 'linux/amd64 to linux/arm64: linux, arm64, .' ]
    run "$CBUILD" build --offline --platform linux/amd64,linux/s390x "$DIR"
    expect_status 1
    expect_contains 'Dockerfile:1' 'the store has `mine:latest` for linux/amd64, linux/arm64'
    "$CBUILD" rmi mine >/dev/null
}

@test "an inline cache of several platforms is taken for each of them" {
    start_registry
    dockerfile_cross
    "$CBUILD" build -q --platform "$BOTH" -t "$REGISTRY/a:1" --push --cache-to type=inline "$DIR"
    fresh=$CB_WORK/fresh
    "$CBUILD" --root "$fresh" import -c 'CMD ["sh"]' "$CB_BASES/busybox.tar" busybox:latest >/dev/null
    run "$CBUILD" --root "$fresh" build --progress=plain --platform "$BOTH" --cache-from "$REGISTRY/a:1" -o "$OUT" "$DIR"
    expect_status 0
    [ "$(steps_run)" = 0 ]
    rm -rf --one-file-system "$fresh"
    "$CBUILD" rmi -f "$REGISTRY/a:1" >/dev/null
}

@test "a cache in a directory has the results of all platforms" {
    dockerfile_cross
    "$CBUILD" build -q --platform "$BOTH" --cache-to "type=local,dest=$OUT.cache" "$DIR"
    fresh=$CB_WORK/fresh
    "$CBUILD" --root "$fresh" import -c 'CMD ["sh"]' "$CB_BASES/busybox.tar" busybox:latest >/dev/null
    run "$CBUILD" --root "$fresh" build --progress=plain --platform "$BOTH" --cache-from "type=local,src=$OUT.cache" -o "$OUT" "$DIR"
    expect_status 0
    [ "$(steps_run)" = 0 ]
    [ "$(cat "$OUT/linux_arm64/cross")" = 'linux/amd64 to linux/arm64: linux, arm64, .' ]
    rm -rf --one-file-system "$fresh"
}

@test "a failure on one platform fails the build, says which, and leaves no name" {
    printf 'FROM --platform=$BUILDPLATFORM busybox\nARG TARGETARCH\nRUN [ $TARGETARCH = amd64 ]\n' >"$DIR/Dockerfile"
    run "$CBUILD" build --progress=plain --platform "$BOTH" -t failed "$DIR"
    expect_status 1
    expect_contains '[linux/amd64->arm64 2/2] RUN' 'Dockerfile:3'
    run "$CBUILD" inspect failed
    expect_status 1
}

@test "a mistake in the Dockerfile is warned of once" {
    printf 'from scratch\nLABEL a b\n' >"$DIR/Dockerfile"
    build_both -t img
    [ "$(grep -c ConsistentInstructionCasing <<<"$output")" = 1 ]
    [ "$(grep -c LegacyKeyValueFormat <<<"$output")" = 1 ]
}

@test "scratch alone is an index of images without layers" {
    printf 'FROM scratch\nLABEL a=b\n' >"$DIR/Dockerfile"
    "$CBUILD" build -q --platform "$BOTH" -o "type=oci,tar=false,dest=$OUT" "$DIR"
    [ "$(jq -r '.manifests[0].mediaType' "$OUT/index.json")" = application/vnd.oci.image.index.v1+json ]
    "$CBUILD" build -q --platform "$BOTH" -o "$OUT.dir" "$DIR"
    [ "$(ls "$OUT.dir")" = $'linux_amd64\nlinux_arm64' ]
}

@test "BUILDKIT_MULTI_PLATFORM makes one platform look as several do" {
    dockerfile_cross
    run "$CBUILD" build --progress=plain --build-arg BUILDKIT_MULTI_PLATFORM=1 --platform linux/arm64 -t app:1 \
        -o "type=oci,tar=false,dest=$OUT" -o "$OUT.dir" --annotation index:a=b "$DIR"
    expect_status 0
    expect_contains '[linux/arm64 stage-2 2/2] COPY'
    [ "$(skopeo inspect --raw "oci:$OUT:1" | jq -c '[.mediaType, .annotations, (.manifests | map(.platform.architecture))]')" = \
        '["application/vnd.oci.image.index.v1+json",{"a":"b"},["arm64"]]' ]
    [ "$(ls "$OUT.dir")" = linux_arm64 ]
    build_ok --build-arg BUILDKIT_MULTI_PLATFORM=1
    "$CBUILD" inspect img >/dev/null
}

@test "an image is for the platform that was asked for, whatever its last stage is for" {
    printf 'FROM --platform=$BUILDPLATFORM busybox\nLABEL a=b\n' >"$DIR/Dockerfile"
    build_ok --platform linux/arm64
    [ "$("$CBUILD" inspect img | jq -r '.[0].Architecture')" = arm64 ]
    printf 'FROM --platform=linux/arm64 scratch\n' >"$DIR/Dockerfile"
    build_ok
    [ "$("$CBUILD" inspect img | jq -r '.[0].Architecture')" = arm64 ]
}

@test "explain compares a step with the same platform's" {
    printf 'FROM --platform=$BUILDPLATFORM busybox\nARG TARGETARCH\nARG VERSION\nRUN echo $VERSION >/version\n' >"$DIR/Dockerfile"
    build_both --build-arg VERSION=1
    build_both --build-arg VERSION=2 --explain
    [ "$(grep -c 'VERSION.*1.*2' <<<"$output")" -ge 2 ]
    expect_lacks 'TARGETARCH amd64'
    expect_lacks 'TARGETARCH arm64'
}

@test "DOCKER_DEFAULT_PLATFORM is the platform where none is typed" {
    export DOCKER_DEFAULT_PLATFORM=linux/arm64
    printf 'FROM scratch\nLABEL a=b\n' >"$DIR/Dockerfile"
    build_ok -t one
    cbuild build -q -t other --platform linux/amd64 "$DIR"
    expect_status 0
    "$CBUILD" import "$CB_BASES/busybox.tar" three
    cbuild inspect -f '{{.Architecture}}' one other three
    expect_output $'arm64\namd64\narm64'
    DOCKER_DEFAULT_PLATFORM=linux/s390x cbuild run --rm --pull never three true
    expect_status 125
    expect_contains 'no such image for linux/s390x'
    DOCKER_DEFAULT_PLATFORM=a/b/c/d cbuild build "$DIR"
    expect_status 1
    expect_contains 'invalid value "a/b/c/d" of $DOCKER_DEFAULT_PLATFORM'
}
