#!/usr/bin/env bats
# How steps and containers end: stray daemons, signals, terminals, and shells where a step failed.
load helpers
load helpers-hostile
load helpers-sandbox

@test "daemons that a step leaves behind end with it, and hold nothing open" {
    step "(setsid sleep $FOREVER >/dev/null 2>&1 &); setsid nohup sleep $FOREVER & cat /proc/self/stat >/dev/null; echo main ends"
    expect_status 0
    expect_contains 'main ends'
    expect_no_sleeper
}

# Where control groups are of version 1 ours are made below that of who calls us: one of its own, beside no other test's.
# Sets MADE, where they are, and OWN, what a command is put behind.
own_groups() {
    OWN="sh $BATS_TEST_TMPDIR/own"
    # shellcheck disable=SC2016 # for that script
    echo 'for dir in $OWN_GROUPS; do echo $$ >"$dir/cgroup.procs" || exit; done; exec "$@"' >"$BATS_TEST_TMPDIR/own"
    export OWN_GROUPS=
    MADE=(/sys/fs/cgroup)
    [ -d /sys/fs/cgroup/pids ] || return 0
    MADE=()
    for hierarchy in pids memory freezer; do
        mkdir "/sys/fs/cgroup/$hierarchy/own-$$"
        MADE+=("/sys/fs/cgroup/$hierarchy/own-$$")
    done
    OWN_GROUPS=${MADE[*]}
}
have_ours() { # yes|no
    for dir in "${MADE[@]}"; do
        [ "$([ -d "$dir/cbuild" ] && echo yes || echo no)" = "$1" ] || return 1
    done
}
run_five() {
    for _ in 1 2 3 4 5; do
        $OWN "$CBUILD" run --rm --network none -m 64m busybox true || echo failed
    done
}

# bats test_tags=root
@test "directories of control groups go with the last who has something in them" {
    own_groups
    $OWN "$CBUILD" run -d --network none --name kept busybox sleep "$FOREVER" >/dev/null
    have_ours yes
    $OWN "$CBUILD" run --rm --network none -m 64m busybox true
    have_ours yes
    "$CBUILD" rm -f kept
    wait_until have_ours no
    # one that a killed launcher has left, where the next has nothing to limit
    [ -z "$OWN_GROUPS" ] || mkdir "${MADE[1]}/cbuild"
    $OWN "$CBUILD" run --rm --network none busybox true
    wait_until have_ours no
    # who begins just then makes them anew
    for i in 1 2 3 4; do run_five >"$BATS_TEST_TMPDIR/out.$i" 2>&1 & done
    wait
    run cat "$BATS_TEST_TMPDIR"/out.*
    expect_output ''
    wait_until have_ours no
    [ -z "$OWN_GROUPS" ] || rmdir "${MADE[@]}"
}

@test "with the host's processes in sight, what it started still ends with a container" {
    run timeout 60 "$CBUILD" run --rm --network none --pid host busybox sh -c "(setsid sleep $FOREVER &); sleep 0.1; echo started"
    expect_output started
    expect_no_sleeper
}

@test "a builder that is killed takes its steps along" {
    printf 'FROM busybox\nRUN setsid sleep %s & sleep %s\n' "$FOREVER" "$FOREVER" >"$DIR/Dockerfile"
    "$CBUILD" build --progress=plain --network=none --no-cache "$DIR" >/dev/null 2>&1 &
    pid=$!
    wait_until pgrep -f "sleep $FOREVER"
    kill -9 "$pid"
    wait "$pid" || true # its lease is let go of when all of it is gone
    wait_until not pgrep -f "sleep $FOREVER"
    "$CBUILD" prune -f >/dev/null
}

@test "builds that are killed at any moment leave nothing for longer than to the next one" {
    run "$BATS_TEST_DIRNAME/../stress/builder-kill.sh" "$CBUILD" "$STORE" 6
    expect_status 0
    expect_contains 'nothing is left'
}

@test "SIGTERM ends a build, its step and its mounts, as does the end of the terminal" {
    printf 'FROM busybox\nRUN --mount=type=cache,target=/c trap "" TERM; sleep %s\n' "$FOREVER" >"$DIR/Dockerfile"
    for signal in TERM:143 HUP:129; do
        "$CBUILD" build --progress=plain --network=none --no-cache "$DIR" >/dev/null 2>&1 &
        pid=$!
        wait_until pgrep -f "sleep $FOREVER"
        kill "-${signal%:*}" "$pid"
        status=0
        wait "$pid" || status=$?
        [ "$status" -eq "${signal#*:}" ]
        expect_no_sleeper
    done
}

@test "--stop-signal and --stop-timeout say what SIGTERM means to a container" {
    "$CBUILD" run --rm --network none --stop-signal USR1 busybox sh -c 'trap "echo stopped; exit 6" USR1; echo up; while :; do sleep 0.05; done' >"$DIR/out" 2>&1 &
    pid=$!
    wait_until grep -q up "$DIR/out"
    kill "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 6 ]
    grep -q stopped "$DIR/out"
    "$CBUILD" run --rm --network none --stop-timeout 1 busybox sh -c 'trap "" TERM; echo up; while :; do sleep 0.05; done' >"$DIR/out" 2>&1 &
    pid=$!
    wait_until grep -q up "$DIR/out"
    kill "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 137 ]
    cbuild run --rm --stop-signal NOPE busybox true
    expect_status 125
    expect_contains 'invalid signal: NOPE'
    # neither never nor after a second
    for seconds in 4294967297 99999999999999999999; do
        cbuild run --rm --network none --stop-timeout "$seconds" busybox true
        expect_status 125
        expect_contains 'expected a number of seconds'
    done
}

@test "a step on a terminal has none itself" {
    printf 'FROM busybox\nRUN tty; cat; (echo x > /dev/tty) 2>&1; ls -l /proc/self/fd/0\n' >"$DIR/Dockerfile"
    on_terminal 'send:typed' -- "$CBUILD" build --progress=plain --network=none --no-cache "$DIR"
    expect_status 0
    expect_contains 'not a tty' "can't create /dev/tty" '-> /dev/null'
}

@test "the program of the host that runs a step cannot be opened for writing" {
    gcc -O1 -nostdlib -static-pie -fPIE -fno-stack-protector -o "$DIR/linker" "$CB_TOP/tests/lib/linker.c"
    printf '#!/proc/self/exe\n' >"$DIR/script"
    chmod +x "$DIR/script"
    # A copy that travels alone is its own launcher, with a linker that the image can give it.
    # EROFS; or ETXTBSY of a sealed copy, where a kernel has no calls for mounts by descriptor
    cp "$CBUILD" "$BATS_TEST_TMPDIR/alone"
    refused=$([ -n "${CB_OUTER_SECCOMP:-}" ] && echo 26 || echo 30)
    codes=([0]=$refused [1]=2) # cbuild-launcher needs no linker
    [ -e "${CBUILD%/*}/cbuild-launcher" ] || codes[1]=$refused
    for linker in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do
        [ -e "$linker" ] || continue
        for how in 'SHELL ["/proc/self/exe"]\nRUN x' 'COPY script /s\nRUN ["/s"]'; do
            printf "FROM busybox\nCOPY linker %s\n$how\n" "$linker" >"$DIR/Dockerfile"
            CBUILD=$BATS_TEST_TMPDIR/alone build --network=none
            expect_status 1
            expect_contains "exit code: ${codes[0]}"
            build --network=none
            expect_status 1
            expect_contains "exit code: ${codes[1]}"
        done
    done
}

@test "who sees the launcher's process cannot open its program for writing either" {
    cp "$CBUILD" "$BATS_TEST_TMPDIR/alone"
    for program in "$CBUILD" "$BATS_TEST_TMPDIR/alone"; do
        run "$program" run --rm --network none --privileged --pid host busybox sh -c 'cat /proc/$PPID/comm; : >/proc/$PPID/exe'
        expect_status 1
        expect_contains cbuild-launcher "$([ -n "${CB_OUTER_SECCOMP:-}" ] && echo 'Text file busy' || echo 'Read-only file system')"
    done
}

@test "a launcher's program is taken from where only the program's owner writes, and only the one made with it" {
    [ -e "${CBUILD%/*}/cbuild-launcher" ] || return 0 # the build has none, with sanitizers
    place=$BATS_TEST_TMPDIR/place
    mkdir "$place"
    cp "$CBUILD" "$place/cbuild"
    cp "${CBUILD%/*}/cbuild-launcher" "$place/"
    seen() { "$place/cbuild" run --rm --network none --privileged --pid host busybox sh -c 'stat -Lc %s /proc/$PPID/exe'; }
    small=$(stat -c %s "$place/cbuild-launcher")
    [ "$(seen)" = "$small" ]
    chmod o+w "$place"
    [ "$(seen)" != "$small" ]
    chmod 1777 "$place"
    [ "$(seen)" != "$small" ]
    chmod 755 "$place"
    chmod g+w "$place/cbuild-launcher"
    [ "$(seen)" != "$small" ]
    chmod 755 "$place/cbuild-launcher"
    [ "$(seen)" = "$small" ]
    cp /bin/true "$place/cbuild-launcher"
    [ "$(seen)" != "$(stat -c %s "$place/cbuild-launcher")" ]
}

@test "--keep-failed keeps the files of a failed step, and debug opens a shell in them" {
    printf 'FROM busybox\nWORKDIR /w\nENV A=kept\nRUN --mount=type=secret,id=s echo made > f; exit 7\n' >"$DIR/Dockerfile"
    SECRET=hush-hush build --network=none --secret id=s,env=SECRET --keep-failed
    expect_status 1
    expect_contains 'are kept as snapshot' 'cbuild debug '
    before=$(left_behind)
    id=$(sed -n 's/.*`cbuild debug \([0-9a-f]*\)`.*/\1/p' <<<"$output")
    run grep -r hush-hush "$STORE/builds"
    expect_output ''
    cbuild debug "$id" </dev/null
    expect_status 1
    expect_contains 'not a TTY'
    on_terminal 'send:cat f; pwd; echo $A; tty; cat /run/secrets/s; exit 5\n' -- "$CBUILD" debug "$id"
    expect_status 5
    expect_contains $'made\n/w\nkept\n/dev/' 'exit code: 7' "can't open '/run/secrets/s'"
    on_terminal 'send:echo more > g; exit\n' -- "$CBUILD" debug
    on_terminal 'send:cat f g; exit\n' -- "$CBUILD" debug
    expect_contains $'made\nmore'
    "$CBUILD" prune -f >/dev/null
    on_terminal 'send:cat f g; exit\n' -- "$CBUILD" debug
    expect_contains $'made\nmore'
    "$CBUILD" builds rm "$id"
    cbuild debug "$id"
    expect_status 1
    expect_contains 'no such build'
    fsck_clean
    before=$(left_behind)
}

@test "debug of a build that kept nothing says how to keep it" {
    printf 'FROM busybox\nRUN exit 3\n' >"$DIR/Dockerfile"
    build --network=none
    expect_status 1
    cbuild debug
    expect_status 1
    expect_contains 'kept no step' '--keep-failed'
}

@test "--on-error=shell opens a shell in the sandbox of the step, with its mounts" {
    printf 'FROM busybox\nRUN --mount=type=secret,id=s --mount=type=tmpfs,target=/t echo made > /f; exit 7\n' >"$DIR/Dockerfile"
    SECRET=hush-hush on_terminal 'send:cat /f /run/secrets/s; grep -c " /t " /proc/mounts; hostname; exit 9\n' -- \
        "$CBUILD" build --progress=plain --network=none --secret id=s,env=SECRET --on-error=shell "$DIR"
    expect_status 1
    expect_contains $'made\nhush-hush' buildkitsandbox 'exit code: 7' "a shell in the step's sandbox"
    build --network=none --on-error=shell --secret id=s,src="$DIR/Dockerfile"
    expect_status 1
    expect_contains 'cbuild debug '
    build --on-error=stop
    expect_status 1
    expect_contains 'invalid argument "stop" for "--on-error" flag: expected shell'
    "$CBUILD" builds rm -a >/dev/null
    before=$(left_behind)
}
