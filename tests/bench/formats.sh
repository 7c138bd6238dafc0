#!/bin/bash
# Times images in and out: tests/bench/formats.sh [-n RUNS] [WORKLOAD...]; without a workload, all but `memory`.
#   save      an image into a docker archive: cbuild, docker, podman
#   load      that archive into a store that has nothing of it
#   gzip      an image that was just loaded into an OCI archive or layout with gzip layers: cbuild, podman, skopeo
#   memory    cbuild alone: import, save, load and gzip of an image of 5 GiB, for the peak memory
# SIZE (MiB, default 203) is how much of this machine's /usr the image holds. Beside them the floors: SHA-256 of the layer, the layer
# written and synced, and what gzip of it takes at least (gzip-floor.c). BENCH_DIR must be on a real disk with ten times SIZE free
# (memory: 20 GiB). Needs root; figures of different runs do not compare.
set -u
here=$(cd "$(dirname "$0")" && pwd)
CB_TOP=$(cd "$here/../.." && pwd)
CBUILD=${CBUILD:-$CB_TOP/build/cbuild}
B=${BENCH_DIR:-/var/tmp/cbuild-bench-formats}
SIZE=${SIZE:-203}
RUNS=5
[ "${1:-}" = -n ] && { RUNS=$2; shift 2; }
CB_WORK=$B
PEERS=$B/peers
. "$here/../e2e/helpers.bash"
. "$here/../lib/peers.bash"
export CBUILD_ROOT=$B/cbuild

# The layer: whole files of /usr until there are SIZE MiB.
layer() {
    python3 - "$SIZE" "$B/layer.tar" <<'END'
import os, sys, tarfile
left = int(sys.argv[1]) << 20
with tarfile.open(sys.argv[2], "w") as tar:
    for top, directories, files in os.walk("/usr/lib"):
        directories.sort()
        for name in sorted(files):
            path = os.path.join(top, name)
            size = os.lstat(path).st_size
            if os.path.isfile(path) and not os.path.islink(path) and size <= left:
                tar.add(path)
                left -= size
END
}

setup() {
    mkdir -p "$B"
    gcc -O2 -o "$B/timed" "$here/timed.c" || exit 1
    gcc -O2 -Wno-deprecated-declarations -o "$B/gzip-floor" "$here/gzip-floor.c" -lisal -lcrypto || exit 1
    podman_setup
    dockerd_start || exit 1
    layer
    mkdir -p "$B/from"
    echo 'FROM bench' >"$B/from/Dockerfile"
    "$CBUILD" import "$B/layer.tar" bench >/dev/null
    "$CBUILD" save -o "$B/bench.tar" bench
    docker load -qi "$B/bench.tar" >/dev/null
    podman load -qi "$B/bench.tar" >/dev/null
}

time_of() {
    "$B/timed" "$B/time" "$@" >"$B/last.log" 2>&1 || { tail -n 3 "$B/last.log" >&2; return 1; }
    cat "$B/time"
}

median() {
    sort -n | awk -v p="$1" '{t[NR] = $1; if ($2 > m) m = $2}
        END {if (NR) printf "  %-10s %8.3f s  %7.1f MiB\n", p, t[int((NR + 1) / 2)], m / 1024; else print "  " p " failed"}'
}

clear_cbuild() { "$CBUILD" rmi -f bench; "$CBUILD" prune -af; }
clear_docker() { docker rmi -f bench; }
clear_podman() { podman rmi -f bench; }
clear_skopeo() { rm -rf "$B/skopeo"; }
save_cbuild() { time_of "$CBUILD" save -o "$B/out.tar" bench; }
save_docker() { time_of /usr/bin/docker save -o "$B/out.tar" bench; }
save_podman() { time_of podman save -q -o "$B/out.tar" bench; }
load_cbuild() { time_of "$CBUILD" load -q -i "$B/bench.tar"; }
load_docker() { time_of /usr/bin/docker load -q -i "$B/bench.tar"; }
load_podman() { time_of podman load -q -i "$B/bench.tar"; }
# A loaded layer keeps the form it came in unless another is asked for.
gzip_cbuild() { time_of "$CBUILD" build -q -o "type=oci,compression=gzip,force-compression=true,dest=$B/out.tar" "$B/from"; }
gzip_podman() { time_of podman save -q --format oci-archive -o "$B/out.tar" bench; }
gzip_skopeo() { time_of skopeo copy -q "docker-archive:$B/bench.tar" "oci:$B/skopeo:bench"; }

# workload NAME VERB PREPARE PEER...: PREPARE is run for each peer before each run, untimed
workload() {
    local name=$1 verb=$2 prepare=$3 peer i
    shift 3
    echo "$name"
    for peer; do : >"$B/times.$peer"; done
    for i in $(seq "$RUNS"); do
        for peer; do
            "$prepare" "$peer" >/dev/null 2>&1
            rm -f "$B/out.tar"
            sync
            "${verb}_$peer" >>"$B/times.$peer"
        done
    done
    for peer; do median "$peer" <"$B/times.$peer"; done
}
nothing() { :; }
forget() { "clear_$1"; }
fresh() { "clear_$1"; case $1 in skopeo) ;; *) "load_$1" ;; esac; }

floors() {
    local i
    echo 'floor of gzip (processor time)'
    "$B/gzip-floor" "$B/layer.tar" "$B/out.tar"
    echo floors
    for i in $(seq "$RUNS"); do time_of openssl dgst -sha256 "$B/layer.tar"; done | median sha256
    for i in $(seq "$RUNS"); do rm -f "$B/out.tar"; time_of dd if="$B/layer.tar" of="$B/out.tar" bs=1M conv=fsync; done | median write
    for i in $(seq "$RUNS"); do
        rm -rf "$B/tree" && mkdir "$B/tree"
        time_of sh -c "tar -xf '$B/layer.tar' -C '$B/tree' && sync -f '$B/tree'"
    done | median 'tar -x'
}

memory() {
    echo 'memory (5 GiB)'
    export CBUILD_ROOT=$B/large
    python3 - <<'END' | time_of "$CBUILD" import - large | median import
import os, sys, tarfile
block = os.urandom(1 << 20)
class Random:
    def read(self, size):
        return block[:size]
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
    for i in range(5):
        info = tarfile.TarInfo("file%d" % i)
        info.size = 1 << 30
        tar.addfile(info, Random())
END
    time_of "$CBUILD" save -o "$B/large.tar" large | median save
    "$CBUILD" rmi -f large >/dev/null && "$CBUILD" prune -af >/dev/null
    time_of "$CBUILD" load -q -i "$B/large.tar" | median load
    rm -f "$B/large.tar"
    mkdir -p "$B/from-large"
    echo 'FROM large' >"$B/from-large/Dockerfile"
    time_of "$CBUILD" build -q -o type=oci,compression=gzip,force-compression=true,dest=/dev/null "$B/from-large" | median gzip
    rm -rf "$B/large"
}

run() {
    case $1 in
    save) workload "save ($SIZE MiB)" save nothing cbuild docker podman ;;
    load) workload "load" load forget cbuild docker podman ;;
    gzip) workload "gzip" gzip fresh cbuild podman skopeo ;;
    memory) memory ;;
    *) echo "formats.sh: no workload $1" >&2; return 2 ;;
    esac
}

setup
trap 'dockerd_stop; peers_remove; rm -rf --one-file-system "$B"' EXIT
[ $# -gt 0 ] || set -- save load gzip
floors
for name; do run "$name"; done
