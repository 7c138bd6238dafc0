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
            "Credentials for every registry"                                       \
    }

/* Into APP's settings, before a registry is opened with them. USAGE of malformed --creds.
 */
int cb_access_apply(const struct cb_access_values *values, struct cb_app *app,
                    struct cb_error **err);
/* CREDS of OPTION, for HOST alone, or for every registry if that is NULL. */
int cb_access_login(struct cb_app *app, const char *option, const char *creds,
                    const char *host, struct cb_error **err);

#endif
