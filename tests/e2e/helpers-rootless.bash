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
    install -m 644 "$CB_BASES/busybox.tar" "$CB_BASES/debian.tar" "$USERS/"
    install -d -o cbtest "$USERS/cbtest"
    install -d -o cbsingle "$USERS/cbsingle"
}
cb_drop_users() {
    [ -n "${USERS:-}" ] && rm -rf --one-file-system "$USERS"
}

# as USER COMMAND…: with nothing of our environment. `as cbtest cbuild …` runs the program under test.
as() {
    local user=$1
    shift
    (cd "$USERS/$user" && runuser -u "$user" -- env -i PATH="$USERS:/usr/sbin:/usr/bin:/sbin:/bin" HOME="$USERS/$user" \
        TMPDIR="$USERS/$user" CBUILD_ROOT="${ROOT_OF_USER-}" LANG=C.UTF-8 "$@")
}

# as_ok USER COMMAND…: the same, and it must succeed; fills $output.
as_ok() {
    run as "$@"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
}

# The context $DIR, readable by all, with the Dockerfile from standard input.
shared_context() {
    DIR=$USERS/context-$BATS_TEST_NUMBER
    mkdir -p "$DIR"
    cat >"$DIR/Dockerfile"
    chmod -R a+rX "$DIR"
}
