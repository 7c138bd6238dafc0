#!/usr/bin/env bats
# An ordinary user's containers: their files, and the images made of them.
load helpers
load helpers-rootless

setup_file() { cb_users; }
teardown_file() { cb_drop_users; }
teardown() {
    as cbtest cbuild rm -f box other >/dev/null 2>&1 || true
}

script() { # script TEXT: run by cbtest, which must succeed; fills $output
    printf '%s\n' "$1" >"$USERS/script"
    chmod 644 "$USERS/script"
    as_ok cbtest timeout 300 bash -eu "$USERS/script"
}

files='
cbuild import -c "CMD [\"sh\"]" ../busybox.tar busybox >/dev/null
cbuild create --name box --network none -v vol:/vol busybox \
    sh -c "mkdir -p /new /hide/a; echo x >/new/f; chown 5:6 /new/f; rm /etc/passwd; rm -r /root; mkdir /root; echo r >/root/r; sleep 1000" >/dev/null
mkdir -p tree/sub; echo deep >tree/sub/deep
cbuild cp tree box:/vol
cbuild start box >/dev/null
for i in $(seq 500); do cbuild cp box:/root/r - >/dev/null 2>&1 && break; done
cbuild cp tree box:/
cbuild cp box:/vol out
cbuild cp box:/new/f f
find out -type f -printf "%P %u\n"; stat -c %U f
cbuild diff box
cbuild commit box made >/dev/null 2>commit.log # it says that nothing can be paused without a control group
cbuild create --name other made >/dev/null
cbuild cp -a other:/ - | tar tvf - --numeric-owner | sed -nE "s/ +[0-9]+ [0-9-]+ [0-9:]+ (.\/(new|root|tree).*)/ \\1/p" | sort
cbuild export box | tar tf - | grep -cE "^(new/f|root/r|vol/|tree/sub/deep)$"
cbuild kill box >/dev/null
cbuild cp box:/vol again
cat again/tree/sub/deep
cbuild rm box other >/dev/null
cbuild fsck >/dev/null
'
expected='tree/sub/deep cbtest
cbtest
C /etc
D /etc/passwd
A /hide
A /hide/a
A /new
A /new/f
C /root
A /root/r
A /tree
A /tree/sub
A /tree/sub/deep
A /vol
-rw-r--r-- 0/0 ./root/r
-rw-r--r-- 0/0 ./tree/sub/deep
-rw-r--r-- 5/6 ./new/f
drwxr-xr-x 0/0 ./new/
drwxr-xr-x 0/0 ./root/
drwxr-xr-x 0/0 ./tree/
drwxr-xr-x 0/0 ./tree/sub/
4
deep'

@test "cp, diff, export and commit of an ordinary user's container" {
    script "$files"
    expect_output "$expected"
}

@test "with fuse-overlayfs what runs is reached from its own user namespace, and else cp says so" {
    ROOT_OF_USER=$USERS/cbtest/fuse
    script 'export CBUILD_STORAGE_DRIVER=fuse-overlayfs
cbuild import -c "CMD [\"sh\"]" ../busybox.tar busybox >/dev/null
cbuild create --name box --network none -v vol:/vol busybox sleep 1000 >/dev/null
echo file >file
cbuild cp file box:/vol
cbuild cp file box:/new
cbuild run -d --name other --network none busybox sleep 1000 >/dev/null
cbuild cp file other:/ 2>&1 || echo "status $?"
cbuild start box >/dev/null
cbuild cp file box:/shared
cbuild diff box
cbuild kill box >/dev/null
cbuild wait box >/dev/null
cbuild cp box:/vol/file - | tar xO
cbuild commit box made >/dev/null
cbuild rm -f box other >/dev/null'
    expect_contains 'fuse-overlayfs' 'status 1' 'A /new' 'A /shared' "$(printf '\nfile')"
}

@test "--privileged has the devices that its user may open" {
    ROOT_OF_USER=$USERS/cbtest/privileged
    as_ok cbtest cbuild import "$USERS/busybox.tar" busybox
    run unshare -m sh -c 'mknod -m 666 "$0/fuse" c 10 229; mount --bind "$0/fuse" /dev/fuse
        exec runuser -u cbtest -- env -i PATH="$0:/usr/bin:/bin" HOME="$0/cbtest" CBUILD_ROOT="$1" cbuild run --rm --network none --privileged busybox sh -c "
            test -c /dev/fuse && echo fuse; test -e /dev/mem || echo no memory; echo x >/dev/null; grep CapEff /proc/self/status"' "$USERS" "$ROOT_OF_USER"
    expect_status 0
    expect_contains fuse 'no memory' 'ffffffffff'
}

@test "containers in the foreground are seen, and volumes in memory shared, by an ordinary user" {
    script '
    cbuild import -c "CMD [\"sh\"]" ../busybox.tar busybox >/dev/null
    cbuild volume create -o type=tmpfs -o device=tmpfs memory >/dev/null
    cbuild run -d --name box --network none -v memory:/m busybox sh -c "echo shared >/m/f; sleep 1000" >/dev/null
    cbuild run -d --name other --network none -v memory:/m busybox sleep 1000 >/dev/null
    for i in $(seq 200); do cbuild exec other grep shared /m/f 2>/dev/null && break; done
    cbuild rm -f box other >/dev/null
    cbuild run --rm --name other --network none busybox sleep 1000 >/dev/null 2>&1 & # nobody waits for its streams
    for i in $(seq 1000); do id=$(cbuild ps -q) && [ -n "$id" ] && break; done
    cbuild exec "$id" echo entered
    cbuild rm -f "$id" >/dev/null
    wait || true
    cbuild ps -aq'
    expect_output "$(printf 'shared\nentered')"
}

@test "namespaces of the host, limits, and what is mounted, as root has them" {
    ROOT_OF_USER=$USERS/cbtest/privileged
    as_ok cbtest cbuild import "$USERS/busybox.tar" busybox
    as_ok cbtest cbuild run --rm --network none --ipc host --uts host --cgroupns host busybox sh -c 'hostname; test -d /dev/shm && echo shm'
    expect_output "$(printf '%s\nshm' "$(hostname)")"
    run as cbtest cbuild run --rm --network none --init --ulimit nofile=64:128 --shm-size 4m --hostname h --add-host a:1.2.3.4 \
        --tmpfs /t:size=1m --read-only --sysctl net.ipv4.ip_forward=1 --cap-drop ALL --cap-add net_raw --security-opt no-new-privileges busybox \
        sh -c 'ulimit -n; df -k /dev/shm /t | awk "NR > 1 { print \$2 }"; hostname; grep -c "1.2.3.4.a" /etc/hosts; cat /proc/sys/net/ipv4/ip_forward
            awk "/^(CapEff|NoNewPrivs)/ { print \$2 }" /proc/self/status; touch /x'
    expect_status 1
    expect_output "$(printf '64\n4096\n1024\nh\n1\n1\n0000000000002000\n1\ntouch: /x: Read-only file system')"
}

@test "exec enters a container that has namespaces of the host" {
    ROOT_OF_USER=$USERS/cbtest/shared
    as_ok cbtest cbuild import "$USERS/busybox.tar" busybox
    for options in '--network host' '--network none --pid host' '--network none --ipc host' '--network none --uts host' \
        '--network none --cgroupns host'; do
        # shellcheck disable=SC2086
        as_ok cbtest cbuild run -d --name shares $options busybox sleep 1000
        as_ok cbtest cbuild exec shares echo "with $options"
        expect_output "with $options"
        as_ok cbtest cbuild rm -f shares
    done
}

@test "what a container leaves among the host's processes, or another's, ends with it, and with who ran it" {
    ROOT_OF_USER=$USERS/cbtest/privileged
    as_ok cbtest cbuild import "$USERS/busybox.tar" busybox
    as_ok cbtest cbuild run --rm --network none --pid host busybox sh -c \
        '(setsid sleep 661101 &); (setsid sh -c "sleep 661101 & exec sleep 661101" &); sleep 0.1; test -d /proc/'$$' && echo seen'
    expect_output seen
    run pgrep -f 'sleep 66110[1]'
    expect_output ''
    # of another container, which they are in one user namespace with when both may have a network
    as_ok cbtest cbuild run -d --name box busybox sleep 661102
    as_ok cbtest cbuild run --rm --pid container:box busybox sh -c '(setsid sleep 661103 &); sleep 0.1; cat /proc/1/cmdline'
    expect_contains 661102
    run pgrep -f 'sleep 66110[3]'
    expect_output ''
    # the keeper of what is left, or the launcher, is killed
    for victim in keeper launcher; do
        as_ok cbtest cbuild run -d --name other --network none --pid host busybox sh -c 'setsid sleep 661104 & exec sleep 661105'
        wait_until pgrep -f 'sleep 66110[4]'
        has_keeper() { keeper=$(pgrep -u cbtest cbuild-keeper) && [ "$(wc -w <<<"$keeper")" -eq 1 ]; } # and one that was is gone
        wait_until has_keeper
        kill -9 "$([ $victim = keeper ] && echo "$keeper" || ps -o ppid= -p "$keeper")"
        as cbtest cbuild kill other >/dev/null || true
        wait_until not pgrep -f 'sleep 66110[45]'
        as_ok cbtest cbuild rm -f other
    done
}

@test "U gives a tree to a user of the container as far as there are ids, and no node can be made for a rule" {
    ROOT_OF_USER=$USERS/cbtest/owned
    as_ok cbtest cbuild import "$USERS/busybox.tar" busybox
    as_ok cbtest sh -c 'mkdir -p mine/sub; echo x >mine/sub/f; ln -s /etc mine/link
        cbuild run --rm --network none -u 44:55 -v ./mine:/t:U busybox sh -c "stat -c %u:%g /t /t/sub/f; touch /t/sub/new"
        cbuild run --rm --network none -v ./mine:/t:U -v vol:/v:U busybox stat -c %u:%g /t /t/sub/new; stat -c %U mine/sub/f'
    expect_output "$(printf '%s\n' 44:55 44:55 0:0 0:0 cbtest)"
    run as cbtest cbuild run --rm --network none -u 4000000000 -v ./mine:/t:U busybox true
    expect_status 125
    expect_contains 'chown' 'only the ids 0 to'
    run as cbtest cbuild run --rm --network none --device-cgroup-rule 'c 1:11 w' busybox true
    expect_status 125
    expect_contains 'without root no device node can be made or opened' 'hint: name devices'
    # a budget of real time that cannot be had is as other limits are, and without any in the kernel an error
    run as cbtest cbuild run --rm --network none --cpu-rt-runtime 1000 busybox echo ran
    if [ -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ]; then
        expect_contains 'no limit of cpu: no cgroup was delegated to this user' ran
    else
        expect_contains 'Your kernel does not support CPU real-time scheduler'
    fi
    as_ok cbtest cbuild run --rm --network none --privileged --device-cgroup-rule 'c 1:11 w' busybox echo ran
    expect_output ran
    as_ok cbtest cbuild ps -aq
    expect_output ''
    ROOT_OF_USER=$USERS/cbsingle/owned
    as_ok cbsingle cbuild import "$USERS/busybox.tar" busybox
    as_ok cbsingle sh -c 'mkdir mine; cbuild run --rm --network none -v ./mine:/t:U busybox stat -c %u:%g /t'
    [ "${lines[-1]}" = 0:0 ]
}
