/* Running without root: the process moves into a user namespace and a mount namespace of
 * its own, where it is root, once and before its first thread. Everything that comes
 * after is the same code as root's. See docs/design/rootless.md. */
#ifndef CB_EXECUTOR_USERNS_H
#define CB_EXECUTOR_USERNS_H

#include "base/error.h"

#include <stdint.h>

enum cb_userns_kind {
    CB_USERNS_NONE,  /* root: nothing was entered */
    CB_USERNS_RANGE, /* root is the user, ids from 1 on are subordinate ones */
    CB_USERNS_SINGLE /* root is the user, no other id exists */
};

struct cb_userns {
    enum cb_userns_kind kind;
    uint32_t uid, gid; /* the user's own, outside */
    char why[256];     /* SINGLE: what was missing for more */
};

/* 1: we are root, with CAP_SYS_ADMIN, of the machine or of a namespace somebody else has
 * made: nothing is entered. */
int cb_userns_stays(struct cb_error **err);
/* For root with CAP_SYS_ADMIN nothing happens. For all others UNSUPPORTED with the
 * setting at fault where the kernel allows no user namespace. In a namespace of a SINGLE
 * id, changing an owner and changing to another user do nothing, successfully, for this
 * process and all it starts. */
int cb_userns_enter(struct cb_userns *out, struct cb_error **err);
/* The same with the namespace NAMESPACE, which another process of the user's has entered.
 * 1; 0: the kernel does not let us in. */
int cb_userns_join(struct cb_userns *out, int namespace, struct cb_error **err);

#endif
