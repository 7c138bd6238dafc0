#!/usr/bin/env bats
# COPY --link: a layer that does not depend on what it lands on.
load helpers
load helpers-registry

setup_file() {
    cb_store
    cb_newer_base newer
}
teardown_file() { cb_drop_store; }
setup() { cb_dir; }
teardown() { stop_registry; rm -rf --one-file-system "$STORE-other"; }

layers() { # FROM-TO, counted from 1
    "$CBUILD" inspect img | jq -r '.[0].RootFS.Layers[]' | sed -n "$1p"
}

# How many steps "COPY --link" or "ADD --link" of the last build came from the cache.
copies_cached() {
    printf '%s\n' "$output" | awk '/^#[0-9]+ \[.*\] (COPY|ADD) --link/ {step[$1] = 1} $2 == "CACHED" && step[$1] {n++} END {print n + 0}'
}

@test "another base copies nothing again, and the layers stay the same" {
    mkdir -p "$DIR/d/sub"
    echo one >"$DIR/d/one"
    ln "$DIR/d/one" "$DIR/d/sub/same"
    tar -C "$DIR" -cf "$DIR/t.tar" d
    dockerfile <<'END'
ARG BASE=busybox
FROM busybox AS made
RUN mkdir /made && echo 1 >/made/f && chown 5:6 /made/f
FROM $BASE
COPY --link d /d
COPY --link --chmod=700 --chown=3:4 d/one /one
ADD --link t.tar /t
COPY --link --from=made /made /made
COPY --link <<text /text
body
text
RUN cat /d/sub/same /one /t/d/one /made/f /text >/all
END
    build_ok
    in_image cat /all
    expect_output 'one
one
one
1
body'
    first=$(layers 2,6)
    build_ok --build-arg BASE=newer
    [ "$(copies_cached)" = 5 ]
    [ "$(layers 2,6)" = "$first" ]
    in_image sh -c 'cat /all; stat -c "%n %u:%g %a" /made/f /one /etc; [ /d/one -ef /d/sub/same ]'
    expect_output 'one
one
one
1
body
/made/f 5:6 644
/one 3:4 700
/etc 0:0 757'
    # Steps before it do not count either.
    sed -i 's/^COPY --link d /RUN echo early >\/early\n&/' "$DIR/Dockerfile"
    build_ok
    [ "$(copies_cached)" = 5 ]
    [ "$(layers 3,7)" = "$first" ]
    fsck_clean
}

# A store with both bases and nothing else.
other_store() {
    rm -rf --one-file-system "$STORE-other"
    "$CBUILD" --root "$STORE" save busybox:latest newer:latest | "$CBUILD" --root "$STORE-other" load >/dev/null
    export CBUILD_ROOT=$STORE-other
}

@test "another machine's layer goes on another base: from a cache of either mode, or an image" {
    start_registry
    for cache in min max inline; do
        export CBUILD_ROOT=$STORE
        dockerfile <<END
ARG BASE=busybox
FROM \$BASE
RUN echo $cache >/early
COPY --link --chmod=604 f /f
COPY --link --chmod=600 g /g
END
        echo "$cache" >"$DIR/f"
        echo "$cache" >"$DIR/g"
        if [ $cache = inline ]; then
            build_ok --cache-to type=inline
            "$CBUILD" tag img "$REGISTRY/cache:inline"
            "$CBUILD" push -q "$REGISTRY/cache:inline"
        else
            build_ok --cache-to "type=registry,ref=$REGISTRY/cache:$cache,mode=$cache"
        fi
        first=$(layers 3,4)
        other_store
        echo changed >"$DIR/g"
        build_ok --build-arg BASE=newer --cache-from "$REGISTRY/cache:$cache"
        [ "$(copies_cached)" = 1 ] || { echo "$cache: $output"; false; }
        [ "$(layers 3)" = "$(printf '%s\n' "$first" | head -n 1)" ]
        in_image cat /f /g
        expect_output "$cache
changed"
        in_image stat -c %a /etc
        expect_output 757
    done
}

@test "what is copied is what counts" {
    echo one >"$DIR/f"
    printf 'FROM busybox\nCOPY --link f /f\n' >"$DIR/Dockerfile"
    build_ok
    build_ok
    [ "$(steps_run)" = 0 ]
    echo two >"$DIR/f"
    build_ok
    [ "$(steps_run)" = 1 ]
    in_image cat /f
    expect_output two
}

@test "links in the destination are not followed" {
    echo x >"$DIR/f"
    dockerfile <<'END'
FROM busybox
RUN mkdir /real && echo a >/real/a && ln -s /real /linked && ln -s real/a /file
COPY --link f /linked/
COPY --link f /file
RUN ls -d /linked/* /real/* >/list; for i in /linked /file; do [ -L $i ] || echo $i >>/list; done; cat /real/a >>/list
END
    build_ok
    in_image cat /list
    expect_output '/linked/f
/real/a
/linked
/file
a'
}

@test "directories of the copy replace the looks of those that are there" {
    mkdir "$DIR/d"
    echo x >"$DIR/d/f"
    dockerfile <<'END'
FROM busybox
RUN mkdir -p -m 1777 /open && mkdir /x && echo kept >/open/kept && chown 7:8 /x
COPY --link d /open
COPY --link --chmod=2750 --chown=3:4 d/f /x/f
RUN stat -c '%n %a %u:%g' /open /open/* /x /x/f >/stat
END
    build_ok
    in_image cat /stat
    expect_output '/open 755 0:0
/open/f 644 0:0
/open/kept 644 0:0
/x 2750 3:4
/x/f 2750 3:4'
}

@test "a file replaces a directory, and a directory a file" {
    mkdir -p "$DIR/d/file"
    echo x >"$DIR/d/file/x"
    echo dir >"$DIR/d/dir"
    dockerfile <<'END'
FROM busybox
RUN mkdir -p /t/dir && echo old >/t/dir/old && echo old >/t/file
COPY --link d /t
RUN find /t -type f | sort >/list; cat /t/dir >>/list
END
    build_ok
    in_image cat /list
    expect_output '/t/dir
/t/file/x
dir'
}

@test "names in --chown are the stage's, and only its passwd and group files count" {
    echo x >"$DIR/f"
    dockerfile <<'END'
ARG BASE=busybox
FROM $BASE
ARG ID=12
RUN echo "app:x:$ID:34::/:" >>/etc/passwd && echo 'grp:x:56:' >>/etc/group
ARG OTHER
RUN echo $OTHER >/other
COPY --link --chown=app f /a/f
COPY --link --chown=app:grp f /b/f
END
    build_ok
    in_image stat -c '%u:%g' /a /a/f /b /b/f
    expect_output '12:34
12:34
12:56
12:56'
    build_ok --build-arg BASE=newer --build-arg OTHER=1
    [ "$(copies_cached)" = 2 ]
    build_ok --build-arg ID=13
    [ "$(copies_cached)" = 0 ]
    in_image stat -c '%u:%g' /a/f
    expect_output '13:34'
}

@test "an unknown name in --chown is an error that says where it was looked for" {
    echo x >"$DIR/f"
    for base in busybox scratch; do
        printf 'FROM %s\nCOPY --link --chown=nosuch f /f\n' $base >"$DIR/Dockerfile"
        build
        expect_status 1
        expect_contains 'Dockerfile:2' '--chown=nosuch: unable to find user nosuch: no matching entries in passwd file' /etc/passwd
    done
}

@test "the image is the one that is built without --link" {
    mkdir -p "$DIR/d/e" "$DIR/d/sub"
    echo one >"$DIR/d/one"
    ln -s one "$DIR/d/soft"
    ln "$DIR/d/one" "$DIR/d/sub/hard"
    mkfifo "$DIR/d/fifo"
    touch -d '2001-02-03' "$DIR/d/one" "$DIR/d/e"
    for link in '' --link; do
        cat >"$DIR/Dockerfile" <<END
FROM busybox
WORKDIR /w
COPY $link d .
COPY $link --exclude=sub d /excluded/
COPY $link --parents d/./sub/h* d/o** /kept/
END
        SOURCE_DATE_EPOCH=1000000000 build_ok -o type=tar,dest="$BATS_TEST_TMPDIR/image$link.tar"
        tar --numeric-owner --full-time -tvf "$BATS_TEST_TMPDIR/image$link.tar" >"$BATS_TEST_TMPDIR/tree$link"
    done
    grep -q ' w/one$' "$BATS_TEST_TMPDIR/tree"
    diff "$BATS_TEST_TMPDIR/tree" "$BATS_TEST_TMPDIR/tree--link"
}

@test "an image outlives the base and the builds its layers were shared with" {
    export CBUILD_ROOT=$BATS_TEST_TMPDIR/store
    cp -a "$STORE" "$CBUILD_ROOT"
    echo shared >"$DIR/f"
    printf 'ARG BASE=busybox\nFROM $BASE\nCOPY --link f /f\n' >"$DIR/Dockerfile"
    build_ok -t first
    build_ok --build-arg BASE=newer -t second
    "$CBUILD" rmi first img
    "$CBUILD" builder prune -af || "$CBUILD" prune -af
    run "$CBUILD" run --rm --network none second cat /f
    expect_output shared
    fsck_clean
}

@test "a passwd file that is none is an error, wherever the link leads" {
    echo x >"$DIR/f"
    for make in 'mkfifo /etc/passwd' 'ln -s /dev/zero /etc/passwd' 'ln -s passwd /etc/passwd' 'mkdir /etc/passwd'; do
        printf 'FROM busybox\nRUN rm /etc/passwd; %s\nCOPY --link --chown=u f /f\n' "$make" >"$DIR/Dockerfile"
        build
        expect_status 1
        expect_contains 'Dockerfile:3' '--chown=u: unable to find user u'
    done
    dockerfile <<'END'
FROM busybox
RUN mkdir /names && echo u:x:5:6::/: >/names/p && ln -sf ../names/p /etc/passwd
COPY --link --chown=u f /f
END
    build_ok
    in_image stat -c %u:%g /f
    expect_output 5:6
}
