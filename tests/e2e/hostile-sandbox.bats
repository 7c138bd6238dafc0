#!/usr/bin/env bats
# RUN steps and images that try to get out, to stay behind, or to take the machine along.
load helpers
load helpers-hostile
load helpers-sandbox

@test "a step inherits no descriptor and sees no process, socket or program of the builder" {
    step 'ls /proc/1/fd; ls /proc >/list; grep -c "^[0-9]" /list; wc -l < /proc/net/unix; readlink /proc/1/exe; grep Groups /proc/self/status'
    expect_status 0
    run sed -n 's/^#2 [0-9.]* //p' <<<"$output"
    expect_output "$(printf '0\n1\n2\n2\n1\n/bin/busybox\nGroups:\t0 ')"
}

@test "the builder's own program cannot be overwritten through /proc/self/exe" {
    sum=$(sha256sum "$CBUILD")
    printf 'FROM busybox\nSHELL ["/proc/self/exe"]\nRUN x\n' >"$DIR/Dockerfile"
    run timeout 60 "$CBUILD" build --progress=plain --network=none "$DIR"
    expect_status 1
    printf '#!/proc/self/exe\n' >"$DIR/script"
    chmod +x "$DIR/script"
    printf 'FROM busybox\nCOPY script /bin/evil\nRUN ["/bin/evil"]\n' >"$DIR/Dockerfile"
    run timeout 60 "$CBUILD" build --progress=plain --network=none "$DIR"
    expect_status 1
    step 'for p in /proc/[0-9]*; do (echo x > $p/exe) 2>&1; done; true'
    expect_status 0
    [ "$(sha256sum "$CBUILD")" = "$sum" ]
}

@test "WORKDIR /proc/self/fd/N is a directory of the image or an error" {
    for n in $(seq 3 20); do
        printf 'FROM busybox\nWORKDIR /proc/self/fd/%s\nRUN cat ../../../etc/hostname ../../../../etc/hostname; ls ../..; true\n' "$n" >"$DIR/Dockerfile"
        run timeout 60 "$CBUILD" build --progress=plain --network=none "$DIR"
        expect_lacks "$(cat /etc/hostname)"
        expect_lacks home
    done
    run timeout 60 "$CBUILD" run --rm --network none -w /proc/self/cwd/../../.. busybox ls
    expect_lacks home
}

@test "images whose /dev, /proc, /sys, /etc and /tmp are links" {
    for name in dev proc sys; do
        for kind in '' -rel; do
            taken "$name-symlink$kind"
            BASE=evil-$name-symlink$kind step 'true'
            expect_status 1
            expect_contains "\`/$name\` of the image is not a directory"
        done
    done
    for name in etc tmp; do
        for kind in '' -rel; do
            taken "$name-symlink$kind"
            BASE=evil-$name-symlink$kind step 'true'
            expect_status 0
            canary_ok
        done
    done
}

@test "images with links in place of resolv.conf, /dev/null, /dev/pts" {
    taken resolv-symlink
    BASE=evil-resolv-symlink step 'echo x >> /etc/hosts; echo x >> /etc/resolv.conf; true'
    canary_ok
    taken dev-null-symlink
    BASE=evil-dev-null-symlink step 'echo /tmp/pwned > /dev/null; ls -l /dev/null'
    expect_status 0
    canary_ok
}

@test "mount points that the step turns into links: cleaning up follows none" {
    step "--mount=type=tmpfs,target=/a/b/c umount /a/b/c 2>/dev/null; mv /a /old; ln -s $CANARY /a"
    canary_ok
    step "--mount=type=tmpfs,target=/x/b --mount=type=tmpfs,target=/y/c mv /x /z; ln -s $CANARY /x; true"
    canary_ok
    step "--mount=type=secret,id=s,target=/q/w/f mv /q /z; ln -s $CANARY /q; true" --secret "id=s,src=$DIR/Dockerfile"
    canary_ok
}

@test "cache mounts: ids and sources that are paths, links that the step leaves" {
    step "--mount=type=cache,id=../../../../../..$CANARY,target=/m touch /m/planted"
    expect_status 0
    canary_ok
    step "--mount=type=cache,id=x,target=/m rm -rf /m/d; ln -s $CANARY /m/d; ln -s ../../../../../../../..$CANARY /m/e"
    expect_status 0
    for source in d e d/../.. ../.. /; do
        step "--mount=type=cache,id=x,target=/m,source=$source ls /m; cat /m/f; touch /m/planted"
        canary_ok
        expect_lacks 'the text of the canary'
    done
}

@test "bind mounts from images whose directories are links" {
    taken bind-src-sym
    for source in rootdir outdir updir ../../.. "rootdir/$CANARY"; do
        step "--mount=type=bind,from=evil-bind-src-sym,source=$source,target=/m,rw ls /m; cat /m/f; touch /m/planted; true"
        canary_ok
        expect_lacks 'the text of the canary'
        expect_lacks home
    done
    ln -s "$CANARY" "$DIR/link"
    step "--mount=type=bind,source=link,target=/m,rw ls /m; cat /m/f; touch /m/planted; true"
    canary_ok
    expect_lacks 'the text of the canary'
}

@test "mount options: a closed set, and targets that carry the sandbox are refused" {
    for bad in bind-propagation=shared relabel=z type=bind,target=/x,rshared type=bind,target=/x,suid type=tmpfs,target=/x,size=-1 \
        type=tmpfs,target=/x,size=99999999999999999999 type=cache,target=/x,uid=-1 type=cache,target=/x,uid=4294967296 \
        type=cache,target=/x,mode=99999 type=cache,target=/x,sharing=evil type=,target=/x type=bind '=,=' type=tmpfs,target=/ \
        type=tmpfs,target=. type=tmpfs,target=/proc type=tmpfs,target=/proc/self type=tmpfs,target=/proc/../proc/x \
        type=tmpfs,target=//proc type=tmpfs,target=/sys type=tmpfs,target=/sys/fs/cgroup type=tmpfs,target=/dev \
        type=cache,target=/dev type=bind,from=busybox,target=/proc type=secret,id=x,required,target=/proc/1/x; do
        step "--mount=$bad true"
        [ "$status" -eq 1 ] || { echo "$bad: $output"; return 1; }
        expect_contains 'Dockerfile:2:'
    done
    # through a link of the image as well
    BASE=evil-bind-src-sym
    for target in /rootdir/proc /rootdir; do
        step "--mount=type=tmpfs,target=$target true"
        expect_status 1
    done
}

@test "kernel settings are read-only or hidden, and stay as they are" {
    step 'for f in kernel/core_pattern kernel/panic vm/drop_caches kernel/modprobe fs/suid_dumpable; do (echo x > /proc/sys/$f) 2>/dev/null && echo wrote $f; done; for f in /proc/sysrq-trigger /sys/kernel/uevent_helper /sys/fs/cgroup/release_agent /proc/1/oom_score_adj; do (echo -1000 > $f) 2>/dev/null && echo wrote $f; done; head -c 1 /proc/kcore | wc -c; cat /proc/keys | wc -c; exit 9'
    expect_status 1
    expect_lacks 'wrote /proc/sys'
    expect_lacks 'wrote /sys'
    expect_lacks 'wrote kernel'
}

@test "killing everything in sight, and processes that stay behind, end with the step" {
    step "(setsid sleep $FOREVER &); (nohup sleep $FOREVER &) ; kill -9 -1; true"
    expect_status 0
    expect_no_sleeper
}

# bats test_tags=root
@test "a memory eater dies alone and is named" {
    step 'tail /dev/zero' --memory 64m
    expect_status 1
    expect_contains 'Dockerfile:2:' 'out of memory' '--memory'
}

@test "a step that closes and floods its output ends like any other" {
    step 'exec >&- 2>&-; exit 3'
    expect_status 1
    expect_contains 'exit code: 3'
    step 'yes | head -c 20000000 | tr -d "\n"'
    expect_status 0
    step "printf 'a\\\\000b\\\\033[2J\\\\r\\\\377'; exit 4"
    expect_status 1
    expect_no_controls
}

@test "hosts, environment and names with line ends are refused" {
    for host in $'a:1.2.3.4\n5.6.7.8 b' a: :1 a:999.1.1.1 $'a\tb:1.1.1.1' 'a b:1.1.1.1'; do
        step 'cat /etc/hosts' --add-host "$host"
        [ "$status" -eq 125 ] || { echo "$host: $output"; return 1; }
        expect_lacks '5.6.7.8	b'
    done
    run timeout 60 "$CBUILD" run --rm --network none --hostname $'a\nb' busybox hostname
    expect_status 125
}

@test "secrets: not in the arguments or the environment of the builder, not in the next step" {
    secret=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
    mkfifo "$BATS_TEST_TMPDIR/go"
    SECRET_VALUE=$secret run timeout 60 "$CBUILD" build --progress=plain --network=none --secret id=a,env=SECRET_VALUE - <<'END'
FROM busybox
RUN --mount=type=secret,id=a cat /run/secrets/a | md5sum; grep -c . /proc/1/cmdline; cat /proc/*/environ | tr '\0' '\n'; mount | grep secrets
RUN cat /run/secrets/a; env; find / -xdev -name a -type f; true
END
    expect_status 0
    expect_lacks "$secret"
    run grep -r -l -- "$secret" "$STORE"
    expect_output ''
}

@test "an image that carries triggers cannot ask for what the user did not give" {
    printf 'FROM busybox\nONBUILD RUN --mount=type=secret,id=aws,required cat /run/secrets/aws\n' >"$DIR/Dockerfile"
    build_ok
    "$CBUILD" tag img trigger
    printf 'FROM trigger\n' >"$DIR/Dockerfile"
    build --network=none
    expect_status 1
    expect_contains aws
    for trigger in 'FROM scratch' 'ONBUILD RUN true' 'MAINTAINER x'; do
        printf 'FROM busybox\nONBUILD %s\n' "$trigger" >"$DIR/Dockerfile"
        build
        expect_status 1
    done
}

# Of devices, as seen from outside the sandbox. That of a terminal has another time whenever somebody writes to one.
nodes() {
    stat -c '%n %a %u %g' /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty
    stat -c '%n %Y' /dev/null /dev/zero /dev/full /dev/random /dev/urandom
    find /dev/tty -newermt @86400 # 2 January 1970
}

@test "device nodes are the step's own: the host's keep mode, owner and times" {
    nodes >"$BATS_TEST_TMPDIR/before"
    step 'for n in null zero full random urandom tty; do \
        chmod 0 /dev/$n; chown 5:5 /dev/$n; touch -d @1 /dev/$n; done; chmod 0 /proc/keys /proc/kcore; true'
    expect_status 0
    run timeout 60 "$CBUILD" run --rm --network none busybox sh -c \
        'chmod 640 /dev/null /dev/full; chown 5 /dev/zero; touch -d @1 /dev/tty; chmod 0 /proc/keys; true'
    nodes | diff "$BATS_TEST_TMPDIR/before" -
    step 'echo x >/dev/null && [ -w /dev/null ] && [ "$(head -c 3 /dev/zero | wc -c)" = 3 ] && ! echo y >/dev/full'
    expect_status 0
}

@test "a container in the foreground gets no descriptor of a file or a device of ours" {
    echo in >"$DIR/input"
    chmod 600 "$DIR/input"
    nodes >"$BATS_TEST_TMPDIR/before"
    timeout 60 "$CBUILD" run --rm -i --network none busybox sh -c \
        'chmod 777 /proc/self/fd/0 /proc/self/fd/1; chown 5 /proc/self/fd/2; cat' \
        <"$DIR/input" >"$DIR/output" 2>/dev/full
    [ "$(cat "$DIR/output")" = in ]
    [ "$(stat -c %a "$DIR/input")" = 600 ]
    [ "$(stat -c %a "$DIR/output")" = 644 ]
    timeout 60 "$CBUILD" run --rm -i --network none busybox sh -c \
        'chmod 0 /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2; true' </dev/null >/dev/null 2>&1
    nodes | diff "$BATS_TEST_TMPDIR/before" -
}

@test "what a container writes to one file by both streams keeps its order" {
    timeout 60 "$CBUILD" run --rm --network none busybox sh -c \
        'for i in 1 2 3; do echo o$i; echo e$i >&2; done' >"$DIR/both" 2>&1
    [ "$(tr '\n' ' ' <"$DIR/both")" = 'o1 e1 o2 e2 o3 e3 ' ]
    run timeout 60 sh -c '"$CBUILD" run --rm --network none busybox echo x >/dev/full'
    expect_status 125
    expect_contains 'no space left on device'
}
