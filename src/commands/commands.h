/* argv → one call → exit status. Results on stdout, all else on stderr. A command is a
 * file here and a row of the table in table.c. */
#ifndef CB_COMMANDS_COMMANDS_H
#define CB_COMMANDS_COMMANDS_H

#include "commands/app.h"
#include "commands/filter.h"
#include "commands/options.h"
#include "commands/output.h"
#include "store/refs.h"

/* Does it connect something with what others of the same user have connected? */
enum cb_meets {
    CB_MEETS_NOBODY,
    CB_MEETS_IF_ASKED,     /* with a --network that others can have */
    CB_MEETS_UNLESS_ASKED, /* without one that nobody else can */
    CB_MEETS_OTHERS,
    CB_MEETS_IF_THERE, /* with whom it was started by */
};

struct cb_cli_command {
    const char *name;
    const char *summary;             /* one line of `cbuild --help` */
    const char *usage;               /* "build [OPTIONS] PATH | -" */
    const char *about;               /* a paragraph or two below the usage; or NULL */
    const struct cb_option *options; /* ends with a row without name */
    const struct cb_absent_option *absent;     /* the same; or NULL */
    const struct cb_harmless_option *harmless; /* of ABSENT that take a value; or NULL */
    const struct cb_absent_option *foreign;    /* other tools', likewise; or NULL */
    const struct cb_filter_key
        *filters; /* of --filter, those with FILTER_FLAG; or NULL */
    unsigned filter_flag;
    /* What OPTIONS fill, in bytes, and what it holds where none is given; NULL: zeroes.
     */
    size_t values_size;
    const void *defaults;
    int min_args, max_args; /* how many words may be left; -1: any number */
    int takes_program; /* from its first argument on the words are another program's */
    /* Does it: exit status, or -1 with err. VALUES is as above, NULL of no size; its
     * lists and what of them ACT added to are freed by the caller. */
    int (*act)(struct cb_app *app, void *values, const struct cb_strings *args,
               struct cb_error **err);
    /* Or, for who reads its words in its own way. ARGV does not hold the command's name.
     */
    int (*run)(struct cb_app *app, int argc, char **argv, struct cb_error **err);
    int needs_launcher;
    enum cb_meets meets;
    int is_internal; /* nobody types it: its words are its own, and no advice is given */
    int stays_out; /* touches neither store nor processes: no user namespace is entered */
    int watches;   /* goes on until it is interrupted, which is no error to tell of */
};

extern const struct cb_cli_command cb_attach_command;
extern const struct cb_cli_command cb_build_command;
extern const struct cb_cli_command cb_builds_logs_command;
extern const struct cb_cli_command cb_builds_ls_command;
extern const struct cb_cli_command cb_builds_rm_command;
extern const struct cb_cli_command cb_builds_show_command;
extern const struct cb_cli_command cb_buildx_create_command;
extern const struct cb_cli_command cb_buildx_history_command;
extern const struct cb_cli_command cb_buildx_inspect_command;
extern const struct cb_cli_command cb_buildx_ls_command;
extern const struct cb_cli_command cb_buildx_rm_command;
extern const struct cb_cli_command cb_buildx_stop_command;
extern const struct cb_cli_command cb_buildx_use_command;
extern const struct cb_cli_command cb_cache_export_command;
extern const struct cb_cli_command cb_cache_import_command;
extern const struct cb_cli_command cb_cache_ls_command;
extern const struct cb_cli_command cb_cache_prune_command;
extern const struct cb_cli_command cb_cache_push_command;
extern const struct cb_cli_command cb_cache_rm_command;
extern const struct cb_cli_command cb_commit_command;
extern const struct cb_cli_command cb_complete_command;
extern const struct cb_cli_command cb_completion_command;
extern const struct cb_cli_command cb_container_inspect_command;
extern const struct cb_cli_command cb_container_prune_command;
extern const struct cb_cli_command cb_context_command;
extern const struct cb_cli_command cb_copy_command;
extern const struct cb_cli_command cb_cp_command;
extern const struct cb_cli_command cb_create_command;
extern const struct cb_cli_command cb_debug_command;
extern const struct cb_cli_command cb_df_command;
extern const struct cb_cli_command cb_diff_command;
extern const struct cb_cli_command cb_docker_context_inspect_command;
extern const struct cb_cli_command cb_docker_context_show_command;
extern const struct cb_cli_command cb_docker_context_use_command;
extern const struct cb_cli_command cb_du_command;
extern const struct cb_cli_command cb_events_command;
extern const struct cb_cli_command cb_exec_command;
extern const struct cb_cli_command cb_explain_command;
extern const struct cb_cli_command cb_export_command;
extern const struct cb_cli_command cb_fsck_command;
extern const struct cb_cli_command cb_graph_command;
extern const struct cb_cli_command cb_history_command;
extern const struct cb_cli_command cb_hub_command;
extern const struct cb_cli_command cb_image_inspect_command;
extern const struct cb_cli_command cb_image_diff_command;
extern const struct cb_cli_command cb_image_mount_command;
extern const struct cb_cli_command cb_image_prune_command;
extern const struct cb_cli_command cb_image_tree_command;
extern const struct cb_cli_command cb_images_command;
extern const struct cb_cli_command cb_imagetools_command;
extern const struct cb_cli_command cb_imagetools_create_command;
extern const struct cb_cli_command cb_imagetools_inspect_command;
extern const struct cb_cli_command cb_import_command;
extern const struct cb_cli_command cb_info_command;
extern const struct cb_cli_command cb_inspect_command;
extern const struct cb_cli_command cb_kill_command;
extern const struct cb_cli_command cb_lint_command;
extern const struct cb_cli_command cb_lock_command;
extern const struct cb_cli_command cb_load_command;
extern const struct cb_cli_command cb_login_command;
extern const struct cb_cli_command cb_logout_command;
extern const struct cb_cli_command cb_logs_command;
extern const struct cb_cli_command cb_man_command;
extern const struct cb_cli_command cb_manifest_annotate_command;
extern const struct cb_cli_command cb_manifest_create_command;
extern const struct cb_cli_command cb_manifest_delete_command;
extern const struct cb_cli_command cb_manifest_inspect_command;
extern const struct cb_cli_command cb_manifest_push_command;
extern const struct cb_cli_command cb_manifest_rm_command;
extern const struct cb_cli_command cb_monitor_command;
extern const struct cb_cli_command cb_checkpoint_create_command;
extern const struct cb_cli_command cb_checkpoint_ls_command;
extern const struct cb_cli_command cb_checkpoint_rm_command;
extern const struct cb_cli_command cb_network_connect_command;
extern const struct cb_cli_command cb_network_create_command;
extern const struct cb_cli_command cb_network_disconnect_command;
extern const struct cb_cli_command cb_network_inspect_command;
extern const struct cb_cli_command cb_network_ls_command;
extern const struct cb_cli_command cb_network_prune_command;
extern const struct cb_cli_command cb_network_reload_command;
extern const struct cb_cli_command cb_network_rm_command;
extern const struct cb_cli_command cb_parse_command;
extern const struct cb_cli_command cb_pause_command;
extern const struct cb_cli_command cb_port_command;
extern const struct cb_cli_command cb_prune_command;
extern const struct cb_cli_command cb_ps_command;
extern const struct cb_cli_command cb_pull_command;
extern const struct cb_cli_command cb_push_command;
extern const struct cb_cli_command cb_pusher_command;
extern const struct cb_cli_command cb_rename_command;
extern const struct cb_cli_command cb_restart_command;
extern const struct cb_cli_command cb_rm_command;
extern const struct cb_cli_command cb_rmi_command;
extern const struct cb_cli_command cb_run_command;
extern const struct cb_cli_command cb_save_command;
extern const struct cb_cli_command cb_search_command;
extern const struct cb_cli_command cb_squash_command;
extern const struct cb_cli_command cb_start_command;
extern const struct cb_cli_command cb_stats_command;
extern const struct cb_cli_command cb_stop_command;
extern const struct cb_cli_command cb_system_prune_command;
extern const struct cb_cli_command cb_tag_command;
extern const struct cb_cli_command cb_top_command;
extern const struct cb_cli_command cb_unpause_command;
extern const struct cb_cli_command cb_image_unmount_command;
extern const struct cb_cli_command cb_unshare_command;
extern const struct cb_cli_command cb_untag_command;
extern const struct cb_cli_command cb_update_command;
extern const struct cb_cli_command cb_version_command;
extern const struct cb_cli_command cb_volume_create_command;
extern const struct cb_cli_command cb_volume_inspect_command;
extern const struct cb_cli_command cb_volume_ls_command;
extern const struct cb_cli_command cb_volume_prune_command;
extern const struct cb_cli_command cb_volume_rm_command;
extern const struct cb_cli_command cb_wait_command;

/* ── command.c ── */
/* Reads ARGV, which does not hold the command's name, and does it. Exit status, or -1. */
int cb_command_call(const struct cb_cli_command *command, struct cb_app *app, int argc,
                    char **argv, struct cb_error **err);
/* Exactly MIN..MAX arguments (MAX -1: any), else docker's USAGE text. */
int cb_command_check_args(const struct cb_cli_command *command,
                          const struct cb_strings *args, int min, int max,
                          struct cb_error **err);
/* Calls ACT for each of NAMES, also when it has failed for others, but not once the user
 * has had enough. The first error is returned with the others behind it. */
int cb_each_named(const struct cb_strings *names,
                  int (*act)(void *arg, const char *name, struct cb_error **err),
                  void *arg, struct cb_error **err);

/* ── enter.c ── */
/* From here on we are root of what COMMAND works with. Before the first thread. */
int cb_app_enter(struct cb_app *app, const struct cb_cli_command *command, int argc,
                 char **argv, struct cb_error **err);

#endif
