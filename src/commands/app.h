/* What a command is called with, and what it gets by it: the configuration, the store,
 * values of options that several commands have. */
#ifndef CB_COMMANDS_APP_H
#define CB_COMMANDS_APP_H

#include "engine/settings.h"
#include "executor/executor.h"
#include "executor/userns.h"
#include "network/hub.h"
#include "oci/oci.h"
#include "registry/registry.h"
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

/* For processes that serve many others, each by descriptors: as many as the hard limit
 * allows. Steps and containers have limits of their own. */
void cb_app_raise_files(void);
/* The configuration files, read when first asked for. Borrowed. */
int cb_app_settings(struct cb_app *app, const struct cb_settings **out,
                    struct cb_error **err);
/* Where the store of --root, $CBUILD_ROOT or the configuration is, or would be. Caller
 * frees *OUT. */
int cb_app_store_root(struct cb_app *app, char **out, struct cb_error **err);
enum cb_store_wish {
    CB_STORE_EXISTING,
    CB_STORE_CREATE, /* an empty one is started */
    CB_STORE_RECALL, /* … for who asks the index for an image and its layers, as the last
                        such process did, and is to be quick */
};
/* Opens that store. */
int cb_app_store(struct cb_app *app, enum cb_store_wish wish, struct cb_store **out,
                 struct cb_error **err);
/* The same for fsck --repair: a damaged index is replaced. */
int cb_app_store_repair(struct cb_app *app, struct cb_store **out, struct cb_error **err);
/* A client of registries as OPTIONS and the configuration have it. */
int cb_app_registry(struct cb_app *app, const struct cb_registry_options *options,
                    struct cb_registry **out, struct cb_error **err);
/* The value of --platform, in BUFFER; *OUT is NULL when there is none. USAGE. */
int cb_app_platform(const char *text, struct cb_platform *buffer,
                    const struct cb_platform **out, struct cb_error **err);
#define CB_DEFAULT_PLATFORM "DOCKER_DEFAULT_PLATFORM"
/* The same for what docker gives a default to: of $DOCKER_DEFAULT_PLATFORM when there is
 * no TEXT. */
int cb_app_default_platform(const char *text, struct cb_platform *buffer,
                            const struct cb_platform **out, struct cb_error **err);
/* --build-arg NAME[=VALUE] as "NAME=VALUE": without a value it is the environment's, or
 * left out. */
void cb_app_build_args(const struct cb_strings *given, struct cb_strings *out);

/* ── app-dockerfile.c ── */
/* The text of a Dockerfile with the files it includes; PATH "-" is standard input, NULL
 * the file that a build finds. Files are included from the directory CONTEXT; NULL: from
 * the current one if the Dockerfile is below it, else from the Dockerfile's. */
int cb_app_dockerfile(struct cb_cancel *cancel, const char *path, const char *context,
                      struct cb_source **out, struct cb_error **err);

/* ── docker-config.c ── */
/* GIVEN, or if that is NULL the text that docker's config.json has for KEY, if any.
 * Borrowed. */
const char *cb_docker_config_or(struct cb_app *app, const char *given, const char *key);
/* The same of a format, which may be given as nothing. */
const char *cb_docker_config_format(struct cb_app *app, const char *given,
                                    const char *key);

#endif
