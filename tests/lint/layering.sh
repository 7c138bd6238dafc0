#!/bin/sh
# Checks that each directory of src/ includes only what docs/design/architecture.md allows it. Speaks TAP.
cd "${CB_SRCDIR:-$(dirname "$0")/../..}" || exit 1

allowed() {
    case $1 in
    base) echo ;;
    oci | http | network | parser | solver) echo base ;;
    store) echo base oci ;;
    registry) echo base oci http store ;;
    executor) echo base oci ;;
    context) echo base oci http store ;;
    ops) echo base oci store registry executor network context solver ;;
    cache) echo base oci http store registry solver ops context executor network ;;
    frontend) echo base oci parser solver ops context registry store executor network ;;
    exporter) echo base oci store registry ops context executor network solver ;;
    engine) echo base oci http network parser solver store registry executor context ops cache frontend exporter ;;
    container) echo base oci store executor network ;;
    commands) echo base oci http network parser solver store registry executor context ops cache frontend exporter engine container ;;
    *) echo "unknown directory" ;;
    esac
}

dirs=$(ls src)
echo "1..$(echo "$dirs" | wc -l)"
n=0
failed=0
for dir in $dirs; do
    n=$((n + 1))
    ok=" $dir $(allowed "$dir") "
    bad=
    for include in $(grep -ho '^#include "[^"]*"' "src/$dir"/*.[ch] | sed 's/.*"\(.*\)"/\1/' | sort -u); do
        from=${include%%/*}
        case $include in
        */*) ;;
        *) bad="$bad $include (write it with its directory)" ;;
        esac
        case $ok in
        *" $from "*) ;;
        *) bad="$bad $include" ;;
        esac
        case $include in
        *-priv.h) [ "$from" = "$dir" ] || bad="$bad $include" ;;
        esac
    done
    if [ -z "$bad" ]; then
        echo "ok $n - src/$dir includes only what lies below it"
    else
        echo "not ok $n - src/$dir includes only what lies below it"
        echo "# not allowed:$bad"
        failed=1
    fi
done
exit $failed
