#!/usr/bin/env bats
# The Debian package: made of the program, installed below another root, and removed without a trace.
load helpers

@test "the package installs, works, and goes without a trace" {
    cd "$BATS_TEST_TMPDIR"
    mkdir out again root
    deb=$("$BATS_TEST_DIRNAME/../../contrib/make-deb" "$CBUILD" out)
    cmp "$deb" "$("$BATS_TEST_DIRNAME/../../contrib/make-deb" "$CBUILD" again)"
    [ "$(dpkg-deb -f "$deb" Version)" = "$("$CBUILD" version -f '{{.Client.Version}}')-1" ]
    dpkg-deb -f "$deb" Depends | grep -q libc6
    [ "$(dpkg-deb -c "$deb" | awk '$2 != "root/root"' | wc -l)" -eq 0 ]
    mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates
    touch root/var/lib/dpkg/status
    find root -not -path '*/var/lib/dpkg*' | sort >before
    dpkg --root=root --force-depends --force-not-root --log=/dev/null -i "$deb"
    [ "$(root/usr/bin/cbuild --version)" = "$("$CBUILD" --version)" ]
    # the launcher is still the one that was made with the program, stripped as both are
    if [ -e "${CBUILD%/*}/cbuild-launcher" ]; then
        "$CBUILD" import "$CB_BASES/busybox.tar" busybox
        cp root/usr/bin/cbuild root/usr/libexec/cbuild/cbuild-launcher out/
        run out/cbuild run --rm --network none --privileged --pid host busybox sh -c 'stat -Lc %s /proc/$PPID/exe'
        expect_output "$(stat -c %s out/cbuild-launcher)"
    fi
    (cd root && dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./md5sums | md5sum -c --quiet)
    man -l root/usr/share/man/man1/cbuild-build.1.gz | col -b | grep -q 'cbuild build \[options\] path'
    [ "$(gzip -dc root/usr/share/man/man1/cbuild-image-ls.1.gz)" = ".so man1/cbuild-images.1" ]
    bash -n root/usr/share/bash-completion/completions/cbuild
    dpkg --root=root --force-depends --force-not-root --log=/dev/null -P cbuild
    find root -not -path '*/var/lib/dpkg*' | sort | cmp - before
}
