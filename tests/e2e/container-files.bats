#!/usr/bin/env bats
# Files between containers and the host: cp in all its cases, of containers that run (run) and that do not (still).
load helpers

setup_file() {
    cb_store
    export HOST=$BATS_FILE_TMPDIR/host
    mkdir -p "$HOST/dir/sub" "$BATS_FILE_TMPDIR/bound"
    echo file >"$HOST/file"
    echo deep >"$HOST/dir/sub/deep"
    ln -s file "$HOST/link"
    for name in run still; do
        "$CBUILD" create --name $name --network none -v vol-$name:/vol -v "$BATS_FILE_TMPDIR/bound:/bound:ro" \
            busybox sh -c 'mkdir -p /made/sub; echo made >/made/file; ln -s file /made/link; ln /made/file /made/same; echo ready; exec sleep 1000' >/dev/null
    done
    "$CBUILD" start run >/dev/null
    wait_until sh -c "'$CBUILD' logs run | grep -q ready"
    mkdir "$BATS_FILE_TMPDIR/made"
    "$CBUILD" cp run:/made/. "$BATS_FILE_TMPDIR/made"
    "$CBUILD" cp "$BATS_FILE_TMPDIR/made" still:/
}
teardown_file() {
    "$CBUILD" rm -f run still >/dev/null
    cb_drop_store
}
setup() {
    cb_dir
    cd "$DIR"
}

in_run() { "$CBUILD" exec run "$@"; }

# both COMMAND…: with @ for the container's name, of both containers.
both() {
    local name
    for name in run still; do
        echo "of the container '$name':"
        "${@//@/$name}"
    done
}

fails() { # fails TEXT ARGUMENTS…: cp does, with the text
    local text=$1
    shift
    run "$CBUILD" cp "$@"
    expect_status 1
    expect_contains "$text"
}

@test "to a container: the eight cases" {
    cases() {
        local c=$1
        "$CBUILD" cp "$HOST/file" "$c:/new" # a file under a new name
        "$CBUILD" cp "$HOST/file" "$c:/new" # … over the old one
        "$CBUILD" cp "$HOST/file" "$c:/tmp" # into a directory
        "$CBUILD" cp "$HOST/dir" "$c:/copy" # a directory under a new name
        "$CBUILD" cp "$HOST/dir" "$c:/tmp"  # into a directory
        "$CBUILD" cp "$HOST/dir/." "$c:/tmp"
        "$CBUILD" cp "$HOST/dir/." "$c:/other"
        "$CBUILD" cp "$c:/new" got
        [ "$(cat got)" = file ]
        "$CBUILD" cp "$c:/tmp" tree
        [ "$(cd tree && find . | sort | tr '\n' ' ')" = '. ./dir ./dir/sub ./dir/sub/deep ./file ./sub ./sub/deep ' ]
        "$CBUILD" cp "$c:/copy" .
        [ "$(cat copy/sub/deep)" = deep ]
        "$CBUILD" cp "$c:/other/sub/deep" .
        [ "$(cat deep)" = deep ]
        fails 'copy '"$HOST"'/file to /missing: no such directory' "$HOST/file" "$c:/missing/"
        fails 'bad parameter: path cannot be empty' "$HOST/file" "$c:"
        fails "Could not find the file /missing in container $c" "$HOST/file" "$c:/missing/file"
        fails 'cannot copy directory' "$HOST/dir" "$c:/new"
        fails 'not a directory' "$HOST/file" "$c:/new/"
        fails 'not a directory' "$HOST/file/" "$c:/tmp"
        fails "lstat $HOST/none: no such file or directory" "$HOST/none" "$c:/tmp"
        rm -rf tree copy deep got
    }
    both cases @
}

@test "from a container: the eight cases" {
    cases() {
        local c=$1
        mkdir there && echo old >old
        "$CBUILD" cp "$c:/made/file" new
        "$CBUILD" cp "$c:/made/file" old
        [ "$(cat new old)" = "$(printf 'made\nmade')" ]
        "$CBUILD" cp "$c:/made/file" there
        "$CBUILD" cp "$c:/made" copied
        "$CBUILD" cp "$c:/made" there/
        "$CBUILD" cp "$c:made/." there
        [ "$(cd there && find . -type f | sort | tr '\n' ' ')" = './file ./made/file ./made/same ./same ' ]
        [ copied/file -ef copied/same ]
        fails 'no such directory' "$c:/made/file" none/
        fails "invalid output path: directory \"$PWD/none\" does not exist" "$c:/made/file" none/file
        fails 'cannot copy directory' "$c:/made" old
        fails "lstat $PWD/old/x: not a directory" "$c:/made/file" old/x
        fails 'not a directory' "$c:/made/file/" there
        fails "Could not find the file /none in container $c" "$c:/none" .
        fails 'must be a directory or a regular file: got a device' "$c:/made/file" /dev/null
        rm -rf there old new copied
    }
    both cases @
}

@test "names that can be neither or both" {
    fails 'must specify at least one container source' a b
    fails 'must specify at least one container source' a :/b
    fails 'copying between containers is not supported' run:/a still:/b
    fails 'No such container: nobody' nobody:/a .
    fails 'source can not be empty' '' run:/a
    echo colon >a:b
    "$CBUILD" cp ./a:b run:/tmp/colon
    [ "$(in_run cat /tmp/colon)" = colon ]
    "$CBUILD" cp "$PWD/a:b" run:/tmp/colon
}

@test "a directory is not replaced by a file, nor a file by a directory" {
    mkdir -p a/dir b
    echo x >b/dir
    "$CBUILD" cp a/. run:/tmp/kinds
    fails 'cannot overwrite directory' b/. run:/tmp/kinds
    "$CBUILD" cp b/. run:/tmp/kinds2
    fails 'cannot overwrite non-directory' a/. run:/tmp/kinds2
    tar cf b.tar -C b .
    run bash -c "'$CBUILD' cp - run:/tmp/kinds <b.tar"
    expect_status 1
    expect_contains 'cannot overwrite directory'
    fails 'the destination is below the directory that is copied' run:/vol "$STORE/volumes/vol-run/_data"
}

@test "links are copied, and followed with -L" {
    "$CBUILD" cp "$HOST/link" run:/tmp/l
    [ "$(in_run readlink /tmp/l)" = file ]
    "$CBUILD" cp -L "$HOST/link" run:/tmp/l2
    [ "$(in_run cat /tmp/l2)" = file ]
    "$CBUILD" cp run:/made/link l
    [ "$(readlink l)" = file ]
    "$CBUILD" cp -L run:/made/link l2
    [ "$(cat l2)" = made ]
    "$CBUILD" cp -L run:/made/link - | tar tf - | grep -qx file
    in_run sh -c 'mkdir /to; ln -s /to /tosub; ln -s /nowhere /dangling; ln -s ../../../to/up /up'
    "$CBUILD" cp "$HOST/file" run:/tosub   # what it leads to
    "$CBUILD" cp "$HOST/file" run:/dangling
    "$CBUILD" cp "$HOST/file" run:/up
    [ "$(in_run cat /to/file /nowhere /to/up)" = "$(printf 'file\nfile\nfile')" ]
}

@test "owners: root's in the container, ours on the host, kept with -a" {
    mkdir mine && echo x >mine/x && chown -R 7:8 mine && chmod 4755 mine/x
    "$CBUILD" cp mine run:/tmp/given
    [ "$(in_run stat -c '%u:%g %a' /tmp/given /tmp/given/x)" = "$(printf '0:0 755\n0:0 755')" ]
    "$CBUILD" cp -a mine run:/tmp/kept
    [ "$(in_run stat -c '%u:%g %a' /tmp/kept /tmp/kept/x)" = "$(printf '7:8 755\n7:8 4755')" ]
    "$CBUILD" cp run:/tmp/kept ours
    [ "$(stat -c '%u:%g %a' ours/x)" = '0:0 755' ]
    "$CBUILD" cp -a run:/tmp/kept theirs
    [ "$(stat -c '%u:%g %a' theirs/x)" = '7:8 4755' ]
    [ "$(stat -c %Y theirs/x)" = "$(stat -c %Y mine/x)" ]
}

@test "set-id bits go to a container with the files of whose owner they are" {
    mkdir tools && echo x >tools/root && cp tools/root tools/other && chown 7:8 tools/other && chmod 6755 tools/*
    chmod 2775 tools
    both "$CBUILD" cp tools @:/tmp/tools
    [ "$(in_run stat -c '%u:%g %a' /tmp/tools /tmp/tools/root /tmp/tools/other)" = $'0:0 2775\n0:0 6755\n0:0 755' ]
    [ "$("$CBUILD" cp still:/tmp/tools - | tar tv | awk '{print $1, $NF}' | sort)" = \
        $'-rwsr-sr-x tools/root\n-rwxr-xr-x tools/other\ndrwxrwsr-x tools/' ]
}

@test "what something is mounted on is not replaced under it" {
    echo new >hosts
    in_run sh -c 'cat /etc/hosts' >before
    fails 'create `hosts`: device or resource busy' hosts run:/etc/hosts
    expect_contains 'hint: something is mounted there'
    fails 'device or resource busy' hosts run:/etc
    in_run sh -c 'cat /etc/hosts' | cmp - before
}

@test "a container that was only made has its working directory" {
    cbuild create --name made --network none -u 7 -w /work/deep -v /work/deep/vol busybox stat -c '%u %a %n' . file vol
    expect_status 0
    "$CBUILD" cp "$HOST/file" made:/work/deep
    "$CBUILD" cp "$HOST/file" made:.
    [ "$("$CBUILD" diff made)" = $'A /file\nA /work\nA /work/deep\nA /work/deep/file\nA /work/deep/vol' ]
    cbuild start -a made
    expect_output $'0 755 .\n0 644 file\n0 755 vol'
    "$CBUILD" rm -v made
    cbuild create --network none -w /etc/passwd/x busybox true
    expect_status 1
    expect_contains 'working directory `/etc/passwd/x`'
    [ "$("$CBUILD" ps -aq | wc -l)" -eq 2 ]
}

@test "devices come with -a only, pipes are made and sockets left out" {
    in_run sh -c 'mkdir /odd; mknod /odd/disk b 8 0; mkfifo /odd/pipe; echo x >/odd/x'
    run "$CBUILD" cp run:/odd .
    expect_status 0
    expect_contains 'left out 1 device'
    [ ! -e odd/disk ]
    [ -p odd/pipe ]
    [ "$(cat odd/x)" = x ]
    fails '/odd/disk` is a device' run:/odd/disk .
    "$CBUILD" cp -a run:/odd all
    [ -b all/disk ]
    "$CBUILD" cp -a all run:/odd2
    in_run test -b /odd2/disk
}

@test "holes and attributes are kept" {
    truncate -s 1G sparse
    echo end >>sparse
    setfattr -n user.note -v hello sparse
    "$CBUILD" cp sparse run:/vol/sparse
    "$CBUILD" cp run:/vol/sparse back
    [ "$(stat -c %s back)" = $(((1 << 30) + 4)) ]
    [ "$(stat -c %b back)" -lt 1000 ]
    [ "$(getfattr --only-values -n user.note back)" = hello ]
    in_run rm /vol/sparse
}

@test "volumes and binds are seen as the container sees them" {
    echo bound >"$BATS_FILE_TMPDIR/bound/file"
    through() {
        local c=$1
        "$CBUILD" cp "$HOST/dir" "$c:/vol"
        [ "$(cat "$STORE/volumes/vol-$c/_data/dir/sub/deep")" = deep ]
        "$CBUILD" cp "$c:/vol/dir" vol-$c
        [ "$(cat vol-$c/sub/deep)" = deep ]
        "$CBUILD" cp "$c:/bound/file" bound-$c
        [ "$(cat bound-$c)" = bound ]
        fails 'mounted volume is marked read-only' "$HOST/file" "$c:/bound"
    }
    both through @
    "$CBUILD" create --name sealed --read-only -v vol-sealed:/vol busybox >/dev/null
    fails 'container rootfs is marked read-only' "$HOST/file" sealed:/
    "$CBUILD" cp "$HOST/file" sealed:/vol
    "$CBUILD" rm -v sealed >/dev/null
    [ -z "$(grep "$STORE/containers" /proc/mounts)" ]
}

@test "of a container that does not run, subpaths and bound volumes are what is seen" {
    mkdir -p "$BATS_FILE_TMPDIR/out-of-reach"
    echo secret >"$BATS_FILE_TMPDIR/out-of-reach/file"
    "$CBUILD" run --rm -v whole:/w busybox sh -c 'mkdir /w/sub; echo part >/w/sub/file; echo other >/w/other'
    "$CBUILD" volume create -o type=none -o o=bind -o device="$BATS_FILE_TMPDIR/bound" abound
    echo bound >"$BATS_FILE_TMPDIR/bound/file"
    "$CBUILD" create --name parts --mount type=volume,src=whole,dst=/part,volume-subpath=sub \
        -v abound:/bound busybox >/dev/null
    [ "$("$CBUILD" cp parts:/part/. - | tar tf - | sort | tr '\n' ' ')" = './ ./file ' ]
    [ "$("$CBUILD" cp parts:/bound/file - | tar xOf -)" = bound ]
    echo new >new
    "$CBUILD" cp new parts:/part
    [ "$(cat "$STORE/volumes/whole/_data/sub/new")" = new ]
    # another container puts a link in the place of what is mounted
    "$CBUILD" run --rm -v whole:/w busybox sh -c \
        "mv /w/sub /w/was; ln -s $BATS_FILE_TMPDIR/out-of-reach /w/sub"
    fails 'Could not find the file' parts:/part/file here
    run "$CBUILD" cp new parts:/part/written
    [ ! -e "$BATS_FILE_TMPDIR/out-of-reach/written" ]
    "$CBUILD" rm parts >/dev/null
    "$CBUILD" volume rm whole abound >/dev/null
}

@test "tar archives on standard output and input" {
    archives() {
        local c=$1
        "$CBUILD" cp "$c:/made" - | tar tf - | sort >names
        [ "$(tr '\n' ' ' <names)" = 'made/ made/file made/link made/same made/sub/ ' ]
        [ "$("$CBUILD" cp "$c:/made/." - | tar tf - | sort | head -2 | tr '\n' ' ')" = './ ./file ' ]
        [ "$("$CBUILD" cp "$c:/made/file" - | tar xOf - file)" = made ]
        tar cf in.tar --owner=7 --group=8 --numeric-owner -C "$HOST" dir file
        "$CBUILD" cp - "$c:/vol" <in.tar
        [ "$(stat -c %u:%g "$STORE/volumes/vol-$c/_data/dir/sub/deep")" = 7:8 ]
        gzip -c in.tar | "$CBUILD" cp - "$c:/"
        fails "destination \"$c:/made/file\" must be a directory" - "$c:/made/file" </dev/null
    }
    both archives @
}

@test "an archive's names stay below the destination" {
    python3 - <<'END'
import io, tarfile
def entry(tar, name, data=b"x\n", **more):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in more.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(data))
with tarfile.open("absolute.tar", "w") as tar:
    entry(tar, "/etc/planted")
    entry(tar, ".wh.file")
    entry(tar, "way", b"", type=tarfile.SYMTYPE, linkname="/../../etc")
    entry(tar, "way/through")
with tarfile.open("up.tar", "w") as tar:
    entry(tar, "a/../../up")
with tarfile.open("device.tar", "w") as tar:
    entry(tar, "gone", b"", type=tarfile.CHRTYPE)
END
    "$CBUILD" cp - run:/vol <absolute.tar
    in_run sh -c 'test -f /vol/etc/planted && test ! -e /etc/planted && test -f /vol/.wh.file && test -f /etc/through'
    [ ! -e /etc/planted ]
    [ ! -e /etc/through ]
    run bash -c "'$CBUILD' cp - run:/vol <up.tar"
    expect_status 1
    expect_contains 'leads upwards'
    run bash -c "'$CBUILD' cp - run:/vol <device.tar"
    expect_status 1
    expect_contains 'device 0:0'
}

@test "a process that swaps links under cp's feet reaches nothing of the host" {
    mkdir -p "$DIR/secret"
    echo secret >"$DIR/secret/file"
    in_run mkdir -p "/race/dir/below" /race/aside
    in_run sh -c "echo own >/race/dir/file; ln -s '$DIR/secret' /race/link"
    in_run touch /race/go
    "$CBUILD" exec -d run sh -c 'cd /race; while [ -e go ]; do mv dir aside/dir; mv link dir; mv dir link; mv aside/dir dir; done' >/dev/null
    for i in $(seq 40); do
        rm -rf out
        "$CBUILD" cp run:/race/dir out >/dev/null 2>&1 || true
        "$CBUILD" cp -L run:/race/dir/file out2 >/dev/null 2>&1 || true
        "$CBUILD" cp "$HOST/dir" run:/race/dir >/dev/null 2>&1 || true
        tar cf - -C "$HOST" file | "$CBUILD" cp - run:/race/dir >/dev/null 2>&1 || true
        [ ! -L out ] || rm out # the link itself
        [ -z "$(grep -rs secret out out2)" ]
    done
    in_run rm /race/go
    [ "$(ls secret)" = file ]
    [ "$(cat secret/file)" = secret ]
}

@test "what vanishes while cp, export and diff read is left out" {
    in_run touch /go
    "$CBUILD" exec -d run sh -c 'while [ -e /go ]; do
        mkdir -p /gone/a /gone/b /gone/c /gone/d; rm -r /gone/a /gone/b; mkdir /gone/a /gone/b; rm -r /gone/c /gone/d; done'
    wait_until "$CBUILD" exec run test -d /gone
    for _ in $(seq 25); do
        "$CBUILD" export run >/dev/null
        "$CBUILD" cp run:/gone out
        "$CBUILD" diff run >/dev/null
        rm -rf out
    done
    in_run rm /go
}

@test "links of the container that lead out lead to its own root" {
    in_run sh -c "ln -s /proc/1/root/etc /magic; ln -s ../../../../../../../../$DIR /out; ln -s loop /loop"
    fails 'Could not find the file' run:/out/file .
    fails 'too many levels of symbolic links' run:/loop/x .
    fails '/magic/passwd' run:/magic/passwd .
    "$CBUILD" cp run:/loop .
    [ "$(readlink loop)" = loop ]
}

@test "names with line feeds, of all lengths, and trees deeper than a path" {
    mkdir -p names
    printf x >"names/$(printf 'a\nb')"
    printf x >"names/$(printf 'n%.0s' $(seq 255))"
    python3 -c '
import os
os.chdir("names")
for i in range(30):
    os.mkdir("d" * 200); os.chdir("d" * 200)
open("deep", "w").write("deep")'
    "$CBUILD" cp names run:/tmp/names
    "$CBUILD" cp run:/tmp/names back
    [ "$(cd names && find . | sort | sha256sum)" = "$(cd back && find . | sort | sha256sum)" ]
    fails 'ile name too long' run:/"$(printf 'x%.0s' $(seq 5000))" .
}

@test "on a terminal cp says what it has done, and -q says nothing" {
    run script -qec "'$CBUILD' cp '$HOST/file' run:/tmp/said" /dev/null
    expect_contains 'Successfully copied 5B to run:/tmp/said'
    run script -qec "'$CBUILD' cp -q '$HOST/file' run:/tmp/said" /dev/null
    expect_output ''
    run "$CBUILD" cp "$HOST/file" run:/tmp/said
    expect_output ''
    run script -qec "'$CBUILD' cp run:/made/file -" /dev/null
    expect_contains 'refusing to write an archive to a terminal'
}
