#!/usr/bin/env bats
# SOURCE_DATE_EPOCH: where it may be given, and what it may be.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    dockerfile <<'END'
ARG SOURCE_DATE_EPOCH=1000000000
FROM busybox
ARG SOURCE_DATE_EPOCH
RUN echo "<$SOURCE_DATE_EPOCH>" > /epoch
END
}

created() {
    "$CBUILD" inspect img | jq -r '.[0].Created'
}

epoch_is() { # TIME, what RUN sees
    [ "$(created)" = "$1" ] || { echo "created $(created)"; return 1; }
    in_image cat /epoch
    expect_output "<$2>"
}

@test "SOURCE_DATE_EPOCH: the Dockerfile's default, the environment and --build-arg, the latter first" {
    build_ok
    epoch_is 2001-09-09T01:46:40Z 1000000000
    SOURCE_DATE_EPOCH=1100000000 build_ok
    epoch_is 2004-11-09T11:33:20Z 1100000000
    SOURCE_DATE_EPOCH=1100000000 build_ok --build-arg SOURCE_DATE_EPOCH=1200000000
    epoch_is 2008-01-10T21:20:00Z 1200000000
}

@test "SOURCE_DATE_EPOCH: an empty build argument takes the default back" {
    build_ok --build-arg SOURCE_DATE_EPOCH=
    [ "$(created)" \> 2020 ]
    in_image cat /epoch
    expect_output '<>'
}

@test "SOURCE_DATE_EPOCH=context: a directory has no time of its own" {
    build_ok --build-arg SOURCE_DATE_EPOCH=context
    [ "$(created)" \> 2020 ]
    in_image cat /epoch
    expect_output '<>'
}

@test "SOURCE_DATE_EPOCH=context: the newest file of an archive, which RUN sees as a number" {
    touch -d @1300000000 "$DIR/old"
    touch -d @1400000000 "$DIR/Dockerfile"
    tar -C "$DIR" -cf "$BATS_TEST_TMPDIR/context.tar" .
    run "$CBUILD" build --progress=plain -t img --build-arg SOURCE_DATE_EPOCH=context - <"$BATS_TEST_TMPDIR/context.tar"
    expect_status 0
    epoch_is 2014-05-13T16:53:20Z 1400000000
}

@test "SOURCE_DATE_EPOCH=NAME: a named context, which as a directory has no time" {
    build_ok --build-context files="$DIR" --build-arg SOURCE_DATE_EPOCH=files
    [ "$(created)" \> 2020 ]
    in_image cat /epoch
    expect_output '<>'
}

@test "SOURCE_DATE_EPOCH: what is no time is refused, in the Dockerfile at its place" {
    build --build-arg SOURCE_DATE_EPOCH=yesterday
    expect_status 1
    expect_contains 'invalid SOURCE_DATE_EPOCH: `yesterday`' 'hint: it is a number of seconds since 1970'
    build --build-arg SOURCE_DATE_EPOCH=9223372037
    expect_status 1
    expect_contains 'invalid SOURCE_DATE_EPOCH: 9223372037 is later than the year 2262'
    SOURCE_DATE_EPOCH=9223372037 build
    expect_status 1
    expect_contains 'SOURCE_DATE_EPOCH: 9223372037 is later than the year 2262'
    sed -i 's/1000000000/noon/' "$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:1:23: invalid SOURCE_DATE_EPOCH: `noon`'
}
