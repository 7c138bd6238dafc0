/* --filter of events: docker's keys. Values of one key are alternatives, keys must all
 * hold, and so must all labels (moby daemon/events/filter.go). */
#ifndef CB_COMMANDS_EVENT_FILTER_H
#define CB_COMMANDS_EVENT_FILTER_H

#include "base/error.h"
#include "store/journal.h"

/* "key=value" each. USAGE for keys there are not. */
int cb_event_filter_check(const struct cb_strings *given, struct cb_error **err);
/* 1/0, of what was checked. */
int cb_event_filter_takes(const struct cb_strings *given,
                          const struct cb_journal_event *event);
/* An attribute's value, or "". */
const char *cb_event_attribute(const struct cb_journal_event *event, const char *name);

#endif
