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
 * "registry-mirrors" and "insecure-registries". */
int cb_settings_registries(struct cb_settings *settings, const struct cb_json *value,
                           struct cb_error **err);
int cb_settings_mirrors(struct cb_settings *settings, const struct cb_json *value,
                        struct cb_error **err);
int cb_settings_insecure(struct cb_settings *settings, const struct cb_json *value,
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

/* settings-sandbox.c: how containers are bound that do not ask for something else. */
int cb_settings_cgroup_parent(struct cb_settings *settings, const struct cb_json *value,
                              struct cb_error **err);
int cb_settings_cgroupns(struct cb_settings *settings, const struct cb_json *value,
                         struct cb_error **err);
int cb_settings_init(struct cb_settings *settings, const struct cb_json *value,
                     struct cb_error **err);
int cb_settings_ipc(struct cb_settings *settings, const struct cb_json *value,
                    struct cb_error **err);
int cb_settings_no_new_privileges(struct cb_settings *settings,
                                  const struct cb_json *value, struct cb_error **err);
int cb_settings_seccomp(struct cb_settings *settings, const struct cb_json *value,
                        struct cb_error **err);
int cb_settings_shm_size(struct cb_settings *settings, const struct cb_json *value,
                         struct cb_error **err);

/* settings-networks.c: what networks are made with that do not ask for something else. */
int cb_settings_address_pools(struct cb_settings *settings, const struct cb_json *value,
                              struct cb_error **err);
int cb_settings_network_opts(struct cb_settings *settings, const struct cb_json *value,
                             struct cb_error **err);
int cb_settings_bip(struct cb_settings *settings, const struct cb_json *value,
                    struct cb_error **err);
int cb_settings_fixed_cidr(struct cb_settings *settings, const struct cb_json *value,
                           struct cb_error **err);
int cb_settings_icc(struct cb_settings *settings, const struct cb_json *value,
                    struct cb_error **err);
int cb_settings_ip(struct cb_settings *settings, const struct cb_json *value,
                   struct cb_error **err);
int cb_settings_masquerade(struct cb_settings *settings, const struct cb_json *value,
                           struct cb_error **err);
int cb_settings_mtu(struct cb_settings *settings, const struct cb_json *value,
                    struct cb_error **err);

/* settings-idle.c: KEY, one of those without effect, was in a file. */
void cb_settings_note_idle(struct cb_settings *settings, const char *key,
                           const struct cb_json *value);

#endif
