/* What containers are called. */
#ifndef CB_CONTAINER_NAMES_H
#define CB_CONTAINER_NAMES_H

#include "base/atomic-file.h"
#include "container/record.h"

/* USAGE for one that is malformed. */
int cb_container_check_name(const char *name, struct cb_error **err);
/* Two random words, other ones for a later ATTEMPT. Caller frees. */
char *cb_container_random_name(unsigned attempt);
/* WISH, or for NULL a random one, that no other has; the lock of all is held. EXISTS. */
int cb_container_choose_name(struct cb_store *store, const char *wish, char **out,
                             struct cb_error **err);
int cb_container_save_name(const struct cb_container *container, enum cb_file_sync sync,
                           struct cb_error **err);

/* EXISTS with docker's words for a name that is taken. */
int cb_container_rename(struct cb_store *store, struct cb_container *container,
                        const char *name, struct cb_error **err);

#endif
