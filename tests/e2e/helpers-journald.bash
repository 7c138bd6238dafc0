# A journald of a file's own, the real one, in a mount namespace where nothing of the host's journal is.

# journald_space: makes the namespace; $HOLDER is in it.
journald_space() {
    printf '%032x\n' 0xcb01d >"$BATS_FILE_TMPDIR/machine-id"
    unshare -m sh -c 'mkdir -p /run/systemd /run/log
        for dir in /run/systemd /run/log /var/log; do mount -t tmpfs -o mode=755 tmpfs $dir; done
        mkdir /run/systemd/journal
        mount --bind "$0/machine-id" /etc/machine-id
        touch "$0/journald.conf"
        mount --bind "$0/journald.conf" /etc/systemd/journald.conf
        exec sleep infinity' "$BATS_FILE_TMPDIR" 3>&- 4>&- &
    export HOLDER=$!
    wait_until grep -q sleep "/proc/$HOLDER/comm"
}
inside() { nsenter -t "$HOLDER" --mount --wdns="$PWD" "$@"; }

# journald_start [KEY=VALUE…]: the real one; it leaves the kernel's own messages alone. A test may end it and start another.
journald_start() {
    printf '%s\n' '[Journal]' Storage=volatile Audit=no ReadKMsg=no RateLimitIntervalSec=0 "$@" >"$BATS_FILE_TMPDIR/journald.conf"
    nsenter -t "$HOLDER" --mount --wdns=/ /lib/systemd/systemd-journald 3>&- 4>&- &
    echo $! >"$BATS_FILE_TMPDIR/journald.pid"
    disown
    wait_until inside test -S /run/systemd/journal/io.systemd.journal
    wait_until inside journalctl --sync
}
journald_signal() { kill "-$1" "$(cat "$BATS_FILE_TMPDIR/journald.pid")"; }
journald_kill() {
    journald_signal KILL
    wait_until has_ended "$(cat "$BATS_FILE_TMPDIR/journald.pid")"
}
# All that it has kept goes.
journald_forget() { inside sh -c 'rm -rf /run/log/* /var/log/* /run/systemd/journal/*'; }
# The program under test, run in there.
journald_cbuild() {
    export REAL=$CBUILD CBUILD=$BATS_FILE_TMPDIR/cbuild
    printf '#!/bin/sh\nexec nsenter -t %s --mount --wdns="$PWD" %s "$@"\n' "$HOLDER" "$REAL" >"$CBUILD"
    chmod +x "$CBUILD"
}
