#!/bin/bash
# Builds each case with Docker's BuildKit and with cbuild, and compares what comes of it: files, configuration and history of
# the images, line and words of the errors. Speaks TAP.
#   tests/differential/compare.sh [--record] [CASE|FILE...]
# Cases are in cases/*.txt; cases.py says how they are written. Debian's docker is old: a case that uses what is newer says which
# docker judges it, and holds that docker's result, which --record writes when such a docker runs.
set -u
here=$(cd "$(dirname "$0")" && pwd)
CB_TOP=$(cd "$here/../.." && pwd)
export CBUILD=${CBUILD:-$CB_TOP/build/cbuild}
CB_BASES=${CB_BASES:-$CB_TOP/build/tests/bases}
export CB_WORK=${CB_WORK:-$CB_TOP/build/tests/differential}
export CBUILD_ROOT=$CB_WORK/store PYTHONDONTWRITEBYTECODE=1
# shellcheck source=../e2e/helpers.bash
. "$here/../e2e/helpers.bash"
# shellcheck source=../lib/peers.bash
. "$here/../lib/peers.bash"

cleanup() {
    dockerd_stop
    peers_remove
    rm -rf --one-file-system "$CB_WORK"
}
trap cleanup EXIT
rm -rf --one-file-system "$CB_WORK"
mkdir -p "$CB_WORK" "$CB_BASES"
[ -f "$CB_BASES/busybox.tar" ] || "$CB_TOP/contrib/mkbase" busybox "$CB_BASES/busybox.tar"
"$CBUILD" import -c 'CMD ["sh"]' -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    "$CB_BASES/busybox.tar" busybox:latest >/dev/null || exit 1
"$CBUILD" save -o "$CB_WORK/busybox.tar" busybox:latest || exit 1
dockerd_start || { echo 'Bail out! dockerd does not start'; exit 1; }
docker load -q -i "$CB_WORK/busybox.tar" >/dev/null || { echo 'Bail out! docker load'; exit 1; }
python3 "$here/compare.py" "$@"
