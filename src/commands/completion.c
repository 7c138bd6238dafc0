/* The hidden command `cbuild __complete WORD...`: what the last word may become. Commands
 * and options are from their tables, names from the store, stages from the Dockerfile.
 * Where it prints nothing the shell completes files. It never fails and says nothing
 * else: nobody asked it. */
#include "commands/completion.h"

#include "commands/globals.h"
#include "commands/table.h"

#include <stdio.h>
#include <string.h>

static const struct cb_option options[] = {{0}};

static void offer_commands(const struct cb_completion *at)
{
    const char *group;

    for (size_t i = 0; cb_commands[i]; i++)
        if (!strchr(cb_commands[i]->name, ' '))
            cb_complete_offer(at, cb_commands[i]->name, cb_commands[i]->summary);
    for (size_t i = 0; (group = cb_command_next_group(&i));) {
        char *argv[] = {(char *)group};
        int used;

        if (!cb_command_find(1, argv, &used))
            cb_complete_offer(at, group, NULL);
    }
    cb_complete_offer(at, "help", "Help, also of a command");
}

static void offer_verbs(const struct cb_completion *at, const char *group)
{
    const char *verb, *summary;

    for (size_t i = 0; (verb = cb_command_next_verb(group, &i, &summary));)
        cb_complete_offer(at, verb, summary);
}

static void offer_options(const struct cb_completion *at, const struct cb_option *rows)
{
    for (const struct cb_option *o = rows; o->name; o++) {
        cb_autofree char *name = xasprintf("--%s", o->name);

        if (o->help && o->kind != CB_OPTION_ACCEPTED)
            cb_complete_offer(at, name, o->help);
    }
}

/* ── Options that take a value ── */

static int takes_word(const struct cb_option *option)
{
    return option->kind != CB_OPTION_FLAG && option->kind != CB_OPTION_ACCEPTED &&
           option->kind != CB_OPTION_OPTIONAL && option->kind != CB_OPTION_ORDERED_FLAG;
}

/* The option that WORD, the one before the last, is and that wants a value. */
static const struct cb_option *option_of(const struct cb_option *rows, const char *word)
{
    for (const struct cb_option *o = rows; o->name; o++) {
        if (!takes_word(o))
            continue;
        if ((strncmp(word, "--", 2) == 0 && strcmp(word + 2, o->name) == 0) ||
            (word[0] == '-' && word[1] == o->letter && o->letter && !word[2]))
            return o;
    }
    return NULL;
}

/* "--target=b": the value is what is completed. */
static int complete_joined(const struct cb_completion *at,
                           const struct cb_cli_command *command)
{
    const char *equals = strchr(at->word, '=');
    struct cb_completion value = *at;
    cb_autofree char *prefix = NULL;

    if (strncmp(at->word, "--", 2) != 0 || !equals)
        return 0;
    prefix = xstrndup(at->word, (size_t)(equals - at->word) + 1);
    value.prefix = prefix;
    value.word = equals + 1;
    for (const struct cb_option *o = command->options; o->name; o++)
        if (strlen(o->name) == (size_t)(equals - at->word) - 2 &&
            strncmp(o->name, at->word + 2, strlen(o->name)) == 0)
            cb_complete_value(&value, command, o);
    return 1;
}

/* ── Arguments ── */

static const struct taker {
    const struct cb_cli_command *command;
    void (*offers[3])(const struct cb_completion *at);
} takers[] = {
    {&cb_run_command, {cb_complete_images}},
    {&cb_create_command, {cb_complete_images}},
    {&cb_push_command, {cb_complete_images}},
    {&cb_pull_command, {cb_complete_images}},
    {&cb_tag_command, {cb_complete_images}},
    {&cb_rmi_command, {cb_complete_images}},
    {&cb_save_command, {cb_complete_images}},
    {&cb_images_command, {cb_complete_images}},
    {&cb_history_command, {cb_complete_images}},
    {&cb_copy_command, {cb_complete_images}},
    {&cb_image_inspect_command, {cb_complete_images}},
    {&cb_image_tree_command, {cb_complete_images}},
    {&cb_image_diff_command, {cb_complete_images}},
    {&cb_image_mount_command, {cb_complete_images}},
    {&cb_image_unmount_command, {cb_complete_images}},
    {&cb_untag_command, {cb_complete_images}},
    {&cb_squash_command, {cb_complete_images}},
    {&cb_inspect_command,
     {cb_complete_containers, cb_complete_images, cb_complete_volumes}},
    {&cb_container_inspect_command, {cb_complete_containers}},
    {&cb_start_command, {cb_complete_containers}},
    {&cb_stop_command, {cb_complete_containers}},
    {&cb_kill_command, {cb_complete_containers}},
    {&cb_restart_command, {cb_complete_containers}},
    {&cb_wait_command, {cb_complete_containers}},
    {&cb_rm_command, {cb_complete_containers}},
    {&cb_rename_command, {cb_complete_containers}},
    {&cb_exec_command, {cb_complete_containers}},
    {&cb_logs_command, {cb_complete_containers}},
    {&cb_attach_command, {cb_complete_containers}},
    {&cb_cp_command, {cb_complete_containers}},
    {&cb_diff_command, {cb_complete_containers}},
    {&cb_export_command, {cb_complete_containers}},
    {&cb_commit_command, {cb_complete_containers}},
    {&cb_checkpoint_create_command, {cb_complete_containers}},
    {&cb_checkpoint_ls_command, {cb_complete_containers}},
    {&cb_checkpoint_rm_command, {cb_complete_containers}},
    {&cb_pause_command, {cb_complete_containers}},
    {&cb_unpause_command, {cb_complete_containers}},
    {&cb_update_command, {cb_complete_containers}},
    {&cb_port_command, {cb_complete_containers}},
    {&cb_top_command, {cb_complete_containers}},
    {&cb_stats_command, {cb_complete_containers}},
    {&cb_builds_show_command, {cb_complete_builds}},
    {&cb_builds_logs_command, {cb_complete_builds}},
    {&cb_builds_rm_command, {cb_complete_builds}},
    {&cb_explain_command, {cb_complete_builds}},
    {&cb_debug_command, {cb_complete_builds}},
    {&cb_cache_export_command, {cb_complete_caches}},
    {&cb_cache_import_command, {cb_complete_caches}},
    {&cb_cache_push_command, {cb_complete_outbox}},
    {&cb_cache_rm_command, {cb_complete_caches}},
    {&cb_network_inspect_command, {cb_complete_networks}},
    {&cb_network_rm_command, {cb_complete_networks}},
    {&cb_network_connect_command, {cb_complete_networks, cb_complete_containers}},
    {&cb_network_disconnect_command, {cb_complete_networks, cb_complete_containers}},
    {&cb_network_reload_command, {cb_complete_containers}},
    {&cb_volume_inspect_command, {cb_complete_volumes}},
    {&cb_volume_rm_command, {cb_complete_volumes}},
};

static void offer_arguments(const struct cb_completion *at,
                            const struct cb_cli_command *command)
{
    if (command == &cb_completion_command)
        cb_complete_words(at, "bash zsh fish");
    for (size_t i = 0; i < CB_ARRAY_SIZE(takers); i++)
        for (size_t k = 0; takers[i].command == command && k < 3; k++)
            if (takers[i].offers[k])
                takers[i].offers[k](at);
}

/* ── All ── */

static void complete_of(const struct cb_completion *at,
                        const struct cb_cli_command *command, int used)
{
    const char *before = at->argc > used ? at->argv[at->argc - 1] : "";
    const struct cb_option *option = option_of(command->options, before);

    if (option) {
        cb_complete_value(at, command, option);
    } else if (!complete_joined(at, command)) {
        if (*at->word != '-') {
            offer_arguments(at, command);
            return;
        }
        offer_options(at, command->options);
        offer_options(at, cb_globals);
        cb_complete_offer(at, "--help", "Help for this command");
    }
}

static void complete(struct cb_completion *at)
{
    const struct cb_cli_command *command;
    int used = 0;

    if (at->argc > 0 && strcmp(at->argv[0], "help") == 0) {
        at->argv++;
        at->argc--;
    }
    if (at->argc == 0 && *at->word != '-') {
        offer_commands(at);
        return;
    }
    if (at->argc == 0) {
        offer_options(at, cb_leading_globals);
        cb_complete_offer(at, "--version", "The version");
    }
    if (at->argc == 1 && cb_command_is_group(at->argv[0]) && *at->word != '-')
        offer_verbs(at, at->argv[0]);
    command = at->argc == 0 || at->argv[0][0] == '-'
                  ? &cb_build_command
                  : cb_command_find(at->argc, at->argv, &used);
    if (command)
        complete_of(at, command, used);
}

static int run_complete(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    struct cb_completion at = {.app = app, .argv = argv, .prefix = ""};

    if (argc == 0)
        return 0;
    at.word = argv[argc - 1];
    at.argc = cb_globals_take_leading(app, argc - 1, argv, NULL);
    if (at.argc >= 0)
        at.argc = cb_globals_take(app, at.argc, argv, 0, NULL);
    if (at.argc >= 0) /* else an option of these that wants a value */
        complete(&at);
    return 0;
}

const struct cb_cli_command cb_complete_command = {
    .name = "__complete",
    .summary = "What the last word may become",
    .usage = "__complete WORD...",
    .options = options,
    .run = run_complete,
    .is_internal = 1,
};
