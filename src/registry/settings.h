/* What the configuration says about registries: where they are really, and how they may
 * be spoken to. Plain data; made by engine/settings. */
#ifndef CB_REGISTRY_SETTINGS_H
#define CB_REGISTRY_SETTINGS_H

#include "base/vec.h"

/* For names that begin with PREFIX: whole components, "docker.io" or
 * "registry.example/team". The longest prefix that fits decides. */
struct cb_registry_rule {
    char *prefix;
    struct cb_strings mirrors; /* "[http://|https://]host[:port][/path]", asked in this
                                  order before the registry, for pulls only; each stands
                                  for PREFIX */
    char *rewrite; /* "host[:port][/path]" that stands for PREFIX itself, also for pushes;
                      or NULL */
    int insecure;  /* plain http or an unverified certificate will do */
    int blocked;   /* nothing is asked: an error */
    int only_mirrors; /* what no mirror has is not asked for at PREFIX */
};

/* Who we are, said on the command line; goes before all files. */
struct cb_registry_login {
    char *host;  /* the one registry it is for */
    char *creds; /* "user:password". Secret */
};

struct cb_registry_settings {
    CB_VEC(struct cb_registry_rule) rules;
    struct cb_strings insecure;   /* hosts, "host:port", and CIDR ranges */
    struct cb_strings certs_dirs; /* searched before the usual certs.d directories */
    unsigned downloads, uploads;  /* layers at a time; 0: the default */
    unsigned tries;               /* of one request; 0: the default */
    CB_VEC(struct cb_registry_login) logins;
    char *auth_file; /* asked for credentials before the usual files; or NULL */
    char *cert_dir;  /* has the certificates of every registry; or NULL */
    char *http_proxy, *https_proxy, *no_proxy; /* used where the environment has none */
};
void cb_registry_settings_clear(struct cb_registry_settings *settings);

/* "user:password" for HOST, or NULL. Borrowed. */
const char *cb_registry_creds(const struct cb_registry_settings *settings,
                              const char *host);

/* The rule for HOST/PATH; NULL if there is none. *REST: what follows the prefix, without
 * its slash. Borrowed. */
const struct cb_registry_rule *
cb_registry_rule_find(const struct cb_registry_settings *settings, const char *host,
                      const char *path, const char **rest);

#endif
