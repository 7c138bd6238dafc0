#!/bin/sh
# A function that a header declares is called in another file than its own, be it a test. What only its own file calls is
# static. Speaks TAP.
cd "${CB_SRCDIR:-$(dirname "$0")/../..}" || exit 1

# The functions that headers declare, but those that a header calls: destructors, and what macros do.
declared() {
    awk '{
            line = $0
            while (match(line, /cb_[a-z0-9_]+/)) {
                said[substr(line, RSTART, RLENGTH)]++
                line = substr(line, RSTART + RLENGTH)
            }
        }
        /^[a-z]/ && !/^(static|typedef)/ && match($0, /cb_[a-z0-9_]+\(/) {
            declared[substr($0, RSTART, RLENGTH - 1)]
        }
        END { for (name in declared) if (said[name] == 1) print name }' "$@"
}

# Those of the first file that fewer than two of the others have.
lonely() {
    awk 'FNR == NR { wanted[$1]; next }
        {
            while (match($0, /cb_[a-z0-9_]+/)) {
                name = substr($0, RSTART, RLENGTH)
                $0 = substr($0, RSTART + RLENGTH)
                if (name in wanted && !seen[name, FILENAME]++)
                    files[name]++
            }
        }
        END { for (name in wanted) if (files[name] < 2) print name }' "$@" | sort
}

echo 1..1
found=$(declared src/*/*.h | lonely - src/*/*.c tests/*/*.c tests/unit/*/*.c)
[ -z "$found" ] && echo 'ok 1 - what a header declares is called from elsewhere' && exit
echo 'not ok 1 - what a header declares is called from elsewhere'
echo "$found" | sed 's/^/# /'
exit 1
