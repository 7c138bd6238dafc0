#!/bin/bash
# Times cbuild against its peers in one run: tests/bench/bench.sh [-n RUNS] [WORKLOAD...]; without a workload, all of them.
#   start      the program's start: --version
#   noop       rebuild with nothing changed, ten instructions
#   run50      50 × `RUN : n`, nothing cached, per step
#   run50user  the same as an ordinary user with subordinate ids (cbtest, made where it is not there), beside buildah of that user
#   apt        apt-get update and install of nginx on debian:bookworm, nothing cached, from this machine's mirror; beside the same in a bare
#              chroot on an overlay
#   noop10k, noop100k, noop1g
#              the same with a context of 10,000 and 100,000 files, and of 1 GiB; beside the time of stat-ing it all
#   ignore     cbuild alone: what is sent of 100,000 files, without an ignore file and with one of 100 patterns
#   growth     the same with 10, 100 and 1000 RUN steps, cbuild alone
#   copy10k    COPY of 10,000 small files, nothing cached
#   copy1g     COPY of 1 GiB in 20 files, nothing cached
#   transfer, transfer1g
#              push of an image of debian, and of 1 GiB, to an empty registry on the loopback, push again, and pull; docker and podman beside it,
#              and the floor: gzip and sha256 of the layer, sha256 and gunzip of it
# Peers: a private dockerd with BuildKit, and buildah. All stores lie on one journaled loop-mounted ext4. Needs root. The floor of a RUN step
# is tests/bench/floor.c. Prints medians in seconds and peak memory of the client; figures of different runs do not compare.
set -u
here=$(cd "$(dirname "$0")" && pwd)
CB_TOP=$(cd "$here/../.." && pwd)
CBUILD=${CBUILD:-$CB_TOP/build/cbuild}
CB_BASES=${CB_BASES:-$CB_TOP/build/tests/bases}
B=${BENCH_DIR:-/var/tmp/cbuild-bench-own}
RUNS=5
[ "${1:-}" = -n ] && { RUNS=$2; shift 2; }
CB_WORK=$B/j
PEERS=$B/j/peers
. "$here/../e2e/helpers.bash"
. "$here/../lib/peers.bash"
export CBUILD_ROOT=$B/j/cbuild

setup() {
    local i
    mkdir -p "$B/j" "$CB_BASES"
    if ! mountpoint -q "$B/j"; then
        truncate -s 24G "$B/loop.img"
        mkfs.ext4 -q -F "$B/loop.img"
        mount -o loop "$B/loop.img" "$B/j"
    fi
    [ -f "$CB_BASES/busybox.tar" ] || "$CB_TOP/contrib/mkbase" busybox "$CB_BASES/busybox.tar"
    "$CBUILD" import -c 'CMD ["sh"]' "$CB_BASES/busybox.tar" busybox:latest >/dev/null
    "$CBUILD" save -o "$B/j/busybox.tar" busybox:latest
    podman_setup
    dockerd_start
    docker load -qi "$B/j/busybox.tar" >/dev/null
    podman load -qi "$B/j/busybox.tar" >/dev/null
    gcc -O2 -o "$B/floor" "$here/floor.c" && gcc -O2 -o "$B/timed" "$here/timed.c" &&
        gcc -O2 -o "$B/stat-tree" "$here/stat-tree.c" || exit 1
    mkdir -p "$B/j/tiny" "$B/j/files10k/src" "$B/j/big/src"
    echo hello >"$B/j/tiny/hello.txt"
    printf 'FROM busybox\nENV A=1\nWORKDIR /w\nCOPY hello.txt .\nRUN echo 1 > one\nRUN echo 2 > two\nLABEL x=y\nEXPOSE 80\nUSER nobody\nCMD ["sh"]\n' >"$B/j/tiny/Dockerfile"
    { echo FROM busybox; for i in $(seq 50); do echo "RUN : $i"; done; } >"$B/j/tiny/Dockerfile.run50"
    for d in files10k big; do printf 'FROM busybox\nCOPY src /src\n' >"$B/j/$d/Dockerfile"; done
    [ -e "$B/j/files10k/src/99/99" ] || python3 -c '
import os, random, sys
random.seed(1)
for i in range(100):
    os.makedirs(f"{sys.argv[1]}/{i}", exist_ok=True)
    for j in range(100):
        open(f"{sys.argv[1]}/{i}/{j}", "wb").write(random.randbytes(random.randint(200, 8000)))
' "$B/j/files10k/src"
    [ -e "$B/j/big/src/19" ] || python3 -c '
import random, sys
random.seed(2)
for i in range(20):
    with open(f"{sys.argv[1]}/{i}", "wb") as f:
        for _ in range(52):
            f.write(random.randbytes(1 << 20))
        f.write(random.randbytes((1 << 30) // 20 - (52 << 20) if (1 << 30) // 20 > (52 << 20) else 0))
' "$B/j/big/src"
}

teardown() {
    dockerd_stop
    peers_remove
    umount "$B/j" && rm -rf --one-file-system "$B"
}

# time_of COMMAND...: "seconds KiB" of one run, or nothing if it failed
time_of() {
    "$B/timed" "$B/time" "$@" >"$B/last.log" 2>&1 || { tail -n 3 "$B/last.log" >&2; return 1; }
    cat "$B/time"
}

median() { # on stdin: "seconds KiB" lines
    sort -n | awk '{t[NR] = $1; if ($2 > m) m = $2} END {if (NR) printf "%.5f %.1f\n", t[int((NR + 1) / 2)], m / 1024; else print "failed -"}'
}

build_cbuild() { time_of "$CBUILD" build --network=host "$@"; }
build_docker() { time_of /usr/bin/docker build --network=host "$@"; }
build_buildah() { time_of buildah bud --log-level error --layers --isolation oci --runtime /usr/sbin/runc --network=host "$@"; }
clear_cbuild() { "$CBUILD" rmi -f bench; "$CBUILD" prune -af; rm -f "$CBUILD_ROOT"/stat-index/*; }
clear_docker() { docker rmi -f bench; docker builder prune -af; }
clear_buildah() { buildah rmi -f bench; buildah rmi --prune -f; }

# What is compared; each has a function build_NAME and, if nothing is to be cached, clear_NAME.
WORKERS='cbuild docker buildah'
# workload NAME DIVISOR PREPARE BUILD-ARGUMENTS...
workload() {
    local name=$1 divisor=$2 prepare=$3 peer i line
    shift 3
    printf '%s\n' "$name"
    for peer in $WORKERS; do
        : >"$B/times.$peer"
        [ "$prepare" = warm ] && "build_$peer" "$@" >/dev/null
    done
    for i in $(seq "$RUNS"); do
        for peer in $WORKERS; do
            [ "$prepare" = cold ] && "clear_$peer" >/dev/null 2>&1
            sync
            "build_$peer" "$@" >>"$B/times.$peer"
        done
    done
    for peer in $WORKERS; do
        median <"$B/times.$peer" | awk -v p="${peer%_user}" -v d="$divisor" '{if ($1 == "failed") print "  " p ": failed"; else printf "  %-8s %9.4f s  %6.1f MiB\n", p, $1 / d, $2}'
    done
}

w_start() {
    local i
    echo 'start: --version'
    for i in $(seq "$((RUNS * 4))"); do time_of "$CBUILD" --version; done | median | awk '{printf "  cbuild   %9.4f s  %6.1f MiB\n", $1, $2}'
}
# What a copy alone takes: cp -a DIRECTORY.
w_cp() {
    local i
    for i in $(seq "$RUNS"); do
        sync
        time_of cp -a "$1" "$B/j/cp"
        rm -rf "$B/j/cp"
    done | median | awk '{printf "  cp -a    %9.4f s\n", $1}'
}
w_noop() { workload 'noop: rebuild with nothing changed, ten instructions' 1 warm -t bench "$B/j/tiny"; }
# What looking at everything takes by itself: stat-tree DIRECTORY.
w_stat() {
    local i
    for i in $(seq "$RUNS"); do time_of "$B/stat-tree" "$1"; done | median | awk '{printf "  stat     %9.4f s\n", $1}'
}
w_noop10k() { workload 'noop10k: rebuild with nothing changed, 10,000 files' 1 warm -t bench "$B/j/files10k" && w_stat "$B/j/files10k/src"; }
files100k() {
    [ -e "$B/j/files100k/src/999/99" ] || python3 -c '
import os, sys
for i in range(1000):
    os.makedirs(f"{sys.argv[1]}/{i}", exist_ok=True)
    for j in range(100):
        open(f"{sys.argv[1]}/{i}/{j}", "w").write(f"{i} {j}\n" * 20)
' "$B/j/files100k/src"
}
w_noop100k() {
    files100k
    printf 'FROM busybox\nCOPY src /src\n' >"$B/j/files100k/Dockerfile"
    workload 'noop100k: rebuild with nothing changed, 100,000 files' 1 warm -t bench "$B/j/files100k" && w_stat "$B/j/files100k/src"
}
# Patterns of every kind: those with a fixed end, with classes, with an exception, none of which leaves out whole directories.
w_ignore() {
    local i list
    files100k
    : >"$B/j/none"
    { for i in $(seq 98); do echo "**/skip*$i/x?.[a-c]"; done; printf '**/7*\n!**/77\n'; } >"$B/j/patterns"
    echo 'ignore: 100,000 files'
    for list in none patterns; do
        for i in $(seq "$RUNS"); do time_of "$CBUILD" context ls --ignorefile "$B/j/$list" "$B/j/files100k/src"; done | median |
            awk -v l="$list" '{printf "  %-8s %9.4f s  %6.1f MiB\n", l, $1, $2}'
    done
}
w_noop1g() { workload 'noop1g: rebuild with nothing changed, 1 GiB' 1 warm -t bench "$B/j/big" && w_stat "$B/j/big/src"; }
# Ten stages, since overlay stacks no thousand layers.
w_growth() {
    local count stage i
    echo 'growth: rebuild with nothing changed, by the number of RUN steps'
    for count in 10 100 1000; do
        for stage in $(seq 10); do
            echo "FROM busybox AS s$stage"
            for i in $(seq $((count / 10))); do echo "RUN : $stage $i"; done
        done >"$B/j/tiny/Dockerfile.growth"
        { echo 'FROM busybox'; for stage in $(seq 10); do echo "COPY --from=s$stage /etc/passwd /$stage"; done; } >>"$B/j/tiny/Dockerfile.growth"
        build_cbuild -t bench -f "$B/j/tiny/Dockerfile.growth" "$B/j/tiny" >/dev/null
        for i in $(seq "$RUNS"); do build_cbuild -t bench -f "$B/j/tiny/Dockerfile.growth" "$B/j/tiny"; done | median |
            awk -v n="$count" '{printf "  %4d     %9.4f s  %6.1f MiB\n", n, $1, $2}'
    done
}
w_run50() {
    workload 'run50: per RUN step' 50 cold --no-cache -t bench -f "$B/j/tiny/Dockerfile.run50" "$B/j/tiny"
    floor_of_a_step
}
floor_of_a_step() {
    local i
    mkdir -p "$B/j/root" && tar -C "$B/j/root" -xf "$CB_BASES/busybox.tar"
    for i in 1 2 3; do B=$B/j "$B/floor" -n 50 "$B/j/root" -- /bin/sh -c ': x'; done | sed 's/^/  floor    /'
}

# ── An ordinary user ──

in_user() {
    (cd "$B/j/user" && runuser -u cbtest -- env -i PATH="$B/j/user:/usr/sbin:/usr/bin:/sbin:/bin" HOME="$B/j/user" XDG_RUNTIME_DIR="$B/j/user" \
        CBUILD_ROOT="$B/j/user/store" CONTAINERS_STORAGE_CONF="$B/j/user/storage.conf" "$@")
}
time_in_user() {
    in_user "$B/timed" "$B/j/user/time" "$@" >"$B/last.log" 2>&1 || { tail -n 3 "$B/last.log" >&2; return 1; }
    cat "$B/j/user/time"
}
build_cbuild_user() { time_in_user cbuild build --network=host "$@"; }
build_buildah_user() { time_in_user buildah bud --log-level error --layers --isolation oci --runtime /usr/sbin/runc --network=host "$@"; }
clear_cbuild_user() { in_user cbuild rmi -f bench; in_user cbuild prune -af; }
clear_buildah_user() { in_user buildah rmi -f bench; in_user buildah rmi --prune -f; }
w_run50user() {
    id cbtest >/dev/null 2>&1 || useradd --create-home cbtest
    install -d -o cbtest "$B/j/user" "$B/j/user/store"
    install "$CBUILD" "$B/j/user/cbuild"
    chmod 755 "$B" "$B/j" && chmod -R a+rX "$B/j/tiny" "$B/j/busybox.tar"
    in_user cbuild load -q -i "$B/j/busybox.tar"
    printf '[storage]\ndriver = "overlay"\nrootless_storage_path = "%s/containers"\ngraphroot = "%s/containers"\nrunroot = "%s/run"\n' \
        "$B/j/user" "$B/j/user" "$B/j/user" >"$B/j/user/storage.conf"
    in_user buildah pull -q "docker-archive:$B/j/busybox.tar" >/dev/null
    WORKERS='cbuild_user buildah_user' workload 'run50user: per RUN step, without root' 50 cold --no-cache -t bench -f "$B/j/tiny/Dockerfile.run50" "$B/j/tiny"
    floor_of_a_step
    in_user cbuild prune -af >/dev/null 2>&1
    in_user buildah rmi -a -f >/dev/null 2>&1
    rm -rf --one-file-system "$B/j/user"
}

# ── Packages ──

# The least that it takes: an overlay, what programs expect, chroot, and no image at the end.
clear_chroot() {
    unmount_below "$B/j/chroot"
    rm -rf --one-file-system "$B/j/chroot"
    mkdir -p "$B/j/chroot/upper" "$B/j/chroot/work" "$B/j/chroot/root"
    mount -t overlay -o "lowerdir=$B/j/debian-root,upperdir=$B/j/chroot/upper,workdir=$B/j/chroot/work" bench "$B/j/chroot/root"
    mount -t proc proc "$B/j/chroot/root/proc"
    mount -t tmpfs tmpfs "$B/j/chroot/root/dev"
    mknod -m 666 "$B/j/chroot/root/dev/null" c 1 3
    mknod -m 666 "$B/j/chroot/root/dev/urandom" c 1 9
    cat /etc/resolv.conf >"$B/j/chroot/root/etc/resolv.conf"
}
build_chroot() { time_of chroot "$B/j/chroot/root" sh -c "$APT"; }
# Nothing that is installed is started: in a chroot it would go on.
APT='printf "#!/bin/sh\\nexit 101\\n" >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d && apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y nginx'
w_apt() {
    mkdir -p "$B/j/apt" "$B/j/debian-root"
    printf 'FROM debian:bookworm\nRUN %s\n' "$APT" >"$B/j/apt/Dockerfile"
    debian_image
    tar -C "$B/j/debian-root" -xf "$CB_BASES/debian.tar"
    "$CBUILD" save debian:bookworm | docker load -q >/dev/null
    WORKERS='cbuild docker chroot' workload 'apt: apt-get install nginx' 1 cold --no-cache -t bench "$B/j/apt"
    unmount_below "$B/j/chroot"
    rm -rf --one-file-system "$B/j/chroot" "$B/j/debian-root"
}
w_copy10k() { workload 'copy10k: COPY of 10,000 files, cold' 1 cold -t bench "$B/j/files10k" && w_cp "$B/j/files10k/src"; }
w_copy1g() { workload 'copy1g: COPY of 1 GiB, cold' 1 cold -t bench "$B/j/big" && w_cp "$B/j/big/src"; }

# ── transfers ──

registry_empty() {
    registry_stop
    wait_until sh -c "! kill -0 $(cat "$BATS_FILE_TMPDIR/registry/pid" 2>/dev/null || echo 0) 2>/dev/null" >/dev/null
    rm -rf "$BATS_FILE_TMPDIR/registry"
    registry_start
}
push_cbuild() { time_of "$CBUILD" push -q bench "$1"; }
push_docker() { docker tag bench "$1" && time_of /usr/bin/docker push -q "$1"; }
push_podman() { time_of podman push -q --tls-verify=false bench "$1"; }
pull_cbuild() { time_of "$CBUILD" --root "$B/j/pulled" pull -q "$1"; }
pull_docker() { time_of /usr/bin/docker pull -q "$1"; }
pull_podman() { time_of podman pull -q --tls-verify=false "$1"; }
unpushed_cbuild() { "$CBUILD" rmi -f bench; "$CBUILD" prune -af; "$CBUILD" load -i "$B/j/image.tar"; }
unpulled_cbuild() { rm -rf --one-file-system "$B/j/pulled"; }
unpulled_docker() { docker rmi -f bench "$1"; docker image prune -af; }
unpulled_podman() { podman rmi -fa; }

show() {
    printf '%s\n' "$1"
    for peer in cbuild docker podman; do
        median <"$B/times.$peer" | awk -v p=$peer '{if ($1 == "failed") print "  " p ": failed"; else printf "  %-8s %9.4f s  %6.1f MiB\n", p, $1, $2}'
    done
}

# transfer CONTEXT: the image of its Dockerfile in each store, to a registry and back.
transfer() {
    local peer
    BATS_FILE_TMPDIR=$B/j
    "$CBUILD" build -q --network=host -t bench "$1" >/dev/null
    "$CBUILD" save -o "$B/j/image.tar" bench
    rm -f "$B"/times.* "$B"/again.*
    for peer in cbuild docker podman; do
        for _ in $(seq "$RUNS"); do
            registry_empty
            case $peer in
            cbuild) unpushed_cbuild >/dev/null 2>&1 ;;
            docker) unpulled_docker x >/dev/null 2>&1; docker load -qi "$B/j/image.tar" >/dev/null ;;
            podman) unpulled_podman >/dev/null 2>&1; podman load -qi "$B/j/image.tar" >/dev/null 2>&1 ;;
            esac
            sync
            "push_$peer" "$REGISTRY/bench:1" >>"$B/times.$peer"
            "push_$peer" "$REGISTRY/bench:1" >>"$B/again.$peer"
        done
    done
    show "push to an empty registry"
    for peer in cbuild docker podman; do mv "$B/again.$peer" "$B/times.$peer"; done
    show "push again"
    rm -f "$B"/times.*
    for peer in cbuild docker podman; do
        for _ in $(seq "$RUNS"); do
            "unpulled_$peer" "$REGISTRY/bench:1" >/dev/null 2>&1
            sync
            "pull_$peer" "$REGISTRY/bench:1" >>"$B/times.$peer"
        done
    done
    show "pull"
    transfer_floor
    unpulled_cbuild
    registry_stop
}
transfer_floor() {
    local layer
    mkdir -p "$B/j/layers"
    tar -xf "$B/j/image.tar" -C "$B/j/layers"
    layer=$(find "$B/j/layers" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
    gzip -c "$layer" >"$B/j/layer.gz"
    echo "  floor of a push: $(time_of sh -c 'igzip -1 -c "$1" | sha256sum' sh "$layer" | cut -d' ' -f1) s (igzip -1 and sha256sum)"
    echo "  floor of a pull: $(time_of sh -c 'sha256sum "$1"; igzip -dc "$1" | sha256sum' sh "$B/j/layer.gz" | cut -d' ' -f1) s (sha256sum; igzip -d and sha256sum)"
    rm -rf "$B/j/layers" "$B/j/layer.gz"
}
debian_image() {
    [ -f "$CB_BASES/debian.tar" ] || "$CB_TOP/contrib/mkbase" debian "$CB_BASES/debian.tar"
    "$CBUILD" import -c 'CMD ["bash"]' "$CB_BASES/debian.tar" debian:bookworm >/dev/null
}
w_transfer() {
    echo 'transfer: an image of debian'
    debian_image
    mkdir -p "$B/j/debian"
    printf 'FROM debian:bookworm\nLABEL a=b\n' >"$B/j/debian/Dockerfile"
    transfer "$B/j/debian"
}
w_transfer1g() {
    echo 'transfer1g: an image of 1 GiB'
    transfer "$B/j/big"
}

[ $# -gt 0 ] || set -- start noop noop10k noop100k noop1g ignore growth run50 run50user apt copy10k copy1g transfer transfer1g
trap teardown EXIT
setup
for w; do "w_$w"; done
