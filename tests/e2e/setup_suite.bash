# Once for all end-to-end tests: base images, made from Debian's packages and kept as archives between runs.

setup_suite() {
    export CB_TOP
    CB_TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    export CBUILD=${CBUILD:-$CB_TOP/build/cbuild}
    export CB_BASES=${CB_BASES:-$CB_TOP/build/tests/bases}
    export CB_SUITE=$BATS_SUITE_TMPDIR
    # A directory on a real disk: overlay does not take its upper directory from every kind of /tmp.
    export CB_WORK=${CB_WORK:-$CB_TOP/build/tests/work}
    mkdir -p "$CB_BASES" "$CB_WORK"
    [ -f "$CB_BASES/busybox.tar" ] || "$CB_TOP/contrib/mkbase" busybox "$CB_BASES/busybox.tar"
    [ -f "$CB_BASES/debian.tar" ] || "$CB_TOP/contrib/mkbase" debian "$CB_BASES/debian.tar"
    # Bare machines and containers come without terminals; the tests of -t and of progress need some.
    if [ ! -e /dev/pts/ptmx ]; then
        mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
        touch "$CB_SUITE/mounted-devpts"
    fi
}

teardown_suite() {
    [ ! -e "$CB_SUITE/mounted-devpts" ] || umount /dev/pts
    rm -rf --one-file-system "$CB_WORK"
}
