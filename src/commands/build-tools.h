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

/* Rows of an options table; TYPE has a member `tools`. kaniko's are not listed. */
#define CB_TOOLS_AT(type, field) offsetof(type, tools.field)
#define CB_BUILD_TOOLS_KANIKO(type)                                                        \
    {"cache", 0, CB_OPTION_FLAG, CB_TOOLS_AT(type, cache), NULL, NULL},                    \
        {"cache-copy-layers", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},                         \
        {"cache-dir", 0, CB_OPTION_TEXT, CB_TOOLS_AT(type, ignored), "DIR", NULL},         \
        {"cache-repo", 0, CB_OPTION_TEXT, CB_TOOLS_AT(type, cache_repo), "NAME", NULL},    \
        {"cache-run-layers", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},                          \
        {"cleanup", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},                                   \
        {"compressed-caching", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},                        \
        {"compression", 0, CB_OPTION_TEXT, CB_TOOLS_AT(type, compression), "TYPE", NULL},  \
        {"compression-level",                                                              \
         0,                                                                                \
         CB_OPTION_TEXT,                                                                   \
         CB_TOOLS_AT(type, compression_level),                                             \
         "N",                                                                              \
         NULL},                                                                            \
        {"context", 0, CB_OPTION_TEXT, CB_TOOLS_AT(type, context), "PLACE", NULL},         \
        {"context-sub-path", 0, CB_OPTION_TEXT, CB_TOOLS_AT(type, sub_path), "DIR", NULL}, \
        {"custom-platform", 0,   CB_OPTION_LIST, CB_TOOLS_AT(type, custom_platforms),      \
         "PLATFORM",        NULL},                                                         \
        {"customPlatform", 0,   CB_OPTION_LIST, CB_TOOLS_AT(type, custom_platforms),       \
         "PLATFORM",       NULL},                                                          \
        {"destination", 'd', CB_OPTION_LIST, CB_TOOLS_AT(type, destinations),              \
         "NAME",        NULL},                                                             \
        {"digest-file", 0, CB_OPTION_TEXT, CB_TOOLS_AT(type, digest_file), "FILE", NULL},  \
        {"dockerfile", 0, CB_OPTION_TEXT, CB_TOOLS_AT(type, dockerfile), "FILE", NULL},    \
        {"force", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},                                     \
        {"ignore-var-run", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},                            \
        {"image-download-retry",     0,   CB_OPTION_TEXT,                                  \
         CB_TOOLS_AT(type, ignored), "N", NULL},                                           \
        {"image-fs-extract-retry",   0,   CB_OPTION_TEXT,                                  \
         CB_TOOLS_AT(type, ignored), "N", NULL},                                           \
        {"image-name-tag-with-digest-file",  0,      CB_OPTION_TEXT,                       \
         CB_TOOLS_AT(type, tag_digest_file), "FILE", NULL},                                \
        {"image-name-with-digest-file",       0,      CB_OPTION_TEXT,                      \
         CB_TOOLS_AT(type, name_digest_file), "FILE", NULL},                               \
        {"insecure", 0, CB_OPTION_FLAG, CB_TOOLS_AT(type, insecure), NULL, NULL},          \
        {"insecure-pull",                                                                  \
         0,                                                                                \
         CB_OPTION_FLAG,                                                                   \
         CB_TOOLS_AT(type, insecure_pull),                                                 \
         NULL,                                                                             \
         NULL},                                                                            \
        {"kaniko-dir", 0, CB_OPTION_TEXT, CB_TOOLS_AT(type, ignored), "DIR", NULL},        \
        {"log-format", 0, CB_OPTION_TEXT, CB_TOOLS_AT(type, ignored), "FORMAT", NULL},     \
        {"log-timestamp", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},                             \
        {"no-push", 0, CB_OPTION_FLAG, CB_TOOLS_AT(type, no_push), NULL, NULL},            \
        {"no-push-cache",                                                                  \
         0,                                                                                \
         CB_OPTION_FLAG,                                                                   \
         CB_TOOLS_AT(type, no_push_cache),                                                 \
         NULL,                                                                             \
         NULL},                                                                            \
        {"oci-layout-path",                                                                \
         0,                                                                                \
         CB_OPTION_TEXT,                                                                   \
         CB_TOOLS_AT(type, layout_path),                                                   \
         "DIR",                                                                            \
         NULL},                                                                            \
        {"push-retry", 0, CB_OPTION_TEXT, CB_TOOLS_AT(type, ignored), "N", NULL},          \
        {"registry-map", 0, CB_OPTION_LIST, CB_TOOLS_AT(type, maps), "FROM=TO;...", NULL}, \
        {"registry-mirror", 0, CB_OPTION_LIST, CB_TOOLS_AT(type, mirrors), "HOST", NULL},  \
        {"reproducible", 0, CB_OPTION_FLAG, CB_TOOLS_AT(type, reproducible), NULL, NULL},  \
        {"single-snapshot",                                                                \
         0,                                                                                \
         CB_OPTION_FLAG,                                                                   \
         CB_TOOLS_AT(type, single_snapshot),                                               \
         NULL,                                                                             \
         NULL},                                                                            \
        {"skip-default-registry-fallback", 0,    CB_OPTION_FLAG,                           \
         CB_TOOLS_AT(type, no_fallback),   NULL, NULL},                                    \
        {"skip-push-permission-check", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},                \
        {"skip-tls-verify",                                                                \
         0,                                                                                \
         CB_OPTION_FLAG,                                                                   \
         CB_TOOLS_AT(type, skip_verify),                                                   \
         NULL,                                                                             \
         NULL},                                                                            \
        {"skip-tls-verify-pull",                                                           \
         0,                                                                                \
         CB_OPTION_FLAG,                                                                   \
         CB_TOOLS_AT(type, skip_verify_pull),                                              \
         NULL,                                                                             \
         NULL},                                                                            \
        {"skip-tls-verify-registry",           0,      CB_OPTION_LIST,                     \
         CB_TOOLS_AT(type, skip_verify_hosts), "HOST", NULL},                              \
        {"skip-unused-stages", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},                        \
        {"snapshot-mode", 0, CB_OPTION_TEXT, CB_TOOLS_AT(type, ignored), "MODE", NULL},    \
        {"snapshotMode", 0, CB_OPTION_TEXT, CB_TOOLS_AT(type, ignored), "MODE", NULL},     \
        {"tar-path", 0, CB_OPTION_TEXT, CB_TOOLS_AT(type, tar_path), "FILE", NULL},        \
        {"tarPath", 0, CB_OPTION_TEXT, CB_TOOLS_AT(type, tar_path), "FILE", NULL},         \
        {"use-new-run", 0, CB_OPTION_ACCEPTED, 0, NULL, ""},                               \
    {                                                                                      \
        "verbosity", 0, CB_OPTION_TEXT, CB_TOOLS_AT(type, ignored), "LEVEL", NULL          \
    }

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
