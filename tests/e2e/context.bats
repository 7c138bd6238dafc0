# The build context: which files it has, how they are chosen, where they come from.
load helpers

setup_file() {
    cb_store
}

teardown_file() {
    cb_drop_store
}

setup() {
    cb_dir
}

list() {
    run "$CBUILD" --root /nonexistent/store context ls "$@"
}

# ── Which files: ignore files ──

@test "A120: the Dockerfile's own ignore file replaces the root's; Dockerfile and ignore file can be excluded" {
    mkdir "$DIR/docker"
    touch "$DIR/a" "$DIR/b"
    echo a >"$DIR/.dockerignore"
    printf 'b\nDockerfile*\n.dockerignore\n**/*.dockerignore\ndocker\n' >"$DIR/docker/app.dockerignore"
    printf 'FROM busybox\nCOPY . /x\nRUN ls -A /x > /seen\n' >"$DIR/docker/app"
    build_ok -f "$DIR/docker/app"
    in_image cat /seen
    expect_output a
}

@test "C6: a Dockerfile outside the context brings the ignore file beside it" {
    mkdir "$BATS_TEST_TMPDIR/elsewhere"
    touch "$DIR/a" "$DIR/b"
    echo a >"$DIR/.dockerignore"
    printf 'FROM busybox\nCOPY . /x\nRUN ls /x > /seen\n' >"$BATS_TEST_TMPDIR/elsewhere/Dockerfile"
    echo b >"$BATS_TEST_TMPDIR/elsewhere/.dockerignore"
    build_ok -f "$BATS_TEST_TMPDIR/elsewhere/Dockerfile"
    in_image cat /seen
    expect_output b
    echo b >"$BATS_TEST_TMPDIR/elsewhere/Dockerfile.dockerignore"
    build_ok -f "$BATS_TEST_TMPDIR/elsewhere/Dockerfile"
    in_image cat /seen
    expect_output a
}

@test "A122: the last line that matches wins, below an excluded directory too" {
    mkdir -p "$DIR/a/b" "$DIR/c/a"
    touch "$DIR/a/x" "$DIR/a/b/y" "$DIR/a/b/z" "$DIR/c/a/x"
    printf 'a\n!a/b\na/b/z\nDockerfile\n.dockerignore\n' >"$DIR/.dockerignore"
    printf 'FROM busybox\nCOPY . /x\nRUN cd /x && find . | sort > /seen\n' | dockerfile
    build_ok
    in_image cat /seen
    expect_output $'.\n./a\n./a/b\n./a/b/y\n./c\n./c/a\n./c/a/x'
}

@test "A121: a malformed line is shown where it stands, after BOM and CRLF" {
    printf 'FROM scratch\nCOPY . /\n' | dockerfile
    printf '\xef\xbb\xbf# all\r\n\r\n   [oops \r\n' >"$DIR/.dockerignore"
    build
    expect_status 1
    expect_contains '.dockerignore:3:4: ' '>    3' '^'
}

@test "F30: --ignorefile is used instead of .dockerignore, and must be there" {
    touch "$DIR/a" "$DIR/b"
    echo a >"$DIR/.dockerignore"
    echo b >"$BATS_TEST_TMPDIR/mine"
    printf 'FROM busybox\nCOPY . /x\nRUN ls /x > /seen\n' | dockerfile
    build_ok --ignorefile "$BATS_TEST_TMPDIR/mine"
    in_image cat /seen
    expect_output $'Dockerfile\na'
    build --ignorefile "$BATS_TEST_TMPDIR/absent"
    expect_status 1
    expect_contains "--ignorefile: open $BATS_TEST_TMPDIR/absent: no such file" 'current directory'
    build --ignore-syntax svn
    expect_status 1
    expect_contains '"--ignore-syntax" flag: expected docker or git'
}

@test "F30: --ignore-syntax=git reads a .gitignore as git does" {
    mkdir -p "$DIR/src/out" "$DIR/out"
    touch "$DIR/src/a.c" "$DIR/src/a.o" "$DIR/src/keep.o" "$DIR/src/out/f" "$DIR/out/g"
    printf '*.o\n!keep.o\n/out/\nDockerfile\n' >"$DIR/.gitignore"
    printf 'FROM busybox\nCOPY . /x\nRUN cd /x && find . -type f | sort > /seen\n' | dockerfile
    build_ok --ignorefile "$DIR/.gitignore" --ignore-syntax git
    in_image cat /seen
    expect_output $'./.gitignore\n./src/a.c\n./src/keep.o\n./src/out/f'
}

@test "F30: git's syntax agrees with git on random rules and trees" {
    python3 - "$CBUILD" "$BATS_TEST_TMPDIR" <<'END'
import json, os, random, shutil, subprocess, sys
cbuild, top = sys.argv[1:]
random.seed(7)
names = ["a", "b", "ab", "a.o", "x y", "!c", "#d", "aab"]
parts = ["a", "b", "*", "?", "**", "[ab]", "[!a]", "*.o", "a*", "\\!c", "\\#d", "x*y", "[[:alpha:]]", "a**b"]
tree = os.path.join(top, "tree")
paths = []
def grow(at, depth):
    for name in random.sample(names, 5):
        path = os.path.join(at, name)
        if depth < 3 and random.random() < 0.6:
            os.makedirs(os.path.join(tree, path), exist_ok=True)
            grow(path, depth + 1)
            paths.append(path)
        else:
            os.makedirs(os.path.join(tree, at), exist_ok=True)
            open(os.path.join(tree, path), "w").close()
            paths.append(path)
grow("", 0)
env = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null", GIT_DIR=os.path.join(top, "git"), GIT_WORK_TREE=tree)
subprocess.run(["git", "init", "-q"], env=env, check=True)
rules = os.path.join(top, "rules")
for round in range(60):
    lines = []
    for _ in range(random.randint(1, 6)):
        line = "/".join(random.choices(parts, k=random.randint(1, 3)))
        lines.append(random.choice(["", "", "!"]) + random.choice(["", "/"]) + line + random.choice(["", "", "/"]))
    with open(rules, "w") as out:
        out.write("\n".join(lines) + "\n")
    env["GIT_CONFIG_COUNT"] = "1"
    env["GIT_CONFIG_KEY_0"] = "core.excludesFile"
    env["GIT_CONFIG_VALUE_0"] = rules
    git = subprocess.run(["git", "check-ignore", "--no-index", "-z", "--stdin"], cwd=tree, env=env, input="\0".join(paths).encode(), capture_output=True)
    assert git.returncode in (0, 1), git.stderr
    wanted = sorted(p for p in git.stdout.decode().split("\0") if p)
    said = subprocess.run([cbuild, "context", "ls", "--all", "--format=json", "--ignorefile", rules, "--ignore-syntax=git", tree], capture_output=True, check=True)
    cut = [e["path"] for e in json.loads(said.stdout)["entries"] if not e["sent"]]
    got = sorted(p for p in paths if any(p == c or p.startswith(c + "/") for c in cut))
    assert got == wanted, (lines, sorted(set(got) ^ set(wanted)))
END
}

# ── cbuild context ls ──

@test "F30: context ls says what is sent, without a store" {
    mkdir -p "$DIR/sub/deep" "$DIR/empty"
    printf '12345' >"$DIR/sub/deep/f"
    ln -s f "$DIR/sub/link"
    printf 'FROM scratch\n' | dockerfile
    list "$DIR"
    expect_status 0
    expect_output '      13B  Dockerfile
        -  empty/
        -  sub/
        -  sub/deep/
       5B  sub/deep/f
        -  sub/link
total: 3 files, 18B sent; 0 left out'
    cd "$DIR"
    list
    expect_contains 'total: 3 files, 18B sent'
    [ ! -e /nonexistent ]
}

@test "F30: context ls --ignored names the line of the file that leaves a path out" {
    mkdir -p "$DIR/node_modules/x" "$DIR/logs"
    touch "$DIR/node_modules/x/y" "$DIR/logs/a.log" "$DIR/logs/keep.log" "$DIR/z"
    printf '# dependencies\nnode_modules\n\n  logs\n!logs/keep.log\n' >"$DIR/.dockerignore"
    list --ignored "$DIR"
    expect_status 0
    expect_output '       0B  logs/a.log  .dockerignore:4: logs
       0B  node_modules/  .dockerignore:2: node_modules
total: 3 files, 51B sent; 2 files, 0B left out'
    list --all "$DIR"
    expect_contains '+         -  logs/' '-        0B  logs/a.log  .dockerignore:4: logs' '+        0B  logs/keep.log'
    list -a --format json "$DIR"
    [ "$(printf %s "$output" | jq -r '.entries[] | select(.path == "node_modules") | "\(.type) \(.sent) \(.rule.file) \(.rule.line) \(.rule.text)"')" = 'directory false .dockerignore 2 node_modules' ]
    [ "$(printf %s "$output" | jq -c .total)" = '{"files":3,"bytes":51,"leftOut":2,"leftOutFiles":2,"leftOutBytes":0}' ]
}

@test "F30: what is left out is measured, directories with all below them" {
    mkdir -p "$DIR/node_modules/x/y"
    head -c 70000 /dev/zero >"$DIR/node_modules/x/y/big"
    head -c 2000 /dev/zero >"$DIR/node_modules/small"
    head -c 500 /dev/zero >"$DIR/a.log"
    printf 'node_modules\n*.log\n' >"$DIR/.dockerignore"
    list --ignored "$DIR"
    expect_output '     500B  a.log  .dockerignore:2: *.log
     72kB  node_modules/  .dockerignore:1: node_modules
total: 1 file, 19B sent; 3 files, 72.5kB left out'
    list "$DIR"
    expect_contains 'total: 1 file, 19B sent; 2 left out'
}

@test "A125: context ls says what becomes of a socket" {
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$DIR/s"
    list "$DIR"
    expect_contains '-  s  a socket: sent as an empty file' 'total: 1 file, 0B sent'
    list --format json "$DIR"
    [ "$(printf %s "$output" | jq -r '.entries[0] | "\(.type) \(.sentAs)"')" = 'socket file' ]
}

@test "F30: context ls finds the ignore file as a build does" {
    touch "$DIR/a" "$DIR/b"
    echo a >"$DIR/.dockerignore"
    echo b >"$DIR/app.dockerignore"
    list --ignored -f "$DIR/app" "$DIR"
    expect_contains "b  $DIR/app.dockerignore:1: b"
    expect_lacks '  a  '
    list --ignored "$DIR"
    expect_contains 'a  .dockerignore:1: a'
    list --format yaml "$DIR"
    expect_status 1
    expect_contains 'expected text or json'
    list "$DIR/none"
    expect_status 1
    list "$DIR" more
    expect_status 1
    run "$CBUILD" context
    expect_status 0
    expect_contains 'ls         List what a build takes of a directory'
}

@test "context ls shows hostile names as harmless text" {
    touch "$DIR"/$'a\e[31m\nb'
    list "$DIR"
    expect_contains 'a\x1b[31m\x0ab'
    list --format json "$DIR"
    [ "$(printf %s "$output" | jq -r '.entries[0].path')" = $'a\e[31m\nb' ]
}

@test "100,000 files and 100 patterns" {
    python3 -c '
import os, sys
for d in range(1000):
    os.mkdir(os.path.join(sys.argv[1], f"dir{d}"))
    for f in range(100):
        os.close(os.open(os.path.join(sys.argv[1], f"dir{d}", f"file{f}.txt"), os.O_CREAT | os.O_WRONLY))' "$DIR"
    for i in $(seq 98); do echo "**/skip*$i/x?.[a-c]"; done >"$DIR/.dockerignore"
    printf '**/file7*.txt\n!**/file77.txt\n' >>"$DIR/.dockerignore"
    list "$DIR"
    expect_contains 'total: 90001 files'
}

# ── Names of the Dockerfile, standard input ──

@test "C2: Dockerfile, then dockerfile, then Containerfile" {
    printf 'FROM scratch\nLABEL n=Containerfile\n' >"$DIR/Containerfile"
    build_ok
    [ "$(config .Labels.n)" = '"Containerfile"' ]
    printf 'FROM scratch\nLABEL n=dockerfile\n' >"$DIR/dockerfile"
    build_ok
    [ "$(config .Labels.n)" = '"dockerfile"' ]
    build_ok -f "$DIR/Dockerfile"
    [ "$(config .Labels.n)" = '"dockerfile"' ]
    printf 'FROM scratch\nLABEL n=Dockerfile\n' >"$DIR/Dockerfile"
    build_ok
    [ "$(config .Labels.n)" = '"Dockerfile"' ]
}

@test "C3: a tar on standard input, plain or compressed, is the context; -f names a member" {
    mkdir "$DIR/d"
    echo hello >"$DIR/d/f"
    printf 'FROM busybox\nCOPY d/f /seen\n' >"$DIR/d/Build"
    for filter in cat gzip bzip2 xz zstd; do
        tar -C "$DIR" -c . | $filter >"$BATS_TEST_TMPDIR/in"
        run "$CBUILD" build -q --no-cache -t img -f d/Build - <"$BATS_TEST_TMPDIR/in"
        [ "$status" -eq 0 ] || { echo "$filter: $output"; return 1; }
        in_image cat /seen
        expect_output hello
    done
    run "$CBUILD" build - <"$BATS_TEST_TMPDIR/in"
    expect_status 1
    expect_contains 'failed to read dockerfile: open Dockerfile: no such file or directory'
}

@test "C3: a Dockerfile on standard input has no context, and the error says how to give it one" {
    echo hello >"$DIR/f"
    printf 'FROM busybox\nCOPY f /f\n' >"$BATS_TEST_TMPDIR/in"
    run "$CBUILD" build - <"$BATS_TEST_TMPDIR/in"
    expect_status 1
    expect_contains '"/f" not found in the build context' 'there is no context' '`cbuild build -f - PATH`'
    run "$CBUILD" build -q -t img -f - "$DIR" <"$BATS_TEST_TMPDIR/in"
    expect_status 0
    in_image cat /f
    expect_output hello
    run "$CBUILD" build -f - - <"$BATS_TEST_TMPDIR/in"
    expect_status 1
    expect_contains "can't use stdin for both build context and dockerfile"
}

# ── Sources that are not there ──

@test "A124, F34: a source that is ignored, misspelled, or outside the context" {
    mkdir "$DIR/src"
    touch "$DIR/src/main.c" "$DIR/secret.log"
    printf '# no logs\n\n*.log\n' >"$DIR/.dockerignore"
    printf 'FROM scratch\nCOPY secret.log /\n' | dockerfile
    build
    expect_status 1
    expect_contains '"/secret.log" not found in the build context' 'it is excluded by .dockerignore:3: `*.log`' 'Dockerfile:2'
    printf 'FROM scratch\nCOPY src/mian.c /\n' | dockerfile
    build
    expect_contains '"/src/mian.c" not found' 'did you mean `src/main.c`?'
    printf 'FROM scratch\nCOPY ../lib/src/main.c /\n' | dockerfile
    build
    expect_contains 'COPY ../lib/src/main.c: "/lib/src/main.c" not found' '`..` does not lead out of the context' '--build-context other=DIR' 'COPY --from=other'
    printf 'FROM scratch\nCOPY /etc/passwd /\n' | dockerfile
    build
    expect_contains '"/etc/passwd" not found' '`/` is the root of the context' '--build-context'
    printf 'FROM busybox\nRUN --mount=type=bind,source=../src,target=/x true\n' | dockerfile
    build_ok
    printf 'FROM busybox\nRUN --mount=type=bind,source=../other,target=/x true\n' | dockerfile
    build
    expect_contains '"/other" not found' '--mount=type=bind,from=other'
    printf 'FROM busybox AS one\nFROM scratch\nCOPY --from=one /bin/busybax /\n' | dockerfile
    build
    expect_contains 'did you mean `bin/busybox`?'
    expect_lacks '--build-context'
}

@test "C2: a file that may not be read matters only when it is selected" {
    mkdir "$DIR/d" "$DIR/locked"
    touch "$DIR/d/secret" "$DIR/locked/f" "$DIR/open"
    chmod 600 "$DIR/d/secret"
    chmod 700 "$DIR/locked"
    chown 1000:1000 "$DIR/d/secret" "$DIR/locked"
    as_user() {
        run setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search "$CBUILD" "$@"
    }
    printf 'FROM scratch\nCOPY open /\n' | dockerfile
    as_user build "$DIR"
    expect_status 0
    printf 'FROM scratch\nCOPY d /\n' | dockerfile
    as_user build "$DIR"
    expect_status 1
    expect_contains '`d/secret`: permission denied' 'list it in .dockerignore' 'Dockerfile:2'
    printf 'FROM scratch\nCOPY . /\n' | dockerfile
    echo d >"$DIR/.dockerignore"
    as_user build "$DIR"
    expect_status 1
    expect_contains 'locked' 'permission denied'
    echo locked >>"$DIR/.dockerignore"
    as_user build "$DIR"
    expect_status 0
}

# ── Modes and special files ──

@test "B9, F16: --context-mode=git keeps only whether a file may be executed, and --explain says so" {
    mkdir "$DIR/d"
    echo a >"$DIR/d/data"
    echo b >"$DIR/d/run"
    chmod 600 "$DIR/d/data"
    chmod 775 "$DIR/d/run"
    chmod 700 "$DIR/d"
    printf 'FROM busybox\nCOPY . /x\nRUN --mount=type=bind,target=/m stat -c "%%a %%n" /m/d /m/d/* /x/d /x/d/* > /seen\n' | dockerfile
    build_ok
    in_image cat /seen
    expect_output $'700 /m/d\n600 /m/d/data\n775 /m/d/run\n700 /x/d\n600 /x/d/data\n775 /x/d/run'
    build_ok --context-mode=git --explain
    expect_contains 'context-mode keep→git'
    in_image cat /seen
    expect_output $'755 /m/d\n644 /m/d/data\n755 /m/d/run\n755 /x/d\n644 /x/d/data\n755 /x/d/run'
    chmod 664 "$DIR/d/data"
    chmod 755 "$DIR/d/run" "$DIR/d"
    build_ok --context-mode=git
    [ "$(steps_run)" = 0 ]
    build --context-mode=umask
    expect_status 1
    expect_contains '"--context-mode" flag: expected keep or git'
}

@test "what a shell's <(...) names may be a Dockerfile, an ignore file or variables; a FIFO is not waited for" {
    touch "$DIR/kept" "$DIR/left-out"
    run "$CBUILD" build -q -t img -f <(printf 'FROM busybox\nCOPY . /x\n') --ignorefile <(echo left-out) "$DIR"
    expect_status 0
    in_image ls /x
    expect_output kept
    run "$CBUILD" run --rm --env-file <(echo WORD=given) busybox sh -c 'echo $WORD'
    expect_output given
    run "$CBUILD" lint <(printf 'FROM busybox:1\nMAINTAINER me\n')
    expect_status 1
    expect_contains '/dev/fd/' MaintainerDeprecated
    mkfifo "$DIR/fifo"
    for command in "build -q $DIR -f" lint parse; do
        # shellcheck disable=SC2086
        run timeout 60 "$CBUILD" $command "$DIR/fifo"
        expect_status 1
        expect_contains 'not a regular file'
    done
}

@test "A125: a socket becomes an empty file, a FIFO and a device stay what they are" {
    mkfifo -m 600 "$DIR/pipe"
    mknod -m 666 "$DIR/null" c 1 3
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$DIR/socket"
    printf 'FROM busybox\nCOPY . /x\nADD socket /y\nRUN stat -c "%%F %%s %%t:%%T %%n" /x/null /x/pipe /x/socket /y > /seen\nRUN --mount=type=bind,source=socket,target=/s [ -f /s ]\n' | dockerfile
    build_ok
    expect_lacks 'not copied'
    in_image cat /seen
    expect_output $'character special file 0 1:3 /x/null\nfifo 0 0:0 /x/pipe\nregular empty file 0 0:0 /x/socket\nregular empty file 0 0:0 /y'
    build_ok
    [ "$(steps_run)" = 0 ]
}

# ── Named contexts ──

other() {
    mkdir -p "$BATS_TEST_TMPDIR/other/sub"
    echo hello >"$BATS_TEST_TMPDIR/other/f"
    echo deep >"$BATS_TEST_TMPDIR/other/sub/g"
    OTHER=$BATS_TEST_TMPDIR/other
}

# A layout of img in $BATS_TEST_TMPDIR/layout; further arguments for save.
layout() {
    mkdir -p "$BATS_TEST_TMPDIR/layout"
    "$CBUILD" save --format oci-archive "$@" | tar -x -C "$BATS_TEST_TMPDIR/layout"
    LAYOUT=$BATS_TEST_TMPDIR/layout
}

@test "C24: a directory for COPY --from, mounts and FROM, with its own .dockerignore" {
    other
    touch "$OTHER/no" "$DIR/f"
    echo no >"$OTHER/.dockerignore"
    echo f >"$DIR/.dockerignore"
    printf '%s\n' 'FROM busybox' 'COPY --from=lib f /f' 'COPY --from=lib . /all' \
        'RUN --mount=from=lib,target=/m ls -A /m > /mounted && find /all -type f | sort > /copied' | dockerfile
    build_ok --build-context lib="$OTHER"
    in_image cat /f /mounted /copied
    expect_output $'hello\n.dockerignore\nf\nsub\n/all/.dockerignore\n/all/f\n/all/sub/g'
    build_ok --build-context lib="$OTHER"
    [ "$(steps_run)" = 0 ]
    echo changed >"$OTHER/f"
    build_ok --build-context lib="$OTHER"
    in_image cat /f
    expect_output changed
    printf 'FROM lib\nCOPY Dockerfile /d\n' | dockerfile
    build_ok --build-context lib="$OTHER"
    "$CBUILD" save img | tar -xO --wildcards 'blobs/sha256/*' >/dev/null
    printf 'FROM busybox\nCOPY --from=img / /seen/\nRUN cd /seen && find . -type f -user 0 | sort > /list\n' | dockerfile
    build_ok -t img2
    run "$CBUILD" run --rm --network none img2 cat /list
    expect_output $'./.dockerignore\n./d\n./f\n./sub/g'
    fsck_clean
}

@test "C24: a named context replaces a stage, with all that it would have run" {
    other
    printf 'FROM busybox AS Build\nRUN exit 1\nFROM busybox\nCOPY --from=build f /f\nCOPY --from=0 sub/g /g\n' | dockerfile
    build_ok --build-context build="$OTHER"
    in_image cat /f /g
    expect_output $'hello\ndeep'
    expect_lacks 'exit 1'
    printf 'FROM nowhere.invalid/x AS base\nRUN exit 1\nFROM base\nRUN echo works > /w\n' | dockerfile
    build_ok --build-context base=docker-image://busybox
    in_image cat /w
    expect_output works
    [ "$(config .Cmd)" = '["sh"]' ]
    build_ok --build-context base=docker-image://busybox --target base
    [ "$(config .Cmd)" = '["sh"]' ]
}

@test "C24: a named context replaces an image however its name is written" {
    other
    for name in app app:latest docker.io/library/app library/app; do
        for from in app app:latest docker.io/library/app:latest index.docker.io/library/app; do
            printf 'FROM %s\nRUN true\n' "$from" | dockerfile
            build_ok --build-context "$name=docker-image://busybox"
        done
    done
    printf 'FROM busybox\nCOPY --from=registry.invalid/lib:2 f /f\n' | dockerfile
    build_ok --build-context registry.invalid/lib:2="$OTHER"
    printf 'FROM scratch\nCOPY --from=busybox f /f\n' | dockerfile
    build_ok --build-context busybox="$OTHER"
    build --build-context busybox:1="$OTHER"
    expect_status 1
    expect_contains '--build-context `busybox:1` is the name of no stage or image in use' '"/f" not found in the stage or image'
}

@test "C24: one for the platform goes before one for all; the last of a name counts" {
    other
    mkdir "$BATS_TEST_TMPDIR/second"
    echo second >"$BATS_TEST_TMPDIR/second/f"
    printf 'FROM busybox\nCOPY --from=lib f /f\n' | dockerfile
    case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac
    build_ok --build-context "lib::linux/$arch=$OTHER" --build-context "lib=$BATS_TEST_TMPDIR/second"
    in_image cat /f
    expect_output hello
    build_ok --build-context lib::linux/s390x="$OTHER" --build-context "lib=$BATS_TEST_TMPDIR/second"
    in_image cat /f
    expect_output second
    build_ok --build-context "lib=$BATS_TEST_TMPDIR/second" --build-context lib="$OTHER"
    in_image cat /f
    expect_output hello
}

@test "C24: docker-image://scratch is no files at all" {
    printf 'FROM base\nCOPY Dockerfile /d\n' | dockerfile
    build_ok --build-context base=docker-image://scratch
    [ "$("$CBUILD" inspect img | jq '.[0].RootFS.Layers | length')" = 1 ]
}

@test "C24: oci-layout by tag, by digest, and the only image there is" {
    printf 'FROM busybox\nRUN echo one > /which\nENV FROM_LAYOUT=1\n' | dockerfile
    build_ok -t one:v1
    printf 'FROM busybox\nRUN echo two > /which\n' | dockerfile
    build_ok -t two:v2
    layout one:v1 two:v2
    "$CBUILD" rmi one:v1 two:v2 img >/dev/null
    "$CBUILD" prune -af >/dev/null
    printf 'FROM base\nRUN cat /which; echo "$FROM_LAYOUT" > /env\n' | dockerfile
    build_ok --build-context base="oci-layout://$LAYOUT:v1"
    in_image cat /which /env
    expect_output $'one\n1'
    build_ok --build-context base="oci-layout://$LAYOUT:v2"
    in_image cat /which
    expect_output two
    digest=$(jq -r '.manifests[] | select(.annotations | tostring | contains("v1")).digest' "$LAYOUT/index.json")
    build_ok --build-context base="oci-layout://$LAYOUT@$digest"
    in_image cat /which
    expect_output one
    build --build-context base="oci-layout://$LAYOUT:v3"
    expect_status 1
    expect_contains 'no image with the tag `v3` in the layout' 'it has ' 'Dockerfile:1' '--build-context base'
    build --build-context base="oci-layout://$LAYOUT"
    expect_status 1
    expect_contains 'no image with the tag `latest`'
    printf 'FROM busybox\nCOPY --from=base /which /copied\nRUN --mount=from=base,target=/m cat /m/which > /mounted\n' | dockerfile
    build_ok --build-context base="oci-layout://$LAYOUT:v2"
    in_image cat /copied /mounted
    expect_output $'two\ntwo'
    fsck_clean
}

@test "C24: a tar of a layout is as good, whoever wrote it, in a compression as well" {
    printf 'FROM busybox\nRUN echo one > /which\n' | dockerfile
    build_ok -t one:v1
    printf 'FROM busybox\nRUN echo two > /which\n' | dockerfile
    build_ok -t two:v2
    layout one:v1 two:v2
    T=$BATS_TEST_TMPDIR
    "$CBUILD" save --format oci-archive -o "$T/own" one:v1 two:v2
    tar -C "$LAYOUT" --format=posix -cf "$T/posix" .
    tar -C "$LAYOUT" --format=gnu -czf "$T/gnu.gz" blobs index.json oci-layout
    skopeo copy -q "oci:$LAYOUT:v2" "oci-archive:$T/skopeo:v2"
    "$CBUILD" rmi one:v1 two:v2 img >/dev/null
    printf 'FROM base\nRUN cat /which\n' | dockerfile
    for archive in own posix gnu.gz skopeo; do
        "$CBUILD" prune -af >/dev/null
        build_ok --build-context base="oci-layout://$T/$archive:v2"
        in_image cat /which
        expect_output two
    done
    "$CBUILD" copy "oci:$T/posix:v1" store:copied:1
    run "$CBUILD" run --rm --network none copied:1 cat /which
    expect_output one
    "$CBUILD" rmi copied:1 >/dev/null
    build --build-context base="oci-layout://$T/posix:v3"
    expect_status 1
    expect_contains 'no image with the tag `v3` in the layout'
    # What is cut off or another's content is not taken.
    truncate -s 20000 "$T/own"
    "$CBUILD" rmi img >/dev/null
    "$CBUILD" prune -af >/dev/null
    build --build-context base="oci-layout://$T/own:v2"
    expect_status 1
    expect_contains "oci-layout $T/own"
    fsck_clean
}

@test "C24: a layout is not trusted: wrong bytes, wrong sizes, links out of it" {
    printf 'FROM busybox\nRUN echo one > /which\n' | dockerfile
    build_ok -t one:latest
    layout one:latest
    "$CBUILD" rmi one:latest img >/dev/null
    "$CBUILD" prune -af >/dev/null
    printf 'FROM base\nRUN cat /which\n' | dockerfile
    manifest=$(jq -r '.manifests[0].digest' "$LAYOUT/index.json")
    layer=$(jq -r '.layers[-1].digest' "$LAYOUT/blobs/sha256/${manifest#sha256:}")
    file=$LAYOUT/blobs/sha256/${layer#sha256:}
    cp "$file" "$BATS_TEST_TMPDIR/layer"
    printf X | dd of="$file" conv=notrunc bs=1 seek=20 status=none
    build --build-context base="oci-layout://$LAYOUT"
    expect_status 1
    expect_contains "${layer#sha256:}"
    rm "$file"
    ln -s "$BATS_TEST_TMPDIR/layer" "$file"
    build --build-context base="oci-layout://$LAYOUT"
    expect_status 1
    rm "$file"
    build --build-context base="oci-layout://$LAYOUT"
    expect_status 1
    expect_contains 'no such file'
    mkfifo "$file"
    run timeout 60 "$CBUILD" build --build-context base="oci-layout://$LAYOUT" "$DIR"
    expect_status 1
    expect_contains 'not a regular file'
    rm "$file"
    cp "$BATS_TEST_TMPDIR/layer" "$file"
    cp "$LAYOUT/index.json" "$BATS_TEST_TMPDIR/index.json"
    jq '.manifests[0].size += 1' "$BATS_TEST_TMPDIR/index.json" >"$LAYOUT/index.json"
    build --build-context base="oci-layout://$LAYOUT"
    expect_status 1
    ln -sf /etc/shadow "$LAYOUT/index.json"
    build --build-context base="oci-layout://$LAYOUT"
    expect_status 1
    expect_lacks 'root:'
    expect_contains 'there is no index.json'
    rm "$LAYOUT/index.json"
    cp "$BATS_TEST_TMPDIR/index.json" "$LAYOUT/index.json"
    build_ok --build-context base="oci-layout://$LAYOUT"
    fsck_clean
}

@test "C24: mistakes in --build-context are named" {
    other
    printf 'FROM busybox\n' | dockerfile
    while IFS='|' read -r value text; do
        build --build-context "$value"
        [ "$status" -eq 1 ] || { echo "$value: status $status"; return 1; }
        expect_contains "$text"
    done <<END
lib|invalid argument "lib" for "--build-context" flag: expected name=value
lib=|"--build-context" flag: expected name=value
=$OTHER|"--build-context" flag: a name is missing
Lib=$OTHER|invalid context name Lib
scratch=$OTHER|\`scratch\` always means itself
context=$OTHER|\`context\` always means itself
lib::nonsense/x/y/z=$OTHER|"--build-context"
lib=$OTHER/none|failed to get build context lib: path "$OTHER/none" not found
lib=$OTHER/f|failed to get build context lib: \`$OTHER/f\` is not a directory
lib=docker-image:busybox|write \`docker-image://busybox\`
lib=docker-image://UPPER|failed to get build context lib: docker-image://UPPER
lib=oci-layout:$OTHER|write \`oci-layout://$OTHER\`
lib=oci-layout://$OTHER/none|path "$OTHER/none" not found
lib=oci-layout://$OTHER/f|is neither a directory nor a tar of an image layout
lib=oci-layout://$OTHER@sha256:12|failed to get build context lib
lib=target:x|bake
lib=target:x|hint: name a stage of the same Dockerfile as it is, and of another its image: \`cbuild build --target x -t NAME\`
END
    printf 'FROM busybox\nCOPY --from=lib f /f\n' | dockerfile
    build --build-context lib="oci-layout://$OTHER"
    expect_status 1
    expect_contains 'not an image layout: there is no index.json' 'Dockerfile:2'
    echo '[' >"$OTHER/.dockerignore"
    build --build-context lib="$OTHER"
    expect_contains 'failed to get build context lib' '.dockerignore:1:1'
}

@test "C24: an ONBUILD trigger may name a context that was given, and no other" {
    other
    printf 'FROM busybox\nONBUILD COPY --from=lib f /f\n' | dockerfile
    build_ok -t parent
    printf 'FROM parent\nRUN cat /f\n' | dockerfile
    build_ok --build-context lib="$OTHER"
    in_image cat /f
    expect_output hello
    build --pull=never
    expect_status 1
    expect_contains 'no stage or image named `lib`'
}
