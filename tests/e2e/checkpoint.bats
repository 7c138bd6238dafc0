# Checkpoints: a container's processes are saved by criu, and go on from there.
load helpers

setup_file() {
    # Kept between runs, like the bases.
    [ -x "$CB_BASES/criu/bin/criu" ] || "$CB_TOP/tests/lib/mkcriu" "$CB_BASES/criu"
    export PATH=$CB_BASES/criu/bin:$PATH
    cb_store
}
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    name=c$BATS_TEST_NUMBER
}
teardown() { cb_drop_containers; }

# A container called $name that counts, a line for each number: count [OPTION…]
count() {
    run "$CBUILD" run -d --name "$name" "$@" busybox sh -c \
        'trap "exit 7" TERM; i=0; while :; do echo $i; i=$((i + 1)); sleep 0.1; done'
    expect_status 0
    wait_until has_counted 3
}
last() {
    "$CBUILD" logs --tail 1 "$name"
}
has_counted() { # NUMBER
    [ "$(last)" -ge "$1" ]
}
counts_on() { # FROM: to something that is more
    wait_until has_counted $(($1 + 3))
}
# Each number was printed once, whatever happened in between.
expect_each_once() {
    local lines
    lines=$("$CBUILD" logs "$name")
    [ "$lines" = "$(seq 0 "$(tail -n 1 <<<"$lines")")" ] || { echo "$lines"; return 1; }
}
state() {
    "$CBUILD" ps -a --filter "name=^$name\$" --format '{{.State}}'
}
pid() {
    "$CBUILD" inspect -f '{{.State.Pid}}' "$name"
}
directory() {
    echo "$STORE/containers/$("$CBUILD" inspect -f '{{.Id}}' "$name")"
}
# What the first process may do and see, less what is another at each start: numbers of processes and of memory, its control group.
rights() {
    local process=/proc/$1
    grep -E '^(Uid|Gid|Groups|Cap...|CapAmb|NoNewPrivs|Seccomp|Seccomp_filters|Sig(Blk|Ign|Cgt)):' "$process/status"
    cat "$process/oom_score_adj" "$process/limits"
    sed "s/-[0-9]*\$//" "$process/cgroup"
    sed 's/^[0-9]* [0-9]* [0-9]*:[0-9]* //; s/,uuid=on//; s|^\([^ ]*\)-[0-9]* /sys/fs/cgroup/|\1 /sys/fs/cgroup/|' "$process/mountinfo" | sort
}
parent() { # PID
    sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status"
}
# The monitor of what was started by its launcher.
monitor_of() { # PID
    parent "$(parent "$1")"
}
namespaces() {
    local kind
    for kind in cgroup ipc mnt net pid uts user; do
        [ "$(readlink "/proc/$1/ns/$kind")" = "$(readlink "/proc/self/ns/$kind")" ] || echo "$kind"
    done
}

@test "a container goes on from its checkpoint, and its log with it" {
    count --network none
    cbuild checkpoint create "$name" one
    expect_status 0
    expect_output one
    [ "$(state)" = exited ]
    [ "$("$CBUILD" inspect -f '{{.State.ExitCode}}' "$name")" = 137 ]
    stopped=$(last)
    cbuild checkpoint ls "$name"
    expect_output $'CHECKPOINT NAME\none'
    cbuild start --checkpoint one "$name"
    expect_status 0
    expect_output ''
    [ "$(state)" = running ]
    counts_on "$stopped"
    expect_each_once
    [ "$("$CBUILD" exec "$name" cat /proc/1/comm)" = sh ]

    # It is one like any other: it ends as it wants to, and starts from its beginning.
    cbuild stop "$name"
    expect_status 0
    [ "$("$CBUILD" inspect -f '{{.State.ExitCode}}' "$name")" = 7 ]
    printed=$("$CBUILD" logs "$name" | wc -l)
    cbuild start "$name"
    expect_status 0
    wait_until sh -c "'$CBUILD' logs $name | tail -n +$((printed + 1)) | grep -q ."
    [ "$("$CBUILD" logs "$name" | sed -n $((printed + 1))p)" = 0 ]

    # Once more from there, and from a checkpoint of what was restored.
    cbuild rm -f "$name"
    count --network none
    "$CBUILD" checkpoint create "$name" first >/dev/null
    "$CBUILD" start --checkpoint first "$name"
    counts_on "$(last)"
    "$CBUILD" checkpoint create "$name" second >/dev/null
    stopped=$(last)
    "$CBUILD" start --checkpoint second "$name"
    counts_on "$stopped"
    expect_each_once
}

@test "what was saved may run on, and what ended can be brought back to before" {
    count --network none
    cbuild checkpoint create --leave-running "$name" one
    expect_output one
    [ "$(state)" = running ]
    saved=$(last)
    counts_on "$saved"
    expect_each_once
    cbuild events --since 1h --until 0s --filter "container=$name" --filter event=checkpoint --format '{{.Actor.Attributes.name}}'
    expect_output "$name"
    "$CBUILD" kill "$name" >/dev/null
    wait_until sh -c "[ \"\$('$CBUILD' inspect -f '{{.State.Running}}' $name)\" = false ]"
    printed=$("$CBUILD" logs "$name" | wc -l)
    cbuild start -a --checkpoint none "$name"
    expect_contains "checkpoint none does not exist for container $name"
    "$CBUILD" start --checkpoint one "$name"
    wait_until sh -c "'$CBUILD' logs $name | tail -n +$((printed + 1)) | grep -q ."
    again=$("$CBUILD" logs "$name" | sed -n $((printed + 1))p)
    [ "$again" -gt 0 ]
    [ "$again" -lt "$printed" ]
}

@test "a restored process may do and see what it could before, and no more" {
    mkdir -p "$DIR/host"
    echo host >"$DIR/host/file"
    count --network none -v "$DIR/host:/host:ro" -v "vol-$name:/vol" --tmpfs /memory --cap-drop NET_RAW --security-opt no-new-privileges \
        --memory 64m --hostname there --pids-limit 100
    "$CBUILD" exec "$name" sh -c 'echo own >/root/file; echo memory >/memory/file; echo shared >/dev/shm/file; echo kept >/vol/file'
    before=$(rights "$(pid)")
    [ "$(namespaces "$(pid)")" = $'cgroup\nipc\nmnt\nnet\npid\nuts' ]
    "$CBUILD" checkpoint create "$name" one >/dev/null
    "$CBUILD" start --checkpoint one "$name"
    diff <(echo "$before") <(rights "$(pid)")
    [ "$(namespaces "$(pid)")" = $'cgroup\nipc\nmnt\nnet\npid\nuts' ]
    grep -q '^NoNewPrivs:.1' "/proc/$(pid)/status"
    grep -q '^Seccomp:.2' "/proc/$(pid)/status"
    cbuild exec "$name" cat /root/file /memory/file /dev/shm/file /vol/file /host/file
    expect_output $'own\nmemory\nshared\nkept\nhost'
    cbuild exec "$name" sh -c 'hostname; cat /etc/hostname; wc -c </proc/keys; echo x >/host/file || echo read-only'
    expect_contains $'there\nthere\n0\n' read-only
    # Nothing but its streams is open in it.
    [ "$(ls "/proc/$(pid)/fd")" = $'0\n1\n2' ]
    "$CBUILD" rm -f "$name" >/dev/null
    "$CBUILD" volume rm "vol-$name" >/dev/null
}

@test "a network is set up anew: bridge, with its port, and the host's" {
    port=$(free_port)
    count -p "127.0.0.1:$port:80"
    "$CBUILD" checkpoint create "$name" one >/dev/null
    stopped=$(last)
    "$CBUILD" start --checkpoint one "$name"
    counts_on "$stopped"
    address=$("$CBUILD" inspect -f '{{.NetworkSettings.IPAddress}}' "$name")
    [ -n "$address" ]
    cbuild exec "$name" ip -o -4 address show eth0
    expect_contains "inet $address/"
    cbuild exec "$name" cat /etc/hosts
    expect_contains "$address"
    "$CBUILD" exec -d "$name" sh -c 'while :; do printf "HTTP/1.0 200 OK\r\n\r\nhere" | nc -l -p 80; done'
    answers() { [ "$(curl -s "http://127.0.0.1:$port/")" = here ]; }
    wait_until answers
    "$CBUILD" rm -f "$name" >/dev/null

    count --network host
    [ "$(namespaces "$(pid)")" = $'cgroup\nipc\nmnt\npid\nuts' ]
    "$CBUILD" checkpoint create "$name" one >/dev/null
    stopped=$(last)
    "$CBUILD" start --checkpoint one "$name"
    [ "$(namespaces "$(pid)")" = $'cgroup\nipc\nmnt\npid\nuts' ]
    counts_on "$stopped"
}

@test "input that was open goes on" {
    run "$CBUILD" run -di --network none --name "$name" busybox sh -c 'read a; echo "got $a"; exit 5'
    expect_status 0
    "$CBUILD" checkpoint create "$name" one >/dev/null
    run "$CBUILD" start -ai --checkpoint one "$name" <<<word
    expect_output 'got word'
    expect_status 5
}

@test "checkpoints are kept apart from others, and go with their container" {
    count --network none
    "$CBUILD" checkpoint create --leave-running --checkpoint-dir "$DIR/a/b" "$name" one >/dev/null
    [ "$(stat -c %a "$DIR/a/b/one")" = 700 ]
    cbuild checkpoint list "$name"
    expect_output 'CHECKPOINT NAME'
    cbuild checkpoint ls --checkpoint-dir "$DIR/a/b" "$name"
    expect_output $'CHECKPOINT NAME\none'
    "$CBUILD" checkpoint create --leave-running "$name" own >/dev/null
    "$CBUILD" checkpoint create --leave-running "$name" other >/dev/null
    cbuild checkpoint ls "$name"
    expect_output $'CHECKPOINT NAME\nother\nown'
    cbuild checkpoint remove "$name" other
    expect_status 0
    expect_output ''
    cbuild checkpoint ls "$name"
    expect_output $'CHECKPOINT NAME\nown'
    directory=$(directory)
    [ -d "$directory/checkpoints/own" ]
    "$CBUILD" rm -f "$name" >/dev/null
    [ ! -e "$directory" ]

    # Another container of the same image can go on from there.
    "$CBUILD" create --network none --name "$name" busybox true >/dev/null
    "$CBUILD" start --checkpoint-dir "$DIR/a/b" --checkpoint one "$name"
    counts_on 2
}

@test "what cannot be saved is refused, and the container runs on" {
    cbuild checkpoint create nobody one
    expect_contains 'No such container: nobody'
    "$CBUILD" create --network none --name "$name" busybox true >/dev/null
    cbuild checkpoint create "$name" one
    expect_status 1
    expect_contains "Container $name not running"
    "$CBUILD" rm "$name" >/dev/null
    count --network none
    for bad in ../one a/b .hidden '' x; do
        cbuild checkpoint create "$name" "$bad"
        expect_contains "Invalid checkpoint ID ($bad), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        cbuild checkpoint rm "$name" "$bad"
        expect_contains "Invalid checkpoint ID ($bad)"
    done
    "$CBUILD" pause "$name" >/dev/null
    cbuild checkpoint create "$name" one
    expect_contains "Container $name is paused"
    "$CBUILD" unpause "$name" >/dev/null
    "$CBUILD" checkpoint create --leave-running "$name" one >/dev/null
    cbuild checkpoint create "$name" one
    expect_contains "checkpoint with name one already exists for container $name"
    cbuild checkpoint rm "$name" none
    expect_contains "checkpoint none does not exist for container $name"

    # Whatever else is there is not ours to remove, and links are not followed.
    mkdir -p "$DIR/precious/inside"
    ln -s precious "$DIR/link"
    cbuild checkpoint rm --checkpoint-dir "$DIR" "$name" precious
    expect_contains 'precious exists and is not a checkpoint'
    cbuild checkpoint create --checkpoint-dir "$DIR" "$name" precious
    expect_contains 'precious exists and is not a checkpoint'
    cbuild checkpoint create --checkpoint-dir "$DIR" "$name" link
    expect_contains 'link exists and is not a directory'
    [ -d "$DIR/precious/inside" ]

    run env PATH=/nowhere "$CBUILD" checkpoint create "$name" two
    case $output in # the system may have one
    *'`criu`: program not found'*) expect_contains 'install the package criu' ;;
    esac
    counts_on "$(last)"
    for option in -t --init --pid=host --ipc=host; do
        "$CBUILD" rm -f "$name" >/dev/null
        "$CBUILD" run -d "$option" --network none --name "$name" busybox sleep "$FOREVER" >/dev/null
        cbuild checkpoint create "$name" one
        expect_status 1
        expect_contains checkpoint
        [ "$(state)" = running ]
        [ ! -e "$(directory)/checkpoints" ]
    done
    "$CBUILD" rm -f "$name" >/dev/null
    "$CBUILD" run -d --privileged --network none --name "$name" busybox sh -c 'mkdir /x; mount -t tmpfs x /x; echo ready; exec sleep 1000' >/dev/null
    wait_until sh -c "'$CBUILD' logs $name | grep -q ready"
    cbuild checkpoint create "$name" one
    expect_contains 'the container has itself mounted something on `/x`'
    [ "$(state)" = running ]
    [ -z "$(ls "$(directory)/checkpoints")" ]
}

@test "what cannot be brought back is told, and the container stays as it was" {
    cbuild start --checkpoint one a b
    expect_contains 'you cannot restore multiple containers at once'
    cbuild start -a --checkpoint one a b
    expect_contains 'you cannot start and attach multiple containers at once'
    mkdir -p "$DIR/host"
    count --network none -v "$DIR/host:/host"
    "$CBUILD" checkpoint create --checkpoint-dir "$DIR" "$name" one >/dev/null
    refuse() { # WORDS…: of a start
        cbuild start --checkpoint-dir "$DIR" --checkpoint one "$name"
        expect_status 1
        expect_contains "$@"
        [ "$(state)" = exited ]
    }
    chmod g+w "$DIR/one"
    refuse 'checkpoint one: others may write to its directory'
    chmod g-w "$DIR/one"
    pages=$(echo "$DIR"/one/pages-1.img)
    chown 12345 "$pages"
    refuse "the checkpoint's file \`pages-1.img\`: others may write to it"
    chown 0 "$pages"
    cp "$pages" "$DIR/pages"
    : >"$pages"
    refuse 'the checkpoint is damaged' 'pages-1.img'
    cat "$DIR/pages" >"$pages"
    mv "$DIR/one/core-1.img" "$DIR/core"
    head -c "$(stat -c %s "$DIR/core")" /dev/zero >"$DIR/one/core-1.img"
    refuse 'criu: ' "$DIR/one/restore.log"
    mv "$DIR/core" "$DIR/one/core-1.img"
    # A place where something is mounted leads elsewhere: criu, which is root, is not to follow it.
    snapshot=$("$CBUILD" inspect -f '{{.GraphDriver.Data.UpperDir}}' "$name")
    [ -d "$snapshot" ]
    rm -rf "$snapshot/host"
    ln -s /etc "$snapshot/host"
    refuse '`/host` leads over a link, and did not'
    rm "$snapshot/host"
    mkdir "$snapshot/host"
    "$CBUILD" start --checkpoint-dir "$DIR" --checkpoint one "$name"
    counts_on "$(last)"
}

# A criu that stops before it does WHAT (dump, restore), when it has told so.
slow_criu() { # WHAT
    mkdir -p "$DIR/bin"
    mkfifo "$DIR/began"
    cat >"$DIR/bin/criu" <<END
#!/bin/sh
case \$1 in
$1) echo \$\$ >"$DIR/began"; kill -STOP \$\$ ;;
esac
exec "$CB_BASES/criu/bin/criu" "\$@"
END
    chmod +x "$DIR/bin/criu"
    PATH=$DIR/bin:$PATH
}

@test "who is killed while a checkpoint is made leaves a container that is told of truly" {
    count --network none
    slow_criu dump
    "$CBUILD" checkpoint create --leave-running "$name" one &
    command=$!
    read -r criu <"$DIR/began"
    # It is answered meanwhile, and not saved twice.
    [ "$(state)" = running ]
    counts_on "$(last)"
    cbuild checkpoint create "$name" two
    expect_contains 'is being checkpointed already'
    cbuild checkpoint rm "$name" one
    expect_contains 'checkpoint one is in use'
    # The command is killed: the checkpoint is made.
    kill -KILL "$command"
    wait "$command" || true
    kill -CONT "$criu"
    wait_until sh -c "'$CBUILD' checkpoint ls $name | grep -qx one"
    [ "$(state)" = running ]
    # criu is killed: there is none.
    "$CBUILD" checkpoint create "$name" three >"$DIR/said" 2>&1 &
    command=$!
    read -r criu <"$DIR/began"
    kill -KILL "$criu"
    not wait "$command"
    grep -q "Cannot checkpoint container $name" "$DIR/said"
    [ "$(state)" = running ]
    cbuild checkpoint ls "$name"
    expect_output $'CHECKPOINT NAME\none'
    # The monitor is killed: the container with it, and what it began does not count.
    "$CBUILD" checkpoint create "$name" four >"$DIR/said" 2>&1 &
    command=$!
    read -r criu <"$DIR/began"
    kill -KILL "$(monitor_of "$(pid)")"
    not wait "$command"
    kill -KILL "$criu"
    [ "$(state)" = exited ]
    cbuild checkpoint ls "$name"
    expect_output $'CHECKPOINT NAME\none'
    cbuild rm -f "$name"
    expect_status 0
    [ -z "$(grep -F "$STORE" /proc/mounts)" ]
}

@test "who is killed while a container is brought back leaves nothing of it" {
    before=$(host_state)
    count --network none
    "$CBUILD" checkpoint create "$name" one >/dev/null
    slow_criu restore
    "$CBUILD" start --checkpoint one "$name" >"$DIR/said" 2>&1 &
    command=$!
    read -r criu <"$DIR/began"
    kill -KILL "$criu"
    not wait "$command"
    grep -q "restore container $name" "$DIR/said"
    [ "$(state)" = exited ]
    "$CBUILD" start --checkpoint one "$name" >"$DIR/said" 2>&1 &
    command=$!
    read -r criu <"$DIR/began"
    kill -KILL "$(monitor_of "$criu")"
    not wait "$command"
    wait_until has_ended "$criu"
    [ "$(state)" = exited ]
    # One that is not the launcher's child would be nobody's: a script that did not become criu.
    printf '#!/bin/sh\n"%s" "$@"\n' "$CB_BASES/criu/bin/criu" >"$DIR/bin/criu"
    cbuild start --checkpoint one "$name"
    expect_contains 'criu could not bring the processes back'
    [ "$(state)" = exited ]
    PATH=$CB_BASES/criu/bin:$PATH "$CBUILD" start --checkpoint one "$name"
    counts_on "$(last)"
    "$CBUILD" rm -f "$name" >/dev/null
    expect_host_state "$before"
}
