#!/usr/bin/env bats
# Networks that ordinary users' containers and builds share.
load helpers
load helpers-rootless

setup_file() {
    cb_users
    cb_networks
    as cbtest cbuild import -c 'CMD ["sh"]' "$USERS/busybox.tar" busybox >/dev/null
    as_networked cbtest cbuild network create web >/dev/null
    as_networked cbtest cbuild run -d --name srv --network web --network-alias www busybox \
        sh -c 'mkdir /w; echo page >/w/file; exec httpd -f -p 80 -h /w' >/dev/null
    as_networked cbtest cbuild run -d --name plain busybox sleep 1000 >/dev/null
    wait_until as_networked cbtest cbuild exec srv wget -qO /dev/null http://127.0.0.1/file
}
teardown_file() {
    as_networked cbtest cbuild rm -f srv plain >/dev/null 2>&1 || true
    wait_until no_helpers
    cb_drop_users
}

# in_user TEXT: a script of cbtest's, with networks; fills $output and $status.
in_user() {
    printf '%s\n' "$1" >"$USERS/script"
    chmod 644 "$USERS/script"
    run as_networked cbtest timeout 300 bash -eu "$USERS/script"
}

@test "containers of a network reach each other by name, alias and short id" {
    in_user 'id=$(cbuild inspect -f "{{.Id}}" srv)
        cbuild run --rm --network web --name other busybox sh -c "
            for name in srv www SRV ${id:0:12}; do wget -qO- http://\$name/file; done; ip route; ip -o -4 addr show eth0"
        cbuild network inspect -f "{{range .Containers}}{{.Name}} {{end}}" web
        cbuild network rm web || echo "status $?"'
    expect_status 0
    expect_contains "$(printf 'page\npage\npage\npage\ndefault via 172.')" 'active endpoints' 'status 1'
    [ "$(grep -c '^srv $' <<<"$output")" = 1 ]
}

@test "the bridge of all containers, links, another's network, and no way between networks" {
    in_user 'cbuild run --rm --link plain:lp busybox ping -c1 -W5 lp | grep -o "1 packets received"
        cbuild run --rm --network container:srv busybox sh -c "hostname; wget -qO- http://127.0.0.1/file"
        cbuild inspect -f "{{.Config.Hostname}}" srv | grep -q . && cbuild exec srv hostname
        address=$(cbuild inspect -f "{{.NetworkSettings.Networks.web.IPAddress}}" srv)
        cbuild run --rm busybox sh -c "timeout 1 wget -qO- http://$address/file || echo apart"'
    expect_status 0
    expect_contains '1 packets received' page apart
    [ "$(sed -n 2p <<<"$output")" = "$(sed -n 4p <<<"$output")" ]
}

@test "network connect and disconnect of a container that runs" {
    in_user 'cbuild network connect --alias too web plain
        cbuild exec plain wget -qO- http://srv/file
        cbuild exec srv ping -c1 -W5 too | grep -o "1 packets received"
        cbuild network disconnect web plain
        cbuild exec plain ip -o -4 addr | grep -c eth'
    expect_status 0
    expect_output "$(printf 'page\n1 packets received\n1')"
    in_user 'cbuild run -d --name door -p 127.0.0.1::80 busybox sh -c "mkdir /w; echo in >/w/file; exec httpd -f -p 80 -h /w" >/dev/null
        cbuild network disconnect bridge door; cbuild port door
        cbuild network connect web door; page=http://$(cbuild port door 80)/file
        for i in $(seq 1000); do curl -sf "$page" && break; sleep 0.05; done
        cbuild rm -f door >/dev/null'
    expect_status 0
    expect_output in
}

@test "a build's steps are on the network it is given, or in a container's" {
    shared_context <<'END'
FROM busybox
ARG HOST
RUN wget -qO- http://$HOST/file
END
    in_user "cbuild build --progress=plain --network web --build-arg HOST=www $DIR
        cbuild build --progress=plain --network container:srv --build-arg HOST=127.0.0.1 $DIR"
    expect_status 0
    [ "$(grep -c '^#[0-9]* [0-9.]* page$' <<<"$output")" = 2 ]
}

@test "ports lead to the container, are its own, and what listens on the host's loopback stays apart" {
    port=$(free_port)
    head -c 3000000 /dev/urandom >"$USERS/cbtest/big"
    in_user "ulimit -Sn 256
        cbuild run -d --name pub --network web -p 127.0.0.1:$port:80 -p [::1]:$port:80 -v \"\$PWD/big:/w/big:ro\" busybox httpd -f -p 80 -h /w
        cbuild run --rm -p 127.0.0.1:$port:80 busybox true 2>&1 || echo \"status \$?\"
        cbuild port pub"
    expect_contains "Bind for 127.0.0.1:$port failed: port is already allocated" 'status 125' "80/tcp -> 127.0.0.1:$port"
    wait_until curl -s -f -o "$BATS_TEST_TMPDIR/got" "http://127.0.0.1:$port/big"
    cmp "$USERS/cbtest/big" "$BATS_TEST_TMPDIR/got"
    curl -s -f -o "$BATS_TEST_TMPDIR/got" "http://[::1]:$port/big"
    cmp "$USERS/cbtest/big" "$BATS_TEST_TMPDIR/got"
    # Many who keep their connections keep nobody else out.
    python3 - "$port" >"$BATS_TEST_TMPDIR/many" <<'END'
import socket, sys
many = [socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60) for _ in range(200)]
many[-1].sendall(b"GET /big HTTP/1.0\r\n\r\n")
print(many[-1].recv(4))
END
    [ "$(cat "$BATS_TEST_TMPDIR/many")" = "b'HTTP'" ]
    in_user "gateway=\$(cbuild inspect -f '{{.NetworkSettings.Networks.web.Gateway}}' pub)
        for to in 127.0.0.1 \$gateway 169.254.213.1 169.254.213.2; do cbuild exec plain nc -w 1 \$to $port </dev/null 2>/dev/null && echo reached; done
        cbuild restart -t 0 pub"
    expect_output pub
    wait_until curl -s -f -o /dev/null "http://127.0.0.1:$port/big"
    in_user 'cbuild rm -f pub'
    run curl -s "http://127.0.0.1:$port/big"
    [ "$status" -ne 0 ]
}

@test "a link on a network of one's own is a name more for its container alone" {
    in_user 'cbuild run -d --name linking --network web --link srv:friend busybox sleep 1000 >/dev/null
        cbuild exec linking wget -qO- http://friend/file
        cbuild exec linking wget -qO- http://srv/file
        cbuild exec srv ping -c 1 -W 5 friend 2>&1 | tail -1
        cbuild rm -f linking'
    expect_output $'page\npage\nping: bad address \'friend\'\nlinking'
}

@test "ports go to another network of the container when theirs is left" {
    in_user 'cbuild network create other >/dev/null
        cbuild run -d --name moves --network other -p 127.0.0.1::80 busybox sh -c "mkdir /w; echo in >/w/file; exec httpd -f -p 80 -h /w" >/dev/null
        cbuild network connect web moves
        before=$(cbuild port moves 80)
        until curl -s "http://$before/file"; do :; done
        cbuild network disconnect other moves
        curl -s "http://$(cbuild port moves 80)/file"
        cbuild rm -f moves
        cbuild network rm other'
    expect_output $'in\nin\nmoves\nother'
}

@test "both families are published, IPv4 leaves no IPv6, icc=false keeps apart, SCTP takes root" {
    in_user 'cbuild run -d --name both -p 80 busybox sh -c "mkdir /w; echo in >/w/file; exec httpd -f -p 80 -h /w" >/dev/null
        port=$(cbuild port both 80 | sed -n "s/^0.0.0.0://p")
        cbuild port both 80 | grep -cF "[::]:$port"
        for host in 127.0.0.1 "[::1]"; do until curl -gs "http://$host:$port/file"; do :; done; done
        cbuild exec both cat /proc/net/if_inet6 /proc/sys/net/ipv4/ip_unprivileged_port_start
        cbuild rm -f both >/dev/null
        cbuild run --rm -p 8086:80/sctp busybox true 2>&1 | grep -oE "SCTP takes root|protocol not supported" | sed "s/protocol not supported/SCTP takes root/"
        cbuild network create -o com.docker.network.bridge.enable_icc=false --aux-address r=10.99.8.2 --subnet 10.99.8.0/24 apart >/dev/null
        cbuild run -d --name one --network apart busybox httpd -f -p 80 >/dev/null
        cbuild inspect -f "{{.NetworkSettings.Networks.apart.IPAddress}}" one
        cbuild run --rm --network apart busybox sh -c "wget -T 1 -qO- http://10.99.8.3/ 2>/dev/null || echo apart; nslookup -type=a one.apart | grep -c Name"
        cbuild network inspect -f "{{(index .IPAM.Config 0).Subnet}}" bridge | grep -c 172.
        cbuild rm -f one >/dev/null; cbuild network rm apart'
    expect_status 0
    expect_output $'1\nin\nin\n0\nSCTP takes root\n10.99.8.3\napart\n1\n1\napart'
}

@test "a limit of processes that all of them share is told of" {
    in_user 'cbuild run --rm --pids-limit 30 busybox true; echo; cbuild run --rm --network none --pids-limit 30 busybox true; cbuild run --rm busybox true'
    expect_status 0
    [ "$(grep -c -- '--pids-limit 30 counts the processes of all containers that share' <<<"$output")" = 1 ]
}

@test "without a way out containers still meet, and it is said once" {
    HIDE='/usr/bin/pasta /usr/bin/slirp4netns' in_user 'mkdir -p alone; export XDG_RUNTIME_DIR=$PWD/alone
        cbuild run -d --name near --network web busybox sleep 1000 >/dev/null
        cbuild run --rm --network web busybox sh -c "for i in 1 2 3 4 5; do ping -c1 -W5 near && break; done" 2>/dev/null | grep -o "1 packets received" || true
        cbuild rm -f near'
    expect_output "$(printf 'warning: pasta is not installed: containers reach each other only; install the package passt\n1 packets received\nnear')"
}

@test "the directory is nobody else's, and another user's is not used" {
    [ "$(stat -c %U:%a "$USERS/cbtest/cbuild")" = cbtest:700 ]
    [ -S "$(echo "$USERS"/cbtest/cbuild/hub-*/socket)" ]
    run runuser -u cbsingle -- python3 -c 'import glob, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(glob.glob(sys.argv[1] + "/hub-*")[0] + "/socket")' "$USERS/cbtest/cbuild"
    [ "$status" -ne 0 ]
    install -d -o cbsingle -m 777 "$USERS/cbtest/foreign" "$USERS/cbtest/foreign/cbuild"
    chown cbtest "$USERS/cbtest/foreign"
    in_user "export XDG_RUNTIME_DIR=\$PWD/foreign
        cbuild --debug run --rm --network web busybox true"
    expect_contains "foreign/cbuild\` is somebody else's" 'containers on it do not reach each other'
    [ -z "$(ls "$USERS/cbtest/foreign/cbuild")" ]
}

@test "whoever is killed: what runs goes on, and the next command clears what does not" {
    address=$(as cbtest cbuild inspect -f '{{.NetworkSettings.Networks.web.IPAddress}}' srv)
    first=$(own_processes '^cbuild-hub')
    [ "$(ps -o comm= -p "$(xargs <<<"$first" | tr ' ' ,)" | sort -u)" = cbuild-hub ] # of another's network, too
    kill -9 $first
    is_kept() { [ -n "$(own_processes '^cbuild-hub')" ]; }
    wait_until is_kept
    in_user 'cbuild run --rm --network web busybox wget -qO- http://srv/file'
    expect_output page
    kill -9 $(own_processes '^cbuild-')
    in_user "cbuild ps -q
        cbuild run --rm --network web --ip $address busybox hostname -i"
    expect_output "$address"
    wait_until no_helpers
    run ls "$USERS/cbtest/cbuild"
    expect_output "hub-$(stat -L -c %i /proc/self/ns/net)"
}

@test "networks with IPv6 have a way out where the host has one, and none to the host's loopback" {
    mkdir -p "$USERS/page"
    echo outside >"$USERS/page/file"
    export -f as_networked wait_until
    run timeout -k 1 60 unshare -n bash -c '
        ip link set lo up; ip link add up0 type veth peer name up1; ip link set up0 up; ip link set up1 up
        ip addr add 198.18.0.1/24 dev up0; ip route add default via 198.18.0.2
        ip addr add fd12::1/64 dev up0 nodad; ip route add default via fd12::99 dev up0
        busybox httpd -f -p "[fd12::1]:8099" -h "$USERS/page" >/dev/null 2>&1 3>&- & outer=$!
        busybox httpd -f -p "[::1]:8100" -h "$USERS/page" >/dev/null 2>&1 3>&- & inner=$!
        wait_until curl -s -o /dev/null "http://[fd12::1]:8099/"
        wait_until curl -s -o /dev/null "http://[::1]:8100/"
        as_networked cbtest cbuild network create --ipv6 --subnet fd77:1::/64 six >/dev/null
        as_networked cbtest cbuild run --rm --network six busybox sh -c "
            wget -qO- http://[fd12::1]:8099/file
            timeout 1 wget -qO- http://[fd63:6275:696c:64::1]:8100/file 2>/dev/null || echo apart"
        as_networked cbtest cbuild network rm six >/dev/null
        kill $outer $inner' </dev/null
    expect_status 0
    expect_output "$(printf 'outside\napart')"
}
