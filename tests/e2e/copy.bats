#!/usr/bin/env bats
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

@test "COPY: files, directories' contents, wildcards and destinations" {
    mkdir -p "$DIR/dir/sub"
    echo a >"$DIR/a.txt"
    echo b >"$DIR/b.txt"
    echo s >"$DIR/dir/sub/s"
    dockerfile <<'END'
FROM busybox
WORKDIR /w
COPY a.txt renamed
COPY a.txt b.txt into/
COPY *.txt glob/
COPY dir /tree
COPY dir/ ./relative
COPY [ "a.txt", "/with space/x" ]
COPY ../a.txt /clamped
COPY nothing*.none /tree/
END
    build_ok
    in_image sh -c 'cd /; find w tree clamped "with space" | sort'
    expect_output 'clamped
tree
tree/sub
tree/sub/s
w
w/glob
w/glob/a.txt
w/glob/b.txt
w/into
w/into/a.txt
w/into/b.txt
w/relative
w/relative/sub
w/relative/sub/s
w/renamed
with space
with space/x'
}

@test "COPY: owners, modes and times" {
    echo x >"$DIR/x"
    chmod 640 "$DIR/x"
    touch -d '2020-02-03 04:05:06 UTC' "$DIR/x"
    dockerfile <<'END'
FROM busybox
RUN echo 'app:x:12:34::/:/bin/sh' >> /etc/passwd && echo 'grp:x:56:' >> /etc/group
COPY x /plain
COPY --chown=app x /named
COPY --chown=app:grp --chmod=0711 x /both
COPY --chown=7 x /number
COPY --chmod=u=rwX,go=rX x /symbolic
RUN stat -c '%n %u:%g %a %Y' /plain /named /both /number /symbolic > /stat
END
    build_ok
    in_image cat /stat
    expect_output '/plain 0:0 640 1580702706
/named 12:34 640 1580702706
/both 12:56 711 1580702706
/number 7:7 640 1580702706
/symbolic 0:0 644 1580702706'
}

@test "COPY: symbolic links are followed at the top and kept inside" {
    mkdir "$DIR/d"
    echo target >"$DIR/target"
    ln -s target "$DIR/link"
    ln -s ../target "$DIR/d/inner"
    ln -s /etc/passwd "$DIR/d/absolute"
    dockerfile <<'END'
FROM busybox
COPY link /copied
COPY d /d
RUN readlink /d/inner > /links; readlink /d/absolute >> /links; [ ! -L /copied ] && cat /copied >> /links
END
    build_ok
    in_image cat /links
    expect_output '../target
/etc/passwd
target'
}

@test "COPY: a link out of the context leads nowhere" {
    secret=$BATS_TEST_TMPDIR/secret
    echo canary >"$secret"
    ln -s "$secret" "$DIR/leak"
    ln -s ../../../../../../../../etc/shadow "$DIR/up"
    printf 'FROM busybox\nCOPY leak /\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'not found' 'Dockerfile:2'
    printf 'FROM busybox\nCOPY up /up\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    printf 'FROM busybox\nCOPY . /all/\n' >"$DIR/Dockerfile"
    build_ok
    in_image readlink /all/leak
    expect_output "$secret"
}

@test "COPY: into a linked directory of the image stays in the image" {
    mkdir "$BATS_TEST_TMPDIR/outside"
    echo x >"$DIR/x"
    printf 'FROM busybox\nRUN ln -s %s /d && mkdir -p %s\nCOPY x /d/x\n' \
        "$BATS_TEST_TMPDIR/outside" "$BATS_TEST_TMPDIR/outside" >"$DIR/Dockerfile"
    build_ok
    [ -z "$(ls "$BATS_TEST_TMPDIR/outside")" ]
    in_image cat "$BATS_TEST_TMPDIR/outside/x"
    expect_output x
}

@test "COPY --from: owners, modes and links of the stage are kept" {
    dockerfile <<'END'
FROM busybox AS src
RUN mkdir /d && echo x > /d/f && chown 5:6 /d/f && chmod 4755 /d/f && ln /d/f /d/hard && ln -s f /d/soft && mkfifo /d/fifo
FROM busybox
COPY --from=src /d /d
RUN stat -c '%n %u:%g %a %h %F' /d/f /d/hard /d/soft /d/fifo > /stat
END
    build_ok
    in_image cat /stat
    expect_output '/d/f 5:6 4755 2 regular file
/d/hard 5:6 4755 2 regular file
/d/soft 0:0 777 1 symbolic link
/d/fifo 0:0 644 1 fifo'
}

@test "ADD unpacks local archives of every kind by content, COPY does not" {
    mkdir "$DIR/t"
    echo in >"$DIR/t/in"
    tar -C "$DIR/t" -cf "$DIR/plain" .
    tar -C "$DIR/t" -czf "$DIR/gz" .
    tar -C "$DIR/t" -cjf "$DIR/bz2" .
    tar -C "$DIR/t" -cJf "$DIR/xz" .
    tar -C "$DIR/t" --zstd -cf "$DIR/zst" .
    echo text >"$DIR/file"
    dockerfile <<'END'
FROM busybox
ADD plain /plain/
ADD gz /gz/
ADD bz2 /bz2/
ADD xz /xz/
ADD zst /zst/
ADD file /file
COPY gz /copied
RUN cat /plain/in /gz/in /bz2/in /xz/in /zst/in /file > /all && [ -f /copied ]
END
    build_ok
    in_image cat /all
    expect_output "$(printf 'in\nin\nin\nin\nin\ntext')"
}

@test "ADD --unpack=false leaves a local archive as it is, --unpack takes the host's word for nothing" {
    mkdir "$DIR/t"
    echo in >"$DIR/t/in"
    tar -C "$DIR/t" -czf "$DIR/a.tar.gz" in
    echo text >"$DIR/b.tar.gz"
    printf 'FROM busybox\nADD --unpack=false a.tar.gz /kept/\nADD --unpack=true a.tar.gz b.tar.gz /open/\n' >"$DIR/Dockerfile"
    build_ok
    in_image sh -c 'cd /kept && find . -type f && cd /open && find . -type f | sort && cat b.tar.gz'
    expect_output './a.tar.gz
./b.tar.gz
./in
text'
}

@test "COPY heredocs, with and without variables" {
    dockerfile <<'END'
FROM busybox
ARG NAME=value
COPY <<EOF /expanded
name is ${NAME}
EOF
COPY <<'EOF' /literal
name is ${NAME}
EOF
COPY --chmod=755 <<one <<two /dir/
1
one
2
two
RUN stat -c '%n %a' /dir/one /dir/two > /stat
END
    build_ok
    in_image cat /expanded /literal /dir/one /dir/two /stat
    expect_output 'name is value
name is ${NAME}
1
2
/dir/one 755
/dir/two 755'
}

@test ".dockerignore: exclusions, exceptions, and the Dockerfile's own" {
    mkdir -p "$DIR/src/keep" "$DIR/node_modules/x"
    touch "$DIR/src/a.o" "$DIR/src/a.c" "$DIR/src/keep/b.o" "$DIR/node_modules/x/y" "$DIR/top.o"
    printf '# comment\nnode_modules\n**/*.o\n!src/keep/*.o\nDockerfile*\n.dockerignore\n' >"$DIR/.dockerignore"
    printf 'FROM busybox\nCOPY . /c/\nRUN cd /c && find . -type f | sort > /list\n' >"$DIR/Dockerfile"
    build_ok
    in_image cat /list
    expect_output "$(printf './src/a.c\n./src/keep/b.o')"
    printf 'src\n' >"$DIR/Dockerfile.dockerignore"
    build_ok
    in_image cat /list
    expect_contains ./top.o ./node_modules/x/y
    expect_lacks src/a.c
}

@test "an ignored or missing source is an error that says so" {
    echo x >"$DIR/ignored"
    echo ignored >"$DIR/.dockerignore"
    printf 'FROM busybox\nCOPY ignored /\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:2' 'not found' '.dockerignore'
    printf 'FROM busybox\nCOPY missing /\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:2' '"/missing"' 'not found'
}

@test "unusual names survive: blanks, newlines, bytes that are not UTF-8, 255 bytes" {
    long=$(printf 'n%.0s' $(seq 255))
    mkdir "$DIR/d"
    touch "$DIR/d/a b" "$DIR/d/$(printf 'new\nline')" "$DIR/d/$(printf '\xff\xfe')" "$DIR/d/$long" "$DIR/d/-dash" "$DIR/d/back\\slash"
    printf 'FROM busybox\nCOPY d /d\n' >"$DIR/Dockerfile"
    build_ok
    want=$(cd "$DIR/d" && find . -print0 | LC_ALL=C sort -z | sha256sum)
    run bash -c '"$CBUILD" run --rm --network none img sh -c "cd /d && find . -print0" | LC_ALL=C sort -z | sha256sum'
    expect_output "$want"
}

@test "--exclude: patterns as written, and with variables" {
    mkdir -p "$DIR/d/s"
    touch "$DIR/d/a.o" "$DIR/d/b.c" "$DIR/d/s/c.o" "$DIR/d/[x" "$DIR/d/s/keep.o"
    dockerfile <<'END'
FROM busybox
ARG KIND=o
COPY --exclude=**/*.$KIND --exclude=!s/keep.${KIND} --exclude=\\[x d /out
ADD --exclude=*.c --exclude=s d /added/
RUN cd / && find out added | sort >/list
END
    build_ok
    in_image cat /list
    expect_output 'added
added/[x
added/a.o
out
out/b.c
out/s
out/s/keep.o'
    printf 'FROM busybox\nCOPY --exclude=$NONE d /d\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:2:16: --exclude=$NONE is empty'
}

@test "COPY --parents: on both sides of the pivot, with deep patterns" {
    mkdir -p "$DIR/app1/src/x" "$DIR/app2/src"
    echo 1 >"$DIR/app1/src/x/one.c"
    echo 2 >"$DIR/app2/src/two.c"
    echo 3 >"$DIR/app2/src/three.h"
    dockerfile <<'END'
FROM busybox
WORKDIR /w
COPY --parents app*/./src/**/*.c .
COPY --parents app2/src/two.c app1/src/*/one.c /whole/
RUN cd / && find w whole -type f | sort >/list
END
    build_ok
    in_image cat /list
    expect_output 'w/src/two.c
w/src/x/one.c
whole/app1/src/x/one.c
whole/app2/src/two.c'
    printf 'FROM busybox\nCOPY --parents app1/nosuch /d/\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:2' 'COPY app1/nosuch: "/app1/nosuch" not found'
}

@test "COPY: names that are not there, and ids out of range, in --chown" {
    touch "$DIR/f"
    printf 'FROM busybox\nCOPY --chown=nosuch:root f /f\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:2' '--chown=nosuch:root: unable to find user nosuch: no matching entries in passwd file' 'a number needs no look-up'
    printf 'FROM busybox\nCOPY --chown=4294967295 f /f\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'out of range'
    expect_lacks 'look-up'
}

@test "WORKDIR of a user who is not there yet is root's, with a warning" {
    printf 'FROM busybox\nUSER later\nWORKDIR /w\n' >"$DIR/Dockerfile"
    build_ok
    expect_contains 'WORKDIR /w belongs to root: unable to find user later'
    run "$CBUILD" run --rm --network none --user 0 img stat -c %u:%g /w
    expect_output 0:0
}

@test "WORKDIR of a directory that is there is an empty layer" {
    printf 'FROM busybox\nRUN mkdir -m 700 /w && ln -s w /link\nWORKDIR /w\nWORKDIR /link\nWORKDIR /link/new\n' >"$DIR/Dockerfile"
    build_ok
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/img.tar" img
    run jq -r '.[0].Layers[]' <(tar -xOf "$BATS_TEST_TMPDIR/img.tar" manifest.json)
    local layers=("${lines[@]:2}") made=() layer
    for layer in "${layers[@]}"; do
        made+=("$(tar -xOf "$BATS_TEST_TMPDIR/img.tar" "$layer" | tar -t | paste -sd' ')")
    done
    [ "${made[*]@Q}" = "'' '' 'w/ w/new/'" ]
}

@test "COPY --if-exists passes over what is not there, and copies it once it is" {
    dockerfile <<'END'
FROM busybox AS stage
RUN mkdir /made && echo made >/made/file
FROM busybox
COPY --if-exists optional.conf left-out there /conf/
COPY --if-exists none/at/all /nowhere
COPY --if-exists --from=stage /nothing /made/file /
COPY --if-exists --parents a/b.c /parents/
COPY --if-exists conf.d/*.conf /d/
END
    echo there >"$DIR/there"
    echo out >"$DIR/left-out"
    echo left-out >"$DIR/.dockerignore"
    build_ok
    in_image sh -c 'ls /conf; cat /file; [ ! -e /nowhere ] && [ ! -e /parents/a ]'
    expect_output $'there\nmade'
    echo now >"$DIR/optional.conf"
    mkdir "$DIR/conf.d"
    echo x >"$DIR/conf.d/x.conf"
    build_ok
    in_image sh -c 'ls /conf /d'
    expect_output $'/conf:\noptional.conf\nthere\n\n/d:\nx.conf'
    rm "$DIR/optional.conf"
    build_ok
    in_image ls /conf
    expect_output there
    printf 'FROM busybox\nCOPY --if-exists=false none /\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'COPY none: "/none" not found'
}
