/* Containers and volumes in the store's journal, with the attributes docker gives them.
 * Whoever did it tells. */
#ifndef CB_CONTAINER_JOURNAL_H
#define CB_CONTAINER_JOURNAL_H

#include "container/record.h"

/* ACTION is docker's: "create", "start", "die", … With a start its volumes are told to be
 * mounted and its networks connected, with its end the opposite. NAME and VALUE: one more
 * attribute, or NULL. Never fails: what is told was done. */
void cb_container_tell(struct cb_store *store, const struct cb_container *container,
                       const char *action, const char *name, const char *value);
/* The same with more of them: PAIRS are names and values in turns. */
void cb_container_tell_all(struct cb_store *store, const struct cb_container *container,
                           const char *action, const struct cb_strings *pairs);
/* The same for who has no store open. */
void cb_container_tell_at(const char *store_root, const struct cb_container *container,
                          const char *action, const char *name, const char *value);
/* What somebody had started in it, as `exec_create` and `exec_start`, and its end. */
void cb_container_tell_exec(const char *store_root, const struct cb_container *container,
                            const char *exec_id, const struct cb_strings *argv);
void cb_container_tell_exec_end(const char *store_root,
                                const struct cb_container *container, const char *exec_id,
                                int exit_code);

/* "create", "destroy" */
void cb_volume_tell(struct cb_store *store, const char *name, const char *action);

#endif
