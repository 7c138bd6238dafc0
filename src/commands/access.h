/* Options that say who we are to registries, as buildah, podman and skopeo have them: as
 * if the configuration said it, for this process. */
#ifndef CB_COMMANDS_ACCESS_H
#define CB_COMMANDS_ACCESS_H

#include "commands/commands.h"
#include "commands/options.h"

struct cb_access_values {
    const char *authfile, *creds, *cert_dir; /* or NULL */
};
/* Rows of an options table; MEMBER of TYPE is the struct. */
#define CB_ACCESS_AUTHFILE(type, member)                                        \
    {                                                                           \
        "authfile", 0, CB_OPTION_TEXT, offsetof(type, member.authfile), "FILE", \
            "Look for credentials in this file first"                           \
    }
#define CB_ACCESS_CERT_DIR(type, member)                                       \
    {                                                                          \
        "cert-dir", 0, CB_OPTION_TEXT, offsetof(type, member.cert_dir), "DIR", \
            "Certificates (*.crt, *.cert, *.key) for every registry"           \
    }
#define CB_ACCESS_CREDS(type, member)                                              \
    {                                                                              \
        "creds", 0, CB_OPTION_TEXT, offsetof(type, member.creds), "USER:PASSWORD", \
            "Credentials for the registry that is named"                           \
    }

/* Those of APP that say how registries are spoken to, to be changed before one is opened.
 * Borrowed; NULL. */
struct cb_registry_settings *cb_access_settings(struct cb_app *app,
                                                struct cb_error **err);
/* Into APP's settings, before a registry is opened with them. --creds are for nobody
 * until cb_access_name; USAGE when they are malformed. */
int cb_access_apply(const struct cb_access_values *values, struct cb_app *app,
                    struct cb_error **err);
/* --creds, if given, are for the registry of NAME, which the command line has, an image's
 * or a repository's. USAGE when they are another's already. What is no name is passed
 * over. */
int cb_access_name(const struct cb_access_values *values, struct cb_app *app,
                   const char *name, struct cb_error **err);
/* CREDS of OPTION, for HOST alone. */
int cb_access_login(struct cb_app *app, const char *option, const char *creds,
                    const char *host, struct cb_error **err);

#endif
