#!/usr/bin/env bats
# RUN --mount, --security and scripts: the edges.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

# Paths in the last layer of img, one a line.
last_layer() {
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/img.tar" img
    rm -rf "$BATS_TEST_TMPDIR/x"
    mkdir "$BATS_TEST_TMPDIR/x"
    tar -C "$BATS_TEST_TMPDIR/x" -xf "$BATS_TEST_TMPDIR/img.tar"
    tar -tf "$BATS_TEST_TMPDIR/x/$(jq -r '.[0].Layers[-1]' "$BATS_TEST_TMPDIR/x/manifest.json")"
}

@test "mount points that were missing are gone afterwards, and their parents keep their time" {
    dockerfile <<'END_OF_FILE'
FROM busybox
RUN mkdir -p /old/dir && touch -d '2001-01-01 00:00:00' /old/dir /old
RUN --mount=type=tmpfs,target=/old/dir/new/er --mount=type=tmpfs,target=/fresh/a \
    --mount=type=secret,id=s,target=/old/dir/file --mount=type=cache,target=/old/cache touch /fresh/a/x /old/dir/new/er/x
END_OF_FILE
    echo x >"$BATS_TEST_TMPDIR/s"
    build_ok --secret "id=s,src=$BATS_TEST_TMPDIR/s"
    run last_layer
    expect_status 0
    expect_lacks new
    expect_lacks fresh
    expect_lacks file
    expect_lacks cache
    in_image sh -c 'find /old; stat -c %Y /old /old/dir; [ ! -e /fresh ]'
    expect_output "$(printf '/old\n/old/dir\n978307200\n978307200')"
}

@test "what a step itself puts where its mount point was stays" {
    dockerfile <<'END_OF_FILE'
FROM busybox
RUN --mount=type=tmpfs,target=/a/b mkdir /a/c && touch /a/c/f
END_OF_FILE
    build_ok
    in_image find /a
    expect_output "$(printf '/a\n/a/c\n/a/c/f')"
}

@test "a relative target is below WORKDIR; variables of the stage are expanded, in from its ARGs" {
    echo content >"$DIR/file"
    dockerfile <<'END_OF_FILE'
FROM busybox
ARG WHERE=in/here
ENV KEY=source
WORKDIR /work
RUN --mount=type=bind,source=file,target=$WHERE cat /work/in/here > /a
END_OF_FILE
    build_ok
    in_image cat /a
    expect_output content
    printf 'FROM busybox AS one\nRUN echo 1 >/f\nFROM busybox\nARG S=one\nRUN --mount=from=$S,target=/x cp /x/f /f\n' >"$DIR/Dockerfile"
    build_ok
    in_image cat /f
    expect_output 1
    sed -i 's/^ARG S/ENV S/' "$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:5' 'variable `S` of --from is not known'
}

@test "targets that would cover the sandbox are refused by name" {
    local target
    for target in / /. /a/.. /proc /proc/self /sys /sys/fs /dev; do
        printf 'FROM busybox\nRUN --mount=type=tmpfs,target=%s true\n' "$target" >"$DIR/Dockerfile"
        build
        [ "$status" -eq 1 ] || { echo "$target: $output"; return 1; }
        expect_contains target
    done
    printf 'FROM busybox\nRUN ln -s / /root-link && ln -s proc /proc-link\nRUN --mount=type=tmpfs,target=/root-link true\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'root'
    sed -i s,target=/root-link,target=/proc-link/sys, "$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains '/proc'
}

@test "a mistyped option is answered with the one that was meant" {
    local row
    for row in 'type=cahce,target=/x|cache' 'type=bind,taget=/x|target' 'type=cache,target=/x,sharing=lock|locked' \
        'type=secret,id=x,require=true|required'; do
        printf 'FROM busybox\nRUN --mount=%s true\n' "${row%|*}" >"$DIR/Dockerfile"
        build
        expect_status 1
        expect_contains 'Dockerfile:2' "did you mean ${row#*|}"
    done
    for row in type=tmpfs,target=/x,sharing=shared type=bind,target=/x,mode=0700 type=secret,id=a,source=b \
        type=cache,target=/x,required type=tmpfs,target=/x,size=lots type=tmpfs type=bind,target=/x,bind-propagation=shared \
        type=cache,target=/x,relabel=shared; do
        printf 'FROM busybox\nRUN --mount=%s true\n' "$row" >"$DIR/Dockerfile"
        build
        [ "$status" -eq 1 ] || { echo "$row: $output"; return 1; }
        expect_contains 'Dockerfile:2'
    done
}

@test "secrets: mode, uid, gid, target, as a variable, or both; read-only for the user they are for" {
    printf 'a value' >"$BATS_TEST_TMPDIR/s"
    dockerfile <<'END_OF_FILE'
FROM busybox
WORKDIR /w
RUN --mount=type=secret,id=s stat -c '%a %u:%g' /run/secrets/s > /mode
RUN --mount=type=secret,id=s,uid=5 stat -c '%a %u:%g' /run/secrets/s >> /mode
RUN --mount=type=secret,id=s,mode=0440,gid=6,target=sub/t stat -c '%a %u:%g' /w/sub/t >> /mode
RUN --mount=type=secret,source=s,target=/t cat /t >> /mode; echo >> /mode
RUN --mount=type=secret,id=s,env=V [ ! -e /run/secrets/s ] && echo "$V" >> /mode
RUN --mount=type=secret,id=s,env=V,target=/t echo "$V=$(cat /t)" >> /mode
RUN --mount=type=secret,target=/etc/deep/s cat /etc/deep/s >> /mode
ENV V=mine
RUN --mount=type=secret,id=s,env=V echo "/$V" >> /mode
RUN echo "$V" >> /mode
END_OF_FILE
    build_ok --secret "id=s,src=$BATS_TEST_TMPDIR/s"
    in_image cat /mode
    expect_output '400 0:0
400 5:0
440 0:6
a value
a value
a value=a value
a value/a value
mine'
    in_image sh -c 'ls -A /w /run; [ ! -e /etc/deep ]'
    expect_lacks secrets
}

@test "a secret's value is in no key, or with cache=key in one that nobody else can make" {
    printf 'FROM busybox\nRUN --mount=type=secret,id=s,env=S echo "$S" | md5sum >/sum\nRUN true\n' >"$DIR/Dockerfile"
    sum() { "$CBUILD" run --rm --network none img cat /sum | cut -c1-32; }
    S=one build_ok -q --secret id=s,env=S
    S=two build_ok -q --secret id=s,env=S
    [ "$(sum)" = "$(echo one | md5sum | cut -c1-32)" ]
    S=two build_ok -q --secret id=s,env=S,cache=key
    [ "$(sum)" = "$(echo two | md5sum | cut -c1-32)" ]
    [ "$(stat -c '%a %s' "$CBUILD_ROOT/machine-key")" = '600 32' ]
    S=two build --secret id=s,env=S,cache=key
    expect_contains 'CACHED'
    S=three build --explain --secret id=s,env=S,cache=key
    expect_status 0
    expect_contains 'secret `s` changed'
    [ "$(sum)" = "$(echo three | md5sum | cut -c1-32)" ]
    S=two build --check --secret id=s,env=S,cache=key
    expect_status 0
    # Neither the value nor its plain digest is anywhere in the store, and the key is in nothing that leaves it.
    run grep -rlaE "three|$(printf three | sha256sum | cut -c1-64)" "$CBUILD_ROOT"/meta.db* "$CBUILD_ROOT/journal"
    expect_output ''
    S=three build_ok -q --secret id=s,env=S,cache=key --cache-to type=local,dest="$BATS_TEST_TMPDIR/exported"
    "$CBUILD" --root "$BATS_TEST_TMPDIR/other" import "$CB_BASES/busybox.tar" busybox >/dev/null
    S=three build --root "$BATS_TEST_TMPDIR/other" --secret id=s,env=S,cache=key --cache-from type=local,src="$BATS_TEST_TMPDIR/exported"
    expect_status 0
    expect_contains '3 steps: 2 cached, 1 run' # what it makes is known by its content
    not cmp "$CBUILD_ROOT/machine-key" "$BATS_TEST_TMPDIR/other/machine-key"
    S=three build --secret id=s,env=S,cache=yes
    expect_contains 'unsupported value "yes" of cache: expected key'
}

@test "secrets: from a pipe, from the environment, by id alone; at most 500 KiB" {
    printf 'FROM busybox\nARG N\nRUN --mount=type=secret,id=S wc -c < /run/secrets/S > /n && sha256sum < /run/secrets/S > /sum\n' >"$DIR/Dockerfile"
    run bash -c '"$CBUILD" build --progress=quiet -t img --secret id=S,src=<(printf piped) "$1"' - "$DIR"
    expect_status 0
    in_image cat /n
    expect_output 5
    S=from-env build_ok --no-cache --secret id=S
    in_image cat /n
    expect_output 8
    build --no-cache --secret id=S,env=NOT_SET
    expect_status 0
    expect_contains 'secret `S`: environment variable `NOT_SET` is not set, so it is empty'
    in_image cat /n
    expect_output 0
    head -c 512000 /dev/urandom >"$BATS_TEST_TMPDIR/S"
    build_ok --no-cache --secret "id=S,src=$BATS_TEST_TMPDIR/S"
    in_image cat /n /sum
    expect_contains 512000 "$(sha256sum <"$BATS_TEST_TMPDIR/S" | cut -d' ' -f1)"
    (cd "$BATS_TEST_TMPDIR" && "$CBUILD" build --progress=quiet --no-cache -t img --secret id=S "$DIR")
    echo >>"$BATS_TEST_TMPDIR/S"
    build --secret "id=S,src=$BATS_TEST_TMPDIR/S"
    expect_status 1
    expect_contains 'secret `S`' 'larger than 512000 bytes'
    build --secret "id=S,src=$BATS_TEST_TMPDIR"
    expect_status 1
    expect_contains 'secret `S`'
}

@test "secrets: a pipe that nobody writes to is waited for until the build is cancelled" {
    printf 'FROM busybox\n' >"$DIR/Dockerfile"
    mkfifo "$BATS_TEST_TMPDIR/pipe"
    "$CBUILD" build --secret "id=s,src=$BATS_TEST_TMPDIR/pipe" "$DIR" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    pid=$!
    waits() { readlink "/proc/$pid/fd/"* | grep -q '/pipe$'; }
    wait_until waits
    kill -INT "$pid"
    status=0
    wait "$pid" || status=$?
    output=$(cat "$BATS_TEST_TMPDIR/out")
    expect_status 130
    expect_contains 'secret `s`' canceled
}

@test "secrets: a step that fails without one it mounts says which" {
    printf 'FROM busybox\nRUN --mount=type=secret,id=a --mount=type=secret,id=b [ -s /run/secrets/b ]\n' >"$DIR/Dockerfile"
    echo x >"$BATS_TEST_TMPDIR/s"
    build --secret "id=a,src=$BATS_TEST_TMPDIR/s"
    expect_status 1
    expect_contains 'exit code: 1' 'mounts the secret b, which the build was not given: --secret id=b,src=FILE'
    build_ok --secret "id=a,src=$BATS_TEST_TMPDIR/s" --secret "id=b,src=$BATS_TEST_TMPDIR/s"
    printf 'FROM busybox\nRUN --mount=type=secret,id=b false\n' >"$DIR/Dockerfile"
    build --secret "id=b,src=$BATS_TEST_TMPDIR/s"
    expect_status 1
    expect_lacks 'which the build was not given'
}

@test "a script with an interpreter of its own is a read-only file, and leaves nothing" {
    dockerfile <<'END_OF_FILE'
FROM busybox
RUN <<SCRIPT
#!/bin/cat
the text itself
SCRIPT
RUN <<"SCRIPT"
#!/bin/sh
echo "$0" > /name; stat -c %a "$0" > /mode; (echo x > "$0") 2>&1 | grep -o 'Read-only file system' >> /mode
SCRIPT
RUN [ ! -e /dev/pipes ]
END_OF_FILE
    build_ok
    expect_contains 'the text itself'
    in_image cat /name /mode
    expect_output "$(printf '/dev/pipes/SCRIPT\n755\nRead-only file system')"
}

# bats test_tags=root
@test "--security=insecure needs a grant, and has every capability, devices and writable kernel files" {
    dockerfile <<'END_OF_FILE'
FROM busybox
RUN --security=insecure grep CapEff /proc/self/status > /caps; grep Seccomp: /proc/self/status >> /caps; \
    mkdir /m; mount -t tmpfs none /m && echo mounted >> /caps; \
    mknod /tmp/n c 1 3 && echo x > /tmp/n && echo opened >> /caps; rm -f /tmp/n
RUN --security=sandbox grep CapEff /proc/self/status > /sandbox
END_OF_FILE
    build
    expect_status 1
    expect_contains 'Dockerfile:2' '--allow security.insecure'
    build_ok --allow security.insecure
    in_image cat /caps
    expect_contains "$(grep CapBnd /proc/self/status | cut -f2)" "Seccomp:	${CB_OUTER_SECCOMP:-0}" mounted opened
    in_image cat /sandbox
    expect_contains 00000000a80425fb
}

@test "how a step ended: code, signal, a command that is not there" {
    local row
    for row in 'RUN exit 42|exit code: 42' 'RUN ["/no/such"]|exec: "/no/such"' 'RUN ["nosuch"]|executable file not found in $PATH'; do
        printf 'FROM busybox\n%s\n' "${row%|*}" >"$DIR/Dockerfile"
        build
        expect_status 1
        expect_contains 'Dockerfile:2' "${row#*|}"
    done
}
