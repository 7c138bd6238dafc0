#!/usr/bin/env bats
# The networks of ordinary users: by pasta, or slirp4netns.
load helpers
load helpers-rootless

setup_file() {
    cb_users
    cb_store
    "$CBUILD" save -o "$USERS/busybox-image.tar" busybox
    chmod 644 "$USERS/busybox-image.tar"
    as cbtest cbuild load -i "$USERS/busybox-image.tar"
    cb_networks
}
teardown_file() {
    cb_drop_store
    cb_drop_users
}

@test "a step has the private network it has with root, and reaches what is public only" {
    shared_context <<'END'
FROM busybox
RUN ip -o -4 addr show eth0; ip route; cat /etc/hosts
END
    port=$(free_port)
    python3 -m http.server --bind 127.0.0.1 --directory "$USERS" "$port" >/dev/null 2>&1 3>&- &
    server=$!
    wait_until curl -s -o /dev/null "http://127.0.0.1:$port/"
    run as_networked cbtest cbuild build --progress=plain --add-host me:host-gateway "$DIR"
    expect_status 0
    expect_contains 'inet 10.213.' 'default via 10.213.'
    gateway=$(sed -n 's/.*default via \([0-9.]*\) .*/\1/p' <<<"$output")
    for address in 127.0.0.1 "$gateway"; do
        run as_networked cbtest cbuild run --rm busybox nc -w 2 "$address" "$port"
        [ "$status" -ne 0 ]
    done
    kill "$server"
    wait_until no_helpers
}

@test "a port is published, and nothing is left of one that was killed" {
    port=$(free_port)
    as_networked cbtest cbuild run --rm -p "127.0.0.1:$port:80" busybox sh -c 'mkdir /w; echo page >/w/file; httpd -p 80 -h /w; sleep 100' >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
    server=$!
    wait_until curl -s -f -o /dev/null "http://127.0.0.1:$port/file" || { cat "$BATS_TEST_TMPDIR/log"; return 1; }
    [ -n "$(helpers_of_user)" ]
    run as_networked cbtest cbuild run --rm -p "127.0.0.1:$port:80" busybox true
    expect_status 125
    expect_contains "Bind for 127.0.0.1:$port failed: port is already allocated"
    kill -9 $(pgrep -u cbtest -f '^cbuild-monitor |/cbuild-monitor | cbuild-monitor ')
    wait "$server" || true
    wait_until no_helpers
}

@test "a port of SCTP, which takes root, is an error and not a port that nobody reaches" {
    for mode in default none-of-pasta; do
        HIDE=$([ $mode = default ] || echo /usr/bin/pasta) run as_networked cbtest cbuild run --rm -p 7777:80/sctp busybox true
        expect_status 125
        [[ ${output,,} == *sctp* ]] # takes root, or is not in this kernel at all
    done
    wait_until no_helpers
}

@test "a part of an interface of the host's takes root" {
    run as_networked cbtest cbuild network create -d macvlan -o parent=lo0 part
    expect_status 1
    expect_contains 'macvlan networks take root: their parent is an interface of the host'
}

@test "slirp4netns publishes ports, where pasta is not" {
    port=$(free_port)
    HIDE=/usr/bin/pasta as_networked cbtest cbuild run --rm --name published -p "127.0.0.1:$port:80" busybox sh -c 'mkdir /w; echo page >/w/file; httpd -p 80 -h /w; sleep 100' >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
    server=$!
    wait_until curl -s -f -o /dev/null "http://127.0.0.1:$port/file" || { cat "$BATS_TEST_TMPDIR/log"; return 1; }
    run curl -s "http://127.0.0.1:$port/file"
    expect_output page
    HIDE=/usr/bin/pasta run as_networked cbtest cbuild run --rm -p "127.0.0.1:$port:80" busybox true
    expect_status 125
    expect_contains "Bind for 127.0.0.1:$port failed: port is already allocated"
    [ -z "$(find "$USERS/cbtest/.local/share/cbuild" -name 'slirp-*')" ]
    as cbtest cbuild rm -f published
    wait "$server" || true
    wait_until no_helpers
}

@test "slirp4netns is taken where pasta is not, and lo where neither is" {
    shared_context <<'END'
FROM busybox
RUN ip -o -4 addr show
END
    HIDE=/usr/bin/pasta run as_networked cbtest cbuild build --no-cache --progress=plain "$DIR"
    expect_status 0
    expect_contains 'pasta is not installed, used instead is slirp4netns; install the package passt' 'inet 10.213.'
    HIDE='/usr/bin/pasta /usr/bin/slirp4netns' run as_networked cbtest cbuild build --no-cache --progress=plain "$DIR"
    expect_status 0
    expect_contains 'pasta is not installed: there is no network but lo; install the package passt'
    expect_lacks 'inet 10.213.'
}
