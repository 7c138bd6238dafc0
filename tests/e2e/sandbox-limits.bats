#!/usr/bin/env bats
# bats file_tags=root
# What steps and containers may use, and what becomes of those that take more.
load helpers
load helpers-hostile
load helpers-sandbox

STEP_TIMEOUT=180

container() {
    run timeout 60 "$CBUILD" run --rm --network none "$@"
}
# A limit that is not well formed: refused TEXT OPTION VALUE…
refused_option() {
    local text=$1
    shift
    container "$@" busybox true
    expect_status 125
    expect_contains "$text"
}

@test "a fork bomb ends at the limit of processes, and the machine forks on" {
    step "while sleep $FOREVER & do :; done"
    expect_status 1
    expect_contains "can't fork" 'exit code: 2'
    expect_no_sleeper
    true & wait $!
    container --pids-limit 10 busybox sh -c "for i in \$(seq 30); do sleep $FOREVER & done"
    expect_status 2
    expect_contains "can't fork"
    expect_no_sleeper
}

@test "a memory eater is named with its limit, and so is what it took" {
    step 'tail /dev/zero' --memory 32m
    expect_status 1
    expect_contains 'Dockerfile:2:' 'killed by the OOM killer (limit 32m)' 'hint: give the build more with --memory'
    run "$CBUILD" builds show --format json
    [ "$(jq 'last(.steps[] | select(.usage)).usage.oom_killed' <<<"$output")" = true ]
    [ "$(jq 'last(.steps[] | select(.usage)).usage.peak_memory' <<<"$output")" = 33554432 ]
    cbuild builds show
    expect_contains '33.6MB OOM'
    container --memory 32m busybox tail /dev/zero
    expect_status 137
}

@test "the child of a shell that the OOM killer took fails the step when the shell minds" {
    step 'tail /dev/zero; echo went on' --memory 32m
    expect_status 0
    expect_contains 'went on' 'OOM killer struck'
    step 'tail /dev/zero && echo went on' --memory 32m
    expect_status 1
    expect_contains 'OOM killer (limit 32m)'
}

@test "what a step took is told where it is notable, and kept where it is not" {
    step 'head -c 20m /dev/zero | tail > /dev/null' --memory 64m
    expect_status 0
    grep -qE '^#2 DONE [0-9.]+s \(cpu [0-9.]+s, memory [0-9.]+MB\)$' <<<"$output"
    step 'head -c 30000000 /dev/zero | tail > /dev/null'
    expect_status 0
    expect_lacks 'memory'
    run "$CBUILD" builds show --format json
    [ "$(jq 'last(.steps[] | select(.usage)).usage.peak_memory > 30000000' <<<"$output")" = true ]
    [ "$(jq 'last(.steps[] | select(.usage)).usage.cpu_seconds > 0' <<<"$output")" = true ]
    [ "$(jq '.steps[0].usage' <<<"$output")" = null ]
}

@test "limits do not make a step another one" {
    printf 'FROM busybox\nRUN echo limited\n' >"$DIR/Dockerfile"
    build_ok --network=none
    build_ok --network=none --memory 64m --cpu-shares 100 --cpuset-cpus 0
    [ "$(steps_run)" = 0 ]
    build_ok --network=none --ulimit nofile=99
    [ "$(steps_run)" = 1 ]
}

@test "processors, weights and block devices are limited in control groups of the step's own" {
    local dev
    dev=$(lsblk -rno PATH,TYPE | awk '$2 == "disk" { print $1; exit }')
    container --cpuset-cpus 0 busybox grep Cpus_allowed_list /proc/self/status
    expect_output "$(printf 'Cpus_allowed_list:\t0')"
    container --cgroupns host --cpus 1.5 --cpu-shares 200 --memory 64m --memory-swap 96m --memory-reservation 32m \
        --blkio-weight 300 --device-read-bps "$dev:1m" --device-write-iops "$dev:50" --pids-limit -1 busybox cat /proc/self/cgroup
    expect_status 0
    [ "$(grep -c /cbuild/ <<<"$output")" -ge 1 ]
    container --pids-limit -7 busybox echo unlimited
    expect_output unlimited
    step 'grep Cpus_allowed_list /proc/self/status' --cpuset-cpus 0 --cpu-quota 50000 --cpu-period 100000
    expect_contains "$(printf 'Cpus_allowed_list:\t0')"
}

@test "--cgroup-parent is where the control groups are made" {
    container --cgroupns host --cgroup-parent /cbuild-test/parent busybox grep -c /cbuild-test/parent/ /proc/self/cgroup
    expect_status 0
    [ "$output" -ge 1 ]
    # what a killed build leaves there goes with the next one there, and groups of others stay
    printf 'FROM busybox\nRUN sleep %s\n' "$FOREVER" >"$DIR/Dockerfile"
    "$CBUILD" build --network=none --cgroup-parent /cbuild-test/parent "$DIR" >/dev/null 2>&1 3>&- &
    builder=$!
    wait_until pgrep -f "sleep $FOREVER"
    kill -9 "$builder"
    wait_until not pgrep -f "sleep $FOREVER"
    for parent in $(find /sys/fs/cgroup -type d -path '*/cbuild-test/parent'); do
        mkdir "$parent/session-3999999"
    done
    container --cgroup-parent /cbuild-test/parent busybox true
    expect_status 0
    run find /sys/fs/cgroup -ignore_readdir_race -mindepth 2 -type d -path '*/cbuild-test/parent/*' ! -name session-3999999
    expect_output ''
    find /sys/fs/cgroup -ignore_readdir_race -depth -type d -path '*/cbuild-test*' -exec rmdir {} +
}

@test "more processors than the control group above has are all that it has, and no error" {
    local parent
    parent=$(awk '$3 == "cgroup" && $4 ~ /(^|,)cpu(,|$)/ { print $2; exit }' /proc/mounts)/cbuild-half
    case $parent in
    /sys/*) mkdir -p "$parent" && echo 50000 >"$parent/cpu.cfs_quota_us" ;;
    *) # version 2
        echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
        parent=/sys/fs/cgroup/cbuild-half
        mkdir -p "$parent" && echo 50000 100000 >"$parent/cpu.max"
        ;;
    esac
    container --cgroup-parent /cbuild-half --cpus 1 busybox echo runs
    expect_output runs
    container --cgroup-parent /cbuild-half --cpus 0.25 busybox sh -c 'cd /sys/fs/cgroup; cat cpu/cpu.cfs_quota_us cpu.max 2>/dev/null'
    [ "${output%% *}" = 25000 ]
    "$CBUILD" run -d --network none --name changed --cgroup-parent /cbuild-half --cpus 0.25 busybox sleep "$FOREVER"
    "$CBUILD" update --cpus 1.5 changed
    "$CBUILD" update --cpu-quota 10000 --cpu-period 20000 changed
    "$CBUILD" rm -f changed
    find /sys/fs/cgroup -depth -type d -path '*/cbuild-half*' -exec rmdir {} +
}

@test "control groups that a killed one left go with the next, however short it is" {
    local base
    "$CBUILD" run -d --network none --name holder busybox sleep "$FOREVER" >/dev/null # the directories stay as long as it runs
    for base in $(find /sys/fs/cgroup -maxdepth 2 -type d -name cbuild); do
        mkdir "$base/0123456789abcdef-3999999"
    done
    container busybox true
    expect_status 0
    [ -z "$(find /sys/fs/cgroup -maxdepth 3 -type d -path '*/cbuild/0123456789abcdef-3999999')" ]
    "$CBUILD" rm -f holder
}

@test "a process with limits finds them in /sys/fs/cgroup, which is its own group's, and read-only" {
    local look='cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory.max pids/pids.max pids.max 2>/dev/null; find . -name "*cbuild*" -o -name release_agent; for d in . memory; do mkdir $d/x 2>/dev/null && echo made; done; for f in pids.max pids/pids.max; do (echo 1 >$f) 2>/dev/null && echo written; done; true'
    container --memory 64m --pids-limit 77 busybox sh -c "$look"
    expect_output "$(printf '67108864\n77')"
    step "$look" --memory 64m
    expect_status 0
    run sed -n 's/^#2 [0-9.]* //p' <<<"$output"
    expect_output "$(printf '67108864\n4096')"
    run "$CBUILD" run --rm --network none --privileged --memory 64m busybox sh -c 'cd /sys/fs/cgroup; cd memory 2>/dev/null; mkdir -p left/behind && echo made'
    expect_output made
    [ -z "$(find /sys/fs/cgroup -path '*/cbuild/*/left*')" ]
}

@test "limits that contradict each other or the machine are refused before anything runs" {
    local cpus
    cpus=$(getconf _NPROCESSORS_ONLN) # and not those that we may run on
    refused_option 'minimum memory limit allowed is 6MB' --memory 5m
    refused_option 'invalid argument "x" for "-m, --memory"' --memory x
    refused_option 'minimum memoryswap limit should be larger than memory limit' --memory 64m --memory-swap 32m
    refused_option 'you should always set --memory' --memory-swap 32m
    refused_option 'can not be less than memory reservation' --memory 64m --memory-reservation 65m
    refused_option "range of CPUs is from 0.01 to $cpus.00" --cpus $((cpus + 1))
    refused_option 'conflicting options: --cpus and --cpu-period' --cpus 1 --cpu-period 50000
    refused_option 'can not be less than 1ms' --cpu-quota 999
    refused_option 'can not be less than 1ms' --cpu-period 1000001
    refused_option 'not available here' --cpuset-cpus 0,4000
    refused_option 'expected a list such as 0-2,5' --cpuset-cpus 2-0
    refused_option 'expected a list' --cpuset-mems ,
    refused_option 'range of blkio weight is from 10 to 1000' --blkio-weight 9
    refused_option 'expected a number' --pids-limit many
    refused_option 'not a block device' --device-read-bps /dev/null:1m
    refused_option 'expected /dev/NAME:RATE' --device-write-iops /dev/null
    refused_option 'bad format for device path' --device-read-bps /nowhere:1m
    refused_option 'bad format for device path' --blkio-weight-device sda:100
    refused_option 'invalid value: 101. Valid memory swappiness range is 0-100' --memory-swappiness 101
    refused_option 'range for oom score adj' --oom-score-adj 1001
    refused_option 'soft limit must be less than or equal' --ulimit nofile=9:8
    refused_option 'expected a path below the hierarchy' --cgroup-parent /a/../../b
    step true --memory 1m
    expect_status 1
    expect_contains 'minimum memory limit allowed is 6MB'
}

@test "resource limits, /dev/shm, and how readily it is killed" {
    container --ulimit nofile=100:200 --ulimit fsize=4096 busybox sh -c 'ulimit -n; ulimit -Hn; head -c 9000 /dev/zero > /f; ls -l /f | awk "{ print \$5 }"'
    expect_contains 100 200 4096
    run bash -c "ulimit -n 5000; '$CBUILD' run --rm --network none --ulimit nofile=6000:-1 busybox true"
    expect_status 125
    expect_contains 'ulimit nofile=6000:-1: operation not permitted' 'the hard limit that cbuild was started with is 5000'
    container --shm-size 3m busybox df -k /dev/shm
    expect_contains ' 3072 '
    container --oom-score-adj 700 busybox cat /proc/self/oom_score_adj
    expect_output 700
    container busybox sh -c 'cat /proc/self/oom_score_adj; [ -f /.dockerenv ] && wc -c </.dockerenv'
    expect_output "$(printf '0\n0')"
    step 'cat /proc/self/oom_score_adj; ls /.dockerenv'
    expect_contains 200 'No such file'
}

@test "a step that fills the disk fails, and the store works on" {
    local image=$BATS_TEST_TMPDIR/disk mount=$BATS_TEST_TMPDIR/mount
    truncate -s 100M "$image"
    mkfs.ext4 -q "$image"
    mkdir "$mount"
    mount -o loop "$image" "$mount"
    printf 'FROM busybox\nRUN cat /dev/zero > /big\n' >"$DIR/Dockerfile"
    (
        export CBUILD_ROOT=$mount/store
        "$CBUILD" import -c 'CMD ["sh"]' "$CB_BASES/busybox.tar" busybox:latest >/dev/null
        run timeout 180 "$CBUILD" build --progress=plain --network=none "$DIR"
        expect_status 1
        expect_contains 'No space left on device'
        printf 'FROM busybox\nRUN echo small > /small\n' >"$DIR/Dockerfile"
        run timeout 180 "$CBUILD" build --progress=plain --network=none "$DIR"
        expect_status 0
        run "$CBUILD" fsck --deep
        expect_status 0
    ) || { umount -l "$mount"; return 1; }
    umount "$mount"
}

# bats test_tags=root
@test "a budget of real time lets a container have real-time processes, and there is none without" {
    local fifo='chrt -f 1 echo in time' budgets='cat /sys/fs/cgroup/cpu/cpu.rt_period_us /sys/fs/cgroup/cpu/cpu.rt_runtime_us'
    if [ ! -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ]; then
        refused_option 'Your kernel does not support CPU real-time scheduler' --cpu-rt-runtime 1000
        refused_option 'Your kernel does not support CPU real-time scheduler' --cpu-rt-period 1000
        return
    fi
    "$CBUILD" import "$CB_BASES/debian.tar" debian:bookworm >/dev/null
    container --cap-add sys_nice --cpu-shares 100 debian:bookworm sh -c "$fifo 2>&1"
    expect_lacks 'in time'
    container --cap-add sys_nice --cpu-rt-runtime 2000 debian:bookworm sh -c "$fifo; $budgets"
    expect_output "$(printf '%s\n' 'in time' 1000000 2000)"
    container --cpu-rt-runtime 2000 --cpu-rt-period 500000 busybox sh -c "$budgets"
    expect_output "$(printf '%s\n' 500000 2000)"
    # of two at once each has its own
    "$CBUILD" run -d --name first --network none --cpu-rt-runtime 3000 busybox sleep "$FOREVER" >/dev/null
    container --cpu-rt-runtime 3000 busybox sh -c "$budgets"
    expect_output "$(printf '%s\n' 1000000 3000)"
    run "$CBUILD" inspect -f '{{.HostConfig.CpuRealtimePeriod}} {{.HostConfig.CpuRealtimeRuntime}}' first
    expect_output '0 3000'
    "$CBUILD" update --cpu-rt-period 2500 --cpu-rt-runtime 2000 first
    run "$CBUILD" exec first sh -c "$budgets"
    expect_output "$(printf '%s\n' 2500 2000)"
    "$CBUILD" rm -f first >/dev/null
    refused_option 'cpu real-time runtime cannot be higher than cpu real-time period' --cpu-rt-period 1000 --cpu-rt-runtime 2000
    refused_option 'invalid argument "x" for "--cpu-rt-runtime"' --cpu-rt-runtime x
    refused_option 'limit cpu' --cpu-rt-runtime 999999 --cpu-rt-period 1000000
    expect_contains 'hint: '
}
