# cbuild import: a root filesystem's archive becomes an image.
load helpers
load helpers-web

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    start_web
    mkdir -p "$DIR/root/bin"
    echo hello >"$DIR/root/file"
    tar -C "$DIR/root" -czf "$WEB_ROOT/root.tar.gz" .
}
teardown() { stop_web; }

@test "import of a URL: the archive is fetched, and asked for again only by its version" {
    cbuild import -c 'CMD ["sh"]' "$WEB/etag/root.tar.gz" fetched:1
    expect_status 0
    [[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
    first=$output
    [ "$("$CBUILD" history --format '{{.Comment}}' --no-trunc fetched:1)" = "Imported from $WEB/etag/root.tar.gz" ]
    [ "$("$CBUILD" inspect -f '{{json .Config.Cmd}} {{len .RootFS.Layers}}' fetched:1)" = '["sh"] 1' ]
    "$CBUILD" save fetched:1 | tar -xO manifest.json | jq -e '.[0].Layers | length == 1'
    forget_requests
    SOURCE_DATE_EPOCH=1 "$CBUILD" import "$WEB/etag/root.tar.gz" fetched:2
    expect_requests 'GET 304 asked'
    [ "$("$CBUILD" inspect -f '{{json .RootFS.Layers}}' fetched:1)" = "$("$CBUILD" inspect -f '{{json .RootFS.Layers}}' fetched:2)" ]
}

@test "import of a URL that is not there, or delivers no archive, says so and leaves nothing" {
    before=$("$CBUILD" images -aq)
    cbuild import "$WEB/plain/absent.tar" absent
    expect_status 1
    expect_contains "fetch \`$WEB/plain/absent.tar\`: the server answered 404"
    head -c 3000 /dev/urandom >"$WEB_ROOT/noise"
    cbuild import "$WEB/plain/noise" noise
    expect_status 1
    expect_contains "import $WEB/plain/noise"
    cbuild import "http://user:secret@${WEB#http://}/plain/noise" noise
    expect_status 1
    expect_lacks secret
    [ "$("$CBUILD" images -aq)" = "$before" ]
    fsck_clean
}

@test "a password in the URL is in no part of the image" {
    cbuild import "http://user:secret@${WEB#http://}/plain/root.tar.gz" private
    expect_status 0
    cbuild history --no-trunc --format '{{.Comment}}' private
    expect_output "Imported from http://xxxxx@${WEB#http://}/plain/root.tar.gz"
    run sh -c '"$1" save private | grep -ac secret' - "$CBUILD"
    expect_output 0
}

@test "import --platform: what the files are for; else this machine" {
    "$CBUILD" import --platform linux/arm/v7 "$WEB_ROOT/root.tar.gz" other
    [ "$("$CBUILD" inspect -f '{{.Os}}/{{.Architecture}}/{{.Variant}}' other)" = linux/arm/v7 ]
    "$CBUILD" import "$WEB_ROOT/root.tar.gz" ours
    [ "$("$CBUILD" inspect -f '{{.Os}}/{{.Architecture}}' ours)" = "$("$CBUILD" version --format '{{.Client.Os}}/{{.Client.Arch}}')" ]
    cbuild import --platform no/such/thing/at/all "$WEB_ROOT/root.tar.gz"
    expect_status 1
    expect_contains '--platform'
}

@test "a file's name is not part of its image: the same bytes are the same image" {
    cp "$WEB_ROOT/root.tar.gz" "$DIR/b.tgz"
    gunzip <"$WEB_ROOT/root.tar.gz" >"$DIR/c.tar"
    export SOURCE_DATE_EPOCH=1700000000
    one=$("$CBUILD" import "$WEB_ROOT/root.tar.gz")
    [ "$("$CBUILD" import "$DIR/b.tgz")" = "$one" ]
    [ "$("$CBUILD" import - <"$DIR/c.tar")" = "$one" ]
    [ "$("$CBUILD" history --no-trunc --format '{{.Comment}}' "$one")" = 'Imported from -' ]
    two=$("$CBUILD" import -m 'by hand' "$DIR/b.tgz" told)
    [ "$("$CBUILD" history --format '{{.Comment}}' "$two")" = 'by hand' ]
}
