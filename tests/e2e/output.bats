#!/usr/bin/env bats
# Where a build's result goes: --output, --push, --load, --metadata-file, --annotation.
bats_require_minimum_version 1.5.0
load helpers
load helpers-registry

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    OUT=$BATS_TEST_TMPDIR/out
    dockerfile <<'DOCKER'
FROM busybox AS make
RUN mkdir -p /out/sub && echo hello >/out/hello && echo deep >/out/sub/deep && ln -s hello /out/link && ln /out/hello /out/twin && chmod 750 /out/sub && chown 12:34 /out/sub/deep && mkfifo /out/fifo && touch -d @1000000000 /out/hello
FROM scratch
COPY --from=make /out /
DOCKER
}
teardown() { stop_registry; }

@test "-o DIR writes the files, owned by the caller, and makes no image" {
    run "$CBUILD" build --progress=plain -o "$OUT" -t unmade "$DIR"
    expect_status 0
    [ "$(cat "$OUT/hello")" = hello ]
    [ "$(cat "$OUT/sub/deep")" = deep ]
    [ "$(readlink "$OUT/link")" = hello ]
    [ "$OUT/hello" -ef "$OUT/twin" ]
    [ "$(stat -c '%u %g %a' "$OUT/sub/deep")" = "$(id -u) $(id -g) 644" ]
    [ "$(stat -c %a "$OUT/sub")" = 750 ]
    [ "$(stat -c %Y "$OUT/hello")" = 1000000000 ]
    [ -p "$OUT/fifo" ]
    run "$CBUILD" image inspect unmade
    expect_status 1
}

@test "a directory keeps what it had, unless mode=delete; nothing in the way is followed" {
    mkdir -p "$OUT" "$BATS_TEST_TMPDIR/elsewhere"
    echo mine >"$OUT/mine"
    ln -s "$BATS_TEST_TMPDIR/elsewhere" "$OUT/sub"
    echo old >"$BATS_TEST_TMPDIR/victim"
    ln -s "$BATS_TEST_TMPDIR/victim" "$OUT/hello"
    run "$CBUILD" build -q --output "type=local,dest=$OUT" "$DIR"
    expect_status 0
    [ "$(cat "$OUT/mine")" = mine ]
    [ "$(cat "$OUT/hello")" = hello ]
    [ "$(cat "$BATS_TEST_TMPDIR/victim")" = old ]
    [ -z "$(ls "$BATS_TEST_TMPDIR/elsewhere")" ]
    run "$CBUILD" build -q --output "type=local,dest=$OUT,mode=delete" "$DIR"
    expect_status 0
    [ ! -e "$OUT/mine" ]
    [ "$(cat "$OUT/sub/deep")" = deep ]
}

@test "-o - and type=tar write the tree as a tar" {
    "$CBUILD" build -q -o - "$DIR" >"$BATS_TEST_TMPDIR/a.tar"
    "$CBUILD" build -q -o "type=tar,dest=$BATS_TEST_TMPDIR/b.tar" "$DIR"
    cmp "$BATS_TEST_TMPDIR/a.tar" "$BATS_TEST_TMPDIR/b.tar"
    run tar tvf "$BATS_TEST_TMPDIR/a.tar" --numeric-owner
    expect_contains "12/34" "link -> hello" "twin link to hello"
    # SOURCE_DATE_EPOCH is the time of everything in it.
    SOURCE_DATE_EPOCH=0 "$CBUILD" build -q -o - "$DIR" | tar tvf - --full-time >"$BATS_TEST_TMPDIR/listing"
    grep -q 1970-01-01 "$BATS_TEST_TMPDIR/listing"
    not grep -v 1970-01-01 "$BATS_TEST_TMPDIR/listing"
}

@test "several names of one file are one file in tars and layers: of links and pipes too" {
    printf 'FROM busybox\nRUN echo x > /f; ln /f /f2; ln -s f /l; ln /l /l2; mkfifo /p; ln /p /p2; test $(stat -c %%h /l) = 2\n' | dockerfile
    build_ok --network=none -o "type=tar,dest=$BATS_TEST_TMPDIR/tree.tar"
    build_ok --network=none
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/image.tar" img
    mkdir "$BATS_TEST_TMPDIR/layers"
    tar -xf "$BATS_TEST_TMPDIR/image.tar" -C "$BATS_TEST_TMPDIR/layers"
    last=$(jq -r '.[0].Layers[-1]' "$BATS_TEST_TMPDIR/layers/manifest.json")
    for tar in "$BATS_TEST_TMPDIR/tree.tar" "$BATS_TEST_TMPDIR/layers/$last"; do
        run python3 -c 'import sys, tarfile; print(*(m.name + "=" + m.linkname for m in tarfile.open(sys.argv[1]) if m.islnk()))' "$tar"
        expect_contains f2=f l2=l p2=p
    done
    "$CBUILD" --root "$BATS_TEST_TMPDIR/other" load -q -i "$BATS_TEST_TMPDIR/image.tar"
    run "$CBUILD" --root "$BATS_TEST_TMPDIR/other" run --rm --network none img stat -c '%h' /f /l /p
    expect_output $'2\n2\n2'
}

@test "type=oci and type=docker are archives that others load, under the image's name" {
    "$CBUILD" build -q -t app:1 -o "type=oci,dest=$BATS_TEST_TMPDIR/oci.tar" -o "type=docker,dest=$BATS_TEST_TMPDIR/docker.tar" "$DIR"
    run skopeo inspect "oci-archive:$BATS_TEST_TMPDIR/oci.tar"
    expect_status 0
    expect_contains sha256
    run skopeo inspect --config "docker-archive:$BATS_TEST_TMPDIR/docker.tar:app:1"
    expect_status 0
    # It was only on its way: the store has no image of it.
    run "$CBUILD" images -a --format '{{.Repository}}'
    expect_status 0
    expect_lacks app
    run "$CBUILD" load -i "$BATS_TEST_TMPDIR/oci.tar"
    expect_contains "Loaded image: app:1"
    "$CBUILD" rmi -f app:1 >/dev/null
}

@test "what is compressed for an archive is kept when it is wanted again, and the archive the same" {
    layer() { tar -xOf "$1" index.json | grep -o 'sha256:[0-9a-f]*' | head -n 1 | sed 's,:,/,;s,^,blobs/,' |
        xargs tar -xOf "$1" | grep -o '"layers":.*' | grep -o 'sha256:[0-9a-f]*' | tail -n 1; }
    printf 'FROM busybox\nRUN head -c 300000 /dev/zero | tr "\\0" x >/only-for-archives\n' >"$DIR/Dockerfile"
    archive() { "$CBUILD" build -q -o "type=oci,dest=$1" "$DIR" >/dev/null; }
    archive "$OUT.1"
    made=$(layer "$OUT.1")
    [ ! -e "$STORE/blobs/sha256/${made#sha256:}" ]
    archive "$OUT.2"
    [ -e "$STORE/blobs/sha256/${made#sha256:}" ]
    archive "$OUT.3"
    "$CBUILD" build -q -o type=oci,dest=- "$DIR" >"$OUT.4"
    for other in 2 3 4; do cmp "$OUT.1" "$OUT.$other"; done
}

@test "A111: what OCI has no field for is in OCI images too: HEALTHCHECK, SHELL, ONBUILD" {
    mkdir "$BATS_TEST_TMPDIR/c"
    printf 'FROM busybox\nHEALTHCHECK --interval=5s CMD true\nSHELL ["/bin/sh", "-ec"]\nONBUILD RUN true\n' >"$BATS_TEST_TMPDIR/c/Dockerfile"
    "$CBUILD" build -q -o "type=oci,tar=false,dest=$BATS_TEST_TMPDIR/layout" "$BATS_TEST_TMPDIR/c"
    blob() { cat "$BATS_TEST_TMPDIR/layout/blobs/sha256/${1#sha256:}"; }
    manifest=$(jq -r '.manifests[0].digest' "$BATS_TEST_TMPDIR/layout/index.json")
    [ "$(blob "$manifest" | jq -r .config.mediaType)" = application/vnd.oci.image.config.v1+json ]
    blob "$(blob "$manifest" | jq -r .config.digest)" | jq -e '.config.Healthcheck == {Test: ["CMD-SHELL", "true"], Interval: 5000000000}
        and .config.Shell == ["/bin/sh", "-ec"] and .config.OnBuild == ["RUN true"]'
}

@test "type=oci,tar=false is a layout directory, in which other tags stay" {
    "$CBUILD" build -q -t app:1 -o "type=oci,dest=$OUT,tar=false" "$DIR"
    echo 'LABEL v=2' >>"$DIR/Dockerfile"
    "$CBUILD" build -q -t app:2 -o "type=oci,dest=$OUT,tar=false,compression=zstd,force-compression=true" "$DIR"
    run skopeo inspect --raw "oci:$OUT:1"
    expect_status 0
    expect_contains tar+gzip
    run skopeo inspect --raw "oci:$OUT:2"
    expect_status 0
    expect_contains tar+zstd
    run skopeo inspect --config "oci:$OUT:2"
    expect_contains '"v": "2"'
}

@test "several outputs come from one build" {
    run "$CBUILD" build --progress=plain -t img -o "$OUT" --load "$DIR"
    expect_status 0
    [ "$(cat "$OUT/hello")" = hello ]
    "$CBUILD" image inspect img >/dev/null
}

@test "--push sends the image under each of its names, and keeps it" {
    start_registry
    "$CBUILD" build -q -t "$REGISTRY/a:1" -t "$REGISTRY/b:2" --push --metadata-file "$OUT.json" "$DIR"
    for name in a:1 b:2; do
        run skopeo inspect --tls-verify=false "docker://$REGISTRY/$name"
        expect_status 0
        expect_contains "$(jq -r '."containerimage.digest"' "$OUT.json")"
    done
    "$CBUILD" image inspect "$REGISTRY/a:1" >/dev/null
    [ "$(jq -r '."image.name"' "$OUT.json")" = "$REGISTRY/a:1,$REGISTRY/b:2" ]
    [ "$(jq -r '."containerimage.descriptor".size' "$OUT.json")" -gt 100 ]
}

@test "--push beside an image that is written anyway sends that, once" {
    start_registry
    for how in type=registry type=image type=image,push=false; do
        run "$CBUILD" build -t "$REGISTRY/once:1" --push -o "$how" "$DIR"
        expect_status 0
        [ "$(grep -c "pushed $REGISTRY/" <<<"$output")" = 1 ]
    done
}

@test "--progress=none prints nothing at all, quiet the image id" {
    run "$CBUILD" build --progress=none "$DIR"
    expect_status 0
    expect_output ''
    run "$CBUILD" build --progress=quiet "$DIR"
    [[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
}

@test "push-by-digest leaves no tag" {
    start_registry
    "$CBUILD" build -q -o "type=image,name=$REGISTRY/c,push-by-digest=true" --metadata-file "$OUT.json" "$DIR"
    digest=$(jq -r '."containerimage.digest"' "$OUT.json")
    run curl -sf "http://$REGISTRY/v2/c/tags/list"
    expect_lacks latest
    run skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/c@$digest"
    expect_status 0
    # beside other names, or in their place
    local dangling="dangling-name-prefix=$REGISTRY/d"
    "$CBUILD" build -q -o "type=image,name=$REGISTRY/e:1,push=true,$dangling,danging-name-empty-only=true" "$DIR"
    not curl -sf "http://$REGISTRY/v2/d/tags/list"
    "$CBUILD" build -q -o "type=image,push=true,$dangling,danging-name-empty-only=true" "$DIR"
    skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/d@$digest" >/dev/null
    "$CBUILD" build -q -o "type=image,name=$REGISTRY/f:1,push=true,dangling-name-prefix=$REGISTRY/g" "$DIR"
    skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/g@$digest" >/dev/null
    curl -sf "http://$REGISTRY/v2/f/tags/list" | grep -qF '"1"'
    not grep -q 1 <(curl -s "http://$REGISTRY/v2/g/tags/list")
}

@test "annotations are in the manifest" {
    "$CBUILD" build -q -t app:1 --annotation org.example.a=1 -o "type=oci,dest=$OUT,tar=false,annotation.org.example.b=2" "$DIR"
    run skopeo inspect --raw "oci:$OUT:1"
    [ "$(jq -c .annotations <<<"$output")" = '{"org.example.a":"1","org.example.b":"2"}' ]
}

@test "an archive's index.json says when the image was made, and what manifest-descriptor was given" {
    entry() { jq -c '.manifests[0] | .mediaType, .annotations' "$1/index.json"; }
    SOURCE_DATE_EPOCH=5 "$CBUILD" build -q -t app:1 --annotation manifest-descriptor:a=b -o "type=oci,dest=$OUT,tar=false" "$DIR"
    run entry "$OUT"
    expect_contains '"a":"b"' '"org.opencontainers.image.created":"1970-01-01T00:00:05Z"' '"org.opencontainers.image.ref.name":"1"'
    id=$("$CBUILD" build -q -t app:1 -o "type=docker,dest=$OUT.docker,tar=false" -o type=docker "$DIR")
    run entry "$OUT.docker"
    expect_contains "\"org.opencontainers.image.created\":\"$("$CBUILD" inspect -f '{{.Created}}' "$id")\""
    run "$CBUILD" build -q --annotation index-descriptor:a=b -o "type=oci,dest=$OUT.none" "$DIR"
    expect_status 1
    expect_contains "index annotations not supported for single platform export"
}

@test "--metadata-file has the annotations of the manifest's descriptor" {
    SOURCE_DATE_EPOCH=5 "$CBUILD" build -q -t app:1 --annotation manifest-descriptor:a=b -o "type=oci,dest=$OUT" --metadata-file "$OUT.json" "$DIR"
    run jq -cS '."containerimage.descriptor".annotations | (."config.digest" | startswith("sha256:")), (del(."config.digest"))' "$OUT.json"
    expect_output "$(printf 'true\n{"a":"b","org.opencontainers.image.created":"1970-01-01T00:00:05Z"}')"
    run jq -r '."containerimage.config.digest" == ."containerimage.descriptor".annotations."config.digest"' "$OUT.json"
    expect_output true
}

@test "oci-mediatypes=false makes archives of docker's types, whatever the compression" {
    for compression in gzip zstd uncompressed; do
        "$CBUILD" build -q -t app:1 -o "type=oci,dest=$OUT.$compression,tar=false,oci-mediatypes=false,compression=$compression,force-compression=true" "$DIR"
        digest=$(jq -r '.manifests[0].digest' "$OUT.$compression/index.json")
        run jq -c '[.mediaType, .config.mediaType, .layers[].mediaType]' "$OUT.$compression/blobs/sha256/${digest#sha256:}"
        expect_contains '"application/vnd.docker.distribution.manifest.v2+json","application/vnd.docker.container.image.v1+json","application/vnd.docker.image.rootfs.diff.tar'
        expect_lacks vnd.oci
        run "$CBUILD" --root "$BATS_TEST_TMPDIR/other" load -q -i "$OUT.$compression"
        expect_status 0
    done
}

@test "platform-split=true gives one platform a directory, too" {
    arch=$("$CBUILD" inspect -f '{{.Architecture}}' busybox)
    "$CBUILD" build -q -o "type=local,dest=$OUT,platform-split=true" "$DIR"
    [ "$(ls "$OUT")" = "linux_$arch" ]
    [ "$(cat "$OUT/linux_$arch/hello")" = hello ]
    "$CBUILD" build -q -o type=tar,dest=-,platform-split=true "$DIR" | tar t | grep -qx "linux_$arch/sub/deep"
}

# bats test_tags=root
@test "results go into devices, pipes and standard output, which are never replaced" {
    local node=$BATS_TEST_TMPDIR/node sent=$BATS_TEST_TMPDIR/sent link=$BATS_TEST_TMPDIR/link
    mknod "$node" c 1 3
    ln -s /proc/self/fd/1 "$link"
    "$CBUILD" build -q --metadata-file "$node" --iidfile "$node" "$DIR"
    run "$CBUILD" build -q --metadata-file "$node" --target none "$DIR"
    [ "$status" -eq 1 ]
    [ "$(stat -c '%F %t:%T' "$node")" = "character special file 1:3" ]
    "$CBUILD" build -q --metadata-file /dev/fd/9 -o "type=tar,dest=$node" "$DIR" 9> >(cat >"$sent.metadata")
    [ -c "$node" ]
    { echo first; "$CBUILD" build -q --iidfile "$link" "$DIR"; } >"$sent"
    [ -L "$link" ]
    [ "$(head -n 1 "$sent")" = first ]
    [ "$(grep -o sha256: "$sent" | wc -l)" -eq 2 ]
    { echo first; "$CBUILD" build -q -o "type=tar,dest=$link" "$DIR"; } >"$sent"
    [ -L "$link" ]
    tail -c +7 "$sent" | tar -t | grep -q '^hello$'
    mknod "$node-full" c 1 7
    run "$CBUILD" build -q --iidfile "$node-full" "$DIR"
    [ "$status" -eq 1 ]
    expect_contains 'node-full' 'no space left on device'
    [ -c "$node-full" ]
}

@test "--metadata-file names the image's id; an earlier file is gone after a failure" {
    "$CBUILD" build -q -t img --metadata-file "$OUT.json" --iidfile "$OUT.iid" "$DIR"
    [ "$(jq -r '."containerimage.config.digest"' "$OUT.json")" = "$(cat "$OUT.iid")" ]
    echo RUN false >>"$DIR/Dockerfile"
    run "$CBUILD" build -q --metadata-file "$OUT.json" "$DIR"
    expect_status 1
    expect_contains 'Dockerfile:5:1' 'no such file or directory'
    [ ! -e "$OUT.json" ]
}

@test "--metadata-file names the build, as builds and logs do, and its warnings if that is asked for" {
    local ref
    printf 'FROM busybox as base\nRUN echo noted\n' >"$DIR/Dockerfile"
    "$CBUILD" build -q --no-cache --metadata-file "$OUT.json" "$DIR"
    ref=$(jq -r '."buildx.build.ref"' "$OUT.json")
    [ "$("$CBUILD" builds ls -q | head -n 1)" = "$ref" ]
    run "$CBUILD" builds logs "$ref"
    expect_contains noted
    [ "$(jq 'has("buildx.build.warnings")' "$OUT.json")" = false ]
    # One that finds everything in the cache is kept as well.
    BUILDX_METADATA_WARNINGS=1 "$CBUILD" build -q --metadata-file "$OUT.json" "$DIR"
    [ "$("$CBUILD" builds ls -q | head -n 1)" = "$(jq -r '."buildx.build.ref"' "$OUT.json")" ]
    run jq -r '."buildx.build.warnings"[] | [.level, (.short | @base64d), .sourceInfo.filename, .range[0].start.line] | join("|")' "$OUT.json"
    expect_contains '1|FromAsCasing: ' '|Dockerfile|1'
}

@test "type=cacheonly builds and keeps nothing but the cache" {
    printf 'FROM busybox\nRUN echo cacheonly\n' >"$DIR/Dockerfile"
    run "$CBUILD" build --progress=plain -t nothing --output type=cacheonly "$DIR"
    expect_status 0
    run "$CBUILD" image inspect nothing
    expect_status 1
    build_ok
    [ "$(steps_run)" = 0 ]
}

@test "scratch alone has an empty directory and an empty tar" {
    printf 'FROM scratch\nLABEL a=b\n' >"$DIR/Dockerfile"
    run "$CBUILD" build -q -o "$OUT" "$DIR"
    expect_status 0
    [ -z "$(ls -A "$OUT")" ]
    [ -z "$("$CBUILD" build -q -o - "$DIR" | tar t)" ]
}

@test "mistakes in --output are named" {
    check() {
        run "$CBUILD" build -o "$1" "$DIR"
        expect_status 1
        expect_contains "invalid argument \"$1\" for \"-o, --output\" flag: $2"
    }
    check type=nonsense 'type "nonsense": expected image, registry, local, tar, oci, docker or cacheonly'
    check dest=x 'type is missing'
    check type=local 'dest is required for local output'
    check type=local,dest= 'dest is empty'
    check type=image,dest=x 'an image in the store has no dest'
    check type=image,colour=red 'unexpected key "colour"'
    check type=image,dangling-name-prefix=a:1 'dangling-name-prefix "a:1": a name has neither tag nor digest'
    check type=image,buildinfo=true 'buildinfo=true: BuildKit gave it up for provenance: --provenance=mode=max tells what a build was made of'
    check type=image,compatibility-version=10 "compatibility-version=10: images are not made as BuildKit's earlier versions made them"
    check type=oci,dest=x,compression=lzma 'compression "lzma": expected gzip, zstd or uncompressed'
    check type=oci,dest=x,compression-level=99 'compression-level "99": expected 0 to 22'
    check type=tar,dest=x,tar=false 'tar=false goes with type=oci or type=docker, and a dest directory'
    check type=tar,dest=x,push=true 'only images can be pushed'
    check type=local,dest=x,mode=move 'mode "move": expected copy or delete'
    run "$CBUILD" build --push "$DIR"
    expect_status 1
    expect_contains "tag is needed when pushing to registry"
    run "$CBUILD" build -o - -o type=oci "$DIR"
    expect_contains "only one output can go to standard output"
    run "$CBUILD" build --annotation nonsense "$DIR"
    expect_contains 'invalid argument "nonsense" for "--annotation" flag: expected key=value'
}

@test "an output that cannot be written fails the build, and says what and where" {
    touch "$BATS_TEST_TMPDIR/file"
    run "$CBUILD" build -q -o "$BATS_TEST_TMPDIR/file/below" "$DIR"
    expect_status 1
    expect_contains "exporting to directory $BATS_TEST_TMPDIR/file/below"
    run "$CBUILD" build -q -o "type=tar,dest=$BATS_TEST_TMPDIR/none/x.tar" "$DIR"
    expect_status 1
    expect_contains "exporting to tar $BATS_TEST_TMPDIR/none/x.tar"
}

@test "what a file system of another machine tells only when a file is closed fails the build, too" {
    # -P: this file's alone; the program goes on as if its server had no room
    run strace -f -o "$DIR/trace" -P "$OUT/sub/deep" -e trace=close -e inject=close:error=EDQUOT "$CBUILD" build -q -o "$OUT" "$DIR"
    expect_status 1
    expect_contains 'write `sub/deep`: disk quota exceeded'
}

@test "a layout's blobs are on the disk before its index leads to them" {
    printf 'FROM busybox\nRUN echo durable > /durable\n' >"$DIR/Dockerfile"
    strace -f -qq -e trace=syncfs,fsync,rename,renameat,renameat2 -o "$BATS_TEST_TMPDIR/trace" \
        "$CBUILD" build -q --network none -o "type=oci,tar=false,dest=$BATS_TEST_TMPDIR/layout" "$DIR" >/dev/null
    run sed -n 's/^[0-9]* *//; /blobs\/sha256/s/.*/blob/p; /^syncfs/s/.*/sync/p; /"index.json"/s/.*/index/p' "$BATS_TEST_TMPDIR/trace"
    [ "$(printf '%s\n' "$output" | tail -3 | tr '\n' ' ')" = 'blob sync index ' ]
}

@test "a push says what became of each layer" {
    start_registry
    printf 'FROM busybox\nRUN echo layer > /layer\n' >"$DIR/Dockerfile"
    "$CBUILD" build -q --network none -t "$REGISTRY/app:1" "$DIR" >/dev/null
    cbuild push "$REGISTRY/app:1"
    expect_status 0
    expect_contains ': Pushed '
    run "$CBUILD" build --progress=plain --network none -t "$REGISTRY/app:2" --push --metadata-file "$OUT.json" "$DIR"
    expect_contains "pushed $REGISTRY/app:2@$(jq -r '."containerimage.digest"' "$OUT.json")"
    cbuild push "$REGISTRY/app:1"
    [ "$(printf '%s\n' "$output" | grep -c '^#[0-9]* [0-9a-f]\{12\}: Layer already exists$')" = 2 ]
    expect_lacks ' done'
}

@test "an image on its way into an archive is nobody else's: it is not listed, and nobody can remove it" {
    printf 'FROM busybox\nRUN echo passing > /passing\n' >"$DIR/Dockerfile"
    "$CBUILD" image prune -f >/dev/null
    before=$("$CBUILD" images -aq --no-trunc | sort)
    mkfifo "$BATS_TEST_TMPDIR/fifo"
    "$CBUILD" build -q --network none -o "type=local,dest=$BATS_TEST_TMPDIR/files" -o "type=docker,dest=$BATS_TEST_TMPDIR/fifo" "$DIR" >/dev/null &
    pid=$!
    wait_until [ -e "$BATS_TEST_TMPDIR/files/passing" ]
    "$CBUILD" build -q --network none -o "type=docker,dest=$BATS_TEST_TMPDIR/other.tar" "$DIR" >/dev/null
    "$CBUILD" image prune -f >/dev/null
    "$CBUILD" prune -af >/dev/null
    [ "$("$CBUILD" images -aq --no-trunc | sort)" = "$before" ]
    timeout 60 cat "$BATS_TEST_TMPDIR/fifo" >"$BATS_TEST_TMPDIR/one.tar"
    wait "$pid"
    cmp "$BATS_TEST_TMPDIR/one.tar" "$BATS_TEST_TMPDIR/other.tar"
    fsck_clean
}

several() { # OPTIONS...
    dockerfile <<'DOCKER'
FROM busybox AS base
RUN echo shared >/shared
FROM base AS a
RUN echo a >/only-a
FROM base AS b
RUN echo b >/only-b
FROM scratch AS files
COPY --from=a /only-a /
COPY --from=b /only-b /
DOCKER
    run --separate-stderr "$CBUILD" build --progress=plain --network none "$@" "$DIR"
}

@test "several targets are one build, each with what follows it" {
    local ids=$BATS_TEST_TMPDIR/ids
    mkdir "$ids"
    several --target a -t two:a --iidfile "$ids/a" --target b -t two:b -t two:again --metadata-file "$ids/b" --target files -o "$OUT" --no-cache
    expect_status 0
    # the shared step ran once: base image, shared, a, b, two copies
    [[ $stderr == *'6 steps: 1 cached, 5 run'* ]]
    [ "${#lines[@]}" -eq 2 ]
    [ "${lines[0]}" = "$(cat "$ids/a")" ]
    [ "${lines[1]}" = "$(jq -r '."containerimage.config.digest"' "$ids/b")" ]
    [ "$(jq -r '."image.name"' "$ids/b")" = docker.io/library/two:b,docker.io/library/two:again ]
    [ "$("$CBUILD" image inspect -f '{{.Id}}' two:a)" = "${lines[0]}" ]
    [ "$("$CBUILD" image inspect -f '{{.Id}}' two:again)" = "${lines[1]}" ]
    [ "$(ls "$OUT")" = "$(printf 'only-a\nonly-b')" ]
    run "$CBUILD" builds show
    expect_contains 'a, b, files' two:a two:again
    # a target twice, into two kinds of outputs
    several --target a -t two:a --target a -o "$OUT/root"
    expect_status 0
    [ -f "$OUT/root/only-a" ]
    # the provenance of each is its own
    several --target a -o type=oci,dest="$OUT/a.tar" --target b -o type=oci,dest="$OUT/b.tar" --provenance mode=max
    expect_status 0
    for one in a b; do
        mkdir "$OUT/$one"
        tar -xf "$OUT/$one.tar" -C "$OUT/$one"
        grep -rqs "echo $one >/only-$one" "$OUT/$one/blobs"
        not grep -rqsE "echo [^$one] >/only" "$OUT/$one/blobs"
    done
}

@test "of several targets nothing is left to be guessed" {
    refused() { # TEXT OPTIONS...
        local text=$1
        shift
        several "$@"
        expect_status 1
        case $stderr in *"$text"*) ;; *) echo "$stderr"; return 1 ;; esac
    }
    refused 'nothing says what becomes of --target a' --target a --target b -t x
    refused '--tag x stands before the first of several --target' -t x --target a -t y --target b -t z
    refused '--push true stands before' --push --target a -t y --target b -t z
    refused 'the name `docker.io/library/x:latest` is given to two targets' --target a -t x --target b -t x:latest
    refused 'the output `d` is given to two targets' --target a -o d --target b -o type=tar,dest=d
    refused '--iidfile `i` is given to two targets' --target a --iidfile i --target b --iidfile i
    refused 'only one output can go to standard output' --target a -o - --target b -o -
    refused 'target stage `nope` could not be found' --target a -t x --target nope -t y
    refused 'each of several names a stage' --target a -t x --target '' -t y
    refused 'ask about one target' --check --target a -t x --target b -t y
    refused "kaniko's other outputs go with one target" --target a -t x --target b -t y --destination z
    not "$CBUILD" image inspect x
    # one target: their order means nothing, as docker has it
    several -t before --target a
    expect_status 0
    "$CBUILD" image inspect before >/dev/null
}
