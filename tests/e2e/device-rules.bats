#!/usr/bin/env bats
# --device-cgroup-rule: devices by number, through nodes that the container makes itself.
load helpers
load helpers-hostile
load helpers-sandbox

container() {
    run timeout 60 "$CBUILD" run --rm --network none "$@"
}
inspected() { # inspected FORMAT OPTION…: of a container that is made with them
    local name=rules-$BATS_TEST_NUMBER format=$1
    shift
    "$CBUILD" create --name "$name" --network none "$@" busybox true
    run "$CBUILD" inspect -f "$format" "$name"
    "$CBUILD" rm "$name" >/dev/null
}

# bats test_tags=root
@test "a node that is made can be opened with a rule for its number, and no other can" {
    local try='mknod /n c 1 3 && echo made; (echo x >/n) 2>&1 && echo opened'
    container busybox sh -c "$try"
    expect_contains made "can't create /n: Permission denied"
    container --device-cgroup-rule 'c 1:11 w' busybox sh -c 'mknod /k c 1 11; (exec 3>/k) && echo opened; (exec 3<>/k) 2>&1
        mknod /m c 1 1; mknod /dev/m c 1 1; head -c1 /m 2>&1; head -c1 /dev/m 2>&1; mknod /b b 1 11; head -c1 /b 2>&1'
    expect_contains opened "can't create /k: Operation not permitted" '/m: Operation not permitted' '/dev/m: Operation not permitted' \
        '/b: Operation not permitted'
    for rules in 'c 1:* rwm' 'a *:* rwm' 'a 1:11 rw' 'c *:11 wr'; do
        container --device-cgroup-rule "$rules" busybox sh -c 'mknod /p c 1 11 && exec 3>/p && echo opened'
        expect_output opened || { echo "$rules"; return 1; }
    done
    container --device-cgroup-rule 'b *:* rwm' busybox sh -c 'mknod /p c 1 11; echo x >/p'
    expect_contains 'Operation not permitted'
}

# bats test_tags=root
@test "with a rule everything else is refused but the usual devices and those that are named" {
    local loop ruled
    truncate -s 1M "$BATS_TEST_TMPDIR/image" "$BATS_TEST_TMPDIR/other"
    loop=$(losetup -f --show "$BATS_TEST_TMPDIR/image")
    ruled=$(losetup -f --show "$BATS_TEST_TMPDIR/other")
    container -t --device-cgroup-rule "b 7:${ruled##*loop} r" --device-cgroup-rule 'c 1:11 w' --device "$loop:/dev/l:r" busybox sh -c '
        for d in null zero full random urandom tty console ptmx; do (exec 3<>/dev/$d) || echo no $d; done
        mknod /n c 1 5; head -c2 /n | wc -c
        head -c4 /dev/l | wc -c; (echo x >/dev/l) 2>&1
        mknod /o b 7 '"${loop##*loop}"'; head -c4 /o | wc -c; (echo x >/o) 2>&1
        mknod /p b 7 '"${ruled##*loop}"'; head -c4 /p | wc -c; (echo x >/p) 2>&1; mknod /k c 1 11; exec 3>/k && echo log'
    losetup -d "$loop"
    losetup -d "$ruled"
    expect_lacks 'no '
    run tr -d '\r' <<<"$output"
    expect_output "$(printf '%s\n' 2 4 "sh: can't create /dev/l: Operation not permitted" 4 "sh: can't create /o: Operation not permitted" \
        4 "sh: can't create /p: Operation not permitted" log)"
    # volumes may have nodes as well; a tmpfs has none, with docker either
    container --device-cgroup-rule 'c 1:11 w' -v "$BATS_TEST_TMPDIR:/v" --tmpfs /t busybox sh -c 'for d in v t; do mknod /$d/p c 1 11; (exec 3>/$d/p) 2>&1 && echo opened; done'
    expect_contains opened "can't create /t/p: Permission denied"
    container --device-cgroup-rule 'c 1:11 w' --cap-drop mknod busybox mknod /p c 1 11
    expect_contains 'Operation not permitted'
}

# bats test_tags=root
@test "a device by CDI name can be used beside rules, as far as it is one" {
    mkdir "$DIR/cdi"
    cat >"$DIR/cdi/x.json" <<'END'
{"cdiVersion": "0.5.0", "kind": "vendor.example/thing", "devices": [
 {"name": "log", "containerEdits": {"deviceNodes": [{"path": "/dev/thing", "hostPath": "/dev/kmsg"}]}}]}
END
    container --cdi-spec-dir "$DIR/cdi" --device vendor.example/thing=log --device-cgroup-rule 'b 7:1 r' busybox sh -c '(exec 3>/dev/thing) && echo opened
        mknod /k c 1 1; (exec 3>/k) 2>&1'
    expect_contains opened "can't create /k: Operation not permitted"
    container --device-cgroup-rule 'b 7:1 r' busybox sh -c 'mknod /k c 1 11; (exec 3>/k) 2>&1'
    expect_output "sh: can't create /k: Operation not permitted"
}

# bats test_tags=root
@test "a rule holds for what is started in the container later, and is in its record" {
    "$CBUILD" run -d --name ruled --network none --device-cgroup-rule 'c 1:11 w' --device-cgroup-rule 'c 1:11 m' busybox sleep "$FOREVER" >/dev/null
    run "$CBUILD" exec ruled sh -c 'mknod /k c 1 11 && (exec 3>/k) && echo opened; mknod /m c 1 1; head -c1 /m 2>&1'
    expect_contains opened '/m: Operation not permitted'
    run "$CBUILD" inspect -f '{{json .HostConfig.DeviceCgroupRules}}' ruled
    expect_output '["c 1:11 w","c 1:11 m"]'
    "$CBUILD" update --memory 64m --memory-swap 128m ruled >/dev/null
    run "$CBUILD" exec ruled sh -c '(exec 3>/k) && echo opened; head -c1 /m 2>&1'
    expect_contains opened '/m: Operation not permitted'
    "$CBUILD" rm -f ruled >/dev/null
    inspected '{{json .HostConfig.DeviceCgroupRules}}'
    expect_output null
    # who has everything is not limited by a rule
    container --privileged --device-cgroup-rule 'c 1:11 r' busybox sh -c 'mknod /b b 7 0 && mknod /m c 1 11 && exec 3>/m && echo opened'
    expect_output opened
}

@test "what is no rule is refused in docker's words" {
    for bad in x 'c 1:3' 'c 1:3 rwx' 'd 1:3 r' 'c 1:3 rwmr' 'c 1: r' 'c :1 r' 'c 1:3  r' 'c 1:3 r ' 'c -1:3 r' 'c1:3 r' 'c 1*:3 r' ''; do
        container --device-cgroup-rule "$bad" busybox true
        expect_status 125
        expect_contains "invalid argument \"$bad\" for \"--device-cgroup-rule\" flag: invalid device cgroup format '$bad'"
    done
    container --privileged --device-cgroup-rule x busybox true
    expect_status 125
    container --device-cgroup-rule 'c 99999999999:1 r' busybox true
    expect_status 125
}
