/* What the process may know about the user namespace it is in. What it means for a file
 * system or a mount is the business of those who ask. */
#ifndef CB_BASE_USER_NAMESPACE_H
#define CB_BASE_USER_NAMESPACE_H

#include "base/error.h"

#include <stdint.h>

/* 1 in any but the machine's first. */
int cb_in_user_namespace(void);
/* How many of the ids 0, 1, 2… without a gap mean something here: 2^32-1 in the first
 * namespace, 1 where a user has no subordinate ids. The smaller of users and groups. */
uint32_t cb_mapped_ids(void);
/* What UID is outside of the user namespace we are in; UID itself for one that is none
 * there. */
uint32_t cb_outer_uid(uint32_t uid);
/* Adds to ERR what to do when UID or GID is none of them. Returns -1. */
int cb_mapped_ids_hint(struct cb_error **err, uint32_t uid, uint32_t gid);

#endif
