#!/usr/bin/env bats
# `cbuild manifest`: indexes made of images that are on registries.
load helpers
load helpers-registry
load helpers-hostile
load ../lib/peers

setup_file() {
    cb_store
    registry_start
    printf 'FROM --platform=$BUILDPLATFORM busybox\nARG TARGETARCH\nRUN echo $TARGETARCH >/arch\nCMD ["cat","/arch"]\n' |
        cb_image two --platform linux/amd64,linux/arm64
    for arch in amd64 arm64; do
        "$CBUILD" push -q --platform linux/$arch two "$REGISTRY/$arch:1" >/dev/null
    done
}
teardown_file() {
    registry_stop
    cb_drop_store
}
teardown() { stop_hostile_registry; }

manifest() {
    run "$CBUILD" manifest "$@"
}

@test "create, annotate, inspect, push: docker, podman, skopeo and cbuild take each its platform" {
    manifest create "$REGISTRY/app:1" "$REGISTRY/amd64:1" "$REGISTRY/arm64:1"
    expect_status 0
    expect_output "Created manifest list $REGISTRY/app:1"
    manifest inspect "$REGISTRY/app:1"
    [ "$(printf '%s' "$output" | jq -r '[.manifests[].platform.architecture] | join(" ")')" = 'amd64 arm64' ]
    manifest annotate --os-version 5 --annotation a=b "$REGISTRY/app:1" "$REGISTRY/arm64:1"
    expect_status 0
    manifest annotate --os-features sse4,aes --os-features aes "$REGISTRY/app:1" "$REGISTRY/arm64:1"
    expect_status 0
    manifest annotate --os-features aes,fma "$REGISTRY/app:1" "$REGISTRY/arm64:1"
    expect_status 0
    for bad in , a,,b $'a\nb' "$(printf 'x%.0s' $(seq 200))"; do
        manifest annotate --os-features "$bad" "$REGISTRY/app:1" "$REGISTRY/arm64:1"
        expect_status 1
    done
    manifest push -q -p "$REGISTRY/app:1"
    expect_status 0
    digest=$output
    [ "$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/app:1" | sha256sum | cut -d' ' -f1)" = "${digest#sha256:}" ]
    skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/app:1" |
        jq -e '.manifests[1] | .annotations == {"a": "b"} and .platform == {"architecture": "arm64",
            "os": "linux", "os.version": "5", "os.features": ["sse4", "aes", "fma"]}'
    for arch in amd64 arm64; do
        run "$CBUILD" --root "$BATS_TEST_TMPDIR/$arch" pull -q --platform linux/$arch "$REGISTRY/app:1"
        expect_status 0
        skopeo copy -q --override-arch $arch --src-tls-verify=false "docker://$REGISTRY/app:1" "oci:$BATS_TEST_TMPDIR/lay:$arch"
    done
    # the list here is gone, the registry's is shown
    manifest push "$REGISTRY/app:1"
    expect_status 1
    expect_contains 'No such manifest'
    manifest inspect --raw "$REGISTRY/app:1"
    [ "$(printf '%s' "$output" | sha256sum | cut -d' ' -f1)" = "${digest#sha256:}" ]
}

@test "an existing list is amended on request only, and removed" {
    manifest create list "$REGISTRY/amd64:1"
    manifest create list "$REGISTRY/arm64:1"
    expect_status 1
    expect_contains 'refusing to amend an existing manifest list with no --amend flag'
    manifest create --amend list "$REGISTRY/arm64:1" "$REGISTRY/amd64:1"
    expect_status 0
    manifest inspect list
    [ "$(printf '%s' "$output" | jq '.manifests | length')" = 2 ]
    expect_lacks cbuild.origin
    # a tag that leads elsewhere now replaces what it was
    "$CBUILD" copy -q busybox "docker://$REGISTRY/moving:1"
    manifest create -a list "$REGISTRY/moving:1"
    "$CBUILD" push -q --compression zstd busybox "$REGISTRY/moving:1"
    manifest create -a list "$REGISTRY/moving:1"
    manifest inspect list
    [ "$(printf '%s' "$output" | jq '.manifests | length')" = 3 ]
    manifest inspect list "$REGISTRY/arm64:1"
    [ "$(printf '%s' "$output" | jq '.layers | length')" = 2 ]
    manifest annotate list "$REGISTRY/other:1" --arch arm
    expect_status 1
    expect_contains "manifest for image $REGISTRY/other:1 does not exist in list"
    manifest annotate list "$REGISTRY/arm64:1" --arch $'a\nb'
    expect_status 1
    # nobody would find it; what docker's table lacks is there nevertheless
    for bad in 'linux x86_64' 'linux arm64/v8' 'windows s390x' 'debian amd64' 'linux mips64,mips'; do
        manifest annotate list "$REGISTRY/arm64:1" --os "${bad% *}" --arch "${bad#* }"
        expect_status 1
    done
    manifest annotate list "$REGISTRY/arm64:1" --arch x86_64
    expect_contains 'manifest entry for image has unsupported os/arch combination: linux/x86_64'
    for good in 'linux loong64' 'windows arm64' 'wasip1 wasm' 'linux arm64'; do
        manifest annotate list "$REGISTRY/arm64:1" --os "${good% *}" --arch "${good#* }"
        expect_status 0
    done
    manifest rm nosuch list neither
    expect_status 1
    expect_contains 'No such manifest: docker.io/library/nosuch:latest' 'No such manifest: docker.io/library/neither:latest'
    manifest annotate list "$REGISTRY/arm64:1" --arch arm
    expect_contains 'No such manifest: docker.io/library/list:latest'
    # two names of one manifest are two entries; what comes from elsewhere is told of
    "$CBUILD" copy -q "docker://$REGISTRY/amd64:1" "docker://$REGISTRY/twice:1"
    manifest create "$REGISTRY/twice:list" "$REGISTRY/twice:1" "$REGISTRY/amd64:1" "$REGISTRY/twice:1"
    [ "$("$CBUILD" manifest inspect "$REGISTRY/twice:list" | jq -c '[.manifests[].digest] | [length, (unique | length)]')" = '[2,1]' ]
    run bash -c '"$CBUILD" manifest push --purge "$1" 2>/dev/null' - "$REGISTRY/twice:list"
    digest=$("$CBUILD" buildx imagetools inspect --format '{{(index .Manifest.Manifests 0).Digest}}' "$REGISTRY/twice:list")
    [ "${lines[0]}" = "Pushed ref $REGISTRY/twice@$digest with digest: $digest" ]
    [ "${#lines[@]}" = 2 ]
    manifest create list "$REGISTRY/nosuch:1"
    expect_status 1
    manifest rm list
    expect_status 1
}

@test "inspect -v: what docker tells of each manifest" {
    export DOCKER_CLI_EXPERIMENTAL=enabled DOCKER_CONFIG=$BATS_TEST_TMPDIR
    echo '{}' >"$BATS_TEST_TMPDIR/config.json"
    skopeo copy -q --all --format v2s2 --src-tls-verify=false --dest-tls-verify=false "docker://$REGISTRY/amd64:1" "docker://$REGISTRY/one:1"
    /usr/bin/docker manifest inspect -v --insecure "$REGISTRY/one:1" | jq -S . >"$BATS_TEST_TMPDIR/docker.one"
    manifest inspect -v "$REGISTRY/one:1"
    expect_status 0
    diff <(printf '%s' "$output" | jq -S .) "$BATS_TEST_TMPDIR/docker.one"
    manifest create list "$REGISTRY/amd64:1" "$REGISTRY/arm64:1"
    manifest inspect -v list
    printf '%s' "$output" | jq -e 'map(.Descriptor.platform.architecture) == ["amd64", "arm64"] and
        .[1].Ref == "'"$REGISTRY"'/arm64:1@" + .[1].Descriptor.digest and (.[1].OCIManifest.layers | length) == 2'
    manifest annotate --arch arm --variant v6 list "$REGISTRY/arm64:1"
    manifest inspect -v list
    printf '%s' "$output" | jq -e '.[1].Descriptor.platform == {"architecture": "arm", "os": "linux", "variant": "v6"}'
    manifest inspect -v list "$REGISTRY/arm64:1"
    printf '%s' "$output" | jq -e .OCIManifest.config
    manifest rm list
}

@test "entries of a list that is one already, and images of another registry" {
    "$CBUILD" copy -q --all two "docker://$REGISTRY/two:1"
    start_hostile_registry
    manifest create "$HOSTILE/pushed/app:1" "$REGISTRY/two:1" "$HOSTILE/good/image:latest"
    expect_status 0
    manifest inspect "$HOSTILE/pushed/app:1"
    [ "$(printf '%s' "$output" | jq '.manifests | length')" = 3 ]
    manifest push -q "$HOSTILE/pushed/app:1"
    expect_status 0
    run "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" copy -q --all "docker://$HOSTILE/pushed/app:1" "oci:$BATS_TEST_TMPDIR/lay:1"
    expect_status 0
    # what is there already is not sent again
    : >"$HOSTILE_LOG"
    manifest push -q "$HOSTILE/pushed/app:1"
    expect_status 0
    run jq -s -r '[.[] | select(.method != "HEAD")] | map(.method) | join(" ")' "$HOSTILE_LOG"
    expect_output 'GET PUT'
    manifest rm "$HOSTILE/pushed/app:1"
}

@test "a registry that lies makes no list" {
    start_hostile_registry
    for mode in lieheader dualtype manyentries millionentries deepindex notjson escapes absent; do
        run timeout 60 "$CBUILD" manifest create "bad$mode" "$HOSTILE/$mode/image:latest"
        expect_status 1
        expect_no_controls
        run timeout 60 "$CBUILD" manifest rm "bad$mode"
        expect_status 1
    done
    for mode in notjson escapes lieheader; do
        run timeout 60 "$CBUILD" manifest inspect --raw "$HOSTILE/$mode/image:latest"
        expect_status 1
        expect_no_controls
    done
    expect_memory 64 timeout 60 "$CBUILD" manifest create big "$HOSTILE/millionentries/image:latest"
    expect_status 1
}

@test "images are deleted on the registry, by tag or digest, where it allows that" {
    "$CBUILD" copy -q two "docker://$REGISTRY/gone:1"
    manifest delete "$REGISTRY/gone:1"
    expect_status 0
    expect_contains "Deleted: $REGISTRY/gone:1 (sha256:"
    manifest inspect "$REGISTRY/gone:1"
    expect_status 1
    digest=$("$CBUILD" copy -q two "docker://$REGISTRY/gone:2")
    "$CBUILD" copy -q two "docker://$REGISTRY/gone:stays"
    "$CBUILD" copy -q "docker://$REGISTRY/arm64:1" "docker://$REGISTRY/gone:other"
    # a registry that deletes digests only: the other tag is not to go with it
    manifest delete "$REGISTRY/gone:2"
    expect_status 1
    expect_contains 'the registry deletes no tag alone, and `stays` would go with it' \
        "hint: \`cbuild manifest delete $REGISTRY/gone@$digest\` deletes the manifest and all its tags"
    manifest inspect "$REGISTRY/gone:stays"
    expect_status 0
    manifest delete "$REGISTRY/gone@$digest"
    expect_status 0
    manifest inspect "$REGISTRY/gone:stays"
    expect_status 1
    manifest delete "$REGISTRY/gone:2"
    expect_status 1
    expect_contains 'not found'
    manifest delete "$REGISTRY/gone"
    expect_status 1
    expect_contains 'which tag or digest'
    start_hostile_registry
    digest=$(curl -sI "http://$HOSTILE/v2/good/image/manifests/latest" | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //p')
    manifest delete "$HOSTILE/good/image@$digest"
    expect_status 1
    expect_contains "does not allow to delete"
}

@test "buildx imagetools: a list is made on the registry, told of, and given other names" {
    imagetools() { run "$CBUILD" buildx imagetools "$@"; }
    imagetools inspect --format '{{.Manifest.Digest}}' "$REGISTRY/amd64:1"
    expect_status 0
    one=$output
    imagetools create -t "$REGISTRY/tools:1" -t "$REGISTRY/others:1" "$REGISTRY/amd64@$one" "$REGISTRY/arm64:1"
    expect_status 0
    imagetools inspect "$REGISTRY/tools:1"
    expect_contains "Name:      $REGISTRY/tools:1" "  Name:      $REGISTRY/tools@$one" '  Platform:  linux/arm64'
    imagetools inspect "$REGISTRY/tools:1" --format '{{.Manifest.Digest}} {{range .Manifest.Manifests}}{{.Platform.Architecture}} {{end}}'
    expect_contains ' amd64 arm64 '
    list=${output%% *}
    [ "$("$CBUILD" buildx imagetools inspect --raw "$REGISTRY/others:1" | sha256sum | cut -d' ' -f1)" = "${list#sha256:}" ]
    # promoted: the same digest
    imagetools create --tag "$REGISTRY/prod:1" "$REGISTRY/tools:1"
    expect_status 0
    imagetools inspect --format '{{json .Manifest}}' "$REGISTRY/prod:1"
    [ "$(jq -r .digest <<<"$output")" = "$list" ]
    # an image alone is a list of one, unless it is to be a copy; digests are of the tag's repository
    imagetools create -t "$REGISTRY/amd64:list" "$one"
    expect_status 0
    [ "$("$CBUILD" buildx imagetools inspect --format '{{len .Manifest.Manifests}}' "$REGISTRY/amd64:list")" = 1 ]
    imagetools create -q --prefer-index=false -t "$REGISTRY/amd64:copy" "$one"
    expect_output ''
    [ "$("$CBUILD" buildx imagetools inspect --format '{{.Manifest.Digest}}' "$REGISTRY/amd64:copy")" = "$one" ]
    run bash -c '"$CBUILD" buildx imagetools create --dry-run "$@" 2>/dev/null | jq -c "[.manifests[].platform.architecture]"' - "$REGISTRY/amd64:1" "$REGISTRY/arm64:1"
    expect_output '["amd64","arm64"]'
    imagetools create --annotation index:a=b --annotation 'manifest-descriptor[linux/arm64],index:c=d:e=f' -t "$REGISTRY/told:1" "$REGISTRY/tools:1"
    expect_status 0
    skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/told:1" |
        jq -e '.annotations == {"a": "b", "c": "d:e=f"} and (.manifests | map(.annotations) == [null, {"c": "d:e=f"}])'
    for bad in a=b manifest:a=b index-descriptor:a=b index:a; do
        imagetools create --annotation "$bad" -t "$REGISTRY/told:2" "$REGISTRY/tools:1"
        expect_status 1
        expect_contains '--annotation'
    done
    imagetools create "$REGISTRY/amd64:1"
    expect_status 1
    expect_contains "can't push with no tags specified"
    imagetools create -t "$REGISTRY/told:2"
    expect_status 1
    expect_contains 'no sources specified'
    imagetools create --append -t "$REGISTRY/amd64:list" "$REGISTRY/arm64:1"
    expect_status 0
    skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/amd64:list" | jq -e '.manifests | length == 2'
    imagetools inspect "$REGISTRY/nothing"
    expect_status 1
    imagetools ls
    expect_status 1
    expect_contains '`buildx imagetools ls` is not a cbuild command' 'inspect, create'
}

# raw NAME: the document; platforms NAME: of its entries.
raw() { "$CBUILD" buildx imagetools inspect --raw "$1"; }
platforms() { raw "$1" | jq -c '[.manifests[].platform.architecture]'; }

@test "buildx imagetools create: descriptors from files, platforms that are wanted, metadata" {
    imagetools() { run "$CBUILD" buildx imagetools "$@"; }
    local one two size file=$BATS_TEST_TMPDIR/descriptor
    one=$("$CBUILD" buildx imagetools inspect --format '{{.Manifest.Digest}}' "$REGISTRY/amd64:1")
    size=$(raw "$REGISTRY/amd64:1" | wc -c)
    printf '{"digest":"%s","size":%d,"annotations":{"a":"b"},"platform":{"os":"linux","architecture":"riscv64"}}\n' "$one" "$size" >"$file"
    echo "$REGISTRY/arm64:1" >"$file.name"
    imagetools create -f "$file" -t "$REGISTRY/amd64:described" --metadata-file "$file.out" -t "$REGISTRY/amd64:again"
    expect_status 0
    raw "$REGISTRY/amd64:described" | jq -e --arg one "$one" '.manifests | length == 1 and .[0].digest == $one and
        .[0].annotations == {"a": "b"} and .[0].platform == {"architecture": "riscv64", "os": "linux"}'
    two=$(raw "$REGISTRY/amd64:again" | sha256sum | cut -d' ' -f1)
    jq -e --arg two "sha256:$two" --arg name "$REGISTRY/amd64" '."containerimage.descriptor".digest == $two and ."image.name" == $name' "$file.out"
    imagetools create -f "$file" -f "$file.name" --dry-run -t "$REGISTRY/elsewhere:1"
    expect_status 1
    expect_contains 'multiple repositories specified, cannot infer repository for sha256:'
    imagetools create -f "$file.name" "$REGISTRY/amd64:1" -t "$REGISTRY/pair:1"
    [ "$(platforms "$REGISTRY/pair:1")" = '["arm64","amd64"]' ]
    # only what is wanted; a list of which everything is wanted is copied
    imagetools create -p linux/arm64/v8,linux/s390x -t "$REGISTRY/pair:arm" "$REGISTRY/pair:1"
    expect_status 0
    [ "$(platforms "$REGISTRY/pair:arm")" = '["arm64"]' ]
    imagetools create -p linux/arm64 --platform linux/amd64 -t "$REGISTRY/pair:both" "$REGISTRY/pair:1"
    cmp <(raw "$REGISTRY/pair:1") <(raw "$REGISTRY/pair:both")
    imagetools create -p linux/s390x -t "$REGISTRY/pair:none" "$REGISTRY/pair:1"
    expect_status 1
    expect_contains 'none of the manifests match the provided platforms'
    # what is attested of an image comes and goes with it
    "$CBUILD" build -q --platform linux/amd64,linux/arm64 --provenance=true --push -t "$REGISTRY/attested:1" "$BATS_FILE_TMPDIR/c"
    imagetools create -p linux/arm64 -t "$REGISTRY/attested:arm" "$REGISTRY/attested:1"
    expect_status 0
    [ "$(platforms "$REGISTRY/attested:arm")" = '["arm64","unknown"]' ]
    # the list of the first name is added to, for all names
    imagetools create --append -t "$REGISTRY/pair:arm" -t "$REGISTRY/pair:more" "$REGISTRY/amd64:1"
    [ "$(platforms "$REGISTRY/pair:more")" = '["arm64","amd64"]' ]
    local bad
    for bad in '{"digest":"sha256:12"}' '{"size":3}' '{"schemaVersion":2}' '{' '{"digest":1}' 'sha256:12' '/x' \
        "{\"digest\":\"$one\",\"size\":1}" "{\"digest\":\"$one\",\"annotations\":[]}"; do
        echo "$bad" >"$file"
        imagetools create -f "$file" -t "$REGISTRY/amd64:bad"
        expect_status 1
    done
    imagetools create -f "$file.none" -t "$REGISTRY/amd64:bad"
    expect_status 1
    expect_contains "$file.none"
    imagetools create -p nosuch/x/y/z -t "$REGISTRY/pair:none" "$REGISTRY/pair:1"
    expect_status 1
    expect_contains 'invalid platform'
}
