# The other tools, each with a store of its own under $PEERS, so that nothing of the machine's own is touched.
# shellcheck source=registry.bash
. "${BASH_SOURCE[0]%/*}/registry.bash"

# Debian's docker, whatever else is on PATH: its client has BuildKit built in.
docker() {
    /usr/bin/docker "$@"
}

# A private dockerd without bridge or iptables (or with what $DOCKERD_NETWORK says); DOCKER_HOST points to it.
dockerd_start() {
    PEERS=${PEERS:-$CB_WORK/peers}
    mkdir -p "$PEERS/docker" "$PEERS/docker-config"
    echo '{}' >"$PEERS/docker-config/config.json"
    export DOCKER_HOST=unix://$PEERS/docker.sock DOCKER_BUILDKIT=1 DOCKER_CONFIG=$PEERS/docker-config
    /usr/sbin/dockerd --host "$DOCKER_HOST" --data-root "$PEERS/docker" --exec-root "$PEERS/docker-exec" \
        --pidfile "$PEERS/docker.pid" ${DOCKERD_NETWORK:---bridge none --iptables=false --ip-forward=false} \
        --insecure-registry 127.0.0.0/8 >"$PEERS/dockerd.log" 2>&1 3>&- 4>&- &
    wait_until docker version || { tail -n 20 "$PEERS/dockerd.log"; return 1; }
}

dockerd_stop() {
    local pid
    [ -f "$PEERS/docker.pid" ] || return 0
    pid=$(cat "$PEERS/docker.pid")
    kill "$pid"
    wait_until sh -c "! kill -0 $pid 2>/dev/null"
}

# Removes the peers' stores and the mounts they leave.
peers_remove() {
    [ -n "${PEERS:-}" ] || return 0 # nothing was set up
    unmount_below "$PEERS"
    rm -rf --one-file-system "$PEERS"
}

# podman and skopeo with private storage.
podman_setup() {
    PEERS=${PEERS:-$CB_WORK/peers}
    mkdir -p "$PEERS"
    printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/containers"\nrunroot = "%s/containers-run"\n' \
        "$PEERS" "$PEERS" >"$PEERS/storage.conf"
    export CONTAINERS_STORAGE_CONF=$PEERS/storage.conf
}

# A registry for a whole file; REGISTRY is its host:port. registry_start [htpasswd]
registry_start() {
    local dir=$BATS_FILE_TMPDIR/registry auth=
    mkdir -p "$dir"
    if [ "${1:-}" = htpasswd ]; then
        htpasswd -Bbc "$dir/htpasswd" tester opensesame 2>/dev/null
        auth="auth: {htpasswd: {realm: test, path: $dir/htpasswd}}"
    fi
    registry_serve "$dir" '' "$auth" || return
    export REGISTRY
    echo "$REGISTRY_PID" >"$dir/pid"
}

registry_stop() {
    local dir=$BATS_FILE_TMPDIR/registry
    [ -f "$dir/pid" ] && kill "$(cat "$dir/pid")"
}
