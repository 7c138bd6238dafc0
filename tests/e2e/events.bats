#!/usr/bin/env bats
# What happened, told as docker tells it.
load helpers

setup_file() { cb_store; }
teardown_file() { cb_drop_store; }
setup() {
    cb_dir
    rm -rf "$STORE/journal"
    printf 'FROM busybox\nRUN echo events >/f\nLABEL team=web\n' >"$DIR/Dockerfile"
}

# type:action of everything that happened, on one line.
happened() { "$CBUILD" events --since 1h --until 0s --format '{{.Type}}:{{.Action}}' "$@" | tr '\n' ' '; }

@test "what is done to images and builds is told, in order" {
    build_ok -q
    "$CBUILD" tag img other:1
    "$CBUILD" rmi other:1
    "$CBUILD" save -o "$BATS_TEST_TMPDIR/a.tar" img
    "$CBUILD" load -qi "$BATS_TEST_TMPDIR/a.tar"
    "$CBUILD" rmi img
    "$CBUILD" prune -f
    [ "$(happened)" = 'builder:build image:tag image:tag image:untag image:save image:load image:untag image:delete builder:prune ' ]
    "$CBUILD" system events --since 1h --until 0s >"$BATS_TEST_TMPDIR/text"
    grep -qE '^[0-9-]{10}T[0-9:]{8}\.[0-9]{9}(Z|[+-][0-9:]{5}) image tag sha256:[0-9a-f]{64} \(name=other:1, team=web\)$' "$BATS_TEST_TMPDIR/text"
}

@test "what waits for events ends when nobody reads it any more" {
    "$CBUILD" tag busybox one:1
    run bash -c 'timeout 60 "$1" events --since 1h | head -n 1; exit "${PIPESTATUS[0]}"' - "$CBUILD"
    expect_status 0
    expect_contains 'image tag'
    "$CBUILD" rmi one:1
}

@test "a container's life is told, and its volumes'" {
    life=$("$CBUILD" run -d --name life --network none -l team=web -v data:/data busybox sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done')
    wait_until sh -c "'$CBUILD' logs life | grep -q ready" # and hears of signals
    "$CBUILD" pause life
    "$CBUILD" unpause life
    "$CBUILD" rename life again
    "$CBUILD" stop -t 60 again
    "$CBUILD" rm again
    "$CBUILD" volume rm data
    [ "$(happened)" = 'volume:create container:create network:connect volume:mount container:start container:pause container:unpause container:rename container:kill container:die network:disconnect volume:unmount container:stop container:destroy volume:destroy ' ]
    run "$CBUILD" events --since 1h --until 0s -f event=mount -f event=connect --format '{{.Actor.ID}} {{.Actor.Attributes.container}} {{json .Actor.Attributes}}'
    expect_contains "data $life " '"destination":"/data"' '"read/write":"true"' '"name":"none","type":"null"'
    [ "$(happened -f container=again -f event=die -f event=stop -f label=team=web)" = 'container:die container:stop ' ]
    run "$CBUILD" events --since 1h --until 0s -f event=die --format '{{.Actor.Attributes.exitCode}} {{.Actor.Attributes.image}}'
    expect_output '3 busybox'
}

@test "networks that are made, joined, left and removed are told" {
    local id
    id=$("$CBUILD" network create told)
    one=$("$CBUILD" create --network told busybox true)
    "$CBUILD" network connect bridge "$one"
    "$CBUILD" start -a "$one"
    "$CBUILD" run --name two --network host busybox true
    "$CBUILD" rm "$one" two
    "$CBUILD" network rm told
    run "$CBUILD" events --since 1h --until 0s -f network=told --format '{{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}} {{.Actor.Attributes.container}}'
    expect_output "create $id told <no value>
connect $id told $one
disconnect $id told $one
destroy $id told <no value>"
    run "$CBUILD" events --since 1h --until 0s -f network=bridge -f network=host --format '{{.Action}} {{.Actor.Attributes.type}}'
    expect_output $'connect bridge\ndisconnect bridge\nconnect host\ndisconnect host'
}

@test "what prune removes is told one by one, and then that it did" {
    "$CBUILD" network create gone >/dev/null
    "$CBUILD" volume create unused >/dev/null
    "$CBUILD" create --name ended --network none busybox true >/dev/null
    rm -rf "$STORE/journal"
    "$CBUILD" container prune -f
    "$CBUILD" network prune -f --filter label=none
    "$CBUILD" network prune -f
    "$CBUILD" volume prune -af
    [ "$(happened)" = 'container:destroy container:prune network:prune network:destroy network:prune volume:destroy volume:prune ' ]
    run "$CBUILD" events --since 1h --until 0s -f type=network --format '{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.reclaimed}}'
    expect_output $'prune <no value> 0\ndestroy gone <no value>\nprune <no value> 0'
}

@test "a container's health is told when it changes, and so is an update" {
    "$CBUILD" run -d --name watched --network none --health-cmd 'test ! -e /ill' --health-interval 100ms --health-retries 1 busybox sleep 1000 >/dev/null
    told() { [ "$("$CBUILD" events --since 1h --until 0s -f container=watched -f event=health_status -f event=update --format '{{.Action}}')" = "$1" ]; }
    wait_until told 'health_status: healthy'
    "$CBUILD" update --restart no watched >/dev/null
    "$CBUILD" exec watched touch /ill
    wait_until told $'health_status: healthy\nupdate\nhealth_status: unhealthy'
    "$CBUILD" kill -s WINCH watched
    "$CBUILD" rm -f watched
    run "$CBUILD" events --since 1h --until 0s -f container=watched -f event=kill -f event=die -f event=destroy --format '{{.Action}} {{.Actor.Attributes.signal}}'
    expect_output $'kill 28\nkill 9\ndie <no value>\ndestroy <no value>'
}

@test "what somebody does with a container is told: exec with its end, attach, top, cp, export, rename, commit" {
    "$CBUILD" run -d --name busy --network none busybox sleep 1000 >/dev/null
    rm -rf "$STORE/journal"
    run "$CBUILD" exec busy sh -c 'exit 3'
    expect_status 3
    "$CBUILD" top busy >/dev/null
    "$CBUILD" cp busy:/etc/passwd "$DIR/copied"
    "$CBUILD" cp "$DIR/copied" busy:/tmp/
    "$CBUILD" export -o "$DIR/exported" busy
    "$CBUILD" commit -p=false -m why busy made:1 >/dev/null
    "$CBUILD" rename busy idle
    told() { "$CBUILD" events --since 1h --until 0s --format "$@"; }
    ended() { [ "$(told '{{.Action}}' -f event=exec_die)" = exec_die ]; }
    wait_until ended
    run told '{{.Action}}' -f container=busy -f container=idle
    expect_contains $'exec_create: sh -c exit 3\nexec_start: sh -c exit 3\n' $'\ntop\narchive-path\nextract-to-dir\nexport\ncommit\nrename'
    [ "$(told '{{.Actor.Attributes.exitCode}} {{len .Actor.Attributes.execID}}' -f event=exec_die)" = '3 64' ]
    [ "$(told '{{.Actor.Attributes.oldName}}' -f event=rename)" = /busy ]
    [ "$(told '{{.Actor.Attributes.imageRef}} {{.Actor.Attributes.comment}}' -f event=commit)" = 'made:1 why' ]
    "$CBUILD" rm -f idle
    rm -rf "$STORE/journal"
    "$CBUILD" run --name seen --network none busybox true
    "$CBUILD" rm seen
    [ "$(happened)" = 'container:create container:attach network:connect container:start container:die network:disconnect container:destroy ' ]
}

@test "a build that failed is told as one, under the id that builds knows" {
    printf 'FROM busybox\nRUN exit 3\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    run "$CBUILD" events --since 1h --until 0s --format '{{.Actor.ID}} {{.Actor.Attributes.result}}'
    expect_output "$("$CBUILD" builds ls -q | head -1) failed"
}

@test "filters: alternatives of one key, all keys, all labels" {
    build_ok -q
    "$CBUILD" tag img other:1
    "$CBUILD" tag busybox plain:1
    "$CBUILD" rmi other:1
    [ "$(happened -f event=untag -f event=tag -f label=team=web)" = 'image:tag image:tag image:untag ' ]
    [ "$(happened -f event=untag -f type=builder)" = '' ]
    [ "$(happened -f image=other)" = 'image:tag image:untag ' ]
    [ "$(happened -f image=plain:1)" = 'image:tag ' ]
    [ "$(happened -f label=team -f label=none)" = '' ]
    [ "$(happened -f daemon=x)$(happened -f plugin=x)$(happened -f type=daemon)" = '' ]
    cbuild events -f nonsense=1
    expect_status 1
    expect_contains 'invalid filter `nonsense`' 'container, daemon, event, image'
    cbuild events --since yesterdayish
    expect_status 1
}

@test "json is docker's message; a template knows its fields" {
    "$CBUILD" tag busybox one:1
    run "$CBUILD" events --since 1h --until 0s --format json
    [ "$(jq -r '[.status, .Type, .Action, .Actor.Attributes.name, .scope] | join(" ")' <<<"$output")" = 'tag image tag one:1 local' ]
    [ "$(jq -r '.timeNano / 1000000000 | floor' <<<"$output")" = "$(jq -r .time <<<"$output")" ]
    cbuild events --since 1h --until 0s --format '{{.Nonsense}}'
    expect_status 64
    expect_contains '.Actor.ID'
}

@test "what comes is shown as it happens, until Ctrl-C; what was is not" {
    "$CBUILD" tag busybox before:1
    "$CBUILD" events -f event=tag --format '{{.Actor.Attributes.name}}' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    pid=$!
    # until it has opened the journal
    wait_until sh -c "ls -l /proc/$pid/fd | grep -q inotify"
    "$CBUILD" tag busybox after:1
    wait_until grep -q after:1 "$BATS_TEST_TMPDIR/out"
    kill -INT "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" -eq 130 ]
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = after:1 ]
}

@test "hostile names and labels move no cursor and make no second event" {
    printf 'FROM busybox\nLABEL evil="\033[2Jx\\nimage delete \342\200\256gnp"\n' >"$DIR/Dockerfile"
    build_ok -q
    run "$CBUILD" events --since 1h --until 0s -f event=tag
    [ "${#lines[@]}" -eq 1 ]
    expect_lacks $'\033'
    expect_lacks $'\342\200\256'
    run "$CBUILD" events --since 1h --until 0s -f event=tag --format json
    jq -e '.Actor.Attributes.evil | contains("\u001b[2J")' <<<"$output"
}

@test "events written at the same time are all there, each on its line" {
    pids=
    for i in 1 2 3 4 5 6 7 8; do
        "$CBUILD" tag busybox "n$i:1" 3>&- &
        pids="$pids $!"
    done
    wait $pids
    [ "$("$CBUILD" events --since 1h --until 0s --format '{{.Actor.Attributes.name}}' | sort | tr '\n' ' ')" = 'n1:1 n2:1 n3:1 n4:1 n5:1 n6:1 n7:1 n8:1 ' ]
}

@test "a journal that is no file, or cannot be written, stops nothing" {
    mkdir -p "$STORE/journal/events.jsonl"
    "$CBUILD" tag busybox still:1
    rm -rf "$STORE/journal"
    echo >"$STORE/journal"
    "$CBUILD" tag busybox still:2
    cbuild events --until 0s
    expect_status 1
    expect_contains 'journal'
    rm "$STORE/journal"
}

@test "what was told while the clock was ahead hides nothing that came later" {
    "$CBUILD" tag busybox ahead:1
    sed -i 's/"time":[0-9]*/"time":2330000000000000000/' "$STORE/journal/events.jsonl"
    "$CBUILD" tag busybox later:1
    run "$CBUILD" events --since 1h --until 0s --format '{{.Actor.Attributes.name}}'
    expect_output later:1
    run "$CBUILD" events --until "$(($(date +%s) + 1))" --since 1h --format '{{.Actor.Attributes.name}}'
    expect_output later:1
}
