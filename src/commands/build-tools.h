/* Options of buildah and kaniko for building that have a meaning here: what they ask for
 * is put into the words of a build request. */
#ifndef CB_COMMANDS_BUILD_TOOLS_H
#define CB_COMMANDS_BUILD_TOOLS_H

#include "commands/access.h"
#include "engine/engine.h"

struct cb_build_tools {
    /* buildah */
    struct cb_strings arg_files;
    const char *timestamp, *logfile, *format;
    struct cb_access_values access;
    const char *os, *arch, *variant;
    int pull_always, pull_never;
    /* kaniko */
    struct cb_strings destinations, mirrors, maps, skip_verify_hosts, custom_platforms;
    const char *context, *sub_path, *dockerfile, *tar_path, *layout_path, *cache_repo;
    const char *digest_file, *name_digest_file, *tag_digest_file;
    const char *compression, *compression_level;
    const char *ignored;
    int no_push, no_push_cache, cache, single_snapshot, reproducible;
    int insecure, insecure_pull, skip_verify, skip_verify_pull, no_fallback;
    /* Made of these. */
    struct cb_strings texts;
    int stdin_fd; /* where `-` is read from; -1: standard input */
    int saved_fds[2];
};
void cb_build_tools_clear(struct cb_build_tools *tools);

/* What kaniko's variables ask for, as if it were among the options. */
int cb_build_tools_environment(struct cb_build_tools *tools, struct cb_error **err);
/* Adds "https://" to OUT, and the user that kaniko's variables name for REST, a
 * repository without a scheme. */
void cb_build_tools_git_server(struct cb_strbuf *out, const char *rest);
/* Fills REQUEST. ARGS: the arguments, of which --context may stand for the only one. */
int cb_build_tools_apply(struct cb_build_tools *tools, struct cb_build_request *request,
                         const struct cb_strings *args, struct cb_error **err);
/* --creds. USAGE unless the command line names one registry. */
int cb_build_creds(const struct cb_build_tools *tools,
                   const struct cb_build_request *request, struct cb_app *app,
                   struct cb_error **err);
/* What they say of registries, for this process. */
int cb_build_tools_registries(const struct cb_build_tools *tools, struct cb_app *app,
                              struct cb_error **err);
/* --logfile: standard output and error go there until they are put back. */
int cb_build_tools_log(struct cb_build_tools *tools, struct cb_error **err);
void cb_build_tools_log_end(struct cb_build_tools *tools);
/* The files with digests. */
int cb_build_tools_write(const struct cb_build_tools *tools,
                         const struct cb_build_outcome *outcome, struct cb_error **err);

#endif
