#!/usr/bin/env bats
# cbuild parse: a Dockerfile as JSON. Nothing is needed for it but the file.
load helpers
load helpers-hostile

setup() { cb_dir; }

# The value of a jq expression on the output.
is() {
    local found
    found=$(jq -c "$1" <<<"$output")
    [ "$found" = "$2" ] || { echo "$1 is $found, not $2"; return 1; }
}

@test "the file of the directory, a named one, standard input" {
    printf 'FROM scratch\nCMD ["a", "b"]\n' | dockerfile
    cd "$DIR"
    run "$CBUILD" parse
    expect_status 0
    is '.file' '"Dockerfile"'
    is '.version' 1
    is '[.stages[].instructions[] | [.name, .form, .line]]' '[["FROM","list",1],["CMD","exec",2]]'
    mv Dockerfile dockerfile
    run "$CBUILD" parse
    expect_status 0
    is '.file' '"dockerfile"'
    mv dockerfile Dockerfile
    run "$CBUILD" parse ./Dockerfile
    expect_status 0
    is '.file' '"./Dockerfile"'
    run "$CBUILD" parse - < <(printf 'FROM busybox AS x\n')
    expect_status 0
    is '.stages[0].name' '"x"'
}

@test "words as a build with these arguments resolves them" {
    printf 'ARG V=1\nFROM debian:$V\nARG V\nENV A=$V-$PATH\nLABEL l=$A\n' | dockerfile
    OTHER=from-environment run "$CBUILD" parse --expand --build-arg V=2 --build-arg OTHER "$DIR/Dockerfile"
    expect_status 0
    is '.stages[0].base | [.kind, .name, .env_known]' '["image","debian:2",false]'
    is '.stages[0].instructions[3].pairs[0].value | [.value, .base_variables]' '["2-",["PATH"]]'
    run "$CBUILD" parse --expand --platform linux/s390x --target debian - \
        < <(printf 'FROM scratch AS debian\nARG TARGETARCH\nLABEL l=$TARGETARCH p=$PATH\nFROM x\n')
    expect_status 0
    is '[.stages[0].instructions[2].pairs[].value.value]' \
        '["s390x","/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]'
}

@test "no store, no root, no right to anything" {
    printf 'FROM busybox\nRUN true\n' | dockerfile
    run setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs env -i \
        "$CBUILD" --root /nonexistent/store parse --expand - <"$DIR/Dockerfile"
    expect_status 0
    [ ! -e /nonexistent ]
}

@test "mistakes: all of them, each with its place, and no JSON" {
    printf 'FROM a\n\nRUNN x\n\nENV A=1\n\n\n\nCOPY --chonw=1 a b\n' | dockerfile
    run "$CBUILD" parse "$DIR/Dockerfile"
    expect_status 1
    expect_contains 'Dockerfile:3:1: unknown instruction: RUNN (did you mean RUN?)'
    expect_contains '>    9 | COPY --chonw=1 a b'
    expect_contains 'Dockerfile:9:6: unknown flag: --chonw (did you mean chown?)'
    [ -z "$("$CBUILD" parse "$DIR/Dockerfile" 2>/dev/null)" ]
    run "$CBUILD" parse "$DIR/nosuch"
    expect_status 1
    expect_contains nosuch
    run "$CBUILD" parse --build-arg A=1 "$DIR/Dockerfile"
    expect_status 1
    expect_contains '--expand'
    run "$CBUILD" parse a b
    expect_status 1
}

@test "bombs cost at most 64 MiB" {
    bomb() {
        python3 -c "$2" >"$DIR/Dockerfile"
        for option in '' --expand; do
            # shellcheck disable=SC2086
            expect_memory 64 sh -c 'exec timeout 60 "$0" parse '"$option"' "$1" >/dev/null' "$CBUILD" "$DIR/Dockerfile"
            [[ $status == [$1] ]] || { echo "$2 $option: status $status: ${output:0:500}"; return 1; }
            [ "${#output}" -lt 20000 ] || { echo "$2: ${#output} bytes of message"; return 1; }
        done
    }
    bomb 1 'print("\n" * (16 << 20))'
    bomb 0 'print("FROM scratch\nRUN x" + "\n" * 900000)'
    bomb 0 'print("FROM scratch\n" + "# x\n" * 900000)'
    bomb 1 'print("FROM scratch\nENV a=" + "x" * 15000000)'
    bomb 0 'print("FROM scratch\nRUN " + ("x" * 60000 + " \\\n") * 270 + "y")'
    bomb 0 'print("FROM scratch\nRUN <<E\n" + ("x" * 60000 + "\n") * 270 + "E")'
    bomb 1 'print("FROM scratch\n" + "RUN <<E\n" * 900000)'
    bomb 1 'print("FROM scratch\n" + ("COPY " + "a " * 32000 + "b\n") * 250)'
    bomb 1 'print("FROM a\n" * 10000)'
    bomb 1 'print("FROM scratch\n" + "xyzzy\n" * 900000)'
    bomb 1 'print("FROM scratch\n" + "RUNN <<E\n\n" * 450000)'
    bomb 0 'print("FROM scratch\n" + "ENV A=aaaaaaaaaaaaaaaa\n" + "ENV A=$A$A\n" * 40)'
    bomb 0 'print("FROM scratch\nENV A=" + "a" * 60000); [print("ENV B%d=" % i + "$A" * 10) for i in range(5000)]'
    bomb 0 'print("FROM scratch\nENV A=" + "a" * 60000); [print("LABEL l%d=" % i + "$A" * 10) for i in range(5000)]'
    bomb 0 'print("FROM scratch\nENV A=" + "a" * 60000 + "\n" + ("ENV B=${A//" + "*a" * 2000 + "b/c}\n") * 100)'
    bomb 0 'print("FROM scratch\nENV A=" + "${a:-" * 10000 + "}" * 10000)'
    bomb 0 'print("FROM scratch\n" + ("ENV " + " ".join("A%d=$B%d" % (i, i) for i in range(4000)) + "\n") * 5)'
    bomb 01 'print("FROM scratch AS a\n" + "ONBUILD RUN x\n" * 20000 + "FROM a\n" * 900)'
    bomb 1 'print("FROM scratch\n" + "ONBUILD " * 8000 + "RUN x")'
    bomb 0 'print("FROM scratch\nCMD " + "[" * 60000)'
    bomb 0 'print("FROM scratch\n" + ("RUN --mount=" + "a," * 30000 + " x\n") * 100)'
}
