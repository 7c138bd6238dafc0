/* Debug and warning text for people, to stderr only. Off below warnings unless --debug.
 */
#ifndef CB_BASE_LOG_H
#define CB_BASE_LOG_H

#include "base/alloc.h"

/* Called once by main before threads start. */
void cb_log_set_debug(int enabled);
void cb_debug(const char *format, ...) CB_PRINTF(1, 2);
void cb_warn(const char *format, ...) CB_PRINTF(1, 2);

#endif
