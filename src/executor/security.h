/* Docker's --security-opt and --device as values. */
#ifndef CB_EXECUTOR_SECURITY_H
#define CB_EXECUTOR_SECURITY_H

#include "executor/cdi.h"
#include "executor/executor.h"

/* Named as in cb_process_spec. */
struct cb_security_settings {
    int no_new_privileges;
    char *seccomp;
    int unmask_all;
    struct cb_strings mask, unmask;
};
void cb_security_settings_clear(struct cb_security_settings *settings);
CB_AUTO_VALUE_DEFINE(cb_security_settings, cb_security_settings_clear)
/* Each of OPTIONS. A profile of system calls is read from its file here. USAGE. */
int cb_security_parse(struct cb_security_settings *out, const struct cb_strings *options,
                      struct cb_error **err);
/* SPEC borrows from SETTINGS. */
void cb_security_apply(const struct cb_security_settings *settings,
                       struct cb_process_spec *spec);
/* plan-masks.c: what a process with SETTINGS does not see, or cannot write. */
void cb_security_list_hidden(const struct cb_security_settings *settings,
                             struct cb_strings *masked, struct cb_strings *read_only);

/* --device */
struct cb_device_node {
    char *host, *path;          /* PATH: in the container */
    struct cb_device_rule rule; /* its number, and what may not be done with it */
};
struct cb_device_nodes {
    struct cb_device_node *items;
    size_t count, capacity;
};
void cb_device_nodes_clear(struct cb_device_nodes *nodes);
CB_AUTO_VALUE_DEFINE(cb_device_nodes, cb_device_nodes_clear)
/* Is TEXT the name of a CDI device (vendor/class=name) and not a path? */
int cb_device_is_cdi(const char *text);
/* HOST[:CONTAINER][:rwm]: whether it is written so; nothing is looked for. */
int cb_device_check(const char *text, struct cb_error **err);
/* The same, and looked up: of a directory all that is below it. Appends. Where there is
 * no device the error has docker's words and the errno. */
int cb_device_parse(struct cb_device_nodes *out, const char *text, struct cb_error **err);
/* Adds the rules of nodes with which not everything may be done. */
int cb_device_limit(struct cb_limits *limits, const struct cb_device_nodes *nodes,
                    struct cb_error **err);

/* ── device-rules.c: --device-cgroup-rule ── */
/* Refuses all devices but those that all have, those of RULES, NODES and CDI. Without
 * RULES nothing changes; without LIMITS they are only checked. USAGE for what is no rule,
 * UNSUPPORTED where a node that is made cannot be opened at all. */
int cb_device_rules_parse(struct cb_limits *limits, const struct cb_strings *rules,
                          const struct cb_device_nodes *nodes,
                          const struct cb_cdi_edits *cdi, struct cb_error **err);

#endif
