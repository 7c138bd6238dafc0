#!/usr/bin/env bats
# Other tools take what cbuild makes, and cbuild takes what they make.
load helpers
load ../lib/peers

setup_file() {
    cb_store
    podman_setup
    dockerd_start
    registry_start
    export PEERS
    printf 'FROM busybox\nRUN echo content > /file && mkdir /d && ln -s ../file /d/link && rm /bin/vi && chown 5:6 /d\nENV A=b\nHEALTHCHECK CMD true\nCMD ["cat", "/file"]\n' |
        cb_image made
    "$CBUILD" save -o "$BATS_FILE_TMPDIR/docker.tar" made
    "$CBUILD" save --format oci-archive -o "$BATS_FILE_TMPDIR/oci.tar" made
    export MADE_ID
    MADE_ID=$("$CBUILD" inspect made | jq -r '.[0].Id')
}

teardown_file() {
    registry_stop
    dockerd_stop
    cb_drop_store
    peers_remove
}

@test "docker load takes it and sees the same image" {
    run docker load -i "$BATS_FILE_TMPDIR/docker.tar"
    expect_status 0
    expect_contains 'Loaded image: made:latest'
    [ "$(docker inspect made | jq -r '.[0].Id')" = "$MADE_ID" ]
    run docker run --rm --network host made
    expect_output content
}

@test "podman load takes both archives" {
    for kind in docker oci; do
        podman rmi -fa >/dev/null
        run podman load -i "$BATS_FILE_TMPDIR/$kind.tar"
        expect_status 0
        [ "sha256:$(podman inspect --type image made | jq -r '.[0].Id')" = "$MADE_ID" ]
    done
}

@test "skopeo reads both archives and copies them" {
    skopeo inspect --config "docker-archive:$BATS_FILE_TMPDIR/docker.tar" | jq -e '.config.Cmd == ["cat", "/file"]'
    skopeo inspect --config "oci-archive:$BATS_FILE_TMPDIR/oci.tar" | jq -e '.config.Cmd == ["cat", "/file"]'
    skopeo copy -q "docker-archive:$BATS_FILE_TMPDIR/docker.tar" "dir:$BATS_TEST_TMPDIR/dir"
    [ -f "$BATS_TEST_TMPDIR/dir/manifest.json" ]
}

@test "umoci unpacks it" {
    skopeo copy -q "oci-archive:$BATS_FILE_TMPDIR/oci.tar" "oci:$BATS_TEST_TMPDIR/layout:made"
    umoci unpack --image "$BATS_TEST_TMPDIR/layout:made" "$BATS_TEST_TMPDIR/bundle"
    [ "$(cat "$BATS_TEST_TMPDIR/bundle/rootfs/file")" = content ]
    [ ! -e "$BATS_TEST_TMPDIR/bundle/rootfs/bin/vi" ]
    [ "$(stat -c %u:%g "$BATS_TEST_TMPDIR/bundle/rootfs/d")" = 5:6 ]
}

@test "what docker, podman and skopeo save, cbuild loads" {
    docker load -qi "$BATS_FILE_TMPDIR/docker.tar"
    docker save -o "$BATS_TEST_TMPDIR/docker.tar" made
    podman load -qi "$BATS_FILE_TMPDIR/docker.tar"
    podman save -q --format docker-archive -o "$BATS_TEST_TMPDIR/podman-docker.tar" made
    podman save -q --format oci-archive -o "$BATS_TEST_TMPDIR/podman-oci.tar" made
    skopeo copy -q "docker-archive:$BATS_FILE_TMPDIR/docker.tar" "oci-archive:$BATS_TEST_TMPDIR/skopeo-oci.tar:made:latest"
    for archive in docker podman-docker podman-oci skopeo-oci; do
        fresh=$BATS_TEST_TMPDIR/fresh
        rm -rf "$fresh"
        run "$CBUILD" --root "$fresh" load -i "$BATS_TEST_TMPDIR/$archive.tar"
        expect_status 0
        expect_contains 'Loaded image'
        run "$CBUILD" --root "$fresh" images -q --no-trunc -a
        run "$CBUILD" --root "$fresh" run --rm --network none "${lines[0]}"
        expect_output content
    done
}

@test "cbuild loads the directories that skopeo, podman and umoci write, and they read ours" {
    cd "$BATS_TEST_TMPDIR"
    skopeo copy -q "docker-archive:$BATS_FILE_TMPDIR/docker.tar" dir:skopeo-dir
    skopeo copy -q "docker-archive:$BATS_FILE_TMPDIR/docker.tar" oci:skopeo-oci:made
    podman load -qi "$BATS_FILE_TMPDIR/docker.tar"
    podman save -q --format docker-dir -o podman-dir made
    podman save -q --format oci-dir -o podman-oci made
    umoci init --layout umoci
    umoci new --image umoci:made
    umoci unpack --image umoci:made bundle
    echo content >bundle/rootfs/file
    cp "$(command -v busybox)" bundle/rootfs/cat
    umoci repack --image umoci:made bundle
    umoci config --image umoci:made --config.cmd /cat --config.cmd /file
    for dir in skopeo-dir skopeo-oci podman-dir podman-oci umoci; do
        rm -rf fresh
        run "$CBUILD" --root fresh load -i "$dir"
        expect_status 0
        expect_contains 'Loaded image'
        run "$CBUILD" --root fresh images -q --no-trunc -a
        run "$CBUILD" --root fresh run --rm --network none "${lines[0]}"
        expect_output content
    done
    "$CBUILD" save --format oci-dir -o ours made
    [ "$(skopeo inspect --raw oci:ours:latest | jq -r .config.digest)" = "$MADE_ID" ]
    umoci unpack --image ours:latest ours-bundle
    [ "$(cat ours-bundle/rootfs/file)" = content ]
}

@test "push to a registry; docker, podman, skopeo and cbuild pull the same image" {
    run "$CBUILD" push made "$REGISTRY/made:1"
    expect_status 0
    expect_contains '1: digest: sha256:'
    digest=$(printf '%s' "$output" | grep -o 'sha256:[0-9a-f]*')
    [ "$(skopeo inspect --tls-verify=false "docker://$REGISTRY/made:1" | jq -r .Digest)" = "$digest" ]
    docker pull -q "$REGISTRY/made:1"
    [ "$(docker inspect "$REGISTRY/made:1" | jq -r '.[0].Id')" = "$MADE_ID" ]
    podman pull -q --tls-verify=false "$REGISTRY/made:1"
    fresh=$BATS_TEST_TMPDIR/fresh
    run "$CBUILD" --root "$fresh" pull "$REGISTRY/made:1"
    expect_status 0
    expect_contains "Digest: $digest" 'Status: Downloaded newer image'
    [ "$("$CBUILD" --root "$fresh" inspect "$REGISTRY/made:1" | jq -r '.[0].Id')" = "$MADE_ID" ]
    run "$CBUILD" --root "$fresh" pull "$REGISTRY/made:1"
    expect_contains 'Status: Image is up to date'
    run "$CBUILD" --root "$fresh" pull "$REGISTRY/made@$digest"
    expect_status 0
    run "$CBUILD" --root "$fresh" run --rm --network none "$REGISTRY/made:1"
    expect_output content
    # pushed again, nothing is sent and the digest stays
    run "$CBUILD" --root "$fresh" push "$REGISTRY/made:1"
    expect_contains "$digest"
}

@test "cbuild pulls what docker and podman push, and builds on it" {
    docker load -qi "$BATS_FILE_TMPDIR/docker.tar"
    docker tag made "$REGISTRY/by-docker:1"
    docker push -q "$REGISTRY/by-docker:1"
    podman load -qi "$BATS_FILE_TMPDIR/oci.tar"
    podman push -q --tls-verify=false made "$REGISTRY/by-podman:1"
    for name in by-docker by-podman; do
        fresh=$BATS_TEST_TMPDIR/$name
        mkdir -p "$BATS_TEST_TMPDIR/c"
        printf 'FROM %s/%s:1\nRUN cat /file > /again\n' "$REGISTRY" "$name" >"$BATS_TEST_TMPDIR/c/Dockerfile"
        run "$CBUILD" --root "$fresh" build --network none -t built "$BATS_TEST_TMPDIR/c"
        expect_status 0
        run "$CBUILD" --root "$fresh" run --rm --network none built cat /again
        expect_output content
    done
}

@test "what docker and podman pushed, zstd too, and what is no image keeps its digest on every way on" {
    digest_of() { skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/$1" | sha256sum | cut -d' ' -f1; }
    docker load -qi "$BATS_FILE_TMPDIR/docker.tar"
    docker tag made "$REGISTRY/way/docker:1"
    docker push -q "$REGISTRY/way/docker:1"
    podman load -qi "$BATS_FILE_TMPDIR/oci.tar"
    podman push -q --tls-verify=false made "$REGISTRY/way/podman:1"
    "$CBUILD" push -q --compression zstd made "$REGISTRY/way/zstd:1"
    fresh=$BATS_TEST_TMPDIR/fresh
    for name in docker podman; do
        "$CBUILD" --root "$fresh-$name" pull -q "$REGISTRY/way/$name:1"
        "$CBUILD" --root "$fresh-$name" tag "$REGISTRY/way/$name:1" "$REGISTRY/way/on-$name:1"
        "$CBUILD" --root "$fresh-$name" push -q "$REGISTRY/way/on-$name:1"
        [ "$(digest_of "way/on-$name:1")" = "$(digest_of "way/$name:1")" ]
    done
    # podman and skopeo take zstd from here, and give it back
    podman rmi -fa >/dev/null
    podman pull -q --tls-verify=false "$REGISTRY/way/zstd:1"
    [ "$(podman inspect --format '{{.Digest}}' "$REGISTRY/way/zstd:1")" = "sha256:$(digest_of way/zstd:1)" ]
    skopeo copy -q --preserve-digests --src-tls-verify=false "docker://$REGISTRY/way/zstd:1" "oci:$BATS_TEST_TMPDIR/zstd:1"
    [ "$("$CBUILD" --root "$fresh" copy -q "oci:$BATS_TEST_TMPDIR/zstd:1" "docker://$REGISTRY/way/on-zstd:1")" = "sha256:$(digest_of way/zstd:1)" ]
    "$CBUILD" --root "$fresh" pull -q "$REGISTRY/way/on-zstd:1"
    "$CBUILD" --root "$fresh" tag "$REGISTRY/way/on-zstd:1" "$REGISTRY/way/zstd:2"
    "$CBUILD" --root "$fresh" push -q "$REGISTRY/way/zstd:2"
    [ "$(digest_of way/zstd:2)" = "$(digest_of way/zstd:1)" ]
    skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/way/zstd:2" | jq -e '.layers | all(.mediaType | endswith("tar+zstd"))'
    # an artifact
    mkdir -p "$BATS_TEST_TMPDIR/chart/blobs/sha256"
    cd "$BATS_TEST_TMPDIR/chart"
    put() { local name; name=$(sha256sum <"$1" | cut -d' ' -f1); mv "$1" "blobs/sha256/$name"; echo "\"digest\":\"sha256:$name\",\"size\":$(stat -c %s "blobs/sha256/$name")"; }
    printf '{}' >empty
    echo 'a chart' >chart
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.example.chart","config":{"mediaType":"application/vnd.oci.empty.v1+json",%s,"data":"e30="},"layers":[{"mediaType":"application/vnd.example.chart.content",%s}]}' \
        "$(put empty)" "$(put chart)" >manifest
    printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s}]}' "$(put manifest)" >index.json
    echo '{"imageLayoutVersion":"1.0.0"}' >oci-layout
    wanted=$(jq -r '.manifests[0].digest' index.json)
    [ "$("$CBUILD" copy -q "oci:$BATS_TEST_TMPDIR/chart" "docker://$REGISTRY/way/chart:1")" = "$wanted" ]
    skopeo copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$REGISTRY/way/chart:1" "docker://$REGISTRY/way/skopeo:1"
    [ "$("$CBUILD" copy -q "docker://$REGISTRY/way/skopeo:1" "docker://$REGISTRY/way/chart:2")" = "$wanted" ]
    [ "sha256:$(digest_of way/chart:2)" = "$wanted" ]
    run "$CBUILD" pull "$REGISTRY/way/chart:1"
    expect_status 1
    expect_contains 'not an image'
}

@test "zstd and uncompressed layers, and docker's manifest types" {
    for options in '--compression zstd' '--compression uncompressed' '--format docker'; do
        # shellcheck disable=SC2086
        run "$CBUILD" push -q $options made "$REGISTRY/kinds:1"
        expect_status 0
        fresh=$BATS_TEST_TMPDIR/fresh
        rm -rf "$fresh"
        "$CBUILD" --root "$fresh" pull -q "$REGISTRY/kinds:1"
        [ "$("$CBUILD" --root "$fresh" inspect "$REGISTRY/kinds:1" | jq -r '.[0].Id')" = "$MADE_ID" ]
        skopeo copy -q --src-tls-verify=false "docker://$REGISTRY/kinds:1" "dir:$BATS_TEST_TMPDIR/dir"
    done
}

@test "an image that is not on the registry, and a registry that is not there" {
    run "$CBUILD" pull "$REGISTRY/nosuch:1"
    expect_status 1
    expect_contains nosuch
    run "$CBUILD" pull 127.0.0.1:1/x:1
    expect_status 1
    expect_contains '127.0.0.1:1'
    run "$CBUILD" push nosuchimage "$REGISTRY/x"
    expect_status 1
    expect_contains 'does not exist locally'
}

# A Dockerfile whose image says for which platform it is.
two_platforms() {
    mkdir -p "$BATS_TEST_TMPDIR/two"
    printf 'FROM --platform=$BUILDPLATFORM busybox\nARG TARGETARCH\nRUN echo $TARGETARCH >/arch\nCMD ["cat","/arch"]\n' >"$BATS_TEST_TMPDIR/two/Dockerfile"
    "$CBUILD" build -q --platform linux/amd64,linux/arm64 "$@" "$BATS_TEST_TMPDIR/two"
}

@test "an index on a registry: docker, podman, buildah and skopeo take each its platform" {
    two_platforms -t "$REGISTRY/two:1"
    "$CBUILD" push -q "$REGISTRY/two:1"
    arm64=$("$CBUILD" inspect --platform linux/arm64 "$REGISTRY/two:1" | jq -r '.[0].Id')
    amd64=$("$CBUILD" inspect "$REGISTRY/two:1" | jq -r '.[0].Id')
    docker pull -q "$REGISTRY/two:1"
    [ "$(docker inspect "$REGISTRY/two:1" | jq -r '.[0].Id')" = "$amd64" ]
    run docker run --rm --network host "$REGISTRY/two:1"
    expect_output amd64
    for arch in amd64 arm64; do
        podman pull -q --tls-verify=false --arch $arch "$REGISTRY/two:1"
        [ "sha256:$(podman inspect --type image "$REGISTRY/two:1" | jq -r '.[0].Id')" = "${!arch}" ]
        skopeo copy -q --override-arch $arch --src-tls-verify=false "docker://$REGISTRY/two:1" "oci:$BATS_TEST_TMPDIR/$arch:1"
        [ "$(skopeo inspect --raw "oci:$BATS_TEST_TMPDIR/$arch:1" | jq -r .config.digest)" = "${!arch}" ]
    done
    podman rmi -fa >/dev/null
    buildah pull -q --tls-verify=false --arch arm64 "$REGISTRY/two:1"
    [ "sha256:$(buildah inspect --type image "$REGISTRY/two:1" | jq -r .FromImageID)" = "$arm64" ]
    buildah rmi -fa >/dev/null
}

@test "an index in an archive: podman and skopeo read it" {
    two_platforms -t two:1 -o "type=oci,dest=$BATS_TEST_TMPDIR/two.tar"
    podman load -i "$BATS_TEST_TMPDIR/two.tar"
    [ "$(podman inspect --type image two:1 | jq -r '.[0].Architecture')" = amd64 ]
    podman rmi -fa >/dev/null
    skopeo copy -q --all "oci-archive:$BATS_TEST_TMPDIR/two.tar" "oci:$BATS_TEST_TMPDIR/layout:1"
    [ "$(skopeo inspect --raw "oci:$BATS_TEST_TMPDIR/layout:1" | jq '.manifests | length')" = 2 ]
}

@test "an index of buildah's is a base for each platform" {
    two_platforms -t two -o type=image
    for arch in amd64 arm64; do
        "$CBUILD" save --platform linux/$arch --format oci-archive -o "$BATS_TEST_TMPDIR/$arch.tar" two
    done
    buildah manifest create base
    buildah manifest add --arch amd64 base "oci-archive:$BATS_TEST_TMPDIR/amd64.tar"
    buildah manifest add --arch arm64 base "oci-archive:$BATS_TEST_TMPDIR/arm64.tar"
    buildah manifest push --all --tls-verify=false base "docker://$REGISTRY/base:1"
    buildah rmi -f base
    mkdir "$BATS_TEST_TMPDIR/c"
    printf 'FROM %s/base:1\nRUN cp /arch /mine\n' "$REGISTRY" >"$BATS_TEST_TMPDIR/c/Dockerfile"
    "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" build -q --network none --platform linux/amd64,linux/arm64 -o "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/c"
    [ "$(cat "$BATS_TEST_TMPDIR"/out/linux_*/mine)" = $'amd64\narm64' ]
}

@test "docker load takes the image of this machine out of a name of several platforms" {
    two_platforms -t two
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/two.tar" two
    docker load -qi "$BATS_TEST_TMPDIR/two.tar"
    run docker run --rm --network host two
    expect_output amd64
}
