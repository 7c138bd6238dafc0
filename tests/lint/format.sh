#!/bin/sh
# Every C file is as clang-format would write it. Speaks TAP.
cd "${CB_SRCDIR:-$(dirname "$0")/../..}" || exit 1
echo 1..1
bad=$(find src tests -name '*.[ch]' -print0 | xargs -0 -n 100 -P "$(nproc)" clang-format --dry-run -Werror 2>&1 | grep -o '^[^: ]*\.[ch]:' | sort -u)
if [ -z "$bad" ]; then
    echo "ok 1 - formatted"
else
    echo "not ok 1 - formatted"
    echo "$bad" | sed 's/^/# /'
    exit 1
fi
