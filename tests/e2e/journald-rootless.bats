#!/usr/bin/env bats
# What an ordinary user reads back of his containers that journald keeps.
load helpers
load helpers-rootless
load helpers-journald

setup_file() {
    cb_users
    journald_space
    as cbtest cbuild import -c 'CMD ["sh"]' "$USERS/busybox.tar" busybox >/dev/null
}
teardown_file() {
    kill "$HOLDER"
    cb_drop_users
}
teardown() {
    in_space cbuild rm -f box mute >/dev/null 2>&1 || true
    journald_kill
    journald_forget
}

# As cbtest, where that journald is; more groups of his: GROUPS_TOO=NAME.
in_space() {
    (cd "$USERS/cbtest" && inside setpriv --reuid cbtest --regid cbtest --groups "cbtest${GROUPS_TOO:+,$GROUPS_TOO}" env -i \
        PATH="$USERS:/usr/sbin:/usr/bin:/sbin:/bin" HOME="$USERS/cbtest" XDG_RUNTIME_DIR="$USERS/cbtest" "$@")
}
box() {
    in_space cbuild run -d --name box --network none --log-driver journald busybox sh -c 'echo out; echo err >&2' >/dev/null
    [ "$(in_space cbuild wait box)" = 0 ]
}

@test "who may read none of the journal hears so and what to do; with the group he reads it" {
    journald_start Storage=volatile
    box
    run in_space cbuild logs box
    expect_status 1
    expect_contains 'this user may not read the journal' 'usermod -aG systemd-journal USER'
    expect_lacks out
    run in_space cbuild logs -f box
    expect_status 1
    expect_contains 'this user may not read the journal'
    # Its directories are given to the group by systemd-tmpfiles
    inside chgrp -R systemd-journal /run/log/journal
    GROUPS_TOO=systemd-journal run in_space cbuild logs box
    expect_status 0
    expect_output "$(printf 'out\nerr')"
}

@test "where journald keeps a journal for each user on disk, his containers are in it" {
    inside mkdir -p /run/systemd/journal
    inside touch /run/systemd/journal/flushed
    journald_start Storage=persistent
    box
    run in_space cbuild logs -f box
    expect_status 0
    expect_output "$(printf 'out\nerr')"
    [ "$(in_space cbuild logs --tail 1 box 2>&1)" = err ]
    # One that printed nothing might have printed what he may not see
    in_space cbuild run -d --name mute --network none --log-driver journald busybox true >/dev/null
    [ "$(in_space cbuild wait mute)" = 0 ]
    run in_space cbuild logs mute
    expect_status 0
    expect_contains 'no line of it is in the journals that you may read'
    # What another has sent under his container's id is none of his lines
    id=$(in_space cbuild inspect -f '{{.Id}}' box)
    inside python3 -c '
import os, socket, sys
os.setuid(65534)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"MESSAGE=forged\nPRIORITY=6\nCONTAINER_ID_FULL=" + os.fsencode(sys.argv[1]) + b"\n", "/run/systemd/journal/socket")' "$id"
    inside journalctl --sync
    run in_space cbuild logs box
    expect_output "$(printf 'out\nerr')"
}
