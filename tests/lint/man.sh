#!/bin/sh
# The manual pages that the program makes of its tables and docs/man/cbuild.1 are sound mdoc for mandoc and groff, there is one for
# each command and each of docker's spellings, and options and examples come out as written. Speaks TAP.
#   tests/lint/man.sh CBUILD
cbuild=$(realpath "${1:-cbuild}")
cd "$(dirname "$0")/../.." || exit 1
prose=docs/man/cbuild.1
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
failed=0
result() { # NUMBER TEXT NAME: fails where there is text
    if [ -z "$2" ]; then
        echo "ok $1 - $3"
    else
        echo "not ok $1 - $3"
        printf '%s\n' "$2" | sed 's/^/# /' | head -n 20
        failed=1
    fi
}

echo "1..8"
result 1 "$("$cbuild" __man $prose "$made" 2>&1)" "the pages are made"
[ $failed = 0 ] || { echo 'Bail out! there are no pages'; exit 1; }
pages=$(grep -L '^\.so' "$made"/*.1)

# What its database does not know is a matter of the system's.
result 2 "$(mandoc -Tlint -W warning $prose $pages 2>&1 | grep -v 'mandoc.db')" "mandoc has no warning"
result 3 "$(printf '%s\n' $pages | LC_ALL=C.UTF-8 xargs -n 1 -P "$(nproc)" groff -mandoc -Tutf8 -ww -z 2>&1 | grep -v mdoc.local)" \
    "groff has no warning"

text=$(mandoc -Tascii -O width=200 $pages | sed 's/.\x08//g')
result 4 "$(printf '%s\n' "$text" | grep '^     -.*\[[^]]*, -')" "brackets end before the next option"
result 5 "$(for page in "$made"/*.1; do
    target=$(sed -n 's,^\.so man1/,,p' "$page")
    [ -z "$target" ] || [ -f "$made/$target" ] || echo "$page: $target"
done)" "what a reference leads to is there"
result 6 "$("$cbuild" --help | sed -n '/^Building:/,/^Options of/s/^  \([a-z]*\( [a-z]*\)\{0,1\}\) \{1,\}[A-Z].*/\1/p' |
    while IFS= read -r command; do
        page=$made/cbuild-$(echo $command | tr ' ' -).1
        options=$(mandoc -Tascii -O width=900 "$page" 2>/dev/null | sed 's/.\x08//g' | sed -n 's/^     -/-/p')
        # shellcheck disable=SC2086
        "$cbuild" $command --help | sed -n '/^Options:/,$s/^  .\{4\}\(--[a-z0-9-]*\).*/\1/p' | while IFS= read -r option; do
            printf '%s\n' "$options" | grep -qe "$option\([^a-z0-9-]\|\$\)" || echo "$page: no $option"
        done
        [ -f "$page" ] || echo "no $page"
    done)" "every option of each command's help is in its page"
result 7 "$(sed -n '/^\.Sh EXAMPLES/,$s/^\$ //p' $prose | while IFS= read -r example; do
    printf '%s\n' "$text" | grep -qF "\$ $example" || printf '%s\n' "$example"
done)" "examples come out as written"
result 8 "$(sed 's/^\.It Fl -target /.It Fl -no-such-option /' $prose >"$made/prose"
    message=$("$cbuild" __man "$made/prose" "$made/none" 2>&1) && echo "accepted"
    case $message in *'has no option `no-such-option`'*) ;; *) echo "$message" ;; esac)" \
    "prose of an option that is not there is refused"
exit $failed
