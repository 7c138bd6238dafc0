# Once for all end-to-end tests: where they find things, and what the machine must have.
# shellcheck source=../lib/machine.bash
. "${BASH_SOURCE[0]%/*}/../lib/machine.bash"

setup_suite() {
    export CB_TOP
    CB_TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    export CBUILD=${CBUILD:-$CB_TOP/build/cbuild}
    export CB_BASES=${CB_BASES:-$CB_TOP/build/tests/bases}
    # A directory on a real disk: overlay does not take its upper directory from every kind of /tmp.
    export CB_WORK=${CB_WORK:-$CB_TOP/build/tests/work}
    mkdir -p "$CB_WORK"
    # No curl waits for ever.
    export CURL_HOME=$BATS_SUITE_TMPDIR
    echo 'max-time = 60' >"$CURL_HOME/.curlrc"
    machine_prepare "$CB_BASES"
}

teardown_suite() {
    machine_restore
    rm -rf --one-file-system "$CB_WORK"
}
