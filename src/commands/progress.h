/* Progress displays: event sinks that print to stderr. */
#ifndef CB_COMMANDS_PROGRESS_H
#define CB_COMMANDS_PROGRESS_H

#include "base/error.h"
#include "base/event.h"
#include "base/strbuf.h"

struct cb_progress;

/* MODE: "auto" (tty on a terminal, else plain), "tty", "plain", "quiet", "rawjson",
 * "legacy". NULL: $BUILDKIT_PROGRESS, else auto. USAGE for others. */
int cb_progress_new(struct cb_progress **out, const char *mode, struct cb_error **err);
/* The same without opening one: is MODE, or the variable, one of them? */
int cb_progress_check(const char *mode, struct cb_error **err);
/* Where to send what happens, from any thread. */
struct cb_event_sink *cb_progress_sink(struct cb_progress *progress);
/* Is the image's id seen in its steps? */
int cb_progress_tells_image(const struct cb_progress *progress);
/* Is the result told as docker's first builder did? */
int cb_progress_has_legacy_result(const struct cb_progress *progress);
/* Does a summary for people belong behind it? */
int cb_progress_wants_summary(const struct cb_progress *progress);
/* Lets somebody else have the terminal: nothing is shown in between, and what a step says
 * waits. */
void cb_progress_suspend(struct cb_progress *progress);
void cb_progress_resume(struct cb_progress *progress);
/* Draws the last state and frees. */
void cb_progress_free(struct cb_progress *progress);
CB_AUTO_DEFINE(cb_progress, cb_progress_free)

/* ── For who prints the same elsewhere ── */
/* progress-colour.c: one line of a step's output. COLOUR: with the colours it has. */
void cb_colour_add(struct cb_strbuf *out, const char *text, size_t len, int colour);
/* One line without a terminal's commands, and with blanks for its tabs: what is left of
 * it when it is shown among others. */
void cb_colour_drop(struct cb_strbuf *out, const char *text, size_t len);
/* Is FD a terminal, and NO_COLOR not set? */
int cb_colour_wanted(int fd);
/* A warning or a notice, printed alike by all displays. PREFIX: of the step it is of, as
 * "#3 ", or "". */
void cb_progress_print_warning(const struct cb_event *event, const char *prefix);

#endif
