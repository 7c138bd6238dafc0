#!/bin/sh
# The manual page is sound mdoc, the brackets of its options end where they should, and its examples come out as written. Speaks TAP.
cd "$(dirname "$0")/../.." || exit 1
page=docs/man/cbuild.1
failed=0
result() { # NUMBER STATUS NAME
    if [ "$2" -eq 0 ]; then echo "ok $1 - $3"; else echo "not ok $1 - $3"; failed=1; fi
}

echo "1..3"
# What its database does not know is a matter of the system's.
warnings=$(mandoc -Tlint -W warning $page 2>&1 | grep -v 'mandoc.db')
[ -z "$warnings" ]
result 1 $? "mandoc has no warning"
[ -z "$warnings" ] || printf '%s\n' "$warnings" | sed 's/^/# /'

text=$(mandoc -Tascii -O width=200 $page | sed 's/.\x08//g')
open=$(printf '%s\n' "$text" | grep '^     -.*\[[^]]*, -')
[ -n "$text" ] && [ -z "$open" ]
result 2 $? "brackets end before the next option"
[ -z "$open" ] || printf '%s\n' "$open" | sed 's/^/# /'

missing=$(sed -n '/^\.Sh EXAMPLES/,$s/^\$ //p' $page | while IFS= read -r example; do
    printf '%s\n' "$text" | grep -qF "\$ $example" || printf '%s\n' "$example"
done)
[ -z "$missing" ] && printf '%s\n' "$text" | grep -q '\$ cbuild -t app \.$'
result 3 $? "examples come out as written"
exit $failed
