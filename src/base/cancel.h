/* One token per command: a flag and an eventfd. Signal handlers set it, loops check it,
 * waits poll it. */
#ifndef CB_BASE_CANCEL_H
#define CB_BASE_CANCEL_H

#include "base/error.h"

struct cb_cancel;

struct cb_cancel *cb_cancel_new(void);
void cb_cancel_free(struct cb_cancel *cancel);
CB_AUTO_DEFINE(cb_cancel, cb_cancel_free)
/* Async-signal-safe. */
void cb_cancel_request(struct cb_cancel *cancel);
int cb_cancel_requested(const struct cb_cancel *cancel); /* NULL: 0 */
/* Readable once requested; borrowed. -1 for NULL. */
int cb_cancel_fd(const struct cb_cancel *cancel);
/* 0, or -1 with a CANCELED error once requested. */
int cb_cancel_check(const struct cb_cancel *cancel, struct cb_error **err);

#endif
