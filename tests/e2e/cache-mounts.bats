#!/usr/bin/env bats
# RUN --mount=type=cache: who shares what, when it starts anew, and `cbuild cache`.
load helpers
load helpers-registry

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }
teardown() { stop_registry; }

# Builds one step with this cache and says what it printed: step FLAGS COMMAND [OPTION…]
step() {
    local flags=$1 command=$2
    shift 2
    printf 'FROM busybox\nARG N\nRUN --mount=type=cache,%s %s\n' "$flags" "$command" >"$DIR/Dockerfile"
    build_ok --build-arg "N=$RANDOM$RANDOM" "$@"
}
# What `cache ls` knows of an id, by a jq expression on the list.
known() {
    "$CBUILD" cache ls --format json | jq -c --arg id "$1" "[.[] | select(.id == \$id)] | $2"
}

@test "the id of a cache is its target as written, cleaned, whatever WORKDIR is" {
    dockerfile <<'END_OF_FILE'
FROM busybox
WORKDIR /a
RUN --mount=type=cache,target=rel/./cache echo one > rel/cache/x
WORKDIR /b
RUN --mount=type=cache,target=rel/cache cat rel/cache/x > /one
RUN --mount=type=cache,id=rel/cache,target=/elsewhere cat /elsewhere/x > /two
RUN --mount=type=cache,target=/b/rel/cache [ ! -e /b/rel/cache/x ] && touch /three
END_OF_FILE
    build_ok
    in_image cat /one /two /three
    expect_output "$(printf 'one\none')"
    [ "$(known rel/cache length)" = 1 ]
}

@test "BUILDKIT_CACHE_MOUNT_NS keeps caches of one id apart" {
    step id=spaced,target=/c 'echo plain > /c/x'
    step id=spaced,target=/c 'ls /c > /seen; echo other > /c/x' --build-arg BUILDKIT_CACHE_MOUNT_NS=team
    in_image cat /seen
    expect_output ''
    step id=spaced,target=/c 'cat /c/x > /seen' --build-arg BUILDKIT_CACHE_MOUNT_NS=team
    in_image cat /seen
    expect_output other
    step id=spaced,target=/c 'cat /c/x > /seen'
    in_image cat /seen
    expect_output plain
}

@test "mode, uid and gid count when a cache is made, and name another one" {
    step id=own,target=/c,mode=0750,uid=7,gid=8 'stat -c "%a %u:%g" /c > /made; chmod 700 /c; touch /c/kept'
    in_image cat /made
    expect_output '750 7:8'
    step id=own,target=/c,mode=0750,uid=7,gid=8 'stat -c %a /c > /again; ls /c >> /again'
    in_image cat /again
    expect_output "$(printf '700\nkept')"
    step id=own,target=/c 'stat -c "%a %u:%g" /c > /plain; ls /c >> /plain'
    in_image cat /plain
    expect_output '755 0:0'
    [ "$(known own length)" = 2 ]
}

@test "--no-cache starts those anew that start as something, and leaves plain ones alone" {
    step id=plain,target=/c 'echo old > /c/x'
    step id=owned,target=/c,uid=5 'echo old > /c/x'
    step id=seeded,target=/c,from=busybox,source=/etc 'echo old > /c/x; [ -e /c/passwd ]'
    cat >"$DIR/Dockerfile" <<'END_OF_FILE'
FROM busybox
RUN --mount=type=cache,id=plain,target=/c cat /c/x > /plain
RUN --mount=type=cache,id=owned,target=/c,uid=5 ls /c > /owned; echo new > /c/x
RUN --mount=type=cache,id=owned,target=/c,uid=5 cat /c/x > /same-build
RUN --mount=type=cache,id=seeded,target=/c,from=busybox,source=/etc ls /c > /seeded
END_OF_FILE
    build_ok --no-cache
    in_image cat /plain /owned /same-build
    expect_output "$(printf 'old\nnew')"
    in_image cat /seeded
    expect_contains passwd
    run "$CBUILD" run --rm --network none img grep -x x /seeded
    expect_status 1
    step id=owned,target=/c,uid=5 'cat /c/x > /after'
    in_image cat /after
    expect_output new
}

@test "a cache that a read-only mount shows cannot be written, and is not in the image" {
    step id=ro,target=/c 'echo x > /c/x'
    step id=ro,target=/c,ro 'cat /c/x > /x; touch /c/y 2>&1 | grep -o "Read-only file system" >> /x'
    in_image cat /x
    expect_output "$(printf 'x\nRead-only file system')"
    in_image sh -c '[ ! -e /c ] && echo absent'
    expect_output absent
}

@test "two mounts of one id in a step are one directory" {
    step 'id=two,target=/a --mount=type=cache,id=two,target=/b,sharing=locked' 'echo x > /a/x; cp /b/x /x'
    in_image cat /x
    expect_output x
}

@test "locked users come one after the other, also from several builds at once" {
    local i pids=()
    for i in 1 2 3 4; do
        mkdir "$DIR/$i"
        printf 'FROM busybox\nRUN --mount=type=cache,id=counter,target=/c,sharing=locked n=$(cat /c/n 2>/dev/null || echo 0); for i in 1 2 3 4 5 6 7 8; do :; done; echo $((n + 1)) > /c/n; echo %s\n' "$i" >"$DIR/$i/Dockerfile"
        "$CBUILD" build --progress=quiet "$DIR/$i" >/dev/null 2>&1 &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i"; done
    step id=counter,target=/c 'cp /c/n /n'
    in_image cat /n
    expect_output 4
}

@test "private users that meet have directories of their own" {
    dockerfile <<'END_OF_FILE'
FROM busybox AS a
RUN --mount=type=cache,id=meet,target=/m --mount=type=cache,id=priv,target=/c,sharing=private \
    ls /c > /seen; echo a > /c/a; touch /m/a; until [ -e /m/b ]; do :; done
FROM busybox AS b
RUN --mount=type=cache,id=meet,target=/m --mount=type=cache,id=priv,target=/c,sharing=private \
    ls /c > /seen; echo b > /c/b; touch /m/b; until [ -e /m/a ]; do :; done
FROM busybox
COPY --from=a /seen /a
COPY --from=b /seen /b
END_OF_FILE
    build_ok --jobs 4
    in_image cat /a /b
    expect_output ''
    [ "$(known priv length)" = 2 ]
}

@test "locked caches are taken in one order, so that two steps never wait for each other" {
    local x y
    step id=order-x,target=/x 'true'
    step id=order-y,target=/y 'true'
    x=$CBUILD_ROOT/cache-mounts/$(known order-x '.[0].name' | tr -d '"').lock
    y=$CBUILD_ROOT/cache-mounts/$(known order-y '.[0].name' | tr -d '"').lock
    printf 'FROM busybox\nRUN --mount=type=cache,id=order-y,target=/y,sharing=locked --mount=type=cache,id=order-x,target=/x,sharing=locked true\n' >"$DIR/Dockerfile"
    exec 9>>"$x"
    flock -x 9
    "$CBUILD" build --no-cache "$DIR" 2>"$BATS_TEST_TMPDIR/progress" 9>&- &
    pid=$!
    wait_until grep -q '^#[0-9]* waiting for cache mount `order-x`' "$BATS_TEST_TMPDIR/progress"
    flock -n -x "$y" true
    flock -u 9
    wait "$pid"
}

@test "a source that leads outside ends at the cache's own root" {
    step 'id=../../../escape,target=/c' 'mkdir -p /c/d; echo inside > /c/d/f; ln -s ../../../../../../d /c/out'
    step 'id=../../../escape,target=/c,source=../../out' 'cat /c/f > /f'
    in_image cat /f
    expect_output inside
}

@test "a source that is exchanged for a link while it is mounted never shows what is outside" {
    echo outside >"$BATS_TEST_TMPDIR/f"
    step id=race,target=/c "mkdir /c/d; echo inside > /c/d/f; ln -s $BATS_TEST_TMPDIR /c/l"
    python3 - "$(dirname "$STORE"/cache-mounts/*/l)" "$BATS_TEST_TMPDIR/stop" <<'END' &
import ctypes, os, sys
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None)
parent = os.getppid()
while os.getppid() == parent and not os.path.exists(sys.argv[2]):
    for _ in range(1000):
        libc.renameat2(-100, b"d", -100, b"l", 2)
END
    swapper=$!
    printf 'FROM busybox\nRUN --mount=type=cache,id=race,source=d,target=/m cat /m/f\n' | dockerfile
    for i in $(seq 20); do
        build --no-cache
        [ "$status" -le 1 ] || break
        expect_lacks outside || break
    done
    : >"$BATS_TEST_TMPDIR/stop"
    wait "$swapper"
    expect_lacks outside
    [ "$status" -le 1 ]
}

@test "--cache-mount keeps a cache in a directory of the host" {
    step id=npm,target=/c 'echo store > /c/x'
    step id=npm,target=/c 'ls /c > /seen; echo host > /c/y' --cache-mount "npm=$BATS_TEST_TMPDIR/npm"
    in_image cat /seen
    expect_output ''
    [ "$(cat "$BATS_TEST_TMPDIR/npm/y")" = host ]
    step target=/root/.cache,sharing=private 'echo z > /root/.cache/z' --cache-mount "/root/.cache=$BATS_TEST_TMPDIR/npm"
    [ "$(cat "$BATS_TEST_TMPDIR/npm/z")" = z ]
    build --cache-mount npm
    expect_status 1
    expect_contains '--cache-mount' 'ID=DIRECTORY'
    step id=npm,target=/c 'cp /c/x /x'
    in_image cat /x
    expect_output store
}

@test "ls shows ids, sizes and what is in use, rm and prune leave that alone" {
    step id=big,target=/c 'head -c 3000000 /dev/zero > /c/zeros'
    cbuild cache ls
    expect_contains NAME 'big ' '3MB' ' ago'
    [ "$(known big '.[0].bytes >= 3000000 and (.[0].busy | not)')" = true ]
    cbuild cache ls --format '{{.ID}} {{.Busy}} {{ge .Bytes 3000000}}'
    expect_contains 'big false true'
    printf 'FROM busybox\nRUN --mount=type=cache,id=big,target=/c touch /c/started; until [ -e /c/go ]; do :; done\n' >"$DIR/Dockerfile"
    "$CBUILD" build --progress=quiet --cache-mount "flag=$BATS_TEST_TMPDIR" "$DIR" >/dev/null 2>&1 &
    pid=$!
    dir=$STORE/cache-mounts/$(known big '.[0].name' | tr -d '"')
    wait_until [ -e "$dir/started" ]
    [ "$(known big '.[0].busy')" = true ]
    cbuild cache rm big
    expect_status 1
    expect_contains 'in use'
    cbuild cache prune -f
    expect_status 0
    [ -e "$dir/zeros" ]
    touch "$dir/go"
    wait "$pid"
    cbuild cache prune -f --unused 1h
    expect_status 0
    [ -e "$dir/zeros" ]
    cbuild cache rm id=big
    expect_contains Deleted
    [ ! -e "$dir" ]
    cbuild cache rm big
    expect_status 1
    expect_contains 'no cache mount `big`' 'cbuild cache ls'
    cbuild cache prune -f
    expect_contains 'Total reclaimed space'
    [ "$("$CBUILD" cache ls --format json | jq length)" = 0 ]
    run ls -A "$STORE/cache-mounts"
    expect_output ''
}

@test "export and import: a tar in any compression, with owners, modes, times and links" {
    step id=moved,target=/c 'mkdir -m 700 /c/d; echo text > /c/d/f; chown 3:4 /c/d/f; chmod 4755 /c/d/f; ln /c/d/f /c/hard; ln -s d/f /c/soft; touch -d "2001-02-03 04:05:06" /c/d/f'
    "$CBUILD" cache export id=moved "$BATS_TEST_TMPDIR/moved.tar"
    "$CBUILD" cache export moved "$BATS_TEST_TMPDIR/moved.tar.gz"
    "$CBUILD" cache export moved >"$BATS_TEST_TMPDIR/moved.tar.zst"
    [ "$(head -c 4 "$BATS_TEST_TMPDIR/moved.tar.zst" | od -An -tx1 | tr -d ' ')" = 28b52ffd ]
    run tar -tvzf "$BATS_TEST_TMPDIR/moved.tar.gz" --numeric-owner
    expect_contains './' '-rwsr-xr-x 3/4' '2001-02-03' 'hard link to d/f' 'soft -> d/f'
    for form in tar tar.gz tar.zst; do
        step id=moved,target=/c 'rm -rf /c/*; touch /c/stale'
        "$CBUILD" cache import moved "$BATS_TEST_TMPDIR/moved.$form"
        step id=moved,target=/c 'ls -A /c > /list; stat -c "%a %u:%g %h %Y" /c/d/f >> /list; readlink /c/soft >> /list; stat -c %a /c/d >> /list'
        in_image cat /list
        expect_output "$(printf 'd\nhard\nsoft\n4755 3:4 2 981173106\nd/f\n700')"
    done
    "$CBUILD" cache import id=fresh - <"$BATS_TEST_TMPDIR/moved.tar.zst"
    step id=fresh,target=/c 'cat /c/hard > /x'
    in_image cat /x
    expect_output text
    run ls -A "$STORE/tmp"
    expect_output ''
}

@test "import is all or nothing, and a hostile archive stays inside" {
    step id=safe,target=/c 'echo old > /c/x'
    head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/noise"
    cbuild cache import safe "$BATS_TEST_TMPDIR/noise"
    expect_status 1
    python3 - "$BATS_TEST_TMPDIR" <<'END_OF_PYTHON'
import io, sys, tarfile
def write(name, entries, cut=None):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, kind, value in entries:
            info = tarfile.TarInfo(path)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(value)
                tar.addfile(info, io.BytesIO(value))
            else:
                info.linkname = value
                tar.addfile(info)
    open(f"{sys.argv[1]}/{name}", "wb").write(buffer.getvalue()[:cut])
write("cut.tar", [("a", tarfile.REGTYPE, b"x" * 100000)], 50000)
write("evil.tar", [("link", tarfile.SYMTYPE, sys.argv[1] + "/canary"), ("link/f", tarfile.REGTYPE, b"evil")])
write("dots.tar", [("../../../../../.." + sys.argv[1] + "/canary/g", tarfile.REGTYPE, b"evil")])
END_OF_PYTHON
    mkdir "$BATS_TEST_TMPDIR/canary"
    cbuild cache import safe "$BATS_TEST_TMPDIR/cut.tar"
    expect_status 1
    step id=safe,target=/c 'cp /c/x /x'
    in_image cat /x
    expect_output old
    cbuild cache import evil "$BATS_TEST_TMPDIR/evil.tar"
    expect_status 0
    cbuild cache import evil "$BATS_TEST_TMPDIR/dots.tar"
    expect_status 1
    run ls -A "$BATS_TEST_TMPDIR/canary"
    expect_output ''
    run ls -A "$STORE/tmp"
    expect_output ''
}

@test "a cache travels as an image: exported, pushed, imported elsewhere, or used as a seed" {
    start_registry
    step id=ship,target=/c 'mkdir /c/d; echo cargo > /c/d/f'
    "$CBUILD" cache export ship --image "$REGISTRY/caches/ship:1"
    "$CBUILD" push -q "$REGISTRY/caches/ship:1"
    "$CBUILD" cache export ship --image ship:local
    cbuild cache import copied --image ship:local
    expect_status 0
    expect_contains 'loading docker.io/library/ship:local'
    expect_lacks warning
    [ "$(known copied length)" = 1 ]
    other=$BATS_TEST_TMPDIR/other
    CBUILD_ROOT=$other "$CBUILD" cache import ship --image "$REGISTRY/caches/ship:1"
    [ "$(cat "$other"/cache-mounts/*/d/f)" = cargo ]
    rm -rf --one-file-system "$other"
    step "id=new,target=/c,from=$REGISTRY/caches/ship:1" 'cp /c/d/f /f'
    in_image cat /f
    expect_output cargo
    cbuild cache import ship --image "$REGISTRY/caches/absent"
    expect_status 1
    cbuild cache export ship --image x file
    expect_status 1
    expect_contains 'cannot go together'
}

@test "an id that stands for several caches has to be chosen from by name" {
    step id=many,target=/c 'touch /c/plain'
    step id=many,target=/c,uid=9 'touch /c/owned'
    cbuild cache export many "$BATS_TEST_TMPDIR/many.tar"
    expect_status 1
    expect_contains 'stands for 2 cache mounts' 'choose by name'
    name=$(known many '.[] | select(.variant != "") | .name' | tr -d '"')
    "$CBUILD" cache export "${name:0:12}" "$BATS_TEST_TMPDIR/many.tar"
    run tar -tf "$BATS_TEST_TMPDIR/many.tar"
    expect_contains owned
    cbuild cache rm many
    expect_status 0
    [ "$(known many length)" = 0 ]
}
