#!/bin/sh
# Help goes to stdout, fits 80 columns and names every command; wrong usage goes to stderr and fails. Speaks TAP.
#   tests/lint/help.sh CBUILD
cbuild=${1:-cbuild}
top=${CB_SRCDIR:-$(dirname "$0")/../..}
n=0
failed=0
result() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; failed=1; fi
}

commands=$("$cbuild" --help | sed -n '/^Building:/,/^Options of/s/^  \([a-z]*\( [a-z]*\)\{0,1\}\) \{1,\}[A-Z].*/\1/p')
echo "1..$(($(echo "$commands" | wc -l) * 2 + 5))"
IFS='
'
for command in $commands; do
    text=$(IFS=' '; "$cbuild" $command --help 2>/dev/null) && [ -n "$text" ] &&
        ! printf '%s\n' "$text" | grep -q '.\{81\}'
    result $? "cbuild $command --help fits 80 columns on stdout"
    text=$(IFS=' '; "$cbuild" $command --no-such-option 2>&1 >/dev/null)
    [ $? -ne 0 ] && printf '%s\n' "$text" | grep -q 'unknown flag: --no-such-option'
    result $? "cbuild $command refuses unknown options on stderr"
done
text=$("$cbuild" biuld 2>&1)
[ $? -eq 1 ] && printf '%s\n' "$text" | grep -q 'did you mean `cbuild build`'
result $? "a mistyped command is answered with a suggestion"
text=$("$cbuild" image histroy 2>&1)
[ $? -eq 1 ] && printf '%s\n' "$text" | grep -q 'did you mean `cbuild image history`'
result $? "so is a mistyped second word"
# What is wrong with the command lines that are read: of each all options are known; what another program is to run is not ours.
complaints() {
    grep -v -e '^cbuild run ' -e '^cbuild exec ' | while IFS= read -r example; do
        (IFS=' '; set -f; eval "set -- ${example#cbuild }"; "$cbuild" "$@" --help 2>&1 >/dev/null)
    done
}
said=$(for command in $commands; do
    (IFS=' '; "$cbuild" $command --help) | sed -n '/^Examples:/,/^$/s/^  .*\(cbuild [^|>#]*\).*/\1/p' | complaints
done)
[ -z "$said" ] || echo "# $said"
[ -z "$said" ]
result $? "the examples of the help are taken"
said=$(sed -n '/^```sh$/,/^```$/p' "$top/README.md" "$top/docs/migration.md" | sed -e 's/ #.*//' -e ':a' -e '/\\$/N; s/\\\n//; ta' |
    sed -e 's/ && /\n/g' -e 's/; /\n/g' -e 's/ | /\n/g' -e 's/<(\(.*\))/\n\1/' | grep '^cbuild ' | complaints)
[ -z "$said" ] || echo "# $said"
[ -z "$said" ]
result $? "the command lines of README.md and docs/migration.md are taken"
! "$cbuild" --help | grep -q '.\{81\}'
result $? "cbuild --help fits 80 columns"
exit $failed
