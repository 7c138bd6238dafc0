#!/usr/bin/env bats
# The live view, as it stands on a terminal.
load helpers

setup_file() {
    cb_store
    printf 'FROM busybox\n' | "$CBUILD" build -q -
}
teardown_file() { cb_drop_store; }
teardown() {
    local socket
    for socket in "$BATS_TEST_TMPDIR"/tmux-*; do # of a test that failed
        [ ! -S "$socket" ] || tmux -S "$socket" kill-server 2>/dev/null || true
    done
}
setup() {
    cb_dir
    export TERM=xterm
    dockerfile <<'END'
FROM busybox AS base
RUN echo "a step that is so long that it has to be cut off on a narrow terminal" >/base
FROM base AS one
RUN for i in 1 2 3 4 5 6 7 8; do echo "line $i"; sleep 0.05; done
FROM base
RUN : ünïcödé 漢字漢字
COPY --from=one /bin/sh /sh2
END
}

# What stands on a terminal of SIZE at the end of a build; every time is T.
on_screen() { # SIZE ARGUMENTS...
    local size=$1
    shift
    run python3 "$BATS_TEST_DIRNAME/../lib/screen.py" "$size" "$CBUILD" build --progress=tty --no-cache -t img "$@" "$DIR"
    output=$(sed -E 's/ +([0-9]+\.[0-9]s)$/ \1/; s/[0-9]+\.[0-9]s/T/; s/[0-9a-f]{64}/ID/' <<<"$output")
}

# A step after this waits in a line of its Dockerfile, "GATE COMMAND", until that file is there: its COMMAND is done, and is seen.
with_gates() {
    export GO=$BATS_TEST_TMPDIR/go
    export WHEN_RESIZED=$GO/on
    mkdir "$GO"
    sed -i -E 's|GATE (.*)|--mount=type=cache,id=go,target=/go \1; until [ -e /go/on ]; do sleep 0.02; done|' "$DIR/Dockerfile"
}

# All lines but those of results, sorted: steps that run side by side may begin in any order.
steps() { grep -aE '^(=>|\[\+\])' <<<"$output" | LC_ALL=C sort; }

@test "80 columns: one line a step, cut, the time at the edge" {
    on_screen 80x24
    [ "$(steps)" = "=> CACHED [base 1/2] FROM docker.io/library/busybox:latest T
=> [base 2/2] RUN echo \"a step that is so long that it has to be cu... T
=> [one 1/1] RUN for i in 1 2 3 4 5 6 7 8; do echo \"line \$i\"; sleep... T
=> [stage-2 1/2] RUN : ünïcödé 漢字漢字 T
=> [stage-2 2/2] COPY --from=one /bin/sh /sh2 T
=> exporting to image T
[+] T (6/6) FINISHED" ]
    [[ $output == *$'\nstatus 0' ]]
    # every time ends in the same column, wide characters or not
    run python3 "$BATS_TEST_DIRNAME/../lib/screen.py" 80x24 "$CBUILD" build --progress=tty -t img "$DIR"
    [ "$(grep -a '^=>' <<<"$output" | python3 -c '
import sys, unicodedata
print({sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in l.rstrip()) for l in sys.stdin})')" = '{79}' ]
}

@test "200 columns: nothing is cut; 30 columns: everything stays on its line" {
    on_screen 200x24
    expect_contains '"a step that is so long that it has to be cut off on a narrow terminal" >/base'
    on_screen 30x10
    [ "$(steps)" = "=> CACHED [base 1... T
=> [base 2/2] RUN... T
=> [one 1/1] RUN ... T
=> [stage-2 1/2] ... T
=> [stage-2 2/2] ... T
=> exporting to i... T
[+] T (6/6) FINISHED" ]
}

@test "a terminal that gets narrower is drawn anew without remains" {
    sed -i 's/^RUN for .*/RUN GATE for i in 1 2 3 4 5 6 7 8; do echo "line $i"; done/' "$DIR/Dockerfile"
    with_gates
    # Only when its lines stand there the screen gets narrower.
    on_screen '80x24,    line 8:40x24' --cache-mount "go=$GO"
    [ "$(steps | cut -c1-14)" = "=> CACHED [bas
=> [base 2/2] 
=> [one 1/1] R
=> [stage-2 1/
=> [stage-2 2/
=> exporting t
[+] T (6/6) FI" ]
    expect_lacks 'line '
}

@test "a line that is written over and has no end is shown while its step runs" {
    printf 'FROM busybox\nRUN GATE printf "at 10%%%%\\rat 50%%%%"\n' >"$DIR/Dockerfile"
    with_gates
    # Only when it stands there the screen gets narrower.
    on_screen '80x24,    at 50%:40x24' --cache-mount "go=$GO"
    [ "$(steps)" = '=> CACHED [1/2] FROM docker... T
=> [2/2] RUN --mount=type=c... T
=> exporting to image T
[+] T (3/3) FINISHED' ]
}

@test "pictures are as wide as they are, tabs are blanks, and what commands a terminal is left out while a step runs" {
    cat >"$DIR/Dockerfile" <<'END'
FROM busybox
RUN GATE for i in 1 2 3; do for j in $(seq 40); do printf '\342\234\205'; done; echo; done
RUN --mount=type=cache,id=go,target=/go printf 'a\tb\033[2J\033]0;title\007\033[1Ac%s\n' d; until [ -e /go/two ]; do sleep 0.02; done
END
    with_gates
    touch "$GO/two"
    # Only when they stand there the step ends.
    on_screen '60x24,✅:60x24' --cache-mount "go=$GO"
    [ "$(steps | wc -l)" -eq 5 ]
    expect_lacks ✅
    rm "$GO/on" "$GO/two"
    on_terminal 'expect:\xe2\x9c\x85' "touch:$GO/on" 'expect:a       bcd' "touch:$GO/two" -- \
        "$CBUILD" build --no-cache --progress=tty -t img --cache-mount "go=$GO" "$DIR"
    expect_status 0
    expect_contains 'a       bcd'
    expect_lacks $'\033]'
    expect_lacks $'\033[2J'
}

@test "more steps run than there are lines: each line is another one, and the head says how many there are beside" {
    { for i in $(seq 12); do printf 'FROM busybox AS s%s\nRUN GATE echo said %s\n' "$i" "$i"; done
      echo FROM busybox
      for i in $(seq 12); do echo "COPY --from=s$i /bin/true /$i"; done; } >"$DIR/Dockerfile"
    with_gates
    # Only when that stands there the screen gets narrower.
    on_screen '80x9,more that run:40x9' --jobs 20 --cache-mount "go=$GO"
    expect_contains ') FINISHED' 'status 0'
    [ "$(grep -ac '^=> .\{1,37\}$' <<<"$output")" -ge 24 ]
    expect_lacks '    said'
}

@test "more steps than the screen is high: all are there at the end, once" {
    { echo FROM busybox; seq -f 'RUN : %g' 1 30; } >"$DIR/Dockerfile"
    on_screen 80x8
    [ "$(grep -ac '^=> .*RUN :' <<<"$output")" -eq 30 ]
    [ "$(grep -c '^\[+\]' <<<"$output")" -eq 1 ]
}

@test "a failed step: what it said, once, and the place" {
    printf 'FROM busybox\nRUN echo first; echo last words >&2; exit 3\n' >"$DIR/Dockerfile"
    on_screen 80x24
    expect_contains ') FAILED' '=> ERROR [2/2] RUN echo first' 'Dockerfile:2:1:' 'exit code: 3' 'status 1'
    [ "$(grep -c '^last words' <<<"$output")" -eq 1 ]
}

@test "a failed step that said much: its last lines, and where the others are" {
    printf 'FROM busybox\nRUN seq 1 5000; exit 3\n' >"$DIR/Dockerfile"
    on_screen 80x24
    expect_contains 'earlier output: `cbuild builds logs`' $'\n4801\n4802\n' $'\n5000\n'
    [ "$(grep -c '^4800$' <<<"$output")" -eq 0 ]
    run "$CBUILD" builds logs
    expect_contains $'\n1\n2\n' $'\n4800\n'
}

@test "NO_COLOR is obeyed, and a dumb terminal gets plain lines" {
    NO_COLOR=1 run script -qec "'$CBUILD' build --progress=tty -t img '$DIR'" /dev/null
    expect_contains $'\033[K'
    expect_lacks $'\033[0m'
    run script -qec "'$CBUILD' build --progress=tty -t img '$DIR'" /dev/null
    expect_contains $'\033[36m=> CACHED'
    TERM=dumb run script -qec "'$CBUILD' build -t img '$DIR'" /dev/null
    expect_contains '#1 CACHED'
    expect_lacks $'\033[K'
}

# The whole screen of a real terminal. The time of a step is T in the column where it ended; one more digit takes a blank.
tmux_screen() { # SOCKET
    tmux -S "$1" capture-pane -p | sed -E 's/ [0-9]\.[0-9]s$/    T/; s/ [0-9]{2}\.[0-9]s$/     T/; s/[0-9]+\.[0-9]s/T/; s/[0-9a-f]{64}/ID/'
}
shows() { tmux_screen "$1" | grep -qF "$2"; }
# A line of a step; WIDTH: of TEXT, where that is not its length.
row() { # COLUMNS TEXT [WIDTH]
    printf '%s%*s    T\n' "$2" "$(($1 - 6 - ${3:-${#2}}))" ''
}

# A picture may be half drawn: the whole is waited for.
stands() { # SOCKET TEXT
    [ "$(tmux_screen "$1")" = "$2" ]
}

# What stands there while a step runs is MIDDLE; $end has what stands there at the end.
in_tmux() { # COLUMNS MIDDLE
    local socket=$BATS_TEST_TMPDIR/tmux-$1
    rm -f "$GO/on"
    # shellcheck disable=SC2016
    tmux -S "$socket" -f /dev/null new-session -d -x "$1" -y 24 \
        'stty -echo; "$CBUILD" build --progress=tty --no-cache --network none -t img --cache-mount "go=$GO" "$DIR" >/dev/null; echo status $?; exec sleep 300'
    wait_until stands "$socket" "$2" || { tmux_screen "$socket"; return 1; }
    touch "$GO/on"
    wait_until shows "$socket" 'status 0'
    end=$(tmux_screen "$socket" | sed '/^took T, critical path/,/^status /{/^status /!d}') # of a build of more than a second
    tmux -S "$socket" kill-server
}

@test "in tmux, cell by cell, at 80 and at 200 columns" {
    export GO=$BATS_TEST_TMPDIR/go DIR LC_ALL=C.UTF-8
    local columns wide='=> [2/3] RUN : ünïcödé 漢字漢字' run cut said
    mkdir "$GO"
    dockerfile <<'DOCKER'
FROM busybox
RUN : ünïcödé 漢字漢字
RUN --mount=type=cache,id=go,target=/go for i in 1 2 3 4 5 6 7 8; do echo "line $i"; done; echo a line that is longer than eighty columns are wide, by a little, and a bit more; until [ -e /go/on ]; do sleep 0.02; done
DOCKER
    run="[3/3] $(tail -n 1 "$DIR/Dockerfile")"
    for columns in 80 200; do
        cut="${run:0:$((columns - 16))}..."
        said="a line that is longer than eighty columns are wide, by a little, and a bit more"
        [ "$columns" = 200 ] || said="${said:0:72}..."
        in_tmux "$columns" "[+] T (2/3)
$(row "$columns" '=> CACHED [1/3] FROM docker.io/library/busybox:latest')
$(row "$columns" "$wide" 31)
$(row "$columns" " > $cut")
    line 4
    line 5
    line 6
    line 7
    line 8
    $said"
        [ "$end" = "[+] T (4/4) FINISHED
$(row "$columns" '=> CACHED [1/3] FROM docker.io/library/busybox:latest')
$(row "$columns" "$wide" 31)
$(row "$columns" "=> $cut")
$(row "$columns" '=> exporting to image')
image sha256:ID
named img:latest
3 steps: 1 cached, 2 run
status 0" ] || { echo "$end"; false; }
    done
}
