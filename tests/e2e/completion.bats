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
        COMP_LINE="cbuild run localhost:5000/te" COMP_POINT=28 COMP_WORDS=(cbuild run localhost : 5000/te) COMP_CWORD=4
        _cbuild; printf "%s\n" "${COMPREPLY[@]}"
        COMP_LINE="cbuild imag" COMP_POINT=11 COMP_WORDS=(cbuild imag) COMP_CWORD=1
        _cbuild; printf "%s\n" "${COMPREPLY[@]}"'
    expect_output "5000/team/box:1
images
image"
    cbuild completion zsh
    expect_contains '#compdef cbuild' '__complete'
    cbuild completion fish
    expect_contains 'complete -c cbuild'
    cbuild completion tcsh
    expect_status 1
    expect_contains 'unknown shell `tcsh`: expected bash, zsh or fish'
}
