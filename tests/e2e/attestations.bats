#!/usr/bin/env bats
# What is said of an image beside it: how it was made (SLSA provenance), and what packages it has (SPDX), in the index
# that a registry or an OCI archive gets, or as files.
load helpers
load helpers-registry
load helpers-web

setup_file() {
    cb_store
    export OUT=$BATS_FILE_TMPDIR/out
}
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    LAYOUT=$BATS_TEST_TMPDIR/layout
}
teardown() {
    stop_registry
    stop_hostile_registry
    stop_web
}

dockerfile_all() {
    dockerfile <<'DOCKER'
FROM busybox
ARG COLOUR=none
RUN --mount=type=secret,id=token echo $COLOUR >/colour
COPY file /
DOCKER
    echo file >"$DIR/file"
}

# A blob of the layout by its digest.
blob() { cat "$LAYOUT/blobs/sha256/${1#sha256:}"; }

# The index that the layout's only name leads to.
index() { blob "$(jq -r '.manifests[0].digest' "$LAYOUT/index.json")"; }

# The statement whose predicate's type begins with $1, about the $2th image of the index (default: the first).
statement() {
    local about attestation
    about=$(index | jq -r ".manifests[${2:-0}].digest")
    attestation=$(index | jq -r --arg about "$about" \
        '.manifests[] | select(.annotations["vnd.docker.reference.digest"] == $about).digest')
    blob "$attestation" | jq -r --arg type "$1" \
        '.layers[] | select(.annotations["in-toto.io/predicate-type"] | startswith($type)).digest' |
        while read -r digest; do blob "$digest"; done
}

provenance() { statement https://slsa.dev/provenance/ "$@" | jq -c .predicate; }
spdx() { statement https://spdx.dev/Document "$@" | jq -c .predicate; }

to_layout() {
    rm -rf "$LAYOUT"
    build_ok -o "type=oci,tar=false,dest=$LAYOUT" "$@"
}

@test "an index has a manifest about each image, which skopeo and umoci pass over and copy" {
    dockerfile_all
    to_layout --provenance=true
    run jq -c '.manifests | map([.platform.os, .platform.architecture, .annotations["vnd.docker.reference.type"]])' <(index)
    expect_output '[["linux","amd64",null],["unknown","unknown","attestation-manifest"]]'
    image=$(index | jq -r '.manifests[0].digest')
    about=$(index | jq -r '.manifests[1].digest')
    [ "$(index | jq -r '.manifests[1].annotations["vnd.docker.reference.digest"]')" = "$image" ]
    run jq -c '[.artifactType, .config.mediaType, .config.size, .subject.digest, (.layers | map(.mediaType))]' <(blob "$about")
    expect_output "[\"application/vnd.docker.attestation.manifest.v1+json\",\"application/vnd.oci.empty.v1+json\",2,\"$image\",[\"application/vnd.in-toto+json\"]]"
    run jq -c '[._type, .predicateType, .subject[0].name, .subject[0].digest.sha256]' <(statement https://slsa.dev/)
    expect_output "[\"https://in-toto.io/Statement/v1\",\"https://slsa.dev/provenance/v1\",\"pkg:docker/img@latest?platform=linux%2Famd64\",\"${image#sha256:}\"]"
    skopeo copy -q --all "oci:$LAYOUT:latest" "dir:$BATS_TEST_TMPDIR/all"
    [ -e "$BATS_TEST_TMPDIR/all/${about#sha256:}.manifest.json" ]
    skopeo copy -q "oci:$LAYOUT:latest" "oci:$BATS_TEST_TMPDIR/one:latest"
    umoci ls --layout "$LAYOUT"
    cbuild load -q -i "$LAYOUT"
    expect_status 0
}

@test "oci-artifact=false makes it look like an image, with a config of its own" {
    dockerfile_all
    rm -rf "$LAYOUT"
    build_ok --attest type=provenance -o "type=oci,tar=false,dest=$LAYOUT,oci-artifact=false"
    run jq -c '[.artifactType, .subject, .config.mediaType]' <(blob "$(index | jq -r '.manifests[1].digest')")
    expect_output '[null,null,"application/vnd.oci.image.config.v1+json"]'
    config=$(blob "$(index | jq -r '.manifests[1].digest')" | jq -r .config.digest)
    layer=$(blob "$(index | jq -r '.manifests[1].digest')" | jq -r '.layers[0].digest')
    [ "$(blob "$config" | jq -c '[.os, .architecture, .rootfs.diff_ids]')" = "[\"unknown\",\"unknown\",[\"$layer\"]]" ]
}

@test "mode=max tells of arguments, steps and names of secrets; mode=min does not; neither has a secret" {
    dockerfile_all
    echo s3cr3t-value >"$BATS_TEST_TMPDIR/token"
    to_layout --provenance=mode=max,builder-id=https://ci.example/7 --build-arg COLOUR=blue --label a=b \
        --secret "id=token,src=$BATS_TEST_TMPDIR/token"
    run jq -c '[.buildDefinition.externalParameters.request | .args["build-arg:COLOUR"], .args["label:a"], .secrets[0].id],
        .runDetails.builder.id, .runDetails.metadata.buildkit_completeness.request,
        (.buildDefinition.internalParameters.buildConfig.llbDefinition | map(.op.Op | keys[0])),
        (.runDetails.metadata.buildkit_metadata.source.infos[0].data | @base64d | startswith("FROM busybox")),
        (.runDetails.metadata.buildkit_metadata.layers | [.[][][]] | length)' <(provenance)
    expect_output '["blue","b","token"]
"https://ci.example/7"
true
["source","exec","source","file"]
true
3'
    not grep -rq s3cr3t-value "$LAYOUT/blobs"
    to_layout --provenance=mode=min --build-arg COLOUR=blue --secret "id=token,src=$BATS_TEST_TMPDIR/token"
    run jq -c '.buildDefinition.externalParameters, .runDetails.metadata.buildkit_completeness,
        .buildDefinition.internalParameters' <(provenance)
    expect_output '{"configSource":{"path":"Dockerfile"},"request":{"frontend":"dockerfile.v0","locals":[{"name":"context"},{"name":"dockerfile"}]}}
{"request":false,"resolvedDependencies":false}
{"builderPlatform":"linux/amd64"}'
    expect_lacks blue
}

@test "version=v0.2 says the same in the older words" {
    dockerfile_all
    to_layout --provenance=version=v0.2,mode=min,reproducible=true
    run jq -c '.predicateType, (.predicate | .buildType, .invocation.configSource.entryPoint, .invocation.environment.platform,
        .metadata.completeness, .metadata.reproducible, has("buildConfig"))' <(statement https://slsa.dev/)
    expect_output '"https://slsa.dev/provenance/v0.2"
"https://mobyproject.org/buildkit@v1"
"Dockerfile"
"linux/amd64"
{"parameters":true,"environment":true,"materials":false}
true
false'
}

@test "materials are base images by digest, files of URLs by checksum, and a context's commit" {
    start_registry
    start_web
    make_repo attest
    "$CBUILD" tag busybox "$REGISTRY/base:1"
    "$CBUILD" push -q "$REGISTRY/base:1"
    "$CBUILD" rmi "$REGISTRY/base:1" >/dev/null
    echo data >"$WEB_ROOT/data"
    printf 'FROM %s/base:1\nADD %s/plain/data /\n' "$REGISTRY" "$WEB" >"$REPO/Dockerfile"
    commit attest
    push
    head=$(tgit -C "$REPO" rev-parse HEAD)
    base=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REGISTRY/base:1")
    run "$CBUILD" build --progress=plain -o "type=oci,tar=false,dest=$LAYOUT,name=x" --provenance=mode=min,complete-materials=true "$WEB/git/attest.git"
    expect_status 0
    run jq -c '.buildDefinition.resolvedDependencies[] | [.uri, .digest]' <(provenance)
    expect_contains "[\"pkg:docker/$REGISTRY/base@1?platform=linux%2Famd64\",{\"sha256\":\"${base#sha256:}\"}]" \
        "[\"$WEB/plain/data\",{\"sha256\":\"$(sha256sum "$WEB_ROOT/data" | cut -d' ' -f1)\"}]" "{\"sha1\":\"$head\"}"
    run jq -c '[.runDetails.metadata | .buildkit_hermetic, .buildkit_completeness.resolvedDependencies],
        .buildDefinition.externalParameters.configSource.digest' <(provenance)
    expect_output "[true,true]
{\"sha1\":\"$head\"}"
    dockerfile_all
    build --provenance=complete-materials=true -o "type=oci,dest=$BATS_TEST_TMPDIR/x.tar"
    expect_status 1
    expect_contains 'provenance materials are incomplete'
}

@test "a registry gets the index, of one platform or several; pull and run take the image" {
    dockerfile_all
    start_registry
    run "$CBUILD" build --progress=plain -t "$REGISTRY/said:1" --sbom=true --provenance=mode=min --push \
        --iidfile "$BATS_TEST_TMPDIR/id" --metadata-file "$BATS_TEST_TMPDIR/metadata" "$DIR"
    expect_status 0
    run skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/said:1"
    [ "$(jq -c '.manifests | map(.platform.os)' <<<"$output")" = '["linux","unknown"]' ]
    [ "$(jq -r '."containerimage.digest"' "$BATS_TEST_TMPDIR/metadata")" = "sha256:$(printf %s "$output" | sha256sum | cut -d' ' -f1)" ]
    [ "$(jq -r '."buildx.build.provenance".runDetails.metadata.buildkit_completeness.request' "$BATS_TEST_TMPDIR/metadata")" = true ]
    # The id is the image's, which is here.
    cbuild run --rm "$(cat "$BATS_TEST_TMPDIR/id")" cat /file
    expect_output file
    cbuild buildx imagetools inspect --format '{{json .Provenance}}' "$REGISTRY/said:1"
    [ "$(jq -r .SLSA.buildDefinition.externalParameters.request.frontend <<<"$output")" = dockerfile.v0 ]
    cbuild buildx imagetools inspect --format '{{.SBOM.SPDX.spdxVersion}} {{.Image.os}}' "$REGISTRY/said:1"
    expect_output 'SPDX-2.3 linux'
    cbuild buildx imagetools inspect "$REGISTRY/said:1"
    expect_contains '  Platform:    unknown/unknown
  Annotations: 
    vnd.docker.reference.digest: sha256:' '    vnd.docker.reference.type:   attestation-manifest'
    "$CBUILD" rmi -f "$(cat "$BATS_TEST_TMPDIR/id")"
    cbuild pull -q "$REGISTRY/said:1"
    expect_status 0
    cbuild run --rm "$REGISTRY/said:1" cat /file
    expect_output file
    run "$CBUILD" build --progress=plain -t "$REGISTRY/said:2" --platform linux/amd64,linux/arm64 --provenance=true --push \
        "$DIR" -f - <<<'FROM scratch
COPY file /'
    expect_status 0
    run skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/said:2"
    [ "$(jq -c '.manifests | map(.platform.architecture)' <<<"$output")" = '["amd64","arm64","unknown","unknown"]' ]
    cbuild buildx imagetools inspect --format '{{json .Provenance}}' "$REGISTRY/said:2"
    [ "$(jq -c 'map_values(.SLSA.runDetails.builder.id)' <<<"$output")" = '{"linux/amd64":"","linux/arm64":""}' ]
    # A list under another name has all of it.
    cbuild buildx imagetools create -q -t "$REGISTRY/other:1" "$REGISTRY/said:2"
    expect_status 0
    cbuild buildx imagetools inspect --format '{{(index .Provenance "linux/arm64").SLSA.buildDefinition.internalParameters.builderPlatform}}' "$REGISTRY/other:1"
    expect_output linux/amd64
    # This registry keeps no lists of referrers; one entry each, however often it is pushed.
    image=$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/other:1" | jq -r '.manifests[0].digest')
    "$CBUILD" copy -q --all "docker://$REGISTRY/other:1" "docker://$REGISTRY/third:1"
    "$CBUILD" copy -q --all "docker://$REGISTRY/other:1" "docker://$REGISTRY/third:2"
    run skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/third:${image/:/-}"
    expect_status 0
    [ "$(jq -c '.manifests | map([.mediaType, .artifactType])' <<<"$output")" = \
        '[["application/vnd.oci.image.manifest.v1+json","application/vnd.docker.attestation.manifest.v1+json"]]' ]
    start_hostile_registry
    for place in pushlists pushed pushchain; do
        cbuild copy -q --all "docker://$REGISTRY/other:1" "docker://$HOSTILE/$place/x:1"
        expect_status 0
    done
    run jq -r 'select(.method == "PUT") | .path | select(contains("/sha256-")) | split("/")[2]' "$HOSTILE_LOG"
    # Nor is a list one step more, whatever a registry says that it is about.
    expect_output "pushed
pushed
pushchain
pushchain"
}

@test "a directory and a tar get files; what they are about is each file of the result" {
    dockerfile <<'DOCKER'
FROM scratch
COPY file /dir/
DOCKER
    echo file >"$DIR/file"
    ln -s /nowhere "$BATS_TEST_TMPDIR/link"
    mkdir "$OUT"
    ln -s /nonexistent/target "$OUT/provenance.json"
    build_ok --provenance=true --sbom=true -o "$OUT"
    [ ! -L "$OUT/provenance.json" ]
    run jq -c '.subject, .predicateType' "$OUT/provenance.json"
    expect_output "[{\"name\":\"dir/file\",\"digest\":{\"sha256\":\"$(sha256sum "$DIR/file" | cut -d' ' -f1)\"}}]
\"https://slsa.dev/provenance/v1\""
    run jq -r '.predicate.spdxVersion' "$OUT/sbom.spdx.json"
    expect_output SPDX-2.3
    build_ok --provenance=filename=p.json --sbom=true --platform linux/amd64,linux/arm64 \
        -o "type=tar,dest=$BATS_TEST_TMPDIR/x.tar"
    run tar tf "$BATS_TEST_TMPDIR/x.tar"
    expect_contains linux_amd64/p.json linux_arm64/sbom.spdx.json
    printf 'FROM scratch\nARG TARGETARCH\nCOPY file /$TARGETARCH\n' >"$DIR/Dockerfile"
    build_ok --provenance=filename=p.json --platform linux/amd64,linux/arm64 \
        -o "type=local,dest=$OUT/2,platform-split=false,attestation-prefix=a-"
    [ -e "$OUT/2/a-p.linux_amd64.json" ]
    [ -e "$OUT/2/a-p.linux_arm64.json" ]
    build_ok --provenance=inline-only=true -o "$OUT/3"
    [ ! -e "$OUT/3/provenance.json" ]
}

@test "with SOURCE_DATE_EPOCH the same build says the same, to the byte" {
    dockerfile_all
    export SOURCE_DATE_EPOCH=1000000000
    to_layout --provenance=true --sbom=true
    first=$(index | sha256sum)
    run jq -r '.runDetails.metadata | .startedOn, .finishedOn' <(provenance)
    expect_output '2001-09-09T01:46:40Z
2001-09-09T01:46:40Z'
    [ "$(spdx | jq -r .creationInfo.created)" = 2001-09-09T01:46:40Z ]
    "$CBUILD" builder prune -af >/dev/null
    to_layout --provenance=true --sbom=true --jobs 1
    [ "$(index | sha256sum)" = "$first" ]
}

@test "nothing is said unless it is asked for; what cannot hold it says so" {
    dockerfile_all
    export BUILDX_NO_DEFAULT_ATTESTATIONS=1
    to_layout
    [ "$(jq -r '.manifests[0].mediaType' "$LAYOUT/index.json")" = application/vnd.oci.image.manifest.v1+json ]
    to_layout --attest type=provenance,mode=max --provenance=false
    [ "$(jq -r '.manifests[0].mediaType' "$LAYOUT/index.json")" = application/vnd.oci.image.manifest.v1+json ]
    build_ok --provenance=true -o type=cacheonly
    expect_contains 'attestations go nowhere'
    build --provenance=true -o "type=docker,dest=$BATS_TEST_TMPDIR/x.tar"
    expect_status 1
    expect_contains 'docker exporter does not currently support exporting manifest lists'
    build --provenance=true -o type=registry,name=r.invalid/x,oci-mediatypes=false
    expect_status 1
    expect_contains 'cannot export attestations with "oci-mediatypes=false"'
    for wrong in 'mode=some: expected min or max' 'version=v2: expected v0.2 or v1' 'colour=red: unexpected key' \
        'filename=../x: expected the name of a file'; do
        build --provenance="${wrong%%:*}"
        expect_status 1
        expect_contains "${wrong#*: }"
    done
    build --attest type=vuln
    expect_status 1
    expect_contains 'unknown attestation type "vuln": expected provenance or sbom'
    build --sbom=DEPTH=all
    expect_status 1
    expect_contains 'unexpected key "DEPTH": without generator= there are none'
    printf 'FROM scratch\nCOPY file /\n' | "$CBUILD" build -q -t idle -f - "$DIR"
    build --sbom=generator=idle
    expect_status 1
    expect_contains '--sbom=generator=idle: scanner idle does not have cmd'
}

# An image that scans: generator BODY makes "generator", which runs BODY where its results go.
generator() {
    printf '%s\n' 'set -e' 'cd "$BUILDKIT_SCAN_DESTINATION"' "$1" >"$DIR/scan.sh"
    printf 'FROM busybox\nCOPY scan.sh /\nWORKDIR /etc\nENV KEPT=kept\nENTRYPOINT ["sh"]\nCMD ["/scan.sh"]\n' |
        "$CBUILD" build -q -t generator -f - "$DIR"
}

@test "generator=IMAGE finds the packages, in a step that sees the image read-only; the same files are scanned once" {
    printf 'FROM busybox\nRUN echo "of the image" >/what\n' >"$DIR/Dockerfile"
    generator 'says() { printf "{\"_type\":\"https://in-toto.io/Statement/v0.1\",\"predicateType\":\"https://spdx.dev/Document\",\"predicate\":{\"name\":\"%s\"}}" "$1"; }
        echo "scanning $BUILDKIT_SCAN_SOURCE"
        if touch "$BUILDKIT_SCAN_SOURCE/what"; then exit 9; fi
        says "$(cat "$BUILDKIT_SCAN_SOURCE/what"), $BUILDKIT_SCAN_DEPTH, $KEPT" >"$(basename "$BUILDKIT_SCAN_SOURCE").spdx.json"
        says more >extra.spdx.json'
    to_layout --progress=plain --attest type=sbom,generator=generator,DEPTH=all
    expect_contains '[sbom] generating sbom using generator' 'scanning /run/src/core/sbom'
    run jq -s -c 'map([._type, .subject[0].name, .predicate.name])' <(statement https://spdx.dev/)
    expect_output '[["https://in-toto.io/Statement/v1","pkg:docker/img@latest?platform=linux%2Famd64","of the image, all, kept"],["https://in-toto.io/Statement/v1","pkg:docker/img@latest?platform=linux%2Famd64","more"]]'
    build_ok --progress=plain --sbom=generator=generator,DEPTH=all -o "$OUT/scanned"
    [ "$(steps_run)" = 0 ]
    [ "$(jq -r .predicate.name "$OUT/scanned/sbom.spdx.json" "$OUT/scanned/extra.spdx.json")" = "of the image, all, kept
more" ]
    [ ! -e "$OUT/scanned/run/out" ]
}

@test "attestations that are too large to be kept cost a warning, not the build" {
    printf 'FROM busybox\n' >"$DIR/Dockerfile"
    # What takes three bytes in a file and six in JSON of ours.
    generator 'separators() { yes "$(printf "\342\200\250")" | tr -d "\n" | head -c 18000000; }
        for name in a b; do
            printf "{\"_type\":\"https://in-toto.io/Statement/v0.1\",\"predicateType\":\"https://spdx.dev/Document\",\"predicate\":{\"name\":\"" >$name.spdx.json
            separators >>$name.spdx.json
            printf "\"}}" >>$name.spdx.json
        done'
    build_ok --progress=plain -t large --sbom=generator=generator
    expect_contains 'attestations take more than 64 MiB: they are not kept'
    id=$("$CBUILD" image inspect -f '{{.Id}}' large)
    [ ! -e "$STORE/attested/${id#sha256:}.json" ]
}

@test "a generator gets neither secrets nor the context: its image's triggers do not run" {
    printf 'FROM busybox\n' >"$DIR/Dockerfile"
    echo classified >"$DIR/private"
    printf '%s\n' 'FROM busybox' 'ONBUILD COPY . /context' 'ONBUILD RUN --mount=type=secret,id=s cat /run/secrets/s >/stolen' \
        'CMD ls -d /context /stolen 2>&1; echo scanned; exit 3' | "$CBUILD" build -q -t generator - >/dev/null
    build --progress=plain --sbom=generator=generator --secret "id=s,src=$DIR/private" -o "type=oci,dest=$BATS_TEST_TMPDIR/x.tar"
    expect_status 1
    expect_contains '/context: No such file' '/stolen: No such file' scanned
    expect_lacks ONBUILD classified
}

# Stages and the context that an SBOM tells of, too.
scanned_dockerfile() {
    printf 'secret\n' >"$DIR/.dockerignore"
    touch "$DIR/secret" "$DIR/sent"
    cat >"$DIR/Dockerfile" <<'DOCKER'
ARG BUILDKIT_SBOM_SCAN_CONTEXT=false
FROM busybox AS tools
ARG BUILDKIT_SBOM_SCAN_STAGE=true
RUN echo "${BUILDKIT_SBOM_SCAN_STAGE:-unseen}" >/tool; if env | grep SBOM; then exit 9; fi
FROM busybox AS quiet
RUN touch /quiet
FROM busybox AS unused
ARG BUILDKIT_SBOM_SCAN_STAGE=true
RUN touch /unused
FROM scratch
ARG BUILDKIT_SBOM_SCAN_STAGE=true
ARG BUILDKIT_SBOM_SCAN_CONTEXT=true
COPY --from=tools /tool /tool
COPY --from=quiet /quiet /quiet
DOCKER
}

@test "BUILDKIT_SBOM_SCAN_STAGE and _CONTEXT: a generator sees these trees as well, and is a material" {
    generator 'says() { printf "{\"_type\":\"https://in-toto.io/Statement/v0.1\",\"predicateType\":\"https://spdx.dev/Document\",\"predicate\":{\"name\":\"%s\"}}" "$1"; }
        says core >sbom.spdx.json
        [ -z "$BUILDKIT_SCAN_SOURCE_EXTRAS" ] || for tree in "$BUILDKIT_SCAN_SOURCE_EXTRAS"/*; do
            if touch "$tree/x"; then exit 9; fi
            says "$(cd "$tree"; echo [a-z]*)" >"${tree##*/}.spdx.json"
        done'
    scanned_dockerfile
    cbuild build --progress=plain --sbom=generator=generator --provenance mode=min -o "$OUT/a" "$DIR"
    expect_status 0
    [ "$(ls "$OUT/a")" = "$(printf '%s\n' provenance.json quiet sbom-context.spdx.json sbom-tools.spdx.json sbom.spdx.json tool)" ]
    [ "$(cat "$OUT/a/tool")" = unseen ]
    jq -r .predicate.name "$OUT/a/sbom-tools.spdx.json" | grep -w tool
    [ "$(jq -r .predicate.name "$OUT/a/sbom-context.spdx.json")" = 'scan.sh sent' ]
    jq -r '.predicate.materials[]?.uri, .predicate.buildDefinition.resolvedDependencies[]?.uri' "$OUT/a/provenance.json" | grep -q 'docker/generator@'
    # a build argument changes what an ARG says, and says nothing where there is none
    cbuild build --progress=plain --sbom=generator=generator --build-arg BUILDKIT_SBOM_SCAN_STAGE=quiet,x --build-arg BUILDKIT_SBOM_SCAN_CONTEXT=false -o "$OUT/b" "$DIR"
    expect_status 0
    [ "$(cd "$OUT/b" && echo sbom*)" = sbom.spdx.json ]
    # who does not ask for an SBOM gets no step more
    build_ok --progress=plain
    expect_lacks 'copy the build context'
}

@test "BUILDKIT_SBOM_SCAN_STAGE and _CONTEXT without a generator: a document for each tree" {
    scanned_dockerfile
    cbuild build --progress=plain --sbom=true --build-arg BUILDKIT_SBOM_SCAN_STAGE=tools -o "$OUT/own" "$DIR"
    expect_status 0
    [ "$(cd "$OUT/own" && echo sbom*)" = 'sbom-context.spdx.json sbom-tools.spdx.json sbom.spdx.json' ]
    [ "$(jq -r '.predicate.name' "$OUT/own/sbom-tools.spdx.json")" = tools ]
    to_layout --sbom=true
    [ "$(jq -s length <(statement https://spdx.dev/))" = 3 ]
}

@test "what a generator leaves is looked at before it is believed" {
    printf 'FROM busybox\n' >"$DIR/Dockerfile"
    while IFS='|' read -r body said; do
        generator "$body"
        build --progress=plain --sbom=generator=generator -o "type=oci,dest=$BATS_TEST_TMPDIR/x.tar"
        expect_status 1
        expect_contains "$said"
    done <<'END'
true|left nothing in $BUILDKIT_SCAN_DESTINATION
echo '{' >sbom.spdx.json|`sbom.spdx.json`: line
echo '{"predicateType": "https://spdx.dev/Document"}' >a.json|is no in-toto statement with an SPDX document
echo '{"predicateType": "https://slsa.dev/provenance/v1", "predicate": {}}' >a.json|is no in-toto statement with an SPDX document
ln -s /etc/shadow a.json|`a.json`
ln -s /nowhere a.json|`a.json`
mkfifo a.json|`a.json`
mkdir a.json|`a.json`
for i in $(seq 101); do touch $i; done|more than 100 files
for i in 1 2 3; do printf '{"predicateType":"https://spdx.dev/Document","predicate":{"x":"%24000000s"}}' x >$i; done|left more than 67108864 bytes
exit 3|exit code: 3
END
}

# The bytes that a registry has under a name.
raw() { "$CBUILD" buildx imagetools inspect --raw "$1"; }

@test "the store keeps what is said of an image: a later push or save has it as if the build had sent it" {
    printf 'FROM scratch\nCOPY one /\nCOPY two /\n' | dockerfile
    echo 1 >"$DIR/one"
    echo 2 >"$DIR/two"
    start_registry
    export SOURCE_DATE_EPOCH=1000000000
    local what=(--provenance=mode=max --sbom=true --platform linux/amd64,linux/arm64 "$DIR")
    cbuild build -q --push -t "$REGISTRY/direct:1" "${what[@]}"
    expect_status 0
    cbuild build -t "$REGISTRY/later:1" "${what[@]}"
    expect_status 0
    expect_lacks 'go nowhere'
    cbuild push -q "$REGISTRY/later:1"
    expect_status 0
    raw "$REGISTRY/later:1" | jq -e '.manifests | map(.platform.os) == ["linux", "linux", "unknown", "unknown"]'
    cbuild tag "$REGISTRY/later:1" "$REGISTRY/direct:2"
    "$CBUILD" copy -q --all "docker://$REGISTRY/direct:1" "oci:$LAYOUT:latest"
    first=$(index | jq -c '.manifests[2:] | map(.size)')
    provenance=$(provenance 1)
    packages=$(spdx 1 | jq 'del(.. | .name?, .documentNamespace?)')
    [ "$(jq '.runDetails.metadata.buildkit_metadata.layers | to_entries[0].value[0] | length' <<<"$provenance")" -gt 1 ]
    rm -rf "$LAYOUT"
    cbuild push -q "$REGISTRY/direct:2"
    "$CBUILD" copy -q --all "docker://$REGISTRY/direct:2" "oci:$LAYOUT:latest"
    [ "$(index | jq -c '.manifests[2:] | map(.size)')" = "$first" ]
    [ "$(provenance 1)" = "$provenance" ]
    diff <(spdx 1 | jq "del(.. | .name?, .documentNamespace?)") - <<<"$packages"
    # one platform alone, and Docker's types, have none
    cbuild push -q --platform linux/arm64 "$REGISTRY/later:1"
    raw "$REGISTRY/later:1" | jq -e .config
    cbuild push -q --format docker "$REGISTRY/later:1"
    raw "$REGISTRY/later:1" | jq -e '.manifests | length == 2'
    rm -rf "$LAYOUT"
    cbuild save --format oci-dir -o "$LAYOUT" "$REGISTRY/later:1"
    expect_status 0
    [ "$(provenance 1)" = "$provenance" ]
    cbuild inspect --format '{{.Os}}' "$REGISTRY/later:1"
    expect_output linux
}

@test "what is said of an image in the store is what its last build said, and goes with it" {
    dockerfile_all
    start_registry
    local to="$REGISTRY/one:1"
    build_ok --provenance=true -t "$to"
    cbuild push -q "$to"
    raw "$to" | jq -e '.manifests | length == 2'
    cbuild push -q "$to"
    expect_status 0
    cbuild save --format oci-archive -o "$OUT.tar" "$to"
    digest=$(tar -xO -f "$OUT.tar" index.json | jq -r '.manifests[0].digest')
    tar -xO -f "$OUT.tar" "blobs/sha256/${digest#sha256:}" | jq -e '.manifests | length == 2'
    cbuild save -o "$OUT.docker" "$to"
    expect_status 0
    [ "$(ls "$STORE/attested" | wc -l)" -ge 1 ]
    build_ok -t "$to"
    cbuild push -q "$to"
    raw "$to" | jq -e .config
    build_ok --provenance=true -t "$to"
    id=$("$CBUILD" inspect --format '{{.Id}}' "$to")
    [ -e "$STORE/attested/${id#sha256:}.json" ]
    "$CBUILD" rmi -f "$id" >/dev/null
    "$CBUILD" prune -af >/dev/null
    [ ! -e "$STORE/attested/${id#sha256:}.json" ]
    build_ok --provenance=true -t "$to"
    id=$("$CBUILD" inspect --format '{{.Id}}' "$to")
    echo '{' >"$STORE/attested/${id#sha256:}.json"
    cbuild push -q "$to"
    expect_status 1
    expect_contains 'what is said of the image'
}

# The digest of what $1 is on a registry.
there() { "$CBUILD" copy -q --all "docker://$1" "oci:$BATS_TEST_TMPDIR/there-$RANDOM:x"; }

@test "what a registry or an archive says of an image comes with it, and goes on to the byte" {
    dockerfile_all
    start_registry
    local from="$REGISTRY/from:1" digest copied id
    "$CBUILD" build -q --push --provenance=mode=max --sbom=true -t "$from" "$DIR"
    digest=$(there "$from")
    "$CBUILD" rmi -f "$from" >/dev/null
    "$CBUILD" prune -af >/dev/null
    "$CBUILD" pull -q "$from"
    id=$("$CBUILD" inspect --format '{{.Id}}' "$from")
    [ -e "$STORE/attested/${id#sha256:}.json" ]
    # documents that belong to no image are gone; what is said stays
    "$CBUILD" prune -f >/dev/null
    "$CBUILD" tag "$from" "$REGISTRY/to:1"
    cbuild push -q "$REGISTRY/to:1"
    expect_status 0
    [ "$(there "$REGISTRY/to:1")" = "$digest" ]

    # by an archive, into another store
    "$CBUILD" save --format oci-archive -o "$OUT.oci" "$from"
    other=$BATS_TEST_TMPDIR/other
    run "$CBUILD" --root "$other" load -q -i "$OUT.oci"
    expect_status 0
    run "$CBUILD" --root "$other" save --format oci-dir -o "$LAYOUT" "$from"
    expect_status 0
    [ "$(jq -r '.manifests[0].digest' "$LAYOUT/index.json")" = "$digest" ]
    provenance | jq -e .buildDefinition >/dev/null

    # another form of the layers is another image: the same is said of that
    "$CBUILD" tag "$from" "$REGISTRY/to:2"
    cbuild push -q --compression zstd "$REGISTRY/to:2"
    expect_status 0
    rm -rf "$LAYOUT"
    "$CBUILD" copy -q --all "docker://$REGISTRY/to:2" "oci:$LAYOUT:latest"
    image=$(index | jq -r '.manifests[0].digest')
    [ "$(statement https://slsa.dev/ | jq -r '.subject[0].digest.sha256')" = "${image#sha256:}" ]
    [ "$(provenance | jq -c '[.runDetails.metadata.buildkit_metadata.layers[][][].digest]')" = \
        "$(blob "$image" | jq -c '[.layers[].digest]')" ]

    "$CBUILD" rmi -f "$id" >/dev/null
    "$CBUILD" prune -af >/dev/null
    [ ! -e "$STORE/attested/${id#sha256:}.json" ]
    "$CBUILD" --root "$other" prune -af >/dev/null
}

@test "copy --platform takes along what is said of that platform's image" {
    printf 'FROM scratch\nCOPY one /\n' | dockerfile
    echo 1 >"$DIR/one"
    start_registry
    local from="$REGISTRY/from:1"
    "$CBUILD" build -q --push --provenance=true --platform linux/amd64,linux/arm64 -t "$from" "$DIR"
    cbuild copy -q --platform linux/arm64 "docker://$from" "oci:$LAYOUT:latest"
    expect_status 0
    index | jq -e '.manifests | map(.platform.architecture) == ["arm64", "unknown"]'
    provenance | jq -e .buildDefinition >/dev/null
    cbuild copy -q --platform linux/arm64 "docker://$from" "docker://$REGISTRY/to:1"
    expect_output "$(jq -r '.manifests[0].digest' "$LAYOUT/index.json")"
    # alone, as skopeo has it
    cbuild copy -q "docker://$from" "docker://$REGISTRY/to:2"
    raw "$REGISTRY/to:2" | jq -e .config
    # from there into the store, and on, nothing changes
    cbuild copy -q --platform linux/arm64 "docker://$REGISTRY/to:1" "$REGISTRY/stored:1"
    expect_status 0
    cbuild push -q "$REGISTRY/stored:1"
    [ "$(there "$REGISTRY/stored:1")" = "$(there "$REGISTRY/to:1")" ]
    rm -rf "$LAYOUT"
    cbuild copy -q --all "$REGISTRY/stored:1" "oci:$LAYOUT:latest"
    expect_output "$(there "$REGISTRY/to:1")"
}
