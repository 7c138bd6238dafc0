#!/bin/bash
# Builds each case with Docker's BuildKit and with cbuild, and compares file trees and image configurations. Speaks TAP.
#   tests/differential/compare.sh [CASE...]
# A case is a directory with a Dockerfile and its context; `args` in it holds more build options, one a line. Differences that are
# meant are listed, each with its reason, in allowed.sed (applied to both sides' configuration).
set -u
here=$(cd "$(dirname "$0")" && pwd)
CB_TOP=$(cd "$here/../.." && pwd)
CBUILD=${CBUILD:-$CB_TOP/build/cbuild}
CB_BASES=${CB_BASES:-$CB_TOP/build/tests/bases}
CB_WORK=${CB_WORK:-$CB_TOP/build/tests/differential}
export CBUILD_ROOT=$CB_WORK/store
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

compare() { # CASE
    local dir=$here/cases/$1 ours theirs args=()
    [ -f "$dir/args" ] && mapfile -t args <"$dir/args"
    "$CBUILD" build --progress=plain --network=host -t "case-$1" "${args[@]}" "$dir" >"$CB_WORK/ours.log" 2>&1
    ours=$?
    docker build --progress=plain --network=host -t "case-$1" "${args[@]}" "$dir" >"$CB_WORK/theirs.log" 2>&1
    theirs=$?
    if [ $((ours != 0)) -ne $((theirs != 0)) ]; then
        echo "# cbuild ended with $ours, docker with $theirs"
        tail -n 15 "$CB_WORK/ours.log" "$CB_WORK/theirs.log" | sed 's/^/# /'
        return 1
    fi
    [ $ours -eq 0 ] || return 0
    "$CBUILD" save -o "$CB_WORK/ours.tar" "case-$1" && docker save -o "$CB_WORK/theirs.tar" "case-$1" || return 1
    for what in tree config; do
        python3 "$here/../lib/image-text.py" $what "$CB_WORK/ours.tar" | sed -f "$here/allowed.sed" >"$CB_WORK/ours.$what" &&
            python3 "$here/../lib/image-text.py" $what "$CB_WORK/theirs.tar" | sed -f "$here/allowed.sed" >"$CB_WORK/theirs.$what" || return 1
        if ! diff -u --label docker --label cbuild "$CB_WORK/theirs.$what" "$CB_WORK/ours.$what" >"$CB_WORK/diff"; then
            sed 's/^/# /' "$CB_WORK/diff" | head -n 60
            return 1
        fi
    done
    docker rmi -f "case-$1" >/dev/null 2>&1
}

cases=("$@")
[ ${#cases[@]} -gt 0 ] || mapfile -t cases < <(ls "$here/cases")
echo "1..${#cases[@]}"
n=0
bad=0
for case in "${cases[@]}"; do
    n=$((n + 1))
    if text=$(compare "$case"); then
        echo "ok $n - $case"
    else
        echo "not ok $n - $case"
        printf '%s\n' "$text"
        bad=1
    fi
done
exit $bad
