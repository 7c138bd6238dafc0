#!/bin/sh
# Calls and words that have no place in src/. Speaks TAP.
cd "${CB_SRCDIR:-$(dirname "$0")/../..}" || exit 1

n=0
failed=0

# check NAME PATTERN [FILES-EXCLUDED-PATTERN]
check() {
    n=$((n + 1))
    found=$(grep -nE "$2" src/*/*.[ch] | grep -vE "${3:-^$}")
    if [ -z "$found" ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        echo "$found" | sed 's/^/# /' | head -n 10
        failed=1
    fi
}

echo 1..9
check "no unbounded string functions" '\b(strcpy|strcat|sprintf|vsprintf|gets|strtok)\('
check "no chdir, umask or setenv outside the sandbox and start-up" '\b(chdir|fchdir|umask|setenv|putenv|unsetenv)\(' '^src/(executor/|commands/globals\.c)'
check "processes start in subprocess.c and the executor only" '\b(fork|vfork|system|popen|execv[a-z]*|posix_spawnp?)\(' '^src/(base/subprocess\.c|executor/)'
check "no work left for later in the code" '\b(TODO|FIXME|XXX|HACK)\b'
check "only commands print to stdout" '\bprintf\(|\bputs\(|fputs\([^;]*stdout' '^src/commands/|[fnv]printf\(|__attribute__|format\(printf'
check "plain malloc is not used" '(^|[^a-z_])(malloc|calloc|realloc|strdup|strndup|asprintf)\(' '^src/base/(alloc|arena)\.[ch]:'
check "libcurl and libarchive are called through their loaders" '\b(curl_easy_|curl_global_|archive_read_|archive_entry_)[a-z_]+\(' 'api(\.|->)|(http/curl-|store/archive-)'
check "SQL is spoken in store/db only" '\bsqlite3_[a-z_0-9]+\(' '^src/store/db'
check "no line is longer than 100 columns" '^.{101,}$'
exit $failed
