# Contexts and Dockerfiles from URLs and git repositories.
load helpers
load helpers-web

# A repository whose root and `app` have a Dockerfile.
make_app() {
    make_repo app
    printf 'FROM busybox\nCOPY . /c\n' >"$REPO/Dockerfile"
    mkdir "$REPO/app"
    printf 'FROM busybox\nCOPY . /c\nLABEL from=app\n' >"$REPO/app/Dockerfile"
    printf 'FROM busybox\nCOPY file /other\n' >"$REPO/app/Other"
    printf 'file\n' >"$REPO/.dockerignore"
    commit app
    push
}

# build_from CONTEXT [OPTION…]
build_from() {
    local context=$1
    shift
    run "$CBUILD" build --progress=plain -t img "$@" "$context"
}

@test "a repository is a context, without .git, its ignore file not applied" {
    make_app
    build_from "$WEB/git/app.git"
    expect_status 0
    in_image sh -c 'cd /c && find . | sort'
    expect_output ".
./.dockerignore
./Dockerfile
./app
./app/Dockerfile
./app/Other
./file
./link
./sub
./sub/dir
./sub/dir/tool"
}

@test "a branch and a directory of it" {
    make_app
    tgit -C "$REPO" checkout -q -b dev
    echo dev >"$REPO/app/new"
    commit dev
    push
    build_from "$WEB/git/app.git#dev:app"
    expect_status 0
    in_image ls /c
    expect_output "Dockerfile
Other
new"
    build_from "$WEB/git/app.git?branch=main&subdir=app"
    expect_status 0
    in_image ls /c
    expect_output "Dockerfile
Other"
}

@test "a context that did not change costs one look" {
    make_app
    build_from "$WEB/git/app.git"
    expect_status 0
    forget_requests
    build_from "$WEB/git/app.git"
    expect_requests "GET 200 -
POST 200 -"
    [ "$(steps_run)" = 0 ]
}

@test "-f is in the repository, or an absolute path of the host, or standard input" {
    make_app
    build_from "$WEB/git/app.git" -f app/Other
    expect_status 0
    in_image cat /other
    expect_output one
    printf 'FROM busybox\nCOPY app/Other /host\n' >"$DIR/Dockerfile"
    build_from "$WEB/git/app.git" -f "$DIR/Dockerfile"
    expect_status 0
    in_image ls /host
    run "$CBUILD" build -q -t img -f - "$WEB/git/app.git" <"$DIR/Dockerfile"
    expect_status 0
    build_from "$WEB/git/app.git" -f none
    expect_status 1
    expect_contains "open none: no such file or directory"
    build_from "$WEB/git/app.git" -f ../../../../etc/passwd
    expect_status 1
    expect_lacks root:
}

@test ".git is kept when asked" {
    make_app
    build_from "$WEB/git/app.git" --build-arg BUILDKIT_CONTEXT_KEEP_GIT_DIR=1
    expect_status 0
    in_image cat /c/.git/HEAD
    expect_output "$(tgit -C "$REPO" rev-parse HEAD)"
    build_from "$WEB/git/app.git?keep-git-dir"
    expect_status 0
    in_image ls -d /c/.git
}

@test "a private repository needs a secret" {
    make_app
    build_from "$WEB/gitauth/app.git"
    expect_status 1
    expect_contains "context \`$WEB/gitauth/app.git\`" GIT_AUTH_TOKEN
    TOKEN=s3cr3t build_from "$WEB/gitauth/app.git" --secret id=GIT_AUTH_TOKEN,env=TOKEN
    expect_status 0
    not grep -r s3cr3t "$STORE"
    echo "RUN echo $RANDOM" >>"$REPO/Dockerfile"
    commit more
    push
    build_from "http://me:s3cr3t@${WEB#http://}/gitauth/app.git"
    expect_status 0
    expect_lacks s3cr3t
    jq -e --arg a "Basic $(printf me:s3cr3t | base64)" 'select(.authorization == $a)' "$WEB_LOG"
    # as kaniko is told
    local kaniko=(env GIT_PULL_METHOD=http)
    run "${kaniko[@]}" GIT_TOKEN=s3cr3t/1 "$CBUILD" build --no-cache --context "git://${WEB#http://}/gitauth/app.git" --no-push
    expect_status 0
    jq -e --arg a "Basic $(printf s3cr3t/1: | base64)" 'select(.authorization == $a)' "$WEB_LOG"
    run "${kaniko[@]}" GIT_USERNAME=you@x GIT_PASSWORD='s3cr3t: ü' "$CBUILD" build --context "git://${WEB#http://}/gitauth/none.git#refs/heads/main"
    expect_status 1
    expect_lacks s3cr3t
    jq -e --arg a "Basic $(printf 'you@x:s3cr3t: ü' | base64)" 'select(.authorization == $a)' "$WEB_LOG"
    build_from "http://me:s3cr3t@${WEB#http://}/gitauth/none.git"
    expect_status 1
    expect_lacks s3cr3t
    build_from "http://me:s3cr3t@${WEB#http://}/auth/none"
    expect_status 1
    expect_lacks s3cr3t
    grep -r gitauth/app.git "$STORE/builds"
    not grep -r s3cr3t "$STORE"
}

@test "an archive at a URL is a context, however it is compressed" {
    local type
    printf 'FROM busybox\nCOPY . /c\n' >"$DIR/Dockerfile"
    printf 'FROM busybox\nCOPY file /other\n' >"$DIR/Other"
    echo hello >"$DIR/file"
    for type in gzip bzip2 xz zstd cat; do
        tar -C "$DIR" -c . | "$type" >"$WEB_ROOT/a"
        build_from "$WEB/etag/a"
        expect_status 0
        in_image ls /c
        expect_output "Dockerfile
Other
file"
    done
    build_from "$WEB/etag/a" -f Other
    expect_status 0
    in_image cat /other
    expect_output hello
    forget_requests
    build_from "$WEB/etag/a"
    expect_requests "GET 304 asked"
    [ "$(steps_run)" = 0 ]
}

@test "anything else at a URL is a Dockerfile without a context" {
    printf 'FROM busybox\nRUN echo made >/made\n' >"$WEB_ROOT/Dockerfile"
    build_from "$WEB/plain/Dockerfile"
    expect_status 0
    in_image cat /made
    expect_output made
    build_from "$WEB/plain/Dockerfile" -f Other
    expect_status 1
    expect_contains "-f Other"
    printf 'FROM busybox\nCOPY Dockerfile /\n' >"$WEB_ROOT/Dockerfile"
    build_from "$WEB/plain/Dockerfile"
    expect_status 1
    expect_contains "not found"
}

@test "-f URL is a Dockerfile for a directory" {
    printf 'FROM busybox\nCOPY file /f\n' >"$WEB_ROOT/Dockerfile"
    echo here >"$DIR/file"
    echo kept >"$DIR/hidden"
    echo hidden >"$DIR/.dockerignore"
    build_from "$DIR" -f "$WEB/etag/Dockerfile"
    expect_status 0
    in_image cat /f
    expect_output here
    printf 'FROM busybox\nCOPY hidden /f\n' >"$WEB_ROOT/Dockerfile"
    build_from "$DIR" -f "$WEB/etag/Dockerfile"
    expect_status 1
    build_from "$DIR" -f "$WEB/etag/none"
    expect_status 1
    expect_contains "failed to read dockerfile" "404 Not Found"
}

@test "a path that is there is a path" {
    mkdir -p "$DIR/github.com/owner/x"
    echo 'FROM busybox' >"$DIR/github.com/owner/x/Dockerfile"
    cd "$DIR"
    build_from github.com/owner/x
    expect_status 0
    build_from github.com/owner
    expect_status 1
    expect_contains "failed to read dockerfile"
}

@test "contexts that are not there, or hostile" {
    build_from "$WEB/git/none.git"
    expect_status 1
    expect_contains "context \`$WEB/git/none.git\`"
    build_from "$WEB/plain/none"
    expect_status 1
    expect_contains "404 Not Found"
    build_from "$WEB/down/"
    expect_status 1
    expect_contains "refused"
    build_from ssh://git@127.0.0.1:1/x.git
    expect_status 1
    expect_contains "git ls-remote" "connect to host 127.0.0.1 port 1: Connection refused"
    build_from git://127.0.0.1:1/x.git
    expect_status 1
    expect_contains "git ls-remote" "unable to connect to 127.0.0.1: " "errno=Connection refused"
    build_from "ext::sh -c touch% $BATS_TEST_TMPDIR/canary"
    expect_status 1
    build_from "git@-oProxyCommand=x:y"
    expect_status 1
    [ ! -e "$BATS_TEST_TMPDIR/canary" ]
    python3 - "$WEB_ROOT/evil.tar" <<'EOF'
import io, sys, tarfile
with tarfile.open(sys.argv[1], "w") as tar:
    link = tarfile.TarInfo("Dockerfile")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    tar.addfile(link)
EOF
    build_from "$WEB/plain/evil.tar"
    expect_status 1
    expect_lacks root:
}

@test "--build-context takes repositories and archives" {
    make_app
    echo named >"$DIR/named"
    tar -C "$DIR" -cf "$WEB_ROOT/a.tar" named
    printf 'FROM busybox\nCOPY --from=repo file /r\nCOPY --from=web named /w\n' >"$DIR/Dockerfile"
    build_ok --build-context "repo=$WEB/git/app.git#main" --build-context "web=$WEB/etag/a.tar"
    in_image cat /r /w
    expect_output "one
named"
    echo text >"$WEB_ROOT/text"
    build --build-context "repo=$WEB/git/none.git" --build-context "web=$WEB/etag/a.tar"
    expect_status 1
    expect_contains "build context repo" "$WEB/git/none.git"
    build --build-context "repo=$WEB/git/app.git" --build-context "web=$WEB/etag/text"
    expect_status 1
    expect_contains "build context web" "it is no archive"
}

created() {
    "$CBUILD" inspect img | jq -r '.[0].Created'
}

@test "SOURCE_DATE_EPOCH takes the time of a context's commit, download or archive" {
    local tar=$BATS_TEST_TMPDIR/a.tar
    make_app
    echo "$BATS_TEST_NAME" >"$REPO/unlike-others"
    commit epoch
    push
    build_from "$WEB/git/app.git" --build-arg SOURCE_DATE_EPOCH=context
    expect_status 0
    [ "$(created)" = 2023-11-14T22:13:20Z ]
    in_image stat -c %Y /c/file
    expect_output 1700000000
    printf 'FROM busybox\nCOPY . /\n' >"$DIR/Dockerfile"
    touch -d @1400000000 "$DIR/Dockerfile"
    tar -C "$DIR" -cf "$WEB_ROOT/a.tar" Dockerfile
    touch -d @1500000000 "$WEB_ROOT/a.tar"
    build_from "$WEB/modified/a.tar" --build-arg SOURCE_DATE_EPOCH=context
    expect_status 0
    [ "$(created)" = 2017-07-14T02:40:00Z ]
    build_from "$WEB/plain/a.tar" --build-arg SOURCE_DATE_EPOCH=context
    expect_status 0
    [ "$(created)" = 2014-05-13T16:53:20Z ]
    build_ok --build-context "repo=$WEB/git/app.git" --build-arg SOURCE_DATE_EPOCH=repo
    [ "$(created)" = 2023-11-14T22:13:20Z ]
}

@test "SOURCE_DATE_EPOCH takes the time of a stage's source" {
    make_app
    touch -d @1500000000 "$WEB_ROOT/Dockerfile"
    dockerfile <<EOF
ARG SOURCE_DATE_EPOCH=src
FROM scratch AS src
ARG REF=main
ADD $WEB/git/app.git#\$REF /
FROM scratch AS web
ADD --checksum=sha256:$(sha256sum "$WEB_ROOT/Dockerfile" | cut -d' ' -f1) $WEB/modified/Dockerfile /
FROM scratch AS two
ADD $WEB/modified/Dockerfile $WEB/modified/Dockerfile /
FROM busybox AS based
ADD $WEB/modified/Dockerfile /
FROM scratch AS copies
COPY Dockerfile /
FROM scratch AS local
ADD Dockerfile /
FROM busybox
RUN true
EOF
    build_ok
    [ "$(created)" = 2023-11-14T22:13:20Z ]
    build_ok --build-arg SOURCE_DATE_EPOCH=web
    [ "$(created)" = 2017-07-14T02:40:00Z ]
    build --build-arg SOURCE_DATE_EPOCH=two
    expect_status 1
    expect_contains "Dockerfile:8:" "exactly one remote ADD"
    build --build-arg SOURCE_DATE_EPOCH=based
    expect_status 1
    expect_contains "Dockerfile:9:6" "must be FROM scratch"
    build --build-arg SOURCE_DATE_EPOCH=copies
    expect_status 1
    expect_contains "Dockerfile:12:" "must only name a source"
    build --build-arg SOURCE_DATE_EPOCH=local
    expect_status 1
    expect_contains "Dockerfile:14:5" "must be a URL or git repository"
}

@test "--offline asks no server and goes by what is known" {
    make_app
    echo file >"$WEB_ROOT/f"
    dockerfile <<EOF
FROM busybox
ADD $WEB/etag/f /f
ADD $WEB/git/app.git#$(tgit -C "$REPO" rev-parse HEAD) /a
EOF
    build --offline
    expect_status 1
    expect_contains "Dockerfile:2:" "not in the store, and" "(--offline)"
    build_ok
    forget_requests
    build_ok --offline
    [ "$(steps_run)" = 0 ]
    dockerfile <<EOF
FROM busybox
ADD $WEB/git/app.git#main /a
EOF
    build --offline
    expect_status 1
    expect_contains "Dockerfile:2:" "what commit \`main\` is now only" "(--offline)" "name the commit in full"
    build_from "$WEB/git/app.git" --offline
    expect_status 1
    expect_contains "what commit the default branch is now"
    expect_requests ""
}

@test "SSL_CERT_FILE names who is believed by https: ADD, contexts, git" {
    unset GIT_SSL_CAINFO SSL_CERT_FILE SSL_CERT_DIR
    start_https
    mkdir -p "$WEB_ROOT/files"
    echo text >"$WEB_ROOT/files/text"
    printf 'FROM busybox\nCOPY text /text\n' >"$WEB_ROOT/files/Dockerfile"
    tar -C "$WEB_ROOT/files" -cf "$WEB_ROOT/context.tar" .
    make_repo secure
    tgit -C "$WEB_ROOT/secure.git" update-server-info
    printf 'FROM busybox\nADD %s/files/text /text\nADD %s/secure.git /repo\n' "$HTTPS" "$HTTPS" | dockerfile
    build
    expect_status 1
    expect_contains certificate
    SSL_CERT_FILE=$HTTPS_CA build_ok
    in_image cat /text /repo/file
    expect_output $'text\none'
    build_from "$HTTPS/context.tar"
    expect_status 1
    expect_contains certificate
    SSL_CERT_FILE=$HTTPS_CA build_from "$HTTPS/context.tar"
    expect_status 0
}
