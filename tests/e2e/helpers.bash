# Common to the end-to-end tests. Each file has a store of its own (cb_store), each test a directory of its own ($DIR).

# A new store with busybox:latest, and with debian:bookworm when asked: cb_store [debian]
cb_store() {
    export STORE=$CB_WORK/store-${BATS_TEST_FILENAME##*/}
    rm -rf --one-file-system "$STORE"
    export CBUILD_ROOT=$STORE
    "$CBUILD" import -c 'CMD ["sh"]' "$CB_BASES/busybox.tar" busybox:latest >/dev/null
    if [ "${1:-}" = debian ]; then
        "$CBUILD" import -c 'CMD ["bash"]' "$CB_BASES/debian.tar" debian:bookworm >/dev/null
    fi
}

# An image for all tests of a file, of the Dockerfile on standard input: cb_image NAME [OPTION…]
cb_image() {
    mkdir -p "$BATS_FILE_TMPDIR/c"
    cat >"$BATS_FILE_TMPDIR/c/Dockerfile"
    "$CBUILD" build -q -t "$@" "$BATS_FILE_TMPDIR/c" >/dev/null
}
# busybox with one more bit, as a newer base of the same name would have it: cb_newer_base NAME
cb_newer_base() {
    local tree=$BATS_FILE_TMPDIR/$1
    mkdir "$tree"
    tar -C "$tree" -xf "$CB_BASES/busybox.tar"
    chmod o+w "$tree/etc"
    tar -C "$tree" -cf "$tree.tar" .
    "$CBUILD" import -c 'CMD ["sh"]' "$tree.tar" "$1:latest" >/dev/null
}

# Also what a failed test left running: it would hold on to the store.
cb_drop_store() {
    [ -n "${STORE:-}" ] || return 0
    [ -z "$(ls -A "$STORE/containers" 2>/dev/null)" ] || cb_drop_containers >/dev/null 2>&1 || true
    # Overlay's own, which a user may not even list.
    chmod -R u+rwx "$STORE"/snapshots/*/work 2>/dev/null || true
    rm -rf --one-file-system "$STORE"
}
cb_drop_containers() {
    "$CBUILD" ps -aq | xargs -r "$CBUILD" rm -f -v >/dev/null
}

# Takes away what is mounted below DIR, also what a failed test left there.
unmount_below() { # DIR
    local mount dir=${1:?a directory}
    awk -v p="$dir/" 'index($2, p) == 1 {print $2}' /proc/mounts | sort -r | while read -r mount; do
        umount "$mount" 2>/dev/null || umount -l "$mount"
    done
}

# Ends PID and all that it has begun; stopped first, so that it begins nothing meanwhile.
end_tree() { # PID
    local child
    kill -STOP "$1" 2>/dev/null || return 0
    for child in $(pgrep -P "$1"); do
        end_tree "$child"
    done
    kill -KILL "$1"
}
# What a failed test has left in the background is ended before its teardown, which might wait for it: for a lock that it has, say.
# bats itself ends only when nobody has its descriptors any more. What was disowned, and what setup_file began, stays.
if declare -F bats_teardown_trap >/dev/null; then
    eval "teardown_by_bats() $(declare -f bats_teardown_trap | tail -n +2)"
    bats_teardown_trap() {
        bats_check_status_from_trap # what came before
        local job
        if [ -z "${BATS_TEST_COMPLETED:-}" ]; then
            for job in $(jobs -p); do
                end_tree "$job"
                wait "$job" || true
            done 2>/dev/null
        fi
        teardown_by_bats "$@"
    }
fi

# An empty build context, $DIR.
cb_dir() {
    DIR=$BATS_TEST_TMPDIR/context
    mkdir -p "$DIR"
}

# Writes standard input as the Dockerfile of $DIR.
dockerfile() {
    cat >"$DIR/Dockerfile"
}

# Runs cbuild; bats' run fills $status and $output (both streams). Where neither is looked at it is "$CBUILD", which must succeed.
cbuild() {
    run "$CBUILD" "$@"
}

# Builds $DIR as img with plain progress. More options may follow.
build() {
    run "$CBUILD" build --progress=plain -t img "$@" "$DIR"
}

# The same, and it must succeed.
build_ok() {
    build "$@"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
}

# Output of a command in a container of img, which must succeed.
in_image() {
    run "$CBUILD" run --rm --network none img "$@"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
}

# A command on a terminal of its own, without the carriage returns: on_terminal [SIZE] STEP… -- COMMAND… (tests/lib/on-terminal.py)
on_terminal() {
    run python3 "${BASH_SOURCE[0]%/*}/../lib/on-terminal.py" "$@"
    output=${output//$'\r'/}
}

# One field of img's configuration, by a jq expression.
config() {
    "$CBUILD" inspect img | jq -c ".[0].Config$1"
}

# expect_output TEXT: exactly; expect_contains TEXT…: each somewhere; expect_lacks TEXT…: none of them. What a command does not say
# tells something only once it is known to have done its work: expect_status comes first.
expect_output() {
    [ "$output" = "$1" ] || { printf 'expected: %s\ngot:      %s\n' "$1" "$output"; return 1; }
}
expect_contains() {
    local text
    for text; do
        case $output in
        *"$text"*) ;;
        *) printf 'not found: %s\nin:        %s\n' "$text" "$output"; return 1 ;;
        esac
    done
}
expect_lacks() {
    local text
    for text; do
        case $output in
        *"$text"*) printf 'found: %s\nin:    %s\n' "$text" "$output"; return 1 ;;
        esac
    done
}
expect_status() {
    [ "$status" -eq "$1" ] || { printf 'status %s, expected %s\n%s\n' "$status" "$1" "$output"; return 1; }
}

# A process runs no more, though its parent may not have heard of that yet.
has_ended() { # PID
    not grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status"
}

# Fails when the command succeeds; a bare `!` would not end the test.
not() {
    ! "$@"
}

# How many steps of the last build ran, and how many came from the cache.
steps_run() {
    printf '%s\n' "$output" | sed -n 's/^[0-9]* steps\{0,1\}: [0-9]* cached, \([0-9]*\) run$/\1/p'
}
steps_cached() {
    printf '%s\n' "$output" | sed -n 's/^[0-9]* steps\{0,1\}: \([0-9]*\) cached, [0-9]* run$/\1/p'
}

# What a build may leave on the host, a line each: mounts, control groups, interfaces, scratch of the store.
host_state() {
    {
        grep -F "$STORE" /proc/mounts
        find /sys/fs/cgroup -path '*cbuild*' -type d 2>/dev/null
        ip -o link 2>/dev/null | grep -o 'cbuild-[^:@]*'
        ls "$STORE"/tmp "$STORE"/leases 2>/dev/null
    } | sort
}
# Nothing of what came since BEFORE stays: what other builds on the machine have at this moment goes by itself.
expect_host_state() { # BEFORE
    local left
    left=$(comm -13 <(printf '%s\n' "$1") <(host_state))
    wait_until host_lacks "$left"
}
host_lacks() { # LINES
    [ -z "$(comm -12 <(printf '%s\n' "$1") <(host_state) | grep .)" ]
}

# How long a process sleeps by which a test is told: nobody else's does.
FOREVER=$((100000000 + $$))
expect_no_sleeper() {
    run pgrep -f "sleep $FOREVER"
    expect_output ''
}

# Changes one bit in the middle of each blob.
flip_blobs() {
    python3 - "$CBUILD_ROOT/blobs/sha256" <<'END'
import os, sys
for directory, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(directory, name)
        os.chmod(path, 0o600)
        with open(path, "r+b") as blob:
            data = blob.read()
            blob.seek(len(data) // 2)
            blob.write(bytes([data[len(data) // 2] ^ 1]))
END
}

fsck_clean() {
    run "$CBUILD" fsck --deep
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
}

# Waits until COMMAND succeeds, polling. That it gives up after two minutes is for who waits for something that never comes.
# What COMMAND itself takes counts.
wait_until() {
    local uptime give_up
    read -r uptime _ </proc/uptime
    give_up=$((${uptime%.*} + 120))
    until "$@" >/dev/null 2>&1; do
        read -r uptime _ </proc/uptime
        [ "${uptime%.*}" -lt "$give_up" ] || { echo "gave up waiting for: $*"; return 1; }
        read -r -t 0.05 <> <(:) || true
    done
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
