#!/usr/bin/env bats
# Images in the store and as files.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    printf 'FROM busybox\nRUN echo content > /file\nLABEL l=1\nCMD ["cat", "/file"]\n' >"$DIR/Dockerfile"
    "$CBUILD" build -q -t img "$DIR" >/dev/null 2>&1
    id=$("$CBUILD" inspect img | jq -r '.[0].Id')
}

@test "images lists names, ids and sizes as docker does" {
    run "$CBUILD" images
    expect_contains 'REPOSITORY' 'IMAGE ID' 'CREATED' 'busybox' 'latest'
    run "$CBUILD" images -q --no-trunc img
    expect_output "$id"
    run "$CBUILD" image ls img
    [ "${#lines[@]}" -eq 2 ]
}

@test "tag, and rmi by name and by id" {
    "$CBUILD" tag img other:1
    run "$CBUILD" rmi other:1
    expect_output 'Untagged: other:1'
    "$CBUILD" tag img other:2
    run "$CBUILD" rmi "${id#sha256:}"
    expect_status 1
    expect_contains 'image is referenced in multiple repositories'
    run "$CBUILD" rmi -f "${id:7:12}"
    expect_status 0
    expect_contains 'Untagged: img:latest' 'Untagged: other:2' "Deleted: $id"
    run "$CBUILD" inspect img
    expect_status 1
    expect_contains 'No such object: img'
    run "$CBUILD" image inspect img
    expect_status 1
    expect_contains 'No such image: img'
    fsck_clean
}

@test "an ambiguous or unknown id" {
    run "$CBUILD" image inspect 000000000000
    expect_status 1
    expect_contains 'No such image'
}

@test "history shows the steps, newest first" {
    run "$CBUILD" history --no-trunc img
    expect_contains 'CREATED BY' 'RUN /bin/sh -c echo content > /file' 'LABEL l=1'
    [[ ${lines[1]} == *'CMD ["cat" "/file"]'* ]]
}

@test "save and load: docker and OCI archives, plain and compressed, from a pipe" {
    for format in docker-archive oci-archive; do
        "$CBUILD" save --format $format -o "$BATS_TEST_TMPDIR/a.tar" img busybox
        "$CBUILD" save --format $format img busybox >"$BATS_TEST_TMPDIR/b.tar"
        cmp "$BATS_TEST_TMPDIR/a.tar" "$BATS_TEST_TMPDIR/b.tar"
        for filter in cat 'gzip -c' 'zstd -qc' 'xz -0c' 'bzip2 -1c'; do
            fresh=$BATS_TEST_TMPDIR/fresh
            rm -rf "$fresh"
            $filter <"$BATS_TEST_TMPDIR/a.tar" | "$CBUILD" --root "$fresh" load >"$BATS_TEST_TMPDIR/loaded" 2>"$BATS_TEST_TMPDIR/err"
            grep -q 'Loaded image: img:latest' "$BATS_TEST_TMPDIR/loaded"
            [ "$("$CBUILD" --root "$fresh" inspect img | jq -r '.[0].Id')" = "$id" ]
            run "$CBUILD" --root "$fresh" run --rm --network none img
            expect_output content
        done
    done
}

@test "F13: save --exclude-from leaves out what the other side has, and load takes that from there" {
    local fresh=$BATS_TEST_TMPDIR/fresh format
    printf 'FROM img\nRUN echo later >/later\n' | dockerfile
    "$CBUILD" build -q -t next "$DIR" >/dev/null
    for format in docker-archive oci-archive oci-dir; do
        rm -rf "$fresh"
        delta=$BATS_TEST_TMPDIR/delta.$format
        "$CBUILD" save --format $format --exclude-from img -o "$delta" next
        [ "$(du -s --apparent-size -B1 "$delta" | cut -f 1)" -lt 60000 ]
        run "$CBUILD" --root "$fresh" load -i "$delta"
        expect_status 1
        expect_contains 'is neither in the archive nor in the store' 'save --exclude-from'
        "$CBUILD" save img | "$CBUILD" --root "$fresh" load >/dev/null
        run "$CBUILD" --root "$fresh" load -i "$delta"
        expect_status 0
        [ "$("$CBUILD" --root "$fresh" inspect -f '{{.Id}}' next)" = "$("$CBUILD" inspect -f '{{.Id}}' next)" ]
        run "$CBUILD" --root "$fresh" run --rm --network none next cat /later
        expect_output later
        run "$CBUILD" --root "$fresh" fsck
        expect_status 0
        "$CBUILD" --root "$fresh" save next | cmp - <("$CBUILD" save next)
    done
    run "$CBUILD" save --exclude-from nobody:1 img
    expect_status 1
    expect_contains nobody:1
    # what was left out comes along when it is asked for
    "$CBUILD" save --format oci-dir -o "$delta" next
    "$CBUILD" --root "$BATS_TEST_TMPDIR/other" load -q -i "$delta"
}

@test "F13: save --delta-from tells a layer by the one it replaces, and load makes the same of it" {
    local fresh=$BATS_TEST_TMPDIR/fresh delta=$BATS_TEST_TMPDIR/delta.tar version
    cd "$BATS_TEST_TMPDIR"
    head -c 10000000 /dev/urandom >"$DIR/data"
    for version in 1 2; do
        # what is new stands before the rest and shifts it; the second layer is only in the second version
        printf 'FROM busybox\nRUN --mount=source=data,target=/from head -c %s000000 /dev/zero | tr "\\0" %s >/a && cp /from /b\n' $version $version >"$DIR/Dockerfile"
        [ $version = 1 ] || echo 'RUN echo later >/later' >>"$DIR/Dockerfile"
        "$CBUILD" build -q --network=none -t v:$version "$DIR" >/dev/null
    done
    "$CBUILD" save --delta-from v:1 -o "$delta" v:2
    [ "$(stat -c %s "$delta")" -lt 100000 ]
    run "$CBUILD" --root "$fresh" load -i "$delta"
    expect_status 1
    expect_contains 'by which the archive tells another, is not in the store' 'save --delta-from'
    "$CBUILD" save v:1 | "$CBUILD" --root "$fresh" load -q >/dev/null
    "$CBUILD" save --delta-from v:1 v:2 --compression zstd | "$CBUILD" --root "$fresh" load -q
    "$CBUILD" --root "$fresh" save v:2 | cmp - <("$CBUILD" save v:2)
    run "$CBUILD" --root "$fresh" fsck --deep
    expect_status 0
    # a byte of it changed anywhere: an error, and no image
    mkdir parts
    tar -xf "$delta" -C parts
    member=$(find parts/deltas -type f)
    "$CBUILD" save v:1 | "$CBUILD" --root other load -q >/dev/null
    for at in 0 40 75 90 97 120 "$(($(stat -c %s "$member") - 5))"; do # magic, base, length, part, piece, frames
        tar -xf "$delta" -C parts
        printf '\377' | dd of="$member" bs=1 seek="$at" conv=notrunc status=none
        run "$CBUILD" --root other load -i parts
        expect_status 1
        run "$CBUILD" --root other images -q v:2
        expect_output ''
    done
    run "$CBUILD" save --format oci-dir --delta-from v:1 v:2
    expect_status 1
    expect_contains '--delta-from is for archives'
    "$CBUILD" save --format oci-archive --delta-from v:1 -o "$delta" v:2
    [ "$(stat -c %s "$delta")" -lt 100000 ]
    "$CBUILD" save v:1 | "$CBUILD" --root oci load -q >/dev/null
    "$CBUILD" --root oci load -q -i "$delta"
    "$CBUILD" --root oci save v:2 | cmp - <("$CBUILD" save v:2)
    "$CBUILD" --root oci fsck --deep
    "$CBUILD" rmi v:1 v:2 >/dev/null
}

@test "save compresses an archive that is called so, or when asked" {
    cd "$BATS_TEST_TMPDIR"
    "$CBUILD" save -o plain.tar img busybox
    "$CBUILD" save -o a.tgz img busybox
    "$CBUILD" save -o b.tar.zst img busybox
    "$CBUILD" save --compression gzip img busybox >c
    "$CBUILD" save --compression uncompressed -o d.tar.gz img busybox
    gzip -dc a.tgz | cmp - plain.tar
    zstd -qdc b.tar.zst | cmp - plain.tar
    cmp a.tgz c
    cmp d.tar.gz plain.tar
    run "$CBUILD" save --compression lzw img
    expect_status 1
    expect_contains 'gzip, zstd or uncompressed'
}

@test "untag: names go, the image stays; all of them or none" {
    printf 'FROM busybox\nLABEL untag=me\n' | "$CBUILD" build -q -t kept:1 -t kept:2 -t kept:3 -
    id=$("$CBUILD" inspect -f '{{.Id}}' kept:1)
    cbuild untag kept:1 kept:2 busybox
    expect_status 1
    expect_contains 'busybox: no name of the image'
    cbuild untag kept:1 kept:2 kept:2
    expect_output ''
    [ "$("$CBUILD" inspect -f '{{json .RepoTags}}' "$id")" = '["kept:1","kept:3"]' ]
    cbuild image untag "$id"
    expect_status 0
    [ "$("$CBUILD" inspect -f '{{json .RepoTags}}' "$id")" = '[]' ]
    "$CBUILD" rmi "$id"
    cbuild image scp busybox host::
    expect_status 1
    expect_contains '`image scp` is not here' 'cbuild save IMAGE | ssh HOST cbuild load'
}

@test "save into a layout directory, and load of it; other tags stay; by digest the name is left out" {
    dir=$BATS_TEST_TMPDIR/dir
    "$CBUILD" save --format oci-dir -o "$dir" img busybox
    "$CBUILD" tag img other:1
    "$CBUILD" save --format oci-dir -o "$dir" other:1
    jq -e '[.manifests[].annotations["io.containerd.image.name"]] | sort == ["docker.io/library/busybox:latest", "docker.io/library/img:latest", "docker.io/library/other:1"]' "$dir/index.json"
    fresh=$BATS_TEST_TMPDIR/fresh
    run "$CBUILD" --root "$fresh" load -i "$dir"
    expect_status 0
    expect_contains 'Loaded image: img:latest' 'Loaded image: busybox:latest' 'Loaded image: other:1'
    [ "$("$CBUILD" --root "$fresh" inspect other:1 | jq -r '.[0].Id')" = "$id" ]
    run "$CBUILD" --root "$fresh" run --rm --network none img
    expect_output content
    # an archive that somebody unpacked
    mkdir "$BATS_TEST_TMPDIR/unpacked"
    "$CBUILD" save img | tar -xC "$BATS_TEST_TMPDIR/unpacked"
    rm -rf "$fresh"
    run "$CBUILD" --root "$fresh" load -i "$BATS_TEST_TMPDIR/unpacked"
    expect_output 'Loaded image: img:latest'
    "$CBUILD" save "$id" | "$CBUILD" --root "$fresh.2" load >"$BATS_TEST_TMPDIR/out"
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = "Loaded image ID: $id" ]
    "$CBUILD" rmi other:1
    run "$CBUILD" save --format oci-dir img
    expect_status 1
    expect_contains '-o DIR'
}

@test "a directory to load is not trusted: bytes, links, names, pipes" {
    dir=$BATS_TEST_TMPDIR/dir
    blobs=$dir/blobs/sha256
    "$CBUILD" save --format oci-dir -o "$dir" img
    layer=$(jq -r ".manifests[0].digest[7:]" "$dir/index.json" | xargs -I{} jq -r '.layers[-1].digest[7:]' "$blobs/{}")
    fresh=$BATS_TEST_TMPDIR/fresh
    cp "$blobs/$layer" "$BATS_TEST_TMPDIR/elsewhere"
    # a link out of the directory is not followed
    ln -sf "$BATS_TEST_TMPDIR/elsewhere" "$blobs/$layer"
    run "$CBUILD" --root "$fresh" load -i "$dir"
    expect_status 1
    expect_contains 'neither in the archive nor in the store'
    # a pipe is not waited for
    rm "$blobs/$layer"
    mkfifo "$blobs/$layer"
    run timeout 60 "$CBUILD" --root "$fresh" load -i "$dir"
    expect_status 1
    # other bytes
    rm "$blobs/$layer"
    tr 'a-z' 'b-za' <"$BATS_TEST_TMPDIR/elsewhere" >"$blobs/$layer"
    run "$CBUILD" --root "$fresh" load -i "$dir"
    expect_status 1
    expect_contains "$layer"
    # no image at all: nothing is read
    run "$CBUILD" --root "$fresh" load -i /proc
    expect_status 1
    expect_contains 'not an image'
    run "$CBUILD" --root "$fresh" images -q
    expect_output ''
}

@test "a tar whose last file is not filled up to a block is whole, one that lacks a byte of it is not" {
    mkdir "$BATS_TEST_TMPDIR/tree"
    printf hello >"$BATS_TEST_TMPDIR/tree/file"
    tar -b 1 -cf "$BATS_TEST_TMPDIR/full.tar" -C "$BATS_TEST_TMPDIR/tree" file
    head -c 517 "$BATS_TEST_TMPDIR/full.tar" >"$BATS_TEST_TMPDIR/unpadded.tar"
    head -c 516 "$BATS_TEST_TMPDIR/full.tar" >"$BATS_TEST_TMPDIR/short.tar"
    cd "$BATS_TEST_TMPDIR"
    printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$(sha256sum <unpadded.tar | cut -d' ' -f1)" >config.json
    echo '[{"Config":"config.json","RepoTags":["unpadded:latest"],"Layers":["unpadded.tar"]}]' >manifest.json
    tar -c config.json manifest.json unpadded.tar | "$CBUILD" load -q
    [ "$(echo FROM unpadded | "$CBUILD" build -q -o - - | tar -xO file)" = hello ]
    "$CBUILD" import unpadded.tar imported
    [ "$(echo FROM imported | "$CBUILD" build -q -o - - | tar -xO file)" = hello ]
    run "$CBUILD" import "$BATS_TEST_TMPDIR/short.tar" short
    expect_status 1
    expect_contains Truncated
}

@test "load refuses what is no archive, and truncated ones, and stores nothing" {
    echo nonsense >"$BATS_TEST_TMPDIR/x"
    run "$CBUILD" load -i "$BATS_TEST_TMPDIR/x"
    expect_status 1
    echo '{"old/image": {"1": "0123"}}' >"$BATS_TEST_TMPDIR/repositories"
    tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/old.tar" repositories
    run "$CBUILD" load -i "$BATS_TEST_TMPDIR/old.tar"
    expect_status 1
    expect_contains 'neither manifest.json nor index.json' 'docker before 1.10'
    mkdir "$BATS_TEST_TMPDIR/root"
    tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/root.tar" root
    run "$CBUILD" load -i "$BATS_TEST_TMPDIR/root.tar"
    expect_status 1
    expect_contains 'neither manifest.json nor index.json' '`cbuild import` takes the tar of a root directory'
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/a.tar" img
    head -c 100000 "$BATS_TEST_TMPDIR/a.tar" >"$BATS_TEST_TMPDIR/cut"
    fresh=$BATS_TEST_TMPDIR/fresh
    run "$CBUILD" --root "$fresh" load -i "$BATS_TEST_TMPDIR/cut"
    expect_status 1
    # What has the form of an image and is none: an artifact.
    mkdir -p "$BATS_TEST_TMPDIR/artifact/blobs/sha256"
    blob() { printf %s "$1" >"$BATS_TEST_TMPDIR/artifact/blobs/sha256/$(printf %s "$1" | sha256sum | cut -d' ' -f1)"; }
    blob '{}'
    empty='{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}'
    manifest="{\"schemaVersion\":2,\"artifactType\":\"application/x\",\"config\":$empty,\"layers\":[$empty]}"
    blob "$manifest"
    echo "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:$(printf %s "$manifest" | sha256sum | cut -d' ' -f1)\",\"size\":${#manifest}}]}" >"$BATS_TEST_TMPDIR/artifact/index.json"
    run "$CBUILD" --root "$fresh" load -i "$BATS_TEST_TMPDIR/artifact"
    expect_status 1
    expect_contains 'there is no image in the archive'
    run "$CBUILD" --root "$fresh" images -q
    expect_output ''
    run "$CBUILD" --root "$fresh" fsck
    expect_status 0
}

@test "import takes configuration changes" {
    mkdir "$BATS_TEST_TMPDIR/root"
    cp /bin/busybox "$BATS_TEST_TMPDIR/root/busybox"
    tar -C "$BATS_TEST_TMPDIR/root" -c . |
        "$CBUILD" import -c 'ENTRYPOINT ["/busybox"]' -c 'ENV A=b' -c 'CMD ["env"]' - imported:1
    run "$CBUILD" run --rm --network none imported:1
    expect_status 0
    expect_contains 'A=b'
}

@test "inspect prints docker's JSON" {
    run bash -c "'$CBUILD' inspect img busybox | jq -r 'length'"
    expect_output 2
    run "$CBUILD" inspect -f '{{.GraphDriver.Name}} {{.Metadata.LastTagTime}} {{eq .VirtualSize .Size}}' img
    expect_output "$("$CBUILD" info -f '{{.Driver}}') 0001-01-01T00:00:00Z true"
    dir=$("$CBUILD" inspect -f '{{.GraphDriver.Data.LowerDir}}' img)
    [ -x "${dir##*:}/bin/busybox" ]
    "$CBUILD" inspect img | jq -e '.[0] | .RepoTags == ["img:latest"] and .Os == "linux" and .RootFS.Type == "layers" and (.RootFS.Layers | length) == 2'
}

@test "inspect -f has what docker's types have: empty where nothing is set, null as JSON" {
    printf 'FROM scratch\nENV A=1\nCMD ["/x"]\n' | dockerfile
    build_ok
    run "$CBUILD" inspect -f '{{.Config.Entrypoint}} {{.Config.Labels}} {{.Config.ExposedPorts}} {{.Config.Healthcheck}} {{len .Config.Volumes}}' img
    expect_output '[] map[] map[] <nil> 0'
    run "$CBUILD" inspect -f '{{json .Config.Entrypoint}} {{json .Config.Labels}} {{json .Config.ExposedPorts}} {{json .Config.Cmd}}' img
    expect_output 'null null null ["/x"]'
    run "$CBUILD" inspect -f '{{json .Config}}' img
    [ "$(jq -c '[.Entrypoint, .Volumes, .Env[-1]]' <<<"$output")" = '[null,null,"A=1"]' ]
    run "$CBUILD" inspect -f '{{with .Config.ExposedPorts}}some{{else}}none{{end}}{{range $k, $v := .Config.Labels}}{{$k}}{{end}}{{index .Config.Labels "x"}}' img
    expect_output none
    cbuild inspect -f '{{.Config.Nope}}' img
    expect_status 1
    expect_contains "map has no entry for key \"Nope\""
}
