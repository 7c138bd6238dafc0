#!/usr/bin/env bats
# RUN --mount=type=ssh and --ssh: an agent for one step, from a socket or from key files.
load helpers

setup_file() {
    local key=$CB_WORK/ssh-keys
    for program in ssh-agent ssh-add ssh-keygen; do
        command -v "$program" >/dev/null || skip "no $program"
    done
    cb_store
    rm -rf "$key"
    mkdir -p "$key"
    ssh-keygen -q -t ed25519 -N '' -C first-key -f "$key/first"
    ssh-keygen -q -t ecdsa -N '' -C second-key -f "$key/second"
    ssh-keygen -q -t ed25519 -N 'open sesame' -C locked-key -f "$key/locked"
    ssh-keygen -q -t rsa -b 2048 -m PEM -N 'open sesame' -f "$key/locked-pem"
    export KEYS=$key
    eval "$(ssh-agent -a "$key/socket")" >/dev/null
    ssh-add -q "$key/first"
    export SSH_AUTH_SOCK SSH_AGENT_PID
}
teardown_file() {
    [ -z "${SSH_AGENT_PID:-}" ] || kill "$SSH_AGENT_PID"
    rm -rf "$CB_WORK/ssh-keys"
    cb_drop_store
}

# The context has ssh-add and ssh-keygen with the libraries they need: clients for a step of any image.
setup() {
    cb_dir
    local program library
    mkdir "$DIR/ssh"
    for program in ssh-add ssh-keygen; do
        cp "$(command -v "$program")" "$DIR/ssh/"
        for library in $(ldd "$(command -v "$program")" | grep -o '/[^ ]*'); do
            cp -L "$library" "$DIR/ssh/"
        done
    done
    (cd "$DIR/ssh" && ln -s ld-linux* ld)
}
# A Dockerfile with this RUN, flags and all; $ADD is ssh-add in there.
step() {
    printf 'FROM busybox\nARG ADD="/ssh/ld --library-path /ssh /ssh/ssh-add"\nRUN --mount=source=ssh,target=/ssh %s\n' "$1" >"$DIR/Dockerfile"
}
# The agents of this file's builds: they stand in its store.
agents() {
    local pid
    for pid in $(pgrep -f 'ssh-agent -D -a agent'); do
        case $(readlink "/proc/$pid/cwd") in "$STORE"/*) echo "$pid" ;; esac
    done
}
# No agent of ours is left behind.
no_agent_left() {
    [ -z "$(agents)" ]
}

@test "a step lists and uses the keys of the user's agent, and the next one cannot" {
    step '--mount=type=ssh $ADD -l > /keys; echo "$SSH_AUTH_SOCK" > /where; stat -c "%a %u:%g" "$SSH_AUTH_SOCK" > /mode'
    echo 'RUN [ -z "$SSH_AUTH_SOCK" ] && [ ! -e /run/buildkit ] && touch /gone' >>"$DIR/Dockerfile"
    build_ok --ssh default
    in_image cat /keys /where /mode
    expect_contains "$(ssh-add -l)" /run/buildkit/ssh_agent.0 '600 0:0'
    in_image ls /gone
    [ -S "$SSH_AUTH_SOCK" ]
    run ls -A "$STORE/tmp"
    expect_output ''
}

@test "a step signs with a key it cannot read" {
    cp "$KEYS/first.pub" "$DIR/ssh/"
    step '--mount=type=ssh echo text > /text && /ssh/ld --library-path /ssh /ssh/ssh-keygen -Y sign -U -n test -f /ssh/first.pub /text'
    build_ok --ssh default="$SSH_AUTH_SOCK"
    "$CBUILD" run --rm --network none img cat /text.sig >"$BATS_TEST_TMPDIR/sig"
    echo text | ssh-keygen -Y check-novalidate -n test -s "$BATS_TEST_TMPDIR/sig"
}

@test "a step cannot change the agent: neither remove keys nor lock it nor add one" {
    cp "$KEYS/second" "$DIR/ssh/"
    step '--mount=type=ssh $ADD -D; chmod 600 /ssh/second; $ADD - < /ssh/second; $ADD -l > /keys'
    before=$(ssh-add -l)
    build_ok --ssh default
    in_image cat /keys
    expect_output "$before"
    [ "$(ssh-add -l)" = "$before" ]
}

@test "key files get an agent of their own, which is gone afterwards" {
    chmod 644 "$KEYS/second"
    step '--mount=type=ssh,id=deploy $ADD -l > /keys'
    build_ok --ssh "deploy=$KEYS/first,$KEYS/second"
    in_image cat /keys
    expect_contains first-key second-key
    no_agent_left
    step '--mount=type=ssh,id=deploy $ADD -l; exit 3'
    build --ssh "deploy=$KEYS/second"
    expect_status 1
    expect_contains second-key
    no_agent_left
    run ls -A "$STORE/tmp"
    expect_output ''
}

@test "an agent for keys ends when the build is killed" {
    step '--mount=type=ssh $ADD -l > /dev/null; sleep '"$FOREVER"
    "$CBUILD" build --progress=quiet --ssh "default=$KEYS/first" "$DIR" &
    pid=$!
    wait_until pgrep -f "sleep $FOREVER"
    [ -n "$(agents)" ]
    kill -9 "$pid"
    wait_until no_agent_left
}

@test "target, mode, uid and gid of the socket; two agents in one step" {
    step '--mount=type=ssh,id=a,target=sock/a,mode=0666,uid=7,gid=8 --mount=type=ssh,id=b SSH_AUTH_SOCK=/w/sock/a; stat -c "%a %u:%g" /w/sock/a > /mode; $ADD -l > /a; SSH_AUTH_SOCK=/run/buildkit/ssh_agent.1 $ADD -l > /b'
    sed -i '2i WORKDIR /w' "$DIR/Dockerfile"
    build_ok --ssh "a=$KEYS/first" --ssh "b=$KEYS/second"
    in_image cat /mode /a /b
    expect_contains '666 7:8' first-key second-key
    in_image sh -c 'ls -A /w; echo end'
    expect_output end
}

@test "a user who is not root talks to the agent through uid=" {
    step '--mount=type=ssh,uid=33 $ADD -l > /tmp/keys; wc -l < /tmp/keys > /tmp/n'
    sed -i '2i USER 33' "$DIR/Dockerfile"
    build_ok --ssh default
    in_image cat /tmp/keys
    expect_contains first-key
}

@test "without --ssh an optional mount is left out, a required one is an error" {
    step '--mount=type=ssh [ ! -e "$SSH_AUTH_SOCK" ] && touch /left-out'
    build_ok
    in_image ls /left-out
    step '--mount=type=ssh,required=true true'
    build
    expect_status 1
    expect_contains 'Dockerfile:3' 'no SSH key `default` is forwarded' '--ssh default'
    step '--mount=type=ssh,id=other,required true'
    build --ssh default
    expect_status 1
    expect_contains '`other`' '--ssh other'
}

@test "which agent it is does not matter to the cache" {
    step '--mount=type=ssh $ADD -l > /keys'
    build_ok --ssh default --build-arg UNIQUE=1
    build_ok --ssh "default=$KEYS/second"
    [ "$(steps_run)" = 0 ]
}

@test "what cannot be an agent is named before any work" {
    step '--mount=type=ssh true'
    build --ssh "default=$KEYS/locked"
    expect_status 1
    expect_contains '"--ssh"' "$KEYS/locked" 'has a passphrase' 'ssh-add'
    build --ssh "default=$KEYS/locked-pem"
    expect_status 1
    expect_contains 'has a passphrase'
    build --ssh "default=$KEYS/absent"
    expect_status 1
    expect_contains "$KEYS/absent" 'no such file'
    build --ssh "default=$KEYS/first.pub"
    expect_status 1
    expect_contains 'neither a private key nor a socket'
    build --ssh "default=$SSH_AUTH_SOCK,$KEYS/first"
    expect_status 1
    expect_contains 'cannot go together'
    build --ssh default --ssh default
    expect_status 1
    expect_contains 'given twice'
    SSH_AUTH_SOCK='' build --ssh default
    expect_status 1
    expect_contains 'SSH_AUTH_SOCK is not set'
    (umask 077; echo '-----BEGIN OPENSSH PRIVATE KEY-----' >"$BATS_TEST_TMPDIR/broken")
    printf 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END OPENSSH PRIVATE KEY-----\n' >>"$BATS_TEST_TMPDIR/broken"
    build --no-cache --ssh "default=$BATS_TEST_TMPDIR/broken"
    expect_status 1
    expect_contains "$BATS_TEST_TMPDIR/broken" 'cannot be used'
    no_agent_left
    printf 'FROM busybox\nRUN --mount=type=ssh,source=x true\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'ssh does not support source'
}
