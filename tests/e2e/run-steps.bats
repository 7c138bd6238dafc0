#!/usr/bin/env bats
# RUN: mounts, secrets, networks, and what a step sees and may do.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

@test "cache mounts are kept between builds and stay out of the image" {
    dockerfile <<'END'
FROM busybox
ARG N
RUN --mount=type=cache,target=/cache echo $N >> /cache/log; cp /cache/log /log
END
    build_ok --build-arg N=1
    build_ok --build-arg N=2
    in_image cat /log
    expect_output "$(printf '1\n2')"
    in_image sh -c 'ls -d /cache 2>/dev/null || echo absent'
    expect_output absent
}

@test "bind mounts: from the context, a stage and an image; read-only unless rw, and rw is discarded" {
    echo context >"$DIR/file"
    dockerfile <<'END'
FROM busybox AS src
RUN echo stage > /staged
FROM busybox
RUN --mount=type=bind,source=file,target=/in/file cat /in/file > /a
RUN --mount=from=src,source=/staged,target=/s cat /s > /b
RUN --mount=from=busybox,target=/img ls /img/bin/busybox > /c
RUN --mount=from=src,target=/s touch /s/x 2>&1 | grep -o 'Read-only file system' > /d
RUN --mount=from=src,target=/s,rw touch /s/x && [ -e /s/x ] && echo written > /e
RUN --mount=from=src,target=/s [ ! -e /s/x ] && echo discarded > /f
END
    build_ok
    in_image cat /a /b /c /d /e /f
    expect_output 'context
stage
/img/bin/busybox
Read-only file system
written
discarded'
}

@test "tmpfs mounts" {
    dockerfile <<'END'
FROM busybox
RUN --mount=type=tmpfs,target=/t,size=1m echo x > /t/x; dd if=/dev/zero of=/t/big bs=1M count=2 2>&1 | grep -o 'No space' > /full
END
    build_ok
    in_image sh -c 'cat /full; ls -d /t 2>/dev/null || echo absent'
    expect_output "$(printf 'No space\nabsent')"
}

@test "secrets: given to their step alone, nowhere on disk afterwards" {
    secret=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
    printf '%s' "$secret" >"$BATS_TEST_TMPDIR/secret"
    dockerfile <<'END'
FROM busybox
RUN --mount=type=secret,id=token sha256sum < /run/secrets/token > /sum && stat -c %a /run/secrets/token > /mode
RUN --mount=type=secret,id=token,env=TOKEN [ -n "$TOKEN" ]
RUN [ ! -e /run/secrets/token ]
RUN --mount=type=secret,id=other true
END
    build_ok --secret "id=token,src=$BATS_TEST_TMPDIR/secret"
    in_image cat /mode
    expect_output 400
    in_image cat /sum
    expect_contains "$(sha256sum <"$BATS_TEST_TMPDIR/secret" | cut -d' ' -f1)"
    run grep -r -l -- "$secret" "$STORE"
    expect_output ''
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/img.tar" img
    run grep -c -- "$secret" "$BATS_TEST_TMPDIR/img.tar"
    expect_output 0
}

@test "a secret that is required but not given fails, another value does not change the key" {
    printf 'FROM busybox\nRUN --mount=type=secret,id=t,required true\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:2:' 't' 'not'
    echo one >"$BATS_TEST_TMPDIR/s"
    build_ok --secret "id=t,src=$BATS_TEST_TMPDIR/s"
    echo two >"$BATS_TEST_TMPDIR/s"
    build_ok --secret "id=t,src=$BATS_TEST_TMPDIR/s"
    [ "$(steps_run)" = 0 ]
}

@test "networks: none has only lo, host sees the host's, default is private" {
    listener=$(free_port)
    python3 -m http.server --bind 127.0.0.1 "$listener" >/dev/null 2>&1 &
    server=$!
    wait_until python3 -c "import socket; socket.create_connection(('127.0.0.1', $listener))"
    dockerfile <<END
FROM busybox
RUN --network=none ls /sys/class/net > /none; echo up: $(($(cat /sys/class/net/lo/flags) & 1)) >> /none
RUN timeout 2 wget -q -O /dev/null http://127.0.0.1:$listener/ && echo reached > /default || echo refused > /default
END
    build
    kill "$server"
    expect_status 0
    in_image cat /none /default
    expect_output "$(printf 'lo\nup: 1\nrefused')"
}

@test "--network=host of a step needs a grant" {
    printf 'FROM busybox\nRUN --network=host true\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'network.host'
    build_ok --allow network.host
}

@test "--add-host reaches /etc/hosts of the step and not the image" {
    printf 'FROM busybox\nRUN grep example.test /etc/hosts > /seen\n' >"$DIR/Dockerfile"
    build_ok --add-host example.test:10.1.2.3
    in_image cat /seen
    expect_contains 10.1.2.3 example.test
}

@test "what a step adds to run leaves no trace: an empty step is an empty layer" {
    printf 'FROM scratch\nCOPY --from=busybox /bin/busybox /bin/busybox\nRUN ["/bin/busybox", "true"]\n' >"$DIR/Dockerfile"
    build_ok
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/img.tar" img
    mkdir "$BATS_TEST_TMPDIR/x"
    tar -C "$BATS_TEST_TMPDIR/x" -xf "$BATS_TEST_TMPDIR/img.tar"
    last=$(jq -r '.[0].Layers[-1]' "$BATS_TEST_TMPDIR/x/manifest.json")
    run tar -tf "$BATS_TEST_TMPDIR/x/$last"
    expect_output ''
}

@test "what is renamed is whole in its new place and deleted in the old one" {
    printf 'FROM busybox\nRUN mkdir -p /old/in && echo 1 >/old/in/f && ln /old/in/f /old/in/hard\nRUN mv /old /new\n' >"$DIR/Dockerfile"
    build_ok
    in_image sh -c '[ ! -e /old ] && cat /new/in/f && [ /new/in/f -ef /new/in/hard ] && echo linked'
    expect_output $'1\nlinked'
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/img.tar" img
    mkdir "$BATS_TEST_TMPDIR/x"
    tar -C "$BATS_TEST_TMPDIR/x" -xf "$BATS_TEST_TMPDIR/img.tar"
    last=$(jq -r '.[0].Layers[-1]' "$BATS_TEST_TMPDIR/x/manifest.json")
    run tar -tf "$BATS_TEST_TMPDIR/x/$last"
    [ "$(sort <<<"$output")" = '.wh.old
new/
new/in/
new/in/f
new/in/hard' ]
}

# bats test_tags=root
@test "the step's limits are docker's: capabilities, devices, read-only kernel files" {
    dockerfile <<'END'
FROM busybox
RUN grep CapEff /proc/self/status > /caps; \
    ls /dev | sort | tr '\n' ' ' > /dev-list; \
    (echo 1 > /proc/sys/kernel/panic) 2>&1 | grep -o 'Read-only.*' > /sysctl; \
    mknod /disk b 8 0 2>/dev/null; (head -c1 /disk) 2>&1 | grep -o 'Permission denied\|Operation not permitted' | head -n1 > /disk-read; rm -f /disk; \
    mount -t tmpfs x /mnt 2>&1 | grep -o 'ermission denied\|not permitted' | head -n1 > /mount; \
    ls /proc/1/fd | wc -l > /fds; true
END
    build_ok
    in_image cat /caps /dev-list
    core= # not every kernel has one
    [ ! -e /proc/kcore ] || core='core '
    expect_output 'CapEff:	00000000a80425fb
'"$core"'fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero '
    in_image cat /sysctl
    expect_contains 'Read-only file system'
    in_image sh -c '[ -s /disk-read ] && [ -s /mount ] && echo refused'
    expect_output refused
}

@test "processes that a step leaves behind end with it" {
    printf 'FROM busybox\nRUN (sleep %s &) ; true\n' "$FOREVER" >"$DIR/Dockerfile"
    build_ok
    expect_no_sleeper
}

# Each of these processes waits, so that the shell which meets the limit is the
# only one that runs, whatever the number of processors.
@test "a step that makes processes without end meets its limit and fails" {
    dockerfile <<END
FROM busybox
RUN --network=none while :; do sleep $FOREVER & done
END
    build --network none
    expect_status 1
    expect_contains "can't fork" 'Resource temporarily unavailable' 'exit code: 2'
    expect_no_sleeper
}

@test "a fork bomb ends when the build is told to" {
    dockerfile <<END
FROM busybox
RUN --network=none f() { f | f & }; f; sleep $FOREVER
END
    "$CBUILD" build --progress=plain "$DIR" >"$BATS_TEST_TMPDIR/bomb" 2>&1 3>&- &
    pid=$!
    wait_until grep -q "can't fork" "$BATS_TEST_TMPDIR/bomb"
    kill -TERM "$pid"
    status=0
    wait "$pid" || status=$?
    expect_status 143
    expect_no_sleeper
}

@test "logs are whole, however long" {
    printf 'FROM busybox\nRUN seq 1 300000; exit 1\n' >"$DIR/Dockerfile"
    "$CBUILD" build --progress=plain "$DIR" >"$BATS_TEST_TMPDIR/log" 2>&1 || true
    run sh -c "grep -c '^#[0-9]* [0-9.]* [0-9]*\$' '$BATS_TEST_TMPDIR/log'"
    expect_output 300000
}

@test "a file of holes too large for any layer is an error, and hashing a large one ends when it is told to" {
    holes() { printf 'FROM busybox\nRUN dd if=/dev/zero of=/holes bs=1 count=0 seek=%s 2>/dev/null; echo made\n' "$1" | dockerfile; }
    holes 1099511627776
    build --network none
    expect_status 1
    expect_contains 'Dockerfile:2:1' '`holes` of 1099511627776 bytes: a layer may have 68719476736'
    holes 60000000000
    "$CBUILD" build --progress=plain --network none "$DIR" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    pid=$!
    wait_until grep -q ' made$' "$BATS_TEST_TMPDIR/out"
    kill -TERM "$pid"
    status=0
    wait "$pid" || status=$?
    expect_status 143
}
