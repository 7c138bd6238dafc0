/* A container in the foreground, made known to others. Private to this directory. */
#ifndef CB_CONTAINER_FOREGROUND_H
#define CB_CONTAINER_FOREGROUND_H

#include "container/record.h"
#include "container/setup.h"

/* All borrowed, until cb_foreground_stop. */
struct cb_foreground_facts {
    struct cb_store *store;
    struct cb_launcher *launcher;
    const struct cb_container_options *options;
    const char *id;
    struct cb_snapshot *snapshot;
    struct cb_setup *setup;
    int root;
};

struct cb_foreground;
/* PROCESS, its first, runs. What cannot be recorded goes on all the same, with a warning.
 * NULL: there is no thread to be had. */
struct cb_foreground *cb_foreground_start(const struct cb_foreground_facts *facts,
                                          struct cb_process *process);
/* Who runs it gave it a signal: it goes on if it was paused. NULL is allowed. */
void cb_foreground_wake(struct cb_foreground *foreground);
/* It has ended. Nothing of FACTS is touched once this returns; NULL is allowed. */
void cb_foreground_stop(struct cb_foreground *foreground);
/* After it was stopped: tells who waits for its end, and forgets it. NULL is allowed. */
void cb_foreground_forget(struct cb_foreground *foreground, const struct cb_exit *end);

#endif
