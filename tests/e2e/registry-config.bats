# The configuration files: mirrors, rewrites, insecure and blocked registries, the store's place.

load helpers
load helpers-registry
load ../lib/peers.bash

setup_file() {
    cb_store
    registry_start
    "$CBUILD" tag busybox "$REGISTRY/library/tool:1"
    "$CBUILD" push -q "$REGISTRY/library/tool:1"
    "$CBUILD" tag busybox "$REGISTRY/mirrored/team/tool:1"
    "$CBUILD" push -q "$REGISTRY/mirrored/team/tool:1"
    "$CBUILD" rmi "$REGISTRY/library/tool:1" "$REGISTRY/mirrored/team/tool:1" >/dev/null
}

teardown_file() {
    registry_stop
    cb_drop_store
}

setup() {
    export CBUILD_CONFIG=$BATS_TEST_TMPDIR/config.json
}

teardown() {
    stop_hostile_registry
}

# Standard input as the configuration.
config_is() {
    cat >"$CBUILD_CONFIG"
}

requests() { # of the hostile registry, to a repository
    grep -c "/v2/$1/" "$HOSTILE_LOG"
}

@test "docker's mirrors stand for docker.io" {
    config_is <<END
{"registry-mirrors": ["http://$REGISTRY/"], "live-restore": true}
END
    cbuild pull tool:1
    expect_status 0
    expect_contains "docker.io/library/tool:1"
    cbuild images tool
    expect_contains tool
    "$CBUILD" rmi tool:1
}

@test "a mirror is told for whom it stands, as containerd tells it" {
    start_hostile_registry
    config_is <<END
{"registry-mirrors": ["http://$HOSTILE"]}
END
    cbuild pull -q good/image
    expect_output docker.io/good/image:latest
    run jq -r 'select(.path | contains("/good/")) | .path | split("?")[1]' "$HOSTILE_LOG"
    [ "$(sort -u <<<"$output")" = ns=docker.io ]
    : >"$HOSTILE_LOG"
    cbuild pull -q "$HOSTILE/good/image"
    expect_status 0
    run grep -c 'ns=' "$HOSTILE_LOG"
    expect_output 0
    "$CBUILD" rmi good/image "$HOSTILE/good/image"
}

@test "a mirror with a path, for one part of a registry; the registry itself is not asked" {
    start_hostile_registry
    config_is <<END
{"registries": {"$HOSTILE": {"mirrors": ["$REGISTRY/other"]}, "$HOSTILE/team": {"mirrors": ["http://$REGISTRY/mirrored/team"]}}}
END
    cbuild pull -q "$HOSTILE/team/tool:1"
    expect_output "$HOSTILE/team/tool:1"
    [ "$(requests team/tool)" -eq 0 ]
    "$CBUILD" rmi "$HOSTILE/team/tool:1"
}

@test "a mirror that lacks the image or is away costs nothing but a word" {
    start_hostile_registry
    config_is <<END
{"registries": {"$HOSTILE": {"mirrors": ["http://127.0.0.1:1", "http://$REGISTRY"]}}}
END
    cbuild pull "$HOSTILE/good/image"
    expect_status 0
    expect_contains 'mirror `http://127.0.0.1:1` is passed over'
    [ "$(grep -c 'passed over' <<<"$output")" -eq 1 ]
    [ "$(requests good/image)" -gt 0 ]
    "$CBUILD" rmi "$HOSTILE/good/image"
}

@test "a mirror's wrong bytes are not taken; the registry's are" {
    start_hostile_registry
    config_is <<END
{"registries": {"$HOSTILE/good": {"mirrors": ["http://$HOSTILE/wrongdigest"]}}}
END
    cbuild pull "$HOSTILE/good/image"
    expect_status 0
    expect_contains "is passed over"
    [ "$(requests good/image)" -gt 0 ]
    "$CBUILD" rmi "$HOSTILE/good/image"
}

@test "credentials for a registry are not shown to its mirror" {
    start_hostile_registry --auth basic
    export DOCKER_CONFIG=$BATS_TEST_TMPDIR
    printf '{"auths":{"private.example":{"auth":"%s"}}}' "$(printf tester:opensesame | base64)" >"$DOCKER_CONFIG/config.json"
    config_is <<END
{"registries": {"private.example": {"mirrors": ["http://$HOSTILE/good"], "rewrite": "$REGISTRY"}}}
END
    cbuild pull private.example/library/tool:1
    expect_status 0
    run jq -r 'select(.authorization != null) | .path' "$HOSTILE_LOG"
    expect_output ""
    "$CBUILD" rmi private.example/library/tool:1
}

@test "a rewrite stands for the registry, for pushes too" {
    config_is <<END
{"registries": {"registry.example": {"rewrite": "$REGISTRY/rewritten"}}}
END
    "$CBUILD" tag busybox registry.example/a/b:2
    cbuild push registry.example/a/b:2
    expect_status 0
    skopeo inspect --tls-verify=false "docker://$REGISTRY/rewritten/a/b:2" >/dev/null
    "$CBUILD" rmi registry.example/a/b:2
    cbuild pull -q registry.example/a/b:2
    expect_output registry.example/a/b:2
    "$CBUILD" rmi registry.example/a/b:2
}

@test "a blocked registry is not asked" {
    start_hostile_registry
    config_is <<END
{"registries": {"$HOSTILE": {"blocked": true}}}
END
    cbuild pull "$HOSTILE/good/image"
    expect_status 1
    expect_contains "the configuration says that \`$HOSTILE\` is not to be asked"
    [ ! -s "$HOSTILE_LOG" ]
    cb_dir
    echo "FROM $HOSTILE/good/image" | dockerfile
    build
    expect_status 1
    expect_contains "is not to be asked"
    [ ! -s "$HOSTILE_LOG" ]
}

@test "a build takes its base from a mirror, and the cache knows it by its own name" {
    start_hostile_registry
    config_is <<END
{"registries": {"$HOSTILE": {"mirrors": ["http://$REGISTRY/mirrored"]}}}
END
    cb_dir
    echo "FROM $HOSTILE/team/tool:1" | dockerfile
    build_ok
    expect_contains "$HOSTILE/team/tool:1"
    [ "$(requests team/tool)" -eq 0 ]
}

@test "the store is where data-root, or graph, says; options and environment come first" {
    local there=$CB_WORK/elsewhere
    printf '{"graph": "%s"}' "$there" | config_is
    (unset CBUILD_ROOT; "$CBUILD" import "$CB_BASES/busybox.tar" elsewhere:1) >/dev/null
    [ -e "$there/version" ] || ls "$there"
    run env -u CBUILD_ROOT "$CBUILD" images -q elsewhere
    [ -n "$output" ]
    cbuild images -q elsewhere
    expect_output ""
    run "$CBUILD" --root "$STORE" images -q elsewhere
    expect_output ""
    rm -rf --one-file-system "$there"
}

@test "what is wrong in a configuration is named with its file and key" {
    bad() { # TEXT MESSAGE...
        printf '%s' "$1" | config_is
        shift
        cbuild images
        expect_status 1
        expect_contains "$CBUILD_CONFIG" "$@"
    }
    bad '{' "line 1, column 1"
    bad '[]' "expected an object"
    bad '{"registry-mirors": []}' 'unknown key `registry-mirors`' 'did you mean `registry-mirrors`?'
    bad '{"registry-mirrors": "x"}' "registry-mirrors"
    bad '{"registry-mirrors": ["nodots"]}' '`nodots` is not a registry'
    bad '{"registry-mirrors": ["https://a.example?x=1"]}' "is not a registry"
    bad '{"registries": {"a b": {}}}' '`a b` is not a registry'
    bad '{"registries": {"a.example": {"mirror": []}}}' 'did you mean `mirrors`?'
    bad '{"proxies": {"htp-proxy": "x"}}' 'did you mean `http-proxy`?'
    bad '{"max-concurrent-downloads": 0}' "expected a number from 1 to 64"
    bad '{"data-root": "relative"}' "is not an absolute path"
    bad '{"data-root": "/a", "graph": "/b"}' "old name"
    bad '{"max-store": "much"}' "max-store"
    bad '{"insecure-registries": ["a.example/x"]}' 'insecure-registries[0]: `a.example/x` is not a host'
    bad '{"insecure-registries": ["10.0.0.0/x"]}' 'is not a host'
    bad '{"default-shm-size": "wide"}' default-shm-size
    bad '{"default-ipc-mode": "host"}' 'expected private or shareable'
    bad '{"default-cgroupns-mode": "x"}' 'expected private or host'
    bad '{"no-new-privileges": "yes"}' no-new-privileges
    bad '{"seccomp-profile": "here.json"}' 'expected builtin, unconfined or an absolute path'
    bad '{"default-address-pools": [{"base": "10.0.0.0/16", "size": 8}]}' 'default-address-pools[0].size: expected 16 to 30'
    bad '{"default-address-pools": [{"base": "tenth", "size": 8}]}' '`tenth` is not a range'
    bad '{"ip": "fd00::1"}' 'is not an IPv4 address'
    bad '{"mtu": 5}' 'expected 68 to 65535'
    bad '{"bip": "198.18.42.0/25"}' 'no address of the bridge'
    bad '{"bip": "198.18.42.1"}' 'expected ADDRESS/BITS'
    bad '{"fixed-cidr": "x"}' 'not a range of IPv4 addresses'
    bad '{"icc": "no"}' icc
    bad '{"default-network-opts": {"bridge": {"mtu": 5}}}' 'default-network-opts.bridge.mtu'
    rm "$CBUILD_CONFIG"
    cbuild images
    expect_status 1
    expect_contains 'CBUILD_CONFIG' "$CBUILD_CONFIG"
}

@test "the user's file comes before the machine's; the rest of docker's keys do no harm" {
    unset CBUILD_CONFIG
    mkdir -p "$BATS_TEST_TMPDIR/conf/cbuild"
    echo '{"max-store": "lots"}' >"$BATS_TEST_TMPDIR/conf/cbuild/config.json"
    XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/conf cbuild images
    expect_status 1
    expect_contains "$BATS_TEST_TMPDIR/conf/cbuild/config.json: max-store"
    echo '{"storage-driver":"overlay2","log-opts":{"max-size":"10m"},"bip":"10.0.0.1/24","max-store":"500g"}' >"$BATS_TEST_TMPDIR/conf/cbuild/config.json"
    XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/conf cbuild images
    expect_status 0
}

@test "info tells what is in force, from where, and no password" {
    config_is <<END
{"registries": {"$REGISTRY": {"mirrors": ["http://m.example:1"], "insecure": true}, "b.example": {"blocked": true, "rewrite": "c.example/x"}},
 "insecure-registries": ["10.0.0.0/8"], "proxies": {"https-proxy": "http://me:secret@p.example:3128"}, "live-restore": true}
END
    HTTP_PROXY=http://q.example:1 cbuild info
    expect_contains "$CBUILD_CONFIG (without effect: live-restore)" "$REGISTRY: http://m.example:1, insecure" \
        "b.example: is c.example/x, blocked" "Insecure        10.0.0.0/8" "http://q.example:1 (from HTTP_PROXY)" "p.example:3128"
    expect_lacks secret
    cbuild info --format '{{.Driver}} {{.Mode}}'
    expect_output "overlay root"
    cbuild info --format json
    jq -e '."b.example" and .driver == "overlay"' <<<"$output"
    printf '{' | config_is
    cbuild info
    expect_status 1
    expect_contains "Configuration" "$CBUILD_CONFIG"
}

@test "containers are bound as the configuration says, unless they are asked for otherwise" {
    printf '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}' >"$BATS_TEST_TMPDIR/profile"
    config_is <<END
{"init": true, "no-new-privileges": true, "default-shm-size": "5m", "seccomp-profile": "$BATS_TEST_TMPDIR/profile",
 "default-ipc-mode": "shareable", "default-cgroupns-mode": "host", "userns-remap": "default", "selinux-enabled": true, "bridge": "br0", "live-restore": true}
END
    look='df -k /dev/shm | tail -1 | cut -c1-40; grep NoNewPrivs /proc/self/status; mkdir /d 2>&1; cat /proc/1/comm; true'
    told=$BATS_TEST_TMPDIR/told
    quietly() { run bash -c '"$@" 2>"$0"' "$told" "$CBUILD" "$@"; }
    quietly run --rm --network none busybox sh -c "$look"
    [[ ${lines[0]} == *' 5120 '* ]]
    [[ ${lines[1]} == *1 ]]
    [[ ${lines[2]} == *'not permitted' ]]
    [[ ${lines[3]} != sh ]]
    grep -q '`userns-remap` of the configuration has no effect: ' "$told"
    grep -q '`selinux-enabled`' "$told"
    [ "$(wc -l <"$told")" -eq 2 ]
    quietly run --rm --network none --init=false --shm-size 6m --security-opt no-new-privileges=false --security-opt seccomp=unconfined busybox sh -c "$look"
    [[ ${lines[0]} == *' 6144 '* ]]
    [[ ${lines[1]} == *0 ]]
    [ "${lines[2]}" = sh ]
    quietly create --name bound busybox true
    [ "$("$CBUILD" inspect -f '{{.HostConfig.IpcMode}} {{.HostConfig.CgroupnsMode}} {{.HostConfig.ShmSize}}' bound)" = 'shareable host 5242880' ]
    "$CBUILD" rm bound
    run "$CBUILD" info
    expect_contains 'userns-remap (root' 'live-restore (containers need no daemon to go on)'
    # what is as without the key is not spoken of
    config_is <<<'{"userns-remap": "", "selinux-enabled": false, "bridge": "br0"}'
    quietly create --name unbound busybox true
    [ ! -s "$told" ]
    "$CBUILD" rm unbound
}

@test "networks have their subnets from the configuration's pools, and its options" {
    config_is <<<'{"default-address-pools": [{"base": "198.18.0.0/30", "size": 30}, {"base": "198.19.7.0/24", "size": 28}], "default-network-opts": {"bridge": {"com.docker.network.driver.mtu": "1234"}}}'
    for name in pool-a pool-b pool-c; do "$CBUILD" network create $name; done
    run "$CBUILD" network inspect -f '{{(index .IPAM.Config 0).Subnet}} {{index .Options "com.docker.network.driver.mtu"}}' pool-a pool-b pool-c
    expect_output $'198.18.0.0/30 1234\n198.19.7.0/28 1234\n198.19.7.16/28 1234'
    "$CBUILD" network rm pool-c
    config_is <<<'{"default-address-pools": [{"base": "198.18.0.0/30", "size": 30}]}'
    run "$CBUILD" network create pool-c
    expect_status 1
    expect_contains 'could not find an available, non-overlapping IPv4 address pool'
    "$CBUILD" network create --subnet 198.19.8.0/24 -o com.docker.network.driver.mtu=1300 pool-c
    [ "$("$CBUILD" network inspect -f '{{index .Options "com.docker.network.driver.mtu"}}' pool-c)" = 1300 ]
    "$CBUILD" network rm pool-a pool-b pool-c
}

@test "a proxy is shown its password, nobody else; NO_PROXY has names with ports" {
    start_hostile_registry
    config_is <<<'{"insecure-registries": ["plain.example:80"]}'
    local proxy=http://me:s3cr%2Ft@127.0.0.9:$HOSTILE_OTHER
    asked() { jq -c 'select(.server == "other") | [.method, .path, .proxied]' "$HOSTILE_LOG" | sort -u; }
    NO_PROXY=tls.example:5001,.tls.example HTTPS_PROXY=$proxy cbuild pull tls.example:5000/x:1
    expect_status 1
    expect_contains 'response 407' 'HTTPS_PROXY'
    expect_lacks s3cr
    [ "$(asked)" = '["CONNECT","tls.example:5000","Basic bWU6czNjci90"]' ]
    NO_PROXY='*.tls.example, tls.example:5000' HTTPS_PROXY=$proxy cbuild pull tls.example:5000/x:1
    expect_contains 'resolve host'
    [ "$(asked | wc -l)" -eq 1 ]
    # one request, because it is refused; and what goes through the proxy in plain text
    [ "$(grep -c '"CONNECT"' "$HOSTILE_LOG")" -eq 1 ]
    : >"$HOSTILE_LOG"
    config_is <<<"{\"registries\": {\"r.example\": {\"mirrors\": [\"http://plain.example\"]}}, \"proxies\": {\"http-proxy\": \"$proxy\", \"no-proxy\": \"r.example\"}}"
    cbuild pull r.example/x:1
    asked | grep -q '^\["GET","http://plain.example/v2/x/manifests/1?ns=r.example","Basic bWU6czNjci90"\]$' || asked | grep -q '"HEAD","http://plain.example/'
    # however it is written, it is not told
    for proxy in me:s3cr@127.0.0.9 http://me:s3/cr@127.0.0.9 'http://me:s3 cr@127.0.0.9' http://me:s3#cr@127.0.0.9; do
        HTTPS_PROXY=$proxy HTTP_PROXY=$proxy cbuild info
        expect_contains 'xxxxx@127.0.0.9'
        expect_lacks s3
        HTTPS_PROXY=$proxy:$HOSTILE_OTHER cbuild pull tls.example/x:1
        expect_status 1
        expect_lacks s3
    done
}

@test "name servers, logs and limits of containers are those of the configuration, unless they are asked for" {
    config_is <<'END'
{"dns": ["192.0.2.53"], "dns-search": ["corp.example"], "dns-opts": ["ndots:3"],
 "log-driver": "json-file", "log-opts": {"max-size": "1k", "max-file": "3"},
 "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 100, "Hard": 200}}}
END
    run "$CBUILD" run --rm busybox sh -c 'cat /etc/resolv.conf; ulimit -n; ulimit -Hn'
    expect_output $'nameserver 192.0.2.53\nsearch corp.example\noptions ndots:3\n100\n200'
    run "$CBUILD" run --rm --dns 192.0.2.54 --dns-search . --dns-opt ndots:1 --ulimit nofile=77 busybox sh -c 'cat /etc/resolv.conf; ulimit -n'
    expect_output $'nameserver 192.0.2.54\noptions ndots:1\n77'
    run "$CBUILD" build --no-cache --progress plain - <<<$'FROM busybox\nRUN cat /etc/resolv.conf'
    expect_contains 'nameserver 192.0.2.53' 'search corp.example' 'options ndots:3'
    "$CBUILD" run --name configured --network none --log-opt max-file=2 busybox seq 1000 >/dev/null
    [ "$("$CBUILD" inspect -f '{{json .HostConfig.LogConfig}}' configured | jq -cS .)" = '{"Config":{"max-file":"2","max-size":"1k"},"Type":"json-file"}' ]
    [ "$("$CBUILD" logs configured | wc -l)" -lt 100 ]
    # what one has is what those have who share it
    "$CBUILD" create --name sharing --network container:configured busybox true
    run "$CBUILD" inspect -f '{{json .HostConfig.Dns}}' sharing
    expect_output '[]'
    # nobody asked for them
    run "$CBUILD" inspect -f '{{json .HostConfig.Dns}} {{.HostConfig.DnsSearch}}' configured
    expect_output '[] []'
    config_is <<<'{"log-driver": "fluentd", "log-opts": {"tag": "x", "fluentd-address": "192.0.2.1"}}'
    run "$CBUILD" run --name fluentd --network none busybox echo printed
    expect_output printed
    run "$CBUILD" info
    expect_contains '(without effect: log-driver, log-opts)'
    "$CBUILD" rm configured sharing fluentd
    config_is <<<'{"dns": ["nonsense"]}'
    cbuild images
    expect_status 1
    expect_contains 'dns: ' 'nonsense is not an ip address'
    config_is <<<'{"dns-opts": ["a b"]}'
    cbuild images
    expect_status 1
    expect_contains 'dns-opts: ' 'expected letters'
    config_is <<<'{"default-ulimits": {"nofile": 5}}'
    cbuild images
    expect_status 1
    expect_contains 'default-ulimits.nofile'
}

@test "who waits for the name of a registry can be interrupted" {
    export IN=$BATS_TEST_TMPDIR/in
    mkdir "$IN"
    printf 'nameserver 127.0.0.1\noptions timeout:30 attempts:5\n' >"$IN/resolv.conf"
    config_is <<<'{"insecure-registries": ["10.0.0.0/8"]}'
    # a name server that hears and says nothing
    cat >"$IN/server.py" <<'PYTHON'
import os, socket
place = os.environ["IN"]
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
pid = os.posix_spawnp(os.environ["CBUILD"], ["cbuild", "pull", "nowhere.example/x"], os.environ)
server.recv(512)
with open(place + "/asked", "w") as file:
    file.write("%d\n" % pid)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
with open(place + "/status", "w") as file:
    file.write("%d\n" % status)
PYTHON
    unshare -mn sh -c 'ip link set lo up && mount --bind "$IN/resolv.conf" /etc/resolv.conf && exec python3 "$IN/server.py"' 3>&- &
    wait_until [ -s "$IN/asked" ]
    kill -INT "$(<"$IN/asked")"
    wait_until [ -s "$IN/status" ]
    [ "$(<"$IN/status")" = 130 ]
    wait
}
