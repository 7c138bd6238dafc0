#!/usr/bin/env bats
# What a step's key is made of (docs/design/cache-keys.md): one project, changed in one point at a time.
load helpers

setup_file() {
    cb_store
    cb_newer_base other
    "$CBUILD" import -c 'CMD ["other"]' "$CB_BASES/busybox.tar" same-layers:latest >/dev/null
}
teardown_file() { cb_drop_store; }

# The project, always the same but for inodes and times.
project() {
    rm -rf "$DIR"
    mkdir -p "$DIR/src/dir" "$DIR/src/empty" "$DIR/mnt"
    cd "$DIR" || return 1
    printf 'one\n' >src/file
    printf 'two\n' >src/dir/inner
    ln -s file src/link
    mkfifo src/fifo
    printf 'single\n' >single
    printf 'mounted\n' >mnt/data
    printf 'unused\n' >unused
    printf 'ignored\n' >src/ignored
    printf 'src/ignored\n' >.dockerignore
    printf 'value' >../secret
    cat >Dockerfile <<'END'
ARG BASE=busybox
FROM $BASE
# A comment
ARG A=1
ENV E=1
LABEL label=1
WORKDIR /w
COPY src /src/
COPY single /single/
COPY <<body /inline
text
body
RUN --mount=type=bind,source=mnt,target=/mnt --mount=type=secret,id=one true $A
USER 1
CMD ["one"]
END
}

build_project() {
    # shellcheck disable=SC2086
    run "$CBUILD" build --progress=plain -t img --secret id=one,src="$BATS_TEST_TMPDIR/secret" \
        --secret id=two,src="$BATS_TEST_TMPDIR/secret" ${OPTIONS-} "$DIR"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
}

edit() { sed -i "$1" Dockerfile; }
xattr() { python3 -c 'import os, sys; os.setxattr(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]))' "$@"; }

# Reads rows "name: commands" and does each on the project, of which everything is cached. EXPECTED is miss or hit.
expect_each() { # EXPECTED
    local expected=$1 name commands ran wrong=0
    DIR=$BATS_TEST_TMPDIR/context
    project
    build_project
    project
    build_project
    [ "$(steps_run)" = 0 ] || { echo 'not cached before the changes'; return 1; }
    while IFS=: read -r name commands; do
        OPTIONS=
        project
        eval "$commands" || { echo "$name: cannot make the change"; return 1; }
        build_project || { echo "($name)"; return 1; }
        ran=$(steps_run)
        case $expected,$ran in
        miss,0 | hit,[1-9]*) echo "$name: $ran steps were run"; wrong=1 ;;
        esac
    done
    return $wrong
}

@test "each of these changes of copied files is a miss" {
    expect_each miss <<'END'
one bit of content: printf 'ond\n' >src/file
one bit of content, the time kept: touch -r src/file ../time; printf 'onm\n' >src/file; touch -r ../time src/file
one byte more: printf '\n' >>src/file
one bit of a file's mode: chmod 645 src/file
the set-id bit: chmod 4644 src/file
one bit of a directory's mode: chmod 754 src/dir
one bit of an empty directory's mode: chmod 754 src/empty
one bit of a FIFO's mode: chmod 645 src/fifo
one bit of a name: mv src/file src/gile
one bit of a directory's name: mv src/dir src/eir
a file moved: mv src/file src/dir/file
an empty file added: : >src/added
a file removed: rm src/dir/inner
an empty directory added: mkdir src/dir/added
an empty directory removed: rmdir src/empty
one bit of a link's target: ln -sfn gile src/link
a file instead of a link: rm src/link; cp src/file src/link
a file instead of a FIFO: rm src/fifo; : >src/fifo
a directory instead of a file: rm src/file; mkdir src/file
an extended attribute: xattr src/file user.x 31
an extended attribute of a directory: xattr src/dir user.x 31
a capability: xattr src/file security.capability 0100000200040000000000000000000000000000
an ignored file no longer ignored: : >.dockerignore
a file ignored: echo src/dir >>.dockerignore
the name of a copied file: mv single tingle; edit s/single/tingle/
the name of a copied directory: mv src srd; edit 's|COPY src |COPY srd |'; echo srd/ignored >.dockerignore
END
}

@test "one bit of an extended attribute's value is a miss" {
    DIR=$BATS_TEST_TMPDIR/context
    project
    xattr src/file user.x 40
    build_project
    xattr src/file user.x 41
    build_project
    [ "$(steps_run)" != 0 ]
    xattr src/file user.x 40
    build_project
    [ "$(steps_run)" = 0 ]
}

@test "each of these changes of the Dockerfile and the command line is a miss" {
    expect_each miss <<'END'
the destination: edit 's|/src/|/srd/|'
the destination's slash: edit 's|/single/|/single|'
--chown: edit 's|COPY src|COPY --chown=1 src|'
--chmod: edit 's|COPY src|COPY --chmod=644 src|'
--exclude: edit 's|COPY src|COPY --exclude=file src|'
--link: edit 's|COPY src|COPY --link src|'
--parents: edit 's|COPY src|COPY --parents src|'
ADD for COPY: edit 's|COPY src|ADD src|'
one bit of a heredoc: edit 's|^text|teyt|'
name of a heredoc: edit 's|body|bodx|'
an ARG's default: edit 's|A=1|A=0|'
an ARG given: OPTIONS='--build-arg A=3'
an ARG declared: edit 's|^ARG A|ARG NEW=1\nARG A|'
ENV: edit 's|E=1|E=0|'
a name in ENV: edit 's|E=1|D=1|'
WORKDIR: edit 's|/w|/v|'
USER before a RUN: edit 's|^COPY single|USER 1\nCOPY single|'
SHELL: edit 's|^WORKDIR|SHELL ["/bin/sh","-ec"]\nWORKDIR|'
the command: edit 's|true|true |;s|true  |true \&\& true |'
the order of steps: edit '/^WORKDIR/d;s|^COPY single|WORKDIR /w\nCOPY single|'
one bit of a mounted file: printf 'lounted\n' >mnt/data
the mode of a mounted file: chmod 645 mnt/data
a mount's target: edit 's|target=/mnt|target=/mnu|'
a mount's access: edit 's|target=/mnt|target=/mnt,rw|'
a secret's id: edit 's|id=one|id=two|'
a secret required: edit 's|id=one|id=one,required|'
the network: edit 's|RUN --mount|RUN --network=none --mount|'
a host's name: OPTIONS='--add-host h:192.0.2.1'
the step's own host name: OPTIONS='--build-arg BUILDKIT_SANDBOX_HOSTNAME=h'
a limit a program can see: OPTIONS='--ulimit nofile=100'
the base: OPTIONS='--build-arg BASE=other'
nothing from the cache: OPTIONS=--no-cache
END
}

@test "none of these changes runs a step" {
    expect_each hit <<'END'
nothing: :
times: touch -d 2001-01-01 src src/file src/dir
the owner of a file of the context: chown 5:6 src/file
an unused file: echo more >>unused
an ignored file: echo more >>src/ignored
an ignored file removed: rm src/ignored
a comment: edit 's|A comment|Another|'
a blank line: edit 's|^ENV|\n\nENV|'
blanks: edit 's|COPY src /src/|COPY   src   /src/|'
the case of an instruction: edit 's|^COPY|copy|'
LABEL: edit 's|label=1|label=0|'
a LABEL in front of everything: edit 's|^ARG A|LABEL new=1\nARG A|'
CMD: edit 's|"one"|"two"|'
USER behind the last step: edit 's|USER 1|USER 2|'
EXPOSE, VOLUME, STOPSIGNAL, HEALTHCHECK: edit 's|^CMD|EXPOSE 1\nVOLUME /v\nSTOPSIGNAL 9\nHEALTHCHECK NONE\nCMD|'
an ARG behind the last step: edit 's|^CMD|ARG LATE=1\nCMD|'
the directory a source is in: mkdir new; mv src new/src; edit 's|COPY src |COPY new/src |'; echo new/src/ignored >.dockerignore
the value of a secret: printf other >../secret
a proxy: OPTIONS='--build-arg http_proxy=http://127.0.0.1:1'
a proxy of everything: OPTIONS='--build-arg ALL_PROXY=http://127.0.0.1:1 --build-arg no_proxy=x'
a limit on memory: OPTIONS='--memory 512m'
the size of shared memory: OPTIONS='--shm-size 1m'
another job count: OPTIONS='--jobs 7'
an undeclared ARG: OPTIONS='--build-arg OTHER=1'
a name of the image: OPTIONS='-t another'
a label of the image: OPTIONS='--label x=y'
an image of the same layers: OPTIONS='--build-arg BASE=same-layers'
links instead of copies: cp single single2; ln -f single2 single; rm single2
END
}

@test "a proxy that an ARG declares and the address of a host that is named" {
    cb_dir
    printf 'FROM busybox\nARG HTTP_PROXY\nRUN true proxied\n' >"$DIR/Dockerfile"
    build_ok --build-arg HTTP_PROXY=http://192.0.2.1 --add-host h:192.0.2.1
    build_ok --build-arg HTTP_PROXY=http://192.0.2.1 --add-host h:192.0.2.2
    [ "$(steps_run)" = 0 ]
    build_ok --build-arg HTTP_PROXY=http://192.0.2.2 --add-host h:192.0.2.2
    [ "$(steps_run)" = 1 ]
}

@test "what a stage leaves counts by its content, mode and owner, not by its times" {
    DIR=$BATS_TEST_TMPDIR/context
    mkdir -p "$DIR"
    stages() { # COMMANDS
        printf 'FROM busybox AS made\nRUN mkdir -p /d/e && echo x >/d/f && %s\nFROM busybox\nCOPY --from=made /d /d\n' "$1" >"$DIR/Dockerfile"
    }
    runs() {
        build_ok
        [ "$(steps_run)" = "$1" ] || { echo "$2: $(steps_run) steps were run"; return 1; }
    }
    stages 'true made'
    runs 2 first
    stages 'touch -d @1000 /d/f /d/e'
    runs 1 times
    stages 'echo y >/elsewhere'
    runs 1 'a file that is not copied'
    stages 'chown 1 /d/f'
    runs 2 'the owner'
    stages 'chown :1 /d/e'
    runs 2 'the group of a directory'
    stages 'chmod 645 /d/f'
    runs 2 'the mode'
    stages 'ln -s f /d/l'
    runs 2 'a link'
    stages 'mknod /d/n c 1 3'
    runs 2 'a device'
    stages 'mknod /d/n c 1 2'
    runs 2 'its number'
}
