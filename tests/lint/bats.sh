#!/bin/sh
# Lines of the end-to-end tests that look as if they could fail a test, and cannot: bash goes on after them. Speaks TAP.
cd "${CB_SRCDIR:-$(dirname "$0")/../..}" || exit 1

n=0
failed=0

# check NAME PATTERN [EXCLUDED-PATTERN]
check() {
    n=$((n + 1))
    found=$(grep -nE "$2" tests/e2e/*.bats tests/e2e/*.bash | grep -vE "${3:-^$}")
    if [ -z "$found" ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        echo "$found" | sed 's/^/# /' | head -n 10
        failed=1
    fi
}

echo 1..5
check "a command that must fail is called by not" '^ +! ' ':    ! "\$@"$'
check "assertions stand on lines of their own" '^ +(\[\[? |grep |cmp |diff |expect_)[^|]* && (\[|not |grep |cmp |diff |expect_)' '\$\(cd |\|\| \{'
check "what run runs is no pipe" "^ +run [^\"'\$|]* \| "
check "an assertion is not made to succeed" '^ +(\[\[? |expect_)[^|]*\|\| (true|:)$'
# "$CBUILD" fails a test when it fails; `cbuild` only fills $status and $output, for the next line to look at. In scripts of other
# users it is the program.
check_unseen() {
    n=$((n + 1))
    found=$(for file in tests/e2e/*.bats; do
        grep -qE '^(unset -f cbuild|load helpers-rootless)' "$file" || awk '
            /^    (cbuild|run|build|build_ok|in_image|fsck_clean)( |$)/ || /^}/ { if (held != "") print held; held = "" }
            /^    cbuild / && !/[|\\]/ { held = FILENAME ":" FNR ":" $0; next }
            { held = "" }' "$file"
    done)
    if [ -z "$found" ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        echo "$found" | sed 's/^/# /' | head -n 10
        failed=1
    fi
}
check_unseen "what cbuild gave is looked at before it is overwritten"
exit $failed
