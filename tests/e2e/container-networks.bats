#!/usr/bin/env bats
# Networks of containers that are kept: the bridge they share, names, links, ports, joining and leaving.
load helpers

# All happens in a host network of the file's own, with one neighbour and a default route that leads nowhere.
setup_file() {
    cb_store
    unshare -n sleep infinity 3>&- 4>&- &
    export HOLDER=$! REAL=$CBUILD
    wait_until sh -c '[ "$(readlink /proc/$0/ns/net)" != "$(readlink /proc/self/ns/net)" ]' "$HOLDER"
    host sh -c 'ip link set lo up
        ip link add up0 type veth peer name up1
        ip addr add 198.51.100.2/24 dev up0
        ip link set up0 up
        ip link set up1 up
        ip route add default via 198.51.100.1'
    export CBUILD=$BATS_FILE_TMPDIR/cbuild
    printf '#!/bin/sh\nexec nsenter --net=/proc/%s/ns/net %s "$@"\n' "$HOLDER" "$REAL" >"$CBUILD"
    chmod +x "$CBUILD"
}
teardown_file() {
    cb_drop_store
    kill "$HOLDER"
}
setup() { cb_dir; }
teardown() {
    local name
    for name in $("$CBUILD" ps -aq); do "$CBUILD" rm -f -v "$name" >/dev/null; done
    for name in $("$CBUILD" network ls -q -f type=custom); do "$CBUILD" network rm "$name" >/dev/null; done
}

host() {
    nsenter --net="/proc/$HOLDER/ns/net" "$@"
}

# A web server that says PAGE: web NAME PAGE [OPTION…]
web() {
    local name=$1 page=$2
    shift 2
    "$CBUILD" run -d --name "$name" "$@" busybox sh -c "mkdir /w; echo $page >/w/index.html; exec httpd -f -p 80 -h /w" >/dev/null
}
ip_of() { # ip_of CONTAINER NETWORK
    "$CBUILD" ps -a --no-trunc --format '{{.ID}} {{.Names}}' | awk -v name="$1" '$2 == name { print $1 }' |
        xargs -I{} jq -r ".Network.Networks[\"$2\"].IPAddress" "$STORE/containers/{}/state.json"
}
# A page by name, as soon as its server listens.
page_from() { # page_from ADDRESS COMMAND…: of cbuild
    local address=$1
    shift
    wait_until sh -c 'address=$1; shift; [ "$("$CBUILD" "$@" wget -qO- "http://$address/")" = page ]' sh "$address" "$@"
}

# What is left on the host: interfaces, rules; but what stays for the next container. Interfaces go a moment after their namespace.
host_network() {
    host ip -o link | sed -n 's/^[0-9]*: \(\(cbuild-\|br-\|veth\)[^:@]*\).*/\1/p' | sort
    host iptables-save | grep -E 'br-|10\.99\.|to-destination' || true
}
nothing_is_left() {
    [ -z "$(host_network)" ]
}

@test "containers share a bridge without names, and are told of others by --link" {
    web db page -e SECRET=x --expose 81 -p 127.0.0.1::80
    [[ $("$CBUILD" ps --format '{{.Ports}}') =~ ^81/tcp,\ 127\.0\.0\.1:[0-9]+-\>80/tcp$ ]]
    cbuild inspect -f '{{json (index .NetworkSettings.Ports "81/tcp")}} {{.NetworkSettings.SandboxKey}}' db
    expect_output "null /proc/$("$CBUILD" inspect -f '{{.State.Pid}}' db)/ns/net"
    address=$(ip_of db bridge)
    [[ $address = 172.17.* ]]
    page_from "$address" run --rm busybox
    cbuild run --rm busybox wget -qO- http://db/
    expect_status 1
    expect_contains "bad address 'db'"
    id=$("$CBUILD" ps -q -f name=db)
    cbuild run --rm --name user --link db:the-db busybox sh -c 'env | grep THE_DB | sort; tail -n 2 /etc/hosts | head -n 1; wget -qO- http://the-db/ && wget -qO- http://db/'
    expect_output "THE_DB_ENV_SECRET=x
THE_DB_NAME=/user/the-db
THE_DB_PORT=tcp://$address:80
THE_DB_PORT_80_TCP=tcp://$address:80
THE_DB_PORT_80_TCP_ADDR=$address
THE_DB_PORT_80_TCP_PORT=80
THE_DB_PORT_80_TCP_PROTO=tcp
THE_DB_PORT_81_TCP=tcp://$address:81
THE_DB_PORT_81_TCP_ADDR=$address
THE_DB_PORT_81_TCP_PORT=81
THE_DB_PORT_81_TCP_PROTO=tcp
$address	the-db $id db
page
page"
    "$CBUILD" create --name app --link db busybox >/dev/null
    "$CBUILD" create --name zoo --link "$id:beast" busybox >/dev/null
    cbuild ps -a --no-trunc --format '{{.Names}}'
    expect_output $'zoo\napp\napp/db,db,zoo/beast'
    cbuild ps -a --format '{{.Names}}'
    expect_output $'zoo\napp\ndb'
    "$CBUILD" rm app zoo >/dev/null
    cbuild create --link nobody busybox
    expect_contains 'could not get container for nobody: No such container: nobody'
    cbuild create --link db:a:b busybox
    expect_contains 'bad format for links: db:a:b'
    cbuild run --rm --network host --link db busybox true
    expect_contains "host type networking can't be used with links"
    "$CBUILD" rm -f db
    "$CBUILD" create --name db busybox true
    cbuild run --rm --name user --link db busybox true
    expect_contains 'Cannot link to a non running container: /db AS /user/db'
    "$CBUILD" run -d --name ranges --expose 100-102 --expose 104 --expose 100/udp busybox sleep 1000
    cbuild ps --format '{{.Ports}}'
    expect_output '100-102/tcp, 100/udp, 104/tcp'
    "$CBUILD" rm -f ranges
    wait_until nothing_is_left
}

@test "on a network of one's own names, aliases and short ids are found, in turns" {
    "$CBUILD" network create --subnet 10.99.1.0/24 front >/dev/null
    web one page --network front --network-alias both --ip 10.99.1.77 --mac-address 02:00:00:00:00:07
    web Two page --network name=front,alias=both,alias=second
    id=$("$CBUILD" ps -q -f name=Two)
    for name in one Two second "$id" both two.front second.Front; do
        page_from "$name" run --rm --network front busybox
    done
    cbuild run --rm --network front busybox nslookup -type=a both
    expect_contains "$(ip_of one front)" "$(ip_of Two front)"
    cbuild run --rm --network front -h box --domainname corp.example busybox sh -c 'nslookup -type=a TWO | grep -c "^Name"; nslookup 10.99.1.77 | grep -c "name = one.front"; cat /etc/resolv.conf; hostname -f; tail -1 /etc/hosts | cut -f2'
    expect_contains $'1\n1\n' 'options ndots:0' $'box.corp.example\nbox.corp.example box'
    cbuild exec one ip addr show eth0
    expect_contains 10.99.1.77/24 02:00:00:00:00:07
    run bash -c '"$CBUILD" network inspect front | jq -c "[.[0].Containers[] | [.Name, .IPv4Address]] | sort"'
    expect_output '[["Two","10.99.1.2/24"],["one","10.99.1.77/24"]]'
    cbuild network rm front
    expect_contains 'has active endpoints'
    cbuild run --rm --network front --link one:uno busybox sh -c 'wget -qO- http://uno/; env | grep -c UNO_'
    expect_output "$(printf 'page\n0')"
}

@test "a server of names that is killed is there again while containers run" {
    server_of() { cat "/run/cbuild/net-$(stat -L -c %i "/proc/$HOLDER/ns/net")/names/aardvark-dns/aardvark.pid"; }
    "$CBUILD" network create --subnet 10.99.15.0/24 kept >/dev/null
    "$CBUILD" run -d --name first --network kept busybox sleep 1000 >/dev/null
    "$CBUILD" run -d --name second --network kept busybox sleep 1000 >/dev/null
    before=$(server_of)
    kill -9 "$before"
    wait_until cbuild_finds first second
    [ "$(server_of)" != "$before" ]
    # Nobody is left who needs one.
    after=$(server_of)
    "$CBUILD" rm -f first second >/dev/null
    wait_until sh -c '[ ! -s "/proc/$0/cmdline" ]' "$after"
}
cbuild_finds() { # cbuild_finds CONTAINER NAME
    "$CBUILD" exec "$1" nslookup -type=a "$2." >/dev/null 2>&1
}

@test "while the server of names takes its time to start again, a container answers and stops" {
    real=$(PATH=$PATH:/usr/libexec/podman:/usr/lib/podman command -v aardvark-dns)
    mkdir "$DIR/bin"
    mkfifo "$DIR/go"
    exec 9<>"$DIR/go" # to write there waits for nobody
    printf '#!/bin/sh\n[ ! -e %s/slow ] || { : >%s/began; read -r line <%s/go; }\nexec %s "$@"\n' "$DIR" "$DIR" "$DIR" "$real" >"$DIR/bin/aardvark-dns"
    chmod +x "$DIR/bin/aardvark-dns"
    "$CBUILD" network create --subnet 10.99.24.0/24 slow >/dev/null
    PATH=$DIR/bin:$PATH "$CBUILD" run -d --name first --network slow busybox sleep 1000 >/dev/null
    : >"$DIR/slow"
    kill_server
    wait_until test -e "$DIR/began"
    run timeout 60 "$CBUILD" exec first echo there
    expect_output there
    rm "$DIR/slow" "$DIR/began"
    echo >&9
    wait_until cbuild_finds first first
    : >"$DIR/slow"
    kill_server
    wait_until test -e "$DIR/began"
    run timeout 60 "$CBUILD" stop -t 0 first
    expect_output first
}
@test "a server of names has nothing open of who ran the container that it was started for" {
    "$CBUILD" network create --subnet 10.99.25.0/24 left >/dev/null
    exec 9>"$DIR/lock"
    flock 9
    "$CBUILD" run --rm --network left busybox sleep "$FOREVER" 3>&- &
    runner=$!
    exec 9>&-
    wait_until pgrep -f "^sleep $FOREVER"
    server=$(cat "/run/cbuild/net-$(stat -L -c %i "/proc/$HOLDER/ns/net")/names/aardvark-dns/aardvark.pid")
    # it stays until somebody else sets up a network
    kill -9 "$(pgrep -f "^$REAL run --rm --network left")"
    wait "$runner" || true
    wait_until not pgrep -f "^sleep $FOREVER"
    grep -q aardvark "/proc/$server/cmdline"
    flock --nonblock "$DIR/lock" true
    "$CBUILD" run --rm --network left busybox true # takes away what is left
}
kill_server() {
    kill -9 "$(cat "/run/cbuild/net-$(stat -L -c %i "/proc/$HOLDER/ns/net")/names/aardvark-dns/aardvark.pid")"
}

# A signal that a stopped process has not taken yet.
is_told() { # PID
    grep -q '^S[hi][dg]*Pnd:.*1$' "/proc/$1/status"
}

@test "a server of names that hangs is waited for by each container alone" {
    names=/run/cbuild/net-$(stat -L -c %i "/proc/$HOLDER/ns/net")/names
    "$CBUILD" network create --subnet 10.99.31.0/24 waited >/dev/null
    "$CBUILD" run -d --name first --network waited busybox sleep 1000 >/dev/null
    server=$(cat "$names/aardvark-dns/aardvark.pid")
    kill -STOP "$server"
    "$CBUILD" run -d --name second --network waited busybox sleep 1000 >/dev/null 3>&- &
    starter=$!
    wait_until is_told "$server"
    monitor=$(pgrep -n -f "cbuild-monitor $STORE ")
    # it asks the server again and again, and has the lock no more
    lets_others() {
        kill -STOP "$monitor"
        flock --nonblock "$names/lock" true || { kill -CONT "$monitor"; return 1; }
    }
    wait_until lets_others
    kill -0 "$starter" # it still waits
    kill -CONT "$monitor" "$server"
    wait
    wait_until cbuild_finds first second
}

@test "a container that runs is found by the name it was given since" {
    "$CBUILD" network create --subnet 10.99.16.0/24 called >/dev/null
    web before page --network called --network-alias always
    "$CBUILD" rename before since
    page_from since run --rm --network called busybox
    cbuild run --rm --network called busybox sh -c 'nslookup -type=a before. >/dev/null 2>&1 && echo still; wget -qO- http://always/'
    expect_output page
    cbuild network inspect -f '{{range .Containers}}{{.Name}}{{end}}' called
    expect_output since
    # What is joined later knows it by its new name, too.
    "$CBUILD" network create --subnet 10.99.17.0/24 later >/dev/null
    "$CBUILD" network connect later since
    page_from since run --rm --network later busybox
    "$CBUILD" create --name asks --network called --ip 10.99.16.9 busybox true >/dev/null
    cbuild inspect -f '{{json .NetworkSettings.Networks.called.IPAMConfig}}' asks
    expect_output '{"IPv4Address":"10.99.16.9"}'
}

@test "addresses of a network that somebody on the host has taken since are warned of" {
    "$CBUILD" network create --subnet 10.99.43.0/24 lost >/dev/null
    cbuild run --rm --network lost busybox true
    expect_output ''
    # A wider way, as to all of a company's network, leaves the narrower to the bridge.
    host ip link add taker0 type bridge
    host ip link set taker0 up
    host ip route add 10.99.0.0/16 dev taker0
    cbuild run --rm --network lost busybox true
    expect_output ''
    host ip addr add 10.99.43.1/24 dev taker0
    cbuild run --rm --network lost busybox true
    host ip link del taker0
    expect_status 0
    expect_output 'warning: network lost: the host has its addresses (10.99.43.0/24) on another interface, too (route 10.99.43.0/24 dev taker0): names and published ports may not work; `cbuild network rm` and `create` give it others'
}

@test "the hostname that a container was given is a name of it on networks of one's own" {
    "$CBUILD" network create --subnet 10.99.41.0/24 named >/dev/null
    "$CBUILD" network create --subnet 10.99.42.0/24 next >/dev/null
    web one page --network named --network-alias both -h Inside.corp
    "$CBUILD" network connect next one
    "$CBUILD" rename one two
    for name in inside.corp Inside.corp.named both two; do
        page_from "$name" run --rm --network named busybox
    done
    page_from inside.corp run --rm --network next busybox
    run bash -c '"$CBUILD" inspect -f "{{json .NetworkSettings.Networks.named.Aliases}} {{.Id}}" two | sed -E "s/ (.{12}).*/ \1/"'
    expect_output "[\"both\",\"${output#* }\",\"Inside.corp\"] ${output#* }"
    # The bridge that all share knows no names.
    cbuild run --rm -h alone busybox hostname
    expect_output alone
}

@test "a link on a network of one's own is a name more, for its container alone, of whoever is called so" {
    "$CBUILD" network create --subnet 10.99.25.0/24 linked >/dev/null
    "$CBUILD" network create --subnet 10.99.26.0/24 second >/dev/null
    "$CBUILD" run -d --name one --network linked --dns 127.0.0.1 --link late:friend --link one:self busybox sleep 1000 >/dev/null
    cbuild exec one ping -c 1 -W 5 friend
    expect_output "ping: bad address 'friend'"
    "$CBUILD" run -d --name late --network linked --network second --dns 127.0.0.1 busybox sleep 1000 >/dev/null
    cbuild exec one sh -c 'nslookup friend; nslookup friend.linked; nslookup self; nslookup late'
    expect_contains 'Server:		127.0.0.11' $'friend\nAddress: 10.99.25.3' $'friend.linked\nAddress: 10.99.25.3' $'self\nAddress: 10.99.25.2' \
        $'late\nAddress: 10.99.25.3'
    cbuild exec one cat /etc/hosts
    expect_lacks friend
    cbuild exec late ping -c 1 -W 5 friend
    expect_output "ping: bad address 'friend'"
    cbuild inspect -f '{{json .HostConfig.Links}} {{json .NetworkSettings.Networks.linked.Links}}' one
    expect_output 'null ["late:friend","one:self"]'
    # the name goes on to mean what it says
    "$CBUILD" rm -f late >/dev/null
    "$CBUILD" run -d --name late --network linked --ip 10.99.25.77 busybox sleep 1000 >/dev/null
    cbuild exec one nslookup friend
    expect_contains 'Address: 10.99.25.77'
    # one that is connected later, running or not
    "$CBUILD" network connect second late
    "$CBUILD" network connect --link late:other second one
    cbuild exec one sh -c 'nslookup other; nslookup friend'
    expect_contains $'other\nAddress: 10.99.26.2' 'Address: 10.99.25.77'
    cbuild exec one ping -c 1 -W 5 friend.second
    expect_output "ping: bad address 'friend.second'"
    "$CBUILD" network disconnect linked one
    cbuild exec one sh -c 'nslookup other; ping -c 1 -W 5 friend'
    expect_contains $'other\nAddress: 10.99.26.2' "ping: bad address 'friend'"
    "$CBUILD" stop -t 0 one
    "$CBUILD" network disconnect second one
    "$CBUILD" network connect --link /late:again --link late linked one
    cbuild inspect -f '{{json .NetworkSettings.Networks.linked.Links}}' one
    expect_output '["/late:again","late"]'
    "$CBUILD" start one
    cbuild exec one nslookup again
    expect_contains 'Address: 10.99.25.77'
    cbuild network connect --link a:b:c second one
    expect_contains 'bad format for links: a:b:c'
}

@test "a container that runs is connected and disconnected" {
    "$CBUILD" network create --subnet 10.99.1.0/24 front >/dev/null
    "$CBUILD" network create --subnet 10.99.2.0/24 --internal back >/dev/null
    web one page
    "$CBUILD" run -d --name two --network front busybox sleep 1000 >/dev/null
    cbuild exec two wget -qO- http://one/
    expect_status 1
    expect_contains "bad address 'one'"
    "$CBUILD" network connect --alias uno --ip 10.99.1.50 front one
    page_from uno exec two
    cbuild exec one nslookup -type=a two
    expect_contains "$(ip_of two front)"
    cbuild exec one sh -c 'ip -o -4 addr show eth1; ip route | head -1; grep 10.99.1.50 /etc/hosts'
    expect_contains 10.99.1.50/24 'default via 172.17.0.1 dev eth0' "10.99.1.50	"
    cbuild network connect front one
    expect_status 1
    expect_contains 'endpoint with name one already exists in network front'
    # what it may not write itself is written for it
    "$CBUILD" run -d --name sealed --read-only busybox sleep 1000 >/dev/null
    "$CBUILD" network connect --ip 10.99.1.60 front sealed
    page_from one exec sealed
    cbuild exec sealed sh -c 'grep -c 10.99.1.60 /etc/hosts; echo x >/etc/hosts'
    expect_status 1
    expect_contains $'1\n' 'Read-only file system'
    "$CBUILD" rm -f sealed
    # and at no moment can it be opened
    "$CBUILD" run -d --name sealed --read-only busybox sh -c \
        'echo tries; until command exec 9>>/etc/hosts; do :; done 2>/dev/null; echo opened' >/dev/null
    wait_until sh -c "'$CBUILD' logs sealed | grep -q tries"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        "$CBUILD" network connect front sealed
        "$CBUILD" network disconnect front sealed
    done
    cbuild logs sealed
    expect_output tries
    "$CBUILD" rm -f sealed
    "$CBUILD" network connect back one
    "$CBUILD" network connect back two
    page_from one run --rm --network back busybox
    "$CBUILD" network disconnect front one
    forgets_uno() {
        cbuild exec two wget -qO- http://uno/
        expect_status 1 || return 1
        expect_contains "bad address 'uno'"
    }
    wait_until forgets_uno # who serves names reads them anew
    cbuild network disconnect front one
    expect_status 1
    expect_contains 'is not connected to network front'
    # it is as it was when it starts again
    "$CBUILD" stop -t 0 one
    "$CBUILD" start one
    page_from one exec two
    cbuild exec one ip -o -4 addr
    expect_contains 172.17.0. 10.99.2.
    expect_lacks 10.99.1.
    "$CBUILD" rm -f one two
    wait_until nothing_is_left
}

@test "networks change while a container is stopped, or has none left" {
    "$CBUILD" network create --subnet 10.99.1.0/24 front >/dev/null
    "$CBUILD" create --name one busybox sleep 1000 >/dev/null
    cbuild network connect --alias 'a b' front one
    expect_contains 'invalid network alias: "a b"'
    "$CBUILD" network connect front one
    "$CBUILD" network disconnect bridge one
    "$CBUILD" start one
    cbuild exec one ip -o -4 addr show eth0
    expect_contains 10.99.1.2/24
    "$CBUILD" network disconnect front one
    cbuild exec one ip -o link
    [ "${#lines[@]}" -eq 1 ]
    cbuild inspect -f '{{.HostConfig.NetworkMode}} {{json .NetworkSettings.Networks}}' one
    expect_output 'bridge {}'
    "$CBUILD" restart -t 0 one
    cbuild exec one ip -o link
    [ "${#lines[@]}" -eq 1 ]
    "$CBUILD" network connect front one
    cbuild exec one ip -o -4 addr
    expect_contains 10.99.1.2/24
}

@test "a second connect of a stopped container replaces the aliases given with the first" {
    "$CBUILD" network create --subnet 10.99.1.0/24 front >/dev/null
    "$CBUILD" create --name one --network front --network-alias uno busybox sleep 1000 >/dev/null
    cbuild inspect -f '{{json .NetworkSettings.Networks.front.Aliases}}' one
    expect_output '["uno"]'
    "$CBUILD" network connect front one
    cbuild inspect -f '{{json .NetworkSettings.Networks.front.Aliases}}' one
    expect_output null
}

@test "connecting and changing at once: both are kept, also while it ends" {
    "$CBUILD" network create --subnet 10.99.1.0/24 front >/dev/null
    for i in 1 2 3 4 5 6; do
        "$CBUILD" run -d --name one busybox sleep 1000 >/dev/null
        "$CBUILD" update --cpu-shares "30$i" one >/dev/null &
        update=$!
        "$CBUILD" kill one >/dev/null &
        end=$!
        cbuild network connect front one
        expect_status 0
        wait "$update"
        wait "$end"
        cbuild inspect -f '{{.HostConfig.CpuShares}} {{range $name, $of := .NetworkSettings.Networks}}{{$name}} {{end}}' one
        expect_output "30$i bridge front "
        "$CBUILD" rm -f one >/dev/null
    done
}

@test "ps finds what is published by the host's port, what is exposed by the container's" {
    web one page --expose 81 -p 127.0.0.1:8080:80
    for filter in publish=8080 publish=8080/tcp publish=8000-9000 expose=80 expose=81 expose=80-90/tcp; do
        cbuild ps --filter "$filter" --format '{{.Names}}'
        expect_output one
    done
    for none in x 80-x 90-80 70000 /tcp ''; do
        cbuild ps --filter "publish=$none"
        expect_status 1
        expect_contains "invalid filter \`publish=$none\`: expected a port"
    done
    for filter in publish=80 publish=81 publish=8080/udp expose=8080 expose=82; do
        cbuild ps --filter "$filter" --format '{{.Names}}'
        expect_output ""
    done
}

@test "published ports and default routes are of the networks that are left" {
    "$CBUILD" network create --subnet 10.99.1.0/24 front >/dev/null
    "$CBUILD" network create --subnet 10.99.2.0/24 --internal back >/dev/null
    web one page --network back -p 127.0.0.1:8080:80
    [ -z "$("$CBUILD" port one)" ]
    "$CBUILD" network connect front one
    "$CBUILD" network connect bridge one
    [ "$("$CBUILD" port one)" = '80/tcp -> 127.0.0.1:8080' ]
    wait_until host curl -sf http://127.0.0.1:8080/
    cbuild exec one sh -c 'ip route | grep default'
    [ "${#lines[@]}" -eq 2 ]
    expect_contains 'default via 10.99.1.1 dev eth1' 'default via 172.17.0.1 dev eth2'
    # another that it is on takes them over, and back
    "$CBUILD" network disconnect front one
    [ "$("$CBUILD" port one)" = '80/tcp -> 127.0.0.1:8080' ]
    host curl -sf http://127.0.0.1:8080/
    "$CBUILD" exec one wget -qO- "http://$(ip_of one bridge)/"
    "$CBUILD" network connect front one
    "$CBUILD" network disconnect bridge one
    host curl -sf http://127.0.0.1:8080/
    "$CBUILD" network disconnect front one
    [ -z "$("$CBUILD" port one)" ]
    not host curl -s http://127.0.0.1:8080/
    "$CBUILD" network connect front one
    host curl -sf http://127.0.0.1:8080/
    "$CBUILD" rm -f one
    wait_until nothing_is_left
}

@test "a container joins several networks from the start" {
    "$CBUILD" network create --subnet 10.99.1.0/24 front >/dev/null
    "$CBUILD" network create --subnet 10.99.2.0/24 back >/dev/null
    web one page --network front --network name=back,alias=uno,ip=10.99.2.9
    for pair in 'front one' 'back uno'; do
        page_from "${pair#* }" run --rm --network "${pair% *}" busybox
    done
    cbuild run --rm --network front --network host busybox true
    expect_contains 'conflicting options: cannot attach both user-defined and non-user-defined network-modes'
    cbuild run --rm --network front --network front busybox true
    expect_contains 'specified multiple times'
    cbuild run --rm --network name=front,what=1 busybox true
    expect_contains 'invalid key what'
    cbuild run --rm --network front --network nope busybox true
    expect_contains 'network nope not found'
}

@test "container:X shares X's network, also with a build's steps" {
    web one page
    page_from 127.0.0.1 exec one
    address=$(ip_of one bridge)
    cbuild run --rm --network container:one busybox sh -c 'wget -qO- http://127.0.0.1/; hostname; ip -o -4 addr show eth0; cat /etc/hosts'
    expect_contains page "$("$CBUILD" ps -q)" "$address/16" "$address	"
    printf 'FROM busybox\nRUN wget -qO- http://127.0.0.1/\n' | dockerfile
    run "$CBUILD" build --progress=plain --no-cache --network container:one "$DIR"
    expect_status 0
    expect_contains page
    cbuild run --rm --network container:one -p 80:80 busybox true
    expect_contains 'conflicting options: port publishing and the container type network mode'
    cbuild run --rm --network container:one -h name busybox true
    expect_contains 'conflicting options: hostname and the network mode'
    cbuild run --rm --network container:one --add-host a:1.2.3.4 busybox true
    expect_contains 'conflicting options: custom host-to-IP mapping and the network mode'
    cbuild run -d --name never --network container:one --network-alias a busybox true
    expect_contains 'network-scoped alias is supported only for containers in user defined networks'
    cbuild run -d --name never --network host --mac-address 02:00:00:00:00:09 busybox true
    expect_contains 'conflicting options: mac-address and the network mode'
    cbuild inspect never
    expect_status 1
    cbuild run -d --network container:nope busybox true
    expect_contains 'No such container: nope'
    "$CBUILD" run -d --name two --network container:one busybox sleep 1000
    cbuild network connect bridge two
    expect_contains 'cannot be connected to any other network'
    # whatever it is called since
    id=$("$CBUILD" inspect -f '{{.Id}}' one)
    cbuild inspect -f '{{.HostConfig.NetworkMode}}' two
    expect_output "container:$id"
    "$CBUILD" rename one uno
    "$CBUILD" restart -t 0 uno
    # the network it had goes with it
    cbuild exec two ip -o link
    [ "${#lines[@]}" -eq 1 ]
    "$CBUILD" restart -t 0 two
    cbuild exec two ip -o -4 addr show eth0
    expect_contains "$(ip_of uno bridge)/16"
    "$CBUILD" rename uno one
    "$CBUILD" rm -f one
    cbuild exec two ip -o link
    expect_contains lo:
    "$CBUILD" create --name off busybox true
    cbuild run --rm --network container:off busybox true
    expect_status 125
    expect_contains 'cannot join network of a non running container: '
    run "$CBUILD" build --network container:off "$DIR"
    expect_contains 'cannot join network of a non running container: '
}

@test "a network without IPv6 leaves none, and any user opens low ports" {
    for network in bridge none; do
        cbuild run --rm --network "$network" --user 1000 --cap-drop ALL busybox sh -c 'cat /proc/net/if_inet6; httpd -p 80 -h / && echo open'
        expect_output open
    done
    cbuild run --rm --sysctl net.ipv6.conf.all.disable_ipv6=0 busybox cat /proc/net/if_inet6
    expect_contains 00000000000000000000000000000001
    "$CBUILD" network create --ipv6 --subnet fd00:99::/64 six >/dev/null
    "$CBUILD" run -d --name joins busybox sleep 1000 >/dev/null
    "$CBUILD" network connect six joins
    cbuild exec joins cat /proc/net/if_inet6
    expect_contains fd000099000000000000000000000002
    cbuild exec joins sh -c 'cat /proc/sys/net/ipv6/conf/eth*/disable_ipv6'
    expect_output $'1\n0'
    cbuild run --rm --network six -h both busybox grep both /etc/hosts
    [[ $output =~ ^[0-9.]+$'\t'both$'\n'fd00:99::3$'\t'both$ ]]
}

@test "addresses that are kept free are nobody's, and each is one container's" {
    "$CBUILD" network create --subnet 10.99.1.0/29 --aux-address router=10.99.1.2 --subnet fd00:99::/64 small >/dev/null
    cbuild network inspect -f '{{json .IPAM.Config}}' small
    expect_contains '"AuxiliaryAddresses":{"router":"10.99.1.2"}'
    for address in 10.99.1.{0,1,2,7}; do
        cbuild run --rm --network small --ip "$address" busybox true
        expect_status 125
        expect_contains 'Address already in use'
    done
    web one page --network small --ip6 fd00:99::4
    [ "$(ip_of one small)" = 10.99.1.3 ]
    cbuild run --rm --network small --ip6 fd00:99::4 busybox true
    expect_contains 'Address already in use'
    web two page --network small
    [ "$(ip_of two small)" = 10.99.1.5 ]
    "$CBUILD" network create --subnet 10.99.2.0/24 narrow >/dev/null
    cbuild run --rm --network narrow --ip6 fd00:98::4 busybox true
    expect_status 125
    expect_contains 'user specified IP address is supported only when connecting to networks with user configured subnets'
}

@test "options of a network: apart from each other, published at one address" {
    "$CBUILD" network create -o com.docker.network.bridge.enable_icc=false -o com.docker.network.bridge.host_binding_ipv4=127.0.0.1 apart >/dev/null
    web one page --network apart -p 80
    address=$("$CBUILD" port one 80)
    [[ $address = 127.0.0.1:* ]]
    wait_until host curl -sf "http://$address/"
    cbuild run --rm --network apart busybox sh -c 'ping -c 1 -w 60 "$(ip route | sed -n "s/default via \([^ ]*\).*/\1/p")" >/dev/null && echo out; wget -T 1 -qO- "http://$1/" || echo apart' sh "$(ip_of one apart)"
    expect_contains out apart
    expect_lacks page
    cbuild network inspect -f '{{json .Options}}' bridge
    expect_contains '"com.docker.network.bridge.name":"cbuild0"'
}

@test "the configuration's words for the bridge: apart from each other, published at one address, an MTU" {
    web open page
    export CBUILD_CONFIG=$BATS_TEST_TMPDIR/config.json
    echo '{"icc": false, "ip": "127.0.0.1", "mtu": 1300}' >"$CBUILD_CONFIG"
    web one page -p 80
    address=$("$CBUILD" port one 80)
    [[ $address = 127.0.0.1:* && $address != *$'\n'* ]]
    wait_until host curl -sf "http://$address/"
    cbuild run --rm busybox sh -c 'cat /sys/class/net/eth0/mtu; wget -T 1 -qO- "http://$1/" || echo apart' sh "$(ip_of one bridge)"
    expect_contains 1300 apart
    expect_lacks page
    # it is a container's from the start, and a network of one's own has its own words
    "$CBUILD" create --name later -p 80 busybox sleep 1000 >/dev/null
    unset CBUILD_CONFIG
    "$CBUILD" start later >/dev/null
    [[ $("$CBUILD" port later 80) = 127.0.0.1:* ]]
    export CBUILD_CONFIG=$BATS_TEST_TMPDIR/config.json
    "$CBUILD" network create own >/dev/null
    web two page --network own -p 80
    [[ $("$CBUILD" port two 80) = 0.0.0.0:* ]]
}

@test "the configuration's words for the bridge: its own address, and those of containers" {
    export CBUILD_CONFIG=$BATS_TEST_TMPDIR/config.json
    echo '{"bip": "198.18.40.9/24", "fixed-cidr": "198.18.40.128/26"}' >"$CBUILD_CONFIG"
    cbuild network inspect -f '{{json .IPAM.Config}}' bridge
    expect_output '[{"Subnet":"198.18.40.0/24","IPRange":"198.18.40.128/26","Gateway":"198.18.40.9"}]'
    cbuild run --rm busybox sh -c 'ip -o -4 addr show eth0; ip route'
    expect_contains 'inet 198.18.40.128/24' 'default via 198.18.40.9 '
    cbuild network inspect -f '{{json .IPAM.Config}}' bridge
    expect_output '[{"Subnet":"198.18.40.0/24","IPRange":"198.18.40.128/26","Gateway":"198.18.40.9"}]'
    # another address waits until nobody is on it
    "$CBUILD" run -d --name stays busybox sleep 1000 >/dev/null
    echo '{"bip": "198.18.41.1/24"}' >"$CBUILD_CONFIG"
    cbuild run --rm busybox ip -o -4 addr show eth0
    expect_contains 'inet 198.18.40.' 'stays 198.18.40.0/24 while containers are on it, and not 198.18.41.0/24'
    cbuild network inspect -f '{{(index .IPAM.Config 0).Subnet}}' bridge
    expect_output 198.18.40.0/24
    "$CBUILD" rm -f stays >/dev/null
    cbuild network inspect -f '{{(index .IPAM.Config 0).Subnet}}' bridge
    expect_output 198.18.41.0/24
    cbuild run --rm busybox ip -o -4 addr show eth0
    expect_contains 'inet 198.18.41.2/24'
    expect_lacks stays
    # a range alone is the subnet as well
    echo '{"fixed-cidr": "198.18.42.0/25"}' >"$CBUILD_CONFIG"
    cbuild run --rm busybox ip route
    expect_contains 'default via 198.18.42.1 ' '198.18.42.0/25 '
    echo '{"bip": "198.18.41.1/24", "fixed-cidr": "198.18.42.0/25"}' >"$CBUILD_CONFIG"
    cbuild run --rm busybox true
    expect_status 125
    expect_contains 'bip, fixed-cidr: no matching subnet for range 198.18.42.0/25'
}

@test "a configuration is joined by nobody, and networks are made from it" {
    "$CBUILD" network create --config-only --subnet 10.99.12.0/24 --ip-range 10.99.12.64/26 --label from=conf conf >/dev/null
    cbuild network inspect -f '{{.Driver}} {{.ConfigOnly}} {{json .IPAM.Config}}' conf
    expect_output 'null true [{"Subnet":"10.99.12.0/24","IPRange":"10.99.12.64/26"}]'
    cbuild run --rm --network conf busybox true
    expect_status 125
    expect_contains 'cannot create endpoint on configuration-only network'
    "$CBUILD" network create --config-from conf --internal made >/dev/null
    cbuild network inspect -f '{{.Driver}} {{.ConfigFrom.Network}} {{.ConfigOnly}} {{.Internal}} {{.Labels}}' made
    expect_output 'bridge conf false true map[from:conf]'
    cbuild run --rm --network made busybox ip -o -4 addr show eth0
    expect_contains 'inet 10.99.12.65/24'
    cbuild network rm conf
    expect_status 1
    expect_contains 'configuration network "conf" is in use'
    cbuild network prune -f
    expect_output "$(printf 'Deleted Networks:\nmade\n')"
}

@test "macvlan: containers are neighbours on an interface of the host's, which they leave as it was" {
    links=$(host ip -o link | grep -c .)
    for refused in 'parent=nope:invalid subinterface vlan name nope, example formatting is eth0.10' \
        'parent=nope.10:-o parent interface was not found on the host: nope' \
        'parent=up0.10x:unable to parse a valid vlan id from: 10x (ex. eth0.10 for vlan 10)' \
        'parent=up0.4095:vlan id must be between 1-4094, received: 4095' \
        'parent=lo:loopback interface is not a valid macvlan parent link' \
        "macvlan_mode=odd:requested macvlan mode 'odd' is not valid, 'bridge' mode is the macvlan driver default"; do
        cbuild network create -d macvlan -o "${refused%%:*}" wrong
        expect_status 1
        expect_contains "${refused#*:}"
    done
    # The subnet is the host's own.
    "$CBUILD" network create -d macvlan -o parent=up0 --subnet 198.51.100.0/24 --gateway 198.51.100.1 --ip-range 198.51.100.64/28 \
        --aux-address router=198.51.100.65 lan >/dev/null
    cbuild network create -d macvlan -o parent=up0 again
    expect_contains 'is already using parent interface up0'
    "$CBUILD" run -d --name one --network lan -p 80:80 busybox sleep 1000 >/dev/null
    cbuild inspect -f '{{with .NetworkSettings.Networks.lan}}{{.IPAddress}} {{.MacAddress}} {{.Gateway}}{{end}} {{.NetworkSettings.Ports}}' one
    expect_contains '198.51.100.64 02:42:c6:33:64:40 198.51.100.1'
    cbuild run --rm --network lan busybox sh -c 'ip route; ip -o -4 addr show eth0; ping -c 1 -W 5 198.51.100.64'
    expect_status 0
    expect_contains 'default via 198.51.100.1 dev eth0' 'inet 198.51.100.66/24' '1 packets received'
    run "$CBUILD" events --since 1 --until "$(date +%s.%N)" --filter type=network --filter event=connect \
        --format '{{.Actor.Attributes.name}} {{.Actor.Attributes.type}}'
    expect_contains 'lan macvlan'
    # Without a parent they reach each other only; one that runs joins and leaves.
    "$CBUILD" network create -d macvlan --internal --subnet 10.99.13.0/24 alone >/dev/null
    "$CBUILD" network connect --ip 10.99.13.9 alone one
    cbuild run --rm --network alone busybox sh -c 'ip route; ping -c 1 -W 5 10.99.13.9'
    expect_status 0
    expect_contains '1 packets received'
    expect_lacks default
    cbuild network inspect -f '{{.Driver}} {{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}' alone
    expect_output 'macvlan one 10.99.13.9/24'
    "$CBUILD" network disconnect alone one
    [ "$(host ip -o link | grep -c .)" = "$links" ]
    "$CBUILD" restart -t 0 one # at once with the same hardware address
    cbuild exec one ip -o -4 addr show eth0
    expect_contains 'inet 198.51.100.64/24'
    # What a killed monitor had goes with the network.
    "$CBUILD" network connect alone one
    kill -9 $(pgrep -f "cbuild-monitor $STORE ")
    wait_until "$CBUILD" network rm alone
    [ "$(host ip -o link | grep -c .)" = "$links" ]
}

@test "macvlan: containers find each other by name, and others' names by the servers they are given" {
    "$CBUILD" network create -d macvlan --subnet 10.99.21.0/24 lan >/dev/null
    "$CBUILD" run -d --name First --network lan --network-alias both --dns 10.99.21.9 busybox sleep 1000 >/dev/null
    "$CBUILD" run -d --name second --network lan --network-alias both busybox sleep 1000 >/dev/null
    # Port 53 is free for a container that is a name server itself.
    "$CBUILD" run -d --name far --network lan --ip 10.99.21.9 busybox sleep 1000 >/dev/null
    nsenter -t "$("$CBUILD" inspect -f '{{.State.Pid}}' far)" -n python3 "$BATS_TEST_DIRNAME/../lib/name-server.py" far.example 203.0.113.7 \
        "$DIR/ready" 3>&- &
    server=$!
    wait_until test -e "$DIR/ready"
    id=$("$CBUILD" inspect -f '{{.Id}}' second)
    cbuild exec First cat /etc/resolv.conf
    expect_contains 'nameserver 127.0.0.11' 'options ndots:0'
    for name in second SECOND second.lan "${id:0:12}"; do
        cbuild exec First nslookup "$name"
        expect_contains 'Address: 10.99.21.3'
    done
    cbuild exec second nslookup both
    expect_contains 'Address: 10.99.21.2' 'Address: 10.99.21.3'
    cbuild exec second nslookup 10.99.21.2
    expect_contains 'name = First.lan'
    "$CBUILD" run -d --name asks --network lan --dns 10.99.21.3 --dns 10.99.21.9 --link second:other busybox sleep 1000 >/dev/null
    cbuild exec asks sh -c 'nslookup far.example; nslookup first; ping -c 1 -W 5 other; nslookup no.example'
    expect_contains 'Address: 203.0.113.7' 'Address: 10.99.21.2' 'PING other (10.99.21.3)' "can't find no.example: NXDOMAIN"
    pid=$("$CBUILD" inspect -f '{{.State.Pid}}' asks)
    run nsenter -t "$pid" -n python3 "$BATS_TEST_DIRNAME/../lib/ask-names.py" 127.0.0.11 second far.example first.lan no.example
    expect_output $'second 0 10.99.21.3\nfar.example 0 203.0.113.7\nfirst.lan 0 10.99.21.2\nno.example 3'
    run nsenter -t "$pid" -n python3 "$BATS_TEST_DIRNAME/../lib/ask-names.py" --end 127.0.0.11 second far.example
    expect_output $'second 0 10.99.21.3\nfar.example 0 203.0.113.7'
    "$CBUILD" rename second third
    cbuild exec First nslookup third
    expect_contains 'Address: 10.99.21.3'
    not "$CBUILD" exec First ping -c 1 -W 5 second
    "$CBUILD" restart -t 0 First
    cbuild exec First nslookup third
    expect_contains 'Address: 10.99.21.3'
    "$CBUILD" rm -f third
    not "$CBUILD" exec First ping -c 1 -W 5 third
    kill "$server"
}

@test "macvlan: who is on a bridge as well knows the names of both, and of the bridge's alone when it has left" {
    "$CBUILD" network create -d macvlan --subnet 10.99.22.0/24 lan >/dev/null
    "$CBUILD" network create --subnet 10.99.23.0/24 other >/dev/null
    "$CBUILD" run -d --name neighbour --network lan --dns 127.0.0.1 busybox sleep 1000 >/dev/null
    "$CBUILD" run -d --name bridged --network other busybox sleep 1000 >/dev/null
    "$CBUILD" run -d --name one --network other --dns 127.0.0.1 busybox sleep 1000 >/dev/null
    "$CBUILD" network connect --alias joined lan one
    cbuild exec one sh -c 'nslookup bridged; nslookup neighbour'
    expect_contains 'Server:		127.0.0.11' 'Address: 10.99.23.2' 'Address: 10.99.22.2'
    cbuild exec neighbour nslookup joined
    expect_contains 'Address: 10.99.22.3'
    pid=$("$CBUILD" inspect -f '{{.State.Pid}}' one)
    "$CBUILD" network disconnect lan one
    cbuild exec one nslookup bridged
    expect_contains 'Server:		10.99.23.1' 'Address: 10.99.23.2'
    [ "$(nsenter -t "$pid" -n iptables-save -t nat | grep -c DNAT)" = 0 ]
    not "$CBUILD" exec one ping -c 1 -W 5 neighbour
}

@test "signals are for the container on networks with names, too, not for the threads that see to them" {
    "$CBUILD" network create -d macvlan --subnet 10.99.25.0/24 lan >/dev/null
    "$CBUILD" run --rm --network lan busybox sh -c 'trap "echo got; exit 7" USR1; echo up; while :; do sleep 0.05; done' >"$DIR/out" 2>&1 3>&- &
    pid=$!
    wait_until grep -q up "$DIR/out"
    kill -USR1 "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$(cat "$DIR/out")" = $'up\ngot' ]
    [ "$status" = 7 ]
}

@test "macvlan: of several subnets an address is in the one it names, else in the first with room" {
    "$CBUILD" network create -d macvlan --subnet 10.99.15.0/30 --subnet 10.99.16.0/24 --gateway 10.99.16.7 several >/dev/null
    cbuild network create --subnet 10.99.17.0/24 --subnet 10.99.18.0/24 wrong
    expect_contains "bridge driver doesn't support multiple subnets"
    "$CBUILD" run -d --name one --network several busybox sleep 1000 >/dev/null
    cbuild run --rm --network several busybox sh -c 'ip -o -4 addr show eth0; ip route'
    expect_contains 'inet 10.99.16.1/24' 'default via 10.99.16.7 dev eth0'
    "$CBUILD" run -d --name two --network several --ip 10.99.16.9 busybox sleep 1000 >/dev/null
    cbuild inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.IPPrefixLen}} {{.Gateway}}{{end}}' one two
    expect_output $'10.99.15.2 30 10.99.15.1\n10.99.16.9 24 10.99.16.7'
    cbuild network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{"\n"}}{{end}}' several
    expect_contains 'one 10.99.15.2/30' 'two 10.99.16.9/24'
    cbuild run --rm --network several --ip 10.99.99.9 busybox true
    expect_contains "It does not belong to any of this network's subnets"
}

@test "macvlan: the interface of a VLAN comes with the first container, and a kernel without VLANs is told" {
    links=$(host ip -o link | grep -c .)
    cbuild network create -d macvlan -o parent=up0.10 --subnet 10.99.19.0/24 tagged
    if ! host ip link add link up0 name up0.9 type vlan id 9; then
        expect_status 1
        expect_output 'cbuild: failed to create up0.10 vlan link: operation not supported'
    else
        host ip link del up0.9
        expect_status 0
        [ "$(host ip -o link | grep -c .)" = "$links" ]
        "$CBUILD" run -d --name one --network tagged busybox sleep 1000 >/dev/null
        "$CBUILD" run --rm --network tagged busybox true
        host ip -d link show up0.10 | grep 'vlan protocol 802.1Q id 10'
        "$CBUILD" rm -f one
        [ "$(host ip -o link | grep -c .)" = "$links" ]
        # One that is the host's stays.
        host ip link add link up0 name up0.10 type vlan id 10
        "$CBUILD" run --rm --network tagged busybox true
        host ip link del up0.10
    fi
}

@test "network connect: who does not run is connected anew" {
    "$CBUILD" network create back >/dev/null
    "$CBUILD" create --name idle --network back busybox sleep 1000 >/dev/null
    "$CBUILD" network connect --alias old back idle
    "$CBUILD" network connect --alias new back idle
    "$CBUILD" start idle
    cbuild inspect -f '{{range $name, $of := .NetworkSettings.Networks}}{{$name}} {{index $of.Aliases 0}}{{end}}' idle
    expect_output 'back new'
    cbuild network connect back idle
    expect_status 1
    expect_contains 'endpoint with name idle already exists in network back'
}

@test "what was noted of a host's network that is no more goes with the next container" {
    cat >"$DIR/there" <<END
stat -L -c %i /proc/self/ns/net >"$DIR/number"
ip link set lo up
exec "$REAL" run --rm busybox true
END
    unshare -n sh "$DIR/there"
    number=$(cat "$DIR/number")
    swept() { "$CBUILD" run --rm busybox true && [ ! -e "/run/cbuild/net-$number" ]; }
    wait_until swept
    [ -d "/run/cbuild/net-$(stat -L -c %i "/proc/$HOLDER/ns/net")" ]
}

@test "network reload: rules that somebody has flushed are there again, each once" {
    rules() { host iptables-save | grep -v '^[#:]' | sort; }
    "$CBUILD" network create web >/dev/null
    web named hello --network web -p 18081:80
    web plain hello -p 18082:80
    rules >"$DIR/before"
    cbuild network reload --all
    expect_status 0
    [ "${#lines[@]}" -eq 2 ]
    rules | diff "$DIR/before" -
    host iptables -F
    host iptables -t nat -F
    cbuild network reload named
    expect_output "$("$CBUILD" inspect -f '{{.Id}}' named)"
    host iptables-save | grep -- '--dport 18081'
    not grep -- '--dport 18082' <(host iptables-save)
    cbuild network reload -a
    expect_status 0
    rules | diff "$DIR/before" -
    "$CBUILD" rm -f named plain
    not grep -E -- '--dport 1808[12]' <(host iptables-save)
    cbuild network reload
    expect_status 1
    cbuild network reload nosuch
    expect_status 1
    expect_contains 'No such container: nosuch'
}

@test "ipvlan: modes are checked, and a kernel without it is told" {
    cbuild network create -d ipvlan -o ipvlan_mode=odd wrong
    expect_contains "requested ipvlan mode 'odd' is not valid, 'l2' mode is the ipvlan driver default"
    "$CBUILD" network create -d ipvlan -o ipvlan_mode=l3 --subnet 10.99.14.0/24 routed >/dev/null
    if host sh -c 'ip link add link up0 name probe type ipvlan && ip link del probe' 2>"$BATS_TEST_TMPDIR/why"; then
        cbuild run --rm --network routed busybox ip route
        expect_contains 'default dev eth0'
    else
        cbuild run --rm --network routed busybox true
        expect_status 125
        expect_contains 'failed to create the ipvlan port: operation not supported'
    fi
}

@test "files that are mounted over /etc/hosts stay as they are" {
    own=$(mktemp -p /dev/shm)
    echo '192.0.2.1 mine' >"$own"
    "$CBUILD" network create --subnet 10.99.1.0/24 front >/dev/null
    "$CBUILD" run -d --name one -v "$own:/etc/hosts" busybox sleep 1000 >/dev/null
    "$CBUILD" network connect front one
    run cat "$own"
    rm "$own"
    expect_output '192.0.2.1 mine'
}

@test "who was made without a network joins one when it has left none" {
    "$CBUILD" network create --subnet 10.99.27.0/24 late >/dev/null
    "$CBUILD" run -d --name one --network none busybox sleep 1000 >/dev/null
    cbuild network connect late one
    expect_contains 'one of the networks in private (none) mode'
    "$CBUILD" network disconnect none one
    "$CBUILD" network connect --alias uno late one
    cbuild exec one sh -c 'ip -o -4 addr show eth0; nslookup uno'
    expect_contains 'inet 10.99.27.2/24' 'Address: 10.99.27.2'
    cbuild inspect -f '{{.HostConfig.NetworkMode}} {{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}' one
    expect_output 'none late'
    "$CBUILD" restart -t 0 one
    cbuild exec one ip -o -4 addr show eth0
    expect_contains 'inet 10.99.27.2/24'
    # what it was told stays to be seen
    id=$("$CBUILD" inspect -f '{{.Id}}' one)
    network=$("$CBUILD" network inspect -f '{{.Id}}' late)
    "$CBUILD" stop -t 0 one
    cbuild inspect -f '{{with .NetworkSettings.Networks.late}}{{.Aliases}} {{.NetworkID}}{{.IPAddress}}{{end}}' one
    expect_output "[uno ${id:0:12}] $network"
}

@test "none and host cannot be connected to others" {
    "$CBUILD" network create front >/dev/null
    "$CBUILD" run -d --name alone --network none busybox sleep 1000 >/dev/null
    "$CBUILD" run -d --name hosted --network host busybox sleep 1000 >/dev/null
    cbuild network connect front alone
    expect_contains 'container cannot be connected to multiple networks with one of the networks in private (none) mode'
    cbuild network connect front hosted
    expect_contains 'container sharing network namespace with another container or host cannot be connected to any other network'
    for words in '-f front nobody:endpoint nobody not found' 'front nobody:No such container: nobody' \
        '-f nope nobody:network nope not found' '-f front alone:is not connected to network front' \
        'front hosted:is not connected to network front'; do
        # shellcheck disable=SC2086 # they are words
        cbuild network disconnect ${words%%:*}
        expect_status 1
        expect_contains "${words#*:}"
    done
    "$CBUILD" create --name still busybox true >/dev/null
    cbuild network disconnect -f front still
    expect_contains 'is not connected to the network front'
    cbuild network disconnect host hosted
    expect_contains 'container cannot be disconnected from host network or connected to host network'
    cbuild network connect host alone
    expect_contains 'container cannot be disconnected from host network or connected to host network'
    cbuild network connect nope alone
    expect_contains 'network nope not found'
    cbuild network connect front nobody
    expect_contains 'No such container: nobody'
    cbuild run --rm --network container:hosted busybox ip -o link
    expect_contains up0
}

@test "published ports are listed, busy ones refused, and free again at the end" {
    web one page -p 127.0.0.1::80 -p 81/udp
    port=$("$CBUILD" port one 80)
    [[ $port = 127.0.0.1:* ]]
    wait_until host curl -sf "http://$port/"
    cbuild port one
    expect_contains "80/tcp -> $port" '81/udp -> 0.0.0.0:'
    cbuild port one 99
    expect_status 1
    expect_contains "No public port '99/tcp' published for one"
    cbuild run -d --name two -p "$port:80" busybox true
    expect_status 125
    expect_contains "Bind for ${port%:*}:${port#*:} failed: port is already allocated"
    cbuild ps -a --format '{{.Names}} {{.Status}}'
    expect_contains 'two Created'
    "$CBUILD" rm -f one
    # Both families, with one number; what is only exposed; ranges.
    web four page -p 8080-8082:8080-8082 -p 80 -p 127.0.0.1:83:82 --expose 99 --expose 100-101/udp
    number=$("$CBUILD" port four 80 | sed -n 's/^0.0.0.0://p')
    cbuild port four 80
    expect_output "0.0.0.0:$number"$'\n'"[::]:$number"
    wait_until host curl -sfg "http://[::1]:$number/"
    cbuild ps --format '{{.Ports}}' -f name=four
    expect_output "99/tcp, 100-101/udp, 0.0.0.0:8080-8082->8080-8082/tcp, :::8080-8082->8080-8082/tcp, 0.0.0.0:$number->80/tcp, :::$number->80/tcp, 127.0.0.1:83->82/tcp"
    cbuild inspect -f '{{json .NetworkSettings.Ports}}' four
    expect_contains '"100/udp":null,"101/udp":null' '"80/tcp":[{"HostIp":"0.0.0.0"' '{"HostIp":"::","HostPort":"8080"}' '"99/tcp":null'
    cbuild run --rm -p "[::]:8081:80" busybox true
    expect_status 125
    expect_contains 'Bind for :::8081 failed: port is already allocated'
    "$CBUILD" rm -f four
    web three third -p "$port:80"
    wait_until host curl -sf "http://$port/"
    run host curl -s "http://$port/"
    expect_output third
}

@test "ports of a container whose monitor was killed belong to the next one" {
    web one first -p 127.0.0.1::80
    port=$("$CBUILD" port one 80)
    "$CBUILD" network create --subnet 10.99.1.0/24 front >/dev/null
    "$CBUILD" network connect --ip 10.99.1.9 front one
    kill -9 "$(pgrep -f "cbuild-monitor .* $("$CBUILD" ps -q --no-trunc)")"
    wait_until sh -c '[ -z "$("$CBUILD" ps -q)" ]'
    web two second -p "$port:80" --network front --ip 10.99.1.9
    wait_until host curl -sf "http://$port/"
    run host curl -s "http://$port/"
    expect_output second
    "$CBUILD" rm -f one two
    wait_until nothing_is_left
}
