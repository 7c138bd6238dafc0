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
    char *data_root; /* "data-root", or its old name "graph" */
    char *max_store; /* "max-store", a size */
    struct cb_registry_settings registry;
    struct cb_strings dns, dns_search, dns_options; /* of RUN steps, too */
    char *log_driver;
    struct cb_strings log_opts; /* "key=value" */
    struct cb_strings ulimits;  /* "name=soft:hard" */
    struct cb_strings files;    /* that were read, in order */
    struct cb_strings sources;  /* "key=file", of keys in force, in order of reading */
    struct cb_strings unused;   /* docker's keys that are there and mean nothing here */
};
/* A missing file is none. USAGE with file and key for anything else that is wrong: no
 * JSON, an unknown key (with what may have been meant), a value that cannot be. */
int cb_settings_load(struct cb_settings **out, struct cb_error **err);
void cb_settings_free(struct cb_settings *settings);
CB_AUTO_DEFINE(cb_settings, cb_settings_free)

#endif
