#!/usr/bin/env bats
# What an image is made of: layers and what of them is of no use; names and their platforms.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

@test "what later layers delete or write again is wasted" {
    dockerfile <<'END'
FROM busybox
RUN head -c 3000000 /dev/zero >/big && echo one >/config && mkdir /d && head -c 500 /dev/zero >/d/a && ln /d/a /d/b
RUN rm /big /d/a && echo other >/config
LABEL no=layer
RUN rm -r /d && mkdir /d
END
    build_ok -q
    run "$CBUILD" image tree --format json img
    expect_status 0
    [ "$(jq -c '[.layers[1:][] | [.layer, .size_bytes, .files, .wasted_bytes, .deletes]]' <<<"$output")" = \
        '[[2,3000504,4,3000504,0],[3,6,1,0,2],[4,0,0,0,1]]' ]
    [ "$(jq .wasted_bytes <<<"$output")" = 3000504 ]
    [ "$(jq -c '.wasted[0] | [.path, .size_bytes, .layer, .by, .deleted]' <<<"$output")" = '["/big",3000000,2,3,true]' ]
    [ "$(jq -c '.wasted[] | select(.path == "/config") | .deleted' <<<"$output")" = false ]
    [ "$(jq -r '.layers[3].created_by' <<<"$output" | cut -c1-4)" = 'RUN ' ]
    cbuild image tree img
    expect_contains 'img:latest' 'in 4 layers' '3MB (60%) of no use' '└─  4' '3MB  /big  (layer 2, deleted by 3)' \
        '/config  (layer 2, rewritten by 3)'
}

@test "the same image has the same tree after save and load" {
    printf 'FROM busybox\nRUN mkdir /d && echo a >/d/a\nRUN rm -r /d && mkdir /d && echo b >/d/b\n' >"$DIR/Dockerfile"
    build_ok -q
    tree=$("$CBUILD" image tree --format json img | jq 'del(.names)')
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/a.tar" img
    "$CBUILD" --root "$BATS_TEST_TMPDIR/other" load -qi "$BATS_TEST_TMPDIR/a.tar"
    [ "$("$CBUILD" --root "$BATS_TEST_TMPDIR/other" image tree --format json img | jq 'del(.names)')" = "$tree" ]
    [ "$(jq .wasted_files <<<"$(jq '.layers[1]' <<<"$tree")")" = 1 ]
}

@test "hostile file names and steps stay on their line" {
    printf 'FROM busybox\nRUN n=$(printf "/a\\033[2J\\nb"); head -c 100 /dev/zero >"$n"; printf x >"$(printf "/\\377")"\nRUN rm /a* "$(printf "/\\377")" # \342\200\256\n' >"$DIR/Dockerfile"
    build_ok -q
    run "$CBUILD" image tree img
    expect_contains '/a\x1b[2J\x0ab  (layer 2, deleted by 3)' '/\xff  (layer 2'
    expect_lacks $'\033'
    expect_lacks $'\342\200\256'
    "$CBUILD" image tree --format json img | jq -e '.wasted[0].path == "/a\u001b[2J\nb"'
}

@test "an image without layers, and one that is not there" {
    printf 'FROM scratch\nLABEL a=b\n' >"$DIR/Dockerfile"
    build_ok -q
    cbuild image tree img
    expect_status 0
    expect_contains '0B in 0 layers'
    cbuild image tree nosuch
    expect_status 1
    expect_contains 'No such image: nosuch'
    cbuild image tree --format dot img
    expect_status 1
    expect_contains 'expected text or json'
}

@test "images --tree shows the platforms of a name below it" {
    printf 'FROM scratch\nCOPY Dockerfile /\n' >"$DIR/Dockerfile"
    "$CBUILD" build -q --platform linux/amd64,linux/arm64 -t multi:1 "$DIR"
    run "$CBUILD" images --tree multi
    [ "${#lines[@]}" -eq 4 ]
    [[ ${lines[1]} == multi:1\ * ]]
    [[ ${lines[2]} == '├─ linux/amd64 '* ]]
    [[ ${lines[3]} == '└─ linux/arm64 '* ]]
    run "$CBUILD" images --tree --no-trunc --format json
    [ "$(jq -r 'select(.Image == "multi:1") | .Platforms | map(.Platform) | join(" ")' <<<"$output")" = 'linux/amd64 linux/arm64' ]
    [ "$(jq -r 'select(.Image == "busybox:latest") | .Platforms | length' <<<"$output")" = 0 ]
    [[ $(jq -r 'select(.Image == "busybox:latest") | .ID' <<<"$output") == sha256:* ]]
    cbuild images --tree -q
    expect_status 1
    expect_contains '--tree and --quiet cannot be used together'
}
