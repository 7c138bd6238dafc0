#!/usr/bin/env bats
# Options of kaniko and buildah, as pipelines that were written for them give them.
load helpers
load helpers-registry
load helpers-web

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    T=$BATS_TEST_TMPDIR
    printf 'FROM busybox\nARG COLOUR\nLABEL keep=1 drop=2\nENV KEPT=1 DROPPED=2\nRUN echo "$COLOUR $GIVEN" >/said\nRUN echo 2 >/two\n' \
        >"$DIR/Dockerfile"
}
teardown() {
    stop_registry
    stop_hostile_registry
}

kaniko() {
    run "$CBUILD" build --progress=plain "$@"
}
said() { "$CBUILD" run --rm --network none "$1" cat /said; }
digest_of() { skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$1"; }

@test "kaniko: context, destinations, cache and the files with digests" {
    start_registry
    mkdir "$DIR/ci"
    mv "$DIR/Dockerfile" "$DIR/ci/Dockerfile"
    kaniko --context "dir://$DIR" --dockerfile ci/Dockerfile --build-arg COLOUR=red --label from=ci \
        --destination "$REGISTRY/app:1" -d "$REGISTRY/app:2" --cache=true --cache-repo "$REGISTRY/cache" --cache-ttl 24h \
        --digest-file "$T/digest" --image-name-with-digest-file "$T/name" --image-name-tag-with-digest-file "$T/tag" \
        --snapshot-mode=redo --use-new-run --verbosity=info --push-retry 3 --cleanup --force --skip-unused-stages --insecure
    expect_status 0
    digest=$(digest_of "$REGISTRY/app:1")
    [ "$(cat "$T/digest")" = "$digest" ]
    [ "$(cat "$T/name")" = "$REGISTRY/app@$digest
$REGISTRY/app@$digest" ]
    [ "$(cat "$T/tag")" = "$REGISTRY/app:1@$digest
$REGISTRY/app:2@$digest" ]
    [ "$(digest_of "$REGISTRY/app:2")" = "$digest" ]
    [ "$(said "$REGISTRY/app:1")" = "red " ]
    # The cache went to its repository: a store without anything finds the steps there.
    "$CBUILD" tag busybox "$REGISTRY/base:1"
    "$CBUILD" push -q "$REGISTRY/base:1"
    run "$CBUILD" --root "$T/fresh" build --progress=plain --context "$DIR" --dockerfile "$DIR/ci/Dockerfile" --no-push \
        --build-arg COLOUR=red --label from=ci --cache --cache-repo "$REGISTRY/cache" --no-push-cache \
        --build-context "busybox=docker-image://$REGISTRY/base:1"
    expect_status 0
    [ "$(steps_run)" = 0 ]
    kaniko --context "$DIR" --dockerfile ci/Dockerfile --cache
    expect_status 1
    expect_contains '--cache needs --cache-repo, or --destination'
}

@test "kaniko: --no-push with an archive and a layout; the digest is told all the same" {
    kaniko --context "$DIR" --destination r.invalid/app:1 --no-push --tar-path "$T/a,b.tar" --oci-layout-path "$T/layout" \
        --digest-file "$T/digest"
    expect_status 0
    [ "$(tar xOf "$T/a,b.tar" manifest.json | jq -c '.[0].RepoTags')" = '["r.invalid/app:1"]' ]
    [ "$(jq -r '.manifests[0].digest' "$T/layout/index.json")" = "$(cat "$T/digest")" ]
    kaniko --context "$DIR" --no-push --digest-file "$T/again"
    expect_status 0
    [ "$(cat "$T/again")" = "$(cat "$T/digest")" ]
    kaniko --context "$DIR" --no-push --image-name-with-digest-file "$T/name"
    expect_status 1
    expect_contains 'needs --destination'
}

@test "kaniko: --reproducible is of 1970, --single-snapshot has one layer more than its base" {
    base=$("$CBUILD" inspect busybox | jq '.[0].RootFS.Layers | length')
    kaniko --context "$DIR" -t single --reproducible --single-snapshot --compression zstd
    expect_status 0
    run "$CBUILD" inspect single
    [ "$(jq -r '.[0].Created' <<<"$output")" = 1970-01-01T00:00:00Z ]
    [ "$(jq '.[0].RootFS.Layers | length' <<<"$output")" = $((base + 1)) ]
}

@test "kaniko: contexts of other kinds" {
    tar -C "$DIR" -czf "$T/context.tar.gz" .
    kaniko --context "tar://$T/context.tar.gz" -t from-file
    expect_status 0
    run bash -c '"$CBUILD" build -q --context tar://stdin <"$1"' - "$T/context.tar.gz"
    expect_status 0
    expect_output "$("$CBUILD" inspect -f '{{.Id}}' from-file)"
    kaniko --context git://127.0.0.1:1/x.git#refs/heads/main --context-sub-path sub
    expect_status 1
    expect_contains 'https://127.0.0.1:1/x.git#refs/heads/main:sub'
    kaniko --context s3://bucket/x.tar.gz
    expect_status 1
    expect_contains 'buckets are not read' 'tar://stdin'
    kaniko --context "$DIR" "$DIR"
    expect_status 1
    expect_contains 'the context is given twice'
}

@test "kaniko: mirrors and maps of registries" {
    start_registry
    "$CBUILD" tag busybox "$REGISTRY/library/tool:1"
    "$CBUILD" push -q "$REGISTRY/library/tool:1"
    "$CBUILD" tag busybox "$REGISTRY/quay/team/tool:1"
    "$CBUILD" push -q "$REGISTRY/quay/team/tool:1"
    printf 'FROM tool:1\nRUN true\nFROM far.invalid/team/tool:1\nCOPY --from=0 /bin/busybox /b\n' >"$DIR/Dockerfile"
    kaniko --context "$DIR" --registry-mirror "http://$REGISTRY" --registry-map "far.invalid=http://$REGISTRY/quay" --no-push
    expect_status 0
    printf 'FROM index.docker.io/library/none:1\n' >"$DIR/Dockerfile"
    kaniko --context "$DIR" --registry-map "index.docker.io=http://$REGISTRY" --skip-default-registry-fallback --no-push
    expect_status 1
    expect_contains 'none of the mirrors of `docker.io` has it'
    kaniko --context "$DIR" --registry-map nonsense
    expect_status 1
    expect_contains 'expected FROM=TO'
    # The variables that kaniko reads say the same.
    printf 'FROM tool:1\nFROM far.invalid/team/tool:1\nCOPY --from=0 /bin/busybox /b\n' >"$DIR/Dockerfile"
    KANIKO_REGISTRY_MIRROR=http://$REGISTRY KANIKO_REGISTRY_MAP="far.invalid=http://$REGISTRY/quay" KANIKO_NO_PUSH=1 \
        run "$CBUILD" --root "$T/other" build --context "$DIR" --destination "$REGISTRY/never:1"
    expect_status 0
    KANIKO_NO_PUSH=false run "$CBUILD" --root "$T/other" build --no-push -f - --destination "$REGISTRY/never:1" "$DIR" <<<'FROM scratch'
    expect_status 0
    not digest_of "$REGISTRY/never:1"
    KANIKO_NO_PUSH=maybe kaniko --context "$DIR"
    expect_status 1
    expect_contains 'KANIKO_NO_PUSH=maybe: expected true or false'
}

@test "buildah: bud and build-using-dockerfile are build" {
    for word in bud build-using-dockerfile; do
        run "$CBUILD" "$word" -q -t "by-$word" "$DIR"
        expect_status 0
        "$CBUILD" image inspect "by-$word" >/dev/null
    done
}

@test "buildah: variables, labels, history and the base from the command line" {
    "$CBUILD" tag busybox other:1
    export FROM_HERE=here
    build_ok --env GIVEN=x --env KEPT=given --env FROM_HERE --env NOT_THERE --unsetenv DROPPED --unsetlabel drop --omit-history \
        --from other:1 --identity-label=false
    [ "$(said img)" = " x" ]
    env=$(config .Env)
    case $env in *'"GIVEN=x"'*'"FROM_HERE=here"'*'"KEPT=1"'* | *'"GIVEN=x"'*'"KEPT=1"'*'"FROM_HERE=here"'*) ;; *) echo "$env"; false ;; esac
    case $env in *DROPPED* | *NOT_THERE*) echo "$env"; false ;; esac
    [ "$(config .Labels)" = '{"keep":"1"}' ]
    run "$CBUILD" history -q --no-trunc img
    expect_output ''
    expect_lacks sha256
    build --from none.invalid/x:1
    expect_status 1
    expect_contains none.invalid/x:1
}

@test "F6: --unset takes away what the base image set, and no step runs for it" {
    printf '%s\n' 'FROM busybox' 'ENV A=1 AB=2' 'LABEL a=b c=d' 'VOLUME /v /w' 'EXPOSE 80 80/udp 8080' 'USER 1' 'WORKDIR /' \
        'ENTRYPOINT ["e"]' 'CMD ["c"]' 'STOPSIGNAL 9' 'HEALTHCHECK CMD x' 'SHELL ["s"]' | dockerfile
    "$CBUILD" build -q -t rich "$DIR" >/dev/null
    echo 'FROM rich' | dockerfile
    build_ok --unset env:A,volume:/v --unset expose:80,label:c
    [ "$(config '|[.Env[1:],.Volumes,.ExposedPorts,.Labels,.User]')" = '[["AB=2"],{"/w":{}},{"8080/tcp":{}},{"a":"b"},"1"]' ]
    build_ok --unset expose:80/udp,env:A,entrypoint,cmd,user,workdir,stopsignal,healthcheck,shell,label,volume
    [ "$(config '|[.ExposedPorts,.Env[1:],.Entrypoint,.Cmd,.User,.WorkingDir,.StopSignal,.Healthcheck,.Shell,.Labels,.Volumes]')" = \
        '[{"80/tcp":{},"8080/tcp":{}},["AB=2"],null,null,"","",null,null,null,null,null]' ]
    [ "$(steps_run)" -eq 0 ]
    build --unset volumes
    expect_status 1
    expect_contains 'invalid argument "volumes" for "--unset" flag' 'did you mean volume?'
    build --unset user:x
    expect_status 1
    expect_contains 'user takes no name'
}

@test "buildah: times, files of arguments, a log, platforms and formats" {
    printf '# colours\n\nCOLOUR=blue\nOTHER=1\n' >"$T/args"
    run "$CBUILD" build -t img --build-arg-file "$T/args" --timestamp 86400 --logfile "$T/log" --pull-never --os linux --arch amd64 "$DIR"
    expect_status 0
    expect_output ''
    grep -q 'RUN echo 2' "$T/log"
    [ "$(said img)" = "blue " ]
    [ "$("$CBUILD" inspect -f '{{.Created}}' img)" = 1970-01-02T00:00:00Z ]
    build_ok --build-arg-file "$T/args" --build-arg COLOUR=green
    [ "$(said img)" = "green " ]
    run "$CBUILD" build -t img --logfile "$T/log" --target nosuch "$DIR"
    expect_status 1
    expect_contains nosuch
    build --timestamp yesterday
    expect_status 1
    expect_contains 'expected seconds since 1970'
    start_registry
    run "$CBUILD" build -q -t "$REGISTRY/docker:1" --format docker --push "$DIR"
    expect_status 0
    [ "$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/docker:1" | jq -r .mediaType)" = application/vnd.docker.distribution.manifest.v2+json ]
}

@test "buildah: options that are not here name what does the same" {
    while IFS='|' read -r option instead; do
        run "$CBUILD" build "$option" "$DIR"
        expect_status 125
        expect_contains "${option%%=*} of another tool is not here" "$instead"
    done <<'END'
--cap-add=SYS_ADMIN|--allow security.insecure
--cap-drop=CHOWN|setpriv
--tmpfs=/x|RUN --mount=type=tmpfs
--userns=host|namespaces of their own
--userns-uid-map=0:1:2|namespaces of their own
--save-stages|--target STAGE -t NAME
--sbom-output=x|--sbom=generator=IMAGE
--disable-compression|force-compression=true
END
    build_ok --source-date-epoch 3600
    [ "$("$CBUILD" inspect -f '{{.Created}}' img)" = 1970-01-01T01:00:00Z ]
}
