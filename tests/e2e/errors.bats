#!/usr/bin/env bats
# Bad input: what, where, what to try, the exit status, and nothing left behind.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }
teardown() { unmount_below "$BATS_TEST_TMPDIR"; }

@test "no Dockerfile" {
    build
    expect_status 1
    expect_contains 'Dockerfile' 'no such file'
    build --file nosuch
    expect_status 1
    expect_contains 'open nosuch: no such file' 'hint: -f, --file is relative to the current directory'
}

@test "an empty Dockerfile, one with comments only, one without FROM" {
    : >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'cannot be empty'
    echo '# nothing' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'no instructions'
    echo 'ARG x=1' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'no stages to build'
}

@test "an unknown instruction: place, caret and suggestion" {
    printf 'FROM busybox\nRUNN echo\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:2:1: ' 'unknown instruction: RUNN' 'did you mean RUN?' '^~~~'
}

@test "several mistakes are reported in one go" {
    printf 'FROM busybox\nRUNN echo\nCOPPY a b\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:2:1' 'Dockerfile:3:1'
}

@test "an unterminated heredoc" {
    printf 'FROM busybox\nRUN <<EOF\necho\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:2' 'unterminated heredoc'
}

@test "a stage that does not exist" {
    printf 'FROM busybox AS builder\nRUN true\nFROM scratch\nCOPY --from=bulder /x /x\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:4' 'bulder' 'builder'
    build --target nosuch
    expect_status 1
    expect_contains 'nosuch'
}

@test "a base image that cannot be found" {
    printf 'FROM 127.0.0.1:1/none:x\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:1' '127.0.0.1:1/none'
}

@test "what the text alone tells is told before a registry is asked" {
    dockerfile <<'END'
FROM 127.0.0.1:1/none:x AS base
ENV PORT=${FROM_BASE:?unset}
EXPOSE $PORT $OF_THE_BASE
RUN --mount=type=cache true
EXPOSE 99999
FROM base
LABEL a=${b
END
    build
    expect_status 1
    expect_contains 'Dockerfile:4:13: --mount needs a target' 'Dockerfile:5:8: invalid port' "Dockerfile:7:9: failed to process"
    expect_lacks 'load metadata'
    expect_lacks 'FROM_BASE: unset'
    expect_lacks Dockerfile:3
}

@test "an image that is not here hides no other mistake" {
    printf 'FROM nosuch\nCOPY --from=none2 / /\nEXPOSE x\n' >"$DIR/Dockerfile"
    build --pull=never
    expect_status 1
    expect_contains 'Dockerfile:1:6: ' 'Dockerfile:2:13: ' 'Dockerfile:3:8: '
}

@test "images that cannot be had are all named, in the order of the file" {
    printf 'FROM 127.0.0.1:1/one\nCOPY --from=127.0.0.1:1/two / /\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    [ "$(printf '%s\n' "$output" | grep -o '^Dockerfile:[0-9]*')" = $'Dockerfile:1\nDockerfile:2' ]
}

@test "mistakes in words are told beside those in the text, in the order of the file" {
    printf 'FROM busybox\nEXPOSE x\nRUNN y\nENV A=${B:?unset} C="$D\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    [ "$(printf '%s\n' "$output" | grep -o '^Dockerfile:[0-9]*')" = $'Dockerfile:2\nDockerfile:3' ]
    printf 'FROM busybox\nRUNN y\nENV A=$B C="$D\n' >"$DIR/Dockerfile"
    cbuild parse --expand "$DIR/Dockerfile"
    expect_status 1
    expect_contains 'Dockerfile:2:1: unknown instruction' 'Dockerfile:3:12: failed to process'
}

@test "a heredoc that fails is shown once" {
    dockerfile <<'END'
FROM busybox
RUN <<EOF
echo before
exit 4 # the line that fails
EOF
END
    build
    expect_status 1
    expect_contains 'process "/bin/sh -c echo before..." did not complete successfully: exit code: 4'
    [ "$(printf '%s\n' "$output" | grep -c 'the line that fails')" -eq 1 ]
}

@test "a shell that is not there is told from a command" {
    printf 'FROM scratch\nRUN echo\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'exec: "/bin/sh": stat /bin/sh: no such file or directory' 'hint: the shell form of a command needs a shell'
    printf 'FROM busybox\nRUN ["nosuch", "x"]\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'exec: "nosuch": executable file not found in $PATH'
    expect_lacks 'in $PATH:'
    expect_lacks hint
}

@test "a RUN that fails shows its output, its line and its status" {
    printf 'FROM busybox\nRUN echo before; echo problem >&2; exit 42\n' >"$DIR/Dockerfile"
    before=$(host_state)
    build -t nosuchimg
    expect_status 1
    expect_contains problem 'Dockerfile:2:' 'exit code: 42'
    expect_host_state "$before"
    run "$CBUILD" inspect nosuchimg
    expect_status 1
}

@test "a RUN that is killed names the signal" {
    printf 'FROM busybox\nRUN sh -c "kill -9 \\$\\$"; exit 9\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    printf 'FROM busybox\nRUN ["/bin/sh", "-c", "ulimit -t 1; while :; do :; done"]\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:2:' SIG
}

@test "a command that does not exist" {
    printf 'FROM busybox\nRUN ["/no/such/program"]\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:2:' '/no/such/program'
}

@test "a Dockerfile that is a FIFO or a link out of the context" {
    mkfifo "$DIR/Dockerfile"
    build
    expect_status 1
    rm "$DIR/Dockerfile"
    ln -s /etc/shadow "$DIR/Dockerfile"
    build
    expect_status 1
    expect_lacks root:
}

@test "names that are no names" {
    printf 'FROM busybox\n' >"$DIR/Dockerfile"
    run "$CBUILD" build -t UPPER "$DIR"
    expect_status 125
    expect_contains 'invalid argument "UPPER"' 'must be lowercase'
    for name in sha256:abc "a@sha256:$(printf 'a%.0s' {1..64})"; do
        run "$CBUILD" build -t "$name" "$DIR"
        expect_status 1 # docker's command line takes it, its builder does not
        expect_contains "invalid argument \"$name\"" 'refusing to create a'
    done
}

@test "unknown options and wrong values name the option" {
    run "$CBUILD" build --no-cahe .
    expect_status 125
    expect_contains 'unknown flag: --no-cahe' '--no-cache'
    cbuild run --enviroment A=b busybox true
    expect_status 125
    expect_contains 'unknown flag: --enviroment' 'did you mean --env?'
    cbuild logs --foll name
    expect_contains 'did you mean --follow?'
    printf 'FROM busybox\n' >"$DIR/Dockerfile"
    run "$CBUILD" build --network=moon "$DIR"
    expect_status 1
    expect_contains 'network'
    run "$CBUILD" build
    expect_status 1
    expect_contains 'requires exactly 1 argument'
}

@test "slips in the names of commands and options lead to what was meant" {
    local words meant
    while IFS='|' read -r words meant; do
        # shellcheck disable=SC2086 # words
        run "$CBUILD" $words
        [ "$status" -ne 0 ]
        expect_contains "hint: did you mean $meant?"
    done <<'EOF'
--hlep|--help
build --hlpe|--help
images --rot x|--root
bulid|`cbuild build`
puhs|`cbuild push`
image lss|`cbuild image ls`
ps --lats|--last
EOF
    # What is far from all of them is like none.
    for words in foo 'run --port 80 busybox'; do
        # shellcheck disable=SC2086 # words
        run "$CBUILD" $words
        expect_contains 'hint: see `cbuild '
        expect_lacks 'did you mean'
    done
}

@test "after 20 mistakes the last says so, also when it has a hint of its own" {
    { printf 'FROM busybox
'; yes 'COPY --chmod=999 a b' | head -n 30; } >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'hint: or symbolic, as u=rwX,go=rX; after 20 mistakes the rest is not looked at'
    expect_lacks 'Dockerfile:22:'
}

@test "what is not supported yet is refused with its place" {
    printf 'FROM busybox\nRUN --security=insecure true\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:2:' insecure
    printf 'FROM busybox\nRUN --mount=type=nosuch true\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:2:' nosuch
}

@test "control characters of a step do not reach the terminal" {
    printf 'FROM busybox\nRUN printf "\\033]0;title\\007" && exit 1\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains '\x1b'
    expect_lacks $'\033'
}

@test "Ctrl-C ends a build at once and leaves nothing" {
    printf 'FROM busybox\nRUN echo started; sleep 1000\n' >"$DIR/Dockerfile"
    before=$(host_state)
    # not a background job of the shell itself: those ignore SIGINT
    python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])' \
        "$CBUILD" build --progress=plain --network=none "$DIR" >"$BATS_TEST_TMPDIR/log" 2>&1 &
    pid=$!
    wait_until grep -q ' started$' "$BATS_TEST_TMPDIR/log"
    kill -INT "$pid"
    status=0
    wait "$pid" || status=$?
    expect_status 130
    expect_host_state "$before"
    fsck_clean
}

@test "a killed build leaves no process, no mount and a sound store" {
    printf 'FROM busybox\nRUN echo started; sleep %s\n' "$FOREVER" >"$DIR/Dockerfile"
    before=$(host_state)
    "$CBUILD" build --progress=plain --network=none "$DIR" >"$BATS_TEST_TMPDIR/log" 2>&1 &
    pid=$!
    wait_until grep -q ' started$' "$BATS_TEST_TMPDIR/log"
    kill -KILL "$pid"
    wait "$pid" || true
    wait_until not pgrep -f "sleep $FOREVER"
    printf 'FROM busybox\nRUN true\n' >"$DIR/Dockerfile"
    build_ok --network=none
    expect_host_state "$before"
    fsck_clean
}

@test "a full disk is an error, not a broken store" {
    image=$BATS_TEST_TMPDIR/disk.img
    mnt=$BATS_TEST_TMPDIR/mnt
    truncate -s 60M "$image"
    mkfs.ext4 -q -F "$image"
    mkdir "$mnt"
    mount -o loop "$image" "$mnt"
    full() {
        CBUILD_ROOT=$mnt/store "$CBUILD" "$@"
    }
    full import "$CB_BASES/busybox.tar" busybox >/dev/null
    printf 'FROM busybox\nRUN dd if=/dev/zero of=/big bs=1M count=100\n' >"$DIR/Dockerfile"
    run full build --progress=plain --network=none "$DIR"
    failed=$status
    text=$output
    run full fsck --deep
    sound=$status
    printf 'FROM busybox\nRUN echo small > /small\n' >"$DIR/Dockerfile"
    run full build --progress=plain --network=none "$DIR"
    again=$status
    umount "$mnt"
    [ "$failed" -eq 1 ]
    output=$text
    expect_contains 'No space left on device'
    [ "$sound" -eq 0 ]
    [ "$again" -eq 0 ]
}

@test "below chroot(2), where no mount namespace can be made private, the way out is told" {
    root=$BATS_TEST_TMPDIR/root
    mkdir -p "$root/proc"
    cp --parents -L "$CBUILD" $(ldd "$CBUILD" | grep -o '/[^ )]*') "$root"
    "$CBUILD" --root "$root/store" import "$CB_BASES/busybox.tar" busybox
    mount -t proc proc "$root/proc"
    run chroot "$root" "$CBUILD" --root /store run --rm --network none busybox true
    umount "$root/proc"
    expect_status 125
    expect_contains 'new mount namespace: ' 'hint: the root directory is no mount point'
}
