# For rootless.bats: ordinary users, and what they run. The users stay on the machine; what they make is in $USERS.

# cb_users: cbtest has subordinate ids, cbsingle has none. $USERS is on a real disk that everybody can reach.
cb_users() {
    id cbtest >/dev/null 2>&1 || useradd --create-home cbtest
    id cbsingle >/dev/null 2>&1 || useradd --create-home -K SUB_UID_COUNT=0 -K SUB_GID_COUNT=0 cbsingle
    grep -q '^cbtest:' /etc/subuid
    grep -q '^cbtest:' /etc/subgid
    not grep -q '^cbsingle:' /etc/subuid
    export USERS
    USERS=$(mktemp -d /var/tmp/cbuild-users.XXXXXX)
    chmod 755 "$USERS"
    install -m 755 "$CBUILD" "$USERS/cbuild"
    [ ! -e "${CBUILD%/*}/cbuild-launcher" ] || install -m 755 "${CBUILD%/*}/cbuild-launcher" "$USERS/"
    install -m 644 "$CB_BASES/busybox.tar" "$CB_BASES/debian.tar" "$USERS/"
    install -d -o cbtest "$USERS/cbtest"
    install -d -o cbsingle "$USERS/cbsingle"
}
cb_drop_users() {
    [ -n "${USERS:-}" ] && rm -rf --one-file-system "$USERS"
}

# as USER COMMAND…: with nothing of our environment. `as cbtest cbuild …` runs the program under test. $CB_WITHOUT_CALLS: by that
# program, as on an older kernel.
as() {
    local user=$1
    shift
    # shellcheck disable=SC2086
    (cd "$USERS/$user" && ${CB_WITHOUT_CALLS:-} runuser -u "$user" -- env -i PATH="$USERS:/usr/sbin:/usr/bin:/sbin:/bin" HOME="$USERS/$user" \
        TMPDIR="$USERS/$user" XDG_RUNTIME_DIR="$USERS/$user" CBUILD_ROOT="${ROOT_OF_USER-}" LANG=C.UTF-8 "$@")
}

# as_ok USER COMMAND…: the same, and it must succeed; fills $output.
as_ok() {
    run as "$@"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
}

# cb_networks: ordinary users may make networks, with as_networked.
cb_networks() {
    mknod "$USERS/tun" c 10 200
    chmod 666 "$USERS/tun"
}
# as USER, where /dev/net/tun is open to all as udev has it, and without the programs that are named in $HIDE.
as_networked() {
    : >"$USERS/nothing"
    unshare -m sh -c 'users=$1 hide=$2 user=$3; shift 3
        mount --bind "$users/tun" /dev/net/tun
        for name in $hide; do mount --bind "$users/nothing" "$name"; done
        cd "$users/$user"
        exec runuser -u "$user" -- env -i PATH="$users:/usr/sbin:/usr/bin:/sbin:/bin" HOME="$users/$user" XDG_RUNTIME_DIR="$users/$user" "$@"' sh "$USERS" "${HIDE:-}" "$@"
}
helpers_of_user() {
    pgrep -u cbtest -f "/pasta --quiet.*$USERS|slirp4netns --configure|aardvark-dns .*$USERS" || true
    own_processes '^cbuild-hub'
}
# own_processes PATTERN: those of cbtest's that are the program under test.
own_processes() {
    local pid
    for pid in $(pgrep -u cbtest -f "$1"); do
        [ "$(readlink "/proc/$pid/exe")" != "$USERS/cbuild" ] || echo "$pid"
    done
}
no_helpers() {
    [ -z "$(helpers_of_user)" ]
}

# The context $DIR, readable by all, with the Dockerfile from standard input.
shared_context() {
    DIR=$USERS/context-$BATS_TEST_NUMBER
    mkdir -p "$DIR"
    cat >"$DIR/Dockerfile"
    chmod -R a+rX "$DIR"
}
