# What tests need of the machine, for all that run beside each other: base images, made from Debian's packages and kept as archives
# between runs, and terminals.

# machine_prepare BASES: what is there already stays as it is.
machine_prepare() {
    local lib=${BASH_SOURCE[0]%/*} name
    mkdir -p "$1"
    for name in busybox debian; do
        [ -f "$1/$name.tar" ] || "$lib/../../contrib/mkbase" $name "$1/$name.tar" || return
    done
    [ ! -c /dev/fuse ] || [ "$(id -u)" -ne 0 ] || chmod 666 /dev/fuse # as udev makes it
    # Bare machines and containers come without terminals; the tests of -t and of progress need some.
    [ -e /dev/pts/ptmx ] && return
    mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts && MACHINE_PTS=mounted
}

# Takes away what machine_prepare mounted.
machine_restore() {
    [ "${MACHINE_PTS:-}" != mounted ] || umount /dev/pts
    MACHINE_PTS=
}
