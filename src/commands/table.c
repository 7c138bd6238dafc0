/* The commands, by name and by docker's two-word spellings. */
#include "commands/table.h"

#include <string.h>

const struct cb_cli_command *const cb_commands[] = {
    &cb_build_command,
    &cb_run_command,
    &cb_create_command,
    &cb_start_command,
    &cb_ps_command,
    &cb_exec_command,
    &cb_logs_command,
    &cb_attach_command,
    &cb_stop_command,
    &cb_kill_command,
    &cb_restart_command,
    &cb_wait_command,
    &cb_rm_command,
    &cb_rename_command,
    &cb_pause_command,
    &cb_unpause_command,
    &cb_update_command,
    &cb_top_command,
    &cb_stats_command,
    &cb_container_prune_command,
    &cb_cp_command,
    &cb_diff_command,
    &cb_export_command,
    &cb_commit_command,
    &cb_port_command,
    &cb_checkpoint_create_command,
    &cb_checkpoint_ls_command,
    &cb_checkpoint_rm_command,
    &cb_images_command,
    &cb_pull_command,
    &cb_push_command,
    &cb_copy_command,
    &cb_manifest_create_command,
    &cb_manifest_annotate_command,
    &cb_manifest_inspect_command,
    &cb_manifest_push_command,
    &cb_manifest_rm_command,
    &cb_manifest_delete_command,
    &cb_tag_command,
    &cb_untag_command,
    &cb_rmi_command,
    &cb_inspect_command,
    &cb_login_command,
    &cb_logout_command,
    &cb_search_command,
    &cb_history_command,
    &cb_save_command,
    &cb_load_command,
    &cb_import_command,
    &cb_squash_command,
    &cb_parse_command,
    &cb_lint_command,
    &cb_lock_command,
    &cb_context_command,
    &cb_explain_command,
    &cb_graph_command,
    &cb_builds_ls_command,
    &cb_builds_show_command,
    &cb_builds_logs_command,
    &cb_builds_rm_command,
    &cb_cache_ls_command,
    &cb_cache_export_command,
    &cb_cache_import_command,
    &cb_cache_push_command,
    &cb_cache_rm_command,
    &cb_cache_prune_command,
    &cb_network_ls_command,
    &cb_network_create_command,
    &cb_network_inspect_command,
    &cb_network_rm_command,
    &cb_network_prune_command,
    &cb_network_connect_command,
    &cb_network_disconnect_command,
    &cb_network_reload_command,
    &cb_volume_ls_command,
    &cb_volume_create_command,
    &cb_volume_inspect_command,
    &cb_volume_rm_command,
    &cb_volume_prune_command,
    &cb_df_command,
    &cb_du_command,
    &cb_prune_command,
    &cb_image_prune_command,
    &cb_system_prune_command,
    &cb_image_tree_command,
    &cb_image_diff_command,
    &cb_image_mount_command,
    &cb_image_unmount_command,
    &cb_unshare_command,
    &cb_fsck_command,
    &cb_events_command,
    &cb_info_command,
    &cb_debug_command,
    &cb_completion_command,
    &cb_version_command,
    NULL,
};

struct spelling {
    const char *group, *verb; /* verb NULL: the group is a word by itself */
    const struct cb_cli_command *command;
};

static const struct spelling spellings[] = {
    {"b", NULL, &cb_build_command},
    {"bud", NULL, &cb_build_command}, /* buildah's words */
    {"build-using-dockerfile", NULL, &cb_build_command},
    {"__complete", NULL, &cb_complete_command},
    {"__man", NULL, &cb_man_command},
    {"image", "build", &cb_build_command},
    {"builder", "build", &cb_build_command},
    {"buildx", "build", &cb_build_command},
    {"container", "run", &cb_run_command},
    {"container", "create", &cb_create_command},
    {"container", "start", &cb_start_command},
    {"container", "ls", &cb_ps_command},
    {"container", "list", &cb_ps_command},
    {"container", "ps", &cb_ps_command},
    {"container", "exec", &cb_exec_command},
    {"container", "logs", &cb_logs_command},
    {"container", "attach", &cb_attach_command},
    {"container", "stop", &cb_stop_command},
    {"container", "kill", &cb_kill_command},
    {"container", "restart", &cb_restart_command},
    {"container", "wait", &cb_wait_command},
    {"container", "rm", &cb_rm_command},
    {"container", "remove", &cb_rm_command},
    {"container", "rename", &cb_rename_command},
    {"container", "pause", &cb_pause_command},
    {"container", "unpause", &cb_unpause_command},
    {"container", "update", &cb_update_command},
    {"container", "top", &cb_top_command},
    {"container", "stats", &cb_stats_command},
    {"container", "prune", &cb_container_prune_command},
    {"container", "inspect", &cb_container_inspect_command},
    {"container", "cp", &cb_cp_command},
    {"container", "diff", &cb_diff_command},
    {"container", "export", &cb_export_command},
    {"container", "commit", &cb_commit_command},
    {"container", "port", &cb_port_command},
    {"checkpoint", "create", &cb_checkpoint_create_command},
    {"checkpoint", "ls", &cb_checkpoint_ls_command},
    {"checkpoint", "list", &cb_checkpoint_ls_command},
    {"checkpoint", "rm", &cb_checkpoint_rm_command},
    {"checkpoint", "remove", &cb_checkpoint_rm_command},
    {"image", "ls", &cb_images_command},
    {"image", "list", &cb_images_command},
    {"image", "pull", &cb_pull_command},
    {"image", "push", &cb_push_command},
    {"image", "copy", &cb_copy_command},
    {"image", "tag", &cb_tag_command},
    {"image", "untag", &cb_untag_command},
    {"image", "rm", &cb_rmi_command},
    {"image", "remove", &cb_rmi_command},
    {"image", "inspect", &cb_image_inspect_command},
    {"image", "history", &cb_history_command},
    {"image", "save", &cb_save_command},
    {"image", "load", &cb_load_command},
    {"image", "import", &cb_import_command},
    {"image", "squash", &cb_squash_command},
    {"manifest", "create", &cb_manifest_create_command},
    {"manifest", "annotate", &cb_manifest_annotate_command},
    {"manifest", "inspect", &cb_manifest_inspect_command},
    {"manifest", "push", &cb_manifest_push_command},
    {"manifest", "rm", &cb_manifest_rm_command},
    {"manifest", "delete", &cb_manifest_delete_command},
    {"builds", "ls", &cb_builds_ls_command},
    {"builds", "show", &cb_builds_show_command},
    {"builds", "logs", &cb_builds_logs_command},
    {"builds", "rm", &cb_builds_rm_command},
    {"cache", "ls", &cb_cache_ls_command},
    {"cache", "list", &cb_cache_ls_command},
    {"cache", "export", &cb_cache_export_command},
    {"cache", "import", &cb_cache_import_command},
    {"cache", "push", &cb_cache_push_command},
    {"cache", "rm", &cb_cache_rm_command},
    {"cache", "prune", &cb_cache_prune_command},
    {"network", "ls", &cb_network_ls_command},
    {"network", "list", &cb_network_ls_command},
    {"network", "create", &cb_network_create_command},
    {"network", "inspect", &cb_network_inspect_command},
    {"network", "rm", &cb_network_rm_command},
    {"network", "remove", &cb_network_rm_command},
    {"network", "prune", &cb_network_prune_command},
    {"network", "connect", &cb_network_connect_command},
    {"network", "disconnect", &cb_network_disconnect_command},
    {"network", "reload", &cb_network_reload_command},
    {"volume", "ls", &cb_volume_ls_command},
    {"volume", "list", &cb_volume_ls_command},
    {"volume", "create", &cb_volume_create_command},
    {"volume", "inspect", &cb_volume_inspect_command},
    {"volume", "rm", &cb_volume_rm_command},
    {"volume", "remove", &cb_volume_rm_command},
    {"volume", "prune", &cb_volume_prune_command},
    {"builder", "prune", &cb_prune_command},
    {"builder", "du", &cb_du_command},
    {"buildx", "create", &cb_buildx_create_command},
    {"buildx", "use", &cb_buildx_use_command},
    {"buildx", "inspect", &cb_buildx_inspect_command},
    {"buildx", "ls", &cb_buildx_ls_command},
    {"buildx", "stop", &cb_buildx_stop_command},
    {"buildx", "rm", &cb_buildx_rm_command},
    {"buildx", "history", &cb_buildx_history_command},
    {"buildx", "imagetools", &cb_imagetools_command},
    {"buildx", "version", &cb_version_command},
    {"buildx", "prune", &cb_prune_command},
    {"buildx", "du", &cb_du_command},
    {"image", "prune", &cb_image_prune_command},
    {"image", "tree", &cb_image_tree_command},
    {"image", "diff", &cb_image_diff_command},
    {"image", "mount", &cb_image_mount_command},
    {"image", "unmount", &cb_image_unmount_command},
    {"image", "umount", &cb_image_unmount_command},
    {"context", "ls", &cb_context_command},
    {"context", "list", &cb_context_command},
    {"context", "show", &cb_docker_context_show_command},
    {"context", "use", &cb_docker_context_use_command},
    {"context", "inspect", &cb_docker_context_inspect_command},
    {"system", "df", &cb_df_command},
    {"system", "events", &cb_events_command},
    {"system", "prune", &cb_system_prune_command},
    {"system", "info", &cb_info_command},
    {"system", "fsck", &cb_fsck_command},
};

static const struct cb_cli_command *find_spelling(const char *group, const char *verb)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(spellings); i++) {
        const struct spelling *s = &spellings[i];

        if (strcmp(s->group, group) == 0 &&
            (verb ? s->verb && strcmp(s->verb, verb) == 0 : !s->verb))
            return s->command;
    }
    return NULL;
}

/* Two words before one: `builds show` is not `builds` with an argument. */
const struct cb_cli_command *cb_command_find(int argc, char **argv, int *used)
{
    const struct cb_cli_command *command =
        argc > 1 ? find_spelling(argv[0], argv[1]) : NULL;

    *used = 2;
    if (command)
        return command;
    *used = 1;
    for (size_t i = 0; cb_commands[i]; i++)
        if (strcmp(cb_commands[i]->name, argv[0]) == 0)
            return cb_commands[i];
    return find_spelling(argv[0], NULL);
}

/* ── Groups: the words that others follow ── */

/* The next command of GROUP from *AT on, aliases left out. */
static const struct spelling *next_of(const char *group, size_t *at)
{
    while (*at < CB_ARRAY_SIZE(spellings)) {
        const struct spelling *s = &spellings[(*at)++];
        int alias =
            *at > 1 && s[-1].command == s->command && strcmp(s[-1].group, s->group) == 0;

        if (s->verb && !alias && strcmp(s->group, group) == 0)
            return s;
    }
    return NULL;
}

int cb_command_is_group(const char *word)
{
    size_t at = 0;

    return next_of(word, &at) != NULL;
}

int cb_command_next_spelling(size_t *at, const char **group, const char **verb,
                             const struct cb_cli_command **command)
{
    while (*at < CB_ARRAY_SIZE(spellings)) {
        const struct spelling *s = &spellings[(*at)++];

        *group = s->group;
        *verb = s->verb;
        *command = s->command;
        if (s->verb)
            return 1;
    }
    return 0;
}

const char *cb_command_next_group(size_t *at)
{
    while (*at < CB_ARRAY_SIZE(spellings)) {
        const struct spelling *s = &spellings[(*at)++];
        int seen = *at > 1 && strcmp(s[-1].group, s->group) == 0;

        for (size_t i = 0; !seen && i + 1 < *at; i++)
            seen = strcmp(spellings[i].group, s->group) == 0;
        if (s->verb && !seen)
            return s->group;
    }
    return NULL;
}

const char *cb_command_next_verb(const char *group, size_t *at, const char **summary)
{
    const struct spelling *s = next_of(group, at);

    if (s)
        *summary = s->command->summary;
    return s ? s->verb : NULL;
}
