# For the hostile-*.bats: a canary outside, and images that aim at it (tests/lib/evil-layers.py).

# Lays the canary, $CANARY: nothing in there may ever change, and its text may never show up in an image.
canary_lay() {
    export CANARY=$CB_WORK/canary-${BATS_TEST_FILENAME##*/} CANARY_BEFORE
    rm -rf "$CANARY"
    mkdir -p "$CANARY/b/c"
    echo "the text of the canary" >"$CANARY/f"
    echo "canary:x:0:0::/:" >"$CANARY/passwd"
    chmod 640 "$CANARY/f"
    CANARY_BEFORE=$(canary_state)
}
canary_state() {
    (cd "$CANARY" && find . -printf '%p %y %m %U %G %s %T@ %l\n' | sort && cat f passwd)
    cat /proc/sys/kernel/core_pattern
}
canary_ok() {
    local now
    now=$(canary_state)
    [ "$now" = "$CANARY_BEFORE" ] || { printf 'the canary was touched:\n%s\n' "$now"; return 1; }
}
canary_remove() {
    rm -rf "$CANARY"
}

# What a command must not leave: mounts and scratch of the store (other builds on the machine do not count).
left_behind() {
    grep -c -F "$STORE" /proc/mounts
    ls -A "$STORE/tmp" "$STORE/leases" 2>/dev/null
}

# Makes the layers in $EVIL: evil NAME... Those that evil_prepare made are there already.
evil() {
    local prepared=$BATS_FILE_TMPDIR/evil name
    local wanted=()
    EVIL=$BATS_TEST_TMPDIR/evil
    mkdir -p "$EVIL"
    for name; do
        if [ -f "$prepared/$name.tar" ]; then
            ln -f "$prepared/$name.tar" "$prepared/$name.layer" "$EVIL"
        else
            wanted+=("$name")
        fi
    done
    [ ${#wanted[@]} -eq 0 ] || evil_layers "$EVIL" "${wanted[@]}"
}
evil_layers() {
    python3 "$CB_TOP/tests/lib/evil-layers.py" --base "$CB_BASES/busybox.tar" --canary "$CANARY" "$@"
}
# Makes all layers at once, for a file that tries most of them.
evil_prepare() {
    # shellcheck disable=SC2046
    evil_layers "$BATS_FILE_TMPDIR/evil" $(evil_layers --list | grep -vE '64m|bomb')
}

# No image may come of NAME, and the message says why: refused NAME TEXT…
refused() {
    local name=$1
    shift
    evil "$name"
    run timeout 60 "$CBUILD" load -i "$EVIL/$name.tar"
    [ "$status" -eq 1 ] || { echo "$name: status $status: $output"; return 1; }
    expect_contains "$@"
    expect_no_controls
    run "$CBUILD" inspect "evil-$name"
    [ "$status" -eq 1 ] || { echo "$name is there"; return 1; }
    canary_ok || { echo "by $name"; return 1; }
    rm -f "$EVIL"/*
}

# NAME is legal, or harmless; it is loaded.
taken() {
    evil "$1"
    run timeout 60 "$CBUILD" load -i "$EVIL/$1.tar"
    [ "$status" -eq 0 ] || { echo "$1: status $status: $output"; return 1; }
    canary_ok || { echo "by $1"; return 1; }
    rm -f "$EVIL"/*
}

# Output of a command in the image of NAME: in_evil NAME COMMAND…
in_evil() {
    local name=$1
    shift
    run timeout 60 "$CBUILD" run --rm --network none "evil-$name" "$@"
    canary_ok || { echo "by a container of $name"; return 1; }
    [ "$status" -eq 0 ] || { echo "$name: status $status: $output"; return 1; }
}

# Nothing in $output may steer a terminal.
expect_no_controls() {
    if printf '%s' "$output" | LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')"; then
        printf 'control characters in: %q\n' "$output"
        return 1
    fi
}

# The most memory a command used stays below a limit in MiB: expect_memory LIMIT COMMAND…
# (fills $status and $output like run)
expect_memory() {
    local limit=$1 used report=$BATS_TEST_TMPDIR/memory-$BASHPID
    shift
    run command time -q -f %M -o "$report" "$@" </dev/null
    used=$(($(cat "$report") / 1024))
    [ -n "${CB_SANITIZED:-}" ] || [ "$used" -le "$limit" ] || { echo "$used MiB used by: $*"; return 1; }
}
