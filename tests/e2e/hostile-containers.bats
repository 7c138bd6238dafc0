#!/usr/bin/env bats
# Containers whose processes are hostile: what they find of ours, and what those get who look into them from outside.
load helpers
bats_require_minimum_version 1.5.0

setup_file() {
    cb_store debian
    export CANARY=$BATS_FILE_TMPDIR/canary
    mkdir "$CANARY"
    echo CANARY-SECRET >"$CANARY/file"
}
teardown_file() {
    [ "$(cat "$CANARY"/*)" = CANARY-SECRET ]
    cb_drop_store
}
setup() { cb_dir; }
teardown() { cb_drop_containers; }

@test "what is executed in a container has no right, no file and no variable of ours, at no moment" {
    cat >"$DIR/spy" <<'END'
$| = 1;
my $next = $$ + 1;
my %seen;
print "ready\n";
while (1) {
    for my $pid ($next .. $next + 3) {
        next unless -d "/proc/$pid";
        $next = $pid + 1;
        for (1 .. 300) {
            open(my $status, "<", "/proc/$pid/status") or last;
            my ($effective) = grep { /^CapEff/ } <$status>;
            print "caps $1\n" if $effective =~ /(\S+)$/ && !$seen{$1}++;
            if (open(my $environment, "<", "/proc/$pid/environ")) {
                print "variable\n" if (join "", <$environment>) =~ /MARK/ && !$seen{MARK}++;
            }
            opendir(my $fds, "/proc/$pid/fd") or next;
            for (readdir $fds) {
                my $file = readlink("/proc/$pid/fd/$_");
                print "file $file\n" if defined $file && $file =~ m{^/} && !$seen{$file}++;
            }
        }
    }
}
END
    export MARK=1
    "$CBUILD" run -d --name spy --network none --cap-add SYS_PTRACE -v "$DIR/spy:/spy:ro" debian:bookworm perl /spy
    wait_until sh -c "'$CBUILD' logs spy | grep -q ready"
    for _ in 1 2 3 4 5 6; do "$CBUILD" exec spy true; done
    for _ in 1 2 3; do "$CBUILD" run --rm --network none --pid container:spy busybox true; done
    # until it had the processors long enough to see one of either
    has_seen() {
        "$CBUILD" exec spy true
        "$CBUILD" run --rm --network none --pid container:spy busybox true
        "$CBUILD" logs spy >"$DIR/seen"
        [ "$(grep -cxE 'caps 00000000a80[4c]25fb' "$DIR/seen")" -eq 2 ]
    }
    wait_until has_seen
    # It has seen something, but only its own libraries and the files by which one enters its control group.
    run bash -c "'$CBUILD' logs spy | sort -u | grep -vE '^file /(dev/|usr/|etc/|sys/fs/cgroup/.*/(tasks|cgroup.procs)$)'"
    expect_output $'caps 00000000a80425fb\ncaps 00000000a80c25fb\nready'
}

@test "exec enters a container that is full of processes, and counts among them" {
    "$CBUILD" run -d --name full --network none --pids-limit 5 busybox sh -c \
        'for i in 1 2 3; do sleep 1000 & done; echo ready; wait'
    wait_until sh -c "'$CBUILD' logs full | grep -q ready"
    "$CBUILD" exec -d full sleep 1000 # the fifth
    cbuild exec full echo there
    expect_output there
    cbuild exec full sh -c 'echo "$(echo one more)"'
    expect_contains "can't fork"
    run -127 "$CBUILD" exec full nothing
    expect_contains 'executable file not found'
}

@test "a limit of processes counts what is executed, and nothing of ours" {
    "$CBUILD" run -d --name two --network none --ulimit nproc=2:2 -u 54321 busybox sleep 1000
    cbuild exec two sh -c 'ulimit -u 2>/dev/null; echo alone; echo "$(echo one more)"'
    expect_contains alone "can't fork"
}

@test "cp takes nothing from the kernel's filesystems in a container, and ends" {
    "$CBUILD" run -d --name odd --network none busybox sh -c \
        'ln -s /proc /data; echo kept >/root/kept; echo ready; sleep 1000'
    wait_until sh -c "'$CBUILD' logs odd | grep -q ready"
    run timeout 60 "$CBUILD" cp odd:/ "$DIR/all"
    expect_status 0
    [ "$(cat "$DIR/all/root/kept")" = kept ]
    [ -d "$DIR/all/proc" ]
    [ -z "$(ls "$DIR/all/proc" "$DIR/all/sys" | grep -v :)" ]
    [ "$(timeout 60 "$CBUILD" cp odd:/ - | tar tf - | grep -E '^./(proc|sys)/.' )" = '' ]
    for path in /data/kmsg /proc/kmsg /proc/1/environ /sys/kernel /proc; do
        run timeout 60 "$CBUILD" cp "odd:$path" "$DIR/taken"
        expect_status 1
        expect_contains 'the kernel shows it' 'hint: `cbuild exec odd cat'
        [ ! -e "$DIR/taken" ]
    done
}

@test "the small files that are put into a container are no memory to fill" {
    run timeout 60 "$CBUILD" run --rm --network none --tmpfs /t busybox sh -c '
        for file in hosts hostname resolv.conf; do
            dd if=/dev/zero of=/etc/$file bs=64k count=64
            [ "$(stat -c %s /etc/$file)" -le 2000000 ] || echo "$file takes anything"
            echo 10.0.0.1 mine >/etc/$file && cat /etc/$file
        done'
    expect_status 0
    expect_contains 'No space left on device' $'10.0.0.1 mine\n'
    expect_lacks 'takes anything'
}

@test "labels do not steer a terminal, in JSON either, which still says what they are" {
    label=$'a\e]0;x\a\u009b31m\u202eb\u7f\tc'
    "$CBUILD" create --name labeled --label "k=$label" --network none busybox true >/dev/null
    "$CBUILD" volume create --label "k=$label" labeled >/dev/null
    for command in 'inspect labeled' 'volume inspect labeled' 'ps -a --format json' 'ps -a --format {{.Labels}}' 'volume ls --format json'; do
        run script -qec "'$CBUILD' $command" /dev/null
        expect_status 0
        run tr -d '\r' <<<"$output"
        not grep -q -P '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae' <<<"$output"
    done
    run script -qec "'$CBUILD' inspect labeled" /dev/null
    run jq -r '.[0].Config.Labels.k' <<<"$output"
    expect_output "$label"
    run "$CBUILD" inspect -f '{{.Config.Labels.k}}' labeled # no terminal: as it is
    expect_output "$label"
    "$CBUILD" volume rm labeled
}
