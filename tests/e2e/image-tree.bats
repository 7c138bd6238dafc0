#!/usr/bin/env bats
# What an image is made of: layers and what of them is of no use; names and their platforms.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }
teardown() { "$CBUILD" image unmount -af >/dev/null 2>&1 || true; }

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

# Two layers on busybox: d/gone, d/same and a mode.
two_layers() { # NAME CONTENT
    printf 'FROM busybox\nRUN mkdir /d && echo %s >/d/f && echo same >/d/same && echo x >/d/gone && ln -s f /d/link\nRUN rm /d/gone && mkdir /new && echo n >/new/n && chmod 700 /d/same\n' "$2" |
        "$CBUILD" build -q -t "$1" - >/dev/null
}

@test "image diff: the last layer, or beside another image, in what files are and not when" {
    two_layers a:1 one
    two_layers a:2 two
    cbuild image diff a:1
    expect_status 0
    expect_output 'C /d
D /d/gone
C /d/same
A /new
A /new/n'
    cbuild image diff --format json a:1
    expect_output '{"changed":["/d","/d/same"],"added":["/new","/new/n"],"deleted":["/d/gone"]}'
    cbuild image diff a:1 a:2
    expect_output 'C /d
C /d/f'
    cbuild image diff busybox a:1
    expect_output 'D /d
D /new'
    printf 'FROM busybox\nRUN echo same >/bin/x; mkdir /e; touch -d @1 /e\n' | "$CBUILD" build -q -t b:1 - >/dev/null
    printf 'FROM busybox\nRUN echo same >/bin/x; mkdir /e; touch -d @2 /e /bin/x\n' | "$CBUILD" build -q -t b:2 - >/dev/null
    cbuild image diff b:1 b:2
    expect_output ''
    cbuild image diff --format yaml b:1
    expect_contains 'expected text or json'
    cbuild image diff b:1 never
    expect_contains 'No such image: never'
}

@test "image mount: a read-only directory that outlives the image, listed until it is unmounted" {
    two_layers m:1 mounted
    cbuild image mount m:1
    expect_status 0
    place=$output
    [ "$(cat "$place/d/f")" = mounted ]
    not touch "$place/x"
    [[ $(findmnt -no OPTIONS "$place") =~ ro,nosuid,nodev ]]
    cbuild image mount m:1
    expect_output "$place"
    cbuild image mount m:1 busybox
    [[ ${lines[0]} = "m:1 $place" && ${lines[1]} =~ ^busybox\ /.*/mounts/[0-9a-f]{64}$ ]]
    not touch "${lines[1]#* }/x"
    cbuild image mount
    expect_contains "docker.io/library/m:1 $place" 'docker.io/library/busybox:latest '
    cbuild image mount --format json
    [ "$(jq -r '.[] | select(.repositories == ["docker.io/library/m:1"]) | .mountpoint, .id' <<<"$output")" = "$place
${place##*/}" ]
    "$CBUILD" rmi m:1 >/dev/null
    "$CBUILD" builder prune -af >/dev/null
    [ "$(cat "$place/d/f" "$place/bin/sh" | head -n 1)" = mounted ]
    exec 9<"$place/d/f"
    cbuild image unmount "${place##*/}"
    expect_status 1
    expect_contains 'device or resource busy' '-f unmounts it'
    exec 9<&-
    cbuild image unmount "${place##*/}"
    expect_output "${place##*/}"
    not test -e "$place"
    cbuild image unmount m:1
    expect_contains 'image `m:1` is not mounted'
    # of several at once one mounts: what they print is unmounted by one command
    place=$(for _ in 1 2 3 4; do "$CBUILD" image mount busybox & done | sort -u)
    [ "$(grep -c " $place " /proc/self/mountinfo)" -eq 1 ]
    cbuild image unmount -a
    [[ $output =~ ^[0-9a-f]{64}$ ]]
    cbuild image mount
    expect_output ''
    cbuild image unmount
    expect_status 1
    cbuild fsck
    expect_contains '0 problems'
}
