# ADD of http and https URLs.
load helpers
load helpers-web

sum() {
    sha256sum "$1" | cut -d' ' -f1
}

@test "a file of root alone, with the server's time, under the name in the URL" {
    echo hello >"$WEB_ROOT/f.txt"
    touch -d '2020-02-03 04:05:06 UTC' "$WEB_ROOT/f.txt"
    add "$WEB/etag/f.txt?x=1" /dir/
    build_ok
    in_image sh -c 'stat -c "%a %u:%g %Y" /dir/f.txt; cat /dir/f.txt'
    expect_output "600 0:0 1580702706
hello"
}

@test "a destination without a slash is the file's name; --chown and --chmod apply" {
    echo hello >"$WEB_ROOT/f.txt"
    add "$WEB/plain/f.txt" /other --chown=3:4 --chmod=0751
    build_ok
    in_image stat -c '%a %u:%g %Y %n' /other
    expect_output "751 3:4 0 /other"
}

@test "a URL without a name needs one in the destination" {
    add "$WEB" /dir/
    build
    expect_status 1
    expect_contains "Dockerfile:2:" "cannot determine a file name from the URL"
    add "$WEB/" /dir/
    build
    expect_status 1
    expect_contains "name the file in the destination: \`/dir/file\`"
}

@test "hosts and name servers of the image do not steer where the builder asks" {
    echo the one that was asked for >"$WEB_ROOT/f.txt"
    echo '203.0.113.1 localhost' >"$DIR/hosts"
    echo 'nameserver 203.0.113.1' >"$DIR/resolv.conf"
    printf 'FROM busybox\nCOPY hosts resolv.conf /etc/\nADD %s /f\n' "${WEB/127.0.0.1/localhost}/etag/f.txt" >"$DIR/Dockerfile"
    build_ok
    in_image cat /f
    expect_output "the one that was asked for"
}

@test "archives stay as they are unless --unpack asks" {
    mkdir "$BATS_TEST_TMPDIR/t"
    echo inside >"$BATS_TEST_TMPDIR/t/file"
    tar -C "$BATS_TEST_TMPDIR/t" -czf "$WEB_ROOT/a.tar.gz" file
    add "$WEB/etag/a.tar.gz" /as-is/
    build_ok
    in_image ls /as-is
    expect_output a.tar.gz
    add "$WEB/etag/a.tar.gz" /out/ --unpack=true
    build_ok
    in_image cat /out/file
    expect_output inside
}

@test "each source is told apart for itself" {
    mkdir "$BATS_TEST_TMPDIR/t"
    echo inside >"$BATS_TEST_TMPDIR/t/member"
    tar -C "$BATS_TEST_TMPDIR/t" -czf "$DIR/local.tar.gz" member
    cp "$DIR/local.tar.gz" "$WEB_ROOT/remote.tar.gz"
    echo plain >"$DIR/plain"
    make_repo r
    dockerfile <<EOF
FROM busybox
ADD local.tar.gz $WEB/etag/remote.tar.gz plain $WEB/git/r.git#main:sub /d/
EOF
    build_ok
    in_image sh -c 'cd /d && find . -type f | sort'
    expect_output "./dir/tool
./member
./plain
./remote.tar.gz"
}

@test "COPY takes no URL" {
    printf 'FROM busybox\nCOPY %s /\n' "$WEB/etag/f" >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains "Dockerfile:2:6" "source can't be a URL for COPY" "hint: ADD fetches it"
    expect_requests ""
}

@test "an unchanged URL is a hit after one question without a body" {
    local mode
    for mode in etag weak modified; do
        echo "$mode" >"$WEB_ROOT/$mode"
        add "$WEB/$mode/$mode" /f
        build_ok
        forget_requests
        build_ok
        expect_requests "GET 304 asked"
        [ "$(steps_run)" = 0 ]
    done
}

@test "a server that does not heed the question is recognised by its ETag, and its body is not taken" {
    echo body >"$WEB_ROOT/big"
    add "$WEB/deaf/big" /f
    build_ok
    forget_requests
    build_ok
    expect_requests "GET 200 asked"
    [ "$(steps_run)" = 0 ]
}

@test "without anything to ask by, the body is fetched and compared" {
    local mode
    for mode in plain fresh; do
        echo "$mode" >"$WEB_ROOT/$mode"
        add "$WEB/$mode/$mode" /f
        build_ok
        forget_requests
        build_ok
        expect_requests "GET 200 -"
        [ "$(steps_run)" = 0 ]
    done
}

@test "a changed body runs the step, and so does a changed Last-Modified" {
    echo one >"$WEB_ROOT/f"
    touch -d '2020-02-03 UTC' "$WEB_ROOT/f"
    add "$WEB/modified/f" /f
    build_ok
    echo two >"$WEB_ROOT/f"
    touch -d '2021-02-03 UTC' "$WEB_ROOT/f"
    build_ok
    [ "$(steps_run)" = 1 ]
    in_image cat /f
    expect_output two
    touch -d '2022-02-03 UTC' "$WEB_ROOT/f"
    build_ok
    [ "$(steps_run)" = 1 ]
    in_image stat -c %Y /f
    expect_output 1643846400
}

@test "two names of one content are one step's hit" {
    echo same >"$WEB_ROOT/f"
    add "$WEB/plain/f" /d/
    build_ok
    add "$WEB/to/plain/f" /d/
    build_ok
    [ "$(steps_run)" = 0 ]
}

@test "a checksum that was fetched once needs no server any more" {
    echo pinned >"$WEB_ROOT/f"
    add "$WEB/etag/f" /f --checksum="sha256:$(sum "$WEB_ROOT/f")"
    build_ok
    forget_requests
    build_ok
    [ "$(steps_run)" = 0 ]
    add "$WEB/etag/f" /elsewhere --checksum="sha256:$(sum "$WEB_ROOT/f")"
    stop_web
    build_ok
    [ ! -s "$WEB_LOG" ]
    in_image cat /elsewhere
    expect_output pinned
}

@test "another body than the checksum's is an error that names both, and nothing is kept" {
    local want
    echo right >"$WEB_ROOT/f"
    want=$(sum "$WEB_ROOT/f")
    echo wrong >"$WEB_ROOT/f"
    add "$WEB/plain/f" /f --checksum="sha256:$want"
    build
    expect_status 1
    expect_contains "sha256:$want" "sha256:$(sum "$WEB_ROOT/f")" "$WEB/plain/f" 'Dockerfile:2:88: digest mismatch'
    echo right >"$WEB_ROOT/f"
    build_ok
    in_image cat /f
    expect_output right
}

@test "a checksum is one source's, and of a form that is known" {
    dockerfile <<EOF
FROM busybox
ADD --checksum=sha256:$(printf x | sha256sum | cut -d' ' -f1) file /f
EOF
    echo x >"$DIR/file"
    build
    expect_status 1
    expect_contains "Dockerfile:2:16" "checksum requires HTTP(S) or Git sources"
    add "$WEB/plain/f" /f --checksum=md5:0123
    build
    expect_status 1
    expect_contains 'Dockerfile:2:16: invalid digest `md5:0123`'
    expect_requests ""
}

@test "a missing file is an error with its place" {
    add "$WEB/plain/none" /f
    build
    expect_status 1
    expect_contains "Dockerfile:2:" "$WEB/plain/none" "404 Not Found"
}

@test "an interrupted download is continued" {
    head -c 200000 /dev/urandom >"$WEB_ROOT/f"
    add "$WEB/cut/f" /f
    build_ok
    in_image sha256sum /f
    expect_output "$(sum "$WEB_ROOT/f")  /f"
    jq -e 'select(.status == 206)' "$WEB_LOG"
}

@test "redirects are followed on the web, and nowhere else" {
    echo there >"$WEB_ROOT/f"
    add "$WEB/to/other/plain/f" /f
    build_ok
    in_image cat /f
    expect_output there
    add "$WEB/down/" /f
    build
    expect_status 1
    expect_contains "redirect to \`file:///etc/passwd\` refused"
    add "$WEB/loop/" /f
    build
    expect_status 1
    expect_contains "more than 5 redirects"
}

@test "other schemes are paths, which are not there" {
    add file:///etc/passwd /f
    build
    expect_status 1
    expect_contains "not found"
    expect_lacks root:
}

@test "a secret named for the host is sent to it and to no other" {
    echo private >"$WEB_ROOT/f"
    add "$WEB/auth/f" /f
    build
    expect_status 1
    expect_contains "401 Unauthorized" "HTTP_AUTH_TOKEN_"
    TOKEN=s3cr3t-token build_ok --secret id=HTTP_AUTH_TOKEN_127.0.0.1,env=TOKEN
    jq -e 'select(.authorization == "Bearer s3cr3t-token")' "$WEB_LOG"
    forget_requests
    add "$WEB/auth/f" /g
    HEADER='Custom s3cr3t-header' build_ok --secret id=HTTP_AUTH_HEADER_127.0.0.1,env=HEADER
    jq -e 'select(.authorization == "Custom s3cr3t-header")' "$WEB_LOG"
    forget_requests
    add "$WEB/other/plain/f" /h
    TOKEN=s3cr3t-token build_ok --secret id=HTTP_AUTH_TOKEN_127.0.0.1,env=TOKEN
    jq -e 'select(.host == "127.0.0.9" and .authorization == null)' "$WEB_LOG"
    not grep -r s3cr3t "$STORE"
}

@test "a password in a URL is used and shown nowhere" {
    echo private >"$WEB_ROOT/f"
    add "http://me:s3cr3t@${WEB#http://}/auth/f" /f
    build_ok
    expect_lacks s3cr3t
    jq -e --arg a "Basic $(printf me:s3cr3t | base64)" 'select(.authorization == $a)' "$WEB_LOG"
    run "$CBUILD" inspect img
    expect_status 0
    expect_lacks s3cr3t
    "$CBUILD" save img -o "$BATS_TEST_TMPDIR/out.tar"
    mkdir "$BATS_TEST_TMPDIR/out"
    tar -C "$BATS_TEST_TMPDIR/out" -xf "$BATS_TEST_TMPDIR/out.tar"
    not grep -r s3cr3t "$STORE" "$BATS_TEST_TMPDIR/out"
    add "http://me:s3cr3t@${WEB#http://}/plain/none" /f
    run "$CBUILD" build -q "$DIR" 2>&1
    expect_status 1
    expect_contains "http://xxxxx@127.0.0.1" "ADD  http://xxxxxxxxx@127.0.0.1"
    expect_lacks s3cr3t
    not grep -r s3cr3t "$STORE"
}

@test "memory does not grow with the body" {
    head -c 150000000 /dev/zero >"$WEB_ROOT/big"
    add "$WEB/plain/big" /f
    run python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 64 * 1024)' \
        "$CBUILD" build -q "$DIR"
    expect_output True
}

@test "names from URLs stay names" {
    echo x >"$WEB_ROOT/f"
    local url
    for url in "$WEB/to/plain/f?/..%2f..%2fe" "$WEB/plain/%2e%2e%2ff"; do
        add "$url" /d/
        build
        in_image find /d -type f
        expect_output /d/f
    done
}
