#!/usr/bin/env bats
# Why a step ran: the first part of its key that differs, in words.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

explained() {
    build_ok --explain "$@"
}

@test "the file that changed is named, by what about it changed" {
    mkdir -p "$DIR/src/a"
    echo one >"$DIR/src/a/b.c"
    echo two >"$DIR/src/c.h"
    printf 'FROM busybox\nCOPY src /src\n' >"$DIR/Dockerfile"
    build_ok
    echo changed >"$DIR/src/a/b.c"
    explained
    expect_contains 'not cached: COPY src: a/b.c content changed'
    chmod 600 "$DIR/src/c.h"
    explained
    expect_contains 'not cached: COPY src: c.h mode 644→600'
    echo new >"$DIR/src/new"
    explained
    expect_contains 'not cached: COPY src: new added'
    rm "$DIR/src/new"
    echo again >"$DIR/src/a/b.c"
    explained
    expect_contains 'not cached: COPY src: a/b.c content changed (and 1 more)'
}

@test "a build that began no step says why" {
    printf 'FROM busybox\nRUNN x\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    cbuild explain
    expect_status 0
    expect_contains 'no step was begun: the build failed' 'unknown instruction: RUNN'
}

@test "another source of a COPY is shown without the numbers of inputs" {
    printf 'FROM busybox AS one\nRUN echo a >/a; echo b >/b\nFROM busybox\nCOPY --from=one /a /x\n' >"$DIR/Dockerfile"
    build_ok
    printf 'FROM busybox AS one\nRUN echo a >/a; echo b >/b\nFROM busybox\nCOPY --from=one /b /x\n' >"$DIR/Dockerfile"
    explained
    expect_contains 'not cached: COPY: source a→b'
}

@test "of very many files the directory with the change is named" {
    mkdir -p "$DIR/src/one" "$DIR/src/two"
    for i in $(seq 2000); do
        echo "$i" >"$DIR/src/one/$i"
        echo "$i" >"$DIR/src/two/$i"
    done
    printf 'FROM busybox\nCOPY src /many\n' >"$DIR/Dockerfile"
    build_ok
    echo changed >"$DIR/src/two/77"
    explained
    expect_contains 'not cached: COPY src: two/ content changed'
}

@test "an ARG is called ARG, an ENV is called ENV" {
    printf 'FROM busybox\nARG VERSION=1\nENV LEVEL=low\nRUN echo variables\n' >"$DIR/Dockerfile"
    build_ok
    explained --build-arg VERSION=2
    expect_contains 'not cached: RUN: ARG VERSION 1→2'
    sed -i 's/low/high/' "$DIR/Dockerfile"
    explained --build-arg VERSION=2
    expect_contains 'not cached: RUN: ENV LEVEL low→high'
}

@test "an edited command is compared with the step that was in its place" {
    printf 'FROM busybox\nRUN echo first edition\n' >"$DIR/Dockerfile"
    build_ok
    printf 'FROM busybox\nRUN echo second edition\n' >"$DIR/Dockerfile"
    explained
    expect_contains 'not cached: RUN: command' 'first edition' 'second edition'
}

@test "a step behind an inserted one is recognised" {
    printf 'FROM busybox\nRUN echo stays > /stays\n' >"$DIR/Dockerfile"
    build_ok
    printf 'FROM busybox\nRUN echo inserted > /inserted\nRUN echo stays > /stays\n' >"$DIR/Dockerfile"
    explained
    expect_contains 'it follows `RUN echo inserted > /inserted` instead of `busybox:latest@sha256:'
}

@test "a changed base image is told from digest to digest" {
    printf 'FROM base\nRUN echo based > /based\n' >"$DIR/Dockerfile"
    "$CBUILD" tag busybox base
    build_ok
    printf 'FROM busybox\nRUN echo other > /other\n' | "$CBUILD" build -q -t base - >/dev/null
    explained
    expect_contains 'not cached: base image changed: base:latest@sha256:' '→base:latest@sha256:'
}

@test "what a trigger of the base image does is explained as what it is" {
    mkdir "$DIR/src"
    echo one >"$DIR/src/file"
    printf 'FROM busybox\nONBUILD COPY src /src\n' | "$CBUILD" build -q -t trigger - >/dev/null
    printf 'FROM trigger\n' >"$DIR/Dockerfile"
    build_ok
    echo two >"$DIR/src/file"
    explained
    expect_contains 'not cached: COPY src: file content changed'
}

@test "files of another stage and of a bind mount are named too" {
    mkdir "$DIR/src"
    echo one >"$DIR/src/file"
    dockerfile <<'END'
FROM busybox AS made
COPY src /made
FROM busybox
COPY --from=made /made /copied
RUN --mount=type=bind,source=src,target=/in cat /in/file
END
    build_ok
    echo two >"$DIR/src/file"
    explained
    expect_contains 'not cached: COPY /made: file content changed' \
        'it follows `COPY --from=made /made /copied`' || expect_contains \
        'the result of `COPY --from=made /made /copied` changed'
}

@test "explain tells of the last build, or of one that is named, what was a hit and what a miss" {
    printf 'FROM busybox\nRUN echo kept\nARG V=1\nRUN echo asked-later\n' >"$DIR/Dockerfile"
    build_ok
    build_ok --build-arg V=2
    expect_lacks 'not cached'
    build_ok --build-arg V=2
    cbuild explain ^1
    expect_status 0
    expect_contains 'hit   [2/3] RUN echo kept' 'miss  [3/3] RUN echo asked-later' 'RUN: ARG V 1→2'
    cbuild explain
    expect_contains 'hit   [3/3] RUN echo asked-later'
    expect_lacks miss
}

@test "--no-cache and --cache-ttl are explanations too" {
    printf 'FROM busybox\nRUN echo forced\n' >"$DIR/Dockerfile"
    build_ok
    explained --no-cache
    expect_contains 'not cached: the cache is not used for this step'
    explained --cache-ttl 1h
    [ "$(steps_run)" = 0 ]
    explained --cache-ttl 0
    expect_contains 'not cached: the recorded result is older than --cache-ttl'
    build --cache-ttl -1h
    expect_status 1
    expect_contains 'invalid argument "-1h" for "--cache-ttl"'
}
