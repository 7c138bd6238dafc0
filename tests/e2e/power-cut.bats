# The power of the store's disk is cut right after a command was done: what it had reported is there.
load helpers

setup() {
    cb_dir
    mnt=$BATS_TEST_TMPDIR/mnt
    mkdir "$mnt"
    disk=$BATS_TEST_TMPDIR/disk
    truncate -s 64M "$disk"
    mkfs.ext4 -q -F "$disk"
    mount -o loop "$disk" "$mnt"
    export CBUILD_ROOT=$mnt/store
    "$CBUILD" import "$CB_BASES/busybox.tar" busybox >/dev/null
}
teardown() {
    "$CBUILD" ps -aq | xargs -r "$CBUILD" rm -f >/dev/null
    unmount_below "$BATS_TEST_TMPDIR"
}

# EXT4_IOC_SHUTDOWN without the journal being written. The disk that comes back is a copy: somebody else's mount namespace
# may keep the dead file system for a while.
cut_power() {
    python3 - "$mnt" <<'END'
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack("I", 2))
END
    cp --sparse=always "$disk" "$disk-after"
    disk=$disk-after
    umount -l "$mnt"
    mount -o loop "$disk" "$mnt"
}

@test "a container that was made is there after a power cut, and starts" {
    "$CBUILD" create --name kept --label a=b --network none busybox echo started >/dev/null
    cut_power
    cbuild ps -a --format '{{.Names}} {{.State}} {{.Labels}}'
    expect_output 'kept created a=b'
    cbuild start -a kept
    expect_output started
    cbuild fsck --deep
    expect_status 0
}

@test "so is a volume, with what its container relies on" {
    "$CBUILD" volume create --label a=b named >/dev/null
    cut_power
    cbuild volume ls --format '{{.Name}} {{.Labels}}'
    expect_output 'named a=b'
    "$CBUILD" create --name kept --network none -v named:/n -v /anonymous busybox sh -c 'ls -d /n /anonymous' >/dev/null
    cut_power
    cbuild volume ls -q
    [ "${#lines[@]}" -eq 2 ]
    cbuild start -a kept
    expect_output "$(printf '/anonymous\n/n')"
}

@test "another name stays, and the state is as it was or as it is now: no file is torn" {
    "$CBUILD" create --name first --network none busybox true >/dev/null
    "$CBUILD" start -a first
    "$CBUILD" rename first second
    cut_power
    cbuild ps -a --format '{{.Names}} {{.State}}'
    case $output in
    'second created' | 'second exited') ;;
    *) echo "$output" && return 1 ;;
    esac
    cbuild start -a second
    expect_status 0
}
