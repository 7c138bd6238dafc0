/* What the commands that speak with registries have in common. */
#ifndef CB_COMMANDS_TRANSFER_H
#define CB_COMMANDS_TRANSFER_H

#include "commands/access.h"
#include "commands/progress.h"
#include "registry/registry.h"

/* Their options. */
struct cb_transfer_values {
    struct cb_access_values access;
    struct cb_strings insecure;
    int quiet, tls_verify;
};
#define CB_TRANSFER_DEFAULTS \
    {                        \
        .tls_verify = 1      \
    }
/* Rows of an options table; TYPE has a member `common`. */
#define CB_TRANSFER_AUTHFILE(type) CB_ACCESS_AUTHFILE(type, common.access)
#define CB_TRANSFER_CERT_DIR(type) CB_ACCESS_CERT_DIR(type, common.access)
#define CB_TRANSFER_CREDS(type)    CB_ACCESS_CREDS(type, common.access)
#define CB_TRANSFER_INSECURE(type)                                                       \
    {                                                                                    \
        "insecure-registry", 0, CB_OPTION_LIST, offsetof(type, common.insecure), "HOST", \
            "Reach this registry by plain http or with an unverified certificate"        \
    }
#define CB_TRANSFER_TLS_VERIFY(type)                                              \
    {                                                                             \
        "tls-verify", 0, CB_OPTION_FLAG, offsetof(type, common.tls_verify), NULL, \
            "Verify certificates (default true)"                                  \
    }

struct cb_transfer {
    struct cb_store *store;
    struct cb_pool *pool;
    struct cb_progress *progress;
    struct cb_registry *registry;
    struct cb_strbuf results; /* what cb_transfer_say() was given */
};
/* NAMED: what of the command line is on registries, one of which --creds are for; or
 * NULL.
 */
int cb_transfer_open(struct cb_transfer *transfer, struct cb_app *app,
                     const struct cb_transfer_values *values,
                     const struct cb_strings *named, struct cb_error **err);
/* Results, for stdout: printed when all is closed, as the display draws over what is
 * printed on its terminal before. */
void cb_transfer_say(struct cb_transfer *transfer, const char *format, ...)
    CB_PRINTF(2, 3);
void cb_transfer_close(struct cb_transfer *transfer);
CB_AUTO_VALUE_DEFINE(cb_transfer, cb_transfer_close)

/* What a user calls an image, maybe with "docker://" before it, as podman and buildah
 * have it; "latest" being said when it is meant. */
int cb_transfer_name(const char *text, int quiet, struct cb_reference **reference,
                     struct cb_error **err);
/* The same of a repository for --all-tags: neither tag nor digest. */
int cb_transfer_repository(const char *text, struct cb_reference **reference,
                           struct cb_error **err);

#endif
