#!/usr/bin/env bats
# Killed, interrupted, starved, run side by side: the store stays sound and the next command works.
load helpers
load helpers-hostile

setup_file() { cb_store; canary_lay; }
teardown_file() {
    canary_remove
    cb_drop_store
}
setup() { cb_dir; }

# A build of several kinds of steps whose result depends on nothing else: the digest must be the same each time.
steady() {
    export SOURCE_DATE_EPOCH=1700000000
    head -c 200000 /dev/zero | openssl enc -aes-128-ctr -K 0 -iv 0 2>/dev/null >"$DIR/data"
    touch -d @1 "$DIR/data"
    cat >"$DIR/Dockerfile" <<'END'
FROM base
COPY data /data
RUN for i in 1 2 3 4 5 6 7 8 9; do echo $i > /f$i; done; touch -d @1 /f* /
RUN --mount=type=cache,target=/c echo x >> /c/x; echo two > /two; touch -d @1 /two /
RUN rm /f1; mkdir -p /d/e && mv /f2 /d/e/f2 && touch -d @1 /d/e /d /
END
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/base.tar" busybox
    export CBUILD_ROOT=$CB_WORK/faulty
    rm -rf "$CBUILD_ROOT"
}
teardown() {
    unmount_below "$BATS_TEST_TMPDIR"
    rm -rf --one-file-system "$CB_WORK/faulty"
}
load_base() {
    "$CBUILD" load -q -i "$BATS_TEST_TMPDIR/base.tar" >/dev/null
    "$CBUILD" tag busybox base
}

@test "kill -9 at 40 random points of load and build: the store is sound, the result the same" {
    steady
    load_base
    wanted=$("$CBUILD" build -q --network=none "$DIR")
    # kills each command after a random time; a process group of its own takes all of its processes
    run python3 - "$CBUILD" "$BATS_TEST_TMPDIR/base.tar" "$DIR" "$CBUILD_ROOT" <<'END'
import os, random, shutil, signal, subprocess, sys
cbuild, base, context, root = sys.argv[1:]
random.seed(40)
for turn in range(40):
    if turn % 10 == 0:
        shutil.rmtree(root)
    for command in (["load", "-q", "-i", base], ["tag", "busybox", "base"], ["build", "-q", "--network=none", context]):
        process = subprocess.Popen([cbuild] + command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(random.random() * 0.1)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if os.path.exists(os.path.join(root, "format")):
        done = subprocess.run([cbuild, "fsck", "--deep"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (turn, done)
END
    expect_status 0
    load_base
    run "$CBUILD" build -q --network=none "$DIR"
    expect_output "$wanted"
    run grep -c -F "$CBUILD_ROOT" /proc/mounts
    expect_output 0
    run find "$CBUILD_ROOT/tmp" "$CBUILD_ROOT/ingest" "$CBUILD_ROOT/leases" -mindepth 1
    expect_output ''
}

@test "SIGINT and SIGTERM at random points: gone within two seconds, nothing left" {
    steady
    load_base
    printf 'RUN sleep 100\n' >>"$DIR/Dockerfile"
    run python3 - "$CBUILD" "$DIR" <<'END'
import random, signal, subprocess, sys
random.seed(20)
for turn in range(20):
    process = subprocess.Popen([sys.argv[1], "build", "--progress=plain", "--network=none", "--no-cache", sys.argv[2]],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(0.02 + random.random() * 0.3)
    except subprocess.TimeoutExpired:
        pass
    which = random.choice((signal.SIGINT, signal.SIGTERM))
    process.send_signal(which)
    try:
        status = process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert status in (128 + which, -which), (turn, which, status)
END
    expect_status 0
    run grep -c -F "$CBUILD_ROOT" /proc/mounts
    expect_output 0
    run find "$CBUILD_ROOT/tmp" "$CBUILD_ROOT/leases" -mindepth 1
    expect_output ''
    fsck_clean
}

@test "eight builds side by side while images and cache are removed: none fails, all agree" {
    steady
    load_base
    for i in 1 2 3 4 5 6 7 8; do
        (
            for turn in 1 2 3; do
                timeout 60 "$CBUILD" build -q --no-cache --network=none -t "img$i" "$DIR" || echo "failed: $?"
            done
        ) >"$BATS_TEST_TMPDIR/out$i" 2>&1 &
    done
    for turn in $(seq 15); do
        timeout 60 "$CBUILD" prune -a -f >/dev/null || echo "prune failed" >"$BATS_TEST_TMPDIR/outp"
        timeout 60 "$CBUILD" rmi -f "img$((turn % 8 + 1))" >/dev/null 2>&1 || echo "rmi failed" >"$BATS_TEST_TMPDIR/outr"
    done
    wait
    run sh -c "cat '$BATS_TEST_TMPDIR'/out* | sort -u"
    [ "$(printf '%s\n' "$output" | wc -l)" -eq 1 ] || { echo "$output"; return 1; }
    expect_contains sha256:
    fsck_clean
}

@test "a full disk and no inodes left: named, sound, and fine after making room" {
    image=$BATS_TEST_TMPDIR/disk.img
    mnt=$BATS_TEST_TMPDIR/mnt
    mkdir "$mnt"
    printf 'FROM busybox\nRUN i=0; while [ $i -lt 2000 ]; do echo > /f$i || exit 1; i=$((i+1)); done\n' | dockerfile
    truncate -s 40M "$image"
    mkfs.ext4 -q -F -N 600 "$image"
    mount -o loop "$image" "$mnt"
    export CBUILD_ROOT=$mnt/store
    "$CBUILD" import "$CB_BASES/busybox.tar" busybox >/dev/null
    run timeout 60 "$CBUILD" build --progress=plain --network=none "$DIR"
    failed=$status text=$output
    run timeout 60 "$CBUILD" fsck --deep
    sound=$status
    printf 'FROM busybox\nCOPY big /\n' | dockerfile
    head -c 60000000 /dev/zero >"$DIR/big"
    run timeout 60 "$CBUILD" build --progress=plain --network=none "$DIR"
    big=$status bigtext=$output
    run timeout 60 "$CBUILD" load -i <(head -c 100000000 /dev/zero)
    loaded=$status
    run timeout 60 "$CBUILD" prune -a -f
    pruned=$status
    printf 'FROM busybox\nRUN echo small > /small\n' | dockerfile
    run timeout 60 "$CBUILD" build --progress=plain --network=none "$DIR"
    again=$status
    umount "$mnt"
    [ "$failed $sound $big $loaded $pruned $again" = '1 0 1 1 0 0' ]
    output=$text
    expect_contains 'No space left on device' 'Dockerfile:2:'
    output=$bigtext
    expect_contains 'no space left on device'
}

@test "a disk that is full from any moment of create on: no filesystem is kept for a container that was never made" {
    gcc -shared -fPIC -O1 -o "$DIR/fail-at.so" "$CB_TOP/tests/stress/fail-at.c"
    export CBUILD_ROOT=$CB_WORK/faulty
    "$CBUILD" import "$CB_BASES/busybox.tar" busybox >/dev/null
    layers=$(ls "$CBUILD_ROOT/snapshots")
    refused=0
    for at in $(seq 24 8 160); do
        head -c 8 /dev/zero >"$DIR/count"
        CB_FAIL_COUNT=$DIR/count CB_FAIL_AT=$at CB_FAIL_ONWARD=1 LD_PRELOAD=$DIR/fail-at.so \
            ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0" \
            run "$CBUILD" create --name full --network none -v named:/n -v /anonymous busybox true
        [ "$status" -eq 0 ] || refused=$((refused + 1))
        "$CBUILD" rm -f -v full >/dev/null 2>&1
        "$CBUILD" volume prune -af >/dev/null
        "$CBUILD" system prune -f >/dev/null
        run ls "$CBUILD_ROOT/snapshots"
        expect_output "$layers"
        run ls "$CBUILD_ROOT/containers" "$CBUILD_ROOT/volumes"
        expect_lacks full named
    done
    [ "$refused" -gt 5 ]
    fsck_clean
}

@test "without /proc nothing is said to be done that is not, and the reason is given" {
    # any failure is 1: bats takes 127 for a mistake of its own
    without_proc() { run timeout 60 unshare -m sh -c 'umount -l /proc && "$@" || exit 1' - "$CBUILD" "$@"; }
    "$CBUILD" run -d --name runs --network none busybox sleep 1000 >/dev/null
    for command in 'stop -t 0' 'rm -f' kill wait; do
        without_proc $command runs
        expect_status 1
        expect_contains '/proc is not mounted'
    done
    without_proc run -d --network none busybox true
    expect_status 1
    expect_contains 'hint: /proc is not mounted'
    cbuild ps --format '{{.Names}} {{.State}}'
    expect_output 'runs running'
    cb_drop_containers
}

@test "few descriptors, little stack, a limit on file sizes: it works, or says what is short" {
    printf 'FROM busybox\nCOPY Dockerfile /x\nRUN cat /x\n' | dockerfile
    run sh -c 'ulimit -n 64 -s 512; exec "$0" build --no-cache --progress=plain --network=none "$1"' "$CBUILD" "$DIR"
    expect_status 0
    run sh -c 'ulimit -n 14; exec timeout 60 "$0" build --no-cache --progress=plain --network=none "$1"' "$CBUILD" "$DIR"
    [ "$status" -le 1 ]
    head -c 3000000 /dev/zero >"$DIR/big"
    printf 'FROM busybox\nCOPY big /x\n' | dockerfile
    run sh -c 'ulimit -f 1000; exec timeout 60 "$0" build --no-cache --progress=plain --network=none "$1"' "$CBUILD" "$DIR"
    expect_status 1
    expect_contains 'file too large'
    fsck_clean
}

@test "closed and full standard files" {
    printf 'FROM busybox\nCOPY Dockerfile /x\nRUN cat /x\n' | dockerfile
    "$CBUILD" build -q --network=none -t img "$DIR" <&- >&- 2>&-
    "$CBUILD" build --progress=plain --network=none --no-cache -t img "$DIR" <&- >&- 2>/dev/null
    in_image cat /x
    for command in images 'inspect img' 'history img' 'save img' df 'build -q -' version --version --help 'help build' 'build --help'; do
        run sh -c '"$0" '"$command"' < "$1/Dockerfile" > /dev/full' "$CBUILD" "$DIR"
        [ "$status" -eq 1 ] || { echo "$command: status $status: $output"; return 1; }
    done
    run bash -o pipefail -c '"$0" save img | head -c 10 > /dev/null' "$CBUILD"
    expect_status 141
    expect_output ""
    fsck_clean
}

@test "a store on tmpfs works, on overlay with fuse-overlayfs, without it the reason is given" {
    command -v mount >/dev/null
    mnt=$BATS_TEST_TMPDIR/mnt
    mkdir -p "$mnt" "$BATS_TEST_TMPDIR/l" "$CB_WORK/faulty/u" "$CB_WORK/faulty/w"
    printf 'FROM busybox\nRUN echo x > /x\n' | dockerfile
    mount -t tmpfs -o size=100m none "$mnt"
    CBUILD_ROOT=$mnt/s "$CBUILD" import "$CB_BASES/busybox.tar" busybox
    CBUILD_ROOT=$mnt/s run timeout 60 "$CBUILD" build --progress=plain --network=none "$DIR"
    first=$status
    CBUILD_ROOT=$mnt/s run timeout 60 "$CBUILD" fsck --deep
    second=$status
    umount "$mnt"
    [ "$first $second" = '0 0' ]
    mount -t overlay -o "lowerdir=$BATS_TEST_TMPDIR/l,upperdir=$CB_WORK/faulty/u,workdir=$CB_WORK/faulty/w" none "$mnt"
    CBUILD_ROOT=$mnt/s "$CBUILD" import "$CB_BASES/busybox.tar" busybox
    CBUILD_ROOT=$mnt/s run timeout 60 "$CBUILD" build --progress=plain --network=none "$DIR"
    first=$status
    CBUILD_STORAGE_DRIVER=overlay CBUILD_ROOT=$mnt/o run "$CBUILD" import "$CB_BASES/busybox.tar" busybox
    umount "$mnt"
    [ "$first" = 0 ]
    expect_status 1
    expect_contains 'not supported as upperdir' 'hint:'
}

@test "a read-only store can be looked at and saved from, and refuses the rest by name" {
    mnt=$BATS_TEST_TMPDIR/mnt
    mkdir "$mnt"
    mount --bind "$STORE" "$mnt"
    mount -o remount,bind,ro "$mnt"
    results=
    for command in images 'inspect busybox' 'history busybox' df 'fsck --deep' 'save -o /dev/null busybox'; do
        run timeout 60 "$CBUILD" --root "$mnt" $command
        results+="$status "
        [ "$status" -eq 0 ] || echo "$command: $output"
    done
    for command in 'prune -a -f' 'tag busybox x' 'rmi busybox' "load -i $CB_BASES/busybox.tar" "import $CB_BASES/busybox.tar x"; do
        run timeout 60 "$CBUILD" --root "$mnt" $command
        results+="$status "
        case $output in
        *read-only* | *readonly* | *archive*) ;;
        *) results+="($command: $output)" ;;
        esac
    done
    umount "$mnt"
    [ "$results" = '0 0 0 0 0 0 1 1 1 1 1 ' ] || { echo "$results"; return 1; }
}

@test "what is in a container is read out of a read-only store, and nothing put in" {
    mnt=$BATS_TEST_TMPDIR/mnt
    "$CBUILD" run --name ended --network none -v data:/data busybox sh -c 'echo written >/file; echo kept >/data/file; rm /etc/passwd'
    "$CBUILD" create --name fresh --network none busybox true >/dev/null
    mkdir "$mnt" "$BATS_TEST_TMPDIR/out"
    cd "$BATS_TEST_TMPDIR/out"
    mount --bind "$STORE" "$mnt"
    mount -o remount,bind,ro "$mnt"
    run bash -ec 'for what in ended:/file ended:/data/file fresh:/bin/busybox; do
            "$1" --root "$2" cp "$what" "${what##*/}"
            cat "${what##*/}" | head -c 9 | tr -d "\0"
        done
        for name in ended fresh; do
            "$1" --root "$2" export -o $name.tar $name
        done' - "$CBUILD" "$mnt"
    read_status=$status read_output=$output
    run "$CBUILD" --root "$mnt" cp file ended:/other
    put="$status $output"
    run "$CBUILD" --root "$mnt" rm fresh
    removed="$status $output"
    umount "$mnt"
    [ "$read_status" = 0 ] || { echo "$read_output"; return 1; }
    [ "$(head -n 2 <<<"$read_output")" = $'written\nkept' ]
    cmp "$BATS_TEST_TMPDIR/out/busybox" <("$CBUILD" export fresh | tar xO bin/busybox)
    [ "$(tar xOf ended.tar file)" = written ]
    not grep -x etc/passwd <(tar tf ended.tar)
    [[ $put == '1 '*'read-only file system' ]] || { echo "$put"; return 1; }
    [[ $removed == '1 '*'read-only'* ]] || { echo "$removed"; return 1; }
    "$CBUILD" rm ended fresh
    "$CBUILD" volume rm data
}

@test "a store that others may write is refused" {
    chmod 777 "$STORE"
    for command in images 'prune -f' fsck 'tag busybox x' "build $DIR"; do
        run "$CBUILD" $command
        [ "$status" -eq 1 ] || { echo "$command: $output"; chmod 700 "$STORE"; return 1; }
        expect_contains 'writable by others' 'hint:' || { chmod 700 "$STORE"; return 1; }
    done
    chmod 700 "$STORE"
    chown 12345 "$STORE"
    run "$CBUILD" images
    chown 0 "$STORE"
    expect_status 1
    expect_contains 'owned by uid 12345' 'hint:'
}

@test "flipped blobs: each is found, removed by repair, and healed by loading again" {
    steady
    load_base
    for i in 1 2 3 4 5 6 7 8 9 10; do
        printf 'FROM base\nLABEL n=%s\n' $i | "$CBUILD" build -q -t "img:$i" - >/dev/null
    done
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/all.tar" base $(printf 'img:%s ' 1 2 3 4 5 6 7 8 9 10)
    "$CBUILD" load -q -i "$BATS_TEST_TMPDIR/all.tar" >/dev/null
    fsck_clean
    flip_blobs
    count=$(find "$CBUILD_ROOT/blobs/sha256" -type f | wc -l)
    [ "$count" -ge 10 ]
    run "$CBUILD" fsck
    expect_status 1
    [ "$(grep -c sha256: <<<"$output")" -ge "$count" ]
    "$CBUILD" fsck --repair || true
    "$CBUILD" load -q -i "$BATS_TEST_TMPDIR/all.tar" >/dev/null
    fsck_clean
    "$CBUILD" save base | tar -t >/dev/null
}

@test "a torn index is an error with a way out, never a crash" {
    steady
    load_base
    "$CBUILD" fsck >/dev/null
    cp -a "$CBUILD_ROOT" "$CBUILD_ROOT.good"
    run python3 - "$CBUILD" "$CBUILD_ROOT" <<'END'
import os, random, shutil, subprocess, sys
cbuild, root = sys.argv[1:]
random.seed(3)
for turn in range(32):
    for name in os.listdir(root):
        if os.path.isfile(os.path.join(root, name)):
            os.unlink(os.path.join(root, name))
    for name in os.listdir(root + ".good"):
        if os.path.isfile(os.path.join(root + ".good", name)):
            shutil.copy2(os.path.join(root + ".good", name), root)
    path = os.path.join(root, random.choice(("meta.db", "meta.db-wal", "format", "meta.db")))
    if not os.path.exists(path):
        continue
    size = os.path.getsize(path)
    with open(path, "r+b") as index:
        if turn % 2:
            index.truncate(random.randrange(size + 1))
        else:
            index.seek(random.randrange(max(size, 1)))
            index.write(bytes(random.randrange(256) for _ in range(64)))
    for command in (["images"], ["fsck"], ["images", "-q"]):
        done = subprocess.run([cbuild] + command, capture_output=True, timeout=60)
        assert done.returncode in (0, 1), (turn, path, command, done)
        assert done.returncode == 0 or done.stderr or done.stdout, (turn, path, command)
END
    rm -rf "$CBUILD_ROOT.good"
    expect_status 0
}

@test "a newer format of the store is refused, not guessed at" {
    steady
    load_base
    echo 999 >"$CBUILD_ROOT/format"
    run "$CBUILD" images
    expect_status 1
    expect_contains format
}

@test "changes of one bit are misses, touching is a hit" {
    mkdir -p "$DIR/d/empty"
    echo x >"$DIR/d/f"
    ln -s f "$DIR/d/l"
    chmod 644 "$DIR/d/f"
    printf 'FROM busybox\nARG A=1\nENV E=1\nCOPY d /d\nRUN echo $A\n' | dockerfile
    misses() {
        build --network=none
        [ "$status" -eq 0 ] && [ "$(steps_run)" -ge 1 ] || { echo "a hit after: $1"; echo "$output"; return 1; }
        build --network=none
        [ "$(steps_run)" = 0 ] || { echo "a miss the second time: $1"; return 1; }
    }
    build_ok --network=none
    while read -r change; do
        (cd "$DIR" && eval "$change")
        misses "$change"
    done <<'END'
echo y > d/f
chmod 645 d/f
chmod 4645 d/f
rm d/l; ln -s g d/l
rm d/l; cp d/f d/l
rm d/l; ln d/f d/l2
mv d/f d/f2
mkdir d/empty2
chmod 701 d/empty
: > d/empty/x
printf '\0' > d/empty/x
setfattr -n user.a -v 1 d/f2
setfattr -n user.a -v 2 d/f2
rm d/empty/x
mkfifo d/pipe
sed -i 's/^COPY d/COPY --chown=1 d/' Dockerfile
sed -i 's/--chown=1/--chown=2/' Dockerfile
sed -i 's/--chown=2/--chmod=700/' Dockerfile
sed -i 's/A=1/A=2/' Dockerfile
sed -i 's/E=1/E=2/' Dockerfile
sed -i 's/echo $A/echo "$A"/' Dockerfile
sed -i 's/^RUN /SHELL ["ash", "-c"]\nRUN /' Dockerfile
sed -i 's/^RUN /USER 1\nRUN /' Dockerfile
sed -i 's/^RUN /WORKDIR \/w\nRUN /' Dockerfile
END
    touch "$DIR/d/f2" "$DIR/d" "$DIR/Dockerfile"
    build --network=none
    [ "$(steps_run)" = 0 ]
}

@test "an image with the history of a build is no cache for it" {
    printf 'FROM busybox\nRUN echo right > /x\n' | dockerfile
    printf 'FROM busybox\nRUN echo wrong > /x\n' | "$CBUILD" build -q --network=none -t wrong - >/dev/null
    mkdir "$BATS_TEST_TMPDIR/x"
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/wrong.tar" wrong
    run python3 - "$BATS_TEST_TMPDIR/wrong.tar" "$BATS_TEST_TMPDIR/forged.tar" <<'END'
import hashlib, io, json, sys, tarfile
with tarfile.open(sys.argv[1]) as tar:
    files = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
manifest = json.loads(files["manifest.json"])
config = files[manifest[0]["Config"]].replace(b"echo wrong", b"echo right")
manifest[0]["Config"], manifest[0]["RepoTags"] = "c.json", ["forged:latest"]
files = {"c.json": config, "manifest.json": json.dumps(manifest).encode(),
         **{name: files[name] for name in manifest[0]["Layers"]}}
with tarfile.open(sys.argv[2], "w") as tar:
    for name, data in files.items():
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
END
    expect_status 0
    "$CBUILD" load -q -i "$BATS_TEST_TMPDIR/forged.tar" >/dev/null
    build_ok --network=none
    in_image cat /x
    expect_output right
}

@test "odd arguments to every command: an answer, no crash, no raw bytes" {
    mkdir "$BATS_TEST_TMPDIR/empty"
    cd "$BATS_TEST_TMPDIR/empty"
    run python3 - "$CBUILD" <<'END'
import subprocess, sys
odd = [b"", b"-", b"--", b"---", b"-\xff", b"\xff\xfe", b"\x1b]0;x\x07", b"x" * 100000, b"--\x1b[2J", b"--root", b"--root=", b"-t",
       b"=", b"--=", b"%s%n%s", b"../..", b"--help=x", b"@", b":", b"sha256:", b"\n"]
commands = "build run images pull push tag rmi inspect history save load import explain builds df du prune fsck version".split()
def check(arguments):
    done = subprocess.run([sys.argv[1].encode()] + arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    said = done.stdout + done.stderr
    shown = [a[:40] for a in arguments]
    assert done.returncode in (0, 1, 125, 126, 127), (shown, done.returncode, said[-500:])
    assert not any(byte < 32 and byte not in (9, 10) for byte in said), (shown, said[:300])
    assert done.returncode == 0 or done.stderr, shown
for argument in odd:
    check([argument])
    for command in commands:
        check([command.encode(), argument])
        check([command.encode(), b"--", argument])
END
    expect_status 0
}
