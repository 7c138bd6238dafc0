#!/usr/bin/env bats
# --if on instructions, in files that say `# cbuild=1`: what is left out counts as not written.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    export SOURCE_DATE_EPOCH=1600000000
}

conditional() {
    dockerfile <<'EOF'
# cbuild=1
FROM nowhere.invalid/tools:1 AS tools
RUN false
FROM busybox AS made
RUN echo made >/made
FROM busybox
ARG DEBUG=0
ARG LATER
RUN echo first >/first
ENV --if=$DEBUG LEVEL=debug
COPY --if='$DEBUG = 2' --from=tools /x /x
COPY --if='$DEBUG && $LEVEL != ""' --from=made /made /made
RUN --if=!$DEBUG --mount=type=bind,from=made,target=/m cat /m/made >/plain
RUN --if='$PATH != "" && $LATER' <<X
echo later >/file
X
WORKDIR --if=$LATER /later
RUN echo last >/last
CMD --if='$LEVEL == debug' ["debug"]
EOF
}

# The image of the Dockerfile that comes on standard input, as that of $DIR with these options is.
same_as() {
    local wanted
    build_ok --no-cache "$@"
    wanted=$("$CBUILD" inspect img | jq -r '.[0].Id')
    dockerfile
    build_ok --no-cache "$@"
    [ "$("$CBUILD" inspect img | jq -r '.[0].Id')" = "$wanted" ]
}

@test "a file with false conditions makes the image of the file without these instructions" {
    conditional
    same_as <<'EOF'
FROM busybox AS made
RUN echo made >/made
FROM busybox
ARG DEBUG=0
ARG LATER
RUN echo first >/first
RUN --mount=type=bind,from=made,target=/m cat /m/made >/plain
RUN echo last >/last
EOF
    in_image sh -c 'ls -d /made /plain /file 2>/dev/null; cat /last'
    expect_output "$(printf '/plain\nlast')"
}

@test "a file with true ones that of the file without the conditions" {
    conditional
    same_as --build-arg DEBUG=1 --build-arg LATER=yes <<'EOF'
FROM busybox AS made
RUN echo made >/made
FROM busybox
ARG DEBUG=0
ARG LATER
RUN echo first >/first
ENV LEVEL=debug
COPY --from=made /made /made
RUN <<X
echo later >/file
X
WORKDIR /later
RUN echo last >/last
CMD ["debug"]
EOF
    [ "$(config .Cmd)" = '["debug"]' ]
    [ "$(config .WorkingDir)" = '"/later"' ]
}

@test "what is left out costs no step: no stage for it, no image, no number, no miss below" {
    conditional
    build_ok --no-cache
    expect_contains '[stage-2 2/6] RUN echo first' '[stage-2 6/6] RUN echo last'
    expect_lacks nowhere.invalid warning:
    sed -i '/^COPY --if/d' "$DIR/Dockerfile"
    build_ok
    expect_contains ' 5 cached, 0 run'
    build --build-arg DEBUG=2
    expect_status 0
    conditional
    build --build-arg DEBUG=2
    expect_status 1
    expect_contains 'nowhere.invalid/tools:1'
}

@test "outline, check, graph and parse go by the same values" {
    conditional
    sed -i '1a ARG UNUSED' "$DIR/Dockerfile"
    cat >>"$DIR/Dockerfile" <<'EOF'
RUN --if=$DEBUG=3 --mount=type=secret,id=three,required true
EOF
    cbuild build --call=outline,format=json "$DIR"
    expect_status 0
    [ "$(jq -c '[.args[].name]' <<<"$output")" = '["DEBUG","LATER"]' ]
    [ "$(jq -c '.secrets' <<<"$output")" = null ]
    cbuild build --call=outline,format=json --build-arg DEBUG=3 "$DIR"
    [ "$(jq -c '[.secrets[].name]' <<<"$output")" = '["three"]' ]
    cbuild lint "$DIR"
    expect_status 1
    expect_contains LatestBaseImage
    expect_lacks UnusedStage MultipleInstructionsDisallowed
    cbuild graph "$DIR"
    expect_status 0
    expect_lacks tools
    # The base image, which is not asked, may have a value for LATER.
    expect_contains '--if=!$DEBUG' 'WORKDIR --if=$LATER'
    cbuild parse --expand --build-arg DEBUG=1 "$DIR/Dockerfile"
    expect_status 0
    [ "$(jq -c '[.stages[2].instructions[].condition | select(.) | .value]' <<<"$output")" = \
        '[true,false,true,false,false,false,true,false]' ]
}

@test "without the directive --if is an unknown flag, with a word on what allows it" {
    printf '# not at the top\n# cbuild=1\nFROM busybox\nRUN --if=1 true\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:4:5: unknown flag: --if' '`# cbuild=1` at the top of the file allows --if'
    printf '# cbuild=1\nFROM busybox\nRUN --if="$A = " true\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:3:16: --if: a word is missing at the end'
}

@test "ONBUILD --if stores the trigger or not, and nothing of the condition" {
    dockerfile <<'EOF'
# cbuild=1
FROM busybox
ARG KIND=a
ONBUILD --if='$KIND = a' RUN echo a >/kind
ONBUILD --if='$KIND = b' RUN echo b >/kind
EOF
    build_ok --build-arg KIND=b
    [ "$(config .OnBuild)" = '["RUN echo b >/kind"]' ]
}

@test "a stage that gives the time may have several sources, of which one counts" {
    dockerfile <<'EOF'
# cbuild=1
FROM scratch AS source
ARG NEW=0
ADD --if=$NEW http://new.invalid/a /
ADD --if=!$NEW http://old.invalid/a /
FROM busybox
EOF
    cbuild graph --build-arg SOURCE_DATE_EPOCH=source "$DIR"
    expect_status 0
    sed -i 's/ --if=!$NEW//; s/NEW=0/NEW=1/' "$DIR/Dockerfile"
    cbuild graph --build-arg SOURCE_DATE_EPOCH=source "$DIR"
    expect_status 1
    expect_contains 'Dockerfile:5:1: ' 'exactly one remote ADD source'
}
