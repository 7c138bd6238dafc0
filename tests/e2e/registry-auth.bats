#!/usr/bin/env bats
# Docker's registry as it is run in earnest: with TLS and certificates for clients, and behind a token server.
load helpers
load ../lib/peers

setup_file() {
    cb_store
    export D=$BATS_FILE_TMPDIR
    mkdir -p "$D/pki" "$D/data"
    cd "$D/pki"
    request() { openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null; }
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=tests 2>/dev/null
    for name in server elsewhere client names; do
        request $name
        case $name in server) san=IP:127.0.0.1 ;; elsewhere) san=DNS:elsewhere.test ;; client) san=email:c@tests ;;
            names) san=DNS:registry.cbuild.test,DNS:auth.cbuild.test ;; esac
        openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out $name.crt \
            -extfile <(echo "subjectAltName=$san") 2>/dev/null
    done
    : >index
    openssl ca -batch -rand_serial -in server.csr -out expired.crt -keyfile ca.key -cert ca.crt -startdate 20200101000000Z \
        -enddate 20200102000000Z -extfile <(echo subjectAltName=IP:127.0.0.1) -config <(printf '%s\n' '[ca]' 'default_ca=d' \
            '[d]' database=index serial=serial new_certs_dir=. default_md=sha256 policy=p '[p]' commonName=supplied) 2>/dev/null
}
teardown_file() { cb_drop_store; }
setup() {
    export CBUILD_CONFIG=$BATS_TEST_TMPDIR/config.json DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
    mkdir -p "$DOCKER_CONFIG"
    printf '{"certs-dirs":["%s/certs.d"]}' "$BATS_TEST_TMPDIR" >"$CBUILD_CONFIG"
}
teardown() {
    stop_registry
    [ -z "${TOKENS:-}" ] || { exec {TOKENS_FD}>&-; kill "$TOKENS" || true; wait "$TOKENS" || true; }
}

# serve HTTP [AUTH]: docker's registry with these; all share their data.
serve() {
    mkdir -p "$BATS_TEST_TMPDIR/registry"
    ln -s "$D/data" "$BATS_TEST_TMPDIR/registry/data"
    registry_serve "$BATS_TEST_TMPDIR/registry" "$@"
}
fails() {
    run timeout 60 "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh" "$@"
    expect_status 1
}
works() {
    run timeout 60 "$CBUILD" "$@"
    expect_status 0
}

@test "TLS: the authority, the name, and a certificate of the client's own" {
    serve "  tls: {certificate: $D/pki/server.crt, key: $D/pki/server.key, clientcas: [$D/pki/ca.crt]}"
    certs=$BATS_TEST_TMPDIR/certs.d/$REGISTRY
    mkdir -p "$certs"
    fails pull "$REGISTRY/x:1"
    expect_contains 'certs.d'
    cp "$D/pki/ca.crt" "$certs/ca.crt"
    fails pull "$REGISTRY/x:1"
    expect_contains 'alert bad certificate' 'hint: the server takes only those whose certificate it knows'
    fails pull --tls-verify=false "$REGISTRY/x:1"
    expect_contains "https://$REGISTRY/" 'alert bad certificate'
    cp "$D/pki/client.crt" "$certs/client.cert"
    cp "$D/pki/client.key" "$certs/client.key"
    works tag busybox "$REGISTRY/x:1"
    works push "$REGISTRY/x:1"
    digest=$(printf '%s' "$output" | sed -n 's/.*digest: \(sha256:[0-9a-f]*\).*/\1/p')
    works --root "$BATS_TEST_TMPDIR/fresh" pull -q "$REGISTRY/x:1"
    [ "$(skopeo inspect --cert-dir "$certs" "docker://$REGISTRY/x:1" | jq -r .Digest)" = "$digest" ]
    # a directory for all registries
    printf 'FROM %s/x:1\n' "$REGISTRY" >"$BATS_TEST_TMPDIR/Dockerfile"
    mv "$certs" "$BATS_TEST_TMPDIR/mine"
    run timeout 60 "$CBUILD" --root "$BATS_TEST_TMPDIR/fresh4" build -q -f "$BATS_TEST_TMPDIR/Dockerfile" "$BATS_TEST_TMPDIR/mine"
    expect_status 1
    works --root "$BATS_TEST_TMPDIR/fresh4" build -q --cert-dir "$BATS_TEST_TMPDIR/mine" -f "$BATS_TEST_TMPDIR/Dockerfile" "$BATS_TEST_TMPDIR/mine"
    mv "$BATS_TEST_TMPDIR/mine" "$certs"
    # without verification the client still says who it is
    rm "$certs/ca.crt"
    works --root "$BATS_TEST_TMPDIR/fresh2" pull -q --tls-verify=false "$REGISTRY/x:1"
    works --root "$BATS_TEST_TMPDIR/fresh3" pull -q --insecure-registry 127.0.0.0/8 "$REGISTRY/x:1"
    fails pull "$REGISTRY/x:1"
    expect_contains certificate
}

@test "TLS: a certificate that was good once is refused" {
    serve "  tls: {certificate: $D/pki/expired.crt, key: $D/pki/server.key}"
    mkdir -p "$BATS_TEST_TMPDIR/certs.d/$REGISTRY"
    cp "$D/pki/ca.crt" "$BATS_TEST_TMPDIR/certs.d/$REGISTRY/ca.crt"
    fails pull "$REGISTRY/y:1"
    expect_contains expired
}

@test "TLS: a certificate for another name is refused, unless the registry is named as insecure" {
    serve "  tls: {certificate: $D/pki/elsewhere.crt, key: $D/pki/elsewhere.key}"
    mkdir -p "$BATS_TEST_TMPDIR/certs.d/$REGISTRY"
    cp "$D/pki/ca.crt" "$BATS_TEST_TMPDIR/certs.d/$REGISTRY/ca.crt"
    run "$CBUILD" push busybox "$REGISTRY/y:1"
    expect_status 1
    fails pull "$REGISTRY/y:1"
    expect_contains 127.0.0.1
    printf 'FROM scratch\nCOPY Dockerfile /\n' >"$BATS_TEST_TMPDIR/Dockerfile"
    works build -q -f "$BATS_TEST_TMPDIR/Dockerfile" -o "type=image,name=$REGISTRY/z:1,push=true,registry.insecure=true" "$BATS_TEST_TMPDIR"
    fails build -q -f "$BATS_TEST_TMPDIR/Dockerfile" -o "type=image,name=$REGISTRY/z:1,push=true" "$BATS_TEST_TMPDIR"
    printf '{"insecure-registries":["%s"]}' "$REGISTRY" >"$CBUILD_CONFIG"
    works push -q busybox "$REGISTRY/y:1"
    expect_output "$REGISTRY/y:1"
    # a range has the names of its addresses; a scheme is dropped, as docker does it
    printf '127.0.0.1 other.cbuild.test\n' >"$BATS_TEST_TMPDIR/hosts"
    other=other.cbuild.test:${REGISTRY#*:}
    for list in '"10.0.0.0/8", "other.cbuild.test:1"' '"::/0"'; do
        echo "{\"insecure-registries\":[$list]}" >"$CBUILD_CONFIG"
        named "$CBUILD" push -q busybox "$other/y:2"
        expect_status 1
    done
    for list in '"10.0.0.0/8", "127.0.0.0/24"' "\"http://$other\""; do
        echo "{\"insecure-registries\":[$list]}" >"$CBUILD_CONFIG"
        named_works push -q busybox "$other/y:2"
    done
}

# COMMAND with the names of this test's servers.
named() {
    # shellcheck disable=SC2016
    run timeout 60 unshare -m sh -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' sh "$BATS_TEST_TMPDIR/hosts" "$@"
}
named_works() {
    named "$CBUILD" "$@"
    expect_status 0
}

@test "a token server: anonymous pulls, logins, scopes, mounts between repositories, refused pushes" {
    log=$BATS_TEST_TMPDIR/tokens
    printf '127.0.0.1 registry.cbuild.test auth.cbuild.test\n' >"$BATS_TEST_TMPDIR/hosts"
    mkfifo "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
    python3 "$CB_TOP/tests/lib/token-server.py" "$D/pki/ca.crt" "$D/pki/ca.key" "$log" "$D/pki/names.crt" "$D/pki/names.key" \
        <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 3>&- &
    TOKENS=$!
    exec {TOKENS_FD}>"$BATS_TEST_TMPDIR/in"
    read -r port <"$BATS_TEST_TMPDIR/out"
    serve "  tls: {certificate: $D/pki/names.crt, key: $D/pki/names.key}" \
        "auth: {token: {realm: 'https://auth.cbuild.test:$port/token', service: test, issuer: tests, rootcertbundle: $D/pki/ca.crt}}"
    R=registry.cbuild.test:${REGISTRY#*:}
    for host in "$R" "auth.cbuild.test:$port"; do
        mkdir -p "$BATS_TEST_TMPDIR/certs.d/$host"
        cp "$D/pki/ca.crt" "$BATS_TEST_TMPDIR/certs.d/$host/"
    done
    "$CBUILD" tag busybox "$R/public/x:1"
    named "$CBUILD" push "$R/public/x:1"
    expect_status 1
    expect_contains 'denied: requested access to the resource is denied' "cbuild login $R"
    named sh -c "echo wrong | '$CBUILD' login -u tester --password-stdin $R"
    expect_status 1
    named sh -c "echo opensesame | '$CBUILD' login -u tester --password-stdin $R"
    expect_status 0
    run grep -c -e opensesame -e "$(printf tester:opensesame | base64)" "$DOCKER_CONFIG/config.json"
    expect_output 0
    named_works push "$R/public/x:1"
    : >"$log"
    named_works push busybox "$R/private/x:1"
    expect_contains 'Mounted from public/x'
    run jq -s -r 'map(.scopes[]) | unique | join(" ")' "$log"
    expect_contains repository:private/x:pull,push repository:public/x:pull
    run jq -s -c 'map(.by) | unique' "$log"
    expect_output '["refresh token"]'
    named_works --root "$BATS_TEST_TMPDIR/fresh" pull -q "$R/private/x:1"
    named "$CBUILD" push busybox "$R/readonly/x:1"
    expect_status 1
    expect_contains 'denied: requested access to the resource is denied'
    named_works logout "$R"
    named "$CBUILD" --root "$BATS_TEST_TMPDIR/other" pull "$R/private/x:1"
    expect_status 1
    expect_contains 'pull access denied' 'requested access to the resource is denied'
    named_works --root "$BATS_TEST_TMPDIR/other" pull -q "$R/public/x:1"
    named skopeo inspect --cert-dir "$BATS_TEST_TMPDIR/certs.d/$R" "docker://$R/public/x:1"
    expect_status 0
}

@test "a login that nobody answers names the host and what was asked, once" {
    port=$(free_port)
    run "$CBUILD" login -u tester --password-stdin "127.0.0.1:$port" <<<opensesame
    expect_status 1
    expect_contains "cbuild: login to 127.0.0.1:$port: GET \`https://127.0.0.1:$port/v2/\`: "
    expect_lacks 'Get "'
}
