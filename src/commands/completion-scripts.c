/* cbuild completion: the scripts that ask `cbuild __complete`. */
#include "commands/commands.h"

#include <stdio.h>
#include <string.h>

static const struct cb_option options[] = {
    {"no-descriptions", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},
    {0},
};

static const char bash[] =
    "# cbuild(1) completion for bash: source <(cbuild completion bash)\n"
    "_cbuild() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} words word='' candidate\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line == *[[:space:]] ]] || { word=${words[-1]}; unset 'words[-1]'; }\n"
    "    COMPREPLY=()\n"
    "    while IFS=$'\\t' read -r candidate _; do\n"
    "        # bash takes a colon or = for the end of a word\n"
    "        [[ $word == *[:=]* ]] && "
    "candidate=${candidate#\"${word%\"${word##*[:=]}\"}\"}\n"
    "        COMPREPLY+=(\"$candidate\")\n"
    "    done < <(cbuild __complete \"${words[@]:1}\" \"$word\" 2>/dev/null)\n"
    "    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n"
    "    return 0\n"
    "}\n"
    "complete -o default -o bashdefault -F _cbuild cbuild\n";

static const char zsh[] =
    "#compdef cbuild\n"
    "# cbuild(1) completion for zsh: source <(cbuild completion zsh)\n"
    "_cbuild() {\n"
    "    local -a found\n"
    "    local line word\n"
    "    for line in \"${(@f)$(cbuild __complete \"${(@)words[2,CURRENT-1]}\" "
    "\"${words[CURRENT]}\" 2>/dev/null)}\"; do\n"
    "        [[ -n $line ]] || continue\n"
    "        word=${${line%%$'\\t'*}//:/\\\\:}\n"
    "        [[ $line == *$'\\t'* ]] && word+=:${line#*$'\\t'}\n"
    "        found+=(\"$word\")\n"
    "    done\n"
    "    if (( ! ${#found} )); then _files; return; fi\n"
    "    if [[ ${found[1]%%:*} == *= ]]; then _describe cbuild found -S ''; "
    "else _describe cbuild found; fi\n"
    "}\n"
    "compdef _cbuild cbuild\n"
    /* In a directory of $fpath the file itself is the function at first. */
    "if [[ ${funcstack[1]} == _cbuild ]]; then _cbuild \"$@\"; fi\n";

static const char fish[] =
    "# cbuild(1) completion for fish: cbuild completion fish | source\n"
    "function __cbuild_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l word (commandline -ct)\n"
    "    set -l found (cbuild __complete $words[2..-1] \"$word\" 2>/dev/null)\n"
    "    if test (count $found) -gt 0\n"
    "        printf '%s\\n' $found\n"
    "    else\n"
    "        __fish_complete_path \"$word\"\n"
    "    end\n"
    "end\n"
    "complete -c cbuild -f -a '(__cbuild_complete)'\n";

static int run_completion(struct cb_app *app, void *values, const struct cb_strings *args,
                          struct cb_error **err)
{
    static const struct {
        const char *shell, *script;
    } scripts[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

    for (size_t i = 0; i < CB_ARRAY_SIZE(scripts); i++) {
        if (strcmp(scripts[i].shell, args->items[0]) == 0) {
            fputs(scripts[i].script, stdout);
            return 0;
        }
    }
    return cb_error_set(err, CB_ERR_USAGE,
                        "unknown shell `%s`: expected bash, zsh or fish", args->items[0]);
}

const struct cb_cli_command cb_completion_command = {
    .name = "completion",
    .summary = "Print a completion script for a shell",
    .usage = "completion bash|zsh|fish",
    .about = "For the running shell: source <(cbuild completion bash), or zsh; in fish\n"
             "cbuild completion fish | source. For every shell to come:\n"
             "  cbuild completion bash > /etc/bash_completion.d/cbuild\n"
             "  cbuild completion zsh > \"${fpath[1]}/_cbuild\"\n"
             "  cbuild completion fish > ~/.config/fish/completions/cbuild.fish",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .act = run_completion,
    .stays_out = 1,
};
