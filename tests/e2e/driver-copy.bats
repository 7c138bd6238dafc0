#!/usr/bin/env bats
# Stores on file systems that neither overlay nor fuse-overlayfs can write to: layers are the same, trees are copies.
load helpers
load helpers-rootless

setup_file() {
    cb_users
    cb_store
    export COPIES=$CB_WORK/copies
    rm -rf --one-file-system "$COPIES"
    CBUILD_STORAGE_DRIVER=copy "$CBUILD" --root "$COPIES" import -c 'CMD ["sh"]' "$CB_BASES/busybox.tar" busybox:latest >/dev/null
}
teardown_file() {
    rm -rf --one-file-system "$COPIES"
    cb_drop_store
    cb_drop_users
}
layers() { # layers COMMAND…: the diff ids of img in the store of that cbuild
    "$@" inspect --format '{{range .RootFS.Layers}}{{println .}}{{end}}' img
}

# Owners, modes, links, pipes, names that go, come back, and become something else.
all_changes() {
    cat <<'END'
FROM busybox
RUN echo app:x:1234:1234::/home/app:/bin/sh >> /etc/passwd && mkdir -m 700 -p /home/app && chown 1234:1234 /home/app && mkdir -p /srv/a/b /gone/x /kind && echo x > /srv/a/b/f && chown -R 1234:65534 /srv && touch -d @1000000000 /kind /srv/a /srv
RUN echo root > /r && chown 33:44 /r && chmod 6755 /r && mkfifo /pipe && ln /r /r2 && ln /r /r3 && ln -s /r /link && echo file > /kind/file && mkdir -p /kind/dir/in && echo 1 > /kind/dir/in/one && touch -d @1000000000 /r /pipe / /kind /kind/dir /kind/dir/in /kind/file /kind/dir/in/one
COPY --chown=65534:1234 tree /tree
COPY --chmod=4711 tree/one /one
RUN rm -rf /gone && mkdir -p /gone && rm /r2 && mv /srv/a /srv/c && touch -d @1000000000 /gone /srv /
RUN rm /kind/file && mkdir /kind/file && echo 2 > /kind/file/two && rm -r /kind/dir && echo 3 > /kind/dir && touch -d @1000000000 /kind /kind/file /kind/file/two /kind/dir
RUN chown 0:0 /etc/group; chmod 600 /etc/shadow 2>/dev/null; : > /tmp/x; rm /tmp/x; touch -d @1000000000 /tmp
RUN rm /kind/file/two && touch -d @1000000000 /kind/file && mkdir /kind/opaque && rmdir /kind/opaque && touch -d @1000000000 /kind
USER app
WORKDIR /home/app
RUN id -u > ids; touch mine; mkdir -m 1777 sticky; touch -d @1000000000 ids mine sticky .
USER root
RUN rm -r /srv/c/b; mkdir /srv/c/b; touch -d @1000000000 /srv/c/b /srv/c
RUN : nothing
COPY --from=busybox --link /bin/busybox /busybox
RUN --mount=type=bind,from=busybox,source=/bin,target=/b,rw rm /b/ls; ls /bin/ls
END
}

@test "layers are what overlay makes of the same steps" {
    cb_dir
    all_changes >"$DIR/Dockerfile"
    mkdir -p "$DIR/tree/sub"
    echo 1 >"$DIR/tree/one"
    echo 2 >"$DIR/tree/sub/two"
    touch -d @1000000000 "$DIR/tree/sub/two" "$DIR/tree/sub" "$DIR/tree/one" "$DIR/tree"
    build_ok --network=none --build-arg SOURCE_DATE_EPOCH=1000000000
    CBUILD_ROOT=$COPIES build_ok --network=none --build-arg SOURCE_DATE_EPOCH=1000000000
    run layers "$CBUILD" --root "$COPIES"
    [ "${#lines[@]}" -ge 14 ]
    expect_output "$(layers "$CBUILD")"
    run "$CBUILD" --root "$COPIES" fsck --deep
    expect_status 0
    expect_contains ' 0 problems'
    # And again from the cache.
    CBUILD_ROOT=$COPIES build_ok --network=none --build-arg SOURCE_DATE_EPOCH=1000000000
    [ "$(steps_run)" = 0 ]
}

@test "a store on an overlay chooses it, says so, and works with neither devices nor overlay's marks" {
    local disk=$CB_WORK/on-overlay
    mkdir -p "$disk"/{lower,upper,work,merged}
    mount -t overlay -o "lowerdir=$disk/lower,upperdir=$disk/upper,workdir=$disk/work" overlay "$disk/merged"
    : >"$BATS_TEST_TMPDIR/nothing"
    cb_dir
    all_changes >"$DIR/Dockerfile"
    mkdir "$DIR/tree"
    echo 1 >"$DIR/tree/one"
    touch -d @1000000000 "$DIR/tree/one" "$DIR/tree"
    run unshare -m sh -eu -c 'mount --bind "$1" "$(command -v fuse-overlayfs)"
        cbuild="$2 --root $3/store"
        $cbuild import -c "CMD [\"sh\"]" "$4" busybox:latest
        $cbuild info
        $cbuild build -q --network none --build-arg SOURCE_DATE_EPOCH=1000000000 -t img "$5"
        $cbuild run --rm --network none img sh -c "ls /kind /srv /gone; cat /kind/dir"
        $cbuild fsck --deep' sh "$BATS_TEST_TMPDIR/nothing" "$CBUILD" "$disk/merged" "$CB_BASES/busybox.tar" "$DIR"
    layers "$CBUILD" --root "$disk/merged/store" >"$BATS_TEST_TMPDIR/layers" || true
    umount "$disk/merged"
    rm -rf "$disk"
    expect_status 0
    expect_contains 'Driver          copy (neither' 'Sandbox         works' ' 0 problems'
    build_ok --network=none --build-arg SOURCE_DATE_EPOCH=1000000000
    run cat "$BATS_TEST_TMPDIR/layers"
    expect_output "$(layers "$CBUILD")"
}

@test "a user's build gives root's layers" {
    shared_context < <(all_changes)
    mkdir "$DIR/tree"
    echo 1 >"$DIR/tree/one"
    touch -d @1000000000 "$DIR/tree/one" "$DIR/tree"
    chmod -R a+rX "$DIR"
    export ROOT_OF_USER=$USERS/cbtest/copies
    as_ok cbtest env CBUILD_STORAGE_DRIVER=copy cbuild import -c 'CMD ["sh"]' "$USERS/busybox.tar" busybox:latest
    as_ok cbtest cbuild build -q --network none --build-arg SOURCE_DATE_EPOCH=1000000000 -t img "$DIR"
    build_ok --network=none --build-arg SOURCE_DATE_EPOCH=1000000000
    run as cbtest cbuild inspect --format '{{range .RootFS.Layers}}{{println .}}{{end}}' img
    expect_output "$(layers "$CBUILD")"
    as_ok cbtest cbuild info
    expect_contains 'copy-userxattr' 'Sandbox         works'
    as_ok cbtest cbuild fsck --deep
}

@test "a build in a container without privileges, its store on the container's own files" {
    mkdir "$BATS_TEST_TMPDIR/in"
    cp "$CBUILD" "$BATS_TEST_TMPDIR/in/cbuild"
    cp "$CB_BASES/busybox.tar" "$BATS_TEST_TMPDIR/in/"
    printf 'FROM busybox\nRUN echo kept > /x; rm -r /usr/bin; mkdir /usr/bin\nRUN cat /x; ls /usr/bin\n' >"$BATS_TEST_TMPDIR/in/Dockerfile"
    run "$CBUILD" run --rm --network none --security-opt seccomp=unconfined -v "$BATS_TEST_TMPDIR/in:/in:ro" \
        -v /usr:/usr:ro -v /usr/lib:/lib:ro -v /usr/lib64:/lib64:ro busybox sh -ec '
        export CBUILD_ROOT=/store PATH=/bin
        /in/cbuild import /in/busybox.tar busybox:latest
        /in/cbuild info
        /in/cbuild build --progress=plain --network=none - </in/Dockerfile
        /in/cbuild fsck --deep'
    expect_status 0
    expect_contains 'Mode            rootless' 'copy-userxattr' 'Sandbox         works' ' kept' ' 0 problems'
}

@test "root of a container that may do nothing hears what the container lacks" {
    mkdir "$BATS_TEST_TMPDIR/in"
    cp "$CBUILD" "$BATS_TEST_TMPDIR/in/cbuild"
    run "$CBUILD" run --rm --network none -v "$BATS_TEST_TMPDIR/in:/in:ro" -v /usr:/usr:ro -v /usr/lib:/lib:ro -v /usr/lib64:/lib64:ro busybox \
        /in/cbuild images
    expect_status 1
    expect_contains 'without CAP_SYS_ADMIN a user namespace is needed' '--cap-add SYS_ADMIN --cap-add NET_ADMIN'
    expect_lacks 'as root'
}

@test "files that are read from a layer cannot be written to" {
    cb_dir
    dockerfile <<'END'
FROM busybox AS one
RUN echo one > /file
FROM one
RUN --mount=type=bind,from=one,source=/,target=/m (echo two > /m/file) 2>&1; cat /m/file
RUN --mount=type=bind,from=one,source=/,target=/m,rw echo two > /m/file; cat /m/file
RUN cat /file
END
    CBUILD_ROOT=$COPIES build_ok --network=none
    run sed -n 's/^#[0-9]* [0-9.]* //p' <<<"$output"
    [ "$output" = "$(printf "/bin/sh: can't create /m/file: Read-only file system\none\ntwo\none")" ] ||
        { echo "$output"; return 1; }
}

@test "diff, commit and cp of a container while it runs and afterwards" {
    export CBUILD_ROOT=$COPIES
    "$CBUILD" create --name box --network none busybox sh -c 'mkdir /new; echo x >/new/f; rm /etc/passwd; rm -r /root; mkdir /root; echo ready >/ready; sleep 1000' >/dev/null
    "$CBUILD" start box >/dev/null
    wait_until "$CBUILD" cp box:/ready -
    run "$CBUILD" diff box
    expect_output "$(printf 'C /etc\nD /etc/passwd\nA /new\nA /new/f\nA /ready\nC /root')"
    "$CBUILD" cp box:/new/f "$BATS_TEST_TMPDIR/f"
    [ "$(cat "$BATS_TEST_TMPDIR/f")" = x ]
    "$CBUILD" commit box made >/dev/null
    "$CBUILD" kill box >/dev/null
    "$CBUILD" start box >/dev/null
    "$CBUILD" rm -f box >/dev/null
    run "$CBUILD" run --rm --network none made sh -c 'cat /new/f; ls /etc/passwd /root'
    expect_contains 'x' '/etc/passwd: No such file'
}

@test "a build that is killed while it copies leaves nothing, and the next one works" {
    cb_dir
    export CBUILD_ROOT=$COPIES
    for delay in 0.01 0.03 0.06 0.1 0.2; do
        printf 'FROM busybox\nRUN echo %s > /a\nRUN echo b > /b; sleep 1000\n' "$delay" >"$DIR/Dockerfile"
        timeout -s KILL "$delay" "$CBUILD" build -q --network none "$DIR" >/dev/null 2>&1 || true
    done
    printf 'FROM busybox\nRUN echo a > /a\nRUN cat /a > /b; rm /a\n' >"$DIR/Dockerfile"
    build_ok --network=none
    in_image sh -c 'cat /b; test ! -e /a && echo gone'
    expect_output "$(printf 'a\ngone')"
    run "$CBUILD" fsck --deep
    expect_contains ' 0 problems'
    [ -z "$(ls "$COPIES/leases" "$COPIES/tmp" | grep -v :)" ]
    [ -z "$(find "$COPIES/snapshots" -name half)" ]
}

@test "a layer in which nothing is costs the steps after it nothing, and changes nothing" {
    cb_dir
    printf 'FROM busybox\nRUN true\nRUN echo x >/f; chmod 711 /\nRUN : 1\nRUN : 2\nRUN : 3\nRUN cat /f; stat -c %%a /; grep -o "lowerdir+=" /proc/self/mountinfo | wc -l\n' >"$DIR/Dockerfile"
    build_ok --network=none
    # the base, what made /f, and the topmost, which says what the root directory is
    run sed -n 's/^#[0-9]* [0-9.]* //p' <<<"$output"
    expect_output "$(printf 'x\n711\n3')"
    [ "$(layers "$CBUILD" | sort | uniq -c | sort -n | awk 'END { print $1 }')" -ge 4 ]
    printf 'RUN echo after >>/f; cat /f\n' >>"$DIR/Dockerfile"
    for root in "$STORE" "$COPIES"; do
        CBUILD_ROOT=$root build_ok --network=none
        expect_contains after
        run "$CBUILD" --root "$root" run --rm --network none img cat /f
        expect_output "$(printf 'x\nafter')"
    done
}
