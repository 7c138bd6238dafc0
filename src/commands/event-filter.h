/* --filter of events: docker's keys (moby daemon/events/filter.go). */
#ifndef CB_COMMANDS_EVENT_FILTER_H
#define CB_COMMANDS_EVENT_FILTER_H

#include "commands/filter.h"
#include "store/journal.h"

/* Of a struct cb_journal_event. */
extern const struct cb_filter_key cb_event_filters[];
/* An attribute's value, or "". */
const char *cb_event_attribute(const struct cb_journal_event *event, const char *name);

#endif
