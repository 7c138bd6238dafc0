#!/usr/bin/env bats
# Networks: of steps, of containers, and those that have a name.
load helpers

# All happens in a host network of the file's own, so that nobody else's interfaces and rules are counted. It has one neighbour,
# who is also its default route.
setup_file() {
    cb_store debian
    unshare -n sleep infinity 3>&- 4>&- &
    export HOLDER=$! REAL=$CBUILD HOST=198.51.100.2
    unshare -n sleep infinity 3>&- 4>&- &
    export NEIGHBOUR=$!
    for pid in "$HOLDER" "$NEIGHBOUR"; do
        wait_until sh -c '[ "$(readlink /proc/$0/ns/net)" != "$(readlink /proc/self/ns/net)" ]' "$pid"
    done
    host sh -c 'ip link set lo up
        ip link add up0 type veth peer name up1 netns $NEIGHBOUR
        ip addr add $HOST/24 dev up0
        ip link set up0 up'
    neighbour sh -c 'ip link set lo up
        ip addr add 198.51.100.1/24 dev up1
        ip link set up1 up'
    host ip route add default via 198.51.100.1
    export CBUILD=$BATS_FILE_TMPDIR/cbuild
    printf '#!/bin/sh\nexec nsenter --net=/proc/%s/ns/net %s "$@"\n' "$HOLDER" "$REAL" >"$CBUILD"
    chmod +x "$CBUILD"
}
teardown_file() {
    cb_drop_store
    kill "$HOLDER" "$NEIGHBOUR"
}
setup() { cb_dir; }

# A command in that network.
host() {
    nsenter --net="/proc/$HOLDER/ns/net" "$@"
}
neighbour() {
    nsenter --net="/proc/$NEIGHBOUR/ns/net" "$@"
}
teardown() {
    touch "$DIR/stop"
    host iptables -P INPUT ACCEPT
    host iptables -P FORWARD ACCEPT
    for pid in "${first:-}" "${second:-}" "${server:-}" "${busy:-}"; do
        [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true
    done
    [ -z "${SERVER:-}" ] || kill "$SERVER" 2>/dev/null || true
    for name in $("$CBUILD" network ls -q -f type=custom); do
        wait_until "$CBUILD" network rm "$name"
    done
}

# What networks leave on the host: interfaces, rules, name servers, helpers. What stays for the next container is not counted:
# its bridge, and rules for networks that are not there.
network_state() {
    host ip -o link | sed -n 's/^[0-9]*: \(\(cbuild-\|br-\|veth\)[^:@]*\).*/\1/p' | sort
    host iptables-save 2>/dev/null | grep -E 'br-|10\.99\.|to-destination' || true
    helpers_running
}
# The kernel dismantles the interfaces of those who have just left.
nothing_is_left() {
    [ -z "$(network_state)" ]
}

# Helpers that run there; those that have ended but were not waited for do not count.
helpers_running() {
    local name pid
    for name in pasta pasta.avx2 slirp4netns aardvark-dns; do
        for pid in $(pgrep -r R,S,D -x "$name"); do
            [ "$(readlink "/proc/$pid/ns/net")" != "$(readlink "/proc/$HOLDER/ns/net")" ] || echo "$name"
        done
    done
}

# A server on an address of the host; its port is $PORT.
serve_on() {
    PORT=$(free_port)
    nsenter --net="/proc/$HOLDER/ns/net" python3 -m http.server --bind "$1" --directory "$DIR" "$PORT" >/dev/null 2>&1 3>&- &
    SERVER=$!
    wait_until host curl -s -o /dev/null "http://$1:$PORT/"
}

# A program for steps and containers: says what answers at ADDRESS PORT within SECONDS, as far as anything does. Debian's shell does
# what a static busybox cannot.
ask='ask() { timeout ${3:-60} bash -c "exec 3<>/dev/tcp/\$0/\$1 && printf \"GET /file HTTP/1.0\\r\\n\\r\\n\" >&3 && cat <&3" $1 $2; }'
# A web server in a container with $DIR as /v, until $DIR/stop is there.
served='mkdir /w; echo page >/w/file; httpd -p 80 -h /w; echo up; until [ -e /v/stop ]; do sleep 0.1; done'

# Calls of iptables-restore are noted in $CALLS. With a NAME that is the program's own: iptables-restore is a link to it.
watch_rules() {
    local name=${1:-iptables-restore} bin=$BATS_TEST_TMPDIR/bin
    CALLS=$BATS_TEST_TMPDIR/calls
    mkdir -p "$bin"
    : >"$CALLS"
    printf '#!/bin/sh\necho called >>%s\nexec %s "$@"\n' "$CALLS" "$(command -v iptables-restore)" >"$bin/$name"
    chmod +x "$bin/$name"
    [ "$name" = iptables-restore ] || ln -s "$name" "$bin/iptables-restore"
    PATH=$bin:$PATH
}

# Runs a command where the programs named before `--` are not installed.
without() {
    local hide=
    while [ "$1" != -- ]; do
        hide="$hide $1"
        shift
    done
    shift
    : >"$BATS_TEST_TMPDIR/empty"
    chmod 644 "$BATS_TEST_TMPDIR/empty"
    unshare -m sh -c 'empty=$1 hide=$2; shift 2
        for name in $hide; do
            for dir in /usr/bin /usr/sbin /usr/lib/podman /usr/libexec/podman; do
                [ ! -e $dir/$name ] || mount --bind "$empty" $dir/$name
            done
        done
        exec "$@"' sh "$BATS_TEST_TMPDIR/empty" "$hide" "$@"
}

# ── The private network of steps ──

@test "a build's network is set up once, only when a step runs, and taken down" {
    printf 'FROM busybox\nRUN ip route | grep -q default\nRUN ip -o -4 addr show eth0\nRUN true\n' | dockerfile
    build_ok --no-cache
    wait_until nothing_is_left
    watch_rules
    build_ok --no-cache
    [ "$(cat "$CALLS")" = called ]
    wait_until nothing_is_left
    : >"$CALLS"
    build_ok
    [ ! -s "$CALLS" ]
    printf 'FROM busybox\nRUN true\n' | dockerfile
    build_ok --no-cache --network none
    [ ! -s "$CALLS" ]
}

@test "the packet filter is asked once for all containers, and again when anybody has changed a rule" {
    calls() { wc -l <"$CALLS"; }
    "$CBUILD" run --rm busybox true
    watch_rules xtables-nft-multi
    "$CBUILD" run --rm busybox true
    [ "$(calls)" = 1 ]
    "$CBUILD" run --rm busybox true
    "$CBUILD" run -d --name asks busybox true
    "$CBUILD" rm -f asks
    [ "$(calls)" = 1 ]
    host iptables -t nat -F CBUILD-MASQ
    "$CBUILD" run --rm busybox true
    run host iptables -t nat -S CBUILD-MASQ
    expect_contains '172.17.0.0/16 ! -o cbuild0 -j MASQUERADE'
    "$CBUILD" run --rm busybox true
    : >"$CALLS"
    "$CBUILD" run --rm busybox true
    [ "$(calls)" = 0 ]
    # one that publishes has a rule of its own
    "$CBUILD" run --rm -p 0:80 busybox true
    [ "$(calls)" -ge 1 ]
}

@test "a step reaches what the host serves to all, not what it serves to itself" {
    echo secret >"$DIR/file"
    serve_on 127.0.0.1
    nsenter --net="/proc/$HOLDER/ns/net" python3 -c '
import socket, time
s = socket.socket(socket.AF_UNIX)
s.bind("\0cbuild-canary")
s.listen()
time.sleep(300)' 3>&- &
    abstract=$!
    wait_until grep -q @cbuild-canary "/proc/$HOLDER/net/unix"
    dockerfile <<END
FROM debian:bookworm
RUN ["bash", "-c", "$(sed 's/[\\"]/\\&/g' <<<"$ask"); for ip in 127.0.0.1 10.213.{0..9}.1; do ask \$ip $PORT 3 & done; wait; cat /proc/net/unix"]
END
    build_ok
    kill "$abstract"
    expect_lacks secret
    expect_lacks canary
    kill "$SERVER"
    serve_on 0.0.0.0
    dockerfile <<END
FROM debian:bookworm
RUN ["bash", "-c", "$(sed 's/[\\"]/\\&/g' <<<"$ask"); ask host.docker.internal $PORT"]
END
    build_ok --add-host host.docker.internal:host-gateway
    expect_contains secret
}

@test "two networks do not reach each other" {
    "$CBUILD" network create other >/dev/null
    "$CBUILD" run --rm --network other -v "$DIR:/v" busybox sh -c "ip -o -4 addr show eth0; $served" >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
    first=$!
    wait_until grep -q up "$BATS_TEST_TMPDIR/log"
    address=$(sed -n 's/.*inet \([0-9.]*\).*/\1/p' "$BATS_TEST_TMPDIR/log")
    run host curl -s "http://$address/file"
    expect_output page
    run "$CBUILD" run --rm debian:bookworm bash -c "$ask; ask $address 80 3"
    [ "$status" -ne 0 ]
    expect_lacks page
    touch "$DIR/stop"
    wait "$first"
}

@test "what a killed process leaves is taken down by the next command" {
    "$CBUILD" network create --subnet 10.99.3.0/24 killed >/dev/null
    "$CBUILD" run --rm -p 0:80 busybox sh -c 'echo up; sleep 100' >>"$BATS_TEST_TMPDIR/log" 2>/dev/null 3>&- &
    first=$!
    "$CBUILD" run --rm -p 0:80 --network killed busybox sh -c 'echo up; sleep 100' >>"$BATS_TEST_TMPDIR/log" 2>/dev/null 3>&- &
    second=$!
    wait_until sh -c '[ $(grep -c up "$0") = 2 ]' "$BATS_TEST_TMPDIR/log"
    not nothing_is_left
    pkill -9 -f "cbuild-monitor $STORE " # they publish, so each has one
    wait "$first" "$second" || true
    printf 'FROM busybox\n' | dockerfile
    build_ok
    wait_until nothing_is_left
    "$CBUILD" network rm killed
}

@test "rules hold beside a policy of DROP, keep out what was not asked for, and come back when they are flushed" {
    echo page >"$DIR/file"
    neighbour python3 -m http.server --bind 198.51.100.1 --directory "$DIR" 8080 >"$BATS_TEST_TMPDIR/seen" 2>&1 3>&- &
    first=$!
    wait_until neighbour curl -s -o /dev/null http://198.51.100.1:8080/
    host iptables -P FORWARD DROP
    run "$CBUILD" run --rm debian:bookworm bash -c "$ask; ask 198.51.100.1 8080"
    expect_contains page
    grep -q "^$HOST .*GET /file" "$BATS_TEST_TMPDIR/seen"
    port=$(free_port)
    "$CBUILD" run --rm -p "$port:80" -v "$DIR:/v" busybox sh -c "$served" >/dev/null 2>&1 3>&- &
    second=$!
    wait_until neighbour curl -s -o /dev/null "http://$HOST:$port/file"
    host iptables -P FORWARD ACCEPT
    neighbour ip route add 172.16.0.0/12 via "$HOST"
    run neighbour curl -s -m 1 http://172.17.0.2/file
    [ "$status" -ne 0 ]
    run host curl -s http://172.17.0.2/file
    expect_output page
    touch "$DIR/stop"
    wait "$second"
    host iptables -F
    host iptables -t nat -F
    run "$CBUILD" run --rm debian:bookworm bash -c "$ask; ask 198.51.100.1 8080"
    expect_contains page
    run host iptables -S FORWARD
    expect_output "$(printf -- '-P FORWARD ACCEPT\n-A FORWARD -j CBUILD-FORWARD')"
    neighbour ip route del 172.16.0.0/12
    end_tree "$first"
    wait "$first" 2>/dev/null || true
}

@test "a missing helper is named in one line and another one is used" {
    printf 'FROM busybox\nRUN ip -o -4 addr show eth0\n' | dockerfile
    run without iptables-restore -- "$CBUILD" build --progress=plain --no-cache "$DIR"
    expect_status 0
    expect_contains 'iptables is not installed, used instead is pasta; install the package iptables' 'inet 10.213.'
    run without iptables-restore pasta -- "$CBUILD" build --progress=plain --no-cache "$DIR"
    expect_status 0
    expect_contains 'iptables is not installed, used instead is slirp4netns' 'inet 10.213.'
    printf 'FROM busybox\nRUN ip -o link | grep -c .\n' | dockerfile
    run without iptables-restore pasta slirp4netns -- "$CBUILD" build --progress=plain --no-cache "$DIR"
    expect_status 0
    expect_contains 'iptables is not installed: there is no network but lo; install the package iptables'
    run without iptables-restore pasta slirp4netns -- "$CBUILD" run --rm -p 0:80 busybox true
    expect_status 125
    expect_contains 'iptables is not installed'
    no_helpers_run() { [ -z "$(helpers_running)" ]; }
    wait_until no_helpers_run
    mkdir "$BATS_TEST_TMPDIR/bin"
    printf '#!/bin/sh\necho "iptables-restore: you must be root" >&2\nexit 4\n' >"$BATS_TEST_TMPDIR/bin/iptables-restore"
    chmod +x "$BATS_TEST_TMPDIR/bin/iptables-restore"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH run "$CBUILD" run --rm busybox ip -o -4 addr show eth0
    expect_status 0
    expect_contains 'warning: iptables-restore: you must be root, used instead is pasta' 'inet 10.213.'
}

@test "a resolver on the host's loopback is asked through one that steps reach" {
    cat >"$BATS_TEST_TMPDIR/dns.py" <<'END'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
print("up", flush=True)
while True:
    q, peer = s.recvfrom(512)
    a = q[:2] + b"\x81\x80" + q[4:6] + b"\0\1\0\0\0\0" + q[12:q.index(b"\0", 12) + 5]
    s.sendto(a + b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\xc0\0\2\x2a", peer)
END
    echo 'nameserver 127.0.0.1' >"$BATS_TEST_TMPDIR/resolv.conf"
    # In a host network of the test's own, whose port 53 is free.
    export -f wait_until
    run unshare -n -m bash -c 'ip link set lo up; mount --bind "$1/resolv.conf" /etc/resolv.conf
        python3 "$1/dns.py" >"$1/up" & server=$!
        wait_until test -s "$1/up"
        "$REAL" run --rm busybox sh -c "cat /etc/resolv.conf; nslookup -type=a name.example"
        status=$?
        kill $server
        ip -o link
        exit $status' sh "$BATS_TEST_TMPDIR"
    expect_status 0
    expect_contains 'nameserver 172.17.0.1' 192.0.2.42
    expect_lacks 127.0.0.1:53
    expect_lacks cbuild-
}

# ── Proxies ──

@test "proxies reach RUN and neither keys, history nor the image" {
    mkdir -p "$BATS_TEST_TMPDIR/docker"
    echo '{"proxies": {"default": {"httpProxy": "http://u:hush@192.0.2.7:1", "noProxy": "a.example"}}}' >"$BATS_TEST_TMPDIR/docker/config.json"
    export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
    printf 'FROM busybox\nRUN echo "[$HTTP_PROXY|$http_proxy|$NO_PROXY|$https_proxy]"\n' | dockerfile
    HTTPS_PROXY=http://192.0.2.8:2 build_ok --network none
    expect_contains '[http://u:hush@192.0.2.7:1|http://u:hush@192.0.2.7:1|a.example|http://192.0.2.8:2]'
    run "$CBUILD" inspect img
    expect_status 0
    expect_lacks hush
    run "$CBUILD" history --no-trunc img
    expect_status 0
    expect_lacks hush
    unset DOCKER_CONFIG
    build_ok --network none
    [ "$(steps_run)" = 0 ]
    https_proxy=http://127.0.0.1:3 build_ok --network none --no-cache
    expect_contains '[|||]'
    DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker run "$CBUILD" run --rm --network none -e http_proxy=mine busybox sh -c 'echo "[$HTTP_PROXY|$http_proxy]"'
    expect_output '[http://u:hush@192.0.2.7:1|mine]'
}

# ── Networks with names ──

@test "networks are created, listed, inspected and removed" {
    run "$CBUILD" network create --subnet 10.99.1.0/24 --ip-range 10.99.1.128/25 --label tier=back -o com.docker.network.driver.mtu=1300 back
    expect_status 0
    [ ${#output} -eq 64 ]
    id=$output
    run "$CBUILD" network ls
    [ "${lines[0]}" = 'NETWORK ID     NAME      DRIVER    SCOPE' ]
    [ "${lines[1]}" = "${id:0:12}   back      bridge    local" ]
    [ "${#lines[@]}" -eq 5 ]
    run "$CBUILD" network ls -q -f label=tier=back --no-trunc
    expect_output "$id"
    run "$CBUILD" network ls --format json -f name=bac
    [ "$(jq -r '.Name + .ID + .Labels' <<<"$output")" = "back${id:0:12}tier=back" ]
    run bash -c '"$CBUILD" network inspect back | jq -c ".[0] | [.Name, .IPAM.Config, .Labels, .Options, .Containers]"'
    expect_output '["back",[{"Subnet":"10.99.1.0/24","IPRange":"10.99.1.128/25","Gateway":"10.99.1.128"}],{"tier":"back"},{"com.docker.network.driver.mtu":"1300"},{}]'
    # Before a container is on it the bridge has what it will have.
    run "$CBUILD" network inspect -f '{{json .IPAM.Config}}' bridge
    expect_output '[{"Subnet":"172.17.0.0/16","Gateway":"172.17.0.1"}]'
    run "$CBUILD" network rm "${id:0:5}" nope
    expect_status 1
    expect_contains "${id:0:5}" 'network nope not found'
    run "$CBUILD" network rm -f back
    expect_status 0
    run "$CBUILD" network inspect back
    expect_status 1
    expect_contains '[]' 'network back not found'
}

@test "subnets and gateways may be listed in one option, and empty ones are none" {
    "$CBUILD" network create --ipv6 --subnet 10.97.0.0/24,fd00:97::/64 --gateway 10.97.0.9,fd00:97::9 listed
    run "$CBUILD" network inspect -f '{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}{{println}}{{end}}' listed
    expect_output $'10.97.0.0/24 10.97.0.9\nfd00:97::/64 fd00:97::9'
    "$CBUILD" network create --subnet '' --gateway '' --ip-range '' unsaid
    "$CBUILD" network rm listed unsaid
}

@test "what cannot be is refused in docker's words" {
    route=198.51.100.0/24
    "$CBUILD" network create --subnet 10.99.0.0/16 taken >/dev/null
    run "$CBUILD" network create taken
    expect_status 1
    expect_contains 'network with name taken already exists'
    run "$CBUILD" network create --subnet 10.99.7.0/24 other
    expect_status 1
    expect_contains 'Pool overlaps with other one on this address space' 'network taken'
    run "$CBUILD" network create --subnet "$route" other
    expect_status 1
    expect_contains 'Pool overlaps with other one on this address space' "route $route"
    run "$CBUILD" network create host
    expect_contains 'operation is not permitted on predefined host network'
    run "$CBUILD" network rm bridge
    expect_status 1
    expect_contains 'bridge is a pre-defined network and cannot be removed'
    run "$CBUILD" network create -d nope x
    expect_contains 'plugin "nope" not found'
    run "$CBUILD" network create
    expect_status 1
    run "$CBUILD" network ls -f bad=x
    expect_status 1
    expect_contains 'invalid filter `bad`' 'the filters are dangling, driver, id'
    run "$CBUILD" network ls -f 'name=^(ta|ho).*[nt]$' --format '{{.Name}}'
    expect_output $'host\ntaken'
    run "$CBUILD" network ls -f name=taken --format '{{.CreatedAt}}'
    [[ $output =~ ^20[0-9-]{8}\ [0-9:]{8}(\.[0-9]+)?\ \+0000\ UTC$ ]]
    run "$CBUILD" network ls -f dangling=false --format '{{.Name}}'
    expect_output $'bridge\nhost\nnone'
    run "$CBUILD" network ls -f dangling=maybe
    expect_contains 'invalid filter `dangling=maybe`: expected true or false'
    run "$CBUILD" network connect taken nobody
    expect_status 1
    expect_contains 'No such container: nobody'
    run "$CBUILD" network disconnect taken nobody
    expect_contains 'No such container: nobody'
}

@test "prune asks, and removes what no container is on" {
    "$CBUILD" network create --label keep kept >/dev/null
    "$CBUILD" network create idle >/dev/null
    "$CBUILD" network create busy >/dev/null
    run bash -c 'echo n | "$CBUILD" network prune'
    expect_output 'WARNING! This will remove all custom networks not used by at least one container.
Are you sure you want to continue? [y/N] '
    "$CBUILD" run --rm --network busy busybox sh -c 'echo up; sleep 100' >"$BATS_TEST_TMPDIR/log" 3>&- &
    busy=$!
    wait_until grep -q up "$BATS_TEST_TMPDIR/log"
    run "$CBUILD" network prune -f --filter 'label!=keep'
    expect_output "$(printf 'Deleted Networks:\nidle\n')"
    run "$CBUILD" network rm busy
    expect_status 1
    expect_contains 'error while removing network: network busy id' 'has active endpoints'
    [ "$("$CBUILD" network inspect busy | jq '.[0].Containers | length')" = 1 ]
    kill -9 "$busy"
    wait "$busy" || true
    run "$CBUILD" network rm busy
    expect_output busy
    [ "$("$CBUILD" network ls -q -f type=custom | wc -l)" -eq 1 ]
    "$CBUILD" run --rm busybox true
    host ip link show cbuild0
    "$CBUILD" network prune -f --filter label!=keep
    run host sh -c 'ip -o link show cbuild0; iptables-save | grep -E "CBUILD|cbuild"'
    expect_output 'Device "cbuild0" does not exist.'
}

@test "containers on a network find each other by name" {
    "$CBUILD" network create --subnet 10.99.2.0/24 front >/dev/null
    "$CBUILD" run --rm --network front --network-alias web --ip 10.99.2.80 -v "$DIR:/v" busybox sh -c "$served" >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
    server=$!
    wait_until grep -q up "$BATS_TEST_TMPDIR/log"
    run "$CBUILD" run --rm --network front debian:bookworm bash -c "cat /etc/resolv.conf; $ask; ask web 80"
    expect_status 0
    expect_contains 'nameserver 10.99.2.1' page
    run "$CBUILD" run --rm --network front --ip 10.99.2.80 busybox true
    expect_status 125
    expect_contains 'Address already in use'
    printf 'FROM busybox\nRUN nslookup web\n' | dockerfile
    build_ok --network front
    expect_contains 'Address: 10.99.2.80'
    touch "$DIR/stop"
    wait "$server"
    wait_until nothing_is_left
}

@test "a network with IPv6 has addresses, a way out and published ports of both families, and names where INPUT drops" {
    host ip addr add fd00:98::2/64 dev up0 nodad
    host iptables -P INPUT DROP
    host iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
    port=$(free_port)
    "$CBUILD" network create --subnet 10.99.5.0/24 --subnet fd00:99::/64 six >/dev/null
    "$CBUILD" run --rm --network six --name page -p "$port:80" -p '[::1]:8081:80' -v "$DIR:/v" busybox sh -c "ip -6 route; $served" >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
    server=$!
    wait_until grep -q up "$BATS_TEST_TMPDIR/log"
    grep -q 'default via fd00:99::1 dev eth0' "$BATS_TEST_TMPDIR/log"
    for address in 10.99.5.2 '[fd00:99::2]' "$HOST:$port" "[fd00:98::2]:$port" "[::1]:$port" '[::1]:8081'; do
        run host curl -gs "http://$address/file"
        expect_output page
    done
    run "$CBUILD" run --rm --network six busybox wget -qO- http://page/file
    expect_output page
    touch "$DIR/stop"
    wait "$server"
    host iptables -F INPUT
    wait_until nothing_is_left
    run host ip6tables-save
    expect_status 0
    expect_lacks br- to-destination
}

@test "an internal network leads nowhere else" {
    "$CBUILD" network create --internal --subnet 10.99.4.0/24 inner >/dev/null
    run "$CBUILD" run --rm --network inner busybox sh -c 'ip -o -4 addr show eth0; ip route'
    expect_contains 'inet 10.99.4.2/24'
    expect_lacks default
}

@test "networks and containers that are not there are named" {
    printf 'FROM busybox\nRUN true\n' | dockerfile
    build --network nope
    expect_status 1
    expect_contains 'network nope not found'
    build --network container:nope
    expect_status 1
    expect_contains 'No such container: nope'
    run "$CBUILD" run --rm --network nope busybox true
    expect_status 125
    expect_contains 'network nope not found'
    run "$CBUILD" run --rm --network container:nope -p 80:80 busybox true
    expect_status 125
    expect_contains 'conflicting options: port publishing and the container type network mode'
}

# ── Ports ──

@test "a published port is reached from the host, and is nobody else's meanwhile" {
    port=$(free_port)
    "$CBUILD" run --rm -p "127.0.0.1:$port:80" -p "[::1]:$port:80" -v "$DIR:/v" busybox sh -c "$served" >/dev/null 2>&1 3>&- &
    server=$!
    wait_until host curl -s -o /dev/null "http://127.0.0.1:$port/file"
    run host curl -s "http://127.0.0.1:$port/file"
    expect_output page
    run host curl -gs "http://[::1]:$port/file"
    expect_output page
    run host curl -s -m 2 "http://$HOST:$port/file"
    [ "$status" -ne 0 ]
    # The way by which the host's loopback gets there leads nobody back.
    echo secret >"$DIR/file"
    serve_on 127.0.0.1
    run "$CBUILD" run --rm --cap-add NET_ADMIN --sysctl net.ipv4.conf.all.route_localnet=1 busybox sh -c "ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1 via 172.17.0.1; timeout 1 wget -qO- http://127.0.0.1:$PORT/file || echo apart" # the first process would not be ended
    expect_contains apart
    expect_lacks secret
    # Nor to what is published there, on whichever network it is.
    "$CBUILD" network create other >/dev/null
    for network in bridge other; do
        run "$CBUILD" run --rm --network "$network" -p 127.0.0.1::99 --cap-add NET_ADMIN --sysctl net.ipv4.conf.all.route_localnet=1 busybox sh -c "ip addr del 127.0.0.1/8 dev lo; gateway=\$(ip route | sed -n 's/default via \([^ ]*\).*/\1/p'); ip route add 127.0.0.1 via \$gateway && timeout 1 wget -qO- http://127.0.0.1:$port/file; echo over"
        expect_contains over
        expect_lacks page
        expect_lacks secret
    done
    # A container that says it is a router is not believed.
    run host cat /proc/sys/net/ipv6/conf/cbuild0/accept_ra
    expect_output 0
    run "$CBUILD" run --rm -p "$port:80" busybox true
    expect_status 125
    expect_contains "Bind for 0.0.0.0:$port failed: port is already allocated"
    touch "$DIR/stop"
    wait "$server"
    wait_until nothing_is_left
}

@test "a port whose server has just ended can be published, and is nobody else's then either" {
    port=$(free_port)
    host python3 -c 'import socket, sys
at = ("127.0.0.1", int(sys.argv[1]))
server = socket.create_server(at)
client = socket.create_connection(at)
server.accept()[0].close() # first, so the kernel remembers the connection as the server'"'"'s
client.recv(1)' "$port"
    run host ss -Htan state time-wait "sport = :$port"
    expect_contains "127.0.0.1:$port"
    echo page >"$DIR/file"
    "$CBUILD" run -d --name heir -p "$port:80" -v "$DIR:/v" busybox httpd -f -h /v
    wait_until host curl -s -o /dev/null "http://$HOST:$port/file"
    run host curl -s "http://127.0.0.1:$port/file"
    expect_output page
    run "$CBUILD" run --rm -p "$port:80" busybox true
    expect_status 125
    expect_contains "Bind for 0.0.0.0:$port failed: port is already allocated"
    run host python3 -c 'import socket, sys; socket.create_server(("", int(sys.argv[1])))' "$port"
    expect_contains 'Address already in use'
    "$CBUILD" rm -f heir
}

@test "a bridge that somebody else has made is neither used nor removed" {
    host ip link add mine0 type bridge
    "$CBUILD" network create -o com.docker.network.bridge.name=mine0 chosen >/dev/null
    run "$CBUILD" run --rm --network chosen busybox true
    expect_status 125
    expect_contains 'there is another interface `mine0`'
    host ip link del mine0
    run "$CBUILD" run --rm --network chosen busybox echo fine
    expect_output fine
    run "$CBUILD" network create -o com.docker.network.bridge.name=mine0 again
    expect_status 1
    expect_contains 'network chosen has the same bridge name mine0'
    for name in cbuild0 all+ '-j' 'a b' sixteen-letters-; do
        run "$CBUILD" network create -o "com.docker.network.bridge.name=$name" wrong
        expect_status 1
        expect_contains "invalid bridge name \"$name\""
    done
}

@test "a port the host uses is refused, a range takes the next one" {
    serve_on 0.0.0.0
    run "$CBUILD" run --rm -p "$PORT:80" busybox true
    expect_status 125
    expect_contains "Bind for 0.0.0.0:$PORT failed: port is already allocated"
    "$CBUILD" run --rm -d --name ranged -p "$PORT-$((PORT + 20)):80" busybox sleep 1000
    run "$CBUILD" port ranged
    expect_contains '80/tcp -> 0.0.0.0:'
    [ "$output" != "80/tcp -> 0.0.0.0:$PORT" ]
    "$CBUILD" rm -f ranged
}

@test "-P publishes what the image exposes" {
    printf 'FROM busybox\nEXPOSE 80 53/udp\n' | dockerfile
    build_ok
    "$CBUILD" run --rm -d --name exposed -P img sleep 1000
    run "$CBUILD" port exposed
    expect_contains '80/tcp -> 0.0.0.0:' '53/udp -> 0.0.0.0:'
    "$CBUILD" rm -f exposed
}

@test "malformed ports are refused with docker's status" {
    for spec in abc 80: 70000:80 8000-8010:80-81 80/xyz 1.2.3.400:80:80 ''; do
        run "$CBUILD" run --rm -p "$spec" busybox true
        expect_status 125
    done
    # Of SCTP the kernel may know nothing.
    expected=0
    python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)' || expected=125
    run "$CBUILD" run --rm -p 8086:80/sctp busybox true
    expect_status "$expected"
    [ "$expected" -eq 0 ] || expect_contains 'Bind for 0.0.0.0:8086 failed: protocol not supported'
    run "$CBUILD" run --rm --network host -p 80:80 busybox true
    expect_status 0
    expect_contains 'Published ports are discarded when using host network mode'
    run "$CBUILD" run -d --rm --network host -p 80:80 busybox true
    [ "$(grep -c 'are discarded' <<<"$output")" = 1 ]
}

# ── Name servers ──

@test "with the host's network a container has the host's names, and those that are added" {
    printf '203.0.113.9 neighbour\n127.0.0.1 %s' "$(uname -n)" >"$BATS_TEST_TMPDIR/hosts"
    run unshare -m sh -c 'mount --bind "$1" /etc/hosts && "$CBUILD" run --rm --network host busybox cat /etc/hosts && echo -- &&
        "$CBUILD" run --rm --network host -h own --add-host more:203.0.113.8 busybox cat /etc/hosts' sh "$BATS_TEST_TMPDIR/hosts"
    expect_output $'203.0.113.9 neighbour\n127.0.0.1 '"$(uname -n)"$'\n--\n203.0.113.9 neighbour\n127.0.0.1 '"$(uname -n)"$'\n203.0.113.8\tmore\n127.0.0.1\town'
    run "$CBUILD" run --rm --add-host bad busybox true
    expect_status 125
    expect_contains 'invalid argument "bad" for "--add-host" flag: bad format for add-host: "bad"'
}

@test "--dns, --dns-search and --dns-option replace what the host has" {
    run "$CBUILD" run --rm --dns 192.0.2.53 --dns-search corp.example --dns-option ndots:3 busybox cat /etc/resolv.conf
    expect_output "$(printf 'nameserver 192.0.2.53\nsearch corp.example\noptions ndots:3')"
    printf 'FROM busybox\nRUN cat /etc/resolv.conf\n' | dockerfile
    build_ok --no-cache --dns 192.0.2.54 --dns-search . --dns-option ndots:1
    expect_contains 'nameserver 192.0.2.54' 'options ndots:1'
    expect_lacks search
    run "$CBUILD" run --rm --dns zz busybox true
    expect_status 125
    expect_contains 'invalid argument "zz" for "--dns" flag: zz is not an ip address'
    build --dns-search 'a b'
    expect_status 125
    expect_contains 'a b is not a valid domain'
}
