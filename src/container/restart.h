/* --restart: whether, and when, a container that ended is started again. */
#ifndef CB_CONTAINER_RESTART_H
#define CB_CONTAINER_RESTART_H

#include "base/error.h"

#include <stdint.h>

enum cb_restart_kind {
    CB_RESTART_NO,
    CB_RESTART_ON_FAILURE,
    CB_RESTART_ALWAYS,
    CB_RESTART_UNLESS_STOPPED,
};
struct cb_restart_policy {
    enum cb_restart_kind kind;
    unsigned most; /* ON_FAILURE: how often; 0: any number of times */
};
/* TEXT NULL: no. USAGE. */
int cb_restart_policy_parse(struct cb_restart_policy *out, const char *text,
                            struct cb_error **err);
const char *cb_restart_policy_name(const struct cb_restart_policy *policy);
/* Is it to be started again after EXIT_CODE, having been so RESTARTS times? */
int cb_restart_wanted(const struct cb_restart_policy *policy, int exit_code,
                      unsigned restarts);
/* The pause before that: twice the LAST one (0: none yet), up to a minute, and from the
 * beginning for one that had run for ten seconds. */
int cb_restart_pause_ms(int last_ms, int64_t ran_ms);

#endif
