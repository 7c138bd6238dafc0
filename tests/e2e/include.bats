#!/usr/bin/env bats
# INCLUDE, in files that say `# cbuild=1`: whose text counts, from where it may come, and where mistakes in it are.
load helpers
load helpers-web

setup() {
    cb_dir
    start_web
    export SOURCE_DATE_EPOCH=1600000000
}

# A stage, the middle of one, and a condition; $DIR has what COPY takes.
included() {
    mkdir -p "$DIR/parts/more"
    dockerfile <<'END'
# cbuild=1
ARG LEVEL=0
INCLUDE parts/tools.df
FROM busybox
INCLUDE parts/steps.df
INCLUDE --if=$LEVEL=2 parts/more/debug.df
RUN echo last >/last
END
    printf 'FROM busybox AS tools\nRUN echo tool >/tool' >"$DIR/parts/tools.df"
    printf '# escape=`\nARG LEVEL\nRUN echo one >/one && `\n  echo two >/two\nINCLUDE more/copy.df\n' >"$DIR/parts/steps.df"
    printf 'COPY --from=tools /tool /tool\nCOPY <<X /heredoc\nINCLUDE of.no.file\nX\n' >"$DIR/parts/more/copy.df"
    printf 'RUN echo debug >/debug\nENV DEBUG=yes\n' >"$DIR/parts/more/debug.df"
}

image_id() { "$CBUILD" inspect img | jq -r '.[0].Id'; }

@test "the image is that of one file with the same lines, whatever .dockerignore says" {
    included
    printf '*\n' >"$DIR/.dockerignore"
    build_ok --build-arg LEVEL=2
    in_image cat /one /two /tool /heredoc /debug /last
    expect_output "$(printf 'one\ntwo\ntool\nINCLUDE of.no.file\ndebug\nlast')"
    wanted=$(image_id)
    dockerfile <<'END'
ARG LEVEL=0
FROM busybox AS tools
RUN echo tool >/tool
FROM busybox
ARG LEVEL
RUN echo one >/one &&   echo two >/two
COPY --from=tools /tool /tool
COPY <<X /heredoc
INCLUDE of.no.file
X
RUN echo debug >/debug
ENV DEBUG=yes
RUN echo last >/last
END
    build_ok --no-cache --build-arg LEVEL=2
    [ "$(image_id)" = "$wanted" ]
}

@test "INCLUDE --if leaves all of the file out, and what is in it has no number" {
    included
    build_ok --no-cache
    expect_contains '[stage-1 5/5] RUN echo last'
    expect_lacks debug
    [ "$(config .Env)" = '["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]' ]
}

@test "an included file that stays the same is in the cache, one that changes runs what it changes" {
    included
    build_ok --no-cache
    build_ok
    [ "$(steps_run)" = 0 ]
    mv "$DIR/parts/steps.df" "$DIR/parts/renamed.df"
    sed -i s/steps.df/renamed.df/ "$DIR/Dockerfile"
    build_ok
    [ "$(steps_run)" = 0 ]
    sed -i 's/echo last/echo other/' "$DIR/Dockerfile"
    sed -i 's/^RUN echo debug/RUN echo changed/' "$DIR/parts/more/debug.df"
    build_ok
    [ "$(steps_run)" = 1 ]
    sed -i 's/INCLUDE of.no.file/another/' "$DIR/parts/more/copy.df"
    build_ok
    [ "$(steps_run)" = 2 ]
}

@test "a mistake, a step that fails and a warning say their file, its line, and what included it" {
    included
    printf 'RUN true\n\nRUN exit 3\n' >"$DIR/parts/more/copy.df"
    build
    expect_status 1
    expect_contains "parts/more/copy.df:3:1: " '>    3 | RUN exit 3' \
        'included from parts/steps.df:5, Dockerfile:5'
    printf '\nCOPY nosuch /\n' >>"$DIR/parts/tools.df"
    printf 'COPY --from=tools /tool /\n' >"$DIR/parts/more/copy.df"
    build
    expect_status 1
    expect_contains 'parts/tools.df:3:1: ' 'included from Dockerfile:3'
    printf 'FROM busybox AS tools\n\nENVV a=b' >"$DIR/parts/tools.df"
    build
    expect_status 1
    expect_contains 'parts/tools.df:3:1: unknown instruction: ENVV (did you mean ENV?)' 'included from Dockerfile:3'
    sed -i /ENVV/d "$DIR/parts/tools.df"
    printf 'RUN true\nENV SECRET_TOKEN=x\n' >"$DIR/parts/more/copy.df"
    build_ok --no-cache
    expect_contains 'warning: parts/more/copy.df:2:5: ' "$(printf '(SecretsUsedInArgOrEnv)\nincluded from parts/steps.df:5, Dockerfile:5')"
}

@test "lint, --call=check, outline, targets and parse say places of included files" {
    included
    printf 'FROM busybox AS tools\nARG SECRET_TOKEN=x\nWORKDIR relative' >"$DIR/parts/tools.df"
    cbuild lint "$DIR"
    expect_status 1
    expect_contains "$DIR/parts/tools.df:2:5: warning: " "included from $DIR/Dockerfile:3"
    cbuild lint --format json "$DIR"
    [ "$(jq -c '[.files[0].findings[] | select(.rule == "WorkdirRelativePath") | .file, .included_from, .line, .end_line]' <<<"$output")" = \
        "[\"$DIR/parts/tools.df\",\"$DIR/Dockerfile:3\",3,3]" ]
    cbuild lint --format sarif "$DIR"
    [ "$(jq -c '[.runs[0].results[] | select(.ruleId == "WorkdirRelativePath") | .locations[0].physicalLocation
        | (.artifactLocation.uri | endswith("/parts/tools.df")), .region.startLine]' <<<"$output")" = '[true,3]' ]
    cbuild build --check "$DIR"
    expect_contains 'parts/tools.df:3' '>>> WORKDIR relative' 'included from Dockerfile:3'
    cbuild build --call=check,format=json "$DIR"
    [ "$(jq -c '[.sources[].filename], [.warnings[] | select(.ruleName == "WorkdirRelativePath") | .location]' <<<"$output")" = \
        '["Dockerfile","parts/tools.df","parts/steps.df","parts/more/copy.df","parts/more/debug.df"]
[{"sourceIndex":1,"ranges":[{"start":{"line":3},"end":{"line":3}}]}]' ]
    cbuild build --call=outline,format=json "$DIR"
    [ "$(jq -c '[.args[] | [.name, .location.sourceIndex, .location.ranges[0].start.line]], (.sources | length), (.sources[1] | @base64d | .[:4])' <<<"$output")" = \
        '[["LEVEL",null,2],["SECRET_TOKEN",1,2]]
5
"FROM"' ]
    cbuild build --call=targets,format=json "$DIR"
    [ "$(jq -c '[.targets[] | [.name, .location.sourceIndex, .location.ranges[0].start.line]]' <<<"$output")" = \
        '[["tools",1,1],[null,null,4]]' ]
    cbuild parse "$DIR/Dockerfile"
    [ "$(jq -c '[.stages[].instructions[] | [(.file // "" | sub(".*/"; "")), .line]]' <<<"$output")" = \
        '[["tools.df",1],["tools.df",2],["tools.df",3],["",4],["steps.df",2],["steps.df",3],["copy.df",1],["copy.df",2],["debug.df",1],["debug.df",2],["",7]]' ]
    cbuild graph --target tools "$DIR"
    expect_contains 'WORKDIR relative'
}

@test "stages of included files are offered for --target, and their images are locked" {
    included
    cbuild __complete build "$DIR" --target ''
    expect_status 0
    expect_contains tools
    make_repo r
    printf '# cbuild=1\nFROM scratch\nINCLUDE git.df\n' >"$DIR/Dockerfile"
    printf 'ADD %s/git/r.git#main /git/\n' "$WEB" >"$DIR/git.df"
    cbuild lock --lock-file "$DIR/lock" "$DIR"
    expect_contains "+ $WEB/git/r.git#main $(tgit -C "$REPO" rev-parse HEAD)"
}

@test "provenance has the text of each file, and the steps' places in it" {
    included
    build_ok --provenance=mode=max --metadata-file "$BATS_TEST_TMPDIR/meta.json"
    run jq -c '[.. | objects | select(has("infos")) | .infos[] | .filename, (.data | @base64d | .[:8])]' "$BATS_TEST_TMPDIR/meta.json"
    expect_output '["Dockerfile","# cbuild","tools.df","FROM bus","steps.df","# escape","copy.df","COPY --f","debug.df","RUN echo"]'
    run jq -c '[.. | objects | select(has("infos")) | .locations[].locations[] | [.sourceIndex, .ranges[0].start.line]] | sort | unique' \
        "$BATS_TEST_TMPDIR/meta.json"
    expect_contains '[null,7]' '[1,2]' '[2,3]' '[3,1]'
}

@test "repositories, archives from a URL and from standard input bring the files themselves" {
    included
    make_repo app
    cp -r "$DIR/." "$REPO"
    commit app
    push
    run "$CBUILD" build --progress=plain -t img "$WEB/git/app.git"
    expect_status 0
    wanted=$(image_id)
    tar -C "$DIR" -cf "$WEB_ROOT/a.tar" .
    run "$CBUILD" build --progress=plain -t img "$WEB/plain/a.tar"
    expect_status 0
    [ "$(image_id)" = "$wanted" ]
    run "$CBUILD" build --progress=plain -t img - <"$WEB_ROOT/a.tar"
    expect_status 0
    [ "$(image_id)" = "$wanted" ]
    rm -r "$DIR/parts"
    tar -C "$DIR" -cf "$WEB_ROOT/a.tar" .
    run "$CBUILD" build --progress=plain -t img "$WEB/plain/a.tar"
    expect_status 1
    expect_contains 'Dockerfile:3:9: no file `parts/tools.df` is in the build context'
}

@test "standard input includes from the context's root, and without a context it cannot" {
    included
    wanted=$(build_ok && image_id)
    run "$CBUILD" build --progress=plain -t img -f - "$DIR" <"$DIR/Dockerfile"
    expect_status 0
    [ "$(image_id)" = "$wanted" ]
    run "$CBUILD" build --progress=plain -t img - <"$DIR/Dockerfile"
    expect_status 1
    expect_contains 'Dockerfile:3:9: there are no files to include: the Dockerfile comes without a context' \
        'hint: give one with it'
}

@test "a path is that of the including file's directory, and ends at the context's root or the Dockerfile's own" {
    mkdir -p "$DIR/docker/deep" "$DIR/ctx" "$BATS_TEST_TMPDIR/apart"
    printf 'RUN echo up >/up\n' >"$DIR/up.df"
    printf 'INCLUDE ../up.df ../../up.df /up.df\n' >"$DIR/docker/deep/a.df"
    printf '# cbuild=1\nFROM busybox\nINCLUDE ../up.df\n' >"$DIR/docker/Dockerfile"
    build_ok -f "$DIR/docker/Dockerfile"
    printf '# cbuild=1\nFROM busybox\nINCLUDE deep/a.df\n' >"$DIR/docker/Dockerfile"
    build -f "$DIR/docker/Dockerfile"
    expect_status 1
    expect_contains "$DIR/docker/deep/a.df:1:9: no file \`docker/up.df\` is in the build context"
    sed -i 's,^INCLUDE ../up.df ,INCLUDE ,' "$DIR/docker/deep/a.df"
    build_ok -f "$DIR/docker/Dockerfile"
    # A context that the Dockerfile is not in: its own directory is the root, no other.
    run "$CBUILD" build --progress=plain -t img -f "$DIR/docker/Dockerfile" "$DIR/ctx"
    expect_status 1
    expect_contains 'leads out of the Dockerfile' 'hint: what is included lies in it'
    printf 'RUN echo here >/here\n' >"$DIR/docker/deep/a.df"
    run "$CBUILD" build --progress=plain -t img -f "$DIR/docker/Dockerfile" "$DIR/ctx"
    expect_status 0
    in_image cat /here
}

@test "no path leads out of the context, and what is no text is refused at its place" {
    echo 'RUN echo secret' >"$BATS_TEST_TMPDIR/secret.df"
    ln -s "$BATS_TEST_TMPDIR/secret.df" "$DIR/absolute.df"
    ln -s ../secret.df "$DIR/relative.df"
    ln -s .. "$DIR/dir"
    mkfifo "$DIR/pipe.df"
    printf 'RUN a\0b\n' >"$DIR/binary.df"
    mkdir "$DIR/some"
    ln -s loop.df "$DIR/loop.df"
    dockerfile <<'END'
# cbuild=1
FROM busybox
INCLUDE ../secret.df
INCLUDE absolute.df
INCLUDE relative.df
INCLUDE dir/secret.df
INCLUDE pipe.df
INCLUDE binary.df
INCLUDE some
INCLUDE loop.df
INCLUDE $HOME.df
INCLUDE https://files.invalid/a.df
END
    build
    expect_status 1
    expect_lacks 'RUN echo secret'
    expect_contains 'Dockerfile:3:9: `../secret.df` leads out of the build context' \
        'Dockerfile:4:9: no file `absolute.df` is in the build context' 'it is a symbolic link to nothing there' \
        'Dockerfile:5:9: no file `relative.df`' 'Dockerfile:6:9: no file `dir/secret.df`' \
        'Dockerfile:7:9: include: read `pipe.df`: not a regular file' \
        'Dockerfile:8:9: `binary.df` is no text: it has a NUL byte' 'Dockerfile:9:9: `some` is a directory' \
        'Dockerfile:10:9: ' 'Dockerfile:11:9: INCLUDE takes no variables' \
        'Dockerfile:12:9: INCLUDE takes no URLs' 'hint: copy the file there'
}

@test "depth, number, size and circles have an end" {
    printf '# cbuild=1\nFROM busybox\nINCLUDE 1.df\n' >"$DIR/Dockerfile"
    for i in $(seq 16); do printf 'INCLUDE %s.df\n' $((i + 1)) >"$DIR/$i.df"; done
    printf 'RUN true\n' >"$DIR/16.df"
    build_ok
    printf 'INCLUDE 17.df\n' >"$DIR/16.df"
    printf 'RUN true\n' >"$DIR/17.df"
    build
    expect_status 1
    expect_contains '16.df:1:9: INCLUDE is more than 16 files deep' 'included from 15.df:1, 14.df:1'
    printf 'INCLUDE 3.df\n' >"$DIR/5.df"
    build
    expect_contains '5.df:1:9: `3.df` includes itself: 3.df:1, 4.df:1, 5.df:1'
    printf 'ENV A=b\n' >"$DIR/1.df"
    { printf '# cbuild=1\nFROM busybox\n'; yes 'INCLUDE 1.df' | head -100; } >"$DIR/Dockerfile"
    build_ok
    echo 'INCLUDE 1.df' >>"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:103:9: INCLUDE is used for more than 100 files'
    yes '# a comment of some length' | head -c 9000000 >"$DIR/1.df"
    printf '# cbuild=1\nFROM busybox\nINCLUDE 1.df\nINCLUDE 1.df\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:4:9: the Dockerfile is larger than 16 MiB with `1.df`'
}

@test "too many instructions are told at their place in the included file, and missing files without end cost nothing" {
    printf '# cbuild=1\nFROM busybox\nINCLUDE 1.df\n' >"$DIR/Dockerfile"
    yes 'RUN true' | head -50000 >"$DIR/1.df"
    build
    expect_status 1
    expect_contains '1.df:50000:1: the Dockerfile has more than 50000 instructions' 'included from Dockerfile:3'
    # a mistake of each line would be a look at the disk for each
    yes 'INCLUDE absent.df' | head -200000 >"$DIR/1.df"
    run strace -f -c -o "$BATS_TEST_TMPDIR/calls" -e trace=openat2,openat "$CBUILD" build --progress=plain "$DIR"
    expect_status 1
    expect_contains '1.df:20:9: no file `absent.df`'
    [ "$(awk '$NF ~ /^open/ { n += $4 } END { print n }' "$BATS_TEST_TMPDIR/calls")" -lt 2000 ]
}

@test "the escape character of a file is its own, where words are expanded too" {
    mkdir "$DIR/parts"
    printf '# escape=`\nENV B=a\\b`c D=`$HOME\n' >"$DIR/parts/b.df"
    printf 'ENV C=a\\b`c\n' >"$DIR/parts/c.df"
    printf '# escape=`\n# cbuild=1\nFROM busybox\nENV A=a\\b`c\nINCLUDE parts/c.df parts/b.df\nENV E=a\\b`c\n' >"$DIR/Dockerfile"
    build_ok
    [ "$(config '.Env[1:]')" = '["A=a\\bc","C=ab`c","B=a\\bc","D=$HOME","E=a\\bc"]' ]
}

@test "without the directive INCLUDE is an unknown instruction, with a word on what allows it" {
    printf 'FROM busybox\nINCLUDE a.df\n' >"$DIR/Dockerfile"
    build
    expect_status 1
    expect_contains 'Dockerfile:2:1: unknown instruction: INCLUDE' 'hint: `# cbuild=1` at the top of the file allows INCLUDE'
}
