# login and logout: what is tried, where it is kept, and that pushes and pulls use it.

bats_require_minimum_version 1.5.0
load helpers
load helpers-registry
load ../lib/peers.bash

setup_file() {
    cb_store
    registry_start htpasswd
}

teardown_file() {
    registry_stop
    cb_drop_store
}

setup() {
    export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
    unset REGISTRY_AUTH_FILE
}

teardown() {
    stop_hostile_registry
}

# Runs cbuild with TEXT on standard input: piped TEXT ARGUMENT...
piped() {
    local text=$1
    shift
    run "$CBUILD" "$@" <<<"$text"
}

# The same with a terminal as standard input, on which TEXT is typed.
typed() {
    local text=$1
    shift
    run python3 -c '
import os, pty, sys, time
answers = sys.argv[1].split("|")
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen = b""
while True:
    try:
        part = os.read(fd, 4096)
    except OSError:
        break
    if not part:
        break
    seen += part
    if answers and part.rstrip().endswith(b":"):
        os.write(fd, answers.pop(0).encode() + b"\n")
sys.stdout.write(seen.decode().replace("\r", ""))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
' "$text" "$CBUILD" "$@"
}

@test "a login is tried, kept for its owner alone, used, and forgotten" {
    "$CBUILD" tag busybox "$REGISTRY/private/busybox"
    cbuild push "$REGISTRY/private/busybox"
    expect_status 1
    expect_contains "The push refers to repository [$REGISTRY/private/busybox]" \
        "unauthorized: authentication required: no basic auth credentials" "cbuild login $REGISTRY"
    piped opensesame login -u tester --password-stdin "$REGISTRY"
    expect_status 0
    expect_contains "Login Succeeded" "stored unencrypted in $DOCKER_CONFIG/config.json"
    [ "$(stat -c %a "$DOCKER_CONFIG/config.json")" = 600 ]
    [ "$(jq -r ".auths[\"$REGISTRY\"].auth" "$DOCKER_CONFIG/config.json")" = "$(printf tester:opensesame | base64)" ]
    cbuild push "$REGISTRY/private/busybox"
    expect_status 0
    skopeo inspect --tls-verify=false --authfile "$DOCKER_CONFIG/config.json" "docker://$REGISTRY/private/busybox" >/dev/null
    cbuild logout "$REGISTRY"
    expect_output "Removing login credentials for $REGISTRY"
    cbuild pull "$REGISTRY/private/busybox"
    expect_status 1
    cbuild logout "$REGISTRY"
    expect_output "Not logged in to $REGISTRY"
}

@test "a build is given credentials: --creds, and a file by --authfile" {
    mkdir "$BATS_TEST_TMPDIR/c"
    printf 'FROM busybox\n' >"$BATS_TEST_TMPDIR/c/Dockerfile"
    cbuild build -q -t "$REGISTRY/given:1" --push "$BATS_TEST_TMPDIR/c"
    expect_status 1
    cbuild build -q -t "$REGISTRY/given:1" --push --creds tester:opensesame "$BATS_TEST_TMPDIR/c"
    expect_status 0
    printf '{"auths":{"%s":{"auth":"%s"}}}' "$REGISTRY" "$(printf tester:opensesame | base64)" >"$BATS_TEST_TMPDIR/auth.json"
    cbuild build -q -t "$REGISTRY/given:2" --push --authfile "$BATS_TEST_TMPDIR/auth.json" "$BATS_TEST_TMPDIR/c"
    expect_status 0
    cbuild build -q -t "$REGISTRY/given:2" --push --authfile "$BATS_TEST_TMPDIR/none.json" "$BATS_TEST_TMPDIR/c"
    expect_status 1
    expect_contains none.json
    cbuild build --creds tester "$BATS_TEST_TMPDIR/c"
    expect_status 1
    expect_contains 'expected user:password'
    [ ! -e "$DOCKER_CONFIG/config.json" ]
}

@test "--creds of a build are shown to the registry that the command line names, and to no other" {
    start_hostile_registry --auth basic
    mkdir "$BATS_TEST_TMPDIR/c"
    printf 'FROM %s/good/image:latest\n' "$HOSTILE" >"$BATS_TEST_TMPDIR/c/Dockerfile"
    cbuild build -q -t "$REGISTRY/given:3" --push --creds tester:opensesame "$BATS_TEST_TMPDIR/c"
    expect_status 1
    run jq -r 'select(.authorization != null) | .path' "$HOSTILE_LOG"
    expect_output ""
    run grep -c . "$HOSTILE_LOG"
    [ "$output" -gt 0 ]
    # of several registries, and of none, nobody knows which is meant
    for words in "-t $REGISTRY/given:3 -t $HOSTILE/x:1" "-t $REGISTRY/given:3 --cache-from type=registry,ref=$HOSTILE/x:1" \
        "-t $REGISTRY/given:3 --build-context x=docker-image://$HOSTILE/x:1"; do
        cbuild build -q $words --creds tester:opensesame "$BATS_TEST_TMPDIR/c"
        expect_status 1
        expect_contains "--creds are for one registry, and both $REGISTRY and $HOSTILE are named"
    done
    # each of several targets counts
    printf 'FROM scratch AS a\nLABEL a=1\nFROM scratch AS b\nLABEL b=1\n' >"$BATS_TEST_TMPDIR/c/two"
    cbuild build -q -f "$BATS_TEST_TMPDIR/c/two" --creds tester:opensesame --target a -o type=cacheonly --target b -t "$REGISTRY/given:b" --push "$BATS_TEST_TMPDIR/c"
    expect_status 0
    cbuild build -q -f "$BATS_TEST_TMPDIR/c/two" --creds tester:opensesame --target a -t "$REGISTRY/given:a" --target b -t "$HOSTILE/x:1" "$BATS_TEST_TMPDIR/c"
    expect_status 1
    expect_contains "both $REGISTRY and $HOSTILE are named"
    cbuild build -q -t app --creds tester:opensesame "$BATS_TEST_TMPDIR/c"
    expect_status 1
    expect_contains 'names no registry that they are for'
    cbuild manifest create --creds tester:opensesame list "$REGISTRY/given:1" "$HOSTILE/good/image:latest"
    expect_status 1
    expect_contains 'both'
    run jq -r 'select(.authorization != null) | .path' "$HOSTILE_LOG"
    expect_output ""
    # what a Dockerfile takes from the registry that is named
    cbuild push -q --creds tester:opensesame busybox "$REGISTRY/given/base:1"
    expect_status 0
    printf 'FROM %s/given/base:1\n' "$REGISTRY" >"$BATS_TEST_TMPDIR/c/Dockerfile"
    cbuild build -q --pull -t "$REGISTRY/given:4" --creds tester:opensesame "$BATS_TEST_TMPDIR/c"
    expect_status 0
}

@test "passwords of a command line are not in what ps shows" {
    mkfifo "$BATS_TEST_TMPDIR/in"
    "$CBUILD" --root "$STORE" build -q -t localhost:1/x --creds tester:s3cr3t-one --creds=tester:s3cr3t-two \
        --build-arg=FROM='https://tester:s3cr3t-three@localhost:1/?token=s3cr3t-four' --build-arg B=https://s3cr3t-five@localhost:1/y.git - \
        <"$BATS_TEST_TMPDIR/in" >/dev/null 2>&1 3>&- &
    local pid=$!
    exec 8>"$BATS_TEST_TMPDIR/in"
    wait_until grep -aq xxxxx "/proc/$pid/cmdline"
    run bash -c 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\0" "\n" | grep -c "s3cr3t-[otf]"'
    exec 8>&-
    wait "$pid" || :
    expect_output 0
}

@test "a wrong password is refused and nothing is kept" {
    piped wrong login -u tester --password-stdin "$REGISTRY"
    expect_status 1
    expect_contains "unauthorized: incorrect username or password"
    [ ! -e "$DOCKER_CONFIG/config.json" ]
}

@test "username and password are asked for on a terminal, the password unseen" {
    typed "tester|opensesame" login "$REGISTRY"
    expect_status 0
    expect_contains "Username: tester" "Password:" "Login Succeeded"
    expect_lacks opensesame
    # A second login uses what is kept.
    cbuild login "$REGISTRY"
    expect_status 0
    expect_contains "Authenticating with existing credentials..." "Login Succeeded"
}

@test "a login for a part of a registry, and logouts: of the part, of all, with helpers" {
    piped opensesame login -u tester --password-stdin "$REGISTRY/squad"
    expect_status 0
    [ "$(jq -c '.auths | keys' "$DOCKER_CONFIG/config.json")" = "[\"$REGISTRY/squad\"]" ]
    cbuild push -q busybox "$REGISTRY/squad/busybox"
    expect_status 0
    cbuild push -q busybox "$REGISTRY/other/busybox"
    expect_status 1
    cbuild login "$REGISTRY/squad"
    expect_contains 'Authenticating with existing credentials...'
    cbuild logout "$REGISTRY"
    expect_output "Not logged in to $REGISTRY"
    cbuild logout "$REGISTRY/squa"
    expect_output "Not logged in to $REGISTRY/squa"
    cbuild logout "$REGISTRY/squad"
    expect_output "Removing login credentials for $REGISTRY/squad"
    cbuild push -q busybox "$REGISTRY/squad/busybox"
    expect_status 1
    # an address is no part
    for server in "http://$REGISTRY/v2/" "$REGISTRY/v1/" "$REGISTRY/" "http://$REGISTRY/squad"; do
        cbuild logout "$server"
        expect_output "Not logged in to $REGISTRY"
    done
    cbuild login -u tester -p opensesame "$REGISTRY/squad:1"
    expect_status 1
    expect_contains "reference \"$REGISTRY/squad:1\" contains tag or digest"
    cbuild login -u tester -p opensesame "$REGISTRY/Squad"
    expect_status 1
    cbuild logout team/app
    expect_status 1
    cbuild logout --all "$REGISTRY"
    expect_status 1
    expect_contains '--all takes no arguments'
    cbuild logout --all
    expect_output 'Removed login credentials for all registries'
}

@test "logout --all asks the helpers to forget, too, and leaves the rest of the file" {
    mkdir -p "$BATS_TEST_TMPDIR/bin" "$DOCKER_CONFIG"
    cat >"$BATS_TEST_TMPDIR/bin/docker-credential-log" <<EOF
#!/bin/sh
read -r text || :
echo "\$1 \$text" >>$BATS_TEST_TMPDIR/helper.log
[ "\$1" != list ] || echo '{"https://index.docker.io/v1/":"a","x.example":"b"}'
EOF
    chmod 755 "$BATS_TEST_TMPDIR/bin/docker-credential-log"
    echo '{"auths":{"a.example":{"auth":"YTpi"},"b.example/team":{"auth":"YTpi"}},"credsStore":"log","credHelpers":{"c.example":"log"},"HttpHeaders":{"a":"b"}}' >"$DOCKER_CONFIG/config.json"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH cbuild logout -a
    expect_output 'Removed login credentials for all registries'
    [ "$(jq -c . "$DOCKER_CONFIG/config.json")" = '{"auths":{},"credsStore":"log","credHelpers":{"c.example":"log"},"HttpHeaders":{"a":"b"}}' ]
    [ "$(sort "$BATS_TEST_TMPDIR/helper.log")" = 'erase c.example
erase https://index.docker.io/v1/
erase x.example
list ' ]
}

@test "without a terminal nothing is asked" {
    piped opensesame login "$REGISTRY"
    expect_status 1
    expect_contains "Cannot perform an interactive login from a non TTY device" "--password-stdin"
    piped opensesame login --password-stdin "$REGISTRY"
    expect_contains "Must provide --username with --password-stdin"
    piped opensesame login -u tester -p x --password-stdin "$REGISTRY"
    expect_contains "--password and --password-stdin are mutually exclusive"
    piped '' login -u tester --password-stdin "$REGISTRY"
    expect_contains "password is empty"
    cbuild login -u tester -p opensesame "$REGISTRY"
    expect_status 0
    expect_contains "Using --password via the CLI is insecure"
}

@test "the rest of the file, and a link to it, stay" {
    mkdir "$DOCKER_CONFIG" "$BATS_TEST_TMPDIR/real"
    echo '{"detachKeys":"ctrl-e,e","auths":{"other.example":{"auth":"YTpi"}},"x-own":[1,{"y":null}]}' >"$BATS_TEST_TMPDIR/real/file"
    ln -s ../real/file "$DOCKER_CONFIG/config.json"
    piped opensesame login -u tester --password-stdin "http://$REGISTRY/v2/"
    expect_status 0
    [ -L "$DOCKER_CONFIG/config.json" ]
    [ "$(jq -c '[.detachKeys, ."x-own", (.auths | keys)]' "$BATS_TEST_TMPDIR/real/file")" = "[\"ctrl-e,e\",[1,{\"y\":null}],[\"$REGISTRY\",\"other.example\"]]" ]
    [ "$(ls "$BATS_TEST_TMPDIR/real")" = file ]
    rm "$BATS_TEST_TMPDIR/real/file"
    piped opensesame login -u tester --password-stdin "$REGISTRY"
    [ -L "$DOCKER_CONFIG/config.json" ]
    jq -e '.auths | length == 1' "$BATS_TEST_TMPDIR/real/file"
    echo '{"auths":{"other.example":{"auth":"YTpi"}}}' >"$BATS_TEST_TMPDIR/real/file"
    # what root writes is the user's as before, for his eyes only; nobody's entry is lost who logs in at the same time
    "$CBUILD" logout "$REGISTRY"
    chown 1234:1235 "$BATS_TEST_TMPDIR/real/file"
    chmod 664 "$BATS_TEST_TMPDIR/real/file"
    "$CBUILD" login -u tester --password-stdin "localhost:${REGISTRY##*:}" <<<opensesame 3>&- &
    piped opensesame login -u tester --password-stdin "$REGISTRY"
    wait $!
    [ "$(stat -c '%u:%g %a' "$BATS_TEST_TMPDIR/real/file")" = '1234:1235 600' ]
    [ "$(jq -c '.auths | keys | length' "$BATS_TEST_TMPDIR/real/file")" -eq 3 ]
}

@test "a credential helper keeps what the file does not" {
    mkdir -p "$BATS_TEST_TMPDIR/bin" "$DOCKER_CONFIG"
    cat >"$BATS_TEST_TMPDIR/bin/docker-credential-box" <<'END'
#!/bin/sh
box=${0%/*}/box
case $1 in
store) cat >"$box" ;;
get) read -r server; [ -f "$box" ] && [ "$(jq -r .ServerURL "$box")" = "$server" ] && cat "$box" || { echo "credentials not found in native keychain"; exit 1; } ;;
erase) cat >/dev/null; rm -f "$box" ;;
esac
END
    chmod +x "$BATS_TEST_TMPDIR/bin/docker-credential-box"
    echo '{"credsStore":"box"}' >"$DOCKER_CONFIG/config.json"
    export PATH=$BATS_TEST_TMPDIR/bin:$PATH
    piped opensesame login -u tester --password-stdin "$REGISTRY"
    expect_status 0
    expect_lacks WARNING
    [ "$(jq -r '.Username + " " + .Secret' "$BATS_TEST_TMPDIR/bin/box")" = "tester opensesame" ]
    [ "$(jq -c ".auths[\"$REGISTRY\"]" "$DOCKER_CONFIG/config.json")" = "{}" ]
    not grep -r "$(printf tester:opensesame | base64)" "$DOCKER_CONFIG"
    "$CBUILD" tag busybox "$REGISTRY/helped/busybox"
    cbuild push "$REGISTRY/helped/busybox"
    expect_status 0
    cbuild logout "$REGISTRY"
    [ ! -e "$BATS_TEST_TMPDIR/bin/box" ]
    # one that does not work is told of, with its file, and its words steer no terminal
    printf '#!/bin/sh\ncase $1 in get) printf "the wallet \\033[31mis locked"; exit 3 ;; store) cat >/dev/null; echo ok; esac\n' >"$BATS_TEST_TMPDIR/bin/docker-credential-locked"
    printf '#!/bin/sh\necho "<html>"\n' >"$BATS_TEST_TMPDIR/bin/docker-credential-junk"
    printf '#!/bin/sh\nexec yes\n' >"$BATS_TEST_TMPDIR/bin/docker-credential-flood"
    chmod +x "$BATS_TEST_TMPDIR"/bin/*
    for helper in locked junk flood; do
        echo "{\"credsStore\":\"$helper\"}" >"$DOCKER_CONFIG/config.json"
        cbuild pull "$REGISTRY/helped/x:1"
        expect_status 1
        expect_contains "docker-credential-$helper" "$DOCKER_CONFIG/config.json"
        [[ $output != *$'\e'* ]]
    done
    # one that waits for somebody is not waited for
    printf '#!/bin/sh\nexec sleep %s\n' "$FOREVER" >"$BATS_TEST_TMPDIR/bin/docker-credential-asleep"
    chmod +x "$BATS_TEST_TMPDIR/bin/docker-credential-asleep"
    echo '{"credsStore":"asleep"}' >"$DOCKER_CONFIG/config.json"
    cbuild pull "$REGISTRY/helped/x:1"
    expect_status 1
    expect_contains "docker-credential-asleep" "took longer than 10 seconds"
    expect_no_sleeper
    # whoever says who he is does not need what it keeps
    echo '{"credsStore":"locked"}' >"$DOCKER_CONFIG/config.json"
    piped opensesame login -u tester --password-stdin "$REGISTRY"
    expect_status 0
    # one that is not there is named
    echo '{"credsStore":"nowhere"}' >"$DOCKER_CONFIG/config.json"
    piped opensesame login -u tester --password-stdin "$REGISTRY"
    expect_status 1
    expect_contains docker-credential-nowhere
}

@test "a token server's token is kept instead of the password" {
    start_hostile_registry --auth oauth
    piped opensesame login -u tester --password-stdin "$HOSTILE"
    expect_status 0
    [ "$(jq -r ".auths[\"$HOSTILE\"].identitytoken" "$DOCKER_CONFIG/config.json")" = token-of-the-login ]
    [ "$(jq -r ".auths[\"$HOSTILE\"].auth" "$DOCKER_CONFIG/config.json" | base64 -d)" = tester: ]
    cbuild pull -q "$HOSTILE/good/image"
    expect_status 0
    piped wrong login -u tester --password-stdin "$HOSTILE"
    expect_status 1
    expect_contains "unauthorized: incorrect username or password"
}

@test "a token server that takes no POST gets the token that was kept by GET" {
    start_hostile_registry --auth token-get
    mkdir "$DOCKER_CONFIG"
    auth() { printf '{"auths":{"%s":{"auth":"%s","identitytoken":"token-of-the-login"}}}' "$HOSTILE" "$(printf %s "$1" | base64)"; }
    auth tester: >"$DOCKER_CONFIG/config.json"
    cbuild pull -q "$HOSTILE/good/image"
    expect_status 0
    run jq -r 'select(.path | startswith("/token")) | .method' "$HOSTILE_LOG"
    expect_output "POST
GET"
    auth : >"$DOCKER_CONFIG/config.json"
    cbuild pull -q "$HOSTILE/good/image"
    expect_status 1
}

@test "a part of a registry may have credentials of its own" {
    entry() { printf '"%s":{"auth":"%s"}' "$1" "$(printf %s "$2" | base64)"; }
    export REGISTRY_AUTH_FILE=$BATS_TEST_TMPDIR/auth.json
    printf '{"auths":{%s,%s,%s}}' "$(entry "$REGISTRY" tester:wrong)" "$(entry "$REGISTRY/part" tester:opensesame)" \
        "$(entry "$REGISTRY/part/closed" nobody:knows)" >"$REGISTRY_AUTH_FILE"
    for name in part/of/it part; do
        cbuild push -q busybox "$REGISTRY/$name:1"
        expect_status 0
        skopeo inspect --tls-verify=false "docker://$REGISTRY/$name:1" >/dev/null
    done
    # elsewhere those of the registry count, and in a part of the part the part's
    for name in parts other part/closed/x; do
        cbuild push -q busybox "$REGISTRY/$name:1"
        expect_status 1
        expect_contains unauthorized
    done
    # one that is for a part is not for all
    printf '{"auths":{%s}}' "$(entry "$REGISTRY/part" tester:opensesame)" >"$REGISTRY_AUTH_FILE"
    cbuild pull -q "$REGISTRY/part/of/it:1"
    expect_status 0
    cbuild push busybox "$REGISTRY/other:1"
    expect_status 1
    expect_contains 'no basic auth credentials'
    # and is no login to it that could be forgotten with it
    cbuild logout "$REGISTRY"
    expect_output "Not logged in to $REGISTRY"
    cbuild pull -q "$REGISTRY/part:1"
    expect_status 0
}

@test "credentials on the command line: for the registry that is named, or for one end of a copy" {
    yes=tester:opensesame
    cbuild push -q --creds "$yes" --digestfile "$BATS_TEST_TMPDIR/digest" busybox "docker://$REGISTRY/words/x:1"
    expect_status 0
    digest=$(cat "$BATS_TEST_TMPDIR/digest")
    [ "$(skopeo inspect --tls-verify=false --creds "$yes" "docker://$REGISTRY/words/x:1" | jq -r .Digest)" = "$digest" ]
    cbuild push -q --creds tester:wrong busybox "$REGISTRY/words/x:1"
    expect_status 1
    expect_contains unauthorized
    cbuild push -q --creds tester busybox "$REGISTRY/words/x:1"
    expect_status 1
    expect_contains '--creds: expected user:password'
    cbuild pull -q --creds "$yes" "docker://$REGISTRY/words/x:1"
    expect_output "$REGISTRY/words/x:1"
    cbuild manifest inspect --creds "$yes" "$REGISTRY/words/x:1"
    expect_status 0
    printf '{"auths":{"%s":{"auth":"%s"}}}' "$REGISTRY" "$(printf %s "$yes" | base64)" >"$BATS_TEST_TMPDIR/file"
    piped opensesame login --authfile "$BATS_TEST_TMPDIR/new/file" -u tester --password-stdin "$REGISTRY"
    expect_status 0
    [ ! -e "$DOCKER_CONFIG/config.json" ]
    diff <(jq -S . "$BATS_TEST_TMPDIR/new/file") <(jq -S . "$BATS_TEST_TMPDIR/file")
    cbuild logout --authfile "$BATS_TEST_TMPDIR/new/file" "$REGISTRY"
    expect_contains "Removing login credentials for $REGISTRY"
    [ "$(jq -c .auths "$BATS_TEST_TMPDIR/new/file")" = '{}' ]
    cbuild buildx imagetools inspect --authfile "$BATS_TEST_TMPDIR/file" --format '{{.Manifest.Digest}}' "$REGISTRY/words/x:1"
    expect_output "$digest"
    # the password for one end is not shown to the other
    start_hostile_registry --auth basic
    cbuild copy -q --src-creds "$yes" "docker://$REGISTRY/words/x:1" "docker://$HOSTILE/pushed/x:1"
    expect_status 1
    run jq -r 'select(.authorization != null) | .path' "$HOSTILE_LOG"
    expect_output ""
    cbuild copy -q --src-creds "$yes" --dest-creds "$yes" "docker://$REGISTRY/words/x:1" "docker://$HOSTILE/pushed/x:1"
    expect_output "$digest"
    cbuild copy -q --src-creds "$yes" --dest-creds a:b "docker://$REGISTRY/words/x:1" "docker://$REGISTRY/words/y:1"
    expect_status 1
    expect_contains 'are for one registry, and differ'
    cbuild copy -q --src-creds "$yes" busybox "docker://$REGISTRY/words/y:1"
    expect_status 1
    expect_contains '--src-creds: that is no registry'
    cbuild manifest delete --creds "$yes" "$REGISTRY/words/x:1"
    expect_status 0
    expect_contains "Deleted: $REGISTRY/words/x:1"
}

@test "a password is shown to no other host" {
    start_hostile_registry --auth realm-other
    piped opensesame login -u tester --password-stdin "$HOSTILE"
    expect_status 1
    expect_contains "may not see the credentials for $HOSTILE"
    run jq -s -r '.[] | select(.server == "other") | select(.authorization != null or (.path | test("tester|opensesame"))) | .path' "$HOSTILE_LOG"
    expect_output ""
}

@test "names that are no registry, files that are no configuration" {
    cbuild login -u a -p b 'reg istry'
    expect_status 1
    expect_contains '`reg istry` is not the name of a registry'
    cbuild login -u a:b -p c "$REGISTRY"
    expect_status 1
    expect_contains "a username cannot contain a colon"
    mkdir "$DOCKER_CONFIG"
    for text in '[]' '{"auths":[]}' '{' '{"credsStore":1}'; do
        printf '%s' "$text" >"$DOCKER_CONFIG/config.json"
        piped opensesame login -u tester --password-stdin "$REGISTRY"
        expect_status 1
        expect_contains "$DOCKER_CONFIG/config.json"
        [ "$(cat "$DOCKER_CONFIG/config.json")" = "$text" ]
    done
}

@test "search: a registry's search, or its catalog; tags" {
    piped opensesame login -u tester --password-stdin "$REGISTRY"
    for name in team/alpha:1 team/alpha:2 team/beta:1; do
        "$CBUILD" tag busybox "$REGISTRY/$name"
        cbuild push -q "$REGISTRY/$name"
        expect_status 0
    done
    cbuild search --format '{{.Name}}|{{.StarCount}}' "$REGISTRY/team"
    expect_output "$REGISTRY/team/alpha|0
$REGISTRY/team/beta|0"
    run --separate-stderr "$CBUILD" search --limit 1 --format json "$REGISTRY/team"
    expect_output "{\"Description\":\"\",\"IsOfficial\":\"\",\"Name\":\"$REGISTRY/team/alpha\",\"StarCount\":\"0\"}"
    cbuild search --list-tags --format 'table {{.Tag}}\t{{.Name}}' "$REGISTRY/team/alpha"
    [ "$(tr -s ' ' <<<"$output")" = "TAG NAME
1 $REGISTRY/team/alpha
2 $REGISTRY/team/alpha" ]
    for access in --creds=tester:opensesame "--authfile=$DOCKER_CONFIG/config.json"; do
        DOCKER_CONFIG=$BATS_TEST_TMPDIR/none run --separate-stderr "$CBUILD" search "$access" --list-tags --limit 1 --format '{{.Tag}}' "$REGISTRY/team/alpha"
        expect_output 1
        DOCKER_CONFIG=$BATS_TEST_TMPDIR/none run --separate-stderr "$CBUILD" search "$access" --limit 1 --format '{{.Name}}' "$REGISTRY/team"
        expect_output "$REGISTRY/team/alpha"
    done
    # what is left out is told of, beside the list
    run --separate-stderr "$CBUILD" search --list-tags --limit 1 --format '{{.Tag}}' "$REGISTRY/team/alpha"
    expect_output 1
    [ "$stderr" = "1 of 2 tags: --limit 2 shows all" ]
    run --separate-stderr "$CBUILD" search --limit 1 --format '{{.Name}}' "$REGISTRY/team"
    expect_output "$REGISTRY/team/alpha"
    [ "$stderr" = "there are more than these 1: --limit shows others" ]
    run --separate-stderr "$CBUILD" search --limit 2 --format '{{.Name}}' "$REGISTRY/team"
    [ "$stderr" = "" ]
    run --separate-stderr "$CBUILD" search --list-tags --limit 2 --format '{{.Tag}}' "$REGISTRY/team/alpha"
    [ "$stderr" = "" ]
    cbuild search --format '{{.Nope}}' "$REGISTRY/team"
    expect_status 1
    expect_contains "can't evaluate field Nope" "the fields are .Name .Description .StarCount .IsOfficial"
    cbuild search --filter stars=x "$REGISTRY/team"
    expect_status 1
    expect_contains 'invalid filter `stars=x`'
    cbuild search -f stars=1 --format '{{.Name}}' "$REGISTRY/team"
    expect_output ""
    start_hostile_registry
    cbuild search --format '{{.Name}} {{.Description}} {{.StarCount}} {{.IsOfficial}}' "$HOSTILE/too"
    expect_output "$HOSTILE/tool A  tool\\x1b[31m 7 [OK]"
}
