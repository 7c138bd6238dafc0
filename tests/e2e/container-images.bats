#!/usr/bin/env bats
# What containers make of images, and images that containers use: diff, export, commit, inspect, rmi, df, prune.
load helpers

setup_file() {
    cb_store
    export DIR=$BATS_FILE_TMPDIR/image
    mkdir -p "$DIR"
    printf 'FROM busybox\nRUN mkdir -p /tree/sub /hidden/a && echo one >/tree/one && echo two >/tree/two && echo s >/tree/sub/s\nVOLUME /anon\nENV A=1 B=2\nEXPOSE 80\nENTRYPOINT ["sh", "-c"]\nCMD ["true"]\n' | dockerfile
    "$CBUILD" build -q --network none -t img "$DIR" >/dev/null
    "$CBUILD" run -d --name work --network none -v data:/data -e C=3 -l kind=test -p 8080:80 --hostname host1 img \
        'echo new >/tree/new; echo more >>/tree/one; rm /tree/two; mkdir -p /fresh/dir; chmod 700 /hidden
         rm -r /tree/sub; mkdir /tree/sub; echo t >/tree/sub/t; echo v >/data/v; mkfifo /pipe; echo ready; exec sleep 1000' >/dev/null
    wait_until sh -c "'$CBUILD' logs work | grep -q ready"
}
teardown_file() {
    "$CBUILD" rm -f work >/dev/null
    cb_drop_store
}
setup() {
    cd "$BATS_TEST_TMPDIR"
}

CHANGES='A /anon
A /data
A /fresh
A /fresh/dir
C /hidden
A /pipe
C /tree
A /tree/new
C /tree/one
C /tree/sub
D /tree/sub/s
A /tree/sub/t
D /tree/two'

field() { # field TEMPLATE [NAME]
    "$CBUILD" inspect -f "$1" "${2:-work}"
}

@test "diff tells what was added, changed and deleted" {
    cbuild diff work
    expect_output "$CHANGES"
    "$CBUILD" create --name still busybox >/dev/null
    cbuild diff still
    expect_status 0
    expect_output ''
    "$CBUILD" rm still
    cbuild diff nobody
    expect_status 1
    expect_contains 'No such container: nobody'
}

@test "what had to be made to mount a volume or a bind on is in diff and commit, empty, with docker's mode" {
    echo text >file
    mkdir dir
    touch dir/in
    "$CBUILD" create --name mounts --network none -v made:/data -v /new/deep -v "$PWD/dir:/etc/bound" -v "$PWD/file:/bin/a-file" -v made:/tmp \
        --mount type=tmpfs,dst=/fast,tmpfs-mode=700 busybox sh -c 'touch /data/f /new/deep/f /fast/f' >/dev/null
    cbuild diff mounts
    expect_output ''
    "$CBUILD" start -a mounts
    cbuild diff mounts
    expect_output 'C /bin
A /bin/a-file
A /data
C /etc
A /etc/bound
A /fast
A /new
A /new/deep'
    "$CBUILD" commit mounts mounts:1 >/dev/null
    cbuild run --rm --network none mounts:1 sh -c 'cd /; stat -c "%A %u:%g %n" data new/deep etc/bound bin/a-file fast; ls data new/deep etc/bound fast; cat bin/a-file'
    # /new/deep is a volume of the image, too
    expect_output 'drwxr-xr-x 0:0 data
drwxr-xr-x 0:0 new/deep
drwxr-xr-x 0:0 etc/bound
-rwxr-xr-x 0:0 bin/a-file
drwxr-xr-x 0:0 fast
data:

etc/bound:

fast:

new/deep:'
    "$CBUILD" rm -v mounts >/dev/null
    "$CBUILD" rmi mounts:1 >/dev/null
    "$CBUILD" volume rm made >/dev/null
}

@test "export writes the whole tree, without volumes and what the kernel mounts" {
    "$CBUILD" export work -o tree.tar
    tar tf tree.tar >names
    grep -qx tree/new names
    grep -qx tree/sub/t names
    grep -qx data/ names
    grep -qx proc/ names
    [ -z "$(grep -E '^(tree/two|data/v|proc/.+|dev/.+|sys/.+)$' names)" ]
    [ "$("$CBUILD" export work | sha256sum)" = "$(sha256sum <tree.tar)" ]
    "$CBUILD" import -c 'CMD ["cat", "/tree/one"]' tree.tar imported >/dev/null
    [ "$("$CBUILD" run --rm --network none imported)" = "$(printf 'one\nmore')" ]
    run script -qec "'$CBUILD' export work" /dev/null
    expect_contains 'refusing to write an archive to a terminal'
}

@test "commit makes an image of what has changed and of how it was run" {
    id=$("$CBUILD" commit -a 'Some One' -m='a message' work made:1)
    [[ $id =~ ^sha256:[0-9a-f]{64}$ ]]
    [ "$(field '{{.Id}}' made:1)" = "$id" ]
    [ "$(field '{{.Author}}|{{range .Config.Env}}{{.}} {{end}}|{{.Config.Entrypoint}}|{{index .Config.Labels "kind"}}|{{json .Config.ExposedPorts}}|{{json .Config.Volumes}}' made:1)" = \
        'Some One|C=3 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin A=1 B=2 |[sh -c]|test|{"80/tcp":{}}|{"/anon":{}}' ]
    cbuild history --no-trunc made:1
    expect_contains 'a message'
    "$CBUILD" create --name copy made:1 true >/dev/null
    "$CBUILD" cp copy:/tree - | tar tf - | sort >names
    "$CBUILD" rm -v copy >/dev/null
    [ "$(tr '\n' ' ' <names)" = 'tree/ tree/new tree/one tree/sub/ tree/sub/t ' ]
    [ "$("$CBUILD" run --rm --network none made:1 'cat /tree/one; test -p /pipe && ls /data; stat -c %a /hidden')" = "$(printf 'one\nmore\n700')" ]
    [ "$(field '{{len .RootFS.Layers}}' made:1)" = 3 ]
    fsck_clean
}

@test "commit: a volume without a source is one of the image, what is mounted there is not in it" {
    "$CBUILD" run --name with -v /kept -v "$DIR:/bound" --network none busybox sh -c 'echo x > /kept/f; echo y > /written'
    "$CBUILD" commit with with:1 >/dev/null
    [ "$("$CBUILD" inspect -f '{{json .Config.Volumes}}' with:1)" = '{"/kept":{}}' ]
    run "$CBUILD" run --rm --network none with:1 sh -c 'ls /kept; cat /written'
    expect_output y
    "$CBUILD" rm -v with
}

@test "commit pauses what runs and lets it go on" {
    "$CBUILD" run -d --name busy --network none busybox sh -c 'i=0; while :; do i=$((i+1)); echo $i >/a; echo $i >/b; done' >/dev/null
    wait_until "$CBUILD" exec busy test -f /b
    for options in '' -p --pause=true --no-pause --pause=false; do
        "$CBUILD" commit $options busy busy:1 >/dev/null
        [ "$(field '{{.State.Status}}' busy)" = running ]
    done
    "$CBUILD" pause busy >/dev/null
    "$CBUILD" commit busy busy:1 >/dev/null
    [ "$(field '{{.State.Status}}' busy)" = paused ]
    "$CBUILD" rm -f busy >/dev/null
    "$CBUILD" rmi busy:1 >/dev/null
    cbuild commit --pause=maybe work
    expect_status 1
    expect_contains 'invalid argument "maybe" for "-p, --pause" flag: expected true or false'
}

@test "commit -c changes the configuration, and a container without changes adds no layer" {
    "$CBUILD" create --name plain busybox >/dev/null
    "$CBUILD" commit -c 'CMD ["echo", "hi"]' -c 'ENV X=y' -c 'EXPOSE 81/udp' -c 'LABEL a=b' -c 'USER 5' -c 'VOLUME /v' -c 'WORKDIR /w' \
        -c 'HEALTHCHECK NONE' -c 'STOPSIGNAL SIGQUIT' -c 'ONBUILD RUN x' -c 'ENTRYPOINT ["env"]' plain made:2 >/dev/null
    [ "$(field '{{.Config.Cmd}} {{.Config.Env}} {{.Config.User}} {{.Config.WorkingDir}} {{.Config.StopSignal}} {{.Config.OnBuild}} {{.Config.Entrypoint}} {{.Config.Healthcheck.Test}} {{json .Config.Volumes}} {{json .Config.ExposedPorts}}' made:2)" = \
        '[echo hi] [X=y] 5 /w SIGQUIT [RUN x] [env] [NONE] {"/v":{}} {"81/udp":{}}' ]
    [ "$(field '{{json .RootFS.Layers}}' made:2)" = "$(field '{{json .RootFS.Layers}}' busybox)" ]
    cbuild commit -c 'RUN x' plain
    expect_status 1
    expect_contains 'RUN is not a valid change command'
    cbuild commit plain Bad:Name
    expect_status 1
    cbuild commit plain "busybox@sha256:$(printf '0%.0s' $(seq 64))"
    expect_status 1
    expect_contains 'refusing to create a tag with a digest reference'
    "$CBUILD" rm plain
}

@test "a container has docker's marks, which are no changes of it" {
    "$CBUILD" run --name marked --network none busybox sh -c '[ -e /.dockerenv ] && readlink /etc/mtab; stat -c %Y /etc' >"$DIR/said"
    [ "$(cat "$DIR/said")" = "/proc/mounts
$("$CBUILD" run --rm --network none busybox stat -c %Y /etc)" ]
    [ -z "$("$CBUILD" diff marked)" ]
    [ "$("$CBUILD" export marked | tar t | grep -cx -e '\(./\)\?.dockerenv' -e '\(./\)\?etc/mtab')" = 2 ]
    "$CBUILD" commit marked made:4 >/dev/null
    "$CBUILD" create --name from --network none made:4 >/dev/null
    "$CBUILD" export from | tar t >"$DIR/said"
    grep -qx bin/busybox "$DIR/said"
    not grep -e dockerenv -e mtab "$DIR/said"
    "$CBUILD" rm marked from >/dev/null
    "$CBUILD" rmi made:4 >/dev/null
}

@test "hosts, hostname and resolv.conf that somebody has copied are changes, empty ones too" {
    mkdir image
    : >empty
    cp empty image/passwd
    printf 'FROM scratch\nCOPY --from=busybox /bin /bin\nCOPY passwd /etc/\n' >image/Dockerfile
    "$CBUILD" build -q -t hostless image >/dev/null
    "$CBUILD" create --name copied --network none hostless true >/dev/null
    "$CBUILD" start -a copied # its mount points are there
    [ -z "$("$CBUILD" diff copied)" ]
    for name in hosts hostname resolv.conf; do
        "$CBUILD" cp empty copied:/etc/$name
    done
    "$CBUILD" start -a copied
    cbuild diff copied
    expect_output 'C /etc
C /etc/hostname
C /etc/hosts
C /etc/resolv.conf'
    "$CBUILD" commit copied made:6 >/dev/null
    "$CBUILD" create --name from --network none made:6 true >/dev/null
    "$CBUILD" export from | tar t | grep '^etc/' >names
    printf 'etc/%s\n' '' hostname hosts passwd resolv.conf | diff - names
    "$CBUILD" rm copied from >/dev/null
    "$CBUILD" rmi made:6 hostless >/dev/null
}

@test "what stands in for an /etc that the image lacks is no change while it runs" {
    mkdir image
    printf 'FROM scratch\nCOPY --from=busybox /bin /bin\n' >image/Dockerfile
    "$CBUILD" build -q -t etcless image >/dev/null
    "$CBUILD" run -d --name etcless --network none etcless sleep 1000 >/dev/null
    cbuild diff etcless
    not grep -e hosts -e hostname -e resolv.conf <<<"$output"
    "$CBUILD" rm -f etcless >/dev/null
    "$CBUILD" rmi etcless >/dev/null
}

@test "the marks are the same whatever the umask of who runs the first container" {
    "$CBUILD" import "$CB_BASES/busybox.tar" umask >/dev/null
    for mask in 077 022; do
        (umask $mask && "$CBUILD" run --rm --network none umask stat -c %a /.dockerenv) >"$DIR/said"
        [ "$(cat "$DIR/said")" = 755 ]
    done
    "$CBUILD" rmi umask >/dev/null
}

@test "a container's health check is in its configuration, its times are text in templates" {
    "$CBUILD" create --name checked --network none --health-cmd 'ls /x' --health-interval 90s --health-timeout 1500ms --health-retries 4 busybox >/dev/null
    "$CBUILD" commit checked made:5 >/dev/null
    for name in checked made:5; do
        [ "$(field '{{json .Config.Healthcheck}}' $name)" = '{"Test":["CMD-SHELL","ls /x"],"Interval":90000000000,"Timeout":1500000000,"Retries":4}' ]
        [ "$(field '{{with .Config.Healthcheck}}{{.Interval}} {{.Timeout}} {{.StartPeriod}} {{json .Interval}}{{end}}' $name)" = '1m30s 1.5s 0s 90000000000' ]
    done
    "$CBUILD" rm checked >/dev/null
    "$CBUILD" rmi made:5 >/dev/null
    "$CBUILD" create --name checked --network none --no-healthcheck busybox >/dev/null
    [ "$(field '{{json .Config.Healthcheck}}' checked)" = '{"Test":["NONE"]}' ]
    "$CBUILD" rm checked >/dev/null
}

@test "commit exposes what -p and --expose said, and no image is called like an id" {
    "$CBUILD" create --name open --network none --expose 80 --expose 90-91/udp -p 1000-1001:2000-2001 busybox >/dev/null
    "$CBUILD" commit open made:3 >/dev/null
    for name in open made:3; do
        [ "$(field '{{json .Config.ExposedPorts}}' $name)" = '{"2000/tcp":{},"2001/tcp":{},"80/tcp":{},"90/udp":{},"91/udp":{}}' ]
    done
    for line in '1 commit open sha256:abc' '1 tag busybox sha256:abc' '1 build -t sha256:abc -'; do
        # shellcheck disable=SC2086
        cbuild ${line#* } </dev/null
        expect_status "${line%% *}"
        expect_contains 'refusing to create an ambiguous tag using digest algorithm as name'
    done
    "$CBUILD" rm open >/dev/null
    "$CBUILD" rmi made:3 >/dev/null
}

@test "a committed image is one for docker's readers, too" {
    "$CBUILD" commit work made:3 >/dev/null
    "$CBUILD" save made:3 -o made.tar
    skopeo inspect "docker-archive:made.tar" | jq -e '.Layers | length == 3'
    skopeo inspect --config "docker-archive:made.tar" | jq -e '.config.Env[0] == "C=3" and .config.Env[2:] == ["A=1", "B=2"] and (.history | length) >= 3'
}

@test "inspect shows a container as docker does" {
    [ "$(field '{{.Name}} {{.State.Status}} {{.State.Running}} {{.Config.Hostname}} {{.Config.Image}} {{.RestartCount}} {{.HostConfig.NetworkMode}}')" = \
        '/work running true host1 img 0 none' ]
    [ "$(field '{{.Path}} {{index .Args 0}} {{.HostConfig.RestartPolicy.Name}}')" = 'sh -c no' ]
    [ "$(field '{{range .Mounts}}{{if eq .Destination "/data"}}{{.Type}} {{.Name}} {{.Source}} {{.RW}}{{end}}{{end}}')" = "volume data $STORE/volumes/data/_data true" ]
    [ "$(field '{{index .Volumes "/data"}}')" = "$STORE/volumes/data/_data" ]
    [ "$(field '{{(index (index .HostConfig.PortBindings "80/tcp") 0).HostPort}}')" = 8080 ]
    [ "$(field '{{.NetworkSettings.IPAddress}}{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}')" = none ]
    [ "$(field '{{.Image}}')" = "$(field '{{.Id}}' img)" ]
    [ -f "$(field '{{.LogPath}}')" ]
    [ -f "$(field '{{.GraphDriver.Data.UpperDir}}')/tree/new" ]
    [ "$(field '{{.State.Pid}}')" -gt 1 ]
    [ "$("$CBUILD" inspect -s work | jq '.[0].SizeRw')" = 15 ]
    "$CBUILD" inspect work | jq -e '.[0].State.StartedAt > .[0].Created'
}

@test "inspect shows what was asked of mounts, security and names, in docker's fields" {
    "$CBUILD" create --name asked --mac-address 02:42:ac:11:00:99 -v named:/n:ro -v /plain \
        --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=755 --mount type=volume,src=v3,dst=/v3,volume-nocopy,volume-label=a=b \
        --mount type=bind,src=/tmp,dst=/b,bind-propagation=rprivate,readonly --pid host \
        --security-opt no-new-privileges --security-opt mask=/proc/version busybox >/dev/null
    "$CBUILD" inspect asked | jq -ce '.[0].HostConfig.Mounts' >mounts
    diff - mounts <<<'[{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":1048576,"Mode":493}},{"Type":"volume","Source":"v3","Target":"/v3","VolumeOptions":{"NoCopy":true,"Labels":{"a":"b"}}},{"Type":"bind","Source":"/tmp","Target":"/b","ReadOnly":true,"BindOptions":{"Propagation":"rprivate"}}]'
    [ "$(field '{{json .HostConfig.SecurityOpt}} {{.Config.MacAddress}} {{.HostConfig.Runtime}} {{.HostConfig.Init}} {{json .HostConfig.Dns}}' asked)" = \
        '["no-new-privileges","mask=/proc/version","label=disable"] 02:42:ac:11:00:99 cbuild <nil> []' ]
    [ "$(field '{{range .Mounts}}{{.Destination}}={{.Mode}} {{end}}' asked)" = '/b= /n=ro /plain= /t= /v3=z ' ]
    "$CBUILD" inspect asked | jq -e '.[0] | (.HostConfig.MaskedPaths | index("/proc/kcore") and index("/proc/version")) and
        (.HostConfig.ReadonlyPaths | index("/proc/sys")) and .HostConfig.BlkioWeightDevice == [] and (.HostConfig | has("Init") | not)'
    "$CBUILD" create --name open --security-opt systempaths=unconfined --volumes-from asked busybox >/dev/null
    [ "$(field '{{json .HostConfig.MaskedPaths}} {{json .HostConfig.SecurityOpt}}{{range .Mounts}}{{.Mode}}{{end}}' open)" = '[] nullro' ]
    [ "$("$CBUILD" create --name all --privileged busybox | wc -l) $(field '{{json .HostConfig.MaskedPaths}} {{json .HostConfig.ReadonlyPaths}}' all)" = '1 null null' ]
    "$CBUILD" rm -v asked open all >/dev/null
    "$CBUILD" volume rm named v3 >/dev/null
}

@test "inspect takes a container before an image, and says what is not there" {
    "$CBUILD" create --name busybox busybox >/dev/null
    [ "$(field '{{.Name}}' busybox)" = /busybox ]
    [ "$("$CBUILD" inspect --type image -f '{{index .RepoTags 0}}' busybox)" = busybox:latest ]
    [ "$("$CBUILD" image inspect -f '{{index .RepoTags 0}}' busybox)" = busybox:latest ]
    [ "$("$CBUILD" container inspect -f '{{.Name}}' busybox)" = /busybox ]
    [ "$(field '{{.Mountpoint}}' data)" = "$STORE/volumes/data/_data" ]
    [ "$(field '{{.Driver}}' bridge)" = bridge ]
    "$CBUILD" rm busybox
    run bash -c "'$CBUILD' inspect nobody work nothing 2>errors"
    [ "$status" -eq 1 ]
    [ "$(jq length <<<"$output")" = 1 ]
    [[ $(cat errors) == *'No such object: nobody'*'No such object: nothing'* ]]
    run bash -c "'$CBUILD' inspect nobody 2>errors"
    [ "$status" -eq 1 ]
    [ "$output" = '[]' ]
    cbuild container inspect img
    expect_contains 'No such container: img'
    cbuild inspect --type thing work
    expect_contains '"thing" is not a valid value for --type'
}

@test "rmi leaves an image that a container uses, with docker's words" {
    "$CBUILD" tag busybox used:1
    printf 'FROM used:1\nLABEL x=y\n' | dockerfile
    "$CBUILD" build -q --network none -t used:2 "$DIR" >/dev/null
    id=$(field '{{.Id}}' used:2)
    short=${id:7:12}
    c=$("$CBUILD" create used:2 sleep 1000)
    cbuild rmi used:2
    expect_status 1
    expect_contains "conflict: unable to remove repository reference \"used:2\" (must force) - container ${c:0:12} is using its referenced image $short"
    cbuild rmi "$short"
    expect_contains "conflict: unable to delete $short (must be forced) - image is being used by stopped container ${c:0:12}"
    "$CBUILD" start "$c" >/dev/null
    cbuild rmi -f "$short"
    expect_status 1
    expect_contains "conflict: unable to delete $short (cannot be forced) - image is being used by running container ${c:0:12}"
    cbuild rmi -f used:2
    expect_status 0
    expect_output 'Untagged: used:2'
    "$CBUILD" image prune -af >/dev/null
    [ "$(field '{{.Id}}' "$short")" = "$id" ] # it is used
    "$CBUILD" stop -t 0 "$c" >/dev/null
    cbuild rmi -f "$short"
    expect_output "Deleted: $id"
    "$CBUILD" start "$c" >/dev/null # has all it needs
    [ "$("$CBUILD" exec "$c" echo alive)" = alive ]
    "$CBUILD" rm -f "$c"
    "$CBUILD" import -c 'CMD ["sh"]' "$CB_BASES/busybox.tar" busybox:latest >/dev/null
}

@test "df counts containers and volumes, and prune removes what nothing uses" {
    "$CBUILD" create --name idle -v idle-data:/idle -v /unnamed busybox >/dev/null
    "$CBUILD" cp "$BATS_TEST_FILENAME" idle:/copy
    row() { "$CBUILD" system df --format '{{.Type}}|{{.TotalCount}}|{{.Active}}|{{.Reclaimable}}' | grep "^$1"; }
    [[ $(row Containers) == 'Containers|2|1|'*'%)' ]]
    [[ $(row 'Local Volumes') == 'Local Volumes|4|4|0B (0%)' ]]
    [[ $(row Images) =~ ^Images\|[0-9]+\|2\| ]]
    cbuild system df -v
    expect_contains 'Images space usage:' 'Containers space usage:' 'Local Volumes space usage:' 'Build cache usage:' 'idle-data' 'UNIQUE SIZE'
    cbuild df
    expect_contains 'RECLAIMABLE' 'Build Cache'
    "$CBUILD" network create --internal unused >/dev/null
    run bash -c "echo n | '$CBUILD' system prune"
    expect_contains 'all stopped containers' '[y/N]'
    [ "$(field '{{.Name}}' idle)" = /idle ]
    id=$(field '{{.Id}}' idle)
    run "$CBUILD" system prune -af --volumes
    expect_status 0
    expect_contains 'Deleted Containers:' "$id" 'Deleted Networks:' unused 'Deleted Volumes:' 'untagged: busybox:latest' 'Total reclaimed space: '
    expect_lacks 'idle-data'
    [ "$(field '{{.State.Status}}')" = running ]
    [ "$(field '{{.Name}}' idle-data)" = idle-data ]
    [ "$("$CBUILD" exec work cat /tree/new)" = new ]
    [ "$("$CBUILD" images -q | wc -l)" = 1 ]
    "$CBUILD" volume rm idle-data >/dev/null 2>&1 || true
    fsck_clean
    "$CBUILD" import -c 'CMD ["sh"]' "$CB_BASES/busybox.tar" busybox:latest >/dev/null
}

@test "system prune --filter" {
    "$CBUILD" create --name keep --label keep=yes busybox >/dev/null
    "$CBUILD" import -c 'LABEL keep=yes' "$CB_BASES/busybox.tar" labelled >/dev/null
    "$CBUILD" create --name inherits labelled true >/dev/null
    "$CBUILD" create --name drop busybox >/dev/null
    "$CBUILD" system prune -f --filter until=1h >/dev/null
    [ "$(field '{{.Name}}' drop)" = /drop ]
    "$CBUILD" system prune -f --filter 'label!=keep' >/dev/null
    cbuild inspect drop
    expect_status 1
    [ "$(field '{{.Name}}' keep)" = /keep ]
    [ "$(field '{{.Name}}' inherits)" = /inherits ]
    cbuild system prune -f --filter color=red
    expect_status 1
    expect_contains "invalid filter \`color\`" 'the filters are until, label, label!'
    "$CBUILD" rm keep inherits
    "$CBUILD" rmi labelled
}
