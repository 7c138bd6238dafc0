#!/usr/bin/env bats
# Registries that lie, break off or lead astray: nothing wrong is stored, credentials stay at home, and
# whatever can still be had correctly is had.
load helpers
load helpers-registry
load helpers-hostile

setup_file() { cb_store; canary_lay; }
teardown_file() {
    canary_remove
    cb_drop_store
}
setup() {
    cb_dir
    # empty stores: what was fetched once is not fetched again
    mkdir -m 700 "$BATS_TEST_TMPDIR/store"
    export CBUILD_ROOT=$BATS_TEST_TMPDIR/store/own
}
teardown() {
    stop_hostile_registry
    rm -rf --one-file-system "$BATS_TEST_TMPDIR/store"
}

pull() {
    run timeout 60 "$CBUILD" pull "$HOSTILE/$1/image:latest"
}

@test "an address of this machine that is no registry: both ways that were tried are told, and a way out" {
    cbuild pull 127.0.0.1:1/x
    expect_status 1
    expect_contains '127.0.0.1:1/x:latest: GET `https://127.0.0.1:1/v2/x/manifests/latest`: Failed to connect' \
        '; plain http was tried, too: GET `http://127.0.0.1:1/v2/`: Failed to connect' \
        $'\nhint: nothing listens at 127.0.0.1:1: is the registry started, and is that its port?'
    python3 -c '
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    with listener.accept()[0] as peer:
        peer.recv(4096)
        peer.sendall(b"220 mail.example ready\r\n")' >"$DIR/port" 3>&- &
    local server=$! port
    wait_until test -s "$DIR/port"
    port=$(cat "$DIR/port")
    cbuild pull --tls-verify=true "127.0.0.1:$port/x"
    checked=$output
    cbuild pull --tls-verify=false "127.0.0.1:$port/x"
    kill "$server"
    expect_status 1
    for output in "$checked" "$output"; do
        expect_contains "GET \`https://127.0.0.1:$port/v2/x/manifests/latest\`: " "; plain http was tried, too: GET \`http://127.0.0.1:$port/v2/\`: " \
            $'\nhint: is what listens at 127.0.0.1:'"$port a registry, and is that its port?"
    done
}

@test "who closes each connection on this machine is given up soon" {
    python3 -c '
import socket, struct
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    with listener.accept()[0] as peer:
        peer.recv(1)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))' >"$DIR/port" 3>&- &
    local server=$! port
    wait_until test -s "$DIR/port"
    port=$(cat "$DIR/port")
    run timeout 60 "$CBUILD" pull "127.0.0.1:$port/x"
    kill "$server"
    expect_status 1
    expect_contains "GET \`https://127.0.0.1:$port/v2/x/manifests/latest\`: " "; plain http was tried, too: GET \`http://127.0.0.1:$port/v2/\`: " \
        $'\nhint: is what listens at 127.0.0.1:'"$port a registry, and is that its port?"
}

# Every file of the content store has the digest its name says, and nothing has the image.
nothing_wrong_stored() {
    fsck_clean
    run "$CBUILD" images -aq
    expect_output ''
}

# pull_fails MODE TEXT…: into an empty store, which has no image afterwards.
pull_fails() {
    local mode=$1
    shift
    export CBUILD_ROOT=$BATS_TEST_TMPDIR/store/$mode
    expect_memory 64 timeout 60 "$CBUILD" pull "$HOSTILE/$mode/image:latest"
    [ "$status" -eq 1 ] || { echo "$mode: status $status: $output"; return 1; }
    expect_contains "$@" || { echo "for $mode"; return 1; }
    expect_no_controls || { echo "for $mode"; return 1; }
    nothing_wrong_stored
}

pull_works() {
    pull "$1"
    [ "$status" -eq 0 ] || { echo "$1: status $status: $output"; return 1; }
}

login() {
    export REGISTRY_AUTH_FILE=$BATS_TEST_TMPDIR/auth.json
    printf '{"auths":{"%s":{"auth":"%s"}}}' "$HOSTILE" "$(printf tester:opensesame | base64)" >"$REGISTRY_AUTH_FILE"
    chmod 600 "$REGISTRY_AUTH_FILE"
}

# What the other host was told: nothing.
nothing_leaked() {
    run jq -s -r '.[] | select(.server == "other") | select(.authorization != null or (.path | test("tester|opensesame|token-of"))) | .path' "$HOSTILE_LOG"
    expect_output ''
}

@test "sizes and digests that do not fit, malformed ones, and bytes that are others" {
    start_hostile_registry
    pull_fails wrongdigest sha256:
    pull_fails wrongdigestm sha256:
    pull_fails short bytes
    pull_fails long bytes
    pull_fails negsize size
    pull_fails bigsize ''
    pull_fails sizestr size
    pull_fails fsize size
    pull_fails digesttrav digest
    pull_fails digestalg digest
    pull_fails digestupper digest
    pull_fails diffid 'unpacked bytes have digest'
}

@test "documents: two kinds at once, another type than said, keys twice, too deep, too big, no JSON" {
    start_hostile_registry
    pull_fails dualtype manifests
    pull_fails badtype ''
    pull_fails dupkeys schemaVersion
    pull_fails deep ''
    pull_fails hugemanifest 'larger than the limit'
    pull_fails deepindex index
    pull_fails manylayers 'larger than the limit'
    pull_fails notjson ''
    pull_fails schema1 ''
    pull_fails artifact ''
    pull_fails noplatform platform
    pull_fails lieheader sha256:
}

@test "redirects: not to files, not for ever, not a password on the way" {
    start_hostile_registry
    pull_fails redirfile 'file'
    pull_fails redirloop 'redirect'
    pull_works redirect
    pull_works redirrel
    pull_fails hugehdr ''
    pull_fails endless ''
    pull_fails hugeerror 'not found'
    pull_fails absent 'manifest unknown'
    pull_fails escapes 'manifest unknown' '\x1b'
}

@test "answers that are no HTTP, never end, or contradict themselves" {
    start_hostile_registry
    pull_fails notyet 'response headers over'
    pull_fails trailers 'response headers over'
    pull_fails chunkdrops 'larger than the limit'
    pull_fails nohttp HTTP/0.9
    pull_fails twolengths ''
    pull_fails neglength Content-Length
    pull_fails empty ''
    pull_fails encoded ''
    pull_fails nullocation ''
    pull_fails nolocation 307
    pull_fails redirchain 'more than 5 redirects'
    pull_fails redirmeta 169.254.169.254
}

@test "configs: keys twice, NUL, a gzip bomb, too large, too deep" {
    start_hostile_registry
    pull_fails configdup 'duplicate object key'
    pull_fails confignul 'u0000'
    pull_fails configgzip 'image config'
    pull_fails confighuge 'over 4194304 bytes'
    pull_fails configsize 'over 4194304 bytes'
    pull_fails configdeep 'levels deep'
    pull_fails sha512lie 'the bytes received have digest sha512:'
    pull_fails sha512short 'invalid digest'
    pull_fails twosizes layers
    pull_works sha512
}

@test "unreliable servers do not fail a pull" {
    start_hostile_registry
    for mode in cut cutonce norange badrange lierange rangetotal rangeback rangehuge rangetwice cenc e429 e429bad e429neg e503 nodigest index good; do
        pull_works "$mode"
    done
    fsck_clean
    # what is new is found out by HEAD where the registry takes it, else by GET
    for mode in nohead nohead404 nodigest; do
        pull_works "$mode"
        pull_works "$mode"
        expect_contains 'Image is up to date'
        run jq -s -c --arg m "/v2/$mode/" '[.[] | select(.path | startswith($m) and test("manifests/latest")) | .method]' "$HOSTILE_LOG"
        [[ $output == *'"HEAD","GET"]' ]]
    done
    # no blob was asked for more than is missing: 64 KiB each time
    run jq -s '[.[] | select(.path | test("/cut/")) | select(.range != null)] | length' "$HOSTILE_LOG"
    [ "$output" -ge 3 ]
}

@test "what an archive says of its image and is no text costs a warning, not the image" {
    start_hostile_registry
    cbuild copy -q --all "docker://$HOSTILE/saidcontrols/image:latest" "oci-archive:$BATS_TEST_TMPDIR/image.tar:said"
    expect_status 0
    cbuild load -i "$BATS_TEST_TMPDIR/image.tar"
    expect_status 0
    expect_contains "warning: what the archive's index says of the image is not kept: sha256:" 'is no text'
    run "$CBUILD" images -aq
    [ "${#lines[@]}" -eq 1 ]
}

@test "what an index says of its image: neither memory nor time is the registry's to choose" {
    start_hostile_registry
    for mode in saidhuge saidmany saidmanifests saidquotes saidcontrols saidvalues saiddeep saiditself saidindex saidabsent; do
        rm -rf "$BATS_TEST_TMPDIR/store/own"
        expect_memory 64 timeout 60 "$CBUILD" pull "$HOSTILE/$mode/image:latest"
        expect_status 0
        expect_no_controls
        case $mode in
        saidhuge | saidmany | saidmanifests) expect_contains "$mode/image:latest: what its index says of the image is not kept" '8 MiB' ;;
        saidcontrols) expect_contains "$mode/image:latest: what its index says of the image is not kept" 'is no text' ;;
        esac
        expect_memory 64 timeout 60 "$CBUILD" save --format oci -o "$BATS_TEST_TMPDIR/image.tar" "$HOSTILE/$mode/image:latest"
        expect_status 0
        expect_memory 64 timeout 60 "$CBUILD" buildx imagetools inspect --format '{{json .SBOM}}' "$HOSTILE/$mode/image:latest"
        [ "$mode" = saidquotes ] || expect_lacks '\"\"'
        fsck_clean
    done
}

@test "a Retry-After of years is not waited for" {
    start_hostile_registry
    pull_works e429big
}

@test "a tag that moves gives one image or the other, never a mixture" {
    start_hostile_registry
    for i in 1 2 3 4 5 6; do
        pull_works flip
    done
    fsck_clean
}

@test "foreign layers: their urls are not followed" {
    start_hostile_registry
    login
    pull urls
    run jq -s -r '.[] | select(.path | test("foreign")) | .path' "$HOSTILE_LOG"
    expect_output ''
}

@test "credentials go to the registry alone: redirects and pushes elsewhere" {
    start_hostile_registry --auth basic
    login
    pull_works redirect
    nothing_leaked
    "$CBUILD" tag "$HOSTILE/redirect/image:latest" "$HOSTILE/pushredir/x:1"
    run timeout 60 "$CBUILD" push "$HOSTILE/pushredir/x:1"
    expect_status 0
    nothing_leaked
    grep -q '"server": "other"' "$HOSTILE_LOG"
}

@test "credentials go to the registry alone: those of a part of it, and those of where a redirect leads" {
    start_hostile_registry --auth basic
    entry() { printf '"%s":{"auth":"%s"}' "$1" "$(printf %s "$2" | base64)"; }
    export REGISTRY_AUTH_FILE=$BATS_TEST_TMPDIR/auth.json
    printf '{"auths":{%s,%s,%s}}' "$(entry "$HOSTILE/redirect" tester:opensesame)" "$(entry "$HOSTILE/redirrel/image" tester:opensesame)" \
        "$(entry "127.0.0.9:$HOSTILE_OTHER" other:opensesame)" >"$REGISTRY_AUTH_FILE"
    # to another host: neither those of the part, nor those that are kept for that host
    pull_works redirect
    nothing_leaked
    run jq -s -c '[.[] | select(.server == "other") | .authorization] | unique' "$HOSTILE_LOG"
    expect_output '[null]'
    # within the registry, which is one origin, they go where it leads; by itself that repository is none of the part
    export CBUILD_ROOT=$BATS_TEST_TMPDIR/store/redirrel
    pull_works redirrel
    nothing_leaked
    run jq -s -c '[.[] | select(.path | startswith("/v2/good/")) | .authorization] | unique | length' "$HOSTILE_LOG"
    expect_output 1
    : >"$HOSTILE_LOG"
    pull good
    expect_status 1
    nothing_leaked
    run jq -s -c '[.[].authorization] | unique' "$HOSTILE_LOG"
    expect_output '[null]'
}

@test "credentials go to the registry alone: realms elsewhere, of other kinds, and huge" {
    for kind in realm-other realm-port realm-meta realm-file realm-gopher realm-crlf realm-huge; do
        rm -f "$BATS_TEST_TMPDIR"/hostile.*
        start_hostile_registry --auth $kind
        login
        expect_memory 64 timeout 60 "$CBUILD" pull "$HOSTILE/good/image:latest"
        case $kind in
        realm-file | realm-gopher | realm-crlf | realm-huge)
            [ "$status" -eq 1 ] || { echo "$kind: status $status: $output"; return 1; }
            ;;
        esac
        expect_lacks root:
        expect_no_controls
        nothing_leaked
        stop_hostile_registry
    done
}

@test "credentials go to the registry alone: tokens that are none, and redirects with a password" {
    for kind in token-crlf token-nul token-twice token-wrong token-loop token-away bearer; do
        rm -f "$BATS_TEST_TMPDIR"/hostile.*
        start_hostile_registry --auth $kind
        login
        expect_memory 64 timeout 60 "$CBUILD" pull "$HOSTILE/rediruser/image:latest"
        expect_status 1
        expect_no_controls
        expect_lacks opensesame
        nothing_leaked
        stop_hostile_registry
    done
}

@test "names, passwords and tokens appear in no output, also with --debug" {
    start_hostile_registry --auth bearer
    login
    run timeout 60 "$CBUILD" --debug pull "$HOSTILE/good/image:latest"
    expect_status 0
    expect_lacks opensesame
    expect_lacks token-of-the-registry
    expect_lacks "$(printf tester:opensesame | base64)"
    run grep -r -l -e opensesame -e token-of-the-registry "$CBUILD_ROOT"
    expect_output ''
    run timeout 60 "$CBUILD" pull "http://tester:opensesame@$HOSTILE/good/image:latest"
    expect_status 1
    expect_lacks opensesame
    run timeout 60 "$CBUILD" pull "tester:opensesame@$HOSTILE/good/image:latest"
    expect_status 1
    expect_contains 'xxxxx@'
    expect_lacks opensesame
}

@test "a config.json with a helper named by a path or a command runs nothing" {
    start_hostile_registry --auth bearer
    export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
    mkdir -p "$DOCKER_CONFIG"
    printf '#!/bin/sh\ntouch %s/planted\n' "$CANARY" >"$BATS_TEST_TMPDIR/evil"
    chmod +x "$BATS_TEST_TMPDIR/evil"
    for helper in "../..$BATS_TEST_TMPDIR/evil" "a;touch $CANARY/planted" '$(touch x)' ''; do
        jq -n --arg helper "$helper" --arg host "$HOSTILE" '{credsStore: $helper, credHelpers: {($host): $helper}}' >"$DOCKER_CONFIG/config.json"
        run timeout 60 "$CBUILD" pull "$HOSTILE/good/image:latest"
        expect_status 1
        canary_ok
    done
    for text in '' '[]' '{"auths":[]}' '{"auths":{"x":{"auth":1}}}' "{\"auths\":{\"$HOSTILE\":{\"auth\":\"!!!\"}}}" '{"auths"' "{\"auths\":{\"$HOSTILE\":{\"auth\":\"$(printf 'a:b\r\nX: y' | base64)\"}}}"; do
        printf '%s' "$text" >"$DOCKER_CONFIG/config.json"
        run timeout 60 "$CBUILD" pull "$HOSTILE/good/image:latest"
        expect_status 1
        expect_no_controls
    done
}

@test "TLS: a self-signed certificate, a wrong name and plain http on a TLS port are refused" {
    port=$(free_port)
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$BATS_TEST_TMPDIR/key" -out "$BATS_TEST_TMPDIR/crt" \
        -days 2 -subj /CN=elsewhere.test 2>/dev/null
    openssl s_server -quiet -accept "127.0.0.1:$port" -key "$BATS_TEST_TMPDIR/key" -cert "$BATS_TEST_TMPDIR/crt" -www \
        >/dev/null 2>&1 3>&- &
    server=$!
    wait_until sh -c "openssl s_client -connect 127.0.0.1:$port </dev/null"
    run timeout 60 "$CBUILD" pull "127.0.0.1:$port/x:y"
    kill "$server"
    expect_status 1
    expect_contains certificate
    wait "$server" || true
}

@test "history and labels of an image cannot steer the terminal" {
    printf 'FROM scratch\nLABEL a="\033]0;owned\007"\nENV b="\033[2J"\nCMD x\033[31m\n' | dockerfile
    build_ok
    expect_no_controls
    for command in 'history --no-trunc' inspect images; do
        run "$CBUILD" $command img
        expect_status 0
        expect_no_controls
    done
}

@test "references: digests, ports and names mean what they say" {
    start_hostile_registry
    pull_works good
    for bad in '' / : @ a//b a/../b ../a a/b: a/b@ a@sha256:12 "a@sha256:$(printf 'g%.0s' $(seq 64))" 'a b' $'a\nb' \
        $'\033[2J' -x a:b:c "a:$(printf 'x%.0s' $(seq 129))" "$(printf 'x%.0s' $(seq 300))" A/b é a/B \
        "$HOSTILE/good/image:latest@sha512:00" "$(printf 'x/%.0s' $(seq 5000))y"; do
        run timeout 60 "$CBUILD" pull -- "$bad"
        [ "$status" -eq 1 ] || { printf 'status %s for %q: %s\n' "$status" "$bad" "$output"; return 1; }
        expect_no_controls
    done
    # a local tag never answers for a digest that is another
    run timeout 60 "$CBUILD" build --progress=plain - <<END
FROM $HOSTILE/good/image:latest@sha256:$(printf '1%.0s' $(seq 64))
END
    expect_status 1
}
