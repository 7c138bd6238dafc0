/* Options of every command, and docker's that stand before one. */
#include "commands/globals.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

const struct cb_option cb_globals[] = {
    {"root", 0, CB_OPTION_TEXT, offsetof(struct cb_app, root), "DIR",
     "Where images and caches are kept (default $CBUILD_ROOT, else /var/lib/cbuild, else "
     "without root $XDG_DATA_HOME/cbuild)"},
    {"max-store", 0, CB_OPTION_TEXT, offsetof(struct cb_app, max_store), "SIZE",
     "Keep the store below this by removing cache that was not used for longest "
     "(default: $CBUILD_MAX_STORE, or no limit)"},
    {"max-layer-size", 0, CB_OPTION_TEXT, offsetof(struct cb_app, max_layer), "SIZE",
     "What a layer may unpack to (default: $CBUILD_MAX_LAYER_SIZE, or 64g and, beyond "
     "1.25g, 1000 times what was fetched)"},
    {"debug", 'D', CB_OPTION_FLAG, offsetof(struct cb_app, debug), NULL,
     "Say more about what is done"},
    {0},
};

struct leading {
    const char *config, *context, *host, *log_level, *tls_file;
    int tls, tls_verify;
};

#define AT(field) offsetof(struct leading, field)

const struct cb_option cb_leading_globals[] = {
    {"config", 0, CB_OPTION_TEXT, AT(config), "DIR",
     "Where docker's config.json is (default $DOCKER_CONFIG, else ~/.docker)"},
    {"log-level", 'l', CB_OPTION_TEXT, AT(log_level), "LEVEL",
     "debug is as --debug; info, warn, error and fatal change nothing"},
    {"context", 0, CB_OPTION_TEXT, AT(context), "NAME", NULL},
    {"host", 'H', CB_OPTION_TEXT, AT(host), "ADDRESS", NULL},
    {"tls", 0, CB_OPTION_FLAG, AT(tls), NULL, NULL},
    {"tlscacert", 0, CB_OPTION_TEXT, AT(tls_file), "FILE", NULL},
    {"tlscert", 0, CB_OPTION_TEXT, AT(tls_file), "FILE", NULL},
    {"tlskey", 0, CB_OPTION_TEXT, AT(tls_file), "FILE", NULL},
    {"tlsverify", 0, CB_OPTION_FLAG, AT(tls_verify), NULL, NULL},
    {0},
};

static int take(struct cb_app *app, struct leading *leading, int argc, char **argv,
                int *at, struct cb_error **err)
{
    int taken = cb_options_take(cb_globals, argc, argv, at, app, err);

    if (taken == 0 && leading)
        taken = cb_options_take(cb_leading_globals, argc, argv, at, leading, err);
    return taken;
}

/* LEADING_ONLY: up to the first word that is no option. */
static int take_all(struct cb_app *app, struct leading *leading, int argc, char **argv,
                    int leading_only, struct cb_error **err)
{
    int out = 0;

    for (int i = 0; i < argc; i++) {
        int taken = 0;

        if (strcmp(argv[i], "--") == 0 || (leading_only && argv[i][0] != '-')) {
            while (i < argc)
                argv[out++] = argv[i++];
            break;
        }
        taken = take(app, leading, argc, argv, &i, err);
        if (taken < 0)
            return -1;
        if (!taken)
            argv[out++] = argv[i];
    }
    argv[out] = NULL;
    return out;
}

int cb_globals_take(struct cb_app *app, int argc, char **argv, int leading_only,
                    struct cb_error **err)
{
    return take_all(app, NULL, argc, argv, leading_only, err);
}

static int apply_log_level(struct cb_app *app, const char *level, struct cb_error **err)
{
    static const char *const levels[] = {"debug", "info", "warn", "error", "fatal"};

    for (size_t i = 0; level && i < CB_ARRAY_SIZE(levels); i++) {
        if (strcmp(level, levels[i]) == 0) {
            app->debug |= i == 0;
            level = NULL;
        }
    }
    if (!level)
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "unable to parse logging level: %s: expected debug, info, warn, "
                        "error or fatal",
                        level);
}

static int refuse_daemon(const char *what, const char *value, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_USAGE, "there is no daemon to talk to: %s%s", what, value);
    return cb_error_hint(err, "cbuild does it all itself, on this machine: leave the "
                              "option out");
}

/* kaniko's option: no context of docker's has such a name. */
static int refuse_build_context(const char *context, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_USAGE, "--context %s: no command says what to do with it",
                 context);
    return cb_error_hint(err,
                         "kaniko's options are those of `cbuild build`: `cbuild build "
                         "--context %s`",
                         context);
}

void cb_globals_warn_elsewhere(void)
{
    static const char *const elsewhere[] = {"tcp://", "ssh://", "http://", "https://"};
    const char *host = getenv("DOCKER_HOST");
    const char *context = getenv("DOCKER_CONTEXT");

    for (size_t i = 0; host && i < CB_ARRAY_SIZE(elsewhere); i++)
        if (strncmp(host, elsewhere[i], strlen(elsewhere[i])) == 0)
            cb_warn("$DOCKER_HOST is %s: it is not asked, all is done on this machine",
                    host);
    if (!(host && *host) && context && *context && strcmp(context, "default") != 0)
        cb_warn("$DOCKER_CONTEXT is %s: it is not asked, all is done on this machine",
                context);
}

static int apply(struct cb_app *app, const struct leading *leading, struct cb_error **err)
{
    const char *context = leading->context;

    if (context && strstr(context, "://"))
        return refuse_build_context(context, err);
    if (context && *context && strcmp(context, "default") != 0)
        return refuse_daemon("--context ", context, err);
    if (leading->host)
        return refuse_daemon("--host ", leading->host, err);
    if (leading->tls || leading->tls_verify || leading->tls_file)
        return refuse_daemon(leading->tls          ? "--tls"
                             : leading->tls_verify ? "--tlsverify"
                                                   : "certificates",
                             "", err);
    /* Before there is a second thread; helpers for credentials see it, too. */
    if (leading->config && setenv("DOCKER_CONFIG", leading->config, 1) < 0)
        abort();
    return apply_log_level(app, leading->log_level, err);
}

/* `buildx --builder NAME build`: there is one builder. */
int cb_globals_take_buildx(struct cb_app *app, int argc, char **argv,
                           struct cb_error **err)
{
    static const struct cb_option builder[] = {
        {"builder", 0, CB_OPTION_TEXT, 0, "NAME", NULL},
        {0},
    };
    const char *ignored;
    int at = 1, kept = 1;

    if (argc < 2 || strcmp(argv[0], "buildx") != 0)
        return argc;
    for (; at < argc && argv[at][0] == '-'; at++) {
        int taken = cb_options_take(builder, argc, argv, &at, &ignored, err);

        if (taken == 0)
            taken = take(app, NULL, argc, argv, &at, err);
        if (taken < 0)
            return -1;
        if (!taken)
            break;
    }
    while (at < argc)
        argv[kept++] = argv[at++];
    argv[kept] = NULL;
    return kept;
}

int cb_globals_take_leading(struct cb_app *app, int argc, char **argv,
                            struct cb_error **err)
{
    struct leading leading = {0};
    int left = take_all(app, &leading, argc, argv, 1, err);

    return left < 0 || apply(app, &leading, err) < 0 ? -1 : left;
}
