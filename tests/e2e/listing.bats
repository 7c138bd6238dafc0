# images, image prune, inspect and history: filters, formats and templates.

load helpers

setup_file() {
    cb_store
    cd "$BATS_FILE_TMPDIR"
    local n
    for n in 1 2 3; do
        printf 'FROM scratch\nLABEL n=%s both=yes\nENV N=%s\nEXPOSE 80\nCMD ["x"]\n' $n $n | SOURCE_DATE_EPOCH=$((1700000000 + n)) "$CBUILD" build -q -t "team/app:$n" - >/dev/null
    done
    "$CBUILD" tag team/app:3 localhost:5000/team/app:3
    printf 'FROM scratch\nLABEL n=4\n' | SOURCE_DATE_EPOCH=1700000004 "$CBUILD" build -q - >/dev/null
    "$CBUILD" tag team/app:1 gone
}

teardown_file() {
    cb_drop_store
}

names() {
    cbuild images --format '{{.Repository}}:{{.Tag}}' "$@"
    expect_status 0
}

@test "the default table is docker's" {
    cbuild images team/app
    [ "${lines[0]}" = "REPOSITORY   TAG       IMAGE ID       CREATED       SIZE" ]
    [[ ${lines[1]} =~ ^team/app\ \ \ \ \ 3\ {9}[0-9a-f]{12}\ \ \ [0-9]+\ years\ ago\ \ \ 0B$ ]]
    [ "${#lines[@]}" -eq 4 ]
}

@test "filters: labels, times, patterns, and names that are missing" {
    names --filter label=n=2
    expect_output team/app:2
    names --filter label=both --filter label!=n=2 --filter reference='team/*'
    expect_output "team/app:3
team/app:1"
    names --filter before=team/app:3 --filter since=team/app:1
    expect_output team/app:2
    names --filter until=1700000002 --filter reference='team/app'
    expect_output team/app:1
    names -f reference='*:latest'
    expect_output "busybox:latest
gone:latest"
    names -f reference='team/app:[12]' -f reference='localhost:5000/team/*'
    expect_output "localhost:5000/team/app:3
team/app:2
team/app:1"
    names -f dangling=true
    expect_output "<none>:<none>"
    names -f dangling=false -f label=n
    expect_lacks "<none>"
    cbuild images -q -f dangling=true --no-trunc
    [[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
}

@test "filters that are none" {
    cbuild images -f colour=red
    expect_status 1
    expect_contains 'invalid filter `colour`' 'the filters are dangling, label, label!, before, since, until, reference'
    cbuild images -f dangling
    expect_contains 'bad format of filter (expected name=value)'
    cbuild images -f dangling=maybe
    expect_contains 'expected true or false'
    cbuild images -f before=nothing
    expect_status 1
    expect_contains 'No such image: nothing'
    cbuild images -f until=yesterday
    expect_contains '`yesterday` is not a moment'
}

@test "formats: raw, a table without a blank, -q with each, and a verb in the place of a name" {
    cbuild images --format raw team/app:2
    [[ $output =~ ^repository:\ team/app$'\n'tag:\ 2$'\n'image_id:\ [0-9a-f]{12}$'\n'created_at:\ 2023-.*$'\n'virtual_size:\ 0B$ ]]
    cbuild images --format 'table{{.Tag}}' team/app:2
    expect_output $'TAG\n2'
    cbuild images -q --format raw team/app:2
    [[ $output =~ ^image_id:\ [0-9a-f]{12}$ ]]
    cbuild images -q --format table team/app:2
    [[ $output =~ ^[0-9a-f]{12}$ ]]
    cbuild network ls --format raw -f name=host
    [[ $output =~ ^network_id:\ [0-9a-f]{12}$'\n'name:\ host$'\n'driver:\ host$'\n'scope:\ local$ ]]
    cbuild network ls -q --format '{{.Name}}' -f name=host
    expect_output host
    "$CBUILD" volume create listed
    cbuild volume ls --format raw -f name=listed
    expect_output $'name: listed\ndriver: local'
    "$CBUILD" volume rm listed
    cbuild images ls
    expect_contains 'No images found matching "ls": did you mean `cbuild image ls`?'
}

@test "formats: a table of fields, JSON, templates with functions" {
    cbuild images --format 'table {{.Tag}}\t{{.Repository}}' -f label=n=2
    [ "$output" = "TAG       REPOSITORY
2         team/app" ]
    cbuild images --format json -f label=n=2
    [ "$(jq -r '.Repository + " " + .Tag + " " + .Size + " " + .Containers' <<<"$output")" = "team/app 2 0B N/A" ]
    [ "$(jq -c 'keys_unsorted' <<<"$output")" = '["Containers","CreatedAt","CreatedSince","Digest","ID","Repository","SharedSize","Size","Tag","UniqueSize","VirtualSize"]' ]
    cbuild images --format '{{.Repository | upper}} {{if eq .Tag "2"}}two{{else}}other{{end}} {{.CreatedAt}}' -f label=n=2
    [[ $output =~ ^TEAM/APP\ two\ 2023-11-1[45]\  ]]
    TZ=UTC cbuild images --format '{{.CreatedAt}}' -f label=n=2
    expect_output "2023-11-14 22:13:22 +0000 UTC"
    cbuild images --format '{{.Nope}}'
    expect_status 1
    expect_contains "template parsing error: template: :1:2: executing" "can't evaluate field Nope" "the fields are .Containers .CreatedAt"
    cbuild images --format '{{.Tag'
    expect_status 1
    expect_contains "template parsing error: template: :1: unclosed action"
}

@test "inspect -f" {
    cbuild inspect -f '{{.Os}}/{{.Architecture}} {{join .Config.Env ","}} {{json .Config.Cmd}}' team/app:2
    expect_status 0
    expect_contains '["x"]' 'N=2'
    cbuild inspect -f '{{index .Config.Labels "n"}}{{range $p, $c := .Config.ExposedPorts}} {{$p}}{{end}}|{{.Config.Volumes}}|{{index .Config.Labels "no"}}|' team/app:2
    expect_output '2 80/tcp|map[]||'
    cbuild inspect --format '{{.ID}}' team/app:1 gone
    [ "${lines[0]}" = "${lines[1]}" ]
    cbuild inspect --format '{{.Config.Nope}}' team/app:1
    expect_status 1
    expect_contains 'executing "" at <.Config.Nope>'
    cbuild inspect --format json team/app:1
    [ "${#lines[@]}" -eq 1 ]
    jq -e '.[0].RepoTags | length == 2' <<<"$output"
    run bash -c '"$CBUILD" inspect nothing 2>/dev/null'
    expect_status 1
    expect_output '[]'
    cbuild inspect --type thing x
    expect_status 1
    expect_contains '"thing" is not a valid value for --type'
}

@test "inspect -f: a template that is none is 64, one that fails leaves an empty line" {
    run bash -c '"$CBUILD" inspect -f "{{.Os" team/app:1 2>/dev/null'
    expect_status 64
    expect_output ''
    cbuild inspect -f '{{if}}x{{end}}' absent
    expect_status 64
    expect_contains 'template parsing error: template: :1: missing value for if'
    run bash -c '"$CBUILD" inspect -f "a{{.Config.Nope.X}}" team/app:1 2>/dev/null; echo "$?."'
    expect_output $'\n1.'
    cbuild inspect -f '{{.Config.Nope.X}}' team/app:1
    expect_contains 'template parsing error: template: :1:9: executing "" at <.Config.Nope.X>: map has no entry for key "Nope"'
    run bash -c '"$CBUILD" inspect -f "{{.Os}}" absent 2>/dev/null'
    expect_status 1
    expect_output ''
    # Escapes are the template's: text is text.
    cbuild inspect -f '{{range .Config.Env}}{{.}}{{"\n"}}{{end}}{{`\t`}}\t' team/app:2
    expect_status 0
    expect_contains $'N=2\n\\t\\t'
}

@test "inspect -f: structs are printed as docker's, with what is empty" {
    "$CBUILD" create --name web -v /srv:/www --health-cmd true --health-interval 3s team/app:2
    cbuild inspect -f '{{.Config.Healthcheck}} {{.Mounts}} {{.Config.ExposedPorts}} {{eq .State.ExitCode "0"}}' web
    expect_output '{[CMD-SHELL true] 3s 0s 0s 0} [{bind  /srv /www   true rprivate}] map[80/tcp:{}] true'
    cbuild inspect -f '{{.State}}' web
    expect_output '{created false false false false false 0 0  0001-01-01T00:00:00Z 0001-01-01T00:00:00Z <nil>}'
    "$CBUILD" rm web
}

@test "inspect shows what was typed, in docker's order" {
    "$CBUILD" create --name other team/app:2
    cbuild create --name web -m 64m -v named:/n:ro -v /srv:/www -v /anonymous --mount type=tmpfs,dst=/t --volumes-from other:ro team/app:2
    expect_status 0
    cbuild inspect -f '{{.HostConfig.Binds}} {{.HostConfig.VolumesFrom}} {{json .HostConfig.Mounts}} {{.HostConfig.MemorySwap}} {{json .HostConfig.BlkioDeviceReadBps}} {{json .HostConfig.Ulimits}} {{.Config.AttachStdout}}' web
    expect_output '[named:/n:ro /srv:/www] [other:ro] [{"Type":"tmpfs","Target":"/t"}] 134217728 null null true'
    "$CBUILD" inspect web | jq -e '.[0].HostConfig | keys_unsorted[0:6] == ["Binds", "ContainerIDFile", "LogConfig", "NetworkMode", "PortBindings", "RestartPolicy"]'
    "$CBUILD" inspect web | jq -e '.[0].NetworkSettings | .Ports == {} and .HairpinMode == false and .SandboxKey == ""'
    "$CBUILD" rm -v web other
    "$CBUILD" volume rm named
}

@test "inspect -f: fields that are empty are no mistakes" {
    cbuild inspect -f '{{if .Config.Healthcheck}}yes{{else}}no{{end}} {{.Config.Shell}} {{json .Config.Volumes}} <{{.Variant}}>' team/app:2
    expect_output 'no [] null <>'
    cbuild create --name web -v /srv:/www team/app:2
    expect_status 0
    cbuild inspect -f '{{with .State.Health}}{{.Status}}{{else}}none{{end}} {{range .Mounts}}{{.Name}}{{.Destination}}{{end}} {{.HostConfig.CapAdd}} {{.Config.StopTimeout}}' web
    expect_output 'none /www [] <nil>'
    cbuild inspect -f '{{.HostConfig.Ulimits}} {{.HostConfig.BlkioDeviceReadBps}} {{len .HostConfig.BlkioDeviceWriteIOps}}' web
    expect_output '[] [] 0'
    cbuild inspect -f '{{json .State}}' web
    expect_status 0
    [ "$(jq 'has("Health")' <<<"$output")" = false ]
    cbuild inspect -f '{{.State.Health.Status}}' web
    expect_status 1
    cbuild rm web
    expect_status 0
}

@test "history: fields, templates, bytes and times for programs" {
    cbuild history --format '{{.CreatedBy}}|{{.Size}}|{{.Comment}}' team/app:2
    expect_output 'CMD ["x"]|0B|buildkit.dockerfile.v0
EXPOSE map[80/tcp:{}]|0B|buildkit.dockerfile.v0
ENV N=2|0B|buildkit.dockerfile.v0
LABEL n=2 both=yes|0B|buildkit.dockerfile.v0'
    cbuild history -H=false --format '{{.CreatedAt}} {{.Size}} {{.CreatedSince}}' team/app:2
    [ "${lines[0]}" = "2023-11-14T22:13:22Z 0 2023-11-14T22:13:22Z" ]
    TZ=IST-05:30 cbuild history -H=false --format '{{.CreatedAt}}' team/app:2
    [ "${lines[0]}" = "2023-11-15T03:43:22+05:30" ]
    cbuild history team/app:2
    [[ ${lines[0]} =~ ^IMAGE\ {10}CREATED\ {7}CREATED\ BY\ +SIZE\ {6}COMMENT$ ]]
    [[ ${lines[2]} =~ ^\<missing\>\ {6} ]]
    cbuild history -q team/app:2
    [ "${#lines[@]}" -eq 4 ]
    cbuild history --format json team/app:2
    [ "$(jq -rs '.[0] | keys_unsorted | join(" ")' <<<"$output")" = "Comment CreatedAt CreatedBy CreatedSince ID Size" ]
}

@test "history with -H=false says when in its table" {
    cbuild history -H=false team/app:2
    [[ ${lines[0]} =~ ^IMAGE\ {10}CREATED\ AT\ {13}CREATED\ BY ]]
    [[ ${lines[1]} =~ ^[0-9a-f]{12}\ {3}2023-11-14T22:13:22Z\ {3}CMD ]]
}

@test "names that are none say why, where one is given and where one is looked for" {
    cbuild tag team/app:1 Team/App
    expect_output 'cbuild: `Team/App` is not a valid repository/tag: invalid reference format: repository name must be lowercase'
    cbuild history Team/App
    expect_contains 'No such image: Team/App' 'repository name must be lowercase'
    cbuild rmi -f never:seen
    expect_status 0
    expect_output 'Error: No such image: never:seen'
    cbuild images -f none
    expect_status 125
    expect_contains 'for "-f, --filter" flag'
}

@test "system df -v: containers with their commands, and all of it as one object" {
    "$CBUILD" create --name sized team/app:2
    cbuild system df -v
    expect_contains 'CONTAINER ID   IMAGE        COMMAND   LOCAL VOLUMES'
    cbuild system df -v --format json
    jq -e '(.Images | length > 2) and .Containers[0].Command == "\"x\"" and .Volumes == [] and (.BuildCache | type) == "array"' <<<"$output"
    cbuild system df -v --format '{{range .Containers}}{{.Names}} {{.Image}}{{end}}'
    expect_output 'sized team/app:2'
    "$CBUILD" rm sized
}

@test "system prune lists what it is about to remove" {
    run "$CBUILD" system prune -a --volumes --filter label=x <<<n
    expect_output 'WARNING! This will remove:
  - all stopped containers
  - all networks not used by at least one container
  - all anonymous volumes not used by at least one container
  - all images without at least one container associated to them
  - all build cache

  Items to be pruned will be filtered with:
  - label=x

Are you sure you want to continue? [y/N] '
}

@test "info has docker's lines, version docker's keys" {
    HTTP_PROXY=http://p.example:1 cbuild info
    expect_contains ' Storage Driver: overlay' " Docker Root Dir: $CBUILD_ROOT" ' HTTP Proxy: http://p.example:1' \
        '  Volume: local' ' Images: ' '  Stopped: 0' " CPUs: $(getconf _NPROCESSORS_ONLN)" ' Swarm: inactive'
    cbuild version -f '{{(index .Server.Components 0).Name}} {{.Client.Context}} {{.Server.Experimental}}'
    expect_output 'Engine default false'
}

@test "image prune asks, and takes only what the filter leaves" {
    run "$CBUILD" image prune --filter label=n=9 -f
    expect_output 'Total reclaimed space: 0B'
    run "$CBUILD" image prune <<<n
    names -f dangling=true
    expect_output "<none>:<none>"
    cbuild image prune -af --filter label=n=1
    expect_contains 'untagged: gone:latest' 'untagged: team/app:1' 'deleted: sha256:'
    names -f label=n=1
    expect_output ""
    cbuild image prune -f
    expect_contains 'deleted: sha256:'
    names -f dangling=true
    expect_output ""
    names team/app
    expect_output "team/app:3
team/app:2"
}

@test "info --format knows docker's names" {
    cbuild info -f '{{.Nope}}'
    expect_status 1
    expect_contains 'executing "" at <.Nope>: map has no entry for key "Nope"'
    [ "$("$CBUILD" info -f '{{.version}}')" = "$("$CBUILD" version -f '{{.Client.Version}}')" ]
    cbuild network inspect -f '{{.Nope}}' bridge
    expect_status 1
    cbuild info --format '{{.OSType}} {{.Architecture}} {{.ServerVersion}} {{.Swarm.LocalNodeState}} {{.DockerRootDir}} {{.Containers}}'
    expect_output "linux $(uname -m) $("$CBUILD" version -f '{{.Server.Version}}') inactive $CBUILD_ROOT 0"
    cbuild info -f '{{.SecurityOptions}} {{gt .MemTotal 1000000}} {{.NCPU}} {{.KernelVersion}}'
    expect_output "[name=seccomp,profile=builtin] true $(getconf _NPROCESSORS_ONLN) $(uname -r)"
    cbuild info -f '{{json .}}'
    [ "$(jq -c '[.Driver, .HttpProxy, .LoggingDriver, .Plugins.Volume, .RegistryConfig.Mirrors]' <<<"$output")" = '["overlay","","json-file",["local"],[]]' ]
}

@test "ps: an image whose name is another's now is shown by its id" {
    "$CBUILD" tag team/app:2 moving
    "$CBUILD" create --name web moving >/dev/null
    cbuild ps -a --format '{{.Image}}'
    expect_output moving
    id=$("$CBUILD" inspect -f '{{.Image}}' web)
    "$CBUILD" tag team/app:3 moving
    cbuild ps -a --format '{{.Image}}'
    expect_output "${id:7:12}"
    cbuild ps -a --no-trunc --format '{{.Image}}'
    expect_output "$id"
    "$CBUILD" rm web
    "$CBUILD" rmi moving
}

@test "ps: raw, functions around titles, blanks around a template" {
    "$CBUILD" create --name web -v a-volume-with-a-long-name:/v -l b=2 -l a=1 team/app:2
    cbuild ps -a --format raw
    expect_contains 'image: team/app:2' 'state: created' 'names: web' 'labels: a=1,b=2,' 'ports:'
    cbuild ps -aq --format raw
    [[ $output =~ ^container_id:\ [0-9a-f]{12}$ ]]
    cbuild ps -a --format 'table {{lower .Names}}\t{{json .State}}'
    expect_output $'NAMES     STATE\nweb       "created"'
    cbuild ps -a --format '  {{ .Names }} '
    expect_output web
    # The image's labels are the container's, too.
    cbuild ps -a --format '{{.Label "n"}} {{.Mounts}}'
    expect_output '2 a-volume-with-…'
    cbuild ps -a --no-trunc --format '{{.Mounts}}'
    expect_output a-volume-with-a-long-name
    "$CBUILD" rm web
    "$CBUILD" volume rm a-volume-with-a-long-name
}

@test "totals have the four digits that docker's have, rows three" {
    size=$("$CBUILD" system df --format '{{if eq .Type "Images"}}{{.Size}}{{end}}' | grep .)
    [[ $size =~ ^[0-9.]+[kMG]?B$ ]]
    [ "${#size}" -ge 6 ]
    [ "$("$CBUILD" images --format '{{.Size}}' busybox | tr -d '[:alpha:].' | wc -c)" -le 4 ]
}

@test "what docker's config.json has for formats is the default" {
    mkdir "$BATS_TEST_TMPDIR/config"
    cat >"$BATS_TEST_TMPDIR/config/config.json" <<'END'
{"psFormat": "table {{.Names}}\t{{.Image}}", "imagesFormat": "{{.Repository}}!", "volumesFormat": "{{.Name}}?", "networksFormat": "<{{.Name}}>"}
END
    export DOCKER_CONFIG=$BATS_TEST_TMPDIR/config
    "$CBUILD" create --name listed --network none busybox >/dev/null
    "$CBUILD" volume create kept >/dev/null
    cbuild ps -a
    expect_output $'NAMES     IMAGE\nlisted    busybox'
    cbuild images busybox
    expect_output 'busybox!'
    cbuild volume ls
    expect_output 'kept?'
    cbuild network ls -f name=host
    expect_output '<host>'
    cbuild ps -aq --no-trunc
    expect_output "$("$CBUILD" inspect -f '{{.Id}}' listed)"
    cbuild ps -a --format '{{.State}}'
    expect_output created
    "$CBUILD" rm listed >/dev/null
    "$CBUILD" volume rm kept >/dev/null
    echo '{' >"$BATS_TEST_TMPDIR/config/config.json"
    cbuild images busybox
    expect_status 0
    expect_contains 'warning: ' 'REPOSITORY'
}

@test "a row as JSON has its fields in the order of docker's" {
    "$CBUILD" create --name ordered busybox true >/dev/null
    "$CBUILD" volume create ordered >/dev/null
    for list in 'ps -a' images 'network ls' 'volume ls' 'context ls' 'system df'; do
        # shellcheck disable=SC2086 # they are words
        "$CBUILD" $list --format '{{json .}}' >"$BATS_TEST_TMPDIR/rows"
        [ "$(jq -s 'length > 0 and all(keys_unsorted == keys)' "$BATS_TEST_TMPDIR/rows")" = true ]
    done
    "$CBUILD" rm ordered
    "$CBUILD" volume rm ordered
}
