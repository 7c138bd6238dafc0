#!/usr/bin/env bats
# What `logs` reads back of containers whose output journald keeps.
load helpers
load helpers-journald

setup_file() {
    cb_store
    journald_space
    journald_cbuild
    journald_start
}
teardown_file() {
    cb_drop_store
    journald_kill
    kill "$HOLDER"
}
setup() {
    cb_dir
    name=r$BATS_TEST_NUMBER
}
teardown() { cb_drop_containers; }

start() {
    run "$CBUILD" run -d --network none --name "$name" --log-driver journald "$@"
    expect_status 0
    id=$output
}
# Both streams of `logs`, in out and err of $DIR.
logs() { "$CBUILD" logs "$@" >"$DIR/out" 2>"$DIR/err"; }
shown() { [ "$(cat "$DIR/out")" = "$1" ]; }
logs_have() { "$CBUILD" logs "$name" 2>&1 | grep -q -- "$1"; }
# A container waits for a file before it goes on: "$waits wait_for a" there, `go a` here.
waits='wait_for() { while [ ! -e /$1 ]; do sleep 0.05; done; };'
go() { "$CBUILD" exec "$name" touch "/$1"; }
# So many journalctl follow it.
followed_by() { [ "$(pgrep -fc "journalctl.*--follow.*CONTAINER_ID_FULL=$id")" -eq "$1" ]; }

# An entry, as user 65534 or root has sent it: send USER FIELD…
send() {
    inside python3 -c '
import os, socket, struct, sys
fields = b"".join(b"%s\n%s%s\n" % (name, struct.pack("<Q", len(value)), value)
                  for name, _, value in (os.fsencode(arg).partition(b"=") for arg in sys.argv[2:]))
os.setuid(int(sys.argv[1]))
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
    to.connect("/run/systemd/journal/socket")
    to.send(fields)' "$@"
}
# A line of so many "z".
send_long() {
    inside python3 -c '
import fcntl, os, socket, struct, sys
size = int(sys.argv[1])
file = os.memfd_create("entry", os.MFD_ALLOW_SEALING)
os.write(file, b"MESSAGE\n" + struct.pack("<Q", size) + b"z" * size + b"\nPRIORITY=6\nCONTAINER_ID_FULL=%s\n" % os.fsencode(sys.argv[2]))
fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
    to.connect("/run/systemd/journal/socket")
    socket.send_fds(to, [b""], [file])' "$1" "$id"
}

# same OPTION…: `logs` shows the same of both.
same() {
    echo "options: $*"
    logs "$@" "$name"
    "$CBUILD" logs "$@" "json-$name" >"$DIR/json.out" 2>"$DIR/json.err"
    cmp "$DIR/out" "$DIR/json.out"
    cmp "$DIR/err" "$DIR/json.err"
}
start_both() {
    start "$@"
    "$CBUILD" run -d --network none --name "json-$name" "$@"
    [ "$("$CBUILD" wait "$name" "json-$name" | xargs)" = '0 0' ]
}

@test "every option shows what it shows of a json-file" {
    start_both busybox sh -c 'echo one; head -c 40000 /dev/zero | tr "\0" x; echo; echo; printf "a\0b\033[1m\n"; printf end'
    same
    [ "$(head -n 1 "$DIR/out")" = one ]
    for options in '--tail 3' '-n 0' '-n -1' '-n 1000' '--tail all' '--since 10m' '--since 2099-01-01T00:00:00' '--until 2099-01-01T00:00:00' \
        '--until 2001-01-01T00:00:00' '--tail 2 --until 2099-01-01T00:00:00' '-n 2 --since 2099-01-01T00:00:00' -f '-f -n 2' '-f -n 0' \
        '--since 1' '--until 99999999999' '-n 99999999999999'; do
        same $options
    done
}

@test "streams stay apart, times and details are those of the journal" {
    start_both --log-opt env=WORDS --log-opt labels=kind --label kind=b/c --env WORDS=two+words busybox sh -c 'echo one; echo two >&2; echo three >&2; echo four'
    same
    shown "$(printf 'one\nfour')"
    [ "$(cat "$DIR/err")" = "$(printf 'two\nthree')" ]
    # Names are those of fields
    logs -t --details "$name"
    [ "$(sed -E 's/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}000Z KIND=b%2Fc,WORDS=two%2Bwords (one|two|three|four)$/\1/' "$DIR/out" "$DIR/err" | xargs)" = 'one four two three' ]
}

@test "since and until are of the journal's own times" {
    start busybox sh -c "$waits for i in 1 2 3; do wait_for \$i; echo \$i; done; wait_for end"
    for i in 1 2 3; do
        go $i
        wait_until logs_have "^$i"
    done
    logs -t "$name"
    [ "$(cut -d ' ' -f 2 "$DIR/out" | xargs)" = '1 2 3' ]
    second=$(sed -n '2s/ .*//p' "$DIR/out")
    [ "$("$CBUILD" logs --since "$second" "$name" | xargs)" = '2 3' ]
    [ "$("$CBUILD" logs --until "$second" "$name" | xargs)" = '1 2' ]
    [ "$("$CBUILD" logs --until "$second" --tail 1 "$name")" = 2 ]
    [ "$("$CBUILD" logs --until "$second" --tail 0 "$name")" = '' ]
    [ "$("$CBUILD" logs --since "$second" --until "$second" "$name")" = 2 ]
    [ "$("$CBUILD" logs --since "$second" --tail 1 "$name")" = 3 ]
    [ "$("$CBUILD" logs --since "${second%???Z}001Z" "$name")" = 3 ]
    # It ends at the first line beyond, though the container runs on
    [ "$("$CBUILD" logs -f --until "$second" "$name" | xargs)" = '1 2' ]
    [ "$("$CBUILD" logs -f --until "$second" --tail 1 "$name")" = 2 ]
}

@test "it is read while it runs, after its end, and after the next start" {
    start busybox sh -c "$waits echo begin; wait_for end; seq 2000; echo over >&2"
    wait_until logs_have begin
    go end
    [ "$("$CBUILD" wait "$name")" = 0 ]
    # Nothing of what it printed at last is missing, however soon one asks
    logs "$name"
    [ "$(wc -l <"$DIR/out")" -eq 2001 ]
    [ "$(cat "$DIR/err")" = over ]
    run "$CBUILD" start -a "$name"
    expect_status 0
    [ "$(printf '%s\n' "$output" | wc -l)" -eq 2002 ]
    logs "$name"
    [ "$(wc -l <"$DIR/out")" -eq 4002 ]
    [ "$(sort "$DIR/out" | uniq -c | awk '$1 != 2')" = '' ]
    [ "$(cat "$DIR/err")" = "$(printf 'over\nover')" ]
    # Another container of that name begins with nothing
    "$CBUILD" rm "$name"
    start busybox true
    [ "$("$CBUILD" wait "$name")" = 0 ]
    logs "$name"
    shown ''
}

@test "who follows gets every line once, to the last, from where it was asked for" {
    start busybox sh -c "$waits seq 3; wait_for on; seq 4 2000; wait_for end; seq 2001 2500; printf last"
    wait_until logs_have '^3$'
    followers=
    for from in 'all 1' '2 2' '0 4'; do
        set -- $from
        "$CBUILD" logs -f --tail "$1" "$name" >"$DIR/tail-$1" 3>&- &
        followers="$followers $!"
    done
    wait_until grep -qx 3 "$DIR/tail-all"
    wait_until grep -qx 3 "$DIR/tail-2"
    # The one that shows nothing yet has begun, too
    wait_until followed_by 3
    go on
    wait_until grep -qx 2000 "$DIR/tail-0"
    go end
    for pid in $followers; do
        wait "$pid"
    done
    for from in 'all 1' '2 2' '0 4'; do
        set -- $from
        cmp "$DIR/tail-$1" <(seq "$2" 2500 && printf last)
    done
}

@test "one that prints without end has an end when it is not followed" {
    start busybox sh -c 'while :; do echo y; usleep 2000; done'
    wait_until logs_have y
    logs --tail 5 "$name"
    [ "$(wc -l <"$DIR/out")" -eq 5 ]
    logs "$name"
    [ "$(sort -u "$DIR/out")" = y ]
    logs --tail 5 --until 2099-01-01T00:00:00 "$name"
    [ "$(wc -l <"$DIR/out")" -eq 5 ]
}

@test "who follows ends by a signal and leaves nothing behind" {
    start busybox sh -c "$waits echo here; wait_for end"
    for signal in TERM KILL; do
        "$CBUILD" logs -f "$name" >"$DIR/out" 3>&- &
        follower=$!
        wait_until shown here
        wait_until followed_by 1
        kill -$signal $follower
        wait $follower || [ $? -gt 128 ]
        wait_until followed_by 0
    done
}

@test "lines that another user has sent in the container's name are not shown" {
    start busybox echo mine
    [ "$("$CBUILD" wait "$name")" = 0 ]
    send 65534 "MESSAGE=forged" PRIORITY=6 "CONTAINER_ID_FULL=$id" _UID=0
    send 65534 "MESSAGE=forged" PRIORITY=3 "CONTAINER_ID_FULL=$id" "CONTAINER_NAME=$name"
    inside journalctl --sync
    [ "$(inside journalctl -q -o cat MESSAGE=forged "CONTAINER_ID_FULL=$id" | wc -l)" -eq 2 ]
    logs "$name"
    shown mine
    [ "$(cat "$DIR/err")" = '' ]
    [ "$("$CBUILD" logs --tail 1 "$name")" = mine ]
}

@test "entries of any fields and sizes are lines or are passed over" {
    { printf large= && head -c 400000 /dev/zero | tr '\0' y && echo; } >"$DIR/labels"
    start --log-opt labels=large --label-file "$DIR/labels" busybox echo first
    [ "$("$CBUILD" wait "$name")" = 0 ]
    send 0 "MESSAGE=no stream" "CONTAINER_ID_FULL=$id"
    send 0 "MESSAGE=notice" PRIORITY=5 "CONTAINER_ID_FULL=$id"
    send 0 PRIORITY=6 "CONTAINER_ID_FULL=$id" OTHER=1
    send 0 $'MESSAGE=two\nlines\n\nPRIORITY=3' PRIORITY=6 "CONTAINER_ID_FULL=$id" $'A=\n\n__CURSOR=x\n'
    send_long 1048576
    send_long 3145728
    send 0 MESSAGE=last PRIORITY=6 "CONTAINER_ID_FULL=$id"
    logs "$name"
    cmp "$DIR/out" <(printf 'first\ntwo\nlines\n\nPRIORITY=3\n' && head -c 1048576 /dev/zero | tr '\0' z && printf '\nlast\n')
    logs --details --tail 3 "$name"
    [ "$(head -n 1 "$DIR/out")" = 'A=%0A%0A__CURSOR%3Dx%0A two' ]
    [ "$(tail -n 1 "$DIR/out")" = ' last' ]
    logs --details "$name"
    [ "$(head -n 1 "$DIR/out" | wc -c)" -eq 400013 ]
}

@test "who follows ends when nobody reads any more, also when nothing comes" {
    start busybox sh -c 'echo line; exec sleep 1000'
    wait_until logs_have line
    run bash -c 'timeout 60 "$1" logs -f "$2" | head -n 1; exit "${PIPESTATUS[0]}"' - "$CBUILD" "$name"
    expect_status 0
    expect_output line
}

@test "a journald that stops or goes does not keep who follows" {
    for signal in KILL STOP; do
        start busybox sh -c "$waits echo here; wait_for end; echo lost"
        "$CBUILD" logs -f "$name" >"$DIR/out" 2>"$DIR/err" 3>&- &
        follower=$!
        wait_until shown here
        journald_signal $signal
        go end
        wait $follower
        shown here
        [ "$(cat "$DIR/err")" = '' ]
        [ "$("$CBUILD" logs "$name")" = here ]
        "$CBUILD" rm "$name"
        [ $signal = STOP ] || journald_start
    done
    journald_signal CONT
}

@test "where there is no journalctl, logs says so" {
    start busybox echo printed
    run nsenter -t "$HOLDER" --mount unshare -m sh -c 'mount --bind /dev/null "$(readlink -f "$(command -v journalctl)")"; exec "$@"' sh "$REAL" logs "$name"
    expect_status 1
    expect_contains 'configured logging driver does not support reading' "journalctl CONTAINER_ID_FULL=$id"
    expect_lacks printed
}
