# Completion: what the shells ask, and the scripts that ask it.

load helpers

setup_file() {
    cb_store
    "$CBUILD" tag busybox localhost:5000/team/box:1
}

teardown_file() {
    cb_drop_store
}

# Candidates for the last word, without their help.
candidates() {
    cbuild __complete "$@"
    expect_status 0
    output=$(cut -f1 <<<"$output")
}

@test "commands, their verbs and their options" {
    candidates hist
    expect_output history
    candidates image h
    expect_output history
    candidates build --no-c
    expect_output "--no-cache
--no-cache-filter"
    candidates -t img --targ
    expect_output --target
    candidates ''
    expect_contains build images network
    expect_lacks __complete
    candidates nosuch ''
    expect_output ""
}

@test "each command is offered once, and options before it do not hide it" {
    candidates ''
    [ -z "$(sort <<<"$output" | uniq -d)" ]
    candidates --root "$STORE" -D images busy
    expect_output busybox:latest
    candidates --root /nowhere/at/all images busy
    expect_output ""
    candidates build --debug
    expect_output --debug
    candidates --log-
    expect_output --log-level
    candidates help image h
    expect_output history
}

@test "keys and values of filters, all of which their commands know" {
    candidates images --filter d
    expect_output dangling=
    candidates images --filter dangling=
    expect_output "dangling=true
dangling=false"
    candidates ps --filter=status=ex
    expect_output --filter=status=exited
    candidates images --filter before=bu
    expect_output before=busybox:latest
    for command in images ps "network ls" "volume ls" du; do
        # shellcheck disable=SC2086
        candidates $command --filter ''
        [ -n "$output" ]
        for key in $output; do
            # shellcheck disable=SC2086
            run "$CBUILD" $command --filter "${key}x"
            expect_lacks "invalid filter '${key%=}'"
            expect_lacks "invalid filter \`${key%=}\`"
        done
    done
}

@test "builds, cache mounts, networks and volumes are offered where they are asked for" {
    cb_dir
    printf 'FROM busybox AS first\nRUN --mount=type=cache,id=packages,target=/c touch /c/x\n' | dockerfile
    id=$("$CBUILD" builds ls -q | head -n 1)
    [ -z "$id" ]
    build_ok
    id=$("$CBUILD" builds ls -q | head -n 1)
    for command in "builds show" "builds logs" "builds rm" explain debug "graph --build"; do
        # shellcheck disable=SC2086
        candidates $command ''
        expect_contains last "$id"
    done
    candidates cache rm pack
    expect_output packages
    "$CBUILD" volume create data-1
    candidates volume rm da
    expect_output data-1
    candidates network inspect br
    expect_output bridge
    candidates build --network de
    expect_output default
    candidates build "$DIR" --target=f
    expect_output --target=first
}

@test "containers are offered where they are asked for" {
    "$CBUILD" create --name web-1 busybox >/dev/null
    candidates stop w
    expect_output web-1
    candidates container rm web-1 web
    expect_output web-1
    candidates run web
    expect_output ""
    "$CBUILD" rm web-1
}

@test "images, stages, and words an option takes" {
    candidates run local
    expect_output localhost:5000/team/box:1
    candidates image rm busy
    expect_output busybox:latest
    candidates run --pull ne
    expect_output "never
newer"
    cb_dir
    printf 'FROM busybox AS base\nFROM base AS best\nFROM base\n' | dockerfile
    cd "$DIR"
    candidates build --target b
    expect_output "base
best"
    cp Dockerfile other
    sed -i s/best/second/ other
    candidates -f other --target s
    expect_output second
    echo nonsense >Dockerfile
    candidates build --target b
    expect_output ""
    candidates graph --build la
    expect_output last
}

@test "bash asks, and is answered from behind a colon" {
    run bash -c '
        PATH=$(dirname "$CBUILD"):$PATH
        source <(cbuild completion bash)
        COMP_LINE="cbuild run localhost:5000/te" COMP_POINT=28
        _cbuild; printf "%s\n" "${COMPREPLY[@]}"
        COMP_LINE="docker imag" COMP_POINT=11
        _cbuild; printf "%s\n" "${COMPREPLY[@]}"
        compopt() { echo "$@"; }
        COMP_LINE="cbuild images --filter=dangling=t" COMP_POINT=33
        _cbuild; printf "%s\n" "${COMPREPLY[@]}"
        COMP_LINE="cbuild images --filter dan" COMP_POINT=26
        _cbuild; printf "%s\n" "${COMPREPLY[@]}"'
    expect_output "5000/team/box:1
images
image
true
-o nospace
dangling="
    cbuild completion zsh
    expect_contains '#compdef cbuild' '__complete'
    cbuild completion fish
    expect_contains 'complete -c cbuild'
    cbuild completion tcsh
    expect_status 1
    expect_contains 'unknown shell `tcsh`: expected bash, zsh or fish'
}

@test "a name that a shell would take for more than a word is not offered" {
    cb_dir
    printf 'FROM busybox\nRUN --mount=type=cache,target=/a,id=plain.1 --mount=type=cache,target=/b,id=x$(touch${IFS}pwned);y true\n' | dockerfile
    "$CBUILD" build -q --network none "$DIR"
    [ "$("$CBUILD" cache ls | grep -c pwned)" -gt 0 ]
    candidates cache rm ''
    expect_contains plain.1
    expect_lacks pwned
    [ -z "$(grep -vE '^[A-Za-z0-9_.-]+$' <<<"$output")" ]
}
