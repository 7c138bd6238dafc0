#!/usr/bin/env bats
# --squash: fewer layers, the same files, nothing of what was deleted.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

# Everything that one layer can do to another, and to the base.
changes() {
    head -c 3000 /dev/urandom | base64 -w0 >"$DIR/secret"
    dockerfile <<'END'
FROM busybox AS below
RUN mkdir -p /kept/below /gone /file-to-be /opaque/old /base && echo base > /base/f && echo x > /gone/x && echo y > /opaque/old/y && \
    ln -s kept /link && mkdir -p /was/dir && echo z > /was/dir/z
FROM below AS work
COPY secret /tmp/secret
RUN rm /tmp/secret && rm -r /gone && rmdir /file-to-be && echo now > /file-to-be
RUN echo 1 > /one && ln /one /two && chmod 700 /kept && mkdir /new && echo a > /new/a && echo b > /new/b
RUN rm /new/a && rm -r /opaque && mkdir /opaque && echo fresh > /opaque/f
RUN rm /link && mkdir /link && echo dir > /link/f && rm -r /was && echo file > /was
RUN rm -r /new && mkdir -m 711 /new && echo c > /new/c && rm /was && mkdir -p /was/dir && chown 12:34 /was/dir
RUN rm -r /link && ln -s opaque /link && mkfifo /pipe && rm /bin/vi && rm -r /tmp && mkdir -m 1777 /gone /tmp
RUN mkdir -p /deep/er/est && echo 1 > /deep/er/est/f
RUN rm -r /deep/er && touch -d @5 /deep /one
END
}

# The whole tree of an image, as a tar.
tree_of() {
    echo "FROM $1" | "$CBUILD" build -q -o - - | sha256sum
}
layers_of() {
    "$CBUILD" inspect "$1" | jq '.[0].RootFS.Layers | length'
}

@test "the tree is the same, in one layer on the base's own" {
    changes
    "$CBUILD" build -q --network=none -t plain "$DIR"
    build --network=none --squash -t squashed
    expect_status 0
    [ "$(steps_run)" = 0 ]
    [ "$(layers_of squashed)" = 2 ]
    [ "$("$CBUILD" inspect squashed | jq '.[0].RootFS.Layers[0]')" = "$("$CBUILD" inspect busybox | jq '.[0].RootFS.Layers[0]')" ]
    [ "$(tree_of plain)" = "$(tree_of squashed)" ]
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/squashed.tar" squashed
    "$CBUILD" --root "$BATS_TEST_TMPDIR/other" load -q -i "$BATS_TEST_TMPDIR/squashed.tar"
    [ "$(echo FROM squashed | "$CBUILD" --root "$BATS_TEST_TMPDIR/other" build -q -o - - | sha256sum)" = "$(tree_of plain)" ]
    run grep -c -a -F "$(head -c 200 "$DIR/secret")" "$BATS_TEST_TMPDIR/squashed.tar"
    expect_output 0
    fsck_clean
}

@test "the same again is the same image; without the option nothing has changed" {
    changes
    before=$("$CBUILD" build -q --network=none "$DIR")
    first=$("$CBUILD" build -q --network=none --squash "$DIR")
    [ "$first" != "$before" ]
    [ "$("$CBUILD" build -q --network=none --squash=true "$DIR")" = "$first" ]
    [ "$("$CBUILD" build -q --network=none --squash=false "$DIR")" = "$before" ]
    "$CBUILD" rmi -f "$first" >/dev/null
    [ "$("$CBUILD" build -q --network=none --squash "$DIR")" = "$first" ]
}

@test "--squash=STAGE keeps the layers up to that stage" {
    changes
    "$CBUILD" build -q --network=none -t plain "$DIR"
    "$CBUILD" build -q --network=none --squash=below -t since "$DIR"
    [ "$(layers_of since)" = 3 ]
    [ "$(tree_of plain)" = "$(tree_of since)" ]
    [ "$("$CBUILD" inspect since | jq '.[0].RootFS.Layers[1]')" = "$("$CBUILD" inspect plain | jq '.[0].RootFS.Layers[1]')" ]
    [ "$("$CBUILD" build -q --network=none --squash=0 "$DIR")" != "" ]
    run "$CBUILD" build -q --network=none --squash=nowhere "$DIR"
    expect_status 1
    expect_contains '--squash=nowhere: the target is not made FROM it' hint:
}

@test "the history tells every step, and which layer they are in" {
    changes
    "$CBUILD" build -q --network=none --squash -t squashed "$DIR"
    run "$CBUILD" history --no-trunc --format '{{.Size}} {{.CreatedBy}} {{.Comment}}' squashed
    expect_contains '0B RUN /bin/sh -c rm -r /deep/er' '0B COPY secret /tmp/secret' '10 layers squashed'
}

@test "one layer, and none, are left as they are" {
    printf 'FROM busybox\nRUN echo 1 > /x\n' | dockerfile
    [ "$("$CBUILD" build -q --network=none "$DIR")" = "$("$CBUILD" build -q --network=none --squash "$DIR")" ]
    printf 'FROM scratch\n' | dockerfile
    [ "$("$CBUILD" build -q "$DIR")" = "$("$CBUILD" build -q --squash "$DIR")" ]
    printf 'FROM scratch\nCOPY Dockerfile /a\nCOPY Dockerfile /b\n' | dockerfile
    "$CBUILD" build -q --squash -t both "$DIR"
    [ "$(layers_of both)" = 1 ]
    run "$CBUILD" build -q --squash --cache-to type=inline "$DIR"
    expect_status 1
    expect_contains '--squash and an inline cache exclude each other' hint:
}

@test "layers that only change modes or owners, or delete what is below, are told of with megabytes" {
    head -c 3000000 /dev/urandom >"$DIR/big"
    head -c 2000 /dev/urandom >"$DIR/small"
    printf 'FROM busybox\nCOPY big small /\nRUN chmod 600 /big\nRUN chown 5 /small\nRUN rm /big\nRUN rm /bin/vi; chmod 700 /bin/busybox\n' | dockerfile
    build_ok --network=none
    expect_contains '`RUN /bin/sh -c chmod 600 /big`: its layer has 3MB of files again that only have another mode or owner' \
        'COPY --chmod' 'rm /big`: the image goes on carrying 6MB that it deletes' 'build with --squash'
    [ "$(grep -c 'its layer has' <<<"$output")" = 2 ]
    [ "$(grep -c 'goes on carrying' <<<"$output")" = 1 ]
    build_ok --network=none --squash
    expect_lacks 'goes on carrying'
    printf 'FROM busybox\nCOPY --chmod=600 big /\nRUN echo x >> /big\nRUN touch /a && mv /a /b\n' | dockerfile
    build_ok --network=none
    expect_lacks 'its layer has'
}
