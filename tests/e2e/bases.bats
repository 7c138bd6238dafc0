#!/usr/bin/env bats
# Base images that cannot be had: what was perhaps meant.
load helpers

setup_file() {
    cb_store
    # A registry that nobody answers for.
    "$CBUILD" tag busybox 127.0.0.1:1/team/base:1.0
}
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

from() { # LINE [OPTIONS…]
    printf '%s\nLABEL a=b\n' "$1" | dockerfile
    shift
    build "$@"
    [ "$status" -ne 0 ] || { echo 'it was built'; return 1; }
}

@test "unknown base: another tag of it is in the store" {
    from 'FROM 127.0.0.1:1/team/base:2.0'
    expect_contains 'Dockerfile:1:6: ' 'hint: the store has `127.0.0.1:1/team/base:1.0`'
    from 'FROM busybox:1.99' --pull=never
    expect_contains 'hint: the store has `busybox:latest`'
}

@test "unknown base: with --pull the one in the store is named" {
    from 'FROM 127.0.0.1:1/team/base:1.0' --pull
    expect_contains 'Dockerfile:1:6: ' 'hint: `127.0.0.1:1/team/base:1.0` is in the store and is used without --pull'
}

@test "unknown base: the one in the store is of another platform" {
    from 'FROM --platform=linux/s390x busybox' --pull=never
    expect_contains 'hint: the store has `busybox:latest` for linux/'
}

@test "unknown base: a near name of the store, or one that everybody knows" {
    from 'FROM 127.0.0.1:1/team/bsae' --pull=never
    expect_contains 'hint: did you mean `127.0.0.1:1/team/base`?'
    from 'FROM debain:12' --pull=never
    expect_contains 'hint: did you mean `debian`?'
}

@test "unknown base: a stage of nearly that name" {
    from 'FROM busybox AS build
FROM biuld' --pull=never
    expect_contains 'Dockerfile:2:6: ' 'hint: did you mean stage `build`?'
    from 'FROM busybox AS build
FROM busybox
COPY --from=Biuld /x /y' --pull=never
    expect_contains 'Dockerfile:3:13: COPY --from=Biuld: no stage or image named `Biuld`' 'hint: did you mean stage `build`?'
}

@test "unknown base: a named context of nearly that name" {
    mkdir -p "$BATS_TEST_TMPDIR/files"
    printf 'FROM busybox\nCOPY --from=sources / /\n' >"$DIR/Dockerfile"
    build --pull=never --build-context "sorces=$BATS_TEST_TMPDIR/files"
    expect_status 1
    expect_contains 'Dockerfile:2:13: ' 'hint: did you mean --build-context `sorces`?'
    printf 'FROM busybox\n' >"$DIR/Dockerfile"
    build_ok --build-context "busyboxx=$BATS_TEST_TMPDIR/files"
    expect_contains 'warning: --build-context `busyboxx` is the name of no stage or image in use (did you mean `busybox`?)'
}

@test "unknown base: nothing is near, nothing is proposed" {
    from 'FROM entirelyother' --pull=never
    expect_lacks 'did you mean'
    expect_lacks 'the store has'
}

@test "who makes a base of Debian's packages hears at the start that it takes a while" {
    mkdir "$DIR/bin"
    printf '#!/bin/sh\necho it has begun; exit 1\n' >"$DIR/bin/debootstrap"
    chmod +x "$DIR/bin/debootstrap"
    PATH=$DIR/bin:$PATH run "$BATS_TEST_DIRNAME/../../contrib/mkbase" debian "$DIR/out.tar"
    expect_status 1
    [[ ${lines[0]} == *'half a minute, or minutes'* ]]
    [ "${lines[1]}" = 'it has begun' ]
}
