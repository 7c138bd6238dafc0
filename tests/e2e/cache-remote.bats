#!/usr/bin/env bats
# Caches of other machines: a store that is empty takes from a registry, a directory or an image what another made.
load helpers
load helpers-registry

setup_file() { cb_store; }
teardown_file() { cb_drop_store; rm -rf --one-file-system "$STORE-other"; }
setup() {
    cb_dir
    dockerfile <<'DOCKER'
FROM busybox AS tool
RUN echo tool-$(cat /proc/sys/kernel/random/uuid) >/tool
RUN echo unused-$(cat /proc/sys/kernel/random/uuid) >/other
FROM busybox
COPY file /file
RUN cat /proc/sys/kernel/random/uuid >/random
COPY --from=tool /tool /tool
LABEL a=b
DOCKER
    echo one >"$DIR/file"
    # What must not come from an earlier test's records.
    "$CBUILD" prune -af >/dev/null 2>&1 || true
}
teardown() { stop_registry; stop_hostile_registry; rm -rf --one-file-system "$STORE-other"; }

# Everything that follows happens in a store with nothing but the base image's name.
other_store() {
    rm -rf --one-file-system "$STORE-other"
    "$CBUILD" --root "$STORE" save busybox:latest | "$CBUILD" --root "$STORE-other" load >/dev/null
    export CBUILD_ROOT=$STORE-other
}
first_store() { export CBUILD_ROOT=$STORE; }
image_id() { "$CBUILD" images -q --no-trunc img; }

@test "a registry's cache with mode=max: an empty store executes nothing and gets the same image" {
    start_registry
    build_ok --cache-to "type=registry,ref=$REGISTRY/cache:x,mode=max"
    id=$(image_id)
    other_store
    build_ok --cache-from "$REGISTRY/cache:x"
    [ "$(steps_run)" = 0 ]
    [ "$(image_id)" = "$id" ]
    in_image cat /file
    expect_output one
    # From now on it is the store's own: no registry is asked.
    stop_registry
    build_ok
    [ "$(steps_run)" = 0 ]
}

@test "a changed step runs, and what does not depend on it comes from the cache" {
    start_registry
    build_ok --cache-to "type=registry,ref=$REGISTRY/cache:x,mode=max"
    in_image cat /tool
    tool=$output
    other_store
    echo two >"$DIR/file"
    build_ok --cache-from "type=registry,ref=$REGISTRY/cache:x"
    expect_contains "CACHED"
    in_image cat /tool
    expect_output "$tool"
    in_image cat /file
    expect_output two
}

@test "mode=min is enough for the result, and has no layers of other stages" {
    start_registry
    build_ok --cache-to "type=registry,ref=$REGISTRY/cache:min"
    id=$(image_id)
    other_store
    build_ok --cache-from "$REGISTRY/cache:min"
    [ "$(steps_run)" = 0 ]
    [ "$(image_id)" = "$id" ]
    other_store
    build_ok --cache-from "$REGISTRY/cache:min" --target tool
    [ "$(steps_run)" = 2 ]
}

@test "only the layers the result needs are fetched" {
    start_hostile_registry
    build_ok --cache-to "type=registry,ref=$HOSTILE/good/cache:x,mode=max"
    other_store
    : >"$HOSTILE_LOG"
    build_ok --cache-from "$HOSTILE/good/cache:x"
    [ "$(steps_run)" = 0 ]
    # Two documents, and at most four layers: busybox, two COPYs, one RUN. Not the tool stage's two.
    fetched=$(grep '"GET"' "$HOSTILE_LOG" | grep -c /v2/good/cache/blobs/)
    [ "$fetched" -le 5 ] || { cat "$HOSTILE_LOG"; false; }
}

@test "a directory as cache: written, read by another store, and nothing left of the cache before" {
    build_ok --cache-to "type=local,dest=$BATS_TEST_TMPDIR/cache,mode=max"
    id=$(image_id)
    other_store
    build_ok --cache-from "type=local,src=$BATS_TEST_TMPDIR/cache"
    [ "$(steps_run)" = 0 ]
    [ "$(image_id)" = "$id" ]
    first_store
    echo two >"$DIR/file"
    build_ok --cache-to "type=local,dest=$BATS_TEST_TMPDIR/cache"
    for blob in "$BATS_TEST_TMPDIR"/cache/blobs/sha256/*; do
        [ "$(sha256sum <"$blob" | cut -d' ' -f1)" = "${blob##*/}" ]
        grep -rqs "${blob##*/}" "$BATS_TEST_TMPDIR/cache/index.json" "$BATS_TEST_TMPDIR"/cache/blobs/sha256 ||
            { echo "nobody names $blob"; false; }
    done
}

@test "two tags live in one directory" {
    build_ok --cache-to "type=local,dest=$BATS_TEST_TMPDIR/cache,tag=a"
    build_ok --cache-to "type=local,dest=$BATS_TEST_TMPDIR/cache,tag=b"
    other_store
    build_ok --cache-from "type=local,src=$BATS_TEST_TMPDIR/cache,tag=a"
    [ "$(steps_run)" = 0 ]
}

@test "an inline cache travels with the image" {
    start_registry
    build_ok --cache-to type=inline
    "$CBUILD" tag img "$REGISTRY/app:1"
    "$CBUILD" push -q "$REGISTRY/app:1"
    other_store
    build_ok --cache-from "$REGISTRY/app:1" --build-arg BUILDKIT_INLINE_CACHE=1
    [ "$(steps_run)" = 0 ]
    in_image cat /file
    expect_output one
    # An image made on top of it does not inherit the member.
    printf 'FROM img\nLABEL x=y\n' | "$CBUILD" build -q -t child - >/dev/null
    run "$CBUILD" inspect child
    expect_status 0
    expect_lacks cbuild.cache
}

@test "a cache of a cache: what was only looked up goes on to the same repository without passing through here" {
    start_registry
    build_ok --cache-to "type=registry,ref=$REGISTRY/cache:x,mode=max"
    other_store
    build_ok --cache-from "$REGISTRY/cache:x" --cache-to "type=registry,ref=$REGISTRY/cache:y,mode=max"
    other_store
    build_ok --cache-from "$REGISTRY/cache:y"
    [ "$(steps_run)" = 0 ]
    build_ok --cache-from "$REGISTRY/cache:y" --target tool
}

@test "a cache that is not there is a warning, and the build goes on" {
    start_registry
    build_ok --cache-from "$REGISTRY/none:x" --cache-from "type=local,src=$BATS_TEST_TMPDIR/none"
    expect_contains "import cache from $REGISTRY/none:x" "import cache from $BATS_TEST_TMPDIR/none"
    image_id | grep -q sha256
}

@test "a damaged layer in a directory cache is a warning, and its step runs" {
    build_ok --cache-to "type=local,dest=$BATS_TEST_TMPDIR/cache,mode=max"
    other_store
    for blob in "$BATS_TEST_TMPDIR"/cache/blobs/sha256/*; do
        [ "$(head -c 2 "$blob" | od -An -tx1 | tr -d ' ')" = 1f8b ] && printf 'xx' | dd of="$blob" bs=1 seek=20 conv=notrunc status=none
    done
    build_ok --cache-from "type=local,src=$BATS_TEST_TMPDIR/cache"
    expect_contains "is not used any further"
    in_image cat /file
    expect_output one
    fsck_clean
}

@test "documents of a cache that make no sense are refused, and the build goes on" {
    build_ok --cache-to "type=local,dest=$BATS_TEST_TMPDIR/cache"
    other_store
    cp -a "$BATS_TEST_TMPDIR/cache" "$BATS_TEST_TMPDIR/broken"
    for text in '{"schemaVersion":2}' '[]' 'x' '{"schemaVersion":2,"manifests":[{"mediaType":"a","digest":"sha256:../../etc/passwd","size":1}]}'; do
        printf '%s' "$text" >"$BATS_TEST_TMPDIR/broken/index.json"
        build_ok --cache-from "type=local,src=$BATS_TEST_TMPDIR/broken"
        expect_contains "import cache from"
    done
}

@test "a cache that cannot be written is an error after the image is there, or a warning when asked" {
    port=$(free_port)
    build --cache-to "type=registry,ref=127.0.0.1:$port/cache:x"
    expect_status 1
    expect_contains "export cache to 127.0.0.1:$port/cache:x"
    image_id | grep -q sha256
    build_ok --cache-to "type=registry,ref=127.0.0.1:$port/cache:x,ignore-error=true"
    expect_contains "export cache to 127.0.0.1:$port/cache:x"
}

@test "a cache in a directory is named by its digest, too, and one that is not there is a warning" {
    build_ok --cache-to "type=local,dest=$BATS_TEST_TMPDIR/cache,image-manifest=true,oci-mediatypes=true"
    digest=$(jq -r '.manifests[0].digest' "$BATS_TEST_TMPDIR/cache/index.json")
    other_store
    build_ok --cache-from "type=local,src=$BATS_TEST_TMPDIR/cache,digest=sha256:$(printf '%064d' 0)"
    expect_contains warning
    [ "$(steps_run)" != 0 ]
    other_store
    build_ok --cache-from "type=local,src=$BATS_TEST_TMPDIR/cache,digest=$digest"
    [ "$(steps_run)" = 0 ]
}

@test "mistakes in --cache-from and --cache-to are named" {
    check() {
        build "$1" "$2"
        expect_status 1
        expect_contains "invalid argument \"$2\" for \"$1\" flag: $3"
    }
    check --cache-to type=s3,bucket=x 'cache type "s3": expected registry, local or inline'
    check --cache-to type=registry 'ref=NAME is missing'
    check --cache-to ref=x 'type is missing'
    check --cache-to type=local 'dest=DIRECTORY is missing'
    check --cache-from type=local 'src=DIRECTORY is missing'
    check --cache-from type=inline 'an inline cache is imported from its image'
    check --cache-to type=inline,mode=max 'an inline cache knows mode=min only'
    check --cache-to type=registry,ref=x,mode=medium 'mode "medium": expected min or max'
    check --cache-to type=registry,ref=X/Y '`X/Y`: invalid reference format'
    check --cache-to type=registry,ref=x,colour=red 'unexpected key "colour"'
}

@test "GitHub's cache is left out with a warning, as buildx leaves it out on other machines" {
    printf 'FROM busybox\nRUN echo without\n' >"$DIR/Dockerfile"
    build --cache-from type=gha,scope=x --cache-to type=gha,mode=max,scope=x
    expect_status 0
    expect_contains 'warning: --cache-from type=gha,scope=x:' 'warning: --cache-to type=gha,mode=max,scope=x:'
}

# forge CACHE OTHER FIELD: the record of CACHE's `RUN` claims OTHER's keys, too, or its identity;
# FIELD base: the base image is what the `RUN` made of it; top: its step /copy claims OTHER's keys.
forge() {
    python3 - "$@" <<'PY'
import hashlib, json, os, sys

def load(root):
    def blob(digest):
        return json.load(open(os.path.join(root, "blobs/sha256", digest[7:])))
    index = json.load(open(os.path.join(root, "index.json")))
    manifest = blob(index["manifests"][0]["digest"])
    return index, manifest, blob(manifest["config"]["digest"])

def put(root, value):
    text = json.dumps(value).encode()
    digest = hashlib.sha256(text).hexdigest()
    open(os.path.join(root, "blobs/sha256", digest), "wb").write(text)
    return {"digest": "sha256:" + digest, "size": len(text)}

def step(document):
    return next(r for r in document["records"] if "RUN" in r["name"] and "/copy" not in r["name"])

root, other, field = sys.argv[1:]
index, manifest, document = load(root)
theirs = step(load(other)[2])
if field == "base":
    next(r for r in document["records"] if "FROM" in r["name"])["layer"] = step(document)["layer"]
    step(document)["keys"] = []
elif field == "top":
    top = lambda d: next(r for r in d["records"] if "/copy" in r["name"])
    top(document)["keys"] += top(load(other)[2])["keys"]
elif field == "keys":
    step(document)["keys"] += theirs["keys"]
else:
    step(document)[field] = theirs[field]
manifest["config"].update(put(root, document))
index["manifests"][0].update(put(root, manifest))
json.dump(index, open(os.path.join(root, "index.json"), "w"))
PY
}

@test "what a forged cache says of other builds' steps changes none of those" {
    local evil='FROM busybox\nRUN echo evil >/file\n' good='FROM busybox\nRUN echo good >/file\n'
    local field
    printf "$good" >"$DIR/Dockerfile"
    build_ok --cache-to "type=local,dest=$BATS_TEST_TMPDIR/good,mode=max"
    for field in keys identity; do
        first_store
        printf "$evil" >"$DIR/Dockerfile"
        build_ok --cache-to "type=local,dest=$BATS_TEST_TMPDIR/$field,mode=max"
        forge "$BATS_TEST_TMPDIR/$field" "$BATS_TEST_TMPDIR/good" "$field"
        other_store
        build_ok --cache-from "type=local,src=$BATS_TEST_TMPDIR/$field"
        [ "$(steps_run)" = 0 ]
        in_image cat /file
        expect_output evil
        printf "$good" >"$DIR/Dockerfile"
        build_ok
        in_image cat /file
        expect_output good
    done
}

@test "a step that ran on what a cache forged is nobody else's, and neither is one the cache has on top" {
    local good='FROM busybox\nRUN echo good >/file\n' evil='FROM busybox\nRUN echo evil >/file\n'
    local on='RUN cat /file >/copy\n' known
    printf "$good" >"$DIR/Dockerfile"
    build_ok --cache-to "type=local,dest=$BATS_TEST_TMPDIR/good,mode=max"
    # KNOWN: the cache has the step on top, too, under the key the victim's would have.
    for known in '' "$on"; do
        first_store
        printf "$evil$known" >"$DIR/Dockerfile"
        build_ok --cache-to "type=local,dest=$BATS_TEST_TMPDIR/forged,mode=max"
        if [ -n "$known" ]; then
            printf "$good$on" >"$DIR/Dockerfile"
            build_ok --cache-to "type=local,dest=$BATS_TEST_TMPDIR/both,mode=max"
            forge "$BATS_TEST_TMPDIR/forged" "$BATS_TEST_TMPDIR/both" top
        fi
        forge "$BATS_TEST_TMPDIR/forged" "$BATS_TEST_TMPDIR/good" identity
        other_store
        printf "$evil$on" >"$DIR/Dockerfile"
        build_ok --cache-from "type=local,src=$BATS_TEST_TMPDIR/forged" \
            --cache-to "type=local,dest=$BATS_TEST_TMPDIR/relayed,mode=max"
        in_image cat /copy
        expect_output evil
        printf "$good$on" >"$DIR/Dockerfile"
        build_ok
        in_image cat /copy
        expect_output good
        # Nor is it handed on.
        other_store
        build_ok --cache-from "type=local,src=$BATS_TEST_TMPDIR/relayed"
        in_image cat /copy
        expect_output good
    done
}

@test "what was made on top of a cache's steps is found by the machine that made those" {
    printf 'FROM busybox\nRUN cat /proc/sys/kernel/random/uuid >/a\nRUN echo b >/b\n' >"$DIR/Dockerfile"
    build_ok --cache-to "type=local,dest=$BATS_TEST_TMPDIR/one,mode=max"
    other_store
    echo 'RUN cat /proc/sys/kernel/random/uuid >/c' >>"$DIR/Dockerfile"
    build_ok --cache-from "type=local,src=$BATS_TEST_TMPDIR/one" --cache-to "type=local,dest=$BATS_TEST_TMPDIR/two,mode=max"
    [ "$(steps_run)" = 1 ]
    # And the other way round, where the store has the steps of the cache already.
    first_store
    build_ok --cache-from "type=local,src=$BATS_TEST_TMPDIR/two"
    [ "$(steps_run)" = 0 ]
    echo 'RUN echo d >/d' >>"$DIR/Dockerfile"
    build_ok --cache-to "type=local,dest=$BATS_TEST_TMPDIR/three,mode=max"
    [ "$(steps_run)" = 1 ]
    export CBUILD_ROOT=$STORE-other
    build_ok --cache-from "type=local,src=$BATS_TEST_TMPDIR/three"
    [ "$(steps_run)" = 0 ]
}

@test "what a forged cache says of a base image does not change it" {
    printf 'FROM busybox\nRUN echo evil >/evil\n' >"$DIR/Dockerfile"
    build_ok --cache-to "type=local,dest=$BATS_TEST_TMPDIR/cache,mode=max"
    forge "$BATS_TEST_TMPDIR/cache" "$BATS_TEST_TMPDIR/cache" base
    other_store
    printf 'FROM busybox\nRUN ls / >/list\n' >"$DIR/Dockerfile"
    for from in "--cache-from type=local,src=$BATS_TEST_TMPDIR/cache" --no-cache -q; do
        build_ok $from
        in_image cat /list
        [[ "$output" = *etc* && "$output" != *evil* ]]
    done
}
