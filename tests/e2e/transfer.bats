#!/usr/bin/env bats
# Images between the store and registries: several tags at once, and each layer in the form it has.
load helpers
load helpers-registry
load ../lib/peers

setup_file() {
    cb_store
    registry_start
    printf 'FROM busybox\nRUN echo content >/file\nCMD ["cat", "/file"]\n' | cb_image made
}
teardown_file() {
    registry_stop
    cb_drop_store
}
setup() { FRESH=$BATS_TEST_TMPDIR/fresh; }
teardown() { stop_hostile_registry; }

fresh() {
    run "$CBUILD" --root "$FRESH" "$@"
}
# The layers' digests and types of a tag on the registry.
layers_of() {
    curl -s -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/$1/manifests/$2" |
        jq -r '.layers[] | .mediaType + " " + .digest'
}

@test "push to several tags at once, push -a and pull -a" {
    cbuild push made "$REGISTRY/many:1" "$REGISTRY/many:2"
    expect_status 0
    expect_contains '1: digest: sha256:' '2: digest: sha256:'
    "$CBUILD" tag made "$REGISTRY/many:3"
    "$CBUILD" tag busybox "$REGISTRY/many:4"
    "$CBUILD" tag busybox "$REGISTRY/other:5"
    cbuild push -a "$REGISTRY/many"
    expect_status 0
    expect_contains '3: digest: sha256:' '4: digest: sha256:'
    expect_lacks '5: digest'
    fresh pull -a "$REGISTRY/many"
    expect_status 0
    expect_contains "Status: Downloaded newer image for $REGISTRY/many"
    fresh images --format '{{.Tag}}' "$REGISTRY/many"
    [ "$(printf '%s\n' "${lines[@]}" | sort)" = $'1\n2\n3\n4' ]
    fresh pull -qa "$REGISTRY/many"
    expect_output "$REGISTRY/many"
}

@test "on a terminal results stand below the display, which draws over nothing of them" {
    on_terminal() { run python3 "$CB_TOP/tests/lib/on-terminal.py" -- "$@"; }
    below() { # TEXT...: each after the display's last state
        local text rest=${output##*FINISHED}
        for text; do
            [[ $rest = *"$text"* ]] || { printf 'not below the display: %s\n%s\n' "$text" "$output"; return 1; }
        done
    }
    on_terminal "$CBUILD" push made "$REGISTRY/shown:1"
    expect_status 0
    below '1: digest: sha256:'
    on_terminal "$CBUILD" --root "$FRESH" pull "$REGISTRY/shown:1"
    expect_status 0
    below 'Digest: sha256:' "Status: Downloaded newer image for $REGISTRY/shown:1"
    on_terminal "$CBUILD" copy "docker://$REGISTRY/shown:1" "docker://$REGISTRY/shown:2"
    expect_status 0
    below sha256:
    "$CBUILD" manifest create "$REGISTRY/shown:3" "$REGISTRY/shown:1" >/dev/null
    on_terminal "$CBUILD" manifest push "$REGISTRY/shown:3"
    expect_status 0
    below sha256:
}

@test "pull -a passes over lists of referrers, which are no images" {
    "$CBUILD" build -q --label told=1 --provenance=true --push -t "$REGISTRY/told:1" "$BATS_FILE_TMPDIR/c" >/dev/null
    run "$CBUILD" search --list-tags "$REGISTRY/told"
    expect_contains sha256-
    fresh pull -a "$REGISTRY/told"
    expect_status 0
    expect_lacks warning 'could not be pulled'
    fresh images --format '{{.Tag}}' "$REGISTRY/told"
    expect_output 1
}

@test "rmi: a digest goes alone, with the last tag of its repository, or is what keeps the image" {
    "$CBUILD" push -q made "$REGISTRY/gone:1" "$REGISTRY/gone:2" >/dev/null
    fresh pull -q "$REGISTRY/gone:1"
    digest=$(fresh image inspect -f '{{index .RepoDigests 0}}' "$REGISTRY/gone:1"; echo "$output")
    id=$("$CBUILD" --root "$FRESH" images -q --no-trunc "$REGISTRY/gone")
    fresh rmi "$digest"
    expect_output "Untagged: $digest"
    fresh rmi "$REGISTRY/gone:1"
    expect_output "Untagged: $REGISTRY/gone:1
Deleted: $id"
    fresh pull -q "$REGISTRY/gone:1"
    fresh pull -q "$REGISTRY/gone:2"
    fresh rmi "$REGISTRY/gone:1" "$REGISTRY/gone:2"
    expect_output "Untagged: $REGISTRY/gone:1
Untagged: $REGISTRY/gone:2
Untagged: $digest
Deleted: $id"
    fresh pull -q "$digest"
    fresh tag "$digest" other:1
    fresh rmi "${id#sha256:}"
    expect_contains 'image is referenced in multiple repositories'
    fresh rmi other:1
    expect_output 'Untagged: other:1'
    fresh images --format '{{.Repository}} {{.Tag}}'
    expect_output "$REGISTRY/gone <none>"
    fresh image prune -f
    expect_contains "untagged: $digest" "deleted: $id"
}

@test "all tags are of a repository, not of one tag or of nothing" {
    for command in push pull; do
        cbuild $command -a "$REGISTRY/many:1"
        expect_status 1
        expect_contains "tag can't be used with --all-tags/-a"
        cbuild $command -a "$REGISTRY/nosuch"
        expect_status 1
        expect_contains nosuch
    done
}

@test "an image that came in several forms goes to each repository in the form that is there" {
    local zstd gzip form
    "$CBUILD" push -q made "$REGISTRY/gzip/made:1"
    cbuild push -q --compression zstd made "$REGISTRY/zstd/made:1"
    for form in gzip zstd; do
        for first in gzip zstd; do
            rm -rf "$FRESH"
            [ "$first" = "$form" ] || "$CBUILD" --root "$FRESH" pull -q "$REGISTRY/$first/made:1"
            fresh pull -q "$REGISTRY/$form/made:1"
            expect_status 0
            [ "$first" != "$form" ] || fresh pull -q "$REGISTRY/zstd/made:1"
            "$CBUILD" --root "$FRESH" tag "$REGISTRY/$form/made:1" "$REGISTRY/$form/made:again"
            fresh push -q "$REGISTRY/$form/made:again"
            expect_status 0
            [ "$(layers_of "$form/made" again)" = "$(layers_of "$form/made" 1)" ]
            layers_of "$form/made" again | grep -q "tar+$form"
        done
    done
    # elsewhere: the one that is whole here
    rm -rf "$FRESH"
    "$CBUILD" --root "$FRESH" pull -q "$REGISTRY/gzip/made:1"
    "$CBUILD" --root "$FRESH" pull -q "$REGISTRY/zstd/made:1"
    fresh push "$REGISTRY/gzip/made:1" "$REGISTRY/third/made:1"
    expect_contains "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REGISTRY/gzip/made:1")"
    # an id is no name to send anything to
    id=$("$CBUILD" images -q made)
    cbuild push "$id"
    expect_status 1
    expect_contains "an image does not exist locally with the tag: $id"
    cbuild push -q "$id" "$REGISTRY/third/made:2"
    expect_status 0
}

@test "layers go to a registry in the form they came in, and anew when that is asked for" {
    "$CBUILD" push -q --compression zstd --compression-level 19 made "$REGISTRY/zstd:1"
    before=$(layers_of zstd 1)
    [ "$(printf '%s\n' "$before" | grep -c 'tar+zstd ')" = 2 ]
    fresh pull -q "$REGISTRY/zstd:1"
    printf 'FROM %s/zstd:1\nRUN echo more >/more\n' "$REGISTRY" | dockerfile_in "$BATS_TEST_TMPDIR/on"
    fresh build -q -t on "$BATS_TEST_TMPDIR/on"
    expect_status 0
    fresh push on "$REGISTRY/on:1"
    expect_status 0
    after=$(layers_of on 1)
    [ "$(printf '%s\n' "$after" | head -n 2)" = "$before" ]
    printf '%s\n' "$after" | sed -n 3p | grep -q 'tar+gzip '
    fresh push --compression gzip on "$REGISTRY/on:2"
    expect_status 0
    [ "$(layers_of on 2 | grep -c 'tar+gzip ')" = 3 ]
    fresh push --compression-level 23 on "$REGISTRY/on:2"
    expect_status 1
    expect_contains '"--compression-level" flag: expected 0 to 9'
}

dockerfile_in() {
    mkdir -p "$1"
    cat >"$1/Dockerfile"
}

@test "a registry's list of tags may be long, end never, or hold what is no tag" {
    start_hostile_registry
    fresh pull -aq "$HOSTILE/good/image"
    expect_status 0
    fresh images --format '{{.Tag}}' "$HOSTILE/good/image"
    [ "${#lines[@]}" = 5 ]
    for endless in tagloop tagends; do
        fresh pull -a "$HOSTILE/$endless/image"
        expect_status 1
        expect_contains 'the list of tags does not end'
    done
    fresh pull -a "$HOSTILE/taggiant/image"
    expect_status 1
    expect_contains 'larger than the limit'
    # the next page is the registry's own, whatever host it says
    fresh pull -aq "$HOSTILE/tagaway/image"
    expect_status 0
    run grep -c '"server": "other"' "$HOSTILE_LOG"
    expect_output 0
    fresh images --format '{{.Tag}}' "$HOSTILE/tagaway/image"
    [ "$(sort <<<"$output")" = $'a\nb' ]
    fresh pull -a "$HOSTILE/tagnames/image"
    expect_status 1
    expect_contains 'is no tag' '2 of 3 tags could not be pulled'
    expect_lacks $'\033'
    fresh images --format '{{.Tag}}' "$HOSTILE/tagnames/image"
    [ "${#lines[@]}" = 1 ]
}

@test "a registry that limits, refuses, lacks the platform or speaks schema 1 is told clearly" {
    start_hostile_registry
    fresh pull "$HOSTILE/e429ever/image:1"
    expect_status 1
    expect_contains toomanyrequests 'the limit is 100;w=21600' 'asked again in 0 seconds' "cbuild login $HOSTILE"
    fresh pull "$HOSTILE/noplatform/image:1"
    expect_status 1
    expect_contains 'no matching manifest for linux/amd64' 'it has linux/s390x'
    fresh pull "$HOSTILE/schema1/image:1"
    expect_status 1
    expect_contains 'schema 1'
    cbuild push made "$HOSTILE/pushdenied/image:1"
    expect_status 1
    expect_contains denied 'requested access to the resource is denied'
}

@test "what a registry warns of is shown once" {
    start_hostile_registry
    fresh pull "$HOSTILE/warns/image:1"
    expect_status 0
    [[ $output != *$'\x1b'* ]]
    [ "$(grep -c "registry $HOSTILE: this name goes away .*soon" <<<"$output")" = 1 ]
    expect_lacks stale
}

@test "images --digests: each digest of a repository; an image fetched by its digest has no tag" {
    "$CBUILD" push -q made "$REGISTRY/digests:1"
    "$CBUILD" push -q --compression uncompressed made "$REGISTRY/digests:1"
    "$CBUILD" tag made "$REGISTRY/digests:1"
    run "$CBUILD" images --digests --format '{{.Tag}} {{.Digest}}' "$REGISTRY/digests"
    expect_output "$("$CBUILD" inspect "$REGISTRY/digests:1" | jq -r '.[0].RepoDigests[]' | sed -n "s,^$REGISTRY/digests@,1 ,p")"
    [ "${#lines[@]}" = 2 ]
    run "$CBUILD" images --format '{{.Tag}}' "$REGISTRY/digests"
    expect_output 1
    digest=$("$CBUILD" images --digests --format '{{.Digest}}' "$REGISTRY/digests" | head -n 1)
    fresh pull -q "$REGISTRY/digests@$digest"
    expect_output "$REGISTRY/digests@$digest"
    for argument in '' "$REGISTRY/digests"; do
        # shellcheck disable=SC2086
        fresh images --digests --format '{{.Repository}} {{.Tag}} {{.Digest}}' $argument
        expect_output "$REGISTRY/digests <none> $digest"
    done
    run "$CBUILD" push "$REGISTRY/digests:2"
    expect_status 1
    expect_contains "tag does not exist: $REGISTRY/digests:2"
    "$CBUILD" rmi "$REGISTRY/digests:1"
    run "$CBUILD" push "$REGISTRY/digests:1"
    expect_contains "does not exist locally with the tag: $REGISTRY/digests:1"
    run "$CBUILD" push nosuch/at-all
    expect_contains 'does not exist locally with the tag: nosuch/at-all'
}

@test "an image that is fetched by a sha512 digest keeps its manifest, which is asked for once" {
    local own digest original
    start_hostile_registry
    curl -s "http://$HOSTILE/v2/good/image/manifests/latest" >"$BATS_TEST_TMPDIR/manifest"
    digest=sha512:$(sha512sum "$BATS_TEST_TMPDIR/manifest" | cut -d' ' -f1)
    original=sha256:$(sha256sum "$BATS_TEST_TMPDIR/manifest" | cut -d' ' -f1)
    own=$HOSTILE/good/image@$digest
    for _ in 1 2; do
        fresh pull -q "$own"
        expect_status 0
        expect_output "$own"
    done
    run jq -c 'select(.path | contains("/manifests/sha512:")) | .method' "$HOSTILE_LOG"
    expect_output '"GET"'
    fresh save --format oci -o "$BATS_TEST_TMPDIR/saved.tar" "$own"
    expect_status 0
    run jq -r '.manifests[].digest' <(tar -xOf "$BATS_TEST_TMPDIR/saved.tar" index.json)
    expect_output "$original"
    fresh tag "$own" "$HOSTILE/good/sent:1"
    fresh push -q "$HOSTILE/good/sent:1"
    expect_status 0
    run curl -sI "http://$HOSTILE/v2/good/sent/manifests/1"
    expect_contains "$original"
    cbuild pull "$REGISTRY/many@$digest"
    expect_status 1
    expect_contains 'manifest unknown' 'many registries know manifests by their sha256 digests alone'
}

@test "images tells when an image was made, be it in 1970, and N/A if nobody knows" {
    printf 'FROM scratch\nLABEL a=b\n' | dockerfile_in "$BATS_TEST_TMPDIR/epoch"
    SOURCE_DATE_EPOCH=0 "$CBUILD" build -q -t epoch "$BATS_TEST_TMPDIR/epoch" >/dev/null
    cbuild images --format '{{.CreatedSince}}' epoch
    [[ $output == *' years ago' ]]
    "$CBUILD" save --format oci-dir -o "$BATS_TEST_TMPDIR/layout" epoch
    python3 - "$BATS_TEST_TMPDIR/layout" <<'END'
import hashlib, json, sys
top = sys.argv[1]
def put(value):
    data = json.dumps(value).encode()
    name = hashlib.sha256(data).hexdigest()
    open(f"{top}/blobs/sha256/{name}", "wb").write(data)
    return dict(digest="sha256:" + name, size=len(data))
def get(what):
    return json.load(open(f"{top}/blobs/" + what["digest"].replace(":", "/")))
index = json.load(open(f"{top}/index.json"))
manifest = get(index["manifests"][0])
config = get(manifest["config"])
del config["created"]
manifest["config"].update(put(config))
index["manifests"][0].update(put(manifest))
json.dump(index, open(f"{top}/index.json", "w"))
END
    fresh load -i "$BATS_TEST_TMPDIR/layout"
    expect_status 0
    fresh images --format '{{.CreatedSince}}'
    expect_output N/A
}

@test "eight pulls at once fetch each blob once, the configuration, too" {
    local config=$("$CBUILD" inspect -f '{{.Id}}' busybox)
    start_hostile_registry
    "$CBUILD" push -q busybox "$HOSTILE/good/crowd:1"
    : >"$HOSTILE_LOG"
    for i in $(seq 8); do
        "$CBUILD" --root "$BATS_TEST_TMPDIR/crowd" pull -q "$HOSTILE/good/crowd:1" >"$BATS_TEST_TMPDIR/out$i" 2>&1 &
        pids[i]=$!
    done
    for i in $(seq 8); do
        wait "${pids[i]}" || { cat "$BATS_TEST_TMPDIR/out$i"; false; }
    done
    run jq -r 'select(.method == "GET" and (.path | contains("/blobs/"))) | .path' "$HOSTILE_LOG"
    stop_hostile_registry
    [ "$(sort <<<"$output" | uniq -d)" = '' ] || { echo "$output"; false; }
    expect_contains "/blobs/$config"
}

# An archive of one image, foreign:1, whose layer is a tar as we never write one.
foreign_archive() {
    python3 - "$1" <<'END'
import hashlib, io, json, sys, tarfile

def pack(files, **how):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", **how) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()

layer = pack([("z", b"last"), ("a", b"first")], format=tarfile.GNU_FORMAT)
config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {
    "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}).encode()
manifest = json.dumps([{"Config": "c.json", "RepoTags": ["foreign:1"], "Layers": ["l.tar"]}]).encode()
with open(sys.argv[1], "wb") as out:
    out.write(pack([("l.tar", layer), ("c.json", config), ("manifest.json", manifest)]))
END
}

@test "an image that is removed while the cache keeps its layers, and comes again, can be sent on" {
    foreign_archive "$BATS_TEST_TMPDIR/foreign.tar"
    "$CBUILD" load -q -i "$BATS_TEST_TMPDIR/foreign.tar"
    "$CBUILD" tag foreign:1 "$REGISTRY/foreign:1"
    "$CBUILD" push -q "$REGISTRY/foreign:1"
    mkdir "$BATS_TEST_TMPDIR/c"
    printf 'FROM %s/foreign:1\nCOPY Dockerfile /x\n' "$REGISTRY" >"$BATS_TEST_TMPDIR/c/Dockerfile"
    "$CBUILD" --root "$FRESH" pull -q "$REGISTRY/foreign:1"
    "$CBUILD" --root "$FRESH" build -q -t on "$BATS_TEST_TMPDIR/c"
    "$CBUILD" --root "$FRESH" rmi on "$REGISTRY/foreign:1"
    "$CBUILD" --root "$FRESH" image prune -af
    fresh fsck --deep
    expect_status 0
    "$CBUILD" --root "$FRESH" pull -q "$REGISTRY/foreign:1"
    "$CBUILD" --root "$FRESH" build -q -t on "$BATS_TEST_TMPDIR/c"
    "$CBUILD" --root "$FRESH" push -q "$REGISTRY/foreign:1" "$REGISTRY/elsewhere:1"
    "$CBUILD" --root "$FRESH" save on | tar -t | grep -q manifest.json
    [ "$(layers_of foreign 1)" = "$(layers_of elsewhere 1)" ]
    "$CBUILD" --root "$FRESH" rmi on "$REGISTRY/foreign:1"
    "$CBUILD" --root "$FRESH" prune -af
    run sh -c 'ls "$1"/blobs/sha256 "$1"/snapshots | grep -c "[0-9a-f]\{32\}"' - "$FRESH"
    [ "$(grep -c . <<<"$output")" -eq 1 ]
    fresh fsck --deep
    expect_status 0
}

@test "a layer of a kind nobody knows leaves nothing unsound behind" {
    foreign_archive "$BATS_TEST_TMPDIR/foreign.tar"
    "$CBUILD" --root "$BATS_TEST_TMPDIR/first" load -q -i "$BATS_TEST_TMPDIR/foreign.tar"
    "$CBUILD" --root "$BATS_TEST_TMPDIR/first" save --format oci-dir -o "$BATS_TEST_TMPDIR/layout" foreign:1
    python3 - "$BATS_TEST_TMPDIR/layout" <<'END'
import hashlib, json, os, sys

top = sys.argv[1]
index = json.load(open(top + "/index.json"))
path = lambda digest: top + "/blobs/" + digest.replace(":", "/")
manifest = json.load(open(path(index["manifests"][0]["digest"])))
for layer in manifest["layers"]:
    layer["mediaType"] = "application/vnd.nobody.knows"
data = json.dumps(manifest).encode()
index["manifests"][0].update(digest="sha256:" + hashlib.sha256(data).hexdigest(), size=len(data))
open(path(index["manifests"][0]["digest"]), "wb").write(data)
json.dump(index, open(top + "/index.json", "w"))
END
    fresh load -i "$BATS_TEST_TMPDIR/layout"
    expect_status 1
    expect_contains 'application/vnd.nobody.knows' 'not a layer'
    fresh fsck --deep
    expect_status 0
    fresh load -q -i "$BATS_TEST_TMPDIR/foreign.tar"
    expect_status 0
    fresh save foreign:1 -o /dev/null
    expect_status 0
}
