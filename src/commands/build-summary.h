/* What a build is summed up as when it is over: how long it took and what it waited for.
 * A sink between the engine and the display. */
#ifndef CB_COMMANDS_BUILD_SUMMARY_H
#define CB_COMMANDS_BUILD_SUMMARY_H

#include "base/event.h"

struct cb_build_summary;

/* Passes every event on to NEXT. */
struct cb_build_summary *cb_build_summary_new(struct cb_event_sink *next);
struct cb_event_sink *cb_build_summary_sink(struct cb_build_summary *summary);
/* To standard error; nothing for a build that took less than a second, about which nobody
 * asks. */
void cb_build_summary_print(struct cb_build_summary *summary);
void cb_build_summary_free(struct cb_build_summary *summary);
CB_AUTO_DEFINE(cb_build_summary, cb_build_summary_free)

#endif
