#!/usr/bin/env bats
# RUN in a stage of another platform, when this machine cannot execute its programs.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

# The first bytes of a program for PowerPC (an old one, which no emulator here claims).
foreign_program() {
    printf '\177ELF\001\002\001\000\000\000\000\000\000\000\000\000\000\002\000\024' >"$DIR/sh"
    head -c 200 /dev/zero >>"$DIR/sh"
    chmod 755 "$DIR/sh"
}

@test "without an emulator the error says what is missing, and steps that run nothing work" {
    foreign_program
    printf 'FROM scratch\nCOPY sh /bin/sh\nWORKDIR /x\n' >"$DIR/Dockerfile"
    build_ok --platform linux/ppc
    echo 'RUN true' >>"$DIR/Dockerfile"
    build --platform linux/ppc
    expect_status 1
    expect_contains 'Dockerfile:4' 'exec format error' 'for linux/ppc' 'qemu-user-static'
}

@test "a program that this machine can execute is executed, whatever platform its image claims" {
    tar -C "$DIR" -xf "$CB_BASES/busybox.tar"
    printf 'FROM scratch\nCOPY bin/busybox /bin/sh\nRUN echo works > /out\n' >"$DIR/Dockerfile"
    build_ok --platform linux/s390x
}

@test "a file that is no program is called that" {
    printf 'FROM busybox\nCOPY --chmod=755 sh /tool\nRUN ["/tool"]\n' >"$DIR/Dockerfile"
    printf 'no program\n' >"$DIR/sh"
    build
    expect_status 1
    expect_contains 'Dockerfile:3' 'exec format error' 'begins with #!'
}
