#!/usr/bin/env bats
# Docker's options for what a container or step sees and may do.
load helpers
load helpers-hostile
load helpers-sandbox

container() {
    run timeout 60 "$CBUILD" run --rm --network none "$@"
}
bounding() {
    container "$@" busybox awk '/^CapBnd/ { print $2 }' /proc/self/status
}

@test "capabilities: with and without CAP_, any case, ALL, added over dropped" {
    bounding
    expect_output 00000000a80425fb
    bounding --cap-drop ALL --cap-add net_raw
    expect_output 0000000000002000
    bounding --cap-drop CAP_NET_RAW --cap-drop mknod
    expect_output 00000000a00405fb
    bounding --cap-add SYS_ADMIN
    expect_output 00000000a82425fb
    bounding --cap-add chown --cap-drop chown
    expect_output 00000000a80425fb
    bounding --cap-add ALL --cap-drop sys_admin
    [ $((0x$output & 1 << 21)) -eq 0 ]
    container --cap-add CAP_NOPE busybox true
    expect_status 125
    expect_contains 'unknown capability'
    container --cap-add sys_admin busybox sh -c 'mkdir /m && mount -t tmpfs t /m && echo mounted'
    expect_output mounted
    container busybox sh -c 'mkdir /m && mount -t tmpfs t /m'
    expect_status 1
}

@test "filters: docker's by default, none, one of a file" {
    container busybox awk '/^Seccomp:/ { print $2 }' /proc/self/status
    expect_output 2
    container --security-opt seccomp=unconfined busybox awk '/^Seccomp:/ { print $2 }' /proc/self/status
    expect_output "${CB_OUTER_SECCOMP:-0}"
    cat >"$DIR/profile.json" <<'END'
{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
 {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
 {"names": ["unlink", "unlinkat"], "action": "SCMP_ACT_ERRNO", "excludes": {"caps": ["CAP_CHOWN"]}},
 {"names": ["symlink", "symlinkat"], "action": "SCMP_ACT_ERRNO", "includes": {"caps": ["CAP_SYS_ADMIN"]}}]}
END
    container --security-opt "seccomp=$DIR/profile.json" busybox sh -c 'mkdir /x; ln -s a /y && rm /y && echo removed'
    expect_contains 'No space left on device' removed
    container --security-opt "seccomp=$DIR/profile.json" --cap-drop chown busybox sh -c 'ln -s a /y; rm /y'
    expect_contains 'Operation not permitted'
    container --security-opt seccomp="$CB_TOP/tests/probe/docker-default.json" busybox sh -c 'unshare -U true; echo $?'
    expect_contains 'Operation not permitted' 1
    container --security-opt seccomp=/no/such busybox true
    expect_status 125
    expect_contains 'opening seccomp profile (/no/such) failed'
    echo '{"defaultAction": "SCMP_ACT_NOPE"}' >"$DIR/profile.json"
    container --security-opt "seccomp=$DIR/profile.json" busybox true
    expect_status 125
    expect_contains 'unknown action `SCMP_ACT_NOPE`'
    echo '{' >"$DIR/profile.json"
    container --security-opt "seccomp=$DIR/profile.json" busybox true
    expect_status 125
}

@test "no new privileges, hidden and shown parts of /proc" {
    container --security-opt no-new-privileges busybox awk '/NoNewPrivs/ { print $2 }' /proc/self/status
    expect_output 1
    container --security-opt no-new-privileges:false busybox awk '/NoNewPrivs/ { print $2 }' /proc/self/status
    expect_output 0
    container busybox sh -c 'wc -c < /proc/keys; grep -c " /proc/" /proc/mounts'
    expect_contains 0
    container --security-opt systempaths=unconfined busybox grep -c ' /proc/' /proc/mounts
    expect_output 0
    container --security-opt unmask=/proc/keys busybox sh -c 'grep -c " /proc/keys " /proc/mounts; echo x > /proc/sys/kernel/panic'
    expect_contains 0 'Read-only file system'
    ln -s "$CANARY" "$DIR/link"
    container --security-opt mask=/etc/passwd:/bin/busybox-none:/tmp busybox sh -c 'cat /etc/passwd | wc -c; touch /tmp/x'
    expect_contains 0 'Read-only file system'
    for bad in nope seccomp= mask=relative label systempaths=some no-new-privileges=maybe; do
        container --security-opt "$bad" busybox true
        expect_status 125
        expect_contains "invalid --security-opt: \"$bad\""
    done
    container --security-opt apparmor=unconfined --security-opt label=disable busybox true
    expect_status 0
    step 'grep NoNewPrivs /proc/self/status; grep Seccomp: /proc/self/status' --security-opt no-new-privileges --security-opt seccomp=unconfined
    expect_contains "$(printf 'NoNewPrivs:\t1')" "$(printf 'Seccomp:\t%s' "${CB_OUTER_SECCOMP:-0}")"
}

@test "what widens a step's sandbox is in its key" {
    printf 'FROM busybox\nRUN echo keyed\n' >"$DIR/Dockerfile"
    build_ok --network=none
    for option in --security-opt=no-new-privileges --security-opt=seccomp=unconfined --security-opt=unmask=/proc/keys \
        --security-opt=mask=/tmp --device=/dev/null:/dev/other "--volume=$DIR:/v"; do
        build_ok --network=none "$option"
        [ "$(steps_run)" = 1 ] || { echo "$option is not in the key"; return 1; }
        build_ok --network=none "$option"
        [ "$(steps_run)" = 0 ]
    done
}

# bats test_tags=root
@test "devices: by path, under another name, with less than all rights, whole directories" {
    local loop
    truncate -s 1M "$BATS_TEST_TMPDIR/image"
    loop=$(losetup -f --show "$BATS_TEST_TMPDIR/image")
    container --device "$loop:/dev/disk/mine" busybox sh -c 'echo written > /dev/disk/mine; head -c 7 /dev/disk/mine'
    container --device "$loop" busybox head -c 7 "$loop"
    expect_output written
    container --device "$loop:r" busybox sh -c "head -c 7 $loop; echo over > $loop"
    expect_contains written
    expect_status 1
    container --device "$loop:/dev/x:w" busybox head -c 7 /dev/x
    expect_status 1
    container busybox sh -c "mknod /n b 7 ${loop##*loop} && head -c 7 /n"
    expect_status 1
    step "ls -l $loop; head -c 7 $loop" --device "$loop"
    expect_contains written
    losetup -d "$loop"
    container --device /dev/null:/dev/again busybox sh -c 'echo x > /dev/again'
    expect_status 0
    mkdir -p "$DIR/devices/sub"
    mknod "$DIR/devices/sub/null" c 1 3
    ln -s / "$DIR/devices/all" # to what docker does not follow either
    container --device "$DIR/devices:/dev/mine" busybox find /dev/mine -type c
    expect_output /dev/mine/sub/null
    for bad in a:b:rwm /dev/null:/dev/null:x /dev/null:relative: :/x /dev/null:/a:r:w; do
        container --device "$bad" busybox true
        expect_status 125
        expect_contains "for \"--device\""
    done
}

# bats test_tags=root
@test "a directory of many devices is given whole" {
    mkdir "$DIR/many"
    for i in $(seq 80); do mknod "$DIR/many/n$i" c 1 3; done
    container --device "$DIR/many:/dev/many" busybox sh -c 'echo x > /dev/many/n80; ls /dev/many | wc -l'
    expect_status 0
    expect_output 80
}

# bats test_tags=root
@test "a device that is not there is found missing when the container starts, in docker's words" {
    local said='error gathering device information while adding custom device'
    for options in --rm '--rm --name gone' '--name undeviced' '-d --name late'; do
        # shellcheck disable=SC2086
        cbuild run --network none --device /no/such $options busybox true
        expect_status 127
        [ "${lines[-1]}" = "cbuild: $said \"/no/such\": no such file or directory" ] # -d says the id before
    done
    cbuild ps -a --format '{{.Names}} {{.Status}}'
    expect_output $'late Created\nundeviced Created'
    cbuild inspect -f '{{.State.ExitCode}} {{.State.Error}}' undeviced
    expect_output "128 $said \"/no/such\": no such file or directory"
    cbuild start undeviced
    expect_status 1
    mkdir "$DIR/none"
    for bad in /etc/passwd "$DIR/none"; do
        cbuild run --rm --network none --device "$bad" busybox true
        expect_status 125
        expect_output "cbuild: $said \"$bad\": not a device node"
    done
    "$CBUILD" create --name hoping --network none --device "$DIR/later:/dev/later" busybox stat -c %F /dev/later >/dev/null
    mknod "$DIR/later" c 1 3
    cbuild start -a hoping
    expect_output 'character special file'
    "$CBUILD" rm undeviced late hoping >/dev/null
}

@test "devices by CDI name" {
    mkdir "$DIR/cdi"
    cat >"$DIR/cdi/x.json" <<'END'
{"cdiVersion": "0.5.0", "kind": "vendor.example/thing", "devices": [
 {"name": "one", "containerEdits": {"env": ["THING=one"], "deviceNodes": [{"path": "/dev/thing", "hostPath": "/dev/null"}]}}]}
END
    container --cdi-spec-dir "$DIR/cdi" --device vendor.example/thing=one busybox sh -c 'echo $THING; ls -l /dev/thing | cut -c1; echo x > /dev/thing'
    expect_output "$(printf 'one\nc')"
    container --cdi-spec-dir "$DIR/cdi" --device vendor.example/thing=two busybox true
    expect_status 125
    expect_contains 'unresolvable CDI devices vendor.example/thing=two'
    step 'echo $THING; ls /dev/thing' --cdi-spec-dir "$DIR/cdi" --device vendor.example/thing=one
    expect_contains one /dev/thing
}

# bats test_tags=root
@test "--privileged has all the machine's devices and nothing is hidden from it" {
    container --privileged busybox sh -c 'ls /dev | wc -l; touch /sys/kernel/x 2>&1; wc -c < /proc/keys; grep -c " /proc/" /proc/mounts; awk "/^Seccomp:/ { print \$2 }" /proc/self/status'
    [ "$(sed -n 1p <<<"$output")" -gt 20 ]
    expect_lacks 'Read-only'
    [ "$(tail -2 <<<"$output" | tr '\n' ' ')" = "0 ${CB_OUTER_SECCOMP:-0} " ]
}

@test "--tmpfs and --read-only" {
    container --read-only --tmpfs /run:size=1m,mode=750,uid=7,exec busybox sh -c 'touch /x; stat -c "%a %u" /run; cp /bin/busybox /run/true 2>/dev/null; df -k /run | tail -1 | awk "{ print \$2 }"; grep " /run " /proc/mounts'
    expect_contains 'Read-only file system' '750 7' 1024 'rw,nosuid,nodev,relatime'
    container --read-only busybox sh -c 'for file in hosts hostname resolv.conf; do ( echo x >/etc/$file ); done'
    expect_contains "can't create /etc/hosts: Read-only" "can't create /etc/hostname: Read-only" "can't create /etc/resolv.conf: Read-only"
    container --tmpfs /t busybox grep ' /t ' /proc/mounts
    expect_contains 'rw,nosuid,nodev,noexec'
    container --tmpfs /t:ro busybox touch /t/x
    expect_contains 'Read-only file system'
    for bad in relative /t:nope /t:size=1m,rshared '/t:mode=7x' /t:size=-1 /t:context=x; do
        container --tmpfs "$bad" busybox true
        expect_status 125
        expect_contains '"--tmpfs"'
    done
    container --tmpfs /proc busybox true
    expect_status 125
    container --tmpfs /../.. busybox true
    expect_status 125
}

@test "namespaces of the host, and none" {
    container --uts host busybox hostname
    expect_output "$(hostname)"
    container --pid host busybox sh -c '[ -d /proc/'$$' ] && echo seen'
    expect_output seen
    container --ipc none busybox ls /dev/shm
    expect_status 1
    if [ "$(id -u)" -eq 0 ]; then # others have no group here
        container --cgroupns host busybox grep -c cbuild /proc/self/cgroup
        [ "$output" -ge 1 ]
    fi
    container --cgroupns private busybox grep -c cbuild /proc/self/cgroup
    expect_output 0
    container --userns host busybox id -u
    expect_output 0
    for bad in --uts=x --pid=x --ipc=x --uts=container:x --pid=container: --userns=auto --cgroupns=x; do
        container "$bad" busybox true
        expect_status 125
        expect_contains ': invalid ' ' mode'
    done
    container --uts host --hostname x busybox true
    expect_status 125
    expect_contains 'conflicting options: hostname and the UTS mode'
}

# bats test_tags=root
@test "another container's processes and interprocess communication" {
    local owner
    container --ipc container:nobody busybox true
    expect_status 125
    expect_contains 'No such container: nobody'
    owner=$("$CBUILD" run -d --ipc shareable --network none busybox sh -c 'echo x >/dev/shm/left; exec sleep 771104')
    wait_until "$CBUILD" exec "$owner" grep -q ^sleep /proc/1/cmdline
    if [ -n "${CB_OUTER_SECCOMP:-}" ]; then # where a kernel has no calls for mounts by descriptor
        container --pid "container:$owner" busybox true
        expect_status 125
        expect_contains 'sharing `/proc` takes Linux 5.12'
        "$CBUILD" rm -f "$owner" >/dev/null
        return
    fi
    container --pid "container:$owner" --ipc "container:$owner" busybox sh -c \
        'cat /dev/shm/left; readlink /proc/1/exe; grep -c . /proc/1/cmdline; echo y >/dev/shm/mine; (echo 1 >/proc/sys/kernel/shmmax) 2>/dev/null || echo masked'
    expect_status 0
    expect_output "$(printf 'x\n/bin/busybox\n1\nmasked')"
    [ "$("$CBUILD" exec "$owner" cat /dev/shm/mine)" = y ]
    # its own /dev/shm, and nobody's process but its own, where only the other is shared
    container --pid "container:$owner" busybox sh -c 'ls /dev/shm; kill -0 1 && echo there; readlink /proc/self/ns/ipc'
    expect_contains there
    [[ $output != *mine* && $output != *"$("$CBUILD" exec "$owner" readlink /proc/self/ns/ipc)"* ]]
    container --ipc "container:$owner" --shm-size 3m busybox sh -c 'readlink /proc/self/ns/ipc; echo $$'
    expect_output "$("$CBUILD" exec "$owner" readlink /proc/self/ns/ipc)
1"
    # what it leaves behind ends with it, and it ends with whose processes they are
    container --pid "container:$owner" --init busybox sh -c '(setsid sleep 771105 &); sleep 0.1; echo started'
    expect_output started
    run "$CBUILD" exec "$owner" ps
    expect_contains 'sleep 771104'
    expect_lacks 771105
    "$CBUILD" run -d --name guest --pid "container:$owner" --network none busybox sleep 771106 >/dev/null
    [ "$("$CBUILD" exec guest sh -c 'tr "\0" " " </proc/1/cmdline')" = 'sleep 771104 ' ]
    container --ipc container:guest busybox true
    expect_status 125
    expect_contains 'non-shareable IPC' '--ipc shareable'
    "$CBUILD" kill "$owner" >/dev/null
    run timeout 60 "$CBUILD" wait guest
    expect_output 137
    run "$CBUILD" start guest
    expect_status 1
    expect_contains "cannot join PID of a non running container: $owner"
    "$CBUILD" rm guest "$owner" >/dev/null
}

@test "settings of the kernel in the container's namespaces only" {
    local before
    before=$(cat /proc/sys/kernel/shmmax /proc/sys/net/ipv4/ip_unprivileged_port_start)
    container --sysctl net.ipv4.ip_unprivileged_port_start=7 --sysctl kernel.shmmax=4096 busybox cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shmmax
    expect_output "$(printf '7\n4096')"
    [ "$(cat /proc/sys/kernel/shmmax /proc/sys/net/ipv4/ip_unprivileged_port_start)" = "$before" ]
    for bad in kernel.core_pattern=x kernel.panic=1 net.ipv4.ip_forward vm.swappiness=1 net.../core_pattern=x; do
        container --sysctl "$bad" busybox true
        expect_status 125
    done
    run timeout 60 "$CBUILD" run --rm --network host --sysctl net.ipv4.ip_forward=1 busybox true
    expect_status 125
    expect_contains 'cannot be set if using the host network namespace'
}

@test "groups, host and domain names" {
    container -u 5:6 --group-add 44 --group-add 45 busybox id -G
    expect_output '6 44 45'
    container -h inside --domainname example.org busybox sh -c 'hostname; cat /proc/sys/kernel/domainname; grep inside /etc/hosts'
    expect_contains inside example.org
    container --group-add nosuch busybox true
    expect_status 125
}

@test "-v of a build: seen by every step, in no layer, warned of" {
    mkdir "$BATS_TEST_TMPDIR/shared"
    echo host >"$BATS_TEST_TMPDIR/shared/f"
    printf 'FROM busybox\nRUN cat /v/f; echo step > /v/g\nRUN cat /v/g; touch /ro/x; ls / > /list\n' >"$DIR/Dockerfile"
    build_ok --network=none -v "$BATS_TEST_TMPDIR/shared:/v" -v "$BATS_TEST_TMPDIR/shared:/ro:ro"
    expect_contains host step 'Read-only file system' 'warning: -v ' 'is not part of any cache key'
    [ "$(cat "$BATS_TEST_TMPDIR/shared/g")" = step ]
    in_image sh -c 'ls -d /v /ro; true'
    expect_contains '/v: No such file' '/ro: No such file'
    for bad in name:/v "$DIR" "$DIR:relative" "$DIR:/" "$DIR:/proc/x" "$DIR:/v:nope" "$DIR/none:/v"; do
        build --network=none -v "$bad"
        expect_status 1
    done
}
