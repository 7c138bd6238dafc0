# Containers that are kept: made, run, looked at, entered, stopped, removed.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    name=c$BATS_TEST_NUMBER
}
teardown() { cb_drop_containers; }

# A container called $name that runs until it is stopped: start [OPTION…]
start() {
    run "$CBUILD" run -d --network none --name "$name" "$@" busybox sh -c 'trap "exit 7" TERM; echo ready; sleep 1000 & wait'
    expect_status 0
    wait_until sh -c "\"$CBUILD\" logs $name | grep -q ready"
}
status_is() {
    [ "$("$CBUILD" ps -a --filter "name=^$name\$" --format '{{.State}}')" = "$1" ]
}

@test "run -d prints the id, ps shows it, stop uses the signal, rm removes it" {
    cbuild run -d --network none --name "$name" busybox sh -c 'trap "exit 7" TERM; echo ready; sleep 1000 & wait'
    expect_status 0
    [[ $output =~ ^[0-9a-f]{64}$ ]]
    id=$output
    cbuild ps --no-trunc --format '{{.ID}} {{.Image}} {{.Names}} {{.State}} {{.Networks}}'
    expect_output "$id busybox $name running none"
    cbuild ps -q
    expect_output "${id:0:12}"
    wait_until sh -c "\"$CBUILD\" logs $name | grep -q ready"
    cbuild stop "$name"
    expect_output "$name"
    cbuild ps -q
    expect_output ""
    cbuild ps -a --format '{{.Status}}'
    [[ $output =~ ^Exited\ \(7\)\ .*\ ago$ ]]
    cbuild rm "${id:0:6}"
    expect_output "${id:0:6}"
    cbuild ps -aq
    expect_output ""
    [ -z "$(ls "$STORE"/containers | grep -v '^lock$')" ]
}

@test "exit statuses: the container's, 125 for us, 126 and 127 for the command" {
    cbuild run --network none --name "$name" busybox sh -c 'exit 42'
    expect_status 42
    cbuild start -a "$name"
    expect_status 42
    cbuild run --network none busybox /etc
    expect_status 126
    cbuild run --network none busybox nosuch
    expect_status 127
    expect_contains nosuch
    cbuild run --network none --name "$name" busybox true
    expect_status 125
    cbuild run --network none --restart sometimes busybox true
    expect_status 125
    expect_contains "unknown policy 'sometimes'"
    cbuild run --init --network none busybox sh -c 'kill -9 $$'
    expect_status 137
    cbuild wait "$name"
    expect_output 42
}

@test "a working directory that cannot be made leaves no container" {
    cbuild run -w /etc/passwd --network none busybox true
    expect_status 125
    expect_contains 'working directory `/etc/passwd`' 'not a directory'
    cbuild create -w /etc/passwd busybox true
    expect_status 1
    cbuild ps -aq
    expect_output ''
    cbuild run -w /made/here --network none busybox pwd
    expect_output /made/here
}

@test "ancestor= finds what was made of an image, too" {
    cb_image child <<'END'
FROM busybox
ENV A=b
END
    cb_image grandchild <<'END'
FROM child
RUN touch /x
END
    "$CBUILD" create --name base busybox
    "$CBUILD" create --name middle child
    "$CBUILD" create --name top grandchild
    "$CBUILD" commit -m more top committed
    "$CBUILD" create --name last committed
    found() { "$CBUILD" ps -a --filter "ancestor=$1" --format '{{.Names}}' | sort | xargs; }
    [ "$(found busybox)" = 'base last middle top' ]
    [ "$(found child)" = 'last middle top' ]
    [ "$(found "$("$CBUILD" images -q grandchild)")" = 'last top' ]
    [ "$(found committed)" = last ]
}

@test "a name is one container's, and may be changed" {
    cbuild create --network none --name "$name" busybox true
    id=$output
    cbuild create --network none --name "$name" busybox true
    expect_status 1
    expect_contains "Conflict. The container name \"/$name\" is already in use by container \"$id\". You have to remove (or rename) that container to be able to reuse that name."
    cbuild create --name -x busybox
    expect_status 1
    expect_contains 'Invalid container name (-x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed'
    cbuild create --network none busybox true
    other=$output
    cbuild rename "$other" "$name"
    expect_status 1
    expect_contains Conflict
    cbuild rename "$other" "$name-b"
    expect_status 0
    "$CBUILD" create --name words --network none busybox sh -c 'say "x"'$'\n''y' >/dev/null
    cbuild ps -a --no-trunc --format '{{.Command}}' --filter name=words
    expect_output "\"sh -c 'say \\\"x\\\"\ny'\""
    cbuild ps -a --format '{{.Command}}' --filter name=words
    expect_output "\"sh -c 'say \\\"x\\\"\ny'\""
    "$CBUILD" rm words >/dev/null
    "$CBUILD" create --name words --network none busybox ééééééééééééééééééééé >/dev/null
    cbuild ps -a --format '{{.Command}}' --filter name=words
    expect_output '"ééééééééééééééééééé…"'
    "$CBUILD" rm words >/dev/null
    cbuild ps -a --format '{{.Names}}'
    expect_output "$name-b
$name"
    cbuild rm nosuch
    expect_status 1
    expect_contains 'No such container: nosuch'
    cbuild rm -f nosuch
    expect_status 0
}

@test "logs keep the streams apart, and live on after the end" {
    cbuild run --network none --name "$name" busybox sh -c 'echo out; echo err >&2; echo two'
    expect_status 0
    [ "$("$CBUILD" logs "$name" 2>/dev/null)" = "out
two" ]
    [ "$("$CBUILD" logs "$name" 2>&1 >/dev/null)" = err ]
    cbuild logs -n 1 "$name"
    [ "${#lines[@]}" -eq 1 ]
    cbuild logs -t "$name"
    [[ $output =~ [0-9]{4}-[0-9-]+T[0-9:]+\.[0-9]{9}Z\ two ]]
    cbuild logs --since 2100-01-01 "$name"
    expect_output ""
    cbuild logs -f "$name"
    expect_contains two
}

@test "run -d prints the id also of one that cannot be started, and that is there" {
    run --separate-stderr "$CBUILD" run -d --network none --name "$name" busybox nosuch
    expect_status 127
    printed=$output
    run "$CBUILD" inspect -f '{{.Id}} {{.State.Status}}' "$name"
    expect_output "$printed created"
}

@test "exec runs in what runs, with its own user, directory and variables" {
    start -e FROM=image
    cbuild exec -e MORE=yes -w /tmp -u 1000:1000 "$name" sh -c 'echo $FROM $MORE $(pwd) $(id -u)'
    expect_output "image yes /tmp 1000"
    cbuild exec "$name" sh -c 'exit 9'
    expect_status 9
    cbuild exec "$name" nosuch
    expect_status 127
    cbuild exec "$name" /etc
    expect_status 126
    run bash -c "echo piped | '$CBUILD' exec -i $name cat"
    expect_output piped
    for command in nosuch /etc; do # nobody waits for it
        cbuild exec -d "$name" "$command"
        expect_status 1
    done
    cbuild exec -d -w /nosuch "$name" true
    expect_status 1
    cbuild exec -d "$name" touch /tmp/made
    wait_until "$CBUILD" exec "$name" test -e /tmp/made
    "$CBUILD" stop "$name"
    cbuild exec "$name" true
    expect_status 1
    expect_contains 'is not running'
    cbuild exec busybox true
    expect_status 1
    expect_contains 'No such container: busybox' '`cbuild run busybox`'
}

@test "what runs is removed by force only" {
    start
    cbuild rm "$name"
    expect_status 1
    expect_contains "cannot remove container \"/$name\": container is running: stop the container before removing or force remove"
    cbuild rm -f "$name"
    expect_output "$name"
    cbuild ps -aq
    expect_output ""
}

@test "several are stopped side by side" {
    mkdir "$DIR/shared"
    # The first ends only once the second was told to.
    "$CBUILD" run -d --network none --name first -v "$DIR/shared:/s" busybox sh -c 'trap "while [ ! -e /s/told ]; do sleep 0.05; done; exit 3" TERM; touch /s/1; sleep 1000 & wait'
    cbuild run -d --network none --name second -v "$DIR/shared:/s" busybox sh -c 'trap "touch /s/told; exit 4" TERM; touch /s/2; sleep 1000 & wait'
    wait_until [ -e "$DIR/shared/1" -a -e "$DIR/shared/2" ]
    cbuild stop -t 30 first nobody second
    expect_status 1
    expect_contains first second 'No such container: nobody'
    cbuild wait first second
    expect_output $'3\n4'
    "$CBUILD" start first second
    cbuild rm -f first second
    expect_output $'first\nsecond'
    cbuild rm first
    expect_status 1
}

@test "--rm leaves nothing, in the foreground and in the background" {
    layers=$(ls "$STORE/snapshots" | wc -l)
    cbuild run --rm --name "$name" --network none busybox true
    expect_status 0
    cbuild ps -aq
    expect_output ""
    cbuild run -d --rm --name "$name" --network none busybox true
    expect_status 0
    wait_until sh -c "[ -z \"\$('$CBUILD' ps -aq)\" ]"
    wait_until sh -c "[ \$(ls '$STORE/snapshots' | wc -l) = $layers ]"
    cbuild run --rm --restart always --network none busybox true
    expect_status 125
    expect_contains 'conflicting options'
}

@test "docker's options that are not here say what to do instead; those that change nothing are taken" {
    local option
    for option in --isolation=hyperv --runtime=other --storage-opt=size=1g --volume-driver=nfs \
        --link-local-ip=::1 --kernel-memory=1g --use-api-socket=1 --io-maxiops=1 --cpu-count=1; do
        cbuild run --rm "$option" busybox true
        expect_status 125
        expect_contains "docker's ${option%%=*} is not here" 'hint: '
    done
    cbuild run --rm --network none -q --isolation default --runtime runc --volume-driver local --disable-content-trust busybox echo ok
    expect_output ok
    cbuild run --rm --gpus all busybox true
    expect_status 125
    expect_contains 'nvidia.com/gpu=all' '/etc/cdi'
    cbuild run --rm --gpus some busybox true
    expect_status 125
    expect_contains 'count must be an integer'
    cbuild create --name "$name" -a stdout --annotation note=text busybox true
    expect_status 0
    cbuild inspect -f '{{.HostConfig.Annotations.note}}' "$name"
    expect_output text
    cbuild update --kernel-memory 1g "$name"
    expect_contains "docker's --kernel-memory is not here"
    cbuild start --checkpoint one "$name"
    if [ "$(id -u)" -eq 0 ]; then
        expect_contains "checkpoint one does not exist for container $name"
    else
        expect_contains 'checkpoints need root'
    fi
}

@test "names that the kernel would not keep are refused before anything is made" {
    local long
    long=$(printf %065d 0)
    for option in hostname domainname; do
        cbuild run --rm "--$option" "$long" busybox true
        expect_status 125
        expect_contains "invalid $option: it has 65 characters, and 64 are possible"
        cbuild create "--$option" "$long" busybox true
        expect_contains "invalid $option"
    done
    cbuild run --rm --network none --hostname "${long:1}" busybox hostname
    expect_output "${long:1}"
    cbuild ps -aq
    expect_output ""
}

@test "without a command nothing is made" {
    "$CBUILD" import "$CB_BASES/busybox.tar" silent >/dev/null
    cbuild create --name none silent
    expect_status 1
    expect_contains 'no command specified' 'name one after `silent`'
    cbuild run -d --name none silent
    expect_status 125
    cbuild create --name none --entrypoint '' busybox
    expect_status 1
    cbuild ps -aq
    expect_output ''
    cbuild run --rm --network none --entrypoint '' silent echo one
    expect_output one
}

@test "rm --link forgets a link" {
    start
    "$CBUILD" run -d --name web --network bridge busybox sleep 1000 >/dev/null
    "$CBUILD" create --name app --link web:db busybox cat /etc/hosts >/dev/null
    cbuild rm --link /app/db
    expect_output /app/db
    cbuild inspect -f '{{.HostConfig.Links}}' app
    expect_output '[]'
    cbuild rm --link /app/db
    expect_status 1
    expect_contains 'No such link: /app/db'
    cbuild rm --link app
    expect_status 1
    expect_contains 'cannot remove the default link name of the container'
    cbuild start -a app
    expect_status 0
    expect_lacks 'web'
}
