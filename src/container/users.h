/* Which containers use what. */
#ifndef CB_CONTAINER_USERS_H
#define CB_CONTAINER_USERS_H

#include "container/record.h"

/* The first of ALL that was made of the image ID ("sha256:…"), and with RUNNING runs; or
 * NULL. Borrowed. */
const struct cb_container *cb_containers_find_user(const struct cb_containers *all,
                                                   const struct cb_digest *id,
                                                   int running);

#endif
