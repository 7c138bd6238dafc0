#!/usr/bin/env bats
# Each instruction in its common forms, seen from the image that comes out.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

@test "RUN: shell form, exec form and heredocs" {
    dockerfile <<'END'
FROM busybox
RUN echo shell > /shell
RUN ["/bin/sh", "-c", "echo exec > /exec"]
RUN <<EOF
echo one > /heredoc
echo two >> /heredoc
EOF
RUN cat <<A > /a && cat <<B > /b
first
A
second
B
RUN <<EOF
#!/bin/awk -f
BEGIN { print "awk" > "/awk" }
EOF
END
    build_ok
    in_image cat /shell /exec /heredoc /a /b /awk
    expect_output "$(printf 'shell\nexec\none\ntwo\nfirst\nsecond\nawk')"
}

@test "RUN: working directory, user, environment and no standard input" {
    dockerfile <<'END'
FROM busybox
RUN echo 'app:x:1234:1235::/home/app:/bin/sh' >> /etc/passwd && echo 'app:x:1235:' >> /etc/group && chmod 1777 /tmp
ENV GREETING="hello world" \
    OTHER=x
WORKDIR /work/dir
USER app
RUN echo "$(pwd) $(id -u):$(id -g) $GREETING $HOME" > /tmp/state && cat > /tmp/stdin
END
    build_ok
    in_image cat /tmp/state /tmp/stdin
    expect_output '/work/dir 1234:1235 hello world /home/app'
}

@test "ENV, ARG and all forms of variables" {
    dockerfile <<'END'
ARG BASE=busybox
FROM ${BASE}
ARG NAME=default
ARG EMPTY=
ENV A=abc
ENV B=$A${NAME}
ENV C=${B:-x} D=${UNSET:-fallback} E=${A:+set} F=${EMPTY-kept} G=${A#a} H=${A%c} I=${A/b/x} J='$A' K=\$A L="q $A"
RUN env > /env
END
    build_ok --build-arg NAME=given
    in_image cat /env
    expect_contains 'A=abc' 'B=abcgiven' 'C=abcgiven' 'D=fallback' 'E=set' 'G=bc' 'H=ab' 'I=axc' 'J=$A' 'K=$A' 'L=q abc'
    [ "$(config .Env | jq -r '.[] | select(startswith("F="))')" = 'F=' ]
}

@test "ENV uses the values from before the instruction" {
    printf 'FROM busybox\nENV a=hello\nENV a=bye def=$a\nENV ghi=$a\nRUN echo $def $ghi > /x\n' >"$DIR/Dockerfile"
    build_ok
    in_image cat /x
    expect_output 'hello bye'
}

@test "configuration instructions reach the image" {
    dockerfile <<'END'
FROM busybox
MAINTAINER someone
LABEL one=1 "two words"="a b"
EXPOSE 80 443/tcp 53/udp
VOLUME ["/data", "/more"]
STOPSIGNAL SIGQUIT
SHELL ["/bin/sh", "-ec"]
HEALTHCHECK --interval=5s --timeout=3s --retries=2 CMD wget -q localhost
ENTRYPOINT ["/bin/echo", "hello"]
CMD ["world"]
USER 10:20
WORKDIR /srv
END
    build_ok
    [ "$(config .Labels)" = '{"one":"1","two words":"a b"}' ]
    [ "$("$CBUILD" inspect img | jq -r '.[0].Config.ExposedPorts | keys | sort | join(" ")')" = '443/tcp 53/udp 80/tcp' ]
    [ "$("$CBUILD" inspect img | jq -r '.[0].Config.Volumes | keys | sort | join(" ")')" = '/data /more' ]
    [ "$(config .StopSignal)" = '"SIGQUIT"' ]
    [ "$(config .Shell)" = '["/bin/sh","-ec"]' ]
    [ "$(config .Healthcheck)" = '{"Test":["CMD-SHELL","wget -q localhost"],"Interval":5000000000,"Timeout":3000000000,"Retries":2}' ]
    [ "$(config .Entrypoint)" = '["/bin/echo","hello"]' ]
    [ "$(config .Cmd)" = '["world"]' ]
    [ "$(config .User)" = '"10:20"' ]
    [ "$(config .WorkingDir)" = '"/srv"' ]
    [ "$("$CBUILD" inspect img | jq -r '.[0].Author')" = someone ]
    in_image
    expect_output 'hello world'
}

@test "an ENTRYPOINT drops the CMD of the base image, not that of its own stage" {
    printf 'FROM busybox\nCMD ["base"]\n' >"$DIR/Dockerfile"
    run "$CBUILD" build -t parent "$DIR"
    printf 'FROM parent\nENTRYPOINT ["/bin/echo"]\n' >"$DIR/Dockerfile"
    build_ok
    [ "$(config .Cmd)" = null ]
    printf 'FROM busybox\nCMD ["own"]\nENTRYPOINT ["/bin/echo"]\n' >"$DIR/Dockerfile"
    build_ok
    [ "$(config .Cmd)" = '["own"]' ]
}

@test "stages: by name, by number, from scratch; only what the target needs is built" {
    dockerfile <<'END'
FROM busybox AS first
RUN echo one > /one
FROM busybox AS unused
RUN exit 1
FROM scratch AS last
COPY --from=first /one /from-name
COPY --from=0 /one /from-number
COPY --from=busybox /bin/busybox /bin/busybox
FROM first AS other
RUN echo other > /other
END
    build_ok --target last
    run "$CBUILD" run --rm --network none img /bin/busybox cat /from-name /from-number
    expect_output "$(printf 'one\none')"
    build --target other
    expect_status 0
}

@test "F9: --from takes ARGs: of the stage, of the one it starts from, and global ones" {
    cat >"$DIR/Dockerfile" <<'END'
ARG GLOBAL=one
FROM busybox AS one
RUN echo 1 >/f
FROM busybox AS two
RUN echo 2 >/f
FROM busybox AS three
RUN false
FROM busybox AS base
ARG WHICH=two
FROM base
ARG GLOBAL AGAIN=${WHICH}
COPY --from=$GLOBAL /f /global
COPY --from=${WHICH} /f /which
COPY --from="$AGAIN" /f /again
END
    build_ok
    in_image cat /global /which /again
    expect_output $'1\n2\n2'
    build_ok --build-arg WHICH=one --build-arg GLOBAL=two
    in_image cat /global /which /again
    expect_output $'2\n1\n1'
    build --build-arg WHICH=three
    expect_status 1
    expect_contains 'RUN false'
    local line
    for line in 'ENV S=one' 'ARG S' 'ARG S=$PATH' 'ARG S=one\nENV S=two'; do
        printf "FROM busybox AS one\nFROM busybox\n$line\nCOPY --from=\$S /f /\n" | dockerfile
        build
        expect_status 1
        expect_contains 'variable `S` of --from is not known: only ARGs of the stage are'
    done
    printf 'FROM busybox\nARG S=\nCOPY --from=$S Dockerfile /\n' | dockerfile
    build
    expect_status 1
    expect_contains 'Dockerfile:3:13: --from=$S is empty'
}

@test "ONBUILD runs in the child, in order, and only there" {
    dockerfile <<'END'
FROM busybox
ONBUILD RUN echo first > /order
ONBUILD RUN echo second >> /order
ONBUILD ENV FROM_PARENT=yes
END
    run "$CBUILD" build -t parent "$DIR"
    expect_status 0
    printf 'FROM parent\nRUN echo third >> /order\n' >"$DIR/Dockerfile"
    build_ok
    in_image cat /order
    expect_output "$(printf 'first\nsecond\nthird')"
    [ "$(config .OnBuild)" = null ]
    [ "$(config .Env | jq 'index("FROM_PARENT=yes") != null')" = true ]
}

@test "directives, comments and blank lines inside continuations" {
    printf '# syntax=docker/dockerfile:1\n# escape=`\nFROM busybox\nRUN echo one `\n# a comment\n\n   two > /x\n' >"$DIR/Dockerfile"
    build_ok
    in_image cat /x
    expect_output 'one two'
}

@test "a Dockerfile with CRLF line ends and a byte order mark" {
    printf '\xef\xbb\xbfFROM busybox\r\nRUN echo crlf > /x\r\nENV A=b\r\n' >"$DIR/Dockerfile"
    build_ok
    in_image cat /x
    expect_output crlf
    [ "$(config .Env | jq 'index("A=b") != null')" = true ]
}

@test "the Dockerfile: from standard input, from elsewhere, and a tar as the context" {
    printf 'FROM busybox\nRUN echo stdin > /x\n' | "$CBUILD" build -q -t img - >/dev/null
    in_image cat /x
    expect_output stdin
    echo file >"$DIR/file"
    printf 'FROM busybox\nCOPY file /x\n' >"$BATS_TEST_TMPDIR/Other"
    run "$CBUILD" build -q -t img -f "$BATS_TEST_TMPDIR/Other" "$DIR"
    expect_status 0
    in_image cat /x
    expect_output file
    cp "$BATS_TEST_TMPDIR/Other" "$DIR/Dockerfile"
    tar -C "$DIR" -czf - . | "$CBUILD" build -q -t img - >/dev/null
    in_image cat /x
    expect_output file
    printf 'FROM busybox\nCOPY file /y\n' | "$CBUILD" build -q -t img -f - "$DIR" >/dev/null
    in_image cat /y
    expect_output file
}

@test "-q prints the id alone, --iidfile writes it, several -t name it" {
    printf 'FROM busybox\nLABEL a=b\n' >"$DIR/Dockerfile"
    run "$CBUILD" build -q --iidfile "$BATS_TEST_TMPDIR/id" -t one:1 -t two:2 "$DIR"
    expect_status 0
    [[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
    [ "$(cat "$BATS_TEST_TMPDIR/id")" = "$output" ]
    [ "$("$CBUILD" inspect one:1 | jq -r '.[0].Id')" = "$output" ]
    [ "$("$CBUILD" inspect two:2 | jq -r '.[0].Id')" = "$output" ]
}

@test "cbuild -t NAME PATH is the short form" {
    printf 'FROM busybox\nLABEL short=form\n' >"$DIR/Dockerfile"
    run "$CBUILD" -t short "$DIR"
    expect_status 0
    "$CBUILD" inspect short | jq -e '.[0].Config.Labels.short == "form"'
}

@test "--label is applied last" {
    printf 'FROM busybox\nLABEL a=dockerfile\n' >"$DIR/Dockerfile"
    build_ok --label a=line --label b=c
    [ "$(config .Labels)" = '{"a":"line","b":"c"}' ]
}

@test "identical steps of different stages run once" {
    dockerfile <<'END'
FROM busybox AS a
RUN --mount=type=cache,id=once,target=/c echo x >> /c/log; wc -l < /c/log > /n
FROM busybox AS b
RUN --mount=type=cache,id=once,target=/c echo x >> /c/log; wc -l < /c/log > /n
FROM busybox
COPY --from=a /n /a
COPY --from=b /n /b
END
    build_ok
    in_image cat /a /b
    expect_output "$(printf '1\n1')"
}

@test "independent stages run at the same time" {
    dockerfile <<'END'
FROM busybox AS a
RUN --mount=type=cache,id=meet,target=/m touch /m/a; i=0; until [ -e /m/b ]; do i=$((i+1)); [ $i -lt 200 ] || exit 1; usleep 50000; done; touch /ok
FROM busybox AS b
RUN --mount=type=cache,id=meet,target=/m touch /m/b; i=0; until [ -e /m/a ]; do i=$((i+1)); [ $i -lt 200 ] || exit 1; usleep 50000; done; touch /ok
FROM busybox
COPY --from=a /ok /a
COPY --from=b /ok /b
END
    build_ok
}
