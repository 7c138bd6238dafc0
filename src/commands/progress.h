/* Progress displays: event sinks that print to stderr. */
#ifndef CB_COMMANDS_PROGRESS_H
#define CB_COMMANDS_PROGRESS_H

#include "base/error.h"
#include "base/event.h"
#include "base/strbuf.h"

struct cb_progress; /* owns a sink */

/* MODE: "auto" (tty on a terminal, else plain), "tty", "plain", "quiet", "rawjson",
 * "legacy".
 * NULL: $BUILDKIT_PROGRESS, else auto. USAGE for others. */
int cb_progress_new(struct cb_progress **out, const char *mode, struct cb_error **err);
/* The same without opening one: is MODE, or the variable, one of them? */
int cb_progress_check(const char *mode, struct cb_error **err);
struct cb_event_sink *cb_progress_sink(struct cb_progress *progress);
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

/* ── For the displays themselves ── */
struct cb_progress_class {
    const char *mode;
    struct cb_event_sink *(*open)(void);
    void (*close)(struct cb_event_sink *sink);
    void (*suspend)(struct cb_event_sink *sink, int suspend); /* 0: goes on */
    int no_summary;                                           /* nothing else is said */
    int legacy_result; /* "Successfully built", where others print the id */
};
extern const struct cb_progress_class cb_progress_plain, cb_progress_tty,
    cb_progress_quiet, cb_progress_json, cb_progress_legacy;
/* What a step said, kept for the case that it fails. Starts as zeroes. */
struct cb_step_log {
    struct cb_strbuf text;
    int cut; /* the oldest is gone */
};
void cb_step_log_add(struct cb_step_log *log, const char *text, size_t len);
void cb_step_log_clear(struct cb_step_log *log);
/* Its last lines, to stderr; nothing when the step was silent. */
void cb_step_log_print(const struct cb_step_log *log, const char *name);
/* "1.2s". */
const char *cb_progress_seconds(int64_t ns, char buffer[32]);
/* Leaves out what a carriage return overwrote with at least as much text, as a terminal
 * would: "5%\r10%\r" is "10%". Returns where the rest of LINE starts; *LEN gets shorter.
 */
const char *cb_progress_line(const char *line, size_t *len);
/* progress-colour.c: one line of a step's output. COLOUR: with the colours it has. */
void cb_colour_add(struct cb_strbuf *out, const char *text, size_t len, int colour);
/* Is FD a terminal, and NO_COLOR not set? */
int cb_colour_wanted(int fd);
/* A warning or a notice, printed alike by all displays. PREFIX: of the step it is of, as
 * "#3 ", or "". */
void cb_progress_print_warning(const struct cb_event *event, const char *prefix);

#endif
