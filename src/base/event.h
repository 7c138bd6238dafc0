/* Progress: what a build, pull or push is doing, as a stream of events to one sink.
 * Emitters are many threads; a sink serialises. All text is borrowed for the call and may
 * be foreign (escape it when printing). */
#ifndef CB_BASE_EVENT_H
#define CB_BASE_EVENT_H

#include "base/error.h"

#include <stdint.h>

enum cb_event_kind {
    CB_EVENT_STEP_START,  /* id, name: "[builder 3/7] RUN make" */
    CB_EVENT_STEP_LOG,    /* id, stream (1, 2), text/len: raw output */
    CB_EVENT_STEP_STATUS, /* id, item ("sha256:ab12", "transferring context"), current (0:
                             nothing was moved), total (0 unknown), done; text ("Pushed"),
                             of ours, or NULL */
    CB_EVENT_STEP_CACHED, /* id: result comes from the cache; inputs */
    CB_EVENT_STEP_DONE,   /* id, inputs */
    CB_EVENT_STEP_ERROR,  /* id, error, inputs */
    CB_EVENT_STEP_CANCELED,
    CB_EVENT_WARNING,    /* text, rule (or NULL), source+span (or NULL) */
    CB_EVENT_NOTICE,     /* text: a line for people, such as whom we wait for */
    CB_EVENT_MISS,       /* id, text: why the cache had nothing, in words */
    CB_EVENT_STEP_USAGE, /* id, usage: what its process took, before its end is told */
};

struct cb_step_usage {
    uint64_t peak_memory_bytes, cpu_ns;
    uint64_t read_bytes, written_bytes; /* from and to block devices */
    int oom_killed;
    uint64_t memory_limit_bytes; /* 0: none */
};

struct cb_event {
    enum cb_event_kind kind;
    uint64_t id; /* step number from 1, unique in a command; 0: none */
    const char *name;
    const char *item;
    const char *text;
    size_t len;
    int stream;
    int done;
    uint64_t current, total; /* bytes */
    const char *rule;
    const struct cb_error *error;
    const struct cb_step_usage *usage;
    const uint64_t *inputs; /* the steps whose results it takes, as far as shown */
    size_t input_count;
    struct cb_source *source;
    struct cb_span span;
    int64_t time_ns; /* CLOCK_MONOTONIC, filled by cb_event_emit */
};

struct cb_event_sink {
    void (*emit)(struct cb_event_sink *sink, const struct cb_event *event);
};

/* SINK may be NULL. */
void cb_event_emit(struct cb_event_sink *sink, struct cb_event event);
/* A line of text for people: a NOTICE or a WARNING, of step ID or of none (0). */
void cb_event_say(struct cb_event_sink *sink, enum cb_event_kind kind, uint64_t id,
                  const char *format, ...) CB_PRINTF(4, 5);
/* A step number no other caller of this process gets. */
uint64_t cb_event_next_id(void);

/* Work that is shown as a step: announces NAME and returns the step's number. */
uint64_t cb_event_step_start(struct cb_event_sink *sink, const char *name);
/* How it went: STATUS, and if that is negative *ERROR, which goes over to ERR. Returns
 * STATUS. */
int cb_event_step_end(struct cb_event_sink *sink, uint64_t id, int status,
                      struct cb_error **error, struct cb_error **err);

#endif
