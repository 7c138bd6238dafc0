#!/bin/sh
# Every command and option that the help of docker and buildx has is taken, or refused by name with what there is instead.
# tests/fixtures/docker-options has a line for each command: "attach --detach-keys= --no-stdin", "a/--all" with its letter, "=" where a
# value follows. Speaks TAP.
#   tests/lint/docker-options.sh CBUILD
cbuild=$(realpath "${1:-cbuild}")
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Options in $* that the help page on standard input does not list the same way: with the letter, with a value or without.
unlisted() {
    awk -v wanted="$*" '
        match($0, /^  (-.,|   ) --[a-z0-9-]+[= ]?[^ ]*/) {
            split(substr($0, 7), word, /[ =]/)
            has[word[1]] = substr($0, 7 + length(word[1]), 2) ~ /^[ =][^ ]/ ? "=" : ""
            letter[word[1]] = substr($0, 4, 1)
        }
        END {
            count = split(wanted, options, " ")
            for (i = 1; i <= count; i++) {
                name = options[i]
                sub(/^.\//, "", name)
                value = sub(/=$/, "", name) ? "=" : ""
                if (!(name in has) || has[name] != value || (options[i] ~ /^.\// && substr(options[i], 1, 1) != letter[name]))
                    print options[i]
            }
        }'
}

# What is said to $*, which asks for help in any case: known, or refused as what it is.
answers() {
    "$cbuild" "$@" --help >/dev/null 2>"$work/said" </dev/null && return
    grep -q -e 'is not here' -e 'invalid argument' "$work/said" && return
    echo "$*: $(head -n 1 "$work/said")"
}

missing() {
    while read -r words; do
        command=${words%% [-a-z]/--*}
        command=${command%% --*}
        options=${words#"$command"}
        # shellcheck disable=SC2086
        if "$cbuild" $command --help >"$work/help" 2>"$work/said" </dev/null; then
            for option in $(unlisted $options <"$work/help"); do
                name=${option#?/}
                answers $command "${name%=}=1"
                case $option in
                ?/*=) answers $command "-${option%%/*}" 1 ;;
                ?/*) answers $command "-${option%%/*}" ;;
                esac
            done
        else
            answers $command
        fi
    done
}

failed=0

# verdict NUMBER NAME STATUS [LINES]
verdict() {
    [ "$3" = 0 ] && echo "ok $1 - $2" && return
    failed=1
    echo "not ok $1 - $2"
    [ -z "$4" ] || printf '%s\n' "$4" | sed 's/^/# /'
}

echo 1..2
found=$(missing <tests/fixtures/docker-options)
[ -z "$found" ]
verdict 1 'what docker has is taken or refused by name' $? "$found"
[ "$(echo 'run --no-such= i/--interactive z/--no-letter' | missing | wc -l)" = 3 ]
verdict 2 'what is not known is found' $?
exit $failed
