#!/usr/bin/env bats
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

@test "a rebuild with nothing changed runs nothing and gives the same image" {
    echo one >"$DIR/file"
    dockerfile <<'END'
FROM busybox
COPY file /file
RUN cat /file > /copy
ENV A=b
RUN echo $A > /a
END
    build_ok
    first=$("$CBUILD" inspect img | jq -r '.[0].Id')
    build_ok
    [ "$(steps_run)" = 0 ]
    [ "$("$CBUILD" inspect img | jq -r '.[0].Id')" = "$first" ]
}

@test "a clock that jumps by years, before 1990 and beyond 2038, makes no step run and loses nothing" {
    gcc -shared -fPIC -O1 -o "$DIR/clock.so" "$CB_TOP/tests/lib/clock.c"
    mkdir "$DIR/files"
    echo one >"$DIR/files/f"
    printf 'FROM busybox\nCOPY f /\nRUN cat /f >/g\n' >"$DIR/files/Dockerfile"
    at() { # SECONDS COMMAND…: with the clock as wrong as that
        CLOCK_SHIFT=$1 LD_PRELOAD="$DIR/clock.so" ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0" "$CBUILD" "${@:2}"
    }
    first=$(at 31536000 build -q "$DIR/files")
    for shift in 0 -31536000 -1200000000 500000000; do
        run at "$shift" build --progress=plain "$DIR/files"
        expect_status 0
        expect_contains "$first" '3 cached, 0 run'
    done
    at -31536000 prune -f >/dev/null
    at 500000000 prune -f >/dev/null
    fsck_clean
    run at -31536000 build --progress=plain "$DIR/files"
    expect_contains "$first"
}

@test "touching a file is a hit, changing its content or mode is a miss" {
    echo one >"$DIR/touched"
    dockerfile <<'END'
FROM busybox
COPY touched /file
END
    build_ok
    touch -d '2001-01-01' "$DIR/touched"
    build_ok
    [ "$(steps_run)" = 0 ]
    chmod 755 "$DIR/touched"
    build_ok
    [ "$(steps_run)" = 1 ]
    echo two >"$DIR/touched"
    build_ok
    [ "$(steps_run)" = 1 ]
}

@test "a change of a file that no step copies runs nothing" {
    mkdir "$DIR/src"
    echo one >"$DIR/src/used"
    dockerfile <<'END'
FROM busybox
COPY src/used /
RUN true selected
END
    build_ok
    echo new >"$DIR/src/unused"
    build_ok
    [ "$(steps_run)" = 0 ]
}

@test "LABEL and CMD changes run nothing again" {
    printf 'FROM busybox\nLABEL a=1\nRUN echo metadata > /x\nCMD ["a"]\n' >"$DIR/Dockerfile"
    build_ok
    printf 'FROM busybox\nLABEL a=2\nRUN echo metadata > /x\nCMD ["b"]\n' >"$DIR/Dockerfile"
    build_ok
    [ "$(steps_run)" = 0 ]
    [ "$(config .Labels.a)" = '"2"' ]
    [ "$(config .Cmd)" = '["b"]' ]
}

@test "an ENV or a declared ARG that changes runs what follows" {
    printf 'FROM busybox\nARG V=1\nRUN echo arg > /x\n' >"$DIR/Dockerfile"
    build_ok
    build_ok --build-arg V=2
    [ "$(steps_run)" = 1 ]
    build_ok --build-arg V=2
    [ "$(steps_run)" = 0 ]
}

@test "a step that gives the same files again makes what follows a hit" {
    echo one >"$DIR/input"
    dockerfile <<'END'
FROM busybox
RUN --mount=type=bind,target=/in wc -l < /in/input > /lines && touch -d @0 /lines
RUN echo after > /after
END
    build_ok
    echo two >"$DIR/input"
    build_ok
    [ "$(steps_run)" = 1 ]
    [ "$(steps_cached)" -ge 1 ]
}

@test "--no-cache runs every step" {
    printf 'FROM busybox\nRUN echo a > /a\nRUN echo b > /b\n' >"$DIR/Dockerfile"
    build_ok
    build_ok --no-cache
    [ "$(steps_run)" -ge 2 ]
}

@test "--explain names what changed" {
    printf 'FROM busybox\nARG VERSION=1\nRUN echo explained > /x\n' >"$DIR/Dockerfile"
    build_ok
    build_ok --explain --build-arg VERSION=2
    expect_contains 'VERSION'
    expect_contains 'not cached'
}

@test "a failed step is not cached, what came before is" {
    printf 'FROM busybox\nRUN echo before > /x\nRUN exit 3\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    build
    expect_status 1
    expect_contains CACHED 'exit code: 3'
}

@test "two builds of the same Dockerfile at once run each step once" {
    count=$BATS_TEST_TMPDIR/count
    mkdir "$count"
    dockerfile <<'END'
FROM busybox
RUN --mount=type=cache,id=counter,target=/count echo run >> /count/runs && sleep 1
RUN --mount=type=cache,id=counter,target=/count cp /count/runs /runs
END
    "$CBUILD" build -q -t one "$DIR" >/dev/null 2>"$BATS_TEST_TMPDIR/one" &
    first=$!
    "$CBUILD" build -q -t two "$DIR" >/dev/null 2>"$BATS_TEST_TMPDIR/two" &
    second=$!
    wait "$first"
    wait "$second"
    run "$CBUILD" run --rm --network none one cat /runs
    expect_output run
}

# Opens of files of the context by a rebuild, by path.
context_opens() {
    strace -f -y -e trace=open,openat,openat2,creat,read,pread64,mmap,copy_file_range,sendfile -o "$BATS_TEST_TMPDIR/trace" \
        "$CBUILD" build -q -t img "$DIR" >/dev/null
    grep -v ENOENT "$BATS_TEST_TMPDIR/trace" | grep -c "$1" || true
}

@test "a rebuild with nothing changed reads the content of no file" {
    mkdir "$DIR/src"
    for i in $(seq 50); do echo "$i" >"$DIR/src/content-$i"; done
    printf 'FROM busybox\nCOPY src /src\nRUN --mount=type=bind,source=src,target=/in cat /in/content-1\n' >"$DIR/Dockerfile"
    # Files as young as the build are not indexed: the second one does it.
    build_ok
    build_ok
    [ "$(context_opens Dockerfile)" -gt 0 ]
    [ "$(context_opens content-)" = 0 ]
    echo changed >"$DIR/src/content-7"
    [ "$(context_opens content-7)" -gt 0 ]
    [ "$(context_opens content-8)" = 0 ]
}

@test "24 changes of one bit each are 24 misses, and new times are none" {
    mkdir "$DIR/src"
    head -c 24 /dev/zero >"$DIR/src/bits"
    printf 'FROM busybox\nCOPY src /src\n' >"$DIR/Dockerfile"
    build_ok
    for i in $(seq 0 23); do
        printf "\\x$(printf %02x $((1 << (i % 8))))" | dd of="$DIR/src/bits" bs=1 seek="$i" conv=notrunc status=none
        build_ok
        [ "$(steps_run)" = 1 ]
        touch -d "$((i + 1)) days ago" "$DIR/src/bits"
        build_ok
        [ "$(steps_run)" = 0 ]
    done
}
