#!/usr/bin/env bats
# What somebody used to docker types and expects.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() { cb_dir; }

# Runs cbuild on a terminal of its own.
shown() {
    run script -qec "$(printf '%q ' "$CBUILD" "$@")" /dev/null </dev/null
}

@test "what is not a command is answered with what may have been meant" {
    cbuild image nosuch
    expect_status 1
    expect_contains '`image nosuch` is not a cbuild command' 'ls, pull'
    cbuild "$DIR"
    expect_status 1
    expect_contains "cbuild build $DIR"
    for context in - https://git.invalid/app.git git@git.invalid:app.git; do
        cbuild "$context"
        expect_status 1
        expect_contains "hint: to build from there: \`cbuild build $context\`"
    done
    cbuild swarm init
    expect_status 1
    expect_contains '`swarm` is not here' 'starts containers on this machine'
}

@test "the exit status is docker's: 125 for a flag that is none or lacks a value, 1 for a wrong number of arguments" {
    for line in 'images --nosuch' 'build --nosuch .' 'ps -Z' 'build --build-arg' 'tag --no-trunc=x a b' 'run --nosuch busybox' \
        'images --quiet=maybe' 'build --jobs many .' '--config'; do
        # shellcheck disable=SC2086
        cbuild $line
        expect_status 125
    done
    for line in 'images a b' build 'tag a' 'rmi' 'image nosuch' nosuch run create; do
        # shellcheck disable=SC2086
        cbuild $line
        expect_status 1
    done
}

@test "the exit status of create is docker's: 125 for what its client refuses, 1 for what its daemon does" {
    for line in '-m foo' '--restart on-failure:x' '--ulimit foo' '-e =x' '-p x' '-p 1.2.3:80:80' '--expose x' '--mac-address x' \
        '--add-host x' '--dns x' '--security-opt foo' '--pid foo' '--userns foo' '--sysctl foo' '--shm-size x' '--health-interval x' \
        '--health-retries x' '--gpus foo' '--stop-timeout x' '-l =x' '--mount type=bind' '--device /dev/null:/x:q' \
        '--env-file /nosuch/file' '--label-file /nosuch/file' '--restart always --rm' '--device-cgroup-rule=x'; do
        # shellcheck disable=SC2086
        cbuild create $line busybox
        expect_status 125
    done
    for line in '--cpus 4096' '--restart foo' '--stop-signal FOO' '--cap-add FOO' '--log-driver foo' '--name -x' '-w rel' '-m 1k'; do
        # shellcheck disable=SC2086
        cbuild create $line busybox
        expect_status 1
    done
    [ -z "$("$CBUILD" ps -aq)" ]
    cbuild volume create --label =x labelled
    expect_status 125
    cbuild network create --label '' labelled
    expect_status 125
}

@test "an option whose value is empty is as one that is not there" {
    cbuild run --rm --network none --name '' --hostname= --ip '' --ip6 '' --mac-address= --log-driver '' --cidfile '' --pull= \
        --isolation '' --runtime= --volume-driver '' busybox hostname
    expect_status 0
    [ "${#output}" -eq 12 ] # of its id
    image_for_empty=$(printf 'FROM busybox\nSTOPSIGNAL SIGQUIT\nCMD ["true"]\n' | "$CBUILD" build -q -)
    cbuild create --name empty --stop-signal '' "$image_for_empty"
    expect_status 0
    cbuild inspect --type '' -f '{{.Config.StopSignal}}' empty
    expect_output SIGQUIT
    cbuild logs --since '' --until= empty
    expect_status 0
    cbuild ps -a --filter '' --format '{{.Names}}'
    expect_output empty
    "$CBUILD" rm empty
}

@test "who stops reading an archive is not told of it" {
    "$CBUILD" create --name unread busybox true
    for line in 'save busybox' 'export unread' 'cp unread:/bin -'; do
        # shellcheck disable=SC2086
        { status=0; "$CBUILD" $line 2>"$DIR/told" || status=$?; echo "$status" >"$DIR/status"; } | true
        [ "$(cat "$DIR/status")" -eq 141 ]
        [ ! -s "$DIR/told" ]
    done
    "$CBUILD" rm unread
}

@test "docker's options that are not here say how it is done instead" {
    cbuild build --resource memory=1g "$DIR"
    expect_status 1
    expect_contains "docker's --resource is not here" '--memory, --cpu-quota'
    cbuild build --policy=x "$DIR"
    expect_status 1
    expect_contains "docker's --policy is not here" '--offline'
    cbuild load x.tar
    expect_status 1
    expect_contains 'cbuild load -i x.tar'
    cbuild run --net none busybox echo ok
    expect_output ok
}

@test "options of buildah and kaniko are answered with what does the same" {
    for pair in '--squash-all --squash' '--ignore-path=/x .dockerignore' '--cpp-flag=-D preprocessor' \
        '--retry-delay=2s leave@the@option@out' '--stdin COPY@a@file' '--registry-certificate=h=c --cert-dir'; do
        cbuild build "${pair% *}" "$DIR"
        expect_status 125
        expect_contains 'of another tool is not here' "$(tr @ ' ' <<<"${pair#* }")"
    done
    printf 'FROM busybox\n' >"$DIR/Dockerfile"
    cbuild build -q --layers --tls-verify=false --insecure-registry 127.0.0.1:1 "$DIR"
    expect_status 0
}

@test "docker's options before the command are taken, or say that there is no daemon" {
    mkdir "$DIR/config"
    echo '{"auths": {"registry.invalid": {"auth": "bWU6c2VjcmV0"}}}' >"$DIR/config/config.json"
    cbuild --config "$DIR/config" -l warn logout registry.invalid
    expect_status 0
    expect_contains 'Removing login credentials for registry.invalid'
    not grep -q registry.invalid "$DIR/config/config.json"
    cbuild --log-level debug --context default version --short
    expect_status 0
    for option in '--context far' '-H tcp://far:2375' '--host=ssh://far' --tlsverify '--tlscacert ca.pem'; do
        # shellcheck disable=SC2086
        cbuild $option images
        expect_status 1
        expect_contains 'there is no daemon to talk to' 'on this machine: leave the option out'
    done
    for context in dir:///workspace git://git.invalid/app; do
        cbuild --context "$context" --dockerfile Dockerfile
        expect_status 1
        expect_contains "kaniko's options are those of" "\`cbuild build --context $context\`"
        expect_lacks 'there is no daemon'
    done
    cbuild --log-level loud images
    expect_status 1
    expect_contains 'unable to parse logging level: loud'
}

@test "an address of another machine in the environment is told of, and not asked" {
    for address in ssh://me@far tcp://far:2375; do
        DOCKER_HOST=$address cbuild images
        expect_status 0
        expect_contains "warning: \$DOCKER_HOST is $address: it is not asked, all is done on this machine"
    done
    [ "$(DOCKER_HOST=tcp://far:2375 "$CBUILD" images -q 2>"$DIR/said" | wc -l)" -gt 0 ]
    [ "$(wc -l <"$DIR/said")" = 1 ]
    DOCKER_HOST= DOCKER_CONTEXT=far cbuild images -q
    expect_contains '$DOCKER_CONTEXT is far'
    DOCKER_HOST=unix:///run/docker.sock DOCKER_CONTEXT=default cbuild images
    expect_lacks warning
    DOCKER_HOST=tcp://far:2375 cbuild __complete image l
    expect_lacks warning
}

@test "docker's context is this machine" {
    cbuild context show
    expect_output default
    cbuild context use default
    expect_output "default"$'\n''Current context is now "default"'
    cbuild context use far
    expect_status 1
    expect_contains 'context "far" not found' 'start it where it is to work'
    [ "$("$CBUILD" context inspect | jq -r '.[0].Name, .[0].Endpoints.docker.SkipTLSVerify' | tr '\n' ' ')" = 'default false ' ]
    cbuild context inspect -f '{{.Name}}' default
    expect_output default
    cbuild context ls -q
    expect_output default
    cbuild context ls --format '{{.Name}} {{.Current}}'
    expect_output 'default true'
    cbuild context create far --docker host=ssh://far
    expect_status 1
    expect_contains '`context create` is not here' 'there is one context'
}

@test "what is of a swarm, of a daemon or a plugin is refused by name; a group alone lists its commands" {
    for line in 'swarm init' 'service ls' 'stack deploy' 'trust sign x' 'compose up' 'buildx bake' bake 'scan x' 'system dial-stdio' 'volume update v'; do
        # shellcheck disable=SC2086
        cbuild $line
        expect_status 1
        expect_contains 'is not here' 'hint: '
    done
    cbuild image
    expect_status 0
    expect_contains 'Usage: cbuild image COMMAND' 'List images'
}

@test "docker's options that ask for what is done anyway are taken" {
    printf 'FROM busybox\nRUN touch /file\n' >"$DIR/Dockerfile"
    build_ok --provenance=false --sbom false --attest type=provenance,disabled=true --rm --force-rm=false --compress \
        --isolation=default --builder default --squash=false --disable-content-trust --file= --iidfile= --metadata-file ''
    expect_lacks warning
}

@test "what pipelines do with builders of buildx is taken: there is one, whatever it is called" {
    cbuild buildx create --use --name ci --driver docker-container --driver-opt network=host --bootstrap
    expect_output ci
    cbuild buildx inspect --bootstrap ci
    expect_contains 'Name:   ci' 'Status:    running' 'Platforms: linux/amd64'
    cbuild buildx use ci
    expect_output ''
    cbuild buildx ls
    expect_contains 'default*' ' \_ default'
    cbuild buildx ls --format '{{.Name}} {{.Status}}'
    expect_output $'default \ndefault running'
    cbuild buildx --builder ci ls --format '{{.Platforms}}'
    expect_contains linux/amd64
    printf 'FROM scratch\nLABEL a=b\n' >"$DIR/Dockerfile"
    cbuild buildx build --builder ci -q "$DIR"
    expect_status 0
    cbuild buildx du --builder ci
    expect_status 0
    cbuild buildx prune --builder ci -f
    expect_status 0
    cbuild buildx version
    expect_contains $'Client: cbuild\n Version:  ' $'\nServer: ' $'\n Engine:\n  Version:  '
    cbuild buildx rm -f ci
    expect_output 'ci removed'
    cbuild buildx create --driver remote tcp://198.51.100.1:1234
    expect_status 1
    expect_contains "docker's --driver is not here" 'cbuild builds where it runs'
}

@test "a wrong way to show progress names where it was asked for" {
    printf 'FROM busybox\n' >"$DIR/Dockerfile"
    cbuild build -q --progress fancy "$DIR"
    expect_status 1
    expect_contains 'invalid argument "fancy" for "--progress"'
    BUILDKIT_PROGRESS=fancy cbuild build "$DIR"
    expect_status 1
    expect_contains 'invalid value "fancy" of $BUILDKIT_PROGRESS'
    BUILDKIT_PROGRESS=fancy cbuild build --progress plain "$DIR"
    expect_status 0
}

@test "the id is told once where both streams are a terminal, and is the result elsewhere" {
    printf 'FROM busybox\n' >"$DIR/Dockerfile"
    id=$("$CBUILD" build "$DIR" 2>/dev/null)
    [[ $id == sha256:* ]]
    for mode in plain tty; do
        shown build --progress "$mode" "$DIR"
        [ "$(grep -c "$id" <<<"$output")" -eq 1 ]
    done
    shown build -q "$DIR"
    expect_contains "$id"
}

@test "plain progress tells the image as BuildKit does" {
    printf 'FROM busybox\n' >"$DIR/Dockerfile"
    id=$("$CBUILD" build --progress plain -t one -t two:2 "$DIR" 2>"$DIR/said")
    step=$(sed -n 's/^\(#[0-9]*\) exporting to image$/\1/p' "$DIR/said")
    [ "$(grep "^$step " "$DIR/said" | sed 's/ [0-9.]*s$/ T/')" = "$step exporting to image
$step exporting layers done
$step writing image $id done
$step naming to docker.io/library/one:latest done
$step naming to docker.io/library/two:2 done
$step DONE T" ]
    "$CBUILD" build --progress plain -o type=local,dest="$DIR/out" "$DIR" 2>"$DIR/said"
    not grep -q 'exporting to image' "$DIR/said"
}

@test "a host without an address is refused before anything is done" {
    printf 'FROM nosuch.invalid/image\nRUN true\n' >"$DIR/Dockerfile"
    for value in nonsense a: a:b a:300.1.1.1 'a b:127.0.0.1'; do
        cbuild build --add-host "$value" "$DIR"
        expect_status 125
        expect_contains "invalid argument \"$value\" for \"--add-host\""
        expect_lacks Dockerfile:
    done
}

@test "a failed step on a terminal shows all it said" {
    dockerfile <<'END'
FROM busybox
RUN for i in $(seq 100); do echo "line-$i"; done; false
END
    shown build --network none "$DIR"
    expect_status 1
    [ "$(printf '%s\n' "$output" | tr -d '\r' | grep -cx 'line-[0-9]*')" -eq 100 ]
}

@test "build -q prints the id alone, and what a failed step said" {
    printf 'FROM busybox\nRUN echo fine\n' >"$DIR/Dockerfile"
    cbuild build -q --network none "$DIR"
    expect_status 0
    [[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
    printf 'FROM busybox\nRUN echo why; echo because; exit 5\n' >"$DIR/Dockerfile"
    cbuild build -q --network none "$DIR"
    expect_status 1
    expect_contains "$(printf '\nwhy\nbecause\n------\n')" 'exit code: 5'
}

@test "plain progress: a step that is left before its end is gone on with, and one that failed is shown again" {
    dockerfile <<'END'
FROM busybox AS one
RUN true
FROM one AS two
RUN --mount=type=cache,target=/m,id=turns for i in $(seq 12); do echo line $i; done; until [ -e /m/two ]; do sleep 0.02; done; echo the end; exit 5
FROM one AS three
RUN --mount=type=cache,target=/m,id=turns until [ -e /m/three ]; do sleep 0.02; done; echo between; sleep 1000
FROM busybox
COPY --from=two /x /
COPY --from=three /x /
END
    # each goes on when what came before it is told
    in_turns() {
        local turns=$BATS_TEST_TMPDIR/turns
        rm -rf "$turns" "$turns.out"
        mkdir "$turns"
        "$CBUILD" build --progress=plain --network none --no-cache --cache-mount "turns=$turns" "$DIR" >"$turns.out" 2>&1 3>&- &
        local pid=$!
        wait_until grep -q ' line 12$' "$turns.out"
        touch "$turns/three"
        wait_until grep -q ' between$' "$turns.out"
        touch "$turns/two"
        status=0
        wait "$pid" || status=$?
        output=$(cat "$turns.out")
    }
    in_turns
    expect_status 1
    # each block ends with the end of its step, or says that there is more
    run awk -v RS= -F'\n' '$1 ~ /^#/ {last = $NF; for (i = 1; i <= NF; i++) if ($i == "------") {last = $(i - 1); break}
        if (last !~ /^#[0-9]+ (\.\.\.|DONE.*|CACHED|CANCELED|ERROR: .*)$/) print last}' <<<"$output"
    expect_output ''
    in_turns
    expect_contains $'line 12\n#' $' ...\n\n#' "$(printf -- '------\n > [two 1/1] RUN')"
    # the last ten lines
    expect_contains $'exit 5:\nline 4\nline 5\n' $'\nline 12\nthe end\n------\n'
}

@test "what a carriage return overwrote is not shown, what is left of it is" {
    dockerfile <<'END'
FROM busybox
RUN printf 'at 5%%\rat 10%%\rat 100%%\n'; printf 'longer\rx\n'; printf 'crlf\r\n'
END
    build_ok --network none
    expect_contains ' at 100%'
    expect_lacks 'at 10%\x0d'
    expect_contains ' longer\x0dx'
    expect_lacks 'crlf\x0d'
}

@test "colours of a step reach a terminal and nothing else does, and no file" {
    dockerfile <<'END'
FROM busybox
RUN printf '\033[1;31mred\033[0m \033[38:5:9mcolon\n\033[2Jno \033]0;title\007 \033[31 \033[31Km\n'; exit 1
END
    shown build --progress=plain --network none "$DIR"
    expect_contains $'\033[1;31mred\033[0m \033[38:5:9mcolon\033[0m' '\x1b[2Jno \x1b]0;title\x07 \x1b[31 \x1b[31Km'
    shown build --progress=tty --network none "$DIR"
    expect_contains $'\033[1;31mred\033[0m \033[38:5:9mcolon\033[0m' '\x1b[2Jno \x1b]0;title\x07'
    shown builds logs
    expect_contains $'\033[1;31mred\033[0m'
    NO_COLOR=1 shown build --progress=plain --network none "$DIR"
    expect_contains ' red colon'
    cbuild build --progress=plain --network none "$DIR"
    expect_contains ' red colon' '\x1b[2Jno \x1b]0;title\x07 \x1b[31 \x1b[31Km'
    expect_lacks $'\033'
}

@test "a build that changes only the configuration has its base's time" {
    printf 'FROM busybox\nENV A=b\n' >"$DIR/Dockerfile"
    build_ok
    created=$("$CBUILD" inspect img | jq -r '.[0].Created')
    [ "$created" = "$("$CBUILD" inspect busybox | jq -r '.[0].Created')" ]
    cbuild history img
    expect_status 0
    expect_lacks N/A
}

@test "image prune removes images without a name and nothing else" {
    printf 'FROM busybox\nRUN echo 1 > /one\n' >"$DIR/Dockerfile"
    old=$("$CBUILD" build -q --network none -t img "$DIR")
    printf 'FROM busybox\nRUN echo 2 > /one\n' >"$DIR/Dockerfile"
    new=$("$CBUILD" build -q --network none -t img "$DIR")
    cbuild image prune -f
    expect_status 0
    expect_contains "Deleted Images:" "deleted: $old" 'Total reclaimed space:'
    expect_lacks "$new"
    # what is said to be left is what goes
    kept=$(sed -n 's/^hint: the build cache keeps \(.*\) that no image has; `cbuild builder prune` frees it$/\1/p' <<<"$output")
    [ -n "$kept" ]
    cbuild builder prune -f
    expect_contains "Total reclaimed space: $kept"
    cbuild image prune -f
    expect_output 'Total reclaimed space: 0B'
    in_image cat /one
    expect_output 2
    cbuild inspect "$old"
    expect_status 1
}

@test "prune empties cache mounts, but not those used within the time that is named" {
    dockerfile <<'END'
FROM busybox
RUN --mount=type=cache,target=/c,id=usage echo x >> /c/log && wc -l < /c/log > /lines
END
    build_ok --network none
    "$CBUILD" prune -f --filter until=1h >/dev/null
    build_ok --network none --no-cache
    in_image cat /lines
    expect_output 2
    "$CBUILD" prune -f --filter type=exec.cachemount >/dev/null
    cbuild df
    [[ $output =~ 'Cache Mounts'\ +0\ +0\ +0B ]]
    build_ok --network none --no-cache
    in_image cat /lines
    expect_output 1
}

@test "the third interrupt ends a container that ignores them" {
    "$CBUILD" run --rm --network none busybox sh -c 'trap "" INT TERM; echo ready; while :; do sleep 0.1; done' >"$BATS_TEST_TMPDIR/log" 2>&1 &
    pid=$!
    wait_until grep -q ready "$BATS_TEST_TMPDIR/log"
    kill -TERM "$pid"
    kill -INT "$pid"
    wait_until grep -q 'once more kills it' "$BATS_TEST_TMPDIR/log"
    kill -TERM "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 137 ]
}

@test "a container has the directories of the image's volumes" {
    printf 'FROM busybox\nVOLUME /data /more/here\n' >"$DIR/Dockerfile"
    build_ok
    in_image sh -c 'touch /data/x /more/here/y && echo made'
    expect_output made
}

@test "-v takes paths relative to here, and SELinux's letters" {
    mkdir "$DIR/v"
    echo host >"$DIR/v/file"
    cd "$DIR"
    cbuild run --rm --network none -v ./v:/v:z,ro busybox cat /v/file
    expect_output host
    cbuild run --rm --network none -v vol:/v busybox ls /v
    expect_status 0
    expect_output ""
}

@test "a store below the context is no part of it, whatever the ignore file says" {
    local store=$DIR/sub/store
    mkdir "$DIR/sub"
    "$CBUILD" --root "$store" import "$CB_BASES/busybox.tar" busybox >/dev/null
    printf 'FROM busybox\nCOPY . /all\nCOPY --from=named . /named\nRUN ls -R /all /named\n' >"$DIR/Dockerfile"
    printf '*\n!sub/store\n!Dockerfile\n' >"$DIR/.dockerignore"
    for syntax in docker git; do
        cbuild --root "$store" build --no-cache --progress=plain --network none --ignore-syntax $syntax --build-context named="$DIR/sub" "$DIR"
        expect_status 0
        expect_lacks index.db
        expect_contains Dockerfile
    done
    # the store has changed, and the steps are those of before
    cbuild --root "$store" build --progress=plain --network none --ignore-syntax git --build-context named="$DIR/sub" "$DIR"
    [ "$(steps_run)" -eq 0 ]

    rm "$DIR/.dockerignore"
    cbuild --root "$store" context ls --ignored "$DIR"
    expect_contains "sub/store/  cbuild's store"
    cbuild --root "$store" context ls --ignored --format json "$DIR"
    [ "$(jq -r '.entries[] | "\(.path) \(.rule.line)"' <<<"$output")" = 'sub/store 0' ]
    printf 'FROM busybox\nCOPY sub/store /s\n' >"$DIR/Dockerfile"
    cbuild --root "$store" build "$DIR"
    expect_status 1
    expect_contains "it is cbuild's store, which is never sent"
}

@test "nothing is removed when nobody says yes" {
    printf 'FROM busybox\nRUN --mount=type=cache,id=asked,target=/c touch /c/x\n' >"$DIR/Dockerfile"
    build_ok --network none
    "$CBUILD" rmi -f img >/dev/null
    for command in prune 'image prune' 'cache prune'; do
        run "$CBUILD" $command </dev/null
        expect_status 0
        expect_contains 'WARNING! This will remove' 'Nothing is removed: nobody answered (-f does not ask)'
        expect_lacks 'Total reclaimed space'
        run "$CBUILD" $command <<<n
        expect_status 0
        expect_lacks 'Total reclaimed space'
    done
    "$CBUILD" cache ls | grep -q asked
    run "$CBUILD" cache prune <<<y
    expect_contains 'Total reclaimed space'
    run "$CBUILD" cache ls
    expect_status 0
    expect_lacks asked
}

@test "what images have too is forgotten by prune -a, not listed as removed" {
    printf 'FROM busybox\nRUN echo shared > /shared\n' >"$DIR/Dockerfile"
    build_ok --network none
    "$CBUILD" cache prune -f >/dev/null
    cbuild prune -af
    expect_contains 'Forgotten: ' ' whose layers images have too' 'Total reclaimed space: '
    expect_lacks '*  '
}

@test "df, du and prune agree on what is cache and how much of it can go" {
    printf 'FROM busybox\nRUN head -c 1000000 /dev/urandom > /made\n' >"$DIR/Dockerfile"
    "$CBUILD" prune -af >/dev/null
    build_ok --network none
    "$CBUILD" rmi -f img >/dev/null
    "$CBUILD" image prune -f >/dev/null
    free=$("$CBUILD" du | sed -n 's/^Reclaimable: *//p')
    [ "$("$CBUILD" df | sed -n 's/^Build Cache .* //p')" = "$free" ]
    cbuild du --format json
    expect_status 0
    expect_lacks build.log
    id=$("$CBUILD" builds ls -q | head -1)
    [ "$("$CBUILD" du --filter type=build.log --format json | jq -r 'select(.ID == "'"$id"'").ID')" = "$id" ]
    id=$("$CBUILD" du | awk '$2 == "true" { print $1; exit }')
    run "$CBUILD" prune -f --filter "id=$id"
    expect_contains "$id"
    run "$CBUILD" prune -f
    [ "$("$CBUILD" du --filter private --format json)" = '' ]
    [ "$("$CBUILD" df | sed -n 's/^Build Logs *\([0-9]*\) .*/\1/p')" -gt 0 ]
}

@test "a word that others follow lists them with --help" {
    cbuild cache --help
    expect_status 0
    expect_contains 'Usage: cbuild cache COMMAND' '  export     Write a cache mount' '  prune '
    cbuild image -h
    expect_contains '  prune      Remove images without a name, or all that no container uses'
    expect_lacks '  list '
    cbuild help system
    expect_contains '  df ' '  fsck '
    cbuild builds --help
    expect_contains 'Options:' '  logs       Print all'
    cbuild --help
    expect_contains '  builds logs  ' '  cache import ' '  image prune  '
}

@test "images takes patterns" {
    "$CBUILD" tag busybox example.org/team/box:1
    cbuild images -q 'busy*'
    [ "$(printf '%s\n' "$output" | wc -l)" -eq 1 ]
    cbuild images '*/team/*:1'
    expect_contains example.org/team/box
    expect_lacks busybox
    cbuild images 'nosuch*'
    expect_status 0
    expect_lacks busybox
}

@test "what the command line gives and nothing takes is said" {
    printf 'FROM busybox AS base\nARG VERSION\nENV V=$VERSION\n' >"$DIR/Dockerfile"
    build_ok --build-arg VERSOIN=1 --no-cache-filter bsae
    expect_contains 'warning: build argument `VERSOIN` is declared by no ARG (did you mean `VERSION`?)'
    expect_contains 'warning: --no-cache-filter `bsae` is the name of no stage (did you mean `base`?)'
    build_ok --no-cache-filter other --cache-mount "x=$DIR/x"
    expect_contains 'warning: --no-cache-filter `other` is the name of no stage (stages: `base`)' \
        'warning: --cache-mount `x` is the id of no cache mount (there is none)'
    printf 'FROM busybox AS base\nARG VERSION\nRUN --mount=type=cache,id=packages,target=/c true\n' >"$DIR/Dockerfile"
    build_ok --cache-mount "packags=$BATS_TEST_TMPDIR/c"
    expect_contains 'warning: --cache-mount `packags` is the id of no cache mount (did you mean `packages`?)'
    build_ok --cache-mount "packages=$BATS_TEST_TMPDIR/c"
    expect_lacks warning
    build_ok --build-arg BUILD_ID=1 --build-arg TARGET=2
    expect_contains 'build argument `BUILD_ID` is declared by no ARG' 'build argument `TARGET` is declared by no ARG'
    build_ok --build-arg VERSION=1 --build-arg HTTP_PROXY=http://192.0.2.1 --build-arg all_proxy=http://192.0.2.1 \
        --build-arg TARGETARCH=arm --build-arg BUILDOSVERSION=1 --build-arg BUILDKIT_MULTI_PLATFORM=0 \
        --no-cache-filter BASE,base
    expect_lacks warning
}

@test "df's lines together are what the store takes: loaded archives and the index, too" {
    local root=$BATS_TEST_TMPDIR/other
    head -c 3000000 /dev/urandom >"$DIR/big"
    printf 'FROM busybox\nCOPY big /\n' >"$DIR/Dockerfile"
    build_ok
    "$CBUILD" save img | "$CBUILD" --root "$root" load -q
    "$CBUILD" --root "$root" run --name box --network none img sh -c 'head -c 200000 /dev/urandom > /written'
    cbuild --root "$root" df --format '{{.Type}}: {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}'
    [[ $output =~ 'Blobs: '2\ 2\ [0-9.]*kB\ 0B ]] # layers that came plain are none
    [[ $output =~ 'Index and Other: 1 1 ' ]]
    said=$("$CBUILD" --root "$root" df --format '{{.Size}}' | sed 's/kB/K/; s/B//' | numfmt --from=si | awk '{ sum += $1 } END { print sum }')
    used=$(du -s -B1 "$root" | cut -f1)
    [ $((said * 100 / used)) -ge 90 ]
    [ $((said * 100 / used)) -le 110 ]
    "$CBUILD" --root "$root" rm box
}
