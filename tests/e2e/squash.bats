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

@test "squash makes fewer layers of an image that is there: all, or those above an image, a layer, a number" {
    changes
    "$CBUILD" build -q --network=none -t whole "$DIR"
    "$CBUILD" build -q --network=none --target=below -t half "$DIR"
    whole=$("$CBUILD" inspect -f '{{.Id}}' whole)
    cbuild squash -t one whole
    expect_status 0
    expect_output "$("$CBUILD" inspect -f '{{.Id}}' one)"
    [ "$(layers_of one)" = 1 ]
    "$CBUILD" squash --from busybox -t since:base -t again whole
    [ "$(layers_of since:base)" = 2 ]
    "$CBUILD" squash --from half -t since:half whole
    [ "$(layers_of since:half)" = 3 ]
    layer=$("$CBUILD" inspect -f '{{index .RootFS.Layers 1}}' whole)
    [ "$("$CBUILD" squash --from "$layer" whole)" = "$("$CBUILD" inspect -f '{{.Id}}' since:half)" ]
    [ "$("$CBUILD" squash --from "${layer:7:12}" whole)" = "$("$CBUILD" inspect -f '{{.Id}}' since:half)" ]
    [ "$("$CBUILD" squash --from 1 "$whole")" = "$("$CBUILD" inspect -f '{{.Id}}' again)" ]
    [ "$("$CBUILD" inspect -f '{{.Id}}' whole)" = "$whole" ]
    for image in one since:base since:half; do
        [ "$(tree_of $image)" = "$(tree_of whole)" ]
        [ "$("$CBUILD" inspect $image | jq '.[0].Config')" = "$("$CBUILD" inspect whole | jq '.[0].Config')" ]
    done
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/one.tar" one
    run grep -c -a -F "$(head -c 200 "$DIR/secret")" "$BATS_TEST_TMPDIR/one.tar"
    expect_output 0
    "$CBUILD" --root "$BATS_TEST_TMPDIR/elsewhere" load -q -i "$BATS_TEST_TMPDIR/one.tar"
    run "$CBUILD" history --no-trunc --format '{{.Size}} {{.CreatedBy}} {{.Comment}}' since:base
    expect_contains '0B RUN /bin/sh -c rm -r /deep/er' '10 layers squashed'
    fsck_clean
}

@test "squash says what is no layer of the image, and leaves one layer as it is" {
    printf 'FROM busybox\nRUN echo 1 > /x\n' | dockerfile
    "$CBUILD" build -q --network=none -t two "$DIR"
    before=$("$CBUILD" images -aq)
    cbuild squash --from 3 two
    expect_status 1
    expect_contains '--from 3: `two` has 2 layers'
    cbuild squash --from nothing:here two
    expect_status 1
    expect_contains '--from nothing:here: no layer of `two`, and no image in the store' 'hint: '
    cbuild squash --from two busybox
    expect_status 1
    expect_contains '--from two: `busybox` is not made on it'
    cbuild squash absent
    expect_status 1
    [ "$("$CBUILD" images -aq)" = "$before" ]
    cbuild squash --from busybox -t same two
    expect_output "$("$CBUILD" inspect -f '{{.Id}}' two)"
    [ "$("$CBUILD" inspect -f '{{.Id}}' same)" = "$("$CBUILD" inspect -f '{{.Id}}' two)" ]
}

# The names in layer N (from 0) of an image.
names_in() {
    "$CBUILD" save "$1" | tar -xO "$("$CBUILD" save "$1" | tar -xO manifest.json | jq -r ".[0].Layers[$2]")" | tar -t
}

@test "--optimize-metadata puts a file that gets another mode or owner into the layer it is from" {
    head -c 3000000 /dev/urandom >"$DIR/big"
    mkdir -p "$DIR/app/sub"
    echo small >"$DIR/app/sub/small"
    dockerfile <<'END'
FROM busybox
COPY big /
COPY app /app
RUN chmod 600 /big && chown -R 5:6 /app && touch -d @7 /app/sub
RUN chown 8 /big
RUN echo more >> /app/sub/small && ln /big /second
RUN chmod 700 /bin/busybox
END
    build_ok --network=none -t plain
    expect_contains 'RUN /bin/sh -c chown 8 /big`: its layer has 3MB of files again' 'build with --optimize-metadata'
    build_ok --network=none --no-cache --optimize-metadata -t folded
    expect_lacks 'chown 8 /big`: its layer'
    expect_contains 'chmod 700 /bin/busybox`: its layer has'
    build_ok --network=none -t plain
    [ "$(steps_run)" = 0 ]
    build_ok --network=none --optimize-metadata -t folded
    [ "$(steps_run)" = 0 ]
    [ "$(tree_of plain)" = "$(tree_of folded)" ]
    [ "$(layers_of plain) $(layers_of folded)" = '7 7' ]
    [ "$("$CBUILD" history --no-trunc --format '{{.CreatedBy}}' plain)" = "$("$CBUILD" history --no-trunc --format '{{.CreatedBy}}' folded)" ]
    run names_in folded 1
    expect_output big
    run "$CBUILD" save -o "$BATS_TEST_TMPDIR/folded.tar" folded
    "$CBUILD" --root "$BATS_TEST_TMPDIR/far" load -q -i "$BATS_TEST_TMPDIR/folded.tar"
    [ "$(echo FROM folded | "$CBUILD" --root "$BATS_TEST_TMPDIR/far" build -q -o - - | sha256sum)" = "$(tree_of plain)" ]
    run "$CBUILD" --root "$BATS_TEST_TMPDIR/far" run --rm --network none folded stat -c '%a %u %h %s' /big
    expect_output '600 8 2 3000000'
    [ "$("$CBUILD" build -q --network=none --optimize-metadata "$DIR")" = "$("$CBUILD" inspect -f '{{.Id}}' folded)" ]
    fsck_clean
}

@test "--optimize-metadata leaves alone what is not the same file any more" {
    dockerfile <<'END'
FROM busybox AS below
RUN mkdir /d /e && echo 1 > /d/f && echo 1 > /e/f && echo 1 > /one && ln /one /two && echo 1 > /gone && echo 1 > /turned
FROM below
RUN rm -r /d && mkdir /d && echo 1 > /d/f && rm -r /e && ln -s d /e && chmod 700 /one && rm /gone /turned && mkdir /turned
RUN echo 1 > /gone && chmod 711 /d/f && rm -r /turned && echo 1 > /turned
RUN chown 3 /d/f && chmod 4711 /turned /gone
END
    build_ok --network=none -t plain
    build_ok --network=none --optimize-metadata -t folded
    [ "$(tree_of plain)" = "$(tree_of folded)" ]
    in_image true
    run "$CBUILD" run --rm --network none folded sh -c 'stat -c "%n %a %u" /d/f /e/f /one /two /gone /turned'
    expect_output $'/d/f 711 3\n/e/f 711 3\n/one 700 0\n/two 644 0\n/gone 4711 0\n/turned 4711 0'
    run names_in folded 4
    expect_output 'd/'
    build_ok --network=none --optimize-metadata --squash -t both
    [ "$(tree_of plain)" = "$(tree_of both)" ]
    printf 'FROM busybox\nRUN echo 1 > /x\n' | dockerfile
    [ "$("$CBUILD" build -q --network=none "$DIR")" = "$("$CBUILD" build -q --network=none --optimize-metadata "$DIR")" ]
    run "$CBUILD" build -q --optimize-metadata --cache-to type=inline "$DIR"
    expect_status 1
    expect_contains '--optimize-metadata and an inline cache exclude each other'
    fsck_clean
}

@test "df counts a file once that a squashed image shares with the one it was made of" {
    local root=$BATS_TEST_TMPDIR/store
    cb() { "$CBUILD" --root "$root" "$@"; }
    cb import "$CB_BASES/busybox.tar" busybox >/dev/null
    printf 'FROM busybox\nRUN head -c 3000000 /dev/urandom >/one\nRUN head -c 3000000 /dev/urandom >/two\n' |
        cb build -q --network none -t layers - >/dev/null
    cb rmi busybox >/dev/null
    images() { cb df --format '{{.Type}} {{.Size}} {{.Reclaimable}}' | grep ^Images; }
    before=$(images)
    cb squash -t flat layers >/dev/null
    [ "$(images)" = "$before" ]
    sizes() { cb df -v | awk -v image="$1" '$1 == image { for (i = 4; i < NF; i++) if ($i ~ /^[0-9.]+MB$/) { print $i; exit } }'; }
    [ "$(sizes flat) $(sizes layers)" = "7.982MB 7.982MB" ]
    cb rmi layers >/dev/null
    cb prune -af >/dev/null
    [ "$(images)" = "$before" ]
    [ "$(cb run --rm --network none flat stat -c %s /one /two)" = $'3000000\n3000000' ]
}
