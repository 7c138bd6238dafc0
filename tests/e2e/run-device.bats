#!/usr/bin/env bats
# RUN --device: devices of CDI specifications, for builds that were granted them.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }

setup() {
    cb_dir
    CDI=$BATS_TEST_TMPDIR/cdi
    mkdir "$CDI"
    echo library >"$BATS_TEST_TMPDIR/lib"
    cat >"$CDI/acme.json" <<END_OF_SPEC
{"cdiVersion": "0.6.0", "kind": "acme.test/gpu",
 "containerEdits": {"env": ["ACME_COMMON=yes"],
   "mounts": [{"hostPath": "$BATS_TEST_TMPDIR/lib", "containerPath": "/usr/acme/lib", "options": ["ro", "bind"]}]},
 "devices": [
   {"name": "one", "containerEdits": {"env": ["ACME_DEVICE=one"], "additionalGids": [4711],
     "deviceNodes": [{"path": "/dev/acme/null", "hostPath": "/dev/null"}]}},
   {"name": "two", "containerEdits": {"env": ["ACME_SECOND=two"],
     "deviceNodes": [{"path": "/dev/acme/zero", "hostPath": "/dev/zero"}]}},
   {"name": "hooked", "containerEdits": {"hooks": [{"hookName": "createContainer", "path": "/bin/true"}]}},
   {"name": "broken", "containerEdits": {"deviceNodes": [{"path": "/dev/x", "hostPath": "$BATS_TEST_TMPDIR/lib"}]}}]}
END_OF_SPEC
}
# Builds with these specifications and a grant of all devices.
build_device() {
    build --cdi-spec-dir "$CDI" --allow device "$@"
}

@test "a device is its nodes, variables, files and groups, for one step" {
    dockerfile <<'END_OF_FILE'
FROM busybox
RUN --device=acme.test/gpu=one (echo x > /dev/acme/null) && ls /dev/acme > /out && echo "$ACME_DEVICE $ACME_COMMON" >> /out \
    && cat /usr/acme/lib >> /out && (echo x > /usr/acme/lib) 2>&1 | grep -o 'Read-only file system' >> /out; id -G >> /out
RUN [ ! -e /dev/acme ] && [ ! -e /usr/acme ] && [ -z "$ACME_DEVICE" ] && touch /gone
END_OF_FILE
    build_device
    expect_status 0
    in_image cat /out
    expect_output "$(printf 'null\none yes\nlibrary\nRead-only file system\n0 4711')"
    in_image ls /gone
}

@test "all devices of a kind, the first of a kind, several flags" {
    dockerfile <<'END_OF_FILE'
FROM busybox
RUN --device=name=acme.test/gpu echo "$ACME_DEVICE" > /first; ls /dev/acme >> /first
RUN --device=acme.test/gpu=one --device=acme.test/gpu=two,required ls /dev/acme > /both; echo "$ACME_DEVICE $ACME_SECOND" >> /both
END_OF_FILE
    build_device
    expect_status 0
    in_image cat /first /both
    expect_output "$(printf 'one\nnull\nnull\nzero\none two')"
    printf 'FROM busybox\nRUN --device=acme.test/gpu=* true\n' >"$DIR/Dockerfile"
    build_device
    expect_status 1
    expect_contains 'wants hooks'
}

@test "a device needs a grant: for all, for its kind, or by its name" {
    printf 'FROM busybox\nRUN --device=acme.test/gpu=one true\n' >"$DIR/Dockerfile"
    build --cdi-spec-dir "$CDI"
    expect_status 1
    expect_contains 'Dockerfile:2' 'not allowed' '--allow device=acme.test/gpu=one'
    for grant in device=acme.test/gpu=two device=acme.test device=acme.test/gpu=on; do
        build --cdi-spec-dir "$CDI" --allow "$grant"
        [ "$status" -eq 1 ] || { echo "$grant"; return 1; }
    done
    for grant in device device=acme.test/gpu device=acme.test/gpu=one; do
        build_ok --no-cache --cdi-spec-dir "$CDI" --allow "$grant"
    done
    build --allow device=
    expect_status 1
    expect_contains '"--allow"' 'device[=NAME]'
}

@test "a device that is not there: passed over, or an error when it is required" {
    printf 'FROM busybox\nRUN --device=acme.test/other touch /ran\n' >"$DIR/Dockerfile"
    build_device
    expect_status 0
    in_image ls /ran
    printf 'FROM busybox\nRUN --device=acme.test/other=x,required true\n' >"$DIR/Dockerfile"
    echo 'kind: acme.test/other' >"$CDI/other.yaml"
    echo '{"kind": 1' >"$CDI/cut.json"
    build_device
    expect_status 1
    expect_contains 'Dockerfile:2' 'required device `acme.test/other=x` is not known' 'other.yaml' YAML cut.json
}

@test "what a specification cannot have is refused" {
    local device
    for device in hooked broken; do
        printf 'FROM busybox\nRUN --device=acme.test/gpu=%s true\n' "$device" >"$DIR/Dockerfile"
        build_device
        [ "$status" -eq 1 ] || { echo "$device"; return 1; }
        expect_contains 'Dockerfile:2'
    done
    expect_contains 'is no device'
    printf 'FROM busybox\nRUN --device=acme.test/gpu=one,requierd true\n' >"$DIR/Dockerfile"
    build_device
    expect_status 1
    expect_contains 'Dockerfile:2' requierd
}
