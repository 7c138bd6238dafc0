#!/usr/bin/env bats
# Ordinary users: the same images as root's, no other rights than their own.
load helpers
load helpers-rootless
load helpers-registry

setup_file() {
    cb_users
    cb_store
    "$CBUILD" import "$CB_BASES/debian.tar" debian:bookworm >/dev/null
    "$CBUILD" save -o "$USERS/busybox-image.tar" busybox
    chmod 644 "$USERS/busybox-image.tar"
    as cbtest cbuild load -i "$USERS/busybox-image.tar"
    as cbsingle cbuild load -i "$USERS/busybox-image.tar"
}
teardown_file() {
    cb_drop_store
    cb_drop_users
}

# A Dockerfile with many owners, modes and deletions; runs without a network.
many_owners() {
    shared_context <<'END'
FROM busybox
RUN echo app:x:1234:1234::/home/app:/bin/sh >> /etc/passwd && mkdir -m 700 -p /home/app && chown 1234:1234 /home/app && mkdir -p /srv/a/b /gone && echo x > /srv/a/b/f && chown -R 1234:65534 /srv
RUN echo root > /r && chown 33:44 /r && chmod 6755 /r && mkfifo /pipe && ln /r /r2 && ln -s /r /link
COPY --chown=65534:1234 tree /tree
COPY --chmod=4711 tree/one /one
RUN rm -rf /gone /usr/share && mkdir -p /usr/share && rm /r2 && mv /srv/a /srv/c
USER app
WORKDIR /home/app
RUN id -u > ids; id -G >> ids; touch mine; mkdir -m 1777 sticky
USER root
RUN chown -h 7:8 /link; setfattr -n user.x -v y /one 2>/dev/null; rm -r /srv/c/b; mkdir /srv/c/b
END
    mkdir -p "$DIR/tree/sub"
    echo 1 >"$DIR/tree/one"
    echo 2 >"$DIR/tree/sub/two"
    chmod -R a+rX "$DIR"
}

@test "an ordinary user's build gives root's image, byte for byte" {
    many_owners
    export SOURCE_DATE_EPOCH=1700000000
    run "$CBUILD" build --network=none --no-cache --iidfile "$DIR/root.id" -t same "$DIR"
    expect_status 0
    as_ok cbtest env SOURCE_DATE_EPOCH=1700000000 cbuild build --network=none --no-cache --iidfile user.id -t same "$DIR"
    run diff <("$CBUILD" inspect same | jq '.[0].RootFS') <(as cbtest cbuild inspect same | jq '.[0].RootFS')
    expect_output ''
    [ "$(cat "$DIR/root.id")" = "$(cat "$USERS/cbtest/user.id")" ]
    # … and root's docker takes what the user saved for the same tree.
    as_ok cbtest cbuild save -o user.tar same
    "$CBUILD" save -o "$DIR/root.tar" same
    cmp "$DIR/root.tar" "$USERS/cbtest/user.tar"
}

@test "capabilities and other attributes of files are what they are for root" {
    mkdir "$BATS_TEST_TMPDIR/l"
    cp /bin/true "$BATS_TEST_TMPDIR/l/ping"
    setcap cap_net_raw+ep "$BATS_TEST_TMPDIR/l/ping"
    setfattr -n user.foo -v bar "$BATS_TEST_TMPDIR/l/ping"
    tar --xattrs --xattrs-include='*' --format=pax -cf "$USERS/cap.tar" -C "$BATS_TEST_TMPDIR/l" ping
    shared_context <<'END'
FROM cap AS a
FROM scratch
COPY --from=a /ping /ping
END
    export SOURCE_DATE_EPOCH=1700000000
    "$CBUILD" import "$USERS/cap.tar" cap
    run "$CBUILD" build -q -t copied "$DIR"
    expect_status 0
    id=$output
    as_ok cbtest cbuild import "$USERS/cap.tar" cap
    as_ok cbtest env SOURCE_DATE_EPOCH=1700000000 cbuild build -q -t copied "$DIR"
    expect_output "$id"
    as_ok cbtest cbuild save -o cap.tar copied
    grep -aq SCHILY.xattr.security.capability "$USERS/cbtest/cap.tar"
}

@test "fuse-overlayfs, where the kernel's overlay cannot be had, gives the same image" {
    many_owners
    export SOURCE_DATE_EPOCH=1700000000
    run "$CBUILD" build --network=none --iidfile "$DIR/root.id" -t same "$DIR"
    expect_status 0
    as_ok cbtest env CBUILD_STORAGE_DRIVER=fuse-overlayfs cbuild --root "$USERS/cbtest/fuse" load -i "$USERS/busybox-image.tar"
    as_ok cbtest env SOURCE_DATE_EPOCH=1700000000 cbuild --root "$USERS/cbtest/fuse" build --network=none --iidfile fuse.id "$DIR"
    [ "$(cat "$DIR/root.id")" = "$(cat "$USERS/cbtest/fuse.id")" ]
    as_ok cbtest cbuild --root "$USERS/cbtest/fuse" info
    expect_contains fuse-overlayfs-userxattr
    run pgrep -u cbtest -f "fuse-overlayfs .*$USERS"
    expect_output ''
}

@test "a store is used with what it was made with" {
    run as cbtest unshare --user --map-root-user cbuild images
    expect_status 0
    run unshare --user --map-root-user --mount "$CBUILD" images
    expect_status 1
    expect_contains 'outside of a user namespace' --root
    # One from before the choice is root's, with the kernel's overlay.
    mv "$STORE/driver" "$STORE/driver.old"
    run "$CBUILD" images
    expect_status 0
    echo zfs >"$STORE/driver"
    run "$CBUILD" images
    mv "$STORE/driver.old" "$STORE/driver"
    expect_status 1
    expect_contains 'unknown driver `zfs`'
    run as cbtest env CBUILD_STORAGE_DRIVER=zfs cbuild --root "$USERS/cbtest/none" load -i "$USERS/busybox-image.tar"
    expect_status 1
    expect_contains 'no driver `zfs`'
}

@test "info says what there is, and fails when a build would" {
    as_ok cbtest cbuild info
    expect_contains rootless '0 to 65536' overlay-userxattr "$USERS/cbtest/.local/share/cbuild"
    as_ok cbsingle cbuild info --format json
    [ "$(jq -r '.mode, .ids, .driver' <<<"$output" | paste -sd ' ')" = 'rootless single overlay-userxattr' ]
    expect_contains 'no line for cbsingle'
    # What it tells of it has tried: here nobody but root may open the device that networks need.
    run unshare -m sh -c 'mount -t tmpfs tmpfs /dev/net && mknod -m 600 /dev/net/tun c 10 200 && cd / && exec runuser -u cbtest -- env -i PATH=/usr/bin:/bin HOME="$0/cbtest" "$0/cbuild" info' "$USERS"
    expect_status 0
    expect_contains 'Network helper  none (' '`/dev/net/tun`: Permission denied' 'udev'
    run setpriv --bounding-set=-all,+sys_admin --inh-caps=-all "$CBUILD" info
    expect_status 1
    expect_contains 'Sandbox         none: '
    as_ok cbtest "$CBUILD" --version
    run "$CBUILD" info
    expect_status 0
    expect_contains 'Mode            root' 'Driver          overlay'
    run as cbtest cbuild --root /proc/none info
    expect_status 1
    expect_contains 'Store           none'
}

@test "what a step sees: root, every id of the user's, docker's capabilities, and nothing of the host" {
    shared_context <<'END'
FROM busybox
RUN id -u; grep CapEff /proc/self/status; cat /proc/self/oom_score_adj; touch /f; chown 65535:65535 /f; stat -c %u:%g /f
RUN head -c1 /dev/urandom | wc -c; echo x > /dev/null; ls -d /sys/kernel /proc/1; (echo 1 > /proc/sys/kernel/panic) 2>&1 | grep -o 'Read-only.*'
RUN mknod /n c 1 3 2>&1 | grep -o 'not permitted'; mount -t tmpfs x /tmp 2>&1 | grep -o 'ermission denied\|not permitted' | head -n1
USER nobody
RUN id -u; id -G; touch /tmp/n; stat -c %U /tmp/n; grep CapEff /proc/self/status
END
    as_ok cbtest cbuild build --progress=plain --network=none "$DIR"
    run sed -n 's/^#[0-9]* [0-9.]* //p' <<<"$output"
    expect_output '0
CapEff:	00000000a80425fb
200
65535:65535
1
/proc/1
/sys/kernel
Read-only file system
not permitted
ermission denied
65534
65534
nobody
CapEff:	0000000000000000'
}

@test "caches, secrets, bind mounts, tmpfs; the second build runs nothing" {
    shared_context <<'END'
FROM busybox AS src
RUN echo staged > /s && chown 12:13 /s
FROM busybox
ARG N
RUN --mount=type=cache,target=/c,uid=77,mode=0750 stat -c %u:%a /c; echo $N >> /c/log; cp /c/log /log
RUN --mount=type=secret,id=key,uid=77 stat -c %u:%a /run/secrets/key && wc -c < /run/secrets/key
RUN --mount=from=src,source=/s,target=/in stat -c %u:%g /in
RUN --mount=type=tmpfs,target=/t,size=1m dd if=/dev/zero of=/t/x bs=1M count=2 2>&1 | grep -o 'No space'
COPY --from=src /s /s
END
    printf 'secret' >"$USERS/cbtest/key"
    chown cbtest "$USERS/cbtest/key"
    chmod 600 "$USERS/cbtest/key"
    as_ok cbtest cbuild build --progress=plain --network=none --secret id=key,src=key --build-arg N=1 "$DIR"
    expect_contains '77:750' '77:400' '12:13' 'No space'
    as_ok cbtest cbuild build --progress=plain --network=none --secret id=key,src=key --build-arg N=2 -t mounts "$DIR"
    as_ok cbtest cbuild run --rm --network none mounts cat /log
    expect_output "$(printf '1\n2')"
    as_ok cbtest cbuild run --rm --network none mounts stat -c %u:%g /s
    expect_output 12:13
    as_ok cbtest cbuild build --progress=plain --network=none --secret id=key,src=key --build-arg N=2 "$DIR"
    [ "$(steps_run)" = 0 ]
}

@test "a cache that is sent after the build" {
    start_registry
    shared_context <<END
FROM busybox
RUN echo $BATS_TEST_TMPDIR > /out
END
    for user in cbtest cbsingle; do
        kill -STOP "$REGISTRY_PID"
        as_ok "$user" cbuild build -q --network=none --cache-to "type=registry,ref=$REGISTRY/$user:x,deferred=true" "$DIR"
        wait_until is_sending "$user"
        as_ok "$user" cbuild prune -af
        kill -CONT "$REGISTRY_PID"
        as_ok "$user" cbuild cache push
        as_ok "$user" cbuild cache push --list --format json
        expect_output '[]'
        # prune took all the build had
        as_ok "$user" cbuild load -i "$USERS/busybox-image.tar"
        as_ok "$user" cbuild build --progress=plain --network=none --cache-from "$REGISTRY/$user:x" "$DIR"
        [ "$(steps_run)" = 0 ]
    done
    stop_registry
}
is_sending() { # USER
    as "$1" cbuild cache push --list | grep -q ^sending
}

@test "what is put out belongs to the user" {
    shared_context <<'END'
FROM busybox
RUN echo x > /out && chown 1234:1234 /out && chmod 640 /out && mkdir /d && chown 99 /d
END
    as_ok cbtest cbuild build -q --network=none --iidfile id -t img "$DIR"
    as_ok cbtest cbuild build -q --network=none -o type=local,dest=tree "$DIR"
    as_ok cbtest cbuild build -q --network=none -o type=oci,dest=img.oci "$DIR"
    as_ok cbtest cbuild save -o img.tar img
    run sh -c "cd '$USERS/cbtest' && find id tree img.oci img.tar ! -user cbtest"
    expect_output ''
    run stat -c %a "$USERS/cbtest/tree/out"
    expect_output 640
    as_ok cbtest cat tree/out
    expect_output x
}

@test "the store is in the user's home, for him alone, and goes away with prune and rmi" {
    unset ROOT_OF_USER
    store=$USERS/cbtest/.local/share/cbuild
    [ "$(stat -c %U:%a "$store")" = cbtest:700 ]
    # Files of subordinate ids are in there, which the user himself may not remove.
    [ -n "$(find "$store/snapshots" ! -user cbtest -print -quit)" ]
    as_ok cbtest env XDG_DATA_HOME="$USERS/cbtest/data" cbuild load -i "$USERS/busybox-image.tar"
    [ -d "$USERS/cbtest/data/cbuild/snapshots" ]
    as_ok cbtest sh -c 'cbuild rmi -f $(cbuild images -q) && cbuild image prune -f && cbuild prune -af'
    run find "$store/snapshots" "$store/tmp" -mindepth 1 -maxdepth 1
    expect_output ''
    as_ok cbtest rm -rf "$store"
    as_ok cbtest cbuild load -i "$USERS/busybox-image.tar"
}

@test "files of other users are not readable, whatever id one takes" {
    install -m 600 /dev/null "$USERS/roots"
    echo 'text of root' >"$USERS/roots"
    shared_context <<'END'
FROM busybox
COPY roots /x
END
    ln "$USERS/roots" "$DIR/roots"
    run as cbtest cbuild build --network=none "$DIR"
    expect_status 1
    expect_contains 'roots' 'ermission denied'
    expect_lacks 'text of root'
    run as cbtest cbuild run --rm --network none -v "$USERS:/u" busybox cat /u/roots
    expect_status 1
    expect_contains 'ermission denied'
    expect_lacks 'text of root'
    run as cbtest cbuild --root "$STORE" images
    expect_status 1
    expect_contains 'ermission denied'
}

@test "without subordinate ids: one id, owners are kept by none, and it is said once" {
    many_owners
    run as cbsingle cbuild build --progress=plain --network=none -t img "$DIR"
    expect_status 0
    [ "$(grep -c 'no subordinate ids' <<<"$output")" -eq 1 ]
    expect_contains '/etc/subuid'
    as_ok cbsingle cbuild run --rm --network none img stat -c '%u:%g %a' /r /tree/one /home/app/mine
    expect_contains "$(printf '0:0 6755\n0:0 644\n0:0 644')"
    as_ok cbsingle cbuild run --rm --network none --tmpfs /t:uid=7,size=1m,gid=8 img sh -c 'stat -c %u:%g /t; df -k /t | tail -n 1 | awk "{ print \$2 }"'
    expect_contains "$(printf '0:0\n1024')"
    as_ok cbsingle cbuild volume create -o type=tmpfs -o device=tmpfs -o o=uid=7,gid=8,size=1m owned
    if [ -n "${CB_WITHOUT_CALLS:-}" ]; then # a mount that the container alone has needs them
        run as cbsingle cbuild run --rm --network none -v owned:/t img true
        expect_contains "error while mounting volume" "function not implemented"
    else
        as_ok cbsingle cbuild run --rm --network none -v owned:/t img stat -c %u:%g /t
        expect_contains 0:0
    fi
    as_ok cbsingle cbuild volume rm owned
    as_ok cbsingle cbuild save -o img.tar img
    run sh -c "cd '$USERS/cbsingle' && mkdir x && tar -xf img.tar -C x && cat \$(jq -r '.[0].Layers[]' x/manifest.json | sed 's|^|x/|') | tar --ignore-zeros --numeric-owner -tvf - | awk '{print \$2}' | sort -u"
    expect_output 0/0
    as_ok cbsingle cbuild images -q
    expect_lacks 'subordinate'
}

@test "an id the user does not have is an error that says how many there are" {
    shared_context <<'END'
FROM busybox
USER 70000
RUN true
END
    run as cbtest cbuild build --network=none "$DIR"
    expect_status 1
    expect_contains 'become user 70000' '0 to 65536' /etc/subuid
    run as cbtest cbuild run --rm --network none --tmpfs /t:uid=70000 busybox true
    expect_status 125
    expect_contains 'tmpfs on `/t`: owner `uid=70000`' '0 to 65536' /etc/subuid
    printf 'FROM busybox\nCOPY --chown=70000 Dockerfile /\n' >"$DIR/Dockerfile"
    run as cbtest cbuild build --network=none "$DIR"
    expect_status 1
    expect_contains '0 to 65536' /etc/subuid
}

@test "a fork bomb of a user's step ends at its limit" {
    shared_context <<END
FROM busybox
RUN n=0; while [ \$n -lt 5000 ]; do sleep $FOREVER & n=\$((n + 1)); done
END
    run timeout 60 runuser -u cbtest -- env -i PATH="$USERS:/bin:/usr/bin" HOME="$USERS/cbtest" cbuild build --progress=plain --network=none "$DIR"
    expect_contains "can't fork"
    expect_no_sleeper
}

@test "limits that no cgroup was delegated for are left out with one warning" {
    as_ok cbtest cbuild run --rm --network none -m 64m busybox echo ran
    expect_contains 'no limit of memory' ran
    # of no interest before there is an image
    run as cbtest cbuild run --rm --network none -m 64m localhost:1/none
    expect_status 125
    expect_contains "Unable to find image 'localhost:1/none:latest' locally"
    expect_lacks 'no limit of memory'
    as_ok cbtest cbuild run --rm --name kept --network none -m 64m busybox echo ran
    expect_contains 'no limit of memory' ran
    as_ok cbtest cbuild run --rm --network none --cgroup-parent some/where busybox echo ran
    expect_contains 'nothing is made below --cgroup-parent `some/where`: no cgroup was delegated' ran
    as_ok cbtest cbuild run -d --name unlimited --network none busybox sleep 1000
    run as cbtest cbuild update -m 64m --memory-swap 64m --cpus 1 unlimited
    expect_status 0
    expect_output $'warning: no limit of memory, cpu: no cgroup was delegated to this user\nunlimited'
    as_ok cbtest cbuild rm -f unlimited
}

@test "the program that runs a user's step is his, and the step cannot open it for writing" {
    mkdir "$USERS/linker"
    gcc -O1 -nostdlib -static-pie -fPIE -fno-stack-protector -o "$USERS/linker/linker" "$CB_TOP/tests/lib/linker.c"
    printf 'FROM busybox\nCOPY linker /lib64/ld-linux-x86-64.so.2\nCOPY linker /lib/ld-linux-aarch64.so.1\nSHELL ["/proc/self/exe"]\nRUN x\n' \
        >"$USERS/linker/Dockerfile"
    install -o cbtest "$USERS/cbuild" "$USERS/cbtest/own"
    for user in cbtest cbsingle; do
        run as $user "$USERS/cbtest/own" build --progress=plain --network=none "$USERS/linker"
        expect_status 1
        # EROFS: it is on a mount for reading, and no copy of it was made; ETXTBSY of a copy, without the calls for such a mount
        expect_contains "exit code: $([ -n "${CB_WITHOUT_CALLS:-}" ] && echo 26 || echo 30)"
    done
}

@test "ssh is told where the user's keys and hosts are, since it takes him for root" {
    mkdir -p "$USERS/bin"
    printf '#!/bin/sh\necho "$@" >>"$SSH_LOG"\nexit 1\n' >"$USERS/bin/ssh"
    sed -i "s|\$SSH_LOG|$USERS/cbtest/ssh.log|" "$USERS/bin/ssh"
    chmod 755 "$USERS/bin" "$USERS/bin/ssh"
    run as cbtest env PATH="$USERS/bin:$USERS:/usr/bin:/bin" cbuild build --network=none ssh://git@localhost/x.git
    expect_status 1
    grep -F "UserKnownHostsFile=$USERS/cbtest/.ssh/known_hosts" "$USERS/cbtest/ssh.log"
    grep -F "IdentityFile=$USERS/cbtest/.ssh/id_ed25519" "$USERS/cbtest/ssh.log"
}

@test "device nodes of an image are left out, and it is said" {
    as_ok cbtest cbuild import "$USERS/debian.tar" debian:bookworm
    expect_contains 'device nodes' 'only root'
    as_ok cbtest cbuild run --rm --network none debian:bookworm find / -xdev ! -path '/dev/*' '(' -type c -o -type b ')'
    expect_output ''
    python3 "$CB_TOP/tests/lib/odd-layers.py" "$BATS_TEST_TMPDIR"
    chmod a+rx "$BATS_TEST_TMPDIR" && as_ok cbtest cbuild load -q <"$BATS_TEST_TMPDIR/pax.tar" # they are in its layer's outline
    as cbtest cbuild save pax:1 | tar -xO "blobs/$(tr : / <"$BATS_TEST_TMPDIR/pax.diff-id")" | sha256sum | grep -F "$(cut -d: -f2 "$BATS_TEST_TMPDIR/pax.diff-id")"
}

@test "packages are installed, with apt's own user and dpkg's owners" {
    as_ok cbtest cbuild import "$USERS/debian.tar" debian:bookworm
    shared_context <<'END'
FROM debian:bookworm
RUN mkdir -p /p/DEBIAN /p/opt && printf 'Package: p\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n' > /p/DEBIAN/control \
 && printf '#!/bin/sh\nchown www-data:adm /opt/f\nchmod 2755 /opt/f\nsu nobody -s /bin/sh -c "id -un" > /opt/who\n' > /p/DEBIAN/postinst && chmod 755 /p/DEBIAN/postinst \
 && echo x > /p/opt/f && mkdir /repo && dpkg-deb -b /p /repo/p.deb && cd /repo \
 && { dpkg-deb -f p.deb; echo Filename: ./p.deb; echo Size: $(stat -c %s p.deb); echo SHA256: $(sha256sum p.deb | cut -d' ' -f1); } > Packages \
 && rm -f /etc/apt/sources.list /etc/apt/sources.list.d/* && echo 'deb [trusted=yes] file:/repo ./' > /etc/apt/sources.list
RUN apt-get update && apt-get install -y p
RUN stat -c '%U:%G %a' /opt/f; cat /opt/who; stat -c %U /var/lib/apt/lists/partial
END
    as_ok cbtest cbuild build --progress=plain --network=none "$DIR"
    expect_contains 'www-data:adm 2755' nobody _apt
}

@test "without the kernel's leave there is one message that names the setting" {
    run unshare --user --map-root-user --mount sh -c "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all '$CBUILD' --root '$USERS/none' images"
    expect_status 1
    expect_contains 'user namespace' max_user_namespaces
    run unshare --user --map-root-user --mount sh -c "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all '$CBUILD' --version"
    expect_status 0
}

@test "in a user namespace somebody else made, as in a container of podman's" {
    as_ok cbtest unshare --user --map-root-user --mount cbuild --root "$USERS/cbtest/nested" load -i "$USERS/busybox-image.tar"
    shared_context <<'END'
FROM busybox
RUN id -u; rm -rf /usr/share; mkdir -p /usr/share; touch /usr/share/x; chown 5 /usr/share/x
RUN ls /usr/share
END
    as_ok cbtest unshare --user --map-root-user --mount cbuild --root "$USERS/cbtest/nested" build --progress=plain --network=none "$DIR"
    run sed -n 's/^#[0-9]* [0-9.]* //p' <<<"$output"
    expect_output "$(printf '0\nx')"
}

@test "in a container whose /proc is covered in part, the outer one is used" {
    # Root of the container lacks CAP_SYS_ADMIN, so he enters a namespace of his own.
    as_ok cbtest unshare --user --map-root-user --mount --pid --fork sh -c "
        mount -t proc proc /proc && mount --bind /dev/null /proc/keys
        drop='setpriv --inh-caps=-all --bounding-set=-sys_admin'
        \$drop cbuild --root '$USERS/cbtest/nested2' load -i '$USERS/busybox-image.tar' &&
        \$drop cbuild --root '$USERS/cbtest/nested2' run --rm --network none busybox sh -c 'cat /proc/[0-9]*/comm; cat /proc/keys /proc/1/environ; echo end'"
    # The outer one, under the same masks: processes can be seen, not looked into.
    expect_contains cbuild-launcher end
    expect_lacks keyring
    expect_lacks "$USERS"
}

@test "unshare is root in the user's namespace, with the user's store; image mount works only there" {
    as_ok cbtest cbuild unshare sh -c 'id -u; echo "$CBUILD_ROOT"; d=$(cbuild image mount busybox) && test -x "$d/bin/busybox" && stat -c %u "$d/bin" && cbuild image unmount -a >/dev/null'
    [ "$output" = "0
$USERS/cbtest/.local/share/cbuild
0" ]
    run as cbtest cbuild image mount busybox
    [ "$status" -eq 1 ]
    [[ $output = *'cbuild unshare'* ]]
    run as cbtest cbuild unshare sh -c 'exit 7'
    [ "$status" -eq 7 ]
    as_ok cbtest sh -c 'cbuild unshare no-such-program; test $? = 127'
}

@test "the values of variables are read from what a step left, whoever owns it" {
    shared_context <<'END'
# cbuild=1
FROM busybox
RUN --export=V=/d/v mkdir /d; echo mine >/d/v; chmod 0 /d/v /d; chown -R 1234:1234 /d
RUN echo "$V" >/seen
LABEL v=$V
END
    for user in cbtest cbsingle; do
        as_ok $user cbuild build -q -t img "$DIR"
        as_ok $user cbuild build --progress=plain -t img "$DIR"
        [ "$(steps_run)" = 0 ]
        as_ok $user cbuild run --rm --network none img cat /seen
        [ "${lines[-1]}" = mine ]
    done
}
