#!/usr/bin/env bats
# Command lines that people know from docker's tutorials, word for word but for the program's name. All happens in a host network
# of the file's own.
load helpers
unset -f cbuild # here it is the program

setup_file() {
    cb_store debian
    # Nobody serves names to this host, and it says so at once.
    echo nameserver 198.51.100.2 >"$BATS_FILE_TMPDIR/resolv.conf"
    unshare -n -m sh -c 'mount --bind "$0" /etc/resolv.conf && exec sleep infinity' "$BATS_FILE_TMPDIR/resolv.conf" 3>&- 4>&- &
    export HOLDER=$! REAL=$CBUILD
    wait_until grep -q sleep "/proc/$HOLDER/comm"
    host sh -c 'ip link set lo up
        ip link add up0 type veth peer name up1
        ip addr add 198.51.100.2/24 dev up0
        ip link set up0 up
        ip link set up1 up
        ip route add default via 198.51.100.1'
    mkdir "$BATS_FILE_TMPDIR/bin"
    export CBUILD=$BATS_FILE_TMPDIR/bin/cbuild
    printf '#!/bin/sh\nexec nsenter -t %s --net --mount --wdns="$PWD" %s "$@"\n' "$HOLDER" "$REAL" >"$CBUILD"
    chmod +x "$CBUILD"
    export PATH=$BATS_FILE_TMPDIR/bin:$PATH
    images
}
teardown_file() {
    cb_drop_store
    kill "$HOLDER"
}
setup() {
    mkdir -p "$BATS_TEST_TMPDIR/here"
    cd "$BATS_TEST_TMPDIR/here"
}
teardown() {
    local name
    for name in $("$REAL" ps -aq); do "$CBUILD" rm -f -v "$name" >/dev/null; done
    for name in $("$REAL" network ls -q -f type=custom); do "$CBUILD" network rm "$name" >/dev/null; done
    "$REAL" volume prune -af >/dev/null
}

# What tutorials run, in small: nginx, training/postgres, training/webapp, hello-world, ubuntu, registry.
images() {
    local dir=$BATS_FILE_TMPDIR/images
    mkdir -p "$dir"
    cp "$(command -v docker-registry)" "$dir/registry"
    cat >"$dir/Dockerfile" <<'END'
FROM busybox AS nginx
RUN mkdir -p /usr/share/nginx/html && echo 'Welcome to nginx!' >/usr/share/nginx/html/index.html
EXPOSE 80
CMD ["httpd", "-f", "-p", "80", "-h", "/usr/share/nginx/html"]
FROM busybox AS postgres
ENV POSTGRES_VERSION=16
EXPOSE 5432
CMD ["nc", "-ll", "-p", "5432", "-e", "echo", "postgres"]
FROM nginx AS webapp
EXPOSE 5000
CMD ["httpd", "-f", "-p", "5000", "-h", "/usr/share/nginx/html"]
FROM busybox AS hello-world
CMD ["echo", "Hello from Docker!"]
FROM debian:bookworm AS registry
COPY registry /registry
RUN printf 'version: 0.1\nlog: {level: error}\nstorage:\n  filesystem: {rootdirectory: /var/lib/registry}\nhttp: {addr: ":5000"}\n' >/config.yml
EXPOSE 5000
VOLUME /var/lib/registry
ENTRYPOINT ["/registry"]
CMD ["serve", "/config.yml"]
END
    for name in nginx postgres webapp hello-world registry; do
        "$REAL" build -q --network none --target "$name" -t "$name" "$dir" >/dev/null
    done
    "$REAL" tag webapp training/webapp
    "$REAL" tag postgres training/postgres
    "$REAL" tag debian:bookworm ubuntu
}

host() {
    nsenter --net="/proc/$HOLDER/ns/net" "$@"
}
# typing TEXT COMMAND…: once the shell's prompt is there.
typing() {
    on_terminal 'expect:# ' "send:$1" -- "${@:2}"
}

@test "hello-world, and a container's life" {
    run cbuild run hello-world
    expect_output 'Hello from Docker!'
    run cbuild run ubuntu echo hello world
    expect_output 'hello world'
    id=$(cbuild run -d ubuntu bash -c 'while true; do echo hello world; sleep 1; done')
    wait_until sh -c "cbuild logs $id | grep -q 'hello world'"
    run cbuild ps
    expect_contains "${id:0:12}" 'bash -c'
    run cbuild container ls -a
    expect_contains hello-world "${id:0:12}"
    cbuild stop -t 0 "$id"
    run cbuild rm "$id"
    expect_output "$id"
    cbuild rm $(cbuild ps -aq)
    run cbuild ps -a -q
    expect_output ''
}

@test "create, start -a -i, attach, exec -it and detaching" {
    id=$(cbuild create -it --name box ubuntu bash)
    typing 'echo typed $((40 + 2)); exit\n' cbuild start -a -i box
    expect_contains 'typed 42'
    typing '\x10\x11' cbuild run -it --name shell ubuntu bash
    [ "$(cbuild inspect -f '{{.State.Running}}' shell)" = true ]
    mkdir config
    echo '{"detachKeys": "ctrl-e,q"}' >config/config.json
    run typing '\x05q' env DOCKER_CONFIG="$PWD/config" cbuild run -it --name left ubuntu bash
    [ "$(cbuild inspect -f '{{.State.Running}}' left)" = true ]
    cbuild rm -f left
    typing 'echo in $((1 + 1)); exit\n' cbuild exec -it shell bash
    expect_contains 'in 2'
    cbuild run -d --name waits ubuntu sh -c 'until [ -e /go ]; do echo tick; sleep 0.1; done; echo bye' >/dev/null
    cbuild attach waits >attached 3>&- &
    attached=$!
    wait_until grep -q tick attached
    cbuild exec waits touch /go
    wait "$attached"
    [ "$(tail -1 attached)" = bye ]
    run cbuild container exec shell echo x
    expect_output x
    cbuild container stop -t 0 shell
    cbuild container rm shell box waits
}

@test "nginx serves on a published port, and its page is changed, committed and copied" {
    cbuild run --name webserver -d -p 8000:80 nginx
    run cbuild port webserver
    expect_output $'80/tcp -> 0.0.0.0:8000\n80/tcp -> [::]:8000'
    wait_until host curl -sf http://localhost:8000/
    wait_until host curl -sfg 'http://[::1]:8000/'
    run host curl -s http://localhost:8000/
    expect_output 'Welcome to nginx!'
    cbuild exec webserver sh -c 'echo "<h1>Hello, Docker!</h1>" > /usr/share/nginx/html/index.html'
    run host curl -s http://localhost:8000/
    expect_output '<h1>Hello, Docker!</h1>'
    run cbuild diff webserver
    expect_contains 'C /usr/share/nginx/html/index.html'
    cbuild commit --author "Tao Wang <twang2218@gmail.com>" --message "changed the page" webserver nginx:v2
    run cbuild history nginx:v2
    expect_contains 'changed the page'
    cbuild run --name web2 -d -p 81:80 nginx:v2
    wait_until host curl -sf http://localhost:81/
    run host curl -s http://localhost:81/
    expect_output '<h1>Hello, Docker!</h1>'
    cbuild commit -m="again" -a="A" web2 nginx:v3
    cbuild cp web2:/usr/share/nginx/html/index.html .
    [ "$(cat index.html)" = '<h1>Hello, Docker!</h1>' ]
    echo third >index.html
    cbuild cp index.html web2:/usr/share/nginx/html/
    run host curl -s http://localhost:81/
    expect_output third
    cbuild cp web2:/usr/share/nginx/html/index.html - | tar tf - | grep -qx index.html
}

@test "a container is exported and imported" {
    cbuild run --name box ubuntu touch /made
    cbuild export box -o box.tar
    tar tf box.tar | grep -qx made
    cat box.tar | cbuild import - test/box:v1.0
    run cbuild run --rm test/box:v1.0 ls /made
    expect_output /made
}

@test "inspect -f tells addresses, volumes, names and links" {
    cbuild run -d --name db training/postgres
    cbuild run -d -P --name web --link db:db training/webapp
    run cbuild inspect -f '{{.NetworkSettings.IPAddress}}' web
    [[ $output =~ ^172\.17\.0\.[0-9]+$ ]]
    run cbuild inspect -f "{{ .HostConfig.Links }}" web
    expect_output '[/db:/web/db]'
    run cbuild inspect -f "{{ .Name }}" web
    expect_output /web
    cbuild run -d -P --name vol -v /webapp training/webapp
    run cbuild inspect --format '{{ .Volumes }}' vol
    expect_contains "map[/webapp:$STORE/volumes/"
    run cbuild run -d --name web training/webapp
    expect_status 125
    expect_contains 'Conflict. The container name "/web" is already in use by container'
}

@test "--link and -P: the web finds its database, and is found" {
    cbuild run -d --name db training/postgres
    cbuild run -d -P --name web --link db:db training/webapp
    run cbuild port web 5000
    wait_until host curl -sf "http://${lines[0]/0.0.0.0/localhost}/"
    run cbuild run --rm --name web2 --link db:db training/webapp env
    address=$(cbuild inspect -f '{{.NetworkSettings.IPAddress}}' db)
    expect_contains "DB_NAME=/web2/db" "DB_PORT=tcp://$address:5432" "DB_PORT_5432_TCP=tcp://$address:5432" "DB_PORT_5432_TCP_PROTO=tcp" \
        "DB_PORT_5432_TCP_PORT=5432" "DB_PORT_5432_TCP_ADDR=$address" DB_ENV_POSTGRES_VERSION=16
    run cbuild exec web cat /etc/hosts
    expect_contains "$address	db"
    run cbuild exec web nc -w 3 db 5432
    expect_contains postgres
}

@test "volumes: of the host, shared by containers in a chain, backed up and restored" {
    mkdir src
    echo hello >src/file
    cbuild run -d -P --name web -v "$PWD/src:/opt/webapp" training/webapp
    run cbuild exec web cat /opt/webapp/file
    expect_output hello
    cbuild run --rm -v "$PWD/src:/opt/webapp:ro" ubuntu test -r /opt/webapp/file
    cbuild run -d -v /dbdata --name dbdata training/postgres echo Data-only container for postgres
    cbuild run -d --volumes-from dbdata --name db1 training/postgres
    cbuild run -d --volumes-from dbdata --name db2 training/postgres
    cbuild run -d --name db3 --volumes-from db1 training/postgres
    cbuild exec db1 sh -c 'echo rows >/dbdata/table'
    run cbuild exec db3 cat /dbdata/table
    expect_output rows
    cbuild run --rm --volumes-from dbdata -v "$(pwd):/backup" ubuntu tar cvf /backup/backup.tar /dbdata
    [ -s backup.tar ]
    cbuild run -v /dbdata --name dbdata2 ubuntu /bin/bash
    cbuild run --rm --volumes-from dbdata2 -v "$(pwd):/backup" busybox tar xvf /backup/backup.tar
    run cbuild run --rm --volumes-from dbdata2 busybox cat /dbdata/table
    expect_output rows
    before=$(cbuild volume ls -q | wc -l)
    cbuild rm -v dbdata2
    [ "$(cbuild volume ls -q | wc -l)" -eq $((before - 1)) ]
    cbuild rm -f db1 db2 db3 dbdata
    cbuild volume create my-vol
    cbuild run -d -P --name web2 --mount source=my-vol,target=/webapp training/webapp
    run cbuild volume rm my-vol
    expect_contains 'volume is in use'
}

@test "networks: bridge, host, none, another container's, one's own" {
    run cbuild network ls
    expect_contains bridge host none null
    cbuild network create -d bridge my-net
    cbuild run -it --rm -d --name busybox1 --network my-net busybox sh
    cbuild run -it --rm -d --name busybox2 --network my-net busybox sh
    wait_until cbuild exec busybox1 ping -c 1 -w 2 busybox2
    wait_until cbuild exec busybox2 ping -c 1 -w 2 busybox1
    run cbuild run --rm --net=none busybox ip -o link
    [ "${#lines[@]}" -eq 1 ]
    run cbuild run --rm --net=host busybox ip -o link
    expect_contains up0
    run cbuild run --rm --net=container:busybox1 busybox hostname
    expect_output "$(cbuild exec busybox1 hostname)"
    cbuild network disconnect my-net busybox2
    forgets_it() {
        run cbuild exec busybox1 ping -c 1 -w 2 busybox2
        expect_status 1 || return 1
        expect_contains "bad address 'busybox2'"
    }
    wait_until forgets_it # who serves names reads them anew
    cbuild network connect my-net busybox2
    wait_until cbuild exec busybox1 ping -c 1 -w 2 busybox2
}

@test "images are saved, loaded, built by name, listed and removed; containers by their long names" {
    printf 'FROM ubuntu\nRUN touch /built\n' >Dockerfile
    cbuild build -f Dockerfile -t built .
    cbuild image build -t built:v2 .
    cbuild save -o built.tgz built:v2
    cbuild image rm built built:v2
    cbuild load -i built.tgz
    run cbuild container run --name box built:v2 ls /built
    expect_output /built
    run cbuild image ls --format '{{.Repository}}:{{.Tag}}' built
    expect_output built:v2
    run cbuild image rm built:v2
    expect_status 1
    expect_contains 'conflict: unable to remove repository reference "built:v2" (must force) - container'
    cbuild container commit --message m box built:v3
    run cbuild container ls -a --format '{{.Names}}'
    expect_output box
    cbuild container rm box
    cbuild rmi built:v2 built:v3
}

@test "network connect and disconnect, names and addresses of one's own, DNS of docker's daemon.json" {
    cbuild network create --subnet 172.30.0.0/24 --gateway 172.30.0.1 isolated
    cbuild run -d --name c1 busybox sleep 1000
    cbuild network connect --ip 172.30.0.10 --alias web isolated c1
    # names are known a moment after a container has joined
    wait_until sh -c 'cbuild run --rm --network isolated --dns 192.0.2.53 --dns-search example.com busybox ping -c 1 -w 5 web | grep -qF 172.30.0.10'
    run cbuild inspect -f '{{range $name, $net := .NetworkSettings.Networks}}{{$name}}={{$net.IPAddress}} {{end}}' c1
    [[ $output =~ ^bridge=172\.17\.0\.[0-9]+\ isolated=172\.30\.0\.10\ $ ]]
    run cbuild network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}' isolated
    expect_output 'c1 172.30.0.10/24'
    cbuild network disconnect bridge c1
    run cbuild exec c1 ip -o -4 addr
    expect_status 0
    expect_lacks 172.17.
    cbuild rm -f c1
    run cbuild network prune -f
    expect_contains 'Deleted Networks:' isolated
}

@test "a volume is backed up, removed and restored by tar, and one is in memory" {
    cbuild volume create --label project=x data
    cbuild run --rm -v data:/data busybox sh -c 'echo rows >/data/table'
    cbuild run --rm -v data:/data -v "$PWD:/backup" ubuntu tar czf /backup/data.tgz -C /data .
    cbuild volume rm data
    cbuild run --rm -v data:/data -v "$PWD:/backup" busybox tar xzf /backup/data.tgz -C /data
    run cbuild run --rm --mount type=volume,source=data,target=/data,readonly busybox cat /data/table
    expect_output rows
    run cbuild run --rm --tmpfs /run:rw,size=1m --read-only busybox sh -c 'touch /run/x && ! touch /x'
    expect_status 0
    cbuild volume ls -f dangling=true
    run cbuild volume inspect -f '{{.Mountpoint}}' data
    expect_output "$STORE/volumes/data/_data"
    run cbuild volume prune -af
    expect_contains 'Deleted Volumes:' data
}

@test "a registry in a container is pushed to and listed" {
    cbuild run -d -it --name registry -h registry -v "$PWD/registry:/var/lib/registry" -p 5000:5000 registry
    wait_until host curl -sf http://localhost:5000/v2/
    cbuild tag hello-world localhost:5000/hello-world:v1
    cbuild push localhost:5000/hello-world:v1
    run host curl -s http://localhost:5000/v2/_catalog
    expect_output '{"repositories":["hello-world"]}'
    cbuild rmi localhost:5000/hello-world:v1
    cbuild pull localhost:5000/hello-world:v1
    run cbuild exec registry hostname
    expect_output registry
    [ -d registry/docker ]
}

@test "--entrypoint, --rm and a command of one's own" {
    run cbuild run --rm --entrypoint /bin/echo nginx hello
    expect_output hello
    run cbuild run --rm --entrypoint=/bin/sh nginx -c 'echo $0'
    expect_output /bin/sh
    run cbuild ps -aq
    expect_output ''
}

@test "a container's life by other spellings, and what keeps it alive" {
    run cbuild run -i -t --rm ubuntu /bin/bash </dev/null
    expect_status 1
    expect_contains 'the input device is not a TTY'
    typing 'cat /etc/hostname; exit\n' cbuild run -i -t --name inside ubuntu /bin/bash
    expect_contains "$(cbuild inspect -f '{{.Config.Hostname}}' inside)"
    run cbuild ps -a
    expect_contains inside 'Exited (0)'
    run cbuild ps -a --filter status=exited --format '{{.Names}}: {{.Image}}'
    expect_output 'inside: ubuntu'
    cbuild run -d --restart always --name stays ubuntu sleep 1000
    cbuild restart -t 0 stays
    run cbuild inspect -f '{{.HostConfig.RestartPolicy.Name}} {{.State.Running}}' stays
    expect_output 'always true'
    run cbuild exec ubuntu bash
    expect_status 1
    expect_contains 'No such container: ubuntu'
    run cbuild rm stays
    expect_contains 'container is running'
    run cbuild container top stays
    expect_contains 'sleep 1000'
    cbuild pause stays
    run cbuild ps --format '{{.Status}}'
    expect_contains '(Paused)'
    cbuild unpause stays
    cbuild rename stays renamed
    cbuild update --restart no renamed
    cbuild stop -t 0 renamed
    run cbuild wait renamed
    expect_output 137
    run cbuild container prune -f
    expect_contains 'Deleted Containers:' 'Total reclaimed space:'
    run cbuild ps -aq
    expect_output ''
}

@test "images: filters, formats, what is dangling, and what is known of the program" {
    run cbuild --version
    expect_status 0
    run cbuild system info
    expect_contains 'Storage Driver:' 'Server Version:'
    run env HTTP_PROXY=http://proxy.example:3128 NO_PROXY=localhost cbuild info
    expect_contains 'HTTP Proxy: http://proxy.example:3128' 'No Proxy: localhost'
    printf 'FROM busybox\nRUN touch /one\n' >Dockerfile
    cbuild build --force-rm --rm --no-cache -q -t twice .
    printf 'FROM busybox\nRUN touch /two\n' | cbuild build -q -t twice -
    run cbuild images --filter dangling=true -q
    [ "${#lines[@]}" -eq 1 ]
    run cbuild images --filter reference='tw*e' --format '{{.Repository}}: {{.Tag}}'
    expect_output 'twice: latest'
    run cbuild image ls --filter since=nginx --filter label!=x -q
    expect_status 0
    cbuild tag twice twice:a
    run cbuild rmi "$(cbuild images -q twice:a)"
    expect_status 1
    expect_contains 'image is referenced in multiple repositories'
    run cbuild image prune -f
    expect_contains 'Deleted Images:' 'Total reclaimed space:'
    run cbuild images --filter dangling=true -q
    expect_output ''
    cbuild rmi twice twice:a
    run cbuild service ls
    expect_status 1
    expect_contains '`service` is not here'
}
