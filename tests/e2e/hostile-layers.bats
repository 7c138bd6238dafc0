#!/usr/bin/env bats
# Layers and archives made by an enemy: nothing outside the root filesystem is read or written, nothing
# wrong is stored, and what is odd but legal works.
load helpers
load helpers-hostile

setup_file() {
    cb_store
    canary_lay
    evil_prepare
}
teardown_file() {
    canary_remove
    cb_drop_store
}
setup() { cb_dir; }

@test "names that lead upwards are refused, absolute ones are taken below the root" {
    refused dotdot 'leads upwards'
    refused dotdot-inner 'leads upwards'
    taken absolute
    in_evil absolute cat "$CANARY/planted"
    expect_output evil
}

@test "files through links land inside the root, whatever the links say" {
    for name in sym-dir-abs sym-dir-rel sym-chain sym-file; do
        taken "$name"
        in_evil "$name" sh -c '[ -z "$(find / -xdev -name f -size +10c)" ] && echo inside'
        expect_output inside
    done
    in_evil sym-dir-abs cat "$CANARY/planted"
    expect_output evil
    in_evil sym-file sh -c '[ ! -L /x ] && cat /x'
    expect_output evil
    refused sym-loop 'too many levels of symbolic links'
}

@test "hard links find their target in the root only, not outside and not in the working directory" {
    cd "$CANARY"
    refused hard-out 'leads upwards'
    refused hard-abs 'no such file or directory'
    refused hard-cwd 'link `x` to `f`'
    refused hard-via-sym 'no such file or directory'
    refused hard-to-dir 'link `x` to `dir`'
    taken hard-to-sym
    taken hard-to-self
    in_evil hard-to-self cat /x
    expect_output evil
}

@test "owner, mode and times are never set through a link" {
    taken chmod-via-sym
    in_evil chmod-via-sym stat -c '%F %a %u' /x /y
    expect_output "$(printf 'directory 777 1234\ndirectory 777 1234')"
    taken meta-via-sym
    in_evil meta-via-sym readlink /d
    expect_output "$CANARY"
}

@test "whiteouts without a name are refused, others stay in the root" {
    for name in wh-empty wh-dot wh-dotdot; do
        refused "$name" 'hides nothing by name'
    done
    refused wh-slash "leads through a whiteout's name"
    taken wh-via-sym
    taken wh-opq-via-sym
    taken wh-root-opq
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/img.tar" evil-wh-root-opq
    printf 'FROM evil-wh-root-opq\nCOPY --from=busybox /bin /bin\nRUN ls -d /etc/passwd /only 2>&1 | grep -v No > /seen || true\n' | dockerfile
    build_ok --network=none
    in_image cat /seen
    expect_output /only
}

@test "whiteouts that hide nothing are nothing: in new and opaque directories, in files" {
    taken wh-idle
    in_evil wh-idle sh -c 'ls -A /new /etc/sub /bin/below; ls -A /etc | grep -c passwd; :'
    expect_output "$(printf '/bin/below:\n\n/etc/sub:\n\n/new:\ny\n0')"
    printf 'FROM busybox\nCOPY --from=evil-wh-idle /new /etc/sub /bin/below /seen/\n' | dockerfile
    build_ok
    "$CBUILD" save evil-wh-idle | "$CBUILD" load -q
    taken wh-of-file
    in_evil wh-of-file sh -c 'grep -c ^root: /etc/passwd /etc/group; cat /file'
    expect_output "$(printf '/etc/passwd:1\n/etc/group:1\nevil')"
}

@test "absolute links inside the image work: entries and hard links below them" {
    taken var-run
    in_evil var-run sh -c 'cd /run && cat a b c && stat -c %h a'
    expect_output "$(printf 'same\nevil\nsame\n2')"
}

@test "nothing in an archive becomes a mark of the overlay" {
    refused fake-whiteout 'device 0:0'
    refused fake-whiteout-hard 'which is deleted'
    taken xattr-overlay
    in_evil xattr-overlay sh -c 'grep -c ^root: /etc/passwd; [ -e /meta ] && [ ! -s /meta ] && [ -e /etc/whited ] && ls /bin2'
    expect_output 1
    run getfattr -R -d -m '.*' --absolute-names "$STORE/snapshots"
    expect_status 0
    expect_lacks "$CANARY"
}

@test "device nodes cannot be opened, set-user-ID files cannot be reached from the host" {
    taken dev-node
    printf 'FROM evil-dev-node\nRUN for d in mem disk null2; do head -c1 /$d 2>&1; done | grep -c "ermission denied\\|not permitted" > /count; [ -p /pipe ] && echo pipe >> /count\n' | dockerfile
    build_ok --network=none
    in_image cat /count
    expect_output "$(printf '3\npipe')"
    taken setuid
    in_evil setuid stat -c %a /su
    expect_output 6755
    taken filecap
    taken cap-empty
    printf 'FROM evil-cap-empty\n' | "$CBUILD" build -q -o "type=tar,dest=$BATS_TEST_TMPDIR/tree.tar" -
    tar -xOf "$BATS_TEST_TMPDIR/tree.tar" cap | cmp - <(printf x)
    [ "$(stat -c %a "$STORE")" = 700 ]
    run setpriv --reuid 65534 --regid 65534 --clear-groups ls "$STORE"
    expect_status 2
}

@test "owners beyond 32 bits and below zero are refused, the highest is kept" {
    for name in uid-overflow uid-minus uid-all-ones uid-base256; do
        refused "$name" 'is out of range' '`f`'
    done
    for name in uid-words uid-hex uid-space uid-empty; do
        refused "$name" 'is no number'
    done
    taken uid-high
    in_evil uid-high stat -c %u:%g /f
    expect_output 4294967294:4294967294
}

@test "sizes below zero, absurd and overflowing ones are refused" {
    refused neg-size negative
    refused neg-size-pax negative
    refused huge-size 'larger than'
    refused size-overflow overflow
    refused size-overflow-pax overflow
    refused size-junk 'tar: '
}

@test "headers of 64 MB and sparse maps without end are refused in little memory" {
    for name in pax-64m longlink-64m sparse-map sparse-huge sparse-negative; do
        evil "$name"
        expect_memory 64 timeout 60 "$CBUILD" load -i "$EVIL/$name.tar"
        expect_status 1
        canary_ok
        expect_contains "layer sha256:"
        rm -f "$EVIL"/*
    done
    refused pax-lies PAX
}

@test "a decompression bomb is stopped, and what it wrote is removed" {
    evil bomb
    used=$(du -s --apparent-size -k "$STORE" | cut -f1)
    expect_memory 64 timeout 60 "$CBUILD" load -i "$EVIL/bomb.tar"
    expect_status 1
    expect_contains 'unpacks to more than 1000 times its size'
    now=$(du -s --apparent-size -k "$STORE" | cut -f1)
    [ $((now - used)) -lt 20000 ]
    cp "$EVIL/bomb.layer" "$DIR/bomb.tgz"
    printf 'FROM busybox\nADD bomb.tgz /x/\n' | dockerfile
    run timeout 60 "$CBUILD" build --progress=plain "$DIR"
    expect_status 1
    expect_contains 'Dockerfile:2:' 'unpacks to more than 1000 times its size'
}

@test "20,000 files are legal" {
    taken many-files
    in_evil many-files sh -c 'ls /many | wc -l'
    expect_output 20000
}

@test "entries that come twice: the last one wins, the same way each time" {
    taken dup-entries
    in_evil dup-entries sh -c 'cat /x /y /z; stat -c %h /y'
    expect_output "$(printf 'last\n2\n1\n1')"
    taken dir-over-file
    printf 'FROM evil-dir-over-file\nFROM busybox\nCOPY --from=0 /etc/passwd/in /bin /seen/\n' | dockerfile
    build_ok
    in_image cat /seen/in /seen/bin
    expect_output "$(printf 'evil\na file now')"
}

@test "cut, empty, trailing: what counts is the digest of all bytes" {
    refused truncated 'runcated'
    refused truncated-header 'runcated'
    refused garbage 'tar: '
    for name in trailing-junk empty-tar no-bytes; do
        taken "$name"
    done
    taken second-archive
    in_evil second-archive sh -c '[ -e /f ] && [ ! -e /hidden ] && echo first'
    expect_output first
}

@test "odd names are kept byte by byte and never printed raw" {
    taken names-odd
    in_evil names-odd sh -c 'ls /odd | wc -l; ls -N /odd 2>/dev/null | md5sum'
    printf 'FROM busybox\nCOPY --from=evil-names-odd /odd /odd\nRUN ls /odd; ls /odd | cat; false\n' | dockerfile
    build
    expect_status 1
    expect_no_controls
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/img.tar" evil-names-odd
    "$CBUILD" load -i "$BATS_TEST_TMPDIR/img.tar"
    refused long-path 'is too long'
    refused name-max 'is too long'
    refused pax-nul-path 'PAX path has a NUL'
    refused pax-nul-link 'PAX linkpath has a NUL'
}

@test "entries without a name, links without a target, the root as a link, unknown types" {
    refused empty-name 'no name'
    refused empty-link 'without a target'
    refused dot-file ''
    refused root-symlink 'is not a directory'
    taken unknown-type
}

@test "programs and libraries of the image are never used by cbuild itself" {
    command -v strace >/dev/null || skip "no strace"
    [ -z "${CB_SANITIZED:-}" ] || skip "the leak checker cannot be traced"
    taken xz-hijack
    evil xz-hijack
    xz -c "$EVIL/xz-hijack.layer" >"$DIR/layer.tar.xz"
    bzip2 -c "$EVIL/xz-hijack.layer" >"$DIR/layer.tar.bz2"
    printf 'FROM evil-xz-hijack\nADD layer.tar.xz /a\nADD layer.tar.bz2 /b\nRUN true\n' | dockerfile
    strace -f -qq -e trace=execve -o "$BATS_TEST_TMPDIR/trace" "$CBUILD" build -t img --network=none --progress=plain "$DIR"
    run sh -c "grep -c 'execve(' '$BATS_TEST_TMPDIR/trace'"
    expect_output 2
    canary_ok
}

@test "the image's passwd: a FIFO, a link to /dev/zero, out of the root, 18 MB" {
    for name in passwd-fifo passwd-symlink passwd-out passwd-huge; do
        taken "$name"
        printf 'FROM evil-%s\nUSER nobody\nRUN true\n' "$name" | dockerfile
        expect_memory 64 timeout 60 "$CBUILD" build --progress=plain --network=none "$DIR"
        expect_status 1
        expect_contains 'Dockerfile:3:' 'unable to find user nobody'
        printf 'FROM evil-%s\nUSER 1234\nRUN ["grep", "-E", "^[UG]id:.(1234|0)", "/proc/self/status"]\n' "$name" | dockerfile
        run timeout 60 "$CBUILD" build --progress=plain --network=none "$DIR"
        expect_status 0
        expect_contains "Uid:	1234	1234" "Gid:	0	0"
    done
}

@test "a number is never looked up as a name, and no odd id becomes root" {
    taken passwd-numeric
    id_of() {
        printf 'FROM evil-passwd-numeric\nUSER %s\nRUN echo "<$(id -u):$(id -g):$(id -G)>"\n' "$1" | dockerfile
        build --network=none --no-cache
    }
    while read -r user wanted; do
        id_of "$user"
        if [ "$wanted" = - ]; then
            [ "$status" -eq 1 ] || { echo "USER $user: $output"; return 1; }
        else
            [ "$status" -eq 0 ] || { echo "USER $user: $output"; return 1; }
            expect_contains "<$wanted>"
        fi
    done <<'END'
0 0:0:0
1 1:0:0
1000 1000:0:0
1000:1000 1000:1000:1000
01000 1000:0:0
u 1001:1002:1002
u:0 1001:0:0
u:g 1001:1002:1002
root 0:0:0
4294967294 4294967294:0:0
4294967295 -
4294967296 -
18446744073709551616 -
-1 -
+1 -
0x1 -
1: -
:1 -
1:2:3 -
over -
minus -
short -
hex -
1.0 -
u:over -
END
}

@test "archives: blobs are found by digest, links out of the archive are refused" {
    layout=$BATS_TEST_TMPDIR/layout
    mkdir -p "$layout/blobs/sha256"
    "$CBUILD" save --format oci-archive -o "$BATS_TEST_TMPDIR/oci.tar" busybox
    tar -C "$layout" -xf "$BATS_TEST_TMPDIR/oci.tar"
    digest=$(jq -r '.manifests[0].digest' "$layout/index.json")
    blob=$layout/blobs/sha256/${digest#sha256:}
    load_layout() {
        tar -C "$layout" -cf "$BATS_TEST_TMPDIR/bad.tar" .
        run "$CBUILD" --root "$BATS_TEST_TMPDIR/other" load -i "$BATS_TEST_TMPDIR/bad.tar"
    }
    cp "$blob" "$BATS_TEST_TMPDIR/good"
    for target in "$CANARY/f" ../../../../../../../../etc/passwd; do
        ln -sf "$target" "$blob"
        load_layout
        expect_status 1
        expect_contains 'leads out of the archive'
    done
    rm "$blob"
    tr 1 2 <"$BATS_TEST_TMPDIR/good" >"$blob"
    load_layout
    expect_status 1
    expect_contains sha256:
    cp "$BATS_TEST_TMPDIR/good" "$blob"
    for bad in 'sha256:../../../../etc/passwd' md5:00 'sha256:ABC'; do
        sed "s|$digest|$bad|" -i "$layout/index.json"
        load_layout
        expect_status 1
        sed "s|$bad|$digest|" -i "$layout/index.json"
    done
    load_layout
    expect_status 0
    rm -rf "$BATS_TEST_TMPDIR/other"
    canary_ok
}

@test "configurations with missing, null and wrong fields: an error or a sound image, never a crash" {
    run python3 - "$CBUILD" "$BATS_TEST_TMPDIR" "$CB_BASES/busybox.tar" <<'END'
import hashlib, io, json, subprocess, sys, tarfile
cbuild, tmp, base = sys.argv[1:]
diff = "sha256:" + hashlib.sha256(open(base, "rb").read()).hexdigest()
good = {"architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05Z",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"], "Labels": {"a": "b"}, "ExposedPorts": {"1/tcp": {}},
                   "Healthcheck": {"Test": ["CMD", "x"], "Interval": 1}, "User": "", "WorkingDir": "/",
                   "OnBuild": [], "Volumes": {"/v": {}}, "Shell": ["sh"], "StopSignal": "9", "Entrypoint": None},
        "rootfs": {"type": "layers", "diff_ids": [diff]},
        "history": [{"created": "2024-01-02T03:04:05Z", "created_by": "x"}]}
bad = [None, -1, 1.5, "\x1b[2J", [None], {"a": None}, [["x"]], "x" * 100000]
cases = [("top", value) for value in bad]
cases += [((key,), value) for key in good for value in bad]
cases += [(("config", key), value) for key in good["config"] for value in bad]
cases += [(("rootfs", "diff_ids"), value) for value in bad + [[diff] * 501, ["sha256:zz"], [diff, diff]]]
cases += [(("history",), [{key: value}]) for key in ("created", "created_by", "empty_layer") for value in bad]
def archive(config):
    blob = json.dumps(config).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in (("c.json", blob), ("manifest.json", json.dumps(
                [{"Config": "c.json", "RepoTags": ["mutant:latest"], "Layers": ["base.tar"]}]).encode())):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()
taken = 0
for where, value in cases:
    config = json.loads(json.dumps(good))
    if where == "top":
        config = value
    else:
        at = config
        for key in where[:-1]:
            at = at[key]
        at[where[-1]] = value
    done = subprocess.run([cbuild, "load"], input=archive(config), capture_output=True, timeout=60)
    if done.returncode == 0:
        taken += 1
        if taken % 8 == 0:
            for command in (["inspect", "mutant"], ["history", "mutant"]):
                done = subprocess.run([cbuild] + command, capture_output=True, timeout=60)
                assert done.returncode in (0, 1), (where, value, command, done)
                assert command[0] != "inspect" or json.loads(done.stdout), (where, value)
                assert b"\x1b" not in done.stdout + done.stderr, (where, value)
            done = subprocess.run([cbuild, "build", "--progress=plain", "--network=none", "-"], capture_output=True,
                                  input=b"FROM mutant\nENV a=b\nRUN --network=none [\"/bin/true\"]\n", timeout=60)
            assert done.returncode in (0, 1), (where, value, done)
    else:
        assert done.returncode == 1, (where, value, done)
        assert b"\x1b" not in done.stderr and done.stderr.strip(), (where, value, done)
print("done", len(cases) > 150)
END
    expect_status 0
    expect_output 'done True'
}

@test "after all that the store is sound" {
    fsck_clean
    canary_ok
}
