#!/usr/bin/env bats
# Containers whose output journald keeps. A recorder takes its place, in a mount namespace of the file's own.
load helpers

setup_file() {
    cb_store
    unshare -m sh -c 'mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/journal && exec sleep infinity' 3>&- 4>&- &
    export HOLDER=$! REAL=$CBUILD
    wait_until grep -q sleep "/proc/$HOLDER/comm"
    export CBUILD=$BATS_FILE_TMPDIR/cbuild
    printf '#!/bin/sh\nexec nsenter -t %s --mount --wdns="$PWD" %s "$@"\n' "$HOLDER" "$REAL" >"$CBUILD"
    chmod +x "$CBUILD"
}
teardown_file() {
    cb_drop_store
    kill "$HOLDER"
}
setup() {
    cb_dir
    name=j$BATS_TEST_NUMBER
    ENTRIES=$DIR/entries
    recorder=
}
teardown() {
    forget_journal
    cb_drop_containers
}

inside() { nsenter -t "$HOLDER" --mount --wdns="$PWD" "$@"; }
keep_journal() {
    nsenter -t "$HOLDER" --mount --wdns="$PWD" python3 "$BATS_TEST_DIRNAME/../lib/journal.py" "$ENTRIES" 3>&- &
    recorder=$!
    wait_until inside test -S /run/systemd/journal/socket
    wait_until test -e "$ENTRIES"
}
forget_journal() {
    if [ -n "$recorder" ]; then
        kill -KILL "$recorder"
        wait "$recorder" || true
        recorder=
    fi
    inside rm -f /run/systemd/journal/socket
}
has_entries() { [ "$(wc -l <"$ENTRIES")" -eq "$1" ]; }
# Of all entries, in their order, what a jq expression has of them.
entries() { jq -c "$1" "$ENTRIES"; }
start() {
    run "$CBUILD" run -d --network none --name "$name" --log-driver journald "$@"
    expect_status 0
    id=$output
}
monitor_said() { cat "$STORE/containers/$id/monitor.log"; }

@test "each line is an entry, with docker's fields" {
    keep_journal
    start --log-opt tag='{{.Name}}-{{.ID}}' --log-opt labels=com.example.a-b,message,_below,container-name --log-opt env=WORDS \
        --label com.example.a-b=labelled --label message=none --label _below=deep --label container-name=other --label unnamed=1 \
        --env WORDS=$'two\nlines' busybox sh -c 'echo out; printf "a\0b\377\n\nend"; echo err >&2'
    wait_until has_entries 5
    [ "$(entries 'select(.PRIORITY == "6").MESSAGE')" = '"out"
"a\u0000bÿ"
""
"end"' ]
    [ "$(entries 'select(.PRIORITY == "3").MESSAGE')" = '"err"' ]
    [ "$(jq -cS 'select(.MESSAGE == "err")' "$ENTRIES")" = '{"BELOW":"deep","COM_EXAMPLE_A_B":"labelled","CONTAINER_ID":"'"${id:0:12}"'","CONTAINER_ID_FULL":"'"$id"'","CONTAINER_NAME":"'"$name"'","CONTAINER_TAG":"'"$name-${id:0:12}"'","IMAGE_NAME":"busybox","MESSAGE":"err","PRIORITY":"3","SYSLOG_IDENTIFIER":"'"$name-${id:0:12}"'","WORDS":"two\nlines","by":"datagram"}' ]
    run "$CBUILD" inspect -f '{{json .HostConfig.LogConfig.Type}} {{json .LogPath}} {{index .HostConfig.LogConfig.Config "env"}}' "$name"
    expect_output '"journald" "" WORDS'
}

@test "a long line is told in pieces, and fields that are too large for a message go as a file" {
    keep_journal
    start busybox sh -c 'head -c 40000 /dev/zero | tr "\0" x; echo; echo short'
    wait_until has_entries 4
    [ "$(entries '[(.MESSAGE | length), .CONTAINER_PARTIAL_MESSAGE, .CONTAINER_PARTIAL_ORDINAL, .CONTAINER_PARTIAL_LAST, .CONTAINER_TAG]')" = '[16384,"true","1","false","'"${id:0:12}"'"]
[16384,"true","2","false","'"${id:0:12}"'"]
[7232,null,"3","true","'"${id:0:12}"'"]
[5,null,null,null,"'"${id:0:12}"'"]' ]
    [ "$(entries .CONTAINER_PARTIAL_ID | sort | uniq -c | awk '{print $1}' | sort | xargs)" = '1 3' ]
    "$CBUILD" rm "$name"
    : >"$ENTRIES"
    { printf large= && head -c 400000 /dev/zero | tr '\0' y && echo; } >"$DIR/labels"
    start --log-opt labels=large --label-file "$DIR/labels" busybox echo laden
    wait_until has_entries 1
    [ "$(entries '[.by, .MESSAGE, (.LARGE | length)]')" = '["file","laden",400000]' ]
}

@test "run --rm sends it as well, also where the configuration names the driver" {
    keep_journal
    run "$CBUILD" run --rm --network none --log-driver journald busybox sh -c 'echo seen; exit 3'
    expect_status 3
    expect_output seen
    wait_until has_entries 1
    echo '{"log-driver": "journald", "log-opts": {"tag": "configured"}}' >"$DIR/daemon.json"
    run env CBUILD_CONFIG="$DIR/daemon.json" "$CBUILD" run --rm --network none busybox echo again
    expect_status 0
    expect_output again
    wait_until has_entries 2
    [ "$(entries '[.MESSAGE, .SYSLOG_IDENTIFIER == "configured"]')" = '["seen",false]
["again",true]' ]
    [ "$("$CBUILD" ps -aq)" = '' ]
}

@test "without a journald nothing starts, and options of files are refused" {
    for how in --rm -d '--rm -t'; do
        cbuild run $how --network none --log-driver journald busybox echo printed
        expect_status 125
        expect_contains 'failed to initialize logging driver: journald is not enabled on this host'
        expect_lacks printed
    done
    "$CBUILD" create --network none --name "$name" --log-driver journald busybox true
    cbuild start "$name"
    expect_status 1
    expect_contains 'journald is not enabled on this host'
    cbuild run --network none --log-driver journald --log-opt max-size=1m busybox true
    expect_status 125
    expect_contains "unknown log opt 'max-size' for journald log driver"
}

@test "a journald that stops, goes or comes back holds nobody up, and what it misses is counted" {
    keep_journal
    start busybox sh -c 'seq 1000; while [ ! -e /go ]; do sleep 0.05; done; echo again'
    wait_until has_entries 1000
    forget_journal
    rm "$ENTRIES"
    keep_journal
    "$CBUILD" exec "$name" touch /go
    [ "$("$CBUILD" wait "$name")" = 0 ]
    wait_until has_entries 1
    [ "$(monitor_said)" = '' ]
    kill -STOP "$recorder"
    "$CBUILD" rm "$name"
    start busybox seq 5000
    [ "$("$CBUILD" wait "$name")" = 0 ]
    monitor_said | grep -q 'journald does not take what is printed: '
    lost=$(monitor_said | sed -n 's/.*journald has not taken \([0-9]*\) lines.*/\1/p')
    kill -CONT "$recorder"
    wait_until has_entries $((5001 - lost))
    "$CBUILD" rm "$name"
    start busybox sh -c 'while [ ! -e /go ]; do sleep 0.05; done; seq 7'
    kill -KILL "$recorder"
    wait "$recorder" || true
    recorder=
    "$CBUILD" exec "$name" touch /go
    [ "$("$CBUILD" wait "$name")" = 0 ]
    monitor_said | grep -q 'journald has not taken 7 lines'
}
