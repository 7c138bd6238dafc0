#!/usr/bin/env bats
# Volumes: made, mounted, filled, shared, kept and removed.
load helpers

setup_file() {
    cb_store
    export DIR=$BATS_FILE_TMPDIR/image
    mkdir -p "$DIR"
    printf 'FROM busybox\nRUN mkdir -p /data/sub && echo image >/data/file && echo deep >/data/sub/file && chown 7:8 /data && chmod 750 /data\nVOLUME /data\n' | dockerfile
    "$CBUILD" build -q --network none -t filled "$DIR" >/dev/null
}
teardown_file() { cb_drop_store; }
setup() { cb_dir; }
teardown() {
    exec 8>&- # a lock that a failed test has still taken
    cb_drop_containers
    "$CBUILD" volume prune -af >/dev/null
}

sh_in() { # sh_in OPTIONS… -- COMMAND: a container that is kept and removed
    local options=()
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    run "$CBUILD" run --rm --network none "${options[@]}" "${IMAGE:-busybox}" sh -c "$*"
}

@test "volumes are created, listed, inspected and removed in docker's words" {
    cbuild volume create --label tier=back --label empty one
    expect_output one
    cbuild volume create
    expect_status 0
    [ ${#output} -eq 64 ]
    anonymous=$output
    cbuild volume create one
    expect_output one
    cbuild volume ls
    [ "${lines[0]}" = 'DRIVER    VOLUME NAME' ]
    expect_contains 'local     one' "local     $anonymous"
    cbuild volume ls -q -f label=tier=back
    expect_output one
    cbuild volume ls -q -f name=on -f driver=local -f dangling=true
    expect_contains one
    cbuild volume ls --format '{{.Driver}} {{.Name}} {{.Scope}} {{.Label "tier"}}' -f name=one
    expect_output 'local one local back'
    run bash -c '"$CBUILD" volume inspect one | jq -cS ".[0] | del(.CreatedAt)"'
    expect_output "{\"Driver\":\"local\",\"Labels\":{\"empty\":\"\",\"tier\":\"back\"},\"Mountpoint\":\"$STORE/volumes/one/_data\",\"Name\":\"one\",\"Options\":{},\"Scope\":\"local\"}"
    cbuild volume inspect -f '{{.Mountpoint}}' one
    expect_output "$STORE/volumes/one/_data"
    cbuild volume inspect nope
    expect_status 1
    expect_contains '[]' 'get nope: no such volume'
    cbuild volume rm one nope "$anonymous"
    expect_status 1
    expect_contains one 'get nope: no such volume' "$anonymous"
    cbuild volume rm -f nope
    expect_status 0
    expect_output nope
    cbuild volume ls -q
    expect_output ''
}

@test "wrong names, drivers, options and filters are refused" {
    for name in a/b .x -x 'a b' ../x; do
        cbuild volume create -- "$name"
        expect_status 1
        expect_contains "includes invalid characters for a local volume name"
    done
    cbuild volume create x
    expect_contains 'volume name is too short, names should be at least two alphanumeric characters'
    cbuild volume create -d nope vol
    expect_contains 'create vol: error looking up volume plugin nope: plugin "nope" not found'
    cbuild volume create -o what=1 vol
    expect_contains 'invalid option: "what"'
    cbuild volume create -o type=tmpfs vol
    expect_contains 'create vol: missing required option: "device"'
    cbuild volume create -o o=bind -o device=/tmp vol
    expect_contains 'create vol: missing required option: "type"'
    cbuild volume create -o size=1g vol
    expect_contains 'quota size requested but no quota support'
    cbuild volume create --name one two
    expect_contains 'conflicting options: either specify --name or provide positional arg, not both'
    cbuild volume ls -f bad=x
    expect_contains 'invalid filter `bad`'
    cbuild volume prune -f --filter name=x
    expect_contains 'invalid filter `name`'
    [ -z "$("$CBUILD" volume ls -q)" ]
}

@test "an empty volume is filled from the image, once, with owners and modes" {
    IMAGE=filled sh_in -v vol:/data -- 'stat -c "%u:%g %a" /data; cat /data/file /data/sub/file; echo mine >/data/file'
    expect_output "$(printf '7:8 750\nimage\ndeep')"
    IMAGE=filled sh_in -v vol:/data -- 'cat /data/file'
    expect_output mine
    IMAGE=filled sh_in -v bare:/data:nocopy -- 'ls /data | wc -l'
    expect_output 0
    IMAGE=filled sh_in --mount type=volume,src=bare2,dst=/data,volume-nocopy -- 'ls /data | wc -l'
    expect_output 0
    mkdir "$DIR/host"
    IMAGE=filled sh_in -v "$DIR/host:/data" -- 'ls /data | wc -l'
    expect_output 0
}

@test "a volume filled from the image has its hard links and pipes" {
    local shown
    printf 'FROM busybox\nRUN mkdir -p /tree/sub && echo one >/tree/a && ln /tree/a /tree/b && ln /tree/a /tree/sub/c && mkfifo -m 640 /tree/pipe && chown 7:8 /tree/pipe\n' | dockerfile
    "$CBUILD" build -q --network none -t linked "$DIR" >/dev/null
    shown='cd /tree; echo two >b; cat a sub/c; stat -c "%n %h" a b sub/c; stat -c "%n %F %a %u:%g" pipe'
    for options in '-v /tree' '-v linked:/tree'; do
        IMAGE=linked sh_in $options -- "$shown"
        expect_output "$(printf 'two\ntwo\na 3\nb 3\nsub/c 3\npipe fifo 640 7:8')"
    done
}

# Who makes a container waits for this volume's lock, as while somebody else copies a large tree into it.
# The shell that becomes it has our own descriptor for a moment.
waits_for() { [ "/proc/$1/exe" -ef "$CBUILD" ] && readlink "/proc/$1/fd/"* | grep -q "/volumes/$2/lock\$"; }

@test "while a volume is being filled nobody else waits, and nobody removes it; whoever fills it, it is filled once" {
    local first second third did=0
    "$CBUILD" volume create large >/dev/null
    exec 8>"$STORE/volumes/large/lock"
    flock 8
    for n in first second third; do
        "$CBUILD" create --name $n --network none -v large:/data -v /anonymous filled >"$BATS_TEST_TMPDIR/$n" 2>&1 3>&- 8>&- &
        printf -v $n %s $!
        wait_until waits_for $! large
    done
    for what in 'create --name other --network none -v else:/data filled true' 'rename other another' 'start -a another' \
        'run --rm --network none busybox true' 'rm another'; do
        run timeout 60 "$CBUILD" $what 8>&-
        expect_status 0
    done
    cbuild ps -a --format '{{.Names}}'
    expect_output ''
    cbuild volume rm large
    expect_status 1
    expect_output 'cbuild: remove large: volume is in use - [a container that is being made]'
    cbuild volume prune -af
    expect_status 0
    expect_lacks large
    cbuild volume ls -q -f name=large
    expect_output large
    # one is killed, one asked to end
    kill -KILL "$second"
    wait "$second" || true
    kill -TERM "$third"
    wait "$third" || did=$?
    [ "$did" = 143 ] || { echo "$did"; cat "$BATS_TEST_TMPDIR/third"; return 1; }
    exec 8>&-
    wait "$first"
    cbuild ps -a --format '{{.Names}}'
    expect_output first
    run ls -A "$STORE/volumes/large" "$STORE/volumes/large/_data"
    expect_contains $'_data:\nfile\nsub'
    expect_lacks _fill _full
    [ "$(stat -c '%u:%g %a' "$STORE/volumes/large/_data")" = '7:8 750' ]
    "$CBUILD" rm -v first >/dev/null
    "$CBUILD" volume rm large
}

@test "a fill that was killed is done again, one that had only to be shown is ended" {
    "$CBUILD" volume create copying >/dev/null
    mkdir -p "$STORE/volumes/copying/_fill/sub"
    echo half >"$STORE/volumes/copying/_fill/sub/file"
    echo old >"$STORE/volumes/copying/_fill/none"
    "$CBUILD" volume create moving >/dev/null
    mkdir -p "$STORE/volumes/moving/_full/sub"
    chmod 711 "$STORE/volumes/moving/_full"
    echo first >"$STORE/volumes/moving/_data/file"
    echo rest >"$STORE/volumes/moving/_full/sub/file"
    for name in copying moving; do
        IMAGE=filled sh_in -v $name:/data -- 'cd /data; stat -c %a .; ls; cat file sub/file'
        echo "$output" >"$BATS_TEST_TMPDIR/$name"
        not ls -d "$STORE/volumes/$name/_f"*
    done
    [ "$(cat "$BATS_TEST_TMPDIR/copying")" = $'750\nfile\nsub\nimage\ndeep' ]
    [ "$(cat "$BATS_TEST_TMPDIR/moving")" = $'711\nfile\nsub\nfirst\nrest' ]
}

@test "an anonymous volume that a container is given by its name stays when the container goes" {
    volume=$("$CBUILD" volume create)
    "$CBUILD" volume create --label com.docker.volume.anonymous= kept >/dev/null
    sh_in -v "$volume:/v" --mount type=volume,source=kept,target=/k -- 'echo precious >/v/file'
    expect_status 0
    "$CBUILD" create --name giver --network none -v "$volume:/v" -v /own busybox true >/dev/null
    "$CBUILD" create --name taker --network none --volumes-from giver busybox true >/dev/null
    "$CBUILD" rm -v giver
    "$CBUILD" rm -v taker
    cbuild create --network none -v "$volume:/v" -v kept:/k --volumes-from nosuch busybox true
    expect_status 1
    run "$CBUILD" volume ls -q
    [ "$(printf '%s\n' "${lines[@]}" | sort)" = "$(printf '%s\n' "$volume" kept | sort)" ]
    run cat "$STORE/volumes/$volume/_data/file"
    expect_output precious
}

@test "a container's anonymous volumes go with --rm and rm -v, named ones stay" {
    "$CBUILD" run --name first --network none -v /extra -v vol:/named filled true
    run "$CBUILD" volume ls -q
    [ "${#lines[@]}" -eq 3 ]
    "$CBUILD" rm first
    run "$CBUILD" volume ls -q
    [ "${#lines[@]}" -eq 3 ]
    cbuild volume prune -f
    expect_contains 'Deleted Volumes:' 'Total reclaimed space: '
    cbuild volume ls -q
    expect_output vol
    "$CBUILD" run --name second --network none -v /extra -v vol:/named filled true
    "$CBUILD" rm -v second
    "$CBUILD" run --rm --name third --network none -v /extra -v vol:/named filled true
    cbuild volume ls -q
    expect_output vol
}

@test "a volume that a container has is kept" {
    id=$("$CBUILD" create --name holder --network none -v vol:/v busybox true)
    cbuild volume rm vol
    expect_status 1
    expect_contains "remove vol: volume is in use - [$id]"
    cbuild volume prune -af
    expect_output 'Total reclaimed space: 0B'
    cbuild volume ls -q -f dangling=true
    expect_output ''
    run bash -c 'echo n | "$CBUILD" volume prune'
    expect_output 'WARNING! This will remove anonymous local volumes not used by at least one container.
Are you sure you want to continue? [y/N] '
    "$CBUILD" rm holder
    cbuild volume prune -f
    expect_output 'Total reclaimed space: 0B'
    cbuild volume prune -af
    expect_contains "$(printf 'Deleted Volumes:\nvol\n')"
}

@test "--volumes-from takes all that others have, also from stopped ones, and chains" {
    mkdir "$DIR/host"
    echo host >"$DIR/host/file"
    "$CBUILD" create --name one --network none -v vol:/v -v "$DIR/host:/host:ro" filled true
    "$CBUILD" create --name two --network none --volumes-from one busybox true
    sh_in --volumes-from two -- 'cat /host/file /data/file; echo x >/v/y; (echo no >/host/no) 2>/dev/null || echo refused'
    expect_output "$(printf 'host\nimage\nrefused')"
    sh_in --volumes-from two:ro -- 'cat /v/y; (echo no >/v/no) 2>/dev/null || echo refused'
    expect_output "$(printf 'x\nrefused')"
    cbuild create --volumes-from nobody busybox
    expect_contains 'No such container: nobody'
    cbuild create --volumes-from one:what busybox
    expect_contains 'invalid mode: what'
}

@test "volumes are backed up and restored by tar" {
    cd "$BATS_TEST_TMPDIR"
    "$CBUILD" run --name db --network none -v /dbdata busybox sh -c 'echo precious >/dbdata/file'
    "$CBUILD" run --rm --network none --volumes-from db -v "$(pwd):/backup" busybox tar cf /backup/backup.tar -C / dbdata
    tar tf backup.tar | grep -qx dbdata/file
    "$CBUILD" run --name db2 --network none -v /dbdata busybox true
    "$CBUILD" run --rm --network none --volumes-from db2 -v "$(pwd):/backup" busybox sh -c 'cd / && tar xf /backup/backup.tar'
    sh_in --volumes-from db2 -- cat /dbdata/file
    expect_output precious
}

@test "--mount knows binds, volumes and tmpfs with their keys" {
    mkdir "$DIR/host"
    echo host >"$DIR/host/file"
    sh_in --mount "type=bind,source=$DIR/host,target=/h,readonly" -- 'cat /h/file; touch /h/x 2>/dev/null || echo refused'
    expect_output "$(printf 'host\nrefused')"
    sh_in --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700 -- 'stat -f -c %T /t; stat -c %a /t; df -k /t | tail -1 | awk "{print \$2}"'
    expect_output "$(printf 'tmpfs\n700\n1024')"
    sh_in --mount type=volume,src=vol,dst=/v -- 'mkdir -p /v/a/b; echo deep >/v/a/b/c'
    sh_in --mount type=volume,src=vol,dst=/v,volume-subpath=a/b -- 'cat /v/c'
    expect_output deep
    sh_in --mount type=volume,src=vol,dst=/v,volume-subpath=no -- true
    expect_status 125
    sh_in --mount type=volume,src=labelled,dst=/v,volume-label=a=b,volume-driver=local -- true
    [ "$("$CBUILD" volume inspect -f '{{.Labels.a}}' labelled)" = b ]
}

@test "the anonymous volumes of a create that was killed go with the next volume, those of others stay" {
    local killed other
    anonymous() { "$CBUILD" volume ls -q | grep -cE '^[0-9a-f]{64}$'; }
    "$CBUILD" volume create large >/dev/null
    exec 8>"$STORE/volumes/large/lock"
    flock 8
    for n in killed other; do
        "$CBUILD" create --name $n --network none -v /anonymous -v large:/data filled true >"$BATS_TEST_TMPDIR/$n" 2>&1 3>&- 8>&- &
        printf -v $n %s $!
        wait_until waits_for $! large
    done
    [ "$(anonymous)" = 2 ]
    kill -KILL "$killed"
    wait "$killed" || true
    "$CBUILD" volume create next >/dev/null 8>&-
    [ "$(anonymous)" = 1 ]
    exec 8>&-
    wait "$other"
    [ "$(anonymous)" = 1 ]
    # one whose container is gone stays, as one without a name does in docker
    "$CBUILD" rm other
    "$CBUILD" volume create last >/dev/null
    [ "$(anonymous)" = 1 ]
}

@test "a create that fails removes no volume but those that it made itself" {
    local maker status=0 volume before
    anonymous() { "$CBUILD" volume ls -q | grep -E '^[0-9a-f]{64}$' | sort; }
    volume=$("$CBUILD" create --name giver --network none -v /data busybox true | xargs "$CBUILD" inspect -f '{{(index .Mounts 0).Name}}')
    before=$(anonymous)
    grep -q "$volume" <<<"$before"
    exec 8>"$STORE/volumes/.lock"
    flock 8
    "$CBUILD" create --name late --network none --volumes-from giver filled true >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- 8>&- &
    maker=$!
    wait_until grep -Eq -- "-> FLOCK +ADVISORY +WRITE $maker " /proc/locks
    # its volume is nobody's, and the name is another's
    "$CBUILD" rm giver 8>&-
    "$CBUILD" create --name late --network none busybox true 8>&- >/dev/null
    exec 8>&-
    wait "$maker" || status=$?
    [ "$status" -ne 0 ]
    grep -q 'is already in use by' "$BATS_TEST_TMPDIR/out"
    [ "$(anonymous)" = "$before" ]
    "$CBUILD" rm late
    "$CBUILD" volume rm "$volume"
}

@test "a volume that cannot be kept keeps its container, and what is put beside the volumes stays" {
    local volume
    volume=$("$CBUILD" create --name keeper --network none -v /data busybox true | xargs "$CBUILD" inspect -f '{{(index .Mounts 0).Name}}')
    mkdir "$STORE/volumes/$volume/_new" # its mark, and one that cannot be taken off
    cbuild rm keeper
    expect_status 1
    expect_contains "keep the volume \`$volume\`"
    rmdir "$STORE/volumes/$volume/_new"
    touch "$STORE/volumes/$volume/_new"
    cbuild rm keeper
    expect_status 0
    # somebody copies one back
    mkdir -p "$STORE/volumes/restored/_data"
    echo precious >"$STORE/volumes/restored/_data/file"
    "$CBUILD" volume create another >/dev/null
    sh_in -v fresh:/x -- true
    "$CBUILD" volume inspect "$volume" >/dev/null
    [ "$(cat "$STORE/volumes/restored/_data/file")" = precious ]
    rm -r "$STORE/volumes/restored"
    "$CBUILD" volume rm "$volume" another fresh
}

@test "an image that is taken over by --volumes-from is there, though its container and the image go while the new one is made" {
    local maker
    printf 'FROM busybox\nRUN mkdir /tool && echo three >/tool/file\n' | dockerfile
    build_ok --network none -t passed
    "$CBUILD" create --name giver --network none --mount type=image,src=passed,dst=/t busybox true >/dev/null
    "$CBUILD" volume create first >/dev/null
    exec 8>"$STORE/volumes/.lock"
    flock 8
    "$CBUILD" create --name taker --network none --volumes-from giver filled cat /t/tool/file >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- 8>&- &
    maker=$!
    wait_until grep -Eq -- "-> FLOCK +ADVISORY +WRITE $maker " /proc/locks
    "$CBUILD" rm giver 8>&-
    "$CBUILD" rmi -f passed img 8>&- >/dev/null
    "$CBUILD" builder prune -af 8>&- >/dev/null
    exec 8>&-
    wait "$maker" || { cat "$BATS_TEST_TMPDIR/out"; return 1; }
    cbuild start -a taker
    expect_status 0
    expect_output three
}

@test "--mount type=image shows what an image has, read-only, for as long as the container is there" {
    printf 'FROM busybox\nRUN mkdir -p /tool/sub && echo two >/tool/sub/file\n' | dockerfile
    build_ok --network none -t tools
    sh_in --mount type=image,source=tools,target=/t -- 'cat /t/tool/sub/file; touch /t/x 2>/dev/null || echo refused'
    expect_output "$(printf 'two\nrefused')"
    cbuild create --name has --network none --mount type=image,src=tools,dst=/t,image-subpath=tool/sub busybox cat /t/file
    "$CBUILD" rmi -f tools img >/dev/null
    "$CBUILD" image prune -af >/dev/null
    cbuild start -a has
    expect_output two
    cbuild cp has:/t/file "$DIR/file"
    [ "$(cat "$DIR/file")" = two ]
    cbuild inspect -f '{{range .Mounts}}{{.Type}} {{.Source}} {{.Destination}} {{.RW}}{{end}}' has
    expect_output 'image tools /t false'
    sh_in --volumes-from has -- cat /t/file
    expect_output two
    "$CBUILD" rm has
    cbuild fsck
    expect_status 0
}

# Removes something, and stops when the file `victim` goes: COMMAND. Others go on meanwhile. Then it is killed.
stop_at_victim() {
    local pid waited=''
    rm -f "$BATS_TEST_TMPDIR/trace" # of the last one
    strace -f -qq -P victim -e trace=unlinkat -e inject=unlinkat:signal=SIGSTOP:when=1 -o "$BATS_TEST_TMPDIR/trace" \
        "$CBUILD" "$@" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    pid=$!
    wait_until grep -q 'stopped by SIGSTOP' "$BATS_TEST_TMPDIR/trace"
    for what in 'volume create other' 'volume ls -q' 'create --name other --network none -v new:/v -v /w busybox true' 'ps -aq' 'rm -v other' \
        'run --rm --network none busybox true' 'volume rm other'; do
        timeout -s KILL 60 "$CBUILD" $what >"$BATS_TEST_TMPDIR/what" 2>&1 || { waited="$what: $?"; break; }
    done
    kill -KILL "$(grep -m1 -o '^[0-9]*' "$BATS_TEST_TMPDIR/trace")"
    wait "$pid" || true
    [ -z "$waited" ] || { echo "$waited"; cat "$BATS_TEST_TMPDIR/what"; return 1; }
    [ -n "$(find "$STORE" -name remains)" ]
    "$CBUILD" volume create other >/dev/null
    run find "$STORE" -name victim -o -name remains
    expect_output ''
}

@test "while large volumes and containers are removed nobody waits for that, and the next ends what a killed one has left" {
    local fill='cd %s; mkdir a b; for d in a b; do touch $d/remains; mkdir $d/c; touch $d/c/victim $d/c/remains; done'
    sh_in -v large:/v -- "$(printf "$fill" /v)"
    stop_at_victim volume rm large
    sh_in -v large:/v -- "$(printf "$fill" /v)"
    stop_at_victim volume prune -af
    "$CBUILD" run --name own --network none busybox sh -c "$(printf "$fill" /tmp)"
    stop_at_victim rm own
    "$CBUILD" run --name own --network none -v /v busybox sh -c "$(printf "$fill" /v)"
    stop_at_victim rm -v own
    cbuild ps -aq
    expect_output ''
    cbuild fsck
    expect_status 0
}

@test "wrong mounts are refused in docker's words" {
    refuse() {
        local words=$1
        shift
        run "$CBUILD" run --rm --network none "$@" busybox true
        expect_status 125
        expect_contains "$words"
    }
    refuse 'invalid mount config for type "bind": bind source path does not exist: /no/where' --mount type=bind,src=/no/where,dst=/x
    refuse 'invalid mount config for type "bind": field Source must not be empty' --mount type=bind,dst=/x
    refuse "invalid field 'what' must be a key=value pair" --mount type=bind,what
    refuse "unexpected key 'what' in 'what=1'" --mount type=bind,what=1
    refuse 'target is required' --mount type=volume
    refuse "cannot mix 'volume-*' options with mount type 'bind'" --mount type=bind,src=/tmp,dst=/x,volume-nocopy
    refuse 'invalid mount config for type "nope": mount type unknown' --mount type=nope,dst=/x
    refuse 'field Source must not be specified' --mount type=tmpfs,src=/x,dst=/x
    refuse 'invalid mount config for type "image": field Source must not be empty' --mount type=image,dst=/x
    refuse 'subpath must be a relative path within the image' --mount type=image,src=busybox,dst=/x,image-subpath=../x
    refuse 'cannot access path `nope`' --mount type=image,src=busybox,dst=/x,image-subpath=nope
    touch "$DIR/file"
    refuse 'a file cannot be mounted on a directory' -v "$DIR/file:/etc"
    refuse 'not a directory' -v "$DIR:/bin/sh"
    refuse 'nope' --pull never --mount type=image,src=nope,dst=/x
    refuse "mount path must be absolute" --mount type=volume,dst=x
    refuse "destination can't be '/'" -v vol:/
    refuse 'Duplicate mount point: /x' -v /x -v vol:/x
    refuse 'Duplicate mount point: /x' -v /tmp:/x -v /etc:/x
    refuse 'Duplicate mount point: /x' --tmpfs /x -v /tmp:/x/
    refuse 'Duplicate mount point: /x' -v vol:/x --mount type=tmpfs,dst=/x
    refuse 'Duplicate mount point: /x' --tmpfs /x -v vol:/x
    refuse 'empty section between colons' -v :/x
    refuse 'too many colons' -v a:/b:ro:c
    refuse 'invalid mode: what' -v "vol:/x:what"
    refuse "invalid volume specification: '/x:ro'" -v /x:ro
    refuse 'includes invalid characters for a local volume name' -v 'a/b:/x'
    refuse 'invalid argument "tmpfs-size=x' --mount tmpfs-size=x,type=tmpfs,dst=/x
    refuse 'No such container: nobody' -v /x --name doomed --volumes-from nobody
    [ -z "$("$CBUILD" volume ls -q)" ]
    [ -z "$("$CBUILD" ps -aq)" ]
}

@test "a directory on /etc has the files with names in it; one of these that is mounted itself covers them" {
    mkdir -p "$DIR/etc"
    echo mine >"$DIR/etc/hosts"
    sh_in -h named -v "$DIR/etc:/etc" -- 'cat /etc/hostname; grep -c localhost /etc/hosts; test -s /etc/resolv.conf && echo yes'
    expect_output $'named\n2\nyes'
    [ "$(cat "$DIR/etc/hosts")" = mine ]
    [ ! -s "$DIR/etc/hostname" ]
    sh_in -h named --tmpfs /etc -- 'cat /etc/hostname; ls /etc | wc -l'
    expect_output $'named\n3'
    sh_in -v "$DIR/etc:/etc:ro" -v "$DIR/etc/hosts:/etc/hosts" -- cat /etc/hosts
    expect_output mine
    # an empty volume has all that the directory has
    sh_in -v /etc -- readlink /etc/mtab
    expect_output /proc/mounts
    # an end takes nothing away from others that have the same directory
    "$CBUILD" run -d --name first --network none -h stays -v names:/etc busybox sleep 1000
    sh_in -v names:/etc -- true
    [ "$("$CBUILD" exec first cat /etc/hostname)" = stays ]
    "$CBUILD" rm -f first
}

@test "what is to share its mounts with the host must be shared there" {
    private() { run unshare --mount --propagation private "$CBUILD" run --rm --network none "$@" busybox grep ' /x ' /proc/self/mountinfo; }
    private -v "$DIR:/x:rshared"
    expect_status 125
    expect_contains "path $DIR is mounted on " ' but it is not a shared mount'
    private --mount "type=bind,src=$DIR,dst=/x,bind-propagation=rslave"
    expect_status 125
    expect_contains ' but it is not a shared or slave mount'
    private -v "$DIR:/x:rprivate"
    expect_status 0
    run unshare --mount --propagation shared "$CBUILD" run --rm --network none -v "$DIR:/x:rshared" busybox grep ' /x ' /proc/self/mountinfo
    expect_status 0
    expect_contains ' shared:'
    run unshare --mount --propagation shared "$CBUILD" run --rm --network none -v "$DIR:/x:rslave" busybox grep ' /x ' /proc/self/mountinfo
    expect_status 0
    expect_contains ' master:'
}

@test "what is mounted below another mount is seen, whichever was asked for first" {
    mkdir "$DIR/upper" "$DIR/lower"
    echo upper >"$DIR/upper/file"
    echo lower >"$DIR/lower/file"
    sh_in -v "$DIR/lower:/a/b" -v "$DIR/upper:/a" -- cat /a/file /a/b/file
    expect_output $'upper\nlower'
    sh_in --tmpfs /a -v "$DIR/lower:/a/b" --mount "type=bind,src=$DIR/upper,dst=/a/b/c" -- cat /a/b/file /a/b/c/file
    expect_output $'lower\nupper'
}

@test "-o makes a volume of a directory of the host, or of a filesystem" {
    mkdir "$DIR/host"
    echo host >"$DIR/host/file"
    "$CBUILD" volume create -o type=none -o o=bind -o "device=$DIR/host" bound
    sh_in -v bound:/v -- 'cat /v/file; echo new >/v/new'
    expect_output host
    [ "$(cat "$DIR/host/new")" = new ]
    "$CBUILD" volume create -o type=tmpfs -o o=size=2m,mode=711 -o device=tmpfs memory
    sh_in -v memory:/v -- 'stat -f -c %T /v; stat -c %a /v; df -k /v | tail -1 | awk "{print \$2}"'
    expect_output "$(printf 'tmpfs\n711\n2048')"
    "$CBUILD" volume create -o type=nope -o device=x odd
    sh_in -v odd:/v -- true
    expect_status 125
    expect_contains "error while mounting volume '$STORE/volumes/odd/_data': failed to mount local volume: mount x:$STORE/volumes/odd/_data: no such device"
    cbuild volume create -o type=tmpfs -o device=tmpfs bound
    expect_status 1
    [ "$(grep -c "$STORE/volumes" /proc/mounts || true)" -eq 0 ]
}

@test "nobody else reaches a volume, also in a store whose directory lets others in" {
    mkdir -m 755 "$BATS_TEST_TMPDIR/open"
    cp -r "$STORE/." "$BATS_TEST_TMPDIR/open"
    chmod 755 "$BATS_TEST_TMPDIR/open" "$BATS_TEST_TMPDIR"
    mkdir -p "$BATS_TEST_TMPDIR/open/volumes"
    chmod 711 "$BATS_TEST_TMPDIR/open/volumes" # as older versions made it
    "$CBUILD" --root "$BATS_TEST_TMPDIR/open" run --rm -v tools:/t --network none busybox sh -c \
        'cp /bin/busybox /t/id && chmod 4755 /t/id'
    [ -u "$BATS_TEST_TMPDIR/open/volumes/tools/_data/id" ]
    chmod 755 "$BATS_RUN_TMPDIR" "${BATS_TEST_TMPDIR%/*}"
    run setpriv --reuid 65534 --regid 65534 --clear-groups sh -c \
        "ls -d '$BATS_TEST_TMPDIR/open' && '$BATS_TEST_TMPDIR/open/volumes/tools/_data/id'"
    expect_status 126
    expect_contains "$BATS_TEST_TMPDIR/open" 'Permission denied'
}

@test "a volume whose directory was replaced by a link is not followed" {
    "$CBUILD" volume create vol
    mkdir "$DIR/secret"
    echo secret >"$DIR/secret/file"
    rmdir "$STORE/volumes/vol/_data"
    ln -s "$DIR/secret" "$STORE/volumes/vol/_data"
    sh_in -v vol:/v -- 'cat /v/file'
    expect_status 125
    expect_lacks secret
    "$CBUILD" volume rm vol
    [ -e "$DIR/secret/file" ]
}

@test "links in a volume lead nowhere outside of the container, also as a subpath" {
    echo outside >"$BATS_TEST_TMPDIR/outside"
    sh_in -v vol:/v -- "ln -s $BATS_TEST_TMPDIR /v/link; ln -s ../../../../.. /v/up"
    sh_in --mount type=volume,src=vol,dst=/x,volume-subpath=link -- 'cat /x/outside'
    expect_status 125
    sh_in --mount type=volume,src=vol,dst=/x,volume-subpath=../other -- true
    expect_contains 'subpath must be a relative path within the volume'
    # a link where the image has a directory does not lead the copy elsewhere
    printf 'FROM busybox\nRUN rm -rf /data && ln -s /etc /data\nVOLUME /data\n' | dockerfile
    "$CBUILD" build -q --network none -t linked "$DIR" >/dev/null
    IMAGE=linked sh_in -- 'ls /data/passwd'
    expect_output /data/passwd
}

@test "a mount point may be a link that leads nowhere: what it leads to is made, inside" {
    printf 'FROM busybox\nRUN ln -s /nowhere/x /data; ln -s ../../up/y /rel; ln -s /data /chain; ln -s loop /loop\n' | dockerfile
    build_ok --network none -t links
    echo host >"$DIR/file"
    IMAGE=links
    sh_in -v vol:/data -- 'echo text >/data/f; ls /nowhere/x'
    expect_output f
    sh_in -v vol:/rel -- 'cat /up/y/f'
    expect_output text
    sh_in -v "$DIR/file:/chain" -- 'cat /nowhere/x'
    expect_output host
    sh_in -v vol:/loop -- true
    expect_status 125
    expect_contains 'too many levels of symbolic links'
    "$CBUILD" create --name kept --network none -v "$DIR/file:/chain" links >/dev/null
    cbuild cp -L kept:/chain "$DIR/copy"
    [ "$(cat "$DIR/copy")" = host ]
}

@test "a volume in memory is one for all that have it, as long as one of them runs" {
    "$CBUILD" volume create -o type=tmpfs -o device=tmpfs -o o=size=1m memory
    "$CBUILD" volume create -o type=tmpfs -o device=tmpfs second
    "$CBUILD" volume create plain
    for name in one two three; do # at once
        "$CBUILD" run -d --name "$name" --network none -v memory:/m -v plain:/p -v second:/s -v "$DIR:/host" \
            busybox sh -c "echo $name >/m/$name; touch /p/$name /s/$name; sleep 1000" >/dev/null &
    done
    wait
    all() { [ "$("$CBUILD" exec two sh -c 'cat /m/*; ls /p /s | wc -l')" = "$(printf 'one\nthree\ntwo\n9')" ]; }
    wait_until all
    "$CBUILD" rm -f one two >/dev/null
    sh_in -v memory:/x -- 'cat /x/one'
    expect_output one
    cbuild cp three:/m/two "$DIR/copy"
    [ "$(cat "$DIR/copy")" = two ]
    kill -9 "$(cat "$STORE/containers/$("$CBUILD" inspect -f '{{.Id}}' three)/monitor.lock")"
    ended() { [ "$("$CBUILD" inspect -f '{{.State.Status}}' three)" = exited ]; }
    wait_until ended
    "$CBUILD" start three >/dev/null
    "$CBUILD" exec three ls /m
    "$CBUILD" rm -f three >/dev/null
    sh_in -v memory:/x -- 'ls /x'
    expect_output ''
    [ "$(grep -c "$STORE/volumes" /proc/mounts || true)" -eq 0 ]
}

@test "who waits for the name of a volume's server can be interrupted" {
    export IN=$BATS_TEST_TMPDIR/in
    mkdir "$IN"
    printf 'nameserver 127.0.0.1\noptions timeout:30 attempts:5\n' >"$IN/resolv.conf"
    "$CBUILD" volume create -o type=tmpfs -o device=tmpfs -o o=addr=nowhere.example far >/dev/null
    "$CBUILD" create --name there --network none -v far:/far busybox true >/dev/null
    # a name server that hears and says nothing
    cat >"$IN/server.py" <<'PYTHON'
import os, socket, sys
place = os.environ["IN"]
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
pid = os.posix_spawnp(os.environ["CBUILD"], ["cbuild", *sys.argv[1:]], os.environ)
server.recv(512)
with open(place + "/asked", "w") as file:
    file.write("%d\n" % pid)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
with open(place + "/status", "w") as file:
    file.write("%d\n" % status)
PYTHON
    for words in 'run --rm --network none -v far:/far busybox true' 'cp there:/far -'; do
        rm -f "$IN/asked" "$IN/status"
        unshare -mn sh -c 'ip link set lo up && mount --bind "$IN/resolv.conf" /etc/resolv.conf && exec python3 "$IN/server.py" "$@"' sh $words 3>&- &
        wait_until [ -s "$IN/asked" ]
        kill -INT "$(<"$IN/asked")"
        wait_until [ -s "$IN/status" ]
        [ "$(<"$IN/status")" = 130 ]
        wait
        pgrep -f "cbuild-monitor $STORE " | xargs -r kill
        wait_until not pgrep -f "cbuild-monitor $STORE "
    done
    # nor does it keep who wants it gone: its monitor ends as it was asked to, and is not killed
    rm -f "$IN/asked" "$IN/status"
    unshare -mn sh -c 'ip link set lo up && mount --bind "$IN/resolv.conf" /etc/resolv.conf && exec python3 "$IN/server.py" "$@"' sh \
        run --name slow --network none -v far:/far busybox true 2>"$IN/errors" 3>&- &
    wait_until [ -s "$IN/asked" ]
    cbuild rm -f slow
    expect_status 0
    wait_until [ -s "$IN/status" ]
    run cat "$IN/errors"
    [[ "$output" = *canceled* || "$output" = *'No such container: slow'* ]] || { echo "$output"; return 1; }
    expect_lacks 'has ended'
    wait
}

# bats test_tags=root
@test "U gives what is mounted to the container's user, at each start, links not followed" {
    local tree=$BATS_TEST_TMPDIR/tree outside=$BATS_TEST_TMPDIR/outside owners="find /t -exec stat -c '%u:%g %n' {} + | sort -k2"
    mkdir -p "$tree/sub/deep" "$outside/kept"
    echo x >"$tree/sub/deep/file"
    echo x >"$outside/file"
    ln -s "$outside" "$tree/dir"
    ln -s "$outside/file" "$tree/link"
    chown -h 9:9 "$tree/link"
    sh_in -u 1234:77 -v "$tree:/t:U" -- "$owners; touch /t/sub/mine && echo written"
    expect_output "$(printf '%s\n' '1234:77 /t' '1234:77 /t/dir' '1234:77 /t/link' '1234:77 /t/sub' '1234:77 /t/sub/deep' \
        '1234:77 /t/sub/deep/file' written)"
    run stat -c %u:%g "$outside" "$outside/file" "$outside/kept"
    expect_output "$(printf '0:0\n0:0\n0:0')"
    # by name, and read-only; the source may be a file or a link itself
    sh_in -u daemon -v "$tree:/t:ro,U,z" -- 'stat -c %u:%g /t/sub; touch /t/x'
    expect_contains 1:1 'Read-only'
    sh_in -u 5 -v "$tree/link:/f:U" -- 'stat -c %u:%g /f'
    expect_output 5:0
    [ "$(stat -c %u:%g "$outside/file" "$tree/link" | tr '\n' ' ')" = '5:0 1:1 ' ]
    # a container that is started again gets what has come since
    printf 'FROM busybox\nRUN mkdir -p /data/sub && echo deep >/data/sub/file\n' | dockerfile
    "$CBUILD" build -q --network none -t owned "$DIR" >/dev/null
    "$CBUILD" create --name owner --network none -u 6:6 -v "$tree:/t:U" -v owned:/data:U owned sh -c 'stat -c "%u:%g" /t/new /data /data/sub/file' >/dev/null
    echo x >"$tree/new"
    run "$CBUILD" start -a owner
    expect_output "$(printf '6:6\n6:6\n6:6')"
    chown 0:0 "$tree/new"
    run "$CBUILD" start -a owner
    expect_output "$(printf '6:6\n6:6\n6:6')"
    run "$CBUILD" inspect -f '{{range .Mounts}}{{.Mode}} {{end}}{{index .HostConfig.Binds 1}}' owner
    expect_output 'U U owned:/data:U'
    # who takes its volumes over does not take them away
    sh_in -u 8:8 --volumes-from owner -- 'stat -c %u:%g /data'
    expect_output 6:6
    sh_in -v owned:/data -- 'stat -c %u:%g /data'
    expect_output 6:6
}

@test "U touches no directory of the host's own, and says what is wrong" {
    for path in / /etc /usr/ /var/lib/../lib; do
        sh_in -u 1234 -v "$path:/t:U" -- true
        expect_status 125
        expect_contains 'chowning host path' 'is not allowed' 'hint: '
        sh_in -v "$path:/t:U,ro" -d -- true
        expect_status 125
    done
    [ "$(stat -c %u:%g /etc /usr | tr '\n' ' ')" = '0:0 0:0 ' ]
    sh_in -u nobody-there -v "$BATS_TEST_TMPDIR:/t:U" -- true
    expect_status 125
    expect_contains 'unable to find user nobody-there'
    sh_in -v "$BATS_TEST_TMPDIR:/t:U,U" -- true
    expect_status 125
    expect_contains 'invalid mode: U,U'
}

@test "a volume that cannot be read is told of, hinders no other, and is removed by name" {
    "$CBUILD" volume create torn >/dev/null
    "$CBUILD" volume create whole >/dev/null
    sh_in -v torn:/v -- 'echo kept >/v/file'
    : >"$STORE/volumes/torn/volume.json"
    cbuild volume ls -q
    expect_status 0
    expect_contains 'warning: volume `torn`: ' whole
    sh_in -v torn:/v -- 'ls /v'
    expect_status 125
    expect_contains 'volume `torn`: ' "hint: its files are in $STORE/volumes/torn/_data"
    run cat "$STORE/volumes/torn/_data/file"
    expect_output kept
    cbuild volume prune -af
    expect_status 0
    expect_contains whole
    cbuild volume rm torn
    expect_output torn
    cbuild volume ls -q
    expect_output ''
}

@test "a removal that was killed in the middle is ended by the next" {
    "$CBUILD" volume create begun >/dev/null
    "$CBUILD" volume create other >/dev/null
    rm "$STORE/volumes/begun/volume.json" # the first step
    ln -s dark "$STORE/volumes/dark" # nobody can tell what is there
    cbuild volume rm other
    expect_output other
    [ ! -e "$STORE/volumes/begun" ]
    rm "$STORE/volumes/dark"
    "$CBUILD" volume create begun >/dev/null
    rm "$STORE/volumes/begun/volume.json"
    cbuild volume prune -f
    expect_output 'Total reclaimed space: 0B'
    [ ! -e "$STORE/volumes/begun" ]
}

@test "a volume that a container with an unreadable record may have is not removed" {
    id=$("$CBUILD" create --network none -v named:/n -v /anonymous busybox true)
    mv "$STORE/containers/$id/state.json" "$BATS_TEST_TMPDIR/state"
    echo nonsense >"$STORE/containers/$id/state.json"
    cbuild volume rm named
    expect_status 1
    expect_contains "warning: container \`${id:0:12}\`: " 'remove named: a container whose record cannot be read may have it' 'hint: '
    cbuild volume prune -af
    expect_status 1
    cp "$BATS_TEST_TMPDIR/state" "$STORE/containers/$id/state.json"
    run "$CBUILD" volume ls -q
    [ "${#lines[@]}" -eq 2 ]
    cbuild start -a "$id"
    expect_status 0
}
