/* Configuration files: JSON with the keys of docker's daemon.json, in
 * /etc/cbuild/config.json for the machine and $XDG_CONFIG_HOME/cbuild/config.json
 * (~/.config/cbuild/config.json) for the user, or in the one that $CBUILD_CONFIG names. A
 * key of the user's replaces the machine's; members of `registries` do so one by one.
 * Options and environment variables come before both. */
#ifndef CB_ENGINE_SETTINGS_H
#define CB_ENGINE_SETTINGS_H

#include "base/error.h"
#include "registry/settings.h"

#define CB_SETTINGS_MACHINE_FILE "/etc/cbuild/config.json"

struct cb_settings {
    char *data_root;             /* "data-root", or its old name "graph" */
    char *max_store, *max_layer; /* "max-store", "max-layer-size": sizes */
    struct cb_registry_settings registry;
    struct cb_strings dns, dns_search, dns_options; /* of RUN steps, too */
    char *log_driver;
    struct cb_strings log_opts;                                /* "key=value" */
    struct cb_strings ulimits;                                 /* "name=soft:hard" */
    char *cgroup_parent, *cgroupns, *ipc, *shm_size, *seccomp; /* as options say it */
    int init, no_new_privileges;
    struct cb_strings address_pools;  /* "10.20.0.0/16=24": subnets of networks that are
                                         given none, so large each */
    struct cb_strings bridge_options; /* "key=value", of networks that are made */
    struct cb_strings own_bridge;     /* the same of the bridge of containers */
    struct cb_strings files;          /* that were read, in order */
    struct cb_strings sources; /* "key=file", of keys in force, in order of reading */
    struct cb_strings unused;  /* docker's keys that are there and mean nothing here */
    struct cb_strings missed;  /* those of them that would bind a container more */
};
/* Why docker's key KEY has no effect here; NULL if it is none of those. */
const char *cb_settings_idle_key(const char *key);
/* A warning for each key that is missed. */
void cb_settings_tell_missed(const struct cb_settings *settings);
/* A missing file is none. USAGE with file and key for anything else that is wrong: no
 * JSON, an unknown key (with what may have been meant), a value that cannot be. */
int cb_settings_load(struct cb_settings **out, struct cb_error **err);
void cb_settings_free(struct cb_settings *settings);
CB_AUTO_DEFINE(cb_settings, cb_settings_free)

#endif
