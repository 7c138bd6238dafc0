# Docker's registry for tests. Wants wait_until (tests/e2e/helpers.bash).

# registry_serve DIR [HTTP [AUTH]]: on a loopback port that the system chooses, with its data in DIR, and these lines more in its
# `http` and its `auth` → $REGISTRY (host:port), $REGISTRY_PID.
registry_serve() {
    local dir=$1
    mkdir -p "$dir"
    {
        printf 'version: 0.1\nlog: {level: info}\nstorage:\n  filesystem: {rootdirectory: %s}\n' "$dir/data"
        printf '  delete: {enabled: true}\nhttp:\n  addr: "127.0.0.1:0"\n%s\n%s\n' "${2:-}" "${3:-}"
    } >"$dir/config.yml"
    docker-registry serve "$dir/config.yml" >"$dir/log" 2>&1 3>&- 4>&- &
    REGISTRY_PID=$!
    wait_until grep -q 'listening on' "$dir/log" || { cat "$dir/log"; return 1; }
    REGISTRY=$(sed -n 's/.*msg="listening on \([0-9.]*:[0-9]*\).*/\1/p' "$dir/log")
}

stop_registry() {
    [ -n "${REGISTRY_PID:-}" ] || return 0
    kill "$REGISTRY_PID" 2>/dev/null || :
    wait "$REGISTRY_PID" 2>/dev/null || :
    REGISTRY_PID=
}
