# Web and git servers for bats tests. Load with `load helpers-web`; needs $BATS_TEST_TMPDIR.

# For the files that say nothing else: a store for the file, a context and a server for each test.
setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    start_web
}
teardown() {
    stop_git_daemon
    stop_https
    stop_web
}

# start_web: tests/lib/web.py over $WEB_ROOT, a new directory → $WEB (http://host:port),
# $WEB_OTHER (the other host), $WEB_LOG (its requests).
start_web() {
    local fifo=$BATS_TEST_TMPDIR/web.in out=$BATS_TEST_TMPDIR/web.out port other
    WEB_ROOT=$BATS_TEST_TMPDIR/web
    WEB_LOG=$BATS_TEST_TMPDIR/web.log
    mkdir -p "$WEB_ROOT"
    mkfifo "$fifo" "$out"
    python3 "$BATS_TEST_DIRNAME/../lib/web.py" --root "$WEB_ROOT" --log "$WEB_LOG" \
        <"$fifo" >"$out" 3>&- &
    WEB_PID=$!
    exec {WEB_FD}>"$fifo"
    read -r port other <"$out"
    WEB=http://127.0.0.1:$port
    WEB_OTHER=http://127.0.0.9:$other
}

stop_web() {
    [ -n "${WEB_PID:-}" ] || return 0
    exec {WEB_FD}>&-
    kill "$WEB_PID" 2>/dev/null || : # who else has that descriptor keeps it up
    wait "$WEB_PID" 2>/dev/null || :
    WEB_PID=
}

# start_https: $WEB_ROOT by https on localhost → $HTTPS; $HTTPS_CA signs its certificate.
start_https() {
    local fifo=$BATS_TEST_TMPDIR/https.in out=$BATS_TEST_TMPDIR/https.out port
    HTTPS_CA=$BATS_TEST_TMPDIR/https.pem
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
        -keyout "$BATS_TEST_TMPDIR/https.key" -out "$HTTPS_CA" 2>/dev/null
    mkfifo "$fifo" "$out"
    python3 "$BATS_TEST_DIRNAME/../lib/https.py" "$WEB_ROOT" "$HTTPS_CA" "$BATS_TEST_TMPDIR/https.key" \
        <"$fifo" >"$out" 2>/dev/null 3>&- &
    HTTPS_PID=$!
    exec {HTTPS_FD}>"$fifo"
    read -r port <"$out"
    HTTPS=https://localhost:$port
}

stop_https() {
    [ -n "${HTTPS_PID:-}" ] || return 0
    exec {HTTPS_FD}>&-
    kill "$HTTPS_PID" 2>/dev/null || :
    wait "$HTTPS_PID" 2>/dev/null || :
    HTTPS_PID=
}

# The requests since the last call of forget_requests, one "status asked?" a line.
forget_requests() {
    : >"$WEB_LOG"
}
requests() {
    jq -r '"\(.method) \(.status) \(if .asked then "asked" else "-" end)"' "$WEB_LOG"
}
expect_requests() {
    local got
    got=$(requests)
    [ "$got" = "$1" ] || { printf 'expected requests: %s\ngot:               %s\n' "$1" "$got"; return 1; }
}

# git with nothing of the user's, as a person of fixed name and time.
tgit() {
    GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t \
        GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t GIT_AUTHOR_DATE='1700000000 +0000' \
        GIT_COMMITTER_DATE='1700000000 +0000' git -c init.defaultBranch=main \
        -c protocol.file.allow=always -c advice.detachedHead=false "$@"
}

# make_repo NAME [OPTION…]: a repository $WEB_ROOT/NAME.git with a work tree $REPO.
make_repo() {
    local name=$1
    shift
    REPO=$BATS_TEST_TMPDIR/work-$name
    tgit init -q "$@" "$REPO"
    printf 'one\n' >"$REPO/file"
    mkdir -p "$REPO/sub/dir"
    printf '#!/bin/sh\necho run\n' >"$REPO/sub/dir/tool"
    chmod 755 "$REPO/sub/dir/tool"
    ln -s file "$REPO/link"
    commit first
    tgit clone -q --bare "$REPO" "$WEB_ROOT/$name.git"
    tgit -C "$REPO" remote add origin "$WEB_ROOT/$name.git"
}

# commit MESSAGE: all of $REPO; push: everything to its server.
commit() {
    tgit -C "$REPO" add -A
    tgit -C "$REPO" commit -q -m "$1"
}
push() {
    tgit -C "$REPO" push -q --force --all origin
    tgit -C "$REPO" push -q --force --tags origin
}

# start_git_daemon: git's own server of $WEB_ROOT → $GIT (git://host:port).
start_git_daemon() {
    local port
    port=$(free_port)
    git daemon --reuseaddr --export-all --listen=127.0.0.1 --port="$port" \
        --base-path="$WEB_ROOT" "$WEB_ROOT" 2>/dev/null 3>&- &
    GIT_PID=$!
    GIT=git://127.0.0.1:$port
    wait_until bash -c "exec 9<>/dev/tcp/127.0.0.1/$port"
}
stop_git_daemon() {
    [ -n "${GIT_PID:-}" ] || return 0
    kill "$GIT_PID" 2>/dev/null || :
    wait "$GIT_PID" 2>/dev/null || :
    GIT_PID=
}

# A Dockerfile with a URL or repository as its only source: add URL DEST [FLAG…]
add() {
    local url=$1 dest=$2
    shift 2
    printf 'FROM busybox\nADD %s %s %s\n' "$*" "$url" "$dest" >"$DIR/Dockerfile"
}
