#!/usr/bin/env bats
# Reproducible builds: with SOURCE_DATE_EPOCH the same inputs give the same bytes, in any store and at any time.
load helpers
load helpers-registry
load helpers-web

EPOCH=1600000000

# The base was made after the epoch, and stays as it is.
setup_file() {
    local root
    export STORE=$CB_WORK/store-reproducible OTHER=$CB_WORK/store-reproducible-other
    export CBUILD_ROOT=$STORE
    rm -rf --one-file-system "$STORE" "$OTHER"
    for root in "$STORE" "$OTHER"; do
        SOURCE_DATE_EPOCH=1650000000 "$CBUILD" --root "$root" import -c 'CMD ["sh"]' "$CB_BASES/busybox.tar" \
            busybox:latest >/dev/null
    done
}
teardown_file() {
    cb_drop_store
    rm -rf --one-file-system "$OTHER"
}
setup() {
    cb_dir
    mkdir -p "$DIR/src/deep" "$BATS_TEST_TMPDIR/packed/inside"
    echo new >"$DIR/src/new"
    echo old >"$DIR/src/deep/old"
    ln -s new "$DIR/src/link"
    ln "$DIR/src/new" "$DIR/src/same"
    echo packed >"$BATS_TEST_TMPDIR/packed/inside/file"
    tar -C "$BATS_TEST_TMPDIR/packed" -cf "$DIR/packed.tar" .
    touch -d @1500000000 "$DIR/src/deep/old"
    dockerfile <<'END'
FROM busybox AS make
WORKDIR /work/deep
RUN echo made > made && mkdir -p sub/dir && ln made sub/dir/same && ln -s made link && mkfifo pipe && rm -r /tmp
COPY <<EOF /etc/heredoc
text
EOF
RUN ls -lR --full-time /work /etc/heredoc > /seen
FROM busybox
COPY src /a/b/src/
ADD packed.tar /packed/
COPY --from=make /work /work
COPY --from=make /seen /seen
COPY --link src/new /linked/
WORKDIR /made
RUN touch -d @1400000000 past && touch present && echo more >> /a/b/src/new
LABEL a=b
END
}
teardown() { stop_registry; stop_web; }

# build_in STORE ARCHIVE [option…]: an OCI archive, ARCHIVE.docker one for docker; the id is in ARCHIVE.json.
build_in() {
    local store=$1 archive=$2
    shift 2
    run env SOURCE_DATE_EPOCH="$EPOCH" "$CBUILD" --root "$store" build --progress=plain -t img -o type=image \
        -o "type=oci,dest=$archive" -o "type=docker,dest=$archive.docker" --metadata-file "$archive.json" "$@" "$DIR"
    expect_status 0
}

# The entries of the layers above the base's in an OCI archive: "name time".
times() { # ARCHIVE
    python3 - "$1" <<'END'
import io, json, sys, tarfile
archive = tarfile.open(sys.argv[1])
blob = lambda d: archive.extractfile('blobs/' + d['digest'].replace(':', '/')).read()
index = json.load(archive.extractfile('index.json'))
manifest = json.loads(blob(index['manifests'][0]))
for layer in manifest['layers'][1:]:
    for entry in tarfile.open(fileobj=io.BytesIO(blob(layer))):
        print(entry.name.rstrip('/'), int(entry.mtime))
END
}

@test "two stores, at two times, with one job and with four, make the same archive" {
    build_in "$STORE" "$BATS_TEST_TMPDIR/one.tar" --no-cache --jobs 1
    touch "$DIR/src/new" "$DIR/packed.tar" "$DIR/src"
    build_in "$OTHER" "$BATS_TEST_TMPDIR/two.tar" --no-cache --jobs 4
    cmp "$BATS_TEST_TMPDIR/one.tar" "$BATS_TEST_TMPDIR/two.tar"
    # Each build has a name of its own.
    cmp <(jq 'del(."buildx.build.ref")' "$BATS_TEST_TMPDIR/one.tar.json") <(jq 'del(."buildx.build.ref")' "$BATS_TEST_TMPDIR/two.tar.json")
    cmp "$BATS_TEST_TMPDIR/one.tar.docker" "$BATS_TEST_TMPDIR/two.tar.docker"
    # From the cache, and again without, beside what is there.
    build_in "$STORE" "$BATS_TEST_TMPDIR/cached.tar"
    [ "$(steps_run)" -eq 0 ]
    cmp "$BATS_TEST_TMPDIR/one.tar" "$BATS_TEST_TMPDIR/cached.tar"
    build_in "$OTHER" "$BATS_TEST_TMPDIR/again.tar" --no-cache
    cmp "$BATS_TEST_TMPDIR/one.tar" "$BATS_TEST_TMPDIR/again.tar"
}

@test "a registry gets the same manifest from both stores" {
    local root
    start_registry
    for root in "$STORE" "$OTHER"; do
        SOURCE_DATE_EPOCH=$EPOCH "$CBUILD" --root "$root" build -q --no-cache -t "$REGISTRY/app:1" --push \
            --metadata-file "$BATS_TEST_TMPDIR/pushed-${root##*-}.json" "$DIR"
    done
    run jq -s -c 'map(."containerimage.digest") | unique | length' "$BATS_TEST_TMPDIR"/pushed-*.json
    expect_output 1
}

@test "nothing made here is newer than the epoch; older files and the base keep their times" {
    build_in "$STORE" "$BATS_TEST_TMPDIR/img.tar"
    run times "$BATS_TEST_TMPDIR/img.tar"
    expect_contains "a/b/src/deep/old 1500000000" "made/past 1400000000" "made/present $EPOCH" "a/b/src/new $EPOCH" \
        "packed/inside/file $EPOCH" "a/b $EPOCH" "work/deep/sub/dir $EPOCH" "linked/new $EPOCH"
    [ -z "$(awk -v epoch="$EPOCH" '$2 > epoch' <<<"$output")" ]
    # The base's own layer is the one it came with.
    run jq -r '.[0].RootFS.Layers[0]' <("$CBUILD" inspect img)
    expect_output "$("$CBUILD" inspect busybox | jq -r '.[0].RootFS.Layers[0]')"
    run jq -c '[.created, (.history | map(.created) | unique)]' \
        <(skopeo inspect --config "oci-archive:$BATS_TEST_TMPDIR/img.tar")
    expect_output '["2020-09-13T12:26:40Z",["2020-09-13T12:26:40Z","2022-04-15T05:20:00Z"]]'
}

@test "what runs on a layer sees the times it has in the image" {
    build_in "$STORE" "$BATS_TEST_TMPDIR/img.tar"
    in_image cat /seen
    expect_contains '2020-09-13 12:26:40'
    expect_lacks "$(date +%Y)-"
}

@test "a step that changes nothing is an empty layer on a base that is newer than the epoch" {
    printf 'FROM busybox\nRUN true\n' >"$DIR/Dockerfile"
    build_in "$STORE" "$BATS_TEST_TMPDIR/img.tar"
    run times "$BATS_TEST_TMPDIR/img.tar"
    expect_output ""
}

@test "another epoch, or none, gives other layers; neither is taken for the other" {
    build_in "$STORE" "$BATS_TEST_TMPDIR/first.tar"
    build_ok
    in_image stat -c %Y /made/present
    [ "$output" -gt "$EPOCH" ]
    EPOCH=1300000000 build_in "$STORE" "$BATS_TEST_TMPDIR/earlier.tar" --explain
    expect_contains 'RUN: SOURCE_DATE_EPOCH' 'COPY: SOURCE_DATE_EPOCH' 'WORKDIR: SOURCE_DATE_EPOCH'
    in_image stat -c %Y /made/present /made/past /a/b/src/deep/old
    expect_output $'1300000000\n1300000000\n1300000000'
    build_in "$STORE" "$BATS_TEST_TMPDIR/second.tar"
    [ "$(steps_run)" -eq 0 ]
    cmp "$BATS_TEST_TMPDIR/first.tar" "$BATS_TEST_TMPDIR/second.tar"
}

@test "an epoch that is the Dockerfile's default counts as one that is given" {
    build_in "$STORE" "$BATS_TEST_TMPDIR/given.tar"
    sed -i "1i ARG SOURCE_DATE_EPOCH=$EPOCH" "$DIR/Dockerfile"
    build_ok -o type=image -o "type=oci,dest=$BATS_TEST_TMPDIR/default.tar"
    cmp "$BATS_TEST_TMPDIR/given.tar" "$BATS_TEST_TMPDIR/default.tar"
}

@test "a file's time before the epoch is in the key: from the cache comes what a new build would make" {
    build_in "$STORE" "$BATS_TEST_TMPDIR/before.tar"
    touch -d @1500000007 "$DIR/src/deep/old"
    build_in "$STORE" "$BATS_TEST_TMPDIR/after.tar" --explain
    expect_contains 'deep/old time 1500000000→1500000007'
    build_in "$OTHER" "$BATS_TEST_TMPDIR/fresh.tar" --no-cache
    cmp "$BATS_TEST_TMPDIR/after.tar" "$BATS_TEST_TMPDIR/fresh.tar"
}

@test "results that differ in times only are two results" {
    printf 'FROM busybox\nRUN touch -d @100 /file\n' >"$DIR/Dockerfile"
    build_in "$STORE" "$BATS_TEST_TMPDIR/img.tar"
    printf 'FROM busybox\nRUN touch -d @200 /file\n' >"$DIR/Dockerfile"
    build_in "$STORE" "$BATS_TEST_TMPDIR/img.tar"
    in_image stat -c %Y /file
    expect_output 200
    # Those that are equal are one, for what follows, too.
    printf 'FROM busybox\nRUN touch -d @200 /file && true\n' >"$DIR/Dockerfile"
    build_in "$STORE" "$BATS_TEST_TMPDIR/other.tar" --no-cache
    run times "$BATS_TEST_TMPDIR/other.tar"
    expect_output 'file 200'
}

@test "what is added from elsewhere is no newer, either, and the same from both stores" {
    start_web
    echo url >"$WEB_ROOT/f.txt"
    make_repo r
    printf 'FROM busybox\nADD %s /url/\nADD %s /git/\n' "$WEB/etag/f.txt" "$WEB/git/r.git" >"$DIR/Dockerfile"
    build_in "$STORE" "$BATS_TEST_TMPDIR/one.tar"
    touch "$WEB_ROOT/f.txt"
    build_in "$OTHER" "$BATS_TEST_TMPDIR/two.tar"
    cmp "$BATS_TEST_TMPDIR/one.tar" "$BATS_TEST_TMPDIR/two.tar"
    run times "$BATS_TEST_TMPDIR/one.tar"
    expect_contains "url/f.txt $EPOCH" "git/file $EPOCH"
}

@test "a store that takes all from another's cache has the same image" {
    build_in "$STORE" "$BATS_TEST_TMPDIR/one.tar" --cache-to "type=local,dest=$BATS_TEST_TMPDIR/cache,mode=max"
    "$CBUILD" --root "$OTHER" prune -af >/dev/null
    SOURCE_DATE_EPOCH=1650000000 "$CBUILD" --root "$OTHER" import -c 'CMD ["sh"]' "$CB_BASES/busybox.tar" \
        busybox:latest >/dev/null
    build_in "$OTHER" "$BATS_TEST_TMPDIR/two.tar" --cache-from "type=local,src=$BATS_TEST_TMPDIR/cache"
    [ "$(steps_run)" -eq 0 ]
    cmp "$BATS_TEST_TMPDIR/one.tar" "$BATS_TEST_TMPDIR/two.tar"
}

@test "rewrite-timestamp=false leaves files their times, and the cache its results for all epochs" {
    local file=$BATS_TEST_TMPDIR/kept.tar
    printf 'FROM busybox\nRUN touch /present\n' >"$DIR/Dockerfile"
    SOURCE_DATE_EPOCH=$EPOCH build_ok -o "type=oci,dest=$file,rewrite-timestamp=false"
    run times "$file"
    [ "$(awk '$1 == "present" { print $2 }' <<<"$output")" -gt "$EPOCH" ]
    SOURCE_DATE_EPOCH=1300000000 build_ok -o type=image,rewrite-timestamp=false
    [ "$(steps_run)" -eq 0 ]
    SOURCE_DATE_EPOCH=$EPOCH build_ok -o "type=oci,dest=$file,rewrite-timestamp=true"
    run times "$file"
    expect_contains "present $EPOCH"
}

@test "rewrite-timestamp: without an epoch there is a warning; outputs that disagree, and what is no boolean, are errors" {
    build_ok -o type=image,rewrite-timestamp=true
    expect_contains 'rewrite-timestamp=true does nothing: SOURCE_DATE_EPOCH is not given'
    build -o type=image,rewrite-timestamp=true -o type=docker,rewrite-timestamp=false
    expect_status 1
    expect_contains 'rewrite-timestamp=true' 'build once for each'
    build -o type=registry,rewrite-timestamp=maybe
    expect_status 1
    expect_contains 'rewrite-timestamp'
}

@test "a layer is compressed to the same bytes on one processor and on all of them" {
    local kind one all
    python3 -c 'import random, sys; r = random.Random(1); sys.stdout.write("".join("%d line %d\n" % (r.randrange(9), i) for i in range(1500000)))' >"$DIR/large"
    printf 'FROM scratch\nCOPY large /\n' >"$DIR/Dockerfile"
    for kind in gzip zstd; do
        one=$BATS_TEST_TMPDIR/$kind-one.tar all=$BATS_TEST_TMPDIR/$kind-all.tar
        SOURCE_DATE_EPOCH=$EPOCH taskset -c "$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')" \
            "$CBUILD" build -q -o "type=oci,dest=$one,compression=$kind,force-compression=true" "$DIR"
        SOURCE_DATE_EPOCH=$EPOCH "$CBUILD" --root "$OTHER" build -q \
            -o "type=oci,dest=$all,compression=$kind,force-compression=true" "$DIR"
        cmp "$one" "$all"
        [ "$(stat -c %s "$one")" -lt 15000000 ]
    done
}
