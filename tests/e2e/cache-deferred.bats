#!/usr/bin/env bats
# Caches that are sent after the build: by the process that the build starts, or by `cbuild cache push`.
load helpers
load helpers-registry

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    dockerfile <<'DOCKER'
FROM busybox
COPY file /file
RUN cat /proc/sys/kernel/random/uuid >/random
DOCKER
    echo "$BATS_TEST_NAME" >"$DIR/file"
}
teardown() {
    [ -z "${REGISTRY_PID:-}" ] || kill -CONT "$REGISTRY_PID"
    stop_registry
    stop_hostile_registry
    "$CBUILD" cache push --list --format json | jq -r '.[] | .pid | select(. > 0)' | xargs -r kill -KILL 2>/dev/null || :
    wait_until none_is_sending
    "$CBUILD" cache push --drop >/dev/null
    rm -rf --one-file-system "$STORE-other"
}

to() { printf 'type=registry,ref=%s,mode=max,deferred=true' "$1"; }
listed() { # FIELD: of all that waits
    "$CBUILD" cache push --list --format json | jq -r ".[] | $1"
}
is_listed() { # FIELD VALUE
    [ "$(listed "$1")" = "$2" ]
}
nothing_waits() { [ "$("$CBUILD" cache push --list --format json)" = '[]' ]; }
none_is_sending() { not grep -q sending <<<"$("$CBUILD" cache push --list)"; }
# An empty store finds all in the cache NAME.
expect_cache() { # NAME
    local id
    id=$("$CBUILD" images -q --no-trunc img)
    rm -rf --one-file-system "$STORE-other"
    "$CBUILD" --root "$STORE" save busybox:latest | "$CBUILD" --root "$STORE-other" load >/dev/null
    CBUILD_ROOT=$STORE-other build_ok --cache-from "$1"
    [ "$(steps_run)" = 0 ] || { echo "$output"; return 1; }
    [ "$(CBUILD_ROOT=$STORE-other "$CBUILD" images -q --no-trunc img)" = "$id" ]
}
# A registry that takes connections and answers nothing, until `kill -CONT`.
start_silent_registry() {
    start_registry
    kill -STOP "$REGISTRY_PID"
}
# A build that left its cache to a process, which is at it: $SENDER.
build_and_send() { # [OPTIONS]
    build_ok --cache-to "$(to "$REGISTRY/cache:x")" "$@"
    wait_until is_listed .state sending
    SENDER=$(listed .pid)
}

@test "the build ends before the registry has answered, and the cache is there when it does" {
    start_silent_registry
    build_and_send
    expect_contains 'to be sent later'
    kill -CONT "$REGISTRY_PID"
    wait_until nothing_waits
    expect_cache "$REGISTRY/cache:x"
    wait_until has_ended "$SENDER"
    # nothing is left behind but the lock of the directory
    run ls "$STORE/outbox"
    expect_output lock
}

@test "the process holds no terminal and no file of the build, and SIGHUP does not end it" {
    start_silent_registry
    on_terminal -- "$CBUILD" build -t img --cache-to "$(to "$REGISTRY/cache:x")" "$DIR"
    wait_until is_listed .state sending
    SENDER=$(listed .pid)
    run readlink "/proc/$SENDER/fd/0" "/proc/$SENDER/fd/1" "/proc/$SENDER/fd/2"
    expect_output "/dev/null
/dev/null
$(listed .log)"
    not grep -q -e "$DIR" -e /dev/pts <<<"$(readlink "/proc/$SENDER"/fd/*)"
    # a session of its own: no terminal is its controlling one
    [ "$(cut -d' ' -f6 "/proc/$SENDER/stat")" = "$SENDER" ]
    [ "$(cut -d' ' -f7 "/proc/$SENDER/stat")" = 0 ]
    kill -HUP "$SENDER"
    kill -CONT "$REGISTRY_PID"
    wait_until nothing_waits
    expect_cache "$REGISTRY/cache:x"
}

@test "cache push waits for the process that is at it" {
    start_silent_registry
    build_and_send
    "$CBUILD" cache push >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    pid=$!
    wait_until grep -q "waiting for process $SENDER, which sends a cache to $REGISTRY/cache:x" "$BATS_TEST_TMPDIR/err"
    kill -CONT "$REGISTRY_PID"
    wait "$pid"
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = "Sent: $REGISTRY/cache:x" ]
    nothing_waits
    expect_cache "$REGISTRY/cache:x"
}

@test "what a killed process left is sent by cache push, after prune and collection" {
    start_silent_registry
    build_and_send
    kill -9 "$SENDER"
    wait_until is_listed .state waiting
    # Without what the build had: the blobs are those of the outbox alone.
    "$CBUILD" rmi -f img >/dev/null
    "$CBUILD" prune -af >/dev/null
    fsck_clean
    kill -CONT "$REGISTRY_PID"
    cbuild cache push "$REGISTRY/cache:x"
    expect_status 0
    expect_contains "Sent: $REGISTRY/cache:x"
    nothing_waits
    rm -rf --one-file-system "$STORE-other"
    "$CBUILD" --root "$STORE" import -c 'CMD ["sh"]' "$CB_BASES/busybox.tar" busybox:latest >/dev/null
    "$CBUILD" --root "$STORE" save busybox:latest | "$CBUILD" --root "$STORE-other" load >/dev/null
    CBUILD_ROOT=$STORE-other build_ok --cache-from "$REGISTRY/cache:x"
    [ "$(steps_run)" = 0 ]
    # From now on they are nobody's.
    blobs=$(find "$STORE/blobs/sha256" -type f | wc -l)
    "$CBUILD" rmi -f img >/dev/null 2>&1 || true
    "$CBUILD" prune -af >/dev/null
    [ "$(find "$STORE/blobs/sha256" -type f | wc -l)" -lt "$blobs" ]
}

@test "what cannot be sent stays with its error, which the next build to that name tells in one line" {
    start_registry
    stop_registry
    build_ok --cache-to "$(to "$REGISTRY/cache:x")"
    wait_until is_listed .state failed
    cbuild cache push --list
    # the names stand below each other
    [ "$(grep -e NAME -e ^failed <<<"$output" | sed 's/NAME$//; s/127\.0\.0\.1.*//' | awk '{print length}' | uniq | wc -l)" = 1 ]
    expect_contains failed "$REGISTRY/cache:x" 'Failed to connect' "log: $STORE/outbox/"
    grep -q 'Failed to connect' "$(listed .log)"
    # cache push fails likewise, and leaves it there
    cbuild cache push
    expect_status 1
    expect_contains "export cache to $REGISTRY/cache:x"
    is_listed .state failed
    # a build for another name has nothing to tell
    build_ok --cache-to "$(to "$REGISTRY/other:x")"
    expect_lacks 'earlier build'
    build_ok --cache-to "$(to "$REGISTRY/cache:x")"
    [ "$(grep -c "the cache of an earlier build could not be sent to $REGISTRY/cache:x: .*Failed to connect" <<<"$output")" = 1 ]
    [ "$(listed .name | sort)" = "$REGISTRY/cache:x
$REGISTRY/other:x" ]
}

@test "of two builds the newer replaces the one that waits, and follows the one that is being sent" {
    start_silent_registry
    build_and_send
    first=$(listed .digest)
    echo second >"$DIR/file"
    build_ok --cache-to "$(to "$REGISTRY/cache:x")"
    expect_lacks 'earlier build'
    second=$(listed .digest)
    [ "$first" != "$second" ]
    echo third >"$DIR/file"
    build_ok --cache-to "$(to "$REGISTRY/cache:x")"
    third=$(listed .digest)
    [ "$second" != "$third" ]
    # what is under way keeps its blobs
    "$CBUILD" prune -af >/dev/null
    kill -CONT "$REGISTRY_PID"
    wait_until nothing_waits
    run curl -s -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/cache/manifests/x"
    [ "sha256:$(printf %s "$output" | sha256sum | cut -d' ' -f1)" = "$third" ]
    run curl -s -o /dev/null -w '%{http_code}' -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/cache/manifests/$first"
    expect_output 200
    run curl -s -o /dev/null -w '%{http_code}' -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/cache/manifests/$second"
    expect_output 404
}

@test "a cache that is sent at once takes out what waits for its name" {
    start_silent_registry
    build_and_send
    kill -9 "$SENDER"
    wait_until is_listed .state waiting
    kill -CONT "$REGISTRY_PID"
    echo second >"$DIR/file"
    build_ok --cache-to "type=registry,ref=$REGISTRY/cache:x,mode=max"
    expect_contains "the cache of an earlier build was not sent to $REGISTRY/cache:x"
    nothing_waits
    expect_cache "$REGISTRY/cache:x"
}

@test "a cache that is sent at once is not replaced by an older one that was on its way" {
    start_silent_registry
    build_and_send
    kill -STOP "$SENDER"
    kill -CONT "$REGISTRY_PID"
    echo second >"$DIR/file"
    build_ok --cache-to "type=registry,ref=$REGISTRY/cache:x,mode=max"
    second=$(tagged)
    kill -CONT "$SENDER"
    wait_until has_ended "$SENDER"
    wait_until nothing_waits
    [ "$(tagged)" = "$second" ]
    expect_cache "$REGISTRY/cache:x"
}
tagged() {
    curl -s -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/cache/manifests/x" | sha256sum
}

@test "cache push --drop forgets what waits, and nothing that is being sent" {
    start_silent_registry
    build_and_send
    cbuild cache push --drop
    expect_status 1
    expect_contains "$REGISTRY/cache:x is being sent by process $SENDER"
    kill -9 "$SENDER"
    wait_until is_listed .state waiting
    cbuild cache push --drop "$REGISTRY/cache:x"
    expect_output "Dropped: $REGISTRY/cache:x"
    nothing_waits
    cbuild cache push "$REGISTRY/cache:x"
    expect_status 1
    expect_contains 'no cache waits'
}

@test "what is no file of the outbox's, or damaged, hinders nobody, and --drop takes it out" {
    build_ok --offline --cache-to "$(to "127.0.0.1:9/cache:x")"
    entry=$(find "$STORE/outbox" -name '*.json')
    mkdir -p "$STORE/outbox/dir.json/inner"
    mkfifo "$STORE/outbox/pipe.json" "${entry%.json}.lock"
    cbuild prune -f
    expect_status 0
    cbuild cache push --list --format json
    expect_contains dir.json pipe.json 'not a regular file'
    is_listed .state waiting
    cbuild cache push # which holds the lock, and nobody answers
    expect_status 1
    expect_contains 127.0.0.1:9
    echo '{' >"$entry"
    cbuild cache push --drop 127.0.0.1:9/cache:x
    expect_output "Dropped: $entry"
    cbuild cache push --drop
    expect_output "Dropped: $STORE/outbox/dir.json
Dropped: $STORE/outbox/pipe.json"
    cbuild cache push --list
    expect_lacks warning
}

@test "credentials are those found when it is sent, and nowhere in the store" {
    start_hostile_registry --auth basic
    export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
    build_ok --cache-to "$(to "$HOSTILE/good/cache:x")"
    wait_until is_listed .state failed
    mkdir -p "$DOCKER_CONFIG"
    "$CBUILD" login -u tester --password-stdin "$HOSTILE" <<<opensesame
    cbuild cache push
    expect_status 0
    nothing_waits
    # The same by a file that the build was given: its path is kept, nothing of what it has.
    mv "$DOCKER_CONFIG/config.json" "$BATS_TEST_TMPDIR/auth.json"
    echo two >"$DIR/file"
    (cd "$BATS_TEST_TMPDIR" && "$CBUILD" build -q --offline --authfile auth.json --cache-to "$(to "$HOSTILE/good/cache:y")" "$DIR")
    run grep -r -l -e opensesame -e "$(printf tester:opensesame | base64)" "$STORE"
    expect_output ''
    cbuild cache push
    expect_status 0
    expect_contains "Sent: $HOSTILE/good/cache:y"
    # A password that was typed would have to be kept.
    build --creds tester:opensesame --cache-to "$(to "$HOSTILE/good/cache:z")"
    expect_status 1
    expect_contains '--creds are not kept for a cache that is sent later'
    nothing_waits
}

@test "--offline starts no process; what is to be sent waits" {
    start_registry
    build_ok --offline --cache-to "$(to "$REGISTRY/cache:x")"
    is_listed .state waiting
    run pgrep -f "cbuild-cache-push $STORE"
    expect_output ''
    cbuild cache push
    expect_status 0
    expect_cache "$REGISTRY/cache:x"
}

@test "a log that cannot be written keeps nobody" {
    build_ok --offline --cache-to "$(to 127.0.0.1:1/cache:x)"
    log=$(basename "$STORE"/outbox/*.json .json).log
    mkfifo "$STORE/outbox/$log"
    run timeout 60 "$CBUILD" build -q -t img --cache-to "$(to 127.0.0.1:1/cache:x)" "$DIR"
    expect_status 0
    wait_until is_listed .state failed
}

@test "a disk without room is an error of the build, or a warning with ignore-error=true" {
    start_registry
    mkdir -p -m 700 "$STORE/outbox"
    mount -t tmpfs -o size=4k,mode=700 tmpfs "$STORE/outbox"
    head -c 4096 /dev/zero >"$STORE/outbox/full"
    build --cache-to "$(to "$REGISTRY/cache:x")"
    full=$status
    build --cache-to "$(to "$REGISTRY/cache:x"),ignore-error=true"
    umount "$STORE/outbox"
    expect_status 0
    expect_contains "export cache to $REGISTRY/cache:x" "\`$STORE/outbox\`" 'no space left on device'
    [ "$full" = 1 ]
    nothing_waits
}

@test "only a cache for a registry can be sent later, and only under a tag" {
    build --cache-to "type=local,dest=$BATS_TEST_TMPDIR/cache,deferred=true"
    expect_status 1
    expect_contains 'deferred=true is for type=registry'
    build --cache-to "$(to "127.0.0.1:1/cache@sha256:$(printf '0%.0s' {1..64})")"
    expect_status 1
    expect_contains 'cannot push to a digest'
    nothing_waits
}
