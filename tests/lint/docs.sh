#!/bin/sh
# What the documents for developers name is there: files, functions, and every directory of src/ on the map. Speaks TAP.
cd "${CB_SRCDIR:-$(dirname "$0")/../..}" || exit 1

pages="README.md HACKING.md SECURITY.md docs/*.md docs/design/*.md"
dirs=$(printf '%s|' src/*/ | sed 's,src/,,g; s,/|,|,g; s,|$,,')
n=0
failed=0

# verdict NAME FOUND: what is wrong, a line each.
verdict() {
    n=$((n + 1))
    if [ -z "$2" ]; then
        echo "ok $n - $1"
        return
    fi
    echo "not ok $n - $1"
    echo "$2" | sed 's/^/# /'
    failed=1
}

# Words of the pages that match a pattern, without the full stop of a sentence.
named() {
    # shellcheck disable=SC2086
    grep -ohE "$1" $pages | sed 's/\.$//' | sort -u
}

# Is one of these there?
exists() {
    for path; do
        [ -e "$path" ] && return
    done
    return 1
}

# "store/db.c", "src/store/db.c", "registry/tree", "frontend/checks-*.c"; tests/unit and fixtures have such directories, too.
missing_sources() {
    named "(^|[^a-z/-])(src/)?($dirs)/[a-z*][a-z0-9*-]*(\.[ch]|\b)" | sed -E 's/^[^a-z]//; s,^src/,,' | while read -r name; do
        # shellcheck disable=SC2086
        exists src/$name* tests/*/$name* || echo "$name"
    done
}

missing_files() {
    named '\b(tests|docs|contrib)/[a-zA-Z0-9*._/-]+' | while read -r name; do
        # shellcheck disable=SC2086
        exists $name* || echo "$name"
    done
    named '[`( ][a-z][a-z0-9-]*\.[ch]\b' | sed 's/^.//' | while read -r name; do
        find src tests -name "$name" | grep -q . || echo "$name"
    done
}

missing_names() {
    named '\bcb_[a-z0-9_]*[a-z0-9]\b' | while read -r name; do
        [ "$name" = cb_x ] || grep -qrw "$name" src --include='*.[ch]' || echo "$name"
    done
}

unmapped() {
    for dir in src/*/; do
        grep -qE "^ L[0-9] .*\b$(basename "$dir")\b" docs/design/architecture.md || echo "$dir"
    done
}

echo 1..4
verdict 'sources that documents name are there' "$(missing_sources)"
verdict 'files that documents name are there' "$(missing_files)"
verdict 'functions that documents name are there' "$(missing_names)"
verdict 'architecture.md has every directory of src/' "$(unmapped)"
exit $failed
