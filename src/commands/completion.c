/* cbuild completion: a script for the shell that asks cbuild itself, by the hidden
 * command `cbuild __complete WORD...`, what the last word may become: commands and
 * options from their tables, images of the store, stages of the Dockerfile. Where it
 * prints nothing the shell completes files. It never fails and says nothing else: nobody
 * asked it. */
#include "commands/commands.h"

#include "container/record.h"
#include "engine/engine.h"
#include "parser/parser.h"

#include <stdio.h>
#include <string.h>

static const struct cb_option options[] = {{0}};

/* ── Candidates ── */

static void offer(const char *candidate, const char *word, const char *help)
{
    if (strncmp(candidate, word, strlen(word)) == 0)
        printf(help ? "%s\t%s\n" : "%s\n", candidate, help);
}

static void offer_commands(const char *word)
{
    const char *group;

    for (size_t i = 0; cb_commands[i]; i++)
        if (!strchr(cb_commands[i]->name, ' '))
            offer(cb_commands[i]->name, word, cb_commands[i]->summary);
    for (size_t at = 0; (group = cb_command_next_group(&at));)
        offer(group, word, NULL);
}

static void offer_verbs(const char *group, const char *word)
{
    const char *verb, *summary;

    for (size_t at = 0; (verb = cb_command_next_verb(group, &at, &summary));)
        offer(verb, word, summary);
}

static void offer_options(const struct cb_cli_command *command, const char *word)
{
    for (const struct cb_option *o = command->options; o->name; o++) {
        cb_autofree char *name = xasprintf("--%s", o->name);

        if (o->help)
            offer(name, word, o->help);
    }
    offer("--help", word, "Help for this command");
}

static void offer_images(struct cb_app *app, const char *word)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_images) images = {0};

    if (cb_app_store(app, 0, &store, NULL) < 0 || cb_image_list(store, &images, NULL) < 0)
        return;
    cb_vec_foreach (image, &images) {
        for (size_t i = 0; i < (*image)->names.count; i++) {
            cb_auto(cb_reference) reference = NULL;
            cb_autofree char *name = NULL;

            if (cb_reference_parse(&reference, (*image)->names.items[i], NULL) < 0)
                continue;
            name = cb_reference_familiar(reference);
            offer(name, word, NULL);
        }
    }
}

static void offer_containers(struct cb_app *app, const char *word)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_containers) containers = {0};

    if (cb_app_store(app, 0, &store, NULL) < 0 ||
        cb_containers_list(store, &containers, NULL) < 0)
        return;
    cb_vec_foreach (container, &containers)
        offer((*container)->name, word, NULL);
}

static void offer_stages(int argc, char **argv, const char *word)
{
    cb_auto(cb_source) source = NULL;
    cb_auto(cb_dockerfile) dockerfile = NULL;
    const char *path = NULL;

    for (int i = 0; i + 1 < argc; i++)
        if (strcmp(argv[i], "-f") == 0 || strcmp(argv[i], "--file") == 0)
            path = argv[i + 1];
    if ((path && strcmp(path, "-") == 0) ||
        cb_app_dockerfile(NULL, path, &source, NULL) < 0 ||
        cb_dockerfile_parse(&dockerfile, source, NULL) < 0)
        return;
    for (size_t i = 0; i < dockerfile->stage_count; i++)
        if (dockerfile->stages[i].name)
            offer(dockerfile->stages[i].name, word, NULL);
}

static void offer_builds(struct cb_app *app, const char *word)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_strings) ids = {0};

    offer("last", word, NULL);
    if (cb_app_store(app, 0, &store, NULL) < 0 || cb_builds_list(store, &ids, NULL) < 0)
        return;
    for (size_t i = 0; i < ids.count; i++)
        offer(ids.items[i], word, NULL);
}

static void offer_words(const char *words, const char *word)
{
    while (*words) {
        size_t len = strcspn(words, " ");
        cb_autofree char *one = xstrndup(words, len);

        offer(one, word, NULL);
        words += len + (words[len] == ' ');
    }
}

/* The option that WORD, the one before the last, is and that wants a value. */
static const struct cb_option *option_of(const struct cb_cli_command *command,
                                         const char *word)
{
    for (const struct cb_option *o = command->options; o->name; o++) {
        int is_flag = o->kind == CB_OPTION_FLAG || o->kind == CB_OPTION_ACCEPTED ||
                      o->kind == CB_OPTION_OPTIONAL;

        if (is_flag)
            continue;
        if ((strncmp(word, "--", 2) == 0 && strcmp(word + 2, o->name) == 0) ||
            (word[0] == '-' && word[1] == o->letter && o->letter && !word[2]))
            return o;
    }
    return NULL;
}

static void offer_value(struct cb_app *app, const struct cb_option *option, int argc,
                        char **argv, const char *word)
{
    static const struct {
        const char *option, *words;
    } table[] = {
        {"progress", "auto plain tty quiet rawjson legacy"},
        {"pull", "always missing never newer"},
        {"network", "bridge host none"},
        {"call", "check outline targets"},
        {"context-mode", "keep git"},
        {"platform", "linux/amd64 linux/arm64 linux/arm/v7"},
        {"compression", "gzip zstd uncompressed"},
    };

    if (strcmp(option->name, "target") == 0)
        offer_stages(argc, argv, word);
    if (strcmp(option->name, "build") == 0)
        offer_builds(app, word);
    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++)
        if (strcmp(table[i].option, option->name) == 0)
            offer_words(table[i].words, word);
}

static int is_one_of(const struct cb_cli_command *command,
                     const struct cb_cli_command *const *some, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (command == some[i])
            return 1;
    return 0;
}

static int takes_images(const struct cb_cli_command *command)
{
    static const struct cb_cli_command *const takers[] = {
        &cb_run_command,        &cb_create_command, &cb_push_command,
        &cb_pull_command,       &cb_tag_command,    &cb_rmi_command,
        &cb_inspect_command,    &cb_save_command,   &cb_images_command,
        &cb_history_command,    &cb_copy_command,   &cb_image_inspect_command,
        &cb_image_tree_command,
    };

    return is_one_of(command, takers, CB_ARRAY_SIZE(takers));
}

static int takes_containers(const struct cb_cli_command *command)
{
    static const struct cb_cli_command *const takers[] = {
        &cb_start_command,   &cb_stop_command,
        &cb_kill_command,    &cb_restart_command,
        &cb_wait_command,    &cb_rm_command,
        &cb_rename_command,  &cb_exec_command,
        &cb_logs_command,    &cb_attach_command,
        &cb_cp_command,      &cb_diff_command,
        &cb_export_command,  &cb_commit_command,
        &cb_inspect_command, &cb_container_inspect_command,
        &cb_pause_command,   &cb_unpause_command,
        &cb_update_command,  &cb_port_command,
        &cb_top_command,     &cb_stats_command,
    };

    return is_one_of(command, takers, CB_ARRAY_SIZE(takers));
}

static void complete(struct cb_app *app, int argc, char **argv)
{
    const char *word = argv[argc - 1];
    const struct cb_cli_command *command;
    const struct cb_option *option;
    int used = 0;

    if (argc == 1 && *word != '-') {
        offer_commands(word);
        return;
    }
    if (argc == 2 && cb_command_is_group(argv[0]) && *word != '-')
        offer_verbs(argv[0], word);
    command =
        argv[0][0] == '-' ? &cb_build_command : cb_command_find(argc - 1, argv, &used);
    if (!command)
        return;
    option = argc - 1 > used ? option_of(command, argv[argc - 2]) : NULL;
    if (option)
        offer_value(app, option, argc, argv, word);
    else if (*word == '-')
        offer_options(command, word);
    if (option || *word == '-')
        return;
    if (takes_images(command))
        offer_images(app, word);
    if (takes_containers(command))
        offer_containers(app, word);
}

static int run_complete(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    if (argc > 0)
        complete(app, argc, argv);
    return 0;
}

const struct cb_cli_command cb_complete_command = {
    .name = "__complete",
    .summary = "What the last word may become",
    .usage = "__complete WORD...",
    .options = options,
    .run = run_complete,
};

/* ── The scripts ── */

static const char bash[] =
    "# cbuild(1) completion for bash: source <(cbuild completion bash)\n"
    "_cbuild() {\n"
    "    local word=${COMP_LINE:0:COMP_POINT} words candidate\n"
    "    word=${word##*[[:space:]]}\n"
    "    words=(\"${COMP_WORDS[@]:1:COMP_CWORD-1}\")\n"
    "    COMPREPLY=()\n"
    "    while IFS=$'\\t' read -r candidate _; do\n"
    "        # bash takes a colon for the end of a word\n"
    "        case $word in *:*) candidate=${candidate#\"${word%\"${word##*:}\"}\"} ;; "
    "esac\n"
    "        COMPREPLY+=(\"$candidate\")\n"
    "    done < <(cbuild __complete \"${words[@]}\" \"$word\" 2>/dev/null)\n"
    "}\n"
    "complete -o default -o bashdefault -F _cbuild cbuild\n";

static const char zsh[] =
    "#compdef cbuild\n"
    "# cbuild(1) completion for zsh: source <(cbuild completion zsh)\n"
    "_cbuild() {\n"
    "    local -a found\n"
    "    local line\n"
    "    for line in \"${(@f)$(cbuild __complete \"${(@)words[2,CURRENT-1]}\" "
    "\"${words[CURRENT]}\" 2>/dev/null)}\"; do\n"
    "        [[ -n $line ]] && "
    "found+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
    "    done\n"
    "    if (( ${#found} )); then _describe cbuild found; else _files; fi\n"
    "}\n"
    "compdef _cbuild cbuild\n";

static const char fish[] =
    "# cbuild(1) completion for fish: cbuild completion fish | source\n"
    "function __cbuild_complete\n"
    "    set -l words (commandline -opc)\n"
    "    cbuild __complete $words[2..-1] (commandline -ct) 2>/dev/null\n"
    "end\n"
    "complete -c cbuild -a '(__cbuild_complete)'\n";

static int run_completion(struct cb_app *app, int argc, char **argv,
                          struct cb_error **err)
{
    static const struct {
        const char *shell, *script;
    } scripts[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    cb_auto_value(cb_strings) args = {0};
    int status =
        cb_options_parse(&cb_completion_command, argc, argv, 0, NULL, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_completion_command, &args, 1, 1, err) < 0)
        return -1;
    for (size_t i = 0; i < CB_ARRAY_SIZE(scripts); i++) {
        if (strcmp(scripts[i].shell, args.items[0]) == 0) {
            fputs(scripts[i].script, stdout);
            return 0;
        }
    }
    return cb_error_set(err, CB_ERR_USAGE,
                        "unknown shell `%s`: expected bash, zsh or fish", args.items[0]);
}

const struct cb_cli_command cb_completion_command = {
    .name = "completion",
    .summary = "Print a completion script for a shell",
    .usage = "completion bash|zsh|fish",
    .about = "For the running shell: source <(cbuild completion bash)",
    .options = options,
    .run = run_completion,
    .stays_out = 1,
};
