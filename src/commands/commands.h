/* argv → one call → exit status. Results on stdout, all else on stderr. A command is a
 * file here and a row of the table in table.c. */
#ifndef CB_COMMANDS_COMMANDS_H
#define CB_COMMANDS_COMMANDS_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/event.h"
#include "commands/filter.h"
#include "commands/options.h"
#include "engine/settings.h"
#include "executor/executor.h"
#include "executor/userns.h"
#include "network/hub.h"
#include "oci/oci.h"
#include "store/refs.h"
#include "store/store.h"

#include <jansson.h>

struct cb_app {                   /* what main prepared before the first thread */
    struct cb_launcher *launcher; /* for commands that run processes, else NULL */
    struct cb_userns userns;      /* what was entered, if anything */
    struct cb_hub *hub;           /* where networks are shared in it, or NULL */
    struct cb_cancel *cancel;     /* set by SIGINT, SIGTERM, SIGHUP */
    const char *root;             /* --root, or NULL */
    const char *max_store;        /* --max-store, or NULL */
    const char *max_layer;        /* --max-layer-size, or NULL */
    int debug;
    struct cb_settings *settings; /* see cb_app_settings */
    json_t *docker_config;        /* see cb_docker_config_or */
};

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
    int stays_out; /* touches neither store nor processes: no user namespace is entered */
    int watches;   /* goes on until it is interrupted, which is no error to tell of */
};

extern const struct cb_cli_command cb_attach_command;
extern const struct cb_cli_command cb_build_command;
extern const struct cb_absent_option cb_build_foreign[]; /* build-foreign.c */
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

/* ── table.c ── */
extern const struct cb_cli_command
    *const cb_commands[]; /* ends with NULL; in the order of --help */
/* Finds the command for ARGV, in both of docker's spellings (`images`, `image ls`).
 * *USED: how many words named it. */
const struct cb_cli_command *cb_command_find(int argc, char **argv, int *used);
/* `image`, `cache`: is WORD followed by others, and by which. */
int cb_command_is_group(const char *word);
/* The groups and a group's verbs, one after the other: start with *AT 0; NULL at the end.
 */
const char *cb_command_next_group(size_t *at);
const char *cb_command_next_verb(const char *group, size_t *at, const char **summary);
/* All spellings of two words, aliases too: 0 at the end. */
int cb_command_next_spelling(size_t *at, const char **group, const char **verb,
                             const struct cb_cli_command **command);
/* "`x` is not a cbuild command" with what may have been meant. Returns -1. */
int cb_command_unknown(int argc, char **argv, struct cb_error **err);

/* ── command.c ── */
/* Reads ARGV, which does not hold the command's name, and does it. Exit status, or -1. */
int cb_command_call(const struct cb_cli_command *command, struct cb_app *app, int argc,
                    char **argv, struct cb_error **err);

/* ── globals.c ── */
/* Options of every command; and docker's that stand before it. Rows without help are not
 * here and say so. */
extern const struct cb_option cb_globals[];
extern const struct cb_option cb_leading_globals[];
/* Takes the first kind out of argv, LEADING_ONLY before the first argument. Returns the
 * new argc, -1 USAGE. */
int cb_globals_take(struct cb_app *app, int argc, char **argv, int leading_only,
                    struct cb_error **err);
/* $DOCKER_HOST and $DOCKER_CONTEXT of another machine: a warning says that it is not
 * asked. */
void cb_globals_warn_elsewhere(void);
/* What buildx has between its own name and the command's. Likewise. */
int cb_globals_take_buildx(struct cb_app *app, int argc, char **argv,
                           struct cb_error **err);
/* Both kinds, before the command. */
int cb_globals_take_leading(struct cb_app *app, int argc, char **argv,
                            struct cb_error **err);

/* ── examples.c ── */
/* Lines that end in a newline; or NULL. */
const char *cb_command_examples(const struct cb_cli_command *command);

/* ── help.c ── */
/* What `cbuild --help` prints. */
void cb_print_overview(FILE *out);
void cb_print_command_help(const struct cb_cli_command *command, FILE *out);
void cb_print_group_help(const char *group, FILE *out);
/* The headings of the overview, from 0 on, NULL at the end; and where a command stands.
 */
const char *cb_help_section_title(size_t section);
size_t cb_help_section(const struct cb_cli_command *command);

/* ── enter.c ── */
/* From here on we are root of what we work with. */
int cb_app_enter(struct cb_app *app, const struct cb_cli_command *command, int argc,
                 char **argv, struct cb_error **err);
/* ── docker-config.c ── */
/* GIVEN, or if that is NULL the text that docker's config.json has for KEY, if any.
 * Borrowed. */
const char *cb_docker_config_or(struct cb_app *app, const char *given, const char *key);
/* The same of a format, which may be given as nothing. */
const char *cb_docker_config_format(struct cb_app *app, const char *given,
                                    const char *key);

/* ── app.c: what several commands need ── */
/* For processes that serve many others, each by descriptors: as many as the hard limit
 * allows. Steps and containers have limits of their own. */
void cb_app_raise_files(void);
/* The configuration files, read when first asked for. Borrowed. */
int cb_app_settings(struct cb_app *app, const struct cb_settings **out,
                    struct cb_error **err);
/* Where the store of --root, $CBUILD_ROOT or the configuration is, or would be. Caller
 * frees *OUT. */
int cb_app_store_root(struct cb_app *app, char **out, struct cb_error **err);
/* Opens that store; CREATE for commands that may start an empty one. */
int cb_app_store(struct cb_app *app, int create, struct cb_store **out,
                 struct cb_error **err);
/* The same for fsck --repair: a damaged index is replaced. */
int cb_app_store_repair(struct cb_app *app, struct cb_store **out, struct cb_error **err);
/* The value of --platform, in BUFFER; *OUT is NULL when there is none. USAGE. */
int cb_app_platform(const char *text, struct cb_platform *buffer,
                    const struct cb_platform **out, struct cb_error **err);
#define CB_DEFAULT_PLATFORM "DOCKER_DEFAULT_PLATFORM"
/* The same for what docker gives a default to: of $DOCKER_DEFAULT_PLATFORM when there is
 * no TEXT. */
int cb_app_default_platform(const char *text, struct cb_platform *buffer,
                            const struct cb_platform **out, struct cb_error **err);
/* Exactly MIN..MAX arguments (MAX -1: any), else docker's USAGE text. */
int cb_app_arguments(const struct cb_cli_command *command, const struct cb_strings *args,
                     int min, int max, struct cb_error **err);
/* The text of a Dockerfile with the files it includes; PATH "-" is standard input, NULL
 * the file that a build finds. Files are included from the directory CONTEXT; NULL: from
 * the current one if the Dockerfile is below it, else from the Dockerfile's. */
int cb_app_dockerfile(struct cb_cancel *cancel, const char *path, const char *context,
                      struct cb_source **out, struct cb_error **err);
/* --build-arg NAME[=VALUE] as "NAME=VALUE": without a value it is the environment's, or
 * left out. */
void cb_app_build_args(const struct cb_strings *given, struct cb_strings *out);
/* First 12 hex digits. */
void cb_short_id(const struct cb_digest *id, char out[13]);
/* Flushes stdout; a full disk or closed pipe is an error like any other (EPIPE is quiet).
 */
int cb_flush_stdout(struct cb_error **err);
int cb_stdout_is_terminal(void);
/* Asks on standard input whether WHAT may be removed, ":\n  - a list\n" or one thing. Its
 * end is a no. */
int cb_confirmed(const char *what);

/* run-files.c: each of LABELS, which stand after OPTION, has a name. */
int cb_labels_check(const struct cb_strings *labels, const char *option,
                    struct cb_error **err);

#endif
