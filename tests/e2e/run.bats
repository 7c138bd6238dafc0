#!/usr/bin/env bats
# cbuild run in the foreground.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

@test "the exit status is the container's, or 125, 126, 127" {
    cbuild run --rm --network none busybox sh -c 'exit 7'
    expect_status 7
    cbuild run --rm --network none busybox sh -c 'kill -TERM $$; sleep 1; exit 3'
    expect_status 3
    cbuild run --rm --network none busybox nosuch
    expect_status 127
    expect_contains nosuch
    cbuild run --rm --network none busybox /etc
    expect_status 126
    cbuild run --rm --no-such-flag busybox
    expect_status 125
    cbuild run --rm --pull never nosuchimage
    expect_status 125
    cbuild run --rm Nosuch:a:b
    expect_status 125
    expect_contains 'invalid reference format'
    expect_lacks 'Unable to find image'
    cbuild run --log-driver none --log-opt max-size=1m --network none busybox true
    expect_status 125
    expect_contains 'invalid logging opts for driver none'
    cbuild run --log-opt max-size --network none busybox true
    expect_status 125
    expect_contains 'max-size: invalid size'
    cbuild run --log-opt max-file --network none busybox true
    expect_status 125
    expect_contains 'invalid value for max-file: '
}

@test "an image is run by how its id begins" {
    local id
    id=$("$CBUILD" images -q busybox)
    for text in "$id" "${id:0:5}" "sha256:$id"; do
        cbuild run --rm --network none "$text" echo ok
        expect_output ok
    done
}

@test "standard streams are the container's" {
    run bash -c 'echo in | "$CBUILD" run --rm -i --network none busybox cat'
    expect_output in
    run bash -c 'echo in | "$CBUILD" run --rm --network none busybox cat'
    expect_output ''
    run bash -c '"$CBUILD" run --rm --network none busybox sh -c "echo out; echo err >&2" 2>/dev/null'
    expect_output out
}

# bats test_tags=root
@test "--oom-kill-disable without a limit of memory is warned of" {
    cbuild create --oom-kill-disable --name unlimited busybox
    expect_status 0
    expect_contains "Disabling the OOM killer on containers without setting a '-m/--memory' limit may be dangerous."
    cbuild create --oom-kill-disable -m 64m --name limited busybox
    expect_status 0
    expect_lacks dangerous
    "$CBUILD" rm limited unlimited
}

@test "environment, working directory, user, host name" {
    cbuild run --rm --network none -e A=b -w /made/here -u 12:34 -h box busybox sh -c 'echo $A $(pwd) $(id -u):$(id -g) $(hostname) $(cat /etc/hostname)'
    expect_output 'b /made/here 12:34 box box'
    # half of it is what a variable without a value leaves: nobody becomes root by accident
    cbuild run --rm --network none -u :5 busybox id
    expect_status 125
    expect_contains 'user `:5` has no name before the colon'
    cbuild run --rm --network none -u 5: busybox id
    expect_status 125
    expect_contains 'user `5:` has no valid group'
    FROM_HERE=yes cbuild run --rm --network none -e FROM_HERE busybox sh -c 'echo $FROM_HERE'
    expect_output yes
}

@test "--entrypoint replaces and drops the image's command" {
    printf 'FROM busybox\nENTRYPOINT ["/bin/echo", "image"]\nCMD ["cmd"]\n' >"$DIR/Dockerfile"
    "$CBUILD" build -q -t img "$DIR" >/dev/null 2>&1
    cbuild run --rm --network none img
    expect_output 'image cmd'
    cbuild run --rm --network none img other
    expect_output 'image other'
    cbuild run --rm --network none --entrypoint /bin/echo img
    expect_output ''
    cbuild run --rm --network none --entrypoint /bin/echo img x
    expect_output x
}

@test "-v mounts the host's directories, :ro read-only" {
    mkdir "$BATS_TEST_TMPDIR/v"
    echo host >"$BATS_TEST_TMPDIR/v/file"
    cbuild run --rm --network none -v "$BATS_TEST_TMPDIR/v:/v" busybox sh -c 'cat /v/file; echo new > /v/new'
    expect_output host
    [ "$(cat "$BATS_TEST_TMPDIR/v/new")" = new ]
    cbuild run --rm --network none -v "$BATS_TEST_TMPDIR/v:/v:ro" busybox touch /v/x
    expect_status 1
    expect_contains 'Read-only file system'
}

@test "-it gives a terminal of the right size" {
    on_terminal 33x99 'send:typed\n' -- "$CBUILD" run --rm -it --network none busybox sh -c 'read x; tty; stty size; echo got $x; exit 5'
    expect_status 5
    expect_contains '/dev/pts/0' '33 99' 'got typed'
}

@test "containers do not see each other's files, and leave none" {
    "$CBUILD" run --rm --network none busybox touch /left
    cbuild run --rm --network none busybox ls /left
    expect_status 1
    fsck_clean
}

@test "the bridge network reaches the host's neighbours but not its loopback" {
    cbuild run --rm busybox sh -c 'ip -o -4 addr show | grep -v " lo " | wc -l; ip route | grep -c default'
    expect_output "$(printf '1\n1')"
    before=$(host_state)
    "$CBUILD" run --rm busybox true
    expect_host_state "$before"
}

@test "signals are passed on" {
    "$CBUILD" run --rm --network none busybox sh -c 'trap "echo caught; exit 9" TERM; echo ready; while :; do sleep 0.1; done' >"$BATS_TEST_TMPDIR/log" 2>&1 &
    pid=$!
    wait_until grep -q ready "$BATS_TEST_TMPDIR/log"
    kill -TERM "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 9 ]
    grep -q caught "$BATS_TEST_TMPDIR/log"
}
