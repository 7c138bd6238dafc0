#!/usr/bin/env bats
# Dockerfiles, contexts and ignore files made by an enemy: nothing outside the context and the stages is
# read, nothing outside is written, and no input costs much more than its size.
load helpers
load helpers-hostile

setup_file() { cb_store; canary_lay; }
teardown_file() {
    canary_remove
    cb_drop_store
}
setup() { cb_dir; }
teardown() { canary_ok; }

try() {
    run timeout 60 "$CBUILD" build --progress=plain --network=none -t img "$@" "$DIR"
}

# The image has nothing of the canary.
not_inside() {
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/img.tar" img
    run grep -c 'the text of the canary' "$BATS_TEST_TMPDIR/img.tar"
    expect_output 0
}

@test "COPY of paths and links that leave the context" {
    ln -s "$CANARY/f" "$DIR/leak"
    ln -s "$CANARY" "$DIR/dir"
    ln -s "../../../../../../../../../../../..$CANARY" "$DIR/rel"
    mkdir "$DIR/in"
    ln -s "$CANARY" "$DIR/in/link"
    for source in leak dir dir/f rel rel/f 'rel*/f' '*/f' "../../../../../../../..$CANARY/f" "$CANARY/f" ../../etc/passwd /etc/passwd in/link/ in/link/f 'd?r/f' .. ../..; do
        printf 'FROM scratch\nCOPY ["%s", "/x/"]\n' "$source" | dockerfile
        try
        if [ "$status" -eq 0 ]; then
            not_inside || { echo "by $source"; return 1; }
        fi
        expect_lacks 'the text of the canary'
    done
    printf 'FROM busybox\nCOPY . /all/\nRUN [ -L /all/leak ] && [ -L /all/dir ] && [ -L /all/in/link ]\n' | dockerfile
    try
    expect_status 0
    not_inside
}

@test "COPY to and from links of a stage stays in the stage" {
    echo payload >"$DIR/x"
    dockerfile <<END
FROM busybox AS links
RUN ln -s $CANARY /d; ln -s $CANARY/f /file; ln -s ../../../../../..$CANARY /up; ln -s loop /loop
FROM links AS to
COPY x /d/f
COPY x /up/planted
COPY x /file
COPY --chown=1:1 --chmod=777 x /d/
ADD x /up/
WORKDIR /d/w
RUN cat $CANARY/f $CANARY/planted $CANARY/x
FROM busybox
COPY --from=to $CANARY/planted /seen
END
    try
    expect_status 0
    in_image cat /seen
    expect_output payload
    for source in /d/f /file /up/f /d /loop; do
        printf 'FROM busybox AS links\nRUN ln -s %s /d; ln -s %s/f /file; ln -s ../../../../../..%s /up; ln -s loop /loop\nFROM scratch\nCOPY --from=links %s /x/\n' \
            "$CANARY" "$CANARY" "$CANARY" "$source" | dockerfile
        try
        [ "$status" -eq 1 ] || not_inside || { echo "by $source"; return 1; }
    done
    printf 'FROM busybox\nRUN ln -s loop /loop\nCOPY x /loop/\n' | dockerfile
    try
    expect_status 1
}

@test "a Dockerfile or .dockerignore that is a link, a FIFO, a device, a directory or huge" {
    for what in 'ln -s /etc/shadow' mkfifo 'ln -s /dev/zero' mkdir 'truncate -s 17M'; do
        for name in Dockerfile .dockerignore; do
            rm -rf "$DIR"
            mkdir "$DIR"
            [ $name = Dockerfile ] || printf 'FROM scratch\nCOPY . /\n' | dockerfile
            $what "$DIR/$name"
            expect_memory 64 timeout 60 "$CBUILD" build --progress=plain --network=none "$DIR"
            # a link out of the context leads to nothing in it: an ignore file that is not there is fine
            case $what-$name in
            ln*-.dockerignore) wanted=0 ;;
            *) wanted=1 ;;
            esac
            [ "$status" -eq $wanted ] || { echo "$what $name: status $status: $output"; return 1; }
            [ $wanted = 0 ] || expect_contains "$name"
            expect_lacks 'root:'
        done
    done
}

@test "special files in the context: sockets, FIFOs, devices, unreadable and vanishing ones" {
    mkfifo "$DIR/pipe"
    mknod "$DIR/null" c 1 3
    mknod "$DIR/whiteout" c 0 0
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$DIR/socket"
    printf 'FROM busybox\nCOPY pipe /\n' | dockerfile
    try
    [ "$status" -le 1 ]
    printf 'FROM busybox\nCOPY whiteout /bin/busybox\nRUN true\n' | dockerfile
    try
    [ "$status" -le 1 ]
    rm -f "$DIR/null" "$DIR/whiteout"
    printf 'FROM busybox\nCOPY . /x\nRUN ls /x\n' | dockerfile
    try
    [ "$status" -le 1 ]
    fsck_clean
}

@test "a context that changes while it is read never shows what is outside" {
    mkdir "$DIR/a"
    echo mine >"$DIR/a/f"
    ln -s "$CANARY" "$DIR/b"
    printf 'FROM scratch\nCOPY a /a\nCOPY a/f /f\n' | dockerfile
    python3 - "$DIR" <<'END' &
import ctypes, os, sys
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None)
parent = os.getppid()
while os.getppid() == parent and not os.path.exists("stop"):
    for _ in range(1000):
        libc.renameat2(-100, b"a", -100, b"b", 2)
END
    swapper=$!
    for i in $(seq 30); do
        run timeout 60 "$CBUILD" build -q --no-cache -t img "$DIR"
        [ "$status" -le 1 ] || break
        [ "$status" -eq 1 ] || not_inside || { : >"$DIR/stop"; wait "$swapper"; return 1; }
    done
    : >"$DIR/stop"
    wait "$swapper"
    [ "$status" -le 1 ]
}

@test "bombs: expansion, nesting, lines, stages, heredocs, arguments, each in little time and memory" {
    bomb() {
        python3 -c "$1" >"$DIR/Dockerfile"
        expect_memory "${3:-64}" timeout 60 "$CBUILD" build --progress=plain --network=none --pull=never "$DIR"
        [ "$status" -eq "$2" ] || { echo "$1: status $status: ${output:0:500}"; return 1; }
        [ "${#output}" -lt 20000 ] || { echo "$1: ${#output} bytes of message"; return 1; }
        expect_no_controls
    }
    bomb 'print("FROM scratch\nENV A=aaaaaaaaaaaaaaaa"); [print("ENV A=$A$A") for _ in range(40)]' 1
    expect_contains 'Dockerfile:'
    bomb 'print("FROM scratch\nARG A=aaaaaaaaaaaaaaaa"); [print("ARG A=$A$A") for _ in range(40)]' 1
    bomb 'print("FROM scratch\nENV A=" + "${a:-" * 20000 + "}" * 20000)' 1
    bomb 'print("FROM scratch\nENV A=" + "${a:-" * 1000 + "}" * 1000)' 1
    bomb 'print("FROM scratch\n" + "# x\n" * 900000 + "ENV a=b")' 0
    bomb 'print("FROM scratch\nENV a=" + "x" * 15000000)' 1
    bomb 'print("FROM scratch\nRUN " + "x \\\\\n" * 200000)' 1
    bomb 'print("\n".join("FROM scratch AS s%d" % i for i in range(10000)))' 1
    bomb 'print("FROM scratch"); [print("ARG A%d=1" % i) for i in range(20000)]' 1
    bomb 'print("FROM scratch\nRUN <<" + "A" * 60000 + "\nx")' 1
    bomb 'print("FROM scratch\nCOPY " + " ".join("<<E%d" % i for i in range(5000)) + " /")' 1
    bomb 'print("FROM scratch\nCMD " + "[" * 30000)' 0
    bomb 'print("FROM scratch\nCMD [" + "\"\\\\ud800\"," * 1000 + "\"\"]")' 0
    bomb 'print("FROM scratch\nENV A=x\nENV B=${A//" + "*" * 5000 + "b/c}")' 0
    bomb 'print("FROM scratch\nENV A=" + "a" * 5000 + "\nENV B=${A%%" + "*a" * 2000 + "b}")' 0
    bomb 'print("FROM scratch\n" + "\x1b]0;x\x07 y")' 1
    bomb 'import sys; sys.stdout.buffer.write(b"FROM scratch\nENV a=\xff\xfe\x00b\n")' 1
    bomb 'print("FROM scratch\nLABEL " + " ".join("a%d=b" % i for i in range(11000)))' 1
    bomb 'print("".join("FROM s%d AS s%d\n" % (i + 1, i) for i in range(900)))' 1
    bomb 'print("FROM scratch AS a\nCOPY --from=a / /")' 1
}

@test "patterns that are slow elsewhere" {
    name=$(printf 'a%.0s' $(seq 250))
    : >"$DIR/$name"
    printf 'FROM scratch\nCOPY %sb /x/\n' "$(printf 'a*%.0s' $(seq 2000))" | dockerfile
    run timeout 60 "$CBUILD" build --progress=plain "$DIR"
    expect_status 0
    printf 'FROM scratch\nCOPY . /x/\n' | dockerfile
    python3 -c 'print("a*" * 2000 + "b"); print("**/" * 3000 + "b"); print("!" * 100); print("[a" * 100); [print("p%d*/**/x" % i) for i in range(100000)]' >"$DIR/.dockerignore"
    for i in $(seq 50); do : >"$DIR/file$i"; done
    run timeout 60 "$CBUILD" build --progress=plain "$DIR"
    [ "$status" -le 1 ]
    python3 -c 'print("a*" * 2000 + "b"); print("**/" * 1000 + "b"); [print("p%d*/**/x" % i) for i in range(20000)]' >"$DIR/.dockerignore"
    run timeout 60 "$CBUILD" build --progress=plain "$DIR"
    expect_status 0
}

@test "foreign frontends are not run, unknown flags and values are errors before anything runs" {
    printf '# syntax=127.0.0.1:1/evil:latest\nFROM scratch\nCMD x\n' | dockerfile
    try
    expect_status 0
    try --build-arg BUILDKIT_SYNTAX=127.0.0.1:1/evil:latest
    [ "$status" -le 1 ]
    for line in 'RUN --security=xyz true' 'RUN --security=insecure true' 'RUN --network=xyz true' 'RUN --nosuch=x true' \
        'COPY --nosuch=x a b' 'COPY --chmod=99999 Dockerfile /' 'COPY --chown=-1 Dockerfile /' 'COPY --chown=4294967296 Dockerfile /' \
        'COPY --chown=nosuch Dockerfile /' 'ADD file:///etc/shadow /' 'ADD --checksum=sha256:../.. Dockerfile /' 'FROM --platform=x/y/z/w scratch' \
        'HEALTHCHECK --interval=-1s CMD x' 'HEALTHCHECK --retries=-1 CMD x' 'EXPOSE 99999999999999999999' 'STOPSIGNAL x y' 'WORKDIR' \
        'USER' 'ENV =x' 'ONBUILD ONBUILD RUN x' 'ONBUILD FROM x' 'SHELL x' 'VOLUME [""]' 'LABEL'; do
        printf 'FROM busybox\nRUN echo this ran\n%s\n' "$line" | dockerfile
        try --no-cache
        [ "$status" -eq 1 ] || { echo "$line: $output"; return 1; }
        expect_contains 'Dockerfile:'
        expect_lacks root:
    done
}

@test "archives on standard input and ADDed ones: no way out" {
    evil sym-dir-abs hard-via-sym dotdot sym-file
    for name in sym-dir-abs hard-via-sym dotdot sym-file; do
        cp "$EVIL/$name.layer" "$DIR/layer.tar"
        printf 'FROM busybox\nADD layer.tar /sub/\nADD layer.tar /\n' | dockerfile
        try
        canary_ok
        (cd "$DIR" && printf 'FROM busybox\nCOPY . /x\n' >Dockerfile && tar -cf "$BATS_TEST_TMPDIR/context.tar" Dockerfile && cat "$EVIL/$name.layer") >/dev/null
        tar --concatenate -f "$BATS_TEST_TMPDIR/context.tar" "$EVIL/$name.layer" 2>/dev/null || true
        run timeout 60 "$CBUILD" build --progress=plain --network=none - <"$BATS_TEST_TMPDIR/context.tar"
        [ "$status" -le 1 ]
        canary_ok
    done
    head -c 100000 /dev/urandom | gzip >"$DIR/garbage.tar.gz"
    printf 'FROM busybox\nADD garbage.tar.gz /x/\nRUN [ -e /x/garbage.tar.gz ]\n' | dockerfile
    try
    [ "$status" -le 1 ]
}

@test "names in the context: every byte, leading dashes, line ends" {
    python3 - "$DIR" <<'END'
import os, sys
top = os.fsencode(sys.argv[1])
for byte in range(1, 256):
    if byte not in b"/":
        open(top + b"/n" + bytes([byte]), "w").close()
for name in (b"-rf", b"--", b"x" * 255, b".wh", b"\xff" * 255, b" ", b"nfc-\xc3\xa9", b"nfd-e\xcc\x81"):
    open(top + b"/" + name, "w").close()
END
    printf 'FROM busybox\nCOPY . /x\nRUN ls -a /x | wc -l\n' | dockerfile
    try
    expect_status 0
    expect_no_controls
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/img.tar" img
    rm -f "$DIR/"*wh*
    : >"$DIR/.wh.passwd"
    printf 'FROM busybox\nCOPY .wh.passwd /etc/\n' | dockerfile
    try
    expect_status 1
    expect_contains '.wh.passwd'
}

@test "a directory deeper than a path can be long is an error that says so, and may be left out" {
    python3 - "$DIR" <<'END'
import os, sys
os.chdir(sys.argv[1])
for _ in range(30):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
open("leaf", "w").close()
END
    printf 'FROM busybox\nCOPY . /x\n' | dockerfile
    try
    expect_status 1
    expect_contains 'file name too long' 'Dockerfile:2:1'
    printf 'ddd*\n' >"$DIR/.dockerignore"
    try
    expect_status 0
    fsck_clean
}
