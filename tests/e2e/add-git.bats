# ADD of git repositories.
load helpers
load helpers-web

# What a repository's file `file` says: it is added to a directory of its own.
file_of() {
    add "$1" /a/
    build_ok
    in_image cat /a/file
}

head_of() {
    tgit -C "$REPO" rev-parse "${1:-HEAD}"
}

@test "the tree of the default branch, root's, with git's modes, without .git" {
    make_repo r
    add "$WEB/git/r.git" /a/b
    (umask 077 && build_ok)
    in_image sh -c 'cd /a/b && find . | sort | xargs stat -c "%A %u:%g %n" && readlink link'
    expect_output "drwxr-xr-x 0:0 .
-rw-r--r-- 0:0 ./file
lrwxrwxrwx 0:0 ./link
drwxr-xr-x 0:0 ./sub
drwxr-xr-x 0:0 ./sub/dir
-rwxr-xr-x 0:0 ./sub/dir/tool
file"
}

@test "branches, tags and commits, by fragment and by query" {
    make_repo r
    tgit -C "$REPO" tag -a v1 -m annotated
    tgit -C "$REPO" tag light
    echo two >"$REPO/file"
    commit second
    first=$(head_of v1^{})
    tgit -C "$REPO" branch dev
    echo three >"$REPO/file"
    commit third
    push
    file_of "$WEB/git/r.git#main"
    expect_output three
    file_of "$WEB/git/r.git#dev"
    expect_output two
    file_of "$WEB/git/r.git?branch=dev"
    expect_output two
    file_of "$WEB/git/r.git#v1"
    expect_output one
    file_of "$WEB/git/r.git?tag=v1"
    expect_output one
    file_of "$WEB/git/r.git#refs/tags/light"
    expect_output one
    file_of "$WEB/git/r.git#$first"
    expect_output one
    file_of "$WEB/git/r.git?ref=dev&checksum=$(head_of dev)"
    expect_output two
}

@test "a branch goes before a tag of its name" {
    make_repo r
    tgit -C "$REPO" tag same
    echo two >"$REPO/file"
    commit second
    tgit -C "$REPO" branch same
    tgit -C "$REPO" push -q origin refs/heads/same refs/tags/same
    file_of "$WEB/git/r.git#same"
    expect_output two
    file_of "$WEB/git/r.git?tag=same"
    expect_output one
}

@test "an unchanged branch costs one look, a moved one is fetched" {
    make_repo r
    add "$WEB/git/r.git#main" /a
    build_ok
    forget_requests
    build_ok
    expect_requests "GET 200 -
POST 200 -"
    [ "$(steps_run)" = 0 ]
    echo two >"$REPO/file"
    commit second
    push
    build_ok
    [ "$(steps_run)" = 1 ]
    in_image cat /a/file
    expect_output two
}

@test "a commit that is known is not asked for" {
    make_repo r
    add "$WEB/git/r.git#$(head_of)" /a
    build_ok
    forget_requests
    build_ok
    expect_requests ""
    [ "$(steps_run)" = 0 ]
}

@test "a new commit that leaves the subdirectory alone is a hit" {
    make_repo r
    add "$WEB/git/r.git#main:sub/dir" /a
    build_ok
    echo two >"$REPO/file"
    commit second
    push
    build_ok
    [ "$(steps_run)" = 0 ]
    in_image ls /a
    expect_output tool
}

@test "a subdirectory must be one, without links" {
    make_repo r
    ln -s / "$REPO/out"
    ln -s sub "$REPO/in"
    commit links
    push
    local path
    for path in none file out/etc in/dir out; do
        add "$WEB/git/r.git#main:$path" /a
        build
        expect_status 1
        expect_contains "Dockerfile:2:" "is not a directory of the repository"
    done
    add "$WEB/git/r.git#main:../../sub" /a
    build_ok
    in_image ls /a
    expect_output dir
}

@test "--keep-git-dir leaves a repository that git takes for clean, the same each time" {
    make_repo r
    tgit -C "$REPO" tag -a v1 -m annotated
    push
    add "$WEB/git/r.git#v1" /a --keep-git-dir=true
    build_ok
    mkdir "$BATS_TEST_TMPDIR/out"
    "$CBUILD" save img -o "$BATS_TEST_TMPDIR/out.tar"
    local layer
    layer=$(tar -xOf "$BATS_TEST_TMPDIR/out.tar" manifest.json | jq -r '.[0].Layers[-1]')
    tar -xOf "$BATS_TEST_TMPDIR/out.tar" "$layer" | tar --no-same-owner -C "$BATS_TEST_TMPDIR/out" -x
    cd "$BATS_TEST_TMPDIR/out/a"
    [ -z "$(tgit status --porcelain)" ]
    [ "$(tgit rev-parse HEAD)" = "$(head_of)" ]
    [ "$(tgit describe)" = v1 ]
    [ "$(tgit config remote.origin.url)" = "$WEB/git/r.git" ]
    [ ! -e .git/logs ]
    [ ! -e .git/FETCH_HEAD ]
    [ ! -e .git/hooks ]
}

# What the store keeps of repositories: the sizes of packs, smallest first.
packs() {
    find "$STORE/git" -name '*.pack' -printf '%s\n' | sort -n
}

@test "the store keeps a repository: only what is new is fetched, and what is known is not" {
    make_repo r
    head -c 300000 /dev/urandom >"$REPO/large"
    commit large
    push
    first=$(head_of)
    rm -rf "$STORE/git"
    file_of "$WEB/git/r.git#main"
    echo two >"$REPO/file"
    commit second
    push
    file_of "$WEB/git/r.git#main"
    expect_output two
    [ "$(packs | wc -l)" = 2 ]
    [ "$(packs | head -1)" -lt 10000 ]
    forget_requests
    add "$WEB/git/r.git#$first:sub/dir" /a --keep-git-dir=false
    build_ok --offline
    in_image ls /a
    expect_output tool
    add "$WEB/git/r.git#$first" /a --keep-git-dir=true
    build_ok --offline
    "$CBUILD" save img | tar -xO --wildcards 'blobs/sha256/*' | grep -aq "a/.git/HEAD"
    expect_requests ""
    add "$WEB/git/r.git#$(head_of | tr 0-9a-f 1-9a-f0)" /a
    build --offline
    expect_status 1
    expect_contains "Dockerfile:2:" offline
}

@test "a kept repository that was damaged, or left by a killed git, is made anew" {
    make_repo r
    echo unlike >"$REPO/file" # the others' repositories, whose trees the store has
    commit other
    push
    rm -rf "$STORE/git"
    file_of "$WEB/git/r.git#main"
    local repo=("$STORE"/git/*/)
    touch "${repo[0]}/shallow.lock" "${repo[0]}/objects/pack/tmp_pack_x"
    echo again >"$REPO/file"
    commit again
    push
    file_of "$WEB/git/r.git#main"
    expect_output again
    [ "$(packs | wc -l)" = 2 ]
    local pack
    for pack in "${repo[0]}"/objects/pack/*.pack; do
        chmod 600 "$pack"
        dd if=/dev/zero of="$pack" bs=1 seek=60 count=100 conv=notrunc status=none
    done
    file_of "$WEB/git/r.git?ref=main&mtime=commit"
    expect_output again
    [ "$(packs | wc -l)" = 1 ]
    : >"${repo[0]}/HEAD"
    echo three >"$REPO/file"
    commit third
    push
    file_of "$WEB/git/r.git#main"
    expect_output three
    # a commit without its files, as a server may send it beside others: the tree is not an empty one
    echo four >"$REPO/file"
    commit fourth
    push
    repo=("$STORE"/git/*/)
    tgit -C "$REPO" cat-file commit HEAD | tgit -C "${repo[0]}" hash-object -t commit -w --stdin >/dev/null
    file_of "$WEB/git/r.git#$(head_of)"
    expect_output four
}

@test "kept repositories are listed and pruned as parts of the cache; none is kept of what is not there" {
    make_repo r
    rm -rf "$STORE/git"
    add "$WEB/git/none.git" /a
    build
    expect_status 1
    not ls "$STORE"/git/*
    echo listed >"$REPO/file"
    commit listed
    push
    file_of "http://me:s3cr3t@${WEB#http://}/git/r.git"
    run "$CBUILD" du --format json --filter type=source.git.checkout
    [ "$(jq -r .Description <<<"$output")" = "shared git repo for $WEB/git/r.git" ]
    [ "$(jq -r '.Reclaimable, .Size > 1000' <<<"$output")" = $'true\ntrue' ]
    "$CBUILD" prune -f --filter type=source.git.checkout >/dev/null
    [ -z "$(ls "$STORE/git")" ]
}

@test "submodules are fetched, recursively, unless they are not wanted" {
    make_repo inner
    make_repo middle
    tgit -C "$REPO" submodule --quiet add "$WEB/git/inner.git" inner
    commit module
    push
    make_repo outer
    tgit -C "$REPO" submodule --quiet add "$WEB/git/middle.git" mods/middle
    tgit -C "$REPO" config -f .gitmodules submodule.mods/middle.url ../middle.git
    commit module
    push
    add "$WEB/git/outer.git" /a
    build_ok
    in_image sh -c 'cat /a/mods/middle/inner/file; find /a -name .git'
    expect_output one
    add "$WEB/git/outer.git?submodules=false" /a
    build_ok
    in_image ls -A /a/mods/middle
    expect_output ""
}

@test "the store keeps submodules, too: those that are known are asked for nowhere" {
    make_repo inner
    make_repo middle
    tgit -C "$REPO" submodule --quiet add "$WEB/git/inner.git" deep/inner
    commit module
    push
    make_repo outer
    tgit -C "$REPO" submodule --quiet add "$WEB/git/middle.git" mods/middle
    tgit -C "$REPO" submodule --quiet add "$WEB/git/inner.git" unwanted
    tgit -C "$REPO" config -f .gitmodules submodule.unwanted.update none
    commit module
    push
    add "$WEB/git/outer.git#main" /a
    build_ok
    first=$(head_of)
    mkdir "$REPO/more"
    touch "$REPO/more/new"
    commit more
    push
    forget_requests
    build_ok
    in_image sh -c 'cd /a; cat mods/middle/deep/inner/file; ls more; ls -A unwanted; find . -name .git'
    expect_output $'one\nnew'
    not grep -q -e /middle.git -e /inner.git "$WEB_LOG"
    forget_requests
    add "$WEB/git/outer.git#$first:mods" /a
    build_ok --offline
    in_image cat /a/middle/deep/inner/file
    expect_output one
    expect_requests ""
    run "$CBUILD" du --verbose
    expect_contains "shared git repo for $WEB/git/middle.git" "shared git repo for $WEB/git/inner.git"
    rm -rf "$STORE/git"
    add "$WEB/git/outer.git#$first" /a --keep-git-dir=true
    build_ok
    "$CBUILD" run --rm img cat /a/mods/middle/deep/inner/file
}

@test "a .gitmodules that lists nothing is no mistake, a submodule that it does not list is" {
    make_repo r
    : >"$REPO/.gitmodules"
    tgit -C "$REPO" add .gitmodules
    tgit -C "$REPO" commit -q -m empty
    push
    add "$WEB/git/r.git" /a
    build_ok
    in_image ls -A /a/.gitmodules
    tgit -C "$REPO" update-index --add --cacheinfo "160000,$(head_of),m"
    tgit -C "$REPO" commit -q -m unlisted
    push
    build
    expect_status 1
    expect_contains "No url found for submodule path 'm' in .gitmodules"
}

@test "a submodule is sent nothing that was given for the repository it is in" {
    make_repo inner
    make_repo outer
    tgit -C "$REPO" submodule --quiet add "$WEB/git/inner.git" same
    tgit -C "$REPO" submodule --quiet add "$WEB/git/inner.git" other
    tgit -C "$REPO" config -f .gitmodules submodule.other.url "$WEB_OTHER/git/inner.git"
    commit module
    push
    add "$WEB/git/outer.git" /a
    printf token >"$BATS_TEST_TMPDIR/token"
    build_ok --secret "id=GIT_AUTH_TOKEN,src=$BATS_TEST_TMPDIR/token"
    in_image cat /a/same/file /a/other/file
    expect_output $'one\none'
    run jq -r 'select(.authorization) | .path | split("/")[2]' "$WEB_LOG"
    [ "$(sort -u <<<"$output")" = outer.git ]
    grep -q /inner.git "$WEB_LOG"
}

@test "hostile submodules do not get at files or programs" {
    make_repo r
    local url update
    for url in "file://$WEB_ROOT/r.git" "$WEB_ROOT/r.git" "ext::sh -c touch% $BATS_TEST_TMPDIR/canary" \
        "-u./payload" "ssh://-oProxyCommand=touch%20$BATS_TEST_TMPDIR/canary/x"; do
        printf '[submodule "m"]\n\tpath = m\n\turl = %s\n' "$url" >"$REPO/.gitmodules"
        tgit -C "$REPO" update-index --add --cacheinfo "160000,$(head_of),m"
        tgit -C "$REPO" add .gitmodules
        tgit -C "$REPO" commit -q -m "$url"
        push
        add "$WEB/git/r.git" /a
        build
        expect_status 1
        [ ! -e "$BATS_TEST_TMPDIR/canary" ]
    done
    printf '[submodule "m"]\n\tpath = m\n\turl = %s\n\tupdate = !touch %s\n' "$WEB/git/r.git" \
        "$BATS_TEST_TMPDIR/canary" >"$REPO/.gitmodules"
    commit update
    push
    build
    [ ! -e "$BATS_TEST_TMPDIR/canary" ]
}

@test "neither hooks nor filters nor the user's configuration are run" {
    make_repo r
    printf 'file filter=evil diff=evil\n' >"$REPO/.gitattributes"
    commit attributes
    push
    local home=$BATS_TEST_TMPDIR/home
    mkdir -p "$home/template/hooks"
    printf '#!/bin/sh\ntouch %s/canary\n' "$BATS_TEST_TMPDIR" >"$home/template/hooks/post-checkout"
    chmod 755 "$home/template/hooks/post-checkout"
    cat >"$home/.gitconfig" <<EOF
[init]
	templateDir = $home/template
[core]
	hooksPath = $home/template/hooks
	fsmonitor = $home/template/hooks/post-checkout
[filter "evil"]
	smudge = touch $BATS_TEST_TMPDIR/canary
[url "file:///nowhere/"]
	insteadOf = $WEB/
EOF
    add "$WEB/git/r.git" /a
    HOME=$home GIT_TEMPLATE_DIR=$home/template GIT_DIR=/nowhere GIT_CONFIG_COUNT=1 \
        GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=$home/template/hooks build_ok
    [ ! -e "$BATS_TEST_TMPDIR/canary" ]
}

@test "git is run by our rules wherever the store is: a relative --root" {
    make_repo r
    mkdir -p "$REPO/.g"$'\u200c'"it"
    echo x >"$REPO/.g"$'\u200c'"it/config"
    commit ignorable
    push
    git init -q "$BATS_TEST_TMPDIR/around"
    git -C "$BATS_TEST_TMPDIR/around" config url.file:///nowhere/.insteadOf "$WEB/"
    add "$WEB/git/r.git" /a
    cd "$BATS_TEST_TMPDIR/around"
    "$CBUILD" --root "$STORE" save busybox:latest | "$CBUILD" --root store load
    run "$CBUILD" --root store build "$DIR"
    rm -rf --one-file-system store
    expect_status 1
    expect_contains 'invalid path'
}

@test "URLs and refs are no options, no patterns and no other protocols" {
    make_repo r
    local source
    for source in "$WEB/git/r.git#--upload-pack=touch\${IFS}$BATS_TEST_TMPDIR/canary" \
        "ssh://-oProxyCommand=touch\${IFS}$BATS_TEST_TMPDIR/canary/x" "git@127.0.0.1:-x" \
        "$WEB/git/r.git#*" "$WEB/git/r.git?ref=-x" "$WEB/git/r.git?depth=1" \
        "ext::sh%20-c%20touch%20$BATS_TEST_TMPDIR/canary" "file://$WEB_ROOT/r.git"; do
        printf "FROM busybox\nADD [\"%s\", \"/a\"]\n" "${source//\$/\\\\\$}" >"$DIR/Dockerfile"
        build
        expect_status 1
        expect_contains "Dockerfile:2"
        [ ! -e "$BATS_TEST_TMPDIR/canary" ]
    done
}

@test "--checksum is the commit, or its beginning" {
    make_repo r
    tgit -C "$REPO" tag -a v1 -m annotated
    push
    add "$WEB/git/r.git#v1" /a --checksum="$(head_of)"
    build_ok
    add "$WEB/git/r.git#v1" /b --checksum="$(head_of | cut -c1-10)"
    build_ok
    add "$WEB/git/r.git#v1" /c --checksum="$(tgit -C "$REPO" rev-parse v1)"
    build_ok
    add "$WEB/git/r.git#v1" /d --checksum=0123456789
    build
    expect_status 1
    expect_contains "Dockerfile:2:" "expected checksum to match 0123456789, got" "$(head_of)"
    add "$WEB/git/r.git#v1" /e --checksum=sha256:0123
    build
    expect_status 1
    expect_contains "expected hex commit hash"
    add "$WEB/git/r.git?checksum=$(head_of)" /f --checksum=0123456789
    build
    expect_status 1
    expect_contains "checksum mismatch"
}

@test "repositories with sha256 names" {
    make_repo r --object-format=sha256
    file_of "$WEB/git/r.git#main"
    expect_output one
    [ "$(head_of | wc -c)" = 65 ]
    file_of "$WEB/git/r.git#$(head_of)"
    expect_output one
}

@test "mtime=commit gives files the commit's time" {
    make_repo r
    add "$WEB/git/r.git?mtime=commit" /a
    build_ok
    in_image stat -c %Y /a/file /a/sub/dir /a/link
    expect_output "1700000000
1700000000
1700000000"
}

@test "a server that serves tips only is asked for more" {
    make_repo r
    old=$(head_of)
    echo two >"$REPO/file"
    commit second
    push
    file_of "$WEB/gitold/r.git#$old"
    expect_output one
    file_of "$WEB/gitold/r.git#main"
    expect_output two
    add "$WEB/git/r.git#0123456789012345678901234567890123456789" /a
    build
    expect_status 1
    expect_contains "Dockerfile:2:" 0123456789012345678901234567890123456789
}

@test "submodules of servers that serve tips only, and of those that serve files" {
    make_repo inner
    tgit -C "$WEB_ROOT/inner.git" update-server-info
    make_repo outer
    tgit -C "$REPO" submodule --quiet add "$WEB/gitold/inner.git" tips
    tgit -C "$REPO" submodule --quiet add "$WEB/plain/inner.git" files
    commit modules
    push
    REPO=$BATS_TEST_TMPDIR/work-inner
    echo two >"$REPO/file"
    commit second
    push
    tgit -C "$WEB_ROOT/inner.git" update-server-info
    tgit -C "$WEB_ROOT/outer.git" update-server-info
    for server in git plain; do
        add "$WEB/$server/outer.git" /a
        build_ok
        in_image cat /a/tips/file /a/files/file
        expect_output $'one\none'
    done
}

@test "a server that is busy is asked again, one that says no is not" {
    make_repo r
    add "$WEB/gitbusy/r.git" /a/
    build_ok
    in_image cat /a/file
    expect_output one
    jq -es 'map(select(.status == 503)) | map(.method) | unique == ["GET", "POST"]' "$WEB_LOG"
    forget_requests
    add "$WEB/git/none.git" /a/
    build
    expect_status 1
    [ "$(requests | wc -l)" = 1 ]
    forget_requests
    add "$WEB/gitdown/r.git" /a/
    build
    expect_status 1
    expect_contains 'Dockerfile:2:' 'returned error: 503'
    [ "$(requests | wc -l)" = 3 ]
}

@test "git://" {
    make_repo r
    start_git_daemon
    wait_until tgit ls-remote "$GIT/r.git"
    file_of "$GIT/r.git#main"
    expect_output one
}

# $SSH_LOG gets what ssh was called with, and the keys its agent has; in its place is a
# program that does what the other side would.
fake_ssh() {
    mkdir "$BATS_TEST_TMPDIR/bin"
    SSH_LOG=$BATS_TEST_TMPDIR/ssh.log
    cat >"$BATS_TEST_TMPDIR/bin/ssh" <<EOF
#!/bin/sh
echo "\$* agent=\$SSH_AUTH_SOCK" >>$SSH_LOG
ssh-add -l >>$SSH_LOG 2>&1
for command; do :; done
cd $WEB_ROOT && eval "\$command"
EOF
    chmod 755 "$BATS_TEST_TMPDIR/bin/ssh"
}

@test "by ssh, without any of the user's keys" {
    make_repo r
    fake_ssh
    SSH_AUTH_SOCK=/agent PATH=$BATS_TEST_TMPDIR/bin:$PATH file_of git@example.invalid:r.git
    expect_output one
    not grep agent=/agent "$SSH_LOG"
    grep -F -- "-F /dev/null -oBatchMode=yes" "$SSH_LOG"
    grep -F -- "-oIdentityFile=none -oIdentityAgent=none" "$SSH_LOG"
    grep -F "git@example.invalid git-upload-pack 'r.git'" "$SSH_LOG"
}

@test "by ssh, with those of --ssh default" {
    make_repo r
    fake_ssh
    ssh-keygen -q -t ed25519 -N '' -C the-key -f "$BATS_TEST_TMPDIR/key"
    add "ssh://git@example.invalid$WEB_ROOT/r.git" /a
    PATH=$BATS_TEST_TMPDIR/bin:$PATH build_ok --no-cache --ssh "default=$BATS_TEST_TMPDIR/key"
    grep the-key "$SSH_LOG"
    grep -F -- "-oIdentityFile=none" "$SSH_LOG"
}

@test "a context by ssh has the user's agent" {
    make_repo r
    fake_ssh
    printf 'FROM busybox\nCOPY --from=repo file /f\n' >"$DIR/Dockerfile"
    SSH_AUTH_SOCK=/agent PATH=$BATS_TEST_TMPDIR/bin:$PATH build_ok \
        --build-context repo=git@example.invalid:r.git
    grep agent=/agent "$SSH_LOG"
    not grep IdentityFile "$SSH_LOG"
}

@test "a secret token is sent to its host, not in a command line, and kept nowhere" {
    make_repo r
    add "$WEB/gitauth/r.git" /a
    build
    expect_status 1
    expect_contains "hint: give --secret id=GIT_AUTH_TOKEN"
    forget_requests
    TOKEN=s3cr3t-token build_ok --secret id=GIT_AUTH_TOKEN,env=TOKEN
    jq -e --arg a "Basic $(printf x-access-token:s3cr3t-token | base64)" \
        'select(.authorization == $a)' "$WEB_LOG"
    add "$WEB/gitauth/r.git#main" /b
    HEADER='Custom s3cr3t-header' build_ok \
        --secret "id=GIT_AUTH_HEADER.${WEB#http://},env=HEADER"
    jq -e 'select(.authorization == "Custom s3cr3t-header")' "$WEB_LOG"
    forget_requests
    TOKEN=s3cr3t-token build_ok --no-cache --secret id=GIT_AUTH_TOKEN.elsewhere,env=TOKEN || :
    not grep s3cr3t "$WEB_LOG"
    add "$WEB/gitto/r.git" /c
    TOKEN=s3cr3t-token build --secret id=GIT_AUTH_TOKEN,env=TOKEN
    expect_status 1
    not jq -e 'select(.host == "127.0.0.9")' "$WEB_LOG"
    not grep -r s3cr3t "$STORE"
}

@test "a password in a git URL is used and shown nowhere" {
    make_repo r
    add "http://me:s3cr3t@${WEB#http://}/gitauth/r.git" /a --keep-git-dir=true
    build_ok
    expect_lacks s3cr3t
    jq -e --arg a "Basic $(printf me:s3cr3t | base64)" 'select(.authorization == $a)' "$WEB_LOG"
    in_image cat /a/.git/config
    expect_lacks s3cr3t
    run "$CBUILD" inspect img
    expect_status 0
    expect_lacks s3cr3t
    not grep -r s3cr3t "$STORE"
}

@test "a repository that is not there, a ref that is not there, no git" {
    add "$WEB/git/none.git" /a
    build
    expect_status 1
    expect_contains "Dockerfile:2:" "$WEB/git/none.git" "not found"
    make_repo r
    add "$WEB/git/r.git#none" /a
    build
    expect_status 1
    expect_contains "does not contain ref none"
    add "$WEB/git/r.git" /no-git
    run unshare -m sh -c 'mount --bind /dev/null "$(command -v git)" && "$0" build -q "$1"' "$CBUILD" "$DIR"
    expect_status 1
    expect_contains "install the package \`git\`"
}
