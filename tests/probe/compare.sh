#!/bin/sh
# Compares what `probe` sees in our sandbox with what it sees under runc with Docker's
# default configuration. Prints the differences that known-differences does not list and
# fails if there are any.
#
#   compare.sh RUN_IN_SANDBOX [USER]
#
# With USER our side is run by that user, in a user namespace; what may differ then is in
# known-differences-rootless as well.
#
# Needs root, runc, a C compiler with a static C library, and python3; without one of
# them it is skipped (exit 77).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
ours=$1
user=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

skip() {
    echo "skipped: $1"
    [ -z "${CBUILD_TESTS_MUST_RUN:-}" ] || exit 1
    exit 77
}

[ "$(id -u)" = 0 ] || skip "needs root"
command -v runc >/dev/null || skip "runc is not installed"
command -v python3 >/dev/null || skip "python3 is not installed"

mkdir -p "$work/rootfs/proc" "$work/rootfs/dev" "$work/rootfs/sys"
${CC:-cc} -O1 -static -o "$work/rootfs/probe" "$here/probe.c" || skip "no static C library"

# What differs from machine to machine, or is known by name to be mounted differently:
# single files in /dev and below masked paths are covered with other sources.
normalise() {
    grep -vE '^mount:(/dev/(null|zero|full|random|urandom|tty|console)|/proc/|/sys/)' | sort
}

"$here/runc-config.py" "$here/docker-default.json" /probe >"$work/config.json"
runc --root "$work/state" run --bundle "$work" "cbuild-probe-$$" </dev/null |
    normalise >"$work/reference"
known=$work/known-differences
cp "$here/known-differences" "$known"
"$work/rootfs/probe" x32 || echo 'x32:[0-9]+ (ENOSYS|EPERM)  # the kernel says ENOSYS itself' >>"$known"
if [ -n "$user" ]; then
    install -m 755 "$ours" "$work/run-in-sandbox"
    chmod 755 "$work"
    chown -R "$user" "$work/rootfs"
    runuser -u "$user" -- "$work/run-in-sandbox" "$work/rootfs" /probe </dev/null | normalise >"$work/ours"
    cat "$here/known-differences-rootless" >>"$known"
else
    "$ours" "$work/rootfs" /probe </dev/null | normalise >"$work/ours"
fi

# A line of known-differences is an extended regular expression for a diff line; text
# after two blanks and # says why.
sed -e 's/  #.*//' -e '/^#/d' -e '/^$/d' "$known" >"$work/known"
diff "$work/reference" "$work/ours" | grep '^[<>]' | grep -vEf "$work/known" >"$work/new" || true
echo "$(wc -l <"$work/ours") lines compared, $(wc -l <"$work/new") unexpected differences"
cat "$work/new"
[ ! -s "$work/new" ]
