# A disk without a free block or inode, while something goes on taking whatever becomes free: all that makes room works.
load helpers

setup() {
    cb_dir
    mnt=$BATS_TEST_TMPDIR/mnt
    mkdir "$mnt"
    truncate -s 32M "$BATS_TEST_TMPDIR/disk.img"
}
teardown() {
    timeout 60 "$CBUILD" rm -f greedy >/dev/null 2>&1
    rm -f "$BATS_TEST_TMPDIR/go-on"
    wait
    unmount_below "$BATS_TEST_TMPDIR"
}

# small_disk [OPTION of mkfs]…: with a store that has an image and a build's layers.
small_disk() {
    mkfs.ext4 -q -F -b 4096 -m 0 "$@" "$BATS_TEST_TMPDIR/disk.img"
    fill_store
}
fill_store() {
    mount -o loop "$BATS_TEST_TMPDIR/disk.img" "$mnt"
    export CBUILD_ROOT=$mnt/store
    "$CBUILD" import "$CB_BASES/busybox.tar" busybox >/dev/null
    printf 'FROM busybox\nRUN echo a > /a\nRUN head -c 500000 /dev/zero > /b\n' | dockerfile
    "$CBUILD" build -q --network none -t built "$DIR" >/dev/null
}
# free blocks|inodes: how many there are.
free() {
    case $1 in
    blocks) stat -f -c %a "$mnt" ;;
    inodes) stat -f -c %d "$mnt" ;;
    esac
}
none_free() { [ "$(free "$1")" -eq 0 ]; }
# Btrfs has the blocks with its next transaction, and then may keep all of them for data and none for names.
blocks_are_back() { sync -f "$mnt" && [ "$(stat -f -c %f "$mnt")" -gt 10000 ]; }
ends_well() {
    run timeout 60 "$CBUILD" "$@"
    [ "$status" -eq 0 ] || { echo "$*: status $status: $output"; return 1; }
}

# greedy SCRIPT WHAT: a container that takes all of it, and goes on, until it is removed.
greedy() {
    "$CBUILD" run -d --name greedy --network none busybox sh -c "$1"
    wait_until none_free "$2"
    ends_well ps --format '{{.Names}} {{.State}}'
    expect_output 'greedy running'
    ends_well exec greedy echo here
    expect_output here
    ends_well images -q
    ends_well stop -t 0 greedy
    ends_well ps -a --format '{{.Names}} {{.State}} {{.Status}}'
    expect_contains 'greedy exited Exited (137)'
    ends_well rm greedy
}
# there_is_room WHAT: to work as before.
there_is_room() {
    [ "$(free "$1")" -gt 100 ]
    ends_well run --rm --network none busybox echo again
    expect_output again
    ends_well fsck --deep
}

@test "a container that has filled the disk is listed, entered, stopped and removed" {
    small_disk
    greedy 'dd if=/dev/zero of=/big bs=64k; while :; do dd if=/dev/zero of=/rest bs=512; echo more; done' blocks
    there_is_room blocks
}

@test "the same on btrfs, where each write looks for room for seconds before it fails" {
    truncate -s 128M "$BATS_TEST_TMPDIR/disk.img"
    mkfs.btrfs -q -m single "$BATS_TEST_TMPDIR/disk.img"
    fill_store
    greedy 'dd if=/dev/zero of=/big bs=64k; while :; do dd if=/dev/zero of=/rest bs=512; echo more; done' blocks
    wait_until blocks_are_back
    ends_well ps -aq
    expect_output ''
}

@test "a container that has taken all inodes is listed, entered, stopped and removed" {
    small_disk -N 1024
    greedy 'i=0; while :; do i=$((i+1)); touch /f$i; done 2>/dev/null' inodes
    there_is_room inodes
}

# Not cbuild's files, nor those it could remove.
take_all() {
    local i=0
    while [ -e "$BATS_TEST_TMPDIR/go-on" ]; do
        i=$((i + 1))
        dd if=/dev/zero of="$mnt/blocks$i" bs=4k || true
        touch "$mnt/inode$i" || true
    done >/dev/null 2>&1 3>&-
}

@test "containers, images and cache are removed while another takes each block that becomes free" {
    small_disk
    "$CBUILD" run -d --name greedy --network none busybox sleep 1000
    touch "$BATS_TEST_TMPDIR/go-on"
    take_all &
    wait_until none_free blocks
    ends_well rm -f greedy
    ends_well tag busybox another
    ends_well rmi built
    ends_well builder prune -af
    expect_contains 'Total reclaimed space: 5'
    ends_well system prune -af
    expect_contains 'Total reclaimed space: 2'
    ends_well images -aq
    expect_output ''
    ends_well ps -aq
    expect_output ''
    ends_well fsck --deep
    run sh -c 'ls "$1"/snapshots "$1"/blobs/sha256 "$1"/containers | grep -c "[0-9a-f]\{32\}"' - "$CBUILD_ROOT"
    expect_output 0
}

# few_inodes N: as many are left in a store that keeps nothing for the next container.
few_inodes() {
    rm -rf "$CBUILD_ROOT/spare"
    mount -o "remount,nr_inodes=$((1000 - $(free inodes) + $1))" "$mnt"
}
tiny_store() {
    mount -t tmpfs -o nr_inodes=1000 none "$mnt"
    export CBUILD_ROOT=$mnt/store
    "$CBUILD" import "$CB_BASES/busybox.tar" busybox >/dev/null
}

@test "a root that the kernel gives for reading only, for want of an inode, is no root" {
    tiny_store
    for left in $(seq 8); do
        few_inodes "$left"
        run timeout 60 "$CBUILD" run --rm --network none busybox true
        mount -o remount,nr_inodes=1000 "$mnt"
        echo "$output" >>"$DIR/said"
    done
    grep -q 'overlay: no directory can be made for its work' "$DIR/said"
    not grep 'read-only file system' "$DIR/said"
}

@test "marks that a full disk did not take are there in the next container" {
    tiny_store
    for left in $(seq 8 16); do
        few_inodes "$left"
        run timeout 60 "$CBUILD" run --rm --network none busybox true
        mount -o remount,nr_inodes=1000 "$mnt"
        ends_well run --rm --network none busybox readlink /etc/mtab
        expect_output /proc/mounts
    done
}
