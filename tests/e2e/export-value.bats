#!/usr/bin/env bats
# RUN --export=NAME=PATH, in files that say `# cbuild=1`: a variable's value is what a step left in a file.
load helpers
load helpers-registry
load helpers-web

setup_file() { cb_store; }
teardown_file() {
    cb_drop_store
    rm -rf --one-file-system "$STORE-other"
}
setup() { cb_dir; }
teardown() {
    stop_registry
    stop_web
}

# The build fails for the file that SCRIPT leaves at /v: value_refused TEXT SCRIPT
value_refused() {
    printf '# cbuild=1\nFROM busybox\nRUN --export=V=/v %s\nRUN echo never-run\n' "$2" >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains "Dockerfile:3:16: --export=V: $1"
    expect_lacks "#6 "
}

@test "the value is in what is expanded below, in later steps, and of the image only by ENV" {
    dockerfile <<'DOCKER'
# cbuild=1
FROM busybox
WORKDIR /work
RUN --export=V=/v --export=W=sub/w mkdir sub; printf '1.2\n\n\n' >/v; printf ' a\n"b" $V ' >sub/w
RUN printf '%s|%s' "$V" "$W" >/seen
ENV APP=$V
LABEL version=v$V words=$W
COPY file-$V /copied
WORKDIR /opt/$V
EXPOSE 80${V#1.}
USER u$V
CMD ["sh"]
DOCKER
    echo content >"$DIR/file-1.2"
    build_ok
    run "$CBUILD" run --rm --network none --user 0 img sh -c 'cat /seen; echo; cat /copied; pwd; env | grep -c "^V=\|^W="'
    expect_output "$(printf '1.2| a\n"b" $V \ncontent\n/opt/1.2\n0')"
    [ "$(config .Env[1])" = '"APP=1.2"' ]
    [ "$(config .User)" = '"u1.2"' ]
    [ "$(config '.ExposedPorts|keys')" = '["802/tcp"]' ]
    [ "$(config .Labels.words)" = '" a\n\"b\" $V "' ]
}

@test "no step is told of twice, and each has its number" {
    dockerfile <<'DOCKER'
# cbuild=1
FROM busybox AS side
RUN echo side >/side
FROM busybox
RUN --export=A=/a echo one >/a
RUN --export=B=/b echo $A two >/b
RUN echo "$B" three >/c
COPY --from=side /side /side-$A
DOCKER
    build_ok
    names=$(printf '%s\n' "$output" | sed -n 's/^#[0-9]* \(\[.*\)/\1/p' | awk '!n[$0]++')
    [ "$(printf '%s\n' "$output" | grep -c ' DONE ')" -ge 6 ]
    run sort <<<"$names"
    expect_contains '[side 2/2] RUN echo side' '[stage-1 2/5] RUN --export=A=/a echo one >/a' '[stage-1 3/5] RUN --export=B=/b echo $A two' \
        '[stage-1 4/5] RUN echo "$B" three' '[stage-1 5/5] COPY --from=side /side /side-$A'
    in_image cat /c /side-one
    expect_output "$(printf 'one two three\nside')"
    build_ok
    [ "$(steps_run)" = 0 ]
    [ "$(printf '%s\n' "$output" | grep -c '^#[0-9]* \[stage-1 2/5\]')" = 1 ]
    build_ok --no-cache
    [ "$(printf '%s\n' "$output" | grep -c ' CACHED')" -le 2 ]
    [ "$(steps_cached)" -le 2 ]
}

@test "a cached step gives its value without running; another value runs what uses it, the same one nothing more" {
    dockerfile <<'DOCKER'
# cbuild=1
FROM busybox AS found
COPY input /input
RUN --export=V=/v head -n 1 /input >/v; rm /input
FROM found
RUN echo "with $V" >/with
FROM busybox
COPY --from=1 /with /with
DOCKER
    printf '1\nx\n' >"$DIR/input"
    build_ok
    build_ok
    [ "$(steps_run)" = 0 ]
    printf '2\nx\n' >"$DIR/input"
    build_ok
    in_image cat /with
    expect_output "with 2"
    printf '2\ny\n' >"$DIR/input"
    build_ok
    expect_contains "[stage-2 2/2] COPY --from=1 /with /with"
    run grep -A1 '\[stage-2 2/2\]' <<<"$output"
    expect_contains CACHED
    in_image cat /with
    expect_output "with 2"
}

@test "stages that start from the stage have the value; those that copy from it do not" {
    dockerfile <<'DOCKER'
# cbuild=1
FROM busybox AS a
RUN --export=V=/v echo here >/v
FROM a AS b
RUN echo "b:$V" >/b
FROM busybox
COPY --from=b /b /b
RUN echo "c:$V" >/c
DOCKER
    build_ok
    in_image cat /b /c
    expect_output "$(printf 'b:here\nc:')"
}

@test "among ARG, ENV and --export the latest counts" {
    dockerfile <<'DOCKER'
# cbuild=1
FROM busybox
ARG V=default
ENV E=env
RUN --export=V=/v --export=E=/v echo "$V$E" >/v
RUN echo "1 $V $E" >/1
ARG V
RUN echo "2 $V" >/2
ENV E=again
RUN echo "3 $E" >/3
DOCKER
    build_ok --build-arg V=given
    in_image cat /1 /2 /3
    expect_output "$(printf '1 givenenv givenenv\n2 given\n3 again')"
    [ "$(config .Env[1])" = '"E=again"' ]
    printf '# cbuild=1\nFROM busybox\nRUN --export=V=/v echo 1 >/v\n' >"$DIR/Dockerfile"
    build_ok --build-arg V=2
    expect_contains 'build argument `V` is declared by no ARG'
}

@test "a value decides what is downloaded" {
    start_web
    echo asset >"$WEB_ROOT/asset-7"
    dockerfile <<DOCKER
# cbuild=1
FROM busybox
RUN --export=V=/v echo 7 >/v
ADD $WEB/etag/asset-\$V /asset
DOCKER
    build_ok
    in_image cat /asset
    expect_output asset
    cbuild lock "$DIR"
    expect_status 1
    expect_contains 'Dockerfile:4:5: what is fetched from `'"$WEB"'/etag/asset-$V` is not known: RUN --export sets a part of it' 'hint: name it by an ARG'
    [ ! -e "$DIR/Dockerfile.lock" ]
}

@test "a condition that hangs on a value is looked at when that is known" {
    dockerfile <<'DOCKER'
# cbuild=1
FROM busybox AS never
RUN --export=X=/x false
FROM busybox AS made
RUN --export=Y=/y echo y >/y
FROM busybox
RUN --export=V=/v echo yes >/v
COPY --if='$V = no' --from=never /x /x
COPY --if='$V = yes' --from=made /y /y
RUN --if='$V = no' touch /no
RUN --if='$V = yes' touch /yes
DOCKER
    build_ok
    expect_lacks "RUN --export=X"
    expect_contains '[stage-2 6/6]'
    in_image sh -c 'ls -d /no /yes /x /y 2>/dev/null || true'
    expect_output "$(printf '/y\n/yes')"
}

@test "a RUN that is left out sets nothing, and a variable that it may set can be tested" {
    dockerfile <<'DOCKER'
# cbuild=1
FROM busybox
ARG FIND=0
ARG V=busybox
RUN --if=$FIND --export=V=/v --export=W=/v echo found >/v
RUN --if=$W echo "W is $W" >/w
COPY --if=!$FIND --from=$V /bin/busybox /b
LABEL v=$V
DOCKER
    build_ok
    expect_lacks UndefinedVar
    [ "$(config .Labels.v)" = '"busybox"' ]
    build_ok --build-arg FIND=1
    [ "$(config .Labels.v)" = '"found"' ]
    in_image cat /w
    expect_output "W is found"
}

@test "FROM, COPY --from and mounts say that the value is known too late" {
    dockerfile <<'DOCKER'
# cbuild=1
FROM busybox AS a
RUN --export=V=/v echo a >/v
COPY --from=$V /v /w
RUN --mount=from=$V,target=/m true
DOCKER
    build
    expect_status 1
    expect_contains 'Dockerfile:4:13: variable `V` of --from is not known' 'Dockerfile:5:13: variable `V` of --from is not known' \
        'what ENV, an image or RUN --export sets is known too late'
    printf '# cbuild=1\nFROM busybox\nRUN --export=V=/v echo a >/v\nFROM $V\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:4:6: base name ($V) should not be blank' 'what RUN --export sets is known too late to choose an image or a stage by'
}

@test "mistakes below are told before anything runs, those that hang on the value when it is known" {
    printf '# cbuild=1\nFROM busybox\nRUN --export=V=/v echo ran >/v\nEXPOSE $V\nEXPOSE x\nCOPY --chown=1:2:3 a b\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains "Dockerfile:5:8"
    expect_lacks "Dockerfile:4"
    expect_lacks "RUN --export=V=/v echo ran >/v
#"
    sed -i '5,$d' "$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains "Dockerfile:4:8" "DONE"
}

@test "what is no file with text is refused, at the path" {
    value_refused '`/v` is not there after the step' 'true'
    expect_contains 'hint: the step writes it, and not below one of its mounts'
    value_refused '`/v` is not there after the step' '--mount=type=tmpfs,target=/m echo x >/m/v; ln -s /m/v /v'
    value_refused '`/v` is not there after the step' 'echo x >/f; ln -s /f/v /v'
    value_refused '`/v` is a directory' 'mkdir /v'
    value_refused '`/v` is no regular file' 'mkfifo /v'
    value_refused '`/v` holds a NUL at byte 3' 'printf "ab\\000c" >/v'
    value_refused '`/v` holds what is no UTF-8 at byte 2' 'printf "a\\377" >/v'
    value_refused '`/v` has 65537 bytes: a value has up to 65536' 'head -c 65537 /dev/zero | tr "\\0" x >/v'
    value_refused '`/v` has 1073741824 bytes' 'truncate -s 1G /v'
    value_refused 'resolve `/v`: too many levels of symbolic links' 'ln -s /v /v'
}

# bats test_tags=root
@test "a device is not opened" {
    value_refused '`/v` is no regular file' 'mknod /v c 1 3'
    value_refused '`/v` is no regular file' 'mknod /d c 1 5; ln -s /d /v'
}

@test "links lead to files of the step, never to the host's" {
    local host=$BATS_TEST_TMPDIR/host-only up=../../../../../../../../..
    echo secret >"$host"
    value_refused '`/v` is not there after the step' "ln -s $host /v"
    value_refused '`/v` is not there after the step' "ln -s $up$host /v"
    expect_lacks secret
    dockerfile <<DOCKER
# cbuild=1
FROM busybox
RUN --export=V=/v --export=W=$up/etc/w ln -s $up/etc/passwd /v; echo mine >/etc/passwd; echo w >/etc/w
RUN echo "\$V \$W" >/seen
DOCKER
    build_ok
    in_image cat /seen
    expect_output "mine w"
}

@test "a value may be as long as 64 KiB, or empty" {
    dockerfile <<'DOCKER'
# cbuild=1
FROM busybox
RUN --export=LONG=/l --export=EMPTY=/e head -c 65536 /dev/zero | tr '\0' x >/l; printf '\n\n' >/e
RUN echo "${#LONG} [$EMPTY] ${EMPTY+set}" >/seen
DOCKER
    build_ok
    in_image cat /seen
    expect_output "65536 [] set"
}

@test "a failing step is the build's failure, and what runs beside it ends" {
    dockerfile <<DOCKER
# cbuild=1
FROM busybox AS beside
RUN sleep $FOREVER
FROM busybox
RUN --export=V=/v echo 1 >/v; exit 7
COPY --from=beside / /x
DOCKER
    build
    expect_status 1
    expect_contains 'Dockerfile:5:1: process' 'exit code: 7'
    expect_no_sleeper
}

@test "a value that cannot be read ends what runs beside" {
    dockerfile <<DOCKER
# cbuild=1
FROM busybox AS beside
RUN sleep $FOREVER
FROM busybox
RUN --export=V=/v true
COPY --from=beside / /x
DOCKER
    build
    expect_status 1
    expect_contains 'Dockerfile:5:16: --export=V: `/v` is not there'
    expect_no_sleeper
}

@test "steps that need no value run beside the step that makes it" {
    # Each waits for the other, through a cache mount.
    dockerfile <<'DOCKER'
# cbuild=1
FROM busybox AS beside
RUN --mount=type=cache,id=meet,target=/m touch /m/beside; until [ -e /m/maker ]; do sleep 0.1; done; echo met >/beside
FROM busybox
RUN --export=V=/v --mount=type=cache,id=meet,target=/m touch /m/maker; until [ -e /m/beside ]; do sleep 0.1; done; echo met >/v
COPY --from=beside /beside /beside-$V
DOCKER
    build_ok
    in_image cat /beside-met
    expect_output met
}

@test "of a stage that the target does not need nothing is run or read" {
    dockerfile <<'DOCKER'
# cbuild=1
FROM busybox AS wanted
RUN --export=V=/v echo w >/v
LABEL v=$V
FROM busybox
RUN --export=V=/none true
DOCKER
    build_ok --target wanted
    expect_lacks /none
    [ "$(config .Labels.v)" = '"w"' ]
}

@test "two targets share the step, and each is made with its value" {
    dockerfile <<'DOCKER'
# cbuild=1
FROM busybox AS base
RUN --export=V=/v cat /proc/sys/kernel/random/uuid >/v
FROM base AS a
LABEL v=$V
FROM base AS b
RUN echo "$V" >/b
DOCKER
    run "$CBUILD" build --progress=plain --target a -t img:a --target b -t img:b "$DIR"
    expect_status 0
    [ "$(printf '%s\n' "$output" | grep -c '^#[0-9]* \[base 2/2\].*uuid')" = 1 ]
    value=$("$CBUILD" inspect img:a | jq -r '.[0].Config.Labels.v')
    run "$CBUILD" run --rm --network none img:b cat /v /b
    expect_output "$value
$value"
}

@test "each platform has its value" {
    dockerfile <<'DOCKER'
# cbuild=1
FROM --platform=$BUILDPLATFORM busybox AS made
ARG TARGETARCH
RUN --export=V=/v echo "for $TARGETARCH" >/v
FROM made AS named
RUN echo "$V" >/named
FROM scratch
COPY --from=named /named /
DOCKER
    run "$CBUILD" build --progress=plain --platform linux/amd64,linux/arm64 -o "type=local,dest=$BATS_TEST_TMPDIR/out" "$DIR"
    expect_status 0
    [ "$(cat "$BATS_TEST_TMPDIR/out/linux_amd64/named")" = "for amd64" ]
    [ "$(cat "$BATS_TEST_TMPDIR/out/linux_arm64/named")" = "for arm64" ]
}

@test "from a registry's cache the value comes with the step's files, and nothing runs" {
    start_registry
    dockerfile <<'DOCKER'
# cbuild=1
FROM busybox
RUN --export=V=/v cat /proc/sys/kernel/random/uuid >/v
RUN echo "$V" >/seen
LABEL v=$V
DOCKER
    build_ok --cache-to "type=registry,ref=$REGISTRY/cache:x,mode=max"
    value=$(config .Labels.v)
    rm -rf --one-file-system "$STORE-other"
    "$CBUILD" save busybox:latest | "$CBUILD" --root "$STORE-other" load >/dev/null
    CBUILD_ROOT=$STORE-other build_ok --cache-from "$REGISTRY/cache:x"
    [ "$(steps_run)" = 0 ]
    [ "$(CBUILD_ROOT=$STORE-other config .Labels.v)" = "$value" ]
    rm -rf --one-file-system "$STORE-other"
    "$CBUILD" save busybox:latest | "$CBUILD" --root "$STORE-other" load >/dev/null
    run "$CBUILD" --root "$STORE-other" build --progress=plain --cache-from "$REGISTRY/cache:x" --push -t "$REGISTRY/pushed:1" "$DIR"
    expect_status 0
    [ "$(steps_run)" = 0 ]
}

@test "where nothing runs the variable stays as it is written" {
    dockerfile <<'DOCKER'
# cbuild=1
FROM busybox
RUN --export=V=/v touch /never-run; exit 1
EXPOSE $V
WORKDIR /w/$V
RUN --if='$V = other' echo "$V"
COPY $V /v
DOCKER
    for how in "build --check" "build --call=outline" "build --call=targets" "graph"; do
        # shellcheck disable=SC2086
        cbuild $how "$DIR"
        [ "$status" -eq 0 ] || { echo "$how: $output"; false; }
    done
    sed 's/busybox/scratch/' "$DIR/Dockerfile" >"$DIR/scratch"
    cbuild lock -f "$DIR/scratch" "$DIR"
    expect_status 0
    cbuild lint "$DIR"
    expect_status 1
    expect_contains LatestBaseImage
    expect_lacks error
    expect_lacks Undefined
    cbuild graph "$DIR"
    expect_contains 'WORKDIR /w/$V' 'COPY $V /v' 'RUN --if='
    run bash -c "'$CBUILD' parse --expand '$DIR/Dockerfile' | jq -c '[.stages[0].instructions[] | select(.name == \"WORKDIR\") | .arguments[0].value]'"
    expect_output '["/w/$V"]'
}

@test "explain tells of a value that changed" {
    printf '# cbuild=1\nFROM busybox\nARG IN=1\nRUN --export=V=/v echo "$IN" >/v\nFROM busybox\nCOPY --from=0 /v /v\n' >"$DIR/Dockerfile"
    build_ok
    printf '# cbuild=1\nFROM busybox AS v\nARG IN=1\nRUN --export=V=/v echo "$IN" >/v\nRUN echo "used $V"\n' >"$DIR/Dockerfile"
    build_ok
    build_ok --build-arg IN=2
    cbuild explain
    expect_contains 'ARG IN 1→2'
}
