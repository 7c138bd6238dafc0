/* Inside the configuration: readers of values, each of which replaces what an earlier
 * file said, and errors that begin with file and key. */
#ifndef CB_ENGINE_SETTINGS_PRIV_H
#define CB_ENGINE_SETTINGS_PRIV_H

#include "base/json.h"
#include "engine/settings.h"

/* Empty text is NULL. */
int cb_settings_text(char **slot, const struct cb_json *value, struct cb_error **err);
int cb_settings_list(struct cb_strings *slot, const struct cb_json *value,
                     struct cb_error **err);
/* USAGE: "FILE: KEY: " and the message. */
int cb_settings_fail(const struct cb_json *value, struct cb_error **err,
                     const char *format, ...) CB_PRINTF(3, 4);
/* The same of KEY in OBJECT, which is none of NAMES; one that may have been meant is the
 * hint. */
int cb_settings_unknown(const struct cb_json *object, const char *key,
                        const char *const *names, size_t count, struct cb_error **err);

/* settings-registries.c: "registries", an object of rules by prefix, and docker's
 * "registry-mirrors". */
int cb_settings_registries(struct cb_settings *settings, const struct cb_json *value,
                           struct cb_error **err);
int cb_settings_mirrors(struct cb_settings *settings, const struct cb_json *value,
                        struct cb_error **err);

/* settings-containers.c: what containers get that do not ask for something else. */
int cb_settings_dns(struct cb_settings *settings, const struct cb_json *value,
                    struct cb_error **err);
int cb_settings_dns_search(struct cb_settings *settings, const struct cb_json *value,
                           struct cb_error **err);
int cb_settings_dns_options(struct cb_settings *settings, const struct cb_json *value,
                            struct cb_error **err);
int cb_settings_log_driver(struct cb_settings *settings, const struct cb_json *value,
                           struct cb_error **err);
int cb_settings_log_opts(struct cb_settings *settings, const struct cb_json *value,
                         struct cb_error **err);
void cb_settings_settle_log(struct cb_settings *settings);
int cb_settings_ulimits(struct cb_settings *settings, const struct cb_json *value,
                        struct cb_error **err);

#endif
